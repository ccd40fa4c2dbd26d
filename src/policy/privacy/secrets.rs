//! Credentials written into texts.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::Regex;
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// A secret in a text.
#[derive(Clone, Debug)]
pub struct SecretHit<'a> {
    /// Id of the pattern.
    pub id: &'a str,
    /// What it is, in Chinese.
    pub zh: &'a str,
    /// What it is, in English.
    pub en: &'a str,
    /// The secret, in bytes.
    pub range: Range<usize>,
    /// Whether the shape alone proves little.
    pub weak: bool,
    /// Whether it is the public half of a pair.
    pub id_of: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Secret {
    id: Arc<str>,
    zh: Arc<str>,
    en: Arc<str>,
    words: Vec<Arc<str>>,
    pattern: String,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    mixed: bool,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    id_of: bool,
    #[serde(default)]
    check: Option<Arc<str>>,
    #[serde(default)]
    key_not: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    placeholder: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    secret: Vec<Secret>,
    words: Words,
}

/// `secrets.toml`.
#[derive(Debug, Default)]
pub struct Table {
    secrets: Vec<Secret>,
    words: Words,
    ready: OnceLock<Ready>,
}

#[derive(Debug)]
struct Ready {
    patterns: Vec<OnceLock<Option<Regex>>>,
    words: crate::text::Words,
    /// Word to pattern.
    owners: Vec<usize>,
}

/// Bytes before a string that are read for its key.
const BEFORE: usize = 80;

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse("security/secrets.toml", errors).unwrap_or_default();
        Self { secrets: file.secret, words: file.words, ready: OnceLock::new() }
    }

    fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| {
            let mut words = Vec::new();
            let mut owners = Vec::new();
            for (index, secret) in self.secrets.iter().enumerate() {
                for word in &secret.words {
                    words.push(&**word);
                    owners.push(index);
                }
            }
            Ready {
                patterns: self.secrets.iter().map(|_| OnceLock::new()).collect(),
                words: crate::text::Words::new(words),
                owners,
            }
        })
    }

    pub(super) fn find(&self, text: &str, quoted: bool) -> Vec<SecretHit<'_>> {
        let mut hits: Vec<(usize, Range<usize>)> = Vec::new();
        let windows = if quoted { windows(text) } else { std::iter::once(0..text.len()).collect() };
        for window in windows {
            self.look(text, window, &mut hits);
        }
        if quoted {
            // Keys over several lines, which are no string without blanks.
            for (at, _) in text.match_indices("PRIVATE KEY-----") {
                let start = floor(text, at.saturating_sub(40));
                let end = ceil(text, (at + 400).min(text.len()));
                self.look(text, start..end, &mut hits);
            }
        }
        hits.sort_by_key(|(index, range)| (range.start, std::cmp::Reverse(range.end), *index));
        hits.dedup_by(|b, a| b.1.start < a.1.end);
        let mut out: Vec<SecretHit<'_>> = hits
            .into_iter()
            .map(|(index, range)| {
                let secret = &self.secrets[index];
                SecretHit {
                    id: &secret.id,
                    zh: &secret.zh,
                    en: &secret.en,
                    range,
                    weak: secret.weak,
                    id_of: secret.id_of,
                }
            })
            .collect();
        // A key id and its secret side by side are one, at the secret.
        let places: Vec<(usize, bool)> = out.iter().map(|hit| (hit.range.start, hit.id_of)).collect();
        out.retain(|hit| !hit.id_of || !places.iter().any(|(at, id_of)| !id_of && at.abs_diff(hit.range.start) < 300));
        // The same value once.
        let mut seen = std::collections::HashSet::new();
        out.retain(|hit| seen.insert(text.get(hit.range.clone()).unwrap_or("").to_owned()));
        out
    }

    pub(super) fn mask_ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        self.look(text, 0..text.len(), &mut hits);
        hits.into_iter()
            .filter_map(|(_, range)| {
                let keep = if range.len() > 12 { 4 } else { 1 };
                (text.is_char_boundary(range.start + keep)).then(|| range.start + keep..range.end)
            })
            .collect()
    }

    fn look(&self, text: &str, window: Range<usize>, hits: &mut Vec<(usize, Range<usize>)>) {
        let ready = self.ready();
        let Some(slice) = text.get(window.clone()) else { return };
        let mut wanted = vec![false; self.secrets.len()];
        let mut any = false;
        ready.words.all(slice, |found| {
            wanted[ready.owners[found.id]] = true;
            any = true;
        });
        if !any {
            return;
        }
        for (index, secret) in self.secrets.iter().enumerate().filter(|(index, _)| wanted[*index]) {
            let Some(pattern) = ready.patterns[index].get_or_init(|| Regex::new(&secret.pattern).ok()) else {
                continue;
            };
            for captures in pattern.captures_iter(slice) {
                let (Some(whole), Some(group)) = (captures.get(0), captures.get(1)) else { continue };
                let range = window.start + group.start()..window.start + group.end();
                if !self.proves(secret, whole.as_str(), group.as_str(), text, &range) {
                    continue;
                }
                // A key in armour is told from its head on.
                let range =
                    if &*secret.id == "pem-private-key" { window.start + whole.start()..range.end } else { range };
                hits.push((index, range));
            }
        }
    }

    /// Whether the value has what a secret has.
    fn proves(&self, secret: &Secret, whole: &str, value: &str, text: &str, range: &Range<usize>) -> bool {
        let lower = value.to_ascii_lowercase();
        let distinct = {
            let mut seen: Vec<char> = value.chars().collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len()
        };
        if self.words.placeholder.iter().any(|word| lower.contains(&**word)) && &*secret.id != "pem-private-key" {
            return false;
        }
        let floor = if value.len() < 12 { 4 } else { 6 };
        if distinct < floor {
            return false;
        }
        if secret.entropy > 0.0 && entropy(value) < secret.entropy {
            return false;
        }
        if secret.mixed
            && !(value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic()))
        {
            return false;
        }
        if let Some(not) = &secret.key_not {
            let from = self::floor(text, range.start.saturating_sub(60));
            let key = text.get(from..range.start).unwrap_or("").to_ascii_lowercase();
            let key = key.rsplit([';', '{', '\n', ',']).next().unwrap_or("");
            if not.split('|').any(|word| key.contains(word) || whole.to_ascii_lowercase().contains(word)) {
                return false;
            }
        }
        // Names of storage keys and events look like values.
        if secret.mixed && value.len() < 40 && is_identifier_like(value) {
            return false;
        }
        match secret.check.as_deref() {
            Some("basic") => basic(value),
            Some("jwt") => jwt(value),
            Some("password") => password(value, whole),
            _ => true,
        }
    }
}

/// Words joined by `_`, `-` or capitals with a digit or two: a name, not a secret.
fn is_identifier_like(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let runs: Vec<&str> = value.split(['_', '-', '.']).collect();
    let wordy = runs.len() > 1 && runs.iter().all(|run| run.bytes().all(|b| b.is_ascii_alphabetic()) || run.len() <= 2);
    wordy || (digits <= 1 && value.bytes().filter(u8::is_ascii_uppercase).count() <= 3)
}

/// Shannon entropy in bits a character.
fn entropy(value: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

fn decode64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bits = 0u32;
    let mut count = 0;
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

fn basic(value: &str) -> bool {
    decode64(value).is_some_and(|bytes| {
        bytes.iter().all(|byte| (32..127).contains(byte))
            && bytes.iter().position(|byte| *byte == b':').is_some_and(|at| at > 0 && at + 1 < bytes.len())
    })
}

fn jwt(value: &str) -> bool {
    let mut parts = value.split('.');
    let header = parts.next().and_then(decode64).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let payload = parts.next().and_then(decode64).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    header.is_some_and(|header| header.contains("\"alg\""))
        && payload.is_some_and(|payload| payload.starts_with('{') && !payload.contains("1234567890"))
}

/// A literal password: not a word of a form, not its own key.
fn password(value: &str, whole: &str) -> bool {
    let key = whole.split([':', '=']).next().unwrap_or("").trim_matches(['"', '\'', ' ']).to_ascii_lowercase();
    let lower = value.to_ascii_lowercase();
    let classes = [
        value.bytes().any(|b| b.is_ascii_lowercase()),
        value.bytes().any(|b| b.is_ascii_uppercase()),
        value.bytes().any(|b| b.is_ascii_digit()),
        value.bytes().any(|b| b.is_ascii_punctuation() && !matches!(b, b'_' | b'-' | b'.' | b'/')),
    ]
    .into_iter()
    .filter(|class| *class)
    .count();
    value.is_ascii()
        && classes >= 3
        && value.len() >= 8
        && value.bytes().any(|b| b.is_ascii_digit())
        && !lower.contains(key.as_str())
        && !["password", "pwd", "passwd", "input", "code", "form", "http", "/", "(", "[", "\\", "^"]
            .iter()
            .any(|word| lower.contains(word))
        && entropy(value) >= 2.5
}

/// Strings in quotes without blanks, with what stands before them.
fn windows(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let Some(step) = memchr::memchr3(b'"', b'\'', b'`', &bytes[at..]) else { break };
        let open = at + step;
        let quote = bytes[open];
        let mut end = open + 1;
        let mut digits = 0usize;
        while end < bytes.len() && end - open < 3600 {
            let byte = bytes[end];
            if byte == quote || byte == b'\n' || (byte == b' ' && end - open > 12) {
                break;
            }
            digits += usize::from(byte.is_ascii_digit());
            end += 1;
        }
        let length = end - open - 1;
        if end < bytes.len() && bytes[end] == quote && length >= 6 && (length >= 16 || digits > 0) {
            let start = floor(text, open.saturating_sub(BEFORE));
            let stop = ceil(text, end + 1);
            match out.last_mut() {
                Some(last) if start < last.end && stop - last.start < 4000 => last.end = stop,
                _ => out.push(start..stop),
            }
        }
        at = open + 1;
    }
    out
}

fn floor(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}
