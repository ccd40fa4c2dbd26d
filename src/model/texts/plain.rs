//! Texts of configurations, plain texts and styles.

use std::sync::Arc;

use crate::model::texts::markup::{with_references, without_tags};
use crate::model::texts::templates::trimmed;
use crate::model::texts::{Role, SHOWN_KEYS, TextRun, has_text, is_url, literal};
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::json::{Json, JsonValue};
use crate::text::Mapped;

pub(super) fn json_texts(id: FileId, source: &str, json: &Json, name: Option<&Arc<str>>, runs: &mut Vec<TextRun>) {
    match &json.value {
        JsonValue::String(decoded) => {
            if !has_text(decoded) || is_url(decoded) {
                return;
            }
            let shown = name.is_some_and(|name| SHOWN_KEYS.contains(&&**name));
            if decoded.is_ascii() && !shown && !decoded.contains("&#") {
                return;
            }
            let text = with_references(without_tags(literal(source, json.span, decoded)));
            let role = if shown { Role::Visible } else { Role::Data };
            runs.push(TextRun {
                file: id,
                span: trimmed(&text),
                role,
                text,
                element: None,
                name: name.cloned(),
                borrowed: Vec::new(),
            });
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

pub(super) fn text_lines(id: FileId, source: &SourceFile, runs: &mut Vec<TextRun>) {
    let mut at = 0u32;
    for line in source.text.split_inclusive('\n') {
        if has_text(line) && !line.is_ascii() {
            let text = Mapped::plain(line.trim_end(), at);
            runs.push(TextRun {
                file: id,
                span: trimmed(&text),
                role: Role::Data,
                text,
                element: None,
                name: None,
                borrowed: Vec::new(),
            });
        }
        at += line.len() as u32;
    }
}

/// Texts that styles put before and after elements.
pub(super) fn style_texts(id: FileId, source: &str, runs: &mut Vec<TextRun>) {
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
            runs.push(TextRun {
                file: id,
                span: text.whole(),
                role: Role::Visible,
                text,
                element: None,
                name,
                borrowed: Vec::new(),
            });
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
