//! Modules that a package manager built: where each comes from, and copies that are left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::package::Origin;
use crate::package::read::roots::{in_npm, load_json};
use crate::package::read::{Reader, below, name_of};
use crate::package::walk::Entry;
use crate::syntax::json::Json;

/// What is known of npm folders.
#[derive(Default)]
pub(super) struct NpmModules {
    /// Whether a folder made for the host exists, so that plain npm folders do not ship.
    pub(super) built: bool,
    /// Modules that client code may use; `None` when no manifest tells.
    pub(super) client: Option<HashSet<Arc<str>>>,
    pub(super) versions: HashMap<Arc<str>, Arc<str>>,
}

impl Reader<'_> {
    /// Which modules of npm folders are client code.
    pub(super) fn npm_modules(&self, entries: &[&Entry]) -> NpmModules {
        let mut manifests: HashMap<String, Json> = HashMap::new();
        let mut built = false;
        let mut any = false;
        for entry in entries {
            let Some(path) = below(&entry.path, self.root) else { continue };
            built |= path.split('/').any(|part| part == "miniprogram_npm");
            let npm = in_npm(path);
            any |= npm;
            if name_of(path) == "package.json"
                && (npm && module_of(path).is_some_and(|(_, rest)| rest == "package.json") || path == "package.json")
                && let Some(json) = load_json(entry, self.options)
            {
                manifests.insert(path.to_owned(), json);
            }
        }
        if !any {
            return NpmModules::default();
        }
        let dependencies = |json: &Json| -> Vec<(Arc<str>, Option<Arc<str>>)> {
            json.get("dependencies")
                .map(Json::properties)
                .unwrap_or_default()
                .iter()
                .map(|property| (property.key.clone(), property.value.as_str().map(Into::into)))
                .collect()
        };
        let mut versions: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        let mut client: Option<HashSet<Arc<str>>> = None;
        if let Some(own) = manifests.get("package.json") {
            let mut wanted: Vec<Arc<str>> = Vec::new();
            for (name, range) in dependencies(own) {
                let exact = range.map(|range| range.trim_start_matches(['^', '~', '=', 'v']).to_owned());
                if let Some(version) = exact.filter(|text| text.starts_with(|c: char| c.is_ascii_digit())) {
                    versions.insert(name.clone(), version.into());
                }
                wanted.push(name);
            }
            let mut reached: HashSet<Arc<str>> = HashSet::new();
            while let Some(name) = wanted.pop() {
                if reached.insert(name.clone())
                    && let Some(json) = manifests.get(&format!("node_modules/{name}/package.json"))
                {
                    wanted.extend(dependencies(json).into_iter().map(|(name, _)| name));
                }
            }
            client = Some(reached);
        }
        for (path, json) in &manifests {
            if let (Some((name, _)), Some(version)) = (module_of(path), json.get("version").and_then(Json::as_str)) {
                versions.insert(name.into(), version.into());
            }
        }
        NpmModules { built, client, versions }
    }
}

const TOP_FOLDER: &str = "npm/";

/// Module name and the path in it, for a path in an npm folder.
fn module_of(path: &str) -> Option<(String, &str)> {
    let mut rest = path;
    let mut found = None;
    loop {
        // Compilers gather what they take from npm in a folder of that name at the top.
        let top = (found.is_none() && rest.starts_with(TOP_FOLDER)).then_some(TOP_FOLDER.len());
        let at = ["node_modules/", "miniprogram_npm/"]
            .iter()
            .filter_map(|folder| {
                rest.match_indices(folder)
                    .find(|(at, _)| *at == 0 || rest.as_bytes()[at - 1] == b'/')
                    .map(|(at, _)| at + folder.len())
            })
            .chain(top)
            .min();
        let Some(at) = at else { break };
        rest = &rest[at..];
        let mut parts = rest.splitn(3, '/');
        let first = parts.next().unwrap_or("");
        let (name, length) = if first.starts_with('@') {
            let second = parts.next().unwrap_or("");
            (format!("{first}/{second}"), first.len() + 1 + second.len())
        } else {
            (first.to_owned(), first.len())
        };
        found =
            Some((name.strip_suffix(".js").map(str::to_owned).unwrap_or(name), rest.get(length + 1..).unwrap_or("")));
    }
    found
}

impl NpmModules {
    /// The folder to report when a path is in a module that is no client code.
    pub(super) fn left_out(&self, path: &str) -> Option<String> {
        let at = path
            .match_indices("node_modules")
            .find(|(at, _)| *at == 0 || path.as_bytes()[at - 1] == b'/')
            .map(|(at, _)| at)?;
        let folder = &path[..at + "node_modules".len()];
        let inside = path.get(folder.len() + 1..).unwrap_or("");
        if self.built && !path[..at].contains("miniprogram_npm") {
            return Some(folder.to_owned());
        }
        if inside.starts_with('.') {
            return Some(folder.to_owned());
        }
        let (name, _) = module_of(path)?;
        match &self.client {
            Some(client) if !client.contains(name.as_str()) => Some(folder.to_owned()),
            _ => None,
        }
    }

    pub(super) fn origin(&self, path: &str) -> Option<Origin> {
        let (name, _) = module_of(path)?;
        let version = self.versions.get(name.as_str()).cloned();
        Some(Origin::Npm { name: name.into(), version })
    }
}

/// Length of the shared folder prefix of two paths, with its slash.
pub(super) fn shared(a: &str, b: &str) -> usize {
    let mut end = 0;
    for (at, c) in a.char_indices() {
        if c == '/' {
            if b.get(..at) == Some(&a[..at]) && (b.len() == at || b.as_bytes()[at] == b'/') {
                end = (at + 1).min(b.len());
            } else {
                break;
            }
        }
    }
    end
}
