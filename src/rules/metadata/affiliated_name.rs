//! The name suggests a tie with the platform.

use super::name;
use crate::rules::{Context, Finding, Rule};

/// `metadata/affiliated-name`
pub struct AffiliatedName;

impl Rule for AffiliatedName {
    fn id(&self) -> &'static str {
        "metadata/affiliated-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(name) = name(cx) else { return };
        if let Some(word) = cx.policy.naming().affiliated(&cx.package.host, name.text) {
            out.push(
                Finding::new(self.id(), name.place)
                    .confidence(name.confidence())
                    .text("name", name.text)
                    .text("word", word),
            );
        }
    }
}
