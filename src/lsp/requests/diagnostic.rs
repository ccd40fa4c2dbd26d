//! `textDocument/diagnostic`, `workspace/diagnostic`: diagnostics that the client asks for.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use gen_lsp_types as lsp;

use super::Context;
use crate::lsp::snapshot::Told;
use crate::lsp::{from_proto, to_proto};

/// The id of an empty list.
const NONE: &str = "none";

pub(super) fn options() -> lsp::DiagnosticOptions {
    lsp::DiagnosticOptions {
        identifier: Some("minivet".to_owned()),
        inter_file_dependencies: true,
        workspace_diagnostics: true,
        ..Default::default()
    }
}

fn full(told: Option<&Told>) -> lsp::FullDocumentDiagnosticReport {
    lsp::FullDocumentDiagnosticReport {
        result_id: Some(told.map_or(NONE, |told| &told.id).to_owned()),
        items: told.map(|told| told.items.clone()).unwrap_or_default(),
    }
}

pub(super) fn document(cx: &Context<'_>, params: lsp::DocumentDiagnosticParams) -> lsp::DocumentDiagnosticReport {
    let path = cx.path(&params.text_document.uri);
    let told = path.as_ref().and_then(|path| cx.snapshot?.files.get(path)).map(|told| &**told);
    let id = told.map_or(NONE, |told| &told.id);
    // Other files come with `workspace/diagnostic` or after a refresh: a client that got them here may never ask for them.
    if params.previous_result_id.as_deref() == Some(id) {
        return lsp::RelatedUnchangedDocumentDiagnosticReport {
            related_documents: None,
            unchanged_document_diagnostic_report: lsp::UnchangedDocumentDiagnosticReport { result_id: id.to_owned() },
        }
        .into();
    }
    lsp::RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report: full(told) }
        .into()
}

pub(super) fn workspace(cx: &Context<'_>, params: lsp::WorkspaceDiagnosticParams) -> lsp::WorkspaceDiagnosticReport {
    let Some(snapshot) = cx.snapshot else { return lsp::WorkspaceDiagnosticReport::default() };
    let before: HashMap<PathBuf, String> = params
        .previous_result_ids
        .into_iter()
        .filter_map(|previous| Some((from_proto::path(&previous.uri)?, previous.value)))
        .collect();
    // Files that had diagnostics and have none now are told, too.
    let paths: BTreeSet<&PathBuf> = snapshot.files.keys().chain(before.keys()).collect();
    let items = paths
        .into_iter()
        .map(|path| {
            let document = cx.documents.get(path);
            let uri = document.map_or_else(|| to_proto::uri(path), |document| document.uri.clone());
            let version = document.map(|document| document.version);
            let told = snapshot.files.get(path).map(|told| &**told);
            let id = told.map_or(NONE, |told| &told.id);
            if before.get(path).is_some_and(|before| before == id) {
                lsp::WorkspaceDocumentDiagnosticReport::WorkspaceUnchangedDocumentDiagnosticReport(
                    lsp::WorkspaceUnchangedDocumentDiagnosticReport {
                        uri,
                        version,
                        unchanged_document_diagnostic_report: lsp::UnchangedDocumentDiagnosticReport {
                            result_id: id.to_owned(),
                        },
                    },
                )
            } else {
                lsp::WorkspaceDocumentDiagnosticReport::WorkspaceFullDocumentDiagnosticReport(
                    lsp::WorkspaceFullDocumentDiagnosticReport {
                        uri,
                        version,
                        full_document_diagnostic_report: full(told),
                    },
                )
            }
        })
        .collect();
    lsp::WorkspaceDiagnosticReport { items }
}
