//! Finds the words of a plain list in a text as it stands, ASCII letters in either case. Built in one pass over the list, so that
//! lists of thousands cost next to nothing at start, where automata cost tens of milliseconds.

use std::borrow::Cow;
use std::ops::Range;

use rustc_hash::FxHashMap;

/// Bits of the map from first bytes to "some word starts so".
const MAP_BITS: u32 = 14;
/// First bytes that a word is looked up by, for long, middling and tiny words.
const HEADS: [usize; 3] = [6, 3, 1];

/// A list of words, ready to search.
#[derive(Debug, Default)]
pub struct Words {
    heads: [Heads; 3],
    /// Words in lower case, by id: bytes, and where each ends.
    pool: Vec<u8>,
    ends: Vec<u32>,
}

#[derive(Debug, Default)]
struct Heads {
    map: Vec<u64>,
    /// First bytes to a range of `order`.
    table: FxHashMap<u64, (u32, u32)>,
    /// Ids by first bytes, longer words first, then by id.
    order: Vec<u32>,
}

/// A text in lower case; as it is where no character of it has another: only large ASCII and what stands outside of U+3000 to
/// U+9FFF may.
pub fn lower(text: &str) -> Cow<'_, str> {
    let cased = |byte: u8| byte.is_ascii_uppercase() || (byte >= 0xC0 && !(0xE3..=0xE9).contains(&byte));
    if text.bytes().any(cased) { text.to_lowercase().into() } else { text.into() }
}

/// A word found: its place in the list, and the bytes it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordFound {
    /// Index in the list.
    pub id: usize,
    /// Bytes of the text.
    pub range: Range<usize>,
}

fn bit(head: u64) -> usize {
    (head.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - MAP_BITS)) as usize
}

/// The first `length` bytes of eight.
fn head(bytes: u64, length: usize) -> u64 {
    bytes & (u64::MAX >> (64 - 8 * length))
}

/// Eight bytes from a place, zeros past the end.
fn eight(bytes: &[u8], at: usize) -> u64 {
    if let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| chunk.try_into().ok()) {
        return u64::from_le_bytes(chunk);
    }
    let mut chunk = [0; 8];
    for (to, from) in chunk.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_le_bytes(chunk)
}

impl Words {
    /// Indexes words; ids are their places in the list. An empty word is never found.
    pub fn new<W: AsRef<str>>(list: impl IntoIterator<Item = W>) -> Self {
        let (mut pool, mut ends) = (Vec::new(), Vec::new());
        let mut keyed: [Vec<(u64, u32, u32)>; 3] = Default::default();
        for (id, word) in list.into_iter().enumerate() {
            let start = pool.len();
            pool.extend(word.as_ref().bytes().map(|byte| byte.to_ascii_lowercase()));
            ends.push(pool.len() as u32);
            let word = &pool[start..];
            if let Some(class) = HEADS.iter().position(|length| word.len() >= *length) {
                let key = head(eight(word, 0), HEADS[class]);
                keyed[class].push((key, u32::MAX - word.len() as u32, id as u32));
            }
        }
        let heads = keyed.map(|mut keyed| {
            let mut heads = Heads::default();
            if keyed.is_empty() {
                return heads;
            }
            keyed.sort_unstable();
            heads.map = vec![0; 1 << (MAP_BITS - 6)];
            heads.table.reserve(keyed.len());
            for (at, (key, _, _)) in keyed.iter().enumerate() {
                let bit = bit(*key);
                heads.map[bit / 64] |= 1 << (bit % 64);
                heads.table.entry(*key).or_insert((at as u32, 0)).1 = at as u32 + 1;
            }
            heads.order = keyed.into_iter().map(|(_, _, id)| id).collect();
            heads
        });
        Self { heads, pool, ends }
    }

    fn word(&self, id: usize) -> &[u8] {
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.pool[start as usize..self.ends[id] as usize]
    }

    /// Words that start at a place, by class of length, the longest first in each. Stops when `found` says so.
    fn at(&self, bytes: &[u8], at: usize, mut found: impl FnMut(usize, usize) -> bool) {
        let eight = eight(bytes, at);
        for (heads, length) in self.heads.iter().zip(HEADS) {
            if heads.map.is_empty() {
                continue;
            }
            let key = head(eight, length);
            let bit = bit(key);
            if heads.map[bit / 64] & (1 << (bit % 64)) == 0 {
                continue;
            }
            let Some((from, to)) = heads.table.get(&key) else { continue };
            for id in &heads.order[*from as usize..*to as usize] {
                let word = self.word(*id as usize);
                if bytes[at..].starts_with(word) && !found(*id as usize, at + word.len()) {
                    return;
                }
            }
        }
    }

    /// Every word at every place, overlapping ones too, by start.
    pub fn all(&self, text: &str, mut found: impl FnMut(WordFound)) {
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        for at in 0..bytes.len() {
            self.at(bytes, at, |id, end| {
                found(WordFound { id, range: at..end });
                true
            });
        }
    }

    /// Words first to last without overlaps, the longest at each place.
    pub fn longest(&self, text: &str) -> Vec<WordFound> {
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let mut next = at + 1;
            self.at(bytes, at, |id, end| {
                out.push(WordFound { id, range: at..end });
                next = end;
                false
            });
            at = next;
        }
        out
    }

    /// Whether any word stands in a text.
    pub fn is_in(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let mut any = false;
        for at in 0..bytes.len() {
            self.at(bytes, at, |_, _| {
                any = true;
                false
            });
            if any {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lower_case_is_that_of_the_library() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = String::from(c);
            assert_eq!(lower(&text), text.to_lowercase(), "U+{:04X}", c as u32);
        }
        assert!(matches!(lower("隐私 policy 《协议》"), Cow::Borrowed(_)));
    }

    #[test]
    fn agrees_with_an_automaton() {
        let word = prop::collection::vec(prop::sample::select(vec!['a', 'B', '红', '包', '雨', 'é', '1']), 1..5);
        let words = prop::collection::vec(word, 0..12);
        let text =
            prop::collection::vec(prop::sample::select(vec!['A', 'b', '红', '包', '雨', 'É', 'é', '1', ' ']), 0..40);
        proptest!(ProptestConfig::with_cases(512), |(words in words, text in text)| {
            let words: Vec<String> = words.into_iter().map(|word| word.into_iter().collect()).collect();
            let text: String = text.into_iter().collect();
            let own = Words::new(&words);
            let build = |kind| AhoCorasick::builder().match_kind(kind).ascii_case_insensitive(true).build(&words).unwrap();
            let longest: Vec<(usize, Range<usize>)> =
                own.longest(&text).into_iter().map(|found| (found.id, found.range)).collect();
            let expected: Vec<(usize, Range<usize>)> = build(MatchKind::LeftmostLongest)
                .find_iter(&text)
                .map(|hit| (hit.pattern().as_usize(), hit.range()))
                .collect();
            prop_assert_eq!(&longest, &expected);
            prop_assert_eq!(own.is_in(&text), !expected.is_empty());
            let mut all = Vec::new();
            own.all(&text, |found| all.push((found.range.start, found.range.end, found.id)));
            let mut expected: Vec<_> = build(MatchKind::Standard)
                .find_overlapping_iter(&text)
                .map(|hit| (hit.start(), hit.end(), hit.pattern().as_usize()))
                .collect();
            all.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
        });
    }
}
