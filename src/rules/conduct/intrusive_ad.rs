//! Ads on top, floating, too many, side by side, too close in lists, or popping up.

use std::borrow::Cow;
use std::collections::HashSet;

use super::support::{acted, ancestors, api_name, calls, element, element_roles};
use crate::flow::Place;
use crate::model::{Unit, UnitKind, normalize};
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Document, Element, NodeId, NodeKind, Part};

/// `conduct/intrusive-ad`
#[derive(Debug)]
pub struct IntrusiveAd;

/// Least items between two ads of a list.
const APART: u32 = 3;

impl Rule for IntrusiveAd {
    fn id(&self) -> &'static str {
        "conduct/intrusive-ad"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for unit in &cx.program.units {
            let Some(file) = unit.template else { continue };
            let Some(template) = cx.program.template(file) else { continue };
            page(self.id(), cx, unit, file, &template.document, out);
        }
        for (place, group) in calls(cx, &["ad"]) {
            if let Some(call) = group.iter().find(|call| !acted(call) && call.api.ends_with("show")) {
                out.push(Finding::new(self.id(), place).variant("popup").step(
                    call.entry.place,
                    "conduct-entry",
                    api_name(call),
                ));
            }
        }
    }
}

fn is_ad(cx: &Context<'_>, element: &Element) -> bool {
    element_roles(cx, element).contains(&"ad")
}

/// Whether an element is an own component that shows an ad and nothing else.
fn wraps_ad(cx: &Context<'_>, unit: &Unit, element: &Element) -> bool {
    let Some(Some(component)) = unit.components.get(&element.name) else { return false };
    let Some(file) = cx.program.units.get(*component as usize).and_then(|component| component.template) else {
        return false;
    };
    let Some(template) = cx.program.template(file) else { return false };
    let bare = |name: &str| matches!(name, "view" | "block" | "text" | "wxs" | "import-sjs" | "filter");
    let mut shown = false;
    cx.program.elements(file).all(|(_, inner)| {
        shown |= is_ad(cx, inner);
        is_ad(cx, inner) || bare(&inner.name)
    }) && shown
        && (0..template.document.nodes.len() as NodeId)
            .all(|node| !solid(&template.document, node) || element_at(&template.document, node))
}

fn element_at(document: &Document, node: NodeId) -> bool {
    matches!(document.nodes[node as usize].kind, NodeKind::Element(_))
}

fn page(rule: &'static str, cx: &Context<'_>, unit: &Unit, file: FileId, document: &Document, out: &mut Vec<Finding>) {
    let ad = |element: &Element| is_ad(cx, element) || wraps_ad(cx, unit, element);
    let ads: Vec<(NodeId, &Element)> = cx.program.elements(file).filter(|(_, element)| ad(element)).collect();
    if ads.is_empty() {
        return;
    }
    let nodes: HashSet<NodeId> = ads.iter().map(|(node, _)| *node).collect();
    let together: HashSet<NodeId> = shown_together(document, 0, &nodes).into_iter().collect();
    let mut surplus = false;
    let mut counted: u64 = 0;
    let mut before: Option<NodeId> = None;
    for (node, element) in ads {
        let place = Place { file, span: element.open };
        let style = Styles { cx, unit };
        let variant = if type_of(element)
            .is_some_and(|kind| matches!(&*kind, "pre-roll" | "preroll" | "mid-roll" | "midroll" | "mid-roll-video"))
        {
            Some("preroll")
        } else if ancestors(document, node)
            .take(4)
            .any(|(_, element)| style.floats(element) || &*element.name == "cover-view")
        {
            Some("floating")
        } else if unit.kind == UnitKind::Page && on_top(&ad, document, node) {
            Some("top")
        } else if dense(cx, file, document, node) {
            Some("list")
        } else if in_body(document, node) {
            Some("inside")
        } else {
            None
        };
        if let Some(variant) = variant {
            out.push(Finding::new(rule, place).variant(variant));
        }
        if !together.contains(&node) {
            continue;
        }
        counted += 1;
        let touches = before.is_some_and(|other| side_by_side(document, other, node));
        if variant.is_none() && !surplus && (counted > cx.option_number(rule, "max-ads") || touches) {
            surplus = true;
            let mut finding = Finding::new(rule, place);
            if let Some(other) = before.and_then(|other| self::element(document, other)) {
                finding = finding.step(Place { file, span: other.open }, "conduct-other-ad", "");
            }
            out.push(finding);
        }
        before = Some(node);
    }
}

/// Whether an ad stands between two paragraphs of an article.
fn in_body(document: &Document, node: NodeId) -> bool {
    let parent = document.nodes[node as usize].parent;
    let children = match &document.nodes[parent as usize].kind {
        NodeKind::Element(element) => &element.children,
        NodeKind::Root { children } => children,
        _ => return false,
    };
    let siblings: Vec<(NodeId, &Element)> =
        children.iter().filter_map(|child| Some((*child, element(document, *child)?))).collect();
    let Some(at) = siblings.iter().position(|(sibling, _)| *sibling == node).filter(|at| *at > 0) else { return false };
    let prose = |at: usize| siblings.get(at).is_some_and(|(_, sibling)| is_prose(sibling));
    prose(at - 1) && prose(at + 1)
}

/// Whether an element is a paragraph of an article.
fn is_prose(element: &Element) -> bool {
    const CLASSES: [&str; 6] = ["p", "para", "paragraph", "article-p", "text-p", "content-p"];
    let class = element.attribute("class").and_then(|class| class.value.as_ref()).and_then(|value| value.literal());
    match &*element.name {
        "rich-text" => true,
        "text" => element.attribute("selectable").is_some() || element.attribute("user-select").is_some(),
        "view" => class.is_some_and(|class| class.split_whitespace().any(|one| CLASSES.contains(&one))),
        _ => false,
    }
}

/// Most ads that can be shown at once: of the branches of a condition, those of the one that holds most.
fn shown_together(document: &Document, node: NodeId, ads: &HashSet<NodeId>) -> Vec<NodeId> {
    let children = match &document.nodes[node as usize].kind {
        NodeKind::Element(element) => &element.children,
        NodeKind::Root { children } => children,
        _ => return Vec::new(),
    };
    let mut out = if ads.contains(&node) { vec![node] } else { Vec::new() };
    // Those of the condition whose branches are being read.
    let mut branch: Vec<NodeId> = Vec::new();
    for &child in children {
        let inside = shown_together(document, child, ads);
        match element(document, child).map(is_alternative) {
            Some(true) if inside.len() > branch.len() => branch = inside,
            Some(true) => {}
            Some(false) => {
                out.append(&mut branch);
                branch = inside;
            }
            None => {}
        }
    }
    out.append(&mut branch);
    out
}

/// Whether an element stands for another one before it.
fn is_alternative(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| {
        let name = attribute.name.to_ascii_lowercase();
        name.ends_with("else") || name.ends_with("elif") || name.ends_with("else-if")
    })
}

fn type_of(ad: &Element) -> Option<String> {
    ad.attribute("type").and_then(|attribute| attribute.value.as_ref()?.literal()).map(|kind| kind.to_ascii_lowercase())
}

/// Whether nothing that users see stands before it, and something after it.
fn on_top(is_ad: &dyn Fn(&Element) -> bool, document: &Document, ad: NodeId) -> bool {
    let seen = |id: NodeId, node: &crate::syntax::template::Node| match &node.kind {
        NodeKind::Text(parts) => parts.iter().any(|part| match part {
            Part::Text { text, .. } => !text.trim().is_empty(),
            Part::Interpolation { .. } => true,
        }),
        NodeKind::Element(element) => {
            !is_ad(element)
                && ancestors(document, id).skip(1).all(|(_, outer)| !is_ad(outer))
                && !matches!(
                    &*element.name,
                    "view"
                        | "block"
                        | "scroll-view"
                        | "swiper"
                        | "swiper-item"
                        | "template"
                        | "text"
                        | "import"
                        | "include"
                        | "slot"
                        | "page-meta"
                        | "wxs"
                        | "import-sjs"
                        | "filter"
                        | "cover-view"
                        | "navigation-bar"
                        | "form"
                )
        }
        _ => false,
    };
    let mut after = false;
    for (id, node) in document.nodes.iter().enumerate() {
        let id = id as NodeId;
        if !seen(id, node) {
            continue;
        }
        if id < ad {
            return false;
        }
        after = true;
    }
    after
}

/// Whether an ad of a list stands closer to the next one than the norms allow.
fn dense(cx: &Context<'_>, file: FileId, document: &Document, ad: NodeId) -> bool {
    let source = &cx.package.source(file).text;
    let mut guard = None;
    for (_, element) in ancestors(document, ad) {
        for attribute in &element.attributes {
            let name = attribute.name.to_ascii_lowercase();
            let Some(value) = &attribute.value else { continue };
            let text = value.span.slice(source);
            if guard.is_none() && (name.ends_with(":if") || name.ends_with("-if") || name.ends_with("elif")) {
                guard = Some(text);
            }
            if name.ends_with("for") || name.ends_with("for-items") {
                return match guard {
                    None => true,
                    Some(guard) => modulus(guard).is_some_and(|apart| apart < APART),
                };
            }
        }
    }
    false
}

fn modulus(text: &str) -> Option<u32> {
    let (_, after) = text.split_once('%')?;
    let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Whether two ads touch: siblings, or alone in wrappers that are siblings, with nothing between.
fn side_by_side(document: &Document, one: NodeId, other: NodeId) -> bool {
    let box_of = |mut node: NodeId| {
        for _ in 0..3 {
            let parent = document.nodes[node as usize].parent;
            let alone = element(document, parent)
                .is_some_and(|element| element.children.iter().filter(|child| solid(document, **child)).count() == 1);
            if !alone {
                break;
            }
            node = parent;
        }
        node
    };
    let (one, other) = (box_of(one), box_of(other));
    let parent = document.nodes[one as usize].parent;
    if parent != document.nodes[other as usize].parent {
        return false;
    }
    let children = match &document.nodes[parent as usize].kind {
        NodeKind::Element(element) => &element.children,
        NodeKind::Root { children } => children,
        _ => return false,
    };
    let solid: Vec<NodeId> = children.iter().copied().filter(|child| solid(document, *child)).collect();
    solid.windows(2).any(|pair| pair == [one, other])
}

fn solid(document: &Document, node: NodeId) -> bool {
    match &document.nodes[node as usize].kind {
        NodeKind::Element(_) => true,
        NodeKind::Text(parts) => parts.iter().any(|part| match part {
            Part::Text { text, .. } => !text.trim().is_empty(),
            Part::Interpolation { .. } => true,
        }),
        _ => false,
    }
}

struct Styles<'a> {
    cx: &'a Context<'a>,
    unit: &'a Unit,
}

impl Styles<'_> {
    /// Whether an element is taken out of the flow of the page.
    fn floats(&self, element: &Element) -> bool {
        let value = |name: &str| {
            element
                .attribute(name)
                .and_then(|attribute| attribute.value.as_ref())
                .map(|value| value.parts.iter().filter_map(Part::literal).collect::<Vec<_>>().join(" "))
        };
        if value("style").is_some_and(|style| positioned(&style)) {
            return true;
        }
        let classes = value("class").unwrap_or_default();
        let app = self.cx.program.units.iter().find(|unit| unit.kind == UnitKind::App).and_then(|unit| unit.style);
        let files = with_imports(self.cx, [self.unit.style, app].into_iter().flatten().collect());
        classes.split_whitespace().any(|class| {
            files
                .iter()
                .any(|file| blocks(&self.cx.package.source(*file).text, class).iter().any(|block| positioned(block)))
        })
    }
}

/// Most style sheets that are looked at for one page.
const SHEETS: usize = 32;

/// Style sheets with those that they import, at any depth.
fn with_imports(cx: &Context<'_>, mut files: Vec<FileId>) -> Vec<FileId> {
    let mut at = 0;
    while let Some(file) = files.get(at).copied() {
        at += 1;
        let source = cx.package.source(file);
        for statement in uncommented(&source.text).split("@import").skip(1) {
            let named = statement.split([';', '\n']).next().unwrap_or("");
            let Some(path) = named.split(['"', '\'']).nth(1).map(str::trim) else { continue };
            let bases = [normalize(&format!("{}/{path}", source.folder())), normalize(path)];
            let found = bases.iter().flatten().find_map(|path| cx.package.file(path));
            if let Some(found) = found.filter(|found| !files.contains(found) && files.len() < SHEETS) {
                files.push(found);
            }
        }
    }
    files
}

fn positioned(style: &str) -> bool {
    uncommented(style).split(';').any(|declaration| {
        declaration.split_once(':').is_some_and(|(name, value)| {
            name.trim().ends_with("position")
                && matches!(value.trim().trim_end_matches("!important").trim(), "fixed" | "absolute" | "sticky")
        })
    })
}

/// A style without its comments.
fn uncommented(style: &str) -> Cow<'_, str> {
    if !style.contains("/*") {
        return Cow::Borrowed(style);
    }
    let mut out = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Declaration blocks whose selector ends in the class.
fn blocks<'t>(text: &'t str, class: &str) -> Vec<&'t str> {
    let mut out = Vec::new();
    let needle = format!(".{class}");
    for (at, _) in text.match_indices(&needle) {
        let rest = &text[at + needle.len()..];
        if rest.chars().next().is_some_and(|next| next.is_alphanumeric() || next == '-' || next == '_') {
            continue;
        }
        let Some(open) = rest.find('{') else { continue };
        // The class must be the last part of its selector.
        let selector = rest[..open].split(',').next().unwrap_or("");
        if selector.trim_start().contains(char::is_whitespace)
            || selector.contains('}')
            || !selector.trim().is_empty() && !selector.trim().starts_with(['.', ':', '['])
        {
            continue;
        }
        if let Some(close) = rest[open..].find('}') {
            out.push(&rest[open + 1..open + close]);
        }
    }
    out
}
