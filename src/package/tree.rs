//! A folder that is read again and again while an editor changes it: what is open goes before what is on disk, and what
//! did not change is not read twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::read::{self, Layout, Memo, ReadError, ReadOptions};
use super::walk::{self, Body, Entry, Listing};
use super::{Limits, Package};

/// What lies under a folder, kept between readings.
pub struct Tree {
    root: PathBuf,
    limits: Limits,
    listing: Listing,
    /// Bytes of open files, by path below the root.
    open: BTreeMap<String, Arc<[u8]>>,
    /// Paths that changed on disk since the last listing.
    touched: HashSet<String>,
    stale: bool,
    seen: HashMap<String, (u64, Option<SystemTime>, u64)>,
    next: u64,
    memo: Memo,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("root", &self.root).field("entries", &self.listing.entries.len()).finish()
    }
}

impl Tree {
    /// A tree over a folder; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>, limits: Limits) -> Self {
        Self {
            root: root.into(),
            limits,
            listing: Listing::default(),
            open: BTreeMap::new(),
            touched: HashSet::new(),
            stale: true,
            seen: HashMap::new(),
            next: 1,
            memo: Mutex::new(HashMap::new()),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path below the root with `/`; `None` when it lies outside.
    pub fn below(&self, path: &Path) -> Option<String> {
        let rest = path.strip_prefix(&self.root).ok()?;
        Some(walk::relative(Path::new(""), rest)).filter(|path| !path.is_empty())
    }

    /// From now on a file has these bytes, whatever the disk says. False when the path lies outside.
    pub fn open(&mut self, path: &Path, bytes: Arc<[u8]>) -> bool {
        let Some(path) = self.below(path) else { return false };
        if !self.stale {
            self.place(&path, bytes.clone());
        }
        self.open.insert(path, bytes);
        true
    }

    /// From now on the disk says what a file holds.
    pub fn close(&mut self, path: &Path) {
        if let Some(path) = self.below(path)
            && self.open.remove(&path).is_some()
        {
            self.touched.insert(path);
            self.stale = true;
        }
    }

    /// Something changed on disk at that path: a file or a folder came, went, or has other bytes.
    pub fn touch(&mut self, path: &Path) {
        if let Some(path) = self.below(path) {
            self.touched.insert(path);
        }
        self.stale = true;
    }

    /// The disk is looked at again before the next reading; files of the same size and time count as unchanged.
    pub fn look(&mut self) {
        self.stale = true;
    }

    /// The bytes of an open file.
    pub fn opened(&self, path: &Path) -> Option<&Arc<[u8]>> {
        self.open.get(&self.below(path)?)
    }

    /// Reads every package, as [`super::read()`] would if the open files stood on disk.
    ///
    /// # Errors
    /// As for [`super::read()`].
    pub fn packages(&mut self, layouts: &[Layout], options: &ReadOptions) -> Result<Vec<Package>, ReadError> {
        if self.stale {
            self.list()?;
        }
        read::packages(&self.root, &self.listing, layouts, options, Some(&self.memo))
    }

    fn list(&mut self) -> Result<(), ReadError> {
        let meta = std::fs::metadata(&self.root).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ReadError::NotFound(self.root.clone()),
            _ => ReadError::Unreadable(self.root.clone(), error),
        })?;
        if !meta.is_dir() {
            return Err(ReadError::NotAPackage(self.root.clone()));
        }
        std::fs::read_dir(&self.root).map_err(|error| ReadError::Unreadable(self.root.clone(), error))?;
        let mut listing = walk::folder(&self.root, &self.limits);
        let mut seen = HashMap::with_capacity(listing.entries.len());
        for entry in &mut listing.entries {
            let time = match &entry.body {
                Body::Disk(path) => std::fs::metadata(path).and_then(|meta| meta.modified()).ok(),
                Body::Memory(_) | Body::Head(_) => None,
            };
            let kept = self.seen.get(&entry.path).filter(|(bytes, then, _)| {
                *bytes == entry.bytes && *then == time && time.is_some() && !self.touched.contains(&entry.path)
            });
            entry.stamp = match kept {
                Some((_, _, stamp)) => *stamp,
                None => {
                    self.next += 1;
                    self.next
                }
            };
            seen.insert(entry.path.clone(), (entry.bytes, time, entry.stamp));
        }
        self.seen = seen;
        self.listing = listing;
        self.touched.clear();
        self.stale = false;
        let open: Vec<(String, Arc<[u8]>)> =
            self.open.iter().map(|(path, bytes)| (path.clone(), bytes.clone())).collect();
        for (path, bytes) in open {
            self.place(&path, bytes);
        }
        let listed = &self.listing.entries;
        let mut memo = self.memo.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        memo.retain(|path, _| listed.binary_search_by(|entry| entry.path.as_str().cmp(path)).is_ok());
        Ok(())
    }

    /// Puts an open file's bytes into the listing, where the walk would put the file.
    fn place(&mut self, path: &str, bytes: Arc<[u8]>) {
        if walk::hidden_end(path).is_some() || path.split('/').count() > self.limits.max_depth + 1 {
            return;
        }
        self.next += 1;
        let entry =
            Entry { path: path.to_owned(), bytes: bytes.len() as u64, body: Body::Memory(bytes), stamp: self.next };
        match self.listing.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)) {
            Ok(at) => self.listing.entries[at] = entry,
            Err(at) if self.listing.entries.len() < self.limits.max_files => self.listing.entries.insert(at, entry),
            Err(_) => {}
        }
    }
}
