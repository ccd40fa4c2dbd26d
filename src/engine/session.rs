//! A folder that is vetted again after every edit: only what changed is read, and packages that did not change keep
//! their outcome.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::baseline::Baseline;
use super::config::{self, Config, ConfigFailure};
use super::memory::MemoryCache;
use super::{FactsStore, Failure, Options, Vetted, layouts, read_options, vet_unless};
use crate::package::{Package, Submission, Tree};
use crate::policy::Policy;

/// A folder and what the last round found in it.
#[derive(Debug)]
pub struct Session {
    tree: Tree,
    options: Options,
    memory: Option<Arc<MemoryCache>>,
    /// The last configuration without mistakes, by path, with its text.
    configs: HashMap<PathBuf, Config>,
    /// Open configurations above the folder.
    above: HashMap<PathBuf, Arc<[u8]>>,
    last: HashMap<PathBuf, Last>,
    digest: String,
}

#[derive(Debug)]
struct Last {
    inputs: Inputs,
    vetted: Arc<Vetted>,
}

/// What a package's outcome depends on beside its files' bytes.
#[derive(Debug, PartialEq)]
struct Inputs {
    host: Arc<str>,
    config: Option<PathBuf>,
    text: String,
    baseline: Option<Arc<Baseline>>,
    submission: Submission,
    assets: Vec<(Arc<str>, u64, Arc<[u8]>)>,
    skipped: Vec<(Arc<str>, crate::package::SkipReason, u64)>,
}

/// What one round gives.
#[derive(Debug, Default)]
pub struct Round {
    /// The packages in order of their roots; those that did not change are the same as before.
    pub packages: Vec<Arc<Vetted>>,
    /// What could not be vetted, and mistakes in configurations. A broken configuration counts as it was before it
    /// broke.
    pub failures: Vec<Failure>,
}

/// Another round is wanted before this one came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl Session {
    /// A session over a folder. Facts are kept in memory unless the options name another cache.
    pub fn new(root: impl Into<PathBuf>, mut options: Options) -> Self {
        let limits = options.read.as_ref().map(|read| read.limits.clone()).unwrap_or_default();
        let memory = options.facts.0.is_none().then(|| Arc::new(MemoryCache::default()));
        if let Some(memory) = &memory {
            options.facts = FactsStore(Some(memory.clone()));
        }
        Self {
            tree: Tree::new(root, limits),
            options,
            memory,
            configs: HashMap::new(),
            above: HashMap::new(),
            last: HashMap::new(),
            digest: String::new(),
        }
    }

    /// From now on a file has these bytes, whatever the disk says. False when it does not concern this folder.
    pub fn open(&mut self, path: &Path, bytes: Arc<[u8]>) -> bool {
        if self.tree.open(path, bytes.clone()) {
            return true;
        }
        let above = path.file_name().is_some_and(|name| name == config::NAME)
            && path.parent().is_some_and(|folder| self.root().starts_with(folder));
        if above {
            self.above.insert(path.to_owned(), bytes);
        }
        above
    }

    /// From now on the disk says what a file holds.
    pub fn close(&mut self, path: &Path) {
        self.above.remove(path);
        self.tree.close(path);
    }

    /// Something changed on disk at that path.
    pub fn touch(&mut self, path: &Path) {
        if self.tree.below(path).is_some() || path == self.root() {
            self.tree.touch(path);
        }
    }

    /// The disk is looked at again in the next round.
    pub fn look(&mut self) {
        self.tree.look();
    }

    /// Number of files whose facts are kept in memory.
    pub fn kept(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.len())
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.tree.root()
    }

    /// Vets what changed.
    ///
    /// # Errors
    /// When `cancelled` said so; the next round does the work again.
    pub fn vet(&mut self, policy: &Policy, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Round, Cancelled> {
        if let Some(memory) = &self.memory {
            memory.turn();
        }
        if self.digest != policy.digest() {
            self.last.clear();
            policy.digest().clone_into(&mut self.digest);
        }
        let mut round = Round::default();
        let mut told: Vec<PathBuf> = Vec::new();
        let root = self.tree.root().to_owned();
        let config = self.config_of(&root, policy, &mut round, &mut told);
        let read = read_options(&config, &self.options);
        let packages = match self.tree.packages(&layouts(policy), &read) {
            Ok(packages) => packages,
            Err(error) => {
                self.last.clear();
                round.failures.push(Failure::Read(error));
                return Ok(round);
            }
        };
        let mut last = std::mem::take(&mut self.last);
        let mut stopped = false;
        for package in packages {
            let at = package.root.clone();
            let old = last.remove(&at);
            if stopped || cancelled() {
                stopped = true;
                self.last.extend(old.map(|old| (at, old)));
                continue;
            }
            let config = self.config_of(&at, policy, &mut round, &mut told);
            let inputs = Inputs::of(&package, &config);
            if let Some(old) = old {
                if old.inputs == inputs && same_files(&old.vetted.package, &package) {
                    round.packages.push(old.vetted.clone());
                    self.last.insert(at, old);
                    continue;
                }
                self.last.insert(at.clone(), old);
            }
            match vet_unless(package, policy, &config, &self.options, cancelled) {
                Ok(vetted) => {
                    let vetted = Arc::new(vetted);
                    round.packages.push(vetted.clone());
                    self.last.insert(at, Last { inputs, vetted });
                }
                Err(_) => stopped = true,
            }
        }
        if stopped { Err(Cancelled) } else { Ok(round) }
    }

    /// The configuration that counts at a path.
    fn config_of(&mut self, at: &Path, policy: &Policy, round: &mut Round, told: &mut Vec<PathBuf>) -> Config {
        let opened = |path: &Path| self.tree.opened(path).or_else(|| self.above.get(path));
        let found = match (&self.options.config, self.options.no_config) {
            (Some(file), _) => Some(file.clone()),
            (None, true) => None,
            (None, false) => config::find_where(at, &|path| opened(path).is_some() || path.is_file()),
        };
        let Some(file) = found else { return Config::default() };
        let parsed: Result<Config, ConfigFailure> = match opened(&file) {
            Some(bytes) => config::parse(&file, &crate::source::decode(bytes).text, policy),
            None => config::load(&file, policy),
        };
        match parsed {
            Ok(config) => {
                self.configs.insert(file, config.clone());
                config
            }
            Err(failure) => {
                let before = self.configs.get(&file).cloned().unwrap_or_default();
                if !told.contains(&file) {
                    told.push(file);
                    round.failures.push(Failure::Config(failure));
                }
                before
            }
        }
    }
}

impl Inputs {
    fn of(package: &Package, config: &Config) -> Self {
        Self {
            host: package.host.clone(),
            config: config.path.clone(),
            baseline: config.baseline.clone(),
            submission: config.submission.clone(),
            text: config.text.clone() + config.lexicons.as_ref().map_or("", |lexicons| lexicons.digest()),
            assets: package.assets.iter().map(|asset| (asset.path.clone(), asset.bytes, asset.head.clone())).collect(),
            skipped: package.skipped.iter().map(|item| (item.path.clone(), item.reason, item.bytes)).collect(),
        }
    }
}

fn same_files(old: &Package, new: &Package) -> bool {
    old.files.len() == new.files.len()
        && old.files.iter().zip(&new.files).all(|(a, b)| {
            Arc::ptr_eq(a, b)
                || (a.source.path == b.source.path
                    && a.kind == b.kind
                    && a.origin == b.origin
                    && a.source.encoding == b.source.encoding
                    && a.source.hash() == b.source.hash())
        })
}
