//! Generators that a compiler has rewritten to a table of steps.

use crate::flow::heap::Kind;
use crate::flow::machine::{Act, Jump, Machine, Site};
use crate::flow::value::{Ids, Value};
use crate::model::ir::{Expr, ExprKind, Key, Pattern, Stmt, StmtKind};

impl<'a> Machine<'a> {
    pub(super) fn regenerator_wrap(&mut self, args: &[Value], site: &Site) -> Value {
        let context = self.make_at(site.place, 28, Kind::Plain);
        let body = args.first().cloned().unwrap_or_default();
        let this = args.get(2).cloned().unwrap_or_default();
        let inner = self.inner_site(site);
        let base = self.facts.len();
        let value = self.call(&body, &this, vec![Value::object(context)], &inner);
        let mut facts: Ids = self.facts.get(base..).unwrap_or(&[]).into();
        facts.sort_unstable();
        self.facts.truncate(base);
        let promise = self.make_at(site.place, 29, Kind::Promise);
        self.fulfil(promise, value, &facts);
        Value::object(promise)
    }

    /// Runs the state machine of a transpiled generator straight through: `while (1) switch (context.prev = context.next) …`.
    pub fn regenerator(&mut self, act: &mut Act<'a>, body: &'a [Stmt]) -> Option<Jump> {
        let [Stmt { kind: StmtKind::Switch(subject, cases), .. }] = (match body {
            [Stmt { kind: StmtKind::Block(_, inner), .. }] => inner.as_slice(),
            other => other,
        }) else {
            return None;
        };
        let ExprKind::Assign { target, .. } = &subject.kind else { return None };
        let Pattern::Member(member) = &**target else { return None };
        let ExprKind::Member { object, key: Key::Static(key, _), .. } = &member.kind else { return None };
        if &**key != "prev" {
            return None;
        }
        let context = self.eval(act, object);
        let sent = self.known("sent");
        let base = self.facts.len();
        let mut guards: Vec<(u64, usize)> = Vec::new();
        for (label, statements) in cases {
            if let Some(Expr { kind: ExprKind::Number(number), .. }) = label {
                // A jump that went round some code ends at its label.
                if let Some(at) = guards.iter().position(|(target, _)| *target == number.to_bits()) {
                    self.facts.truncate(guards[at].1.max(base));
                    guards.truncate(at);
                }
            }
            for statement in statements {
                match &statement.kind {
                    StmtKind::Return(Some(value)) => {
                        if let ExprKind::Call { callee, args, .. } = &value.kind
                            && let ExprKind::Member { key: Key::Static(method, _), .. } = &callee.kind
                            && &**method == "abrupt"
                        {
                            let result =
                                args.get(1).map(|arg| self.eval(act, &arg.value)).unwrap_or_else(Value::undefined);
                            act.returned.join(&result);
                            if args.first().is_some_and(
                                |arg| matches!(&arg.value.kind, ExprKind::String(kind) if &**kind == "return"),
                            ) {
                                break;
                            }
                            continue;
                        }
                        let result = self.eval(act, value);
                        let result = self.wait(&result);
                        for &object in &context.objects {
                            self.heap.set(object, sent, Some(result.clone()));
                        }
                    }
                    StmtKind::If(test, yes, no) if no.is_empty() => {
                        let value = self.eval(act, test);
                        if let Some(target) = jump_target(yes) {
                            guards.push((target, self.facts.len()));
                            self.push_facts(&value.no);
                        } else if value.may_true() {
                            let facts = value.yes.clone();
                            self.perhaps(&facts, |machine| machine.block(act, yes));
                        }
                    }
                    StmtKind::Break(_) => break,
                    _ => {
                        let jump = {
                            let list = std::slice::from_ref(statement);
                            self.block(act, list)
                        };
                        if jump != Jump::Next {
                            break;
                        }
                    }
                }
            }
        }
        self.facts.truncate(base);
        Some(Jump::Return)
    }
}

/// The label that `{ context.next = 5; break; }` goes to.
fn jump_target(block: &[Stmt]) -> Option<u64> {
    let ends = matches!(block.last().map(|stmt| &stmt.kind), Some(StmtKind::Break(_)));
    if !ends {
        return match block {
            [Stmt { kind: StmtKind::Block(_, inner), .. }] => jump_target(inner),
            _ => None,
        };
    }
    block.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Assign { target, value, .. }, .. }) => {
            let Pattern::Member(member) = &**target else { return None };
            match (&member.kind, &value.kind) {
                (ExprKind::Member { key: Key::Static(key, _), .. }, ExprKind::Number(number)) if &**key == "next" => {
                    Some(number.to_bits())
                }
                _ => None,
            }
        }
        _ => None,
    })
}
