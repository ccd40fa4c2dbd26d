//! Finds posing as the state, an institution or the platform.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/impersonation`
pub struct Impersonation;

impl Rule for Impersonation {
    fn id(&self) -> &'static str {
        "content/impersonation"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "impersonation", out);
    }
}
