//! JUnit XML: a suite a package, a failing case a finding.

use std::fmt::Write as _;

use super::escape;
use super::model::Report;
use crate::policy::catalogue::Severity;

/// The report as JUnit XML. Notes do not fail.
pub fn render(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"minivet\">\n");
    for package in &report.packages {
        let findings: Vec<_> = package.findings.iter().filter(|finding| finding.counts).collect();
        let failures = findings.iter().filter(|finding| finding.severity > Severity::Note).count();
        let errors = package.engine_errors.len();
        let tests = findings.len().max(1) + errors;
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">",
            escape(&package.root)
        );
        for finding in &findings {
            let place = format!("{}:{}:{}", finding.file, finding.range.start.line, finding.range.start.column);
            let _ = write!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"",
                escape(&finding.rule),
                escape(&place),
                escape(&finding.file),
                finding.range.start.line
            );
            let body = format!("{}\n{}\n{}", place, finding.clauses.join(", "), finding.help);
            let message = escape(finding.message.lines().next().unwrap_or_default());
            let _ = if finding.severity > Severity::Note {
                writeln!(
                    out,
                    "><failure type=\"{}\" message=\"{message}\">{}</failure></testcase>",
                    word(finding.severity),
                    escape(&body)
                )
            } else {
                writeln!(out, "><system-out>{message}\n{}</system-out></testcase>", escape(&body))
            };
        }
        for error in &package.engine_errors {
            let _ = writeln!(
                out,
                "    <testcase classname=\"minivet\" name=\"engine\"><error message=\"{}\"/></testcase>",
                escape(error)
            );
        }
        if findings.is_empty() {
            let _ = writeln!(out, "    <testcase classname=\"minivet\" name=\"{}\"/>", escape(&package.root));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
