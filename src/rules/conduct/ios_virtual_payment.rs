//! Payments for virtual goods that nothing keeps off iOS.

use std::collections::BTreeSet;

use super::support::{all_runs, ancestors, calls, expression_names, is_game, unit, unit_texts};
use super::texts::Run;
use crate::flow::{Fact, HostCall, Origin, Place};
use crate::model::conditions::{Read, conditions};
use crate::policy::conduct::name_words;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

/// `conduct/ios-virtual-payment`
#[derive(Debug)]
pub struct IosVirtualPayment;

impl Rule for IosVirtualPayment {
    fn id(&self) -> &'static str {
        "conduct/ios-virtual-payment"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let payments = calls(cx, &["payment"]);
        if payments.is_empty() {
            return;
        }
        let runs = all_runs(cx);
        for (place, group) in payments {
            let Some(open) = group.iter().find(|call| !guarded(cx, call)) else { continue };
            if let Some((goods, confidence)) = virtual_goods(cx, runs, open, place) {
                out.push(
                    Finding::new(self.id(), place)
                        .text("text", goods)
                        .confidence(confidence)
                        .steps(open.path.iter().cloned()),
                );
            }
        }
    }
}

/// Whether the path or the element that leads here keeps iOS out.
fn guarded(cx: &Context<'_>, call: &HostCall) -> bool {
    let tested = call.facts.iter().any(|fact| match fact {
        Fact::Tested { origin: Origin::System(field), with, held, .. }
            if matches!(&**field, "platform" | "system" | "model" | "brand" | "host" | "deviceModel" | "osName") =>
        {
            let apple = with.as_ref().is_some_and(|with| {
                let with = with.to_lowercase();
                ["ios", "iphone", "ipad", "apple", "mac"].iter().any(|name| with.contains(name))
            });
            !(apple && *held)
        }
        _ => false,
    });
    tested
        || named_branch(cx, call)
        || call.entry.element.is_some_and(|(file, node)| {
            cx.program.template(file).is_some_and(|template| {
                ancestors(&template.document, node).any(|(_, element)| {
                    expression_names(cx, file, element, true)
                        .iter()
                        .any(|name| by_platform(cx, &call.entry.route, name))
                })
            })
        })
}

/// Words that name the platform which is kept out.
const APPLE: &[&str] = &["ios", "iphone", "ipad", "apple"];

/// Whether a branch on a name that tells the platform (`app.globalData.isIOS`) keeps the call or a step to it apart.
fn named_branch(cx: &Context<'_>, call: &HostCall) -> bool {
    let steps: Vec<Place> = call
        .path
        .iter()
        .map(|step| step.place)
        .filter(|place| *place != call.entry.place)
        .chain([call.place])
        .collect();
    let files: BTreeSet<FileId> = steps.iter().map(|place| place.file).collect();
    files.into_iter().any(|file| {
        let Some(script) = cx.program.script(file) else { return false };
        let source = &cx.package.source(file).text;
        conditions(script).iter().any(|condition| {
            let names_it = condition.reads.iter().any(|read| cx.policy.conduct.names("id-platform", read.name()));
            let in_arm = |arm: Option<Span>| {
                arm.is_some_and(|arm| steps.iter().any(|step| step.file == file && arm.contains(step.span)))
            };
            // `if (isIOS) pay()` keeps nobody out.
            let positive = !condition.span.slice(source).contains('!')
                && condition
                    .reads
                    .iter()
                    .map(Read::name)
                    .chain(condition.constants.iter().map(|text| &**text))
                    .any(|name| name_words(name).iter().any(|word| APPLE.contains(&&**word)));
            names_it && (in_arm(condition.arms[1]) || in_arm(condition.arms[0]) && !positive)
        })
    })
}

/// Whether a data key tells the platform: by its name, or because a branch on the platform sets it.
fn by_platform(cx: &Context<'_>, route: &str, name: &str) -> bool {
    cx.policy.conduct.names("id-platform", name)
        || cx.solution.branches.iter().any(|branch| {
            matches!(&branch.origin, Origin::System(field) if matches!(&**field, "platform" | "system"))
                && (&*branch.entry.route == route || branch.entry.route.is_empty())
                && branch.sets.iter().any(|(key, _)| &**key == name)
        })
}

/// What is sold, when it is no thing of the real world.
fn virtual_goods(cx: &Context<'_>, runs: &[Run], call: &HostCall, place: Place) -> Option<(String, Confidence)> {
    let conduct = &cx.policy.conduct;
    let mut own = String::new();
    for run in runs.iter().filter(|run| run.file == place.file) {
        let at = run.place(Span::new(0, 0));
        if place.span.contains(at.span) {
            own.push_str(&run.text);
            own.push('\n');
        }
    }
    let route = &call.entry.route;
    let mut texts = unit(cx, route).map(|unit| unit_texts(runs, unit)).unwrap_or_default();
    // A component's goods are told by the pages that use it, a helper's by its own file.
    texts.extend(runs.iter().filter(|run| run.file == place.file).map(|run| format!("{}\n", run.text)));
    let around = conduct.scan(&texts);
    let kept = || conduct.fires("stored-value", &around).is_some() && sells_goods(cx, runs);
    let scan = conduct.scan(&own);
    if !is_game(cx) && serves_in_place(cx, runs) {
        let sold = conduct.fires("virtual-content", &scan).map(|range| range.slice(&own).to_owned());
        let shown = || conduct.fires("virtual-content", &around).map(|range| range.slice(&texts).to_owned());
        return sold.or_else(shown).map(|goods| (goods, Confidence::Medium));
    }
    let high = |range: Span| Some((range.slice(&own).to_owned(), Confidence::High));
    if let Some(range) = conduct.fires("virtual-goods", &scan) {
        return high(range);
    }
    if conduct.fires("physical-goods", &scan).is_none()
        && let Some(range) = conduct.near("virtual-goods", &scan)
    {
        return if kept() { None } else { high(range) };
    }
    if is_game(cx) {
        return Some(("道具".to_owned(), Confidence::High));
    }
    if conduct.fires("physical-goods", &scan).is_some() {
        return None;
    }
    if conduct.fires("physical-goods", &around).is_some() {
        return None;
    }
    if let Some(range) = conduct.fires("virtual-goods", &around) {
        return Some((range.slice(&texts).to_owned(), Confidence::High));
    }
    if let Some(range) = conduct.near("virtual-goods", &around) {
        if kept() {
            return None;
        }
        return Some((range.slice(&texts).to_owned(), Confidence::Medium));
    }
    [route, &call.entry.method]
        .into_iter()
        .find(|name| conduct.names("id-virtual", name))
        .map(|name| (name.to_string(), Confidence::Medium))
}

/// Whether the texts of the program speak of a service that is given in a place: by three different words.
fn serves_in_place(cx: &Context<'_>, runs: &[Run]) -> bool {
    const DIFFERENT: usize = 3;
    let mut words = BTreeSet::new();
    for run in runs {
        if let Some(range) = cx.policy.conduct.fires("offline-service", &run.scan(cx)) {
            words.insert(range.slice(&run.text));
        }
    }
    words.len() >= DIFFERENT
}

/// Whether the program sells things of the real world and no virtual ones: what money kept with it buys.
fn sells_goods(cx: &Context<'_>, runs: &[Run]) -> bool {
    let conduct = &cx.policy.conduct;
    let fires = |topic: &str| runs.iter().any(|run| conduct.fires(topic, &run.scan(cx)).is_some());
    fires("physical-goods") && !fires("virtual-goods")
}
