//! Methods and data that the host gives to every instance of a unit.

use crate::flow::frameworks::At;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site};
use crate::flow::record::Opening;
use crate::flow::solution::{EntryKind, Fact, Place, Update};
use crate::flow::value::{ANY, Ids, NULL, ObjId, Piece, Value, one, unite};
use crate::model::UnitId;
use crate::model::ir::Name;
use crate::source::{FileId, Span};
use crate::syntax::template::{AttributeValue, NodeId};

impl<'a> Machine<'a> {
    /// Reads `a.b[0].c` from an object.
    pub fn data_path(&mut self, base: &Value, path: &str, place: Place) -> Value {
        let mut value = base.clone();
        for part in path_parts(path) {
            let key = self.sym(&part);
            let keys = if part == "*" { Keys::default() } else { Keys::one(key) };
            value = self.field(&value, &keys, place);
        }
        value
    }

    /// Writes `a.b[0].c`, making what is missing on the way.
    pub fn write_path(&mut self, base: &Value, path: &str, value: Value, place: Place, strong: bool) {
        self.read_handed(&value, place);
        let parts = path_parts(path);
        // Which item it is is not known.
        let strong = strong && !parts.iter().any(|part| part == "*");
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

    /// Methods that instances have from the host.
    pub fn unit_method(
        &mut self,
        instance: ObjId,
        unit: UnitId,
        method: &str,
        args: &[Value],
        site: &Site,
    ) -> Option<Value> {
        let data_key = self.known("data");
        // … and what frameworks call the same.
        if self.host.info.dispatch_method.as_deref() == Some(method) {
            self.dispatch(unit, args, site);
        }
        if self.tells_event(method) || method == "$emit" {
            self.trigger(unit, args, site);
            return Some(Value::undefined());
        }
        let made;
        let args = match method {
            "setState" => {
                made = self.next_state(instance, args, site);
                &made
            }
            _ => args,
        };
        match method {
            "$set" if args.len() > 2 && args.first().is_some_and(|target| !target.objects.is_empty()) => {
                Some(self.set_key(args))
            }
            "setData" | "$set" | "updateData" | "setState" => {
                let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
                let first = args.first().cloned().unwrap_or_default();
                if !first.strings.is_empty() {
                    let value = args.get(1).cloned().unwrap_or_default();
                    let keys = self.path_keys(&first);
                    if keys.0.is_empty() {
                        let value = self.stepped(value, site.place, "set-data", &"*".into());
                        for &target in &data.objects {
                            self.heap.add(target, ITEM, &value);
                        }
                    } else {
                        for key in keys.0 {
                            let path = self.spell(key);
                            let value = self.stepped(value.clone(), site.place, "set-data", &path);
                            self.write_path(&data, &path, value, site.place, true);
                        }
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
            "selectComponent" | "selectAllComponents" => {
                let components: Vec<UnitId> =
                    self.program.units[unit as usize].components.values().flatten().copied().collect();
                let mut out = Value { bits: NULL, ..Value::default() };
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
            "getRelationNodes" => {
                let path = args.first().and_then(Value::as_text).cloned().unwrap_or_default();
                let related = beside_route(&self.program.units[unit as usize].route, &path);
                let found = self.program.units.iter().position(|other| *other.route == *related);
                let mut out = Value::default();
                match found.map(|index| index as UnitId).filter(|other| self.units.contains_key(other)) {
                    Some(other) => out.join(&Value::object(self.instance(other))),
                    None => out.bits = ANY,
                }
                Some(self.list_of(out, site))
            }
            "selectOwnerComponent" => {
                let users = self.uses.get(&unit).cloned().unwrap_or_default();
                let mut out = Value { bits: NULL, ..Value::default() };
                for (user, ..) in users {
                    if self.units.contains_key(&user) {
                        out.join(&Value::object(self.instance(user)));
                    }
                }
                Some(out)
            }
            "getOpenerEventChannel" => Some(Value::object(self.bus)),
            "createSelectorQuery" | "createIntersectionObserver" | "hasBehavior" | "animate" | "clearAnimation" => {
                Some(Value::any())
            }
            _ => None,
        }
    }

    /// Whether a component tells its user of events by a method of that name.
    pub fn tells_event(&self, method: &str) -> bool {
        self.host.info.event_methods.iter().any(|known| &**known == method)
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

    pub fn set_data(&mut self, data: &Value, update: &Value, site: &Site) {
        const DEPTH: usize = 4;
        for &taint in &self.deep_taints(update, DEPTH) {
            self.note_used(taint);
        }
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
        let (mut places, mut joined) = (Vec::new(), Vec::new());
        self.each_held(value, depth, |inner| {
            for text in &inner.strings {
                let Some(place) = text.place else { continue };
                places.push(place);
                // A literal is as long as its text and two quotes.
                let whole = text.complete().is_some_and(|text| text.len() as u32 + 2 == place.span.len());
                if !whole {
                    joined.push((place, text.written()));
                }
            }
        });
        self.record.shown.extend(places);
        joined.retain(|(_, text)| !text.is_ascii());
        if self.record.joined.len() < MOST_JOINED {
            self.record.joined.extend(joined);
        }
    }

    /// A component's own event: the handlers of its users run with what it tells.
    fn trigger(&mut self, unit: UnitId, args: &[Value], site: &Site) {
        let Some(event) = args.first().and_then(Value::as_text).cloned() else {
            self.record.blind(site.place, "dynamic-event", "");
            return;
        };
        // `update:modelValue` is bound as `updateModelValue`.
        let event: Name = event.replace(':', "").into();
        let detail = args.get(1).cloned().unwrap_or_else(Value::undefined);
        let detail = self.stepped(detail, site.place, "triggered", &event);
        let users = self.uses.get(&unit).cloned().unwrap_or_default();
        let program = self.program;
        let bubbles = self.bubbles(args.get(2), site);
        for (user, template, own) in users {
            let mut around: Vec<u32> = vec![own];
            if let Some(facts) = program.template(template).filter(|_| bubbles) {
                around.extend(facts.document.ancestors(own));
            }
            for binding in program.bindings_of(user).iter().filter(|binding| {
                binding.template == template
                    && around.contains(&binding.node)
                    && binding.event.eq_ignore_ascii_case(&event)
            }) {
                let node = binding.node;
                let Some(element) = self.element(template, node).filter(|_| self.units.contains_key(&user)) else {
                    continue;
                };
                let instance = self.instance(user);
                let compiled = binding.handler.as_deref().is_some_and(Self::is_bound_event);
                let (target, bare) = match &binding.handler {
                    _ if compiled => (Value::default(), false),
                    Some(handler) => match self.method(instance, handler) {
                        Some((target, _)) => (target, false),
                        None => continue,
                    },
                    // A function of the data itself, as compiled components have it, gets what is told and no event.
                    None => (self.bound_functions(user, binding, element), true),
                };
                if target.objects.is_empty() && !compiled {
                    continue;
                }
                let argument = self.event(user, template, node, element, "");
                let key = self.known("detail");
                let rest: Vec<Value> = args.iter().skip(2).cloned().collect();
                let handed = self.handed_by_others(unit, user);
                let detail = self.without_inputs(detail.clone(), &handed, element.open, template, 2);
                let detail = self.told_by(detail, user, template, node, element, 2);
                for &object in &argument.objects {
                    self.heap.set(object, key, Some(detail.clone()));
                }
                let label = binding.handler.clone().unwrap_or_else(|| event.clone());
                let inner = Site { place: site.place, args: Vec::new(), name: label, used: true };
                // What a library's component shows is said where it is used.
                let acted = binding.user_action
                    && self.is_foreign(user, element)
                    && !self.policy.privacy.refuses(&event)
                    && self.entries[self.entry].kind == EntryKind::User;
                let facts = if acted {
                    let fact = self.fact(Fact::Acted(template, node));
                    self.with_agreement(one(fact))
                } else {
                    Ids::new()
                };
                let mut told = vec![detail];
                for value in rest {
                    told.push(self.without_inputs(value, &handed, element.open, template, 1));
                }
                self.perhaps(&facts, |machine| {
                    if compiled {
                        let at = At { unit: user, template, node, element };
                        machine.told_to_bound(at, (&event, &argument), &told, site);
                        return Value::undefined();
                    }
                    let given = if bare { told } else { vec![argument] };
                    machine.call(&target, &Value::object(instance), given, &inner)
                });
            }
        }
    }

    /// Whether the options of an event say that it goes on to what the component stands in.
    fn bubbles(&mut self, options: Option<&Value>, site: &Site) -> bool {
        let Some(options) = options.filter(|options| !options.objects.is_empty()) else { return false };
        let key = self.known("bubbles");
        let value = self.field(options, &Keys::one(key), site.place);
        !value.is_any() && value.may_true()
    }

    /// The templates of other pages and components that use a component: what they hand it, it does not tell this one.
    fn handed_by_others(&self, component: UnitId, user: UnitId) -> Vec<FileId> {
        let units = &self.program.units;
        let own = &units[user as usize].templates;
        let others = self.uses.get(&component).into_iter().flatten().filter(|(other, ..)| *other != user);
        let mut out: Vec<FileId> = others.flat_map(|(other, ..)| &units[*other as usize].templates).copied().collect();
        out.retain(|file| !own.contains(file) && !units[component as usize].templates.contains(file));
        out.sort_unstable();
        out.dedup();
        out
    }

    /// A value without what fields of these templates take.
    fn without_inputs(&mut self, value: Value, files: &[FileId], open: Span, template: FileId, depth: u8) -> Value {
        if files.is_empty() {
            return value;
        }
        let mut out = value;
        let stays = |machine: &Self, id: u32| {
            let collection = machine.taints[id as usize].collection;
            let draft = &machine.record.collections[collection];
            !draft.input || files.binary_search(&draft.place.file).is_err()
        };
        out.taints.retain(|id| stays(self, *id));
        for text in &mut out.strings {
            let touched =
                |piece: &Piece| matches!(piece, Piece::Hole(ids, ..) if ids.iter().any(|id| !stays(self, *id)));
            if text.pieces.iter().any(touched) {
                let mut new = (**text).clone();
                for piece in &mut new.pieces {
                    if let Piece::Hole(ids, ..) = piece {
                        ids.retain(|id| stays(self, *id));
                    }
                }
                *text = std::rc::Rc::new(new);
            }
        }
        if depth == 0 {
            return out;
        }
        let place = Place { file: template, span: open };
        for index in 0..out.objects.len() {
            let object = out.objects[index];
            let inner = self.deep_taints(&Value::object(object), 2);
            let kind = self.heap.kind(object).clone();
            if !matches!(kind, Kind::Plain | Kind::Array) || inner.iter().all(|id| stays(self, *id)) {
                continue;
            }
            let outer = self.context;
            self.context ^= u64::from(object).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let copy = self.make_at(place, 103, kind);
            self.context = outer;
            for key in self.heap.keys(object) {
                if let Some(value) = self.heap.get(object, key).cloned() {
                    let value = self.without_inputs(value, files, open, template, depth - 1);
                    self.heap.set(copy, key, Some(value));
                }
            }
            out.objects.put(index, copy);
        }
        out.objects.sort_unstable();
        out
    }

    /// A message of a component to those around it: the first on each way up that listens to its name gets it.
    fn dispatch(&mut self, unit: UnitId, args: &[Value], site: &Site) {
        const MOST: usize = 24;
        let Some(name) = args.first().and_then(Value::as_text).cloned() else { return };
        let value = args.get(1).cloned().unwrap_or_else(Value::undefined);
        let value = self.stepped(value, site.place, "triggered", &name);
        let (messages, key, value_key) = (self.known("messages"), self.sym(&name), self.known("value"));
        let users = |machine: &Self, unit: UnitId| -> Vec<UnitId> {
            machine.uses.get(&unit).into_iter().flatten().map(|(user, _, _)| *user).collect()
        };
        let mut seen = vec![unit];
        let mut next = users(self, unit);
        while let Some(user) = next.pop() {
            if seen.contains(&user) || seen.len() > MOST || !self.units.contains_key(&user) {
                continue;
            }
            seen.push(user);
            let instance = self.instance(user);
            let group = self.heap.get(instance, messages).and_then(|group| group.objects.first().copied());
            let Some(handler) = group.and_then(|group| self.heap.get(group, key).cloned()) else {
                next.extend(users(self, user));
                continue;
            };
            let message = self.make_at(site.place, 78, Kind::Plain);
            self.heap.set(message, value_key, Some(value.clone()));
            self.heap.set(message, ITEM, Some(Value::any()));
            let inner = Site { place: site.place, args: Vec::new(), name: name.clone(), used: true };
            self.perhaps(&[], |machine| {
                machine.call(&handler, &Value::object(instance), vec![Value::object(message)], &inner)
            });
        }
    }

    /// Remembers what holds whenever a page is opened from inside the program.
    pub fn opened(&mut self, route: &str) {
        let held = self.current_facts();
        let mut facts = held.clone();
        let through = self.through.clone();
        if let Some(above) = through.as_ref().and_then(|through| self.navigation_facts.get(through)) {
            facts.retain(|fact| above.binary_search(fact).is_err());
        }
        let from = self.entries[self.entry].route.clone();
        if !from.is_empty() {
            // Who taps a component is on a page that shows it.
            let mut pages = self.pages_with(&from);
            if pages.is_empty() {
                pages.push(from);
            }
            self.opened_from.entry(route.into()).or_default().extend(pages.iter().cloned());
            // Who goes on by refusing has passed nothing.
            if pages.iter().all(|page| self.tells(page))
                && !self.said_no(&held)
                && let Some(page) = pages.pop()
            {
                let passed = self.fact(Fact::Passed(page));
                unite(&mut facts, &[passed]);
            }
        }
        let free = self.starts(route);
        let opening = match free {
            true => Opening { route: route.into(), facts: Ids::new(), through: None },
            false => Opening { route: route.into(), facts, through },
        };
        self.record.openings.push(opening);
    }
}

/// The route of what a path names, seen from a unit.
fn beside_route(route: &str, path: &str) -> String {
    let mut parts: Vec<&str> = route.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Joined strings that one execution notes at most.
const MOST_JOINED: usize = 4096;

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
