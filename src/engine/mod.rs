//! Runs the pipeline: reads, links, solves, asks the rules, applies configuration and suppressions, orders the
//! findings and computes the verdict.

pub mod baseline;
pub mod buffer;
pub mod config;
pub mod disk;
pub mod fingerprint;
pub mod lexicons;
pub mod markers;
pub mod memory;
mod running;
pub mod session;
mod several;
mod suppress;
mod watch;

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::flow::Solution;
use crate::model::facts::{FactsDialect, facts as file_facts};
use crate::model::{self, FileFacts, Program};
use crate::package::{
    FileKind, Layout, Opened, Package, PackageFile, ReadError, ReadOptions, SkipReason, Skipped, Submission,
};
use crate::policy::Policy;
use crate::rules::{self, Confidence, Context, Finding, Severity};
use crate::source::{FileId, Span};
use baseline::Baseline;
use config::{Config, ConfigFailure, Level, Profile};
use running::{all_rules, read_texts, rules_to_run, run_rules};
use several::Job;
pub use several::STACK;
use watch::Watch;

/// What the caller asks for; it goes before the configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// This configuration and no other.
    pub config: Option<PathBuf>,
    /// No configuration file is looked for.
    pub no_config: bool,
    /// The host.
    pub host: Option<String>,
    /// Declared categories.
    pub categories: Vec<String>,
    /// What was declared to the platform.
    pub submission: Option<Submission>,
    /// Rules or groups that run; empty for all.
    pub select: Vec<String>,
    /// Rules or groups that do not.
    pub ignore: Vec<String>,
    /// Findings below it are dropped.
    pub min_confidence: Option<Confidence>,
    /// Who reads the verdict.
    pub profile: Option<Profile>,
    /// Whether suppressions in the source count; by default they do except for a gate.
    pub honor_suppressions: Option<bool>,
    /// Bounds of reading.
    pub read: Option<ReadOptions>,
    /// Findings that are known and hidden; goes before the configuration's.
    pub baseline: Option<Arc<Baseline>>,
    /// No rule runs: only the analyses are wanted.
    pub no_rules: bool,
    /// Where facts of files are kept between runs.
    pub facts: FactsStore,
}

/// Keeps facts of files by what they were made from. It may forget, and must never mix up.
pub trait FactsCache: Send + Sync {
    /// The facts under a key.
    fn get(&self, key: &FactsKey) -> Option<FileFacts>;
    /// Keeps facts under a key.
    fn put(&self, key: &FactsKey, facts: &FileFacts);
    /// The solution of a whole package under a key.
    fn solution(&self, _key: &FactsKey) -> Option<Solution> {
        None
    }
    /// Keeps the solution of a whole package under a key.
    fn put_solution(&self, _key: &FactsKey, _solution: &Solution) {}
}

/// What facts are made from: a hash over the text, how it is read, and the engine's version.
pub type FactsKey = [u8; 32];

/// A [`FactsCache`], or none.
#[derive(Clone, Default)]
pub struct FactsStore(pub Option<Arc<dyn FactsCache>>);

impl std::fmt::Debug for FactsStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "FactsStore(some)" } else { "FactsStore(none)" })
    }
}

impl Options {
    /// Whether a rule is asked for.
    pub fn runs(&self, rule: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|name| covers(name, rule));
        (self.select.is_empty() || names(&self.select)) && !names(&self.ignore)
    }

    /// Whether a rule is asked for, by the caller and the configuration.
    pub fn asks(&self, rule: &str, policy: &Policy, config: &Config) -> bool {
        let opted = || {
            config.levels.contains_key(rule)
                || self.select.iter().any(|name| name == rule)
                || !policy.entry(rule).is_some_and(|entry| entry.opt_in)
        };
        self.runs(rule) && config.levels.get(rule) != Some(&Level::Off) && opted()
    }

    /// The names in `--select` and `--ignore` that are neither a rule nor a group.
    pub fn unknown_rules<'o>(&'o self, policy: &Policy) -> Vec<&'o str> {
        let known = |name: &str| policy.catalogue.ids().any(|id| covers(name, id));
        self.select.iter().chain(&self.ignore).map(String::as_str).filter(|name| !known(name)).collect()
    }
}

/// Whether a rule or group name covers a rule.
fn covers(name: &str, rule: &str) -> bool {
    let name = name.trim_end_matches("/*").trim_end_matches('/');
    rule == name || rule.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

/// The last word on a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands against it.
    Pass,
    /// A person must look.
    ManualReview,
    /// It breaks a clause.
    Reject,
}

/// Who hides a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hider {
    /// A comment in the source.
    InSource,
    /// A baseline of known findings.
    Baseline,
    /// A waiver of the gate's policy.
    Waiver,
}

/// A finding with what the engine adds.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The finding.
    pub finding: Finding,
    /// Severity after overrides.
    pub severity: Severity,
    /// Survives moved lines; unique in the package.
    pub fingerprint: String,
    /// Survives a move to another file too; not unique.
    pub content: String,
    /// Whether a baseline lists it; `None` without a baseline.
    pub known: Option<bool>,
    /// Who hides it and why.
    pub suppressed: Option<(Hider, Arc<str>)>,
}

impl Hit {
    /// What pairs it with the same finding of another version.
    pub fn key(&self) -> baseline::Key<'_> {
        (&self.fingerprint, &self.content)
    }
}

/// A vetted package.
#[derive(Debug)]
pub struct Vetted {
    /// What was read.
    pub package: Package,
    /// What was linked.
    pub program: Program,
    /// What was found out.
    pub solution: Solution,
    /// The findings, in order of place.
    pub hits: Vec<Hit>,
    /// The verdict.
    pub verdict: Verdict,
    /// The profile that gave it.
    pub profile: Profile,
    /// Whether suppressions in the source count.
    pub honors: bool,
    /// Number of rules named by suppressions in the source.
    pub suppressions: usize,
    /// Rules that were not asked for: left out, off, or never opted for.
    pub unasked: BTreeSet<Arc<str>>,
    /// Findings of less confidence were dropped.
    pub floor: Confidence,
    /// What broke in the engine; the verdict is then never a pass.
    pub engine_errors: Vec<String>,
    /// How long each stage took, and each rule: no part of any report.
    pub timings: Timings,
}

/// How long stages took, in order of running: name and wall time.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    /// Stages.
    pub stages: Vec<(&'static str, Duration)>,
    /// Rules; they run beside each other.
    pub rules: Vec<(&'static str, Duration)>,
}

impl Timings {
    /// Adds a stage that began at `start` and ends now.
    pub fn stage(&mut self, name: &'static str, start: Instant) {
        self.add(name, start.elapsed());
    }

    fn add(&mut self, name: &'static str, time: Duration) {
        match self.stages.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += time,
            None => self.stages.push((name, time)),
        }
    }

    /// Adds those of another package.
    pub fn merge(&mut self, other: &Self) {
        for (name, time) in &other.stages {
            self.add(name, *time);
        }
        for (name, time) in &other.rules {
            match self.rules.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += *time,
                None => self.rules.push((name, *time)),
            }
        }
    }
}

impl Vetted {
    /// Findings that count.
    pub fn active(&self) -> impl Iterator<Item = &Hit> {
        self.hits.iter().filter(|hit| counts(hit, self.honors))
    }

    /// Computes the verdict anew, after findings were hidden.
    pub fn judge(&mut self) {
        self.verdict = verdict(self);
    }
}

fn counts(hit: &Hit, honors: bool) -> bool {
    match hit.suppressed {
        None => true,
        Some((Hider::InSource, _)) => !honors,
        Some(_) => false,
    }
}

/// A path that could not be vetted.
#[derive(Debug)]
pub enum Failure {
    /// It could not be read.
    Read(ReadError),
    /// Its configuration is wrong.
    Config(ConfigFailure),
}

/// Everything vetted.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Packages in order of paths and roots.
    pub packages: Vec<Vetted>,
    /// What could not be vetted.
    pub failures: Vec<Failure>,
    /// The strictest `fail-on` and the like of the configurations met.
    pub configs: Vec<Config>,
    /// How long the stages took, over all packages.
    pub timings: Timings,
}

/// Vets every package under every path.
pub fn vet(paths: &[PathBuf], policy: &Policy, options: &Options) -> Outcome {
    vet_with(paths, policy, options, None)
}

/// Vets every package under every path; where no configuration is found, by the one given.
pub fn vet_with(paths: &[PathBuf], policy: &Policy, options: &Options, other: Option<&Config>) -> Outcome {
    rayon::scope(|scope| {
        // While one core reads and solves, and nothing needs it before the rules.
        if !options.no_rules && options.select.is_empty() {
            scope.spawn(|_| policy.warm());
        }
        vet_paths(paths, policy, options, other)
    })
}

/// Vets every package of an archive in memory, under the name `path`; `None` when the bytes are no archive.
pub fn vet_archive(path: &Path, bytes: &[u8], policy: &Policy, options: &Options) -> Option<Outcome> {
    if !crate::package::holds_archive(bytes) {
        return None;
    }
    let limits = options.read.as_ref().map(|read| read.limits.clone()).unwrap_or_default();
    let mut outcome = Outcome::default();
    if bytes.len() as u64 > limits.max_archive_bytes {
        outcome.failures.push(Failure::Read(ReadError::Archive(path.to_owned(), SkipReason::TooLarge)));
        return Some(outcome);
    }
    match crate::package::open_archive(path, bytes, &limits) {
        Ok(opened) => vet_opened(opened, policy, options, &mut outcome),
        Err(error) => outcome.failures.push(Failure::Read(error)),
    }
    Some(outcome)
}

fn vet_paths(paths: &[PathBuf], policy: &Policy, options: &Options, other: Option<&Config>) -> Outcome {
    let limits = options.read.as_ref().map(|read| read.limits.clone()).unwrap_or_default();
    let mut outcome = Outcome::default();
    let mut jobs = Vec::new();
    for path in paths {
        match crate::package::open(path, &limits) {
            Ok(opened) => jobs.extend(read_opened(opened, policy, options, other, &mut outcome)),
            Err(error) => outcome.failures.push(Failure::Read(error)),
        }
    }
    vet_jobs(jobs, policy, options, &mut outcome);
    outcome
}

/// Vets every package of what was opened.
pub fn vet_opened(opened: Opened, policy: &Policy, options: &Options, outcome: &mut Outcome) {
    let jobs = read_opened(opened, policy, options, None, outcome);
    vet_jobs(jobs, policy, options, outcome);
}

fn vet_jobs(jobs: Vec<Job>, policy: &Policy, options: &Options, outcome: &mut Outcome) {
    for vetted in several::vet_all(jobs, policy, options) {
        outcome.timings.merge(&vetted.timings);
        outcome.packages.push(vetted);
    }
}

/// Reads every package of what was opened; where no configuration is found, the other one holds for it.
fn read_opened(
    opened: Opened,
    policy: &Policy,
    options: &Options,
    other: Option<&Config>,
    outcome: &mut Outcome,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    let config = match configuration_of(&opened, policy, options) {
        Ok(config) if config.path.is_none() => other.cloned().unwrap_or(config),
        Ok(config) => config,
        Err(failure) => {
            outcome.failures.push(Failure::Config(failure));
            return jobs;
        }
    };
    let config = Arc::new(config);
    let archive = opened.is_archive();
    let start = Instant::now();
    let read = opened.packages(&layouts(policy), &read_options(&config, options));
    outcome.timings.stage("read", start);
    match read {
        Err(error) => outcome.failures.push(Failure::Read(error)),
        Ok(packages) => {
            for package in packages {
                // A package below the path may have its own configuration, nearer than the one found first.
                let own = match nearer(&package, &config, policy, options) {
                    _ if archive => None,
                    Ok(own) => own,
                    Err(failure) => {
                        outcome.failures.push(Failure::Config(failure));
                        continue;
                    }
                };
                outcome.configs.extend(own.clone());
                jobs.push(Job { package, config: own.map_or_else(|| config.clone(), Arc::new) });
            }
        }
    }
    outcome.configs.push(Config { text: String::new(), ..(*config).clone() });
    jobs
}

/// The configuration of what was opened: the one in an archive, else as for its path.
fn configuration_of(opened: &Opened, policy: &Policy, options: &Options) -> Result<Config, ConfigFailure> {
    if options.config.is_none()
        && !options.no_config
        && let Some((file, text)) = opened.archived(config::NAME)
    {
        return config::parse_in(&file, &text, policy, Some(&|path| opened.archived_file(path)));
    }
    configuration(opened.path(), policy, options)
}

fn configuration(path: &Path, policy: &Policy, options: &Options) -> Result<Config, ConfigFailure> {
    match (&options.config, options.no_config) {
        (Some(file), _) => config::load(file, policy),
        (None, true) => Ok(Config::default()),
        (None, false) => config::find(path).map_or_else(|| Ok(Config::default()), |file| config::load(&file, policy)),
    }
}

fn nearer(
    package: &Package,
    config: &Config,
    policy: &Policy,
    options: &Options,
) -> Result<Option<Config>, ConfigFailure> {
    if options.config.is_some() || options.no_config {
        return Ok(None);
    }
    match config::find(&package.root) {
        Some(file) if config.path.as_ref() != Some(&file) => config::load(&file, policy).map(Some),
        _ => Ok(None),
    }
}

fn read_options(config: &Config, options: &Options) -> ReadOptions {
    let mut read = options.read.clone().unwrap_or_default();
    config.limit(&mut read.limits);
    if let Some(host) = options.host.as_ref().or(config.host.as_ref()) {
        read.host = Some(host.as_str().into());
    }
    if !config.exclude.is_empty() {
        let mut set = globset::GlobSetBuilder::new();
        for glob in config.exclude.iter().filter_map(|pattern| globset::Glob::new(pattern).ok()) {
            set.add(glob);
        }
        read.exclude = set.build().unwrap_or_default();
    }
    read
}

/// What the reader needs to know of every host.
pub fn layouts(policy: &Policy) -> Vec<Layout> {
    policy.layouts()
}

/// Vets one package that was read. It never panics: what breaks inside is told in
/// [`Vetted::engine_errors`], and the verdict is then no pass.
pub fn vet_package(package: Package, policy: &Policy, config: &Config, options: &Options) -> Vetted {
    let mut package = package;
    loop {
        match vet_unless(package, policy, config, options, &|| false) {
            Ok(vetted) => return vetted,
            // Nobody cancels.
            Err(back) => package = *back,
        }
    }
}

/// As [`vet_package`], but gives the package back between two stages when nobody wants the outcome any more.
fn vet_unless(
    mut package: Package,
    policy: &Policy,
    config: &Config,
    options: &Options,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vetted, Box<Package>> {
    declare(&mut package, config, options);
    let watch = Watch::start(&read_options(config, options).limits);
    let mut errors: Vec<String> = Vec::new();
    let stage = |errors: &mut Vec<String>, name: &str, panic: Box<dyn Any + Send>| {
        errors.push(format!("{name}: {}", panic_text(&*panic)));
    };

    let mut timings = Timings::default();
    let start = Instant::now();
    let facts: Vec<FileFacts> = facts(&mut package, policy, &options.facts, &watch, &mut errors);
    timings.stage("facts", start);
    if cancelled() {
        return Err(Box::new(package));
    }
    let start = Instant::now();
    let program = catch_unwind(AssertUnwindSafe(|| model::link(&package, policy, facts))).unwrap_or_else(|panic| {
        stage(&mut errors, "link", panic);
        Program { facts: package.files.iter().map(|_| FileFacts::default()).collect(), ..Program::default() }
    });
    timings.stage("link", start);
    if cancelled() {
        return Err(Box::new(package));
    }
    let stop = || cancelled() || watch.over().is_some();
    // What was cut short is made anew the next time.
    let kept = options.facts.0.as_deref().filter(|_| errors.is_empty() && watch.over().is_none());
    let kept = kept.map(|cache| (cache, solution_key(&package, policy)));
    let known = kept.as_ref().and_then(|(cache, key)| cache.solution(key));
    let solve = || {
        let start = Instant::now();
        let solved = known.map_or_else(
            || {
                let solved =
                    catch_unwind(AssertUnwindSafe(|| crate::flow::solve_until(&package, policy, &program, &stop)));
                if let (Some((cache, key)), Ok(solution), false) = (kept, &solved, stop()) {
                    cache.put_solution(&key, solution);
                }
                solved
            },
            Ok,
        );
        (solved, start.elapsed())
    };
    let readings = rules::Readings::default();
    let unsolved = Solution::default();
    let context = |solution| Context {
        package: &package,
        policy,
        program: &program,
        solution,
        options: &config.options,
        terms: config.lexicons.as_ref().map(|lexicons| lexicons.matcher(policy)),
        readings: &readings,
    };
    let asked = rules_to_run(options);
    let early = |rule: &&dyn rules::Rule| !rule.reads_solution();
    let ((solved, time), (texts, beside)) = rayon::join(solve, || {
        let context = context(&unsolved);
        (read_texts(&asked, &context), run_rules(&asked, early, &context, &watch))
    });
    timings.add("solve", time);
    match texts {
        Ok(time) => timings.add("texts", time),
        Err(panic) => stage(&mut errors, "texts", panic),
    }
    let mut solution = solved.unwrap_or_else(|panic| {
        stage(&mut errors, "solve", panic);
        Solution { exhausted: true, ..Solution::default() }
    });
    if let Some(reason) = watch.over().filter(|_| solution.exhausted) {
        errors.push(format!("solve: not finished: {}", watch::limit_name(reason)));
    }
    solution.blind_spots.extend(watch::unread(&package, &program));
    solution.blind_spots.sort();

    if cancelled() {
        return Err(Box::new(package));
    }
    let context = context(&solution);
    let mut findings = all_rules(&asked, beside, &context, options, &watch, &mut errors, &mut timings);
    if cancelled() {
        return Err(Box::new(package));
    }
    let start = Instant::now();
    let suppressions = catch_unwind(AssertUnwindSafe(|| suppress::Suppressions::collect(&package, &program)))
        .unwrap_or_else(|panic| {
            stage(&mut errors, "suppressions", panic);
            suppress::Suppressions::default()
        });
    let mut used = BTreeSet::new();
    let mut hits: Vec<Hit> = Vec::new();
    let mut add = |findings: Vec<Finding>, used: &mut BTreeSet<usize>| {
        for finding in findings {
            let hidden = suppressions.hides(&finding, &package, used);
            let suppressed = hidden.map(|one| (Hider::InSource, one.reason.clone()));
            if let Some(severity) = severity(&finding, policy, config) {
                hits.push(Hit {
                    finding,
                    severity,
                    fingerprint: String::new(),
                    content: String::new(),
                    known: None,
                    suppressed,
                });
            }
        }
    };
    let floor = options.min_confidence.or(config.min_confidence).unwrap_or(Confidence::Low);
    findings.retain(|finding| {
        finding.confidence >= floor && {
            let off = config.levels.get(finding.rule) == Some(&Level::Off);
            off || options.asks(finding.rule, policy, config)
        }
    });
    add(findings, &mut used);
    if !suppressions.is_empty() && !options.no_rules {
        let ran =
            |rule: &str| options.runs(rule) && floor == Confidence::Low && config.levels.get(rule) != Some(&Level::Off);
        let mut own = suppressions.findings(&used, policy, &ran);
        own.retain(|finding| options.runs(finding.rule));
        add(own, &mut used);
    }
    order(&mut hits);
    fingerprint::assign(&package, &mut hits);
    timings.stage("order", start);

    let profile = options.profile.or(config.profile).unwrap_or_default();
    let honors = options.honor_suppressions.unwrap_or(profile != Profile::Gate);
    if let Some(baseline) = options.baseline.as_ref().or(config.baseline.as_ref()) {
        baseline.hide(&package.below, honors, &mut hits);
    }
    let suppressions = suppressions.len();
    let unasked =
        policy.catalogue.ids().filter(|id| options.no_rules || !options.asks(id, policy, config)).cloned().collect();
    let mut vetted = Vetted {
        package,
        program,
        solution,
        hits,
        verdict: Verdict::ManualReview,
        profile,
        honors,
        suppressions,
        unasked,
        floor,
        engine_errors: errors,
        timings,
    };
    vetted.judge();
    Ok(vetted)
}

/// Fills in what was declared: the platform's data, then the configuration, then the caller.
fn declare(package: &mut Package, config: &Config, options: &Options) {
    let mut declared = config.submission.clone();
    if let Some(submission) = &options.submission {
        let over = submission.clone();
        let spans = std::mem::take(&mut declared.spans);
        declared = Submission {
            name: over.name.or(declared.name),
            description: over.description.or(declared.description),
            icon: over.icon.or(declared.icon),
            privacy_policy: over.privacy_policy.or(declared.privacy_policy),
            company: over.company.or(declared.company),
            min_version: over.min_version.or(declared.min_version),
            privacy_policy_text: over.privacy_policy_text.or(declared.privacy_policy_text),
            categories: if over.categories.is_empty() { declared.categories } else { over.categories },
            qualifications: if over.qualifications.is_empty() { declared.qualifications } else { over.qualifications },
            first_party: if over.first_party.is_empty() { declared.first_party } else { over.first_party },
            target_hosts: if over.target_hosts.is_empty() { declared.target_hosts } else { over.target_hosts },
            spans,
            file: None,
        };
        let SubmissionKeys { categories, qualifications, first_party, target_hosts } = SubmissionKeys::of(submission);
        declared.spans.retain(|key, _| {
            !((categories && key.starts_with("categories"))
                || (qualifications && key.starts_with("qualifications"))
                || (first_party && key.starts_with("first-party"))
                || (target_hosts && key.starts_with("target-hosts")))
        });
    }
    if !options.categories.is_empty() {
        declared.categories.clone_from(&options.categories);
        declared.spans.retain(|key, _| !key.starts_with("categories"));
    }
    declared.file = config.path.as_ref().and_then(|path| {
        let root = std::path::absolute(&package.root).ok()?;
        let path = path.strip_prefix(&root).ok()?;
        package.file(&path.to_string_lossy().replace('\\', "/"))
    });
    package.submission = declared;
}

struct SubmissionKeys {
    categories: bool,
    qualifications: bool,
    first_party: bool,
    target_hosts: bool,
}

impl SubmissionKeys {
    fn of(submission: &Submission) -> Self {
        Self {
            categories: !submission.categories.is_empty(),
            qualifications: !submission.qualifications.is_empty(),
            first_party: !submission.first_party.is_empty(),
            target_hosts: !submission.target_hosts.is_empty(),
        }
    }
}

fn facts(
    package: &mut Package,
    policy: &Policy,
    store: &FactsStore,
    watch: &Watch,
    errors: &mut Vec<String>,
) -> Vec<FileFacts> {
    let default = crate::policy::host::HostInfo::default();
    let info = policy.hosts.info(&package.host).unwrap_or(&default);
    let others = policy.hosts.infos().filter(|other| other.id != info.id);
    let dialect = FactsDialect::of(info, others);
    let kept = store.0.as_deref().map(|cache| (cache, dialect_hash(&dialect)));
    let late: Mutex<Vec<Skipped>> = Mutex::default();
    let results: Vec<Result<FileFacts, String>> = package
        .files
        .par_iter()
        .map(|file| {
            if let Some(reason) = watch.over() {
                let skipped = Skipped { path: file.source.path.clone(), reason, bytes: file.source.bytes };
                late.lock().unwrap_or_else(PoisonError::into_inner).push(skipped);
                return Ok(FileFacts::default());
            }
            catch_unwind(AssertUnwindSafe(|| match &kept {
                Some((cache, dialect_hash)) if has_facts(file.kind) => {
                    let key = facts_key(file, dialect_hash);
                    cache.get(&key).unwrap_or_else(|| {
                        let facts = file_facts(file, &dialect);
                        cache.put(&key, &facts);
                        facts
                    })
                }
                _ => file_facts(file, &dialect),
            }))
            .map_err(|panic| format!("{}: {}", file.source.path, panic_text(&*panic)))
        })
        .collect();
    let late = late.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !late.is_empty() {
        package.skipped.extend(late);
        package.skipped.sort_by(|a, b| (&a.path, a.reason).cmp(&(&b.path, b.reason)));
    }
    results
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|error| {
                errors.push(error);
                FileFacts::default()
            })
        })
        .collect()
}

const fn has_facts(kind: FileKind) -> bool {
    matches!(kind, FileKind::Script | FileKind::ViewScript | FileKind::Template)
}

fn dialect_hash(dialect: &FactsDialect) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(format!("{dialect:?}").as_bytes());
    *hasher.finalize().as_bytes()
}

/// What a solution is made from: the rule packs, and every file with what it is.
fn solution_key(package: &Package, policy: &Policy) -> FactsKey {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(b"solution");
    add(policy.digest().as_bytes());
    add(package.host.as_bytes());
    add(format!("{:?} {:?} {} {:?}", package.pages, package.subpackages, package.game, package.skipped).as_bytes());
    for file in &package.files {
        add(file.source.path.as_bytes());
        add(file.source.hash());
        add(format!("{:?} {:?}", file.kind, file.origin).as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn facts_key(file: &PackageFile, dialect_hash: &[u8; 32]) -> FactsKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(dialect_hash);
    hasher.update(file.source.hash());
    for (own, host) in &file.renamed {
        hasher.update(format!("{own}={host},").as_bytes());
    }
    // The extension says how a script is read.
    hasher.update(&[file.kind as u8]);
    hasher.update(file.source.extension().as_bytes());
    *hasher.finalize().as_bytes()
}

/// The severity after overrides; `None` when the rule is off.
fn severity(finding: &Finding, policy: &Policy, config: &Config) -> Option<Severity> {
    match config.levels.get(finding.rule) {
        Some(Level::Off) => None,
        Some(Level::At(severity)) => Some(*severity),
        None => Some(
            finding
                .severity
                .unwrap_or_else(|| policy.entry(finding.rule).map_or(Severity::Warning, |entry| entry.severity)),
        ),
    }
}

/// A stable order: by file, place, rule. The same finding twice is one.
fn order(hits: &mut Vec<Hit>) {
    hits.sort_by(|a, b| {
        let key = |hit: &Hit| {
            (hit.finding.place, hit.finding.rule, hit.finding.variant, std::cmp::Reverse(hit.finding.confidence))
        };
        key(a).cmp(&key(b)).then_with(|| format!("{:?}", a.finding.values).cmp(&format!("{:?}", b.finding.values)))
    });
    hits.dedup_by(|b, a| {
        a.finding.place == b.finding.place && a.finding.rule == b.finding.rule && a.finding.variant == b.finding.variant
    });
}

/// The verdict of a profile. A finding that is sure and an error rejects; others that are not notes go to a person;
/// a gate passes nothing that it did not see.
fn verdict(vetted: &Vetted) -> Verdict {
    let mut verdict = Verdict::Pass;
    for hit in vetted.active() {
        let own = match (hit.severity, hit.finding.confidence) {
            (Severity::Error, Confidence::High | Confidence::Medium) => Verdict::Reject,
            (Severity::Error | Severity::Warning, _) => Verdict::ManualReview,
            (Severity::Note, _) => Verdict::Pass,
        };
        verdict = verdict.max(own);
    }
    let unseen = !vetted.engine_errors.is_empty()
        || vetted.package.skipped.iter().any(|skipped| skipped.reason.is_limit())
        || (vetted.profile == Profile::Gate
            && (vetted.solution.exhausted
                || vetted.solution.blind_spots.iter().any(|spot| watch::blinds(spot, &vetted.package))
                || vetted.package.skipped.iter().any(|skipped| hides_code(skipped.reason))));
    if unseen { verdict.max(Verdict::ManualReview) } else { verdict }
}

fn hides_code(reason: SkipReason) -> bool {
    reason.hides_code()
}

/// The text of a panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned())
}

/// Where a finding without a better place stands: the start of `app.json`, else of the first file.
pub fn start_of(package: &Package) -> Option<crate::flow::Place> {
    let file = package.app.or_else(|| (!package.files.is_empty()).then_some(FileId(0)))?;
    Some(crate::flow::Place { file, span: Span::at(0) })
}
