//! WeChat's `.wxapkg`, the plain form, all numbers big-endian:
//!
//! ```text
//! u8   0xBE
//! u32  kind (0 for a package, 1 for one with a signature)
//! u32  bytes of the table: from the count to the end of the last row
//! u32  bytes of the bodies
//! u8   0xED
//! u32  count
//! rows: u32 length of the name, name in UTF-8 (starts with '/'), u32 offset from the file's start, u32 size
//! bodies
//! ```

use super::Intake;
use crate::package::SkipReason;

/// Bytes of a row without its name.
const ROW: usize = 12;
/// Longest name that is taken.
const MAX_NAME: usize = 4096;

/// Whether bytes start like one.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.len() >= 18 && bytes[0] == 0xbe && bytes[13] == 0xed
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let raw: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(raw)).ok()
}

/// Lists one.
pub(super) fn list(bytes: &[u8], intake: &mut Intake<'_>) {
    let count = number(bytes, 14).unwrap_or(0);
    let mut at = 18;
    let mut rows: Vec<(String, usize, usize)> = Vec::new();
    for _ in 0..count.min(bytes.len() / ROW + 1) {
        let Some(row) = row(bytes, &mut at) else {
            intake.broken(SkipReason::BadEntry);
            break;
        };
        rows.push(row);
    }
    if rows.len() < count && intake.listing.broken.is_empty() {
        intake.broken(SkipReason::BadEntry);
    }
    // Bodies begin behind the table; one that reaches into it or into another is a trick.
    let mut order: Vec<usize> = (0..rows.len()).filter(|index| rows[*index].2 > 0).collect();
    order.sort_by_key(|index| (rows[*index].1, *index));
    let mut overlaps = vec![false; rows.len()];
    let mut end = at;
    for index in order {
        let (_, offset, size) = rows[index];
        overlaps[index] = offset < end;
        end = end.max(offset.saturating_add(size));
    }
    for (index, (path, offset, size)) in rows.into_iter().enumerate() {
        let Some(path) = intake.admit(path.trim_start_matches('/'), size as u64) else { continue };
        let body = offset.checked_add(size).and_then(|end| bytes.get(offset..end));
        let result = match body {
            _ if overlaps[index] => Err(SkipReason::Overlap),
            Some(body) => intake.take(&path, body, size as u64, size as u64),
            None => Err(SkipReason::BadEntry),
        };
        if let Err(reason) = result {
            intake.skip(&path, reason, size as u64);
        }
    }
}

fn row(bytes: &[u8], at: &mut usize) -> Option<(String, usize, usize)> {
    let length = number(bytes, *at).filter(|length| *length <= MAX_NAME)?;
    let name = bytes.get(*at + 4..*at + 4 + length)?;
    let offset = number(bytes, *at + 4 + length)?;
    let size = number(bytes, *at + 8 + length)?;
    *at += ROW + length;
    Some((super::name(name), offset, size))
}
