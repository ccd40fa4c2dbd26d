//! Texts and pass-phrases that lead users out of the program.

use super::induced_download::handled;
use super::support::{calls, host, told_where};
use super::texts::Run;
use crate::flow::Place;
use crate::rules::{Confidence, Context, Finding, Rule, Severity};
use crate::source::Span;

/// `conduct/induced-leaving`
#[derive(Debug)]
pub struct InducedLeaving;

/// Most characters of a label that says nothing by itself (`复制口令`).
const LABEL: usize = 6;
const TOPIC: &str = "induced-leaving";

impl Rule for InducedLeaving {
    fn id(&self) -> &'static str {
        "conduct/induced-leaving"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let first = out.len();
        let silent = ["induced-following", "induced-download", "induced-sharing"];
        let own = host(cx).map_or(&[][..], |host| &host.info.own_names);
        let elsewhere = |run: &Run, _: Span| leads_elsewhere(cx, &run.text, own);
        told_where(cx, self.id(), TOPIC, &silent, &elsewhere, out);
        // A way of getting in touch elsewhere asks for nothing by itself.
        let led = out.len();
        told_where(
            cx,
            self.id(),
            "contact-elsewhere",
            &[TOPIC, "induced-following", "induced-sharing"],
            &elsewhere,
            out,
        );
        for finding in out.drain(led..).collect::<Vec<_>>() {
            out.push(finding.severity(Severity::Warning).confidence(Confidence::Medium));
        }
        // A control's words and what it does are one: told at the words, but for a mere label.
        let told: Vec<Place> = out[first..].iter().map(|finding| finding.place).collect();
        let done: Vec<Place> = handled(cx, &told)
            .into_iter()
            .map(|(call, words)| {
                if words.span.slice(&cx.package.source(words.file).text).chars().count() <= LABEL {
                    words
                } else {
                    call
                }
            })
            .collect();
        let mut index = 0;
        out.retain(|finding| {
            index += 1;
            index <= first || !done.contains(&finding.place)
        });
        // A link of another platform that is put into the clipboard is to be opened there.
        let conduct = &cx.policy.conduct;
        for (place, group) in calls(cx, &["clipboard-write"]) {
            let link = group.iter().find_map(|call| {
                let text = call.arg("0.data")?.strings.first()?;
                let link = text.head();
                let at = text.place.filter(|at| at.file == place.file && place.span.contains(at.span));
                conduct
                    .fires("copied-link", &conduct.scan(link))
                    .is_some()
                    .then(|| (at.unwrap_or(place), link.to_owned()))
            });
            let told = out[first..]
                .iter()
                .any(|finding| finding.place.file == place.file && place.span.contains(finding.place.span));
            if let Some((at, link)) = link.filter(|(_, link)| !told && leads_elsewhere(cx, link, own)) {
                out.push(Finding::new(self.id(), at).text("text", link).confidence(Confidence::Medium));
            }
        }
        // One telling for a copied pass-phrase and the words that go with it in the same call.
        let copies: Vec<_> = calls(cx, &["clipboard-write"]).into_keys().collect();
        let mut kept: Vec<Finding> = Vec::new();
        for finding in out.drain(first..) {
            let call =
                copies.iter().find(|call| call.file == finding.place.file && call.span.contains(finding.place.span));
            let again = call.is_some_and(|call| {
                kept.iter().any(|other| other.place.file == call.file && call.span.contains(other.place.span))
            });
            if !again {
                kept.push(match call {
                    Some(call) => finding.step(*call, "conduct-call", ""),
                    None => finding,
                });
            }
        }
        out.extend(kept);
    }
}

/// Whether a text leads elsewhere without what the host calls itself in it.
fn leads_elsewhere(cx: &Context<'_>, text: &str, own: &[String]) -> bool {
    let lower = text.to_ascii_lowercase();
    if !own.iter().any(|name| lower.contains(name.as_str())) {
        return true;
    }
    let rest = own.iter().fold(lower, |text, name| text.replace(name.as_str(), "\u{25a1}"));
    let conduct = &cx.policy.conduct;
    conduct.fires(TOPIC, &conduct.scan(&rest)).is_some()
}
