//! Operators over abstract values: arithmetic, comparisons, kinds, and the facts that a test proves.

use std::rc::Rc;

use crate::flow::heap::Kind;
use crate::flow::machine::{Act, Keys, Machine};
use crate::flow::solution::{Fact, Origin, Place, Protection};
use crate::flow::value::{
    ANY, FALSE, FROM_END, Ids, NULL, NUMBER, ObjId, OriginId, Piece, Str, TRUE, TaintId, UNDEFINED, Value, concat,
    number_text, unite,
};
use crate::model::ir::{Expr, Name, Operator};
use crate::source::{FileId, Span};

/// Most texts of a set that are compared one by one.
const MAX_TEXTS: usize = 16;

impl<'a> Machine<'a> {
    pub(super) fn binary(
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
                    let field = self.field(&b, &Keys::one(key), place);
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
        let key = self.known("prototype");
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
        let (a, b) = (&a.with_numbers(), &b.with_numbers());
        if operator == Operator::Add {
            if let (Some(x), Some(y)) = (a.number, b.number)
                && a.strings.is_empty()
                && b.strings.is_empty()
                && a.bits == 0
                && b.bits == 0
            {
                return Value::number(f64::from_bits(x) + f64::from_bits(y));
            }
            if a.bits & !(NUMBER | FROM_END) == 0
                && b.bits & !(NUMBER | FROM_END) == 0
                && a.strings.is_empty()
                && b.strings.is_empty()
                && a.objects.is_empty()
                && b.objects.is_empty()
                && a.taints.is_empty()
                && b.taints.is_empty()
            {
                return Value { bits: NUMBER, ..Value::default() };
            }
            if let Some(later) = self.later(a, b).or_else(|| self.later(b, a)) {
                return later;
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
        // No time has passed since a moment that is now.
        if operator == Operator::Sub && self.is_clock(a) {
            out.no = b.yes.clone();
        }
        if let (Operator::Sub, Some(places)) = (operator, b.number.map(f64::from_bits))
            && a.bits & FROM_END != 0
            && let Some(places) = (1..4).find(|&place| places == place as f64)
        {
            out.bits |= (a.bits & FROM_END) << places & FROM_END;
        }
        out.taints = a.shallow_taints();
        unite(&mut out.taints, &b.shallow_taints());
        out.origins = a.all_origins();
        unite(&mut out.origins, &b.all_origins());
        out
    }

    /// Objects in a text give what they hold: nothing readable, but their values may be in it.
    pub(super) fn stringify_objects(&mut self, mut value: Value) -> Value {
        if value.objects.is_empty() {
            return value;
        }
        // Only lists and serialised data turn into readable text.
        let mut written = std::mem::take(&mut value.objects);
        let mut readable = written.clone();
        if value.bits & ANY == 0 {
            readable.retain(|&object| matches!(self.heap.kind(object), Kind::Array | Kind::Map));
        }
        let taints = self.deep_taints(&Value { objects: readable, ..Value::default() }, 3);
        value.bits |= ANY;
        value.taints.unite(&taints);
        // The text of an object can be read back.
        let json = Protection::Encoded("JSON".into());
        if value.taints.iter().any(|&id| self.taints[id as usize].protections.contains(&json)) {
            written.retain(|&object| matches!(self.heap.kind(object), Kind::Plain));
            value.objects = written;
        }
        value
    }

    pub fn add_text(&mut self, a: &Value, b: &Value, _place: Place) -> Value {
        let mut out = concat(a, b);
        let masks = |value: &Value| {
            value.texts().any(|text| text.contains("**") || text.contains("＊＊") || text.contains("••"))
        };
        let sign = |value: &Value| value.texts().any(|text| text.contains('*') || text.contains('＊'));
        if masks(a) || masks(b) || out.strings.iter().any(|text| masked(text)) {
            out = self.mask_partial(out, false);
        } else if sign(a) || sign(b) {
            // One sign hides a name, which is short.
            out = self.mask_partial(out, true);
        }
        out
    }

    fn mask_partial(&mut self, mut value: Value, names: bool) -> Value {
        let change = |machine: &mut Self, ids: &[TaintId]| {
            machine.map_taints(ids, |_, taint| {
                if taint.partial && (!names || matches!(&*taint.kind, "name" | "nickname")) {
                    taint.partial = false;
                    let mut list = taint.protections.to_vec();
                    list.push(Protection::Masked);
                    taint.protections = list.into();
                }
            })
        };
        value.taints = change(self, &value.taints.clone());
        let strings = std::mem::take(&mut value.strings);
        for text in strings {
            let mut new: Str = (*text).clone();
            for piece in &mut new.pieces {
                if let Piece::Hole(taints, ..) = piece {
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
            if let (Some(a), Some(b)) = (constant_texts(a), constant_texts(b))
                && !a.iter().any(|text| b.contains(text))
            {
                return Value::bool(false);
            }
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
        // What is not `undefined` may still be `false`, and the other way round.
        let others = match with.bits {
            FALSE => UNDEFINED | NULL,
            _ if nullish => FALSE,
            _ => 0,
        };
        if value.bits & others != 0 && value.bits & ANY == 0 {
            no.clear();
            // What is not there has not been refused.
            if nullish {
                yes.clear();
            }
        }
        // What was not stored yet is an empty text where the host answers at once.
        let stored = |id: &OriginId| matches!(self.origin_table[*id as usize], Origin::Storage(_));
        let unset = value.bits & UNDEFINED != 0
            && with.as_text().is_some_and(|text| text.is_empty())
            && value.origins.iter().any(stored);
        let possible = |value: &Value| -> bool {
            value.is_any()
                || unset
                || value.bits & with.bits != 0
                || (nullish && value.bits & (UNDEFINED | NULL) != 0)
                || (with.number.is_some() && (value.number == with.number || value.bits & NUMBER != 0))
                || with.strings.first().is_some_and(|text| {
                    value.strings.iter().any(|known| known.same_text(text) || known.complete().is_none())
                })
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
        if let Some(text) = &text {
            let (is, other) = value.proved_by_text(text);
            unite(&mut yes, &is);
            unite(&mut no, &other);
        }
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
            return Value::bool(ordered(operator, x, y));
        }
        let mut out = Value::either();
        // `found > -1`, `length > 0`, and the other way round.
        let (value, mut known, operator) = match (a.number, b.number) {
            (Some(n), None) => (b, Some(n), turned(operator)),
            (None, None) if self.is_clock(a) || self.has_passed(b) => (b, None, turned(operator)),
            (_, n) => (a, n, operator),
        };
        // Now is as high as any number; what is kept of a moment is lower where nothing is (`until < Date.now()`).
        if known.is_none() && (self.is_clock(a) || self.is_clock(b)) {
            known = Some(f64::MAX.to_bits());
        }
        // Little time has passed since a moment only where there was one.
        let passed = self.has_passed(value) && known.is_none_or(|n| f64::from_bits(n) > 0.0);
        match (operator, known.map(f64::from_bits)) {
            (Operator::Greater, Some(n)) if n <= 0.0 => (out.yes, out.no) = (value.yes.clone(), value.no.clone()),
            (Operator::GreaterEq, Some(n)) if n <= 1.0 => (out.yes, out.no) = (value.yes.clone(), value.no.clone()),
            (Operator::Less, Some(n)) if n <= 1.0 => (out.yes, out.no) = (value.no.clone(), value.yes.clone()),
            // What is as high as a number above zero is something (`agreedVersion >= 3`).
            (Operator::Greater | Operator::GreaterEq, Some(_)) => out.yes = value.yes.clone(),
            (Operator::Less, Some(_)) => out.no = value.yes.clone(),
            (Operator::LessEq, Some(n)) if n >= 0.0 => out.no = value.yes.clone(),
            _ => {}
        }
        if passed {
            match operator {
                Operator::Less | Operator::LessEq => unite(&mut out.yes, &value.no),
                _ => unite(&mut out.no, &value.no),
            }
        }
        if let Some(n) = known.map(f64::from_bits) {
            let (yes, no) = value.proved_by_order(|number| ordered(operator, number, n));
            unite(&mut out.yes, &yes);
            unite(&mut out.no, &no);
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

    /// A time after a moment that was kept: it lies before now where there was none.
    fn later(&self, moment: &Value, time: &Value) -> Option<Value> {
        let date = |id: &OriginId| self.origin_table[*id as usize] == Origin::Date;
        let bare = |value: &Value| value.strings.is_empty() && value.objects.is_empty() && value.taints.is_empty();
        let number = bare(time) && time.bits & !NUMBER == 0 && (time.number.is_some() || time.bits != 0);
        (number && bare(moment) && !moment.yes.is_empty() && moment.origins.iter().any(date)).then(|| Value {
            bits: NUMBER,
            origins: moment.origins.clone(),
            yes: moment.yes.clone(),
            ..Value::default()
        })
    }

    /// Whether a value is what the clock says now.
    fn is_clock(&self, value: &Value) -> bool {
        let date = |id: &OriginId| self.origin_table[*id as usize] == Origin::Date;
        !value.origins.is_empty() && value.origins.iter().all(date) && value.yes.is_empty() && value.no.is_empty()
    }

    /// Whether a value is the time that has passed since a moment that was kept.
    fn has_passed(&self, value: &Value) -> bool {
        let date = |id: &OriginId| self.origin_table[*id as usize] == Origin::Date;
        value.bits & !NUMBER == 0 && value.yes.is_empty() && !value.no.is_empty() && value.origins.iter().any(date)
    }

    /// Where a value comes from, without what was only asked whether it is there before a field of it was read
    /// (`info && info.version`).
    pub fn closest_origins(&self, value: &Value) -> Ids {
        let mut all = value.all_origins();
        let origin = |id: &OriginId| &self.origin_table[*id as usize];
        all.retain(|id| !matches!(origin(id), Origin::Answer(_)));
        all.iter().filter(|id| !all.iter().any(|other| origin(id).holds(origin(other)))).copied().collect()
    }

    /// Facts of a comparison of a value whose origin matters.
    pub fn tested(&mut self, value: &Value, with: Option<Name>, file: FileId, span: Span) -> (Ids, Ids) {
        let mut yes = Ids::new();
        let mut no = Ids::new();
        for origin in self.closest_origins(value) {
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

    pub(super) fn type_of(&mut self, value: &Value) -> Value {
        if value.is_any() || value.bits & NUMBER != 0 && value.bits & !FROM_END != NUMBER {
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
        if value.bits & NUMBER != 0 || value.number.is_some() || value.strings.iter().any(|text| text.numeral) {
            add("number");
        }
        if value.strings.iter().any(|text| !text.numeral) {
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
                Kind::Host { namespace, path } if !path.is_empty() => {
                    add("function");
                    // What the host's table has can be called.
                    if self.policy_api(namespace, path).is_none() {
                        add("object");
                    }
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
}

fn masked(text: &Str) -> bool {
    text.pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains("**") || text.contains("••")))
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

/// All that a value can be, where that is a set of known texts.
pub fn constant_texts(value: &Value) -> Option<Vec<&Name>> {
    let bare = value.objects.is_empty() && value.taints.is_empty() && value.bits == 0 && value.number.is_none();
    if !bare || value.strings.is_empty() || value.strings.len() > MAX_TEXTS {
        return None;
    }
    value.strings.iter().map(|text| text.complete()).collect()
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

/// Whether a comparison of two numbers holds.
fn ordered(operator: Operator, x: f64, y: f64) -> bool {
    match operator {
        Operator::Less => x < y,
        Operator::LessEq => x <= y,
        Operator::Greater => x > y,
        _ => x >= y,
    }
}

/// The comparison with its sides changed.
const fn turned(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEq => Operator::GreaterEq,
        Operator::Greater => Operator::Less,
        Operator::GreaterEq => Operator::LessEq,
        other => other,
    }
}
