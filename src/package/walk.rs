//! What lies under a path: a folder on disk, or entries in memory. Links never lead out of the root.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{SkipReason, Skipped};
use crate::package::Limits;

/// A file that was found.
#[derive(Debug)]
pub(super) struct Entry {
    /// Path below the root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Where its bytes are.
    pub body: Body,
    /// Tells one state of the file from another, for [`super::Tree`]; 0 when nobody asks.
    pub stamp: u64,
}

/// Where bytes are.
#[derive(Debug)]
pub(super) enum Body {
    /// On disk.
    Disk(PathBuf),
    /// In memory.
    Memory(Arc<[u8]>),
    /// Only the first bytes are kept: there are more than any text may have.
    Head(Arc<[u8]>),
}

impl Entry {
    /// All bytes, `limit` at most; `None` when there are more.
    pub fn load(&self, limit: u64) -> std::io::Result<Option<Arc<[u8]>>> {
        match &self.body {
            Body::Memory(bytes) => Ok((bytes.len() as u64 <= limit).then(|| bytes.clone())),
            Body::Head(_) => Ok(None),
            Body::Disk(path) => {
                let mut bytes = Vec::with_capacity(self.bytes.min(limit) as usize);
                std::fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
                Ok((bytes.len() as u64 <= limit).then(|| bytes.into()))
            }
        }
    }

    /// The first bytes.
    pub fn head(&self) -> Arc<[u8]> {
        match &self.body {
            Body::Memory(bytes) | Body::Head(bytes) => bytes[..bytes.len().min(512)].into(),
            Body::Disk(path) => {
                let mut bytes = Vec::with_capacity(512);
                if let Ok(file) = std::fs::File::open(path) {
                    let _ = file.take(512).read_to_end(&mut bytes);
                }
                bytes.into()
            }
        }
    }
}

/// Everything below a root.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Files by path.
    pub entries: Vec<Entry>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// What was not seen and may belong to any package of the listing.
    pub broken: Vec<Skipped>,
}

impl Listing {
    fn skip(&mut self, path: &str, reason: SkipReason, bytes: u64) {
        self.skipped.push(Skipped { path: path.into(), reason, bytes });
    }

    /// Sorts by path.
    pub fn sort(&mut self) {
        self.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        self.broken.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

/// Whether a name is hidden or belongs to a version control system or an operating system.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "__MACOSX" | "CVS" | "Thumbs.db" | "desktop.ini")
}

/// Lists a folder on disk.
pub(super) fn folder(root: &Path, limits: &Limits) -> Listing {
    let mut listing = Listing::default();
    let real_root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let mut walk = walkdir::WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
    while let Some(found) = walk.next() {
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().map(|path| relative(root, path)).unwrap_or_default();
                let path = if path.is_empty() { ".".to_owned() } else { path };
                listing.skip(&path, SkipReason::Unreadable, 0);
                continue;
            }
        };
        if entry.depth() == 0 {
            continue;
        }
        let path = relative(root, entry.path());
        let name = entry.file_name().to_string_lossy();
        let kind = entry.file_type();
        if is_hidden(&name) {
            if kind.is_dir() {
                walk.skip_current_dir();
            }
            listing.skip(
                &path,
                SkipReason::Hidden,
                entry.metadata().map_or(0, |meta| if kind.is_dir() { 0 } else { meta.len() }),
            );
            continue;
        }
        if kind.is_dir() {
            if entry.depth() > limits.max_depth {
                walk.skip_current_dir();
                listing.skip(&path, SkipReason::TooDeep, 0);
            }
            continue;
        }
        if listing.entries.len() >= limits.max_files {
            listing.skip(&path, SkipReason::TooMany, 0);
            if listing.skipped.len() > limits.max_files {
                break;
            }
            continue;
        }
        if kind.is_symlink() {
            let target = std::fs::canonicalize(entry.path()).ok().filter(|target| target.starts_with(&real_root));
            match target.and_then(|target| std::fs::metadata(&target).ok().map(|meta| (target, meta))) {
                Some((target, meta)) if meta.is_file() => {
                    listing.entries.push(Entry { path, bytes: meta.len(), body: Body::Disk(target), stamp: 0 });
                }
                _ => listing.skip(&path, SkipReason::Link, 0),
            }
            continue;
        }
        if !kind.is_file() {
            listing.skip(&path, SkipReason::Unreadable, 0);
            continue;
        }
        let bytes = entry.metadata().map_or(0, |meta| meta.len());
        listing.entries.push(Entry { path, bytes, body: Body::Disk(entry.into_path()), stamp: 0 });
    }
    listing.sort();
    listing
}

/// Lists entries in memory. Their paths may use `\`; those that lead out of the root are left out.
pub(super) fn memory(entries: Vec<(String, Vec<u8>)>, limits: &Limits) -> Listing {
    let mut listing = Listing::default();
    let mut seen = std::collections::HashSet::new();
    for (path, bytes) in entries {
        let size = bytes.len() as u64;
        let Some(path) = safe_path(&path) else {
            listing.skip(&path, SkipReason::Outside, size);
            continue;
        };
        let parts = path.split('/').count();
        if let Some(end) = hidden_end(&path) {
            let hidden = &path[..end];
            if seen.insert(hidden.to_owned()) {
                listing.skip(hidden, SkipReason::Hidden, if end == path.len() { size } else { 0 });
            }
        } else if !seen.insert(path.clone()) {
            listing.skip(&path, SkipReason::Duplicate, size);
        } else if parts > limits.max_depth + 1 {
            listing.skip(&path, SkipReason::TooDeep, size);
        } else if listing.entries.len() >= limits.max_files {
            listing.skip(&path, SkipReason::TooMany, size);
        } else {
            listing.entries.push(Entry { path, bytes: size, body: Body::Memory(bytes.into()), stamp: 0 });
        }
    }
    listing.sort();
    listing
}

/// The end of the first hidden part of a path.
pub(super) fn hidden_end(path: &str) -> Option<usize> {
    let mut start = 0;
    for part in path.split('/') {
        if is_hidden(part) {
            return Some(start + part.len());
        }
        start += part.len() + 1;
    }
    None
}

/// A path with `/` and without `.` and empty parts; `None` when it leads out of the root or names nothing.
pub(super) fn safe_path(path: &str) -> Option<String> {
    if path.contains('\0') {
        return None;
    }
    let path = path.replace('\\', "/");
    let rooted = path.starts_with('/') || path.get(1..3) == Some(":/");
    if rooted {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

pub(super) fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
