//! GitLab: code quality, and SAST.

use serde_json::{Value, json};

use super::model::{FindingReport, PackageReport, Report};
use crate::policy::catalogue::Severity;
use crate::rules::Confidence;

fn path(package: &PackageReport, file: &str) -> String {
    match package.root.trim_start_matches("./").trim_end_matches('/') {
        "" | "." => file.to_owned(),
        root => format!("{root}/{file}"),
    }
}

/// Unique in the report: with several packages, the package's folder counts.
fn fingerprint(report: &Report, package: &PackageReport, finding: &FindingReport) -> String {
    if report.packages.len() == 1 {
        return finding.fingerprint.clone();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(package.root.as_bytes());
    hasher.update(&[0]);
    hasher.update(finding.fingerprint.as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

fn pretty(value: &Value) -> String {
    let mut out = serde_json::to_string_pretty(value).unwrap_or_default();
    out.push('\n');
    out
}

/// As a code quality report.
pub fn code_quality(report: &Report) -> String {
    let mut items = Vec::new();
    for package in &report.packages {
        for finding in package.findings.iter().filter(|finding| finding.counts) {
            items.push(json!({
                "description": format!("{} [{}]", finding.message.lines().next().unwrap_or_default(), finding.clauses.join(", ")),
                "check_name": finding.rule,
                "fingerprint": fingerprint(report, package, finding),
                "severity": match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "major",
                    Severity::Note => "info",
                },
                "location": {"path": path(package, &finding.file), "lines": {"begin": finding.range.start.line}},
            }));
        }
    }
    pretty(&Value::Array(items))
}

/// As a SAST report.
pub fn sast(report: &Report) -> String {
    let mut items = Vec::new();
    for package in &report.packages {
        for finding in package.findings.iter().filter(|finding| finding.counts) {
            let mut identifiers = vec![json!({"type": "minivet_rule", "name": finding.rule, "value": finding.rule})];
            for clause in &finding.clauses {
                identifiers.push(json!({"type": "minivet_clause", "name": clause, "value": clause}));
            }
            items.push(json!({
                "id": fingerprint(report, package, finding),
                "name": finding.title,
                "description": finding.message,
                "solution": finding.help,
                "severity": match finding.severity {
                    Severity::Error => "High",
                    Severity::Warning => "Medium",
                    Severity::Note => "Info",
                },
                "confidence": match finding.confidence {
                    Confidence::High => "High",
                    Confidence::Medium => "Medium",
                    Confidence::Low => "Low",
                },
                "location": {
                    "file": path(package, &finding.file),
                    "start_line": finding.range.start.line,
                    "end_line": finding.range.end.line,
                },
                "identifiers": identifiers,
            }));
        }
    }
    let tool = json!({
        "id": "minivet", "name": "minivet", "version": report.tool.version, "vendor": {"name": "minivet"},
    });
    // A report is a function of the package alone, so no clock is read; the form asks for times.
    let time = "1970-01-01T00:00:00";
    pretty(&json!({
        "version": "15.0.0",
        "scan": {
            "type": "sast", "status": "success", "start_time": time, "end_time": time,
            "analyzer": tool, "scanner": tool,
        },
        "vulnerabilities": items,
    }))
}
