//! Bundles: module tables, chunks and definitions, and what compiled templates show and open.

use rustc_hash::FxHashMap;

use super::heap::Kind;
use super::machine::{Keys, Machine, Site, name};
use super::solution::{ArgValue, HostCall, Navigation, Place};
use super::value::{ObjId, Value};
use crate::source::{FileId, Span};

/// Module tables that scripts pushed, by the name of the queue.
#[derive(Debug, Default)]
pub(super) struct Webpack<'a> {
    /// Factory of each module: name to function object.
    pub factories: FxHashMap<String, ObjId>,
    /// Module objects made so far.
    pub modules: FxHashMap<String, ObjId>,
    /// Modules defined by name.
    pub defined: FxHashMap<String, ObjId>,
    /// Modules to run, as the chunks ask.
    pub waiting: Vec<String>,
    pub marker: std::marker::PhantomData<&'a ()>,
}

/// The npm package that the label of a module names: that of its folder, or the label itself.
pub(super) fn package_in(label: &str) -> Option<&str> {
    let folders = ["node_modules/", "miniprogram_npm/", "webpack/container/remote/", "npm/"];
    let path = folders.iter().find_map(|folder| {
        let (before, path) = label.rsplit_once(folder)?;
        (before.is_empty() || before.ends_with('/')).then_some(path)
    });
    let path = match path {
        Some(path) => path,
        None if label.starts_with('@') && !label.contains('.') => label,
        None => return None,
    };
    let parts = if path.starts_with('@') { 2 } else { 1 };
    let end = path.match_indices('/').nth(parts - 1).map_or(path.len(), |(at, _)| at);
    Some(&path[..end])
}

/// What compilers write calls of: makers of pages, elements, and what functions that render ask for.
const COMPILED: [&str; 13] = [
    "createPageConfig",
    "createReactApp",
    "createRecursiveComponentConfig",
    "jsx",
    "jsxs",
    "useCallback",
    "useDidShow",
    "useEffect",
    "useLayoutEffect",
    "useLoad",
    "useMemo",
    "useReady",
    "useState",
];

impl<'a> Machine<'a> {
    /// Whether the arguments of a `push` are a chunk of a webpack bundle: a list of chunk names, then a table of modules. A name
    /// alone may stand for the list where the modules to run follow, as in components that uni-app makes.
    pub fn is_chunk(&self, args: &[Value]) -> bool {
        let [chunk] = args else { return false };
        let [chunk] = chunk.objects.as_slice() else { return false };
        if !matches!(self.heap.kind(*chunk), Kind::Array) {
            return false;
        }
        let part = |index: usize| {
            let key = *self.indices.get(index)?;
            self.heap.get(*chunk, key)?.objects.first().map(|&id| self.heap.kind(id).clone())
        };
        let named = || {
            let key = self.indices.first()?;
            self.heap.get(*chunk, *key)?.as_text().cloned()
        };
        let listed = matches!(part(0), Some(Kind::Array)) || named().is_some() && matches!(part(2), Some(Kind::Array));
        listed && matches!(part(1), Some(Kind::Plain | Kind::Array))
    }

    /// `queue.push([chunks, modules, run])`: a chunk of a webpack bundle.
    pub fn queue_push(&mut self, args: &[Value], site: &Site) -> Option<Value> {
        let chunk = args.first().cloned()?;
        let (zero, one, two) = (self.known("0"), self.known("1"), self.known("2"));
        if chunk.objects.is_empty() {
            return None;
        }
        let modules = self.field(&chunk, &Keys::one(one), site.place);
        let found = self.take_modules(&modules);
        // Entries: `[[entry, chunk, …]]`, or a function that gets the loader.
        let run = self.field(&chunk, &Keys::one(two), site.place);
        if !found && !run.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. })) {
            return None;
        }
        let lists = self.items_of(&run);
        for &list in &lists.objects {
            if let Some(first) = self.heap.get(list, zero).cloned() {
                let ids = self.keys_from(&first);
                for &id in &ids.0 {
                    let label = self.spell(id).to_string();
                    self.webpack.waiting.push(label);
                }
            }
        }
        for &function in &run.objects {
            if matches!(self.heap.kind(function), Kind::Closure { .. }) {
                let require = self.shared(Kind::WebpackRequire(0));
                self.call_object(function, &Value::undefined(), vec![Value::object(require)], site);
            }
        }
        Some(Value::undefined())
    }

    /// Takes the functions of a table of modules; `false` where it holds none.
    fn take_modules(&mut self, modules: &Value) -> bool {
        let mut found = false;
        for &table in &modules.objects {
            for key in self.heap.keys(table) {
                let Some(value) = self.heap.get(table, key).cloned() else { continue };
                if let Some(&function) =
                    value.objects.iter().find(|&&id| matches!(self.heap.kind(id), Kind::Closure { .. }))
                {
                    found = true;
                    let label = self.spell(key).to_string();
                    self.webpack.factories.insert(label, function);
                }
            }
        }
        found
    }

    /// `webpackJsonp([chunks], modules, [entries])`: a chunk of an older webpack bundle, whose loader is a function.
    fn chunk_call(&mut self, args: &[Value], site: &Site) -> Option<Value> {
        let [chunks, modules, run @ ..] = args else { return None };
        let listed = chunks.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array));
        if !listed || !self.take_modules(modules) {
            return None;
        }
        let entries = self.items_of(run.first().unwrap_or(&Value::default()));
        let mut out = Value::undefined();
        for key in self.keys_from(&entries).0 {
            let label = self.spell(key);
            out = self.webpack_require(0, &[Value::string(label, None)], site);
        }
        Some(out)
    }

    /// A call of what a framework's runtime offers, by the name that compilers write, where the runtime's own code stands in a
    /// bundle: what it does is known, however it does it.
    pub fn bundled_call(&mut self, args: &[Value], site: &Site) -> Option<Value> {
        let (_, member) = site.name.rsplit_once('.')?;
        if member == "webpackJsonp" {
            return self.chunk_call(args, site);
        }
        if self.webpack.factories.is_empty() || !COMPILED.contains(&member) {
            return None;
        }
        let member = site.name.clone();
        self.framework_call("", &[member.rsplit('.').next()?], args, site)
    }

    /// Members that bundlers put on the host object: queues of chunks, functions that make pages.
    pub fn bundler_call(&mut self, path: &str, args: &[Value], site: &Site) -> Option<Value> {
        if let Some(answer) = self.class_runtime_call(path, args, site) {
            return Some(answer);
        }
        match path.rsplit('.').next() {
            Some("push") if path.contains('.') => self.queue_push(args, site),
            Some("createPage" | "createComponent" | "createApp") if !args.is_empty() => {
                self.register_framework(&args[0], site);
                Some(Value::undefined())
            }
            Some("$createPage" | "$createApp") if !args.is_empty() => {
                self.register_class(&args[0], site);
                Some(Value::undefined())
            }
            Some(hook) if !path.contains('.') && hook.starts_with("use") => {
                self.framework_call("", &[hook], args, site)
            }
            _ => None,
        }
    }

    /// `define(name, function (require, module, exports) {…})`: a module that scripts find by its name.
    pub fn define(&mut self, args: &[Value], site: &Site) {
        let label = args.first().and_then(Value::as_text).map(|label| amd_name(label));
        let require = self.global_named("require");
        let exports_key = self.known("exports");
        for arg in args.iter().filter(|arg| !arg.objects.is_empty()) {
            if arg.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Array)) {
                continue;
            }
            let (module, exports) = match &label {
                Some(label) => {
                    let module = self.heap.alloc(Kind::Plain, site.place);
                    let exports = Value::object(self.heap.alloc(Kind::Plain, site.place));
                    self.heap.set(module, exports_key, Some(exports.clone()));
                    self.webpack.defined.insert(label.clone(), module);
                    (module, exports)
                }
                None => {
                    let exports = self.exports(site.place.file);
                    (self.module_object(site.place.file), exports)
                }
            };
            let inner = Site { place: site.place, args: Vec::new(), name: name("module"), used: true };
            self.call(arg, &Value::undefined(), vec![require.clone(), Value::object(module), exports], &inner);
        }
    }

    /// Exports of a module that a script defined by name.
    pub fn defined(&mut self, request: &str) -> Option<Value> {
        let module = *self.webpack.defined.get(&amd_name(request))?;
        let key = self.known("exports");
        self.heap.get(module, key).cloned()
    }

    /// Runs the modules that the chunks of a file asked for, as far as their code is known.
    pub fn run_bundle_entry(&mut self, file: FileId) {
        let waiting = std::mem::take(&mut self.webpack.waiting);
        for label in waiting {
            if self.webpack.factories.contains_key(&label) {
                let site = Site::at(Place { file, span: Span::default() });
                self.webpack_require(0, &[Value::string(label.as_str().into(), None)], &site);
            } else {
                self.webpack.waiting.push(label);
            }
        }
    }

    /// `__webpack_require__(id)`.
    pub fn webpack_require(&mut self, _table: u32, args: &[Value], site: &Site) -> Value {
        let ids = args.first().cloned().unwrap_or_default();
        let keys = self.keys_from(&ids);
        let exports_key = self.known("exports");
        let mut out = Value::default();
        for &key in &keys.0 {
            let label = self.spell(key).to_string();
            if let Some(&module) = self.webpack.modules.get(&label) {
                out.join(&self.heap.get(module, exports_key).cloned().unwrap_or_default());
                continue;
            }
            let alias = package_in(&label).is_some_and(|package| self.policy.hosts.is_alias_module(package));
            let Some(&factory) = self.webpack.factories.get(&label).filter(|_| !alias) else {
                // A module of a package that was left out: its name stands in the label.
                if let Some(package) = package_in(&label) {
                    let module = self.foreign_module(package);
                    out.join(&module);
                }
                continue;
            };
            let place = self.heap.objects[factory as usize].place;
            let code = place.span.slice(&self.package.source(place.file).text);
            let named = package_in(&label).filter(|package| self.policy.privacy.is_bundled(package));
            let known = named.map(name).or_else(|| self.policy.privacy.bundled_module(code).cloned());
            if let Some(known) = known {
                let value = self.bundled_exports(&known, place);
                let module = self.heap.alloc(Kind::Plain, place);
                self.heap.set(module, exports_key, Some(value.clone()));
                self.webpack.modules.insert(label, module);
                out.join(&value);
                continue;
            }
            let module = self.heap.alloc(Kind::Plain, place);
            let exports = self.heap.alloc(Kind::Plain, place);
            self.heap.set(module, exports_key, Some(Value::object(exports)));
            self.webpack.modules.insert(label, module);
            let require = self.shared(Kind::WebpackRequire(0));
            let arguments = vec![Value::object(module), Value::object(exports), Value::object(require)];
            let inner = Site { place: site.place, args: Vec::new(), name: name("module"), used: true };
            // Modules stand on their own: depth and context start anew.
            let stack = std::mem::take(&mut self.stack);
            let context = std::mem::replace(&mut self.context, 0);
            self.call_object(factory, &Value::object(exports), arguments, &inner);
            self.stack = stack;
            self.context = context;
            let made = self.heap.get(module, exports_key).cloned().unwrap_or_default();
            if let Some(host) = self.runtime_as_host(&made) {
                self.heap.set(module, exports_key, Some(host));
            }
            out.join(&self.heap.get(module, exports_key).cloned().unwrap_or_default());
        }
        if out.is_none() { Value::any() } else { out }
    }

    /// Members of `__webpack_require__`: `n` (default of a module), `d` (define getters), `r` (mark as one of the language's own), `t`, `e`, `o`.
    pub fn webpack_member(&mut self, member: &str, args: &[Value], site: &Site) -> Value {
        match member {
            "n" => {
                let module = args.first().cloned().unwrap_or_default();
                let key = self.known("default");
                let mut value = Value::default();
                for &object in &module.objects {
                    let has = self.heap.get(object, key).is_some()
                        || self.heap.objects[object as usize].getters.iter().any(|(name, _)| *name == key);
                    let one = Value::object(object);
                    if has {
                        let inner = self.field(&one, &Keys::one(key), site.place);
                        value.join(&inner);
                    } else {
                        value.join(&one);
                    }
                }
                // Called as a function, or read as `.a`.
                let wrapper = self.make_at(site.place, 80, Kind::Builtin("webpack-default"));
                let a = self.known("a");
                self.heap.set(wrapper, a, Some(if value.is_none() { Value::any() } else { value }));
                Value::object(wrapper)
            }
            "r" => {
                let target = args.first().cloned().unwrap_or_default();
                let key = self.known("__esModule");
                for &object in &target.objects {
                    self.heap.set(object, key, Some(Value::bool(true)));
                }
                Value::undefined()
            }
            "d" => {
                let target = args.first().cloned().unwrap_or_default();
                // `d(exports, name, getter)` or `d(exports, { name: getter })`.
                if let (Some(label), Some(getter)) = (args.get(1).and_then(Value::as_text).cloned(), args.get(2)) {
                    let key = self.sym_of(&label);
                    if let Some(&getter) = getter.objects.first() {
                        for &object in &target.objects {
                            self.heap.objects[object as usize].getters.push((key, getter));
                        }
                    }
                } else if let Some(table) = args.get(1) {
                    for &object in &table.objects {
                        for key in self.heap.keys(object) {
                            let getter = self.heap.get(object, key).and_then(|value| value.objects.first().copied());
                            if let Some(getter) = getter {
                                for &target in &target.objects {
                                    self.heap.objects[target as usize].getters.push((key, getter));
                                }
                            }
                        }
                    }
                }
                Value::undefined()
            }
            "e" => {
                let promise = self.make_at(site.place, 81, Kind::Promise);
                self.fulfil(promise, Value::undefined(), &[]);
                Value::object(promise)
            }
            // `O(result, chunks, run)`: runs when the chunks are there.
            "O" => match args.get(2) {
                Some(run) => self.call(&run.clone(), &Value::undefined(), Vec::new(), site),
                None => Value::any(),
            },
            "bind" => Value::object(self.shared(Kind::WebpackRequire(0))),
            _ => Value::any(),
        }
    }

    pub fn call_named(&mut self, what: &str, _this: &Value, args: &[Value], site: &Site) -> Value {
        if let Some(member) = what.strip_prefix("webpack.") {
            return self.webpack_member(member, args, site);
        }
        Value::any()
    }

    /// What a share handler returns, as a call of the share role.
    pub fn record_share(&mut self, method: &str, answer: &Value, site: &Site) {
        let argument = self.snapshot(answer, Some(site.place), 3);
        let facts = self.fact_set();
        let call = HostCall {
            api: method.into(),
            namespace: name("page"),
            place: site.place,
            entry: self.entries[self.entry].clone(),
            facts,
            path: self.path(),
            args: vec![argument],
            handles_failure: true,
            rejects: false,
            result_used: false,
            through: None,
        };
        self.record.calls.push(call);
    }

    /// A dynamic address of a web view or link, as a call on the element.
    pub fn record_view(&mut self, element: &str, attribute: &str, address: &Value, place: Place, view: bool) {
        let argument: ArgValue = self.snapshot(address, Some(place), 1);
        let facts = self.fact_set();
        let call = HostCall {
            api: format!("<{element}>").into(),
            namespace: name(if view { "web-view" } else { attribute }),
            place,
            entry: self.entries[self.entry].clone(),
            facts,
            path: Vec::new(),
            args: vec![argument],
            handles_failure: true,
            rejects: false,
            result_used: false,
            through: None,
        };
        self.record.calls.push(call);
    }

    /// A `navigator` element's target.
    pub fn navigator(&mut self, role: &str, address: &Value, place: Place, from: &str) {
        let role = match role {
            "switchTab" => "navigate-tab",
            "redirect" | "redirectTo" => "navigate-redirect",
            "reLaunch" => "navigate-replace",
            "navigate" | "" => "navigate",
            other => other,
        };
        if !matches!(role, "navigate" | "navigate-tab" | "navigate-redirect" | "navigate-replace") {
            return;
        }
        let site = Site::at(place);
        if address.strings.is_empty() {
            let target = super::solution::Text { pieces: vec![name(""), name("")], place: None };
            self.record.navigations.push(Navigation { place, role: role.into(), target, from: from.into() });
            return;
        }
        self.navigate(role, address, &Value::undefined(), &site);
    }
}

/// The name of a defined module without what requests add to it.
fn amd_name(text: &str) -> String {
    let text = text.trim_start_matches("./").trim_start_matches('/');
    text.strip_suffix(".js").unwrap_or(text).to_owned()
}
