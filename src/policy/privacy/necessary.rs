//! What the regulation on necessary personal information allows each kind of app.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    zh: String,
    en: String,
    necessary: Vec<Arc<str>>,
    #[serde(default)]
    sure: Vec<Arc<str>>,
    #[serde(default)]
    likely: Vec<Arc<str>>,
}

/// `necessary.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    apps: BTreeMap<Arc<str>, App>,
}

/// What declared categories may ask for.
#[derive(Clone, Debug)]
pub struct Necessary<'a> {
    /// Kinds that one of them may ask for.
    pub kinds: BTreeSet<&'a str>,
    /// Kinds that the regulation lists for any kind of app.
    pub listed: BTreeSet<&'a str>,
    /// Names of the kinds of apps, Chinese and English.
    pub apps: Vec<(&'a str, &'a str)>,
    /// Whether every category is meant by the regulation itself.
    pub sure: bool,
}

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        packs.parse("privacy/necessary.toml", errors).unwrap_or_default()
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &Arc<str>> {
        self.apps.values().flat_map(|app| &app.necessary)
    }

    pub(super) fn of(&self, categories: &[String]) -> Option<Necessary<'_>> {
        let mut out = Necessary {
            kinds: BTreeSet::new(),
            listed: self.apps.values().flat_map(|app| &app.necessary).map(|kind| &**kind).collect(),
            apps: Vec::new(),
            sure: true,
        };
        for category in categories {
            let plain = plain(category);
            let mut covered = false;
            for app in self.apps.values() {
                let sure = app.sure.iter().any(|known| self::plain(known) == plain);
                if sure || app.likely.iter().any(|known| self::plain(known) == plain) {
                    covered = true;
                    out.sure &= sure;
                    out.kinds.extend(app.necessary.iter().map(|kind| &**kind));
                    out.apps.push((&app.zh, &app.en));
                }
            }
            // A category that the regulation does not speak of may need anything.
            if !covered {
                return None;
            }
        }
        (!out.apps.is_empty()).then_some(out)
    }
}

fn plain(category: &str) -> String {
    category
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            '／' | '-' | '>' | '、' => '/',
            c => c,
        })
        .collect()
}
