//! Audio and video that start by themselves.

use super::support::{acted, api_name, boolean, calls, element_roles, units_of};
use crate::flow::{EntryKind, Place};
use crate::model::ir::{ExprKind, Key, Property};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::Element;

/// `conduct/autoplay-media`
#[derive(Debug)]
pub struct AutoplayMedia;

const MEDIA: &[&str] = &["video", "audio", "live-player"];
const CALLS: &[&str] = &["audio-play", "video-play", "live-play", "background-audio"];

impl Rule for AutoplayMedia {
    fn id(&self) -> &'static str {
        "conduct/autoplay-media"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let live = cx.package.submission.categories.iter().any(|category| category.contains("直播"));
        for index in 0..cx.package.files.len() {
            let file = FileId(index as u32);
            for (_, element) in cx.program.elements(file) {
                let roles = element_roles(cx, element);
                if !roles.iter().any(|role| MEDIA.contains(role)) || live && roles.contains(&"live-player") {
                    continue;
                }
                if on(cx, file, element, "autoplay") && !on(cx, file, element, "muted") {
                    let sure = if roles.contains(&"live-player") { Confidence::Medium } else { Confidence::High };
                    out.push(
                        Finding::new(self.id(), Place { file, span: element.open })
                            .text("text", format!("<{}>", element.name))
                            .confidence(sure),
                    );
                }
            }
        }
        for (place, group) in calls(cx, CALLS) {
            let starts = |api: &str| {
                api == "play" || api.ends_with(".play") || api.ends_with("resume") || api.starts_with("play")
            };
            let found = group.iter().find(|call| {
                !acted(call) && matches!(call.entry.kind, EntryKind::Load | EntryKind::TopLevel) && starts(&call.api)
            });
            if let Some(call) = found {
                out.push(Finding::new(self.id(), place).variant("call").text("text", api_name(call)).step(
                    call.entry.place,
                    "conduct-entry",
                    call.entry.method.clone(),
                ));
            }
        }
    }
}

/// Whether a boolean attribute is on when the page opens.
fn on(cx: &Context<'_>, file: FileId, element: &Element, name: &str) -> bool {
    match boolean(element, name) {
        None => false,
        Some(Some(on)) => on,
        Some(None) => {
            let source = &cx.package.source(file).text;
            let Some(value) = element.attribute(name).and_then(|attribute| attribute.value.as_ref()) else {
                return false;
            };
            let text = value.span.slice(source).trim();
            let inner = text.trim_start_matches(['{', '=', ' ']).trim_end_matches(['}', '=', ' ']);
            match inner {
                "true" | "!0" | "!false" | "1" => true,
                key => units_of(cx, file).any(|unit| unit.script.is_some_and(|script| starts_true(cx, script, key))),
            }
        }
    }
}

/// Whether the page's initial data holds that key as `true`.
fn starts_true(cx: &Context<'_>, file: FileId, key: &str) -> bool {
    let Some(script) = cx.program.script(file) else { return false };
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(properties) = &expr.kind else { return };
        for property in properties {
            if let Property::Value(Key::Static(name, _), value) = property
                && &**name == "data"
                && let ExprKind::Object(data) = &value.kind
            {
                found |= data.iter().any(|item| {
                    matches!(item, Property::Value(Key::Static(name, _), value) if &**name == key && matches!(value.kind, ExprKind::Bool(true)))
                });
            }
        }
    });
    found
}
