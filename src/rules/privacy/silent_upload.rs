//! `privacy/silent-upload`

use std::collections::BTreeMap;

use super::evidence::{calls, entry_step, started_by_user, user_acted};
use crate::rules::{Confidence, Context, Finding, Rule};

/// User files are uploaded without a user action, or again and again.
pub struct SilentUpload;

const ID: &str = "privacy/silent-upload";

impl Rule for SilentUpload {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found = BTreeMap::new();
        for role in ["upload", "cloud-upload"] {
            for (call, api) in calls(cx, role) {
                // A countdown stops itself: what comes at its end comes once.
                let repeats = call.path.iter().any(|step| {
                    step.note == "calls"
                        && step.name.ends_with("setInterval")
                        && !step.place.span.slice(&cx.package.source(step.place.file).text).contains("clearInterval")
                });
                let acted = user_acted(cx, &call.entry, &call.facts) || started_by_user(cx, &call.path);
                if acted && !repeats {
                    continue;
                }
                let file = api.param("file").and_then(|path| call.arg(path));
                let known = file.is_some_and(|file| !file.kinds.is_empty());
                let constant = file.is_some_and(|file| {
                    !file.unknown && file.kinds.is_empty() && file.text().is_some_and(|text| !text.is_empty())
                });
                if constant {
                    continue;
                }
                found.entry(call.place).or_insert_with(|| {
                    let finding = Finding::new(ID, call.place)
                        .text("call", &*call.api)
                        .confidence(if known { Confidence::High } else { Confidence::Medium })
                        .steps([entry_step(&call.entry)])
                        .steps(call.path.iter().cloned());
                    if repeats { finding.variant("repeated") } else { finding }
                });
            }
        }
        out.extend(found.into_values());
    }
}
