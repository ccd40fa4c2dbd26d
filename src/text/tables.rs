//! The tables of single characters, as the build script wrote them.

use super::bytes::short;
use super::forms::EXPANSION;

/// Codes of the basic plane, two bytes each.
static CODES: &[u8; 0x20000] = include_bytes!(concat!(env!("OUT_DIR"), "/fold.bin"));

/// What some characters expand to, by code.
static EXPANSIONS: &[&[u16]] = &include!(concat!(env!("OUT_DIR"), "/expansions.in"));

/// Syllable ids of the basic plane, two bytes each.
static READINGS: &[u8; 0x20000] = include_bytes!(concat!(env!("OUT_DIR"), "/readings.bin"));

/// The code of a character of the basic plane.
#[inline]
pub fn code_of(at: usize) -> u16 {
    short(CODES, at)
}

/// What a code from [`EXPANSION`] on expands to.
pub fn expansion(code: u16) -> &'static [u16] {
    code.checked_sub(EXPANSION).and_then(|at| EXPANSIONS.get(usize::from(at))).copied().unwrap_or_default()
}

/// The syllable id of a unit; 0 when it has none.
#[inline]
pub fn reading_of(unit: u16) -> u16 {
    short(READINGS, usize::from(unit))
}

#[cfg(test)]
mod tests {
    use super::super::forms::{Table, readings};
    use super::*;

    #[test]
    fn the_built_tables_are_the_ones_made() {
        let table = Table::new();
        assert!((0..0x10000).all(|code| code_of(code) == table.codes[code]));
        assert!(EXPANSIONS.iter().map(|units| units.to_vec()).eq(table.expansions));
        assert!((0..=u16::MAX).map(reading_of).eq(readings()));
    }
}
