//! `privacy/third-party-sharing`

use std::collections::BTreeMap;

use super::evidence::{Sink, agreed_text, calls, identifies, param_text, sinks};
use crate::flow::{Flow, Place, SinkKind};
use crate::policy::privacy::{Parties, Sdk, host_of, is_local};
use crate::rules::{Confidence, Context, Finding, Rule};

/// Personal information reaches somebody else.
pub struct ThirdPartySharing;

const ID: &str = "privacy/third-party-sharing";

/// Who gets it.
pub struct Party {
    /// The SDK or service, by its id.
    pub sdk: Option<std::sync::Arc<str>>,
    /// The host of the address.
    pub host: Option<String>,
    /// How it is told.
    pub name: String,
}

impl Rule for ThirdPartySharing {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let parties = parties(cx);
        for sink in recipients(cx, &parties) {
            let told = |flow: &&Flow| {
                let mut facts = (*flow.facts).clone();
                if let Some(collection) = cx.solution.collections.get(flow.collection)
                    && let Some(reach) = collection.weakest()
                {
                    facts.extend(reach.facts.iter().cloned());
                }
                let text = agreed_text(cx, &facts);
                let Some(party) = who(cx, &parties, flow) else { return true };
                cx.policy.privacy.consent_text(&text).third_party_sharing
                    || cx.policy.privacy.policy_names_party(&text, party.0, party.1.as_deref())
            };
            let flows: Vec<&Flow> = sink.flows.iter().copied().filter(|flow| !told(flow)).collect();
            let Some(first) = flows.first() else { continue };
            let Some(party) = recipient(cx, &parties, first) else { continue };
            let entrusted = who(cx, &parties, first).and_then(|(sdk, _)| sdk).is_some_and(|sdk| sdk.entrusted);
            if entrusted {
                continue;
            }
            let kinds = flows.iter().flat_map(|flow| super::evidence::personal(cx, &flow.kinds)).collect();
            let narrowed = Sink { place: sink.place, flows, kinds };
            let mut finding = narrowed.finding(cx, ID).text("party", party.name);
            if party.sdk.is_none() && cx.package.submission.first_party.is_empty() {
                finding = finding.confidence(Confidence::Medium);
            }
            out.push(finding);
        }
    }
}

/// Sinks that somebody else receives.
pub fn recipients<'a>(cx: &Context<'a>, parties: &Parties) -> Vec<Sink<'a>> {
    sinks(cx, |flow| identifies(flow) && who(cx, parties, flow).is_some())
}

/// Whose hosts are whose in this package.
pub fn parties(cx: &Context<'_>) -> Parties {
    let mut hosts: BTreeMap<Place, String> = BTreeMap::new();
    for role in ["request", "upload", "socket-connect"] {
        for (call, api) in calls(cx, role) {
            let url = param_text(call, api, "url");
            if call.through.is_none()
                && let Some(host) = host_of(&url)
                && cx.policy.privacy.sdk_by_host(host).is_none()
            {
                hosts.insert(call.place, host.to_owned());
            }
        }
    }
    Parties::new(&cx.package.submission.first_party, hosts.values().map(String::as_str))
}

/// The third party of a flow.
fn who<'a>(cx: &Context<'a>, parties: &Parties, flow: &Flow) -> Option<(Option<&'a Sdk>, Option<String>)> {
    let privacy = &cx.policy.privacy;
    if let Some(id) = &flow.third_party {
        return Some((privacy.sdk(id), flow.urls.iter().find_map(|url| host_of(url.head())).map(str::to_owned)));
    }
    if flow.sink == SinkKind::ThirdParty {
        return Some((None, None));
    }
    if !(flow.sink == SinkKind::Network || flow.sink == SinkKind::Url && !flow.urls.is_empty()) {
        return None;
    }
    flow.urls.iter().find_map(|url| {
        let head = url.head();
        let host = host_of(head)?;
        // A host that goes on in a hole is not known.
        if url.pieces.len() > 1 && !head[head.find("://")? + 3..].contains(['/', '?']) || is_local(host) {
            return None;
        }
        let known = privacy.sdk_by_host(host);
        match parties.is_first(host) {
            Some(true) => None,
            Some(false) => Some((known, Some(host.to_owned()))),
            None => known.map(|sdk| (Some(sdk), Some(host.to_owned()))),
        }
    })
}

/// Who a flow goes to, as it is told.
pub fn recipient(cx: &Context<'_>, parties: &Parties, flow: &Flow) -> Option<Party> {
    let (sdk, host) = who(cx, parties, flow)?;
    let name = match (sdk, &host) {
        (Some(sdk), _) => sdk.zh.to_string(),
        (None, Some(host)) => host.clone(),
        (None, None) => flow.api.to_string(),
    };
    Some(Party { sdk: sdk.map(|sdk| sdk.id.clone()), host, name })
}

/// Where the package requires an SDK, once an SDK and file.
pub fn imports<'a>(cx: &Context<'a>) -> Vec<(Place, &'a Sdk)> {
    let mut out: Vec<(Place, &Sdk)> = Vec::new();
    for (index, requires) in cx.program.requires.iter().enumerate() {
        let file = crate::source::FileId(index as u32);
        if !cx.program.live_files.contains(&file) || cx.package.files[index].origin != crate::package::Origin::Own {
            continue;
        }
        for require in requires {
            let sdk = cx.policy.privacy.sdk_by_module(&require.request).or_else(|| {
                let target = require.target?;
                cx.policy.privacy.sdk_by_file(&cx.package.source(target).path)
            });
            if let Some(sdk) = sdk {
                let place = Place { file, span: require.span };
                if !out.iter().any(|(_, known)| known.id == sdk.id) {
                    out.push((place, sdk));
                }
            }
        }
    }
    out
}
