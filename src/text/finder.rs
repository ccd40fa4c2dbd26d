//! Finds all words of a set in a sequence of units: the one interface to the automaton.
//!
//! Words are looked up by their first two units, behind a bit map that fits the first-level cache. Over ideographs two units
//! are so selective that this is faster than an Aho–Corasick automaton of the same words and far quicker to build; a
//! candidate is compared unit by unit, which also lets it tolerate repeated characters.

use std::ops::Range;

use super::fold::is_ascii;

/// Bits of the map from two units to "some word starts so".
const MAP_BITS: u32 = 18;

/// A set of words, ready to search.
#[derive(Debug, Default)]
pub struct Finder {
    map: Vec<u64>,
    /// Open addressing: two first units, and the range of `order` that starts so.
    table: Vec<(u32, u32, u32)>,
    mask: u32,
    /// Words of one unit: sorted.
    singles: Vec<(u16, u32)>,
    single_map: Vec<u64>,
    pool: Vec<u16>,
    /// By first two units: where in the pool the word stands, and its id.
    order: Vec<(u32, u16, u32)>,
}

/// Words to be indexed, one behind the other.
#[derive(Debug, Default)]
pub struct Words {
    /// Units of all words, and of the one that is being written.
    pub pool: Vec<u16>,
    ends: Vec<(u32, u32)>,
}

impl Words {
    /// Ends the word that is being written and gives it its id.
    pub fn close(&mut self, id: u32) {
        self.ends.push((self.pool.len() as u32, id));
    }

    /// Adds a word.
    pub fn push(&mut self, units: impl IntoIterator<Item = u16>, id: u32) {
        self.pool.extend(units);
        self.close(id);
    }
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

impl Finder {
    /// Indexes words; empty ones are left out.
    pub fn new(words: impl IntoIterator<Item = (Vec<u16>, u32)>) -> Self {
        let mut list = Words::default();
        for (units, id) in words {
            list.pool.extend_from_slice(&units);
            list.close(id);
        }
        Self::of(list)
    }

    /// Indexes a list of words.
    pub fn of(list: Words) -> Self {
        let mut finder = Self { pool: list.pool, ..Self::default() };
        // By first two units, longer words first, then by id; one number is quicker to sort by than three.
        let mut keyed: Vec<(u64, u32, u16, u32)> = Vec::with_capacity(list.ends.len());
        let mut start = 0u32;
        for (end, id) in list.ends {
            match &finder.pool[start as usize..end as usize] {
                [] => {}
                [one] => finder.singles.push((*one, id)),
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
        finder.singles.sort_unstable();
        if !finder.singles.is_empty() {
            finder.single_map = vec![0; 1024];
            for (unit, _) in &finder.singles {
                finder.single_map[usize::from(*unit) / 64] |= 1 << (unit % 64);
            }
        }
        if !keyed.is_empty() {
            finder.map = vec![0; 1 << (MAP_BITS - 6)];
            let size = (keyed.len() * 2).next_power_of_two().max(16);
            finder.mask = size as u32 - 1;
            finder.table = vec![(0, 0, 0); size];
            let mut at = 0;
            while at < keyed.len() {
                let key = (keyed[at].0 >> 32) as u32;
                let end = at + keyed[at..].iter().take_while(|entry| (entry.0 >> 32) as u32 == key).count();
                let hash = hash((key >> 16) as u16, key as u16);
                let bit = hash >> (32 - MAP_BITS);
                finder.map[bit as usize / 64] |= 1 << (bit % 64);
                let mut slot = hash.rotate_left(16) & finder.mask;
                while finder.table[slot as usize].2 != 0 {
                    slot = (slot + 1) & finder.mask;
                }
                finder.table[slot as usize] = (key, at as u32, end as u32);
                at = end;
            }
            finder.order = keyed.into_iter().map(|(_, start, length, id)| (start, length, id)).collect();
        }
        finder
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
        if self.map.is_empty() {
            return;
        }
        for at in 0..units.len().saturating_sub(1) {
            let (first, second) = (units[at], units[at + 1]);
            let hash = hash(first, second);
            let bit = hash >> (32 - MAP_BITS);
            if self.map[bit as usize / 64] & (1 << (bit % 64)) != 0 {
                self.candidates(units, at, hash, &mut found);
            }
        }
    }

    fn find_singles(&self, units: &[u16], found: &mut impl FnMut(Found)) {
        for (at, unit) in units.iter().enumerate() {
            if self.single_map[usize::from(*unit) / 64] & (1 << (unit % 64)) == 0 {
                continue;
            }
            let from = self.singles.partition_point(|(other, _)| other < unit);
            for (_, id) in self.singles[from..].iter().take_while(|(other, _)| other == unit) {
                found(Found { id: *id, units: at..at + 1, repeated: false });
            }
        }
    }

    fn candidates(&self, units: &[u16], at: usize, hash: u32, found: &mut impl FnMut(Found)) {
        let key = u32::from(units[at]) << 16 | u32::from(units[at + 1]);
        let mut slot = hash.rotate_left(16) & self.mask;
        loop {
            let (own, from, to) = self.table[slot as usize];
            if to == 0 {
                return;
            }
            if own == key {
                for (start, length, id) in &self.order[from as usize..to as usize] {
                    let word = &self.pool[*start as usize..*start as usize + usize::from(*length)];
                    if let Some((end, repeated)) = matches(word, units, at) {
                        found(Found { id: *id, units: at..end, repeated });
                    }
                }
                return;
            }
            slot = (slot + 1) & self.mask;
        }
    }
}

/// Compares a word with units, whose ideographs may each be repeated a few times.
fn matches(word: &[u16], units: &[u16], at: usize) -> Option<(usize, bool)> {
    let mut index = at + 2;
    let mut repeated = false;
    for expected in &word[2..] {
        let mut extra = 0;
        loop {
            let unit = *units.get(index)?;
            index += 1;
            if unit == *expected {
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

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<(u32, Range<usize>, bool)> {
        let finder = Finder::new(words.iter().enumerate().map(|(id, word)| (fold(word), id as u32)));
        let mut out = Vec::new();
        finder.find(&fold(text), |one| out.push((one.id, one.units, one.repeated)));
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
}
