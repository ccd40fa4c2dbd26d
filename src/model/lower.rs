//! Parsed scripts to their compact form.

mod classes;
mod expressions;
mod functions;
mod jsx;
mod patterns;
mod statements;
mod steps;

use std::collections::HashMap;

use oxc_ast::ast;
use oxc_semantic::{ScopeId, Scoping, SymbolId};

use super::ir::*;
use crate::source::Span;
use crate::syntax::repair::Repair;
use crate::syntax::script::{ScriptKind, with_expression, with_parsed};

/// Nesting within one function, and of functions, that is followed. What lies deeper is damage.
const MAX_DEPTH: u32 = 300;
const MAX_FUNCTIONS: u32 = 100;

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
        steps::restore(&mut script);
        script.damage.extend(parsed.repair.damage.iter().map(|span| span.shifted(offset)));
        script.damage.sort_unstable();
        script.damage.dedup();
        script.errors = parsed.errors.iter().map(|(span, message)| (span.shifted(offset), message.clone())).collect();
        script
    });
    lowered.unwrap_or_else(|| {
        let whole = Span::new(offset, offset + text.len() as u32);
        Script {
            functions: vec![Function { span: whole, ..Function::default() }],
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
    written(text, offset, &[]).or_else(|| {
        // The hosts' readers know no reserved words, and stop at a `;`.
        let (plain, renamed) = without_keywords(text.trim_end().trim_end_matches(';'));
        written(&plain, offset, &renamed)
    })
}

/// Reads an expression, or the body of an object; free names are given their `renamed` ones.
fn written(text: &str, offset: u32, renamed: &[(Name, Name)]) -> Option<Expr> {
    let lower = |text: &str, delta: i64| {
        with_expression(text, |tree| {
            let repair = Repair::default();
            let mut lower = Lower::new(None, &repair, delta);
            lower.renamed = renamed;
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
/// Words that scripts reserve and that have no meaning in an expression.
const KEYWORDS: [&str; 36] = [
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "finally",
    "for",
    "if",
    "import",
    "package",
    "return",
    "static",
    "super",
    "switch",
    "throw",
    "try",
    "var",
    "while",
    "with",
    "yield",
    "await",
    "function",
    "in",
    "instanceof",
    "new",
    "typeof",
    "void",
];

/// The text with reserved words that stand as names made plain ones of the same length, and what each stands for.
fn without_keywords(text: &str) -> (String, Vec<(Name, Name)>) {
    let mut out = text.to_owned();
    let mut renamed: Vec<(Name, Name)> = Vec::new();
    let bytes = text.as_bytes();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(open) => {
                if byte == b'\\' {
                    at += 1;
                } else if byte == open {
                    quote = None;
                }
                at += 1;
            }
            None if matches!(byte, b'"' | b'\'' | b'`') => {
                quote = Some(byte);
                at += 1;
            }
            None if is_name(byte) => {
                let end = at + bytes[at..].iter().take_while(|byte| is_name(**byte)).count();
                let word = &text[at..end];
                let member = text[..at].trim_end().ends_with('.');
                let key = text[end..].trim_start().starts_with(':') && !text[..at].contains('?');
                if KEYWORDS.contains(&word) && !member && !key {
                    let plain = format!("${}", &word[1..]);
                    out.replace_range(at..end, &plain);
                    renamed.push((plain.into(), word.into()));
                }
                at = end;
            }
            None => at += 1,
        }
    }
    (out, renamed)
}

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
        self.script.functions.push(Function { span, ..Function::default() });
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

    // Patterns.

    // Statements.

    // Expressions.

    // JSX.
}

#[cfg(test)]
mod tests;
