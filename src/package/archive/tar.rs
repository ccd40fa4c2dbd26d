//! `.tar` and `.tar.gz`.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::{FREE_BYTES, Intake};
use crate::package::SkipReason;

/// Whether bytes start with a header: by its magic, else by its checksum.
pub(super) fn is(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..512) else { return false };
    if &header[257..262] == b"ustar" {
        return true;
    }
    let stored = std::str::from_utf8(&header[148..156])
        .ok()
        .and_then(|text| u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
    let sum: u64 =
        header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    header[0] != 0 && stored == Some(sum)
}

/// Counts what comes out and stops at a bound.
struct Counted<R> {
    inner: R,
    left: u64,
    over: Rc<Cell<bool>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let mut one = [0u8; 1];
            if self.inner.read(&mut one)? == 0 {
                return Ok(0);
            }
            self.over.set(true);
            return Err(io::Error::other("over the limit"));
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Lists a gzip-compressed one.
pub(super) fn list_gz(bytes: &[u8], intake: &mut Intake<'_>) {
    let packed = bytes.len() as u64;
    list(flate2::read::MultiGzDecoder::new(bytes), packed, intake);
}

/// Lists one of which `packed` bytes lie on disk.
pub(super) fn list(from: impl Read, packed: u64, intake: &mut Intake<'_>) {
    // Headers and padding come on top of the bodies, but no more than twice the bodies' allowance.
    let by_ratio = FREE_BYTES.max(packed.saturating_mul(intake.limits.max_ratio));
    let by_size = intake.budget.bytes.saturating_mul(2).max(FREE_BYTES);
    let over = Rc::new(Cell::new(false));
    let source = Counted { inner: from, left: by_ratio.min(by_size), over: over.clone() };
    let stop = |over: &Cell<bool>| match over.get() {
        true if by_ratio < by_size => SkipReason::Ratio,
        true => SkipReason::TotalTooLarge,
        false => SkipReason::BadEntry,
    };
    let mut archive = tar::Archive::new(source);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(_) => return intake.broken(stop(&over)),
    };
    let mut budget_of_headers = intake.limits.max_files.saturating_mul(4);
    for entry in entries {
        let Ok(mut entry) = entry else { return intake.broken(stop(&over)) };
        budget_of_headers = budget_of_headers.saturating_sub(1);
        if budget_of_headers == 0 {
            return intake.broken(SkipReason::TooMany);
        }
        let kind = entry.header().entry_type();
        let size = entry.size();
        let path = super::name(&entry.path_bytes());
        if kind.is_dir() {
            if super::safe_path(&path).is_none() && !matches!(path.as_str(), "." | "./" | "") {
                intake.admit(&path, 0);
            }
            continue;
        }
        if kind.is_pax_global_extensions() {
            continue;
        }
        let Some(path) = intake.admit(&path, size) else { continue };
        if kind.is_symlink() || kind.is_hard_link() {
            intake.skip(&path, SkipReason::Link, 0);
            continue;
        }
        if !(kind.is_file() || kind.is_contiguous()) {
            intake.skip(&path, SkipReason::BadEntry, size);
            continue;
        }
        // The ratio is that of the whole stream, which is counted below.
        if let Err(reason) = intake.take(&path, &mut entry, u64::MAX, size) {
            let reason = if over.get() { stop(&over) } else { reason };
            intake.skip(&path, reason, size);
            if over.get() || reason == SkipReason::BadEntry {
                return intake.broken(reason);
            }
        }
    }
}
