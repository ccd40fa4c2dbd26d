//! Fixture packages: what their markers expect, against what is found.
//!
//! `expect: rule/id[, rule/id]` in a comment at the end of a line speaks of that line; alone on a line, of the line
//! below. `expect.toml` lists findings in files without comments. `todo-expect:` records a known miss.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize;

use super::{Failure, Options, Vetted, vet};
use crate::package::ReadOptions;
use crate::policy::Policy;

/// Name of the list of expected findings.
pub const LIST: &str = "expect.toml";

/// A fixture and what is wrong with it.
#[derive(Debug)]
pub struct CaseResult {
    /// The package's folder.
    pub case: PathBuf,
    /// What was missed, unexpected, or broke; empty when all is as expected.
    pub mistakes: Vec<String>,
    /// Number of expectations met.
    pub met: usize,
    /// Known misses that are found now: their markers can go.
    pub done: Vec<String>,
}

/// The fixture packages under a folder: each below a `bad` or `good` folder, or the folder itself.
///
/// # Errors
/// When the folder cannot be read.
pub fn cases(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(dir)?;
    let mut out = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().flatten() {
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_dir() && (name == "bad" || name == "good") {
            out.extend(cases_of(entry.path())?);
        }
    }
    // A package may hold folders of these names.
    let all = out.clone();
    out.retain(|case| !all.iter().any(|other| other != case && case.starts_with(other)));
    if out.is_empty() {
        out = cases_of(dir)?;
    }
    Ok(out)
}

fn cases_of(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            return Ok(vec![dir.to_owned()]);
        }
        folders.push(entry.path());
    }
    folders.sort();
    Ok(folders)
}

/// Vets the cases and compares.
pub fn run(cases: &[PathBuf], policy: &Policy) -> Vec<CaseResult> {
    cases.par_iter().map(|case| run_case(case, policy)).collect()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct List {
    finding: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    file: String,
    line: u32,
    rule: String,
    #[serde(default)]
    todo: bool,
}

type Expectation = (String, u32, String);

fn run_case(case: &Path, policy: &Policy) -> CaseResult {
    let mut mistakes = Vec::new();
    let mut read = ReadOptions::default();
    if let Ok(glob) = globset::Glob::new(LIST) {
        read.exclude = globset::GlobSetBuilder::new().add(glob).build().unwrap_or_default();
    }
    let options = Options { read: Some(read), ..Options::default() };
    let outcome = vet(&[case.to_owned()], policy, &options);
    for failure in &outcome.failures {
        mistakes.push(match failure {
            Failure::Read(error) => error.to_string(),
            Failure::Config(failure) => {
                let messages: Vec<&str> = failure.errors.iter().map(|error| error.message.en.as_str()).collect();
                format!("{}: {}", failure.path.display(), messages.join("; "))
            }
        });
    }
    let mut expected: BTreeSet<Expectation> = BTreeSet::new();
    let mut todo: BTreeSet<Expectation> = BTreeSet::new();
    let mut found: BTreeSet<Expectation> = BTreeSet::new();
    for vetted in &outcome.packages {
        let prefix = prefix(case, vetted);
        mistakes.extend(vetted.engine_errors.iter().cloned());
        for file in &vetted.package.files {
            markers(&file.source.text, &format!("{prefix}{}", file.source.path), &mut expected, &mut todo);
        }
        for hit in vetted.hits.iter().filter(|hit| hit.suppressed.is_none()) {
            let source = vetted.package.source(hit.finding.place.file);
            let line = source.lines().line(hit.finding.place.span.start) + 1;
            found.insert((format!("{prefix}{}", source.path), line, hit.finding.rule.to_owned()));
        }
    }
    if let Ok(text) = std::fs::read_to_string(case.join(LIST)) {
        match toml::from_str::<List>(&text) {
            Ok(list) => {
                for one in list.finding {
                    let file = locate(&one.file, case, &outcome.packages);
                    let set = if one.todo { &mut todo } else { &mut expected };
                    set.insert((file, one.line, one.rule));
                }
            }
            Err(error) => mistakes.push(format!("{LIST}: {error}")),
        }
    }
    for (file, line, rule) in expected.iter().chain(&todo) {
        if !policy.catalogue.has(rule) {
            mistakes.push(format!("{file}:{line}: unknown rule {rule}"));
        }
    }
    for (file, line, rule) in expected.difference(&found) {
        mistakes.push(format!("missed      {file}:{line}: {rule}"));
    }
    for one in found.difference(&expected) {
        let (file, line, rule) = one;
        if !todo.contains(one) {
            mistakes.push(format!("unexpected  {file}:{line}: {rule}"));
        }
    }
    let done = todo.intersection(&found).map(|(file, line, rule)| format!("{file}:{line}: {rule}")).collect();
    let met = expected.intersection(&found).count();
    CaseResult { case: case.to_owned(), mistakes, met, done }
}

/// The package's folder below the case, with a `/` at the end; empty when it is the case.
fn prefix(case: &Path, vetted: &Vetted) -> String {
    let below = vetted.package.root.strip_prefix(case).unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
    if below.is_empty() { below } else { format!("{below}/") }
}

/// A listed file: below the case, or below the only package.
fn locate(file: &str, case: &Path, packages: &[Vetted]) -> String {
    if case.join(file).exists() {
        return file.to_owned();
    }
    let holder = packages.iter().find(|vetted| vetted.package.root.join(file).exists());
    holder.map_or_else(|| file.to_owned(), |vetted| format!("{}{file}", prefix(case, vetted)))
}

const OPENERS: &[&str] = &["//", "/*", "<!--", "#", "--"];

/// Reads the markers of a text.
fn markers(text: &str, file: &str, expected: &mut BTreeSet<Expectation>, todo: &mut BTreeSet<Expectation>) {
    if !text.contains("expect:") {
        return;
    }
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    for (index, text) in lines.iter().enumerate() {
        for marker in line_markers(text) {
            let mut line = index;
            if marker.alone {
                line += 1;
                while lines.get(line).is_some_and(|line| line_markers(line).iter().any(|marker| marker.alone)) {
                    line += 1;
                }
            }
            let set = if marker.todo { &mut *todo } else { &mut *expected };
            for rule in marker.rules {
                set.insert((file.to_owned(), line as u32 + 1, rule));
            }
        }
    }
}

struct Marker {
    rules: Vec<String>,
    alone: bool,
    todo: bool,
}

fn line_markers(line: &str) -> Vec<Marker> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find("expect:").map(|at| from + at) {
        from = at + "expect:".len();
        let before = &line[..at];
        let (before, todo) = before.strip_suffix("todo-").map_or((before, false), |before| (before, true));
        let before = before.trim_end();
        let Some(before) = OPENERS.iter().find_map(|opener| before.strip_suffix(opener)) else { continue };
        let rest = &line[from..];
        let end = rest.find("*/").or_else(|| rest.find("-->")).unwrap_or(rest.len());
        let rules: Vec<String> = rest[..end]
            .split([',', ' ', '\t', '\r'])
            .map(str::trim)
            .take_while(|word| !word.starts_with("//"))
            .filter(|word| word.contains('/'))
            .map(str::to_owned)
            .collect();
        // `{` before a comment in JSX and the like is no code.
        let alone = before.trim().is_empty();
        out.push(Marker { rules, alone, todo });
    }
    out
}
