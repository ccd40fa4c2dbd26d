//! `package/broken-template`: markup that does not hold together.

use crate::flow::Place;
use crate::package::FileKind;
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::template::{NodeKind, TemplateError, TemplateErrorKind};

use super::is_own;

/// Looks for tags that do not match, expressions that do not parse, and tags that the host forbids.
pub struct BrokenTemplate;

const fn variant(kind: TemplateErrorKind) -> &'static str {
    match kind {
        TemplateErrorKind::StrayEndTag => "stray-end-tag",
        TemplateErrorKind::UnclosedElement => "unclosed-element",
        TemplateErrorKind::UnclosedTag => "unclosed-tag",
        TemplateErrorKind::UnclosedInterpolation => "unclosed-interpolation",
        TemplateErrorKind::UnclosedQuote => "unclosed-quote",
        TemplateErrorKind::DuplicateAttribute => "duplicate-attribute",
        TemplateErrorKind::TooDeep => "too-deep",
    }
}

impl Rule for BrokenTemplate {
    fn id(&self) -> &'static str {
        "package/broken-template"
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        for (index, facts) in cx.program.facts.iter().enumerate() {
            let file = FileId(index as u32);
            let Some(template) = &facts.template else { continue };
            if !is_own(cx, file) || cx.package.files[index].kind != FileKind::Template {
                continue;
            }
            let text = &cx.package.source(file).text;
            let at = |span: Span| Place { file, span };
            // One slip unsettles much after it: the first of its kind on a line tells it.
            let mut told: Vec<(u32, TemplateErrorKind)> = Vec::new();
            for error in &template.document.errors {
                let line = cx.package.source(file).position(error.span.start).line;
                if error.kind == TemplateErrorKind::StrayEndTag
                    && closed_elsewhere(text, error.span, &template.document.errors)
                {
                    continue;
                }
                if told.contains(&(line, error.kind)) {
                    continue;
                }
                told.push((line, error.kind));
                let shown: String =
                    error.span.slice(text).lines().next().unwrap_or_default().chars().take(40).collect();
                out.push(
                    Finding::new("package/broken-template", at(error.span))
                        .variant(variant(error.kind))
                        .text("text", shown),
                );
            }
            for span in &template.errors {
                out.push(
                    Finding::new("package/broken-template", at(*span))
                        .variant("expression")
                        .text("text", span.slice(text).trim()),
                );
            }
            for (_, element) in cx.program.elements(file) {
                let Some(component) = host.components.get(&element.name) else { continue };
                if component.deprecated.as_ref().is_some_and(|deprecation| deprecation.removed) {
                    out.push(
                        Finding::new("package/broken-template", at(element.name_span))
                            .variant("forbidden-tag")
                            .text("text", element.name.to_string()),
                    );
                }
            }
            self.branches(cx, file, out);
        }
    }
}

/// Whether an end tag is left over because one of its name stands in the place of another's (`<text>…</view></view>`): the
/// element that lacks its own tells it.
fn closed_elsewhere(text: &str, stray: Span, errors: &[TemplateError]) -> bool {
    let tag = stray.slice(text);
    let tag = tag.split_once('>').map_or(tag, |(head, _)| head).trim_end();
    errors.iter().any(|error| {
        let line = &text[error.span.start as usize..];
        error.kind == TemplateErrorKind::UnclosedElement
            && error.span.start < stray.start
            && !text[error.span.start as usize..stray.start as usize].trim_end().is_empty()
            && line.lines().next().is_some_and(|line| line.contains(tag))
            && text[error.span.start as usize..stray.start as usize].contains('\n')
    })
}

/// What is written for the directive of a further condition; the host knows none of them, and both branches show.
const MISNAMED: [&str; 3] = ["else-if", "elseif", "elsif"];

impl BrokenTemplate {
    /// `else` and `elif` stand right behind an `if`.
    fn branches(&self, cx: &Context<'_>, file: FileId, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let Some(template) = cx.program.template(file) else { return };
        let prefix = &host.info.directive_prefix;
        let nodes = &template.document.nodes;
        let named = |name: &str| format!("{prefix}{name}");
        for node in nodes {
            let children = match &node.kind {
                NodeKind::Root { children } => children,
                NodeKind::Element(element) => &element.children,
                _ => continue,
            };
            let mut open = false;
            for &child in children {
                let NodeKind::Element(element) = &nodes[child as usize].kind else { continue };
                let has = |name: &str| element.attribute(&named(name));
                let chained = has("else").or_else(|| has("elif"));
                let misnamed = MISNAMED.iter().find_map(|name| has(name));
                if let Some(attribute) = misnamed {
                    out.push(
                        Finding::new("package/broken-template", Place { file, span: attribute.name_span })
                            .variant("unknown-directive")
                            .text("text", attribute.name.to_string())
                            .text("own", named("elif")),
                    );
                }
                match chained {
                    Some(attribute) if !open && has("if").is_none() => out.push(
                        Finding::new("package/broken-template", Place { file, span: attribute.name_span })
                            .variant("stray-else")
                            .text("text", attribute.name.to_string()),
                    ),
                    _ => {}
                }
                open = has("if").is_some() || (open && (has("elif").is_some() || misnamed.is_some()));
            }
        }
    }
}
