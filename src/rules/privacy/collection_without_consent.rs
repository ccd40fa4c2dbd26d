//! `privacy/collection-without-consent`

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{
    ancestors, beside, confidence, continued, counted, input_untold, is_input, is_sent, preselected_routes,
    short_text_of, silent_reads, told_at_start, unit_of_template, weakest_path,
};
use crate::flow::{Consent, SinkKind};
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, Part};

/// Personal information is collected on a path without the user's consent, where the host does not ask by itself.
pub struct CollectionWithoutConsent;

const ID: &str = "privacy/collection-without-consent";

impl Rule for CollectionWithoutConsent {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let silent = silent_reads(cx);
        let preselected = preselected_routes(cx);
        // Inputs of a page are one finding, at the first that is sent.
        let mut inputs: BTreeMap<_, (crate::flow::Place, usize)> = BTreeMap::new();
        for (index, collection) in cx.solution.collections.iter().enumerate() {
            let kinds = counted(cx, collection);
            if kinds.is_empty() || collection.host_prompt || silent.contains(&collection.place) {
                continue;
            }
            if told_at_start(cx, collection) {
                continue;
            }
            if is_input(cx, collection) {
                let unit = unit_of_template(cx, collection.place.file);
                if is_sent(cx, index)
                    && input_untold(cx, collection)
                    && unit.is_none_or(|unit| !preselected.contains(&unit.route))
                {
                    let key = unit.map_or_else(
                        || cx.package.source(collection.place.file).path.clone(),
                        |unit| unit.route.clone(),
                    );
                    let first = inputs.entry(key).or_insert((collection.place, index));
                    if collection.place < first.0 {
                        *first = (collection.place, index);
                    }
                }
                continue;
            }
            let ignored = collection
                .reaches
                .iter()
                .any(|reach| reach.consent == Consent::NoticeOnly && ignores_box(cx, &reach.entry.route, &reach.facts));
            if collection.consent() != Consent::None && !ignored {
                continue;
            }
            if collection.weakest().is_some_and(|reach| preselected.contains(&reach.entry.route)) {
                continue;
            }
            // Pictures and files count when they leave; what reads a picture is a source of its own.
            let picked = cx
                .policy
                .host(&cx.package.host)
                .and_then(|host| host.apis.get(&*collection.source))
                .is_some_and(|api| api.has_role("media-pick"));
            let media = picked || kinds.iter().all(|kind| matches!(&**kind, "photo-media" | "chosen-file" | "audio"));
            if media
                && !super::evidence::flows_of(cx, index)
                    .any(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Cloud | SinkKind::ThirdParty))
            {
                continue;
            }
            out.push(
                Finding::new(ID, collection.place)
                    .kinds(&kinds)
                    .text("source", &*collection.source)
                    .confidence(confidence(collection))
                    .steps(weakest_path(collection))
                    .step(collection.place, "privacy-source", collection.source.clone()),
            );
        }
        for (_, (place, index)) in inputs {
            let collection = &cx.solution.collections[index];
            let mut finding = Finding::new(ID, place)
                .kinds(&counted(cx, collection))
                .text("source", &*collection.source)
                .variant("input")
                .confidence(confidence(collection));
            if let Some(evidence) = collection.evidence {
                finding = finding.step(evidence, "privacy-evidence", "");
            }
            if let Some(flow) = super::evidence::flows_of(cx, index)
                .find(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Cloud | SinkKind::ThirdParty))
            {
                finding = finding.steps(flow.hops.iter().cloned()).step(flow.place, "privacy-sent", flow.api.clone());
            }
            out.push(finding);
        }
    }
}

/// Whether the page has a box for agreeing that the way here does not ask about.
fn ignores_box(cx: &Context<'_>, route: &str, facts: &std::collections::BTreeSet<crate::flow::Fact>) -> bool {
    use crate::flow::Fact;
    if facts.iter().any(|fact| matches!(fact, Fact::DialogConfirmed(_) | Fact::PrivacyAgreed | Fact::Agreed)) {
        return false;
    }
    let Some(unit) = cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)) else {
        return false;
    };
    unit.templates.iter().any(|file| {
        cx.program.elements(*file).any(|(node, element)| {
            let terms = || {
                let mut text = beside(cx.program, *file, node);
                if cx.policy.privacy.agrees(&text) || cx.policy.privacy.reads(&text) {
                    // "I have read and agree to", and the link that follows.
                    text.push_str(&continued(cx.program, *file, node));
                }
                let says = cx.policy.privacy.consent_text(&text);
                (says.policy || says.agreement) && !says.contract_only
            };
            // Libraries call theirs `van-checkbox`.
            let named = element.name.rsplit('-').next().unwrap_or_default();
            matches!(named, "checkbox" | "radio" | "switch") && terms()
        }) || draws_box(cx, *file)
    })
}

/// Whether a template draws a box of its own: what a tap on "I have read and agree to" changes the look of.
fn draws_box(cx: &Context<'_>, file: FileId) -> bool {
    let taps: BTreeSet<NodeId> =
        cx.program.bindings_in(file).filter(|binding| binding.user_action).map(|binding| binding.node).collect();
    taps.into_iter().any(|node| {
        let Some(text) = short_text_of(cx.program, file, node, BOX_TEXT) else { return false };
        let privacy = &cx.policy.privacy;
        let says = privacy.consent_text(&text);
        (says.policy || says.agreement)
            && !says.contract_only
            && privacy.agrees(&text)
            && privacy.reads(&text)
            && cx.program.elements(file).any(|(below, element)| {
                (below == node || ancestors(cx.program, file, below).contains(&node)) && changes_look(cx, element)
            })
    })
}

/// Longest text of a box, in characters.
const BOX_TEXT: usize = 120;

/// Whether the look of an element hangs on data.
fn changes_look(cx: &Context<'_>, element: &Element) -> bool {
    let prefix = cx.policy.host(&cx.package.host).map_or("", |host| &host.info.directive_prefix);
    // A tick that is drawn only sometimes.
    let drawn = matches!(&*element.name, "icon" | "image")
        && ["if", "elif", "else"].iter().any(|directive| element.attribute(&format!("{prefix}{directive}")).is_some());
    drawn
        || element.attributes.iter().any(|attribute| {
            matches!(&*attribute.name, "class" | "type" | "src" | "style" | "name" | "color" | "checked")
                && attribute
                    .value
                    .as_ref()
                    .is_some_and(|value| value.parts.iter().any(|part| matches!(part, Part::Interpolation { .. })))
        })
}
