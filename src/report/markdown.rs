//! Markdown, for comments on a merge request.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::compare;
use super::model::Report;
use super::terminal::{Style, skip_word, verdict_word};
use crate::policy::catalogue::{Lang, Severity};

/// The report as Markdown.
pub fn render(report: &Report, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    for package in &report.packages {
        let counted: Vec<_> = package.findings.iter().filter(|finding| finding.counts).collect();
        let count = |severity| counted.iter().filter(|finding| finding.severity == severity).count();
        let _ = writeln!(
            out,
            "# {}{}{}\n",
            inline(&package.root),
            lang.pick("：", ": "),
            verdict_word(package.verdict, lang)
        );
        let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(count);
        let (host, files) = (&package.host, package.files);
        let _ = match lang {
            Lang::Zh => {
                writeln!(out, "{errors} 个错误，{warnings} 个警告，{notes} 个提示；宿主 {host}，{files} 个文件。\n")
            }
            Lang::En => {
                writeln!(out, "{errors} errors, {warnings} warnings, {notes} notes; host {host}, {files} files.\n")
            }
        };
        for (severity, title) in [
            (Severity::Error, lang.pick("错误", "Errors")),
            (Severity::Warning, lang.pick("警告", "Warnings")),
            (Severity::Note, lang.pick("提示", "Notes")),
        ] {
            if count(severity) == 0 {
                continue;
            }
            let _ = writeln!(out, "## {title}\n");
            for finding in counted.iter().filter(|finding| finding.severity == severity) {
                let at = finding.range.start;
                let _ = writeln!(
                    out,
                    "- {}**{}** `{}` `{}:{}:{}`",
                    match finding.baseline_state.as_deref() {
                        Some(state @ "new") => format!("[{}] ", compare::state_word(state, lang)),
                        _ => String::new(),
                    },
                    inline(finding.message.lines().next().unwrap_or_default()),
                    finding.rule,
                    finding.file,
                    at.line,
                    at.column
                );
                for line in finding.message.lines().skip(1) {
                    let _ = writeln!(out, "  {}", inline(line));
                }
                let clauses: Vec<String> = finding
                    .clauses
                    .iter()
                    .zip(&finding.clause_titles)
                    .map(|(id, title)| {
                        if title.is_empty() {
                            id.clone()
                        } else {
                            format!("{id}{}{title}{}", lang.pick("《", " ("), lang.pick("》", ")"))
                        }
                    })
                    .collect();
                let _ = writeln!(
                    out,
                    "  - {}{}",
                    lang.pick("依据：", "Clauses: "),
                    inline(&clauses.join(lang.pick("、", ", ")))
                );
                if !finding.help.is_empty() {
                    let _ = writeln!(
                        out,
                        "  - {}{}",
                        lang.pick("建议：", "Help: "),
                        inline(&finding.help.replace('\n', " "))
                    );
                }
                for (index, step) in finding.trace.iter().enumerate() {
                    let _ = writeln!(
                        out,
                        "  - {}. {} `{}:{}`",
                        index + 1,
                        inline(&step.note),
                        step.file,
                        step.range.start.line
                    );
                }
            }
            out.push('\n');
        }
        if let Some((new, unchanged, fixed)) = compare::counts(package) {
            let title = lang.pick("与旧版相比", "Since the old version");
            let _ = match lang {
                Lang::Zh => writeln!(out, "## {title}\n\n新增 {new} 处，未变 {unchanged} 处，已修复 {fixed} 处。\n"),
                Lang::En => writeln!(out, "## {title}\n\n{new} new, {unchanged} unchanged, {fixed} fixed.\n"),
            };
            for finding in package.fixed.iter().flatten() {
                let message = inline(finding.message.lines().next().unwrap_or_default());
                let word = compare::state_word("absent", lang);
                let _ = writeln!(out, "- {word} `{}` `{}` {message}", finding.rule, finding.file);
            }
            let changes = package
                .capability_changes
                .iter()
                .flat_map(|changes| compare::changes(changes, lang))
                .collect::<Vec<_>>();
            if !changes.is_empty() {
                let _ = match lang {
                    Lang::Zh => writeln!(out, "\n| 能力 | 新增 | 不再有 |\n|---|---|---|"),
                    Lang::En => writeln!(out, "\n| capability | gained | lost |\n|---|---|---|"),
                };
                let cell = |names: &BTreeSet<String>| {
                    names.iter().map(|name| format!("`{}`", name.replace('|', "\\|"))).collect::<Vec<_>>().join(" ")
                };
                for (kind, gained, lost) in changes {
                    let _ = writeln!(out, "| {kind} | {} | {} |", cell(gained), cell(lost));
                }
            }
            out.push('\n');
        }
        let unseen: Vec<_> = package.skipped.iter().filter(|skipped| skipped.hides_code).collect();
        if !unseen.is_empty() {
            let _ = writeln!(out, "## {}\n", lang.pick("未能分析的文件", "Files that were not analysed"));
            for skipped in unseen {
                let _ = writeln!(out, "- `{}` {}", skipped.path, skip_word(&skipped.reason, lang));
            }
            out.push('\n');
        }
        for error in &package.engine_errors {
            let _ = writeln!(out, "> {}{}\n", lang.pick("分析器内部错误：", "internal error: "), inline(error));
        }
    }
    out
}

/// Text of the package must not become markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '[' | ']' | '<' | '>' | '\\' | '|' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
