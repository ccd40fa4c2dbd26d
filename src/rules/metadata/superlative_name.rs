//! The name holds superlatives, marketing or certification words.

use super::name;
use crate::rules::{Context, Finding, Rule};

/// `metadata/superlative-name`
pub struct SuperlativeName;

impl Rule for SuperlativeName {
    fn id(&self) -> &'static str {
        "metadata/superlative-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(name) = name(cx) else { return };
        if let Some(word) = cx.policy.naming().superlative.find(name.text) {
            out.push(
                Finding::new(self.id(), name.place)
                    .confidence(name.confidence())
                    .text("name", name.text)
                    .text("word", word),
            );
        }
    }
}
