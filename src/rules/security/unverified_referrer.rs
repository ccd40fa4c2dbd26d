//! `security/unverified-referrer`

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::model::ir::{Expr, ExprKind, Function, Key, Operator, Pattern, Script, VarId, walk_expr};
use crate::model::sites::statements_of;
use crate::model::{conditions, ir::StmtKind};
use crate::package::{FileKind, Origin};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

/// Data from another mini-program is used with no check of its sender.
pub struct UnverifiedReferrer;

const ID: &str = "security/unverified-referrer";

/// Where the host hands over what the sender gave.
const REFERRER: &str = "referrerInfo";
/// What the sender gave.
const GIVEN: &str = "extraData";
/// Who the sender is.
const SENDER: [&str; 5] = ["appId", "appKey", "srcAppId", "sourceAppId", "fromAppId"];

impl Rule for UnverifiedReferrer {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.kind != FileKind::Script || file.origin != Origin::Own || !cx.program.live_files.contains(&id) {
                continue;
            }
            if cx.policy.privacy.sdk_by_file(&file.source.path).is_some() {
                continue;
            }
            let text = &file.source.text;
            if !text.contains(GIVEN) || !text.contains(REFERRER) {
                continue;
            }
            let Some(script) = cx.program.script(id) else { continue };
            let referrer = Referrer::of(script);
            let mut told = BTreeSet::new();
            for read in &referrer.reads {
                let Some((at, function)) = innermost(script, *read) else { continue };
                // A check in the function that calls this one by an inner callback.
                let around = script.functions.get(function.parent as usize).filter(|_| function.parent != 0);
                let checked = |scope: Span| referrer.checks.iter().any(|check| scope.contains(*check));
                // One finding a function.
                if !checked(function.span) && !around.is_some_and(|around| checked(around.span)) && told.insert(at) {
                    out.push(Finding::new(ID, Place { file: id, span: *read }));
                }
            }
        }
    }
}

/// The innermost function that holds a place, with its index.
fn innermost(script: &Script, span: Span) -> Option<(usize, &Function)> {
    let holding = script.functions.iter().enumerate().filter(|(_, function)| function.span.contains(span));
    holding.min_by_key(|(_, function)| function.span.len())
}

/// What a script does with the referrer.
#[derive(Default)]
struct Referrer {
    /// Variables that hold it, and those that hold who sent it.
    holders: BTreeSet<VarId>,
    senders: BTreeSet<VarId>,
    /// Reads of what the sender gave, in order.
    reads: Vec<Span>,
    /// Where the sender is compared with something, or asked about.
    checks: Vec<Span>,
}

impl Referrer {
    fn of(script: &Script) -> Self {
        let mut out = Self::default();
        // Aliases of aliases, to a depth that nobody reaches.
        for _ in 0..3 {
            let known = out.holders.len() + out.senders.len();
            for function in &script.functions {
                function.params.iter().for_each(|param| out.bind(&param.pattern, false));
                statements_of(function, &mut |stmt| {
                    if let StmtKind::Let(pattern, Some(value)) = &stmt.kind {
                        out.bind_to(pattern, value);
                    }
                });
            }
            script.for_each_expr(&mut |expr| {
                if let ExprKind::Assign { operator: None, target, value } = &expr.kind {
                    out.bind_to(target, value);
                }
            });
            if out.holders.len() + out.senders.len() == known {
                break;
            }
        }
        script.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Member { object, key: Key::Static(key, _), .. } if &**key == GIVEN && out.is(object) => {
                out.reads.push(expr.span);
            }
            ExprKind::Binary(Operator::Eq | Operator::NotEq | Operator::In, left, right)
                if out.names_sender(left) || out.names_sender(right) =>
            {
                // That there is one says nothing of who it is.
                let nothing = |expr: &Expr| match &expr.kind {
                    ExprKind::String(text) => text.is_empty(),
                    kind => matches!(kind, ExprKind::Undefined | ExprKind::Null),
                };
                if !nothing(left) && !nothing(right) {
                    out.checks.push(expr.span);
                }
            }
            ExprKind::Member { key: Key::Computed(key), .. } if out.names_sender(key) => out.checks.push(expr.span),
            _ => {}
        });
        for condition in conditions::conditions(script) {
            // Somebody else is asked about the sender.
            script.for_each_expr(&mut |expr| {
                if let ExprKind::Call { args, .. } = &expr.kind
                    && condition.span.contains(expr.span)
                    && args.iter().any(|arg| out.names_sender(&arg.value))
                {
                    out.checks.push(expr.span);
                }
            });
        }
        for function in &script.functions {
            statements_of(function, &mut |stmt| match &stmt.kind {
                StmtKind::Switch(subject, _) if out.names_sender(subject) => out.checks.push(stmt.span),
                _ => {}
            });
        }
        out.reads.sort_unstable();
        out.reads.dedup();
        out
    }

    /// Whether an expression is the referrer.
    fn is(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Var(var) => self.holders.contains(var),
            ExprKind::Global(name) => &**name == REFERRER,
            ExprKind::Member { key: Key::Static(key, _), .. } => &**key == REFERRER,
            ExprKind::Logical(_, left, right) => self.is(left) || self.is(right),
            ExprKind::Conditional(_, then, other) => self.is(then) || self.is(other),
            _ => false,
        }
    }

    /// Whether an expression says who sent it.
    fn names_sender(&self, expr: &Expr) -> bool {
        let mut found = false;
        walk_expr(expr, &mut |inner| {
            found |= match &inner.kind {
                ExprKind::Var(var) => self.senders.contains(var),
                ExprKind::Member { object, key: Key::Static(key, _), .. } => {
                    SENDER.contains(&&**key) && self.is(object)
                }
                _ => false,
            };
        });
        found
    }

    fn bind_to(&mut self, pattern: &Pattern, value: &Expr) {
        let holds = self.is(value);
        if holds || matches!(pattern, Pattern::Object { .. }) {
            self.bind(pattern, holds);
        } else if let Pattern::Var(var, _) = pattern
            && sender(value).is_some_and(|object| self.is(object))
        {
            self.senders.insert(*var);
        }
    }

    /// Binds a pattern: to the referrer, or to something that may have it.
    fn bind(&mut self, pattern: &Pattern, holds: bool) {
        match pattern {
            Pattern::Var(var, _) if holds => {
                self.holders.insert(*var);
            }
            Pattern::Default(inner, _) => self.bind(inner, holds),
            Pattern::Object { properties, .. } => {
                for (key, target) in properties {
                    let Key::Static(key, span) = key else { continue };
                    let inner = match target {
                        Pattern::Default(inner, _) => inner,
                        target => target,
                    };
                    match (&**key, inner) {
                        (GIVEN, _) if holds => self.reads.push(*span),
                        (key, Pattern::Var(var, _)) if holds && SENDER.contains(&key) => {
                            self.senders.insert(*var);
                        }
                        (REFERRER, _) if !holds => self.bind(target, true),
                        _ if !holds => self.bind(target, false),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// What an expression reads the sender of.
fn sender(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Member { object, key: Key::Static(key, _), .. } if SENDER.contains(&&**key) => Some(object),
        _ => None,
    }
}
