//! `privacy/unencrypted-sensitive-upload`

use super::evidence::{Guard, calls, guard, sinks};
use super::plaintext_transport::cleartext;
use crate::flow::SinkKind;
use crate::rules::{Context, Finding, Rule, Severity};

/// Sensitive information leaves over https with no encryption of its own.
pub struct UnencryptedSensitiveUpload;

const ID: &str = "privacy/unencrypted-sensitive-upload";

impl Rule for UnencryptedSensitiveUpload {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let privacy = &cx.policy.privacy;
        // Reports to analytics are told by their own rule.
        let reports: std::collections::BTreeSet<_> = calls(cx, "analytics").map(|(call, _)| call.place).collect();
        for mut sink in sinks(cx, |flow| {
            matches!(flow.sink, SinkKind::Network)
                && !flow.in_url
                && !reports.contains(&flow.place)
                && guard(flow) == Guard::Bare
                && cleartext(flow).is_none()
                && flow.kinds.iter().any(|kind| privacy.is_sensitive(kind))
        }) {
            sink.kinds.retain(|kind| privacy.is_sensitive(kind));
            if sink.kinds.is_empty() {
                continue;
            }
            let finding = sink.finding(cx, ID);
            let critical = sink.kinds.iter().any(|kind| privacy.is_critical(kind));
            out.push(if critical { finding.severity(Severity::Warning).variant("critical") } else { finding });
        }
    }
}
