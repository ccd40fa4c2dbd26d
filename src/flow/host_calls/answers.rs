//! Answers of the host: collections of personal information and the fields they come in.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Answer, Machine, Site, Taint};
use crate::flow::record::Draft;
use crate::flow::solution::{Fact, FactSet, Origin, Place, Protection, Reach, Step};
use crate::flow::value::{ANY, FALSE, Ids, Piece, Str, Value, intersect, one, unite};
use crate::model::ir::Name;
use crate::policy::host::{Api, Yields};
use crate::policy::privacy::InputClues;
use crate::source::FileId;

impl<'a> Machine<'a> {
    /// The answer of an API as success callbacks, promises and returns see it.
    pub(super) fn answer(
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
            let (mut agreed, mut no) = self.asked(place, text);
            if self.turned(api, args) {
                std::mem::swap(&mut agreed, &mut no);
            }
            set(self, "confirm", Value::either().when(agreed.clone(), no.clone()));
            set(self, "cancel", Value::either().when(no, agreed));
            if let Some(field) = &api.written
                && (!api.params.contains_key("editable") || self.param(api, "editable", args).may_true())
            {
                let written = self.written(api, path, args, place);
                set(self, field, written);
            }
            // What it says of the call holds whatever was answered.
            set(self, "errMsg", Value::any());
            return Value::object(object);
        }
        if has("action-sheet") {
            let chosen = self.chosen_item(api, args);
            set(self, "tapIndex", chosen);
            set(self, "errMsg", Value::any());
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
            set(self, "errMsg", Value::any());
            // An unknown rest of the answer would blur what its fields prove.
            return Value::object(object);
        }
        if has("privacy-check") {
            let agreed = self.fact(Fact::PrivacyAgreed);
            let agreed = self.with_agreement(one(agreed));
            set(self, "needAuthorization", Value::either().when(Ids::new(), agreed));
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
            Some(Origin::Environment("".into()))
        } else if has("share") || has("share-menu") {
            Some(Origin::Share(place))
        } else {
            None
        };
        if let Some(origin) = origin {
            let remote = matches!(origin, Origin::Remote(_));
            let id = self.origin(origin);
            unite(&mut out.origins, &[id]);
            if remote {
                let whole = self.answer_id(path, place);
                unite(&mut out.origins, &[whole]);
            }
        }
        for (from, to) in &api.passes {
            let given = self.at_path(from, args);
            let taints = self.deep_taints(&given, 2);
            if !taints.is_empty() {
                self.answer_at(&mut out, to, taints, place);
            }
        }
        if let Some(collection) = collection {
            let document = self.asked_picture(api);
            if let Some(kind) = &document {
                self.record.collections[collection].kinds.insert(kind.clone());
            }
            for (result, kinds) in &api.yields {
                let mut taints = self.taints_of(collection, kinds, None);
                if let Some(kind) = &document {
                    let more = self.taints_of(collection, std::slice::from_ref(kind), None);
                    unite(&mut taints, &more);
                }
                self.answer_at(&mut out, result, taints, place);
            }
            for (result, kinds) in &api.ciphertext {
                let taints = self.taints_of(collection, kinds, Some(Protection::HostCiphertext));
                self.answer_at(&mut out, result, taints, place);
            }
        }
        out
    }

    /// What the user writes into a dialog: typed by what it asks for.
    fn written(&mut self, api: &Api, path: &str, args: &[Value], place: Place) -> Value {
        let mut said = |param| self.param(api, param, args).as_text().map(|text| text.to_string());
        let (placeholder, labels) = (said("placeholder"), [said("title"), said("content")]);
        let clues = InputClues {
            placeholder: placeholder.as_deref(),
            labels: labels.iter().flatten().map(String::as_str).collect(),
            ..InputClues::default()
        };
        let kind = self.policy.privacy.input_kind(&clues).map(|(kind, certainty, _)| (kind, certainty));
        let mut value = Value::from_origin(self.origin(Origin::Input));
        if kind.is_some() || !self.policy.privacy.input_is_other(&clues) {
            value.taints = self.taken_at(place, path.into(), None, kind, false);
        }
        value
    }

    /// Whether the button of a dialog that confirms says no, and the other one yes.
    fn turned(&mut self, api: &Api, args: &[Value]) -> bool {
        let [confirm, cancel] = ["confirm-text", "cancel-text"].map(|param| self.param(api, param, args));
        let privacy = &self.policy.privacy;
        confirm.as_text().zip(cancel.as_text()).is_some_and(|(confirm, cancel)| {
            privacy.refuses(confirm) && privacy.agrees(cancel) && !privacy.refuses(cancel)
        })
    }

    /// What confirming and refusing a dialog prove, by its call and its text.
    pub fn asked(&mut self, place: Place, text: String) -> (Ids, Ids) {
        if self.dialogs.get(&place) != Some(&text) {
            self.consents.clear();
            self.dialogs.insert(place, text);
        }
        let yes = self.fact(Fact::DialogConfirmed(place));
        let no = self.fact(Fact::DialogRefused(place));
        (self.with_agreement(one(yes)), one(no))
    }

    /// Which item of a list of actions was tapped: one that agrees to terms by its own text proves that.
    fn chosen_item(&mut self, api: &Api, args: &[Value]) -> Value {
        let items = self.param(api, "items", args);
        let said = self.param(api, "content", args);
        let said: String = said.texts().map(|text| format!("{text} ")).collect();
        let (Some(&list), true) = (items.objects.first(), items.objects.len() == 1 && items.bits == 0) else {
            return Value::any();
        };
        let mut out = Value { bits: FALSE, ..Value::default() };
        let mut agreeing = false;
        for key in self.heap.keys(list) {
            let index = self.spell(key);
            let Ok(at) = index.parse::<usize>() else { continue };
            let item = self.heap.get(list, key).cloned().unwrap_or_else(Value::any);
            let held = item.as_text().cloned().zip(item.strings.first().and_then(|text| text.place));
            let held =
                held.map_or_else(Ids::new, |(text, place)| self.agreed_item(&format!("{said}{text}"), &text, place));
            agreeing |= !held.is_empty();
            if at == 0 {
                out.no = held.clone();
            } else {
                out.yes = if at == 1 { held.clone() } else { intersect(&out.yes, &held) };
            }
            let mut text = Str::literal(index, None);
            text.held = held;
            out.strings.push(Rc::new(text));
        }
        if agreeing { out } else { Value::any() }
    }

    /// What choosing an item proves, of which all that is said is a text.
    fn agreed_item(&mut self, said: &str, item: &str, place: Place) -> Ids {
        let privacy = &self.policy.privacy;
        let says = privacy.consent_text(said);
        if !says.asks_consent() || !privacy.agrees(item) || privacy.refuses(item) {
            return Ids::new();
        }
        if self.dialogs.get(&place).is_none_or(|known| *known != said) {
            self.consents.clear();
            self.dialogs.insert(place, said.to_owned());
        }
        let confirmed = self.fact(Fact::DialogConfirmed(place));
        self.with_agreement(one(confirmed))
    }

    /// The document of which an element asks for a picture: what runs from a tap on "identity card, front side" chooses that,
    /// and so does a button beside which that stands, or on a page that is called so.
    fn asked_picture(&mut self, api: &Api) -> Option<Name> {
        const LONGEST: usize = 18;
        if !api.roles.iter().any(|role| &**role == "media-pick") {
            return None;
        }
        let (file, node) = self.entries[self.entry].element?;
        let mut texts = vec![self.text_inside(file, node)];
        if let Some(unit) = self.current_unit {
            texts.extend(self.labels(unit, file, node));
            texts.extend(self.headings(unit, file, node).iter().map(|text| Name::from(&**text)));
        }
        let privacy = &self.policy.privacy;
        texts.iter().filter(|text| text.chars().count() <= LONGEST).find_map(|text| {
            let (kind, _) = privacy.label_kind(text)?;
            privacy.picture_kind(&kind)
        })
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

    /// The origin of an answer taken whole: a request that many share answers each of them.
    fn answer_id(&mut self, api: &str, place: Place) -> u32 {
        let next = self.answers.len() as u32;
        let id = *self.answer_ids.entry((place, self.context)).or_insert(next);
        if id == next {
            self.answers.push(Answer { place, api: api.into(), kinds: BTreeMap::new(), holder: None });
        }
        self.origin(Origin::Answer(id))
    }

    /// A field of an answer, taken whole. Items of a list are told apart by what is read of them alone.
    fn answer_part(&mut self, answer: u32, field: &str) -> Option<u32> {
        const DEPTH: usize = 6;
        const MOST: usize = 20_000;
        if field == "*" || field.parse::<u32>().is_ok() {
            return Some(answer);
        }
        let key = (answer, self.sym(field));
        if let Some(&known) = self.answer_parts.get(&key) {
            return Some(known);
        }
        let above = std::iter::successors(Some(answer), |&id| self.answers[id as usize].holder);
        if self.answers.len() >= MOST || above.count() > DEPTH {
            return None;
        }
        let Answer { place, api, .. } = self.answers[answer as usize].clone();
        let id = self.answers.len() as u32;
        self.answers.push(Answer { place, api, kinds: BTreeMap::new(), holder: Some(answer) });
        self.answer_parts.insert(key, id);
        Some(id)
    }

    /// Notes that answers of these origins, and what they are parts of, hold a kind.
    fn answer_holds(&mut self, origins: &[u32], kind: &Name, sure: u8) {
        for &id in origins {
            let mut at = match self.origin_table[id as usize] {
                Origin::Answer(answer) => Some(answer),
                _ => None,
            };
            while let Some(answer) = at {
                let answer = &mut self.answers[answer as usize];
                let held = answer.kinds.entry(kind.clone()).or_default();
                *held = (*held).max(sure);
                at = answer.holder;
            }
        }
    }

    /// The kind that a field goes by, with the name of what holds it where its own says little: `user.phone` is a person's, as
    /// `userPhone` would be.
    fn field_kind(&mut self, path: Option<&str>, field: &str) -> Option<(Name, u8)> {
        const SURE: u8 = 70;
        let known = self.key_kind(field);
        if known.as_ref().is_none_or(|(_, sure)| *sure >= SURE) {
            return known;
        }
        let holder = path?.rsplit('.').find(|name| *name != "*" && name.parse::<u32>().is_err())?;
        let holder = holder.trim_end_matches("List").trim_end_matches('s');
        if holder.is_empty() {
            return known;
        }
        self.key_kind(&format!("{holder}_{field}")).or(known)
    }

    /// Origins without those of whole answers.
    pub fn without_answers(&self, origins: &[u32]) -> Ids {
        let whole = |id: &u32| matches!(self.origin_table[*id as usize], Origin::Answer(_));
        origins.iter().copied().filter(|id| !whole(id)).collect()
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
    pub(super) fn collect_api(&mut self, api: &'a Api, path: &str, site: &Site) -> Option<usize> {
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
        // What is started by a call that the host asks about is asked for there.
        let asks = |api: &Api| api.prompt || api.scope.is_some();
        let mut starters = api.started_by.iter().filter_map(|starter| self.host.apis.get(starter));
        let host_prompt = asks(api) || starters.any(asks);
        let collection = self.collection(site.place, path.into(), None, kinds, 100, host_prompt, api.scope.clone());
        self.seal(collection, &api.yields, &api.ciphertext);
        if api.on_read {
            self.record.collections[collection].lazy = true;
        } else {
            self.reached(collection, site.place);
        }
        Some(collection)
    }

    /// Notes which kinds of a collection only its ciphertext holds.
    pub fn seal(&mut self, collection: usize, plain: &Yields, ciphertext: &Yields) {
        if !plain.is_empty() {
            let open: BTreeSet<&Name> = plain.values().flatten().collect();
            let sealed = ciphertext.values().flatten().filter(|kind| !open.contains(kind)).cloned().collect();
            self.record.collections[collection].sealed = sealed;
        }
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
            sealed: BTreeSet::new(),
            certainty,
            host_prompt,
            scope,
            reaches: Vec::new(),
            used: false,
            read: BTreeSet::new(),
            evidence: None,
            lazy: false,
            input: false,
            choice: false,
            day: false,
            answered: false,
        });
        self.record.collection_ids.insert((place, source), id);
        id
    }

    /// Notes a way to a collection, with what holds on it.
    pub fn reached(&mut self, collection: usize, _place: Place) {
        let reach = self.reach_here(collection);
        self.record.reaches.push((collection, reach));
    }

    /// The same for what an element hands to its handler.
    pub fn handed(&mut self, collection: usize) {
        self.record.collections[collection].lazy = true;
        let element = self.record.collections[collection].element;
        if self.entries.get(self.entry).is_some_and(|entry| entry.element == element) {
            let reach = self.reach_here(collection);
            self.record.handed.push((collection, reach));
        }
    }

    fn reach_here(&mut self, collection: usize) -> Reach {
        let draft = &self.record.collections[collection];
        let (host_prompt, scope) = (draft.host_prompt, draft.scope.clone());
        let kinds: Vec<Name> = draft.kinds.iter().cloned().collect();
        let facts = self.fact_set();
        let consent = self.consent_of(&facts, &kinds, host_prompt, scope.as_ref());
        Reach { entry: self.entries[self.entry].clone(), facts, consent, path: self.path() }
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
            if let Origin::Answer(answer) = self.origin_table[id as usize] {
                if let Some(part) = self.answer_part(answer, field) {
                    let id = self.origin(Origin::Answer(part));
                    unite(&mut out, &[id]);
                }
                continue;
            }
            let key = (id, self.sym(field));
            if let Some(known) = self.extended.get(&key) {
                unite(&mut out, &[*known]);
                continue;
            }
            let new = match &self.origin_table[id as usize] {
                Origin::System(path) => Origin::System(extend(path)),
                Origin::Remote(path) => Origin::Remote(extend(path)),
                Origin::Launch(path) => Origin::Launch(extend(path)),
                Origin::Environment(path) => Origin::Environment(extend(path)),
                Origin::Query(path) if path.is_empty() => Origin::Query(field.into()),
                other => other.clone(),
            };
            let id = self.origin(new);
            self.extended.insert(key, id);
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
                // A text has no fields: what has some and only its name tells of is a record (`account.balance`).
                let letter = field.parse::<u32>().is_ok();
                if letter && taint.kind.ends_with("name") {
                    let part = self.taint(Taint { partial: true, ..taint });
                    unite(&mut out, &[part]);
                } else if letter || !self.record.collections[taint.collection].answered {
                    unite(&mut out, &[id]);
                }
                continue;
            }
            let kind = self.key_kind(field).map(|(kind, _)| kind);
            if kind.as_deref() == Some(&*taint.kind) || self.policy.privacy.is_decrypted(&taint.kind, field) {
                let id = self.taint(Taint { container: false, ..taint });
                unite(&mut out, &[id]);
                let way = self.record.ways.entry(id).or_default();
                if way.is_empty() {
                    way.push(Step { place, note: "answered", name: field.into() });
                }
            } else if field == "*" || field.parse::<u32>().is_ok() || self.policy.privacy.is_container(field) {
                unite(&mut out, &[id]);
            }
        }
        out
    }

    /// Notes what a server's answer holds by the name of a field that is read of it.
    pub fn note_read(&mut self, base: &Value, field: &str, place: Place) {
        let whole = |id: &u32| matches!(self.origin_table[*id as usize], Origin::Answer(_));
        if place.span.is_empty() || !base.origins.iter().any(whole) {
            return;
        }
        let path = self.remote_path(base);
        if let Some((kind, sure)) = self.field_kind(path.as_deref(), field) {
            self.answer_holds(&base.origins, &kind, sure);
        }
    }

    /// Where in a server's answer a value stands.
    fn remote_path(&self, base: &Value) -> Option<Name> {
        base.origins.iter().find_map(|&id| match &self.origin_table[id as usize] {
            Origin::Remote(path) => Some(path.clone()),
            _ => None,
        })
    }

    /// What a server's answer holds under a name that only people's information goes by.
    pub fn named_answer(&mut self, base: &Value, field: &str, place: Place) -> Ids {
        const LEAST: u8 = 70;
        /// A name alone is no proof.
        const MOST: u8 = 60;
        let Some(path) = self.remote_path(base).filter(|_| !place.span.is_empty()) else { return Ids::new() };
        let known = self.field_kind(Some(&path), field);
        let Some((kind, certainty)) = known.filter(|(_, sure)| *sure >= LEAST) else {
            return Ids::new();
        };
        // Pictures and nicknames are shown of staff, of authors, of whoever writes: they need a holder that is a person's record.
        if self.policy.privacy.is_for_all(&kind)
            && !path.split('.').any(|holder| self.policy.privacy.names_person_record(holder))
        {
            return Ids::new();
        }
        self.answer_holds(&base.origins, &kind, certainty);
        let kinds = BTreeSet::from([kind.clone()]);
        let collection = self.collection(place, field.into(), None, kinds, certainty.min(MOST), false, None);
        self.record.collections[collection].answered = true;
        self.taints_of(collection, &[kind], None)
    }

    /// The server's answer to a request that carries ciphertext holds what was in it.
    pub(super) fn answer_to_ciphertext(&mut self, args: &[Value], result: &mut Value) {
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
        let Some((kind, certainty)) = self.key_kind(key) else { return value };
        let kind: Name = kind.as_ref().into();
        let (offered, day) = (self.policy.privacy.is_offered(&kind), self.policy.privacy.is_day(&kind));
        let ids = std::mem::take(&mut value.taints);
        value.taints = self.map_taints(&ids, |machine, taint| {
            let draft = &machine.record.collections[taint.collection];
            if taint.kind.is_empty() && (offered || !draft.choice) && (day || !draft.day) {
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
}
