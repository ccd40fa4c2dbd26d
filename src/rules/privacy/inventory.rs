//! What a list of collected information tells of a kind, beside where it comes from and where it goes.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Guard, agreed_text, around, guard};
use super::{policy_text, third_party_sharing};
use crate::flow::{Kind, SinkKind};
use crate::rules::Context;

/// What is known of one kind.
#[derive(Clone, Debug, Default)]
pub struct KindFacts {
    /// Uses that were named to the user on the way, in the package's words.
    pub purposes: BTreeSet<String>,
    /// Who else gets it: SDKs by name, other hosts.
    pub third_parties: BTreeSet<String>,
    /// Whether the privacy policy names it; `None` where no policy can be read.
    pub in_policy: Option<bool>,
    /// Whether everything that keeps or sends it does so encrypted; `None` where nothing does.
    pub encrypted: Option<bool>,
}

/// What is known of the kinds that a package handles.
pub fn facts(cx: &Context<'_>) -> BTreeMap<Kind, KindFacts> {
    let mut out: BTreeMap<Kind, KindFacts> = BTreeMap::new();
    let policy = policy_text::find(cx);
    for collection in &cx.solution.collections {
        let mut texts: Vec<String> = Vec::new();
        for reach in &collection.reaches {
            texts.push(agreed_text(cx, &reach.facts));
            if let Some((file, node)) = reach.entry.element {
                texts.push(around(cx.program, file, node));
            }
        }
        if let Some((file, node)) = collection.element {
            texts.push(around(cx.program, file, node));
        }
        // Some calls tell the host what for.
        for call in cx.solution.calls_at(collection.place) {
            for value in call.args.iter().filter_map(|arg| arg.field("desc")) {
                texts.extend(value.strings.iter().map(|text| text.pieces.concat()));
            }
        }
        let purposes: BTreeSet<String> =
            texts.iter().filter_map(|text| cx.policy.privacy.purpose_clause(text)).collect();
        for kind in &collection.kinds {
            out.entry(kind.clone()).or_default().purposes.extend(purposes.iter().cloned());
        }
    }
    let parties = third_party_sharing::parties(cx);
    for flow in &cx.solution.flows {
        let party = third_party_sharing::recipient(cx, &parties, flow).map(|party| party.name);
        let keeps = matches!(
            flow.sink,
            SinkKind::Network | SinkKind::Storage | SinkKind::File | SinkKind::Cloud | SinkKind::ThirdParty
        );
        for kind in &flow.kinds {
            let facts = out.entry(kind.clone()).or_default();
            facts.third_parties.extend(party.iter().cloned());
            if keeps {
                let safe = guard(flow) == Guard::Safe;
                facts.encrypted = Some(facts.encrypted.unwrap_or(true) && safe);
            }
        }
    }
    if policy.readable(cx) {
        for (kind, facts) in &mut out {
            facts.in_policy = Some(cx.policy.privacy.policy_mentions(&policy.text, kind));
        }
    }
    out
}
