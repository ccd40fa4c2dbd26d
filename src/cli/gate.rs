//! `minivet gate`: many packages, one verdict each, by supervised workers.

mod inputs;
mod policy;
mod store;
mod time;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use clap::Args;
use serde_json::json;

use super::supervisor::{Spec, Supervisor};
use super::vetting::{self, Answer, Job, Stamp};
use super::worker::{self, Conditions};
use super::{Exit, Session, output};
use crate::engine::Verdict;
use crate::report;
use inputs::Found;
use policy::GatePolicy;
use store::{Record, Store, short};

#[derive(Debug, Args)]
pub(super) struct GateArgs {
    /// Archives, package folders, or folders that hold them
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Jobs as JSON lines (`id`, `path`, and `sha256`, `submission`, `baseline`, `limits` where wanted); `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    manifest: Option<PathBuf>,
    /// Workers at a time; by default one for each core
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Folder of the results and the audit log; without it results go to standard output and nothing is kept
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue what stands in the folder
    #[arg(long, requires = "out")]
    resume: bool,
    /// Which findings reject, which go to a person, what is waived
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Vet the package with this id again and compare
    #[arg(long, value_name = "ID", requires = "out", conflicts_with_all = ["paths", "manifest", "resume"])]
    reproduce: Option<String>,
    /// Check that the audit log is whole and covers the results
    #[arg(long, requires = "out", conflicts_with_all = ["paths", "manifest", "resume", "reproduce"])]
    verify: bool,
    #[command(flatten)]
    conditions: Conditions,
}

/// What the threads of a run share.
struct Shared<'a> {
    session: &'a Session,
    spec: Spec,
    stamp: Stamp,
    policy: GatePolicy,
    today: String,
    state: Mutex<State>,
    /// Told when a package is done, for those who wait for one of the same bytes.
    settled: Condvar,
    /// Nothing can be kept any more.
    broken: AtomicBool,
    bar: indicatif::ProgressBar,
}

struct State {
    store: Store,
    /// Keys that are being vetted.
    busy: HashSet<u128>,
    /// Ids of this run.
    ids: HashSet<u128>,
    tally: Tally,
}

#[derive(Clone, Debug, Default, serde::Serialize)]
struct Tally {
    packages: usize,
    pass: usize,
    manual_review: usize,
    reject: usize,
    engine_errors: usize,
    /// Taken over from a package with the same bytes.
    known: usize,
    /// Done by an earlier run.
    resumed: usize,
    /// Jobs under an id that another job had.
    duplicate_ids: usize,
}

impl Tally {
    fn add(&mut self, verdict: Verdict, error: bool) {
        self.packages += 1;
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::ManualReview => self.manual_review += 1,
            Verdict::Reject => self.reject += 1,
        }
        self.engine_errors += usize::from(error);
    }

    const fn exit(&self) -> Exit {
        if self.engine_errors > 0 || self.duplicate_ids > 0 || self.packages == 0 {
            Exit::Input
        } else if self.pass < self.packages {
            Exit::Findings
        } else {
            Exit::Clean
        }
    }
}

pub(super) fn run(session: &Session, args: &GateArgs, rules: Option<&Path>) -> Exit {
    if args.verify {
        return args.out.as_deref().map_or(Exit::Usage, |out| verify(session, out));
    }
    let mut conditions = args.conditions.clone();
    let policy = match &args.policy {
        None => GatePolicy::without_file(conditions.honor_suppressions),
        Some(file) => match policy::load(file, &session.policy) {
            Ok(policy) => policy,
            Err(failure) => {
                output::error_text(&report::config_failure(&failure, session.style));
                return Exit::Usage;
            }
        },
    };
    conditions.honor_suppressions = policy.honor_suppressions;
    if conditions.options(session).is_none() {
        return Exit::Usage;
    }
    let today = time::today();
    // A result rests on the policy, and on which of its waivers hold.
    let more = vetting::digest(&[&policy.text, &policy.standing(&today)]);
    let stamp = conditions.stamp(session, &more);
    let spec = conditions.spec(session, rules, &more);
    if let (Some(id), Some(out)) = (&args.reproduce, &args.out) {
        return reproduce(session, out, id, &policy, &today, spec, &stamp);
    }
    if args.paths.is_empty() && args.manifest.is_none() {
        output::error(
            session.say("没有要检查的内容：请给出路径或 --manifest", "nothing to vet: give paths or --manifest"),
        );
        return Exit::Usage;
    }
    let store = match &args.out {
        None => Store::passing(),
        Some(out) => match Store::open(out, args.resume) {
            Ok(store) => store,
            Err(error) => {
                output::error(&error);
                return Exit::Usage;
            }
        },
    };
    let shared = Shared {
        session,
        spec,
        stamp,
        policy,
        today,
        state: Mutex::new(State { store, busy: HashSet::new(), ids: HashSet::new(), tally: Tally::default() }),
        settled: Condvar::new(),
        broken: AtomicBool::new(false),
        bar: output::counter(),
    };
    let read = vet_all(&shared, args);
    shared.bar.finish_and_clear();
    finish(&shared, args, read)
}

/// Runs producer and workers to their end.
fn vet_all(shared: &Shared<'_>, args: &GateArgs) -> std::io::Result<()> {
    shared.note(json!({"event": "start", "tool": shared.stamp.tool, "rules_digest": shared.stamp.rules,
        "config_digest": shared.stamp.config, "resume": args.resume}));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores).max(1);
    let (send, receive) = sync_channel::<Job>(jobs * 4);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(shared, &receive));
        }
        let mut take = |found: Found| {
            match found {
                Found::Job(job) => {
                    shared.bar.inc_length(1);
                    if send.send(job).is_err() {
                        return false;
                    }
                }
                Found::Bad(id, error) => shared.bad(id, &error),
            }
            !shared.broken.load(Ordering::Relaxed)
        };
        let read = match &args.manifest {
            Some(file) => inputs::manifest(file, &mut take),
            None => {
                inputs::paths(&args.paths, &mut take);
                Ok(())
            }
        };
        drop(send);
        read
    })
}

fn finish(shared: &Shared<'_>, args: &GateArgs, read: std::io::Result<()>) -> Exit {
    let session = shared.session;
    let mut exit = Exit::Clean;
    if let Err(error) = read {
        let name = args.manifest.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        output::error(&format!("{name}: {error}"));
        exit = Exit::Input;
    }
    let tally = shared.state().tally.clone();
    shared.note(json!({"event": "end", "packages": tally.packages}));
    let head = match shared.state().store.settle() {
        Ok(head) => head,
        Err(error) => {
            output::error(&error.to_string());
            return Exit::Input;
        }
    };
    if shared.broken.load(Ordering::Relaxed) {
        return Exit::Input;
    }
    let expired = shared.policy.expired(&shared.today);
    for waiver in &expired {
        output::error(&format!("{} {waiver}", session.say("豁免已过期：", "expired waiver:")));
    }
    if let Some(out) = &args.out {
        let mut summary = json!(tally);
        summary["tool"] = json!(shared.stamp.tool);
        summary["rules_digest"] = json!(shared.stamp.rules);
        summary["config_digest"] = json!(shared.stamp.config);
        summary["expired_waivers"] = json!(expired);
        summary["audit_head"] = json!(head);
        let text = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
        exit = exit.max(output::write(&text, Some(&out.join("summary.json"))));
    }
    let Tally { packages, pass, manual_review, reject, engine_errors, known, resumed, .. } = tally;
    let mut text = if worker::is_zh(session.lang()) {
        format!(
            "共 {packages} 个小程序：通过 {pass}，需人工复核 {manual_review}，拒绝 {reject}；其中未能正常检查 {engine_errors}，与已知包相同 {known}，此前已完成 {resumed}\n"
        )
    } else {
        format!(
            "{packages} packages: {pass} pass, {manual_review} to a person, {reject} rejected; {engine_errors} of them not properly vetted, {known} same as a known one, {resumed} done before\n"
        )
    };
    if let Some(head) = head {
        text += &format!("{}{head}\n", session.say("审计日志末行哈希：", "hash of the audit log's last line: "));
    }
    // Without a folder standard output holds the results alone.
    if args.out.is_some() {
        exit = exit.max(output::print(&text));
    } else {
        output::error_text(&text);
    }
    if tally.packages == 0 {
        output::error(session.say("没有找到小程序", "no mini-program found"));
    }
    exit.max(tally.exit())
}

/// What shall become of a job.
enum Claim {
    /// An earlier run did it, or this one.
    Done,
    /// Another package has its bytes.
    Known(Box<Record>),
    /// It is to be vetted.
    Ours,
}

fn work(shared: &Shared<'_>, jobs: &Mutex<Receiver<Job>>) {
    let mut supervisor = Supervisor::new(shared.spec.clone());
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if shared.broken.load(Ordering::Relaxed) {
            // The producer must not wait for room in the queue.
            continue;
        }
        shared.one(&mut supervisor, job);
        shared.bar.inc(1);
    }
}

impl Shared<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: serde_json::Value) {
        let result = self.state().store.note(event);
        self.check(result);
    }

    fn check(&self, result: std::io::Result<()>) {
        if let Err(error) = result
            && !self.broken.swap(true, Ordering::Relaxed)
        {
            output::error(&error.to_string());
        }
    }

    /// Applies the policy to an answer and keeps it.
    fn keep(&self, key: u128, job: &Job, mut answer: Answer) {
        let reasons = self.policy.apply(&mut answer, &self.today);
        let record = Record::new(key, job, reasons, answer);
        self.store(&record, false);
    }

    fn store(&self, record: &Record, known: bool) {
        let mut state = self.state();
        let result = state.store.append(record);
        if result.is_ok() {
            state.tally.add(record.answer.verdict, record.answer.engine_error.is_some());
            state.tally.known += usize::from(known);
        }
        drop(state);
        self.check(result);
    }

    /// Vets a job, or takes over what is known of it.
    fn one(&self, supervisor: &mut Supervisor, mut job: Job) {
        let hash = vetting::sha256_of(Path::new(&job.path));
        let told = job.sha256.take();
        let (hash, error) = match hash {
            Ok(hash) => {
                let differs = told.as_ref().is_some_and(|told| !told.eq_ignore_ascii_case(&hash));
                let error = differs.then(|| format!("sha256: the job says {}", told.unwrap_or_default()));
                (hash, error)
            }
            Err(error) => (told.unwrap_or_default(), Some(format!("{}: {error}", job.path))),
        };
        job.sha256 = Some(hash.clone());
        let key = self.key(&job);
        match self.claim(&job, key) {
            Claim::Done => return,
            Claim::Known(mut record) if error.is_none() => {
                record.same_as = Some(record.same_as.take().unwrap_or_else(|| record.answer.id.clone()));
                record.answer.id.clone_from(&job.id);
                record.path.clone_from(&job.path);
                self.store(&record, true);
                return;
            }
            Claim::Known(_) | Claim::Ours => {}
        }
        let answer = match error {
            Some(error) => Answer::failed(&job.id, &hash, &self.stamp, &error),
            None => self.ask(supervisor, &job),
        };
        self.keep(key, &job, answer);
        self.state().busy.remove(&key);
        self.settled.notify_all();
    }

    /// Keeps what is wrong with something that is no job.
    fn bad(&self, id: String, error: &str) {
        let key = short(&vetting::digest(&[&id, error, &self.stamp.config]));
        let job = Job { id, path: String::new(), sha256: None, submission: None, baseline: None, limits: None };
        if let Claim::Ours = self.claim(&job, key) {
            self.keep(key, &job, Answer::failed(&job.id, "", &self.stamp, error));
            self.state().busy.remove(&key);
            self.settled.notify_all();
        }
    }

    fn ask(&self, supervisor: &mut Supervisor, job: &Job) -> Answer {
        let line = serde_json::to_string(job).unwrap_or_default();
        match worker::ask(supervisor, job, &line, &self.stamp) {
            Ok(answer) => serde_json::from_str(&answer).unwrap_or_else(|error| {
                Answer::failed(&job.id, job.sha256.as_deref().unwrap_or(""), &self.stamp, &error.to_string())
            }),
            Err(failed) => *failed,
        }
    }

    fn key(&self, job: &Job) -> u128 {
        let rest = serde_json::to_string(&(&job.submission, &job.baseline, &job.limits)).unwrap_or_default();
        // A waiver can name ids, so that the same bytes under another id may get another verdict.
        let id = if self.policy.names_ids() { job.id.as_str() } else { "" };
        let hash = job.sha256.as_deref().unwrap_or("");
        let stamp = &self.stamp;
        short(&vetting::digest(&[hash, &stamp.tool, &stamp.rules, &stamp.config, &rest, id]))
    }

    fn claim(&self, job: &Job, key: u128) -> Claim {
        let mut state = self.state();
        if !state.ids.insert(short(&job.id)) {
            state.tally.duplicate_ids += 1;
            drop(state);
            output::error(&format!("{} {}", self.session.say("重复的 id：", "an id that was there before:"), job.id));
            return Claim::Done;
        }
        if let Some(done) = state.store.done(&job.id).filter(|done| done.key == key) {
            state.tally.add(done.verdict, done.error);
            state.tally.resumed += 1;
            return Claim::Done;
        }
        loop {
            if let Some(record) = state.store.known(key) {
                return Claim::Known(Box::new(record));
            }
            if state.busy.insert(key) {
                return Claim::Ours;
            }
            state = self.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn verify(session: &Session, out: &Path) -> Exit {
    match store::verify(out) {
        Ok((lines, results, head)) => output::print(&if worker::is_zh(session.lang()) {
            format!("审计日志完整：{lines} 行，覆盖 {results} 条结果；末行哈希 {head}\n")
        } else {
            format!("the audit log is whole: {lines} lines cover {results} results; hash of the last line {head}\n")
        }),
        Err(error) => {
            output::error(&error);
            Exit::Findings
        }
    }
}

/// Vets a package again by a fresh worker, and tells what differs.
fn reproduce(
    session: &Session,
    out: &Path,
    id: &str,
    policy: &GatePolicy,
    today: &str,
    spec: Spec,
    stamp: &Stamp,
) -> Exit {
    let record = match store::find(out, id) {
        Ok(Some(record)) => record,
        Ok(None) => {
            output::error(&format!("{} {id}", session.say("没有这个 id 的结果：", "no result of this id:")));
            return Exit::Input;
        }
        Err(error) => {
            output::error(&error);
            return Exit::Input;
        }
    };
    let job = record.job();
    let line = serde_json::to_string(&job).unwrap_or_default();
    let mut answer = match worker::ask(&mut Supervisor::new(spec), &job, &line, stamp) {
        Ok(answer) => match serde_json::from_str::<Answer>(&answer) {
            Ok(answer) => answer,
            Err(error) => {
                output::error(&error.to_string());
                return Exit::Input;
            }
        },
        Err(failed) => *failed,
    };
    policy.apply(&mut answer, today);
    let before = places(&record.answer);
    let after = places(&answer);
    let mut text = String::new();
    for (name, then, now) in [
        ("tool", &record.answer.tool, &answer.tool),
        ("rules_digest", &record.answer.rules_digest, &answer.rules_digest),
        ("config_digest", &record.answer.config_digest, &answer.config_digest),
        ("sha256", &record.answer.sha256, &answer.sha256),
        (
            "engine_error",
            record.answer.engine_error.as_ref().unwrap_or(&String::new()),
            answer.engine_error.as_ref().unwrap_or(&String::new()),
        ),
    ] {
        if then != now {
            text.push_str(&format!("{name}: {then} -> {now}\n"));
        }
    }
    if record.answer.verdict != answer.verdict {
        text.push_str(&format!("verdict: {} -> {}\n", json!(record.answer.verdict), json!(answer.verdict)));
    }
    for (sign, from, other) in [("-", &before, &after), ("+", &after, &before)] {
        for (place, count) in from {
            if other.get(place) != Some(count) {
                text.push_str(&format!("{sign} {place}\n"));
            }
        }
    }
    let same = serde_json::to_string(&record.answer).ok() == serde_json::to_string(&answer).ok();
    if same {
        text = format!("{}\n", session.say("结果相同", "the result is the same"));
        let all: BTreeSet<&String> = after.keys().collect();
        for place in all {
            text.push_str(&format!("  {place}\n"));
        }
        text.push_str(&format!("  verdict: {}\n", json!(answer.verdict)));
    } else if text.is_empty() {
        text = format!("{}\n", session.say("结果的细节不同", "details of the result differ"));
    }
    output::print(&text).max(if same { Exit::Clean } else { Exit::Findings })
}

/// Findings as `file:line rule`, and how many of each.
fn places(answer: &Answer) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for placed in &answer.findings {
        let finding = &placed.finding;
        *out.entry(format!("{}:{} {}", finding.file, finding.range.start.line, finding.rule)).or_default() += 1;
    }
    out
}
