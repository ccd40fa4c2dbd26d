//! What is vetted: files of one package, its host, its configuration, what was declared for it.

mod archive;
mod compiled;
mod config;
mod knowledge;
mod read;
mod tree;
mod walk;

pub use compiled::Compiled;
pub use config::{SUBPACKAGE_KEYS, normalise_route};
pub use knowledge::Knowledge;
pub use read::{
    Layout, Limits, Opened, ProjectSettings, ReadError, ReadOptions, from_memory, holds_archive, is_archive, open,
    open_archive, read,
};
pub use tree::Tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::{FileId, SourceFile, Span};
use crate::syntax::json::Json;

/// What a file is to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A script of the logic layer.
    Script,
    /// A script that templates call (`sjs`, `wxs`, filter modules).
    ViewScript,
    /// A template.
    Template,
    /// A style sheet.
    Style,
    /// JSON: configuration or data.
    Json,
    /// Other text (policies, licences, data).
    Text,
    /// Text that ships and is no client code (server code, tests, tools): only what must not ship at all is looked for.
    Foreign,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The package's own code.
    Own,
    /// A library copied into the package.
    Vendored {
        /// Its name, if known.
        name: Arc<str>,
        /// Its version, if known.
        version: Option<Arc<str>>,
    },
    /// A module of an npm folder.
    Npm {
        /// Package name, scope included.
        name: Arc<str>,
        /// Its version, if known.
        version: Option<Arc<str>>,
    },
}

/// A text file of the package.
#[derive(Clone, Debug)]
pub struct PackageFile {
    /// Path and text.
    pub source: SourceFile,
    /// What it is.
    pub kind: FileKind,
    /// Whose it is.
    pub origin: Origin,
    /// The parsed JSON, for [`FileKind::Json`]; `None` when it does not parse.
    pub json: Option<Json>,
    /// Mistakes in the JSON: strictness errors first to last.
    pub json_errors: Vec<(Span, Arc<str>)>,
    /// Names that stand for a global of the host here, each with that global: parameters of the function that a compiler
    /// put around a module.
    pub renamed: Vec<(Arc<str>, Arc<str>)>,
}

/// A file that ships and is not read as text: pictures, fonts, media, archives.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Path relative to the package root.
    pub path: Arc<str>,
    /// Size in bytes.
    pub bytes: u64,
    /// The first 512 bytes at most, for telling formats apart.
    pub head: Arc<[u8]>,
}

/// A file or folder that was not analysed.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Path relative to the package root.
    pub path: Arc<str>,
    /// Why.
    pub reason: SkipReason,
    /// Size in bytes when known.
    pub bytes: u64,
}

/// Why something was not analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Hidden or version-control folder.
    Hidden,
    /// Larger than the file limit.
    TooLarge,
    /// Past the limit on the number of files.
    TooMany,
    /// Past the limit on total size.
    TotalTooLarge,
    /// Deeper than the limit on folders.
    TooDeep,
    /// A link that leaves the root, or a loop.
    Link,
    /// Could not be read.
    Unreadable,
    /// Binary data under a text name.
    Binary,
    /// Type declarations.
    Declarations,
    /// Server code: cloud functions, tests, build tools; not client code.
    Foreign,
    /// Excluded by the configuration.
    Excluded,
    /// A broken archive entry, or one packed in a way that is not read.
    BadEntry,
    /// An archive entry under a name that was there before.
    Duplicate,
    /// An encrypted archive or entry.
    Encrypted,
    /// An archive entry whose path is absolute or leads out of the archive.
    Outside,
    /// An archive entry that shares bytes with another.
    Overlap,
    /// An archive entry that inflates beyond all measure.
    Ratio,
    /// Templates that the host's compiler turned into code: texts, elements and event bindings are not seen.
    Compiled,
    /// Belongs to another package under the same path.
    OtherPackage,
    /// The time limit of the package ran out.
    TimeLimit,
    /// The memory limit was reached.
    MemoryLimit,
}

impl SkipReason {
    /// Whether a limit of this program, and not the package itself, is why.
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::TooMany | Self::TotalTooLarge | Self::TooDeep | Self::TimeLimit | Self::MemoryLimit
        )
    }

    /// Whether client code may have gone unseen because of it, so that a gate must not pass the package.
    pub const fn hides_code(self) -> bool {
        matches!(
            self,
            Self::TooLarge
                | Self::TooMany
                | Self::TotalTooLarge
                | Self::TooDeep
                | Self::Unreadable
                | Self::Binary
                | Self::BadEntry
                | Self::Duplicate
                | Self::Encrypted
                | Self::Outside
                | Self::Overlap
                | Self::Ratio
                | Self::Compiled
                | Self::TimeLimit
                | Self::MemoryLimit
                | Self::Link
        )
    }
}

/// A page that `app.json` lists.
#[derive(Clone, Debug)]
pub struct PageEntry {
    /// Route without extension and without a leading `/`, sub-package root included.
    pub route: Arc<str>,
    /// The entry in `app.json`.
    pub span: Span,
    /// Root of its sub-package; `None` in the main package.
    pub subpackage: Option<Arc<str>>,
    /// Whether it is a tab.
    pub tab: bool,
}

/// A sub-package that `app.json` lists.
#[derive(Clone, Debug)]
pub struct Subpackage {
    /// Root folder, without slashes at either end.
    pub root: Arc<str>,
    /// The `root` value in `app.json`.
    pub span: Span,
}

/// What was declared to the platform: from `minivet.toml`, `--submission` or the command line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Submission {
    /// Name of the program.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Path of the icon, relative to the file that declares it.
    pub icon: Option<String>,
    /// Declared service categories, `first/second`.
    pub categories: Vec<String>,
    /// Licences handed in.
    pub qualifications: Vec<String>,
    /// Page, file or text file with the published privacy policy.
    pub privacy_policy: Option<String>,
    /// Hosts that belong to the developer; `*.example.com` covers the apex and any depth.
    pub first_party: Vec<String>,
    /// Host apps that the package is meant for.
    pub target_hosts: Vec<String>,
    /// Legal name of the operator.
    pub company: Option<String>,
    /// Minimum base-library version declared to the platform.
    pub min_version: Option<String>,
    /// Text of the policy when it comes with the submission.
    pub privacy_policy_text: Option<String>,
    /// Where each value stands in `minivet.toml`, by key; items as `categories.0`.
    #[serde(skip)]
    pub spans: BTreeMap<String, Span>,
    /// `minivet.toml` itself, when values come from it and it lies in the package.
    #[serde(skip)]
    pub file: Option<FileId>,
}

/// One mini-program.
#[derive(Debug, Default)]
pub struct Package {
    /// Where it was found, as given by the user.
    pub root: PathBuf,
    /// Its folder below the path that was read, with `/`; empty when it is the path.
    pub below: String,
    /// The host's id (`swan`, `weapp`, …), as in the rule packs.
    pub host: Arc<str>,
    /// Text files, by path.
    pub files: Vec<Arc<PackageFile>>,
    /// Other files, by path.
    pub assets: Vec<Asset>,
    /// What was not analysed, by path.
    pub skipped: Vec<Skipped>,
    /// `app.json`, if there is one.
    pub app: Option<FileId>,
    /// Pages in order of `app.json`.
    pub pages: Vec<PageEntry>,
    /// Sub-packages in order of `app.json`.
    pub subpackages: Vec<Subpackage>,
    /// The host's project file (`project.swan.json`, `project.config.json`).
    pub project: Option<FileId>,
    /// Whether it is a mini-game.
    pub game: bool,
    /// Paths that the project's own settings leave out when it is uploaded, and that no code names.
    pub left_out: BTreeSet<Arc<str>>,
    /// Extensions of the files that the host's tool uploads; empty where it uploads everything.
    pub upload_extensions: Vec<Arc<str>>,
    /// Whether the project has TypeScript compiled by the host's tool, which then takes `a.ts` before an `a.js` beside it.
    pub typescript: bool,
    /// Whether the project has the host's tool leave out scripts that nothing loads.
    pub leaves_unused: bool,
    /// What was declared.
    pub submission: Submission,
    /// Total size in bytes of everything that ships.
    pub bytes: u64,
    /// Path to index in `files`.
    pub by_path: BTreeMap<Arc<str>, FileId>,
    /// The host whose compiler made it, when its scripts are bundles.
    pub compiled: Option<Arc<str>>,
    /// Modules of bundles: (path of the bundle, name) to the file made of it.
    pub modules: BTreeMap<(Arc<str>, Arc<str>), FileId>,
    /// Routes that bundles run modules for, in order.
    pub routes: Vec<Arc<str>>,
    /// What is left of bundles without their modules, by path.
    pub bundles: Vec<Arc<str>>,
}

impl Package {
    /// The file at a path relative to the root.
    pub fn file(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// A file's text and path.
    pub fn source(&self, file: FileId) -> &SourceFile {
        &self.files[file.index()].source
    }

    /// The module that a request names in the bundle of the file that asks, or in another bundle.
    pub fn module(&self, from: &str, request: &str) -> Option<FileId> {
        if self.modules.is_empty() {
            return None;
        }
        let own = self.file(from).and_then(|file| Some(self.source(file).carved.as_ref()?.0.path.clone()));
        let own = own.and_then(|bundle| self.modules.get(&(bundle, request.into())).copied());
        own.or_else(|| self.modules.iter().find(|((_, name), _)| **name == *request).map(|(_, file)| *file))
    }

    /// Number of files that ship: parts of a bundle are none.
    pub fn shipped(&self) -> usize {
        let part = |file: &&Arc<PackageFile>| file.source.carved.as_ref().is_some_and(|(_, start)| *start > 0);
        self.files.len() - self.files.iter().filter(part).count() + self.assets.len()
    }

    /// Sorts the files and finds them by path.
    fn index(&mut self) {
        self.files.sort_by(|a, b| a.source.path.cmp(&b.source.path));
        self.by_path = self
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| (file.source.path.clone(), FileId(index as u32)))
            .collect();
    }

    /// Whether the host's tool uploads a file: not left out by the project, and of a kind that the host takes.
    pub fn uploads(&self, path: &str) -> bool {
        let listed = || {
            let extension = path.rsplit('/').next().and_then(|name| Some(name.rsplit_once('.')?.1)).unwrap_or("");
            self.upload_extensions.iter().any(|known| known.eq_ignore_ascii_case(extension))
        };
        !self.left_out.contains(path) && (self.upload_extensions.is_empty() || listed())
    }

    /// Extensions of scripts, the one that counts first where both stand side by side.
    pub fn script_extensions(&self) -> &'static [&'static str] {
        if self.typescript { &[".ts", ".js"] } else { &[".js", ".ts"] }
    }

    /// Whether anything ships at that path: text or asset.
    pub fn ships(&self, path: &str) -> bool {
        self.by_path.contains_key(path) || self.assets.binary_search_by(|asset| (*asset.path).cmp(path)).is_ok()
    }

    /// The list of pages as its author wrote it; `None` for what a compiler made of it.
    pub fn written_app(&self) -> Option<FileId> {
        self.app.filter(|app| self.source(*app).name() != config::APP_FILES[1])
    }

    /// The parsed `app.json`.
    pub fn app_json(&self) -> Option<&Json> {
        self.files[self.app?.index()].json.as_ref()
    }
}
