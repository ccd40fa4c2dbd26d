//! `minivet explain`.

use std::fmt::Write as _;

use clap::Args;

use super::{Exit, Session, output};
use crate::engine::config::{nearest, nearest_rule};
use crate::policy::catalogue::Lang;
use crate::policy::clauses::{Checkable, Need};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A rule (`privacy/plaintext-storage`) or a clause (`agreement-4.3`)
    #[arg(value_name = "RULE|CLAUSE")]
    name: String,
}

pub(super) fn run(session: &Session, args: &ExplainArgs) -> Exit {
    let policy = &session.policy;
    let lang = session.lang();
    let name = args.name.trim();
    let by_name = || policy.catalogue.ids().find(|id| id.rsplit('/').next() == Some(name)).map(|id| &**id);
    let rule = if policy.catalogue.has(name) { Some(name) } else { by_name() };
    if let Some(rule) = rule {
        let mut out = String::new();
        match policy.page(rule, lang) {
            Some(page) => out.push_str(page.trim_end()),
            None => {
                let title = policy.entry(rule).map_or("", |entry| entry.title.get(lang));
                let _ = write!(out, "# {rule}\n\n{title}");
            }
        }
        out.push('\n');
        if let Some(entry) = policy.entry(rule) {
            let _ = write!(out, "\n## {}\n\n", session.say("依据的条款", "Clauses"));
            for id in &entry.clauses {
                let title = policy.clause(id).map_or("", |clause| clause.title.get(lang));
                let _ = writeln!(out, "- {id} {title}");
            }
        }
        return output::print(&colored(&out, session));
    }
    if let Some(clause) = policy.clause(name) {
        let mut out = format!("# {} {}\n", clause.id, clause.title.get(lang));
        let reason = policy.clauses().reason(clause).map_or("", |reason| reason.get(lang));
        let _ = match clause.checkable {
            Checkable::No => {
                writeln!(out, "\n{}{reason}", session.say("无法从代码包中检查：", "Not checkable from a package: "))
            }
            Checkable::Partly => {
                writeln!(out, "\n{}{reason}", session.say("检查其中一部分；其余部分：", "Checked in part; the rest: "))
            }
            Checkable::Yes => writeln!(out, "\n{}", session.say("整条检查", "Checked as a whole")),
        };
        if let Some(need) = clause.needs {
            let (zh, en) = match need {
                Need::Name => {
                    ("提交了名称或首页有标题时检查", "Checked when a name is submitted or the home page has a title")
                }
                Need::Description => ("提交了简介时检查", "Checked when a description is submitted"),
                Need::Categories => ("申报了类目时检查", "Checked when categories are declared"),
                Need::Icon => ("提交了图标时检查", "Checked when an icon is submitted"),
            };
            let _ = writeln!(out, "{}", session.say(zh, en));
        }
        if !clause.rules.is_empty() {
            let _ = writeln!(out, "\n## {}\n", session.say("由这些规则检查", "Checked by"));
            for rule in &clause.rules {
                let entry = policy.entry(rule);
                let title = entry.map_or("", |entry| entry.title.get(lang));
                let asked = if entry.is_some_and(|entry| entry.opt_in) {
                    session.say("（需启用）", " (must be asked for)")
                } else {
                    ""
                };
                let _ = writeln!(out, "- {rule} {title}{asked}");
            }
        }
        return output::print(&colored(&out, session));
    }
    let under: Vec<String> =
        policy.clauses().under(name).map(|clause| format!("{} {}", clause.id, clause.title.get(lang))).collect();
    if !under.is_empty() {
        return output::print(&format!("{}\n", under.join("\n")));
    }
    let near =
        nearest_rule(name, policy).or_else(|| nearest(name, policy.clauses().clauses.iter().map(|clause| &*clause.id)));
    let message = match (lang, near) {
        (Lang::Zh, Some(near)) => format!("没有规则或条款 `{name}`；是否想写 `{near}`？"),
        (Lang::Zh, None) => format!("没有规则或条款 `{name}`；`minivet rules` 列出所有规则"),
        (Lang::En, Some(near)) => format!("no rule or clause `{name}`; did you mean `{near}`?"),
        (Lang::En, None) => format!("no rule or clause `{name}`; `minivet rules` lists all"),
    };
    output::error(&message);
    Exit::Usage
}

/// Headings stand out on a terminal.
fn colored(text: &str, session: &Session) -> String {
    if !session.style.color {
        return text.to_owned();
    }
    text.split_inclusive('\n')
        .map(|line| {
            if line.starts_with('#') { format!("\u{1b}[1;36m{}\u{1b}[0m\n", line.trim_end()) } else { line.to_owned() }
        })
        .collect()
}
