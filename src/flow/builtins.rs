//! The language's own functions, promises, modules, and calls of what is not known.

use rustc_hash::FxHashSet;

use super::heap::{ITEM, Kind};
use super::machine::{Act, Jump, Keys, Machine, Site, name};
use super::solution::{Origin, Place, Protection};
use super::value::{ANY, Ids, NULL, NUMBER, ObjId, Piece, UNDEFINED, Value, intersect, one, unite};
use crate::model::ir::{Export, Expr, ExprKind, Function, Key, Name, Stmt, StmtKind};
use crate::package::Origin as FileOrigin;
use crate::source::{FileId, Span};

/// Largest npm or vendored script whose code is run, in bytes.
const MAX_LIBRARY: usize = 96 * 1024;
/// Most objects that are looked into for what a value holds.
const MAX_HOLDERS: usize = 400;

/// Modules that load one another, each from the body of the one before.
const MAX_LOADING: usize = 400;
/// Longest array of known items that is joined or reversed item by item.
const MAX_JOINED: usize = 32;

/// Whether a function's text gives nothing but the global object.
fn is_return_this(text: &Value) -> bool {
    text.as_text().is_some_and(|text| text.trim().trim_end_matches(';').trim_end() == "return this")
}

impl<'a> Machine<'a> {
    // ---- names ----

    pub fn global(&mut self, act: &Act<'a>, text: &Name, span: Span) -> Value {
        if let Some((variables, data)) = &act.scope {
            if let Some((_, value)) = variables.iter().find(|(known, _)| known == text) {
                return value.clone();
            }
            let data = data.clone();
            let key = self.sym_of(text);
            return self.field(&data, &Keys(vec![key]), Place { file: act.file, span });
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
        if let Some(value) = self.heap.get(self.globals, key) {
            return value.clone();
        }
        self.global_named(text)
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

    // ---- modules ----

    pub fn module_object(&mut self, file: FileId) -> ObjId {
        if let Some(&module) = self.modules.get(&file) {
            return module;
        }
        let place = Place { file, span: Span::default() };
        let module = self.heap.alloc(Kind::Plain, place);
        let exports = self.heap.alloc(Kind::Plain, place);
        let key = self.sym("exports");
        self.heap.set(module, key, Some(Value::object(exports)));
        self.modules.insert(file, module);
        module
    }

    pub fn exports(&mut self, file: FileId) -> Value {
        let module = self.module_object(file);
        let key = self.sym("exports");
        self.heap.get(module, key).cloned().unwrap_or_else(Value::any)
    }

    pub fn require(&mut self, from: FileId, request: &Value, place: Place) -> Value {
        let Some(text) = request.as_text().cloned() else {
            self.record.blind(place, "dynamic-require", "");
            return Value::any();
        };
        let target = self.program.requires[from.index()].iter().find(|r| r.request == text).and_then(|r| r.target);
        let target = target
            .or_else(|| crate::model::resolve(self.package, &self.package.source(from).path, &text, &[".js", ".ts"]));
        let target = target.filter(|file| *file != from);
        if let Some(exports) = self.defined(&text) {
            return exports;
        }
        match target {
            Some(file) => self.load(file, &text),
            None => self.foreign_module(&text),
        }
    }

    fn foreign_module(&mut self, request: &str) -> Value {
        if self.policy.hosts.is_alias_module(request) {
            let namespace = self.namespace();
            return self.host_object(&namespace, "");
        }
        let object = self.external(request, "");
        Value::object(object)
    }

    /// The exports of a file of the package; runs its top level at first use.
    pub fn load(&mut self, file: FileId, request: &str) -> Value {
        if let Some(json) = &self.package.files[file.index()].json
            && self.program.script(file).is_none()
        {
            return self.json_value(json, file, 0);
        }
        let Some(script) = self.program.script(file) else { return self.foreign_module(request) };
        let entry = &self.package.files[file.index()];
        let library = match &entry.origin {
            // An SDK that lies among the package's own files is no less an SDK.
            FileOrigin::Own => match self.policy.privacy.sdk_by_file(&entry.source.path).map(|sdk| sdk.id.clone()) {
                Some(sdk) => return self.foreign_module(&sdk),
                None => None,
            },
            FileOrigin::Vendored { name, .. } | FileOrigin::Npm { name, .. } => Some(name.clone()),
        };
        if let Some(library) = library {
            let stem = entry.source.name().split('.').next().unwrap_or("");
            let known = self.policy.privacy.sdk_by_module(&library).is_some()
                || self.policy.privacy.sdk_by_file(&entry.source.path).is_some()
                || self.policy.privacy.is_cipher_module(&library)
                || self.policy.privacy.is_cipher_module(stem);
            if known || entry.source.text.len() > MAX_LIBRARY {
                return self.foreign_module(&library);
            }
        }
        if self.modules.contains_key(&file) {
            return self.exports(file);
        }
        let place = Place { file, span: Span::default() };
        if self.loading >= MAX_LOADING {
            self.give_up(place);
            return Value::any();
        }
        let module = self.module_object(file);
        // It runs once, whoever asks first: what it does belongs to no entry point's execution.
        let outer = self.record.cut();
        self.loading += 1;
        self.run_module(file, script, module);
        self.loading -= 1;
        let part = self.record.cut();
        self.runs.top.push(part);
        self.record.resume(outer);
        self.exports(file)
    }

    fn run_module(&mut self, file: FileId, script: &'a crate::model::ir::Script, module: ObjId) {
        let Some(top) = script.functions.first() else { return };
        let frame = self.heap.alloc(Kind::Frame { file, parent: None }, Place { file, span: top.span });
        self.heap.objects[frame as usize].getters = vec![(0, 0)];
        let exports = self.exports(file);
        self.heap.set(frame, super::machine::THIS, Some(exports.clone()));
        let mut act = Act {
            file,
            script: Some(script),
            function: 0,
            frame,
            scope: None,
            returned: Value::default(),
            exit_facts: None,
            base: self.facts.len(),
            deferred: Vec::new(),
            yielded: Value::default(),
        };
        let frame_key = self.sym("[[frame]]");
        self.heap.set(module, frame_key, Some(Value::object(frame)));
        for import in &script.imports {
            let request = Value::string(import.from.clone(), None);
            let value = self.require(file, &request, Place { file, span: import.span });
            let Some(local) = import.local else { continue };
            let value = self.imported(&value, &import.name, Place { file, span: import.span });
            self.heap.set(frame, local, Some(value));
        }
        for &(var, function) in &top.hoisted {
            let value = self.closure(&act, function);
            self.heap.set(frame, var, Some(value));
        }
        // Function exports are visible to modules in a cycle before the body has run.
        self.export(file, script, frame, &exports);
        let jump = self.block(&mut act, &top.body);
        self.leave(&mut act, jump);
        self.export(file, script, frame, &exports);
    }

    fn imported(&mut self, module: &Value, imported: &str, place: Place) -> Value {
        match imported {
            "*" => module.clone(),
            "default" => {
                let key = self.sym("default");
                let mut out = Value::default();
                for &object in &module.objects {
                    let has = self.heap.get(object, key).is_some();
                    match self.heap.kind(object) {
                        Kind::External { .. } | Kind::Host { .. } => out.join(&Value::object(object)),
                        _ if has => {
                            let value = self.field(&Value::object(object), &Keys(vec![key]), place);
                            out.join(&value);
                        }
                        _ => out.join(&Value::object(object)),
                    }
                }
                if out.is_none() { module.clone() } else { out }
            }
            other => {
                let key = self.sym(other);
                self.field(module, &Keys(vec![key]), place)
            }
        }
    }

    fn export(&mut self, file: FileId, script: &'a crate::model::ir::Script, frame: ObjId, exports: &Value) {
        for export in &script.exports {
            match export {
                Export::Local { name, local } => {
                    if let Some(value) = self.heap.get(frame, *local).cloned() {
                        let key = self.sym_of(name);
                        for &object in &exports.objects {
                            self.heap.set(object, key, Some(value.clone()));
                        }
                    }
                }
                Export::From { from, imported, name, span } => {
                    let place = Place { file, span: *span };
                    let module = self.require(file, &Value::string(from.clone(), None), place);
                    for &object in &exports.objects {
                        if &**name == "*" {
                            self.copy_fields(object, &module, &[]);
                        } else {
                            let value = self.imported(&module, imported, place);
                            let key = self.sym_of(name);
                            self.heap.set(object, key, Some(value));
                        }
                    }
                }
            }
        }
    }

    /// Makes exported `let` variables of a module visible after they changed.
    pub fn refresh_exports(&mut self) {
        let mut modules: Vec<(FileId, ObjId)> = self.modules.iter().map(|(file, module)| (*file, *module)).collect();
        modules.sort();
        let frame_key = self.sym("[[frame]]");
        for (file, module) in modules {
            let Some(script) = self.program.script(file) else { continue };
            let Some(frame) = self.heap.get(module, frame_key).and_then(|value| value.objects.first().copied()) else {
                continue;
            };
            let exports = self.exports(file);
            for export in &script.exports {
                if let Export::Local { name, local } = export
                    && let Some(value) = self.heap.get(frame, *local).cloned()
                {
                    let key = self.sym_of(name);
                    for &object in &exports.objects {
                        self.heap.add(object, key, &value);
                    }
                }
            }
            for import in &script.imports {
                let Some(local) = import.local.filter(|_| &*import.name != "*") else { continue };
                let place = Place { file, span: import.span };
                let request = Value::string(import.from.clone(), None);
                let module = self.require(file, &request, place);
                let value = self.imported(&module, &import.name, place);
                self.heap.add(frame, local, &value);
            }
        }
    }

    fn json_value(&mut self, json: &crate::syntax::json::Json, file: FileId, depth: usize) -> Value {
        use crate::syntax::json::JsonValue;
        let place = Place { file, span: json.span };
        if depth > 6 {
            return Value::any();
        }
        match &json.value {
            JsonValue::Null => Value { bits: NULL, ..Value::default() },
            JsonValue::Bool(value) => Value::bool(*value),
            JsonValue::Number(text) => text.parse().map_or_else(|_| Value::any(), Value::number),
            JsonValue::String(text) => Value::string(text.clone(), Some(place)),
            JsonValue::Array(items) => {
                let array = self.make_at(place, 8, Kind::Array);
                for item in items.iter().take(32) {
                    let value = self.json_value(item, file, depth + 1);
                    self.heap.add(array, ITEM, &value);
                }
                Value::object(array)
            }
            JsonValue::Object(properties) => {
                let object = self.make_at(place, 9, Kind::Plain);
                for property in properties.iter().take(256) {
                    let value = self.json_value(&property.value, file, depth + 1);
                    let key = self.sym_of(&property.key);
                    self.heap.set(object, key, Some(value));
                }
                Value::object(object)
            }
        }
    }

    // ---- promises ----

    /// Fulfils a promise with a value, under facts.
    pub fn fulfil(&mut self, promise: ObjId, value: Value, facts: &[u32]) {
        let (value_key, facts_key) = (self.sym("[[value]]"), self.sym("[[facts]]"));
        // A promise takes the state of the promise that it is given.
        let mut plain = value.clone();
        let mut inner_facts: Option<Ids> = None;
        for &object in &value.objects {
            if matches!(self.heap.kind(object), Kind::Promise) && object != promise {
                plain.objects.retain(|id| *id != object);
                if let Some(inner) = self.heap.get(object, value_key).cloned() {
                    plain.join(&inner);
                }
                let held = self.heap.get(object, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
                inner_facts = Some(match inner_facts {
                    Some(facts) => intersect(&facts, &held),
                    None => held,
                });
            }
        }
        let mut facts: Ids = facts.into();
        facts.sort_unstable();
        if let Some(inner) = inner_facts {
            unite(&mut facts, &inner);
        }
        let held = match self.heap.get(promise, facts_key) {
            Some(old) => intersect(&old.yes, &facts),
            None => facts,
        };
        self.heap.set(promise, facts_key, Some(Value::bool(true).when(held, Ids::new())));
        self.heap.add(promise, value_key, &plain);
        // Handlers that were waiting run now.
        let pending_key = self.sym("[[pending]]");
        if let Some(pending) = self.heap.get(promise, pending_key).cloned() {
            for id in pending.objects.clone() {
                let place = self.heap.objects[id as usize].place;
                self.perhaps(&[], |machine| {
                    machine.call_object(id, &Value::undefined(), vec![plain.clone()], &Site::at(place))
                });
            }
        }
    }

    /// Rejects a promise.
    pub fn reject(&mut self, promise: ObjId, value: &Value, facts: &[u32]) {
        let (error_key, facts_key) = (self.sym("[[error]]"), self.sym("[[rejected]]"));
        let mut facts: Ids = facts.into();
        facts.sort_unstable();
        let held = match self.heap.get(promise, facts_key) {
            Some(old) => intersect(&old.yes, &facts),
            None => facts,
        };
        self.heap.set(promise, facts_key, Some(Value::bool(true).when(held, Ids::new())));
        self.heap.add(promise, error_key, value);
    }

    /// What `await` gives; what the promise proves holds from here on.
    pub fn wait(&mut self, value: &Value) -> Value {
        let mut out = value.clone();
        out.objects.clear();
        let mut facts: Option<Ids> = None;
        let mut only = true;
        for &object in &value.objects {
            if !matches!(self.heap.kind(object), Kind::Promise) {
                unite(&mut out.objects, &[object]);
                only = false;
                continue;
            }
            if self.heap.has(object, ITEM) {
                // An asynchronous generator: waited for item by item.
                unite(&mut out.objects, &[object]);
            }
            let (value_key, facts_key, rejected) =
                (self.sym("[[value]]"), self.sym("[[facts]]"), self.sym("[[rejected]]"));
            match self.heap.get(object, value_key).cloned() {
                Some(inner) => out.join(&inner),
                None => out.bits |= ANY,
            }
            let error = self.sym("[[error]]");
            if let Some(error) = self.heap.get(object, error).cloned() {
                self.thrown.join(&error);
            }
            let held = self.heap.get(object, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
            facts = Some(match facts {
                Some(facts) => intersect(&facts, &held),
                None => held,
            });
            self.record.last_rejection = self.heap.get(object, rejected).map(|value| value.yes.clone());
            let handled = self.sym("[[awaited]]");
            self.heap.set(object, handled, Some(Value::bool(true)));
        }
        if only
            && value.bits == 0
            && let Some(facts) = facts
        {
            self.push_facts(&facts);
        }
        out
    }

    fn then(&mut self, promise: ObjId, on_ok: Option<&Value>, on_error: Option<&Value>, site: &Site) -> Value {
        let (value_key, facts_key) = (self.sym("[[value]]"), self.sym("[[facts]]"));
        let (error_key, rejected_key) = (self.sym("[[error]]"), self.sym("[[rejected]]"));
        let next = self.make_at(site.place, 20, Kind::Promise);
        let settled = self.heap.get(promise, value_key).cloned();
        let facts = self.heap.get(promise, facts_key).map(|value| value.yes.clone()).unwrap_or_default();
        match (on_ok, settled) {
            (Some(handler), Some(value)) if !handler.objects.is_empty() => {
                let handler = handler.clone();
                let inner = self.inner_site(site);
                let base = self.current_facts();
                let (answer, held) = self.perhaps(&facts, |machine| {
                    let answer = machine.call(&handler, &Value::undefined(), vec![value], &inner);
                    let held: Ids =
                        machine.current_facts().into_iter().filter(|f| base.binary_search(f).is_err()).collect();
                    (answer, held)
                });
                self.fulfil(next, answer, &held);
            }
            (Some(handler), None) => {
                let pending = self.sym("[[pending]]");
                let mut only = handler.clone();
                only.bits = 0;
                self.heap.add(promise, pending, &only);
                self.fulfil(next, Value::any(), &[]);
            }
            (_, value) => self.fulfil(next, value.unwrap_or_else(Value::any), &facts),
        }
        let rejected = self.heap.get(promise, rejected_key).map(|value| value.yes.clone()).unwrap_or_default();
        let error = self.heap.get(promise, error_key).cloned().unwrap_or_else(Value::any);
        match on_error {
            Some(handler) if !handler.objects.is_empty() => {
                let handler = handler.clone();
                let inner = self.inner_site(site);
                let answer =
                    self.perhaps(&rejected, |machine| machine.call(&handler, &Value::undefined(), vec![error], &inner));
                if !answer.is_none() && (answer.bits != UNDEFINED || !answer.objects.is_empty()) {
                    let facts_key = self.sym("[[facts]]");
                    self.heap.add(next, value_key, &answer);
                    // Carrying on after a failure proves nothing.
                    self.heap.set(next, facts_key, Some(Value::bool(true)));
                }
            }
            _ => self.reject(next, &error, &rejected),
        }
        Value::object(next)
    }

    fn inner_site(&self, site: &Site) -> Site {
        Site { place: site.place, args: Vec::new(), name: site.name.clone(), used: true }
    }

    // ---- functions of the language ----

    /// Fields that objects have without being written.
    pub fn special_field(&mut self, object: ObjId, kind: &Kind, field: &str, place: Place) -> Option<Value> {
        match kind {
            Kind::Host { namespace, path } => {
                let full = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
                if matches!(field, "call" | "apply" | "bind") && !path.is_empty() {
                    return Some(Value::default());
                }
                Some(self.host_object(namespace, &full))
            }
            Kind::HostObject { namespace, class } => {
                let full = format!("{class}.{field}");
                if self.policy_api(namespace, &full).is_some() {
                    return Some(self.host_object(namespace, &full));
                }
                None
            }
            Kind::External { module, path } => {
                if matches!(field, "call" | "apply" | "bind" | "then") && !path.is_empty() && !module.is_empty() {
                    return Some(Value::default());
                }
                if matches!(field, "call" | "apply" | "bind") && &**path != "Reflect" {
                    return Some(Value::default());
                }
                if module.is_empty() && &**path == "Symbol" {
                    return match field {
                        "iterator" | "asyncIterator" => Some(Value::string("@@iterator".into(), None)),
                        "for" => Some(Value::object(self.external("", "Symbol.for"))),
                        _ => Some(Value::any()),
                    };
                }
                let full =
                    if path.is_empty() || path.len() > 80 { field.to_owned() } else { format!("{path}.{field}") };
                let id = self.external(module, &full);
                Some(Value::object(id))
            }
            Kind::Global => {
                let value = self.global_named(field);
                Some(value)
            }
            Kind::AuthSetting => {
                let granted = self.fact(super::solution::Fact::Authorized(field.into()));
                let refused = self.fact(super::solution::Fact::Refused(field.into()));
                Some(Value::either().when(one(granted), one(refused)))
            }
            Kind::Unit(_)
                if matches!(
                    field,
                    "setData"
                        | "triggerEvent"
                        | "selectComponent"
                        | "selectAllComponents"
                        | "getOpenerEventChannel"
                        | "getData"
                        | "dispatch"
                        | "groupSetData"
                        | "$emit"
                ) =>
            {
                Some(Value::default())
            }
            Kind::Unit(unit) if matches!(field, "route" | "is" | "__route__") => {
                let route = self.program.units[*unit as usize].route.clone();
                Some(Value::string(route, None))
            }
            Kind::Unit(_) if field == "properties" => {
                let key = self.sym("data");
                Some(self.field(&Value::object(object), &Keys(vec![key]), place))
            }
            Kind::WebpackRequire(_)
                if matches!(field, "n" | "d" | "r" | "t" | "e" | "o" | "bind" | "p" | "g" | "nmd" | "hmd") =>
            {
                let what: &'static str = match field {
                    "n" => "webpack.n",
                    "d" => "webpack.d",
                    "e" => "webpack.e",
                    "bind" => "webpack.bind",
                    _ => "webpack.other",
                };
                if field == "g" {
                    return Some(Value::object(self.globals));
                }
                let id = self.shared(Kind::Builtin(what));
                Some(Value::object(id))
            }
            Kind::Map | Kind::Set if field == "size" => Some(Value { bits: NUMBER, ..Value::default() }),
            Kind::Map | Kind::Set => Some(Value::default()),
            Kind::Array if field == "length" => Some(Value { bits: NUMBER, ..Value::default() }),
            Kind::Regex => Some(Value::default()),
            _ if field == "constructor" || field == "__proto__" => Some(Value::any()),
            _ => None,
        }
    }

    /// Calls an object that is no own function.
    pub fn call_special(&mut self, target: ObjId, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        match self.heap.kind(target).clone() {
            Kind::Host { namespace, path } => self.call_host(&namespace, &path, this, args, site),
            Kind::External { module, path } => self.call_external(&module, &path, this, args, site),
            Kind::Settle { promise, fulfil } => {
                let base_key = self.sym("[[base]]");
                let base = self.heap.get(promise, base_key).map(|value| value.yes.clone()).unwrap_or_default();
                let held: Ids =
                    self.current_facts().into_iter().filter(|fact| base.binary_search(fact).is_err()).collect();
                let value = args.first().cloned().unwrap_or_else(Value::undefined);
                if fulfil {
                    self.fulfil(promise, value, &held);
                } else {
                    self.reject(promise, &value, &held);
                }
                Value::undefined()
            }
            Kind::WebpackRequire(table) => self.webpack_require(table, &args, site),
            Kind::Builtin("webpack-default") => {
                let key = self.sym("a");
                self.heap.get(target, key).cloned().unwrap_or_else(Value::any)
            }
            Kind::Builtin("Function.this") => Value::object(self.globals),
            Kind::Builtin(what) => self.call_named(what, this, &args, site),
            _ => Value::any(),
        }
    }

    pub fn construct_special(&mut self, target: ObjId, args: Vec<Value>, site: &Site) -> Value {
        let Kind::External { module, path } = self.heap.kind(target).clone() else { return Value::any() };
        if !module.is_empty() {
            let answer = self.call_external(&module, &path, &Value::undefined(), args, site);
            let known =
                self.policy.privacy.sdk_by_module(&module).is_some() || self.policy.privacy.is_cipher_module(&module);
            // Methods of an instance are known by the name of its class.
            return if known && answer.taints.is_empty() { Value::object(target) } else { answer };
        }
        match &*path {
            "Promise" => {
                let promise = self.make_at(site.place, 21, Kind::Promise);
                let base_key = self.sym("[[base]]");
                let facts = self.current_facts();
                self.heap.set(promise, base_key, Some(Value::bool(true).when(facts, Ids::new())));
                let resolve = self.shared(Kind::Settle { promise, fulfil: true });
                let reject = self.shared(Kind::Settle { promise, fulfil: false });
                if let Some(executor) = args.first() {
                    let inner = self.inner_site(site);
                    let executor = executor.clone();
                    let base = self.facts.len();
                    self.call(
                        &executor,
                        &Value::undefined(),
                        vec![Value::object(resolve), Value::object(reject)],
                        &inner,
                    );
                    self.facts.truncate(base);
                }
                Value::object(promise)
            }
            "Date" => {
                let origin = self.origin(Origin::Date);
                let mut value = Value::from_origin(origin);
                if let Some(arg) = args.first() {
                    value.taints = arg.shallow_taints();
                    if !arg.texts().collect::<Vec<_>>().is_empty() || arg.number.is_some() {
                        // A fixed date is a constant; comparing it is what matters.
                        value.origins.clear();
                    }
                }
                value
            }
            "Map" | "WeakMap" | "Set" | "WeakSet" => self.new_collection(path.ends_with("Map"), args.first(), site),
            "URLSearchParams" | "FormData" | "Headers" => self.new_parameters(args.first(), site),
            "Array" => {
                let array = self.make_at(site.place, 8, Kind::Array);
                for arg in &args {
                    if arg.number.is_none() {
                        self.heap.add(array, ITEM, arg);
                    }
                }
                Value::object(array)
            }
            "Object" => {
                let object = self.make_at(site.place, 9, Kind::Plain);
                Value::object(object)
            }
            "Proxy" => {
                // Seen through to its target; traps that are functions run once.
                if let Some(handler) = args.get(1).cloned() {
                    for trap in ["get", "set", "apply"] {
                        let key = self.sym(trap);
                        let method = self.field(&handler, &Keys(vec![key]), site.place);
                        if !method.objects.is_empty() {
                            let target = args.first().cloned().unwrap_or_default();
                            let inner = self.inner_site(site);
                            self.perhaps(&[], |machine| {
                                machine.call(&method, &handler, vec![target, Value::any(), Value::any()], &inner)
                            });
                        }
                    }
                }
                args.first().cloned().unwrap_or_else(Value::any)
            }
            "Function" if args.len() == 1 && is_return_this(&args[0]) => {
                Value::object(self.shared(Kind::Builtin("Function.this")))
            }
            "Function" => {
                self.record_global("Function", &args, site);
                Value::any()
            }
            "Error" | "TypeError" | "RangeError" => {
                let object = self.make_at(site.place, 9, Kind::Plain);
                let key = self.sym("message");
                if let Some(message) = args.first() {
                    self.heap.set(object, key, Some(message.clone()));
                }
                Value::object(object)
            }
            "RegExp" => {
                let regex = self.make_at(site.place, 7, Kind::Regex);
                Value::object(regex)
            }
            _ => self.call_external(&module, &path, &Value::undefined(), args, site),
        }
    }

    /// Calls a global or a function of a module that is not in the package.
    fn call_external(&mut self, module: &str, path: &str, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if module.is_empty() {
            if let Some(answer) = self.call_global(path, this, &args, site) {
                return answer;
            }
            if let Some((object, method)) = path.rsplit_once('.') {
                // `Array.prototype.slice.call(list)` and the like.
                if object.ends_with(".prototype") {
                    let receiver = this.clone();
                    if let Some(answer) = self.builtin_method(&receiver, method, &args, site) {
                        return answer;
                    }
                }
            }
        }
        let chain: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
        if let Some(answer) = self.protect(&chain, (!module.is_empty()).then_some(module), &args, site) {
            return answer;
        }
        self.third_party(module, path, &args, site);
        let promisifies = chain.last().is_some_and(|last| last.to_lowercase().contains("promisify"))
            || (chain.is_empty() && module.contains("promisify"));
        if promisifies && let Some(first) = args.first() {
            return first.clone();
        }
        if matches!(chain.last(), Some(&("asyncToGenerator" | "_asyncToGenerator" | "mark" | "awrap")))
            || module.ends_with("asyncToGenerator")
        {
            return args.first().cloned().unwrap_or_else(Value::any);
        }
        if chain.last() == Some(&"wrap") && (path.contains("egenerator") || module.contains("egenerator")) {
            return self.regenerator_wrap(&args, site);
        }
        if let Some(answer) = self.framework_call(module, &chain, &args, site) {
            return answer;
        }
        self.call_unknown(&Value::undefined(), this, &args, site)
    }

    /// Functions of the language; `None` when there is none of that name.
    fn call_global(&mut self, path: &str, this: &Value, args: &[Value], site: &Site) -> Option<Value> {
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
            "eval" | "Function" => {
                self.record_global(path, args, site);
                Value::any()
            }
            "setTimeout" | "setInterval" | "setImmediate" | "requestAnimationFrame" | "queueMicrotask" => {
                if args.first().is_some_and(|arg| !arg.strings.is_empty()) {
                    self.record_global(path, args, site);
                }
                let inner = self.inner_site(site);
                let rest: Vec<Value> = args.iter().skip(2).cloned().collect();
                let callback = first();
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
                if let Some(fields) = self.known_fields(&subject) {
                    let keys = fields.into_iter().map(|(key, _)| Value::string(self.spell(key), None)).collect();
                    return Some(self.list_from(keys, site));
                }
                let keys = self.keys_of(&subject);
                self.list_of(keys, site)
            }
            "Object.values" => {
                let subject = first();
                if let Some(fields) = self.known_fields(&subject) {
                    return Some(self.list_from(fields.into_iter().map(|(_, value)| value).collect(), site));
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
                if let Some(fields) = self.known_fields(&subject) {
                    let mut pairs = Vec::new();
                    for (key, value) in fields {
                        let label = Value::string(self.spell(key), None);
                        pairs.push(self.pair(site.place, u64::from(key) + 1, label, value));
                    }
                    return Some(self.list_from(pairs, site));
                }
                let keys = self.keys_of(&subject);
                let value = self.field(&subject, &Keys(Vec::new()), site.place);
                let pair = self.pair(site.place, 0, keys, value);
                self.list_of(pair, site)
            }
            "Object.freeze"
            | "Object.seal"
            | "Object"
            | "Object.getPrototypeOf"
            | "Array.from"
            | "Promise.resolve.call"
            | "structuredClone" => {
                if path == "Array.from" {
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
            "JSON.parse" => first(),
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
                super::value::concat(&empty, &value)
            }
            "Number" | "parseInt" | "parseFloat" => {
                let value = first();
                let mut out = Value { bits: NUMBER, ..Value::default() };
                if let Some(number) = value.number {
                    out = Value::number(f64::from_bits(number));
                }
                out.taints = value.shallow_taints();
                out.origins = value.all_origins();
                out.yes = value.yes;
                out.no = value.no;
                out
            }
            "Boolean" => {
                let value = first();
                let mut out = Value::default();
                if value.may_true() {
                    out.bits |= super::value::TRUE;
                }
                if value.may_false() {
                    out.bits |= super::value::FALSE;
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
                self.fulfil(promise, value, &[]);
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

    fn promise_all(&mut self, path: &str, list: &Value, site: &Site) -> Value {
        let promise = self.make_at(site.place, 21, Kind::Promise);
        let array = self.make_at(site.place, 25, Kind::Array);
        let mut all: Option<Ids> = None;
        let every = path == "Promise.all";
        let mut any = Value::default();
        for &id in &list.objects {
            for key in self.heap.keys(id) {
                if !self.is_item(key) {
                    continue;
                }
                let Some(item) = self.heap.get(id, key).cloned() else { continue };
                let base = self.facts.len();
                let value = self.wait(&item);
                let mut facts: Ids = self.facts.get(base..).unwrap_or(&[]).into();
                facts.sort_unstable();
                self.facts.truncate(base);
                all = Some(match all {
                    None => facts,
                    Some(known) if every => {
                        let mut known = known;
                        unite(&mut known, &facts);
                        known
                    }
                    Some(known) => intersect(&known, &facts),
                });
                let value = if path == "Promise.allSettled" {
                    let object = self.heap.alloc(Kind::Plain, site.place);
                    let (value_key, status) = (self.sym("value"), self.sym("status"));
                    self.heap.set(object, value_key, Some(value));
                    self.heap.set(object, status, Some(Value::any()));
                    Value::object(object)
                } else {
                    value
                };
                any.join(&value);
                self.heap.set(array, key, Some(value));
            }
        }
        let facts = if path == "Promise.allSettled" { Ids::new() } else { all.unwrap_or_default() };
        let value = if matches!(path, "Promise.race" | "Promise.any") { any } else { Value::object(array) };
        self.fulfil(promise, value, &facts);
        Value::object(promise)
    }

    /// A list with one kind of item.
    pub fn list_of(&mut self, item: Value, site: &Site) -> Value {
        let array = self.make_at(site.place, 26, Kind::Array);
        if !item.is_none() {
            self.heap.set(array, ITEM, Some(item));
        }
        Value::object(array)
    }

    fn spread(&mut self, list: &Value) -> Vec<Value> {
        let mut out = Vec::new();
        for index in 0..16 {
            let key = self.index_sym(index);
            let mut item = Value::default();
            for &object in &list.objects {
                if let Some(value) = self.heap.get(object, key).cloned() {
                    item.join(&value);
                }
            }
            if item.is_none() {
                break;
            }
            out.push(item);
        }
        if out.is_empty() {
            let item = self.items_of(list);
            if !item.is_none() {
                out.push(item);
            }
        }
        out
    }

    fn call_back(&mut self, callback: &Value, args: Vec<Value>, site: &Site) -> Value {
        let inner = self.inner_site(site);
        let callback = callback.clone();
        self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), args, &inner))
    }

    /// A method of arrays, strings, functions, promises, maps or units; `None` when the receiver has none of that name.
    pub fn builtin_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site) -> Option<Value> {
        let first = || args.first().cloned().unwrap_or_else(Value::undefined);
        let kinds: Vec<Kind> = base.objects.iter().map(|&id| self.heap.kind(id).clone()).collect();
        // Functions.
        let callable = kinds.iter().any(|kind| {
            matches!(
                kind,
                Kind::Closure { .. }
                    | Kind::Bound { .. }
                    | Kind::Host { .. }
                    | Kind::External { .. }
                    | Kind::Class { .. }
                    | Kind::Settle { .. }
                    | Kind::Builtin(_)
            )
        });
        let reflect = |kind: &Kind| matches!(kind, Kind::External { path, .. } if &**path == "Reflect");
        if callable && !kinds.iter().any(reflect) {
            match method {
                "call" => return Some(self.call(base, &first(), args.get(1..).unwrap_or(&[]).to_vec(), site)),
                "apply" => {
                    let list = args.get(1).cloned().unwrap_or_default();
                    let spread = self.spread(&list);
                    return Some(self.call(base, &first(), spread, site));
                }
                "bind" => {
                    let mut out = Value::default();
                    for &target in &base.objects {
                        let bound = self.make_at(site.place, 27, Kind::Bound { target });
                        let this_key = self.sym("this");
                        self.heap.set(bound, this_key, Some(first()));
                        for (index, arg) in args.iter().skip(1).enumerate().take(8) {
                            let key = self.index_sym(index);
                            self.heap.set(bound, key, Some(arg.clone()));
                        }
                        out.join(&Value::object(bound));
                    }
                    return Some(out);
                }
                "toString" => return Some(Value::any()),
                _ => {}
            }
        }
        if let Some(promise) = base.objects.iter().copied().find(|&id| matches!(self.heap.kind(id), Kind::Promise)) {
            match method {
                "then" => return Some(self.then(promise, args.first(), args.get(1), site)),
                "catch" | "fail" => return Some(self.then(promise, None, args.first(), site)),
                // A generator.
                "next" => {
                    let mut value = self.heap.get(promise, ITEM).cloned().unwrap_or_else(Value::any);
                    value.bits |= UNDEFINED;
                    let object = self.make_at(site.place, 31, Kind::Plain);
                    let (value_key, done_key) = (self.sym("value"), self.sym("done"));
                    self.heap.set(object, value_key, Some(value));
                    self.heap.set(object, done_key, Some(Value::either()));
                    return Some(Value::object(object));
                }
                "finally" | "done" => {
                    self.call_back(&first(), Vec::new(), site);
                    return Some(base.clone());
                }
                _ => {}
            }
        }
        let units: Vec<(ObjId, crate::model::UnitId)> = base
            .objects
            .iter()
            .zip(&kinds)
            .filter_map(|(&id, kind)| match kind {
                Kind::Unit(unit) => Some((id, *unit)),
                _ => None,
            })
            .collect();
        if units.len() > 1 {
            // One of several pages, and not known which.
            let mut out: Option<Value> = None;
            for (id, unit) in units {
                if let Some(answer) = self.perhaps(&[], |machine| machine.unit_method(id, unit, method, args, site)) {
                    out = Some(out.map_or_else(|| answer.clone(), |known| known.joined(&answer)));
                }
            }
            if out.is_some() {
                return out;
            }
        }
        for (&id, kind) in base.objects.iter().zip(&kinds) {
            match kind {
                Kind::Unit(unit) => {
                    if let Some(answer) = self.unit_method(id, *unit, method, args, site) {
                        return Some(answer);
                    }
                }
                Kind::Map | Kind::Set => {
                    if let Some(answer) = self.map_method(id, method, args, site) {
                        return Some(answer);
                    }
                }
                Kind::EventBus => return Some(self.bus_method(id, method, args, site)),
                _ => {}
            }
        }
        if kinds.iter().any(|kind| matches!(kind, Kind::Regex)) && matches!(method, "test" | "exec") {
            let mut out = Value::either();
            if method == "exec" {
                out = Value::any();
                out.taints = first().shallow_taints();
            } else {
                let subject = first();
                let (yes, no) = self.tested(&subject, None, site.place.file, site.place.span);
                out.yes = yes;
                out.no = no;
            }
            return Some(out);
        }
        let array = kinds.iter().any(|kind| matches!(kind, Kind::Array));
        let opaque = base.is_any() || base.is_none() || kinds.iter().any(|kind| matches!(kind, Kind::External { .. }));
        if (array || opaque)
            && let Some(answer) = self.array_method(base, method, args, site, array)
        {
            return Some(answer);
        }
        let text = !base.strings.is_empty() || base.is_any() || base.number.is_some() || base.bits & NUMBER != 0;
        if text && let Some(answer) = self.string_method(base, method, args, site) {
            return Some(answer);
        }
        if method == "hasOwnProperty" || method == "isPrototypeOf" || method == "propertyIsEnumerable" {
            return Some(Value::either());
        }
        if method == "toString" || method == "valueOf" || method == "toJSON" || method == "toLocaleString" {
            return Some(base.clone());
        }
        None
    }

    fn array_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site, known: bool) -> Option<Value> {
        let first = || args.first().cloned().unwrap_or_else(Value::undefined);
        Some(match method {
            "forEach" | "map" | "filter" | "some" | "every" | "find" | "findIndex" | "findLast" | "findLastIndex"
            | "flatMap" | "sort" => {
                let callback = first();
                if callback.objects.is_empty() && !known {
                    return None;
                }
                let item = self.items_of(base);
                if item.is_none() && known {
                    return Some(if matches!(method, "map" | "filter" | "sort") {
                        base.clone()
                    } else {
                        Value::undefined()
                    });
                }
                let item = if item.is_none() { Value::any() } else { item };
                let index = Value { bits: NUMBER, ..Value::default() };
                let call_args = if method == "sort" {
                    vec![item.clone(), item.clone()]
                } else {
                    vec![item.clone(), index, base.clone()]
                };
                let this = args.get(1).cloned().unwrap_or_else(Value::undefined);
                let inner = self.inner_site(site);
                // Items of a short known list keep apart.
                let singles = self.single_items(base);
                let each = |machine: &mut Self, call_args: Vec<Value>| {
                    machine.perhaps(&[], |machine| machine.call(&callback, &this, call_args, &inner))
                };
                let mut apart = None;
                if method != "sort" && (1..=8).contains(&singles.len()) {
                    apart = self.split(singles.len(), |machine| {
                        let answer = |(index, item): (usize, &Value)| {
                            each(machine, vec![item.clone(), Value::number(index as f64), base.clone()])
                        };
                        singles.iter().enumerate().map(answer).collect::<Vec<Value>>()
                    });
                }
                if let Some(answers) = &apart
                    && let Some(answer) = self.picked(method, &singles, answers, site)
                {
                    return Some(answer);
                }
                let answer = match apart {
                    Some(answers) => answers.iter().fold(Value::default(), |all, answer| all.joined(answer)),
                    None => each(self, call_args),
                };
                match method {
                    "map" => self.list_of(answer, site),
                    "flatMap" => {
                        let mut inner = self.items_of(&answer);
                        inner.join(&answer);
                        self.list_of(inner, site)
                    }
                    "filter" => self.list_of(item, site),
                    "sort" => base.clone(),
                    "find" | "findLast" => {
                        let mut item = item;
                        item.bits |= UNDEFINED;
                        item
                    }
                    "some" | "every" => Value::either().when(answer.yes, Ids::new()),
                    "findIndex" | "findLastIndex" => Value { bits: NUMBER, ..Value::default() },
                    _ => Value::undefined(),
                }
            }
            "reduce" | "reduceRight" => {
                let callback = first();
                let item = self.items_of(base);
                // A short known list is gone through in its order.
                let mut singles = self.single_items(base);
                if method == "reduceRight" {
                    singles.reverse();
                }
                if (1..=8).contains(&singles.len()) {
                    let mut items = singles.into_iter();
                    let mut total = match args.get(1) {
                        Some(first) => first.clone(),
                        None => items.next().unwrap_or_default(),
                    };
                    for item in items {
                        let inner = self.inner_site(site);
                        let call_args = vec![total, item, Value { bits: NUMBER, ..Value::default() }, base.clone()];
                        total = self.call(&callback, &Value::undefined(), call_args, &inner);
                    }
                    return Some(total);
                }
                let mut total = args.get(1).cloned().unwrap_or_else(|| item.clone());
                let inner = self.inner_site(site);
                let mut pass = |machine: &mut Self| {
                    let index = Value { bits: NUMBER, ..Value::default() };
                    let call_args = vec![total.clone(), item.clone(), index, base.clone()];
                    let answer =
                        machine.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), call_args, &inner));
                    total.join(&answer);
                };
                let twice = self.split(2, |machine| {
                    pass(machine);
                    pass(machine);
                });
                if twice.is_none() {
                    pass(self);
                }
                total
            }
            "push" | "unshift" if known => {
                for &object in &base.objects {
                    for arg in args {
                        let arg = if arg.taints.is_empty() {
                            arg.clone()
                        } else {
                            self.stepped(arg.clone(), site.place, "stored-in", &name(method))
                        };
                        self.heap.add(object, ITEM, &arg);
                    }
                    let length = self.sym("length");
                    self.heap.set(object, length, None);
                }
                Value { bits: NUMBER, ..Value::default() }
            }
            "push" | "unshift" => {
                for &object in &base.objects {
                    if let Kind::External { module, .. } = self.heap.kind(object)
                        && module.is_empty()
                    {
                        // `webpackJsonp.push` and queues of analytics scripts.
                        return self.queue_push(args, site);
                    }
                }
                return None;
            }
            "splice" if known => {
                for &object in &base.objects {
                    for arg in args.iter().skip(2) {
                        self.heap.add(object, ITEM, arg);
                    }
                }
                let item = self.items_of(base);
                self.list_of(item, site)
            }
            // An iterator.
            "next" if known => {
                let mut value = self.items_of(base);
                value.bits |= UNDEFINED;
                let object = self.make_at(site.place, 31, Kind::Plain);
                let (value_key, done_key) = (self.sym("value"), self.sym("done"));
                self.heap.set(object, value_key, Some(value));
                self.heap.set(object, done_key, Some(Value::either()));
                Value::object(object)
            }
            "entries" if known => {
                let singles = self.single_items(base);
                if singles.is_empty() {
                    let item = self.items_of(base);
                    let index = Value { bits: NUMBER, ..Value::default() };
                    let pair = self.pair(site.place, 0, index, item);
                    return Some(self.list_of(pair, site));
                }
                let mut pairs = Vec::new();
                for (index, item) in singles.into_iter().enumerate() {
                    pairs.push(self.pair(site.place, index as u64 + 1, Value::number(index as f64), item));
                }
                self.list_from(pairs, site)
            }
            "pop" | "shift" | "at" if known => {
                let mut item = self.items_of(base);
                item.bits |= UNDEFINED;
                item
            }
            "concat" if known => {
                if let Some(all) = self.known_concat(base, args) {
                    return Some(self.list_from(all, site));
                }
                let mut item = self.items_of(base);
                for arg in args {
                    let array = arg.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array));
                    let more = if array { self.items_of(arg) } else { arg.clone() };
                    item.join(&more);
                }
                self.list_of(item, site)
            }
            "reverse" if (2..=MAX_JOINED).contains(&self.listed(base, MAX_JOINED + 1).len()) => {
                let array = self.make_at(site.place, 97, Kind::Array);
                for (index, item) in self.listed(base, MAX_JOINED).into_iter().rev().enumerate() {
                    let key = self.index_sym(index);
                    self.heap.set(array, key, Some(item));
                }
                Value::object(array)
            }
            "slice" | "reverse" | "flat" | "fill" | "copyWithin" | "values" | "toReversed" | "toSorted"
            | "toSpliced" | "with"
                if known =>
            {
                let mut item = self.items_of(base);
                if method == "flat" {
                    let inner = self.items_of(&item);
                    if !inner.is_none() {
                        item = inner;
                    }
                }
                if method == "fill" {
                    item.join(&first());
                    for &object in &base.objects {
                        self.heap.add(object, ITEM, &first());
                    }
                    return Some(base.clone());
                }
                for arg in args.iter().skip(if method == "with" { 1 } else { 2 }) {
                    item.join(arg);
                }
                self.list_of(item, site)
            }
            "keys" if known => self.list_of(Value { bits: NUMBER, ..Value::default() }, site),
            "join" | "toString" if known => {
                let singles = self.listed(base, MAX_JOINED + 1);
                let separator = args.first().cloned().unwrap_or_else(|| Value::string(",".into(), None));
                if (1..=MAX_JOINED).contains(&singles.len()) {
                    let mut out: Option<Value> = None;
                    for item in singles {
                        out = Some(match out {
                            None => super::value::concat(&Value::string("".into(), None), &item),
                            Some(text) => {
                                let text = super::value::concat(&text, &separator);
                                super::value::concat(&text, &item)
                            }
                        });
                    }
                    return out;
                }
                let item = self.items_of(base);
                let mut out = Value::any();
                out.taints = item.shallow_taints();
                out.origins = item.all_origins();
                out
            }
            "includes" | "indexOf" | "lastIndexOf" if known => {
                let item = self.items_of(base);
                let bits = if method == "includes" { super::value::TRUE | super::value::FALSE } else { NUMBER };
                let mut yes = base.yes.clone();
                unite(&mut yes, &item.yes);
                Value { bits, ..Value::default() }.when(yes, Ids::new())
            }
            _ => return None,
        })
    }

    /// The first items of an array whose places are all known.
    fn listed(&mut self, list: &Value, most: usize) -> Vec<Value> {
        let [object] = list.objects.as_slice() else { return Vec::new() };
        if self.heap.get(*object, ITEM).is_some() || list.is_any() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for index in 0..most {
            let key = self.index_sym(index);
            match self.heap.get(*object, key) {
                Some(value) => out.push(value.clone()),
                None => break,
            }
        }
        out
    }

    fn string_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site) -> Option<Value> {
        let whole = |machine: &mut Self| {
            let mut out = Value::any();
            out.taints = base.shallow_taints();
            out.origins = base.all_origins();
            let _ = machine;
            out
        };
        Some(match method {
            "trim" | "trimStart" | "trimEnd" | "toLowerCase" | "toUpperCase" | "normalize" => {
                let mut out = Value::default();
                for text in &base.strings {
                    let mut new = (**text).clone();
                    for piece in &mut new.pieces {
                        if let Piece::Literal(literal) = piece {
                            *literal = match method {
                                "toLowerCase" => literal.to_lowercase().into(),
                                "toUpperCase" => literal.to_uppercase().into(),
                                _ => literal.trim().into(),
                            };
                        }
                    }
                    out.strings.push(std::rc::Rc::new(new));
                }
                out.bits = base.bits;
                out.taints = base.taints.clone();
                out.origins = base.origins.clone();
                if out.is_none() {
                    out.bits |= ANY;
                }
                out
            }
            "toString" | "valueOf" | "toFixed" | "toLocaleString" => base.clone(),
            "concat" => {
                let mut out = base.clone();
                for arg in args {
                    out = self.arithmetic(crate::model::ir::Operator::Add, &out, arg, site.place);
                }
                out
            }
            "padStart" | "padEnd" | "repeat" => whole(self),
            "slice" | "substr" | "substring" | "charAt" | "charCodeAt" | "codePointAt" | "at" => {
                let mut out = whole(self);
                // Constants are cut exactly.
                if let Some(text) = base.as_text()
                    && let Some(cut) = cut(text, method, args)
                {
                    return Some(Value::string(cut.into(), None));
                }
                let ids = out.taints.clone();
                out.taints = self.map_taints(&ids, |_, taint| taint.partial = true);
                if matches!(method, "charAt" | "at") {
                    // A table of signs that is read by a value tells the value.
                    for arg in args {
                        unite(&mut out.taints, &arg.shallow_taints());
                    }
                }
                if matches!(method, "slice" | "substr" | "substring") && short_part(method, args) {
                    let ids = out.taints.clone();
                    out.taints = self.map_taints(&ids, |_, taint| {
                        taint.partial = false;
                        if !taint.protections.contains(&Protection::Masked) {
                            let mut list = taint.protections.to_vec();
                            list.push(Protection::Masked);
                            taint.protections = list.into();
                        }
                    });
                }
                out
            }
            "replace" | "replaceAll" => {
                let replacement = args.get(1).cloned().unwrap_or_default();
                if let (Some(text), Some(from), Some(to)) =
                    (base.as_text(), args.first().and_then(Value::as_text), replacement.as_text())
                {
                    let new =
                        if method == "replace" { text.replacen(&**from, to, 1) } else { text.replace(&**from, to) };
                    return Some(Value::string(new.into(), None));
                }
                let mut out = whole(self);
                if !replacement.objects.is_empty() {
                    let answer =
                        self.call_back(&replacement, vec![out.clone(), out.clone(), out.clone(), out.clone()], site);
                    unite(&mut out.taints, &answer.shallow_taints());
                }
                if replacement.texts().any(|text| text.contains('*') || text.contains('•') || text.contains('＊')) {
                    let ids = out.taints.clone();
                    out.taints = self.map_taints(&ids, |_, taint| {
                        let mut list = taint.protections.to_vec();
                        if !list.contains(&Protection::Masked) {
                            list.push(Protection::Masked);
                        }
                        taint.protections = list.into();
                    });
                } else {
                    // `'{phone}'.replace('{phone}', value)` brings the value in.
                    unite(&mut out.taints, &replacement.shallow_taints());
                }
                out
            }
            "split" | "match" | "matchAll" => {
                let item = whole(self);
                if method == "split"
                    && let (Some(text), Some(by)) = (base.as_text(), args.first().and_then(Value::as_text))
                    && (!by.is_empty() || text.chars().count() <= MAX_JOINED)
                {
                    let pieces: Vec<String> = if by.is_empty() {
                        text.chars().map(String::from).collect()
                    } else {
                        // One more than is joined: a longer list is not taken for a whole one.
                        text.split(&**by).take(MAX_JOINED + 1).map(str::to_owned).collect()
                    };
                    let parts: Vec<Value> = pieces.into_iter().map(|part| Value::string(part.into(), None)).collect();
                    let array = self.make_at(site.place, 26, Kind::Array);
                    for (index, part) in parts.into_iter().enumerate() {
                        let key = self.index_sym(index);
                        self.heap.set(array, key, Some(part));
                    }
                    return Some(Value::object(array));
                }
                let mut list = self.list_of(item, site);
                if method == "match" {
                    list.bits |= NULL;
                }
                list
            }
            "indexOf" | "lastIndexOf" | "search" | "includes" | "startsWith" | "endsWith" | "test"
            | "localeCompare" => {
                if let (Some(text), Some(part)) = (base.as_text(), args.first().and_then(Value::as_text)) {
                    match method {
                        "includes" => return Some(Value::bool(text.contains(&**part))),
                        "startsWith" => return Some(Value::bool(text.starts_with(&**part))),
                        "endsWith" => return Some(Value::bool(text.ends_with(&**part))),
                        "indexOf" => {
                            let at = text.find(&**part).map_or(-1.0, |at| text[..at].encode_utf16().count() as f64);
                            return Some(Value::number(at));
                        }
                        _ => {}
                    }
                }
                let with = args.first().and_then(Value::as_text).cloned();
                let (mut yes, no) = self.tested(base, with.clone(), site.place.file, site.place.span);
                let mut no = no;
                let negative = with
                    .as_deref()
                    .is_some_and(|text| text.contains("fail") || text.contains("deny") || text.contains("cancel"));
                unite(if negative { &mut no } else { &mut yes }, &base.yes);
                let bits = if matches!(method, "includes" | "startsWith" | "endsWith") {
                    super::value::TRUE | super::value::FALSE
                } else {
                    NUMBER
                };
                Value { bits, ..Value::default() }.when(yes, no)
            }
            "getTime" | "getFullYear" | "getMonth" | "getDate" | "getDay" | "getHours" | "getMinutes"
            | "getSeconds" | "toISOString" | "toDateString" | "format" | "toLocaleDateString"
            | "toLocaleTimeString" | "getTimezoneOffset" => whole(self),
            "then" => {
                // An unknown thenable answers with what is unknown.
                let mut answer = whole(self);
                answer.bits |= ANY;
                let inner = self.inner_site(site);
                for handler in args {
                    let handler = handler.clone();
                    let argument = answer.clone();
                    if !handler.objects.is_empty() {
                        self.perhaps(&[], |machine| {
                            machine.call(&handler, &Value::undefined(), vec![argument], &inner)
                        });
                    }
                }
                Value::any()
            }
            _ => return None,
        })
    }

    // ---- what is not known ----

    /// A call of something unknown: what goes in may come out, and functions among the arguments may be called.
    pub fn call_unknown(&mut self, callee: &Value, this: &Value, args: &[Value], site: &Site) -> Value {
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
                        self.call_back(&handler, vec![value], site);
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
                    if let Some(handlers) = self.heap.get(bus, listeners).cloned() {
                        self.call_back(&handlers, vec![value.clone()], site);
                    }
                }
            }
            _ => {}
        }
        Value::object(bus)
    }

    // ---- protections ----

    /// Marks the value that an encoding gives.
    pub fn encoded(&mut self, mut value: Value, by: &str) -> Value {
        let ids = std::mem::take(&mut value.taints);
        let by: Name = by.into();
        value.taints = self.map_taints(&ids, |_, taint| {
            let encoding = Protection::Encoded(by.clone());
            if !taint.protections.contains(&encoding) && taint.protections.len() < 6 {
                let mut list = taint.protections.to_vec();
                list.push(encoding);
                taint.protections = list.into();
            }
        });
        value
    }

    // ---- transpiled generators ----

    fn regenerator_wrap(&mut self, args: &[Value], site: &Site) -> Value {
        let context = self.make_at(site.place, 28, Kind::Plain);
        let body = args.first().cloned().unwrap_or_default();
        let this = args.get(2).cloned().unwrap_or_default();
        let inner = self.inner_site(site);
        let base = self.facts.len();
        let value = self.call(&body, &this, vec![Value::object(context)], &inner);
        let mut facts: Ids = self.facts.get(base..).unwrap_or(&[]).into();
        facts.sort_unstable();
        self.facts.truncate(base);
        let promise = self.make_at(site.place, 29, Kind::Promise);
        self.fulfil(promise, value, &facts);
        Value::object(promise)
    }

    /// Runs the state machine of a transpiled generator straight through: `while (1) switch (context.prev = context.next) …`.
    pub fn regenerator(&mut self, act: &mut Act<'a>, _test: Option<&'a Expr>, body: &'a [Stmt]) -> Option<Jump> {
        let [Stmt { kind: StmtKind::Switch(subject, cases), .. }] = (match body {
            [Stmt { kind: StmtKind::Block(_, inner), .. }] => inner.as_slice(),
            other => other,
        }) else {
            return None;
        };
        let ExprKind::Assign { target: crate::model::ir::Pattern::Member(member), .. } = &subject.kind else {
            return None;
        };
        let ExprKind::Member { object, key: Key::Static(key, _), .. } = &member.kind else { return None };
        if &**key != "prev" {
            return None;
        }
        let context = self.eval(act, object);
        let sent = self.sym("sent");
        let base = self.facts.len();
        let mut guards: Vec<(u64, usize)> = Vec::new();
        for (label, statements) in cases {
            if let Some(Expr { kind: ExprKind::Number(number), .. }) = label {
                // A jump that went round some code ends at its label.
                if let Some(at) = guards.iter().position(|(target, _)| *target == number.to_bits()) {
                    self.facts.truncate(guards[at].1.max(base));
                    guards.truncate(at);
                }
            }
            for statement in statements {
                match &statement.kind {
                    StmtKind::Return(Some(value)) => {
                        if let ExprKind::Call { callee, args, .. } = &value.kind
                            && let ExprKind::Member { key: Key::Static(method, _), .. } = &callee.kind
                            && &**method == "abrupt"
                        {
                            let result =
                                args.get(1).map(|arg| self.eval(act, &arg.value)).unwrap_or_else(Value::undefined);
                            act.returned.join(&result);
                            if args.first().is_some_and(
                                |arg| matches!(&arg.value.kind, ExprKind::String(kind) if &**kind == "return"),
                            ) {
                                break;
                            }
                            continue;
                        }
                        let result = self.eval(act, value);
                        let result = self.wait(&result);
                        for &object in &context.objects {
                            self.heap.set(object, sent, Some(result.clone()));
                        }
                    }
                    StmtKind::If(test, yes, no) if no.is_empty() => {
                        let value = self.eval(act, test);
                        if let Some(target) = jump_target(yes) {
                            guards.push((target, self.facts.len()));
                            self.push_facts(&value.no);
                        } else if value.may_true() {
                            let facts = value.yes.clone();
                            self.perhaps(&facts, |machine| machine.block(act, yes));
                        }
                    }
                    StmtKind::Break(_) => break,
                    _ => {
                        let jump = {
                            let list = std::slice::from_ref(statement);
                            self.block(act, list)
                        };
                        if jump != Jump::Next {
                            break;
                        }
                    }
                }
            }
        }
        self.facts.truncate(base);
        Some(Jump::Return)
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
            "_interopRequireDefault" | "_interopRequireWildcard" | "__importDefault" | "__importStar" => {
                let value = args.first().cloned().unwrap_or_default();
                let key = self.sym("default");
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

/// The label that `{ context.next = 5; break; }` goes to.
fn jump_target(block: &[Stmt]) -> Option<u64> {
    let ends = matches!(block.last().map(|stmt| &stmt.kind), Some(StmtKind::Break(_)));
    if !ends {
        return match block {
            [Stmt { kind: StmtKind::Block(_, inner), .. }] => jump_target(inner),
            _ => None,
        };
    }
    block.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Expr(Expr {
            kind: ExprKind::Assign { target: crate::model::ir::Pattern::Member(member), value, .. },
            ..
        }) => match (&member.kind, &value.kind) {
            (ExprKind::Member { key: Key::Static(key, _), .. }, ExprKind::Number(number)) if &**key == "next" => {
                Some(number.to_bits())
            }
            _ => None,
        },
        _ => None,
    })
}

/// `text.slice(1, 3)` and the like on constants.
fn cut(text: &str, method: &str, args: &[Value]) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len() as i64;
    let number = |index: usize| args.get(index).and_then(|value| value.number).map(|bits| f64::from_bits(bits) as i64);
    let clamp = |at: i64| if at < 0 { (length + at).max(0) } else { at.min(length) };
    let (start, end) = match method {
        "slice" => (clamp(number(0)?), number(1).map_or(length, clamp)),
        "substring" => {
            let (a, b) = (number(0)?.clamp(0, length), number(1).map_or(length, |at| at.clamp(0, length)));
            (a.min(b), a.max(b))
        }
        "substr" => {
            let start = clamp(number(0)?);
            (start, number(1).map_or(length, |count| (start + count).clamp(0, length)))
        }
        "charAt" | "at" => {
            let at = clamp(if args.is_empty() { 0 } else { number(0)? });
            (at, (at + 1).min(length))
        }
        _ => return None,
    };
    if start > end {
        return Some(String::new());
    }
    Some(chars[start as usize..end as usize].iter().collect())
}

/// Whether at most four characters are left of a number: no longer telling who it is.
fn short_part(method: &str, args: &[Value]) -> bool {
    let number = |index: usize| args.get(index).and_then(|value| value.number).map(|bits| f64::from_bits(bits) as i64);
    match (method, number(0), number(1)) {
        ("slice", Some(start), None) => (-4..0).contains(&start),
        ("slice" | "substring", Some(start), Some(end)) if start >= 0 && end >= 0 => end - start <= 4,
        ("substr", Some(_), Some(count)) => count <= 4,
        _ => false,
    }
}
