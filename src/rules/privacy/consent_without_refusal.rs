//! `privacy/consent-without-refusal`

use super::evidence::{ancestors, api, dialog_text, element, literal, live_units, refuses_terms, text_of};
use crate::flow::{Fact, Place};
use crate::rules::{Confidence, Context, Finding, Fix, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, NodeKind};

/// A consent dialog has no way to say no.
pub struct ConsentWithoutRefusal;

const ID: &str = "privacy/consent-without-refusal";

impl Rule for ConsentWithoutRefusal {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut seen = std::collections::BTreeSet::new();
        for call in &cx.solution.calls {
            let Some(api) = api(cx, call).filter(|api| api.has_role("dialog")) else { continue };
            let Some(show) = api.param("show-cancel").and_then(|path| call.arg(path)) else { continue };
            let text = dialog_text(call, api);
            if show.boolean != Some(false)
                || !asks(cx, &text)
                || informs(cx, call, &text)
                || call.facts.iter().any(|fact| match fact {
                    Fact::Refused(_) | Fact::DialogRefused(_) | Fact::Failed(_) => true,
                    // What follows a refusal is no question.
                    Fact::Acted(file, node) => refuses_terms(cx, *file, *node),
                    _ => false,
                })
                || !seen.insert(call.place)
            {
                continue;
            }
            let mut finding = Finding::new(ID, call.place).text("text", clip(&text));
            if let Some(place) = show.place {
                finding = finding.fix(Fix {
                    title: "show-cancel",
                    safe: false,
                    edits: vec![crate::rules::Edit { place, text: "true".into() }],
                });
            }
            out.push(finding);
        }
        for unit in live_units(cx) {
            for file in &unit.templates {
                for (node, button) in cx.program.elements(*file) {
                    let text = text_of(cx.program, *file, node);
                    if !is_control(cx, *file, node, button)
                        || text.chars().count() > 20
                        || !cx.policy.privacy.agrees(&text)
                        || &*button.name != "button" && cx.policy.privacy.names_document(&text)
                        || !innermost(cx, *file, node, &text)
                    {
                        continue;
                    }
                    let Some(overlay) = overlay(cx, *file, node) else { continue };
                    let whole = text_of(cx.program, *file, overlay);
                    let says = cx.policy.privacy.consent_text(&whole);
                    if !(says.policy || says.privacy || says.agreement) || says.contract_only {
                        continue;
                    }
                    if !has_way_out(cx, *file, overlay, node) {
                        let place = Place { file: *file, span: button.open };
                        if seen.insert(place) {
                            out.push(
                                Finding::new(ID, place)
                                    .variant("overlay")
                                    .text("text", clip(&text))
                                    .confidence(Confidence::Medium),
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Whether a dialog only tells something: it asks for nothing to be agreed to, and nothing hangs on its answer.
fn informs(cx: &Context<'_>, dialog: &crate::flow::HostCall, text: &str) -> bool {
    let place = dialog.place;
    let hangs = |fact: &Fact| matches!(fact, Fact::DialogConfirmed(at) | Fact::Succeeded(at) | Fact::Closed(at) if *at == place);
    !cx.policy.privacy.permits(text)
        && !cx.solution.calls.iter().any(|call| call.facts.iter().any(hangs))
        && !cx.solution.updates.iter().any(|update| update.after.contains(&place))
}

/// Whether a dialog asks for consent: it speaks of privacy or an agreement, or names a use of what it asks for.
fn asks(cx: &Context<'_>, text: &str) -> bool {
    let says = cx.policy.privacy.consent_text(text);
    !says.contract_only
        && (says.privacy || says.policy || says.agreement || says.purpose && cx.policy.privacy.takes(text))
}

fn clip(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(40).collect()
}

/// Whether an element does something when tapped: a handler, or a host button.
fn is_control(cx: &Context<'_>, file: FileId, node: NodeId, element: &Element) -> bool {
    element.attribute("open-type").is_some()
        || cx.program.bindings_in(file).any(|binding| {
            binding.node == node
                && binding.user_action
                && binding.handler.is_some()
                && !binding.event.starts_with("touchmove")
        })
}

fn innermost(cx: &Context<'_>, file: FileId, node: NodeId, text: &str) -> bool {
    let Some(element) = element(cx.program, file, node) else { return false };
    !element.children.iter().any(|child| {
        self::element(cx.program, file, *child).is_some_and(|inner| is_control(cx, file, *child, inner))
            && text_of(cx.program, file, *child).trim() == text.trim()
    })
}

/// The dialog or cover that an element stands in: shown on a condition, and named or placed as one.
fn overlay(cx: &Context<'_>, file: FileId, node: NodeId) -> Option<NodeId> {
    let mut found = None;
    for at in ancestors(cx.program, file, node) {
        let Some(element) = element(cx.program, file, at) else { continue };
        let conditional = element.attributes.iter().any(|attribute| {
            let name = attribute.name.rsplit([':', '-']).next().unwrap_or("");
            matches!(name, "if" | "elif" | "else") && attribute.name.len() > name.len()
                || &*attribute.name == "hidden"
                || &*attribute.name == "show"
        });
        let named = ["class", "id", "style"].iter().any(|name| {
            element.attribute(name).and_then(|attribute| attribute.value.as_ref()).is_some_and(|value| {
                let text = value.span.slice(&cx.package.source(file).text).to_ascii_lowercase();
                [
                    "modal", "dialog", "popup", "pop-", "mask", "overlay", "cover", "toast", "alert", "privacy",
                    "fixed", "layer",
                ]
                .iter()
                .any(|word| text.contains(word))
            })
        }) || ["dialog", "popup", "modal", "overlay"].iter().any(|word| element.name.contains(word));
        if conditional && named || named && found.is_none() && text_of(cx.program, file, at).chars().count() > 12 {
            found = Some(at);
        }
        if conditional && found.is_some() {
            return Some(at);
        }
        if conditional && text_of(cx.program, file, at).chars().count() > 20 && !is_part(cx, file, at, element) {
            return Some(at);
        }
    }
    None
}

/// Whether what shows on a condition is a part of its page and covers nothing: one of two that take turns, or a form.
fn is_part(cx: &Context<'_>, file: FileId, node: NodeId, element: &Element) -> bool {
    let Some(template) = cx.program.template(file) else { return false };
    let nodes = &template.document.nodes;
    let turns = |element: &Element, words: &[&str]| {
        element
            .attributes
            .iter()
            .any(|attribute| attribute.name.rsplit_once([':', '-']).is_some_and(|(_, name)| words.contains(&name)))
    };
    if turns(element, &["elif", "else"]) {
        return true;
    }
    let parent = nodes.get(node as usize).map_or(0, |node| node.parent);
    let siblings: &[NodeId] = match nodes.get(parent as usize).map(|node| &node.kind) {
        Some(NodeKind::Element(parent)) => &parent.children,
        Some(NodeKind::Root { children }) => children,
        _ => &[],
    };
    let next = siblings
        .iter()
        .skip_while(|sibling| **sibling != node)
        .skip(1)
        .find_map(|sibling| self::element(cx.program, file, *sibling));
    next.is_some_and(|next| turns(next, &["elif", "else"]))
        || cx.program.elements(file).any(|(below, field)| {
            matches!(&*field.name, "input" | "textarea" | "picker")
                && ancestors(cx.program, file, below).contains(&node)
        })
}

/// Whether something beside the agree button refuses, closes or leaves.
fn has_way_out(cx: &Context<'_>, file: FileId, overlay: NodeId, agree: NodeId) -> bool {
    let Some(template) = cx.program.template(file) else { return true };
    let inside = |node: NodeId| node == overlay || ancestors(cx.program, file, node).contains(&overlay);
    template.document.nodes.iter().enumerate().any(|(id, node)| {
        let id = id as NodeId;
        let NodeKind::Element(element) = &node.kind else { return false };
        if id == agree || !inside(id) || !is_control(cx, file, id, element) {
            return matches!(&*element.name, "checkbox" | "switch") && inside(id);
        }
        let text = text_of(cx.program, file, id);
        let short = text.chars().count() <= 12;
        let names: String = ["class", "bindtap", "bind:tap", "catchtap", "src"]
            .iter()
            .filter_map(|name| literal(element, name))
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        let handler: String = cx
            .program
            .bindings_in(file)
            .filter(|binding| binding.node == id)
            .filter_map(|binding| binding.handler.as_deref())
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        (short && cx.policy.privacy.refuses(&text))
            || ["close", "cancel", "refuse", "disagree", "reject", "deny", "exit", "hide", "later", "skip", "back"]
                .iter()
                .any(|word| names.contains(word) || handler.contains(word))
    })
}
