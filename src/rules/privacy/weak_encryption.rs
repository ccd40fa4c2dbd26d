//! `privacy/weak-encryption`

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Guard, confidence, counted, guard, personal};
use crate::flow::{Kind, Place, Protection};
use crate::rules::{Context, Finding, Rule};

/// The only protection on the path is a weak cipher, mode or hash, or its key stands in the source.
pub struct WeakEncryption;

const ID: &str = "privacy/weak-encryption";

impl Rule for WeakEncryption {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found: BTreeMap<Place, (BTreeSet<Kind>, Finding)> = BTreeMap::new();
        for flow in &cx.solution.flows {
            let Guard::Weak(place) = guard(flow) else { continue };
            let Some(collection) = cx.solution.collections.get(flow.collection) else { continue };
            let mut kinds = personal(cx, &flow.kinds);
            // Beside the plain value a digest signs the request; what leaves plain is another rule's finding.
            for plain in cx.solution.flows.iter().filter(|other| {
                other.place == flow.place && other.collection == flow.collection && matches!(guard(other), Guard::Bare)
            }) {
                kinds.retain(|kind| !plain.kinds.contains(kind));
            }
            if kinds.is_empty() || counted(cx, collection).is_empty() {
                continue;
            }
            let name = flow.protections.iter().find_map(|protection| match protection {
                Protection::Weak(name, at) if *at == place => Some(name.clone()),
                _ => None,
            });
            let (all, _) = found.entry(place).or_insert_with(|| {
                let finding = Finding::new(ID, place)
                    .text("cipher", name.as_deref().unwrap_or(""))
                    .confidence(confidence(collection))
                    .step(collection.place, "privacy-source", collection.source.clone())
                    .step(flow.place, "privacy-sent", flow.api.clone());
                (BTreeSet::new(), finding)
            });
            all.extend(kinds);
        }
        out.extend(found.into_values().map(|(kinds, finding)| finding.kinds(&kinds)));
    }
}
