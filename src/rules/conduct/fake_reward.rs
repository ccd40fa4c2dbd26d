//! Wins and rewards that the package stages.

use std::collections::{BTreeSet, HashMap};

use super::support::{acted, all_runs, calls, has_role, told, unit, unit_texts};
use super::texts::Run;
use crate::flow::{EntryKind, Origin, Place};
use crate::model::ir::{ExprKind, Key};
use crate::rules::privacy::evidence::text_of;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;

/// `conduct/fake-reward`
#[derive(Debug)]
pub struct FakeReward;

const TOPIC: &str = "fake-reward";
/// Calls that ask a server.
const ASKS: &[&str] = &["request", "cloud-function", "cloud-read", "socket-send"];

impl Rule for FakeReward {
    fn id(&self) -> &'static str {
        "conduct/fake-reward"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let first = out.len();
        told(cx, self.id(), TOPIC, &[], out);
        // A list of staged winners is one finding, at its first.
        let mut lines: BTreeSet<(FileId, u32)> = BTreeSet::new();
        let mut last: Option<Place> = None;
        let kept: Vec<Finding> = out
            .drain(first..)
            .filter(|finding| {
                let near = last.is_some_and(|place| {
                    place.file == finding.place.file && finding.place.span.start.saturating_sub(place.span.end) < 120
                });
                last = Some(finding.place);
                !near && lines.insert((finding.place.file, finding.place.span.start))
            })
            .collect();
        out.extend(kept);
        congratulations(self.id(), cx, out);
        draws(self.id(), cx, out);
        fixed_draws(self.id(), cx, out);
        winners(self.id(), cx, first, out);
    }
}

/// Winners that a script makes up: who won just now, in a function that throws dice.
fn winners(rule: &'static str, cx: &Context<'_>, first: usize, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let mut by_file: HashMap<FileId, Vec<&Run>> = HashMap::new();
    for run in all_runs(cx) {
        by_file.entry(run.file).or_default().push(run);
    }
    for (index, facts) in cx.program.facts.iter().enumerate() {
        let file = FileId(index as u32);
        let Some(script) = &facts.script else { continue };
        for function in &script.functions {
            let mut dice = false;
            let mut texts = Vec::new();
            function.for_each_expr(&mut |expr| match &expr.kind {
                ExprKind::Member { object, key: Key::Static(key, _), .. } => {
                    dice |= &**key == "random" && matches!(&object.kind, ExprKind::Global(name) if &**name == "Math");
                }
                ExprKind::String(_) | ExprKind::Template(..) => texts.push(expr.span),
                _ => {}
            });
            if !dice {
                continue;
            }
            // A list of winners is one finding, at its first.
            let found = by_file.get(&file).into_iter().flatten().find_map(|run| {
                let range = conduct.fires("staged-win", &run.scan(cx))?;
                let place = run.place(range);
                texts.iter().any(|span| span.contains(place.span)).then(|| (place, run.excerpt(range)))
            });
            if let Some((place, text)) = found
                && !out[first..].iter().any(|finding| finding.place.file == file)
            {
                out.push(Finding::new(rule, place).text("text", text).confidence(Confidence::Medium));
            }
        }
    }
}

/// Wins that a dialog tells on load, in words that stand in the package.
fn congratulations(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    for (place, group) in calls(cx, &["dialog", "toast"]) {
        let Some(call) = group.iter().find(|call| !acted(call) && call.entry.kind == EntryKind::Load) else { continue };
        let asked = call.facts.iter().any(|fact| matches!(fact, crate::flow::Fact::Succeeded(_)));
        let [title, content] = ["0.title", "0.content"].map(|path| call.arg(path).and_then(|arg| arg.text()));
        let both = title.zip(content).map(|(title, content)| format!("{title}{content}"));
        let text = [content, title, both.as_deref()]
            .into_iter()
            .flatten()
            .find(|text| conduct.near(TOPIC, &conduct.scan(text)).is_some());
        if let Some(text) = text
            && !asked
            && !out.iter().any(|finding| finding.place.file == place.file && place.span.contains(finding.place.span))
        {
            out.push(Finding::new(rule, place).text("text", text).confidence(Confidence::Medium));
        }
    }
}

/// Draws whose result stands in the package: nothing is asked and nothing is left to chance.
fn fixed_draws(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let mut seen = BTreeSet::new();
    for (place, group) in calls(cx, &["dialog", "toast"]) {
        for call in group {
            let entry = &call.entry;
            let Some((file, node)) = entry.element.filter(|_| entry.kind == EntryKind::User) else { continue };
            let told = ["0.content", "0.title"]
                .iter()
                .filter_map(|path| call.arg(path)?.text())
                .find(|text| conduct.fires("draw-result", &conduct.scan(text)).is_some());
            let Some(told) = told else { continue };
            let label = text_of(cx.program, file, node);
            let draws = conduct.fires("lottery", &conduct.scan(&label)).is_some();
            // What hangs on an answer or on chance is decided by it.
            let same = |one: &crate::flow::HostCall| one.entry.route == entry.route && one.entry.method == entry.method;
            let decided =
                cx.solution.calls.iter().any(|one| same(one) && ASKS.iter().any(|role| has_role(cx, one, role)))
                    || cx
                        .solution
                        .branches
                        .iter()
                        .any(|branch| branch.entry.route == entry.route && branch.entry.method == entry.method);
            if draws && !decided && seen.insert(place) {
                out.push(Finding::new(rule, place).variant("draw").text("text", told).confidence(Confidence::Medium));
            }
        }
    }
}

/// Draws whose result no server decides.
fn draws(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let random: Vec<_> = cx.solution.branches.iter().filter(|branch| branch.origin == Origin::Random).collect();
    if random.is_empty() {
        return;
    }
    let runs = all_runs(cx);
    let mut seen = BTreeSet::new();
    for branch in random {
        let Some(unit) = unit(cx, &branch.entry.route) else { continue };
        let texts = unit_texts(runs, unit);
        if conduct.fires("lottery", &conduct.scan(&texts)).is_none() {
            continue;
        }
        let asks = cx.solution.calls.iter().any(|call| {
            call.entry.route == branch.entry.route
                && call.entry.method == branch.entry.method
                && ASKS.iter().any(|role| has_role(cx, call, role))
        });
        if !asks
            && branch.entry.kind == EntryKind::User
            && seen.insert((branch.entry.route.clone(), branch.entry.method.clone()))
        {
            out.push(Finding::new(rule, branch.read).variant("draw").text("text", "").confidence(Confidence::Medium));
        }
    }
}
