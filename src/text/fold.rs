//! The one view that all matching reads: text folded to units, without anything that readers skip.
//!
//! A unit is a letter, digit or ideograph in its plainest form: half width, lower case, simplified, compatibility forms
//! resolved. Ignorable characters vanish; everything else (spaces, punctuation, symbols, emoji) vanishes too, but the offsets
//! show the gap. Matching then decides whether a gap of that kind is tolerable.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// What is skipped and leaves a gap.
const GAP: u16 = 0;
/// What is skipped and leaves none: zero-width and combining characters, joiners, variation selectors.
const IGNORED: u16 = 1;
/// Codes from here on are indices of [`Table::expansions`].
const EXPANSION: u16 = 0xE000;

struct Table {
    codes: Box<[u16]>,
    expansions: Vec<Vec<u16>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// Characters that look like a Latin letter or digit, and that one.
const LOOKALIKES: &str = "аaвbсcеeһhіiјjкkмmоoрpѕsтtуyхxѵvԁdԛqԝwΑaΒbΕeΖzΗhΙiΚkΜmΝnΟoΡpΤtΥyΧxαaνvοoρpυuχxıiʟlɡgℓl";

/// Simplified characters by traditional, variant and shinjitai ones.
pub fn simplified() -> impl Iterator<Item = (char, char)> {
    let mut lines = include_str!("../../rules/content/traditional.txt").lines().filter(|line| !line.starts_with('#'));
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?))).flat_map(|(from, to)| from.chars().zip(to.chars()))
}

/// Zero-width and combining characters, joiners, variation selectors.
const IGNORABLE: &[(u32, u32)] = &[
    (0xAD, 0xAD),
    (0x300, 0x36F),
    (0x483, 0x489),
    (0x591, 0x5BD),
    (0x610, 0x61A),
    (0x61C, 0x61C),
    (0x64B, 0x65F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0x302A, 0x302F),
    (0x3099, 0x309A),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
];

fn is_ignored(c: u32) -> bool {
    let at = IGNORABLE.partition_point(|(_, end)| *end < c);
    IGNORABLE.get(at).is_some_and(|(start, _)| *start <= c)
}

fn plain(c: char) -> Option<char> {
    c.is_alphanumeric().then(|| c.to_lowercase().next().unwrap_or(c))
}

/// Code points whose compatibility form is looked up.
fn has_form(c: u32) -> bool {
    matches!(c,
        0xA0..=0x24F | 0x1E00..=0x1EFF | 0x2070..=0x209F | 0x2100..=0x218F | 0x2460..=0x24FF | 0x2E80..=0x2FD5
        | 0x3200..=0x33FF | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFFEF)
}

/// Letters and digits that compatibility normalisation leaves alone.
fn dressed(c: u32) -> Option<char> {
    let (base, first) = match c {
        0x2776..=0x277E => (0x2776, '1'),
        0x2780..=0x2788 => (0x2780, '1'),
        0x278A..=0x2792 => (0x278A, '1'),
        0x24F5..=0x24FD => (0x24F5, '1'),
        0x24FF => return Some('0'),
        0x1F150..=0x1F169 => (0x1F150, 'a'),
        0x1F170..=0x1F189 => (0x1F170, 'a'),
        0x1F1E6..=0x1F1FF => (0x1F1E6, 'a'),
        0x1F100..=0x1F100 => return Some('0'),
        0x1F101..=0x1F10A => (0x1F101, '0'),
        _ => return None,
    };
    char::from_u32(first as u32 + c - base)
}

impl Table {
    fn new() -> Self {
        let mut table = Self { codes: vec![GAP; 0x10000].into_boxed_slice(), expansions: Vec::new() };
        for code in 2..0xD800u32 {
            // Ideographs and Hangul stand for themselves.
            if matches!(code, 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3) {
                table.codes[code as usize] = code as u16;
                continue;
            }
            let Some(c) = char::from_u32(code) else { continue };
            // Scripts between these have no capitals, and asking for theirs takes most of the time.
            let cased = matches!(code, 0..=0x58F | 0x10A0..=0x10FF | 0x13A0..=0x13FF | 0x1C80..=0x1FFF
                | 0x2100..=0x2DFF | 0xA640..=0xA7FF | 0xAB30..=0xABBF);
            let unit = if cased { plain(c) } else { c.is_alphanumeric().then_some(c) };
            if let Some(c) = unit
                && (c as u32) < EXPANSION as u32
            {
                table.codes[code as usize] = c as u16;
            }
        }
        for (from, to) in simplified() {
            table.codes[from as usize] = to as u16;
        }
        let mut lookalikes = LOOKALIKES.chars();
        while let (Some(from), Some(to)) = (lookalikes.next(), lookalikes.next()) {
            table.codes[from as usize] = to as u16;
        }
        for code in 0xA0..0x10000u32 {
            if !has_form(code) || is_ignored(code) {
                continue;
            }
            let Some(c) = char::from_u32(code) else { continue };
            let units = if let Some(c) = dressed(code) {
                vec![c as u16]
            } else if code < 0x250 || (0x1E00..0x1F00).contains(&code) {
                c.nfkd().next().and_then(plain).map(|c| c as u16).into_iter().collect()
            } else {
                table.units_of(c.nfkc())
            };
            table.codes[code as usize] = match units.as_slice() {
                [] => GAP,
                [one] => *one,
                _ => {
                    table.expansions.push(units);
                    EXPANSION + (table.expansions.len() - 1) as u16
                }
            };
        }
        for (start, end) in IGNORABLE.iter().filter(|(_, end)| *end < 0x10000) {
            table.codes[*start as usize..=*end as usize].fill(IGNORED);
        }
        for (from, to) in [('〇', '零'), ('○', '零'), ('➊', '1'), ('∨', 'v'), ('Ⅴ', 'v')] {
            table.codes[from as usize] = to as u16;
        }
        for code in 0x2776..0x2793u32 {
            if let Some(c) = dressed(code) {
                table.codes[code as usize] = c as u16;
            }
        }
        table
    }

    /// Units of characters that are already in compatibility form.
    fn units_of(&self, chars: impl Iterator<Item = char>) -> Vec<u16> {
        chars
            .filter_map(plain)
            .filter(|c| (*c as u32) < EXPANSION as u32)
            .map(|c| match self.codes[c as usize] {
                code if (2..EXPANSION).contains(&code) => code,
                _ => c as u16,
            })
            .collect()
    }
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
        let table = &*TABLE;
        for (at, c) in text.char_indices() {
            let at = at as u32;
            let code = c as u32;
            if code < 0x10000 {
                let unit = table.codes[code as usize];
                if (2..EXPANSION).contains(&unit) {
                    self.units.push(unit);
                    self.offsets.push(at);
                } else if unit >= EXPANSION
                    && let Some(units) = table.expansions.get((unit - EXPANSION) as usize)
                {
                    for unit in units {
                        self.units.push(*unit);
                        self.offsets.push(at);
                    }
                }
            } else {
                self.astral(table, c, at);
            }
        }
    }

    #[cold]
    fn astral(&mut self, table: &Table, c: char, at: u32) {
        let code = c as u32;
        if is_ignored(code) {
            return;
        }
        let units = match dressed(code) {
            Some(c) => vec![c as u16],
            None if matches!(code, 0x1D400..=0x1D7FF | 0x1F100..=0x1F2FF | 0x2F800..=0x2FA1F) => {
                table.units_of(c.nfkc())
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
    let table = &*TABLE;
    let mut units = Vec::with_capacity(word.len() / 2);
    for c in word.chars() {
        match table.codes.get(c as usize) {
            Some(unit) if (2..EXPANSION).contains(unit) => units.push(*unit),
            Some(&GAP | &IGNORED) => {}
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
    use super::*;

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
                assert_eq!(TABLE.codes[code as usize], expected, "{code:#x}");
            }
        }
        assert!(IGNORABLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
