//! Promises: fulfilled, rejected, awaited, chained and gathered.

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Machine, Site};
use crate::flow::value::{ANY, Ids, ObjId, UNDEFINED, Value, intersect, unite};

impl<'a> Machine<'a> {
    /// `new Promise(executor)`.
    pub fn new_promise(&mut self, args: &[Value], site: &Site) -> Value {
        let promise = self.make_at(site.place, 21, Kind::Promise);
        let base_key = self.known("[[base]]");
        let facts = self.current_facts();
        self.heap.set(promise, base_key, Some(Value::bool(true).when(facts, Ids::new())));
        let resolve = self.shared(Kind::Settle { promise, fulfil: true });
        let reject = self.shared(Kind::Settle { promise, fulfil: false });
        if let Some(executor) = args.first() {
            let inner = self.inner_site(site);
            let base = self.facts.len();
            self.call(executor, &Value::undefined(), vec![Value::object(resolve), Value::object(reject)], &inner);
            self.facts.truncate(base);
        }
        // Functions that the executor kept may settle it when something else happens.
        self.makers.insert(promise, self.entry_key);
        if let Some(value) = self.heap.get(self.later, promise).cloned() {
            let facts = self.heap.get(self.later_facts, promise).map(|value| value.yes.clone()).unwrap_or_default();
            self.fulfil(promise, value, &facts);
        }
        Value::object(promise)
    }

    /// Whether a class of the package is one of promises, brought where the platform may lack them: by what it offers.
    pub fn is_promise_class(&mut self, class: ObjId) -> bool {
        const OFFERS: [&str; 4] = ["resolve", "reject", "all", "race"];
        if !matches!(self.heap.kind(class), Kind::Closure { .. } | Kind::Class { .. })
            || !OFFERS.iter().all(|name| {
                let key = self.known(name);
                self.heap.get(class, key).is_some_and(|value| !value.objects.is_empty())
            })
        {
            return false;
        }
        let (prototype, then) = (self.known("prototype"), self.known("then"));
        let prototype = self.heap.get(class, prototype).and_then(|value| value.objects.first().copied());
        prototype.is_some_and(|prototype| self.heap.has(prototype, then))
    }

    /// Fulfils a promise with a value, under facts.
    pub fn fulfil(&mut self, promise: ObjId, value: Value, facts: &[u32]) {
        let (value_key, facts_key) = (self.known("[[value]]"), self.known("[[facts]]"));
        // A promise takes the state of the promise that it is given.
        let mut plain = value.clone();
        let mut inner_facts: Option<Ids> = None;
        for &object in &value.objects {
            if matches!(self.heap.kind(object), Kind::Promise) && object != promise {
                plain.objects.retain(|id| *id != object);
                if self.only_rejects(object) {
                    let (error_key, rejected) = (self.known("[[error]]"), self.known("[[rejected]]"));
                    let error = self.heap.get(object, error_key).cloned().unwrap_or_else(Value::any);
                    let held = self.heap.get(object, rejected).map(|value| value.yes.clone()).unwrap_or_default();
                    self.reject(promise, &error, &held);
                    continue;
                }
                if let Some(inner) = self.heap.get(object, value_key).cloned() {
                    plain.join(&inner);
                }
                let held = self.heap.get(object, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
                inner_facts = Some(match inner_facts {
                    Some(facts) => intersect(&facts, &held),
                    None => held,
                });
            }
        }
        if plain.is_none() && inner_facts.is_none() && !value.objects.is_empty() {
            return;
        }
        let mut facts: Ids = facts.into();
        facts.sort_unstable();
        if let Some(inner) = inner_facts {
            unite(&mut facts, &inner);
        }
        let held = match self.heap.get(promise, facts_key) {
            Some(old) => intersect(&old.yes, &facts),
            None => facts,
        };
        self.heap.set(promise, facts_key, Some(Value::bool(true).when(held, Ids::new())));
        self.heap.add(promise, value_key, &plain);
        // Handlers that were waiting run now.
        let pending_key = self.known("[[pending]]");
        if let Some(pending) = self.heap.get(promise, pending_key).cloned() {
            for id in pending.objects.clone() {
                let place = self.heap.objects[id as usize].place;
                self.perhaps(&[], |machine| {
                    machine.call_object(id, &Value::undefined(), vec![plain.clone()], &Site::at(place))
                });
            }
        }
    }

    /// Whether a promise is rejected wherever it is settled: nobody gets a value of it.
    pub fn only_rejects(&mut self, promise: ObjId) -> bool {
        if !matches!(self.heap.kind(promise), Kind::Promise) {
            return false;
        }
        let keys = ["[[value]]", "[[facts]]", "[[rejected]]"].map(|key| self.known(key));
        let [value, fulfilled, rejected] = keys.map(|key| self.heap.get(promise, key).is_some());
        rejected && !value && !fulfilled
    }

    /// Rejects a promise.
    pub fn reject(&mut self, promise: ObjId, value: &Value, facts: &[u32]) {
        let (error_key, facts_key) = (self.known("[[error]]"), self.known("[[rejected]]"));
        let mut facts: Ids = facts.into();
        facts.sort_unstable();
        let held = match self.heap.get(promise, facts_key) {
            Some(old) => intersect(&old.yes, &facts),
            None => facts,
        };
        self.heap.set(promise, facts_key, Some(Value::bool(true).when(held, Ids::new())));
        let value = self.refused(value, 2);
        self.heap.add(promise, error_key, &value);
    }

    /// A server's answer where it refuses: it holds what went wrong, and nothing of what was asked for.
    fn refused(&mut self, value: &Value, depth: usize) -> Value {
        let mut out = value.clone();
        out.taints = value.taints.iter().copied().filter(|&id| !self.taints[id as usize].container).collect();
        out.origins = self.without_answers(&value.origins);
        if depth == 0 {
            return out;
        }
        for at in 0..out.objects.len() {
            let object = out.objects[at];
            let kind = self.heap.kind(object).clone();
            let inner = self.deep_taints(&Value::object(object), depth);
            if !matches!(kind, Kind::Plain) || !inner.iter().any(|&id| self.taints[id as usize].container) {
                continue;
            }
            let outer = self.context;
            self.context ^= u64::from(object).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let copy = self.make_at(self.heap.objects[object as usize].place, 45, kind);
            self.context = outer;
            for key in self.heap.keys(object) {
                if let Some(field) = self.heap.get(object, key).cloned() {
                    let field = self.refused(&field, depth - 1);
                    self.heap.set(copy, key, Some(field));
                }
            }
            out.objects.put(at, copy);
        }
        out.objects.sort_unstable();
        out
    }

    /// What `await` gives; what the promise proves holds from here on.
    pub fn wait(&mut self, value: &Value) -> Value {
        let mut out = value.clone();
        out.objects.clear();
        let mut facts: Option<Ids> = None;
        let mut only = true;
        for &object in &value.objects {
            if !matches!(self.heap.kind(object), Kind::Promise) {
                unite(&mut out.objects, &[object]);
                only = false;
                continue;
            }
            if self.heap.has(object, ITEM) {
                // An asynchronous generator: waited for item by item.
                unite(&mut out.objects, &[object]);
            }
            let (value_key, facts_key, rejected) =
                (self.known("[[value]]"), self.known("[[facts]]"), self.known("[[rejected]]"));
            let error = self.known("[[error]]");
            if let Some(error) = self.heap.get(object, error).cloned() {
                self.thrown.join(&error);
            }
            if value.objects.len() > 1 && self.only_rejects(object) {
                continue;
            }
            match self.heap.get(object, value_key).cloned() {
                Some(inner) => out.join(&inner),
                None => out.bits |= ANY,
            }
            let held = self.heap.get(object, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
            facts = Some(match facts {
                Some(facts) => intersect(&facts, &held),
                None => held,
            });
            self.record.last_rejection = self.heap.get(object, rejected).map(|value| value.yes.clone());
            let handled = self.known("[[awaited]]");
            self.heap.set(object, handled, Some(Value::bool(true)));
        }
        if only
            && value.bits == 0
            && let Some(facts) = facts
        {
            self.push_facts(&facts);
        }
        out
    }

    pub(super) fn then(
        &mut self,
        promise: ObjId,
        on_ok: Option<&Value>,
        on_error: Option<&Value>,
        site: &Site,
    ) -> Value {
        let (value_key, facts_key) = (self.known("[[value]]"), self.known("[[facts]]"));
        let (error_key, rejected_key) = (self.known("[[error]]"), self.known("[[rejected]]"));
        let next = self.make_at(site.place, 20, Kind::Promise);
        let settled = self.heap.get(promise, value_key).cloned();
        let facts = self.heap.get(promise, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
        match (on_ok, settled) {
            (Some(handler), Some(value)) if !handler.objects.is_empty() => {
                let handler = handler.clone();
                let inner = self.inner_site(site);
                let base = self.current_facts();
                let (answer, held) = self.perhaps(&facts, |machine| {
                    machine.kept = None;
                    let answer = machine.call(&handler, &Value::undefined(), vec![value], &inner);
                    let kept = machine.kept.take().filter(|_| handler.objects.len() == 1);
                    let mut held: Ids =
                        machine.current_facts().into_iter().filter(|f| base.binary_search(f).is_err()).collect();
                    // Who goes on was not given a rejected promise.
                    unite(&mut held, &kept.unwrap_or_default());
                    (answer, held)
                });
                self.fulfil(next, answer, &held);
            }
            (Some(handler), None) => {
                let pending = self.known("[[pending]]");
                let mut only = handler.clone();
                only.bits = 0;
                self.heap.add(promise, pending, &only);
                self.fulfil(next, Value::any(), &[]);
            }
            (_, value) => self.fulfil(next, value.unwrap_or_else(Value::any), &facts),
        }
        let rejected = self.heap.get(promise, rejected_key).map(|value| value.yes.clone()).unwrap_or_default();
        let error = self.heap.get(promise, error_key).cloned().unwrap_or_else(Value::any);
        match on_error {
            Some(handler) if !handler.objects.is_empty() => {
                let handler = handler.clone();
                let inner = self.inner_site(site);
                let answer =
                    self.perhaps(&rejected, |machine| machine.call(&handler, &Value::undefined(), vec![error], &inner));
                // Carrying on after a failure proves nothing, whatever the handler gives; what never fails is not carried on.
                let fails =
                    self.heap.get(promise, rejected_key).is_some() || self.heap.get(promise, error_key).is_some();
                if !answer.is_none() && (fails || answer.bits != UNDEFINED || !answer.objects.is_empty()) {
                    let facts_key = self.known("[[facts]]");
                    self.heap.add(next, value_key, &answer);
                    self.heap.set(next, facts_key, Some(Value::bool(true)));
                }
            }
            _ => self.reject(next, &error, &rejected),
        }
        Value::object(next)
    }

    pub fn inner_site(&self, site: &Site) -> Site {
        Site { place: site.place, args: Vec::new(), name: site.name.clone(), used: true }
    }

    pub(super) fn promise_all(&mut self, path: &str, list: &Value, site: &Site) -> Value {
        let promise = self.make_at(site.place, 21, Kind::Promise);
        let array = self.make_at(site.place, 25, Kind::Array);
        let mut all: Option<Ids> = None;
        let every = path == "Promise.all";
        let mut any = Value::default();
        for &id in &list.objects {
            for key in self.heap.keys(id) {
                if !self.is_item(key) {
                    continue;
                }
                let Some(item) = self.heap.get(id, key).cloned() else { continue };
                let base = self.facts.len();
                let value = self.wait(&item);
                let mut facts: Ids = self.facts.get(base..).unwrap_or(&[]).into();
                facts.sort_unstable();
                self.facts.truncate(base);
                all = Some(match all {
                    None => facts,
                    Some(known) if every => {
                        let mut known = known;
                        unite(&mut known, &facts);
                        known
                    }
                    Some(known) => intersect(&known, &facts),
                });
                let value = if path == "Promise.allSettled" {
                    let object = self.heap.alloc(Kind::Plain, site.place);
                    let (value_key, status) = (self.known("value"), self.known("status"));
                    self.heap.set(object, value_key, Some(value));
                    self.heap.set(object, status, Some(Value::any()));
                    Value::object(object)
                } else {
                    value
                };
                any.join(&value);
                self.heap.set(array, key, Some(value));
            }
        }
        let facts = if path == "Promise.allSettled" { Ids::new() } else { all.unwrap_or_default() };
        let value = if matches!(path, "Promise.race" | "Promise.any") { any } else { Value::object(array) };
        self.fulfil(promise, value, &facts);
        Value::object(promise)
    }
}
