//! Offsets to lines and columns, and back.

use serde::Serialize;

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionEncoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, the default of the language server protocol.
    Utf16,
    /// Unicode scalar values; the same number as UTF-32 code units.
    Scalar,
}

/// A place in a text. From 0 or from 1, as the caller says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The column, in units of the [`PositionEncoding`] asked for.
    pub column: u32,
}

impl LineColumn {
    /// The same place counted from 1.
    pub const fn one_based(self) -> Self {
        Self { line: self.line + 1, column: self.column + 1 }
    }
}

/// Starts of lines. `\n`, `\r\n` and a lone `\r` end a line.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes `text`.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                continue;
            }
            starts.push(at as u32 + 1);
        }
        Self { starts }
    }

    /// Number of lines; at least 1.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Never true: an empty text has one empty line.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The line (from 0) that holds `offset`.
    pub fn line(&self, offset: u32) -> u32 {
        (self.starts.partition_point(|&start| start <= offset).max(1) - 1) as u32
    }

    /// Byte offset of the first character of a line (from 0); the end of the text for lines past it.
    pub fn line_start(&self, text: &str, line: u32) -> u32 {
        self.starts.get(line as usize).copied().unwrap_or(text.len() as u32)
    }

    /// The text of a line (from 0), without its line end.
    pub fn line_text<'t>(&self, text: &'t str, line: u32) -> &'t str {
        let start = self.line_start(text, line) as usize;
        let end = self.line_start(text, line + 1) as usize;
        text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }

    /// Line and column (from 0) of a byte offset, clamped to the text and to a character boundary.
    pub fn line_column(&self, text: &str, offset: u32, encoding: PositionEncoding) -> LineColumn {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line(offset as u32);
        let before = text.get(self.starts[line as usize] as usize..offset).unwrap_or("");
        let column = match encoding {
            PositionEncoding::Utf8 => before.len(),
            PositionEncoding::Utf16 => before.chars().map(char::len_utf16).sum(),
            PositionEncoding::Scalar => before.chars().count(),
        };
        LineColumn { line, column: column as u32 }
    }

    /// Byte offset of a line and column (from 0); a column past the end of the line gives the end of the line.
    pub fn offset(&self, text: &str, at: LineColumn, encoding: PositionEncoding) -> u32 {
        let start = self.line_start(text, at.line);
        let mut left = at.column as usize;
        let mut offset = start as usize;
        for c in self.line_text(text, at.line).chars() {
            let width = match encoding {
                PositionEncoding::Utf8 => c.len_utf8(),
                PositionEncoding::Utf16 => c.len_utf16(),
                PositionEncoding::Scalar => 1,
            };
            if left < width {
                break;
            }
            left -= width;
            offset += c.len_utf8();
        }
        offset as u32
    }
}
