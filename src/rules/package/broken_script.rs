//! `package/broken-script`: scripts that do not parse.

use std::sync::Arc;

use crate::flow::Place;
use crate::package::FileKind;
use crate::rules::{Context, Finding, Rule};
use crate::source::Span;

use super::is_own;

/// Looks for scripts whose text the parser had to mend; one finding a file, at the first damage.
pub struct BrokenScript;

impl Rule for BrokenScript {
    fn id(&self) -> &'static str {
        "package/broken-script"
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for index in 0..cx.package.files.len() {
            let file = crate::source::FileId(index as u32);
            if !is_own(cx, file) {
                continue;
            }
            let Some(script) = cx.program.script(file) else { continue };
            let view = cx.package.files[index].kind == FileKind::ViewScript;
            let told =
                script.errors.iter().filter(|error| !(view && reserved(error))).min_by_key(|(span, _)| span.start);
            let Some(span) = told.map(|(span, _)| *span).or_else(|| script.damage.iter().min().copied()) else {
                continue;
            };
            let reason = told.map_or("", |(_, message)| message);
            let span = on_text(&cx.package.source(file).text, span);
            let finding = Finding::new("package/broken-script", Place { file, span });
            out.push(if reason.is_empty() {
                finding.variant("damaged")
            } else {
                finding.text("reason", reason.lines().next().unwrap_or_default())
            });
        }
        for (index, facts) in cx.program.facts.iter().enumerate() {
            let file = crate::source::FileId(index as u32);
            let Some(template) = &facts.template else { continue };
            if !is_own(cx, file) {
                continue;
            }
            for (_, script, start) in &template.inline_scripts {
                let errors = script.errors.iter().filter(|error| !reserved(error));
                let Some((span, reason)) = errors.min_by_key(|(span, _)| span.start) else { continue };
                // Spans of inline scripts count from their body.
                let span = if span.start < *start { span.shifted(*start) } else { *span };
                out.push(
                    Finding::new("package/broken-script", Place { file, span }).text("reason", reason.to_string()),
                );
            }
        }
    }
}

/// Whether a word only counts as reserved: the languages of view scripts keep fewer words for themselves.
fn reserved((_, message): &(Span, Arc<str>)) -> bool {
    message.contains("reserved word")
}

/// A place behind the last text of a file, moved to that text: where something is missing at the end.
fn on_text(text: &str, span: Span) -> Span {
    let end = text.trim_end().len() as u32;
    if span.start < end {
        return span;
    }
    let last = text.trim_end().chars().next_back().map_or(0, |c| c.len_utf8() as u32);
    Span::new(end - last, end)
}
