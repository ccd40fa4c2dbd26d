//! Texts that pay for forwarding, reading or inviting.

use super::support::told;
use crate::rules::{Context, Finding, Rule};

/// `conduct/paid-forwarding`
#[derive(Debug)]
pub struct PaidForwarding;

impl Rule for PaidForwarding {
    fn id(&self) -> &'static str {
        "conduct/paid-forwarding"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        told(cx, self.id(), "paid-forwarding", &["multi-level-distribution"], out);
    }
}
