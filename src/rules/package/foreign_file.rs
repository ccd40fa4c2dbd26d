//! `package/foreign-file`: what ships and belongs to no mini-program.

use std::collections::BTreeMap;

use crate::flow::Place;
use crate::package::{FileKind, SkipReason};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

use super::app_start;

/// Looks for server code and its settings, tests, version control, keys, databases, executables and source maps; one finding a
/// top folder.
pub struct ForeignFile;

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

impl Rule for ForeignFile {
    fn id(&self) -> &'static str {
        "package/foreign-file"
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        // By top folder: the first file that can be shown, and a path to name.
        let mut found: BTreeMap<&str, (Option<FileId>, String)> = BTreeMap::new();
        for (index, file) in cx.package.files.iter().enumerate() {
            let path = &file.source.path;
            let left_out = !cx.package.uploads(path) || cx.package.leaves_unused && is_script(path);
            if file.kind == FileKind::Foreign && !left_out && !is_tool_setting(path) && !in_npm(path) {
                let entry = found.entry(top(path)).or_insert_with(|| (None, path.to_string()));
                entry.0.get_or_insert(FileId(index as u32));
            }
        }
        for item in &cx.package.skipped {
            let folder = top(&item.path);
            let hidden = item.reason == SkipReason::Hidden
                && (matches!(folder, ".git" | ".svn" | ".hg") || folder.starts_with(".env"));
            // A folder that was skipped as a whole may hold anything.
            let whole = !item.path.rsplit('/').next().unwrap_or_default().contains('.');
            let unused = cx.package.leaves_unused && (whole || is_script(&item.path));
            let uploads = !unused && (whole || cx.package.uploads(&item.path));
            let foreign = item.reason == SkipReason::Foreign && uploads;
            if hidden && cx.package.upload_extensions.is_empty()
                || foreign && !is_tool_setting(&item.path) && !in_npm(&item.path)
            {
                found.entry(top(&item.path)).or_insert_with(|| (None, item.path.to_string()));
            }
        }
        for (folder, (file, path)) in found {
            let Some(place) = file.map(|file| Place { file, span: Span::at(0) }).or_else(|| app_start(cx)) else {
                continue;
            };
            let whole = cx.package.skipped.iter().any(|item| *item.path == *folder);
            let shown = if path == folder || !whole { path } else { format!("{folder}/") };
            out.push(Finding::new("package/foreign-file", place).text("path", shown));
        }
    }
}

/// Settings of editors and tools, which the platforms' own tools leave out.
fn is_tool_setting(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "jsconfig.json" | "package-lock.json" | "npm-shrinkwrap.json" | "yarn.lock" | "pnpm-lock.yaml")
        || name.starts_with("tsconfig")
        || name.contains(".config.")
        || name.starts_with(".eslint")
}

fn is_script(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "js" | "ts"))
}

fn in_npm(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "miniprogram_npm" | "node_modules" | "swan_modules"))
}
