//! Sharing that a function, a reward or a chance hangs on: by texts, beside triggers, and in branches on the result.

use std::collections::BTreeSet;

use super::support::{Lure, Trigger, beside_triggers, calls, element, has_role, told_where, triggers, without_labels};
use super::texts::{Run, Site};
use crate::flow::{Branch, Fact, HostCall, Origin, Place};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::Span;

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
    let page_told = |route: &str| {
        cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)).is_some_and(|unit| {
            told.iter().any(|place| unit.templates.contains(&place.file) || unit.script == Some(place.file))
        })
    };
    let mut add = |place: Place, name: &str, at: Option<Place>, route: &str, out: &mut Vec<Finding>| {
        if !page_told(route) && seen.insert(place) {
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
    let sharing = roles.contains(&"share");
    if sharing {
        triggers.extend(&cx.solution.share_results);
    }
    let methods = super::support::host(cx).map_or(&[][..], |host| &host.info.share_methods);
    let share_method = |method: &str| sharing && methods.iter().any(|known| &**known == method);
    for update in &cx.solution.updates {
        if !conduct.names("id-grant", &update.key) {
            continue;
        }
        if let Some(at) = update.after.iter().find(|at| triggers.contains(at)) {
            add(*at, &update.key, Some(update.place), &update.route, out);
        } else if share_method(&update.method) && update.after.is_empty() {
            add(update.place, &update.key, None, &update.route, out);
        }
    }
    for call in &cx.solution.calls {
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
