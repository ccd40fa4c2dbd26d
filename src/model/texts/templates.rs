//! Texts of templates: what stands between tags and in attributes.

use crate::model::texts::markup::without_tags;
use crate::model::texts::{Role, SHOWN_KEYS, TextRun, has_text, is_url};
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::template::{Document, Element, NodeId, NodeKind, Part};
use crate::text::{Mapped, entities};

/// Attributes that hold no text.
const PLAIN_ATTRIBUTES: [&str; 14] =
    ["class", "style", "id", "src", "href", "url", "path", "type", "mode", "is", "key", "name", "module", "slot"];

/// Elements that stand in a line with the text around them.
fn is_inline(name: &str) -> bool {
    matches!(name, "text" | "span" | "b" | "i" | "em" | "strong" | "font" | "label" | "a" | "u" | "s" | "small")
}

pub(super) fn template_texts(id: FileId, source: &SourceFile, document: &Document, runs: &mut Vec<TextRun>) {
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
            runs.push(TextRun {
                file: id,
                span,
                role: Role::Visible,
                text,
                element: Some(holder),
                name: None,
                borrowed: Vec::new(),
            });
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

pub(super) fn trimmed(text: &Mapped) -> Span {
    let start = text.text.len() - text.text.trim_start().len();
    let end = text.text.trim_end().len();
    text.source(start..end.max(start))
}

fn parts_text(source: &SourceFile, parts: &[Part], out: &mut Mapped) {
    for part in parts {
        match part {
            Part::Text { span, text } => out.append(&entities(span.slice(&source.text), text, span.start)),
            Part::Interpolation { span, expression, .. } => match quoted(expression.slice(&source.text)) {
                Some(inner) => {
                    let written = expression.slice(&source.text);
                    let start = expression.start + (written.len() - written.trim_start().len()) as u32 + 1;
                    out.push(inner, Span::new(start, start + inner.len() as u32));
                }
                None => out.push_hole(*span),
            },
        }
    }
}

/// What stands in an expression that is nothing but a plain string.
fn quoted(expression: &str) -> Option<&str> {
    let expression = expression.trim();
    let quote = expression.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = expression.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\'])).then_some(inner)
}

/// Whether an attribute's value is shown or read aloud: by its last word, as components name what they show.
fn is_shown(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("data-") {
        return false;
    }
    let last = lower.rsplit(['-', '.']).next().unwrap_or("");
    let last =
        name.rfind(|c: char| c.is_ascii_uppercase()).filter(|_| !lower.contains('-')).map_or(last, |at| &lower[at..]);
    lower.starts_with("aria-")
        || matches!(last, "alt" | "tooltip" | "prompt" | "action" | "subtitle")
        || SHOWN_KEYS.contains(&last)
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
        let shown = is_shown(&attribute.name);
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
        let text = without_tags(text);
        if !has_text(&text.text) || !shown && text.text.is_ascii() || is_url(&text.text) {
            continue;
        }
        let role = if shown { Role::Attribute } else { Role::Data };
        let span = trimmed(&text);
        runs.push(TextRun {
            file: id,
            span,
            role,
            text,
            element: Some(index),
            name: Some(attribute.name.clone()),
            borrowed: Vec::new(),
        });
    }
}
