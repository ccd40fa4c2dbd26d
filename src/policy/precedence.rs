//! Which rules give way to which: `rules/precedence.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::packs::{PackError, Packs};

/// Rules and words by which one finding gives way to another.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precedence {
    /// Content classes that name the goods of a prohibited industry.
    pub goods: Vec<String>,
    /// What a service of a category of its own may be mistaken for.
    pub services: Vec<String>,
    /// Claims that a name makes by naming the platform.
    pub official: Vec<String>,
    /// Content classes, and the conduct rules that tell the same deed more exactly.
    pub deeds: BTreeMap<String, Vec<String>>,
}

impl Precedence {
    /// Reads the pack.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        packs.parse("precedence.toml", errors).unwrap_or_default()
    }
}
