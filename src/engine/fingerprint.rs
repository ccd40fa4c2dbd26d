//! Fingerprints. A finding's *fingerprint* is made of rule, path, the code itself and how often it came before; its
//! *content* of rule and code alone. Neither knows lines, nor names that a minifier gives.

use std::collections::HashMap;

use super::Hit;
use crate::package::Package;

/// Bytes of the normalised primary range that count.
const SNIPPET: usize = 240;

/// Gives every finding its fingerprint and content. The findings stand in order of place.
pub fn assign(package: &Package, hits: &mut [Hit]) {
    let mut seen: HashMap<blake3::Hash, u32> = HashMap::new();
    for hit in hits {
        let place = hit.finding.place;
        let source = package.source(place.file);
        let mut hasher = blake3::Hasher::new();
        for part in [hit.finding.rule, hit.finding.variant.unwrap_or("")] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(normalised(place.span.slice(&source.text)).as_bytes());
        hit.content = hasher.finalize().to_hex()[..16].to_owned();
        hasher.update(&[0]);
        hasher.update(stable_path(&source.path).as_bytes());
        let base = hasher.finalize();
        let count = seen.entry(base).or_insert(0);
        hasher.update(&count.to_le_bytes());
        *count += 1;
        hit.fingerprint = hasher.finalize().to_hex()[..32].to_owned();
    }
}

/// The path without the hashes that bundlers put into names.
fn stable_path(path: &str) -> String {
    let is_hash = |part: &str| {
        part.len() >= 6
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    let mut out = String::with_capacity(path.len());
    for part in path.split_inclusive(['/', '.', '-', '_']) {
        let body = part.trim_end_matches(['/', '.', '-', '_']);
        if is_hash(body) {
            out.push('#');
            out.push_str(&part[body.len()..]);
        } else {
            out.push_str(part);
        }
    }
    out
}

/// The code without white space, bodies of functions, one kind of quote, and without names of one or two letters, which
/// minifiers hand out anew with each build; cut at a bound.
fn normalised(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let flush = |word: &mut String, out: &mut String, quoted: bool| {
        let short =
            !quoted && word.len() <= 2 && word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$');
        out.push_str(if short && !word.is_empty() { "_" } else { word });
        word.clear();
    };
    // Depth of braces in the body of a function: what a callback does is no part of the call.
    let mut body = 0u32;
    for c in text.chars() {
        if out.len() >= SNIPPET {
            break;
        }
        if body > 0 {
            match (c, quote) {
                ('\'' | '"' | '`', None) => quote = Some(c),
                (c, Some(open)) if c == open && !escaped => quote = None,
                ('{', None) => body += 1,
                ('}', None) => body -= 1,
                _ => {}
            }
            escaped = c == '\\' && !escaped;
            if body == 0 {
                out.push('}');
            }
            continue;
        }
        if c.is_ascii_alphanumeric() || c == '_' || c == '$' {
            word.push(c);
            escaped = false;
            continue;
        }
        flush(&mut word, &mut out, quote.is_some());
        match (c, quote) {
            ('\'' | '"' | '`', None) => quote = Some(c),
            (c, Some(open)) if c == open && !escaped => quote = None,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if c == '{' && quote.is_none() && (out.ends_with("=>") || out.ends_with(')')) {
            body = 1;
        }
        if !c.is_whitespace() {
            // Quotes change when code is formatted.
            out.push(if c == '\'' { '"' } else { c });
        }
    }
    if out.len() < SNIPPET {
        flush(&mut word, &mut out, quote.is_some());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{normalised, stable_path};

    #[test]
    fn hashes_in_names_do_not_count() {
        assert_eq!(stable_path("js/app.3f2a9c1e.js"), stable_path("js/app.77b0c2d4.js"));
        assert_eq!(stable_path("chunk-2d0a3f1b.js"), stable_path("chunk-9c81de02.js"));
        assert_ne!(stable_path("pages/facade/facade.js"), stable_path("pages/decade/decade.js"));
    }

    #[test]
    fn layout_quotes_and_minified_names_do_not_count() {
        let source = "e.setStorageSync( 'tel',\n  t.telNumber )";
        assert_eq!(normalised(source), normalised("n.setStorageSync(\"tel\",r.telNumber)"));
        assert_ne!(normalised(source), normalised("n.setStorageSync(\"tel\",r.userName)"));
        let call = "swan.getLocation({ success: (res) => { keep(res, '}'); }, fail() {} })";
        assert_eq!(normalised(call), normalised("swan.getLocation({success:(res)=>{send(res);if(1){}},fail(){go()}})"));
        assert_ne!(normalised(call), normalised("swan.getLocation({success:(res)=>{},type:'gcj02',fail(){}})"));
        assert_ne!(normalised("f('a b')"), normalised("f('a c')"), "texts count, however short");
        assert_ne!(normalised("f(\"it's\", 'ab')"), normalised("f(\"it's\", 'cd')"));
    }
}
