//! `privacy/minor-data-collection`

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::{calls, confidence, counted, dialog_text, is_input, text_of, unit_of_route, unit_of_template};
use crate::flow::{Collection, Place};
use crate::model::Unit;
use crate::rules::{Context, Finding, Rule};

/// A child's information is taken and no guardian is asked.
pub struct MinorDataCollection;

const ID: &str = "privacy/minor-data-collection";

impl Rule for MinorDataCollection {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut pages: BTreeMap<Arc<str>, (Place, &Collection)> = BTreeMap::new();
        for collection in &cx.solution.collections {
            let kinds = counted(cx, collection);
            let minor = kinds.iter().any(|kind| &**kind == "minor-info")
                || collection.evidence.is_some_and(|place| {
                    cx.policy.privacy.speaks_of_minor(place.span.slice(&cx.package.source(place.file).text))
                })
                || is_input(cx, collection) && !kinds.is_empty() && {
                    collection.element.is_some_and(|(file, node)| {
                        super::evidence::ancestors(cx.program, file, node).first().is_some_and(|parent| {
                            let text = text_of(cx.program, file, *parent);
                            text.chars().count() < 30 && cx.policy.privacy.speaks_of_minor(&text)
                        })
                    })
                };
            if !minor || kinds.is_empty() {
                continue;
            }
            let unit = unit_of_template(cx, collection.place.file)
                .or_else(|| collection.weakest().and_then(|reach| unit_of_route(cx, &reach.entry.route)));
            if unit.is_some_and(|unit| guardian_asked(cx, unit)) {
                continue;
            }
            let key = unit.map_or_else(|| Arc::from(""), |unit| unit.route.clone());
            let first = pages.entry(key).or_insert((collection.place, collection));
            if collection.place < first.0 {
                *first = (collection.place, collection);
            }
        }
        for (place, collection) in pages.into_values() {
            out.push(
                Finding::new(ID, place)
                    .kinds(&counted(cx, collection))
                    .text("source", &*collection.source)
                    .confidence(confidence(collection)),
            );
        }
    }
}

/// Whether the page, a page that leads to it, or a dialog of either asks a guardian.
fn guardian_asked(cx: &Context<'_>, unit: &Unit) -> bool {
    let mut routes = vec![unit.route.clone()];
    for navigation in &cx.solution.navigations {
        let leads = navigation
            .target
            .complete()
            .is_some_and(|target| target.split('?').next().unwrap_or("").trim_start_matches('/') == &*unit.route);
        if leads {
            routes.push(navigation.from.clone());
        }
    }
    let shown = routes.iter().filter_map(|route| unit_of_route(cx, route)).any(|unit| {
        unit.templates.iter().any(|file| cx.policy.privacy.speaks_of_guardian(&text_of(cx.program, *file, 0)))
    });
    shown
        || calls(cx, "dialog").any(|(call, api)| {
            routes.contains(&call.entry.route) && cx.policy.privacy.speaks_of_guardian(&dialog_text(call, api))
        })
}
