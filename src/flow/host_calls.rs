//! Calls of host APIs: what they answer, what they take away, what their callbacks prove.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use super::heap::{Change, Diff, ITEM, Kind};
use super::machine::{Keys, Machine, Site, Taint, name};
use super::record::{self, Draft, sink_kind};
use super::solution::{
    ArgValue, Branch, Fact, FactSet, Flow, HostCall, Navigation, Origin, Place, Protection, Reach, SinkKind, Step, Text,
};
use super::value::{ANY, Ids, NUMBER, ObjId, Piece, Str, UNDEFINED, Value, one, unite};
use crate::model::ir::Name;
use crate::package::Origin as FileOrigin;
use crate::policy::host::Api;
use crate::source::{FileId, Span};

/// Options that hold callbacks, never data.
const CALLBACKS: &[&str] = &["success", "fail", "complete"];
/// Most fields of an argument that are kept for rules.
const MAX_SNAPSHOT: usize = 400;

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
        let has = |role: &str| api.is_some_and(|api| api.roles.iter().any(|known| &**known == role));
        let place = site.place;
        let call = self.record_call(namespace, path, &args, site);
        let options = args.first().cloned().unwrap_or_default();

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
            let storage = self.storage;
            self.heap.clear(storage);
        }
        if let Some(api) = api {
            for role in ["navigate", "navigate-tab", "navigate-replace"] {
                if has(role) {
                    let target = self.param(api, "url", &args);
                    self.navigate(role, &target, &options, site);
                }
            }
        }
        let collection = api.and_then(|api| self.collect_api(api, path, site));
        let mut result = self.answer(api, path, &args, collection, site);
        if let Some(api) = api {
            self.sink_api(api, path, this, &args, site);
            if api.roles.iter().any(|role| matches!(&**role, "request" | "cloud-function" | "upload")) {
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
        }
        granted.sort_unstable();
        refused.sort_unstable();
        let mut called = false;
        if !options.objects.is_empty() {
            for key in CALLBACKS {
                let sym = self.sym(key);
                let handler = self.field(&options, &Keys(vec![sym]), place);
                if handler.objects.is_empty() {
                    continue;
                }
                called = true;
                let (facts, argument) = match *key {
                    "success" => (granted.clone(), result.clone()),
                    "fail" => (refused.clone(), self.failure(place)),
                    _ => (Vec::new(), result.clone()),
                };
                let inner = Site { place, args: Vec::new(), name: site.name.clone(), used: true };
                self.perhaps(&facts, |machine| machine.call(&handler, &options, vec![argument], &inner));
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
                let key = self.sym("[[url]]");
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
        self.fulfil(promise, result.clone(), &granted);
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
        let mut parts = path.split('.');
        let index: usize = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let mut value = args.get(index).cloned().unwrap_or_else(Value::undefined);
        for part in parts {
            let key = self.sym(part);
            value = self.field(&value, &Keys(vec![key]), Place { file: FileId(0), span: Span::default() });
        }
        value
    }

    fn storage_write(&mut self, api: Option<&Api>, args: &[Value], place: Place) {
        let Some(api) = api else { return };
        let key_value = self.param(api, "key", args);
        let value = self.param(api, "data", args);
        let value = self.under_consent(value);
        let keys = self.keys_from(&key_value);
        let storage = self.storage;
        match keys.0.as_slice() {
            [] => self.heap.add(storage, ITEM, &value),
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
        if keys.0.is_empty() {
            let all = self.items_of(&Value::object(storage));
            out.join(&all);
            out.bits |= ANY;
        } else if let Some(item) = self.heap.get(storage, ITEM).cloned() {
            out.join(&item);
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

    /// The answer of an API as success callbacks, promises and returns see it.
    fn answer(
        &mut self,
        api: Option<&'a Api>,
        path: &str,
        args: &[Value],
        collection: Option<usize>,
        site: &Site,
    ) -> Value {
        let place = site.place;
        let Some(api) = api else { return Value::any() };
        let has = |role: &str| api.roles.iter().any(|known| &**known == role);
        let object = self.make_at(place, 43, Kind::Plain);
        let mut out = Value { bits: ANY, objects: one(object), ..Value::default() };
        let set = |machine: &mut Self, key: &str, value: Value| {
            let key = machine.sym(key);
            machine.heap.set(object, key, Some(value));
        };
        if has("dialog") {
            let mut text = String::new();
            for param in ["title", "content", "confirm-text"] {
                let value = self.param(api, param, args);
                for piece in value.strings.iter().flat_map(|text| &text.pieces) {
                    if let Piece::Literal(literal) = piece {
                        text.push_str(literal);
                        text.push(' ');
                    }
                }
                self.shown(&value, 0);
            }
            self.dialogs.insert(place, text);
            let yes = self.fact(Fact::DialogConfirmed(place));
            let no = self.fact(Fact::DialogRefused(place));
            set(self, "confirm", Value::either().when(one(yes), one(no)));
            set(self, "cancel", Value::either().when(one(no), one(yes)));
            return Value::object(object);
        }
        if has("storage-get") {
            let value = self.storage_read(api, args, place);
            if path.ends_with("Sync") {
                return value;
            }
            set(self, "data", value);
            return Value::object(object);
        }
        if has("settings-read") || has("settings-open") {
            let settings = self.shared(Kind::AuthSetting);
            set(self, "authSetting", Value::object(settings));
            // An unknown rest of the answer would blur what its fields prove.
            return Value::object(object);
        }
        if has("privacy-check") {
            let agreed = self.fact(Fact::PrivacyAgreed);
            set(self, "needAuthorization", Value::either().when(Ids::new(), one(agreed)));
            return Value::object(object);
        }
        if has("login-state") {
            set(self, "isLogin", Value::either());
        }
        let origin = if has("system-info") {
            Some(Origin::System("".into()))
        } else if has("request") || has("cloud-function") || has("download") || has("upload") || has("cloud-read") {
            Some(Origin::Remote("".into()))
        } else if has("scan") {
            Some(Origin::Scan)
        } else if has("clipboard-read") {
            Some(Origin::Clipboard)
        } else if has("location") {
            Some(Origin::Location)
        } else if has("launch-options") {
            Some(Origin::Launch("".into()))
        } else if has("network-type") {
            Some(Origin::Network)
        } else if has("version-info") {
            Some(Origin::Environment)
        } else if has("share") || has("share-menu") {
            Some(Origin::Share(place))
        } else {
            None
        };
        if let Some(origin) = origin {
            let id = self.origin(origin);
            out.origins.push(id);
        }
        if let Some(collection) = collection {
            for (result, kinds) in &api.yields {
                let taints = self.taints_of(collection, kinds, None);
                self.answer_at(&mut out, result, taints, place);
            }
            for (result, kinds) in &api.ciphertext {
                let taints = self.taints_of(collection, kinds, Some(Protection::HostCiphertext));
                self.answer_at(&mut out, result, taints, place);
            }
        }
        out
    }

    pub fn taints_of(&mut self, collection: usize, kinds: &[Name], protection: Option<Protection>) -> Ids {
        let mut out = Ids::new();
        for kind in kinds {
            let protections: Rc<[Protection]> = protection.iter().cloned().collect();
            let id =
                self.taint(Taint { collection, kind: kind.clone(), protections, partial: false, container: false });
            unite(&mut out, &[id]);
        }
        out
    }

    /// Puts taints at a path of an answer.
    pub fn answer_at(&mut self, out: &mut Value, path: &str, taints: Ids, place: Place) {
        if path.is_empty() {
            unite(&mut out.taints, &taints);
            out.bits |= ANY;
            return;
        }
        let mut at = out.objects.first().copied();
        let parts: Vec<&str> = path.split('.').collect();
        for (index, part) in parts.iter().enumerate() {
            let Some(object) = at else { return };
            let key = if *part == "*" { ITEM } else { self.sym(part) };
            if index + 1 == parts.len() {
                let mut value = self.heap.get(object, key).cloned().unwrap_or_default();
                value.bits |= ANY;
                unite(&mut value.taints, &taints);
                self.heap.set(object, key, Some(value));
                return;
            }
            let next = match self.heap.get(object, key).and_then(|value| value.objects.first().copied()) {
                Some(next) => next,
                None => {
                    let kind =
                        if parts[index + 1] == "*" || parts[index + 1] == "0" { Kind::Array } else { Kind::Plain };
                    // Branches of the answer at one depth are objects of their own.
                    let outer = self.context;
                    let mut hasher = rustc_hash::FxHasher::default();
                    (outer, parts.get(..=index)).hash(&mut hasher);
                    self.context = hasher.finish();
                    let next = self.make(place.file, place.span.start, 60 + index as u8, kind);
                    self.context = outer;
                    let mut value = Value::object(next);
                    value.bits |= ANY;
                    self.heap.set(object, key, Some(value));
                    next
                }
            };
            at = Some(next);
        }
    }

    /// Notes that an API collects personal information here.
    fn collect_api(&mut self, api: &'a Api, path: &str, site: &Site) -> Option<usize> {
        let mut kinds: BTreeSet<Name> = api.yields.values().chain(api.ciphertext.values()).flatten().cloned().collect();
        if !api.started_by.is_empty() {
            // The value belongs to the call that started it, where the package has one.
            let started = self.record.collections.iter().position(|draft| api.started_by.contains(&draft.source));
            if let Some(started) = started {
                self.record.collections[started].kinds.extend(kinds);
                return Some(started);
            }
            self.ask_again(1);
        }
        if kinds.is_empty() && api.roles.iter().any(|role| &**role == "source") {
            for other in self.host.apis.values() {
                if other.started_by.iter().any(|starter| &**starter == path) {
                    kinds.extend(other.yields.values().flatten().cloned());
                }
            }
        }
        if kinds.is_empty() {
            return None;
        }
        let host_prompt = api.prompt || api.scope.is_some();
        let collection = self.collection(site.place, path.into(), None, kinds, 100, host_prompt, api.scope.clone());
        if api.on_read {
            self.record.collections[collection].lazy = true;
        } else {
            self.reached(collection, site.place);
        }
        Some(collection)
    }

    #[allow(clippy::too_many_arguments)]
    pub fn collection(
        &mut self,
        place: Place,
        source: Name,
        element: Option<(FileId, u32)>,
        kinds: BTreeSet<Name>,
        certainty: u8,
        host_prompt: bool,
        scope: Option<Name>,
    ) -> usize {
        if let Some(&id) = self.record.collection_ids.get(&(place, source.clone())) {
            self.record.collections[id].kinds.extend(kinds);
            return id;
        }
        let id = self.record.collections.len();
        self.record.collections.push(Draft {
            place,
            source: source.clone(),
            element,
            kinds,
            certainty,
            host_prompt,
            scope,
            reaches: Vec::new(),
            used: false,
            evidence: None,
            lazy: false,
            input: false,
        });
        self.record.collection_ids.insert((place, source), id);
        id
    }

    /// Notes a way to a collection, with what holds on it.
    pub fn reached(&mut self, collection: usize, _place: Place) {
        let draft = &self.record.collections[collection];
        let (host_prompt, scope) = (draft.host_prompt, draft.scope.clone());
        let facts = self.fact_set();
        let consent = self.consent_of(&facts, host_prompt, scope.as_deref());
        let reach = Reach { entry: self.entries[self.entry].clone(), facts, consent, path: self.path() };
        self.record.reaches.push((collection, reach));
    }

    /// What is known here.
    pub fn fact_set(&mut self) -> FactSet {
        let ids = self.current_facts();
        if let Some(known) = self.fact_sets.get(&ids) {
            return known.clone();
        }
        let set: FactSet = Arc::new(ids.iter().map(|&id| self.fact_table[id as usize].clone()).collect());
        self.fact_sets.insert(ids, set.clone());
        set
    }

    /// Origins of a field of a value of those origins.
    pub fn extend_origins(&mut self, origins: &[u32], field: &str) -> Ids {
        let mut out = Ids::new();
        for &id in origins {
            let extend = |path: &Name| -> Name {
                if path.is_empty() {
                    field.into()
                } else if path.len() > 60 {
                    path.clone()
                } else {
                    format!("{path}.{field}").into()
                }
            };
            let new = match &self.origin_table[id as usize] {
                Origin::System(path) => Origin::System(extend(path)),
                Origin::Remote(path) => Origin::Remote(extend(path)),
                Origin::Launch(path) => Origin::Launch(extend(path)),
                Origin::Query(path) if path.is_empty() => Origin::Query(field.into()),
                other => other.clone(),
            };
            let id = self.origin(new);
            unite(&mut out, &[id]);
        }
        out
    }

    /// Taints of a field of a value that carries taints as a whole.
    pub fn answer_field(&mut self, base: &Value, field: &str, place: Place) -> Ids {
        let mut out = Ids::new();
        for id in base.shallow_taints() {
            let taint = self.taints[id as usize].clone();
            if !taint.container {
                unite(&mut out, &[id]);
                continue;
            }
            let kind = self.policy.privacy.key_kind(field).map(|(kind, _)| kind);
            let container = field == "*"
                || field.parse::<u32>().is_ok()
                || matches!(
                    field,
                    "data"
                        | "result"
                        | "info"
                        | "body"
                        | "userInfo"
                        | "user"
                        | "res"
                        | "content"
                        | "phoneInfo"
                        | "phone_info"
                        | "userinfo"
                        | "user_info"
                        | "detail"
                );
            if kind.as_deref() == Some(&*taint.kind) {
                let id = self.taint(Taint { container: false, ..taint });
                unite(&mut out, &[id]);
                let way = self.record.ways.entry(id).or_default();
                if way.is_empty() {
                    way.push(Step { place, note: "answered", name: field.into() });
                }
            } else if container {
                unite(&mut out, &[id]);
            }
        }
        out
    }

    /// The server's answer to a request that carries ciphertext holds what was in it.
    fn answer_to_ciphertext(&mut self, args: &[Value], result: &mut Value) {
        let mut sent = Ids::new();
        for arg in args {
            let inner = self.deep_taints(arg, 4);
            unite(&mut sent, &inner);
        }
        let ciphered: Ids = sent
            .into_iter()
            .filter(|&id| self.taints[id as usize].protections.contains(&Protection::HostCiphertext))
            .collect();
        if ciphered.is_empty() {
            return;
        }
        let plain = self.map_taints(&ciphered, |_, taint| {
            taint.protections = Rc::from([]);
            taint.container = true;
        });
        unite(&mut result.taints, &plain);
        result.bits |= ANY;
    }

    /// Gives inputs of unknown kind the kind of the key that they are kept under.
    pub fn typed_by_key(&mut self, mut value: Value, key: &str, place: Place) -> Value {
        if value.taints.is_empty() || !value.taints.iter().any(|&id| self.taints[id as usize].kind.is_empty()) {
            return value;
        }
        let Some((kind, certainty)) = self.policy.privacy.key_kind(key) else { return value };
        let kind: Name = kind.as_ref().into();
        let ids = std::mem::take(&mut value.taints);
        value.taints = self.map_taints(&ids, |machine, taint| {
            if taint.kind.is_empty() {
                taint.kind = kind.clone();
                let draft = &mut machine.record.collections[taint.collection];
                draft.kinds.insert(kind.clone());
                if draft.certainty == 0 {
                    draft.certainty = certainty.min(80);
                    draft.evidence = Some(place);
                }
            }
        });
        value
    }

    // ---- sinks ----

    fn sink_api(&mut self, api: &'a Api, path: &str, this: &Value, args: &[Value], site: &Site) {
        if let Some(sink) = &api.sink {
            let kind = sink_kind(&sink.kind);
            if kind == SinkKind::Log {
                // A log call takes any number of values.
                self.sink_console(path, args, site);
                return;
            }
            let urls = if api.params.contains_key("url") {
                self.param(api, "url", args)
            } else if kind == SinkKind::Network {
                self.address_of(this, path)
            } else {
                Value::default()
            };
            let session = self.kept_as_session(api, args);
            for param in &sink.data {
                let mut value = self.param(api, param, args);
                if session {
                    // A session's name says which part of an answer is kept: not the personal one.
                    let ids: Ids =
                        value.taints.iter().copied().filter(|&id| !self.taints[id as usize].container).collect();
                    value.taints = ids;
                }
                let in_url = matches!(&**param, "url" | "path");
                self.sink(kind, path, site.place, param, &value, &urls, None, in_url);
            }
        }
        // Addresses carry data whatever the API is for.
        for param in ["url", "path"] {
            if api.params.contains_key(param)
                && api.sink.as_ref().is_none_or(|sink| !sink.data.iter().any(|d| &**d == param))
            {
                let value = self.param(api, param, args);
                let network = api
                    .roles
                    .iter()
                    .any(|role| matches!(&**role, "request" | "upload" | "download" | "socket-connect"));
                let kind = if network { SinkKind::Network } else { SinkKind::Url };
                if api.roles.iter().any(|role| matches!(&**role, "file-write" | "file-save" | "file-read"))
                    && param == "path"
                {
                    let shallow = Value::tainted(value.shallow_taints());
                    self.sink(SinkKind::Url, path, site.place, param, &shallow, &Value::default(), None, true);
                    continue;
                }
                self.sink(kind, path, site.place, param, &value.clone(), &value, None, true);
            }
        }
    }

    /// Whether the key that a value is stored under names a session or token.
    fn kept_as_session(&mut self, api: &Api, args: &[Value]) -> bool {
        if !api.params.contains_key("key") {
            return false;
        }
        let key = self.param(api, "key", args);
        key.as_text().is_some_and(|text| self.policy.privacy.names_session(text))
    }

    /// Where a host object sends to; the global socket, where the call has no object of its own.
    fn address_of(&mut self, this: &Value, path: &str) -> Value {
        let key = self.sym("[[url]]");
        let mut out = Value::default();
        for &object in &this.objects {
            if let Some(url) = self.heap.get(object, key) {
                out.join(&url.clone());
            }
        }
        if out.is_none() && path.to_lowercase().contains("socket") {
            self.ask_again(2);
            self.socket_urls.clone()
        } else {
            out
        }
    }

    pub fn sink_console(&mut self, path: &str, args: &[Value], site: &Site) {
        for arg in args {
            self.sink(SinkKind::Log, path, site.place, "data", arg, &Value::default(), None, false);
        }
    }

    /// Notes what personal information arrives at a sink.
    #[allow(clippy::too_many_arguments)]
    pub fn sink(
        &mut self,
        kind: SinkKind,
        api: &str,
        place: Place,
        param: &str,
        value: &Value,
        urls: &Value,
        third_party: Option<Arc<str>>,
        in_url: bool,
    ) {
        let taints = self.deep_taints(value, 6);
        if taints.is_empty() {
            return;
        }
        for &id in &taints {
            let collection = self.taints[id as usize].collection;
            self.record.collections[collection].used = true;
        }
        let facts = self.fact_set();
        for id in taints {
            let taint = self.taints[id as usize].clone();
            if taint.kind.is_empty() {
                continue;
            }
            let draft = &self.record.collections[taint.collection];
            let (host_prompt, scope, source_place, source) =
                (draft.host_prompt, draft.scope.clone(), draft.place, draft.source.clone());
            let consent = self.consent_of(&facts, host_prompt, scope.as_deref());
            // The way between is known when the last round is over.
            let hops = vec![
                Step { place: source_place, note: "source", name: source },
                Step { place, note: "sink", name: api.into() },
            ];
            let flow = Flow {
                collection: taint.collection,
                kinds: BTreeSet::from([taint.kind.clone()]),
                sink: kind,
                api: api.into(),
                place,
                param: param.into(),
                urls: self.texts_of(urls),
                third_party: third_party.clone(),
                protections: taint.protections.to_vec(),
                hops,
                facts: facts.clone(),
                entry: self.entries[self.entry].clone(),
                consent,
                in_url,
            };
            let key = (place, api.into(), param.into(), taint.collection, format!("{kind:?}{:?}", taint.protections));
            record::flow(&mut self.record.flows, key, flow, id);
        }
    }

    pub fn texts_of(&self, value: &Value) -> Vec<Text> {
        value.strings.iter().map(|text| self.text_of(text)).collect()
    }

    pub fn text_of(&self, text: &Str) -> Text {
        let mut pieces: Vec<Name> = Vec::new();
        let mut open = false;
        for piece in &text.pieces {
            match piece {
                Piece::Literal(literal) => {
                    if !open && !pieces.is_empty() {
                        let joined: Name = format!("{}{literal}", pieces.pop().unwrap_or_else(|| name(""))).into();
                        pieces.push(joined);
                    } else {
                        pieces.push(literal.clone());
                    }
                    open = false;
                }
                Piece::Hole(..) => {
                    if pieces.is_empty() || open {
                        pieces.push(name(""));
                    }
                    open = true;
                }
            }
        }
        if open {
            pieces.push(name(""));
        }
        Text { pieces, place: text.place }
    }

    // ---- records ----

    fn record_call(&mut self, namespace: &str, path: &str, args: &[Value], site: &Site) -> Option<usize> {
        let place = site.place;
        let facts = self.fact_set();
        let same = self.record.calls.iter().position(|call| {
            call.place == place
                && call.args.len() == args.len()
                && Arc::ptr_eq(&call.facts, &facts)
                && &*call.api == path
        });
        if let Some(known) = same {
            if !self.record.calls[known].handles_failure {
                let handles = args.first().is_some_and(|options| self.handles_failure(options));
                self.record.calls[known].handles_failure = handles;
            }
            return Some(known);
        }
        let handles_failure = args.first().is_some_and(|options| self.handles_failure(options));
        let values: Vec<ArgValue> = args
            .iter()
            .enumerate()
            .map(|(index, arg)| self.snapshot(arg, site.args.get(index).copied().flatten(), 4))
            .collect();
        let result_used = site.used
            || values
                .iter()
                .any(|value| value.callable || value.field("success").is_some_and(|success| success.callable));
        // A call in a library is told at the package's own call into it.
        let through = if matches!(self.package.files[place.file.index()].origin, FileOrigin::Own) {
            None
        } else {
            self.stack
                .iter()
                .rev()
                .map(|called| called.site)
                .find(|site| matches!(self.package.files[site.file.index()].origin, FileOrigin::Own))
        };
        self.record.calls.push(HostCall {
            api: path.into(),
            namespace: namespace.into(),
            place,
            entry: self.entries[self.entry].clone(),
            facts,
            path: self.path(),
            args: values,
            handles_failure,
            result_used,
            through,
        });
        Some(self.record.calls.len() - 1)
    }

    /// Whether options give something to call when the host fails.
    fn handles_failure(&mut self, options: &Value) -> bool {
        let keys = [self.sym("fail"), self.sym("complete")];
        options.objects.iter().any(|&object| {
            matches!(self.heap.kind(object), Kind::Plain | Kind::Array | Kind::Map | Kind::Set)
                && keys.iter().any(|&key| {
                    self.heap.get(object, key).is_some_and(|value| value.objects.iter().any(|&id| self.callable(id)))
                })
        })
    }

    fn callable(&self, object: ObjId) -> bool {
        matches!(
            self.heap.kind(object),
            Kind::Closure { .. } | Kind::Bound { .. } | Kind::Settle { .. } | Kind::Host { .. } | Kind::External { .. }
        )
    }

    /// Notes a call of a global that rules care for (`eval`, `Function`).
    pub fn record_global(&mut self, path: &str, args: &[Value], site: &Site) {
        self.record.blind(site.place, "dynamic-code", path);
        self.record_call("", path, args, site);
    }

    /// A value as rules see it, with `depth` levels of its fields.
    pub fn snapshot(&mut self, value: &Value, place: Option<Place>, depth: usize) -> ArgValue {
        let mut left = MAX_SNAPSHOT;
        let mut out = self.snapshot_part(value, place, depth, &mut left);
        // Below the levels that are kept, only what kinds there are.
        for id in self.deep_taints(value, depth) {
            let kind = &self.taints[id as usize].kind;
            if !kind.is_empty() && !out.kinds.contains(kind) {
                out.kinds.insert(kind.clone());
            }
        }
        out
    }

    fn snapshot_part(&mut self, value: &Value, place: Option<Place>, depth: usize, left: &mut usize) -> ArgValue {
        let mut out = ArgValue { place, strings: self.texts_of(value), ..ArgValue::default() };
        if let Some(bits) = value.number {
            out.strings.push(Text { pieces: vec![super::value::number_text(f64::from_bits(bits)).into()], place });
        }
        let bools = value.bits & (super::value::TRUE | super::value::FALSE);
        if value.objects.is_empty() && value.strings.is_empty() && value.bits == bools {
            out.boolean = match bools {
                super::value::TRUE => Some(true),
                super::value::FALSE => Some(false),
                _ => None,
            };
        }
        for id in value.shallow_taints() {
            let kind = &self.taints[id as usize].kind;
            if !kind.is_empty() {
                out.kinds.insert(kind.clone());
            }
        }
        for origin in value.all_origins() {
            out.origins.insert(self.origin_table[origin as usize].clone());
        }
        out.unknown = value.bits & (ANY | NUMBER) != 0;
        for &object in &value.objects {
            if self.callable(object) {
                out.callable = true;
                continue;
            }
            if depth == 0 || !matches!(self.heap.kind(object), Kind::Plain | Kind::Array | Kind::Map | Kind::Set) {
                continue;
            }
            for key in self.heap.keys(object).into_iter().take(48) {
                if *left == 0 {
                    out.unknown = true;
                    break;
                }
                *left -= 1;
                let Some(inner) = self.heap.shared(object, key) else { continue };
                let label = self.spell(key);
                let inner_place = inner.strings.first().and_then(|text| text.place);
                let field = self.snapshot_part(&inner, inner_place, depth - 1, left);
                out.kinds.extend(field.kinds.iter().cloned());
                match out.fields.iter_mut().find(|(known, _)| *known == label) {
                    Some((_, known)) => {
                        known.strings.extend(field.strings);
                        known.kinds.extend(field.kinds);
                        known.callable |= field.callable;
                        known.unknown = true;
                    }
                    None => out.fields.push((label, field)),
                }
            }
        }
        out
    }

    pub fn navigate(&mut self, role: &str, target: &Value, options: &Value, site: &Site) {
        let from = self.entries[self.entry].route.clone();
        let base = self.package.source(site.place.file).path.clone();
        for text in &target.strings {
            let whole = self.text_of(text);
            let Some(route) = self.route_of(&whole, &from, &base) else {
                self.record.navigations.push(Navigation {
                    place: site.place,
                    role: role.into(),
                    target: whole,
                    from: from.clone(),
                });
                continue;
            };
            let mut target = whole.clone();
            if let Some(first) = target.pieces.first_mut() {
                let query = first.find('?').map_or("", |at| &first[at..]).to_owned();
                *first = format!("/{route}{query}").into();
            }
            let navigation = Navigation { place: site.place, role: role.into(), target, from: from.clone() };
            let known = self
                .record
                .navigations
                .iter()
                .any(|n| n.place == navigation.place && n.target == navigation.target && n.from == navigation.from);
            if !known {
                self.record.navigations.push(navigation);
            }
            self.opened(&route);
            self.pass_query(&route, text, site.place);
        }
        if target.strings.is_empty() {
            self.record.navigations.push(Navigation {
                place: site.place,
                role: role.into(),
                target: Text { pieces: vec![name(""), name("")], place: None },
                from,
            });
        }
        // Handlers of the channel that the opened page answers through.
        let events = self.sym("events");
        let listeners = self.field(options, &Keys(vec![events]), site.place);
        for &object in &listeners.objects {
            for key in self.heap.keys(object) {
                if let Some(handler) = self.heap.get(object, key).cloned() {
                    let label = self.spell(key);
                    let bus = self.bus;
                    self.bus_method(bus, "on", &[Value::string(label, None), handler], site);
                }
            }
        }
    }

    /// The route that an address names, when its path is known.
    fn route_of(&self, text: &Text, from: &str, file: &str) -> Option<String> {
        let head = text.head();
        let (path, complete) = match head.find('?') {
            Some(at) => (&head[..at], true),
            None => (head, text.complete().is_some()),
        };
        if !complete || path.is_empty() || path.contains("://") {
            return None;
        }
        let path = path.trim_end_matches(".html");
        if let Some(absolute) = path.strip_prefix('/') {
            return crate::model::normalize(absolute);
        }
        let exists = |route: &str| self.program.by_route.contains_key(route);
        for base in [from, file] {
            let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
            if let Some(route) = crate::model::normalize(&format!("{folder}/{path}"))
                && exists(&route)
            {
                return Some(route);
            }
        }
        crate::model::normalize(path).filter(|route| exists(route)).or_else(|| {
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            crate::model::normalize(&format!("{folder}/{path}"))
        })
    }

    /// Hands the query of an address to the page that it opens.
    fn pass_query(&mut self, route: &str, text: &Rc<Str>, place: Place) {
        let Some(&unit) = self.program.by_route.get(route) else { return };
        let query = self.query_object(unit);
        let mut seen = false;
        let mut key: Option<String> = None;
        let mut value = Value::default();
        let mut rest = String::new();
        for piece in &text.pieces {
            match piece {
                Piece::Literal(literal) => {
                    let mut part = &**literal;
                    if !seen {
                        match part.find('?') {
                            Some(at) => {
                                part = &part[at + 1..];
                                seen = true;
                            }
                            None => continue,
                        }
                    }
                    for (index, pair) in part.split('&').enumerate() {
                        if index > 0 {
                            self.pass_one(
                                query,
                                key.take(),
                                std::mem::take(&mut value),
                                std::mem::take(&mut rest),
                                place,
                            );
                        }
                        if key.is_some() {
                            rest.push_str(pair);
                            continue;
                        }
                        if let Some((name, constant)) = pair.split_once('=') {
                            key = Some(name.to_owned());
                            rest = constant.to_owned();
                        }
                    }
                }
                Piece::Hole(taints, origins) if seen => {
                    value.bits |= ANY;
                    unite(&mut value.taints, taints);
                    unite(&mut value.origins, origins);
                }
                Piece::Hole(..) => {}
            }
        }
        self.pass_one(query, key, value, rest, place);
    }

    fn pass_one(&mut self, query: u32, key: Option<String>, mut value: Value, rest: String, place: Place) {
        let Some(key) = key else { return };
        if !rest.is_empty() {
            value.join(&Value::string(rest.into(), None));
        }
        let value = self.typed_by_key(value, &key, place);
        let value = self.stepped(value, place, "page-query", &name(&key));
        let sym = self.sym(&key);
        self.heap.add(query, sym, &value);
    }

    // ---- branches ----

    /// Starts a record of a branch on a value whose origin matters.
    pub fn branch_start(&mut self, file: FileId, span: Span, value: &Value) -> Option<usize> {
        let mut ids = value.yes.clone();
        unite(&mut ids, &value.no);
        let mut found = ids.iter().find_map(|&id| match &self.fact_table[id as usize] {
            Fact::Tested { origin, with, place, .. } => Some((origin.clone(), with.clone(), *place)),
            _ => None,
        });
        if found.is_none()
            && let Some(&origin) = value.all_origins().first()
        {
            found = Some((self.origin_table[origin as usize].clone(), None, Place { file, span }));
        }
        let (origin, with, read) = found?;
        self.record.branches.push(Branch {
            place: Place { file, span },
            read,
            origin,
            with,
            entry: self.entries[self.entry].clone(),
            then_calls: Vec::new(),
            else_calls: Vec::new(),
            sets: Vec::new(),
        });
        Some(self.record.branches.len() - 1)
    }

    pub fn branch_end(&mut self, branch: usize, calls: (usize, usize, usize), yes: &Diff, no: &Diff) {
        let mut sets = Vec::new();
        for Change { id, key, value, .. } in yes.iter().chain(no) {
            if !matches!(self.heap.kind(*id), Kind::Plain | Kind::Unit(_)) {
                continue;
            }
            let text = value.as_ref().and_then(|value| match value.bits {
                super::value::TRUE => Some(name("true")),
                super::value::FALSE => Some(name("false")),
                _ => value.as_text().cloned(),
            });
            sets.push((self.spell(*key), text));
        }
        sets.sort();
        sets.dedup();
        sets.truncate(32);
        let branch = &mut self.record.branches[branch];
        branch.then_calls.extend(calls.0..calls.1);
        branch.else_calls.extend(calls.1..calls.2);
        branch.sets = sets;
    }

    // ---- third parties and ciphers ----

    /// Data given to a third-party SDK.
    pub fn third_party(&mut self, module: &str, path: &str, args: &[Value], site: &Site) {
        let sdk = if module.is_empty() {
            self.policy.privacy.sdk_by_global(path)
        } else {
            self.policy.privacy.sdk_by_module(module)
        };
        let Some(sdk) = sdk.map(|sdk| sdk.id.clone()) else { return };
        let label = if path.is_empty() {
            module.to_owned()
        } else if module.is_empty() {
            path.to_owned()
        } else {
            format!("{module}.{path}")
        };
        self.record_call("third-party", &label, args, site);
        for (index, arg) in args.iter().enumerate() {
            self.sink(
                SinkKind::ThirdParty,
                &label,
                site.place,
                &index.to_string(),
                arg,
                &Value::default(),
                Some(sdk.clone()),
                false,
            );
        }
    }

    /// What a cipher, hash, encoding or mask gives; `None` when the call is none.
    pub fn protect(&mut self, chain: &[&str], module: Option<&str>, args: &[Value], site: &Site) -> Option<Value> {
        use super::lookup::CipherClass;
        let cipher = super::lookup::cipher(self.policy, chain, module)?;
        let data = self.at_path(&cipher.data, args);
        let mut taints = self.deep_taints(&data, 5);
        for arg in args {
            // The value may stand in another place than the table says.
            if taints.is_empty() {
                taints = self.deep_taints(arg, 5);
            }
        }
        let mut out = Value::any();
        out.origins = data.origins.clone();
        if taints.is_empty() {
            // A constant in another notation is still one.
            return Some(if matches!(cipher.class, CipherClass::Encoding) { data } else { out });
        }
        let literal_key = cipher.key.iter().chain(&cipher.iv).any(|path| self.secret_in_source(path, args));
        let weak_mode = cipher.mode.as_ref().is_some_and(|path| self.weak_mode(path, args, cipher.options_required));
        let label: Name = cipher.name.clone();
        let place = site.place;
        // A hash with something secret mixed in is not a hash of the number alone.
        let salted =
            matches!(cipher.class, CipherClass::Hash)
                && (data.strings.iter().any(|text| {
                    text.pieces.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.len() >= 6))
                }) || data.strings.iter().any(|text| {
                    text.pieces.iter().any(|piece| matches!(piece, Piece::Hole(taints, _) if taints.is_empty()))
                }));
        let policy = self.policy;
        out.taints = self.map_taints(&taints, |_, taint| {
            let protection = match cipher.class {
                CipherClass::Strong | CipherClass::Envelope
                    if literal_key && !matches!(cipher.class, CipherClass::Envelope) =>
                {
                    Protection::Weak(label.clone(), place)
                }
                CipherClass::Strong if weak_mode => Protection::Weak(label.clone(), place),
                CipherClass::Strong | CipherClass::Envelope => Protection::Strong(label.clone()),
                CipherClass::Weak => Protection::Weak(label.clone(), place),
                CipherClass::Mac if literal_key => Protection::Weak(label.clone(), place),
                CipherClass::Mac => Protection::Hashed(label.clone()),
                CipherClass::Hash if salted || !policy.privacy.is_enumerable(&taint.kind) => {
                    Protection::Hashed(label.clone())
                }
                CipherClass::Hash => Protection::Weak(label.clone(), place),
                CipherClass::Encoding => Protection::Encoded(label.clone()),
                CipherClass::Mask => Protection::Masked,
            };
            if taint.protections.len() < 6 && !taint.protections.contains(&protection) {
                let mut list = taint.protections.to_vec();
                list.push(protection);
                taint.protections = list.into();
            }
        });
        let value = self.stepped(out, place, "protected-by", &cipher.name);
        Some(value)
    }

    fn at_path(&mut self, path: &str, args: &[Value]) -> Value {
        let mut parts = path.split('.');
        let index: usize = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let mut value = args.get(index).cloned().unwrap_or_else(Value::undefined);
        for part in parts {
            let key = self.sym(part);
            value = self.field(&value, &Keys(vec![key]), Place { file: FileId(0), span: Span::default() });
        }
        value
    }

    fn secret_in_source(&mut self, path: &str, args: &[Value]) -> bool {
        let value = self.at_path(path, args);
        if value.is_any() && value.strings.is_empty() {
            return false;
        }
        value.texts().any(|text| text.len() >= 4)
    }

    fn weak_mode(&mut self, path: &str, args: &[Value], required: bool) -> bool {
        let value = self.at_path(path, args);
        let weak = value.objects.iter().any(
            |&id| matches!(self.heap.kind(id), Kind::External { path, .. } if path.to_lowercase().ends_with("ecb")),
        ) || value.texts().any(|text| text.to_lowercase().contains("ecb"));
        weak || (required && value.bits == UNDEFINED && value.objects.is_empty() && value.strings.is_empty())
    }
}
