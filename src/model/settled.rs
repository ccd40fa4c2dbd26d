//! What constants of a script settle: arms that never run, constants that nothing reads, entries of tables that nothing asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::ir::{Export, Expr, ExprKind, Key, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId, walk_expr};
use crate::source::Span;

/// Most passes: what is left out reads nothing, so that more may be left out.
const PASSES: usize = 4;

/// Parts of a script, none inside another: where they start, and their ends.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(BTreeMap<u32, u32>);

impl LeftOut {
    /// Whether something stands in one of the parts.
    pub fn holds(&self, span: Span) -> bool {
        self.0.range(..=span.start).next_back().is_some_and(|(_, end)| span.end <= *end)
    }

    /// Adds a part, unless it stands in another; returns whether it did not. Parts of a tree never overlap otherwise.
    fn add(&mut self, span: Span) -> bool {
        if span.start >= span.end || self.holds(span) {
            return false;
        }
        let inside: Vec<u32> = self.0.range(span.start..span.end).map(|(start, _)| *start).collect();
        for start in inside {
            self.0.remove(&start);
        }
        self.0.insert(span.start, span.end);
        true
    }
}

/// The parts of a script that its own constants leave out.
pub fn left_out(script: &Script) -> LeftOut {
    let mut settled = Settled { script, constants: BTreeMap::new(), out: LeftOut::default(), grew: false };
    let mut evaluates = false;
    script.for_each_expr(&mut |expr| evaluates |= matches!(&expr.kind, ExprKind::Global(name) if &**name == "eval"));
    if evaluates {
        return LeftOut::default();
    }
    let written = settled.written_once();
    for _ in 0..PASSES {
        settled.grew = false;
        settled.find_constants(&written);
        settled.arms();
        settled.unread(&written);
        if !settled.grew {
            break;
        }
    }
    settled.out
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
enum Constant {
    Bool(bool),
    Number(f64),
    Text(String),
    Nothing,
}

impl Constant {
    fn truth(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0 && !value.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Nothing => false,
        }
    }
}

struct Settled<'s> {
    script: &'s Script,
    constants: BTreeMap<VarId, Constant>,
    out: LeftOut,
    /// Whether this pass has left out anything more.
    grew: bool,
}

impl<'s> Settled<'s> {
    /// Variables that one declaration gives their value, with it.
    fn written_once(&self) -> BTreeMap<VarId, &'s Expr> {
        let mut given: BTreeMap<VarId, Vec<Option<&'s Expr>>> = BTreeMap::new();
        let mut note = |pattern: &Pattern, value: Option<&'s Expr>| match pattern {
            Pattern::Var(var, _) => given.entry(*var).or_default().push(value),
            other => variables(other, &mut |var| given.entry(var).or_default().push(None)),
        };
        for function in &self.script.functions {
            function.params.iter().for_each(|param| note(&param.pattern, None));
            statements(&function.body, &mut |stmt| match &stmt.kind {
                StmtKind::Let(pattern, Some(value)) => note(pattern, Some(value)),
                StmtKind::Let(pattern, None) | StmtKind::ForEach { target: pattern, .. } => note(pattern, None),
                StmtKind::Try { handler: Some(handler), .. } => {
                    handler.0.iter().for_each(|pattern| note(pattern, None))
                }
                _ => {}
            });
        }
        self.script.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Assign { target, .. } => note(target, None),
            ExprKind::Update(target) => note(target, None),
            _ => {}
        });
        for function in &self.script.functions {
            function.hoisted.iter().for_each(|(var, _)| given.entry(*var).or_default().push(None));
        }
        self.script
            .imports
            .iter()
            .filter_map(|import| import.local)
            .for_each(|var| given.entry(var).or_default().push(None));
        given
            .into_iter()
            .filter_map(|(var, values)| match values[..] {
                [Some(value)] => Some((var, value)),
                _ => None,
            })
            .collect()
    }

    fn find_constants(&mut self, written: &BTreeMap<VarId, &'s Expr>) {
        for (&var, value) in written {
            if !self.constants.contains_key(&var)
                && let Some(constant) = self.constant(value)
            {
                self.constants.insert(var, constant);
            }
        }
    }

    /// What an expression is, where constants say it.
    fn constant(&self, expr: &Expr) -> Option<Constant> {
        match &expr.kind {
            ExprKind::Bool(value) => Some(Constant::Bool(*value)),
            ExprKind::Number(value) => Some(Constant::Number(*value)),
            ExprKind::String(text) => Some(Constant::Text(text.to_string())),
            ExprKind::Undefined | ExprKind::Null => Some(Constant::Nothing),
            ExprKind::Var(var) => self.constants.get(var).cloned(),
            ExprKind::Not(inner) => Some(Constant::Bool(!self.constant(inner)?.truth())),
            ExprKind::Binary(operator @ (Operator::Eq | Operator::NotEq), left, right) => {
                let same = self.constant(left)? == self.constant(right)?;
                Some(Constant::Bool(same == (*operator == Operator::Eq)))
            }
            ExprKind::Logical(operator @ (Operator::And | Operator::Or), left, right) => {
                let left = self.constant(left)?;
                if left.truth() == (*operator == Operator::Or) { Some(left) } else { self.constant(right) }
            }
            ExprKind::Conditional(test, yes, no) => {
                let arm = if self.constant(test)?.truth() { yes } else { no };
                self.constant(arm)
            }
            _ => None,
        }
    }

    fn leave(&mut self, span: Span) {
        self.grew |= self.out.add(span);
    }

    fn is_left(&self, span: Span) -> bool {
        self.out.holds(span)
    }

    /// Arms of conditions that never run.
    fn arms(&mut self) {
        let script = self.script;
        for function in &script.functions {
            statements(&function.body, &mut |stmt| match &stmt.kind {
                StmtKind::If(test, yes, no) => {
                    if let Some(constant) = self.constant(test) {
                        let dead = if constant.truth() { no } else { yes };
                        dead.iter().for_each(|stmt| self.leave(stmt.span));
                    }
                }
                StmtKind::Switch(value, cases) => self.cases(value, cases),
                _ => {}
            });
            self.after_end(&function.body);
        }
        script.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Conditional(test, yes, no) => {
                if let Some(constant) = self.constant(test) {
                    self.leave(if constant.truth() { no.span } else { yes.span });
                }
            }
            ExprKind::Logical(operator @ (Operator::And | Operator::Or), left, right) => {
                if let Some(left) = self.constant(left)
                    && left.truth() == (*operator == Operator::Or)
                {
                    self.leave(right.span);
                }
            }
            // `({ dev: …, prod: … })[ENV]`
            ExprKind::Member { object, key, .. } => {
                if let ExprKind::Object(properties) = &object.kind
                    && let Some(name) = self.named(key)
                {
                    self.entries(properties, &BTreeSet::from([name]));
                }
            }
            _ => {}
        });
    }

    /// What follows an arm that always ends the function.
    fn after_end(&mut self, block: &'s [Stmt]) {
        let ends = |block: &[Stmt]| {
            block.last().is_some_and(|last| matches!(last.kind, StmtKind::Return(_) | StmtKind::Throw(_)))
        };
        for (at, stmt) in block.iter().enumerate() {
            if let StmtKind::If(test, yes, no) = &stmt.kind
                && let Some(constant) = self.constant(test)
                && ends(if constant.truth() { yes } else { no })
            {
                block[at + 1..].iter().for_each(|stmt| self.leave(stmt.span));
                return;
            }
        }
    }

    fn cases(&mut self, value: &Expr, cases: &'s [(Option<Expr>, Vec<Stmt>)]) {
        let Some(value) = self.constant(value) else { return };
        let mut taken = None;
        for (at, (test, _)) in cases.iter().enumerate() {
            let Some(test) = test else { continue };
            let Some(test) = self.constant(test) else { return };
            if test == value {
                taken = Some(at);
                break;
            }
        }
        let taken = taken.or_else(|| cases.iter().position(|(test, _)| test.is_none())).unwrap_or(cases.len());
        let mut runs = false;
        for (at, (_, body)) in cases.iter().enumerate() {
            runs |= at == taken;
            if !runs {
                body.iter().for_each(|stmt| self.leave(stmt.span));
            }
            runs &= !body.last().is_some_and(ends_case);
        }
    }

    /// The name that a key stands for.
    fn named(&self, key: &Key) -> Option<String> {
        match key {
            Key::Static(name, _) => Some(name.to_string()),
            Key::Computed(expr) => match self.constant(expr)? {
                Constant::Text(text) => Some(text),
                Constant::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }

    /// Entries of a table of which only those names are asked for.
    fn entries(&mut self, properties: &'s [Property], asked: &BTreeSet<String>) {
        let plain = properties.iter().all(|property| {
            matches!(property, Property::Value(Key::Static(..), value) if !matches!(value.kind, ExprKind::Function(_)))
        });
        if !plain {
            return;
        }
        for property in properties {
            if let Property::Value(Key::Static(name, _), value) = property
                && !asked.contains(&**name)
                && makes_nothing(value)
            {
                self.leave(value.span);
            }
        }
    }

    /// Constants that nothing reads, and entries of tables that nothing asks for.
    fn unread(&mut self, written: &BTreeMap<VarId, &'s Expr>) {
        let script = self.script;
        let mut reads: BTreeMap<VarId, usize> = BTreeMap::new();
        let mut members: BTreeMap<VarId, (usize, Option<BTreeSet<String>>)> = BTreeMap::new();
        script.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Var(var) if !self.is_left(expr.span) => *reads.entry(*var).or_default() += 1,
            ExprKind::Member { object, key, .. } if !self.is_left(expr.span) => {
                if let ExprKind::Var(var) = object.kind {
                    let (count, names) = members.entry(var).or_insert_with(|| (0, Some(BTreeSet::new())));
                    *count += 1;
                    match (names.as_mut(), self.named(key)) {
                        (Some(names), Some(name)) => {
                            names.insert(name);
                        }
                        _ => *names = None,
                    }
                }
            }
            _ => {}
        });
        for export in &script.exports {
            if let Export::Local { local, .. } = export {
                *reads.entry(*local).or_default() += 1;
            }
        }
        for (var, value) in written {
            if self.is_left(value.span) {
                continue;
            }
            match (reads.get(var).copied().unwrap_or(0), members.get(var)) {
                (0, _) if makes_nothing(value) => self.leave(value.span),
                (all, Some((count, Some(names)))) if all == *count => {
                    if let ExprKind::Object(properties) = &value.kind {
                        self.entries(properties, names);
                    }
                }
                _ => {}
            }
        }
    }
}

fn ends_case(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Break(_) | StmtKind::Return(_) | StmtKind::Throw(_) => true,
        StmtKind::Block(_, body) => body.last().is_some_and(ends_case),
        _ => false,
    }
}

/// Whether to evaluate an expression does nothing but give its value.
fn makes_nothing(expr: &Expr) -> bool {
    let mut nothing = true;
    walk_expr(expr, &mut |expr| {
        nothing &= matches!(
            expr.kind,
            ExprKind::Undefined
                | ExprKind::Null
                | ExprKind::Bool(_)
                | ExprKind::Number(_)
                | ExprKind::String(_)
                | ExprKind::Template(..)
                | ExprKind::Array(_)
                | ExprKind::Object(_)
                | ExprKind::Var(_)
                | ExprKind::Member { .. }
                | ExprKind::Not(_)
                | ExprKind::Unary(..)
                | ExprKind::Binary(..)
                | ExprKind::Logical(..)
                | ExprKind::Conditional(..)
        );
    });
    nothing
}

/// The variables that a pattern binds.
fn variables(pattern: &Pattern, note: &mut dyn FnMut(VarId)) {
    match pattern {
        Pattern::Var(var, _) => note(*var),
        Pattern::Global(..) | Pattern::Member(_) => {}
        Pattern::Object { properties, rest } => {
            properties.iter().for_each(|(_, inner)| variables(inner, note));
            rest.iter().for_each(|rest| variables(rest, note));
        }
        Pattern::Array { items, rest } => {
            items.iter().flatten().for_each(|inner| variables(inner, note));
            rest.iter().for_each(|rest| variables(rest, note));
        }
        Pattern::Default(inner, _) => variables(inner, note),
    }
}

/// Every statement of a block and of those in it.
fn statements<'s>(block: &'s [Stmt], visit: &mut dyn FnMut(&'s Stmt)) {
    for stmt in block {
        visit(stmt);
        match &stmt.kind {
            StmtKind::If(_, yes, no) => {
                statements(yes, visit);
                statements(no, visit);
            }
            StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                statements(body, visit);
            }
            StmtKind::Switch(_, cases) => cases.iter().for_each(|(_, body)| statements(body, visit)),
            StmtKind::Try { block, handler, finalizer } => {
                statements(block, visit);
                handler.iter().for_each(|handler| statements(&handler.1, visit));
                statements(finalizer, visit);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_swallow_what_stands_in_them() {
        let mut parts = LeftOut::default();
        assert!(parts.add(Span::new(10, 20)) && parts.add(Span::new(30, 40)));
        assert!(!parts.add(Span::new(12, 15)) && !parts.add(Span::new(5, 5)));
        assert!(parts.holds(Span::new(10, 20)) && !parts.holds(Span::new(25, 28)));
        assert!(parts.add(Span::new(5, 45)));
        assert!(parts.holds(Span::new(25, 28)), "a part stays whole around what it swallowed");
        assert_eq!(parts.0.len(), 1);
    }
}
