//! Bundles and frameworks: webpack module tables, the calls that make pages of framework components, their events.

use rustc_hash::FxHashMap;

use super::heap::Kind;
use super::machine::{Keys, Machine, Site, name};
use super::solution::{ArgValue, Entry, EntryKind, HostCall, Navigation, Place};
use super::value::{ObjId, Value};
use crate::model::{Binding, UnitId, UnitKind};
use crate::source::{FileId, Span};
use crate::syntax::template::Element;

/// Most handlers of rendered elements that are run.
const MAX_LISTENERS: usize = 400;

/// A handler that a framework gave to an element it rendered.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub handler: Value,
    pub label: crate::model::ir::Name,
    pub place: Place,
    pub unit: Option<UnitId>,
}

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
fn package_in(label: &str) -> Option<&str> {
    let path = match label.rsplit_once("node_modules/") {
        Some((_, path)) => path,
        None if label.starts_with('@') && !label.contains('.') => label,
        None => return None,
    };
    let parts = if path.starts_with('@') { 2 } else { 1 };
    let end = path.match_indices('/').nth(parts - 1).map_or(path.len(), |(at, _)| at);
    Some(&path[..end])
}

impl<'a> Machine<'a> {
    /// Whether the arguments of a `push` are a chunk of a webpack bundle: a list of chunk names, then a table of modules.
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
        matches!(part(0), Some(Kind::Array)) && matches!(part(1), Some(Kind::Plain | Kind::Array))
    }

    /// `queue.push([chunks, modules, run])`: a chunk of a webpack bundle.
    pub fn queue_push(&mut self, args: &[Value], site: &Site) -> Option<Value> {
        let chunk = args.first().cloned()?;
        let (zero, one, two) = (self.known("0"), self.known("1"), self.known("2"));
        if chunk.objects.is_empty() {
            return None;
        }
        let modules = self.field(&chunk, &Keys::one(one), site.place);
        let _ = zero;
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
        if !found {
            return None;
        }
        // Entries: `[[entry, chunk, …]]`, or a function that gets the loader.
        let run = self.field(&chunk, &Keys::one(two), site.place);
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

    /// Members that bundlers put on the host object: queues of chunks, functions that make pages.
    pub fn bundler_call(&mut self, path: &str, args: &[Value], site: &Site) -> Option<Value> {
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
            let Some(&factory) = self.webpack.factories.get(&label) else {
                // A module of a package that was left out: its name stands in the label.
                if let Some(package) = package_in(&label) {
                    let module = self.foreign_module(package);
                    out.join(&module);
                }
                continue;
            };
            let place = self.heap.objects[factory as usize].place;
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

    /// Globals that register code with the host or find it again.
    pub fn framework_global(&mut self, path: &str, args: &[Value], site: &Site) -> Value {
        let first = args.first().cloned().unwrap_or_default();
        match path {
            "App" | "Page" | "Component" => {
                if self.is_framework_component(&first) {
                    self.register_framework(&first, site);
                } else {
                    self.register(&first, site);
                }
                if path == "Component"
                    && let Some(unit) = self.current_unit
                {
                    let instance = self.instance(unit);
                    let mark = self.known("[[component]]");
                    self.heap.set(instance, mark, Some(Value::bool(true)));
                }
                Value::undefined()
            }
            "createPage" | "createComponent" | "createApp" => {
                self.register_framework(&first, site);
                Value::undefined()
            }
            "Behavior" => first,
            "getApp" => {
                let app = (0..self.program.units.len() as UnitId)
                    .find(|&unit| self.program.units[unit as usize].kind == UnitKind::App);
                match app {
                    Some(unit) => {
                        let object = self.instance(unit);
                        Value::object(object)
                    }
                    None => Value::any(),
                }
            }
            "getCurrentPages" => {
                let mut pages = Value::default();
                let mut units: Vec<(UnitId, ObjId)> =
                    self.units.iter().map(|(unit, object)| (*unit, *object)).collect();
                units.sort();
                // The pages below this one are those that open it, where that is known.
                let here = self.entries.get(self.entry).map(|entry| entry.route.clone()).unwrap_or_default();
                self.ask_again(2);
                let below = self.opened_from.get(&here).cloned();
                for (unit, object) in units {
                    let unit = &self.program.units[unit as usize];
                    let may_stand =
                        below.as_ref().is_none_or(|below| unit.route == here || below.contains(&unit.route));
                    if unit.kind == UnitKind::Page && may_stand && pages.objects.len() < 20 {
                        pages.objects.push(object);
                    }
                }
                pages.objects.sort_unstable();
                self.list_of(pages, site)
            }
            _ => Value::any(),
        }
    }

    /// Whether options are those of a framework's component that no runtime has turned into a host's yet.
    fn is_framework_component(&mut self, options: &Value) -> bool {
        ["setup", "render", "data"].into_iter().any(|member| {
            let key = self.known(member);
            options.objects.iter().any(|&object| {
                self.heap.get(object, key).is_some_and(|value| {
                    value.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. }))
                })
            })
        })
    }

    /// A page or app made from the options of a framework component: data and methods stand on the instance itself.
    fn register_framework(&mut self, options: &Value, site: &Site) {
        let Some(unit) = self.current_unit else { return };
        // `createPage(component)`: the component's options may sit behind `default` or `options`.
        let mut options = options.clone();
        for _ in 0..2 {
            for inner in ["default", "options"] {
                let key = self.sym(inner);
                for object in options.objects.clone() {
                    if let Some(value) = self.heap.get(object, key).cloned()
                        && !value.objects.is_empty()
                    {
                        options.join(&value);
                    }
                }
            }
        }
        self.register(&options, site);
        let instance = self.instance(unit);
        let data_key = self.known("data");
        if let Some(data) = self.heap.get(instance, data_key).cloned() {
            let methods = self.heap.keys(instance);
            for &object in &data.objects {
                for key in self.heap.keys(object) {
                    if !methods.contains(&key)
                        && let Some(value) = self.heap.get(object, key).cloned()
                    {
                        self.heap.set(instance, key, Some(value));
                    }
                }
            }
        }
        self.render_component(instance, &options, site);
        // Reads of data go through the instance.
        self.heap.set(instance, data_key, Some(Value::object(instance)));
        let computed = self.known("computed");
        let getters = self.heap.get(instance, computed).cloned().unwrap_or_default();
        for &object in &getters.objects {
            for key in self.heap.keys(object) {
                let getter = self.heap.get(object, key).and_then(|value| value.objects.first().copied());
                if let Some(getter) = getter {
                    self.heap.objects[instance as usize].getters.push((key, getter));
                }
            }
        }
    }

    /// A page or app that is an instance of a class: what the class and its mixins have stands on the host's own instance.
    fn register_class(&mut self, class: &Value, site: &Site) {
        let Some(unit) = self.current_unit else { return };
        let instance = self.instance(unit);
        let this = Value::object(instance);
        let prototype = self.known("prototype");
        let prototypes = self.field(class, &Keys::one(prototype), site.place);
        self.register(&prototypes, site);
        if self.program.units[unit as usize].kind != UnitKind::App {
            let app = self.framework_global("getApp", &[], site);
            for owner in ["$parent", "$root"] {
                let key = self.known(owner);
                self.heap.set(instance, key, Some(app.clone()));
            }
        }
        self.call_super(class, &this, Vec::new(), site);
        let mixins = self.known("mixins");
        let mixins = self.field(&this, &Keys::one(mixins), site.place);
        let mut layers = vec![this.clone()];
        for mixin in self.items_of(&mixins).objects {
            let inner = Site { place: self.heap.objects[mixin as usize].place, ..Site::at(site.place) };
            layers.push(self.construct(mixin, Vec::new(), &inner));
        }
        for layer in &layers {
            for member in ["methods", "data", ""] {
                let key = self.sym(member);
                let part =
                    if member.is_empty() { layer.clone() } else { self.field(layer, &Keys::one(key), site.place) };
                self.lend(instance, "", &part, None);
            }
        }
        let children = self.known("components");
        let children = self.field(&this, &Keys::one(children), site.place);
        for (label, class) in self.known_fields(&children).unwrap_or_default() {
            let prefix = format!("${}$", self.spell(label));
            for &class in &class.objects {
                let inner = Site { place: self.heap.objects[class as usize].place, ..Site::at(site.place) };
                let child = self.construct(class, Vec::new(), &inner);
                let parent = self.known("$parent");
                for &object in &child.objects {
                    self.heap.set(object, parent, Some(this.clone()));
                }
                for (member, bound) in [("methods", true), ("data", false)] {
                    let key = self.sym(member);
                    let part = self.field(&child, &Keys::one(key), site.place);
                    self.lend(instance, &prefix, &part, bound.then_some(&child));
                    for &object in &child.objects {
                        self.lend(object, "", &part, None);
                    }
                }
            }
        }
        let (data, computed) = (self.known("data"), self.known("computed"));
        self.heap.set(instance, data, Some(this.clone()));
        let getters = self.field(&this, &Keys::one(computed), site.place);
        for (label, getter) in self.known_fields(&getters).unwrap_or_default() {
            if let Some(&getter) = getter.objects.first() {
                self.heap.objects[instance as usize].getters.push((label, getter));
            }
        }
    }

    /// Gives an object what others have and it lacks, under a prefix; functions keep the `this` they are bound to.
    fn lend(&mut self, to: ObjId, prefix: &str, from: &Value, this: Option<&Value>) {
        for &first in &from.objects {
            let mut at = Some(first);
            for _ in 0..4 {
                let Some(object) = at.filter(|&id| id != to && matches!(self.heap.kind(id), Kind::Plain)) else {
                    break;
                };
                at = self.heap.objects[object as usize].proto;
                for key in self.heap.keys(object) {
                    let key_to = if prefix.is_empty() {
                        key
                    } else {
                        let label = format!("{prefix}{}", self.spell(key));
                        self.sym(&label)
                    };
                    let Some(mut value) = self.heap.get(object, key).cloned() else { continue };
                    if self.heap.get(to, key_to).is_some() {
                        continue;
                    }
                    if let Some(this) = this
                        && let Some(&target) = value.objects.first()
                    {
                        let place = self.heap.objects[target as usize].place;
                        let bound = self.make_at(place, 84, Kind::Bound { target });
                        let key = self.known("this");
                        self.heap.set(bound, key, Some(this.clone()));
                        value = Value::object(bound);
                    }
                    self.heap.set(to, key_to, Some(value));
                }
            }
        }
    }

    /// What a compiled template hands to a method before the event: `remove(item.id)` is `data-wpyremove-a`.
    pub fn handed_before(
        &mut self,
        unit: UnitId,
        binding: &Binding,
        element: &'a Element,
        handler: &str,
    ) -> Vec<Value> {
        let method = handler.rsplit('$').next().unwrap_or(handler).to_ascii_lowercase();
        let mut out = Vec::new();
        for letter in 'a'..='z' {
            let Some(attribute) = element.attribute(&format!("data-wpy{method}-{letter}")) else { break };
            let Some(value) = &attribute.value else { break };
            out.push(self.evaluate(unit, binding.template, binding.node, value));
        }
        out
    }

    /// Runs `setup` and the render function of a component: what they give is what its template reads.
    fn render_component(&mut self, instance: ObjId, options: &Value, site: &Site) {
        let this = Value::object(instance);
        for method in ["setup", "render"] {
            let key = self.sym(method);
            let target = self.field(options, &Keys::one(key), site.place);
            if !target.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. })) {
                continue;
            }
            let args = match method {
                "setup" => vec![this.clone(), Value::any()],
                // (_ctx, _cache, $props, $setup, $data, $options)
                _ => vec![this.clone(), Value::any(), this.clone(), this.clone(), this.clone(), this.clone()],
            };
            let mut given = self.call(&target, &this, args, site);
            let renders = given.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. }));
            if method == "setup" && renders {
                given = self.call(&given, &this, vec![this.clone(), Value::any()], site);
            }
            self.copy_fields(instance, &given, &[]);
        }
    }

    /// Calls of framework functions by name, where their code is not run.
    pub fn framework_call(&mut self, _module: &str, chain: &[&str], args: &[Value], site: &Site) -> Option<Value> {
        let last = chain.last()?;
        match *last {
            "createPage" | "createComponent" if !args.is_empty() => {
                self.register_framework(&args[0], site);
                Some(Value::undefined())
            }
            "createPageConfig" | "createReactApp" => {
                let component = args.first().cloned().unwrap_or_default();
                let object = self.make_at(site.place, 82, Kind::Plain);
                self.rendered(&component, &Value::object(object), site.place);
                Some(Value::object(object))
            }
            "createElement" | "jsx" | "jsxs" => {
                let tag = args.first().cloned().unwrap_or_default();
                let properties = args.get(1).cloned().unwrap_or_default();
                self.rendered(&tag, &properties, site.place);
                Some(Value::any())
            }
            "useState" | "useRef" => {
                let pair = self.make_at(site.place, 83, Kind::Array);
                let zero = self.known("0");
                let one = self.known("1");
                let current = self.known("current");
                let initial = args.first().cloned().unwrap_or_default();
                if self.heap.get(pair, zero).is_none() {
                    self.heap.set(pair, zero, Some(initial.clone()));
                    self.heap.set(pair, current, Some(initial));
                }
                self.heap.set(pair, one, Some(Value::any()));
                Some(Value::object(pair))
            }
            "useEffect" | "useLayoutEffect" | "useDidShow" | "useLoad" | "useReady" | "useCallback" | "useMemo" => {
                let callback = args.first().cloned().unwrap_or_default();
                if *last == "useCallback" {
                    return Some(callback);
                }
                let inner = Site { place: site.place, args: Vec::new(), name: name(last), used: true };
                Some(self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), Vec::new(), &inner)))
            }
            _ => None,
        }
    }

    /// An element that a framework renders: its handlers may be called by the user, its component runs.
    pub fn rendered(&mut self, tag: &Value, properties: &Value, place: Place) {
        let site = Site { place, args: Vec::new(), name: name("render"), used: true };
        for &object in &tag.objects.clone() {
            match self.heap.kind(object).clone() {
                Kind::Closure { .. } => {
                    self.perhaps(&[], |machine| {
                        machine.call_object(object, &Value::undefined(), vec![properties.clone()], &site)
                    });
                }
                Kind::Class { .. } => {
                    let instance = self.construct(object, vec![properties.clone()], &site);
                    let key = self.known("props");
                    for &id in &instance.objects {
                        self.heap.set(id, key, Some(properties.clone()));
                    }
                    for method in ["componentWillMount", "componentDidMount", "componentDidShow", "onLoad", "render"] {
                        let key = self.sym(method);
                        let target = self.field(&instance, &Keys::one(key), place);
                        if !target.objects.is_empty() {
                            let instance = instance.clone();
                            self.perhaps(&[], |machine| machine.call(&target, &instance, vec![Value::any()], &site));
                        }
                    }
                }
                _ => {}
            }
        }
        for &object in &properties.objects.clone() {
            for key in self.heap.keys(object) {
                let label = self.spell(key);
                let handler =
                    label.strip_prefix("on").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
                if !handler {
                    continue;
                }
                if let Some(target) = self.heap.get(object, key).cloned()
                    && !target.objects.is_empty()
                {
                    let user = matches!(
                        &*label,
                        "onClick"
                            | "onTap"
                            | "onSubmit"
                            | "onChange"
                            | "onInput"
                            | "onConfirm"
                            | "onBlur"
                            | "onLongPress"
                            | "onGetPhoneNumber"
                            | "onGetUserInfo"
                    );
                    if user {
                        // What a user does is an entry of its own.
                        let unit = self.current_unit;
                        let known = self
                            .listeners
                            .iter()
                            .any(|known: &Listener| known.place == place && known.handler.objects == target.objects);
                        if !known && self.listeners.len() < MAX_LISTENERS {
                            self.listeners.push(Listener { handler: target, label, place, unit });
                        }
                        continue;
                    }
                    self.perhaps(&[], |machine| machine.call(&target, &Value::undefined(), vec![Value::any()], &site));
                }
            }
        }
    }

    /// A framework's single event handler: the real ones stand in the element's `data-event-opts`.
    pub fn framework_event(&mut self, unit: UnitId, binding: &Binding, element: &'a Element) {
        let Some(options) = element.attribute("data-event-opts").and_then(|attribute| attribute.value.as_ref()) else {
            return;
        };
        let text = options.span.slice(&self.package.source(binding.template).text).to_owned();
        // [['tap', [['submit', ['$event']]]]]
        let mut names = Vec::new();
        let quote = |c: char| c == '\'' || c == '"';
        let mut parts = text.split(quote).skip(1).step_by(2).map(str::to_owned);
        let mut current: Option<String> = None;
        let mut model = false;
        let instance = self.instance(unit);
        for part in parts.by_ref() {
            let event = part.trim_start_matches(['~', '^', '$']);
            if event.eq_ignore_ascii_case(&binding.event) {
                current = Some(event.to_owned());
                continue;
            }
            if current.is_some() {
                if part == "__set_model" {
                    model = true;
                    break;
                }
                let key = self.sym(&part);
                if self.heap.get(instance, key).is_some() {
                    names.push(part);
                }
            }
        }
        if model {
            // ['__set_model', ['$0', 'phone', '$event', []], ['form']]: `form.phone` takes what is typed.
            let rest: Vec<String> = parts.collect();
            let owner = rest.first().map_or("", |owner| owner.as_str());
            let owner = match owner.strip_prefix('$').and_then(|index| index.parse::<usize>().ok()) {
                Some(index) => rest.get(3 + index).map_or("", |owner| owner.as_str()),
                None => owner,
            };
            if let Some(field) = rest.get(1) {
                let path = if owner.is_empty() { field.clone() } else { format!("{owner}.{field}") };
                let typed = self.input_value(unit, binding.template, binding.node, element);
                let place = Place { file: binding.template, span: element.open };
                self.write_path(&Value::object(instance), &path, typed, place, false);
                self.heap.settle();
            }
        }
        for handler in names {
            self.run_handler(unit, binding, element, &handler);
        }
    }

    /// Runs what rendered elements listen with.
    pub fn run_listeners(&mut self) {
        let mut at = 0;
        // Handlers may render more.
        while at < self.listeners.len() {
            let Some(Listener { handler, label, place, unit }) = self.listeners.get(at).cloned() else { break };
            at += 1;
            let route = unit.map_or_else(|| name(""), |unit| self.program.units[unit as usize].route.clone());
            let entry = Entry { kind: EntryKind::User, route, method: label.clone(), place, element: None };
            let site = Site { place, args: Vec::new(), name: label, used: true };
            self.current_unit = unit;
            self.run_entry(entry, &[], Some(&handler), |machine| {
                machine.call(&handler, &Value::undefined(), vec![Value::any()], &site)
            });
            self.current_unit = None;
        }
    }

    // ---- records of templates and shares ----

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
            result_used: false,
            through: None,
        };
        self.record.calls.push(call);
    }

    /// A `navigator` element's target.
    pub fn navigator(&mut self, role: &str, address: &Value, place: Place, from: &str) {
        let role = match role {
            "switchTab" => "navigate-tab",
            "redirect" | "redirectTo" | "reLaunch" => "navigate-replace",
            "navigate" | "" => "navigate",
            other => other,
        };
        if !matches!(role, "navigate" | "navigate-tab" | "navigate-replace") {
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
