//! The command line: one file a command.

mod baseline;
mod check;
mod explain;
mod flows;
mod gate;
mod init;
mod lsp;
mod output;
mod rules;
mod supervisor;
mod text;
mod vetting;
mod why;
mod worker;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::engine::config::Profile;
use crate::engine::disk::DiskCache;
use crate::engine::{FactsCache, FactsStore, Failure, Options};
use crate::package::{ReadError, Submission};
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Severity};
use crate::policy::packs::Packs;
use crate::report::{self, Style};
use crate::rules::Confidence;

/// How a command ends: 0 nothing, 1 findings, 2 usage or configuration, 3 input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing at or above `--fail-on`.
    #[default]
    Clean,
    /// Findings.
    Findings,
    /// Nothing to vet, unreadable, over a limit.
    Input,
    /// Usage or configuration error.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Input => 3,
        })
    }
}

/// Vets mini-program packages: content policy, service category, user privacy.
#[derive(Debug, Parser)]
#[command(
    name = "minivet",
    version,
    about,
    propagate_version = true,
    after_help = "Exit codes: 0 nothing found, 1 findings, 2 usage or configuration error, 3 input error."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Language of messages; by default that of the locale, else Chinese
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<LangArg>,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorArg,
    /// Only the verdicts
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Whole traces, hidden findings, blind spots and skipped files too
    #[arg(short, long, global = true)]
    verbose: bool,
    /// A folder of rule packs that adds to the embedded ones and overrides them
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LangArg {
    Zh,
    En,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorArg {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeverityArg {
    Error,
    Warning,
    Note,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ConfidenceArg {
    Low,
    Medium,
    High,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileArg {
    Developer,
    Gate,
    Editor,
}

/// What is vetted, and as what.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Folders or archives; `-` for standard input where `--stdin-filename` is known
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The host: swan, weapp, alipay, douyin, qq, kuaishou; by default it is detected
    #[arg(long)]
    host: Option<String>,
    /// A declared service category, `first/second`; may be given several times
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// The platform's data on the submission, as JSON
    #[arg(long, value_name = "FILE")]
    submission: Option<PathBuf>,
    /// This configuration, and not the nearest minivet.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A folder that keeps facts of files by their content, so that files met before cost less
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Facts are neither read from the cache nor kept there
    #[arg(long)]
    no_cache: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Vet packages
    Check(Box<check::CheckArgs>),
    /// Write the known findings, so that `check --baseline` shows only new ones
    Baseline(baseline::BaselineArgs),
    /// The page of a rule, or what rests on a clause
    Explain(explain::ExplainArgs),
    /// The catalogue of rules
    Rules(rules::RulesArgs),
    /// Write a commented minivet.toml, from what the package shows
    Init(init::InitArgs),
    /// Every flow of personal information, rule or no rule
    Flows(flows::FlowsArgs),
    /// The personal information that a package handles: what, where, with what consent, where it goes
    Inventory(flows::InventoryArgs),
    /// How a file or an API came into the package: the shortest import chain
    Why(why::WhyArgs),
    /// The content matcher over plain text: lexicon authors, other pipelines
    Text(text::TextArgs),
    /// Many packages, one verdict each, by supervised workers
    Gate(Box<gate::GateArgs>),
    /// A filter for pipelines: jobs in, answers out, as JSON lines
    Worker(worker::WorkerArgs),
    /// The language server, on standard input and output
    Lsp(lsp::LspArgs),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What a command works with.
#[derive(Debug)]
pub struct Session {
    policy: Policy,
    style: Style,
    /// How long loading the packs took.
    loaded: std::time::Duration,
}

impl Session {
    fn lang(&self) -> Lang {
        self.style.lang
    }

    /// One of two texts.
    fn say<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        self.style.lang.pick(zh, en)
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // Deep code needs deep stacks; the pool's threads do all the work.
    let pool = rayon::ThreadPoolBuilder::new().stack_size(crate::engine::STACK).build_global();
    if let Err(error) = pool {
        output::error(&error.to_string());
        return Exit::Input.into();
    }
    std::panic::set_hook(Box::new(|_| {}));
    if let Command::Lsp(args) = &cli.command {
        // Its main loop only waits, and must not take a thread of the pool.
        return lsp::run(&cli.common, args);
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let (out, _) = rayon::join(|| start(cli), || ());
        out
    }));
    match result {
        Ok(exit) => exit.into(),
        Err(panic) => {
            output::error(&format!("internal error: {}", crate::engine::panic_text(&*panic)));
            Exit::Input.into()
        }
    }
}

fn start(cli: Cli) -> Exit {
    let style = Style {
        lang: lang(cli.common.lang),
        color: match cli.common.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        },
        quiet: cli.common.quiet,
        verbose: cli.common.verbose,
    };
    if let Command::Completions { shell } = cli.command {
        let mut out = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "minivet", &mut out);
        return output::print(&String::from_utf8_lossy(&out));
    }
    let began = std::time::Instant::now();
    let mut packs = Packs::embedded();
    let mut errors = Vec::new();
    if let Some(dir) = &cli.common.rules {
        packs.overlay(dir, &mut errors);
        if !errors.is_empty() {
            output::error_text(&report::pack_errors(&errors, &packs, style));
            return Exit::Usage;
        }
    }
    let policy = match Policy::load(packs) {
        Ok(policy) => policy,
        Err((packs, errors)) => {
            output::error_text(&report::pack_errors(&errors, &packs, style));
            return Exit::Usage;
        }
    };
    let session = Session { policy, style, loaded: began.elapsed() };
    let exit = match cli.command {
        Command::Check(args) => check::run(&session, &args),
        Command::Baseline(args) => baseline::run(&session, &args),
        Command::Explain(args) => explain::run(&session, &args),
        Command::Rules(args) => rules::run(&session, &args),
        Command::Init(args) => init::run(&session, &args),
        Command::Flows(args) => flows::flows(&session, &args),
        Command::Inventory(args) => flows::inventory(&session, &args),
        Command::Why(args) => why::run(&session, &args),
        Command::Text(args) => text::run(&session, &args),
        Command::Gate(args) => gate::run(&session, &args, cli.common.rules.as_deref()),
        Command::Worker(args) => worker::run(&session, &args, cli.common.rules.as_deref()),
        Command::Lsp(_) | Command::Completions { .. } => Exit::Clean,
    };
    // The process ends: taking thousands of tables apart would only cost time.
    std::mem::forget(session);
    exit
}

/// The language asked for, else that of the locale, else Chinese.
fn lang(asked: Option<LangArg>) -> Lang {
    match asked {
        Some(LangArg::Zh) => Lang::Zh,
        Some(LangArg::En) => Lang::En,
        None => {
            let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .filter_map(|name| std::env::var(name).ok())
                .find(|value| !value.is_empty())
                .unwrap_or_default();
            if locale.to_ascii_lowercase().starts_with("en") { Lang::En } else { Lang::Zh }
        }
    }
}

fn severity(arg: SeverityArg) -> Option<Severity> {
    match arg {
        SeverityArg::Error => Some(Severity::Error),
        SeverityArg::Warning => Some(Severity::Warning),
        SeverityArg::Note => Some(Severity::Note),
        SeverityArg::Never => None,
    }
}

fn confidence(arg: ConfidenceArg) -> Confidence {
    match arg {
        ConfidenceArg::Low => Confidence::Low,
        ConfidenceArg::Medium => Confidence::Medium,
        ConfidenceArg::High => Confidence::High,
    }
}

fn profile(arg: ProfileArg) -> Profile {
    match arg {
        ProfileArg::Developer => Profile::Developer,
        ProfileArg::Gate => Profile::Gate,
        ProfileArg::Editor => Profile::Editor,
    }
}

/// The engine's options for a target. `None` after a message when they are wrong.
fn options(session: &Session, target: &Target) -> Option<Options> {
    let mut options = Options {
        config: target.config.clone(),
        host: target.host.clone(),
        categories: target.category.clone(),
        facts: facts(target.cache_dir.as_deref().filter(|_| !target.no_cache)),
        ..Options::default()
    };
    if let Some(host) = &target.host
        && session.policy.hosts.info(host).is_none()
    {
        let known = session.policy.host_ids().join(", ");
        output::error(&match session.lang() {
            Lang::Zh => format!("未知的宿主 `{host}`；可用的宿主：{known}"),
            Lang::En => format!("unknown host `{host}`; known hosts: {known}"),
        });
        return None;
    }
    if let Some(file) = &target.submission {
        match submission(file) {
            Ok(submission) => options.submission = Some(submission),
            Err(error) => {
                output::error(&format!("{}: {error}", file.display()));
                return None;
            }
        }
    }
    Some(options)
}

/// Bytes that a cache may take.
const CACHE: u64 = 2 << 30;

fn facts(folder: Option<&std::path::Path>) -> FactsStore {
    FactsStore(folder.map(|folder| Arc::new(DiskCache::new(folder, CACHE)) as Arc<dyn FactsCache>))
}

/// Reads the platform's data on a submission; keys with `_` or `-`.
fn submission(file: &std::path::Path) -> Result<Submission, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    submission_of(value)
}

/// A submission from JSON; keys with `_` or `-`.
pub fn submission_of(value: serde_json::Value) -> Result<Submission, String> {
    let serde_json::Value::Object(map) = value else { return Err("expected an object".to_owned()) };
    let map = map.into_iter().map(|(key, value)| (key.replace('_', "-"), value)).collect();
    serde_json::from_value(serde_json::Value::Object(map)).map_err(|error| error.to_string())
}

/// Tells what could not be vetted; the exit code that follows.
fn failures(session: &Session, failures: &[Failure]) -> Exit {
    let mut exit = Exit::Clean;
    for failure in failures {
        exit = exit.max(match failure {
            Failure::Config(failure) => {
                output::error_text(&report::config_failure(failure, session.style));
                Exit::Usage
            }
            Failure::Read(error) => {
                output::error(&read_error(error, session.lang()));
                Exit::Input
            }
        });
    }
    exit
}

fn read_error(error: &ReadError, lang: Lang) -> String {
    match (lang, error) {
        (Lang::En, error) => error.to_string(),
        (_, ReadError::NotFound(path)) => format!("{}：没有这个文件或目录", path.display()),
        (_, ReadError::Unreadable(path, error)) => format!("{}：无法读取（{error}）", path.display()),
        (_, ReadError::NothingToVet(path)) => {
            format!("{}：没有找到小程序：没有 app.json，也没有模板或脚本", path.display())
        }
        (_, ReadError::NotAPackage(path)) => format!("{}：既不是目录，也不是压缩包", path.display()),
        (_, ReadError::Archive(path, reason)) => {
            format!("{}：压缩包无法读取（{}）", path.display(), report::skip_text(*reason, lang))
        }
        #[allow(unreachable_patterns)]
        (_, error) => error.to_string(),
    }
}
