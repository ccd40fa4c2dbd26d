//! Nothing is declared; what the package shows is listed.

use super::{app_start, listed, model};
use crate::flow::Step;
use crate::rules::{Context, Finding, Rule};

/// `category/undeclared`
pub struct Undeclared;

impl Rule for Undeclared {
    fn id(&self) -> &'static str {
        "category/undeclared"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !cx.package.submission.categories.is_empty() || !listed(cx) {
            return;
        }
        let Some(place) = app_start(cx) else { return };
        let table = cx.policy.category_table();
        let mut services = model::shown(cx);
        if services.is_empty() {
            services.extend(model::likely(cx));
        }
        services.truncate(5);
        let mut finding = Finding::new(self.id(), place);
        if services.is_empty() {
            out.push(finding.variant("nothing-shown"));
            return;
        }
        let names: Vec<&str> = services.iter().map(|service| table.name(service.category)).collect();
        finding = finding.text("categories", names.join("、"));
        for service in &services {
            let evidence = service.evidence.iter().take(4);
            finding = finding.steps(evidence.map(|evidence| Step {
                place: evidence.place,
                note: evidence.surface.note(),
                name: format!("{} → {}", evidence.word, table.name(service.category)).into(),
            }));
        }
        out.push(finding);
    }
}
