//! `package/unhandled-refusal`: guarded APIs that have no branch for a user who says no.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::flow::{Fact, HostCall};
use crate::model::surface::{awaited_calls, settled_calls};
use crate::policy::host::{Api, Host};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

use super::is_own;

/// Looks for calls behind a scope, and for authorization calls, without a failure branch.
pub struct UnhandledRefusal;

impl Rule for UnhandledRefusal {
    fn id(&self) -> &'static str {
        "package/unhandled-refusal"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        // A call stands for a place: it is handled when every way there is.
        let mut told = BTreeSet::new();
        let mut settled: HashMap<FileId, BTreeSet<Span>> = HashMap::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace) || !is_own(cx, call.place.file) || call.handles_failure {
                continue;
            }
            let Some(api) = host.apis.get(&call.api).filter(|api| api.prompt && api.available && api.returns.is_none())
            else {
                continue;
            };
            let Some(scope) = scope_of(call, api) else { continue };
            let settled = settled
                .entry(call.place.file)
                .or_insert_with(|| cx.program.script(call.place.file).map(settled_calls).unwrap_or_default());
            if settled.contains(&call.place.span) || caught_by_caller(cx, call) {
                continue;
            }
            let granted = call.facts.iter().any(|fact| matches!(fact, Fact::Authorized(known) if *known == scope));
            if granted || handled_by_event(cx, host, api) || !told.insert(call.place) {
                continue;
            }
            let title = host.scopes.get(&scope).map_or_else(|| scope.to_string(), |scope| scope.title_zh.clone());
            out.push(
                Finding::new("package/unhandled-refusal", call.place)
                    .text("name", format!("{}.{}", call.namespace, call.api))
                    .text("scope", scope.to_string())
                    .text("title", title),
            );
        }
    }
}

/// Whether the call is awaited, as are the calls that lead to it, up to one whose failure is caught.
fn caught_by_caller(cx: &Context<'_>, call: &HostCall) -> bool {
    let script = |file: FileId| cx.program.script(file);
    if !script(call.place.file).is_some_and(|script| awaited_calls(script).contains(&call.place.span)) {
        return false;
    }
    for step in call.path.iter().skip(1).rev() {
        let Some(script) = script(step.place.file) else { return false };
        if settled_calls(script).contains(&step.place.span) {
            return true;
        }
        if !awaited_calls(script).contains(&step.place.span) {
            return false;
        }
    }
    false
}

/// The scope that a call asks for.
fn scope_of(call: &HostCall, api: &Api) -> Option<Arc<str>> {
    if api.has_role("authorize") {
        let value = call.arg(api.param("scope")?)?;
        return value.text().map(Arc::from);
    }
    api.scope.clone()
}

/// Whether the answer comes by events: an error event of the same object, or of the component that shows the camera.
fn handled_by_event(cx: &Context<'_>, host: &Host, api: &Api) -> bool {
    let Some((object, _)) = api.name.split_once('.') else { return false };
    let event = format!("{object}.onError");
    if cx.solution.calls.iter().any(|call| *call.api == *event) {
        return true;
    }
    api.has_role("camera-start")
        && cx.program.bindings.iter().any(|binding| {
            &*binding.event == "error"
                && cx.program.template(binding.template).is_some_and(|template| {
                    let node = &template.document.nodes[binding.node as usize].kind;
                    let crate::syntax::template::NodeKind::Element(element) = node else { return false };
                    let component = host.components.get(&element.name);
                    component.is_some_and(|component| component.roles.iter().any(|role| &**role == "camera"))
                })
        })
}
