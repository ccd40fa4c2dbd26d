//! The letter to the developer: what must change and where, and a short form for the platform's feedback field.

use std::fmt::Write as _;

use super::model::{FindingReport, PackageReport, Report};
use super::terminal::{Style, verdict_word};
use crate::engine::Verdict;
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Severity};

/// Longest short form, in characters.
const SHORT: usize = 200;
/// Places told for one kind of fault.
const PLACES: usize = 5;

/// One letter a package.
pub fn render(report: &Report, policy: &Policy, style: Style) -> String {
    let letters: Vec<String> = report.packages.iter().map(|package| letter(package, policy, style.lang)).collect();
    letters.join("\n――――――――――\n\n")
}

/// Findings of one rule, in order of severity.
fn groups(package: &PackageReport) -> Vec<Vec<&FindingReport>> {
    let mut groups: Vec<Vec<&FindingReport>> = Vec::new();
    for finding in package.findings.iter().filter(|finding| finding.counts && finding.severity > Severity::Note) {
        match groups.iter_mut().find(|group| group[0].rule == finding.rule) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.iter().map(|finding| finding.severity).max()));
    groups
}

fn letter(package: &PackageReport, policy: &Policy, lang: Lang) -> String {
    let groups = groups(package);
    let must: Vec<_> =
        groups.iter().filter(|group| group.iter().any(|finding| finding.severity == Severity::Error)).collect();
    let should: Vec<_> =
        groups.iter().filter(|group| group.iter().all(|finding| finding.severity != Severity::Error)).collect();
    let mut out = String::new();
    let folder = package.root.trim_end_matches('/').rsplit('/').next().unwrap_or(&package.root);
    let name = package.name.as_deref().unwrap_or(folder);
    match lang {
        Lang::Zh => {
            let _ = writeln!(
                out,
                "尊敬的开发者：\n\n您好！您提交的小程序“{name}”已完成检查，结论为：{}。",
                verdict_word(package.verdict, lang)
            );
        }
        Lang::En => {
            let _ = writeln!(
                out,
                "Dear developer,\n\nThe mini-program \"{name}\" that you submitted has been vetted. Result: {}.",
                verdict_word(package.verdict, lang)
            );
        }
    }
    if groups.is_empty() {
        let _ = writeln!(
            out,
            "\n{}",
            match package.verdict {
                Verdict::Pass =>
                    lang.pick("没有发现需要修改的问题，感谢您的配合。", "Nothing needs to change. Thank you."),
                _ => lang.pick(
                    "部分内容未能自动检查，将由审核人员复核。",
                    "Part of it could not be checked by machine; a reviewer will look at it."
                ),
            }
        );
    }
    for (list, title) in [
        (&must, lang.pick("以下问题必须修改：", "These must be changed:")),
        (
            &should,
            lang.pick(
                "以下问题建议一并修改，否则需要人工复核：",
                "These should be changed as well, or a reviewer must look at them:",
            ),
        ),
    ] {
        if list.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        for (index, group) in list.iter().enumerate() {
            let first = group[0];
            let _ = writeln!(out, "\n{}. {}", index + 1, first.title);
            let clauses: Vec<String> = first.clauses.iter().map(|id| policy.clauses().quote(id, lang)).collect();
            let _ = writeln!(out, "   {}{}", lang.pick("依据：", "Clauses: "), clauses.join(lang.pick("；", "; ")));
            for finding in group.iter().take(PLACES) {
                let message = finding.message.lines().next().unwrap_or_default();
                let line = finding.range.start.line;
                let _ = match lang {
                    Lang::Zh => writeln!(out, "   - {} 第 {line} 行：{message}", finding.file),
                    Lang::En => writeln!(out, "   - {}, line {line}: {message}", finding.file),
                };
            }
            if group.len() > PLACES {
                let _ = match lang {
                    Lang::Zh => writeln!(out, "   - 另有 {} 处同类问题", group.len() - PLACES),
                    Lang::En => writeln!(out, "   - {} more places of the same kind", group.len() - PLACES),
                };
            }
            if !first.help.is_empty() {
                let _ = writeln!(
                    out,
                    "   {}{}",
                    lang.pick("修改方法：", "What to do: "),
                    first.help.trim_end().replace('\n', " ")
                );
            }
        }
    }
    if !groups.is_empty() {
        let _ = writeln!(
            out,
            "\n{}",
            lang.pick(
                "请修改后重新提交。如果您对结论有异议，可以附上说明申请复核。感谢您的配合！",
                "Please submit again after the changes. If you disagree, you may ask for a review with an explanation. Thank you."
            )
        );
    }
    let _ = writeln!(
        out,
        "\n{}\n{}",
        lang.pick("【平台反馈（200 字以内）】", "[Feedback field, at most 200 characters]"),
        short(package, &groups, policy, lang)
    );
    out
}

/// At most [`SHORT`] characters: the gravest faults with clause and place.
fn short(package: &PackageReport, groups: &[Vec<&FindingReport>], policy: &Policy, lang: Lang) -> String {
    let mut out = format!("{}{}", verdict_word(package.verdict, lang), lang.pick("。", ". "));
    let more = |left: usize| match lang {
        Lang::Zh => format!("另有 {left} 类问题，详见通知。"),
        Lang::En if left == 1 => "1 more fault; see the letter.".to_owned(),
        Lang::En => format!("{left} more faults; see the letter."),
    };
    for (index, group) in groups.iter().enumerate() {
        let first = group[0];
        let clause = first.clauses.first().map_or("", String::as_str);
        // The short form has room for a number, and none for a title.
        let clause = policy.clauses().cite(clause, lang);
        let at = format!("{}:{}", first.file, first.range.start.line);
        let item = match lang {
            Lang::Zh => format!("{}.{}（{clause}，{at}）；", index + 1, first.title),
            Lang::En => format!("{}. {} ({clause}, {at}); ", index + 1, first.title),
        };
        let rest = more(groups.len() - index);
        if out.chars().count() + item.chars().count() + rest.chars().count() > SHORT {
            out.push_str(&rest);
            return out;
        }
        out.push_str(&item);
    }
    out.trim_end_matches(['；', ';', ' ']).to_owned()
}
