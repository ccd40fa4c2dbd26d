//! `privacy/collection-on-launch`

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{api, counted, entry_name, entry_step, silent_reads, told_at_start};
use super::third_party_sharing::imports;
use crate::flow::{Entry, EntryKind, Fact, Kind, Place, Step};
use crate::model::ir::{Expr, ExprKind, Key, Pattern, Property};
use crate::policy::privacy::Sdk;
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
                    .text("method", entry_name(&call.entry))
                    .variant(if login { "login" } else { "prompt" })
                    .steps(path(&call.entry, &call.path))
            });
        }
        for collection in &cx.solution.collections {
            let kinds = counted(cx, collection);
            if kinds.is_empty() || collection.element.is_some() || silent.contains(&collection.place) {
                continue;
            }
            if told_at_start(cx, collection) {
                continue;
            }
            let reach = collection.reaches.iter().find(|reach| {
                on_launch(&reach.entry, &reach.facts)
                    && !reach.facts.iter().any(|fact| {
                        matches!(fact, Fact::Authorized(scope) if collection.scope.as_ref().is_none_or(|own| own == scope))
                    })
            });
            if let Some(reach) = reach {
                found.entry(collection.place).or_insert_with(|| {
                    Finding::new(ID, collection.place)
                        .kinds(&kinds)
                        .text("source", &*collection.source)
                        .text("method", entry_name(&reach.entry))
                        .steps(path(&reach.entry, &reach.path))
                });
            }
        }
        for (place, sdk) in imports(cx).into_iter().filter(|(_, sdk)| sdk.auto && !sdk.settings.is_empty()) {
            let kinds = switched_on(cx, place, sdk);
            if !kinds.is_empty() {
                let finding = Finding::new(ID, place).kinds(&kinds).text("source", &*sdk.zh).variant("setting");
                found.entry(place).or_insert(finding);
            }
        }
        out.extend(found.into_values());
    }
}

/// Kinds that an SDK collects by itself, as the settings beside its file tell it.
fn switched_on(cx: &Context<'_>, import: Place, sdk: &Sdk) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    let requires = &cx.program.requires[import.file.index()];
    let Some(target) = requires.iter().find(|require| require.span == import.span).and_then(|r| r.target) else {
        return kinds;
    };
    let path = &cx.package.source(target).path;
    let stem = path.rsplit_once('.').map_or(&**path, |(stem, _)| stem);
    for (index, file) in cx.package.files.iter().enumerate() {
        // Whatever stands beside it under its name, itself among them.
        if file.source.path.strip_prefix(stem).is_none_or(|rest| rest.contains('/')) {
            continue;
        }
        let Some(script) = &cx.program.facts[index].script else { continue };
        let mut note = |key: &str, value: &Expr| {
            if matches!(value.kind, ExprKind::Bool(true))
                && let Some(switched) = sdk.settings.get(key)
            {
                kinds.extend(switched.iter().cloned());
            }
        };
        script.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Assign { operator: None, target, value } => {
                if let Pattern::Member(member) = &**target
                    && let ExprKind::Member { key: Key::Static(key, _), .. } = &member.kind
                {
                    note(key, value);
                }
            }
            ExprKind::Object(properties) => {
                for property in properties {
                    if let Property::Value(Key::Static(key, _), value) = property {
                        note(key, value);
                    }
                }
            }
            _ => {}
        });
    }
    kinds
}
