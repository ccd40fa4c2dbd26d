//! GitHub annotations: one workflow command a finding.

use std::fmt::Write as _;

use super::model::Report;
use crate::policy::catalogue::Severity;

/// The report as workflow commands.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    for package in &report.packages {
        for finding in package.findings.iter().filter(|finding| finding.counts) {
            let level = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let file = match package.root.trim_start_matches("./").trim_end_matches('/') {
                "" | "." => finding.file.clone(),
                root => format!("{root}/{}", finding.file),
            };
            let range = finding.range;
            let columns = if range.start.line == range.end.line {
                format!(",col={},endColumn={}", range.start.column, range.end.column)
            } else {
                String::new()
            };
            let body = format!("{}\n{}\n[{}]", finding.message, finding.help, finding.clauses.join(", "));
            let _ = writeln!(
                out,
                "::{level} file={},line={},endLine={}{columns},title={}::{}",
                property(&file),
                range.start.line,
                range.end.line,
                property(&finding.rule),
                data(&body)
            );
        }
        for error in &package.engine_errors {
            let _ = writeln!(out, "::error title=minivet::{}", data(error));
        }
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
