//! How characters are read: syllables without tones.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fold::fold;
use super::forms::syllables;
use super::hear::FUNCTION_WORDS;
use super::tables::reading_of;

/// Syllables by id and by name.
pub struct Readings {
    /// Syllables; index 0 is none.
    pub syllables: Vec<&'static str>,
    by_name: HashMap<&'static str, u16>,
    characters: Vec<&'static str>,
}

static READINGS: LazyLock<Readings> = LazyLock::new(|| {
    let mut readings = Readings { syllables: vec![""], by_name: HashMap::new(), characters: vec![""] };
    for (syllable, characters) in syllables() {
        readings.by_name.insert(syllable, readings.syllables.len() as u16);
        readings.syllables.push(syllable);
        readings.characters.push(characters);
    }
    readings
});

impl Readings {
    /// The table, made at first use.
    pub fn get() -> &'static Self {
        &READINGS
    }
    /// Syllable id of a unit; 0 when it has none.
    pub fn of(&self, unit: u16) -> u16 {
        reading_of(unit)
    }

    /// Syllable id of a spelling.
    pub fn named(&self, syllable: &str) -> Option<u16> {
        self.by_name.get(syllable).copied()
    }

    /// Characters that may stand for this one by their sound: read like it, and no function words, which replace nothing on
    /// purpose.
    pub fn homophones(&self, c: char) -> impl Iterator<Item = char> {
        let id = if (c as u32) < 0x10000 { self.of(c as u16) } else { 0 };
        // As it is read once it is folded: some are variants of others.
        let alike = move |other: char| matches!(fold(other.encode_utf8(&mut [0; 4])).as_slice(), [unit] if self.of(*unit) == id);
        self.characters[id as usize]
            .chars()
            .filter(move |other| *other != c && alike(*other) && !FUNCTION_WORDS.contains(other))
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
