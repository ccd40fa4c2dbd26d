//! Texts, addresses and calls that lead users to download or open an app.

use std::collections::BTreeSet;

use super::support::{api_name, calls, element_roles, told};
use crate::flow::Place;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;

/// `conduct/induced-download`
#[derive(Debug)]
pub struct InducedDownload;

const TOPIC: &str = "induced-download";
const ROLES: &[&str] = &["app-open", "app-download"];

impl Rule for InducedDownload {
    fn id(&self) -> &'static str {
        "conduct/induced-download"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut told: Vec<Place> = told(cx, self.id(), TOPIC, &["program-dependency"], out);
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
