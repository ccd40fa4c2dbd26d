//! Methods of lists, and of the functions that they are handed.

use crate::flow::builtins::texts::is_sign;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::operators::constant_texts;
use crate::flow::machine::{Machine, Site, name};
use crate::flow::value::{FALSE, Ids, NUMBER, ObjId, TRUE, UNDEFINED, Value, concat, unite};
use crate::model::ir::Name;

/// Longest array of known items that is joined or reversed item by item.
pub(super) const MAX_JOINED: usize = 32;

/// Longest list for whose items a function makes different things, where it may not be called with them.
const MAX_TURNS: usize = 4;

/// Longest list whose items keep their places when some come or go.
const MAX_KNOWN: usize = 12;

impl<'a> Machine<'a> {
    /// A list with one kind of item.
    pub fn list_of(&mut self, item: Value, site: &Site) -> Value {
        let array = self.make_at(site.place, 26, Kind::Array);
        if !item.is_none() {
            self.heap.set(array, ITEM, Some(item));
        }
        Value::object(array)
    }

    pub fn spread(&mut self, list: &Value) -> Vec<Value> {
        let mut out = Vec::new();
        for index in 0..16 {
            let key = self.index_sym(index);
            let mut item = Value::default();
            for &object in &list.objects {
                if let Some(value) = self.heap.get(object, key).cloned() {
                    item.join(&value);
                }
            }
            if item.is_none() {
                break;
            }
            out.push(item);
        }
        if out.is_empty() {
            let item = self.items_of(list);
            if !item.is_none() {
                out.push(item);
            }
        }
        out
    }

    pub fn call_back(&mut self, callback: &Value, args: Vec<Value>, site: &Site) -> Value {
        let inner = self.inner_site(site);
        let callback = callback.clone();
        self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), args, &inner))
    }

    pub(super) fn array_method(
        &mut self,
        base: &Value,
        method: &str,
        args: &[Value],
        site: &Site,
        known: bool,
    ) -> Option<Value> {
        let first = || args.first().cloned().unwrap_or_else(Value::undefined);
        Some(match method {
            "forEach" | "map" | "filter" | "some" | "every" | "find" | "findIndex" | "findLast" | "findLastIndex"
            | "flatMap" | "sort" => {
                let callback = first();
                if callback.objects.is_empty() && !known {
                    return None;
                }
                let item = self.items_of(base);
                if item.is_none() && known {
                    return Some(if matches!(method, "map" | "filter" | "sort") {
                        base.clone()
                    } else {
                        Value::undefined()
                    });
                }
                let item = if item.is_none() { Value::any() } else { item };
                let index = Value { bits: NUMBER, ..Value::default() };
                let call_args = if method == "sort" {
                    vec![item.clone(), item.clone()]
                } else {
                    vec![item.clone(), index, base.clone()]
                };
                let this = args.get(1).cloned().unwrap_or_else(Value::undefined);
                let inner = self.inner_site(site);
                // Items of a short known list keep apart.
                let singles = self.single_items(base);
                // … and of a list that is known to have just these, it is called with each for certain.
                let certain = method != "sort"
                    && callback.bits == 0
                    && callback.objects.len() == 1
                    && self.known_list(base).is_some();
                let each = |machine: &mut Self, call_args: Vec<Value>| {
                    if certain {
                        let base = machine.facts.len();
                        let answer = machine.call(&callback, &this, call_args, &inner);
                        machine.facts.truncate(base);
                        return answer;
                    }
                    machine.perhaps(&[], |machine| machine.call(&callback, &this, call_args, &inner))
                };
                let mut apart = None;
                if method != "sort" && (1..=8).contains(&singles.len()) {
                    apart = self.split(singles.len(), |machine| {
                        let answer = |(index, item): (usize, &Value)| {
                            let outer = machine.context;
                            // What one call makes is not what the next one makes.
                            if certain || singles.len() <= MAX_TURNS {
                                machine.turn(index);
                            }
                            let answer = each(machine, vec![item.clone(), Value::number(index as f64), base.clone()]);
                            machine.context = outer;
                            answer
                        };
                        singles.iter().enumerate().map(answer).collect::<Vec<Value>>()
                    });
                }
                if let Some(answers) = &apart
                    && let Some(answer) = self.picked(method, &singles, answers, site)
                {
                    return Some(answer);
                }
                let one_of = apart.as_deref().map(|answers| self.one_of(answers)).unwrap_or_default();
                let answer = match apart {
                    Some(answers) => answers.iter().fold(Value::default(), |all, answer| all.joined(answer)),
                    None => each(self, call_args),
                };
                match method {
                    "map" => self.list_of(answer, site),
                    "flatMap" => {
                        let mut inner = self.items_of(&answer);
                        inner.join(&answer);
                        self.list_of(inner, site)
                    }
                    "filter" => self.list_of(item, site),
                    "sort" => base.clone(),
                    "find" | "findLast" => {
                        let mut item = item;
                        item.bits |= UNDEFINED;
                        item
                    }
                    "some" => {
                        let mut held = answer.yes;
                        unite(&mut held, &one_of);
                        Value::either().when(held, Ids::new())
                    }
                    "every" => Value::either().when(answer.yes, Ids::new()),
                    "findIndex" | "findLastIndex" => Value { bits: NUMBER, ..Value::default() },
                    _ => Value::undefined(),
                }
            }
            "reduce" | "reduceRight" => {
                let callback = first();
                let item = self.items_of(base);
                // A short known list is gone through in its order.
                let mut singles = self.single_items(base);
                if method == "reduceRight" {
                    singles.reverse();
                }
                if (1..=8).contains(&singles.len()) {
                    let mut items = singles.into_iter();
                    let mut total = match args.get(1) {
                        Some(first) => first.clone(),
                        None => items.next().unwrap_or_default(),
                    };
                    let outer = self.context;
                    for (index, item) in items.enumerate() {
                        // What one call makes is not what the next one makes of it.
                        self.turn(index);
                        let inner = self.inner_site(site);
                        let call_args = vec![total, item, Value { bits: NUMBER, ..Value::default() }, base.clone()];
                        total = self.call(&callback, &Value::undefined(), call_args, &inner);
                        self.context = outer;
                    }
                    return Some(total);
                }
                let mut total = args.get(1).cloned().unwrap_or_else(|| item.clone());
                let inner = self.inner_site(site);
                let mut pass = |machine: &mut Self| {
                    let index = Value { bits: NUMBER, ..Value::default() };
                    let call_args = vec![total.clone(), item.clone(), index, base.clone()];
                    let answer =
                        machine.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), call_args, &inner));
                    total.join(&answer);
                };
                let twice = self.split(2, |machine| {
                    pass(machine);
                    pass(machine);
                });
                if twice.is_none() {
                    pass(self);
                }
                total
            }
            "push" | "unshift" | "shift" | "pop" if known && self.known_list(base).is_some() => {
                let mut items = self.known_list(base).unwrap_or_default();
                let args = args.iter().map(|arg| {
                    if arg.taints.is_empty() {
                        arg.clone()
                    } else {
                        self.stepped(arg.clone(), site.place, "stored-in", &name(method))
                    }
                });
                let given = match method {
                    "push" => {
                        items.extend(args);
                        None
                    }
                    "unshift" => {
                        items = args.chain(items).collect();
                        None
                    }
                    "pop" => Some(items.pop()),
                    _ if items.is_empty() => Some(None),
                    _ => Some(Some(items.remove(0))),
                };
                let length = Value::number(items.len() as f64);
                self.refill(base, items);
                match given {
                    Some(item) => item.unwrap_or_else(Value::undefined),
                    None => length,
                }
            }
            "push" | "unshift" if known => {
                for &object in &base.objects {
                    for arg in args {
                        let arg = if arg.taints.is_empty() {
                            arg.clone()
                        } else {
                            self.stepped(arg.clone(), site.place, "stored-in", &name(method))
                        };
                        self.heap.add(object, ITEM, &arg);
                    }
                    self.grown(object, None);
                }
                Value { bits: NUMBER, ..Value::default() }
            }
            "push" | "unshift" => {
                for &object in &base.objects {
                    if let Kind::External { module, .. } = self.heap.kind(object)
                        && module.is_empty()
                    {
                        // `webpackJsonp.push` and queues of analytics scripts.
                        return self.queue_push(args, site);
                    }
                }
                return None;
            }
            "splice" if known => {
                for &object in &base.objects {
                    for arg in args.iter().skip(2) {
                        self.heap.add(object, ITEM, arg);
                    }
                    self.grown(object, None);
                }
                let item = self.items_of(base);
                self.list_of(item, site)
            }
            // An iterator.
            "next" if known => {
                let mut value = self.items_of(base);
                value.bits |= UNDEFINED;
                let object = self.make_at(site.place, 31, Kind::Plain);
                let (value_key, done_key) = (self.known("value"), self.known("done"));
                self.heap.set(object, value_key, Some(value));
                self.heap.set(object, done_key, Some(Value::either()));
                Value::object(object)
            }
            "entries" if known => {
                let singles = self.single_items(base);
                if singles.is_empty() {
                    let item = self.items_of(base);
                    let index = Value { bits: NUMBER, ..Value::default() };
                    let pair = self.pair(site.place, 0, index, item);
                    return Some(self.list_of(pair, site));
                }
                let mut pairs = Vec::new();
                for (index, item) in singles.into_iter().enumerate() {
                    pairs.push(self.pair(site.place, index as u64 + 1, Value::number(index as f64), item));
                }
                self.list_from(pairs, site)
            }
            "pop" | "at" | "slice" | "reverse" | "toReversed" if known && self.top_of_stack(base).is_some() => {
                self.some_of_stack(base, method, args, site)
            }
            "pop" | "shift" | "at" if known => {
                let mut item = self.items_of(base);
                item.bits |= UNDEFINED;
                item
            }
            "concat" if known => {
                if let Some(all) = self.known_concat(base, args) {
                    return Some(self.list_from(all, site));
                }
                let mut item = self.items_of(base);
                for arg in args {
                    let array = arg.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array));
                    let more = if array { self.items_of(arg) } else { arg.clone() };
                    item.join(&more);
                }
                self.list_of(item, site)
            }
            "reverse" if (2..=MAX_JOINED).contains(&self.listed(base, MAX_JOINED + 1).len()) => {
                let array = self.make_at(site.place, 97, Kind::Array);
                for (index, item) in self.listed(base, MAX_JOINED).into_iter().rev().enumerate() {
                    let key = self.index_sym(index);
                    self.heap.set(array, key, Some(item));
                }
                Value::object(array)
            }
            "slice" | "reverse" | "flat" | "fill" | "copyWithin" | "values" | "toReversed" | "toSorted"
            | "toSpliced" | "with"
                if known =>
            {
                let mut item = self.items_of(base);
                if method == "flat" {
                    let inner = self.items_of(&item);
                    if !inner.is_none() {
                        item = inner;
                    }
                }
                if method == "fill" {
                    item.join(&first());
                    for &object in &base.objects {
                        self.heap.add(object, ITEM, &first());
                    }
                    return Some(base.clone());
                }
                for arg in args.iter().skip(if method == "with" { 1 } else { 2 }) {
                    item.join(arg);
                }
                self.list_of(item, site)
            }
            "keys" if known => self.list_of(Value { bits: NUMBER, ..Value::default() }, site),
            "join" | "toString" if known => {
                let singles = self.listed(base, MAX_JOINED + 1);
                let separator = args.first().cloned().unwrap_or_else(|| Value::string(",".into(), None));
                if (1..=MAX_JOINED).contains(&singles.len()) {
                    let mut out: Option<Value> = None;
                    for item in singles {
                        out = Some(match out {
                            None => concat(&Value::string("".into(), None), &item),
                            Some(text) => {
                                let text = concat(&text, &separator);
                                concat(&text, &item)
                            }
                        });
                    }
                    return out;
                }
                let item = self.items_of(base);
                let mut out = Value::any();
                out.taints = item.shallow_taints();
                out.origins = item.all_origins();
                // Some characters of it were taken for signs.
                if !out.taints.is_empty() && item.texts().any(|text| is_sign(text)) {
                    let parts = self.map_taints(&out.taints.clone(), |_, taint| taint.partial = true);
                    out.taints = self.masked_parts(&parts);
                }
                out
            }
            "includes" | "indexOf" | "lastIndexOf" if known => {
                if let Some(answer) = self.found_in(base, method, args) {
                    return Some(answer);
                }
                let item = self.items_of(base);
                let bits = if method == "includes" { TRUE | FALSE } else { NUMBER };
                // What is on a list of known texts was compared with them.
                let with = item.texts().next().cloned();
                let (mut yes, mut no) = (Ids::new(), Ids::new());
                if with.is_some()
                    && let Some(sought) = args.first()
                {
                    (yes, no) = self.tested(sought, with, site.place.file, site.place.span);
                }
                unite(&mut yes, &base.yes);
                unite(&mut yes, &item.yes);
                Value { bits, ..Value::default() }.when(yes, no)
            }
            _ => return None,
        })
    }

    /// Whether a constant is among constants, where that can be told.
    fn found_in(&mut self, list: &Value, method: &str, args: &[Value]) -> Option<Value> {
        let items = self.single_items(list);
        let sought = constant_texts(args.first()?)?;
        let all: Vec<Vec<&Name>> = items.iter().map(constant_texts).collect::<Option<_>>()?;
        if all.is_empty() || args.len() != 1 {
            return None;
        }
        if !all.iter().flatten().any(|item| sought.contains(item)) {
            return Some(if method == "includes" { Value::bool(false) } else { Value::number(-1.0) });
        }
        let [one] = sought.as_slice() else { return None };
        let at = all.iter().position(|item| item.as_slice() == [*one])?;
        let first = all[..at].iter().all(|item| !item.contains(one));
        match method {
            "includes" => Some(Value::bool(true)),
            "indexOf" if first => Some(Value::number(at as f64)),
            _ => None,
        }
    }

    /// The first items of an array whose places are all known.
    /// Notes that a list got an item at a place, or may have got or lost some.
    pub fn grown(&mut self, list: ObjId, at: Option<usize>) {
        let key = self.known("length");
        let known = self.heap.get(list, key).filter(|length| length.bits == 0).and_then(|length| length.number);
        let length = match (known.map(f64::from_bits), at) {
            (Some(length), Some(at)) if (at as f64) < length => return,
            (Some(length), Some(at)) if at as f64 == length => Value::number(length + 1.0),
            _ => Value { bits: NUMBER, ..Value::default() },
        };
        self.heap.set(list, key, Some(length));
    }

    /// The items of a list of known length.
    fn known_list(&mut self, list: &Value) -> Option<Vec<Value>> {
        let [object] = list.objects.as_slice() else { return None };
        let length = self.known("length");
        let length = self.heap.get(*object, length)?;
        if !matches!(self.heap.kind(*object), Kind::Array)
            || list.is_any()
            || length.bits != 0
            || self.heap.get(*object, ITEM).is_some()
        {
            return None;
        }
        let length = f64::from_bits(length.number?) as usize;
        if length > MAX_KNOWN {
            return None;
        }
        (0..length)
            .map(|index| {
                let key = self.index_sym(index);
                self.heap.get(*object, key).cloned()
            })
            .collect()
    }

    /// Replaces the items of a list of known length.
    fn refill(&mut self, list: &Value, items: Vec<Value>) {
        let [object] = list.objects.as_slice() else { return };
        let length = self.known("length");
        for key in self.heap.keys(*object) {
            if self.is_item(key) {
                self.heap.set(*object, key, None);
            }
        }
        self.heap.set(*object, length, Some(Value::number(items.len() as f64)));
        for (index, item) in items.into_iter().enumerate() {
            let key = self.index_sym(index);
            self.heap.set(*object, key, Some(item));
        }
    }

    fn listed(&mut self, list: &Value, most: usize) -> Vec<Value> {
        let [object] = list.objects.as_slice() else { return Vec::new() };
        if self.heap.get(*object, ITEM).is_some() || list.is_any() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for index in 0..most {
            let key = self.index_sym(index);
            match self.heap.get(*object, key) {
                Some(value) => out.push(value.clone()),
                None => break,
            }
        }
        out
    }
}
