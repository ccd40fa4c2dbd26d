//! The runtime that uni-app compiles Vue 3 programs with. It ships as one large file, known by what it exports, and its code is
//! not run: what its functions do to the values of the program is said here.

use super::frameworks::vuex::{PINIA, PINIA_MEMBERS, VUEX, VUEX_MEMBERS};
use super::heap::{ITEM, Kind};
use super::machine::{Keys, Machine, Site, name};
use super::solution::{Entry, EntryKind, Place};
use super::value::{NULL, NUMBER, ObjId, UNDEFINED, Value, one};
use crate::model::UnitId;
use crate::source::{FileId, Span};

/// Name of the runtime as a module.
pub(super) const MODULE: &str = "@dcloudio/uni-mp-vue";
/// The export that is the host's object.
const HOST: &str = "index";
/// Exports that the compiler names, and the functions that programs call by their own names.
const FUNCTIONS: [&str; 44] = [
    "_export_sfc",
    "createSSRApp",
    "createApp",
    "defineComponent",
    "o",
    "f",
    "t",
    "p",
    "e",
    "m",
    "n",
    "s",
    "sr",
    "r",
    "w",
    "d",
    "ref",
    "shallowRef",
    "customRef",
    "toRef",
    "reactive",
    "shallowReactive",
    "readonly",
    "toRaw",
    "toRefs",
    "unref",
    "computed",
    "watch",
    "watchEffect",
    "nextTick",
    "onMounted",
    "onBeforeMount",
    "onUnmounted",
    "onLoad",
    "onShow",
    "onReady",
    "onLaunch",
    "onHide",
    "onUnload",
    "onPullDownRefresh",
    "onReachBottom",
    "onShareAppMessage",
    "getCurrentInstance",
    "inject",
];

impl<'a> Machine<'a> {
    /// The exports of a file that holds the runtime.
    pub(super) fn runtime_exports(&mut self, file: FileId) -> Option<Value> {
        let text = self.package.source(file).text.clone();
        self.policy.privacy.bundled_module(&text).filter(|module| ***module == *MODULE)?;
        let exports = self.heap.alloc(Kind::Plain, Place { file, span: Span::default() });
        for exported in exported(&text) {
            let value = if exported == HOST {
                let namespace = self.namespace();
                self.host_object(&namespace, "")
            } else if FUNCTIONS.contains(&exported) {
                Value::object(self.external(MODULE, exported))
            } else if VUEX_MEMBERS.contains(&exported) {
                Value::object(self.external(VUEX, exported))
            } else if PINIA_MEMBERS.contains(&exported) {
                Value::object(self.external(PINIA, exported))
            } else {
                // A library that was bundled with it.
                self.foreign_module(exported)
            };
            let key = self.sym(exported);
            self.heap.set(exports, key, Some(value));
        }
        Some(Value::object(exports))
    }

    /// What a function of the runtime gives.
    pub(super) fn runtime_call(&mut self, function: &str, args: &[Value], site: &Site) -> Value {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        let inner = Site { place: site.place, args: Vec::new(), name: name(function), used: true };
        match function {
            "_export_sfc" => {
                // Pairs of a name and what stands under it.
                let pairs = self.items_of(&args.get(1).cloned().unwrap_or_default());
                let (zero, second) = (self.known("0"), self.known("1"));
                for &pair in &pairs.objects {
                    let label = self.heap.get(pair, zero).and_then(|value| value.as_text().cloned());
                    if let (Some(label), Some(value)) = (label, self.heap.get(pair, second).cloned()) {
                        let key = self.sym(&label);
                        for &object in &first.objects {
                            self.heap.set(object, key, Some(value.clone()));
                        }
                    }
                }
                first
            }
            "createSSRApp" | "createApp" => {
                self.register_framework(&first, site);
                self.application(site)
            }
            "use" => {
                let plugin = args.get(1).cloned().unwrap_or_default();
                let install = self.known("install");
                let mut target = self.field(&plugin, &Keys::one(install), site.place);
                if target.objects.is_empty() {
                    target = plugin;
                }
                let mut given = vec![first.clone()];
                given.extend(args.iter().skip(2).cloned());
                self.perhaps(&[], |machine| machine.call(&target, &Value::undefined(), given, &inner));
                first
            }
            // The list that a loop of the template shows.
            "f" => {
                let item = self.items_of(&first);
                if item.is_none() && !first.is_any() {
                    let empty = Value::default();
                    return self.list_of(empty, site);
                }
                let callback = args.get(1).cloned().unwrap_or_default();
                let index = Value { bits: NUMBER, ..Value::default() };
                let shown = self.perhaps(&[], |machine| {
                    machine.call(&callback, &Value::undefined(), vec![item, index.clone(), index], &inner)
                });
                self.list_of(shown, site)
            }
            "e" => {
                let rest: Vec<Value> = args.iter().skip(1).cloned().collect();
                for &object in &first.objects {
                    for value in &rest {
                        self.copy_fields(object, value, &[]);
                    }
                }
                first
            }
            "ref" | "shallowRef" | "toRef" => {
                let object = self.make_at(site.place, 85, Kind::Plain);
                let key = if function == "toRef" && args.len() > 1 { args[1].as_text().cloned() } else { None };
                let value = match key {
                    Some(key) => {
                        let key = self.sym(&key);
                        self.field(&first, &Keys::one(key), site.place)
                    }
                    None => first,
                };
                let held = self.known("value");
                self.heap.add(object, held, &value);
                let mark = self.known(REF);
                self.heap.set(object, mark, Some(Value::bool(true)));
                Value::object(object)
            }
            "computed" => {
                let object = self.make_at(site.place, 85, Kind::Plain);
                let (held, get, mark) = (self.known("value"), self.known("get"), self.known(REF));
                self.heap.set(object, mark, Some(Value::bool(true)));
                let written = self.field(&first, &Keys::one(get), site.place);
                let getter = first.objects.iter().chain(&written.objects).copied().find(|&id| self.is_function(id));
                if let Some(getter) = getter
                    && !self.heap.objects[object as usize].getters.contains(&(held, getter))
                {
                    self.heap.objects[object as usize].getters.push((held, getter));
                }
                Value::object(object)
            }
            "unref" => self.unwrapped(&first, site),
            "toRefs" => {
                let object = self.make_at(site.place, 86, Kind::Plain);
                for (key, value) in self.known_fields(&first).unwrap_or_default() {
                    let outer = self.context;
                    self.context ^= u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let cell = self.runtime_call("ref", &[value], site);
                    self.context = outer;
                    self.heap.set(object, key, Some(cell));
                }
                Value::object(object)
            }
            "watch" => {
                self.keep_watch(&first, args.get(1), site);
                let seen = match first.objects.iter().copied().find(|&id| self.is_function(id)) {
                    Some(getter) => self.call_object(getter, &Value::undefined(), Vec::new(), &inner),
                    None => self.unwrapped(&first, site),
                };
                let callback = args.get(1).cloned().unwrap_or_default();
                let before = Value { bits: UNDEFINED | NULL, ..Value::any() };
                self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), vec![seen, before], &inner))
            }
            "watchEffect" | "nextTick" | "onMounted" | "onBeforeMount" | "onUnmounted" | "onLoad" | "onShow"
            | "onReady" | "onLaunch" | "onHide" | "onUnload" | "onPullDownRefresh" | "onReachBottom"
            | "onShareAppMessage" => {
                if self.left_for_load(function, &first) {
                    return Value::undefined();
                }
                let argument = match (function, self.current_unit) {
                    ("onLoad", Some(unit)) => {
                        let query = self.query_object(unit);
                        Value { bits: super::value::ANY, objects: one(query), ..Value::default() }
                    }
                    _ => Value::any(),
                };
                self.perhaps(&[], |machine| machine.call(&first, &Value::undefined(), vec![argument], &inner))
            }
            "getCurrentInstance" => {
                let Some(unit) = self.current_unit else { return Value::any() };
                let object = self.make_at(site.place, 87, Kind::Plain);
                let (proxy, instance) = (self.known("proxy"), self.instance(unit));
                self.heap.set(object, proxy, Some(Value::object(instance)));
                Value::object(object)
            }
            "inject" | "n" | "s" | "sr" | "r" | "d" => Value::any(),
            // Handlers, texts, properties, components and what is made reactive are passed on as they are.
            _ => first,
        }
    }

    /// What `createSSRApp` gives: what all instances share, and plugins.
    fn application(&mut self, site: &Site) -> Value {
        let app = self.make_at(site.place, 100, Kind::Plain);
        let config = self.make_at(site.place, 101, Kind::Plain);
        let target = self.external(MODULE, "use");
        let used = self.make_at(site.place, 102, Kind::Bound { target });
        let (first, shared) = (self.known("0"), Value::object(self.shared_by_all));
        self.heap.set(used, first, Some(Value::object(app)));
        for (object, member, value) in [
            (app, "config", Value::object(config)),
            (app, "use", Value::object(used)),
            (config, "globalProperties", shared),
        ] {
            let key = self.known(member);
            self.heap.set(object, key, Some(value));
        }
        for object in [app, config] {
            self.heap.set(object, ITEM, Some(Value::any()));
        }
        Value::object(app)
    }

    /// Remembers what watches what, to be told again of what it has become.
    fn keep_watch(&mut self, source: &Value, callback: Option<&Value>, site: &Site) {
        let (Some(unit), Some(callback)) = (self.current_unit, callback) else { return };
        let instance = self.instance(unit);
        let pair = self.make_at(site.place, 88, Kind::Plain);
        let (watched, from, call) = (self.known(WATCHED), self.known("source"), self.known("callback"));
        self.heap.set(pair, from, Some(source.clone()));
        self.heap.set(pair, call, Some(callback.clone()));
        self.heap.add(instance, watched, &Value::object(pair));
    }

    /// Runs what watches the data of a component again.
    pub(super) fn watch_again(&mut self, unit: UnitId) {
        let instance = self.instance(unit);
        let (watched, from, call) = (self.known(WATCHED), self.known("source"), self.known("callback"));
        let pairs = self.heap.get(instance, watched).map(|value| value.objects.clone()).unwrap_or_default();
        for pair in pairs {
            let (Some(source), Some(callback)) =
                (self.heap.get(pair, from).cloned(), self.heap.get(pair, call).cloned())
            else {
                continue;
            };
            let place = self.heap.objects[pair as usize].place;
            let entry = Entry {
                kind: EntryKind::Event,
                route: self.program.units[unit as usize].route.clone(),
                method: name("watch"),
                place,
                element: None,
            };
            self.run_entry(entry, &[], Some(&callback.clone()), |machine| {
                machine.runtime_call("watch", &[source, callback], &Site::at(place))
            });
        }
    }

    pub(super) fn is_function(&self, id: ObjId) -> bool {
        matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. })
    }

    /// What cells hold; what is none stays.
    fn unwrapped(&mut self, value: &Value, site: &Site) -> Value {
        let (mark, held) = (self.known(REF), self.known("value"));
        let mut out = value.clone();
        out.objects.clear();
        for &object in &value.objects {
            if self.heap.has(object, mark) {
                let inner = self.field(&Value::object(object), &Keys::one(held), site.place);
                out.join(&inner);
            } else {
                out.join(&Value::object(object));
            }
        }
        out
    }
}

/// What watches what, on an instance.
const WATCHED: &str = "[[watched]]";
/// Marks cells that hold a value.
const REF: &str = "[[ref]]";

/// Names that a script sets on `exports`, in order.
fn exported(text: &str) -> Vec<&str> {
    const SETS: &str = "exports.";
    let mut out: Vec<&str> = Vec::new();
    for (at, _) in text.match_indices(SETS) {
        let rest = &text[at + SETS.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let after = rest[end..].trim_start();
        if end > 0 && after.starts_with('=') && !after.starts_with("==") && !out.contains(&&rest[..end]) {
            out.push(&rest[..end]);
        }
    }
    out
}
