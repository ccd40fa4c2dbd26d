//! Texts of scripts: literals, and what constants and templates join to.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::model::ir::{
    Arg, Class, Export, Expr, ExprKind, Key, Operator, Pattern, Property, Script, Stmt, StmtKind, VarId,
};
use crate::model::texts::borrowed::Borrowed;
use crate::model::texts::constants::{concatenated, decoded, is_constant};
use crate::model::texts::markup::{with_references, without_tags};
use crate::model::texts::names::{
    COMPARING, DRAWING, SEARCHING, is_address_name, is_filter_name, is_log_name, is_naming, is_telling,
};
use crate::model::texts::templates::trimmed;
use crate::model::texts::{Role, SHOWN_KEYS, TextRun, has_text, is_url, literal};
use crate::source::{FileId, Span};
use crate::text::{Mapped, unescape};

/// Where a string stands in the program.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) role: Role,
    pub(super) name: Option<&'a Arc<str>>,
}

/// A text as it is joined, and which parts of it stand in other files.
#[derive(Clone, Default)]
struct Joined {
    text: Mapped,
    borrowed: Vec<Range<usize>>,
}

/// What a variable holds so far that pieces are added to, one statement after another.
struct Growing<'a> {
    joined: Joined,
    place: Place<'a>,
    /// The run that tells it.
    run: Option<usize>,
    pieces: usize,
}

/// Pieces of a text at most that are added one by one.
const PIECES: usize = 64;

pub(super) struct Walker<'a> {
    pub(super) file: FileId,
    pub(super) source: &'a str,
    pub(super) script: Option<&'a Script>,
    pub(super) constants: HashMap<VarId, &'a Expr>,
    /// Variables that are set once, to an array or an object.
    tables: HashMap<VarId, &'a Expr>,
    /// What is put into lists, in order.
    pushed: HashMap<VarId, Vec<&'a Expr>>,
    /// Variables that only go to logs, or that others are only compared with.
    quiet: HashMap<VarId, Role>,
    /// Variables that something is added to.
    added: HashSet<VarId>,
    /// What they hold, as far as statements follow on one another.
    growing: HashMap<VarId, Growing<'a>>,
    pub(super) borrowed: Borrowed,
    pub(super) used: HashSet<(u32, u32)>,
    pub(super) runs: &'a mut Vec<TextRun>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(file: FileId, source: &'a str, script: Option<&'a Script>, runs: &'a mut Vec<TextRun>) -> Self {
        Self {
            file,
            source,
            script,
            constants: HashMap::new(),
            tables: HashMap::new(),
            pushed: HashMap::new(),
            quiet: HashMap::new(),
            added: HashSet::new(),
            growing: HashMap::new(),
            borrowed: Borrowed::default(),
            used: HashSet::new(),
            runs,
        }
    }

    /// Knows constants of other scripts as well.
    pub(super) fn borrowing(self, borrowed: Borrowed) -> Self {
        Self { borrowed, ..self }
    }

    pub(super) fn script(&mut self) {
        let Some(script) = self.script else { return };
        self.find_constants(script);
        for function in &script.functions {
            let role = match &function.name {
                Some(name) if is_filter_name(name) => Role::Key,
                _ => Role::Data,
            };
            for param in &function.params {
                self.pattern(&param.pattern, Place { role, name: None });
            }
            self.block(&function.body, Place { role, name: None });
        }
    }

    /// Variables that are set once, to a constant.
    fn find_constants(&mut self, script: &'a Script) {
        let mut assigned: HashSet<VarId> = HashSet::new();
        let mut uses = Uses::default();
        for function in &script.functions {
            let mut visit = |expr: &'a Expr| match &expr.kind {
                ExprKind::Update(Pattern::Var(id, _)) => drop(assigned.insert(*id)),
                ExprKind::Assign { operator, target, value } => {
                    if let Pattern::Var(id, _) = &**target {
                        assigned.insert(*id);
                        if *operator == Some(Operator::Add)
                            || operator.is_none() && matches!(value.kind, ExprKind::Binary(Operator::Add, ..))
                        {
                            self.added.insert(*id);
                        }
                    }
                }
                _ => {
                    uses.note(expr);
                    if let ExprKind::Call { callee, args, .. } = &expr.kind
                        && let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind
                        && let (ExprKind::Var(id), "push") = (&object.kind, &**name)
                    {
                        self.pushed.entry(*id).or_default().extend(args.iter().map(|arg| &arg.value));
                    }
                }
            };
            function.for_each_expr(&mut visit);
        }
        for export in &script.exports {
            if let Export::Local { local, .. } = export {
                *uses.all.entry(*local).or_default() += 1;
            }
        }
        self.quiet = uses.quiet();
        let mut blocks: Vec<&'a [Stmt]> = script.functions.iter().map(|function| &*function.body).collect();
        while let Some(block) = blocks.pop() {
            for stmt in block {
                match &stmt.kind {
                    StmtKind::Let(Pattern::Var(id, _), Some(init))
                        if !assigned.contains(id) && is_constant(init, 0) =>
                    {
                        self.constants.insert(*id, init);
                    }
                    StmtKind::Let(Pattern::Var(id, _), Some(init))
                        if !assigned.contains(id) && matches!(init.kind, ExprKind::Array(_) | ExprKind::Object(_)) =>
                    {
                        self.tables.insert(*id, init);
                    }
                    StmtKind::If(_, yes, no) => blocks.extend([&**yes, &**no]),
                    StmtKind::Block(_, body) => blocks.push(body),
                    StmtKind::Try { block, .. } => blocks.push(block),
                    _ => {}
                }
            }
        }
    }

    fn block(&mut self, block: &'a [Stmt], place: Place<'a>) {
        // A block of its own may not run, or more than once: it adds to no text before or behind it.
        self.growing.clear();
        for stmt in block {
            self.stmt(stmt, place);
        }
        self.growing.clear();
    }

    /// Adds the pieces of `text += "…"` or `text = text + "…"` to what the variable holds; whether it is one of these.
    fn grow(&mut self, expr: &'a Expr, place: Place<'a>) -> bool {
        let ExprKind::Assign { operator, target, value } = &expr.kind else { return false };
        let Pattern::Var(id, _) = &**target else { return false };
        let mut pieces = Vec::new();
        match operator {
            Some(Operator::Add) => pieces.push(&**value),
            None => {
                summands(value, &mut pieces);
                if pieces.len() < 2 || !matches!(pieces[0].kind, ExprKind::Var(known) if known == *id) {
                    self.growing.remove(id);
                    return false;
                }
                pieces.remove(0);
            }
            Some(_) => return false,
        }
        let known = self.growing.remove(id);
        if known.is_none() && !pieces.iter().any(|piece| self.has_string(piece, 0)) {
            return false;
        }
        let mut grown = known.unwrap_or_else(|| {
            let name = self.script.and_then(|script| Some(&script.variables.get(*id as usize)?.name));
            let mut joined = Joined::default();
            joined.text.push_hole(Span::at(expr.span.start));
            Growing { joined, place: named(place, name), run: None, pieces: 0 }
        });
        for piece in pieces {
            self.used.insert((piece.span.start, piece.span.end));
            self.join(piece, grown.place, &mut grown.joined, 0);
        }
        self.retell(*id, grown);
        true
    }

    /// Tells what a variable holds by now.
    fn retell(&mut self, id: VarId, mut grown: Growing<'a>) {
        if let Some(run) = self.run(grown.joined.clone(), grown.place) {
            match grown.run.and_then(|at| self.runs.get_mut(at)) {
                Some(known) => *known = run,
                None => {
                    grown.run = Some(self.runs.len());
                    self.runs.push(run);
                }
            }
        }
        grown.pieces += 1;
        if grown.pieces < PIECES {
            self.growing.insert(id, grown);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt, place: Place<'a>) {
        let key = Place { role: Role::Key, ..place };
        match &stmt.kind {
            StmtKind::Expr(expr) => match &expr.kind {
                ExprKind::Sequence(items) => items.iter().for_each(|item| {
                    if !self.grow(item, place) {
                        self.expr(item, place);
                    }
                }),
                _ if self.grow(expr, place) => {}
                _ => self.expr(expr, place),
            },
            StmtKind::Throw(expr) => self.expr(expr, Place { role: Role::Log, name: None }),
            StmtKind::Let(pattern, init) => {
                self.pattern(pattern, place);
                let place = match pattern {
                    Pattern::Var(id, _) => Place { role: self.quiet.get(id).copied().unwrap_or(place.role), ..place },
                    _ => place,
                };
                if let Some(init) = init {
                    let name = match (pattern, self.script) {
                        (Pattern::Var(id, _), Some(script)) => {
                            script.variables.get(*id as usize).map(|variable| &variable.name)
                        }
                        _ => None,
                    };
                    match pattern {
                        Pattern::Var(id, _)
                            if self.added.contains(id)
                                && self.has_string(init, 0)
                                && self.used.insert((init.span.start, init.span.end)) =>
                        {
                            let place = named(place, name);
                            let mut joined = Joined::default();
                            self.join(init, place, &mut joined, 0);
                            self.retell(*id, Growing { joined, place, run: None, pieces: 0 });
                        }
                        _ => self.expr(init, named(place, name)),
                    }
                }
            }
            StmtKind::Return(value) => value.iter().for_each(|value| self.expr(value, place)),
            StmtKind::If(test, yes, no) => {
                self.expr(test, key);
                self.block(yes, place);
                self.block(no, place);
            }
            StmtKind::Loop { test, update, body, .. } => {
                test.iter().chain(update).for_each(|expr| self.expr(expr, key));
                self.block(body, place);
            }
            StmtKind::ForEach { target, iterable, body, .. } => {
                self.pattern(target, place);
                self.expr(iterable, place);
                self.block(body, place);
            }
            StmtKind::Switch(value, cases) => {
                self.expr(value, key);
                for (test, body) in cases {
                    test.iter().for_each(|test| self.expr(test, key));
                    self.block(body, place);
                }
            }
            StmtKind::Try { block, handler, finalizer } => {
                self.block(block, place);
                if let Some((pattern, body)) = handler.as_deref() {
                    pattern.iter().for_each(|pattern| self.pattern(pattern, place));
                    self.block(body, place);
                }
                self.block(finalizer, place);
            }
            StmtKind::Block(_, body) => self.block(body, place),
            StmtKind::Break(_) | StmtKind::Continue(_) => {}
        }
    }

    fn pattern(&mut self, pattern: &'a Pattern, place: Place<'a>) {
        match pattern {
            Pattern::Default(inner, value) => {
                self.pattern(inner, place);
                self.expr(value, place);
            }
            Pattern::Object { properties, .. } => {
                properties.iter().for_each(|(_, pattern)| self.pattern(pattern, place));
            }
            Pattern::Array { items, .. } => {
                items.iter().flatten().for_each(|pattern| self.pattern(pattern, place));
            }
            Pattern::Member(expr) => self.expr(expr, Place { role: Role::Key, name: None }),
            _ => {}
        }
    }

    pub(super) fn expr(&mut self, expr: &'a Expr, place: Place<'a>) {
        let key = Place { role: Role::Key, name: None };
        match &expr.kind {
            ExprKind::String(_) | ExprKind::Template(..) => self.tell(expr, place),
            ExprKind::Binary(Operator::Add, left, right) => {
                if self.has_string(expr, 0) {
                    self.tell(expr, place);
                } else {
                    self.expr(left, place);
                    self.expr(right, place);
                }
            }
            ExprKind::Binary(_, left, right) => {
                self.expr(left, key);
                self.expr(right, key);
            }
            ExprKind::Logical(_, left, right) => {
                self.expr(left, place);
                self.expr(right, place);
            }
            ExprKind::Conditional(test, yes, no) => {
                self.expr(test, key);
                self.expr(yes, place);
                self.expr(no, place);
            }
            ExprKind::Sequence(items) => items.iter().for_each(|item| self.expr(item, place)),
            ExprKind::Array(items) => items.iter().flatten().for_each(|item| self.expr(&item.value, place)),
            ExprKind::Object(properties) => properties.iter().for_each(|property| self.property(property, place)),
            ExprKind::Class(class) => self.class(class, place),
            ExprKind::Call { callee, args, .. } => self.call(expr, callee, args, place),
            ExprKind::New { callee, args } => {
                let error =
                    matches!(&callee.kind, ExprKind::Global(name) if name.ends_with("Error") || &**name == "RegExp");
                let place = if error { Place { role: Role::Log, name: None } } else { place };
                args.iter().for_each(|arg| self.expr(&arg.value, place));
            }
            ExprKind::Assign { target, value, .. } => {
                self.pattern(target, place);
                let name = match &**target {
                    Pattern::Member(member) => match &member.kind {
                        ExprKind::Member { key: Key::Static(name, _), .. } => Some(name),
                        _ => None,
                    },
                    Pattern::Var(id, _) => {
                        self.script.and_then(|script| Some(&script.variables.get(*id as usize)?.name))
                    }
                    _ => None,
                };
                self.expr(value, named(place, name));
            }
            ExprKind::Not(inner) | ExprKind::Typeof(inner) | ExprKind::Delete(inner) => self.expr(inner, key),
            ExprKind::Unary(_, inner) | ExprKind::Await(inner) => self.expr(inner, place),
            ExprKind::Yield(inner) => inner.iter().for_each(|inner| self.expr(inner, place)),
            ExprKind::Member { object, key: name, .. } => {
                self.expr(object, place);
                if let Key::Computed(name) = name {
                    self.expr(name, key);
                }
            }
            ExprKind::Tagged(parts) => parts.2.iter().for_each(|item| self.expr(item, place)),
            ExprKind::Jsx(parts) => {
                let (_, properties, children) = &**parts;
                properties.iter().for_each(|property| self.property(property, place));
                let visible = Place { role: Role::Visible, name: None };
                children.iter().for_each(|child| self.expr(child, visible));
            }
            _ => {}
        }
    }

    fn property(&mut self, property: &'a Property, place: Place<'a>) {
        match property {
            Property::Value(key, value) => {
                let name = match key {
                    Key::Static(name, _) => Some(name),
                    Key::Computed(_) => None,
                };
                self.expr(value, named(place, name));
            }
            Property::Spread(value) => self.expr(value, place),
            Property::Getter(..) | Property::Setter(..) => {}
        }
    }

    fn class(&mut self, class: &'a Class, place: Place<'a>) {
        class.members.iter().for_each(|(_, property)| self.property(property, place));
    }

    fn call(&mut self, expr: &'a Expr, callee: &'a Expr, args: &'a [Arg], place: Place<'a>) {
        let (object, method) = match &callee.kind {
            ExprKind::Member { object, key: Key::Static(name, _), .. } => (Some(&**object), Some(&**name)),
            ExprKind::Global(name) => (None, Some(&**name)),
            _ => (None, None),
        };
        if decoded(expr).is_some() {
            self.tell(expr, place);
            return;
        }
        let joins = match method {
            Some("join") => object.is_some_and(|object| matches!(self.table(object).kind, ExprKind::Array(_))),
            Some("concat") => object.is_some_and(|object| self.has_string(object, 0)),
            _ => false,
        };
        if joins {
            self.tell(expr, place);
            return;
        }
        let log = object.is_some_and(|object| self.is_log(object)) || method.is_some_and(is_telling);
        let compared = object.is_some() && method.is_some_and(|method| COMPARING.contains(&method));
        let plain = matches!(method, Some("require" | "getApp" | "getCurrentPages" | "setTimeout" | "define"));
        let place = if log {
            Place { role: Role::Log, name: None }
        } else if compared || plain {
            Place { role: Role::Key, name: None }
        } else {
            match &callee.kind {
                ExprKind::Member { .. } | ExprKind::Global(_) if method.is_some_and(is_filter_name) => {
                    Place { role: Role::Key, name: None }
                }
                _ => place,
            }
        };
        if let Some(object) = object {
            // What a text method is called on is not what it compares with.
            self.expr(object, if log { place } else { Place { role: Role::Data, name: place.name } });
        } else {
            self.expr(callee, place);
        }
        for (index, arg) in args.iter().enumerate() {
            let names = index == 0 && object.is_some() && method.is_some_and(is_naming);
            let drawn = index == 0 && method.is_some_and(|method| DRAWING.contains(&method));
            let place = match place.role {
                Role::Data if names => Place { role: Role::Key, name: None },
                Role::Data if drawn => Place { role: Role::Visible, name: None },
                _ => place,
            };
            self.expr(&arg.value, place);
        }
    }

    /// Whether an object writes logs.
    fn is_log(&self, object: &Expr) -> bool {
        let name = match &object.kind {
            ExprKind::Global(name) => Some(name),
            ExprKind::Var(id) => self.script.and_then(|script| Some(&script.variables.get(*id as usize)?.name)),
            _ => None,
        };
        name.is_some_and(|name| is_log_name(name))
    }

    /// The array or object that an expression is or names.
    fn table<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        'a: 'e,
    {
        match &expr.kind {
            ExprKind::Var(id) => self.tables.get(id).copied().unwrap_or(expr),
            _ => expr,
        }
    }

    /// The constant that a member of an object holds.
    fn member(&self, expr: &Expr) -> Option<&'a Expr> {
        let ExprKind::Member { object, key: Key::Static(name, _), .. } = &expr.kind else { return None };
        let ExprKind::Var(id) = &object.kind else { return None };
        let ExprKind::Object(properties) = &self.tables.get(id)?.kind else { return None };
        let value = properties.iter().rev().find_map(|property| match property {
            Property::Value(Key::Static(known, _), value) if known == name => Some(value),
            _ => None,
        });
        value.filter(|value| is_constant(value, 0))
    }

    /// Whether some part of what is joined is a text.
    fn has_string(&self, expr: &Expr, depth: u32) -> bool {
        match &expr.kind {
            ExprKind::String(_) | ExprKind::Template(..) => true,
            ExprKind::Var(id) => self.constants.contains_key(id) || self.borrowed.value(expr).is_some(),
            ExprKind::Member { .. } => self.borrowed.value(expr).is_some() || self.member(expr).is_some(),
            ExprKind::Call { callee, .. } => {
                decoded(expr).is_some()
                    || depth < 200 && concatenated(callee).is_some_and(|head| self.has_string(head, depth + 1))
            }
            ExprKind::Binary(Operator::Add, left, right) => {
                depth < 200 && (self.has_string(left, depth + 1) || self.has_string(right, depth + 1))
            }
            _ => false,
        }
    }

    /// Adds a run for a string expression.
    fn tell(&mut self, expr: &'a Expr, place: Place<'a>) {
        if !self.used.insert((expr.span.start, expr.span.end)) {
            return;
        }
        let mut joined = Joined::default();
        self.join(expr, place, &mut joined, 0);
        if let Some(run) = self.run(joined, place) {
            self.runs.push(run);
        }
    }

    /// The run of a joined text; `None` when there is nothing to read.
    fn run(&self, joined: Joined, place: Place<'a>) -> Option<TextRun> {
        let text = with_references(without_tags(joined.text));
        if !has_text(&text.text) {
            return None;
        }
        let shown = place.name.is_some_and(|name| {
            let last = name.rsplit(['.', ']']).next().unwrap_or(name);
            SHOWN_KEYS.contains(&last)
        });
        if text.text.is_ascii() && !shown && place.role != Role::Visible {
            return None;
        }
        let role = match place.role {
            Role::Data | Role::Visible if is_url(&text.text) => Role::Url,
            Role::Data if place.name.is_some_and(|name| is_address_name(name)) && !text.text.contains(' ') => Role::Url,
            Role::Data if place.name.is_some_and(|name| &**name == "key") => Role::Key,
            Role::Data if shown => Role::Visible,
            role => role,
        };
        let span = trimmed(&text);
        Some(TextRun {
            file: self.file,
            span,
            role,
            text,
            element: None,
            name: place.name.cloned(),
            borrowed: joined.borrowed,
        })
    }

    /// Joins what an expression is made of; what is not known leaves a hole.
    fn join(&mut self, expr: &'a Expr, place: Place<'a>, out: &mut Joined, depth: u32) {
        if depth > 64 {
            out.text.push_hole(expr.span);
            return;
        }
        if let Some(text) = decoded(expr) {
            out.text.push(&text, expr.span);
            return;
        }
        if let Some(text) = self.borrowed.value(expr) {
            let at = out.text.text.len();
            out.borrowed.push(at..at + text.len());
            out.text.push(text, expr.span);
            return;
        }
        match &expr.kind {
            ExprKind::String(decoded) => out.text.append(&literal(self.source, expr.span, decoded)),
            ExprKind::Binary(Operator::Add, left, right) => {
                self.join(left, place, out, depth + 1);
                self.join(right, place, out, depth + 1);
            }
            ExprKind::Template(quasis, items) => self.join_template(expr, quasis, items, place, out, depth),
            ExprKind::Call { callee, args, .. } if let Some(head) = concatenated(callee) => {
                self.join(head, place, out, depth + 1);
                for arg in args {
                    if arg.spread {
                        out.text.push_hole(arg.value.span);
                    } else {
                        self.join(&arg.value, place, out, depth + 1);
                    }
                }
            }
            ExprKind::Call { callee, args, .. } => {
                let separator = args.first().map(|arg| &arg.value.kind);
                let joined = match (&callee.kind, separator) {
                    (ExprKind::Member { object, key: Key::Static(name, _), .. }, None) if &**name == "join" => {
                        Some((object, ","))
                    }
                    (ExprKind::Member { object, key: Key::Static(name, _), .. }, Some(ExprKind::String(separator)))
                        if &**name == "join" =>
                    {
                        Some((object, &**separator))
                    }
                    _ => None,
                };
                match joined.map(|(object, separator)| (&self.table(object).kind, separator)) {
                    Some((ExprKind::Array(items), separator)) => {
                        let pushed = match &callee.kind {
                            ExprKind::Member { object, .. } => match &object.kind {
                                ExprKind::Var(id) => self.pushed.get(id).cloned().unwrap_or_default(),
                                _ => Vec::new(),
                            },
                            _ => Vec::new(),
                        };
                        let known = items.iter().map(|item| Some(&item.as_ref().filter(|item| !item.spread)?.value));
                        for (index, item) in known.chain(pushed.into_iter().map(Some)).enumerate() {
                            if index > 0 {
                                out.text.push(separator, Span::at(callee.span.end));
                            }
                            match item {
                                Some(item) => self.join(item, place, out, depth + 1),
                                None => out.text.push_hole(callee.span),
                            }
                        }
                    }
                    _ => {
                        self.expr(expr, place);
                        out.text.push_hole(expr.span);
                    }
                }
            }
            ExprKind::Var(id) => match self.constants.get(id) {
                Some(value) if depth < 8 => self.join(value, place, out, depth + 8),
                _ => out.text.push_hole(expr.span),
            },
            ExprKind::Member { .. }
                if depth < 8
                    && let Some(value) = self.member(expr) =>
            {
                self.join(value, place, out, depth + 8);
            }
            ExprKind::Number(number) => out.text.push(&number.to_string(), expr.span),
            _ => {
                self.expr(expr, place);
                out.text.push_hole(expr.span);
            }
        }
    }

    fn join_template(
        &mut self,
        expr: &'a Expr,
        quasis: &'a [Arc<str>],
        items: &'a [Expr],
        place: Place<'a>,
        out: &mut Joined,
        depth: u32,
    ) {
        let mut start = expr.span.start + 1;
        for (index, quasi) in quasis.iter().enumerate() {
            let end = match items.get(index) {
                Some(item) => {
                    let head = Span::new(start, item.span.start).slice(self.source);
                    start + head.rfind("${").unwrap_or(head.len()) as u32
                }
                None => expr.span.end.saturating_sub(1),
            };
            let raw = Span::new(start, end);
            if raw.slice(self.source) == &**quasi {
                out.text.push(quasi, raw);
            } else {
                let mapped = unescape(raw.slice(self.source), raw.start);
                if mapped.text == **quasi {
                    out.text.append(&mapped);
                } else {
                    out.text.push(quasi, raw);
                }
            }
            if let Some(item) = items.get(index) {
                self.join(item, place, out, depth + 1);
                let rest = self.source.get(item.span.end as usize..).unwrap_or("");
                start = item.span.end + rest.find('}').map_or(0, |at| at as u32 + 1);
            }
        }
    }
}

/// What a sum is made of, in order.
fn summands<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    let mut expr = expr;
    let at = out.len();
    while let ExprKind::Binary(Operator::Add, left, right) = &expr.kind {
        out.insert(at, right);
        expr = left;
    }
    out.insert(at, expr);
}

fn named<'a>(place: Place<'a>, name: Option<&'a Arc<str>>) -> Place<'a> {
    match name {
        Some(name) if is_filter_name(name) => Place { role: Role::Key, name: Some(name) },
        Some(_) => Place { role: place.role, name },
        None => place,
    }
}

/// How variables are used.
#[derive(Default)]
struct Uses {
    all: HashMap<VarId, u32>,
    logged: HashMap<VarId, u32>,
    compared: HashMap<VarId, u32>,
}

impl Uses {
    fn note(&mut self, expr: &Expr) {
        let variable = |expr: &Expr| if let ExprKind::Var(id) = &expr.kind { Some(*id) } else { None };
        let count = |uses: &mut HashMap<VarId, u32>, id: Option<VarId>| {
            id.into_iter().for_each(|id| *uses.entry(id).or_default() += 1);
        };
        match &expr.kind {
            ExprKind::Var(id) => count(&mut self.all, Some(*id)),
            ExprKind::Binary(operator, left, right) if *operator != Operator::Add => {
                count(&mut self.compared, variable(left));
                count(&mut self.compared, variable(right));
            }
            ExprKind::Call { callee, args, .. } => {
                let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind else { return };
                if matches!(&object.kind, ExprKind::Global(name) if is_log_name(name)) {
                    args.iter().for_each(|arg| count(&mut self.logged, variable(&arg.value)));
                } else if SEARCHING.contains(&&**name) {
                    count(&mut self.compared, variable(object));
                    args.iter().for_each(|arg| count(&mut self.compared, variable(&arg.value)));
                }
            }
            _ => {}
        }
    }

    /// Variables that are never used otherwise, and what their texts are.
    fn quiet(self) -> HashMap<VarId, Role> {
        let of = |uses: &HashMap<VarId, u32>, id: &VarId| uses.get(id).copied().unwrap_or(0);
        let quiet = |(id, all): (&VarId, &u32)| {
            let (logged, compared) = (of(&self.logged, id), of(&self.compared, id));
            (logged + compared == *all).then_some((*id, if logged > 0 { Role::Log } else { Role::Key }))
        };
        self.all.iter().filter_map(quiet).collect()
    }
}
