//! Zip, by its central directory, with own checks: entries of one name, entries that share bytes, and local headers
//! that say something else are how one archive shows two programs to two readers.

use super::{Intake, name};
use crate::package::SkipReason;

/// The end record without its comment.
const END: usize = 22;
/// A row of the directory without its name and extras.
const ROW: usize = 46;
/// A local header without its name and extras.
const LOCAL: usize = 30;

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Where the directory lies.
struct Directory {
    /// Its first byte.
    start: usize,
    /// One past its last byte.
    end: usize,
    /// Entries that it claims.
    count: u64,
    /// What offsets miss when something stands before the archive.
    shift: u64,
}

fn directory(bytes: &[u8]) -> Option<Directory> {
    let last = bytes.len().checked_sub(END)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(|at| {
        bytes[*at..].starts_with(b"PK\x05\x06")
            && u16_at(bytes, at + 20).is_some_and(|comment| at + END + usize::from(comment) <= bytes.len())
    })?;
    let mut count = u64::from(u16_at(bytes, at + 10)?);
    let mut size = u64::from(u32_at(bytes, at + 12)?);
    let mut offset = u64::from(u32_at(bytes, at + 16)?);
    let mut end = at;
    let wide = count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff;
    if wide && let Some(locator) = at.checked_sub(20).filter(|locator| bytes[*locator..].starts_with(b"PK\x06\x07")) {
        let told = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
        // Without anything before the archive it stands where the locator says; else right before the locator.
        let record = [told, locator.checked_sub(56)?]
            .into_iter()
            .find(|record| bytes.get(*record..).is_some_and(|rest| rest.starts_with(b"PK\x06\x06")))?;
        count = u64_at(bytes, record + 32)?;
        size = u64_at(bytes, record + 40)?;
        offset = u64_at(bytes, record + 48)?;
        end = record;
    }
    let start = (end as u64).checked_sub(size)?;
    let shift = start.checked_sub(offset)?;
    Some(Directory { start: usize::try_from(start).ok()?, end, count, shift })
}

/// A row of the directory.
struct Row<'b> {
    raw_name: &'b [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
    link: bool,
}

fn row<'b>(bytes: &'b [u8], at: &mut usize, end: usize) -> Option<Row<'b>> {
    let start = *at;
    if !bytes.get(start..end)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let lengths = [28, 30, 32].map(|field| u16_at(bytes, start + field).map_or(0, usize::from));
    let extras = start + ROW + lengths[0];
    let next = extras + lengths[1] + lengths[2];
    if next > end {
        return None;
    }
    let mut row = Row {
        raw_name: bytes.get(start + ROW..extras)?,
        flags: u16_at(bytes, start + 8)?,
        method: u16_at(bytes, start + 10)?,
        crc: u32_at(bytes, start + 16)?,
        packed: u64::from(u32_at(bytes, start + 20)?),
        size: u64::from(u32_at(bytes, start + 24)?),
        offset: u64::from(u32_at(bytes, start + 42)?),
        // Made on Unix (3) or macOS (19): the type of the file in the upper half.
        link: matches!(bytes.get(start + 5), Some(3 | 19)) && u32_at(bytes, start + 38)? >> 28 == 0o12,
    };
    wide(&mut row, bytes.get(extras..extras + lengths[1])?);
    *at = next;
    Some(row)
}

/// Sizes beyond 32 bits.
fn wide(row: &mut Row<'_>, mut extra: &[u8]) {
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some(field) = extra.get(4..4 + usize::from(length)) else { return };
        if id == 1 {
            let mut at = 0;
            for value in [&mut row.size, &mut row.packed, &mut row.offset] {
                if *value == 0xffff_ffff
                    && let Some(found) = u64_at(field, at)
                {
                    *value = found;
                    at += 8;
                }
            }
            return;
        }
        extra = &extra[4 + usize::from(length)..];
    }
}

/// Where the bytes of an entry lie; `None` when its local header is not there or tells another name.
fn body(bytes: &[u8], row: &Row<'_>, directory: &Directory) -> Option<(usize, usize, usize)> {
    let header = usize::try_from(row.offset.checked_add(directory.shift)?).ok()?;
    if !bytes.get(header..)?.starts_with(b"PK\x03\x04") {
        return None;
    }
    let name = usize::from(u16_at(bytes, header + 26)?);
    let extra = usize::from(u16_at(bytes, header + 28)?);
    if bytes.get(header + LOCAL..header + LOCAL + name)? != row.raw_name || u16_at(bytes, header + 8)? != row.method {
        return None;
    }
    let start = header + LOCAL + name + extra;
    let end = start.checked_add(usize::try_from(row.packed).ok()?)?;
    (end <= directory.start).then_some((header, start, end))
}

/// Lists one.
pub(super) fn list(bytes: &[u8], intake: &mut Intake<'_>) {
    let Some(directory) = directory(bytes) else { return intake.broken(SkipReason::BadEntry) };
    let mut at = directory.start;
    let mut rows = Vec::new();
    while at < directory.end {
        if rows.len() > intake.limits.max_files.saturating_mul(2) {
            intake.broken(SkipReason::TooMany);
            break;
        }
        match row(bytes, &mut at, directory.end) {
            Some(row) => rows.push(row),
            None => {
                // A signature of the directory is allowed behind its rows.
                if !bytes[at..].starts_with(b"PK\x05\x05") {
                    intake.broken(SkipReason::BadEntry);
                }
                break;
            }
        }
    }
    if rows.len() as u64 != directory.count && intake.listing.broken.is_empty() {
        intake.broken(SkipReason::BadEntry);
    }
    let bodies: Vec<_> = rows.iter().map(|row| body(bytes, row, &directory)).collect();
    let mut order: Vec<usize> = (0..rows.len()).filter(|index| bodies[*index].is_some()).collect();
    order.sort_by_key(|index| (bodies[*index].map(|body| body.0), *index));
    let mut overlaps = vec![false; rows.len()];
    let mut reach = 0;
    for index in order {
        let Some((header, _, end)) = bodies[index] else { continue };
        overlaps[index] = header < reach;
        reach = reach.max(end);
    }
    for (index, row) in rows.iter().enumerate() {
        let path = name(row.raw_name);
        if path.ends_with(['/', '\\']) && row.size == 0 {
            if super::safe_path(&path).is_none() && !path.trim_matches(['.', '/', '\\']).is_empty() {
                intake.admit(&path, 0);
            }
            continue;
        }
        let Some(path) = intake.admit(&path, row.size) else { continue };
        if let Err(reason) = entry(bytes, row, bodies[index], overlaps[index], &path, intake) {
            intake.skip(&path, reason, row.size);
        }
    }
}

fn entry(
    bytes: &[u8],
    row: &Row<'_>,
    body: Option<(usize, usize, usize)>,
    overlaps: bool,
    path: &str,
    intake: &mut Intake<'_>,
) -> Result<(), SkipReason> {
    if row.flags & ENCRYPTED != 0 {
        return Err(SkipReason::Encrypted);
    }
    if row.link {
        return Err(SkipReason::Link);
    }
    let Some((_, start, end)) = body else { return Err(SkipReason::BadEntry) };
    if overlaps {
        return Err(SkipReason::Overlap);
    }
    let packed = &bytes[start..end];
    let crc = std::cell::RefCell::new(flate2::Crc::new());
    let before = intake.listing.entries.len();
    match row.method {
        0 => intake.take(path, Summed { inner: packed, crc: &crc }, row.packed, row.size)?,
        8 => {
            let inflated = flate2::read::DeflateDecoder::new(packed);
            intake.take(path, Summed { inner: inflated, crc: &crc }, row.packed, row.size)?
        }
        _ => return Err(SkipReason::BadEntry),
    };
    if crc.borrow().sum() != row.crc {
        intake.listing.entries.truncate(before);
        return Err(SkipReason::BadEntry);
    }
    Ok(())
}

/// Sums what is read.
struct Summed<'c, R> {
    inner: R,
    crc: &'c std::cell::RefCell<flate2::Crc>,
}

impl<R: std::io::Read> std::io::Read for Summed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.borrow_mut().update(&buffer[..read]);
        Ok(read)
    }
}
