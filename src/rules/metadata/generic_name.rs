//! The name consists of generic words.

use super::name;
use crate::rules::{Context, Finding, Rule};

/// `metadata/generic-name`
pub struct GenericName;

impl Rule for GenericName {
    fn id(&self) -> &'static str {
        "metadata/generic-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        // A page title may be generic; only a name may not.
        let Some(name) = name(cx).filter(|name| name.given) else { return };
        if cx.policy.naming().is_generic(name.text) || cx.policy.category_table().is_industry(name.text) {
            out.push(Finding::new(self.id(), name.place).text("name", name.text));
        }
    }
}
