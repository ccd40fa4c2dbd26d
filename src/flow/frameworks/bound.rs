//! Handlers that compilers wrote into attributes of elements: which methods an event calls, and what they are handed. uni-app for
//! Vue 2 has one list for all events (`data-event-opts`), Chameleon one call an event (`data-eventtap`).

use crate::flow::frameworks::vue::VUE;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::{Entry, EntryKind, Place};
use crate::flow::value::{ObjId, Value};
use crate::model::ir::{Arg, Expr, ExprKind, Name};
use crate::model::{Binding, UnitId};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, Part};

/// What takes what is typed for a two-way bound field.
const MODEL: &str = "__set_model";
/// Chameleon's handler of all events, and the one that takes what is typed for a two-way bound field.
const PROXY: &str = "_cmlEventProxy";
const MODEL_PROXY: &str = "_cmlModelEventProxy";
/// The method by which components tell their users of events.
const TELLS: &str = "$emit";
/// How deep components hand on events of components.
const MAX_HANDED_ON: u8 = 4;

/// One call that an event makes: `['save', ['$0', '$event'], [['list', '', index]]]`.
#[derive(Clone, Copy)]
pub(in crate::flow) struct BoundCall<'a> {
    method: &'a Name,
    args: &'a [Option<Arg>],
    /// Where the values of `$0`, `$1`, … stand.
    paths: &'a [Option<Arg>],
    /// Whether a component tells of the event, not the host.
    custom: bool,
}

/// Where an event happened.
#[derive(Clone, Copy)]
pub(in crate::flow) struct At<'a> {
    pub unit: UnitId,
    pub template: FileId,
    pub node: NodeId,
    pub element: &'a Element,
}

impl<'a> Machine<'a> {
    /// Whether a handler stands for those that the compiler wrote into an attribute.
    pub(in crate::flow) fn is_bound_event(handler: &str) -> bool {
        matches!(handler, "__e" | "eh" | PROXY | MODEL_PROXY)
    }

    /// The calls that an event of an element makes.
    pub(in crate::flow) fn bound_calls(
        &self,
        template: FileId,
        element: &'a Element,
        event: &str,
    ) -> Vec<BoundCall<'a>> {
        let mut out = Vec::new();
        let own = element.attributes.iter().find(|attribute| {
            attribute.name.strip_prefix("data-event").is_some_and(|told| told.eq_ignore_ascii_case(event))
        });
        if let Some(Part::Interpolation { expression, .. }) =
            own.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.parts.first())
            && let Some([Some(method), args @ ..]) = self.expression_at(template, *expression).map(list_of)
            && let Some(method) = text(&method.value)
        {
            out.push(BoundCall { method, args, paths: &[], custom: false });
        }
        let options = element.attribute("data-event-opts").and_then(|attribute| attribute.value.as_ref());
        let Some(Part::Interpolation { expression, .. }) = options.and_then(|value| value.parts.first()) else {
            return out;
        };
        let Some(options) = self.expression_at(template, *expression) else { return out };
        for option in list(options) {
            let [Some(told), Some(calls), ..] = list_of(option) else { continue };
            let Some(told) = text(&told.value) else { continue };
            let named = told.trim_start_matches(['~', '^', '$']);
            if !named.eq_ignore_ascii_case(event) {
                continue;
            }
            for call in list(&calls.value) {
                let parts = list_of(call);
                let Some(Some(method)) = parts.first() else { continue };
                let rest = |at: usize| match parts.get(at) {
                    Some(Some(part)) => list_of(&part.value),
                    _ => &[],
                };
                if let Some(method) = text(&method.value) {
                    out.push(BoundCall { method, args: rest(1), paths: rest(2), custom: told.contains('^') });
                }
            }
        }
        out
    }

    /// A framework's single event handler: the real ones stand in the element's `data-event-opts`.
    pub(in crate::flow) fn framework_event(&mut self, unit: UnitId, binding: &Binding, element: &'a Element) {
        let (template, node) = (binding.template, binding.node);
        let at = At { unit, template, node, element };
        let place = Place { file: template, span: element.open };
        if binding.handler.as_deref() == Some(MODEL_PROXY) {
            let key = element.attribute("data-modelkey").and_then(|attribute| attribute.value.as_ref()?.literal());
            if let Some(key) = key {
                let typed = self.input_value(unit, template, node, element);
                let instance = self.instance(unit);
                self.write_path(&Value::object(instance), &key, typed, place, false);
                self.heap.settle();
            }
            return;
        }
        for call in self.bound_calls(template, element, &binding.event) {
            let instance = self.instance(unit);
            if &**call.method == MODEL {
                let typed = self.input_value(unit, template, node, element);
                self.set_model(at, call, typed);
                self.heap.settle();
                continue;
            }
            let acted = binding.user_action && !self.policy.privacy.refuses(&binding.event);
            let kind = if binding.user_action { EntryKind::User } else { EntryKind::Event };
            if self.method(instance, call.method).is_none() {
                if &**call.method == TELLS {
                    let facts = self.element_facts(unit, template, node, acted);
                    let entry = Entry {
                        kind,
                        route: self.program.units[unit as usize].route.clone(),
                        method: call.method.clone(),
                        place,
                        element: Some((template, node)),
                    };
                    self.run_entry(entry, &facts, None, |machine| {
                        let event = machine.bound_event(at, &binding.event);
                        let args = machine.bound_args(at, call, &event, None);
                        let site = Site { place, args: Vec::new(), name: name(TELLS), used: false };
                        machine.unit_method(instance, unit, TELLS, &args, &site);
                        Value::undefined()
                    });
                }
                continue;
            }
            let facts = self.element_facts(unit, template, node, acted);
            self.enter(unit, kind, call.method, Some((template, node)), &facts, |machine| {
                let event = machine.bound_event(at, &binding.event);
                machine.bound_args(at, call, &event, None)
            });
        }
    }

    /// An event as the framework's one handler passes it on: its target holds what the event tells, too.
    fn bound_event(&mut self, at: At<'a>, name: &str) -> Value {
        let event = self.event(at.unit, at.template, at.node, at.element, name);
        let place = Place { file: at.template, span: at.element.open };
        let (target, detail) = (self.known("target"), self.known("detail"));
        let joined = self.make_at(place, 120, Kind::Plain);
        for key in [target, detail] {
            let held = self.field(&event, &Keys::one(key), place);
            self.copy_fields(joined, &held, &[]);
        }
        for &object in &event.objects {
            self.heap.set(object, target, Some(Value::object(joined)));
        }
        event
    }

    /// An event of a component with values, at the handlers that its user bound.
    pub(in crate::flow) fn told_to_bound(&mut self, at: At<'a>, event: (&str, &Value), values: &[Value], site: &Site) {
        for call in self.bound_calls(at.template, at.element, event.0) {
            let instance = self.instance(at.unit);
            let args = self.bound_args(at, call, event.1, Some(values));
            if &**call.method == MODEL {
                let typed = values.first().cloned().unwrap_or_else(Value::undefined);
                self.set_model(at, call, typed);
            } else if let Some((target, _)) = self.method(instance, call.method) {
                let inner = Site { place: site.place, args: Vec::new(), name: call.method.clone(), used: false };
                self.call(&target, &Value::object(instance), args, &inner);
            } else if &**call.method == TELLS && self.handed_on < MAX_HANDED_ON {
                self.handed_on += 1;
                self.unit_method(instance, at.unit, TELLS, &args, site);
                self.handed_on -= 1;
            }
        }
    }

    /// What a bound call is handed: the event where the host tells of it, what a component told where that does.
    fn bound_args(&mut self, at: At<'a>, call: BoundCall<'a>, event: &Value, told: Option<&[Value]>) -> Vec<Value> {
        let place = Place { file: at.template, span: at.element.open };
        let detail = self.known("detail");
        let one_told = |machine: &mut Self| match told {
            _ if !call.custom => event.clone(),
            Some(values) => values.first().cloned().unwrap_or_else(Value::undefined),
            None => machine.field(event, &Keys::one(detail), place),
        };
        let mut out = Vec::new();
        if call.args.is_empty() {
            match told {
                Some(values) if call.custom => out.extend(values.iter().cloned()),
                _ => out.push(one_told(self)),
            }
        }
        for arg in call.args.iter().flatten() {
            let value = match text(&arg.value) {
                Some(word) if &**word == "$event" => one_told(self),
                Some(word) => match word.strip_prefix('$').and_then(|index| index.parse::<usize>().ok()) {
                    Some(index) => self.path_of_bound(at, call.paths.get(index).and_then(Option::as_ref), event),
                    None => self.template_value(at, &arg.value),
                },
                None => self.template_value(at, &arg.value),
            };
            out.push(value);
        }
        // Functions that the compiler made look for the event behind all arguments.
        if call
            .method
            .strip_prefix('e')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        {
            out.push(event.clone());
        }
        out
    }

    /// The value that a path names: `'form.phone'`, or `[['list', 'id', item.id, 'name']]` for a field of an item.
    fn path_of_bound(&mut self, at: At<'a>, path: Option<&'a Arg>, event: &Value) -> Value {
        let Some(path) = path else { return Value::any() };
        let place = Place { file: at.template, span: at.element.open };
        let instance = Value::object(self.instance(at.unit));
        if let Some(path) = text(&path.value) {
            return match path.strip_prefix("$event.") {
                Some(path) => self.data_path(event, path, place),
                None if path.is_empty() => instance,
                None => self.data_path(&instance, path, place),
            };
        }
        let mut value = instance;
        for step in list(&path.value) {
            let parts = list_of(step);
            let word =
                |at: usize| parts.get(at).and_then(|part| text(&part.as_ref()?.value)).filter(|word| !word.is_empty());
            if let Some(path) = word(0) {
                value = self.data_path(&value, path, place);
            }
            value = self.items_of(&value);
            if let Some(path) = word(3) {
                value = self.data_path(&value, path, place);
            }
        }
        value
    }

    /// `['$0', 'phone', '$event', []], ['form']`: `form.phone` takes what is typed.
    fn set_model(&mut self, at: At<'a>, call: BoundCall<'a>, typed: Value) {
        let place = Place { file: at.template, span: at.element.open };
        let word = |index: usize| call.args.get(index).and_then(|arg| text(&arg.as_ref()?.value));
        let Some(field) = word(1) else { return };
        let owner = match word(0).map(|owner| &**owner) {
            None | Some("") => Value::object(self.instance(at.unit)),
            Some(owner) => match owner.strip_prefix('$').and_then(|index| index.parse::<usize>().ok()) {
                Some(index) => match call.paths.get(index).and_then(Option::as_ref) {
                    Some(path) if text(&path.value).is_some() => {
                        let path = text(&path.value).map_or("", |path| &**path);
                        let path = if path.is_empty() { field.to_string() } else { format!("{path}.{field}") };
                        let instance = self.instance(at.unit);
                        self.write_path(&Value::object(instance), &path, typed, place, false);
                        return;
                    }
                    path => self.path_of_bound(at, path, &Value::any()),
                },
                None => {
                    let instance = self.instance(at.unit);
                    self.write_path(&Value::object(instance), &format!("{owner}.{field}"), typed, place, false);
                    return;
                }
            },
        };
        self.write_path(&owner, field, typed, place, false);
    }

    /// What an instance knows its elements by (`this.$refs.form`): the components that they are.
    pub(in crate::flow) fn references(&mut self, unit: UnitId, place: Place) -> Value {
        let out = self.make_at(place, 97, Kind::Plain);
        let program = self.program;
        let components: Vec<UnitId> = program.units[unit as usize].components.values().flatten().copied().collect();
        let mut found: Vec<(Name, ObjId)> = Vec::new();
        for component in components {
            if !self.units.contains_key(&component) {
                continue;
            }
            for (user, template, node) in self.uses.get(&component).cloned().unwrap_or_default() {
                let Some(element) = self.element(template, node).filter(|_| user == unit) else { continue };
                let called = ["data-ref", "u-r", "ref"]
                    .iter()
                    .find_map(|attribute| element.attribute(attribute)?.value.as_ref()?.literal());
                let Some(called) = called else { continue };
                let instance = self.instance(component);
                let model = self.bound_model(At { unit, template, node, element });
                // What several pages use has been told what all of them bind to it.
                let shared =
                    |machine: &Self| machine.uses.get(&component).into_iter().flatten().any(|(user, ..)| *user != unit);
                let known = if self.is_foreign(unit, element) || !model.objects.is_empty() && shared(self) {
                    self.answering(instance, model, Place { file: template, span: element.open })
                } else {
                    instance
                };
                found.push((name(&called), known));
            }
        }
        for (called, object) in found {
            let key = self.sym(&called);
            self.heap.add(out, key, &Value::object(object));
        }
        self.heap.set(out, ITEM, Some(Value::any()));
        Value::object(out)
    }

    /// The model that is bound to a component.
    fn bound_model(&mut self, at: At<'a>) -> Value {
        const MODELS: [&str; 6] = ["model", "modelvalue", "model-value", "value", "form", "data"];
        let place = Place { file: at.template, span: at.element.open };
        let mut model = Value::default();
        for attribute in &at.element.attributes {
            let Some(value) = &attribute.value else { continue };
            let written = attribute.name.to_ascii_lowercase();
            if MODELS.contains(&written.as_str()) {
                let held = self.evaluate(at.unit, at.template, at.node, value);
                model.join(&Value { objects: held.objects, ..Value::default() });
            } else if written == "u-p" {
                let properties = self.evaluate(at.unit, at.template, at.node, value);
                for member in ["model", "modelValue"] {
                    let key = self.known(member);
                    let held = self.field(&properties, &Keys::one(key), place);
                    model.join(&Value { objects: held.objects, ..Value::default() });
                }
            }
        }
        model
    }

    /// A component as its user knows it: its methods answer with the model that is bound to it.
    fn answering(&mut self, instance: ObjId, model: Value, place: Place) -> ObjId {
        let out = self.make_at(place, 98, Kind::Plain);
        let (target, first) = (self.external(VUE, "answer"), self.known("0"));
        for key in self.heap.keys(instance) {
            let method = self.heap.get(instance, key).is_some_and(|value| {
                value.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
            });
            if method {
                let outer = self.context;
                self.context ^= u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let bound = self.make_at(place, 99, Kind::Bound { target });
                self.context = outer;
                self.heap.set(bound, first, Some(model.clone()));
                self.heap.set(out, key, Some(Value::object(bound)));
            }
        }
        self.heap.set(out, ITEM, Some(Value::any()));
        out
    }

    fn template_value(&mut self, at: At<'a>, expr: &'a Expr) -> Value {
        let mut act = self.template_act(at.unit, at.template, at.node);
        self.eval(&mut act, expr)
    }
}

fn list_of(expr: &Expr) -> &[Option<Arg>] {
    match &expr.kind {
        ExprKind::Array(items) => items,
        _ => &[],
    }
}

fn list(expr: &Expr) -> impl Iterator<Item = &Expr> {
    list_of(expr).iter().flatten().map(|item| &item.value)
}

fn text(expr: &Expr) -> Option<&Name> {
    match &expr.kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}
