//! Objects with strong updates inside an execution and an undo journal for branches.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::solution::Place;
use super::value::{ObjId, Sym, Value};
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
    Regex,
}

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub kind: Kind,
    pub fields: FxHashMap<Sym, Value>,
    pub getters: Vec<(Sym, ObjId)>,
    pub setters: Vec<(Sym, ObjId)>,
    pub proto: Option<ObjId>,
    pub place: Place,
}

/// The heap.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub objects: Vec<Object>,
    journal: Vec<(ObjId, Sym, Option<Value>)>,
    /// Whether a weak write changed anything since it was last cleared.
    pub changed: bool,
}

/// Fields that an arm changed, with their values at its end.
pub(super) type Diff = Vec<(ObjId, Sym, Option<Value>)>;

impl Heap {
    pub fn alloc(&mut self, kind: Kind, place: Place) -> ObjId {
        let id = self.objects.len() as ObjId;
        self.objects.push(Object {
            kind,
            fields: FxHashMap::default(),
            getters: Vec::new(),
            setters: Vec::new(),
            proto: None,
            place,
        });
        id
    }

    pub fn kind(&self, id: ObjId) -> &Kind {
        &self.objects[id as usize].kind
    }

    pub fn get(&self, id: ObjId, key: Sym) -> Option<&Value> {
        self.objects[id as usize].fields.get(&key)
    }

    /// Replaces a field.
    pub fn set(&mut self, id: ObjId, key: Sym, value: Option<Value>) {
        let fields = &mut self.objects[id as usize].fields;
        let old = match value {
            Some(value) => fields.insert(key, value),
            None => fields.remove(&key),
        };
        self.journal.push((id, key, old));
    }

    /// Adds to a field what it can be.
    pub fn add(&mut self, id: ObjId, key: Sym, value: &Value) {
        match self.get(id, key) {
            None => self.set(id, key, Some(value.clone())),
            Some(old) => {
                let mut new = old.clone();
                new.join(value);
                if new != *old {
                    self.set(id, key, Some(new));
                }
            }
        }
    }

    /// Empties an object that is made anew at the same place.
    pub fn clear(&mut self, id: ObjId) {
        let mut keys: Vec<Sym> = self.objects[id as usize].fields.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            self.set(id, key, None);
        }
        let object = &mut self.objects[id as usize];
        object.getters.clear();
        object.setters.clear();
    }

    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Takes back everything since `mark` and returns what had changed.
    pub fn take_back(&mut self, mark: usize) -> Diff {
        let mut seen: FxHashMap<(ObjId, Sym), Option<Value>> = FxHashMap::default();
        let mut order = Vec::new();
        while self.journal.len() > mark {
            let Some((id, key, old)) = self.journal.pop() else { break };
            let fields = &mut self.objects[id as usize].fields;
            let current = match old {
                Some(old) => fields.insert(key, old),
                None => fields.remove(&key),
            };
            seen.entry((id, key)).or_insert_with(|| {
                order.push((id, key));
                current
            });
        }
        order.reverse();
        order.into_iter().map(|at| (at.0, at.1, seen.remove(&at).flatten())).collect()
    }

    /// Sets what an arm changed, as if it had run for certain.
    pub fn apply(&mut self, diff: Diff) {
        for (id, key, value) in diff {
            self.set(id, key, value);
        }
    }

    /// Forgets the journal: nothing can be taken back any more.
    pub fn settle(&mut self) {
        self.journal.clear();
    }

    /// Field names in a stable order.
    pub fn keys(&self, id: ObjId) -> Vec<Sym> {
        let mut keys: Vec<Sym> = self.objects[id as usize].fields.keys().copied().collect();
        keys.sort_unstable();
        keys
    }
}
