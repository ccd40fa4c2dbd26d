//! Masks personal information and secrets in everything that is shown. A masked text has the length of the original
//! in bytes, so that ranges stay true.

use std::collections::BTreeSet;

use crate::engine::Vetted;
use crate::policy::Policy;

/// Rules whose primary text is itself the secret.
const SECRET_RULES: &[&str] = &["security/leaked-secret", "privacy/literal-personal-information"];

/// Hides personal information and secrets.
#[derive(Debug, Default)]
pub struct Masker {
    on: bool,
    literals: Vec<String>,
}

impl Masker {
    /// Hides nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Hides what the package's findings show to be secret, and what looks like it anywhere.
    pub fn new(vetted: &Vetted, _policy: &Policy) -> Self {
        let mut literals = BTreeSet::new();
        for hit in &vetted.hits {
            if SECRET_RULES.contains(&hit.finding.rule) {
                let text = hit.finding.place.span.slice(&vetted.package.source(hit.finding.place.file).text);
                for part in text.lines() {
                    let part = part.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';'));
                    if part.chars().count() >= 4 {
                        literals.insert(part.to_owned());
                    }
                }
            }
        }
        let mut literals: Vec<String> = literals.into_iter().collect();
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        Self { on: true, literals }
    }

    /// The text with what must not be shown made unreadable.
    pub fn text(&self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let mut out = text.to_owned();
        for literal in &self.literals {
            if out.contains(literal.as_str()) {
                out = out.replace(literal.as_str(), &masked(literal));
            }
        }
        digits(&mut out);
        out
    }
}

/// Keeps a short head and hides the rest, byte for byte.
fn masked(text: &str) -> String {
    let keep = (text.chars().count() / 5).min(4);
    text.chars()
        .enumerate()
        .map(|(index, c)| if index < keep { c.to_string() } else { "*".repeat(c.len_utf8()) })
        .collect()
}

/// Hides the middle of digit runs that are as long as a phone, card or identity number.
fn digits(text: &mut String) {
    let bytes = text.as_bytes();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let part_of_name = before.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'.');
        let phone = at - start == 11 && bytes[start] == b'1' && (b'3'..=b'9').contains(&bytes[start + 1]);
        if !part_of_name && (phone || (15..=19).contains(&(at - start))) {
            runs.push((start + 3, at - 2));
        }
    }
    for (start, end) in runs {
        text.replace_range(start..end, &"*".repeat(end - start));
    }
}
