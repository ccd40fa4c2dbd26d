//! Requests: one file each.

mod code_action;
mod code_lens;
mod command;
mod completion;
mod diagnostic;
mod document_link;
mod hover;
mod inlay_hint;
mod inventory;

use std::path::PathBuf;

use gen_lsp_types as lsp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Client;
use super::documents::{Document, Documents};
use super::settings::Settings;
use super::snapshot::{At, Snapshot};
use super::{from_proto, to_proto};

/// What a request may read.
pub(super) struct Context<'a> {
    /// The newest snapshot; for requests that wait it includes every change.
    pub snapshot: Option<&'a Snapshot>,
    /// What is open.
    pub documents: &'a Documents,
    /// What the client can do.
    pub client: &'a Client,
    /// What the user set.
    pub settings: &'a Settings,
}

/// What a request gives.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The result.
    pub result: Value,
    /// A document that the client shall show: parameters of `window/showDocument`.
    pub show: Option<Value>,
}

impl Context<'_> {
    fn path(&self, uri: &lsp::Uri) -> Option<PathBuf> {
        from_proto::path(uri)
    }

    /// A file of a package as it was vetted.
    fn file(&self, uri: &lsp::Uri) -> Option<At<'_>> {
        self.snapshot?.file(&self.path(uri)?)
    }

    fn document(&self, uri: &lsp::Uri) -> Option<&Document> {
        self.documents.get(&self.path(uri)?)
    }

    fn range(&self, at: At<'_>, span: crate::source::Span) -> lsp::Range {
        to_proto::range(at.source(), span, self.client.encoding)
    }
}

/// Requests that are answered; whether they wait for a snapshot that includes every change.
const METHODS: [(&str, bool); 10] = [
    ("minivet/inventory", true),
    ("textDocument/codeAction", true),
    ("textDocument/codeLens", true),
    ("textDocument/completion", false),
    ("textDocument/diagnostic", true),
    ("textDocument/documentLink", true),
    ("textDocument/hover", true),
    ("textDocument/inlayHint", true),
    ("workspace/diagnostic", true),
    ("workspace/executeCommand", true),
];

/// Whether there is such a request.
pub(super) fn known(method: &str) -> bool {
    METHODS.iter().any(|(name, _)| *name == method)
}

/// Whether it waits for a snapshot that includes every change.
pub(super) fn waits(method: &str) -> bool {
    METHODS.iter().any(|(name, waits)| *name == method && *waits)
}

/// Whether it asks for diagnostics.
pub(super) fn pulls(method: &str) -> bool {
    matches!(method, "textDocument/diagnostic" | "workspace/diagnostic")
}

/// What the server says it can do.
pub(super) fn capabilities(client: &Client) -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        position_encoding: Some(to_proto::encoding(client.encoding)),
        text_document_sync: Some(lsp::TextDocumentSync::Options(lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(lsp::Save::Bool(true)),
            ..Default::default()
        })),
        completion_provider: Some(completion::options()),
        hover_provider: Some(lsp::HoverProvider::Bool(true)),
        code_action_provider: Some(lsp::CodeActionProvider::CodeActionOptions(code_action::options())),
        code_lens_provider: Some(lsp::CodeLensOptions::default()),
        document_link_provider: Some(lsp::DocumentLinkOptions::default()),
        execute_command_provider: Some(command::options()),
        inlay_hint_provider: Some(lsp::InlayHintProvider::Bool(true)),
        diagnostic_provider: client.pulls.then(|| lsp::DiagnosticProvider::DiagnosticOptions(diagnostic::options())),
        workspace: Some(lsp::WorkspaceOptions {
            workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(lsp::ChangeNotifications::Bool(true)),
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn run<P: DeserializeOwned, R: Serialize>(
    context: &Context<'_>,
    params: Value,
    handler: fn(&Context<'_>, P) -> R,
) -> Result<Answer, String> {
    let params = serde_json::from_value(params).map_err(|error| error.to_string())?;
    let result = serde_json::to_value(handler(context, params)).map_err(|error| error.to_string())?;
    Ok(Answer { result, show: None })
}

/// Answers a request.
///
/// # Errors
/// What is wrong with the parameters.
pub(super) fn handle(context: &Context<'_>, method: &str, params: Value) -> Result<Answer, String> {
    match method {
        "minivet/inventory" => run(context, params, inventory::handle),
        "textDocument/codeAction" => run(context, params, code_action::handle),
        "textDocument/codeLens" => run(context, params, code_lens::handle),
        "textDocument/completion" => run(context, params, completion::handle),
        "textDocument/diagnostic" => run(context, params, diagnostic::document),
        "textDocument/documentLink" => run(context, params, document_link::handle),
        "textDocument/hover" => run(context, params, hover::handle),
        "textDocument/inlayHint" => run(context, params, inlay_hint::handle),
        "workspace/diagnostic" => run(context, params, diagnostic::workspace),
        "workspace/executeCommand" => {
            let params = serde_json::from_value(params).map_err(|error| error.to_string())?;
            command::handle(context, params)
        }
        _ => Err("unknown request".to_owned()),
    }
}
