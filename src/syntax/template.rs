//! Templates: a lossless tree with exact spans.
//!
//! Every byte of the text belongs to exactly one token of the tree, so that [`Document::reprint`] gives the same text.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Dialect, MAX_DEPTH, parse};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// Index of a node in [`Document::nodes`].
pub type NodeId = u32;

/// A parsed template. Node 0 is the root.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// All nodes, in source order; a parent stands before its children.
    pub nodes: Vec<Node>,
    /// What was mended while reading.
    pub errors: Vec<TemplateError>,
}

/// A node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// The whole node, end tag included.
    pub span: Span,
    /// The parent; the root is its own parent.
    pub parent: NodeId,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NodeKind {
    /// The document.
    Root {
        /// Top-level nodes.
        children: Vec<NodeId>,
    },
    /// An element.
    Element(Element),
    /// Text between tags, in parts.
    Text(Vec<Part>),
    /// `<!-- … -->`, without the marks.
    Comment(Span),
    /// `<!DOCTYPE …>`, `<?xml …?>`, a stray end tag: kept, without meaning.
    Other,
}

/// An element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Element {
    /// Tag name, lower case.
    pub name: Arc<str>,
    /// The name in the start tag.
    pub name_span: Span,
    /// The start tag, from `<` to `>`.
    pub open: Span,
    /// The end tag; `None` when it is self-closing, void or was never closed.
    pub close: Option<Span>,
    /// Attributes in source order.
    pub attributes: Vec<Attribute>,
    /// Children in source order.
    pub children: Vec<NodeId>,
    /// Body of a raw element (inline script modules), not parsed as markup.
    pub raw: Option<Span>,
}

impl Element {
    /// The first attribute of that name (names compare without case).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// An attribute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attribute {
    /// Name as written.
    pub name: Arc<str>,
    /// The name.
    pub name_span: Span,
    /// Name, `=` and value.
    pub span: Span,
    /// The value without its quotes; `None` when there is no `=`.
    pub value: Option<AttributeValue>,
}

/// An attribute's value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttributeValue {
    /// The value without quotes.
    pub span: Span,
    /// Whether it stands in quotes.
    pub quoted: bool,
    /// Literal text and interpolations.
    pub parts: Vec<Part>,
}

impl AttributeValue {
    /// The value when it has no interpolation; entities decoded.
    pub fn literal(&self) -> Option<String> {
        self.parts.iter().map(Part::literal).collect()
    }
}

/// A piece of text or of a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Part {
    /// Literal text.
    Text {
        /// Where it stands.
        span: Span,
        /// Entities decoded.
        text: Arc<str>,
    },
    /// `{{ … }}` or `{= … =}`.
    Interpolation {
        /// With the braces.
        span: Span,
        /// Between the braces: what is parsed as an expression.
        expression: Span,
        /// Whether it is two-way (`{= … =}`).
        two_way: bool,
    },
}

impl Part {
    /// The text of a literal part.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Interpolation { .. } => None,
        }
    }
}

/// Something the reader mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateError {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: TemplateErrorKind,
}

/// Kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TemplateErrorKind {
    /// An end tag that closes nothing.
    StrayEndTag,
    /// A start tag that nothing closes.
    UnclosedElement,
    /// A tag that the text ends in.
    UnclosedTag,
    /// `{{` without `}}`.
    UnclosedInterpolation,
    /// A quote that nothing closes.
    UnclosedQuote,
    /// The same attribute twice.
    DuplicateAttribute,
    /// Nested deeper than the reader follows.
    TooDeep,
}

impl Document {
    /// The text again, from the tree: it gives the same bytes.
    pub fn reprint(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        // Nodes to print, and end tags once their children are out.
        enum Job {
            Node(NodeId),
            Print(Span),
        }
        let mut jobs = vec![Job::Node(0)];
        while let Some(job) = jobs.pop() {
            let id = match job {
                Job::Print(span) => {
                    out.push_str(span.slice(text));
                    continue;
                }
                Job::Node(id) => id,
            };
            let Some(node) = self.nodes.get(id as usize) else { continue };
            match &node.kind {
                NodeKind::Root { children } => jobs.extend(children.iter().rev().map(|id| Job::Node(*id))),
                NodeKind::Element(element) => {
                    out.push_str(element.open.slice(text));
                    jobs.extend(element.close.map(Job::Print));
                    jobs.extend(element.children.iter().rev().map(|id| Job::Node(*id)));
                    jobs.extend(element.raw.map(Job::Print));
                }
                NodeKind::Text(parts) => {
                    for part in parts {
                        match part {
                            Part::Text { span, .. } | Part::Interpolation { span, .. } => {
                                out.push_str(span.slice(text))
                            }
                        }
                    }
                }
                NodeKind::Comment(_) | NodeKind::Other => out.push_str(node.span.slice(text)),
            }
        }
        out
    }

    /// Children of a node.
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        match self.nodes.get(id as usize).map(|node| &node.kind) {
            Some(NodeKind::Root { children } | NodeKind::Element(Element { children, .. })) => children,
            _ => &[],
        }
    }

    /// The element, if the node is one.
    pub fn element(&self, id: NodeId) -> Option<&Element> {
        match &self.nodes.get(id as usize)?.kind {
            NodeKind::Element(element) => Some(element),
            _ => None,
        }
    }

    /// A node and all below it, in source order.
    pub fn descendants(&self, id: NodeId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            found.push(id);
            stack.extend(self.children(id).iter().rev());
        }
        found
    }

    /// The elements around a node, innermost first.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut at = id;
        std::iter::from_fn(move || {
            let parent = self.nodes.get(at as usize)?.parent;
            if parent == at || self.element(parent).is_none() {
                return None;
            }
            at = parent;
            Some(parent)
        })
    }

    /// The literal text in a node and below it, entities decoded; interpolations leave nothing.
    pub fn text_of(&self, id: NodeId) -> String {
        let mut out = String::new();
        for id in self.descendants(id) {
            if let NodeKind::Text(parts) = &self.nodes[id as usize].kind {
                for part in parts {
                    if let Part::Text { text, .. } = part {
                        out.push_str(text);
                    }
                }
            }
        }
        out
    }
}
