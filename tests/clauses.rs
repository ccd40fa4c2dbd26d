//! The registry of clauses against the rules and the catalogue.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use minivet::policy::Policy;
use minivet::policy::clauses::{Checkable, Clauses};

fn policy() -> Policy {
    match Policy::embedded() {
        Ok(policy) => policy,
        Err((_, errors)) => panic!("{errors:#?}"),
    }
}

#[test]
fn the_registry_has_no_mistakes() {
    let policy = policy();
    let errors = Clauses::validate(&policy.packs);
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn no_clause_is_forgotten() {
    let policy = policy();
    let registry = policy.clauses();
    assert!(registry.clauses.len() > 600, "{}", registry.clauses.len());
    for clause in &registry.clauses {
        let checked = clause.checkable != Checkable::No;
        assert_eq!(checked, !clause.rules.is_empty(), "{}", clause.id);
        // What is checked in part tells why the rest is not.
        assert_eq!(clause.checkable != Checkable::Yes, clause.reason.is_some(), "{}", clause.id);
        assert!(!clause.title.zh.is_empty() && !clause.title.en.is_empty(), "{}", clause.id);
    }
    for id in [
        "agreement-2.1",
        "agreement-3.3-9",
        "agreement-4.1",
        "agreement-4.3",
        "norms-5.1.1",
        "norms-10.3.5",
        "game-2.4.1",
        "game-5.1",
        "whitepaper-2.3.1-1",
        "whitepaper-4.1",
        "categories",
        "necessary-pi",
        "pipl-13",
        "pipl-51",
        "gbt35273-5.4",
        "gbt35273-6.3",
    ] {
        assert!(registry.get(id).is_some(), "{id}");
    }
}

#[test]
fn the_clauses_of_every_rule_exist() {
    let policy = policy();
    let registry = policy.clauses();
    let mut unknown = Vec::new();
    for id in policy.catalogue.ids() {
        for clause in policy.entry(id).into_iter().flat_map(|entry| &entry.clauses) {
            if registry.get(clause).is_none() {
                unknown.push(format!("{id}: {clause}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn what_a_rule_cites_names_the_rule() {
    let policy = policy();
    let registry = policy.clauses();
    let mut missing = Vec::new();
    for id in policy.catalogue.ids() {
        for clause in policy.entry(id).into_iter().flat_map(|entry| &entry.clauses) {
            if registry.get(clause).is_some_and(|clause| !clause.rules.contains(id)) {
                missing.push(format!("{clause}: {id}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Every clause of the platform's documents that a package shows, at least in part, has a rule with an entry and fixtures of both
/// kinds.
#[test]
fn every_checkable_clause_rests_on_a_rule_with_fixtures() {
    let policy = policy();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let holds = |rule: &str, kind: &str| {
        let below = std::fs::read_dir(fixtures.join(rule).join(kind));
        below.is_ok_and(|mut below| below.next().is_some())
    };
    let (mut checkable, mut bare) = (0, Vec::new());
    for clause in policy.clauses().clauses.iter().filter(|clause| clause.checkable != Checkable::No) {
        checkable += usize::from(&*clause.document != "law");
        for rule in &clause.rules {
            if policy.entry(rule).is_none() || !holds(rule, "bad") || !holds(rule, "good") {
                bare.push(format!("{}: {rule}", clause.id));
            }
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
    assert!(checkable >= 251, "{checkable}");
}

#[test]
fn every_rule_of_a_clause_exists() {
    let policy = policy();
    let group = |rule: &str| rule.split('/').next().unwrap_or("").to_owned();
    let groups: std::collections::BTreeSet<String> = policy.catalogue.ids().map(|id| group(id)).collect();
    let mut unknown = Vec::new();
    for clause in &policy.clauses().clauses {
        let known = clause.rules.iter().filter(|rule| groups.contains(&group(rule)));
        for rule in known.filter(|rule| !policy.catalogue.has(rule)) {
            unknown.push(format!("{}: {rule}", clause.id));
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_rule_checks_a_clause() {
    let policy = policy();
    let registry = policy.clauses();
    let idle: Vec<&str> = policy
        .catalogue
        .ids()
        .map(|id| &**id)
        .filter(|id| !id.starts_with("suppression/"))
        .filter(|id| {
            let cites = policy.entry(id).is_some_and(|entry| !entry.clauses.is_empty());
            !cites && !registry.clauses.iter().any(|clause| clause.rules.iter().any(|rule| &**rule == *id))
        })
        .collect();
    assert!(idle.is_empty(), "{idle:#?}");
}
