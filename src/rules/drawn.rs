//! What no user ever sees: elements behind a constant that is false, and template definitions that nothing uses.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::flow::Place;
use crate::model::Unit;
use crate::model::surface::methods;
use crate::policy::host::HostInfo;
use crate::rules::Context;
use crate::source::{FileId, Span};
use crate::syntax::template::{Element, NodeKind, Part};

/// Parts of templates that are never drawn, found once for all rules.
#[derive(Debug, Default)]
pub struct Drawn(OnceLock<HashMap<FileId, Vec<Span>>>);

impl Drawn {
    /// Whether a part of a template is never drawn.
    pub fn never(&self, cx: &Context<'_>, file: FileId, part: Span) -> bool {
        self.0.get_or_init(|| undrawn(cx)).get(&file).is_some_and(|spans| spans.iter().any(|span| span.contains(part)))
    }
}

/// Whether a text of a template or a script is never shown: it stands in a part that is not drawn, or in a method of a page that
/// nothing binds, names or calls.
pub fn unseen(cx: &Context<'_>, place: Place) -> bool {
    cx.readings.drawn.never(cx, place.file, place.span) || in_idle_method(cx, place)
}

fn undrawn(cx: &Context<'_>) -> HashMap<FileId, Vec<Span>> {
    let mut out: HashMap<FileId, Vec<Span>> = HashMap::new();
    let condition = cx.policy.hosts.info(&cx.package.host).map(|host| format!("{}if", host.directive_prefix));
    let mut used: Option<HashMap<FileId, Option<HashSet<String>>>> = None;
    for index in 0..cx.package.files.len() {
        let file = FileId(index as u32);
        let Some(template) = cx.program.template(file) else { continue };
        let source = &cx.package.source(file).text;
        for node in &template.document.nodes {
            let NodeKind::Element(element) = &node.kind else { continue };
            let off = condition.as_deref().is_some_and(|condition| is_off(element, condition, source));
            let idle = || {
                let name = defined(element)?;
                let used = used.get_or_insert_with(|| instances(cx)).get(&file);
                // A computed name may mean any of them.
                Some(match used {
                    None => true,
                    Some(None) => false,
                    Some(Some(names)) => !names.contains(&name),
                })
            };
            if off || { idle }().unwrap_or(false) {
                out.entry(file).or_default().push(node.span);
            }
        }
    }
    out
}

fn is_off(element: &Element, condition: &str, source: &str) -> bool {
    let value = element.attribute(condition).and_then(|attribute| attribute.value.as_ref());
    value.is_some_and(|value| match value.parts.as_slice() {
        [Part::Interpolation { expression, .. }] => matches!(expression.slice(source).trim(), "false" | "0" | "!1"),
        [Part::Text { text, .. }] => &**text == "false",
        _ => false,
    })
}

/// The name of a `<template name>`.
fn defined(element: &Element) -> Option<String> {
    let name = (&*element.name == "template").then(|| element.attribute("name"))??;
    name.value.as_ref()?.literal()
}

/// By template: names of the definitions that units which see it use; `None` where one of them computes a name.
fn instances(cx: &Context<'_>) -> HashMap<FileId, Option<HashSet<String>>> {
    let mut out: HashMap<FileId, Option<HashSet<String>>> = HashMap::new();
    for unit in &cx.program.units {
        let names = used_by(cx, unit);
        for file in &unit.templates {
            let entry = out.entry(*file).or_insert_with(|| Some(HashSet::new()));
            match (&names, entry.as_mut()) {
                (Some(names), Some(known)) => known.extend(names.iter().cloned()),
                _ => *entry = None,
            }
        }
    }
    out
}

fn used_by(cx: &Context<'_>, unit: &Unit) -> Option<HashSet<String>> {
    let mut names = HashSet::new();
    for file in &unit.templates {
        for (_, element) in cx.program.elements(*file) {
            let is = (&*element.name == "template").then(|| element.attribute("is")).flatten();
            if let Some(is) = is {
                names.insert(is.value.as_ref()?.literal()?);
            }
        }
    }
    Some(names)
}

/// Whether a place in a page's script lies in a method that its templates do not bind and that no script names.
fn in_idle_method(cx: &Context<'_>, place: Place) -> bool {
    let Some(script) = cx.program.script(place.file) else { return false };
    let units: Vec<(usize, &Unit)> =
        cx.program.units.iter().enumerate().filter(|(_, unit)| unit.script == Some(place.file)).collect();
    let Some(host) = cx.policy.hosts.info(&cx.package.host) else { return false };
    if units.is_empty() || units.iter().any(|(_, unit)| unit.page.is_none()) {
        return false;
    }
    let methods = methods(script);
    if !methods.complete {
        return false;
    }
    // The outermost function around the place that is no top level.
    let around = script.functions.iter().skip(1).filter(|function| function.span.contains(place.span));
    let outer = around.min_by_key(|function| function.span.start);
    let Some(name) = outer.and_then(|function| function.name.as_deref()) else { return false };
    if !methods.names.contains(name) || called_by_host(host, name) {
        return false;
    }
    let own = |unit: u32| units.iter().any(|(index, _)| *index == unit as usize);
    let mut bindings = cx.program.bindings.iter().filter(|binding| own(binding.unit)).peekable();
    // A page that binds nothing is no sign: its template may be elsewhere.
    let bindless = bindings.peek().is_none();
    let bound = bindings.any(|binding| binding.handler.as_deref().is_none_or(|handler| handler == name));
    let text = &cx.package.source(place.file).text;
    !bindless && !bound && words(text, name) == 1 && !named_by_others(cx, place.file, name)
}

fn called_by_host(host: &HostInfo, name: &str) -> bool {
    let among = |list: &[std::sync::Arc<str>]| list.iter().any(|known| &**known == name);
    among(&host.page_load)
        || among(&host.app_load)
        || among(&host.share_methods)
        || among(&host.component_load)
        || host.page_events.contains_key(name)
        || name.starts_with("on")
}

/// How often a name stands in a text as a word of its own.
fn words(text: &str, name: &str) -> usize {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, name)
        .filter(|at| !part(at.checked_sub(1).and_then(|before| bytes.get(before))) && !part(bytes.get(at + name.len())))
        .count()
}

/// Whether a script that reaches for other pages names the method.
fn named_by_others(cx: &Context<'_>, own: FileId, name: &str) -> bool {
    cx.package.files.iter().enumerate().any(|(index, file)| {
        let id = FileId(index as u32);
        id != own
            && cx.program.script(id).is_some()
            && memchr::memmem::find(file.source.text.as_bytes(), b"getCurrentPages").is_some()
            && words(&file.source.text, name) > 0
    })
}
