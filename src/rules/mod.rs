//! One file a rule, grouped by folder. A rule reads the solved program and the policy and builds findings.

mod agreements;
mod elements;
mod finding;
mod on_screen;

pub use finding::*;

use std::collections::BTreeMap;

use crate::flow::Solution;
use crate::model::Program;
use crate::package::Package;
use crate::policy::Policy;
use crate::text::Matcher;

/// What a rule may read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The package as it was read.
    pub package: &'a Package,
    /// The rule packs.
    pub policy: &'a Policy,
    /// The linked program.
    pub program: &'a Program,
    /// What the analyses found.
    pub solution: &'a Solution,
    /// What the configuration sets for rules.
    pub options: &'a Options,
    /// The content matcher where the configuration brings terms of its own.
    pub terms: Option<&'a Matcher>,
    /// What was read of the texts so far.
    pub readings: &'a Readings,
}

/// What several rules read of a package's texts, each part made when it is first asked for.
#[derive(Debug, Default)]
pub struct Readings {
    /// Texts as the conduct rules read them.
    pub shown: conduct::Shown,
    /// Names that conditions of elements read.
    pub controls: conduct::Controls,
    /// What templates tell about personal information.
    pub told: privacy::notices::Told,
    /// Strings of scripts that users read.
    pub on_screen: on_screen::OnScreen,
    /// Matches of the content lexicon in texts that are joined only while the program runs.
    pub joined: content::Joined,
    /// Parts of templates that are never drawn.
    pub drawn: drawn::Drawn,
    /// Texts of agreements.
    pub agreements: agreements::Agreements,
}

/// Options of rules as configured: rule id, then option name.
#[derive(Clone, Debug, Default)]
pub struct Options(pub BTreeMap<String, BTreeMap<String, toml::Value>>);

impl<'a> Context<'a> {
    /// The content matcher.
    pub fn matcher(&self) -> &'a Matcher {
        self.terms.unwrap_or_else(|| self.policy.matcher())
    }

    /// An option of a rule: as configured, else the default of its entry.
    pub fn option(&self, rule: &str, name: &str) -> Option<&toml::Value> {
        let own = self.options.0.get(rule).and_then(|options| options.get(name));
        own.or_else(|| Some(&self.policy.entry(rule)?.options.get(name)?.default))
    }

    /// A numeric option; 0 when there is none.
    pub fn option_number(&self, rule: &str, name: &str) -> u64 {
        self.option(rule, name).and_then(toml::Value::as_integer).and_then(|value| value.try_into().ok()).unwrap_or(0)
    }

    /// An option that is a list of texts.
    pub fn option_list(&self, rule: &str, name: &str) -> Vec<String> {
        let items = self.option(rule, name).and_then(toml::Value::as_array);
        items.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
    }
}

/// A check.
pub trait Rule: Sync {
    /// Its id, `group/name`.
    fn id(&self) -> &'static str;
    /// Adds what it finds.
    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>);
    /// Whether it asks what the analyses found. One that does not runs beside them, with an empty solution.
    fn reads_solution(&self) -> bool {
        true
    }
}

pub mod category;
pub mod conduct;
pub mod content;
pub mod coverage;
pub mod drawn;
pub mod host;
pub mod metadata;
pub mod once;
pub mod package;
pub mod privacy;
pub mod security;
pub mod structure;

/// Every rule in code, by group.
pub fn all() -> Vec<&'static dyn Rule> {
    [
        category::RULES,
        conduct::RULES,
        content::RULES,
        host::RULES,
        metadata::RULES,
        package::RULES,
        privacy::RULES,
        security::RULES,
        structure::RULES,
    ]
    .concat()
}
