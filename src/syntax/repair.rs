//! Mending scripts that do not parse, so that a typo or a hostile file hides no more than itself.
//!
//! Edits are tried in order of how little they change: a token put in near the place where the parser stops, a bracket where
//! the indentation shows that it is missing, a token left out, what tree-sitter takes for an error, a line, the statement or
//! member around it. Whatever makes the parser read on furthest is kept, and the next stop is mended. What is left out is
//! blanked byte for byte and what is put in is remembered, so that all places stay true.

use std::collections::HashSet;

use super::depth::regex_end;
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

/// A change of the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Edit {
    /// Puts text in before a byte.
    Insert(usize, &'static str),
    /// Blanks a range.
    Blank(usize, usize),
}

/// Stops that are mended in one file.
const MAX_ROUNDS: usize = 24;
/// Bytes that may be parsed while mending one file, and the least number of tries.
const BUDGET: usize = 48 << 20;
const LEAST_TRIES: usize = 40;
/// Nobody writes or generates what nests deeper and does not parse: only whole pieces are left out then.
const DEEP: usize = 600;
/// Bytes for the recovery of tree-sitter, which takes several times as long as a try, are counted so often.
const TREE_COST: usize = 8;

/// Tokens that are put in, the likeliest first.
const NEAR: &[&str] = &[",", ")", "(", "{", "}", "]", "[", ":", "=>", "x", ";", "=", ".", "''", "+", "?"];
/// Keywords that are put in.
const WORDS: &[&str] = &[
    "case ",
    "switch ",
    "if ",
    "for ",
    "function ",
    "class ",
    "catch ",
    "try{}",
    "default ",
    "from ",
    "of ",
    "import ",
    "while ",
    "extends ",
    "do ",
    "new ",
    "const ",
    "()",
    "{}",
    "(x)",
    " in ",
];

/// Several closing brackets that are put in together.
const CLOSERS: &[&str] = &["})", "))", ")}", "}}", "])", "}]", "]})", "}))", "})}", "}})", "})})"];

/// Mends `text`. `probe` says where the parser stops, `None` when it reads everything.
pub(super) fn mend(text: &str, kind: ScriptKind, levels: usize, probe: &dyn Fn(&str) -> Option<u32>) -> Repair {
    let mut mender = Mender { text, probe, tries: 0, spent: 0 };
    if levels > DEEP {
        return last_resort(text, kind, true, &mut mender).unwrap_or_else(|| Repair::give_up(text));
    }
    let mut edits: Vec<Edit> = Vec::new();
    let Some(stop) = probe(text) else { return Repair::default() };
    let mut stop = stop as usize;
    let mut stuck: HashSet<usize> = HashSet::new();
    for _ in 0..MAX_ROUNDS {
        if mender.exhausted() {
            break;
        }
        let candidates = candidates(text, &edits, stop, kind);
        let mut best: Option<(usize, Edit)> = None;
        let mut done = None;
        for group in candidates {
            for edit in group {
                if edits.contains(&edit) || mender.exhausted() {
                    continue;
                }
                let mut next = edits.clone();
                next.push(edit.clone());
                let (repair, reached) = mender.attempt(&next);
                match reached {
                    None => {
                        done = Some((next, repair));
                        break;
                    }
                    Some(reached) => {
                        if reached > stop && best.as_ref().is_none_or(|(furthest, _)| reached > *furthest) {
                            best = Some((reached, edit));
                        }
                    }
                }
            }
            if done.is_some() {
                break;
            }
        }
        if let Some((_, repair)) = done {
            return repair;
        }
        // A little further on is no progress worth a wrong token; take what is left out instead.
        mender.spent += text.len() * TREE_COST;
        let wide = widen(text, &edits, stop, kind, stuck.contains(&stop));
        let mut widest: Option<(usize, Edit)> = None;
        for edit in wide {
            if edits.contains(&edit) {
                continue;
            }
            let mut next = edits.clone();
            next.push(edit.clone());
            let (repair, reached) = mender.attempt(&next);
            match reached {
                None => return repair,
                Some(reached) => {
                    if reached > stop && widest.as_ref().is_none_or(|(furthest, _)| reached > *furthest) {
                        widest = Some((reached, edit));
                    }
                }
            }
        }
        let step = match (best, widest) {
            (Some(near), Some(wide)) => Some(if near.0 >= wide.0 { near } else { wide }),
            (near, wide) => near.or(wide),
        };
        match step {
            Some((reached, edit)) => {
                edits.push(edit);
                stop = reached;
            }
            None => {
                if !stuck.insert(stop) {
                    break;
                }
            }
        }
    }
    last_resort(text, kind, false, &mut mender).unwrap_or_else(|| Repair::give_up(text))
}

struct Mender<'m> {
    text: &'m str,
    probe: &'m dyn Fn(&str) -> Option<u32>,
    tries: usize,
    spent: usize,
}

impl Mender<'_> {
    fn exhausted(&self) -> bool {
        self.spent > BUDGET && self.tries > LEAST_TRIES || self.spent > BUDGET * 8
    }

    /// The mended text and where the parser stops, in places of the text as it was written.
    fn attempt(&mut self, edits: &[Edit]) -> (Repair, Option<usize>) {
        let repair = apply(self.text, edits);
        let mended = repair.text.as_deref().unwrap_or(self.text);
        self.tries += 1;
        self.spent += mended.len();
        let reached = (self.probe)(mended).map(|stop| repair.offset(stop) as usize);
        (repair, reached)
    }
}

/// The text with the edits made.
fn apply(text: &str, edits: &[Edit]) -> Repair {
    if edits.is_empty() {
        return Repair::default();
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut damage = Vec::new();
    let mut inserts: Vec<(usize, &str)> = Vec::new();
    for edit in edits {
        match edit {
            Edit::Insert(at, token) => inserts.push((*at, token)),
            Edit::Blank(start, end) => {
                for byte in &mut bytes[*start..*end] {
                    if !matches!(byte, b'\n' | b'\r') {
                        *byte = b' ';
                    }
                }
                damage.push(Span::new(*start as u32, *end as u32));
            }
        }
    }
    inserts.sort_by_key(|(at, _)| *at);
    damage.sort_unstable();
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let mut inserted = Vec::new();
    let mut from = 0;
    for (at, token) in inserts {
        out.extend_from_slice(&bytes[from..at]);
        inserted.push((out.len() as u32, token.len() as u32));
        out.extend_from_slice(token.as_bytes());
        from = at;
    }
    out.extend_from_slice(&bytes[from..]);
    Repair { text: Some(String::from_utf8_lossy(&out).into_owned()), inserted, damage }
}

/// A token as far as mending needs to know it.
#[derive(Clone, Copy, Debug)]
struct Token {
    start: usize,
    end: usize,
    /// First byte, which tells brackets and words.
    first: u8,
}

/// Splits a text into tokens. Comments are none; strings, templates and regular expressions are one each.
fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let start = at;
        match byte {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |length| at + length + 4);
                continue;
            }
            b'"' | b'\'' => {
                at += 1;
                while at < bytes.len() && bytes[at] != byte && bytes[at] != b'\n' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
            }
            b'`' => at = template_end(bytes, at + 1),
            b'/' if out.last().is_none_or(|token| is_operand_place(bytes, token)) => {
                match regex_end(bytes, at).map(|end| flags_end(bytes, end)) {
                    Some(end) => at = end,
                    None => at += 1,
                }
            }
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80 => {
                at += 1;
                while at < bytes.len()
                    && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'$') || bytes[at] >= 0x80)
                {
                    at += 1;
                }
            }
            b'=' if bytes.get(at + 1) == Some(&b'>') => at += 2,
            b'.' if bytes[at..].starts_with(b"...") => at += 3,
            _ => {
                at += 1;
                while at < bytes.len() && b"=&|+-*<>?".contains(&bytes[at]) && b"=!&|+-*<>?".contains(&byte) {
                    at += 1;
                }
            }
        }
        out.push(Token { start, end: at.min(bytes.len()), first: byte });
    }
    out
}

fn template_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'`' if depth == 0 => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                depth += 1;
                at += 1;
            }
            b'{' if depth > 0 => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn flags_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| !byte.is_ascii_alphabetic()).map_or(bytes.len(), |length| start + length)
}

/// Whether an operand stands after a token, so that `/` opens a regular expression.
fn is_operand_place(bytes: &[u8], token: &Token) -> bool {
    if token.first.is_ascii_alphabetic() {
        return matches!(
            &bytes[token.start..token.end],
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"delete" | b"void" | b"new" | b"else"
        );
    }
    !matches!(token.first, b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'_' | b'$' | b'0'..=b'9' | 0x80..)
}

/// Small edits near a stop, in groups of falling likelihood.
fn candidates(text: &str, edits: &[Edit], stop: usize, _kind: ScriptKind) -> Vec<Vec<Edit>> {
    let tokens = live_tokens(text, edits);
    let next = tokens.partition_point(|token| token.end <= stop);
    let before = next.checked_sub(1).map(|index| tokens[index]);
    let mut places: Vec<usize> = Vec::new();
    let mut place = |at: Option<usize>| {
        if let Some(at) = at
            && !places.contains(&at)
        {
            places.push(at);
        }
    };
    place(before.map(|token| token.end).or(Some(0)));
    place(tokens.get(next).map(|token| token.start).or(Some(text.len())));
    let near_count = 2;
    place(before.map(|token| token.start));
    place(next.checked_sub(2).map(|index| tokens[index].start));
    // The first token of the line, and the bracket around the stop.
    let line = text[..stop.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    place(tokens.get(tokens.partition_point(|token| token.start < line)).map(|token| token.start));
    let around = enclosing(&tokens, next);
    place(around.map(|index| tokens[index].start));
    place(around.and_then(|index| index.checked_sub(1)).map(|index| tokens[index].start));
    place(tokens.get(next).map(|token| token.end));

    let mut groups = Vec::new();
    // Nothing but the end is left: brackets that never closed.
    let at_end = tokens.get(next).is_none();
    let indents = indentation(text, &tokens);
    if !at_end {
        let mut near = Vec::new();
        // A key before a value.
        let word = |token: &Token| &text[token.start..token.end];
        let value = tokens
            .get(next)
            .is_some_and(|token| matches!(word(token), "function" | "async" | "new" | "class" | "typeof"));
        if value
            && before.is_some_and(|token| {
                token.first.is_ascii_alphabetic() || matches!(token.first, b'_' | b'$' | b'"' | b'\'')
            })
        {
            near.extend(places.first().map(|at| Edit::Insert(*at, ":")));
        }
        for at in places.iter().take(near_count.min(1)) {
            near.extend(NEAR.iter().take(6).map(|token| Edit::Insert(*at, token)));
        }
        groups.push(near);
    }
    groups.push(indents);
    let mut near = Vec::new();
    for at in places.iter().take(near_count) {
        near.extend(NEAR.iter().map(|token| Edit::Insert(*at, token)));
    }
    groups.push(near);
    // Without its opening bracket what follows would belong to something else.
    let (openers, others): (Vec<&Token>, Vec<&Token>) =
        tokens.get(next).into_iter().chain(&before).partition(|token| matches!(token.first, b'(' | b'[' | b'{'));
    let blank = |token: &&Token| Edit::Blank(token.start, token.end);
    groups.push(others.iter().map(blank).collect());
    // A bracket that opened on an earlier line and never closed: the lines that belong to it.
    let lead = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        text[start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    };
    let open_line = around
        .map(|index| tokens[index])
        .filter(|open| open.start < line && (open.first != b'{' || lead(open.start) >= lead(line) && lead(line) > 0));
    groups.push(open_line.and_then(|_| blocks(text, edits, stop).into_iter().next()).into_iter().collect());
    let mut far: Vec<Edit> = openers.iter().map(blank).collect();
    for at in places.iter().skip(near_count) {
        far.extend(NEAR.iter().map(|token| Edit::Insert(*at, token)));
    }
    for at in &places {
        far.extend(WORDS.iter().map(|token| Edit::Insert(*at, token)));
    }
    groups.push(far);
    groups
}

/// Tokens that are not blanked.
fn live_tokens(text: &str, edits: &[Edit]) -> Vec<Token> {
    let mut tokens = tokens(text);
    let blanked: Vec<(usize, usize)> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Blank(start, end) => Some((*start, *end)),
            Edit::Insert(..) => None,
        })
        .collect();
    if !blanked.is_empty() {
        tokens.retain(|token| !blanked.iter().any(|(start, end)| *start <= token.start && token.end <= *end));
    }
    tokens
}

/// The innermost bracket that is open before a token.
fn enclosing(tokens: &[Token], index: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens[..index].iter().enumerate().rev() {
        match token.first {
            b')' | b']' | b'}' => depth += 1,
            b'(' | b'[' | b'{' if depth > 0 => depth -= 1,
            b'(' | b'[' | b'{' => return Some(at),
            _ => {}
        }
    }
    None
}

/// Brackets that the indentation shows to be missing: a closing one that stands further left than the line that opens it, or
/// further right.
fn indentation(text: &str, tokens: &[Token]) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut lines: Vec<usize> = vec![0];
    lines.extend(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    let line_of = |at: usize| lines.partition_point(|start| *start <= at) - 1;
    let indent = |line: usize| {
        let start = lines[line];
        bytes[start..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .map(|byte| if *byte == b'\t' { 4 } else { 1 })
            .sum::<usize>()
    };
    let blank = |line: usize| {
        let start = lines[line];
        let end = lines.get(line + 1).copied().unwrap_or(bytes.len());
        bytes[start..end].iter().all(u8::is_ascii_whitespace)
    };
    if lines.len() < 3 {
        return Vec::new();
    }
    let closer = |open: u8| match open {
        b'(' => ")",
        b'[' => "]",
        _ => "}",
    };
    // The end of the last token before a place.
    let end_before = |at: usize| {
        let index = tokens.partition_point(|token| token.end <= at);
        index.checked_sub(1).map_or(0, |index| tokens[index].end)
    };
    let mut edits = Vec::new();
    let mut stack: Vec<(usize, &Token)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.first {
            b'(' | b'[' | b'{' => stack.push((index, token)),
            b')' | b']' | b'}' => {
                let line = line_of(token.start);
                let leads = bytes[lines[line]..token.start]
                    .iter()
                    .all(|byte| matches!(byte, b' ' | b'\t' | b')' | b']' | b'}' | b';' | b','));
                let Some((_, open)) = stack.last().copied() else {
                    // Nothing is open: an opening bracket is missing on an earlier line of this indentation.
                    if leads {
                        edits.extend(missing_opener(
                            token.first,
                            line,
                            indent(line),
                            &lines,
                            &indent,
                            &blank,
                            &end_before,
                        ));
                    }
                    edits.push(Edit::Blank(token.start, token.end));
                    break;
                };
                let open_line = line_of(open.start);
                if leads && open_line != line {
                    let (own, other) = (indent(line), indent(open_line));
                    if own < other {
                        // The opener's block ended before: its closer belongs where the indentation falls back.
                        let mut at = open_line + 1;
                        while at < lines.len() && (blank(at) || indent(at) > other) {
                            at += 1;
                        }
                        let place = end_before(lines.get(at).copied().unwrap_or(bytes.len()).max(open.end));
                        let unclosed: String = stack
                            .iter()
                            .rev()
                            .take_while(|(_, open)| indent(line_of(open.start)) > own)
                            .map(|(_, open)| closer(open.first))
                            .collect();
                        edits.extend(CLOSERS.iter().find(|all| **all == unclosed).map(|all| Edit::Insert(place, all)));
                        edits.push(Edit::Insert(place, closer(open.first)));
                        if place != end_before(token.start) {
                            edits.push(Edit::Insert(end_before(token.start), closer(open.first)));
                        }
                        if edits.len() > 6 {
                            break;
                        }
                        // Read on as if it stood there.
                        stack.pop();
                        while let Some((_, open)) = stack.last() {
                            if indent(line_of(open.start)) > own {
                                stack.pop();
                            } else {
                                break;
                            }
                        }
                        stack.pop();
                        continue;
                    }
                    if own > other {
                        edits.extend(missing_opener(token.first, line, own, &lines, &indent, &blank, &end_before));
                        edits.push(Edit::Blank(token.start, token.end));
                        if edits.len() > 8 {
                            break;
                        }
                        continue;
                    }
                }
                stack.pop();
            }
            _ => {}
        }
    }
    // What never closes: where the indentation falls back, else at the end.
    for (_, open) in stack.iter().rev().take(3) {
        let open_line = line_of(open.start);
        let other = indent(open_line);
        let mut at = open_line + 1;
        while at < lines.len() && (blank(at) || indent(at) > other) {
            at += 1;
        }
        edits.push(Edit::Insert(
            end_before(lines.get(at).copied().unwrap_or(bytes.len()).max(open.end)),
            closer(open.first),
        ));
        edits.push(Edit::Insert(end_before(bytes.len()), closer(open.first)));
        edits.push(Edit::Blank(open.start, open.end));
    }
    edits.truncate(24);
    edits
}

/// Ends of earlier lines of the same indentation, where an opening bracket may be missing.
fn missing_opener(
    closer: u8,
    line: usize,
    own: usize,
    lines: &[usize],
    indent: &dyn Fn(usize) -> usize,
    blank: &dyn Fn(usize) -> bool,
    end_before: &dyn Fn(usize) -> usize,
) -> Vec<Edit> {
    let opener = match closer {
        b')' => "(",
        b']' => "[",
        _ => "{",
    };
    let mut edits = Vec::new();
    let mut at = line;
    while at > 0 && edits.len() < 3 {
        at -= 1;
        if blank(at) {
            continue;
        }
        let found = indent(at);
        if found < own {
            break;
        }
        if found == own {
            edits.push(Edit::Insert(end_before(lines.get(at + 1).copied().unwrap_or(0)), opener));
        }
    }
    edits
}

/// Blocks that the indentation shows around a stop, inner ones first: a line, and those below it that stand further right.
fn blocks(text: &str, edits: &[Edit], stop: usize) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut lines: Vec<usize> = vec![0];
    lines.extend(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    let line_of = |at: usize| lines.partition_point(|start| *start <= at) - 1;
    let end_of = |line: usize| lines.get(line + 1).copied().unwrap_or(bytes.len());
    let lead = |line: usize| bytes[lines[line]..end_of(line)].iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let indent = |line: usize| lead(line).map(|byte| if *byte == b'\t' { 4 } else { 1 }).sum::<usize>();
    let first = |line: usize| bytes[lines[line]..end_of(line)].iter().find(|byte| !byte.is_ascii_whitespace());
    let tokens = live_tokens(text, edits);
    let next = tokens.partition_point(|token| token.end <= stop);
    let opener = enclosing(&tokens, next).map(|index| line_of(tokens[index].start));
    let mut out = Vec::new();
    for start in opener.into_iter().chain([line_of(stop.min(text.len()))]) {
        let mut line = start;
        for _ in 0..4 {
            let own = indent(line);
            if own == 0 {
                break;
            }
            let mut end = line + 1;
            while end < lines.len() && (first(end).is_none() || indent(end) > own) {
                end += 1;
            }
            if end < lines.len() && indent(end) == own && first(end).is_some_and(|byte| b")]}".contains(byte)) {
                end += 1;
            }
            let until = lines.get(end).copied().unwrap_or(bytes.len());
            let edit = Edit::Blank(lines[line], until);
            if until - lines[line] < 20_000 && !out.contains(&edit) {
                out.push(edit);
            }
            match (0..line).rev().find(|above| first(*above).is_some() && indent(*above) < own) {
                Some(above) => line = above,
                None => break,
            }
        }
    }
    out
}

/// What to leave out around a stop: errors that tree-sitter sees, the line, the statement or member.
fn widen(text: &str, edits: &[Edit], stop: usize, kind: ScriptKind, stuck: bool) -> Vec<Edit> {
    let mut out = Vec::new();
    let at = stop.min(text.len());
    let line_start = text[..floor(text, at)].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[line_start..].find('\n').map_or(text.len(), |length| line_start + length);
    if kind == ScriptKind::JavaScript {
        let repair = apply(text, edits);
        let mended = repair.text.as_deref().unwrap_or(text);
        // Its places are those of the text as written only when nothing was put in.
        if repair.inserted.is_empty()
            && let Some(tree) = tree(mended)
        {
            out.extend(error_tokens(&tree, at));
            let mut around = Vec::new();
            let mut node = tree.root_node().descendant_for_byte_range(at.min(mended.len()), at.min(mended.len()));
            let most = if stuck { 6 } else { 3 };
            while let Some(current) = node
                && around.len() < most
            {
                let unit = matches!(
                    current.kind(),
                    "pair"
                        | "method_definition"
                        | "field_definition"
                        | "arguments"
                        | "ERROR"
                        | "array"
                        | "object"
                        | "statement_block"
                ) || current.kind().ends_with("_statement")
                    || current.kind().ends_with("_declaration");
                if unit && current.parent().is_some() && current.end_byte() - current.start_byte() < 20_000 {
                    around.push(Edit::Blank(current.start_byte(), current.end_byte()));
                }
                node = current.parent();
            }
            out.extend(around);
        }
    }
    out.splice(0..0, blocks(text, edits, at));
    if line_end - line_start < 2_000 {
        out.insert(0, Edit::Blank(line_start, line_end));
        if stuck {
            let previous = text[..line_start.saturating_sub(1)].rfind('\n').map_or(0, |at| at + 1);
            out.push(Edit::Blank(previous, line_end));
        }
    }
    out.retain(|edit| match edit {
        Edit::Blank(start, end) => start < end && text.is_char_boundary(*start) && text.is_char_boundary(*end),
        Edit::Insert(..) => true,
    });
    out
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn tree(text: &str) -> Option<tree_sitter::Tree> {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_javascript::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// Tokens that stand loose in an error around or after the stop.
fn error_tokens(tree: &tree_sitter::Tree, stop: usize) -> Vec<Edit> {
    let mut out = Vec::new();
    let mut cursor = tree.walk();
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        if !node.has_error() || node.start_byte() > stop + 400 || node.end_byte() + 400 < stop {
            continue;
        }
        if node.is_error() {
            let small = node.end_byte() - node.start_byte() < 400;
            if small {
                out.push(Edit::Blank(node.start_byte(), node.end_byte()));
            }
            for child in node.children(&mut cursor) {
                if child.child_count() == 0 && out.len() < 12 {
                    out.push(Edit::Blank(child.start_byte(), child.end_byte()));
                }
            }
        }
        for child in node.children(&mut cursor) {
            stack.push(child);
        }
        if out.len() >= 12 {
            break;
        }
    }
    out
}

/// Leaves out whatever tree-sitter cannot place, and then whole top statements, until the rest parses.
fn last_resort(text: &str, kind: ScriptKind, deep: bool, mender: &mut Mender<'_>) -> Option<Repair> {
    let mut edits: Vec<Edit> = Vec::new();
    if kind == ScriptKind::JavaScript
        && !deep
        && let Some(tree) = tree(text)
    {
        let mut cursor = tree.walk();
        let mut stack = vec![tree.root_node()];
        while let Some(node) = stack.pop() {
            if node.is_error() {
                for child in node.children(&mut cursor) {
                    if child.child_count() == 0 {
                        edits.push(Edit::Blank(child.start_byte(), child.end_byte()));
                    } else {
                        stack.push(child);
                    }
                }
            } else if node.has_error() {
                stack.extend(node.children(&mut cursor));
            }
        }
        if !edits.is_empty() {
            let (repair, reached) = mender.attempt(&edits);
            if reached.is_none() {
                return Some(repair);
            }
        }
    }
    // Top-level pieces: a line at the left margin starts one. Keep what parses by itself.
    let pieces = pieces(text);
    let mut edits = Vec::new();
    let mut kept = 0;
    for (start, end) in pieces {
        let piece = &text[start..end];
        if piece.trim().is_empty() {
            continue;
        }
        mender.spent += piece.len();
        if (mender.probe)(piece).is_none() {
            kept += 1;
        } else {
            edits.push(Edit::Blank(start, end));
        }
    }
    if kept == 0 {
        return None;
    }
    let (repair, reached) = mender.attempt(&edits);
    reached.is_none().then_some(repair)
}

/// Ranges between lines that start at the left margin with a word.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for at in memchr::memchr_iter(b'\n', bytes) {
        if bytes.get(at + 1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/') {
            starts.push(at + 1);
        }
    }
    starts.push(bytes.len());
    starts.windows(2).map(|pair| (pair[0], pair[1])).filter(|(start, end)| start < end).collect()
}
