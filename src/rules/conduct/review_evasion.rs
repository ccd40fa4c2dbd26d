//! Function that hangs on what tells a review from real use: flags, switches, dates, versions, addresses.

use std::collections::BTreeSet;

use super::records::Records;
use super::support::{has_role, units_of};
use super::versions;
use crate::flow::{Branch, EntryKind, Origin, Place};
use crate::model::conditions::{Condition, Read, chain, conditions, reads};
use crate::model::ir::{
    Expr, ExprKind, Function, Key, Name, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId,
};
use crate::package::{FileKind, Origin as FileOrigin};
use crate::policy::conduct::name_words;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

/// `conduct/review-evasion`
#[derive(Debug)]
pub struct ReviewEvasion;

/// What has been told: once a file and name, once a place.
struct Telling<'o> {
    rule: &'static str,
    told: BTreeSet<(FileId, String)>,
    places: BTreeSet<Place>,
    out: &'o mut Vec<Finding>,
}

impl Telling<'_> {
    /// A finding to complete, unless the name or the place has had one.
    fn finding(&mut self, file: FileId, place: Place, name: &str) -> Option<Finding> {
        (self.told.insert((file, name.to_owned())) && self.places.insert(place))
            .then(|| Finding::new(self.rule, place).text("text", name))
    }
}

/// Roles of calls that lead to other function.
const LEADS: &[&str] =
    &["navigate", "navigate-tab", "navigate-redirect", "navigate-replace", "program-open", "app-open", "payment"];

impl Rule for ReviewEvasion {
    fn id(&self) -> &'static str {
        "conduct/review-evasion"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut telling = Telling { rule: self.id(), told: BTreeSet::new(), places: BTreeSet::new(), out };
        let records = Records::of(cx);
        // Flags by their names, wherever they come from.
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.origin != FileOrigin::Own || file.kind != FileKind::Script {
                continue;
            }
            let Some(script) = cx.program.script(id) else { continue };
            for condition in conditions(script) {
                if let Some(clock) = condition.clock
                    && condition.constants.iter().any(|constant| fixed_date(constant))
                    && (condition.switches.iter().any(|(key, _)| shows(cx, key) || controls(cx, id, key))
                        || condition.modes.iter().any(|(key, mode)| becomes(cx, id, key, mode)))
                    && let Some(finding) = telling.finding(
                        id,
                        Place { file: id, span: if condition.compares { condition.span } else { clock } },
                        "Date",
                    )
                {
                    telling.out.push(finding.variant("date").confidence(Confidence::Medium));
                    continue;
                }
                if condition.compares {
                    continue;
                }
                if let Some(read) = condition.reads.iter().find(|read| environment(cx, read, &condition))
                    && condition.switches.iter().any(|(key, _)| shows(cx, key) || controls(cx, id, key))
                {
                    if let Some(finding) = telling.finding(id, Place { file: id, span: read.span }, read.name()) {
                        telling.out.push(finding.variant("version").confidence(Confidence::Medium));
                    }
                    continue;
                }
                if let Some(read) = versions::own_version(cx, script, &condition)
                    && versions::parts_ways(cx, id, script, &condition)
                {
                    if let Some(finding) = telling.finding(id, Place { file: id, span: read.span }, read.name()) {
                        telling.out.push(finding.variant("version").confidence(Confidence::Medium));
                    }
                    continue;
                }
                let Some(read) =
                    condition.reads.iter().find(|read| flag(cx, id, read) && !records.hold(cx, &read.path))
                else {
                    continue;
                };
                if !hides(cx, id, &condition) {
                    continue;
                }
                let finding = telling.finding(id, Place { file: id, span: read.span }, read.name());
                telling.out.extend(finding);
            }
            negated_flags(cx, id, script, &records, &mut telling);
            compared_flags(cx, id, script, &records, &mut telling);
            shown_flags(cx, id, script, &records, &mut telling);
            asked_flags(cx, id, script, &mut telling);
        }
        for branch in &cx.solution.branches {
            if telling.places.contains(&branch.read) || telling.places.contains(&branch.place) {
                continue;
            }
            if branch.origin == Origin::Date && telling.told.contains(&(branch.read.file, "Date".to_owned())) {
                continue;
            }
            if matches!(branch.origin, Origin::Environment(_))
                && telling
                    .told
                    .iter()
                    .any(|(file, name)| *file == branch.read.file && cx.policy.conduct.names("id-environment", name))
            {
                continue;
            }
            if let Some((variant, text)) = hangs(cx, branch, &records)
                && telling.places.insert(branch.read)
            {
                if let Some(text) = &text
                    && !telling.told.insert((branch.read.file, text.clone()))
                {
                    continue;
                }
                let mut finding = Finding::new(self.id(), branch.read)
                    .text("text", text.unwrap_or_default())
                    .confidence(Confidence::Medium)
                    .step(branch.place, "conduct-switch", "");
                if let Some(variant) = variant {
                    finding = finding.variant(variant);
                }
                telling.out.push(finding);
            }
        }
    }
}

fn ordinary(cx: &Context<'_>, file: FileId, read: &Read) -> bool {
    let conduct = &cx.policy.conduct;
    read.path.iter().any(|name| conduct.names("id-review-ordinary", name))
        || units_of(cx, file).any(|unit| conduct.names("id-review-ordinary", &unit.route))
}

fn flag(cx: &Context<'_>, file: FileId, read: &Read) -> bool {
    let conduct = &cx.policy.conduct;
    let held = |name: &Name| &**name == "data" || name.eq_ignore_ascii_case("globaldata");
    let shared = || {
        conduct.names("id-review-shared", read.name())
            && read.path.len() > 2
            && &*read.path[0] != "this"
            && read.path.iter().any(held)
    };
    (conduct.names("id-review-strong", read.name()) || shared())
        && !ordinary(cx, file, read)
        && !(read.path.len() == 1 && is_parameter(cx, file, read))
}

/// Whether a name is a parameter of the function around it: the caller's matter.
fn is_parameter(cx: &Context<'_>, file: FileId, read: &Read) -> bool {
    let Some(script) = cx.program.script(file) else { return false };
    script.functions.iter().filter(|function| function.span.contains(read.span)).any(|function| {
        function.params.iter().any(|param| {
            let pattern = match &param.pattern {
                Pattern::Default(pattern, _) => pattern,
                pattern => pattern,
            };
            matches!(pattern, Pattern::Var(id, _) if script.variables.get(*id as usize).is_some_and(|variable| *variable.name == *read.name()))
        })
    })
}

/// Whether a component is given a value by whoever uses it.
fn is_property(script: &Script, name: &str) -> bool {
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(members) = &expr.kind else { return };
        for member in members {
            if let Property::Value(Key::Static(key, _), value) = member
                && matches!(&**key, "properties" | "props")
                && let ExprKind::Object(properties) = &value.kind
            {
                found |= properties
                    .iter()
                    .any(|property| matches!(property, Property::Value(Key::Static(key, _), _) if **key == *name));
            }
        }
    });
    found
}

/// Whether a condition compares what the program runs as (`develop`, `trial`, `release`).
fn environment(cx: &Context<'_>, read: &Read, condition: &Condition) -> bool {
    let conduct = &cx.policy.conduct;
    conduct.names("id-environment", read.name())
        && condition.constants.iter().any(|constant| conduct.names("id-environment-value", constant))
}

/// Whether the page's template shows or hides something by a data key that is no ordinary matter of time or of an order.
fn controls(cx: &Context<'_>, file: FileId, key: &str) -> bool {
    let conduct = &cx.policy.conduct;
    if key.is_empty() || conduct.names("id-time-ordinary", key) || conduct.names("id-review-ordinary", key) {
        return false;
    }
    units_of(cx, file).flat_map(|unit| &unit.templates).any(|template| cx.readings.controls.hold(cx, *template, key))
}

/// Whether the page's template shows or hides something by a text that a data key is set to, which is no season and no state of an
/// event.
fn becomes(cx: &Context<'_>, file: FileId, key: &str, mode: &str) -> bool {
    let ordinary =
        |name: &str| ["id-time-ordinary", "id-mode-ordinary"].iter().any(|group| cx.policy.conduct.names(group, name));
    mode.is_ascii() && !ordinary(key) && !ordinary(mode) && controls(cx, file, key)
}

/// What a server answers where it is asked for a review switch (`request('/switch/shenhe').then(res => …)`), and what the page shows
/// or hides by it, whatever the fields are called.
fn asked_flags(cx: &Context<'_>, file: FileId, script: &Script, telling: &mut Telling<'_>) {
    let mut addresses: Vec<(Span, Name)> = Vec::new();
    let mut calls: Vec<Span> = Vec::new();
    script.for_each_expr(&mut |expr| match &expr.kind {
        ExprKind::String(text) if asks_review(cx, text) => addresses.push((expr.span, text.clone())),
        ExprKind::Call { .. } => calls.push(expr.span),
        _ => {}
    });
    if addresses.is_empty() {
        return;
    }
    calls.sort_by_key(|span| span.len());
    let source = &cx.package.source(file).text;
    let conditions = conditions(script);
    for (address, text) in addresses {
        // The call that holds the address and what takes the answer.
        let takers = calls.iter().filter(|call| call.contains(address)).find_map(|call| {
            let takes = |function: &&Function| call.contains(function.span) && !function.span.contains(address);
            let takers: Vec<&Function> = script.functions.iter().filter(takes).collect();
            (!takers.is_empty()).then_some(takers)
        });
        for taker in takers.into_iter().flatten() {
            let Some(Pattern::Var(var, _)) = taker.params.first().map(|param| &param.pattern) else { continue };
            let Some(answer) = script.variables.get(*var as usize).map(|variable| &variable.name) else { continue };
            let of_answer = |span: Span| {
                taker.span.contains(span)
                    && span.slice(source).strip_prefix(&**answer).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            let mut found: Option<Span> = None;
            script.for_each_expr(&mut |expr| {
                let ExprKind::Object(properties) = &expr.kind else { return };
                if found.is_some() || !taker.span.contains(expr.span) {
                    return;
                }
                for property in properties {
                    let Property::Value(Key::Static(key, _), value) = property else { continue };
                    let read = reads(value).into_iter().find(|read| of_answer(read.span));
                    if let Some(read) = read.filter(|_| controls(cx, file, key)) {
                        found = Some(read.span);
                    }
                }
            });
            let parted = conditions
                .iter()
                .filter(|condition| hides(cx, file, condition))
                .find_map(|condition| condition.reads.iter().map(|read| read.span).find(|span| of_answer(*span)));
            if let Some(span) = found.or(parted)
                && let Some(finding) = telling.finding(file, Place { file, span }, &text)
            {
                telling.out.push(finding.confidence(Confidence::Medium));
            }
        }
    }
}

/// Whether an address asks for a review switch: its last two parts name one.
fn asks_review(cx: &Context<'_>, text: &str) -> bool {
    let path = text.split('?').next().unwrap_or(text);
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let (Some(last), before) = (parts.next(), parts.next().unwrap_or_default()) else { return false };
    let conduct = &cx.policy.conduct;
    let ordinary = |part: &str| conduct.names("id-review-ordinary", part);
    path.contains('/')
        && path.is_ascii()
        && !path.contains("pages/")
        && !ordinary(last)
        && !ordinary(before)
        && (held_name(cx, last)
            || held_name(cx, before) && conduct.names("id-visibility", last)
            || conduct.names("id-app-wide", before) && conduct.names("id-review-sent", last))
}

/// Flags that a script hands to the page turned round (`setData({ show: !data.isAudit })`), and what the program runs as
/// (`setData({ full: envVersion === 'release' })`).
fn negated_flags(cx: &Context<'_>, file: FileId, script: &Script, records: &Records, telling: &mut Telling<'_>) {
    let environments = versions::environment_names(cx, script);
    let turned = turned_flags(cx, file, script, records);
    let held = held_flags(cx, file, script, records);
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(properties) = &expr.kind else { return };
        for property in properties {
            if let Property::Value(Key::Static(key, _), value) = property
                && let handed = tested(value).is_none()
                && let Some(test) = tested(value).or_else(|| shared_flag(cx, file, key, value))
            {
                let reads = reads(test);
                let flagged = reads.iter().find(|read| {
                    let strong = flag(cx, file, read) && shows(cx, key);
                    let sent = || sent_flag(cx, file, read) && (shows(cx, key) || controls(cx, file, key));
                    (strong || handed || sent()) && !records.hold(cx, &read.path)
                });
                let run_as = || {
                    let conduct = &cx.policy.conduct;
                    let compares = versions::is_environment_value(cx, value);
                    let read = reads.iter().find(|read| conduct.names("id-environment", read.name()));
                    let read =
                        read.or_else(|| versions::named_environment(&environments, value)).filter(|_| compares)?;
                    (shows(cx, key) || controls(cx, file, key)).then_some(read)
                };
                // A version that a server names, and that of the package, only tell a review from what comes after it.
                let versioned = || {
                    let constants = versions::constants_of(script, test);
                    let read = versions::server_version(cx, &reads)
                        .filter(|_| versions::is_own_version(cx, &reads, &constants))?;
                    (!versions::updates(cx, key) && (shows(cx, key) || controls(cx, file, key))).then_some(read)
                };
                let kept = || {
                    let ExprKind::Var(var) = &value.kind else { return None };
                    let (_, read) = turned.iter().find(|(known, _)| known == var)?;
                    (&**key != read.name() && (shows(cx, key) || controls(cx, file, key))).then_some(read)
                };
                // `const audit = res.data.audit; setData({ show: audit === 0 })`
                let through = || {
                    let read = versions::named_environment(&held, test)?;
                    (&**key != read.name() && (shows(cx, key) || controls(cx, file, key))).then_some(read)
                };
                let (read, variant) = match flagged.or_else(kept).or_else(through) {
                    Some(read) => (read, None),
                    None => match run_as().or_else(versioned) {
                        Some(read) => (read, Some("version")),
                        None => continue,
                    },
                };
                if let Some(finding) = telling.finding(file, Place { file, span: read.span }, read.name()) {
                    let finding = finding.confidence(Confidence::Medium);
                    telling.out.push(if let Some(variant) = variant { finding.variant(variant) } else { finding });
                }
            }
        }
    });
}

/// A review flag that the whole program shares and a page takes under another name, which its template hides something by
/// (`setData({ hide: app.globalData.isAudit })`).
fn shared_flag<'e>(cx: &Context<'_>, file: FileId, key: &str, value: &'e Expr) -> Option<&'e Expr> {
    let read = chain(value).filter(|_| matches!(value.kind, ExprKind::Member { .. }))?;
    let shared = read.path.iter().any(|name| name.eq_ignore_ascii_case("globaldata"));
    let flagged = flag(cx, file, &read) || sent_flag(cx, file, &read) || held_name(cx, read.name());
    // What a server answers under a name that means nothing else, too: `setData({ plain: res.shenhe })`.
    let sent = &*read.path[0] != "this" && held_name(cx, read.name()) && !ordinary(cx, file, &read);
    ((shared && flagged || sent) && key != read.name() && controls(cx, file, key)).then_some(value)
}

/// What a value turns on: `!flag`, `flag === 1`, `flag ? 0 : 1`, or what a variable holds of that.
fn tested(value: &Expr) -> Option<&Expr> {
    match &value.kind {
        ExprKind::Not(..) | ExprKind::Binary(..) | ExprKind::Var(_) => Some(value),
        ExprKind::Conditional(test, then, other) => {
            let constant = |expr: &Expr| matches!(expr.kind, ExprKind::Bool(_) | ExprKind::Number(_));
            (constant(then) && constant(other)).then_some(&**test)
        }
        _ => None,
    }
}

/// Variables that hold a flag as a server sent it (`const { isAudit } = res.data`), and where each reads it.
fn held_flags(cx: &Context<'_>, file: FileId, script: &Script, records: &Records) -> Vec<(VarId, Read)> {
    let sent = |read: &Read| {
        let named = held_name(cx, read.name()) && !ordinary(cx, file, read);
        (flag(cx, file, read) || sent_flag(cx, file, read) || named)
            && read.path.len() > 1
            && &*read.path[0] != "this"
            && !records.hold(cx, &read.path)
    };
    let mut out = Vec::new();
    let mut blocks: Vec<&[Stmt]> = script.functions.iter().map(|function| function.body.as_slice()).collect();
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(Pattern::Var(var, _), Some(value)) => {
                    out.extend(chain(value).filter(|read| sent(read)).map(|read| (*var, read)));
                }
                StmtKind::Let(Pattern::Object { properties, .. }, Some(value)) => {
                    let path = match &value.kind {
                        ExprKind::Var(_) => vec!["".into()],
                        _ => chain(value).map(|read| read.path).unwrap_or_default(),
                    };
                    for (key, target) in properties.iter().filter(|_| !path.is_empty()) {
                        if let (Key::Static(name, span), Pattern::Var(var, _)) = (key, target) {
                            let read = Read { path: path.iter().cloned().chain([name.clone()]).collect(), span: *span };
                            out.extend(sent(&read).then_some((*var, read)));
                        }
                    }
                }
                StmtKind::If(_, then, other) => blocks.extend([then.as_slice(), other.as_slice()]),
                StmtKind::Try { block, .. } => blocks.push(block),
                _ => {}
            }
        }
    }
    out
}

/// Variables that hold a flag turned round (`const full = !res.data.isAudit`), and where each reads it.
fn turned_flags(cx: &Context<'_>, file: FileId, script: &Script, records: &Records) -> Vec<(VarId, Read)> {
    let mut out = Vec::new();
    let mut blocks: Vec<&[Stmt]> = script.functions.iter().map(|function| function.body.as_slice()).collect();
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(Pattern::Var(var, _), Some(value))
                    if matches!(value.kind, ExprKind::Not(..) | ExprKind::Conditional(..)) =>
                {
                    let Some(test) = tested(value) else { continue };
                    let read = reads(test).into_iter().find(|read| {
                        (flag(cx, file, read) || sent_flag(cx, file, read))
                            && &*read.path[0] != "this"
                            && !records.hold(cx, &read.path)
                    });
                    out.extend(read.map(|read| (*var, read)));
                }
                StmtKind::If(_, then, other) => blocks.extend([then.as_slice(), other.as_slice()]),
                StmtKind::Try { block, .. } => blocks.push(block),
                _ => {}
            }
        }
    }
    out
}

/// Flags that are compared and handed on (`done(res.data.reviewVersion === VERSION)`) or kept (`const hide = res.shenhe === '1'`).
fn compared_flags(cx: &Context<'_>, file: FileId, script: &Script, records: &Records, telling: &mut Telling<'_>) {
    let mut tests: Vec<&Expr> = Vec::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Call { callee, args, .. } = &expr.kind
            && !matches!(&callee.kind, ExprKind::Member { .. })
        {
            tests.extend(args.iter().map(|arg| &arg.value));
        }
    });
    let mut blocks: Vec<&[Stmt]> = script.functions.iter().map(|function| function.body.as_slice()).collect();
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(_, Some(value)) => tests.push(value),
                StmtKind::If(_, then, other) => blocks.extend([then.as_slice(), other.as_slice()]),
                StmtKind::Try { block, .. } => blocks.push(block),
                _ => {}
            }
        }
    }
    for test in tests {
        if !matches!(&test.kind, ExprKind::Binary(Operator::Eq | Operator::NotEq, ..)) {
            continue;
        }
        let read = reads(test).into_iter().find(|read| {
            read.path.len() > 1 && flag(cx, file, read) && !records.hold(cx, &read.path) && &*read.path[0] != "this"
        });
        if let Some(read) = read
            && let Some(finding) = telling.finding(file, Place { file, span: read.span }, read.name())
        {
            telling.out.push(finding.confidence(Confidence::Medium));
        }
    }
}

/// Whether a server's answer, or what the whole program shares, holds a review flag of a weaker name.
fn sent_flag(cx: &Context<'_>, file: FileId, read: &Read) -> bool {
    cx.policy.conduct.names("id-review-sent", read.name())
        && read.path.len() > 2
        && read.path.iter().any(|name| &**name == "data" || name.eq_ignore_ascii_case("globaldata"))
        && !ordinary(cx, file, read)
}

/// Whether an arm shows, hides or leads elsewhere.
fn hides(cx: &Context<'_>, file: FileId, condition: &Condition) -> bool {
    let leads = || {
        cx.solution.calls_in(file).iter().any(|call| {
            condition.arms.iter().flatten().any(|arm| arm.contains(call.place.span))
                && LEADS.iter().any(|role| has_role(cx, call, role))
        })
    };
    !condition.switches.is_empty()
        || condition.numbers.iter().any(|key| shows(cx, key) || controls(cx, file, key))
        || condition.strings.iter().any(|text| text.contains("pages/") || text.starts_with("http"))
        || leads()
}

/// Flags that a script hands to the page, where a template hides something by them.
fn shown_flags(cx: &Context<'_>, file: FileId, script: &Script, records: &Records, telling: &mut Telling<'_>) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut controls: Vec<(String, Place)> = Vec::new();
    for unit in units_of(cx, file) {
        for template in &unit.templates {
            for (_, element) in cx.program.elements(*template) {
                for name in super::support::expression_names(cx, *template, element, true) {
                    if (cx.policy.conduct.names("id-review-strong", &name)
                        || cx.policy.conduct.names("id-review-sent", &name))
                        && !cx.policy.conduct.names("id-review-ordinary", &name)
                        && !cx.policy.conduct.names("id-review-ordinary", &unit.route)
                        && !records.hold(cx, &[&name])
                        && !is_property(script, &name)
                    {
                        controls.push((name.clone(), Place { file: *template, span: element.open }));
                        names.insert(name);
                    }
                }
            }
        }
    }
    if names.is_empty() || names.iter().any(|name| telling.told.contains(&(file, name.clone()))) {
        return;
    }
    let strong = |name: &str| cx.policy.conduct.names("id-review-strong", name);
    let mut found: Option<Read> = None;
    script.for_each_expr(&mut |expr| {
        if found.is_none()
            && let Some(read) = chain(expr)
            && read.path.len() > 1
            && !records.hold(cx, &read.path)
            && names.contains(read.name())
            && &*read.path[0] != "this"
            && read.path.iter().all(|name| &**name != "setData")
            // A weaker name counts where an answer holds it: `res.data.auditing`.
            && (strong(read.name()) || read.path.len() > 2 && read.path.iter().any(|name| &**name == "data"))
        {
            found = Some(read);
        }
    });
    let held = |name: &str| found.as_ref().is_some_and(|read| read.name() == name);
    let Some((name, control)) = controls.into_iter().find(|(name, _)| strong(name) || held(name)) else { return };
    let place = found.map_or(control, |read| Place { file, span: read.span });
    if let Some(finding) = telling.finding(file, place, &name) {
        telling.out.push(finding.confidence(Confidence::Medium).step(control, "conduct-hidden", ""));
    }
}

/// Whether a data key shows or hides something that is no ordinary matter of time or of an order.
fn shows(cx: &Context<'_>, key: &str) -> bool {
    let conduct = &cx.policy.conduct;
    conduct.names("id-visibility", key)
        && !conduct.names("id-time-ordinary", key)
        && !conduct.names("id-review-ordinary", key)
}

/// Whether a branch hides function, by what it hangs on.
fn hangs(cx: &Context<'_>, branch: &Branch, records: &Records) -> Option<(Option<&'static str>, Option<String>)> {
    let conduct = &cx.policy.conduct;
    let turns = |value: &Option<std::sync::Arc<str>>| matches!(value.as_deref(), Some("true" | "false" | "0" | "1"));
    let switches = branch.sets.iter().any(|(key, value)| turns(value) && shows(cx, key));
    let file = branch.read.file;
    let turned = || branch.sets.iter().any(|(key, value)| turns(value) && controls(cx, file, key));
    let leads = branch
        .then_calls
        .iter()
        .chain(&branch.else_calls)
        .filter_map(|at| cx.solution.calls.get(*at))
        .any(|call| LEADS.iter().any(|role| has_role(cx, call, role)));
    match &branch.origin {
        Origin::Remote(path) => {
            let names: Vec<&str> = path.split('.').collect();
            // Whether there is anything at all is no switch.
            if branch.with.as_deref().is_some_and(|with| matches!(with, "" | "null" | "undefined"))
                || records.hold(cx, &names)
            {
                return None;
            }
            let last = path.rsplit('.').next().unwrap_or(path);
            let place = if ["ip", "city", "province", "region", "country", "area"].contains(&last) {
                let hidden = || {
                    branch.sets.iter().any(|(key, value)| {
                        matches!(value.as_deref(), Some("true" | "false")) && controls(cx, branch.read.file, key)
                    })
                };
                (branch.with.is_some() && (switches || hidden())).then_some(Some("address"))
            } else {
                None
            };
            if let Some(variant) = place {
                return Some((variant, Some(last.to_owned())));
            }
            let ordinary = || path.split('.').any(|name| conduct.names("id-review-ordinary", name));
            // What a page loads or shows only where nothing is under review.
            if by_itself(branch) && held_name(cx, last) && !ordinary() && negated(cx, branch) {
                let filled = || branch.sets.iter().any(|(key, _)| controls(cx, file, key));
                let loads = || {
                    let calls = branch.then_calls.iter().chain(&branch.else_calls);
                    calls
                        .filter_map(|at| cx.solution.calls.get(*at))
                        .any(|call| ["request", "cloud-function"].iter().any(|role| has_role(cx, call, role)))
                };
                if filled() || loads() {
                    return Some((None, Some(last.to_owned())));
                }
            }
            if matches!(last, "version" | "ver")
                && branch.with.as_deref().is_some_and(versions::numbered)
                && (switches || turned())
            {
                return Some((Some("version"), Some(last.to_owned())));
            }
            // A switch that moves everybody to other pages at once.
            let by_itself = by_itself(branch);
            (conduct.names("id-review", last) && !ordinary() && (switches || leads)
                || by_itself && leads && conduct.names("id-visibility", last) && !is_identity(last))
            .then(|| (None, Some(last.to_owned())))
        }
        Origin::Date => {
            let fixed = branch.with.as_deref().is_some_and(fixed_date);
            (fixed && (switches || leads)).then_some((Some("date"), None))
        }
        // Which program it is, is no matter of its version: one source may serve several brands.
        Origin::Environment(field) => {
            let last = field.rsplit('.').next().unwrap_or(field);
            ((switches || leads) && !conduct.names("id-program", last)).then_some((Some("version"), None))
        }
        Origin::System(field) if &**field == "version" => (switches && leads).then_some((Some("version"), None)),
        Origin::Location => (switches && branch.with.is_some()).then_some((Some("address"), None)),
        _ => None,
    }
}

/// Whether a name ends in what names somebody or something (`openId`).
fn is_identity(name: &str) -> bool {
    name_words(name).last().is_some_and(|word| word == "id") || name.eq_ignore_ascii_case("openid")
}

/// Whether a name is a review flag's and nothing else's.
fn held_name(cx: &Context<'_>, name: &str) -> bool {
    let conduct = &cx.policy.conduct;
    conduct.names("id-review-held", name) || name_words(name).len() == 1 && conduct.names("id-review-held-whole", name)
}

fn by_itself(branch: &Branch) -> bool {
    branch.entry.kind == EntryKind::Load
}

/// Whether a branch asks that a flag is off: `!flag`, `flag === 0`.
fn negated(cx: &Context<'_>, branch: &Branch) -> bool {
    let mut denied = false;
    if let Some(script) = cx.program.script(branch.place.file) {
        script.for_each_expr(&mut |expr| {
            let first = expr.span.start == branch.place.span.start && branch.place.span.contains(expr.span);
            denied |= first && matches!(expr.kind, ExprKind::Not(..));
        });
    }
    denied || matches!(branch.with.as_deref(), Some("0" | "false"))
}

/// Whether a constant is a day in time: a date text or a time stamp.
fn fixed_date(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match text.parse::<f64>() {
        Ok(number) => number > 1.4e9,
        Err(_) => digits.len() >= 6 && digits.starts_with("20"),
    }
}
