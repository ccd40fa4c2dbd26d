//! Style sheets, as far as it matters what they hide: selectors and declarations.

use std::collections::HashMap;

use crate::source::Span;

/// A rule of a style sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StyleRule {
    /// One selector of its list, nested ones joined to their parents by a space.
    pub selector: String,
    /// Declarations in order.
    pub declarations: Vec<Declaration>,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Property, lower case.
    pub name: String,
    /// Value, lower case, without `!important`.
    pub value: String,
    /// Name and value.
    pub span: Span,
}

/// Nesting that is followed.
const MAX_DEPTH: usize = 16;

/// Reads a style sheet. Comments and what cannot be read are passed over.
pub fn parse(text: &str) -> Vec<StyleRule> {
    let mut rules = Vec::new();
    let mut stack: Vec<(Vec<String>, Vec<Declaration>)> = Vec::new();
    let clean = without_comments(text);
    let mut from = 0;
    let mut quote = None;
    for (at, byte) in clean.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open || byte == b'\n' => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => {
                let head = clean.get(from..at).unwrap_or("").trim();
                let parents = stack.last().map(|(selectors, _)| selectors.clone()).unwrap_or_default();
                let own: Vec<String> = if head.starts_with('@') {
                    parents
                } else {
                    let own = head.split(',').map(str::trim).filter(|one| !one.is_empty());
                    own.flat_map(|one| {
                        if parents.is_empty() {
                            vec![one.to_owned()]
                        } else {
                            parents.iter().take(8).map(|parent| nest(parent, one)).collect()
                        }
                    })
                    .take(64)
                    .collect()
                };
                if stack.len() < MAX_DEPTH {
                    stack.push((own, Vec::new()));
                }
                from = at + 1;
            }
            (None, b';' | b'}') => {
                if let Some((_, declarations)) = stack.last_mut() {
                    declarations.extend(declaration(&clean, from, at));
                }
                from = at + 1;
                if byte == b'}'
                    && let Some((selectors, declarations)) = stack.pop()
                    && !declarations.is_empty()
                {
                    rules.extend(
                        selectors
                            .into_iter()
                            .map(|selector| StyleRule { selector, declarations: declarations.clone() }),
                    );
                }
            }
            _ => {}
        }
    }
    rules
}

/// Reads the declarations of a `style` attribute that starts at `start`.
pub fn inline(text: &str, start: u32) -> Vec<Declaration> {
    let mut out = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(';').chain([(text.len(), "")]) {
        out.extend(declaration(text, from, at).map(|mut one| {
            one.span = one.span.shifted(start);
            one
        }));
        from = at + 1;
    }
    out
}

/// The last value of each property.
pub fn resolve<'d>(declarations: impl IntoIterator<Item = &'d Declaration>) -> HashMap<&'d str, &'d Declaration> {
    declarations.into_iter().map(|one| (one.name.as_str(), one)).collect()
}

fn nest(parent: &str, own: &str) -> String {
    if own.contains('&') { own.replace('&', parent) } else { format!("{parent} {own}") }
}

fn declaration(text: &str, from: usize, to: usize) -> Option<Declaration> {
    let raw = text.get(from..to)?;
    let (name, value) = raw.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let value = value.trim().to_ascii_lowercase();
    let value = value.strip_suffix("!important").unwrap_or(&value).trim().to_owned();
    let start = from + raw.len() - raw.trim_start().len();
    Some(Declaration { name, value, span: Span::new(start as u32, (from + raw.trim_end().len()) as u32) })
}

/// The text with comments blanked, byte for byte.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        let end = rest[start + 2..].find("*/").map_or(rest.len(), |end| start + 2 + end + 2);
        out.extend(rest[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rules_nested_and_commented() {
        let text = "/* 注 */.a, .b { color: #FFF; .c { display:none } }\n@media x { .d{left:-9999px!important} }";
        let rules = parse(text);
        let told: Vec<String> = rules
            .iter()
            .map(|rule| {
                let all: Vec<_> = rule.declarations.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
                format!("{} {}", rule.selector, all.join(","))
            })
            .collect();
        assert_eq!(
            told,
            [".a .c display=none", ".b .c display=none", ".a color=#fff", ".b color=#fff", ".d left=-9999px",]
        );
        assert_eq!(rules[2].declarations[0].span.slice(text), "color: #FFF");
    }
}
