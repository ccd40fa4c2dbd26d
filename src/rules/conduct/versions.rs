//! Versions: what a server says to come, and what the package says of itself.

use std::collections::BTreeSet;

use crate::model::conditions::{Condition, Read, chain};
use crate::model::ir::{Expr, ExprKind, Key, Name, Pattern, Script, Stmt, StmtKind, VarId, walk_expr};
use crate::rules::Context;
use crate::source::FileId;

/// Whether a name is that of a version, and not of one to change to.
fn names_version(cx: &Context<'_>, name: &str) -> bool {
    cx.policy.conduct.names("id-version", name) && !updates(cx, name)
}

/// Whether a name speaks of a newer version that is offered, or of the version of something else.
pub(super) fn updates(cx: &Context<'_>, name: &str) -> bool {
    cx.policy.conduct.names("id-version-other", name)
}

/// The version that a server's answer names.
pub(super) fn server_version<'r>(cx: &Context<'_>, reads: &'r [Read]) -> Option<&'r Read> {
    reads.iter().find(|read| {
        read.path.len() > 2
            && names_version(cx, read.name())
            && read.path.iter().any(|name| &**name == "data")
            && &*read.path[0] != "this"
    })
}

/// Whether a version is that of the package: a constant of its own, or what its configuration holds.
pub(super) fn is_own_version(cx: &Context<'_>, reads: &[Read], constants: &[Name]) -> bool {
    let own = |name: &Name| cx.policy.conduct.names("id-app-wide", name);
    constants.iter().any(|constant| numbered(constant))
        || reads.iter().any(|read| {
            names_version(cx, read.name())
                && read.path.len() < 4
                && read.path.split_last().is_some_and(|(_, around)| around.iter().any(own))
        })
}

/// Text constants in an expression, those of its variables included.
pub(super) fn constants_of(script: &Script, expr: &Expr) -> Vec<Name> {
    let mut out = Vec::new();
    let mut variables: BTreeSet<VarId> = BTreeSet::new();
    walk_expr(expr, &mut |expr| match &expr.kind {
        ExprKind::String(text) => out.push(text.clone()),
        ExprKind::Var(id) => {
            variables.insert(*id);
        }
        _ => {}
    });
    let mut blocks: Vec<&[Stmt]> = script.functions.iter().map(|function| function.body.as_slice()).collect();
    while let Some(block) = blocks.pop() {
        for stmt in block {
            if let StmtKind::Let(Pattern::Var(id, _), Some(value)) = &stmt.kind
                && let ExprKind::String(text) = &value.kind
                && variables.contains(id)
            {
                out.push(text.clone());
            }
        }
    }
    out
}

/// The version of a server's answer that a condition compares with that of the package.
pub(super) fn own_version(cx: &Context<'_>, script: &Script, condition: &Condition) -> Option<Read> {
    let read = server_version(cx, &condition.reads)?;
    let mut constants = condition.constants.clone();
    script.for_each_expr(&mut |expr| {
        if expr.span == condition.span {
            constants.extend(constants_of(script, expr));
        }
    });
    is_own_version(cx, &condition.reads, &constants).then(|| read.clone())
}

/// Whether both sides of a condition go on with something of their own, and neither speaks of a newer version.
pub(super) fn parts_ways(cx: &Context<'_>, file: FileId, script: &Script, condition: &Condition) -> bool {
    let [Some(then), Some(other)] = condition.arms else { return false };
    let conduct = &cx.policy.conduct;
    let source = &cx.package.source(file).text;
    [then, other].iter().all(|arm| {
        let text = arm.slice(source);
        let mut names = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if names.any(|name| conduct.names("id-version-arm", name)) || conduct.holds("new-version", &conduct.scan(text))
        {
            return false;
        }
        let mut goes_on = false;
        script.for_each_expr(&mut |expr| {
            if let ExprKind::Call { callee, .. } = &expr.kind
                && let ExprKind::Member { object, .. } = &callee.kind
            {
                goes_on |= arm.contains(expr.span) && !matches!(object.kind, ExprKind::Global(_));
            }
        });
        goes_on
    })
}

/// Whether a constant is the number of a version: `1.4.0`.
pub(super) fn numbered(text: &str) -> bool {
    let mut parts = text.trim_start_matches(['v', 'V']).split('.');
    parts.clone().count() >= 2 && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Variables that hold what the program runs as, and where each reads it.
pub(super) fn environment_names(cx: &Context<'_>, script: &Script) -> Vec<(VarId, Read)> {
    let mut out = Vec::new();
    let mut blocks: Vec<&[Stmt]> = script.functions.iter().map(|function| function.body.as_slice()).collect();
    while let Some(block) = blocks.pop() {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(Pattern::Object { properties, .. }, Some(value)) => {
                    for (key, target) in properties {
                        if let (Key::Static(name, _), Pattern::Var(var, _)) = (key, target)
                            && cx.policy.conduct.names("id-environment", name)
                        {
                            out.push((*var, Read { path: vec!["".into(), name.clone()], span: value.span }));
                        }
                    }
                }
                StmtKind::Let(Pattern::Var(var, _), Some(value)) => {
                    let read = chain(value);
                    out.extend(
                        read.filter(|read| cx.policy.conduct.names("id-environment", read.name()))
                            .map(|read| (*var, read)),
                    );
                }
                StmtKind::If(_, then, other) => blocks.extend([then.as_slice(), other.as_slice()]),
                StmtKind::Try { block, .. } => blocks.push(block),
                _ => {}
            }
        }
    }
    out
}

/// The read behind a variable that an expression names.
pub(super) fn named_environment<'n>(names: &'n [(VarId, Read)], expr: &Expr) -> Option<&'n Read> {
    let mut found = None;
    walk_expr(expr, &mut |expr| {
        if let ExprKind::Var(var) = &expr.kind {
            found = found.or_else(|| names.iter().find(|(known, _)| known == var).map(|(_, read)| read));
        }
    });
    found
}

/// Whether an expression holds a constant that names an environment.
pub(super) fn is_environment_value(cx: &Context<'_>, expr: &Expr) -> bool {
    let mut found = false;
    walk_expr(expr, &mut |expr| {
        if let ExprKind::String(text) = &expr.kind {
            found |= cx.policy.conduct.names("id-environment-value", text);
        }
    });
    found
}
