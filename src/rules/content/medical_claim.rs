//! Finds claims on cures and bodies.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/medical-claim`
pub struct MedicalClaim;

impl Rule for MedicalClaim {
    fn id(&self) -> &'static str {
        "content/medical-claim"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "medical-claim", out);
    }
}
