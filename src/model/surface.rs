//! What a script offers to its template and touches of the host: methods, data keys that it sets, host members that it
//! asks about before use.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::ir::{Arg, Expr, ExprKind, Key, Pattern, Property, Script, Stmt, StmtKind, VarId};
use crate::source::Span;

/// Methods that a script gives to its page or component.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    /// Their names.
    pub names: BTreeSet<Arc<str>>,
    /// Those without a statement, and where they stand.
    pub idle: BTreeMap<Arc<str>, Span>,
    /// Functions of a component that stand beside its table of methods, where its template cannot call them.
    pub beside: BTreeSet<Arc<str>>,
    /// Whether these are all: nothing is mixed in, wrapped or computed.
    pub complete: bool,
    /// The global functions that they are registered with.
    pub registers: BTreeSet<Arc<str>>,
}

/// Global functions that register a unit.
pub(super) const REGISTERS: [&str; 4] = ["App", "Page", "Component", "Behavior"];

/// Keys of a registration whose objects hold methods too.
const METHOD_TABLES: [&str; 3] = ["methods", "lifetimes", "pageLifetimes"];

/// Keys that mix in what stands elsewhere.
const MIXINS: [&str; 4] = ["behaviors", "mixins", "mixin", "extends"];

/// The methods of the page or component that a script registers.
pub fn methods(script: &Script) -> Methods {
    methods_with(script, &|_| None)
}

/// As [`methods`], with the scripts that requests lead to: what one exports as a plain object may be mixed in by name.
pub fn methods_with<'s>(script: &'s Script, module: &dyn Fn(Span) -> Option<&'s Script>) -> Methods {
    let mut found = Methods { complete: script.damage.is_empty(), ..Methods::default() };
    let mut registered = 0;
    let mut behaviors = 0;
    script.for_each_expr(&mut |expr| match &expr.kind {
        ExprKind::Call { callee, args, .. } => {
            if let ExprKind::Global(name) = &callee.kind
                && REGISTERS.contains(&&**name)
            {
                match &**name {
                    "Behavior" => behaviors += 1,
                    _ => registered += 1,
                }
                found.registers.insert(name.clone());
                match args.first() {
                    Some(Arg { value, spread: false }) => {
                        // A component's template calls what its table of methods holds, and nothing beside it.
                        let level = if &**name == "Component" { Level::Beside } else { Level::Table };
                        collect(script, value, &mut found, level, 0, module);
                    }
                    _ => found.complete = false,
                }
            }
        }
        ExprKind::Assign { target, .. } => match &**target {
            Pattern::Member(member) => {
                if let ExprKind::Member { key: Key::Static(name, _), .. } = &member.kind {
                    found.names.insert(name.clone());
                }
            }
            Pattern::Global(name, _) if REGISTERS.contains(&&**name) => found.complete = false,
            _ => {}
        },
        _ => {}
    });
    // A behavior of the same script is mixed in, or none of its page's.
    if registered != 1 && (registered, behaviors) != (0, 1) {
        found.complete = false;
    }
    found
}

/// Where methods stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// In what a template calls.
    Table,
    /// Beside the table that a template calls.
    Beside,
}

fn collect<'s>(
    script: &'s Script,
    expr: &'s Expr,
    found: &mut Methods,
    level: Level,
    depth: u8,
    module: &dyn Fn(Span) -> Option<&'s Script>,
) {
    if depth > 4 {
        found.complete = false;
        return;
    }
    match &expr.kind {
        ExprKind::Object(properties) => {
            for property in properties {
                match property {
                    Property::Value(Key::Static(name, _), value) => {
                        if level == Level::Table || !matches!(value.kind, ExprKind::Function(_)) {
                            found.names.insert(name.clone());
                        } else {
                            found.beside.insert(name.clone());
                        }
                        if let ExprKind::Function(id) = &value.kind
                            && level == Level::Table
                            && let Some(function) = script.functions.get(*id as usize)
                            && function.body.is_empty()
                            && function.hoisted.is_empty()
                        {
                            found.idle.insert(name.clone(), function.span);
                        }
                        if METHOD_TABLES.contains(&&**name) {
                            collect(script, value, found, Level::Table, depth + 1, module);
                        }
                        if &**name == "behaviors" {
                            mix_in(script, value, found, depth, module);
                        } else if MIXINS.contains(&&**name)
                            && !matches!(&value.kind, ExprKind::Array(items) if items.is_empty())
                        {
                            found.complete = false;
                        }
                    }
                    Property::Getter(Key::Static(name, _), _) | Property::Setter(Key::Static(name, _), _) => {
                        found.names.insert(name.clone());
                    }
                    Property::Spread(value) => collect(script, value, found, level, depth + 1, module),
                    _ => found.complete = false,
                }
            }
        }
        ExprKind::Var(variable) => match initial(script, *variable) {
            Some(value) => collect(script, value, found, level, depth + 1, module),
            None => match imported(script, *variable, module) {
                Some((script, value)) => collect(script, value, found, level, depth + 1, &|_| None),
                None => found.complete = false,
            },
        },
        ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Global(name) if &**name == "require") =>
        {
            let script = args.first().and_then(|arg| module(arg.value.span));
            match script.and_then(|script| Some((script, exported(script)?))) {
                Some((script, value)) => collect(script, value, found, level, depth + 1, &|_| None),
                None => found.complete = false,
            }
        }
        ExprKind::Call { callee, args, .. } if is_assign(callee) => {
            for arg in args {
                collect(script, &arg.value, found, level, depth + 1, module);
            }
        }
        _ => found.complete = false,
    }
}

/// Adds the methods of the behaviors in a list; one that is not seen leaves the methods unknown.
fn mix_in<'s>(
    script: &'s Script,
    list: &'s Expr,
    found: &mut Methods,
    depth: u8,
    module: &dyn Fn(Span) -> Option<&'s Script>,
) {
    let ExprKind::Array(items) = &list.kind else {
        found.complete = false;
        return;
    };
    for item in items.iter().flatten() {
        // Those of the host give properties, and no methods.
        if matches!(&item.value.kind, ExprKind::String(name) if name.contains("://")) {
            continue;
        }
        match behavior(script, &item.value, module) {
            Some((from, options)) if !item.spread && from.damage.is_empty() => {
                if !std::ptr::eq(from, script) {
                    found.names.extend(assigned_members(from));
                    found.complete &= !hands_out_itself(from);
                    collect(from, options, found, Level::Beside, depth + 1, &|_| None);
                } else {
                    collect(from, options, found, Level::Beside, depth + 1, module);
                }
            }
            _ => found.complete = false,
        }
    }
}

/// The options that a behavior is made of, with the script that they stand in.
fn behavior<'s>(
    script: &'s Script,
    expr: &'s Expr,
    module: &dyn Fn(Span) -> Option<&'s Script>,
) -> Option<(&'s Script, &'s Expr)> {
    let made = |script: &'s Script, value: &'s Expr| match &value.kind {
        ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Global(name) if &**name == "Behavior") =>
        {
            let options = &args.first().filter(|arg| !arg.spread)?.value;
            // It may change the options of whom it is mixed into.
            let filters = matches!(&options.kind, ExprKind::Object(properties) if properties.iter().any(|property| {
                matches!(property, Property::Value(Key::Static(name, _), _) if &**name == "definitionFilter")
            }));
            (!filters).then_some((script, options))
        }
        _ => None,
    };
    let required = |value: &'s Expr| match &value.kind {
        ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Global(name) if &**name == "require") =>
        {
            let script = module(args.first()?.value.span)?;
            made(script, exported_value(script)?)
        }
        _ => None,
    };
    match &expr.kind {
        ExprKind::Var(variable) => match initial(script, *variable) {
            Some(value) => made(script, value).or_else(|| required(value)),
            None => {
                let import = script.imports.iter().find(|import| import.local == Some(*variable))?;
                let script = module(import.span)?;
                let value = match &*import.name {
                    "default" => exported_value(script)?,
                    name => script.exports.iter().find_map(|export| match export {
                        super::ir::Export::Local { name: exported, local } if &**exported == name => {
                            initial(script, *local)
                        }
                        _ => None,
                    })?,
                };
                made(script, value)
            }
        },
        _ => made(script, expr).or_else(|| required(expr)),
    }
}

/// Names of members that a script assigns (`this.open = …`).
fn assigned_members(script: &Script) -> BTreeSet<Arc<str>> {
    let mut out = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Assign { target, .. } = &expr.kind
            && let Pattern::Member(member) = &**target
            && let ExprKind::Member { key: Key::Static(name, _), .. } = &member.kind
        {
            out.insert(name.clone());
        }
    });
    out
}

/// Whether a script passes its page or component on to somebody who may give it methods (`new Wheel(this, …)`,
/// `parse({ target: that })`).
pub fn hands_out_itself(script: &Script) -> bool {
    let selves = names_of_this(script);
    let itself = |expr: &Expr| match &expr.kind {
        ExprKind::This => true,
        ExprKind::Var(variable) => selves.contains(variable),
        _ => false,
    };
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Call { args, .. } | ExprKind::New { args, .. } = &expr.kind {
            found |= args.iter().any(|arg| match &arg.value.kind {
                ExprKind::Object(properties) => {
                    properties.iter().any(|property| matches!(property, Property::Value(_, value) if itself(value)))
                }
                _ => itself(&arg.value),
            });
        }
    });
    found
}

/// What `import base from '…'` binds, with the script that it comes from.
fn imported<'s>(
    script: &Script,
    variable: VarId,
    module: &dyn Fn(Span) -> Option<&'s Script>,
) -> Option<(&'s Script, &'s Expr)> {
    let import = script.imports.iter().find(|import| import.local == Some(variable) && &*import.name == "default")?;
    let script = module(import.span)?;
    Some((script, exported(script)?))
}

/// The object literal that a script exports as a whole: `module.exports = { … }`, `export default { … }`.
fn exported(script: &Script) -> Option<&Expr> {
    exported_value(script).filter(|value| matches!(value.kind, ExprKind::Object(_)))
}

/// What a script exports as a whole.
fn exported_value(script: &Script) -> Option<&Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    let mut parts = false;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Assign { operator: None, target, value } = &expr.kind else { return };
        let Pattern::Member(member) = &**target else { return };
        let ExprKind::Member { object, key: Key::Static(name, _), .. } = &member.kind else { return };
        let of_module = matches!(&object.kind, ExprKind::Global(global) if &**global == "module");
        if of_module && &**name == "exports" {
            found.push(value);
        } else {
            // Added one by one, elsewhere.
            parts |= matches!(&object.kind, ExprKind::Global(global) if &**global == "exports")
                || matches!(&object.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "exports");
        }
    });
    for export in &script.exports {
        if let super::ir::Export::Local { name, local } = export
            && &**name == "default"
        {
            found.extend(initial(script, *local));
        }
    }
    let [value] = found.as_slice() else { return None };
    let value = match &value.kind {
        ExprKind::Var(variable) => initial(script, *variable)?,
        _ => value,
    };
    (!parts).then_some(value)
}

fn is_assign(callee: &Expr) -> bool {
    let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind else { return false };
    &**name == "assign" && matches!(&object.kind, ExprKind::Global(global) if &**global == "Object")
}

/// Variables that hold `this` (`let that = this`).
pub fn names_of_this(script: &Script) -> HashSet<VarId> {
    fn search(block: &[Stmt], out: &mut HashSet<VarId>) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Let(Pattern::Var(id, _), Some(value)) if matches!(value.kind, ExprKind::This) => {
                    out.insert(*id);
                }
                StmtKind::If(_, yes, no) => {
                    search(yes, out);
                    search(no, out);
                }
                StmtKind::Block(_, body) | StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } => {
                    search(body, out);
                }
                StmtKind::Switch(_, cases) => cases.iter().for_each(|(_, body)| search(body, out)),
                StmtKind::Try { block, handler, finalizer } => {
                    search(block, out);
                    handler.iter().for_each(|handler| search(&handler.1, out));
                    search(finalizer, out);
                }
                _ => {}
            }
        }
    }
    let mut out = HashSet::new();
    script.functions.iter().for_each(|function| search(&function.body, &mut out));
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Assign { operator: None, target, value } = &expr.kind
            && let Pattern::Var(id, _) = &**target
            && matches!(value.kind, ExprKind::This)
        {
            out.insert(*id);
        }
    });
    out
}

/// The value that a variable is declared with.
fn initial(script: &Script, variable: VarId) -> Option<&Expr> {
    fn search(block: &[Stmt], variable: VarId) -> Option<&Expr> {
        block.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Let(Pattern::Var(id, _), Some(value)) if *id == variable => Some(&**value),
            StmtKind::If(_, yes, no) => search(yes, variable).or_else(|| search(no, variable)),
            StmtKind::Block(_, body) | StmtKind::Loop { body, .. } => search(body, variable),
            StmtKind::Try { block, .. } => search(block, variable),
            _ => None,
        })
    }
    script.functions.iter().find_map(|function| search(&function.body, variable))
}

/// Top-level keys of the page's data that a script sets, and whether it sets keys that are not known.
pub fn data_keys(script: &Script) -> (BTreeSet<Arc<str>>, bool) {
    let mut keys = BTreeSet::new();
    let mut unknown = false;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
        let ExprKind::Member { key: Key::Static(name, _), .. } = &callee.kind else { return };
        if &**name != "setData" {
            return;
        }
        match args.first().map(|arg| &arg.value.kind) {
            Some(ExprKind::Object(properties)) => {
                for property in properties {
                    match property {
                        Property::Value(Key::Static(key, _), _) => {
                            let top = key.split(['.', '[']).next().unwrap_or(key);
                            keys.insert(top.into());
                        }
                        _ => unknown = true,
                    }
                }
            }
            Some(ExprKind::String(key)) => {
                keys.insert(key.split(['.', '[']).next().unwrap_or(key).into());
            }
            _ => unknown = true,
        }
    });
    (keys, unknown)
}

/// What a script sets the data key `key` to, by the name of the method that it stands in: `None` where that is not `true` or
/// `false` as written.
pub fn settings(script: &Script, key: &str) -> Vec<(Option<Arc<str>>, Option<bool>)> {
    let mut out = Vec::new();
    for function in &script.functions {
        let mut values = Vec::new();
        function.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::Call { callee, args, .. } if matches!(&callee.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == "setData") => {
                let Some(ExprKind::Object(properties)) = args.first().map(|arg| &arg.value.kind) else {
                    values.push(None);
                    return;
                };
                for property in properties {
                    match property {
                        Property::Value(Key::Static(name, _), value) if &**name == key => values.push(match value.kind {
                            ExprKind::Bool(on) => Some(on),
                            _ => None,
                        }),
                        Property::Value(Key::Static(..), _) => {}
                        _ => values.push(None),
                    }
                }
            }
            ExprKind::Assign { target, .. } => {
                if let Pattern::Member(member) = &**target
                    && matches!(&member.kind, ExprKind::Member { key: Key::Static(name, _), .. } if &**name == key)
                {
                    values.push(None);
                }
            }
            _ => {}
        });
        if values.is_empty() {
            continue;
        }
        let name = method_around(script, function);
        out.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    out
}

/// The name of the outermost function around a function that has one.
fn method_around(script: &Script, function: &super::ir::Function) -> Option<Arc<str>> {
    let mut at = function;
    let mut name = None;
    for _ in 0..32 {
        if at.name.is_some() {
            name = at.name.clone();
        }
        let Some(parent) = script.functions.get(at.parent as usize).filter(|parent| parent.span != at.span) else {
            break;
        };
        at = parent;
    }
    name
}

/// Names of all members that a script reads or calls: methods among them may be called by it.
pub fn member_names(script: &Script) -> BTreeSet<Arc<str>> {
    let mut out = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Member { key: Key::Static(name, _), .. } = &expr.kind {
            out.insert(name.clone());
        }
    });
    out
}

/// What the data of a page or component begins with, for one key: `Some` where it is `true` or `false` as written.
pub fn initial_data(script: &Script, key: &str) -> Option<bool> {
    let mut found = None;
    script.for_each_expr(&mut |expr| {
        let ExprKind::Object(properties) = &expr.kind else { return };
        for property in properties {
            if let Property::Value(Key::Static(name, _), value) = property
                && &**name == "data"
                && let ExprKind::Object(fields) = &value.kind
            {
                for field in fields {
                    if let Property::Value(Key::Static(name, _), value) = field
                        && &**name == key
                        && let ExprKind::Bool(on) = value.kind
                    {
                        found.get_or_insert(on);
                    }
                }
            }
        }
    });
    found
}

/// Members of the global objects `namespaces` that a script reads without calling them: `if (swan.x)`, `typeof swan.x`,
/// `'x' in swan`; and whether it asks if the object exists at all.
pub fn tested_members(script: &Script, namespaces: &[Arc<str>], out: &mut BTreeSet<Arc<str>>) -> bool {
    let is_host = |expr: &Expr| matches!(&expr.kind, ExprKind::Global(name) if namespaces.contains(name));
    let mut asked = false;
    let mut called: BTreeSet<u32> = BTreeSet::new();
    script.for_each_expr(&mut |expr| match &expr.kind {
        // `api?.()` asks whether it is there.
        ExprKind::Call { callee, optional: false, .. } => {
            called.insert(callee.span.end);
        }
        ExprKind::Typeof(inner) if is_host(inner) => asked = true,
        ExprKind::Member { object, key: Key::Static(name, span), optional } => {
            // Who reads on asks nothing.
            if let ExprKind::Member { key: Key::Static(_, inner), .. } = &object.kind
                && !optional
            {
                called.insert(inner.end);
            }
            if !called.contains(&span.end)
                && let Some(path) = host_path(object, &is_host)
            {
                out.insert(if path.is_empty() { name.clone() } else { format!("{path}.{name}").into() });
            }
        }
        ExprKind::Binary(super::ir::Operator::In, left, right) if is_host(right) => {
            if let ExprKind::String(name) = &left.kind {
                out.insert(name.clone());
            }
        }
        _ => {}
    });
    asked
}

/// The path from the host's object to an expression: empty for the object itself.
fn host_path(expr: &Expr, is_host: &dyn Fn(&Expr) -> bool) -> Option<String> {
    if is_host(expr) {
        return Some(String::new());
    }
    let ExprKind::Member { object, key: Key::Static(name, _), .. } = &expr.kind else { return None };
    let path = host_path(object, is_host)?;
    Some(if path.is_empty() { name.to_string() } else { format!("{path}.{name}") })
}

/// String constants of a script that stand in functions for which `runs` holds, with the function's index.
pub fn strings<'s>(script: &'s Script, runs: &dyn Fn(u32) -> bool, visit: &mut dyn FnMut(&'s str)) {
    for (index, function) in script.functions.iter().enumerate() {
        if !runs(index as u32) {
            continue;
        }
        function.for_each_expr(&mut |expr| match &expr.kind {
            ExprKind::String(text) => visit(text),
            ExprKind::Template(quasis, _) => quasis.iter().for_each(|quasi| visit(quasi)),
            _ => {}
        });
    }
}

/// Spans of calls whose promise has a failure branch: `.catch(…)`, `.then(…, …)`, awaited in a `try`, or handed to the
/// caller by `return`.
pub fn settled_calls(script: &Script) -> BTreeSet<crate::source::Span> {
    settled(script, true)
}

/// The same without those that are only handed on.
pub fn caught_calls(script: &Script) -> BTreeSet<crate::source::Span> {
    settled(script, false)
}

fn settled(script: &Script, returned: bool) -> BTreeSet<crate::source::Span> {
    let mut found = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
        let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind else { return };
        if &**name == "catch" || &**name == "then" && args.len() > 1 {
            chain(object, &mut found);
        }
    });
    let mut executors: HashSet<u32> = HashSet::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::New { callee, args } = &expr.kind
            && matches!(&callee.kind, ExprKind::Global(name) if &**name == "Promise")
            && let Some(ExprKind::Function(id)) = args.first().map(|arg| &arg.value.kind)
        {
            executors.insert(*id);
        }
    });
    for (id, function) in script.functions.iter().enumerate() {
        // Nobody gets what the function returns that a promise is made with.
        if !executors.contains(&(id as u32)) {
            settled_in(&function.body, false, returned, &mut found);
        }
    }
    found
}

/// Spans of calls that are awaited: what fails there fails the function that they stand in.
pub fn awaited_calls(script: &Script) -> BTreeSet<crate::source::Span> {
    let mut found = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Await(inner) = &expr.kind {
            chain(inner, &mut found);
        }
    });
    found
}

/// Spans of calls whose promise nobody keeps: statements of their own, with what `then` hangs on them.
pub fn dropped_calls(script: &Script) -> BTreeSet<crate::source::Span> {
    fn dropped(block: &[Stmt], found: &mut BTreeSet<crate::source::Span>) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Expr(value) => chain(value, found),
                StmtKind::If(_, yes, no) => {
                    dropped(yes, found);
                    dropped(no, found);
                }
                StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                    dropped(body, found);
                }
                StmtKind::Switch(_, cases) => cases.iter().for_each(|(_, body)| dropped(body, found)),
                StmtKind::Try { block, handler, finalizer } => {
                    dropped(block, found);
                    if let Some((_, body)) = handler.as_deref() {
                        dropped(body, found);
                    }
                    dropped(finalizer, found);
                }
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    script.functions.iter().for_each(|function| dropped(&function.body, &mut found));
    found
}

/// The calls that a chain of `then` and `finally` starts from.
fn chain(expr: &Expr, found: &mut BTreeSet<crate::source::Span>) {
    match &expr.kind {
        ExprKind::Call { callee, args, .. } => {
            found.insert(expr.span);
            if let ExprKind::Member { object, key: Key::Static(name, _), .. } = &callee.kind {
                if matches!(&**name, "then" | "finally") {
                    chain(object, found);
                }
                if matches!(&**name, "all" | "race" | "allSettled") {
                    for arg in args {
                        chain(&arg.value, found);
                    }
                }
            }
        }
        ExprKind::Array(items) => items.iter().flatten().for_each(|item| chain(&item.value, found)),
        ExprKind::Await(inner) => chain(inner, found),
        ExprKind::New { .. } => {
            found.insert(expr.span);
        }
        _ => {}
    }
}

fn settled_in(block: &[Stmt], guarded: bool, returned: bool, found: &mut BTreeSet<crate::source::Span>) {
    let mut expr = |expr: &Expr| {
        if guarded {
            super::ir::walk_expr(expr, &mut |inner| {
                if let ExprKind::Await(inner) = &inner.kind {
                    chain(inner, found);
                }
            });
        }
    };
    for stmt in block {
        match &stmt.kind {
            StmtKind::Expr(value) | StmtKind::Throw(value) => expr(value),
            StmtKind::Let(_, Some(value)) => expr(value),
            _ => {}
        }
    }
    for stmt in block {
        match &stmt.kind {
            StmtKind::Return(Some(value)) if returned => {
                chain(value, found);
            }
            StmtKind::If(_, yes, no) => {
                settled_in(yes, guarded, returned, found);
                settled_in(no, guarded, returned, found);
            }
            StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                settled_in(body, guarded, returned, found);
            }
            StmtKind::Switch(_, cases) => cases.iter().for_each(|(_, body)| settled_in(body, guarded, returned, found)),
            StmtKind::Try { block, handler, finalizer } => {
                settled_in(block, guarded || handler.is_some(), returned, found);
                if let Some((_, body)) = handler.as_deref() {
                    settled_in(body, guarded, returned, found);
                }
                settled_in(finalizer, guarded, returned, found);
            }
            _ => {}
        }
    }
}
