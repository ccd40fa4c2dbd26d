//! Finds calls against the principles of the constitution.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/unconstitutional`
pub struct Unconstitutional;

impl Rule for Unconstitutional {
    fn id(&self) -> &'static str {
        "content/unconstitutional"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "unconstitutional", out);
    }
}
