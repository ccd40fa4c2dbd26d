//! Finds violence, terrorism and instigation to crime.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/violence-terror`
pub struct ViolenceTerror;

impl Rule for ViolenceTerror {
    fn id(&self) -> &'static str {
        "content/violence-terror"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "violence-terror", out);
    }
}
