//! Words by their sound: ideographs as syllables, letters beside them as their readings, halves as the characters they make.

use std::ops::Range;

use super::compile::SOUND;
use super::finder::Found;
use super::fold::{View, ignorable, is_ascii, is_han};
use super::image::Part;
use super::lexicon::Evasions;
use super::matcher::{Hit, Matcher};
use super::readings::Readings;
use super::tables::reading_of;
use super::written::{bounded, some_blanks, whole_latin};

/// Units around joined halves that are read again without joining.
const AROUND: usize = 12;

/// Which pairs of halves are joined.
#[derive(Clone, Copy, PartialEq)]
pub enum Join {
    /// Every pair, from the left.
    First,
    /// Only the pair at that unit.
    At(usize),
    /// None.
    None,
}

/// The units around a pair.
pub fn around(at: usize, length: usize) -> Range<usize> {
    at.saturating_sub(AROUND)..(at + 2 + AROUND).min(length)
}

/// Ranges around pairs, joined where they overlap.
pub fn merged(places: &[usize], length: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for at in places {
        let around = around(*at, length);
        match out.last_mut() {
            Some(last) if last.end >= around.start => last.end = around.end,
            _ => out.push(around),
        }
    }
    out
}

/// A text as syllables, with what each was read from.
#[derive(Default)]
pub struct Sounds {
    /// Syllable ids, shifted; 0 for what has no reading.
    pub units: Vec<u16>,
    /// Unit where each starts, and how many units it covers; a joined character has its code.
    sources: Vec<(u32, u8, u16)>,
}

impl Sounds {
    fn push(&mut self, sound: u16, from: usize, length: usize, character: u16) {
        self.units.push(sound);
        self.sources.push((from as u32, length.min(255) as u8, character));
    }
}

impl Matcher {
    /// Turns units to syllables; letters beside ideographs are read, halves are joined. Gives where halves were joined.
    pub(super) fn listen(
        &self,
        view: &View,
        text: &str,
        ranges: &[Range<usize>],
        join: Join,
        sounds: &mut Sounds,
    ) -> Vec<usize> {
        sounds.units.clear();
        sounds.sources.clear();
        let mut joined: Vec<usize> = Vec::new();
        for range in ranges {
            self.listen_in(view, text, range.clone(), join, sounds, &mut joined);
            sounds.push(0, range.end, 0, 0);
        }
        joined
    }

    fn listen_in(
        &self,
        view: &View,
        text: &str,
        range: Range<usize>,
        join: Join,
        sounds: &mut Sounds,
        joined: &mut Vec<usize>,
    ) {
        let units = &view.units;
        let lefts = self.image.part(Part::LeftHalves);
        let half = |at: usize| {
            let unit = *units.get(at)?;
            let left = lefts.get(usize::from(unit) / 8).is_some_and(|byte| byte & (1 << (unit % 8)) != 0);
            if left { self.image.whole(unit, *units.get(at + 1)?) } else { None }
        };
        let mut at = range.start;
        while at < range.end {
            let unit = units[at];
            if is_ascii(unit) && !(u16::from(b'0')..=u16::from(b'9')).contains(&unit) {
                let end = at + units[at..].iter().take_while(|unit| (97..123).contains(*unit)).count().max(1);
                let beside = at.checked_sub(1).is_some_and(|before| is_han(units[before]))
                    || units.get(end).is_some_and(|unit| is_han(*unit));
                let parse = |end: usize| if end - at > 1 { Readings::get().parse(&units[at..end]) } else { None };
                // Letters over a gap are one spelling only where those before it are none.
                let first = (at + 1..end).find(|next| !view.gap(text, next - 1).is_empty()).unwrap_or(end);
                let (end, parsed) = match if beside { parse(first) } else { None } {
                    None if beside && first < end => parse(end).map_or((first, None), |parsed| (end, Some(parsed))),
                    parsed => (first, parsed),
                };
                match parsed {
                    Some(parsed) => {
                        let mut from = at;
                        for (id, length) in parsed {
                            sounds.push(id + SOUND, from, length, 0);
                            from += length;
                        }
                    }
                    None => sounds.push(0, at, end - at, 0),
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
                sounds.push(reading_of(whole) + SOUND, at, 2, whole);
                joined.push(at);
                at += 2;
                continue;
            }
            let id = reading_of(unit);
            sounds.push(if id == 0 { 0 } else { id + SOUND }, at, 1, unit);
            at += 1;
        }
    }

    /// Judges a word found by its sound.
    pub(super) fn accept_sound(&self, text: &str, view: &View, sounds: &Sounds, found: Found) -> Option<Hit> {
        if found.repeated {
            return None;
        }
        let index = self.image.number(Part::SoundWords, found.id as usize);
        let word = self.image.word(index);
        let parts = sounds.sources.get(found.units.clone())?;
        let (mut changed, mut sounded, mut spelled) = (0, 0, 0);
        let mut evasions = Evasions::default();
        for ((_, length, character), expected) in parts.iter().zip(word.units()) {
            if *character == expected && *length == 1 {
                continue;
            }
            changed += 1;
            if *character == 0 {
                evasions = evasions.with(Evasions::PINYIN);
                spelled += 1;
            } else if *length == 2 {
                if *character != expected {
                    return None;
                }
                evasions = evasions.with(Evasions::SPLIT);
            } else if is_ascii(*character) || is_ascii(expected) {
                evasions = evasions.with(Evasions::DIGITS);
            } else {
                if FUNCTION_WORDS.contains(&char::from_u32(u32::from(*character))?) {
                    return None;
                }
                evasions = evasions.with(Evasions::HOMOPHONE);
                sounded += 1;
            }
        }
        let length = word.len();
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
        evasions = evasions.with(self.gaps(text, view, &units, &word)?);
        if !word.evade.contains(Evasions(evasions.0 & Evasions::ALL.0)) || !whole_latin(text, view, &units) {
            return None;
        }
        let bytes = view.bytes(text, units.clone());
        let raw = text.get(bytes.clone())?;
        let apart = evasions.contains(Evasions::GAP) && raw.contains(char::is_whitespace);
        let unsure = evasions == Evasions::HOMOPHONE || apart && (!bounded(text, &bytes) || some_blanks(raw));
        if raw.chars().any(ignorable) {
            evasions = evasions.with(Evasions::INVISIBLE);
        }
        Some(Hit { word: index, units, evasions, unsure })
    }
}

/// Characters so common that they replace no other by sound on purpose.
pub(super) const FUNCTION_WORDS: [char; 72] = [
    '的', '了', '是', '在', '有', '和', '不', '人', '我', '他', '她', '它', '这', '那', '就', '也', '都', '与', '及',
    '或', '等', '到', '得', '地', '着', '过', '把', '被', '对', '从', '向', '为', '以', '于', '其', '之', '而', '但',
    '又', '已', '将', '可', '能', '会', '要', '请', '您', '你', '们', '个', '只', '各', '每', '更', '最', '很', '还',
    '再', '并', '及', '即', '如', '若', '则', '因', '由', '所', '无', '未', '去', '来', '里',
];
