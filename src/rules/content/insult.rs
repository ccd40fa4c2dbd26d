//! Finds insults, and the exposure of private lives.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/insult`
pub struct Insult;

impl Rule for Insult {
    fn id(&self) -> &'static str {
        "content/insult"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "insult", out);
    }
}
