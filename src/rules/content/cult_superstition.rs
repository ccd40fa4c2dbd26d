//! Finds cults, and superstition as a paid service.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/cult-superstition`
pub struct CultSuperstition;

impl Rule for CultSuperstition {
    fn id(&self) -> &'static str {
        "content/cult-superstition"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "cult-superstition", out);
    }
}
