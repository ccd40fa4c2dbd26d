//! The compact form of a script: an owned tree with resolved variables.
//!
//! It is a pure function of the text, so it can be cached by content hash, and it outlives the parser's arena.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// Index of a function in [`Script::functions`].
pub type FnId = u32;
/// Index of a variable in [`Script::variables`].
pub type VarId = u32;

/// A name or a string constant.
pub type Name = Arc<str>;

/// A lowered script.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// Function 0 is the top level.
    pub functions: Vec<Function>,
    /// Every declared variable.
    pub variables: Vec<Variable>,
    /// Import declarations.
    pub imports: Vec<Import>,
    /// Export declarations; `export default expr` is lowered to an assignment to a synthetic variable.
    pub exports: Vec<Export>,
    /// Whether it uses `import`/`export`.
    pub module: bool,
    /// Ranges that did not parse and were left out.
    pub damage: Vec<Span>,
    /// Messages of the parser for the undamaged text, with their places.
    pub errors: Vec<(Span, Arc<str>)>,
    /// Comments, for suppressions and content.
    pub comments: Vec<Span>,
}

/// A function, or the top level.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Function {
    /// Its own name, or that of the variable, property or method it stands in.
    pub name: Option<Name>,
    /// The whole function.
    pub span: Span,
    /// The enclosing function; the top level is its own parent.
    pub parent: FnId,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Statements. An arrow function with an expression body has one `Return`.
    pub body: Vec<Stmt>,
    /// Function declarations of this function, hoisted to its start (those in blocks too).
    pub hoisted: Vec<(VarId, FnId)>,
    /// Whether it is an arrow function: `this` and `arguments` are those of the parent.
    pub arrow: bool,
    /// Whether it is `async`.
    pub is_async: bool,
    /// Whether it is a generator.
    pub generator: bool,
    /// Its part in a generator that a compiler had made a table of steps of.
    pub steps: Steps,
    /// Whether functions stand in it: its variables may outlive the call.
    pub closes: bool,
    /// Whether it, or an arrow function in it, reads `arguments`.
    pub arguments: bool,
}

/// The part of a function in a generator that a compiler had made a table of steps of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steps {
    /// None.
    #[default]
    No,
    /// Its body, handed to a helper that drives it.
    Body,
    /// The function around the body.
    Owner,
}

/// A parameter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Param {
    /// What it binds.
    pub pattern: Pattern,
    /// `...rest`
    pub rest: bool,
}

/// A variable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// The function whose frame holds it.
    pub owner: FnId,
    /// The declaration.
    pub span: Span,
}

/// `import … from "…"`; one entry a local binding, or one with `local: None` for side effects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Import {
    /// The request, as written.
    pub from: Name,
    /// What is imported: a name, `default` or `*`.
    pub name: Name,
    /// The local variable.
    pub local: Option<VarId>,
    /// The request string.
    pub span: Span,
}

/// An export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Export {
    /// `export { local as name }`, `export const name`, `export default`.
    Local {
        /// Exported name.
        name: Name,
        /// The variable.
        local: VarId,
    },
    /// `export { imported as name } from "…"`; `*` for all.
    From {
        /// The request.
        from: Name,
        /// Name in that module, or `*`.
        imported: Name,
        /// Exported name, or `*` for each of its own.
        name: Name,
        /// The request string.
        span: Span,
    },
}

/// A statement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stmt {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: StmtKind,
}

/// Kinds of statements.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum StmtKind {
    /// An expression.
    Expr(Expr),
    /// `let a = b`; one entry a declarator; without `init` for `var a`.
    Let(Pattern, Option<Box<Expr>>),
    /// `return`
    Return(Option<Expr>),
    /// `if`
    If(Box<Expr>, Vec<Stmt>, Vec<Stmt>),
    /// `while`, `do`, `for`: `init` was lowered before it. `update` runs after the body.
    Loop {
        /// The test; `None` is always true.
        test: Option<Box<Expr>>,
        /// The update of a `for`.
        update: Option<Box<Expr>>,
        /// The body.
        body: Vec<Stmt>,
        /// Whether the body runs before the test (`do … while`).
        post_test: bool,
    },
    /// `for (x of xs)`, `for (x in xs)`
    ForEach {
        /// What is bound to each item or key.
        target: Pattern,
        /// What is iterated.
        iterable: Box<Expr>,
        /// Whether keys are bound (`in`).
        keys: bool,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `switch`: cases in order; `None` is `default`.
    Switch(Box<Expr>, Vec<(Option<Expr>, Vec<Stmt>)>),
    /// `try`
    Try {
        /// The block.
        block: Vec<Stmt>,
        /// The catch clause.
        handler: Option<Box<(Option<Pattern>, Vec<Stmt>)>>,
        /// The finally clause.
        finalizer: Vec<Stmt>,
    },
    /// `throw`
    Throw(Expr),
    /// `{ … }`, and a labelled statement with its label.
    Block(Option<Name>, Vec<Stmt>),
    /// `break`
    Break(Option<Name>),
    /// `continue`
    Continue(Option<Name>),
}

/// What is bound or assigned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Pattern {
    /// A variable.
    Var(VarId, Span),
    /// A global name (assigned without a declaration).
    Global(Name, Span),
    /// A member (assignment only).
    Member(Box<Expr>),
    /// `{ a, b: c, ...rest }`
    Object {
        /// Keys and targets.
        properties: Vec<(Key, Pattern)>,
        /// `...rest`
        rest: Option<Box<Pattern>>,
    },
    /// `[a, , b, ...rest]`
    Array {
        /// Targets; `None` for a hole.
        items: Vec<Option<Pattern>>,
        /// `...rest`
        rest: Option<Box<Pattern>>,
    },
    /// `target = default`
    Default(Box<Pattern>, Box<Expr>),
}

/// A property key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Key {
    /// A name, a string or a number as written.
    Static(Name, Span),
    /// `[expr]`
    Computed(Box<Expr>),
}

/// An expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expr {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// Kinds of expressions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ExprKind {
    /// `undefined`, `void 0`
    Undefined,
    /// `null`
    Null,
    /// `true`, `!0`, …
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string constant.
    String(Name),
    /// A regular expression literal, as written.
    Regex(Name),
    /// A template string: `quasis` has one more item than the expressions.
    Template(Vec<Name>, Vec<Expr>),
    /// An array literal; `None` for a hole.
    Array(Vec<Option<Arg>>),
    /// An object literal.
    Object(Vec<Property>),
    /// A function or arrow expression.
    Function(FnId),
    /// A class.
    Class(Box<Class>),
    /// `this`
    This,
    /// `super` (as callee or object)
    Super,
    /// A resolved variable.
    Var(VarId),
    /// A name that no scope of the file declares.
    Global(Name),
    /// `arguments`
    Arguments,
    /// A member; the span of the expression is the whole, the key's own span is in the key.
    Member {
        /// The object.
        object: Box<Expr>,
        /// The key.
        key: Key,
        /// `?.`
        optional: bool,
    },
    /// A call.
    Call {
        /// The callee.
        callee: Box<Expr>,
        /// Arguments.
        args: Vec<Arg>,
        /// `?.()`
        optional: bool,
    },
    /// `new`
    New {
        /// The constructor.
        callee: Box<Expr>,
        /// Arguments.
        args: Vec<Arg>,
    },
    /// An assignment; `operator` is `None` for `=`, else the binary or logical operator.
    Assign {
        /// `+` for `+=`, `??` for `??=`, …
        operator: Option<Operator>,
        /// What is assigned.
        target: Box<Pattern>,
        /// The value.
        value: Box<Expr>,
    },
    /// `x++`, `--x`
    Update(Pattern),
    /// `!x`
    Not(Box<Expr>),
    /// `typeof x`
    Typeof(Box<Expr>),
    /// `delete x.y`
    Delete(Box<Expr>),
    /// `-x`, `+x`, `~x`
    Unary(Operator, Box<Expr>),
    /// `a + b`, `a === b`, …
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `a && b`, `a || b`, `a ?? b`
    Logical(Operator, Box<Expr>, Box<Expr>),
    /// `a ? b : c`
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a, b`
    Sequence(Vec<Expr>),
    /// `await x`
    Await(Box<Expr>),
    /// `yield x`, `yield* x`
    Yield(Option<Box<Expr>>),
    /// `import(x)`
    Import(Box<Expr>),
    /// A tagged template: tag, quasis, expressions.
    Tagged(Box<(Expr, Vec<Name>, Vec<Expr>)>),
    /// A JSX element: tag (a string for intrinsic elements), properties, children.
    Jsx(Box<(Expr, Vec<Property>, Vec<Expr>)>),
    /// Anything without a value that matters (`new.target`, `import.meta`, private names in `in`).
    Unknown,
}

/// An argument or array item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arg {
    /// The value.
    pub value: Expr,
    /// `...value`
    pub spread: bool,
}

/// A property of an object literal, or an attribute of a JSX element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Property {
    /// `key: value`, `key`, `key() {}`
    Value(Key, Expr),
    /// `get key() {}`
    Getter(Key, FnId),
    /// `set key(v) {}`
    Setter(Key, FnId),
    /// `...value`
    Spread(Expr),
}

/// A class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: Option<Name>,
    /// `extends`
    pub parent: Option<Expr>,
    /// The constructor.
    pub constructor: Option<FnId>,
    /// Methods, accessors and fields: whether static, and the property. A field without a value is `Undefined`.
    pub members: Vec<(bool, Property)>,
    /// Static blocks, as functions without parameters.
    pub static_blocks: Vec<FnId>,
}

/// Operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Exp,
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    In,
    InstanceOf,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Coalesce,
}

impl Script {
    /// Calls `visit` for every expression of every function, outermost first.
    pub fn for_each_expr<'s>(&'s self, visit: &mut dyn FnMut(&'s Expr)) {
        for function in &self.functions {
            for param in &function.params {
                walk_pattern(&param.pattern, visit);
            }
            walk_block(&function.body, visit);
        }
    }
}

impl Function {
    /// Calls `visit` for every expression of this function, without those of functions inside it.
    pub fn for_each_expr<'s>(&'s self, visit: &mut dyn FnMut(&'s Expr)) {
        for param in &self.params {
            walk_pattern(&param.pattern, visit);
        }
        walk_block(&self.body, visit);
    }
}

/// Calls `visit` for `expr` and every expression inside it.
pub fn walk_expr<'s>(expr: &'s Expr, visit: &mut dyn FnMut(&'s Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Template(_, items) | ExprKind::Sequence(items) => {
            items.iter().for_each(|item| walk_expr(item, visit))
        }
        ExprKind::Array(items) => items.iter().flatten().for_each(|item| walk_expr(&item.value, visit)),
        ExprKind::Object(properties) => properties.iter().for_each(|property| walk_property(property, visit)),
        ExprKind::Class(class) => {
            if let Some(parent) = &class.parent {
                walk_expr(parent, visit);
            }
            class.members.iter().for_each(|(_, property)| walk_property(property, visit));
        }
        ExprKind::Member { object, key, .. } => {
            walk_expr(object, visit);
            walk_key(key, visit);
        }
        ExprKind::Call { callee, args, .. } | ExprKind::New { callee, args } => {
            walk_expr(callee, visit);
            args.iter().for_each(|arg| walk_expr(&arg.value, visit));
        }
        ExprKind::Assign { target, value, .. } => {
            walk_pattern(target, visit);
            walk_expr(value, visit);
        }
        ExprKind::Update(target) => walk_pattern(target, visit),
        ExprKind::Not(inner)
        | ExprKind::Typeof(inner)
        | ExprKind::Delete(inner)
        | ExprKind::Unary(_, inner)
        | ExprKind::Await(inner)
        | ExprKind::Import(inner) => walk_expr(inner, visit),
        ExprKind::Yield(inner) => inner.iter().for_each(|inner| walk_expr(inner, visit)),
        ExprKind::Binary(_, left, right) | ExprKind::Logical(_, left, right) => {
            walk_expr(left, visit);
            walk_expr(right, visit);
        }
        ExprKind::Conditional(test, yes, no) => {
            walk_expr(test, visit);
            walk_expr(yes, visit);
            walk_expr(no, visit);
        }
        ExprKind::Tagged(parts) => {
            let (tag, _, items) = &**parts;
            walk_expr(tag, visit);
            items.iter().for_each(|item| walk_expr(item, visit));
        }
        ExprKind::Jsx(parts) => {
            let (tag, properties, children) = &**parts;
            walk_expr(tag, visit);
            properties.iter().for_each(|property| walk_property(property, visit));
            children.iter().for_each(|child| walk_expr(child, visit));
        }
        _ => {}
    }
}

fn walk_key<'s>(key: &'s Key, visit: &mut dyn FnMut(&'s Expr)) {
    if let Key::Computed(expr) = key {
        walk_expr(expr, visit);
    }
}

fn walk_property<'s>(property: &'s Property, visit: &mut dyn FnMut(&'s Expr)) {
    match property {
        Property::Value(key, value) => {
            walk_key(key, visit);
            walk_expr(value, visit);
        }
        Property::Getter(key, _) | Property::Setter(key, _) => walk_key(key, visit),
        Property::Spread(value) => walk_expr(value, visit),
    }
}

fn walk_pattern<'s>(pattern: &'s Pattern, visit: &mut dyn FnMut(&'s Expr)) {
    match pattern {
        Pattern::Var(..) | Pattern::Global(..) => {}
        Pattern::Member(expr) => walk_expr(expr, visit),
        Pattern::Object { properties, rest } => {
            for (key, pattern) in properties {
                walk_key(key, visit);
                walk_pattern(pattern, visit);
            }
            rest.iter().for_each(|rest| walk_pattern(rest, visit));
        }
        Pattern::Array { items, rest } => {
            items.iter().flatten().for_each(|item| walk_pattern(item, visit));
            rest.iter().for_each(|rest| walk_pattern(rest, visit));
        }
        Pattern::Default(pattern, value) => {
            walk_pattern(pattern, visit);
            walk_expr(value, visit);
        }
    }
}

fn walk_block<'s>(block: &'s [Stmt], visit: &mut dyn FnMut(&'s Expr)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Expr(expr) | StmtKind::Throw(expr) => walk_expr(expr, visit),
            StmtKind::Let(pattern, init) => {
                walk_pattern(pattern, visit);
                init.iter().for_each(|init| walk_expr(init, visit));
            }
            StmtKind::Return(value) => value.iter().for_each(|value| walk_expr(value, visit)),
            StmtKind::If(test, yes, no) => {
                walk_expr(test, visit);
                walk_block(yes, visit);
                walk_block(no, visit);
            }
            StmtKind::Loop { test, update, body, .. } => {
                test.iter().for_each(|test| walk_expr(test, visit));
                walk_block(body, visit);
                update.iter().for_each(|update| walk_expr(update, visit));
            }
            StmtKind::ForEach { target, iterable, body, .. } => {
                walk_pattern(target, visit);
                walk_expr(iterable, visit);
                walk_block(body, visit);
            }
            StmtKind::Switch(value, cases) => {
                walk_expr(value, visit);
                for (test, body) in cases {
                    test.iter().for_each(|test| walk_expr(test, visit));
                    walk_block(body, visit);
                }
            }
            StmtKind::Try { block, handler, finalizer } => {
                walk_block(block, visit);
                if let Some((pattern, body)) = handler.as_deref() {
                    pattern.iter().for_each(|pattern| walk_pattern(pattern, visit));
                    walk_block(body, visit);
                }
                walk_block(finalizer, visit);
            }
            StmtKind::Block(_, body) => walk_block(body, visit),
            StmtKind::Break(_) | StmtKind::Continue(_) => {}
        }
    }
}
