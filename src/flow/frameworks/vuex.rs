//! Stores of Vuex and Pinia, which bundles hold: their code is not run. State, mutations, actions and getters are known by the
//! options that stores are made of.

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::solution::Place;
use crate::flow::value::{ObjId, Value};
use crate::model::ir::Name;

/// Vuex, as a module.
pub(in crate::flow) const VUEX: &str = "vuex";
/// Pinia, as a module.
pub(in crate::flow) const PINIA: &str = "pinia";
/// What Vuex exports.
pub(in crate::flow) const VUEX_MEMBERS: [&str; 8] = [
    "Store",
    "createStore",
    "useStore",
    "mapState",
    "mapGetters",
    "mapMutations",
    "mapActions",
    "createNamespacedHelpers",
];
/// What Pinia exports.
pub(in crate::flow) const PINIA_MEMBERS: [&str; 4] = ["defineStore", "createPinia", "storeToRefs", "setActivePinia"];
/// The store of the program, where all instances find it.
const STORE: &str = "$store";
const MUTATIONS: &str = "[[mutations]]";
const ACTIONS: &str = "[[actions]]";
const SUBSCRIBERS: &str = "[[subscribers]]";
const MADE: &str = "[[made]]";
/// How deep modules of stores lie in each other.
const MAX_MODULES: usize = 4;

/// A store and what one of its modules adds to the names of all that it has.
struct Part<'v> {
    store: ObjId,
    prefix: &'v str,
    /// The state that the module stands in, and under which name; none for the store's own.
    above: Option<(Value, &'v str)>,
    depth: usize,
}

impl<'a> Machine<'a> {
    /// A call of Vuex or Pinia; `None` where the module is another.
    pub(super) fn shop_call(&mut self, module: &str, chain: &[&str], args: &[Value], site: &Site) -> Option<Value> {
        let member = *chain.last()?;
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match (module, member) {
            (VUEX, "Store" | "createStore") => Some(self.new_store(&first, site)),
            (VUEX, "useStore") => Some(self.current_store()),
            (VUEX, "mapState" | "mapGetters" | "mapMutations" | "mapActions") => Some(self.mapped(member, args, site)),
            (VUEX, "createNamespacedHelpers") => {
                let out = self.make_at(site.place, 98, Kind::Plain);
                for helper in ["mapState", "mapGetters", "mapMutations", "mapActions"] {
                    let made = self.bound_member(VUEX, helper, vec![first.clone()], site.place);
                    let key = self.known(helper);
                    self.heap.set(out, key, Some(Value::object(made)));
                }
                Some(Value::object(out))
            }
            (VUEX, "commit" | "dispatch") => Some(self.sent(member, args, site)),
            (VUEX, "commit-mapped" | "dispatch-mapped") => {
                let mut given = vec![self.current_store()];
                given.extend(args.iter().cloned());
                Some(self.sent(member.trim_end_matches("-mapped"), &given, site))
            }
            (VUEX, "read-state" | "read-getter") => Some(self.read_store(member, args, site)),
            (VUEX, "subscribe") => {
                let key = self.known(SUBSCRIBERS);
                let listener = args.get(1).cloned().unwrap_or_default();
                for &store in &first.objects {
                    self.heap.add(store, key, &listener);
                }
                Some(Value::any())
            }
            (VUEX, "registerModule") => {
                let label = args.get(1).and_then(Value::as_text).cloned();
                if let (Some(&store), Some(label), Some(module)) = (first.objects.first(), label, args.get(2)) {
                    let state = self.known("state");
                    let above = self.heap.get(store, state).cloned().unwrap_or_default();
                    let prefix = self.prefix_of(module, "", &label, site.place);
                    let part = Part { store, prefix: &prefix, above: Some((above, &label)), depth: 1 };
                    self.add_part(part, module, site);
                }
                Some(Value::any())
            }
            (VUEX, "replaceState") => {
                let state = self.known("state");
                for &store in &first.objects {
                    self.heap.set(store, state, args.get(1).cloned());
                }
                Some(Value::any())
            }
            (PINIA, "defineStore") => {
                let definition =
                    if first.objects.is_empty() { args.get(1).cloned().unwrap_or_default() } else { first };
                Some(Value::object(self.bound_member(PINIA, "use", vec![definition], site.place)))
            }
            (PINIA, "use") => Some(self.defined_store(&first, site)),
            (PINIA, "patch") => {
                let change = args.get(1).cloned().unwrap_or_default();
                for &store in &first.objects {
                    self.copy_fields(store, &change, &[]);
                }
                if change
                    .objects
                    .iter()
                    .any(|&id| matches!(self.heap.kind(id), Kind::Closure { .. } | Kind::Bound { .. }))
                {
                    let inner = self.inner_site(site);
                    self.call(&change, &Value::undefined(), vec![first], &inner);
                }
                Some(Value::undefined())
            }
            (PINIA, "storeToRefs") => Some(self.runtime_call("toRefs", args, site)),
            (VUEX | PINIA, _) => Some(Value::any()),
            _ => None,
        }
    }

    fn current_store(&mut self) -> Value {
        let (shared, key) = (self.shared_by_all, self.known(STORE));
        self.heap.get(shared, key).cloned().unwrap_or_else(Value::any)
    }

    /// A function of a library with its first arguments.
    fn bound_member(&mut self, module: &str, member: &str, leading: Vec<Value>, place: Place) -> ObjId {
        let target = self.external(module, member);
        self.bound_to(target, None, leading, place)
    }

    fn bound_to(&mut self, target: ObjId, this: Option<&Value>, leading: Vec<Value>, place: Place) -> ObjId {
        let outer = self.context;
        let mut mark = u64::from(target);
        for value in &leading {
            mark = mark.rotate_left(7) ^ value.objects.first().map_or(0, |id| u64::from(*id));
            for text in value.texts() {
                mark = text.bytes().fold(mark, |all, byte| all.rotate_left(5) ^ u64::from(byte));
            }
        }
        self.context ^= mark.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bound = self.make_at(place, 99, Kind::Bound { target });
        self.context = outer;
        for (index, value) in leading.into_iter().enumerate() {
            let key = self.index_sym(index);
            self.heap.set(bound, key, Some(value));
        }
        if let Some(this) = this {
            let key = self.known("this");
            self.heap.set(bound, key, Some(this.clone()));
        }
        bound
    }

    fn new_store(&mut self, options: &Value, site: &Site) -> Value {
        let store = self.make_at(site.place, 98, Kind::Plain);
        for group in [MUTATIONS, ACTIONS, "getters"] {
            let outer = self.context;
            self.context ^= group.len() as u64;
            let held = self.make_at(site.place, 97, Kind::Plain);
            self.context = outer;
            let key = self.known(group);
            self.heap.set(store, key, Some(Value::object(held)));
        }
        let this = Value::object(store);
        let empty = Value::string(name(""), None);
        for member in ["commit", "dispatch"] {
            let key = self.known(member);
            let made = self.bound_member(VUEX, member, vec![this.clone(), empty.clone()], site.place);
            self.heap.set(store, key, Some(Value::object(made)));
        }
        for member in ["subscribe", "registerModule", "replaceState"] {
            let key = self.known(member);
            let made = self.bound_member(VUEX, member, vec![this.clone()], site.place);
            self.heap.set(store, key, Some(Value::object(made)));
        }
        let (shared, key) = (self.shared_by_all, self.known(STORE));
        self.heap.set(shared, key, Some(this.clone()));
        self.add_part(Part { store, prefix: "", above: None, depth: 0 }, options, site);
        let plugins = self.known("plugins");
        let plugins = self.field(options, &Keys::one(plugins), site.place);
        let plugins = self.items_of(&plugins);
        if !plugins.objects.is_empty() {
            let inner = self.inner_site(site);
            self.perhaps(&[], |machine| machine.call(&plugins, &Value::undefined(), vec![this.clone()], &inner));
        }
        this
    }

    fn prefix_of(&mut self, module: &Value, above: &str, label: &str, place: Place) -> String {
        let key = self.known("namespaced");
        let own = self.field(module, &Keys::one(key), place);
        if own.may_true() && !own.is_any() { format!("{above}{label}/") } else { above.to_owned() }
    }

    /// Adds what options of a store, or of one of its modules, hold.
    fn add_part(&mut self, part: Part<'_>, options: &Value, site: &Site) {
        if part.depth > MAX_MODULES {
            return;
        }
        let Part { store, prefix, above, depth } = part;
        let place = site.place;
        let inner = self.inner_site(site);
        let this = Value::object(store);
        let state_key = self.known("state");
        let given = self.field(options, &Keys::one(state_key), place);
        let mut state = Value::default();
        for &object in &given.objects {
            match self.heap.kind(object) {
                Kind::Closure { .. } | Kind::Bound { .. } => {
                    let made = self.call_object(object, &Value::undefined(), Vec::new(), &inner);
                    state.join(&made);
                }
                _ => state.join(&Value::object(object)),
            }
        }
        if state.objects.is_empty() {
            let outer = self.context;
            self.context ^= prefix.len() as u64 + 1;
            state = Value::object(self.make_at(place, 96, Kind::Plain));
            self.context = outer;
        }
        match &above {
            None => self.heap.set(store, state_key, Some(state.clone())),
            Some((above, label)) => {
                let key = self.sym(label);
                for &object in &above.objects {
                    self.heap.set(object, key, Some(state.clone()));
                }
            }
        }
        let root = self.heap.get(store, state_key).cloned().unwrap_or_default();
        let getters_key = self.known("getters");
        let getters = self.heap.get(store, getters_key).cloned().unwrap_or_default();
        let context = self.part_context(store, prefix, &state, &root, &getters, place);
        for (group, held, leading) in [
            ("mutations", MUTATIONS, vec![state.clone()]),
            ("actions", ACTIONS, vec![Value::object(context)]),
            ("getters", "getters", vec![state.clone(), getters.clone(), root.clone(), getters.clone()]),
        ] {
            let (from, to) = (self.known(group), self.known(held));
            let functions = self.field(options, &Keys::one(from), place);
            let Some(to) = self.heap.get(store, to).and_then(|held| held.objects.first().copied()) else { continue };
            for (label, mut function) in self.named_functions(&functions) {
                let handler = self.known("handler");
                for &object in &function.objects.clone() {
                    if let Some(inner) = self.heap.get(object, handler).cloned() {
                        function.join(&inner);
                    }
                }
                let key = self.sym(&format!("{prefix}{label}"));
                for &object in &function.objects {
                    if !matches!(self.heap.kind(object), Kind::Closure { .. } | Kind::Bound { .. }) {
                        continue;
                    }
                    let bound = self.bound_to(object, Some(&this), leading.clone(), place);
                    if group != "getters" {
                        self.heap.add(to, key, &Value::object(bound));
                    } else if !self.heap.objects[to as usize].getters.contains(&(key, bound)) {
                        self.heap.objects[to as usize].getters.push((key, bound));
                    }
                }
            }
        }
        let modules = self.known("modules");
        let modules = self.field(options, &Keys::one(modules), place);
        for (label, module) in self.named_functions(&modules) {
            let below = self.prefix_of(&module, prefix, &label, place);
            let part = Part { store, prefix: &below, above: Some((state.clone(), &label)), depth: depth + 1 };
            self.add_part(part, &module, site);
        }
    }

    /// What actions of a module are handed.
    fn part_context(
        &mut self,
        store: ObjId,
        prefix: &str,
        state: &Value,
        root: &Value,
        getters: &Value,
        place: Place,
    ) -> ObjId {
        let outer = self.context;
        self.context ^= prefix.bytes().fold(1, |all: u64, byte| all.rotate_left(5) ^ u64::from(byte));
        let context = self.make_at(place, 95, Kind::Plain);
        self.context = outer;
        let members = [("state", state), ("rootState", root), ("getters", getters), ("rootGetters", getters)];
        for (member, value) in members {
            let key = self.known(member);
            self.heap.set(context, key, Some(value.clone()));
        }
        let leading = vec![Value::object(store), Value::string(name(prefix), None)];
        for member in ["commit", "dispatch"] {
            let key = self.known(member);
            let made = self.bound_member(VUEX, member, leading.clone(), place);
            self.heap.set(context, key, Some(Value::object(made)));
        }
        context
    }

    /// What stands in an object, by name; in a list, texts stand for themselves.
    fn named_functions(&mut self, value: &Value) -> Vec<(Name, Value)> {
        let mut out = Vec::new();
        for &object in &value.objects {
            let list = matches!(self.heap.kind(object), Kind::Array);
            for key in self.heap.keys(object) {
                let Some(value) = self.heap.get(object, key).cloned() else { continue };
                if list {
                    out.extend(value.texts().map(|text| (text.clone(), Value::string(text.clone(), None))));
                } else if key != ITEM {
                    out.push((self.spell(key), value));
                }
            }
        }
        out
    }

    /// `commit(type, payload)` and `dispatch(type, payload)`, with the store and the module's prefix before.
    fn sent(&mut self, member: &str, args: &[Value], site: &Site) -> Value {
        let [store, prefix, sent, rest @ ..] = args else { return Value::any() };
        let mut payload = rest.first().cloned().unwrap_or_else(Value::undefined);
        let mut kind = sent.clone();
        if !sent.objects.is_empty() {
            let key = self.known("type");
            kind = self.field(sent, &Keys::one(key), site.place);
            payload = sent.clone();
        }
        let inner = self.inner_site(site);
        let payload = self.stepped(payload, site.place, "passed-to", &inner.name);
        let prefix = prefix.as_text().cloned().unwrap_or_else(|| name(""));
        let prefix = if prefix.is_empty() || prefix.ends_with('/') { prefix } else { format!("{prefix}/").into() };
        let group = self.known(if member == "commit" { MUTATIONS } else { ACTIONS });
        let mut result = Value::default();
        for &store in &store.objects {
            let Some(held) = self.heap.get(store, group).and_then(|held| held.objects.first().copied()) else {
                continue;
            };
            let kinds: Vec<Name> = kind.texts().cloned().collect();
            for kind in &kinds {
                let local = self.sym(&format!("{prefix}{kind}"));
                let plain = self.sym(kind);
                let handlers = self.heap.get(held, local).or_else(|| self.heap.get(held, plain)).cloned();
                let Some(handlers) = handlers else { continue };
                let certain = kinds.len() == 1 && handlers.objects.len() == 1;
                let this = Value::object(store);
                let given = vec![payload.clone()];
                let answer = match certain {
                    true => self.call(&handlers, &this, given, &inner),
                    false => self.perhaps(&[], |machine| machine.call(&handlers, &this, given, &inner)),
                };
                result.join(&answer);
            }
            let (subscribers, state) = (self.known(SUBSCRIBERS), self.known("state"));
            if member == "commit"
                && let Some(listeners) = self.heap.get(store, subscribers).cloned()
            {
                let state = self.heap.get(store, state).cloned().unwrap_or_default();
                self.perhaps(&[], |machine| {
                    machine.call(&listeners, &Value::undefined(), vec![Value::any(), state], &inner)
                });
            }
        }
        if member == "commit" {
            return Value::undefined();
        }
        let promise = self.make_at(site.place, 98, Kind::Promise);
        self.fulfil(promise, result, &[]);
        Value::object(promise)
    }

    /// `mapState(['user'])` and its like: functions by the names that they are asked for.
    fn mapped(&mut self, helper: &str, args: &[Value], site: &Site) -> Value {
        let out = self.make_at(site.place, 98, Kind::Plain);
        let Some(map) = args.last() else { return Value::object(out) };
        let first = args.first().filter(|_| args.len() > 1).cloned().unwrap_or_default();
        let space = first.as_text().cloned().unwrap_or_else(|| name(""));
        let member = match helper {
            "mapState" => "read-state",
            "mapGetters" => "read-getter",
            "mapMutations" => "commit-mapped",
            _ => "dispatch-mapped",
        };
        for (label, from) in self.named_functions(map) {
            let made = if first.objects.is_empty() {
                self.bound_member(VUEX, member, vec![Value::string(space.clone(), None), from], site.place)
            } else {
                // Of Pinia: the function that gives the store comes first.
                self.bound_member(VUEX, "read-state", vec![first.clone(), from], site.place)
            };
            let key = self.sym(&label);
            self.heap.set(out, key, Some(Value::object(made)));
        }
        Value::object(out)
    }

    /// What a mapped name of the state or the getters is.
    fn read_store(&mut self, member: &str, args: &[Value], site: &Site) -> Value {
        let [space, wanted, ..] = args else { return Value::any() };
        let inner = self.inner_site(site);
        if !space.objects.is_empty() {
            let store = self.call(space, &Value::undefined(), Vec::new(), &inner);
            let keys = self.keys_from(wanted);
            return self.field(&store, &keys, site.place);
        }
        let store = self.current_store();
        let (state, getters) = (self.known("state"), self.known("getters"));
        let getters = self.field(&store, &Keys::one(getters), site.place);
        let space = space.as_text().cloned().unwrap_or_else(|| name(""));
        let space = space.trim_matches('/');
        if member == "read-getter" {
            let mut out = Value::default();
            for text in wanted.texts().cloned().collect::<Vec<_>>() {
                let label = if space.is_empty() { text.to_string() } else { format!("{space}/{text}") };
                let key = self.sym(&label);
                let value = self.field(&getters, &Keys::one(key), site.place);
                out.join(&value);
            }
            return out;
        }
        let mut state = self.field(&store, &Keys::one(state), site.place);
        for part in space.split('/').filter(|part| !part.is_empty()) {
            let key = self.sym(part);
            state = self.field(&state, &Keys::one(key), site.place);
        }
        if wanted.objects.is_empty() {
            let keys = self.keys_from(wanted);
            return self.field(&state, &keys, site.place);
        }
        self.call(wanted, &Value::undefined(), vec![state, getters], &inner)
    }

    /// The store that a definition of Pinia stands for: one for the whole program.
    fn defined_store(&mut self, definition: &Value, site: &Site) -> Value {
        let Some(&first) = definition.objects.first() else { return Value::any() };
        let place = self.heap.objects[first as usize].place;
        let label = format!("[[store:{}:{}]]", place.file.index(), place.span.start);
        let store = self.kept_object(&label, place);
        let this = Value::object(store);
        let made = self.known(MADE);
        if self.heap.has(store, made) {
            return this;
        }
        self.heap.set(store, made, Some(Value::bool(true)));
        let inner = self.inner_site(site);
        let patch = self.bound_member(PINIA, "patch", vec![this.clone()], place);
        for (member, value) in [("$patch", Value::object(patch)), ("$state", this.clone())] {
            let key = self.known(member);
            self.heap.set(store, key, Some(value));
        }
        if matches!(self.heap.kind(first), Kind::Closure { .. } | Kind::Bound { .. }) {
            let given = self.call_object(first, &Value::undefined(), Vec::new(), &inner);
            self.copy_fields(store, &given, &[]);
            return this;
        }
        let state = self.known("state");
        let state = self.field(definition, &Keys::one(state), place);
        let state = self.call(&Value { bits: 0, ..state }, &Value::undefined(), Vec::new(), &inner);
        self.copy_fields(store, &state, &[]);
        for group in ["actions", "getters"] {
            let key = self.known(group);
            let functions = self.field(definition, &Keys::one(key), place);
            for (label, function) in self.named_functions(&functions) {
                let key = self.sym(&label);
                for &object in &function.objects {
                    let leading = if group == "getters" { vec![this.clone()] } else { Vec::new() };
                    let bound = self.bound_to(object, Some(&this), leading, place);
                    if group == "actions" {
                        self.heap.set(store, key, Some(Value::object(bound)));
                    } else if !self.heap.objects[store as usize].getters.contains(&(key, bound)) {
                        self.heap.objects[store as usize].getters.push((key, bound));
                    }
                }
            }
        }
        this
    }
}
