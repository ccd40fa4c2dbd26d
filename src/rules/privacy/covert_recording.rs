//! `privacy/covert-recording`

use std::collections::BTreeMap;

use super::evidence::{calls, entry_name, entry_step, literal, user_acted};
use crate::rules::{Confidence, Context, Finding, Rule};

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
                let shown = role == "camera-start" && shows_preview(cx, &call.entry.route);
                // What reads along keeps nothing that the preview does not show.
                let reads_along = call.api.rsplit('.').next().is_some_and(|method| method.starts_with("on"));
                if user_acted(cx, &call.entry, &call.facts) || shown && reads_along {
                    continue;
                }
                found.entry(call.place).or_insert_with(|| {
                    let finding = Finding::new(ID, call.place)
                        .text("call", &*call.api)
                        .text("method", entry_name(&call.entry))
                        .steps([entry_step(&call.entry)])
                        .steps(call.path.iter().cloned());
                    let finding = if role == "camera-start" { finding.variant("camera") } else { finding };
                    if shown { finding.confidence(Confidence::Medium) } else { finding }
                });
            }
        }
        out.extend(found.into_values());
    }
}

/// Whether the page shows what its camera sees.
fn shows_preview(cx: &Context<'_>, route: &str) -> bool {
    let Some(unit) = cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)) else {
        return false;
    };
    unit.templates.iter().any(|file| {
        cx.program.elements(*file).any(|(_, element)| {
            let preview = element.name.contains("camera")
                || &*element.name == "canvas" && literal(element, "type").is_some_and(|kind| kind.contains("webgl"));
            let hidden = element.attribute("hidden").is_some()
                || literal(element, "style").is_some_and(|style| {
                    let style = style.replace(' ', "");
                    [
                        "display:none",
                        "opacity:0;",
                        "width:0",
                        "height:0",
                        "width:1px",
                        "left:-",
                        "top:-",
                        "visibility:hidden",
                    ]
                    .iter()
                    .any(|hide| style.contains(hide))
                        || style.ends_with("opacity:0")
                });
            preview && !hidden
        })
    })
}
