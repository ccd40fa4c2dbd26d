//! `privacy/unnecessary-collection`

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{confidence, counted};
use crate::flow::{Kind, Place};
use crate::rules::{Confidence, Context, Finding, Rule};

/// A kind of personal information is not necessary for any declared category.
pub struct UnnecessaryCollection;

const ID: &str = "privacy/unnecessary-collection";

impl Rule for UnnecessaryCollection {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let categories = &cx.package.submission.categories;
        let Some(necessary) = cx.policy.privacy.necessary(categories) else { return };
        let mut found: BTreeMap<Place, (BTreeSet<Kind>, &crate::flow::Collection)> = BTreeMap::new();
        for collection in &cx.solution.collections {
            for kind in counted(cx, collection) {
                // The regulation speaks of locations of any precision.
                let listed = match &*kind {
                    "chosen-location" | "fuzzy-location" => "location",
                    "id-doc-ocr" => "id-number",
                    kind => kind,
                };
                if necessary.listed.contains(listed) && !necessary.kinds.contains(listed) {
                    found.entry(collection.place).or_insert_with(|| (BTreeSet::new(), collection)).0.insert(kind);
                }
            }
        }
        for (place, (kinds, collection)) in found {
            let sure = confidence(collection);
            out.push(
                Finding::new(ID, place)
                    .kinds(&kinds)
                    .text("source", &*collection.source)
                    .text("categories", categories.join("、"))
                    .confidence(if necessary.sure { sure } else { sure.min(Confidence::Medium) }),
            );
        }
    }
}
