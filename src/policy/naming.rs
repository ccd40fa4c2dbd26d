//! Word lists for names, descriptions and titles; read when first asked for.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use regex::Regex;
use serde::Deserialize;

use super::packs::{PackError, Packs};
use super::pattern::Pattern;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Raw {
    generic: RawGeneric,
    superlative: Words,
    malformed: Words,
    affiliated: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    affiliated_allow: Words,
    promotional: RawPromotional,
    payment: Words,
    titles: RawTitles,
    prohibited: RawProhibited,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawProhibited {
    classes: HashSet<String>,
    words: Vec<Arc<str>>,
    allow: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGeneric {
    places: Vec<String>,
    nouns: Vec<String>,
    suffixes: Vec<String>,
    whole: Vec<String>,
}

/// Words, and longer ones in which they do not count.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// The words.
    pub words: Vec<Arc<str>>,
    /// Longer words in which one of them does not count.
    pub allow: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawPromotional {
    contact_words: Vec<Arc<str>>,
    contact_patterns: Vec<toml::Spanned<String>>,
    official: Vec<Arc<str>>,
    marketing: Vec<Arc<str>>,
    allow: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTitles {
    defaults: Vec<String>,
}

/// The lists.
#[derive(Debug, Default)]
pub struct Lists {
    generic: HashSet<String>,
    whole: HashSet<String>,
    /// Superlatives, marketing and certification words for names.
    pub superlative: Words,
    /// Words of form (`APP`).
    pub malformed: Words,
    affiliated: BTreeMap<Arc<str>, Words>,
    contact: Words,
    sources: Vec<String>,
    patterns: OnceLock<Vec<Pattern>>,
    official: Words,
    marketing: Words,
    payment: Words,
    defaults: HashSet<String>,
    classes: HashSet<String>,
    /// Words that are too much for a name, even alone.
    pub prohibited: Words,
}

/// What a description advertises with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// A contact or an address.
    Contact,
    /// A claim of being official or endorsed.
    Official,
    /// Superlatives and marketing.
    Marketing,
}

impl Words {
    /// The first of the words in a text that stands in no longer, allowed word.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let lower = text.to_lowercase();
        if lower.len() != text.len() {
            return self.find_in(text, text);
        }
        self.find_in(text, &lower)
    }

    fn find_in<'t>(&self, text: &'t str, lower: &str) -> Option<&'t str> {
        let mut best: Option<(usize, usize)> = None;
        for word in &self.words {
            let word = word.to_lowercase();
            for (start, _) in lower.match_indices(word.as_str()) {
                let end = start + word.len();
                let allowed = self.allow.iter().any(|allow| {
                    let allow = allow.to_lowercase();
                    lower.match_indices(allow.as_str()).any(|(at, _)| at <= start && end <= at + allow.len())
                });
                // An English word is no part of a longer one.
                let bytes = lower.as_bytes();
                let letter = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_alphabetic);
                let inside = (letter(start) && start > 0 && letter(start - 1)) || (letter(end - 1) && letter(end));
                if !allowed && !inside && best.is_none_or(|(at, to)| start < at || (start == at && end > to)) {
                    best = Some((start, end));
                }
            }
        }
        best.and_then(|(start, end)| text.get(start..end))
    }
}

impl Lists {
    /// Whether a name consists of generic words alone.
    pub fn is_generic(&self, name: &str) -> bool {
        let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        if name.is_empty() || self.whole.contains(&name) {
            return !name.is_empty();
        }
        let bounds: Vec<usize> = name.char_indices().map(|(index, _)| index).chain([name.len()]).collect();
        let mut reached = HashSet::from([0]);
        for (index, start) in bounds.iter().enumerate() {
            if !reached.contains(start) {
                continue;
            }
            for end in bounds.iter().skip(index + 1).take(8) {
                if name.get(*start..*end).is_some_and(|word| self.generic.contains(word)) {
                    reached.insert(*end);
                }
            }
        }
        reached.contains(&name.len())
    }

    /// A brand of the host's platform in a name.
    pub fn affiliated<'t>(&self, host: &str, name: &'t str) -> Option<&'t str> {
        self.affiliated.get(host)?.find(name)
    }

    /// What a description advertises with, once a kind.
    pub fn promotions<'t>(&self, text: &'t str) -> Vec<(Promotion, &'t str)> {
        let mut out = Vec::new();
        let patterns = self.patterns.get_or_init(|| self.sources.iter().map(Pattern::new).collect());
        let pattern = patterns.iter().find_map(|pattern| Some(pattern.over(text)?.captures(text)?.get(1)?.as_str()));
        if let Some(word) = pattern.or_else(|| self.contact.find(text)) {
            out.push((Promotion::Contact, word));
        }
        if let Some(word) = self.official.find(text) {
            out.push((Promotion::Official, word));
        }
        if let Some(word) = self.marketing.find(text) {
            out.push((Promotion::Marketing, word));
        }
        out
    }

    /// Whether a description says that payments are taken.
    pub fn tells_payment(&self, text: &str) -> bool {
        self.payment.words.iter().any(|word| text.contains(&**word))
    }

    /// Whether no name may hold content of that class.
    pub fn is_prohibited_class(&self, class: &str) -> bool {
        self.classes.contains(class)
    }

    /// Whether a home title is a tool's or habit's default.
    pub fn is_default_title(&self, title: &str) -> bool {
        let title = title.trim().to_lowercase();
        let words: Vec<&str> = title.split_whitespace().collect();
        self.defaults.contains(&title) || words.len() > 1 && words.iter().all(|word| self.defaults.contains(*word))
    }
}

const PATH: &str = "metadata/names.toml";

fn read(packs: &Packs, check: bool, errors: &mut Vec<PackError>) -> Lists {
    let raw: Raw = packs.parse(PATH, errors).unwrap_or_default();
    // Compiled when asked for; here only to tell mistakes.
    for pattern in raw.promotional.contact_patterns.iter().filter(|_| check) {
        if let Err(error) = Regex::new(pattern.get_ref()) {
            errors.push(PackError::new(PATH, pattern.span(), error.to_string()));
        }
    }
    let sources = raw.promotional.contact_patterns.into_iter().map(toml::Spanned::into_inner).collect();
    let generic = raw.generic;
    let allow = raw.promotional.allow;
    let brands = raw.affiliated_allow.words;
    Lists {
        generic: generic.places.into_iter().chain(generic.nouns).chain(generic.suffixes).collect(),
        whole: generic.whole.into_iter().collect(),
        superlative: raw.superlative,
        malformed: raw.malformed,
        affiliated: raw
            .affiliated
            .into_iter()
            .map(|(host, words)| (host, Words { words, allow: brands.clone() }))
            .collect(),
        contact: Words { words: raw.promotional.contact_words, allow: allow.clone() },
        sources,
        patterns: OnceLock::new(),
        official: Words { words: raw.promotional.official, allow: allow.clone() },
        marketing: Words { words: raw.promotional.marketing, allow },
        payment: raw.payment,
        defaults: raw.titles.defaults.into_iter().collect(),
        classes: raw.prohibited.classes,
        prohibited: Words { words: raw.prohibited.words, allow: raw.prohibited.allow },
    }
}

/// The lists, read when first asked for.
#[derive(Debug, Default)]
pub struct Naming {
    lists: OnceLock<Lists>,
}

impl Naming {
    /// Reads the lists at once only when an overlay changes them.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let naming = Self::default();
        if packs.is_overlay(PATH) {
            let _ = naming.lists.set(read(packs, true, errors));
        }
        naming
    }

    /// The lists.
    pub fn lists(&self, packs: &Packs) -> &Lists {
        self.lists.get_or_init(|| read(packs, false, &mut Vec::new()))
    }

    /// Reads the lists and tells every mistake.
    pub fn validate(packs: &Packs) -> Vec<PackError> {
        let mut errors = Vec::new();
        read(packs, true, &mut errors);
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_have_no_mistakes() {
        let errors = Naming::validate(&Packs::embedded());
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn names_are_judged() {
        let packs = Packs::embedded();
        let naming = Naming::default();
        let lists = naming.lists(&packs);
        for name in ["天气预报", "北京租房网", "计算器", "上海美食大全", "快递查询"] {
            assert!(lists.is_generic(name), "{name}");
        }
        for name in ["小鹿计算器", "拾光记账", "山丘书店", "蓝鲸天气"] {
            assert!(!lists.is_generic(name), "{name}");
        }
        assert_eq!(lists.superlative.find("全网最便宜外卖"), Some("全网最"));
        assert_eq!(lists.superlative.find("第一财经"), None);
        assert_eq!(lists.superlative.find("小南官网"), Some("官网"));
        assert_eq!(lists.malformed.find("拾光App"), Some("App"));
        assert_eq!(lists.malformed.find("Happy天气"), None);
        assert_eq!(lists.affiliated("swan", "百度天气"), Some("百度"));
        assert_eq!(lists.affiliated("swan", "动物百科"), None);
        assert_eq!(lists.promotions("联系我们 13800138000")[0].0, Promotion::Contact);
        assert!(lists.promotions("查询城市天气，支持七天预报").is_empty());
    }
}
