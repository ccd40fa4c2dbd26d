//! What the facts on a path say about notice and consent.

use std::collections::BTreeSet;

use super::machine::Machine;
use super::solution::{Consent, Fact};
use crate::model::ir::Name;
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, NodeKind, Part};

/// Longest text around an element that counts as standing beside it, in characters.
const BESIDE: usize = 240;
/// How many ancestors up a text still stands beside an element.
const LEVELS: usize = 3;

impl<'a> Machine<'a> {
    /// How far the user was told and asked, by what is known on the path.
    pub fn consent_of(&mut self, facts: &BTreeSet<Fact>, host_prompt: bool, scope: Option<&str>) -> Consent {
        let mut notice = false;
        let mut agreed = false;
        let mut prompt = host_prompt;
        for fact in facts {
            match fact {
                Fact::DialogConfirmed(place) => {
                    let Some(text) = self.dialogs.get(place).cloned() else { continue };
                    let says = self.policy.privacy.consent_text(&text);
                    if says.privacy || says.policy || (says.agreement && !says.contract_only) || says.purpose {
                        notice = true;
                        agreed = true;
                    }
                }
                Fact::Ticked(file, node) => {
                    let text = self.text_beside(*file, *node, LEVELS);
                    let says = self.policy.privacy.consent_text(&text);
                    if says.policy || says.privacy || (says.agreement && !says.contract_only) {
                        notice = true;
                        agreed = true;
                    }
                }
                Fact::Acted(file, node) => {
                    let (own, role) = self.element_says(*file, *node);
                    if role == Role::PrivacyAgreement {
                        notice = true;
                        agreed = true;
                        continue;
                    }
                    if role == Role::Authorize {
                        prompt = true;
                    }
                    let says = self.policy.privacy.consent_text(&own);
                    let speaks = says.policy || says.privacy || (says.agreement && !says.contract_only);
                    if speaks && self.policy.privacy.agrees(&own) {
                        notice = true;
                        agreed = true;
                        continue;
                    }
                    let beside = self.text_beside(*file, *node, LEVELS);
                    let says = self.policy.privacy.consent_text(&beside);
                    if says.policy || says.purpose || (says.privacy && says.agreement) {
                        notice = true;
                        // "Agree" on the button itself, the terms beside it.
                        if self.policy.privacy.agrees(&own) && !self.policy.privacy.refuses(&own) {
                            agreed = true;
                        }
                    }
                }
                Fact::PrivacyAgreed => {
                    notice = true;
                    agreed = true;
                }
                Fact::Authorized(granted) if scope.is_some_and(|scope| *scope == **granted) => prompt = true,
                Fact::Passed(route) => {
                    let text = self.page_text(route);
                    let says = self.policy.privacy.consent_text(&text);
                    if says.policy || (says.privacy && (says.purpose || says.agreement)) {
                        notice = true;
                    }
                }
                _ => {}
            }
        }
        match (notice, agreed, prompt) {
            (_, true, _) | (true, _, true) => Consent::NoticeAndConsent,
            (false, false, true) => Consent::HostPrompt,
            (true, false, false) => Consent::NoticeOnly,
            _ => Consent::None,
        }
    }

    /// Text that an element shows, and its host role.
    fn element_says(&mut self, file: FileId, node: NodeId) -> (Name, Role) {
        let Some(template) = self.program.template(file) else { return ("".into(), Role::None) };
        let Some(NodeKind::Element(element)) = template.document.nodes.get(node as usize).map(|node| &node.kind) else {
            return ("".into(), Role::None);
        };
        let mut role = Role::None;
        if let Some(open) = self.open_type(element) {
            if open.roles.iter().any(|role| &**role == "privacy-agreement") {
                role = Role::PrivacyAgreement;
            } else if open
                .roles
                .iter()
                .any(|role| matches!(&**role, "authorize" | "phone-number" | "user-info" | "address" | "invoice"))
            {
                role = Role::Authorize;
            }
        }
        (self.text_inside(file, node), role)
    }

    /// The host's entry for the `open-type` of an element.
    pub fn open_type(&self, element: &Element) -> Option<&'a crate::policy::host::OpenType> {
        let value = element.attribute("open-type")?.value.as_ref()?;
        let component = self.host.components.get(&element.name)?;
        let literal = value.literal()?;
        // A button may carry several.
        literal.split('|').find_map(|one| component.open_types.get(one.trim()))
    }

    /// Visible text inside an element.
    pub fn text_inside(&mut self, file: FileId, node: NodeId) -> Name {
        if let Some(text) = self.texts.get(&(file, node)) {
            return text.clone();
        }
        let mut out = String::new();
        if let Some(template) = self.program.template(file) {
            let mut stack = vec![node];
            while let Some(id) = stack.pop() {
                let Some(node) = template.document.nodes.get(id as usize) else { continue };
                match &node.kind {
                    NodeKind::Root { children } => stack.extend(children.iter().rev()),
                    NodeKind::Element(element) => {
                        for attribute in &element.attributes {
                            if matches!(&*attribute.name, "title" | "aria-label" | "alt")
                                && let Some(text) = attribute.value.as_ref().and_then(|value| value.literal())
                            {
                                out.push_str(&text);
                                out.push(' ');
                            }
                        }
                        stack.extend(element.children.iter().rev());
                    }
                    NodeKind::Text(parts) => {
                        for part in parts {
                            if let Part::Text { text, .. } = part {
                                out.push_str(text.trim());
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
        }
        let text: Name = out.trim().into();
        self.texts.insert((file, node), text.clone());
        text
    }

    /// Text of an element and of what stands beside it.
    pub fn text_beside(&mut self, file: FileId, node: NodeId, levels: usize) -> Name {
        let mut best = self.text_inside(file, node);
        let Some(template) = self.program.template(file) else { return best };
        let mut at = node;
        for _ in 0..levels {
            let Some(parent) = template.document.nodes.get(at as usize).map(|node| node.parent) else { break };
            if parent == at {
                break;
            }
            at = parent;
            let text = self.text_inside(file, at);
            if text.chars().count() > BESIDE {
                break;
            }
            best = text;
        }
        best
    }

    /// Visible text of a page.
    pub fn page_text(&mut self, route: &str) -> Name {
        let Some(&unit) = self.program.by_route.get(route) else { return "".into() };
        let mut out = String::new();
        for &template in &self.program.units[unit as usize].templates {
            out.push_str(&self.text_inside(template, 0));
            out.push(' ');
        }
        out.into()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    PrivacyAgreement,
    Authorize,
}
