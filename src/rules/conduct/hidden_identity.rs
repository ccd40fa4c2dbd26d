//! Identities that are hidden or faked in social functions.

use std::collections::BTreeSet;

use super::support::{Trigger, all_runs, beside, told};
use super::texts::Site;
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/hidden-identity`
#[derive(Debug)]
pub struct HiddenIdentity;

const TOPIC: &str = "hidden-identity";

impl Rule for HiddenIdentity {
    fn id(&self) -> &'static str {
        "conduct/hidden-identity"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let places = told(cx, self.id(), TOPIC, &[], out);
        if !places.is_empty() || !social(cx) {
            return;
        }
        // In a social program, the word alone stands for the function when a control carries it.
        let conduct = &cx.policy.conduct;
        let mut seen = BTreeSet::new();
        for run in all_runs(cx) {
            let Site::Template(node) = run.site else { continue };
            let Some(range) = conduct.near(TOPIC, &run.scan(cx)) else { continue };
            let controls = cx.program.elements(run.file).filter(|(_, element)| {
                matches!(&*element.name, "button" | "switch" | "checkbox" | "radio" | "label" | "input" | "textarea")
            });
            let mut near = controls.map(|(node, _)| Trigger { file: run.file, node });
            if near.any(|trigger| trigger.node == node || beside(cx, trigger, run, false)) {
                let place = run.place(range);
                if seen.insert(place) {
                    out.push(
                        Finding::new(self.id(), place)
                            .variant("near")
                            .text("text", run.excerpt(range))
                            .confidence(Confidence::Medium),
                    );
                }
            }
        }
    }
}

fn social(cx: &Context<'_>) -> bool {
    cx.package.submission.categories.iter().any(|category| category.starts_with("社交/") && !category.ends_with("笔记"))
}
