//! What several conduct rules ask: roles, triggers, what stands around an element.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::texts::{Run, Site};
use crate::flow::{EntryKind, Fact, HostCall, Place};
use crate::model::Unit;
use crate::package::Origin as FileOrigin;
use crate::policy::host::Host;
use crate::rules::drawn::unseen;
use crate::rules::elements::text_of;
use crate::rules::on_screen::is_library_text;
use crate::rules::{Confidence, Context, Finding};
use crate::source::{FileId, Span};
use crate::syntax::template::{Document, Element, NodeId, NodeKind, Part};

/// The package's host.
pub fn host<'a>(cx: &Context<'a>) -> Option<&'a Host> {
    cx.policy.host(&cx.package.host)
}

/// Whether a call's API has a role.
pub fn has_role(cx: &Context<'_>, call: &HostCall, role: &str) -> bool {
    host(cx).and_then(|host| host.apis.get(&call.api)).is_some_and(|api| api.roles.iter().any(|other| &**other == role))
}

/// Calls of own code whose API has one of the roles, by place.
pub fn calls<'a>(cx: &Context<'a>, roles: &[&str]) -> BTreeMap<Place, Vec<&'a HostCall>> {
    let mut out: BTreeMap<Place, Vec<&HostCall>> = BTreeMap::new();
    for call in &cx.solution.calls {
        if roles.iter().any(|role| has_role(cx, call, role)) {
            out.entry(call.through.unwrap_or(call.place)).or_default().push(call);
        }
    }
    out
}

/// Whether a user's own action stands on the path: a tap, or a dialog that was confirmed.
pub fn acted(call: &HostCall) -> bool {
    call.entry.kind == EntryKind::User
        || call.facts.iter().any(|fact| matches!(fact, Fact::Acted(..) | Fact::DialogConfirmed(_) | Fact::Ticked(..)))
}

/// Whether a dialog was confirmed on the path.
pub fn confirmed(call: &HostCall) -> bool {
    call.facts.iter().any(|fact| matches!(fact, Fact::DialogConfirmed(_)))
}

/// The API as users of the host write it.
pub fn api_name(call: &HostCall) -> String {
    if call.namespace.is_empty() { call.api.to_string() } else { format!("{}.{}", call.namespace, call.api) }
}

/// Roles of an element: those of its component and of its open type.
pub fn element_roles<'a>(cx: &Context<'a>, element: &Element) -> Vec<&'a str> {
    let Some(component) = host(cx).and_then(|host| host.components.get(&element.name)) else { return Vec::new() };
    let mut roles: Vec<&str> = component.roles.iter().map(|role| &**role).collect();
    if let Some(open_type) = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref()?.literal())
        && let Some((_, open)) = component.open_types.iter().find(|(name, _)| name.eq_ignore_ascii_case(&open_type))
    {
        roles.extend(open.roles.iter().map(|role| &**role));
    }
    roles
}

/// Whether a quoted or bare boolean attribute is on; `None` when an expression decides.
pub fn boolean(element: &Element, name: &str) -> Option<Option<bool>> {
    let attribute = element.attribute(name)?;
    let Some(value) = &attribute.value else { return Some(Some(true)) };
    if let Some(text) = value.literal() {
        return Some(Some(!matches!(text.trim(), "false" | "0" | "")));
    }
    let [Part::Interpolation { .. }] = value.parts.as_slice() else { return Some(None) };
    Some(None)
}

/// The element of a node.
pub fn element(document: &Document, node: NodeId) -> Option<&Element> {
    match &document.nodes.get(node as usize)?.kind {
        NodeKind::Element(element) => Some(element),
        _ => None,
    }
}

/// The elements around a node, innermost first, itself included.
pub fn ancestors(document: &Document, node: NodeId) -> impl Iterator<Item = (NodeId, &Element)> {
    let mut at = Some(node);
    std::iter::from_fn(move || {
        let node = at?;
        let parent = document.nodes.get(node as usize)?.parent;
        at = (parent != node).then_some(parent);
        Some(node)
    })
    .filter_map(move |node| Some((node, element(document, node)?)))
}

/// The unit of a route.
pub fn unit<'a>(cx: &Context<'a>, route: &str) -> Option<&'a Unit> {
    cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize))
}

/// Units whose templates or script are in that file.
pub fn units_of<'a>(cx: &Context<'a>, file: FileId) -> impl Iterator<Item = &'a Unit> {
    cx.program.units.iter().filter(move |unit| unit.script == Some(file) || unit.templates.contains(&file))
}

/// Where absence is told: the start of the application's configuration.
pub fn absence(cx: &Context<'_>) -> Option<Place> {
    let file = cx.package.app.or(cx.package.project).or_else(|| (!cx.package.files.is_empty()).then_some(FileId(0)))?;
    Some(Place { file, span: Span::new(0, 1.min(cx.package.source(file).text.len() as u32)) })
}

/// Whether it is a mini-game.
pub fn is_game(cx: &Context<'_>) -> bool {
    cx.package.game
        || cx.package.submission.categories.iter().any(|category| category.split('/').next() == Some("游戏"))
}

/// Something that users act on to share, follow or chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trigger {
    /// The template.
    pub file: FileId,
    /// The element.
    pub node: NodeId,
}

/// Elements that trigger one of the roles: by their open type or component, or through the handlers bound to them.
pub fn triggers(cx: &Context<'_>, roles: &[&str]) -> BTreeSet<Trigger> {
    let mut out = BTreeSet::new();
    for (index, file) in cx.package.files.iter().enumerate() {
        let id = FileId(index as u32);
        if file.origin != FileOrigin::Own {
            continue;
        }
        for (node, element) in cx.program.elements(id) {
            if element_roles(cx, element).iter().any(|role| roles.contains(role)) {
                out.insert(Trigger { file: id, node });
            }
        }
    }
    for calls in calls(cx, roles).values() {
        for call in calls {
            if let Some((file, node)) = call.entry.element {
                out.insert(Trigger { file, node });
            }
        }
    }
    out
}

/// Whether users can act on an element by itself.
pub fn tappable(element: &Element) -> bool {
    element.attribute("open-type").is_some()
        || &*element.name == "navigator"
        || element.attributes.iter().any(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            (name.starts_with("bind") || name.starts_with("catch")) && name.ends_with("tap")
        })
}

fn size(document: &Document, node: NodeId) -> usize {
    match &document.nodes[node as usize].kind {
        NodeKind::Root { children } => children.iter().map(|child| size(document, *child)).sum(),
        NodeKind::Element(element) => 1 + element.children.iter().map(|child| size(document, *child)).sum::<usize>(),
        _ => 0,
    }
}

/// Most elements that a box around a trigger may hold for its texts to be about the trigger.
const NEIGHBOURS: usize = 14;

/// Whether a text of the template stands at a trigger: inside it, or beside it in a small box, not in another control. `page`
/// takes a small page for such a box, too.
pub fn beside(cx: &Context<'_>, trigger: Trigger, run: &Run, page: bool) -> bool {
    let Site::Template(node) = run.site else { return false };
    if run.file != trigger.file {
        return false;
    }
    let Some(template) = cx.program.template(run.file) else { return false };
    let document = &template.document;
    // The control that the text belongs to, if any.
    for (at, element) in ancestors(document, node) {
        if at == trigger.node {
            return true;
        }
        if tappable(element) && ancestors(document, trigger.node).all(|(other, _)| other != at) {
            return false;
        }
    }
    let whole =
        |node: NodeId| ancestors(document, node).map(|(at, _)| at).chain(page.then_some(0)).collect::<Vec<NodeId>>();
    let around = whole(node);
    whole(trigger.node)
        .into_iter()
        .skip(1)
        .take(3)
        .take_while(|at| size(document, *at) <= NEIGHBOURS)
        .any(|at| around.contains(&at))
}

/// All texts of the package, with what the conduct words find in them.
pub fn all_runs<'c>(cx: &'c Context<'_>) -> &'c [Run] {
    cx.readings.shown.runs(cx)
}

/// Findings of a topic whose patterns fire alone, but for texts that another topic tells more exactly.
pub fn told(cx: &Context<'_>, rule: &'static str, topic: &str, silent: &[&str], out: &mut Vec<Finding>) -> Vec<Place> {
    told_where(cx, rule, topic, silent, &|_, _| true, out)
}

/// As [`told`], of those texts only whose matched range `keeps` holds for.
pub fn told_where(
    cx: &Context<'_>,
    rule: &'static str,
    topic: &str,
    silent: &[&str],
    keeps: &dyn Fn(&Run, Span) -> bool,
    out: &mut Vec<Finding>,
) -> Vec<Place> {
    let mut places = Vec::new();
    for run in all_runs(cx) {
        let scan = run.scan(cx);
        let Some(range) = cx.policy.conduct.fires(topic, &scan) else { continue };
        if silent.iter().any(|topic| cx.policy.conduct.fires(topic, &scan).is_some()) {
            continue;
        }
        let place = run.place(range);
        // An agreement names what it forbids.
        let forbidden = FORBIDDEN.contains(&topic) && cx.readings.agreements.hold(cx, place);
        if forbidden || !keeps(run, range) || unseen(cx, place) || is_library_text(cx, place) {
            continue;
        }
        places.push(place);
        let finding = Finding::new(rule, place).text("text", run.excerpt(range));
        // What nothing loads ships, and shows nothing.
        let idle = run.is_script() && !cx.program.live_files.contains(&run.file);
        out.push(if idle { finding.confidence(Confidence::Low) } else { finding });
    }
    for (first, second) in lines_below(cx) {
        let joined = format!("{}，{}", first.text.trim_end(), second.text.trim_start());
        let border = first.text.trim_end().len() as u32;
        let scan = cx.policy.conduct.scan(&joined);
        let Some(range) = cx.policy.conduct.fires(topic, &scan).filter(|range| crosses(*range, border)) else {
            continue;
        };
        let silenced = silent.iter().any(|topic| cx.policy.conduct.fires(topic, &scan).is_some());
        let place = first.place(Span::new(range.start, border));
        let known = places
            .iter()
            .any(|known| known.file == place.file && (first.covers(known.span) || second.covers(known.span)));
        if silenced || known || !keeps(first, Span::new(range.start, border)) || unseen(cx, place) {
            continue;
        }
        places.push(place);
        out.push(Finding::new(rule, place).text("text", joined));
    }
    places
}

/// Topics that agreements forbid by name.
const FORBIDDEN: [&str; 4] = ["cheating-tool", "fund-collection", "hidden-identity", "multi-level-distribution"];

fn crosses(range: Span, border: u32) -> bool {
    range.start < border && range.end > border
}

/// Short texts of templates, each with the one below it in the same box that goes on with its sentence: boxes of nothing but text
/// that no tap tells apart.
fn lines_below<'c>(cx: &'c Context<'_>) -> Vec<(&'c Run, &'c Run)> {
    const LONGEST: usize = 120;
    let short = |run: &Run| run.text.trim().len() <= LONGEST && !run.is_idle(cx);
    let mut out = Vec::new();
    for pair in all_runs(cx).windows(2) {
        let [first, second] = pair else { continue };
        let (Site::Template(a), Site::Template(b)) = (first.site, second.site) else { continue };
        if first.file != second.file || a == b || !short(first) || !short(second) {
            continue;
        }
        let Some(template) = cx.program.template(first.file) else { continue };
        let nodes = &template.document.nodes;
        let plain = |node: NodeId| {
            element(&template.document, node).is_some_and(|element| {
                matches!(&*element.name, "view" | "text" | "p" | "span")
                    && element.attributes.iter().all(|attribute| matches!(&*attribute.name, "class" | "style" | "id"))
            })
        };
        if !cx.policy.conduct.begins("runs-on", second.text.trim_start()) {
            continue;
        }
        let ended = first.text.trim_end().ends_with(['。', '！', '!', '；', ';', '？', '?']);
        if !ended && nodes[a as usize].parent == nodes[b as usize].parent && plain(a) && plain(b) {
            out.push((first, second));
        }
    }
    out
}

/// Takes back what was told of the labels of triggers where another text of their template tells it already.
pub fn without_labels(cx: &Context<'_>, triggers: &BTreeSet<Trigger>, out: &mut Vec<Finding>, first: usize) {
    let mut labels: BTreeSet<Place> = BTreeSet::new();
    for trigger in triggers {
        let Some(template) = cx.program.template(trigger.file) else { continue };
        let Some(control) = element(&template.document, trigger.node) else { continue };
        let end = control.close.map_or(control.open.end, |close| close.end);
        let whole = Span::new(control.open.start, end);
        let here = out[first..].iter().map(|finding| finding.place).filter(|place| place.file == trigger.file);
        labels.extend(here.filter(|place| whole.contains(place.span)));
    }
    let others: BTreeSet<FileId> = out[first..]
        .iter()
        .map(|finding| finding.place)
        .filter(|place| !labels.contains(place))
        .map(|p| p.file)
        .collect();
    let mut at = 0;
    out.retain(|finding| {
        at += 1;
        at <= first || !labels.contains(&finding.place) || !others.contains(&finding.place.file)
    });
}

/// What is told of texts beside a trigger.
#[derive(Clone, Copy, Debug)]
pub struct Lure {
    /// The rule.
    pub rule: &'static str,
    /// Topic whose patterns count beside a trigger.
    pub topic: &'static str,
    /// The note that names the trigger in the trace.
    pub note: &'static str,
    /// Whether a small page is one box with its trigger.
    pub page: bool,
}

/// Texts that stand beside a trigger and match the topic's weaker patterns; at most one a trigger.
pub fn beside_triggers(
    cx: &Context<'_>,
    lure: &Lure,
    triggers: &BTreeSet<Trigger>,
    told: &[Place],
    out: &mut Vec<Finding>,
) -> Vec<Place> {
    let Lure { rule, topic, note, page } = *lure;
    let mut places = Vec::new();
    if triggers.is_empty() {
        return places;
    }
    let runs: Vec<(&Run, Option<Span>)> = all_runs(cx)
        .iter()
        .filter(|run| matches!(run.site, Site::Template(_)) && triggers.iter().any(|trigger| trigger.file == run.file))
        .map(|run| {
            let found = cx.policy.conduct.near(topic, &run.scan(cx));
            (run, found)
        })
        .collect();
    for trigger in triggers {
        let near: Vec<&(&Run, Option<Span>)> = runs.iter().filter(|(run, _)| beside(cx, *trigger, run, page)).collect();
        if near.iter().any(|(run, _)| told.iter().any(|place| place.file == run.file && run_holds(run, *place))) {
            continue;
        }
        let label = text_of(cx.program, trigger.file, trigger.node);
        let called = cx.policy.conduct.calls(topic, &label);
        let hangs = |run: &Run, range: Span| {
            called
                || within(cx, *trigger, run)
                || cx.policy.conduct.hangs(topic, &run.scan(cx), range)
                || near
                    .iter()
                    .any(|(other, _)| siblings(cx, run, other) && cx.policy.conduct.links(topic, &other.scan(cx)))
        };
        if let Some((run, Some(range))) = near.iter().find(|(run, range)| range.is_some_and(|range| hangs(run, range)))
        {
            let place = run.place(*range);
            if places.contains(&place) || told.contains(&place) {
                continue;
            }
            let Some(at) =
                cx.program.template(trigger.file).and_then(|template| element(&template.document, trigger.node))
            else {
                continue;
            };
            places.push(place);
            out.push(Finding::new(rule, place).variant("near").text("text", run.excerpt(*range)).step(
                Place { file: trigger.file, span: at.open },
                note,
                Arc::from(&*at.name),
            ));
        }
    }
    places
}

/// Whether a text stands in a trigger.
fn within(cx: &Context<'_>, trigger: Trigger, run: &Run) -> bool {
    let Site::Template(node) = run.site else { return false };
    let template = cx.program.template(run.file).filter(|_| run.file == trigger.file);
    template.is_some_and(|template| ancestors(&template.document, node).any(|(at, _)| at == trigger.node))
}

/// Whether two texts stand in one small box: lines of one card, with nothing to tap in either.
fn siblings(cx: &Context<'_>, first: &Run, second: &Run) -> bool {
    let (Site::Template(a), Site::Template(b)) = (first.site, second.site) else { return false };
    if first.file != second.file || a == b {
        return false;
    }
    let Some(template) = cx.program.template(first.file) else { return false };
    let nodes = &template.document.nodes;
    let plain = |node: NodeId| element(&template.document, node).is_some_and(|element| !tappable(element));
    let parent = nodes[a as usize].parent;
    parent == nodes[b as usize].parent
        && plain(a)
        && plain(b)
        && element(&template.document, parent).is_some_and(|element| element.children.len() <= CARD)
}

/// Most nodes of a card whose lines are read as one.
const CARD: usize = 12;

fn run_holds(run: &Run, place: Place) -> bool {
    let whole = Span::new(0, run.text.len() as u32);
    let start = run.place(Span::new(0, 0));
    let end = run.place(Span::new(whole.end.saturating_sub(1), whole.end));
    start.span.start <= place.span.start && place.span.start <= end.span.end
}

/// Everything that a page or component shows: its templates' texts and its script's strings.
pub fn unit_texts(runs: &[Run], unit: &Unit) -> String {
    let mut out = String::new();
    for run in runs {
        let shown =
            unit.templates.contains(&run.file) || unit.script == Some(run.file) || unit.config == Some(run.file);
        if shown && out.len() < 1 << 17 {
            out.push_str(&run.text);
            out.push('\n');
        }
    }
    out
}

/// Names in the interpolations and control attributes of an element.
pub fn expression_names(cx: &Context<'_>, file: FileId, element: &Element, controls_only: bool) -> Vec<String> {
    let source = &cx.package.source(file).text;
    let mut out = Vec::new();
    for attribute in &element.attributes {
        let name = attribute.name.to_ascii_lowercase();
        let control = name.ends_with("if") || name.ends_with("elif") || name == "hidden" || name.ends_with("show");
        if controls_only && !control {
            continue;
        }
        if let Some(value) = &attribute.value {
            names_in(value.span.slice(source), &mut out);
        }
    }
    out
}

/// Names that conditions of elements read, by template, found once for all rules.
#[derive(Debug, Default)]
pub struct Controls(OnceLock<HashMap<FileId, HashSet<String>>>);

impl Controls {
    /// Whether a condition in a template reads a name.
    pub fn hold(&self, cx: &Context<'_>, template: FileId, name: &str) -> bool {
        let names = |file: FileId| {
            let elements = cx.program.elements(file);
            elements.flat_map(|(_, element)| expression_names(cx, file, element, true)).collect()
        };
        let all = self.0.get_or_init(|| {
            let files = (0..cx.package.files.len() as u32).map(FileId);
            files.filter(|file| cx.program.template(*file).is_some()).map(|file| (file, names(file))).collect()
        });
        all.get(&template).is_some_and(|names| names.contains(name))
    }
}

/// Identifiers of an expression's text.
pub fn names_in(text: &str, out: &mut Vec<String>) {
    for name in text.split(|character: char| !(character.is_alphanumeric() || character == '_' || character == '$')) {
        if name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') {
            out.push(name.to_owned());
        }
    }
}
