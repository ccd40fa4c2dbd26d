//! Personal information written into texts.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::Regex;
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// Personal information in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralHit {
    /// Kind of the taxonomy.
    pub kind: Arc<str>,
    /// Where, in bytes.
    pub range: Range<usize>,
    /// Whether a person's name stands with it.
    pub named: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Literal {
    #[serde(rename = "id")]
    _id: Arc<str>,
    kind: Arc<str>,
    pattern: String,
    #[serde(default)]
    check: Option<Arc<str>>,
    #[serde(default)]
    person: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Words {
    samples: Vec<Arc<str>>,
    business: Vec<Arc<str>>,
    name_keys: Vec<Arc<str>>,
    user_data: Vec<Arc<str>>,
    surnames: String,
    offices: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    literal: Vec<Literal>,
    words: Words,
}

/// `literals.toml`.
#[derive(Debug, Default)]
pub struct Table {
    literals: Vec<Literal>,
    words: Words,
    patterns: Vec<OnceLock<Option<Regex>>>,
}

/// Digits of a mobile number.
const MOBILE: usize = 11;

/// How many numbers of a file that differ in their last two digits alone are a row.
const SERIES: usize = 3;

/// Bytes on either side of a number that are read for names and businesses.
const AROUND: usize = 120;

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse("privacy/literals.toml", errors).unwrap_or_default();
        let patterns = file.literal.iter().map(|_| OnceLock::new()).collect();
        Self { literals: file.literal, words: file.words, patterns }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &Arc<str>> {
        self.literals.iter().map(|literal| &literal.kind)
    }

    pub(super) fn find(&self, path: &str, text: &str) -> Vec<LiteralHit> {
        let mut out = Vec::new();
        self.scan(text, |literal, range| {
            let value = &text[range.clone()];
            let digits: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            if self.words.samples.iter().any(|sample| sample.eq_ignore_ascii_case(&digits)) {
                return;
            }
            let around = around(text, &range);
            let named = self.named(around, value);
            // Digits in order are nobody's, unless a name stands with them.
            if literal.check.as_deref() == Some("mobile") && (round(&digits) || !named && !varied(&digits)) {
                return;
            }
            if literal.person {
                let lower = around.to_lowercase();
                let close = close(text, &range).to_lowercase();
                if self.words.business.iter().any(|word| close.contains(&**word))
                    || (!named && self.words.business.iter().any(|word| lower.contains(&**word)))
                {
                    return;
                }
                let lower_path = path.to_lowercase();
                let user_data = self
                    .words
                    .user_data
                    .iter()
                    .any(|word| lower_path.rsplit('/').next().is_some_and(|file| file.contains(&**word)));
                if !(named
                    || user_data && (path.ends_with(".json") || close.contains("phone") || close.contains("mobile")))
                {
                    return;
                }
            }
            out.push(LiteralHit { kind: literal.kind.clone(), range, named });
        });
        out.sort_by_key(|hit| (hit.range.start, hit.range.end));
        out.dedup_by(|b, a| b.range.start < a.range.end);
        // Numbers that are counted up were made for a sample.
        let digits = |hit: &LiteralHit| -> String {
            text[hit.range.clone()].chars().filter(char::is_ascii_digit).collect::<String>()
        };
        let row = |of: &LiteralHit| {
            let own = digits(of);
            let Some(head) = own.get(..own.len().saturating_sub(2)).filter(|_| own.len() == MOBILE) else {
                return false;
            };
            let alike: BTreeSet<String> =
                out.iter().filter(|hit| hit.kind == of.kind).map(&digits).filter(|one| one.starts_with(head)).collect();
            alike.len() >= SERIES
        };
        let sample: Vec<bool> = out.iter().map(row).collect();
        let mut sample = sample.into_iter();
        out.retain(|_| !sample.next().unwrap_or_default());
        out
    }

    pub(super) fn mask_ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        self.scan(text, |literal, range| {
            // The head stays, so that the reader knows which it is.
            let keep = if matches!(&*literal.kind, "open-id" | "passport") { 2 } else { 3 };
            let tail = if &*literal.kind == "id-number" { 1 } else { 2 };
            if range.len() > keep + tail
                && text.is_char_boundary(range.start + keep)
                && text.is_char_boundary(range.end - tail)
            {
                out.push(range.start + keep..range.end - tail);
            }
        });
        out
    }

    /// Calls `found` for every valid literal.
    fn scan(&self, text: &str, mut found: impl FnMut(&Literal, Range<usize>)) {
        let windows = number_windows(text);
        let labelled = [
            "护照",
            "assport",
            "通行证",
            "回乡证",
            "台胞证",
            "penid",
            "penId",
            "pen_id",
            "PENID",
            "车架号",
            "车辆识别代号",
            "车牌",
        ]
        .iter()
        .any(|word| text.contains(word));
        if windows.is_empty() && !labelled {
            return;
        }
        let everything = 0..text.len();
        for (literal, pattern) in self.literals.iter().zip(&self.patterns) {
            let numeric = matches!(literal.check.as_deref(), Some("idcard" | "luhn" | "mobile"));
            let whole = std::slice::from_ref(&everything);
            let ranges: &[Range<usize>] = match (numeric, labelled) {
                (true, _) => &windows,
                (false, true) => whole,
                (false, false) => continue,
            };
            if ranges.is_empty() {
                continue;
            }
            let Some(pattern) = pattern.get_or_init(|| Regex::new(&literal.pattern).ok()) else { continue };
            let mut last = 0;
            for window in ranges {
                let Some(slice) = text.get(window.clone()) else { continue };
                for captures in pattern.captures_iter(slice) {
                    let Some(group) = captures.get(1) else { continue };
                    let range = window.start + group.start()..window.start + group.end();
                    if range.start < last || !valid(literal.check.as_deref(), group.as_str(), text, &range) {
                        continue;
                    }
                    last = range.end;
                    found(literal, range);
                }
            }
        }
    }

    /// Whether a person's name stands near by.
    fn named(&self, around: &str, value: &str) -> bool {
        let number = around.find(value).unwrap_or(usize::MAX);
        let around = around.replacen(value, " ", 1);
        // `"name": "张三"`, `姓名：李四`, `['王五', '1391234…']`
        for (at, _) in around.char_indices().filter(|(_, c)| self.words.surnames.contains(*c)) {
            let rest = &around[at..];
            let name: String = rest.chars().take_while(|c| is_han(*c)).collect();
            let length = name.chars().count();
            if !(2..=4).contains(&length)
                || (length == 4 && !name.starts_with(['欧', '司', '诸', '上', '东', '皇', '尉', '公']))
            {
                continue;
            }
            let before = around[..at].chars().next_back();
            if before.is_some_and(is_han) {
                continue;
            }
            let quoted = matches!(
                before,
                Some('"' | '\'' | '`' | '>' | ':' | '：' | ',' | '，' | ' ' | '(' | '（' | '[') | None
            );
            let titled = name.ends_with("先生") || name.ends_with("女士") || name.ends_with("老师");
            let keyed = {
                let head = around[..at].to_lowercase();
                let tail: String = head.chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect();
                self.words.name_keys.iter().any(|key| tail.contains(&**key))
            };
            // `张建国 15912345678`: three characters that no place or office ends with, and nothing else before the number.
            let whole = length >= 3 && !name.ends_with(|c| self.words.offices.contains(c));
            let end = at + name.len();
            let beside = whole
                && number.checked_sub(end).is_some_and(|gap| gap <= 6)
                && around[end..number].chars().all(|c| matches!(c, ' ' | ':' | '：' | ',' | '，' | '、' | '-' | '　'));
            if quoted && (keyed || titled || beside) {
                return true;
            }
        }
        false
    }
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn clip(text: &str, mut start: usize, mut end: usize) -> &str {
    while start > 0 && !text.is_char_boundary(start) {
        start -= 1;
    }
    while end < text.len() && !text.is_char_boundary(end) {
        end += 1;
    }
    text.get(start..end.min(text.len())).unwrap_or("")
}

fn around<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    clip(text, range.start.saturating_sub(AROUND), (range.end + AROUND).min(text.len()))
}

/// The key or words right before a number.
fn close<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    let before = clip(text, range.start.saturating_sub(40), range.start);
    before.rsplit(['\n', ';', '{', '}', ',']).next().unwrap_or(before)
}

/// Ranges around runs of eleven or more digits (single blanks or dashes between groups allowed), merged.
fn number_windows(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let mut digits = 0;
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                digits += 1;
                at += 1;
            } else if matches!(bytes[at], b' ' | b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                at += 1;
            } else {
                break;
            }
        }
        if digits >= 11 {
            let mut from = start.saturating_sub(5);
            while from > 0 && !text.is_char_boundary(from) {
                from -= 1;
            }
            let mut to = (at + 2).min(text.len());
            while to < text.len() && !text.is_char_boundary(to) {
                to += 1;
            }
            match out.last_mut() {
                Some(last) if last.end >= from => last.end = to,
                _ => out.push(from..to),
            }
        }
    }
    out
}

fn valid(check: Option<&str>, value: &str, text: &str, range: &Range<usize>) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    match check {
        Some("idcard") => id_card(&digits),
        Some("luhn") => luhn(&digits) && (13..=19).contains(&digits.len()) && varied(&digits),
        Some("mobile") => {
            let number = digits.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(&digits);
            mobile(number)
        }
        Some("openid") => value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_uppercase()),
        Some("plate") => {
            let before = clip(text, range.start.saturating_sub(40), range.start);
            (before.contains("车牌")
                || before.to_lowercase().contains("plate")
                || before.to_lowercase().contains("carno"))
                && !value.contains("88888")
                && !value.contains("12345")
        }
        _ => true,
    }
}

/// GB 11643: region, date and check digit.
fn id_card(id: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    const REGIONS: &[u32] = &[
        11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62,
        63, 64, 65, 71, 81, 82,
    ];
    let bytes = id.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |range: Range<usize>| id.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    if !REGIONS.contains(&number(0..2)) {
        return false;
    }
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    if !(1900..=2030).contains(&year) || day == 0 || day > days {
        return false;
    }
    let sum: u32 = bytes[..17].iter().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    CHECKS[(sum % 11) as usize] == bytes[17].to_ascii_uppercase()
}

fn luhn(number: &str) -> bool {
    let mut sum = 0;
    for (index, byte) in number.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0');
        sum += match (index % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        };
    }
    sum % 10 == 0
}

fn mobile(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.len() == 11
        && bytes.iter().all(u8::is_ascii_digit)
        && bytes[0] == b'1'
        && match bytes[1] {
            b'3' | b'8' => true,
            b'4' => bytes[2] >= b'5',
            b'5' => bytes[2] != b'4',
            b'6' => matches!(bytes[2], b'2' | b'5' | b'6' | b'7'),
            b'7' => bytes[2] != b'9',
            b'9' => bytes[2] != b'4',
            _ => false,
        }
}

/// A number of blocks of the same digits, which stands for any (`13800001111`).
fn round(number: &str) -> bool {
    let own = &number.as_bytes()[number.len().saturating_sub(8)..];
    own.iter().collect::<BTreeSet<_>>().len() <= 2
}

/// Not a number that somebody typed to have one: few digits, or digits in order.
fn varied(number: &str) -> bool {
    let bytes = number.as_bytes();
    let mut seen = [false; 256];
    for byte in bytes {
        seen[usize::from(*byte)] = true;
    }
    let kinds = seen.iter().filter(|seen| **seen).count();
    let in_order = bytes.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
    kinds >= 4 && in_order + 4 < bytes.len()
}
