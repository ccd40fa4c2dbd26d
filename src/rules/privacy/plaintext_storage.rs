//! `privacy/plaintext-storage`

use super::evidence::{Guard, guard, is_path, sinks};
use crate::flow::SinkKind;
use crate::rules::{Context, Finding, Rule, Severity};

/// Personal information reaches storage, a file or a cloud collection with no encryption on the path.
pub struct PlaintextStorage;

const ID: &str = "privacy/plaintext-storage";

impl Rule for PlaintextStorage {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for sink in sinks(cx, |flow| {
            matches!(flow.sink, SinkKind::Storage | SinkKind::File | SinkKind::Cloud)
                && guard(flow) == Guard::Bare
                && !(matches!(flow.sink, SinkKind::File | SinkKind::Cloud) && matches!(&*flow.param, "path" | "name"))
                && !(flow.sink == SinkKind::Storage && flow.kinds.iter().all(|kind| is_path(kind)))
        }) {
            let sensitive = sink.kinds.iter().any(|kind| cx.policy.privacy.is_sensitive(kind));
            let variant = match sink.flows[0].sink {
                SinkKind::File => Some("file"),
                SinkKind::Cloud => Some("cloud"),
                _ => None,
            };
            let mut finding = sink.finding(cx, ID);
            if let Some(variant) = variant {
                finding = finding.variant(variant);
            }
            out.push(if sensitive { finding } else { finding.severity(Severity::Warning) });
        }
    }
}
