//! `privacy/collection-on-launch`

use std::collections::BTreeMap;

use super::evidence::{api, counted, entry_step, silent_reads};
use crate::flow::{Consent, Entry, EntryKind, Fact, Place, Step};
use crate::rules::{Context, Finding, Rule};

/// A source, an authorization prompt or a login runs at launch or load, before the user did anything.
pub struct CollectionOnLaunch;

const ID: &str = "privacy/collection-on-launch";

fn on_launch(entry: &Entry, facts: &std::collections::BTreeSet<Fact>) -> bool {
    entry.kind == EntryKind::Load
        && !facts.iter().any(|fact| {
            matches!(
                fact,
                Fact::DialogConfirmed(_) | Fact::Acted(..) | Fact::Ticked(..) | Fact::PrivacyAgreed | Fact::Agreed
            )
        })
}

impl Rule for CollectionOnLaunch {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let silent = silent_reads(cx);
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        let path = |entry: &Entry, steps: &[Step]| -> Vec<Step> {
            std::iter::once(entry_step(entry)).chain(steps.iter().cloned()).collect()
        };
        for call in &cx.solution.calls {
            let Some(api) = api(cx, call) else { continue };
            let login = api.has_role("login");
            if !(api.has_role("authorize") || login) || !on_launch(&call.entry, &call.facts) {
                continue;
            }
            // What an existing authorization or agreement opens is not asked on launch; neither is a prompt for a
            // scope that the settings hold.
            if call.facts.iter().any(|fact| matches!(fact, Fact::Authorized(_))) {
                continue;
            }
            found.entry(call.place).or_insert_with(|| {
                Finding::new(ID, call.place)
                    .text("source", &*call.api)
                    .text("method", &*call.entry.method)
                    .variant(if login { "login" } else { "prompt" })
                    .steps(path(&call.entry, &call.path))
            });
        }
        for collection in &cx.solution.collections {
            let kinds = counted(cx, collection);
            if kinds.is_empty() || collection.element.is_some() || silent.contains(&collection.place) {
                continue;
            }
            let reach = collection.reaches.iter().find(|reach| {
                on_launch(&reach.entry, &reach.facts)
                    && reach.consent != Consent::NoticeAndConsent
                    && !reach.facts.iter().any(|fact| {
                        matches!(fact, Fact::Authorized(scope) if collection.scope.as_ref().is_none_or(|own| own == scope))
                    })
            });
            if let Some(reach) = reach {
                found.entry(collection.place).or_insert_with(|| {
                    Finding::new(ID, collection.place)
                        .kinds(&kinds)
                        .text("source", &*collection.source)
                        .text("method", &*reach.entry.method)
                        .steps(path(&reach.entry, &reach.path))
                });
            }
        }
        out.extend(found.into_values());
    }
}
