//! `privacy/public-display`

use super::evidence::{Guard, guard, sinks};
use super::url_exposure::exposes;
use crate::flow::SinkKind;
use crate::rules::{Context, Finding, Rule};

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
    }
}
