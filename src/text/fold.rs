//! The one view that all matching reads: text folded to units, without anything that readers skip.
//!
//! A unit is a letter, digit or ideograph in its plainest form: half width, lower case, simplified, compatibility forms
//! resolved. Ignorable characters vanish; everything else (spaces, punctuation, symbols, emoji) vanishes too, but the offsets
//! show the gap. Matching then decides whether a gap of that kind is tolerable.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::forms::{EXPANSION, GAP, IGNORED, dressed, is_ignored, units_of};
use super::tables::{code_of, expansion};

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
                } else if unit >= EXPANSION {
                    for unit in expansion(unit) {
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

/// The simplified form of an ideograph; any other character as it is.
pub fn simple(c: char) -> char {
    match c as usize {
        code @ 0x3400..=0x9fff => char::from_u32(u32::from(code_of(code))).filter(|c| is_han(*c as u16)).unwrap_or(c),
        _ => c,
    }
}

/// The letter, digit or ideograph that a compatibility form stands for; any other character as it is.
pub fn plain(c: char) -> char {
    match fold(c.encode_utf8(&mut [0; 4])).as_slice() {
        [unit] => char::from_u32(u32::from(*unit)).unwrap_or(c),
        _ => c,
    }
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

#[cfg(test)]
mod tests {
    use super::super::forms::{IGNORABLE, LOOKALIKES, has_form, plain, simplified};
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
                assert_eq!(code_of(code as usize), expected, "{code:#x}");
            }
        }
        assert!(IGNORABLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
