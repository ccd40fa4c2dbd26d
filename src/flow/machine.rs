//! The abstract machine: runs the compact form of scripts, joining the arms of branches.
//!
//! Every execution is bounded by steps and depth. Inside an execution, writes are strong; where an arm may not have run, they are
//! joined with what stood before, together with the facts that the arm had proved.

use std::collections::hash_map::Entry as MapEntry;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use super::heap::{Diff, Heap, ITEM, Kind};
use super::record::{Record, Run, Runs};
use super::solution::{Entry, Fact, FactSet, Origin, Place, Step};
use super::value::{
    ANY, FALSE, FactId, Ids, NULL, NUMBER, ObjId, OriginId, Str, Strings, Sym, TRUE, TaintId, UNDEFINED, Value, concat,
    intersect, number_text, unite,
};
use crate::model::ir::{
    Arg, Class, Expr, ExprKind, FnId, Key, Name, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId,
};
use crate::model::{Program, UnitId};
use crate::package::{Origin as FileOrigin, Package};
use crate::policy::Policy;
use crate::policy::host::Host;
use crate::source::{FileId, Span};

/// Deepest call chain.
const MAX_DEPTH: usize = 40;
/// Most calls of one function inside itself.
const MAX_RECURSION: usize = 2;
/// Most functions that one call is followed into.
const MAX_TARGETS: usize = 8;
/// How often a statement may run because loops, lists and callees around it are taken one by one. Beyond that they are taken
/// as a whole: nested, they would multiply.
const MAX_WAYS: usize = 32;
/// The same inside libraries: what they do with values matters, not with which item first.
const MAX_WAYS_LIBRARY: usize = 8;
/// Steps of one entry point.
const ENTRY_STEPS: u64 = 60_000;
/// Steps of a package.
const TOTAL_STEPS: u64 = 4_000_000;
/// Steps between two questions whether to stop, less one.
const STOP_MASK: u64 = 0x3ff;

/// `this` of a frame.
pub(super) const THIS: Sym = u32::MAX;
/// `arguments` of a frame.
pub(super) const ARGUMENTS: Sym = u32::MAX - 1;
/// The class whose method runs, for `super`.
pub(super) const HOME: Sym = u32::MAX - 2;

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

/// What tells taints apart: collection, kind, protections, whether partial, whether inside an answer.
type TaintKey = (usize, Name, Rc<[super::solution::Protection]>, bool, bool);

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
    /// Length of the active facts when the function was entered.
    pub base: usize,
    /// Arms that left the straight path: where to, what they changed, what held.
    pub deferred: Vec<(Jump, Diff)>,
    /// What a generator has given so far.
    pub yielded: Value,
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

/// An item of the call stack.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub file: FileId,
    pub function: FnId,
    pub site: Place,
    pub name: Name,
    /// Whether the function is a library's.
    pub library: bool,
}

/// A class and the scope that it was made in.
#[derive(Clone, Copy)]
struct ClassEnv<'a> {
    class: &'a Class,
    file: FileId,
    script: Option<&'a Script>,
    frame: ObjId,
}

pub(super) struct Machine<'a> {
    pub package: &'a Package,
    pub policy: &'a Policy,
    pub host: &'a Host,
    pub program: &'a Program,
    pub heap: Heap,
    names: FxHashMap<Name, Sym>,
    spelled: Vec<Name>,
    /// Names of places in a list.
    pub indices: Vec<Sym>,
    /// Whether a name is a number.
    numeric: Vec<bool>,
    /// Callees as written, by where they stand in memory.
    chains: FxHashMap<usize, Name>,
    /// Values of literals, by where they stand in memory.
    literals: FxHashMap<usize, Rc<Str>>,
    /// View-script modules of each template.
    pub view_modules: FxHashMap<FileId, Rc<[(Name, FileId)]>>,
    /// Whether a file's functions can be protecting ones: with the name of the file, where the tables know that, too.
    pub protecting: FxHashMap<FileId, Option<Option<Name>>>,
    fact_ids: FxHashMap<Fact, FactId>,
    pub fact_table: Vec<Fact>,
    pub fact_sets: FxHashMap<Ids, FactSet>,
    origin_ids: FxHashMap<Origin, OriginId>,
    pub origin_table: Vec<Origin>,
    taint_ids: FxHashMap<TaintKey, TaintId>,
    pub taints: Vec<Taint>,
    sites: FxHashMap<(FileId, u32, u64, u8), ObjId>,
    /// What holds on the current path.
    pub facts: Vec<FactId>,
    pub stack: Vec<Called>,
    pub context: u64,
    /// The product of the ways taken one by one around here.
    ways: usize,
    pub entries: Vec<Entry>,
    pub entry: usize,
    steps: u64,
    total: u64,
    /// Asked now and then whether to end early.
    stop: &'a (dyn Fn() -> bool + Sync),
    pub stopped: bool,
    pub exhausted: bool,
    /// Routes from which a route is opened.
    pub opened_from: FxHashMap<Name, std::collections::BTreeSet<Name>>,
    /// Addresses that sockets were opened to.
    pub socket_urls: Value,
    /// What was thrown and not caught yet.
    pub thrown: Value,
    /// Whether the running entry asked for what this round does not know yet.
    pub again: bool,
    /// Every entry point's last execution.
    pub runs: Runs,
    pub round: usize,
    pub record: Record,
    pub modules: FxHashMap<FileId, ObjId>,
    /// Modules whose bodies run now.
    pub loading: usize,
    pub units: FxHashMap<UnitId, ObjId>,
    /// The unit whose code runs, for `Page(…)` and `Component(…)` at top level.
    pub current_unit: Option<UnitId>,
    /// Global variables assigned without a declaration, and the app's own globals.
    pub globals: ObjId,
    pub storage: ObjId,
    pub bus: ObjId,
    pub uses: std::collections::HashMap<UnitId, Vec<(UnitId, FileId, u32)>>,
    pub webpack: super::bundle::Webpack<'a>,
    /// Handlers of elements that frameworks rendered.
    pub listeners: Vec<super::bundle::Listener>,
    /// Texts of dialogs by call.
    pub dialogs: FxHashMap<Place, String>,
    /// Texts of elements, by template and node.
    pub texts: FxHashMap<(FileId, u32), Name>,
    /// The host's privacy gate, where the package switches it on.
    pub gate_fact: Option<FactId>,
    /// Where the field initialisers of a class stand.
    classes: FxHashMap<ObjId, ClassEnv<'a>>,
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
        let bus = heap.alloc(Kind::EventBus, nowhere);
        let mut machine = Self {
            package,
            policy,
            host,
            program,
            heap,
            names: FxHashMap::default(),
            spelled: Vec::new(),
            indices: Vec::new(),
            numeric: Vec::new(),
            chains: FxHashMap::default(),
            literals: FxHashMap::default(),
            view_modules: FxHashMap::default(),
            protecting: FxHashMap::default(),
            fact_ids: FxHashMap::default(),
            fact_table: Vec::new(),
            fact_sets: FxHashMap::default(),
            origin_ids: FxHashMap::default(),
            origin_table: Vec::new(),
            taint_ids: FxHashMap::default(),
            taints: Vec::new(),
            sites: FxHashMap::default(),
            facts: Vec::new(),
            stack: Vec::new(),
            context: 0,
            ways: 1,
            entries: Vec::new(),
            entry: 0,
            steps: 0,
            total: 0,
            stop,
            stopped: false,
            exhausted: false,
            opened_from: FxHashMap::default(),
            socket_urls: Value::default(),
            thrown: Value::default(),
            again: false,
            runs: Runs::default(),
            round: 0,
            record: Record::default(),
            modules: FxHashMap::default(),
            loading: 0,
            units: FxHashMap::default(),
            current_unit: None,
            globals,
            storage,
            bus,
            uses: crate::model::uses(program),
            webpack: super::bundle::Webpack::default(),
            listeners: Vec::new(),
            dialogs: FxHashMap::default(),
            texts: FxHashMap::default(),
            gate_fact: None,
            classes: FxHashMap::default(),
            navigation_facts: FxHashMap::default(),
        };
        let item = machine.sym("*");
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
        let mark = self.heap.mark();
        let base = self.facts.len();
        self.push_facts(facts);
        let result = body(self);
        let held = self.facts_since(base);
        self.facts.truncate(base);
        let diff = self.heap.take_back(mark);
        self.heap.merge_one(diff, &held);
        result
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
            && !self.heap.stale(&run.reads, run.clock)
        {
            return run.answer.clone();
        }
        self.runs.ran += 1;
        self.entries.push(entry);
        self.entry = self.entries.len() - 1;
        self.steps = 0;
        self.ways = 1;
        self.again = false;
        self.record.last_rejection = None;
        self.thrown = Value::default();
        let mut hasher = FxHasher::default();
        self.entries[self.entry].hash(&mut hasher);
        self.context = hasher.finish();
        let clock = self.heap.clock;
        let mark = self.heap.begin();
        let base = self.facts.len();
        self.push_facts(facts);
        let answer = body(self);
        self.facts.truncate(base);
        self.stack.clear();
        let (diff, reads) = self.heap.end(mark);
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
                let (again, round) = (self.again, self.round);
                self.runs.list[index] = Some(Run { held, subject, reads, clock, again, round, answer, part });
            }
            None => self.runs.top.push(part),
        }
        answer
    }

    // ---- calls of own functions ----

    /// Something was not gone into.
    pub fn give_up(&mut self, place: Place) {
        self.exhausted = true;
        self.record.blind(place, "budget-exhausted", "");
    }

    pub fn over(&mut self) -> bool {
        self.steps += 1;
        self.total += 1;
        if self.total & STOP_MASK == 0 && (self.stop)() {
            self.stopped = true;
        }
        if self.steps > ENTRY_STEPS || self.total > TOTAL_STEPS || self.stopped {
            if !self.exhausted {
                let place = self.entries.get(self.entry).map(|entry| entry.place);
                self.exhausted = true;
                if let Some(place) = place {
                    self.record.blind(place, "budget-exhausted", "");
                }
            }
            return true;
        }
        false
    }

    /// Notes that the running entry asked for what rounds up to `round` may not know yet: it runs in the next one, too.
    pub fn ask_again(&mut self, round: usize) {
        self.again |= self.round <= round;
    }

    /// Takes `ways` one by one in `body`, if that is not too much here; `None` when they are to be taken as a whole.
    pub fn split<R>(&mut self, ways: usize, body: impl FnOnce(&mut Self) -> R) -> Option<R> {
        let before = self.ways;
        let most = if self.stack.last().is_some_and(|called| called.library) { MAX_WAYS_LIBRARY } else { MAX_WAYS };
        if before * ways > most {
            return None;
        }
        self.ways = before * ways.max(1);
        let result = body(self);
        self.ways = before;
        Some(result)
    }

    /// Calls whatever `callee` can be.
    pub fn call(&mut self, callee: &Value, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if callee.objects.len() == 1 && callee.bits & ANY == 0 {
            return self.call_object(callee.objects[0], this, args, site);
        }
        let targets = &callee.objects[..callee.objects.len().min(MAX_TARGETS)];
        let each = |machine: &mut Self, targets: &[ObjId]| {
            let mut result = Value::default();
            for &target in targets {
                let args = args.clone();
                let answer = machine.perhaps(&[], |machine| machine.call_object(target, this, args, site));
                result.join(&answer);
            }
            result
        };
        let mut result = match self.split(targets.len(), |machine| each(machine, targets)) {
            Some(result) => result,
            None => each(self, &targets[..targets.len().min(2)]),
        };
        if callee.objects.is_empty() || callee.is_any() {
            let answer = self.call_unknown(callee, this, &args, site);
            result.join(&answer);
        }
        result
    }

    pub fn call_object(&mut self, target: ObjId, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if self.over() {
            return Value::any();
        }
        match self.heap.kind(target).clone() {
            Kind::Closure { file, function, frame } => {
                self.call_closure(target, file, function, frame, this, args, site)
            }
            Kind::Bound { target: inner } => {
                let this_key = self.sym("this");
                let bound_this = self.heap.get(target, this_key).cloned().unwrap_or_default();
                let mut all = Vec::new();
                for index in 0..8 {
                    let key = self.index_sym(index);
                    match self.heap.get(target, key) {
                        Some(value) => all.push(value.clone()),
                        None => break,
                    }
                }
                all.extend(args);
                self.call_object(inner, &bound_this, all, site)
            }
            Kind::Class { .. } => self.construct(target, args, site),
            _ => self.call_special(target, this, args, site),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn call_closure(
        &mut self,
        target: ObjId,
        file: FileId,
        function: FnId,
        frame: ObjId,
        this: &Value,
        args: Vec<Value>,
        site: &Site,
    ) -> Value {
        let Some(script) = self.script_of(file, target) else { return Value::any() };
        let Some(body) = script.functions.get(function as usize) else { return Value::any() };
        let recursion = self.stack.iter().filter(|called| called.file == file && called.function == function).count();
        if self.stack.len() >= MAX_DEPTH || recursion >= MAX_RECURSION {
            if recursion == 0 {
                // A long chain of calls may hide anything at its end; a circle has been seen.
                self.give_up(site.place);
            }
            let mut out = Value::any();
            for arg in &args {
                unite(&mut out.taints, &arg.shallow_taints());
            }
            return out;
        }
        if let Some(answer) = self.known_function(file, body, &args, site) {
            return answer;
        }
        let outer = self.context;
        let mut hasher = FxHasher::default();
        (outer, site.place.file, site.place.span.start, site.place.span.end, file, function).hash(&mut hasher);
        self.context = hasher.finish();
        let name = body.name.clone().unwrap_or_else(|| site.name.clone());
        let library = !matches!(self.package.files[file.index()].origin, FileOrigin::Own);
        self.stack.push(Called { file, function, site: site.place, name, library });
        self.record.reached.insert((file, function));
        let kind = Kind::Frame { file, parent: Some(frame) };
        let new = if body.closes {
            self.make(file, body.span.start, 1, kind)
        } else {
            self.heap.alloc_frame(kind, Place { file, span: body.span })
        };
        self.heap.objects[new as usize].getters.push((function, 0));
        if !body.arrow {
            self.heap.set(new, THIS, Some(this.clone()));
            let home_key = self.sym("[[home]]");
            if let Some(home) = self.heap.get(target, home_key).cloned() {
                self.heap.set(new, HOME, Some(home));
            }
        }
        let mut act = Act {
            file,
            script: Some(script),
            function,
            frame: new,
            scope: None,
            returned: Value::default(),
            exit_facts: None,
            base: self.facts.len(),
            deferred: Vec::new(),
            yielded: Value::default(),
        };
        // Values carry the step into the function.
        let args: Vec<Value> = args
            .into_iter()
            .map(|arg| if arg.taints.is_empty() { arg } else { self.stepped(arg, site.place, "passed-to", &site.name) })
            .collect();
        if body.arguments && !body.arrow {
            let list = self.make(file, body.span.start, 2, Kind::Array);
            for (index, arg) in args.iter().enumerate().take(16) {
                let key = self.index_sym(index);
                self.heap.set(list, key, Some(arg.clone()));
                self.heap.add(list, ITEM, arg);
            }
            let length = self.sym("length");
            self.heap.set(list, length, Some(Value::number(args.len() as f64)));
            self.heap.set(new, ARGUMENTS, Some(Value::object(list)));
        }
        self.hoist(&mut act, body);
        for (index, param) in body.params.iter().enumerate() {
            if param.rest {
                let rest = self.make(file, body.span.start, 3, Kind::Array);
                for (at, arg) in args.iter().skip(index).enumerate() {
                    let key = self.index_sym(at);
                    self.heap.set(rest, key, Some(arg.clone()));
                }
                self.bind(&mut act, &param.pattern, Value::object(rest));
            } else {
                let value = args.get(index).cloned().unwrap_or_else(Value::undefined);
                self.bind(&mut act, &param.pattern, value);
            }
        }
        let jump = self.block(&mut act, &body.body);
        let result = self.leave(&mut act, jump);
        if !body.closes {
            self.heap.bury(new);
        }
        self.stack.pop();
        self.context = outer;
        if body.is_async || (body.generator && !result.is_none()) {
            let held = act.exit_facts.unwrap_or_default();
            let promise = self.make(file, body.span.start, 4, Kind::Promise);
            self.fulfil(promise, result, &held);
            if body.generator && !act.yielded.is_none() {
                self.heap.add(promise, ITEM, &act.yielded);
            }
            return Value::object(promise);
        }
        if let Some(held) = act.exit_facts {
            self.push_facts(&held);
        }
        result
    }

    fn script_of(&self, file: FileId, target: ObjId) -> Option<&'a Script> {
        if let Some(script) = self.program.script(file) {
            return Some(script);
        }
        let template = self.program.template(file)?;
        let at = self.heap.objects[target as usize].place.span.start;
        template
            .inline_scripts
            .iter()
            .rev()
            .find(|(_, _, start)| *start <= at)
            .or_else(|| template.inline_scripts.first())
            .map(|(_, script, _)| &**script)
    }

    fn hoist(&mut self, act: &mut Act<'a>, body: &'a crate::model::ir::Function) {
        for &(var, function) in &body.hoisted {
            let value = self.closure(act, function);
            self.heap.set(act.frame, var, Some(value));
        }
    }

    /// Ends an activation: joins the arms that left early and gives the returned value.
    pub fn leave(&mut self, act: &mut Act<'a>, jump: Jump) -> Value {
        if matches!(jump, Jump::Next) {
            let held = self.facts_since(act.base);
            act.exit_facts = Some(match act.exit_facts.take() {
                Some(facts) => intersect(&facts, &held),
                None => held.clone(),
            });
            let mut value = Value::undefined();
            value.no = held;
            act.returned.join(&value);
        }
        self.facts.truncate(act.base);
        for (_, diff) in std::mem::take(&mut act.deferred) {
            self.heap.merge_one(diff, &[]);
        }
        std::mem::take(&mut act.returned)
    }

    pub fn construct(&mut self, target: ObjId, args: Vec<Value>, site: &Site) -> Value {
        let kind = self.heap.kind(target).clone();
        if !matches!(kind, Kind::Class { .. } | Kind::Closure { .. } | Kind::Bound { .. }) {
            return self.construct_special(target, args, site);
        }
        let object = self.make_at(site.place, 5, Kind::Plain);
        let prototype_key = self.sym("prototype");
        let prototype = self.heap.get(target, prototype_key).and_then(|value| value.objects.first().copied());
        self.heap.objects[object as usize].proto = prototype;
        let this = Value::object(object);
        match kind {
            Kind::Class { .. } => {
                self.initialise(target, &this, args, site);
                this
            }
            _ => {
                let mut result = self.call_object(target, &this, args, site);
                if result.objects.is_empty() {
                    return this;
                }
                if result.bits & UNDEFINED != 0 {
                    result.join(&this);
                    result.bits &= !UNDEFINED;
                }
                result
            }
        }
    }

    /// Runs field initialisers and the constructor of a class on `this`.
    fn initialise(&mut self, class: ObjId, this: &Value, args: Vec<Value>, site: &Site) {
        let constructor_key = self.sym("[[constructor]]");
        let parent_key = self.sym("[[parent]]");
        if let Some(constructor) = self.heap.get(class, constructor_key).cloned() {
            self.run_fields(class, this);
            self.call(&constructor, this, args, site);
        } else {
            if let Some(parent) = self.heap.get(class, parent_key).cloned() {
                self.call_super(&parent, this, args, site);
            }
            self.run_fields(class, this);
        }
    }

    fn run_fields(&mut self, class: ObjId, this: &Value) {
        if let Some(env) = self.classes.get(&class).copied() {
            // Initialisers run once an instance, with it as `this`.
            let outer = self.context;
            self.context ^=
                (this.objects.first().map_or(0, |&id| u64::from(id) + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let members =
                env.class.members.iter().filter(|(is_static, property)| !is_static && initialises(env, property));
            for (_, property) in members {
                for &object in &this.objects {
                    self.fill_field(env, object, class, property);
                }
            }
            self.context = outer;
        }
    }

    /// Runs the initialiser of one field of a class.
    fn fill_field(&mut self, env: ClassEnv<'a>, object: ObjId, class: ObjId, property: &'a Property) {
        let span = match property {
            Property::Value(key, _) | Property::Getter(key, _) | Property::Setter(key, _) => key_span(key),
            Property::Spread(value) => value.span,
        };
        let kind = Kind::Frame { file: env.file, parent: Some(env.frame) };
        let frame = self.make(env.file, span.start, 15, kind);
        // No variable is owned by it.
        self.heap.objects[frame as usize].getters = vec![(u32::MAX, 0)];
        self.heap.set(frame, THIS, Some(Value::object(object)));
        self.heap.set(frame, HOME, Some(Value::object(class)));
        let mut act = Act {
            file: env.file,
            script: env.script,
            function: 0,
            frame,
            scope: None,
            returned: Value::default(),
            exit_facts: None,
            base: self.facts.len(),
            deferred: Vec::new(),
            yielded: Value::default(),
        };
        self.fill(&mut act, object, std::slice::from_ref(property));
    }

    fn call_super(&mut self, parent: &Value, this: &Value, args: Vec<Value>, site: &Site) {
        for &target in &parent.objects {
            match self.heap.kind(target) {
                Kind::Class { .. } => self.initialise(target, this, args.clone(), site),
                Kind::Closure { .. } => {
                    self.call_object(target, this, args.clone(), site);
                }
                _ => {}
            }
        }
    }

    // ---- statements ----

    pub fn block(&mut self, act: &mut Act<'a>, stmts: &'a [Stmt]) -> Jump {
        for stmt in stmts {
            let jump = self.stmt(act, stmt);
            if jump != Jump::Next {
                return jump;
            }
        }
        Jump::Next
    }

    fn stmt(&mut self, act: &mut Act<'a>, stmt: &'a Stmt) -> Jump {
        if self.over() {
            return Jump::Return;
        }
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.eval_unused(act, expr);
                Jump::Next
            }
            StmtKind::Let(pattern, init) => {
                let value = match init {
                    Some(init) => self.eval(act, init),
                    None => match pattern {
                        Pattern::Var(var, _) if self.heap.get(act.frame, *var).is_none() => Value::undefined(),
                        _ => return Jump::Next,
                    },
                };
                self.bind(act, pattern, value);
                Jump::Next
            }
            StmtKind::Return(value) => {
                let value = match value {
                    Some(expr) => self.eval(act, expr),
                    None => Value::undefined(),
                };
                self.give(act, value);
                Jump::Return
            }
            StmtKind::If(test, yes, no) => {
                let value = self.eval(act, test);
                let branch = self.branch_start(act.file, test.span, &value);

                self.fork(
                    act,
                    &value,
                    |machine, act| machine.block(act, yes),
                    |machine, act| machine.block(act, no),
                    branch,
                )
            }
            StmtKind::Loop { test, update, body, post_test } => {
                if let Some(jump) = self.regenerator(act, test.as_ref(), body) {
                    return jump;
                }
                let mut facts = Ids::new();
                if let Some(test) = test
                    && !post_test
                {
                    let value = self.eval(act, test);
                    if !value.may_true() {
                        return Jump::Next;
                    }
                    facts = value.yes;
                }
                if *post_test {
                    // The body runs once in any case.
                    let jump = self.block(act, body);
                    if matches!(jump, Jump::Return | Jump::Throw) {
                        return jump;
                    }
                    if let (Jump::Next, Some(test)) = (jump, test) {
                        let value = self.eval(act, test);
                        if !value.may_true() {
                            return Jump::Next;
                        }
                        facts = value.yes;
                    }
                    if jump == Jump::Break {
                        return Jump::Next;
                    }
                }
                let mut pass = |machine: &mut Self| {
                    machine.arm_loop(act, &facts, |machine, act| {
                        let jump = machine.block(act, body);
                        if matches!(jump, Jump::Next | Jump::Continue) {
                            if let Some(update) = update {
                                machine.eval(act, update);
                            }
                            if let Some(test) = test {
                                machine.eval(act, test);
                            }
                        }
                        jump
                    })
                };
                let whole = self.split(2, |machine| pass(machine) && pass(machine) && pass(machine));
                if whole.is_none() {
                    pass(self);
                }
                Jump::Next
            }
            StmtKind::ForEach { target, iterable, keys, body } => {
                let list = self.eval(act, iterable);
                let list =
                    if *keys { list } else { self.iterated(&list, Place { file: act.file, span: iterable.span }) };
                let singles = if *keys { Vec::new() } else { self.single_items(&list) };
                let item = if *keys { self.keys_of(&list) } else { self.items_of(&list) };
                if item.is_none() {
                    return Jump::Next;
                }
                let mut pass = |machine: &mut Self, item: Value| {
                    machine.arm_loop(act, &[], |machine, act| {
                        machine.bind(act, target, item);
                        machine.block(act, body)
                    })
                };
                // Known keys are bound one by one, so that fields keep apart.
                let known = *keys && !item.is_any() && (2..=8).contains(&item.strings.len());
                let apart = (1..=8).contains(&singles.len());
                let ways = if known {
                    item.strings.len()
                } else if apart {
                    singles.len()
                } else {
                    2
                };
                let done = self.split(ways, |machine| {
                    if apart {
                        for item in singles {
                            pass(machine, item);
                        }
                    } else if known {
                        for text in &item.strings {
                            pass(machine, Value { strings: Strings::from_iter([text.clone()]), ..Value::default() });
                        }
                    } else {
                        let _ =
                            pass(machine, item.clone()) && pass(machine, item.clone()) && pass(machine, item.clone());
                    }
                });
                if done.is_none() {
                    pass(self, item);
                }
                Jump::Next
            }
            StmtKind::Switch(value, cases) => self.switch(act, value, cases),
            StmtKind::Try { block, handler, finalizer } => {
                let mark = self.heap.mark();
                let base = self.facts.len();
                let held = act.deferred.len();
                let outer = std::mem::take(&mut self.thrown);
                let jump = self.block(act, block);
                let mut error = std::mem::replace(&mut self.thrown, outer);
                if handler.is_none() {
                    self.thrown.join(&error);
                }
                let facts = self.facts_since(base);
                let diff = self.heap.take_back(mark);
                self.facts.truncate(base);
                let mut end = jump;
                if let Some((pattern, body)) = handler {
                    // The handler may start after any part of the block.
                    let mark = self.heap.mark();
                    self.heap.merge_one(diff.clone(), &[]);
                    let thrown: Vec<Diff> = {
                        let mut thrown = Vec::new();
                        let mut at = held;
                        while at < act.deferred.len() {
                            if act.deferred[at].0 == Jump::Throw {
                                thrown.push(act.deferred.remove(at).1);
                            } else {
                                at += 1;
                            }
                        }
                        thrown
                    };
                    for diff in thrown {
                        self.heap.merge_one(diff, &[]);
                    }
                    let rejected = self.record.last_rejection.take();
                    if let Some(pattern) = pattern {
                        error.join(&Value::any());
                        self.bind(act, pattern, error);
                    }
                    if let Some(facts) = &rejected {
                        self.push_facts(facts);
                    }
                    let other = self.block(act, body);
                    let caught = self.heap.take_back(mark);
                    let caught_facts = self.facts_since(base);
                    self.facts.truncate(base);
                    match (jump, other) {
                        (Jump::Next, Jump::Next) => {
                            let both = intersect(&facts, &caught_facts);
                            self.heap.merge(&[(diff, facts), (caught, caught_facts)]);
                            self.push_facts(&both);
                        }
                        (Jump::Next, _) => {
                            self.heap.apply(diff);
                            act.deferred.push((other, caught));
                            self.push_facts(&facts);
                        }
                        (_, Jump::Next) => {
                            act.deferred.push((jump, diff));
                            self.heap.apply(caught);
                            end = Jump::Next;
                        }
                        (_, other) => {
                            act.deferred.push((jump, diff));
                            self.heap.apply(caught);
                            end = other;
                        }
                    }
                } else {
                    self.heap.apply(diff);
                    self.push_facts(&facts);
                }
                match self.block(act, finalizer) {
                    Jump::Next => end,
                    other => other,
                }
            }
            StmtKind::Throw(value) => {
                let value = self.eval(act, value);
                self.thrown.join(&value);
                Jump::Throw
            }
            StmtKind::Block(label, body) => {
                let jump = self.block(act, body);
                if label.is_some() && matches!(jump, Jump::Break) { Jump::Next } else { jump }
            }
            StmtKind::Break(_) => Jump::Break,
            StmtKind::Continue(_) => Jump::Continue,
        }
    }

    /// Notes a returned value and what holds there.
    fn give(&mut self, act: &mut Act<'a>, mut value: Value) {
        let held = self.facts_since(act.base);
        if value.may_true() {
            unite(&mut value.yes, &held);
        }
        if value.may_false() {
            unite(&mut value.no, &held);
        }
        if !held.is_empty() {
            self.promise_returned(&value, &held);
        }
        act.returned.join(&value);
        act.exit_facts = Some(match act.exit_facts.take() {
            Some(facts) => intersect(&facts, &held),
            None => held,
        });
    }

    /// What held where a promise was returned holds for who awaits it and gets its value.
    fn promise_returned(&mut self, value: &Value, held: &[FactId]) {
        let key = self.sym("[[value]]");
        for &object in &value.objects {
            if !matches!(self.heap.kind(object), Kind::Promise) {
                continue;
            }
            let Some(mut inner) = self.heap.get(object, key).cloned() else { continue };
            if inner.may_true() {
                unite(&mut inner.yes, held);
            }
            if inner.may_false() {
                unite(&mut inner.no, held);
            }
            self.heap.set(object, key, Some(inner));
        }
    }

    /// Runs a pass through a loop as something that may not happen. Returns whether another pass would see anything else.
    fn arm_loop(
        &mut self,
        act: &mut Act<'a>,
        facts: &[FactId],
        body: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
    ) -> bool {
        let mark = self.heap.begin();
        let base = self.facts.len();
        let held = act.deferred.len();
        self.push_facts(facts);
        let jump = body(self, act);
        self.facts.truncate(base);
        let (diff, reads) = self.heap.end(mark);
        let mut more = false;
        if matches!(jump, Jump::Return | Jump::Throw) {
            act.deferred.push((jump, diff));
        } else {
            more |= self.heap.merge_pass(diff, &reads);
        }
        let mut at = held;
        while at < act.deferred.len() {
            if matches!(act.deferred[at].0, Jump::Break | Jump::Continue) {
                let (_, diff) = act.deferred.remove(at);
                more |= self.heap.merge_pass(diff, &reads);
            } else {
                at += 1;
            }
        }
        more
    }

    /// Runs the arms of a condition and joins them.
    fn fork(
        &mut self,
        act: &mut Act<'a>,
        test: &Value,
        yes: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
        no: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
        branch: Option<usize>,
    ) -> Jump {
        let (may_true, may_false) = (test.may_true(), test.may_false());
        let (yes_facts, no_facts) = self.test_facts(test);
        if !may_false {
            self.push_facts(&yes_facts);
            return yes(self, act);
        }
        if !may_true {
            self.push_facts(&no_facts);
            return no(self, act);
        }
        let base = self.facts.len();
        let mark = self.heap.mark();
        self.push_facts(&yes_facts);
        let calls = self.record.calls.len();
        let yes_jump = yes(self, act);
        let yes_held = self.facts_since(base);
        self.facts.truncate(base);
        let yes_diff = self.heap.take_back(mark);
        let mark = self.heap.mark();
        self.push_facts(&no_facts);
        let between = self.record.calls.len();
        let no_jump = no(self, act);
        let no_held = self.facts_since(base);
        self.facts.truncate(base);
        let no_diff = self.heap.take_back(mark);
        if let Some(branch) = branch {
            let end = self.record.calls.len();
            self.branch_end(branch, (calls, between, end), &yes_diff, &no_diff);
        }
        match (yes_jump, no_jump) {
            (Jump::Next, Jump::Next) => {
                let both = intersect(&yes_held, &no_held);
                self.heap.merge(&[(yes_diff, yes_held), (no_diff, no_held)]);
                self.push_facts(&both);
                Jump::Next
            }
            (Jump::Next, jump) => {
                act.deferred.push((jump, no_diff));
                self.heap.apply(yes_diff);
                self.push_facts(&yes_held);
                Jump::Next
            }
            (jump, Jump::Next) => {
                act.deferred.push((jump, yes_diff));
                self.heap.apply(no_diff);
                self.push_facts(&no_held);
                Jump::Next
            }
            (left, right) => {
                self.heap.merge(&[(yes_diff, Ids::new()), (no_diff, Ids::new())]);
                if left == right { left } else { Jump::Return }
            }
        }
    }

    /// Facts of the arms of a condition: what the value proves, and tests of its origins.
    pub fn test_facts(&mut self, value: &Value) -> (Ids, Ids) {
        (value.yes.clone(), value.no.clone())
    }

    fn switch(&mut self, act: &mut Act<'a>, value: &'a Expr, cases: &'a [(Option<Expr>, Vec<Stmt>)]) -> Jump {
        let subject = self.eval(act, value);
        let mut arms = Vec::new();
        let mut has_default = false;
        let mut survived = false;
        for (index, (test, _)) in cases.iter().enumerate() {
            let facts = match test {
                Some(test) => {
                    let with = self.eval(act, test);
                    let same = self.compare(&subject, &with, act.file, value.span);
                    if !same.may_true() {
                        continue;
                    }
                    same.yes
                }
                None => {
                    has_default = true;
                    Ids::new()
                }
            };
            let mark = self.heap.mark();
            let base = self.facts.len();
            self.push_facts(&facts);
            let mut jump = Jump::Next;
            for (_, body) in cases.iter().skip(index) {
                jump = self.block(act, body);
                if jump != Jump::Next {
                    break;
                }
            }
            let held = self.facts_since(base);
            self.facts.truncate(base);
            let diff = self.heap.take_back(mark);
            match jump {
                Jump::Next | Jump::Break => {
                    survived = true;
                    arms.push((diff, held));
                }
                jump => act.deferred.push((jump, diff)),
            }
        }
        if !has_default {
            survived = true;
            arms.push((Diff::new(), Ids::new()));
        }
        if arms.len() > 1 {
            self.heap.merge(&arms);
        } else {
            for (diff, _) in arms {
                self.heap.apply(diff);
            }
        }
        // Breaks inside nested statements of the cases end here.
        for (jump, _) in &mut act.deferred {
            if *jump == Jump::Break {
                *jump = Jump::Return;
                survived = true;
            }
        }
        if survived { Jump::Next } else { Jump::Return }
    }

    // ---- binding ----

    pub fn frame_of(&self, act: &Act<'a>, owner: FnId) -> ObjId {
        let mut frame = act.frame;
        for _ in 0..64 {
            let object = &self.heap.objects[frame as usize];
            if object.getters.first().map(|(function, _)| *function) == Some(owner) {
                return frame;
            }
            match object.kind {
                Kind::Frame { parent: Some(parent), .. } => frame = parent,
                _ => break,
            }
        }
        act.frame
    }

    fn lexical(&self, act: &Act<'a>, key: Sym) -> Option<Value> {
        let mut frame = act.frame;
        for _ in 0..64 {
            if let Some(value) = self.heap.get(frame, key) {
                return Some(value.clone());
            }
            match self.heap.kind(frame) {
                Kind::Frame { parent: Some(parent), .. } => frame = *parent,
                _ => return None,
            }
        }
        None
    }

    fn variable(&mut self, act: &Act<'a>, var: VarId) -> Value {
        let Some(owner) = act.script.and_then(|script| script.variables.get(var as usize)).map(|v| v.owner) else {
            return Value::any();
        };
        let frame = self.frame_of(act, owner);
        match self.heap.get(frame, var) {
            Some(value) => value.clone(),
            None => Value::undefined(),
        }
    }

    pub fn bind(&mut self, act: &mut Act<'a>, pattern: &'a Pattern, value: Value) {
        match pattern {
            Pattern::Var(var, span) => {
                let owner =
                    act.script.and_then(|script| script.variables.get(*var as usize)).map_or(act.function, |v| v.owner);
                let frame = self.frame_of(act, owner);
                let value = if value.taints.is_empty() {
                    value
                } else {
                    let name =
                        act.script.map_or_else(|| "".into(), |script| script.variables[*var as usize].name.clone());
                    self.stepped(value, Place { file: act.file, span: *span }, "assigned-to", &name)
                };
                self.heap.set(frame, *var, Some(value));
            }
            Pattern::Global(name, _) => {
                let key = self.sym_of(name);
                let globals = self.globals;
                self.heap.set(globals, key, Some(value));
            }
            Pattern::Member(expr) => {
                if let ExprKind::Member { object, key, .. } = &expr.kind {
                    let base = self.eval(act, object);
                    let keys = self.keys(act, key);
                    self.put(&base, &keys, value, Place { file: act.file, span: expr.span });
                }
            }
            Pattern::Object { properties, rest } => {
                let mut used = Vec::new();
                for (key, target) in properties {
                    let keys = self.keys(act, key);
                    let place = Place { file: act.file, span: key_span(key) };
                    let field = self.field(&value, &keys, place);
                    used.extend(keys.0);
                    self.bind(act, target, field);
                }
                if let Some(rest) = rest {
                    let object = self.make(act.file, act.script.map_or(0, |_| key_span_of(properties)), 6, Kind::Plain);
                    self.copy_fields(object, &value, &used);
                    self.bind(act, rest, Value::object(object));
                }
            }
            Pattern::Array { items, rest } => {
                let value = self.iterated(&value, Place { file: act.file, span: Span::default() });
                for (index, item) in items.iter().enumerate() {
                    if let Some(target) = item {
                        let key = self.index_sym(index);
                        let field =
                            self.field(&value, &Keys(vec![key]), Place { file: act.file, span: Span::default() });
                        self.bind(act, target, field);
                    }
                }
                if let Some(rest) = rest {
                    self.bind(act, rest, value);
                }
            }
            Pattern::Default(target, default) => {
                let value = if value.bits & UNDEFINED != 0 || value.is_none() {
                    let mut known = value;
                    known.bits &= !UNDEFINED;
                    let default = self.eval(act, default);
                    known.joined(&default)
                } else {
                    value
                };
                self.bind(act, target, value);
            }
        }
    }

    /// Reads what a pattern stands for.
    fn read(&mut self, act: &mut Act<'a>, pattern: &'a Pattern) -> Value {
        match pattern {
            Pattern::Var(var, _) => self.variable(act, *var),
            Pattern::Global(name, span) => self.global(act, name, *span),
            Pattern::Member(expr) => self.eval(act, expr),
            _ => Value::any(),
        }
    }

    // ---- keys and fields ----

    pub fn keys(&mut self, act: &mut Act<'a>, key: &'a Key) -> Keys {
        match key {
            Key::Static(name, _) => Keys(vec![self.sym_of(name)]),
            Key::Computed(expr) => {
                let value = self.eval(act, expr);
                self.keys_from(&value)
            }
        }
    }

    pub fn keys_from(&mut self, value: &Value) -> Keys {
        let mut out = Vec::new();
        if value.is_any() || value.bits & NUMBER != 0 || value.strings.iter().any(|text| text.complete().is_none()) {
            return Keys(Vec::new());
        }
        for text in value.texts() {
            out.push(text.clone());
        }
        if let Some(bits) = value.number {
            out.push(number_text(f64::from_bits(bits)).into());
        }
        Keys(out.iter().map(|name| self.sym_of(name)).collect())
    }

    /// Writes a field. Unknown keys add to "any item".
    pub fn put(&mut self, base: &Value, keys: &Keys, value: Value, place: Place) {
        let strong = base.objects.len() == 1 && keys.0.len() == 1;
        for &object in &base.objects {
            let kind = self.heap.kind(object).clone();
            if keys.0.is_empty() {
                self.heap.add(object, ITEM, &value);
                continue;
            }
            for &key in &keys.0 {
                let name = self.spell(key);
                let value = self.typed_by_key(value.clone(), &name, place);
                if let Kind::Host { path, .. } = &kind {
                    // The loader of a bundle takes over the queue; what is pushed is read without it.
                    if path.is_empty() || &*name != "push" {
                        self.heap.set(object, key, Some(value));
                    }
                    continue;
                }
                if let Some(setter) = self.accessor(object, key, false) {
                    self.call_object(setter, &Value::object(object), vec![value], &Site::at(place));
                    continue;
                }
                if strong
                    && matches!(kind, Kind::Array)
                    && &*name == "length"
                    && value.number.map(f64::from_bits) == Some(0.0)
                {
                    for key in self.heap.keys(object) {
                        self.heap.set(object, key, None);
                    }
                }
                let value = if value.taints.is_empty() {
                    self.under_consent(value)
                } else {
                    self.stepped(value, place, "stored-in", &name)
                };
                if strong {
                    self.heap.set(object, key, Some(value));
                } else {
                    self.heap.add(object, key, &value);
                }
            }
        }
    }

    fn accessor(&self, object: ObjId, key: Sym, getter: bool) -> Option<ObjId> {
        let mut at = Some(object);
        for _ in 0..16 {
            let Some(id) = at else { break };
            let object = &self.heap.objects[id as usize];
            if matches!(object.kind, Kind::Frame { .. }) {
                return None;
            }
            let list = if getter { &object.getters } else { &object.setters };
            if let Some((_, function)) = list.iter().find(|(name, _)| *name == key) {
                return Some(*function);
            }
            let proto = object.proto;
            if self.heap.has(id, key) {
                return None;
            }
            at = proto;
        }
        None
    }

    /// Reads a field. No keys means any.
    pub fn field(&mut self, base: &Value, keys: &Keys, place: Place) -> Value {
        let mut out = Value::default();
        for &object in &base.objects {
            let value = self.object_field(object, keys, place);
            out.join(&value);
        }
        if base.is_any() || !base.strings.is_empty() || base.bits & NUMBER != 0 || base.number.is_some() {
            let name = match keys.0.as_slice() {
                [one] => self.spell(*one),
                _ => "*".into(),
            };
            if &*name == "length" {
                out.join(&Value { bits: NUMBER, ..Value::default() }.when(base.yes.clone(), base.no.clone()));
            } else if base.is_any() {
                let mut value = Value::any();
                value.taints = self.answer_field(base, &name, place);
                value.origins = self.extend_origins(&base.origins, &name);
                value.yes = base.yes.clone();
                if name.parse::<u32>().is_err() && &*name != "*" && &*name != "value" && &*name != "checked" {
                    value.yes.clear();
                }
                out.join(&value);
            } else if !base.strings.is_empty() && (name.parse::<u32>().is_ok() || &*name == "*") {
                let mut value = Value::any();
                value.taints = base.shallow_taints();
                out.join(&value);
            }
        }
        if out.is_none() {
            out.bits = UNDEFINED;
        }
        out
    }

    fn object_field(&mut self, object: ObjId, keys: &Keys, place: Place) -> Value {
        let kind = self.heap.kind(object).clone();
        if keys.0.is_empty() {
            // Any field: everything it has.
            if let Kind::Host { path, .. } = &kind
                && !path.is_empty()
                && !self.host.apis.keys().any(|api| api.strip_prefix(&**path).is_some_and(|rest| rest.starts_with('.')))
            {
                // Something that the package itself keeps on the host object, such as a bundle's queue.
                return Value::any();
            }
            if let Kind::Host { .. } | Kind::External { .. } = kind {
                self.record.blind(place, "dynamic-member", "");
                return Value::any();
            }
            let mut out = Value::default();
            for key in self.heap.keys(object).into_iter().take(64) {
                if key < HOME
                    && let Some(value) = self.heap.get(object, key)
                {
                    out.join(&value.clone());
                }
            }
            if out.is_none() {
                out = Value::undefined();
            }
            return out;
        }
        let mut out = Value::default();
        for &key in &keys.0 {
            if let Some(getter) = self.accessor(object, key, true) {
                let value = self.call_object(getter, &Value::object(object), Vec::new(), &Site::at(place));
                out.join(&value);
                continue;
            }
            let mut at = Some(object);
            let mut found = false;
            for _ in 0..16 {
                let Some(id) = at else { break };
                if let Some(value) = self.heap.get(id, key).cloned() {
                    if !value.taints.is_empty() {
                        self.read_taints(&value, place);
                    }
                    out.join(&value);
                    found = true;
                    break;
                }
                at = self.heap.objects[id as usize].proto;
            }
            if found {
                continue;
            }
            let name = self.spell(key);
            if let Some(value) = self.special_field(object, &kind, &name, place) {
                out.join(&value);
                continue;
            }
            if matches!(kind, Kind::Plain)
                && let Some(behind) = self.heap.objects[object as usize].proto
                && matches!(self.heap.kind(behind), Kind::Host { .. })
            {
                let kind = self.heap.kind(behind).clone();
                if let Some(value) = self.special_field(behind, &kind, &name, place) {
                    out.join(&value);
                    continue;
                }
            }
            if let Some(item) = self.heap.get(object, ITEM).cloned()
                && &*name != "length"
            {
                // A name that is no index is a method of the list, not one of its items.
                if matches!(kind, Kind::Array) && name.parse::<u32>().is_err() {
                    out.join(&Value::undefined());
                    continue;
                }
                out.join(&item);
                out.bits |= UNDEFINED;
            } else {
                out.join(&Value::undefined());
            }
        }
        out
    }

    /// Collections that stand where a value of theirs is read.
    fn read_taints(&mut self, value: &Value, place: Place) {
        for &taint in &value.taints {
            let collection = self.taints[taint as usize].collection;
            self.record.collections[collection].used = true;
            let draft = &self.record.collections[collection];
            // A host button answers its own handler; what was kept of the answer is no new collection.
            let own = draft.input || self.entries.get(self.entry).is_some_and(|entry| entry.element == draft.element);
            if draft.lazy && (own || draft.element.is_none()) {
                self.reached(collection, place);
            }
        }
    }

    /// Copies the fields of everything that `from` can be.
    pub fn copy_fields(&mut self, to: ObjId, from: &Value, except: &[Sym]) {
        for &object in &from.objects {
            if object == to {
                continue;
            }
            if matches!(self.heap.kind(object), Kind::Host { .. }) {
                // What the host has is found behind what the copy has itself.
                let copy = &mut self.heap.objects[to as usize];
                if matches!(copy.kind, Kind::Plain) && copy.proto.is_none() {
                    copy.proto = Some(object);
                }
            }
            for key in self.heap.keys(object) {
                if key < HOME
                    && !except.contains(&key)
                    && let Some(value) = self.heap.get(object, key).cloned()
                {
                    if from.objects.len() == 1 && key != ITEM {
                        self.heap.set(to, key, Some(value));
                    } else {
                        self.heap.add(to, key, &value);
                    }
                }
            }
            for (key, getter) in self.heap.objects[object as usize].getters.clone() {
                if !matches!(self.heap.kind(object), Kind::Frame { .. }) {
                    let place = self.heap.objects[object as usize].place;
                    let value = self.call_object(getter, &Value::object(object), Vec::new(), &Site::at(place));
                    self.heap.set(to, key, Some(value));
                }
            }
        }
        if !from.shallow_taints().is_empty() {
            let value = Value::tainted(from.shallow_taints());
            self.heap.add(to, ITEM, &value);
        }
    }

    pub fn items_of(&mut self, list: &Value) -> Value {
        let mut out = Value::default();
        for &object in &list.objects {
            if matches!(self.heap.kind(object), Kind::Map) {
                for pair in self.pairs(object) {
                    out.join(&pair);
                }
                continue;
            }
            for key in self.heap.keys(object) {
                if self.is_item(key)
                    && let Some(value) = self.heap.get(object, key).cloned()
                {
                    out.join(&value);
                }
            }
        }
        if list.is_any() || !list.strings.is_empty() {
            let mut value = Value::any();
            value.taints = list.shallow_taints();
            value.origins = self.extend_origins(&list.origins, "*");
            out.join(&value);
        }
        out
    }

    pub fn keys_of(&mut self, object: &Value) -> Value {
        let mut out = Value::default();
        for &id in &object.objects {
            for key in self.heap.keys(id) {
                if key != ITEM && key < HOME {
                    let name = self.spell(key);
                    out.join(&Value::string(name, None));
                } else if key == ITEM {
                    out.join(&Value::any());
                }
            }
        }
        if object.is_any() {
            out.join(&Value::any());
        }
        out
    }

    // ---- expressions ----

    fn eval_unused(&mut self, act: &mut Act<'a>, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Call { callee, args, optional } => {
                self.eval_call(act, expr, callee, args, *optional, false);
            }
            ExprKind::Await(inner) => {
                if let ExprKind::Call { callee, args, optional } = &inner.kind {
                    let value = self.eval_call(act, inner, callee, args, *optional, false);
                    self.wait(&value);
                } else {
                    self.eval(act, expr);
                }
            }
            _ => {
                self.eval(act, expr);
            }
        }
    }

    pub fn eval(&mut self, act: &mut Act<'a>, expr: &'a Expr) -> Value {
        if self.over() {
            return Value::any();
        }
        let place = Place { file: act.file, span: expr.span };
        match &expr.kind {
            ExprKind::Undefined => Value::undefined(),
            ExprKind::Null => Value { bits: NULL, ..Value::default() },
            ExprKind::Bool(value) => Value::bool(*value),
            ExprKind::Number(value) => Value::number(*value),
            ExprKind::String(text) => {
                let at = std::ptr::from_ref(expr) as usize;
                let known = self.literals.entry(at);
                let text = known.or_insert_with(|| Rc::new(Str::literal(text.clone(), Some(place)))).clone();
                Value { strings: Strings::from_iter([text]), ..Value::default() }
            }
            ExprKind::Regex(text) => {
                let object = self.make_at(place, 7, Kind::Regex);
                let source = self.sym("source");
                self.heap.set(object, source, Some(Value::string(text.clone(), Some(place))));
                Value::object(object)
            }
            ExprKind::Template(quasis, items) => {
                let mut out = Value::string(quasis.first().cloned().unwrap_or_else(|| "".into()), Some(place));
                for (index, item) in items.iter().enumerate() {
                    let value = self.eval(act, item);
                    let value = self.stringify_objects(value);
                    out = self.add_text(&out, &value, place);
                    if let Some(quasi) = quasis.get(index + 1)
                        && !quasi.is_empty()
                    {
                        out = self.add_text(&out, &Value::string(quasi.clone(), None), place);
                    }
                }
                out
            }
            ExprKind::Array(items) => {
                let array = self.make_at(place, 8, Kind::Array);
                let mut index = 0;
                let mut open = false;
                for item in items {
                    let Some(item) = item else {
                        index += 1;
                        continue;
                    };
                    let value = self.eval(act, &item.value);
                    if item.spread {
                        let value = self.iterated(&value, place);
                        let singles = self.single_items(&value);
                        if !open && !singles.is_empty() && index + singles.len() <= 64 {
                            for item in singles {
                                let key = self.index_sym(index);
                                self.heap.set(array, key, Some(item));
                                index += 1;
                            }
                            continue;
                        }
                        let each = self.items_of(&value);
                        self.heap.add(array, ITEM, &each);
                        open = true;
                        continue;
                    }
                    if open || index >= 64 {
                        self.heap.add(array, ITEM, &value);
                    } else {
                        let key = self.index_sym(index);
                        self.heap.set(array, key, Some(value));
                    }
                    index += 1;
                }
                if !open {
                    let length = self.sym("length");
                    self.heap.set(array, length, Some(Value::number(index as f64)));
                }
                Value::object(array)
            }
            ExprKind::Object(properties) => {
                let object = self.make_at(place, 9, Kind::Plain);
                self.fill(act, object, properties);
                Value::object(object)
            }
            ExprKind::Function(function) => self.closure(act, *function),
            ExprKind::Class(class) => self.class(act, class, place),
            ExprKind::This => self.lexical(act, THIS).unwrap_or_else(Value::undefined),
            ExprKind::Super => {
                let Some(home) = self.lexical(act, HOME) else { return Value::any() };
                let parent = self.sym("[[parent]]");
                self.field(&home, &Keys(vec![parent]), place)
            }
            ExprKind::Var(var) => self.variable(act, *var),
            ExprKind::Global(name) => self.global(act, name, expr.span),
            ExprKind::Arguments => self.lexical(act, ARGUMENTS).unwrap_or_else(Value::any),
            ExprKind::Member { object, key, .. } => {
                if matches!(object.kind, ExprKind::Super) {
                    return self.super_member(act, key, place);
                }
                let base = self.eval(act, object);
                let keys = self.keys(act, key);
                self.field(&base, &keys, place)
            }
            ExprKind::Call { callee, args, optional } => self.eval_call(act, expr, callee, args, *optional, true),
            ExprKind::New { callee, args } => {
                let target = self.eval(act, callee);
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name: self.chain(callee, act.script), used: true };
                let mut out = Value::default();
                for &id in target.objects.iter().take(4) {
                    let made = self.construct(id, values.clone(), &site);
                    out.join(&made);
                }
                if out.is_none() { Value::any() } else { out }
            }
            ExprKind::Assign { operator, target, value } => self.assign(act, *operator, target, value, place),
            ExprKind::Update(target) => {
                let old = self.read(act, target);
                let mut new = Value { bits: NUMBER, ..Value::default() };
                new.taints = old.taints;
                self.bind(act, target, new.clone());
                new
            }
            ExprKind::Not(inner) => {
                let value = self.eval(act, inner);
                let mut out = Value::default();
                if value.may_true() {
                    out.bits |= FALSE;
                }
                if value.may_false() {
                    out.bits |= TRUE;
                }
                out.when(value.no, value.yes)
            }
            ExprKind::Typeof(inner) => {
                let value = match &inner.kind {
                    ExprKind::Global(name) => self.global(act, name, inner.span),
                    _ => self.eval(act, inner),
                };
                self.type_of(&value)
            }
            ExprKind::Delete(inner) => {
                if let ExprKind::Member { object, key, .. } = &inner.kind {
                    let base = self.eval(act, object);
                    let keys = self.keys(act, key);
                    if let ([object], [key]) = (base.objects.as_slice(), keys.0.as_slice()) {
                        self.heap.set(*object, *key, None);
                    }
                }
                Value::bool(true)
            }
            ExprKind::Unary(operator, inner) => {
                let value = self.eval(act, inner);
                let mut out = match (operator, value.number) {
                    (Operator::Sub, Some(bits)) => Value::number(-f64::from_bits(bits)),
                    (Operator::Add, Some(bits)) => Value::number(f64::from_bits(bits)),
                    _ => Value { bits: NUMBER, ..Value::default() },
                };
                out.taints = value.shallow_taints();
                out.origins = value.origins;
                out.yes = value.yes;
                out.no = value.no;
                out
            }
            ExprKind::Binary(operator, left, right) => self.binary(act, *operator, left, right, place),
            ExprKind::Logical(operator, left, right) => {
                let value = self.eval(act, left);
                self.logical(act, *operator, value, right)
            }
            ExprKind::Conditional(test, yes, no) => {
                let value = self.eval(act, test);
                let branch = self.branch_start(act.file, test.span, &value);
                let mut out = Value::default();
                let (yes_facts, no_facts) = self.test_facts(&value);
                let mut left = Value::default();
                let mut right = Value::default();
                self.fork(
                    act,
                    &value,
                    |machine, act| {
                        left = machine.eval(act, yes);
                        Jump::Next
                    },
                    |machine, act| {
                        right = machine.eval(act, no);
                        Jump::Next
                    },
                    branch,
                );
                for (mut arm, facts) in [(left, yes_facts), (right, no_facts)] {
                    if arm.may_true() && !arm.is_none() {
                        unite(&mut arm.yes, &facts);
                    }
                    if arm.may_false() && !arm.is_none() {
                        unite(&mut arm.no, &facts);
                    }
                    out.join(&arm);
                }
                unite(&mut out.origins, &value.origins);
                out
            }
            ExprKind::Sequence(items) => {
                let mut last = Value::undefined();
                for item in items {
                    last = self.eval(act, item);
                }
                last
            }
            ExprKind::Await(inner) => {
                let value = self.eval(act, inner);
                self.wait(&value)
            }
            ExprKind::Yield(inner) => match inner {
                Some(inner) => {
                    let value = self.eval(act, inner);
                    // `yield*` gives what the inner generator gives.
                    let mut given = value.clone();
                    for &id in &value.objects {
                        if matches!(self.heap.kind(id), Kind::Promise)
                            && let Some(item) = self.heap.get(id, ITEM).cloned()
                        {
                            given.objects.retain(|other| *other != id);
                            given.join(&item);
                        }
                    }
                    act.yielded.join(&given);
                    self.wait(&value)
                }
                None => Value::any(),
            },
            ExprKind::Import(request) => {
                let value = self.eval(act, request);
                let module = self.require(act.file, &value, place);
                let promise = self.make_at(place, 10, Kind::Promise);
                self.fulfil(promise, module, &[]);
                Value::object(promise)
            }
            ExprKind::Tagged(tag, _, items) => {
                let callee = self.eval(act, tag);
                // The raw text says nothing.
                let mut args = vec![Value::any()];
                for item in items {
                    let value = self.eval(act, item);
                    args.push(value);
                }
                self.call(&callee, &Value::undefined(), args, &Site::at(place))
            }
            ExprKind::Jsx(tag, properties, children) => {
                let object = self.make_at(place, 9, Kind::Plain);
                self.fill(act, object, properties);
                let tag = self.eval(act, tag);
                for child in children {
                    self.eval(act, child);
                }
                self.rendered(&tag, &Value::object(object), place);
                Value::any()
            }
            ExprKind::Unknown => Value::any(),
        }
    }

    fn super_member(&mut self, act: &mut Act<'a>, key: &'a Key, place: Place) -> Value {
        let Some(home) = self.lexical(act, HOME) else { return Value::any() };
        let parent = self.sym("[[parent]]");
        let prototype = self.sym("prototype");
        let parent = self.field(&home, &Keys(vec![parent]), place);
        let prototype = self.field(&parent, &Keys(vec![prototype]), place);
        let keys = self.keys(act, key);
        self.field(&prototype, &keys, place)
    }

    pub fn logical(&mut self, act: &mut Act<'a>, operator: Operator, left: Value, right: &'a Expr) -> Value {
        match operator {
            Operator::And => {
                if !left.may_true() {
                    return left;
                }
                let facts = left.yes.clone();
                if !left.may_false() {
                    self.push_facts(&facts);
                    return self.eval(act, right);
                }
                let branch = self.branch_start(act.file, right.span, &left);
                let from = self.record.calls.len();
                let value = self.perhaps(&facts, |machine| machine.eval(act, right));
                if let Some(branch) = branch {
                    let to = self.record.calls.len();
                    self.branch_end(branch, (from, to, to), &Vec::new(), &Vec::new());
                }
                let mut held = value;
                if held.may_true() {
                    unite(&mut held.yes, &facts);
                }
                let origins = left.origins.clone();
                let mut out = left.falsy().joined(&held);
                unite(&mut out.origins, &origins);
                out
            }
            Operator::Or => {
                if !left.may_false() {
                    return left;
                }
                let facts = left.no.clone();
                if !left.may_true() {
                    self.push_facts(&facts);
                    return self.eval(act, right);
                }
                let mut value = self.perhaps(&facts, |machine| machine.eval(act, right));
                if value.may_false() {
                    unite(&mut value.no, &facts);
                }
                left.truthy().joined(&value)
            }
            _ => {
                if left.bits & (UNDEFINED | NULL | ANY) == 0 && !left.is_none() {
                    return left;
                }
                let value = self.perhaps(&[], |machine| machine.eval(act, right));
                let mut known = left;
                known.bits &= !(UNDEFINED | NULL);
                known.joined(&value)
            }
        }
    }

    fn assign(
        &mut self,
        act: &mut Act<'a>,
        operator: Option<Operator>,
        target: &'a Pattern,
        value: &'a Expr,
        place: Place,
    ) -> Value {
        let result = match operator {
            None => self.eval(act, value),
            Some(operator @ (Operator::And | Operator::Or | Operator::Coalesce)) => {
                let old = self.read(act, target);
                self.logical(act, operator, old, value)
            }
            Some(operator) => {
                let old = self.read(act, target);
                let new = self.eval(act, value);
                self.arithmetic(operator, &old, &new, place)
            }
        };
        self.bind(act, target, result.clone());
        result
    }

    fn binary(
        &mut self,
        act: &mut Act<'a>,
        operator: Operator,
        left: &'a Expr,
        right: &'a Expr,
        place: Place,
    ) -> Value {
        let a = self.eval(act, left);
        let b = self.eval(act, right);
        match operator {
            Operator::Eq => self.compare(&a, &b, place.file, left.span),
            Operator::NotEq => {
                let same = self.compare(&a, &b, place.file, left.span);
                let mut out = Value::default();
                if same.bits & TRUE != 0 {
                    out.bits |= FALSE;
                }
                if same.bits & FALSE != 0 {
                    out.bits |= TRUE;
                }
                out.when(same.no, same.yes)
            }
            Operator::Less | Operator::LessEq | Operator::Greater | Operator::GreaterEq => {
                self.order(operator, &a, &b, place.file, left.span)
            }
            Operator::In => {
                let mut out = Value::either();
                if let Some(name) = a.as_text() {
                    let name = name.clone();
                    let key = self.sym_of(&name);
                    let field = self.field(&b, &Keys(vec![key]), place);
                    out.yes = field.yes;
                }
                out
            }
            Operator::InstanceOf => self.instance_of(&a, &b),
            operator => self.arithmetic(operator, &a, &b, place),
        }
    }

    fn instance_of(&mut self, value: &Value, class: &Value) -> Value {
        let own =
            class.objects.iter().all(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Class { .. }));
        if class.objects.is_empty() || !own || class.is_any() || value.is_any() {
            return Value::either();
        }
        let key = self.sym("prototype");
        let prototypes: Vec<ObjId> = class
            .objects
            .iter()
            .filter_map(|&id| self.heap.get(id, key).and_then(|value| value.objects.first().copied()))
            .collect();
        let mut out = Value::default();
        for &object in &value.objects {
            let mut at = Some(object);
            let mut found = false;
            for _ in 0..16 {
                let Some(id) = at else { break };
                found |= prototypes.contains(&id);
                at = self.heap.objects[id as usize].proto;
            }
            out.bits |= if found { TRUE } else { FALSE };
        }
        if value.objects.is_empty() || value.bits != 0 || !value.strings.is_empty() || value.number.is_some() {
            out.bits |= FALSE;
        }
        out
    }

    pub fn arithmetic(&mut self, operator: Operator, a: &Value, b: &Value, place: Place) -> Value {
        if operator == Operator::Add {
            if let (Some(x), Some(y)) = (a.number, b.number)
                && a.strings.is_empty()
                && b.strings.is_empty()
                && a.bits == 0
                && b.bits == 0
            {
                return Value::number(f64::from_bits(x) + f64::from_bits(y));
            }
            if a.bits & !NUMBER == 0
                && b.bits & !NUMBER == 0
                && a.strings.is_empty()
                && b.strings.is_empty()
                && a.objects.is_empty()
                && b.objects.is_empty()
                && a.taints.is_empty()
                && b.taints.is_empty()
            {
                return Value { bits: NUMBER, ..Value::default() };
            }
            let (a, b) = (self.stringify_objects(a.clone()), self.stringify_objects(b.clone()));
            return self.add_text(&a, &b, place);
        }
        if let (Some(x), Some(y), 0, 0) = (a.number, b.number, a.bits, b.bits) {
            let (x, y) = (f64::from_bits(x), f64::from_bits(y));
            let number = match operator {
                Operator::Sub => Some(x - y),
                Operator::Mul => Some(x * y),
                Operator::Div if y != 0.0 => Some(x / y),
                _ => None,
            };
            if let Some(number) = number {
                return Value::number(number);
            }
        }
        let mut out = Value { bits: NUMBER, ..Value::default() };
        out.taints = a.shallow_taints();
        unite(&mut out.taints, &b.shallow_taints());
        out.origins = a.all_origins();
        unite(&mut out.origins, &b.all_origins());
        out
    }

    /// Objects in a text give what they hold: nothing readable, but their values may be in it.
    fn stringify_objects(&mut self, mut value: Value) -> Value {
        if value.objects.is_empty() {
            return value;
        }
        let mut taints = Ids::new();
        for &object in &value.objects.clone() {
            // Only lists and serialised data turn into readable text.
            if matches!(self.heap.kind(object), Kind::Array | Kind::Map) || value.bits & ANY != 0 {
                let inner = self.deep_taints(&Value::object(object), 3);
                unite(&mut taints, &inner);
            }
        }
        value.objects.clear();
        value.bits |= ANY;
        unite(&mut value.taints, &taints);
        value
    }

    fn add_text(&mut self, a: &Value, b: &Value, place: Place) -> Value {
        let mut out = concat(a, b);
        let masks = |value: &Value| {
            value.texts().any(|text| text.contains("**") || text.contains("＊＊") || text.contains("••"))
        };
        if masks(a) || masks(b) || out.strings.iter().any(|text| masked(text)) {
            out = self.mask_partial(out, place);
        }
        out
    }

    fn mask_partial(&mut self, mut value: Value, _place: Place) -> Value {
        let change = |machine: &mut Self, ids: &[TaintId]| {
            machine.map_taints(ids, |_, taint| {
                if taint.partial {
                    taint.partial = false;
                    let mut list = taint.protections.to_vec();
                    list.push(super::solution::Protection::Masked);
                    taint.protections = list.into();
                }
            })
        };
        value.taints = change(self, &value.taints.clone());
        let strings = std::mem::take(&mut value.strings);
        for text in strings {
            let mut new: Str = (*text).clone();
            for piece in &mut new.pieces {
                if let super::value::Piece::Hole(taints, _) = piece {
                    *taints = change(self, taints);
                }
            }
            value.strings.push(Rc::new(new));
        }
        value
    }

    pub fn compare(&mut self, a: &Value, b: &Value, file: FileId, span: Span) -> Value {
        let (value, with) = if is_constant(b) {
            (a, b)
        } else if is_constant(a) {
            (b, a)
        } else {
            let mut out = Value::either();
            for side in [a, b] {
                let (yes, no) = self.tested(side, None, file, span);
                unite(&mut out.yes, &yes);
                unite(&mut out.no, &no);
            }
            return out;
        };
        // Both are known.
        if is_constant(value) {
            let same = value.bits == with.bits && value.number == with.number && value.as_text() == with.as_text();
            let loose = loosely_equal(value, with);
            return Value::bool(same || loose);
        }
        let mut out = Value::default();
        let nullish = with.bits & (UNDEFINED | NULL) != 0;
        let (mut yes, mut no) = if with.bits == TRUE {
            (value.yes.clone(), value.no.clone())
        } else if with.bits == FALSE || nullish || with.as_text().is_some_and(|text| text.is_empty()) {
            (value.no.clone(), value.yes.clone())
        } else if let Some(number) = with.number {
            let number = f64::from_bits(number);
            if number == 0.0 || number == -1.0 {
                (value.no.clone(), value.yes.clone())
            } else {
                (value.yes.clone(), Ids::new())
            }
        } else {
            (value.yes.clone(), Ids::new())
        };
        let possible = |value: &Value| -> bool {
            value.is_any()
                || value.bits & with.bits != 0
                || (nullish && value.bits & (UNDEFINED | NULL) != 0)
                || (with.number.is_some() && (value.number == with.number || value.bits & NUMBER != 0))
                || with
                    .strings
                    .first()
                    .is_some_and(|text| value.strings.iter().any(|known| known == text || known.complete().is_none()))
                || (with.bits & (TRUE | FALSE) != 0 && value.bits & (TRUE | FALSE) & with.bits != 0)
                || (with.number.is_some() && !value.strings.is_empty())
                || (!with.strings.is_empty() && (value.number.is_some() || value.bits & NUMBER != 0))
        };
        if possible(value) {
            out.bits |= TRUE;
        }
        out.bits |= FALSE;
        if with.bits == TRUE
            && value.bits & !TRUE == 0
            && value.strings.is_empty()
            && value.objects.is_empty()
            && value.number.is_none()
        {
            out.bits &= !FALSE;
        }
        let text = with.as_text().cloned().or_else(|| with.number.map(|bits| number_text(f64::from_bits(bits)).into()));
        let text = text.or(match with.bits {
            TRUE => Some("true".into()),
            FALSE => Some("false".into()),
            _ => None,
        });
        let (more, less) = self.tested(value, text, file, span);
        unite(&mut yes, &more);
        unite(&mut no, &less);
        out.when(yes, no)
    }

    fn order(&mut self, operator: Operator, a: &Value, b: &Value, file: FileId, span: Span) -> Value {
        if let (Some(x), Some(y), 0, 0) = (a.number, b.number, a.bits, b.bits) {
            let (x, y) = (f64::from_bits(x), f64::from_bits(y));
            return Value::bool(match operator {
                Operator::Less => x < y,
                Operator::LessEq => x <= y,
                Operator::Greater => x > y,
                _ => x >= y,
            });
        }
        let mut out = Value::either();
        // `found > -1`, `length > 0`, and the other way round.
        let known = b.number.map(f64::from_bits);
        match (operator, known) {
            (Operator::Greater, Some(n)) if n <= 0.0 => (out.yes, out.no) = (a.yes.clone(), a.no.clone()),
            (Operator::GreaterEq, Some(n)) if n <= 1.0 => (out.yes, out.no) = (a.yes.clone(), a.no.clone()),
            (Operator::Less, Some(n)) if n <= 1.0 => (out.yes, out.no) = (a.no.clone(), a.yes.clone()),
            _ => {}
        }
        for (side, other) in [(a, b), (b, a)] {
            let with =
                other.number.map(|bits| number_text(f64::from_bits(bits)).into()).or_else(|| other.as_text().cloned());
            let (yes, no) = self.tested(side, with, file, span);
            unite(&mut out.yes, &yes);
            unite(&mut out.no, &no);
        }
        out
    }

    /// Facts of a comparison of a value whose origin matters.
    pub fn tested(&mut self, value: &Value, with: Option<Name>, file: FileId, span: Span) -> (Ids, Ids) {
        let mut yes = Ids::new();
        let mut no = Ids::new();
        for origin in value.all_origins() {
            let origin = self.origin_table[origin as usize].clone();
            let place = Place { file, span };
            let fact = |held| Fact::Tested { origin: origin.clone(), with: with.clone(), held, place };
            let (held, failed) = (fact(true), fact(false));
            let held = self.fact(held);
            let failed = self.fact(failed);
            unite(&mut yes, &[held]);
            unite(&mut no, &[failed]);
        }
        (yes, no)
    }

    fn type_of(&mut self, value: &Value) -> Value {
        if value.is_any() || value.bits & NUMBER != 0 && value.bits != NUMBER {
            return Value::any();
        }
        let mut out = Value::default();
        let mut add = |text: &str| out.join(&Value::string(text.into(), None));
        if value.bits & UNDEFINED != 0 {
            add("undefined");
        }
        if value.bits & (TRUE | FALSE) != 0 {
            add("boolean");
        }
        if value.bits & NUMBER != 0 || value.number.is_some() {
            add("number");
        }
        if !value.strings.is_empty() {
            add("string");
        }
        if value.bits & NULL != 0 {
            add("object");
        }
        for &object in &value.objects {
            match self.heap.kind(object) {
                Kind::Closure { .. }
                | Kind::Bound { .. }
                | Kind::Builtin(_)
                | Kind::Class { .. }
                | Kind::Settle { .. } => {
                    add("function");
                }
                Kind::Host { path, .. } if !path.is_empty() => {
                    add("function");
                    add("object");
                }
                Kind::External { .. } => {
                    add("function");
                    add("object");
                    add("undefined");
                }
                _ => add("object"),
            }
        }
        if out.is_none() { Value::any() } else { out }
    }

    fn fill(&mut self, act: &mut Act<'a>, object: ObjId, properties: &'a [Property]) {
        for property in properties {
            match property {
                Property::Value(key, value) => {
                    let keys = self.keys(act, key);
                    let value = self.eval(act, value);
                    let place = Place { file: act.file, span: key_span(key) };
                    let value = match keys.0.first() {
                        Some(&key) => {
                            let name = self.spell(key);
                            self.typed_by_key(value, &name, place)
                        }
                        None => value,
                    };
                    match keys.0.as_slice() {
                        [] => {
                            let name = self.sym("*");
                            self.heap.add(object, name, &value);
                        }
                        [one] => self.heap.set(object, *one, Some(value)),
                        many => {
                            for &key in many {
                                self.heap.add(object, key, &value);
                            }
                        }
                    }
                }
                Property::Getter(key, function) => {
                    let keys = self.keys(act, key);
                    let getter = self.closure(act, *function);
                    if let (Some(&key), Some(&getter)) = (keys.0.first(), getter.objects.first()) {
                        self.heap.objects[object as usize].getters.push((key, getter));
                    }
                }
                Property::Setter(key, function) => {
                    let keys = self.keys(act, key);
                    let setter = self.closure(act, *function);
                    if let (Some(&key), Some(&setter)) = (keys.0.first(), setter.objects.first()) {
                        self.heap.objects[object as usize].setters.push((key, setter));
                    }
                }
                Property::Spread(value) => {
                    let value = self.eval(act, value);
                    self.copy_fields(object, &value, &[]);
                }
            }
        }
    }

    pub fn closure(&mut self, act: &Act<'a>, function: FnId) -> Value {
        let start = act.script.map_or(0, |script| script.functions[function as usize].span.start);
        let frame = act.frame;
        let kind = Kind::Closure { file: act.file, function, frame };
        let key = (act.file, start, self.context ^ u64::from(frame).rotate_left(40), 11);
        if let Some(&id) = self.sites.get(&key)
            && *self.heap.kind(id) == kind
        {
            return Value::object(id);
        }
        let span = act.script.map_or(Span::default(), |script| script.functions[function as usize].span);
        let id = self.heap.alloc(kind, Place { file: act.file, span });
        self.sites.insert(key, id);
        let arrow = act.script.is_some_and(|script| script.functions[function as usize].arrow);
        if !arrow {
            let prototype = self.heap.alloc(Kind::Plain, Place { file: act.file, span });
            let key = self.sym("prototype");
            self.heap.set(id, key, Some(Value::object(prototype)));
        }
        Value::object(id)
    }

    fn class(&mut self, act: &mut Act<'a>, class: &'a Class, place: Place) -> Value {
        let object = self.make_at(place, 12, Kind::Class { file: act.file });
        let prototype = self.make_at(place, 13, Kind::Plain);
        let prototype_key = self.sym("prototype");
        self.heap.set(object, prototype_key, Some(Value::object(prototype)));
        let home = self.sym("[[home]]");
        if let Some(parent) = &class.parent {
            let parent = self.eval(act, parent);
            let key = self.sym("[[parent]]");
            self.heap.set(object, key, Some(parent.clone()));
            if let Some(&first) = parent.objects.first() {
                self.heap.objects[object as usize].proto = Some(first);
                let above = self.heap.get(first, prototype_key).and_then(|value| value.objects.first().copied());
                self.heap.objects[prototype as usize].proto = above;
            }
        }
        if let Some(constructor) = class.constructor {
            let value = self.closure(act, constructor);
            if let Some(&id) = value.objects.first() {
                self.heap.set(id, home, Some(Value::object(object)));
            }
            let key = self.sym("[[constructor]]");
            self.heap.set(object, key, Some(value));
        }
        let env = ClassEnv { class, file: act.file, script: act.script, frame: act.frame };
        self.classes.insert(object, env);
        for (is_static, property) in &class.members {
            if initialises(env, property) {
                if *is_static {
                    self.fill_field(env, object, object, property);
                }
                continue;
            }
            let target = if *is_static { object } else { prototype };
            let before = self.heap.keys(target);
            self.fill(act, target, std::slice::from_ref(property));
            for key in self.heap.keys(target) {
                if !before.contains(&key)
                    && let Some(value) = self.heap.get(target, key).cloned()
                {
                    for id in value.objects {
                        if matches!(self.heap.kind(id), Kind::Closure { .. }) {
                            self.heap.set(id, home, Some(Value::object(object)));
                        }
                    }
                }
            }
        }
        for &block in &class.static_blocks {
            let value = self.closure(act, block);
            self.call(&value, &Value::object(object), Vec::new(), &Site::at(place));
        }
        Value::object(object)
    }

    pub fn args(&mut self, act: &mut Act<'a>, args: &'a [Arg]) -> (Vec<Value>, Vec<Option<Place>>) {
        let mut values = Vec::with_capacity(args.len());
        let mut places = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.eval(act, &arg.value);
            let place = Place { file: act.file, span: arg.value.span };
            if arg.spread {
                let value = self.iterated(&value, place);
                let mut index = 0;
                let mut any = false;
                while index < 16 {
                    let key = self.index_sym(index);
                    let mut item = Value::default();
                    for &object in &value.objects {
                        if let Some(found) = self.heap.get(object, key) {
                            item.join(&found.clone());
                        }
                    }
                    if item.is_none() {
                        break;
                    }
                    any = true;
                    values.push(item);
                    places.push(Some(place));
                    index += 1;
                }
                let rest = if any {
                    value.objects.iter().filter_map(|&object| self.heap.get(object, ITEM)).fold(
                        Value::default(),
                        |mut all, item| {
                            all.join(item);
                            all
                        },
                    )
                } else {
                    self.items_of(&value)
                };
                // A list of unknown length fills the places that follow.
                if !rest.is_none() {
                    for _ in 0..if any { 3 } else { 4 } {
                        values.push(rest.clone());
                        places.push(Some(place));
                    }
                }
                continue;
            }
            values.push(value);
            places.push(Some(place));
        }
        (values, places)
    }

    fn eval_call(
        &mut self,
        act: &mut Act<'a>,
        expr: &'a Expr,
        callee: &'a Expr,
        args: &'a [Arg],
        optional: bool,
        used: bool,
    ) -> Value {
        let place = Place { file: act.file, span: expr.span };
        let name = self.chain(callee, act.script);
        match &callee.kind {
            ExprKind::Super => {
                let parent = self.eval(act, callee);
                let this = self.lexical(act, THIS).unwrap_or_default();
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                self.call_super(&parent, &this, values, &site);
                if let Some(home) = self.lexical(act, HOME) {
                    for &class in &home.objects {
                        self.run_fields(class, &this);
                    }
                }
                this
            }
            ExprKind::Member { object, key, optional: maybe } => {
                let base = if matches!(object.kind, ExprKind::Super) {
                    self.lexical(act, THIS).unwrap_or_default()
                } else {
                    self.eval(act, object)
                };
                if (*maybe || optional) && !base.may_true() {
                    return Value::undefined();
                }
                let keys = self.keys(act, key);
                let method = if matches!(object.kind, ExprKind::Super) {
                    self.super_member(act, key, place)
                } else {
                    self.field(&base, &keys, Place { file: act.file, span: key_span(key) })
                };
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                let method_name = match keys.0.as_slice() {
                    [one] => self.spell(*one),
                    _ => "*".into(),
                };
                self.call_member(&base, &method_name, &method, values, &site)
            }
            _ => {
                let target = self.eval(act, callee);
                let (values, places) = self.args(act, args);
                let site = Site { place, args: places, name, used };
                self.call(&target, &Value::undefined(), values, &site)
            }
        }
    }

    /// Calls `base.name(…)`: a function that was found, else a method that the language has.
    pub fn call_member(&mut self, base: &Value, name: &str, method: &Value, args: Vec<Value>, site: &Site) -> Value {
        if name == "push"
            && self.is_chunk(&args)
            && let Some(answer) = self.queue_push(&args, site)
        {
            return answer;
        }
        let mut result = Value::default();
        let mut called = false;
        if !method.objects.is_empty() {
            let mut targets = method.clone();
            targets.bits = 0;
            targets.strings.clear();
            result = self.call(&targets, base, args.clone(), site);
            called = true;
        }
        if !called || method.is_any() {
            if let Some(answer) = self.builtin_method(base, name, &args, site) {
                result.join(&answer);
            } else if !called {
                let answer = self.unknown_method(base, name, &args, site);
                result.join(&answer);
            }
        }
        result
    }

    // ---- traces ----

    /// The same value, one step further: the way of each taint in it grows.
    pub fn stepped(&mut self, value: Value, place: Place, note: &'static str, name: &Name) -> Value {
        for &id in &value.taints {
            let way = self.record.ways.entry(id).or_default();
            if way.len() < 24 && !way.iter().any(|step| step.place == place) {
                way.push(Step { place, note, name: name.clone() });
            }
        }
        value
    }

    /// The path of calls from the entry point to here.
    pub fn path(&self) -> Vec<Step> {
        let mut out = Vec::new();
        if let Some(entry) = self.entries.get(self.entry) {
            out.push(Step { place: entry.place, note: "entry", name: entry.method.clone() });
        }
        for called in self.stack.iter().skip(1) {
            out.push(Step { place: called.site, note: "calls", name: called.name.clone() });
        }
        out
    }
}

/// Keys of a member access; none means any.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(pub Vec<Sym>);

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
        ExprKind::Call { callee, .. } => chain_text(callee, script),
        _ => String::new(),
    }
}

fn masked(text: &Str) -> bool {
    text.pieces
        .iter()
        .any(|piece| matches!(piece, super::value::Piece::Literal(text) if text.contains("**") || text.contains("••")))
}

/// Whether a member of a class is a field with an initialiser: no method, no accessor.
fn initialises(env: ClassEnv<'_>, property: &Property) -> bool {
    match property {
        Property::Value(_, Expr { kind: ExprKind::Function(function), .. }) => {
            env.script.is_some_and(|script| script.functions[*function as usize].arrow)
        }
        Property::Value(..) => true,
        _ => false,
    }
}

fn is_constant(value: &Value) -> bool {
    if !value.objects.is_empty() || !value.taints.is_empty() || !value.origins.is_empty() {
        return false;
    }
    let single =
        [value.bits != 0, value.number.is_some(), !value.strings.is_empty()].iter().filter(|x| **x).count() == 1;
    single
        && (value.bits == 0 || matches!(value.bits, UNDEFINED | NULL | TRUE | FALSE))
        && (value.strings.is_empty() || (value.strings.len() == 1 && value.strings[0].complete().is_some()))
        && value.yes.is_empty()
        && value.no.is_empty()
}

fn loosely_equal(a: &Value, b: &Value) -> bool {
    let null = |value: &Value| value.bits & (UNDEFINED | NULL) != 0;
    if null(a) && null(b) {
        return true;
    }
    let text = |value: &Value| {
        value.as_text().cloned().or_else(|| value.number.map(|bits| number_text(f64::from_bits(bits)).into()))
    };
    match (text(a), text(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Shares a name.
pub(super) fn name(text: &str) -> Name {
    Arc::from(text)
}
