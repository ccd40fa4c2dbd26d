//! Finds services that no category allows: exam substitutes, surrogacy, ghost-writing and their kind.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/illicit-service`
pub struct IllicitService;

impl Rule for IllicitService {
    fn id(&self) -> &'static str {
        "content/illicit-service"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "illicit-service", out);
    }
}
