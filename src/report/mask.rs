//! Masks personal information and secrets in everything that is shown. A masked text has as many characters as the
//! original, so that lines and columns stay true.

use std::collections::BTreeSet;

use crate::engine::Vetted;
use crate::policy::Policy;

/// Rules whose primary text is itself the secret.
const SECRET_RULES: &[&str] = &["security/leaked-secret", "privacy/literal-personal-information"];

/// Hides personal information and secrets.
#[derive(Debug, Default)]
pub struct Masker<'p> {
    policy: Option<&'p Policy>,
    literals: Vec<String>,
}

impl<'p> Masker<'p> {
    /// Hides nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Hides what the package's findings show to be secret, and what looks like it anywhere.
    pub fn new(vetted: &Vetted, policy: &'p Policy) -> Self {
        let mut literals = BTreeSet::new();
        for hit in &vetted.hits {
            if SECRET_RULES.contains(&hit.finding.rule) {
                let text = hit.finding.place.span.slice(&vetted.package.source(hit.finding.place.file).text);
                for part in text.lines() {
                    let part =
                        part.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';'));
                    if part.chars().count() >= 4 {
                        literals.insert(part.to_owned());
                    }
                }
            }
        }
        let mut literals: Vec<String> = literals.into_iter().collect();
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        Self { policy: Some(policy), literals }
    }

    /// The text with what must not be shown made unreadable.
    pub fn text(&self, text: &str) -> String {
        let Some(policy) = self.policy else { return text.to_owned() };
        let mut out = text.to_owned();
        for literal in &self.literals {
            if out.contains(literal.as_str()) {
                out = out.replace(literal.as_str(), &masked(literal));
            }
        }
        policy.privacy.mask(&out)
    }
}

/// Keeps a short head and hides the rest, character for character.
fn masked(text: &str) -> String {
    let keep = (text.chars().count() / 5).min(4);
    text.chars().enumerate().map(|(index, c)| if index < keep { c } else { '*' }).collect()
}
