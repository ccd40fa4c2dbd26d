//! `textDocument/inlayHint`: personal information where it enters and leaves. Off unless the user wants it.

use gen_lsp_types as lsp;

use super::Context;
use crate::flow::Kind;
use crate::lsp::{from_proto, to_proto};
use crate::report::inventory_sink_word as sink_word;
use crate::report::model::kind_name;

pub(super) fn handle(cx: &Context<'_>, params: lsp::InlayHintParams) -> Option<Vec<lsp::InlayHint>> {
    if !cx.settings.inlay_hints {
        return None;
    }
    let snapshot = cx.snapshot?;
    let at = cx.file(&params.text_document.uri)?;
    let (wanted, _) = from_proto::span(at.source(), params.range, cx.client.encoding);
    let lang = snapshot.lang;
    let names = |kinds: &std::collections::BTreeSet<Kind>| {
        let names: Vec<String> = kinds.iter().map(|kind| kind_name(kind, &snapshot.policy, lang)).collect();
        names.join(lang.pick("、", ", "))
    };
    let mut labels: Vec<(u32, String)> = Vec::new();
    let solution = &at.vetted.solution;
    for collection in &solution.collections {
        if collection.place.file == at.file && !collection.kinds.is_empty() {
            labels.push((collection.place.span.end, format!("← {}", names(&collection.kinds))));
        }
    }
    for flow in &solution.flows {
        if flow.place.file == at.file {
            let sink = sink_word(flow.sink.name(), lang);
            labels.push((flow.place.span.end, format!("→ {sink}{}{}", lang.pick("：", ": "), names(&flow.kinds))));
        }
    }
    labels.retain(|(offset, _)| wanted.start <= *offset && *offset <= wanted.end);
    labels.sort();
    labels.dedup();
    let hints = labels
        .into_iter()
        .map(|(offset, label)| lsp::InlayHint {
            position: to_proto::position(at.source(), offset, cx.client.encoding),
            label: lsp::Label::String(label),
            kind: None,
            text_edits: None,
            tooltip: None,
            padding_left: Some(true),
            padding_right: None,
            data: None,
        })
        .collect();
    Some(hints)
}
