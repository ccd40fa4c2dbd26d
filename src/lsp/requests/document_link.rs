//! `textDocument/documentLink`: clause and rule ids lead to their pages.

use gen_lsp_types as lsp;

use super::Context;
use crate::lsp::pages::Pages;
use crate::lsp::to_proto;
use crate::source::Span;

/// Links of one document.
const MOST: usize = 500;

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_')
}

/// Words of a text that may be ids, with their places.
pub(super) fn words(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes[at..].iter().position(|byte| is_part(*byte))?;
            let end = start + bytes[start..].iter().take_while(|byte| is_part(**byte)).count();
            at = end;
            let word = text[start..end].trim_end_matches(['.', '-', '/']);
            if word.contains(['-', '/']) && word.starts_with(|c: char| c.is_ascii_lowercase()) {
                return Some((start as u32, word));
            }
        }
        None
    })
}

pub(super) fn handle(cx: &Context<'_>, params: lsp::DocumentLinkParams) -> Option<Vec<lsp::DocumentLink>> {
    let snapshot = cx.snapshot?;
    let source = &cx.document(&params.text_document.uri)?.source;
    let policy = &snapshot.policy;
    let mut pages = Pages::new(cx.settings.pages.as_deref(), snapshot.lang, policy);
    let links = words(&source.text)
        .filter_map(|(at, word)| {
            let (target, title) = if let Some(clause) = policy.clause(word) {
                (pages.clause(word, policy)?, clause.title.get(snapshot.lang))
            } else if policy.catalogue.has(word) {
                (pages.rule(word, policy)?, policy.entry(word)?.title.get(snapshot.lang))
            } else {
                return None;
            };
            Some(lsp::DocumentLink {
                range: to_proto::range(source, Span::new(at, at + word.len() as u32), cx.client.encoding),
                target: Some(target),
                tooltip: Some(title.to_owned()),
                data: None,
            })
        })
        .take(MOST)
        .collect();
    Some(links)
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_that_may_be_ids() {
        let found: Vec<_> = super::words("// 见 agreement-4.3、`privacy/x`. swan.request(a-1) A-b").collect();
        let words: Vec<&str> = found.iter().map(|(_, word)| *word).collect();
        assert_eq!(words, ["agreement-4.3", "privacy/x", "a-1"]);
        assert_eq!(found[0].0, 7);
    }
}
