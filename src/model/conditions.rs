//! What scripts test: the names that conditions read, and what hangs on them.

use std::sync::Arc;

use super::ir::{Expr, ExprKind, Key, Operator, Pattern, Property, Script, Stmt, StmtKind, walk_expr};
use crate::source::Span;

/// A name that is read, with the names it is reached through (`res.data.open`).
#[derive(Clone, Debug)]
pub struct Read {
    /// Names from the outside in; `this` for the receiver.
    pub path: Vec<Arc<str>>,
    /// The whole chain.
    pub span: Span,
}

impl Read {
    /// The last name.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", |name| name)
    }
}

/// A condition with its arms.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The test.
    pub span: Span,
    /// What it reads.
    pub reads: Vec<Read>,
    /// Where it names the clock.
    pub clock: Option<Span>,
    /// Constants in it, as texts.
    pub constants: Vec<Arc<str>>,
    /// What runs on either side; what follows an early return counts as its other side.
    pub arms: [Option<Span>; 2],
    /// Keys that the arms set to a boolean constant: `setData`, members, variables.
    pub switches: Vec<(Arc<str>, bool)>,
    /// Keys that the arms set to 0 or 1 by `setData`.
    pub numbers: Vec<Arc<str>>,
    /// Keys that the arms set to a text constant by `setData`, with that text.
    pub modes: Vec<(Arc<str>, Arc<str>)>,
    /// String constants in the arms.
    pub strings: Vec<Arc<str>>,
    /// Whether it is no branch but a comparison that the page is given.
    pub compares: bool,
}

/// Every condition of a script: `if`, `? :`, `&&` with an effect.
pub fn conditions(script: &Script) -> Vec<Condition> {
    let mut out = Vec::new();
    for function in &script.functions {
        block(&function.body, function.span.end, script, &mut out);
        function.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Conditional(test, then, other) => {
                let mut condition = condition(test, Some(then.span), Some(other.span));
                effects_of(then, script, &mut condition);
                effects_of(other, script, &mut condition);
                // `flag ? false : true` is a switch whatever takes it.
                if let (ExprKind::Bool(yes), ExprKind::Bool(no)) = (&then.kind, &other.kind)
                    && yes != no
                {
                    condition.switches.push(("".into(), *yes));
                }
                out.push(condition);
            }
            // What the page is given of a comparison of times switches as a branch would.
            ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "setData") =>
            {
                let Some(ExprKind::Object(properties)) = args.first().map(|arg| &arg.value.kind) else { return };
                for property in properties {
                    if let Property::Value(Key::Static(key, _), value) = property
                        && matches!(&value.kind, ExprKind::Binary(operator, ..) if is_order(*operator))
                    {
                        let mut condition = condition(value, None, None);
                        with_variables(value, script, &mut condition);
                        condition.switches.push((key.clone(), true));
                        condition.compares = true;
                        out.push(condition);
                    }
                }
            }
            ExprKind::Logical(Operator::And, test, then)
                if matches!(then.kind, ExprKind::Call { .. } | ExprKind::Assign { .. }) =>
            {
                let mut condition = condition(test, Some(then.span), None);
                effects_of(then, script, &mut condition);
                out.push(condition);
            }
            _ => {}
        });
    }
    through_constants(script, &mut out);
    out
}

/// Sees what the variables of a test were declared with: constants, and the clock.
fn through_constants(script: &Script, out: &mut [Condition]) {
    /// Bytes of the longest declaration that is a constant of the program.
    const SHORT: u32 = 80;
    let values = initial_values(script);
    for condition in out.iter_mut() {
        let names: Vec<&Read> = condition.reads.iter().filter(|read| read.path.len() == 1).collect();
        let named = |value: &&(Arc<str>, &Expr)| names.iter().any(|read| read.path[0] == value.0);
        let found: Vec<&Expr> = values
            .iter()
            .filter(|value| value.1.span.len() <= SHORT && value.1.span.end <= condition.span.start)
            .filter(named)
            .map(|value| value.1)
            .collect();
        for value in found {
            walk_expr(value, &mut |expr| {
                condition.constants.extend(day_of(expr));
                match &expr.kind {
                    ExprKind::String(text) => condition.constants.push(text.clone()),
                    ExprKind::Number(number) => condition.constants.push(number.to_string().into()),
                    ExprKind::Call { callee, args, .. } if args.is_empty() && is_clock(callee) => {
                        condition.clock.get_or_insert(expr.span);
                    }
                    ExprKind::New { callee, args }
                        if args.is_empty() && matches!(&callee.kind, ExprKind::Global(name) if &**name == "Date") =>
                    {
                        condition.clock.get_or_insert(expr.span);
                    }
                    _ => {}
                }
            });
        }
    }
}

fn is_clock(callee: &Expr) -> bool {
    matches!(&callee.kind, ExprKind::Member { object, key: Key::Static(name, _), .. }
        if &**name == "now" && matches!(&object.kind, ExprKind::Global(name) if &**name == "Date"))
}

/// Every chain of members with constant names, outermost only.
pub fn reads(expr: &Expr) -> Vec<Read> {
    let mut out: Vec<Read> = Vec::new();
    walk_expr(expr, &mut |expr| {
        if let Some(read) = chain(expr)
            && !out.iter().any(|other| other.span.contains(read.span))
        {
            out.push(read);
        }
    });
    out
}

/// The chain that an expression is.
pub fn chain(expr: &Expr) -> Option<Read> {
    let mut path = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Member { object, key: Key::Static(name, _), .. } => {
                path.push(name.clone());
                at = object;
            }
            ExprKind::Call { callee, .. } if !path.is_empty() => at = callee,
            ExprKind::Global(name) => {
                path.push(name.clone());
                break;
            }
            ExprKind::This => {
                path.push("this".into());
                break;
            }
            ExprKind::Var(_) if !path.is_empty() => {
                path.push("".into());
                break;
            }
            _ => return None,
        }
        if path.len() > 16 {
            return None;
        }
    }
    path.reverse();
    Some(Read { path, span: expr.span })
}

fn condition(test: &Expr, then: Option<Span>, other: Option<Span>) -> Condition {
    let mut constants = Vec::new();
    let mut clock = None;
    walk_expr(test, &mut |expr| {
        constants.extend(day_of(expr));
        match &expr.kind {
            ExprKind::Global(name) if &**name == "Date" => {
                clock.get_or_insert(expr.span);
            }
            ExprKind::String(text) => constants.push(text.clone()),
            ExprKind::Number(number) => constants.push(number.to_string().into()),
            _ => {}
        }
    });
    Condition {
        span: test.span,
        reads: reads(test),
        clock,
        constants,
        arms: [then, other],
        switches: Vec::new(),
        numbers: Vec::new(),
        modes: Vec::new(),
        strings: Vec::new(),
        compares: false,
    }
}

fn is_order(operator: Operator) -> bool {
    matches!(operator, Operator::Less | Operator::LessEq | Operator::Greater | Operator::GreaterEq)
}

/// Years that a date of this time has.
const YEARS: std::ops::RangeInclusive<f64> = 2020.0..=2100.0;

/// The day of `new Date(2026, 11, 20)`, and that of a year that the clock's is compared with.
fn day_of(expr: &Expr) -> Option<Arc<str>> {
    let year = |expr: &Expr| match expr.kind {
        ExprKind::Number(year) if YEARS.contains(&year) => Some(Arc::from(format!("{year}-01-01"))),
        _ => None,
    };
    let reads_year = |expr: &Expr| matches!(&expr.kind, ExprKind::Call { callee, .. } if matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "getFullYear"));
    match &expr.kind {
        ExprKind::New { callee, args }
            if args.len() > 1 && matches!(&callee.kind, ExprKind::Global(name) if &**name == "Date") =>
        {
            year(&args[0].value)
        }
        ExprKind::Binary(operator, left, right) if is_order(*operator) && reads_year(left) => year(right),
        _ => None,
    }
}

fn span_of(block: &[Stmt]) -> Option<Span> {
    Some(Span::new(block.first()?.span.start, block.last()?.span.end))
}

fn block(body: &[Stmt], end: u32, script: &Script, out: &mut Vec<Condition>) {
    for (at, stmt) in body.iter().enumerate() {
        match &stmt.kind {
            StmtKind::If(test, then, other) => {
                let mut found = condition(test, span_of(then), span_of(other));
                with_variables(test, script, &mut found);
                effects(then, script, &mut found);
                effects(other, script, &mut found);
                let leaves =
                    then.last().is_some_and(|last| matches!(last.kind, StmtKind::Return(_) | StmtKind::Throw(_)));
                if leaves && other.is_empty() && at + 1 < body.len() {
                    let rest = &body[at + 1..];
                    found.arms[1] = Some(Span::new(rest[0].span.start, end));
                    effects(rest, script, &mut found);
                }
                out.push(found);
                block(then, end, script, out);
                block(other, end, script, out);
            }
            StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                block(body, end, script, out)
            }
            StmtKind::Switch(value, cases) => {
                for (at, (test, body)) in cases.iter().enumerate() {
                    let rest: Vec<&Stmt> = cases[at + 1..].iter().flat_map(|(_, body)| body).collect();
                    // What other values run stands on the other side, unless one runs into the next.
                    let apart =
                        body.last().is_some_and(|last| !matches!(last.kind, StmtKind::Expr(_) | StmtKind::Let(..)));
                    if let Some(test) = test.as_ref().filter(|_| apart) {
                        let other = rest.first().zip(rest.last());
                        let other = other.map(|(first, last)| Span::new(first.span.start, last.span.end));
                        let mut found = condition(value, span_of(body), other);
                        if let ExprKind::String(text) = &test.kind {
                            found.constants.push(text.clone());
                        }
                        with_variables(value, script, &mut found);
                        effects(body, script, &mut found);
                        rest.iter().for_each(|stmt| effects(std::slice::from_ref(*stmt), script, &mut found));
                        out.push(found);
                    }
                    block(body, end, script, out);
                }
            }
            StmtKind::Try { block: body, handler, finalizer } => {
                block(body, end, script, out);
                if let Some((_, body)) = handler.as_deref() {
                    block(body, end, script, out);
                }
                block(finalizer, end, script, out);
            }
            _ => {}
        }
    }
}

/// Bare variables in a test count by their names.
fn with_variables(test: &Expr, script: &Script, condition: &mut Condition) {
    walk_expr(test, &mut |expr| {
        if let ExprKind::Var(id) = &expr.kind
            && let Some(variable) = script.variables.get(*id as usize)
            && !condition.reads.iter().any(|read| read.span.contains(expr.span))
        {
            condition.reads.push(Read { path: vec![variable.name.clone()], span: expr.span });
        }
    });
}

/// Variables with the values that they are declared with, of those that name the clock or hold a date.
fn initial_values(script: &Script) -> Vec<(Arc<str>, &Expr)> {
    fn search<'s>(block: &'s [Stmt], script: &Script, out: &mut Vec<(Arc<str>, &'s Expr)>) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(Pattern::Var(id, _), Some(value)) => {
                    let dated = |expr: &Expr| match &expr.kind {
                        ExprKind::Global(name) => &**name == "Date",
                        ExprKind::Number(number) => *number > 1.4e9,
                        _ => false,
                    };
                    let mut found = false;
                    walk_expr(value, &mut |expr| found |= dated(expr));
                    if found && let Some(variable) = script.variables.get(*id as usize) {
                        out.push((variable.name.clone(), value));
                    }
                }
                StmtKind::If(_, then, other) => {
                    search(then, script, out);
                    search(other, script, out);
                }
                StmtKind::Block(_, body) | StmtKind::Loop { body, .. } => search(body, script, out),
                StmtKind::Try { block, .. } => search(block, script, out),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    script.functions.iter().for_each(|function| search(&function.body, script, &mut out));
    out
}

fn effects(body: &[Stmt], script: &Script, condition: &mut Condition) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Expr(expr) | StmtKind::Return(Some(expr)) => effects_of(expr, script, condition),
            StmtKind::Let(_, Some(expr)) => effects_of(expr, script, condition),
            StmtKind::If(_, then, other) => {
                effects(then, script, condition);
                effects(other, script, condition);
            }
            StmtKind::Block(_, body) => effects(body, script, condition),
            _ => {}
        }
    }
}

fn effects_of(expr: &Expr, script: &Script, condition: &mut Condition) {
    walk_expr(expr, &mut |expr| match &expr.kind {
        ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "setData") => {
            if let Some(ExprKind::Object(properties)) = args.first().map(|arg| &arg.value.kind) {
                for property in properties {
                    let Property::Value(Key::Static(key, _), value) = property else { continue };
                    match &value.kind {
                        ExprKind::Bool(on) => condition.switches.push((key.clone(), *on)),
                        ExprKind::Number(number) if *number == 0.0 || *number == 1.0 => {
                            condition.numbers.push(key.clone());
                        }
                        ExprKind::String(text) => condition.modes.push((key.clone(), text.clone())),
                        _ => {}
                    }
                }
            }
        }
        ExprKind::Assign { operator: None, target, value } => {
            if let ExprKind::Bool(on) = value.kind {
                let name = match &**target {
                    Pattern::Member(member) => chain(member).and_then(|read| read.path.last().cloned()),
                    Pattern::Var(id, _) => script.variables.get(*id as usize).map(|variable| variable.name.clone()),
                    _ => None,
                };
                if let Some(name) = name {
                    condition.switches.push((name, on));
                }
            }
        }
        ExprKind::String(text) => condition.strings.push(text.clone()),
        _ => {}
    });
}
