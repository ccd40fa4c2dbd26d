//! `textDocument/codeLens`: what a page, component or app collects, above its script and template.

use std::collections::BTreeSet;

use gen_lsp_types as lsp;
use serde_json::json;

use super::{Context, command};
use crate::lsp::to_proto;
use crate::report::inventory_consent_word as consent_word;
use crate::report::model::{consent_id, kind_name};
use crate::source::Span;

pub(super) fn handle(cx: &Context<'_>, params: lsp::CodeLensParams) -> Option<Vec<lsp::CodeLens>> {
    let uri = params.text_document.uri;
    let snapshot = cx.snapshot?;
    let at = cx.file(&uri)?;
    let program = &at.vetted.program;
    let unit = program.units.iter().find(|unit| unit.script == Some(at.file) || unit.template == Some(at.file))?;
    let collections: Vec<_> = at
        .vetted
        .solution
        .collections
        .iter()
        .filter(|collection| {
            let here = Some(collection.place.file);
            here == unit.script
                || here == unit.template
                || collection.reaches.iter().any(|reach| !unit.route.is_empty() && reach.entry.route == unit.route)
        })
        .collect();
    let weakest = collections.iter().map(|collection| collection.consent()).min()?;
    let kinds: BTreeSet<&str> =
        collections.iter().flat_map(|collection| &collection.kinds).map(|kind| &**kind).collect();
    let lang = snapshot.lang;
    let names: Vec<String> = kinds.into_iter().map(|kind| kind_name(kind, &snapshot.policy, lang)).collect();
    let title = format!(
        "{}{}{}{}",
        lang.pick("收集：", "Collects: "),
        names.join(lang.pick("、", ", ")),
        lang.pick(" · 最弱处：", " · at its weakest: "),
        consent_word(consent_id(weakest), lang),
    );
    let start = to_proto::range(at.source(), Span::at(0), cx.client.encoding);
    Some(vec![lsp::CodeLens {
        range: start,
        command: Some(lsp::Command {
            title,
            command: command::INVENTORY.to_owned(),
            arguments: Some(vec![json!(uri)]),
            ..Default::default()
        }),
        data: None,
    }])
}
