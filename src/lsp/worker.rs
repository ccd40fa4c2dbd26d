//! The worker: takes changes in order, vets what they touch, and gives snapshots. Changes that come while it works make
//! it begin again, with all of them at once.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gen_lsp_types::{Diagnostic, Uri};

use super::pages::Pages;
use super::settings::Settings;
use super::snapshot::{Snapshot, Told, path_of};
use super::to_proto::{self, Telling};
use crate::engine::config::NAME as CONFIG;
use crate::engine::session::Session;
use crate::engine::{FactsStore, Failure, Vetted, panic_text};
use crate::flow::Place;
use crate::package::ReadError;
use crate::policy::Policy;
use crate::policy::catalogue::Lang;
use crate::policy::packs::Packs;
use crate::report::model::Teller;
use crate::source::PositionEncoding;

/// What happened outside.
#[derive(Debug)]
pub(super) enum Change {
    /// A document is open and has this text.
    Open(PathBuf, Uri, i32, Arc<str>),
    /// A document is no longer open.
    Close(PathBuf),
    /// Files or folders changed on disk.
    Disk(Vec<PathBuf>),
    /// Anything may have changed on disk.
    Look,
    /// The workspace has these folders.
    Folders(Vec<PathBuf>),
    /// Settings and the client's locale.
    Settings(Box<Settings>, Option<String>),
}

/// What the client can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Showing {
    /// What columns count.
    pub encoding: PositionEncoding,
    /// Related places of diagnostics.
    pub related: bool,
}

/// What the worker tells.
#[derive(Debug)]
pub(super) enum Event {
    /// A snapshot.
    Done(Arc<Snapshot>),
    /// A long round begins (`true`) or ended.
    Busy(bool),
}

/// The worker's handle.
pub(super) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    newest: AtomicU64,
}

#[derive(Default)]
struct Queue {
    changes: Vec<Change>,
    stop: bool,
}

/// A round is not given up when nothing came out for this long: a typist who never rests sees something.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Stack of the worker: deep code needs it.
const STACK: usize = 64 << 20;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Starts the worker.
    pub fn start(showing: Showing, facts: FactsStore, tell: impl Fn(Event) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new(), newest: AtomicU64::new(0) });
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("lsp-vet".to_owned()).stack_size(STACK).spawn(move || {
            let mut work = Work::new(showing, facts);
            loop {
                let changes = {
                    let mut queue = own.lock();
                    while queue.changes.is_empty() && !queue.stop {
                        queue = own.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    }
                    if queue.stop {
                        return;
                    }
                    std::mem::take(&mut queue.changes)
                };
                // Changes and their number are published together, under the lock.
                work.generation += changes.len() as u64;
                work.round(changes, &own, &tell);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands over a change; the generation that includes it.
    pub fn send(&self, change: Change) -> u64 {
        let mut queue = self.shared.lock();
        queue.changes.push(change);
        let generation = self.shared.newest.fetch_add(1, Ordering::SeqCst) + 1;
        drop(queue);
        self.shared.wake.notify_one();
        generation
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.newest.fetch_add(1, Ordering::SeqCst);
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct OpenFile {
    uri: Uri,
    version: i32,
    text: Arc<str>,
}

/// Diagnostics of one package, by path.
type Lists = BTreeMap<PathBuf, Arc<Told>>;

/// The worker's own state.
struct Work {
    showing: Showing,
    facts: FactsStore,
    generation: u64,
    settings: Settings,
    lang: Lang,
    policy: Option<Arc<Policy>>,
    pages: Option<Pages>,
    folders: Vec<PathBuf>,
    sessions: BTreeMap<PathBuf, Session>,
    open: BTreeMap<PathBuf, OpenFile>,
    told: HashMap<PathBuf, (Arc<Vetted>, Lists)>,
    /// Per session: what the last finished round gave.
    rounds: BTreeMap<PathBuf, Outcome>,
    log: Vec<String>,
    finished: Instant,
    reload: bool,
}

#[derive(Default)]
struct Outcome {
    packages: Vec<Arc<Vetted>>,
    mistakes: BTreeMap<PathBuf, Vec<Diagnostic>>,
}

impl Work {
    fn new(showing: Showing, facts: FactsStore) -> Self {
        Self {
            showing,
            facts,
            generation: 0,
            settings: Settings::default(),
            lang: Lang::Zh,
            policy: None,
            pages: None,
            folders: Vec::new(),
            sessions: BTreeMap::new(),
            open: BTreeMap::new(),
            told: HashMap::new(),
            rounds: BTreeMap::new(),
            log: Vec::new(),
            finished: Instant::now(),
            reload: true,
        }
    }

    fn round(&mut self, changes: Vec<Change>, shared: &Shared, tell: &impl Fn(Event)) {
        for change in changes {
            self.apply(change);
        }
        self.reload_packs();
        self.arrange();
        let Some(policy) = self.policy.clone() else { return };
        let first = self.sessions.keys().any(|root| !self.rounds.contains_key(root));
        if first {
            tell(Event::Busy(true));
        }
        let generation = self.generation;
        let patient = self.finished.elapsed() > PATIENCE;
        let cancelled = || !patient && shared.newest.load(Ordering::SeqCst) != generation;
        let mut complete = true;
        for (root, session) in &mut self.sessions {
            let known = self.rounds.contains_key(root);
            // The first look at a folder is not given up: it is what takes long.
            let outcome = catch_unwind(AssertUnwindSafe(|| session.vet(&policy, &|| known && cancelled())));
            match outcome {
                Ok(Ok(round)) => {
                    let mut outcome = Outcome { packages: round.packages, mistakes: BTreeMap::new() };
                    for vetted in &outcome.packages {
                        self.log.extend(
                            vetted
                                .engine_errors
                                .iter()
                                .map(|error| format!("{}: internal error: {error}", vetted.package.root.display())),
                        );
                    }
                    for failure in round.failures {
                        match failure {
                            // A folder without a mini-program is nothing to tell.
                            Failure::Read(ReadError::NothingToVet(_)) => {}
                            Failure::Read(error) => self.log.push(error.to_string()),
                            Failure::Config(failure) => {
                                let list = outcome.mistakes.entry(failure.path.clone()).or_default();
                                for error in &failure.errors {
                                    let mut message = error.message.get(self.lang).to_owned();
                                    if let Some(help) = &error.help {
                                        message.push('\n');
                                        message.push_str(help.get(self.lang));
                                    }
                                    list.push(to_proto::mistake(
                                        &failure.text,
                                        error.span.clone(),
                                        message,
                                        self.showing.encoding,
                                    ));
                                }
                            }
                        }
                    }
                    self.rounds.insert(root.clone(), outcome);
                }
                Ok(Err(_)) => complete = false,
                Err(panic) => {
                    // What was known stays; the next edit tries again.
                    self.log.push(format!("{}: internal error: {}", root.display(), panic_text(&*panic)));
                    self.rounds.entry(root.clone()).or_default();
                }
            }
        }
        if complete {
            self.finished = Instant::now();
            let snapshot = self.snapshot(policy, generation);
            tell(Event::Done(Arc::new(snapshot)));
        }
        if first {
            tell(Event::Busy(false));
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Open(path, uri, version, text) => {
                for session in self.sessions.values_mut() {
                    session.open(&path, text.as_bytes().into());
                }
                self.open.insert(path, OpenFile { uri, version, text });
            }
            Change::Close(path) => {
                for session in self.sessions.values_mut() {
                    session.close(&path);
                }
                self.open.remove(&path);
            }
            Change::Disk(paths) => {
                for path in &paths {
                    for session in self.sessions.values_mut() {
                        session.touch(path);
                    }
                }
                if let Some(rules) = self.rules() {
                    self.reload |= paths.iter().any(|path| path.starts_with(&rules) || rules.starts_with(path));
                }
            }
            Change::Look => {
                for session in self.sessions.values_mut() {
                    session.look();
                }
                self.reload |= self.settings.rules.is_some();
            }
            Change::Folders(folders) => self.folders = folders,
            Change::Settings(settings, locale) => {
                self.lang = settings.language(locale.as_deref());
                if self.settings != *settings {
                    self.sessions.clear();
                    self.rounds.clear();
                }
                self.settings = *settings;
                self.reload = true;
            }
        }
    }

    /// The folder of rule packs; a relative one is looked for in the workspace.
    fn rules(&self) -> Option<PathBuf> {
        let rules = self.settings.rules.as_ref()?;
        if rules.is_absolute() {
            return Some(rules.clone());
        }
        let folders = self.folders.iter().map(|folder| folder.join(rules));
        folders.clone().find(|folder| folder.is_dir()).or_else(|| folders.into_iter().next())
    }

    fn reload_packs(&mut self) {
        if !std::mem::take(&mut self.reload) {
            return;
        }
        let mut packs = Packs::embedded();
        let mut errors = Vec::new();
        if let Some(dir) = self.rules() {
            packs.overlay(&dir, &mut errors);
        }
        let errors = if errors.is_empty() {
            match Policy::load(packs) {
                Ok(policy) => {
                    let same = self.policy.as_ref().is_some_and(|old| old.digest() == policy.digest());
                    if !same {
                        self.policy = Some(Arc::new(policy));
                    }
                    Vec::new()
                }
                Err((_, errors)) => errors,
            }
        } else {
            errors
        };
        // Broken packs leave the last good ones in place.
        self.log.extend(errors.iter().map(|error| format!("rule packs: {}: {}", error.file, error.message)));
        if self.policy.is_none() {
            self.policy = Policy::embedded().ok().map(Arc::new);
        }
        self.told.clear();
        if let Some(policy) = &self.policy {
            self.pages = Some(Pages::new(self.settings.pages.as_deref(), self.lang, policy));
        }
    }

    /// One session for each folder that is in no other, and for each package of an open file outside of all folders.
    fn arrange(&mut self) {
        let mut roots: Vec<PathBuf> = self.folders.clone();
        for path in self.open.keys() {
            if !self.folders.iter().any(|folder| path.starts_with(folder))
                && let Some(root) = package_root(path)
            {
                roots.push(root);
            }
        }
        roots.sort();
        roots.dedup();
        let all = roots.clone();
        roots.retain(|root| !all.iter().any(|other| other != root && root.starts_with(other)));
        self.sessions.retain(|root, _| roots.contains(root));
        self.rounds.retain(|root, _| roots.contains(root));
        for root in roots {
            if self.sessions.contains_key(&root) {
                continue;
            }
            let mut options = self.settings.options();
            options.facts = self.facts.clone();
            if let Some(config) = options.config.as_mut().filter(|config| config.is_relative()) {
                *config = root.join(&*config);
            }
            let mut session = Session::new(&root, options);
            for (path, file) in &self.open {
                session.open(path, file.text.as_bytes().into());
            }
            self.sessions.insert(root, session);
        }
    }

    fn snapshot(&mut self, policy: Arc<Policy>, generation: u64) -> Snapshot {
        let mut packages: Vec<Arc<Vetted>> = Vec::new();
        let mut files: BTreeMap<PathBuf, Arc<Told>> = BTreeMap::new();
        let mut mistakes: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for outcome in self.rounds.values() {
            packages.extend(outcome.packages.iter().cloned());
            for (path, list) in &outcome.mistakes {
                mistakes.entry(path.clone()).or_insert_with(|| list.clone());
            }
        }
        let mut told = std::mem::take(&mut self.told);
        let mut hasher = DefaultHasher::new();
        for vetted in &packages {
            let root = &vetted.package.root;
            let own = match told.remove(root) {
                Some((old, own)) if Arc::ptr_eq(&old, vetted) => own,
                _ => self.tell(vetted, &policy),
            };
            for (path, one) in &own {
                files.insert(path.clone(), one.clone());
            }
            self.told.insert(root.clone(), (vetted.clone(), own));
            for collection in &vetted.solution.collections {
                vetted.package.source(collection.place.file).path.hash(&mut hasher);
                (&collection.source, &collection.kinds, collection.consent()).hash(&mut hasher);
            }
        }
        for (path, list) in mistakes {
            let mut items = files.remove(&path).map(|told| told.items.clone()).unwrap_or_default();
            items.extend(list);
            files.insert(path, Arc::new(Told::new(items)));
        }
        Snapshot {
            generation,
            policy,
            lang: self.lang,
            packages,
            files,
            versions: self.open.iter().map(|(path, file)| (path.clone(), file.version)).collect(),
            log: std::mem::take(&mut self.log),
            facts: hasher.finish(),
        }
    }

    fn tell(&mut self, vetted: &Vetted, policy: &Policy) -> BTreeMap<PathBuf, Arc<Told>> {
        let teller = Teller::new(vetted, policy, self.lang);
        let open = &self.open;
        let uri = |place: Place| {
            let path = path_of(vetted, place.file);
            open.get(&path).map_or_else(|| to_proto::uri(&path), |file| file.uri.clone())
        };
        let mut lists: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for hit in vetted.active() {
            let page = self.pages.as_mut().and_then(|pages| pages.rule(hit.finding.rule, policy));
            let with = Telling {
                package: &vetted.package,
                uri: &uri,
                page,
                lang: self.lang,
                encoding: self.showing.encoding,
                related: self.showing.related,
            };
            let diagnostic = to_proto::diagnostic(hit, &teller.finding(hit), &with);
            lists.entry(path_of(vetted, hit.finding.place.file)).or_default().push(diagnostic);
        }
        lists.into_iter().map(|(path, items)| (path, Arc::new(Told::new(items)))).collect()
    }
}

/// Names that show the root of a package.
const ROOTS: [&str; 2] = ["app.json", "game.json"];
/// Folders that are looked at upwards.
const CLIMB: usize = 24;

/// The package of a file outside of all folders: the nearest folder above with an `app.json` or a configuration.
fn package_root(path: &Path) -> Option<PathBuf> {
    let mut folder = path.parent()?;
    let mut found = None;
    for _ in 0..CLIMB {
        if ROOTS.iter().any(|name| folder.join(name).is_file()) || folder.join(CONFIG).is_file() {
            found = Some(folder.to_owned());
            break;
        }
        if folder.join(".git").exists() {
            break;
        }
        folder = folder.parent()?;
    }
    found
}
