//! `privacy/collection-without-notice`

use std::collections::BTreeMap;

use super::evidence::{
    calls, confidence, counted, is_input, param_text, preselected_routes, silent_reads, told_at_start, weakest_path,
};
use crate::flow::{Consent, Kind, Place};
use crate::rules::{Context, Finding, Rule};

/// Only the host's own prompt stands before a source: nobody said what for.
pub struct CollectionWithoutNotice;

const ID: &str = "privacy/collection-without-notice";

impl Rule for CollectionWithoutNotice {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let preselected = preselected_routes(cx);
        let silent = silent_reads(cx);
        let mut found: BTreeMap<Place, (Finding, std::collections::BTreeSet<Kind>)> = BTreeMap::new();
        for collection in &cx.solution.collections {
            let kinds = counted(cx, collection);
            let consent = collection.consent();
            let only_prompt =
                if collection.host_prompt { consent <= Consent::HostPrompt } else { consent == Consent::HostPrompt };
            // What is typed is told by the rules of forms: no prompt of the host speaks of it.
            if kinds.is_empty() || !only_prompt || silent.contains(&collection.place) || is_input(cx, collection) {
                continue;
            }
            if told_at_start(cx, collection) {
                continue;
            }
            if collection.weakest().is_some_and(|reach| preselected.contains(&reach.entry.route)) {
                continue;
            }
            let place = prompt(cx, collection).unwrap_or(collection.place);
            let (_, all) = found.entry(place).or_insert_with(|| {
                let finding = Finding::new(ID, place)
                    .text("source", &*collection.source)
                    .confidence(confidence(collection))
                    .steps(weakest_path(collection))
                    .step(collection.place, "privacy-source", collection.source.clone());
                (finding, Default::default())
            });
            all.extend(kinds);
        }
        out.extend(found.into_values().map(|(finding, kinds)| finding.kinds(&kinds)));
    }
}

/// The authorization call before a guarded call: both are one, at the prompt.
pub fn prompt(cx: &Context<'_>, collection: &crate::flow::Collection) -> Option<Place> {
    let scope = collection.scope.as_ref()?;
    let reach = collection.weakest()?;
    calls(cx, "authorize")
        .find(|(call, api)| {
            param_text(call, api, "scope") == **scope
                && call.entry.place == reach.entry.place
                && call.entry.method == reach.entry.method
        })
        .map(|(call, _)| call.place)
}
