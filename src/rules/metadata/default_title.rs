//! The home title is a tool's default, or there is none.

use std::sync::Arc;

use super::{app_start, home_title};
use crate::flow::Place;
use crate::model::ir::{ExprKind, Key};
use crate::rules::drawn::unseen;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;

/// `metadata/default-title`
pub struct DefaultTitle;

impl Rule for DefaultTitle {
    fn id(&self) -> &'static str {
        "metadata/default-title"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(home) = cx.package.pages.first() else { return };
        // A compiled list of pages keeps titles elsewhere.
        if cx.package.written_app().is_none() || cx.package.game || custom_bar(cx) || set_at_run_time(cx, &home.route) {
            return;
        }
        match home_title(cx) {
            Some(title) if title.text.trim().is_empty() => {
                out.push(Finding::new(self.id(), title.place).variant("empty"));
            }
            Some(title) if cx.policy.naming().is_default_title(title.text) => {
                out.push(Finding::new(self.id(), title.place).text("title", title.text));
            }
            Some(_) => {}
            None => {
                let Some(place) = app_start(cx) else { return };
                out.push(Finding::new(self.id(), place).variant("empty"));
            }
        }
    }
}

/// Whether the home page draws its own bar.
fn custom_bar(cx: &Context<'_>) -> bool {
    let Some(home) = cx.package.pages.first() else { return false };
    let unit = cx.program.by_route.get(&home.route).and_then(|unit| cx.program.units.get(*unit as usize));
    let page = unit.and_then(|unit| cx.package.files.get(unit.config?.index())?.json.as_ref());
    let window = cx.package.app_json().and_then(|json| json.get("window"));
    let style = [page, window].into_iter().flatten().find_map(|json| json.get("navigationStyle")?.as_str());
    style == Some("custom")
}

/// Whether the home page or the app sets the title by a call.
fn set_at_run_time(cx: &Context<'_>, home: &str) -> bool {
    let Some(host) = cx.policy.host(&cx.package.host) else { return false };
    let sets = |api: &str| host.apis.get(api).is_some_and(|api| api.has_role("title"));
    cx.solution.calls.iter().any(|call| (&*call.entry.route == home || call.entry.route.is_empty()) && sets(&call.api))
        || cx.program.by_route.get(home).and_then(|unit| cx.program.units.get(*unit as usize)?.script).is_some_and(
            // In a function that the page hands to others, who call it in their time.
            |file| written_calls(cx, file, &host.info.namespaces).any(|(place, api)| sets(&api) && !unseen(cx, place)),
        )
}

/// Calls of the host's APIs as they stand in a script.
fn written_calls<'c>(
    cx: &Context<'c>,
    file: FileId,
    namespaces: &'c [Arc<str>],
) -> impl Iterator<Item = (Place, Arc<str>)> + use<'c> {
    let mut out = Vec::new();
    if let Some(script) = cx.program.script(file) {
        script.for_each_expr(&mut |expr| {
            if let ExprKind::Call { callee, .. } = &expr.kind
                && let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind
                && matches!(&object.kind, ExprKind::Global(global) if namespaces.contains(global))
            {
                out.push((Place { file, span: expr.span }, name.clone()));
            }
        });
    }
    out.into_iter()
}
