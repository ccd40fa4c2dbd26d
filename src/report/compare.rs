//! Two versions of a package: findings that are new, unchanged and gone, and what the new version can do that the old
//! one could not.

use std::collections::BTreeSet;

use super::model::{Capabilities, CapabilityChanges, FindingReport, PackageReport, Report};
use crate::engine::baseline::{Key, pair};
use crate::policy::catalogue::Lang;

/// Marks the findings of `report` against those of `old`, and adds what is gone and what has changed. Packages pair by
/// their folder below the path; one alone on either side pairs with the other.
pub fn compare(report: &mut Report, old: &Report) {
    let alone = report.packages.len() == 1 && old.packages.len() == 1;
    let nothing = Capabilities::default();
    for package in &mut report.packages {
        let before = old.packages.iter().find(|before| alone || before.below == package.below);
        let findings: &[FindingReport] = before.map_or(&[], |before| &before.findings);
        let pairs = {
            let old: Vec<Key<'_>> = findings.iter().map(key).collect();
            let new: Vec<Key<'_>> = package.findings.iter().map(key).collect();
            pair(&old, &new)
        };
        let kept: BTreeSet<usize> = pairs.iter().flatten().copied().collect();
        for (finding, known) in package.findings.iter_mut().zip(&pairs) {
            finding.baseline_state = Some(if known.is_some() { "unchanged" } else { "new" }.to_owned());
        }
        let gone = findings.iter().enumerate().filter(|(index, finding)| !kept.contains(index) && finding.counts);
        package.fixed = Some(
            gone.map(|(_, finding)| FindingReport { baseline_state: Some("absent".to_owned()), ..finding.clone() })
                .collect(),
        );
        let before = before.map_or(&nothing, |before| &before.capabilities);
        package.capability_changes = Some(CapabilityChanges {
            gained: minus(&package.capabilities, before),
            lost: minus(before, &package.capabilities),
        });
    }
}

fn key(finding: &FindingReport) -> Key<'_> {
    (&finding.fingerprint, &finding.content)
}

fn minus(all: &Capabilities, without: &Capabilities) -> Capabilities {
    let less = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    Capabilities {
        apis: less(&all.apis, &without.apis),
        scopes: less(&all.scopes, &without.scopes),
        hosts: less(&all.hosts, &without.hosts),
        personal_information: less(&all.personal_information, &without.personal_information),
        third_parties: less(&all.third_parties, &without.third_parties),
        categories: less(&all.categories, &without.categories),
    }
}

/// The counts of a comparison: new, unchanged, fixed. `None` when the package was not compared.
pub fn counts(package: &PackageReport) -> Option<(usize, usize, usize)> {
    let fixed = package.fixed.as_ref()?.len();
    let state = |wanted: &str| {
        let counted = package.findings.iter().filter(|finding| finding.counts);
        counted.filter(|finding| finding.baseline_state.as_deref() == Some(wanted)).count()
    };
    Some((state("new"), state("unchanged"), fixed))
}

/// What was gained and lost, kind by kind: the kind's name, gained, lost. Kinds without a change are left out.
pub fn changes(changes: &CapabilityChanges, lang: Lang) -> Vec<(&'static str, &BTreeSet<String>, &BTreeSet<String>)> {
    let CapabilityChanges { gained, lost } = changes;
    [
        (lang.pick("接口", "APIs"), &gained.apis, &lost.apis),
        (lang.pick("授权范围", "scopes"), &gained.scopes, &lost.scopes),
        (lang.pick("服务器", "servers"), &gained.hosts, &lost.hosts),
        (lang.pick("个人信息", "personal information"), &gained.personal_information, &lost.personal_information),
        (lang.pick("第三方", "third parties"), &gained.third_parties, &lost.third_parties),
        (lang.pick("类目", "categories"), &gained.categories, &lost.categories),
    ]
    .into_iter()
    .filter(|(_, gained, lost)| !gained.is_empty() || !lost.is_empty())
    .collect()
}

/// A baseline state in words.
pub fn state_word(state: &str, lang: Lang) -> &str {
    match state {
        "new" => lang.pick("新增", "new"),
        "unchanged" => lang.pick("未变", "unchanged"),
        "absent" => lang.pick("已修复", "fixed"),
        other => other,
    }
}
