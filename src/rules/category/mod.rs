//! The `category/` rules: whether the declared categories cover what the package does.

pub mod model;
pub mod surface;

mod missing_qualification;
mod prohibited_industry;
mod undeclared;
mod undeclared_category;
mod unjustified_api;
mod unknown_category;

use super::{Context, Rule};
use crate::flow::Place;
use crate::source::Span;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &missing_qualification::MissingQualification,
    &prohibited_industry::ProhibitedIndustry,
    &undeclared::Undeclared,
    &undeclared_category::UndeclaredCategory,
    &unjustified_api::UnjustifiedApi,
    &unknown_category::UnknownCategory,
];

/// The start of the app's configuration: where absence stands.
pub fn app_start(cx: &Context<'_>) -> Option<Place> {
    Some(Place { file: cx.package.app?, span: Span::new(0, 0) })
}

/// Where a value of the submission stands: in `minivet.toml`, else at the start of the app's configuration.
pub fn submitted(cx: &Context<'_>, key: &str) -> Option<Place> {
    match (cx.package.submission.file, cx.package.submission.spans.get(key)) {
        (Some(file), Some(span)) => Some(Place { file, span: *span }),
        _ => app_start(cx),
    }
}

/// Whether the platform's category list is the one of the package's host.
pub fn listed(cx: &Context<'_>) -> bool {
    cx.policy.category_table().hosts.contains(&cx.package.host)
}
