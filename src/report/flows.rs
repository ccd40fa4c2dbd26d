//! Flows of personal information as a table.

use std::fmt::Write as _;

use super::model::Report;
use super::terminal::Style;
use crate::policy::catalogue::Lang;

/// One line a flow.
pub fn render(report: &Report, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    for package in &report.packages {
        let flows = package.flows.as_deref().unwrap_or_default();
        let _ = match lang {
            Lang::Zh => writeln!(out, "{}：{} 条个人信息流", package.root, flows.len()),
            Lang::En => writeln!(out, "{}: {} flows of personal information", package.root, flows.len()),
        };
        for flow in flows {
            let source = flow.source.api.as_ref().or(flow.source.element.as_ref()).map_or("", |name| name);
            let host = flow.sink.host.as_ref().map(|host| format!(" ({host})")).unwrap_or_default();
            let guard =
                if flow.sanitizers.is_empty() { String::new() } else { format!(" [{}]", flow.sanitizers.join(", ")) };
            let _ = writeln!(
                out,
                "  {}: {} {}:{} → {} {}{} {}:{}{} {}",
                flow.source.personal_information.join(", "),
                source,
                flow.source.file,
                flow.source.range.start.line,
                flow.sink.kind,
                flow.sink.api,
                host,
                flow.sink.file,
                flow.sink.range.start.line,
                guard,
                flow.consent,
            );
            if style.verbose {
                for hop in &flow.hops {
                    let _ = writeln!(out, "      {}:{} {}", hop.file, hop.range.start.line, hop.note);
                }
            }
        }
    }
    out
}
