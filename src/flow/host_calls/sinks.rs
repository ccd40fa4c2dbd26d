//! Sinks: what is sent, shown, kept or handed to somebody else, and under which address.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Keys, Machine, Site, name};
use crate::flow::record::{self, sink_kind};
use crate::flow::solution::{Consent, Fact, Flow, Origin, Place, Protection, SinkKind, Step, Text};
use crate::flow::value::{Ids, Piece, Str, TRUE, Value, one, unite};
use crate::model::ir::Name;
use crate::policy::host::Api;
use crate::policy::privacy::Ask;

impl<'a> Machine<'a> {
    pub(super) fn sink_api(&mut self, api: &'a Api, path: &str, this: &Value, args: &[Value], site: &Site) {
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
            let switch = sink.encrypts.as_ref().map(|switch| self.param(api, switch, args));
            let encrypted = switch.is_some_and(|switch| switch.bits == TRUE);
            for param in &sink.data {
                let mut value = self.param(api, param, args);
                if kind == SinkKind::Storage && &**param == "data" {
                    value = self.kept_record(api, args, value, site.place);
                }
                if session {
                    // A session's name says which part of an answer is kept: not the personal one.
                    let ids: Ids =
                        value.taints.iter().copied().filter(|&id| !self.taints[id as usize].container).collect();
                    value.taints = ids;
                    value.origins = self.without_answers(&value.origins);
                }
                if encrypted {
                    let ids = self.deep_taints(&value, 6);
                    value = Value::tainted(self.map_taints(&ids, |_, taint| {
                        let by_host = Protection::Strong(path.into());
                        taint.protections = taint.protections.iter().cloned().chain([by_host]).collect();
                    }));
                }
                if &**param == "file" && api.params.contains_key("name") {
                    let under = self.param(api, "name", args);
                    value = self.pictured(value, under.as_text().map_or("", |name| name));
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
                    if api.roles.iter().any(|role| &**role == "file-read") {
                        // What is read has its name already.
                        continue;
                    }
                    let shallow = Value::tainted(value.shallow_taints());
                    self.sink(SinkKind::Url, path, site.place, param, &shallow, &Value::default(), None, true);
                    continue;
                }
                self.sink(kind, path, site.place, param, &value.clone(), &value, None, true);
            }
        }
    }

    /// A chosen picture that is sent under a document's name is one of it.
    fn pictured(&mut self, mut value: Value, under: &str) -> Value {
        let Some(kind) = self.key_kind(under).and_then(|(kind, _)| self.policy.privacy.picture_kind(&kind)) else {
            return value;
        };
        let chosen = |kind: &str| matches!(kind, "photo-media" | "chosen-file");
        let ids = self.deep_taints(&value, 2);
        if !ids.iter().any(|&id| chosen(&self.taints[id as usize].kind)) {
            return value;
        }
        value.taints = self.map_taints(&ids, |machine, taint| {
            if chosen(&taint.kind) {
                taint.kind = kind.clone();
                machine.record.collections[taint.collection].kinds.insert(kind.clone());
            }
        });
        Value::tainted(value.taints)
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
        let key = self.known("[[url]]");
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
            let arg = &self.printed_record(arg.clone(), site.place);
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
        let mut taints = self.deep_taints(value, 6);
        if kind != SinkKind::Display && (kind != SinkKind::Network || in_url) {
            let shared = self.beside_personal(value, place);
            unite(&mut taints, &shared);
            self.sink_whole(kind, api, place, param, value, urls, third_party.as_ref());
        }
        if taints.is_empty() {
            return;
        }
        for &id in &taints {
            self.note_used(id);
        }
        let facts = self.fact_set();
        let urls = Arc::new(self.texts_of(urls));
        for id in taints {
            let taint = self.taints[id as usize].clone();
            if taint.kind.is_empty() {
                continue;
            }
            let draft = &self.record.collections[taint.collection];
            let (host_prompt, scope, source_place, source) =
                (draft.host_prompt, draft.scope.clone(), draft.place, draft.source.clone());
            let consent = self.consent_of(&facts, std::slice::from_ref(&taint.kind), host_prompt, scope.as_ref());
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
                urls: urls.clone(),
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

    /// Whether a value may be a server's answer, or hold one.
    pub fn holds_answer(&self, value: &Value) -> bool {
        const DEPTH: usize = 2;
        let answer = |id: &u32| matches!(self.origin_table[*id as usize], Origin::Answer(_));
        let mut found = false;
        self.each_held(value, DEPTH, |inner| found |= inner.all_origins().iter().any(answer));
        found
    }

    /// Notes answers that arrive whole at a sink: what they hold is known once all that is read of them is.
    #[allow(clippy::too_many_arguments)]
    fn sink_whole(
        &mut self,
        kind: SinkKind,
        api: &str,
        place: Place,
        param: &str,
        value: &Value,
        urls: &Value,
        third_party: Option<&Arc<str>>,
    ) {
        const DEPTH: usize = 2;
        let mut whole: Ids = Ids::new();
        self.each_held(value, DEPTH, |inner| {
            for id in inner.all_origins() {
                if let Origin::Answer(answer) = self.origin_table[id as usize] {
                    unite(&mut whole, &[answer]);
                }
            }
        });
        // An answer that is not what was asked for holds nothing of it.
        let refused = self.facts.iter().any(|&fact| match &self.fact_table[fact as usize] {
            Fact::Tested { origin: Origin::Remote(path), with: Some(with), held: false, .. } => {
                self.policy.privacy.is_success(path.rsplit('.').next().unwrap_or(""), with)
            }
            _ => false,
        });
        if refused {
            return;
        }
        for answer in whole {
            let key = (answer, place, Name::from(api));
            if self.record.whole.contains_key(&key) {
                continue;
            }
            let request = &self.answers[answer as usize];
            let failed = |fact: &u32| self.fact_table[*fact as usize] == Fact::Failed(request.place);
            if self.facts.iter().any(failed) {
                continue;
            }
            let hops = vec![
                Step { place: request.place, note: "source", name: request.api.clone() },
                Step { place, note: "sink", name: api.into() },
            ];
            let flow = Flow {
                collection: 0,
                kinds: BTreeSet::new(),
                sink: kind,
                api: api.into(),
                place,
                param: param.into(),
                urls: Arc::new(self.texts_of(urls)),
                third_party: third_party.cloned(),
                protections: Vec::new(),
                hops,
                facts: self.fact_set(),
                entry: self.entries[self.entry].clone(),
                consent: Consent::None,
                in_url: matches!(param, "url" | "path" | "imageUrl" | "query"),
            };
            self.record.whole.insert(key, flow);
        }
    }

    /// Fields of a server's answer that people and businesses share the names of, where they stand beside what tells of a
    /// person: a phone number beside a name is that person's.
    fn beside_personal(&mut self, value: &Value, place: Place) -> Ids {
        const DEPTH: usize = 4;
        const MOST: usize = 40;
        let mut out = Ids::new();
        let mut level: Vec<u32> = value.objects.to_vec();
        let mut seen = 0;
        for _ in 0..DEPTH {
            let mut next: Vec<u32> = Vec::new();
            for object in level {
                seen += 1;
                if seen > MOST || !matches!(self.heap.kind(object), Kind::Plain | Kind::Array) {
                    continue;
                }
                let keys = self.heap.keys(object);
                let mut person = false;
                let mut answered: Vec<Name> = Vec::new();
                for key in keys {
                    let Some(field) = self.heap.get(object, key) else { continue };
                    next.extend_from_slice(&field.objects);
                    if !field.taints.is_empty() {
                        person |= field.taints.iter().any(|&id| {
                            let kind = &self.taints[id as usize].kind;
                            self.policy.privacy.tells_who(kind)
                        });
                        continue;
                    }
                    let remote = field.is_any()
                        && field.origins.iter().any(
                            |&id| matches!(&self.origin_table[id as usize], Origin::Remote(path) if !path.is_empty()),
                        );
                    if remote {
                        answered.push(self.spell(key));
                    }
                }
                if !person {
                    continue;
                }
                for field in answered {
                    let Some((kind, certainty)) = self.key_kind(&field) else { continue };
                    let kinds = BTreeSet::from([kind.clone()]);
                    let collection = self.collection(place, field, None, kinds, certainty, false, None);
                    self.record.collections[collection].answered = true;
                    let taints = self.taints_of(collection, &[kind], None);
                    unite(&mut out, &taints);
                }
            }
            level = next;
        }
        out
    }

    pub fn texts_of(&self, value: &Value) -> Vec<Text> {
        value.strings.iter().map(|text| self.text_of(text)).collect()
    }

    pub fn text_of(&self, text: &Str) -> Text {
        let mut pieces: Vec<Name> = Vec::with_capacity(text.pieces.len());
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

    /// Data given to a third-party SDK. Whether the call was followed to its end: an SDK that asks the host by itself.
    pub fn third_party(&mut self, module: &str, path: &str, args: &[Value], site: &Site) -> bool {
        let policy = self.policy;
        let sdk =
            if module.is_empty() { policy.privacy.sdk_by_global(path) } else { policy.privacy.sdk_by_module(module) };
        let Some(sdk) = sdk else { return false };
        let label = if path.is_empty() {
            module.to_owned()
        } else if module.is_empty() {
            path.to_owned()
        } else {
            format!("{module}.{path}")
        };
        self.record_call("third-party", &label, args, site);
        let mut given = args.to_vec();
        let ask = path.rsplit('.').next().and_then(|method| sdk.asks.get(method));
        let asked = ask.is_some_and(|ask| match self.sdk_asks(ask, args, site) {
            Some(collected) => {
                given.push(collected);
                true
            }
            None => false,
        });
        for (index, arg) in given.iter().enumerate() {
            self.sink(
                SinkKind::ThirdParty,
                &label,
                site.place,
                &index.to_string(),
                arg,
                &Value::default(),
                Some(sdk.id.clone()),
                false,
            );
        }
        asked
    }

    /// What an SDK asks the host for by itself, at the package's own call of it: what it collects. `None` where it is given that.
    fn sdk_asks(&mut self, ask: &'a Ask, args: &[Value], site: &Site) -> Option<Value> {
        let place = site.place;
        let options = args.first().cloned().unwrap_or_default();
        let namespace = self.namespace();
        let api = self.policy_api(&namespace, &ask.api)?;
        for name in &ask.unless {
            let key = self.sym(name);
            if self.field(&options, &Keys::one(key), place).may_true() {
                return None;
            }
        }
        // The host answers the SDK, which tells the caller whether that failed.
        let asked = self.make_at(place, 93, Kind::Plain);
        let success = self.known("success");
        for name in ["fail", "complete"] {
            let key = self.known(name);
            let handler = self.field(&options, &Keys::one(key), place);
            self.heap.set(asked, key, Some(handler));
        }
        self.call_host(&namespace, &ask.api, &Value::undefined(), vec![Value::object(asked)], site);
        let collection = *self.record.collection_ids.get(&(place, ask.api.clone()))?;
        let object = self.make_at(place, 94, Kind::Plain);
        let mut answer = Value::object(object);
        for (path, kinds) in &ask.yields {
            let taints = self.taints_of(collection, kinds, None);
            self.answer_at(&mut answer, path, taints, place);
        }
        if self.heap.get(object, ITEM).is_none() {
            self.heap.set(object, ITEM, Some(Value::any()));
        }
        let mut granted = one(self.fact(Fact::Succeeded(place)));
        if let Some(scope) = &api.scope {
            let scope = self.fact(Fact::Authorized(scope.clone()));
            unite(&mut granted, &[scope]);
        }
        let handler = self.field(&options, &Keys::one(success), place);
        if !handler.objects.is_empty() {
            let inner = self.inner_site(site);
            self.perhaps(&granted, |machine| machine.call(&handler, &options, vec![answer], &inner));
        }
        let kinds: Vec<Name> = api.yields.values().flatten().cloned().collect();
        Some(Value::tainted(self.taints_of(collection, &kinds, None)))
    }
}
