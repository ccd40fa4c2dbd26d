//! Abstract values: what an expression can be, where it comes from, and what it proves when it is true.

use std::rc::Rc;

use smallvec::SmallVec;

pub(super) use super::ids::{Ids, intersect, one, unite};
use super::solution::Place;
use crate::model::ir::Name;

/// Index of an object in the heap.
pub(super) type ObjId = u32;
/// An interned name.
pub(super) type Sym = u32;
/// Index of a taint.
pub(super) type TaintId = u32;
/// Index of a fact.
pub(super) type FactId = u32;
/// Index of an origin.
pub(super) type OriginId = u32;

pub(super) const UNDEFINED: u16 = 1;
pub(super) const NULL: u16 = 2;
pub(super) const TRUE: u16 = 4;
pub(super) const FALSE: u16 = 8;
/// Some number.
pub(super) const NUMBER: u16 = 16;
/// Anything.
pub(super) const ANY: u16 = 32;
/// With `NUMBER`: the length of the list of pages, less what was taken from it.
pub(super) const FROM_END: u16 = 0xf << 8;

/// The length of the list of pages less `places`, as far as that is kept.
pub(super) const fn from_end(places: usize) -> u16 {
    if places < 4 { 1 << (8 + places) } else { 0 }
}

/// Most strings, objects and taints that a value keeps apart.
const MAX_STRINGS: usize = 24;
const MAX_OBJECTS: usize = 24;
const MAX_TAINTS: usize = 48;
const MAX_ORIGINS: usize = 12;
/// Most pairs of strings that are put together one by one.
const MAX_PAIRS: usize = 64;
/// Most strings of a side where there are more pairs.
const MAX_PAIRED: usize = 8;
/// Most pieces of a string with holes.
const MAX_PIECES: usize = 24;
/// Longest name of a state, in bytes.
const MAX_STATE: usize = 24;
/// Numbers from here on are no names of states.
const MAX_NUMERAL: f64 = 1000.0;
/// Longest literal that is kept, in bytes.
const MAX_LITERAL: usize = 8192;

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// Known text.
    Literal(Name),
    /// Unknown text: the taints and origins that it carries, and the objects that it was written from (`JSON.stringify`).
    Hole(Ids, Ids, Ids),
}

/// A string with holes.
#[derive(Clone, Debug)]
pub(super) struct Str {
    pub pieces: Vec<Piece>,
    pub place: Option<Place>,
    /// What holds when it is this text of several, as names of states do (`'agree'`, `'deny'`).
    pub held: Ids,
    /// Whether it is a number that counts as the name of a state (`2` of `1` and `2`).
    pub numeral: bool,
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.same_text(other) && self.held == other.held
    }
}

impl Str {
    pub fn literal(text: Name, place: Option<Place>) -> Self {
        Self::of(vec![Piece::Literal(text)], place)
    }

    /// A text of which the start is known.
    pub fn starting(text: Name, held: Ids) -> Self {
        Self { held, ..Self::of(vec![Piece::Literal(text), Piece::Hole(Ids::new(), Ids::new(), Ids::new())], None) }
    }

    fn of(pieces: Vec<Piece>, place: Option<Place>) -> Self {
        Self { pieces, place, held: Ids::new(), numeral: false }
    }

    /// A number that is the name of a state.
    fn numeral(number: f64, held: Ids) -> Self {
        Self { held, numeral: true, ..Self::literal(number_text(number).into(), None) }
    }

    /// The number that it is, where it is one that is the name of a state.
    fn as_number(&self) -> Option<f64> {
        self.complete().filter(|_| self.numeral)?.parse().ok()
    }

    pub fn same_text(&self, other: &Self) -> bool {
        self.pieces == other.pieces
    }

    pub fn complete(&self) -> Option<&Name> {
        match self.pieces.as_slice() {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with a mark for each part that is not known.
    pub fn written(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Hole(..) => out.push(crate::text::HOLE),
            }
        }
        out
    }

    /// Whether it is true as a condition for what is known of it.
    fn has_text(&self) -> bool {
        self.as_number() != Some(0.0)
            && self.pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if !text.is_empty()))
    }

    /// Scheme and host of an address, with the slash after them; `None` where the text does not say all of that.
    fn server(&self) -> Option<&str> {
        let Some(Piece::Literal(head)) = self.pieces.first() else { return None };
        let host = head.find("://")? + 3;
        let end = head[host..].find('/').map(|at| host + at + 1);
        match end {
            Some(end) => Some(&head[..end]),
            None => (self.pieces.len() == 1).then_some(&**head),
        }
    }

    /// What two texts begin with, and a hole with all that they carry.
    fn common(&self, other: &Str) -> Str {
        let head = |text: &Str| match text.pieces.first() {
            Some(Piece::Literal(literal)) => literal.clone(),
            _ => "".into(),
        };
        let (left, right) = (head(self), head(other));
        let shared = left
            .char_indices()
            .zip(right.chars())
            .find(|((_, a), b)| a != b)
            .map_or_else(|| left.len().min(right.len()), |((at, _), _)| at);
        let (mut taints, mut origins) = (self.taints(), Ids::new());
        unite(&mut taints, &other.taints());
        for piece in self.pieces.iter().chain(&other.pieces) {
            if let Piece::Hole(_, from, _) = piece {
                unite(&mut origins, from);
            }
        }
        Str::of(vec![Piece::Literal(left[..shared].into()), Piece::Hole(taints, origins, Ids::new())], self.place)
    }

    pub fn taints(&self) -> Ids {
        let mut out = Ids::new();
        for piece in &self.pieces {
            if let Piece::Hole(taints, ..) = piece {
                unite(&mut out, taints);
            }
        }
        out
    }

    pub fn concat(&self, other: &Str) -> Str {
        let mut pieces = self.pieces.clone();
        for piece in &other.pieces {
            let full = pieces.len() >= MAX_PIECES;
            match (pieces.last_mut(), piece) {
                (Some(Piece::Literal(left)), Piece::Literal(right)) => {
                    if left.is_empty() {
                        *left = right.clone();
                    } else if !right.is_empty() && left.len() + right.len() <= MAX_LITERAL {
                        *left = format!("{left}{right}").into();
                    }
                }
                // What is personal and what is mixed into it stay apart: a salt makes a hash another one.
                (Some(Piece::Hole(taints, origins, objects)), Piece::Hole(more, from, written))
                    if full || taints.is_empty() == more.is_empty() =>
                {
                    unite(taints, more);
                    unite(origins, from);
                    unite(objects, written);
                }
                (_, piece) if !full => pieces.push(piece.clone()),
                (_, Piece::Hole(more, from, written)) => {
                    if let Some(Piece::Hole(taints, origins, objects)) =
                        pieces.iter_mut().rev().find(|p| matches!(p, Piece::Hole(..)))
                    {
                        unite(taints, more);
                        unite(origins, from);
                        unite(objects, written);
                    }
                }
                _ => {}
            }
        }
        Str::of(pieces, self.place.or(other.place))
    }
}

/// What strings a value can be.
pub(super) type Strings = SmallVec<[Rc<Str>; 2]>;

/// An abstract value: a union of what it can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Value {
    pub bits: u16,
    /// One known number.
    pub number: Option<u64>,
    pub strings: Strings,
    pub objects: Ids,
    pub taints: Ids,
    pub origins: Ids,
    /// What holds when it is truthy.
    pub yes: Ids,
    /// What holds when it is falsy.
    pub no: Ids,
}

impl Value {
    pub fn undefined() -> Self {
        Self { bits: UNDEFINED, ..Self::default() }
    }

    pub fn any() -> Self {
        Self { bits: ANY, ..Self::default() }
    }

    pub fn bool(value: bool) -> Self {
        Self { bits: if value { TRUE } else { FALSE }, ..Self::default() }
    }

    pub fn either() -> Self {
        Self { bits: TRUE | FALSE, ..Self::default() }
    }

    pub fn number(value: f64) -> Self {
        Self { number: Some(value.to_bits()), ..Self::default() }
    }

    pub fn object(id: ObjId) -> Self {
        Self { objects: one(id), ..Self::default() }
    }

    pub fn string(text: Name, place: Option<Place>) -> Self {
        Self { strings: SmallVec::from_iter([Rc::new(Str::literal(text, place))]), ..Self::default() }
    }

    pub fn tainted(taints: Ids) -> Self {
        Self { bits: ANY, taints, ..Self::default() }
    }

    pub fn from_origin(origin: OriginId) -> Self {
        Self { bits: ANY, origins: one(origin), ..Self::default() }
    }

    pub fn when(mut self, yes: Ids, no: Ids) -> Self {
        self.yes = yes;
        self.no = no;
        self
    }

    /// Whether no execution gives a value here.
    pub fn is_none(&self) -> bool {
        self.bits == 0 && self.number.is_none() && self.strings.is_empty() && self.objects.is_empty()
    }

    pub fn is_any(&self) -> bool {
        self.bits & ANY != 0
    }

    pub fn may_true(&self) -> bool {
        self.bits & (TRUE | ANY | NUMBER) != 0
            || !self.objects.is_empty()
            || self.number.is_some_and(|bits| {
                let number = f64::from_bits(bits);
                number != 0.0 && !number.is_nan()
            })
            || self.strings.iter().any(|text| text.pieces.len() > 1 || text.has_text() || text.complete().is_none())
    }

    pub fn may_false(&self) -> bool {
        self.bits & (UNDEFINED | NULL | FALSE | ANY | NUMBER) != 0
            || self.number.is_some_and(|bits| {
                let number = f64::from_bits(bits);
                number == 0.0 || number.is_nan()
            })
            || self.strings.iter().any(|text| !text.has_text())
            || self.is_none()
    }

    /// The same, where `facts` hold; those of them that are `told` count for each name of a state.
    pub fn under(&self, facts: &[FactId], told: &[FactId]) -> Self {
        let mut value = self.clone();
        value.name_states(facts, told);
        if value.may_true() {
            unite(&mut value.yes, facts);
        }
        if value.may_false() {
            unite(&mut value.no, facts);
        }
        value
    }

    /// Notes that each name of a state proves those `facts` that are `told`.
    pub fn name_states(&mut self, facts: &[FactId], told: &[FactId]) {
        if facts.is_empty() || told.is_empty() || self.strings.is_empty() {
            return;
        }
        let facts = intersect(facts, told);
        if facts.is_empty() {
            return;
        }
        for text in &mut self.strings {
            let state = text.complete().is_some_and(|text| text.len() <= MAX_STATE);
            if state && !facts.iter().all(|fact| text.held.binary_search(fact).is_ok()) {
                unite(&mut Rc::make_mut(text).held, &facts);
            }
        }
    }

    /// The same, where a number is the name of a state that proves those of the `facts` that are `told`.
    pub fn name_number(&mut self, facts: &[FactId], told: &[FactId]) {
        let Some(number) = self.number.map(f64::from_bits).filter(|n| n.fract() == 0.0 && n.abs() < MAX_NUMERAL) else {
            return;
        };
        let held = intersect(facts, told);
        if self.bits == 0 && self.strings.is_empty() && self.objects.is_empty() && !held.is_empty() {
            self.number = None;
            self.strings.push(Rc::new(Str::numeral(number, held)));
        }
    }

    /// Whether it may be a number that is the name of a state.
    fn has_numerals(&self) -> bool {
        self.strings.iter().any(|text| text.numeral)
    }

    /// The same, with numbers as numbers and not as names of states.
    pub fn with_numbers(&self) -> Self {
        let mut out = self.clone();
        if self.has_numerals() {
            out.strings.retain(|text| !text.numeral);
            for number in self.strings.iter().filter_map(|text| text.as_number()) {
                match out.number {
                    None if out.bits & NUMBER == 0 => out.number = Some(number.to_bits()),
                    Some(known) if known == number.to_bits() => {}
                    _ => {
                        out.number = None;
                        out.bits |= NUMBER;
                    }
                }
            }
        }
        out
    }

    /// What holds where a comparison with a number holds, and where it does not, of numbers that are names of states.
    pub fn proved_by_order(&self, holds: impl Fn(f64) -> bool) -> (Ids, Ids) {
        let numbers = self.strings.iter().map(|text| Some((text.as_number()?, &text.held)));
        let Some(mut numbers) = numbers.collect::<Option<Vec<_>>>().filter(|numbers| !numbers.is_empty()) else {
            return (Ids::new(), Ids::new());
        };
        let none = Ids::new();
        numbers.extend(self.number.map(|bits| (f64::from_bits(bits), &none)));
        if self.bits & (ANY | NUMBER) != 0 || !self.objects.is_empty() {
            return (Ids::new(), Ids::new());
        }
        let side = |held: bool| {
            let mut proved =
                numbers.iter().filter(|(number, _)| holds(*number) == held).map(|(_, facts)| (*facts).clone());
            let first = proved.next().unwrap_or_default();
            proved.fold(first, |all, facts| intersect(&all, &facts))
        };
        // What is no number does not compare, `null` and `false` as nothing.
        let (with, mut without) = (side(true), side(false));
        if self.bits != 0 {
            without.clear();
        }
        let nothing = self.bits & (NULL | FALSE) != 0 && holds(0.0);
        (if nothing { Ids::new() } else { with }, without)
    }

    /// What holds where it is that text, and where it is another.
    pub fn proved_by_text(&self, text: &str) -> (Ids, Ids) {
        let (mut is, mut others) = (Ids::new(), None::<Ids>);
        // A number beside those that are names of states proves nothing.
        let number = self.number.map(|bits| number_text(f64::from_bits(bits))).filter(|_| self.has_numerals());
        let unnamed = number.as_deref() == Some(text);
        if number.is_some() && !unnamed {
            others = Some(Ids::new());
        }
        for known in &self.strings {
            match known.complete() {
                // It may be that text for another reason, too.
                None if known.held.is_empty() => return (Ids::new(), Ids::new()),
                None if answers(text) == Some(false) => is = known.held.clone(),
                Some(known_text) if **known_text == *text => is = known.held.clone(),
                Some(_) | None => {
                    others = Some(others.map_or_else(|| known.held.clone(), |all| intersect(&all, &known.held)));
                }
            }
        }
        let numbers = self.bits & NUMBER != 0 || self.number.is_some() && number.is_none();
        if self.bits & ANY != 0 || numbers || !self.objects.is_empty() {
            return (Ids::new(), Ids::new());
        }
        if unnamed {
            is.clear();
        }
        let mut others = others.unwrap_or_default();
        if self.bits != 0 {
            others = intersect(&others, &self.no);
        }
        (is, others)
    }

    /// What holds where a text is found in it, and where it is not, of texts that each prove something.
    pub fn proved_by_part(&self, part: &str) -> (Ids, Ids) {
        let (mut with, mut without) = (None::<Ids>, None::<Ids>);
        if self.strings.len() < 2 || self.strings.iter().any(|text| text.held.is_empty()) {
            return (Ids::new(), Ids::new());
        }
        for text in &self.strings {
            let open = text.complete().is_none();
            let found = text.pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(part)))
                || open && answers(part) == Some(false);
            let side = if found { &mut with } else { &mut without };
            *side = Some(side.take().map_or_else(|| text.held.clone(), |all| intersect(&all, &text.held)));
        }
        (with.unwrap_or_default(), without.unwrap_or_default())
    }

    /// The parts that are truthy.
    pub fn truthy(mut self) -> Self {
        let any = self.bits & ANY != 0;
        self.bits &= TRUE | ANY | NUMBER;
        if self.number.is_some_and(|bits| f64::from_bits(bits) == 0.0) {
            self.number = None;
        }
        if !any {
            self.strings.retain(|text| text.has_text() || text.complete().is_none());
        }
        self.no.clear();
        self
    }

    /// The parts that are falsy.
    pub fn falsy(mut self) -> Self {
        self.bits &= UNDEFINED | NULL | FALSE | ANY | NUMBER;
        if self.number.is_some_and(|bits| f64::from_bits(bits) != 0.0) {
            self.number = None;
        }
        self.strings.retain(|text| !text.has_text());
        self.objects.clear();
        self.taints.clear();
        self.yes.clear();
        self
    }

    /// Adds what `other` can be. Facts are kept only where both sides prove them.
    pub fn join(&mut self, other: &Value) {
        if other.is_none() {
            self.taints.unite(&other.taints);
            self.origins.unite(&other.origins);
            return;
        }
        if self.is_none() {
            let (taints, origins) = (std::mem::take(&mut self.taints), std::mem::take(&mut self.origins));
            *self = other.clone();
            self.taints.unite(&taints);
            self.origins.unite(&origins);
            return;
        }
        self.yes = match (self.may_true(), other.may_true()) {
            (true, true) => self.yes.common(&other.yes),
            (true, false) => std::mem::take(&mut self.yes),
            _ => other.yes.clone(),
        };
        self.no = match (self.may_false(), other.may_false()) {
            (true, true) => self.no.common(&other.no),
            (true, false) => std::mem::take(&mut self.no),
            _ => other.no.clone(),
        };
        self.bits |= other.bits;
        match (self.number, other.number) {
            (Some(left), Some(right)) if left != right && (self.has_numerals() || other.has_numerals()) => {
                self.number = None;
                for number in [left, right].map(f64::from_bits) {
                    add_text(&mut self.strings, &Rc::new(Str::numeral(number, Ids::new())));
                }
            }
            (Some(left), Some(right)) if left != right => self.bits |= NUMBER,
            (None, Some(right)) => self.number = Some(right),
            _ => {}
        }
        // Any number is no certain one, whichever side came first.
        if self.bits & NUMBER != 0 {
            self.number = None;
        }
        for text in &other.strings {
            if !add_text(&mut self.strings, text) {
                self.bits |= ANY;
                unite(&mut self.taints, &text.taints());
            }
        }
        self.objects.unite(&other.objects);
        self.objects.truncate(MAX_OBJECTS);
        self.taints.unite(&other.taints);
        self.taints.truncate(MAX_TAINTS);
        self.origins.unite(&other.origins);
        self.origins.truncate(MAX_ORIGINS);
    }

    /// Whether it can be just what `other` can be, in whatever order that was found.
    pub fn same(&self, other: &Value) -> bool {
        self.bits == other.bits
            && self.number == other.number
            && self.objects == other.objects
            && self.taints == other.taints
            && self.origins == other.origins
            && self.yes == other.yes
            && self.no == other.no
            && self.strings.len() == other.strings.len()
            && self.strings.iter().zip(&other.strings).all(|(text, at_its_place)| {
                let same =
                    |known: &Rc<Str>| Rc::ptr_eq(known, text) || known.same_text(text) && known.held == text.held;
                same(at_its_place) || other.strings.iter().any(same)
            })
    }

    pub fn joined(mut self, other: &Value) -> Self {
        self.join(other);
        self
    }

    /// Own taints and those of string holes.
    pub fn shallow_taints(&self) -> Ids {
        let mut out = Ids::new();
        self.add_shallow_taints(&mut out);
        out
    }

    /// Adds own taints and those of string holes.
    pub fn add_shallow_taints(&self, out: &mut Ids) {
        unite(out, &self.taints);
        for text in &self.strings {
            for piece in &text.pieces {
                if let Piece::Hole(taints, ..) = piece {
                    unite(out, taints);
                }
            }
        }
    }

    /// Own origins and those of string holes.
    pub fn all_origins(&self) -> Ids {
        let mut out = self.origins.clone();
        for text in &self.strings {
            for piece in &text.pieces {
                if let Piece::Hole(_, origins, _) = piece {
                    unite(&mut out, origins);
                }
            }
        }
        out
    }

    /// The one string that it is, if it can be nothing else.
    pub fn as_text(&self) -> Option<&Name> {
        match (self.strings.as_slice(), self.bits & !(UNDEFINED | NULL), self.objects.is_empty()) {
            ([text], 0, true) => text.complete(),
            _ => None,
        }
    }

    /// Every complete string that it can be.
    pub fn texts(&self) -> impl Iterator<Item = &Name> {
        self.strings.iter().filter_map(|text| text.complete())
    }

    /// As a number: of a constant its own.
    pub fn into_number(self) -> Self {
        // Numbers stay the names of states that they are.
        if self.bits == 0
            && self.number.is_none()
            && self.objects.is_empty()
            && self.strings.len() > 1
            && self.strings.iter().all(|text| text.numeral)
        {
            return self;
        }
        let written =
            self.as_text().and_then(|text| text.trim().parse::<f64>().ok()).filter(|number| number.is_finite());
        let known = self.number.map(f64::from_bits).or(written).map(Self::number);
        let out = known.unwrap_or(Self { bits: NUMBER, ..Self::default() });
        Self { taints: self.shallow_taints(), origins: self.all_origins(), yes: self.yes, no: self.no, ..out }
    }

    /// As strings with holes, for concatenation.
    pub fn as_strings(&self) -> Strings {
        let mut out = self.strings.clone();
        if let Some(bits) = self.number {
            out.push(Rc::new(Str::literal(number_text(f64::from_bits(bits)).into(), None)));
        }
        if self.bits & (TRUE | FALSE) == TRUE {
            out.push(Rc::new(Str::literal("true".into(), None)));
        } else if self.bits & (TRUE | FALSE) == FALSE {
            out.push(Rc::new(Str::literal("false".into(), None)));
        }
        let opaque = self.bits & (ANY | NUMBER) != 0
            || !self.objects.is_empty()
            || self.bits & (TRUE | FALSE) == (TRUE | FALSE)
            || !self.taints.is_empty();
        if opaque || out.is_empty() {
            let written = if self.taints.is_empty() { Ids::new() } else { self.objects.clone() };
            let hole = Piece::Hole(self.taints.clone(), self.origins.clone(), written);
            out.push(Rc::new(Str::of(vec![hole], None)));
        }
        out
    }
}

/// Adds a text to those that a value can be. Of too many, addresses on the same server become one: their common start, and a
/// hole for the rest. `false` where there is no room.
fn add_text(texts: &mut Strings, text: &Rc<Str>) -> bool {
    if let Some(known) = texts.iter_mut().find(|known| known.same_text(text)) {
        if known.held.iter().any(|fact| text.held.binary_search(fact).is_err()) {
            let held = intersect(&known.held, &text.held);
            Rc::make_mut(known).held = held;
        }
        return true;
    }
    if texts.len() < MAX_STRINGS {
        texts.push(text.clone());
        return true;
    }
    let Some(server) = text.server() else { return false };
    let (same, mut rest): (Strings, Strings) =
        texts.iter().cloned().partition(|known| known.server().is_some_and(|other| other == server));
    if same.is_empty() {
        return false;
    }
    let folded = same.iter().fold((**text).clone(), |all, other| all.common(other));
    rest.push(Rc::new(folded));
    *texts = rest;
    true
}

/// What a text says of how the host answered, where it is the message of an answer or a part of one.
pub(super) fn answers(text: &str) -> Option<bool> {
    if ["fail", "deny", "denied", "cancel"].iter().any(|word| text.contains(word)) {
        return Some(false);
    }
    (text == "ok" || text.ends_with(":ok")).then_some(true)
}

/// A number as JavaScript writes it, for the common cases.
pub(super) fn number_text(number: f64) -> String {
    if number == number.trunc() && number.abs() < 1e15 { format!("{}", number as i64) } else { format!("{number}") }
}

/// `left + right` when either can be a string.
pub(super) fn concat(left: &Value, right: &Value) -> Value {
    let mut out = Value::default();
    let (mut lefts, mut rights) = (left.as_strings(), right.as_strings());
    if lefts.len() * rights.len() > MAX_PAIRS {
        out.bits |= ANY;
        lefts.truncate(MAX_PAIRED);
        rights.truncate(MAX_PAIRED);
    }
    for a in lefts {
        for b in &rights {
            // What has no room is as good as what has: its taints are kept below.
            add_text(&mut out.strings, &Rc::new(a.concat(b)));
        }
    }
    let whole: Ids = out.strings.iter().fold(Ids::new(), |mut all, text| {
        unite(&mut all, &text.taints());
        all
    });
    for side in [left, right] {
        for &taint in &side.shallow_taints() {
            if whole.binary_search(&taint).is_err() {
                unite(&mut out.taints, &[taint]);
            }
        }
        unite(&mut out.origins, &side.origins);
    }
    out.objects = left.objects.clone();
    unite(&mut out.objects, &right.objects);
    out
}
