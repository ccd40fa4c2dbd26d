//! `package/dead-end-dialog`: dialogs and overlays that the user cannot close or leave.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{Fact, HostCall, Place};
use crate::model::ir::{ExprKind, Key, Script};
use crate::model::surface::{data_keys, initial_data, member_names, settings};
use crate::model::{Unit, UnitId, UnitKind};
use crate::policy::host::Host;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, NodeKind};

use super::is_own;

/// Looks for dialogs without a cancel button whose only answer leads on, dialogs that reopen themselves, and overlays
/// that nothing closes.
pub struct DeadEndDialog;

const ID: &str = "package/dead-end-dialog";

/// What the only button of a dialog must not lead to.
const LEADS_ON: [&str; 11] = [
    "login",
    "authorize",
    "settings-open",
    "payment",
    "program-open",
    "app-open",
    "app-download",
    "share",
    "follow",
    "favorite",
    "subscribe",
];

/// Parts of class names that overlays go by.
const OVERLAYS: [&str; 9] = ["mask", "modal", "popup", "popups", "dialog", "overlay", "layer", "shade", "pop"];

impl Rule for DeadEndDialog {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if let Some(host) = cx.policy.host(&cx.package.host) {
            self.dialogs(cx, host, out);
            self.overlays(cx, host, out);
        }
    }
}

impl DeadEndDialog {
    fn dialogs(&self, cx: &Context<'_>, host: &Host, out: &mut Vec<Finding>) {
        let is_role = |call: &HostCall, role: &str| host.apis.get(&call.api).is_some_and(|api| api.has_role(role));
        let mut dialogs: BTreeMap<Place, &HostCall> = BTreeMap::new();
        for call in cx.solution.calls.iter().filter(|call| is_role(call, "dialog") && is_own(cx, call.place.file)) {
            dialogs.entry(call.place).or_insert(call);
        }
        for (place, dialog) in dialogs {
            let Some(api) = host.apis.get(&dialog.api) else { continue };
            let no_cancel = api
                .param("show-cancel")
                .and_then(|path| dialog.arg(path))
                .is_some_and(|value| value.boolean == Some(false));
            let after = |confirmed: bool| {
                let answer = if confirmed { Fact::DialogConfirmed(place) } else { Fact::DialogRefused(place) };
                cx.solution.calls_after(place).filter(move |call| call.facts.contains(&answer))
            };
            // Asking again after a refused permission is another rule's.
            let refused =
                |call: &HostCall| call.facts.iter().any(|fact| matches!(fact, Fact::Refused(_) | Fact::Failed(_)));
            let reopens = |confirmed: bool| after(confirmed).any(|call| call.place == place && !refused(call));
            let anyway = || {
                cx.solution.calls_at(place).any(|call| call.facts.contains(&Fact::Succeeded(place)) && !refused(call))
            };
            if reopens(false) || no_cancel && (reopens(true) || anyway()) {
                out.push(Finding::new(ID, place).variant("reopens"));
                continue;
            }
            if !no_cancel || dialog.facts.iter().any(|fact| matches!(fact, Fact::Refused(_))) {
                continue;
            }
            // Where there is but one answer, success is that answer.
            let answered = cx.solution.calls_after(place).filter(|call| call.facts.contains(&Fact::Succeeded(place)));
            let on = after(true).chain(answered).find(|call| LEADS_ON.iter().any(|role| is_role(call, role)));
            if let Some(on) = on {
                out.push(
                    Finding::new(ID, place)
                        .confidence(Confidence::Medium)
                        .text("name", format!("{}.{}", on.namespace, on.api))
                        .step(on.place, "package-call", on.api.clone()),
                );
            }
        }
    }

    fn overlays(&self, cx: &Context<'_>, host: &Host, out: &mut Vec<Finding>) {
        let shown_if = format!("{}if", host.info.directive_prefix);
        let mut told = BTreeSet::new();
        for (index, unit) in cx.program.units.iter().enumerate() {
            let component = unit.kind == UnitKind::Component;
            if !unit.live || unit.page.is_none() && !component {
                continue;
            }
            let Some(template) = unit.template.filter(|template| is_own(cx, *template)) else { continue };
            let Some(script) = unit.script.and_then(|script| cx.program.script(script)) else { continue };
            let (keys, unknown) = data_keys(script);
            if unknown {
                continue;
            }
            let Some(facts) = cx.program.template(template) else { continue };
            for (node, element) in cx.program.elements(template) {
                let layer = if is_overlay(element) {
                    fixed(element, cx, unit.style) || holds_touches(element)
                } else {
                    // By its own style only: a layer without the name of one.
                    &*element.name == "view" && element.attribute(&shown_if).is_some() && fixed(element, cx, None)
                };
                if !layer {
                    continue;
                }
                let condition = element.attribute(&shown_if).and_then(|attribute| attribute.value.as_ref());
                let condition = condition.map(|value| value.span.slice(&cx.package.source(template).text));
                // What the page sets, it can also take away.
                let settable = condition.is_some_and(|condition| {
                    let words: Vec<&str> = condition
                        .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
                        .filter(|word| !word.is_empty())
                        .collect();
                    words.is_empty()
                        || words
                            .iter()
                            .any(|word| keys.contains(*word) && !stays(cx, script, template, condition, word))
                        || condition.contains(['=', '<', '>'])
                });
                // A component's layer is shown for good only where every page that uses it says so.
                let fixed_on =
                    !component || condition.is_some_and(|condition| always_on(cx, index as UnitId, condition));
                if settable
                    || !fixed_on
                    || self.acts(cx, host, unit, template, facts, node)
                    || self.inside_overlay(facts, node)
                {
                    continue;
                }
                if told.insert((template, node)) {
                    out.push(
                        Finding::new(ID, Place { file: template, span: element.name_span })
                            .variant("overlay")
                            .confidence(Confidence::Medium)
                            .text("name", element.name.to_string()),
                    );
                }
            }
        }
    }

    /// Whether anything in the overlay, or the overlay itself, answers to the user.
    fn acts(
        &self,
        cx: &Context<'_>,
        host: &Host,
        unit: &Unit,
        template: FileId,
        facts: &crate::model::TemplateFacts,
        node: NodeId,
    ) -> bool {
        // What is shown on the same condition as a bare layer stands on it.
        let nodes = &facts.document.nodes;
        let bare = matches!(&nodes[node as usize].kind, NodeKind::Element(element) if element.children.is_empty());
        let shown_if = format!("{}if", host.info.directive_prefix);
        let parent = nodes[node as usize].parent;
        let shared = matches!(&nodes[parent as usize].kind, NodeKind::Element(element) if element.attribute(&shown_if).is_some());
        let top = if bare && shared { parent } else { node };
        let within = |mut at: NodeId| loop {
            if at == top {
                return true;
            }
            let parent = facts.document.nodes[at as usize].parent;
            if parent == at {
                return false;
            }
            at = parent;
        };
        let script = unit.script.and_then(|script| cx.program.script(script));
        let bound = cx.program.bindings_in(template).any(|binding| {
            &*binding.event != "touchmove"
                && within(binding.node)
                && !script
                    .is_some_and(|script| binding.handler.as_deref().is_some_and(|name| only_tells(host, script, name)))
        });
        bound
            || cx.program.elements(template).any(|(id, element)| {
                let known = host.components.get(&element.name);
                let active = known.is_none_or(|component| {
                    component
                        .roles
                        .iter()
                        .any(|role| matches!(&**role, "navigator" | "web-view" | "slot" | "template" | "include"))
                });
                active && id != node && within(id)
            })
    }

    fn inside_overlay(&self, facts: &crate::model::TemplateFacts, node: NodeId) -> bool {
        let mut at = node;
        loop {
            let parent = facts.document.nodes[at as usize].parent;
            if parent == at {
                return false;
            }
            at = parent;
            if let NodeKind::Element(element) = &facts.document.nodes[at as usize].kind
                && is_overlay(element)
            {
                return true;
            }
        }
    }
}

/// Whether a page shows something by a key that it only ever sets to `true`: what sets it otherwise is a method that nothing
/// binds and nothing calls.
fn stays(cx: &Context<'_>, script: &Script, template: FileId, condition: &str, key: &str) -> bool {
    let bare = condition.trim().trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ']);
    if bare != key {
        return false;
    }
    let called = member_names(script);
    let bound = |name: &str| {
        cx.program.bindings_in(template).any(|binding| binding.handler.as_deref().is_none_or(|handler| handler == name))
    };
    let hosts = cx.policy.host(&cx.package.host);
    let by_host = |name: &str| {
        name.starts_with("on")
            || matches!(name, "attached" | "ready" | "created" | "show" | "hide" | "observer" | "detached")
            || hosts.is_some_and(|host| host.info.page_events.contains_key(name))
    };
    let runs = |name: &Option<std::sync::Arc<str>>| {
        name.as_ref().is_none_or(|name| bound(name) || called.contains(name) || by_host(name))
    };
    let settings: Vec<_> = settings(script, key).into_iter().filter(|(method, _)| runs(method)).collect();
    let begins = initial_data(script, key);
    settings.iter().all(|(_, value)| *value == Some(true)) && (begins == Some(true) || !settings.is_empty())
}

/// Whether a property that the condition names is given as `true` wherever the component is used, and is so used.
fn always_on(cx: &Context<'_>, component: UnitId, condition: &str) -> bool {
    let name = condition.trim().trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ']);
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return false;
    }
    let mut uses = 0;
    let on = cx.program.units.iter().filter(|unit| unit.live).all(|unit| {
        let tags: Vec<&str> =
            unit.components.iter().filter(|(_, id)| **id == Some(component)).map(|(tag, _)| &**tag).collect();
        tags.is_empty()
            || unit.templates.iter().all(|file| {
                cx.program.elements(*file).filter(|(_, element)| tags.contains(&&*element.name)).all(|(_, element)| {
                    uses += 1;
                    let Some(attribute) = element.attribute(name) else { return false };
                    attribute.value.as_ref().is_some_and(|value| {
                        matches!(
                            value.span.slice(&cx.package.source(*file).text).trim(),
                            "{{true}}" | "{{ true }}" | "true"
                        )
                    })
                })
            })
    });
    on && uses > 0
}

/// Whether a handler does nothing but tell or show something (`showToast`, `previewImage`): a tap on it leads nowhere.
fn only_tells(host: &Host, script: &Script, handler: &str) -> bool {
    let Some(function) = script.functions.iter().find(|function| function.name.as_deref() == Some(handler)) else {
        return false;
    };
    let mut tells = false;
    let mut other = false;
    function.for_each_expr(&mut |expr| match &expr.kind {
        ExprKind::Call { callee, .. } => match &callee.kind {
            ExprKind::Member { object, key: Key::Static(name, _), .. }
                if matches!(object.kind, ExprKind::Global(_))
                    && host.apis.get(name).is_some_and(|api| api.has_role("toast") || api.has_role("ui")) =>
            {
                tells = true;
            }
            _ => other = true,
        },
        ExprKind::Assign { .. } | ExprKind::New { .. } | ExprKind::Await(_) => other = true,
        _ => {}
    });
    tells && !other
}

fn classes(element: &Element) -> Option<String> {
    element.attribute("class")?.value.as_ref()?.literal()
}

fn is_overlay(element: &Element) -> bool {
    classes(element).is_some_and(|classes| {
        classes.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| OVERLAYS.contains(&part))
    })
}

/// Whether nothing below the element feels a touch.
fn holds_touches(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| {
        attribute.name.trim_end_matches("move").ends_with("touch") && attribute.name.starts_with("catch")
    })
}

/// Whether the element covers the page: fixed by its own style or by the page's sheet, over its full height.
fn fixed(element: &Element, cx: &Context<'_>, style: Option<FileId>) -> bool {
    let covers = |rule: &str| {
        let rule: String = rule.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        let full = rule.contains("height:100%")
            || rule.contains("height:100vh")
            || rule.contains("inset:0")
            || rule.contains("top:0") && rule.contains("bottom:0");
        // What lets every touch through covers nothing.
        rule.contains("position:fixed") && full && !rule.contains("pointer-events:none")
    };
    let own =
        element.attribute("style").and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.literal());
    if own.is_some_and(|own| covers(&own)) {
        return true;
    }
    let (Some(style), Some(classes)) = (style, classes(element)) else { return false };
    let sheet = &cx.package.source(style).text;
    classes.split_whitespace().any(|class| {
        let selector = format!(".{class}");
        sheet.match_indices(&selector).any(|(at, _)| {
            let rest = &sheet[at + selector.len()..];
            let Some(open) = rest.find('{') else { return false };
            let whole = rest[..open].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
            let body = &rest[open + 1..];
            whole && rest[..open].trim().is_empty() && covers(&body[..body.find('}').unwrap_or(body.len())])
        })
    })
}
