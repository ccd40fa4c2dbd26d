//! Texts that users read, with the place of every piece: template text, attributes, strings of scripts, titles and tabs.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::flow::Place;
use crate::model::ir::{Expr, ExprKind, Key, Operator, walk_expr};
use crate::model::texts::Role;
use crate::package::{FileKind, Origin};
use crate::policy::conduct::{Conduct, Hit, Scan};
use crate::rules::Context;
use crate::source::{FileId, Span};
use crate::syntax::json::Json;
use crate::syntax::template::{Document, Element, NodeId, NodeKind, Part};

/// All texts of a package, collected once for all rules.
#[derive(Debug, Default)]
pub struct Shown(OnceLock<Vec<Run>>);

impl Shown {
    /// The texts.
    pub fn runs(&self, cx: &Context<'_>) -> &[Run] {
        self.0.get_or_init(|| runs(cx))
    }
}

/// Reads the texts and looks for the conduct words in them.
pub fn prepare(cx: &Context<'_>) {
    cx.readings.shown.runs(cx).par_iter().for_each(|run| {
        run.scan(cx);
    });
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// In a template: under or at this element.
    Template(NodeId),
    /// In a script.
    Script,
    /// In a configuration.
    Config,
}

/// A text with the places of its literal pieces.
#[derive(Debug)]
pub struct Run {
    /// The file.
    pub file: FileId,
    /// Where it stands.
    pub site: Site,
    /// The text; a blank stands for each part that is not known.
    pub text: String,
    pieces: Vec<(u32, Span, bool)>,
    hits: OnceLock<Vec<Hit>>,
}

impl Run {
    fn new(file: FileId, site: Site) -> Self {
        Self { file, site, text: String::new(), pieces: Vec::new(), hits: OnceLock::new() }
    }

    /// What the conduct words find in it; looked for once.
    pub fn scan(&self, cx: &Context<'_>) -> Scan<'_> {
        Conduct::scanned(&self.text, self.hits.get_or_init(|| cx.policy.conduct.hits(&self.text)))
    }

    fn push(&mut self, text: &str, span: Span, exact: bool) {
        self.pieces.push((self.text.len() as u32, span, exact));
        self.text.push_str(text);
    }

    /// The place of a range of the text.
    pub fn place(&self, range: Span) -> Place {
        let at = self.pieces.partition_point(|(offset, ..)| *offset <= range.start).saturating_sub(1);
        let Some((offset, span, exact)) = self.pieces.get(at).copied() else {
            return Place { file: self.file, span: Span::default() };
        };
        let span = if exact {
            let start = span.start + (range.start - offset);
            Span::new(start, (span.start + (range.end - offset)).min(span.end))
        } else {
            span
        };
        Place { file: self.file, span }
    }

    /// Whether it stands in a script.
    pub fn is_script(&self) -> bool {
        self.site == Site::Script
    }

    /// Whether no conduct word stands in it.
    pub fn is_idle(&self, cx: &Context<'_>) -> bool {
        self.hits.get_or_init(|| cx.policy.conduct.hits(&self.text)).is_empty()
    }

    /// Whether a place of its file lies in one of its pieces.
    pub fn covers(&self, span: Span) -> bool {
        self.pieces.iter().any(|(_, piece, _)| piece.contains(span))
    }

    /// The matched part, with some of what stands around it, short enough for a message.
    pub fn excerpt(&self, range: Span) -> String {
        const MOST: usize = 36;
        let ends: &[char] = &['。', '；', ';', '！', '!', '\n'];
        let before = self.text.get(..range.start as usize).unwrap_or("");
        let start = before.rfind(ends).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let after = self.text.get(range.end as usize..).unwrap_or("");
        let end = after.find(ends).map_or(self.text.len(), |at| range.end as usize + at);
        let sentence = self.text.get(start..end).unwrap_or("").trim();
        let shown = if sentence.chars().count() > MOST { range.slice(&self.text).trim() } else { sentence };
        let mut out: String = shown.chars().take(MOST).collect();
        if shown.chars().count() > MOST {
            out.push('…');
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Inline elements, whose texts read on into each other.
const INLINE: &[&str] = &["text", "span", "b", "i", "em", "strong", "font", "block"];

/// Whether an own file may show something to users.
fn own(cx: &Context<'_>, file: FileId) -> bool {
    cx.package.files.get(file.index()).is_some_and(|file| file.origin == Origin::Own)
}

/// Every text of the package's own files.
pub fn runs(cx: &Context<'_>) -> Vec<Run> {
    let mut out = Vec::new();
    for (index, file) in cx.package.files.iter().enumerate() {
        let id = FileId(index as u32);
        if !own(cx, id) {
            continue;
        }
        match file.kind {
            FileKind::Template => template(cx, id, &mut out),
            FileKind::Script | FileKind::ViewScript => script(cx, id, &mut out),
            FileKind::Json => {
                if let Some(json) = &file.json {
                    config(id, json, &mut out);
                }
            }
            _ => {}
        }
    }
    data(cx, &mut out);
    out
}

/// Texts of data files that scripts read; configurations have their own.
fn data(cx: &Context<'_>, out: &mut Vec<Run>) {
    let is_data = |file: FileId| {
        let file = &cx.package.files[file.index()];
        let configures = |json: &Json| ["pages", "usingComponents", "window"].iter().any(|key| json.get(key).is_some());
        file.kind == FileKind::Json && file.json.as_ref().is_some_and(|json| !configures(json))
    };
    for text in &cx.program.texts(cx.package).runs {
        if matches!(text.role, Role::Visible | Role::Data) && own(cx, text.file) && is_data(text.file) {
            let mut run = Run::new(text.file, Site::Config);
            run.push(&text.text.text, text.span, text.span.len() as usize == text.text.text.len());
            out.push(run);
        }
    }
}

fn config(file: FileId, json: &Json, out: &mut Vec<Run>) {
    let mut add = |json: Option<&Json>| {
        if let Some(json) = json
            && let Some(text) = json.as_str()
        {
            let mut run = Run::new(file, Site::Config);
            run.push(text, json.span, false);
            out.push(run);
        }
    };
    add(json.get("navigationBarTitleText"));
    add(json.get("window").and_then(|window| window.get("navigationBarTitleText")));
    for tab in json.get("tabBar").and_then(|bar| bar.get("list")).map_or(&[][..], Json::items) {
        add(tab.get("text"));
    }
}

fn template(cx: &Context<'_>, file: FileId, out: &mut Vec<Run>) {
    let Some(template) = cx.program.template(file) else { return };
    let document = &template.document;
    let text = &cx.package.source(file).text;
    let prefix = cx.policy.hosts.info(&cx.package.host).map_or("", |host| &*host.directive_prefix);
    for (id, node) in document.nodes.iter().enumerate() {
        let id = id as NodeId;
        match &node.kind {
            NodeKind::Text(_) => {
                // Told with the outermost element that holds nothing but inline text.
                let group = group(document, id);
                if first_text(document, group) == Some(id) {
                    let site = if group == id { node.parent } else { group };
                    let mut run = Run::new(file, Site::Template(site));
                    collect(document, group, text, &mut run);
                    if !run.text.trim().is_empty() {
                        out.push(run);
                    }
                }
            }
            NodeKind::Element(element) => attributes(file, id, element, text, prefix, out),
            _ => {}
        }
    }
    let mut expressions: Vec<_> = template.expressions.iter().collect();
    expressions.sort_by_key(|(start, _)| **start);
    for (_, expression) in expressions {
        strings(file, expression, None, out);
    }
}

fn inline(document: &Document, node: NodeId) -> bool {
    match &document.nodes[node as usize].kind {
        NodeKind::Text(_) | NodeKind::Comment(_) => true,
        NodeKind::Element(element) => {
            INLINE.contains(&&*element.name)
                && element.attribute("bindtap").is_none()
                && element.children.iter().all(|child| inline(document, *child))
        }
        _ => false,
    }
}

/// The outermost node around a text whose children are all inline.
fn group(document: &Document, text: NodeId) -> NodeId {
    let mut at = text;
    for _ in 0..6 {
        let parent = document.nodes[at as usize].parent;
        let NodeKind::Element(element) = &document.nodes[parent as usize].kind else { break };
        if element.children.len() > 24 || !element.children.iter().all(|child| inline(document, *child)) {
            break;
        }
        at = parent;
    }
    at
}

fn first_text(document: &Document, node: NodeId) -> Option<NodeId> {
    match &document.nodes[node as usize].kind {
        NodeKind::Text(_) => Some(node),
        NodeKind::Element(element) => element.children.iter().find_map(|child| first_text(document, *child)),
        _ => None,
    }
}

fn collect(document: &Document, node: NodeId, source: &str, run: &mut Run) {
    match &document.nodes[node as usize].kind {
        NodeKind::Text(parts) => push_parts(parts, source, run),
        NodeKind::Element(element) => {
            for child in &element.children {
                collect(document, *child, source, run);
            }
        }
        _ => {}
    }
}

fn push_parts(parts: &[Part], source: &str, run: &mut Run) {
    for part in parts {
        match part {
            Part::Text { span, text } => run.push(text, *span, span.slice(source) == &**text),
            Part::Interpolation { span, .. } => run.push(" ", *span, false),
        }
    }
}

fn attributes(file: FileId, id: NodeId, element: &Element, source: &str, prefix: &str, out: &mut Vec<Run>) {
    for attribute in &element.attributes {
        let Some(value) = &attribute.value else { continue };
        let name = attribute.name.to_ascii_lowercase();
        if matches!(&*name, "class" | "style" | "id" | "hover-class" | "key" | "slot")
            || (!prefix.is_empty() && name.starts_with(prefix))
            || name.starts_with("bind")
            || name.starts_with("catch")
        {
            continue;
        }
        let mut run = Run::new(file, Site::Template(id));
        push_parts(&value.parts, source, &mut run);
        if run.text.trim().len() > 3 {
            out.push(run);
        }
    }
}

fn script(cx: &Context<'_>, file: FileId, out: &mut Vec<Run>) {
    let Some(script) = cx.program.script(file) else { return };
    let text = cx.package.source(file).text.clone();
    let mut done = Done::default();
    script.for_each_expr(&mut |expr| one(file, expr, Some(&text), &mut done, out));
}

fn strings(file: FileId, expr: &Expr, source: Option<&str>, out: &mut Vec<Run>) {
    let mut done = Done::default();
    walk_expr(expr, &mut |expr| one(file, expr, source, &mut done, out));
}

#[derive(Default)]
struct Done {
    /// End of what a joined text, a log call or a comparison took.
    until: BTreeSet<(u32, u32)>,
}

impl Done {
    fn add(&mut self, span: Span) {
        self.until.insert((span.start, span.end));
    }

    fn holds(&self, span: Span) -> bool {
        self.until.range(..=(span.start, u32::MAX)).next_back().is_some_and(|(_, end)| *end >= span.end)
    }
}

fn one(file: FileId, expr: &Expr, source: Option<&str>, done: &mut Done, out: &mut Vec<Run>) {
    match &expr.kind {
        ExprKind::Call { callee, .. } if is_log(callee) && !done.holds(expr.span) => done.add(expr.span),
        ExprKind::String(text) if text.len() > 3 && !done.holds(expr.span) => {
            let mut run = Run::new(file, Site::Script);
            literal(&mut run, text, expr.span, source);
            out.push(run);
        }
        ExprKind::Binary(Operator::Add, ..) | ExprKind::Template(..) if !done.holds(expr.span) => {
            let mut run = Run::new(file, Site::Script);
            if join(expr, source, &mut run, 0) {
                done.add(expr.span);
                if run.text.trim().len() > 3 {
                    out.push(run);
                }
            }
        }
        _ => {}
    }
}

fn literal(run: &mut Run, text: &str, span: Span, source: Option<&str>) {
    let inner = Span::new(span.start + 1, span.end.saturating_sub(1));
    match source {
        // The place of a string is the literal with its quotes; its inside when it holds no escapes.
        Some(source) if inner.slice(source) == text => run.push(text, inner, true),
        _ => run.push(text, span, false),
    }
}

/// Joins literal pieces; `false` when there is none, so that what is inside is told by itself.
fn join(expr: &Expr, source: Option<&str>, run: &mut Run, depth: usize) -> bool {
    if depth > 200 {
        return false;
    }
    match &expr.kind {
        ExprKind::String(text) => {
            literal(run, text, expr.span, source);
            true
        }
        ExprKind::Binary(Operator::Add, left, right) => {
            let left = join(left, source, run, depth + 1);
            join(right, source, run, depth + 1) || left
        }
        ExprKind::Template(quasis, _) => {
            for (at, quasi) in quasis.iter().enumerate() {
                if at > 0 {
                    run.push(" ", expr.span, false);
                }
                let place = source.and_then(|source| {
                    let found = expr.span.slice(source).find(&**quasi)?;
                    let start = expr.span.start + found as u32;
                    Some(Span::new(start, start + quasi.len() as u32))
                });
                run.push(quasi, place.unwrap_or(expr.span), place.is_some());
            }
            quasis.iter().any(|quasi| !quasi.is_empty())
        }
        _ => {
            run.push(" ", expr.span, false);
            false
        }
    }
}

fn is_log(callee: &Expr) -> bool {
    matches!(&callee.kind, ExprKind::Member { object, key: Key::Static(..), .. }
        if matches!(&object.kind, ExprKind::Global(name) if &**name == "console"))
        || matches!(&callee.kind, ExprKind::Global(name) if &**name == "require")
}
