//! `minivet/inventory`: the personal information that a package handles.

use gen_lsp_types as lsp;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::engine::Vetted;
use crate::lsp::snapshot::Snapshot;
use crate::report::model::{Report, Shape, Summary, build_package, tool};
use crate::report::{Style, inventory_markdown};

/// Of which package; of all without an address.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InventoryParams {
    text_document: Option<lsp::TextDocumentIdentifier>,
}

/// The inventory as a page and as data.
#[derive(Debug, Serialize)]
pub(super) struct Inventory {
    markdown: String,
    report: Report,
}

pub(super) fn handle(cx: &Context<'_>, params: InventoryParams) -> Option<Inventory> {
    of(cx, params.text_document.map(|document| document.uri).as_ref())
}

/// The inventory of the package that holds a document, or of all packages.
pub(super) fn of(cx: &Context<'_>, uri: Option<&lsp::Uri>) -> Option<Inventory> {
    let snapshot: &Snapshot = cx.snapshot?;
    let own = uri.and_then(|uri| snapshot.package(&cx.path(uri)?));
    let packages: Vec<&Vetted> = match own {
        Some(one) => vec![&**one],
        None => snapshot.packages.iter().map(|one| &**one).collect(),
    };
    let shape = Shape { lang: snapshot.lang, flows: true, ..Shape::default() };
    let mut report = Report {
        schema_version: crate::report::model::SCHEMA_VERSION,
        tool: tool(&snapshot.policy),
        packages: packages.into_iter().map(|vetted| build_package(vetted, &snapshot.policy, shape)).collect(),
        summary: Summary::default(),
    };
    report.count();
    let style = Style { lang: snapshot.lang, color: false, quiet: false, verbose: false };
    Some(Inventory { markdown: inventory_markdown(&report, style), report })
}
