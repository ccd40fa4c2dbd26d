//! The packs of hosts: they load without a mistake, and say what analyses rely on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use minivet::policy::host::{Host, Hosts, compare_versions};
use minivet::policy::packs::Packs;

fn hosts() -> (Packs, Hosts) {
    let packs = Packs::embedded();
    let mut errors = Vec::new();
    let hosts = Hosts::load(&packs, &mut errors);
    assert_eq!(errors, []);
    (packs, hosts)
}

#[test]
fn tables_of_every_host_load() {
    let (packs, hosts) = hosts();
    for id in ["alipay", "douyin", "kuaishou", "qq", "swan", "weapp"] {
        let mut errors = Vec::new();
        let host = hosts.read(id, &packs, &mut errors);
        assert_eq!(errors, [], "{id}");
        assert!(host.apis.len() > 150, "{id} has {} APIs", host.apis.len());
        assert!(host.components.len() > 30, "{id} has {} components", host.components.len());
    }
}

/// Kinds of personal information that a table names.
fn kinds(host: &Host) -> BTreeSet<Arc<str>> {
    let apis = host.apis.values().flat_map(|api| api.yields.values().chain(api.ciphertext.values()));
    let components = host.components.values().flat_map(|component| {
        let events = component.yields.values().flat_map(|event| event.values());
        let buttons =
            component.open_types.values().flat_map(|open| open.yields.values().chain(open.ciphertext.values()));
        let ciphered = component.ciphertext.values().flat_map(|event| event.values());
        events.chain(buttons).chain(ciphered)
    });
    apis.chain(components).flatten().cloned().collect()
}

#[test]
fn kinds_stand_in_the_taxonomy() {
    let (packs, hosts) = hosts();
    let taxonomy: toml::Table = toml::from_str(packs.get("privacy/taxonomy.toml").unwrap()).unwrap();
    let known = |kind: &str| {
        let table = taxonomy.get("kinds").and_then(|kinds| kinds.as_table()).unwrap_or(&taxonomy);
        table.contains_key(kind)
    };
    for id in hosts.ids() {
        let unknown: Vec<_> = kinds(hosts.get(id, &packs).unwrap()).into_iter().filter(|kind| !known(kind)).collect();
        assert_eq!(unknown, [] as [Arc<str>; 0], "{id}");
    }
}

#[test]
fn tables_are_sorted() {
    let (packs, _) = hosts();
    for (path, text) in packs.list("hosts/") {
        for head in ["[api.", "[scope.", "[component."] {
            let names: Vec<String> = text
                .lines()
                .filter_map(|line| line.strip_prefix(head)?.strip_suffix(']'))
                .map(|name| name.replace('"', ""))
                .collect();
            let mut sorted = names.clone();
            sorted.sort();
            assert_eq!(names, sorted, "{path}: {head}");
        }
    }
}

#[test]
fn calls_that_collect_name_what_they_collect() {
    let (packs, hosts) = hosts();
    for id in hosts.ids() {
        for api in hosts.get(id, &packs).unwrap().apis.values().filter(|api| api.has_role("source") && api.available) {
            assert!(!api.yields.is_empty() || !api.ciphertext.is_empty(), "{id}: {} yields nothing", api.name);
        }
        for api in hosts.get(id, &packs).unwrap().apis.values() {
            let starts = api.started_by.iter().filter_map(|start| hosts.get(id, &packs).unwrap().apis.get(start));
            let sources = starts.filter(|start| start.has_role("source")).count();
            assert!(api.started_by.is_empty() || sources > 0, "{id}: nothing starts {}", api.name);
        }
    }
}

#[test]
fn versions_compare_by_their_parts() {
    assert!(compare_versions("3.9.1", "3.10").is_lt());
    assert!(compare_versions("3.10.0", "3.10").is_eq());
    assert!(compare_versions("10.0", "9.9.9").is_gt());
}
