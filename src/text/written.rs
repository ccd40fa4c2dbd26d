//! How a word that was found is written, and whether it may be written so.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::finder::Found;
use super::fold::{View, ignorable, is_ascii, is_han};
use super::image::{Spelling, Word};
use super::lexicon::Evasions;
use super::matcher::{Hit, Matcher};

/// Whether letters with signs between are part of a longer list of such (`Pz_Pt_Sa`).
fn goes_on(text: &str, bytes: &Range<usize>) -> bool {
    let sign = |c: char| c.is_ascii_punctuation();
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    let after = text.get(bytes.end..).unwrap_or_default();
    let before = text.get(..bytes.start).unwrap_or_default();
    let inner: Vec<char> = text.get(bytes.clone()).unwrap_or_default().chars().filter(|c| sign(*c)).collect();
    let Some(gap) = inner.first().copied() else { return false };
    after.strip_prefix(gap).is_some_and(|rest| letter(rest.chars().next()))
        || before.strip_suffix(gap).is_some_and(|rest| letter(rest.chars().next_back()))
}

impl Matcher {
    /// Judges how a word found in the view is written.
    pub(super) fn accept(&self, text: &str, view: &View, found: Found) -> Option<Hit> {
        let (index, spelling) = self.image.pattern(found.id);
        let word = self.image.word(index);
        let mut evasions = Evasions::default();
        match spelling {
            Spelling::Plain => {}
            Spelling::Initials => evasions = evasions.with(Evasions::INITIALS),
            // Two syllables among letters alone are a name that programs use.
            Spelling::Pinyin if word.len() < 3 && !view.units.iter().any(|unit| is_han(*unit)) => return None,
            Spelling::Pinyin => evasions = evasions.with(Evasions::PINYIN),
        }
        let mut units = found.units;
        if found.repeated {
            evasions = evasions.with(Evasions::REPEAT);
        }
        units = self.widen(view, text, units, &mut evasions, &word);
        evasions = evasions.with(self.gaps(text, view, &units, &word)?);
        if !word.evade.contains(Evasions(evasions.0 & Evasions::ALL.0))
            || !whole_latin(text, view, &units)
            || !ends_with_sign(text, view, &units, word.text)
        {
            return None;
        }
        if spelling == Spelling::Initials
            && evasions.contains(Evasions::GAP)
            && goes_on(text, &view.bytes(text, units.clone()))
        {
            return None;
        }
        let raw = text.get(view.bytes(text, units.clone()))?;
        if raw.chars().any(ignorable) {
            evasions = evasions.with(Evasions::INVISIBLE);
        }
        if spelling == Spelling::Plain && evasions.is_empty() && raw != word.text {
            evasions = evasions.with(Evasions::FORM);
        }
        // What is held apart by spaces may end in the midst of a word, and so may two characters.
        let apart = evasions.contains(Evasions::GAP) && (units.len() == 2 || raw.contains(char::is_whitespace));
        let unsure = word.boundary && evasions.is_empty()
            || apart && (!bounded(text, &view.bytes(text, units.clone())) || some_blanks(raw));
        Some(Hit { word: index, units, evasions, unsure })
    }

    /// Takes in repeats of the first and last character when the word is written with repeats.
    fn widen(
        &self,
        view: &View,
        text: &str,
        units: Range<usize>,
        evasions: &mut Evasions,
        word: &Word<'_>,
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

    /// Whether what stands between the units of a word may be skipped; `None` when it may not.
    pub(super) fn gaps(&self, text: &str, view: &View, units: &Range<usize>, word: &Word<'_>) -> Option<Evasions> {
        let bytes = view.bytes(text, units.clone());
        let raw = text.get(bytes.clone())?;
        // The common case: as many characters as units. A ratio is none without its sign.
        if raw.chars().count() == units.len() {
            return (!is_ratio(word.text)).then_some(Evasions::default());
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
        if own_signs(text, view, units, word) {
            return Some(Evasions::default());
        }
        if gaps.iter().all(|gap| visible(gap) == 0) {
            return numbers.is_empty().then_some(Evasions::default());
        }
        if !word.evade.contains(Evasions::GAP) || numbers.iter().any(|gap| *gap != gaps[0]) {
            return None;
        }
        let boxed = gaps.iter().all(|gap| !gap.is_empty() && gap.chars().all(|c| BRACKETS.contains(&c)));
        let even = boxed || gaps.windows(2).all(|pair| pair[0] == pair[1]);
        let listed = even && self.listed(text, view, units, gaps[0]);
        // Two characters that stand free and have a bar or a bracket between are one word.
        let short = units.len() < 3
            && !(gaps[0].chars().all(|c| BARS.contains(&c) || BRACKETS.contains(&c)) && bounded(text, &bytes));
        // One blank in a long word: whether it parts one of its words is asked later, too.
        let blanks = !even && units.len() > 3 && gaps.iter().all(|gap| matches!(*gap, "" | " " | "\u{3000}"));
        for gap in &gaps {
            if visible(gap) > 4 || gap.contains(['\n', '\r', '\u{fffc}', '{', '}', '<', '>', '=', '"', '\'']) {
                return None;
            }
            let spaces = gap.chars().any(char::is_whitespace);
            let stops = gap.contains([
                '，', '。', '、', '；', '：', '！', '？', ',', ';', ':', '!', '?', '/', '／', '（', '）', '(', ')',
                '《', '》', '“', '”', '】', '【', '「', '」', '『', '』', '|', '｜', '#', '→',
            ]);
            if stops && (short && !listed || !even) || spaces && !even && !blanks {
                return None;
            }
            // Three characters held apart in running text are no accident.
            let apart = units.len() > 2 && even && gaps.len() + 1 == units.len();
            // Where words end beside two characters is asked later, and only where that decides.
            let pair = units.len() == 2 && gap.chars().all(|c| c == ' ' || c == '\u{3000}');
            if spaces && !apart && !pair && !blanks && !bounded(text, &bytes) {
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
}

/// Signs that part the characters of a word as bars do.
const BARS: [char; 6] = ['/', '／', '|', '｜', '#', '＃'];
/// Signs that hold one character of a word.
const BRACKETS: [char; 18] =
    ['（', '）', '(', ')', '【', '】', '[', ']', '「', '」', '『', '』', '《', '》', '〈', '〉', '“', '”'];

/// Whether blanks stand between some characters of a piece of text, and not between all.
pub(super) fn some_blanks(raw: &str) -> bool {
    let blank = |c: &char| c.is_whitespace();
    let parted = raw.split_whitespace().count();
    parted > 1
        && parted < raw.chars().filter(|c| !blank(c)).count()
        && raw.chars().all(|c| c.is_alphanumeric() || blank(&c))
}

/// Whether a range stands free on both sides.
pub fn bounded(text: &str, bytes: &Range<usize>) -> bool {
    let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    free(text.get(..bytes.start).and_then(|head| head.chars().next_back()))
        && free(text.get(bytes.end..).and_then(|rest| rest.chars().next()))
}

/// Whether a word has a sign between two digits of its own.
fn is_ratio(word: &str) -> bool {
    let mut before = ['a'; 2];
    word.chars().any(|c| {
        let found = before[0].is_ascii_digit() && !before[1].is_alphanumeric() && c.is_ascii_digit();
        before = [before[1], c];
        found
    })
}

/// Whether the signs between the units are those that the word itself is written with.
fn own_signs(text: &str, view: &View, units: &Range<usize>, word: &Word<'_>) -> bool {
    if word.text.chars().all(char::is_alphanumeric) {
        return false;
    }
    let own = View::new(word.text);
    let plain = |gap: &str| gap.chars().filter(|c| !ignorable(*c)).nfkc().collect::<String>();
    own.units.len() == units.len()
        && (1..units.len()).all(|at| plain(view.gap(text, units.start + at - 1)) == plain(own.gap(word.text, at - 1)))
}

/// Whether units stand side by side in the text.
pub fn adjacent(view: &View, text: &str, units: &Range<usize>) -> bool {
    (units.start..units.end.saturating_sub(1)).all(|at| view.gap(text, at).chars().all(ignorable))
}

/// Whether the sign that a word ends with stands behind it: "90%" is no "90后".
fn ends_with_sign(text: &str, view: &View, units: &Range<usize>, word: &str) -> bool {
    let Some(sign) = word.chars().next_back().filter(|sign| !sign.is_alphanumeric()) else { return true };
    let rest = text.get(view.bytes(text, units.clone()).end..).unwrap_or("");
    rest.chars().find(|c| !ignorable(*c)).is_some_and(|c| c == sign || std::iter::once(c).nfkc().next() == Some(sign))
}

/// Whether Latin letters and digits at the edges of a word are not part of a longer one.
pub fn whole_latin(text: &str, view: &View, units: &Range<usize>) -> bool {
    // Of any width: a unit is the plain form.
    let joins = |inner: u16, outer: u16, gap: &str| {
        is_ascii(inner) && is_ascii(outer) && gap.is_empty() && (inner >= u16::from(b'a')) == (outer >= u16::from(b'a'))
    };
    let all = &view.units;
    let before = units.start.checked_sub(1);
    !before.is_some_and(|at| joins(all[units.start], all[at], view.gap(text, at)))
        && !all.get(units.end).is_some_and(|next| joins(all[units.end - 1], *next, view.gap(text, units.end - 1)))
}
