//! Texts that offer to collect or settle money for others.

use super::support::told;
use crate::rules::{Context, Finding, Rule};

/// `conduct/fund-collection`
#[derive(Debug)]
pub struct FundCollection;

impl Rule for FundCollection {
    fn id(&self) -> &'static str {
        "conduct/fund-collection"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        told(cx, self.id(), "fund-collection", &[], out);
    }
}
