//! Inputs of templates: what a field asks for, by its kind, name, hints and label.

use std::collections::BTreeSet;

use crate::flow::heap::Kind;
use crate::flow::machine::{Machine, Taint, name};
use crate::flow::solution::{Fact, Origin, Place};
use crate::flow::value::{ANY, Ids, Value, one, unite};
use crate::model::ir::{ExprKind, Name};
use crate::model::{Unit, UnitId, UnitKind};
use crate::policy::privacy::InputClues;
use crate::source::FileId;
use crate::syntax::template::{AttributeValue, Document, Element, NodeId, NodeKind, Part};

/// Longest text that is a label, in characters.
const LABEL: usize = 16;

impl<'a> Machine<'a> {
    /// What a field that is a component gives, where its label or placeholder says what it takes.
    pub(super) fn field_taints(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Ids {
        if self.policy.privacy.is_choice(&element.name) {
            return Ids::new();
        }
        match self.input_kind(unit, template, node, element) {
            Some(Some(_)) => self.input_value(unit, template, node, element).taints,
            _ => Ids::new(),
        }
    }

    /// What a component tells of inputs of its own is typed by how its user labels it.
    pub(super) fn told_by(
        &mut self,
        value: Value,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
        depth: usize,
    ) -> Value {
        // What a page handed in, this one or another that uses the component, is no input of its own.
        let own = |machine: &Self, id: u32| {
            let taint = &machine.taints[id as usize];
            let file = machine.record.collections[taint.collection].place.file;
            let of_page = |unit: &Unit| unit.kind == UnitKind::Page && unit.templates.contains(&file);
            taint.kind.is_empty() && !machine.program.units.iter().any(of_page)
        };
        let untyped = |machine: &Self, ids: &[u32]| ids.iter().any(|&id| own(machine, id));
        let mut out = value;
        if untyped(self, &out.taints) {
            let known = self.field_taints(unit, template, node, element);
            if !known.is_empty() {
                let untyped: Vec<u32> = out.taints.iter().copied().filter(|&id| own(self, id)).collect();
                out.taints.retain(|id| !untyped.contains(id));
                unite(&mut out.taints, &known);
            }
        }
        if depth == 0 {
            return out;
        }
        let place = Place { file: template, span: element.open };
        for index in 0..out.objects.len() {
            let object = out.objects[index];
            let inner = self.deep_taints(&Value::object(object), 2);
            if !matches!(self.heap.kind(object), Kind::Plain) || !untyped(self, &inner) {
                continue;
            }
            let copy = self.make_at(place, 76 + depth as u8, Kind::Plain);
            for key in self.heap.keys(object) {
                if let Some(value) = self.heap.get(object, key).cloned() {
                    let value = self.told_by(value, unit, template, node, element, depth - 1);
                    self.heap.set(copy, key, Some(value));
                }
            }
            out.objects.put(index, copy);
        }
        out.objects.sort_unstable();
        out
    }

    pub(super) fn inputs_inside(&self, template: FileId, node: NodeId) -> Vec<(NodeId, &'a Element)> {
        let mut out = self.elements_below(template, node);
        // A box or a text that has a name gives a form nothing.
        let shown = |element: &Element| {
            self.host
                .components
                .get(&element.name)
                .is_some_and(|known| known.roles.iter().any(|role| matches!(&**role, "container" | "text" | "image")))
        };
        out.retain(|(_, element)| element.attribute("name").is_some() && !shown(element));
        out
    }

    /// The elements inside an element, in order.
    pub(in crate::flow) fn elements_below(&self, template: FileId, node: NodeId) -> Vec<(NodeId, &'a Element)> {
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let mut stack = vec![node];
        while let Some(id) = stack.pop() {
            let Some(NodeKind::Element(element)) = facts.document.nodes.get(id as usize).map(|node| &node.kind) else {
                continue;
            };
            if id != node {
                out.push((id, element));
            }
            stack.extend(element.children.iter().rev());
        }
        out
    }

    /// What the user puts into an input: typed by what the template says of it.
    pub fn input_value(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Value {
        let origin = self.origin(Origin::Input);
        let mut value = Value::from_origin(origin);
        let component = self.host.components.get(&element.name);
        let has = |role: &str| component.is_some_and(|component| component.roles.iter().any(|known| &**known == role));
        if has("checkbox") || has("switch") || has("radio") {
            let ticked = self.fact(Fact::Ticked(template, node));
            let ticked = self.with_agreement(one(ticked));
            let chosen = self.chosen(unit, template, node, element);
            return Value { bits: ANY, taints: chosen, ..Value::default() }.when(ticked, Ids::new());
        }
        let dynamic = |attribute: &&str| {
            element.attribute(attribute).and_then(|a| a.value.as_ref()).is_some_and(|value| value.literal().is_none())
        };
        if self.turn_of_loop.is_none() && ["name", "placeholder", "type"].iter().any(dynamic) {
            // Fields made from a list: each asks for what its item says.
            for turn in self.turns_of_loop(unit, template, node) {
                self.turn_of_loop = Some(turn);
                let one = self.input_value(unit, template, node, element);
                self.turn_of_loop = None;
                value.join(&one);
            }
            if !value.taints.is_empty() {
                return value;
            }
        }
        let Some(kind) = self.input_kind(unit, template, node, element) else { return value };
        // What a picker gives is the place of one of a list, or a day.
        let listed = kind.is_none() && has("picker") && element.attribute("range").is_some();
        let mut mode = |attribute| self.attribute_text(unit, template, node, element, attribute);
        let day = kind.is_none() && {
            let mode = mode("mode").or_else(|| mode("type"));
            self.day_type(element, mode).is_some_and(|mode| matches!(&*mode, "date" | "time"))
        };
        value.taints = self.taken(template, node, element, kind, listed);
        for &id in &value.taints {
            let collection = self.taints[id as usize].collection;
            self.record.collections[collection].day |= day;
        }
        value
    }

    /// What an input takes, by its type; pickers of days and hours are `date` and `time`, whatever heading stands over them.
    fn day_type(&self, element: &Element, written: Option<String>) -> Option<String> {
        match written.as_deref() {
            Some("datetime" | "month" | "year" | "datetime-local") => Some("date".to_owned()),
            None if !self.host.components.contains_key(&element.name)
                && self.policy.privacy.is_date_picker(&element.name) =>
            {
                Some("date".to_owned())
            }
            _ => written,
        }
    }

    /// The collection by an input of a kind, known or not.
    fn taken(
        &mut self,
        template: FileId,
        node: NodeId,
        element: &Element,
        kind: Option<(Name, u8)>,
        choice: bool,
    ) -> Ids {
        let place = Place { file: template, span: element.open };
        self.taken_at(place, element.name.to_string().into(), Some((template, node)), kind, choice)
    }

    /// The same for a field wherever it stands: in a template, or in code that renders.
    pub fn taken_at(
        &mut self,
        place: Place,
        source: Name,
        element: Option<(FileId, NodeId)>,
        kind: Option<(Name, u8)>,
        choice: bool,
    ) -> Ids {
        let (kinds, certainty) = match &kind {
            Some((kind, certainty)) => (BTreeSet::from([kind.clone()]), *certainty),
            None => (BTreeSet::new(), 0),
        };
        let collection = self.collection(place, source, element, kinds, certainty, false, None);
        let draft = &mut self.record.collections[collection];
        draft.lazy = true;
        draft.input = true;
        draft.choice = choice;
        let kind = kind.map_or_else(|| name(""), |(kind, _)| kind);
        one(self.taint(Taint {
            collection,
            kind,
            protections: std::rc::Rc::from([]),
            partial: false,
            container: false,
        }))
    }

    /// What a group of radios or a switch takes: one of a few that are offered.
    pub(super) fn chosen(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Ids {
        let roles = self.host.components.get(&element.name).map_or(&[][..], |component| &component.roles);
        let has = |role: &str| roles.iter().any(|known| &**known == role);
        let options: Vec<String> = self
            .elements_below(template, node)
            .into_iter()
            .filter(|(_, below)| &*below.name == "radio")
            .map(|(radio, _)| self.beside_radio(template, radio))
            .collect();
        // One alone is a box to tick.
        if !(has("switch") || has("radio") && options.len() > 1) {
            return Ids::new();
        }
        let said = self.text_inside(template, node);
        if self.policy.privacy.consent_text(&said).asks_consent() || self.policy.privacy.agrees(&said) {
            return Ids::new();
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let kind = match self.policy.privacy.options_kind(&options) {
            Some(kind) => Some(Some((kind, 80))),
            None => self.input_kind(unit, template, node, element),
        };
        match kind {
            Some(Some((kind, certainty))) if self.policy.privacy.is_offered(&kind) => {
                self.taken(template, node, element, Some((kind, certainty)), true)
            }
            // The key that it is kept under may tell.
            Some(None) if has("radio") => self.taken(template, node, element, None, true),
            _ => Ids::new(),
        }
    }

    /// What a radio offers: the text inside it, or between it and the next.
    fn beside_radio(&mut self, template: FileId, radio: NodeId) -> String {
        let own = self.text_inside(template, radio);
        if !own.is_empty() {
            return own.to_string();
        }
        let Some(facts) = self.program.template(template) else { return String::new() };
        let nodes = &facts.document.nodes;
        let parent = nodes.get(radio as usize).map_or(0, |node| node.parent);
        let siblings: &[NodeId] = match nodes.get(parent as usize).map(|node| &node.kind) {
            Some(NodeKind::Element(element)) => &element.children,
            Some(NodeKind::Root { children }) => children,
            _ => &[],
        };
        let after = siblings.iter().skip_while(|sibling| **sibling != radio).skip(1);
        let mut out = String::new();
        for &sibling in after {
            match nodes.get(sibling as usize).map(|node| &node.kind) {
                Some(NodeKind::Element(_)) if self.holds_input(&facts.document, sibling) => break,
                Some(NodeKind::Element(_)) => out.push_str(&self.text_written(template, sibling)),
                Some(NodeKind::Text(parts)) => {
                    for part in parts {
                        if let Part::Text { text, .. } = part {
                            out.push_str(text);
                        }
                    }
                }
                _ => {}
            }
            if !out.trim().is_empty() {
                break;
            }
        }
        out.trim().to_owned()
    }

    /// The texts that a picker offers, where all of them are known.
    fn offered(&mut self, unit: UnitId, template: FileId, node: NodeId, element: &'a Element) -> Vec<Name> {
        let Some(range) = element.attribute("range").and_then(|attribute| attribute.value.as_ref()) else {
            return Vec::new();
        };
        let list = self.evaluate(unit, template, node, range);
        let items = self.single_items(&list);
        let key = element.attribute("range-key").and_then(|attribute| attribute.value.as_ref()?.literal());
        let key = key.map(|key| self.sym(&key));
        let mut out = Vec::new();
        for item in items {
            // Records are shown by one of their fields.
            let shown = key.and_then(|key| item.objects.iter().find_map(|&record| self.heap.get(record, key).cloned()));
            out.extend(shown.as_ref().unwrap_or(&item).as_text().cloned());
        }
        out
    }

    /// Kind of an input, as far as the template says; `None` when it says that the input takes something else.
    fn input_kind(
        &mut self,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
    ) -> Option<Option<(Name, u8)>> {
        let literal = |attribute: &str| {
            element.attribute(attribute).and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal)
        };
        let mut text = |attribute| self.attribute_text(unit, template, node, element, attribute);
        let (field, id, input_type, placeholder) =
            (text("name"), text("id"), text("type").or_else(|| text("mode")), text("placeholder"));
        // What a component hides by a property of its own is its user's matter.
        let page = self.program.units[unit as usize].kind == UnitKind::Page;
        let secret = element.attribute("password").is_some_and(|attribute| {
            attribute.value.as_ref().is_none_or(|value| value.literal().map_or(page, |text| !text.contains("false")))
        });
        let mut labels = self.labels(unit, template, node);
        if self.host.components.get(&element.name).is_some_and(|host| host.roles.iter().any(|role| &**role == "picker"))
        {
            // What is tapped to open it may say what it takes.
            let inside = self.text_written(template, node);
            if !inside.is_empty()
                && inside.chars().count() <= LABEL
                && (labels.is_empty() || self.policy.privacy.label_kind(&inside).is_some())
            {
                labels.insert(0, inside);
            }
        }
        if !self.host.components.contains_key(&element.name) {
            // A field of a library has its label inside.
            for attribute in ["title", "label"] {
                if let Some(label) = literal(attribute) {
                    labels.insert(0, label.as_str().into());
                }
            }
        }
        let model = element
            .attributes
            .iter()
            .filter(|attribute| attribute.name.trim_start_matches("model:") == "value")
            .find_map(|attribute| self.bound_name(template, attribute.value.as_ref()?));
        let handler = element
            .attributes
            .iter()
            .find(|attribute| {
                attribute.name.contains("input") || attribute.name.contains("change") || attribute.name.contains("blur")
            })
            .and_then(|attribute| attribute.value.as_ref())
            .and_then(AttributeValue::literal);
        let input_type = self.day_type(element, input_type);
        let headings = self.headings(unit, template, node);
        let clues = InputClues {
            name: field.as_deref(),
            id: id.as_deref(),
            input_type: if secret { Some("password") } else { input_type.as_deref() },
            placeholder: placeholder.as_deref(),
            labels: labels.iter().map(|label| &**label).collect(),
            model_key: model.as_deref(),
            request_key: None,
            handler: handler.as_deref(),
            headings: headings.iter().map(String::as_str).collect(),
        };
        let kind = self.policy.privacy.input_kind(&clues).map(|(kind, certainty, _)| (kind, certainty));
        let kind = match kind {
            None if element.attribute("range").is_some() => {
                let offered = self.offered(unit, template, node, element);
                let offered: Vec<&str> = offered.iter().map(|text| &**text).collect();
                self.policy.privacy.options_kind(&offered).map(|kind| (kind, 80))
            }
            // What people write is not chosen from a list.
            Some((kind, _)) if element.attribute("range").is_some() && self.policy.privacy.is_written(&kind) => {
                return None;
            }
            known => known,
        };
        let known = kind.as_ref().is_none_or(|(kind, _)| self.policy.privacy.is_searched(kind));
        if known && self.looks_for(unit, template, node, element) {
            return None;
        }
        // What says that it takes something else is not typed by the key that it is kept under.
        if kind.is_none() && self.policy.privacy.input_is_other(&clues) { None } else { Some(kind) }
    }

    /// The titles of the page and of the blocks around a field.
    pub fn headings(&self, unit: UnitId, template: FileId, node: NodeId) -> Vec<String> {
        const AROUND: usize = 6;
        let mut out = Vec::new();
        let title = self.program.units[unit as usize].config.and_then(|config| {
            let json = self.package.files[config.index()].json.as_ref()?;
            Some(json.get("navigationBarTitleText")?.as_str()?.to_owned())
        });
        out.extend(title);
        let mut at = node;
        for _ in 0..AROUND {
            let Some(facts) = self.program.template(template) else { break };
            let Some(parent) = facts.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            let Some(around) = self.element(template, parent) else { break };
            out.extend(
                ["title", "label", "header"]
                    .iter()
                    .filter_map(|name| around.attribute(name)?.value.as_ref()?.literal())
                    .filter(|text| text.chars().count() <= LABEL),
            );
            at = parent;
        }
        out
    }

    /// Whether a field is a box to search with: by its page, its names, or the classes of what it stands in.
    fn looks_for(&self, unit: UnitId, template: FileId, node: NodeId, element: &Element) -> bool {
        const AROUND: usize = 2;
        let privacy = &self.policy.privacy;
        let literal = |element: &Element, attribute: &str| {
            element.attribute(attribute).and_then(|a| a.value.as_ref()).and_then(AttributeValue::literal)
        };
        let says = |element: &Element, attributes: &[&str]| {
            attributes.iter().any(|name| literal(element, name).is_some_and(|text| privacy.looks_for(&text)))
        };
        if literal(element, "confirm-type").is_some_and(|text| text == "search")
            || privacy.looks_for(&element.name)
            || privacy.looks_for(&self.program.units[unit as usize].route) && self.is_only_field(template)
            || says(element, &["class", "id", "name"])
            || element.attributes.iter().any(|attribute| {
                (attribute.name.starts_with("bind") || attribute.name.starts_with("on"))
                    && attribute
                        .value
                        .as_ref()
                        .and_then(AttributeValue::literal)
                        .is_some_and(|handler| privacy.looks_for(&handler))
            })
        {
            return true;
        }
        let mut at = node;
        for _ in 0..AROUND {
            let Some(facts) = self.program.template(template) else { break };
            let Some(parent) = facts.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            let Some(around) = self.element(template, parent) else { break };
            if says(around, &["class", "id"]) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// Whether a page asks for one thing only: one that is for searching may have a form, too.
    fn is_only_field(&self, template: FileId) -> bool {
        let Some(facts) = self.program.template(template) else { return true };
        let field = |node: &NodeId| {
            self.element(template, *node)
                .and_then(|element| self.host.components.get(&element.name))
                .is_some_and(|component| component.roles.iter().any(|role| matches!(&**role, "input" | "textarea")))
        };
        (0..facts.document.nodes.len() as NodeId).filter(field).count() <= 1
    }

    /// Last name of a bound expression: `{{user.phone}}` gives `phone`.
    fn bound_name(&self, template: FileId, value: &AttributeValue) -> Option<String> {
        let facts = self.program.template(template)?;
        let expression = value.parts.iter().find_map(|part| match part {
            Part::Interpolation { expression, .. } => Some(*expression),
            Part::Text { .. } => None,
        })?;
        let expr = facts
            .expressions
            .get(&expression.start)
            .or_else(|| facts.expressions.values().find(|e| expression.contains(e.span)))?;
        match &expr.kind {
            ExprKind::Global(name) => Some(name.to_string()),
            ExprKind::Member { key: crate::model::ir::Key::Static(name, _), .. } => Some(name.to_string()),
            _ => None,
        }
    }

    /// Short texts that stand before an element, nearest first: its label.
    pub fn labels(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Vec<Name> {
        const DEEPEST: usize = 6;
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let mut at = node;
        let mut levels = 0;
        for _ in 0..DEEPEST {
            let Some(parent) = facts.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            if parent == at || levels == 2 {
                break;
            }
            // A block is not drawn: what stands before it stands before the field.
            levels += usize::from(self.element(template, parent).is_none_or(|around| &*around.name != "block"));
            let mut alternative = self.has_directive(template, at, &["else", "elif"]);
            let siblings: &[NodeId] = match &facts.document.nodes[parent as usize].kind {
                NodeKind::Element(element) => &element.children,
                NodeKind::Root { children } => children,
                _ => &[],
            };
            let position = siblings.iter().position(|&id| id == at).unwrap_or(0);
            let mut seen = 0;
            let mut another = false;
            for &sibling in siblings[..position].iter().rev() {
                // The other arm of a condition stands in the same place.
                if alternative && self.has_directive(template, sibling, &["if", "elif"]) {
                    alternative = self.has_directive(template, sibling, &["elif"]);
                    continue;
                }
                // Another input between ends the label's reach.
                if self.holds_input(&facts.document, sibling) {
                    another = self.holds_text_field(&facts.document, sibling);
                    break;
                }
                let text = match &facts.document.nodes[sibling as usize].kind {
                    NodeKind::Text(parts) => self.parts_text(unit, template, sibling, parts).into(),
                    NodeKind::Element(_) if self.turn_of_loop.is_some() => self.text_of_turn(unit, template, sibling),
                    NodeKind::Element(_) => self.text_written(template, sibling),
                    _ => name(""),
                };
                if text.is_empty() {
                    continue;
                }
                if text.chars().count() <= LABEL {
                    out.push(text);
                }
                seen += 1;
                if seen == 2 {
                    break;
                }
            }
            // The cell of a form is named by its title.
            if let NodeKind::Element(element) = &facts.document.nodes[parent as usize].kind {
                let named =
                    ["title", "label"].iter().find_map(|name| element.attribute(name)?.value.as_ref()?.literal());
                out.extend(named.filter(|text| text.chars().count() <= LABEL).map(|text| text.as_str().into()));
            }
            if !out.is_empty() || another {
                break;
            }
            at = parent;
        }
        out
    }

    /// Whether an element has one of these directives of the host.
    fn has_directive(&self, template: FileId, node: NodeId, names: &[&str]) -> bool {
        let prefix = &self.host.info.directive_prefix;
        self.element(template, node)
            .is_some_and(|element| names.iter().any(|name| element.attribute(&format!("{prefix}{name}")).is_some()))
    }

    /// Text inside an element, as it is in the turn of the loop that is taken.
    fn text_of_turn(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Name {
        let Some(facts) = self.program.template(template) else { return name("") };
        let mut out = String::new();
        for inner in facts.document.descendants(node) {
            if let NodeKind::Text(parts) = &facts.document.nodes[inner as usize].kind {
                out.push_str(&self.parts_text(unit, template, inner, parts));
            }
        }
        out.trim().into()
    }

    /// Whether an element is an input, the host's or a library's, or holds one.
    fn holds_input(&self, document: &Document, top: NodeId) -> bool {
        document.descendants(top).into_iter().any(|node| {
            let NodeKind::Element(element) = &document.nodes[node as usize].kind else { return false };
            match self.host.components.get(&element.name) {
                Some(component) => component
                    .roles
                    .iter()
                    .any(|role| matches!(&**role, "input" | "textarea" | "picker" | "checkbox" | "radio" | "switch")),
                None => element.attributes.iter().any(|attribute| {
                    attribute.name.starts_with("model:")
                        || (attribute.name.starts_with("bind") || attribute.name.starts_with("catch"))
                            && (attribute.name.ends_with("input") || attribute.name.ends_with("change"))
                }),
            }
        })
    }

    /// Whether an element is a field of the host to write in, or holds one.
    fn holds_text_field(&self, document: &Document, top: NodeId) -> bool {
        document.descendants(top).into_iter().any(|node| match &document.nodes[node as usize].kind {
            NodeKind::Element(element) => self
                .host
                .components
                .get(&element.name)
                .is_some_and(|component| component.roles.iter().any(|role| matches!(&**role, "input" | "textarea"))),
            _ => false,
        })
    }

    /// Puts what users type into the data that inputs are bound to in both directions.
    pub(super) fn bind_inputs(&mut self, unit: UnitId) {
        if !self.units.contains_key(&unit) {
            return;
        }
        for &template in &self.program.units[unit as usize].templates {
            let Some(facts) = self.program.template(template) else { continue };
            for node in 0..facts.document.nodes.len() as NodeId {
                let Some(element) = self.element(template, node) else { continue };
                for attribute in &element.attributes {
                    let Some(value) = &attribute.value else { continue };
                    let two_way = attribute.name.starts_with("model:")
                        || value.parts.iter().any(|part| matches!(part, Part::Interpolation { two_way: true, .. }));
                    let property = attribute.name.trim_start_matches("model:");
                    if !two_way || !matches!(property, "value" | "checked") {
                        continue;
                    }
                    let Some(path) = self.bound_path(template, value) else { continue };
                    let typed = self.input_value(unit, template, node, element);
                    let instance = self.instance(unit);
                    let key = self.known("data");
                    let data = self.heap.get(instance, key).cloned().unwrap_or_default();
                    self.write_path(&data, &path, typed, Place { file: template, span: element.open }, false);
                }
            }
        }
        self.heap.settle();
    }

    fn bound_path(&self, template: FileId, value: &AttributeValue) -> Option<String> {
        let text = &self.package.source(template).text;
        let path = value.parts.iter().find_map(|part| match part {
            Part::Interpolation { expression, .. } => Some(expression.slice(text).trim().to_owned()),
            Part::Text { .. } => None,
        })?;
        path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '[' | ']')).then_some(path)
    }
}
