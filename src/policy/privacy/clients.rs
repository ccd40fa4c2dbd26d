//! HTTP clients of npm, and modules that send nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// What an argument of a client's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Argument {
    /// The address.
    Url,
    /// What is sent.
    Data,
    /// All the rest, by name.
    Options,
}

/// What a function that a client is given sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Every request.
    Request,
    /// Every answer.
    Response,
}

/// An HTTP client.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Client {
    modules: Vec<Arc<str>>,
    /// Members that give a client of its own.
    pub instances: Vec<Arc<str>>,
    /// Settings that hold the part of the address that all requests share.
    pub base: Vec<Arc<str>>,
    /// Members that hold settings.
    pub settings: Vec<Arc<str>>,
    /// Fields of options with the address.
    pub address: Vec<Arc<str>>,
    /// Fields of options that are sent.
    pub data: Vec<Arc<str>>,
    /// Fields of options with headers.
    pub header: Vec<Arc<str>>,
    /// Fields of options with the path of a file.
    pub file: Vec<Arc<str>>,
    calls: BTreeMap<Arc<str>, Vec<Argument>>,
    #[serde(default)]
    uploads: BTreeMap<Arc<str>, Vec<Argument>>,
    #[serde(default)]
    hooks: BTreeMap<Arc<str>, Hook>,
}

impl Client {
    /// The arguments of a member that sends.
    pub fn call(&self, member: &str) -> Option<&[Argument]> {
        self.calls.get(member).map(Vec::as_slice)
    }

    /// The arguments of a member that sends a file.
    pub fn upload(&self, member: &str) -> Option<&[Argument]> {
        self.uploads.get(member).map(Vec::as_slice)
    }

    /// What a function given to a member sees.
    pub fn hook(&self, member: &str) -> Option<Hook> {
        self.hooks.get(member).copied()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    promises: Vec<Arc<str>>,
    promisers: Vec<Arc<str>>,
    status: Vec<Arc<str>>,
    success: Vec<Arc<str>>,
    well: Vec<Arc<str>>,
    wrong: Vec<Arc<str>>,
    copies: Vec<Arc<str>>,
    texts: Vec<Arc<str>>,
    tools: Vec<Arc<str>>,
    helpers: Vec<Arc<str>>,
    bundled: Vec<Bundled>,
    dialogs: Vec<Dialogs>,
    stores: Stores,
    client: BTreeMap<Arc<str>, Client>,
}

/// Libraries of stores, and what their functions do.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stores {
    modules: Vec<Arc<str>>,
    /// Functions that answer what they are given.
    pub same: Vec<Arc<str>>,
    /// Functions that run what they are given, and again when what it read has changed.
    pub runs: Vec<Arc<str>>,
    /// Functions that give a page or component fields and actions of a store.
    pub binds: Vec<Arc<str>>,
    /// Fields of a component's definition that do the same.
    pub settings: Vec<Arc<str>>,
}

/// A library whose functions ask the user and answer with a promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogs {
    modules: Vec<Arc<str>>,
    calls: Vec<Arc<str>>,
    /// Options whose texts are shown.
    pub texts: Vec<Arc<str>>,
}

/// A module as bundles hold it, without its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundled {
    module: Arc<str>,
    marks: Vec<Arc<str>>,
}

/// Where the table stands.
const FILE: &str = "privacy/clients.toml";

/// `clients.toml`.
#[derive(Debug, Default)]
pub struct Table {
    bundled: Vec<Bundled>,
    dialogs: Vec<Dialogs>,
    pub(super) stores: Stores,
    clients: Vec<Client>,
    modules: FxHashMap<Arc<str>, usize>,
    helpers: FxHashSet<Arc<str>>,
    below: Vec<Arc<str>>,
    promises: FxHashSet<Arc<str>>,
    promisers: FxHashSet<Arc<str>>,
    status: FxHashSet<Arc<str>>,
    success: FxHashSet<Arc<str>>,
    well: FxHashSet<Arc<str>>,
    wrong: FxHashSet<Arc<str>>,
    copies: FxHashSet<Arc<str>>,
    texts: FxHashSet<Arc<str>>,
    tools: FxHashSet<Arc<str>>,
}

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse(FILE, errors).unwrap_or_default();
        let mut table = Self::default();
        for (index, (_, client)) in file.client.into_iter().enumerate() {
            table.modules.extend(client.modules.iter().map(|module| (module.clone(), index)));
            table.clients.push(client);
        }
        let (below, helpers) = file.helpers.into_iter().partition(|helper| helper.ends_with('/'));
        table.below = below;
        table.bundled = file.bundled;
        for dialogs in &file.dialogs {
            if dialogs.modules.is_empty() || dialogs.calls.is_empty() || dialogs.texts.is_empty() {
                errors.push(PackError::new(FILE, 0..0, "an entry of `dialogs` has an empty list".to_owned()));
            }
        }
        table.dialogs = file.dialogs;
        table.stores = file.stores;
        table.helpers = helpers.into_iter().collect();
        table.promisers = file.promisers.into_iter().collect();
        table.promises = file.promises.into_iter().collect();
        for field in file.well.iter().chain(&file.wrong).filter(|field| !file.status.contains(field)) {
            errors.push(PackError::new(FILE, 0..0, format!("`{field}` does not stand among the fields of `status`")));
        }
        table.well = file.well.into_iter().collect();
        table.wrong = file.wrong.into_iter().collect();
        table.status = file.status.into_iter().collect();
        table.success = file.success.into_iter().collect();
        table.copies = file.copies.into_iter().collect();
        table.texts = file.texts.into_iter().collect();
        table.tools = file.tools.into_iter().collect();
        table
    }

    /// Whether a module is one of those that bundles hold.
    pub(super) fn is_bundled(&self, module: &str) -> bool {
        self.bundled.iter().any(|bundled| *bundled.module == *module)
    }

    /// The module that a bundle holds under a number, by what its code says.
    pub(super) fn bundled(&self, code: &str) -> Option<&Arc<str>> {
        let known = |bundled: &&Bundled| bundled.marks.iter().all(|mark| code.contains(&**mark));
        self.bundled.iter().find(known).map(|bundled| &bundled.module)
    }

    pub(super) fn by_module(&self, request: &str) -> Option<&Client> {
        let found = self.modules.get(request).or_else(|| self.modules.get(package_of(request)))?;
        Some(&self.clients[*found])
    }

    /// What a function of a module asks the user with.
    pub(super) fn dialog(&self, module: &str, function: &str) -> Option<&Dialogs> {
        let of = |known: &&Dialogs| known.modules.iter().any(|known| **known == *module);
        self.dialogs.iter().find(of).filter(|known| known.calls.iter().any(|call| **call == *function))
    }

    /// The module of dialogs that a file of the package is.
    pub(super) fn dialog_file(&self, path: &str) -> Option<&Arc<str>> {
        let stem = path.strip_suffix(".js")?;
        let is = |module: &&Arc<str>| {
            stem.strip_suffix(&***module).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        self.dialogs.iter().flat_map(|known| &known.modules).find(is)
    }

    pub(super) fn stores(&self, request: &str) -> Option<&Stores> {
        self.stores.modules.iter().any(|known| **known == *package_of(request)).then_some(&self.stores)
    }

    pub(super) fn is_promise(&self, request: &str) -> bool {
        self.promises.contains(request) || self.promises.contains(package_of(request))
    }

    pub(super) fn is_promiser(&self, request: &str) -> bool {
        self.promisers.contains(package_of(request))
    }

    pub(super) fn is_success(&self, field: &str, value: &str) -> bool {
        self.status.contains(field) && self.success.contains(value)
    }

    /// Whether a field of an answer is true where the answer is what was asked for, or false; by what it holds then.
    pub(super) fn truth_of_success(&self, field: &str) -> Option<&'static str> {
        if self.well.contains(field) {
            return Some("true");
        }
        self.wrong.contains(field).then_some("0")
    }

    pub(super) fn copies(&self, function: &str) -> bool {
        self.copies.contains(function)
    }

    pub(super) fn is_tool(&self, module: &str) -> bool {
        let package = module.split(['.', '/']).next().unwrap_or(module);
        self.tools.contains(package)
    }

    pub(super) fn makes_text(&self, function: &str) -> bool {
        self.texts.contains(function)
    }

    pub(super) fn is_helper(&self, request: &str) -> bool {
        self.helpers.contains(request)
            || self.is_promiser(request)
            || self.helpers.contains(package_of(request))
            || self.below.iter().any(|below| {
                request.strip_prefix(&**below).is_some() || below.strip_suffix('/').is_some_and(|name| name == request)
            })
    }
}

/// The package that a request is for: `@scope/name/lib/x` → `@scope/name`.
pub fn package_of(request: &str) -> &str {
    let parts = if request.starts_with('@') { 2 } else { 1 };
    let end = request.match_indices('/').nth(parts - 1).map_or(request.len(), |(at, _)| at);
    &request[..end]
}
