//! Sharing that a function, a reward or a chance hangs on: by texts, beside triggers, and in branches on the result.

use std::collections::BTreeSet;

use super::support::{
    Lure, Trigger, beside_triggers, calls, element, has_role, told_where, triggers, units_of, without_labels,
};
use super::texts::{Run, Site};
use crate::flow::{Branch, Fact, HostCall, Origin, Place, Update};
use crate::model::conditions::{chain, conditions};
use crate::model::ir::{Expr, ExprKind, Key, Name, Operator, Pattern, Property, Script};
use crate::package::Origin as FileOrigin;
use crate::rules::elements::text_of;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::template::{NodeId, NodeKind, Part};

/// `conduct/induced-sharing`
#[derive(Debug)]
pub struct InducedSharing;

const TOPIC: &str = "induced-sharing";

impl Rule for InducedSharing {
    fn id(&self) -> &'static str {
        "conduct/induced-sharing"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let first = out.len();
        let triggers = triggers(cx, &["share"]);
        let asks = |run: &Run, range: Span| !is_label(run, range) || at_trigger(cx, &triggers, run.place(range));
        let silent = ["paid-forwarding", "multi-level-distribution"];
        let mut places = told_where(cx, self.id(), TOPIC, &silent, &asks, out);
        places.extend(beside_triggers(
            cx,
            &Lure { rule: self.id(), topic: TOPIC, note: "conduct-share-trigger", page: true },
            &triggers,
            &places,
            out,
        ));
        without_labels(cx, &triggers, out, first);
        for finding in &out[first..] {
            places.push(finding.place);
        }
        dialogs(self.id(), cx, &mut places, out);
        results(self.id(), cx, &["share"], |origin| matches!(origin, Origin::Share(_)), &places, out);
    }
}

/// Whether a template's text is nothing but the matched word: a heading or the label of a record, unless it shares.
fn is_label(run: &Run, range: Span) -> bool {
    matches!(run.site, Site::Template(_))
        && run.text.trim() == range.slice(&run.text)
        && range.slice(&run.text).chars().count() <= LABEL
}

/// Most characters of a label that asks nobody for anything by itself.
const LABEL: usize = 4;

fn at_trigger(cx: &Context<'_>, triggers: &BTreeSet<Trigger>, place: Place) -> bool {
    triggers.iter().filter(|trigger| trigger.file == place.file).any(|trigger| {
        let control = cx.program.template(trigger.file).and_then(|template| element(&template.document, trigger.node));
        control.is_some_and(|control| {
            Span::new(control.open.start, control.close.map_or(control.open.end, |close| close.end))
                .contains(place.span)
        })
    })
}

/// Dialogs that promise something and whose confirmation shares.
fn dialogs(rule: &'static str, cx: &Context<'_>, places: &mut Vec<Place>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let mut seen = BTreeSet::new();
    for (share, group) in calls(cx, &["share"]) {
        for fact in group.iter().flat_map(|call| call.facts.iter()) {
            let Fact::DialogConfirmed(dialog) = fact else { continue };
            for call in cx.solution.calls_at(*dialog) {
                for text in
                    ["0.content", "0.title", "0"].iter().filter_map(|path| call.arg(path)).flat_map(|arg| &arg.strings)
                {
                    let joined = text.pieces.join(" ");
                    let scan = conduct.scan(&joined);
                    let Some(place) = text.place else { continue };
                    if conduct.near(TOPIC, &scan).is_some() && !told_at(places, place) && seen.insert(place) {
                        places.push(place);
                        out.push(Finding::new(rule, place).variant("near").text("text", joined).step(
                            share,
                            "conduct-share-trigger",
                            "",
                        ));
                    }
                }
            }
        }
    }
}

fn told_at(places: &[Place], place: Place) -> bool {
    places
        .iter()
        .any(|told| told.file == place.file && (place.span.contains(told.span) || told.span.contains(place.span)))
}

/// What is granted when an action succeeded: data, storage, requests. Told where no text of the page was told.
pub fn results(
    rule: &'static str,
    cx: &Context<'_>,
    roles: &[&str],
    is_result: impl Fn(&Origin) -> bool,
    told: &[Place],
    out: &mut Vec<Finding>,
) {
    let conduct = &cx.policy.conduct;
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    let sharing = roles.contains(&"share");
    let page_told = |route: &str| {
        cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)).is_some_and(|unit| {
            told.iter().any(|place| unit.templates.contains(&place.file) || unit.script == Some(place.file))
        })
    };
    let mut routes: BTreeSet<String> = BTreeSet::new();
    let mut add = |place: Place, name: &str, at: Option<Place>, route: &str, out: &mut Vec<Finding>| {
        // What a share callback tells, it has done a line above.
        let again = sharing && at.is_none() && routes.contains(route);
        if !page_told(route) && !again && seen.insert(place) {
            routes.insert(route.to_owned());
            let mut finding =
                Finding::new(rule, place).variant("branch").text("text", name).confidence(Confidence::Medium);
            if let Some(at) = at {
                finding = finding.step(at, "conduct-granted", name);
            }
            out.push(finding);
        }
    };
    for branch in cx.solution.branches.iter().filter(|branch| is_result(&branch.origin)) {
        if let Some(name) = granted(cx, branch) {
            add(branch.read, &name, None, &branch.entry.route, out);
        }
    }
    let mut triggers: BTreeSet<Place> = calls(cx, roles).into_keys().collect();
    if sharing {
        triggers.extend(&cx.solution.share_results);
    }
    let methods = super::support::host(cx).map_or(&[][..], |host| &host.info.share_methods);
    let share_method = |method: &str| sharing && methods.iter().any(|known| &**known == method);
    for update in &cx.solution.updates {
        // What a share adds to is what it pays in, whatever it is called.
        if sharing && !conduct.names("id-grant", &update.key) && raised(cx, update) {
            if update.after.iter().any(|at| triggers.contains(at))
                || share_method(&update.method) && update.after.is_empty()
            {
                add(update.place, &update.key, None, &update.route, out);
            }
            continue;
        }
        if !conduct.names("id-grant", &update.key) {
            let after = update.after.iter().find(|at| triggers.contains(at));
            if sharing
                && let Some(at) = after
                && (parts_content(cx, update) || only_after(cx, update, &triggers))
            {
                add(*at, &update.key, Some(update.place), &update.route, out);
            }
            continue;
        }
        if let Some(at) = update.after.iter().find(|at| triggers.contains(at)) {
            add(*at, &update.key, Some(update.place), &update.route, out);
        } else if share_method(&update.method) && update.after.is_empty() {
            add(update.place, &update.key, None, &update.route, out);
        }
    }
    if sharing {
        for (place, key, route) in remembered(cx, &share_method) {
            add(place, &key, None, &route, out);
        }
    }
    for call in &cx.solution.calls {
        let shared = sharing
            && ["dialog", "toast"].iter().any(|role| has_role(cx, call, role))
            && call.facts.iter().any(|fact| matches!(fact, Fact::Succeeded(place) if triggers.contains(place)));
        let thanks = ["0.title", "0.content"].iter().filter(|_| shared).filter_map(|path| call.arg(path)?.text());
        if let Some(text) = thanks.into_iter().find(|text| conduct.fires("share-thanks", &conduct.scan(text)).is_some())
        {
            add(call.place, text, None, &call.entry.route, out);
            continue;
        }
        let at = call.facts.iter().find_map(|fact| match fact {
            Fact::Succeeded(place) if triggers.contains(place) => Some(*place),
            Fact::Tested { origin, place, .. } if is_result(origin) => Some(*place),
            _ => None,
        });
        let at = at.or_else(|| share_method(&call.entry.method).then_some(call.place));
        if let Some(at) = at
            && let Some(name) = grants(cx, call)
            && conduct.names("id-grant", &name)
        {
            add(at, &name, Some(call.place), &call.entry.route, out);
        }
    }
}

/// Branches on what a share method left behind, in storage, on its page or in the program's data, that grant something: the right comes
/// with the next visit.
fn remembered(cx: &Context<'_>, share_method: &dyn Fn(&str) -> bool) -> Vec<(Place, String, String)> {
    let conduct = &cx.policy.conduct;
    let own = |index: usize| cx.package.files.get(index).is_some_and(|file| file.origin == FileOrigin::Own);
    let mut stored: BTreeSet<Name> = BTreeSet::new();
    let mut fields: BTreeSet<(Option<FileId>, Name)> = BTreeSet::new();
    let scripts: Vec<(FileId, &Script)> = cx
        .program
        .facts
        .iter()
        .enumerate()
        .filter(|(index, _)| own(*index))
        .filter_map(|(index, facts)| Some((FileId(index as u32), facts.script.as_deref()?)))
        .collect();
    for (file, script) in &scripts {
        for function in script.functions.iter().filter(|one| one.name.as_deref().is_some_and(share_method)) {
            function.for_each_expr(&mut |expr| match &expr.kind {
                ExprKind::Call { callee, args, .. } => {
                    let ExprKind::Member { key: Key::Static(name, _), .. } = &callee.kind else { return };
                    let key = match args.first().map(|arg| &arg.value.kind) {
                        Some(ExprKind::String(key)) if &**name == "setStorageSync" => Some(key.clone()),
                        Some(ExprKind::Object(properties)) if &**name == "setStorage" => {
                            properties.iter().find_map(|property| match property {
                                Property::Value(Key::Static(name, _), value) if &**name == "key" => match &value.kind {
                                    ExprKind::String(key) => Some(key.clone()),
                                    _ => None,
                                },
                                _ => None,
                            })
                        }
                        _ => None,
                    };
                    stored.extend(key);
                }
                ExprKind::Assign { .. } | ExprKind::Update(_) => {
                    let target = match &expr.kind {
                        ExprKind::Assign { target, .. } => &**target,
                        ExprKind::Update(target) => target,
                        _ => return,
                    };
                    if let Pattern::Member(member) = target
                        && let Some(read) = chain(member)
                        && read.path.iter().any(|name| matches!(&**name, "this" | "globalData"))
                    {
                        let shared = read.path.iter().any(|name| &**name == "globalData");
                        fields.insert(((!shared).then_some(*file), read.name().into()));
                    }
                }
                _ => {}
            });
        }
    }
    if stored.is_empty() && fields.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (file, script) in scripts {
        let source = &cx.package.source(file).text;
        let Some(unit) = units_of(cx, file).next() else { continue };
        for condition in conditions(script) {
            let asked = condition.constants.iter().any(|constant| stored.contains(constant))
                && condition.span.slice(source).contains("getStorage")
                || condition.reads.iter().any(|read| {
                    let held = |of: &Option<FileId>| of.is_none_or(|of| of == file);
                    read.path.len() > 1 && fields.iter().any(|(of, name)| held(of) && **name == *read.name())
                });
            let granted = |key: &str| {
                conduct.names("id-grant", key)
                    || !conduct.names("id-share-ordinary", key)
                        && unit.templates.iter().any(|template| {
                            let sides = sides(cx, *template, key);
                            sides.iter().any(|(on, node)| *on && holds_content(cx, *template, *node))
                        })
            };
            let turned = condition.switches.iter().find(|(key, on)| *on && granted(key));
            if let Some((key, _)) = turned.filter(|_| asked && !condition.compares) {
                out.push((Place { file, span: condition.span }, key.to_string(), unit.route.to_string()));
            }
        }
    }
    out
}

/// Whether an update adds to what the page holds under the same name: `setData({ left: this.data.left + 3 })`.
fn raised(cx: &Context<'_>, update: &Update) -> bool {
    let Some(script) = cx.program.script(update.place.file) else { return false };
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        if found || !update.place.span.contains(expr.span) {
            return;
        }
        let ExprKind::Object(properties) = &expr.kind else { return };
        found |= properties.iter().any(|property| {
            let Property::Value(Key::Static(key, _), value) = property else { return false };
            let ExprKind::Binary(Operator::Add, left, right) = &value.kind else { return false };
            let same =
                chain(left).is_some_and(|read| read.name() == &**key && read.path.iter().any(|name| &**name == "data"));
            **key == *update.key && same && matches!(right.kind, ExprKind::Number(_) | ExprKind::Var(_))
        });
    });
    found
}

/// Whether an update turns a flag on by which the page's template shows content in place of something else, whatever it is called.
fn parts_content(cx: &Context<'_>, update: &Update) -> bool {
    let conduct = &cx.policy.conduct;
    !conduct.names("id-share-ordinary", &update.key)
        && turns_on(cx, update)
        && units_of(cx, update.place.file).flat_map(|unit| &unit.templates).any(|template| {
            let sides = sides(cx, *template, &update.key);
            sides.iter().any(|(on, node)| *on && holds_content(cx, *template, *node)) && sides.iter().any(|(on, _)| !on)
        })
}

/// Whether an update sets a flag to `true`.
fn turns_on(cx: &Context<'_>, update: &Update) -> bool {
    set_to(cx, update.place.file, &update.key)
        .any(|(at, value)| update.place.span.contains(at) && matches!(value.kind, ExprKind::Bool(true)))
}

/// The elements that a flag shows where it is on, and those where it is off.
fn sides(cx: &Context<'_>, template: FileId, key: &str) -> Vec<(bool, NodeId)> {
    let mut out = Vec::new();
    let Some(document) = cx.program.template(template).map(|template| &template.document) else { return out };
    for (node, tested) in cx.program.elements(template) {
        for attribute in &tested.attributes {
            let name = attribute.name.to_ascii_lowercase();
            let hides = name == "hidden";
            if !hides && (!name.ends_with("if") || name.ends_with("elif")) {
                continue;
            }
            let Some(value) = &attribute.value else { continue };
            let test = value.span.slice(&cx.package.source(template).text);
            let test = test.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '{' | '}'));
            let on = match test.strip_prefix('!') {
                Some(rest) if rest.trim() == key => false,
                None if test == key => true,
                _ => continue,
            };
            out.push((on != hides, node));
            let parent = document.nodes.get(node as usize).map_or(0, |node| node.parent);
            let siblings = match document.nodes.get(parent as usize).map(|node| &node.kind) {
                Some(NodeKind::Element(parent)) => &parent.children,
                Some(NodeKind::Root { children }) => children,
                _ => continue,
            };
            let mut next = siblings.iter().skip_while(|sibling| **sibling != node).skip(1);
            let next = next.find_map(|sibling| Some((*sibling, element(document, *sibling)?)));
            if let Some((other, element)) = next.filter(|_| !hides)
                && element.attributes.iter().any(|attribute| attribute.name.to_ascii_lowercase().ends_with("else"))
            {
                out.push((!on, other));
            }
        }
    }
    out
}

/// Whether an element shows more than a word of thanks: data of the page, a medium, or a text of some length.
fn holds_content(cx: &Context<'_>, template: FileId, node: NodeId) -> bool {
    /// Characters of a text that says more than that something was done.
    const LONG: usize = 24;
    let Some(document) = cx.program.template(template).map(|template| &template.document) else { return false };
    let mut nodes = vec![node];
    while let Some(at) = nodes.pop() {
        match document.nodes.get(at as usize).map(|node| &node.kind) {
            Some(NodeKind::Text(parts)) if parts.iter().any(|part| matches!(part, Part::Interpolation { .. })) => {
                return true;
            }
            Some(NodeKind::Element(element)) => {
                if matches!(&*element.name, "rich-text" | "video" | "audio" | "image") {
                    return true;
                }
                nodes.extend(&element.children);
            }
            _ => {}
        }
    }
    text_of(cx.program, template, node).chars().count() >= LONG
}

/// Whether what a page shows is set nowhere but after a share.
fn only_after(cx: &Context<'_>, update: &Update, triggers: &BTreeSet<Place>) -> bool {
    let conduct = &cx.policy.conduct;
    let file = update.place.file;
    let mut others = cx.solution.updates.iter().filter(|other| other.route == update.route && other.key == update.key);
    !conduct.names("id-share-ordinary", &update.key)
        && set_to(cx, file, &update.key).count() == 1
        && set_to(cx, file, &update.key)
            .all(|(_, value)| matches!(value.kind, ExprKind::Member { .. } | ExprKind::Var(_)))
        && others.all(|other| other.after.iter().any(|at| triggers.contains(at)))
        && units_of(cx, file).flat_map(|unit| &unit.templates).any(|template| shown(cx, *template, &update.key))
}

/// Whether a template shows a data key as text, or as a list.
fn shown(cx: &Context<'_>, template: FileId, key: &str) -> bool {
    let Some(document) = cx.program.template(template).map(|template| &template.document) else { return false };
    let source = &cx.package.source(template).text;
    let named = |span: Span| {
        let mut names = Vec::new();
        super::support::names_in(span.slice(source), &mut names);
        names.first().is_some_and(|name| name == key)
    };
    document.nodes.iter().any(|node| match &node.kind {
        NodeKind::Text(parts) => {
            parts.iter().any(|part| matches!(part, Part::Interpolation { span, .. } if named(*span)))
        }
        NodeKind::Element(element) => element.attributes.iter().any(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            (name == "nodes" || name.ends_with("for"))
                && attribute.value.as_ref().is_some_and(|value| value.span.slice(source).contains(key))
        }),
        _ => false,
    })
}

/// Where `setData` of a script sets a key, and to what.
fn set_to<'c>(cx: &'c Context<'_>, file: FileId, key: &str) -> impl Iterator<Item = (Span, &'c Expr)> {
    let mut found = Vec::new();
    if let Some(script) = cx.program.script(file) {
        script.for_each_expr(&mut |expr| {
            let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
            let sets =
                matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "setData");
            let Some(ExprKind::Object(properties)) = args.first().filter(|_| sets).map(|arg| &arg.value.kind) else {
                return;
            };
            for property in properties {
                if let Property::Value(Key::Static(name, _), value) = property
                    && **name == *key
                {
                    found.push((expr.span, value));
                }
            }
        });
    }
    found.into_iter()
}

fn granted(cx: &Context<'_>, branch: &Branch) -> Option<String> {
    let conduct = &cx.policy.conduct;
    if let Some((key, _)) = branch.sets.iter().find(|(key, _)| conduct.names("id-grant", key)) {
        return Some(key.to_string());
    }
    branch.then_calls.iter().filter_map(|at| cx.solution.calls.get(*at)).find_map(|call| grants(cx, call))
}

/// What a call hands out, by the name of its key or the words of its address.
fn grants(cx: &Context<'_>, call: &HostCall) -> Option<String> {
    let conduct = &cx.policy.conduct;
    let path = if has_role(cx, call, "storage-set") {
        ["0.key", "0"]
    } else if has_role(cx, call, "request") || has_role(cx, call, "cloud-function") {
        ["0.url", "0.name"]
    } else {
        return None;
    };
    path.iter().filter_map(|path| call.arg(path)).flat_map(|arg| &arg.strings).find_map(|text| {
        let joined = text.pieces.join(" ");
        let tail =
            joined.rsplit("//").next().unwrap_or(&joined).split_once('/').map_or(&*joined, |(_, path)| path).to_owned();
        conduct.names("id-grant", &tail).then_some(tail)
    })
}
