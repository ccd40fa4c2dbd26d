//! Vue 2, as uni-app bundles it: its code and that of the runtime beside it are not run. What they do to the options of apps,
//! pages and components, and what all instances share, is said here.

use crate::flow::frameworks::vuex::{VUEX, VUEX_MEMBERS};
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::Place;
use crate::flow::value::{ObjId, Value, one};

/// The runtime of uni-app for Vue 2, as a module.
const RUNTIME: &str = "@dcloudio/uni-mp";
/// Its functions that make units.
const MAKERS: [&str; 5] = ["createApp", "createPage", "createComponent", "createSubpackageApp", "createPlugin"];
/// Vue, as a module.
pub(super) const VUE: &str = "vue";
/// Options of the app that every instance has, with a dollar before the name.
const SHARED: [&str; 4] = ["store", "router", "i18n", "api"];

impl<'a> Machine<'a> {
    /// The exports of a module that a bundle holds and whose code is known.
    pub(in crate::flow) fn bundled_exports(&mut self, module: &str, place: Place) -> Value {
        if module == VUEX {
            let exports = self.heap.alloc(Kind::Plain, place);
            let (mark, default) = (self.known("__esModule"), self.known("default"));
            self.heap.set(exports, mark, Some(Value::bool(true)));
            self.heap.set(exports, default, Some(Value::object(exports)));
            for member in VUEX_MEMBERS {
                let (key, made) = (self.known(member), self.external(VUEX, member));
                self.heap.set(exports, key, Some(Value::object(made)));
            }
            return Value::object(exports);
        }
        if module != RUNTIME && module != VUE {
            return self.foreign_module(module);
        }
        let exports = self.heap.alloc(Kind::Plain, place);
        let (mark, default) = (self.known("__esModule"), self.known("default"));
        self.heap.set(exports, mark, Some(Value::bool(true)));
        let main = if module == VUE {
            let (class, key) = (self.external(VUE, ""), self.known("prototype"));
            self.heap.set(class, key, Some(Value::object(self.shared_by_all)));
            Value::object(class)
        } else {
            self.answers_in_pairs = true;
            for maker in MAKERS {
                let (key, made) = (self.known(maker), self.external(RUNTIME, maker));
                self.heap.set(exports, key, Some(Value::object(made)));
            }
            let namespace = self.namespace();
            self.host_object(&namespace, "")
        };
        self.heap.set(exports, default, Some(main));
        Value::object(exports)
    }

    /// A call of Vue or of the runtime; `None` where the module is another, or the member does nothing here.
    pub(super) fn vue_call(&mut self, module: &str, chain: &[&str], args: &[Value], site: &Site) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        if module == RUNTIME {
            if chain.last() == Some(&"createApp") {
                self.share_options(&first, site);
            }
            self.register_framework(&first, site);
            return Some(first);
        }
        if module != VUE {
            return None;
        }
        let inner = Site { place: site.place, args: Vec::new(), name: name("use"), used: true };
        match chain.last() {
            // `new Vue(options)`
            None => Some(self.vue_instance(&first, site)),
            Some(&"use") => {
                let key = self.known("install");
                let mut install = self.field(&first, &Keys::one(key), site.place);
                if install.objects.is_empty() {
                    install = first;
                }
                let mut given = vec![Value::object(self.external(VUE, ""))];
                given.extend(args.iter().skip(1).cloned());
                self.call(&install, &Value::undefined(), given, &inner);
                Some(Value::any())
            }
            Some(&"mixin") => {
                let (prototype, methods) = (self.shared_by_all, self.known("methods"));
                let methods = self.field(&first, &Keys::one(methods), site.place);
                self.copy_fields(prototype, &methods, &[]);
                Some(Value::any())
            }
            Some(&"set") => Some(self.set_key(args)),
            Some(&"emit") => {
                for &object in &first.objects {
                    if let Kind::Unit(unit) = *self.heap.kind(object) {
                        self.unit_method(object, unit, "$emit", args.get(1..).unwrap_or_default(), site);
                    }
                }
                Some(Value::undefined())
            }
            // A method of a library's component: the model that is bound to it, by a promise and by callbacks.
            Some(&"answer") => {
                for callback in args.iter().skip(1).filter(|arg| !arg.objects.is_empty()) {
                    let given = vec![Value::any(), first.clone()];
                    self.call_back(callback, given, site);
                }
                let answer = first.joined(&Value::any());
                let promise = self.make_at(site.place, 97, Kind::Promise);
                self.fulfil(promise, answer.clone(), &[]);
                Some(Value { objects: one(promise), ..Value::any() })
            }
            Some(&("extend" | "observable")) => Some(first),
            Some(&"nextTick") => {
                Some(self.perhaps(&[], |machine| machine.call(&first, &Value::undefined(), Vec::new(), &inner)))
            }
            Some(_) => Some(Value::any()),
        }
    }

    /// What `setup` is handed beside properties: how to tell the user of a component of events.
    pub(super) fn setup_context(&mut self, instance: ObjId, place: Place) -> Value {
        let context = self.make_at(place, 100, Kind::Plain);
        let target = self.external(VUE, "emit");
        let emit = self.make_at(place, 101, Kind::Bound { target });
        let (first, key) = (self.known("0"), self.known("emit"));
        self.heap.set(emit, first, Some(Value::object(instance)));
        self.heap.set(context, key, Some(Value::object(emit)));
        self.heap.set(context, ITEM, Some(Value::any()));
        Value::object(context)
    }

    /// `Vue.set(target, key, value)`, and `this.$set` with as many arguments.
    pub(in crate::flow) fn set_key(&mut self, args: &[Value]) -> Value {
        let [target, key, value, ..] = args else { return Value::undefined() };
        let keys = self.keys_from(key);
        let certain = keys.0.len() == 1 && target.objects.len() == 1;
        for &object in &target.objects {
            for &key in &keys.0 {
                if certain {
                    self.heap.set(object, key, Some(value.clone()));
                } else {
                    self.heap.add(object, key, value);
                }
            }
            if keys.0.is_empty() {
                self.heap.add(object, ITEM, value);
            }
        }
        value.clone()
    }

    /// `new Vue(options)`: an object with the fields of its data, or, without options, a bus of events.
    fn vue_instance(&mut self, options: &Value, site: &Site) -> Value {
        if options.objects.is_empty() {
            return Value::object(self.bus);
        }
        let (data_key, held) = (self.known("data"), self.known("_data"));
        let given = self.field(options, &Keys::one(data_key), site.place);
        let mut data = Value { objects: given.objects.clone(), ..Value::default() };
        for &function in &given.objects {
            if matches!(self.heap.kind(function), Kind::Closure { .. } | Kind::Bound { .. }) {
                let made = self.call_object(function, options, Vec::new(), site);
                data.objects.retain(|id| *id != function);
                data.join(&made);
            }
        }
        for &object in &options.objects {
            if !data.is_none() {
                self.heap.set(object, held, Some(data.clone()));
                self.copy_fields(object, &data, &[]);
            }
        }
        options.clone()
    }

    fn share_options(&mut self, options: &Value, site: &Site) {
        let prototype = self.shared_by_all;
        for option in SHARED {
            let key = self.known(option);
            let value = self.field(options, &Keys::one(key), site.place);
            if !value.objects.is_empty() {
                let shared = self.sym(&format!("${option}"));
                self.heap.set(prototype, shared, Some(value));
            }
        }
    }
}
