//! Markup that no host knows: `rules/package/markup.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::packs::{PackError, Packs};

const FILE: &str = "package/markup.toml";

/// What is written in place of a host's own markup, read at first use.
#[derive(Debug, Default)]
pub struct Markup {
    tables: OnceLock<Tables>,
}

/// The tables.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Directives, and the names from elsewhere that mean them.
    pub misnamed: BTreeMap<String, Vec<String>>,
    /// Attributes of frameworks.
    pub dialect: Vec<Dialect>,
    /// Components, and the elements of web pages that mean them.
    pub html: BTreeMap<String, Vec<String>>,
}

/// The attributes of a framework.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The framework.
    pub name: String,
    /// What its attributes start with.
    pub prefix: String,
    /// What follows; anything where there is none.
    #[serde(default)]
    pub names: Vec<String>,
    /// The directive that is meant, by what follows.
    #[serde(default)]
    pub means: BTreeMap<String, String>,
}

impl Markup {
    /// Reads the tables only where an overlay brings them, so that mistakes in them show.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        if packs.is_overlay(FILE) {
            return Self { tables: OnceLock::from(packs.parse::<Tables>(FILE, errors).unwrap_or_default()) };
        }
        Self::default()
    }

    /// The tables.
    pub fn tables(&self, packs: &Packs) -> &Tables {
        self.tables.get_or_init(|| packs.parse(FILE, &mut Vec::new()).unwrap_or_default())
    }
}

impl Tables {
    /// The directive that a misnamed one means.
    pub fn meant(&self, name: &str) -> Option<&str> {
        self.misnamed.iter().find(|(_, names)| names.iter().any(|known| known == name)).map(|(own, _)| own.as_str())
    }

    /// The component that an element of web pages means.
    pub fn component(&self, tag: &str) -> Option<&str> {
        self.html.iter().find(|(_, tags)| tags.iter().any(|known| known == tag)).map(|(own, _)| own.as_str())
    }

    /// The framework that an attribute belongs to, and the directive that it means.
    pub fn dialect(&self, attribute: &str) -> Option<(&str, Option<&str>)> {
        self.dialect.iter().find_map(|dialect| {
            let name = attribute.strip_prefix(&dialect.prefix)?;
            let base = name.split([':', '.']).next().unwrap_or(name);
            let known =
                !base.is_empty() && (dialect.names.is_empty() || dialect.names.iter().any(|known| known == base));
            known.then(|| (dialect.name.as_str(), dialect.means.get(base).map(String::as_str)))
        })
    }
}
