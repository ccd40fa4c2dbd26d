//! From a lexicon to the image that a matcher reads: the spellings of every word, entries, contexts.

use rustc_hash::{FxHashMap, FxHashSet};

use super::finder::Words;
use super::fold::{fold, is_han};
use super::forms::{splits, syllables};
use super::image::{CueSide, Part, Spelling, Writer};
use super::lexicon::{Evasions, Lexicon};
use super::tables::reading_of;

/// Sound units are syllable ids shifted out of the way of ASCII.
pub const SOUND: u16 = 0x400;

struct Word<'l> {
    text: &'l str,
    units: Vec<u16>,
    groups: Vec<u32>,
    evade: Evasions,
    boundary: bool,
}

/// Compiles a lexicon.
pub fn compile(lexicon: &Lexicon) -> Vec<u8> {
    let mut writer = Writer::default();
    let words = words(lexicon);
    spell(lexicon, &words, &mut writer);
    for word in &words {
        writer.word(word.text, &word.units, &word.groups, word.evade, word.boundary);
    }
    entries(lexicon, &mut writer);
    contexts(lexicon, &mut writer);
    writer.finish()
}

/// Words of all groups that an entry uses, each once.
fn words(lexicon: &Lexicon) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
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
                // Signs of a word's own are asked for: "9.9" is no "99%".
                let signs = |text: &str| text.contains(|c: char| !c.is_alphanumeric());
                word.evade == entry.evade
                    && word.boundary == entry.boundary
                    && (word.text == &**text || !signs(word.text) && !signs(text))
            });
            match same {
                Some(index) => words[index as usize].groups.push(group as u32),
                None => {
                    if first < next {
                        others.entry(first).or_default().push(next);
                    }
                    words.push(Word {
                        text,
                        units,
                        groups: vec![group as u32],
                        evade: entry.evade,
                        boundary: entry.boundary,
                    });
                }
            }
        }
    }
    words
}

/// Writes all spellings of all words.
fn spell(lexicon: &Lexicon, words: &[Word<'_>], writer: &mut Writer) {
    let syllables: Vec<&str> = syllables().map(|(syllable, _)| syllable).collect();
    let letters = |unit: u16| {
        let syllable = usize::from(reading_of(unit)).checked_sub(1).and_then(|at| syllables.get(at));
        syllable.copied().unwrap_or("").bytes().map(u16::from)
    };
    let (mut plain, mut partners, mut sounds) = (Words::default(), Words::default(), Words::default());
    let heads: FxHashSet<u32> = lexicon.entries.iter().filter_map(|entry| entry.slots.first().copied()).collect();
    let mut split_characters: FxHashSet<u16> = FxHashSet::default();
    let mut spelled: Vec<u16> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let head = word.groups.iter().any(|group| heads.contains(group));
        let into = if head { &mut plain } else { &mut partners };
        let mut add = |units: &[u16], spelling: Spelling| {
            into.push(units.iter().copied(), writer.count(Part::Patterns));
            writer.longs(Part::Patterns, [(index as u32) << 2 | spelling as u32]);
        };
        add(&word.units, Spelling::Plain);
        let all_han = word.units.iter().all(|unit| is_han(*unit));
        if all_han && word.evade.contains(Evasions::PINYIN) && word.units.len() > 1 {
            spelled.clear();
            spelled.extend(word.units.iter().flat_map(|unit| letters(*unit)));
            if spelled.len() >= 4 {
                add(&spelled, Spelling::Pinyin);
            }
        }
        if all_han && word.evade.contains(Evasions::INITIALS) {
            initials(&word.units, |unit| letters(unit).next(), &mut spelled, |units| add(units, Spelling::Initials));
        }
        let by_sound = Evasions(Evasions::HOMOPHONE.0 | Evasions::PINYIN.0 | Evasions::DIGITS.0 | Evasions::SPLIT.0);
        if word.evade.0 & by_sound.0 != 0
            && word.units.len() > 1
            && word.units.iter().all(|unit| reading_of(*unit) != 0)
        {
            let sequence = word.units.iter().map(|unit| reading_of(*unit) + SOUND);
            sounds.push(sequence, writer.count(Part::SoundWords));
            writer.longs(Part::SoundWords, [index as u32]);
            if word.evade.contains(Evasions::SPLIT) {
                split_characters.extend(&word.units);
            }
        }
    }
    writer.set(Part::Plain, plain.index());
    writer.set(Part::Partners, partners.index());
    writer.set(Part::Sounds, sounds.index());
    halves(&split_characters, writer);
}

/// Writes the halves of characters that words hold which may be written so.
fn halves(characters: &FxHashSet<u16>, writer: &mut Writer) {
    if characters.is_empty() {
        return;
    }
    let mut halves: FxHashMap<u32, u16> = FxHashMap::default();
    let mut left_halves = vec![0u8; 1 << 13];
    for (left, right, whole) in splits() {
        // Halves may be written in either order, and radicals as the characters they come from.
        if !characters.contains(&(whole as u16)) {
            continue;
        }
        for left in [plain_half(left), fold_half(left)] {
            for right in [plain_half(right), fold_half(right)] {
                for (first, second) in [(left, right), (right, left)] {
                    halves.entry(u32::from(first) << 16 | u32::from(second)).or_insert(whole as u16);
                    left_halves[usize::from(first) / 8] |= 1 << (first % 8);
                }
            }
        }
    }
    let mut sorted: Vec<_> = halves.into_iter().collect();
    sorted.sort_unstable();
    writer.longs(Part::Halves, sorted.into_iter().flat_map(|(key, whole)| [key, u32::from(whole)]));
    writer.set(Part::LeftHalves, left_halves);
}

fn entries(lexicon: &Lexicon, writer: &mut Writer) {
    let classes = lexicon.classes();
    for class in &classes {
        let name = writer.text(class);
        writer.longs(Part::Classes, name);
    }
    let mut entries_of = vec![Vec::new(); lexicon.groups.len()];
    for (index, entry) in lexicon.entries.iter().enumerate() {
        let class = classes.iter().position(|class| *class == entry.class).unwrap_or(0);
        writer.entry(class as u32, entry);
        if let Some(first) = entry.slots.first() {
            entries_of[*first as usize].push(index as u32);
        }
    }
    for entries in entries_of {
        writer.longs(Part::EntriesOf, [writer.count(Part::ByGroup)]);
        writer.longs(Part::ByGroup, entries);
    }
    writer.longs(Part::EntriesOf, [writer.count(Part::ByGroup)]);
    let mut lists: Vec<_> = lexicon.lists().collect();
    lists.sort_unstable_by_key(|(name, _)| *name);
    for (name, words) in lists {
        let name = writer.text(name);
        let words = writer.text(&words.join(" "));
        writer.longs(Part::Lists, name.into_iter().chain(words));
    }
}

fn contexts(lexicon: &Lexicon, writer: &mut Writer) {
    let mut cues = Words::default();
    for (index, context) in lexicon.contexts.iter().enumerate() {
        writer.context(context);
        for (side, list) in [
            (CueSide::Before, &context.before),
            (CueSide::After, &context.after),
            (CueSide::Around, &context.around),
            (CueSide::Quoted, &context.quoted),
        ] {
            for word in list {
                cues.push(fold(word), writer.count(Part::CueOf));
                writer.longs(Part::CueOf, [(index as u32) << 2 | side as u32]);
            }
        }
    }
    writer.set(Part::Cues, cues.index());
    let phrases = |list: &[std::sync::Arc<str>]| Words::new(list.iter().map(|phrase| (fold(phrase), 0))).index();
    writer.set(Part::Deaf, phrases(&lexicon.deaf));
    let allow = lexicon.allow.iter().map(|phrase| fold(phrase));
    let counted = allow.clone().filter_map(|phrase| with_digits(&phrase));
    writer.set(Part::Allow, Words::new(allow.chain(counted).map(|phrase| (phrase, 0))).index());
}

/// A phrase with digits for its numerals; `None` when it has none.
fn with_digits(phrase: &[u16]) -> Option<Vec<u16>> {
    let digit = |unit: &u16| "零一二三四五六七八九".chars().position(|c| c as u16 == *unit);
    let counted = phrase.iter().map(|unit| digit(unit).map_or(*unit, |at| u16::from(b'0') + at as u16)).collect();
    (counted != phrase).then_some(counted)
}

/// The word with one or two neighbours, or all of its characters, as first letters; at least one ideograph or four letters
/// remain.
fn initials(units: &[u16], letter: impl Fn(u16) -> Option<u16>, buffer: &mut Vec<u16>, mut found: impl FnMut(&[u16])) {
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
            buffer.extend(units[start..end].iter().filter_map(|unit| letter(*unit)));
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
