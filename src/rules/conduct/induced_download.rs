//! Texts, addresses and calls that lead users to download or open an app.

use std::collections::BTreeSet;

use super::support::{
    all_runs, ancestors, api_name, calls, element, element_roles, host, names_in, told_where, units_of,
};
use super::texts::{Run, Site};
use crate::flow::{HostCall, Place};
use crate::rules::drawn::unseen;
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::template::{Element, NodeId};

/// `conduct/induced-download`
#[derive(Debug)]
pub struct InducedDownload;

const TOPIC: &str = "induced-download";
const ROLES: &[&str] = &["app-open", "app-download"];

/// Those of the places that stand in calls, each with another of the places in an element that leads to the call.
pub fn handled(cx: &Context<'_>, told: &[Place]) -> Vec<(Place, Place)> {
    let words = |call: &HostCall, place: Place| {
        let (file, node) = call.entry.element?;
        let template = cx.program.template(file)?;
        let element = element(&template.document, node)?;
        let span = element.close.map_or(element.open, |close| Span::new(element.open.start, close.end));
        told.iter().copied().find(|other| *other != place && other.file == file && span.contains(other.span))
    };
    told.iter()
        .filter_map(|place| {
            let inside = |call: &&HostCall| call.place.file == place.file && call.place.span.contains(place.span);
            Some((*place, cx.solution.calls.iter().filter(inside).find_map(|call| words(call, *place))?))
        })
        .collect()
}

impl Rule for InducedDownload {
    fn id(&self) -> &'static str {
        "conduct/induced-download"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let first = out.len();
        let failures = failure_handlers(cx);
        let lures = |run: &Run, range: Span| !failures.iter().any(|failure| holds(failure, run.place(range)));
        let mut told: Vec<Place> = told_where(cx, self.id(), TOPIC, &["program-dependency"], &lures, out);
        // What a control does is told at its words.
        let done: Vec<Place> = handled(cx, &told).into_iter().map(|(call, _)| call).collect();
        told.retain(|place| !done.contains(place));
        let mut index = 0;
        out.retain(|finding| {
            index += 1;
            index <= first || !done.contains(&finding.place)
        });
        let texts = |file: FileId, told: &[Place]| told.iter().any(|place| place.file == file);
        // Buttons that open an app, where no text of theirs was told.
        for index in 0..cx.package.files.len() {
            let file = FileId(index as u32);
            for (node, element) in cx.program.elements(file) {
                if !element_roles(cx, element).iter().any(|role| ROLES.contains(role)) || leads_back(cx, file, node) {
                    continue;
                }
                let whole =
                    element.close.map_or(element.open, |close| crate::source::Span::new(element.open.start, close.end));
                if !told.iter().any(|place| place.file == file && whole.contains(place.span)) {
                    let place = Place { file, span: element.open };
                    told.push(place);
                    out.push(Finding::new(self.id(), place).variant("call").text("text", &*element.name));
                }
            }
        }
        offers(cx, self.id(), &mut told, out);
        let mut seen: BTreeSet<Place> = BTreeSet::new();
        for (place, group) in calls(cx, ROLES) {
            let Some(call) = group.first() else { continue };
            let in_text = group.iter().any(|call| call.entry.element.is_some_and(|(file, _)| texts(file, &told)))
                || told.iter().any(|told| told.file == place.file && place.span.contains(told.span));
            if !in_text && seen.insert(place) {
                out.push(Finding::new(self.id(), place).variant("call").text("text", api_name(call)));
            }
        }
    }
}

fn holds(whole: &Place, part: Place) -> bool {
    whole.file == part.file && whole.span.contains(part.span)
}

/// Methods that only answer when a button could not open the app.
fn failure_handlers(cx: &Context<'_>) -> Vec<Place> {
    let mut out = Vec::new();
    for binding in cx.program.bindings.iter().filter(|binding| &*binding.event == "error") {
        let opens = cx
            .program
            .template(binding.template)
            .and_then(|template| element(&template.document, binding.node))
            .is_some_and(|element| element_roles(cx, element).iter().any(|role| ROLES.contains(role)));
        let unit = cx.program.units.get(binding.unit as usize).filter(|_| opens);
        let Some((file, handler)) = unit.and_then(|unit| Some((unit.script?, binding.handler.as_deref()?))) else {
            continue;
        };
        let functions = cx.program.script(file).map_or(&[][..], |script| &script.functions);
        out.extend(
            functions
                .iter()
                .filter(|function| function.name.as_deref() == Some(handler))
                .map(|function| Place { file, span: function.span }),
        );
    }
    out
}

/// Whether a button is drawn only where an app opened the program: it leads back.
fn leads_back(cx: &Context<'_>, file: FileId, node: NodeId) -> bool {
    let Some(host) = host(cx) else { return false };
    let Some(template) = cx.program.template(file) else { return false };
    let condition = format!("{}if", host.info.directive_prefix);
    let source = &cx.package.source(file).text;
    ancestors(&template.document, node).any(|(_, element)| {
        let test =
            element.attribute(&condition).and_then(|test| test.value.as_ref()).map(|value| value.span.slice(source));
        test.is_some_and(|test| {
            test.contains("==")
                && !test.contains("||")
                && host.info.app_scenes.iter().any(|scene| test.contains(scene.as_str()))
        })
    })
}

/// Labels that say nothing but `download`, in a list of apps whose page knows their addresses.
fn offers(cx: &Context<'_>, rule: &'static str, told: &mut Vec<Place>, out: &mut Vec<Finding>) {
    let conduct = &cx.policy.conduct;
    let repeats = |element: &Element| {
        element
            .attributes
            .iter()
            .any(|attribute| attribute.name.ends_with("for") || attribute.name.ends_with("for-items"))
    };
    for run in all_runs(cx) {
        let Site::Template(node) = run.site else { continue };
        let scan = run.scan(cx);
        let Some(range) = conduct.fires("download-label", &scan) else { continue };
        if run.text.trim().chars().count() > LABEL {
            continue;
        }
        let place = run.place(range);
        let Some(template) = cx.program.template(run.file) else { continue };
        let source = &cx.package.source(run.file).text;
        let list = ancestors(&template.document, node).find(|(_, element)| repeats(element));
        let Some(list) = list.and_then(|(list, _)| template.document.nodes.get(list as usize)) else { continue };
        let named = |text: &str, group: &str| {
            let mut names = Vec::new();
            names_in(text, &mut names);
            names.iter().any(|name| conduct.names(group, name))
        };
        let apps = named(list.span.slice(source), "id-app-listed");
        let known = || {
            units_of(cx, run.file).any(|unit| {
                unit.templates
                    .iter()
                    .chain(&unit.script)
                    .any(|file| named(&cx.package.source(*file).text, "id-app-address"))
            })
        };
        if apps && known() && !told.contains(&place) && !unseen(cx, place) {
            told.push(place);
            out.push(Finding::new(rule, place).text("text", run.excerpt(range)));
        }
    }
}

/// Most characters of a label.
const LABEL: usize = 6;
