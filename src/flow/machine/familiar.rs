//! Calls that need not be followed: of functions inside themselves, and those that a long entry point followed before.

use rustc_hash::FxHashSet;

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::Machine;
use crate::flow::solution::{Fact, Origin, Place};
use crate::flow::value::{ANY, FactId, Ids, NUMBER, ObjId, Value, intersect, unite};
use crate::model::ir::{FnId, Name};
use crate::source::FileId;

/// How far down the arguments of a call of a function inside itself are looked through for personal information.
const CIRCLE_DEPTH: usize = 2;

/// Steps of an entry point after which it remembers calls, and does not follow again what it remembers.
const FAMILIAR_STEPS: u64 = 200;

/// Steps of a call that is worth remembering.
const WORTH_STEPS: u64 = 12;

/// Most calls of a function that an entry point remembers.
const MAX_FOLLOWED: usize = 8;

/// How far down two values are compared.
const COVER_DEPTH: usize = 3;

/// An item of the call stack.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Called {
    pub file: FileId,
    pub function: FnId,
    pub site: Place,
    pub name: Name,
    /// Whether the function is a library's.
    pub library: bool,
    /// Objects in its arguments.
    pub given: Vec<ObjId>,
}

/// An entry point that followed a call of a function inside itself.
pub(in crate::flow) struct Circle {
    entry: u64,
    /// What held at the call whenever it was made.
    facts: Ids,
    /// Personal information in its arguments.
    taints: Ids,
}

/// What a call is given.
pub(super) struct Given {
    this: Value,
    args: Vec<Value>,
    /// What holds and weighs.
    facts: Ids,
    /// Steps of the entry point before it.
    steps: u64,
}

/// A call that the running entry point followed.
pub(in crate::flow) struct Followed {
    given: Given,
    /// What it gave, what holds after it, and what holds where it gave no rejected promise.
    pub answer: Value,
    pub held: Ids,
    pub kept: Option<Ids>,
}

fn within(few: &[u32], many: &[u32]) -> bool {
    few.iter().all(|id| many.binary_search(id).is_ok())
}

/// The objects that the arguments of a call are.
pub(super) fn given_objects(args: &[Value]) -> Vec<ObjId> {
    args.iter().flat_map(|arg| arg.objects.iter().copied()).collect()
}

impl Machine<'_> {
    /// Whether a call of a function inside itself was followed before for another entry point, with no more proved and no less
    /// personal information in its arguments: what it does is known from there. A request function that logs in again, which
    /// requests again, would otherwise be gone through twice over for every request.
    pub(super) fn went_round(&mut self, file: FileId, function: FnId, args: &[Value], place: Place) -> bool {
        let facts = self.current_facts();
        let mut taints = Ids::new();
        for arg in args {
            unite(&mut taints, &self.deep_taints(arg, CIRCLE_DEPTH));
        }
        let within = |few: &[u32], many: &[u32]| few.iter().all(|id| many.binary_search(id).is_ok());
        let entry = self.entry_key;
        let known = self.circles.entry((place, file, function)).or_default();
        if let Some(own) = known.iter_mut().find(|circle| circle.entry == entry) {
            own.facts = intersect(&own.facts, &facts);
            unite(&mut own.taints, &taints);
            return false;
        }
        if known.iter().any(|circle| within(&circle.facts, &facts) && within(&taints, &circle.taints)) {
            return true;
        }
        known.push(Circle { entry, facts, taints });
        false
    }

    /// Whether a call of a function inside itself is given personal information in a part of what the call around it was given,
    /// as when a tree is copied: it ends with the tree.
    pub(super) fn descends(&mut self, file: FileId, function: FnId, args: &[Value]) -> bool {
        let around: Vec<&[ObjId]> = self
            .stack
            .iter()
            .rev()
            .filter(|called| called.file == file && called.function == function)
            .map(|called| &*called.given)
            .collect();
        let Some(last) = around.first() else { return false };
        let mut parts: FxHashSet<ObjId> = FxHashSet::default();
        for &holder in *last {
            self.heap.each(holder, |value| parts.extend(value.objects.iter()));
        }
        for given in &around {
            given.iter().for_each(|object| _ = parts.remove(object));
        }
        args.iter().any(|arg| {
            !arg.objects.is_empty()
                && arg.objects.iter().all(|object| parts.contains(object))
                && !self.deep_taints(arg, CIRCLE_DEPTH).is_empty()
        })
    }

    /// What a call gives that a long entry point followed before with no more proved, and with arguments that can be all that
    /// these can be.
    pub(super) fn familiar(&mut self, function: (FileId, FnId), this: &Value, args: &[Value]) -> Option<&Followed> {
        if !self.remembers() || !self.followed.contains_key(&function) {
            return None;
        }
        let facts = self.current_facts();
        let known = self.followed.get(&function)?;
        let at = known.iter().position(|call| {
            call.given.args.len() == args.len()
                && within(&call.given.facts, &facts)
                && self.covers(&call.given.this, this, 1)
                && call.given.args.iter().zip(args).all(|(known, arg)| self.covers(known, arg, COVER_DEPTH))
        })?;
        self.followed.get(&function)?.get(at)
    }

    /// Whether calls are remembered.
    pub(super) fn remembers(&self) -> bool {
        self.steps >= FAMILIAR_STEPS && self.loading == 0
    }

    pub(super) fn given(&self, this: &Value, args: &[Value]) -> Given {
        let mut facts: Ids = self.facts.iter().copied().filter(|&fact| self.weighs(fact)).collect();
        facts.sort_unstable();
        facts.dedup();
        Given { this: this.clone(), args: args.to_vec(), facts, steps: self.steps }
    }

    /// Whether anything is told by what a fact says of a path: most answers of servers and queries only lead one way or another.
    fn weighs(&self, fact: FactId) -> bool {
        match &self.fact_table[fact as usize] {
            Fact::Tested {
                origin: Origin::Remote(_) | Origin::Answer(_) | Origin::Query(_) | Origin::Input,
                with,
                held,
                ..
            } => with.as_ref().is_some_and(|with| !held || with.contains('.')),
            Fact::Succeeded(place) | Fact::Failed(place) => !self.requests.contains(place),
            _ => true,
        }
    }

    /// Remembers a call that was followed, with what it gave and what holds after it.
    pub(super) fn remember(&mut self, function: (FileId, FnId), given: Given, (answer, held): (&Value, &Ids)) {
        if self.steps < given.steps + WORTH_STEPS {
            return;
        }
        let known = self.followed.entry(function).or_default();
        if known.len() < MAX_FOLLOWED {
            known.push(Followed { given, answer: answer.clone(), held: held.clone(), kept: self.kept.clone() });
        }
    }

    /// Whether `known` can be all that `value` can be, and proves no more.
    fn covers(&self, known: &Value, value: &Value, depth: usize) -> bool {
        let number = match value.number {
            Some(number) => known.number == Some(number) || known.bits & (NUMBER | ANY) != 0,
            None => true,
        };
        number
            && (value.bits & !known.bits == 0 || known.is_any())
            && within(&value.taints, &known.taints)
            && within(&value.origins, &known.origins)
            && within(&known.yes, &value.yes)
            && within(&known.no, &value.no)
            && value.strings.iter().all(|text| known.strings.iter().any(|other| other == text))
            && value.objects.iter().all(|&object| {
                known.objects.binary_search(&object).is_ok()
                    || known.objects.iter().any(|&other| self.object_covers(other, object, depth))
            })
    }

    fn object_covers(&self, known: ObjId, object: ObjId, depth: usize) -> bool {
        match (self.heap.kind(known), self.heap.kind(object)) {
            (
                Kind::Closure { file, function, frame },
                Kind::Closure { file: other, function: another, frame: scope },
            ) => (file, function) == (other, another) && (frame == scope || self.fields_cover(*frame, *scope, depth)),
            (Kind::Frame { .. }, Kind::Frame { .. }) => false,
            (left, right) => left == right && self.fields_cover(known, object, depth),
        }
    }

    fn fields_cover(&self, known: ObjId, object: ObjId, depth: usize) -> bool {
        if depth == 0 {
            return true;
        }
        self.heap.keys(object).into_iter().all(|key| {
            let Some(value) = self.heap.get(object, key) else { return true };
            match self.heap.get(known, key).or_else(|| self.heap.get(known, ITEM)) {
                Some(known) => self.covers(known, value, depth - 1),
                None => value.bits & ANY == 0 && value.is_none(),
            }
        })
    }
}
