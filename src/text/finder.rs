//! Finds all words of a set in a sequence of units: the one interface to the automaton.
//!
//! Words are looked up by their first two units, behind a bit map that fits the first-level cache. Over ideographs two units
//! are so selective that this is faster than an Aho–Corasick automaton of the same words and far quicker to build; a
//! candidate is compared unit by unit, which also lets it tolerate repeated characters. The set is a piece of bytes that is
//! searched as it lies, so that the build script can make it and no start has to.

use std::ops::Range;

use super::bytes::{long, longs, short};
use super::fold::is_ascii;

/// Bits of the map from two units to "some word starts so".
const MAP_BITS: u32 = 18;
const MAP_BYTES: usize = 1 << (MAP_BITS - 3);
/// Bytes of a row of the table: two first units, and the range of the order that starts so.
const ROW: usize = 12;
/// Bytes of a word in the order: where in the pool it stands, its length and its id.
const PLACE: usize = 12;
/// Bytes of a word of one unit: unit and id.
const SINGLE: usize = 8;
/// Counts before the parts: rows, words, words of one unit, units in the pool.
const HEAD: usize = 16;
const SINGLE_MAP_BYTES: usize = 1 << 13;

/// Words to be indexed, one behind the other.
#[derive(Debug, Default)]
pub struct Words {
    /// Units of all words, and of the one that is being written.
    pub pool: Vec<u16>,
    ends: Vec<(u32, u32)>,
}

impl Words {
    /// Words with their ids.
    pub fn new(words: impl IntoIterator<Item = (Vec<u16>, u32)>) -> Self {
        let mut list = Self::default();
        for (units, id) in words {
            list.push(units, id);
        }
        list
    }

    /// Ends the word that is being written and gives it its id.
    pub fn close(&mut self, id: u32) {
        self.ends.push((self.pool.len() as u32, id));
    }

    /// Adds a word.
    pub fn push(&mut self, units: impl IntoIterator<Item = u16>, id: u32) {
        self.pool.extend(units);
        self.close(id);
    }

    /// The words as bytes that a [`Finder`] reads; empty ones are left out.
    pub fn index(self) -> Vec<u8> {
        // By first two units, longer words first, then by id; one number is quicker to sort by than three.
        let mut keyed: Vec<(u64, u32, u16, u32)> = Vec::with_capacity(self.ends.len());
        let mut singles: Vec<(u16, u32)> = Vec::new();
        let mut start = 0u32;
        for (end, id) in self.ends {
            match &self.pool[start as usize..end as usize] {
                [] => {}
                [one] => singles.push((*one, id)),
                [first, second, ..] => {
                    let key = u32::from(*first) << 16 | u32::from(*second);
                    let length = (end - start).min(u32::from(u16::MAX)) as u16;
                    let order = u64::from(63 - length.min(63)) << 26 | u64::from(id & 0x3FF_FFFF);
                    keyed.push((u64::from(key) << 32 | order, start, length, id));
                }
            }
            start = end;
        }
        keyed.sort_unstable_by_key(|(order, ..)| *order);
        singles.sort_unstable();
        let mut map = Vec::new();
        let mut rows: Vec<[u32; 3]> = Vec::new();
        if !keyed.is_empty() {
            map = vec![0u8; MAP_BYTES];
            let keys = keyed.chunk_by(|a, b| a.0 >> 32 == b.0 >> 32).count();
            let size = (keys * 2).next_power_of_two().max(16);
            rows = vec![[0; 3]; size];
            let mut at = 0;
            for same in keyed.chunk_by(|a, b| a.0 >> 32 == b.0 >> 32) {
                let key = (same[0].0 >> 32) as u32;
                let hash = hash((key >> 16) as u16, key as u16);
                let bit = (hash >> (32 - MAP_BITS)) as usize;
                map[bit / 8] |= 1 << (bit % 8);
                let mut slot = hash.rotate_left(16) as usize & (size - 1);
                while rows[slot][2] != 0 {
                    slot = (slot + 1) & (size - 1);
                }
                rows[slot] = [key, at, at + same.len() as u32];
                at += same.len() as u32;
            }
        }
        let mut out = Vec::new();
        longs([rows.len() as u32, keyed.len() as u32, singles.len() as u32, self.pool.len() as u32], &mut out);
        out.extend_from_slice(&map);
        longs(rows.into_iter().flatten(), &mut out);
        longs(keyed.iter().flat_map(|(_, start, length, id)| [*start, u32::from(*length), *id]), &mut out);
        if !singles.is_empty() {
            let mut map = vec![0u8; SINGLE_MAP_BYTES];
            for (unit, _) in &singles {
                map[usize::from(*unit) / 8] |= 1 << (unit % 8);
            }
            out.extend_from_slice(&map);
        }
        longs(singles.iter().flat_map(|(unit, id)| [u32::from(*unit), *id]), &mut out);
        out.extend(self.pool.iter().flat_map(|unit| unit.to_le_bytes()));
        out
    }
}

/// A set of words, ready to search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finder<'b> {
    map: Option<&'b [u8; MAP_BYTES]>,
    /// Open addressing by first two units.
    rows: &'b [u8],
    mask: usize,
    /// Words by first two units, the longest first.
    order: &'b [u8],
    /// Words of one unit: sorted.
    singles: &'b [u8],
    single_map: &'b [u8],
    pool: &'b [u8],
}

/// A word found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The id that the word was given.
    pub id: u32,
    /// The units it covers.
    pub units: Range<usize>,
    /// Whether characters were repeated in it.
    pub repeated: bool,
}

fn hash(first: u16, second: u16) -> u32 {
    (u32::from(first).wrapping_mul(0x9E37_79B1)).wrapping_add(u32::from(second).wrapping_mul(0x85EB_CA6B))
}

impl<'b> Finder<'b> {
    /// Reads what [`Words::index`] wrote.
    pub fn new(bytes: &'b [u8]) -> Self {
        let count = |at: usize| long(bytes, at) as usize;
        let (rows, order, singles, pool) = (count(0), count(1), count(2), count(3));
        let mut at = HEAD;
        let mut take = |length: usize| {
            let part = bytes.get(at..at + length).unwrap_or_default();
            at += length;
            part
        };
        let map = if rows == 0 { None } else { take(MAP_BYTES).try_into().ok() };
        Self {
            map,
            rows: take(rows * ROW),
            mask: rows.wrapping_sub(1),
            order: take(order * PLACE),
            single_map: if singles == 0 { &[] } else { take(SINGLE_MAP_BYTES) },
            singles: take(singles * SINGLE),
            pool: take(pool * 2),
        }
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.singles.is_empty()
    }

    /// Every word in `units`, by start.
    pub fn find(&self, units: &[u16], mut found: impl FnMut(Found)) {
        if !self.singles.is_empty() {
            self.find_singles(units, &mut found);
        }
        let Some(map) = self.map else { return };
        for (at, pair) in units.windows(2).enumerate() {
            let hash = hash(pair[0], pair[1]);
            let bit = hash >> (32 - MAP_BITS);
            if map[bit as usize / 8] & (1 << (bit % 8)) != 0 {
                self.candidates(units, at, hash, &mut found);
            }
        }
    }

    fn find_singles(&self, units: &[u16], found: &mut impl FnMut(Found)) {
        let (words, _) = self.singles.as_chunks::<SINGLE>();
        for (at, unit) in units.iter().enumerate() {
            if self.single_map.get(usize::from(*unit) / 8).is_none_or(|byte| byte & (1 << (unit % 8)) == 0) {
                continue;
            }
            let unit = u32::from(*unit);
            let from = words.partition_point(|word| long(word, 0) < unit);
            for word in words[from..].iter().take_while(|word| long(*word, 0) == unit) {
                found(Found { id: long(word, 1), units: at..at + 1, repeated: false });
            }
        }
    }

    fn candidates(&self, units: &[u16], at: usize, hash: u32, found: &mut impl FnMut(Found)) {
        let key = u32::from(units[at]) << 16 | u32::from(units[at + 1]);
        let mut slot = hash.rotate_left(16) as usize & self.mask;
        loop {
            let Some(row) = self.rows.get(slot * ROW..slot * ROW + ROW) else { return };
            let (own, from, to) = (long(row, 0), long(row, 1) as usize, long(row, 2) as usize);
            if to == 0 {
                return;
            }
            if own == key {
                let places = self.order.get(from * PLACE..to * PLACE).unwrap_or_default();
                for place in places.as_chunks::<PLACE>().0 {
                    let start = long(place, 0) as usize;
                    let word = start..start + long(place, 1) as usize;
                    if let Some((end, repeated)) = self.matches(word, units, at) {
                        found(Found { id: long(place, 2), units: at..end, repeated });
                    }
                }
                return;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// Compares a word with units, whose ideographs may each be repeated a few times.
    fn matches(&self, word: Range<usize>, units: &[u16], at: usize) -> Option<(usize, bool)> {
        let mut index = at + 2;
        let mut repeated = false;
        for place in word.start + 2..word.end {
            let expected = short(self.pool, place);
            let mut extra = 0;
            loop {
                let unit = *units.get(index)?;
                index += 1;
                if unit == expected {
                    break;
                }
                if unit != units[index - 2] || is_ascii(unit) || extra == 8 {
                    return None;
                }
                extra += 1;
                repeated = true;
            }
        }
        Some((index, repeated))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<(u32, Range<usize>, bool)> {
        let index = Words::new(words.iter().enumerate().map(|(id, word)| (fold(word), id as u32))).index();
        let mut out = Vec::new();
        Finder::new(&index).find(&fold(text), |one| out.push((one.id, one.units, one.repeated)));
        out
    }

    #[test]
    fn finds_overlapping_words_and_single_ones() {
        assert_eq!(found(&["红包", "红包雨", "雨"], "红包雨"), [(2, 2..3, false), (1, 0..3, false), (0, 0..2, false)]);
    }

    #[test]
    fn tolerates_repeats() {
        assert_eq!(found(&["红包雨"], "红包包包雨"), [(0, 0..5, true)]);
        assert_eq!(found(&["天天乐"], "天天天乐"), [(0, 0..4, true), (0, 1..4, false)]);
        assert_eq!(found(&["a1b"], "a11b"), []);
    }

    #[test]
    fn bytes_of_another_kind_find_nothing() {
        for bytes in [&b""[..], b"\x01\0\0\0", b"\xff\xff\xff\0\xff\xff\xff\0\xff\xff\xff\0\xff\xff\xff\0abc"] {
            Finder::new(bytes).find(&[0x7ea2, 0x5305, 0x96e8], |found| panic!("{found:?}"));
        }
    }
}
