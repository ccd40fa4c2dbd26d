//! The one view that all matching reads: text folded to units, without anything that readers skip.
//!
//! A unit is a letter, digit or ideograph in its plainest form: half width, lower case, simplified, compatibility forms
//! resolved. Ignorable characters vanish; everything else (spaces, punctuation, symbols, emoji) vanishes too, but the offsets
//! show the gap. Matching then decides whether a gap of that kind is tolerable.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

pub use super::forms::simplified;
use super::forms::{EXPANSION, GAP, IGNORED, dressed, is_ignored, units_of};

/// Codes of the basic plane, two bytes each, as the build script wrote them.
static CODES: &[u8; 0x20000] = include_bytes!(concat!(env!("OUT_DIR"), "/fold.bin"));

/// What some characters expand to, by code.
static EXPANSIONS: &[&[u16]] = &include!(concat!(env!("OUT_DIR"), "/expansions.in"));

/// The code of a character of the basic plane.
#[inline]
fn code_of(at: usize) -> u16 {
    let at = at * 2;
    u16::from_le_bytes([CODES[at], CODES[at + 1]])
}

/// A text as units, each with the place of its character.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Folded units.
    pub units: Vec<u16>,
    /// Byte offset of each unit's character in the text.
    pub offsets: Vec<u32>,
}

impl View {
    /// Folds `text`; at most the first 4 GiB of it.
    pub fn new(text: &str) -> Self {
        let mut view = Self::default();
        view.refill(text);
        view
    }

    /// Folds another text, keeping the buffers.
    pub fn refill(&mut self, text: &str) {
        self.units.clear();
        self.offsets.clear();
        let capacity = text.len() / 2;
        self.units.reserve(capacity);
        self.offsets.reserve(capacity);
        for (at, c) in text.char_indices() {
            let at = at as u32;
            let code = c as u32;
            if code < 0x10000 {
                let unit = code_of(code as usize);
                if (2..EXPANSION).contains(&unit) {
                    self.units.push(unit);
                    self.offsets.push(at);
                } else if unit >= EXPANSION
                    && let Some(units) = EXPANSIONS.get((unit - EXPANSION) as usize)
                {
                    for unit in *units {
                        self.units.push(*unit);
                        self.offsets.push(at);
                    }
                }
            } else {
                self.astral(c, at);
            }
        }
    }

    #[cold]
    fn astral(&mut self, c: char, at: u32) {
        let code = c as u32;
        if is_ignored(code) {
            return;
        }
        let units = match dressed(code) {
            Some(c) => vec![c as u16],
            None if matches!(code, 0x1D400..=0x1D7FF | 0x1F100..=0x1F2FF | 0x2F800..=0x2FA1F) => {
                units_of(c.nfkc(), code_of)
            }
            // Any other letter beyond the basic plane is one unit that no term holds.
            None if c.is_alphanumeric() => vec![0xF8FF],
            None => Vec::new(),
        };
        for unit in units {
            self.units.push(unit);
            self.offsets.push(at);
        }
    }

    /// Bytes of the text that the units cover, whole characters.
    pub fn bytes(&self, text: &str, units: Range<usize>) -> Range<usize> {
        let (Some(&start), Some(&last)) = (self.offsets.get(units.start), self.offsets.get(units.end.wrapping_sub(1)))
        else {
            return 0..0;
        };
        let last = last as usize;
        let width = text.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        start as usize..(last + width).max(start as usize)
    }

    /// What stands in the text between unit `index` and the next one.
    pub fn gap<'t>(&self, text: &'t str, index: usize) -> &'t str {
        let own = self.bytes(text, index..index + 1);
        match self.offsets.get(index + 1) {
            Some(&next) => text.get(own.end..next as usize).unwrap_or(""),
            None => text.get(own.end..).unwrap_or(""),
        }
    }
}

/// A word as units.
pub fn fold(word: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(word.len() / 2);
    for c in word.chars() {
        let code = c as usize;
        match if code < 0x10000 { code_of(code) } else { EXPANSION } {
            unit if (2..EXPANSION).contains(&unit) => units.push(unit),
            GAP | IGNORED => {}
            // Rare ones go the long way.
            _ => return View::new(word).units,
        }
    }
    units
}

/// Whether a unit is an ASCII letter or digit.
pub fn is_ascii(unit: u16) -> bool {
    unit < 0x80
}

/// Whether a unit is an ideograph.
pub fn is_han(unit: u16) -> bool {
    (0x3400..=0x9FFF).contains(&unit)
}

/// Whether a character is skipped without leaving a gap.
pub fn ignorable(c: char) -> bool {
    is_ignored(c as u32)
}

/// How characters are read: syllables without tones.
pub struct Readings {
    /// Syllables; index 0 is none.
    pub syllables: Vec<&'static str>,
    of: Box<[u16]>,
    by_name: HashMap<&'static str, u16>,
    characters: Vec<&'static str>,
}

static READINGS: LazyLock<Readings> = LazyLock::new(|| {
    let mut readings = Readings {
        syllables: vec![""],
        of: vec![0; 0x10000].into_boxed_slice(),
        by_name: HashMap::new(),
        characters: vec![""],
    };
    for line in include_str!("../../rules/content/pinyin.txt").lines() {
        let Some((syllable, characters)) = line.split_once(' ') else { continue };
        if syllable == "#" {
            continue;
        }
        let id = readings.syllables.len() as u16;
        readings.syllables.push(syllable);
        readings.characters.push(characters);
        readings.by_name.insert(syllable, id);
        for c in characters.chars() {
            if (c as u32) < 0x10000 {
                readings.of[c as usize] = id;
            }
        }
    }
    for (digit, syllable) in ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"].iter().enumerate() {
        readings.of[b'0' as usize + digit] = readings.by_name.get(syllable).copied().unwrap_or(0);
    }
    readings
});

impl Readings {
    /// The table.
    pub fn get() -> &'static Self {
        &READINGS
    }

    /// Syllable id of a unit; 0 when it has none.
    pub fn of(&self, unit: u16) -> u16 {
        self.of[unit as usize]
    }

    /// Syllable id of a spelling.
    pub fn named(&self, syllable: &str) -> Option<u16> {
        self.by_name.get(syllable).copied()
    }

    /// Characters that are read like this one, without it.
    pub fn homophones(&self, c: char) -> impl Iterator<Item = char> {
        let id = if (c as u32) < 0x10000 { self.of(c as u16) } else { 0 };
        self.characters[id as usize].chars().filter(move |other| *other != c)
    }

    /// Splits a run of ASCII letters into syllables, longest first; `None` when it is no such run.
    pub fn parse(&self, letters: &[u16]) -> Option<Vec<(u16, usize)>> {
        if letters.len() > 24 {
            return None;
        }
        let text: String = letters.iter().map(|unit| *unit as u8 as char).collect();
        let mut out = Vec::new();
        self.parse_from(&text, 0, &mut out).then_some(out)
    }

    fn parse_from(&self, text: &str, at: usize, out: &mut Vec<(u16, usize)>) -> bool {
        if at == text.len() {
            return true;
        }
        // Two letters at least, but for the vowel syllables: single letters are no readings in running text.
        for len in (1..=6.min(text.len() - at)).rev() {
            if let Some(id) = text.get(at..at + len).and_then(|part| self.named(part)) {
                out.push((id, len));
                if self.parse_from(text, at + len, out) {
                    return true;
                }
                out.pop();
            }
        }
        false
    }
}

/// Characters written as their two halves: the halves and the whole.
pub fn splits() -> impl Iterator<Item = (char, char, char)> {
    include_str!("../../rules/content/split.txt").lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        line.split_whitespace().filter_map(|group| {
            let mut chars = group.chars();
            let (whole, left, right) = (chars.next()?, chars.next()?, chars.next()?);
            Some((left, right, whole))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::forms::{IGNORABLE, LOOKALIKES, Table, has_form, plain};
    use super::*;

    #[test]
    fn the_built_table_is_the_one_made() {
        let table = Table::new();
        assert!((0..0x10000).all(|code| code_of(code) == table.codes[code]));
        assert!(EXPANSIONS.iter().map(|units| units.to_vec()).eq(table.expansions));
    }

    #[test]
    fn only_scripts_with_capitals_are_lowered() {
        let lookalikes: Vec<char> = LOOKALIKES.chars().collect();
        let known: std::collections::HashSet<u32> = simplified().map(|(from, _)| from as u32).collect();
        for code in 2..0xD800u32 {
            let Some(c) = char::from_u32(code) else { continue };
            if has_form(code)
                || is_ignored(code)
                || known.contains(&code)
                || lookalikes.contains(&c)
                || "〇○➊∨Ⅴ".contains(c)
            {
                continue;
            }
            let expected = plain(c).filter(|c| (*c as u32) < EXPANSION as u32).map_or(GAP, |c| c as u16);
            if dressed(code).is_none() {
                assert_eq!(code_of(code as usize), expected, "{code:#x}");
            }
        }
        assert!(IGNORABLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
