//! The description advertises.

use super::description;
use crate::policy::naming::Promotion;
use crate::rules::{Context, Finding, Rule};

/// `metadata/promotional-description`
pub struct PromotionalDescription;

impl Rule for PromotionalDescription {
    fn id(&self) -> &'static str {
        "metadata/promotional-description"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some((text, place)) = description(cx) else { return };
        // One finding a description: the gravest kind.
        if let Some((kind, word)) = cx.policy.naming().promotions(text).into_iter().next() {
            let finding = Finding::new(self.id(), place).text("word", word);
            out.push(match kind {
                Promotion::Contact => finding.variant("contact"),
                Promotion::Official => finding.variant("official"),
                Promotion::Marketing => finding,
            });
        }
    }
}
