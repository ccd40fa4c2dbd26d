//! Texts that stand for something that is not there yet: `rules/package/placeholder.toml`.

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use super::packs::{PackError, Packs};
use super::pattern::Pattern;

const FILE: &str = "package/placeholder.toml";

/// Patterns of placeholders, read at first use.
#[derive(Debug, Default)]
pub struct Placeholders {
    list: OnceLock<Vec<Placeholder>>,
}

#[derive(Debug)]
struct Placeholder {
    pattern: Pattern,
    except: Vec<String>,
    unless: Option<Pattern>,
    beside: Option<Pattern>,
    plain: bool,
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
    beside: Option<String>,
    #[serde(default)]
    plain: bool,
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
            // What stands in the program is known to compile.
            let sources = [Some(&raw.pattern), raw.unless.as_ref(), raw.beside.as_ref()];
            for source in sources.into_iter().flatten().filter(|_| packs.is_overlay(FILE)) {
                if let Err(error) = Regex::new(source) {
                    errors.push(PackError::new(FILE, 0..0, error.to_string()));
                }
            }
            list.push(Placeholder {
                pattern: Pattern::new(raw.pattern),
                except: raw.except,
                unless: raw.unless.map(Pattern::new),
                beside: raw.beside.map(Pattern::new),
                plain: raw.plain,
                most: raw.most.unwrap_or(usize::MAX),
            });
        }
        list
    }

    /// Whether a text holds a placeholder that is one wherever it stands in a script.
    pub fn is_plain(&self, packs: &Packs, text: &str) -> bool {
        let list = self.list.get_or_init(|| Self::read(packs, &mut Vec::new()));
        let found = self.find(packs, text, &Vec::new);
        found.is_some() && list.iter().any(|placeholder| placeholder.plain && placeholder.pattern.is_match(text))
    }

    /// The first placeholder in a text. `beside` gives the texts that stand next to it, when they are asked for.
    pub fn find(&self, packs: &Packs, text: &str, beside: &dyn Fn() -> Vec<String>) -> Option<Range<usize>> {
        let list = self.list.get_or_init(|| Self::read(packs, &mut Vec::new()));
        let length = text.chars().count();
        list.iter()
            .filter(|placeholder| length <= placeholder.most)
            .filter_map(|placeholder| {
                let pattern = placeholder.pattern.over(text)?;
                if placeholder.unless.as_ref().is_some_and(|unless| unless.is_match(text)) {
                    return None;
                }
                let acted_on = || {
                    placeholder.beside.as_ref().is_some_and(|pattern| {
                        pattern.is_match(text) || beside().iter().any(|near| pattern.is_match(near.trim()))
                    })
                };
                pattern.find_iter(text).map(|found| found.range()).filter(|_| !acted_on()).find(|found| {
                    !placeholder.except.iter().any(|except| {
                        text.match_indices(except.as_str())
                            .any(|(at, whole)| at < found.end && found.start < at + whole.len())
                    })
                })
            })
            .min_by_key(|found| found.start)
    }
}
