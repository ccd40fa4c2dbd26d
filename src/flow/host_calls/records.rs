//! Calls and branches as rules read them: arguments as snapshots, and what each arm did.

use std::rc::Rc;
use std::sync::Arc;

use crate::flow::heap::{Change, Diff, Kind};
use crate::flow::machine::{Machine, Site, name};
use crate::flow::solution::{ArgValue, Branch, Fact, HostCall, Origin, Place, Text};
use crate::flow::value::{ANY, FALSE, NUMBER, ObjId, Str, TRUE, Value, number_text, unite};
use crate::model::ir::{ExprKind, Stmt, StmtKind};
use crate::package::Origin as FileOrigin;
use crate::source::{FileId, Span};

/// Options that hold callbacks, never data.
pub(super) const CALLBACKS: &[&str] = &["success", "fail", "complete"];

/// Most fields of an argument that are kept for rules.
const MAX_SNAPSHOT: usize = 400;

impl<'a> Machine<'a> {
    pub(super) fn record_call(&mut self, namespace: &str, path: &str, args: &[Value], site: &Site) -> Option<usize> {
        let place = site.place;
        let facts = self.fact_set();
        let same = self.record.calls.iter().position(|call| {
            call.place == place
                && call.args.len() == args.len()
                && Arc::ptr_eq(&call.facts, &facts)
                && &*call.api == path
        });
        if let Some(known) = same {
            if !self.record.calls[known].handles_failure {
                let (handles, rejects) = args.first().map_or((false, false), |options| self.handles_failure(options));
                self.record.calls[known].handles_failure = handles;
                self.record.calls[known].rejects = rejects;
            }
            return Some(known);
        }
        let (handles_failure, rejects) = args.first().map_or((false, false), |options| self.handles_failure(options));
        let values: Vec<ArgValue> = args
            .iter()
            .enumerate()
            .map(|(index, arg)| self.snapshot(arg, site.args.get(index).copied().flatten(), 4))
            .collect();
        let result_used = site.used
            || values
                .iter()
                .any(|value| value.callable || value.field("success").is_some_and(|success| success.callable));
        // A call in a library is told at the package's own call into it.
        let through = if matches!(self.package.files[place.file.index()].origin, FileOrigin::Own) {
            None
        } else {
            self.stack
                .iter()
                .rev()
                .map(|called| called.site)
                .find(|site| matches!(self.package.files[site.file.index()].origin, FileOrigin::Own))
        };
        self.record.calls.push(HostCall {
            api: path.into(),
            namespace: namespace.into(),
            place,
            entry: self.entries[self.entry].clone(),
            facts,
            path: self.path(),
            args: values,
            handles_failure,
            rejects,
            result_used,
            through,
        });
        Some(self.record.calls.len() - 1)
    }

    /// Whether options give something to call when the host fails, and whether that only rejects a promise.
    fn handles_failure(&mut self, options: &Value) -> (bool, bool) {
        let keys = [self.known("fail"), self.known("complete")];
        let mut handlers: Vec<ObjId> = Vec::new();
        for &object in &options.objects {
            if matches!(self.heap.kind(object), Kind::Plain | Kind::Array | Kind::Map | Kind::Set) {
                for value in keys.iter().filter_map(|&key| self.heap.get(object, key)) {
                    handlers.extend(value.objects.iter().filter(|&&id| self.callable(id)));
                }
            }
        }
        (!handlers.is_empty(), !handlers.is_empty() && handlers.iter().all(|&handler| self.rejects_promise(handler)))
    }

    /// Whether a function is the one that rejects a promise, or does nothing but call it.
    fn rejects_promise(&self, function: ObjId) -> bool {
        let rejects = |id: ObjId| matches!(self.heap.kind(id), Kind::Settle { fulfil: false, .. });
        let Kind::Closure { file, function: body, frame } = *self.heap.kind(function) else { return rejects(function) };
        let body = self.program.script(file).and_then(|script| script.functions.get(body as usize));
        let Some([Stmt { kind: StmtKind::Expr(expr) | StmtKind::Return(Some(expr)), .. }]) =
            body.map(|body| &*body.body)
        else {
            return false;
        };
        let ExprKind::Call { callee, .. } = &expr.kind else { return false };
        let ExprKind::Var(var) = callee.kind else { return false };
        let mut at = Some(frame);
        while let Some(frame) = at {
            if let Some(value) = self.heap.get(frame, var) {
                return value.objects.len() == 1 && value.objects.iter().all(|&id| rejects(id));
            }
            at = match self.heap.kind(frame) {
                Kind::Frame { parent, .. } => *parent,
                _ => None,
            };
        }
        false
    }

    fn callable(&self, object: ObjId) -> bool {
        matches!(
            self.heap.kind(object),
            Kind::Closure { .. } | Kind::Bound { .. } | Kind::Settle { .. } | Kind::Host { .. } | Kind::External { .. }
        )
    }

    /// Notes a call of a global that rules care for (`eval`, `Function`).
    pub fn record_global(&mut self, path: &str, args: &[Value], site: &Site) {
        // A type that was put beside other values is none of their methods: what is run is code.
        let called = site.name.rsplit('.').next().unwrap_or("");
        let member = site.name.contains('.') && !site.name.starts_with("Reflect.");
        if member && !matches!(called, "eval" | "Function" | "constructor") && path == "Function" {
            let code = |text: &Rc<Str>| text.complete().is_none_or(|text| text.contains(['(', ';', '=']));
            let remote = |id: &u32| matches!(self.origin_table[*id as usize], Origin::Remote(_));
            let given =
                args.last().is_some_and(|last| last.strings.iter().any(code) || last.all_origins().iter().any(remote));
            if !given {
                return;
            }
        }
        self.record.blind(site.place, "dynamic-code", path);
        self.record_call("", path, args, site);
    }

    /// A value as rules see it, with `depth` levels of its fields.
    pub fn snapshot(&mut self, value: &Value, place: Option<Place>, depth: usize) -> ArgValue {
        let mut left = MAX_SNAPSHOT;
        let mut out = self.snapshot_part(value, place, depth, &mut left);
        // Below the levels that are kept, only what kinds there are.
        for id in self.deep_taints(value, depth) {
            let kind = &self.taints[id as usize].kind;
            if !kind.is_empty() && !out.kinds.contains(kind) {
                out.kinds.insert(kind.clone());
            }
        }
        out
    }

    fn snapshot_part(&mut self, value: &Value, place: Option<Place>, depth: usize, left: &mut usize) -> ArgValue {
        let mut out = ArgValue { place, strings: self.texts_of(value), ..ArgValue::default() };
        if let Some(bits) = value.number {
            out.strings.push(Text { pieces: vec![number_text(f64::from_bits(bits)).into()], place });
        }
        let bools = value.bits & (TRUE | FALSE);
        if value.objects.is_empty() && value.strings.is_empty() && value.bits == bools {
            out.boolean = match bools {
                TRUE => Some(true),
                FALSE => Some(false),
                _ => None,
            };
        }
        for id in value.shallow_taints() {
            let kind = &self.taints[id as usize].kind;
            if !kind.is_empty() {
                out.kinds.insert(kind.clone());
            }
        }
        for origin in value.all_origins() {
            let origin = &self.origin_table[origin as usize];
            if !matches!(origin, Origin::Answer(_)) {
                out.origins.insert(origin.clone());
            }
        }
        out.unknown = value.bits & (ANY | NUMBER) != 0;
        for &object in &value.objects {
            if self.callable(object) {
                out.callable = true;
                continue;
            }
            if depth == 0 || !matches!(self.heap.kind(object), Kind::Plain | Kind::Array | Kind::Map | Kind::Set) {
                continue;
            }
            for key in self.heap.keys(object).into_iter().take(48) {
                if *left == 0 {
                    out.unknown = true;
                    break;
                }
                *left -= 1;
                let Some(inner) = self.heap.shared(object, key) else { continue };
                let label = self.spell(key);
                let inner_place = inner.strings.first().and_then(|text| text.place);
                let field = self.snapshot_part(&inner, inner_place, depth - 1, left);
                out.kinds.extend(field.kinds.iter().cloned());
                match out.fields.iter_mut().find(|(known, _)| *known == label) {
                    Some((_, known)) => {
                        known.strings.extend(field.strings);
                        known.kinds.extend(field.kinds);
                        known.callable |= field.callable;
                        known.unknown = true;
                    }
                    None => out.fields.push((label, field)),
                }
            }
        }
        out
    }

    /// Starts a record of a branch on a value whose origin matters.
    pub fn branch_start(&mut self, file: FileId, span: Span, value: &Value) -> Option<usize> {
        let mut ids = value.yes.clone();
        unite(&mut ids, &value.no);
        let mut found = ids.iter().find_map(|&id| match &self.fact_table[id as usize] {
            Fact::Tested { origin, with, place, .. } => Some((origin.clone(), with.clone(), *place)),
            _ => None,
        });
        if found.is_none()
            && let Some(&origin) = self.closest_origins(value).first()
        {
            found = Some((self.origin_table[origin as usize].clone(), None, Place { file, span }));
        }
        let (origin, with, read) = found?;
        self.record.branches.push(Branch {
            place: Place { file, span },
            read,
            origin,
            with,
            entry: self.entries[self.entry].clone(),
            then_calls: Vec::new(),
            else_calls: Vec::new(),
            sets: Vec::new(),
        });
        Some(self.record.branches.len() - 1)
    }

    pub fn branch_end(&mut self, branch: usize, calls: (usize, usize, usize), yes: &Diff, no: &Diff) {
        let mut sets = Vec::new();
        for Change { id, key, value, .. } in yes.changes.iter().chain(&no.changes) {
            if !matches!(self.heap.kind(*id), Kind::Plain | Kind::Unit(_)) {
                continue;
            }
            let text = value.as_ref().and_then(|value| match value.bits {
                TRUE => Some(name("true")),
                FALSE => Some(name("false")),
                _ => value.as_text().cloned(),
            });
            sets.push((self.spell(*key), text));
        }
        sets.sort();
        sets.dedup();
        sets.truncate(32);
        let branch = &mut self.record.branches[branch];
        branch.then_calls.extend(calls.0..calls.1);
        branch.else_calls.extend(calls.1..calls.2);
        branch.sets = sets;
    }
}
