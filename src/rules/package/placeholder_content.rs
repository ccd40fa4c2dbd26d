//! `package/placeholder-content`: text for users that stands for something that is not there yet.

use std::collections::{BTreeSet, HashSet};

use crate::flow::Place;
use crate::model::ir::{Expr, ExprKind, Key, Operator, Pattern, Property, Script, walk_expr};
use crate::package::FileKind;
use crate::rules::drawn::unseen;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::json::{Json, JsonValue};
use crate::syntax::template::{Element, Node, NodeKind, Part};

use super::is_own;

/// Matches the texts that users see: template text, titles, tab texts, and constants that reach the screen.
pub struct PlaceholderContent;

/// Attributes whose texts users see on any element.
const TEXTS: [&str; 7] = ["title", "label", "text", "alt", "content", "header", "aria-label"];

/// Bytes of the longest text that may stand for something to come.
const LONGEST: usize = 200;

struct Found<'c, 'o> {
    cx: &'c Context<'c>,
    seen: BTreeSet<(FileId, u32)>,
    out: &'o mut Vec<Finding>,
}

impl Found<'_, '_> {
    /// Looks at one text, whose bytes stand at `span`.
    fn look(&mut self, file: FileId, span: Span, confidence: Confidence) {
        let source = self.cx.package.source(file);
        let whole = span.slice(&source.text);
        let trimmed = whole.trim();
        if trimmed.is_empty() {
            return;
        }
        let lead = (whole.len() - whole.trim_start().len()) as u32;
        let quoted = trimmed.trim_matches(['"', '\'', '`']);
        let skip = lead + (trimmed.len() - trimmed.trim_start_matches(['"', '\'', '`']).len()) as u32;
        // A tool fills a new page with the page's own path.
        let own = quoted.contains('/')
            && (quoted == &*source.path || source.path.rsplit_once('.').is_some_and(|(stem, _)| stem == quoted));
        let found = self.cx.policy.placeholders.find(&self.cx.policy.packs, quoted, &|| beside(self.cx, file, span));
        let Some(found) = found.or_else(|| own.then_some(0..quoted.len())) else { return };
        let start = span.start + skip + found.start as u32;
        if !self.seen.insert((file, start)) {
            return;
        }
        let place = Place { file, span: Span::new(start, start + found.len() as u32) };
        if unseen(self.cx, place) {
            return;
        }
        self.out.push(
            Finding::new("package/placeholder-content", place)
                .confidence(confidence)
                .text("text", quoted[found].to_owned()),
        );
    }

    /// Looks at the pieces of a text of a template: what stands there, and the strings that an expression chooses from.
    fn parts(&mut self, file: FileId, parts: &[Part], words: &HashSet<&str>) {
        let cx = self.cx;
        for part in parts {
            match part {
                Part::Text { span, .. } => self.look(file, *span, Confidence::High),
                Part::Interpolation { expression, .. } => {
                    let facts = cx.program.template(file);
                    let Some(expr) = facts.and_then(|facts| facts.expressions.get(&expression.start)) else { continue };
                    walk_expr(expr, &mut |expr| {
                        if let ExprKind::String(text) = &expr.kind
                            && !words.contains(&**text)
                        {
                            self.look(file, expr.span, Confidence::High);
                        }
                    });
                }
            }
        }
    }

    fn titles(&mut self, file: FileId, json: &Json) {
        // A tool's title of the first page is told by its own rule.
        let told = crate::rules::metadata::home_title(self.cx)
            .filter(|title| self.cx.policy.naming().is_default_title(title.text))
            .map(|title| title.place);
        for property in json.properties() {
            if told == Some(Place { file, span: property.value.span }) {
                continue;
            }
            match (&*property.key, &property.value.value) {
                ("navigationBarTitleText" | "text", JsonValue::String(_)) => {
                    self.look(file, property.value.span, Confidence::High);
                }
                ("window" | "tabBar", _) => self.titles(file, &property.value),
                ("list", _) => property.value.items().iter().for_each(|item| self.titles(file, item)),
                _ => {}
            }
        }
    }
}

/// Texts that a user reads with one: those of a template that the element around holds, or the strings of the same object in a
/// script.
fn beside(cx: &Context<'_>, file: FileId, span: Span) -> Vec<String> {
    const NEAR: u32 = 600;
    const LEVELS: usize = 4;
    let source = &cx.package.source(file).text;
    if let Some(template) = cx.program.template(file) {
        let nodes = &template.document.nodes;
        let own = nodes.iter().position(|node| node.span.contains(span) && matches!(node.kind, NodeKind::Text(_)));
        // The outermost box that is small enough to be read at one look.
        let up = std::iter::successors(own, |node| {
            let parent = nodes[*node].parent as usize;
            (parent != *node).then_some(parent)
        });
        let boxes = up.skip(1).take(LEVELS).map(|node| &nodes[node]);
        let small = |node: &&Node| node.span.len() <= NEAR && matches!(node.kind, NodeKind::Element(_));
        let Some(outer) = boxes.take_while(small).last() else { return Vec::new() };
        let inside = nodes.iter().filter(|node| outer.span.contains(node.span));
        return inside
            .filter_map(|node| match &node.kind {
                NodeKind::Text(_) => Some(node.span.slice(source).to_owned()),
                _ => None,
            })
            .collect();
    }
    let Some(script) = cx.program.script(file) else { return shown_by(cx, file) };
    let mut out = Vec::new();
    let mut push = |value: &Expr| {
        if let ExprKind::String(text) = &value.kind {
            out.push(text.to_string());
        }
    };
    let mut assigned: Vec<(&str, &Expr)> = Vec::new();
    script.for_each_expr(&mut |expr| match &expr.kind {
        ExprKind::Object(properties) if expr.span.contains(span) && expr.span.len() <= NEAR => {
            for property in properties {
                if let Property::Value(_, value) = property {
                    push(value);
                }
            }
        }
        ExprKind::Array(items) if expr.span.contains(span) && expr.span.len() <= NEAR => {
            items.iter().flatten().for_each(|item| push(&item.value));
        }
        ExprKind::Assign { operator: None, target, value } => {
            if let Pattern::Member(member) = &**target
                && let ExprKind::Member { key: Key::Static(name, _), .. } = &member.kind
            {
                assigned.push((name, value));
            }
        }
        _ => {}
    });
    // What else the same field is set to.
    let own = assigned.iter().find(|(_, value)| value.span.contains(span)).map(|(name, _)| *name);
    assigned.iter().filter(|(name, _)| Some(*name) == own).for_each(|(_, value)| push(value));
    out
}

/// The texts of the templates that a configuration belongs to; of all pages for the app's.
fn shown_by(cx: &Context<'_>, config: FileId) -> Vec<String> {
    const MOST: usize = 200;
    let app = cx.package.app == Some(config);
    let units = cx.program.units.iter().filter(|unit| unit.live && (app || unit.config == Some(config)));
    let nodes = units.flat_map(|unit| &unit.templates).flat_map(|file| {
        let source = &cx.package.source(*file).text;
        let nodes = cx.program.template(*file).map_or(&[][..], |template| &template.document.nodes);
        nodes.iter().filter(|node| matches!(node.kind, NodeKind::Text(_))).map(|node| node.span.slice(source).trim())
    });
    nodes.filter(|text| !text.is_empty()).take(MOST).map(str::to_owned).collect()
}

/// Listed pages whose template holds nothing, and whose script leads nowhere else.
///
/// In a package without any other page that is a sketch, not a page left over.
fn blank_pages(cx: &Context<'_>, out: &mut Vec<Finding>) {
    const OTHERS: usize = 1;
    let first = out.len();
    let mut others = 0;
    for unit in cx.program.units.iter().filter(|unit| unit.live && unit.page.is_some()) {
        let Some(file) = unit.template.filter(|file| is_own(cx, *file)) else { continue };
        let Some(template) = cx.program.template(file) else { continue };
        let source = &cx.package.source(file).text;
        let idle = unit.script.and_then(|script| cx.program.script(script)).is_some_and(is_idle);
        let filled = template.document.nodes.iter().any(|node| match &node.kind {
            NodeKind::Element(element) => !(idle && is_bare_box(element)),
            NodeKind::Text(parts) => parts.iter().any(|part| match part {
                Part::Text { span, .. } => !span.slice(source).trim().is_empty(),
                Part::Interpolation { .. } => true,
            }),
            _ => false,
        });
        let leaves = cx.solution.navigations.iter().any(|navigation| navigation.from == unit.route);
        others += usize::from(filled);
        if !filled && !leaves && unit.templates.len() == 1 && template.document.errors.is_empty() {
            out.push(
                Finding::new("package/placeholder-content", Place { file, span: Span::at(0) })
                    .variant("blank-page")
                    .text("text", unit.route.to_string()),
            );
        }
    }
    if others < OTHERS {
        out.truncate(first);
    }
}

/// Whether a script does nothing but register itself.
fn is_idle(script: &Script) -> bool {
    let mut calls = 0;
    script.for_each_expr(&mut |expr| {
        calls += usize::from(matches!(expr.kind, ExprKind::Call { .. } | ExprKind::New { .. }))
    });
    calls <= 1
}

/// Whether an element only holds others, and nothing gives it a look of its own.
fn is_bare_box(element: &Element) -> bool {
    matches!(&*element.name, "view" | "block" | "scroll-view" | "template")
        && element.attributes.iter().all(|attribute| matches!(&*attribute.name, "class" | "name"))
}

/// Texts that templates compare with: words of the program, which nobody sees.
fn compared<'c>(cx: &Context<'c>) -> HashSet<&'c str> {
    let mut out = HashSet::new();
    let live = cx.program.units.iter().filter(|unit| unit.live);
    for template in live.flat_map(|unit| &unit.templates).filter_map(|file| cx.program.template(*file)) {
        for expression in template.expressions.values() {
            walk_expr(expression, &mut |expr| {
                if let ExprKind::Binary(operator, left, right) = &expr.kind
                    && *operator != Operator::Add
                {
                    for side in [left, right] {
                        if let ExprKind::String(text) = &side.kind {
                            out.insert(&**text);
                        }
                    }
                }
            });
        }
    }
    out
}

impl Rule for PlaceholderContent {
    fn id(&self) -> &'static str {
        "package/placeholder-content"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let host = cx.policy.host(&cx.package.host);
        blank_pages(cx, out);
        let words = compared(cx);
        let mut found = Found { cx, seen: BTreeSet::new(), out };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.kind != FileKind::Template || !cx.program.live_files.contains(&id) || !is_own(cx, id) {
                continue;
            }
            let Some(template) = cx.program.template(id) else { continue };
            for node in &template.document.nodes {
                match &node.kind {
                    NodeKind::Text(parts) => {
                        found.parts(id, parts, &words);
                    }
                    NodeKind::Element(element) => {
                        let component = host.and_then(|host| host.components.get(&element.name));
                        for attribute in &element.attributes {
                            let name = attribute.name.to_ascii_lowercase();
                            let shown = TEXTS.contains(&name.as_str())
                                || component.is_some_and(|component| {
                                    component.text_attributes.iter().any(|known| **known == *name)
                                });
                            if let Some(value) = attribute.value.as_ref().filter(|_| shown) {
                                found.parts(id, &value.parts, &words);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        let configs = cx.program.units.iter().filter(|unit| unit.live).filter_map(|unit| unit.config);
        for file in configs.chain(cx.package.app) {
            if let Some(json) = &cx.package.files[file.index()].json {
                found.titles(file, json);
            }
        }
        for run in cx.readings.shown.runs(cx).iter().filter(|run| run.is_script() && run.text.len() < LONGEST) {
            if !cx.program.live_files.contains(&run.file) || !is_own(cx, run.file) || words.contains(run.text.trim()) {
                continue;
            }
            let place = run.place(Span::new(0, run.text.len() as u32));
            if cx.policy.placeholders.is_plain(&cx.policy.packs, run.text.trim()) {
                found.look(place.file, place.span, Confidence::Medium);
            }
        }
        for place in cx.readings.on_screen.places(cx) {
            let text = place.span.slice(&cx.package.source(place.file).text);
            if is_own(cx, place.file) && !words.contains(text.trim_matches(['"', '\'', '`'])) {
                found.look(place.file, place.span, Confidence::Medium);
            }
        }
    }
}
