//! Payments that start with no price and no prompt on the path.

use std::collections::BTreeSet;

use super::support::{all_runs, calls, confirmed, element, unit, units_of};
use super::texts::{Run, Site};
use crate::flow::{EntryKind, HostCall};
use crate::rules::package::route_of;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{NodeKind, Part};

/// `conduct/payment-without-notice`
#[derive(Debug)]
pub struct PaymentWithoutNotice;

impl Rule for PaymentWithoutNotice {
    fn id(&self) -> &'static str {
        "conduct/payment-without-notice"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let payments = calls(cx, &["payment"]);
        if payments.is_empty() {
            return;
        }
        let runs = all_runs(cx);
        for (place, group) in payments {
            if let Some(call) = group.iter().find(|call| !noticed(cx, runs, call)) {
                out.push(
                    Finding::new(self.id(), place)
                        .step(call.entry.place, "conduct-entry", call.entry.method.clone())
                        .steps(call.path.iter().cloned()),
                );
            }
        }
    }
}

fn noticed(cx: &Context<'_>, runs: &[Run], call: &HostCall) -> bool {
    if confirmed(call) {
        return true;
    }
    if call.entry.kind != EntryKind::User {
        let own: BTreeSet<FileId> =
            unit(cx, &call.entry.route).into_iter().flat_map(|unit| unit.templates.iter().copied()).collect();
        return shows_price(cx, runs, &own) || sent_from_price(cx, runs, &call.entry.route);
    }
    let conduct = &cx.policy.conduct;
    let speaks = |run: &Run| {
        let scan = run.scan(cx);
        conduct.fires("price", &scan).is_some() || conduct.near("price", &scan).is_some()
    };
    // The control itself speaks of paying.
    if let Some((file, node)) = call.entry.element {
        let own = cx.program.template(file).and_then(|template| element(&template.document, node));
        if let Some(own) = own {
            let span = own.close.map_or(own.open, |close| crate::source::Span::new(own.open.start, close.end));
            let inside = |run: &&Run| run.file == file && span.contains(run.place(crate::source::Span::new(0, 0)).span);
            if runs.iter().filter(|run| matches!(run.site, Site::Template(_))).filter(inside).any(speaks) {
                return true;
            }
        }
    }
    // Or the page shows what it costs, or the component on the way whose button is a library's.
    let on_the_way = call.path.iter().map(|step| step.place.file).chain([call.place.file]);
    let shown: BTreeSet<FileId> = unit(cx, &call.entry.route)
        .into_iter()
        .chain(on_the_way.flat_map(|file| units_of(cx, file)))
        .flat_map(|unit| unit.templates.iter().copied())
        .collect();
    shows_price(cx, runs, &shown)
}

/// Whether one of those files tells a price.
fn shows_price(cx: &Context<'_>, runs: &[Run], shown: &BTreeSet<FileId>) -> bool {
    let told = |run: &Run| cx.policy.conduct.fires("price", &run.scan(cx)).is_some();
    runs.iter().filter(|run| shown.contains(&run.file)).any(told) || shown.iter().any(|file| shows_amount(cx, *file))
}

/// Whether a page only ever opens from pages that show a price, on the user's way to paying it.
fn sent_from_price(cx: &Context<'_>, runs: &[Run], route: &str) -> bool {
    let mut pages = cx.package.pages.iter().enumerate();
    if pages.any(|(index, page)| &*page.route == route && (index == 0 || page.tab)) {
        return false;
    }
    let mut from = BTreeSet::new();
    for navigation in &cx.solution.navigations {
        let to = route_of(&navigation.target, &navigation.from);
        if to.is_some_and(|(to, _)| to == route) && &*navigation.from != route {
            from.insert(&*navigation.from);
        }
    }
    let shows = |from: &&str| {
        let shown: BTreeSet<FileId> =
            unit(cx, from).into_iter().flat_map(|unit| unit.templates.iter().copied()).collect();
        shows_price(cx, runs, &shown)
    };
    !from.is_empty() && from.iter().all(shows)
}

/// Whether a template shows an amount from data.
fn shows_amount(cx: &Context<'_>, file: FileId) -> bool {
    let Some(template) = cx.program.template(file) else { return false };
    let source = &cx.package.source(file).text;
    template.document.nodes.iter().any(|node| match &node.kind {
        NodeKind::Text(parts) => parts.iter().any(|part| match part {
            Part::Interpolation { expression, .. } => {
                let text = expression.slice(source);
                cx.policy.conduct.fires("price", &cx.policy.conduct.scan(text)).is_some()
            }
            Part::Text { .. } => false,
        }),
        _ => false,
    })
}
