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
    "烫烫烫烫",
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

    fn reads_solution(&self) -> bool {
        false
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
            if file.kind == FileKind::Template {
                hits.extend(never_there(text));
            }
            hits.extend(misread(text));
            hits.extend(misread_as_gbk(text));
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

/// What a value that was never there is shown as.
const NOTHING: [&str; 3] = ["undefined", "NaN", "[object Object]"];

/// Places where a text shows nothing where a value should stand: after a full-width colon or a price sign, before a measure.
fn never_there(text: &str) -> Vec<(usize, usize)> {
    let before = |at: usize| text[..at].trim_end_matches(' ').ends_with(['：', '￥', '¥']);
    let after = |at: usize| {
        text[at..]
            .trim_start_matches(' ')
            .starts_with(['元', '个', '次', '分', '折', '件', '条', '人', '天', '张', '份'])
    };
    NOTHING
        .iter()
        .flat_map(|nothing| text.match_indices(nothing))
        .map(|(at, nothing)| (at, at + nothing.len()))
        .filter(|(start, end)| before(*start) || after(*end) || text[*start..*end].starts_with('['))
        .collect()
}

/// Fewest Chinese characters that read as letters of Western Europe are no accident.
const MISREAD: usize = 2;

/// Runs of letters whose bytes in Windows' Western encoding are Chinese text in UTF-8.
fn misread(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut run: Option<usize> = None;
    let byte = |c: char| match c {
        // The encoding leaves these bytes without a character; they are read as themselves.
        '\u{80}'..='\u{9f}' => Some(c as u8),
        _ => match encoding_rs::WINDOWS_1252.encode(c.encode_utf8(&mut [0; 4])) {
            (bytes, _, false) if !c.is_ascii() => bytes.first().copied(),
            _ => None,
        },
    };
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if byte(c).is_some() {
            run.get_or_insert(at);
            continue;
        }
        let Some(start) = run.take() else { continue };
        let bytes: Vec<u8> = text[start..at].chars().filter_map(byte).collect();
        let chinese = |c: &char| ('\u{4e00}'..='\u{9fff}').contains(c);
        // A space may stand for one byte of the last character.
        // Bytes without a character are often lost on the way.
        let read = String::from_utf8_lossy(&bytes);
        let leads = bytes.iter().filter(|byte| (0xe4..=0xe9).contains(*byte)).count();
        let lost = bytes.len() >= LOST && leads * 4 >= bytes.len();
        if read.chars().filter(chinese).count() >= MISREAD || lost || reads_as_gbk(&text[start..at], &bytes) {
            out.push((start, at));
        }
    }
    out
}

/// Bytes of a run in which every fourth one starts a Chinese character, and the others were lost, that are no accident.
const LOST: usize = 8;

/// Whether letters of Western Europe are bytes of GBK: a run of them that is longer than any word has, two for each character of
/// everyday Chinese.
fn reads_as_gbk(run: &str, bytes: &[u8]) -> bool {
    const SHORTEST: usize = 6;
    let pair = |pair: &[u8]| matches!(pair, [0xb0..=0xd7, 0xa1..=0xfe]);
    bytes.len() >= SHORTEST
        && bytes.len().is_multiple_of(2)
        && run.chars().all(|c| ('\u{a1}'..='\u{ff}').contains(&c))
        && bytes.chunks(2).all(pair)
}

/// Bytes of the shortest run that can hold more than [`MISREAD`] misread characters: two of GBK for each, three here.
const SHORTEST: usize = (MISREAD + 1) * 3 / 2 * 3;

/// Runs of Chinese characters whose bytes in GBK are, for the most part, other Chinese characters in UTF-8.
fn misread_as_gbk(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut run: Option<usize> = None;
    let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c) || ('\u{e000}'..='\u{f8ff}').contains(&c);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if chinese(c) {
            run.get_or_insert(at);
            continue;
        }
        let Some(start) = run.take() else { continue };
        if at - start < SHORTEST {
            continue;
        }
        let (bytes, _, lost) = encoding_rs::GBK.encode(&text[start..at]);
        if lost {
            continue;
        }
        let (mut read, mut from) = (0, 0);
        while let Some(three) = bytes.get(from..from + 3) {
            let found = matches!(three, [0xe4..=0xe9, 0x80..=0xbf, 0x80..=0xbf]);
            read += usize::from(found);
            from += if found { 3 } else { 1 };
        }
        // Two bytes of four would be an accident; here they are nearly all of them.
        if read > MISREAD && read * 4 >= bytes.len() {
            out.push((start, at));
        }
    }
    out
}

/// Whether the line up to here is a comment or a character class, where such characters are data.
fn in_pattern(before: &str) -> bool {
    let before = before.trim_start();
    before.starts_with("//") || before.starts_with('*') || before.contains("\\u") || before.contains("[^")
}
