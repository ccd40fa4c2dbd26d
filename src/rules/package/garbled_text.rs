//! `package/garbled-text`: text that was read in the wrong encoding.

use crate::flow::Place;
use crate::package::FileKind;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

use super::is_own;

/// Looks for replacement characters and for the traces of UTF-8 read as GBK or Latin-1.
pub struct GarbledText;

/// What bytes of Chinese text turn into.
const TRACES: [&str; 16] = [
    "\u{fffd}",
    "锟斤拷",
    "烫烫烫",
    "屯屯屯",
    "鐨勬",
    "涓€",
    "鍦ㄧ",
    "璇疯",
    "浣犲ソ",
    "鎴戠殑",
    "銆傘",
    "锛岃",
    "ä½ å",
    "ä¸å",
    "æ\u{88}\u{91}",
    "å\u{8f}\u{96}",
];

/// How far apart two traces stand that are one run of garbled text.
const RUN: usize = 64;

impl Rule for GarbledText {
    fn id(&self) -> &'static str {
        "package/garbled-text"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            let shown =
                matches!(file.kind, FileKind::Template | FileKind::Script | FileKind::Json | FileKind::ViewScript);
            if !shown || !is_own(cx, id) || !cx.program.live_files.contains(&id) && file.kind != FileKind::Json {
                continue;
            }
            let text = &*file.source.text;
            if text.is_ascii() {
                continue;
            }
            let mut hits: Vec<(usize, usize)> = TRACES
                .iter()
                .flat_map(|trace| text.match_indices(trace).map(|(at, found)| (at, at + found.len())))
                .collect();
            hits.sort_unstable();
            let mut runs: Vec<(usize, usize)> = Vec::new();
            for (start, end) in hits {
                match runs.last_mut() {
                    Some(last)
                        if start.saturating_sub(last.1) <= RUN && !text[last.1.min(start)..start].contains('\n') =>
                    {
                        last.1 = last.1.max(end);
                    }
                    _ => runs.push((start, end)),
                }
            }
            for (start, end) in runs {
                let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
                if in_pattern(&text[line_start..start]) {
                    continue;
                }
                let place = Place { file: id, span: Span::new(start as u32, end as u32) };
                let found: String = text[start..end].chars().take(20).collect();
                out.push(
                    Finding::new("package/garbled-text", place).confidence(Confidence::Medium).text("text", found),
                );
            }
        }
    }
}

/// Whether the line up to here is a comment or a character class, where such characters are data.
fn in_pattern(before: &str) -> bool {
    let before = before.trim_start();
    before.starts_with("//") || before.starts_with('*') || before.contains("\\u") || before.contains("[^")
}
