//! `security/weakened-device`

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::flow::Place;
use crate::package::{FileKind, Origin};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

/// Users are told to root, jailbreak or lower protection.
pub struct WeakenedDevice;

const ID: &str = "security/weakened-device";

impl Rule for WeakenedDevice {
    fn id(&self) -> &'static str {
        ID
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let words = &cx.policy.privacy.security().device;
        let wanted = words.tells.iter().flat_map(|word| [Some(word.to_string()), squeezed(word)]).flatten();
        // Made for this call alone: the kind that is made soonest.
        let kind = Some(AhoCorasickKind::NoncontiguousNFA);
        let Ok(tells) = AhoCorasick::builder().kind(kind).prefilter(false).build(wanted) else { return };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.origin != Origin::Own
                || matches!(file.kind, FileKind::Style | FileKind::Foreign)
                || file.source.text.is_ascii()
            {
                continue;
            }
            // Lower case of ASCII keeps offsets.
            let text = file.source.text.to_ascii_lowercase();
            let comments: &[Span] = cx.program.script(id).map_or(&[], |script| &script.comments);
            let mut last: Option<Span> = None;
            let mut hits: Vec<(usize, usize)> =
                tells.find_overlapping_iter(&text).map(|found| (found.start(), found.end())).collect();
            hits.sort_unstable();
            for (start, end) in hits {
                let span = Span::new(start as u32, end as u32);
                if comments.iter().any(|comment| comment.contains(span)) || in_markup_comment(&text, start, file.kind) {
                    continue;
                }
                let sentence_start =
                    text[..start].rfind(['。', '！', '；', '\n', '"', '\'', '>', '`']).map_or(0, |at| at + 1);
                let before = text.get(sentence_start..start).or_else(|| text.get(..start)).unwrap_or("");
                let before: String = before.chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect();
                let after: String = text[end..]
                    .chars()
                    .take(12)
                    .take_while(|c| !matches!(c, '。' | '\n' | '"' | '\'' | '<' | '`'))
                    .collect();
                let held = words.not_before.iter().any(|word| before.ends_with(&**word))
                    || words.not.iter().any(|word| before.contains(&**word))
                    || words.not_after.iter().any(|word| after.contains(&**word));
                // One finding a text run.
                let same = last.is_some_and(|last| {
                    start < last.end as usize
                        || text
                            .get(last.end as usize..start)
                            .is_some_and(|between| !between.contains(['\n', '<', '"', '\'', '`']))
                });
                if held || same {
                    continue;
                }
                last = Some(span);
                out.push(Finding::new(ID, Place { file: id, span }).text("text", span.slice(&file.source.text)));
            }
        }
    }
}

/// The same words with a blank between Latin and Chinese (`先 root`).
fn squeezed(word: &str) -> Option<String> {
    let mut out = String::new();
    let mut before: Option<char> = None;
    for c in word.chars() {
        if before.is_some_and(|before| before.is_ascii() != c.is_ascii()) {
            out.push(' ');
        }
        out.push(c);
        before = Some(c);
    }
    (out != word).then_some(out)
}

fn in_markup_comment(text: &str, at: usize, kind: FileKind) -> bool {
    kind == FileKind::Template && text[..at].rfind("<!--").is_some_and(|open| !text[open..at].contains("-->"))
}
