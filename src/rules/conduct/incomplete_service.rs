//! Functions that a service of the declared category must have and that nothing shows.

use std::collections::BTreeSet;

use super::support::{absence, all_runs, element_roles, host};
use crate::policy::conduct::Need;
use crate::rules::category::model::services;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;

/// `conduct/incomplete-service`
#[derive(Debug)]
pub struct IncompleteService;

impl Rule for IncompleteService {
    fn id(&self) -> &'static str {
        "conduct/incomplete-service"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let categories = &cx.package.submission.categories;
        let Some(place) = absence(cx) else { return };
        let wanted: Vec<_> = cx
            .policy
            .conduct
            .complete()
            .iter()
            .filter_map(|entry| {
                let category = categories.iter().find(|category| {
                    category.split('/').next().is_some_and(|first| entry.categories.iter().any(|known| known == first))
                })?;
                Some((category, entry))
            })
            .collect();
        let pages = own_pages(cx);
        if wanted.is_empty() || pages == 0 {
            return;
        }
        let shown = Shown::new(cx);
        let services = services(cx);
        let table = cx.policy.category_table();
        for (category, entry) in wanted {
            let offered = table.find(category).is_some_and(|declared| {
                // One page of something else is no service that could lack a part.
                let least = if pages < PAGES { OFFERED_ON_ONE_PAGE } else { OFFERED };
                services.iter().any(|service| table.covers(declared, service.category) && service.score >= least)
            });
            if !offered {
                continue;
            }
            let missing: Vec<String> = entry
                .needs
                .iter()
                .filter(|need| !shown.has(need))
                .map(|need| cx.policy.word(&need.word).map_or_else(|| need.word.clone(), |word| word.zh.clone()))
                .collect();
            // A small page or two that opens elsewhere is told by its own rules; one missing trifle is no incomplete service.
            if missing.is_empty() {
                continue;
            }
            out.push(
                Finding::new(self.id(), place)
                    .text("category", category.clone())
                    .text("text", missing.join("、"))
                    .clauses([entry.clause.clone()])
                    .confidence(if missing.len() * 2 > entry.needs.len() {
                        Confidence::Medium
                    } else {
                        Confidence::Low
                    }),
            );
        }
    }
}

/// Pages that many services have at least.
const PAGES: usize = 2;
/// Least evidence that the only page offers a service of the category.
const OFFERED_ON_ONE_PAGE: u32 = 16;
/// Least evidence that a service of the category is offered.
const OFFERED: u32 = 4;

/// Listed pages but for those that any program has: login, policies, settings, help.
fn own_pages(cx: &Context<'_>) -> usize {
    let conduct = &cx.policy.conduct;
    let unit = |route: &str| cx.program.by_route.contains_key(route);
    cx.package.pages.iter().filter(|page| unit(&page.route) && !conduct.names("id-common-page", &page.route)).count()
}

struct Shown {
    text: String,
    roles: BTreeSet<String>,
}

impl Shown {
    fn new(cx: &Context<'_>) -> Self {
        let mut text = String::new();
        for page in &cx.package.pages {
            text.push_str(&page.route.to_lowercase());
            text.push('\n');
        }
        for unit in &cx.program.units {
            text.push_str(&unit.route.to_lowercase());
            text.push('\n');
        }
        for run in all_runs(cx) {
            text.push_str(&run.text.to_lowercase());
            text.push('\n');
        }
        let mut roles = BTreeSet::new();
        for call in &cx.solution.calls {
            if let Some(api) = host(cx).and_then(|host| host.apis.get(&call.api)) {
                roles.extend(api.roles.iter().map(ToString::to_string));
            }
        }
        for index in 0..cx.package.files.len() {
            for (_, element) in cx.program.elements(FileId(index as u32)) {
                roles.extend(element_roles(cx, element).into_iter().map(str::to_owned));
            }
        }
        let shares = cx.program.facts.iter().filter_map(|facts| facts.script.as_ref()).any(|script| {
            script.functions.iter().any(|function| function.name.as_deref() == Some("onShareAppMessage"))
        });
        if shares {
            roles.insert("share-handler".to_owned());
        }
        Self { text, roles }
    }

    fn has(&self, need: &Need) -> bool {
        need.roles.iter().any(|role| self.roles.contains(role))
            || need.words.iter().any(|word| self.text.contains(&word.to_lowercase()))
    }
}
