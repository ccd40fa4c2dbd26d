//! `privacy/missing-privacy-policy`

use std::collections::BTreeSet;

use super::evidence::{app_place, counted};
use super::policy_text;
use crate::flow::Kind;
use crate::rules::{Confidence, Context, Finding, Rule};

/// Personal information is collected and there is no privacy policy.
pub struct MissingPrivacyPolicy;

const ID: &str = "privacy/missing-privacy-policy";

impl Rule for MissingPrivacyPolicy {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut kinds: BTreeSet<Kind> = BTreeSet::new();
        let mut first = Vec::new();
        for collection in &cx.solution.collections {
            let own = counted(cx, collection);
            if !own.is_empty() && collection.certainty >= 60 {
                if first.len() < 5 {
                    first.push((collection.place, collection.source.clone()));
                }
                kinds.extend(own);
            }
        }
        let Some(place) = app_place(cx) else { return };
        if kinds.is_empty() || policy_text::find(cx).exists {
            return;
        }
        let mut finding = Finding::new(ID, place).kinds(&kinds);
        if cx.package.compiled.is_some() {
            // It may stand in a template that is not seen.
            finding = finding.confidence(Confidence::Low);
        }
        for (place, source) in first {
            finding = finding.step(place, "privacy-source", source);
        }
        out.push(finding);
    }
}
