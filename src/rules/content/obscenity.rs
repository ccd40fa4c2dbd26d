//! Finds pornography and sexual services.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/obscenity`
pub struct Obscenity;

impl Rule for Obscenity {
    fn id(&self) -> &'static str {
        "content/obscenity"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "obscenity", out);
    }
}
