//! Generators and async functions that a compiler has rewritten to a table of steps, back to statements.
//!
//! Three compilers' tables are known: `switch (c.prev = c.next)` and `switch (c.p = c.n)` of regenerator, old and new, and
//! `switch (c.label)` of TypeScript. Steps that jump forward over others become branches, steps that jump back become loops.

use std::collections::HashMap;

use crate::model::ir::*;
use crate::source::Span;

/// The table that a function holds, by its compiler.
struct Table {
    /// The parameter that holds the state.
    state: VarId,
    /// Fields of the state: where to go, the innermost `try`, and what the last wait gave.
    next: &'static str,
    guard: &'static str,
    sent: &'static str,
}

/// A step.
enum Op {
    Label(u64),
    Stmt(Stmt),
    Goto(u64),
    /// Goes there when the test holds.
    Branch(Expr, u64),
    /// Starts a `try`: its clauses start at these labels.
    Try {
        handler: Option<u64>,
        finalizer: Option<u64>,
        after: Option<u64>,
    },
    EndFinally,
}

/// `try` blocks of a table: first label, and where the clauses start.
type Tries = Vec<[Option<u64>; 4]>;

/// Restores the functions of a script that hold tables, and helpers around them.
pub(super) fn restore(script: &mut Script) {
    let mut tables: Vec<(usize, Table)> =
        script.functions.iter().enumerate().filter_map(|(index, function)| Some((index, table(function)?))).collect();
    tables.extend(single_steps(script));
    helpers(script);
    if tables.is_empty() {
        return;
    }
    let mut tries: HashMap<FnId, Tries> = HashMap::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Call { args, .. } = &expr.kind
            && let [Arg { value: Expr { kind: ExprKind::Function(id), .. }, .. }, _, _, Arg { value, .. }] =
                args.as_slice()
        {
            tries.insert(*id, try_list(value));
        }
    });
    for (index, table) in tables {
        let tries = tries.remove(&(index as FnId)).unwrap_or_default();
        let function = &mut script.functions[index];
        let cases = match subject(&function.body) {
            Some(_) => take_cases(&mut function.body).unwrap_or_default(),
            None => vec![(None, std::mem::take(&mut function.body))],
        };
        let mut steps = Restore { table, tries, ops: Vec::new(), places: HashMap::new() };
        for (label, body) in cases {
            if let Some(Expr { kind: ExprKind::Number(number), .. }) = label {
                steps.places.insert(number.to_bits(), steps.ops.len());
                steps.ops.push(Op::Label(number.to_bits()));
            }
            steps.flatten(body);
        }
        let mut ops: Vec<Option<Op>> = std::mem::take(&mut steps.ops).into_iter().map(Some).collect();
        let length = ops.len();
        let body = steps.structure(&mut ops, 0, length, None, 0);
        function.body.extend(body);
        function.generator = true;
        function.steps = Steps::Body;
        let owner = function.parent as usize;
        if owner > 0 && owner != index {
            script.functions[owner].steps = Steps::Owner;
        }
    }
}

/// Bodies of TypeScript's that wait for nothing: `__generator(this, function (_a) { …; return [2, value]; })`.
fn single_steps(script: &Script) -> Vec<(usize, Table)> {
    let mut out = Vec::new();
    script.for_each_expr(&mut |expr| {
        let ExprKind::Call { args, .. } = &expr.kind else { return };
        let [_, Arg { value: Expr { kind: ExprKind::Function(id), .. }, .. }] = args.as_slice() else { return };
        let Some(function) = script.functions.get(*id as usize) else { return };
        let [Param { pattern: Pattern::Var(state, _), rest: false }] = function.params.as_slice() else { return };
        let ends = function.body.last().is_some_and(|stmt| match &stmt.kind {
            StmtKind::Return(Some(Expr { kind: ExprKind::Array(items), .. })) => {
                let code = items.first().and_then(Option::as_ref).map(|item| &item.value.kind);
                items.len() <= 2 && matches!(code, Some(ExprKind::Number(code)) if *code == 2.0)
            }
            _ => false,
        });
        if ends && !reads(function, *state) {
            out.push((*id as usize, Table { state: *state, next: "label", guard: "trys", sent: "sent" }));
        }
    });
    out
}

/// Whether a function reads a variable.
fn reads(function: &Function, variable: VarId) -> bool {
    let mut found = false;
    function.for_each_expr(&mut |expr| found |= matches!(expr.kind, ExprKind::Var(var) if var == variable));
    found
}

/// Functions that drive a generator, by their shape: what they give is the generator's own answer here.
fn helpers(script: &mut Script) {
    let drives = |script: &Script, id: FnId| {
        let (mut next, mut throw) = (false, false);
        let mut see = |name: &str| {
            next |= name == "next";
            throw |= name == "throw";
        };
        let span = script.functions[id as usize].span;
        for function in script.functions.iter().filter(|function| span.contains(function.span)) {
            function.for_each_expr(&mut |expr| match &expr.kind {
                ExprKind::String(name) => see(name),
                ExprKind::Member { key: Key::Static(name, _), .. } => see(name),
                _ => {}
            });
        }
        next && throw
    };
    for index in 1..script.functions.len() {
        let function = &script.functions[index];
        let [StmtKind::Return(Some(answer))] = &*function.body.iter().map(|stmt| &stmt.kind).collect::<Vec<_>>() else {
            continue;
        };
        let [Param { pattern: Pattern::Var(generator, _), rest: false }] = function.params.as_slice() else { continue };
        let ExprKind::Function(inner) = answer.kind else { continue };
        let span = answer.span;
        let returns_promise = script.functions[inner as usize].body.iter().any(|stmt| {
            matches!(&stmt.kind, StmtKind::Return(Some(Expr { kind: ExprKind::New { args, .. }, .. })) if args.len() == 1)
        });
        if returns_promise && drives(script, inner) {
            let generator = *generator;
            script.functions[index].body =
                vec![Stmt { span, kind: StmtKind::Return(Some(Expr { span, kind: ExprKind::Var(generator) })) }];
        }
    }
}

/// The cases of a table and how its state is named; nothing where the body is none.
fn table(function: &Function) -> Option<Table> {
    let [Param { pattern: Pattern::Var(state, _), rest: false }] = function.params.as_slice() else { return None };
    let (subject, looped) = subject(&function.body)?;
    let field = |expr: &Expr| {
        let ExprKind::Member { object, key: Key::Static(key, _), .. } = &expr.kind else { return None };
        matches!(object.kind, ExprKind::Var(var) if var == *state).then(|| key.clone())
    };
    let (guard, next) = match &subject.kind {
        ExprKind::Assign { operator: None, target, value } => {
            let Pattern::Member(target) = &**target else { return None };
            (Some(field(target)?), field(value)?)
        }
        _ => (None, field(subject)?),
    };
    let state = *state;
    match (guard.as_deref(), &*next, looped) {
        (Some("prev"), "next", true) => Some(Table { state, next: "next", guard: "prev", sent: "sent" }),
        (Some("p") | None, "n", true) => Some(Table { state, next: "n", guard: "p", sent: "v" }),
        (None, "label", false) => Some(Table { state, next: "label", guard: "trys", sent: "sent" }),
        _ => None,
    }
}

/// What the last statement of a body switches on, and whether in an endless loop.
fn subject(body: &[Stmt]) -> Option<(&Expr, bool)> {
    match &body.last()?.kind {
        StmtKind::Switch(subject, _) => Some((subject, false)),
        StmtKind::Loop { test, body, .. } => {
            let endless = test.as_ref().is_none_or(|test| match test.kind {
                ExprKind::Number(number) => number != 0.0,
                ExprKind::Bool(test) => test,
                _ => false,
            });
            let (subject, _) = match body.as_slice() {
                [Stmt { kind: StmtKind::Block(_, inner), .. }] => subject(inner)?,
                inner => subject(inner)?,
            };
            endless.then_some((subject, true))
        }
        _ => None,
    }
}

fn take_cases(body: &mut Vec<Stmt>) -> Option<Vec<(Option<Expr>, Vec<Stmt>)>> {
    match body.pop()?.kind {
        StmtKind::Switch(_, cases) => Some(cases),
        StmtKind::Loop { body: mut inner, .. } | StmtKind::Block(_, mut inner) => take_cases(&mut inner),
        _ => None,
    }
}

/// `[[1, 4, , 7]]`
fn try_list(expr: &Expr) -> Tries {
    let ExprKind::Array(items) = &expr.kind else { return Tries::new() };
    items.iter().flatten().map(|item| labels(&item.value)).collect()
}

fn labels(expr: &Expr) -> [Option<u64>; 4] {
    let mut out = [None; 4];
    if let ExprKind::Array(items) = &expr.kind {
        for (slot, item) in out.iter_mut().zip(items) {
            *slot = item.as_ref().and_then(|item| number(&item.value));
        }
    }
    out
}

fn number(expr: &Expr) -> Option<u64> {
    match expr.kind {
        ExprKind::Number(number) => Some(number.to_bits()),
        _ => None,
    }
}

/// Where a table's jump goes.
enum Target {
    To(u64),
    /// By a chain of tests, to the last where none holds.
    Either(Vec<(Expr, u64)>, u64),
}

struct Restore {
    table: Table,
    tries: Tries,
    ops: Vec<Op>,
    places: HashMap<u64, usize>,
}

impl Restore {
    fn is_state(&self, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Var(var) if var == self.table.state)
    }

    /// The field of the state that an expression is.
    fn field<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        match &expr.kind {
            ExprKind::Member { object, key: Key::Static(key, _), .. } if self.is_state(object) => Some(key),
            _ => None,
        }
    }

    fn sent(&self, span: Span) -> Expr {
        let object = Box::new(Expr { span, kind: ExprKind::Var(self.table.state) });
        Expr {
            span,
            kind: ExprKind::Member { object, key: Key::Static(self.table.sent.into(), span), optional: false },
        }
    }

    /// `state.next = 5`, `state.next = a ? 5 : 7`
    fn target(&self, expr: &Expr) -> Option<Target> {
        let ExprKind::Assign { operator: None, target, value } = &expr.kind else { return None };
        let Pattern::Member(member) = &**target else { return None };
        if self.field(member)? != self.table.next {
            return None;
        }
        let mut tests = Vec::new();
        let mut rest = &**value;
        loop {
            match &rest.kind {
                ExprKind::Number(number) if tests.is_empty() => return Some(Target::To(number.to_bits())),
                ExprKind::Number(number) => return Some(Target::Either(tests, number.to_bits())),
                ExprKind::Conditional(test, yes, no) => {
                    tests.push(((**test).clone(), number(yes)?));
                    rest = no;
                }
                _ => return None,
            }
        }
    }

    fn jump(&mut self, target: Target) {
        match target {
            Target::To(label) => self.ops.push(Op::Goto(label)),
            Target::Either(tests, label) => {
                self.ops.extend(tests.into_iter().map(|(test, label)| Op::Branch(test, label)));
                self.ops.push(Op::Goto(label));
            }
        }
    }

    /// Puts what an expression reads of the state the way it stands in statements.
    fn plain(&self, mut expr: Expr) -> Expr {
        each_mut(&mut expr, &mut |expr| {
            let ExprKind::Call { callee, .. } = &expr.kind else { return };
            if matches!(self.field(callee), Some("sent" | "catch")) {
                *expr = self.sent(expr.span);
            }
        });
        expr
    }

    fn push(&mut self, span: Span, kind: StmtKind) {
        self.ops.push(Op::Stmt(Stmt { span, kind }));
    }

    /// Waits for a value, or gives it.
    fn wait(&mut self, value: Expr) {
        let span = value.span;
        let value = Box::new(Expr { span, kind: ExprKind::Yield(Some(Box::new(self.plain(value)))) });
        let target = Box::new(Pattern::Member(Box::new(self.sent(span))));
        let kind = ExprKind::Assign { operator: None, target, value };
        self.push(span, StmtKind::Expr(Expr { span, kind }));
    }

    fn flatten(&mut self, body: Vec<Stmt>) {
        let mut pending: Option<Target> = None;
        for stmt in body {
            let span = stmt.span;
            match stmt.kind {
                StmtKind::Expr(expr) => self.expression(expr, &mut pending),
                StmtKind::Block(None, inner) => self.flatten(inner),
                StmtKind::Return(None) => self.push(span, StmtKind::Return(None)),
                StmtKind::Return(Some(expr)) => {
                    let mut expr = expr;
                    if let ExprKind::Sequence(items) = expr.kind {
                        let mut items = items;
                        let Some(last) = items.pop() else { continue };
                        items.into_iter().for_each(|item| self.expression(item, &mut pending));
                        expr = last;
                    }
                    self.end(span, expr, pending.take());
                }
                StmtKind::Break(None) => {
                    if let Some(target) = pending.take() {
                        self.jump(target);
                    }
                }
                StmtKind::If(test, yes, no) => {
                    let test = self.plain(*test);
                    let yes = self.arm(yes);
                    let no = self.arm(no);
                    self.branch(span, test, yes, no);
                }
                StmtKind::Let(pattern, value) => {
                    let value = value.map(|value| Box::new(self.plain(*value)));
                    self.push(span, StmtKind::Let(pattern, value));
                }
                StmtKind::Throw(value) => {
                    let value = self.plain(value);
                    self.push(span, StmtKind::Throw(value));
                }
                other => {
                    let mut stmt = Stmt { span, kind: other };
                    self.inner(&mut stmt);
                    self.ops.push(Op::Stmt(stmt));
                }
            }
        }
    }

    /// An arm as statements, and where it goes in the end.
    fn arm(&mut self, body: Vec<Stmt>) -> (Vec<Stmt>, Option<u64>) {
        let outer = std::mem::take(&mut self.ops);
        self.flatten(body);
        let mut ops: Vec<Option<Op>> = std::mem::replace(&mut self.ops, outer).into_iter().map(Some).collect();
        let target = match ops.last() {
            Some(Some(Op::Goto(label))) => Some(*label),
            _ => None,
        };
        if target.is_some() {
            ops.pop();
        }
        let length = ops.len();
        (self.structure(&mut ops, 0, length, None, 0), target)
    }

    fn branch(&mut self, span: Span, test: Expr, yes: (Vec<Stmt>, Option<u64>), no: (Vec<Stmt>, Option<u64>)) {
        if !yes.0.is_empty() || !no.0.is_empty() {
            self.push(span, StmtKind::If(Box::new(test.clone()), yes.0, no.0));
        }
        if let Some(label) = yes.1 {
            self.ops.push(Op::Branch(test.clone(), label));
        }
        if let Some(label) = no.1 {
            let test = if yes.1.is_some() { None } else { Some(test) };
            self.ops.push(match test {
                Some(test) => Op::Branch(Expr { span: test.span, kind: ExprKind::Not(Box::new(test)) }, label),
                None => Op::Goto(label),
            });
        }
    }

    fn expression(&mut self, expr: Expr, pending: &mut Option<Target>) {
        if let ExprKind::Sequence(items) = expr.kind {
            items.into_iter().for_each(|item| self.expression(item, pending));
            return;
        }
        if let Some(target) = self.target(&expr) {
            *pending = Some(target);
            return;
        }
        match &expr.kind {
            ExprKind::Assign { operator: None, target, value } => {
                if let Pattern::Member(member) = &**target
                    && self.field(member) == Some(self.table.guard)
                {
                    let label = number(value);
                    let known = self.tries.iter().find(|known| known[0].is_some() && known[0] == label);
                    if let Some(&[_, handler, finalizer, after]) = known {
                        self.ops.push(Op::Try { handler, finalizer, after });
                    }
                    return;
                }
            }
            ExprKind::Call { callee, args, .. } => {
                if let ExprKind::Member { object, key: Key::Static(key, _), .. } = &callee.kind
                    && &**key == "push"
                    && self.field(object) == Some("trys")
                    && let [Arg { value, .. }] = args.as_slice()
                {
                    let [_, handler, finalizer, after] = labels(value);
                    self.ops.push(Op::Try { handler, finalizer, after });
                    return;
                }
                match self.field(callee) {
                    Some("finish" | "f") => {
                        self.ops.push(Op::EndFinally);
                        return;
                    }
                    Some("stop") => return,
                    _ => {}
                }
            }
            _ => {}
        }
        let span = expr.span;
        let expr = self.plain(expr);
        self.push(span, StmtKind::Expr(expr));
    }

    /// What a step returns to the one who drives the table.
    fn end(&mut self, span: Span, expr: Expr, pending: Option<Target>) {
        if let ExprKind::Call { callee, args, .. } = &expr.kind
            && let Some(method) = self.field(callee)
        {
            let how = args.first().map(|arg| &arg.value.kind);
            let given = args.get(1).map(|arg| arg.value.clone());
            match (method, how) {
                ("abrupt", Some(ExprKind::String(how))) if matches!(&**how, "break" | "continue") => {
                    if let Some(label) = given.as_ref().and_then(number) {
                        self.ops.push(Op::Goto(label));
                    }
                    return;
                }
                ("a", Some(ExprKind::Number(3.0))) => {
                    if let Some(label) = given.as_ref().and_then(number) {
                        self.ops.push(Op::Goto(label));
                    }
                    return;
                }
                ("abrupt" | "a", _) => {
                    let value = given.map(|value| self.plain(value));
                    let throws = matches!(how, Some(ExprKind::String(how)) if &**how == "throw");
                    match value {
                        Some(value) if throws => self.push(span, StmtKind::Throw(value)),
                        value => self.push(span, StmtKind::Return(value)),
                    }
                    return;
                }
                ("stop", _) => return,
                ("finish" | "f", _) => {
                    self.ops.push(Op::EndFinally);
                    return;
                }
                ("delegateYield" | "d", _) => {
                    if let Some(first) = args.first() {
                        self.wait(first.value.clone());
                    }
                    if let Some(label) = pending {
                        self.jump(label);
                    }
                    return;
                }
                _ => {}
            }
        }
        if self.table.next == "label"
            && let ExprKind::Array(items) = &expr.kind
            && let Some(Some(Arg { value: Expr { kind: ExprKind::Number(code), .. }, .. })) = items.first()
        {
            let given = items.get(1).and_then(|item| Some(item.as_ref()?.value.clone()));
            match (*code as u8, given) {
                (2, value) => {
                    let value = value.map(|value| self.plain(value));
                    self.push(span, StmtKind::Return(value));
                }
                (3, Some(label)) => {
                    if let Some(label) = number(&label) {
                        self.ops.push(Op::Goto(label));
                    }
                }
                (4 | 5, Some(value)) => self.wait(value),
                (7, _) => self.ops.push(Op::EndFinally),
                _ => {}
            }
            return;
        }
        self.wait(expr);
        if let Some(target) = pending {
            self.jump(target);
        }
    }

    /// Puts what stands inside loops and the like, which hold no steps of their own.
    fn inner(&self, stmt: &mut Stmt) {
        let lists: Vec<&mut Vec<Stmt>> = match &mut stmt.kind {
            StmtKind::If(test, yes, no) => {
                self.put(test);
                vec![yes, no]
            }
            StmtKind::Loop { test, update, body, .. } => {
                test.iter_mut().chain(update).for_each(|expr| self.put(expr));
                vec![body]
            }
            StmtKind::ForEach { iterable, body, .. } => {
                self.put(iterable);
                vec![body]
            }
            StmtKind::Block(_, body) => vec![body],
            StmtKind::Switch(subject, cases) => {
                self.put(subject);
                cases.iter_mut().map(|(_, body)| body).collect()
            }
            StmtKind::Try { block, handler, finalizer } => {
                let handler = handler.as_deref_mut().map(|(_, body)| body);
                [block, finalizer].into_iter().chain(handler).collect()
            }
            StmtKind::Expr(expr) | StmtKind::Throw(expr) => {
                self.put(expr);
                return;
            }
            StmtKind::Let(_, value) => {
                value.iter_mut().for_each(|value| self.put(value));
                return;
            }
            StmtKind::Return(Some(value)) => {
                let given = match &mut value.kind {
                    ExprKind::Call { callee, args, .. } if matches!(self.field(callee), Some("abrupt" | "a")) => {
                        (args.len() > 1).then(|| args.swap_remove(1).value)
                    }
                    ExprKind::Array(items) if self.table.next == "label" => {
                        items.get_mut(1).and_then(Option::take).map(|arg| arg.value)
                    }
                    _ => None,
                };
                stmt.kind = StmtKind::Return(given.map(|given| self.plain(given)));
                return;
            }
            _ => return,
        };
        lists.into_iter().flatten().for_each(|stmt| self.inner(stmt));
    }

    fn put(&self, expr: &mut Expr) {
        let span = expr.span;
        let taken = std::mem::replace(expr, Expr { span, kind: ExprKind::Undefined });
        *expr = self.plain(taken);
    }

    /// The steps from `at` to `end` as statements. `exit` is where the loop around them ends.
    fn structure(
        &self,
        ops: &mut [Option<Op>],
        mut at: usize,
        end: usize,
        exit: Option<usize>,
        depth: usize,
    ) -> Vec<Stmt> {
        let mut out = Vec::new();
        if depth > MAX_NESTING {
            return out;
        }
        while at < end {
            let Some(op) = ops[at].take() else {
                at += 1;
                continue;
            };
            at += 1;
            match op {
                Op::Label(label) => {
                    let back = (at..end).rev().find(|&later| match &ops[later] {
                        Some(Op::Goto(to) | Op::Branch(_, to)) => *to == label,
                        _ => false,
                    });
                    if let Some(back) = back {
                        let body = self.structure(ops, at, back + 1, Some(back + 1), depth + 1);
                        let span = body.first().map_or(Span::default(), |stmt| stmt.span);
                        let kind = StmtKind::Loop { test: None, update: None, body, post_test: false };
                        out.push(Stmt { span, kind });
                        at = back + 1;
                    }
                }
                Op::Stmt(stmt) => out.push(stmt),
                Op::EndFinally => {}
                Op::Goto(label) => match self.places.get(&label) {
                    Some(&to) if to >= at && to <= end && Some(to) != exit => at = to,
                    Some(&to) if to >= at => {
                        if exit.is_some_and(|exit| to >= exit) {
                            out.push(Stmt { span: Span::default(), kind: StmtKind::Break(None) });
                        }
                        at = end;
                    }
                    _ => at = end,
                },
                Op::Branch(test, label) => {
                    let span = test.span;
                    let to = self.places.get(&label).copied().filter(|to| *to >= at);
                    match to {
                        Some(to) if exit.is_some_and(|exit| to >= exit) => {
                            let leave = vec![Stmt { span, kind: StmtKind::Break(None) }];
                            out.push(Stmt { span, kind: StmtKind::If(Box::new(test), leave, Vec::new()) });
                        }
                        Some(to) => {
                            let to = to.min(end);
                            // What the first arm jumps over is the other one.
                            let over = match to.checked_sub(1).filter(|last| *last >= at).map(|last| &ops[last]) {
                                Some(Some(Op::Goto(label))) => self.places.get(label).copied(),
                                _ => None,
                            };
                            let join = over.filter(|over| *over > to && *over <= end && Some(*over) != exit);
                            let no = self.structure(ops, at, to, exit, depth + 1);
                            let yes = match join {
                                Some(join) => self.structure(ops, to, join, exit, depth + 1),
                                None => Vec::new(),
                            };
                            out.push(Stmt { span, kind: StmtKind::If(Box::new(test), yes, no) });
                            at = join.unwrap_or(to);
                        }
                        // Back: the loop goes on.
                        None => {}
                    }
                }
                Op::Try { handler, finalizer, after } => {
                    let place = |label: Option<u64>| {
                        label.and_then(|label| self.places.get(&label).copied()).filter(|to| *to >= at && *to <= end)
                    };
                    let (handler, finalizer, mut last) = (place(handler), place(finalizer), place(after));
                    let Some(stop) = handler.or(finalizer) else { continue };
                    if last.is_none()
                        && let Some(Some(Op::Goto(label))) = stop.checked_sub(1).map(|before| &ops[before])
                    {
                        last = place(Some(*label)).filter(|last| *last > stop);
                    }
                    let ends = finalizer.map(|from| {
                        (from..end).find(|&op| matches!(ops[op], Some(Op::EndFinally))).map_or(end, |op| op + 1)
                    });
                    let block = self.structure(ops, at, stop, exit, depth + 1);
                    let span = block.first().map_or(Span::default(), |stmt| stmt.span);
                    let caught = handler.map(|from| {
                        let to = finalizer.or(last).unwrap_or(end);
                        let body = self.structure(ops, from, to.max(from), exit, depth + 1);
                        Box::new((Some(Pattern::Member(Box::new(self.sent(span)))), body))
                    });
                    let finally = match (finalizer, ends) {
                        (Some(from), Some(to)) => self.structure(ops, from, to, exit, depth + 1),
                        _ => Vec::new(),
                    };
                    out.push(Stmt { span, kind: StmtKind::Try { block, handler: caught, finalizer: finally } });
                    at = ends.or(last).unwrap_or(if handler.is_some() { end } else { stop });
                }
            }
        }
        out
    }
}

/// Deepest nesting of restored statements.
const MAX_NESTING: usize = 100;

/// Calls `change` for every expression inside, innermost first.
fn each_mut(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Template(_, items) | ExprKind::Sequence(items) => {
            items.iter_mut().for_each(|item| each_mut(item, change));
        }
        ExprKind::Array(items) => items.iter_mut().flatten().for_each(|item| each_mut(&mut item.value, change)),
        ExprKind::Object(properties) => {
            for property in properties {
                if let Property::Value(_, value) | Property::Spread(value) = property {
                    each_mut(value, change);
                }
            }
        }
        ExprKind::Member { object, key, .. } => {
            each_mut(object, change);
            if let Key::Computed(key) = key {
                each_mut(key, change);
            }
        }
        ExprKind::Call { callee, args, .. } | ExprKind::New { callee, args } => {
            each_mut(callee, change);
            args.iter_mut().for_each(|arg| each_mut(&mut arg.value, change));
        }
        ExprKind::Assign { target, value, .. } => {
            if let Pattern::Member(member) = &mut **target {
                each_mut(member, change);
            }
            each_mut(value, change);
        }
        ExprKind::Not(inner)
        | ExprKind::Typeof(inner)
        | ExprKind::Delete(inner)
        | ExprKind::Unary(_, inner)
        | ExprKind::Await(inner)
        | ExprKind::Import(inner) => each_mut(inner, change),
        ExprKind::Yield(inner) => inner.iter_mut().for_each(|inner| each_mut(inner, change)),
        ExprKind::Binary(_, left, right) | ExprKind::Logical(_, left, right) => {
            each_mut(left, change);
            each_mut(right, change);
        }
        ExprKind::Conditional(test, yes, no) => {
            each_mut(test, change);
            each_mut(yes, change);
            each_mut(no, change);
        }
        _ => {}
    }
    change(expr);
}
