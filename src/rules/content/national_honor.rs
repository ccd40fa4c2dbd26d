//! Finds texts that dishonour the state, its symbols or its heroes.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/national-honor`
pub struct NationalHonor;

impl Rule for NationalHonor {
    fn id(&self) -> &'static str {
        "content/national-honor"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "national-honor", out);
    }
}
