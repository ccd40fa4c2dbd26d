//! Texts of templates as rules read them: an element's own, what stands around it, what stands beside it.

use crate::model::Program;
use crate::source::FileId;
use crate::syntax::template::{Element, Node, NodeId, NodeKind, Part};

/// Text of an element and all below it; of interpolations what they show before anything happens.
pub fn text_of(program: &Program, file: FileId, node: NodeId) -> String {
    let mut out = String::new();
    if let Some(template) = program.template(file) {
        collect((program, file), &template.document.nodes, node, &mut out, usize::MAX, 0);
    }
    out
}

/// As [`text_of`], unless it has more than `most` characters.
pub fn short_text_of(program: &Program, file: FileId, node: NodeId, most: usize) -> Option<String> {
    const LONGEST: usize = 4;
    let mut out = String::new();
    if let Some(template) = program.template(file) {
        collect((program, file), &template.document.nodes, node, &mut out, most * LONGEST, 0);
    }
    (out.chars().count() <= most).then_some(out)
}

/// Stops once there are more than `most` bytes.
fn collect(of: (&Program, FileId), nodes: &[Node], node: NodeId, out: &mut String, most: usize, depth: u16) {
    if depth > 200 || out.len() > most {
        return;
    }
    match nodes.get(node as usize).map(|node| &node.kind) {
        Some(NodeKind::Text(parts)) => {
            for part in parts {
                match part {
                    Part::Interpolation { expression, .. } => {
                        of.0.first_texts(of.1, *expression).into_iter().for_each(|text| out.push_str(text));
                    }
                    _ => out.push_str(part.literal().unwrap_or_default().trim()),
                }
            }
        }
        Some(NodeKind::Element(element)) => {
            for name in ["value", "title", "placeholder", "label", "content", "text", "content-text"] {
                if let Some(text) = literal(element, name)
                    && !text.is_ascii()
                {
                    out.push_str(&text);
                    out.push(' ');
                }
            }
            for child in &element.children {
                collect(of, nodes, *child, out, most, depth + 1);
            }
            out.push(' ');
        }
        Some(NodeKind::Root { children }) => {
            for child in children {
                collect(of, nodes, *child, out, most, depth + 1);
            }
        }
        _ => {}
    }
}

/// An attribute's literal value.
pub fn literal(element: &Element, name: &str) -> Option<String> {
    element.attribute(name)?.value.as_ref()?.literal()
}

/// The element at a node.
pub fn element(program: &Program, file: FileId, node: NodeId) -> Option<&Element> {
    match &program.template(file)?.document.nodes.get(node as usize)?.kind {
        NodeKind::Element(element) => Some(element),
        _ => None,
    }
}

/// Ancestors of a node, nearest first, without the root.
pub fn ancestors(program: &Program, file: FileId, node: NodeId) -> Vec<NodeId> {
    let mut out = Vec::new();
    let Some(template) = program.template(file) else { return out };
    let mut at = node;
    while let Some(current) = template.document.nodes.get(at as usize) {
        if current.parent == at || current.parent == 0 || out.len() > 200 {
            break;
        }
        at = current.parent;
        out.push(at);
    }
    out
}

/// Text of an element with its near surroundings: its parent and, where that says little, the next one up.
pub fn around(program: &Program, file: FileId, node: NodeId) -> String {
    let mut text = text_of(program, file, node);
    for parent in ancestors(program, file, node).into_iter().chain([0]).take(2) {
        let Some(wider) = short_text_of(program, file, parent, 160) else { break };
        text = wider;
    }
    text
}

/// The text that belongs to a box: its own, else what follows it up to the next control, else what stands before it.
pub fn beside(program: &Program, file: FileId, node: NodeId) -> String {
    let own = text_of(program, file, node);
    if !own.trim().is_empty() {
        return own;
    }
    let Some(template) = program.template(file) else { return own };
    let parent = template.document.nodes.get(node as usize).map_or(0, |node| node.parent);
    let siblings: &[NodeId] = match template.document.nodes.get(parent as usize).map(|node| &node.kind) {
        Some(NodeKind::Element(parent)) => &parent.children,
        Some(NodeKind::Root { children }) => children,
        _ => &[],
    };
    let is_box = |node: NodeId| {
        element(program, file, node).is_some_and(|element| {
            ["checkbox", "switch", "radio", "input", "textarea", "picker", "button"]
                .iter()
                .any(|name| element.name.contains(name))
        })
    };
    let at = siblings.iter().position(|sibling| *sibling == node).unwrap_or(0);
    let join = |nodes: &mut dyn Iterator<Item = &NodeId>| {
        nodes
            .take_while(|sibling| !is_box(**sibling))
            .map(|sibling| text_of(program, file, *sibling))
            .collect::<String>()
    };
    let after = join(&mut siblings[(at + 1).min(siblings.len())..].iter());
    if !after.trim().is_empty() {
        return after;
    }
    let before = join(&mut siblings[..at].iter().rev());
    if !before.trim().is_empty() || parent == 0 {
        return before;
    }
    // Alone in its box: what stands beside that.
    beside(program, file, parent)
}

/// What goes on after an element: the text that follows it, or that follows what it stands in, up to the next control.
pub fn continued(program: &Program, file: FileId, node: NodeId) -> String {
    const MOST: usize = 40;
    let Some(template) = program.template(file) else { return String::new() };
    let nodes = &template.document.nodes;
    let mut out = String::new();
    let mut at = node;
    for _ in 0..3 {
        let Some(parent) = nodes.get(at as usize).map(|node| node.parent).filter(|parent| *parent != at) else { break };
        let siblings: &[NodeId] = match nodes.get(parent as usize).map(|node| &node.kind) {
            Some(NodeKind::Element(parent)) => &parent.children,
            Some(NodeKind::Root { children }) => children,
            _ => &[],
        };
        let after = siblings.iter().position(|sibling| *sibling == at).map_or(siblings.len(), |index| index + 1);
        let text: String = siblings[after..]
            .iter()
            .take_while(|sibling| {
                element(program, file, **sibling).is_none_or(|element| {
                    !["checkbox", "switch", "radio", "input", "textarea", "picker", "button"]
                        .iter()
                        .any(|name| element.name.contains(name))
                })
            })
            .map(|sibling| text_of(program, file, *sibling))
            .collect();
        out.push_str(text.trim());
        if out.chars().count() >= MOST {
            break;
        }
        at = parent;
    }
    out.chars().take(MOST).collect()
}
