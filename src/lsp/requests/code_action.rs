//! `textDocument/codeAction`: repairs, suppressions, and all safe repairs at once.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use gen_lsp_types as lsp;

use super::Context;
use crate::engine::Hit;
use crate::lsp::edits::{Maker, Offer, Words};
use crate::lsp::snapshot::{At, Snapshot, path_of};
use crate::lsp::{from_proto, to_proto};
use crate::report::model::Teller;
use crate::rules::{Edit, Fix};

const FIX_ALL: &str = "source.fixAll.minivet";

pub(super) fn options() -> lsp::CodeActionOptions {
    lsp::CodeActionOptions {
        code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix, lsp::CodeActionKind::Custom(FIX_ALL.into())]),
        ..Default::default()
    }
}

/// Whether a kind is asked for: itself or one above it.
fn wanted(only: Option<&[lsp::CodeActionKind]>, kind: &str) -> bool {
    only.is_none_or(|only| {
        only.iter().any(|asked| {
            let asked = asked.to_string();
            asked.is_empty() || kind == asked || kind.strip_prefix(&asked).is_some_and(|rest| rest.starts_with('.'))
        })
    })
}

pub(super) fn handle(cx: &Context<'_>, params: lsp::CodeActionParams) -> Option<Vec<lsp::CodeActionResponse>> {
    let snapshot = cx.snapshot?;
    let at = cx.file(&params.text_document.uri)?;
    let only = params.context.only.as_deref();
    let (span, _) = from_proto::span(at.source(), params.range, cx.client.encoding);
    let hits: Vec<&Hit> = at.vetted.active().filter(|hit| hit.finding.place.file == at.file).collect();
    let teller = Teller::new(at.vetted, &snapshot.policy, snapshot.lang);
    let mut out: Vec<lsp::CodeAction> = Vec::new();
    if wanted(only, "quickfix") {
        let words = Words::of(&snapshot.policy);
        let mut hides: Vec<lsp::CodeAction> = Vec::new();
        for hit in &hits {
            let own = hit.finding.place.span;
            if own.end < span.start || span.end < own.start {
                continue;
            }
            let diagnostic = diagnostic(cx, snapshot, at, hit);
            let told = teller.finding(hit);
            for (fix, told) in hit.finding.fixes.iter().zip(&told.fixes) {
                let edit = workspace_edit(cx, at, &[fix]);
                out.push(quick_fix(told.title.clone(), edit, fix.safe, diagnostic.clone()));
            }
            let Some(words) = &words else { continue };
            let maker = Maker { words, policy: &snapshot.policy, lang: snapshot.lang, at };
            for offer in maker.offers(hit) {
                let Offer { title, file, edits, safe, hides: hiding } = offer;
                let target = At { vetted: at.vetted, file };
                let list = edits.into_iter().map(|(span, text)| (target, span, text)).collect();
                let action = quick_fix(title, edit_of(cx, list), safe, diagnostic.clone());
                if hiding { hides.push(action) } else { out.push(action) }
            }
        }
        // Hiding comes last.
        out.append(&mut hides);
    }
    if wanted(only, FIX_ALL) {
        let fixes = safe_fixes(&hits);
        if !fixes.is_empty() {
            out.push(lsp::CodeAction {
                title: snapshot
                    .lang
                    .pick("修复此文件中所有可安全修复的问题", "Fix all that can be fixed safely")
                    .to_owned(),
                kind: Some(lsp::CodeActionKind::Custom(FIX_ALL.into())),
                edit: Some(workspace_edit(cx, at, &fixes)),
                ..Default::default()
            });
        }
    }
    Some(out.into_iter().map(lsp::CodeActionResponse::CodeAction).collect())
}

fn quick_fix(
    title: String,
    edit: lsp::WorkspaceEdit,
    safe: bool,
    diagnostic: Option<lsp::Diagnostic>,
) -> lsp::CodeAction {
    lsp::CodeAction {
        title,
        kind: Some(lsp::CodeActionKind::QuickFix),
        diagnostics: diagnostic.map(|one| vec![one]),
        is_preferred: Some(safe),
        edit: Some(edit),
        ..Default::default()
    }
}

/// The diagnostic that was told for a finding.
fn diagnostic(cx: &Context<'_>, snapshot: &Snapshot, at: At<'_>, hit: &Hit) -> Option<lsp::Diagnostic> {
    let told = snapshot.files.get(&path_of(at.vetted, at.file))?;
    let range = cx.range(at, hit.finding.place.span);
    let code = lsp::Code::String(hit.finding.rule.to_owned());
    told.items.iter().find(|item| item.range == range && item.code.as_ref() == Some(&code)).cloned()
}

/// Safe fixes of a file that do not touch each other.
fn safe_fixes<'h>(hits: &[&'h Hit]) -> Vec<&'h Fix> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut out = Vec::new();
    for hit in hits {
        let Some(fix) = hit.finding.fixes.iter().find(|fix| fix.safe) else { continue };
        let apart = |edit: &Edit| {
            taken.iter().all(|other| {
                other.place.file != edit.place.file
                    || other.place.span.end < edit.place.span.start
                    || edit.place.span.end < other.place.span.start
            })
        };
        if fix.edits.iter().all(apart) {
            taken.extend(&fix.edits);
            out.push(fix);
        }
    }
    out
}

fn workspace_edit(cx: &Context<'_>, at: At<'_>, fixes: &[&Fix]) -> lsp::WorkspaceEdit {
    let edits = fixes
        .iter()
        .flat_map(|fix| &fix.edits)
        .map(|edit| (At { vetted: at.vetted, file: edit.place.file }, edit.place.span, edit.text.clone()))
        .collect();
    edit_of(cx, edits)
}

fn edit_of(cx: &Context<'_>, edits: Vec<(At<'_>, crate::source::Span, String)>) -> lsp::WorkspaceEdit {
    let mut files: BTreeMap<PathBuf, Vec<lsp::TextEdit>> = BTreeMap::new();
    for (at, span, text) in edits {
        let edit = to_proto::edit(at.source(), span, text, cx.client.encoding);
        files.entry(path_of(at.vetted, at.file)).or_default().push(edit);
    }
    let named = files.into_iter().map(|(path, edits)| {
        let document = cx.documents.get(&path);
        let uri = document.map_or_else(|| to_proto::uri(&path), |document| document.uri.clone());
        (uri, document.map(|document| document.version), edits)
    });
    if cx.client.document_changes {
        let changes = named
            .map(|(uri, version, edits)| {
                lsp::DocumentChange::TextDocumentEdit(lsp::TextDocumentEdit {
                    text_document: lsp::OptionalVersionedTextDocumentIdentifier {
                        version,
                        text_document_identifier: lsp::TextDocumentIdentifier { uri },
                    },
                    edits: edits.into_iter().map(lsp::Edit::TextEdit).collect(),
                })
            })
            .collect();
        lsp::WorkspaceEdit { document_changes: Some(changes), ..Default::default() }
    } else {
        let changes: HashMap<lsp::Uri, Vec<lsp::TextEdit>> = named.map(|(uri, _, edits)| (uri, edits)).collect();
        lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() }
    }
}
