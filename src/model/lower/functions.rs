//! Functions: their frames, parameters and bodies.

use oxc_ast::ast;
use oxc_semantic::ScopeId;

use crate::model::ir::*;
use crate::model::lower::{Lower, MAX_FUNCTIONS, simple};

impl<'l> Lower<'l> {
    pub(super) fn open_function(&mut self, name: Option<Name>, span: oxc_span::Span, scope: Option<ScopeId>) -> FnId {
        let id = self.script.functions.len() as FnId;
        let span = self.span(span);
        self.script.functions.push(Function { name, span, parent: self.current, ..Function::default() });
        if let Some(parent) = self.script.functions.get_mut(self.current as usize) {
            parent.closes = true;
        }
        if let Some(scope) = scope {
            self.scopes.insert(scope, id);
        }
        id
    }

    /// Lowers the inside of a function in its own frame.
    pub(super) fn inside(
        &mut self,
        id: FnId,
        span: oxc_span::Span,
        work: impl FnOnce(&mut Self) -> (Vec<Param>, Vec<Stmt>),
    ) {
        if self.functions >= MAX_FUNCTIONS {
            let span = self.span(span);
            self.script.damage.push(span);
            return;
        }
        let outer = std::mem::replace(&mut self.current, id);
        let depth = std::mem::take(&mut self.depth);
        self.functions += 1;
        let (params, body) = work(self);
        self.functions -= 1;
        self.depth = depth;
        self.current = outer;
        let function = &mut self.script.functions[id as usize];
        function.params = params;
        function.body = body;
    }

    pub(super) fn function(&mut self, function: &ast::Function<'_>, name: Option<Name>) -> FnId {
        let name = match &function.id {
            Some(id) => Some(self.name(&id.name)),
            None => name,
        };
        let id = self.open_function(name, function.span, function.scope_id.get());
        self.script.functions[id as usize].is_async = function.r#async;
        self.script.functions[id as usize].generator = function.generator;
        if function.r#type == ast::FunctionType::FunctionExpression
            && let Some(var) = function.id.as_ref().and_then(|own| self.binding(own))
        {
            // A function expression knows itself by its name.
            self.script.functions[id as usize].hoisted.push((var, id));
        }
        self.inside(id, function.span, |this| {
            let (params, mut body) = this.params(&function.params);
            if let Some(inner) = &function.body {
                body.extend(this.stmts(&inner.statements));
            }
            (params, body)
        });
        id
    }

    pub(super) fn arrow(&mut self, arrow: &ast::ArrowFunctionExpression<'_>, name: Option<Name>) -> FnId {
        let id = self.open_function(name, arrow.span, arrow.scope_id.get());
        self.script.functions[id as usize].arrow = true;
        self.script.functions[id as usize].is_async = arrow.r#async;
        self.inside(id, arrow.span, |this| {
            let (params, mut body) = this.params(&arrow.params);
            match &arrow.body {
                ast::ArrowFunctionBody::FunctionBody(inner) => body.extend(this.stmts(&inner.statements)),
                other => {
                    if let Some(value) = other.as_expression() {
                        let value = this.expr(value);
                        body.push(Stmt { span: value.span, kind: StmtKind::Return(Some(value)) });
                    }
                }
            }
            (params, body)
        });
        id
    }

    /// Parameters, and the statements that TypeScript's parameter properties stand for.
    pub(super) fn params(&mut self, params: &ast::FormalParameters<'_>) -> (Vec<Param>, Vec<Stmt>) {
        let mut lowered = Vec::with_capacity(params.items.len());
        let mut body = Vec::new();
        for item in &params.items {
            let pattern = self.pattern(&item.pattern);
            let is_property = item.accessibility.is_some() || item.readonly || item.r#override;
            if is_property && let Pattern::Var(var, span) = pattern {
                let key = self.script.variables[var as usize].name.clone();
                let target = Pattern::Member(Box::new(simple(
                    span,
                    ExprKind::Member {
                        object: Box::new(simple(span, ExprKind::This)),
                        key: Key::Static(key, span),
                        optional: false,
                    },
                )));
                let value = Box::new(simple(span, ExprKind::Var(var)));
                body.push(Stmt {
                    span,
                    kind: StmtKind::Expr(simple(
                        span,
                        ExprKind::Assign { operator: None, target: Box::new(target), value },
                    )),
                });
            }
            let pattern = match &item.initializer {
                Some(init) => {
                    let name = self.pattern_name(&pattern);
                    let value = self.named(init, name);
                    Pattern::Default(Box::new(pattern), Box::new(value))
                }
                None => pattern,
            };
            lowered.push(Param { pattern, rest: false });
        }
        if let Some(rest) = &params.rest {
            let pattern = self.pattern(&rest.rest.argument);
            lowered.push(Param { pattern, rest: true });
        }
        (lowered, body)
    }

    pub(super) fn pattern_name(&self, pattern: &Pattern) -> Option<Name> {
        match pattern {
            Pattern::Var(var, _) => self.script.variables.get(*var as usize).map(|variable| variable.name.clone()),
            Pattern::Global(name, _) => Some(name.clone()),
            Pattern::Member(member) => match &member.kind {
                ExprKind::Member { object, key: Key::Static(key, _), .. } => {
                    // `module.exports = function () {}` names nothing.
                    let bare =
                        &**key == "exports" && matches!(&object.kind, ExprKind::Global(name) if &**name == "module");
                    (!bare).then(|| key.clone())
                }
                ExprKind::Member { key: Key::Computed(key), .. } => match &key.kind {
                    ExprKind::String(name) => Some(name.clone()),
                    _ => None,
                },
                _ => None,
            },
            Pattern::Default(inner, _) => self.pattern_name(inner),
            _ => None,
        }
    }
}
