//! Places that values are read from and put to: variables, patterns, fields and accessors.

use crate::flow::heap::{ITEM, Kind};
use crate::flow::host_calls::is_from_end;
use crate::flow::machine::{Act, HOME, Keys, Machine, Site, TRAP, Taint, key_span, key_span_of};
use crate::flow::solution::{Fact, Origin, Place, Protection};
use crate::flow::value::{NUMBER, ObjId, Sym, UNDEFINED, Value, number_text, unite};
use crate::model::ir::{Expr, ExprKind, FnId, Key, Name, Pattern, VarId};
use crate::source::Span;

/// Whether nothing is known of what a value holds.
fn opaque(value: &Value) -> bool {
    value.objects.is_empty() && value.is_any()
}

/// Whether a value is worth an object that keeps it.
fn tells(value: &Value) -> bool {
    !value.taints.is_empty() || !value.origins.is_empty() || !value.objects.is_empty() || !value.strings.is_empty()
}

/// Most names that a computed key is taken for inside libraries, which map one name to another; any more may be any.
const MAX_KEYS_LIBRARY: usize = 8;

impl<'a> Machine<'a> {
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

    pub(super) fn lexical(&self, act: &Act<'a>, key: Sym) -> Option<Value> {
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

    pub(super) fn variable(&mut self, act: &Act<'a>, var: VarId) -> Value {
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
            Pattern::Global(name, span) => {
                let globals = Value::object(self.globals);
                let key = self.sym_at(name);
                self.put(&globals, &Keys::one(key), value, Place { file: act.file, span: *span });
            }
            Pattern::Member(expr) => {
                if let ExprKind::Member { object, key, .. } = &expr.kind {
                    let base = self.eval(act, object);
                    let base = if opaque(&base) && tells(&value) { self.known_from(act, object, base) } else { base };
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
                            self.field(&value, &Keys::one(key), Place { file: act.file, span: Span::default() });
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

    /// Gives something of which nothing is known an object that keeps what is written into it, and puts that where `expr`
    /// finds it again.
    fn known_from(&mut self, act: &mut Act<'a>, expr: &'a Expr, value: Value) -> Value {
        let place = Place { file: act.file, span: expr.span };
        if !matches!(expr.kind, ExprKind::Var(_) | ExprKind::Member { .. }) {
            return value;
        }
        let object = self.make_at(place, 14, Kind::Plain);
        let mut known = value;
        unite(&mut known.objects, &[object]);
        match &expr.kind {
            ExprKind::Var(var) => {
                if let Some(owner) = act.script.and_then(|script| script.variables.get(*var as usize)).map(|v| v.owner)
                {
                    let frame = self.frame_of(act, owner);
                    self.heap.set(frame, *var, Some(known.clone()));
                }
            }
            ExprKind::Member { object, key, .. } => {
                let base = self.eval(act, object);
                let base = if opaque(&base) { self.known_from(act, object, base) } else { base };
                let keys = self.keys(act, key);
                if let [key] = keys.0.as_slice() {
                    for &holder in &base.objects {
                        if matches!(self.heap.kind(holder), Kind::Plain | Kind::Array | Kind::Unit(_)) {
                            self.heap.set(holder, *key, Some(known.clone()));
                        }
                    }
                }
            }
            _ => {}
        }
        known
    }

    /// Reads what a pattern stands for.
    pub(super) fn read(&mut self, act: &mut Act<'a>, pattern: &'a Pattern) -> Value {
        match pattern {
            Pattern::Var(var, _) => self.variable(act, *var),
            Pattern::Global(name, span) => self.global(act, name, *span),
            Pattern::Member(expr) => self.eval(act, expr),
            _ => Value::any(),
        }
    }

    pub fn keys(&mut self, act: &mut Act<'a>, key: &'a Key) -> Keys {
        match key {
            Key::Static(name, _) => Keys::one(self.sym_at(name)),
            Key::Computed(expr) => {
                let value = self.eval(act, expr);
                self.keys_from(&value)
            }
        }
    }

    pub fn keys_from(&mut self, value: &Value) -> Keys {
        if let Some(keys) = self.index_from_end(value) {
            return keys;
        }
        let mut out = Vec::new();
        let many = value.strings.len() > MAX_KEYS_LIBRARY && self.in_library();
        if many
            || value.is_any()
            || value.bits & NUMBER != 0
            || value.strings.iter().any(|text| text.complete().is_none())
        {
            return Keys::default();
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
        self.read_handed(&value, place);
        for &object in &base.objects {
            let kind = self.heap.kind(object).clone();
            let list = matches!(kind, Kind::Array);
            if keys.0.is_empty() {
                self.heap.add(object, ITEM, &value);
                if list {
                    self.grown(object, None);
                }
                continue;
            }
            for &key in &keys.0 {
                let name = self.spell(key);
                if list && self.is_item(key) {
                    self.grown(object, if strong { name.parse().ok() } else { None });
                }
                // What runtimes put in the place of the host's object is a copy of it.
                if matches!(kind, Kind::Global) && self.policy.hosts.by_namespace(&name).is_some() {
                    continue;
                }
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
                self.note_read(base, &name, place);
                value.taints = self.answer_field(base, &name, place);
                if value.taints.is_empty() {
                    value.taints = self.named_answer(base, &name, place);
                } else if name.parse::<u32>().is_ok() && base.objects.is_empty() {
                    // One character of a text.
                    let taints = std::mem::take(&mut value.taints);
                    value.taints = self.map_taints(&taints, |_, taint| taint.partial |= !taint.container);
                }
                value.origins = self.extend_origins(&base.origins, &name);
                value.yes = base.yes.clone();
                if name.parse::<u32>().is_err() && &*name != "*" && &*name != "value" && &*name != "checked" {
                    value.yes.clear();
                }
                self.tells_success(&mut value, &name, place);
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

    /// A field that says whether the answer is what was asked for proves that it is not, on one side.
    fn tells_success(&mut self, value: &mut Value, name: &Name, place: Place) {
        if value.origins.is_empty() {
            return;
        }
        let Some(with) = self.policy.privacy.truth_of_success(name) else { return };
        let remote = value.origins.iter().find_map(|&id| match &self.origin_table[id as usize] {
            origin @ Origin::Remote(_) => Some(origin.clone()),
            _ => None,
        });
        let Some(origin) = remote else { return };
        let failed = self.fact(Fact::Tested { origin, with: Some(with.into()), held: false, place });
        unite(if with == "true" { &mut value.no } else { &mut value.yes }, &[failed]);
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
                    if !self.forms.is_empty() && &*self.spell(key) == "value" {
                        self.read_form(&value, place);
                    }
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
            if is_from_end(&name) {
                let value = self.object_field(object, &Keys::default(), place);
                out.join(&value);
                continue;
            }
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
            if let Some(trap) = self.accessor(object, TRAP, true) {
                let this = Value::object(object);
                let asked = vec![this.clone(), Value::string(name, None), this.clone()];
                let value = self.call_object(trap, &this, asked, &Site::at(place));
                out.join(&value);
                continue;
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

    /// Who takes the values of a form as a whole takes every field in it.
    fn read_form(&mut self, value: &Value, place: Place) {
        for &object in &value.objects {
            if !self.forms.contains(&object) {
                continue;
            }
            for key in self.heap.keys(object) {
                if let Some(field) = self.heap.get(object, key).cloned() {
                    self.read_taints(&field, place);
                }
            }
        }
    }

    /// Who keeps what a host button hands over as a whole takes all that is in it.
    pub fn read_handed(&mut self, value: &Value, place: Place) {
        const DEPTH: usize = 3;
        if self.handed.is_empty() || !value.objects.iter().any(|id| self.handed.contains(id)) {
            return;
        }
        let taints = self.deep_taints(value, DEPTH);
        self.read_taints(&Value::tainted(taints), place);
    }

    /// Notes that a field of a collection is used; gives the collection.
    pub fn note_used(&mut self, taint: u32) -> usize {
        let Taint { collection, kind, .. } = &self.taints[taint as usize];
        let draft = &mut self.record.collections[*collection];
        draft.used = true;
        if !kind.is_empty() && !draft.read.contains(kind) {
            draft.read.insert(kind.clone());
        }
        *collection
    }

    /// Collections that stand where a value of theirs is read.
    fn read_taints(&mut self, value: &Value, place: Place) {
        for &taint in &value.taints {
            let collection = self.note_used(taint);
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
                if key != TRAP && !matches!(self.heap.kind(object), Kind::Frame { .. }) {
                    let place = self.heap.objects[object as usize].place;
                    let value = self.call_object(getter, &Value::object(object), Vec::new(), &Site::at(place));
                    self.heap.set(to, key, Some(value));
                }
            }
        }
        let mut rest = from.shallow_taints();
        if !from.objects.is_empty() {
            // What its text carries stands in the fields.
            let json = Protection::Encoded("JSON".into());
            rest.retain(|id| !self.taints[*id as usize].protections.contains(&json));
        }
        if !rest.is_empty() {
            self.heap.add(to, ITEM, &Value::tainted(rest));
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
        } else if !list.taints.is_empty() && list.objects.iter().all(|&id| matches!(self.heap.kind(id), Kind::Plain)) {
            // The characters of a text that an object was written to.
            out.join(&Value::tainted(list.shallow_taints()));
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
}
