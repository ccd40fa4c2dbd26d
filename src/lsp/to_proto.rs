//! From our values to the protocol's.

use std::path::Path;

use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    Message, Position, PositionEncodingKind, Range, TextEdit, Uri,
};
use serde_json::json;

use crate::engine::Hit;
use crate::flow::Place;
use crate::package::Package;
use crate::policy::catalogue::{Lang, Severity};
use crate::report::model::FindingReport;
use crate::source::{LineIndex, PositionEncoding, SourceFile, Span};

/// Name of the source of our diagnostics.
pub(super) const SOURCE: &str = "minivet";

/// Rules whose findings an editor shows in a way of their own.
const TAGS: [(&str, DiagnosticTag); 3] = [
    ("package/deprecated-api", DiagnosticTag::Deprecated),
    ("package/unreachable-page", DiagnosticTag::Unnecessary),
    ("suppression/unused", DiagnosticTag::Unnecessary),
];

/// The `file:` address of a path.
pub(super) fn uri(path: &Path) -> Uri {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str("file://");
    if !text.starts_with('/') {
        out.push('/');
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Uri(out)
}

/// The name of a position encoding.
pub(super) const fn encoding(encoding: PositionEncoding) -> PositionEncodingKind {
    match encoding {
        PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
        PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
        PositionEncoding::Scalar => PositionEncodingKind::UTF32,
    }
}

/// The position of an offset.
pub(super) fn position(source: &SourceFile, offset: u32, encoding: PositionEncoding) -> Position {
    let (source, at) = source.shown(Span::at(offset));
    position_in(&source.text, source.lines(), at.start, encoding)
}

fn position_in(text: &str, lines: &LineIndex, offset: u32, encoding: PositionEncoding) -> Position {
    let at = lines.line_column(text, offset, encoding);
    Position { line: at.line, character: at.column }
}

/// The range of a span.
pub(super) fn range(source: &SourceFile, span: Span, encoding: PositionEncoding) -> Range {
    Range { start: position(source, span.start, encoding), end: position(source, span.end, encoding) }
}

/// The range of a byte range in a text.
pub(super) fn range_in(text: &str, bytes: std::ops::Range<usize>, encoding: PositionEncoding) -> Range {
    let lines = LineIndex::new(text);
    let at = |offset: usize| position_in(text, &lines, offset as u32, encoding);
    Range { start: at(bytes.start), end: at(bytes.end.max(bytes.start)) }
}

/// An edit.
pub(super) fn edit(source: &SourceFile, span: Span, text: impl Into<String>, encoding: PositionEncoding) -> TextEdit {
    TextEdit { range: range(source, span, encoding), new_text: text.into() }
}

/// The severity.
pub(super) const fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::Error,
        Severity::Warning => DiagnosticSeverity::Warning,
        Severity::Note => DiagnosticSeverity::Information,
    }
}

/// What a diagnostic is made from, beside the finding.
pub(super) struct Telling<'a> {
    /// The package.
    pub package: &'a Package,
    /// The address of a file of the package.
    pub uri: &'a dyn Fn(Place) -> Uri,
    /// The address of a rule's page.
    pub page: Option<Uri>,
    /// Language of the words around the message.
    pub lang: Lang,
    /// What columns count.
    pub encoding: PositionEncoding,
    /// Whether the client shows related places.
    pub related: bool,
}

/// A finding.
pub(super) fn diagnostic(hit: &Hit, told: &FindingReport, with: &Telling<'_>) -> Diagnostic {
    let finding = &hit.finding;
    let mut message = told.message.clone();
    if !told.help.is_empty() {
        message.push('\n');
        message.push_str(&told.help);
    }
    if !told.clauses.is_empty() {
        message.push('\n');
        message.push_str(with.lang.pick("依据：", "Rests on: "));
        message.push_str(&told.clauses.join(with.lang.pick("、", ", ")));
    }
    let related = with.related.then(|| {
        finding
            .trace
            .iter()
            .zip(&told.trace)
            .map(|(step, told)| DiagnosticRelatedInformation {
                location: Location {
                    uri: (with.uri)(step.place),
                    range: range(with.package.source(step.place.file), step.place.span, with.encoding),
                },
                message: told.note.clone(),
            })
            .collect::<Vec<_>>()
    });
    let tags: Vec<DiagnosticTag> = TAGS.iter().filter(|(rule, _)| *rule == finding.rule).map(|(_, tag)| *tag).collect();
    Diagnostic {
        range: range(with.package.source(finding.place.file), finding.place.span, with.encoding),
        severity: Some(severity(hit.severity)),
        code: Some(Code::String(finding.rule.to_owned())),
        code_description: with.page.clone().map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: Message::from(message),
        tags: (!tags.is_empty()).then_some(tags),
        related_information: related.filter(|related| !related.is_empty()),
        data: Some(json!({ "fingerprint": hit.fingerprint })),
    }
}

/// A mistake in a configuration.
pub(super) fn mistake(
    text: &str,
    bytes: std::ops::Range<usize>,
    message: String,
    encoding: PositionEncoding,
) -> Diagnostic {
    Diagnostic {
        range: range_in(text, bytes, encoding),
        severity: Some(DiagnosticSeverity::Error),
        code: Some(Code::String("configuration".to_owned())),
        source: Some(SOURCE.to_owned()),
        message: Message::from(message),
        ..Diagnostic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_addresses() {
        assert_eq!(uri(Path::new("/a/页/b c.js")).0, "file:///a/%E9%A1%B5/b%20c.js");
        assert_eq!(uri(Path::new("C:\\x")).0, "file:///C%3A/x");
    }
}
