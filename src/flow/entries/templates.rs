//! Expressions of templates: attributes, loops, and modules of the view.

use std::rc::Rc;

use crate::flow::heap::Kind;
use crate::flow::machine::{Act, Machine, name};
use crate::flow::solution::{Entry, EntryKind, Place, SinkKind};
use crate::flow::value::{NUMBER, ObjId, Piece, Value, concat};
use crate::model::UnitId;
use crate::model::ir::{Expr, ExprKind, Key, Name, walk_expr};
use crate::source::{FileId, Span};
use crate::syntax::template::{AttributeValue, Element, NodeId, NodeKind, Part};

/// Elements that use named templates: file, node, and the name where it is written out.
pub(in crate::flow) type TemplateUsers = Rc<[(FileId, NodeId, Option<String>)]>;

/// How deep templates are looked into that use one another.
const MAX_INSIDE: u8 = 3;
/// The attribute by which Vue's compiler hands a component all its properties.
pub(super) const PROPERTIES: &str = "u-p";
/// Most elements that one handler is run for.
pub(super) const MAX_ELEMENTS: usize = 12;

/// A loop as an element's directive says it.
#[derive(Debug)]
pub(in crate::flow) struct LoopHead {
    item: Name,
    index: Name,
    list: String,
    span: Span,
}

impl<'a> Machine<'a> {
    /// Notes which fields of servers' answers templates show: a page that gets a record whole reads it nowhere else.
    pub(super) fn templates_read(&mut self) {
        if self.answers.is_empty() || self.stopped {
            return;
        }
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if !this.live || !self.units.contains_key(&unit) {
                continue;
            }
            for &template in &this.templates {
                let Some(facts) = self.program.template(template) else { continue };
                for node in 0..facts.document.nodes.len() as NodeId {
                    match &facts.document.nodes[node as usize].kind {
                        NodeKind::Text(parts) => self.parts_read(unit, template, node, parts),
                        NodeKind::Element(element) => {
                            for value in element.attributes.iter().filter_map(|attribute| attribute.value.as_ref()) {
                                self.parts_read(unit, template, node, &value.parts);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// The same for the expressions of one text.
    fn parts_read(&mut self, unit: UnitId, template: FileId, node: NodeId, parts: &'a [Part]) {
        let mut reads: Vec<(&'a Expr, &'a Name, Span)> = Vec::new();
        for part in parts {
            let expr = match part {
                Part::Interpolation { expression, .. } => self.expression_at(template, *expression),
                Part::Text { .. } => None,
            };
            let Some(expr) = expr else { continue };
            walk_expr(expr, &mut |expr| {
                if let ExprKind::Member { object, key: Key::Static(field, _), .. } = &expr.kind
                    && is_path(object)
                    && self.key_kind(field).is_some()
                {
                    reads.push((object, field, expr.span));
                }
            });
        }
        if reads.is_empty() {
            return;
        }
        let mut act = self.template_act(unit, template, node);
        for (object, field, span) in reads {
            let base = self.eval(&mut act, object);
            self.note_read(&base, field, Place { file: template, span });
        }
    }

    /// The expression between two braces.
    pub(in crate::flow) fn expression_at(&self, template: FileId, written: Span) -> Option<&'a Expr> {
        let facts = self.program.template(template)?;
        facts.expressions.get(&written.start).or_else(|| {
            let inner = written.slice(&self.package.source(template).text);
            let skip = inner.len() - inner.trim_start().len();
            facts.expressions.get(&(written.start + skip as u32))
        })
    }

    /// What expressions of an element run in: its page's data, and the loops that it stands in.
    pub(in crate::flow) fn template_act(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Act<'a> {
        let instance = self.instance(unit);
        let data = self.data_of(unit, template, node);
        let variables = self.loop_variables(unit, template, node, &data);
        Act { scope: Some((variables, data)), ..Act::new(template, None, 0, instance, self.facts.len()) }
    }

    /// What an attribute's value can be.
    pub fn evaluate(&mut self, unit: UnitId, template: FileId, node: NodeId, value: &'a AttributeValue) -> Value {
        let Some(facts) = self.program.template(template) else { return Value::any() };
        if value.parts.is_empty() {
            return Value::string("".into(), None);
        }
        let mut act = self.template_act(unit, template, node);
        let mut out: Option<Value> = None;
        for part in &value.parts {
            let piece = match part {
                Part::Text { text, span } => {
                    // Control attributes may hold a bare expression.
                    match facts.expressions.get(&span.start) {
                        Some(expr) if value.parts.len() == 1 => self.eval(&mut act, expr),
                        _ => {
                            let place = Place { file: template, span: *span };
                            Value::string(text.clone(), Some(place))
                        }
                    }
                }
                Part::Interpolation { expression, .. } => {
                    let expr = self.expression_at(template, *expression);
                    match expr {
                        Some(expr) => self.eval(&mut act, expr),
                        None => Value::any(),
                    }
                }
            };
            out = Some(match out {
                None if value.parts.len() == 1 => piece,
                None => concat(&Value::string("".into(), None), &piece),
                Some(text) => concat(&text, &piece),
            });
        }
        out.unwrap_or_else(Value::any)
    }

    /// What names in an expression are fields of: the data of the page or component; inside of a named template, what those who
    /// use it hand it.
    fn data_of(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Value {
        if self.inside < MAX_INSIDE
            && let Some((name, place)) = self.named_template(template, node)
        {
            let users: Vec<(FileId, NodeId)> = self
                .template_users(unit)
                .iter()
                .filter(|(_, _, wanted)| wanted.as_deref().is_none_or(|wanted| wanted == name))
                .map(|(file, node, _)| (*file, *node))
                .take(MAX_ELEMENTS)
                .collect();
            if !users.is_empty() {
                self.inside += 1;
                let given = self.make_at(place, 77, Kind::Plain);
                for (file, user) in users {
                    self.hand_over(unit, file, user, given);
                }
                self.inside -= 1;
                return Value::object(given);
            }
        }
        let instance = self.instance(unit);
        let data_key = self.known("data");
        self.heap.get(instance, data_key).cloned().unwrap_or_default()
    }

    /// Writes what the `data` of an element hands a named template: `{{a, b: c, ...d}}`.
    fn hand_over(&mut self, unit: UnitId, template: FileId, node: NodeId, given: ObjId) {
        let Some(value) = self.element(template, node).and_then(|element| element.attribute("data")?.value.as_ref())
        else {
            return;
        };
        let path = match value.parts.as_slice() {
            [Part::Interpolation { expression, .. }] => {
                let text = expression.slice(&self.package.source(template).text).trim();
                text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).then(|| text.to_owned())
            }
            _ => None,
        };
        let value = self.evaluate(unit, template, node, value);
        match path {
            // `{{item}}` is short for `{{item: item}}`.
            Some(path) if !path.is_empty() => {
                let key = self.sym(&path);
                self.heap.add(given, key, &value);
            }
            _ => {
                for &object in &value.objects {
                    for key in self.heap.keys(object) {
                        if let Some(field) = self.heap.get(object, key).cloned() {
                            self.heap.add(given, key, &field);
                        }
                    }
                }
            }
        }
    }

    /// The named template that an element stands in: its name and place.
    fn named_template(&self, template: FileId, node: NodeId) -> Option<(String, Place)> {
        let facts = self.program.template(template)?;
        let mut at = node;
        loop {
            let this = facts.document.nodes.get(at as usize)?;
            if let NodeKind::Element(element) = &this.kind
                && &*element.name == "template"
                && at != node
                && let Some(name) = element.attribute("name").and_then(|a| a.value.as_ref()?.literal())
            {
                return Some((name, Place { file: template, span: element.open }));
            }
            if this.parent == at {
                return None;
            }
            at = this.parent;
        }
    }

    /// Elements of a unit that use named templates, each with the name where it is written out.
    fn template_users(&mut self, unit: UnitId) -> TemplateUsers {
        if let Some(known) = self.template_users.get(&unit) {
            return known.clone();
        }
        let mut out = Vec::new();
        for &template in &self.program.units[unit as usize].templates {
            for (node, element) in self.program.elements(template) {
                if let Some(name) = element.attribute("is").filter(|_| &*element.name == "template") {
                    out.push((template, node, name.value.as_ref().and_then(AttributeValue::literal)));
                }
            }
        }
        let out: TemplateUsers = out.into();
        self.template_users.insert(unit, out.clone());
        out
    }

    /// What a component hands to what its user puts into its slots: `<slot name="row" var-item="current">`.
    fn slot_variables(&mut self, unit: UnitId, chain: &[&'a Element]) -> Vec<(Name, Value)> {
        const GIVEN: &str = "var-";
        let mut out = Vec::new();
        for (at, element) in chain.iter().enumerate().skip(1) {
            let Some(Some(component)) = self.program.units[unit as usize].components.get(&element.name) else {
                continue;
            };
            let component = *component;
            if self.inside >= MAX_INSIDE || !self.units.contains_key(&component) {
                continue;
            }
            let content = chain[at - 1];
            let wanted = content.attribute("slot").and_then(|a| a.value.as_ref()?.literal()).unwrap_or_default();
            for &file in &self.program.units[component as usize].templates {
                for (node, slot) in self.program.elements(file).filter(|(_, slot)| &*slot.name == "slot") {
                    let own = slot.attribute("name").and_then(|a| a.value.as_ref()?.literal()).unwrap_or_default();
                    if own != wanted {
                        continue;
                    }
                    for attribute in &slot.attributes {
                        let Some(variable) = attribute.name.strip_prefix(GIVEN) else { continue };
                        let Some(value) = &attribute.value else { continue };
                        self.inside += 1;
                        // A name alone is an expression here, with braces or without.
                        let given = match value.literal() {
                            Some(path) => {
                                let data = self.data_of(component, file, node);
                                let variables = self.loop_variables(component, file, node, &data);
                                let place = Place { file, span: value.span };
                                let root = path.split(['.', '[']).next().unwrap_or(&path).to_owned();
                                match variables.iter().find(|(known, _)| **known == *root) {
                                    Some((_, base)) => {
                                        let rest = path[root.len()..].trim_start_matches('.').to_owned();
                                        let base = base.clone();
                                        if rest.is_empty() { base } else { self.data_path(&base, &rest, place) }
                                    }
                                    None => self.data_path(&data, &path, place),
                                }
                            }
                            None => self.evaluate(component, file, node, value),
                        };
                        self.inside -= 1;
                        out.push((name(variable), given));
                    }
                }
            }
        }
        out
    }

    /// View-script modules of a template, by the name that it gives them.
    fn view_modules(&mut self, template: FileId) -> Rc<[(Name, Value)]> {
        if let Some(known) = self.view_modules.get(&template) {
            return known.clone();
        }
        let mut out = Vec::new();
        if let Some(facts) = self.program.template(template) {
            for require in &self.program.requires[template.index()] {
                let Some(target) = require.target else { continue };
                if self.program.script(target).is_none() {
                    continue;
                }
                let module = facts.document.nodes.iter().find_map(|node| match &node.kind {
                    NodeKind::Element(element)
                        if element
                            .attribute("src")
                            .and_then(|a| a.value.as_ref())
                            .is_some_and(|v| v.span == require.span) =>
                    {
                        element.attribute("module").or_else(|| element.attribute("name"))?.value.as_ref()?.literal()
                    }
                    _ => None,
                });
                if let Some(module) = module {
                    let value = self.load(target, "");
                    let value = self.imported(&value, "default", Place { file: target, span: Span::default() });
                    out.push((name(&module), value));
                }
            }
            for (module, script, start) in &facts.inline_scripts {
                let value = self.load_inline(template, script, *start);
                out.push((module.clone(), value));
            }
        }
        let out: Rc<[(Name, Value)]> = out.into();
        self.view_modules.insert(template, out.clone());
        out
    }

    /// What an element repeats, if it does.
    fn loop_head(&mut self, template: FileId, node: NodeId, element: &Element) -> Option<Rc<LoopHead>> {
        if let Some(known) = self.loop_heads.get(&(template, node)) {
            return known.clone();
        }
        let head = self.read_loop(template, element).map(Rc::new);
        self.loop_heads.insert((template, node), head.clone());
        head
    }

    fn read_loop(&self, template: FileId, element: &Element) -> Option<LoopHead> {
        let prefix = &self.host.info.directive_prefix;
        let attribute = ["for", "for-items"].iter().find_map(|directive| {
            element.attribute(&format!("{prefix}{directive}")).or_else(|| element.attribute(&format!("wx:{directive}")))
        })?;
        let value = attribute.value.as_ref()?;
        let text = value.span.slice(&self.package.source(template).text);
        let text = text.trim().trim_start_matches('{').trim_end_matches('}').trim();
        let (names, list) = match text.split_once(" in ") {
            Some((names, list)) => (names.trim_matches(['(', ')', ' ']).to_owned(), list),
            None => (String::new(), text),
        };
        let list = list.split(" trackBy").next().unwrap_or(list).trim();
        let literal = |suffix: &str| {
            ["", "wx:"].iter().find_map(|_| {
                element
                    .attribute(&format!("{prefix}{suffix}"))
                    .or_else(|| element.attribute(&format!("wx:{suffix}")))
                    .and_then(|a| a.value.as_ref())
                    .and_then(AttributeValue::literal)
            })
        };
        let mut parts = names.split(',').map(str::trim);
        let item = parts
            .next()
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .or_else(|| literal("for-item"))
            .unwrap_or_else(|| "item".to_owned());
        let index =
            parts.next().map(str::to_owned).or_else(|| literal("for-index")).unwrap_or_else(|| "index".to_owned());
        Some(LoopHead { item: name(&item), index: name(&index), list: list.to_owned(), span: value.span })
    }

    /// Loop variables that an element stands in, and view-script modules of its template.
    fn loop_variables(&mut self, unit: UnitId, template: FileId, node: NodeId, data: &Value) -> Vec<(Name, Value)> {
        let mut out = Vec::new();
        let Some(facts) = self.program.template(template) else { return out };
        let (mut chain, mut nodes) = (Vec::new(), Vec::new());
        let mut at = node;
        while let Some(this) = facts.document.nodes.get(at as usize) {
            if let NodeKind::Element(element) = &this.kind {
                chain.push(element);
                nodes.push(at);
            }
            if this.parent == at {
                break;
            }
            at = this.parent;
        }
        out.extend(self.view_modules(template).iter().cloned());
        out.extend(self.slot_variables(unit, &chain));
        for (element, at) in chain.iter().zip(&nodes).rev() {
            let Some(head) = self.loop_head(template, *at, element) else { continue };
            let LoopHead { item, index, list, span } = &*head;
            let root = list.split(['.', '[']).next().unwrap_or(list);
            let place = Place { file: template, span: *span };
            let base = match out.iter().rev().find(|(known, _)| &**known == root) {
                Some((_, value)) => {
                    let rest = list[root.len()..].trim_start_matches('.').to_owned();
                    let value = value.clone();
                    if rest.is_empty() { value } else { self.data_path(&value, &rest, place) }
                }
                None => self.data_path(data, list, place),
            };
            let mut each = match &self.turn_of_loop {
                Some((file, node, item)) if (*file, *node) == (template, *at) => item.clone(),
                _ => self.items_of(&base),
            };
            if each.is_none() {
                each = Value::any();
            }
            self.looped = Some((template, *at, base));
            out.push((item.clone(), each));
            out.push((index.clone(), Value { bits: NUMBER, ..Value::default() }));
        }
        out.reverse();
        out
    }

    /// The items, one by one, of the innermost loop around an element, where its list is known item by item.
    pub fn turns_of_loop(&mut self, unit: UnitId, template: FileId, node: NodeId) -> Vec<(FileId, NodeId, Value)> {
        const MOST: usize = 12;
        self.looped = None;
        let data = self.data_of(unit, template, node);
        self.loop_variables(unit, template, node, &data);
        let Some((file, at, list)) = self.looped.take() else { return Vec::new() };
        let [list] = list.objects.as_slice() else { return Vec::new() };
        let mut out = Vec::new();
        for index in 0..MOST {
            let key = self.index_sym(index);
            let Some(item) = self.heap.get(*list, key).cloned() else { break };
            out.push((file, at, item));
        }
        out
    }

    /// The known text of an attribute, as it is in the turn of the loop that is taken.
    pub fn attribute_text(
        &mut self,
        unit: UnitId,
        template: FileId,
        node: NodeId,
        element: &'a Element,
        attribute: &str,
    ) -> Option<String> {
        let Some(value) = element.attribute(attribute).and_then(|attribute| attribute.value.as_ref()) else {
            // Compilers hand all properties over as one.
            let all = element.attribute(PROPERTIES)?.value.as_ref()?;
            let all = self.evaluate(unit, template, node, all);
            let key = self.sym(attribute);
            let mut held = all.objects.iter().filter_map(|&object| self.heap.get(object, key));
            return held.find_map(|value| value.as_text().map(|text| text.to_string()));
        };
        if let Some(text) = value.literal() {
            return Some(text);
        }
        self.turn_of_loop.as_ref()?;
        self.evaluate(unit, template, node, value).as_text().map(|text| text.to_string())
    }

    /// The known text of parts, in the same way.
    pub fn parts_text(&mut self, unit: UnitId, template: FileId, node: NodeId, parts: &'a [Part]) -> String {
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text { text, .. } => out.push_str(text.trim()),
                Part::Interpolation { expression, .. } if self.turn_of_loop.is_some() => {
                    let Some(expr) = self.expression_at(template, *expression) else { continue };
                    let mut act = self.template_act(unit, template, node);
                    if let Some(text) = self.eval(&mut act, expr).as_text() {
                        out.push_str(text);
                    }
                }
                Part::Interpolation { .. } => {}
            }
        }
        out
    }

    /// Addresses in templates that carry personal information, and dynamic texts of elements for rules.
    pub(super) fn templates(&mut self) {
        for unit in 0..self.program.units.len() as UnitId {
            let this = &self.program.units[unit as usize];
            if !this.live || !self.units.contains_key(&unit) {
                continue;
            }
            let route = this.route.clone();
            for &template in &this.templates {
                let Some(facts) = self.program.template(template) else { continue };
                for node in 0..facts.document.nodes.len() as NodeId {
                    let Some(element) = self.element(template, node) else { continue };
                    let Some(component) = self.host.components.get(&element.name) else { continue };
                    let view = component.roles.iter().any(|role| &**role == "web-view");
                    let link = component.roles.iter().any(|role| &**role == "navigator");
                    for attribute in &element.attributes {
                        let Some(value) = &attribute.value else { continue };
                        let handed = component.program_attributes.contains(&attribute.name);
                        let address = handed
                            || component.url_attributes.contains(&attribute.name)
                            || matches!(&*attribute.name, "src" | "url" | "href");
                        if !address || value.parts.iter().all(|part| matches!(part, Part::Text { .. })) && !link {
                            continue;
                        }
                        let place = Place { file: template, span: attribute.span };
                        let entry = Entry {
                            kind: EntryKind::Event,
                            route: route.clone(),
                            method: name(""),
                            place,
                            element: Some((template, node)),
                        };
                        self.run_entry(entry, &[], Some(&Value::default()), |machine| {
                            let held = machine.element_facts(unit, template, node, false);
                            machine.push_facts(&held);
                            let address = machine.evaluate(unit, template, node, value);
                            let source: Name = element.name.to_string().into();
                            if handed {
                                let (kind, whole) = (SinkKind::Program, Value::default());
                                machine.sink(kind, &source, place, &attribute.name, &address, &whole, None, false);
                                return whole;
                            }
                            if view || link || asks_with(&address) {
                                machine.sink(
                                    SinkKind::Url,
                                    &source,
                                    place,
                                    &attribute.name,
                                    &address,
                                    &address.clone(),
                                    None,
                                    true,
                                );
                            }
                            if view || link {
                                machine.record_view(&source, &attribute.name, &address, place, view);
                            }
                            if link {
                                let role = element
                                    .attribute("open-type")
                                    .and_then(|a| a.value.as_ref())
                                    .and_then(AttributeValue::literal);
                                machine.navigator(role.as_deref().unwrap_or("navigate"), &address, place, &route);
                            }
                            Value::default()
                        });
                    }
                }
            }
        }
    }
}

/// Whether an expression only names data, and what it holds.
fn is_path(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Global(_) => true,
        ExprKind::Member { object, key, .. } => {
            is_path(object)
                && match key {
                    Key::Static(..) => true,
                    Key::Computed(key) => matches!(key.kind, ExprKind::Number(_) | ExprKind::String(_)) || is_path(key),
                }
        }
        _ => false,
    }
}

/// Whether an address asks a server for something with values in it, as that of a picture does that counts its readers. What is
/// an address as a whole is put into none.
fn asks_with(address: &Value) -> bool {
    address.strings.iter().any(|text| {
        let mut literals = text.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(&**text),
            _ => None,
        });
        matches!(text.pieces.first(), Some(Piece::Literal(head)) if head.contains("//"))
            && text.pieces.len() > 1
            && literals.any(|text| text.contains('?'))
    })
}
