//! `package/missing-handler`: a template binds a method that its page or component lacks.

use std::collections::{HashMap, HashSet};

use crate::flow::Place;
use crate::model::given::{self, Given};
use crate::model::ir::{ExprKind, Key, Name, Pattern};
use crate::model::surface::{Methods, hands_out_itself, methods_with};
use crate::model::{Binding, Unit, UnitId};
use crate::policy::conduct::name_words;
use crate::rules::{Context, Finding, Rule, Severity};
use crate::source::Span;
use crate::syntax::template::{Element, Node, NodeId, NodeKind};

use super::{is_own, nearest};

/// Compares bound names with the methods of live units whose methods are all known.
pub struct MissingHandler;

impl Rule for MissingHandler {
    fn id(&self) -> &'static str {
        "package/missing-handler"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut known: HashMap<UnitId, Option<Methods>> = HashMap::new();
        let lent = std::cell::OnceCell::new();
        let given = given::by_registration(cx.program);
        let mut parts = HashMap::new();
        let mut missing: Vec<(&Binding, Finding)> = Vec::new();
        for binding in &cx.program.bindings {
            let Some(handler) = &binding.handler else { continue };
            let Some(unit) = cx.program.units.get(binding.unit as usize) else { continue };
            if !unit.live || !is_own(cx, binding.template) {
                continue;
            }
            let methods = known.entry(binding.unit).or_insert_with(|| {
                let file = unit.script.filter(|script| is_own(cx, *script))?;
                let script = cx.program.script(file)?;
                let module = |span: Span| {
                    let required = cx.program.requires.get(file.index())?.iter().find(|one| one.span == span)?;
                    cx.program.script(required.target?)
                };
                let mut methods = methods_with(script, &module);
                if hands_out_itself(script) {
                    methods.names.extend(lent.get_or_init(|| hung_on_others(cx)).iter().cloned());
                    methods.complete &= !Given::from(cx.program, file).unknown;
                }
                for given in methods.registers.iter().filter_map(|name| given.get(name)) {
                    methods.names.extend(given.names.iter().cloned());
                    methods.complete &= !given.unknown;
                }
                (methods.complete && !not_understood(cx, file)).then_some(methods)
            });
            let Some(methods) = methods else { continue };
            if let Some(span) = methods.idle.get(handler)
                && &*binding.event == "tap"
                && binding.user_action
                && unit.script.is_some_and(|script| commented_out(span.slice(&cx.package.source(script).text)))
                && !catches(cx, binding.template, binding.node)
                && rendered(cx, &mut parts, binding)
            {
                out.push(
                    Finding::new("package/missing-handler", Place { file: binding.template, span: binding.span })
                        .variant("emptied")
                        .severity(Severity::Note)
                        .text("handler", handler.to_string())
                        .text("unit", unit.route.to_string())
                        .text("event", binding.event.to_string()),
                );
                continue;
            }
            if methods.names.contains(handler)
                || handler.contains(['{', '}'])
                || is_stopper(cx, binding.template, binding.node, &binding.event, handler)
                || bound_twice(cx, binding)
                || !rendered(cx, &mut parts, binding)
            {
                continue;
            }
            let place = Place { file: binding.template, span: binding.span };
            let mut finding = Finding::new("package/missing-handler", place)
                .text("handler", handler.to_string())
                .text("unit", unit.route.to_string())
                .text("event", binding.event.to_string());
            if methods.beside.contains(handler) {
                finding = finding.variant("beside");
            } else if let Some(near) = nearest(handler, methods.names.iter().map(|name| &**name)) {
                finding = finding.variant("near").text("near", near);
            }
            missing.push((binding, finding));
        }
        for (binding, finding) in missing {
            let Some(handler) = &binding.handler else { continue };
            // A part of several pages that one of them shows, and that one has the method.
            let others = cx.program.bindings_in(binding.template).filter(|other| {
                other.node == binding.node && other.unit != binding.unit && other.handler == binding.handler
            });
            let has = |unit: UnitId| {
                known
                    .get(&unit)
                    .is_some_and(|methods| methods.as_ref().is_none_or(|methods| methods.names.contains(handler)))
            };
            if !(others.map(|other| other.unit).any(has) && conditional(cx, binding)) {
                out.push(finding);
            }
        }
    }
}

/// Notes of blind spots that leave open what a page or component registers.
const GAPS: [&str; 2] = ["opaque-options", "unregistered-unit"];

/// Whether the analyses could not tell what a script registers, though they had the steps to.
fn not_understood(cx: &Context<'_>, script: crate::source::FileId) -> bool {
    !cx.solution.exhausted
        && cx.solution.blind_spots.iter().any(|spot| spot.place.file == script && GAPS.contains(&spot.note))
}

/// Whether an element, or one around it, is shown on a condition.
fn conditional(cx: &Context<'_>, binding: &Binding) -> bool {
    let (Some(facts), Some(host)) = (cx.program.template(binding.template), cx.policy.host(&cx.package.host)) else {
        return false;
    };
    let nodes = &facts.document.nodes;
    let mut at = binding.node;
    loop {
        if let NodeKind::Element(element) = &nodes[at as usize].kind
            && ["if", "elif", "else"]
                .iter()
                .any(|name| element.attribute(&format!("{}{name}", host.info.directive_prefix)).is_some())
        {
            return true;
        }
        let parent = nodes[at as usize].parent;
        if parent == at {
            return false;
        }
        at = parent;
    }
}

/// Whether a function without statements holds code in comments: what it did is gone, its entry is not.
fn commented_out(function: &str) -> bool {
    let Some((_, body)) = function.split_once('{') else { return false };
    let comments = body.lines().map(str::trim).skip_while(|line| !line.starts_with(['/', '*']));
    comments.filter(|line| line.ends_with([';', '{', '}', ',', ')']) && line.contains(['(', '=', ':'])).count() > 0
}

/// Whether the element also stops an event, for which an empty method is enough.
fn catches(cx: &Context<'_>, template: crate::source::FileId, node: NodeId) -> bool {
    let Some(facts) = cx.program.template(template) else { return false };
    let NodeKind::Element(element) = &facts.document.nodes[node as usize].kind else { return false };
    element.attributes.iter().any(|attribute| attribute.name.starts_with("catch"))
}

/// Names of the functions that scripts hang on objects of others (`this.page.start = this.start.bind(this)`).
fn hung_on_others(cx: &Context<'_>) -> HashSet<Name> {
    let mut out = HashSet::new();
    for script in cx.program.facts.iter().filter_map(|facts| facts.script.as_ref()) {
        script.for_each_expr(&mut |expr| {
            if let ExprKind::Assign { target, value, .. } = &expr.kind
                && let Pattern::Member(member) = &**target
                && let ExprKind::Member { object, key: Key::Static(name, _), .. } = &member.kind
                && matches!(object.kind, ExprKind::Var(_) | ExprKind::Member { .. })
                && matches!(
                    value.kind,
                    ExprKind::Function(_)
                        | ExprKind::Call { .. }
                        | ExprKind::Member { .. }
                        | ExprKind::Var(_)
                        | ExprKind::Global(_)
                )
            {
                out.insert(name.clone());
            }
        });
    }
    out
}

/// Whether the binding only stops an event (`catchtouchmove="true"`), for which any name will do.
fn is_stopper(cx: &Context<'_>, template: crate::source::FileId, node: NodeId, event: &str, handler: &str) -> bool {
    if matches!(handler, "true" | "false" | "return" | "null" | "none") {
        return true;
    }
    let Some(facts) = cx.program.template(template) else { return false };
    let NodeKind::Element(element) = &facts.document.nodes[node as usize].kind else { return false };
    let catches = |element: &Element| {
        element.attributes.iter().any(|attribute| {
            attribute.name.contains("catch") && attribute.name.to_ascii_lowercase().ends_with(&event.to_lowercase())
        })
    };
    if !catches(element) {
        return false;
    }
    let conduct = &cx.policy.conduct;
    let alone = name_words(handler).len() == 1 && conduct.names("id-stopper-whole", handler);
    let names = conduct.names("id-stopper", handler) || alone || handler.trim().is_empty();
    // A box in a layer that closes at the same event: its own handler only keeps the layer open.
    let layered = || {
        if !element
            .children
            .iter()
            .any(|child| matches!(facts.document.nodes[*child as usize].kind, NodeKind::Element(_)))
        {
            return false;
        }
        let mut at = facts.document.nodes[node as usize].parent;
        let mut boxed = 0;
        while at != 0 && boxed < 2 {
            if let NodeKind::Element(around) = &facts.document.nodes[at as usize].kind
                && around.attributes.iter().any(|attribute| {
                    (attribute.name.starts_with("bind") || attribute.name.contains("catch"))
                        && attribute.name.to_ascii_lowercase().ends_with(&event.to_lowercase())
                        && attribute
                            .value
                            .as_ref()
                            .and_then(|value| value.literal())
                            .is_some_and(|closer| cx.policy.conduct.names("id-closer", &closer))
                })
            {
                return true;
            }
            at = facts.document.nodes[at as usize].parent;
            boxed += 1;
        }
        false
    };
    event.eq_ignore_ascii_case("touchmove") || names || layered()
}

/// Whether the element binds the event twice, which is told as broken markup.
fn bound_twice(cx: &Context<'_>, binding: &Binding) -> bool {
    let Some(facts) = cx.program.template(binding.template) else { return false };
    let NodeKind::Element(element) = &facts.document.nodes[binding.node as usize].kind else { return false };
    let own = element.attributes.iter().find(|attribute| attribute.span.contains(binding.span));
    own.is_some_and(|own| element.attributes.iter().filter(|attribute| attribute.name == own.name).count() > 1)
}

/// Whether the unit renders the element: parts of a shared `<template name>` count only where it is used.
fn rendered(cx: &Context<'_>, parts: &mut HashMap<UnitId, HashSet<String>>, binding: &Binding) -> bool {
    let Some(facts) = cx.program.template(binding.template) else { return false };
    let Some(name) = definition_around(&facts.document.nodes, binding.node) else { return true };
    let (Some(name), Some(unit)) = (name, cx.program.units.get(binding.unit as usize)) else { return false };
    parts.entry(binding.unit).or_insert_with(|| used_parts(cx, unit)).contains(&name)
}

/// Names of the template parts that a unit renders. What a part uses that nothing uses is not rendered either.
fn used_parts(cx: &Context<'_>, unit: &Unit) -> HashSet<String> {
    let mut uses: Vec<(Option<String>, String)> = Vec::new();
    for file in &unit.templates {
        let Some(template) = cx.program.template(*file) else { continue };
        for (at, element) in cx.program.elements(*file).filter(|(_, element)| &*element.name == "template") {
            let is = element.attribute("is").and_then(|is| is.value.as_ref()).and_then(|value| value.literal());
            if let Some(used) = is {
                let inside = definition_around(&template.document.nodes, at);
                uses.push((inside.map(Option::unwrap_or_default), used));
            }
        }
    }
    let mut reached: HashSet<String> = HashSet::new();
    loop {
        let before = reached.len();
        for (inside, used) in &uses {
            if inside.as_deref().is_none_or(|inside| reached.contains(inside)) {
                reached.insert(used.clone());
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

/// The `<template name>` that a node stands in, outermost, if any; its name where that is constant.
fn definition_around(nodes: &[Node], node: NodeId) -> Option<Option<String>> {
    let mut at = node;
    let mut definition = None;
    loop {
        let parent = nodes[at as usize].parent;
        if parent == at {
            return definition;
        }
        at = parent;
        if let NodeKind::Element(element) = &nodes[at as usize].kind
            && &*element.name == "template"
            && let Some(name) = element.attribute("name")
        {
            definition = Some(name.value.as_ref().and_then(|value| value.literal()));
        }
    }
}
