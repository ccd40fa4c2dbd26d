//! `privacy/analytics-before-consent`

use std::collections::BTreeMap;

use super::evidence::{calls, entry_step, sinks};
use super::third_party_sharing::imports;
use crate::flow::{Consent, EntryKind, Fact, Place, SinkKind};
use crate::model::sites::{self, Root};
use crate::package::Origin;
use crate::policy::privacy::{Sdk, SdkUse};
use crate::rules::{Confidence, Context, Finding, Rule};

/// An analytics SDK starts, or analytics receive personal information, before consent.
pub struct AnalyticsBeforeConsent;

const ID: &str = "privacy/analytics-before-consent";

impl Rule for AnalyticsBeforeConsent {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        let mut started: Vec<std::sync::Arc<str>> = Vec::new();
        // Calls that the analysis reached know what stands before them.
        for call in &cx.solution.calls {
            if &*call.namespace != "third-party" {
                continue;
            }
            let Some((sdk, use_)) = sdk_of(cx, &call.api).filter(|(sdk, _)| sdk.is_analytics()) else { continue };
            if use_ != SdkUse::Start {
                continue;
            }
            started.push(sdk.id.clone());
            if call.entry.kind == EntryKind::User || agreed(&call.facts) {
                continue;
            }
            found.entry(call.place).or_insert_with(|| {
                Finding::new(ID, call.place)
                    .text("party", &*sdk.zh)
                    .steps([entry_step(&call.entry)])
                    .steps(call.path.iter().cloned())
            });
        }
        // Start calls as they are written, where nothing stands before them in the file.
        for (index, facts) in cx.program.facts.iter().enumerate() {
            let file = crate::source::FileId(index as u32);
            let Some(script) = &facts.script else { continue };
            if !cx.program.live_files.contains(&file) || cx.package.files[index].origin != Origin::Own {
                continue;
            }
            if cx.policy.privacy.sdk_by_file(&cx.package.files[index].source.path).is_some() {
                continue;
            }
            for site in sites::call_sites(script) {
                let chain: Vec<&str> = site.chain.iter().map(|name| &**name).collect();
                let from = match &site.root {
                    Root::Module(request) => cx.policy.privacy.sdk_by_module(request),
                    _ => None,
                };
                let (sdk, use_) = match from {
                    Some(sdk) if chain.len() > 1 => (sdk, sdk.method(&chain[1..].join("."))),
                    Some(sdk) if site.constructs => (sdk, sdk.method("new")),
                    Some(sdk) => (sdk, sdk.method("")),
                    None if site.root == Root::Global
                        || chain.first().is_some_and(|root| matches!(*root, "wx" | "swan" | "my" | "tt" | "qq")) =>
                    {
                        match cx.policy.privacy.sdk_call(&chain) {
                            Some(found) => found,
                            None => continue,
                        }
                    }
                    None => continue,
                };
                if !sdk.is_analytics() || use_ != SdkUse::Start || started.contains(&sdk.id) {
                    continue;
                }
                // Inside a function that only a user's action or a consent branch calls, nothing is known: keep silent.
                let place = Place { file, span: site.span };
                if !runs_unasked(cx, file, script, site.function) {
                    started.push(sdk.id.clone());
                    continue;
                }
                found
                    .entry(place)
                    .or_insert_with(|| Finding::new(ID, place).text("party", &*sdk.zh).confidence(Confidence::Medium));
                started.push(sdk.id.clone());
            }
        }
        // An SDK that starts when its file is required.
        for (place, sdk) in imports(cx) {
            if sdk.is_analytics() && sdk.auto && !started.contains(&sdk.id) {
                found.entry(place).or_insert_with(|| Finding::new(ID, place).text("party", &*sdk.zh).variant("import"));
            }
        }
        // Reports with personal information.
        let reports: Vec<Place> = calls(cx, "analytics").map(|(call, _)| call.place).collect();
        for sink in sinks(cx, |flow| {
            let analytics = reports.contains(&flow.place)
                || flow
                    .third_party
                    .as_deref()
                    .and_then(|id| cx.policy.privacy.sdk(id))
                    .is_some_and(|sdk| sdk.is_analytics());
            analytics
                && flow.sink != SinkKind::Storage
                && flow.consent != Consent::NoticeAndConsent
                && cx.solution.collections.get(flow.collection).is_none_or(|c| c.consent() != Consent::NoticeAndConsent)
        }) {
            let name = sink.flows[0]
                .third_party
                .as_deref()
                .and_then(|id| cx.policy.privacy.sdk(id))
                .map_or_else(|| sink.flows[0].api.to_string(), |sdk| sdk.zh.to_string());
            let finding = sink.finding(cx, ID).variant("report").text("party", name);
            found.entry(sink.place).or_insert(finding);
        }
        out.extend(found.into_values());
    }
}

/// The SDK of a call that is written as module or global, then method.
fn sdk_of<'a>(cx: &Context<'a>, label: &str) -> Option<(&'a Sdk, SdkUse)> {
    let privacy = &cx.policy.privacy;
    let known = |name: &str| privacy.sdk_by_module(name).or_else(|| privacy.sdk_by_global(name));
    if let Some(sdk) = known(label) {
        return Some((sdk, sdk.method("")));
    }
    label.rmatch_indices('.').find_map(|(at, _)| {
        let sdk = known(&label[..at])?;
        Some((sdk, sdk.method(&label[at + 1..])))
    })
}

fn agreed(facts: &std::collections::BTreeSet<Fact>) -> bool {
    facts.iter().any(|fact| match fact {
        Fact::DialogConfirmed(_) | Fact::Ticked(..) | Fact::Acted(..) | Fact::PrivacyAgreed | Fact::Agreed => true,
        // What is kept says that somebody agreed; that it says nothing against it is no consent.
        Fact::Tested { origin: crate::flow::Origin::Storage(key), with, held, .. } => {
            let said = match with.as_deref() {
                Some("" | "null" | "undefined") => !held,
                Some("false" | "0") => false,
                _ => *held,
            };
            said && ["agree", "privacy", "consent", "protocol"].iter().any(|word| key.to_lowercase().contains(word))
        }
        _ => false,
    })
}

/// Whether a function runs at launch or load by itself: top-level code, or a lifecycle method that holds the call in
/// its own body.
fn runs_unasked(
    cx: &Context<'_>,
    file: crate::source::FileId,
    script: &crate::model::ir::Script,
    function: crate::model::ir::FnId,
) -> bool {
    if function == 0 {
        return true;
    }
    let Some(host) = cx.policy.host(&cx.package.host) else { return false };
    let Some(holder) = script.functions.get(function as usize) else { return false };
    let text = &cx.package.source(file).text;
    let guarded = {
        let body = holder.span.slice(text);
        ["agree", "consent", "privacy", "同意", "隐私", "Privacy", "Agree"].iter().any(|word| body.contains(word))
    };
    let load = holder.name.as_deref().is_some_and(|name| {
        [&host.info.app_load, &host.info.page_load, &host.info.component_load]
            .into_iter()
            .flatten()
            .any(|known| **known == *name)
    });
    load && !guarded
}
