//! `package/broken-template`: markup that does not hold together.

use std::collections::HashSet;

use crate::flow::Place;
use crate::package::FileKind;
use crate::policy::host::Host;
use crate::policy::markup::Tables;
use crate::rules::{Confidence, Context, Finding, Rule, Severity};
use crate::source::{FileId, Span};
use crate::syntax::json::Json;
use crate::syntax::template::{Attribute, Document, NodeKind, Part, TemplateError, TemplateErrorKind};

use super::{is_own, nearest};

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
            let again = counterparts(&template.document);
            // One slip unsettles much after it: the first of its kind on a line tells it.
            let mut told: Vec<(u32, TemplateErrorKind)> = Vec::new();
            let mut unopened: HashSet<&str> = HashSet::new();
            for error in &template.document.errors {
                let line = cx.package.source(file).position(error.span.start).line;
                if error.kind == TemplateErrorKind::StrayEndTag
                    && closed_elsewhere(text, error.span, &template.document.errors)
                    || again.contains(&error.span)
                {
                    continue;
                }
                // The end tag of an element that the file never opens is one slip, however often it stands there.
                let unknown = (error.kind == TemplateErrorKind::StrayEndTag)
                    .then(|| error.span.slice(text))
                    .filter(|tag| !cx.program.elements(file).any(|(_, element)| tag.contains(&*element.name)));
                if told.contains(&(line, error.kind)) || unknown.is_some_and(|tag| !unopened.insert(tag)) {
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
            braces(cx, host, file, out);
            markup(cx, file, out);
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

/// Errors that tell a slip of others again: an end tag left over behind an element that another's end tag closed, and an
/// element around one that was meant to be its end tag (`<view>` for `</view>`).
fn counterparts(document: &Document) -> HashSet<Span> {
    let element_at = |span: Span| {
        document.nodes.iter().enumerate().find_map(|(id, node)| match &node.kind {
            NodeKind::Element(element) if element.open == span => Some((id, element)),
            _ => None,
        })
    };
    let mut errors: Vec<&TemplateError> = document.errors.iter().collect();
    errors.sort_by_key(|error| error.span.start);
    let mut open: Vec<Span> = Vec::new();
    let mut out = HashSet::new();
    for error in errors {
        match error.kind {
            TemplateErrorKind::UnclosedElement => open.push(error.span),
            TemplateErrorKind::StrayEndTag => {
                // The end tag of another cut the element short before.
                let cut = open.iter().rposition(|open| {
                    element_at(*open).is_some_and(|(id, _)| document.nodes[id].span.end <= error.span.start)
                });
                if let Some(cut) = cut {
                    open.remove(cut);
                    out.insert(error.span);
                }
            }
            _ => {}
        }
    }
    for inner in &open {
        let Some((id, element)) = element_at(*inner).filter(|(_, element)| element.attributes.is_empty()) else {
            continue;
        };
        let mut at = document.nodes[id].parent;
        while at != 0 {
            if let NodeKind::Element(around) = &document.nodes[at as usize].kind
                && around.name == element.name
                && open.contains(&around.open)
                && !around.attributes.is_empty()
            {
                out.insert(around.open);
                break;
            }
            at = document.nodes[at as usize].parent;
        }
    }
    out
}

/// Whether an `else` carries a condition, which no host reads.
fn is_condition(attribute: &Attribute, source: &str) -> bool {
    let Some(value) = &attribute.value else { return false };
    match value.parts.as_slice() {
        [Part::Text { text, .. }] => text.contains(['=', '<', '>', '!', '&', '|']),
        [Part::Interpolation { expression, .. }] => {
            !matches!(expression.slice(source).trim(), "" | "true" | "else" | "1")
        }
        _ => false,
    }
}

/// Braces that bind nothing: `{{a}}}`, `{a}` for `{{a}}`, `a}}`.
fn braces(cx: &Context<'_>, host: &Host, file: FileId, out: &mut Vec<Finding>) {
    let Some(template) = cx.program.template(file) else { return };
    let conditions = ["if", "elif"].map(|name| format!("{}{name}", host.info.directive_prefix));
    let source = &cx.package.source(file).text;
    let mut tell = |span: Span, variant: &'static str, shown: Span| {
        let shown: String = shown.slice(source).trim().lines().next().unwrap_or_default().chars().take(40).collect();
        let place = Place { file, span };
        out.push(Finding::new("package/broken-template", place).variant(variant).text("text", shown));
    };
    for node in &template.document.nodes {
        match &node.kind {
            NodeKind::Text(parts) => {
                // Elsewhere a brace may stand in a text as it is.
                if let Some(at) = excess(parts, source, true) {
                    let after = parts.iter().rev().find(|part| part_span(part).end <= at.start).map_or(at, part_span);
                    tell(at, "stray-brace", Span::new(after.start, at.end));
                }
            }
            NodeKind::Element(element) => {
                for attribute in &element.attributes {
                    let Some(value) = &attribute.value else { continue };
                    if let Some(at) = excess(&value.parts, source, false) {
                        tell(at, "stray-brace", attribute.span);
                    } else if let Some(text) = value.literal()
                        && is_single(&text)
                    {
                        tell(value.span, "single-brace", attribute.span);
                    } else if !host.info.bare_expressions
                        && conditions.iter().any(|name| *name == *attribute.name)
                        && value.literal().is_some_and(|text| is_bare(&text))
                    {
                        tell(attribute.span, "bare-condition", attribute.span);
                    }
                }
            }
            _ => {}
        }
    }
}

fn part_span(part: &Part) -> Span {
    match part {
        Part::Text { span, .. } | Part::Interpolation { span, .. } => *span,
    }
}

/// The first closing brace in the literal parts that nothing opens; in running text only right behind an interpolation or
/// another one.
fn excess(parts: &[Part], source: &str, running: bool) -> Option<Span> {
    let mut depth = 0u32;
    for (index, part) in parts.iter().enumerate() {
        let Part::Text { span, .. } = part else { continue };
        let text = span.slice(source);
        for (at, character) in text.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                '}' => {
                    let behind = at == 0 && index > 0;
                    if !running || behind || text[at + 1..].starts_with('}') {
                        let start = span.start + at as u32;
                        return Some(Span::new(start, start + 1));
                    }
                    return None;
                }
                _ => {}
            }
        }
    }
    None
}

/// Whether a value is an expression in one pair of braces (`{true}`, `{list.length}`).
fn is_single(value: &str) -> bool {
    let inner = value.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| {
        let inner = inner.trim();
        inner.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '!' | '_' | '$'))
            && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.!".contains(&byte))
    })
}

/// Whether a text is meant as a condition: a text is true whatever it says.
fn is_bare(text: &str) -> bool {
    let text = text.trim();
    !matches!(text, "" | "true" | "1")
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '!' | '_' | '$' | '('))
}

impl BrokenTemplate {
    /// `else` and `elif` stand right behind an `if`.
    fn branches(&self, cx: &Context<'_>, file: FileId, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let Some(template) = cx.program.template(file) else { return };
        let source = &cx.package.source(file).text;
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
                let further = cx.policy.markup.tables(&cx.policy.packs).misnamed.get("elif");
                let misnamed = further.and_then(|names| names.iter().find_map(|name| has(name)));
                match chained {
                    Some(attribute) if !open && has("if").is_none() => out.push(
                        Finding::new("package/broken-template", Place { file, span: attribute.name_span })
                            .variant("stray-else")
                            .text("text", attribute.name.to_string()),
                    ),
                    Some(attribute) if has("else").is_some() && is_condition(attribute, source) => out.push(
                        Finding::new("package/broken-template", Place { file, span: attribute.name_span })
                            .variant("else-condition")
                            .text("text", attribute.span.slice(source).to_owned())
                            .text("own", named("elif")),
                    ),
                    _ => {}
                }
                open = has("if").is_some() || (open && (has("elif").is_some() || misnamed.is_some()));
            }
        }
    }
}

/// Attributes and tags that mean something elsewhere; a tag once a file.
fn markup(cx: &Context<'_>, file: FileId, out: &mut Vec<Finding>) {
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    let tables = cx.policy.markup.tables(&cx.policy.packs);
    let registered = registered(cx, file);
    let mut told: HashSet<&str> = HashSet::new();
    for (_, element) in cx.program.elements(file) {
        for attribute in &element.attributes {
            let Some((variant, own, framework)) = unknown_attribute(host, tables, &attribute.name) else { continue };
            let mut finding = Finding::new("package/broken-template", Place { file, span: attribute.name_span })
                .variant(variant)
                .text("text", attribute.name.to_string());
            if let Some(own) = own {
                finding = finding.text("own", own);
            }
            if let Some(framework) = framework {
                finding = finding.text("framework", framework.to_owned());
            }
            out.push(finding);
        }
        let tag = &*element.name;
        if registered.as_ref().is_none_or(|names| names.contains(tag)) || known_tag(cx, host, tag) {
            continue;
        }
        let base = Finding::new("package/broken-template", Place { file, span: element.name_span })
            .text("text", tag.to_owned());
        // Of two short prefixes of one family none is a slip for the other (`cu-custom`, `ad-custom`).
        let alike = |known: &&str| !tag.contains('-') || known.chars().next() == tag.chars().next();
        let finding = if let Some(own) = tables.component(tag) {
            base.variant("html-tag").severity(Severity::Note).text("own", own.to_owned())
        } else if let Some(own) = nearest(tag, host.components.keys().map(|name| &**name).filter(alike)) {
            base.variant("unknown-tag").text("own", own.to_owned())
        } else if tag.contains('-') {
            base.variant("unregistered-tag").confidence(Confidence::Medium)
        } else {
            continue;
        };
        if told.insert(tag) {
            out.push(finding);
        }
    }
}

/// What an attribute that the host does not know is taken for: the variant, what is meant, the framework.
fn unknown_attribute<'t>(
    host: &Host,
    tables: &'t Tables,
    name: &str,
) -> Option<(&'static str, Option<String>, Option<&'t str>)> {
    let info = &host.info;
    let named = |own: &str| format!("{}{own}", info.directive_prefix);
    let is = |name: &str| info.directives.iter().any(|known| &**known == name);
    if !info.directives.is_empty()
        && let Some(rest) = name.strip_prefix(&*info.directive_prefix)
    {
        if is(rest) {
            return None;
        }
        let meant = tables.meant(rest).or_else(|| nearest(rest, info.directives.iter().map(|own| &**own)));
        return Some(match meant {
            Some(own) => ("unknown-directive", Some(named(own)), None),
            None => ("no-directive", None, None),
        });
    }
    // The namespace of the scripts before a directive (`swan.else`).
    let own = info.namespaces.iter().find_map(|namespace| {
        let rest = name.strip_prefix(&**namespace)?.strip_prefix(['.', ':', '-'])?;
        if is(rest) { Some(rest) } else { tables.meant(rest) }
    });
    if let Some(own) = own {
        return Some(("unknown-directive", Some(named(own)), None));
    }
    let (framework, own) = tables.dialect(name)?;
    Some(match own {
        Some(own) => ("dialect-directive", Some(named(own)), Some(framework)),
        None => ("dialect", None, Some(framework)),
    })
}

/// Whether this host, or another (which has a rule of its own), has a component of that name.
fn known_tag(cx: &Context<'_>, host: &Host, tag: &str) -> bool {
    matches!(tag, "template" | "import" | "include" | "block" | "slot")
        || host.components.contains_key(tag)
        || host.info.raw_tags.iter().any(|raw| &**raw == tag)
        || host.info.component_families.iter().any(|family| tag.starts_with(&**family))
        || cx.policy.hosts.ids().any(|id| {
            cx.policy.host(id).is_some_and(|other| {
                other.components.contains_key(tag) || other.info.raw_tags.iter().any(|raw| &**raw == tag)
            })
        })
}

/// Custom components that the units of a template may use; `None` where no page shows it.
fn registered<'c>(cx: &Context<'c>, file: FileId) -> Option<HashSet<&'c str>> {
    let mut out = HashSet::new();
    let mut any = false;
    for unit in cx.program.units.iter().filter(|unit| unit.live && unit.templates.contains(&file)) {
        any = true;
        out.extend(unit.components.keys().map(|name| &**name));
        let json = unit.config.and_then(|config| cx.package.files[config.index()].json.as_ref());
        if let Some(json) = json {
            // Generics are named by who uses the component.
            let generics = json.get("componentGenerics").map_or(&[][..], Json::properties);
            out.extend(generics.iter().map(|property| &*property.key));
        }
    }
    any.then_some(out)
}
