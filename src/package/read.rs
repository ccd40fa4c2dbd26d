//! Reading: what lies under a path becomes packages.

mod classes;
mod npm;
mod rescue;
mod roots;
mod shipping;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rayon::prelude::*;
use serde::Deserialize;

use self::classes::{Class, count_word, extension_of, has_magic, looks_binary};
use self::npm::{NpmModules, shared};
use self::rescue::rescue;
use self::roots::{Project, find_projects, find_roots, in_npm};
use super::knowledge::Knowledge;
use super::walk::{self, Entry, Listing};
use super::{Asset, Compiled, FileKind, Origin, Package, PackageFile, SkipReason, Skipped, archive, compiled, config};
use crate::source::{Encoding, SourceFile};
use crate::syntax::json::{self, Json};

/// Bounds of reading. What lies beyond is skipped with a reason.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Files under one path: 50,000.
    pub max_files: usize,
    /// Bytes of one text file: 10 MiB. Platforms take packages of 2 to 30 MB.
    pub max_file_bytes: u64,
    /// Bytes of all text files of a package: 128 MiB.
    pub max_total_bytes: u64,
    /// Folders below one another: 32.
    pub max_depth: usize,
    /// Inflated bytes of an archive: 512 MiB.
    pub max_archive_bytes: u64,
    /// Inflated bytes for one packed byte, past the first MiB: 200.
    pub max_ratio: u64,
    /// Processor time for one package after it was read: two minutes, or five times as long on the clock. What is not done by
    /// then is left out.
    pub max_time: Duration,
    /// Memory of the process in bytes, where the system tells it: no bound.
    pub max_memory: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_files: 50_000,
            max_file_bytes: 10 << 20,
            max_total_bytes: 128 << 20,
            max_depth: 32,
            max_archive_bytes: 512 << 20,
            max_ratio: 200,
            max_time: Duration::from_secs(120),
            max_memory: None,
        }
    }
}

/// What the reader needs to know of a host: plain data, filled from the rule packs.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The host's id.
    pub host: Arc<str>,
    /// Global objects that carry its APIs.
    pub namespaces: Vec<Arc<str>>,
    /// Extensions of templates, without the dot.
    pub template_extensions: Vec<Arc<str>>,
    /// Extensions of style sheets.
    pub style_extensions: Vec<Arc<str>>,
    /// Extensions of view scripts, compound ones included (`filter.js`).
    pub view_script_extensions: Vec<Arc<str>>,
    /// Extensions of the files that its tool uploads; empty where it uploads everything.
    pub upload_extensions: Vec<Arc<str>>,
    /// Place among hosts that may be meant; the lowest is the usual one.
    pub rank: u32,
    /// Whether it is taken where nothing shows a host.
    pub fallback: bool,
    /// Project files that show this host, and the key that holds the package root.
    pub project_files: BTreeMap<Arc<str>, Arc<str>>,
    /// What its compiler leaves.
    pub compiled: Compiled,
    /// Where its project file holds what its tool does with scripts.
    pub settings: ProjectSettings,
}

/// Settings of a host's project file, as paths of keys (`setting.urlCheck`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ProjectSettings {
    /// A list of compilers; with `typescript` in it `a.ts` counts before an `a.js` beside it.
    pub compilers: Arc<str>,
    /// Whether scripts that nothing loads are left out of the upload.
    pub leaves_unused: Arc<str>,
}

impl ProjectSettings {
    fn read<'j>(project: Option<&'j Json>, path: &str) -> Option<&'j Json> {
        path.split('.').try_fold(project?, |json, key| json.get(key))
    }
}

/// How to read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Bounds.
    pub limits: Limits,
    /// Paths that are left out, matched from the package root and from the path given.
    pub exclude: globset::GlobSet,
    /// The host, when it is told and not detected.
    pub host: Option<Arc<str>>,
    /// What is known of libraries, tools and servers.
    pub knowledge: Arc<Knowledge>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            exclude: globset::GlobSet::empty(),
            host: None,
            knowledge: Knowledge::embedded(),
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such path.
    #[error("{}: no such file or folder", .0.display())]
    NotFound(PathBuf),
    /// It cannot be read.
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, std::io::Error),
    /// No file of a mini-program lies there.
    #[error("{}: no mini-program found: no app.json, template or script", .0.display())]
    NothingToVet(PathBuf),
    /// An archive of which nothing could be read, and why.
    #[error("{}: the archive cannot be read: {}", .0.display(), reason_text(*.1))]
    Archive(PathBuf, SkipReason),
    /// A single file that is no archive.
    #[error("{}: neither a folder nor an archive", .0.display())]
    NotAPackage(PathBuf),
}

fn reason_text(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::TooLarge | SkipReason::TotalTooLarge => "over the size limit",
        SkipReason::TooMany => "over the limit on files",
        SkipReason::Encrypted => "encrypted",
        SkipReason::Ratio => "it inflates beyond all measure",
        SkipReason::Overlap => "its entries share bytes",
        SkipReason::Outside => "its entries lead out of it",
        SkipReason::Link => "it holds only links",
        _ => "broken, or of a form that is not read",
    }
}

/// What lies under a path, before it is split into packages.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    listing: Listing,
    archive: bool,
}

impl Opened {
    /// A file of an archive by its name, the one nearest to the top: its path below the archive's and its text.
    /// `None` for a folder, whose files lie on disk.
    pub fn archived(&self, name: &str) -> Option<(PathBuf, String)> {
        if !self.archive {
            return None;
        }
        let (path, bytes) = archive::find(&self.listing, name)?;
        Some((self.path.join(path), crate::source::decode(&bytes).text.to_string()))
    }

    /// Bytes of an archive's file, by its path below the archive's; `None` for a folder, or where there is no such file.
    pub fn archived_file(&self, path: &Path) -> Option<Vec<u8>> {
        let inside = path.strip_prefix(&self.path).ok().filter(|_| self.archive)?;
        archive::at(&self.listing, &inside.to_string_lossy().replace('\\', "/"))
    }

    /// The path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is an archive.
    pub const fn is_archive(&self) -> bool {
        self.archive
    }

    /// Splits it into packages, in order of their roots.
    pub fn packages(self, layouts: &[Layout], options: &ReadOptions) -> Result<Vec<Package>, ReadError> {
        packages(&self.path, &self.listing, layouts, options, None)
    }
}

/// Lists what lies under a path: a folder or an archive.
pub fn open(path: &Path, limits: &Limits) -> Result<Opened, ReadError> {
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ReadError::NotFound(path.to_owned()),
        _ => ReadError::Unreadable(path.to_owned(), error),
    })?;
    let unreadable = |error| ReadError::Unreadable(path.to_owned(), error);
    if meta.is_dir() {
        std::fs::read_dir(path).map_err(unreadable)?;
        return Ok(Opened { path: path.to_owned(), listing: walk::folder(path, limits), archive: false });
    }
    if !meta.is_file() {
        return Err(ReadError::NotAPackage(path.to_owned()));
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut head = [0u8; 512];
    let read = read_full(&mut file, &mut head).map_err(unreadable)?;
    if archive::form(&head[..read]).is_none() {
        return Err(ReadError::NotAPackage(path.to_owned()));
    }
    if meta.len() > limits.max_archive_bytes {
        return Err(ReadError::Archive(path.to_owned(), SkipReason::TooLarge));
    }
    let mut bytes = head[..read].to_vec();
    file.take(limits.max_archive_bytes).read_to_end(&mut bytes).map_err(unreadable)?;
    open_archive(path, &bytes, limits)
}

fn read_full(file: &mut std::fs::File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Whether a file starts like an archive.
pub fn is_archive(path: &Path) -> bool {
    let mut head = [0u8; 512];
    std::fs::File::open(path)
        .and_then(|mut file| read_full(&mut file, &mut head))
        .is_ok_and(|read| archive::form(&head[..read]).is_some())
}

/// Whether bytes start like an archive.
pub fn holds_archive(bytes: &[u8]) -> bool {
    archive::form(&bytes[..bytes.len().min(512)]).is_some()
}

/// Lists an archive in memory; `path` is its name in messages.
pub fn open_archive(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Opened, ReadError> {
    let listing = archive::list(bytes, limits).map_err(|reason| ReadError::Archive(path.to_owned(), reason))?;
    Ok(Opened { path: path.to_owned(), listing, archive: true })
}

/// Reads every package under a path, in order of their roots.
pub fn read(path: &Path, layouts: &[Layout], options: &ReadOptions) -> Result<Vec<Package>, ReadError> {
    open(path, &options.limits)?.packages(layouts, options)
}

/// Builds packages from files in memory: paths below the root and their bytes.
pub fn from_memory(
    root: &Path,
    entries: Vec<(String, Vec<u8>)>,
    layouts: &[Layout],
    options: &ReadOptions,
) -> Result<Vec<Package>, ReadError> {
    packages(root, &walk::memory(entries, &options.limits), layouts, options, None)
}

/// Splits a listing into packages and reads each.
pub(super) fn packages(
    path: &Path,
    listing: &Listing,
    layouts: &[Layout],
    options: &ReadOptions,
    memo: Option<&Memo>,
) -> Result<Vec<Package>, ReadError> {
    let Listing { entries, skipped, broken } = listing;
    let projects = find_projects(entries, layouts, options);
    let roots = find_roots(entries, &projects, options);
    let mut packages = Vec::with_capacity(roots.len());
    let owner =
        |at: &str| roots.iter().enumerate().rev().find(|(_, root)| below(at, root).is_some()).map(|(index, _)| index);
    let mut parts: Vec<Vec<&Entry>> = roots.iter().map(|_| Vec::new()).collect();
    for entry in entries {
        if let Some(index) = owner(&entry.path) {
            parts[index].push(entry);
        }
    }
    for (index, root) in roots.iter().enumerate() {
        let mut skipped: Vec<Skipped> = skipped
            .iter()
            .filter(|item| owner(&item.path) == Some(index))
            .map(|item| Skipped { path: below(&item.path, root).unwrap_or(&item.path).into(), ..item.clone() })
            .collect();
        skipped.extend(broken.iter().cloned());
        for nested in &roots[index + 1..] {
            if let Some(rest) = below(nested, root).filter(|rest| !rest.is_empty()) {
                skipped.push(Skipped { path: rest.into(), reason: SkipReason::OtherPackage, bytes: 0 });
            }
        }
        let reader = Reader { scan: path, root, projects: &projects, all: entries, layouts, options, memo };
        packages.push(reader.read(&parts[index], skipped));
    }
    packages.retain(|package| !package.files.is_empty() || package.skipped.iter().any(|item| item.reason.hides_code()));
    if packages.is_empty() {
        return Err(ReadError::NothingToVet(path.to_owned()));
    }
    Ok(packages)
}

/// The part of `path` below `root`; the whole when the root is empty.
fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    if root.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(root)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn join(folder: &str, rest: &str) -> String {
    let joined = if folder.is_empty() { rest.to_owned() } else { format!("{folder}/{rest}") };
    config::normalise_route(&joined)
}

/// Reads one package.
struct Reader<'a> {
    scan: &'a Path,
    root: &'a str,
    projects: &'a [Project],
    all: &'a [Entry],
    layouts: &'a [Layout],
    options: &'a ReadOptions,
    memo: Option<&'a Memo>,
}

/// What became of entries, for reading the same folder again: by path, with the entry's stamp and how it was read.
pub(super) type Memo = Mutex<HashMap<String, Kept>>;

/// One entry of a [`Memo`].
pub(super) struct Kept {
    stamp: u64,
    class: u8,
    below: usize,
    outcome: Outcome,
}

/// What became of an entry.
#[derive(Clone)]
enum Outcome {
    File(Arc<PackageFile>),
    Asset(Asset),
    Both(Asset, Skipped),
    /// Something that must not ship: an asset, and a file without text to point at.
    Alien(Asset, Box<PackageFile>),
    Skipped(Skipped),
}

impl Reader<'_> {
    fn read(&self, entries: &[&Entry], mut skipped: Vec<Skipped>) -> Package {
        let limits = &self.options.limits;
        let knowledge = &*self.options.knowledge;
        let npm = self.npm_modules(entries);
        let project = self.project_of_root();
        let mut left_out: BTreeSet<Arc<str>> = BTreeSet::new();
        let foreign_folders = self.foreign_folders(entries);

        // What each entry is, by its path.
        let mut planned: Vec<(&Entry, &str, Class)> = Vec::new();
        let mut folders_left_out: BTreeMap<(String, SkipReason), u64> = BTreeMap::new();
        let mut shipped = 0u64;
        for entry in entries {
            let Some(path) = below(&entry.path, self.root) else { continue };
            let extension = extension_of(path);
            if self.options.exclude.is_match(path) || self.options.exclude.is_match(&entry.path) {
                skipped.push(Skipped { path: path.into(), reason: SkipReason::Excluded, bytes: entry.bytes });
                continue;
            }
            if let Some(folder) = npm.left_out(path) {
                *folders_left_out.entry((folder, SkipReason::Foreign)).or_default() += entry.bytes;
                continue;
            }
            // Cloud functions that the project names are put up apart, and what it leaves out is not put up at all.
            let cloud = foreign_folders.iter().find(|folder| {
                below(path, folder).is_some()
                    && self.projects.iter().any(|project| self.cloud_folder(project) == Some(folder.as_str()))
            });
            if let Some(folder) = cloud {
                *folders_left_out.entry((folder.clone(), SkipReason::Excluded)).or_default() += entry.bytes;
                left_out.insert(path.into());
                planned.push((entry, path, self.foreign_class(extension)));
                continue;
            }
            if project.is_some_and(|project| project.shipping.leaves_out(path)) {
                skipped.push(Skipped { path: path.into(), reason: SkipReason::Excluded, bytes: entry.bytes });
                left_out.insert(path.into());
                planned.push((entry, path, self.foreign_class(extension)));
                continue;
            }
            shipped += entry.bytes;
            if path.ends_with(".d.ts") {
                skipped.push(Skipped { path: path.into(), reason: SkipReason::Declarations, bytes: entry.bytes });
                continue;
            }
            let class = if let Some(folder) = foreign_folders.iter().find(|folder| below(path, folder).is_some()) {
                *folders_left_out.entry((folder.clone(), SkipReason::Foreign)).or_default() += entry.bytes;
                self.foreign_class(extension)
            } else if knowledge.is_server_extension(extension) || knowledge.is_tool_file(name_of(path)) {
                skipped.push(Skipped { path: path.into(), reason: SkipReason::Foreign, bytes: entry.bytes });
                self.foreign_class(extension)
            } else {
                self.class(path)
            };
            planned.push((entry, path, class));
        }
        skipped.extend(folders_left_out.into_iter().map(|((path, reason), bytes)| Skipped {
            path: path.into(),
            reason,
            bytes,
        }));

        // The project file may stand outside the root.
        let mut project_path: Option<String> = None;
        let outside: Option<&Entry> = project.and_then(|project| match below(&project.path, self.root) {
            Some(path) => {
                project_path = Some(path.to_owned());
                None
            }
            None => {
                let up =
                    self.root[shared(&project.path, self.root)..].split('/').filter(|part| !part.is_empty()).count();
                project_path =
                    Some(format!("{}{}", "../".repeat(up), &project.path[shared(&project.path, self.root)..]));
                self.all.iter().find(|entry| entry.path == project.path)
            }
        });
        if let (Some(entry), Some(path)) = (outside, &project_path) {
            planned.push((entry, path, Class::Text(FileKind::Json)));
        }

        // Client code first: limits hit the rest.
        let rank = |path: &str, class: &Class| (matches!(class, Class::Asset), in_npm(path));
        planned.sort_by(|a, b| rank(a.1, &a.2).cmp(&rank(b.1, &b.2)).then_with(|| a.1.cmp(b.1)));
        let mut total = 0u64;
        let mut within: Vec<(&Entry, &str, Class)> = Vec::new();
        for (entry, path, class) in planned {
            if !matches!(class, Class::Asset) {
                let reason = if entry.bytes > limits.max_file_bytes {
                    Some(SkipReason::TooLarge)
                } else if total + entry.bytes > limits.max_total_bytes {
                    Some(SkipReason::TotalTooLarge)
                } else {
                    None
                };
                if let Some(reason) = reason {
                    if matches!(class, Class::Text(_)) {
                        skipped.push(Skipped { path: path.into(), reason, bytes: entry.bytes });
                    }
                    within.push((entry, path, Class::Asset));
                    continue;
                }
                total += entry.bytes;
            }
            within.push((entry, path, class));
        }

        let outcomes: Vec<Outcome> =
            within.into_par_iter().map(|(entry, path, class)| self.load(entry, path, class, &npm)).collect();
        let mut package = Package {
            root: if self.root.is_empty() { self.scan.to_owned() } else { self.scan.join(self.root) },
            below: self.root.to_owned(),
            left_out,
            ..Package::default()
        };
        for outcome in outcomes {
            match outcome {
                Outcome::File(file) => package.files.push(file),
                Outcome::Asset(asset) => package.assets.push(asset),
                Outcome::Alien(asset, file) => {
                    package.assets.push(asset);
                    package.files.push(Arc::from(file));
                }
                Outcome::Both(asset, skip) => {
                    package.assets.push(asset);
                    skipped.push(skip);
                }
                Outcome::Skipped(skip) => skipped.push(skip),
            }
        }
        package.bytes = shipped;
        // What version control keeps is not read, nor settings of servers; a file without text stands for it, to point at.
        for item in &skipped {
            let top = !item.path.contains('/')
                && (matches!(&*item.path, ".git" | ".svn" | ".hg") || item.path.starts_with(".env"));
            if top && item.reason == SkipReason::Hidden && !package.files.is_empty() {
                package.files.push(Arc::new(PackageFile {
                    source: SourceFile::new(&*item.path, b""),
                    kind: FileKind::Foreign,
                    origin: Origin::Own,
                    json: None,
                    json_errors: Vec::new(),
                    renamed: Vec::new(),
                }));
            }
        }
        package.assets.sort_by(|a, b| a.path.cmp(&b.path));
        package.index();
        compiled::unpack(&mut package, &mut skipped, self.layouts, knowledge, &|path| npm.origin(path));
        self.configure(&mut package, project, project_path.as_deref());
        if package.compiled.is_some() {
            compiled::unseen(&package, self.layouts, &mut skipped);
        }
        rescue(&mut package, &mut skipped, &|path| self.class(path));
        skipped.sort_by(|a, b| a.path.cmp(&b.path).then(a.reason.cmp(&b.reason)));
        skipped.dedup_by(|a, b| a.path == b.path && a.reason == b.reason);
        package.skipped = skipped;
        package
    }

    /// Finds configuration, pages and host.
    fn configure(&self, package: &mut Package, project: Option<&Project>, project_path: Option<&str>) {
        package.app = config::APP_FILES.iter().find_map(|name| package.file(name));
        package.project = project_path.and_then(|path| package.file(path));
        package.game =
            package.app.is_none() && package.file("game.json").is_some() || project.is_some_and(|project| project.game);
        if package.game && package.app.is_none() {
            package.app = package.file("game.json");
        }
        if let Some(app) = package.app_json() {
            let (pages, subpackages) = config::pages(app);
            package.pages = pages;
            package.subpackages = subpackages;
            if package.compiled.is_some() {
                compiled::settle_routes(package);
            }
        }
        package.host = match &self.options.host {
            Some(host) => host.clone(),
            None => self.detect(package, project),
        };
        let layout = self.layouts.iter().find(|layout| layout.host == package.host);
        package.upload_extensions = layout.map(|layout| layout.upload_extensions.clone()).unwrap_or_default();
        if let Some(settings) = layout.map(|layout| &layout.settings) {
            let project = package.project.and_then(|file| package.files[file.index()].json.as_ref());
            let compilers = ProjectSettings::read(project, &settings.compilers);
            let named = |list: &Json| list.items().iter().any(|one| one.as_str() == Some("typescript"));
            let typescript = compilers.is_some_and(named);
            let unused = ProjectSettings::read(project, &settings.leaves_unused).and_then(Json::as_bool) == Some(true);
            // Without the project's file its pages tell: some stand there as TypeScript alone.
            let only = |suffix: &str, other: &str| {
                package.pages.iter().any(|page| {
                    let has = |suffix: &str| package.file(&format!("{}{suffix}", page.route)).is_some();
                    has(suffix) && !has(other)
                })
            };
            let typescript = typescript || project.is_none() && !settings.compilers.is_empty() && only(".ts", ".js");
            let unused = unused || project.is_none() && !settings.leaves_unused.is_empty();
            (package.typescript, package.leaves_unused) = (typescript, unused);
        }
    }

    /// The host: by the templates of listed pages, then its project file, all templates, namespaces in scripts.
    fn detect(&self, package: &Package, project: Option<&Project>) -> Arc<str> {
        let score = |layout: &Layout| {
            let listed = package
                .pages
                .iter()
                .filter(|page| {
                    layout
                        .template_extensions
                        .iter()
                        .any(|extension| package.by_path.contains_key(format!("{}.{extension}", page.route).as_str()))
                })
                .count();
            let shown = project.is_some_and(|project| project.hosts.contains(&layout.host));
            // A file named after fewer hosts says more.
            let shown = if shown { 100 / project.map_or(1, |project| project.hosts.len().max(1)) } else { 0 };
            let templates = package
                .files
                .iter()
                .filter(|file| {
                    layout.template_extensions.iter().any(|extension| file.source.extension() == &**extension)
                })
                .count();
            (package.compiled.as_ref() == Some(&layout.host), listed, shown, templates)
        };
        let scores: Vec<_> = self.layouts.iter().map(|layout| (score(layout), layout)).collect();
        let Some(best) = scores.iter().map(|(score, _)| *score).max() else { return Arc::default() };
        let tied: Vec<&Layout> = scores.iter().filter(|(score, _)| *score == best).map(|(_, layout)| *layout).collect();
        if let [only] = tied.as_slice() {
            return only.host.clone();
        }
        let uses = |layout: &Layout| -> usize {
            let needles: Vec<String> = layout.namespaces.iter().map(|name| format!("{name}.")).collect();
            package
                .files
                .iter()
                .filter(|file| file.kind == FileKind::Script)
                .map(|file| needles.iter().map(|needle| count_word(&file.source.text, needle)).sum::<usize>())
                .sum()
        };
        let shown = best != Default::default();
        // Of those that are used most, where nothing shows a host the one that packages are for, else the usual one.
        tied.into_iter()
            .map(|layout| (uses(layout), layout))
            .max_by_key(|(uses, layout)| {
                (*uses, !shown && layout.fallback, std::cmp::Reverse(layout.rank), std::cmp::Reverse(&layout.host))
            })
            .map(|(_, layout)| layout.host.clone())
            .unwrap_or_default()
    }

    /// The project file that names this root, or the one nearest above it.
    fn project_of_root(&self) -> Option<&Project> {
        let named = self.projects.iter().filter(|project| project.root == self.root);
        // Beside or above the root, nearest first; one host's own file before one that several hosts use.
        let above = self.projects.iter().filter(|project| below(self.root, folder_of(&project.path)).is_some());
        let key = |project: &&Project| {
            (std::cmp::Reverse(folder_of(&project.path).len()), project.hosts.len(), project.path.clone())
        };
        let mut named: Vec<&Project> = named.collect();
        named.sort_by_key(key);
        let mut above: Vec<&Project> =
            above.filter(|project| project.root.is_empty() || project.root == self.root).collect();
        above.sort_by_key(key);
        named.first().or(above.first()).copied()
    }

    fn load(&self, entry: &Entry, path: &str, class: Class, npm: &NpmModules) -> Outcome {
        let Some(memo) = self.memo.filter(|_| entry.stamp != 0) else { return self.load_anew(entry, path, class, npm) };
        let key = (entry.stamp, class.code(), path.len());
        // A poisoned memo is as good as before: it only holds whole outcomes.
        let lock = || memo.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(kept) = lock().get(&entry.path)
            && (kept.stamp, kept.class, kept.below) == key
        {
            match &kept.outcome {
                Outcome::File(file) => {
                    let origin = npm.origin(path);
                    let same = match &origin {
                        Some(origin) => *origin == file.origin,
                        None => !matches!(file.origin, Origin::Npm { .. }),
                    };
                    if same {
                        return kept.outcome.clone();
                    }
                }
                other => return other.clone(),
            }
        }
        let outcome = self.load_anew(entry, path, class, npm);
        let kept = Kept { stamp: key.0, class: key.1, below: key.2, outcome: outcome.clone() };
        lock().insert(entry.path.clone(), kept);
        outcome
    }

    fn load_anew(&self, entry: &Entry, path: &str, class: Class, npm: &NpmModules) -> Outcome {
        let asset = |head: Arc<[u8]>| Asset { path: path.into(), bytes: entry.bytes, head };
        let skip = |reason| Skipped { path: path.into(), reason, bytes: entry.bytes };
        let alien =
            matches!(class, Class::Asset | Class::Sniff) && self.options.knowledge.is_alien(path, &entry.head());
        if matches!(class, Class::Asset)
            || matches!(class, Class::Sniff) && (entry.bytes > 1 << 20 || looks_binary(&entry.head()))
        {
            if !alien {
                return Outcome::Asset(asset(entry.head()));
            }
            let file = PackageFile {
                source: SourceFile::new(path, b""),
                kind: FileKind::Foreign,
                origin: npm.origin(path).unwrap_or(Origin::Own),
                json: None,
                json_errors: Vec::new(),
                renamed: Vec::new(),
            };
            return Outcome::Alien(asset(entry.head()), Box::new(file));
        }
        let bytes = match entry.load(self.options.limits.max_file_bytes) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Outcome::Both(asset(entry.head()), skip(SkipReason::TooLarge)),
            Err(_) => return Outcome::Skipped(skip(SkipReason::Unreadable)),
        };
        let kind = match class {
            Class::Text(kind) => kind,
            _ if alien => FileKind::Foreign,
            _ => FileKind::Text,
        };
        let head: Arc<[u8]> = bytes[..bytes.len().min(512)].into();
        if has_magic(&bytes) {
            return Outcome::Both(asset(head), skip(SkipReason::Binary));
        }
        let source = SourceFile::new(path, &bytes);
        let odd = !matches!(source.encoding, Encoding::Utf16Le | Encoding::Utf16Be | Encoding::Utf8Bom)
            && looks_binary(&bytes);
        if odd {
            return match class {
                Class::Text(FileKind::Foreign) | Class::Sniff => Outcome::Asset(asset(head)),
                _ => Outcome::Both(asset(head), skip(SkipReason::Binary)),
            };
        }
        let kind = match kind {
            FileKind::Script if !in_npm(path) && self.options.knowledge.is_server(&source.text) => FileKind::Foreign,
            kind => kind,
        };
        let (json, json_errors) = if kind == FileKind::Json {
            let parsed = json::parse(&source.text);
            (parsed.value, parsed.errors)
        } else {
            (None, Vec::new())
        };
        let origin = npm.origin(path).or_else(|| match kind {
            FileKind::Json | FileKind::Text | FileKind::Foreign => None,
            _ => self.options.knowledge.library(path, &source.text),
        });
        let origin = origin.unwrap_or(Origin::Own);
        Outcome::File(Arc::new(PackageFile { source, kind, origin, json, json_errors, renamed: Vec::new() }))
    }
}

#[cfg(test)]
mod tests;
