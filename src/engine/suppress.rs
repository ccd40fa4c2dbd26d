//! Suppressions: `minivet-ignore-next-line RULE -- reason` and `minivet-ignore-file RULE -- reason` in comments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::flow::Place;
use crate::model::Program;
use crate::package::{FileKind, Package, PackageFile};
use crate::policy::Policy;
use crate::rules::Finding;
use crate::source::{FileId, Span};
use crate::syntax::template::NodeKind;

const MARK: &str = "minivet-ignore-";
/// Unknown rules for which the nearest known one is looked up.
const MAX_NEAR: usize = 100;

/// One rule named by one suppression.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The rule's id as written, and where.
    pub rule: (String, Place),
    /// The mark with all that follows it.
    pub place: Place,
    /// The line (from 0) whose findings it hides; `None` for the whole file.
    pub line: Option<u32>,
    /// Why; empty when none was given.
    pub reason: Arc<str>,
}

/// Indices of a file's suppressions, by rule and line.
type ByRule = HashMap<(String, Option<u32>), Vec<usize>>;

/// All suppressions of a package.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    all: Vec<Suppression>,
    /// By file, then by rule and line (`None` for the whole file).
    by_place: BTreeMap<FileId, ByRule>,
}

impl Suppressions {
    /// Reads the comments of every file.
    pub fn collect(package: &Package, program: &Program) -> Self {
        let finder = memchr::memmem::Finder::new(MARK);
        let mut out = Self::default();
        for (index, file) in package.files.iter().enumerate() {
            let text = file.source.text.as_bytes();
            if finder.find(text).is_none() {
                continue;
            }
            let id = FileId(index as u32);
            let mut comments = comments(id, file, program);
            comments.sort_unstable_by_key(|comment| (comment.start, comment.end));
            let mut found: Vec<Suppression> = Vec::new();
            for at in finder.find_iter(text) {
                let at = at as u32;
                // Comments do not overlap: the last that begins before the mark is the one, if any is.
                let before = comments.partition_point(|comment| comment.start <= at);
                let Some(comment) = comments[..before].last().filter(|comment| at < comment.end) else { continue };
                parse(id, file, *comment, at, &mut found);
            }
            // A run of suppressions on lines of their own speaks of the line below the run.
            let lines: BTreeSet<u32> = found.iter().filter_map(|one| one.line).collect();
            let mut below: HashMap<u32, u32> = HashMap::new();
            for line in lines.into_iter().rev() {
                let end = below.get(&(line + 1)).copied().unwrap_or(line + 1);
                below.insert(line, end);
            }
            for mut one in found {
                one.line = one.line.and_then(|line| below.get(&line).copied());
                let key = (one.rule.0.clone(), one.line);
                out.by_place.entry(id).or_default().entry(key).or_default().push(out.all.len());
                out.all.push(one);
            }
        }
        out
    }

    /// Number of rules named by suppressions.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The suppression that hides a finding, and marks it as used.
    pub fn hides(&self, finding: &Finding, package: &Package, used: &mut BTreeSet<usize>) -> Option<&Suppression> {
        let here = self.by_place.get(&finding.place.file)?;
        let source = package.source(finding.place.file);
        let line = source.lines().line(finding.place.span.start);
        let rule = finding.rule.to_owned();
        let lists = [here.get(&(rule.clone(), None)), here.get(&(rule, Some(line)))];
        for list in lists.into_iter().flatten() {
            // They are used together.
            if list.first().is_some_and(|first| !used.contains(first)) {
                used.extend(list);
            }
        }
        lists.into_iter().flatten().filter_map(|list| list.first()).min().map(|index| &self.all[*index])
    }

    /// The findings about the suppressions themselves. `ran` tells whether a rule's findings were asked for.
    pub fn findings(&self, used: &BTreeSet<usize>, policy: &Policy, ran: &dyn Fn(&str) -> bool) -> Vec<Finding> {
        let mut out: Vec<Finding> = Vec::new();
        let mut told: BTreeSet<Place> = BTreeSet::new();
        let mut unknown = 0;
        for (index, one) in self.all.iter().enumerate() {
            let (rule, place) = &one.rule;
            if !policy.catalogue.has(rule) {
                unknown += 1;
                let near = if unknown <= MAX_NEAR { super::config::nearest_rule(rule, policy) } else { None };
                let finding = Finding::new("suppression/unknown-rule", *place).text("rule", rule.clone());
                out.push(match near {
                    Some(near) => finding.variant("near").text("near", near),
                    None => finding,
                });
            } else if !used.contains(&index) && !rule.starts_with("suppression/") && ran(rule) {
                out.push(Finding::new("suppression/unused", one.place).text("rule", rule.clone()));
            }
            if one.reason.is_empty() && told.insert(one.place) {
                out.push(Finding::new("suppression/missing-reason", one.place).text("rule", rule.clone()));
            }
        }
        out
    }
}

/// Reads what stands after a mark, up to the end of the comment's line.
fn parse(file: FileId, source: &PackageFile, comment: Span, at: u32, out: &mut Vec<Suppression>) {
    let text = &source.source.text;
    let rest = &text[at as usize..comment.end as usize];
    let rest = rest.split(['\n', '\r']).next().unwrap_or(rest);
    let rest = rest.trim_end().trim_end_matches("*/").trim_end_matches("-->").trim_end();
    // Another comment may stand behind on the same line.
    let cut = [" //", "\t//", " /*", " <!--"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
    let rest = rest[..cut].trim_end();
    // The mark itself may lose its dash to the comment's end.
    let Some(body) = rest.strip_prefix(MARK) else { return };
    let (next_line, body) = match (body.strip_prefix("next-line"), body.strip_prefix("file")) {
        (Some(body), _) => (true, body),
        (_, Some(body)) => (false, body),
        _ => return,
    };
    if body.starts_with(|c: char| c.is_alphanumeric() || c == '-') {
        return;
    }
    let (names, reason) = match body.split_once("--") {
        Some((names, reason)) => (names, reason.trim()),
        None => (body, ""),
    };
    let place = Place { file, span: Span::new(at, at + rest.len() as u32) };
    let lines = source.source.lines();
    let line = next_line.then(|| lines.line(comment.end.saturating_sub(1).max(at)));
    let start = at + (rest.len() - body.len()) as u32;
    let mut offset = start;
    let mut any = false;
    for part in names.split_inclusive([',', ' ', '\t', '，', '、']) {
        let name = part.trim_matches([',', ' ', '\t', '，', '、']);
        if !name.is_empty() {
            any = true;
            let lead = part.find(name).unwrap_or(0) as u32;
            let span = Span::new(offset + lead, offset + lead + name.len() as u32);
            out.push(Suppression { rule: (name.to_owned(), Place { file, span }), place, line, reason: reason.into() });
        }
        offset += part.len() as u32;
    }
    if !any {
        out.push(Suppression { rule: (String::new(), place), place, line, reason: reason.into() });
    }
}

/// Comments of a file, marks included or not.
fn comments(id: FileId, file: &PackageFile, program: &Program) -> Vec<Span> {
    let text = &*file.source.text;
    match file.kind {
        FileKind::Script | FileKind::ViewScript => match program.script(id) {
            Some(script) => script.comments.clone(),
            None => block_comments(text, true),
        },
        FileKind::Template => {
            let Some(template) = program.template(id) else { return markup_comments(text) };
            let mut out: Vec<Span> = template
                .document
                .nodes
                .iter()
                .filter_map(|node| match node.kind {
                    NodeKind::Comment(span) => Some(span),
                    _ => None,
                })
                .collect();
            out.extend(template.inline_scripts.iter().flat_map(|(_, script, _)| &script.comments));
            out
        }
        FileKind::Style => block_comments(text, true),
        FileKind::Json => block_comments(text, true),
        FileKind::Foreign if matches!(file.source.extension(), "js" | "ts" | "java" | "go" | "php" | "c" | "cs") => {
            block_comments(text, true)
        }
        FileKind::Text | FileKind::Foreign => match file.source.extension() {
            "md" | "html" | "htm" | "xml" => markup_comments(text),
            _ => text
                .split_inclusive('\n')
                .scan(0u32, |at, line| {
                    let start = *at;
                    *at += line.len() as u32;
                    Some((start, line))
                })
                .filter_map(|(start, line)| {
                    line.find('#').map(|hash| Span::new(start + hash as u32, start + line.trim_end().len() as u32))
                })
                .collect(),
        },
    }
}

fn markup_comments(text: &str) -> Vec<Span> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("<!--").map(|found| at + found) {
        let end = text[start..].find("-->").map_or(text.len(), |found| start + found);
        out.push(Span::new(start as u32, end as u32));
        at = end;
    }
    out
}

/// `/* */`, and `//` when asked, outside of strings.
fn block_comments(text: &str, line_comments: bool) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote && bytes[at] != b'\n' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end =
                    text.get(at + 2..).and_then(|rest| rest.find("*/")).map_or(bytes.len(), |found| at + 2 + found);
                out.push(Span::new(at as u32, end as u32));
                at = end + 2;
            }
            b'/' if line_comments && bytes.get(at + 1) == Some(&b'/') && (at == 0 || bytes[at - 1] != b':') => {
                let end = memchr::memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |found| at + found);
                out.push(Span::new(at as u32, end as u32));
                at = end;
            }
            _ => at += 1,
        }
    }
    out
}
