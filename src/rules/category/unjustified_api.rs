//! A privileged API or component has no place in any declared category.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{model, surface};
use crate::flow::Place;
use crate::rules::{Confidence, Context, Finding, Rule};

/// `category/unjustified-api`
pub struct UnjustifiedApi;

impl Rule for UnjustifiedApi {
    fn id(&self) -> &'static str {
        "category/unjustified-api"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let declared = model::declared(cx);
        if declared.is_empty() {
            return;
        }
        let table = cx.policy.category_table();
        let mut uses: BTreeMap<usize, BTreeSet<(Place, Arc<str>)>> = BTreeMap::new();
        surface::roles(cx, &mut |role, name, place| {
            for (index, privilege) in table.privileges.iter().enumerate() {
                if privilege.roles.iter().any(|known| &**known == role) {
                    uses.entry(index).or_default().insert((place, Arc::clone(name)));
                }
            }
        });
        uses.retain(|index, _| {
            table.privileges.get(*index).is_some_and(|privilege| !table.justified(privilege, &declared))
        });
        if uses.is_empty() {
            return;
        }
        // Where the whole service is undeclared, that says it more exactly.
        let told: BTreeSet<Place> = model::uncovered(cx, &declared)
            .iter()
            .flat_map(|service| service.evidence.iter())
            .filter(|evidence| evidence.surface == surface::Surface::Api && evidence.weight >= 3)
            .map(|evidence| evidence.place)
            .collect();
        let names = declared.iter().map(|id| table.name(*id)).collect::<Vec<_>>().join("、");
        for (index, places) in uses {
            let Some(privilege) = table.privileges.get(index) else { continue };
            if places.iter().any(|(place, _)| told.contains(place)) {
                continue;
            }
            // What is made is one use; what is then asked of it is none of its own.
            let made: BTreeSet<_> =
                places.iter().filter(|(_, name)| !name.contains('.')).map(|(place, _)| place.file).collect();
            for (place, name) in places {
                if name.contains('.') && made.contains(&place.file) {
                    continue;
                }
                let only = privilege.only.iter().map(|name| name.trim_end_matches("/*")).collect::<Vec<_>>().join("、");
                let mut finding = Finding::new(self.id(), place)
                    .confidence(if privilege.only.is_empty() { Confidence::High } else { Confidence::Medium })
                    .text("api", &*name)
                    .text("what-zh", privilege.name.zh.as_str())
                    .text("what-en", privilege.name.en.as_str())
                    .text("declared", names.as_str());
                if !privilege.only.is_empty() {
                    finding = finding.variant("only").text("categories", only);
                }
                out.push(finding);
            }
        }
    }
}
