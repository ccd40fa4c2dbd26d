//! Every fixture package finds what its markers say, and nothing else. `FIXTURE=conduct/induced-sharing` runs some.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};

use minivet::engine::markers;
use minivet::policy::Policy;

#[test]
fn fixtures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let only = std::env::var("FIXTURE").unwrap_or_default();
    let cases: Vec<PathBuf> = markers::cases(&root)
        .unwrap()
        .into_iter()
        .filter(|case| !case.starts_with(root.join("packages")) && case.to_string_lossy().contains(&only))
        .collect();
    assert!(!cases.is_empty(), "no fixture matches `{only}`");
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let results = pool.install(|| markers::run(&cases, &policy));
    // Packages that are known not to be as expected yet: the list may only shrink.
    let known = std::fs::read_to_string(root.join("not-yet.txt")).unwrap_or_default();
    let known: Vec<&str> = known.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut failed = 0;
    for result in &results {
        let case = result.case.strip_prefix(&root).unwrap().display();
        for done in &result.done {
            println!("{case}\n  a known miss is found now: {done}");
        }
        if result.mistakes.is_empty() && known.contains(&case.to_string().as_str()) {
            failed += 1;
            println!("FAIL {case}\n  is as expected now: take it off fixtures/not-yet.txt");
        }
        if !result.mistakes.is_empty() {
            let case = case.to_string();
            if known.contains(&case.as_str()) {
                continue;
            }
            failed += 1;
            println!("FAIL {case}");
            for mistake in &result.mistakes {
                println!("  {mistake}");
            }
        }
    }
    let met: usize = results.iter().map(|result| result.met).sum();
    println!("{} known not to be as expected yet", known.len());
    println!("{} packages, {met} findings as expected, {failed} packages not as expected", results.len());
    assert_eq!(failed, 0, "packages not as expected: see above");
}
