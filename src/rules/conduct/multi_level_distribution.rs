//! Texts on levels, downlines and commissions on them.

use super::support::told;
use crate::rules::{Context, Finding, Rule};

/// `conduct/multi-level-distribution`
#[derive(Debug)]
pub struct MultiLevelDistribution;

impl Rule for MultiLevelDistribution {
    fn id(&self) -> &'static str {
        "conduct/multi-level-distribution"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        told(cx, self.id(), "multi-level-distribution", &[], out);
    }
}
