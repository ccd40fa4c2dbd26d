//! Handlers that templates bind, and the events that they are handed.

use std::collections::BTreeSet;

use crate::flow::entries::camel;
use crate::flow::entries::templates::MAX_ELEMENTS;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::{Entry, EntryKind, Fact, Place, Protection};
use crate::flow::value::{ANY, Ids, NUMBER, ObjId, Str, UNDEFINED, Value, one, unite};
use crate::model::ir::{ExprKind, Key, Name};
use crate::model::{Binding, UnitId, UnitKind};
use crate::package::Origin as FileOrigin;
use crate::policy::host::OpenType;
use crate::source::FileId;
use crate::syntax::template::{AttributeValue, Element, NodeId, NodeKind};

/// What attributes begin with whose values events carry.
const DATA: &str = "data-";
const MARK: &str = "mark:";
/// Most elements inside of one that is bound.
const MOST_INSIDE: usize = 24;

impl<'a> Machine<'a> {
    pub(super) fn handlers(&mut self, unit: UnitId) {
        let program = self.program;
        self.unseen_handlers(unit);
        let mut done: Vec<(Name, usize)> = Vec::new();
        for binding in program.bindings_of(unit) {
            let Some(element) = self.element(binding.template, binding.node) else { continue };
            let custom = matches!(program.units[unit as usize].components.get(&element.name), Some(Some(_)));
            if custom && (!binding.user_action || self.triggers(unit, &element.name, &binding.event)) {
                continue;
            }
            let mut functions = Value::default();
            let written = element.attributes.iter().filter_map(|a| a.value.as_ref()).find(|a| a.span == binding.span);
            let names: Vec<(Name, Ids)> = match (&binding.handler, written) {
                // `{{agreed ? 'submit' : 'remind'}}`: each is bound under what choosing it proves.
                (Some(handler), Some(value)) if value.literal().is_none() => {
                    let value = self.evaluate(unit, binding.template, binding.node, value);
                    let chosen = value.strings.iter().find(|text| text.complete() == Some(handler));
                    vec![(handler.clone(), chosen.map_or_else(Ids::new, |text| text.held.clone()))]
                }
                (Some(handler), _) => vec![(handler.clone(), Ids::new())],
                (None, None) => continue,
                (None, Some(value)) => {
                    functions = self.bound_functions(unit, binding, element);
                    let value = self.evaluate(unit, binding.template, binding.node, value);
                    let known = |text: &std::rc::Rc<Str>| Some((text.complete()?.clone(), text.held.clone()));
                    value.strings.iter().filter_map(known).collect()
                }
            };
            if !functions.objects.is_empty() {
                self.run_function(unit, binding, element, &functions);
            }
            for (handler, chosen) in names {
                // What a framework hands all events to says nothing of how much they have in common.
                if Self::is_bound_event(&handler) {
                    self.framework_event(unit, binding, element);
                    continue;
                }
                match done.iter_mut().find(|(known, _)| *known == handler) {
                    Some((_, count)) if *count >= MAX_ELEMENTS => continue,
                    Some((_, count)) => *count += 1,
                    None => done.push((handler.clone(), 1)),
                }
                self.run_handler(unit, binding, element, (&handler, &chosen));
            }
        }
    }

    /// The functions of the data that an attribute binds an event to.
    pub(super) fn bound_functions(&mut self, unit: UnitId, binding: &Binding, element: &'a Element) -> Value {
        let written = element.attributes.iter().filter_map(|a| a.value.as_ref()).find(|a| a.span == binding.span);
        let Some(written) = written else { return Value::default() };
        let mut functions = self.evaluate(unit, binding.template, binding.node, written);
        functions.objects.retain(|id| matches!(self.heap.kind(*id), Kind::Closure { .. }));
        Value { objects: functions.objects, ..Value::default() }
    }

    /// Whether a component of the package itself triggers an event of this name: its own code says what the event carries.
    fn triggers(&self, unit: UnitId, element: &str, event: &str) -> bool {
        let program = self.program;
        let Some(Some(component)) = program.units[unit as usize].components.get(element) else { return false };
        let Some(file) = program.units[*component as usize].script else { return false };
        if !matches!(self.package.files[file.index()].origin, FileOrigin::Own) {
            return false;
        }
        let mut found = false;
        let tells = &self.host.info.event_methods;
        if let Some(script) = program.script(file) {
            script.for_each_expr(&mut |expr| {
                let ExprKind::Call { callee, args, .. } = &expr.kind else { return };
                let ExprKind::Member { key: Key::Static(name, _), .. } = &callee.kind else { return };
                found |= tells.contains(name)
                    && args
                        .first()
                        .is_some_and(|arg| matches!(&arg.value.kind, ExprKind::String(name) if &**name == event));
            });
        }
        found
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

    /// Runs a handler that is bound, where that hangs on something under what it proves.
    pub fn run_handler(
        &mut self,
        unit: UnitId,
        binding: &Binding,
        element: &'a Element,
        (handler, chosen): (&str, &[u32]),
    ) {
        // A component's event may say by its name that the user did not agree.
        let acted = binding.user_action && !self.policy.privacy.refuses(&binding.event);
        let mut facts = self.element_facts(unit, binding.template, binding.node, acted);
        unite(&mut facts, chosen);
        let kind = if binding.user_action { EntryKind::User } else { EntryKind::Event };
        let (template, node) = (binding.template, binding.node);
        let event = binding.event.clone();
        let instance = self.instance(unit);
        if self.method(instance, handler).is_none() {
            self.unhandled(unit, kind, binding, element, &facts);
            return;
        }
        self.enter(unit, kind, handler, Some((template, node)), &facts, |machine| {
            let mut arguments = machine.handed_before(unit, binding, element, handler);
            let place = Place { file: template, span: element.open };
            arguments.extend(machine.bound_before(unit, element, (place, node), &event, handler));
            let event = machine.event(unit, template, node, element, &event);
            machine.told_on_targets(unit, &event);
            arguments.push(event);
            arguments
        });
    }

    /// What users put into a field is taken, even where the method that takes it cannot be seen.
    fn unhandled(&mut self, unit: UnitId, kind: EntryKind, binding: &Binding, element: &'a Element, facts: &[u32]) {
        let (template, node) = (binding.template, binding.node);
        let Some(component) = self.host.components.get(&element.name) else { return };
        let has = |role: &str| component.roles.iter().any(|known| &**known == role);
        let fields = if has("form") && &*binding.event == "submit" {
            self.inputs_inside(template, node)
        } else if (has("input") || has("textarea") || has("picker") || has("editor")) && value_event(&binding.event) {
            vec![(node, element)]
        } else {
            return;
        };
        for (node, field) in fields {
            let value = self.input_value(unit, template, node, field);
            let place = Place { file: template, span: field.open };
            let label = field.attribute("name").and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal);
            let value = self.typed_by_key(value, label.as_deref().unwrap_or(""), place);
            let known: Vec<usize> = value
                .taints
                .iter()
                .map(|&id| &self.taints[id as usize])
                .filter(|taint| !taint.kind.is_empty())
                .map(|taint| taint.collection)
                .collect();
            if known.is_empty() {
                continue;
            }
            let entry = Entry {
                kind,
                route: self.program.units[unit as usize].route.clone(),
                method: binding.handler.clone().unwrap_or_else(|| binding.event.clone()),
                place,
                element: Some((template, node)),
            };
            self.run_entry(entry, facts, None, |machine| {
                for collection in known {
                    machine.reached(collection, place);
                }
                Value::undefined()
            });
        }
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
            // What a component tells is handed on without the event around it.
            let told = if machine.program.units[unit as usize].components.contains_key(&element.name) {
                let detail = machine.known("detail");
                machine.field(&event, &Keys::one(detail), place)
            } else {
                event
            };
            machine.call(functions, &Value::object(instance), vec![told], &site)
        });
    }

    /// What holds when the user can act on an element: the conditions that show and enable it.
    pub fn element_facts(&mut self, unit: UnitId, template: FileId, node: NodeId, acted: bool) -> Ids {
        let mut out = Ids::new();
        if acted {
            let fact = self.fact(Fact::Acted(template, node));
            out = self.with_agreement(one(fact));
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

    /// Whether an element has attributes that begin so.
    fn carries(&self, template: FileId, node: NodeId, prefix: &str) -> bool {
        self.element(template, node)
            .is_some_and(|element| element.attributes.iter().any(|attribute| attribute.name.starts_with(prefix)))
    }

    /// Writes the values of an element's attributes that begin so into an object, under the rest of their names, or joins them
    /// with what stands there.
    fn attributes_of(
        &mut self,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        prefix: &str,
        (object, joined): (ObjId, bool),
    ) {
        let Some(element) = self.element(template, node) else { return };
        let place = Place { file: template, span: element.open };
        for attribute in &element.attributes {
            let written = attribute.name.to_ascii_lowercase();
            let Some(data) = written.strip_prefix(prefix).map(camel) else { continue };
            if let Some(value) = &attribute.value {
                let value = self.evaluate(unit, template, node, value);
                let value = self.stepped(value, place, "dataset", &name(&data));
                let key = self.sym(&data);
                if joined {
                    self.heap.add(object, key, &value);
                } else {
                    self.heap.set(object, key, Some(value));
                }
            }
        }
    }

    /// The event object of a handler.
    pub fn event(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element, event: &str) -> Value {
        let place = Place { file: template, span: element.open };
        let object = self.make_at(place, 70, Kind::Plain);
        let target = self.make_at(place, 71, Kind::Plain);
        let dataset = self.make_at(place, 72, Kind::Plain);
        self.attributes_of(unit, template, node, DATA, (dataset, false));
        self.heap.set(dataset, ITEM, Some(Value::any()));
        let dataset_key = self.known("dataset");
        self.heap.set(target, dataset_key, Some(Value::object(dataset)));
        self.heap.set(target, ITEM, Some(Value::any()));
        if let Some(id) = element.attribute("id").and_then(|attribute| attribute.value.as_ref()?.literal()) {
            let key = self.known("id");
            self.heap.set(target, key, Some(Value::string(id.as_str().into(), None)));
        }
        let key = self.known("currentTarget");
        self.heap.set(object, key, Some(Value::object(target)));
        // What is tapped may stand inside of what is bound.
        let inner: Vec<NodeId> =
            self.elements_below(template, node).into_iter().map(|(below, _)| below).take(MOST_INSIDE).collect();
        let key = self.known("target");
        if inner.iter().any(|below| self.carries(template, *below, DATA)) {
            let tapped = self.make_at(place, 79, Kind::Plain);
            let data = self.make_at(place, 89, Kind::Plain);
            self.copy_fields(data, &Value::object(dataset), &[]);
            for &below in &inner {
                self.attributes_of(unit, template, below, DATA, (data, true));
            }
            self.heap.set(tapped, dataset_key, Some(Value::object(data)));
            self.heap.set(tapped, ITEM, Some(Value::any()));
            self.heap.set(object, key, Some(Value::object(tapped)));
        } else {
            self.heap.set(object, key, Some(Value::object(target)));
        }
        // Marks are those of all elements from the one that is tapped to the top.
        let mut marked = inner;
        let mut at = node;
        while let Some(this) = self.program.template(template).and_then(|facts| facts.document.nodes.get(at as usize)) {
            marked.push(at);
            if this.parent == at {
                break;
            }
            at = this.parent;
        }
        marked.retain(|one| self.carries(template, *one, MARK));
        if !marked.is_empty() {
            let mark = self.make_at(place, 69, Kind::Plain);
            for one in marked {
                self.attributes_of(unit, template, one, MARK, (mark, true));
            }
            let key = self.known("mark");
            self.heap.set(object, key, Some(Value::object(mark)));
        }
        let detail = self.detail(unit, template, node, element, event);
        let key = self.known("detail");
        self.heap.set(object, key, Some(detail));
        self.heap.set(object, ITEM, Some(Value::any()));
        Value::object(object)
    }

    pub(super) fn detail(
        &mut self,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
        event: &str,
    ) -> Value {
        let place = Place { file: template, span: element.open };
        let detail = self.make_at(place, 73, Kind::Plain);
        let mut out = Value { bits: ANY, objects: one(detail), ..Value::default() };
        let Some(component) = self.host.components.get(&element.name) else {
            if self.is_foreign(unit, element) && self.policy.privacy.hands_files(&element.name, event) {
                let kinds = BTreeSet::from([name("photo-media")]);
                let source: Name = element.name.to_string().into();
                let collection = self.collection(place, source, Some((template, node)), kinds, 90, false, None);
                self.record.collections[collection].lazy = true;
                let taints = self.taints_of(collection, &[name("photo-media")], None);
                self.heap.set(detail, ITEM, Some(Value { taints: taints.clone(), ..Value::any() }));
                out.taints = taints;
            } else if self.is_foreign(unit, element) && value_event(event) {
                let taints = self.field_taints(unit, template, node, element);
                if !taints.is_empty() {
                    let value = Value { taints: taints.clone(), ..Value::any() };
                    let key = self.known("value");
                    self.heap.set(detail, key, Some(value));
                    out.taints = taints;
                }
            }
            return out;
        };
        let has = |role: &str| component.roles.iter().any(|known| &**known == role);
        let value_key = self.known("value");
        // Host buttons.
        let answers = |open: &OpenType| open.event.as_deref().is_some_and(|answer| answer.eq_ignore_ascii_case(event));
        if let Some((open, written)) = self.open_types(template, element).into_iter().find(|(open, _)| answers(open)) {
            let kinds: BTreeSet<Name> =
                open.yields.values().chain(open.ciphertext.values()).flatten().cloned().collect();
            if !kinds.is_empty() {
                let source: Name = format!("{}[open-type={written}]", element.name).into();
                let collection =
                    self.collection(place, source, Some((template, node)), kinds, 100, true, open.scope.clone());
                self.seal(collection, &open.yields, &open.ciphertext);
                self.handed(collection);
                for (path, kinds) in &open.yields {
                    let taints = self.taints_of(collection, kinds, None);
                    self.answer_at(&mut out, path, taints, place);
                }
                for (path, kinds) in &open.ciphertext {
                    let taints = self.taints_of(collection, kinds, Some(Protection::HostCiphertext));
                    self.answer_at(&mut out, path, taints, place);
                }
                let mut inside = out.objects.clone();
                for &object in &out.objects {
                    self.heap.each(object, |value| unite(&mut inside, &value.objects));
                }
                self.handed.extend(inside);
                self.answered_button(&mut out, open, &written, place);
                return out;
            }
        }
        // Events of components that carry personal information.
        for (events, protection) in
            [(&component.yields, None), (&component.ciphertext, Some(Protection::HostCiphertext))]
        {
            let Some((_, paths)) = events.iter().find(|(known, _)| known.eq_ignore_ascii_case(event)) else { continue };
            let kinds: BTreeSet<Name> = paths.values().flatten().cloned().collect();
            let source: Name = element.name.to_string().into();
            let prompt = component.scope.is_some() || protection.is_some();
            let collection =
                self.collection(place, source, Some((template, node)), kinds, 100, prompt, component.scope.clone());
            self.record.collections[collection].lazy = true;
            for (path, kinds) in paths {
                let taints = self.taints_of(collection, kinds, protection.clone());
                self.answer_at(&mut out, path, taints, place);
            }
        }
        if has("form") {
            let values = self.make_at(place, 74, Kind::Plain);
            for (inner, input) in self.inputs_inside(template, node) {
                let literal = input.attribute("name").and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal);
                let turns = match literal {
                    Some(_) => vec![None],
                    None => self.turns_of_loop(unit, template, inner).into_iter().map(Some).collect(),
                };
                for turn in turns {
                    self.turn_of_loop = turn;
                    let field = self.attribute_text(unit, template, inner, input, "name");
                    if let Some(field) = field {
                        let value = self.input_value(unit, template, inner, input);
                        let key = self.sym(&field);
                        let value = self.typed_by_key(value, &field, Place { file: template, span: input.open });
                        self.heap.set(values, key, Some(value));
                    }
                    self.turn_of_loop = None;
                }
            }
            let mut value = Value::object(values);
            value.bits = 0;
            self.heap.set(values, ITEM, Some(Value::any()));
            self.forms.insert(values);
            self.heap.set(detail, value_key, Some(value));
        } else if has("checkbox") || has("switch") || has("radio") {
            let ticked = self.fact(Fact::Ticked(template, node));
            let ticked = self.with_agreement(one(ticked));
            let value = Value { bits: ANY, ..Value::default() }.when(ticked.clone(), Ids::new());
            let value = match self.radio_value(template, node) {
                Some(states) => states,
                None if has("checkbox") => value,
                None => Value { taints: self.chosen(unit, template, node, element), ..value },
            };
            let given = if has("checkbox") {
                // A list of what is ticked: that it is there says nothing, that it has an item does.
                let list = self.make_at(place, 75, Kind::Array);
                let length = self.known("length");
                let count = Value { bits: NUMBER, ..Value::default() };
                self.heap.set(list, length, Some(count.when(ticked, Ids::new())));
                self.heap.set(list, ITEM, Some(value.clone()));
                Value::object(list)
            } else {
                value.clone()
            };
            self.heap.set(detail, value_key, Some(given));
            let checked = self.known("checked");
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

    /// What the answer of a host button proves: with something of what was asked for the user agreed, without it not. Its
    /// message tells which.
    fn answered_button(&mut self, answer: &mut Value, open: &OpenType, api: &str, place: Place) {
        let mut granted = one(self.fact(Fact::Succeeded(place)));
        let mut refused = one(self.fact(Fact::Failed(place)));
        if let Some(scope) = &open.scope {
            let (yes, no) = (self.fact(Fact::Authorized(scope.clone())), self.fact(Fact::Refused(scope.clone())));
            unite(&mut granted, &[yes]);
            unite(&mut refused, &[no]);
        }
        let Some(&object) = answer.objects.first() else { return };
        for key in self.heap.keys(object) {
            if let Some(value) = self.heap.get(object, key).cloned() {
                self.heap.set(object, key, Some(value.when(granted.clone(), refused.clone())));
            }
        }
        let mut agreed = Str::literal(name(&format!("{api}:ok")), None);
        agreed.held = granted.clone();
        let failed = Str::starting(name(&format!("{api}:fail")), refused.clone());
        let texts = smallvec::smallvec![std::rc::Rc::new(agreed), std::rc::Rc::new(failed)];
        let message = self.known("errMsg");
        self.heap.set(
            object,
            message,
            Some(Value { bits: UNDEFINED, strings: texts, no: refused.clone(), ..Value::default() }),
        );
        for code in ["errno", "errCode"] {
            let key = self.known(code);
            self.heap.set(object, key, Some(Value::any().when(refused.clone(), granted.clone())));
        }
        // Known as it is, so that what the fields prove is not blurred by a guess. What goes along with the answer (`iv`) is
        // there where that is.
        self.heap.set(object, ITEM, Some(Value::any().when(granted, refused)));
        answer.bits = 0;
    }

    /// The values of a group of radios of which some agree to terms and others do not: each proves what its own text says.
    fn radio_value(&mut self, template: FileId, group: NodeId) -> Option<Value> {
        let facts = self.program.template(template)?;
        let radios: Vec<(NodeId, String)> = self
            .elements_below(template, group)
            .into_iter()
            .filter(|(_, element)| &*element.name == "radio")
            .map(|(node, element)| Some((node, element.attribute("value")?.value.as_ref()?.literal()?)))
            .collect::<Option<_>>()?;
        if radios.len() < 2 {
            return None;
        }
        let mut out = Value::default();
        for (node, value) in &radios {
            let mut top = *node;
            while let Some(parent) = facts.document.nodes.get(top as usize).map(|node| node.parent) {
                let below = self.elements_below(template, parent);
                if parent == top || parent == group || below.iter().filter(|(_, one)| &*one.name == "radio").count() > 1
                {
                    break;
                }
                top = parent;
            }
            let says = self.text_inside(template, top);
            let privacy = &self.policy.privacy;
            let held = if privacy.agrees(&says) && !privacy.refuses(&says) {
                let ticked = self.fact(Fact::Ticked(template, *node));
                self.with_agreement(one(ticked))
            } else {
                Ids::new()
            };
            let mut text = Str::literal(name(value), None);
            text.held = held.clone();
            out.join(&Value { strings: smallvec::smallvec![std::rc::Rc::new(text)], yes: held, ..Value::default() });
        }
        out.strings.iter().any(|text| !text.held.is_empty()).then_some(out)
    }

    /// Whether an element is a component whose code is not the package's own.
    pub(in crate::flow) fn is_foreign(&self, unit: UnitId, element: &Element) -> bool {
        match self.program.units[unit as usize].components.get(&element.name) {
            Some(None) => true,
            Some(Some(component)) => self.program.units[*component as usize]
                .script
                .is_some_and(|script| !matches!(self.package.files[script.index()].origin, FileOrigin::Own)),
            None => false,
        }
    }
}

/// Whether an event tells what a field holds.
fn value_event(event: &str) -> bool {
    matches!(
        event,
        "updateModelValue"
            | "input"
            | "change"
            | "blur"
            | "confirm"
            | "update"
            | "enter"
            | "value-change"
            | "valuechange"
    )
}
