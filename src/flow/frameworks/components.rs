//! Pages and components that are classes whose templates a compiler took out of `render`: the runtime makes the host's options
//! of them. Their state is the template's data, their lifecycles and the handlers among their methods are entry points.

use crate::flow::entries::camel;
use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::{EntryKind, Origin, Place};
use crate::flow::value::{ANY, ObjId, Value, one, unite};
use crate::model::UnitId;
use crate::syntax::template::Element;

/// What the compiler leaves of `render`: works out what the template reads, and keeps it in the state.
const RENDER: &str = "_createData";

/// Methods that the runtime calls by itself; first those of the start.
const LIFECYCLES: [(&str, EntryKind); 12] = [
    ("componentWillMount", EntryKind::Load),
    ("componentDidMount", EntryKind::Load),
    ("componentDidShow", EntryKind::Load),
    ("componentWillReceiveProps", EntryKind::Event),
    ("componentWillUpdate", EntryKind::Event),
    ("componentDidUpdate", EntryKind::Event),
    ("componentWillPreload", EntryKind::Host),
    ("componentDidHide", EntryKind::Host),
    ("componentWillUnmount", EntryKind::Host),
    ("componentDidCatchError", EntryKind::Host),
    ("componentDidNotFound", EntryKind::Host),
    ("componentDidCatch", EntryKind::Host),
];

/// What the name of a handler begins with that had none in the source: it is given its scope before all else.
const PRIVATE_HANDLER: &str = "funPrivate";

impl<'a> Machine<'a> {
    /// Whether a value is a class of such a component.
    pub fn is_class_component(&mut self, value: &Value) -> bool {
        let prototype = self.known("prototype");
        let marks = [self.known("$$events"), self.known("$$componentPath")];
        let methods = [self.known(RENDER), self.known("componentDidMount"), self.known("componentWillMount")];
        value.objects.iter().any(|&class| {
            if !matches!(self.heap.kind(class), Kind::Class { .. } | Kind::Closure { .. }) {
                return false;
            }
            let above = self.heap.get(class, prototype).and_then(|value| value.objects.first().copied());
            marks.iter().any(|&mark| self.heap.get(class, mark).is_some())
                || above.is_some_and(|above| methods.iter().any(|&method| self.heap.get(above, method).is_some()))
        })
    }

    /// The host in place of a module that is the runtime itself, by what it offers: its functions are known, and what it has
    /// beside them are the host's APIs.
    pub fn runtime_as_host(&mut self, exports: &Value) -> Option<Value> {
        let members = ["createApp", "createComponent", "Component", "eventCenter"];
        let default = self.known("default");
        let whole = exports.objects.iter().any(|&object| {
            let inner = self.heap.get(object, default).and_then(|inner| inner.objects.first().copied());
            [Some(object), inner].into_iter().flatten().any(|object| {
                members.iter().all(|member| {
                    let key = self.known(member);
                    self.heap.get(object, key).is_some_and(|value| !value.objects.is_empty())
                })
            })
        });
        let namespace = self.namespace();
        whole.then(|| self.host_object(&namespace, ""))
    }

    /// Notes that a unit's methods are known.
    pub fn registered(&mut self, instance: ObjId) {
        let mark = self.known("[[registered]]");
        self.heap.set(instance, mark, Some(Value::bool(true)));
    }

    /// Whether a unit was made from something whose members are known.
    pub fn is_registered(&mut self, unit: UnitId) -> bool {
        let mark = self.known("[[registered]]");
        self.units.get(&unit).is_some_and(|&instance| self.heap.has(instance, mark))
    }

    /// A unit made from such a class: its instance is the host's.
    pub fn register_class_component(&mut self, class: &Value, site: &Site) {
        let Some(unit) = self.current_unit else { return };
        let instance = self.instance(unit);
        let this = Value::object(instance);
        let data_key = self.known("data");
        let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
        for (member, value) in [("state", &data), ("props", &data), ("$scope", &this), ("$component", &this)] {
            let key = self.known(member);
            self.heap.set(instance, key, Some(value.clone()));
        }
        let query = self.query_object(unit);
        let origin = self.origin(Origin::Query("".into()));
        let query = Value { bits: ANY, origins: one(origin), ..Value::object(query) };
        let router = self.make_at(site.place, 95, Kind::Plain);
        let (params, router_key) = (self.known("params"), self.known("$router"));
        self.heap.set(router, params, Some(query));
        self.heap.set(instance, router_key, Some(Value::object(router)));
        let prototype = self.known("prototype");
        for &class in &class.objects {
            let mut layers = Vec::new();
            let mut at = self.heap.get(class, prototype).and_then(|value| value.objects.first().copied());
            while let Some(layer) = at.filter(|layer| layers.len() < 8 && !layers.contains(layer)) {
                layers.push(layer);
                at = self.heap.objects[layer as usize].proto;
            }
            for layer in layers.into_iter().rev() {
                self.take_methods(instance, layer);
            }
            let defaults = self.known("defaultProps");
            if let (Some(defaults), Some(&data)) = (self.heap.get(class, defaults).cloned(), data.objects.first()) {
                self.copy_fields(data, &defaults, &[]);
            }
        }
        self.call_super(class, &this, vec![data.clone()], site);
        let start = self.known("_constructor");
        if let Some(start) = self.heap.get(instance, start).cloned() {
            self.call(&start, &this, vec![data.clone()], site);
        }
        // From here on the state and the data are one.
        let state = self.known("state");
        let initial = self.heap.get(instance, state).cloned().unwrap_or_default();
        if let Some(&data) = data.objects.first() {
            self.copy_fields(data, &initial, &[]);
        }
        for member in ["state", "props"] {
            let key = self.known(member);
            self.heap.set(instance, key, Some(data.clone()));
        }
        let mark = self.known("[[class-component]]");
        self.heap.set(instance, mark, Some(Value::bool(true)));
        self.registered(instance);
    }

    fn take_methods(&mut self, instance: ObjId, layer: ObjId) {
        if !matches!(self.heap.kind(layer), Kind::Plain) {
            return;
        }
        let constructor = self.known("constructor");
        for key in self.heap.keys(layer).into_iter().filter(|&key| key != constructor && key != ITEM) {
            let Some(value) = self.heap.get(layer, key).cloned() else { continue };
            for &method in &value.objects {
                if matches!(self.heap.kind(method), Kind::Closure { .. }) {
                    unite(self.owners.entry(method).or_default(), &[instance]);
                }
            }
            self.heap.set(instance, key, Some(value));
        }
        let getters = self.heap.objects[layer as usize].getters.clone();
        self.heap.objects[instance as usize].getters.extend(getters);
    }

    /// Whether a unit is made from such a class.
    pub fn is_class_unit(&mut self, unit: UnitId) -> bool {
        let (instance, mark) = (self.instance(unit), self.known("[[class-component]]"));
        self.heap.has(instance, mark)
    }

    /// Runs what the runtime calls by itself: what is left of `render`, then the lifecycles.
    pub fn run_class_component(&mut self, unit: UnitId) {
        if !self.is_class_unit(unit) {
            return;
        }
        self.handed_properties(unit);
        let data_key = self.known("data");
        let instance = self.instance(unit);
        let given = |machine: &mut Self| {
            let data = machine.heap.get(instance, data_key).cloned().unwrap_or_default();
            vec![data.clone(), data]
        };
        self.enter(unit, EntryKind::Load, RENDER, None, &[], given);
        for (method, kind) in LIFECYCLES {
            self.enter(unit, kind, method, None, &[], given);
        }
    }

    /// Properties that a component is handed under a number of its own, which its element carries.
    fn handed_properties(&mut self, unit: UnitId) {
        let (data_key, number, all) = (self.known("data"), self.known("compid"), self.known("[[properties]]"));
        let instance = self.instance(unit);
        let data = self.heap.get(instance, data_key).cloned().unwrap_or_default();
        let Some(kept) = self.heap.get(self.globals, all).and_then(|kept| kept.objects.first().copied()) else {
            return;
        };
        for &data in &data.objects {
            let Some(numbers) = self.heap.get(data, number).cloned() else { continue };
            for number in numbers.texts().cloned().collect::<Vec<_>>() {
                let key = self.sym_of(&number);
                let Some(given) = self.heap.get(kept, key).cloned() else { continue };
                for &from in &given.objects {
                    for key in self.heap.keys(from) {
                        if let Some(value) = self.heap.get(from, key).cloned() {
                            self.heap.add(data, key, &value);
                        }
                    }
                }
            }
        }
        self.heap.settle();
    }

    /// Functions of the runtime, by their names on the framework's object.
    pub fn class_runtime_call(&mut self, path: &str, args: &[Value], site: &Site) -> Option<Value> {
        let first = args.first().cloned().unwrap_or_default();
        if let Some(method) = path.strip_prefix("eventCenter.") {
            let bus = self.bus;
            return Some(self.bus_method(bus, method, args, site));
        }
        match path {
            "createApp" | "createComponent" if self.is_class_component(&first) => {
                self.register_class_component(&first, site);
                Some(Value::undefined())
            }
            "getApp" | "getCurrentPages" => Some(self.framework_global(path, args, site)),
            "internal_get_original" => Some(first),
            "genCompid" => {
                // What tells one element from another is how the text ends.
                let mut number = Value::default();
                for text in &first.strings {
                    let written = text.written();
                    let end = written.rsplit(crate::text::HOLE).find(|part| !part.is_empty()).unwrap_or("");
                    number.join(&Value::string(end.into(), None));
                }
                Some(self.list_from(vec![number.clone(), number], site))
            }
            "propsManager.set" => {
                let kept = self.kept_object("[[properties]]", site.place);
                let numbers = args.get(1).cloned().unwrap_or_default();
                for &key in &self.keys_from(&numbers).0 {
                    self.heap.add(kept, key, &Value { bits: 0, ..first.clone() });
                }
                Some(Value::undefined())
            }
            _ => None,
        }
    }

    /// What the compiler's handlers are given before the event: `data-e-tap-a-a`, `data-e-tap-a-b` and so on.
    pub fn bound_before(
        &mut self,
        unit: UnitId,
        element: &'a Element,
        at: (Place, u32),
        event: &str,
        handler: &str,
    ) -> Vec<Value> {
        let mut out = Vec::new();
        if !self.is_class_unit(unit) {
            return out;
        }
        if handler.contains(PRIVATE_HANDLER) {
            out.push(Value::object(self.instance(unit)));
        }
        let plain = |text: &str| camel(text).to_ascii_lowercase();
        for letter in 'a'..='z' {
            let value = element.attributes.iter().find_map(|attribute| {
                let rest = attribute.name.strip_prefix("data-e-")?;
                let named = rest.strip_suffix(letter)?.strip_suffix("-a-")?;
                (plain(named) == plain(event)).then_some(attribute.value.as_ref()).flatten()
            });
            let Some(value) = value else { break };
            out.push(self.evaluate(unit, at.0.file, at.1, value));
        }
        out
    }

    /// What an event tells stands on its targets, too.
    pub fn told_on_targets(&mut self, unit: UnitId, event: &Value) {
        if !self.is_class_unit(unit) {
            return;
        }
        let detail = self.known("detail");
        let place = Place { file: crate::source::FileId(0), span: crate::source::Span::default() };
        let told = self.field(event, &Keys::one(detail), place);
        for member in ["target", "currentTarget"] {
            let key = self.known(member);
            let targets = self.field(event, &Keys::one(key), place);
            for &target in &targets.objects {
                self.copy_fields(target, &told, &[]);
            }
        }
    }

    /// `const [value, set] = useState(initial)`: what is set is the value of the next time.
    pub fn kept_state(&mut self, initial: Value, site: &Site) -> Value {
        let cells = self.kept_object("[[states]]", site.place);
        let cell = self.sym(&format!("{}:{}", site.place.file.index(), site.place.span.start));
        self.heap.add(cells, cell, &initial);
        let value = self.heap.get(cells, cell).cloned().unwrap_or(initial);
        let setter = self.make_at(site.place, 96, Kind::Builtin("state-setter"));
        let (key, label) = (self.known("[[cell]]"), self.spell(cell));
        self.heap.set(setter, key, Some(Value::string(label, None)));
        let pair = self.make_at(site.place, 83, Kind::Array);
        let (zero, one, current) = (self.known("0"), self.known("1"), self.known("current"));
        self.heap.set(pair, zero, Some(value.clone()));
        self.heap.set(pair, current, Some(value));
        self.heap.set(pair, one, Some(Value::object(setter)));
        Value::object(pair)
    }

    /// A call of what `useState` gave to set the value with.
    pub fn set_kept(&mut self, setter: ObjId, args: &[Value], site: &Site) -> Value {
        let cells = self.kept_object("[[states]]", site.place);
        let key = self.known("[[cell]]");
        let Some(cell) = self.heap.get(setter, key).and_then(|cell| cell.as_text().cloned()) else {
            return Value::undefined();
        };
        let cell = self.sym_of(&cell);
        let value = args.first().cloned().unwrap_or_else(Value::undefined);
        let value = self.updated(&value, &Value::object(cells), cell, site);
        let value = self.stepped(value, site.place, "assigned-to", &site.name);
        self.shown(&value, 3);
        self.heap.add(cells, cell, &value);
        Value::undefined()
    }

    /// Whether a function is a class written without the word: what it makes renders.
    pub fn renders(&mut self, function: ObjId) -> bool {
        let (prototype, render) = (self.known("prototype"), self.known("render"));
        let above = self.heap.get(function, prototype).and_then(|value| value.objects.first().copied());
        above.is_some_and(|above| self.heap.get(above, render).is_some())
    }

    /// Gives an instance of a rendered class what the framework's class gives it.
    pub fn give_state(&mut self, instance: ObjId, place: Place) {
        if !matches!(self.heap.kind(instance), Kind::Plain) {
            return;
        }
        let (state, method, owner) = (self.known("state"), self.known("setState"), self.known("[[owner]]"));
        if self.heap.get(instance, state).is_none_or(|state| state.objects.is_empty()) {
            let made = self.make_at(place, 97, Kind::Plain);
            self.heap.set(instance, state, Some(Value::object(made)));
        }
        let setter = self.heap.alloc(Kind::Builtin("set-state"), place);
        self.heap.set(setter, owner, Some(Value::object(instance)));
        self.heap.set(instance, method, Some(Value::object(setter)));
    }

    /// `setState` of an instance of a rendered class.
    pub fn set_state_of(&mut self, setter: ObjId, args: &[Value], site: &Site) -> Value {
        let (state, owner) = (self.known("state"), self.known("[[owner]]"));
        let owner = self.heap.get(setter, owner).cloned().unwrap_or_default();
        let update = args.first().cloned().unwrap_or_default();
        let update = self.updated(&update, &owner, state, site);
        let held = self.field(&owner, &Keys::one(state), site.place);
        self.set_data(&held, &update, site);
        self.shown(&update, 3);
        if let Some(after) = args.get(1) {
            self.call_back(after, Vec::new(), site);
        }
        Value::undefined()
    }

    /// An object that is kept for the whole program under a name of its own.
    pub(super) fn kept_object(&mut self, label: &str, place: Place) -> ObjId {
        let key = self.sym(label);
        if let Some(kept) = self.heap.get(self.globals, key).and_then(|kept| kept.objects.first().copied()) {
            return kept;
        }
        let kept = self.heap.alloc(Kind::Plain, place);
        self.heap.set(self.globals, key, Some(Value::object(kept)));
        kept
    }

    /// A new state; a function makes it of the one before.
    fn updated(&mut self, value: &Value, owner: &Value, key: u32, site: &Site) -> Value {
        let functions: Vec<ObjId> = value
            .objects
            .iter()
            .copied()
            .filter(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
            .collect();
        if functions.is_empty() {
            return value.clone();
        }
        let mut out = Value::default();
        for function in functions {
            let before = self.field(owner, &Keys::one(key), site.place);
            let inner = Site { place: site.place, args: Vec::new(), name: name("state"), used: true };
            let made = self.perhaps(&[], |machine| {
                machine.call_object(function, &Value::undefined(), vec![before.clone(), before], &inner)
            });
            out.join(&made);
        }
        out
    }

    /// What `setState` is given, as an object.
    pub fn next_state(&mut self, instance: ObjId, args: &[Value], site: &Site) -> Vec<Value> {
        let data = self.known("data");
        let mut args = args.to_vec();
        if let Some(first) = args.first().cloned() {
            args[0] = self.updated(&first, &Value::object(instance), data, site);
        }
        args
    }
}
