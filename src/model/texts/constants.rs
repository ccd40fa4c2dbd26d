//! What constants of scripts come to when methods rewrite or decode them.

use crate::model::ir::{Arg, Expr, ExprKind, Key, Operator};
use crate::text::decode_by;

/// Whether an expression is text and nothing else.
pub(super) fn is_constant(expr: &Expr, depth: u32) -> bool {
    match &expr.kind {
        ExprKind::String(_) => true,
        ExprKind::Binary(Operator::Add, left, right) => {
            depth < 32 && is_constant(left, depth + 1) && is_constant(right, depth + 1)
        }
        ExprKind::Template(_, items) => items.is_empty(),
        _ => false,
    }
}

/// What `concat` is called on.
pub(super) fn concatenated(callee: &Expr) -> Option<&Expr> {
    match &callee.kind {
        ExprKind::Member { object, key: Key::Static(name, _), .. } if &**name == "concat" => Some(object),
        _ => None,
    }
}

/// What a method makes of a string constant: replaced parts, or its characters turned around.
fn rewritten(object: &Expr, method: &str, args: &[Arg], depth: u32) -> Option<String> {
    let string = |index: usize| match &args.get(index)?.value.kind {
        ExprKind::String(text) => Some(&**text),
        _ => None,
    };
    match method {
        "replace" => Some(whole(object, depth)?.replacen(string(0)?, string(1)?, 1)),
        "replaceAll" => Some(whole(object, depth)?.replace(string(0)?, string(1)?)),
        "join" if string(0) == Some("") => {
            let (list, turned) = match called(object) {
                Some((list, "reverse")) => (list, true),
                _ => (object, false),
            };
            let (text, "split") = called(list)? else { return None };
            let ExprKind::Call { args, .. } = &list.kind else { return None };
            let ExprKind::String(separator) = &args.first()?.value.kind else { return None };
            let text = whole(text, depth)?;
            let mut parts: Vec<&str> = match separator.is_empty() {
                true => text.split("").filter(|part| !part.is_empty()).collect(),
                false => text.split(&**separator).collect(),
            };
            if turned {
                parts.reverse();
            }
            Some(parts.concat())
        }
        _ => None,
    }
}

/// The object and the method of a call.
fn called(expr: &Expr) -> Option<(&Expr, &str)> {
    let ExprKind::Call { callee, .. } = &expr.kind else { return None };
    match &callee.kind {
        ExprKind::Member { object, key: Key::Static(name, _), .. } => Some((object, name)),
        _ => None,
    }
}

/// The text of a constant, or of what methods make of one.
fn whole(expr: &Expr, depth: u32) -> Option<String> {
    match &expr.kind {
        ExprKind::String(text) => Some(text.to_string()),
        ExprKind::Call { args, .. } if depth < 16 => {
            let (object, method) = called(expr)?;
            rewritten(object, method, args, depth + 1)
        }
        _ => None,
    }
}

/// What a call gives that only decodes constants.
pub(super) fn decoded(expr: &Expr) -> Option<String> {
    let ExprKind::Call { callee, args, .. } = &expr.kind else { return None };
    match &callee.kind {
        ExprKind::Member { object, key: Key::Static(name, _), .. }
            if matches!(&**name, "fromCharCode" | "fromCodePoint")
                && matches!(&object.kind, ExprKind::Global(name) if &**name == "String") =>
        {
            let codes = args.iter().map(|arg| match &arg.value.kind {
                ExprKind::Number(number) => char::from_u32(*number as u32),
                _ => None,
            });
            codes.collect::<Option<String>>().filter(|text| !text.is_empty())
        }
        ExprKind::Member { object, key: Key::Static(name, _), .. } => rewritten(object, name, args, 0),
        ExprKind::Global(name) => {
            let ExprKind::String(text) = &args.first()?.value.kind else { return None };
            decode_by(name, text)
        }
        _ => None,
    }
}
