//! What configuration files may say, as data: `rules/hosts/<host>/config.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::packs::{PackError, Packs};

/// The configuration files of a host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Configuration {
    /// Files by name (`app.json`, `page`, `component`, a project file), with the schema of each.
    pub files: BTreeMap<Arc<str>, Arc<str>>,
    /// Objects by name.
    pub schema: BTreeMap<Arc<str>, Schema>,
    /// Keys that the use of an API or a component asks for.
    pub requires: Vec<Requirement>,
    /// Keys that only other hosts know.
    pub foreign_keys: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

/// The keys of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Schema {
    /// Keys.
    pub keys: BTreeMap<Arc<str>, Field>,
    /// Another schema whose keys count too.
    pub extends: Option<Arc<str>>,
}

/// What stands behind a key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Field {
    /// `string`, `boolean`, `number`, `color`, `route`, `object`, `array`, `map` or `any`.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// For an object: its schema. For an array or a map: schema or type of the items.
    pub of: Option<Arc<str>>,
    /// Values that it may have.
    pub values: Vec<Arc<str>>,
    /// Whether it must be there.
    pub required: bool,
    /// Least number, or number of items.
    pub min: Option<f64>,
    /// Greatest number, or number of items.
    pub max: Option<f64>,
    /// Whether a boolean or number in quotes is read all the same.
    pub lenient: bool,
}

/// Types of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// Anything.
    #[default]
    Any,
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// `#rgb`, `#rrggbb` or `#rrggbbaa`.
    Color,
    /// A path of a page.
    Route,
    /// An object of a schema.
    Object,
    /// An array.
    Array,
    /// An object with free keys.
    Map,
}

impl FieldKind {
    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "any" => Self::Any,
            "string" => Self::String,
            "boolean" => Self::Boolean,
            "number" => Self::Number,
            "color" => Self::Color,
            "route" => Self::Route,
            "array" => Self::Array,
            "map" => Self::Map,
            _ => return None,
        })
    }
}

/// A key that the use of something asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Requirement {
    /// The API that is called.
    pub api: Arc<str>,
    /// The key in `app.json`, parts joined by `/`.
    pub key: Arc<str>,
    /// The string that the array there must hold; none when the key need only be there.
    pub value: Option<Arc<str>>,
}

impl Configuration {
    /// Reads a host's schema; a host without one checks nothing.
    pub fn load(id: &str, packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file = format!("hosts/{id}/config.toml");
        if packs.get(&file).is_none() {
            return Self::default();
        }
        let Some(configuration) = packs.parse::<Self>(&file, errors) else { return Self::default() };
        let known = |name: &str| configuration.schema.contains_key(name) || FieldKind::named(name).is_some();
        let uses = configuration
            .schema
            .values()
            .flat_map(|schema| schema.keys.values().filter_map(|field| field.of.as_ref()).chain(&schema.extends))
            .chain(configuration.files.values());
        for name in uses.filter(|name| !known(name)) {
            errors.push(PackError::new(&file, 0..0, format!("unknown schema `{name}`")));
        }
        configuration
    }

    /// The field of a key in a schema.
    pub fn field(&self, schema: &str, key: &str) -> Option<&Field> {
        let schema = self.schema.get(schema)?;
        schema.keys.get(key).or_else(|| self.field(schema.extends.as_deref()?, key))
    }

    /// All keys of a schema.
    pub fn keys(&self, schema: &str) -> Vec<(&Arc<str>, &Field)> {
        let Some(schema) = self.schema.get(schema) else { return Vec::new() };
        let mut keys: Vec<_> = schema.keys.iter().collect();
        if let Some(parent) = &schema.extends {
            keys.extend(self.keys(parent).into_iter().filter(|(key, _)| !schema.keys.contains_key(*key)));
        }
        keys
    }
}
