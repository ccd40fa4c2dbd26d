//! Pages and components that frameworks make: their options, classes, rendered elements and handlers.

mod bound;
mod components;
mod react;
mod stores;
mod vue;
pub(super) mod vuex;

pub(super) use bound::At;
pub(super) use react::Root;

use super::heap::Kind;
use super::machine::{Keys, Machine, Site, name};
use super::solution::{Entry, EntryKind, Place};
use super::value::{ObjId, Value};
use crate::model::{Binding, UnitId, UnitKind};
use crate::syntax::template::Element;

/// What `setup` gave to render with.
const RENDER: &str = "[[render]]";
/// Where instances keep the functions that are called when they load.
pub(super) const HOOK: &str = "[[hook]]";
/// Functions of frameworks that take what is to be called when a page or component loads.
pub(super) const LOAD_HOOKS: [&str; 14] = [
    "onLaunch",
    "onLoad",
    "onShow",
    "onReady",
    "onBeforeMount",
    "onMounted",
    "useLoad",
    "useReady",
    "useDidShow",
    "useEffect",
    "useLayoutEffect",
    "componentWillMount",
    "componentDidMount",
    "componentDidShow",
];
/// The runtime of Chameleon, as a module.
const CHAMELEON: &str = "chameleon-runtime";
/// Most handlers of rendered elements that are run.
const MAX_LISTENERS: usize = 400;

/// A handler that a framework gave to an element it rendered.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub handler: Value,
    pub label: crate::model::ir::Name,
    pub place: Place,
    pub unit: Option<UnitId>,
    taken: Option<react::Taken>,
}

impl<'a> Machine<'a> {
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
                if !args.is_empty()
                    && let Some(unit) = self.current_unit
                    && !self.is_registered(unit)
                {
                    self.record.blind(site.place, "opaque-options", path);
                    let instance = self.instance(unit);
                    self.registered(instance);
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
            "getCurrentPages" => self.current_pages(site),
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
    pub fn register_framework(&mut self, options: &Value, site: &Site) {
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
        if self.heap.objects[instance as usize].proto.is_none() {
            self.heap.objects[instance as usize].proto = Some(self.shared_by_all);
        }
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
                let Some(written) = self.heap.get(object, key).and_then(|value| value.objects.first().copied()) else {
                    continue;
                };
                let (get, set) = (self.known("get"), self.known("set"));
                let part = |machine: &Self, key| machine.heap.get(written, key)?.objects.first().copied();
                let pair = matches!(self.heap.kind(written), Kind::Plain);
                if let Some(getter) = if pair { part(self, get) } else { Some(written) } {
                    self.heap.objects[instance as usize].getters.push((key, getter));
                }
                if let Some(setter) = part(self, set).filter(|_| pair) {
                    self.heap.objects[instance as usize].setters.push((key, setter));
                }
            }
        }
    }

    /// A page or app that is an instance of a class: what the class and its mixins have stands on the host's own instance.
    pub fn register_class(&mut self, class: &Value, site: &Site) {
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
                "setup" => vec![this.clone(), self.setup_context(instance, site.place)],
                // (_ctx, _cache, $props, $setup, $data, $options)
                _ => vec![this.clone(), Value::any(), this.clone(), this.clone(), this.clone(), this.clone()],
            };
            let mut given = self.call(&target, &this, args, site);
            let renders = given.objects.iter().any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. }));
            if method == "setup" && renders {
                let key = self.known(RENDER);
                self.heap.set(instance, key, Some(given.clone()));
                given = self.call(&given, &this, vec![this.clone(), Value::any()], site);
            }
            self.copy_fields(instance, &given, &[]);
        }
    }

    /// Renders a component again, by what its data have become: what a loop shows is there only then.
    pub fn render_again(&mut self, unit: UnitId) {
        let instance = self.instance(unit);
        let (data, own, kept) = (self.known("data"), self.known("render"), self.known(RENDER));
        let compiled = self.heap.get(instance, data).is_some_and(|data| data.objects.contains(&instance));
        let render = self.heap.get(instance, kept).or_else(|| self.heap.get(instance, own)).cloned();
        let Some(render) = render.filter(|render| compiled && !render.objects.is_empty()) else { return };
        let place = self.heap.objects[render.objects[0] as usize].place;
        let entry = Entry {
            kind: EntryKind::Event,
            route: self.program.units[unit as usize].route.clone(),
            method: name("render"),
            place,
            element: None,
        };
        self.run_entry(entry, &[], Some(&render), |machine| {
            let this = Value::object(instance);
            // (_ctx, _cache, $props, $setup, $data, $options)
            let args = vec![this.clone(), Value::any(), this.clone(), this.clone(), this.clone(), this.clone()];
            let site = Site { place, args: Vec::new(), name: name("render"), used: true };
            let given = machine.call(&render, &this, args, &site);
            for &object in &given.objects {
                for key in machine.heap.keys(object) {
                    if let Some(value) = machine.heap.get(object, key).cloned() {
                        machine.heap.add(instance, key, &value);
                    }
                }
            }
            Value::undefined()
        });
    }

    /// Calls of framework functions by name, where their code is not run.
    pub fn framework_call(&mut self, module: &str, chain: &[&str], args: &[Value], site: &Site) -> Option<Value> {
        if let Some(answer) = self.store_call(module, chain, args, site) {
            return Some(answer);
        }
        if let Some(answer) = self.vue_call(module, chain, args, site) {
            return Some(answer);
        }
        if let Some(answer) = self.shop_call(module, chain, args, site) {
            return Some(answer);
        }
        let last = chain.last()?;
        match *last {
            "createApp" | "createComponent" if args.first().is_some_and(|arg| self.is_class_component(arg)) => {
                self.register_class_component(&args[0], site);
                Some(Value::undefined())
            }
            "createApp" | "createPage" | "createComponent" if module == CHAMELEON && !args.is_empty() => {
                self.register_framework(&args[0], site);
                // The options are asked for again.
                let made = self.make_at(site.place, 86, Kind::Plain);
                let (key, same) = (self.known("getOptions"), self.external(CHAMELEON, "same"));
                let (given, first) = (self.make_at(site.place, 87, Kind::Bound { target: same }), self.known("0"));
                self.heap.set(given, first, Some(args[0].clone()));
                self.heap.set(made, key, Some(Value::object(given)));
                Some(Value::object(made))
            }
            "same" if module == CHAMELEON => args.first().cloned(),
            "createPage" | "createComponent" if !args.is_empty() => {
                self.register_framework(&args[0], site);
                Some(Value::undefined())
            }
            "createPageConfig" | "createReactApp" => {
                let component = args.first().cloned().unwrap_or_default();
                let renders =
                    |id: &ObjId| matches!(self.heap.kind(*id), Kind::Closure { .. } | Kind::Class { .. } | Kind::Plain);
                if !component.objects.iter().any(renders) {
                    self.record.blind(site.place, "opaque-options", last);
                }
                Some(self.render_root(&component, site.place))
            }
            // Renders what other components give it.
            "createRecursiveComponentConfig" => Some(Value::object(self.make_at(site.place, 82, Kind::Plain))),
            "createElement" | "jsx" | "jsxs" => {
                let tag = args.first().cloned().unwrap_or_default();
                let properties = args.get(1).cloned().unwrap_or_default();
                self.rendered(&tag, &properties, site.place);
                Some(Value::any())
            }
            "useState" | "useRef" => Some(self.kept_state(args.first().cloned().unwrap_or_default(), site)),
            "useEffect" | "useLayoutEffect" | "useDidShow" | "useLoad" | "useReady" | "useCallback" | "useMemo" => {
                let callback = args.first().cloned().unwrap_or_default();
                if *last == "useCallback" {
                    return Some(callback);
                }
                if self.left_for_load(last, &callback) {
                    return Some(Value::undefined());
                }
                let inner = Site { place: site.place, args: Vec::new(), name: name(last), used: true };
                Some(self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), Vec::new(), &inner)))
            }
            _ => None,
        }
    }

    /// Leaves functions with the instance that is made here, to be called when it loads; `false` where there is none.
    pub(super) fn left_for_load(&mut self, hook: &str, callback: &Value) -> bool {
        let top = self.entries.get(self.entry).is_some_and(|entry| entry.kind == EntryKind::TopLevel);
        let Some(unit) = self.current_unit.filter(|_| top && LOAD_HOOKS.contains(&hook)) else { return false };
        let functions = Value { objects: callback.objects.clone(), ..Value::default() };
        if functions.objects.is_empty() {
            return false;
        }
        let instance = self.instance(unit);
        let key = self.sym(&format!("{HOOK}{hook}"));
        self.heap.add(instance, key, &functions);
        true
    }

    /// An element that a framework renders: its handlers may be called by the user, its component runs.
    pub fn rendered(&mut self, tag: &Value, properties: &Value, place: Place) {
        let site = Site { place, args: Vec::new(), name: name("render"), used: true };
        for &object in &tag.objects.clone() {
            match self.heap.kind(object).clone() {
                Kind::Closure { .. } if !self.renders(object) => {
                    self.perhaps(&[], |machine| {
                        machine.call_object(object, &Value::undefined(), vec![properties.clone()], &site)
                    });
                }
                Kind::Class { .. } | Kind::Closure { .. } => {
                    let instance = self.construct(object, vec![properties.clone()], &site);
                    let instance = Value { objects: instance.objects, ..Value::default() };
                    let key = self.known("props");
                    for &id in &instance.objects {
                        self.heap.set(id, key, Some(properties.clone()));
                        self.give_state(id, place);
                    }
                    for method in ["componentWillMount", "componentDidMount", "componentDidShow", "onLoad", "render"] {
                        let key = self.sym(method);
                        let target = self.field(&instance, &Keys::one(key), place);
                        let top = self.entries.get(self.entry).is_some_and(|entry| entry.kind == EntryKind::TopLevel);
                        if let ([function], true) = (&*target.objects, top && LOAD_HOOKS.contains(&method)) {
                            let function = *function;
                            let outer = self.context;
                            self.context ^= u64::from(function).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                            let bound = self.make_at(place, 104, Kind::Bound { target: function });
                            self.context = outer;
                            let this = self.known("this");
                            self.heap.set(bound, this, Some(instance.clone()));
                            if self.left_for_load(method, &Value::object(bound)) {
                                continue;
                            }
                        }
                        if !target.objects.is_empty() {
                            let instance = instance.clone();
                            self.perhaps(&[], |machine| machine.call(&target, &instance, vec![Value::any()], &site));
                        }
                    }
                }
                _ => {}
            }
        }
        let taken = self.taken_by(tag, properties);
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
                            | "onChooseAvatar"
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
                            let taken = taken.clone();
                            self.listeners.push(Listener { handler: target, label, place, unit, taken });
                        }
                        continue;
                    }
                    self.perhaps(&[], |machine| machine.call(&target, &Value::undefined(), vec![Value::any()], &site));
                }
            }
        }
    }

    /// Runs what rendered elements listen with.
    pub fn run_listeners(&mut self) {
        self.render_roots();
        let mut at = 0;
        // Handlers may render more.
        while at < self.listeners.len() {
            let Some(Listener { handler, label, place, unit, taken }) = self.listeners.get(at).cloned() else { break };
            at += 1;
            let route = unit.map_or_else(|| name(""), |unit| self.program.units[unit as usize].route.clone());
            let entry = Entry { kind: EntryKind::User, route, method: label.clone(), place, element: None };
            let site = Site { place, args: Vec::new(), name: label, used: true };
            self.current_unit = unit;
            self.run_entry(entry, &[], Some(&handler), |machine| {
                let event = match &taken {
                    Some(taken) => machine.taken_event(taken, place),
                    None => Value::any(),
                };
                machine.call(&handler, &Value::undefined(), vec![event], &site)
            });
            self.current_unit = None;
        }
    }

    // ---- records of templates and shares ----
}
