//! The abstract machine: runs the compact form of scripts, joining the arms of branches.
//!
//! Every execution is bounded by steps and depth. Inside an execution, writes are strong; where an arm may not have run, they are
//! joined with what stood before, together with the facts that the arm had proved.

mod calls;
mod classes;
mod expressions;
mod familiar;
pub(super) mod operators;
mod places;
mod statements;

use std::collections::hash_map::Entry as MapEntry;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;

use self::classes::ClassEnv;
use self::familiar::{Circle, Followed};
use super::entries::first_pages;
use super::heap::{Diff, Heap, ITEM, Kind};
use super::record::{Record, Run, Runs};
use super::solution::{Entry, Fact, FactSet, Origin, Place};
use super::value::{FactId, Ids, ObjId, OriginId, Str, Sym, TaintId, Value, unite};
use crate::model::ir::{Expr, ExprKind, FnId, Key, Name, Pattern, Script};
use crate::model::{Program, UnitId};
use crate::package::Package;
use crate::policy::Policy;
use crate::policy::host::Host;
use crate::source::{FileId, Span};

/// Deepest call chain.
const MAX_DEPTH: usize = 40;

/// Most calls of one function inside itself.
const MAX_RECURSION: usize = 2;

/// The same where each call is given a part of what the one around it was given.
const MAX_DESCENT: usize = 6;

/// Most functions that one call is followed into.
const MAX_TARGETS: usize = 8;

/// How often a statement may run because loops, lists and callees around it are taken one by one. Beyond that they are taken
/// as a whole: nested, they would multiply.
const MAX_WAYS: usize = 32;

/// The same inside libraries: what they do with values matters, not with which item first.
const MAX_WAYS_LIBRARY: usize = 8;

/// Steps of an entry point after which ways are taken more and more as a whole, so that it comes to its end.
const NARROW_STEPS: u64 = 2_000;

/// Steps in a library, calls back into the package aside, after which its own calls are not followed any further: they do with
/// their arguments what unknown functions do.
const LIBRARY_STEPS: u64 = 1_000;

/// Steps of one entry point.
const ENTRY_STEPS: u64 = 60_000;

/// Steps of a package.
const TOTAL_STEPS: u64 = 3_000_000;

/// Steps of an entry point that comes up for the first time when those of the package are used up: each is looked into.
const LAST_STEPS: u64 = 400;

/// Steps between two questions whether to stop, less one.
const STOP_MASK: u64 = 0x3ff;

/// `this` of a frame.
pub(super) const THIS: Sym = u32::MAX;
/// `arguments` of a frame.
pub(super) const ARGUMENTS: Sym = u32::MAX - 1;
/// The class whose method runs, for `super`.
pub(super) const HOME: Sym = u32::MAX - 2;
/// Whatever a proxy is asked for.
pub(super) const TRAP: Sym = u32::MAX - 3;

/// A personal value on its way.
#[derive(Clone, Debug)]
pub(super) struct Taint {
    pub collection: usize,
    /// Kind in the taxonomy; empty for an input whose kind is not known yet.
    pub kind: Name,
    /// Protections so far.
    pub protections: Rc<[super::solution::Protection]>,
    /// Cut to a part (`slice`, `substr`).
    pub partial: bool,
    /// Somewhere inside a server's answer, under a field of its name.
    pub container: bool,
}

/// What a server answers, as far as the package reads it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub place: Place,
    pub api: Name,
    /// Kinds that fields read of it hold by their names, with how sure that is.
    pub kinds: std::collections::BTreeMap<Name, u8>,
    /// What it is a part of.
    pub holder: Option<u32>,
}

/// What tells taints apart: collection, kind, protections, whether partial, whether inside an answer.
type TaintKey = (usize, Name, Rc<[super::solution::Protection]>, bool, bool);

/// What consent is weighed for: a set of facts (where it stands in memory), kinds, the host's prompt, a scope.
type ConsentKey = (usize, SmallVec<[Name; 2]>, bool, Option<Name>);

/// How statements end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    Next,
    Break,
    Continue,
    Return,
    Throw,
}

/// One activation of a function.
pub(super) struct Act<'a> {
    pub file: FileId,
    pub script: Option<&'a Script>,
    pub function: FnId,
    pub frame: ObjId,
    /// Names of a template expression: loop variables first.
    pub scope: Option<(Vec<(Name, Value)>, Value)>,
    pub returned: Value,
    /// Facts that hold at every return so far.
    pub exit_facts: Option<Ids>,
    /// Facts that hold at every return so far that gives no promise which is only rejected; where there was such a promise.
    pub kept_facts: Option<Ids>,
    pub rejects: bool,
    /// Length of the active facts when the function was entered.
    pub base: usize,
    /// Arms that left the straight path: where to, what they changed, what held.
    pub deferred: Vec<(Jump, Diff)>,
    /// What a generator has given so far.
    pub yielded: Value,
}

impl<'a> Act<'a> {
    /// What runs in a frame, before its first statement.
    pub fn new(file: FileId, script: Option<&'a Script>, function: FnId, frame: ObjId, base: usize) -> Self {
        Self {
            file,
            script,
            function,
            frame,
            scope: None,
            returned: Value::default(),
            exit_facts: None,
            kept_facts: None,
            rejects: false,
            base,
            deferred: Vec::new(),
            yielded: Value::default(),
        }
    }
}

/// Where a call stands.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub place: Place,
    pub args: Vec<Option<Place>>,
    /// Callee as written, for traces (`util.request`).
    pub name: Name,
    /// Whether the answer is used.
    pub used: bool,
}

impl Site {
    pub fn at(place: Place) -> Self {
        Self { place, args: Vec::new(), name: "".into(), used: true }
    }
}

pub(super) struct Machine<'a> {
    pub package: &'a Package,
    pub policy: &'a Policy,
    pub host: &'a Host,
    pub program: &'a Program,
    pub heap: Heap,
    names: FxHashMap<Name, Sym>,
    /// Names of the program's tree and of this code, by where they stand in memory.
    placed: FxHashMap<(usize, usize), Sym>,
    spelled: Vec<Name>,
    /// Names of places in a list.
    pub indices: Vec<Sym>,
    /// Whether a name is a number.
    numeric: Vec<bool>,
    /// Callees as written, by where they stand in memory.
    chains: FxHashMap<usize, Name>,
    /// Values of literals, by where they stand in memory.
    literals: FxHashMap<usize, Rc<Str>>,
    /// The turn of a loop in a template that is taken now: the element that repeats, the item.
    pub turn_of_loop: Option<(FileId, u32, Value)>,
    /// The innermost loop that was looked at last: the element that repeats, its list.
    pub looped: Option<(FileId, u32, Value)>,
    /// Loops of elements, as their directives say them.
    pub loop_heads: FxHashMap<(FileId, u32), Option<Rc<super::entries::LoopHead>>>,
    /// View-script modules of each template.
    pub view_modules: FxHashMap<FileId, Rc<[(Name, Value)]>>,
    /// Whether a file's functions can be protecting ones: with the name of the file, where the tables know that, too.
    pub protecting: FxHashMap<FileId, Option<Option<Name>>>,
    fact_ids: FxHashMap<Fact, FactId>,
    pub fact_table: Vec<Fact>,
    pub fact_sets: FxHashMap<Ids, FactSet>,
    origin_ids: FxHashMap<Origin, OriginId>,
    pub origin_table: Vec<Origin>,
    /// Origins of fields, by what holds them.
    pub extended: FxHashMap<(OriginId, Sym), OriginId>,
    taint_ids: FxHashMap<TaintKey, TaintId>,
    pub taints: Vec<Taint>,
    /// Answers of servers, by request and the way to it.
    pub answers: Vec<Answer>,
    pub answer_ids: FxHashMap<(Place, u64), u32>,
    /// Fields of answers, by what holds them.
    pub answer_parts: FxHashMap<(u32, Sym), u32>,
    sites: FxHashMap<(FileId, u32, u64, u8), ObjId>,
    /// What holds on the current path.
    pub facts: Vec<FactId>,
    pub stack: Vec<familiar::Called>,
    pub context: u64,
    /// The product of the ways taken one by one around here.
    ways: usize,
    pub entries: Vec<Entry>,
    pub entry: usize,
    steps: u64,
    total: u64,
    /// Calls of a function inside itself, by call and function: who went round first.
    circles: FxHashMap<(Place, FileId, FnId), Vec<Circle>>,
    /// Calls that the running entry point has followed, by function.
    followed: FxHashMap<(FileId, FnId), Vec<Followed>>,
    /// Where servers are asked.
    pub requests: rustc_hash::FxHashSet<Place>,
    /// What the running entry is told by.
    pub entry_key: u64,
    /// Asked now and then whether to end early.
    stop: &'a (dyn Fn() -> bool + Sync),
    pub stopped: bool,
    pub exhausted: bool,
    /// Where steps ran out first.
    pub ran_out: Option<Place>,
    /// Steps that the running entry point may take.
    allowed: u64,
    /// Steps in the library that runs now, since the package called it.
    library_steps: u64,
    /// Whether the running entry point was not run before.
    first: bool,
    /// Whether an entry point was not looked into, or hardly: the steps of the package were used up.
    pub unseen: bool,
    /// Pages that are opened without passing any.
    pub first_pages: rustc_hash::FxHashSet<Name>,
    /// Routes from which a route is opened.
    pub opened_from: FxHashMap<Name, std::collections::BTreeSet<Name>>,
    /// Addresses that sockets were opened to.
    pub socket_urls: Value,
    /// What was thrown and not caught yet.
    pub thrown: Value,
    /// What holds where the function that ended last gave no rejected promise, if it gave such a promise elsewhere.
    pub kept: Option<Ids>,
    /// Whether the running entry asked for what this round does not know yet.
    pub again: bool,
    /// What the pages below this one were taken from, where the running entry asked for them.
    pub below: Option<(usize, usize)>,
    /// Every entry point's last execution.
    pub runs: Runs,
    pub round: usize,
    pub record: Record,
    pub modules: FxHashMap<FileId, ObjId>,
    /// Modules whose bodies run now.
    pub loading: usize,
    pub units: FxHashMap<UnitId, ObjId>,
    /// Instances by their methods.
    pub owners: FxHashMap<ObjId, Ids>,
    /// The unit whose code runs, for `Page(…)` and `Component(…)` at top level.
    pub current_unit: Option<UnitId>,
    /// Global variables assigned without a declaration, and the app's own globals.
    pub globals: ObjId,
    pub storage: ObjId,
    /// What is stored under keys that are known in part: the unknown part is a `\0`.
    pub stored_like: ObjId,
    pub bus: ObjId,
    /// What promises are fulfilled with by entry points that did not make them, by promise; and what holds then.
    pub later: ObjId,
    pub later_facts: ObjId,
    /// The entry point that made a promise which functions settle.
    pub makers: FxHashMap<ObjId, u64>,
    /// What all instances of a framework have: `Vue.prototype`.
    pub shared_by_all: ObjId,
    pub uses: std::collections::HashMap<UnitId, Vec<(UnitId, FileId, u32)>>,
    pub webpack: super::bundle::Webpack<'a>,
    /// Handlers of elements that frameworks rendered.
    pub listeners: Vec<super::frameworks::Listener>,
    /// Whether the promises of the host's functions give an error and an answer, as the runtime of uni-app for Vue 2 has it.
    pub answers_in_pairs: bool,
    /// Which functions load modules of a table.
    pub loaders: FxHashMap<(FileId, FnId), bool>,
    /// Components that pages are made of.
    pub roots: Vec<super::frameworks::Root>,
    /// Timers that top-level code set.
    pub timers: Vec<super::entries::Timer>,
    /// Objects that hold what a form's fields hold.
    pub forms: rustc_hash::FxHashSet<ObjId>,
    /// Objects of what host buttons hand to their handlers.
    pub handed: rustc_hash::FxHashSet<ObjId>,
    /// Texts of dialogs by call.
    pub dialogs: FxHashMap<Place, String>,
    /// What the package reads of people's records, once it was asked for.
    pub records: Option<super::host_calls::people::Records>,
    /// Kinds of personal information that keys name, with how sure that is.
    key_kinds: FxHashMap<Name, Option<(Name, u8)>>,
    /// What sets of facts come to, for kinds, with or without the host's prompt, for a scope; by the dialogs known so far.
    pub consents: FxHashMap<ConsentKey, super::solution::Consent>,
    /// Texts of elements, by template and node.
    pub texts: FxHashMap<(FileId, u32), Name>,
    /// Elements of each unit that use named templates.
    pub template_users: FxHashMap<UnitId, super::entries::TemplateUsers>,
    /// How many templates deep an expression is looked into.
    pub inside: u8,
    /// How often events of components are handed on by components.
    pub handed_on: u8,
    /// The host's privacy gate, where the package switches it on.
    pub gate_fact: Option<FactId>,
    /// Where the field initialisers of a class stand.
    classes: FxHashMap<ObjId, ClassEnv<'a>>,
    /// The page whose entry point runs, where what holds whenever it is opened holds.
    pub through: Option<Name>,
    /// Whether passing a page can tell the user anything, by route.
    pub telling: FxHashMap<Name, bool>,
    /// What holds whenever a page is opened from inside the program, by route; from the pass before.
    pub navigation_facts: FxHashMap<Name, Ids>,
}

impl<'a> Machine<'a> {
    pub fn new(
        package: &'a Package,
        policy: &'a Policy,
        host: &'a Host,
        program: &'a Program,
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        let mut heap = Heap::default();
        let nowhere = Place { file: FileId(0), span: Span::default() };
        let globals = heap.alloc(Kind::Global, nowhere);
        let storage = heap.alloc(Kind::Plain, nowhere);
        let stored_like = heap.alloc(Kind::Plain, nowhere);
        let bus = heap.alloc(Kind::EventBus, nowhere);
        let later = heap.alloc(Kind::Plain, nowhere);
        let later_facts = heap.alloc(Kind::Plain, nowhere);
        let shared_by_all = heap.alloc(Kind::Plain, nowhere);
        let mut machine = Self {
            package,
            policy,
            host,
            program,
            heap,
            names: FxHashMap::default(),
            placed: FxHashMap::default(),
            spelled: Vec::new(),
            indices: Vec::new(),
            numeric: Vec::new(),
            chains: FxHashMap::default(),
            literals: FxHashMap::default(),
            turn_of_loop: None,
            looped: None,
            loop_heads: FxHashMap::default(),
            view_modules: FxHashMap::default(),
            protecting: FxHashMap::default(),
            fact_ids: FxHashMap::default(),
            fact_table: Vec::new(),
            fact_sets: FxHashMap::default(),
            origin_ids: FxHashMap::default(),
            origin_table: Vec::new(),
            extended: FxHashMap::default(),
            taint_ids: FxHashMap::default(),
            taints: Vec::new(),
            answers: Vec::new(),
            answer_ids: FxHashMap::default(),
            answer_parts: FxHashMap::default(),
            sites: FxHashMap::default(),
            facts: Vec::new(),
            stack: Vec::new(),
            context: 0,
            ways: 1,
            entries: Vec::new(),
            entry: 0,
            steps: 0,
            total: 0,
            circles: FxHashMap::default(),
            followed: FxHashMap::default(),
            requests: rustc_hash::FxHashSet::default(),
            entry_key: 0,
            stop,
            stopped: false,
            exhausted: false,
            ran_out: None,
            allowed: ENTRY_STEPS,
            library_steps: 0,
            first: true,
            unseen: false,
            first_pages: first_pages(package),
            opened_from: FxHashMap::default(),
            socket_urls: Value::default(),
            thrown: Value::default(),
            kept: None,
            again: false,
            below: None,
            runs: Runs::default(),
            round: 0,
            record: Record::default(),
            modules: FxHashMap::default(),
            loading: 0,
            units: FxHashMap::default(),
            owners: FxHashMap::default(),
            current_unit: None,
            globals,
            storage,
            stored_like,
            bus,
            later,
            later_facts,
            makers: FxHashMap::default(),
            shared_by_all,
            uses: crate::model::uses(program),
            webpack: super::bundle::Webpack::default(),
            roots: Vec::new(),
            loaders: FxHashMap::default(),
            answers_in_pairs: false,
            listeners: Vec::new(),
            timers: Vec::new(),
            forms: rustc_hash::FxHashSet::default(),
            handed: rustc_hash::FxHashSet::default(),
            dialogs: FxHashMap::default(),
            records: None,
            key_kinds: FxHashMap::default(),
            consents: FxHashMap::default(),
            texts: FxHashMap::default(),
            template_users: FxHashMap::default(),
            inside: 0,
            handed_on: 0,
            gate_fact: None,
            classes: FxHashMap::default(),
            through: None,
            telling: FxHashMap::default(),
            navigation_facts: FxHashMap::default(),
        };
        let item = machine.known("*");
        debug_assert_eq!(item, ITEM);
        machine
    }

    // ---- tables ----

    pub fn sym(&mut self, name: &str) -> Sym {
        if let Some(&sym) = self.names.get(name) {
            return sym;
        }
        let name: Name = name.into();
        self.sym_of(&name)
    }

    /// A name that this code knows.
    pub fn known(&mut self, name: &'static str) -> Sym {
        self.sym_at(name)
    }

    /// A name that stays where it is as long as the machine.
    pub fn sym_at(&mut self, name: &'a str) -> Sym {
        let at = (name.as_ptr() as usize, name.len());
        if let Some(&sym) = self.placed.get(&at) {
            return sym;
        }
        let sym = self.sym(name);
        self.placed.insert(at, sym);
        sym
    }

    pub fn sym_of(&mut self, name: &Name) -> Sym {
        if let Some(&sym) = self.names.get(name) {
            return sym;
        }
        let sym = self.spelled.len() as Sym;
        self.spelled.push(name.clone());
        self.numeric.push(name.parse::<u32>().is_ok());
        self.names.insert(name.clone(), sym);
        sym
    }

    /// The name of a place in a list.
    pub fn index_sym(&mut self, index: usize) -> Sym {
        while self.indices.len() <= index.min(255) {
            let next = self.sym(&self.indices.len().to_string());
            self.indices.push(next);
        }
        match self.indices.get(index) {
            Some(&sym) => sym,
            None => self.sym(&index.to_string()),
        }
    }

    /// Whether a key names an item of a list.
    pub fn is_item(&self, key: Sym) -> bool {
        key == ITEM || self.numeric.get(key as usize).copied().unwrap_or(false)
    }

    /// A callee as written.
    fn chain(&mut self, callee: &'a Expr, script: Option<&Script>) -> Name {
        let at = std::ptr::from_ref(callee) as usize;
        self.chains.entry(at).or_insert_with(|| chain_text(callee, script).into()).clone()
    }

    pub fn spell(&self, sym: Sym) -> Name {
        self.spelled.get(sym as usize).cloned().unwrap_or_else(|| "".into())
    }

    pub fn fact(&mut self, fact: Fact) -> FactId {
        match self.fact_ids.entry(fact) {
            MapEntry::Occupied(entry) => *entry.get(),
            MapEntry::Vacant(entry) => {
                let id = self.fact_table.len() as FactId;
                if entry.key().may_agree() && !matches!(entry.key(), Fact::Acted(..)) {
                    self.heap.told.push(id);
                }
                self.fact_table.push(entry.key().clone());
                entry.insert(id);
                id
            }
        }
    }

    pub fn origin(&mut self, origin: Origin) -> OriginId {
        if let Some(&id) = self.origin_ids.get(&origin) {
            return id;
        }
        let id = self.origin_table.len() as OriginId;
        self.origin_table.push(origin.clone());
        self.origin_ids.insert(origin, id);
        id
    }

    pub fn taint(&mut self, taint: Taint) -> TaintId {
        let key = (taint.collection, taint.kind.clone(), taint.protections.clone(), taint.partial, taint.container);
        if let Some(&id) = self.taint_ids.get(&key) {
            return id;
        }
        let id = self.taints.len() as TaintId;
        self.taints.push(taint);
        self.taint_ids.insert(key, id);
        id
    }

    /// The same taints, changed one by one.
    pub fn map_taints(&mut self, ids: &[TaintId], mut change: impl FnMut(&mut Self, &mut Taint)) -> Ids {
        let mut out = Ids::new();
        for &id in ids {
            let mut taint = self.taints[id as usize].clone();
            change(self, &mut taint);
            let new = self.taint(taint);
            if new != id
                && !self.record.ways.contains_key(&new)
                && let Some(way) = self.record.ways.get(&id).cloned()
            {
                self.record.ways.insert(new, way);
            }
            unite(&mut out, &[new]);
        }
        out
    }

    /// The kind of personal information that a key names, and how sure that is.
    pub fn key_kind(&mut self, key: &str) -> Option<(Name, u8)> {
        if let Some(known) = self.key_kinds.get(key) {
            return known.clone();
        }
        let kind = self.policy.privacy.key_kind(key);
        self.key_kinds.insert(key.into(), kind.clone());
        kind
    }

    /// Tells what is made from here on from what was made in other turns.
    pub fn turn(&mut self, index: usize) {
        self.context = self.context.rotate_left(7) ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// Object made at a place in this call context: the same one every time, emptied.
    pub fn make(&mut self, file: FileId, start: u32, tag: u8, kind: Kind) -> ObjId {
        let place = Place { file, span: Span::at(start) };
        match self.sites.get(&(file, start, self.context, tag)) {
            Some(&id) if *self.heap.kind(id) == kind => {
                self.heap.renew(id);
                id
            }
            _ => {
                let id = self.heap.alloc(kind, place);
                self.sites.insert((file, start, self.context, tag), id);
                id
            }
        }
    }

    pub fn make_at(&mut self, place: Place, tag: u8, kind: Kind) -> ObjId {
        // Calls of one chain start at the same offset: the end tells them apart.
        let outer = self.context;
        self.context ^= u64::from(place.span.end).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let id = self.make(place.file, place.span.start, tag, kind);
        self.context = outer;
        self.heap.objects[id as usize].place = place;
        id
    }

    pub fn external(&mut self, module: &str, path: &str) -> ObjId {
        let kind = Kind::External { module: module.into(), path: path.into() };
        self.shared(kind)
    }

    /// An object that is the same wherever it is named.
    pub fn shared(&mut self, kind: Kind) -> ObjId {
        let mut hasher = FxHasher::default();
        format!("{kind:?}").hash(&mut hasher);
        let key = (FileId(u32::MAX), 0, hasher.finish(), 0);
        if let Some(&id) = self.sites.get(&key) {
            return id;
        }
        let id = self.heap.alloc(kind, Place { file: FileId(0), span: Span::default() });
        self.sites.insert(key, id);
        id
    }

    // ---- facts ----

    pub fn push_facts(&mut self, facts: &[FactId]) {
        for &fact in facts {
            if !self.facts.contains(&fact) {
                self.facts.push(fact);
            }
        }
    }

    pub fn current_facts(&self) -> Ids {
        let mut facts: Ids = self.facts.as_slice().into();
        facts.sort_unstable();
        facts.dedup();
        facts
    }

    fn facts_since(&self, base: usize) -> Ids {
        let mut facts: Ids = self.facts.get(base..).unwrap_or(&[]).into();
        facts.sort_unstable();
        facts.dedup();
        facts
    }

    /// Runs `body` under `facts` as something that may not happen; what it changes is joined with what stood before.
    pub fn perhaps<R>(&mut self, facts: &[FactId], body: impl FnOnce(&mut Self) -> R) -> R {
        let (result, diff, held) = self.apart(facts, body);
        self.heap.merge_one(diff, &held);
        result
    }

    /// Runs `body` under `facts` and takes back what it changed: that, and what held at its end.
    pub fn apart<R>(&mut self, facts: &[FactId], body: impl FnOnce(&mut Self) -> R) -> (R, Diff, Ids) {
        let mark = self.heap.mark();
        let base = self.facts.len();
        self.push_facts(facts);
        let result = body(self);
        let held = self.facts_since(base);
        self.facts.truncate(base);
        let diff = self.heap.take_back(mark);
        (result, diff, held)
    }

    /// Runs an entry point, unless nothing that it read the last time has changed since. Everything that it changes may not
    /// happen. Without a `subject`, which is what `body` is about, it is top-level code: that happens, once.
    pub fn run_entry(
        &mut self,
        entry: Entry,
        facts: &[FactId],
        subject: Option<&Value>,
        body: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let mut held: Ids = facts.into();
        held.sort_unstable();
        held.dedup();
        let index = subject.map(|_| self.runs.find(&entry));
        if let Some(index) = index
            && let Some(run) = &self.runs.list[index]
            && run.held == held
            && subject == Some(&run.subject)
            && !(run.again && run.round < self.round)
            && run.below.is_none_or(|below| below == self.pages_below(&entry.route))
            && !self.heap.stale(&run.reads, run.clock)
        {
            return run.answer.clone();
        }
        // What a run without an end would tell is less than what is known.
        let known = index.and_then(|index| self.runs.list[index].as_ref());
        if let Some(run) = known
            && (self.total > TOTAL_STEPS || self.stopped)
        {
            return run.answer.clone();
        }
        self.allowed = match self.total {
            used if used > TOTAL_STEPS => LAST_STEPS,
            used if used > TOTAL_STEPS / 4 * 3 && known.is_none() => ENTRY_STEPS / 12,
            used if used > TOTAL_STEPS / 2 && known.is_none() => ENTRY_STEPS / 4,
            _ => ENTRY_STEPS,
        };
        self.first = known.is_none();
        self.runs.ran += 1;
        self.entries.push(entry);
        self.entry = self.entries.len() - 1;
        self.steps = 0;
        self.ways = 1;
        self.followed.clear();
        self.again = false;
        self.below = None;
        self.record.last_rejection = None;
        self.thrown = Value::default();
        let mut hasher = FxHasher::default();
        self.entries[self.entry].hash(&mut hasher);
        self.context = hasher.finish();
        self.entry_key = self.context;
        let clock = self.heap.clock;
        let mark = self.heap.begin();
        let base = self.facts.len();
        self.push_facts(facts);
        let answer = body(self);
        self.facts.truncate(base);
        self.stack.clear();
        let (diff, reads) = self.heap.end(mark);
        let cut = !self.first && (self.total > TOTAL_STEPS || self.stopped);
        if let Some(index) = index
            && cut
        {
            self.heap.settle();
            self.record.cut();
            return self.runs.list[index].as_ref().map_or(answer, |run| run.answer.clone());
        }
        if subject.is_none() {
            self.heap.apply(diff);
        } else {
            self.heap.merge_one(diff, &held);
        }
        self.heap.settle();
        let part = self.record.cut();
        match index {
            Some(index) => {
                let (subject, answer) = (subject.cloned().unwrap_or_default(), answer.clone());
                let (again, round, below) = (self.again, self.round, self.below);
                self.runs.note(index, Run { held, subject, reads, clock, again, below, round, answer, part });
            }
            None => self.runs.note_top(part),
        }
        answer
    }

    /// Something was not gone into.
    pub fn give_up(&mut self, place: Place) {
        self.exhausted = true;
        self.record.blind(place, "budget-exhausted", "");
        self.ran_out.get_or_insert(place);
    }

    pub fn over(&mut self) -> bool {
        self.steps += 1;
        self.total += 1;
        self.library_steps += u64::from(self.in_library());
        if self.total & STOP_MASK == 0 && (self.stop)() {
            self.stopped = true;
        }
        let late = self.total > TOTAL_STEPS && self.allowed > LAST_STEPS;
        if self.steps > self.allowed || late || self.stopped {
            self.unseen |= self.first && (self.stopped || self.total > TOTAL_STEPS);
            if !self.exhausted {
                self.exhausted = true;
                self.ran_out = self.entries.get(self.entry).map(|entry| entry.place);
            }
            return true;
        }
        false
    }

    /// Notes that the running entry asked for what rounds up to `round` may not know yet: it runs in the next one, too.
    pub fn ask_again(&mut self, round: usize) {
        self.again |= self.round <= round;
    }

    /// Whether the function that runs is a library's.
    pub fn in_library(&self) -> bool {
        self.stack.last().is_some_and(|called| called.library)
    }

    /// Takes `ways` one by one in `body`, if that is not too much here; `None` when they are to be taken as a whole.
    pub fn split<R>(&mut self, ways: usize, body: impl FnOnce(&mut Self) -> R) -> Option<R> {
        let before = self.ways;
        let most = if self.in_library() { MAX_WAYS_LIBRARY } else { MAX_WAYS };
        let most = match self.steps / NARROW_STEPS {
            // What top-level code puts together is read everywhere.
            _ if self.loading > 0 => most,
            0 => most,
            1 => most.min(8),
            2 | 3 => most.min(2),
            _ => 1,
        };
        if before * ways > most {
            return None;
        }
        self.ways = before * ways.max(1);
        let result = body(self);
        self.ways = before;
        Some(result)
    }
}

/// Keys of a member access; none means any.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(pub SmallVec<[Sym; 4]>);

impl Keys {
    /// Just this key.
    pub fn one(key: Sym) -> Self {
        Self(SmallVec::from_slice(&[key]))
    }
}

pub(super) fn key_span(key: &Key) -> Span {
    match key {
        Key::Static(_, span) => *span,
        Key::Computed(expr) => expr.span,
    }
}

fn key_span_of(properties: &[(Key, Pattern)]) -> u32 {
    properties.first().map_or(0, |(key, _)| key_span(key).start)
}

/// A callee as written, without arguments.
pub(super) fn chain_text(expr: &Expr, script: Option<&Script>) -> String {
    match &expr.kind {
        ExprKind::Global(name) => name.to_string(),
        ExprKind::Var(var) => {
            script.and_then(|s| s.variables.get(*var as usize)).map_or(String::new(), |v| v.name.to_string())
        }
        ExprKind::This => "this".to_owned(),
        ExprKind::Member { object, key, .. } => {
            let left = chain_text(object, script);
            match key {
                Key::Static(name, _) if left.is_empty() => name.to_string(),
                Key::Static(name, _) => format!("{left}.{name}"),
                Key::Computed(_) => left,
            }
        }
        // `(0, a.b)(…)` and `Object(a.b)(…)`, as compilers write calls of imports.
        ExprKind::Sequence(items) => items.last().map_or(String::new(), |last| chain_text(last, script)),
        ExprKind::Call { callee, args, .. } => match (&callee.kind, args.as_slice()) {
            (ExprKind::Global(name), [only]) if &**name == "Object" => chain_text(&only.value, script),
            _ => chain_text(callee, script),
        },
        _ => String::new(),
    }
}

/// Shares a name.
pub(super) fn name(text: &str) -> Name {
    Arc::from(text)
}
