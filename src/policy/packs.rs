//! The files of the rule packs: embedded ones, and an overlay folder that adds and overrides.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::path::Path;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;

use crate::source::blob;

/// A file under `rules/`: its path, its text, and where its table stands in [`BLOBS`].
type File = (&'static str, &'static str, (usize, usize));

/// The files by path, listed by the build script.
static EMBEDDED: &[File] = &include!(concat!(env!("OUT_DIR"), "/packs.in"));

/// The tables of all TOML files, as [`blob`] reads them.
static BLOBS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/packs.bin"));

/// A mistake in a rule pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    /// The file, relative to the packs' root.
    pub file: String,
    /// Where in the file, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}

impl PackError {
    /// A mistake at a place.
    pub fn new(file: impl Into<String>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { file: file.into(), span, message: message.into() }
    }

    /// A mistake that the TOML reader found.
    pub fn from_toml(file: impl Into<String>, error: &toml::de::Error) -> Self {
        Self::new(file, error.span().unwrap_or(0..0), error.message())
    }
}

fn blob_of(file: &File) -> Option<&'static [u8]> {
    let (start, end) = file.2;
    BLOBS.get(start..end).filter(|blob| !blob.is_empty())
}

/// The files of all packs by path.
#[derive(Debug, Default)]
pub struct Packs {
    embedded: &'static [File],
    overlay: BTreeMap<String, String>,
    digest: OnceLock<String>,
}

impl Packs {
    /// The packs that stand in the program.
    pub fn embedded() -> Self {
        Self { embedded: EMBEDDED, overlay: BTreeMap::new(), digest: OnceLock::new() }
    }

    /// Adds the files under `dir`; a file of the same path takes the place of the embedded one.
    pub fn overlay(&mut self, dir: &Path, errors: &mut Vec<PackError>) {
        for entry in walkdir::WalkDir::new(dir).follow_links(false).max_depth(6).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    errors.push(PackError::new(dir.display().to_string(), 0..0, error.to_string()));
                    continue;
                }
            };
            if !entry.file_type().is_file() {
                continue;
            }
            let Ok(path) = entry.path().strip_prefix(dir) else { continue };
            let path = path.to_string_lossy().replace('\\', "/");
            if !(path.ends_with(".toml") || path.ends_with(".md") || path.ends_with(".txt") || path.ends_with(".tsv")) {
                continue;
            }
            match std::fs::read_to_string(entry.path()) {
                Ok(text) => {
                    self.overlay.insert(path, text);
                }
                Err(error) => errors.push(PackError::new(path, 0..0, error.to_string())),
            }
        }
        self.digest = OnceLock::new();
    }

    /// A file's text by its path below `rules/`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.overlay.get(path).map(String::as_str).or_else(|| {
            let at = self.embedded.binary_search_by(|(known, ..)| (*known).cmp(path)).ok()?;
            self.embedded.get(at).map(|(_, text, _)| *text)
        })
    }

    /// The table of an embedded file that no overlay replaces.
    fn blob(&self, path: &str) -> Option<&'static [u8]> {
        if self.overlay.contains_key(path) {
            return None;
        }
        let at = self.embedded.binary_search_by(|(known, ..)| (*known).cmp(path)).ok()?;
        blob_of(self.embedded.get(at)?)
    }

    /// All embedded files that have a table: path, text and table.
    pub fn blobs(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static [u8])> {
        self.embedded.iter().filter_map(|file| Some((file.0, file.1, blob_of(file)?)))
    }

    /// Reads the table of a file that exists, from the form that the program carries where it may.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, PackError> {
        // A table that does not fit is read again from the text, to tell where it does not.
        if let Some(value) = self.blob(path).and_then(|blob| blob::read(blob).ok()) {
            return Ok(value);
        }
        let text = self.get(path).ok_or_else(|| PackError::new(path, 0..0, "the file is missing"))?;
        let read = toml::from_str(text).map_err(|error| PackError::from_toml(path, &error));
        debug_assert!(read.is_err() || self.blob(path).is_none(), "{path} is read from its text at every start");
        read
    }

    /// All files whose path starts with `prefix`, by path.
    pub fn list<'p>(&'p self, prefix: &str) -> Vec<(&'p str, &'p str)> {
        let from = self.embedded.partition_point(|(path, ..)| *path < prefix);
        let files = self.embedded[from..].iter().take_while(|(path, ..)| path.starts_with(prefix));
        let embedded = files.map(|(path, text, _)| (*path, *text));
        if self.overlay.is_empty() {
            return embedded.collect();
        }
        let mut files: BTreeMap<&'p str, &'p str> = embedded.collect();
        files.extend(
            self.overlay
                .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(path, _)| path.starts_with(prefix))
                .map(|(path, text)| (path.as_str(), text.as_str())),
        );
        files.into_iter().collect()
    }

    /// Whether the overlay holds a file whose path starts with `prefix`, or all there is.
    pub fn overlays(&self, prefix: &str) -> bool {
        let after = (Bound::Included(prefix), Bound::Unbounded);
        self.embedded.is_empty()
            || self.overlay.range::<str, _>(after).next().is_some_and(|(path, _)| path.starts_with(prefix))
    }

    /// Whether a file comes from the overlay.
    pub fn is_overlay(&self, path: &str) -> bool {
        self.overlay.contains_key(path)
    }

    /// Reads a TOML file; a missing file and a broken one are mistakes.
    pub fn parse<T: DeserializeOwned>(&self, path: &str, errors: &mut Vec<PackError>) -> Option<T> {
        match self.read(path) {
            Ok(value) => Some(value),
            Err(error) => {
                errors.push(error);
                None
            }
        }
    }

    /// BLAKE3 over all files, in hexadecimal; made at first use.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            if self.overlay.is_empty() && !self.embedded.is_empty() {
                return include_str!(concat!(env!("OUT_DIR"), "/packs.digest")).to_owned();
            }
            let mut hasher = blake3::Hasher::new();
            for (path, text) in self.list("") {
                for part in [path, text] {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part.as_bytes());
                }
            }
            hasher.finalize().to_hex().to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_say_what_the_files_say() {
        let mut compared = 0;
        for (path, text, blob) in Packs::embedded().blobs() {
            let parsed: toml::Value = toml::from_str(text).unwrap();
            assert_eq!(blob::read::<toml::Value>(blob).unwrap(), parsed, "{path}");
            compared += 1;
        }
        assert!(compared > 100);
    }

    #[test]
    fn the_built_digest_is_that_of_the_files() {
        let packs = Packs::embedded();
        let mut other = Packs::default();
        for (path, text) in packs.list("") {
            other.overlay.insert(path.to_owned(), text.to_owned());
        }
        assert_eq!(packs.digest(), other.digest());
    }
}
