//! `privacy/public-display`

use std::collections::BTreeSet;

use super::evidence::{Guard, guard, sinks};
use super::url_exposure::exposes;
use crate::flow::SinkKind;
use crate::rules::{Confidence, Context, Finding, Rule};

/// Personal information of users is put where other users see it.
pub struct PublicDisplay;

const ID: &str = "privacy/public-display";

impl Rule for PublicDisplay {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for sink in sinks(cx, |flow| {
            matches!(flow.sink, SinkKind::Share | SinkKind::Display) && !exposes(flow) && guard(flow) == Guard::Bare
        }) {
            let share = sink.flows[0].sink == SinkKind::Share;
            let finding = sink.finding(cx, ID);
            out.push(if share { finding.variant("share") } else { finding });
        }
        // What is published goes with who wrote it; a name and a picture for it are what users chose to show.
        let words = cx.matcher().list_words("publish-address");
        for sink in sinks(cx, |flow| {
            flow.sink == SinkKind::Network
                && !exposes(flow)
                && guard(flow) == Guard::Bare
                && flow.kinds.iter().any(|kind| cx.policy.privacy.is_for_few(kind))
                && flow.urls.iter().any(|url| publishes(&url.pieces.concat(), &words))
        }) {
            let kinds: BTreeSet<_> =
                sink.kinds.iter().filter(|kind| cx.policy.privacy.is_for_few(kind)).cloned().collect();
            out.push(sink.finding(cx, ID).kinds(&kinds).confidence(Confidence::Medium));
        }
    }
}

/// Whether a part of an address names what others read: a comment, a post, a question.
fn publishes(url: &str, words: &[&str]) -> bool {
    let url = url.to_ascii_lowercase();
    let path = url.split_once("://").map_or(&*url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.split('?').next().unwrap_or("");
    words.iter().any(|word| {
        if word.contains('/') {
            return path.contains(word);
        }
        path.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| part == *word || part.strip_suffix('s') == Some(word) || word.len() > 5 && part.contains(word))
    })
}
