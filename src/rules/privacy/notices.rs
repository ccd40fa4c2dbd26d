//! What the texts of templates say: read once for all rules and inputs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::evidence::{ancestors, element, is_live, short_text_of, text_of};
use crate::flow::Kind;
use crate::policy::privacy::ConsentText;
use crate::rules::Context;
use crate::rules::elements::literal;
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, NodeKind, Part};

/// What the texts of each template say that was asked for.
#[derive(Debug, Default)]
pub struct Told(Mutex<FxHashMap<FileId, Arc<[Notice]>>>);

/// A text that says something.
#[derive(Debug)]
struct Notice {
    says: ConsentText,
    /// Whether it says more than a purpose.
    more: bool,
    /// The text that its purpose is read from.
    about: String,
    /// The arms of `if` chains that it stands in.
    arms: Vec<(NodeId, NodeId)>,
}

/// What the texts of a template say to somebody at `node`: agreements in another branch, and names of agreements that
/// lead nowhere, do not count. On a page that is not the form's `own`, a purpose must name what it is for.
pub fn notices(cx: &Context<'_>, file: FileId, node: Option<NodeId>, kinds: &BTreeSet<Kind>, own: bool) -> ConsentText {
    let known = cx.readings.told.0.lock().unwrap_or_else(PoisonError::into_inner).get(&file).cloned();
    let list = known.unwrap_or_else(|| {
        let list: Arc<[Notice]> = read(cx, file).into();
        cx.readings.told.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file, list.clone());
        list
    });
    let mut out = ConsentText::default();
    if list.is_empty() {
        return out;
    }
    let here = node.map(|node| arms(cx, file, node)).unwrap_or_default();
    let elsewhere = |notice: &Notice| {
        notice.arms.iter().any(|(chain, arm)| here.iter().any(|(other, other_arm)| other == chain && other_arm != arm))
    };
    for notice in list.iter().filter(|notice| !elsewhere(notice)) {
        let mut says = notice.says;
        let (privacy, asked) = (&cx.policy.privacy, kinds.iter().map(|kind| &**kind));
        says.purpose = says.purpose
            && if own {
                privacy.purpose_covers(&notice.about, asked)
            } else {
                privacy.purpose_names(&notice.about, asked)
            };
        if notice.more || says.purpose {
            out = out.and(says);
        }
    }
    out
}

fn read(cx: &Context<'_>, file: FileId) -> Vec<Notice> {
    let mut out = Vec::new();
    let Some(template) = cx.program.template(file) else { return out };
    let privacy = &cx.policy.privacy;
    for (id, item) in template.document.nodes.iter().enumerate() {
        let text: String = match &item.kind {
            NodeKind::Text(parts) => parts.iter().filter_map(Part::literal).collect(),
            NodeKind::Element(element) => shown_by(cx, element),
            _ => continue,
        };
        if text.trim().is_empty() {
            continue;
        }
        // Inline elements split a sentence: read it whole.
        let above = ancestors(cx.program, file, id as NodeId);
        let whole = above.get(1).and_then(|parent| short_text_of(cx.program, file, *parent, 120));
        let whole = whole.unwrap_or_else(|| text.clone());
        let own = privacy.consent_text(&text);
        let mut says = if whole == text { own } else { own.and(privacy.consent_text(&whole)) };
        // What another element names by itself is judged there.
        if !(own.policy || own.agreement)
            && (says.policy || says.agreement)
            && above.get(1).is_some_and(|parent| named_inside(cx, file, *parent, id as NodeId))
        {
            (says.policy, says.agreement) = (false, false);
        }
        let more = says.privacy || says.policy || says.agreement;
        if !(more || says.purpose) {
            continue;
        }
        if !is_live(cx, file, item.parent) && !is_live(cx, file, id as NodeId) && !linked_inside(cx, file, id as NodeId)
        {
            says.policy = false;
            says.agreement = false;
        }
        // An agreement that a menu offers to read is not agreed to here.
        says.agreement = says.agreement
            && (says.policy
                || says.privacy
                || whole.contains('《')
                || privacy.agrees(&whole)
                || privacy.reads(&whole)
                || privacy.agrees_by_acting(&whole));
        let about = if own.purpose { text } else { whole };
        out.push(Notice { says, more, about, arms: arms(cx, file, id as NodeId) });
    }
    out
}

/// What a component shows of what it is given: the cell of a menu has its name in an attribute.
fn shown_by(cx: &Context<'_>, element: &Element) -> String {
    if cx.policy.host(&cx.package.host).is_some_and(|host| host.components.contains_key(&element.name)) {
        return String::new();
    }
    let texts = ["title", "label", "text", "content"].into_iter().filter_map(|name| literal(element, name));
    texts.filter(|text| !text.is_ascii()).collect::<Vec<_>>().join(" ")
}

/// Whether an element without `node` names a policy or agreement by itself.
fn named_inside(cx: &Context<'_>, file: FileId, top: NodeId, node: NodeId) -> bool {
    let Some(element) = element(cx.program, file, top) else { return false };
    let above = ancestors(cx.program, file, node);
    element.children.iter().filter(|child| !above.contains(child) && **child != node).any(|child| {
        self::element(cx.program, file, *child).is_some() && {
            let says = cx.policy.privacy.consent_text(&text_of(cx.program, file, *child));
            says.policy || says.agreement
        }
    })
}

/// Whether a neighbour in the same sentence leads somewhere (`我已阅读<text bindtap>《隐私政策》</text>`).
fn linked_inside(cx: &Context<'_>, file: FileId, node: NodeId) -> bool {
    let Some(parent) = ancestors(cx.program, file, node).first().copied() else { return false };
    let Some(element) = element(cx.program, file, parent) else { return false };
    element.children.iter().any(|child| {
        self::element(cx.program, file, *child).is_some() && is_live(cx, file, *child) && {
            let says = cx.policy.privacy.consent_text(&text_of(cx.program, file, *child));
            says.policy || says.agreement
        }
    })
}

/// Which arm of which `if` chains a node stands in: (node of the chain's head, arm).
fn arms(cx: &Context<'_>, file: FileId, node: NodeId) -> Vec<(NodeId, NodeId)> {
    let mut out = Vec::new();
    let Some(template) = cx.program.template(file) else { return out };
    for at in std::iter::once(node).chain(ancestors(cx.program, file, node)) {
        let Some(element) = element(cx.program, file, at) else { continue };
        let kind = |element: &Element| {
            element.attributes.iter().find_map(|attribute| {
                let name = attribute.name.rsplit([':', '-']).next().unwrap_or("");
                let prefixed = attribute.name.len() > name.len();
                match name {
                    "if" if prefixed && attribute.name.contains("else") => Some(1),
                    "if" if prefixed => Some(0),
                    "elif" | "else" if prefixed => Some(1),
                    _ => None,
                }
            })
        };
        match kind(element) {
            Some(0) => out.push((at, at)),
            Some(_) => {
                // The head is the nearest `if` among the elements before it.
                let parent = template.document.nodes.get(at as usize).map_or(0, |node| node.parent);
                let siblings: &[NodeId] = match template.document.nodes.get(parent as usize).map(|node| &node.kind) {
                    Some(NodeKind::Element(parent)) => &parent.children,
                    Some(NodeKind::Root { children }) => children,
                    _ => &[],
                };
                let head = siblings
                    .iter()
                    .take_while(|sibling| **sibling != at)
                    .filter(|sibling| self::element(cx.program, file, **sibling).is_some_and(|e| kind(e) == Some(0)))
                    .last();
                if let Some(head) = head {
                    out.push((*head, at));
                }
            }
            None => {}
        }
    }
    out
}
