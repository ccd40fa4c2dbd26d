//! Calls of host APIs: what they answer, what they take away, what their callbacks prove.

mod answers;
pub(super) mod people;
mod protections;
mod records;
mod routes;
mod sinks;
mod stack;

use self::records::CALLBACKS;
pub(super) use self::stack::is_from_end;
use super::heap::{Diff, ITEM, Kind};
use super::machine::{Keys, Machine, Site};
use super::solution::{Fact, Origin, Place};
use super::value::{ANY, Ids, NULL, NUMBER, ObjId, Piece, Sym, UNDEFINED, Value, unite};
use crate::model::ir::Name;
use crate::policy::host::Api;

impl<'a> Machine<'a> {
    /// The table entry of an API.
    pub fn policy_api(&self, namespace: &str, path: &str) -> Option<&'a Api> {
        if self.host.info.namespaces.iter().any(|known| &**known == namespace) {
            return self.host.apis.get(path);
        }
        let info = self.policy.hosts.by_namespace(namespace)?;
        self.policy.host(&info.id)?.apis.get(path)
    }

    /// Calls a host function.
    pub fn call_host(&mut self, namespace: &str, path: &str, this: &Value, args: Vec<Value>, site: &Site) -> Value {
        let api = self.policy_api(namespace, path);
        if api.is_none()
            && let Some(answer) = self.bundler_call(path, &args, site)
        {
            return answer;
        }
        // A bus of events that runtimes put beside the host's functions.
        if api.is_none() && matches!(path, "$emit" | "$on" | "$once" | "$off") {
            let bus = self.bus;
            return self.bus_method(bus, path, &args, site);
        }
        if path.is_empty() || api.is_none() && self.policy.hosts.is_alias_member(path) {
            return self.call_unknown(&Value::default(), this, &args, site);
        }
        let has = |role: &str| api.is_some_and(|api| api.roles.iter().any(|known| &**known == role));
        let place = site.place;
        let call = self.record_call(namespace, path, &args, site);
        let options = args.first().cloned().unwrap_or_default();

        if api.is_none_or(|api| api.roles.is_empty())
            && super::lookup::cipher(self.policy, &[namespace, path], None)
                .is_some_and(|cipher| matches!(cipher.class, super::lookup::CipherClass::Encoding))
            && let Some(answer) = self.protect(&[namespace, path], None, &args, site)
        {
            return answer;
        }
        // A command about a value, which goes where the value goes.
        if has("wraps") {
            return options;
        }
        if has("event") {
            return self.host_event(api, namespace, path, &args, site);
        }
        if has("storage-set") {
            self.storage_write(api, &args, place);
        }
        if has("storage-remove")
            && let Some(api) = api
        {
            let keys = self.param(api, "key", &args);
            let keys = self.keys_from(&keys);
            let storage = self.storage;
            if let [one] = keys.0.as_slice() {
                self.heap.set(storage, *one, None);
            }
        }
        if has("storage-clear") {
            let (storage, like) = (self.storage, self.stored_like);
            self.heap.clear(storage);
            self.heap.clear(like);
        }
        if let Some(api) = api {
            for role in ["navigate", "navigate-tab", "navigate-redirect", "navigate-replace"] {
                if has(role) {
                    let target = self.param(api, "url", &args);
                    self.navigate(role, &target, &options, site);
                }
            }
        }
        let collection = api.and_then(|api| self.collect_api(api, path, site));
        let mut result = self.answer(api, path, &args, collection, site);
        if let Some(api) = api {
            // What another host offers is not there: nothing goes anywhere.
            if self.host.info.namespaces.iter().any(|own| **own == *namespace) {
                self.sink_api(api, path, this, &args, site);
            }
            if api.roles.iter().any(|role| matches!(&**role, "request" | "cloud-function" | "upload")) {
                self.requests.insert(place);
                self.answer_to_ciphertext(&args, &mut result);
            }
        }
        let _ = call;

        // Callbacks.
        let scope: Option<Name> = if has("authorize") {
            api.map(|api| self.param(api, "scope", &args)).and_then(|value| value.as_text().cloned())
        } else {
            api.and_then(|api| api.scope.clone())
        };
        let mut granted = vec![self.fact(Fact::Succeeded(place))];
        let mut refused = vec![self.fact(Fact::Failed(place))];
        if let Some(scope) = &scope {
            granted.push(self.fact(Fact::Authorized(scope.clone())));
            refused.push(self.fact(Fact::Refused(scope.clone())));
        }
        if has("privacy-authorize") {
            granted.push(self.fact(Fact::PrivacyAgreed));
            granted.push(self.fact(Fact::Agreed));
        }
        granted.sort_unstable();
        refused.sort_unstable();
        let mut called = false;
        if !options.objects.is_empty() {
            // Either succeeds or fails: neither sees what the other did.
            let mut arms: Vec<(Diff, Ids)> = Vec::new();
            for key in CALLBACKS {
                if *key == "complete" && !arms.is_empty() {
                    arms.push((Diff::default(), Ids::new()));
                    self.heap.merge(&arms);
                    arms.clear();
                }
                let sym = self.sym(key);
                let handler = self.field(&options, &Keys::one(sym), place);
                if handler.objects.is_empty() {
                    continue;
                }
                called = true;
                let (facts, argument) = match *key {
                    "success" => (granted.clone(), result.clone()),
                    "fail" => (refused.clone(), self.failure(place)),
                    _ if has("dialog") => (vec![self.fact(Fact::Closed(place))], result.clone()),
                    _ => (Vec::new(), result.clone()),
                };
                let inner = Site { place, args: Vec::new(), name: site.name.clone(), used: true };
                let run = |machine: &mut Self| machine.call(&handler, &options, vec![argument], &inner);
                if *key == "complete" {
                    self.perhaps(&facts, run);
                } else {
                    let (_, diff, held) = self.apart(&facts, run);
                    arms.push((diff, held));
                }
            }
        }
        // Trailing callbacks of host objects (`manager.onStop(fn)` without a role, `exec(fn)`).
        if !called {
            for arg in args.iter() {
                let functions = Value {
                    objects: arg
                        .objects
                        .iter()
                        .copied()
                        .filter(|&id| {
                            matches!(
                                self.heap.kind(id),
                                Kind::Closure { .. } | Kind::Bound { .. } | Kind::Settle { .. }
                            )
                        })
                        .collect(),
                    ..Value::default()
                };
                if !functions.objects.is_empty() {
                    let inner = Site { place, args: Vec::new(), name: site.name.clone(), used: true };
                    let argument = result.clone();
                    self.perhaps(&[], |machine| machine.call(&functions, &Value::undefined(), vec![argument], &inner));
                }
            }
        }
        if has("capability-check") {
            return Value::either();
        }
        if path.ends_with("Sync") {
            return result;
        }
        let mut out = Value::any();
        if let Some(class) = api.and_then(|api| api.returns.clone()) {
            let kind = Kind::HostObject { namespace: namespace.into(), class };
            let object = if has("socket-connect") {
                // What is sent through it goes to the address that it was made with.
                let object = self.make_at(place, 44, kind);
                let url = api.map(|api| self.param(api, "url", &args)).unwrap_or_default();
                self.socket_urls.join(&url);
                let key = self.known("[[url]]");
                self.heap.set(object, key, Some(url));
                object
            } else {
                self.shared(kind)
            };
            if !has("request") && !has("upload") && !has("download") {
                return Value::object(object);
            }
            out.objects.push(object);
        }
        let promise = self.make_at(place, 41, Kind::Promise);
        let mut answer = result.clone();
        if self.answers_in_pairs && !called {
            let pair = self.make_at(place, 100, Kind::Array);
            let (error, given) = (self.known("0"), self.known("1"));
            self.heap.set(pair, error, Some(Value { bits: UNDEFINED | NULL, ..Value::default() }));
            self.heap.set(pair, given, Some(result.clone()));
            unite(&mut answer.objects, &[pair]);
        }
        self.fulfil(promise, answer, &granted);
        let error = self.failure(place);
        self.reject(promise, &error, &refused);
        unite(&mut out.objects, &[promise]);
        out.bits = if called { UNDEFINED } else { 0 };
        if api.is_some_and(|api| !api.yields.is_empty()) && !called {
            // Some answer at once.
            for id in result.objects {
                unite(&mut out.objects, &[id]);
            }
        }
        out
    }

    fn failure(&mut self, place: Place) -> Value {
        let object = self.make_at(place, 42, Kind::Plain);
        self.heap.set(object, ITEM, Some(Value::any()));
        Value::object(object)
    }

    /// The value of a named parameter.
    pub fn param(&mut self, api: &Api, param: &str, args: &[Value]) -> Value {
        let Some(path) = api.params.get(param) else { return Value::undefined() };
        self.at_path(path, args)
    }

    fn storage_write(&mut self, api: Option<&Api>, args: &[Value], place: Place) {
        let Some(api) = api else { return };
        let key_value = self.param(api, "key", args);
        let value = self.param(api, "data", args);
        let value = self.kept_record(api, args, value, place);
        let value = self.under_consent(value);
        let keys = self.keys_from(&key_value);
        let storage = self.storage;
        match keys.0.as_slice() {
            [] => match self.keys_like(&key_value) {
                likes if likes.is_empty() => self.heap.add(storage, ITEM, &value),
                likes => {
                    let like = self.stored_like;
                    for key in likes {
                        self.heap.add(like, key, &value);
                    }
                }
            },
            [one] => {
                let label = self.spell(*one);
                let value = self.typed_by_key(value, &label, place);
                let value = self.stepped(value, place, "stored", &label);
                self.heap.set(storage, *one, Some(value));
            }
            many => {
                for &key in many {
                    self.heap.add(storage, key, &value);
                }
            }
        }
    }

    fn storage_read(&mut self, api: &Api, args: &[Value], _place: Place) -> Value {
        let key_value = self.param(api, "key", args);
        let keys = self.keys_from(&key_value);
        let storage = self.storage;
        let mut out = Value::default();
        for &key in &keys.0 {
            let label = self.spell(key);
            match self.heap.get(storage, key).cloned() {
                Some(value) => {
                    let mut value = value;
                    // The key may not have been written yet.
                    value.no = Ids::new();
                    value.bits |= UNDEFINED;
                    let origin = self.origin(Origin::Storage(label));
                    unite(&mut value.origins, &[origin]);
                    out.join(&value);
                }
                None if self.round >= 2 => {
                    let origin = self.origin(Origin::Storage(label));
                    out.join(&Value::from_origin(origin));
                }
                None => {
                    self.ask_again(1);
                    out.join(&Value::string("".into(), None));
                }
            }
        }
        let likes = if keys.0.is_empty() { self.keys_like(&key_value) } else { keys.0.iter().copied().collect() };
        let like = self.stored_like;
        if likes.is_empty() {
            let all = self.items_of(&Value::object(storage));
            out.join(&all);
            let all = self.items_of(&Value::object(like));
            out.join(&all);
        }
        if keys.0.is_empty() {
            out.bits |= ANY;
        }
        let names: Vec<Name> = likes.iter().map(|&key| self.spell(key)).collect();
        let mut meet = |machine: &Self, object: ObjId| {
            for key in machine.heap.keys(object) {
                let known = machine.spell(key);
                if names.iter().any(|name| alike(name, &known))
                    && let Some(value) = machine.heap.get(object, key)
                {
                    out.join(&value.clone());
                }
            }
        };
        meet(self, like);
        if keys.0.is_empty() && !names.is_empty() {
            meet(self, storage);
        }
        if let Some(item) = self.heap.get(storage, ITEM).cloned() {
            out.join(&item);
        }
        out
    }

    /// Keys that are known in part, with a `\0` for what is not; none where nothing is known of one of them.
    fn keys_like(&mut self, value: &Value) -> Vec<Sym> {
        if value.is_any() || value.bits & NUMBER != 0 || value.number.is_some() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for text in &value.strings {
            let (mut head, mut tail, mut open) = (String::new(), String::new(), false);
            for piece in &text.pieces {
                match piece {
                    Piece::Literal(literal) if open => tail.push_str(literal),
                    Piece::Literal(literal) => head.push_str(literal),
                    Piece::Hole(..) => {
                        tail.clear();
                        open = true;
                    }
                }
            }
            if head.is_empty() && tail.is_empty() {
                return Vec::new();
            }
            let key = if open { format!("{head}\0{tail}") } else { head };
            out.push(self.sym(&key));
        }
        out
    }

    fn host_event(&mut self, api: Option<&'a Api>, namespace: &str, path: &str, args: &[Value], site: &Site) -> Value {
        let collection = api.and_then(|api| self.collect_api(api, path, site));
        let argument = self.answer(api, path, args, collection, site);
        let callback = match api {
            Some(api) if api.params.contains_key("callback") => self.param(api, "callback", args),
            _ => args.first().cloned().unwrap_or_default(),
        };
        let _ = namespace;
        let inner = Site { place: site.place, args: Vec::new(), name: site.name.clone(), used: true };
        // The event comes later: what held when it was registered still holds.
        self.perhaps(&[], |machine| machine.call(&callback, &Value::undefined(), vec![argument, Value::any()], &inner));
        Value::undefined()
    }
}

/// Whether two keys, each known in whole or with a `\0` for an unknown part, may be the same.
fn alike(one: &str, other: &str) -> bool {
    match (one.split_once('\0'), other.split_once('\0')) {
        (None, None) => one == other,
        (Some((head, tail)), None) => fits(other, head, tail),
        (None, Some((head, tail))) => fits(one, head, tail),
        (Some((head, tail)), Some((start, end))) => {
            (head.starts_with(start) || start.starts_with(head)) && (tail.ends_with(end) || end.ends_with(tail))
        }
    }
}

fn fits(text: &str, head: &str, tail: &str) -> bool {
    text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
}
