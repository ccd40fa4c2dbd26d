//! `package/unhandled-refusal`: guarded APIs that have no branch for a user who says no.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::flow::{Fact, HostCall, Place};
use crate::model::surface::{awaited_calls, caught_calls, dropped_calls, settled_calls};
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
        let mut ends: HashMap<FileId, Ends> = HashMap::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace)
                || !is_own(cx, call.place.file)
                || call.handles_failure && !call.rejects
            {
                continue;
            }
            let Some(api) = host.apis.get(&call.api).filter(|api| api.prompt && api.available && api.returns.is_none())
            else {
                continue;
            };
            let Some(scope) = scope_of(call, api) else { continue };
            if !call.rejects
                && (ends_of(cx, &mut ends, call.place.file).settled.contains(&call.place.span)
                    || caught_by_caller(cx, &mut ends, call))
            {
                continue;
            }
            let place = match call.rejects {
                true => match unheard(cx, &mut ends, call) {
                    Some(place) => place,
                    None => continue,
                },
                false => call.place,
            };
            let granted = call.facts.iter().any(|fact| matches!(fact, Fact::Authorized(known) if *known == scope));
            if granted || handled_by_event(cx, host, api) || !told.insert(place) {
                continue;
            }
            let title = host.scopes.get(&scope).map_or_else(|| scope.to_string(), |scope| scope.title_zh.clone());
            out.push(
                Finding::new("package/unhandled-refusal", place)
                    .text("name", format!("{}.{}", call.namespace, call.api))
                    .text("scope", scope.to_string())
                    .text("title", title),
            );
        }
    }
}

/// What becomes of the promises of the calls in a script.
#[derive(Default)]
struct Ends {
    settled: BTreeSet<Span>,
    caught: BTreeSet<Span>,
    awaited: BTreeSet<Span>,
    dropped: BTreeSet<Span>,
}

fn ends_of<'e>(cx: &Context<'_>, known: &'e mut HashMap<FileId, Ends>, file: FileId) -> &'e Ends {
    known.entry(file).or_insert_with(|| match cx.program.script(file) {
        Some(script) => Ends {
            settled: settled_calls(script),
            caught: caught_calls(script),
            awaited: awaited_calls(script),
            dropped: dropped_calls(script),
        },
        None => Ends::default(),
    })
}

/// Whether the call is awaited, as are the calls that lead to it, up to one whose failure is caught.
fn caught_by_caller(cx: &Context<'_>, ends: &mut HashMap<FileId, Ends>, call: &HostCall) -> bool {
    if !ends_of(cx, ends, call.place.file).awaited.contains(&call.place.span) {
        return false;
    }
    for step in call.path.iter().skip(1).rev() {
        let ends = ends_of(cx, ends, step.place.file);
        if ends.settled.contains(&step.place.span) {
            return true;
        }
        if !ends.awaited.contains(&step.place.span) {
            return false;
        }
    }
    false
}

/// Where a promise that a refusal rejects is left alone: by the call that drops it, or by an entry point that waits for it. It
/// is told at the host's call, and where many APIs go through that, at the package's own call into it.
fn unheard(cx: &Context<'_>, known: &mut HashMap<FileId, Ends>, call: &HostCall) -> Option<Place> {
    let steps = call.path.get(1..)?;
    let made = steps.iter().rposition(|step| &*step.name == "Promise")?;
    let wrapper = steps.get(made.checked_sub(1).unwrap_or(made))?;
    let source = &cx.package.source(call.place.file).text;
    let name = call.api.rsplit('.').next().unwrap_or(&call.api);
    let place = if call.place.span.slice(source).contains(name) { call.place } else { wrapper.place };
    let mut waits = false;
    for step in steps[..=made].iter().rev() {
        let ends = ends_of(cx, known, step.place.file);
        let span = step.place.span;
        if ends.caught.contains(&span) {
            return None;
        }
        waits = ends.awaited.contains(&span);
        if !waits && ends.dropped.contains(&span) {
            return Some(place);
        }
        if !waits && !ends.settled.contains(&span) {
            return None;
        }
    }
    // The function that the host calls waits for it, and nobody waits for that.
    waits.then_some(place)
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
