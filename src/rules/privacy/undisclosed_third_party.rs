//! `privacy/undisclosed-third-party`

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policy_text;
use super::third_party_sharing::{imports, parties, recipient, recipients};
use crate::flow::Place;
use crate::rules::{Context, Finding, Rule};

/// A third party receives personal information and the policy names neither it nor its kind.
pub struct UndisclosedThirdParty;

const ID: &str = "privacy/undisclosed-third-party";

impl Rule for UndisclosedThirdParty {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let policy = policy_text::find(cx);
        if !policy.readable(cx) {
            return;
        }
        let mut found: BTreeMap<Arc<str>, (Place, Finding)> = BTreeMap::new();
        // An SDK that measures users collects by itself; one that only answers does when something reaches it.
        let (parties, imported) = (parties(cx), imports(cx));
        for &(place, sdk) in &imported {
            if !sdk.is_analytics() && !matches!(&*sdk.kind, "push" | "risk" | "im") {
                continue;
            }
            if cx.policy.privacy.policy_names_party(&policy.text, Some(sdk), None) {
                continue;
            }
            found
                .entry(sdk.id.clone())
                .or_insert_with(|| (place, Finding::new(ID, place).text("party", &*sdk.zh).variant("sdk")));
        }
        for sink in recipients(cx, &parties) {
            for flow in &sink.flows {
                let Some(party) = recipient(cx, &parties, flow) else { continue };
                let sdk = party.sdk.as_deref().and_then(|id| cx.policy.privacy.sdk(id));
                if sdk.is_some_and(|sdk| sdk.entrusted)
                    || cx.policy.privacy.policy_names_party(&policy.text, sdk, party.host.as_deref())
                {
                    continue;
                }
                let key: Arc<str> = sdk.map_or_else(|| party.name.as_str().into(), |sdk| sdk.id.clone());
                // The import speaks for the SDK; else its first sink.
                let place = sdk
                    .and_then(|sdk| imported.iter().find(|(_, other)| other.id == sdk.id))
                    .map_or(sink.place, |(place, _)| *place);
                found.entry(key).or_insert_with(|| (place, sink.finding(cx, ID).text("party", party.name.clone())));
                if let Some((at, finding)) =
                    found.get_mut(&sdk.map_or_else(|| party.name.as_str().into(), |sdk| sdk.id.clone()))
                {
                    finding.place = *at;
                }
            }
        }
        let mut all: Vec<Finding> = found.into_values().map(|(_, finding)| finding).collect();
        all.sort_by_key(|finding| finding.place);
        out.extend(all);
    }
}
