//! Programs whose main function needs another program.

use super::support::{acted, api_name, calls, has_role, told, unit};
use crate::flow::Place;
use crate::model::Unit;
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/program-dependency`
#[derive(Debug)]
pub struct ProgramDependency;

impl Rule for ProgramDependency {
    fn id(&self) -> &'static str {
        "conduct/program-dependency"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        told(cx, self.id(), "program-dependency", &[], out);
        let Some(home) = cx.package.pages.first().and_then(|page| unit(cx, &page.route)) else { return };
        // What opens by itself is told by the rule on jumps.
        let jumps = calls(cx, &["program-open"]);
        if jumps.values().flatten().any(|call| call.entry.route == home.route && !acted(call)) {
            return;
        }
        if let Some((place, name)) = only_leaves(cx, home) {
            let others: Vec<Place> = jumps.keys().copied().filter(|other| *other != place).take(4).collect();
            let mut finding =
                Finding::new(self.id(), place).variant("home").text("text", name).confidence(Confidence::Medium);
            for other in others {
                finding = finding.step(other, "conduct-call", "");
            }
            out.push(finding);
        }
    }
}

/// The first exit, when every action of the home page opens another program.
fn only_leaves(cx: &Context<'_>, home: &Unit) -> Option<(Place, String)> {
    if cx.package.pages.iter().filter(|page| page.tab).count() > 1 {
        return None;
    }
    let mut exits: Vec<(Place, String)> = Vec::new();
    for file in &home.templates {
        for (_, element) in cx.program.elements(*file) {
            let name = &*element.name;
            if home.components.contains_key(name)
                || matches!(
                    name,
                    "input"
                        | "textarea"
                        | "picker"
                        | "form"
                        | "web-view"
                        | "video"
                        | "map"
                        | "canvas"
                        | "slider"
                        | "editor"
                )
            {
                return None;
            }
            if name == "navigator" {
                let outside = element
                    .attribute("target")
                    .and_then(|attribute| attribute.value.as_ref()?.literal())
                    .is_some_and(|target| target.eq_ignore_ascii_case("miniProgram"));
                if !outside {
                    return None;
                }
                exits.push((Place { file: *file, span: element.open }, name.to_owned()));
            }
        }
    }
    for binding in
        cx.program.bindings.iter().filter(|binding| home.templates.contains(&binding.template) && binding.user_action)
    {
        let handler = binding.handler.as_deref()?;
        let mut leaves = None;
        for call in
            cx.solution.calls.iter().filter(|call| call.entry.route == home.route && &*call.entry.method == handler)
        {
            if has_role(cx, call, "program-open") {
                leaves = Some((call.place, api_name(call)));
            } else if !has_role(cx, call, "toast") && !has_role(cx, call, "ui") && !has_role(cx, call, "log") {
                return None;
            }
        }
        exits.push(leaves?);
    }
    exits.into_iter().min_by_key(|(place, _)| *place)
}
