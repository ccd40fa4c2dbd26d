//! Finds gambling, betting and private lotteries.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/gambling`
pub struct Gambling;

impl Rule for Gambling {
    fn id(&self) -> &'static str {
        "content/gambling"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "gambling", out);
    }
}
