//! How each clause of the registry fared in one package.

use std::collections::BTreeSet;

use super::Context;
use crate::policy::clauses::{Checkable, Clause, Condition, Need};

/// How a clause fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A rule found a breach.
    Findings,
    /// Its rules ran and found nothing; [`Fared::extent`] tells how much that says.
    Passed,
    /// It is about something that this package does not have.
    NotApplicable,
    /// A rule of it was switched off or not asked for, or the submission does not give what they need.
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

/// How much of a clause its rules see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Some breaches; others stay unseen.
    Part,
}

impl Extent {
    /// The word of the JSON contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
        }
    }
}

/// How a clause fared, and how it was checked.
#[derive(Debug)]
pub struct Fared<'p> {
    /// The clause.
    pub clause: &'p Clause,
    /// How.
    pub status: Status,
    /// How much was checked; `None` when nothing was.
    pub extent: Option<Extent>,
    /// Rules that check it and did not run, in order of the registry.
    pub idle: Vec<&'p str>,
}

/// What has fired: rules and clauses of the findings, those that do not count included.
#[derive(Debug, Default)]
pub struct Fired<'a> {
    /// Ids of rules with findings that concern all of their clauses.
    pub rules: BTreeSet<&'a str>,
    /// Clauses that findings name themselves.
    pub clauses: BTreeSet<&'a str>,
}

/// What was run, and what of the package was not seen.
pub struct Ran<'a> {
    /// Whether a rule was run.
    pub rule: &'a dyn Fn(&str) -> bool,
    /// Whether everything was seen: no file left out, no budget spent, no finding dropped for its confidence.
    pub whole: bool,
}

/// How every clause fared, in order of the registry.
pub fn coverage<'p>(cx: &Context<'p>, fired: &Fired<'_>, ran: &Ran<'_>) -> Vec<Fared<'p>> {
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
    let opt_in = |rule: &str| cx.policy.entry(rule).is_some_and(|entry| entry.opt_in);
    registry
        .clauses
        .iter()
        .map(|clause| {
            let idle: Vec<&str> = clause.rules.iter().map(|rule| &**rule).filter(|rule| !(ran.rule)(rule)).collect();
            // A rule that must be asked for is missed only where no other one checks the clause.
            let only_asked = clause.rules.iter().all(|rule| opt_in(rule));
            let missed = idle.iter().any(|rule| only_asked || !opt_in(rule));
            let status = if found(clause) {
                Status::Findings
            } else if clause.checkable == Checkable::No {
                Status::NotCheckable
            } else if clause.applies.as_ref().is_some_and(|condition| !facts.meets(cx, condition)) {
                Status::NotApplicable
            } else if missed || clause.needs.is_some_and(|need| !given(cx, need)) {
                Status::NotChecked
            } else {
                Status::Passed
            };
            let extent = matches!(status, Status::Findings | Status::Passed).then(|| {
                let whole = clause.checkable == Checkable::Yes && idle.is_empty() && ran.whole;
                if whole { Extent::Whole } else { Extent::Part }
            });
            Fared { clause, status, extent, idle }
        })
        .collect()
}

/// Whether the submission gives what is needed.
fn given(cx: &Context<'_>, need: Need) -> bool {
    let submission = &cx.package.submission;
    match need {
        Need::Name => super::metadata::named(cx),
        Need::Description => submission.description.as_deref().is_some_and(|text| !text.trim().is_empty()),
        Need::Categories => !submission.categories.is_empty(),
        Need::Icon => submission.icon.is_some(),
    }
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
