//! Objects with strong updates inside an execution, an undo journal for branches, and a trail of what was read.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::fields::Fields;
use super::solution::Place;
use super::value::{Ids, ObjId, Sym, Value, unite};
use crate::model::UnitId;
use crate::model::ir::FnId;
use crate::source::FileId;

/// Key of "any other property": array items, properties under unknown names.
pub(super) const ITEM: Sym = 0;

/// What an object is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Plain,
    Array,
    /// Variables of one activation; keys are variable ids.
    Frame {
        file: FileId,
        parent: Option<ObjId>,
    },
    Closure {
        file: FileId,
        function: FnId,
        frame: ObjId,
    },
    /// A function bound to `this` and leading arguments (kept in fields).
    Bound {
        target: ObjId,
    },
    Builtin(&'static str),
    /// A host's global object, or a group inside it (`ai`), or one of its functions.
    Host {
        namespace: Arc<str>,
        path: Arc<str>,
    },
    /// An object that a host API returned.
    HostObject {
        namespace: Arc<str>,
        class: Arc<str>,
    },
    /// Answer of the settings API: scopes to booleans.
    AuthSetting,
    Promise,
    /// Calls that settle a promise.
    Settle {
        promise: ObjId,
        fulfil: bool,
    },
    /// A module that is not in the package or is known as a library, and a member path in it.
    External {
        module: Arc<str>,
        path: Arc<str>,
    },
    Class {
        file: FileId,
    },
    Global,
    Unit(UnitId),
    /// The `require` of a webpack module table.
    WebpackRequire(u32),
    EventBus,
    Map,
    Set,
    Regex,
}

/// A field.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// Shared with the journal and the arms that changed it; `None` where the field is absent.
    value: Option<Rc<Value>>,
    /// Scope that wrote it.
    scope: u32,
    /// When an entry point's execution last changed it for the others.
    changed: u32,
    /// Oldest scope whose writes are joined in.
    since: u32,
    /// Execution that last read it from outside.
    seen: Cell<u32>,
}

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub kind: Kind,
    fields: Fields<Slot>,
    pub getters: Vec<(Sym, ObjId)>,
    pub setters: Vec<(Sym, ObjId)>,
    pub proto: Option<ObjId>,
    pub place: Place,
    /// Scope that made it, or made it anew.
    made: u32,
    /// When a field of it last came or went.
    shape: u32,
    /// A frame that nothing can see any more.
    dead: bool,
    /// Never made anew: before `made`, nothing could see it.
    first: bool,
}

/// What a write replaced.
#[derive(Debug)]
struct Undo {
    id: ObjId,
    key: Sym,
    value: Option<Rc<Value>>,
    scope: u32,
    since: u32,
}

/// A field that an arm changed, with its value at the arm's end.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub id: ObjId,
    pub key: Sym,
    pub value: Option<Rc<Value>>,
    since: u32,
}

/// What an arm did.
#[derive(Clone, Debug, Default)]
pub(super) struct Diff {
    /// Fields that it changed, once each, in order of object and field.
    pub changes: Vec<Change>,
    /// Objects that it made for the first time, as a part of [`Heap::born`]. They stay as it left them.
    born: Range<usize>,
}

/// Where an arm starts.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(super) struct Mark {
    length: usize,
    born: usize,
    outer: u32,
}

/// What an execution read that stood there before it.
#[derive(Debug, Default)]
pub(super) struct Reads {
    fields: Vec<(ObjId, Sym)>,
    absent: FxHashSet<(ObjId, Sym)>,
    shapes: FxHashSet<ObjId>,
}

/// The heap.
///
/// Writes are journaled once a scope (an arm that may not happen): a field that the current scope wrote already is written in
/// place. So an arm costs what it writes, and taking it back needs no search. The same scopes tell what an execution read from
/// outside, which is what decides whether it has to run again.
#[derive(Debug)]
pub(super) struct Heap {
    pub objects: Vec<Object>,
    journal: Vec<Undo>,
    /// The current scope; 0 is never one.
    scope: u32,
    scopes: u32,
    /// First scope of the current execution: what older scopes wrote stood there before.
    base: u32,
    /// The current execution; 0 when none is followed.
    run: u32,
    runs: u32,
    /// Executions around the current one.
    outer: Vec<(u32, u32, Reads)>,
    /// Grows whenever writes settle.
    pub clock: u32,
    reads: RefCell<Reads>,
    /// Objects made since writes settled.
    born: Vec<ObjId>,
    /// Frames to use again.
    free: Vec<ObjId>,
    /// Frames to use again once the journal is empty.
    dead: Vec<ObjId>,
    /// Facts that each name of a state proves for itself, in order.
    pub told: Vec<u32>,
}

impl Default for Heap {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            journal: Vec::new(),
            scope: 1,
            scopes: 1,
            base: 1,
            run: 0,
            runs: 0,
            outer: Vec::new(),
            clock: 1,
            reads: RefCell::default(),
            born: Vec::new(),
            free: Vec::new(),
            dead: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl Heap {
    pub fn alloc(&mut self, kind: Kind, place: Place) -> ObjId {
        let id = self.objects.len() as ObjId;
        self.objects.push(Object {
            kind,
            fields: Fields::default(),
            getters: Vec::new(),
            setters: Vec::new(),
            proto: None,
            place,
            made: self.scope,
            shape: 0,
            dead: false,
            first: true,
        });
        self.born.push(id);
        id
    }

    /// A frame that ends with its call: no closure can see it. See [`Heap::bury`].
    pub fn alloc_frame(&mut self, kind: Kind, place: Place) -> ObjId {
        let Some(id) = self.free.pop() else { return self.alloc(kind, place) };
        let scope = self.scope;
        let object = &mut self.objects[id as usize];
        object.kind = kind;
        object.place = place;
        object.made = scope;
        object.dead = false;
        id
    }

    /// Ends a frame of [`Heap::alloc_frame`]: what the journal holds of it is void.
    pub fn bury(&mut self, id: ObjId) {
        let object = &mut self.objects[id as usize];
        object.fields.clear();
        object.getters.clear();
        object.dead = true;
        self.dead.push(id);
    }

    pub fn kind(&self, id: ObjId) -> &Kind {
        &self.objects[id as usize].kind
    }

    pub fn get(&self, id: ObjId, key: Sym) -> Option<&Value> {
        let object = &self.objects[id as usize];
        match object.fields.get(key) {
            Some(slot) => {
                if slot.since < self.base && slot.seen.get() != self.run && self.run != 0 {
                    slot.seen.set(self.run);
                    self.reads.borrow_mut().fields.push((id, key));
                }
                slot.value.as_deref()
            }
            None => {
                if object.made < self.base && self.run != 0 {
                    self.reads.borrow_mut().absent.insert((id, key));
                }
                None
            }
        }
    }

    /// A field, shared with the heap.
    pub fn shared(&self, id: ObjId, key: Sym) -> Option<Rc<Value>> {
        self.get(id, key)?;
        self.peek(id, key).cloned()
    }

    /// Whether an object has a field.
    pub fn has(&self, id: ObjId, key: Sym) -> bool {
        self.get(id, key).is_some()
    }

    /// A field as it stands, where reading it decides nothing by itself.
    fn peek(&self, id: ObjId, key: Sym) -> Option<&Rc<Value>> {
        self.objects[id as usize].fields.get(key).and_then(|slot| slot.value.as_ref())
    }

    /// Replaces a field.
    pub fn set(&mut self, id: ObjId, key: Sym, value: Option<Value>) {
        self.write(id, key, value.map(Rc::new), self.scope);
    }

    fn write(&mut self, id: ObjId, key: Sym, value: Option<Rc<Value>>, since: u32) {
        let scope = self.scope;
        let object = &mut self.objects[id as usize];
        // Nothing outside the arm that made an object sees it where the arm did not run.
        let own = object.first && object.made == scope;
        match object.fields.get_mut(key) {
            Some(slot) => {
                if slot.scope != scope {
                    let value = std::mem::replace(&mut slot.value, value);
                    if !own {
                        self.journal.push(Undo { id, key, value, scope: slot.scope, since: slot.since });
                    }
                    slot.scope = scope;
                } else {
                    slot.value = value;
                }
                slot.since = since;
            }
            None => {
                if value.is_some() {
                    if !own {
                        self.journal.push(Undo { id, key, value: None, scope: 0, since: 0 });
                    }
                    object.fields.add(key, Slot { value, scope, since, ..Slot::default() });
                }
            }
        }
    }

    /// The oldest scope that a field's value depends on.
    fn since(&self, id: ObjId, key: Sym) -> u32 {
        let object = &self.objects[id as usize];
        object.fields.get(key).map_or(object.made, |slot| slot.since)
    }

    /// Adds to a field what it can be.
    pub fn add(&mut self, id: ObjId, key: Sym, value: &Value) {
        let since = self.since(id, key).min(self.scope);
        match self.peek(id, key) {
            None => self.write(id, key, Some(Rc::new(value.clone())), since),
            Some(old) => {
                let mut new = (**old).clone();
                new.join(value);
                if new != **old {
                    self.write(id, key, Some(Rc::new(new)), since);
                }
            }
        }
    }

    /// Empties an object that is made anew at the same place.
    pub fn clear(&mut self, id: ObjId) {
        let scope = self.scope;
        let object = &mut self.objects[id as usize];
        for (key, slot) in object.fields.iter_mut() {
            if slot.value.is_none() {
                continue;
            }
            if slot.scope == scope {
                slot.value = None;
            } else {
                let value = slot.value.take();
                self.journal.push(Undo { id, key, value, scope: slot.scope, since: slot.since });
                slot.scope = scope;
            }
            slot.since = scope;
        }
        object.getters.clear();
        object.setters.clear();
    }

    /// Empties an object for a new life: nothing of before can be seen in it.
    pub fn renew(&mut self, id: ObjId) {
        self.clear(id);
        let object = &mut self.objects[id as usize];
        object.made = self.scope;
        object.first = false;
    }

    /// Starts an arm.
    pub fn mark(&mut self) -> Mark {
        let mark = Mark { length: self.journal.len(), born: self.born.len(), outer: self.scope };
        self.scopes += 1;
        self.scope = self.scopes;
        mark
    }

    /// Takes back everything since `mark` and returns what had changed.
    pub fn take_back(&mut self, mark: Mark) -> Diff {
        let mut changes = Vec::with_capacity(self.journal.len().saturating_sub(mark.length));
        for undo in self.journal.drain(mark.length..).rev() {
            let object = &mut self.objects[undo.id as usize];
            if object.dead {
                continue;
            }
            let Some(slot) = object.fields.get_mut(undo.key) else { continue };
            let value = std::mem::replace(&mut slot.value, undo.value);
            changes.push(Change { id: undo.id, key: undo.key, value, since: slot.since });
            slot.scope = undo.scope;
            slot.since = undo.since;
        }
        self.scope = mark.outer;
        changes.sort_unstable_by_key(|change| (change.id, change.key));
        Diff { changes, born: mark.born..self.born.len() }
    }

    /// Sets what an arm changed, as if it had run for certain.
    pub fn apply(&mut self, diff: Diff) {
        for change in diff.changes {
            self.write(change.id, change.key, change.value, change.since);
        }
    }

    /// Joins what an arm changed with what stands: the arm may not have run. `facts` hold at its end.
    pub fn merge_one(&mut self, diff: Diff, facts: &[u32]) {
        self.prove(&diff, facts);
        for change in diff.changes {
            self.merge_field(change.id, change.key, &[(Some(&change), facts), (None, &[])]);
        }
    }

    /// As [`Heap::merge_one`], for a pass through a loop with these reads; returns whether the next pass would read anything
    /// else than this one did.
    pub fn merge_pass(&mut self, diff: Diff, reads: &Reads) -> bool {
        let changed: Vec<(ObjId, Sym)> = diff
            .changes
            .into_iter()
            .filter(|change| self.merge_field(change.id, change.key, &[(Some(change), &[]), (None, &[])]))
            .map(|change| (change.id, change.key))
            .collect();
        if changed.is_empty() {
            return false;
        }
        let read: FxHashSet<(ObjId, Sym)> = reads.fields.iter().copied().collect();
        changed.iter().any(|at| read.contains(at) || reads.absent.contains(at) || reads.shapes.contains(&at.0))
    }

    /// Joins what arms changed, each with the facts that it had proved.
    pub fn merge(&mut self, arms: &[(Diff, Ids)]) {
        for (diff, facts) in arms {
            self.prove(diff, facts);
        }
        let mut at = vec![0; arms.len()];
        loop {
            let next = arms
                .iter()
                .zip(&at)
                .filter_map(|((diff, _), &at)| diff.changes.get(at).map(|change| (change.id, change.key)))
                .min();
            let Some((id, key)) = next else { break };
            let mut values: SmallArms<'_> = Vec::with_capacity(arms.len());
            for ((diff, facts), at) in arms.iter().zip(&mut at) {
                let change = diff.changes.get(*at).filter(|change| (change.id, change.key) == (id, key));
                if change.is_some() {
                    *at += 1;
                }
                values.push((change, facts));
            }
            self.merge_field(id, key, &values);
        }
    }

    /// What an arm made proves what the arm had proved, where it is truthy: it is nothing where the arm did not run.
    fn prove(&mut self, diff: &Diff, facts: &[u32]) {
        if facts.is_empty() {
            return;
        }
        for &id in self.born.get(diff.born.clone()).unwrap_or_default() {
            let object = &mut self.objects[id as usize];
            if object.dead {
                continue;
            }
            for (_, slot) in object.fields.iter_mut() {
                if let Some(value) = &mut slot.value
                    && value.may_true()
                    && !facts.iter().all(|fact| value.yes.binary_search(fact).is_ok())
                {
                    let value = Rc::make_mut(value);
                    unite(&mut value.yes, facts);
                    value.name_states(facts, &self.told);
                }
            }
        }
    }

    /// Joins the arms' values of a field; `None` for an arm that did not write it. Returns whether the field changed.
    fn merge_field(&mut self, id: ObjId, key: Sym, arms: &[(Option<&Change>, &[u32])]) -> bool {
        let object = &self.objects[id as usize];
        if object.dead {
            return false;
        }
        let frame = matches!(object.kind, Kind::Frame { .. });
        let base = object.fields.get(key).and_then(|slot| slot.value.clone());
        // What an arm leaves as it was changes nothing.
        let same = |value: &Option<Rc<Value>>| match (value, &base) {
            (None, None) => true,
            (Some(value), Some(base)) => Rc::ptr_eq(value, base) || value == base,
            _ => false,
        };
        if arms.iter().all(|(change, _)| change.is_none_or(|change| same(&change.value))) {
            return false;
        }
        let since = arms
            .iter()
            .map(|(change, _)| change.map_or_else(|| self.since(id, key), |change| change.since))
            .min()
            .unwrap_or_default()
            .min(self.scope);
        let mut joined = Value::default();
        let mut first: Option<&Rc<Value>> = None;
        for (change, facts) in arms {
            let value = match change {
                Some(change) => change.value.as_ref(),
                None => base.as_ref(),
            };
            let Some(value) = value else {
                // A field that an arm does not have.
                if !frame && base.is_none() {
                    joined.join(&Value::undefined());
                }
                continue;
            };
            first.get_or_insert(value);
            if facts.is_empty() {
                joined.join(value);
            } else {
                joined.join(&value.under(facts, &self.told));
            }
        }
        if joined.is_none() {
            if base.is_some() {
                self.write(id, key, None, since);
            }
            return base.is_some();
        }
        if base.as_deref().is_some_and(|base| base.same(&joined)) {
            return false;
        }
        let value = match first {
            Some(first) if **first == joined => first.clone(),
            _ => Rc::new(joined),
        };
        self.write(id, key, Some(value), since);
        true
    }

    // ---- executions ----

    /// Starts an arm and follows what it reads that stood there before.
    pub fn begin(&mut self) -> Mark {
        let mark = self.mark();
        let reads = std::mem::take(&mut *self.reads.borrow_mut());
        self.outer.push((self.base, self.run, reads));
        self.base = self.scope;
        self.runs += 1;
        self.run = self.runs;
        mark
    }

    /// Ends the arm that [`Heap::begin`] started: what it changed, and what it read.
    pub fn end(&mut self, mark: Mark) -> (Diff, Reads) {
        let diff = self.take_back(mark);
        let (base, run, outer) = self.outer.pop().unwrap_or_default();
        self.base = base;
        self.run = run;
        let reads = self.reads.replace(outer);
        if run != 0 {
            let mut outer = self.reads.borrow_mut();
            for &(id, key) in &reads.fields {
                if let Some(slot) = self.objects[id as usize].fields.get(key)
                    && slot.since < base
                    && slot.seen.get() != run
                {
                    slot.seen.set(run);
                    outer.fields.push((id, key));
                }
            }
            let before = |id: ObjId| self.objects[id as usize].made < base;
            outer.absent.extend(reads.absent.iter().copied().filter(|&(id, _)| before(id)));
            outer.shapes.extend(reads.shapes.iter().copied().filter(|&id| before(id)));
        }
        (diff, reads)
    }

    /// Makes writes final: nothing can be taken back any more. Returns whether anything changed.
    pub fn settle(&mut self) -> bool {
        self.clock += 1;
        let mut any = false;
        for undo in self.journal.drain(..) {
            let object = &mut self.objects[undo.id as usize];
            if object.dead {
                continue;
            }
            let Some(slot) = object.fields.get_mut(undo.key) else { continue };
            let same = match (&undo.value, &slot.value) {
                (None, None) => true,
                (Some(old), Some(new)) => Rc::ptr_eq(old, new) || old.same(new),
                _ => false,
            };
            if !same {
                slot.changed = self.clock;
                if undo.value.is_some() != slot.value.is_some() {
                    object.shape = self.clock;
                }
                any = true;
            }
        }
        self.scopes += 1;
        self.scope = self.scopes;
        self.base = self.scope;
        self.free.append(&mut self.dead);
        self.born.clear();
        any
    }

    /// Whether any of what an execution read has changed since `clock`.
    pub fn stale(&self, reads: &Reads, clock: u32) -> bool {
        let newer = |(id, key): &(ObjId, Sym)| {
            self.objects[*id as usize].fields.get(*key).is_some_and(|slot| slot.changed > clock)
        };
        reads.fields.iter().any(newer)
            || reads.absent.iter().any(newer)
            || reads.shapes.iter().any(|id| self.objects[*id as usize].shape > clock)
    }

    /// Calls `body` with every field that stands, in no particular order.
    pub fn each(&self, id: ObjId, mut body: impl FnMut(&Value)) {
        let object = &self.objects[id as usize];
        let follow = self.run != 0;
        if object.made < self.base && follow {
            self.reads.borrow_mut().shapes.insert(id);
        }
        for (key, slot) in object.fields.iter() {
            let Some(value) = &slot.value else { continue };
            if follow && slot.since < self.base && slot.seen.get() != self.run {
                slot.seen.set(self.run);
                self.reads.borrow_mut().fields.push((id, key));
            }
            body(value);
        }
    }

    /// Field names in a stable order.
    pub fn keys(&self, id: ObjId) -> Vec<Sym> {
        let object = &self.objects[id as usize];
        if object.made < self.base && self.run != 0 {
            self.reads.borrow_mut().shapes.insert(id);
        }
        let mut keys: Vec<Sym> =
            object.fields.iter().filter(|(_, slot)| slot.value.is_some()).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    }
}

/// A field's changes by arm.
type SmallArms<'d> = Vec<(Option<&'d Change>, &'d [u32])>;
