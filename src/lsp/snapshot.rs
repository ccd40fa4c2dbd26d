//! What one generation of texts led to. It never changes, so that every answer rests on one state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::Diagnostic;

use crate::engine::Vetted;
use crate::policy::Policy;
use crate::policy::catalogue::Lang;
use crate::source::{FileId, SourceFile};

/// The outcome of one generation.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The generation of changes that it includes.
    pub generation: u64,
    /// The rule packs.
    pub policy: Arc<Policy>,
    /// The language of its texts.
    pub lang: Lang,
    /// Every package, by its folder.
    pub packages: Vec<Arc<Vetted>>,
    /// Diagnostics by path; files without any are missing.
    pub files: BTreeMap<PathBuf, Arc<Told>>,
    /// Versions of open documents that it includes.
    pub versions: BTreeMap<PathBuf, i32>,
    /// Failures to tell in the log.
    pub log: Vec<String>,
    /// Changes with what code lenses and hints show.
    pub facts: u64,
}

/// Diagnostics of one file.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    /// The diagnostics in order of place.
    pub items: Vec<Diagnostic>,
    /// Tells this list from others.
    pub id: String,
}

impl Told {
    /// Diagnostics with their id.
    pub fn new(items: Vec<Diagnostic>) -> Self {
        let text = serde_json::to_vec(&items).unwrap_or_default();
        Self { id: blake3::hash(&text).to_hex()[..16].to_owned(), items }
    }
}

/// A file in its package.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'s> {
    /// The package.
    pub vetted: &'s Vetted,
    /// The file.
    pub file: FileId,
}

impl<'s> At<'s> {
    /// The text that was vetted.
    pub fn source(&self) -> &'s SourceFile {
        self.vetted.package.source(self.file)
    }
}

impl Snapshot {
    /// The file of a path, in the innermost package that holds it.
    pub fn file(&self, path: &Path) -> Option<At<'_>> {
        let mut best: Option<(usize, At<'_>)> = None;
        for vetted in &self.packages {
            let Ok(below) = path.strip_prefix(&vetted.package.root) else { continue };
            let Some(file) = vetted.package.file(&below.to_string_lossy().replace('\\', "/")) else { continue };
            let depth = vetted.package.root.components().count();
            if best.as_ref().is_none_or(|(most, _)| depth > *most) {
                best = Some((depth, At { vetted, file }));
            }
        }
        best.map(|(_, at)| at)
    }

    /// The innermost package that holds a path.
    pub fn package(&self, path: &Path) -> Option<&Arc<Vetted>> {
        self.packages
            .iter()
            .filter(|vetted| path.starts_with(&vetted.package.root))
            .max_by_key(|vetted| vetted.package.root.components().count())
    }
}

/// The path of a package's file on disk; a project file may stand above its root.
pub(super) fn path_of(vetted: &Vetted, file: FileId) -> PathBuf {
    let mut path = vetted.package.root.clone();
    for part in vetted.package.source(file).shown(crate::source::Span::at(0)).0.path.split('/') {
        match part {
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}
