//! Lists of terms that somebody brings along: read from common forms, and audited.

use std::collections::HashMap;

use super::finder::{Finder, Words};
use super::fold::{View, fold, is_ascii};
use super::lexicon::{LexiconError, Term};

/// The class of imported terms that name none.
pub const CUSTOM: &str = "custom";

/// Reads an imported list: plain text (one term a line, a class after a tab, comma or bar; `#` starts a comment), CSV, or
/// JSON (an array of terms, an object of class to terms, objects with `word` and `class`).
pub fn import(text: &str) -> Result<Vec<Term>, LexiconError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.trim_start();
    if head.starts_with('[') || head.starts_with('{') {
        return import_json(text);
    }
    let mut terms = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        let mut fields = line.split(['\t', ',', '，', '|']).map(|field| field.trim().trim_matches('"'));
        let term = fields.next().unwrap_or("");
        let rest: Vec<&str> = fields.filter(|field| !field.is_empty()).collect();
        let number = index as u32 + 1;
        let header = matches!(term, "word" | "term" | "keyword" | "词" | "词语" | "敏感词") && index == 0;
        if term.is_empty() || header {
            continue;
        }
        // Three and more fields, or a second one that is no plain name: a line of terms.
        if rest.len() > 1 && !rest[0].is_ascii() {
            for term in std::iter::once(term).chain(rest) {
                terms.push(Term { text: term.into(), class: CUSTOM.into(), line: number });
            }
        } else {
            terms.push(Term { text: term.into(), class: rest.first().copied().unwrap_or(CUSTOM).into(), line: number });
        }
    }
    Ok(terms)
}

fn import_json(text: &str) -> Result<Vec<Term>, LexiconError> {
    use serde_json::Value;
    fn walk(value: &Value, class: &str, terms: &mut Vec<Term>) {
        match value {
            Value::String(term) => terms.push(Term { text: term.as_str().into(), class: class.into(), line: 0 }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, class, terms)),
            Value::Object(fields) => {
                let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
                if let Some(term) = text(&["word", "term", "text", "keyword"]) {
                    let class = text(&["class", "category", "type", "tag"]).unwrap_or(class);
                    terms.push(Term { text: term.into(), class: class.into(), line: 0 });
                    return;
                }
                for (key, value) in fields {
                    let own = !matches!(key.as_str(), "words" | "terms" | "list" | "data" | "keywords");
                    walk(value, if own && value.is_array() { key } else { class }, terms);
                }
            }
            _ => {}
        }
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let at = text.lines().take(error.line().saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>()
            + error.column().saturating_sub(1);
        LexiconError::new(at..at, error.to_string())
    })?;
    let mut terms = Vec::new();
    walk(&value, CUSTOM, &mut terms);
    Ok(terms)
}

/// Why a term of a list is doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// One character, or fewer than four Latin letters.
    TooShort,
    /// Nothing is left of it after folding.
    Empty,
    /// Stands in the list more than once, after folding.
    Duplicate,
    /// Part of ordinary text: how often it stands in the sample of clean text.
    Common(usize),
    /// An address, no term.
    Address,
}

/// Audits terms against each other and a sample of clean text.
pub fn audit(terms: &[Term], sample: &str) -> Vec<(usize, Doubt)> {
    let mut doubts = Vec::new();
    let mut seen: HashMap<Vec<u16>, usize> = HashMap::new();
    let mut usable = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let units = fold(&term.text);
        let latin = units.iter().all(|unit| is_ascii(*unit));
        if units.is_empty() {
            doubts.push((index, Doubt::Empty));
            continue;
        }
        if term.text.contains("://") || term.text.starts_with("www.") {
            doubts.push((index, Doubt::Address));
        }
        if units.len() < 2 || latin && units.len() < 4 {
            doubts.push((index, Doubt::TooShort));
        }
        if seen.insert(units.clone(), index).is_some() {
            doubts.push((index, Doubt::Duplicate));
            continue;
        }
        usable.push((units, index as u32));
    }
    let index = Words::new(usable).index();
    let view = View::new(sample);
    let mut counts: HashMap<u32, usize> = HashMap::new();
    Finder::new(&index).find(&view.units, |found| {
        let whole = view.bytes(sample, found.units.clone());
        if !found.repeated && fold(sample.get(whole.clone()).unwrap_or("")).len() == found.units.len() {
            let adjacent = whole.len() <= found.units.len() * 4;
            if adjacent && found.units.clone().take(found.units.len() - 1).all(|at| view.gap(sample, at).is_empty()) {
                *counts.entry(found.id).or_default() += 1;
            }
        }
    });
    let mut common: Vec<_> = counts.into_iter().collect();
    common.sort_unstable();
    doubts.extend(common.into_iter().map(|(index, count)| (index as usize, Doubt::Common(count))));
    doubts.sort_by_key(|(index, _)| *index);
    doubts
}
