//! `workspace/executeCommand`: `minivet.inventory` writes the inventory of a document's package and shows it.

use gen_lsp_types as lsp;
use serde_json::{Value, json};

use super::{Answer, Context, inventory};
use crate::lsp::to_proto;

/// The command that gives the inventory: one argument, the address of a document or nothing.
pub(super) const INVENTORY: &str = "minivet.inventory";

pub(super) fn options() -> lsp::ExecuteCommandOptions {
    lsp::ExecuteCommandOptions { commands: vec![INVENTORY.to_owned()], ..Default::default() }
}

pub(super) fn handle(cx: &Context<'_>, params: lsp::ExecuteCommandParams) -> Result<Answer, String> {
    if params.command != INVENTORY {
        return Err(format!("unknown command {}", params.command));
    }
    let uri = params.arguments.unwrap_or_default().first().and_then(Value::as_str).map(|uri| lsp::Uri(uri.to_owned()));
    let Some(inventory) = inventory::of(cx, uri.as_ref()) else { return Ok(Answer::default()) };
    let value = serde_json::to_value(&inventory).map_err(|error| error.to_string())?;
    let markdown = value.get("markdown").and_then(Value::as_str).unwrap_or_default();
    // One file a process: what is shown is always the last one asked for.
    let path = std::env::temp_dir().join(format!("minivet-inventory-{}.md", std::process::id()));
    let show = cx.client.shows_documents && std::fs::write(&path, markdown).is_ok();
    Ok(Answer {
        result: json!({ "markdown": markdown }),
        show: show.then(|| json!({ "uri": to_proto::uri(&path), "takeFocus": true })),
    })
}
