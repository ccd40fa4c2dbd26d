//! What the facts on a path say about notice and consent.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::entries::camel;
use super::machine::Machine;
use super::solution::{Consent, Fact, FactSet};
use super::value::{FALSE, Ids, TRUE, Value, unite};
use crate::model::ir::{Expr, ExprKind, Name};
use crate::model::{UnitId, is_idle};
use crate::package::Origin;
use crate::policy::host::OpenType;
use crate::policy::privacy::ConsentText;
use crate::source::{FileId, Span};
use crate::syntax::template::{Element, Node, NodeId, NodeKind, Part};

/// Longest text around an element that counts as standing beside it, in characters.
pub(super) const BESIDE: usize = 240;
/// Longest text of a component that counts where it stands, in characters.
const LINE: usize = 100;
/// How many ancestors up a text still stands beside an element.
pub(super) const LEVELS: usize = 3;

/// Most uses of a component whose surroundings are read: of one with more, not every page is known to say anything.
const MAX_USES: usize = 16;

/// Where a component is used: the unit, its template, the element.
type Use = (UnitId, FileId, NodeId);

/// What the facts on a path come to.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    notice: bool,
    /// A policy can be opened here, and nothing more: enough beside a prompt of the host's.
    linked: bool,
    agreed: bool,
    /// Whether the host asks.
    prompt: bool,
    refused: bool,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.notice |= other.notice;
        self.linked |= other.linked;
        self.agreed |= other.agreed;
    }
}

impl<'a> Machine<'a> {
    /// How far the user was told and asked about information of these kinds, by what is known on the path.
    pub fn consent_of(&mut self, facts: &FactSet, kinds: &[Name], host_prompt: bool, scope: Option<&Name>) -> Consent {
        // Sets of facts live as long as the machine.
        let key = (Arc::as_ptr(facts) as usize, SmallVec::from(kinds), host_prompt, scope.cloned());
        if let Some(&known) = self.consents.get(&key) {
            return known;
        }
        let consent = self.weigh_consent(facts, kinds, host_prompt, scope.map(|scope| &**scope));
        self.consents.insert(key, consent);
        consent
    }

    fn weigh_consent(
        &mut self,
        facts: &BTreeSet<Fact>,
        kinds: &[Name],
        host_prompt: bool,
        scope: Option<&str>,
    ) -> Consent {
        let mut told = Told { prompt: host_prompt, ..Told::default() };
        for fact in facts {
            self.tell(&mut told, fact, Some(kinds), scope);
        }
        let Told { notice, linked, agreed, prompt, refused } = told;
        // Who was told and said no was not asked again by what stands beside.
        let notice = (notice || linked && prompt) && (agreed || !refused);
        match (notice, agreed, prompt) {
            (_, true, _) | (true, _, true) => Consent::NoticeAndConsent,
            (false, false, true) => Consent::HostPrompt,
            (true, false, false) => Consent::NoticeOnly,
            _ => Consent::None,
        }
    }

    /// Adds what a fact says. Without kinds, purposes do not count: they are told for what is collected.
    fn tell(&mut self, told: &mut Told, fact: &Fact, kinds: Option<&[Name]>, scope: Option<&str>) {
        let privacy = &self.policy.privacy;
        let purpose = |says: ConsentText, text: &str| {
            says.purpose && kinds.is_some_and(|kinds| privacy.purpose_covers(text, kinds.iter().map(|kind| &**kind)))
        };
        match fact {
            Fact::DialogConfirmed(place) => {
                let Some(text) = self.dialogs.get(place).cloned() else { return };
                let says = self.policy.privacy.consent_text(&text);
                let told_why = says.policy || (says.agreement && !says.contract_only) || purpose(says, &text);
                // A dialog that only asks tells what the host's own prompt tells.
                let asks = says.privacy && self.policy.privacy.only_asks(&text);
                if told_why || says.privacy && (!asks || kinds.is_some() && !told.prompt) {
                    told.notice = true;
                    told.agreed = true;
                }
            }
            Fact::Ticked(file, node) => {
                let text = self.box_text(*file, *node);
                let says = self.policy.privacy.consent_text(&text);
                if says.policy || says.privacy || (says.agreement && !says.contract_only) {
                    told.notice = true;
                    told.agreed = true;
                }
            }
            Fact::Acted(file, node) => {
                let (mut own, role) = self.element_says(*file, *node);
                let is_box = self.is_box(*file, *node);
                if own.is_empty() && is_box {
                    // A box says what stands beside it.
                    own = self.box_text(*file, *node);
                }
                if role == Role::PrivacyAgreement {
                    told.notice = true;
                    told.agreed = true;
                    return;
                }
                if role == Role::Authorize {
                    told.prompt = true;
                }
                if self.policy.privacy.refuses(&own) && !self.policy.privacy.agrees(&own) {
                    let beside = self.text_beside(*file, *node, LEVELS);
                    told.refused |= self.policy.privacy.consent_text(&beside).asks_consent();
                    return;
                }
                let says = self.policy.privacy.consent_text(&own);
                let speaks = says.policy || says.privacy || (says.agreement && !says.contract_only);
                if speaks && self.policy.privacy.agrees(&own) {
                    told.notice = true;
                    told.agreed = true;
                    return;
                }
                // A box agrees to what it says and to nothing else.
                let agrees = !is_box && self.policy.privacy.agrees(&own) && !self.policy.privacy.refuses(&own);
                if let Some(beside) = self.told_beside((*file, *node), agrees, kinds) {
                    told.add(beside);
                    return;
                }
                // What a component does not say itself, all pages that show it may say around it.
                let users: Vec<Use> = self.users_of(*file).map_or_else(Vec::new, |(_, users)| users.to_vec());
                if users.is_empty() || users.len() > MAX_USES {
                    return;
                }
                let around = users.into_iter().map(|(_, file, node)| self.told_beside((file, node), false, kinds));
                if let Some(all) = around.collect::<Option<Vec<Told>>>() {
                    told.notice |= all.iter().all(|told| told.notice);
                    told.linked |= all.iter().all(|told| told.linked);
                }
            }
            Fact::DialogRefused(place) => {
                let Some(text) = self.dialogs.get(place).cloned() else { return };
                told.refused |= self.policy.privacy.consent_text(&text).asks_consent();
            }
            Fact::PrivacyAgreed | Fact::Agreed => {
                told.notice = true;
                told.agreed = true;
            }
            Fact::Authorized(granted) if scope.is_some_and(|scope| *scope == **granted) => told.prompt = true,
            Fact::Passed(route) => {
                let text = self.page_text(route);
                let privacy = &self.policy.privacy;
                let says = privacy.consent_text(&text);
                // Told on another page, a purpose must name what it is for.
                let purpose = says.purpose
                    && kinds.is_some_and(|kinds| privacy.purpose_names(&text, kinds.iter().map(|kind| &**kind)));
                if says.policy || (says.privacy && (purpose || says.agreement)) {
                    told.linked = true;
                    told.notice |= purpose || privacy.states(&text);
                }
            }
            _ => {}
        }
    }

    /// What stands beside an element that was acted on says, where it tells anything; `agrees` where the element itself does.
    fn told_beside(&mut self, (file, node): (FileId, NodeId), agrees: bool, kinds: Option<&[Name]>) -> Option<Told> {
        let (beside, top) = self.beside(file, node, LEVELS);
        let says = self.policy.privacy.consent_text(&beside);
        let privacy = &self.policy.privacy;
        let purpose = says.purpose
            && kinds.is_some_and(|kinds| privacy.purpose_covers(&beside, kinds.iter().map(|kind| &**kind)));
        if !(says.policy || purpose || (says.privacy && says.agreement)) {
            return None;
        }
        let asked_elsewhere = self.asked_elsewhere(file, node, top, kinds);
        let stated = purpose || self.policy.privacy.states(&beside);
        // … or the terms say that acting is agreeing.
        let acting =
            (says.policy || says.agreement && !says.contract_only) && self.policy.privacy.agrees_by_acting(&beside);
        Some(Told {
            // "Agree" on the button itself, the terms beside it.
            notice: agrees || stated && !asked_elsewhere,
            linked: !asked_elsewhere,
            agreed: agrees || acting,
            ..Told::default()
        })
    }

    /// Whether the user was asked and said no, by these facts.
    pub fn said_no(&mut self, facts: &[u32]) -> bool {
        let mut told = Told::default();
        for &id in facts {
            let fact = self.fact_table[id as usize].clone();
            self.tell(&mut told, &fact, None, None);
        }
        told.refused && !told.agreed
    }

    /// Whether who passed a page may have been told of a policy or a purpose there.
    pub fn tells(&mut self, route: &Name) -> bool {
        if let Some(&known) = self.telling.get(route) {
            return known;
        }
        let says = self.policy.privacy.consent_text(&self.page_text(route));
        let tells = says.policy || says.privacy;
        self.telling.insert(route.clone(), tells);
        tells
    }

    /// Facts, and that the user agreed to terms where one of them says so by itself, whatever is collected then.
    pub fn with_agreement(&mut self, mut facts: Ids) -> Ids {
        let mut told = Told::default();
        for id in facts.clone() {
            let fact = self.fact_table[id as usize].clone();
            self.tell(&mut told, &fact, None, None);
        }
        if told.agreed {
            let agreed = self.fact(Fact::Agreed);
            unite(&mut facts, &[agreed]);
        }
        facts
    }

    /// A flag that is kept proves, when it is set, what the user had agreed to where it was set.
    pub fn under_consent(&self, mut value: Value) -> Value {
        if self.facts.is_empty() || !value.objects.is_empty() || !value.taints.is_empty() {
            return value;
        }
        let toggled = value.bits == TRUE | FALSE && value.number.is_none() && value.strings.is_empty();
        let set = value.bits == TRUE
            || toggled
            || (value.bits == 0
                && (value.number.is_some_and(|bits| f64::from_bits(bits) != 0.0)
                    || value.as_text().is_some_and(|text| !text.is_empty())));
        if set {
            let mut held: Ids =
                self.facts.iter().copied().filter(|&id| self.fact_table[id as usize].may_agree()).collect();
            held.sort_unstable();
            held.dedup();
            unite(&mut value.yes, &held);
            value.name_states(&held, &self.heap.told);
            value.name_number(&held, &self.heap.told);
        }
        value
    }

    /// Whether the user was asked to agree beside an element by a control of its own, and did something else. A control that
    /// asks for other kinds, or to log in, asks nothing of the kind.
    fn asked_elsewhere(&mut self, file: FileId, node: NodeId, top: NodeId, kinds: Option<&[Name]>) -> bool {
        const SHORT: usize = 12;
        let program = self.program;
        let Some(template) = program.template(file) else { return false };
        let nodes = &template.document.nodes;
        let chain = |from: NodeId| {
            let mut out = vec![from];
            while let Some(this) = nodes.get(out[out.len() - 1] as usize) {
                if out.contains(&this.parent) || out.len() > 200 {
                    break;
                }
                out.push(this.parent);
            }
            out
        };
        let own = chain(node);
        program.bindings_in(file).filter(|binding| binding.user_action && binding.node != node).any(|binding| {
            let above = chain(binding.node);
            if own.contains(&binding.node) || above.contains(&node) || !above.contains(&top) {
                return false;
            }
            let text = self.text_inside(file, binding.node);
            let privacy = &self.policy.privacy;
            text.chars().count() <= SHORT
                && (privacy.agrees(&text) && !privacy.refuses(&text) || privacy.offers_choice(&text))
                && !privacy.only_logs_in(&text)
                && kinds.is_none_or(|kinds| privacy.concerns(&text, kinds.iter().map(|kind| &**kind)))
        })
    }

    /// Text that an element shows, and its host role.
    fn element_says(&mut self, file: FileId, node: NodeId) -> (Name, Role) {
        let Some(template) = self.program.template(file) else { return ("".into(), Role::None) };
        let Some(NodeKind::Element(element)) = template.document.nodes.get(node as usize).map(|node| &node.kind) else {
            return ("".into(), Role::None);
        };
        let mut role = Role::None;
        let open_types = self.open_types(file, element);
        // What it is only sometimes proves nothing.
        let always = |of: &dyn Fn(&str) -> bool| {
            !open_types.is_empty() && open_types.iter().all(|(open, _)| open.roles.iter().any(|role| of(role)))
        };
        if always(&|role| role == "privacy-agreement") {
            role = Role::PrivacyAgreement;
        } else if always(&|role| matches!(role, "authorize" | "phone-number" | "user-info" | "address" | "invoice")) {
            role = Role::Authorize;
        }
        (self.text_inside(file, node), role)
    }

    /// The host's entries for what the `open-type` of an element may be, with their names.
    pub fn open_types(&self, file: FileId, element: &Element) -> Vec<(&'a OpenType, Name)> {
        let Some(value) = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref()) else {
            return Vec::new();
        };
        let Some(component) = self.host.components.get(&element.name) else { return Vec::new() };
        let mut written: Vec<Name> = Vec::new();
        match (value.literal(), value.parts.as_slice()) {
            (Some(literal), _) => written.push(literal.as_str().into()),
            (None, [Part::Interpolation { expression, .. }]) => {
                let known = self.program.template(file).and_then(|facts| {
                    facts
                        .expressions
                        .get(&expression.start)
                        .or_else(|| facts.expressions.values().find(|known| expression.contains(known.span)))
                });
                known.into_iter().for_each(|expr| arms(expr, &mut written));
            }
            _ => {}
        }
        // A button may carry several.
        let entry = |literal: &Name| literal.split('|').find_map(|one| component.open_types.get(one.trim()));
        written.into_iter().filter_map(|literal| Some((entry(&literal)?, literal))).collect()
    }

    /// Visible text inside an element.
    pub fn text_inside(&mut self, file: FileId, node: NodeId) -> Name {
        if let Some(text) = self.texts.get(&(file, node)) {
            return text.clone();
        }
        // A component may show itself.
        self.texts.insert((file, node), "".into());
        let out = match self.program.template(file) {
            Some(template) => self.visible_text(file, &template.document.nodes, node, true, |_, _, _| false),
            None => String::new(),
        };
        let text: Name = out.trim().into();
        self.texts.insert((file, node), text.clone());
        text
    }

    /// Whether an element shows only sometimes.
    fn conditional(&self, element: &Element) -> bool {
        let prefix = &self.host.info.directive_prefix;
        element.attributes.iter().any(|attribute| {
            let directive = attribute.name.strip_prefix(&**prefix).or_else(|| attribute.name.strip_prefix("wx:"));
            matches!(directive, Some("if" | "elif" | "else")) || &*attribute.name == "hidden"
        })
    }

    /// Visible text inside an element, without branches that `node` does not stand in and that may not show beside it.
    pub(super) fn text_shown_with(&mut self, file: FileId, top: NodeId, node: NodeId) -> String {
        let Some(template) = self.program.template(file) else { return String::new() };
        let nodes = &template.document.nodes;
        let mut chain = vec![node];
        while let Some(this) = nodes.get(chain[chain.len() - 1] as usize) {
            if chain.contains(&this.parent) || chain.len() > 200 {
                break;
            }
            chain.push(this.parent);
        }
        self.visible_text(file, nodes, top, true, |machine, id, element| {
            !chain.contains(&id) && (machine.conditional(element) || machine.opens_nothing(file, id, element))
        })
    }

    /// Text inside an element as its template has it, without what components are given to show.
    pub fn text_written(&mut self, file: FileId, node: NodeId) -> Name {
        let Some(template) = self.program.template(file) else { return "".into() };
        self.visible_text(file, &template.document.nodes, node, false, |_, _, _| false).trim().into()
    }

    /// Text in a tree, and what names its pictures, with what components are `given` to show or without, and without elements
    /// that `left_out` names; it is cut where it gets long.
    fn visible_text(
        &mut self,
        file: FileId,
        nodes: &'a [Node],
        top: NodeId,
        given: bool,
        left_out: impl Fn(&Self, NodeId, &Element) -> bool,
    ) -> String {
        let mut out = String::new();
        let mut stack = vec![top];
        while let Some(id) = stack.pop() {
            match nodes.get(id as usize).map(|node| &node.kind) {
                Some(NodeKind::Root { children }) => stack.extend(children.iter().rev()),
                Some(NodeKind::Element(element)) => {
                    if left_out(self, id, element) || never_shown(element) {
                        continue;
                    }
                    // What a component is told is mostly what it shows; and it says something by itself.
                    let custom = given && !self.host.components.contains_key(&element.name);
                    let itself = if custom { self.said_by(file, &element.name) } else { None };
                    let own = custom && (element.name.contains('-') || itself.is_some());
                    for attribute in &element.attributes {
                        // What its other button says is said by it.
                        if own && attribute.name.contains("cancel") {
                            continue;
                        }
                        let Some(text) = attribute.value.as_ref().and_then(|value| value.literal()) else { continue };
                        if matches!(&*attribute.name, "title" | "aria-label" | "alt") || own && !text.is_ascii() {
                            out.push_str(&text);
                            out.push(' ');
                        }
                    }
                    if let Some(itself) = itself {
                        out.push_str(&itself);
                        out.push(' ');
                    }
                    if given && &*element.name == "slot" {
                        out.push_str(&self.slotted(file));
                    }
                    stack.extend(element.children.iter().rev());
                }
                Some(NodeKind::Text(parts)) => {
                    for part in parts {
                        match part {
                            Part::Interpolation { expression, .. } if given => {
                                out.push_str(&self.told_to(file, *expression));
                            }
                            _ => out.push_str(part.literal().unwrap_or_default().trim()),
                        }
                    }
                    out.push(' ');
                }
                _ => {}
            }
            if out.len() > 6000 {
                break;
            }
        }
        out
    }

    /// What a component of the package always shows by itself, where that is little more than a line.
    fn said_by(&mut self, file: FileId, tag: &str) -> Option<String> {
        let unit = self.program.unit_showing(file)?;
        let component = &self.program.units[(*unit.components.get(tag)?)? as usize];
        let template = component.template.filter(|template| *template != file)?;
        if !matches!(self.package.files[template.index()].origin, Origin::Own) {
            return None;
        }
        let nodes = &self.program.template(template)?.document.nodes;
        let text = self.visible_text(template, nodes, 0, false, |machine, _, element| machine.conditional(element));
        let text = text.trim();
        Some(if text.chars().count() <= LINE { text.to_owned() } else { String::new() })
    }

    /// The component whose template this is, and the elements that stand for it.
    fn users_of(&self, file: FileId) -> Option<(UnitId, &[Use])> {
        // What libraries show is judged where they are used.
        if !matches!(self.package.files[file.index()].origin, Origin::Own) {
            return None;
        }
        let unit = self.program.units.iter().position(|unit| unit.templates.first() == Some(&file))? as UnitId;
        Some((unit, self.uses.get(&unit).map_or(&[], Vec::as_slice)))
    }

    /// What users put into the slots of a component, where all put something there.
    fn slotted(&mut self, file: FileId) -> String {
        let users: Vec<(FileId, NodeId)> = self
            .users_of(file)
            .map(|(_, users)| users.iter().map(|(_, template, node)| (*template, *node)).collect())
            .unwrap_or_default();
        let mut out = String::new();
        for (template, node) in users {
            let text = self.text_inside(template, node);
            if text.is_empty() {
                return String::new();
            }
            out.push_str(&text);
            out.push(' ');
        }
        out
    }

    /// The constant text that an expression of a template shows: data as it is at the start, or what the users of a component
    /// give for it.
    fn told_to(&mut self, file: FileId, expression: Span) -> String {
        let written = expression.slice(&self.package.source(file).text).trim();
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
        if written.is_empty() || written.len() > 60 || !written.chars().all(is_path) {
            return String::new();
        }
        let Some((unit, users)) = self.users_of(file) else { return String::new() };
        let mut out = String::new();
        for (_, template, node) in users {
            let Some(element) = self.element(*template, *node) else { continue };
            let given = element.attributes.iter().find(|attribute| camel(&attribute.name) == written);
            if let Some(text) = given.and_then(|attribute| attribute.value.as_ref()?.literal()) {
                out.push_str(&text);
                out.push(' ');
            }
        }
        if out.is_empty() && self.units.contains_key(&unit) {
            let (instance, key) = (self.instance(unit), self.known("data"));
            // No getter runs for it.
            let mut value = self.heap.get(instance, key).cloned();
            for part in written.split('.') {
                let key = self.sym(part);
                value = value.and_then(|held| self.heap.get(*held.objects.first()?, key).cloned());
            }
            if let Some(value) = value.filter(|value| value.bits == 0 && value.objects.is_empty()) {
                value.texts().for_each(|text| out.push_str(text));
            }
        }
        out
    }

    /// Text of an element and of what stands beside it.
    pub fn text_beside(&mut self, file: FileId, node: NodeId, levels: usize) -> Name {
        self.beside(file, node, levels).0
    }

    /// The same, with the element that holds it all.
    fn beside(&mut self, file: FileId, node: NodeId, levels: usize) -> (Name, NodeId) {
        let mut best = self.text_inside(file, node);
        let mut top = node;
        let Some(template) = self.program.template(file) else { return (best, top) };
        let mut at = node;
        for _ in 0..levels {
            let Some(parent) = template.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            if parent == at {
                break;
            }
            at = parent;
            let text: Name = self.text_shown_with(file, at, node).trim().into();
            if text.chars().count() > BESIDE {
                break;
            }
            best = text;
            top = at;
        }
        (best, top)
    }

    /// Visible text of a page.
    pub fn page_text(&mut self, route: &str) -> Name {
        let Some(&unit) = self.program.by_route.get(route) else { return "".into() };
        let mut out = String::new();
        for &template in &self.program.units[unit as usize].templates {
            let Some(facts) = self.program.template(template) else { continue };
            let nodes = &facts.document.nodes;
            let text = self.visible_text(template, nodes, 0, true, |machine, id, element| {
                machine.opens_nothing(template, id, element)
            });
            out.push_str(text.trim());
            out.push(' ');
        }
        out.into()
    }

    /// Whether an element is a link or has a handler, and neither opens anything.
    fn opens_nothing(&self, file: FileId, node: NodeId, element: &Element) -> bool {
        if leads_nowhere(element) {
            return true;
        }
        if element.attribute("open-type").is_some() || element.attribute("form-type").is_some() {
            return false;
        }
        let host = self.host;
        let tells = |name: &str| host.apis.get(name).is_some_and(|api| api.roles.iter().any(|role| &**role == "toast"));
        let mut bound =
            self.program.bindings_in(file).filter(|binding| binding.node == node && binding.user_action).peekable();
        bound.peek().is_some() && bound.all(|binding| is_idle(self.program, binding, &tells))
    }
}

/// The texts that an expression may come to.
fn arms(expr: &Expr, out: &mut Vec<Name>) {
    match &expr.kind {
        ExprKind::String(text) => out.push(text.clone()),
        ExprKind::Conditional(_, yes, no) => {
            arms(yes, out);
            arms(no, out);
        }
        ExprKind::Logical(_, left, right) => {
            arms(left, out);
            arms(right, out);
        }
        _ => {}
    }
}

/// Whether an element's own style hides it for good.
fn never_shown(element: &Element) -> bool {
    let style = element.attribute("style").and_then(|attribute| attribute.value.as_ref()?.literal());
    style.is_some_and(|style| style.replace(' ', "").contains("display:none"))
}

/// Whether an element is a link without an address and without a handler.
fn leads_nowhere(element: &Element) -> bool {
    if !matches!(&*element.name, "navigator" | "a" | "link") {
        return false;
    }
    let handled = element.attributes.iter().any(|attribute| {
        let name = &*attribute.name;
        (name.starts_with("bind") || name.starts_with("catch") || name.starts_with("on"))
            && attribute.value.as_ref().and_then(|value| value.literal()).is_none_or(|text| !text.trim().is_empty())
    });
    let address = ["url", "href"].iter().find_map(|name| element.attribute(name)).and_then(|a| a.value.as_ref());
    !handled
        && address.is_none_or(|value| {
            value
                .literal()
                .is_some_and(|text| matches!(text.trim(), "" | "#" | "/" | "javascript:;" | "javascript:void(0)"))
        })
        && element.attribute("app-id").is_none()
        && element.attribute("open-type").is_none()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    PrivacyAgreement,
    Authorize,
}
