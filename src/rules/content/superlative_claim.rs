//! Finds claims of being the best, first or only one.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/superlative-claim`
pub struct SuperlativeClaim;

impl Rule for SuperlativeClaim {
    fn id(&self) -> &'static str {
        "content/superlative-claim"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "superlative-claim", out);
    }
}
