//! `minivet rules`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Exit, Session, output};
use crate::engine::markers;
use crate::policy::catalogue::{Lang, Severity};
use crate::policy::clauses::Checkable;

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: Option<RulesCommand>,
    /// Group the rules
    #[arg(long, value_name = "BY")]
    by: Option<By>,
    /// Form of the list
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Run the expectation markers of fixture packages
    Test {
        /// Folders with `bad` and `good` packages, or packages
        #[arg(value_name = "DIR", required = true)]
        dirs: Vec<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Clause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

struct Row<'p> {
    id: &'p str,
    severity: Severity,
    clauses: Vec<String>,
    title: &'p str,
    since: &'p str,
}

pub(super) fn run(session: &Session, args: &RulesArgs) -> Exit {
    if let Some(RulesCommand::Test { dirs }) = &args.command {
        return test(session, dirs);
    }
    let lang = session.lang();
    let rows: Vec<Row<'_>> = session
        .policy
        .catalogue
        .ids()
        .filter_map(|id| {
            let entry = session.policy.entry(id)?;
            Some(Row {
                id,
                severity: entry.severity,
                clauses: entry.clauses.iter().map(ToString::to_string).collect(),
                title: entry.title.get(lang),
                since: &entry.since,
            })
        })
        .collect();
    if args.by.is_some() { by_clause(session, args.format, &rows) } else { list(session, args.format, &rows) }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn list(session: &Session, format: Format, rows: &[Row<'_>]) -> Exit {
    let mut out = String::new();
    match format {
        Format::Json => {
            let rows: Vec<serde_json::Value> = rows
                .iter()
                .map(|row| {
                    serde_json::json!({
                        "id": row.id, "severity": row.severity, "clauses": row.clauses, "title": row.title, "since": row.since,
                    })
                })
                .collect();
            out = serde_json::to_string_pretty(&serde_json::json!({"schema_version": 1, "rules": rows}))
                .unwrap_or_default();
            out.push('\n');
        }
        Format::Markdown => {
            let _ = writeln!(
                out,
                "{}",
                session.say("| 规则 | 级别 | 条款 | 说明 |", "| rule | severity | clauses | what |")
            );
            out.push_str("|---|---|---|---|\n");
            for row in rows {
                let _ = writeln!(
                    out,
                    "| `{}` | {} | {} | {} |",
                    row.id,
                    word(row.severity),
                    row.clauses.join(", "),
                    row.title
                );
            }
        }
        Format::Text => {
            let width = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
            for row in rows {
                let _ = writeln!(
                    out,
                    "{:width$}  {:7}  {}  [{}]",
                    row.id,
                    word(row.severity),
                    row.title,
                    row.clauses.join(", ")
                );
            }
        }
    }
    output::print(&out)
}

fn by_clause(session: &Session, format: Format, rows: &[Row<'_>]) -> Exit {
    let lang = session.lang();
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        for clause in &row.clauses {
            rules.entry(clause).or_default().push(row.id);
        }
    }
    let registry = session.policy.clauses();
    for clause in &registry.clauses {
        let list = rules.entry(&clause.id).or_default();
        for rule in &clause.rules {
            if !list.contains(&&**rule) {
                list.push(rule);
            }
        }
    }
    let extent = |id: &str| {
        registry.get(id).map_or("none", |clause| match clause.checkable {
            Checkable::Yes => "whole",
            Checkable::Partly => "part",
            Checkable::No => "none",
        })
    };
    let status = |id: &str, list: &[&str]| -> String {
        let reason = registry.get(id).and_then(|clause| registry.reason(clause)).map(|reason| reason.get(lang));
        if list.is_empty() {
            return reason.unwrap_or(lang.pick("没有规则", "no rule")).to_owned();
        }
        let list = list.join(", ");
        match (reason, lang) {
            (Some(reason), Lang::Zh) => format!("部分：{list}；其余：{reason}"),
            (Some(reason), Lang::En) => format!("in part: {list}; the rest: {reason}"),
            (None, Lang::Zh) => format!("整条：{list}"),
            (None, Lang::En) => format!("as a whole: {list}"),
        }
    };
    let title = |id: &str| registry.get(id).map_or("", |clause| clause.title.get(lang));
    let order: Vec<&str> = registry.clauses.iter().map(|clause| &*clause.id).collect();
    let mut out = String::new();
    match format {
        Format::Json => {
            let clauses: Vec<serde_json::Value> = order
                .iter()
                .map(|id| {
                    let list = rules.get(id).cloned().unwrap_or_default();
                    serde_json::json!({
                        "clause": id, "title": title(id), "rules": list, "extent": extent(id),
                        "reason": registry.get(id).and_then(|clause| registry.reason(clause)).map(|reason| reason.get(lang)),
                    })
                })
                .collect();
            out = serde_json::to_string_pretty(&serde_json::json!({"schema_version": 1, "clauses": clauses}))
                .unwrap_or_default();
            out.push('\n');
        }
        Format::Markdown => {
            let _ = writeln!(out, "{}", session.say("| 条款 | 标题 | 规则 |", "| clause | title | rules |"));
            out.push_str("|---|---|---|\n");
            for id in order {
                let _ = writeln!(out, "| {id} | {} | {} |", title(id), status(id, &rules[id]));
            }
        }
        Format::Text => {
            for id in order {
                let _ = writeln!(out, "{id} {}\n    {}", title(id), status(id, &rules[id]));
            }
        }
    }
    output::print(&out)
}

fn test(session: &Session, dirs: &[PathBuf]) -> Exit {
    let mut cases = Vec::new();
    for dir in dirs {
        match markers::cases(dir) {
            Ok(found) => cases.extend(found),
            Err(error) => {
                output::error(&format!("{}: {error}", dir.display()));
                return Exit::Input;
            }
        }
    }
    if cases.is_empty() {
        output::error(session.say("没有找到可以测试的小程序", "no package to test was found"));
        return Exit::Input;
    }
    let results = markers::run(&cases, &session.policy);
    let mut out = String::new();
    let mut failed = 0;
    for result in &results {
        if !result.mistakes.is_empty() {
            failed += 1;
            let _ = writeln!(out, "{}", result.case.display());
            for mistake in &result.mistakes {
                let _ = writeln!(out, "  {mistake}");
            }
        }
    }
    let _ = match session.lang() {
        Lang::Zh => writeln!(out, "{} 个小程序，{failed} 个不符合预期", results.len()),
        Lang::En => writeln!(out, "{} packages, {failed} not as expected", results.len()),
    };
    output::print(&out).max(if failed > 0 { Exit::Findings } else { Exit::Clean })
}
