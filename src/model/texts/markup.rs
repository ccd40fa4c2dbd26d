//! Markup in strings, which rich texts show: character references decoded, tags taken out.

use crate::syntax::entities as references;
use crate::text::Mapped;

/// A text with the character references of markup in it decoded, as a rich text shows them.
pub(super) fn with_references(text: Mapped) -> Mapped {
    let coded = text.text.find("&#").or_else(|| text.text.find('&').filter(|_| text.text.contains(';')));
    if coded.is_none() {
        return text;
    }
    let mut out = Mapped::default();
    let mut at = 0;
    let bytes = text.text.len();
    while at < bytes {
        let rest = &text.text[at..];
        let plain = if rest.starts_with('&') { 0 } else { rest.find('&').unwrap_or(rest.len()) };
        if plain > 0 {
            out.append(&text.part(at..at + plain));
            at += plain;
            continue;
        }
        match references::reference(rest) {
            Some((length, decoded)) => {
                out.push(&decoded, text.source(at..at + length));
                at += length;
            }
            None => {
                out.append(&text.part(at..at + 1));
                at += 1;
            }
        }
    }
    out
}

/// Elements of markup that stand in a line with the text around them.
const INLINE: [&str; 16] =
    ["a", "abbr", "b", "big", "em", "font", "i", "label", "mark", "s", "small", "span", "strong", "sub", "sup", "u"];
/// Longest tag, in bytes.
const LONGEST: usize = 600;

/// The text that markup shows: what stands in one line reads on, and blocks divide lines.
pub(super) fn without_tags(text: Mapped) -> Mapped {
    let marked =
        |text: &str| text.contains("</") || text.contains("/>") || text.contains("<br") || text.contains("<img");
    if !marked(&text.text) {
        return text;
    }
    let mut out = Mapped::default();
    let mut at = 0;
    while let Some(open) = text.text.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + open;
        out.append(&text.part(at..open));
        let rest = &text.text[open + 1..];
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        let close = rest.find('>').filter(|close| *close < LONGEST && !rest[..*close].contains('<'));
        match close.filter(|_| name.starts_with(|c: char| c.is_ascii_alphabetic())) {
            Some(close) => {
                at = open + close + 2;
                if !INLINE.contains(&name.to_ascii_lowercase().as_str()) {
                    out.push("\n", text.source(open..at));
                }
            }
            None => {
                out.append(&text.part(open..open + 1));
                at = open + 1;
            }
        }
    }
    out.append(&text.part(at..text.text.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_divide_blocks_and_leave_lines_whole() {
        let shown = |text: &str| without_tags(Mapped::plain(text, 10)).text;
        assert_eq!(shown("<p>甲<b class=\"x\">乙</b>丙</p><p>丁"), "\n甲乙丙\n\n丁");
        assert_eq!(shown("甲<br/>乙"), "甲\n乙");
        assert_eq!(shown("1 < 2 且 3 > 2</b>"), "1 < 2 且 3 > 2");
        assert_eq!(shown("甲 < 乙"), "甲 < 乙");
        let mapped = without_tags(Mapped::plain("<b>甲</b>乙", 10));
        assert_eq!(mapped.source(0..6), crate::source::Span::new(13, 23));
    }
}
