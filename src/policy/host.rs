//! Hosts as data: namespaces, APIs, scopes, components, template dialect, configuration.
//!
//! Analyses never name an API: they ask for its [roles](Api::roles). See `docs/writing-rules.md` for the list.

pub mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Deserialize;
use toml::Spanned;

use super::configuration::Configuration;
use super::packs::{PackError, Packs};

/// Paths in an answer, with the kinds of personal information that stand there.
pub type Yields = BTreeMap<Arc<str>, Vec<Arc<str>>>;

/// A host.
#[derive(Debug, Default)]
pub struct Host {
    /// Its description and template dialect, from `host.toml`.
    pub info: HostInfo,
    /// APIs by name without the namespace (`getLocation`, `ai.ocrIdCard`, `SocketTask.send`).
    pub apis: FxHashMap<Arc<str>, Api>,
    /// Authorization scopes by name.
    pub scopes: FxHashMap<Arc<str>, Scope>,
    /// Components by tag name.
    pub components: FxHashMap<Arc<str>, Component>,
    /// What configuration files may say.
    pub configuration: Configuration,
}

/// `host.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HostInfo {
    /// Id (`swan`).
    pub id: Arc<str>,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Place among hosts where several would answer: the one that most code is carried over from has the lowest.
    #[serde(default = "last_rank")]
    pub rank: u32,
    /// Whether it is taken where nothing shows a host.
    pub fallback: bool,
    /// Global objects that carry the APIs (`swan`).
    pub namespaces: Vec<Arc<str>>,
    /// Global names under which cross-host frameworks give the same APIs.
    pub alias_globals: Vec<Arc<str>>,
    /// Modules whose default export gives the same APIs.
    pub alias_modules: Vec<Arc<str>>,
    /// Members that such modules and globals have beside the host's APIs.
    #[serde(default)]
    pub alias_members: Vec<Arc<str>>,
    /// APIs of other hosts that such globals turn into APIs of this one.
    #[serde(default)]
    pub alias_mapped: Vec<Arc<str>>,
    /// Extensions of templates without the dot.
    pub template_extensions: Vec<Arc<str>>,
    /// Extensions of style sheets.
    pub style_extensions: Vec<Arc<str>>,
    /// Extensions of view scripts, compound ones included (`filter.js`).
    pub view_script_extensions: Vec<Arc<str>>,
    /// Extensions of the files that its tool uploads, lower case; empty where it uploads everything.
    pub upload_extensions: Vec<Arc<str>>,
    /// Interfaces by which the program's own server has texts and pictures reviewed (`security.msgSecCheck`).
    #[serde(default)]
    pub server_reviews: Vec<Arc<str>>,
    /// Project files that show this host (`project.swan.json`), and the key that holds the package root.
    pub project_files: BTreeMap<Arc<str>, Arc<str>>,
    /// What its compiler leaves of a package.
    pub compiled: crate::package::Compiled,
    /// Where its project file holds what its tool does with scripts.
    #[serde(default)]
    pub project_settings: crate::package::ProjectSettings,
    /// Prefix of control attributes (`s-`, `wx:`).
    pub directive_prefix: Arc<str>,
    /// Directives, without the prefix (`if`, `for-item`).
    pub directives: Vec<Arc<str>>,
    /// Whether control attributes take an expression without braces (`s-if="shown"`).
    #[serde(default)]
    pub bare_expressions: bool,
    /// What stands before an event's name in the attribute that binds it (`bind`, `on`).
    pub event_prefixes: Vec<Arc<str>>,
    /// How the tags of whole families of components start, which the table does not list one by one.
    pub component_families: Vec<Arc<str>>,
    /// Tags whose body is an inline view script (`filter`, `import-sjs`, `wxs`).
    pub raw_tags: Vec<Arc<str>>,
    /// Whether the host has a privacy gate of its own (`__usePrivacyCheck__`).
    pub privacy_gate: bool,
    /// Limits in bytes: `main`, `subpackage`, `total`, `tab-icon`; counts: `tabs-min`, `tabs-max`.
    pub limits: BTreeMap<Arc<str>, u64>,
    /// What it calls itself and its own places in texts: no other platform.
    pub own_names: Vec<String>,
    /// Scenes in which an app opened the program, so that a way back to it lures nobody.
    pub app_scenes: Vec<String>,
    /// Events whose handlers a user's own action calls (`tap`, `submit`, …).
    pub user_events: Vec<Arc<str>>,
    /// Page and app methods whose returned object is what is shared (`onShareAppMessage`).
    pub share_methods: Vec<Arc<str>>,
    /// Lifecycle methods of the app that run at launch or show.
    pub app_load: Vec<Arc<str>>,
    /// Lifecycle methods of pages that run on launch or load.
    pub page_load: Vec<Arc<str>>,
    /// Other page methods that the host calls; `true` when a user's action is behind it (pull down, share).
    pub page_events: BTreeMap<Arc<str>, bool>,
    /// Lifecycle methods of components that run on load.
    pub component_load: Vec<Arc<str>>,
    /// Other lifecycle methods of components.
    pub component_events: Vec<Arc<str>>,
    /// Methods by which a component tells its user of an event.
    pub event_methods: Vec<Arc<str>>,
    /// Method by which a component tells those around it, who listen by `messages`.
    #[serde(default)]
    pub dispatch_method: Option<Arc<str>>,
    /// Keys of a project file that declare the least base-library version, most exact first.
    pub minimum_version: Vec<Arc<str>>,
    /// Keys of a project file, at any depth, that hold the base library the host's own tool ran last: a declared minimum
    /// that is older and stands under a key in `carried-version` came with the project from another host.
    pub tool_version: Vec<Arc<str>>,
    /// Those of `minimum-version` that projects carry from host to host.
    pub carried_version: Vec<Arc<str>>,
    /// Host apps that run the packages of this host, and what they lack.
    pub target_hosts: BTreeMap<Arc<str>, TargetHost>,
}

/// A host app (`baidu-app`) that runs packages of a host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TargetHost {
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// APIs it lacks.
    pub lacks_apis: Vec<Arc<str>>,
    /// Components it lacks.
    pub lacks_components: Vec<Arc<str>>,
    /// What it adds: text shown by `host/host-rule`, by a key that the rule knows.
    pub rules: BTreeMap<Arc<str>, String>,
}

/// An API, or a method of an object that an API returns (`RecorderManager.start`).
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Api {
    /// Name without the namespace.
    pub name: Arc<str>,
    /// What it does, in the words of [`roles`].
    pub roles: Vec<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
    /// Authorization scope that guards it.
    pub scope: Option<Arc<str>>,
    /// Whether the host asks the user by itself before it answers.
    pub prompt: bool,
    /// Type of the object it returns (`RecorderManager`), whose methods are APIs of that name.
    pub returns: Option<Arc<str>>,
    /// Personal information in its answer: path in the result (`userInfo.nickName`, `""` for the whole, `*` for items)
    /// to kinds of the taxonomy. The same for the success callback, the promise, the synchronous return and, for an
    /// event (`role = "event"`), the callback's argument. A call is a collection where the API has the role `source`.
    pub yields: Yields,
    /// Where its parameters stand: a known parameter name to an argument path; the first part is the position
    /// (`"0.url"`, `"1"`).
    pub params: BTreeMap<Arc<str>, Arc<str>>,
    /// Kind of sink (`network`, `storage`, `file`, `log`, `url`, `share`, `program`, `clipboard`, `third-party`), and
    /// which of `params` carry data.
    pub sink: Option<ApiSink>,
    /// Field of a dialog's answer that holds what the user writes into it: where its parameter `editable` is on, or always
    /// where it has no such parameter.
    pub written: Option<Arc<str>>,
    /// Official name of what the user must be told, where a host lists it.
    pub info_type: Option<String>,
    /// Whether it is callable by this host at all: `false` for entries that only tell of removal.
    #[serde(default = "yes")]
    pub available: bool,
    /// Result fields that are ciphertext of personal information, with the kinds inside.
    pub ciphertext: Yields,
    /// For an answer that arrives through an event or a later call: the APIs that start it. Where the package calls one of
    /// them, the collection stands at that call (which has the role `source`), and this one only carries the value.
    pub started_by: Vec<Arc<str>>,
    /// What its answer holds of what it is given: argument paths to paths in the result (`""` for the whole).
    pub passes: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether it collects only where a field of `yields` is read (system information with a cached location).
    pub on_read: bool,
    /// Whether only mini-games have it.
    pub game: bool,
}

fn yes() -> bool {
    true
}

/// Where an API sends its arguments.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ApiSink {
    /// Kind of sink.
    pub kind: Arc<str>,
    /// Names in `params` whose values leave.
    pub data: Vec<Arc<str>>,
    /// Name in `params` of the switch by which the host encrypts what it keeps.
    #[serde(default)]
    pub encrypts: Option<Arc<str>>,
}

/// When an API went away and what to use.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deprecation {
    /// Date or version.
    pub since: Option<String>,
    /// What replaces it.
    pub replacement: Option<String>,
    /// Whether calls fail or return empty data now.
    pub removed: bool,
}

/// An authorization scope.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scope {
    /// Name (`scope.userLocation`).
    pub name: Arc<str>,
    /// What it opens, in Chinese.
    pub title_zh: String,
    /// What it opens, in English.
    pub title_en: String,
    /// APIs behind it.
    pub apis: Vec<Arc<str>>,
}

/// A component.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Component {
    /// Tag name.
    pub name: Arc<str>,
    /// What it is, in the words of [`roles`] (`input`, `button`, `form`, `camera`, `web-view`, `ad`, `live-player`, …).
    pub roles: Vec<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
    /// Authorization scope that guards it.
    pub scope: Option<Arc<str>>,
    /// Events with personal information in their detail: event name to path to kinds.
    pub yields: BTreeMap<Arc<str>, Yields>,
    /// Events with ciphertext of personal information in their detail, in the same way.
    pub ciphertext: BTreeMap<Arc<str>, Yields>,
    /// For `button`: values of `open-type`.
    pub open_types: BTreeMap<Arc<str>, OpenType>,
    /// Attributes whose texts users see, beyond the common ones.
    pub text_attributes: Vec<Arc<str>>,
    /// Attributes that hold addresses of pictures, pages or files.
    pub url_attributes: Vec<Arc<str>>,
    /// Attributes whose values another program gets.
    pub program_attributes: Vec<Arc<str>>,
    /// Attributes that are boolean.
    pub boolean_attributes: Vec<Arc<str>>,
}

/// A host button.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OpenType {
    /// Event that answers (`getphonenumber`).
    pub event: Option<Arc<str>>,
    /// Personal information in its detail: path to kinds.
    pub yields: Yields,
    /// Ciphertext in its detail: path to kinds.
    pub ciphertext: Yields,
    /// What it does (`share`, `contact`, `authorize`, `privacy-agreement`, `open-settings`, `login`, …).
    pub roles: Vec<Arc<str>>,
    /// Scope it asks for.
    pub scope: Option<Arc<str>>,
    /// Base-library version that brought it.
    pub since: Option<Arc<str>>,
    /// When and why it went.
    pub deprecated: Option<Deprecation>,
}

/// All hosts. Descriptions are read at once; the tables of a host when something asks for it.
#[derive(Debug, Default)]
pub struct Hosts {
    entries: BTreeMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    info: HostInfo,
    host: OnceLock<Host>,
}

impl Hosts {
    /// Reads the description of every host; the tables too where an overlay touches them, so that mistakes in it show.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let mut entries = BTreeMap::new();
        for (path, _) in packs.list("hosts/") {
            let Some(folder) = path.strip_suffix("/host.toml") else { continue };
            let Some(info) = packs.parse::<HostInfo>(path, errors) else { continue };
            if folder != format!("hosts/{}", info.id) {
                errors.push(PackError::new(path, 0..0, format!("the id `{}` is not the folder's name", info.id)));
            }
            entries.insert(info.id.clone(), Entry { info, host: OnceLock::new() });
        }
        let hosts = Self { entries };
        for id in hosts.entries.keys() {
            let prefix = format!("hosts/{id}/");
            if packs.list(&prefix).iter().any(|(path, _)| packs.is_overlay(path)) {
                hosts.read(id, packs, errors);
            }
        }
        hosts
    }

    /// Whether frameworks put the host's APIs under that global name.
    pub fn is_alias_global(&self, name: &str) -> bool {
        self.infos().any(|info| info.alias_globals.iter().any(|alias| &**alias == name))
    }

    /// Whether a module of that name gives the host's APIs.
    pub fn is_alias_module(&self, name: &str) -> bool {
        self.infos().any(|info| info.alias_modules.iter().any(|alias| &**alias == name))
    }

    /// Whether such a module or global has a member of that name, or what it stands in, beside the host's APIs.
    pub fn is_alias_member(&self, path: &str) -> bool {
        let name = path.split('.').next().unwrap_or(path);
        self.infos().any(|info| info.alias_members.iter().any(|member| &**member == name))
    }

    /// Ids of all hosts, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.keys()
    }

    /// Descriptions of all hosts, by id.
    pub fn infos(&self) -> impl Iterator<Item = &HostInfo> {
        self.entries.values().map(|entry| &entry.info)
    }

    /// The description of a host.
    pub fn info(&self, id: &str) -> Option<&HostInfo> {
        self.entries.get(id).map(|entry| &entry.info)
    }

    /// The host whose global object has that name.
    pub fn by_namespace(&self, namespace: &str) -> Option<&HostInfo> {
        self.infos().find(|info| info.namespaces.iter().any(|name| &**name == namespace))
    }

    /// A host with its tables, read at first use.
    pub fn get(&self, id: &str, packs: &Packs) -> Option<&Host> {
        let entry = self.entries.get(id)?;
        Some(entry.host.get_or_init(|| self.read(id, packs, &mut Vec::new())))
    }

    /// Reads and checks the tables of a host.
    pub fn read(&self, id: &str, packs: &Packs, errors: &mut Vec<PackError>) -> Host {
        let info = self.info(id).cloned().unwrap_or_default();
        let mut host = Host { info, ..Host::default() };
        let file = format!("hosts/{id}/scopes.toml");
        if let Some(scopes) = packs.parse::<ScopeFile>(&file, errors) {
            host.scopes =
                scopes.scope.into_iter().map(|(name, scope)| (name.clone(), Scope { name, ..scope })).collect();
        }
        let file = format!("hosts/{id}/apis.toml");
        if let Some(apis) = packs.parse::<ApiFile>(&file, errors) {
            host.apis = apis.entries(&file, self, packs, errors);
        }
        for (name, scope) in &host.scopes {
            for api in &scope.apis {
                if !host.apis.contains_key(api) {
                    let file = format!("hosts/{id}/scopes.toml");
                    errors.push(PackError::new(file, 0..0, format!("`{name}` guards `{api}`, which the host lacks")));
                }
            }
        }
        let file = format!("hosts/{id}/components.toml");
        if let Some(components) = packs.parse::<ComponentFile>(&file, errors) {
            host.components = components.entries(&file, self, packs, errors);
        }
        host.configuration = Configuration::load(id, packs, errors);
        for requirement in &host.configuration.requires {
            if !host.apis.contains_key(&requirement.api) {
                let message = format!("`{}` is no API of this host", requirement.api);
                errors.push(PackError::new(format!("hosts/{id}/config.toml"), 0..0, message));
            }
        }
        host.check(packs, errors);
        host
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ScopeFile {
    scope: BTreeMap<Arc<str>, Scope>,
}

/// What a host takes over from another one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Same {
    /// The other host.
    host: Arc<str>,
    /// Names; `RecorderManager.*` for all methods of a type.
    names: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ApiFile {
    /// Taken over from another host.
    same: Option<Same>,
    /// APIs without a role, by the version that brought them (`""` where it is not known).
    names: BTreeMap<Arc<str>, Vec<Spanned<Arc<str>>>>,
    /// APIs whose first argument is called when something happens, by version.
    events: BTreeMap<Arc<str>, Vec<Spanned<Arc<str>>>>,
    /// Methods without a role, by the type that has them.
    methods: BTreeMap<Arc<str>, Vec<Spanned<Arc<str>>>>,
    /// APIs that only mini-games have.
    game: Vec<Spanned<Arc<str>>>,
    /// The others.
    api: BTreeMap<Spanned<Arc<str>>, Api>,
}

impl ApiFile {
    fn entries(
        self,
        file: &str,
        hosts: &Hosts,
        packs: &Packs,
        errors: &mut Vec<PackError>,
    ) -> FxHashMap<Arc<str>, Api> {
        let mut out: FxHashMap<Arc<str>, Api> = FxHashMap::with_capacity_and_hasher(1024, FxBuildHasher);
        let mut add = |name: Spanned<Arc<str>>, api: Api, errors: &mut Vec<PackError>| {
            let span = name.span();
            let name = name.into_inner();
            if out.insert(name.clone(), Api { name: name.clone(), ..api }).is_some() {
                errors.push(PackError::new(file, span, format!("`{name}` stands here twice")));
            }
        };
        let version = |since: Arc<str>| (!since.is_empty()).then_some(since);
        let plain = || Api { available: true, ..Api::default() };
        for (since, names) in self.names {
            for name in names {
                add(name, Api { since: version(since.clone()), ..plain() }, errors);
            }
        }
        for (since, names) in self.events {
            for name in names {
                let api = Api {
                    since: version(since.clone()),
                    roles: vec!["event".into()],
                    params: BTreeMap::from([("callback".into(), "0".into())]),
                    ..plain()
                };
                add(name, api, errors);
            }
        }
        for (of, names) in self.methods {
            for name in names {
                let full: Arc<str> = format!("{of}.{}", name.get_ref()).into();
                add(Spanned::new(name.span(), full), plain(), errors);
            }
        }
        for name in self.game {
            add(name, Api { game: true, ..plain() }, errors);
        }
        for (name, api) in self.api {
            let span = name.span();
            for role in &api.roles {
                let Some((_, params)) = roles::API.iter().find(|(known, _)| *known == &**role) else {
                    errors.push(PackError::new(file, span.clone(), format!("unknown role `{role}`")));
                    continue;
                };
                let known = |param: &str| {
                    params.contains(&param) || api.roles.iter().any(|role| roles::params(role).contains(&param))
                };
                for param in api.params.keys() {
                    if !known(param) {
                        let message = format!("no role of `{}` has a parameter `{param}`", name.get_ref());
                        errors.push(PackError::new(file, span.clone(), message));
                    }
                }
            }
            for path in api.params.values() {
                if path.split('.').next().is_none_or(|first| first.parse::<u8>().is_err()) {
                    let message = format!("`{path}` is no argument path: it starts with a position");
                    errors.push(PackError::new(file, span.clone(), message));
                }
            }
            if let Some(sink) = &api.sink {
                if !roles::SINKS.contains(&&*sink.kind) {
                    errors.push(PackError::new(file, span.clone(), format!("unknown kind of sink `{}`", sink.kind)));
                }
                for data in &sink.data {
                    if !api.params.contains_key(data) {
                        let message = format!("`{data}` is none of the parameters");
                        errors.push(PackError::new(file, span.clone(), message));
                    }
                }
            }
            add(name, api, errors);
        }
        if let Some(same) = self.same {
            let Some(other) = hosts.get(&same.host, packs) else {
                errors.push(PackError::new(file, 0..0, format!("unknown host `{}`", same.host)));
                return out;
            };
            for name in same.names {
                let mut found = false;
                if let Some(of) = name.strip_suffix('*') {
                    for (method, api) in &other.apis {
                        if method.starts_with(of) {
                            found = true;
                            out.entry(method.clone()).or_insert_with(|| Api { since: None, ..api.clone() });
                        }
                    }
                } else if let Some(api) = other.apis.get(&name) {
                    found = true;
                    let copy = || Api { since: None, deprecated: None, ..api.clone() };
                    out.entry(name.clone()).or_insert_with(copy);
                }
                if !found {
                    errors.push(PackError::new(file, 0..0, format!("`{}` has no `{name}`", same.host)));
                }
            }
        }
        out
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ComponentFile {
    /// Taken over from another host.
    same: Option<Same>,
    /// Components without a role, by version.
    names: BTreeMap<Arc<str>, Vec<Spanned<Arc<str>>>>,
    /// The others.
    component: BTreeMap<Spanned<Arc<str>>, Component>,
}

impl ComponentFile {
    fn entries(
        self,
        file: &str,
        hosts: &Hosts,
        packs: &Packs,
        errors: &mut Vec<PackError>,
    ) -> FxHashMap<Arc<str>, Component> {
        let mut out: FxHashMap<Arc<str>, Component> = FxHashMap::with_capacity_and_hasher(128, FxBuildHasher);
        let mut add = |name: Spanned<Arc<str>>, component: Component, errors: &mut Vec<PackError>| {
            let span = name.span();
            let name = name.into_inner();
            if out.insert(name.clone(), Component { name: name.clone(), ..component }).is_some() {
                errors.push(PackError::new(file, span, format!("`{name}` stands here twice")));
            }
        };
        for (since, names) in self.names {
            for name in names {
                let since = (!since.is_empty()).then(|| since.clone());
                add(name, Component { since, ..Component::default() }, errors);
            }
        }
        for (name, component) in self.component {
            let used = component.roles.iter().chain(component.open_types.values().flat_map(|open| &open.roles));
            for role in used {
                if !roles::COMPONENT.contains(&&**role) {
                    errors.push(PackError::new(file, name.span(), format!("unknown role `{role}`")));
                }
            }
            add(name, component, errors);
        }
        if let Some(same) = self.same {
            let Some(other) = hosts.get(&same.host, packs) else {
                errors.push(PackError::new(file, 0..0, format!("unknown host `{}`", same.host)));
                return out;
            };
            for name in same.names {
                let Some(component) = other.components.get(&name) else {
                    errors.push(PackError::new(file, 0..0, format!("`{}` has no `{name}`", same.host)));
                    continue;
                };
                out.entry(name.clone()).or_insert_with(|| Component { since: None, ..component.clone() });
            }
        }
        out
    }
}

impl Host {
    /// Whether the host's own objects start with this part (`ai` in `ai.ocrIdCard`), so that a longer name is an API.
    pub fn is_group(&self, part: &str) -> bool {
        self.apis.keys().any(|name| name.strip_prefix(part).is_some_and(|rest| rest.starts_with('.')))
    }

    /// APIs that have a role.
    pub fn with_role<'h>(&'h self, role: &'h str) -> impl Iterator<Item = &'h Api> {
        self.apis.values().filter(move |api| api.has_role(role))
    }

    fn check(&self, packs: &Packs, errors: &mut Vec<PackError>) {
        let id = &self.info.id;
        let file = format!("hosts/{id}/apis.toml");
        let place = |name: &str| {
            let text = packs.get(&file).unwrap_or_default();
            let start = [format!("[api.{name}]"), format!("[api.\"{name}\"]")]
                .iter()
                .find_map(|head| text.find(head.as_str()))
                .unwrap_or(0);
            start..start + 1
        };
        let types: BTreeSet<&str> = self.apis.keys().filter_map(|name| Some(name.rsplit_once('.')?.0)).collect();
        let mut names: Vec<&Api> = self.apis.values().collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        for api in names {
            if let Some(scope) = &api.scope
                && !self.scopes.contains_key(scope)
            {
                errors.push(PackError::new(&file, place(&api.name), format!("unknown scope `{scope}`")));
            }
            if let Some(returns) = &api.returns
                && !types.contains(&**returns)
            {
                errors.push(PackError::new(&file, place(&api.name), format!("`{returns}` has no methods")));
            }
        }
        let file = format!("hosts/{id}/components.toml");
        for component in self.components.values() {
            let scopes = component.open_types.values().filter_map(|open| open.scope.as_ref()).chain(&component.scope);
            for scope in scopes {
                if !self.scopes.contains_key(scope) {
                    let message = format!("`{}`: unknown scope `{scope}`", component.name);
                    errors.push(PackError::new(&file, 0..0, message));
                }
            }
        }
    }
}

impl Api {
    /// Whether it does that.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| &**own == role)
    }

    /// Argument path of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(|path| &**path)
    }
}

/// Compares base-library versions part by part (`3.9.1` is older than `3.10`).
pub fn compare_versions(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |version: &str| -> Vec<u32> {
        version.trim_start_matches(['v', 'V']).split('.').map(|part| part.trim().parse().unwrap_or(0)).collect()
    };
    let (a, b) = (parts(a), parts(b));
    for index in 0..a.len().max(b.len()) {
        let order = a.get(index).unwrap_or(&0).cmp(b.get(index).unwrap_or(&0));
        if order.is_ne() {
            return order;
        }
    }
    std::cmp::Ordering::Equal
}

const fn last_rank() -> u32 {
    u32::MAX
}
