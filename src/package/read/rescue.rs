//! Modules that scripts ask for under names that no class reads.

use std::collections::HashSet;
use std::sync::Arc;

use crate::package::read::classes::Class;
use crate::package::read::{below, join, name_of};
use crate::package::{FileKind, Package, SkipReason, Skipped, config};
use crate::source::FileId;
use crate::syntax::json;

/// Takes files out of foreign folders when a listed page or client code names them, so that a folder's name hides nothing.
pub(super) fn rescue(package: &mut Package, skipped: &mut Vec<Skipped>, class: &dyn Fn(&str) -> Class) {
    let foreign = |package: &Package, id: FileId| package.files[id.index()].kind == FileKind::Foreign;
    if !package.files.iter().any(|file| file.kind == FileKind::Foreign) {
        return;
    }
    let mut wanted: Vec<FileId> = Vec::new();
    let mut taken: HashSet<FileId> = HashSet::new();
    for page in &package.pages {
        wanted.extend(named(package, &page.route).filter(|id| foreign(package, *id)));
    }
    let mut sources: Vec<FileId> = (0..package.files.len() as u32)
        .map(FileId)
        .filter(|id| {
            let file = &package.files[id.index()];
            matches!(
                file.kind,
                FileKind::Script | FileKind::ViewScript | FileKind::Template | FileKind::Json | FileKind::Style
            ) && name_of(&file.source.path) != "package.json"
                && !file.source.path.starts_with("../")
        })
        .collect();
    loop {
        for id in std::mem::take(&mut sources) {
            let file = &package.files[id.index()].source;
            for request in quoted(&file.text) {
                for target in targets(package, file.folder(), request) {
                    if foreign(package, target) {
                        wanted.push(target);
                    }
                }
            }
        }
        for id in std::mem::take(&mut wanted) {
            if !taken.insert(id) {
                continue;
            }
            let file = Arc::make_mut(&mut package.files[id.index()]);
            if let Class::Text(kind) = class(&file.source.path) {
                file.kind = kind;
                if kind == FileKind::Json {
                    let parsed = json::parse(&file.source.text);
                    file.json = parsed.value;
                    file.json_errors = parsed.errors;
                }
                let path = file.source.path.clone();
                package.left_out.remove(&path);
                skipped.retain(|item| {
                    item.path != path || !matches!(item.reason, SkipReason::Foreign | SkipReason::Excluded)
                });
                sources.push(id);
            }
        }
        if sources.is_empty() {
            break;
        }
    }
    // A folder of which nothing foreign is left is none.
    let left: Vec<Arc<str>> = package
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Foreign)
        .map(|file| file.source.path.clone())
        .collect();
    let rescued: Vec<Arc<str>> = taken.iter().map(|id| package.files[id.index()].source.path.clone()).collect();
    skipped.retain(|item| {
        item.reason != SkipReason::Foreign
            || !rescued.iter().any(|path| below(path, &item.path).is_some())
            || left.iter().any(|path| below(path, &item.path).is_some())
    });
}

/// Files whose path is `stem` and an extension.
pub(super) fn named<'p>(package: &'p Package, stem: &str) -> impl Iterator<Item = FileId> + use<'p> {
    let prefix = format!("{stem}.");
    package
        .by_path
        .range::<str, _>((std::ops::Bound::Included(prefix.as_str()), std::ops::Bound::Unbounded))
        .take_while(move |(path, _)| path.starts_with(&prefix))
        .map(|(_, id)| *id)
}

/// Files that a request can mean: relative, or from the root.
fn targets(package: &Package, folder: &str, request: &str) -> Vec<FileId> {
    let relative = if request.starts_with('/') { config::normalise_route(request) } else { join(folder, request) };
    let rooted = config::normalise_route(request);
    let mut found = Vec::new();
    for base in [relative, rooted] {
        for suffix in ["", ".js", ".ts", ".json", "/index.js", "/index.ts"] {
            if let Some(id) = package.by_path.get(format!("{base}{suffix}").as_str()) {
                found.push(*id);
            }
        }
        // A component or page: all files of that name.
        found.extend(named(package, &base).take(8));
    }
    found
}

/// Quoted strings that may be paths.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let Some(open) = memchr::memchr3(b'"', b'\'', b'`', &bytes[at..]).map(|offset| at + offset) else { break };
            let length = bytes[open + 1..]
                .iter()
                .take(160)
                .take_while(|byte| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'@' | b'$')
                        || **byte >= 0x80
                })
                .count();
            let end = open + 1 + length;
            if length > 1
                && bytes.get(end) == Some(&bytes[open])
                && memchr::memchr(b'/', &bytes[open + 1..end]).is_some()
            {
                at = end + 1;
                return text.get(open + 1..end);
            }
            at = open + 1;
        }
        at = bytes.len();
        None
    })
}
