//! Modules: their objects, requests for them, exports and imports.

use crate::flow::bundle::package_in;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Act, Keys, Machine, THIS};
use crate::flow::solution::Place;
use crate::flow::value::{NULL, ObjId, Value};
use crate::model::ir::Export;
use crate::package::Origin as FileOrigin;
use crate::policy::privacy::package_of;
use crate::source::{FileId, Span};

/// Largest npm or vendored script whose code is run, in bytes.
const MAX_LIBRARY: usize = 96 * 1024;

/// Most objects that are looked into for what a value holds.
pub(super) const MAX_HOLDERS: usize = 400;

/// What a blind spot is called where a module is not in the package.
pub const MISSING_MODULE: &str = "missing-module";

/// Modules that load one another, each from the body of the one before.
const MAX_LOADING: usize = 400;

impl<'a> Machine<'a> {
    pub fn module_object(&mut self, file: FileId) -> ObjId {
        if let Some(&module) = self.modules.get(&file) {
            return module;
        }
        let place = Place { file, span: Span::default() };
        let module = self.heap.alloc(Kind::Plain, place);
        let exports = self.heap.alloc(Kind::Plain, place);
        let key = self.known("exports");
        self.heap.set(module, key, Some(Value::object(exports)));
        self.modules.insert(file, module);
        module
    }

    pub fn exports(&mut self, file: FileId) -> Value {
        let module = self.module_object(file);
        let key = self.known("exports");
        self.heap.get(module, key).cloned().unwrap_or_else(Value::any)
    }

    pub fn require(&mut self, from: FileId, request: &Value, place: Place) -> Value {
        let Some(text) = request.as_text().cloned() else {
            self.record.blind(place, "dynamic-require", "");
            return Value::any();
        };
        let target = self.program.requires[from.index()].iter().find(|r| r.request == text).and_then(|r| r.target);
        let target = target.or_else(|| {
            crate::model::resolve(
                self.package,
                &self.package.source(from).path,
                &text,
                self.package.script_extensions(),
            )
        });
        let target = target.filter(|file| *file != from);
        if let Some(exports) = self.defined(&text) {
            return exports;
        }
        match target {
            Some(file) => self.load(file, &text),
            None => {
                // A path that leads nowhere is told as a missing file.
                let named = !text.starts_with(['.', '/']) && !self.policy.hosts.is_alias_module(&text);
                if named && !self.policy.privacy.knows_module(&text) {
                    self.record.blind(place, MISSING_MODULE, package_of(&text));
                }
                self.foreign_module(&text)
            }
        }
    }

    pub fn foreign_module(&mut self, request: &str) -> Value {
        // A path into a folder of modules that was left out.
        let request = package_in(request).filter(|_| request.starts_with('.')).unwrap_or(request);
        if self.policy.hosts.is_alias_module(request) {
            let namespace = self.namespace();
            return self.host_object(&namespace, "");
        }
        if self.policy.privacy.is_promise_module(request) {
            return Value::object(self.external("", "Promise"));
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
        if let Some(dialogs) = self.policy.privacy.dialog_file(&entry.source.path).cloned() {
            return self.foreign_module(&dialogs);
        }
        let library = match &entry.origin {
            // An SDK that lies among the package's own files is no less an SDK.
            FileOrigin::Own => match self.policy.privacy.sdk_by_file(&entry.source.path).map(|sdk| sdk.id.clone()) {
                Some(sdk) => return self.foreign_module(&sdk),
                None => None,
            },
            FileOrigin::Vendored { name, .. } | FileOrigin::Npm { name, .. } => Some(name.clone()),
        };
        if let Some(library) = library {
            if self.policy.hosts.is_alias_module(&library) {
                return self.foreign_module(&library);
            }
            let stem = entry.source.name().split('.').next().unwrap_or("");
            let known = self.policy.privacy.sdk_by_module(&library).is_some()
                || self.policy.privacy.client(&library).is_some()
                || self.policy.privacy.stores(&library).is_some()
                || self.policy.privacy.is_promiser(&library)
                || self.policy.privacy.sdk_by_file(&entry.source.path).is_some()
                || self.policy.privacy.is_cipher_module(&library)
                || self.policy.privacy.is_cipher_module(stem);
            if self.policy.privacy.is_promise_module(&library) {
                return self.foreign_module(&library);
            }
            if known || entry.source.text.len() > MAX_LIBRARY {
                return self.foreign_module(&library);
            }
        }
        if self.modules.contains_key(&file) {
            return self.exports(file);
        }
        if let Some(exports) = self.runtime_exports(file) {
            let (module, key) = (self.module_object(file), self.known("exports"));
            self.heap.set(module, key, Some(exports.clone()));
            return exports;
        }
        let place = Place { file, span: Span::default() };
        if self.loading >= MAX_LOADING {
            self.give_up(place);
            return Value::any();
        }
        self.run_once(file, script);
        let exports = self.exports(file);
        if let Some(host) = self.runtime_as_host(&exports) {
            let (module, key) = (self.module_object(file), self.known("exports"));
            self.heap.set(module, key, Some(host.clone()));
            return host;
        }
        exports
    }

    /// What a view script inside a template gives; each has exports of its own.
    pub fn load_inline(&mut self, template: FileId, script: &'a crate::model::ir::Script, start: u32) -> Value {
        self.modules.remove(&template);
        self.run_once(template, script);
        let exports = self.exports(template);
        self.modules.remove(&template);
        self.imported(&exports, "default", Place { file: template, span: Span::at(start) })
    }

    /// Runs a module's body, whoever asks first: what it does belongs to no entry point's execution.
    fn run_once(&mut self, file: FileId, script: &'a crate::model::ir::Script) {
        let module = self.module_object(file);
        let outer = self.record.cut();
        self.loading += 1;
        self.run_module(file, script, module);
        self.loading -= 1;
        let part = self.record.cut();
        self.runs.note_top(part);
        self.record.resume(outer);
    }

    fn run_module(&mut self, file: FileId, script: &'a crate::model::ir::Script, module: ObjId) {
        let Some(top) = script.functions.first() else { return };
        let frame = self.heap.alloc(Kind::Frame { file, parent: None }, Place { file, span: top.span });
        self.heap.objects[frame as usize].getters = vec![(0, 0)];
        let exports = self.exports(file);
        self.heap.set(frame, THIS, Some(exports.clone()));
        let mut act = Act::new(file, Some(script), 0, frame, self.facts.len());
        let frame_key = self.known("[[frame]]");
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

    pub fn imported(&mut self, module: &Value, imported: &str, place: Place) -> Value {
        match imported {
            "*" => module.clone(),
            "default" => {
                let key = self.known("default");
                let mut out = Value::default();
                for &object in &module.objects {
                    let has = self.heap.get(object, key).is_some();
                    match self.heap.kind(object) {
                        Kind::External { .. } | Kind::Host { .. } => out.join(&Value::object(object)),
                        _ if has => {
                            let value = self.field(&Value::object(object), &Keys::one(key), place);
                            out.join(&value);
                        }
                        _ => out.join(&Value::object(object)),
                    }
                }
                if out.is_none() { module.clone() } else { out }
            }
            other => {
                let key = self.sym(other);
                self.field(module, &Keys::one(key), place)
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
        let frame_key = self.known("[[frame]]");
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
}
