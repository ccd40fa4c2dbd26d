//! Handlers that do nothing.

use super::ir::{Expr, ExprKind, Function, Key, Pattern};
use super::{Binding, Program};

/// Whether the method that a binding names provably does nothing that lasts: it is empty, writes to the console, or calls
/// what `tells` knows as a passing message.
pub fn is_idle(program: &Program, binding: &Binding, tells: &dyn Fn(&str) -> bool) -> bool {
    let Some(handler) = &binding.handler else { return false };
    let script = program.units.get(binding.unit as usize).and_then(|unit| program.script(unit.script?));
    let Some(script) = script else { return false };
    let mut named = script.functions.iter().filter(|function| function.name.as_deref() == Some(handler)).peekable();
    named.peek().is_some() && named.all(|function| does_nothing(function, tells))
}

fn does_nothing(function: &Function, tells: &dyn Fn(&str) -> bool) -> bool {
    let mut idle = true;
    function.for_each_expr(&mut |expr| {
        idle &= match &expr.kind {
            ExprKind::Call { callee, .. } => passing(callee, tells),
            ExprKind::Assign { target, .. } => !matches!(**target, Pattern::Member(_) | Pattern::Global(..)),
            ExprKind::New { .. } | ExprKind::Tagged(_) | ExprKind::Update(_) => false,
            _ => true,
        };
    });
    idle
}

fn passing(callee: &Expr, tells: &dyn Fn(&str) -> bool) -> bool {
    let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind else { return false };
    matches!(&object.kind, ExprKind::Global(global) if &**global == "console" || tells(name))
}
