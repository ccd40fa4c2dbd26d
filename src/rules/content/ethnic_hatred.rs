//! Finds hatred and discrimination between ethnic groups.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/ethnic-hatred`
pub struct EthnicHatred;

impl Rule for EthnicHatred {
    fn id(&self) -> &'static str {
        "content/ethnic-hatred"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "ethnic-hatred", out);
    }
}
