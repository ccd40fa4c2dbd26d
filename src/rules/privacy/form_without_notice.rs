//! `privacy/form-without-notice`

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::{confidence, counted, input_untold, is_input, is_sent, preselected_routes, unit_of_template};
use crate::flow::{Collection, Place};
use crate::rules::{Context, Finding, Rule, Severity};

/// A page takes personal information by inputs and shows no policy or agreement.
pub struct FormWithoutNotice;

const ID: &str = "privacy/form-without-notice";

impl Rule for FormWithoutNotice {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let preselected = preselected_routes(cx);
        let mut pages: BTreeMap<Arc<str>, Vec<(Place, &Collection)>> = BTreeMap::new();
        let mut sent: std::collections::BTreeSet<Arc<str>> = Default::default();
        for (index, collection) in cx.solution.collections.iter().enumerate() {
            if !is_input(cx, collection) || counted(cx, collection).is_empty() {
                continue;
            }
            let Some(unit) = unit_of_template(cx, collection.place.file) else { continue };
            if preselected.contains(&unit.route) || !input_untold(cx, collection) {
                continue;
            }
            // What is sent is told by `collection-without-consent`.
            if is_sent(cx, index) {
                sent.insert(unit.route.clone());
            }
            pages.entry(unit.route.clone()).or_default().push((collection.place, collection));
        }
        for (route, mut inputs) in pages {
            if sent.contains(&route) {
                continue;
            }
            inputs.sort_by_key(|(place, _)| *place);
            let Some((place, first)) = inputs.first().copied() else { continue };
            let kinds: std::collections::BTreeSet<_> =
                inputs.iter().flat_map(|(_, collection)| counted(cx, collection)).collect();
            let mut finding = Finding::new(ID, place).kinds(&kinds).confidence(confidence(first));
            if kinds.iter().any(|kind| cx.policy.privacy.is_sensitive(kind)) {
                finding = finding.severity(Severity::Error);
            }
            for (place, collection) in inputs.into_iter().skip(1) {
                finding = finding.step(place, "privacy-source", collection.source.clone());
            }
            out.push(finding);
        }
    }
}
