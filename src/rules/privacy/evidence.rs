//! What the rules of this group and of `security/` share: texts of elements and dialogs, groups of flows, silences.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{
    Collection, Consent, Entry, EntryKind, Fact, Flow, HostCall, Kind, Place, Protection, SinkKind, Step,
};
use crate::model::ir::ExprKind;
use crate::model::{Unit, UnitKind};
use crate::policy::host::Api;
use crate::policy::privacy::ConsentText;
pub(super) use crate::rules::elements::{
    ancestors, around, beside, continued, element, literal, short_text_of, text_of,
};
use crate::rules::{Confidence, Context, Finding};
use crate::source::{FileId, Span};
use crate::syntax::template::NodeId;

/// Where absence is told: the start of `app.json`.
pub fn app_place(cx: &Context<'_>) -> Option<Place> {
    Some(Place { file: cx.package.app?, span: Span::at(0) })
}

/// The host's entry for a call.
pub fn api<'a>(cx: &Context<'a>, call: &HostCall) -> Option<&'a Api> {
    cx.policy.host(&cx.package.host)?.apis.get(&call.api)
}

/// Calls with a role.
pub fn calls<'a>(cx: &Context<'a>, role: &'a str) -> impl Iterator<Item = (&'a HostCall, &'a Api)> {
    let host = cx.policy.host(&cx.package.host);
    let of = move |name: &str| host.and_then(|host| host.apis.get(name)).filter(|api| api.has_role(role));
    cx.solution.calls_of(move |name| of(name).is_some()).filter_map(move |call| Some((call, of(&call.api)?)))
}

/// What an entry point is called: its method, or the unit whose top-level code it is.
pub fn entry_name(entry: &Entry) -> &str {
    if entry.method.is_empty() { &entry.route } else { &entry.method }
}

/// What is known of the text in a parameter; holes are left out.
pub fn param_text(call: &HostCall, api: &Api, param: &str) -> String {
    let Some(value) = api.param(param).and_then(|path| call.arg(path)) else { return String::new() };
    value.strings.iter().map(|text| text.pieces.concat()).collect::<Vec<_>>().join(" ")
}

/// The text of a dialog: title, content, buttons.
pub fn dialog_text(call: &HostCall, api: &Api) -> String {
    ["title", "content", "confirm-text", "cancel-text"].map(|param| param_text(call, api, param)).join(" ")
}

/// The texts of the dialogs that were agreed to on the way.
pub fn agreed_text(cx: &Context<'_>, facts: &BTreeSet<Fact>) -> String {
    let mut out = String::new();
    let host = cx.policy.host(&cx.package.host);
    for fact in facts {
        if let Fact::DialogConfirmed(place) = fact {
            let dialogs = cx.solution.calls_at(*place).filter_map(|call| Some((call, host?.apis.get(&call.api)?)));
            for (call, api) in dialogs.filter(|(_, api)| api.has_role("dialog")) {
                out.push_str(&dialog_text(call, api));
                out.push(' ');
            }
        }
        if let Fact::Acted(file, node) | Fact::Ticked(file, node) = fact {
            out.push_str(&around(cx.program, *file, *node));
            out.push(' ');
        }
    }
    out
}

/// Whether something happens when the element is tapped: a handler, or an address, on it or on what it stands in.
pub fn is_live(cx: &Context<'_>, file: FileId, node: NodeId) -> bool {
    let program = cx.program;
    let host = cx.policy.host(&cx.package.host);
    let tells = |name: &str| host.and_then(|host| host.apis.get(name)).is_some_and(|api| api.has_role("toast"));
    std::iter::once(node).chain(ancestors(program, file, node)).take(4).any(|node| {
        program.bindings_in(file).any(|binding| {
            binding.node == node
                && binding.user_action
                && binding.handler.is_some()
                && !crate::model::is_idle(program, binding, &tells)
        }) || element(program, file, node).is_some_and(|element| {
            ["url", "src", "path"].iter().any(|name| {
                element.attribute(name).and_then(|attribute| attribute.value.as_ref()).is_some_and(|value| {
                    value.literal().is_none_or(|text| !matches!(text.trim(), "" | "#" | "/" | "javascript:;"))
                        // The cell of a menu may be a link.
                        && (*name == "url" || matches!(&*element.name, "navigator" | "web-view" | "a" | "link"))
                })
            }) && (matches!(&*element.name, "navigator" | "web-view" | "a" | "link")
                || host.is_some_and(|host| !host.components.contains_key(&element.name)))
        })
    })
}

/// Units that ship and run.
pub fn live_units<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Unit> {
    cx.program.units.iter().filter(|unit| is_live_unit(unit))
}

/// Whether a unit ships and runs.
pub fn is_live_unit(unit: &Unit) -> bool {
    unit.live || unit.kind == UnitKind::App
}

/// The unit of a route.
pub fn unit_of_route<'a>(cx: &Context<'a>, route: &str) -> Option<&'a Unit> {
    cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize))
}

/// The unit that holds a template as its own.
pub fn unit_of_template<'a>(cx: &Context<'a>, file: FileId) -> Option<&'a Unit> {
    cx.program
        .units
        .iter()
        .find(|unit| unit.template == Some(file))
        .or_else(|| cx.program.units.iter().find(|unit| unit.templates.contains(&file)))
}

/// Kinds that APIs hand over as the path of a temporary file.
pub fn is_path(kind: &str) -> bool {
    matches!(kind, "photo-media" | "chosen-file" | "audio")
}

/// Kinds that are personal information.
pub fn personal<'k>(cx: &Context<'_>, kinds: impl IntoIterator<Item = &'k Kind>) -> BTreeSet<Kind> {
    kinds.into_iter().filter(|kind| cx.policy.privacy.is_personal(kind)).cloned().collect()
}

/// Kinds of a collection that count: pictures and files only where they show a person, a document or a record.
pub fn counted(cx: &Context<'_>, collection: &Collection) -> BTreeSet<Kind> {
    // It was collected elsewhere.
    if collection.answered {
        return BTreeSet::new();
    }
    let mut kinds = personal(cx, &collection.kinds);
    if kinds.iter().any(|kind| matches!(&**kind, "photo-media" | "chosen-file")) && !shows_person(cx, collection) {
        kinds.retain(|kind| !matches!(&**kind, "photo-media" | "chosen-file"));
    }
    if kinds.contains("clipboard") && is_read_back(cx, collection) {
        kinds.remove("clipboard");
    }
    // Who never looks at what was scanned only shows the camera.
    if collection.element.is_none() && !collection.used {
        kinds.remove("scan-result");
    }
    // A host button is a source only if its answer is read.
    if collection.element.is_some() && !collection.used && collection.source.contains("button") {
        kinds.clear();
    }
    if let Some((file, node)) = collection.element
        && is_input(cx, collection)
    {
        let fixed = element(cx.program, file, node).is_some_and(|element| {
            ["disabled", "readonly"].into_iter().filter_map(|name| element.attribute(name)).any(|attribute| {
                attribute.value.as_ref().is_none_or(|value| {
                    let text = value.span.slice(&cx.package.source(file).text);
                    text.trim_matches(['{', '}', ' ', '=']) == "true" || text == &*attribute.name
                })
            })
        });
        if fixed || is_dialled(cx, collection) {
            kinds.clear();
        }
    }
    kinds
}

/// Whether the clipboard is read only where the program has just filled it: what it finds is its own text.
fn is_read_back(cx: &Context<'_>, collection: &Collection) -> bool {
    !collection.reaches.is_empty()
        && collection.reaches.iter().all(|reach| {
            reach.facts.iter().any(|fact| {
                matches!(fact, Fact::Succeeded(place) if cx.solution.calls_at(*place)
                    .any(|call| api(cx, call).is_some_and(|api| api.has_role("clipboard-write"))))
            })
        })
}

/// Whether an input only takes a number to call.
fn is_dialled(cx: &Context<'_>, collection: &Collection) -> bool {
    let Some(unit) = unit_of_template(cx, collection.place.file) else { return false };
    collection.kinds.iter().all(|kind| &**kind == "phone-number")
        && calls(cx, "phone-call").any(|(call, api)| {
            unit.route == call.entry.route
                && api
                    .param("number")
                    .and_then(|path| call.arg(path))
                    .is_some_and(|number| number.kinds.iter().any(|kind| &**kind == "phone-number"))
        })
        && !own_flows(cx, collection)
            .any(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Storage | SinkKind::Cloud))
}

/// Whether a field, label or function shows that a picture is of a person, a document or a record.
fn shows_person(cx: &Context<'_>, collection: &Collection) -> bool {
    let privacy = &cx.policy.privacy;
    let mut texts: Vec<String> = Vec::new();
    for reach in &collection.reaches {
        texts.push(reach.entry.method.to_string());
        texts.extend(reach.path.iter().map(|step| step.name.to_string()));
        if let Some((file, node)) = reach.entry.element {
            texts.push(around(cx.program, file, node));
        }
    }
    if let Some((file, node)) = collection.element {
        texts.push(around(cx.program, file, node));
    }
    for flow in own_flows(cx, collection) {
        texts.push(flow.param.to_string());
        texts.extend(flow.hops.iter().map(|step| step.name.to_string()));
        texts.extend(flow.urls.iter().map(|url| url.pieces.concat()));
        texts.push(call_text(cx, flow.place).chars().take(400).collect());
    }
    texts.iter().any(|text| privacy.shows_person_picture(text))
}

/// A call as it is written, without comments and without parameters that say nothing of the file it sends.
fn call_text(cx: &Context<'_>, place: Place) -> String {
    let source = &cx.package.source(place.file).text;
    let mut out = String::new();
    let mut at = place.span.start;
    let comments = cx.program.script(place.file).map_or(&[][..], |script| &script.comments);
    for comment in comments.iter().filter(|comment| place.span.contains(**comment)) {
        out.push_str(Span::new(at, comment.start.max(at)).slice(source));
        at = comment.end.max(at);
    }
    out.push_str(Span::new(at, place.span.end).slice(source));
    for name in cx.policy.privacy.beside_picture() {
        let Some(start) = out.match_indices(&**name).map(|(at, _)| at).find(|at| {
            let border = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
            border(out[..*at].chars().next_back())
                && out[at + name.len()..].trim_start_matches(['"', '\'', ' ']).starts_with([':', ','])
        }) else {
            continue;
        };
        let mut depth = 0;
        let end = out[start..].char_indices().find(|(_, c)| {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            depth < 0 || depth == 0 && *c == ','
        });
        out.replace_range(start..end.map_or(out.len(), |(end, _)| start + end), "");
    }
    out
}

fn own_flows<'a>(cx: &Context<'a>, collection: &Collection) -> impl Iterator<Item = &'a Flow> {
    cx.solution.index_of(collection).into_iter().flat_map(|index| cx.solution.flows_of(index))
}

/// Whether a collection is an input, picker or the like.
pub fn is_input(cx: &Context<'_>, collection: &Collection) -> bool {
    let components = cx.policy.host(&cx.package.host).map(|host| &host.components);
    let component = match collection.element {
        Some((file, node)) => {
            let Some(element) = element(cx.program, file, node) else { return false };
            match components.and_then(|components| components.get(&element.name)) {
                Some(component) => component,
                // Of a library's components only fields are sources.
                None => return true,
            }
        }
        // What code renders is named by its component.
        None => match components.and_then(|components| components.get(&*collection.source)) {
            Some(component) => component,
            None => return false,
        },
    };
    component.roles.iter().any(|role| {
        matches!(
            &**role,
            "input" | "textarea" | "picker" | "checkbox" | "radio" | "switch" | "slider" | "editor" | "form"
        )
    })
}

/// How sure a finding about a collection is.
pub fn confidence(collection: &Collection) -> Confidence {
    match collection.certainty {
        85.. => Confidence::High,
        65..=84 => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// Flows of a collection.
pub fn flows_of<'a>(cx: &Context<'a>, index: usize) -> impl Iterator<Item = &'a Flow> {
    cx.solution.flows_of(index)
}

/// What keeps a value safe on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing, or only an encoding.
    Bare,
    /// A weak cipher, mode or hash, or a key in the source: the protecting call.
    Weak(Place),
    /// Enough.
    Safe,
}

/// What keeps a flow's value safe.
pub fn guard(flow: &Flow) -> Guard {
    let mut weak = None;
    for protection in &flow.protections {
        match protection {
            Protection::Strong(_) | Protection::Masked | Protection::Hashed(_) | Protection::HostCiphertext => {
                return Guard::Safe;
            }
            Protection::Weak(_, place) => weak = weak.or(Some(*place)),
            Protection::Encoded(_) => {}
        }
    }
    weak.map_or(Guard::Bare, Guard::Weak)
}

/// Whether the value still tells who somebody is: masked values and ciphertexts do not, hashes do.
pub fn identifies(flow: &Flow) -> bool {
    !flow
        .protections
        .iter()
        .any(|protection| matches!(protection, Protection::Strong(_) | Protection::Masked | Protection::HostCiphertext))
}

/// Flows to one sink call, with the kinds that count.
pub struct Sink<'a> {
    /// The sink call.
    pub place: Place,
    /// The flows, in order of collection.
    pub flows: Vec<&'a Flow>,
    /// Their kinds.
    pub kinds: BTreeSet<Kind>,
}

/// Flows that `keep` keeps, by sink call.
pub fn sinks<'a>(cx: &Context<'a>, keep: impl Fn(&Flow) -> bool) -> Vec<Sink<'a>> {
    let mut by_place: BTreeMap<Place, Sink<'a>> = BTreeMap::new();
    for flow in cx.solution.flows.iter().filter(|flow| keep(flow)) {
        let Some(collection) = cx.solution.collections.get(flow.collection) else { continue };
        let allowed = if collection.answered { personal(cx, &collection.kinds) } else { counted(cx, collection) };
        let kinds: BTreeSet<Kind> = personal(cx, &flow.kinds)
            .into_iter()
            .filter(|kind| allowed.contains(kind) || !collection.kinds.contains(kind))
            .collect();
        if kinds.is_empty() {
            continue;
        }
        let sink = by_place.entry(flow.place).or_insert_with(|| Sink {
            place: flow.place,
            flows: Vec::new(),
            kinds: BTreeSet::new(),
        });
        sink.flows.push(flow);
        sink.kinds.extend(kinds);
    }
    by_place.into_values().collect()
}

impl Sink<'_> {
    /// A finding at the sink with its kinds and, as trace, every source and the way from it.
    pub fn finding(&self, cx: &Context<'_>, rule: &'static str) -> Finding {
        let mut finding = Finding::new(rule, self.place)
            .kinds(&self.kinds)
            .text("sink", self.flows.first().map_or("", |flow| &*flow.api));
        let mut sure = Confidence::Low;
        let mut seen: BTreeSet<(Place, &str, &str)> = BTreeSet::new();
        for flow in &self.flows {
            let Some(collection) = cx.solution.collections.get(flow.collection) else { continue };
            sure = sure.max(confidence(collection));
            if seen.insert((collection.place, "privacy-source", &collection.source)) {
                finding = finding.step(collection.place, "privacy-source", collection.source.clone());
            }
            // The source has been told.
            for hop in flow.hops.iter().filter(|hop| hop.note != "source") {
                if seen.insert((hop.place, hop.note, &hop.name)) {
                    finding = finding.steps([hop.clone()]);
                }
            }
            for protection in &flow.protections {
                if let Protection::Encoded(name) = protection
                    && seen.insert((flow.place, "privacy-encoded", name))
                {
                    finding = finding.step(flow.place, "privacy-encoded", name.clone());
                }
            }
        }
        // Several ways end in one place: it is told last.
        finding.trace.sort_by_key(|step| step.note == "sink");
        finding.confidence(sure)
    }
}

/// The first step of a consent-free path: who starts it.
pub fn entry_step(entry: &Entry) -> Step {
    let note = match entry.kind {
        EntryKind::TopLevel => "privacy-entry-top",
        EntryKind::Load => "privacy-entry-load",
        EntryKind::Host => "privacy-entry-host",
        EntryKind::User => "privacy-entry-user",
        EntryKind::Event => "privacy-entry-event",
    };
    let name =
        if entry.route.is_empty() { entry.method.clone() } else { format!("{}.{}", entry.route, entry.method).into() };
    Step { place: entry.place, note, name }
}

/// The path of the weakest way to a collection: the entry point, the calls.
pub fn weakest_path(collection: &Collection) -> Vec<Step> {
    collection.weakest().map_or_else(Vec::new, |reach| {
        std::iter::once(entry_step(&reach.entry)).chain(reach.path.iter().cloned()).collect()
    })
}

/// Whether the user did something before: tapped, confirmed, ticked, picked.
pub fn user_acted(cx: &Context<'_>, entry: &Entry, facts: &BTreeSet<Fact>) -> bool {
    entry.kind == EntryKind::User
        || facts.iter().any(|fact| match fact {
            Fact::DialogConfirmed(_) | Fact::Ticked(..) | Fact::Acted(..) | Fact::Agreed => true,
            Fact::Succeeded(place) => cx.solution.calls_at(*place).any(|call| {
                api(cx, call)
                    .is_some_and(|api| ["media-pick", "scan", "action-sheet"].iter().any(|role| api.has_role(role)))
            }),
            _ => false,
        })
}

/// Whether a path goes through an event that only comes when the user has started something: what a recorder gives at its end.
pub fn started_by_user(cx: &Context<'_>, path: &[Step]) -> bool {
    path.iter().flat_map(|step| cx.solution.calls_at(step.place)).filter_map(|call| api(cx, call)).any(|event| {
        let mut starts = cx
            .solution
            .calls_of(|name| event.started_by.iter().any(|starter| &**starter == name))
            .map(|call| user_acted(cx, &call.entry, &call.facts))
            .peekable();
        starts.peek().is_some() && starts.all(|acted| acted)
    })
}

/// Whether a collection is what an event brings of something that a call starts, which is a collection of its own.
pub fn told_at_start(cx: &Context<'_>, collection: &Collection) -> bool {
    let host = cx.policy.host(&cx.package.host);
    host.and_then(|host| host.apis.get(&*collection.source)).is_some_and(|event| {
        !event.started_by.is_empty()
            && cx
                .solution
                .collections
                .iter()
                .any(|other| event.started_by.contains(&other.source) && !other.reaches.is_empty())
    })
}

/// Clipboard reads and recordings that nobody started: `clipboard-read` and `covert-recording` speak of them alone.
pub fn silent_reads(cx: &Context<'_>) -> BTreeSet<Place> {
    ["clipboard-read", "record-start", "camera-start"]
        .into_iter()
        .flat_map(|role| calls(cx, role))
        .filter(|(call, _)| !user_acted(cx, &call.entry, &call.facts))
        .map(|(call, _)| call.place)
        .collect()
}

/// What the user was told on a page: by its templates, and by pages that lead to it.
pub fn told_on_page(
    cx: &Context<'_>,
    unit: &Unit,
    at: Option<(FileId, NodeId)>,
    kinds: &BTreeSet<Kind>,
) -> ConsentText {
    let mut out = ConsentText::default();
    for file in &unit.templates {
        out = out.and(super::notices::notices(
            cx,
            *file,
            at.filter(|(of, _)| of == file).map(|(_, node)| node),
            kinds,
            true,
        ));
    }
    for file in shown_components(cx, unit) {
        out = out.and(super::notices::notices(cx, file, None, kinds, true));
    }
    // What another page says counts where every way here comes from a page that says something.
    let from: BTreeSet<&str> = cx
        .solution
        .navigations
        .iter()
        .filter(|navigation| {
            navigation.from != unit.route
                && navigation.target.complete().is_some_and(|target| {
                    target.split('?').next().unwrap_or("").trim_start_matches('/') == &*unit.route
                })
        })
        .map(|navigation| &*navigation.from)
        .collect();
    // Who goes on by a component is on a page that shows it.
    let from = from.into_iter().filter_map(|route| unit_of_route(cx, route)).flat_map(|from| match from.kind {
        UnitKind::Component => pages_of(cx, from),
        _ => vec![from],
    });
    let mut before = ConsentText::default();
    for from in from.filter(|from| from.route != unit.route) {
        let told = from.templates.iter().fold(ConsentText::default(), |told, file| {
            told.and(super::notices::notices(cx, *file, None, kinds, false))
        });
        if !(told.policy || told.purpose || told.agreement) {
            return out;
        }
        before = before.and(told);
    }
    out.and(before)
}

/// The templates of the package's own components that a page shows, also inside other components.
fn shown_components(cx: &Context<'_>, unit: &Unit) -> Vec<FileId> {
    let mut out: Vec<FileId> = Vec::new();
    let mut waiting = vec![unit];
    while let Some(unit) = waiting.pop() {
        for file in &unit.templates {
            for (_, element) in cx.program.elements(*file) {
                let Some(Some(component)) = unit.components.get(&element.name) else { continue };
                let Some(component) = cx.program.units.get(*component as usize) else { continue };
                let Some(template) = component.template.filter(|template| !out.contains(template)) else { continue };
                if matches!(cx.package.files[template.index()].origin, crate::package::Origin::Own) {
                    out.push(template);
                    waiting.push(component);
                }
            }
        }
    }
    out
}

/// Whether a collection by an input has neither notice nor agreement: by what is known on the path, else by the page.
pub fn input_untold(cx: &Context<'_>, collection: &Collection) -> bool {
    if collection.consent() == Consent::NoticeAndConsent {
        return false;
    }
    let informs = |told: ConsentText| told.policy || told.purpose || told.agreement;
    let Some((file, _)) = collection.element else { return !informs(told_in_code(cx, collection.place.file)) };
    let Some(unit) = unit_of_template(cx, file) else { return true };
    let kinds = counted(cx, collection);
    if informs(told_on_page(cx, unit, collection.element, &kinds)) {
        return false;
    }
    // What a component asks for is told by the pages that it stands on: by every one.
    let users = pages_of(cx, unit);
    users.is_empty() || !users.into_iter().all(|user| informs(told_on_page(cx, user, None, &kinds)))
}

/// What the texts of code that renders tell.
fn told_in_code(cx: &Context<'_>, file: FileId) -> ConsentText {
    let mut out = ConsentText::default();
    if let Some(script) = cx.program.script(file) {
        script.for_each_expr(&mut |expr| {
            if let ExprKind::String(text) = &expr.kind
                && !text.is_ascii()
            {
                out = out.and(cx.policy.privacy.consent_text(text));
            }
        });
    }
    out
}

/// Pages that a component stands on, also inside other components.
fn pages_of<'a>(cx: &Context<'a>, unit: &Unit) -> Vec<&'a Unit> {
    if unit.kind != UnitKind::Component {
        return Vec::new();
    }
    let uses = crate::model::uses(cx.program);
    let mut seen = BTreeSet::new();
    let mut pages = Vec::new();
    let mut waiting: Vec<u32> =
        cx.program.units.iter().position(|known| known.route == unit.route).map(|at| at as u32).into_iter().collect();
    while let Some(at) = waiting.pop() {
        for (user, ..) in uses.get(&at).into_iter().flatten() {
            if !seen.insert(*user) {
                continue;
            }
            match cx.program.units.get(*user as usize) {
                Some(found) if found.kind == UnitKind::Component => waiting.push(*user),
                Some(found) => pages.push(found),
                None => {}
            }
        }
    }
    pages
}

/// Whether an input's value leaves the device.
pub fn is_sent(cx: &Context<'_>, index: usize) -> bool {
    flows_of(cx, index).any(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Cloud | SinkKind::ThirdParty))
}

/// Pages whose agreement is on before the user acts: (route, place of the finding).
pub fn preselected_routes(cx: &Context<'_>) -> BTreeSet<std::sync::Arc<str>> {
    let mut findings = Vec::new();
    super::consent_preselected::find(cx, &mut |unit, _| findings.push(unit.route.clone()));
    findings.into_iter().collect()
}

/// Whether a control says no to terms that stand around it, beside one that says yes.
pub(super) fn refuses_terms(cx: &Context<'_>, file: FileId, node: NodeId) -> bool {
    const CONTROL: usize = 16;
    const DIALOG: usize = 1200;
    const LEVELS: usize = 4;
    let privacy = &cx.policy.privacy;
    if !short_text_of(cx.program, file, node, CONTROL).is_some_and(|text| privacy.refuses(&text)) {
        return false;
    }
    let above: Vec<NodeId> = ancestors(cx.program, file, node).into_iter().chain([0]).take(LEVELS).collect();
    // The other answer stands beside it, each maybe in a box of its own.
    let beside = above.iter().take(2).any(|parent| {
        cx.program.bindings_in(file).filter(|binding| binding.user_action && binding.node != node).any(|binding| {
            let over = ancestors(cx.program, file, binding.node);
            let level = over.iter().chain([&0]).position(|at| at == parent);
            level.is_some_and(|level| level == 0 || level == 1 && *parent != 0)
                && short_text_of(cx.program, file, binding.node, CONTROL)
                    .is_some_and(|text| privacy.agrees(&text) && !privacy.refuses(&text))
        })
    });
    beside
        && above.into_iter().any(|above| {
            short_text_of(cx.program, file, above, DIALOG)
                .is_some_and(|text| privacy.consent_text(&text).asks_consent())
        })
}
