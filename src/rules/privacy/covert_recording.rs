//! `privacy/covert-recording`

use std::collections::BTreeMap;

use super::evidence::{calls, entry_step, user_acted};
use crate::rules::{Context, Finding, Rule};

/// Recording or camera capture starts with no user action.
pub struct CovertRecording;

const ID: &str = "privacy/covert-recording";

impl Rule for CovertRecording {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found = BTreeMap::new();
        for role in ["record-start", "camera-start"] {
            for (call, _) in calls(cx, role) {
                if user_acted(cx, &call.entry, &call.facts) {
                    continue;
                }
                found.entry(call.place).or_insert_with(|| {
                    let finding = Finding::new(ID, call.place)
                        .text("call", &*call.api)
                        .text("method", &*call.entry.method)
                        .steps([entry_step(&call.entry)])
                        .steps(call.path.iter().cloned());
                    if role == "camera-start" { finding.variant("camera") } else { finding }
                });
            }
        }
        out.extend(found.into_values());
    }
}
