//! Properties of the readers: nothing panics, nothing is lost without a word.

use std::collections::{BTreeMap, BTreeSet};

use minivet::model::ir::*;
use minivet::model::lower;
use minivet::source::Span;
use minivet::syntax::script::ScriptKind;

/// What a function says: names that it calls and strings that it holds, with their places.
type Facts = BTreeSet<(String, u32)>;

/// Facts by the start of the function.
fn facts_by_function(script: &Script) -> BTreeMap<u32, (Span, Facts)> {
    let mut walk = Walk { script, found: script.functions.iter().map(|_| Facts::new()).collect(), current: 0 };
    for (id, function) in script.functions.iter().enumerate() {
        walk.current = id;
        function.params.iter().for_each(|param| walk.pattern(&param.pattern));
        walk.stmts(&function.body);
    }
    let mut out = BTreeMap::new();
    for (function, facts) in script.functions.iter().zip(walk.found) {
        out.entry(function.span.start).or_insert((function.span, Facts::new())).1.extend(facts);
    }
    out
}

struct Walk<'s> {
    script: &'s Script,
    found: Vec<Facts>,
    current: usize,
}

impl Walk<'_> {
    fn add(&mut self, text: &str, at: u32) {
        self.found[self.current].insert((text.to_owned(), at));
    }

    fn stmts(&mut self, list: &[Stmt]) {
        for stmt in list {
            match &stmt.kind {
                StmtKind::Expr(expr) | StmtKind::Throw(expr) => self.expr(expr),
                StmtKind::Let(pattern, init) => {
                    self.pattern(pattern);
                    init.iter().for_each(|init| self.expr(init));
                }
                StmtKind::Return(value) => value.iter().for_each(|value| self.expr(value)),
                StmtKind::If(test, then, other) => {
                    self.expr(test);
                    self.stmts(then);
                    self.stmts(other);
                }
                StmtKind::Loop { test, update, body, .. } => {
                    test.iter().chain(update).for_each(|expr| self.expr(expr));
                    self.stmts(body);
                }
                StmtKind::ForEach { target, iterable, body, .. } => {
                    self.pattern(target);
                    self.expr(iterable);
                    self.stmts(body);
                }
                StmtKind::Switch(value, cases) => {
                    self.expr(value);
                    for (test, body) in cases {
                        test.iter().for_each(|test| self.expr(test));
                        self.stmts(body);
                    }
                }
                StmtKind::Try { block, handler, finalizer } => {
                    self.stmts(block);
                    handler.iter().for_each(|(_, body)| self.stmts(body));
                    self.stmts(finalizer);
                }
                StmtKind::Block(_, body) => self.stmts(body),
                StmtKind::Break(_) | StmtKind::Continue(_) => {}
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Member(member) => self.expr(member),
            Pattern::Object { properties, rest } => {
                properties.iter().for_each(|(_, pattern)| self.pattern(pattern));
                rest.iter().for_each(|pattern| self.pattern(pattern));
            }
            Pattern::Array { items, rest } => {
                items.iter().flatten().for_each(|pattern| self.pattern(pattern));
                rest.iter().for_each(|pattern| self.pattern(pattern));
            }
            Pattern::Default(inner, value) => {
                self.pattern(inner);
                self.expr(value);
            }
            Pattern::Var(..) | Pattern::Global(..) => {}
        }
    }

    fn key(&mut self, key: &Key) {
        if let Key::Computed(expr) = key {
            self.expr(expr);
        }
    }

    fn property(&mut self, property: &Property) {
        match property {
            Property::Value(key, value) => {
                self.key(key);
                self.expr(value);
            }
            Property::Getter(key, _) | Property::Setter(key, _) => self.key(key),
            Property::Spread(value) => self.expr(value),
        }
    }

    fn args(&mut self, args: &[Arg]) {
        args.iter().for_each(|arg| self.expr(&arg.value));
    }

    fn call(&mut self, callee: &Expr) {
        match &callee.kind {
            ExprKind::Member { key: Key::Static(name, span), .. } => self.add(&format!("{name}()"), span.start),
            ExprKind::Global(name) => self.add(&format!("{name}()"), callee.span.start),
            ExprKind::Var(var) => {
                self.add(&format!("{}()", self.script.variables[*var as usize].name), callee.span.start)
            }
            _ => {}
        }
        self.expr(callee);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::String(text) => self.add(text, expr.span.start),
            ExprKind::Template(_, values) | ExprKind::Sequence(values) => {
                values.iter().for_each(|value| self.expr(value))
            }
            ExprKind::Tagged(tag, _, values) => {
                self.expr(tag);
                values.iter().for_each(|value| self.expr(value));
            }
            ExprKind::Array(items) => items.iter().flatten().for_each(|item| self.expr(&item.value)),
            ExprKind::Object(properties) => properties.iter().for_each(|property| self.property(property)),
            ExprKind::Class(class) => {
                class.parent.iter().for_each(|parent| self.expr(parent));
                class.members.iter().for_each(|(_, property)| self.property(property));
            }
            ExprKind::Member { object, key, .. } => {
                self.expr(object);
                self.key(key);
            }
            ExprKind::Call { callee, args, .. } | ExprKind::New { callee, args } => {
                self.call(callee);
                self.args(args);
            }
            ExprKind::Assign { target, value, .. } => {
                self.pattern(target);
                self.expr(value);
            }
            ExprKind::Update(pattern) => self.pattern(pattern),
            ExprKind::Not(inner)
            | ExprKind::Typeof(inner)
            | ExprKind::Delete(inner)
            | ExprKind::Unary(_, inner)
            | ExprKind::Await(inner)
            | ExprKind::Import(inner) => self.expr(inner),
            ExprKind::Yield(inner) => inner.iter().for_each(|inner| self.expr(inner)),
            ExprKind::Binary(_, left, right) | ExprKind::Logical(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Conditional(test, then, other) => {
                self.expr(test);
                self.expr(then);
                self.expr(other);
            }
            ExprKind::Jsx(tag, properties, children) => {
                self.expr(tag);
                properties.iter().for_each(|property| self.property(property));
                children.iter().for_each(|child| self.expr(child));
            }
            ExprKind::Undefined
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Regex(_)
            | ExprKind::Function(_)
            | ExprKind::This
            | ExprKind::Super
            | ExprKind::Var(_)
            | ExprKind::Global(_)
            | ExprKind::Arguments
            | ExprKind::Unknown => {}
        }
    }
}

/// Tokens of a script, comments left out; strings and templates are one each.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if text[at..].starts_with("//") {
            at += text[at..].find('\n').unwrap_or(text.len() - at);
            continue;
        }
        let after_operator = out.last().is_none_or(|(from, _)| b"(,=:?".contains(&bytes[*from]));
        if matches!(byte, b'"' | b'\'' | b'`') || byte == b'/' && after_operator {
            at += 1;
            while bytes[at] != byte {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
            while byte == b'/' && bytes[at].is_ascii_alphabetic() {
                at += 1;
            }
        } else if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'$')) {
                at += 1;
            }
        } else {
            let long = ["...", "===", "!==", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+="];
            at += long.iter().find(|token| text[at..].starts_with(**token)).map_or(1, |token| token.len());
        }
        out.push((start, at));
    }
    out
}

/// Whether every function that the deletion of `start..end` did not touch still yields its facts.
fn survives(text: &str, whole: &BTreeMap<u32, (Span, Facts)>, start: usize, end: usize) -> Result<(), String> {
    let cut = format!("{}{}", &text[..start], &text[end..]);
    let gone = (end - start) as u32;
    let back = |at: u32| if at >= start as u32 { at + gone } else { at };
    let after: BTreeMap<u32, Facts> = facts_by_function(&lower::script(&cut, ScriptKind::JavaScript))
        .into_iter()
        .map(|(at, (_, facts))| (back(at), facts.into_iter().map(|(text, at)| (text, back(at))).collect()))
        .collect();
    for (at, (span, facts)) in whole {
        let touched = span.start <= end as u32 && start as u32 <= span.end;
        if touched {
            continue;
        }
        let name = || span.slice(text).lines().next().unwrap_or("").to_owned();
        let Some(found) = after.get(at) else { return Err(format!("all of {:?}", name())) };
        if let Some(missing) = facts.iter().find(|fact| !found.contains(*fact)) {
            return Err(format!("{missing:?} of {:?}", name()));
        }
    }
    Ok(())
}

#[test]
fn deleting_one_token_hides_only_what_it_touches() {
    use rayon::prelude::*;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/syntax");
    let mut total = 0;
    let mut lost = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "js")) {
        let text = std::fs::read_to_string(path).unwrap();
        let script = lower::script(&text, ScriptKind::JavaScript);
        assert!(script.errors.is_empty(), "{}: {:?}", path.display(), script.errors);
        let whole = facts_by_function(&script);
        let tokens = tokens(&text);
        total += tokens.len();
        lost.extend(
            tokens
                .par_iter()
                .filter_map(|(start, end)| {
                    let error = survives(&text, &whole, *start, *end).err()?;
                    let line = text[..*start].matches('\n').count() + 1;
                    Some(format!(
                        "{}:{line}: {:?} lost {error}",
                        path.file_name().unwrap().display(),
                        &text[*start..*end]
                    ))
                })
                .collect::<Vec<_>>(),
        );
    }
    let kept = 100.0 * (total - lost.len()) as f64 / total as f64;
    println!("{kept:.2} % of {total} deletions\n{}", lost.join("\n"));
    assert!(kept >= 97.0, "{kept:.2} % of {total} deletions\n{}", lost.join("\n"));
}
