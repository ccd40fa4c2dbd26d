//! Finds the terms of the project's own lists that belong to no class of the packs.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};
use crate::text::CUSTOM;

/// `content/custom-term`
pub struct CustomTerm;

impl Rule for CustomTerm {
    fn id(&self) -> &'static str {
        "content/custom-term"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), CUSTOM, out);
    }
}
