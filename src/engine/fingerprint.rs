//! Fingerprints that survive moved lines and renamed variables elsewhere: rule, path, the code itself, and how often
//! it came before.

use std::collections::HashMap;

use super::Hit;
use crate::package::Package;

/// Bytes of the primary range that count.
const SNIPPET: usize = 240;

/// Gives every finding its fingerprint. The findings stand in order of place.
pub fn assign(package: &Package, hits: &mut [Hit]) {
    let mut seen: HashMap<blake3::Hash, u32> = HashMap::new();
    for hit in hits {
        let place = hit.finding.place;
        let source = package.source(place.file);
        let mut hasher = blake3::Hasher::new();
        for part in [hit.finding.rule, hit.finding.variant.unwrap_or(""), &stable_path(&source.path)] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(normalised(place.span.slice(&source.text)).as_bytes());
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

/// The code without white space, cut at a bound.
fn normalised(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if out.len() >= SNIPPET {
            break;
        }
        // Quotes change when code is formatted.
        out.push(if c == '\'' { '"' } else { c });
    }
    out
}
