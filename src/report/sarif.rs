//! SARIF 2.1.0: one run a package.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model::{FindingReport, PackageReport, Range, Report};
use crate::engine::Hider;
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Severity};

/// The report as SARIF.
pub fn render(report: &Report, policy: &Policy, lang: Lang) -> String {
    let runs: Vec<Value> = report.packages.iter().map(|package| run(report, package, policy, lang)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    });
    let mut out = serde_json::to_string_pretty(&log).unwrap_or_default();
    out.push('\n');
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn run(report: &Report, package: &PackageReport, policy: &Policy, lang: Lang) -> Value {
    // What a comparison shows to be gone is a result with the state `absent`.
    let everything: Vec<&FindingReport> = package.findings.iter().chain(package.fixed.iter().flatten()).collect();
    let ids: BTreeSet<&str> = everything.iter().map(|finding| finding.rule.as_str()).collect();
    let rules: Vec<&str> = ids.into_iter().collect();
    let clauses: BTreeSet<&str> =
        everything.iter().flat_map(|finding| finding.clauses.iter().map(String::as_str)).collect();
    let clauses: Vec<&str> = clauses.into_iter().collect();
    let index: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(index, id)| (*id, index)).collect();
    let clause_index: BTreeMap<&str, usize> = clauses.iter().enumerate().map(|(index, id)| (*id, index)).collect();
    let taxon = |id: &str| {
        clause_index
            .get(id)
            .map(|index| json!({"id": id, "index": index, "toolComponent": {"name": "clauses", "index": 0}}))
    };
    let descriptors: Vec<Value> = rules
        .iter()
        .map(|id| {
            let Some(entry) = policy.entry(id) else { return json!({"id": id}) };
            let relationships: Vec<Value> = entry
                .clauses
                .iter()
                .filter_map(|clause| Some(json!({"target": taxon(clause)?, "kinds": ["relevant"]})))
                .collect();
            let mut descriptor = json!({
                "id": id,
                "name": camel(id),
                "shortDescription": {"text": text(entry.title.get(lang), id)},
                "fullDescription": {"text": text(entry.title.get(lang), id)},
                "help": {
                    "text": text(entry.help.get(lang), entry.title.get(lang)),
                    "markdown": policy.page(id, lang).unwrap_or(entry.help.get(lang)),
                },
                "defaultConfiguration": {"level": level(entry.severity)},
                "properties": {"tags": entry.clauses, "since": entry.since},
            });
            if !relationships.is_empty() {
                descriptor["relationships"] = relationships.into();
            }
            descriptor
        })
        .collect();
    let taxa: Vec<Value> = clauses
        .iter()
        .map(|id| {
            let title = policy.clause(id).map_or(*id, |clause| clause.title.get(lang));
            json!({"id": id, "shortDescription": {"text": text(title, id)}})
        })
        .collect();
    let results: Vec<Value> = everything
        .iter()
        .map(|finding| {
            let mut result = json!({
                "ruleId": finding.rule,
                "ruleIndex": index.get(finding.rule.as_str()),
                "level": level(finding.severity),
                "message": {"text": message(finding)},
                "locations": [{"physicalLocation": location(package, &finding.file, finding.range, Some(&finding.snippet))}],
                "partialFingerprints": {"minivet/v1": finding.fingerprint, "minivetContent/v1": finding.content},
                "taxa": finding.clauses.iter().filter_map(|id| taxon(id)).collect::<Vec<_>>(),
                "properties": {
                    "confidence": finding.confidence,
                    "personalInformation": finding.personal_information,
                    "origin": finding.origin,
                },
            });
            if finding.trace.len() > 1 {
                let steps: Vec<Value> = finding
                    .trace
                    .iter()
                    .map(|step| {
                        json!({"location": {
                            "physicalLocation": location(package, &step.file, step.range, None),
                            "message": {"text": text(&step.note, &step.file)},
                        }})
                    })
                    .collect();
                result["codeFlows"] = json!([{"threadFlows": [{"locations": steps}]}]);
            } else if let [step] = finding.trace.as_slice() {
                result["relatedLocations"] = json!([{
                    "id": 0,
                    "physicalLocation": location(package, &step.file, step.range, None),
                    "message": {"text": text(&step.note, &step.file)},
                }]);
            }
            if let Some(hidden) = &finding.suppressed {
                let kind = if hidden.by == Hider::InSource { "inSource" } else { "external" };
                let mut suppression = json!({"kind": kind});
                if !hidden.reason.is_empty() {
                    suppression["justification"] = hidden.reason.as_str().into();
                }
                result["suppressions"] = json!([suppression]);
            }
            if let Some(state) = &finding.baseline_state {
                result["baselineState"] = state.as_str().into();
            }
            let fixes: Vec<Value> = finding.fixes.iter().filter(|fix| !fix.edits.is_empty()).map(|fix| {
                let mut changes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
                for edit in &fix.edits {
                    changes.entry(&edit.file).or_default().push(json!({
                        "deletedRegion": region(edit.range),
                        "insertedContent": {"text": edit.text},
                    }));
                }
                let changes: Vec<Value> = changes
                    .into_iter()
                    .map(|(file, replacements)| json!({"artifactLocation": artifact(package, file), "replacements": replacements}))
                    .collect();
                json!({"description": {"text": text(&fix.title, "fix")}, "artifactChanges": changes})
            }).collect();
            if !fixes.is_empty() {
                result["fixes"] = fixes.into();
            }
            result
        })
        .collect();
    let notices: Vec<Value> = package
        .skipped
        .iter()
        .filter(|skipped| skipped.hides_code)
        .map(|skipped| {
            json!({
                "level": "warning",
                "message": {"text": format!("{}: {}", skipped.path, super::terminal::skip_word(&skipped.reason, lang))},
            })
        })
        .chain(
            package
                .engine_errors
                .iter()
                .map(|error| json!({"level": "error", "message": {"text": text(error, "error")}})),
        )
        .collect();
    let mut run = json!({
        "tool": {"driver": {
            "name": report.tool.name,
            "version": report.tool.version,
            "semanticVersion": report.tool.version,
            "rules": descriptors,
            "properties": {"rulesDigest": report.tool.rules_digest},
        }},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": package.engine_errors.is_empty(), "toolExecutionNotifications": notices}],
        "properties": {
            "root": package.root, "host": package.host, "verdict": package.verdict, "categories": package.categories,
        },
    });
    if !taxa.is_empty() {
        run["taxonomies"] = json!([{"name": "clauses", "version": report.tool.version, "taxa": taxa}]);
        run["tool"]["driver"]["supportedTaxonomies"] = json!([{"name": "clauses", "index": 0}]);
    }
    run
}

/// Texts may not be empty.
fn text<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

fn message(finding: &FindingReport) -> String {
    if finding.help.is_empty() { finding.message.clone() } else { format!("{}\n{}", finding.message, finding.help) }
}

fn camel(id: &str) -> String {
    id.rsplit('/')
        .next()
        .unwrap_or(id)
        .split('-')
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
        })
        .collect()
}

fn region(range: Range) -> Value {
    json!({
        "startLine": range.start.line,
        "startColumn": range.start.column,
        "endLine": range.end.line,
        "endColumn": range.end.column,
    })
}

fn artifact(package: &PackageReport, file: &str) -> Value {
    let root = package.root.trim_start_matches("./").trim_end_matches('/');
    if root.starts_with('/') || root.contains(':') || root.starts_with("..") {
        json!({"uri": encode(file), "uriBaseId": "PACKAGE"})
    } else if root.is_empty() || root == "." {
        json!({"uri": encode(file)})
    } else {
        json!({"uri": encode(&format!("{root}/{file}"))})
    }
}

fn location(package: &PackageReport, file: &str, range: Range, snippet: Option<&str>) -> Value {
    let mut region = region(range);
    if let Some(snippet) = snippet.filter(|snippet| !snippet.is_empty()) {
        region["snippet"] = json!({"text": snippet});
    }
    json!({"artifactLocation": artifact(package, file), "region": region})
}

/// Percent-encodes a path.
fn encode(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
