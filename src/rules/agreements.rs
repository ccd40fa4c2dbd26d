//! Texts of agreements, policies and house rules: they name what they forbid, and offer nothing. An offer between their lines is
//! none of them.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Context;
use crate::flow::Place;
use crate::source::{FileId, Span};

/// Where agreements stand, found once for all rules.
#[derive(Debug, Default)]
pub struct Agreements(OnceLock<HashMap<FileId, Vec<Span>>>);

/// Texts before and behind one in which the words of an agreement are looked for.
const AROUND: usize = 8;
/// Distinct words that make an agreement.
const WORDS: u32 = 5;

impl Agreements {
    /// Whether a text stands among the clauses of an agreement.
    pub fn hold(&self, cx: &Context<'_>, place: Place) -> bool {
        let found = self.0.get_or_init(|| agreements(cx));
        found.get(&place.file).is_some_and(|spans| spans.iter().any(|span| span.contains(place.span)))
    }
}

/// Whether a text begins with the number of a clause, or ends as an item of a list does.
fn is_item(text: &str) -> bool {
    let text = text.trim();
    let number = text.trim_start_matches(['(', '（', '【', '第']);
    let rest = number.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "一二三四五六七八九十".contains(c));
    let numbered = rest.len() < number.len() && rest.starts_with([')', '）', '、', '.', '．', '】', '条', '款']);
    numbered || text.ends_with(['；', ';'])
}

fn agreements(cx: &Context<'_>) -> HashMap<FileId, Vec<Span>> {
    let words = cx.matcher().list_words("agreement-words");
    let index = cx.program.texts(cx.package);
    let mut out: HashMap<FileId, Vec<Span>> = HashMap::new();
    let mut at = 0;
    while at < index.runs.len() {
        let file = index.runs[at].file;
        let runs = index.of_file(file);
        at += runs.len().max(1);
        let held = |text: &str| {
            let bits = words.iter().take(64).enumerate().filter(|(_, word)| text.contains(**word));
            bits.fold(0u64, |bits, (bit, _)| bits | 1 << bit)
        };
        let bits: Vec<u64> =
            runs.iter().map(|run| if run.role.is_judged() { held(&run.text.text) } else { 0 }).collect();
        for (number, run) in runs.iter().enumerate() {
            let from = number.saturating_sub(AROUND);
            let to = (number + AROUND + 1).min(runs.len());
            let all = bits[from..to].iter().fold(0, |all, bits| all | bits);
            // What stands between clauses is one by its own words, or by a number in a list.
            let listed = |neighbour: usize| {
                runs.get(neighbour)
                    .is_some_and(|run| is_item(&run.text.text) || run.text.text.trim().ends_with(['：', ':']))
            };
            let clause = bits[number] != 0
                || is_item(&run.text.text) && (number > 0 && listed(number - 1) || listed(number + 1));
            if clause && all.count_ones() >= WORDS {
                out.entry(file).or_default().push(run.span);
            }
        }
    }
    out
}
