//! `privacy/undisclosed-collection`

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{confidence, counted};
use super::policy_text;
use crate::flow::{Kind, Place};
use crate::rules::{Context, Finding, Rule};

/// The policy does not mention a kind that is collected.
pub struct UndisclosedCollection;

const ID: &str = "privacy/undisclosed-collection";

impl Rule for UndisclosedCollection {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if cx.solution.collections.is_empty() {
            return;
        }
        let policy = policy_text::find(cx);
        if !policy.readable(cx) {
            return;
        }
        let mut known: BTreeMap<Kind, bool> = BTreeMap::new();
        let mut found: BTreeMap<Place, (BTreeSet<Kind>, &crate::flow::Collection)> = BTreeMap::new();
        for collection in &cx.solution.collections {
            // Who names an identity document names what is printed on it.
            let document = collection.element.is_none()
                && collection
                    .kinds
                    .iter()
                    .any(|kind| group(cx, kind) == "identity" && cx.policy.privacy.policy_mentions(&policy.text, kind));
            let handed = collection.element.is_none() || collection.source.contains("open-type");
            let kinds = collection.kinds.iter().map(|kind| &**kind);
            if handed && collection.kinds.len() > 1 && cx.policy.privacy.policy_mentions_together(&policy.text, kinds) {
                continue;
            }
            // What nobody looks at in an answer is not taken from it.
            let taken = |kind: &Kind| collection.read.is_empty() || !handed || collection.read.contains(kind);
            for kind in counted(cx, collection).into_iter().filter(taken) {
                if document && matches!(group(cx, &kind), "basic" | "identity") {
                    continue;
                }
                let named = *known
                    .entry(kind.clone())
                    .or_insert_with(|| cx.policy.privacy.policy_mentions(&policy.text, &kind));
                if !named {
                    found.entry(collection.place).or_insert_with(|| (BTreeSet::new(), collection)).0.insert(kind);
                }
            }
        }
        out.extend(found.into_iter().map(|(place, (kinds, collection))| {
            Finding::new(ID, place).kinds(&kinds).text("source", &*collection.source).confidence(confidence(collection))
        }));
    }
}

fn group<'a>(cx: &Context<'a>, kind: &str) -> &'a str {
    cx.policy.privacy.kind(kind).map_or("", |info| &*info.group)
}
