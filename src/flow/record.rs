//! What an execution writes down.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::solution::{BlindSpot, Branch, Flow, HostCall, Navigation, Place, Reach, SinkKind, Step, Update};
use super::value::{Ids, TaintId};
use crate::model::ir::Name;
use crate::source::FileId;

/// A collection while it is being found.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub place: Place,
    pub source: Name,
    pub element: Option<(FileId, u32)>,
    pub kinds: BTreeSet<Name>,
    pub certainty: u8,
    pub host_prompt: bool,
    pub scope: Option<Name>,
    pub reaches: Vec<Reach>,
    pub used: bool,
    pub evidence: Option<Place>,
    /// Reached where a value of it is read, not where the source stands.
    pub lazy: bool,
    /// Something that the user types or picks.
    pub input: bool,
}

/// Key of a flow: sink place, API, parameter, collection, protections.
pub(super) type FlowKey = (Place, Name, Name, usize, String);

/// Everything written down in the last round, and what outlives rounds.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub calls: Vec<HostCall>,
    pub collections: Vec<Draft>,
    pub collection_ids: FxHashMap<(Place, Name), usize>,
    pub flows: BTreeMap<FlowKey, Flow>,
    pub branches: Vec<Branch>,
    pub updates: BTreeSet<Update>,
    pub share_results: BTreeSet<Place>,
    pub blind_spots: BTreeSet<BlindSpot>,
    pub reached: BTreeSet<(FileId, u32)>,
    pub shown: BTreeSet<Place>,
    pub navigations: Vec<Navigation>,
    /// Steps of each taint, in the order in which they were first taken.
    pub ways: FxHashMap<TaintId, Vec<Step>>,
    /// Facts of the promise whose rejection a `catch` clause sees.
    pub last_rejection: Option<Ids>,
}

impl Record {
    /// Starts a round: drops what rounds before had written down, keeps the collections' identities.
    pub fn restart(&mut self) {
        use super::solution::EntryKind::TopLevel;
        // Top-level code runs once: what it did stays.
        let kept = self.calls.iter().position(|call| call.entry.kind != TopLevel).unwrap_or(self.calls.len());
        self.calls.truncate(kept);
        self.flows.retain(|_, flow| flow.entry.kind == TopLevel);
        self.branches.retain(|branch| branch.entry.kind == TopLevel);
        self.blind_spots.retain(|spot| spot.note == "budget-exhausted");
        self.shown.clear();
        self.updates.clear();
        self.navigations.clear();
        for draft in &mut self.collections {
            draft.reaches.retain(|reach| reach.entry.kind == TopLevel);
        }
    }

    pub fn blind(&mut self, place: Place, note: &'static str, name: &str) {
        self.blind_spots.insert(BlindSpot { place, note, name: name.into() });
    }

    pub fn reach(&mut self, collection: usize, reach: Reach) {
        let reaches = &mut self.collections[collection].reaches;
        if reaches.len() >= 64 {
            // Keep the weakest ways.
            if let Some(strongest) = reaches.iter_mut().max_by_key(|known| known.consent)
                && strongest.consent > reach.consent
            {
                *strongest = reach;
            }
            return;
        }
        if !reaches.iter().any(|known| known.entry == reach.entry && known.facts == reach.facts) {
            reaches.push(reach);
        }
    }

    pub fn flow(&mut self, key: FlowKey, flow: Flow) {
        match self.flows.get_mut(&key) {
            Some(known) => {
                known.kinds.extend(flow.kinds);
                for url in flow.urls {
                    if !known.urls.contains(&url) && known.urls.len() < 8 {
                        known.urls.push(url);
                    }
                }
                if flow.consent < known.consent {
                    known.consent = flow.consent;
                    known.facts = flow.facts;
                    known.entry = flow.entry;
                }
                known.in_url |= flow.in_url;
            }
            None => {
                self.flows.insert(key, flow);
            }
        }
    }
}

/// The sink kind that a host table names.
pub(super) fn sink_kind(word: &str) -> SinkKind {
    match word {
        "storage" => SinkKind::Storage,
        "file" => SinkKind::File,
        "cloud" => SinkKind::Cloud,
        "log" => SinkKind::Log,
        "url" => SinkKind::Url,
        "share" => SinkKind::Share,
        "program" => SinkKind::Program,
        "clipboard" => SinkKind::Clipboard,
        "third-party" => SinkKind::ThirdParty,
        "display" => SinkKind::Display,
        _ => SinkKind::Network,
    }
}

impl super::machine::Machine<'_> {
    /// The solution, in a stable order.
    pub fn finish(mut self) -> super::solution::Solution {
        use super::solution::{Collection, Solution};
        let drafts = std::mem::take(&mut self.record.collections);
        let flows: Vec<Flow> = std::mem::take(&mut self.record.flows).into_values().collect();
        // Only what can happen is told; inputs count where what they hold leaves the page.
        let mut order: Vec<usize> = (0..drafts.len()).collect();
        order.sort_by_key(|&index| (drafts[index].place, drafts[index].source.clone()));
        let mut new_index = vec![usize::MAX; drafts.len()];
        let mut collections = Vec::new();
        for index in order {
            let draft = &drafts[index];
            let mut reaches = draft.reaches.clone();
            if draft.input {
                let sent: Vec<Reach> = flows
                    .iter()
                    .filter(|flow| {
                        flow.collection == index
                            && matches!(flow.sink, SinkKind::Network | SinkKind::ThirdParty | SinkKind::Cloud)
                    })
                    .map(|flow| Reach {
                        entry: flow.entry.clone(),
                        facts: flow.facts.clone(),
                        consent: flow.consent,
                        path: vec![Step { place: flow.entry.place, note: "entry", name: flow.entry.method.clone() }],
                    })
                    .collect();
                if !sent.is_empty() {
                    reaches = sent;
                }
            }
            if (reaches.is_empty() && !flows.iter().any(|flow| flow.collection == index)) || draft.kinds.is_empty() {
                continue;
            }
            new_index[index] = collections.len();
            collections.push(Collection {
                place: draft.place,
                source: draft.source.clone(),
                element: draft.element,
                kinds: draft.kinds.clone(),
                certainty: draft.certainty,
                host_prompt: draft.host_prompt,
                scope: draft.scope.clone(),
                reaches,
                used: draft.used,
                evidence: draft.evidence,
            });
        }
        let flows = flows
            .into_iter()
            .filter_map(|mut flow| {
                flow.collection = *new_index.get(flow.collection)?;
                (flow.collection != usize::MAX).then_some(flow)
            })
            .collect();
        Solution {
            calls: self.record.calls,
            collections,
            flows,
            branches: self.record.branches,
            updates: self.record.updates.into_iter().collect(),
            share_results: self.record.share_results,
            blind_spots: self.record.blind_spots.into_iter().collect(),
            reached: self.record.reached,
            shown: self.record.shown.into_iter().collect(),
            navigations: self.record.navigations,
            exhausted: self.exhausted,
        }
    }
}
