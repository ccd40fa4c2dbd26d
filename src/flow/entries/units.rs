//! Units: applications, pages and components, their lifecycles and what is mixed into them.

use crate::flow::entries::camel;
use crate::flow::entries::templates::PROPERTIES;
use crate::flow::frameworks::{HOOK, LOAD_HOOKS};
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::{Entry, EntryKind, Fact, Origin, Place, SinkKind};
use crate::flow::value::{ANY, ObjId, Value, one, unite};
use crate::model::UnitId;
use crate::model::ir::{ExprKind, Key, Property};
use crate::source::{FileId, Span};
use crate::syntax::template::Part;

/// Most definitions that one is mixed of.
const MAX_MIXED: usize = 32;

impl<'a> Machine<'a> {
    /// `App({…})`, `Page({…})`, `Component({…})`.
    pub fn register(&mut self, config: &Value, site: &Site) {
        let Some(unit) = self.current_unit else { return };
        let instance = self.instance(unit);
        if config.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Plain | Kind::Unit(_))) {
            self.registered(instance);
        }
        self.mix_in(instance, config, site, &mut Vec::new());
        let constructor = self.known("constructor");
        for key in self.heap.keys(instance).into_iter().filter(|key| *key != constructor) {
            let methods = self.heap.get(instance, key).map(|value| value.objects.clone()).unwrap_or_default();
            for method in methods {
                if matches!(self.heap.kind(method), Kind::Closure { .. }) {
                    unite(self.owners.entry(method).or_default(), &[instance]);
                }
            }
        }
    }

    /// What a definition and those that it is mixed of bring, once each.
    fn mix_in(&mut self, instance: ObjId, config: &Value, site: &Site, mixed: &mut Vec<ObjId>) {
        let (data_key, methods_key, properties_key, behaviors_key, lifetimes_key, mixins_key) = (
            self.known("data"),
            self.known("methods"),
            self.known("properties"),
            self.known("behaviors"),
            self.known("lifetimes"),
            self.known("mixins"),
        );
        let (observers_key, pages_key) = (self.known("observers"), self.known("pageLifetimes"));
        let place = site.place;
        for key in [behaviors_key, mixins_key] {
            let list = self.field(config, &Keys::one(key), place);
            for object in self.items_of(&list).objects {
                if !mixed.contains(&object) && mixed.len() < MAX_MIXED {
                    mixed.push(object);
                    self.mix_in(instance, &Value::object(object), site, mixed);
                }
            }
        }
        let data = self.heap.get(instance, data_key).and_then(|value| value.objects.first().copied());
        // An instance of a class brings the methods of its class, those of base classes first.
        let mut layers: Vec<ObjId> = Vec::new();
        for &object in &config.objects {
            let first = layers.len();
            let mut at = Some(object);
            while let Some(id) = at
                && layers.len() < first + 8
                && !layers.contains(&id)
            {
                layers.insert(first, id);
                at = self.heap.objects[id as usize].proto;
            }
        }
        for object in layers {
            for key in self.heap.keys(object) {
                if [data_key, methods_key, properties_key, behaviors_key, mixins_key].contains(&key) || key == ITEM {
                    continue;
                }
                if let Some(value) = self.heap.get(object, key).cloned() {
                    let group = key == observers_key || key == pages_key;
                    if group
                        && let Some(known) = self.heap.get(instance, key).and_then(|v| v.objects.first().copied())
                        && !value.objects.contains(&known)
                    {
                        // Those of behaviors stay.
                        self.copy_fields(known, &value, &[]);
                        continue;
                    }
                    self.heap.set(instance, key, Some(value));
                }
            }
            let getters = self.heap.objects[object as usize].getters.clone();
            self.heap.objects[instance as usize].getters.extend(getters);
        }
        for key in [methods_key, lifetimes_key] {
            let methods = self.field(config, &Keys::one(key), place);
            self.copy_fields(instance, &methods, &[]);
        }
        let mut initial = self.field(config, &Keys::one(data_key), place);
        let functions: Vec<ObjId> = initial
            .objects
            .iter()
            .copied()
            .filter(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
            .collect();
        for function in functions {
            let made = self.call_object(function, &Value::object(instance), Vec::new(), site);
            initial.objects.retain(|id| *id != function);
            initial.join(&made);
        }
        if let Some(data) = data {
            self.copy_fields(data, &initial, &[]);
            let properties = self.field(config, &Keys::one(properties_key), place);
            let (value_key, observer_key) = (self.known("value"), self.known("observer"));
            for &object in &properties.objects {
                for key in self.heap.keys(object) {
                    if key == ITEM {
                        continue;
                    }
                    let declared = self.heap.get(object, key).cloned().unwrap_or_default();
                    let value = self.field(&declared, &Keys::one(value_key), place);
                    self.heap.add(data, key, &value);
                    // A property may name what watches it.
                    let watcher =
                        declared.objects.iter().find_map(|&object| self.heap.get(object, observer_key).cloned());
                    if let Some(watcher) = watcher {
                        let list = match self.heap.get(instance, observers_key).and_then(|v| v.objects.first().copied())
                        {
                            Some(list) => list,
                            None => {
                                let list = self.heap.alloc(Kind::Plain, place);
                                self.heap.set(instance, observers_key, Some(Value::object(list)));
                                list
                            }
                        };
                        self.heap.add(list, key, &watcher);
                    }
                }
            }
        }
    }

    /// The query that a page is opened with.
    pub fn query_object(&mut self, unit: UnitId) -> ObjId {
        let key = self.known("[[query]]");
        let instance = self.instance(unit);
        if let Some(object) = self.heap.get(instance, key).and_then(|value| value.objects.first().copied()) {
            return object;
        }
        let file = self.program.units[unit as usize].script.unwrap_or(FileId(0));
        let object = self.heap.alloc(Kind::Plain, Place { file, span: Span::default() });
        self.heap.set(instance, key, Some(Value::object(object)));
        object
    }

    pub(super) fn run_app(&mut self, unit: UnitId) {
        self.run_class_component(unit);
        let info = &self.host.info;
        for method in &info.app_load {
            self.enter(unit, EntryKind::Load, method, None, &[], |machine| {
                let origin = machine.origin(Origin::Launch("".into()));
                vec![Value::from_origin(origin)]
            });
        }
        for method in ["onHide", "onError", "onPageNotFound", "onLogin", "onUnhandledRejection"] {
            self.enter(unit, EntryKind::Host, method, None, &[], |_| vec![Value::any()]);
        }
        self.run_load_hooks(unit);
    }

    pub(super) fn run_page(&mut self, unit: UnitId) {
        self.run_class_component(unit);
        let info = &self.host.info;
        for method in &info.page_load {
            self.load_method(unit, method);
        }
        for (method, user) in &info.page_events {
            if info.share_methods.contains(method) {
                continue;
            }
            let kind = if *user { EntryKind::User } else { EntryKind::Host };
            self.enter(unit, kind, method, None, &[], |_| vec![Value::any()]);
        }
        for method in &info.share_methods {
            self.share(unit, method);
        }
        self.run_load_hooks(unit);
        self.run_vue(unit);
        self.watch_again(unit);
        self.render_again(unit);
        // A page may be made as a component.
        let (instance, mark) = (self.instance(unit), self.known("[[component]]"));
        if self.heap.has(instance, mark) {
            for method in info.component_load.iter().filter(|method| !info.page_load.contains(method)) {
                self.enter(unit, EntryKind::Load, method, None, &[], |_| Vec::new());
            }
            self.nested_methods(unit, "pageLifetimes");
            self.nested_methods(unit, "observers");
            self.derive(unit);
        }
        self.handlers(unit);
    }

    fn load_method(&mut self, unit: UnitId, method: &str) {
        self.enter(unit, EntryKind::Load, method, None, &[], |machine| {
            let query = machine.query_object(unit);
            let origin = machine.origin(Origin::Query("".into()));
            let mut value = Value::object(query);
            value.bits |= ANY;
            value.origins = one(origin);
            vec![value]
        });
    }

    fn share(&mut self, unit: UnitId, method: &str) {
        let answer = self.enter(unit, EntryKind::User, method, None, &[], |machine| {
            let origin = machine.origin(Origin::Launch("from".into()));
            vec![Value::from_origin(origin)]
        });
        if answer.is_none() {
            return;
        }
        let instance = self.instance(unit);
        let Some((_, place)) = self.method(instance, method) else { return };
        let entry = Entry {
            kind: EntryKind::User,
            route: self.program.units[unit as usize].route.clone(),
            method: method.into(),
            place,
            element: None,
        };
        let mut answer = self.wait(&answer);
        // What is shared may be told later.
        let key = self.known("promise");
        let later = self.field(&answer, &Keys::one(key), place);
        if !later.objects.is_empty() {
            answer.join(&self.wait(&later));
        }
        self.run_entry(entry, &[], Some(&answer), |machine| {
            for field in ["title", "path", "imageUrl", "content", "query", "desc"] {
                let key = machine.sym(field);
                for &object in &answer.objects {
                    let Some(value) = machine.heap.get(object, key).cloned() else { continue };
                    if machine.deep_taints(&value, 6).is_empty() && !machine.holds_answer(&value) {
                        continue;
                    }
                    let made = machine.heap.objects[object as usize].place;
                    let written = machine.property_place(made, field);
                    let at = written.or_else(|| value.strings.first()?.place).unwrap_or(made);
                    let in_url = matches!(field, "path" | "imageUrl" | "query");
                    machine.sink(SinkKind::Share, method, at, field, &value, &value.clone(), None, in_url);
                }
            }
            let site = Site::at(place);
            machine.record_share(method, &answer, &site);
            for callback in ["success", "complete"] {
                let key = machine.sym(callback);
                let handler = machine.field(&answer, &Keys::one(key), place);
                if let Some(&first) = handler.objects.first() {
                    let at = machine.heap.objects[first as usize].place;
                    machine.record.share_results.insert(at);
                    let fact = machine.fact(Fact::Succeeded(at));
                    let origin = machine.origin(Origin::Share(at));
                    let argument = Value::from_origin(origin);
                    machine.perhaps(&[fact], |machine| {
                        machine.call(&handler, &Value::object(instance), vec![argument], &site)
                    });
                }
            }
            Value::default()
        });
    }

    /// Where the value of a field stands in the object literal that starts at a place.
    fn property_place(&self, object: Place, field: &str) -> Option<Place> {
        let mut found = None;
        self.program.script(object.file)?.for_each_expr(&mut |expr| {
            let ExprKind::Object(properties) = &expr.kind else { return };
            if expr.span.start != object.span.start {
                return;
            }
            for property in properties {
                if let Property::Value(Key::Static(name, _), value) = property
                    && &**name == field
                {
                    found = Some(Place { file: object.file, span: value.span });
                }
            }
        });
        found
    }

    pub(super) fn run_component(&mut self, unit: UnitId) {
        self.pass_properties(unit);
        self.run_class_component(unit);
        let info = &self.host.info;
        for method in &info.component_load {
            self.enter(unit, EntryKind::Load, method, None, &[], |_| Vec::new());
        }
        // A component may serve as a page.
        for method in &info.page_load {
            if !info.component_load.contains(method) {
                self.load_method(unit, method);
            }
        }
        for method in &info.component_events {
            self.enter(unit, EntryKind::Host, method, None, &[], |_| Vec::new());
        }
        for method in &info.share_methods {
            self.share(unit, method);
        }
        self.nested_methods(unit, "pageLifetimes");
        self.nested_methods(unit, "observers");
        self.derive(unit);
        self.run_load_hooks(unit);
        self.run_vue(unit);
        self.watch_again(unit);
        self.render_again(unit);
        self.handlers(unit);
    }

    /// Functions that code left with its framework to be called when the page or component loads.
    fn run_load_hooks(&mut self, unit: UnitId) {
        let instance = self.instance(unit);
        for hook in LOAD_HOOKS {
            let key = self.sym(&format!("{HOOK}{hook}"));
            let functions = self.heap.get(instance, key).map(|value| value.objects.clone()).unwrap_or_default();
            for function in functions {
                let target = Value::object(function);
                let place = match *self.heap.kind(function) {
                    Kind::Bound { target } => self.heap.objects[target as usize].place,
                    _ => self.heap.objects[function as usize].place,
                };
                self.enter_function(unit, EntryKind::Load, (hook, &target, place), None, &[], |machine| {
                    let query = machine.query_object(unit);
                    vec![Value { bits: ANY, objects: one(query), ..Value::default() }]
                });
            }
        }
    }

    /// What Vue calls of a page or component by itself, beside what the host calls: its hooks, and what watches its data.
    fn run_vue(&mut self, unit: UnitId) {
        let instance = self.instance(unit);
        if self.heap.objects[instance as usize].proto != Some(self.shared_by_all) {
            return;
        }
        let info = &self.host.info;
        for hook in ["beforeCreate", "created", "beforeMount", "mounted"] {
            let known =
                [&info.page_load, &info.component_load].iter().any(|list| list.iter().any(|one| &**one == hook));
            if !known {
                self.enter(unit, EntryKind::Load, hook, None, &[], |_| Vec::new());
            }
        }
        self.nested_methods(unit, "watch");
    }

    /// Fields that a behavior computes of the others, and what watches fields: `computed` and `watch` as libraries have them.
    fn derive(&mut self, unit: UnitId) {
        let instance = self.instance(unit);
        let (data_key, computed) = (self.known("data"), self.known("computed"));
        let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
        // Frameworks whose data is the instance read them by getters.
        if data.objects.contains(&instance) {
            return;
        }
        for object in self.heap.get(instance, computed).map(|group| group.objects.clone()).unwrap_or_default() {
            for key in self.heap.keys(object) {
                let Some(target) = self.heap.get(object, key).cloned().filter(|value| !value.objects.is_empty()) else {
                    continue;
                };
                let place = self.heap.objects[target.objects[0] as usize].place;
                let label = self.spell(key);
                let entry = Entry {
                    kind: EntryKind::Event,
                    route: self.program.units[unit as usize].route.clone(),
                    method: label.clone(),
                    place,
                    element: None,
                };
                let data = data.clone();
                self.run_entry(entry, &[], Some(&target), |machine| {
                    let site = Site { place, args: Vec::new(), name: label.clone(), used: true };
                    let value = machine.call(&target, &Value::object(instance), vec![data.clone()], &site);
                    for &fields in &data.objects {
                        machine.heap.add(fields, key, &value);
                    }
                    value
                });
            }
        }
        self.nested_methods(unit, "watch");
        for settings in self.policy.privacy.store_settings() {
            let key = self.sym(settings);
            let Some(given) = self.heap.get(instance, key).cloned() else { continue };
            for &object in &given.objects {
                let place = self.heap.objects[object as usize].place;
                let lists = matches!(self.heap.kind(object), Kind::Array);
                let each = if lists { self.items_of(&Value::object(object)).objects } else { one(object) };
                for settings in each {
                    self.bind_store(&Value::object(instance), &Value::object(settings), &Site::at(place));
                }
            }
        }
    }

    /// Functions in a group of a component's definition (`pageLifetimes`, `observers`).
    fn nested_methods(&mut self, unit: UnitId, group: &str) {
        let instance = self.instance(unit);
        let key = self.sym(group);
        let Some(methods) = self.heap.get(instance, key).cloned() else { return };
        for &object in &methods.objects {
            for key in self.heap.keys(object) {
                let Some(mut target) = self.heap.get(object, key).cloned() else { continue };
                // `{handler, deep: true}`
                let handler = self.known("handler");
                if let Some(inner) = target.objects.first().and_then(|&id| self.heap.get(id, handler).cloned()) {
                    target = inner;
                }
                if let Some((method, _)) = target.as_text().cloned().and_then(|name| self.method(instance, &name)) {
                    target = method;
                }
                let Some(&first) = target.objects.first() else { continue };
                let place = self.heap.objects[first as usize].place;
                let label = self.spell(key);
                let entry = Entry {
                    kind: if group == "pageLifetimes" { EntryKind::Load } else { EntryKind::Event },
                    route: self.program.units[unit as usize].route.clone(),
                    method: label.clone(),
                    place,
                    element: None,
                };
                let watched = matches!(group, "observers" | "watch");
                let gate: Vec<u32> = self.gate_fact.into_iter().collect();
                self.run_entry(entry, &gate, Some(&target), |machine| {
                    let mut arguments = Vec::new();
                    if watched {
                        let data_key = machine.known("data");
                        let data = machine.field(&Value::object(instance), &Keys::one(data_key), place);
                        for part in label.split(',') {
                            let value = machine.data_path(&data, part.trim().trim_end_matches(".**"), place);
                            arguments.push(value);
                        }
                    }
                    let site = Site { place, args: Vec::new(), name: label.clone(), used: true };
                    machine.call(&target, &Value::object(instance), arguments, &site)
                });
            }
        }
    }

    /// Gives a component what its users bind to its properties.
    fn pass_properties(&mut self, unit: UnitId) {
        let users = self.uses.get(&unit).cloned().unwrap_or_default();
        let data_key = self.known("data");
        let instance = self.instance(unit);
        let Some(data) = self.heap.get(instance, data_key).and_then(|value| value.objects.first().copied()) else {
            return;
        };
        for (user, template, node) in users {
            let Some(element) = self.element(template, node) else { continue };
            for attribute in &element.attributes {
                let Some(value) = &attribute.value else { continue };
                if &*attribute.name == PROPERTIES {
                    let place = Place { file: template, span: value.span };
                    let given = self.evaluate(user, template, node, value);
                    for &object in &given.objects {
                        for key in self.heap.keys(object) {
                            let Some(bound) = self.heap.get(object, key).cloned() else { continue };
                            let label = self.spell(key);
                            let bound = self.stepped(bound, place, "property", &label);
                            self.heap.add(data, key, &bound);
                        }
                    }
                    continue;
                }
                if value.parts.iter().all(|part| matches!(part, Part::Text { .. })) && !value.quoted {
                    continue;
                }
                let bound = self.evaluate(user, template, node, value);
                if bound.is_none() {
                    continue;
                }
                let property = camel(attribute.name.trim_start_matches("model:"));
                let place = Place { file: template, span: value.span };
                let bound = self.stepped(bound, place, "property", &name(&property));
                let key = self.sym(&property);
                self.heap.add(data, key, &bound);
            }
        }
        self.heap.settle();
    }
}
