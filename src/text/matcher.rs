//! From a text to matches: words are found in the folded view, in its sound view where terms opt in, judged by how they are
//! written, combined, and held against what stands around them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::finder::{Finder, Found, Words};
use super::fold::{Readings, View, fold, ignorable, is_ascii, is_han, splits};
use super::lexicon::{Evasions, Lexicon, Reach, Strength};
use super::segment;

/// Sound units are syllable ids shifted out of the way of ASCII.
const SOUND: u16 = 0x400;
/// From this score on a match is one.
const THRESHOLD: i32 = 10;
/// At most this many hits of words are weighed in one text.
const MAX_HITS: usize = 4096;

/// Set in a situation: the texts are those of a game, where some topics are forbidden outright.
pub const GAME: u64 = 1 << 63;

/// Units around joined halves that are read again without joining.
const AROUND: usize = 12;

/// At most this many joined pairs of a text are read alone.
const MAX_JOINS: usize = 128;

/// Which pairs of halves are joined.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    /// Every pair, from the left.
    First,
    /// Only the pair at that unit.
    At(usize),
    /// None.
    None,
}

/// Ranges around places, joined where they overlap.
fn merged(places: &[usize], length: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for at in places {
        let around = at.saturating_sub(AROUND)..(at + 2 + AROUND).min(length);
        match out.last_mut() {
            Some(last) if last.end >= around.start => last.end = around.end,
            _ => out.push(around),
        }
    }
    out
}

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certainty {
    /// A hint.
    Low,
    /// Likely.
    Medium,
    /// Shown.
    High,
}

/// What spoke for or against a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The term is strong: it says enough alone.
    Strong,
    /// The term is weak.
    Weak,
    /// It stands together with another word: where, and which.
    Company(Range<usize>, Arc<str>),
    /// So many other weak terms of the class stand near.
    Crowd(usize),
    /// It is written evasively.
    Evasive(Evasions),
    /// A cue of a context stands near: where, and the context's id.
    Context(Range<usize>, Arc<str>),
    /// Terms of several classes are listed, as rules do.
    Enumeration,
    /// The declared category is about the matter: the context's id.
    Category(Arc<str>),
    /// The term comes from a list that nobody has vetted.
    Imported,
}

/// A term in a text, judged.
#[derive(Clone, Debug)]
pub struct Match {
    /// Class id.
    pub class: Arc<str>,
    /// Index of the entry in the lexicon.
    pub entry: u32,
    /// The term as the lexicon writes it.
    pub term: Arc<str>,
    /// Where it stands: bytes of the text, whole characters.
    pub span: Range<usize>,
    /// What was undone to see it.
    pub evasions: Evasions,
    /// What speaks for it.
    pub pros: Vec<Reason>,
    /// What speaks against it.
    pub cons: Vec<Reason>,
    /// The sum.
    pub score: i32,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether it fires; else something holds it back.
    pub fires: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Spelling {
    Plain,
    Initials,
    Pinyin,
}

#[derive(Clone, Copy)]
struct Pattern {
    word: u32,
    spelling: Spelling,
}

struct Word {
    text: Arc<str>,
    units: Vec<u16>,
    groups: Vec<u32>,
    evade: Evasions,
    boundary: bool,
}

/// A word where it stands.
#[derive(Clone)]
struct Hit {
    word: u32,
    units: Range<usize>,
    evasions: Evasions,
    /// Whether it may be an accident across the boundaries of words: looked at only where it decides.
    unsure: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum CueSide {
    Before,
    After,
    Around,
}

struct Cues {
    finder: Finder,
    of: Vec<(u32, CueSide)>,
    deaf: Finder,
    allow: Finder,
}

/// Finds the terms of a lexicon in texts.
pub struct Matcher {
    lexicon: Lexicon,
    words: Vec<Word>,
    patterns: Vec<Pattern>,
    /// Words that may start an entry.
    plain: Finder,
    /// Words that only keep company: looked for where one of the others was found.
    partners: Finder,
    sounds: Finder,
    sound_words: Vec<u32>,
    halves: HashMap<(u16, u16), u16>,
    left_halves: Vec<u64>,
    /// Entries whose first slot is the group.
    entries_of: Vec<Vec<u32>>,
    cues: OnceLock<Cues>,
}

/// Buffers to reuse between texts.
#[derive(Default)]
pub struct Scratch {
    view: View,
    sounds: Vec<u16>,
    /// Unit where each sound starts, and how many units it covers; a joined character has its code.
    sources: Vec<(u32, u8, u16)>,
    hits: Vec<Hit>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matcher({} words, {} patterns)", self.words.len(), self.patterns.len())
    }
}

fn bit(map: &[u64], unit: u16) -> bool {
    map.get(usize::from(unit) / 64).is_some_and(|word| word & (1 << (unit % 64)) != 0)
}

impl Matcher {
    /// Compiles a lexicon.
    pub fn new(lexicon: Lexicon) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut by_units: FxHashMap<Vec<u16>, u32> = FxHashMap::default();
        // Words of the same units that may be written otherwise.
        let mut others: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let used: FxHashSet<u32> = lexicon.entries.iter().flat_map(|entry| entry.slots.iter().copied()).collect();
        for (group, entry) in lexicon.groups.iter().enumerate() {
            if !used.contains(&(group as u32)) {
                continue;
            }
            for text in &entry.words {
                let units = fold(text);
                if units.is_empty() {
                    continue;
                }
                let next = words.len() as u32;
                let first = match by_units.get(&units) {
                    Some(first) => *first,
                    None => {
                        by_units.insert(units.clone(), next);
                        next
                    }
                };
                let known = others.get(&first).into_iter().flatten().copied();
                let same = std::iter::once(first).chain(known).filter(|index| *index < next).find(|index| {
                    let word = &words[*index as usize];
                    word.evade == entry.evade && word.boundary == entry.boundary
                });
                match same {
                    Some(index) => words[index as usize].groups.push(group as u32),
                    None => {
                        if first < next {
                            others.entry(first).or_default().push(next);
                        }
                        words.push(Word {
                            text: text.clone(),
                            units,
                            groups: vec![group as u32],
                            evade: entry.evade,
                            boundary: entry.boundary,
                        });
                    }
                }
            }
        }
        drop(by_units);
        let readings = Readings::get();
        let mut patterns = Vec::new();
        let (mut plain, mut partners, mut sounds) = (Words::default(), Words::default(), Words::default());
        let heads: FxHashSet<u32> = lexicon.entries.iter().filter_map(|entry| entry.slots.first().copied()).collect();
        let mut sound_words = Vec::new();
        let mut split_characters: FxHashSet<u16> = FxHashSet::default();
        let mut spelled: Vec<u16> = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let head = word.groups.iter().any(|group| heads.contains(group));
            let into = if head { &mut plain } else { &mut partners };
            let mut add = |units: &[u16], spelling| {
                into.push(units.iter().copied(), patterns.len() as u32);
                patterns.push(Pattern { word: index as u32, spelling });
            };
            add(&word.units, Spelling::Plain);
            let all_han = word.units.iter().all(|unit| is_han(*unit));
            if all_han && word.evade.contains(Evasions::PINYIN) && word.units.len() > 1 {
                spelled.clear();
                spelled.extend(word.units.iter().flat_map(|unit| letters(readings, *unit)));
                if spelled.len() >= 4 {
                    add(&spelled, Spelling::Pinyin);
                }
            }
            if all_han && word.evade.contains(Evasions::INITIALS) {
                initials(readings, &word.units, &mut spelled, |units| add(units, Spelling::Initials));
            }
            let by_sound =
                Evasions(Evasions::HOMOPHONE.0 | Evasions::PINYIN.0 | Evasions::DIGITS.0 | Evasions::SPLIT.0);
            if word.evade.0 & by_sound.0 != 0
                && word.units.len() > 1
                && word.units.iter().all(|unit| readings.of(*unit) != 0)
            {
                let sequence = word.units.iter().map(|unit| readings.of(*unit) + SOUND);
                sounds.push(sequence, sound_words.len() as u32);
                sound_words.push(index as u32);
                if word.evade.contains(Evasions::SPLIT) {
                    split_characters.extend(&word.units);
                }
            }
        }
        let mut halves = HashMap::new();
        let mut left_halves = Vec::new();
        if !split_characters.is_empty() {
            left_halves = vec![0; 1024];
            for (left, right, whole) in splits() {
                // Halves may be written in either order, and radicals as the characters they come from.
                if !split_characters.contains(&(whole as u16)) {
                    continue;
                }
                for left in [plain_half(left), fold_half(left)] {
                    for right in [plain_half(right), fold_half(right)] {
                        for (first, second) in [(left, right), (right, left)] {
                            halves.entry((first, second)).or_insert(whole as u16);
                            left_halves[usize::from(first) / 64] |= 1 << (first % 64);
                        }
                    }
                }
            }
        }
        let mut entries_of = vec![Vec::new(); lexicon.groups.len()];
        for (index, entry) in lexicon.entries.iter().enumerate() {
            if let Some(first) = entry.slots.first() {
                entries_of[*first as usize].push(index as u32);
            }
        }
        Self {
            plain: Finder::of(plain),
            partners: Finder::of(partners),
            sounds: Finder::of(sounds),
            lexicon,
            words,
            patterns,
            sound_words,
            halves,
            left_halves,
            entries_of,
            cues: OnceLock::new(),
        }
    }

    /// What is looked for.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// How many spellings of how many words are looked for.
    pub fn size(&self) -> (usize, usize) {
        (self.patterns.len() + self.sound_words.len(), self.words.len())
    }

    /// All matches in a text, fired and held back, by place.
    pub fn find(&self, text: &str) -> Vec<Match> {
        self.find_with(text, 0, &mut Scratch::default())
    }

    /// The same with contexts that hold for the whole package and buffers to reuse.
    pub fn find_with(&self, text: &str, situation: u64, scratch: &mut Scratch) -> Vec<Match> {
        scratch.view.refill(text);
        scratch.hits.clear();
        let Scratch { view, sounds, sources, hits } = scratch;
        self.plain.find(&view.units, |found| {
            if hits.len() < MAX_HITS
                && let Some(hit) = self.accept(text, view, found)
            {
                hits.push(hit);
            }
        });
        if !self.sounds.is_empty() && view.units.iter().any(|unit| is_han(*unit)) {
            let whole = std::iter::once(0..view.units.len()).collect::<Vec<_>>();
            let joined = self.listen(view, text, &whole, Join::First, sounds, sources);
            let mut hear = |sounds: &[u16], sources: &[(u32, u8, u16)]| {
                self.sounds.find(sounds, |found| {
                    if hits.len() < MAX_HITS
                        && let Some(hit) = self.accept_sound(text, view, sources, found)
                    {
                        hits.push(hit);
                    }
                });
            };
            hear(sounds, sources);
            // Two characters that are halves by accident: around them, the other readings count, too.
            if !joined.is_empty() {
                let around: Vec<Range<usize>> = merged(&joined, view.units.len());
                self.listen(view, text, &around, Join::None, sounds, sources);
                hear(sounds, sources);
                for at in joined.iter().flat_map(|at| [*at, at + 1]).take(2 * MAX_JOINS) {
                    let around = at.saturating_sub(AROUND)..(at + 2 + AROUND).min(view.units.len());
                    if !self.listen(view, text, &[around], Join::At(at), sounds, sources).is_empty() {
                        hear(sounds, sources);
                    }
                }
            }
        }
        if hits.is_empty() {
            return Vec::new();
        }
        self.partners.find(&view.units, |found| {
            if hits.len() < MAX_HITS
                && let Some(hit) = self.accept(text, view, found)
            {
                hits.push(hit);
            }
        });
        self.decide(text, view, hits, situation)
    }

    /// Turns units to syllables; letters beside ideographs are read, halves are joined. Gives where halves were joined.
    fn listen(
        &self,
        view: &View,
        text: &str,
        ranges: &[Range<usize>],
        join: Join,
        sounds: &mut Vec<u16>,
        sources: &mut Vec<(u32, u8, u16)>,
    ) -> Vec<usize> {
        sounds.clear();
        sources.clear();
        let mut joined: Vec<usize> = Vec::new();
        for range in ranges {
            self.listen_in(view, text, range.clone(), join, sounds, sources, &mut joined);
            sounds.push(0);
            sources.push((range.end as u32, 0, 0));
        }
        joined
    }

    #[allow(clippy::too_many_arguments)]
    fn listen_in(
        &self,
        view: &View,
        text: &str,
        range: Range<usize>,
        join: Join,
        sounds: &mut Vec<u16>,
        sources: &mut Vec<(u32, u8, u16)>,
        joined: &mut Vec<usize>,
    ) {
        let readings = Readings::get();
        let units = &view.units;
        let half = |at: usize| {
            let (unit, next) = (*units.get(at)?, *units.get(at + 1)?);
            if bit(&self.left_halves, unit) { self.halves.get(&(unit, next)).copied() } else { None }
        };
        let mut at = range.start;
        while at < range.end {
            let unit = units[at];
            if is_ascii(unit) && !(u16::from(b'0')..=u16::from(b'9')).contains(&unit) {
                let end = at + units[at..].iter().take_while(|unit| (97..123).contains(*unit)).count().max(1);
                let beside = at.checked_sub(1).is_some_and(|before| is_han(units[before]))
                    || units.get(end).is_some_and(|unit| is_han(*unit));
                let parsed = if beside && end - at > 1 { readings.parse(&units[at..end]) } else { None };
                match parsed {
                    Some(parsed) => {
                        let mut from = at;
                        for (id, length) in parsed {
                            sounds.push(id + SOUND);
                            sources.push((from as u32, length as u8, 0));
                            from += length;
                        }
                    }
                    None => {
                        sounds.push(0);
                        sources.push((at as u32, (end - at).min(255) as u8, 0));
                    }
                }
                at = end;
                continue;
            }
            let may = match join {
                Join::First => true,
                Join::At(place) => place == at,
                Join::None => false,
            };
            if may
                && at + 1 < range.end
                && let Some(whole) = half(at)
                && view.gap(text, at).is_empty()
            {
                sounds.push(readings.of(whole) + SOUND);
                sources.push((at as u32, 2, whole));
                joined.push(at);
                at += 2;
                continue;
            }
            let id = readings.of(unit);
            sounds.push(if id == 0 { 0 } else { id + SOUND });
            sources.push((at as u32, 1, unit));
            at += 1;
        }
    }

    /// Judges how a word found in the view is written.
    fn accept(&self, text: &str, view: &View, found: Found) -> Option<Hit> {
        let pattern = self.patterns.get(found.id as usize)?;
        let word = &self.words[pattern.word as usize];
        let mut evasions = Evasions::default();
        match pattern.spelling {
            Spelling::Plain => {}
            Spelling::Initials => evasions = evasions.with(Evasions::INITIALS),
            Spelling::Pinyin => evasions = evasions.with(Evasions::PINYIN),
        }
        let mut units = found.units;
        if found.repeated {
            evasions = evasions.with(Evasions::REPEAT);
        }
        units = self.widen(view, text, units, &mut evasions, word);
        evasions = evasions.with(self.gaps(text, view, &units, word)?);
        if !word.evade.contains(Evasions(evasions.0 & Evasions::ALL.0)) || !whole_latin(text, view, &units) {
            return None;
        }
        let raw = text.get(view.bytes(text, units.clone()))?;
        if raw.chars().any(ignorable) {
            evasions = evasions.with(Evasions::INVISIBLE);
        }
        if pattern.spelling == Spelling::Plain && evasions.is_empty() && raw != &*word.text {
            evasions = evasions.with(Evasions::FORM);
        }
        let unsure = word.boundary && evasions.is_empty();
        Some(Hit { word: pattern.word, units, evasions, unsure })
    }

    /// Takes in repeats of the first and last character when the word is written with repeats.
    fn widen(
        &self,
        view: &View,
        text: &str,
        units: Range<usize>,
        evasions: &mut Evasions,
        word: &Word,
    ) -> Range<usize> {
        let (mut start, mut end) = (units.start, units.end);
        let all = &view.units;
        if !is_han(all[start]) || !word.evade.contains(Evasions::REPEAT) {
            return units;
        }
        while start > 0 && all[start - 1] == all[start] && view.gap(text, start - 1).is_empty() {
            start -= 1;
        }
        while end < all.len() && all[end] == all[end - 1] && view.gap(text, end - 1).is_empty() {
            end += 1;
        }
        if evasions.contains(Evasions::REPEAT) || (start < units.start && end > units.end) {
            *evasions = evasions.with(Evasions::REPEAT);
            start..end
        } else {
            units
        }
    }

    /// Judges a word found by its sound.
    fn accept_sound(&self, text: &str, view: &View, sources: &[(u32, u8, u16)], found: Found) -> Option<Hit> {
        if found.repeated {
            return None;
        }
        let index = *self.sound_words.get(found.id as usize)?;
        let word = &self.words[index as usize];
        let parts = sources.get(found.units.clone())?;
        let (mut changed, mut sounded, mut spelled) = (0, 0, 0);
        let mut evasions = Evasions::default();
        for ((_, length, character), expected) in parts.iter().zip(&word.units) {
            if character == expected && *length == 1 {
                continue;
            }
            changed += 1;
            if *character == 0 {
                evasions = evasions.with(Evasions::PINYIN);
                spelled += 1;
            } else if *length == 2 {
                if character != expected {
                    return None;
                }
                evasions = evasions.with(Evasions::SPLIT);
            } else if is_ascii(*character) || is_ascii(*expected) {
                evasions = evasions.with(Evasions::DIGITS);
            } else {
                if FUNCTION_WORDS.contains(&char::from_u32(u32::from(*character))?) {
                    return None;
                }
                evasions = evasions.with(Evasions::HOMOPHONE);
                sounded += 1;
            }
        }
        let length = word.units.len();
        // What is spelled throughout is found as such; what merely sounds alike must keep half of its characters, and
        // two-character words say too little by sound.
        if changed == 0
            || spelled == length
            || !word.evade.contains(evasions)
            || sounded > 0 && (length < 3 || changed > length / 2)
        {
            return None;
        }
        let first = parts.first()?.0 as usize;
        let last = parts.last()?;
        let units = first..last.0 as usize + usize::from(last.1);
        evasions = evasions.with(self.gaps(text, view, &units, word)?);
        if !word.evade.contains(Evasions(evasions.0 & Evasions::ALL.0)) || !whole_latin(text, view, &units) {
            return None;
        }
        let bytes = view.bytes(text, units.clone());
        let unsure = evasions == Evasions::HOMOPHONE;
        if text.get(bytes)?.chars().any(ignorable) {
            evasions = evasions.with(Evasions::INVISIBLE);
        }
        Some(Hit { word: index, units, evasions, unsure })
    }

    /// Whether what stands between the units of a word may be skipped; `None` when it may not.
    fn gaps(&self, text: &str, view: &View, units: &Range<usize>, word: &Word) -> Option<Evasions> {
        let bytes = view.bytes(text, units.clone());
        let raw = text.get(bytes.clone())?;
        // The common case: as many characters as units.
        if raw.chars().count() == units.len() {
            return Some(Evasions::default());
        }
        let mut gaps: Vec<&str> = Vec::new();
        let mut numbers: Vec<&str> = Vec::new();
        for at in units.start..units.end - 1 {
            if view.offsets[at] == view.offsets[at + 1] {
                continue;
            }
            let gap = view.gap(text, at);
            // Ratios, versions and decimals are one number.
            let digit = |unit: u16| (u16::from(b'0')..=u16::from(b'9')).contains(&unit);
            if matches!(gap.trim_matches(ignorable), ":" | "：" | "." | "," | "%")
                && digit(view.units[at])
                && digit(view.units[at + 1])
            {
                numbers.push(gap);
                continue;
            }
            gaps.push(gap);
        }
        let visible = |gap: &str| gap.chars().filter(|c| !ignorable(*c)).count();
        if gaps.iter().all(|gap| visible(gap) == 0) {
            return Some(Evasions::default());
        }
        if !word.evade.contains(Evasions::GAP) || numbers.iter().any(|gap| *gap != gaps[0]) {
            return None;
        }
        let even = gaps.windows(2).all(|pair| pair[0] == pair[1]);
        let listed = even && self.listed(text, view, units, gaps[0]);
        let short = units.len() < 3;
        for gap in &gaps {
            if visible(gap) > 4 || gap.contains(['\n', '\r', '\u{fffc}', '{', '}', '<', '>', '=', '"', '\'']) {
                return None;
            }
            let spaces = gap.chars().any(char::is_whitespace);
            let stops = gap.contains([
                '，', '。', '、', '；', '：', '！', '？', ',', ';', ':', '!', '?', '/', '（', '）', '(', ')', '《',
                '》', '“', '”', '】', '【', '「', '」', '『', '』', '|', '｜', '#', '→',
            ]);
            if stops && (short && !listed || !even) || spaces && !even {
                return None;
            }
            if spaces && !self.bounded(text, &bytes) {
                return None;
            }
        }
        Some(Evasions::GAP)
    }

    /// Whether the text around goes on with the same gap between single characters, so that it is no list of words.
    fn listed(&self, text: &str, view: &View, units: &Range<usize>, gap: &str) -> bool {
        let same = |at: usize| view.offsets.len() > at + 1 && view.gap(text, at) == gap;
        let before = (0..units.start).rev().take_while(|at| same(*at)).count();
        let after = (units.end - 1..view.units.len()).take_while(|at| same(*at)).count();
        units.len() + before + after >= 4
    }

    /// Whether a range stands free on both sides.
    fn bounded(&self, text: &str, bytes: &Range<usize>) -> bool {
        let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        free(text.get(..bytes.start).and_then(|head| head.chars().next_back()))
            && free(text.get(bytes.end..).and_then(|rest| rest.chars().next()))
    }

    fn cues(&self) -> &Cues {
        self.cues.get_or_init(|| {
            let mut of = Vec::new();
            let mut words = Vec::new();
            for (index, context) in self.lexicon.contexts.iter().enumerate() {
                for (side, list) in [
                    (CueSide::Before, &context.before),
                    (CueSide::After, &context.after),
                    (CueSide::Around, &context.around),
                ] {
                    for word in list {
                        words.push((fold(word), of.len() as u32));
                        of.push((index as u32, side));
                    }
                }
            }
            let phrases = |list: &[Arc<str>]| Finder::new(list.iter().map(|phrase| (fold(phrase), 0)));
            let (deaf, allow) = (phrases(&self.lexicon.deaf), phrases(&self.lexicon.allow));
            Cues { finder: Finder::new(words), of, deaf, allow }
        })
    }

    fn decide(&self, text: &str, view: &View, hits: &mut Vec<Hit>, situation: u64) -> Vec<Match> {
        let cues = self.cues();
        // The same word at overlapping places: the plainest one counts.
        hits.sort_by_key(|hit| {
            let sounds = hit.evasions.contains(Evasions::HOMOPHONE);
            (hit.word, hit.units.start, sounds, hit.evasions.0, usize::MAX - hit.units.end)
        });
        hits.dedup_by(|next, kept| next.word == kept.word && next.units.start < kept.units.end);
        let mut allowed: Vec<Range<usize>> = Vec::new();
        cues.allow.find(&view.units, |found| {
            if !found.repeated && adjacent(view, text, &found.units) {
                allowed.push(found.units);
            }
        });
        hits.retain(|hit| {
            let exact = hit.evasions.0 & !Evasions::FORM.0 == 0;
            let inside = |span: &Range<usize>| span.start <= hit.units.start && hit.units.end <= span.end;
            !(exact && allowed.iter().any(inside))
        });
        // Words are segmented only where that decides: most texts need no segmenter.
        loop {
            if hits.is_empty() {
                return Vec::new();
            }
            let (matches, used) = self.weigh(text, view, hits, situation);
            let mut dropped = false;
            let mut index = 0;
            hits.retain_mut(|hit| {
                index += 1;
                if hit.unsure && used.contains(&(index - 1)) {
                    hit.unsure = false;
                    let accident = segment::crosses(text, &view.bytes(text, hit.units.clone()));
                    dropped |= accident;
                    return !accident;
                }
                true
            });
            if !dropped {
                return matches;
            }
        }
    }

    /// Combines hits to matches; also tells which hits speak for those that fire.
    fn weigh(&self, text: &str, view: &View, hits: &mut [Hit], situation: u64) -> (Vec<Match>, HashSet<usize>) {
        let mut by_group: HashMap<u32, Vec<usize>> = HashMap::new();
        hits.sort_by_key(|hit| (hit.units.start, hit.units.end, hit.word));
        for (index, hit) in hits.iter().enumerate() {
            for group in &self.words[hit.word as usize].groups {
                by_group.entry(*group).or_default().push(index);
            }
        }
        let mut found_cues: Option<Vec<(u32, CueSide, Range<usize>)>> = None;
        let mut matches = Vec::new();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut weak: HashMap<Arc<str>, Vec<(usize, u32)>> = HashMap::new();
        let mut groups: Vec<u32> = by_group.keys().copied().collect();
        groups.sort_unstable();
        for group in groups {
            for &index in &self.entries_of[group as usize] {
                let entry = &self.lexicon.entries[index as usize];
                for &at in &by_group[&group] {
                    let hit = &hits[at];
                    let evasive = hit.evasions.0 & !(Evasions::FORM.0) != 0;
                    let mut pros = Vec::new();
                    let mut score;
                    let mut company = Vec::new();
                    if entry.slots.len() > 1 {
                        if !self.company(entry.slots[1..].iter(), hit, hits, &by_group, entry, &mut company) {
                            continue;
                        }
                        score = if entry.strength == Strength::Strong { 12 } else { 10 };
                    } else if entry.strength == Strength::Strong
                        || entry.game && situation & GAME != 0
                        || view.units.len() <= entry.brief as usize
                    {
                        score = 12;
                        pros.push(Reason::Strong);
                    } else {
                        score = if entry.imported { 3 } else { 4 };
                        pros.push(Reason::Weak);
                        if evasive && !entry.imported {
                            score += 6;
                        } else {
                            weak.entry(entry.class.clone()).or_default().push((matches.len(), hit.word));
                        }
                    }
                    if !hit.evasions.is_empty() {
                        pros.push(Reason::Evasive(hit.evasions));
                        score += 1;
                    }
                    if entry.imported {
                        pros.push(Reason::Imported);
                    }
                    for other in &company {
                        let other = &hits[*other];
                        let bytes = view.bytes(text, other.units.clone());
                        pros.push(Reason::Company(bytes, self.words[other.word as usize].text.clone()));
                    }
                    let mut cons = Vec::new();
                    let immune = evasive;
                    if entry.quench != 0 && !immune {
                        let cues = found_cues.get_or_insert_with(|| self.cues_in(text, view));
                        let mut spans = vec![&hit.units];
                        spans.extend(company.iter().map(|other| &hits[*other].units));
                        for (context, bytes) in self.quenched(text, view, cues, &spans, entry.quench) {
                            cons.push(Reason::Context(bytes, self.lexicon.contexts[context].id.clone()));
                            score -= 10;
                        }
                        let set = situation & entry.quench;
                        if set != 0 && cons.is_empty() {
                            let context = &self.lexicon.contexts[set.trailing_zeros() as usize];
                            cons.push(Reason::Category(context.id.clone()));
                            score -= match (entry.slots.len(), entry.strength) {
                                (1, Strength::Weak) => 10,
                                (_, Strength::Weak) => 3,
                                (_, Strength::Strong) => 2,
                            };
                        }
                    }
                    company.push(at);
                    parts.push(company);
                    matches.push(Match {
                        class: entry.class.clone(),
                        entry: index,
                        term: self.words[hit.word as usize].text.clone(),
                        span: view.bytes(text, hit.units.clone()),
                        evasions: hit.evasions,
                        pros,
                        cons,
                        score,
                        certainty: Certainty::Low,
                        fires: false,
                    });
                }
            }
        }
        for (_, members) in weak {
            let distinct: HashSet<u32> = members.iter().map(|(_, word)| *word).collect();
            if distinct.len() >= 3 {
                for (index, _) in &members {
                    matches[*index].score += 2 * distinct.len() as i32;
                    matches[*index].pros.push(Reason::Crowd(distinct.len() - 1));
                }
            }
        }
        enumerations(text, &mut matches);
        let mut used = HashSet::new();
        for (found, parts) in matches.iter_mut().zip(&parts) {
            found.fires = found.score >= THRESHOLD;
            if found.fires {
                used.extend(parts.iter().copied());
            }
            found.certainty = match found.score {
                12.. => Certainty::High,
                10.. => Certainty::Medium,
                _ => Certainty::Low,
            };
        }
        matches.sort_by(|a, b| {
            (a.span.start, usize::MAX - a.span.end, -a.score, &a.class, a.entry).cmp(&(
                b.span.start,
                usize::MAX - b.span.end,
                -b.score,
                &b.class,
                b.entry,
            ))
        });
        (matches, used)
    }

    /// Cues of contexts in a text, without those that are part of another phrase.
    fn cues_in(&self, text: &str, view: &View) -> Vec<(u32, CueSide, Range<usize>)> {
        let cues = self.cues();
        let mut deaf: Vec<Range<usize>> = Vec::new();
        cues.deaf.find(&view.units, |found| {
            if !found.repeated && adjacent(view, text, &found.units) {
                deaf.push(found.units);
            }
        });
        let mut out = Vec::new();
        cues.finder.find(&view.units, |found| {
            let cue = found.units;
            let part = || deaf.iter().any(|span| span.start <= cue.start && cue.end <= span.end);
            if !found.repeated && adjacent(view, text, &cue) && !part() {
                let (context, side) = cues.of[found.id as usize];
                out.push((context, side, cue));
            }
        });
        out
    }

    /// Finds the nearest hit for every other slot.
    fn company<'s>(
        &self,
        slots: impl Iterator<Item = &'s u32>,
        hit: &Hit,
        hits: &[Hit],
        by_group: &HashMap<u32, Vec<usize>>,
        entry: &super::lexicon::Entry,
        company: &mut Vec<usize>,
    ) -> bool {
        let window = entry.window as usize;
        let mut after = hit.units.end;
        for slot in slots {
            let near = by_group.get(slot).into_iter().flatten().filter_map(|index| {
                let other = &hits[*index];
                if company.contains(index) {
                    return None;
                }
                let distance = if other.units.start >= hit.units.end {
                    other.units.start - hit.units.end
                } else if other.units.end <= hit.units.start {
                    if entry.ordered {
                        return None;
                    }
                    hit.units.start - other.units.end
                } else {
                    return None;
                };
                if entry.ordered && other.units.start < after || distance > window {
                    return None;
                }
                Some((distance, *index))
            });
            match near.min() {
                Some((_, index)) => {
                    after = hits[index].units.end;
                    company.push(index);
                }
                None => return false,
            }
        }
        true
    }

    /// Contexts that reach one of the spans, each once.
    fn quenched(
        &self,
        text: &str,
        view: &View,
        cues: &[(u32, CueSide, Range<usize>)],
        spans: &[&Range<usize>],
        quench: u64,
    ) -> Vec<(usize, Range<usize>)> {
        let mut out: Vec<(usize, Range<usize>)> = Vec::new();
        for (context, side, cue) in cues {
            let index = *context as usize;
            let own = spans.iter().any(|span| span.start <= cue.start && cue.end <= span.end);
            if own || quench & (1 << index) == 0 || out.iter().any(|(known, _)| *known == index) {
                continue;
            }
            let context = &self.lexicon.contexts[index];
            let reaches = spans.iter().any(|span| {
                let inside = cue.start >= span.start && cue.end <= span.end;
                let (from, to, distance) = if cue.end <= span.start + (span.len() - 1) && cue.start < span.start {
                    if *side == CueSide::After {
                        return false;
                    }
                    (cue.end, span.start, span.start.saturating_sub(cue.end))
                } else if cue.start >= span.end {
                    if *side == CueSide::Before {
                        return false;
                    }
                    (span.end, cue.start, cue.start - span.end)
                } else {
                    return !inside && *side == CueSide::Around;
                };
                if distance > context.distance as usize {
                    return false;
                }
                if from >= to {
                    let gap = view.gap(text, span.start.max(1) - 1);
                    return context.reach == Reach::Text || !gap.contains(['。', '\n', '！', '？', '，']);
                }
                let start = view.bytes(text, from - 1..from).end;
                let end = view.offsets[to] as usize;
                let between = text.get(start..end).unwrap_or("");
                let reach = if *side == CueSide::After { Reach::Clause } else { context.reach };
                match reach {
                    Reach::Text => true,
                    Reach::Sentence => !between.contains(['。', '！', '!', '？', '?', '\n', '\u{fffc}']),
                    Reach::Clause => {
                        !between.contains(['。', '！', '!', '？', '?', '\n', '\u{fffc}', '，', ',', '；', ';'])
                    }
                }
            });
            if reaches {
                out.push((index, view.bytes(text, cue.clone())));
            }
        }
        out
    }
}

/// Terms of three classes in one sentence are a rule's list, not an offer.
fn enumerations(text: &str, matches: &mut [Match]) {
    let sentence = |at: usize| text.get(..at).map_or(0, |head| head.matches(['。', '！', '？', '\n']).count());
    let mut classes: HashMap<usize, HashSet<Arc<str>>> = HashMap::new();
    let candidates: Vec<(usize, usize)> = matches
        .iter()
        .enumerate()
        .filter(|(_, found)| found.score >= 4)
        .map(|(index, found)| (index, sentence(found.span.start)))
        .collect();
    for (index, sentence) in &candidates {
        classes.entry(*sentence).or_default().insert(matches[*index].class.clone());
    }
    for (index, sentence) in candidates {
        let found = &mut matches[index];
        let exact = found.evasions.0 & !(Evasions::FORM.0) == 0;
        if exact && classes.get(&sentence).is_some_and(|classes| classes.len() >= 3) {
            found.cons.push(Reason::Enumeration);
            found.score -= 10;
        }
    }
}

/// Whether units stand side by side in the text.
fn adjacent(view: &View, text: &str, units: &Range<usize>) -> bool {
    (units.start..units.end.saturating_sub(1)).all(|at| view.gap(text, at).chars().all(ignorable))
}

/// Whether Latin letters and digits at the edges of a word are not part of a longer one.
fn whole_latin(text: &str, view: &View, units: &Range<usize>) -> bool {
    let bytes = view.bytes(text, units.clone());
    let joins = |inner: u16, outer: Option<char>| {
        is_ascii(inner)
            && outer.is_some_and(|outer| {
                let letter = inner >= u16::from(b'a');
                if letter { outer.is_ascii_alphabetic() } else { outer.is_ascii_digit() }
            })
    };
    let first = view.units[units.start];
    let last = view.units[units.end - 1];
    !joins(first, text.get(..bytes.start).and_then(|head| head.chars().next_back()))
        && !joins(last, text.get(bytes.end..).and_then(|rest| rest.chars().next()))
}

fn letters(readings: &Readings, unit: u16) -> impl Iterator<Item = u16> + use<> {
    readings.syllables[readings.of(unit) as usize].bytes().map(u16::from)
}

/// The word with one or two neighbours, or all of its characters, as first letters; at least one ideograph or four letters
/// remain.
fn initials(readings: &Readings, units: &[u16], buffer: &mut Vec<u16>, mut found: impl FnMut(&[u16])) {
    let length = units.len();
    // One letter beside one character may be anything.
    if !(3..=6).contains(&length) {
        return;
    }
    for start in 0..length {
        for end in [start + 1, start + 2, length] {
            let whole = end - start == length;
            if end > length || end > start + 2 && !whole || whole && length < 4 {
                continue;
            }
            buffer.clear();
            buffer.extend_from_slice(&units[..start]);
            buffer.extend(units[start..end].iter().filter_map(|unit| letters(readings, *unit).next()));
            buffer.extend_from_slice(&units[end..]);
            if buffer.len() == length {
                found(buffer);
            }
            if end == length {
                break;
            }
        }
    }
}

/// A radical as the character that people type for it.
fn fold_half(c: char) -> u16 {
    let c = match c {
        '氵' => '水',
        '亻' => '人',
        '忄' => '心',
        '扌' => '手',
        '讠' => '言',
        '钅' => '金',
        '饣' => '食',
        '纟' => '丝',
        '衤' => '衣',
        '礻' => '示',
        '犭' => '犬',
        '艹' => '草',
        '辶' => '走',
        '刂' => '刀',
        '攵' => '文',
        '阝' => '耳',
        '囗' => '口',
        '疒' => '病',
        other => other,
    };
    plain_half(c)
}

fn plain_half(c: char) -> u16 {
    fold(c.encode_utf8(&mut [0; 4])).first().copied().unwrap_or(0)
}

/// Characters so common that they replace no other by sound on purpose.
const FUNCTION_WORDS: [char; 72] = [
    '的', '了', '是', '在', '有', '和', '不', '人', '我', '他', '她', '它', '这', '那', '就', '也', '都', '与', '及',
    '或', '等', '到', '得', '地', '着', '过', '把', '被', '对', '从', '向', '为', '以', '于', '其', '之', '而', '但',
    '又', '已', '将', '可', '能', '会', '要', '请', '您', '你', '们', '个', '只', '各', '每', '更', '最', '很', '还',
    '再', '并', '及', '即', '如', '若', '则', '因', '由', '所', '无', '未', '去', '来', '里',
];
