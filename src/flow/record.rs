//! What an execution writes down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::builtins::modules::MISSING_MODULE;
use super::heap::Reads;
use super::solution::{BlindSpot, Branch, Entry, Flow, HostCall, Navigation, Place, Reach, SinkKind, Step, Update};
use super::value::{Ids, TaintId, Value, intersect, unite};
use crate::model::ir::Name;
use crate::source::FileId;

/// Most addresses of a flow that several executions found.
const MAX_URLS: usize = 8;

/// A collection while it is being found.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub place: Place,
    pub source: Name,
    pub element: Option<(FileId, u32)>,
    pub kinds: BTreeSet<Name>,
    /// Those of them that only ciphertext of the host holds, where other fields are in plain: nobody has them before it goes
    /// anywhere.
    pub sealed: BTreeSet<Name>,
    pub certainty: u8,
    pub host_prompt: bool,
    pub scope: Option<Name>,
    pub reaches: Vec<Reach>,
    pub used: bool,
    /// Kinds in the fields that are read, shown, kept or sent.
    pub read: BTreeSet<Name>,
    pub evidence: Option<Place>,
    /// Reached where a value of it is read, not where the source stands.
    pub lazy: bool,
    /// Something that the user types or picks.
    pub input: bool,
    /// Something that the user chooses among a few that are offered.
    pub choice: bool,
    /// A day or an hour.
    pub day: bool,
    /// What a server answers: kept and passed on, but not asked for here.
    pub answered: bool,
}

/// Key of a flow: sink place, API, parameter, collection, protections.
pub(super) type FlowKey = (Place, Name, Name, usize, String);

/// Flows by key, each with the taint that it was first seen for.
pub(super) type Flows = BTreeMap<FlowKey, (Flow, TaintId)>;

/// Answers that arrived whole at sinks: the answer, the sink's place and API. Their kinds are not known yet.
pub(super) type Whole = BTreeMap<(u32, Place, Name), Flow>;

/// A page that is opened from inside the program.
#[derive(Debug, PartialEq)]
pub(super) struct Opening {
    pub route: Name,
    /// What holds there, besides what holds whenever `through` is opened.
    pub facts: Ids,
    /// The page that opens it.
    pub through: Option<Name>,
}

/// How a page is opened: from which page, and what holds besides.
type Way<'r> = (Option<&'r Name>, &'r [u32]);

/// What is written down while the machine runs.
#[derive(Debug, Default)]
pub(super) struct Record {
    // Of the execution that runs now.
    pub calls: Vec<HostCall>,
    pub reaches: Vec<(usize, Reach)>,
    /// Where elements hand over what they collect, whether anything of it is read there or not.
    pub handed: Vec<(usize, Reach)>,
    pub flows: Flows,
    pub branches: Vec<Branch>,
    pub updates: BTreeSet<Update>,
    pub share_results: BTreeSet<Place>,
    pub blind_spots: BTreeSet<BlindSpot>,
    pub reached: BTreeSet<(FileId, u32)>,
    pub shown: BTreeSet<Place>,
    /// Strings that reach the screen and stand nowhere as they are shown.
    pub joined: BTreeSet<(Place, String)>,
    pub navigations: Vec<Navigation>,
    pub openings: Vec<Opening>,
    pub whole: Whole,
    /// Facts of the promise whose rejection a `catch` clause sees.
    pub last_rejection: Option<Ids>,
    // Of all executions.
    pub collections: Vec<Draft>,
    pub collection_ids: FxHashMap<(Place, Name), usize>,
    /// Steps of each taint, in the order in which they were first taken.
    pub ways: FxHashMap<TaintId, Vec<Step>>,
}

/// What one execution wrote down.
#[derive(Debug, Default)]
pub(super) struct Part {
    calls: Vec<HostCall>,
    reaches: Vec<(usize, Reach)>,
    handed: Vec<(usize, Reach)>,
    flows: Flows,
    branches: Vec<Branch>,
    updates: BTreeSet<Update>,
    share_results: BTreeSet<Place>,
    blind_spots: BTreeSet<BlindSpot>,
    reached: BTreeSet<(FileId, u32)>,
    shown: BTreeSet<Place>,
    joined: BTreeSet<(Place, String)>,
    navigations: Vec<Navigation>,
    openings: Vec<Opening>,
    whole: Whole,
}

impl Record {
    /// Takes what was written down since the last cut.
    pub fn cut(&mut self) -> Part {
        Part {
            calls: std::mem::take(&mut self.calls),
            reaches: std::mem::take(&mut self.reaches),
            handed: std::mem::take(&mut self.handed),
            flows: std::mem::take(&mut self.flows),
            branches: std::mem::take(&mut self.branches),
            updates: std::mem::take(&mut self.updates),
            share_results: std::mem::take(&mut self.share_results),
            blind_spots: std::mem::take(&mut self.blind_spots),
            reached: std::mem::take(&mut self.reached),
            shown: std::mem::take(&mut self.shown),
            joined: std::mem::take(&mut self.joined),
            navigations: std::mem::take(&mut self.navigations),
            openings: std::mem::take(&mut self.openings),
            whole: std::mem::take(&mut self.whole),
        }
    }

    /// Goes on where a cut was made.
    pub fn resume(&mut self, part: Part) {
        self.calls = part.calls;
        self.reaches = part.reaches;
        self.handed = part.handed;
        self.flows = part.flows;
        self.branches = part.branches;
        self.updates = part.updates;
        self.share_results = part.share_results;
        self.blind_spots = part.blind_spots;
        self.reached = part.reached;
        self.shown = part.shown;
        self.joined = part.joined;
        self.navigations = part.navigations;
        self.openings = part.openings;
        self.whole = part.whole;
    }

    pub fn blind(&mut self, place: Place, note: &'static str, name: &str) {
        self.blind_spots.insert(BlindSpot { place, note, name: name.into() });
    }
}

/// The last execution of an entry point: from what, and what came of it. It stands until something that it read changes.
#[derive(Debug)]
pub(super) struct Run {
    /// What held at its start.
    pub held: Ids,
    /// What it was about: the function called, the answer shared.
    pub subject: Value,
    pub reads: Reads,
    /// The heap's clock at its start.
    pub clock: u32,
    /// Whether it asked for what its round did not know yet.
    pub again: bool,
    /// What the pages below it were taken from, where it asked for them.
    pub below: Option<(usize, usize)>,
    pub round: usize,
    pub answer: Value,
    pub part: Part,
}

/// The executions of all entry points.
#[derive(Debug, Default)]
pub(super) struct Runs {
    ids: FxHashMap<(Entry, u32), usize>,
    /// How often an entry came up in this round.
    times: FxHashMap<Entry, u32>,
    /// In the order in which they first came up.
    pub list: Vec<Option<Run>>,
    /// What top-level code did.
    pub top: Vec<Part>,
    /// How many had to run in this round.
    pub ran: usize,
    /// Whether executions open other pages than they were known to.
    pub opened: bool,
}

impl Runs {
    pub fn restart(&mut self) {
        self.times.clear();
        self.ran = 0;
    }

    /// The place of an entry point that comes up now.
    pub fn find(&mut self, entry: &Entry) -> usize {
        let times = self.times.entry(entry.clone()).or_default();
        let key = (entry.clone(), *times);
        *times += 1;
        let next = self.list.len();
        let index = *self.ids.entry(key).or_insert(next);
        if index == next {
            self.list.push(None);
        }
        index
    }

    /// Notes the last execution of an entry point.
    pub fn note(&mut self, index: usize, run: Run) {
        let known = self.list[index].as_ref().map_or(&[][..], |known| &known.part.openings);
        self.opened |= known != run.part.openings.as_slice();
        self.list[index] = Some(run);
    }

    /// Notes what top-level code did.
    pub fn note_top(&mut self, part: Part) {
        self.opened |= !part.openings.is_empty();
        self.top.push(part);
    }

    /// What holds whenever a page is opened from inside the program, by route: what every way to it has, from pages that are
    /// opened without passing any. Ways are followed to their ends and around here, so that pages far down run again once, and
    /// not once for each page above them.
    pub fn navigation_facts(&self, tabs: &[Name]) -> FxHashMap<Name, Ids> {
        let from_tab = |from: &Name| {
            let beside = move |tab: &&Name| *tab != from;
            let open = |tab: &Name| Opening { route: tab.clone(), facts: Ids::new(), through: Some(from.clone()) };
            tabs.iter().filter(beside).map(open).collect::<Vec<_>>()
        };
        let beside: Vec<Opening> = tabs.iter().flat_map(from_tab).collect();
        let parts = self.top.iter().chain(self.list.iter().flatten().map(|run| &run.part));
        // Many entry points open a page from the same one, with the same proved.
        let mut openings: BTreeMap<&Name, BTreeSet<Way<'_>>> = BTreeMap::new();
        for opening in parts.flat_map(|part| &part.openings) {
            openings.entry(&opening.route).or_default().insert((opening.through.as_ref(), &opening.facts));
        }
        if tabs.iter().any(|tab| openings.contains_key(tab)) {
            for opening in &beside {
                openings.entry(&opening.route).or_default().insert((opening.through.as_ref(), &opening.facts));
            }
        }
        // A page without facts here is not known to be reached yet. Facts only go, so this ends.
        let mut out: FxHashMap<Name, Ids> = FxHashMap::default();
        loop {
            let mut changed = false;
            for (&route, ways) in &openings {
                let ways = ways.iter().filter_map(|&(through, facts)| {
                    let mut facts = Ids::from_slice(facts);
                    if let Some(through) = through.filter(|through| openings.contains_key(through)) {
                        unite(&mut facts, out.get(through)?);
                    }
                    Some(facts)
                });
                let Some(facts) = ways.reduce(|all, facts| intersect(&all, &facts)) else { continue };
                if out.get(route) != Some(&facts) {
                    out.insert(route.clone(), facts);
                    changed = true;
                }
            }
            if !changed {
                return out;
            }
        }
    }
}

/// Adds a way to a collection; of too many, the weakest are kept.
fn reach(reaches: &mut Vec<Reach>, reach: Reach) {
    if reaches.len() >= 64 {
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

/// Adds a flow to those known.
pub(super) fn flow(flows: &mut Flows, key: FlowKey, flow: Flow, taint: TaintId) {
    match flows.get_mut(&key) {
        Some((known, _)) => {
            known.kinds.extend(flow.kinds);
            for url in flow.urls.iter() {
                if known.urls.len() < MAX_URLS && !known.urls.contains(url) {
                    Arc::make_mut(&mut known.urls).push(url.clone());
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
            flows.insert(key, (flow, taint));
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
    /// What stands behind an authorization that the settings hold was agreed to when it was granted: where every prompt for that
    /// scope in the package came with a notice, so did the grant.
    fn raise_granted(&mut self, drafts: &mut [Draft], whole: &mut Part) {
        use super::solution::{Consent, Fact};
        let scopes: BTreeSet<Name> = drafts.iter().filter_map(|draft| draft.scope.clone()).collect();
        for scope in scopes {
            let behind = |facts: &BTreeSet<Fact>| facts.contains(&Fact::Authorized(scope.clone()));
            let mut weakest: Option<Consent> = None;
            let mut meet = |consent: Consent| weakest = Some(weakest.map_or(consent, |known| known.min(consent)));
            for call in &whole.calls {
                let asks = self.policy_api(&call.namespace, &call.api).is_some_and(|api| {
                    api.roles.iter().any(|role| &**role == "authorize")
                        && api.param("scope").and_then(|path| call.arg(path)).and_then(|arg| arg.text())
                            == Some(&*scope)
                });
                if asks {
                    let facts = call.facts.clone();
                    meet(self.consent_of(&facts, &[], true, Some(&scope)));
                }
            }
            for draft in drafts.iter().filter(|draft| draft.scope.as_ref() == Some(&scope)) {
                draft.reaches.iter().filter(|way| !behind(&way.facts)).for_each(|way| meet(way.consent));
            }
            if weakest != Some(Consent::NoticeAndConsent) {
                continue;
            }
            for draft in drafts.iter_mut().filter(|draft| draft.scope.as_ref() == Some(&scope)) {
                for way in draft.reaches.iter_mut().filter(|way| behind(&way.facts)) {
                    way.consent = Consent::NoticeAndConsent;
                }
            }
            for (flow, _) in whole.flows.values_mut() {
                if drafts[flow.collection].scope.as_ref() == Some(&scope) && behind(&flow.facts) {
                    flow.consent = Consent::NoticeAndConsent;
                }
            }
        }
    }

    /// Flows of answers that arrive whole at a sink: they hold what the package reads of them. One field that only people have
    /// makes the others a person's, too.
    fn tell_whole(&mut self, whole: &mut Part) {
        const LEAST: u8 = 70;
        /// Names prove little.
        const CERTAINTY: u8 = 60;
        for ((answer, place, api), mut flow_of) in std::mem::take(&mut whole.whole) {
            let answer = self.answers[answer as usize].clone();
            // What everybody may show to everybody, such as pictures of those who wrote something, tells of no person alone.
            let tells = |kind: &str| self.policy.privacy.is_sensitive(kind) || self.policy.privacy.is_for_few(kind);
            if !answer.kinds.iter().any(|(kind, &sure)| sure >= LEAST && tells(kind)) {
                continue;
            }
            let told: BTreeSet<&Name> = whole
                .flows
                .values()
                .filter(|(known, _)| known.place == place && known.sink == flow_of.sink)
                .flat_map(|(known, _)| &known.kinds)
                .collect();
            let kinds: BTreeSet<Name> = answer.kinds.keys().filter(|kind| !told.contains(kind)).cloned().collect();
            if kinds.is_empty() {
                continue;
            }
            let collection =
                self.collection(answer.place, answer.api.clone(), None, kinds.clone(), CERTAINTY, false, None);
            self.record.collections[collection].answered = true;
            let Some(&taint) = self.taints_of(collection, &kinds.iter().cloned().collect::<Vec<_>>(), None).first()
            else {
                continue;
            };
            flow_of.collection = collection;
            flow_of.kinds = kinds;
            let key = (place, api, flow_of.param.clone(), collection, format!("{:?}", flow_of.sink));
            flow(&mut whole.flows, key, flow_of, taint);
        }
    }

    /// The solution, in a stable order.
    pub fn finish(mut self) -> super::solution::Solution {
        use super::solution::{Collection, Solution};
        let mut whole = Part::default();
        let (mut reaches, mut handed) = (Vec::new(), Vec::new());
        let runs = std::mem::take(&mut self.runs);
        for part in runs.top.into_iter().chain(runs.list.into_iter().flatten().map(|run| run.part)) {
            let first = whole.calls.len();
            whole.calls.extend(part.calls);
            whole.branches.extend(part.branches.into_iter().map(|mut branch| {
                branch.then_calls.iter_mut().chain(&mut branch.else_calls).for_each(|call| *call += first);
                branch
            }));
            reaches.extend(part.reaches);
            handed.extend(part.handed);
            whole.whole.extend(part.whole);
            for (key, (one, taint)) in part.flows {
                flow(&mut whole.flows, key, one, taint);
            }
            whole.updates.extend(part.updates);
            whole.share_results.extend(part.share_results);
            whole.blind_spots.extend(part.blind_spots);
            whole.reached.extend(part.reached);
            whole.shown.extend(part.shown);
            whole.joined.extend(part.joined);
            whole.navigations.extend(part.navigations);
        }
        if let Some(place) = self.ran_out {
            whole.blind_spots.insert(BlindSpot { place, note: "budget-exhausted", name: "".into() });
        }
        self.tell_whole(&mut whole);
        let mut drafts = std::mem::take(&mut self.record.collections);
        for (collection, way) in reaches {
            reach(&mut drafts[collection].reaches, way);
        }
        // What was kept whole, and read elsewhere, was collected where it was handed over.
        let read: BTreeSet<usize> = whole.flows.values().map(|(flow, _)| flow.collection).collect();
        handed.retain(|(collection, _)| read.contains(collection) && drafts[*collection].reaches.is_empty());
        for (collection, way) in handed {
            reach(&mut drafts[collection].reaches, way);
        }
        self.raise_granted(&mut drafts, &mut whole);
        let ways = &self.record.ways;
        let flows: Vec<Flow> = whole
            .flows
            .into_values()
            .map(|(mut flow, taint)| {
                let ends = |place| flow.hops.iter().any(|step: &Step| step.place == place);
                let way: Vec<Step> =
                    ways.get(&taint).into_iter().flatten().filter(|step| !ends(step.place)).take(12).cloned().collect();
                let sink = flow.hops.len().saturating_sub(1);
                flow.hops.splice(sink..sink, way);
                flow
            })
            .collect();
        for (index, draft) in drafts.iter_mut().enumerate() {
            let carried = |kind: &Name| {
                flows.iter().any(|flow| {
                    flow.collection == index
                        && flow.kinds.contains(kind)
                        && flow.protections.contains(&super::solution::Protection::HostCiphertext)
                })
            };
            let sealed = std::mem::take(&mut draft.sealed);
            draft.kinds.retain(|kind| !sealed.contains(kind) || carried(kind));
        }
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
                read: draft.read.clone(),
                evidence: draft.evidence,
                answered: draft.answered,
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
            calls: whole.calls,
            collections,
            flows,
            branches: whole.branches,
            updates: whole.updates.into_iter().collect(),
            share_results: whole.share_results,
            blind_spots: once_a_module(whole.blind_spots),
            reached: whole.reached,
            shown: whole.shown.into_iter().collect(),
            joined: whole.joined.into_iter().collect(),
            navigations: whole.navigations,
            exhausted: self.exhausted,
            unseen: self.unseen,
            ..Solution::default()
        }
    }
}

/// One place tells of a module that is not in the package, however many ask for it.
fn once_a_module(spots: BTreeSet<BlindSpot>) -> Vec<BlindSpot> {
    let mut told = BTreeSet::new();
    spots.into_iter().filter(|spot| spot.note != MISSING_MODULE || told.insert(spot.name.clone())).collect()
}
