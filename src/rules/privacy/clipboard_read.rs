//! `privacy/clipboard-read`

use std::collections::BTreeMap;

use super::evidence::{calls, entry_name, entry_step, user_acted};
use crate::rules::{Context, Finding, Rule};

/// The clipboard is read with no user action.
pub struct ClipboardRead;

const ID: &str = "privacy/clipboard-read";

impl Rule for ClipboardRead {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found = BTreeMap::new();
        for (call, _) in calls(cx, "clipboard-read") {
            if !user_acted(cx, &call.entry, &call.facts) {
                found.entry(call.place).or_insert_with(|| {
                    Finding::new(ID, call.place)
                        .text("source", &*call.api)
                        .text("method", entry_name(&call.entry))
                        .steps([entry_step(&call.entry)])
                        .steps(call.path.iter().cloned())
                });
            }
        }
        out.extend(found.into_values());
    }
}
