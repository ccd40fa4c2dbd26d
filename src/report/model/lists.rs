//! What a package collects, how its privacy text covers that, what it is able to do, and where data goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::{Consent, Flow, SinkKind, Text};
use crate::report::model::build::protection_id;
use crate::report::model::{
    Builder, Capabilities, CoverageItem, FlowReport, FlowSink, FlowSource, InventoryItem, InventorySink,
    InventorySource, consent_id, kind_name,
};
use crate::rules::coverage::{Extent, Fared, Fired, Ran, Status, coverage};
use crate::rules::{Confidence, Context, Options};

impl Builder<'_> {
    pub(super) fn inventory(&self) -> Vec<InventoryItem> {
        let solution = &self.vetted.solution;
        let lang = self.shape.lang;
        let options = Options::default();
        let readings = Default::default();
        let known = crate::rules::privacy::inventory::facts(&Context {
            package: &self.vetted.package,
            policy: self.policy,
            program: &self.vetted.program,
            solution,
            options: &options,
            terms: None,
            readings: &readings,
        });
        let mut kinds: BTreeSet<&Arc<str>> = BTreeSet::new();
        for collection in solution.collections.iter().filter(|collection| collection.used) {
            kinds.extend(&collection.kinds);
        }
        for flow in &solution.flows {
            kinds.extend(&flow.kinds);
        }
        kinds
            .into_iter()
            .map(|kind| {
                let sources = solution
                    .collections
                    .iter()
                    .filter(|collection| collection.kinds.contains(kind))
                    .map(|collection| InventorySource {
                        source: collection.source.to_string(),
                        file: self.path(collection.place),
                        range: self.range(collection.place),
                        page: collection.weakest().map(|reach| reach.entry.route.to_string()).unwrap_or_default(),
                        consent: consent_id(collection.consent()).to_owned(),
                        scope: collection.scope.as_ref().map(ToString::to_string),
                    })
                    .collect();
                let sinks: BTreeSet<InventorySink> = solution
                    .flows
                    .iter()
                    .filter(|flow| flow.kinds.contains(kind))
                    .map(|flow| InventorySink {
                        kind: flow.sink.name().to_owned(),
                        api: flow.api.to_string(),
                        host: server(flow),
                        file: self.path(flow.place),
                        range: self.range(flow.place),
                        protection: flow.protections.iter().map(protection_id).collect(),
                    })
                    .collect();
                let facts = known.get(kind).cloned().unwrap_or_default();
                InventoryItem {
                    kind: kind.to_string(),
                    name: kind_name(kind, self.policy, lang),
                    sensitive: self.policy.privacy.is_sensitive(kind),
                    sources,
                    sinks: sinks.into_iter().collect(),
                    purposes: facts.purposes.into_iter().collect(),
                    third_parties: facts.third_parties.into_iter().collect(),
                    in_policy: facts.in_policy,
                    encrypted: facts.encrypted,
                }
            })
            .collect()
    }

    pub(super) fn coverage(&self) -> Vec<CoverageItem> {
        let mut fired = Fired::default();
        // A breach that a comment or a baseline hides is a breach.
        for one in &self.vetted.hits {
            if one.finding.clauses.is_empty() {
                fired.rules.insert(one.finding.rule);
            } else {
                fired.clauses.extend(one.finding.clauses.iter().map(|clause| &**clause));
            }
        }
        let options = Options::default();
        let readings = Default::default();
        let context = Context {
            package: &self.vetted.package,
            policy: self.policy,
            program: &self.vetted.program,
            solution: &self.vetted.solution,
            options: &options,
            terms: None,
            readings: &readings,
        };
        let lang = self.shape.lang;
        let registry = self.policy.clauses();
        let hidden = self.vetted.package.skipped.iter().any(|skipped| skipped.reason.hides_code());
        let ran = Ran {
            rule: &|rule| !self.vetted.unasked.contains(rule),
            whole: !hidden
                && !self.vetted.solution.exhausted
                && self.vetted.engine_errors.is_empty()
                && self.vetted.floor == Confidence::Low,
        };
        coverage(&context, &fired, &ran)
            .into_iter()
            .map(|Fared { clause, status, extent, idle }| {
                let told = status == Status::NotCheckable || extent == Some(Extent::Part);
                let reason = registry.reason(clause).filter(|_| told);
                CoverageItem {
                    clause: clause.id.to_string(),
                    rules: clause.rules.iter().map(ToString::to_string).collect(),
                    status: status.name().to_owned(),
                    extent: extent.map(|extent| extent.name().to_owned()),
                    idle: idle.into_iter().map(str::to_owned).collect(),
                    reason: reason.map(|reason| reason.get(lang).to_owned()),
                    title: clause.title.get(lang).to_owned(),
                }
            })
            .collect()
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        let solution = &self.vetted.solution;
        let mut out = Capabilities::default();
        let host = self.policy.host(&self.vetted.package.host);
        for call in &solution.calls {
            out.apis.insert(format!("{}.{}", call.namespace, call.api));
            let api = host.and_then(|host| host.apis.get(&*call.api));
            out.scopes.extend(api.and_then(|api| api.scope.as_ref()).map(ToString::to_string));
            for value in &call.args {
                let url = value.field("url").unwrap_or(value);
                out.hosts.extend(url.strings.iter().filter_map(host_of));
            }
        }
        for collection in &solution.collections {
            out.personal_information.extend(collection.kinds.iter().map(ToString::to_string));
            out.scopes.extend(collection.scope.as_ref().map(ToString::to_string));
        }
        for flow in &solution.flows {
            out.third_parties.extend(flow.third_party.as_ref().map(ToString::to_string));
            out.hosts.extend(flow.urls.iter().filter_map(host_of));
        }
        out.categories.extend(self.vetted.package.submission.categories.iter().cloned());
        out
    }

    pub(super) fn flows(&self) -> Vec<FlowReport> {
        let solution = &self.vetted.solution;
        solution
            .flows
            .iter()
            .filter_map(|flow| {
                let collection = solution.collections.get(flow.collection)?;
                let source = collection.source.to_string();
                let (api, element) =
                    if collection.element.is_some() { (None, Some(source)) } else { (Some(source), None) };
                Some(FlowReport {
                    source: FlowSource {
                        api,
                        element,
                        file: self.path(collection.place),
                        range: self.range(collection.place),
                        personal_information: flow.kinds.iter().map(ToString::to_string).collect(),
                    },
                    sink: FlowSink {
                        api: flow.api.to_string(),
                        kind: flow.sink.name().to_owned(),
                        host: server(flow),
                        file: self.path(flow.place),
                        range: self.range(flow.place),
                    },
                    sanitizers: flow.protections.iter().map(protection_id).collect(),
                    consent: match collection.consent() {
                        // A flow knows three levels: what was only told was not agreed to.
                        Consent::NoticeOnly => "none",
                        level => consent_id(level),
                    }
                    .to_owned(),
                    hops: flow.hops.iter().map(|step| self.step(step)).collect(),
                })
            })
            .collect()
    }
}

fn server(flow: &Flow) -> Option<String> {
    if matches!(flow.sink, SinkKind::Network | SinkKind::ThirdParty | SinkKind::Url) {
        flow.urls.iter().find_map(host_of)
    } else {
        None
    }
}

/// The server of an address, when its literal head shows it.
fn host_of(text: &Text) -> Option<String> {
    let head = text.head();
    let (scheme, rest) = head.split_once("://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ws" | "wss" | "ftp") {
        return None;
    }
    let end = rest.find(['/', '?', '#']);
    if end.is_none() && text.complete().is_none() {
        return None;
    }
    let authority = &rest[..end.unwrap_or(rest.len())];
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}
