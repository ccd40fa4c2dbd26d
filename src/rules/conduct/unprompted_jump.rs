//! Other mini-programs that open without a user action.

use super::support::{acted, api_name, calls};
use crate::rules::{Context, Finding, Rule};

/// `conduct/unprompted-jump`
#[derive(Debug)]
pub struct UnpromptedJump;

impl Rule for UnpromptedJump {
    fn id(&self) -> &'static str {
        "conduct/unprompted-jump"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (place, group) in calls(cx, &["program-open"]) {
            if let Some(call) = group.iter().find(|call| !acted(call)) {
                out.push(
                    Finding::new(self.id(), place)
                        .text("text", api_name(call))
                        .step(call.entry.place, "conduct-entry", call.entry.method.clone())
                        .steps(call.path.iter().cloned()),
                );
            }
        }
    }
}
