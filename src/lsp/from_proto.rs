//! From the protocol's values to ours.

use std::path::PathBuf;

use gen_lsp_types::{Position, PositionEncodingKind, Range, Uri};

use crate::source::{LineColumn, PositionEncoding, SourceFile, Span};

/// The path of a `file:` address.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let (authority, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => return None,
    };
    if !(authority.is_empty() || authority.eq_ignore_ascii_case("localhost")) {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let text = decode(rest)?;
    // `/c:/folder`
    let bytes = text.as_bytes();
    let drive = bytes.len() > 2 && bytes[1].is_ascii_alphabetic() && bytes[2] == b':';
    let text = if drive && cfg!(windows) { &text[1..] } else { text.as_str() };
    // `.` and `..` would make two names of one file.
    let mut path = PathBuf::new();
    for part in std::path::Path::new(text).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    Some(path)
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            out.push((high * 16 + low) as u8);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// The position encoding that both sides know: the client's first that we have, else UTF-16.
pub(super) fn encoding(offered: &[PositionEncodingKind]) -> PositionEncoding {
    offered
        .iter()
        .find_map(|kind| match kind {
            PositionEncodingKind::UTF8 => Some(PositionEncoding::Utf8),
            PositionEncodingKind::UTF16 => Some(PositionEncoding::Utf16),
            PositionEncodingKind::UTF32 => Some(PositionEncoding::Scalar),
            PositionEncodingKind::Custom(_) => None,
        })
        .unwrap_or(PositionEncoding::Utf16)
}

/// The offset of a position, and whether the position lies in the text.
pub(super) fn offset(source: &SourceFile, at: Position, encoding: PositionEncoding) -> (u32, bool) {
    let lines = source.lines();
    let at = LineColumn { line: at.line, column: at.character };
    let offset = lines.offset(&source.text, at, encoding);
    let back = lines.line_column(&source.text, offset, encoding);
    (offset, back == at)
}

/// The span of a range, its ends in order, and whether the range lies in the text.
pub(super) fn span(source: &SourceFile, range: Range, encoding: PositionEncoding) -> (Span, bool) {
    let (start, start_in) = offset(source, range.start, encoding);
    let (end, end_in) = offset(source, range.end, encoding);
    (Span::new(start.min(end), start.max(end)), start_in && end_in && start <= end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn addresses_become_paths() {
        let path = |text: &str| path(&Uri(text.to_owned()));
        assert_eq!(path("file:///a/%E9%A1%B5/b%20c.js"), Some(PathBuf::from("/a/页/b c.js")));
        assert_eq!(path("file://localhost/a/./x/../b"), Some(PathBuf::from("/a/b")));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("file:///%ff"), None);
        assert_eq!(path("file:///%2"), None);
        assert_eq!(path("file://server/share"), None);
    }

    #[test]
    fn columns_in_every_encoding() {
        let source = SourceFile::from_text("a", "let 甲 = '😀乙';\r\nx");
        // Bytes, UTF-16 units and characters up to `乙`.
        for (encoding, column) in
            [(PositionEncoding::Utf8, 15), (PositionEncoding::Utf16, 11), (PositionEncoding::Scalar, 10)]
        {
            let (offset, clean) = offset(&source, at(0, column), encoding);
            assert!(clean);
            assert_eq!(&source.text[offset as usize..][..3], "乙", "{encoding:?}");
        }
        // In the middle of a pair, past the line, past the text.
        assert_eq!(offset(&source, at(0, 10), PositionEncoding::Utf16), (11, false));
        assert_eq!(offset(&source, at(0, 99), PositionEncoding::Utf16), (20, false));
        assert_eq!(offset(&source, at(9, 0), PositionEncoding::Utf16), (source.text.len() as u32, false));
        assert!(!span(&source, Range { start: at(1, 1), end: at(0, 0) }, PositionEncoding::Utf8).1);
    }

    #[test]
    fn the_first_known_encoding_wins() {
        use PositionEncodingKind as Kind;
        assert_eq!(encoding(&[]), PositionEncoding::Utf16);
        assert_eq!(encoding(&[Kind::Custom("utf-7".into()), Kind::UTF32, Kind::UTF8]), PositionEncoding::Scalar);
        assert_eq!(encoding(&[Kind::UTF8, Kind::UTF16]), PositionEncoding::Utf8);
    }
}
