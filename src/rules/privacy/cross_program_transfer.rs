//! `privacy/cross-program-transfer`

use super::evidence::{identifies, sinks};
use crate::flow::SinkKind;
use crate::rules::{Context, Finding, Rule};

/// Personal information is handed to another mini-program or app.
pub struct CrossProgramTransfer;

const ID: &str = "privacy/cross-program-transfer";

impl Rule for CrossProgramTransfer {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for sink in sinks(cx, |flow| flow.sink == SinkKind::Program && identifies(flow)) {
            out.push(sink.finding(cx, ID));
        }
    }
}
