//! Programs whose main function needs another program.

use super::support::{acted, api_name, calls, has_role, told, unit};
use crate::flow::Place;
use crate::model::Unit;
use crate::rules::elements::text_of;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::syntax::template::{NodeKind, Part};

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
    let mut labels = String::new();
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
        labels.push_str(&text_of(cx.program, binding.template, binding.node));
        labels.push('\n');
    }
    // One way out beside what a page tells is a link, and so is one that does not call itself the page's business.
    let conduct = &cx.policy.conduct;
    if exits.len() == 1
        && (told_beside(cx, home) >= TELLS
            || !labels.trim().is_empty() && !conduct.holds("own-business", &conduct.scan(&labels)))
    {
        return None;
    }
    exits.into_iter().min_by_key(|(place, _)| *place)
}

/// Characters beside its only button by which a page tells something of its own.
const TELLS: usize = 6;

/// How many ideographs a page shows beside the labels of what can be tapped.
fn told_beside(cx: &Context<'_>, unit: &Unit) -> usize {
    let mut count = 0;
    for file in &unit.templates {
        let Some(facts) = cx.program.template(*file) else { continue };
        for node in &facts.document.nodes {
            let NodeKind::Text(parts) = &node.kind else { continue };
            if cx.program.bindings_in(*file).any(|binding| binding.node == node.parent) {
                continue;
            }
            for part in parts {
                if let Part::Text { text, .. } = part {
                    count += text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
                }
            }
        }
    }
    count
}
