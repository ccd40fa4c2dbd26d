//! Word boundaries, by a segmenter that is loaded at first use.

use std::ops::Range;
use std::sync::LazyLock;

use jieba_rs::Jieba;

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Whether an edge of `range` lies inside a word of ordinary Chinese, so that what stands there is an accident.
pub fn crosses(text: &str, range: &Range<usize>) -> bool {
    let stop = |c: char| !c.is_alphanumeric();
    let head = text.get(..range.start).unwrap_or("");
    let tail = text.get(range.end..).unwrap_or("");
    // A few characters around say where words end.
    let start =
        head.char_indices().rev().take(12).take_while(|(_, c)| !stop(*c)).last().map_or(range.start, |(at, _)| at);
    let end = range.end
        + tail.char_indices().take(12).take_while(|(_, c)| !stop(*c)).last().map_or(0, |(at, c)| at + c.len_utf8());
    let Some(clause) = text.get(start..end) else { return false };
    let (from, to) = (range.start - start, range.end - start);
    let mut at = 0;
    let (mut opens, mut closes) = (from == 0, to == clause.len());
    for token in JIEBA.cut(clause, false) {
        opens |= at == from;
        at += token.word.len();
        closes |= at == to;
    }
    !(opens && closes)
}

/// Whether blanks in `range` part a word of ordinary Chinese, where others stand between two: `出售 银行卡` is two entries of a list,
/// `毕业 证代办` hides one.
pub fn parts_word(text: &str, range: &Range<usize>) -> bool {
    let Some(surface) = text.get(range.clone()) else { return false };
    let mut joined = String::with_capacity(surface.len());
    let mut blanks = Vec::new();
    for c in surface.chars() {
        if c.is_whitespace() {
            blanks.push(joined.len());
        } else {
            joined.push(c);
        }
    }
    let mut at = 0;
    let mut ends = Vec::new();
    for token in JIEBA.cut(&joined, false) {
        at += token.word.len();
        ends.push(at);
    }
    blanks.iter().any(|blank| !ends.contains(blank))
}

/// From this count on in the segmenter's dictionary a word is one of everyday.
const COMMON: usize = 4000;

/// Whether what stands at `range` is everyday wording that only sounds like `term`: the words with other characters are common
/// ones, and the rest of it is whole words, where a disguise leaves fragments.
pub fn ordinary(text: &str, range: &Range<usize>, term: &str) -> bool {
    let Some(surface) = text.get(range.clone()) else { return false };
    if surface.chars().count() != term.chars().count() {
        return false;
    }
    let mut expected = term.chars();
    JIEBA.cut(surface, false).iter().all(|token| {
        let mut length = 0;
        let same = token.word.chars().fold(true, |same, c| {
            length += 1;
            same & (expected.next() == Some(c))
        });
        if same { length > 1 } else { JIEBA.suggest_freq(token.word) >= COMMON }
    })
}
