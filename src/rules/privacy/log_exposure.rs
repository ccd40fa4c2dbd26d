//! `privacy/log-exposure`

use super::evidence::{Guard, guard, is_path, sinks};
use crate::flow::SinkKind;
use crate::rules::{Context, Finding, Rule};

/// Personal information reaches a console or log call.
pub struct LogExposure;

const ID: &str = "privacy/log-exposure";

impl Rule for LogExposure {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for sink in sinks(cx, |flow| {
            flow.sink == SinkKind::Log && guard(flow) == Guard::Bare && !flow.kinds.iter().all(|kind| is_path(kind))
        }) {
            out.push(sink.finding(cx, ID));
        }
    }
}
