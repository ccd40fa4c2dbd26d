//! Maps, sets, lists whose items are known one by one, and what iterating gives.

use super::heap::{ITEM, Kind};
use super::machine::{Keys, Machine, Site};
use super::solution::{Fact, Origin, Place};
use super::value::{Ids, NUMBER, ObjId, Sym, UNDEFINED, Value, unite};

/// Most items that a list keeps apart when a function of the language makes it.
const MAX_APART: usize = 12;

impl<'a> Machine<'a> {
    // ---- lists ----

    /// A list with these items, in order.
    pub fn list_from(&mut self, items: Vec<Value>, site: &Site) -> Value {
        let array = self.make_at(site.place, 26, Kind::Array);
        let length = self.known("length");
        self.heap.set(array, length, Some(Value::number(items.len() as f64)));
        for (index, item) in items.into_iter().enumerate() {
            let key = self.index_sym(index);
            self.heap.set(array, key, Some(item));
        }
        Value::object(array)
    }

    /// Items of a list or entries of a map, when all their places are known.
    pub fn single_items(&mut self, list: &Value) -> Vec<Value> {
        let [object] = list.objects.as_slice() else { return self.place_by_place(list) };
        if self.heap.get(*object, ITEM).is_some() || list.is_any() {
            return Vec::new();
        }
        if matches!(self.heap.kind(*object), Kind::Map) {
            return self.pairs(*object);
        }
        let mut out = Vec::new();
        for index in 0..MAX_APART {
            let key = self.index_sym(index);
            match self.heap.get(*object, key) {
                Some(value) => out.push(value.clone()),
                None => break,
            }
        }
        // A longer list is none of which all items are given here.
        let next = self.index_sym(MAX_APART);
        if out.len() == MAX_APART && self.heap.get(*object, next).is_some() { Vec::new() } else { out }
    }

    /// Items of one of several lists that are as long as each other, when all their places are known.
    fn place_by_place(&mut self, lists: &Value) -> Vec<Value> {
        const MOST: usize = 3;
        if lists.objects.len() < 2 || lists.objects.len() > MOST || lists.is_any() {
            return Vec::new();
        }
        let mut out: Vec<Value> = Vec::new();
        for (at, &list) in lists.objects.iter().enumerate() {
            if !matches!(self.heap.kind(list), Kind::Array) {
                return Vec::new();
            }
            let items = self.single_items(&Value::object(list));
            if items.is_empty() || at > 0 && items.len() != out.len() {
                return Vec::new();
            }
            if at == 0 {
                out = items;
            } else {
                out.iter_mut().zip(&items).for_each(|(known, item)| known.join(item));
            }
        }
        out
    }

    /// Items of any of several lists, when all their places are known.
    pub fn each_single(&mut self, lists: &Value) -> Vec<Value> {
        const MOST: usize = 3;
        if lists.objects.len() < 2 || lists.objects.len() > MOST || lists.is_any() {
            return self.single_items(lists);
        }
        let mut out: Vec<Value> = Vec::new();
        for &list in &lists.objects {
            let items = self.single_items(&Value::object(list));
            if items.is_empty() {
                return Vec::new();
            }
            for item in items {
                if !out.contains(&item) {
                    out.push(item);
                }
            }
        }
        out
    }

    /// Names and values of an object whose fields are all known.
    pub fn known_fields(&mut self, value: &Value) -> Option<Vec<(Sym, Value)>> {
        self.fields_apart(value).filter(|fields| fields.iter().all(|(key, _)| *key != ITEM))
    }

    /// A list of what the fields of an object become; where others than those known may be there, they are one more, and how many
    /// there are is not known.
    pub fn list_of_fields(
        &mut self,
        object: &Value,
        site: &Site,
        mut each: impl FnMut(&mut Self, Sym, Value) -> Value,
    ) -> Option<Value> {
        let fields = self.fields_apart(object)?;
        let open = fields.iter().any(|(key, _)| *key == ITEM);
        let items = fields.into_iter().map(|(key, value)| each(self, key, value)).collect();
        let list = self.list_from(items, site);
        if open {
            let length = self.known("length");
            for &object in &list.objects {
                self.heap.set(object, length, Some(Value { bits: NUMBER, ..Value::default() }));
            }
        }
        Some(list)
    }

    /// Names and values of the fields of an object, those of unknown names as one.
    fn fields_apart(&mut self, value: &Value) -> Option<Vec<(Sym, Value)>> {
        let [object] = value.objects.as_slice() else { return None };
        if value.is_any() && !(value.taints.is_empty() && value.origins.is_empty())
            || !matches!(self.heap.kind(*object), Kind::Plain)
            || !self.heap.objects[*object as usize].getters.is_empty()
        {
            return None;
        }
        let keys = self.heap.keys(*object);
        if keys.iter().all(|key| *key == ITEM) || keys.len() > MAX_APART {
            return None;
        }
        let mut out = Vec::new();
        if value.is_any() && !keys.contains(&ITEM) {
            out.push((ITEM, Value::any()));
        }
        for key in keys {
            if !self.spell(key).starts_with("[[")
                && let Some(value) = self.heap.get(*object, key).cloned()
            {
                out.push((key, value));
            }
        }
        Some(out)
    }

    /// `[key, value]`; pairs of one place are told apart by `which`.
    pub fn pair(&mut self, place: Place, which: u64, key: Value, value: Value) -> Value {
        let outer = self.context;
        self.context ^= which.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let pair = self.make_at(place, 23, Kind::Array);
        self.context = outer;
        let (zero, one) = (self.index_sym(0), self.index_sym(1));
        self.heap.set(pair, zero, Some(key));
        self.heap.set(pair, one, Some(value));
        Value::object(pair)
    }

    /// What `Array.from` makes of something.
    pub fn list_copy(&mut self, from: &Value, site: &Site) -> Value {
        let from = self.iterated(from, site.place);
        let singles = self.single_items(&from);
        if !singles.is_empty() {
            return self.list_from(singles, site);
        }
        let mut item = self.items_of(&from);
        if item.is_none() && !from.objects.is_empty() {
            // `{ length: 3 }`: items that are nothing yet.
            item = Value::undefined();
        }
        self.list_of(item, site)
    }

    /// `base.concat(…)` of lists whose items are known.
    pub fn known_concat(&mut self, base: &Value, args: &[Value]) -> Option<Vec<Value>> {
        let mut all = self.single_items(base);
        if all.is_empty() {
            return None;
        }
        for arg in args {
            let list = arg.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array));
            if !list {
                all.push(arg.clone());
                continue;
            }
            let more = self.single_items(arg);
            if more.is_empty() {
                return None;
            }
            all.extend(more);
        }
        (all.len() <= MAX_APART).then_some(all)
    }

    /// What `map`, `filter` and `find` give for known items; `None` where that is not known exactly.
    pub fn picked(&mut self, method: &str, items: &[Value], answers: &[Value], site: &Site) -> Option<Value> {
        match method {
            "map" => Some(self.list_from(answers.to_vec(), site)),
            "filter" => {
                let kept: Vec<Value> = items
                    .iter()
                    .zip(answers)
                    .filter(|(_, answer)| answer.may_true())
                    .map(|(item, _)| item.clone())
                    .collect();
                if answers.iter().all(|answer| answer.may_true() != answer.may_false()) {
                    return Some(self.list_from(kept, site));
                }
                let item = kept.iter().fold(Value::default(), |all, item| all.joined(item));
                Some(self.list_of(item, site))
            }
            "find" | "findLast" => {
                let mut out = Value::default();
                let mut order: Vec<usize> = (0..items.len()).collect();
                if method == "findLast" {
                    order.reverse();
                }
                for at in order {
                    if answers[at].may_true() {
                        out.join(&items[at]);
                    }
                    if !answers[at].may_false() {
                        return Some(out);
                    }
                }
                out.bits |= UNDEFINED;
                Some(out)
            }
            _ => None,
        }
    }

    /// What a test of one value against each item of a list proves where some item passes: that it was tested.
    pub fn one_of(&self, answers: &[Value]) -> Ids {
        let outside = |id: &u32| {
            matches!(
                self.fact_table[*id as usize],
                Fact::Tested {
                    origin: Origin::Query(_) | Origin::Scan | Origin::Remote(_) | Origin::Launch(_) | Origin::Input,
                    with: Some(_),
                    ..
                }
            )
        };
        let mut out = Ids::new();
        for answer in answers {
            let tests: Ids = answer.yes.iter().copied().filter(outside).collect();
            if tests.is_empty() {
                return Ids::new();
            }
            unite(&mut out, &tests);
        }
        out
    }

    /// An object made of pairs.
    pub fn object_of_entries(&mut self, pairs: &Value, site: &Site) -> Value {
        let pairs = self.iterated(pairs, site.place);
        let object = self.make_at(site.place, 24, Kind::Plain);
        let (zero, one) = (self.index_sym(0), self.index_sym(1));
        let item = self.items_of(&pairs);
        for &pair in &item.objects {
            let pair = Value::object(pair);
            let label = self.field(&pair, &Keys::one(zero), site.place);
            let value = self.field(&pair, &Keys::one(one), site.place);
            let keys = self.keys_from(&label);
            if keys.0.is_empty() {
                self.heap.add(object, ITEM, &value);
            }
            for key in keys.0 {
                let name = self.spell(key);
                let value = self.typed_by_key(value.clone(), &name, site.place);
                self.heap.add(object, key, &value);
            }
        }
        let rest = Value { objects: Ids::new(), ..item };
        if rest.is_any() {
            self.heap.add(object, ITEM, &rest);
        }
        Value::object(object)
    }

    // ---- iteration ----

    /// What iterating goes over: an object with an iterator of its own is taken for the list that the iterator gives.
    pub fn iterated(&mut self, value: &Value, place: Place) -> Value {
        let own = |machine: &Self, id: ObjId| matches!(machine.heap.kind(id), Kind::Plain | Kind::Map);
        if !value.objects.iter().any(|&id| own(self, id)) {
            return value.clone();
        }
        let iterator = self.known("@@iterator");
        let mut out = value.clone();
        for &id in &value.objects {
            if matches!(self.heap.kind(id), Kind::Map) {
                // Places of a map's entries are those of a list.
                let pairs = self.pairs(id);
                if pairs.is_empty() {
                    continue;
                }
                let apart = self.heap.get(id, ITEM).is_none() && pairs.len() <= MAX_APART;
                let site = Site::at(place);
                let list = if apart {
                    self.list_from(pairs, &site)
                } else {
                    let item = pairs.iter().fold(Value::default(), |all, pair| all.joined(pair));
                    self.list_of(item, &site)
                };
                out.objects.retain(|other| *other != id);
                unite(&mut out.objects, &list.objects);
                continue;
            }
            if !matches!(self.heap.kind(id), Kind::Plain) {
                continue;
            }
            let this = Value::object(id);
            let method = self.field(&this, &Keys::one(iterator), place);
            let functions: Ids = method
                .objects
                .iter()
                .copied()
                .filter(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
                .collect();
            if functions.is_empty() {
                continue;
            }
            let site = Site::at(place);
            let target = Value { objects: functions, ..Value::default() };
            let answer = self.call(&target, &this, Vec::new(), &site);
            let next = self.known("next");
            let step = self.field(&answer, &Keys::one(next), place);
            out.objects.retain(|other| *other != id);
            if step.objects.is_empty() {
                unite(&mut out.objects, &answer.objects);
                continue;
            }
            let step = Value { objects: step.objects, ..Value::default() };
            let result = self.call(&step, &answer, Vec::new(), &site);
            let value_key = self.known("value");
            let item = self.field(&result, &Keys::one(value_key), place);
            let list = self.list_of(item, &site);
            unite(&mut out.objects, &list.objects);
        }
        out
    }

    // ---- maps and sets ----

    /// `new Map(list)`, `new Set(list)`.
    pub fn new_collection(&mut self, map: bool, from: Option<&Value>, site: &Site) -> Value {
        let id = self.make_at(site.place, 22, if map { Kind::Map } else { Kind::Set });
        let Some(from) = from else { return Value::object(id) };
        let from = self.iterated(from, site.place);
        if !map {
            let item = self.items_of(&from);
            if !item.is_none() {
                self.heap.add(id, ITEM, &item);
            }
            return Value::object(id);
        }
        let (zero, one) = (self.index_sym(0), self.index_sym(1));
        let mut entries = self.single_items(&from);
        if entries.is_empty() {
            entries = self.items_of(&from).objects.into_iter().map(Value::object).collect();
        }
        for entry in entries {
            let key = self.field(&entry, &Keys::one(zero), site.place);
            let value = self.field(&entry, &Keys::one(one), site.place);
            self.map_set(id, &key, value, site.place);
        }
        Value::object(id)
    }

    /// `new URLSearchParams(…)`: names and values, as text when it is asked for.
    pub fn new_parameters(&mut self, from: Option<&Value>, site: &Site) -> Value {
        let id = self.make_at(site.place, 22, Kind::Map);
        let Some(from) = from else { return Value::object(id) };
        if let Some(fields) = self.known_fields(from) {
            for (key, value) in fields {
                let label = Value::string(self.spell(key), None);
                self.map_set(id, &label, value, site.place);
            }
            return Value::object(id);
        }
        if from.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array | Kind::Map)) {
            let map = self.new_collection(true, Some(from), site);
            return map;
        }
        let taints = self.deep_taints(from, 3);
        if !taints.is_empty() || from.is_any() {
            let value = Value { taints, ..Value::any() };
            self.heap.add(id, ITEM, &value);
        }
        Value::object(id)
    }

    /// `name=value&…` of parameters.
    fn parameters_text(&mut self, id: ObjId) -> Value {
        let (zero, one) = (self.index_sym(0), self.index_sym(1));
        let place = self.heap.objects[id as usize].place;
        let mut out = Value::string("".into(), None);
        for (index, pair) in self.pairs(id).into_iter().enumerate() {
            let label = self.field(&pair, &Keys::one(zero), place);
            let value = self.field(&pair, &Keys::one(one), place);
            for part in [
                Value::string(if index == 0 { "" } else { "&" }.into(), None),
                label,
                Value::string("=".into(), None),
                value,
            ] {
                out = super::value::concat(&out, &part);
            }
        }
        out
    }

    fn map_set(&mut self, id: ObjId, key: &Value, value: Value, place: Place) {
        let keys = self.keys_from(key);
        match keys.0.as_slice() {
            [one] => {
                let name = self.spell(*one);
                let value = self.typed_by_key(value, &name, place);
                let value =
                    if value.taints.is_empty() { value } else { self.stepped(value, place, "stored-in", &name) };
                self.heap.set(id, *one, Some(value));
            }
            _ => {
                let labels = self.known("[[keys]]");
                self.heap.add(id, labels, key);
                self.heap.add(id, ITEM, &value);
            }
        }
    }

    /// Entries of a map: one pair a known key, and one for all others.
    pub fn pairs(&mut self, id: ObjId) -> Vec<Value> {
        let place = self.heap.objects[id as usize].place;
        let labels = self.known("[[keys]]");
        let mut out = Vec::new();
        for key in self.heap.keys(id) {
            if key == labels {
                continue;
            }
            let Some(value) = self.heap.get(id, key).cloned() else { continue };
            let label = if key == ITEM {
                self.heap.get(id, labels).cloned().unwrap_or_else(Value::any)
            } else {
                Value::string(self.spell(key), None)
            };
            out.push(self.pair(place, u64::from(id) << 32 | (u64::from(key) + 1), label, value));
        }
        out
    }

    /// Values of a map, items of a set.
    fn values_in(&mut self, id: ObjId) -> Value {
        let labels = self.known("[[keys]]");
        let mut out = Value::default();
        for key in self.heap.keys(id) {
            if key != labels
                && let Some(value) = self.heap.get(id, key).cloned()
            {
                out.join(&value);
            }
        }
        out
    }

    pub fn map_method(&mut self, id: ObjId, method: &str, args: &[Value], site: &Site) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_default();
        let map = matches!(self.heap.kind(id), Kind::Map);
        Some(match method {
            "set" => {
                self.map_set(id, &first, args.get(1).cloned().unwrap_or_default(), site.place);
                Value::object(id)
            }
            "append" if map => {
                self.map_set(id, &first, args.get(1).cloned().unwrap_or_default(), site.place);
                Value::undefined()
            }
            "toString" if map => self.parameters_text(id),
            "add" => {
                self.heap.add(id, ITEM, &first);
                Value::object(id)
            }
            "get" => {
                let keys = self.keys_from(&first);
                let mut out = Value::default();
                for &key in &keys.0 {
                    match self.heap.get(id, key).cloned() {
                        Some(value) => out.join(&value),
                        None => out.bits |= UNDEFINED,
                    }
                }
                if keys.0.is_empty() {
                    out = self.values_in(id);
                    out.bits |= UNDEFINED;
                } else if let Some(item) = self.heap.get(id, ITEM).cloned() {
                    out.join(&item);
                }
                out
            }
            "has" => {
                let value = self.values_in(id);
                Value::either().when(value.yes, Ids::new())
            }
            "delete" => {
                let keys = self.keys_from(&first);
                if let [one] = keys.0.as_slice() {
                    self.heap.set(id, *one, None);
                }
                Value::bool(true)
            }
            "clear" => {
                self.heap.clear(id);
                Value::undefined()
            }
            "forEach" => {
                let inner = Site { place: site.place, args: Vec::new(), name: site.name.clone(), used: true };
                let this = args.get(1).cloned().unwrap_or_else(Value::undefined);
                let entries: Vec<(Value, Value)> = if map {
                    let (zero, one) = (self.index_sym(0), self.index_sym(1));
                    let pairs = self.pairs(id);
                    pairs
                        .into_iter()
                        .map(|pair| {
                            let key = self.field(&pair, &Keys::one(zero), site.place);
                            (key, self.field(&pair, &Keys::one(one), site.place))
                        })
                        .collect()
                } else {
                    let item = self.values_in(id);
                    vec![(item.clone(), item)]
                };
                let whole = |entries: &[(Value, Value)]| {
                    entries.iter().fold((Value::default(), Value::default()), |(keys, values), (key, value)| {
                        (keys.joined(key), values.joined(value))
                    })
                };
                let run = |machine: &mut Self, (key, value): (Value, Value)| {
                    let args = vec![value, key, Value::object(id)];
                    machine.perhaps(&[], |machine| machine.call(&first, &this, args, &inner));
                };
                if entries.is_empty() {
                    return Some(Value::undefined());
                }
                let done = self.split(entries.len().max(1), |machine| {
                    for entry in entries.clone() {
                        run(machine, entry);
                    }
                });
                if done.is_none() {
                    run(self, whole(&entries));
                }
                Value::undefined()
            }
            "keys" if map => {
                let labels = self.known("[[keys]]");
                let mut known = Vec::new();
                let mut others = self.heap.get(id, labels).cloned();
                for key in self.heap.keys(id) {
                    if key == ITEM {
                        others.get_or_insert_with(Value::any);
                    } else if key != labels {
                        known.push(Value::string(self.spell(key), None));
                    }
                }
                match others {
                    None if known.len() <= MAX_APART => self.list_from(known, site),
                    others => {
                        let all = known.iter().fold(others.unwrap_or_default(), |all, key| all.joined(key));
                        self.list_of(all, site)
                    }
                }
            }
            "values" | "keys" => {
                let item = self.values_in(id);
                self.list_of(item, site)
            }
            "entries" if map => {
                let pairs = self.pairs(id);
                if self.heap.get(id, ITEM).is_none() && pairs.len() <= MAX_APART {
                    return Some(self.list_from(pairs, site));
                }
                let item = pairs.iter().fold(Value::default(), |all, pair| all.joined(pair));
                self.list_of(item, site)
            }
            "entries" => {
                let item = self.values_in(id);
                let pair = self.pair(site.place, 0, item.clone(), item);
                self.list_of(pair, site)
            }
            _ => return None,
        })
    }

    // ---- descriptors ----

    /// `Object.defineProperty(target, key, descriptor)`.
    pub fn describe(&mut self, target: &Value, key: Sym, descriptor: &Value, place: Place) {
        let (value_key, get_key, set_key) = (self.known("value"), self.known("get"), self.known("set"));
        for &object in &target.objects {
            for &from in &descriptor.objects {
                if let Some(value) = self.heap.get(from, value_key).cloned() {
                    self.put(&Value::object(object), &Keys::one(key), value, place);
                }
                if let Some(getter) = self.heap.get(from, get_key).and_then(|v| v.objects.first().copied()) {
                    self.heap.objects[object as usize].getters.retain(|(name, _)| *name != key);
                    self.heap.objects[object as usize].getters.push((key, getter));
                }
                if let Some(setter) = self.heap.get(from, set_key).and_then(|v| v.objects.first().copied()) {
                    self.heap.objects[object as usize].setters.retain(|(name, _)| *name != key);
                    self.heap.objects[object as usize].setters.push((key, setter));
                }
            }
        }
    }

    /// Descriptors with a `key` of their own; `false` where one has none.
    pub fn describe_named(&mut self, target: &Value, descriptors: &Value, place: Place) -> bool {
        let key = self.known("key");
        let mut named = Vec::new();
        for &from in &descriptors.objects {
            let Some(label) = self.heap.get(from, key).and_then(|label| label.as_text().cloned()) else { return false };
            named.push((label, from));
        }
        for (label, from) in &named {
            let key = self.sym_of(label);
            self.describe(target, key, &Value::object(*from), place);
        }
        !named.is_empty()
    }

    /// `Object.defineProperties(target, descriptors)`.
    pub fn describe_all(&mut self, target: &Value, descriptors: &Value, place: Place) {
        for &from in &descriptors.objects {
            for key in self.heap.keys(from) {
                if let Some(descriptor) = self.heap.get(from, key).cloned() {
                    self.describe(target, key, &descriptor, place);
                }
            }
        }
    }
}
