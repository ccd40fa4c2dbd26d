//! The package shows a service that no declared category covers.

use super::missing_qualification::alternatives;
use super::model::{self, Service};
use super::{app_start, listed};
use crate::rules::{Confidence, Context, Finding, Rule, Severity};

/// `category/undeclared-category`
pub struct UndeclaredCategory;

impl Rule for UndeclaredCategory {
    fn id(&self) -> &'static str {
        "category/undeclared-category"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        // Without any known category `category/undeclared` or `category/unknown-category` has said it.
        let declared = model::declared(cx);
        if declared.is_empty() {
            return;
        }
        let table = cx.policy.category_table();
        let names = declared.iter().map(|id| table.name(*id)).collect::<Vec<_>>().join("、");
        let game = table.find("游戏");
        let mut findings = 0;
        for service in model::uncovered(cx, &declared).into_iter().take(4) {
            let Some(strongest) = service.strongest() else { continue };
            if cx.package.game && Some(service.category) == game {
                continue;
            }
            out.push(self.finding(cx, &service, strongest.place, &names));
            findings += 1;
        }
        // What shows too little to be claimed beside others is claimed where nothing speaks for what is declared.
        if findings == 0
            && !cx.package.game
            && listed(cx)
            && let Some(service) = model::instead(cx, &declared).or_else(|| model::apart(cx, &declared))
            && let Some(strongest) = service.strongest()
        {
            out.push(self.finding(cx, &service, strongest.place, &names));
        }
        if cx.package.game && findings == 0 && listed(cx) && game.is_some_and(|game| !declared.contains(&game)) {
            let Some(place) = app_start(cx) else { return };
            let category = game.unwrap_or_default();
            let service = Service { category, evidence: Vec::new(), score: 0, main: true, borne: true, naming: 0 };
            out.push(self.finding(cx, &service, place, &names));
        }
    }
}

impl UndeclaredCategory {
    fn finding(&self, cx: &Context<'_>, service: &Service, place: crate::flow::Place, names: &str) -> Finding {
        let table = cx.policy.category_table();
        let category = table.get(service.category);
        let key = category.is_some_and(|category| category.key);
        let sure = service.evidence.len() >= 3 && service.score >= 10;
        let mut finding = Finding::new(self.id(), place)
            .severity(if key || cx.package.game { Severity::Error } else { Severity::Warning })
            .confidence(if sure || cx.package.game { Confidence::High } else { Confidence::Medium })
            .text("category", table.name(service.category))
            .text("declared", names)
            .text("evidence", service.strongest().map_or("", |evidence| &evidence.word))
            .steps(service.trace());
        if let Some(category) = category.filter(|category| !category.qualifications.is_empty()) {
            finding = finding.variant("licensed").text("licences", alternatives(&category.qualifications));
        }
        finding
    }
}
