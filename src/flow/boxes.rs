//! Boxes to tick: which text of a page is theirs.

use super::consent::{BESIDE, LEVELS};
use super::machine::Machine;
use crate::model::ir::Name;
use crate::source::FileId;
use crate::syntax::template::{NodeId, NodeKind};

impl<'a> Machine<'a> {
    /// Whether an element is a box to tick.
    pub(super) fn is_box(&self, file: FileId, node: NodeId) -> bool {
        self.element(file, node).and_then(|element| self.host.components.get(&element.name)).is_some_and(|component| {
            component.roles.iter().any(|role| matches!(&**role, "checkbox" | "radio" | "switch"))
        })
    }

    /// What a box is for: its text, and what stands beside it without what belongs to another box.
    pub(super) fn box_text(&mut self, file: FileId, node: NodeId) -> Name {
        let mut best = self.text_inside(file, node);
        let Some(template) = self.program.template(file) else { return best };
        let nodes = &template.document.nodes;
        let radio = self.element(file, node).is_some_and(|element| element.name.starts_with("radio"));
        let mut at = node;
        for _ in 0..LEVELS {
            let Some(parent) = nodes.get(at as usize).map(|node| node.parent).filter(|&parent| parent != at) else {
                break;
            };
            let children = match nodes.get(parent as usize).map(|node| &node.kind) {
                Some(NodeKind::Element(element)) => &element.children,
                Some(NodeKind::Root { children }) => children,
                _ => break,
            };
            let Some(own) = children.iter().position(|&child| child == at) else { break };
            // Radios of a group are one question.
            let boxed: Vec<usize> = (0..children.len())
                .filter(|&index| index != own && !radio && self.holds_box(file, children[index]))
                .collect();
            let (from, to) = if boxed.is_empty() {
                (0, children.len())
            } else {
                let said = |machine: &mut Self, range: std::ops::Range<usize>| {
                    range.into_iter().any(|index| !machine.text_inside(file, children[index]).trim().is_empty())
                };
                let first = boxed.iter().copied().chain([own]).min().unwrap_or(own);
                let last = boxed.iter().copied().chain([own]).max().unwrap_or(own);
                // Texts stand before their boxes, or after them.
                let (before, after) = (said(self, 0..first), said(self, last + 1..children.len()));
                let previous = boxed.iter().rev().find(|&&index| index < own).map_or(0, |index| index + 1);
                let next = boxed.iter().find(|&&index| index > own).copied().unwrap_or(children.len());
                (if before { previous } else { own }, if before && !after { own + 1 } else { next })
            };
            let mut text = String::new();
            for &child in &children[from..to] {
                text.push_str(self.text_shown_with(file, child, node).trim());
                text.push(' ');
            }
            if text.chars().count() > BESIDE {
                break;
            }
            best = text.trim().into();
            at = parent;
            if !boxed.is_empty() {
                break;
            }
        }
        best
    }

    /// Whether an element is a box, or holds one.
    fn holds_box(&self, file: FileId, node: NodeId) -> bool {
        self.is_box(file, node) || self.elements_below(file, node).iter().any(|(id, _)| self.is_box(file, *id))
    }
}
