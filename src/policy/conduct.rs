//! Words and patterns of the conduct rules: what lures, what hides, what a service must have.
//!
//! A pattern is a row of word groups with the most characters that may stand between two of them:
//! `"share ..8 give ..8 reward"`. One automaton over all words serves every topic; it is built at first use.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;
use regex::Regex;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use super::content;
use super::packs::{PackError, Packs};
use super::quantities::{Quantity, quantities};
use crate::source::Span;
use crate::text::{Matcher, Words, is_invisible, lower, plain, simple};

/// Characters between two groups when a pattern does not say.
const DEFAULT_GAP: usize = 6;
/// Characters between a soft negation and what it denies.
const SOFT_GAP: usize = 4;
/// Longer texts are matched by their start only.
const MAX_TEXT: usize = 1 << 18;

/// Words and patterns of the conduct rules.
#[derive(Debug, Default)]
pub struct Conduct {
    groups: Vec<Group>,
    names: FxHashMap<String, u16>,
    topics: BTreeMap<String, Topic>,
    shapes: Vec<Shape>,
    complete: Vec<Completeness>,
    automaton: OnceLock<Automaton>,
    /// The content matcher, asked for its contexts.
    contexts: OnceLock<Matcher>,
}

/// Words in lower case.
#[derive(Debug, Default)]
struct Group {
    words: Vec<Arc<str>>,
    /// The same as a set, for those groups that names are looked up in.
    set: OnceLock<FxHashSet<Arc<str>>>,
}

#[derive(Debug)]
struct Automaton {
    matcher: Words,
    groups: Vec<Vec<u16>>,
}

#[derive(Debug, Default)]
struct Topic {
    quench: Vec<u16>,
    /// Contexts of the content matcher that hold it back.
    contexts: Vec<String>,
    veto: Vec<u16>,
    deny: Patterns,
    fires: Patterns,
    near: Patterns,
    /// What else a reward beside a trigger is for.
    otherwise: Vec<u16>,
    /// Words that tie what is promised to the trigger, in its sentence; where there are none, standing beside it does.
    linked: Vec<u16>,
    /// Words that only suggest the act: what their sentence names ties nothing to it.
    untied: Vec<u16>,
    /// Words with which a trigger's own label asks for the act.
    calls: Vec<u16>,
    /// Promises beside a trigger that name no act of their own.
    alone: Patterns,
}

impl Topic {
    /// Whether a word ties what is promised to the trigger: it names the act, and its sentence does more than suggest it.
    fn ties(&self, scan: &Scan<'_>, hit: &Hit) -> bool {
        self.linked.contains(&hit.group) && {
            let sentence = scan.sentence(Span::new(hit.start, hit.end));
            !scan
                .hits
                .iter()
                .any(|other| self.untied.contains(&other.group) && sentence.contains(Span::new(other.start, other.end)))
        }
    }
}

/// Patterns, and the groups that one of them begins with.
#[derive(Debug, Default)]
struct Patterns {
    list: Vec<Vec<Item>>,
    first: FxHashSet<u16>,
}

/// One place of a pattern: any of these groups, at most `gap` characters after the one before.
#[derive(Debug)]
struct Item {
    groups: Vec<u16>,
    gap: usize,
}

#[derive(Debug)]
struct Shape {
    topic: String,
    literals: Vec<Finder<'static>>,
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

/// What services of some categories must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completeness {
    /// First-level categories.
    pub categories: Vec<String>,
    /// The clause.
    pub clause: String,
    /// Functions.
    pub needs: Vec<Need>,
}

/// A function that a service must have, and what shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Key of its name in `rules/words.toml`.
    pub word: String,
    /// Words in paths, titles and texts.
    pub words: Vec<String>,
    /// Roles of APIs and components.
    pub roles: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    groups: BTreeMap<String, Vec<Arc<str>>>,
    topics: BTreeMap<String, TopicFile>,
    shapes: Vec<ShapeFile>,
    complete: Vec<Completeness>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TopicFile {
    quench: Vec<String>,
    /// Contexts of the content matcher that hold it back.
    contexts: Vec<String>,
    veto: Vec<String>,
    deny: Vec<toml::Spanned<String>>,
    fires: Vec<toml::Spanned<String>>,
    near: Vec<toml::Spanned<String>>,
    /// Groups of words that say what else a reward beside a trigger is for: `near` does not count in their sentence.
    otherwise: Vec<String>,
    /// Groups of words that tie a promise to the trigger: `near` counts where its sentence or the trigger's box holds one.
    linked: Vec<String>,
    /// Groups of words that only suggest the act: `linked` does not count in their sentence.
    untied: Vec<String>,
    /// Groups of words with which the label of a trigger asks for the act.
    calls: Vec<String>,
    /// Of `near`, what hangs on the trigger beside it without such words.
    alone: Vec<toml::Spanned<String>>,
    words: BTreeMap<String, Vec<Arc<str>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeFile {
    topic: String,
    literals: Vec<String>,
    pattern: String,
}

/// A word found in a text.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    group: u16,
    start: u32,
    end: u32,
}

/// A text and the words found in it.
#[derive(Debug)]
pub struct Scan<'t> {
    text: &'t str,
    hits: Cow<'t, [Hit]>,
}

/// Whether asterisks after a text hide the rest of its last word: a letter, a digit or an ideograph stands right before them, and
/// before the same number of them further up: else they end what those set in bold.
fn hides(before: &str) -> bool {
    let attached = |text: &str| text.chars().next_back().is_some_and(char::is_alphanumeric);
    let mut rest = before.trim_end_matches('*');
    let hides = attached(rest);
    while let Some((head, _)) = rest.rsplit_once('*') {
        rest = head.trim_end_matches('*');
        if !attached(rest) {
            return false;
        }
    }
    hides
}

impl Conduct {
    /// Reads `conduct/*.toml`.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let mut this = Self::default();
        if let Some(matcher) = content::overlaid(packs) {
            let _ = this.contexts.set(matcher);
        }
        let mut files = Vec::new();
        for (path, _) in packs.list("conduct/") {
            if !path.ends_with(".toml") {
                continue;
            }
            if let Some(file) = packs.parse::<File>(path, errors) {
                files.push((path, file));
            }
        }
        for (_, file) in &mut files {
            for (name, words) in std::mem::take(&mut file.groups) {
                this.group(name, words);
            }
            for (topic, entry) in &mut file.topics {
                for (name, words) in std::mem::take(&mut entry.words) {
                    this.group(format!("{topic}/{name}"), words);
                }
            }
        }
        for (path, file) in files {
            for (name, entry) in file.topics {
                let topic = this.topic(path, &name, entry, errors);
                this.topics.insert(name, topic);
            }
            for shape in file.shapes {
                this.shapes.push(Shape {
                    topic: shape.topic,
                    literals: shape.literals.iter().map(|word| Finder::new(word).into_owned()).collect(),
                    pattern: shape.pattern,
                    regex: OnceLock::new(),
                });
            }
            this.complete.extend(file.complete);
        }
        this
    }

    fn group(&mut self, name: String, mut words: Vec<Arc<str>>) {
        for word in &mut words {
            if let Cow::Owned(lower) = lower(word) {
                *word = lower.into();
            }
        }
        let id = self.groups.len() as u16;
        self.groups.push(Group { words, set: OnceLock::new() });
        self.names.insert(name, id);
    }

    fn id(&self, topic: &str, name: &str) -> Option<u16> {
        self.names.get(&format!("{topic}/{name}")).or_else(|| self.names.get(name)).copied()
    }

    fn topic(&self, path: &str, name: &str, entry: TopicFile, errors: &mut Vec<PackError>) -> Topic {
        let mut list = |names: Vec<String>| -> Vec<u16> {
            names
                .into_iter()
                .filter_map(|group| {
                    let id = self.id(name, &group);
                    if id.is_none() {
                        errors.push(PackError::new(
                            path,
                            0..0,
                            format!("{name}: no group of words is called `{group}`"),
                        ));
                    }
                    id
                })
                .collect()
        };
        let mut topic = Topic {
            quench: list(entry.quench),
            contexts: entry.contexts,
            veto: list(entry.veto),
            otherwise: list(entry.otherwise),
            linked: list(entry.linked),
            untied: list(entry.untied),
            calls: list(entry.calls),
            ..Topic::default()
        };
        for (from, into) in [
            (entry.deny, &mut topic.deny),
            (entry.fires, &mut topic.fires),
            (entry.near, &mut topic.near),
            (entry.alone, &mut topic.alone),
        ] {
            for pattern in from {
                match self.pattern(name, pattern.get_ref()) {
                    Ok(items) => {
                        into.first.extend(items.first().into_iter().flat_map(|item| &item.groups));
                        into.list.push(items);
                    }
                    Err(message) => errors.push(PackError::new(path, pattern.span(), message)),
                }
            }
        }
        topic
    }

    fn pattern(&self, topic: &str, text: &str) -> Result<Vec<Item>, String> {
        let mut items: Vec<Item> = Vec::new();
        let mut gap = DEFAULT_GAP;
        for token in text.split_whitespace() {
            if let Some(number) = token.strip_prefix("..") {
                gap = number.parse().map_err(|_| format!("`{token}`: a number of characters must follow `..`"))?;
                continue;
            }
            let mut groups = Vec::new();
            for name in token.split('|') {
                groups.push(self.id(topic, name).ok_or_else(|| format!("no group of words is called `{name}`"))?);
            }
            items.push(Item { groups, gap });
            gap = DEFAULT_GAP;
        }
        if items.is_empty() { Err("an empty pattern".to_owned()) } else { Ok(items) }
    }

    fn automaton(&self) -> &Automaton {
        self.automaton.get_or_init(|| {
            let mut ids: FxHashMap<&str, usize> = FxHashMap::default();
            let mut words: Vec<&str> = Vec::new();
            let mut groups: Vec<Vec<u16>> = Vec::new();
            for (group, list) in self.groups.iter().enumerate() {
                for word in &list.words {
                    let id = *ids.entry(word).or_insert_with(|| {
                        words.push(word);
                        groups.push(Vec::new());
                        words.len() - 1
                    });
                    groups[id].push(group as u16);
                }
            }
            Automaton { matcher: Words::new(&words), groups }
        })
    }

    /// Finds all words in a text.
    pub fn scan<'t>(&self, text: &'t str) -> Scan<'t> {
        Scan { text: start_of(text), hits: self.hits(text).into() }
    }

    /// Makes ready what is made at first use.
    pub fn warm(&self) {
        self.automaton();
    }

    /// The words of a text, to be kept for [`scanned`](Self::scanned).
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        let text = start_of(text);
        let mut hits = Vec::new();
        let automaton = self.automaton();
        let (folded, origin) = fold(text);
        let bytes = folded.as_bytes();
        automaton.matcher.all(&folded, |found| {
            let (start, end) = (found.range.start, found.range.end);
            let joined = |at: Option<&u8>, edge: u8| {
                edge.is_ascii_alphanumeric() && at.is_some_and(|byte| byte.is_ascii_alphanumeric())
            };
            if joined(start.checked_sub(1).and_then(|at| bytes.get(at)), bytes[start])
                || joined(bytes.get(end), bytes[end - 1]) && !bytes[end - 1].is_ascii_digit()
            {
                return;
            }
            // `app.js` names a file.
            if bytes[end - 1].is_ascii_alphabetic()
                && bytes.get(end) == Some(&b'.')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_lowercase)
            {
                return;
            }
            let starred = bytes[start] == b'*';
            let (Some((start, _)), Some((_, end))) = (origin.get(start), origin.get(end - 1)) else { return };
            // Asterisks hide the rest of a name or a number; around a text they only set it in bold.
            if starred && !text.get(..*start as usize).is_some_and(hides) {
                return;
            }
            for group in &automaton.groups[found.id] {
                hits.push(Hit { group: *group, start: *start, end: *end });
            }
        });
        let group = |name: &str| self.names.get(name).copied();
        if !hits.is_empty() {
            let [sum, percent, account, count] = ["any-sum", "any-percent", "any-account", "any-count"].map(group);
            quantities(&folded, &mut |kind, range| {
                let id = match kind {
                    Quantity::Sum => sum,
                    Quantity::Percent => percent,
                    Quantity::Account => account,
                    Quantity::Count => count,
                };
                if let (Some(group), Some((start, _)), Some((_, end))) =
                    (id, origin.get(range.start), origin.get(range.end - 1))
                {
                    hits.push(Hit { group, start: *start, end: *end });
                }
            });
        }
        hits.sort_by_key(|hit| (hit.start, hit.end));
        for (soft, whole) in [("soft-negation", "no-negation"), ("must-share", "invitation-code")] {
            let (Some(soft), Some(whole)) = (group(soft), group(whole)) else { continue };
            covered(&mut hits, whole, |hit, start, end| hit.group == soft && start <= hit.start && hit.end <= end);
        }
        if let Some(whole) = group("whole-words") {
            covered(&mut hits, whole, |hit, start, end| {
                start <= hit.start && hit.end <= end && hit.end - hit.start < end - start
            });
        }
        hits
    }

    /// A text with its words, found before.
    pub fn scanned<'t>(text: &'t str, hits: &'t [Hit]) -> Scan<'t> {
        Scan { text: start_of(text), hits: hits.into() }
    }

    /// Where a topic's own patterns, or a shape of it, match.
    pub fn fires(&self, topic: &str, scan: &Scan<'_>) -> Option<Span> {
        self.topics
            .get(topic)
            .and_then(|entry| self.first(entry, &entry.fires, scan))
            .or_else(|| self.shape(topic, scan.text))
    }

    /// Where the patterns match that need a trigger nearby.
    pub fn near(&self, topic: &str, scan: &Scan<'_>) -> Option<Span> {
        let entry = self.topics.get(topic)?;
        let span = self.first(entry, &entry.near, scan)?;
        let sentence = scan.sentence(span);
        let otherwise = scan
            .hits
            .iter()
            .any(|hit| entry.otherwise.contains(&hit.group) && sentence.contains(Span::new(hit.start, hit.end)));
        (!otherwise).then_some(span)
    }

    /// Whether what stands beside a trigger hangs on it by its own words: it names the act in its sentence, or no other act at all.
    pub fn hangs(&self, topic: &str, scan: &Scan<'_>, span: Span) -> bool {
        let Some(entry) = self.topics.get(topic) else { return false };
        let sentence = scan.sentence(span);
        let named = |hit: &Hit| entry.ties(scan, hit) && sentence.contains(Span::new(hit.start, hit.end));
        entry.linked.is_empty()
            || scan.hits.iter().any(named)
            || self.first(entry, &entry.alone, scan).is_some_and(|alone| sentence.contains(alone))
    }

    /// Whether a text names the act of the topic's triggers.
    pub fn links(&self, topic: &str, scan: &Scan<'_>) -> bool {
        self.topics.get(topic).is_some_and(|entry| scan.hits.iter().any(|hit| entry.ties(scan, hit)))
    }

    /// Whether the label of a trigger asks for the act, where others only name it.
    pub fn calls(&self, topic: &str, label: &str) -> bool {
        let Some(entry) = self.topics.get(topic).filter(|entry| !entry.calls.is_empty()) else { return false };
        self.hits(label).iter().any(|hit| entry.calls.contains(&hit.group))
    }

    /// Whether the text holds a word of that shared group.
    pub fn holds(&self, group: &str, scan: &Scan<'_>) -> bool {
        self.names.get(group).is_some_and(|id| scan.hits.iter().any(|hit| hit.group == *id))
    }

    fn first(&self, topic: &Topic, patterns: &Patterns, scan: &Scan<'_>) -> Option<Span> {
        if !scan.hits.iter().any(|hit| patterns.first.contains(&hit.group)) {
            return None;
        }
        let soft = self.names.get("soft-negation").copied();
        let clause = self.names.get("clause-negation").copied();
        patterns.list.iter().find_map(|pattern| {
            (0..scan.hits.len()).find_map(|at| {
                let hit = scan.hits[at];
                if !pattern[0].groups.contains(&hit.group) {
                    return None;
                }
                let end = scan.follow(at, &pattern[1..], 0)?;
                let span = Span::new(hit.start, end);
                let sentence = scan.sentence(span);
                let denied = topic.deny.list.iter().any(|deny| {
                    scan.hits.iter().enumerate().any(|(at, hit)| {
                        deny[0].groups.contains(&hit.group)
                            && scan
                                .follow(at, &deny[1..], 0)
                                .is_some_and(|end| sentence.contains(Span::new(hit.start, end)))
                    })
                });
                if denied {
                    return None;
                }
                let against = scan.hits.iter().any(|other| {
                    let place = Span::new(other.start, other.end);
                    if !sentence.contains(place) {
                        return false;
                    }
                    topic.quench.contains(&other.group)
                        || topic.veto.contains(&other.group)
                        || (!topic.quench.is_empty()
                            && clause == Some(other.group)
                            && scan
                                .text
                                .get(place.start as usize..span.start as usize)
                                .is_none_or(|between| !between.contains(['，', ','])))
                        || (!topic.quench.is_empty()
                            && soft == Some(other.group)
                            && other.start <= span.start
                            && scan.between(other.end.min(span.start), span.start).is_some_and(|gap| gap <= SOFT_GAP))
                });
                (!against && !self.held_back(topic, scan.text, span)).then_some(span)
            })
        })
    }

    /// Whether a context of the content matcher speaks against what stands at a place.
    fn held_back(&self, topic: &Topic, text: &str, span: Span) -> bool {
        !topic.contexts.is_empty()
            && self.contexts.get_or_init(content::embedded).holds_back(
                text,
                &(span.start as usize..span.end as usize),
                &topic.contexts,
            )
    }

    fn shape(&self, topic: &str, text: &str) -> Option<Span> {
        self.shapes.iter().filter(|shape| shape.topic == topic).find_map(|shape| {
            let lower;
            let probe = if shape.pattern.starts_with("(?i)") {
                lower = text.to_ascii_lowercase();
                &lower
            } else {
                text
            };
            if !shape.literals.iter().any(|literal| literal.find(probe.as_bytes()).is_some()) {
                return None;
            }
            let regex = shape.regex.get_or_init(|| Regex::new(&shape.pattern).ok()).as_ref()?;
            regex.find(text).map(|found| Span::new(found.start() as u32, found.end() as u32))
        })
    }

    /// What services of categories must have.
    pub fn complete(&self) -> &[Completeness] {
        &self.complete
    }

    /// Whether a text begins with a word of a group.
    pub fn begins(&self, group: &str, text: &str) -> bool {
        let group = self.names.get(group).and_then(|id| self.groups.get(usize::from(*id)));
        group.is_some_and(|group| group.words.iter().any(|word| text.starts_with(&**word)))
    }

    /// Whether a word of the name belongs to the group.
    pub fn names(&self, group: &str, name: &str) -> bool {
        let group = self.names.get(group).and_then(|id| self.groups.get(usize::from(*id)));
        let Some(group) = group else { return false };
        let set = group.set.get_or_init(|| group.words.iter().cloned().collect());
        let words = name_words(name);
        words.iter().any(|word| set.contains(&**word))
            || words.windows(2).any(|pair| set.contains(&*pair.join(" ")))
            || set.contains(&*words.concat())
    }
}

/// Leaves out the hits for which `inside` holds with the place of a word of the group `whole`.
fn covered(hits: &mut Vec<Hit>, whole: u16, inside: impl Fn(&Hit, u32, u32) -> bool) {
    let words: Vec<(u32, u32)> = hits.iter().filter(|hit| hit.group == whole).map(|hit| (hit.start, hit.end)).collect();
    if !words.is_empty() {
        hits.retain(|hit| !words.iter().any(|(start, end)| inside(hit, *start, *end)));
    }
}

/// The part of a text that is matched.
fn start_of(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Scan<'_> {
    /// End of the last item when the items follow the hit.
    fn follow(&self, at: usize, items: &[Item], depth: usize) -> Option<u32> {
        let Some(item) = items.first() else { return Some(self.hits[at].end) };
        if depth > 6 {
            return None;
        }
        let end = self.hits[at].end;
        // A character takes four bytes at most; whitespace is not counted but bounded all the same.
        let reach = end as usize + item.gap * 4 + 64;
        let from = at + 1;
        for (next, hit) in self.hits.iter().enumerate().skip(from) {
            if hit.start as usize > reach {
                return None;
            }
            if hit.start < end || !item.groups.contains(&hit.group) {
                continue;
            }
            if self.between(end, hit.start).is_some_and(|gap| gap <= item.gap)
                && let Some(end) = self.follow(next, &items[1..], depth + 1)
            {
                return Some(end);
            }
        }
        None
    }

    /// Characters between two places, whitespace left out; `None` when a sentence ends there.
    fn between(&self, start: u32, end: u32) -> Option<usize> {
        let mut count = 0;
        for character in self.text.get(start as usize..end as usize)?.chars() {
            match character {
                '。' | '；' | ';' => return None,
                _ if character.is_whitespace() => {}
                _ => count += 1,
            }
        }
        Some(count)
    }

    /// The sentence around a place.
    fn sentence(&self, span: Span) -> Span {
        const ENDS: &[char] = &['。', '；', ';', '！', '!', '？', '?', '\n'];
        let before = &self.text[..span.start as usize];
        let after = &self.text[span.end as usize..];
        let start = before.rfind(ENDS).map_or(0, |at| at);
        let end = after.find(ENDS).map_or(self.text.len(), |at| span.end as usize + at);
        Span::new(start as u32, end as u32)
    }
}

/// The text with forms of full width narrowed and in simplified characters, without blanks beside Chinese characters, without
/// characters of no width and without signs that part two of them; for each byte, where the character that it comes from starts and ends.
fn fold(text: &str) -> (String, Vec<(u32, u32)>) {
    let mut folded = String::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len());
    let mut wide = true;
    let mut after_han = false;
    let spelled = spelled_out(text);
    for (at, character) in text.char_indices() {
        let width = character.len_utf8();
        if is_invisible(character) || spelled.contains(&at) {
            continue;
        }
        let ahead = || text[at + width..].chars().find(|next| !parts(*next));
        if parts(character) && after_han && ahead().is_some_and(is_han) {
            continue;
        }
        if character.is_whitespace() {
            after_han = false;
            let next = text[at + width..].chars().next();
            if wide || next.is_none_or(|next| !next.is_ascii() || next.is_whitespace()) {
                continue;
            }
        }
        wide = !character.is_ascii();
        after_han = is_han(character);
        let narrow = match character {
            '\u{ff01}'..='\u{ff5e}' if !matches!(character, '！' | '？' | '；' | '，' | '：' | '（' | '）' | '＂') => {
                char::from_u32(character as u32 - 0xfee0).unwrap_or(character)
            }
            // Circled, boxed and squared ones.
            '\u{2100}'..='\u{2bff}'
            | '\u{3200}'..='\u{33ff}'
            | '\u{1d400}'..='\u{1d7ff}'
            | '\u{1f100}'..='\u{1f2ff}' => plain(character),
            _ => simple(character),
        };
        folded.push(narrow);
        origin.extend(std::iter::repeat_n((at as u32, (at + width) as u32), narrow.len_utf8()));
    }
    (folded, origin)
}

/// Least ideographs of a row that one sign parts from each other.
const SPELLED: usize = 4;

/// Places of the signs of rows in which the same sign stands between any two ideographs: such a row is one phrase.
fn spelled_out(text: &str) -> FxHashSet<usize> {
    let mut out = FxHashSet::default();
    let characters: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !is_invisible(*c)).collect();
    let mut at = 0;
    while at + 2 < characters.len() {
        let sign = characters[at + 1].1;
        if !is_han(characters[at].1) || sign.is_alphanumeric() || sign == '\n' {
            at += 1;
            continue;
        }
        let mut end = at;
        while characters.get(end + 1).is_some_and(|(_, c)| *c == sign)
            && characters.get(end + 2).is_some_and(|(_, c)| is_han(*c))
        {
            end += 2;
        }
        if (end - at) / 2 + 1 >= SPELLED {
            out.extend((at + 1..end).step_by(2).map(|sign| characters[sign].0));
        }
        at = end.max(at + 1);
    }
    out
}

fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}')
}

/// Whether a sign says nothing between two ideographs: dots, dashes, stars, pictures.
fn parts(character: char) -> bool {
    matches!(
        character,
        '·' | '•' | '‧' | '・' | '-' | '*' | '_' | '~' | '^' | '`' | '❤' | '♥' | '★' | '☆' | '●' | '◆' | '■'
    ) || matches!(character, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}' | '\u{fe0f}' | '\u{200d}')
}

/// The words that a name is made of, in lower case: `isAuditMode`, `is_audit_mode` and `is-audit-mode` are one.
pub fn name_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().take(256).collect();
    for (at, character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let upper = character.is_ascii_uppercase();
        let after_lower = at > 0 && (characters[at - 1].is_ascii_lowercase() || characters[at - 1].is_ascii_digit());
        let before_lower = characters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let after_upper = at > 0 && characters[at - 1].is_ascii_uppercase();
        if upper && !word.is_empty() && (after_lower || after_upper && before_lower) {
            words.push(std::mem::take(&mut word));
        }
        word.extend(character.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conduct() -> Conduct {
        let mut errors = Vec::new();
        let conduct = Conduct::load(&Packs::embedded(), &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        conduct
    }

    #[test]
    fn splits_names() {
        assert_eq!(name_words("isAuditMode"), ["is", "audit", "mode"]);
        assert_eq!(name_words("VIPOpen_now"), ["vip", "open", "now"]);
    }

    #[test]
    fn contexts_are_known() {
        let matcher = content::embedded();
        for (name, topic) in &conduct().topics {
            for context in &topic.contexts {
                assert!(matcher.has_context(context), "{name}: no context is called `{context}`");
            }
        }
    }

    #[test]
    fn fires_and_near_misses() {
        let conduct = conduct();
        let cases: &[(&str, &str, bool)] = include!("conduct_cases.in");
        let mut wrong = Vec::new();
        for (topic, text, expected) in cases {
            let found = conduct.fires(topic, &conduct.scan(text)).is_some();
            if found != *expected {
                wrong.push(format!("{topic}: {text} should {}", if *expected { "fire" } else { "not fire" }));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
