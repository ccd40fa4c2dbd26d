//! `privacy/plaintext-transport`

use std::collections::BTreeSet;

use super::evidence::{Guard, guard, sinks};
use crate::flow::{Flow, Place, SinkKind};
use crate::policy::privacy::{host_of, is_local};
use crate::rules::{Context, Finding, Rule};

/// Personal information leaves over `http`, `ws` or FTP.
pub struct PlaintextTransport;

const ID: &str = "privacy/plaintext-transport";

impl Rule for PlaintextTransport {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for sink in sinks(cx, |flow| guard(flow) != Guard::Safe && cleartext(flow).is_some()) {
            let url = sink.flows.iter().find_map(|flow| cleartext(flow)).unwrap_or_default();
            out.push(sink.finding(cx, ID).text("url", url));
        }
    }
}

/// The cleartext address that a flow goes to.
pub fn cleartext(flow: &Flow) -> Option<String> {
    let leaves = matches!(flow.sink, SinkKind::Network | SinkKind::ThirdParty | SinkKind::Cloud)
        || flow.sink == SinkKind::Url && flow.in_url;
    if !leaves {
        return None;
    }
    flow.urls.iter().find_map(|url| {
        let head = url.head();
        let lower = head.to_ascii_lowercase();
        let clear = ["http://", "ws://", "ftp://"].iter().any(|scheme| lower.starts_with(scheme));
        (clear && !host_of(head).is_some_and(is_local)).then(|| head.split('?').next().unwrap_or(head).to_owned())
    })
}

/// Calls that this rule speaks of, and the addresses that they use: `security/insecure-request` keeps silent there.
pub fn reported(cx: &Context<'_>) -> (BTreeSet<Place>, BTreeSet<String>) {
    let mut calls = BTreeSet::new();
    let mut urls = BTreeSet::new();
    for sink in sinks(cx, |flow| guard(flow) != Guard::Safe && cleartext(flow).is_some()) {
        calls.insert(sink.place);
        urls.extend(sink.flows.iter().flat_map(|flow| flow.urls.iter()).map(|url| url.head().to_owned()));
    }
    (calls, urls)
}
