//! Runs the rules: those that ask nothing of the solution beside the analyses, the others after them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::watch::{self, Watch};
use super::{Options, Timings, panic_text};
use crate::rules::{self, Context, Finding};

/// The rules that were asked for.
pub(super) fn rules_to_run(options: &Options) -> Vec<&'static dyn rules::Rule> {
    if options.no_rules {
        return Vec::new();
    }
    rules::all().into_iter().filter(|rule| rule.id() == "structure" || options.runs(rule.id())).collect()
}

/// Reads the texts that the rules will ask for, each once.
pub(super) fn read_texts(
    rules: &[&'static dyn rules::Rule],
    context: &Context<'_>,
) -> Result<Duration, Box<dyn Any + Send>> {
    let start = Instant::now();
    let asked = |group: &str| rules.iter().any(|rule| rule.id().starts_with(group));
    catch_unwind(AssertUnwindSafe(|| {
        if asked("content/") {
            rules::content::prepare(context);
        }
        if asked("conduct/") {
            rules::conduct::prepare(context);
        }
    }))
    .map(|()| start.elapsed())
}

/// What a rule found, or why it did not run to its end, and how long it took.
pub(super) type Answer = (Result<Vec<Finding>, String>, Duration);

/// Runs those of the rules that `which` takes: the answers, in the order of the rules, and `None` for the others.
pub(super) fn run_rules(
    rules: &[&'static dyn rules::Rule],
    which: impl Fn(&&'static dyn rules::Rule) -> bool + Sync,
    context: &Context<'_>,
    watch: &Watch,
) -> Vec<Option<Answer>> {
    rules
        .par_iter()
        .map(|rule| {
            if !which(rule) {
                return None;
            }
            if let Some(reason) = watch.over() {
                return Some((Err(format!("{}: not run: {}", rule.id(), watch::limit_name(reason))), Duration::ZERO));
            }
            let start = Instant::now();
            let found = catch_unwind(AssertUnwindSafe(|| {
                let mut out = Vec::new();
                rule.check(context, &mut out);
                out
            }))
            .map_err(|panic| format!("{}: {}", rule.id(), panic_text(&*panic)));
            Some((found, start.elapsed()))
        })
        .collect()
}

/// Runs the rules that did not run `beside` the analyses, and gives what all of them found.
pub(super) fn all_rules(
    rules: &[&'static dyn rules::Rule],
    beside: Vec<Option<Answer>>,
    context: &Context<'_>,
    options: &Options,
    watch: &Watch,
    errors: &mut Vec<String>,
    timings: &mut Timings,
) -> Vec<Finding> {
    let start = Instant::now();
    let rest = run_rules(rules, |rule| rule.reads_solution(), context, watch);
    let mut findings = Vec::new();
    timings.rules.clear();
    for (rule, answer) in rules.iter().zip(beside.into_iter().zip(rest).map(|(early, late)| early.or(late))) {
        let Some((result, time)) = answer else { continue };
        timings.rules.push((rule.id(), time));
        match result {
            Ok(found) => findings.extend(found),
            Err(error) => errors.push(error),
        }
    }
    rules::once::once(context, &mut findings);
    findings.retain(|finding| options.runs(finding.rule));
    timings.stage("rules", start);
    findings
}
