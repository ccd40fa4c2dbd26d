//! Texts that stand for something that is not there yet: `rules/package/placeholder.toml`.

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use super::packs::{PackError, Packs};

const FILE: &str = "package/placeholder.toml";

/// Patterns of placeholders, compiled at first use.
#[derive(Debug, Default)]
pub struct Placeholders {
    list: OnceLock<Vec<Placeholder>>,
}

#[derive(Debug)]
struct Placeholder {
    pattern: Regex,
    except: Vec<String>,
    unless: Option<Regex>,
    most: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    placeholder: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    pattern: String,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    unless: Option<String>,
    #[serde(default)]
    most: Option<usize>,
}

impl Placeholders {
    /// Reads the patterns only where an overlay brings them, so that mistakes in it show.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let placeholders = Self::default();
        if packs.is_overlay(FILE) {
            let list = Self::read(packs, errors);
            return Self { list: OnceLock::from(list) };
        }
        placeholders
    }

    fn read(packs: &Packs, errors: &mut Vec<PackError>) -> Vec<Placeholder> {
        let Some(file) = packs.parse::<File>(FILE, errors) else { return Vec::new() };
        let mut list = Vec::new();
        for raw in file.placeholder {
            let unless = raw.unless.as_deref().map(Regex::new).transpose();
            match Regex::new(&raw.pattern).and_then(|pattern| Ok((pattern, unless?))) {
                Ok((pattern, unless)) => {
                    list.push(Placeholder { pattern, except: raw.except, unless, most: raw.most.unwrap_or(usize::MAX) })
                }
                Err(error) => errors.push(PackError::new(FILE, 0..0, error.to_string())),
            }
        }
        list
    }

    /// The first placeholder in a text.
    pub fn find(&self, packs: &Packs, text: &str) -> Option<Range<usize>> {
        let list = self.list.get_or_init(|| Self::read(packs, &mut Vec::new()));
        let length = text.chars().count();
        list.iter()
            .filter(|placeholder| length <= placeholder.most)
            .filter(|placeholder| placeholder.unless.as_ref().is_none_or(|unless| !unless.is_match(text)))
            .filter_map(|placeholder| {
                placeholder.pattern.find_iter(text).map(|found| found.range()).find(|found| {
                    !placeholder.except.iter().any(|except| {
                        text.match_indices(except.as_str())
                            .any(|(at, whole)| at < found.end && found.start < at + whole.len())
                    })
                })
            })
            .min_by_key(|found| found.start)
    }
}
