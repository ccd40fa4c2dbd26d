//! Names that no script binds: what the language gives and what the host adds, and calls of them.

use crate::flow::heap::Kind;
use crate::flow::machine::{Act, Keys, Machine, Site, name};
use crate::flow::solution::{Origin, Place, Protection};
use crate::flow::value::{FALSE, NUMBER, TRUE, Value, concat, unite};
use crate::model::ir::Name;
use crate::source::Span;

/// Globals of the language that code for older platforms assigns where they lack them.
const POLYFILLED: [&str; 7] = ["console", "Promise", "Object", "Array", "JSON", "setTimeout", "setInterval"];

impl<'a> Machine<'a> {
    pub fn global(&mut self, act: &Act<'a>, text: &Name, span: Span) -> Value {
        if let Some((variables, data)) = &act.scope {
            if let Some((_, value)) = variables.iter().find(|(known, _)| known == text) {
                return value.clone();
            }
            let data = data.clone();
            let key = self.sym_of(text);
            return self.field(&data, &Keys::one(key), Place { file: act.file, span });
        }
        match &**text {
            "undefined" => return Value::undefined(),
            "NaN" | "Infinity" => return Value { bits: NUMBER, ..Value::default() },
            "globalThis" | "global" | "window" | "self" => return Value::object(self.globals),
            "module" => {
                let module = self.module_object(act.file);
                return Value::object(module);
            }
            "exports" => return self.exports(act.file),
            _ => {}
        }
        let key = self.sym_of(text);
        let Some(mut value) = self.heap.get(self.globals, key).cloned() else { return self.global_named(text) };
        // What a library brings for where there is none stands beside what is there.
        if POLYFILLED.contains(&&**text) {
            value.join(&self.global_named(text));
        }
        value
    }

    /// A global that the package does not assign.
    pub fn global_named(&mut self, text: &str) -> Value {
        if self.policy.hosts.by_namespace(text).is_some() {
            return self.host_object(text, "");
        }
        if self.policy.hosts.is_alias_global(text) {
            let namespace = self.namespace();
            return self.host_object(&namespace, "");
        }
        let object = self.external("", text);
        Value::object(object)
    }

    /// The package's own host namespace.
    pub fn namespace(&self) -> Name {
        self.host.info.namespaces.first().cloned().unwrap_or_else(|| name("host"))
    }

    pub fn host_object(&mut self, namespace: &str, path: &str) -> Value {
        let object = self.shared(Kind::Host { namespace: namespace.into(), path: path.into() });
        Value::object(object)
    }

    /// Functions of the language; `None` when there is none of that name.
    pub(super) fn call_global(&mut self, path: &str, this: &Value, args: &[Value], site: &Site) -> Option<Value> {
        let first = || args.first().cloned().unwrap_or_else(Value::undefined);
        let answer = match path {
            "require" | "require.async" | "requireAsync" => {
                let from = site.place.file;
                let module = self.require(from, &first(), site.place);
                if path == "require" {
                    if let Some(callback) = args.get(1) {
                        let inner = self.inner_site(site);
                        let callback = callback.clone();
                        let module = module.clone();
                        self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), vec![module], &inner));
                    }
                    return Some(module);
                }
                let promise = self.make_at(site.place, 10, Kind::Promise);
                self.fulfil(promise, module, &[]);
                Value::object(promise)
            }
            "App" | "Page" | "Component" | "Behavior" | "getApp" | "getCurrentPages" | "createPage"
            | "createComponent" | "createApp" => {
                return Some(self.framework_global(path, args, site));
            }
            "define" => {
                self.define(args, site);
                Value::undefined()
            }
            "Function" if args.len() == 1 && is_return_this(&args[0]) => {
                Value::object(self.shared(Kind::Builtin("Function.this")))
            }
            "eval" | "Function" | "Function.prototype.constructor" => {
                self.record_global(if path == "eval" { path } else { "Function" }, args, site);
                Value::any()
            }
            "Object.getPrototypeOf" | "Reflect.getPrototypeOf" => {
                let of = first();
                let function = |id: &u32| matches!(self.heap.kind(*id), Kind::Closure { .. } | Kind::Bound { .. });
                if of.objects.is_empty() || !of.objects.iter().all(function) {
                    return Some(of);
                }
                Value::object(self.external("", "Function.prototype"))
            }
            "Reflect.construct" => {
                let list = args.get(1).cloned().unwrap_or_default();
                let spread = self.spread(&list);
                let mut out = Value::default();
                for target in first().objects {
                    let made = self.construct(target, spread.clone(), site);
                    out.join(&made);
                }
                out
            }
            "setTimeout" | "setInterval" | "setImmediate" | "requestAnimationFrame" | "queueMicrotask" => {
                if args.first().is_some_and(|arg| !arg.strings.is_empty()) {
                    self.record_global(path, args, site);
                }
                let inner = self.inner_site(site);
                let rest: Vec<Value> = args.iter().skip(2).cloned().collect();
                let callback = first();
                self.set_timer(path, &callback, &rest, &inner);
                self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), rest, &inner));
                Value { bits: NUMBER, ..Value::default() }
            }
            "String.raw" => {
                let mut out = Value::any();
                for arg in args {
                    unite(&mut out.taints, &arg.shallow_taints());
                    unite(&mut out.origins, &arg.all_origins());
                }
                out
            }
            "Array.of" => self.list_from(args.to_vec(), site),
            "clearTimeout" | "clearInterval" | "cancelAnimationFrame" => Value::undefined(),
            "Object.defineProperties" => {
                let target = first();
                let descriptors = args.get(1).cloned().unwrap_or_default();
                self.describe_all(&target, &descriptors, site.place);
                target
            }
            "Object.assign" => {
                let target = first();
                for &object in &target.objects {
                    for source in args.iter().skip(1) {
                        self.copy_fields(object, source, &[]);
                    }
                }
                target
            }
            "Object.create" | "Object.setPrototypeOf" => {
                let object = if path == "Object.create" {
                    self.make_at(site.place, 9, Kind::Plain)
                } else {
                    first().objects.first().copied()?
                };
                let proto = if path == "Object.create" { first() } else { args.get(1).cloned().unwrap_or_default() };
                self.heap.objects[object as usize].proto = proto.objects.first().copied().filter(|id| *id != object);
                if path == "Object.create"
                    && let Some(descriptors) = args.get(1)
                {
                    self.describe_all(&Value::object(object), descriptors, site.place);
                }
                Value::object(object)
            }
            "Object.keys" | "Object.getOwnPropertyNames" | "Reflect.ownKeys" => {
                let subject = first();
                let label = |machine: &mut Self, key, _| Value::string(machine.spell(key), None);
                if let Some(keys) = self.list_of_fields(&subject, site, label) {
                    return Some(keys);
                }
                let keys = self.keys_of(&subject);
                self.list_of(keys, site)
            }
            "Object.values" => {
                let subject = first();
                if let Some(values) = self.list_of_fields(&subject, site, |_, _, value| value) {
                    return Some(values);
                }
                let mut out = Value::default();
                for object in first().objects {
                    for key in self.heap.keys(object) {
                        if let Some(value) = self.heap.get(object, key).cloned() {
                            out.join(&value);
                        }
                    }
                }
                self.list_of(out, site)
            }
            "Object.entries" | "Object.fromEntries" => {
                let subject = first();
                if path == "Object.fromEntries" {
                    return Some(self.object_of_entries(&subject, site));
                }
                let pair = |machine: &mut Self, key, value| {
                    let label = Value::string(machine.spell(key), None);
                    machine.pair(site.place, u64::from(key) + 1, label, value)
                };
                if let Some(pairs) = self.list_of_fields(&subject, site, pair) {
                    return Some(pairs);
                }
                let keys = self.keys_of(&subject);
                let value = self.field(&subject, &Keys::default(), site.place);
                let pair = self.pair(site.place, 0, keys, value);
                self.list_of(pair, site)
            }
            "Object.freeze" | "Object.seal" | "Object" | "Array.from" | "Promise.resolve.call" | "structuredClone" => {
                if path == "structuredClone" {
                    self.copied(&first(), 4, site)
                } else if path == "Array.from" {
                    let list = self.list_copy(&first(), site);
                    if let Some(map) = args.get(1) {
                        let map = map.clone();
                        return self.builtin_method(&list, "map", &[map], site);
                    }
                    list
                } else {
                    first()
                }
            }
            "Object.defineProperty" | "Reflect.defineProperty" => {
                let target = first();
                let keys = args.get(1).cloned().unwrap_or_default();
                let keys = self.keys_from(&keys);
                let descriptor = args.get(2).cloned().unwrap_or_default();
                // Of many descriptors that name what they describe, each describes that.
                if keys.0.len() != 1 && self.describe_named(&target, &descriptor, site.place) {
                    return Some(target);
                }
                for &key in &keys.0 {
                    self.describe(&target, key, &descriptor, site.place);
                }
                target
            }
            "Reflect.get" => {
                let keys = args.get(1).cloned().unwrap_or_default();
                let keys = self.keys_from(&keys);
                self.field(&first(), &keys, site.place)
            }
            "Reflect.set" => {
                let keys = args.get(1).cloned().unwrap_or_default();
                let keys = self.keys_from(&keys);
                self.put(&first(), &keys, args.get(2).cloned().unwrap_or_default(), site.place);
                Value::bool(true)
            }
            "Reflect.apply" => {
                let list = args.get(2).cloned().unwrap_or_default();
                let spread = self.spread(&list);
                let this = args.get(1).cloned().unwrap_or_default();
                self.call(&first(), &this, spread, site)
            }
            "JSON.stringify" => {
                let mut value = first();
                let inner = self.deep_taints(&value, 5);
                unite(&mut value.taints, &inner);
                self.encoded(value, "JSON")
            }
            "JSON.parse" => {
                let text = first();
                let mut out = self.copied(&text, 4, site);
                // A default that is written out (`JSON.parse(stored || '[]')`).
                for (written, tag, kind) in [("[]", 101, Kind::Array), ("{}", 102, Kind::Plain)] {
                    let before = out.strings.len();
                    out.strings.retain(|text| text.complete().is_none_or(|text| text.trim() != written));
                    if out.strings.len() < before {
                        let empty = self.make_at(site.place, tag, kind);
                        unite(&mut out.objects, &[empty]);
                    }
                }
                if !out.objects.is_empty() {
                    // What the text carried stands in the fields again.
                    let json = Protection::Encoded("JSON".into());
                    out.taints.retain(|id| !self.taints[*id as usize].protections.contains(&json));
                }
                out
            }
            "encodeURIComponent" | "encodeURI" | "escape" | "decodeURIComponent" | "decodeURI" | "unescape"
            | "btoa" | "atob" => {
                let mut value = first();
                if matches!(path, "btoa" | "escape") {
                    value = self.encoded(value, path);
                } else if value.taints.is_empty()
                    && let Some(text) = value.as_text().and_then(|text| crate::text::decode_by(path, text))
                {
                    value = Value::string(text.into(), Some(site.place));
                }
                value
            }
            "String.fromCharCode" | "String.fromCodePoint" if !args.is_empty() => {
                let text = args.iter().map(|arg| match (arg.number, arg.taints.is_empty()) {
                    (Some(bits), true) => char::from_u32(f64::from_bits(bits) as u32),
                    _ => None,
                });
                match text.collect::<Option<String>>() {
                    Some(text) => Value::string(text.into(), Some(site.place)),
                    None => {
                        let mut out = Value::any();
                        for arg in args {
                            unite(&mut out.taints, &arg.shallow_taints());
                            unite(&mut out.origins, &arg.all_origins());
                        }
                        out
                    }
                }
            }
            "String" => {
                let value = first();
                let empty = Value::string("".into(), None);
                concat(&empty, &value)
            }
            "Number" | "parseInt" | "parseFloat" => first().into_number(),
            "Boolean" => {
                let value = first();
                let mut out = Value::default();
                if value.may_true() {
                    out.bits |= TRUE;
                }
                if value.may_false() {
                    out.bits |= FALSE;
                }
                out.when(value.yes, value.no)
            }
            "isNaN" | "isFinite" | "Array.isArray" | "Number.isInteger" | "Object.is" | "Number.isNaN"
            | "ArrayBuffer.isView" => Value::either(),
            "Date" | "Date.now" | "Date.UTC" => {
                let origin = self.origin(Origin::Date);
                Value::from_origin(origin)
            }
            "Math.random" => {
                let origin = self.origin(Origin::Random);
                Value::from_origin(origin)
            }
            // A symbol is a name that no other field has.
            "Symbol" => {
                let at = format!("@@{}:{}", site.place.file.index(), site.place.span.start);
                Value::string(at.into(), None)
            }
            "Symbol.for" => match args.first().and_then(Value::as_text) {
                Some(text) => Value::string(format!("@@{text}").into(), None),
                None => Value::any(),
            },
            "performance.now" => Value::any(),
            "Promise.resolve" => {
                let value = first();
                if value.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Promise)) {
                    return Some(value);
                }
                let promise = self.make_at(site.place, 21, Kind::Promise);
                let held = self.current_facts();
                self.fulfil(promise, value, &held);
                Value::object(promise)
            }
            "Promise.reject" => {
                let promise = self.make_at(site.place, 21, Kind::Promise);
                self.reject(promise, &first(), &[]);
                Value::object(promise)
            }
            "Promise.withResolvers" => {
                let promise = self.make_at(site.place, 21, Kind::Promise);
                let object = self.make_at(site.place, 22, Kind::Plain);
                let resolve = self.shared(Kind::Settle { promise, fulfil: true });
                let reject = self.shared(Kind::Settle { promise, fulfil: false });
                for (key, id) in [("promise", promise), ("resolve", resolve), ("reject", reject)] {
                    let key = self.sym(key);
                    self.heap.set(object, key, Some(Value::object(id)));
                }
                Value::object(object)
            }
            "Promise.all" | "Promise.allSettled" | "Promise.race" | "Promise.any" => {
                self.promise_all(path, &first(), site)
            }
            "getRegExp" | "getDate" => Value::any(),
            "console.log" | "console.info" | "console.warn" | "console.error" | "console.debug" | "console.table"
            | "console.dir" | "console.trace" => {
                self.sink_console(path, args, site);
                Value::undefined()
            }
            _ if path.starts_with("Math.") => {
                let mut out = Value { bits: NUMBER, ..Value::default() };
                for arg in args {
                    unite(&mut out.taints, &arg.shallow_taints());
                    unite(&mut out.origins, &arg.all_origins());
                }
                out
            }
            _ if path.starts_with("console.") => Value::undefined(),
            _ => return None,
        };
        let _ = this;
        Some(answer)
    }
}

/// Whether a function's text gives nothing but the global object.
pub(super) fn is_return_this(text: &Value) -> bool {
    text.as_text().is_some_and(|text| text.trim().trim_end_matches(';').trim_end() == "return this")
}
