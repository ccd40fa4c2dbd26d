//! `minivet check`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::{ConfidenceArg, Exit, ProfileArg, Session, SeverityArg, Target, failures, options, output};
use crate::engine;
use crate::policy::catalogue::Severity;
use crate::report::{self, Report, Shape};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    target: Target,
    /// The file that the text on standard input stands for, with `-` as the only path; an archive needs none
    #[arg(long, value_name = "FILE")]
    stdin_filename: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
    /// Where the report goes, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only these rules or groups; separated by commas, or given several times
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Not these rules or groups
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Severity from which findings give exit code 1; `error` by default
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<SeverityArg>,
    /// Findings below it are left out
    #[arg(long, value_name = "CONFIDENCE")]
    min_confidence: Option<ConfidenceArg>,
    /// Known findings, as `minivet baseline` wrote them: they are hidden
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// An older version of the package: what is new, unchanged and fixed since, and what it can do that the old could not
    #[arg(long, value_name = "OLD_PACKAGE")]
    diff_from: Option<PathBuf>,
    /// Who reads the verdict
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileArg>,
    /// Show personal information and secrets as they are
    #[arg(long)]
    unmasked: bool,
    /// Tell on standard error how long each stage and rule took
    #[arg(long, hide = true)]
    timings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Terminal,
    Json,
    Sarif,
    Html,
    Markdown,
    Junit,
    Gitlab,
    GitlabSast,
    Github,
    Letter,
}

pub(super) fn run(session: &Session, args: &CheckArgs) -> Exit {
    let Some(mut options) = options(session, &args.target) else { return Exit::Usage };
    options.select.clone_from(&args.select);
    options.ignore.clone_from(&args.ignore);
    options.min_confidence = args.min_confidence.map(super::confidence);
    options.profile = args.profile.map(super::profile);
    if unknown_rules(session, &options) {
        return Exit::Usage;
    }
    if let Some(file) = &args.baseline {
        match engine::baseline::Baseline::load(file) {
            Ok(baseline) => options.baseline = Some(Arc::new(baseline)),
            Err(error) => {
                output::error(&format!("{}: {error}", file.display()));
                return Exit::Usage;
            }
        }
    }
    let outcome = {
        let _progress = output::Progress::start(session.say("正在检查…", "vetting…"));
        match stdin(session, args) {
            Ok(None) => engine::vet(&args.target.paths, &session.policy, &options),
            Ok(Some((file, bytes))) => {
                let name = file.unwrap_or(Path::new("-"));
                match (engine::vet_archive(name, &bytes, &session.policy, &options), file) {
                    (Some(outcome), _) => outcome,
                    (None, Some(file)) => engine::buffer::vet_text(file, bytes, &session.policy, &options),
                    (None, None) => {
                        output::error(session.say(
                            "标准输入不是压缩包；若是单个文件的内容，请用 --stdin-filename 指明它是哪个文件",
                            "standard input is no archive; for the text of one file, say which with --stdin-filename",
                        ));
                        return Exit::Usage;
                    }
                }
            }
            Err(exit) => return exit,
        }
    };
    let mut exit = failures(session, &outcome.failures);
    let shape = Shape {
        lang: session.lang(),
        unmasked: args.unmasked,
        coverage: args.format != Format::Terminal,
        lines: true,
        flows: false,
    };
    let start = Instant::now();
    let mut report = report::build(&outcome, &session.policy, shape);
    if let Some(old) = &args.diff_from {
        // The same configuration for both, unless the old version has its own: only the packages shall differ.
        let outcome = engine::vet_with(std::slice::from_ref(old), &session.policy, &options, outcome.configs.last());
        let failed = failures(session, &outcome.failures);
        if failed != Exit::Clean {
            return failed;
        }
        report::compare(&mut report, &report::build(&outcome, &session.policy, shape));
    }
    if !report.packages.is_empty() || args.format != Format::Terminal {
        exit = exit.max(output::write(&render(session, args, &report), args.output.as_deref()));
    }
    if args.timings {
        let mut timings = outcome.timings.clone();
        timings.stage("report", start);
        timings.stages.insert(0, ("start", session.loaded));
        output::error_text(&told(&timings));
    }
    let fail_on = args.fail_on.map(super::severity).or_else(|| strictest(&outcome)).unwrap_or(Some(Severity::Error));
    let exit = exit.max(ending(&report, fail_on));
    // The process ends: taking the whole program apart would only cost time.
    std::mem::forget((outcome, report));
    exit
}

/// One line a stage and a rule, in milliseconds; rules by falling time.
fn told(timings: &engine::Timings) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let mut rules = timings.rules.clone();
    rules.sort_by_key(|(name, time)| (std::cmp::Reverse(*time), *name));
    for (name, time) in timings.stages.iter().chain(&rules) {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{name}\t{:.3}", time.as_secs_f64() * 1e3);
    }
    out
}

/// The path that standard input stands for, if one is given, and the bytes.
type Piped<'a> = (Option<&'a Path>, Vec<u8>);

/// What stands on standard input, when it is asked for, and the file that it stands for.
fn stdin<'a>(session: &Session, args: &'a CheckArgs) -> Result<Option<Piped<'a>>, Exit> {
    let dash = args.target.paths.iter().any(|path| path.as_os_str() == "-");
    match (&args.stdin_filename, dash) {
        (None, false) => Ok(None),
        (file, true) if args.target.paths.len() == 1 => {
            let mut bytes = Vec::new();
            // One byte past the limit of a file, so that too much is told as such.
            let limit = crate::package::Limits::default().max_archive_bytes + 1;
            match std::io::stdin().lock().take(limit).read_to_end(&mut bytes) {
                Ok(_) => Ok(Some((file.as_deref(), bytes))),
                Err(error) => {
                    output::error(&error.to_string());
                    Err(Exit::Input)
                }
            }
        }
        _ => {
            output::error(session.say(
                "从标准输入读取时，路径只写 `-`；若是单个文件的内容，用 --stdin-filename 指明它是哪个文件",
                "to read standard input, give `-` as the only path, and for the text of one file --stdin-filename to say which",
            ));
            Err(Exit::Usage)
        }
    }
}

fn render(session: &Session, args: &CheckArgs, report: &Report) -> String {
    let mut style = session.style;
    if args.output.is_some() {
        style.color = false;
    }
    match args.format {
        Format::Terminal => report::terminal(report, style),
        Format::Json => report::json(report),
        Format::Sarif => report::sarif(report, &session.policy, session.lang()),
        Format::Html => report::html(report, style),
        Format::Markdown => report::markdown(report, style),
        Format::Junit => report::junit(report),
        Format::Gitlab => report::gitlab(report),
        Format::GitlabSast => report::gitlab_sast(report),
        Format::Github => report::github(report),
        Format::Letter => report::letter(report, &session.policy, style),
    }
}

/// The exit code that a report gives.
pub(super) fn ending(report: &Report, fail_on: Option<Severity>) -> Exit {
    let failing = report
        .packages
        .iter()
        .flat_map(|package| &package.findings)
        .any(|finding| finding.counts && fail_on.is_some_and(|floor| finding.severity >= floor));
    if report.packages.iter().any(|package| !package.engine_errors.is_empty()) {
        Exit::Input
    } else if failing {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

/// The lowest `fail-on` of the configurations met.
fn strictest(outcome: &engine::Outcome) -> Option<Option<Severity>> {
    outcome.configs.iter().filter_map(|config| config.fail_on).min_by_key(|severity| match severity {
        Some(Severity::Note) => 0,
        Some(Severity::Warning) => 1,
        Some(Severity::Error) => 2,
        None => 3,
    })
}

/// Tells unknown names in `--select` and `--ignore`.
pub(super) fn unknown_rules(session: &Session, options: &engine::Options) -> bool {
    let unknown = options.unknown_rules(&session.policy);
    for name in &unknown {
        let near = engine::config::nearest_rule(name, &session.policy);
        let message = match (session.lang(), near) {
            (crate::policy::catalogue::Lang::Zh, Some(near)) => format!("未知的规则 `{name}`；是否想写 `{near}`？"),
            (crate::policy::catalogue::Lang::Zh, None) => format!("未知的规则 `{name}`；`minivet rules` 列出所有规则"),
            (_, Some(near)) => format!("unknown rule `{name}`; did you mean `{near}`?"),
            (_, None) => format!("unknown rule `{name}`; `minivet rules` lists all"),
        };
        output::error(&message);
    }
    !unknown.is_empty()
}
