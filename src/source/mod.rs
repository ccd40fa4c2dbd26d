//! Bytes to text: decoded files, spans, lines and columns.
//!
//! Every other room speaks of places as byte [`Span`]s into the decoded text of a [`SourceFile`].

pub mod blob;
mod decode;
mod line_index;

pub use decode::{Decoded, Encoding, decode};
pub use line_index::{LineColumn, LineIndex, PositionEncoding};

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// A half-open range of byte offsets into the decoded text of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from `start` to `end`; an `end` before `start` gives an empty span.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// An empty span at `offset`.
    pub const fn at(offset: u32) -> Self {
        Self { start: offset, end: offset }
    }

    /// Length in bytes.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether the span covers no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `other` lies wholly inside.
    pub const fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The same span, `by` bytes further on.
    pub const fn shifted(self, by: u32) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }

    /// The text that the span covers; empty when it is out of range or splits a character.
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// The index of a file in its package. Files are ordered by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId(pub u32);

impl FileId {
    /// As an index into [`crate::package::Package::files`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One decoded text file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path relative to the package root, with `/`.
    pub path: Arc<str>,
    /// Decoded text, without a byte-order mark; line ends as they are.
    pub text: Arc<str>,
    /// How the bytes were encoded.
    pub encoding: Encoding,
    /// Size on disk in bytes.
    pub bytes: u64,
    /// The file that ships, when this one is a part of it or stands for what other parts left, and where it begins there.
    pub carved: Option<(Arc<SourceFile>, u32)>,
    lines: OnceLock<LineIndex>,
    hash: OnceLock<[u8; 32]>,
}

impl SourceFile {
    /// Decodes `bytes`.
    pub fn new(path: impl Into<Arc<str>>, bytes: &[u8]) -> Self {
        let decoded = decode(bytes);
        Self {
            path: path.into(),
            text: decoded.text.into(),
            encoding: decoded.encoding,
            bytes: bytes.len() as u64,
            carved: None,
            lines: OnceLock::new(),
            hash: OnceLock::new(),
        }
    }

    /// A file whose text is known.
    pub fn from_text(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self {
            path: path.into(),
            bytes: text.len() as u64,
            text,
            encoding: Encoding::Utf8,
            carved: None,
            lines: OnceLock::new(),
            hash: OnceLock::new(),
        }
    }

    /// A part of a file that ships, as a file of its own: `text` stands in `whole` from `start` on.
    pub fn carve(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>, whole: &Arc<Self>, start: u32) -> Self {
        let mut part = Self::from_text(path, text);
        part.encoding = whole.encoding;
        part.bytes = 0;
        part.carved = Some((whole.clone(), start));
        part
    }

    /// The file that ships and holds this one, and a place of this one in it.
    pub fn shown(&self, span: Span) -> (&Self, Span) {
        match &self.carved {
            Some((whole, start)) => (whole, span.shifted(*start)),
            None => (self, span),
        }
    }

    /// The line index, made at first use.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Line and column (from 1, in Unicode scalar values) of a byte offset.
    pub fn position(&self, offset: u32) -> LineColumn {
        self.lines().line_column(&self.text, offset, PositionEncoding::Scalar).one_based()
    }

    /// BLAKE3 of the decoded text, made at first use.
    pub fn hash(&self) -> &[u8; 32] {
        self.hash.get_or_init(|| *blake3::hash(self.text.as_bytes()).as_bytes())
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder, without a trailing `/`; empty at the root.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The extension without the dot, lower case not applied; empty when there is none.
    pub fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}
