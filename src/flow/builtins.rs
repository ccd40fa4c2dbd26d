//! The language's own functions, promises, modules, and calls of what is not known.

mod clients;
mod generators;
mod globals;
mod lists;
pub(super) mod modules;
mod promises;
mod texts;
mod unknown;

use self::globals::is_return_this;
use super::heap::{ITEM, Kind};
use super::machine::{Keys, Machine, Site, TRAP};
use super::solution::{Origin, Place};
use super::value::{Ids, NUMBER, ObjId, UNDEFINED, Value, intersect, one, unite};
use crate::model::ir::Name;

impl<'a> Machine<'a> {
    /// Fields that objects have without being written.
    pub fn special_field(&mut self, object: ObjId, kind: &Kind, field: &str, place: Place) -> Option<Value> {
        match kind {
            Kind::Host { namespace, path } => {
                let full = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
                let inherited = matches!(field, "hasOwnProperty" | "isPrototypeOf" | "propertyIsEnumerable");
                if matches!(field, "call" | "apply" | "bind") || inherited && path.is_empty() {
                    return Some(Value::default());
                }
                // A module that is the host's object is its own default export.
                if field == "default" && path.is_empty() {
                    return Some(Value::object(object));
                }
                Some(self.host_object(namespace, &full))
            }
            Kind::HostObject { namespace, class } => {
                let full = format!("{class}.{field}");
                if self.policy_api(namespace, &full).is_some() {
                    return Some(self.host_object(namespace, &full));
                }
                None
            }
            Kind::External { module, path } => {
                if matches!(field, "call" | "apply" | "bind" | "then") && !path.is_empty() && !module.is_empty() {
                    return Some(Value::default());
                }
                if matches!(field, "call" | "apply" | "bind") && &**path != "Reflect" {
                    return Some(Value::default());
                }
                if module.is_empty() && &**path == "Symbol" {
                    return match field {
                        "iterator" | "asyncIterator" => Some(Value::string("@@iterator".into(), None)),
                        "for" => Some(Value::object(self.external("", "Symbol.for"))),
                        _ => Some(Value::any()),
                    };
                }
                // A library's module is the class itself, or has it.
                let class = module.is_empty() && &**path == "Promise" && matches!(field, "Promise" | "default");
                let whole = !module.is_empty() && path.is_empty() && field == "default";
                if class || whole {
                    return Some(Value::object(object));
                }
                let full =
                    if path.is_empty() || path.len() > 80 { field.to_owned() } else { format!("{path}.{field}") };
                let id = self.external(module, &full);
                Some(Value::object(id))
            }
            Kind::Global => {
                let value = self.global_named(field);
                Some(value)
            }
            Kind::AuthSetting => {
                let granted = self.fact(super::solution::Fact::Authorized(field.into()));
                let refused = self.fact(super::solution::Fact::Refused(field.into()));
                // A scope that was never asked for is not there.
                let mut state = Value::either().when(one(granted), one(refused));
                state.bits |= UNDEFINED;
                Some(state)
            }
            Kind::Unit(_)
                if matches!(
                    field,
                    "setData"
                        | "setState"
                        | "selectComponent"
                        | "selectAllComponents"
                        | "selectOwnerComponent"
                        | "getRelationNodes"
                        | "getOpenerEventChannel"
                        | "getData"
                        | "groupSetData"
                        | "$emit"
                ) || self.tells_event(field) =>
            {
                Some(Value::default())
            }
            Kind::Unit(unit) if matches!(field, "route" | "is" | "__route__") => {
                let route = self.program.units[*unit as usize].route.clone();
                Some(Value::string(route, None))
            }
            Kind::Unit(unit) if field == "$refs" => Some(self.references(*unit, place)),
            Kind::Unit(_) if matches!(field, "properties" | "$data" | "$props" | "_data") => {
                let key = self.known("data");
                Some(self.field(&Value::object(object), &Keys::one(key), place))
            }
            Kind::WebpackRequire(_)
                if matches!(field, "n" | "d" | "r" | "t" | "e" | "o" | "O" | "bind" | "p" | "g" | "nmd" | "hmd") =>
            {
                let what: &'static str = match field {
                    "n" => "webpack.n",
                    "d" => "webpack.d",
                    "e" => "webpack.e",
                    "O" => "webpack.O",
                    "r" => "webpack.r",
                    "bind" => "webpack.bind",
                    _ => "webpack.other",
                };
                if field == "g" {
                    return Some(Value::object(self.globals));
                }
                let id = self.shared(Kind::Builtin(what));
                Some(Value::object(id))
            }
            Kind::Map | Kind::Set if field == "size" => Some(Value { bits: NUMBER, ..Value::default() }),
            Kind::Map | Kind::Set => Some(Value::default()),
            Kind::Array if field == "length" => Some(Value { bits: NUMBER, ..Value::default() }),
            // The bytes behind a list of numbers.
            Kind::Array if field == "buffer" => Some(Value::object(object)),
            Kind::Regex => Some(Value::default()),
            Kind::Closure { .. } | Kind::Bound { .. } if field == "constructor" => {
                Some(Value::object(self.external("", "Function")))
            }
            _ if field == "__proto__" && self.heap.objects[object as usize].proto.is_some() => {
                self.heap.objects[object as usize].proto.map(Value::object)
            }
            _ if field == "constructor" || field == "__proto__" => Some(Value::any()),
            _ => None,
        }
    }

    /// Calls an object that is no own function.
    pub fn call_special(&mut self, target: ObjId, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        match self.heap.kind(target).clone() {
            Kind::Host { namespace, path } => self.call_host(&namespace, &path, this, args, site),
            Kind::External { module, path } => {
                if let Some(answer) = self.dialog_call(&module, &path, &args, site) {
                    return answer;
                }
                if let Some(answer) = self.client_call(target, &module, &path, this, &args, site) {
                    return answer;
                }
                self.call_external(&module, &path, this, args, site)
            }
            Kind::Settle { promise, fulfil } => {
                let base_key = self.known("[[base]]");
                let base = self.heap.get(promise, base_key).map(|value| value.yes.clone()).unwrap_or_default();
                let held: Ids =
                    self.current_facts().into_iter().filter(|fact| base.binary_search(fact).is_err()).collect();
                let value = args.first().cloned().unwrap_or_else(Value::undefined);
                // Where several places settle it, each value tells what was agreed to there.
                let mut agreed = held.clone();
                agreed.retain(|id| self.fact_table[*id as usize].may_agree());
                agreed.sort_unstable();
                let value = if agreed.is_empty() { value } else { value.under(&agreed, &self.heap.told) };
                if fulfil {
                    if self.makers.get(&promise).is_some_and(|maker| *maker != self.entry_key) {
                        let (later, facts) = (self.later, self.later_facts);
                        self.heap.add(later, promise, &value);
                        self.heap.add(facts, promise, &Value::bool(true).when(agreed, Ids::new()));
                    }
                    self.fulfil(promise, value, &held);
                } else {
                    self.reject(promise, &value, &held);
                }
                Value::undefined()
            }
            Kind::WebpackRequire(table) => self.webpack_require(table, &args, site),
            Kind::Builtin("webpack-default") => {
                let key = self.known("a");
                self.heap.get(target, key).cloned().unwrap_or_else(Value::any)
            }
            Kind::Builtin("Function.this") => Value::object(self.globals),
            Kind::Builtin("set-state") => self.set_state_of(target, &args, site),
            Kind::Builtin("state-setter") => self.set_kept(target, &args, site),
            Kind::Builtin(what) => self.call_named(what, this, &args, site),
            _ => Value::any(),
        }
    }

    pub fn construct_special(&mut self, target: ObjId, args: Vec<Value>, site: &Site) -> Value {
        let Kind::External { module, path } = self.heap.kind(target).clone() else { return Value::any() };
        if let Some(client) = self.client_instance(&module, &path, &args, site) {
            return client;
        }
        if !module.is_empty() {
            let answer = self.call_external(&module, &path, &Value::undefined(), args, site);
            let known =
                self.policy.privacy.sdk_by_module(&module).is_some() || self.policy.privacy.is_cipher_module(&module);
            // Methods of an instance are known by the name of its class.
            return if known && answer.taints.is_empty() { Value::object(target) } else { answer };
        }
        match &*path {
            "Promise" => self.new_promise(&args, site),
            "Date" => {
                let origin = self.origin(Origin::Date);
                let mut value = Value::from_origin(origin);
                if let Some(arg) = args.first() {
                    value.taints = arg.shallow_taints();
                    if !arg.texts().collect::<Vec<_>>().is_empty() || arg.number.is_some() {
                        // A fixed date is a constant; comparing it is what matters.
                        value.origins.clear();
                    }
                }
                value
            }
            "Map" | "WeakMap" | "Set" | "WeakSet" => self.new_collection(path.ends_with("Map"), args.first(), site),
            "URLSearchParams" | "FormData" | "Headers" => self.new_parameters(args.first(), site),
            "Array" => {
                let array = self.make_at(site.place, 8, Kind::Array);
                for arg in &args {
                    if arg.number.is_none() {
                        self.heap.add(array, ITEM, arg);
                    }
                }
                Value::object(array)
            }
            // The same numbers.
            "Uint8Array" | "Int8Array" | "Uint8ClampedArray" | "Uint16Array" | "Int16Array" | "Uint32Array"
            | "Int32Array" | "Float32Array" | "Float64Array"
                if args.first().is_some_and(|list| !list.objects.is_empty()) =>
            {
                args.into_iter().next().unwrap_or_default()
            }
            "Object" => {
                let object = self.make_at(site.place, 9, Kind::Plain);
                Value::object(object)
            }
            "Proxy" => {
                // Seen through to its target; traps that are functions run once.
                if let Some(handler) = args.get(1).cloned() {
                    for trap in ["get", "set", "apply"] {
                        let key = self.sym(trap);
                        let method = self.field(&handler, &Keys::one(key), site.place);
                        if !method.objects.is_empty() {
                            let target = args.first().cloned().unwrap_or_default();
                            let inner = self.inner_site(site);
                            self.perhaps(&[], |machine| {
                                machine.call(&method, &handler, vec![target, Value::any(), Value::any()], &inner)
                            });
                        }
                    }
                }
                self.trapped(&args, site).unwrap_or_else(|| args.first().cloned().unwrap_or_else(Value::any))
            }
            "Function" if args.len() == 1 && is_return_this(&args[0]) => {
                Value::object(self.shared(Kind::Builtin("Function.this")))
            }
            "Function" | "Function.prototype.constructor" => {
                self.record_global("Function", &args, site);
                Value::any()
            }
            "Error" | "TypeError" | "RangeError" => {
                let object = self.make_at(site.place, 9, Kind::Plain);
                let key = self.known("message");
                if let Some(message) = args.first() {
                    self.heap.set(object, key, Some(message.clone()));
                }
                Value::object(object)
            }
            "RegExp" => {
                let regex = self.make_at(site.place, 7, Kind::Regex);
                Value::object(regex)
            }
            _ => self.call_external(&module, &path, &Value::undefined(), args, site),
        }
    }

    /// What a pattern proves of a text that it is found in, and of one that it is not: `/deny|fail/.test(res.errMsg)` says that one
    /// of the words stands there, or that none does.
    pub(super) fn proved_by_pattern(&mut self, pattern: &Value, text: &Value) -> (Ids, Ids) {
        let parts: Vec<Name> = pattern.objects.iter().flat_map(|&id| self.words_of_pattern(id)).collect();
        let proved = parts.iter().map(|part| text.proved_by_part(part)).reduce(|mut all, (found, missed)| {
            all.0 = intersect(&all.0, &found);
            unite(&mut all.1, &missed);
            all
        });
        proved.unwrap_or_default()
    }

    /// The words of a regular expression that is nothing but a choice of words; none where it is more.
    fn words_of_pattern(&mut self, regex: ObjId) -> Vec<Name> {
        let key = self.known("source");
        let Some(source) = self.heap.get(regex, key).and_then(|source| source.as_text().cloned()) else {
            return Vec::new();
        };
        // As written, it stands between slashes.
        let bare = source.strip_prefix('/').and_then(|rest| Some(rest.rsplit_once('/')?.0)).unwrap_or(&source);
        let bare = bare.trim_start_matches('^').trim_end_matches('$');
        let source = bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(bare);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ':' | ' ' | '_' | '-' | '|');
        match !source.is_empty() && source.chars().all(plain) {
            true => source.split('|').map(Name::from).collect(),
            false => Vec::new(),
        }
    }

    /// A proxy whose target holds nothing: what it has is what its trap gives for each name.
    fn trapped(&mut self, args: &[Value], site: &Site) -> Option<Value> {
        let [target, handler] = args else { return None };
        let [object] = target.objects.as_slice() else { return None };
        if !matches!(self.heap.kind(*object), Kind::Plain) || !self.heap.keys(*object).is_empty() {
            return None;
        }
        let key = self.known("get");
        let trap = self.field(handler, &Keys::one(key), site.place);
        let trap = trap.objects.iter().copied().find(|&id| self.is_function(id))?;
        let proxy = self.make_at(site.place, 103, Kind::Plain);
        self.heap.objects[proxy as usize].getters.push((TRAP, trap));
        Some(Value::object(proxy))
    }

    /// Calls a global or a function of a module that is not in the package.
    fn call_external(&mut self, module: &str, path: &str, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        if module.is_empty() {
            if let Some(answer) = self.call_global(path, this, &args, site) {
                return answer;
            }
            if let Some((object, method)) = path.rsplit_once('.') {
                // `Array.prototype.slice.call(list)` and the like.
                if object.ends_with(".prototype") {
                    let receiver = this.clone();
                    if let Some(answer) = self.builtin_method(&receiver, method, &args, site) {
                        return answer;
                    }
                }
            }
        }
        if module == super::runtime::MODULE {
            return self.runtime_call(path, &args, site);
        }
        let chain: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
        if let Some(answer) = self.protect(&chain, (!module.is_empty()).then_some(module), &args, site) {
            return answer;
        }
        if self.third_party(module, path, &args, site) {
            return Value::any();
        }
        let promisifies = chain.last().is_some_and(|last| last.to_lowercase().contains("promisify"))
            || (chain.is_empty() && module.contains("promisify"));
        if promisifies && let Some(first) = args.first() {
            // `promisifyAll(host, target)`
            for &target in args.get(1).map_or(&[][..], |target| &target.objects) {
                self.copy_fields(target, first, &[]);
            }
            return first.clone();
        }
        if matches!(chain.last(), Some(&("asyncToGenerator" | "_asyncToGenerator" | "mark" | "awrap")))
            || module.ends_with("asyncToGenerator")
        {
            return args.first().cloned().unwrap_or_else(Value::any);
        }
        if let Some(answer) = self.framework_call(module, &chain, &args, site) {
            return answer;
        }
        if self.policy.privacy.is_field_tool(module)
            && let Some(last) = chain.last().copied().or_else(|| module.rsplit(['.', '/']).next())
            && let Some(answer) = self.by_fields(last, &args, site)
        {
            return answer;
        }
        let mut out = self.call_unknown(&Value::undefined(), this, &args, site);
        if let Some(last) = chain.last().copied().or_else(|| module.rsplit(['.', '/']).next()) {
            if self.policy.privacy.makes_text(last) {
                let inner = args.first().map(|arg| self.deep_taints(arg, 4)).unwrap_or_default();
                unite(&mut out.taints, &inner);
            } else if self.policy.privacy.copies_arguments(last) {
                for arg in &args {
                    let copy = self.copied(arg, 4, site);
                    unite(&mut out.objects, &copy.objects);
                }
            }
        }
        out
    }

    /// `get(object, 'a.b')`, `set(object, 'a.b', value)`, `pick(object, ['a'])`, `omit(object, ['a'])`.
    fn by_fields(&mut self, function: &str, args: &[Value], site: &Site) -> Option<Value> {
        let [object, named, rest @ ..] = args else { return None };
        let mut names: Vec<Name> = Vec::new();
        for arg in &args[1..] {
            names.extend(arg.texts().cloned());
            let items = self.items_of(arg);
            names.extend(items.texts().cloned());
        }
        let paths: Vec<Name> = named.texts().cloned().collect();
        match function {
            "get" if !paths.is_empty() => {
                let mut out = rest.first().cloned().unwrap_or_else(Value::undefined);
                for path in paths {
                    let value = self.data_path(object, &path, site.place);
                    out.join(&value);
                }
                Some(out)
            }
            "set" if !paths.is_empty() => {
                let value = rest.first().cloned().unwrap_or_else(Value::undefined);
                let strong = paths.len() == 1;
                for path in paths {
                    self.write_path(object, &path, value.clone(), site.place, strong);
                }
                Some(object.clone())
            }
            "pick" => {
                let made = self.make_at(site.place, 9, Kind::Plain);
                for name in names {
                    let key = self.sym(&name);
                    let value = self.field(object, &Keys::one(key), site.place);
                    self.heap.set(made, key, Some(value));
                }
                Some(Value::object(made))
            }
            "omit" => {
                let made = self.make_at(site.place, 9, Kind::Plain);
                let keys: Vec<_> = names.iter().map(|name| self.sym(name)).collect();
                self.copy_fields(made, object, &keys);
                Some(Value::object(made))
            }
            _ => None,
        }
    }

    /// A value with copies of the objects that it holds, `depth` levels down; of very many some.
    pub fn copied(&mut self, value: &Value, depth: usize, site: &Site) -> Value {
        const MOST: usize = 200;
        let mut left = MOST;
        self.copied_some(value, depth, site, &mut left)
    }

    fn copied_some(&mut self, value: &Value, depth: usize, site: &Site, left: &mut usize) -> Value {
        let mut out = value.clone();
        if depth == 0 {
            return out;
        }
        for at in 0..value.objects.len() {
            let object = value.objects[at];
            let kind = self.heap.kind(object).clone();
            if !matches!(kind, Kind::Plain | Kind::Array) || *left == 0 {
                continue;
            }
            *left -= 1;
            let outer = self.context;
            self.context ^= u64::from(object).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let copy = self.make_at(site.place, 46, kind);
            self.context = outer;
            if copy == object {
                continue;
            }
            for key in self.heap.keys(object) {
                if let Some(field) = self.heap.get(object, key).cloned() {
                    let field = self.copied_some(&field, depth - 1, site, left);
                    self.heap.set(copy, key, Some(field));
                }
            }
            out.objects.put(at, copy);
        }
        out.objects.sort_unstable();
        out.objects.dedup();
        out
    }

    /// A method of arrays, strings, functions, promises, maps or units; `None` when the receiver has none of that name.
    pub fn builtin_method(&mut self, base: &Value, method: &str, args: &[Value], site: &Site) -> Option<Value> {
        let first = || args.first().cloned().unwrap_or_else(Value::undefined);
        let kinds: Vec<Kind> = base.objects.iter().map(|&id| self.heap.kind(id).clone()).collect();
        // Functions.
        let callable = kinds.iter().any(|kind| {
            matches!(
                kind,
                Kind::Closure { .. }
                    | Kind::Bound { .. }
                    | Kind::Host { .. }
                    | Kind::External { .. }
                    | Kind::Class { .. }
                    | Kind::Settle { .. }
                    | Kind::Builtin(_)
            )
        });
        let reflect = |kind: &Kind| matches!(kind, Kind::External { path, .. } if &**path == "Reflect");
        if callable && !kinds.iter().any(reflect) {
            match method {
                "call" => return Some(self.call(base, &first(), args.get(1..).unwrap_or(&[]).to_vec(), site)),
                "apply" => {
                    let list = args.get(1).cloned().unwrap_or_default();
                    let spread = self.spread(&list);
                    return Some(self.call(base, &first(), spread, site));
                }
                "bind" => {
                    let mut out = Value::default();
                    for &target in &base.objects {
                        let bound = self.make_at(site.place, 27, Kind::Bound { target });
                        let this_key = self.known("this");
                        self.heap.set(bound, this_key, Some(first()));
                        for (index, arg) in args.iter().skip(1).enumerate().take(8) {
                            let key = self.index_sym(index);
                            self.heap.set(bound, key, Some(arg.clone()));
                        }
                        out.join(&Value::object(bound));
                    }
                    return Some(out);
                }
                "toString" => return Some(Value::any()),
                _ => {}
            }
        }
        if let Some(promise) = base.objects.iter().copied().find(|&id| matches!(self.heap.kind(id), Kind::Promise)) {
            match method {
                "then" => return Some(self.then(promise, args.first(), args.get(1), site)),
                "catch" | "fail" => return Some(self.then(promise, None, args.first(), site)),
                // A generator.
                "next" => {
                    let mut value = self.heap.get(promise, ITEM).cloned().unwrap_or_else(Value::any);
                    value.bits |= UNDEFINED;
                    let object = self.make_at(site.place, 31, Kind::Plain);
                    let (value_key, done_key) = (self.known("value"), self.known("done"));
                    self.heap.set(object, value_key, Some(value));
                    self.heap.set(object, done_key, Some(Value::either()));
                    return Some(Value::object(object));
                }
                "finally" | "done" => {
                    self.call_back(&first(), Vec::new(), site);
                    return Some(base.clone());
                }
                _ => {}
            }
        }
        let units: Vec<(ObjId, crate::model::UnitId)> = base
            .objects
            .iter()
            .zip(&kinds)
            .filter_map(|(&id, kind)| match kind {
                Kind::Unit(unit) => Some((id, *unit)),
                _ => None,
            })
            .collect();
        if units.len() > 1 {
            // One of several pages, and not known which.
            let mut out: Option<Value> = None;
            for (id, unit) in units {
                if let Some(answer) = self.perhaps(&[], |machine| machine.unit_method(id, unit, method, args, site)) {
                    out = Some(out.map_or_else(|| answer.clone(), |known| known.joined(&answer)));
                }
            }
            if out.is_some() {
                return out;
            }
        }
        for (&id, kind) in base.objects.iter().zip(&kinds) {
            match kind {
                Kind::Unit(unit) => {
                    if let Some(answer) = self.unit_method(id, *unit, method, args, site) {
                        return Some(answer);
                    }
                }
                Kind::Map | Kind::Set => {
                    if let Some(answer) = self.map_method(id, method, args, site) {
                        return Some(answer);
                    }
                }
                Kind::EventBus => return Some(self.bus_method(id, method, args, site)),
                _ => {}
            }
        }
        if kinds.iter().any(|kind| matches!(kind, Kind::Regex)) && matches!(method, "test" | "exec") {
            let mut out = Value::either();
            if method == "exec" {
                out = Value::any();
                let subject = first();
                out.taints = subject.shallow_taints();
                out.origins = self.closest_origins(&subject);
            } else {
                let subject = first();
                let (yes, no) = self.tested(&subject, None, site.place.file, site.place.span);
                out.yes = yes;
                out.no = no;
                let (found, missed) = self.proved_by_pattern(base, &subject);
                unite(&mut out.yes, &found);
                unite(&mut out.no, &missed);
            }
            return Some(out);
        }
        let array = kinds.iter().any(|kind| matches!(kind, Kind::Array));
        let opaque = base.is_any() || base.is_none() || kinds.iter().any(|kind| matches!(kind, Kind::External { .. }));
        if (array || opaque)
            && let Some(answer) = self.array_method(base, method, args, site, array)
        {
            return Some(answer);
        }
        let text = !base.strings.is_empty() || base.is_any() || base.number.is_some() || base.bits & NUMBER != 0;
        if text && let Some(answer) = self.string_method(base, method, args, site) {
            return Some(answer);
        }
        if method == "hasOwnProperty" || method == "isPrototypeOf" || method == "propertyIsEnumerable" {
            return Some(Value::either());
        }
        if method == "toString" || method == "valueOf" || method == "toJSON" || method == "toLocaleString" {
            return Some(base.clone());
        }
        None
    }
}
