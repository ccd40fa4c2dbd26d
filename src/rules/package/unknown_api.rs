//! `package/unknown-api`: calls of APIs that no host offers.

use std::collections::BTreeSet;

use crate::rules::host::{Checked, is_known, offered_by};
use crate::rules::{Confidence, Context, Finding, Rule};

use super::{is_own, nearest};

/// Looks for members of the host's object that no table knows and that the package does not ask about.
pub struct UnknownApi;

impl Rule for UnknownApi {
    fn id(&self) -> &'static str {
        "package/unknown-api"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let mut checked = None;
        let mut told = BTreeSet::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace)
                || !is_own(cx, call.place.file)
                || is_known(host, &call.api)
                || offered_by(cx, &call.api).is_some()
            {
                continue;
            }
            let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
            if checked.has(&call.api) || !told.insert(call.place) {
                continue;
            }
            let finding = Finding::new("package/unknown-api", call.place)
                .text("name", format!("{}.{}", call.namespace, call.api));
            out.push(match nearest(&call.api, host.apis.keys().map(|name| &**name)) {
                Some(near) => finding.variant("near").text("near", format!("{}.{near}", call.namespace)),
                None => finding.confidence(Confidence::Medium),
            });
        }
    }
}
