//! Regular expressions of the packs, compiled only when a text holds what every match must hold.

use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex::Regex;

use crate::text::lower;

/// A regular expression.
#[derive(Debug, Default)]
pub struct Pattern {
    source: String,
    /// Words of which every match holds one, in lower case where case does not matter; empty when nothing is known.
    words: Vec<Finder<'static>>,
    any_case: bool,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is compiled when it is needed. One that cannot be compiled matches nothing.
    pub fn new(source: impl Into<String>) -> Self {
        let source = source.into();
        let any_case = source.contains("(?i");
        let mut words = words(&source).unwrap_or_default();
        if any_case {
            words.iter_mut().for_each(|word| *word = word.to_lowercase());
        }
        let words = words.iter().map(|word| Finder::new(word).into_owned()).collect();
        Self { source, words, any_case, regex: OnceLock::new() }
    }

    /// The compiled pattern, if a text may match.
    pub fn over(&self, text: &str) -> Option<&Regex> {
        let holds = |text: &str| self.words.iter().any(|word| word.find(text.as_bytes()).is_some());
        let may = self.words.is_empty() || if self.any_case { holds(&lower(text)) } else { holds(text) };
        if may { self.regex.get_or_init(|| Regex::new(&self.source).ok()).as_ref() } else { None }
    }

    /// Whether a text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.over(text).is_some_and(|regex| regex.is_match(text))
    }
}

/// Words of which every match of an expression holds one; `None` when none is sure.
fn words(source: &str) -> Option<Vec<String>> {
    let mut rest: Vec<char> = source.chars().rev().collect();
    let words = alternatives(&mut rest)?;
    if rest.is_empty() { words } else { None }
}

/// What a part of an expression must hold: `Some(None)` when nothing is sure, `None` when the part cannot be read.
type Must = Option<Option<Vec<String>>>;

/// Reads to the end of a group or of the expression.
fn alternatives(rest: &mut Vec<char>) -> Must {
    let mut all: Option<Vec<String>> = Some(Vec::new());
    loop {
        let one = sequence(rest)?;
        all = match (all, one) {
            (Some(mut all), Some(one)) => {
                all.extend(one);
                Some(all)
            }
            _ => None,
        };
        if rest.last() != Some(&'|') {
            return Some(all);
        }
        rest.pop();
    }
}

/// The better of two sets of words: the one whose shortest word is longer.
fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    let worth = |words: &Option<Vec<String>>| words.as_ref().and_then(|words| words.iter().map(String::len).min());
    if worth(&b) > worth(&a) { b } else { a }
}

fn sequence(rest: &mut Vec<char>) -> Must {
    let mut best: Option<Vec<String>> = None;
    let mut run = String::new();
    loop {
        let next = rest.last().copied();
        let part = match next {
            None | Some('|' | ')') => {
                let run = (!run.is_empty()).then(|| vec![run]);
                return Some(better(best, run));
            }
            Some(c) => {
                rest.pop();
                match c {
                    '(' => group(rest)?,
                    '[' => class(rest)?,
                    '^' | '$' | '.' => None,
                    '\\' => escape(rest)?,
                    '*' | '+' | '?' | '{' => return None,
                    c => Some(vec![c.to_string()]),
                }
            }
        };
        let single = match &part {
            Some(words) => words.len() == 1 && next != Some('('),
            None => false,
        };
        let (part, single) = match quantifier(rest)? {
            None => (part, single),
            // What may be missing is not sure; what repeats ends a run.
            Some(0) => (None, false),
            Some(_) => {
                if single && let Some(words) = &part {
                    run.push_str(&words.concat());
                }
                (part, false)
            }
        };
        if single && let Some(words) = &part {
            run.push_str(&words.concat());
            continue;
        }
        let ended = std::mem::take(&mut run);
        best = better(best, (!ended.is_empty()).then(|| vec![ended]));
        best = better(best, part);
    }
}

/// Reads what stands behind an opening bracket.
fn group(rest: &mut Vec<char>) -> Must {
    let mut opens = true;
    if rest.last() == Some(&'?') {
        rest.pop();
        loop {
            match rest.pop()? {
                ':' => break,
                // Flags for what follows.
                ')' => {
                    opens = false;
                    break;
                }
                'i' | 'u' | 's' | 'm' | '-' => {}
                _ => return None,
            }
        }
    }
    if !opens {
        return Some(None);
    }
    let inside = alternatives(rest)?;
    (rest.pop()? == ')').then_some(inside)
}

/// Reads a class; a few plain characters are as many words.
fn class(rest: &mut Vec<char>) -> Must {
    let mut words = Vec::new();
    let mut plain = true;
    let mut first = true;
    loop {
        let c = rest.pop()?;
        match c {
            ']' if !first => break,
            '[' | '&' | '~' => return None,
            '\\' => {
                rest.pop()?;
                plain = false;
            }
            '^' | '-' => plain = false,
            c => words.push(c.to_string()),
        }
        first = false;
    }
    Some((plain && (1..=4).contains(&words.len())).then_some(words))
}

/// Reads what stands behind a backslash.
fn escape(rest: &mut Vec<char>) -> Must {
    match rest.pop()? {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'b' | 'B' | 'n' | 'r' | 't' | 'A' | 'z' => Some(None),
        c if c.is_ascii_punctuation() => Some(Some(vec![c.to_string()])),
        _ => None,
    }
}

/// Reads how often the part before must stand at least; `Some(None)` when it stands once.
fn quantifier(rest: &mut Vec<char>) -> Option<Option<u32>> {
    let least = match rest.last() {
        Some('*' | '?') => 0,
        Some('+') => 1,
        Some('{') => {
            rest.pop();
            let mut inside = String::new();
            while *rest.last()? != '}' {
                inside.push(rest.pop()?);
            }
            inside.split(',').next()?.trim().parse().ok()?
        }
        _ => return Some(None),
    };
    rest.pop();
    if rest.last() == Some(&'?') {
        rest.pop();
    }
    Some(Some(least))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::packs::Packs;
    use super::*;

    fn held(source: &str) -> Vec<String> {
        let words = Pattern::new(source).words;
        words.iter().map(|word| String::from_utf8_lossy(word.needle()).into_owned()).collect()
    }

    #[test]
    fn words_that_every_match_holds() {
        assert_eq!(held("开发中|研发中"), ["开发中", "研发中"]);
        assert_eq!(held("(?i)^((?:测试)+|Todo|a+b)[0-9]*$"), ["测试", "todo", "a"]);
        assert_eq!(held("(?i:open_?id)x{2}"), ["open"]);
        assert_eq!(held(r"www\.[a-z]+\.cn(?:/|$)"), ["www."]);
        assert_eq!(held("(页面|功能)?建设中"), ["建设中"]);
        assert_eq!(held("^[xX]{3,}$|某某"), ["x", "X", "某某"]);
        for source in ["a|", "[^a]b?", "(?x)a b", r"\p{Han}+", "a**", "(a"] {
            assert!(held(source).is_empty(), "{source}");
        }
    }

    #[test]
    fn a_text_without_them_matches_nothing() {
        let atom = prop::sample::select(vec![
            "a",
            "B",
            "红",
            "[ab]",
            "[^a]",
            ".",
            "\\.",
            "\\d",
            "(?:a|红b)",
            "(b|)",
            "(?i:Ab)",
            "^",
            "$",
            "ab",
        ]);
        let quantifier = prop::sample::select(vec!["", "", "", "?", "*", "+", "{2}", "{0,2}", "+?"]);
        let sequence = prop::collection::vec((atom, quantifier), 1..5)
            .prop_map(|parts| parts.into_iter().map(|(atom, often)| format!("{atom}{often}")).collect::<String>());
        let source = prop::collection::vec(sequence, 1..3).prop_map(|all| all.join("|"));
        let text = prop::collection::vec(prop::sample::select(vec!["a", "b", "A", "B", "红", "1", "."]), 0..8);
        proptest!(ProptestConfig::with_cases(2048), |(source in source, text in text)| {
            let text = text.concat();
            if let Ok(regex) = Regex::new(&source) {
                prop_assert_eq!(Pattern::new(&*source).is_match(&text), regex.is_match(&text), "{} in {}", source, text);
            }
        });
    }

    #[test]
    fn patterns_of_the_packs_compile() {
        fn walk(value: &toml::Value, key: &str, found: &mut Vec<String>) {
            match value {
                toml::Value::String(text) if matches!(key, "pattern" | "unless") => found.push(text.clone()),
                toml::Value::Table(table) => table.iter().for_each(|(key, value)| walk(value, key, found)),
                toml::Value::Array(items) => items.iter().for_each(|item| walk(item, key, found)),
                _ => {}
            }
        }
        let mut sources = Vec::new();
        for (_, text, _) in Packs::embedded().blobs() {
            walk(&toml::from_str(text).unwrap(), "", &mut sources);
        }
        assert!(sources.len() > 50);
        for source in sources {
            assert!(Regex::new(&source).is_ok(), "{source}");
        }
    }
}
