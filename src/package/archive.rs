//! Archives, read in memory: zip, tar, tar.gz and `.wxapkg`.
//!
//! Nothing is trusted that an archive says of itself: inflated bytes are counted as they come out, names are checked,
//! and what is not read is told with its reason. What no entry can be blamed for (a table that is cut off, an entry
//! that leads out of the archive) stands in [`Listing::broken`] and counts against every package inside.

mod tar;
mod wxapkg;
mod zip;

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use super::walk::{Body, Entry, Listing, hidden_end, safe_path};
use super::{Limits, SkipReason, Skipped, config};
use crate::syntax::json::{self, Json};

/// Archives inside an archive are opened this deep: an upload holds main and sub-package archives.
const MAX_NESTING: usize = 2;
/// Bytes that may come out of any archive, whatever its ratio.
const FREE_BYTES: u64 = 1 << 20;
/// Items that are told as left out; beyond it one line stands for the rest.
const MAX_TOLD: usize = 10_000;

/// A form of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Zip,
    Tar,
    TarGz,
    Wxapkg,
    /// A form that is known and cannot be read: the reason.
    Closed(SkipReason),
}

/// Tells the form by the first bytes; `.tar` files of old tools by their checksum.
pub(super) fn form(bytes: &[u8]) -> Option<Form> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") || starts(b"PK\x07\x08PK") {
        Some(Form::Zip)
    } else if starts(b"\x1f\x8b\x08") {
        Some(Form::TarGz)
    } else if wxapkg::is(bytes) {
        Some(Form::Wxapkg)
    } else if starts(b"V1MMWX") {
        Some(Form::Closed(SkipReason::Encrypted))
    } else if starts(b"Rar!\x1a")
        || starts(b"7z\xbc\xaf\x27\x1c")
        || starts(b"\xfd7zXZ\0")
        || starts(b"\x28\xb5\x2f\xfd")
    {
        Some(Form::Closed(SkipReason::BadEntry))
    } else if tar::is(bytes) {
        Some(Form::Tar)
    } else {
        None
    }
}

/// What may still come out of an archive, all nested ones included.
#[derive(Debug)]
struct Budget {
    bytes: u64,
    entries: usize,
}

/// Takes entries in: checks names, counts, keeps what is small enough to be read as text.
struct Intake<'a> {
    limits: &'a Limits,
    budget: &'a mut Budget,
    listing: Listing,
    seen: HashSet<String>,
    told: usize,
}

impl<'a> Intake<'a> {
    fn new(limits: &'a Limits, budget: &'a mut Budget) -> Self {
        Self { limits, budget, listing: Listing::default(), seen: HashSet::new(), told: 0 }
    }

    fn skip(&mut self, path: &str, reason: SkipReason, bytes: u64) {
        self.told += 1;
        if self.told <= MAX_TOLD {
            self.listing.skipped.push(Skipped { path: path.into(), reason, bytes });
        } else if self.told == MAX_TOLD + 1 {
            self.broken(SkipReason::TooMany);
        }
    }

    /// The archive as a whole was not read to its end.
    fn broken(&mut self, reason: SkipReason) {
        self.listing.broken.push(Skipped { path: ".".into(), reason, bytes: 0 });
    }

    /// The safe path of an entry that shall be read; `None` when it was left out, and told.
    fn admit(&mut self, raw: &str, bytes: u64) -> Option<String> {
        let Some(path) = safe_path(raw) else {
            let shown: String = raw.chars().filter(|c| !c.is_control()).take(200).collect();
            self.told += 1;
            if self.told <= MAX_TOLD {
                self.listing.broken.push(Skipped { path: shown.into(), reason: SkipReason::Outside, bytes });
            }
            return None;
        };
        if let Some(end) = hidden_end(&path) {
            let hidden = path[..end].to_owned();
            if self.seen.insert(hidden.clone()) {
                self.skip(&hidden, SkipReason::Hidden, if end == path.len() { bytes } else { 0 });
            }
            return None;
        }
        if self.seen.contains(&path) {
            self.skip(&path, SkipReason::Duplicate, bytes);
            return None;
        }
        if path.split('/').count() > self.limits.max_depth + 1 {
            self.skip(&path, SkipReason::TooDeep, bytes);
            return None;
        }
        if self.budget.entries == 0 {
            self.skip(&path, SkipReason::TooMany, bytes);
            return None;
        }
        self.budget.entries -= 1;
        self.seen.insert(path.clone());
        Some(path)
    }

    /// Reads an admitted entry out of `from`, which holds `packed` bytes, and keeps it.
    /// `expected` is the size that the archive claims.
    fn take(&mut self, path: &str, mut from: impl Read, packed: u64, expected: u64) -> Result<(), SkipReason> {
        let by_ratio = FREE_BYTES.max(packed.saturating_mul(self.limits.max_ratio));
        let mut kept: Vec<u8> = Vec::with_capacity(expected.min(by_ratio).min(FREE_BYTES) as usize);
        let mut total = 0u64;
        let mut buffer = [0u8; 16 << 10];
        // Whole archives are kept beyond the limit of text, so that they can be opened.
        let mut keep = self.limits.max_file_bytes;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(SkipReason::BadEntry),
            };
            total += read as u64;
            if read as u64 > self.budget.bytes {
                self.budget.bytes = 0;
                return Err(SkipReason::TotalTooLarge);
            }
            self.budget.bytes -= read as u64;
            if total > by_ratio {
                return Err(SkipReason::Ratio);
            }
            if total > expected {
                return Err(SkipReason::BadEntry);
            }
            if kept.is_empty() && form(&buffer[..read]).is_some() {
                keep = u64::MAX;
            }
            if total <= keep {
                kept.extend_from_slice(&buffer[..read]);
            } else {
                kept.truncate(512);
            }
        }
        if total != expected {
            return Err(SkipReason::BadEntry);
        }
        let body =
            if total <= keep { Body::Memory(kept.as_slice().into()) } else { Body::Head(kept.as_slice().into()) };
        self.listing.entries.push(Entry { path: path.to_owned(), bytes: total, body, stamp: 0 });
        Ok(())
    }
}

/// Lists an archive; archives inside it that hold parts of the package are opened.
/// `Err` when nothing at all could be read, with the reason.
pub(super) fn list(bytes: &[u8], limits: &Limits) -> Result<Listing, SkipReason> {
    let mut budget = Budget { bytes: limits.max_archive_bytes, entries: limits.max_files };
    let mut listing = open(bytes, limits, &mut budget, 0)?;
    listing.sort();
    if listing.entries.is_empty()
        && let Some(reason) =
            listing.broken.iter().chain(&listing.skipped).map(|item| item.reason).find(|reason| reason.hides_code())
    {
        return Err(reason);
    }
    Ok(listing)
}

fn open(bytes: &[u8], limits: &Limits, budget: &mut Budget, nesting: usize) -> Result<Listing, SkipReason> {
    let mut intake = Intake::new(limits, budget);
    match form(bytes) {
        Some(Form::Zip) => zip::list(bytes, &mut intake),
        Some(Form::Tar) => tar::list(bytes, bytes.len() as u64, &mut intake),
        Some(Form::TarGz) => tar::list_gz(bytes, &mut intake),
        Some(Form::Wxapkg) => wxapkg::list(bytes, &mut intake),
        Some(Form::Closed(reason)) => return Err(reason),
        None => return Err(SkipReason::BadEntry),
    }
    let mut listing = intake.listing;
    if nesting < MAX_NESTING {
        expand(&mut listing, limits, budget, nesting);
    }
    Ok(listing)
}

/// Opens the archives inside an archive that belong to the package: those of an upload, which has no `app.json`
/// outside of them, and those that `app.json` names as sub-packages. Any other is an asset, as in a folder.
fn expand(listing: &mut Listing, limits: &Limits, budget: &mut Budget, nesting: usize) {
    let is_archive = |entry: &Entry| match &entry.body {
        Body::Memory(bytes) => form(bytes).is_some(),
        _ => false,
    };
    if !listing.entries.iter().any(is_archive) {
        return;
    }
    let own = listing.entries.iter().find(|entry| config::APP_FILES.contains(&name_of(&entry.path))).and_then(app_of);
    let upload = !listing
        .entries
        .iter()
        .any(|entry| config::APP_FILES.contains(&name_of(&entry.path)) || name_of(&entry.path) == "game.json");
    let mut opened: Vec<(String, Listing)> = Vec::new();
    let mut outer = Vec::new();
    for entry in std::mem::take(&mut listing.entries) {
        let named = own.as_ref().is_some_and(|app| app.part_of(&entry.path).is_some());
        if !is_archive(&entry) || !(upload || named) {
            outer.push(entry);
            continue;
        }
        let Body::Memory(bytes) = &entry.body else { continue };
        match open(bytes, limits, budget, nesting + 1) {
            Ok(inner) => opened.push((entry.path.clone(), inner)),
            Err(reason) => {
                listing.broken.push(Skipped { path: entry.path.as_str().into(), reason, bytes: entry.bytes })
            }
        }
    }
    listing.entries = outer;
    // The main archive first: it names the places of the others.
    opened.sort_by_key(|(path, inner)| {
        (!inner.entries.iter().any(|entry| config::APP_FILES.contains(&name_of(&entry.path))), path.clone())
    });
    let apps = opened
        .iter()
        .filter(|(_, inner)| inner.entries.iter().any(|entry| config::APP_FILES.contains(&name_of(&entry.path))))
        .count();
    let app = own.or_else(|| {
        opened
            .first()
            .and_then(|(_, inner)| inner.entries.iter().find(|entry| config::APP_FILES.contains(&entry.path.as_str())))
            .and_then(app_of)
    });
    let mut taken: HashSet<String> = listing.entries.iter().map(|entry| entry.path.clone()).collect();
    for (path, inner) in opened {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let main = inner.entries.iter().any(|entry| config::APP_FILES.contains(&entry.path.as_str()));
        let mount = match app.as_ref().and_then(|app| app.part_of(&path)) {
            // Several programs in one archive stay apart.
            _ if main && apps > 1 => stem(&path).to_owned(),
            _ if main => folder.to_owned(),
            Some(root)
                if inner
                    .entries
                    .iter()
                    .all(|entry| entry.path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))) =>
            {
                folder.to_owned()
            }
            Some(root) => join(folder, root),
            None => match app.as_ref() {
                Some(app) if app.holds(&inner) => folder.to_owned(),
                _ => stem(&path).to_owned(),
            },
        };
        for mut item in inner.entries {
            item.path = join(&mount, &item.path);
            if taken.insert(item.path.clone()) {
                listing.entries.push(item);
            } else if !is_stamp(&item.path) {
                listing.skipped.push(Skipped {
                    path: item.path.into(),
                    reason: SkipReason::Duplicate,
                    bytes: item.bytes,
                });
            }
        }
        let moved = |item: Skipped| Skipped { path: join(&mount, &item.path).into(), ..item };
        listing.skipped.extend(inner.skipped.into_iter().map(moved));
        listing.broken.extend(inner.broken.into_iter().map(|item| Skipped {
            path: if &*item.path == "." { path.as_str().into() } else { item.path.clone() },
            ..item
        }));
    }
}

/// Every archive of an upload carries its own copy.
fn is_stamp(path: &str) -> bool {
    name_of(path) == "pkginfo.json"
}

/// What `app.json` says of parts.
struct App {
    /// Root and the name of its archive, when told.
    parts: Vec<(String, Option<String>)>,
}

impl App {
    /// The root of the sub-package that an archive holds, by the archive's name.
    fn part_of(&self, path: &str) -> Option<&str> {
        let stem = name_of(path).split('.').next().unwrap_or("");
        let named = self
            .parts
            .iter()
            .find(|(_, name)| name.as_deref().is_some_and(|name| !name.is_empty() && stem.ends_with(name)));
        let rooted = || {
            self.parts.iter().find(|(root, _)| root == stem || root.replace('/', "_") == stem || name_of(root) == stem)
        };
        named.or_else(rooted).map(|(root, _)| root.as_str())
    }

    /// Whether all that an archive holds lies under one of the roots.
    fn holds(&self, listing: &Listing) -> bool {
        !listing.entries.is_empty()
            && listing.entries.iter().filter(|entry| !is_stamp(&entry.path)).all(|entry| {
                self.parts
                    .iter()
                    .any(|(root, _)| entry.path.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/')))
            })
    }
}

fn app_of(entry: &Entry) -> Option<App> {
    let Body::Memory(bytes) = &entry.body else { return None };
    let json = json::parse(&crate::source::decode(bytes).text).value?;
    let (_, subpackages) = config::pages(&json);
    // The upload tool writes which archive holds which root.
    let names: BTreeMap<String, String> = json
        .get("_sub_swan")
        .map(Json::properties)
        .unwrap_or_default()
        .iter()
        .filter_map(|property| Some((config::normalise_route(&property.key), property.value.as_str()?.to_owned())))
        .collect();
    let parts = subpackages
        .iter()
        .filter(|part| !part.root.is_empty())
        .map(|part| (part.root.to_string(), names.get(&*part.root).cloned()))
        .collect();
    Some(App { parts })
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn stem(path: &str) -> &str {
    let start = path.rfind('/').map_or(0, |at| at + 1);
    path[start..].find('.').filter(|at| *at > 0).map_or(path, |at| &path[..start + at])
}

fn join(folder: &str, rest: &str) -> String {
    if folder.is_empty() { rest.to_owned() } else { format!("{folder}/{rest}") }
}

/// A name in UTF-8, else in the encoding of Chinese tools.
fn name(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Bytes of the file at a path.
pub(super) fn at(listing: &Listing, path: &str) -> Option<Vec<u8>> {
    let entry = listing.entries.iter().find(|entry| entry.path == path)?;
    Some(entry.load(u64::MAX).ok()??.to_vec())
}

/// The configuration that lies in a listing, nearest to its top: path and text.
pub(super) fn find(listing: &Listing, file: &str) -> Option<(String, Arc<[u8]>)> {
    listing
        .entries
        .iter()
        .filter(|entry| name_of(&entry.path) == file)
        .min_by_key(|entry| (entry.path.matches('/').count(), entry.path.clone()))
        .and_then(|entry| Some((entry.path.clone(), entry.load(u64::MAX).ok()??)))
}

#[cfg(test)]
mod tests;
