//! Entry points: what the host and the user call, with what, and what is known then.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::heap::{ITEM, Kind};
use super::machine::{Act, Keys, Machine, Site, Taint, name};
use super::solution::{Entry, EntryKind, Fact, Origin, Place, SinkKind, Update};
use super::value::{ANY, Ids, ObjId, Value, one, unite};
use crate::model::ir::{ExprKind, Key, Name};
use crate::model::{Binding, UnitId, UnitKind};
use crate::package::{Origin as FileOrigin, SkipReason};
use crate::policy::privacy::InputClues;
use crate::source::{FileId, Span};
use crate::syntax::json::Json;
use crate::syntax::template::{AttributeValue, Element, NodeId, NodeKind, Part};

/// Rounds over the entry points. Before round 2, storage that nothing has written yet is empty.
const ROUNDS: [usize; 6] = [0, 2, 3, 4, 5, 6];
/// Most elements that one handler is run for.
const MAX_ELEMENTS: usize = 12;

impl<'a> Machine<'a> {
    /// Runs top-level code once, then every entry point again until nothing that it read has changed.
    pub fn run(&mut self) {
        self.load_all();
        self.heap.settle();
        for round in ROUNDS {
            self.round = round;
            self.runs.restart();
            self.navigation_facts = self.runs.navigation_facts();
            self.run_units();
            self.templates();
            self.refresh_exports();
            self.heap.settle();
            if self.runs.ran == 0 || self.stopped {
                break;
            }
        }
    }

    fn load_all(&mut self) {
        self.gate();
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if !this.live {
                continue;
            }
            let Some(script) = this.script else { continue };
            let entry = Entry {
                kind: EntryKind::TopLevel,
                route: this.route.clone(),
                method: name(""),
                place: Place { file: script, span: Span::default() },
                element: None,
            };
            self.current_unit = Some(unit);
            self.run_entry(entry, &[], None, |machine| {
                machine.load(script, "");
                machine.run_bundle_entry(script);
                Value::default()
            });
            self.current_unit = None;
        }
        self.load_bundles();
    }

    /// Code of bundles beside their modules runs, too; where templates were compiled into it, it is left and told as unseen.
    fn load_bundles(&mut self) {
        for path in &self.package.bundles {
            let unseen = self.package.skipped.iter().any(|item| {
                item.reason == SkipReason::Compiled
                    && self
                        .package
                        .file(path)
                        .is_some_and(|file| *self.package.source(file).shown(Span::default()).0.path == *item.path)
            });
            let Some(script) = self.package.file(path).filter(|_| !unseen) else { continue };
            let entry = Entry {
                kind: EntryKind::TopLevel,
                route: "app".into(),
                method: name(""),
                place: Place { file: script, span: Span::default() },
                element: None,
            };
            self.run_entry(entry, &[], None, |machine| {
                machine.load(script, "");
                Value::default()
            });
        }
    }

    /// The host's privacy gate, where the package switches it on.
    fn gate(&mut self) {
        if !self.host.info.privacy_gate {
            return;
        }
        let on = self.package.app_json().and_then(|json| json.get("__usePrivacyCheck__")).and_then(Json::as_bool);
        if on == Some(true) {
            let fact = self.fact(Fact::PrivacyAgreed);
            self.gate_fact = Some(fact);
        }
    }

    // ---- units ----

    /// The instance of a unit.
    pub fn instance(&mut self, unit: UnitId) -> ObjId {
        if let Some(&object) = self.units.get(&unit) {
            return object;
        }
        let file = self.program.units[unit as usize].script.unwrap_or(FileId(0));
        let place = Place { file, span: Span::default() };
        let object = self.heap.alloc(Kind::Unit(unit), place);
        let data = self.heap.alloc(Kind::Plain, place);
        let key = self.sym("data");
        self.heap.set(object, key, Some(Value::object(data)));
        self.units.insert(unit, object);
        object
    }

    /// `App({…})`, `Page({…})`, `Component({…})`.
    pub fn register(&mut self, config: &Value, site: &Site) {
        let Some(unit) = self.current_unit else { return };
        let instance = self.instance(unit);
        self.mix_in(instance, config, site, 0);
    }

    fn mix_in(&mut self, instance: ObjId, config: &Value, site: &Site, depth: usize) {
        let (data_key, methods_key, properties_key, behaviors_key, lifetimes_key, mixins_key) = (
            self.sym("data"),
            self.sym("methods"),
            self.sym("properties"),
            self.sym("behaviors"),
            self.sym("lifetimes"),
            self.sym("mixins"),
        );
        let (observers_key, pages_key) = (self.sym("observers"), self.sym("pageLifetimes"));
        let place = site.place;
        if depth < 4 {
            for key in [behaviors_key, mixins_key] {
                let list = self.field(config, &Keys(vec![key]), place);
                let behavior = self.items_of(&list);
                for object in behavior.objects {
                    self.mix_in(instance, &Value::object(object), site, depth + 1);
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
            let methods = self.field(config, &Keys(vec![key]), place);
            self.copy_fields(instance, &methods, &[]);
        }
        let mut initial = self.field(config, &Keys(vec![data_key]), place);
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
            let properties = self.field(config, &Keys(vec![properties_key]), place);
            let (value_key, observer_key) = (self.sym("value"), self.sym("observer"));
            for &object in &properties.objects {
                for key in self.heap.keys(object) {
                    if key == ITEM {
                        continue;
                    }
                    let declared = self.heap.get(object, key).cloned().unwrap_or_default();
                    let value = self.field(&declared, &Keys(vec![value_key]), place);
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
        let key = self.sym("[[query]]");
        let instance = self.instance(unit);
        if let Some(object) = self.heap.get(instance, key).and_then(|value| value.objects.first().copied()) {
            return object;
        }
        let file = self.program.units[unit as usize].script.unwrap_or(FileId(0));
        let object = self.heap.alloc(Kind::Plain, Place { file, span: Span::default() });
        self.heap.set(instance, key, Some(Value::object(object)));
        object
    }

    fn run_units(&mut self) {
        for unit in 0..self.program.units.len() as UnitId {
            if self.program.units[unit as usize].live {
                self.bind_inputs(unit);
            }
        }
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if self.stopped {
                return;
            }
            if !this.live || !self.units.contains_key(&unit) {
                continue;
            }
            match this.kind {
                UnitKind::App => self.run_app(unit),
                UnitKind::Page => self.run_page(unit),
                UnitKind::Component => self.run_component(unit),
            }
        }
        self.run_listeners();
    }

    fn method(&mut self, instance: ObjId, method: &str) -> Option<(Value, Place)> {
        let key = self.sym(method);
        let value = self.heap.get(instance, key).cloned()?;
        let target = value.objects.iter().copied().find(|&id| {
            matches!(
                self.heap.kind(id),
                Kind::Closure { .. } | Kind::Bound { .. } | Kind::External { .. } | Kind::Host { .. }
            )
        })?;
        let mut place = self.heap.objects[target as usize].place;
        if let Kind::Bound { target } = self.heap.kind(target) {
            place = self.heap.objects[*target as usize].place;
        }
        Some((value, place))
    }

    #[allow(clippy::too_many_arguments)]
    fn enter(
        &mut self,
        unit: UnitId,
        kind: EntryKind,
        method: &str,
        element: Option<(FileId, u32)>,
        facts: &[u32],
        arguments: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Value {
        let instance = self.instance(unit);
        let Some((target, place)) = self.method(instance, method) else { return Value::default() };
        let this = &self.program.units[unit as usize];
        let mut held = facts.to_vec();
        if let Some(gate) = self.gate_fact {
            held.push(gate);
        }
        if this.kind == UnitKind::Page
            && let Some(facts) = self.navigation_facts.get(&this.route)
        {
            held.extend(facts.clone());
        }
        held.sort_unstable();
        held.dedup();
        let entry = Entry { kind, route: this.route.clone(), method: method.into(), place, element };
        self.run_entry(entry, &held, Some(&target), |machine| {
            let arguments = arguments(machine);
            let site = Site { place, args: Vec::new(), name: method.into(), used: true };
            machine.call(&target, &Value::object(instance), arguments, &site)
        })
    }

    fn run_app(&mut self, unit: UnitId) {
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
    }

    fn run_page(&mut self, unit: UnitId) {
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
        // A page may be made as a component.
        let (instance, mark) = (self.instance(unit), self.sym("[[component]]"));
        if self.heap.has(instance, mark) {
            for method in info.component_load.iter().filter(|method| !info.page_load.contains(method)) {
                self.enter(unit, EntryKind::Load, method, None, &[], |_| Vec::new());
            }
            self.nested_methods(unit, "pageLifetimes");
            self.nested_methods(unit, "observers");
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
        let answer = self.wait(&answer);
        self.run_entry(entry, &[], Some(&answer), |machine| {
            for field in ["title", "path", "imageUrl", "content", "query", "desc"] {
                let key = machine.sym(field);
                for &object in &answer.objects {
                    let Some(value) = machine.heap.get(object, key).cloned() else { continue };
                    let at = value
                        .strings
                        .first()
                        .and_then(|text| text.place)
                        .unwrap_or(machine.heap.objects[object as usize].place);
                    let in_url = matches!(field, "path" | "imageUrl" | "query");
                    machine.sink(SinkKind::Share, method, at, field, &value, &value.clone(), None, in_url);
                }
            }
            let site = Site::at(place);
            machine.record_share(method, &answer, &site);
            for callback in ["success", "complete"] {
                let key = machine.sym(callback);
                let handler = machine.field(&answer, &Keys(vec![key]), place);
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

    fn run_component(&mut self, unit: UnitId) {
        self.pass_properties(unit);
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
        self.handlers(unit);
    }

    /// Functions in a group of a component's definition (`pageLifetimes`, `observers`).
    fn nested_methods(&mut self, unit: UnitId, group: &str) {
        let instance = self.instance(unit);
        let key = self.sym(group);
        let Some(methods) = self.heap.get(instance, key).cloned() else { return };
        for &object in &methods.objects {
            for key in self.heap.keys(object) {
                let Some(mut target) = self.heap.get(object, key).cloned() else { continue };
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
                let watched = group == "observers";
                let gate: Vec<u32> = self.gate_fact.into_iter().collect();
                self.run_entry(entry, &gate, Some(&target), |machine| {
                    let mut arguments = Vec::new();
                    if watched {
                        let data_key = machine.sym("data");
                        let data = machine.field(&Value::object(instance), &Keys(vec![data_key]), place);
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
        let data_key = self.sym("data");
        let instance = self.instance(unit);
        let Some(data) = self.heap.get(instance, data_key).and_then(|value| value.objects.first().copied()) else {
            return;
        };
        for (user, template, node) in users {
            let Some(element) = self.element(template, node) else { continue };
            for attribute in &element.attributes {
                let Some(value) = &attribute.value else { continue };
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

    // ---- handlers ----

    fn handlers(&mut self, unit: UnitId) {
        let program = self.program;
        self.unseen_handlers(unit);
        let mut done: Vec<(Name, usize)> = Vec::new();
        for binding in program.bindings_of(unit) {
            let Some(element) = self.element(binding.template, binding.node) else { continue };
            let custom = matches!(program.units[unit as usize].components.get(&element.name), Some(Some(_)));
            if custom && !binding.user_action {
                continue;
            }
            let mut functions = Value::default();
            let names: Vec<Name> = match &binding.handler {
                Some(handler) => vec![handler.clone()],
                None => {
                    let Some(value) = element
                        .attributes
                        .iter()
                        .filter_map(|a| a.value.as_ref())
                        .find(|value| value.span == binding.span)
                    else {
                        continue;
                    };
                    let value = self.evaluate(unit, binding.template, binding.node, value);
                    functions.objects = value
                        .objects
                        .iter()
                        .copied()
                        .filter(|&id| matches!(self.heap.kind(id), Kind::Closure { .. }))
                        .collect();
                    value.texts().cloned().collect()
                }
            };
            if !functions.objects.is_empty() {
                self.run_function(unit, binding, element, &functions);
            }
            for handler in names {
                match done.iter_mut().find(|(known, _)| *known == handler) {
                    Some((_, count)) if *count >= MAX_ELEMENTS => continue,
                    Some((_, count)) => *count += 1,
                    None => done.push((handler.clone(), 1)),
                }
                if &*handler == "__e" || &*handler == "eh" {
                    self.framework_event(unit, binding, element);
                    continue;
                }
                self.run_handler(unit, binding, element, &handler);
            }
        }
    }

    /// Methods of a unit whose template the compiler turned into code: those that nothing in its script calls are handlers
    /// of elements that cannot be seen.
    fn unseen_handlers(&mut self, unit: UnitId) {
        let program = self.program;
        let this = &program.units[unit as usize];
        let Some(script) = this.script.and_then(|file| program.script(file)) else { return };
        if this.template.is_some() || self.package.compiled.is_none() || this.kind == UnitKind::App {
            return;
        }
        let mut called: BTreeSet<Name> = BTreeSet::new();
        script.for_each_expr(&mut |expr| {
            if let ExprKind::Member { key: Key::Static(name, _), .. } = &expr.kind {
                called.insert(name.clone());
            }
        });
        let info = &self.host.info;
        let instance = self.instance(unit);
        for key in self.heap.keys(instance) {
            let method = self.spell(key);
            let lifecycle = [&info.page_load, &info.component_load, &info.component_events, &info.share_methods]
                .iter()
                .any(|list| list.contains(&method))
                || info.page_events.contains_key(&method);
            if lifecycle || called.contains(&method) || key == ITEM {
                continue;
            }
            self.enter(unit, EntryKind::User, &method, None, &[], |_| vec![Value::any()]);
        }
    }

    pub fn run_handler(&mut self, unit: UnitId, binding: &Binding, element: &'a Element, handler: &str) {
        let facts = self.element_facts(unit, binding.template, binding.node, binding.user_action);
        let kind = if binding.user_action { EntryKind::User } else { EntryKind::Event };
        let (template, node) = (binding.template, binding.node);
        let event = binding.event.clone();
        self.enter(unit, kind, handler, Some((template, node)), &facts, |machine| {
            vec![machine.event(unit, template, node, element, &event)]
        });
    }

    /// A handler that is a function of the data itself, as compiled components have it.
    fn run_function(&mut self, unit: UnitId, binding: &Binding, element: &'a Element, functions: &Value) {
        let held = self.element_facts(unit, binding.template, binding.node, binding.user_action);
        let Some(&first) = functions.objects.first() else { return };
        let place = self.heap.objects[first as usize].place;
        let instance = self.instance(unit);
        let entry = Entry {
            kind: if binding.user_action { EntryKind::User } else { EntryKind::Event },
            route: self.program.units[unit as usize].route.clone(),
            method: binding.event.clone(),
            place,
            element: Some((binding.template, binding.node)),
        };
        self.run_entry(entry, &held, Some(functions), |machine| {
            let event = machine.event(unit, binding.template, binding.node, element, &binding.event);
            let site = Site { place, args: Vec::new(), name: binding.event.clone(), used: true };
            machine.call(functions, &Value::object(instance), vec![event], &site)
        });
    }

    /// What holds when the user can act on an element: the conditions that show and enable it.
    pub fn element_facts(&mut self, unit: UnitId, template: FileId, node: NodeId, acted: bool) -> Ids {
        let mut out = Ids::new();
        if acted {
            let fact = self.fact(Fact::Acted(template, node));
            unite(&mut out, &[fact]);
        }
        let Some(facts) = self.program.template(template) else { return out };
        let prefix = self.host.info.directive_prefix.clone();
        let mut at = node;
        while let Some(this) = facts.document.nodes.get(at as usize) {
            if let NodeKind::Element(element) = &this.kind {
                for attribute in &element.attributes {
                    let directive =
                        attribute.name.strip_prefix(&*prefix).or_else(|| attribute.name.strip_prefix("wx:"));
                    match (directive, &*attribute.name) {
                        (Some("if" | "elif"), _) => {
                            if let Some(value) = &attribute.value {
                                let value = self.evaluate(unit, template, at, value);
                                if value.may_true() {
                                    unite(&mut out, &value.yes);
                                }
                            }
                        }
                        (Some("else"), _) => {
                            if let Some(test) = self.previous_condition(template, at, &prefix) {
                                let value = self.evaluate(unit, template, at, test);
                                unite(&mut out, &value.no);
                            }
                        }
                        (None, "disabled" | "hidden") if at == node || &*attribute.name == "hidden" => {
                            if let Some(value) = &attribute.value {
                                let value = self.evaluate(unit, template, at, value);
                                if value.may_false() {
                                    unite(&mut out, &value.no);
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
            if this.parent == at {
                break;
            }
            at = this.parent;
        }
        out
    }

    fn previous_condition(&self, template: FileId, node: NodeId, prefix: &str) -> Option<&'a AttributeValue> {
        let document = &self.program.template(template)?.document;
        let parent = document.nodes.get(node as usize)?.parent;
        let siblings = match &document.nodes.get(parent as usize)?.kind {
            NodeKind::Element(element) => &element.children,
            NodeKind::Root { children } => children,
            _ => return None,
        };
        let at = siblings.iter().position(|&id| id == node)?;
        for &sibling in siblings[..at].iter().rev() {
            if let NodeKind::Element(element) = &document.nodes[sibling as usize].kind {
                return element
                    .attribute(&format!("{prefix}if"))
                    .or_else(|| element.attribute("wx:if"))
                    .and_then(|attribute| attribute.value.as_ref());
            }
        }
        None
    }

    pub fn element(&self, template: FileId, node: NodeId) -> Option<&'a Element> {
        match &self.program.template(template)?.document.nodes.get(node as usize)?.kind {
            NodeKind::Element(element) => Some(element),
            _ => None,
        }
    }

    /// The event object of a handler.
    pub fn event(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element, event: &str) -> Value {
        let place = Place { file: template, span: element.open };
        let object = self.make_at(place, 70, Kind::Plain);
        let target = self.make_at(place, 71, Kind::Plain);
        let dataset = self.make_at(place, 72, Kind::Plain);
        for attribute in &element.attributes {
            let Some(data) = attribute.name.to_ascii_lowercase().strip_prefix("data-").map(camel) else { continue };
            if let Some(value) = &attribute.value {
                let value = self.evaluate(unit, template, node, value);
                let value = self.stepped(value, place, "dataset", &name(&data));
                let key = self.sym(&data);
                self.heap.set(dataset, key, Some(value));
            }
        }
        self.heap.set(dataset, ITEM, Some(Value::any()));
        let dataset_key = self.sym("dataset");
        self.heap.set(target, dataset_key, Some(Value::object(dataset)));
        self.heap.set(target, ITEM, Some(Value::any()));
        for field in ["currentTarget", "target"] {
            let key = self.sym(field);
            self.heap.set(object, key, Some(Value::object(target)));
        }
        let detail = self.detail(unit, template, node, element, event);
        let key = self.sym("detail");
        self.heap.set(object, key, Some(detail));
        self.heap.set(object, ITEM, Some(Value::any()));
        Value::object(object)
    }

    fn detail(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element, event: &str) -> Value {
        let place = Place { file: template, span: element.open };
        let detail = self.make_at(place, 73, Kind::Plain);
        let mut out = Value { bits: ANY, objects: one(detail), ..Value::default() };
        let Some(component) = self.host.components.get(&element.name) else {
            if self.is_foreign(unit, element) && value_event(event) {
                let taints = self.field_taints(unit, template, node, element);
                if !taints.is_empty() {
                    let value = Value { taints: taints.clone(), ..Value::any() };
                    let key = self.sym("value");
                    self.heap.set(detail, key, Some(value));
                    out.taints = taints;
                }
            }
            return out;
        };
        let has = |role: &str| component.roles.iter().any(|known| &**known == role);
        let value_key = self.sym("value");
        // Host buttons.
        if let Some(open) = self.open_type(element)
            && open.event.as_deref().is_some_and(|answer| answer.eq_ignore_ascii_case(event))
        {
            let kinds: BTreeSet<Name> =
                open.yields.values().chain(open.ciphertext.values()).flatten().cloned().collect();
            if !kinds.is_empty() {
                let source: Name = format!(
                    "{}[open-type={}]",
                    element.name,
                    element
                        .attribute("open-type")
                        .and_then(|a| a.value.as_ref())
                        .and_then(AttributeValue::literal)
                        .unwrap_or_default()
                )
                .into();
                let collection =
                    self.collection(place, source, Some((template, node)), kinds, 100, true, open.scope.clone());
                self.record.collections[collection].lazy = true;
                for (path, kinds) in &open.yields {
                    let taints = self.taints_of(collection, kinds, None);
                    self.answer_at(&mut out, path, taints, place);
                }
                for (path, kinds) in &open.ciphertext {
                    let taints = self.taints_of(collection, kinds, Some(super::solution::Protection::HostCiphertext));
                    self.answer_at(&mut out, path, taints, place);
                }
                return out;
            }
        }
        // Events of components that carry personal information.
        if let Some((_, paths)) = component.yields.iter().find(|(known, _)| known.eq_ignore_ascii_case(event)) {
            let kinds: BTreeSet<Name> = paths.values().flatten().cloned().collect();
            let source: Name = element.name.to_string().into();
            let collection = self.collection(
                place,
                source,
                Some((template, node)),
                kinds,
                100,
                component.scope.is_some(),
                component.scope.clone(),
            );
            self.record.collections[collection].lazy = true;
            for (path, kinds) in paths {
                let taints = self.taints_of(collection, kinds, None);
                self.answer_at(&mut out, path, taints, place);
            }
        }
        if has("form") {
            let values = self.make_at(place, 74, Kind::Plain);
            for (inner, input) in self.inputs_inside(template, node) {
                let Some(field) =
                    input.attribute("name").and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal)
                else {
                    continue;
                };
                let value = self.input_value(unit, template, inner, input);
                let key = self.sym(&field);
                let value = self.typed_by_key(value, &field, Place { file: template, span: input.open });
                self.heap.set(values, key, Some(value));
            }
            let mut value = Value::object(values);
            value.bits = 0;
            self.heap.set(values, ITEM, Some(Value::any()));
            self.heap.set(detail, value_key, Some(value));
        } else if has("checkbox") || has("switch") || has("radio") {
            let ticked = self.fact(Fact::Ticked(template, node));
            let value = Value { bits: ANY, ..Value::default() }.when(one(ticked), Ids::new());
            let given = if has("checkbox") {
                // A list of what is ticked: that it is there says nothing, that it has an item does.
                let list = self.make_at(place, 75, Kind::Array);
                let length = self.sym("length");
                let count = Value { bits: super::value::NUMBER, ..Value::default() };
                self.heap.set(list, length, Some(count.when(one(ticked), Ids::new())));
                self.heap.set(list, ITEM, Some(value.clone()));
                Value::object(list)
            } else {
                value.clone()
            };
            self.heap.set(detail, value_key, Some(given));
            let checked = self.sym("checked");
            self.heap.set(detail, checked, Some(value));
            // Known as it is, so that what the fields prove is not blurred by a guess.
            self.heap.set(detail, ITEM, Some(Value::any()));
            out.bits = 0;
        } else if has("input") || has("textarea") || has("picker") || has("editor") || has("slider") {
            let value = self.input_value(unit, template, node, element);
            self.heap.set(detail, value_key, Some(value.clone()));
            if has("editor") {
                for field in ["html", "text"] {
                    let key = self.sym(field);
                    self.heap.set(detail, key, Some(value.clone()));
                }
            }
        }
        out
    }

    /// Whether an element is a component whose code is not the package's own.
    fn is_foreign(&self, unit: UnitId, element: &Element) -> bool {
        match self.program.units[unit as usize].components.get(&element.name) {
            Some(None) => true,
            Some(Some(component)) => self.program.units[*component as usize]
                .script
                .is_some_and(|script| !matches!(self.package.files[script.index()].origin, FileOrigin::Own)),
            None => false,
        }
    }

    /// What a field that is a component gives, where its label or placeholder says what it takes.
    fn field_taints(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Ids {
        match self.input_kind(unit, template, node, element) {
            Some(Some(_)) => self.input_value(unit, template, node, element).taints,
            _ => Ids::new(),
        }
    }

    /// What a component tells of inputs of its own is typed by how its user labels it.
    fn told_by(
        &mut self,
        value: Value,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
        depth: usize,
    ) -> Value {
        let untyped = |machine: &Self, ids: &[u32]| ids.iter().any(|&id| machine.taints[id as usize].kind.is_empty());
        let mut out = value;
        if untyped(self, &out.taints) {
            let known = self.field_taints(unit, template, node, element);
            if !known.is_empty() {
                let untyped: Vec<u32> =
                    out.taints.iter().copied().filter(|&id| self.taints[id as usize].kind.is_empty()).collect();
                out.taints.retain(|id| !untyped.contains(id));
                unite(&mut out.taints, &known);
            }
        }
        if depth == 0 {
            return out;
        }
        let place = Place { file: template, span: element.open };
        for index in 0..out.objects.len() {
            let object = out.objects[index];
            let inner = self.deep_taints(&Value::object(object), 2);
            if !matches!(self.heap.kind(object), Kind::Plain) || !untyped(self, &inner) {
                continue;
            }
            let copy = self.make_at(place, 76 + depth as u8, Kind::Plain);
            for key in self.heap.keys(object) {
                if let Some(value) = self.heap.get(object, key).cloned() {
                    let value = self.told_by(value, unit, template, node, element, depth - 1);
                    self.heap.set(copy, key, Some(value));
                }
            }
            out.objects[index] = copy;
        }
        out.objects.sort_unstable();
        out
    }

    fn inputs_inside(&self, template: FileId, node: NodeId) -> Vec<(NodeId, &'a Element)> {
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let mut stack = vec![node];
        while let Some(id) = stack.pop() {
            let Some(NodeKind::Element(element)) = facts.document.nodes.get(id as usize).map(|node| &node.kind) else {
                continue;
            };
            if element.attribute("name").is_some() && id != node {
                out.push((id, element));
            }
            stack.extend(element.children.iter().rev());
        }
        out
    }

    /// What the user puts into an input: typed by what the template says of it.
    pub fn input_value(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Value {
        let origin = self.origin(Origin::Input);
        let mut value = Value::from_origin(origin);
        let component = self.host.components.get(&element.name);
        let has = |role: &str| component.is_some_and(|component| component.roles.iter().any(|known| &**known == role));
        if has("checkbox") || has("switch") || has("radio") {
            let ticked = self.fact(Fact::Ticked(template, node));
            return Value { bits: ANY, ..Value::default() }.when(one(ticked), Ids::new());
        }
        let place = Place { file: template, span: element.open };
        let Some(kind) = self.input_kind(unit, template, node, element) else { return value };
        let source: Name = element.name.to_string().into();
        let (kinds, certainty) = match &kind {
            Some((kind, certainty)) => (BTreeSet::from([kind.clone()]), *certainty),
            None => (BTreeSet::new(), 0),
        };
        let collection = self.collection(place, source, Some((template, node)), kinds, certainty, false, None);
        self.record.collections[collection].lazy = true;
        self.record.collections[collection].input = true;
        let kind = kind.map_or_else(|| name(""), |(kind, _)| kind);
        let taint = self.taint(Taint {
            collection,
            kind,
            protections: std::rc::Rc::from([]),
            partial: false,
            container: false,
        });
        value.taints = one(taint);
        value
    }

    /// Kind of an input, as far as the template says; `None` when it says that the input takes something else.
    fn input_kind(
        &mut self,
        _unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
    ) -> Option<Option<(Name, u8)>> {
        let literal = |attribute: &str| {
            element.attribute(attribute).and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal)
        };
        let (field, id, input_type, placeholder) =
            (literal("name"), literal("id"), literal("type").or_else(|| literal("mode")), literal("placeholder"));
        let mut labels = self.labels(template, node);
        if !self.host.components.contains_key(&element.name) {
            // A field of a library has its label inside.
            for attribute in ["title", "label"] {
                if let Some(label) = literal(attribute) {
                    labels.insert(0, label.as_str().into());
                }
            }
        }
        let model = element
            .attributes
            .iter()
            .filter(|attribute| attribute.name.trim_start_matches("model:") == "value")
            .find_map(|attribute| self.bound_name(template, attribute.value.as_ref()?));
        let handler = element
            .attributes
            .iter()
            .find(|attribute| {
                attribute.name.contains("input") || attribute.name.contains("change") || attribute.name.contains("blur")
            })
            .and_then(|attribute| attribute.value.as_ref())
            .and_then(AttributeValue::literal);
        let clues = InputClues {
            name: field.as_deref(),
            id: id.as_deref(),
            input_type: input_type.as_deref(),
            placeholder: placeholder.as_deref(),
            labels: labels.iter().map(|label| &**label).collect(),
            model_key: model.as_deref(),
            request_key: None,
            handler: handler.as_deref(),
        };
        let kind = self.policy.privacy.input_kind(&clues).map(|(kind, certainty, _)| (kind, certainty));
        // What says that it takes something else is not typed by the key that it is kept under.
        if kind.is_none() && self.policy.privacy.input_is_other(&clues) { None } else { Some(kind) }
    }

    /// Last name of a bound expression: `{{user.phone}}` gives `phone`.
    fn bound_name(&self, template: FileId, value: &AttributeValue) -> Option<String> {
        let facts = self.program.template(template)?;
        let expression = value.parts.iter().find_map(|part| match part {
            Part::Interpolation { expression, .. } => Some(*expression),
            Part::Text { .. } => None,
        })?;
        let expr = facts
            .expressions
            .get(&expression.start)
            .or_else(|| facts.expressions.values().find(|e| expression.contains(e.span)))?;
        match &expr.kind {
            ExprKind::Global(name) => Some(name.to_string()),
            ExprKind::Member { key: crate::model::ir::Key::Static(name, _), .. } => Some(name.to_string()),
            _ => None,
        }
    }

    /// Short texts that stand before an element, nearest first: its label.
    fn labels(&mut self, template: FileId, node: NodeId) -> Vec<Name> {
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let mut at = node;
        for _ in 0..2 {
            let Some(parent) = facts.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            if parent == at {
                break;
            }
            let siblings: &[NodeId] = match &facts.document.nodes[parent as usize].kind {
                NodeKind::Element(element) => &element.children,
                NodeKind::Root { children } => children,
                _ => &[],
            };
            let position = siblings.iter().position(|&id| id == at).unwrap_or(0);
            for &sibling in siblings[..position].iter().rev().take(2) {
                // Another input between ends the label's reach.
                if let NodeKind::Element(element) = &facts.document.nodes[sibling as usize].kind
                    && self.host.components.get(&element.name).is_some_and(|c| {
                        c.roles.iter().any(|role| {
                            matches!(&**role, "input" | "textarea" | "picker" | "checkbox" | "radio" | "switch")
                        })
                    })
                {
                    break;
                }
                let text = match &facts.document.nodes[sibling as usize].kind {
                    NodeKind::Text(parts) => parts
                        .iter()
                        .filter_map(|part| match part {
                            Part::Text { text, .. } => Some(text.trim().to_owned()),
                            Part::Interpolation { .. } => None,
                        })
                        .collect::<String>()
                        .into(),
                    NodeKind::Element(_) => self.text_inside(template, sibling),
                    _ => name(""),
                };
                if !text.is_empty() && text.chars().count() <= 16 {
                    out.push(text);
                }
            }
            if !out.is_empty() {
                break;
            }
            at = parent;
        }
        out
    }

    /// Puts what users type into the data that inputs are bound to in both directions.
    fn bind_inputs(&mut self, unit: UnitId) {
        if !self.units.contains_key(&unit) {
            return;
        }
        for &template in &self.program.units[unit as usize].templates {
            let Some(facts) = self.program.template(template) else { continue };
            for node in 0..facts.document.nodes.len() as NodeId {
                let Some(element) = self.element(template, node) else { continue };
                for attribute in &element.attributes {
                    let Some(value) = &attribute.value else { continue };
                    let two_way = attribute.name.starts_with("model:")
                        || value.parts.iter().any(|part| matches!(part, Part::Interpolation { two_way: true, .. }));
                    let property = attribute.name.trim_start_matches("model:");
                    if !two_way || !matches!(property, "value" | "checked") {
                        continue;
                    }
                    let Some(path) = self.bound_path(template, value) else { continue };
                    let typed = self.input_value(unit, template, node, element);
                    let instance = self.instance(unit);
                    let key = self.sym("data");
                    let data = self.heap.get(instance, key).cloned().unwrap_or_default();
                    self.write_path(&data, &path, typed, Place { file: template, span: element.open }, false);
                }
            }
        }
        self.heap.settle();
    }

    fn bound_path(&self, template: FileId, value: &AttributeValue) -> Option<String> {
        let text = &self.package.source(template).text;
        let path = value.parts.iter().find_map(|part| match part {
            Part::Interpolation { expression, .. } => Some(expression.slice(text).trim().to_owned()),
            Part::Text { .. } => None,
        })?;
        path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '[' | ']')).then_some(path)
    }

    // ---- data paths ----

    /// Reads `a.b[0].c` from an object.
    pub fn data_path(&mut self, base: &Value, path: &str, place: Place) -> Value {
        let mut value = base.clone();
        for part in path_parts(path) {
            let key = self.sym(&part);
            let keys = if part == "*" { Keys(Vec::new()) } else { Keys(vec![key]) };
            value = self.field(&value, &keys, place);
        }
        value
    }

    /// Writes `a.b[0].c`, making what is missing on the way.
    pub fn write_path(&mut self, base: &Value, path: &str, value: Value, place: Place, strong: bool) {
        let parts = path_parts(path);
        let mut at = base.clone();
        for (index, part) in parts.iter().enumerate() {
            let key = if part == "*" { ITEM } else { self.sym(part) };
            let last = index + 1 == parts.len();
            if last {
                let value = self.typed_by_key(value.clone(), part, place);
                let value = self.under_consent(value);
                for &object in &at.objects {
                    if strong && at.objects.len() == 1 && key != ITEM {
                        self.heap.set(object, key, Some(value.clone()));
                    } else {
                        self.heap.add(object, key, &value);
                    }
                }
                return;
            }
            let mut next = Value::default();
            for &object in &at.objects {
                match self.heap.get(object, key).cloned() {
                    Some(inner) if !inner.objects.is_empty() => next.join(&inner),
                    _ => {
                        let list = parts.get(index + 1).is_some_and(|next| next == "*" || next.parse::<u32>().is_ok());
                        let kind = if list { Kind::Array } else { Kind::Plain };
                        let made = self.heap.alloc(kind, place);
                        let mut slot = self.heap.get(object, key).cloned().unwrap_or_default();
                        slot.join(&Value::object(made));
                        self.heap.set(object, key, Some(slot));
                        next.join(&Value::object(made));
                    }
                }
            }
            at = next;
        }
    }

    // ---- templates ----

    /// What an attribute's value can be.
    pub fn evaluate(&mut self, unit: UnitId, template: FileId, node: NodeId, value: &'a AttributeValue) -> Value {
        let Some(facts) = self.program.template(template) else { return Value::any() };
        if value.parts.is_empty() {
            return Value::string("".into(), None);
        }
        let variables = self.loop_variables(unit, template, node);
        let instance = self.instance(unit);
        let data_key = self.sym("data");
        let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
        let mut act = Act {
            file: template,
            script: None,
            function: 0,
            frame: instance,
            scope: Some((variables, data)),
            returned: Value::default(),
            exit_facts: None,
            base: self.facts.len(),
            deferred: Vec::new(),
            yielded: Value::default(),
        };
        let mut out: Option<Value> = None;
        for part in &value.parts {
            let piece = match part {
                Part::Text { text, span } => {
                    // Control attributes may hold a bare expression.
                    match facts.expressions.get(&span.start) {
                        Some(expr) if value.parts.len() == 1 => self.eval(&mut act, expr),
                        _ => {
                            let place = Place { file: template, span: *span };
                            Value::string(text.clone(), Some(place))
                        }
                    }
                }
                Part::Interpolation { expression, .. } => {
                    let expr = facts.expressions.get(&expression.start).or_else(|| {
                        let text = &self.package.source(template).text;
                        let inner = expression.slice(text);
                        let skip = inner.len() - inner.trim_start().len();
                        facts.expressions.get(&(expression.start + skip as u32))
                    });
                    match expr {
                        Some(expr) => self.eval(&mut act, expr),
                        None => Value::any(),
                    }
                }
            };
            out = Some(match out {
                None if value.parts.len() == 1 => piece,
                None => super::value::concat(&Value::string("".into(), None), &piece),
                Some(text) => super::value::concat(&text, &piece),
            });
        }
        out.unwrap_or_else(Value::any)
    }

    /// View-script modules of a template, by the name that it gives them.
    fn view_modules(&mut self, template: FileId) -> Rc<[(Name, FileId)]> {
        if let Some(known) = self.view_modules.get(&template) {
            return known.clone();
        }
        let mut out = Vec::new();
        if let Some(facts) = self.program.template(template) {
            for require in &self.program.requires[template.index()] {
                let Some(target) = require.target else { continue };
                if self.program.script(target).is_none() {
                    continue;
                }
                let module = facts.document.nodes.iter().find_map(|node| match &node.kind {
                    NodeKind::Element(element)
                        if element
                            .attribute("src")
                            .and_then(|a| a.value.as_ref())
                            .is_some_and(|v| v.span == require.span) =>
                    {
                        element.attribute("module").or_else(|| element.attribute("name"))?.value.as_ref()?.literal()
                    }
                    _ => None,
                });
                if let Some(module) = module {
                    out.push((name(&module), target));
                }
            }
        }
        let out: Rc<[(Name, FileId)]> = out.into();
        self.view_modules.insert(template, out.clone());
        out
    }

    /// Loop variables that an element stands in, and view-script modules of its template.
    fn loop_variables(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Vec<(Name, Value)> {
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let prefix = self.host.info.directive_prefix.clone();
        let mut chain = Vec::new();
        let mut at = node;
        while let Some(this) = facts.document.nodes.get(at as usize) {
            if let NodeKind::Element(element) = &this.kind {
                chain.push(element);
            }
            if this.parent == at {
                break;
            }
            at = this.parent;
        }
        let instance = self.instance(unit);
        let data_key = self.sym("data");
        let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
        for (module, file) in self.view_modules(template).iter() {
            let value = self.load(*file, "");
            out.push((module.clone(), value));
        }
        for element in chain.iter().rev() {
            let Some(attribute) = ["for", "for-items"].iter().find_map(|directive| {
                element
                    .attribute(&format!("{prefix}{directive}"))
                    .or_else(|| element.attribute(&format!("wx:{directive}")))
            }) else {
                continue;
            };
            let Some(value) = &attribute.value else { continue };
            let text = value.span.slice(&self.package.source(template).text);
            let text = text.trim().trim_start_matches('{').trim_end_matches('}').trim();
            let (names, list) = match text.split_once(" in ") {
                Some((names, list)) => (names.trim_matches(['(', ')', ' ']).to_owned(), list),
                None => (String::new(), text),
            };
            let list = list.split(" trackBy").next().unwrap_or(list).trim();
            let literal = |suffix: &str| {
                ["", "wx:"].iter().find_map(|_| {
                    element
                        .attribute(&format!("{prefix}{suffix}"))
                        .or_else(|| element.attribute(&format!("wx:{suffix}")))
                        .and_then(|a| a.value.as_ref())
                        .and_then(AttributeValue::literal)
                })
            };
            let mut parts = names.split(',').map(str::trim);
            let item = parts
                .next()
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .or_else(|| literal("for-item"))
                .unwrap_or_else(|| "item".to_owned());
            let index =
                parts.next().map(str::to_owned).or_else(|| literal("for-index")).unwrap_or_else(|| "index".to_owned());
            let root = list.split(['.', '[']).next().unwrap_or(list);
            let place = Place { file: template, span: value.span };
            let base = match out.iter().rev().find(|(known, _)| &**known == root) {
                Some((_, value)) => {
                    let rest = list[root.len()..].trim_start_matches('.').to_owned();
                    let value = value.clone();
                    if rest.is_empty() { value } else { self.data_path(&value, &rest, place) }
                }
                None => self.data_path(&data, list, place),
            };
            let mut each = self.items_of(&base);
            if each.is_none() {
                each = Value::any();
            }
            out.push((name(&item), each));
            out.push((name(&index), Value { bits: super::value::NUMBER, ..Value::default() }));
        }
        out.reverse();
        out
    }

    /// Addresses in templates that carry personal information, and dynamic texts of elements for rules.
    fn templates(&mut self) {
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if !this.live || !self.units.contains_key(&unit) {
                continue;
            }
            let route = this.route.clone();
            for &template in &this.templates {
                let Some(facts) = self.program.template(template) else { continue };
                for node in 0..facts.document.nodes.len() as NodeId {
                    let Some(element) = self.element(template, node) else { continue };
                    let Some(component) = self.host.components.get(&element.name) else { continue };
                    let view = component.roles.iter().any(|role| &**role == "web-view");
                    let link = component.roles.iter().any(|role| &**role == "navigator");
                    for attribute in &element.attributes {
                        let Some(value) = &attribute.value else { continue };
                        let address = component.url_attributes.contains(&attribute.name)
                            || matches!(&*attribute.name, "src" | "url" | "href");
                        if !address || value.parts.iter().all(|part| matches!(part, Part::Text { .. })) && !link {
                            continue;
                        }
                        let place = Place { file: template, span: attribute.span };
                        let entry = Entry {
                            kind: EntryKind::Event,
                            route: route.clone(),
                            method: name(""),
                            place,
                            element: Some((template, node)),
                        };
                        self.run_entry(entry, &[], Some(&Value::default()), |machine| {
                            let held = machine.element_facts(unit, template, node, false);
                            machine.push_facts(&held);
                            let address = machine.evaluate(unit, template, node, value);
                            if view || link {
                                let source: Name = element.name.to_string().into();
                                machine.sink(
                                    SinkKind::Url,
                                    &source,
                                    place,
                                    &attribute.name,
                                    &address,
                                    &address.clone(),
                                    None,
                                    true,
                                );
                                machine.record_view(&source, &attribute.name, &address, place, view);
                            }
                            if link {
                                let role = element
                                    .attribute("open-type")
                                    .and_then(|a| a.value.as_ref())
                                    .and_then(AttributeValue::literal);
                                machine.navigator(role.as_deref().unwrap_or("navigate"), &address, place, &route);
                            }
                            Value::default()
                        });
                    }
                }
            }
        }
    }

    /// Methods that instances have from the host.
    pub fn unit_method(
        &mut self,
        instance: ObjId,
        unit: UnitId,
        method: &str,
        args: &[Value],
        site: &Site,
    ) -> Option<Value> {
        let data_key = self.sym("data");
        match method {
            "setData" | "$set" | "updateData" => {
                let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
                let first = args.first().cloned().unwrap_or_default();
                if !first.strings.is_empty() {
                    let value = args.get(1).cloned().unwrap_or_default();
                    for path in first.texts().cloned().collect::<Vec<_>>() {
                        let value = self.stepped(value.clone(), site.place, "set-data", &path);
                        self.write_path(&data, &path, value, site.place, true);
                    }
                } else {
                    self.set_data(&data, &first, site);
                }
                self.shown(&first, 4);
                for arg in args.iter().skip(1) {
                    self.shown(arg, 3);
                }
                for arg in args.iter().skip(1) {
                    let functions = Value {
                        objects: arg
                            .objects
                            .iter()
                            .copied()
                            .filter(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
                            .collect(),
                        ..Value::default()
                    };
                    if !functions.objects.is_empty() {
                        let inner = Site { place: site.place, args: Vec::new(), name: site.name.clone(), used: true };
                        self.perhaps(&[], |machine| {
                            machine.call(&functions, &Value::object(instance), Vec::new(), &inner)
                        });
                    }
                }
                Some(Value::undefined())
            }
            "getData" => {
                let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
                let path = args.first().and_then(Value::as_text).cloned();
                Some(match path {
                    Some(path) => self.data_path(&data, &path, site.place),
                    None => data,
                })
            }
            "groupSetData" => {
                let callback = args.first().cloned().unwrap_or_default();
                self.call(&callback, &Value::object(instance), Vec::new(), site);
                Some(Value::undefined())
            }
            "triggerEvent" | "dispatch" | "$emit" => {
                self.trigger(unit, args, site);
                Some(Value::undefined())
            }
            "selectComponent" | "selectAllComponents" => {
                let components: Vec<UnitId> =
                    self.program.units[unit as usize].components.values().flatten().copied().collect();
                let mut out = Value { bits: super::value::NULL, ..Value::default() };
                let wanted = args.first().and_then(Value::as_text).cloned();
                let mut matched = Vec::new();
                for component in components {
                    let users = self.uses.get(&component).cloned().unwrap_or_default();
                    let fits = users.iter().any(|(user, template, node)| {
                        *user == unit
                            && wanted.as_deref().is_none_or(|selector| self.selects(selector, *template, *node))
                    });
                    if fits && self.units.contains_key(&component) {
                        matched.push(component);
                    }
                }
                for component in matched {
                    let object = self.instance(component);
                    out.join(&Value::object(object));
                }
                if method == "selectAllComponents" {
                    out.bits = 0;
                    return Some(self.list_of(out, site));
                }
                Some(out)
            }
            "getOpenerEventChannel" => Some(Value::object(self.bus)),
            "createSelectorQuery"
            | "createIntersectionObserver"
            | "hasBehavior"
            | "getRelationNodes"
            | "animate"
            | "clearAnimation" => Some(Value::any()),
            _ => None,
        }
    }

    fn selects(&self, selector: &str, template: FileId, node: NodeId) -> bool {
        let Some(element) = self.element(template, node) else { return false };
        let literal = |attribute: &str| {
            element.attribute(attribute).and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal)
        };
        let last = selector.split([' ', '>']).next_back().unwrap_or(selector).trim();
        if let Some(id) = last.strip_prefix('#') {
            return literal("id").is_none_or(|known| known == id);
        }
        if let Some(class) = last.strip_prefix('.') {
            return literal("class").is_none_or(|known| known.split_whitespace().any(|one| one == class));
        }
        last == &*element.name
    }

    fn set_data(&mut self, data: &Value, update: &Value, site: &Site) {
        for &object in &update.objects {
            for key in self.heap.keys(object) {
                let Some(value) = self.heap.get(object, key).cloned() else { continue };
                let path = self.spell(key);
                self.note_update(&path, site);
                let value = self.stepped(value, site.place, "set-data", &path);
                if key == ITEM {
                    for &target in &data.objects {
                        self.heap.add(target, ITEM, &value);
                    }
                } else {
                    self.write_path(data, &path, value, site.place, true);
                }
            }
        }
    }

    /// Notes data that hangs on a host's answer or is set while sharing.
    fn note_update(&mut self, key: &Name, site: &Site) {
        const MOST: usize = 4096;
        if self.record.updates.len() > MOST {
            return;
        }
        let after: Vec<Place> = self
            .facts
            .iter()
            .filter_map(|&id| match &self.fact_table[id as usize] {
                Fact::Succeeded(place) => Some(*place),
                _ => None,
            })
            .collect();
        let entry = &self.entries[self.entry];
        if after.is_empty() && !self.host.info.share_methods.contains(&entry.method) {
            return;
        }
        let (route, method) = (entry.route.clone(), entry.method.clone());
        self.record.updates.insert(Update { place: site.place, key: key.clone(), after, route, method });
    }

    /// Notes literals that reach the screen.
    pub fn shown(&mut self, value: &Value, depth: usize) {
        let mut places = Vec::new();
        self.each_held(value, depth, |inner| places.extend(inner.strings.iter().filter_map(|text| text.place)));
        self.record.shown.extend(places);
    }

    /// A component's own event: the handlers of its users run with what it tells.
    fn trigger(&mut self, unit: UnitId, args: &[Value], site: &Site) {
        let Some(event) = args.first().and_then(Value::as_text).cloned() else {
            self.record.blind(site.place, "dynamic-event", "");
            return;
        };
        let detail = args.get(1).cloned().unwrap_or_else(Value::undefined);
        let detail = self.stepped(detail, site.place, "triggered", &event);
        let users = self.uses.get(&unit).cloned().unwrap_or_default();
        let program = self.program;
        for (user, template, node) in users {
            for binding in program.bindings_of(user).iter().filter(|binding| {
                binding.template == template && binding.node == node && binding.event.eq_ignore_ascii_case(&event)
            }) {
                let Some(handler) = &binding.handler else { continue };
                if !self.units.contains_key(&user) {
                    continue;
                }
                let instance = self.instance(user);
                let Some((target, _)) = self.method(instance, handler) else { continue };
                let Some(element) = self.element(template, node) else { continue };
                let argument = self.event(user, template, node, element, "");
                let key = self.sym("detail");
                let detail = self.told_by(detail.clone(), user, template, node, element, 2);
                for &object in &argument.objects {
                    self.heap.set(object, key, Some(detail.clone()));
                }
                let inner = Site { place: site.place, args: Vec::new(), name: handler.clone(), used: true };
                self.perhaps(&[], |machine| machine.call(&target, &Value::object(instance), vec![argument], &inner));
            }
        }
    }

    /// Remembers what holds whenever a page is opened from inside the program.
    pub fn opened(&mut self, route: &str) {
        let mut facts = self.current_facts();
        let from = self.entries[self.entry].route.clone();
        if !from.is_empty() {
            self.opened_from.entry(route.into()).or_default().insert(from.clone());
            let passed = self.fact(Fact::Passed(from));
            unite(&mut facts, &[passed]);
        }
        // The first page, tabs and shared pages are opened without passing anything.
        let free = self
            .package
            .pages
            .iter()
            .enumerate()
            .any(|(index, page)| &*page.route == route && (index == 0 || page.tab));
        self.record.openings.push((route.into(), if free { Ids::new() } else { facts }));
    }
}

/// Whether an event tells what a field holds.
fn value_event(event: &str) -> bool {
    matches!(event, "input" | "change" | "blur" | "confirm" | "update" | "enter" | "value-change" | "valuechange")
}

/// `data-user-name` is read as `userName`.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut upper = false;
    for c in text.chars() {
        if c == '-' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}

/// Parts of `a.b[0].c`; an index that is no number is `*`.
fn path_parts(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in path.split('.') {
        let mut rest = part;
        if let Some(at) = rest.find('[') {
            if at > 0 {
                out.push(rest[..at].to_owned());
            }
            rest = &rest[at..];
            for index in rest.split('[').skip(1) {
                let index = index.trim_end_matches(']').trim_matches(['"', '\'']);
                out.push(if index.is_empty() { "*".to_owned() } else { index.to_owned() });
            }
        } else if !rest.is_empty() {
            out.push(rest.to_owned());
        }
    }
    out
}
