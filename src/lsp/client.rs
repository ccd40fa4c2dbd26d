//! What the client can do, as it says. Missing and malformed parts count as no.

use gen_lsp_types::PositionEncodingKind;
use serde_json::Value;

use super::from_proto;
use crate::source::PositionEncoding;

/// The client's abilities.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// What columns count.
    pub encoding: PositionEncoding,
    /// Its locale.
    pub locale: Option<String>,
    /// Related places of diagnostics.
    pub related: bool,
    /// Asks for diagnostics by itself.
    pub pulls: bool,
    /// Can be told that diagnostics, lenses and hints changed.
    pub refreshes: Refreshes,
    /// Shows progress that the server begins.
    pub progress: bool,
    /// Watches files when asked to.
    pub watches: bool,
    /// Can be asked for settings.
    pub configuration: bool,
    /// Tells of changed settings when asked to.
    pub configuration_changes: bool,
    /// Opens documents when asked to.
    pub shows_documents: bool,
    /// Takes edits that name the version of a document.
    pub document_changes: bool,
}

/// What the client reads again when told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refreshes {
    /// Diagnostics.
    pub diagnostics: bool,
    /// Code lenses.
    pub lenses: bool,
    /// Inlay hints.
    pub hints: bool,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub fn of(params: &Value) -> Self {
        let at = |path: &str| params.pointer(&format!("/capabilities/{path}"));
        let says = |path: &str| at(path).and_then(Value::as_bool).unwrap_or(false);
        let encodings: Vec<PositionEncodingKind> = at("general/positionEncodings")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(|kind| serde_json::from_value(kind.clone()).ok()).collect())
            .unwrap_or_default();
        Self {
            encoding: from_proto::encoding(&encodings),
            locale: params.get("locale").and_then(Value::as_str).map(str::to_owned),
            related: says("textDocument/publishDiagnostics/relatedInformation")
                || says("textDocument/diagnostic/relatedInformation"),
            pulls: at("textDocument/diagnostic").is_some_and(Value::is_object),
            refreshes: Refreshes {
                diagnostics: says("workspace/diagnostics/refreshSupport"),
                lenses: says("workspace/codeLens/refreshSupport"),
                hints: says("workspace/inlayHint/refreshSupport"),
            },
            progress: says("window/workDoneProgress"),
            watches: says("workspace/didChangeWatchedFiles/dynamicRegistration"),
            configuration: says("workspace/configuration"),
            configuration_changes: says("workspace/didChangeConfiguration/dynamicRegistration"),
            shows_documents: says("window/showDocument/support"),
            document_changes: says("workspace/workspaceEdit/documentChanges"),
        }
    }
}
