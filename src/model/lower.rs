//! Parsed scripts to their compact form.

use std::collections::HashMap;

use oxc_ast::ast::{self, Expression as Ast, Statement};
use oxc_semantic::{ScopeId, Scoping, SymbolId};
use oxc_span::GetSpan;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UnaryOperator};

use super::ir::*;
use crate::source::Span;
use crate::syntax::repair::Repair;
use crate::syntax::script::{ScriptKind, with_expression, with_parsed};

/// Nesting within one function, and of functions, that is followed. What lies deeper is damage.
const MAX_DEPTH: u32 = 300;
const MAX_FUNCTIONS: u32 = 100;
/// Chains of one operator, and of `else if`, that are longer are kept flat.
const LONG_CHAIN: usize = 24;

/// Lowers a script. It never fails: what could not be read is in [`Script::damage`].
pub fn script(text: &str, kind: ScriptKind) -> Script {
    script_at(text, kind, 0)
}

/// Lowers a script in which free names stand for other globals, as a compiler's wrapper of a module names them.
pub fn module(text: &str, kind: ScriptKind, renamed: &[(Name, Name)]) -> Script {
    lowered(text, kind, 0, renamed)
}

/// Lowers a script that stands in another file; spans are moved by `offset`.
pub fn script_at(text: &str, kind: ScriptKind, offset: u32) -> Script {
    lowered(text, kind, offset, &[])
}

fn lowered(text: &str, kind: ScriptKind, offset: u32, renamed: &[(Name, Name)]) -> Script {
    let lowered = with_parsed(text, kind, |parsed| {
        let mut lower = Lower::new(Some(parsed.scoping), parsed.repair, i64::from(offset));
        lower.renamed = renamed;
        lower.program(parsed.program);
        let mut script = lower.script;
        script.damage.extend(parsed.repair.damage.iter().map(|span| span.shifted(offset)));
        script.damage.sort_unstable();
        script.damage.dedup();
        script.errors = parsed.errors.iter().map(|(span, message)| (span.shifted(offset), message.clone())).collect();
        script
    });
    lowered.unwrap_or_else(|| {
        let whole = Span::new(offset, offset + text.len() as u32);
        Script {
            functions: vec![Function {
                name: None,
                span: whole,
                parent: 0,
                params: Vec::new(),
                body: Vec::new(),
                hoisted: Vec::new(),
                arrow: false,
                is_async: false,
                generator: false,
                closes: false,
                arguments: false,
            }],
            damage: vec![whole],
            errors: vec![(Span::at(offset), "nested too deep".into())],
            ..Script::default()
        }
    })
}

/// Lowers an expression of a template; spans are moved by `offset`. Names are [`ExprKind::Global`], functions
/// [`ExprKind::Unknown`]. The body of an object literal (`a, b: c, ...d`) is one, too.
pub fn expression(text: &str, offset: u32) -> Option<Expr> {
    if let Some(path) = plain_path(text, offset) {
        return Some(path);
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let lower = |text: &str, delta: i64| {
        with_expression(text, |tree| {
            let repair = Repair::default();
            let mut lower = Lower::new(None, &repair, delta);
            lower.expr(tree)
        })
    };
    let whole = lower(text, i64::from(offset));
    match &whole {
        Some(Expr { kind: ExprKind::Sequence(_), .. }) | None => {
            let object = lower(&format!("({{{text}}})"), i64::from(offset) - 2);
            object.filter(|expr| matches!(expr.kind, ExprKind::Object(_))).or(whole)
        }
        Some(_) => whole,
    }
}

/// `a`, `a.b.c`: most expressions of templates, read without the parser.
fn plain_path(text: &str, offset: u32) -> Option<Expr> {
    let lead = text.len() - text.trim_start().len();
    let path = text.trim();
    if path.is_empty() || path.len() > 200 {
        return None;
    }
    let mut at = offset + lead as u32;
    let start = at;
    let mut expr: Option<Expr> = None;
    for part in path.split('.') {
        let plain = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
        if !plain {
            return None;
        }
        let span = Span::new(at, at + part.len() as u32);
        expr = Some(match expr {
            None => Expr {
                span,
                kind: match part {
                    "true" => ExprKind::Bool(true),
                    "false" => ExprKind::Bool(false),
                    "null" => ExprKind::Null,
                    "undefined" => ExprKind::Undefined,
                    "this" | "new" | "typeof" | "void" | "delete" | "function" | "class" | "super" | "await"
                    | "yield" | "in" | "instanceof" => {
                        return None;
                    }
                    name => ExprKind::Global(name.into()),
                },
            },
            Some(object) => Expr {
                span: Span::new(start, span.end),
                kind: ExprKind::Member {
                    object: Box::new(object),
                    key: Key::Static(part.into(), span),
                    optional: false,
                },
            },
        });
        at = span.end + 1;
    }
    expr
}

struct Lower<'l> {
    scoping: Option<&'l Scoping>,
    repair: &'l Repair,
    delta: i64,
    script: Script,
    names: HashMap<String, Name>,
    scopes: HashMap<ScopeId, FnId>,
    current: FnId,
    depth: u32,
    functions: u32,
    /// Names exported by the namespaces that are being lowered.
    namespaces: Vec<Vec<(Name, VarId)>>,
    /// Free names that stand for another global.
    renamed: &'l [(Name, Name)],
}

fn simple(span: Span, kind: ExprKind) -> Expr {
    Expr { span, kind }
}

impl<'l> Lower<'l> {
    fn new(scoping: Option<&'l Scoping>, repair: &'l Repair, delta: i64) -> Self {
        Self {
            scoping,
            repair,
            delta,
            script: Script::default(),
            names: HashMap::new(),
            scopes: HashMap::new(),
            current: 0,
            depth: 0,
            functions: 0,
            namespaces: Vec::new(),
            renamed: &[],
        }
    }

    // Small things.

    fn span(&self, span: oxc_span::Span) -> Span {
        let at = self.repair.span(Span::new(span.start, span.end));
        let moved = |offset: u32| u32::try_from(i64::from(offset) + self.delta).unwrap_or(0);
        Span::new(moved(at.start), moved(at.end))
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name: Name = text.into();
        if text.len() <= 64 {
            self.names.insert(text.to_owned(), name.clone());
        }
        name
    }

    fn string(&mut self, literal: &ast::StringLiteral<'_>) -> Name {
        if !literal.lone_surrogates {
            return self.name(&literal.value);
        }
        // The parser writes a lone surrogate as U+FFFD and four digits.
        let mut out = String::new();
        let mut rest = literal.value.as_str();
        while let Some(at) = rest.find('\u{FFFD}') {
            out.push_str(&rest[..at + 3]);
            rest = &rest[at + 3..];
            if rest.len() >= 4 && rest.is_char_boundary(4) {
                rest = &rest[4..];
            }
        }
        out.push_str(rest);
        out.into()
    }

    fn var(symbol: SymbolId) -> VarId {
        symbol.index() as VarId
    }

    fn binding(&self, id: &ast::BindingIdentifier<'_>) -> Option<VarId> {
        self.scoping?;
        id.symbol_id.get().map(Self::var)
    }

    fn synthetic(&mut self, name: &str, span: Span) -> VarId {
        let name = self.name(name);
        self.script.variables.push(Variable { name, owner: self.current, span });
        self.script.variables.len() as VarId - 1
    }

    fn resolve(&self, id: &ast::IdentifierReference<'_>) -> Option<VarId> {
        let scoping = self.scoping?;
        let reference = id.reference_id.get()?;
        scoping.get_reference(reference).symbol_id().map(Self::var)
    }

    fn identifier(&mut self, id: &ast::IdentifierReference<'_>) -> Expr {
        let span = self.span(id.span);
        let kind = match self.resolve(id) {
            Some(var) => ExprKind::Var(var),
            None => match id.name.as_str() {
                "undefined" => ExprKind::Undefined,
                "NaN" => ExprKind::Number(f64::NAN),
                "Infinity" => ExprKind::Number(f64::INFINITY),
                "arguments" => {
                    self.reads_arguments();
                    ExprKind::Arguments
                }
                name => ExprKind::Global(self.global(name)),
            },
        };
        simple(span, kind)
    }

    /// A free name, or what it stands for.
    fn global(&mut self, name: &str) -> Name {
        match self.renamed.iter().find(|(own, _)| **own == *name) {
            Some((_, global)) => global.clone(),
            None => self.name(name),
        }
    }

    /// Notes a read of `arguments`, which arrow functions take from the functions around them.
    fn reads_arguments(&mut self) {
        let mut at = self.current;
        while let Some(function) = self.script.functions.get_mut(at as usize)
            && !std::mem::replace(&mut function.arguments, true)
            && function.parent != at
        {
            at = function.parent;
        }
    }

    /// Runs one level deeper; `None` and damage when that is too deep.
    fn deeper<T>(&mut self, span: oxc_span::Span, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            let span = self.span(span);
            self.script.damage.push(span);
            return None;
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        Some(result)
    }

    // Programs and functions.

    fn program(&mut self, program: &ast::Program<'_>) {
        self.script.comments = program.comments.iter().map(|comment| self.span(comment.span)).collect();
        if let Some(scoping) = self.scoping {
            for symbol in scoping.symbol_ids() {
                let name = self.name(scoping.symbol_name(symbol));
                let span = self.span(scoping.symbol_span(symbol));
                self.script.variables.push(Variable { name, owner: 0, span });
            }
        }
        let declared = self.script.variables.len();
        let span = self.span(program.span);
        self.script.functions.push(Function {
            name: None,
            span,
            parent: 0,
            params: Vec::new(),
            body: Vec::new(),
            hoisted: Vec::new(),
            arrow: false,
            is_async: false,
            generator: false,
            closes: false,
            arguments: false,
        });
        if let Some(scope) = program.scope_id.get() {
            self.scopes.insert(scope, 0);
        }
        let body = self.stmts(&program.body);
        self.script.functions[0].body = body;
        if let Some(scoping) = self.scoping {
            for (index, symbol) in scoping.symbol_ids().enumerate().take(declared) {
                let owner = scoping
                    .scope_ancestors(scoping.symbol_scope_id(symbol))
                    .find_map(|scope| self.scopes.get(&scope).copied())
                    .unwrap_or(0);
                self.script.variables[index].owner = owner;
            }
        }
    }

    fn open_function(&mut self, name: Option<Name>, span: oxc_span::Span, scope: Option<ScopeId>) -> FnId {
        let id = self.script.functions.len() as FnId;
        let span = self.span(span);
        self.script.functions.push(Function {
            name,
            span,
            parent: self.current,
            params: Vec::new(),
            body: Vec::new(),
            hoisted: Vec::new(),
            arrow: false,
            is_async: false,
            generator: false,
            closes: false,
            arguments: false,
        });
        if let Some(parent) = self.script.functions.get_mut(self.current as usize) {
            parent.closes = true;
        }
        if let Some(scope) = scope {
            self.scopes.insert(scope, id);
        }
        id
    }

    /// Lowers the inside of a function in its own frame.
    fn inside(&mut self, id: FnId, span: oxc_span::Span, work: impl FnOnce(&mut Self) -> (Vec<Param>, Vec<Stmt>)) {
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

    fn function(&mut self, function: &ast::Function<'_>, name: Option<Name>) -> FnId {
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

    fn arrow(&mut self, arrow: &ast::ArrowFunctionExpression<'_>, name: Option<Name>) -> FnId {
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
    fn params(&mut self, params: &ast::FormalParameters<'_>) -> (Vec<Param>, Vec<Stmt>) {
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
                    kind: StmtKind::Expr(simple(span, ExprKind::Assign { operator: None, target, value })),
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

    // Patterns.

    fn pattern_name(&self, pattern: &Pattern) -> Option<Name> {
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

    fn bound(&mut self, id: &ast::BindingIdentifier<'_>) -> Pattern {
        let span = self.span(id.span);
        match self.binding(id) {
            Some(var) => Pattern::Var(var, span),
            None => Pattern::Global(self.global(&id.name), span),
        }
    }

    fn pattern(&mut self, pattern: &ast::BindingPattern<'_>) -> Pattern {
        self.deeper(pattern.span(), |this| match pattern {
            ast::BindingPattern::BindingIdentifier(id) => this.bound(id),
            ast::BindingPattern::ObjectPattern(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    let key = this.key(&property.key);
                    properties.push((key, this.pattern(&property.value)));
                }
                let rest = object.rest.as_ref().map(|rest| Box::new(this.pattern(&rest.argument)));
                Pattern::Object { properties, rest }
            }
            ast::BindingPattern::ArrayPattern(array) => {
                let items = array.elements.iter().map(|item| item.as_ref().map(|item| this.pattern(item))).collect();
                let rest = array.rest.as_ref().map(|rest| Box::new(this.pattern(&rest.argument)));
                Pattern::Array { items, rest }
            }
            ast::BindingPattern::AssignmentPattern(assignment) => {
                let left = this.pattern(&assignment.left);
                let name = this.pattern_name(&left);
                let right = this.named(&assignment.right, name);
                Pattern::Default(Box::new(left), Box::new(right))
            }
        })
        .unwrap_or(Pattern::Array { items: Vec::new(), rest: None })
    }

    fn target(&mut self, target: &ast::AssignmentTarget<'_>) -> Pattern {
        self.deeper(target.span(), |this| match target {
            ast::AssignmentTarget::ArrayAssignmentTarget(array) => {
                let items =
                    array.elements.iter().map(|item| item.as_ref().map(|item| this.maybe_default(item))).collect();
                let rest = array.rest.as_ref().map(|rest| Box::new(this.target(&rest.target)));
                Pattern::Array { items, rest }
            }
            ast::AssignmentTarget::ObjectAssignmentTarget(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    match property {
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(own) => {
                            let span = this.span(own.binding.span);
                            let key = Key::Static(this.name(&own.binding.name), span);
                            let target = this.reference_target(&own.binding);
                            let target = match &own.init {
                                Some(init) => {
                                    let name = this.pattern_name(&target);
                                    Pattern::Default(Box::new(target), Box::new(this.named(init, name)))
                                }
                                None => target,
                            };
                            properties.push((key, target));
                        }
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyProperty(own) => {
                            let key = this.key(&own.name);
                            properties.push((key, this.maybe_default(&own.binding)));
                        }
                    }
                }
                let rest = object.rest.as_ref().map(|rest| Box::new(this.target(&rest.target)));
                Pattern::Object { properties, rest }
            }
            other => match other.as_simple_assignment_target() {
                Some(simple) => this.simple_target(simple),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        })
        .unwrap_or(Pattern::Array { items: Vec::new(), rest: None })
    }

    fn reference_target(&mut self, id: &ast::IdentifierReference<'_>) -> Pattern {
        let span = self.span(id.span);
        match self.resolve(id) {
            Some(var) => Pattern::Var(var, span),
            None => Pattern::Global(self.name(&id.name), span),
        }
    }

    fn maybe_default(&mut self, target: &ast::AssignmentTargetMaybeDefault<'_>) -> Pattern {
        match target {
            ast::AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(own) => {
                let left = self.target(&own.binding);
                let name = self.pattern_name(&left);
                let right = self.named(&own.init, name);
                Pattern::Default(Box::new(left), Box::new(right))
            }
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        }
    }

    fn simple_target(&mut self, target: &ast::SimpleAssignmentTarget<'_>) -> Pattern {
        let of = |this: &mut Self, inner: &Ast<'_>| match inner {
            Ast::Identifier(id) => this.reference_target(id),
            other => Pattern::Member(Box::new(this.expr(other))),
        };
        match target {
            ast::SimpleAssignmentTarget::AssignmentTargetIdentifier(id) => self.reference_target(id),
            ast::SimpleAssignmentTarget::TSAsExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSSatisfiesExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSNonNullExpression(inner) => of(self, &inner.expression),
            ast::SimpleAssignmentTarget::TSTypeAssertion(inner) => of(self, &inner.expression),
            other => match other.as_member_expression() {
                Some(member) => Pattern::Member(Box::new(self.member(member))),
                None => Pattern::Array { items: Vec::new(), rest: None },
            },
        }
    }

    fn key(&mut self, key: &ast::PropertyKey<'_>) -> Key {
        match key {
            ast::PropertyKey::StaticIdentifier(id) => {
                let span = self.span(id.span);
                Key::Static(self.name(&id.name), span)
            }
            ast::PropertyKey::PrivateIdentifier(id) => {
                let span = self.span(id.span);
                let name = format!("#{}", id.name);
                Key::Static(self.name(&name), span)
            }
            other => match other.as_expression() {
                Some(expr) => self.computed(expr),
                None => Key::Computed(Box::new(simple(Span::default(), ExprKind::Unknown))),
            },
        }
    }

    fn computed(&mut self, expr: &Ast<'_>) -> Key {
        let span = self.span(expr.span());
        match expr {
            Ast::StringLiteral(literal) => Key::Static(self.string(literal), span),
            Ast::NumericLiteral(literal) => {
                let text = literal.raw.map_or_else(|| literal.value.to_string(), |raw| raw.to_string());
                Key::Static(self.name(&text), span)
            }
            Ast::TemplateLiteral(template) if template.expressions.is_empty() => match template.quasis.first() {
                Some(quasi) => {
                    let text = quasi.value.cooked.unwrap_or(quasi.value.raw);
                    Key::Static(self.name(&text), span)
                }
                None => Key::Computed(Box::new(self.expr(expr))),
            },
            _ => Key::Computed(Box::new(self.expr(expr))),
        }
    }

    // Statements.

    fn stmts(&mut self, list: &[Statement<'_>]) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(list.len());
        for stmt in list {
            self.stmt(stmt, &mut out);
        }
        out
    }

    fn body(&mut self, stmt: &Statement<'_>) -> Vec<Stmt> {
        match stmt {
            Statement::BlockStatement(block) => self.stmts(&block.body),
            other => {
                let mut out = Vec::new();
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
                let test = Some(self.expr(&stmt.test));
                StmtKind::Loop { test, update: None, body, post_test: true }
            }
            Statement::WhileStatement(stmt) => {
                let test = Some(self.expr(&stmt.test));
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
                let test = stmt.test.as_ref().map(|test| self.expr(test));
                let update = stmt.update.as_ref().map(|update| self.expr(update));
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
                let value = self.expr(&stmt.discriminant);
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
                    (pattern, self.stmts(&handler.body.body))
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
                                    kind: StmtKind::Let(Pattern::Var(var, value.span), Some(value)),
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
                        out.push(Stmt { span, kind: StmtKind::Let(Pattern::Var(var, span), Some(value)) });
                        var
                    }
                    ast::ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
                    other => {
                        let Some(value) = other.as_expression() else { return };
                        let value = self.named(value, Some("default".into()));
                        let var = self.synthetic("default", value.span);
                        out.push(Stmt { span, kind: StmtKind::Let(Pattern::Var(var, value.span), Some(value)) });
                        var
                    }
                };
                self.script.exports.push(Export::Local { name: "default".into(), local });
                return;
            }
            Statement::TSExportAssignment(export) => {
                let value = self.expr(&export.expression);
                let target = Pattern::Member(Box::new(simple(
                    span,
                    ExprKind::Member {
                        object: Box::new(simple(span, ExprKind::Global("module".into()))),
                        key: Key::Static("exports".into(), span),
                        optional: false,
                    },
                )));
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
            test: Expr,
            body: Vec<Stmt>,
        }
        let mut arms = Vec::new();
        let mut last = Vec::new();
        let mut current = stmt;
        loop {
            let span = self.span(current.span);
            let test = self.expr(&current.test);
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

    fn for_each(
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
        let iterable = self.expr(right);
        let body = self.body(body);
        StmtKind::ForEach { target, iterable, keys, body }
    }

    fn variables(&mut self, declaration: &ast::VariableDeclaration<'_>, out: &mut Vec<Stmt>) {
        if declaration.declare {
            return;
        }
        for declarator in &declaration.declarations {
            let pattern = self.pattern(&declarator.id);
            let name = self.pattern_name(&pattern);
            let init = declarator.init.as_ref().map(|init| self.named(init, name));
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
                    out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(value)) });
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
                out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(simple(span, ExprKind::Object(properties)))) });
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
                out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(value)) });
            }
            ast::Declaration::TSTypeAliasDeclaration(_)
            | ast::Declaration::TSInterfaceDeclaration(_)
            | ast::Declaration::TSExternalModuleDeclaration(_)
            | ast::Declaration::TSGlobalDeclaration(_) => {}
        }
    }

    fn namespace(&mut self, own: &ast::TSNamespaceDeclaration<'_>, span: Span, out: &mut Vec<Stmt>) {
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
        out.push(Stmt { span, kind: StmtKind::Let(pattern, Some(simple(span, ExprKind::Object(properties)))) });
    }

    fn import(&mut self, import: &ast::ImportDeclaration<'_>) {
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

    // Expressions.

    fn expr(&mut self, expr: &Ast<'_>) -> Expr {
        self.named(expr, None)
    }

    /// An expression; a function or class without a name gets `name`.
    fn named(&mut self, expr: &Ast<'_>, name: Option<Name>) -> Expr {
        let span = expr.span();
        match self.deeper(span, |this| this.expr_inner(expr, name)) {
            Some(expr) => expr,
            None => simple(self.span(span), ExprKind::Unknown),
        }
    }

    fn boxed(&mut self, expr: &Ast<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn expr_inner(&mut self, expr: &Ast<'_>, name: Option<Name>) -> Expr {
        let span = self.span(expr.span());
        let kind = match expr {
            Ast::BooleanLiteral(literal) => ExprKind::Bool(literal.value),
            Ast::NullLiteral(_) => ExprKind::Null,
            Ast::NumericLiteral(literal) => ExprKind::Number(literal.value),
            Ast::BigIntLiteral(literal) => ExprKind::Number(literal.value.parse().unwrap_or(f64::NAN)),
            Ast::RegExpLiteral(literal) => match literal.raw {
                Some(raw) => ExprKind::Regex(raw.as_str().into()),
                None => ExprKind::Regex(literal.regex.pattern.text.as_str().into()),
            },
            Ast::StringLiteral(literal) => ExprKind::String(self.string(literal)),
            Ast::TemplateLiteral(template) => {
                let (quasis, expressions) = self.template(template);
                match quasis.as_slice() {
                    [only] if expressions.is_empty() => ExprKind::String(only.clone()),
                    _ => ExprKind::Template(quasis, expressions),
                }
            }
            Ast::Identifier(id) => return self.identifier(id),
            Ast::Super(_) => ExprKind::Super,
            Ast::ThisExpression(_) => ExprKind::This,
            Ast::ArrayExpression(array) => {
                let mut items = Vec::with_capacity(array.elements.len());
                for item in &array.elements {
                    items.push(match item {
                        ast::ArrayExpressionElement::SpreadElement(spread) => {
                            Some(Arg { value: self.expr(&spread.argument), spread: true })
                        }
                        ast::ArrayExpressionElement::Elision(_) => None,
                        other => other.as_expression().map(|value| Arg { value: self.expr(value), spread: false }),
                    });
                }
                ExprKind::Array(items)
            }
            Ast::ArrowFunctionExpression(arrow) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    ExprKind::Function(self.arrow(arrow, name))
                }
            }
            Ast::FunctionExpression(function) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    ExprKind::Function(self.function(function, name))
                }
            }
            Ast::ClassExpression(class) => {
                if self.scoping.is_none() {
                    ExprKind::Unknown
                } else {
                    return self.class(class, name, true);
                }
            }
            Ast::AssignmentExpression(assignment) => {
                let target = self.target(&assignment.left);
                let name = self.pattern_name(&target);
                let value = Box::new(self.named(&assignment.right, name));
                ExprKind::Assign { operator: assignment_operator(assignment.operator), target, value }
            }
            Ast::AwaitExpression(inner) => ExprKind::Await(self.boxed(&inner.argument)),
            Ast::BinaryExpression(binary) => return self.binary_chain(binary),
            Ast::LogicalExpression(logical) => return self.logical_chain(logical),
            Ast::CallExpression(call) => return self.call(call),
            Ast::ChainExpression(chain) => match &chain.expression {
                ast::ChainElement::CallExpression(call) => return self.call(call),
                ast::ChainElement::TSNonNullExpression(inner) => return self.expr(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => return self.member(member),
                    None => ExprKind::Unknown,
                },
            },
            Ast::ConditionalExpression(conditional) => {
                let test = self.boxed(&conditional.test);
                let then = Box::new(self.named(&conditional.consequent, name.clone()));
                let other = Box::new(self.named(&conditional.alternate, name));
                ExprKind::Conditional(test, then, other)
            }
            Ast::ImportExpression(import) => ExprKind::Import(self.boxed(&import.source)),
            Ast::NewExpression(new) => {
                let callee = self.boxed(&new.callee);
                let args = self.args(&new.arguments);
                ExprKind::New { callee, args }
            }
            Ast::ObjectExpression(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    properties.push(match property {
                        ast::ObjectPropertyKind::SpreadProperty(spread) => {
                            Property::Spread(self.expr(&spread.argument))
                        }
                        ast::ObjectPropertyKind::ObjectProperty(property) => {
                            let key = self.key(&property.key);
                            let name = key_name(&key);
                            match (property.kind, &property.value) {
                                (ast::PropertyKind::Get, Ast::FunctionExpression(function))
                                    if self.scoping.is_some() =>
                                {
                                    Property::Getter(key, self.function(function, name))
                                }
                                (ast::PropertyKind::Set, Ast::FunctionExpression(function))
                                    if self.scoping.is_some() =>
                                {
                                    Property::Setter(key, self.function(function, name))
                                }
                                (_, value) => Property::Value(key, self.named(value, name)),
                            }
                        }
                    });
                }
                ExprKind::Object(properties)
            }
            Ast::ParenthesizedExpression(inner) => return self.named(&inner.expression, name),
            Ast::SequenceExpression(sequence) => {
                ExprKind::Sequence(sequence.expressions.iter().map(|item| self.expr(item)).collect())
            }
            Ast::TaggedTemplateExpression(tagged) => {
                let tag = self.boxed(&tagged.tag);
                let (quasis, expressions) = self.template(&tagged.quasi);
                ExprKind::Tagged(tag, quasis, expressions)
            }
            Ast::UnaryExpression(unary) => match unary.operator {
                UnaryOperator::LogicalNot => match &unary.argument {
                    Ast::NumericLiteral(literal) => ExprKind::Bool(literal.value == 0.0),
                    argument => ExprKind::Not(self.boxed(argument)),
                },
                UnaryOperator::UnaryNegation => match &unary.argument {
                    Ast::NumericLiteral(literal) => ExprKind::Number(-literal.value),
                    argument => ExprKind::Unary(Operator::Sub, self.boxed(argument)),
                },
                UnaryOperator::UnaryPlus => ExprKind::Unary(Operator::Add, self.boxed(&unary.argument)),
                UnaryOperator::BitwiseNot => ExprKind::Unary(Operator::BitXor, self.boxed(&unary.argument)),
                UnaryOperator::Typeof => ExprKind::Typeof(self.boxed(&unary.argument)),
                UnaryOperator::Delete => ExprKind::Delete(self.boxed(&unary.argument)),
                UnaryOperator::Void => match &unary.argument {
                    Ast::NumericLiteral(_) => ExprKind::Undefined,
                    argument => ExprKind::Sequence(vec![self.expr(argument), simple(span, ExprKind::Undefined)]),
                },
            },
            Ast::UpdateExpression(update) => ExprKind::Update(self.simple_target(&update.argument)),
            Ast::YieldExpression(inner) => ExprKind::Yield(inner.argument.as_ref().map(|value| self.boxed(value))),
            Ast::PrivateInExpression(inner) => {
                self.expr(&inner.right);
                ExprKind::Unknown
            }
            Ast::JSXElement(element) => return self.jsx(element),
            Ast::JSXFragment(fragment) => {
                let children = self.jsx_children(&fragment.children);
                ExprKind::Jsx(Box::new(simple(span, ExprKind::String("".into()))), Vec::new(), children)
            }
            Ast::TSAsExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSSatisfiesExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSTypeAssertion(inner) => return self.named(&inner.expression, name),
            Ast::TSNonNullExpression(inner) => return self.named(&inner.expression, name),
            Ast::TSInstantiationExpression(inner) => return self.named(&inner.expression, name),
            Ast::ImportMeta(_) | Ast::NewTarget(_) | Ast::V8IntrinsicExpression(_) => ExprKind::Unknown,
            other => match other.as_member_expression() {
                Some(member) => return self.member(member),
                None => ExprKind::Unknown,
            },
        };
        simple(span, kind)
    }

    fn template(&mut self, template: &ast::TemplateLiteral<'_>) -> (Vec<Name>, Vec<Expr>) {
        let quasis =
            template.quasis.iter().map(|quasi| self.name(&quasi.value.cooked.unwrap_or(quasi.value.raw))).collect();
        let expressions = template.expressions.iter().map(|value| self.expr(value)).collect();
        (quasis, expressions)
    }

    fn args(&mut self, args: &[ast::Argument<'_>]) -> Vec<Arg> {
        let mut out = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                ast::Argument::SpreadElement(spread) => {
                    out.push(Arg { value: self.expr(&spread.argument), spread: true })
                }
                other => {
                    if let Some(value) = other.as_expression() {
                        out.push(Arg { value: self.expr(value), spread: false });
                    }
                }
            }
        }
        out
    }

    fn call(&mut self, call: &ast::CallExpression<'_>) -> Expr {
        let span = self.span(call.span);
        let callee = self.boxed(&call.callee);
        let args = self.args(&call.arguments);
        simple(span, ExprKind::Call { callee, args, optional: call.optional })
    }

    fn member(&mut self, member: &ast::MemberExpression<'_>) -> Expr {
        let span = self.span(member.span());
        let (object, key, optional) = match member {
            ast::MemberExpression::ComputedMemberExpression(own) => {
                let object = self.boxed(&own.object);
                (object, self.computed(&own.expression), own.optional)
            }
            ast::MemberExpression::StaticMemberExpression(own) => {
                let object = self.boxed(&own.object);
                let at = self.span(own.property.span);
                (object, Key::Static(self.name(&own.property.name), at), own.optional)
            }
            ast::MemberExpression::PrivateFieldExpression(own) => {
                let object = self.boxed(&own.object);
                let at = self.span(own.field.span);
                let name = format!("#{}", own.field.name);
                (object, Key::Static(self.name(&name), at), own.optional)
            }
        };
        simple(span, ExprKind::Member { object, key, optional })
    }

    /// Left-deep chains: walked without recursion, and long ones of one associative operator become balanced.
    fn binary_chain(&mut self, binary: &ast::BinaryExpression<'_>) -> Expr {
        let mut parts: Vec<(BinaryOperator, &Ast<'_>, oxc_span::Span)> = Vec::new();
        let mut current = binary;
        let first = loop {
            parts.push((current.operator, &current.right, current.span));
            match &current.left {
                Ast::BinaryExpression(left) => current = left,
                other => break other,
            }
        };
        parts.reverse();
        let long = parts.len() > LONG_CHAIN;
        let mut left = self.expr(first);
        if long && parts.iter().all(|(operator, _, _)| *operator == BinaryOperator::Addition) {
            let mut items = vec![left];
            items.extend(parts.into_iter().map(|(_, right, _)| self.expr(right)));
            return balanced(items, &|span, a, b| {
                simple(span, ExprKind::Binary(Operator::Add, Box::new(a), Box::new(b)))
            });
        }
        for (index, (operator, right, span)) in parts.into_iter().enumerate() {
            let right = self.expr(right);
            if index as u32 > MAX_DEPTH {
                // Too deep a tree for those who read it: keep the operands.
                left = match left.kind {
                    ExprKind::Sequence(mut items) => {
                        items.push(right);
                        simple(self.span(span), ExprKind::Sequence(items))
                    }
                    _ => simple(self.span(span), ExprKind::Sequence(vec![left, right])),
                };
                continue;
            }
            let kind = ExprKind::Binary(binary_operator(operator), Box::new(left), Box::new(right));
            left = simple(self.span(span), kind);
        }
        left
    }

    fn logical_chain(&mut self, logical: &ast::LogicalExpression<'_>) -> Expr {
        let mut parts: Vec<(LogicalOperator, &Ast<'_>, oxc_span::Span)> = Vec::new();
        let mut current = logical;
        let first = loop {
            parts.push((current.operator, &current.right, current.span));
            match &current.left {
                Ast::LogicalExpression(left) => current = left,
                other => break other,
            }
        };
        parts.reverse();
        let mut left = self.expr(first);
        if parts.len() > LONG_CHAIN && parts.iter().all(|(operator, _, _)| *operator == parts[0].0) {
            let operator = logical_operator(parts[0].0);
            let mut items = vec![left];
            items.extend(parts.into_iter().map(|(_, right, _)| self.expr(right)));
            return balanced(items, &|span, a, b| simple(span, ExprKind::Logical(operator, Box::new(a), Box::new(b))));
        }
        for (index, (operator, right, span)) in parts.into_iter().enumerate() {
            let right = self.expr(right);
            if index as u32 > MAX_DEPTH {
                left = match left.kind {
                    ExprKind::Sequence(mut items) => {
                        items.push(right);
                        simple(self.span(span), ExprKind::Sequence(items))
                    }
                    _ => simple(self.span(span), ExprKind::Sequence(vec![left, right])),
                };
                continue;
            }
            left =
                simple(self.span(span), ExprKind::Logical(logical_operator(operator), Box::new(left), Box::new(right)));
        }
        left
    }

    fn class(&mut self, class: &ast::Class<'_>, name: Option<Name>, is_expression: bool) -> Expr {
        let span = self.span(class.span);
        let name = match &class.id {
            Some(id) => Some(self.name(&id.name)),
            None => name,
        };
        let parent = class.heritage.as_ref().map(|heritage| self.expr(&heritage.expression));
        let mut lowered = Class { name, parent, constructor: None, members: Vec::new(), static_blocks: Vec::new() };
        for element in &class.body.body {
            match element {
                ast::ClassElement::StaticBlock(block) => {
                    let id = self.open_function(Some("static".into()), block.span, block.scope_id.get());
                    self.inside(id, block.span, |this| (Vec::new(), this.stmts(&block.body)));
                    lowered.static_blocks.push(id);
                }
                ast::ClassElement::MethodDefinition(method) => {
                    if method.value.body.is_none() {
                        continue;
                    }
                    let key = self.key(&method.key);
                    let name = key_name(&key);
                    let id = self.function(&method.value, name);
                    let member = match method.kind {
                        ast::MethodDefinitionKind::Constructor => {
                            lowered.constructor = Some(id);
                            continue;
                        }
                        ast::MethodDefinitionKind::Get => Property::Getter(key, id),
                        ast::MethodDefinitionKind::Set => Property::Setter(key, id),
                        ast::MethodDefinitionKind::Method => {
                            let at = self.script.functions[id as usize].span;
                            Property::Value(key, simple(at, ExprKind::Function(id)))
                        }
                    };
                    lowered.members.push((method.r#static, member));
                }
                ast::ClassElement::PropertyDefinition(field) => {
                    if field.declare {
                        continue;
                    }
                    let member = self.field(&field.key, field.value.as_ref());
                    lowered.members.push((field.r#static, member));
                }
                ast::ClassElement::AccessorProperty(field) => {
                    let member = self.field(&field.key, field.value.as_ref());
                    lowered.members.push((field.r#static, member));
                }
                ast::ClassElement::TSIndexSignature(_) => {}
            }
        }
        let value = simple(span, ExprKind::Class(Box::new(lowered)));
        match class.id.as_ref().and_then(|id| self.binding(id)) {
            Some(var) if is_expression => {
                let target = Pattern::Var(var, span);
                simple(span, ExprKind::Assign { operator: None, target, value: Box::new(value) })
            }
            _ => value,
        }
    }

    fn field(&mut self, key: &ast::PropertyKey<'_>, value: Option<&Ast<'_>>) -> Property {
        let key = self.key(key);
        let name = key_name(&key);
        let value = match value {
            Some(value) => self.named(value, name),
            None => {
                let span = match &key {
                    Key::Static(_, span) => *span,
                    Key::Computed(expr) => expr.span,
                };
                simple(span, ExprKind::Undefined)
            }
        };
        Property::Value(key, value)
    }

    // JSX.

    fn jsx(&mut self, element: &ast::JSXElement<'_>) -> Expr {
        let span = self.span(element.span);
        let tag = self.jsx_name(&element.opening_element.name);
        let mut properties = Vec::new();
        for item in &element.opening_element.attributes {
            match item {
                ast::JSXAttributeItem::SpreadAttribute(spread) => {
                    properties.push(Property::Spread(self.expr(&spread.argument)))
                }
                ast::JSXAttributeItem::Attribute(attribute) => {
                    let at = self.span(attribute.name.span());
                    let name = match &attribute.name {
                        ast::JSXAttributeName::Identifier(id) => self.name(&id.name),
                        ast::JSXAttributeName::NamespacedName(own) => {
                            let name = format!("{}:{}", own.namespace.name, own.name.name);
                            self.name(&name)
                        }
                    };
                    let value = match &attribute.value {
                        None => simple(at, ExprKind::Bool(true)),
                        Some(ast::JSXAttributeValue::StringLiteral(literal)) => {
                            let at = self.span(literal.span);
                            simple(at, ExprKind::String(self.string(literal)))
                        }
                        Some(ast::JSXAttributeValue::ExpressionContainer(container)) => {
                            match container.expression.as_expression() {
                                Some(value) => self.named(value, Some(name.clone())),
                                None => simple(at, ExprKind::Undefined),
                            }
                        }
                        Some(ast::JSXAttributeValue::Element(element)) => self
                            .deeper(element.span, |this| this.jsx(element))
                            .unwrap_or_else(|| simple(at, ExprKind::Unknown)),
                        Some(ast::JSXAttributeValue::Fragment(fragment)) => {
                            let children = self.jsx_children(&fragment.children);
                            simple(
                                at,
                                ExprKind::Array(
                                    children.into_iter().map(|value| Some(Arg { value, spread: false })).collect(),
                                ),
                            )
                        }
                    };
                    properties.push(Property::Value(Key::Static(name, at), value));
                }
            }
        }
        let children = self.jsx_children(&element.children);
        simple(span, ExprKind::Jsx(Box::new(tag), properties, children))
    }

    fn jsx_name(&mut self, name: &ast::JSXElementName<'_>) -> Expr {
        let span = self.span(name.span());
        match name {
            ast::JSXElementName::Identifier(id) => simple(span, ExprKind::String(self.name(&id.name))),
            ast::JSXElementName::IdentifierReference(id) => self.identifier(id),
            ast::JSXElementName::NamespacedName(own) => {
                let name = format!("{}:{}", own.namespace.name, own.name.name);
                simple(span, ExprKind::String(self.name(&name)))
            }
            ast::JSXElementName::MemberExpression(member) => {
                let mut keys = Vec::new();
                let mut current = &**member;
                let mut expr = loop {
                    keys.push(&current.property);
                    match &current.object {
                        ast::JSXMemberExpressionObject::MemberExpression(inner) => current = inner,
                        ast::JSXMemberExpressionObject::IdentifierReference(id) => break self.identifier(id),
                        ast::JSXMemberExpressionObject::ThisExpression(this) => {
                            break simple(self.span(this.span), ExprKind::This);
                        }
                    }
                };
                for key in keys.into_iter().rev().take(MAX_DEPTH as usize) {
                    let at = self.span(key.span);
                    let key = Key::Static(self.name(&key.name), at);
                    expr = simple(
                        Span::new(expr.span.start, at.end),
                        ExprKind::Member { object: Box::new(expr), key, optional: false },
                    );
                }
                expr
            }
            ast::JSXElementName::ThisExpression(_) => simple(span, ExprKind::This),
        }
    }

    fn jsx_children(&mut self, children: &[ast::JSXChild<'_>]) -> Vec<Expr> {
        let mut out = Vec::new();
        for child in children {
            match child {
                ast::JSXChild::Text(text) => {
                    if !text.value.trim().is_empty() {
                        let span = self.span(text.span);
                        out.push(simple(span, ExprKind::String(self.name(text.value.trim()))));
                    }
                }
                ast::JSXChild::Element(element) => out.extend(self.deeper(element.span, |this| this.jsx(element))),
                ast::JSXChild::Fragment(fragment) => {
                    out.extend(
                        self.deeper(fragment.span, |this| this.jsx_children(&fragment.children)).into_iter().flatten(),
                    );
                }
                ast::JSXChild::ExpressionContainer(container) => {
                    out.extend(container.expression.as_expression().map(|value| self.expr(value)));
                }
                ast::JSXChild::Spread(spread) => out.push(self.expr(&spread.expression)),
            }
        }
        out
    }
}

/// A balanced tree over operands, left to right.
fn balanced(mut items: Vec<Expr>, join: &dyn Fn(Span, Expr, Expr) -> Expr) -> Expr {
    while items.len() > 1 {
        let mut next = Vec::with_capacity(items.len().div_ceil(2));
        let mut rest = items.into_iter();
        while let Some(left) = rest.next() {
            next.push(match rest.next() {
                Some(right) => join(Span::new(left.span.start, right.span.end), left, right),
                None => left,
            });
        }
        items = next;
    }
    items.pop().unwrap_or_else(|| simple(Span::default(), ExprKind::Undefined))
}

fn key_name(key: &Key) -> Option<Name> {
    match key {
        Key::Static(name, _) => Some(name.clone()),
        Key::Computed(_) => None,
    }
}

fn bound_vars(pattern: &Pattern, out: &mut Vec<VarId>) {
    match pattern {
        Pattern::Var(var, _) => out.push(*var),
        Pattern::Object { properties, rest } => {
            properties.iter().for_each(|(_, pattern)| bound_vars(pattern, out));
            rest.iter().for_each(|pattern| bound_vars(pattern, out));
        }
        Pattern::Array { items, rest } => {
            items.iter().flatten().for_each(|pattern| bound_vars(pattern, out));
            rest.iter().for_each(|pattern| bound_vars(pattern, out));
        }
        Pattern::Default(inner, _) => bound_vars(inner, out),
        Pattern::Global(..) | Pattern::Member(_) => {}
    }
}

fn assignment_operator(operator: AssignmentOperator) -> Option<Operator> {
    if let Some(binary) = operator.to_binary_operator() {
        return Some(binary_operator(binary));
    }
    operator.to_logical_operator().map(logical_operator)
}

fn logical_operator(operator: LogicalOperator) -> Operator {
    match operator {
        LogicalOperator::And => Operator::And,
        LogicalOperator::Or => Operator::Or,
        LogicalOperator::Coalesce => Operator::Coalesce,
    }
}

fn binary_operator(operator: BinaryOperator) -> Operator {
    match operator {
        BinaryOperator::Equality | BinaryOperator::StrictEquality => Operator::Eq,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => Operator::NotEq,
        BinaryOperator::LessThan => Operator::Less,
        BinaryOperator::LessEqualThan => Operator::LessEq,
        BinaryOperator::GreaterThan => Operator::Greater,
        BinaryOperator::GreaterEqualThan => Operator::GreaterEq,
        BinaryOperator::ShiftLeft => Operator::ShiftLeft,
        BinaryOperator::ShiftRight | BinaryOperator::ShiftRightZeroFill => Operator::ShiftRight,
        BinaryOperator::Addition => Operator::Add,
        BinaryOperator::Subtraction => Operator::Sub,
        BinaryOperator::Multiplication => Operator::Mul,
        BinaryOperator::Division => Operator::Div,
        BinaryOperator::Remainder => Operator::Rem,
        BinaryOperator::Exponential => Operator::Exp,
        BinaryOperator::BitwiseOR => Operator::BitOr,
        BinaryOperator::BitwiseXOR => Operator::BitXor,
        BinaryOperator::BitwiseAnd => Operator::BitAnd,
        BinaryOperator::In => Operator::In,
        BinaryOperator::Instanceof => Operator::InstanceOf,
    }
}

#[cfg(test)]
mod tests;
