//! One self-contained page: verdict, findings with code frames and traces, flows as a picture, inventory, coverage.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};

use super::compare;
use super::escape;
use super::inventory::{consent_word, sink_word};
use super::model::{FindingReport, PackageReport, Range, Report};
use super::terminal::{Style, skip_word, verdict_word};
use crate::policy::catalogue::{Lang, Severity};

const TEMPLATE: &str = include_str!("html.jinja");

/// The report as HTML.
pub fn render(report: &Report, style: Style) -> String {
    let lang = style.lang;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let packages: Vec<Value> = report.packages.iter().map(|package| view(package, lang)).collect();
    let data = json!({
        "packages": packages,
        "zh": lang == Lang::Zh,
        "tool": report.tool,
        "digest": report.tool.rules_digest.get(..12),
    });
    let rendered = environment
        .template_from_str(TEMPLATE)
        .and_then(|template| template.render(minijinja::Value::from(minijinja::value::Serde(&data))));
    rendered.unwrap_or_else(|error| {
        format!("<!doctype html><meta charset=\"utf-8\"><pre>{}</pre>", escape(&error.to_string()))
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// How a clause fared, in words.
fn status_word(status: &str, lang: Lang) -> &str {
    let (zh, en) = match status {
        "findings" => ("有发现", "findings"),
        "passed" => ("未发现问题", "nothing found"),
        "not-applicable" => ("不涉及", "does not apply"),
        "not-checked" => ("未检查", "not checked"),
        "not-checkable" => ("代码包无法体现", "not visible in a package"),
        other => (other, other),
    };
    lang.pick(zh, en)
}

/// How much was checked.
fn extent_word(extent: Option<&str>, lang: Lang) -> Option<&'static str> {
    Some(match extent? {
        "whole" => lang.pick("整条检查", "checked as a whole"),
        _ => lang.pick("部分检查", "checked in part"),
    })
}

/// What changed since an older version.
fn compared(package: &PackageReport, lang: Lang) -> Option<Value> {
    let (new, unchanged, _) = compare::counts(package)?;
    let fixed: Vec<Value> = package
        .fixed
        .iter()
        .flatten()
        .map(|finding| {
            let message = finding.message.lines().next().unwrap_or_default();
            json!({"rule": finding.rule, "file": finding.file, "message": message})
        })
        .collect();
    let changes: Vec<Value> = package
        .capability_changes
        .iter()
        .flat_map(|changes| compare::changes(changes, lang))
        .map(|(kind, gained, lost)| json!({"kind": kind, "gained": gained, "lost": lost}))
        .collect();
    Some(json!({"new": new, "unchanged": unchanged, "fixed": fixed, "changes": changes}))
}

fn view(package: &PackageReport, lang: Lang) -> Value {
    let findings: Vec<Value> = package.findings.iter().map(|finding| finding_view(package, finding, lang)).collect();
    let count =
        |severity| package.findings.iter().filter(|finding| finding.counts && finding.severity == severity).count();
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &package.coverage {
        *statuses.entry(&item.status).or_default() += 1;
    }
    let statuses: Vec<Value> = ["findings", "passed", "not-applicable", "not-checked", "not-checkable"]
        .iter()
        .filter_map(|status| Some(json!({"word": status_word(status, lang), "count": statuses.get(status)?})))
        .collect();
    let coverage: Vec<Value> = package
        .coverage
        .iter()
        .map(|item| {
            json!({
                "clause": item.clause, "title": item.title, "status": item.status,
                "word": status_word(&item.status, lang), "rules": item.rules, "reason": item.reason,
                "extent": extent_word(item.extent.as_deref(), lang), "idle": item.idle,
            })
        })
        .collect();
    let inventory: Vec<Value> = package
        .inventory
        .iter()
        .map(|item| {
            json!({
                "name": item.name, "sensitive": item.sensitive,
                "sources": item.sources.iter().map(|source| json!({
                    "text": source.source, "place": format!("{}:{}", source.file, source.range.start.line),
                    "consent": consent_word(&source.consent, lang),
                })).collect::<Vec<_>>(),
                "sinks": item.sinks.iter().map(|sink| json!({
                    "text": format!("{} {}", sink_word(&sink.kind, lang), sink.host.as_deref().unwrap_or(&sink.api)),
                    "place": format!("{}:{}", sink.file, sink.range.start.line),
                    "protection": sink.protection.join(", "),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "root": package.root, "host": package.host, "files": package.files, "bytes": package.bytes,
        "categories": package.categories,
        "verdict": package.verdict, "verdict_word": verdict_word(package.verdict, lang),
        "errors": count(Severity::Error), "warnings": count(Severity::Warning), "notes": count(Severity::Note),
        "findings": findings, "inventory": inventory, "picture": picture(package, lang),
        "coverage": coverage, "statuses": statuses, "compared": compared(package, lang),
        "suppressed": package.findings.iter().filter(|finding| !finding.counts).count(),
        "blind_spots": package.blind_spots,
        "skipped": package.skipped.iter().map(|skipped| json!({
            "path": skipped.path, "reason": skip_word(&skipped.reason, lang), "hides": skipped.hides_code,
        })).collect::<Vec<_>>(),
        "engine_errors": package.engine_errors,
    })
}

fn finding_view(package: &PackageReport, finding: &FindingReport, lang: Lang) -> Value {
    let clauses: Vec<Value> = finding
        .clauses
        .iter()
        .zip(&finding.clause_titles)
        .map(|(id, title)| json!({"id": id, "title": title}))
        .collect();
    let mut message = finding.message.lines();
    let confidence = match (finding.confidence, lang) {
        (crate::rules::Confidence::High, Lang::Zh) => "把握：高",
        (crate::rules::Confidence::Medium, Lang::Zh) => "把握：中",
        (crate::rules::Confidence::Low, Lang::Zh) => "把握：低",
        (crate::rules::Confidence::High, Lang::En) => "confidence: high",
        (crate::rules::Confidence::Medium, Lang::En) => "confidence: medium",
        (crate::rules::Confidence::Low, Lang::En) => "confidence: low",
    };
    json!({
        "rule": finding.rule, "title": finding.title, "severity": word(finding.severity), "confidence": confidence,
        "message": message.next().unwrap_or_default(), "more": message.collect::<Vec<_>>().join("\n"),
        "help": finding.help, "clauses": clauses, "file": finding.file, "line": finding.range.start.line,
        "column": finding.range.start.column, "frame": frame(package, &finding.file, finding.range),
        "fingerprint": finding.fingerprint, "counts": finding.counts,
        "suppressed": finding.suppressed.as_ref().map(|hidden| hidden.reason.clone()),
        "page": page_of(&finding.file),
        "severity_word": match finding.severity {
            Severity::Error => lang.pick("错误", "error"),
            Severity::Warning => lang.pick("警告", "warning"),
            Severity::Note => lang.pick("提示", "note"),
        },
        "state": finding.baseline_state,
        "state_word": finding.baseline_state.as_deref().map(|state| compare::state_word(state, lang)),
        "library": finding.origin.name.as_ref().map(|name| match &finding.origin.version {
            Some(version) => format!("{name} {version}"),
            None => name.clone(),
        }),
        "reachable": finding.origin.reachable,
        "chain": chain(finding),
        "trace": finding.trace.iter().map(|step| json!({
            "note": step.note, "place": format!("{}:{}", step.file, step.range.start.line),
            "frame": frame(package, &step.file, step.range),
        })).collect::<Vec<_>>(),
    })
}

/// The way by imports, where there is more than the file itself.
fn chain(finding: &FindingReport) -> String {
    match finding.origin.import_chain.as_slice() {
        [] | [_] => String::new(),
        chain => chain.join(" → "),
    }
}

fn page_of(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// The lines around a place, with the place marked; HTML.
fn frame(package: &PackageReport, file: &str, range: Range) -> String {
    let Some(lines) = package.lines.get(file) else { return String::new() };
    let mut out = String::new();
    let from = range.start.line.saturating_sub(2).max(1);
    for line in from..=range.start.line + 2 {
        let Some(text) = lines.get(&line) else { continue };
        let hit = line == range.start.line;
        let chars: Vec<char> = text.chars().collect();
        let (start, end) = if hit {
            let start = (range.start.column as usize - 1).min(chars.len());
            let end =
                if range.end.line == line { (range.end.column as usize - 1).min(chars.len()) } else { chars.len() };
            (start, end.max(start))
        } else {
            (0, 0)
        };
        let window = if chars.len() > 200 { start.saturating_sub(60).min(chars.len() - 200) } else { 0 };
        let stop = (window + 200).min(chars.len());
        let part = |from: usize, to: usize| -> String {
            let (from, to) = (from.clamp(window, stop), to.clamp(window, stop));
            escape(
                &chars[from..to.max(from)]
                    .iter()
                    .map(|c| if c.is_control() && *c != '\t' { '·' } else { *c })
                    .collect::<String>(),
            )
        };
        let class = if hit { " class=\"hit\"" } else { "" };
        let body = if hit {
            format!("{}<mark>{}</mark>{}", part(0, start), part(start, end), part(end, chars.len()))
        } else {
            part(0, chars.len())
        };
        // Each line is a block of its own: a line break would double the space.
        let _ = write!(
            out,
            "<span{class}><i>{line}</i>{}{body}{}</span>",
            if window > 0 { "…" } else { "" },
            if stop < chars.len() { "…" } else { "" }
        );
    }
    out
}

/// Personal information on the left, where it goes on the right; SVG.
fn picture(package: &PackageReport, lang: Lang) -> String {
    let mut edges: BTreeSet<(String, String, bool)> = BTreeSet::new();
    let mut sensitive: BTreeSet<&str> = BTreeSet::new();
    for item in &package.inventory {
        if item.sensitive {
            sensitive.insert(&item.name);
        }
        for sink in &item.sinks {
            let to = match &sink.host {
                Some(host) => host.clone(),
                None => format!("{} {}", sink_word(&sink.kind, lang), sink.api),
            };
            let safe = sink.protection.iter().any(|one| !one.starts_with("encoded") && !one.starts_with("weak"));
            edges.insert((item.name.clone(), to, safe));
        }
    }
    if edges.is_empty() {
        return String::new();
    }
    let unique = |pick: fn(&(String, String, bool)) -> &String| -> Vec<String> {
        edges.iter().map(pick).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    };
    let left = unique(|edge| &edge.0);
    let right = unique(|edge| &edge.1);
    let height = 44 * left.len().max(right.len()) + 16;
    let y = |index: usize, count: usize| (height as f32 / count as f32) * (index as f32 + 0.5);
    let mut out = format!(
        "<svg viewBox=\"0 0 760 {height}\" role=\"img\" aria-label=\"{}\">",
        lang.pick("个人信息流向", "where personal information goes")
    );
    for (from, to, safe) in &edges {
        let a = y(left.iter().position(|name| name == from).unwrap_or(0), left.len());
        let b = y(right.iter().position(|name| name == to).unwrap_or(0), right.len());
        let class = if *safe { "safe" } else { "bare" };
        let _ = write!(out, "<path class=\"{class}\" d=\"M232 {a:.0} C 380 {a:.0}, 380 {b:.0}, 528 {b:.0}\"/>");
    }
    for (index, name) in left.iter().enumerate() {
        let at = y(index, left.len());
        let class = if sensitive.contains(name.as_str()) { "kind sensitive" } else { "kind" };
        let _ = write!(
            out,
            "<g class=\"{class}\"><rect x=\"2\" y=\"{:.0}\" width=\"230\" height=\"30\" rx=\"6\"/><text x=\"14\" y=\"{:.0}\">{}</text></g>",
            at - 15.0,
            at + 5.0,
            escape(&clip(name))
        );
    }
    for (index, name) in right.iter().enumerate() {
        let at = y(index, right.len());
        let _ = write!(
            out,
            "<g class=\"sink\"><rect x=\"528\" y=\"{:.0}\" width=\"230\" height=\"30\" rx=\"6\"/><text x=\"540\" y=\"{:.0}\">{}</text></g>",
            at - 15.0,
            at + 5.0,
            escape(&clip(name))
        );
    }
    out.push_str("</svg>");
    out
}

fn clip(text: &str) -> String {
    let mut width = 0;
    let mut out = String::new();
    for c in text.chars() {
        width += if c.is_ascii() { 1 } else { 2 };
        if width > 26 {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}
