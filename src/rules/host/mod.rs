//! The `host/` rules.

mod host_rule;
mod unchecked_capability;
mod unsupported_api;
mod wrong_host_api;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Context, Rule};
use crate::model::surface::tested_members;
use crate::policy::host::{Host, HostInfo};
use crate::source::FileId;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &host_rule::HostRule,
    &unchecked_capability::UncheckedCapability,
    &unsupported_api::UnsupportedApi,
    &wrong_host_api::WrongHostApi,
];

/// What the package asks about before it uses it.
pub(super) struct Checked {
    names: BTreeSet<Arc<str>>,
    /// Whether it asks if the object exists at all.
    pub(super) existence: bool,
}

impl Checked {
    /// Names asked by a capability check, and members of `namespaces` that are read without a call.
    pub(super) fn new(cx: &Context<'_>, namespaces: &[Arc<str>]) -> Self {
        let mut checked = Self { names: BTreeSet::new(), existence: false };
        for index in 0..cx.program.facts.len() {
            if let Some(script) = cx.program.script(FileId(index as u32)) {
                checked.existence |= tested_members(script, namespaces, &mut checked.names);
            }
        }
        if let Some(host) = cx.policy.host(&cx.package.host) {
            for call in &cx.solution.calls {
                let Some(path) = host.apis.get(&call.api).filter(|api| api.has_role("capability-check")) else {
                    continue;
                };
                let asked = path.param("name").and_then(|path| call.arg(path));
                let texts = asked.into_iter().flat_map(|value| &value.strings).filter_map(|text| text.complete());
                checked.names.extend(texts.map(Arc::from));
            }
        }
        checked
    }

    /// Whether the package asks about that API, or a part of it.
    pub(super) fn has(&self, api: &str) -> bool {
        self.names.contains(api)
            || self.names.iter().any(|name| name.strip_prefix(api).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// Another host that offers an API of that name.
pub(super) fn offered_by<'c>(cx: &Context<'c>, api: &str) -> Option<&'c HostInfo> {
    other_hosts(cx).find(|host| host.apis.get(api).is_some_and(|api| api.available)).map(|host| &host.info)
}

/// All hosts but the package's own, by rank.
pub(super) fn other_hosts<'c>(cx: &Context<'c>) -> impl Iterator<Item = &'c Host> + use<'c> {
    let own = cx.package.host.clone();
    let policy = cx.policy;
    let mut infos: Vec<&HostInfo> = policy.hosts.infos().filter(|info| info.id != own).collect();
    infos.sort_by_key(|info| (info.rank, &info.id));
    infos.into_iter().map(|info| &info.id).filter_map(move |id| policy.host(id))
}

/// Whether a name is an API of the package's host: its own, or one of an object whose methods are not all known.
pub(super) fn is_known(host: &Host, api: &str) -> bool {
    if host.apis.contains_key(api) {
        return true;
    }
    match api.split_once('.') {
        // Extensions of host apps, and objects of other libraries: only the host's own groups are known in full.
        Some((group, rest)) => {
            !host.is_group(group) || group.starts_with(|c: char| c.is_ascii_uppercase()) || rest.contains('.')
        }
        None => api.starts_with(['_', '$']) || api.is_empty(),
    }
}
