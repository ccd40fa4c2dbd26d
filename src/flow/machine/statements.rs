//! Statements: blocks, branches whose arms are joined, loops, jumps.

use std::rc::Rc;

use crate::flow::heap::{Diff, ITEM, Kind};
use crate::flow::machine::{Act, Jump, Machine};
use crate::flow::solution::Place;
use crate::flow::value::{FALSE, FactId, Ids, NULL, Str, Strings, UNDEFINED, Value, intersect, unite};
use crate::model::ir::{Expr, ExprKind, Key, Operator, Pattern, Stmt, StmtKind};

/// Whether an expression makes a rejected promise (`Promise.reject(…)`).
fn rejects(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { callee, .. } => {
            matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "reject")
        }
        ExprKind::Conditional(_, yes, no) => rejects(yes) || rejects(no),
        _ => false,
    }
}

impl<'a> Machine<'a> {
    pub fn block(&mut self, act: &mut Act<'a>, stmts: &'a [Stmt]) -> Jump {
        for stmt in stmts {
            let jump = self.stmt(act, stmt);
            if jump != Jump::Next {
                return jump;
            }
        }
        Jump::Next
    }

    fn stmt(&mut self, act: &mut Act<'a>, stmt: &'a Stmt) -> Jump {
        if self.over() {
            return Jump::Return;
        }
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.eval_unused(act, expr);
                Jump::Next
            }
            StmtKind::Let(pattern, init) => {
                let value = match init {
                    Some(init) => self.eval(act, init),
                    None => match pattern {
                        Pattern::Var(var, _) if self.heap.get(act.frame, *var).is_none() => Value::undefined(),
                        _ => return Jump::Next,
                    },
                };
                self.bind(act, pattern, value);
                Jump::Next
            }
            StmtKind::Return(value) => {
                match value {
                    Some(expr) => self.give_arms(act, expr),
                    None => self.give(act, Value::undefined(), None),
                }
                Jump::Return
            }
            StmtKind::If(test, yes, no) => {
                let value = self.eval(act, test);
                let branch = self.branch_start(act.file, test.span, &value);

                self.fork(
                    act,
                    &value,
                    |machine, act| {
                        machine.found(act, test);
                        machine.block(act, yes)
                    },
                    |machine, act| machine.block(act, no),
                    branch,
                )
            }
            StmtKind::Loop { test, update, body, post_test } => {
                let mut facts = Ids::new();
                if let Some(test) = test
                    && !post_test
                {
                    let mut value = self.eval(act, test);
                    if update.is_none() && !matches!(test.kind, ExprKind::Bool(_) | ExprKind::Number(_)) {
                        match self.surely(act, value, test, body) {
                            Ok(next) => value = next,
                            Err(jump) => return jump,
                        }
                    }
                    if !value.may_true() {
                        return Jump::Next;
                    }
                    facts = value.yes;
                }
                if *post_test {
                    // The body runs once in any case.
                    let jump = self.block(act, body);
                    if matches!(jump, Jump::Return | Jump::Throw) {
                        return jump;
                    }
                    if let (Jump::Next, Some(test)) = (jump, test) {
                        let value = self.eval(act, test);
                        if !value.may_true() {
                            return Jump::Next;
                        }
                        facts = value.yes;
                    }
                    if jump == Jump::Break {
                        return Jump::Next;
                    }
                }
                let mut pass = |machine: &mut Self| {
                    machine.arm_loop(act, &facts, |machine, act| {
                        let jump = machine.block(act, body);
                        if matches!(jump, Jump::Next | Jump::Continue) {
                            if let Some(update) = update {
                                machine.eval(act, update);
                            }
                            if let Some(test) = test {
                                machine.eval(act, test);
                            }
                        }
                        jump
                    })
                };
                let whole = self.split(2, |machine| pass(machine) && pass(machine) && pass(machine));
                if whole.is_none() {
                    pass(self);
                }
                Jump::Next
            }
            StmtKind::ForEach { target, iterable, keys, body } => {
                let list = self.eval(act, iterable);
                let list =
                    if *keys { list } else { self.iterated(&list, Place { file: act.file, span: iterable.span }) };
                let singles = if *keys { Vec::new() } else { self.each_single(&list) };
                let item = if *keys { self.keys_of(&list) } else { self.items_of(&list) };
                if item.is_none() {
                    return Jump::Next;
                }
                let mut pass = |machine: &mut Self, item: Value| {
                    machine.arm_loop(act, &[], |machine, act| {
                        machine.bind(act, target, item);
                        machine.block(act, body)
                    })
                };
                // Known keys are bound one by one, so that fields keep apart; what else there may be is one more.
                let mut texts = item.strings.clone();
                let open = item.is_any();
                let kept = list.taints.is_empty() && list.origins.is_empty();
                if open {
                    texts.push(Rc::new(Str::literal(self.spell(ITEM), None)));
                }
                let known = *keys && kept && !item.strings.is_empty() && (2..=8).contains(&texts.len());
                let apart = (1..=8).contains(&singles.len());
                let ways = if known {
                    texts.len()
                } else if apart {
                    singles.len()
                } else {
                    2
                };
                let done = self.split(ways, |machine| {
                    if apart {
                        for item in singles {
                            pass(machine, item);
                        }
                    } else if known {
                        for text in &texts {
                            pass(machine, Value { strings: Strings::from_iter([text.clone()]), ..Value::default() });
                        }
                    } else {
                        let _ =
                            pass(machine, item.clone()) && pass(machine, item.clone()) && pass(machine, item.clone());
                    }
                });
                if done.is_none() {
                    pass(self, item);
                }
                Jump::Next
            }
            StmtKind::Switch(value, cases) => self.switch(act, value, cases),
            StmtKind::Try { block, handler, finalizer } => {
                let mark = self.heap.mark();
                let base = self.facts.len();
                let held = act.deferred.len();
                let outer = std::mem::take(&mut self.thrown);
                let jump = self.block(act, block);
                let mut error = std::mem::replace(&mut self.thrown, outer);
                if handler.is_none() {
                    self.thrown.join(&error);
                }
                let facts = self.facts_since(base);
                let diff = self.heap.take_back(mark);
                self.facts.truncate(base);
                let mut end = jump;
                if let Some((pattern, body)) = handler.as_deref() {
                    // The handler may start after any part of the block.
                    let mark = self.heap.mark();
                    self.heap.merge_one(diff.clone(), &[]);
                    let thrown: Vec<Diff> = {
                        let mut thrown = Vec::new();
                        let mut at = held;
                        while at < act.deferred.len() {
                            if act.deferred[at].0 == Jump::Throw {
                                thrown.push(act.deferred.remove(at).1);
                            } else {
                                at += 1;
                            }
                        }
                        thrown
                    };
                    for diff in thrown {
                        self.heap.merge_one(diff, &[]);
                    }
                    let rejected = self.record.last_rejection.take();
                    if let Some(pattern) = pattern {
                        error.join(&Value::any());
                        self.bind(act, pattern, error);
                    }
                    if let Some(facts) = &rejected {
                        self.push_facts(facts);
                    }
                    let other = self.block(act, body);
                    let caught = self.heap.take_back(mark);
                    let caught_facts = self.facts_since(base);
                    self.facts.truncate(base);
                    match (jump, other) {
                        (Jump::Next, Jump::Next) => {
                            let both = intersect(&facts, &caught_facts);
                            self.heap.merge(&[(diff, facts), (caught, caught_facts)]);
                            self.push_facts(&both);
                        }
                        (Jump::Next, _) => {
                            self.heap.apply(diff);
                            act.deferred.push((other, caught));
                            self.push_facts(&facts);
                        }
                        (_, Jump::Next) => {
                            act.deferred.push((jump, diff));
                            self.heap.apply(caught);
                            end = Jump::Next;
                        }
                        (_, other) => {
                            act.deferred.push((jump, diff));
                            self.heap.apply(caught);
                            end = other;
                        }
                    }
                } else {
                    self.heap.apply(diff);
                    self.push_facts(&facts);
                }
                match self.block(act, finalizer) {
                    Jump::Next => end,
                    other => other,
                }
            }
            StmtKind::Throw(value) => {
                let value = self.eval(act, value);
                self.thrown.join(&value);
                Jump::Throw
            }
            StmtKind::Block(label, body) => {
                let jump = self.block(act, body);
                if label.is_some() && matches!(jump, Jump::Break) { Jump::Next } else { jump }
            }
            StmtKind::Break(_) => Jump::Break,
            StmtKind::Continue(_) => Jump::Continue,
        }
    }

    /// Runs the body of a loop for certain, as long as its test is known to hold: a list is emptied item by item. Gives what the
    /// test was last, or how the loop was left.
    fn surely(&mut self, act: &mut Act<'a>, mut value: Value, test: &'a Expr, body: &'a [Stmt]) -> Result<Value, Jump> {
        const MOST: usize = 16;
        let held = act.deferred.len();
        let mut left = None;
        let outer = self.context;
        for index in 0..MOST {
            if !value.may_true() || value.may_false() {
                break;
            }
            self.context = outer;
            self.turn(index);
            match self.block(act, body) {
                Jump::Next | Jump::Continue => {}
                Jump::Break => {
                    left = Some(Jump::Next);
                    break;
                }
                jump => {
                    left = Some(jump);
                    break;
                }
            }
            value = self.eval(act, test);
        }
        self.context = outer;
        let mut at = held;
        while at < act.deferred.len() {
            if matches!(act.deferred[at].0, Jump::Break | Jump::Continue) {
                let (_, diff) = act.deferred.remove(at);
                self.heap.merge_one(diff, &[]);
                left = left.filter(|jump| *jump == Jump::Next);
            } else {
                at += 1;
            }
        }
        match left {
            Some(jump) => Err(jump),
            None => Ok(value),
        }
    }

    /// Returns an expression; arms of which one gives a rejected promise are returns of their own, as they are in conditions.
    fn give_arms(&mut self, act: &mut Act<'a>, expr: &'a Expr) {
        let place = Some(Place { file: act.file, span: expr.span });
        match &expr.kind {
            ExprKind::Conditional(test, yes, no) if rejects(yes) || rejects(no) => {
                let value = self.eval(act, test);
                let branch = self.branch_start(act.file, test.span, &value);
                let arm = |expr: &'a Expr| {
                    move |machine: &mut Self, act: &mut Act<'a>| {
                        machine.give_arms(act, expr);
                        Jump::Return
                    }
                };
                self.fork(act, &value, arm(yes), arm(no), branch);
            }
            ExprKind::Logical(operator @ (Operator::And | Operator::Or), left, right) if rejects(right) => {
                let value = self.eval(act, left);
                let given = if *operator == Operator::Or { value.clone().truthy() } else { value.clone().falsy() };
                let short = |machine: &mut Self, act: &mut Act<'a>| {
                    machine.give(act, given, None);
                    Jump::Return
                };
                let long = |machine: &mut Self, act: &mut Act<'a>| {
                    machine.give_arms(act, right);
                    Jump::Return
                };
                match operator {
                    Operator::Or => self.fork(act, &value, short, long, None),
                    _ => self.fork(act, &value, long, short, None),
                };
            }
            _ => {
                let value = self.eval(act, expr);
                self.give(act, value, place);
            }
        }
    }

    /// Notes a returned value and what holds there; `place` is where it was made, if it was made for that.
    fn give(&mut self, act: &mut Act<'a>, mut value: Value, place: Option<Place>) {
        let held = self.facts_since(act.base);
        value.name_states(&held, &self.heap.told);
        if value.may_true() {
            unite(&mut value.yes, &held);
        }
        if value.may_false() {
            unite(&mut value.no, &held);
        }
        if !held.is_empty() {
            self.promise_returned(&value, &held, place);
        }
        let plain = value.objects.is_empty() || value.bits != 0 || !value.strings.is_empty() || value.number.is_some();
        if !plain && value.objects.iter().all(|&id| self.only_rejects(id)) {
            act.rejects = true;
        } else {
            act.kept_facts = Some(match act.kept_facts.take() {
                Some(facts) => intersect(&facts, &held),
                None => held.clone(),
            });
        }
        act.returned.join(&value);
        act.exit_facts = Some(match act.exit_facts.take() {
            Some(facts) => intersect(&facts, &held),
            None => held,
        });
    }

    /// What held where a promise was returned holds for who awaits it and gets its value.
    fn promise_returned(&mut self, value: &Value, held: &[FactId], place: Option<Place>) {
        let (key, facts_key) = (self.known("[[value]]"), self.known("[[facts]]"));
        for &object in &value.objects {
            if !matches!(self.heap.kind(object), Kind::Promise) {
                continue;
            }
            // Nobody else has a promise that is made in the return.
            let made = self.heap.objects[object as usize].place;
            if place.is_some_and(|place| place.file == made.file && place.span.contains(made.span))
                && let Some(facts) = self.heap.get(object, facts_key)
            {
                let mut facts = facts.yes.clone();
                unite(&mut facts, held);
                self.heap.set(object, facts_key, Some(Value::bool(true).when(facts, Ids::new())));
            }
            let Some(mut inner) = self.heap.get(object, key).cloned() else { continue };
            inner.name_states(held, &self.heap.told);
            if inner.may_true() {
                unite(&mut inner.yes, held);
            }
            if inner.may_false() {
                unite(&mut inner.no, held);
            }
            self.heap.set(object, key, Some(inner));
        }
    }

    /// Runs a pass through a loop as something that may not happen. Returns whether another pass would see anything else.
    fn arm_loop(
        &mut self,
        act: &mut Act<'a>,
        facts: &[FactId],
        body: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
    ) -> bool {
        let mark = self.heap.begin();
        let base = self.facts.len();
        let held = act.deferred.len();
        self.push_facts(facts);
        let jump = body(self, act);
        self.facts.truncate(base);
        let (diff, reads) = self.heap.end(mark);
        let mut more = false;
        if matches!(jump, Jump::Return | Jump::Throw) {
            act.deferred.push((jump, diff));
        } else {
            more |= self.heap.merge_pass(diff, &reads);
        }
        let mut at = held;
        while at < act.deferred.len() {
            if matches!(act.deferred[at].0, Jump::Break | Jump::Continue) {
                let (_, diff) = act.deferred.remove(at);
                more |= self.heap.merge_pass(diff, &reads);
            } else {
                at += 1;
            }
        }
        more
    }

    /// A variable that holds an object or nothing holds the object where that was asked.
    fn found(&mut self, act: &Act<'a>, test: &Expr) {
        let ExprKind::Var(var) = test.kind else { return };
        let Some(owner) = act.script.and_then(|script| script.variables.get(var as usize)).map(|v| v.owner) else {
            return;
        };
        let frame = self.frame_of(act, owner);
        let Some(value) = self.heap.get(frame, var) else { return };
        if value.objects.is_empty() || value.bits == 0 || value.bits & !(NULL | UNDEFINED | FALSE) != 0 {
            return;
        }
        let value = value.clone().truthy();
        self.heap.set(frame, var, Some(value));
    }

    /// Runs the arms of a condition and joins them.
    pub(super) fn fork(
        &mut self,
        act: &mut Act<'a>,
        test: &Value,
        yes: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
        no: impl FnOnce(&mut Self, &mut Act<'a>) -> Jump,
        branch: Option<usize>,
    ) -> Jump {
        let (may_true, may_false) = (test.may_true(), test.may_false());
        let (yes_facts, no_facts) = self.test_facts(test);
        if !may_false {
            self.push_facts(&yes_facts);
            return yes(self, act);
        }
        if !may_true {
            self.push_facts(&no_facts);
            return no(self, act);
        }
        let base = self.facts.len();
        let mark = self.heap.mark();
        self.push_facts(&yes_facts);
        let calls = self.record.calls.len();
        let yes_jump = yes(self, act);
        let yes_held = self.facts_since(base);
        self.facts.truncate(base);
        let yes_diff = self.heap.take_back(mark);
        let mark = self.heap.mark();
        self.push_facts(&no_facts);
        let between = self.record.calls.len();
        let no_jump = no(self, act);
        let no_held = self.facts_since(base);
        self.facts.truncate(base);
        let no_diff = self.heap.take_back(mark);
        if let Some(branch) = branch {
            let end = self.record.calls.len();
            self.branch_end(branch, (calls, between, end), &yes_diff, &no_diff);
        }
        match (yes_jump, no_jump) {
            (Jump::Next, Jump::Next) => {
                let both = intersect(&yes_held, &no_held);
                self.heap.merge(&[(yes_diff, yes_held), (no_diff, no_held)]);
                self.push_facts(&both);
                Jump::Next
            }
            (Jump::Next, jump) => {
                act.deferred.push((jump, no_diff));
                self.heap.apply(yes_diff);
                self.push_facts(&yes_held);
                Jump::Next
            }
            (jump, Jump::Next) => {
                act.deferred.push((jump, yes_diff));
                self.heap.apply(no_diff);
                self.push_facts(&no_held);
                Jump::Next
            }
            (left, right) => {
                self.heap.merge(&[(yes_diff, Ids::new()), (no_diff, Ids::new())]);
                if left == right { left } else { Jump::Return }
            }
        }
    }

    /// Facts of the arms of a condition: what the value proves, and tests of its origins.
    pub fn test_facts(&mut self, value: &Value) -> (Ids, Ids) {
        (value.yes.clone(), value.no.clone())
    }

    fn switch(&mut self, act: &mut Act<'a>, value: &'a Expr, cases: &'a [(Option<Expr>, Vec<Stmt>)]) -> Jump {
        let subject = self.eval(act, value);
        let mut arms = Vec::new();
        let mut has_default = false;
        let mut survived = false;
        let mut sure = false;
        for (index, (test, _)) in cases.iter().enumerate() {
            if sure {
                // One of the cases before is it: no other, and none of none.
                has_default = true;
                break;
            }
            let facts = match test {
                Some(test) => {
                    let with = self.eval(act, test);
                    let same = self.compare(&subject, &with, act.file, value.span);
                    if !same.may_true() {
                        continue;
                    }
                    sure = !same.may_false();
                    same.yes
                }
                None => {
                    has_default = true;
                    Ids::new()
                }
            };
            let mark = self.heap.mark();
            let base = self.facts.len();
            self.push_facts(&facts);
            let mut jump = Jump::Next;
            for (_, body) in cases.iter().skip(index) {
                jump = self.block(act, body);
                if jump != Jump::Next {
                    break;
                }
            }
            let held = self.facts_since(base);
            self.facts.truncate(base);
            let diff = self.heap.take_back(mark);
            match jump {
                Jump::Next | Jump::Break => {
                    survived = true;
                    arms.push((diff, held));
                }
                jump => act.deferred.push((jump, diff)),
            }
        }
        if !has_default {
            survived = true;
            arms.push((Diff::default(), Ids::new()));
        }
        if arms.len() > 1 {
            self.heap.merge(&arms);
        } else {
            for (diff, _) in arms {
                self.heap.apply(diff);
            }
        }
        // Breaks inside nested statements of the cases end here.
        for (jump, _) in &mut act.deferred {
            if *jump == Jump::Break {
                *jump = Jump::Return;
                survived = true;
            }
        }
        if survived { Jump::Next } else { Jump::Return }
    }
}
