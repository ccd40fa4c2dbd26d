//! What an execution writes down.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::solution::{BlindSpot, Branch, Consent, Entry, Flow, HostCall, Navigation, Place, Reach, SinkKind, Step};
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
        self.calls.clear();
        self.flows.clear();
        self.branches.clear();
        self.blind_spots.retain(|spot| spot.note == "budget-exhausted");
        self.shown.clear();
        self.navigations.clear();
        for draft in &mut self.collections {
            draft.reaches.clear();
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

/// A way with no facts yet.
pub(super) fn reach(entry: Entry, consent: Consent, path: Vec<Step>) -> Reach {
    Reach { entry, facts: BTreeSet::new(), consent, path }
}
