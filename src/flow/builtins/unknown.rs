//! Callees that are not in sight or too large to run: what goes in may come out.

use rustc_hash::FxHashSet;

use crate::flow::builtins::modules::MAX_HOLDERS;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Machine, Site, name};
use crate::flow::value::{Ids, ObjId, Sym, Value, unite};
use crate::model::ir::{Function, Name};
use crate::package::Origin as FileOrigin;
use crate::source::FileId;

/// Most names that a helper leaves out of a copy.
const MAX_NAMES: usize = 64;

impl<'a> Machine<'a> {
    /// A call of something unknown: what goes in may come out, and functions among the arguments may be called.
    pub fn call_unknown(&mut self, callee: &Value, this: &Value, args: &[Value], site: &Site) -> Value {
        if let Some(given) = self.driven(callee, args, site) {
            return given;
        }
        let chain: Vec<&str> = site.name.split('.').filter(|part| !part.is_empty()).collect();
        if !chain.is_empty()
            && let Some(answer) = self.protect(&chain, None, args, site)
        {
            return answer;
        }
        let mut out = Value::any();
        out.taints = this.shallow_taints();
        out.taints.clear();
        for arg in args {
            unite(&mut out.taints, &arg.shallow_taints());
        }
        unite(&mut out.taints, &callee.shallow_taints());
        for arg in args {
            let functions: Vec<ObjId> = arg
                .objects
                .iter()
                .copied()
                .filter(|&id| {
                    matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. } | Kind::Settle { .. })
                })
                .collect();
            for id in functions {
                let inner = self.inner_site(site);
                self.perhaps(&[], |machine| {
                    machine.call_object(id, &Value::undefined(), vec![Value::any(), Value::any()], &inner)
                });
                unite(&mut out.objects, &[id]);
            }
            // Callbacks in an options object.
            for &object in &arg.objects.clone() {
                if !matches!(self.heap.kind(object), Kind::Plain) {
                    continue;
                }
                for key in ["success", "fail", "complete"] {
                    let key = self.sym(key);
                    if let Some(handler) = self.heap.get(object, key).cloned() {
                        self.call_back(&handler, vec![Value::any()], site);
                    }
                }
            }
        }
        out
    }

    pub fn unknown_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site) -> Value {
        if matches!(
            method,
            "on" | "once"
                | "emit"
                | "$on"
                | "$once"
                | "$emit"
                | "trigger"
                | "addListener"
                | "off"
                | "$off"
                | "publish"
                | "subscribe"
        ) {
            let bus = self.bus;
            return self.bus_method(bus, method, args, site);
        }
        let mut out = self.call_unknown(&Value::undefined(), &Value::undefined(), args, site);
        unite(&mut out.taints, &base.shallow_taints());
        out.origins = self.extend_origins(&base.origins, method);
        out
    }

    /// An event bus: what is emitted under a name reaches what listens to it.
    pub fn bus_method(&mut self, bus: ObjId, method: &str, args: &[Value], site: &Site) -> Value {
        let names = args.first().cloned().unwrap_or_default();
        let keys = self.keys_from(&names);
        match method.trim_start_matches('$') {
            "on" | "once" | "addListener" | "subscribe" => {
                let handler = args.get(1).cloned().unwrap_or_default();
                for &key in &keys.0 {
                    let label = self.spell(key);
                    let listeners = self.sym(&format!("on:{label}"));
                    let sent = self.sym(&format!("emit:{label}"));
                    let mut only = handler.clone();
                    only.bits = 0;
                    self.heap.add(bus, listeners, &only);
                    if let Some(value) = self.heap.get(bus, sent).cloned() {
                        let proves = self.sym(&format!("proves:{label}"));
                        let held = self.heap.get(bus, proves).map(|value| value.yes.clone()).unwrap_or_default();
                        self.perhaps(&held, |machine| machine.call_back(&handler, vec![value], site));
                    }
                }
            }
            "emit" | "trigger" | "publish" => {
                let value = args.get(1).cloned().unwrap_or_else(Value::undefined);
                let value = self.stepped(value, site.place, "emitted", &site.name);
                for &key in &keys.0 {
                    let label = self.spell(key);
                    let listeners = self.sym(&format!("on:{label}"));
                    let sent = self.sym(&format!("emit:{label}"));
                    self.heap.add(bus, sent, &value);
                    let proves = self.sym(&format!("proves:{label}"));
                    let mut held = self.current_facts();
                    held.retain(|id| self.fact_table[*id as usize].may_agree());
                    self.heap.add(bus, proves, &Value::bool(true).when(held, Ids::new()));
                    if let Some(handlers) = self.heap.get(bus, listeners).cloned() {
                        self.call_back(&handlers, vec![value.clone()], site);
                    }
                }
            }
            _ => {}
        }
        Value::object(bus)
    }

    /// A call that a table of the packs knows by name, whatever its body does.
    pub fn known_function(
        &mut self,
        file: FileId,
        function: &'a Function,
        args: &[Value],
        site: &Site,
    ) -> Option<Value> {
        let label = function.name.as_deref()?;
        match label {
            "_asyncToGenerator" | "asyncToGenerator" => return args.first().cloned(),
            "__awaiter" => {
                let this = args.first().cloned().unwrap_or_default();
                let body = args.get(3).cloned().unwrap_or_default();
                let inner = self.inner_site(site);
                return Some(self.call(&body, &this, Vec::new(), &inner));
            }
            // The parts of classes that compilers write: members as a list of named descriptors.
            "defineProperties" | "_defineProperties" => {
                let target = args.first().filter(|target| !target.objects.is_empty())?;
                let list = *args.get(1)?.objects.first()?;
                let mut at = 0;
                while let Some(item) = {
                    let index = self.index_sym(at);
                    self.heap.get(list, index).cloned()
                } {
                    if !self.describe_named(target, &item, site.place) {
                        return None;
                    }
                    at += 1;
                }
                if let Some(more) = self.heap.get(list, ITEM).cloned() {
                    self.describe_named(target, &more, site.place);
                }
                return (at > 0).then(Value::undefined);
            }
            "_possibleConstructorReturn" | "possibleConstructorReturn" => {
                return args.first().filter(|this| !this.objects.is_empty()).cloned();
            }
            "_objectSpread" | "_objectSpread2" | "_extends" | "__assign" => {
                let target = args.first().filter(|target| !target.objects.is_empty())?.clone();
                for &object in &target.objects {
                    for source in args.iter().skip(1) {
                        self.copy_fields(object, source, &[]);
                    }
                }
                return Some(target);
            }
            "_objectWithoutProperties" | "_objectWithoutPropertiesLoose" | "__rest" => {
                let source = args.first().filter(|source| !source.objects.is_empty())?.clone();
                let mut left_out: Vec<Sym> = Vec::new();
                for &list in args.get(1).map(|names| names.objects.as_slice()).unwrap_or_default() {
                    for index in 0..MAX_NAMES {
                        let at = self.index_sym(index);
                        let Some(name) = self.heap.get(list, at).and_then(|item| item.as_text().cloned()) else {
                            break;
                        };
                        left_out.push(self.sym_of(&name));
                    }
                }
                let rest = self.make_at(site.place, 98, Kind::Plain);
                self.copy_fields(rest, &source, &left_out);
                return Some(Value::object(rest));
            }
            "_interopRequireDefault" | "_interopRequireWildcard" | "__importDefault" | "__importStar" => {
                let value = args.first().cloned().unwrap_or_default();
                let key = self.known("default");
                let mut out = Value::default();
                for &object in &value.objects {
                    if self.heap.get(object, key).is_some() {
                        out.join(&Value::object(object));
                    } else {
                        let wrapper = self.make_at(site.place, 30, Kind::Plain);
                        self.copy_fields(wrapper, &Value::object(object), &[]);
                        self.heap.set(wrapper, key, Some(Value::object(object)));
                        out.join(&Value::object(wrapper));
                    }
                }
                return Some(if out.is_none() { value } else { out });
            }
            _ => {}
        }
        if args.iter().all(|arg| arg.taints.is_empty() && arg.strings.is_empty() && arg.objects.is_empty()) {
            return None;
        }
        let stem = self.may_protect(file)?;
        let chain: Vec<&str> = site.name.split('.').collect();
        let chain: &[&str] = if chain.is_empty() || site.name.is_empty() { &[label] } else { &chain };
        self.protect(chain, stem.as_deref(), args, site).or_else(|| self.protect(&[label], stem.as_deref(), args, site))
    }

    /// Whether a file's functions can be protecting ones that the tables know: it is a library's, or named like one. With its
    /// name, where the tables know that as a module.
    fn may_protect(&mut self, file: FileId) -> Option<Option<Name>> {
        if let Some(known) = self.protecting.get(&file) {
            return known.clone();
        }
        let stem = self.package.source(file).name().split('.').next().unwrap_or("");
        let module = self.policy.privacy.is_protecting_module(stem).then(|| name(stem));
        let library = !matches!(self.package.files[file.index()].origin, FileOrigin::Own);
        let known = (library || self.policy.privacy.is_cipher_module(stem)).then_some(module);
        self.protecting.insert(file, known.clone());
        known
    }

    /// Taints of a value and of what it holds, `depth` levels down.
    pub fn deep_taints(&mut self, value: &Value, depth: usize) -> Ids {
        let mut out = Ids::new();
        self.each_held(value, depth, |inner| inner.add_shallow_taints(&mut out));
        out
    }

    /// Calls `body` with a value and with all that it holds, `depth` levels down: each object once, and of very many some.
    pub fn each_held(&self, value: &Value, depth: usize, mut body: impl FnMut(&Value)) {
        body(value);
        let mut seen: FxHashSet<ObjId> = FxHashSet::default();
        let mut level: Vec<ObjId> = value.objects.to_vec();
        for _ in 0..depth {
            let mut next = Vec::new();
            for object in level {
                if seen.len() > MAX_HOLDERS {
                    return;
                }
                if !matches!(self.heap.kind(object), Kind::Plain | Kind::Array | Kind::Map | Kind::Set)
                    || !seen.insert(object)
                {
                    continue;
                }
                self.heap.each(object, |inner| {
                    body(inner);
                    next.extend_from_slice(&inner.objects);
                });
            }
            if next.is_empty() {
                return;
            }
            level = next;
        }
    }
}
