//! Numbers that lie in bytes and are read in place.

/// The number at an index, four bytes each; 0 past the end.
#[inline]
pub fn long(bytes: &[u8], at: usize) -> u32 {
    let chunk = at.checked_mul(4).and_then(|at| bytes.get(at..at.checked_add(4)?));
    chunk.and_then(|chunk| chunk.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// The number at an index, two bytes each; 0 past the end.
#[inline]
pub fn short(bytes: &[u8], at: usize) -> u16 {
    let chunk = at.checked_mul(2).and_then(|at| bytes.get(at..at.checked_add(2)?));
    chunk.and_then(|chunk| chunk.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// Appends numbers of four bytes.
pub fn longs(numbers: impl IntoIterator<Item = u32>, out: &mut Vec<u8>) {
    out.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
}
