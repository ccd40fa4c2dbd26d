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
            match Regex::new(&raw.pattern) {
                Ok(pattern) => list.push(Placeholder { pattern, except: raw.except }),
                Err(error) => errors.push(PackError::new(FILE, 0..0, error.to_string())),
            }
        }
        list
    }

    /// The first placeholder in a text.
    pub fn find(&self, packs: &Packs, text: &str) -> Option<Range<usize>> {
        let list = self.list.get_or_init(|| Self::read(packs, &mut Vec::new()));
        list.iter()
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
