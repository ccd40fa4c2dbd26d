//! The flow benchmark: every folder under `fixtures/flow` is one form in which a value travels. Markers say which flows
//! must be found, and nothing else may be: `flow: <sink> <kind>[,<kind>] [protected]` and `blind: <note>`, in a comment at
//! the end of the sink's line or alone on the line above. `FLOW=name` runs some forms.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use minivet::engine::{Options, vet};
use minivet::flow::{Place, Protection};
use minivet::package::Package;
use minivet::policy::Policy;
use rayon::prelude::*;

/// File, line, sink or note, whether protected, kinds.
type Found = BTreeMap<(String, u32, String, bool), BTreeSet<String>>;

fn forms() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/flow");
    let mut forms: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    forms.sort();
    forms
}

fn name(form: &Path) -> String {
    form.file_name().unwrap().to_string_lossy().into_owned()
}

/// What the markers of a package ask for.
fn expected(package: &Package) -> Found {
    let mut out = Found::new();
    for file in &package.files {
        let lines: Vec<&str> = file.source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let comment = ["// ", "<!-- "].iter().find_map(|open| {
                let (code, comment) = line
                    .split_once(&format!("{open}flow: "))
                    .map(|(code, rest)| (code, (true, rest)))
                    .or_else(|| line.split_once(&format!("{open}blind: ")).map(|(code, rest)| (code, (false, rest))))?;
                Some((code.trim().is_empty(), comment.0, comment.1.trim_end_matches("-->").trim()))
            });
            let Some((alone, is_flow, words)) = comment else { continue };
            let at = index as u32 + 1 + u32::from(alone);
            let mut words = words.split_whitespace();
            let what = words.next().unwrap_or_default().to_owned();
            let kinds: BTreeSet<String> = match is_flow {
                true => words.next().unwrap_or_default().split(',').map(str::to_owned).collect(),
                false => BTreeSet::new(),
            };
            let protected = words.next() == Some("protected");
            let what = if is_flow { what } else { format!("blind {what}") };
            out.entry((file.source.path.to_string(), at, what, protected)).or_default().extend(kinds);
        }
    }
    out
}

fn run(form: &Path, policy: &Policy) -> Vec<String> {
    let options = Options { no_rules: true, no_config: true, ..Options::default() };
    let outcome = vet(&[form.to_owned()], policy, &options);
    let mut mistakes: Vec<String> = outcome.failures.iter().map(|failure| format!("{failure:?}")).collect();
    for vetted in &outcome.packages {
        mistakes.extend(vetted.engine_errors.iter().cloned());
        if vetted.solution.exhausted {
            mistakes.push("the budget ran out".to_owned());
        }
        let line = |place: &Place| {
            let source = vetted.package.source(place.file);
            let start = place.span.start as usize;
            (source.path.to_string(), source.text[..start].matches('\n').count() as u32 + 1)
        };
        let mut found = Found::new();
        for flow in &vetted.solution.flows {
            let protected = flow.protections.iter().any(|protection| {
                matches!(
                    protection,
                    Protection::Strong(_) | Protection::Masked | Protection::Hashed(_) | Protection::HostCiphertext
                )
            });
            let (path, at) = line(&flow.place);
            found
                .entry((path, at, flow.sink.name().to_owned(), protected))
                .or_default()
                .extend(flow.kinds.iter().map(|kind| kind.to_string()));
        }
        for spot in &vetted.solution.blind_spots {
            let (path, at) = line(&spot.place);
            found.entry((path, at, format!("blind {}", spot.note), false)).or_default();
        }
        let expected = expected(&vetted.package);
        let tell = |key: &(String, u32, String, bool), kinds: &[&String]| {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            format!("{}:{} {} {}{}", key.0, key.1, key.2, kinds.join(","), if key.3 { " protected" } else { "" })
        };
        for (word, left, right) in [("missing", &expected, &found), ("unexpected", &found, &expected)] {
            for (key, kinds) in left {
                let none = BTreeSet::new();
                let others = right.get(key).unwrap_or(&none);
                let rest: Vec<&String> = kinds.difference(others).collect();
                if !rest.is_empty() || !right.contains_key(key) {
                    mistakes.push(format!("{word}: {}", tell(key, &rest)));
                }
            }
        }
    }
    mistakes
}

/// Rows of the table in `docs/flow.md`: form, and whether it is seen.
fn told() -> BTreeMap<String, bool> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flow.md")).unwrap();
    text.lines()
        .filter_map(|line| {
            let (form, rest) = line.strip_prefix("| `")?.split_once('`')?;
            Some((form.to_owned(), !rest.contains("**not yet**")))
        })
        .collect()
}

#[test]
fn every_form_is_seen() {
    let only = std::env::var("FLOW").unwrap_or_default();
    let told = told();
    let forms: Vec<PathBuf> = forms().into_iter().filter(|form| name(form).contains(&only)).collect();
    assert!(!forms.is_empty(), "no form matches `{only}`");
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let results: Vec<(String, Vec<String>)> =
        pool.install(|| forms.par_iter().map(|form| (name(form), run(form, &policy))).collect());
    let mut failed = Vec::new();
    for (form, mistakes) in &results {
        match (told.get(form), mistakes.is_empty()) {
            (Some(false), true) => failed.push(format!("{form}\n  is seen now: docs/flow.md can say so")),
            (Some(false), false) | (_, true) => {}
            (_, false) => failed.push(format!("{form}\n  {}", mistakes.join("\n  "))),
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} forms are not as their markers say:\n{}",
        failed.len(),
        results.len(),
        failed.join("\n")
    );
}

#[test]
fn every_form_is_told() {
    let told: BTreeSet<String> = told().into_keys().collect();
    let forms: BTreeSet<String> = forms().iter().map(|form| name(form)).collect();
    assert!(forms.len() >= 80, "only {} forms", forms.len());
    assert_eq!(told, forms, "docs/flow.md does not list the folders under fixtures/flow");
}
