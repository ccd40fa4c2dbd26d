//! Wins and rewards that the package stages.

use std::collections::{BTreeSet, HashMap};

use super::support::{acted, all_runs, calls, has_role, told, unit, unit_texts, units_of};
use super::texts::Run;
use crate::flow::{EntryKind, Origin, Place};
use crate::model::conditions::{chain, reads};
use crate::model::ir::{
    Expr, ExprKind, Function, Key, Name, Operator, Pattern, Property, Script, Stmt, StmtKind, walk_expr,
};
use crate::model::surface::{initial_data, settings};
use crate::package::Origin as FileOrigin;
use crate::rules::elements::text_of;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

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
        let told = out.len();
        congratulations(self.id(), cx, out);
        draws(self.id(), cx, out);
        fixed_draws(self.id(), cx, out);
        set_prizes(self.id(), cx, out);
        shown_wins(self.id(), cx, out);
        winners(self.id(), cx, first..told, out);
        countdowns(self.id(), cx, out);
    }
}

/// Winners that a script makes up: who won just now, in a function that throws dice.
fn winners(rule: &'static str, cx: &Context<'_>, told: std::ops::Range<usize>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let last = out.len();
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
                && !out[told.clone()].iter().chain(&out[last..]).any(|finding| finding.place.file == file)
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

/// Whether a call of an entry point asks a server.
fn asks(cx: &Context<'_>, route: &str, method: &str) -> bool {
    cx.solution.calls.iter().any(|call| {
        &*call.entry.route == route && &*call.entry.method == method && ASKS.iter().any(|role| has_role(cx, call, role))
    })
}

/// Prizes that the handler of a draw sets by itself: nothing is asked.
fn set_prizes(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let runs = all_runs(cx);
    for unit in cx.program.units.iter().filter(|unit| unit.live) {
        let Some((file, script)) = unit.script.and_then(|file| Some((file, cx.program.script(file)?))) else {
            continue;
        };
        if cx.package.files.get(file.index()).is_none_or(|file| file.origin != FileOrigin::Own)
            || conduct.fires("lottery", &conduct.scan(&unit_texts(runs, unit))).is_none()
            || out.iter().any(|finding| finding.place.file == file)
        {
            continue;
        }
        let mut prizes = false;
        script.for_each_expr(&mut |expr| {
            if let ExprKind::String(text) = &expr.kind {
                prizes |= conduct.fires("lottery-prize", &conduct.scan(text)).is_some();
            }
        });
        if !prizes {
            continue;
        }
        let bindings = unit.templates.iter().flat_map(|template| cx.program.bindings_in(*template));
        let draws = bindings.filter(|binding| binding.user_action).filter_map(|binding| {
            let handler = binding.handler.as_ref()?;
            let label = text_of(cx.program, binding.template, binding.node);
            conduct.fires("lottery-go", &conduct.scan(&label)).is_some().then(|| handler.clone())
        });
        for handler in draws {
            if asks(cx, &unit.route, &handler) {
                continue;
            }
            let found =
                script.functions.iter().filter(|function| function.name.as_deref() == Some(&*handler)).find_map(
                    |function| {
                        let mut at = None;
                        function.for_each_expr(&mut |expr| {
                            let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
                            let ExprKind::Member { key: Key::Static(name, _), .. } = &callee.kind else { return };
                            if &**name != "setData" {
                                return;
                            }
                            let Some(ExprKind::Object(properties)) = args.first().map(|arg| &arg.value.kind) else {
                                return;
                            };
                            for property in properties {
                                if let Property::Value(Key::Static(key, span), value) = property
                                    && conduct.names("id-prize", key)
                                    && !matches!(&value.kind, ExprKind::String(text) if text.is_empty())
                                    && !matches!(value.kind, ExprKind::Null | ExprKind::Bool(_))
                                {
                                    at.get_or_insert(*span);
                                }
                            }
                        });
                        at
                    },
                );
            if let Some(span) = found {
                out.push(
                    Finding::new(rule, Place { file, span })
                        .variant("draw")
                        .text("text", span.slice(&cx.package.source(file).text).to_owned())
                        .confidence(Confidence::Medium),
                );
                break;
            }
        }
    }
}

/// Wins that a page shows by itself as it opens: what hides them is on from the start, or is set so while it loads.
fn shown_wins(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    let shown_if = format!("{}if", host.info.directive_prefix);
    let loads = |method: &str| {
        [&host.info.page_load, &host.info.component_load].into_iter().flatten().any(|known| **known == *method)
    };
    for unit in cx.program.units.iter().filter(|unit| unit.live) {
        let Some(template) = unit.template else { continue };
        let Some(script) = unit.script.and_then(|script| cx.program.script(script)) else { continue };
        let own = cx.package.files.get(template.index()).is_some_and(|file| file.origin == FileOrigin::Own);
        if !own {
            continue;
        }
        let source = &cx.package.source(template).text;
        for (node, element) in cx.program.elements(template) {
            let condition = element.attribute(&shown_if).and_then(|attribute| attribute.value.as_ref());
            let Some(condition) = condition.map(|value| value.span.slice(source)) else { continue };
            let key = condition.trim_matches(|c: char| matches!(c, '{' | '}' | '"' | '\'' | ' '));
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                continue;
            }
            let text = text_of(cx.program, template, node);
            if conduct.near(TOPIC, &conduct.scan(&text)).is_none() {
                continue;
            }
            let on = initial_data(script, key) == Some(true)
                || settings(script, key).iter().any(|(method, value)| {
                    *value == Some(true)
                        && method.as_deref().is_some_and(|method| loads(method) && !asks(cx, &unit.route, method))
                });
            let place = Place { file: template, span: element.open };
            let told = out
                .iter()
                .any(|finding| finding.place.file == template && element.open.start <= finding.place.span.start);
            if on && !told {
                out.push(Finding::new(rule, place).text("text", text).confidence(Confidence::Medium));
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

/// Countdowns to an end that never comes: whoever counts down sets the number up again, beside words of an end or of few left.
fn countdowns(rule: &'static str, cx: &Context<'_>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    for (index, facts) in cx.program.facts.iter().enumerate() {
        let file = FileId(index as u32);
        let own = cx.package.files.get(index).is_some_and(|file| file.origin == FileOrigin::Own);
        let Some(script) = facts.script.as_ref().filter(|_| own) else { continue };
        let text = &cx.package.source(file).text;
        if !text.contains("setInterval") && !text.contains("setTimeout") {
            continue;
        }
        let Some(place) = script.functions.iter().find_map(|function| restarts(script, function)) else { continue };
        let ends = units_of(cx, file).any(|unit| {
            let texts = unit_texts(all_runs(cx), unit);
            conduct.fires("deadline", &conduct.scan(&texts)).is_some()
        });
        if ends {
            out.push(
                Finding::new(rule, Place { file, span: place })
                    .variant("countdown")
                    .text("text", place.slice(text).split_whitespace().collect::<Vec<_>>().join(" "))
                    .confidence(Confidence::Medium),
            );
        }
    }
}

/// Least seconds that an offer is said to last for; codes are sent again after a minute.
const LASTS: f64 = 61.0;

/// Where a function that counts down starts again: `if (left <= 0) left = 600`, `left > 0 ? left - 1 : 600`. One that ends its
/// timer there has counted to the end.
fn restarts(script: &Script, function: &Function) -> Option<Span> {
    fn name_of(script: &Script, expr: &Expr) -> Option<Name> {
        match &expr.kind {
            ExprKind::Var(id) => script.variables.get(*id as usize).map(|variable| variable.name.clone()),
            _ => chain(expr).and_then(|read| read.path.last().cloned()),
        }
    }
    fn target_of(script: &Script, target: &Pattern) -> Option<Name> {
        match target {
            Pattern::Var(id, _) => script.variables.get(*id as usize).map(|variable| variable.name.clone()),
            Pattern::Member(member) => chain(member).and_then(|read| read.path.last().cloned()),
            _ => None,
        }
    }
    let less = |expr: &Expr| match &expr.kind {
        ExprKind::Binary(Operator::Sub, left, right) if matches!(right.kind, ExprKind::Number(one) if one == 1.0) => {
            name_of(script, left)
        }
        _ => None,
    };
    let mut down: Vec<Name> = Vec::new();
    let mut ended = false;
    let mut found = None;
    function.for_each_expr(&mut |expr| match &expr.kind {
        ExprKind::Assign { operator: Some(Operator::Sub), target, .. } => down.extend(target_of(script, target)),
        ExprKind::Assign { operator: None, value, .. } => down.extend(less(value)),
        ExprKind::Update(target) => down.extend(target_of(script, target)),
        ExprKind::Binary(Operator::Sub, ..) => down.extend(less(expr)),
        ExprKind::Conditional(test, then, other) => {
            let counted = less(then).filter(|name| reads(test).iter().any(|read| read.name() == &**name));
            let from = |expr: &Expr| matches!(expr.kind, ExprKind::Number(from) if from >= LASTS);
            let counted = counted.or_else(|| less(other).filter(|_| from(then)));
            if counted.is_some() && (from(then) || from(other)) {
                found.get_or_insert(expr.span);
            }
        }
        ExprKind::Call { callee, .. } => {
            ended |=
                matches!(&callee.kind, ExprKind::Global(name) if matches!(&**name, "clearInterval" | "clearTimeout"));
        }
        _ => {}
    });
    if ended {
        return None;
    }
    let mut blocks: Vec<&[Stmt]> = vec![&function.body];
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::If(test, then, other) => {
                    let mut tested: Vec<Name> = Vec::new();
                    walk_expr(test, &mut |expr| tested.extend(name_of(script, expr)));
                    for stmt in then {
                        if let StmtKind::Expr(expr) = &stmt.kind
                            && let ExprKind::Assign { operator: None, target, value } = &expr.kind
                            && matches!(value.kind, ExprKind::Number(from) if from >= LASTS)
                            && let Some(name) = target_of(script, target)
                            && tested.contains(&name)
                            && down.contains(&name)
                        {
                            found.get_or_insert(expr.span);
                        }
                    }
                    blocks.extend([then.as_slice(), other.as_slice()]);
                }
                StmtKind::Block(_, body) => blocks.push(body),
                _ => {}
            }
        }
    }
    found
}
