//! How each clause of the registry fared in one package.

use std::collections::BTreeSet;

use super::Context;
use crate::policy::clauses::{Checkable, Clause, Condition};

/// How a clause fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A rule found a breach.
    Findings,
    /// All of its rules ran and found nothing.
    Passed,
    /// It is about something that this package does not have.
    NotApplicable,
    /// Its rules were switched off or not asked for.
    NotChecked,
    /// A package cannot show it.
    NotCheckable,
}

impl Status {
    /// The word of the JSON contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Passed => "passed",
            Self::NotApplicable => "not-applicable",
            Self::NotChecked => "not-checked",
            Self::NotCheckable => "not-checkable",
        }
    }
}

/// What has fired: rules and clauses of the findings that count.
#[derive(Debug, Default)]
pub struct Fired<'a> {
    /// Ids of rules with findings that concern all of their clauses.
    pub rules: BTreeSet<&'a str>,
    /// Clauses that findings name themselves.
    pub clauses: BTreeSet<&'a str>,
}

/// How every clause fared, in order of the registry. `ran` tells whether a rule was run.
pub fn coverage<'p>(cx: &Context<'p>, fired: &Fired<'_>, ran: &dyn Fn(&str) -> bool) -> Vec<(&'p Clause, Status)> {
    let registry = cx.policy.clauses();
    let mut hit: BTreeSet<&str> = fired.clauses.clone();
    for rule in &fired.rules {
        hit.extend(cx.policy.entry(rule).into_iter().flat_map(|entry| &entry.clauses).map(|clause| &**clause));
    }
    let facts = Facts::of(cx);
    let found = |clause: &Clause| {
        // A finding that cites clauses of its own stands for those; any other for what the registry says that its rule checks.
        hit.contains(&*clause.id) || clause.rules.iter().any(|rule| fired.rules.contains(&**rule))
    };
    registry
        .clauses
        .iter()
        .map(|clause| {
            let status = if found(clause) {
                Status::Findings
            } else if clause.checkable == Checkable::No {
                Status::NotCheckable
            } else if clause.applies.as_ref().is_some_and(|condition| !facts.meets(cx, condition)) {
                Status::NotApplicable
            } else if clause.rules.iter().all(|rule| ran(rule)) {
                Status::Passed
            } else {
                Status::NotChecked
            };
            (clause, status)
        })
        .collect()
}

/// What a package has, as conditions ask for it.
struct Facts {
    roles: BTreeSet<String>,
    analytics: bool,
}

impl Facts {
    fn of(cx: &Context<'_>) -> Self {
        let mut roles = BTreeSet::new();
        super::category::surface::roles(cx, &mut |role, _, _| {
            if !roles.contains(role) {
                roles.insert(role.to_owned());
            }
        });
        let analytics = cx.solution.flows.iter().any(|flow| flow.third_party.is_some());
        Self { analytics: analytics || roles.contains("analytics"), roles }
    }

    fn meets(&self, cx: &Context<'_>, condition: &Condition) -> bool {
        let role = |name: &str| self.roles.contains(name);
        match condition {
            Condition::Game => {
                cx.package.game || cx.package.submission.categories.iter().any(|name| name.starts_with("游戏"))
            }
            Condition::Payment => role("payment"),
            Condition::Ads => role("ad"),
            Condition::WebView => role("web-view"),
            Condition::Location => role("location"),
            Condition::Analytics => self.analytics,
            Condition::PhoneNumber => role("phone-number"),
            Condition::Target(host) => cx.package.submission.target_hosts.iter().any(|target| **target == **host),
            Condition::Category(firsts) => cx.package.submission.categories.iter().any(|name| {
                let first = name.split(['/', '／', '>']).next().unwrap_or("").trim();
                firsts.iter().any(|known| **known == *first)
            }),
        }
    }
}
