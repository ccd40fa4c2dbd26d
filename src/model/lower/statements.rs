//! Statements and declarations.

use oxc_ast::ast::{self, Expression as Ast, Statement};
use oxc_span::GetSpan;

use crate::model::ir::*;
use crate::model::lower::expressions::LONG_CHAIN;
use crate::model::lower::patterns::bound_vars;
use crate::model::lower::{Lower, simple};
use crate::source::Span;

impl<'l> Lower<'l> {
    pub(super) fn stmts(&mut self, list: &[Statement<'_>]) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(list.len());
        for stmt in list {
            self.stmt(stmt, &mut out);
        }
        out
    }

    pub(super) fn body(&mut self, stmt: &Statement<'_>) -> Vec<Stmt> {
        match stmt {
            Statement::BlockStatement(block) => self.stmts(&block.body),
            other => {
                let mut out = Vec::with_capacity(1);
                self.stmt(other, &mut out);
                out
            }
        }
    }

    fn stmt(&mut self, stmt: &Statement<'_>, out: &mut Vec<Stmt>) {
        self.deeper(stmt.span(), |this| this.stmt_inner(stmt, out));
    }

    fn stmt_inner(&mut self, stmt: &Statement<'_>, out: &mut Vec<Stmt>) {
        let span = self.span(stmt.span());
        let kind = match stmt {
            Statement::BlockStatement(block) => StmtKind::Block(None, self.stmts(&block.body)),
            Statement::BreakStatement(stmt) => StmtKind::Break(stmt.label.as_ref().map(|label| self.name(&label.name))),
            Statement::ContinueStatement(stmt) => {
                StmtKind::Continue(stmt.label.as_ref().map(|label| self.name(&label.name)))
            }
            Statement::DebuggerStatement(_) | Statement::EmptyStatement(_) => return,
            Statement::DoWhileStatement(stmt) => {
                let body = self.body(&stmt.body);
                let test = Some(self.boxed(&stmt.test));
                StmtKind::Loop { test, update: None, body, post_test: true }
            }
            Statement::WhileStatement(stmt) => {
                let test = Some(self.boxed(&stmt.test));
                let body = self.body(&stmt.body);
                StmtKind::Loop { test, update: None, body, post_test: false }
            }
            Statement::ForStatement(stmt) => {
                let mut block = Vec::new();
                match &stmt.init {
                    Some(ast::ForStatementInit::VariableDeclaration(declaration)) => {
                        self.variables(declaration, &mut block)
                    }
                    Some(init) => {
                        if let Some(init) = init.as_expression() {
                            let init = self.expr(init);
                            block.push(Stmt { span: init.span, kind: StmtKind::Expr(init) });
                        }
                    }
                    None => {}
                }
                let test = stmt.test.as_ref().map(|test| self.boxed(test));
                let update = stmt.update.as_ref().map(|update| self.boxed(update));
                let body = self.body(&stmt.body);
                block.push(Stmt { span, kind: StmtKind::Loop { test, update, body, post_test: false } });
                StmtKind::Block(None, block)
            }
            Statement::ForInStatement(stmt) => self.for_each(&stmt.left, &stmt.right, true, &stmt.body),
            Statement::ForOfStatement(stmt) => self.for_each(&stmt.left, &stmt.right, false, &stmt.body),
            Statement::ExpressionStatement(stmt) => StmtKind::Expr(self.expr(&stmt.expression)),
            Statement::IfStatement(stmt) => {
                self.if_chain(stmt, out);
                return;
            }
            Statement::LabeledStatement(stmt) => {
                let label = self.name(&stmt.label.name);
                let mut inner = Vec::new();
                self.stmt(&stmt.body, &mut inner);
                // The label of a `for` is that of the block around its start.
                match inner.as_mut_slice() {
                    [Stmt { kind: StmtKind::Block(None, body), .. }]
                        if matches!(stmt.body, Statement::ForStatement(_)) =>
                    {
                        StmtKind::Block(Some(label), std::mem::take(body))
                    }
                    _ => StmtKind::Block(Some(label), inner),
                }
            }
            Statement::ReturnStatement(stmt) => StmtKind::Return(stmt.argument.as_ref().map(|value| self.expr(value))),
            Statement::SwitchStatement(stmt) => {
                let value = self.boxed(&stmt.discriminant);
                let mut cases = Vec::with_capacity(stmt.cases.len());
                for case in &stmt.cases {
                    let test = case.test.as_ref().map(|test| self.expr(test));
                    cases.push((test, self.stmts(&case.consequent)));
                }
                StmtKind::Switch(value, cases)
            }
            Statement::ThrowStatement(stmt) => StmtKind::Throw(self.expr(&stmt.argument)),
            Statement::TryStatement(stmt) => {
                let block = self.stmts(&stmt.block.body);
                let handler = stmt.handler.as_ref().map(|handler| {
                    let pattern = handler.param.as_ref().map(|param| self.pattern(&param.pattern));
                    Box::new((pattern, self.stmts(&handler.body.body)))
                });
                let finalizer = stmt.finalizer.as_ref().map(|block| self.stmts(&block.body)).unwrap_or_default();
                StmtKind::Try { block, handler, finalizer }
            }
            Statement::WithStatement(stmt) => {
                let object = self.expr(&stmt.object);
                let mut body = vec![Stmt { span: object.span, kind: StmtKind::Expr(object) }];
                body.extend(self.body(&stmt.body));
                StmtKind::Block(None, body)
            }
            Statement::ImportDeclaration(import) => {
                self.import(import);
                return;
            }
            Statement::ExportAllDeclaration(export) => {
                self.script.module = true;
                if export.export_kind.is_value() {
                    let from = self.string(&export.source);
                    let name = match &export.exported {
                        Some(name) => self.name(&name.name()),
                        None => "*".into(),
                    };
                    let span = self.span(export.source.span);
                    self.script.exports.push(Export::From { from, imported: "*".into(), name, span });
                }
                return;
            }
            Statement::ExportFromDeclaration(export) => {
                self.script.module = true;
                if export.export_kind.is_value() {
                    let from = self.string(&export.source);
                    let span = self.span(export.source.span);
                    for specifier in export.specifiers.iter().filter(|specifier| specifier.export_kind.is_value()) {
                        let imported = self.name(&specifier.local.name());
                        let name = self.name(&specifier.exported.name());
                        self.script.exports.push(Export::From { from: from.clone(), imported, name, span });
                    }
                }
                return;
            }
            Statement::ExportNamedDeclaration(export) => {
                self.script.module = true;
                for specifier in export.specifiers.iter().filter(|specifier| specifier.export_kind.is_value()) {
                    let name = self.name(&specifier.exported.name());
                    let local = match &specifier.local {
                        ast::ModuleExportName::IdentifierReference(id) => match self.resolve(id) {
                            Some(var) => Some(var),
                            None => {
                                // A global: bind it, so that the export has a variable.
                                let value = self.identifier(id);
                                let var = self.synthetic(&id.name, value.span);
                                out.push(Stmt {
                                    span,
                                    kind: StmtKind::Let(Pattern::Var(var, value.span), Some(Box::new(value))),
                                });
                                Some(var)
                            }
                        },
                        _ => None,
                    };
                    if let Some(local) = local {
                        self.script.exports.push(Export::Local { name, local });
                    }
                }
                return;
            }
            Statement::ExportDeclaration(export) => {
                let namespace = !self.namespaces.is_empty();
                self.script.module |= !namespace;
                let start = out.len();
                self.declaration(&export.declaration, span, out);
                let mut declared = Vec::new();
                match &export.declaration {
                    ast::Declaration::VariableDeclaration(_) => {
                        for stmt in &out[start..] {
                            if let StmtKind::Let(pattern, _) = &stmt.kind {
                                bound_vars(pattern, &mut declared);
                            }
                        }
                    }
                    ast::Declaration::FunctionDeclaration(function) => {
                        declared.extend(function.id.as_ref().and_then(|id| self.binding(id)))
                    }
                    ast::Declaration::ClassDeclaration(class) => {
                        declared.extend(class.id.as_ref().and_then(|id| self.binding(id)))
                    }
                    ast::Declaration::TSEnumDeclaration(own) => declared.extend(self.binding(&own.id)),
                    ast::Declaration::TSNamespaceDeclaration(own) => declared.extend(self.binding(&own.id)),
                    _ => {}
                }
                for local in declared {
                    let name = self.script.variables[local as usize].name.clone();
                    match self.namespaces.last_mut() {
                        Some(names) => names.push((name, local)),
                        None => self.script.exports.push(Export::Local { name, local }),
                    }
                }
                return;
            }
            Statement::ExportDefaultDeclaration(export) => {
                self.script.module = true;
                let local = match &export.declaration {
                    ast::ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                        if function.body.is_none() {
                            return;
                        }
                        let id = self.function(function, Some("default".into()));
                        let var = match function.id.as_ref().and_then(|id| self.binding(id)) {
                            Some(var) => var,
                            None => self.synthetic("default", span),
                        };
                        self.script.functions[self.current as usize].hoisted.push((var, id));
                        var
                    }
                    ast::ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                        let var = match class.id.as_ref().and_then(|id| self.binding(id)) {
                            Some(var) => var,
                            None => self.synthetic("default", span),
                        };
                        let value = self.class(class, Some("default".into()), false);
                        out.push(Stmt { span, kind: StmtKind::Let(Pattern::Var(var, span), Some(Box::new(value))) });
                        var
                    }
                    ast::ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
                    other => {
                        let Some(value) = other.as_expression() else { return };
                        let value = self.named(value, Some("default".into()));
                        let var = self.synthetic("default", value.span);
                        out.push(Stmt {
                            span,
                            kind: StmtKind::Let(Pattern::Var(var, value.span), Some(Box::new(value))),
                        });
                        var
                    }
                };
                self.script.exports.push(Export::Local { name: "default".into(), local });
                return;
            }
            Statement::TSExportAssignment(export) => {
                let value = self.expr(&export.expression);
                let target = Box::new(Pattern::Member(Box::new(simple(
                    span,
                    ExprKind::Member {
                        object: Box::new(simple(span, ExprKind::Global("module".into()))),
                        key: Key::Static("exports".into(), span),
                        optional: false,
                    },
                ))));
                StmtKind::Expr(simple(span, ExprKind::Assign { operator: None, target, value: Box::new(value) }))
            }
            other => {
                if let Some(declaration) = other.as_declaration() {
                    self.declaration(declaration, span, out);
                }
                return;
            }
        };
        out.push(Stmt { span, kind });
    }

    /// `if … else if … else`. The arms past a long chain follow as statements of their own.
    fn if_chain(&mut self, stmt: &ast::IfStatement<'_>, out: &mut Vec<Stmt>) {
        struct Arm {
            span: Span,
            test: Box<Expr>,
            body: Vec<Stmt>,
        }
        let mut arms = Vec::new();
        let mut last = Vec::new();
        let mut current = stmt;
        loop {
            let span = self.span(current.span);
            let test = self.boxed(&current.test);
            let body = self.body(&current.consequent);
            arms.push(Arm { span, test, body });
            match &current.alternate {
                Some(Statement::IfStatement(next)) => current = next,
                Some(other) => {
                    last = self.body(other);
                    break;
                }
                None => break,
            }
        }
        let mut groups: Vec<Stmt> = Vec::new();
        while !arms.is_empty() {
            let from = (arms.len() - 1) / LONG_CHAIN * LONG_CHAIN;
            let mut rest = std::mem::take(&mut last);
            for arm in arms.drain(from..).rev() {
                rest = vec![Stmt { span: arm.span, kind: StmtKind::If(arm.test, arm.body, rest) }];
            }
            groups.extend(rest);
        }
        out.extend(groups.into_iter().rev());
    }

    pub(super) fn for_each(
        &mut self,
        left: &ast::ForStatementLeft<'_>,
        right: &Ast<'_>,
        keys: bool,
        body: &Statement<'_>,
    ) -> StmtKind {
        let target = match left {
            ast::ForStatementLeft::VariableDeclaration(declaration) => match declaration.declarations.first() {
                Some(first) => self.pattern(&first.id),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        };
        let iterable = self.boxed(right);
        let body = self.body(body);
        StmtKind::ForEach { target, iterable, keys, body }
    }

    pub(super) fn variables(&mut self, declaration: &ast::VariableDeclaration<'_>, out: &mut Vec<Stmt>) {
        if declaration.declare {
            return;
        }
        for declarator in &declaration.declarations {
            let pattern = self.pattern(&declarator.id);
            let name = self.pattern_name(&pattern);
            let init = declarator.init.as_ref().map(|init| Box::new(self.named(init, name)));
            out.push(Stmt { span: self.span(declarator.span), kind: StmtKind::Let(pattern, init) });
        }
    }

    fn declaration(&mut self, declaration: &ast::Declaration<'_>, span: Span, out: &mut Vec<Stmt>) {
        match declaration {
            ast::Declaration::VariableDeclaration(declaration) => self.variables(declaration, out),
            ast::Declaration::FunctionDeclaration(function) => {
                if function.body.is_none() {
                    return;
                }
                let id = self.function(function, None);
                if let Some(var) = function.id.as_ref().and_then(|own| self.binding(own)) {
                    self.script.functions[self.current as usize].hoisted.push((var, id));
                }
            }
            ast::Declaration::ClassDeclaration(class) => {
                if class.declare {
                    return;
                }
                let value = self.class(class, None, false);
                if let Some(id) = &class.id {
                    let pattern = self.bound(id);
                    out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(Box::new(value))) });
                }
                let own = class.id.as_ref().and_then(|id| self.binding(id));
                for decorator in &class.decorators {
                    let callee = self.expr(&decorator.expression);
                    let span = callee.span;
                    let args = own
                        .map(|var| Arg { value: simple(span, ExprKind::Var(var)), spread: false })
                        .into_iter()
                        .collect();
                    let call = simple(span, ExprKind::Call { callee: Box::new(callee), args, optional: false });
                    out.push(Stmt { span, kind: StmtKind::Expr(call) });
                }
            }
            ast::Declaration::TSEnumDeclaration(own) => {
                if own.declare {
                    return;
                }
                let mut next = 0.0;
                let mut properties = Vec::new();
                for member in &own.body.members {
                    let member_span = self.span(member.span);
                    let name = match &member.id {
                        ast::TSEnumMemberName::Identifier(id) => self.name(&id.name),
                        ast::TSEnumMemberName::String(text) | ast::TSEnumMemberName::ComputedString(text) => {
                            self.string(text)
                        }
                        ast::TSEnumMemberName::ComputedTemplateString(_) => continue,
                    };
                    let value = match &member.initializer {
                        Some(init) => self.expr(init),
                        None => simple(member_span, ExprKind::Number(next)),
                    };
                    if let ExprKind::Number(number) = value.kind {
                        next = number + 1.0;
                    }
                    properties.push(Property::Value(Key::Static(name, member_span), value));
                }
                let pattern = self.bound(&own.id);
                out.push(Stmt {
                    span,
                    kind: StmtKind::Let(pattern, Some(Box::new(simple(span, ExprKind::Object(properties))))),
                });
            }
            ast::Declaration::TSNamespaceDeclaration(own) => {
                if !own.declare {
                    self.namespace(own, span, out);
                }
            }
            ast::Declaration::TSImportEqualsDeclaration(own) => {
                if own.import_kind.is_type() {
                    return;
                }
                let value = match &own.module_reference {
                    ast::TSModuleReference::ExternalModuleReference(module) => {
                        let at = self.span(module.expression.span);
                        let request = simple(at, ExprKind::String(self.string(&module.expression)));
                        let callee = Box::new(simple(span, ExprKind::Global("require".into())));
                        simple(
                            span,
                            ExprKind::Call {
                                callee,
                                args: vec![Arg { value: request, spread: false }],
                                optional: false,
                            },
                        )
                    }
                    ast::TSModuleReference::IdentifierReference(id) => self.identifier(id),
                    ast::TSModuleReference::QualifiedName(_) => simple(span, ExprKind::Unknown),
                };
                let pattern = self.bound(&own.id);
                out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(Box::new(value))) });
            }
            ast::Declaration::TSTypeAliasDeclaration(_)
            | ast::Declaration::TSInterfaceDeclaration(_)
            | ast::Declaration::TSExternalModuleDeclaration(_)
            | ast::Declaration::TSGlobalDeclaration(_) => {}
        }
    }

    pub(super) fn namespace(&mut self, own: &ast::TSNamespaceDeclaration<'_>, span: Span, out: &mut Vec<Stmt>) {
        self.namespaces.push(Vec::new());
        let mut body = Vec::new();
        match &own.body {
            ast::TSNamespaceDeclarationBody::TSModuleBlock(block) => body = self.stmts(&block.body),
            ast::TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.deeper(inner.span, |this| this.namespace(inner, span, &mut body));
                if let (Some(var), Some(names)) = (self.binding(&inner.id), self.namespaces.last_mut()) {
                    let name = self.script.variables[var as usize].name.clone();
                    names.push((name, var));
                }
            }
        }
        let names = self.namespaces.pop().unwrap_or_default();
        out.push(Stmt { span, kind: StmtKind::Block(None, body) });
        let properties = names
            .into_iter()
            .map(|(name, var)| Property::Value(Key::Static(name, span), simple(span, ExprKind::Var(var))))
            .collect();
        let pattern = self.bound(&own.id);
        out.push(Stmt {
            span,
            kind: StmtKind::Let(pattern, Some(Box::new(simple(span, ExprKind::Object(properties))))),
        });
    }

    pub(super) fn import(&mut self, import: &ast::ImportDeclaration<'_>) {
        self.script.module = true;
        if import.import_kind.is_type() {
            return;
        }
        let from = self.string(&import.source);
        let span = self.span(import.source.span);
        let specifiers: &[ast::ImportDeclarationSpecifier<'_>] =
            import.specifiers.as_ref().map_or(&[], |list| list.as_slice());
        let mut values = 0;
        for specifier in specifiers {
            let (name, local) = match specifier {
                ast::ImportDeclarationSpecifier::ImportSpecifier(own) => {
                    if own.import_kind.is_type() {
                        continue;
                    }
                    (self.name(&own.imported.name()), &own.local)
                }
                ast::ImportDeclarationSpecifier::ImportDefaultSpecifier(own) => ("default".into(), &own.local),
                ast::ImportDeclarationSpecifier::ImportNamespaceSpecifier(own) => ("*".into(), &own.local),
            };
            values += 1;
            let local = self.binding(local);
            self.script.imports.push(Import { from: from.clone(), name, local, span });
        }
        if values == 0 {
            self.script.imports.push(Import { from, name: "*".into(), local: None, span });
        }
    }
}
