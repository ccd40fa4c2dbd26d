//! `package/oversized`: packages and pictures over the platform's limits.

use crate::flow::Place;
use crate::package::{Package, SkipReason};
use crate::rules::{Context, Finding, Rule, Severity};
use crate::source::FileId;
use crate::syntax::json::Json;

use super::app_start;

/// Measures what would ship: main package, sub-packages, the total, tab icons.
pub struct Oversized;

/// Paths and sizes of everything that ships. Of installed modules only those files do that the program loads.
fn shipped<'c>(cx: &Context<'c>) -> impl Iterator<Item = (&'c str, u64)> {
    let package: &Package = cx.package;
    let live = &cx.program.live_files;
    let files = package
        .files
        .iter()
        .enumerate()
        .filter(move |(index, file)| !installed(&file.source.path) || live.contains(&FileId(*index as u32)));
    let files = files.map(|(_, file)| (&*file.source.path, file.source.bytes));
    let assets = package.assets.iter().map(|asset| (&*asset.path, asset.bytes)).filter(|(path, _)| !installed(path));
    let skipped = package
        .skipped
        .iter()
        .filter(|item| match item.reason {
            SkipReason::TooLarge | SkipReason::Binary => true,
            SkipReason::Declarations => package.upload_extensions.is_empty(),
            _ => false,
        })
        .map(|item| (&*item.path, item.bytes))
        .filter(|(path, _)| !installed(path));
    files.chain(assets).chain(skipped).filter(|(path, _)| package.uploads(path))
}

/// Whether a path is of a module as the package manager laid it down.
fn installed(path: &str) -> bool {
    path.split('/').any(|part| part == "node_modules")
}

fn below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

impl Rule for Oversized {
    fn id(&self) -> &'static str {
        "package/oversized"
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let (Some(host), Some(app), Some(start)) =
            (cx.policy.hosts.info(&cx.package.host), cx.package.app, app_start(cx))
        else {
            return;
        };
        let limit = |key: &str| host.limits.get(key).copied().unwrap_or(u64::MAX);
        let told = |place, what: &'static str, bytes: u64, limit: u64| {
            Finding::new("package/oversized", place)
                .word("what", what)
                .number("kib", bytes.div_ceil(1024))
                .number("limit", limit / 1024)
        };
        let mut main = 0;
        let mut total = 0;
        let mut parts = vec![0; cx.package.subpackages.len()];
        let mut seen = std::collections::HashSet::new();
        for (path, bytes) in shipped(cx) {
            if !seen.insert(path) {
                continue;
            }
            total += bytes;
            match cx.package.subpackages.iter().position(|part| below(path, &part.root)) {
                Some(part) => parts[part] += bytes,
                None => main += bytes,
            }
        }
        if total > limit("total") {
            out.push(told(start, "size-total", total, limit("total")));
        }
        if main > limit("main") {
            out.push(told(start, "size-main", main, limit("main")));
        }
        for (part, bytes) in cx.package.subpackages.iter().zip(parts) {
            if bytes > limit("subpackage") {
                let place = Place { file: app, span: part.span };
                out.push(told(place, "size-subpackage", bytes, limit("subpackage")));
            }
        }
        let Some(bar) = cx.package.app_json().and_then(|app| app.get("tabBar")) else { return };
        for tab in bar.get("list").map_or(&[][..], Json::items) {
            for key in ["iconPath", "selectedIconPath"] {
                let Some(icon) = tab.get(key) else { continue };
                let Some(path) = icon.as_str().and_then(crate::model::normalize) else { continue };
                let Some(asset) = cx.package.assets.iter().find(|asset| *asset.path == *path) else { continue };
                if asset.bytes > limit("tab-icon") {
                    let place = Place { file: app, span: icon.span };
                    out.push(told(place, "size-tab-icon", asset.bytes, limit("tab-icon")).severity(Severity::Warning));
                }
            }
        }
    }
}
