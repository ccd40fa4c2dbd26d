//! Projects and roots: where packages begin in what was read.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::package::config;
use crate::package::read::shipping::Shipping;
use crate::package::read::{Layout, ReadOptions, below, folder_of, join, name_of};
use crate::package::walk::Entry;
use crate::syntax::json::{self, Json};

/// A host's project file.
pub(super) struct Project {
    /// Its path.
    pub(super) path: String,
    /// Hosts that it shows.
    pub(super) hosts: Vec<Arc<str>>,
    /// The package root that it names.
    pub(super) root: String,
    /// Folder of cloud functions.
    pub(super) cloud: Option<String>,
    /// Whether it says that it is a game.
    pub(super) game: bool,
    /// What it leaves out of an upload.
    pub(super) shipping: Shipping,
}

pub(super) fn load_json(entry: &Entry, options: &ReadOptions) -> Option<Json> {
    let bytes = entry.load(options.limits.max_file_bytes).ok()??;
    json::parse(&crate::source::decode(&bytes).text).value
}

pub(super) fn in_npm(path: &str) -> bool {
    path.split('/').any(|part| part == "node_modules" || part == "miniprogram_npm")
}

pub(super) fn find_projects(entries: &[Entry], layouts: &[Layout], options: &ReadOptions) -> Vec<Project> {
    let mut projects = Vec::new();
    for entry in entries {
        let name = name_of(&entry.path);
        let keys: Vec<(&Arc<str>, &Arc<str>)> =
            layouts.iter().filter_map(|layout| layout.project_files.get(name).map(|key| (&layout.host, key))).collect();
        if keys.is_empty() || in_npm(&entry.path) {
            continue;
        }
        let folder = folder_of(&entry.path);
        let json = load_json(entry, options);
        let text =
            |key: &str| json.as_ref()?.get(key)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let root =
            keys.iter().find_map(|(_, key)| text(key)).or_else(|| text("srcMiniprogramRoot")).unwrap_or_default();
        projects.push(Project {
            hosts: keys.iter().map(|(host, _)| (*host).clone()).collect(),
            root: join(folder, &root),
            cloud: text("cloudfunctionRoot").map(|cloud| join(folder, &cloud)),
            game: text("compileType").is_some_and(|kind| kind.eq_ignore_ascii_case("game")),
            shipping: json.as_ref().map(Shipping::of).unwrap_or_default(),
            path: entry.path.clone(),
        });
    }
    projects
}

/// Roots of packages in order of path, an outer one before those inside it.
pub(super) fn find_roots(entries: &[Entry], projects: &[Project], options: &ReadOptions) -> Vec<String> {
    let paths: HashSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let mut roots: BTreeSet<String> = BTreeSet::new();
    for project in projects {
        if paths.contains(join(&project.root, "app.json").as_str())
            || paths.contains(join(&project.root, "game.json").as_str())
        {
            roots.insert(project.root.clone());
        }
    }
    let mut candidates: Vec<&Entry> = entries
        .iter()
        .filter(|entry| {
            let name = name_of(&entry.path);
            (config::APP_FILES.contains(&name) || name == "game.json") && !in_npm(&entry.path)
        })
        .collect();
    candidates.sort_by_key(|entry| {
        (entry.path.matches('/').count(), name_of(&entry.path) == "game.json", entry.path.clone())
    });
    for entry in candidates {
        let root = folder_of(&entry.path);
        if roots.contains(root) {
            continue;
        }
        let inside = roots.iter().any(|outer| below(root, outer).is_some());
        let beside = |names: &[&str]| names.iter().any(|name| paths.contains(join(root, name).as_str()));
        let json = load_json(entry, options);
        let holds = if name_of(&entry.path) != "game.json" {
            match &json {
                Some(json) => {
                    let lists = json.get("pages").is_some()
                        || config::SUBPACKAGE_KEYS.iter().any(|key| json.get(key).is_some());
                    lists && (!inside || beside(&["app.js", "app.ts", "app-service.js"]))
                }
                None => !inside && (root.is_empty() || beside(&["app.js", "app.ts", "app-service.js"])),
            }
        } else {
            !inside
                && beside(&["game.js", "game.ts"])
                && json.as_ref().is_none_or(|json| matches!(json.value, json::JsonValue::Object(_)))
        };
        if holds {
            roots.insert(root.to_owned());
        }
    }
    if roots.is_empty() {
        roots.insert(String::new());
    }
    roots.into_iter().collect()
}
