//! Texts that offer cheats, cracks or boosting.

use super::support::told;
use crate::rules::{Context, Finding, Rule};

/// `conduct/cheating-tool`
#[derive(Debug)]
pub struct CheatingTool;

impl Rule for CheatingTool {
    fn id(&self) -> &'static str {
        "conduct/cheating-tool"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        told(cx, self.id(), "cheating-tool", &[], out);
    }
}
