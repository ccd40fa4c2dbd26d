//! Texts that were decoded or joined, with a map back to where they stand.

use std::ops::Range;

use crate::source::Span;

/// A text and where each part of it stands in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The text as a reader sees it.
    pub text: String,
    /// Where parts start in `text`, and the source of each; a part whose source is as long as itself maps byte by byte.
    parts: Vec<(u32, Span)>,
}

/// Stands for what is not known (an interpolation, a variable) between known parts.
pub const HOLE: char = '\u{fffc}';

impl Mapped {
    /// A text that stands in the source as it is.
    pub fn plain(text: &str, start: u32) -> Self {
        let mut mapped = Self::default();
        mapped.push(text, Span::new(start, start + text.len() as u32));
        mapped
    }

    /// Adds a part.
    pub fn push(&mut self, text: &str, source: Span) {
        if text.is_empty() {
            return;
        }
        let at = self.text.len() as u32;
        self.text.push_str(text);
        if let Some((from, last)) = self.parts.last_mut()
            && last.len() == at - *from
            && last.end == source.start
            && source.len() as usize == text.len()
        {
            last.end = source.end;
            return;
        }
        self.parts.push((at, source));
    }

    /// Adds what is not known.
    pub fn push_hole(&mut self, source: Span) {
        if !self.text.ends_with(HOLE) {
            self.push(HOLE.encode_utf8(&mut [0; 4]), source);
        }
    }

    /// Adds another text behind.
    pub fn append(&mut self, other: &Mapped) {
        for (index, (at, source)) in other.parts.iter().enumerate() {
            let end = other.parts.get(index + 1).map_or(other.text.len(), |(next, _)| *next as usize);
            self.push(other.text.get(*at as usize..end).unwrap_or(""), *source);
        }
    }

    /// A part of the text, which begins and ends at characters.
    pub fn part(&self, range: Range<usize>) -> Self {
        let mut out = Self::default();
        let first = self.parts.partition_point(|(from, _)| (*from as usize) <= range.start).saturating_sub(1);
        for (index, (from, source)) in self.parts.iter().enumerate().skip(first) {
            let from = *from as usize;
            if from >= range.end {
                break;
            }
            let end = self.parts.get(index + 1).map_or(self.text.len(), |(next, _)| *next as usize);
            let (start, stop) = (from.max(range.start), end.min(range.end));
            let exact = source.len() as usize == end - from;
            let place = if exact {
                Span::new(source.start + (start - from) as u32, source.start + (stop - from) as u32)
            } else {
                *source
            };
            out.push(self.text.get(start..stop).unwrap_or(""), place);
        }
        out
    }

    /// Where a range of the text stands; from the start of its first character to the end of its last.
    pub fn source(&self, range: Range<usize>) -> Span {
        let find = |at: u32| {
            let index = self.parts.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
            let (from, source) = self.parts[index];
            let end = self.parts.get(index + 1).map_or(self.text.len() as u32, |(next, _)| *next);
            Some((from, source, source.len() == end - from))
        };
        let Some((from, source, exact)) = find(range.start as u32) else { return Span::default() };
        let start = if exact { source.start + (range.start as u32 - from) } else { source.start };
        let last = (range.end.max(range.start + 1) - 1) as u32;
        let end = match find(last) {
            Some((from, source, true)) => source.start + (last - from) + 1,
            Some((_, source, false)) => source.end,
            None => start,
        };
        // Joined constants may stand anywhere: then the first part is shown.
        if end < start { Span::new(start, source.end.max(start)) } else { Span::new(start, end) }
    }

    /// Where the whole text stands.
    pub fn whole(&self) -> Span {
        self.source(0..self.text.len())
    }
}

/// Decodes the escapes of a script or JSON string body that starts at `start`.
pub fn unescape(body: &str, start: u32) -> Mapped {
    let mut mapped = Mapped::default();
    let bytes = body.as_bytes();
    let mut at = 0;
    let place = |from: usize, to: usize| Span::new(start + from as u32, start + to as u32);
    while let Some(step) = body.get(at..).and_then(|rest| memchr::memchr(b'\\', rest.as_bytes())) {
        mapped.push(&body[at..at + step], place(at, at + step));
        let from = at + step;
        let Some(escaped) = body[from + 1..].chars().next() else {
            at = from + 1;
            break;
        };
        let mut to = from + 1 + escaped.len_utf8();
        let hex = |from: usize, to: usize| body.get(from..to).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let decoded = match escaped {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            '0' => Some('\0'),
            '\n' => None,
            '\r' => {
                to += usize::from(bytes.get(to) == Some(&b'\n'));
                None
            }
            '\u{2028}' | '\u{2029}' => None,
            'x' => match hex(to, to + 2) {
                Some(code) => {
                    to += 2;
                    char::from_u32(code)
                }
                None => Some('x'),
            },
            'u' if bytes.get(to) == Some(&b'{') => {
                let close = body[to..].find('}').map_or(body.len(), |close| to + close);
                let code = hex(to + 1, close);
                to = (close + 1).min(body.len());
                code.and_then(char::from_u32).or(Some('\u{fffd}'))
            }
            'u' => match hex(to, to + 4) {
                Some(high @ 0xD800..=0xDBFF) => {
                    to += 4;
                    let low = if body.get(to..to + 2) == Some("\\u") { hex(to + 2, to + 6) } else { None };
                    match low {
                        Some(low @ 0xDC00..=0xDFFF) => {
                            to += 6;
                            char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                        }
                        _ => Some('\u{fffd}'),
                    }
                }
                Some(code) => {
                    to += 4;
                    char::from_u32(code).or(Some('\u{fffd}'))
                }
                None => Some('u'),
            },
            other => Some(other),
        };
        if let Some(c) = decoded {
            mapped.push(c.encode_utf8(&mut [0; 4]), place(from, to));
        }
        at = to;
    }
    if let Some(rest) = body.get(at..) {
        mapped.push(rest, place(at, body.len()));
    }
    mapped
}

/// Maps decoded markup text to its source: entities stand for one or two characters.
pub fn entities(source: &str, decoded: &str, start: u32) -> Mapped {
    let mut mapped = Mapped::default();
    let place = |from: usize, to: usize| Span::new(start + from as u32, start + to as u32);
    if source.len() == decoded.len() {
        mapped.push(decoded, place(0, source.len()));
        return mapped;
    }
    let (mut at, mut out) = (0, 0);
    while out < decoded.len() {
        let (Some(rest), Some(left)) = (source.get(at..), decoded.get(out..)) else { break };
        let plain = rest.bytes().zip(left.bytes()).take_while(|(a, b)| a == b && *a != b'&').count();
        let plain =
            (0..=plain).rev().find(|end| rest.is_char_boundary(*end) && left.is_char_boundary(*end)).unwrap_or(0);
        if plain > 0 {
            mapped.push(&left[..plain], place(at, at + plain));
            at += plain;
            out += plain;
            continue;
        }
        let Some(c) = left.chars().next() else { break };
        let entity = rest.starts_with('&').then(|| rest.get(..40.min(rest.len())).unwrap_or(rest).find(';')).flatten();
        match entity {
            Some(end) if !(c == '&' && rest[1..].starts_with([' ', '\n', '&'])) => {
                // A few entities are two characters: what follows the entity says where its text ends.
                let follow = rest[end + 1..].chars().next();
                let mut width = c.len_utf8();
                if follow.is_some_and(|follow| !left[width..].starts_with(follow))
                    && left[width..].chars().nth(1) == follow
                {
                    width += left[width..].chars().next().map_or(0, char::len_utf8);
                }
                mapped.push(&left[..width], place(at, at + end + 1));
                at += end + 1;
                out += width;
            }
            _ => {
                let width = rest.chars().next().map_or(0, char::len_utf8);
                mapped.push(&left[..c.len_utf8()], place(at, at + width));
                at += width;
                out += c.len_utf8();
            }
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_map_back() {
        let body = r"代\u5f00发\
\x41票\u{1F600}";
        let mapped = unescape(body, 10);
        assert_eq!(mapped.text, "代开发A票😀");
        assert_eq!(mapped.source(0..10), Span::new(10, 28));
        assert_eq!(mapped.source(3..6), Span::new(13, 19));
        assert_eq!(mapped.source(13..17), Span::new(31, 40));
    }

    #[test]
    fn entities_map_back() {
        let mapped = entities("赌&nbsp;博&#x5f69;票 & &amp;", "赌\u{a0}博彩票 & &", 100);
        assert_eq!(mapped.text, "赌\u{a0}博彩票 & &");
        assert_eq!(mapped.source(0..8), Span::new(100, 112));
        assert_eq!(mapped.source(8..11), Span::new(112, 120));
        let end = mapped.text.len();
        assert_eq!(mapped.source(end - 1..end), Span::new(126, 131));
    }
}
