//! `privacy/missing-deletion`

use std::collections::BTreeSet;

use super::evidence::{
    ancestors, app_place, around, calls, counted, element, is_live, live_units, param_text, personal, text_of,
};
use crate::flow::{Kind, SinkKind};
use crate::model::Unit;
use crate::model::ir::{ExprKind, walk_expr};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, NodeKind, Part};

/// Accounts or personal information are kept and no way to delete or withdraw is found.
pub struct MissingDeletion;

const ID: &str = "privacy/missing-deletion";

impl Rule for MissingDeletion {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(place) = app_place(cx) else { return };
        let mut kinds: BTreeSet<Kind> = BTreeSet::new();
        let mut kept = Vec::new();
        for flow in &cx.solution.flows {
            if !matches!(
                flow.sink,
                SinkKind::Storage | SinkKind::File | SinkKind::Cloud | SinkKind::Network | SinkKind::ThirdParty
            ) {
                continue;
            }
            let Some(collection) = cx.solution.collections.get(flow.collection) else { continue };
            let own = personal(cx, &flow.kinds);
            if own.is_empty() || counted(cx, collection).is_empty() || collection.certainty < 60 {
                continue;
            }
            if kept.len() < 5 && !kept.iter().any(|(place, _)| *place == flow.place) {
                kept.push((flow.place, flow.api.clone()));
            }
            kinds.extend(own);
        }
        if kinds.is_empty() || has_way(cx) {
            return;
        }
        let mut finding = Finding::new(ID, place).kinds(&kinds);
        if cx.package.compiled.is_some() {
            // It may stand in a template that is not seen.
            finding = finding.confidence(Confidence::Low);
        }
        for (place, api) in kept {
            finding = finding.step(place, "privacy-kept", api);
        }
        out.push(finding);
    }
}

/// The source of what a control stands in: what is shown beside it has names.
fn shown<'a>(cx: &Context<'a>, file: FileId, node: NodeId) -> &'a str {
    let above = ancestors(cx.program, file, node);
    let holder = above.get(1).or(above.first()).copied();
    let Some(Element { open, .. }) = holder.and_then(|holder| element(cx.program, file, holder)) else { return "" };
    let text = &cx.package.source(file).text;
    let from = open.start as usize;
    let end = cx
        .program
        .elements(file)
        .find(|(id, _)| *id == node)
        .map_or(open.end, |(_, element)| element.open.end.max(open.end)) as usize;
    text.get(from..end).unwrap_or("")
}

/// Whether elements that are tapped show items of the script, one of which closes the account (`[{ text: '注销账号' }]`).
fn menu_deletes(cx: &Context<'_>, unit: &Unit) -> bool {
    const ITEM: usize = 8;
    let Some(script) = unit.script.and_then(|file| cx.program.script(file)) else { return false };
    let privacy = &cx.policy.privacy;
    let mut named = false;
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Array(items) = &expr.kind {
            for item in items.iter().flatten() {
                walk_expr(&item.value, &mut |inner| {
                    if let ExprKind::String(text) = &inner.kind {
                        named |= text.chars().count() <= ITEM
                            && privacy.deletes(text)
                            && !privacy.deletes_only(text)
                            && !privacy.tells_deletion(text);
                    }
                });
            }
        }
    });
    named
        && unit.templates.iter().any(|file| {
            cx.program.bindings_in(*file).filter(|binding| binding.user_action && binding.handler.is_some()).any(
                |binding| {
                    cx.program.template(*file).is_some_and(|template| {
                        template.document.descendants(binding.node).into_iter().any(|node| {
                            matches!(&template.document.nodes[node as usize].kind, NodeKind::Text(parts)
                                if parts.iter().any(|part| matches!(part, Part::Interpolation { .. })))
                        })
                    })
                },
            )
        })
}

/// A control with a handler, or an item of a menu, that deletes, closes the account or withdraws.
fn has_way(cx: &Context<'_>) -> bool {
    let privacy = &cx.policy.privacy;
    for unit in live_units(cx) {
        for file in &unit.templates {
            for (node, element) in cx.program.elements(*file) {
                let handler = cx
                    .program
                    .bindings_in(*file)
                    .find(|binding| binding.node == node && binding.user_action && binding.handler.is_some())
                    .and_then(|binding| binding.handler.as_deref());
                let bound = handler.is_some();
                let leads = matches!(&*element.name, "navigator" | "a") && is_live(cx, *file, node);
                let cell = element.name.contains('-') && element.attribute("title").is_some();
                let text = text_of(cx.program, *file, node);
                if (bound || leads || cell) && privacy.deletes(&text) {
                    let what = || {
                        let around = around(cx.program, *file, node);
                        [handler.unwrap_or(""), &unit.route, &around, shown(cx, *file, node)]
                            .iter()
                            .any(|text| privacy.is_of_person(text))
                    };
                    if !privacy.deletes_only(&text) || what() {
                        return true;
                    }
                }
            }
        }
        if menu_deletes(cx, unit) {
            return true;
        }
        let title = unit
            .config
            .and_then(|config| cx.package.files[config.index()].json.as_ref())
            .and_then(|json| json.get("navigationBarTitleText"))
            .and_then(|title| title.as_str());
        if title.is_some_and(|title| privacy.deletes(title) && privacy.closes_account(title)) {
            return true;
        }
    }
    calls(cx, "action-sheet").any(|(call, api)| {
        api.param("items").and_then(|path| call.arg(path)).is_some_and(|items| {
            items.fields.iter().flat_map(|(_, item)| &item.strings).map(|text| text.pieces.concat()).any(|text| {
                privacy.deletes(&text) && (!privacy.deletes_only(&text) || privacy.is_of_person(&call.entry.route))
            })
        })
    }) || calls(cx, "dialog").any(|(call, api)| {
        let title = param_text(call, api, "title") + &param_text(call, api, "content");
        call.entry.kind == crate::flow::EntryKind::User && privacy.closes_account(&title) && title.chars().count() < 60
    })
}
