//! What `app.json` says: pages, sub-packages, tabs.

use std::collections::HashSet;
use std::sync::Arc;

use super::{PageEntry, Subpackage};
use crate::syntax::json::{Json, JsonValue};

/// A route as the platforms read it: `/` between parts, none at either end, no `./`.
pub fn normalise_route(route: &str) -> String {
    let route = route.trim().replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in route.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Files that list the pages: as they are written, and as the compiler of a host leaves them.
pub const APP_FILES: [&str; 2] = ["app.json", "app-config.json"];

/// Keys of `app.json` that list sub-packages.
pub const SUBPACKAGE_KEYS: [&str; 2] = ["subPackages", "subpackages"];

/// Pages and sub-packages in order of `app.json`.
pub fn pages(app: &Json) -> (Vec<PageEntry>, Vec<Subpackage>) {
    let mut tabs: HashSet<String> = HashSet::new();
    if let Some(bar) = app.get("tabBar") {
        let list = bar.get("list").or_else(|| bar.get("items"));
        for item in list.map(Json::items).unwrap_or_default() {
            if let Some(path) = item.get("pagePath").and_then(Json::as_str) {
                tabs.insert(normalise_route(path.strip_suffix(".html").unwrap_or(path)));
            }
        }
    }
    let mut pages = Vec::new();
    let mut subpackages = Vec::new();
    for item in app.get("pages").map(Json::items).unwrap_or_default() {
        add_page(item, None, &tabs, &mut pages);
    }
    for list in SUBPACKAGE_KEYS.iter().filter_map(|key| app.get(key)) {
        for part in list.items() {
            let Some((span, root)) = part.get("root").and_then(|root| Some((root.span, root.as_str()?))) else {
                continue;
            };
            let root: Arc<str> = normalise_route(root).into();
            subpackages.push(Subpackage { root: root.clone(), span });
            for item in part.get("pages").map(Json::items).unwrap_or_default() {
                add_page(item, Some(&root), &tabs, &mut pages);
            }
        }
    }
    (pages, subpackages)
}

fn add_page(item: &Json, root: Option<&Arc<str>>, tabs: &HashSet<String>, out: &mut Vec<PageEntry>) {
    let text = match &item.value {
        JsonValue::String(text) => text.clone(),
        JsonValue::Object(_) => match item.get("path").and_then(Json::as_str) {
            Some(path) => path.into(),
            None => return,
        },
        _ => return,
    };
    let route = match root {
        Some(root) => normalise_route(&format!("{root}/{text}")),
        None => normalise_route(&text),
    };
    if route.is_empty() {
        return;
    }
    out.push(PageEntry { tab: tabs.contains(&route), route: route.into(), span: item.span, subpackage: root.cloned() });
}
