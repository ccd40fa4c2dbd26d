//! Call sites and initial data of a script, as written: for rules that need no flow.

use std::collections::HashMap;

use super::ir::{Arg, Expr, ExprKind, FnId, Function, Key, Name, Pattern, Property, Script, Stmt, StmtKind, VarId};
use crate::source::Span;

/// Where a called name comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// No scope of the file declares it.
    Global,
    /// A module that the file requires or imports.
    Module(Name),
    /// A variable or parameter.
    Variable,
    /// Anything else.
    Other,
}

/// A call or construction.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// How the function is reached: names from the root on (`["swan", "request"]`); empty names for computed parts.
    pub chain: Vec<Name>,
    /// What the first name is.
    pub root: Root,
    /// The whole call.
    pub span: Span,
    /// The function that holds it.
    pub function: FnId,
    /// `new`
    pub constructs: bool,
    /// Constant strings among the arguments, by position.
    pub strings: Vec<Option<Name>>,
    /// Arguments.
    pub args: Vec<Span>,
}

/// A constant in the initial data of a page, component or app.
#[derive(Clone, Debug)]
pub struct Initial {
    /// Path (`form.agree`, `boxes[0].on`).
    pub path: String,
    /// The boolean, when it is one.
    pub boolean: Option<bool>,
    /// The string, when it is one.
    pub string: Option<Name>,
    /// The value.
    pub span: Span,
}

/// Every call and construction, in order of place.
pub fn call_sites(script: &Script) -> Vec<CallSite> {
    let modules = modules(script);
    let mut out = Vec::new();
    expressions(script, &mut |function, expr| {
        let (callee, args, constructs) = match &expr.kind {
            ExprKind::Call { callee, args, .. } => (callee, args, false),
            ExprKind::New { callee, args } => (callee, args, true),
            _ => return,
        };
        let mut chain = Vec::new();
        let root = reach(script, &modules, callee, &mut chain);
        chain.reverse();
        out.push(CallSite {
            chain,
            root,
            span: expr.span,
            function,
            constructs,
            strings: args
                .iter()
                .map(|arg| match &arg.value.kind {
                    ExprKind::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            args: args.iter().map(|arg| arg.value.span).collect(),
        });
    });
    out.sort_by_key(|site| (site.span.start, site.span.end));
    out
}

/// Collects the names of a callee, last first.
fn reach(script: &Script, modules: &HashMap<VarId, (Name, Option<Name>)>, expr: &Expr, chain: &mut Vec<Name>) -> Root {
    match &expr.kind {
        ExprKind::Global(name) => {
            chain.push(name.clone());
            Root::Global
        }
        ExprKind::Var(variable) => {
            let name = script.variables.get(*variable as usize).map(|variable| variable.name.clone());
            match modules.get(variable) {
                Some((module, member)) => {
                    chain.extend(member.clone().or(name));
                    Root::Module(module.clone())
                }
                None => {
                    chain.extend(name);
                    Root::Variable
                }
            }
        }
        ExprKind::Member { object, key, .. } => {
            chain.push(match key {
                Key::Static(name, _) => name.clone(),
                Key::Computed(key) => match &key.kind {
                    ExprKind::String(name) => name.clone(),
                    _ => Name::from(""),
                },
            });
            reach(script, modules, object, chain)
        }
        ExprKind::This => {
            chain.push(Name::from("this"));
            Root::Other
        }
        ExprKind::New { callee, .. } => reach(script, modules, callee, chain),
        ExprKind::Call { callee, args, .. } => {
            if let (ExprKind::Global(name), Some(ExprKind::String(request))) =
                (&callee.kind, args.first().map(|arg| &arg.value.kind))
                && &**name == "require"
            {
                return Root::Module(request.clone());
            }
            chain.push(Name::from("()"));
            reach(script, modules, callee, chain)
        }
        // `(0, module.fn)(…)`
        ExprKind::Sequence(items) => items.last().map_or(Root::Other, |last| reach(script, modules, last, chain)),
        _ => Root::Other,
    }
}

/// Variables that hold modules or members of modules.
fn modules(script: &Script) -> HashMap<VarId, (Name, Option<Name>)> {
    let mut out: HashMap<VarId, (Name, Option<Name>)> = HashMap::new();
    for import in &script.imports {
        if let Some(local) = import.local {
            let member = (!matches!(&*import.name, "*" | "default")).then(|| import.name.clone());
            out.insert(local, (import.from.clone(), member));
        }
    }
    let mut visit = |pattern: &Pattern, value: &Expr| {
        let request = match &value.kind {
            ExprKind::Call { callee, args, .. } => match (&callee.kind, args.first().map(|arg| &arg.value.kind)) {
                (ExprKind::Global(name), Some(ExprKind::String(request))) if &**name == "require" => request.clone(),
                _ => return,
            },
            ExprKind::Member { object, key: Key::Static(member, _), .. } => match &object.kind {
                ExprKind::Call { callee, args, .. } => {
                    if let (ExprKind::Global(name), Some(ExprKind::String(request)), Pattern::Var(variable, _)) =
                        (&callee.kind, args.first().map(|arg| &arg.value.kind), pattern)
                        && &**name == "require"
                    {
                        out.insert(*variable, (request.clone(), Some(member.clone())));
                    }
                    return;
                }
                _ => return,
            },
            _ => return,
        };
        match pattern {
            Pattern::Var(variable, _) => {
                out.insert(*variable, (request, None));
            }
            Pattern::Object { properties, .. } => {
                for (key, target) in properties {
                    if let (Key::Static(name, _), Pattern::Var(variable, _)) = (key, target) {
                        out.insert(*variable, (request.clone(), Some(name.clone())));
                    }
                }
            }
            _ => {}
        }
    };
    for function in &script.functions {
        statements(&function.body, &mut |stmt| {
            if let StmtKind::Let(pattern, Some(value)) = &stmt.kind {
                visit(pattern, value);
            }
        });
    }
    out
}

/// Constants in the initial data of the pages, components and app that a script defines.
pub fn initial_data(script: &Script) -> Vec<Initial> {
    let mut out = Vec::new();
    let named = Declared::of(script);
    expressions(script, &mut |_, expr| {
        if let ExprKind::Class(class) = &expr.kind {
            for (of_class, property) in &class.members {
                if let (false, Property::Value(Key::Static(name, _), value)) = (of_class, property)
                    && &**name == "data"
                    && matches!(value.kind, ExprKind::Object(_))
                {
                    named.constants(value, "", &mut out, 0);
                }
            }
        }
        let ExprKind::Object(properties) = &expr.kind else { return };
        // A definition has methods or lifecycles beside its data.
        let methods = properties.iter().any(|property| match property {
            Property::Value(Key::Static(name, _), value) => {
                matches!(value.kind, ExprKind::Function(_)) && &**name != "data" || &**name == "methods"
            }
            _ => false,
        });
        for property in properties {
            let Property::Value(Key::Static(name, _), value) = property else { continue };
            if &**name != "data" && &**name != "globalData" {
                continue;
            }
            let object = match &value.kind {
                ExprKind::Object(_) if methods || properties.len() == 1 => value,
                ExprKind::Var(var) if methods => match named.objects.get(var) {
                    Some(object) => object,
                    None => continue,
                },
                ExprKind::Function(function) => {
                    let Some(function) = script.functions.get(*function as usize) else { continue };
                    let returned = function.body.iter().rev().find_map(|stmt| match &stmt.kind {
                        StmtKind::Return(Some(value)) => Some(value),
                        _ => None,
                    });
                    let Some(returned) = returned else { continue };
                    returned
                }
                _ => continue,
            };
            named.constants(object, "", &mut out, 0);
        }
    });
    out.sort_by_key(|initial| initial.span.start);
    out
}

/// Constant values that the properties of a component have where its user gives none.
pub fn property_defaults(script: &Script) -> Vec<Initial> {
    let mut out = Vec::new();
    let named = Declared::of(script);
    expressions(script, &mut |_, expr| {
        let ExprKind::Object(definition) = &expr.kind else { return };
        for property in definition {
            let Property::Value(Key::Static(name, _), Expr { kind: ExprKind::Object(declared), .. }) = property else {
                continue;
            };
            if &**name != "properties" {
                continue;
            }
            for property in declared {
                let Property::Value(Key::Static(name, _), Expr { kind: ExprKind::Object(fields), .. }) = property
                else {
                    continue;
                };
                for field in fields {
                    if let Property::Value(Key::Static(key, _), value) = field
                        && &**key == "value"
                    {
                        named.constants(value, name, &mut out, 0);
                    }
                }
            }
        }
    });
    out.sort_by_key(|initial| initial.span.start);
    out
}

/// What a script's own level gives a name: object literals, and functions that give nothing but one.
struct Declared<'s> {
    objects: HashMap<VarId, &'s Expr>,
    made: HashMap<VarId, &'s Expr>,
}

impl<'s> Declared<'s> {
    fn of(script: &'s Script) -> Self {
        let (mut objects, mut made) = (HashMap::new(), HashMap::new());
        let returned = |function: FnId| match script.functions.get(function as usize)?.body.as_slice() {
            [Stmt { kind: StmtKind::Return(Some(value)), .. }] if matches!(value.kind, ExprKind::Object(_)) => {
                Some(value)
            }
            _ => None,
        };
        if let Some(top) = script.functions.first() {
            for stmt in &top.body {
                let StmtKind::Let(Pattern::Var(var, _), Some(value)) = &stmt.kind else { continue };
                match value.kind {
                    ExprKind::Object(_) => {
                        objects.insert(*var, &**value);
                    }
                    ExprKind::Function(function) => {
                        made.extend(returned(function).map(|value| (*var, value)));
                    }
                    _ => {}
                }
            }
            made.extend(top.hoisted.iter().filter_map(|(var, function)| Some((*var, returned(*function)?))));
        }
        Self { objects, made }
    }

    /// Constants in a value, by their paths.
    fn constants(&self, expr: &Expr, path: &str, out: &mut Vec<Initial>, depth: u8) {
        const DEEPEST: u8 = 4;
        const ITEMS: usize = 8;
        let mut push = |boolean, string| {
            out.push(Initial { path: path.to_owned(), boolean, string, span: expr.span });
        };
        match &expr.kind {
            ExprKind::Bool(value) => push(Some(*value), None),
            // `!0`, as minifiers write it.
            ExprKind::Not(inner) => {
                if let ExprKind::Number(number) = inner.kind {
                    push(Some(number == 0.0), None);
                }
            }
            ExprKind::String(text) => push(None, Some(text.clone())),
            ExprKind::Object(properties) if depth < DEEPEST => {
                for property in properties {
                    match property {
                        Property::Value(Key::Static(name, _), value) => {
                            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                            self.constants(value, &path, out, depth + 1);
                        }
                        Property::Spread(value) => self.constants(value, path, out, depth + 1),
                        _ => {}
                    }
                }
            }
            ExprKind::Array(items) if depth < DEEPEST => {
                for (index, item) in items.iter().take(ITEMS).enumerate() {
                    if let Some(Arg { value, spread: false }) = item {
                        self.constants(value, &format!("{path}[{index}]"), out, depth + 1);
                    }
                }
            }
            ExprKind::Var(var) if depth < DEEPEST => {
                if let Some(object) = self.objects.get(var) {
                    self.constants(object, path, out, depth + 1);
                }
            }
            ExprKind::Call { callee, .. } if depth < DEEPEST => {
                if let ExprKind::Var(var) = callee.kind
                    && let Some(object) = self.made.get(&var)
                {
                    self.constants(object, path, out, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// Constants that the lifecycle methods in `loads` put into the data in any case, before the user can do anything.
pub fn loaded_data(script: &Script, loads: &[Name]) -> Vec<Initial> {
    let mut out = Vec::new();
    let named = Declared::of(script);
    let mut methods = Vec::new();
    expressions(script, &mut |_, expr| {
        let mut method = |property: &Property| {
            if let Property::Value(Key::Static(name, _), value) = property
                && let ExprKind::Function(function) = value.kind
                && loads.contains(name)
            {
                methods.push(function);
            }
        };
        match &expr.kind {
            ExprKind::Object(properties) => properties.iter().for_each(&mut method),
            ExprKind::Class(class) => class.members.iter().for_each(|(_, property)| method(property)),
            _ => {}
        }
    });
    for function in methods {
        let Some(function) = script.functions.get(function as usize) else { continue };
        for stmt in &function.body {
            match &stmt.kind {
                StmtKind::Expr(Expr { kind: ExprKind::Call { callee, args, .. }, .. }) => {
                    let sets = matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. }
                        if &**name == "setData");
                    if let (true, Some(values)) = (sets, args.first()) {
                        named.constants(&values.value, "", &mut out, 0);
                    }
                }
                StmtKind::Expr(_) | StmtKind::Let(..) => {}
                // What follows may never come.
                _ => break,
            }
        }
    }
    out
}

/// Every statement of a function, those inside others too; not those of functions in it.
pub fn statements_of(function: &Function, visit: &mut impl FnMut(&Stmt)) {
    statements(&function.body, visit);
}

fn statements(body: &[Stmt], visit: &mut impl FnMut(&Stmt)) {
    for stmt in body {
        visit(stmt);
        match &stmt.kind {
            StmtKind::If(_, then, other) => {
                statements(then, visit);
                statements(other, visit);
            }
            StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                statements(body, visit);
            }
            StmtKind::Switch(_, cases) => cases.iter().for_each(|(_, body)| statements(body, visit)),
            StmtKind::Try { block, handler, finalizer } => {
                statements(block, visit);
                if let Some((_, body)) = handler.as_deref() {
                    statements(body, visit);
                }
                statements(finalizer, visit);
            }
            _ => {}
        }
    }
}

/// Calls `visit` for every expression, with the function that holds it.
pub fn expressions(script: &Script, visit: &mut impl FnMut(FnId, &Expr)) {
    for (id, function) in script.functions.iter().enumerate() {
        let id = id as FnId;
        for param in &function.params {
            pattern(&param.pattern, id, visit);
        }
        statements(&function.body, &mut |stmt| match &stmt.kind {
            StmtKind::Expr(value) | StmtKind::Throw(value) => expression(value, id, visit),
            StmtKind::Let(target, value) => {
                pattern(target, id, visit);
                if let Some(value) = value {
                    expression(value, id, visit);
                }
            }
            StmtKind::Return(Some(value)) => expression(value, id, visit),
            StmtKind::If(test, ..) => expression(test, id, visit),
            StmtKind::Loop { test, update, .. } => {
                for value in [test, update].into_iter().flatten() {
                    expression(value, id, visit);
                }
            }
            StmtKind::ForEach { target, iterable, .. } => {
                pattern(target, id, visit);
                expression(iterable, id, visit);
            }
            StmtKind::Switch(value, cases) => {
                expression(value, id, visit);
                for (test, _) in cases {
                    if let Some(test) = test {
                        expression(test, id, visit);
                    }
                }
            }
            _ => {}
        });
    }
}

fn key(key: &Key, id: FnId, visit: &mut impl FnMut(FnId, &Expr)) {
    if let Key::Computed(value) = key {
        expression(value, id, visit);
    }
}

fn pattern(target: &Pattern, id: FnId, visit: &mut impl FnMut(FnId, &Expr)) {
    match target {
        Pattern::Var(..) | Pattern::Global(..) => {}
        Pattern::Member(value) => expression(value, id, visit),
        Pattern::Object { properties, rest } => {
            for (name, target) in properties {
                key(name, id, visit);
                pattern(target, id, visit);
            }
            if let Some(rest) = rest {
                pattern(rest, id, visit);
            }
        }
        Pattern::Array { items, rest } => {
            for item in items.iter().flatten() {
                pattern(item, id, visit);
            }
            if let Some(rest) = rest {
                pattern(rest, id, visit);
            }
        }
        Pattern::Default(target, value) => {
            pattern(target, id, visit);
            expression(value, id, visit);
        }
    }
}

fn property(item: &Property, id: FnId, visit: &mut impl FnMut(FnId, &Expr)) {
    match item {
        Property::Value(name, value) => {
            key(name, id, visit);
            expression(value, id, visit);
        }
        Property::Getter(name, _) | Property::Setter(name, _) => key(name, id, visit),
        Property::Spread(value) => expression(value, id, visit),
    }
}

fn expression(expr: &Expr, id: FnId, visit: &mut impl FnMut(FnId, &Expr)) {
    visit(id, expr);
    let mut each = |value: &Expr| expression(value, id, visit);
    match &expr.kind {
        ExprKind::Template(_, items) | ExprKind::Sequence(items) => items.iter().for_each(each),
        ExprKind::Array(items) => items.iter().flatten().for_each(|arg| each(&arg.value)),
        ExprKind::Object(properties) => properties.iter().for_each(|item| property(item, id, visit)),
        ExprKind::Class(class) => {
            if let Some(parent) = &class.parent {
                each(parent);
            }
            class.members.iter().for_each(|(_, item)| property(item, id, visit));
        }
        ExprKind::Member { object, key: name, .. } => {
            each(object);
            key(name, id, visit);
        }
        ExprKind::Call { callee, args, .. } | ExprKind::New { callee, args } => {
            each(callee);
            args.iter().for_each(|arg| each(&arg.value));
        }
        ExprKind::Assign { target, value, .. } => {
            each(value);
            pattern(target, id, visit);
        }
        ExprKind::Update(target) => pattern(target, id, visit),
        ExprKind::Not(value)
        | ExprKind::Typeof(value)
        | ExprKind::Delete(value)
        | ExprKind::Unary(_, value)
        | ExprKind::Await(value)
        | ExprKind::Import(value) => each(value),
        ExprKind::Yield(Some(value)) => each(value),
        ExprKind::Binary(_, left, right) | ExprKind::Logical(_, left, right) => {
            each(left);
            each(right);
        }
        ExprKind::Conditional(test, then, other) => {
            each(test);
            each(then);
            each(other);
        }
        ExprKind::Tagged(parts) => {
            let (tag, _, items) = &**parts;
            each(tag);
            items.iter().for_each(each);
        }
        ExprKind::Jsx(parts) => {
            let (tag, properties, children) = &**parts;
            each(tag);
            children.iter().for_each(each);
            properties.iter().for_each(|item| property(item, id, visit));
        }
        _ => {}
    }
}
