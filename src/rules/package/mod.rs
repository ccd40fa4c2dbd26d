//! The `package/` rules.

mod broken_script;
mod broken_template;
mod dead_end_dialog;
mod dead_navigation;
mod deprecated_api;
mod foreign_file;
mod garbled_text;
mod invalid_config;
mod missing_file;
mod missing_handler;
mod missing_page;
mod oversized;
mod placeholder_content;
mod unhandled_refusal;
mod unknown_api;
mod unreachable_page;

pub(super) use dead_navigation::route_of;

use super::{Context, Rule};
use crate::flow::Place;
use crate::package::{FileKind, Origin};
use crate::source::{FileId, Span};

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &broken_script::BrokenScript,
    &broken_template::BrokenTemplate,
    &dead_end_dialog::DeadEndDialog,
    &dead_navigation::DeadNavigation,
    &deprecated_api::DeprecatedApi,
    &foreign_file::ForeignFile,
    &garbled_text::GarbledText,
    &invalid_config::InvalidConfig,
    &missing_file::MissingFile,
    &missing_handler::MissingHandler,
    &missing_page::MissingPage,
    &oversized::Oversized,
    &placeholder_content::PlaceholderContent,
    &unhandled_refusal::UnhandledRefusal,
    &unknown_api::UnknownApi,
    &unreachable_page::UnreachablePage,
];

/// The start of `app.json`, where absence stands.
pub(super) fn app_start(cx: &Context<'_>) -> Option<Place> {
    cx.package.app.map(|file| Place { file, span: Span::at(0) })
}

/// Whether a file is the package's own and ships as client code or configuration.
pub(super) fn is_own(cx: &Context<'_>, file: FileId) -> bool {
    let file = &cx.package.files[file.index()];
    file.origin == Origin::Own && file.kind != FileKind::Foreign
}

/// Whether something stands at that path, read or left out.
pub(super) fn exists(cx: &Context<'_>, path: &str) -> bool {
    cx.package.ships(path)
        || cx
            .package
            .skipped
            .iter()
            .any(|item| &*item.path == path || path.strip_prefix(&*item.path).is_some_and(|rest| rest.starts_with('/')))
}

/// The candidate that a misspelt name most likely means.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let limit = match name.chars().count() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    candidates
        .filter_map(|candidate| Some((distance(name, candidate, limit)?, candidate)))
        .min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))
        .map(|(_, candidate)| candidate)
}

/// Edits (insertion, removal, change, swap of neighbours) between two names without case; `None` past `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    // Of plain letters the lengths are known before anything is read.
    if a.is_ascii() && b.is_ascii() && a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut rows: [Vec<usize>; 3] = [Vec::new(), (0..=b.len()).collect(), Vec::new()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[1][j] + 1).min(row[j - 1] + 1).min(rows[1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            row.push(least);
        }
        rows.rotate_left(1);
        rows[1] = row;
        // A swap reaches back two rows, everything else one.
        if rows[..2].iter().all(|row| row.iter().min().is_some_and(|least| *least > limit)) {
            return None;
        }
    }
    let found = rows[1][b.len()];
    (found <= limit).then_some(found)
}
