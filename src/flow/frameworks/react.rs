//! Elements that React renders from code: what their handlers are told, and rendering again what has changed.

use std::collections::BTreeSet;

use crate::flow::heap::{ITEM, Kind};
use crate::flow::machine::{Machine, name};
use crate::flow::solution::{Entry, EntryKind, Origin, Place};
use crate::flow::value::{Value, unite};
use crate::model::UnitId;
use crate::model::ir::Name;
use crate::policy::host::{Component, OpenType};
use crate::policy::privacy::InputClues;

/// Most components at the top that are rendered again.
const MAX_ROOTS: usize = 64;

/// A component that a page is made of.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Root {
    component: Value,
    place: Place,
    unit: Option<UnitId>,
}

/// What a rendered element takes of its user.
#[derive(Clone, Debug)]
pub(in crate::flow) enum Taken {
    /// A field: its component, and the kind of what it asks for.
    Field(Name, Option<(Name, u8)>),
    /// A host button that asks for something: its component and what it opens.
    Button(Name, Name),
}

impl<'a> Machine<'a> {
    /// Renders the component of a page, and remembers it to be rendered again.
    pub(super) fn render_root(&mut self, component: &Value, place: Place) -> Value {
        let properties = Value::object(self.make_at(place, 82, Kind::Plain));
        let outer = std::mem::take(&mut self.context);
        self.rendered(component, &properties, place);
        self.context = outer;
        let unit = self.current_unit;
        let known = |root: &Root| root.place == place && root.component.objects == component.objects;
        if !self.roots.iter().any(known) && self.roots.len() < MAX_ROOTS {
            self.roots.push(Root { component: component.clone(), place, unit });
        }
        properties
    }

    /// Renders pages again by what their state has become.
    pub(super) fn render_roots(&mut self) {
        for index in 0..self.roots.len() {
            let Root { component, place, unit } = self.roots[index].clone();
            let route = unit.map_or_else(|| name(""), |unit| self.program.units[unit as usize].route.clone());
            let entry = Entry { kind: EntryKind::Event, route, method: name("render"), place, element: None };
            self.current_unit = unit;
            self.run_entry(entry, &[], Some(&component), |machine| {
                machine.render_root(&component, place);
                Value::undefined()
            });
            self.current_unit = None;
        }
    }

    /// What an element takes of its user, by its tag and properties.
    pub(super) fn taken_by(&mut self, tag: &Value, properties: &Value) -> Option<Taken> {
        let component = self.tag_of(tag)?;
        let host: &Component = self.host.components.get(&component)?;
        let has = |role: &str| host.roles.iter().any(|known| &**known == role);
        let text = |machine: &mut Self, property: &str| {
            let key = machine.sym(property);
            let mut held = properties.objects.iter().filter_map(|&object| machine.heap.get(object, key));
            held.find_map(|value| value.as_text().cloned())
        };
        if has("button") {
            let open = text(self, "openType")?;
            return host.open_types.contains_key(&*open).then_some(Taken::Button(component, open));
        }
        if !["input", "textarea", "picker", "editor"].into_iter().any(has) {
            return None;
        }
        let [field, id, written, mode, hint] =
            ["name", "id", "type", "mode", "placeholder"].map(|property| text(self, property));
        let key = self.known("password");
        let mut held = properties.objects.iter().filter_map(|&object| self.heap.get(object, key));
        let secret = held.any(|value| value.may_true() && !value.may_false());
        let input_type = written.or(mode);
        let clues = InputClues {
            name: field.as_deref(),
            id: id.as_deref(),
            input_type: if secret { Some("password") } else { input_type.as_deref() },
            placeholder: hint.as_deref(),
            labels: Vec::new(),
            model_key: None,
            request_key: None,
            handler: None,
            headings: Vec::new(),
        };
        let kind = self.policy.privacy.input_kind(&clues).map(|(kind, certainty, _)| (name(&kind), certainty));
        (kind.is_some() || !self.policy.privacy.input_is_other(&clues)).then_some(Taken::Field(component, kind))
    }

    /// The host's component that a tag stands for: its name, or what a library of components exports.
    fn tag_of(&self, tag: &Value) -> Option<Name> {
        let exported = |&id: &u32| match self.heap.kind(id) {
            Kind::External { path, .. } => path.rsplit('.').next().map(str::to_owned),
            _ => None,
        };
        let written = tag.as_text().map(|text| text.to_string());
        let written = written.or_else(|| tag.objects.iter().find_map(exported))?;
        let mut out = String::with_capacity(written.len() + 2);
        for (at, c) in written.chars().enumerate() {
            if c.is_ascii_uppercase() && at > 0 {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        }
        Some(out.as_str().into())
    }

    /// The event that a handler of an element is told.
    pub(super) fn taken_event(&mut self, taken: &Taken, place: Place) -> Value {
        let event = self.make_at(place, 70, Kind::Plain);
        let target = self.make_at(place, 71, Kind::Plain);
        let detail = self.make_at(place, 73, Kind::Plain);
        for object in [event, target, detail] {
            self.heap.set(object, ITEM, Some(Value::any()));
        }
        let mut told = Value::object(detail);
        match taken {
            Taken::Field(source, kind) => {
                let origin = self.origin(Origin::Input);
                let mut value = Value::from_origin(origin);
                value.taints = self.taken_at(place, source.clone(), None, kind.clone(), false);
                let key = self.known("value");
                for object in [detail, target] {
                    self.heap.set(object, key, Some(value.clone()));
                }
            }
            Taken::Button(component, written) => {
                let open: Option<&'a OpenType> =
                    self.host.components.get(component).and_then(|host| host.open_types.get(&**written));
                if let Some(open) = open {
                    self.button_answer(open, &format!("{component}[open-type={written}]"), &mut told, place);
                }
            }
        }
        let (detail_key, target_key, current) =
            (self.known("detail"), self.known("target"), self.known("currentTarget"));
        self.heap.set(event, detail_key, Some(told));
        self.heap.set(event, target_key, Some(Value::object(target)));
        self.heap.set(event, current, Some(Value::object(target)));
        Value::object(event)
    }

    fn button_answer(&mut self, open: &OpenType, source: &str, told: &mut Value, place: Place) {
        let kinds: BTreeSet<Name> = open.yields.values().chain(open.ciphertext.values()).flatten().cloned().collect();
        if kinds.is_empty() {
            return;
        }
        let collection = self.collection(place, source.into(), None, kinds, 100, true, open.scope.clone());
        self.seal(collection, &open.yields, &open.ciphertext);
        self.handed(collection);
        for (paths, protection) in
            [(&open.yields, None), (&open.ciphertext, Some(crate::flow::solution::Protection::HostCiphertext))]
        {
            for (path, kinds) in paths {
                let taints = self.taints_of(collection, kinds, protection.clone());
                self.answer_at(told, path, taints, place);
            }
        }
        let mut inside = told.objects.clone();
        for &object in &told.objects {
            self.heap.each(object, |value| unite(&mut inside, &value.objects));
        }
        self.handed.extend(inside);
    }
}
