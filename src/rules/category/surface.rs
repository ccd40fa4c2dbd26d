//! What a package shows and calls, as evidence is read from it: APIs and components, titles and tabs, texts, paths.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::Place;
use crate::model::ir::{ExprKind, Key};
use crate::package::{FileKind, Origin};
use crate::rules::Context;
use crate::source::{FileId, Span};
use crate::syntax::json::Json;
use crate::syntax::template::{NodeKind, Part};

/// Kinds of evidence, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// A host API or component.
    Api,
    /// Titles and tab texts.
    Title,
    /// Visible text.
    Text,
    /// Routes, dependencies, request paths.
    Path,
    /// Names of data that templates show, of files and of addresses in scripts.
    Name,
}

impl Surface {
    /// Key of the note of a trace step.
    pub const fn note(self) -> &'static str {
        match self {
            Self::Api => "category-api",
            Self::Title => "category-title",
            Self::Text => "category-text",
            Self::Path => "category-path",
            Self::Name => "category-name",
        }
    }
}

/// A piece of text that users see.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Title or text.
    pub surface: Surface,
    /// The file.
    pub file: FileId,
    /// Where in it.
    pub span: Span,
    /// The bytes at `span`.
    pub text: &'a str,
}

/// Attributes whose text users see, on any element.
const TEXT_ATTRIBUTES: &[&str] = &[
    "placeholder",
    "title",
    "label",
    "content",
    "text",
    "alt",
    "aria-label",
    "confirm-text",
    "cancel-text",
    "desc",
    "sub-title",
    "subtitle",
    "header",
    "value",
];

fn han(text: &str) -> bool {
    text.bytes().any(|byte| byte >= 0xe3)
}

fn own(cx: &Context<'_>, file: FileId) -> bool {
    cx.package.files.get(file.index()).is_some_and(|file| file.origin == Origin::Own)
}

/// Whether users can come to a file: pages that nothing lists, and what only they use, offer no service.
fn reached(cx: &Context<'_>, file: FileId) -> bool {
    let live = &cx.program.live_files;
    live.is_empty()
        || live.contains(&file)
        || !cx.program.units.iter().any(|unit| !unit.live && (unit.script == Some(file) || unit.config == Some(file)))
            && cx.package.files.get(file.index()).is_some_and(|file| file.kind != FileKind::Template)
}

/// Titles that configuration gives: window and page titles, tab texts.
pub fn titles<'a>(cx: &Context<'a>, each: &mut dyn FnMut(Run<'a>)) {
    let mut value = |file: FileId, json: Option<&Json>| {
        let Some(json) = json else { return };
        if json.as_str().is_some_and(|text| !text.is_empty()) {
            let text = &cx.package.source(file).text;
            let text: &'a str = json.span.slice(text);
            each(Run { surface: Surface::Title, file, span: json.span, text });
        }
    };
    let mut page = |file: FileId, json: &Json| {
        for key in ["navigationBarTitleText", "defaultTitle", "navigationBarTitle"] {
            value(file, json.get(key));
        }
    };
    if let (Some(file), Some(app)) = (cx.package.app, cx.package.app_json()) {
        if let Some(window) = app.get("window") {
            page(file, window);
        }
        if let Some(bar) = app.get("tabBar") {
            for item in bar.get("list").or_else(|| bar.get("items")).map_or(&[][..], Json::items) {
                for key in ["text", "name"] {
                    if item.get(key).is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty())) {
                        let json = item.get(key);
                        let Some(json) = json else { continue };
                        let text: &'a str = json.span.slice(&cx.package.source(file).text);
                        each(Run { surface: Surface::Title, file, span: json.span, text });
                    }
                }
            }
        }
    }
    let mut configs: BTreeSet<FileId> = BTreeSet::new();
    for unit in &cx.program.units {
        let Some(file) = unit.config else { continue };
        if Some(file) == cx.package.app || !own(cx, file) || !reached(cx, file) || !configs.insert(file) {
            continue;
        }
        let Some(json) = cx.package.files.get(file.index()).and_then(|file| file.json.as_ref()) else { continue };
        for source in [Some(json), json.get("window")].into_iter().flatten() {
            for key in ["navigationBarTitleText", "defaultTitle", "navigationBarTitle"] {
                let Some(json) = source.get(key) else { continue };
                if json.as_str().is_some_and(|text| !text.is_empty()) {
                    let text: &'a str = json.span.slice(&cx.package.source(file).text);
                    each(Run { surface: Surface::Title, file, span: json.span, text });
                }
            }
        }
    }
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    for call in &cx.solution.calls {
        let Some(api) = host.apis.get(&call.api).filter(|api| api.has_role("title")) else { continue };
        let Some(argument) = api.param("title").and_then(|path| call.arg(path)) else { continue };
        for place in argument.strings.iter().filter_map(|text| text.place) {
            let text: &'a str = place.span.slice(&cx.package.source(place.file).text);
            each(Run { surface: Surface::Title, file: place.file, span: place.span, text });
        }
    }
}

/// Templates that put a mark of money before a value.
pub fn price_marks<'a>(cx: &Context<'a>, each: &mut dyn FnMut(FileId)) {
    for (index, file) in cx.package.files.iter().enumerate() {
        let id = FileId(index as u32);
        if file.origin == Origin::Own
            && file.kind == FileKind::Template
            && ["¥{{", "￥{{", "¥ {{", "￥ {{"].iter().any(|mark| file.source.text.contains(mark))
            && reached(cx, id)
        {
            each(id);
        }
    }
}

/// Texts of templates and scripts that may be shown.
pub fn texts<'a>(cx: &Context<'a>, each: &mut dyn FnMut(Run<'a>)) {
    for (index, file) in cx.package.files.iter().enumerate() {
        if file.origin != Origin::Own || !han(&file.source.text) {
            continue;
        }
        let id = FileId(index as u32);
        if !reached(cx, id) {
            continue;
        }
        let text: &'a str = &file.source.text;
        let mut run = |span: Span| {
            let text: &'a str = span.slice(text);
            if han(text) {
                each(Run { surface: Surface::Text, file: id, span, text });
            }
        };
        match file.kind {
            FileKind::Template => template(cx, id, &mut run),
            FileKind::Script => script(cx, id, &mut run),
            _ => {}
        }
    }
}

fn template(cx: &Context<'_>, file: FileId, run: &mut dyn FnMut(Span)) {
    let Some(facts) = cx.program.template(file) else { return };
    for node in &facts.document.nodes {
        match &node.kind {
            NodeKind::Text(parts) => {
                for part in parts {
                    if let Part::Text { span, .. } = part {
                        run(*span);
                    }
                }
            }
            NodeKind::Element(element) => {
                for attribute in &element.attributes {
                    if TEXT_ATTRIBUTES.iter().any(|name| attribute.name.eq_ignore_ascii_case(name))
                        && let Some(value) = &attribute.value
                    {
                        run(value.span);
                    }
                }
            }
            _ => {}
        }
    }
    for expression in facts.expressions.values() {
        crate::model::ir::walk_expr(expression, &mut |expr| {
            if let ExprKind::String(_) = expr.kind {
                run(expr.span);
            }
        });
    }
}

fn script(cx: &Context<'_>, file: FileId, run: &mut dyn FnMut(Span)) {
    let Some(script) = cx.program.script(file) else { return };
    let mut silent: Vec<Span> = Vec::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Call { callee, args, .. } = &expr.kind
            && let ExprKind::Member { object, .. } = &callee.kind
            && matches!(&object.kind, ExprKind::Global(name) if &**name == "console")
        {
            silent.extend(args.iter().map(|arg| arg.value.span));
        }
    });
    script.for_each_expr(&mut |expr| {
        if matches!(expr.kind, ExprKind::String(_) | ExprKind::Template(..))
            && !silent.iter().any(|span| span.start <= expr.span.start && expr.span.end <= span.end)
        {
            run(expr.span);
        }
    });
}

/// Roles that calls and elements play, with their places.
pub fn roles(cx: &Context<'_>, each: &mut dyn FnMut(&str, &Arc<str>, Place)) {
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    for call in &cx.solution.calls {
        let place = call.through.unwrap_or(call.place);
        if let Some(api) = host.apis.get(&call.api)
            && own(cx, place.file)
        {
            for role in &api.roles {
                each(role, &call.api, place);
            }
        }
    }
    for (index, file) in cx.package.files.iter().enumerate() {
        if file.kind != FileKind::Template || file.origin != Origin::Own {
            continue;
        }
        let id = FileId(index as u32);
        for (_, element) in cx.program.elements(id) {
            let Some(component) = host.components.get(&element.name) else { continue };
            let place = Place { file: id, span: element.open };
            for role in &component.roles {
                each(role, &component.name, place);
            }
            let open_type = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref()?.literal());
            if let Some(open) = open_type.and_then(|name| component.open_types.get(name.as_str())) {
                for role in &open.roles {
                    each(role, &component.name, place);
                }
            }
        }
    }
}

/// Lower-case parts of routes, dependencies and request paths.
pub fn paths(cx: &Context<'_>, each: &mut dyn FnMut(&str, Place)) {
    if let Some(file) = cx.package.app {
        for page in &cx.package.pages {
            parts(&page.route, &mut |part| each(part, Place { file, span: page.span }));
        }
    }
    if let Some(id) = cx.package.file("package.json")
        && let Some(json) = cx.package.files.get(id.index()).and_then(|file| file.json.as_ref())
    {
        for dependency in json.get("dependencies").map_or(&[][..], Json::properties) {
            let place = Place { file: id, span: dependency.key_span };
            parts(&dependency.key, &mut |part| each(part, place));
        }
    }
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    for call in &cx.solution.calls {
        let Some(api) = host.apis.get(&call.api) else { continue };
        if !["request", "upload", "download", "socket-connect"].iter().any(|role| api.has_role(role)) {
            continue;
        }
        let Some(argument) = api.param("url").and_then(|path| call.arg(path)) else { continue };
        for text in &argument.strings {
            let place = text.place.unwrap_or(call.place);
            if !own(cx, place.file) {
                continue;
            }
            for piece in &text.pieces {
                let path = piece
                    .split_once("://")
                    .map_or(&**piece, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
                let path = path.split(['?', '#']).next().unwrap_or("");
                parts(path, &mut |part| each(part, place));
            }
        }
    }
}

/// Lower-case parts of the names that a package's own code gives: data that templates show, scripts and components, icons of tabs,
/// and addresses in scripts.
pub fn names(cx: &Context<'_>, each: &mut dyn FnMut(&str, Place)) {
    if let (Some(file), Some(bar)) = (cx.package.app, cx.package.app_json().and_then(|app| app.get("tabBar"))) {
        for item in bar.get("list").or_else(|| bar.get("items")).map_or(&[][..], Json::items) {
            let Some(icon) = item.get("iconPath") else { continue };
            if let Some(path) = icon.as_str() {
                let name = path.rsplit('/').next().unwrap_or(path);
                parts(name, &mut |part| each(part, Place { file, span: icon.span }));
            }
        }
    }
    for (index, file) in cx.package.files.iter().enumerate() {
        let id = FileId(index as u32);
        if file.origin != Origin::Own || !reached(cx, id) {
            continue;
        }
        match file.kind {
            FileKind::Template => {
                let Some(facts) = cx.program.template(id) else { continue };
                let mut starts: Vec<&u32> = facts.expressions.keys().collect();
                starts.sort_unstable();
                for expression in starts.into_iter().filter_map(|start| facts.expressions.get(start)) {
                    crate::model::ir::walk_expr(expression, &mut |expr| {
                        let place = Place { file: id, span: expr.span };
                        match &expr.kind {
                            ExprKind::Global(name) => parts(name, &mut |part| each(part, place)),
                            ExprKind::Member { key: Key::Static(name, _), .. } => {
                                parts(name, &mut |part| each(part, place));
                            }
                            _ => {}
                        }
                    });
                }
            }
            FileKind::Script => {
                let Some(script) = cx.program.script(id) else { continue };
                let path = &file.source.path;
                parts(path, &mut |part| each(part, Place { file: id, span: Span::new(0, 0) }));
                script.for_each_expr(&mut |expr| {
                    if let ExprKind::String(text) = &expr.kind
                        && is_address(text)
                    {
                        let path = text.split_once("://").map_or(&**text, |(_, rest)| rest);
                        let path = path.split_once('/').map_or("", |(_, path)| path);
                        let path = path.split(['?', '#']).next().unwrap_or("");
                        parts(path, &mut |part| each(part, Place { file: id, span: expr.span }));
                    }
                });
            }
            _ => {}
        }
    }
}

/// Whether a text looks like the address of a service: a path that is no file of the package.
fn is_address(text: &str) -> bool {
    const LONGEST: usize = 160;
    text.len() <= LONGEST
        && text.contains('/')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.starts_with('.')
        && !text.contains(['<', '>', '(', ')', '*', '\\', '^', '[', ','])
        && ![".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css", ".ttf", ".woff", ".mp3", ".mp4"]
            .iter()
            .any(|ending| text.split(['?', '#']).next().is_some_and(|path| path.ends_with(ending)))
}

/// Words of a path: cut at separators and at capitals; each also joined with its neighbour by a hyphen.
fn parts(path: &str, each: &mut dyn FnMut(&str)) {
    let mut words: Vec<String> = Vec::new();
    let mut wholes: Vec<String> = Vec::new();
    for segment in path.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut word = String::new();
        let mut lower = false;
        for c in segment.chars() {
            if c.is_ascii_uppercase() && lower && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            lower = c.is_ascii_lowercase();
            word.push(c.to_ascii_lowercase());
        }
        if !word.is_empty() {
            if segment.chars().any(|c| c.is_ascii_uppercase()) {
                wholes.push(segment.to_ascii_lowercase());
            }
            words.push(word);
        }
    }
    for pair in words.windows(2) {
        if let [a, b] = pair {
            each(&format!("{a}-{b}"));
        }
    }
    words.append(&mut wholes);
    words.sort_unstable();
    words.dedup();
    for word in &words {
        each(word);
        if let Some(singular) = word.strip_suffix('s') {
            each(singular);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn paths_are_cut_into_words() {
        let mut words = Vec::new();
        parts("pages/liveRoom/index", &mut |word| words.push(word.to_owned()));
        for part in ["live", "liveroom", "live-room"] {
            assert!(words.iter().any(|word| word == part), "{words:?}");
        }
    }
}
