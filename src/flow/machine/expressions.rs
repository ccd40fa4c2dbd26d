//! Expressions, in the order in which a script evaluates them.

use std::rc::Rc;

use crate::flow::heap::{Diff, ITEM, Kind};
use crate::flow::machine::{ARGUMENTS, Act, HOME, Jump, Keys, Machine, Site, THIS, key_span};
use crate::flow::solution::{Origin, Place};
use crate::flow::value::{ANY, FALSE, Ids, NULL, NUMBER, ObjId, Piece, Str, Strings, TRUE, UNDEFINED, Value, unite};
use crate::model::ir::{Expr, ExprKind, Key, Operator, Pattern, Property};

/// Functions of a list that are kept apart, at most.
const MOST_MODULES: usize = 4096;

impl<'a> Machine<'a> {
    pub(super) fn eval_unused(&mut self, act: &mut Act<'a>, expr: &'a Expr) {
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
                let source = self.known("source");
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
                    // The modules of a bundle stand under their places, however many there are.
                    let module = matches!(item.value.kind, ExprKind::Function(_)) && index < MOST_MODULES;
                    if open || index >= 64 && !module {
                        self.heap.add(array, ITEM, &value);
                    } else {
                        let key = self.index_sym(index);
                        self.heap.set(array, key, Some(value));
                    }
                    index += 1;
                }
                if !open {
                    let length = self.known("length");
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
                let parent = self.known("[[parent]]");
                self.field(&home, &Keys::one(parent), place)
            }
            ExprKind::Var(var) => self.variable(act, *var),
            ExprKind::Global(name) => self.global(act, name, expr.span),
            ExprKind::Arguments => self.lexical(act, ARGUMENTS).unwrap_or_else(Value::any),
            ExprKind::Member { object, key, .. } => {
                if matches!(object.kind, ExprKind::Super) {
                    return self.super_member(act, key, place);
                }
                let base = self.eval(act, object);
                let Key::Computed(index) = key else {
                    let keys = self.keys(act, key);
                    let mut out = self.field(&base, &keys, place);
                    // … and so does what one of a few records that was picked holds.
                    if let ExprKind::Member { key: Key::Computed(index), .. } = &object.kind
                        && out.objects.is_empty()
                        && !(out.strings.is_empty() && out.number.is_none() && out.bits & NUMBER == 0)
                        && matches!(index.kind, ExprKind::Var(_) | ExprKind::Member { key: Key::Static(..), .. })
                        && !self.in_library()
                    {
                        let index = self.eval(act, index);
                        let picked: Ids = index.taints.iter().copied().filter(|&id| self.is_picked(id)).collect();
                        unite(&mut out.taints, &picked);
                    }
                    return out;
                };
                let index = self.eval(act, index);
                if let Some(states) = self.states(&index) {
                    // `CHOICES[tapped]`: what is found tells which it was.
                    let mut out = Value::default();
                    for (state, facts) in states {
                        let mut found = self.field(&base, &Keys::one(state), place);
                        found.name_states(&facts, &self.heap.told);
                        if found.may_true() {
                            unite(&mut found.yes, &facts);
                        }
                        if found.may_false() {
                            unite(&mut found.no, &facts);
                        }
                        out.join(&found);
                    }
                    return out;
                }
                let keys = self.keys_from(&index);
                let mut out = self.field(&base, &keys, place);
                // A table of signs that is read by a value tells the value.
                if !index.taints.is_empty() && base.objects.is_empty() && !base.strings.is_empty() {
                    unite(&mut out.taints, &index.taints);
                }
                // Which of a few texts was picked tells what the user chose.
                if !index.taints.is_empty() && out.objects.is_empty() && !out.strings.is_empty() {
                    let picked: Ids = index.taints.iter().copied().filter(|&id| self.is_picked(id)).collect();
                    unite(&mut out.taints, &picked);
                }
                out
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
                out.origins = self.closest_origins(&value);
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
                if *operator == Operator::Add {
                    return value.into_number();
                }
                let mut out = match (operator, value.number) {
                    (Operator::Sub, Some(bits)) => Value::number(-f64::from_bits(bits)),
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
                self.choose(act, test, |machine, act| machine.eval(act, yes), |machine, act| machine.eval(act, no))
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
            ExprKind::Tagged(parts) => {
                let (tag, _, items) = &**parts;
                let callee = self.eval(act, tag);
                // The raw text says nothing.
                let mut args = vec![Value::any()];
                for item in items {
                    let value = self.eval(act, item);
                    args.push(value);
                }
                self.call(&callee, &Value::undefined(), args, &Site::at(place))
            }
            ExprKind::Jsx(parts) => {
                let (tag, properties, children) = &**parts;
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

    /// Whether a taint is of something known that the user put in.
    fn is_picked(&self, id: u32) -> bool {
        let taint = &self.taints[id as usize];
        !taint.kind.is_empty() && self.record.collections[taint.collection].input
    }

    /// `test ? yes : no`: what the arm that is taken gives, and what taking it proves.
    pub(super) fn choose(
        &mut self,
        act: &mut Act<'a>,
        test: &'a Expr,
        yes: impl FnOnce(&mut Self, &mut Act<'a>) -> Value,
        no: impl FnOnce(&mut Self, &mut Act<'a>) -> Value,
    ) -> Value {
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
                left = yes(machine, act);
                Jump::Next
            },
            |machine, act| {
                right = no(machine, act);
                Jump::Next
            },
            branch,
        );
        for (mut arm, facts) in [(left, yes_facts), (right, no_facts)] {
            arm.name_states(&facts, &self.heap.told);
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
                    self.branch_end(branch, (from, to, to), &Diff::default(), &Diff::default());
                }
                let mut held = value;
                if held.may_true() {
                    unite(&mut held.yes, &facts);
                }
                // There is nothing in an answer that is not there.
                let mut left = left.falsy();
                left.origins.retain(|id| !matches!(self.origin_table[*id as usize], Origin::Answer(_)));
                let origins = left.origins.clone();
                let mut out = left.joined(&held);
                // Where it is true, it is what stands on the right.
                if held.may_true() {
                    out.yes = held.yes;
                }
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
                let mut out = left.truthy().joined(&value);
                if value.may_false() {
                    out.no = value.no;
                }
                out
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

    /// The names of a property, also those of a path of which parts are not known (`'list[' + at + '].name'`), with a `*` for
    /// each.
    fn property_keys(&mut self, act: &mut Act<'a>, key: &'a Key) -> Keys {
        let Key::Computed(expr) = key else { return self.keys(act, key) };
        let value = self.eval(act, expr);
        self.path_keys(&value)
    }

    /// The same, of a value.
    pub fn path_keys(&mut self, value: &Value) -> Keys {
        let known = self.keys_from(value);
        let whole = value.bits == 0 && value.objects.is_empty() && value.number.is_none();
        if !known.0.is_empty() || !whole || value.strings.is_empty() {
            return known;
        }
        let mut paths = Vec::new();
        for text in &value.strings {
            let mut path = String::new();
            for piece in &text.pieces {
                match piece {
                    Piece::Literal(text) => path.push_str(text),
                    Piece::Hole(..) => path.push('*'),
                }
            }
            let open =
                path.starts_with('*') || path.match_indices('*').any(|(at, _)| !path[..at].ends_with(['[', '.']));
            if open {
                return known;
            }
            paths.push(path);
        }
        Keys(paths.iter().map(|path| self.sym(path)).collect())
    }

    pub(super) fn fill(&mut self, act: &mut Act<'a>, object: ObjId, properties: &'a [Property]) {
        for property in properties {
            match property {
                Property::Value(key, value) => {
                    let keys = self.property_keys(act, key);
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
                            let name = self.known("*");
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
}
