//! Text runs: every piece of text in the package that a user may read, joined as it is shown, with the way back to its source.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::Program;
use super::ir::{Arg, Class, Expr, ExprKind, Key, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId};
use crate::package::{FileKind, Origin, Package, PackageFile};
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::entities as references;
use crate::syntax::json::{Json, JsonValue};
use crate::syntax::template::{Document, Element, NodeId, NodeKind, Part};
use crate::text::{Mapped, Match, Matcher, Scratch, decode_by, entities, unescape};

/// What a text is to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Stands on the screen.
    Visible,
    /// An attribute that is shown or read aloud.
    Attribute,
    /// A page title or tab text.
    Title,
    /// May reach the screen: a string constant, an entry of a data file.
    Data,
    /// Goes to a log or an error.
    Log,
    /// Is compared, looked up or filtered by, never shown.
    Key,
    /// A comment.
    Comment,
    /// An address.
    Url,
    /// Is in the package and made invisible.
    Hidden,
}

impl Role {
    /// Whether content rules judge texts of this role.
    pub const fn is_judged(self) -> bool {
        matches!(self, Self::Visible | Self::Attribute | Self::Title | Self::Data | Self::Hidden)
    }

    /// Whether the user surely sees it.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Visible | Self::Attribute | Self::Title)
    }
}

/// A piece of text.
#[derive(Clone, Debug)]
pub struct TextRun {
    /// The file.
    pub file: FileId,
    /// Where it stands; of joined constants, where the first one stands.
    pub span: Span,
    /// What it is to the user.
    pub role: Role,
    /// The text with its map.
    pub text: Mapped,
    /// The element that holds it, in a template.
    pub element: Option<NodeId>,
    /// Attribute, property or configuration key that holds it.
    pub name: Option<Arc<str>>,
}

/// All text runs of a package, and what the content matcher finds in them.
#[derive(Debug, Default)]
pub struct TextIndex {
    /// By file and place.
    pub runs: Vec<TextRun>,
    found: OnceLock<Vec<(u32, Vec<Match>)>>,
}

impl TextIndex {
    /// Matches in runs whose role is judged: index of the run, and what fires in it. Computed once.
    pub fn matches(&self, matcher: &Matcher, situation: u64) -> &[(u32, Vec<Match>)] {
        self.found.get_or_init(|| {
            let judged: Vec<u32> =
                (0..self.runs.len() as u32).filter(|index| self.runs[*index as usize].role.is_judged()).collect();
            judged
                .par_chunks(256)
                .map_init(Scratch::default, |scratch, chunk| {
                    let mut out = Vec::new();
                    for index in chunk {
                        let mut found = matcher.find_with(&self.runs[*index as usize].text.text, situation, scratch);
                        found.retain(|one| one.fires);
                        if !found.is_empty() {
                            out.push((*index, found));
                        }
                    }
                    out
                })
                .flatten_iter()
                .collect()
        })
    }

    /// Runs of one file.
    pub fn of_file(&self, file: FileId) -> &[TextRun] {
        let from = self.runs.partition_point(|run| run.file < file);
        let to = self.runs.partition_point(|run| run.file <= file);
        &self.runs[from..to]
    }
}

/// Collects the text runs of a package.
pub fn texts(package: &Package, program: &Program) -> TextIndex {
    let per_file: Vec<Vec<TextRun>> = package
        .files
        .par_iter()
        .enumerate()
        .map(|(index, file)| {
            let id = FileId(index as u32);
            let mut runs = file_texts(id, file, program);
            if Some(id) == package.app || is_page_config(package, file) {
                for run in &mut runs {
                    if run.name.as_deref().is_some_and(|name| TITLE_KEYS.contains(&name)) {
                        run.role = Role::Title;
                    }
                }
            }
            runs.sort_by_key(|run| (run.span.start, run.span.end));
            runs
        })
        .collect();
    TextIndex { runs: per_file.into_iter().flatten().collect(), found: OnceLock::new() }
}

/// Keys of configuration whose texts are titles or tabs.
const TITLE_KEYS: [&str; 3] = ["navigationBarTitleText", "text", "title"];
/// Names under which texts reach the screen.
const SHOWN_KEYS: [&str; 44] = [
    "title",
    "content",
    "text",
    "label",
    "placeholder",
    "desc",
    "description",
    "message",
    "msg",
    "tip",
    "tips",
    "name",
    "subtitle",
    "subTitle",
    "confirmText",
    "cancelText",
    "itemList",
    "summary",
    "notice",
    "slogan",
    "intro",
    "introduction",
    "detail",
    "remark",
    "hint",
    "caption",
    "header",
    "footer",
    "button",
    "btnText",
    "buttonText",
    "nodes",
    "badge",
    "tag",
    "tags",
    "value",
    "toast",
    "info",
    "keywords",
    "shareTitle",
    "navigationBarTitleText",
    "headline",
    "body",
    "answer",
];
/// Attributes that hold no text.
const PLAIN_ATTRIBUTES: [&str; 14] =
    ["class", "style", "id", "src", "href", "url", "path", "type", "mode", "is", "key", "name", "module", "slot"];
/// Names of lists that a program filters by.
const FILTER_NAMES: [&str; 17] = [
    "sensitive",
    "badword",
    "bad_word",
    "blackword",
    "blacklist",
    "black_list",
    "forbid",
    "banned",
    "banword",
    "prohibit",
    "dirtyword",
    "illegalword",
    "filterword",
    "denyword",
    "blockword",
    "mingan",
    "weijin",
];

fn file_texts(id: FileId, file: &PackageFile, program: &Program) -> Vec<TextRun> {
    let facts = program.facts.get(id.index());
    let mut runs = Vec::new();
    let own = file.origin == Origin::Own;
    match file.kind {
        FileKind::Template => {
            if let Some(template) = facts.and_then(|facts| facts.template.as_deref()) {
                template_texts(id, &file.source, &template.document, &mut runs);
                let mut spots: Vec<_> = template.expressions.iter().collect();
                spots.sort_by_key(|(start, _)| **start);
                for (_, expression) in spots {
                    let mut walker = Walker::new(id, &file.source.text, None, &mut runs);
                    walker.expr(expression, Place { role: Role::Visible, name: None });
                }
                for (_, script, _) in &template.inline_scripts {
                    Walker::new(id, &file.source.text, Some(script), &mut runs).script();
                }
            }
        }
        FileKind::Script | FileKind::ViewScript if own => {
            if let Some(script) = facts.and_then(|facts| facts.script.as_deref()) {
                Walker::new(id, &file.source.text, Some(script), &mut runs).script();
            }
        }
        FileKind::Json if own && !is_tool_config(file.source.name()) => {
            if let Some(json) = &file.json {
                json_texts(id, &file.source.text, json, None, &mut runs);
            }
        }
        FileKind::Text if own && !is_readme(file.source.name()) => text_lines(id, &file.source, &mut runs),
        FileKind::Style => style_texts(id, &file.source.text, &mut runs),
        _ => {}
    }
    runs
}

fn is_page_config(package: &Package, file: &PackageFile) -> bool {
    file.source.path.strip_suffix(".json").is_some_and(|route| package.pages.iter().any(|page| &*page.route == route))
}

fn is_tool_config(name: &str) -> bool {
    matches!(
        name,
        "package.json" | "package-lock.json" | "sitemap.json" | "tsconfig.json" | "jsconfig.json" | "composer.json"
    ) || name.starts_with("project.")
        || name.starts_with(".")
}

fn is_readme(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".md") && !lower.contains("privacy")
        || lower.starts_with("readme")
        || lower.starts_with("license")
        || lower.starts_with("changelog")
        || lower.ends_with(".toml")
        || lower.ends_with(".yml")
        || lower.ends_with(".yaml")
        || lower.ends_with(".lock")
}

fn has_text(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn is_url(text: &str) -> bool {
    let text = text.trim();
    text.contains("://")
        && !text.contains(char::is_whitespace)
        && !text.chars().any(|c| ('\u{3000}'..='\u{303f}').contains(&c))
        || text.starts_with("data:")
        || text.starts_with("//") && text.is_ascii()
}

/// Elements that stand in a line with the text around them.
fn is_inline(name: &str) -> bool {
    matches!(name, "text" | "span" | "b" | "i" | "em" | "strong" | "font" | "label" | "a" | "u" | "s" | "small")
}

fn template_texts(id: FileId, source: &SourceFile, document: &Document, runs: &mut Vec<TextRun>) {
    for (index, node) in document.nodes.iter().enumerate() {
        let index = index as NodeId;
        match &node.kind {
            NodeKind::Element(element) => {
                attribute_texts(id, source, document, index, element, runs);
                if !(is_inline(&element.name) && has_inline_siblings(document, index, node.parent)) {
                    children_texts(id, source, document, index, runs);
                }
            }
            NodeKind::Root { .. } => children_texts(id, source, document, index, runs),
            _ => {}
        }
    }
}

/// Whether an inline element is told together with its neighbours: it holds text only.
fn has_inline_siblings(document: &Document, index: NodeId, parent: NodeId) -> bool {
    parent != index && only_text(document, index)
}

fn only_text(document: &Document, index: NodeId) -> bool {
    document.children(index).iter().all(|child| matches!(document.nodes[*child as usize].kind, NodeKind::Text(_)))
}

/// One run for text and inline elements that follow each other; blocks divide runs.
fn children_texts(id: FileId, source: &SourceFile, document: &Document, parent: NodeId, runs: &mut Vec<TextRun>) {
    let mut run = Mapped::default();
    let mut holder = parent;
    let mut after_inline = false;
    let flush = |run: &mut Mapped, holder: NodeId, runs: &mut Vec<TextRun>| {
        let text = std::mem::take(run);
        if has_text(&text.text) {
            let span = trimmed(&text);
            runs.push(TextRun { file: id, span, role: Role::Visible, text, element: Some(holder), name: None });
        }
    };
    for child in document.children(parent) {
        match &document.nodes[*child as usize].kind {
            NodeKind::Text(parts) => {
                let mut own = Mapped::default();
                parts_text(source, parts, &mut own);
                if after_inline && own.text.trim().is_empty() {
                    continue;
                }
                run.append(&own);
                after_inline = false;
            }
            NodeKind::Element(element) if is_inline(&element.name) && only_text(document, *child) => {
                let mut own = Mapped::default();
                for text in document.children(*child) {
                    if let NodeKind::Text(parts) = &document.nodes[*text as usize].kind {
                        parts_text(source, parts, &mut own);
                    }
                }
                if run.text.trim().is_empty() {
                    run = Mapped::default();
                    holder = *child;
                } else {
                    // Neighbours join without a space, and the seam shows.
                    run.push("\u{2060}", Span::at(element.open.start));
                }
                run.append(&own);
                after_inline = true;
            }
            NodeKind::Comment(_) => {}
            _ => {
                flush(&mut run, holder, runs);
                holder = parent;
                after_inline = false;
            }
        }
    }
    flush(&mut run, holder, runs);
}

fn trimmed(text: &Mapped) -> Span {
    let start = text.text.len() - text.text.trim_start().len();
    let end = text.text.trim_end().len();
    text.source(start..end.max(start))
}

fn parts_text(source: &SourceFile, parts: &[Part], out: &mut Mapped) {
    for part in parts {
        match part {
            Part::Text { span, text } => out.append(&entities(span.slice(&source.text), text, span.start)),
            Part::Interpolation { span, .. } => out.push_hole(*span),
        }
    }
}

fn attribute_texts(
    id: FileId,
    source: &SourceFile,
    _document: &Document,
    index: NodeId,
    element: &Element,
    runs: &mut Vec<TextRun>,
) {
    for attribute in &element.attributes {
        let Some(value) = &attribute.value else { continue };
        let name = attribute.name.to_ascii_lowercase();
        let shown =
            matches!(name.as_str(), "title" | "placeholder" | "alt" | "label" | "content" | "text" | "nodes" | "value")
                || name.starts_with("aria-")
                || name.ends_with("-text")
                || name.ends_with("-title");
        if PLAIN_ATTRIBUTES.contains(&name.as_str())
            || name.starts_with("bind")
            || name.starts_with("catch")
            || name.starts_with("s-")
            || name.contains(':')
        {
            continue;
        }
        let mut text = Mapped::default();
        parts_text(source, &value.parts, &mut text);
        if !has_text(&text.text) || !shown && text.text.is_ascii() || is_url(&text.text) {
            continue;
        }
        let role = if shown { Role::Attribute } else { Role::Data };
        let span = trimmed(&text);
        runs.push(TextRun { file: id, span, role, text, element: Some(index), name: Some(attribute.name.clone()) });
    }
}

fn json_texts(id: FileId, source: &str, json: &Json, name: Option<&Arc<str>>, runs: &mut Vec<TextRun>) {
    match &json.value {
        JsonValue::String(decoded) => {
            if !has_text(decoded) || is_url(decoded) {
                return;
            }
            let shown = name.is_some_and(|name| SHOWN_KEYS.contains(&&**name));
            if decoded.is_ascii() && !shown && !decoded.contains("&#") {
                return;
            }
            let text = with_references(literal(source, json.span, decoded));
            let role = if shown { Role::Visible } else { Role::Data };
            runs.push(TextRun { file: id, span: trimmed(&text), role, text, element: None, name: name.cloned() });
        }
        JsonValue::Array(items) => items.iter().for_each(|item| json_texts(id, source, item, name, runs)),
        JsonValue::Object(properties) => {
            for property in properties {
                json_texts(id, source, &property.value, Some(&property.key), runs);
            }
        }
        _ => {}
    }
}

fn text_lines(id: FileId, source: &SourceFile, runs: &mut Vec<TextRun>) {
    let mut at = 0u32;
    for line in source.text.split_inclusive('\n') {
        if has_text(line) && !line.is_ascii() {
            let text = Mapped::plain(line.trim_end(), at);
            runs.push(TextRun { file: id, span: trimmed(&text), role: Role::Data, text, element: None, name: None });
        }
        at += line.len() as u32;
    }
}

/// Texts that styles put before and after elements.
fn style_texts(id: FileId, source: &str, runs: &mut Vec<TextRun>) {
    for (at, _) in source.match_indices("content") {
        let rest = &source[at + "content".len()..];
        let value = rest.trim_start();
        let Some(value) = value.strip_prefix(':').map(str::trim_start) else { continue };
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let body = &value[1..];
        let Some(end) = body.find([quote, '\n']) else { continue };
        let body = &body[..end];
        let start = (body.as_ptr() as usize - source.as_ptr() as usize) as u32;
        let text = style_string(body, start);
        if has_text(&text.text) && !text.text.is_ascii() {
            let name = Some("content".into());
            runs.push(TextRun { file: id, span: text.whole(), role: Role::Visible, text, element: None, name });
        }
    }
}

/// Decodes the escapes of a style sheet's string: up to six hexadecimal digits and one space behind them.
fn style_string(body: &str, start: u32) -> Mapped {
    let mut out = Mapped::default();
    let mut at = 0;
    let place = |from: usize, to: usize| Span::new(start + from as u32, start + to as u32);
    while let Some(step) = body[at..].find('\\') {
        out.push(&body[at..at + step], place(at, at + step));
        let from = at + step;
        let rest = &body[from + 1..];
        let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        let decoded = u32::from_str_radix(&rest[..digits], 16).ok().and_then(char::from_u32);
        at = from + 1 + digits + usize::from(digits > 0 && rest[digits..].starts_with(' '));
        if let Some(decoded) = decoded {
            out.push(decoded.encode_utf8(&mut [0; 4]), place(from, at));
        }
    }
    out.push(&body[at..], place(at, body.len()));
    out
}

/// A text with the character references of markup in it decoded, as a rich text shows them.
fn with_references(text: Mapped) -> Mapped {
    let coded = text.text.find("&#").or_else(|| text.text.find('&').filter(|_| text.text.contains(';')));
    if coded.is_none() {
        return text;
    }
    let mut out = Mapped::default();
    let mut at = 0;
    let bytes = text.text.len();
    while at < bytes {
        let rest = &text.text[at..];
        let plain = if rest.starts_with('&') { 0 } else { rest.find('&').unwrap_or(rest.len()) };
        if plain > 0 {
            out.append(&text.part(at..at + plain));
            at += plain;
            continue;
        }
        match references::reference(rest) {
            Some((length, decoded)) => {
                out.push(&decoded, text.source(at..at + length));
                at += length;
            }
            None => {
                out.append(&text.part(at..at + 1));
                at += 1;
            }
        }
    }
    out
}

/// A quoted literal as a mapped text.
fn literal(source: &str, span: Span, decoded: &str) -> Mapped {
    let raw = span.slice(source);
    let quoted = raw.len() >= 2 && raw.starts_with(['"', '\'', '`']);
    let (body, start) = if quoted { (&raw[1..raw.len() - 1], span.start + 1) } else { (raw, span.start) };
    if body == decoded {
        return Mapped::plain(body, start);
    }
    let mapped = unescape(body, start);
    if mapped.text == decoded {
        return mapped;
    }
    let mut whole = Mapped::default();
    whole.push(decoded, span);
    whole
}

/// Where a string stands in the program.
#[derive(Clone, Copy)]
struct Place<'a> {
    role: Role,
    name: Option<&'a Arc<str>>,
}

struct Walker<'a> {
    file: FileId,
    source: &'a str,
    script: Option<&'a Script>,
    constants: HashMap<VarId, &'a Expr>,
    used: HashSet<(u32, u32)>,
    runs: &'a mut Vec<TextRun>,
}

impl<'a> Walker<'a> {
    fn new(file: FileId, source: &'a str, script: Option<&'a Script>, runs: &'a mut Vec<TextRun>) -> Self {
        Self { file, source, script, constants: HashMap::new(), used: HashSet::new(), runs }
    }

    fn script(&mut self) {
        let Some(script) = self.script else { return };
        self.find_constants(script);
        for function in &script.functions {
            let role = match &function.name {
                Some(name) if is_filter_name(name) => Role::Key,
                _ => Role::Data,
            };
            for param in &function.params {
                self.pattern(&param.pattern, Place { role, name: None });
            }
            self.block(&function.body, Place { role, name: None });
        }
    }

    /// Variables that are set once, to a constant.
    fn find_constants(&mut self, script: &'a Script) {
        let mut assigned: HashSet<VarId> = HashSet::new();
        for function in &script.functions {
            let mut visit = |expr: &'a Expr| match &expr.kind {
                ExprKind::Assign { target: Pattern::Var(id, _), .. } | ExprKind::Update(Pattern::Var(id, _)) => {
                    assigned.insert(*id);
                }
                _ => {}
            };
            function.for_each_expr(&mut visit);
        }
        let mut blocks: Vec<&'a [Stmt]> = script.functions.iter().map(|function| &*function.body).collect();
        while let Some(block) = blocks.pop() {
            for stmt in block {
                match &stmt.kind {
                    StmtKind::Let(Pattern::Var(id, _), Some(init))
                        if !assigned.contains(id) && is_constant(init, 0) =>
                    {
                        self.constants.insert(*id, init);
                    }
                    StmtKind::If(_, yes, no) => blocks.extend([&**yes, &**no]),
                    StmtKind::Block(_, body) => blocks.push(body),
                    StmtKind::Try { block, .. } => blocks.push(block),
                    _ => {}
                }
            }
        }
    }

    fn block(&mut self, block: &'a [Stmt], place: Place<'a>) {
        for stmt in block {
            self.stmt(stmt, place);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt, place: Place<'a>) {
        let key = Place { role: Role::Key, ..place };
        match &stmt.kind {
            StmtKind::Expr(expr) => self.expr(expr, place),
            StmtKind::Throw(expr) => self.expr(expr, Place { role: Role::Log, name: None }),
            StmtKind::Let(pattern, init) => {
                self.pattern(pattern, place);
                if let Some(init) = init {
                    let name = match (pattern, self.script) {
                        (Pattern::Var(id, _), Some(script)) => {
                            script.variables.get(*id as usize).map(|variable| &variable.name)
                        }
                        _ => None,
                    };
                    self.expr(init, named(place, name));
                }
            }
            StmtKind::Return(value) => value.iter().for_each(|value| self.expr(value, place)),
            StmtKind::If(test, yes, no) => {
                self.expr(test, key);
                self.block(yes, place);
                self.block(no, place);
            }
            StmtKind::Loop { test, update, body, .. } => {
                test.iter().chain(update).for_each(|expr| self.expr(expr, key));
                self.block(body, place);
            }
            StmtKind::ForEach { target, iterable, body, .. } => {
                self.pattern(target, place);
                self.expr(iterable, place);
                self.block(body, place);
            }
            StmtKind::Switch(value, cases) => {
                self.expr(value, key);
                for (test, body) in cases {
                    test.iter().for_each(|test| self.expr(test, key));
                    self.block(body, place);
                }
            }
            StmtKind::Try { block, handler, finalizer } => {
                self.block(block, place);
                if let Some((pattern, body)) = handler {
                    pattern.iter().for_each(|pattern| self.pattern(pattern, place));
                    self.block(body, place);
                }
                self.block(finalizer, place);
            }
            StmtKind::Block(_, body) => self.block(body, place),
            StmtKind::Break(_) | StmtKind::Continue(_) => {}
        }
    }

    fn pattern(&mut self, pattern: &'a Pattern, place: Place<'a>) {
        match pattern {
            Pattern::Default(inner, value) => {
                self.pattern(inner, place);
                self.expr(value, place);
            }
            Pattern::Object { properties, .. } => {
                properties.iter().for_each(|(_, pattern)| self.pattern(pattern, place));
            }
            Pattern::Array { items, .. } => {
                items.iter().flatten().for_each(|pattern| self.pattern(pattern, place));
            }
            Pattern::Member(expr) => self.expr(expr, Place { role: Role::Key, name: None }),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &'a Expr, place: Place<'a>) {
        let key = Place { role: Role::Key, name: None };
        match &expr.kind {
            ExprKind::String(_) | ExprKind::Template(..) => self.tell(expr, place),
            ExprKind::Binary(Operator::Add, left, right) => {
                if has_string(expr, 0) {
                    self.tell(expr, place);
                } else {
                    self.expr(left, place);
                    self.expr(right, place);
                }
            }
            ExprKind::Binary(_, left, right) => {
                self.expr(left, key);
                self.expr(right, key);
            }
            ExprKind::Logical(_, left, right) => {
                self.expr(left, place);
                self.expr(right, place);
            }
            ExprKind::Conditional(test, yes, no) => {
                self.expr(test, key);
                self.expr(yes, place);
                self.expr(no, place);
            }
            ExprKind::Sequence(items) => items.iter().for_each(|item| self.expr(item, place)),
            ExprKind::Array(items) => items.iter().flatten().for_each(|item| self.expr(&item.value, place)),
            ExprKind::Object(properties) => properties.iter().for_each(|property| self.property(property, place)),
            ExprKind::Class(class) => self.class(class, place),
            ExprKind::Call { callee, args, .. } => self.call(expr, callee, args, place),
            ExprKind::New { callee, args } => {
                let error =
                    matches!(&callee.kind, ExprKind::Global(name) if name.ends_with("Error") || &**name == "RegExp");
                let place = if error { Place { role: Role::Log, name: None } } else { place };
                args.iter().for_each(|arg| self.expr(&arg.value, place));
            }
            ExprKind::Assign { target, value, .. } => {
                self.pattern(target, place);
                let name = match target {
                    Pattern::Member(member) => match &member.kind {
                        ExprKind::Member { key: Key::Static(name, _), .. } => Some(name),
                        _ => None,
                    },
                    Pattern::Var(id, _) => {
                        self.script.and_then(|script| Some(&script.variables.get(*id as usize)?.name))
                    }
                    _ => None,
                };
                self.expr(value, named(place, name));
            }
            ExprKind::Not(inner) | ExprKind::Typeof(inner) | ExprKind::Delete(inner) => self.expr(inner, key),
            ExprKind::Unary(_, inner) | ExprKind::Await(inner) => self.expr(inner, place),
            ExprKind::Yield(inner) => inner.iter().for_each(|inner| self.expr(inner, place)),
            ExprKind::Member { object, key: name, .. } => {
                self.expr(object, place);
                if let Key::Computed(name) = name {
                    self.expr(name, key);
                }
            }
            ExprKind::Tagged(_, _, items) => items.iter().for_each(|item| self.expr(item, place)),
            ExprKind::Jsx(_, properties, children) => {
                properties.iter().for_each(|property| self.property(property, place));
                let visible = Place { role: Role::Visible, name: None };
                children.iter().for_each(|child| self.expr(child, visible));
            }
            _ => {}
        }
    }

    fn property(&mut self, property: &'a Property, place: Place<'a>) {
        match property {
            Property::Value(key, value) => {
                let name = match key {
                    Key::Static(name, _) => Some(name),
                    Key::Computed(_) => None,
                };
                self.expr(value, named(place, name));
            }
            Property::Spread(value) => self.expr(value, place),
            Property::Getter(..) | Property::Setter(..) => {}
        }
    }

    fn class(&mut self, class: &'a Class, place: Place<'a>) {
        class.members.iter().for_each(|(_, property)| self.property(property, place));
    }

    fn call(&mut self, expr: &'a Expr, callee: &'a Expr, args: &'a [Arg], place: Place<'a>) {
        let (object, method) = match &callee.kind {
            ExprKind::Member { object, key: Key::Static(name, _), .. } => (Some(&**object), Some(&**name)),
            ExprKind::Global(name) => (None, Some(&**name)),
            _ => (None, None),
        };
        if decoded(expr).is_some() {
            self.tell(expr, place);
            return;
        }
        if method == Some("join") && object.is_some_and(|object| matches!(object.kind, ExprKind::Array(_))) {
            self.tell(expr, place);
            return;
        }
        let log = matches!(object.map(|object| &object.kind), Some(ExprKind::Global(name)) if &**name == "console");
        let compared = object.is_some()
            && matches!(
                method,
                Some(
                    "includes"
                        | "indexOf"
                        | "lastIndexOf"
                        | "startsWith"
                        | "endsWith"
                        | "split"
                        | "replace"
                        | "replaceAll"
                        | "match"
                        | "test"
                        | "has"
                        | "search"
                )
            );
        let plain = matches!(method, Some("require" | "getApp" | "getCurrentPages" | "setTimeout" | "define"));
        let place = if log {
            Place { role: Role::Log, name: None }
        } else if compared || plain {
            Place { role: Role::Key, name: None }
        } else {
            match &callee.kind {
                ExprKind::Member { .. } | ExprKind::Global(_) if method.is_some_and(is_filter_name) => {
                    Place { role: Role::Key, name: None }
                }
                _ => place,
            }
        };
        if let Some(object) = object {
            // What a text method is called on is not what it compares with.
            self.expr(object, if log { place } else { Place { role: Role::Data, name: place.name } });
        } else {
            self.expr(callee, place);
        }
        args.iter().for_each(|arg| self.expr(&arg.value, place));
    }

    /// Adds a run for a string expression.
    fn tell(&mut self, expr: &'a Expr, place: Place<'a>) {
        if !self.used.insert((expr.span.start, expr.span.end)) {
            return;
        }
        let mut text = Mapped::default();
        self.join(expr, place, &mut text, 0);
        let text = with_references(text);
        if !has_text(&text.text) {
            return;
        }
        let shown = place.name.is_some_and(|name| {
            let last = name.rsplit(['.', ']']).next().unwrap_or(name);
            SHOWN_KEYS.contains(&last)
        });
        if text.text.is_ascii() && !shown && place.role != Role::Visible {
            return;
        }
        let role = match place.role {
            Role::Data | Role::Visible if is_url(&text.text) => Role::Url,
            Role::Data if shown => Role::Visible,
            role => role,
        };
        let span = trimmed(&text);
        self.runs.push(TextRun { file: self.file, span, role, text, element: None, name: place.name.cloned() });
    }

    /// Joins what an expression is made of; what is not known leaves a hole.
    fn join(&mut self, expr: &'a Expr, place: Place<'a>, out: &mut Mapped, depth: u32) {
        if depth > 64 {
            out.push_hole(expr.span);
            return;
        }
        if let Some(text) = decoded(expr) {
            out.push(&text, expr.span);
            return;
        }
        match &expr.kind {
            ExprKind::String(decoded) => out.append(&literal(self.source, expr.span, decoded)),
            ExprKind::Binary(Operator::Add, left, right) => {
                self.join(left, place, out, depth + 1);
                self.join(right, place, out, depth + 1);
            }
            ExprKind::Template(quasis, items) => self.join_template(expr, quasis, items, place, out, depth),
            ExprKind::Call { callee, args, .. } => {
                let separator = args.first().map(|arg| &arg.value.kind);
                let joined = match (&callee.kind, separator) {
                    (ExprKind::Member { object, key: Key::Static(name, _), .. }, None) if &**name == "join" => {
                        Some((object, ","))
                    }
                    (ExprKind::Member { object, key: Key::Static(name, _), .. }, Some(ExprKind::String(separator)))
                        if &**name == "join" =>
                    {
                        Some((object, &**separator))
                    }
                    _ => None,
                };
                match joined.map(|(object, separator)| (&object.kind, separator)) {
                    Some((ExprKind::Array(items), separator)) => {
                        for (index, item) in items.iter().enumerate() {
                            if index > 0 {
                                out.push(separator, Span::at(callee.span.end));
                            }
                            match item {
                                Some(item) if !item.spread => self.join(&item.value, place, out, depth + 1),
                                _ => out.push_hole(callee.span),
                            }
                        }
                    }
                    _ => {
                        self.expr(expr, place);
                        out.push_hole(expr.span);
                    }
                }
            }
            ExprKind::Var(id) => match self.constants.get(id) {
                Some(value) if depth < 8 => self.join(value, place, out, depth + 8),
                _ => out.push_hole(expr.span),
            },
            ExprKind::Number(number) => out.push(&number.to_string(), expr.span),
            _ => {
                self.expr(expr, place);
                out.push_hole(expr.span);
            }
        }
    }

    fn join_template(
        &mut self,
        expr: &'a Expr,
        quasis: &'a [Arc<str>],
        items: &'a [Expr],
        place: Place<'a>,
        out: &mut Mapped,
        depth: u32,
    ) {
        let mut start = expr.span.start + 1;
        for (index, quasi) in quasis.iter().enumerate() {
            let end = match items.get(index) {
                Some(item) => {
                    let head = Span::new(start, item.span.start).slice(self.source);
                    start + head.rfind("${").unwrap_or(head.len()) as u32
                }
                None => expr.span.end.saturating_sub(1),
            };
            let raw = Span::new(start, end);
            if raw.slice(self.source) == &**quasi {
                out.push(quasi, raw);
            } else {
                let mapped = unescape(raw.slice(self.source), raw.start);
                if mapped.text == **quasi {
                    out.append(&mapped);
                } else {
                    out.push(quasi, raw);
                }
            }
            if let Some(item) = items.get(index) {
                self.join(item, place, out, depth + 1);
                let rest = self.source.get(item.span.end as usize..).unwrap_or("");
                start = item.span.end + rest.find('}').map_or(0, |at| at as u32 + 1);
            }
        }
    }
}

fn named<'a>(place: Place<'a>, name: Option<&'a Arc<str>>) -> Place<'a> {
    match name {
        Some(name) if is_filter_name(name) => Place { role: Role::Key, name: Some(name) },
        Some(_) => Place { role: place.role, name },
        None => place,
    }
}

fn is_filter_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FILTER_NAMES.iter().any(|part| name.contains(part))
}

fn is_constant(expr: &Expr, depth: u32) -> bool {
    match &expr.kind {
        ExprKind::String(_) => true,
        ExprKind::Binary(Operator::Add, left, right) => {
            depth < 32 && is_constant(left, depth + 1) && is_constant(right, depth + 1)
        }
        ExprKind::Template(_, items) => items.is_empty(),
        _ => false,
    }
}

/// What a call gives that only decodes constants.
fn decoded(expr: &Expr) -> Option<String> {
    let ExprKind::Call { callee, args, .. } = &expr.kind else { return None };
    match &callee.kind {
        ExprKind::Member { object, key: Key::Static(name, _), .. }
            if matches!(&**name, "fromCharCode" | "fromCodePoint")
                && matches!(&object.kind, ExprKind::Global(name) if &**name == "String") =>
        {
            let codes = args.iter().map(|arg| match &arg.value.kind {
                ExprKind::Number(number) => char::from_u32(*number as u32),
                _ => None,
            });
            codes.collect::<Option<String>>().filter(|text| !text.is_empty())
        }
        ExprKind::Global(name) => {
            let ExprKind::String(text) = &args.first()?.value.kind else { return None };
            decode_by(name, text)
        }
        _ => None,
    }
}

fn has_string(expr: &Expr, depth: u32) -> bool {
    match &expr.kind {
        ExprKind::String(_) | ExprKind::Template(..) => true,
        ExprKind::Binary(Operator::Add, left, right) => {
            depth < 200 && (has_string(left, depth + 1) || has_string(right, depth + 1))
        }
        _ => false,
    }
}
