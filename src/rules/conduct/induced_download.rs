//! Texts, addresses and calls that lead users to download or open an app.

use std::collections::BTreeSet;

use super::support::{api_name, calls, element, element_roles, told};
use crate::flow::{HostCall, Place};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

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
        let mut told: Vec<Place> = told(cx, self.id(), TOPIC, &["program-dependency"], out);
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
            for (_, element) in cx.program.elements(file) {
                if !element_roles(cx, element).iter().any(|role| ROLES.contains(role)) {
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
