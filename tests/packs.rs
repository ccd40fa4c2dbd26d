//! The packs of hosts: they load without a mistake, and say what analyses rely on.

use minivet::policy::host::Hosts;
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
