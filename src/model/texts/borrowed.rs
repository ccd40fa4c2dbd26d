//! String constants that a script takes from others in the package.

use std::collections::HashMap;
use std::sync::Arc;

use super::constants::decoded;
use crate::model::Program;
use crate::model::ir::{Export, Expr, ExprKind, Key, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId};
use crate::source::FileId;

/// What a module gives away, by name.
type Given = HashMap<Arc<str>, String>;

/// What a script can name of other scripts.
#[derive(Debug, Default)]
pub(super) struct Borrowed {
    /// Variables that hold a constant.
    pub values: HashMap<VarId, String>,
    /// Variables that hold a whole module.
    modules: HashMap<VarId, Given>,
}

impl Borrowed {
    /// Finds what `script` takes: each module is read where it is named.
    pub(super) fn of(program: &Program, file: FileId, script: &Script) -> Self {
        let mut out = Self::default();
        let given = |request: &str| {
            let requires = program.requires.get(file.index())?;
            let target =
                requires.iter().find(|one| &*one.request == request)?.target.filter(|target| *target != file)?;
            Some(given(program.script(target)?)).filter(|given| !given.is_empty())
        };
        for import in &script.imports {
            let Some(local) = import.local else { continue };
            let Some(mut given) = given(&import.from) else { continue };
            match given.remove(&import.name) {
                Some(value) => drop(out.values.insert(local, value)),
                None => drop(out.modules.insert(local, given)),
            }
        }
        let top = script.functions.first().map_or(&[][..], |function| &function.body);
        for stmt in top {
            let StmtKind::Let(pattern, Some(init)) = &stmt.kind else { continue };
            let Some(request) = required(init) else { continue };
            let Some(mut given) = given(request) else { continue };
            match pattern {
                Pattern::Var(id, _) => drop(out.modules.insert(*id, given)),
                Pattern::Object { properties, .. } => {
                    for (key, target) in properties {
                        if let (Key::Static(name, _), Pattern::Var(id, _)) = (key, target)
                            && let Some(value) = given.remove(name)
                        {
                            out.values.insert(*id, value);
                        }
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// The constant that an expression names.
    pub(super) fn value(&self, expr: &Expr) -> Option<&str> {
        match &expr.kind {
            ExprKind::Var(id) => self.values.get(id).map(String::as_str),
            ExprKind::Member { object, key: Key::Static(name, _), .. } => match &object.kind {
                ExprKind::Var(id) => self.modules.get(id)?.get(name).map(String::as_str),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The request of `require("…")`.
fn required(expr: &Expr) -> Option<&str> {
    let ExprKind::Call { callee, args, .. } = &expr.kind else { return None };
    match (&callee.kind, &args.first()?.value.kind) {
        (ExprKind::Global(name), ExprKind::String(request)) if &**name == "require" => Some(request),
        _ => None,
    }
}

/// The string constants that a module gives away.
fn given(script: &Script) -> Given {
    let mut out = Given::new();
    let Some(top) = script.functions.first() else { return out };
    let mut locals: HashMap<VarId, &Expr> = HashMap::new();
    for stmt in &top.body {
        match &stmt.kind {
            StmtKind::Let(Pattern::Var(id, _), Some(init)) => drop(locals.insert(*id, init)),
            StmtKind::Expr(expr) => assigned(expr, &locals, &mut out),
            _ => {}
        }
    }
    for export in &script.exports {
        let Export::Local { name, local } = export else { continue };
        let held = locals.get(local).copied().or_else(|| set_last(&top.body, *local));
        match held {
            Some(held) if &**name == "default" && matches!(held.kind, ExprKind::Object(_)) => {
                members(held, &locals, &mut out);
            }
            Some(held) => {
                if let Some(text) = text(held, &locals, 0) {
                    out.insert(name.clone(), text);
                }
            }
            None => {}
        }
    }
    out
}

/// What the top level assigns to a variable.
fn set_last(body: &[Stmt], wanted: VarId) -> Option<&Expr> {
    body.iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Assign { target, value, .. }, .. })
            if matches!(&**target, Pattern::Var(id, _) if *id == wanted) =>
        {
            Some(&**value)
        }
        _ => None,
    })
}

/// `module.exports = {…}`, `module.exports.a = …`, `exports.a = …`.
fn assigned(expr: &Expr, locals: &HashMap<VarId, &Expr>, out: &mut Given) {
    let ExprKind::Assign { target, value, .. } = &expr.kind else { return };
    let Pattern::Member(target) = &**target else { return };
    let ExprKind::Member { object, key: Key::Static(name, _), .. } = &target.kind else { return };
    let global = |expr: &Expr, wanted: &str| matches!(&expr.kind, ExprKind::Global(name) if &**name == wanted);
    let exports = |expr: &Expr| {
        global(expr, "exports")
            || matches!(&expr.kind, ExprKind::Member { object, key: Key::Static(name, _), .. }
                if &**name == "exports" && global(object, "module"))
    };
    if exports(target) {
        let value = match &value.kind {
            ExprKind::Var(id) => locals.get(id).copied().unwrap_or(value),
            _ => value,
        };
        members(value, locals, out);
    } else if exports(object)
        && let Some(text) = text(value, locals, 0)
    {
        out.insert(name.clone(), text);
    }
}

fn members(object: &Expr, locals: &HashMap<VarId, &Expr>, out: &mut Given) {
    let ExprKind::Object(properties) = &object.kind else { return };
    for property in properties {
        if let Property::Value(Key::Static(name, _), value) = property
            && let Some(text) = text(value, locals, 0)
        {
            out.insert(name.clone(), text);
        }
    }
}

/// The text of a constant.
fn text(expr: &Expr, locals: &HashMap<VarId, &Expr>, depth: u32) -> Option<String> {
    if depth > 32 {
        return None;
    }
    match &expr.kind {
        ExprKind::String(text) => Some(text.to_string()),
        ExprKind::Template(quasis, items) if items.is_empty() => quasis.first().map(ToString::to_string),
        ExprKind::Binary(Operator::Add, left, right) => {
            Some(text(left, locals, depth + 1)? + &text(right, locals, depth + 1)?)
        }
        ExprKind::Var(id) => text(locals.get(id)?, locals, depth + 1),
        _ => decoded(expr),
    }
}
