//! Mending scripts that do not parse, so that a typo or a hostile file hides no more than itself.

use super::script::ScriptKind;
use crate::source::Span;

/// How a text was mended.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    /// The mended text; `None` when nothing was changed.
    pub text: Option<String>,
    /// Bytes put in: place in the mended text and length, by place.
    pub inserted: Vec<(u32, u32)>,
    /// Ranges of the text as it was written that were left out.
    pub damage: Vec<Span>,
}

impl Repair {
    /// Leaves everything out.
    pub fn give_up(text: &str) -> Self {
        Self { text: Some(String::new()), inserted: Vec::new(), damage: vec![Span::new(0, text.len() as u32)] }
    }

    /// A place of the mended text in the text as it was written.
    pub fn offset(&self, offset: u32) -> u32 {
        let mut shift = 0;
        for &(at, length) in &self.inserted {
            if at >= offset {
                break;
            }
            shift += length.min(offset - at);
        }
        offset - shift
    }

    /// A span of the mended text in the text as it was written.
    pub fn span(&self, span: Span) -> Span {
        if self.inserted.is_empty() { span } else { Span::new(self.offset(span.start), self.offset(span.end)) }
    }
}

/// Mends `text`. `probe` says where the parser stops, `None` when it reads everything.
pub(super) fn mend(text: &str, _kind: ScriptKind, _probe: &dyn Fn(&str) -> Option<u32>) -> Repair {
    Repair::give_up(text)
}
