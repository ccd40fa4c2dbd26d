//! Who else gets data: SDKs, services, hosts.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};
use crate::policy::pattern::Pattern;

/// A third party.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sdk {
    /// Its id in the table.
    #[serde(skip)]
    pub id: Arc<str>,
    /// Chinese name.
    pub zh: Arc<str>,
    /// English name.
    pub en: Arc<str>,
    /// Other names that policies use.
    pub names: Vec<Arc<str>>,
    /// What it is for: `analytics`, `map`, …
    pub kind: Arc<str>,
    modules: Vec<Arc<str>>,
    files: Vec<String>,
    globals: Vec<Arc<str>>,
    start: Vec<Arc<str>>,
    report: Vec<Arc<str>>,
    hosts: Vec<Arc<str>>,
    config: Vec<Arc<str>>,
    /// Whether requiring its file starts it.
    pub auto: bool,
    /// Settings beside its file that make it collect by itself when they are true: kinds by key.
    pub settings: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// Whether it works on the developer's behalf only.
    pub entrusted: bool,
    /// Methods that ask the host for personal information by themselves.
    pub asks: BTreeMap<Arc<str>, Ask>,
}

/// What a method of an SDK asks the host for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ask {
    /// The host's API.
    pub api: Arc<str>,
    /// Fields of the options with any of which it does not ask.
    pub unless: Vec<Arc<str>>,
    /// Where in its answer the information stands: kinds by path, as in the tables of hosts.
    pub yields: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl Sdk {
    /// What a method of it does.
    pub fn method(&self, name: &str) -> SdkUse {
        if self.start.iter().any(|known| **known == *name) {
            SdkUse::Start
        } else if self.report.iter().any(|known| **known == *name) {
            SdkUse::Report
        } else {
            SdkUse::Other
        }
    }

    /// Whether it counts or measures what users do.
    pub fn is_analytics(&self) -> bool {
        matches!(&*self.kind, "analytics" | "monitor" | "ads")
    }
}

/// What a call of an SDK does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SdkUse {
    /// Makes it run.
    Start,
    /// Sends something.
    Report,
    /// Anything else.
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sdk: BTreeMap<Arc<str>, Sdk>,
    services: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

/// `sdks.toml`.
#[derive(Debug, Default)]
pub struct Table {
    sdks: Vec<Sdk>,
    services: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    ids: FxHashMap<Arc<str>, usize>,
    modules: FxHashMap<Arc<str>, usize>,
    globals: FxHashMap<Arc<str>, usize>,
    hosts: FxHashMap<Arc<str>, usize>,
    files: OnceLock<Vec<NamedFile>>,
}

/// A pattern of file names.
#[derive(Debug)]
struct NamedFile {
    pattern: Pattern,
    owner: usize,
}

impl NamedFile {
    fn new(pattern: &str, owner: usize) -> Self {
        // Classes of all of Unicode cost tens of milliseconds to compile, and names of files need none.
        Self { pattern: Pattern::new(format!("(?i-u){pattern}")), owner }
    }
}

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse("privacy/sdks.toml", errors).unwrap_or_default();
        let mut table = Self { services: file.services, ..Self::default() };
        for (index, (id, mut sdk)) in file.sdk.into_iter().enumerate() {
            sdk.id = id.clone();
            table.modules.entry(id.clone()).or_insert(index);
            table.ids.insert(id, index);
            for (map, names) in
                [(&mut table.modules, &sdk.modules), (&mut table.globals, &sdk.globals), (&mut table.hosts, &sdk.hosts)]
            {
                for name in names {
                    map.insert(name.clone(), index);
                }
            }
            table.sdks.push(sdk);
        }
        table
    }

    /// What policies call services of a kind.
    pub(super) fn services(&self, kind: &str) -> &[Arc<str>] {
        self.services.get(kind).map_or(&[], Vec::as_slice)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Sdk> {
        self.ids.get(id).map(|index| &self.sdks[*index])
    }

    pub(super) fn by_module(&self, request: &str) -> Option<&Sdk> {
        if let Some(index) = self.modules.get(request) {
            return Some(&self.sdks[*index]);
        }
        // `umtrack-swan/lib/index`, `@sentry/browser/dist`
        let depth = if request.starts_with('@') { 2 } else { 1 };
        let name: String = request.split('/').take(depth).collect::<Vec<_>>().join("/");
        if !request.starts_with(['.', '/'])
            && let Some(index) = self.modules.get(name.as_str())
        {
            return Some(&self.sdks[*index]);
        }
        if request.starts_with(['.', '/']) {
            let path = if request.ends_with(".js") { request.to_owned() } else { format!("{request}.js") };
            return self.by_file(path.trim_start_matches(['.', '/']));
        }
        None
    }

    pub(super) fn by_file(&self, path: &str) -> Option<&Sdk> {
        if !path.ends_with(".js") {
            return None;
        }
        let files = self.files.get_or_init(|| {
            let owned = self.sdks.iter().enumerate();
            owned.flat_map(|(index, sdk)| sdk.files.iter().map(move |file| NamedFile::new(file, index))).collect()
        });
        let lower = path.to_ascii_lowercase();
        let named = files.iter().find(|file| file.pattern.is_match(&lower)).map(|file| &self.sdks[file.owner]);
        // A folder may bear the name that the registry knows the module by.
        named.or_else(|| {
            let (folders, _) = lower.rsplit_once('/')?;
            folders.split('/').find_map(|folder| {
                let sdk = &self.sdks[*self.modules.get(folder)?];
                sdk.modules.iter().any(|module| **module == *folder).then_some(sdk)
            })
        })
    }

    pub(super) fn by_global(&self, chain: &str) -> Option<&Sdk> {
        self.globals.get(chain).map(|index| &self.sdks[*index])
    }

    pub(super) fn by_config(&self, name: &str) -> Option<&Sdk> {
        self.sdks.iter().find(|sdk| sdk.config.iter().any(|known| **known == *name))
    }

    pub(super) fn by_host(&self, host: &str) -> Option<&Sdk> {
        let host = host.to_ascii_lowercase();
        if let Some(index) = self.hosts.get(host.as_str()) {
            return Some(&self.sdks[*index]);
        }
        // `.example.com` covers the domain and all below it; the longest wins.
        let mut from = 0;
        loop {
            if let Some(index) = self.hosts.get(format!(".{}", &host[from..]).as_str()) {
                return Some(&self.sdks[*index]);
            }
            from += host[from..].find('.')? + 1;
        }
    }

    pub(super) fn call(&self, chain: &[&str]) -> Option<(&Sdk, SdkUse)> {
        for split in (1..=chain.len().min(2)).rev() {
            let root = chain[..split].join(".");
            if let Some(sdk) = self.by_global(&root) {
                return Some((sdk, sdk.method(&chain[split..].join("."))));
            }
        }
        None
    }
}

/// Whose hosts are whose.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    declared: Vec<String>,
    main: Option<String>,
}

impl Parties {
    /// From the declared hosts, else from the hosts of the package's own requests with how often each is used.
    pub fn new<'h>(declared: &[String], requests: impl IntoIterator<Item = &'h str>) -> Self {
        let declared: Vec<String> = declared.iter().map(|host| host.trim().to_ascii_lowercase()).collect();
        if !declared.is_empty() {
            return Self { declared, main: None };
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for host in requests {
            if !is_local(host) {
                *counts.entry(registrable(host).to_owned()).or_default() += 1;
            }
        }
        let best = counts.values().copied().max().unwrap_or(0);
        let mut leaders = counts.into_iter().filter(|(_, count)| *count == best).map(|(host, _)| host);
        let main = leaders.next();
        Self { declared, main: if leaders.next().is_none() { main } else { None } }
    }

    /// Whether a host is the developer's own; `None` when that is not known.
    pub fn is_first(&self, host: &str) -> Option<bool> {
        let host = host.to_ascii_lowercase();
        if is_local(&host) {
            return Some(true);
        }
        if !self.declared.is_empty() {
            return Some(self.declared.iter().any(|pattern| {
                let pattern = host_of(pattern).unwrap_or(pattern);
                match pattern.strip_prefix("*.") {
                    Some(apex) => host == apex || host.ends_with(&format!(".{apex}")),
                    None => host == pattern,
                }
            }));
        }
        self.main.as_ref().filter(|main| registrable(&host) == main.as_str()).map(|_| true)
    }
}

/// The host of an address, without port and credentials; `None` when there is no scheme.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map(|(_, rest)| rest).or_else(|| url.strip_prefix("//"))?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') {
        host.split(']').next().map(|host| host.trim_start_matches('['))?
    } else {
        host.split(':').next()?
    };
    (!host.is_empty()).then_some(host)
}

/// The part of a host that is registered: `a.b.example.com.cn` → `example.com.cn`.
pub fn registrable(host: &str) -> &str {
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b':') {
        return host;
    }
    let dots: Vec<usize> = host.match_indices('.').map(|(at, _)| at).collect();
    let parts = dots.len() + 1;
    if parts <= 2 {
        return host;
    }
    let last = &host[dots[parts - 2] + 1..];
    let second = &host[dots[parts - 3] + 1..dots[parts - 2]];
    let double = last.len() == 2 && matches!(second, "com" | "net" | "org" | "gov" | "edu" | "ac" | "co");
    let keep = if double { 3 } else { 2 };
    if parts <= keep { host } else { &host[dots[parts - keep - 1] + 1..] }
}

/// Whether a host is a private, loopback or link-local address, or a name that only a developer's network resolves.
pub fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    if host.eq_ignore_ascii_case("localhost") || host == "::1" || host == "0.0.0.0" {
        return true;
    }
    let lower = host.to_ascii_lowercase();
    if [".local", ".localhost", ".lan", ".internal"].iter().any(|end| lower.ends_with(end)) {
        return true;
    }
    let octets: Vec<u8> = match host.split('.').map(str::parse::<u8>).collect::<Result<_, _>>() {
        Ok(octets) => octets,
        Err(_) => return false,
    };
    matches!(octets.as_slice(), [10, ..] | [127, ..] | [192, 168, ..] | [169, 254, ..])
        || matches!(octets.as_slice(), [172, second, ..] if (16..=31).contains(second))
        || matches!(octets.as_slice(), [100, second, ..] if (64..=127).contains(second))
}
