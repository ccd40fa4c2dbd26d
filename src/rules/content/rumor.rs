//! Finds the wording that makes people pass on what nobody vouches for.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/rumor`
pub struct Rumor;

impl Rule for Rumor {
    fn id(&self) -> &'static str {
        "content/rumor"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "rumor", out);
    }
}
