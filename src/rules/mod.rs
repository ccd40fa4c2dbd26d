//! One file a rule, grouped by folder. A rule reads the solved program and the policy and builds findings.

mod finding;

pub use finding::*;

use crate::flow::Solution;
use crate::model::Program;
use crate::package::Package;
use crate::policy::Policy;

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
}

/// A check.
pub trait Rule: Sync {
    /// Its id, `group/name`.
    fn id(&self) -> &'static str;
    /// Adds what it finds.
    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>);
}

pub mod category;
pub mod conduct;
pub mod content;
pub mod host;
pub mod metadata;
pub mod package;
pub mod privacy;
pub mod security;

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
    ]
    .concat()
}
