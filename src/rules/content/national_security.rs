//! Finds texts that endanger the state: secession, subversion, secrets.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/national-security`
pub struct NationalSecurity;

impl Rule for NationalSecurity {
    fn id(&self) -> &'static str {
        "content/national-security"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "national-security", out);
    }
}
