//! `textDocument/completion`: rule ids in suppressions; keys and values of `minivet.toml`, from its schema.

use gen_lsp_types as lsp;
use serde_json::Value;

use super::Context;
use crate::engine::config::NAME as CONFIG;
use crate::lsp::schema::schema;
use crate::lsp::{from_proto, to_proto};
use crate::source::{SourceFile, Span};

const MARK: &str = "minivet-ignore-";

pub(super) fn options() -> lsp::CompletionOptions {
    let triggers = [" ", ",", "/", "\"", ".", "["].map(str::to_owned).to_vec();
    lsp::CompletionOptions { trigger_characters: Some(triggers), ..Default::default() }
}

pub(super) fn handle(cx: &Context<'_>, params: lsp::CompletionParams) -> Option<lsp::CompletionList> {
    let at = params.text_document_position_params;
    let document = cx.document(&at.text_document.uri)?;
    let source = &document.source;
    let (offset, _) = from_proto::offset(source, at.position, cx.client.encoding);
    let lines = source.lines();
    let line = lines.line(offset);
    let start = lines.line_start(&source.text, line);
    let before = source.text.get(start as usize..offset as usize)?;
    let items = if source.name() == CONFIG {
        configuration(cx, source, start, before, offset)?
    } else {
        suppression(cx, source, before, offset)?
    };
    Some(lsp::CompletionList { is_incomplete: false, items, ..Default::default() })
}

/// An item that takes the place of what was typed so far.
fn item(
    cx: &Context<'_>,
    source: &SourceFile,
    typed: Span,
    label: &str,
    detail: Option<String>,
    kind: lsp::CompletionItemKind,
) -> lsp::CompletionItem {
    let edit = to_proto::edit(source, typed, label, cx.client.encoding);
    lsp::CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        detail,
        filter_text: Some(label.to_owned()),
        text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(edit)),
        ..Default::default()
    }
}

fn rules(cx: &Context<'_>, source: &SourceFile, typed: Span) -> Option<Vec<lsp::CompletionItem>> {
    let snapshot = cx.snapshot?;
    let policy = &snapshot.policy;
    let list = policy
        .catalogue
        .ids()
        .map(|id| {
            let title = policy.entry(id).map(|entry| entry.title.get(snapshot.lang).to_owned());
            item(cx, source, typed, id, title, lsp::CompletionItemKind::EnumMember)
        })
        .collect();
    Some(list)
}

fn suppression(cx: &Context<'_>, source: &SourceFile, before: &str, offset: u32) -> Option<Vec<lsp::CompletionItem>> {
    let at = before.rfind(MARK)?;
    let rest = &before[at + MARK.len()..];
    let rest = rest.strip_prefix("next-line").or_else(|| rest.strip_prefix("file"))?;
    if rest.contains("--") || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let word = rest.rsplit([' ', '\t', ',', '，', '、']).next().unwrap_or("");
    rules(cx, source, Span::new(offset - word.len() as u32, offset))
}

fn configuration(
    cx: &Context<'_>,
    source: &SourceFile,
    start: u32,
    before: &str,
    offset: u32,
) -> Option<Vec<lsp::CompletionItem>> {
    let snapshot = cx.snapshot?;
    let schema = schema(&snapshot.policy);
    let trimmed = before.trim_start();
    if trimmed.starts_with('#') {
        return None;
    }
    // `[rules."…`
    if let Some(head) = trimmed.strip_prefix('[').filter(|_| !before.contains('=')) {
        if let Some(word) = head.strip_prefix("rules.\"").filter(|word| !word.contains('"')) {
            return rules(cx, source, Span::new(offset - word.len() as u32, offset));
        }
        let names = schema.get("properties")?.as_object()?.keys();
        let typed = Span::new(offset - head.len() as u32, offset);
        return Some(names.map(|name| item(cx, source, typed, name, None, lsp::CompletionItemKind::Module)).collect());
    }
    let table = table(&source.text[..start as usize])?;
    let place = match table.as_slice() {
        [name] => schema.pointer(&format!("/properties/{name}"))?,
        [name, rule] if name == "rules" => schema.get("properties")?.get("rules")?.get("properties")?.get(rule)?,
        _ => return None,
    };
    let properties = place.get("properties")?.as_object()?;
    let detail = |value: &Value| value.get("description").and_then(Value::as_str).map(str::to_owned);
    // A list may begin on a line above.
    let assigned = before
        .split_once('=')
        .map(|(key, _)| key.trim().to_owned())
        .or_else(|| open_list(&source.text[..start as usize]));
    let Some(key) = assigned else {
        let typed = Span::new(offset - trimmed.len() as u32, offset);
        return Some(
            properties
                .iter()
                .map(|(name, value)| item(cx, source, typed, name, detail(value), lsp::CompletionItemKind::Property))
                .collect(),
        );
    };
    let property = properties.get(key.trim_matches('"'))?;
    let values = property.get("enum").or_else(|| property.pointer("/items/enum"))?.as_array()?;
    let quote = before.rfind('"').filter(|_| before.matches('"').count() % 2 == 1);
    let list: Vec<lsp::CompletionItem> = values
        .iter()
        .filter_map(Value::as_str)
        .map(|value| match quote {
            Some(quote) => {
                let typed = Span::new(start + quote as u32 + 1, offset);
                item(cx, source, typed, value, None, lsp::CompletionItemKind::Value)
            }
            None => {
                let mut one =
                    item(cx, source, Span::at(offset), &format!("\"{value}\""), None, lsp::CompletionItemKind::Value);
                value.clone_into(&mut one.label);
                one
            }
        })
        .collect();
    Some(list)
}

/// The table that a line belongs to, from the text above it.
fn table(above: &str) -> Option<Vec<String>> {
    let head = above
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('[') && line.contains(']') && !line.starts_with("[["))?;
    let head = head.trim_start_matches('[').split(']').next()?;
    Some(match head.split_once('.') {
        Some((name, rest)) => vec![name.trim().to_owned(), rest.trim().trim_matches(['"', '\'']).to_owned()],
        None => vec![head.trim().to_owned()],
    })
}

/// The key of a list that is open at the end of the text.
fn open_list(above: &str) -> Option<String> {
    for line in above.lines().rev() {
        let line = line.trim();
        if let Some((key, value)) = line.split_once('=') {
            let open = value.trim_start().starts_with('[') && !value.contains(']');
            return open.then(|| key.trim().to_owned());
        }
        if line.starts_with('[') || line.contains(']') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_open_lists() {
        assert_eq!(table("[package]\nhost = \"x\"\n"), Some(vec!["package".to_owned()]));
        assert_eq!(table("[check]\n[rules.\"a/b\"] # c\n"), Some(vec!["rules".to_owned(), "a/b".to_owned()]));
        assert_eq!(table("host = 1\n"), None);
        assert_eq!(open_list("[package]\ncategories = [\n  \"a\",\n"), Some("categories".to_owned()));
        assert_eq!(open_list("categories = [\"a\"]\n"), None);
        assert_eq!(open_list("[package]\n"), None);
    }
}
