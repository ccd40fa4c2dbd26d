//! `minivet worker`: JSON lines in, JSON lines out, one for each.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::supervisor::{READY, Spec, Supervisor, confine};
use super::vetting::{self, Answer, Job, Stamp};
use super::{Exit, Session, output};
use crate::engine::config::Profile;
use crate::engine::{Options, panic_text};
use crate::policy::catalogue::Lang;
use crate::report::Shape;

/// With it set to 1, a child aborts, hangs or allocates without end at jobs whose id holds `minivet-test-abort`,
/// `minivet-test-hang` or `minivet-test-hog`: for drills.
const TEST_HOOKS: &str = "MINIVET_TEST_HOOKS";
/// Longest line that is taken.
const MAX_LINE: u64 = 64 << 20;

/// How packages of a pipeline are vetted.
#[derive(Clone, Debug, Args)]
pub(super) struct Conditions {
    /// The operator's configuration; one that lies in a package does not count
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The host: swan, weapp, alipay, douyin, qq, kuaishou; by default it is detected
    #[arg(long)]
    host: Option<String>,
    /// Seconds for one package
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Address space of a child in MiB; 0 for no bound
    #[arg(long, value_name = "MIB", default_value_t = 3072)]
    pub memory: u64,
    /// Threads of a child; more than one shortens the wait for large packages and lowers the throughput
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// A folder that keeps facts of files by their content; all workers of a machine may share it
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Suppressions in the source count
    #[arg(long)]
    pub honor_suppressions: bool,
}

impl Conditions {
    /// The engine's options. `None` after a message when they are wrong.
    pub(super) fn options(&self, session: &Session) -> Option<Options> {
        let target = super::Target {
            paths: Vec::new(),
            host: self.host.clone(),
            category: Vec::new(),
            submission: None,
            config: self.config.clone(),
            cache_dir: self.cache_dir.clone(),
            no_cache: false,
        };
        let mut options = super::options(session, &target)?;
        options.no_config = true;
        options.profile = Some(Profile::Gate);
        options.honor_suppressions = Some(self.honor_suppressions);
        if let Some(file) = &self.config
            && let Err(failure) = crate::engine::config::load(file, &session.policy)
        {
            output::error_text(&crate::report::config_failure(&failure, session.style));
            return None;
        }
        Some(options)
    }

    /// What answers have in common; `more` is what the caller's answers depend on beyond the conditions.
    pub(super) fn stamp(&self, session: &Session, more: &str) -> Stamp {
        let config = self.config.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        // The lists that the configuration brings along are part of it.
        let lexicons = self
            .config
            .as_ref()
            .and_then(|file| crate::engine::config::load(file, &session.policy).ok()?.lexicons)
            .map_or(String::new(), |lexicons| lexicons.digest().to_owned());
        let host = self.host.as_deref().unwrap_or("");
        let honor = if self.honor_suppressions { "honor" } else { "" };
        let lang = session.say("zh", "en");
        Stamp::new(&session.policy, &[&config, &lexicons, host, honor, lang, more])
    }

    /// How a child with these conditions is started.
    pub(super) fn spec(&self, session: &Session, rules: Option<&Path>, more: &str) -> Spec {
        let mut args: Vec<OsString> = vec!["worker".into(), "--lang".into(), session.say("zh", "en").into()];
        let mut add = |name: &str, value: OsString| {
            args.push(name.into());
            args.push(value);
        };
        if let Some(rules) = rules {
            add("--rules", rules.into());
        }
        if let Some(config) = &self.config {
            add("--config", config.into());
        }
        if let Some(host) = &self.host {
            add("--host", host.into());
        }
        if let Some(folder) = &self.cache_dir {
            add("--cache-dir", folder.into());
        }
        add("--memory", self.memory.to_string().into());
        add("--stamp", more.into());
        if self.honor_suppressions {
            args.push("--honor-suppressions".into());
        }
        Spec { args, threads: self.threads, timeout: Duration::from_secs(self.timeout.max(1)) }
    }
}

#[derive(Debug, Args)]
pub(super) struct WorkerArgs {
    #[command(flatten)]
    conditions: Conditions,
    /// Serves a parent with this process id
    #[arg(long, hide = true, value_name = "PID")]
    child: Option<u32>,
    /// What the digest of the configuration takes in beyond the conditions
    #[arg(long, hide = true, default_value = "")]
    stamp: String,
}

pub(super) fn run(session: &Session, args: &WorkerArgs, rules: Option<&Path>) -> Exit {
    let Some(options) = args.conditions.options(session) else { return Exit::Usage };
    let stamp = args.conditions.stamp(session, &args.stamp);
    match args.child {
        Some(parent) => {
            if let Err(error) = confine(parent, args.conditions.memory) {
                output::error(&error);
                return Exit::Input;
            }
            let hooks = std::env::var_os(TEST_HOOKS).is_some_and(|value| value == "1");
            if output::print(&format!("{READY}\n")) != Exit::Clean {
                return Exit::Input;
            }
            serve(|line| child_answer(session, line, &options, &stamp, hooks))
        }
        None => {
            let mut supervisor = Supervisor::new(args.conditions.spec(session, rules, &args.stamp));
            serve(|line| supervised(&mut supervisor, line, &stamp))
        }
    }
}

/// One line out for each line in, flushed. A reader that went away ends it.
fn serve(mut answer: impl FnMut(&str) -> String) -> Exit {
    let mut input = std::io::stdin().lock();
    let mut out = std::io::stdout().lock();
    loop {
        let mut line = Vec::new();
        match std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return Exit::Clean,
            Ok(_) => {}
            Err(error) => {
                output::error(&error.to_string());
                return Exit::Input;
            }
        }
        let mut text = answer(&String::from_utf8_lossy(&line));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            return Exit::Clean;
        }
    }
}

fn text(answer: &Answer) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

/// A job, or the answer to a line that is none.
fn parse(line: &str, stamp: &Stamp) -> Result<Job, Box<Answer>> {
    serde_json::from_str::<Job>(line).map_err(|error| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let field = |name: &str| value.get(name).and_then(|value| value.as_str()).unwrap_or("").to_owned();
        Box::new(Answer::failed(&field("id"), &field("sha256"), stamp, &format!("job: {error}")))
    })
}

fn supervised(supervisor: &mut Supervisor, line: &str, stamp: &Stamp) -> String {
    match parse(line, stamp) {
        Ok(job) => ask(supervisor, &job, line, stamp).unwrap_or_else(|failed| text(&failed)),
        Err(failed) => text(&failed),
    }
}

/// The answer of a child, as a line; `Err` when there is none.
pub(super) fn ask(supervisor: &mut Supervisor, job: &Job, line: &str, stamp: &Stamp) -> Result<String, Box<Answer>> {
    #[derive(serde::Deserialize)]
    struct Head {
        id: String,
    }
    let seconds = job.limits.as_ref().and_then(|limits| limits.timeout_seconds);
    let error = match supervisor.ask(line, seconds.map(Duration::from_secs)) {
        Ok(answer) => match serde_json::from_str::<Head>(&answer) {
            Ok(head) if head.id == job.id => return Ok(answer),
            _ => "the worker gave no proper answer".to_owned(),
        },
        Err(error) => error,
    };
    let hash = match &job.sha256 {
        Some(hash) => hash.clone(),
        None => vetting::sha256_of(Path::new(&job.path)).unwrap_or_default(),
    };
    Err(Box::new(Answer::failed(&job.id, &hash, stamp, &error)))
}

fn child_answer(session: &Session, line: &str, options: &Options, stamp: &Stamp, hooks: bool) -> String {
    let job = match parse(line, stamp) {
        Ok(job) => job,
        Err(failed) => return text(&failed),
    };
    if hooks {
        test_hook(&job);
    }
    text(&vet(session, &job, options, stamp))
}

/// Vets in this process; a panic is an answer, too.
pub(super) fn vet(session: &Session, job: &Job, options: &Options, stamp: &Stamp) -> Answer {
    let shape = Shape { lang: session.lang(), coverage: true, ..Shape::default() };
    catch_unwind(AssertUnwindSafe(|| vetting::vet(job, &session.policy, options, shape, stamp))).unwrap_or_else(
        |panic| {
            let hash = vetting::sha256_of(Path::new(&job.path)).unwrap_or_default();
            Answer::failed(&job.id, &hash, stamp, &format!("internal error: {}", panic_text(&*panic)))
        },
    )
}

fn test_hook(job: &Job) {
    if job.id.contains("minivet-test-abort") {
        std::process::abort();
    }
    if job.id.contains("minivet-test-hang") {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    if job.id.contains("minivet-test-hog") {
        let mut hog: Vec<Vec<u8>> = Vec::new();
        loop {
            hog.push(vec![1; 16 << 20]);
        }
    }
}

/// The language of a session, for the pipeline's own words.
pub(super) const fn is_zh(lang: Lang) -> bool {
    matches!(lang, Lang::Zh)
}
