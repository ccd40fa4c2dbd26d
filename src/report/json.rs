//! The versioned JSON form.

use super::model::Report;

/// The report as JSON with indentation, ended by a line break.
pub fn render(report: &Report) -> String {
    let mut out = serde_json::to_string_pretty(report).unwrap_or_default();
    out.push('\n');
    out
}
