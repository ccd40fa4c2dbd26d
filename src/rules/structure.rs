//! Matches the structural rules of the packs.
//!
//! A script is parsed for them only when the tokens of a pattern stand in it in a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_core::{AstGrep, Matcher, Node, Pattern};
use rayon::prelude::*;

use crate::flow::{EntryKind, Place};
use crate::model::Unit;
use crate::package::{FileKind, Origin};
use crate::policy::pattern::Pattern as TextPattern;
use crate::policy::structure::{JavaScript, Language, StructuralRule, Sureness, When, compile, pattern_element};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::template::{Document, NodeId, NodeKind, Part};

/// The structural rules of the packs, as one rule.
#[derive(Debug)]
pub struct Structure;

/// For the list of all rules.
pub const RULES: &[&dyn Rule] = &[&Structure];

/// Longer scripts are bundles that no pattern is written for.
const MAX_SCRIPT: usize = 2 << 20;
/// Most findings of one structural rule in one file.
const MOST: usize = 200;

impl Rule for Structure {
    fn id(&self) -> &'static str {
        "structure"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let rules: Vec<&StructuralRule> = cx
            .policy
            .structure
            .rules
            .iter()
            .filter(|rule| rule.hosts.is_empty() || rule.hosts.iter().any(|host| **host == *cx.package.host))
            .collect();
        let scripts: Vec<(&StructuralRule, Vec<Vec<String>>)> = rules
            .iter()
            .filter(|rule| rule.language == Language::Script)
            .map(|rule| (*rule, rule.patterns.iter().map(|pattern| runs(rule, pattern)).collect()))
            .collect();
        // Pages and components that a file belongs to.
        let mut units: Vec<Vec<&Unit>> = vec![Vec::new(); cx.package.files.len()];
        for unit in &cx.program.units {
            for file in unit.templates.iter().copied().chain(unit.script) {
                units[file.index()].push(unit);
            }
        }
        let found: Vec<Vec<Finding>> = (0..cx.package.files.len())
            .into_par_iter()
            .map(|index| {
                let file = FileId(index as u32);
                let mut out = Vec::new();
                match cx.package.files[index].kind {
                    FileKind::Script | FileKind::ViewScript => script(cx, file, &units[index], &scripts, &mut out),
                    FileKind::Template => {
                        for rule in rules.iter().filter(|rule| rule.language == Language::Template) {
                            template(cx, file, &units[index], rule, &mut out);
                        }
                    }
                    _ => {}
                }
                out
            })
            .collect();
        out.extend(found.into_iter().flatten());
    }
}

type Tree<'r> = Node<'r, StrDoc<JavaScript>>;

/// What may stand between two tokens, where no comment does.
const GAP: &str = r"\s*";

/// Regular expressions that all match a text in which a pattern matches: its tokens between two metavariables, in a row. What
/// a metavariable after them must begin with is one of them.
fn runs(rule: &StructuralRule, pattern: &str) -> Vec<String> {
    let mut tokens: Vec<(String, bool)> = Vec::new();
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        let variable = first == '$';
        let name = rest.trim_start_matches('$');
        let word = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
        let end = match word(name) {
            0 => first.len_utf8(),
            length => rest.len() - name.len() + length,
        };
        let token = if variable { rest[..end].trim_start_matches('$') } else { &rest[..end] };
        tokens.push((token.to_owned(), variable));
        rest = rest[end..].trim_start();
    }
    if rule.selector.is_some() {
        // What stands around the part that is meant only makes the pattern parse.
        let meant = |(text, variable): &(String, bool)| *variable || text.starts_with(|c: char| c.is_alphanumeric());
        let first = tokens.iter().position(meant).unwrap_or(0);
        let last = tokens.iter().rposition(meant).unwrap_or(0);
        tokens = tokens.drain(first..=last.min(tokens.len().saturating_sub(1))).collect();
    }
    let mut out = Vec::new();
    for run in tokens.split_inclusive(|(_, variable)| *variable) {
        let (texts, variable) = match run.split_last() {
            Some(((name, true), texts)) => (texts, Some(name)),
            _ => (run, None),
        };
        let mut parts: Vec<String> = texts.iter().map(|(text, _)| regex::escape(text)).collect();
        let begins = variable.and_then(|name| rule.wanted.get(name)).and_then(|wanted| wanted.strip_prefix('^'));
        parts.extend(begins.filter(|begins| !begins.contains(['|', '$'])).map(str::to_owned));
        let telling = texts.iter().any(|(text, _)| text.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if telling {
            out.push(parts.join(GAP));
        }
    }
    out
}

/// Whether a run may stand in a text: in a row, or, where comments stand inside expressions, word by word.
fn may_stand(run: &str, text: &str, commented: bool) -> bool {
    let word = |token: &&str| token.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_match(run, text) || commented && run.split(GAP).filter(word).all(|word| text.contains(word))
}

/// Whether a comment stands inside an expression: after a name or an operator.
fn has_inner_comments(text: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), "/*").any(|at| {
        let before = text[..at].trim_end().bytes().next_back();
        before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_$(.[=+:'\"`".contains(&byte))
    })
}

fn script(
    cx: &Context<'_>,
    file: FileId,
    units: &[&Unit],
    rules: &[(&StructuralRule, Vec<Vec<String>>)],
    out: &mut Vec<Finding>,
) {
    let entry = &cx.package.files[file.index()];
    let text = &*entry.source.text;
    if text.len() > MAX_SCRIPT {
        return;
    }
    let holds = |literal: &String| memchr::memmem::find(text.as_bytes(), literal.as_bytes()).is_some();
    let commented = has_inner_comments(text);
    let mut tree: Option<AstGrep<StrDoc<JavaScript>>> = None;
    for (rule, runs) in rules {
        if !rule.vendored && entry.origin != Origin::Own
            || !rule.file_has.is_empty() && !rule.file_has.iter().any(holds)
        {
            continue;
        }
        let wanted: Vec<&String> = rule
            .patterns
            .iter()
            .zip(runs)
            .filter(|(_, runs)| runs.iter().all(|run| may_stand(run, text, commented)))
            .map(|(pattern, _)| pattern)
            .collect();
        if wanted.is_empty() || !unit_has(cx, file, units, rule) {
            continue;
        }
        if tree.is_none() {
            tree = AstGrep::try_new(text, JavaScript).ok();
        }
        let Some(tree) = &tree else { return };
        let root = tree.root();
        let inside: Vec<Pattern> = rule.inside.iter().filter_map(|pattern| compile(pattern, None)).collect();
        let not_inside: Vec<Pattern> = rule.not_inside.iter().filter_map(|pattern| compile(pattern, None)).collect();
        let has: Vec<Pattern> = rule.has.iter().filter_map(|pattern| compile(pattern, None)).collect();
        let not_has: Vec<Pattern> = rule.not_has.iter().filter_map(|pattern| compile(pattern, None)).collect();
        let mut seen = HashSet::new();
        for pattern in wanted {
            let Some(pattern) = compile(pattern, rule.selector.as_deref()) else { continue };
            for node in root.find_all(&pattern).take(MOST) {
                let range = node.range();
                let found: &Tree<'_> = node.get_node();
                if !seen.insert((range.start, range.end))
                    || !inside.is_empty() && !inside.iter().any(|pattern| within(found, pattern))
                    || not_inside.iter().any(|pattern| within(found, pattern))
                    || !has.is_empty() && !has.iter().any(|pattern| found.find(pattern).is_some())
                    || not_has.iter().any(|pattern| found.find(pattern).is_some())
                {
                    continue;
                }
                let env: HashMap<String, String> = HashMap::from(node.get_env().clone());
                let variables: BTreeMap<String, String> = env.into_iter().collect();
                let place = Place { file, span: Span::new(range.start as u32, range.end as u32) };
                if fits(rule, &variables) && assigned(rule, &variables, text) && runs_when(cx, rule.when, place) {
                    out.push(finding(rule, place, &variables, &node.text()));
                }
            }
        }
    }
}

fn within(node: &Tree<'_>, pattern: &Pattern) -> bool {
    node.ancestors().any(|outer| {
        let mut env = Cow::Owned(ast_grep_core::meta_var::MetaVarEnv::new());
        pattern.match_node_with_env(outer, &mut env).is_some()
    })
}

/// Whether the file, and the page or component around it, is one that the rule speaks of.
fn unit_has(cx: &Context<'_>, file: FileId, units: &[&Unit], rule: &StructuralRule) -> bool {
    if let Some(path) = &rule.path
        && !is_match(path, &cx.package.source(file).path)
    {
        return false;
    }
    if rule.home {
        let home = cx.package.pages.first().map(|page| &page.route);
        if !units.iter().any(|unit| Some(&unit.route) == home) {
            return false;
        }
    }
    let holds = |wanted: &[String]| {
        let has = |file: FileId| {
            let text = &cx.package.source(file).text;
            wanted.iter().any(|wanted| memchr::memmem::find(text.as_bytes(), wanted.as_bytes()).is_some())
        };
        has(file)
            || units.iter().any(|unit| unit.templates.iter().copied().chain(unit.script).chain(unit.config).any(has))
    };
    (rule.unit_has.is_empty() || holds(&rule.unit_has)) && (rule.unit_not_has.is_empty() || !holds(&rule.unit_not_has))
}

/// Regular expressions of the packs by text, compiled once.
static PATTERNS: LazyLock<Mutex<HashMap<String, Arc<TextPattern>>>> = LazyLock::new(Mutex::default);

fn is_match(source: &str, text: &str) -> bool {
    let pattern = {
        let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
        match patterns.get(source) {
            Some(known) => known.clone(),
            None => patterns.entry(source.to_owned()).or_insert(Arc::new(TextPattern::new(source))).clone(),
        }
    };
    pattern.is_match(text)
}

fn fits(rule: &StructuralRule, variables: &BTreeMap<String, String>) -> bool {
    let matches = |name: &String, pattern: &String| variables.get(name).is_some_and(|text| is_match(pattern, text));
    rule.wanted.iter().all(|(name, pattern)| matches(name, pattern))
        && !rule.unwanted.iter().any(|(name, pattern)| matches(name, pattern))
}

/// Whether the metavariables hold what the rule says that they are assigned from.
fn assigned(rule: &StructuralRule, variables: &BTreeMap<String, String>, source: &str) -> bool {
    rule.assigned.iter().all(|(name, from)| {
        variables.get(name).is_some_and(|variable| {
            source.match_indices(&**variable).any(|(at, _)| {
                let before = source[..at].chars().next_back();
                let rest = source[at + variable.len()..].trim_start();
                let whole =
                    before.is_none_or(|before| !(before.is_alphanumeric() || matches!(before, '_' | '$' | '.')));
                let Some(value) = rest.strip_prefix('=').filter(|rest| !rest.starts_with(['=', '>'])) else {
                    return false;
                };
                whole && value.split([';', '\n']).next().is_some_and(|value| value.contains(&**from))
            })
        })
    })
}

/// Names of rules by their text: rules of user packs live as long as the program.
static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

fn intern(text: &str) -> &'static str {
    let Ok(mut names) = NAMES.lock() else { return "custom" };
    if let Some(name) = names.get(text) {
        return name;
    }
    let name: &'static str = Box::leak(text.to_owned().into_boxed_str());
    names.insert(name);
    name
}

fn finding(rule: &StructuralRule, place: Place, variables: &BTreeMap<String, String>, whole: &str) -> Finding {
    let mut text = rule.text.clone().unwrap_or_else(|| whole.to_owned());
    for (name, value) in variables.iter().rev() {
        text = text.replace(&format!("$${name}"), value).replace(&format!("${name}"), value);
    }
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    let mut finding = Finding::new(intern(&rule.id), place)
        .text("text", text.clone())
        .text("call", text.clone())
        .text("source", text);
    finding = finding.confidence(match rule.confidence {
        Sureness::Low => Confidence::Low,
        Sureness::Medium => Confidence::Medium,
        Sureness::High => Confidence::High,
    });
    if let Some(variant) = &rule.variant {
        finding = finding.variant(intern(variant));
    }
    if let Some(severity) = rule.severity {
        finding = finding.severity(severity);
    }
    finding
}

/// Whether the code at a place is run as the rule wants it.
fn runs_when(cx: &Context<'_>, when: When, place: Place) -> bool {
    if when == When::Any {
        return true;
    }
    let kinds = entered(cx, place);
    match when {
        When::Any => true,
        When::Load => kinds.contains(&EntryKind::Load) || kinds.contains(&EntryKind::TopLevel),
        When::User => kinds.contains(&EntryKind::User),
    }
}

/// Kinds of entry points that run the code at a place: by the functions around it, else by the host calls beside it.
fn entered(cx: &Context<'_>, place: Place) -> Vec<EntryKind> {
    let Some(script) = cx.program.script(place.file) else { return Vec::new() };
    let info = cx.policy.host(&cx.package.host).map(|host| &host.info);
    let loads = |name: &str| {
        info.is_some_and(|info| {
            [&info.app_load, &info.page_load, &info.component_load]
                .iter()
                .any(|list| list.iter().any(|known| &**known == name))
        })
    };
    let handlers: HashSet<&str> = cx
        .program
        .bindings
        .iter()
        .filter(|binding| {
            binding.user_action
                && cx.program.units.get(binding.unit as usize).is_some_and(|unit| unit.script == Some(place.file))
        })
        .filter_map(|binding| binding.handler.as_deref())
        .collect();
    let mut around: Vec<usize> =
        (1..script.functions.len()).filter(|at| script.functions[*at].span.contains(place.span)).collect();
    around.sort_by_key(|at| script.functions[*at].span.len());
    if around.is_empty() {
        return vec![EntryKind::TopLevel];
    }
    for at in &around {
        let Some(name) = script.functions[*at].name.as_deref() else { continue };
        if handlers.contains(name) {
            return vec![EntryKind::User];
        }
        if loads(name) {
            return vec![EntryKind::Load];
        }
    }
    let innermost = script.functions[around[0]].span;
    let mut kinds: Vec<EntryKind> = cx
        .solution
        .calls
        .iter()
        .filter(|call| call.place.file == place.file && innermost.contains(call.place.span))
        .map(|call| call.entry.kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn template(cx: &Context<'_>, file: FileId, units: &[&Unit], rule: &StructuralRule, out: &mut Vec<Finding>) {
    let entry = &cx.package.files[file.index()];
    if !rule.vendored && entry.origin != Origin::Own {
        return;
    }
    let holds = |text: &String| memchr::memmem::find(entry.source.text.as_bytes(), text.as_bytes()).is_some();
    if !rule.file_has.is_empty() && !rule.file_has.iter().any(holds) || !unit_has(cx, file, units, rule) {
        return;
    }
    let Some(facts) = cx.program.template(file) else { return };
    let own = (&facts.document, &*entry.source.text);
    for pattern in &rule.patterns {
        let Some((shape, root)) = pattern_element(pattern) else { continue };
        for (node, element) in cx.program.elements(file) {
            let mut variables = BTreeMap::new();
            if !fits_element(&shape, root, own, node, &mut variables)
                || rule.without.iter().any(|name| element.attribute(name).is_some())
            {
                continue;
            }
            let around = |patterns: &[String], inside: bool| {
                patterns.iter().filter_map(|pattern| pattern_element(pattern)).any(|(shape, root)| {
                    let mut ignored = BTreeMap::new();
                    if inside {
                        let mut at = node;
                        loop {
                            let parent = facts.document.nodes[at as usize].parent;
                            if parent == at {
                                return false;
                            }
                            at = parent;
                            if fits_element(&shape, root, own, at, &mut ignored) {
                                return true;
                            }
                        }
                    }
                    descendants(&facts.document, node)
                        .into_iter()
                        .any(|child| fits_element(&shape, root, own, child, &mut ignored))
                })
            };
            if !rule.inside.is_empty() && !around(&rule.inside, true)
                || around(&rule.not_inside, true)
                || !rule.has.is_empty() && !around(&rule.has, false)
                || around(&rule.not_has, false)
                || !fits(rule, &variables)
            {
                continue;
            }
            out.push(finding(
                rule,
                Place { file, span: element.open },
                &variables,
                element.open.slice(&entry.source.text),
            ));
        }
    }
}

fn descendants(document: &Document, node: NodeId) -> Vec<NodeId> {
    let mut out = Vec::new();
    let mut open: Vec<NodeId> = children(document, node).to_vec();
    while let Some(at) = open.pop() {
        out.push(at);
        open.extend_from_slice(children(document, at));
    }
    out
}

fn children(document: &Document, node: NodeId) -> &[NodeId] {
    match &document.nodes[node as usize].kind {
        NodeKind::Element(element) => &element.children,
        NodeKind::Root { children } => children,
        _ => &[],
    }
}

/// Whether an element has the tag, the attributes and, in any depth, the children of a pattern.
fn fits_element(
    shape: &Document,
    wanted: NodeId,
    own: (&Document, &str),
    node: NodeId,
    variables: &mut BTreeMap<String, String>,
) -> bool {
    let (document, source) = own;
    let (NodeKind::Element(wanted), NodeKind::Element(element)) =
        (&shape.nodes[wanted as usize].kind, &document.nodes[node as usize].kind)
    else {
        return false;
    };
    if !bind(&wanted.name.to_ascii_uppercase(), &wanted.name, &element.name, variables) {
        return false;
    }
    for attribute in &wanted.attributes {
        let Some(found) = element.attribute(&attribute.name) else { return false };
        if let Some(value) = &attribute.value {
            let value = written(value);
            // A metavariable takes what is written, interpolations and all.
            let text = match &found.value {
                Some(found) if value.starts_with('$') => found.span.slice(source).trim_matches(['"', '\'']).to_owned(),
                Some(found) => written(found),
                None => String::new(),
            };
            if !bind(&value, &value, &text, variables) {
                return false;
            }
        }
    }
    wanted.children.iter().all(|child| match &shape.nodes[*child as usize].kind {
        NodeKind::Element(_) => {
            descendants(document, node).into_iter().any(|inner| fits_element(shape, *child, own, inner, variables))
        }
        NodeKind::Text(parts) => {
            let text = plain(parts);
            let text = text.trim();
            if text.starts_with('$') && !text.starts_with("$$$") {
                return bind(text, text, raw_text(document, source, node).trim(), variables);
            }
            text.is_empty() || text.starts_with('$') || inner_text(document, node).contains(text)
        }
        _ => true,
    })
}

/// Binds a metavariable, or compares.
fn bind(name: &str, wanted: &str, text: &str, variables: &mut BTreeMap<String, String>) -> bool {
    match name.strip_prefix('$') {
        Some(name) => {
            let name = name.trim_start_matches('$');
            match variables.get(name) {
                Some(bound) => bound == text,
                None => {
                    variables.insert(name.to_owned(), text.to_owned());
                    true
                }
            }
        }
        None => wanted == text,
    }
}

fn written(value: &crate::syntax::template::AttributeValue) -> String {
    plain(&value.parts)
}

/// Literal text; `{{}}` stands for an interpolation.
fn plain(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } => &**text,
            Part::Interpolation { .. } => "{{}}",
        })
        .collect()
}

/// What is written inside an element, tags left out.
fn raw_text(document: &Document, source: &str, node: NodeId) -> String {
    let mut inner = descendants(document, node);
    inner.sort_unstable();
    let texts = inner.into_iter().filter_map(|child| match &document.nodes[child as usize].kind {
        NodeKind::Text(parts) => Some(parts),
        _ => None,
    });
    texts
        .flatten()
        .map(|part| match part {
            Part::Text { span, .. } | Part::Interpolation { span, .. } => span.slice(source),
        })
        .collect()
}

fn inner_text(document: &Document, node: NodeId) -> String {
    descendants(document, node)
        .into_iter()
        .filter_map(|child| match &document.nodes[child as usize].kind {
            NodeKind::Text(parts) => Some(plain(parts)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::policy::structure::mistakes;
    use crate::syntax::template::{Dialect, Element};

    #[test]
    fn runs_stand_in_what_a_pattern_matches_and_hardly_elsewhere() {
        let rule = |pattern: &str, selector: Option<&str>, wanted: &[(&str, &str)]| StructuralRule {
            patterns: vec![pattern.to_owned()],
            selector: selector.map(str::to_owned),
            wanted: wanted.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect(),
            ..StructuralRule::default()
        };
        let may = |rule: &StructuralRule, text: &str| {
            let commented = has_inner_comments(text);
            runs(rule, &rule.patterns[0]).iter().all(|run| may_stand(run, text, commented))
        };
        let timer = rule("setTimeout($CODE, $$$REST)", None, &[("CODE", "^[\"'`]")]);
        assert!(may(&timer, "setTimeout ( 'go()', 5)"));
        assert!(may(&timer, "setTimeout(/* 立即 */ 'go()', 5)"));
        assert!(!may(&timer, "go(); /* setTimeout */ wait()\n/** Then. */\nsetTimeout(() => go(), 5)"));
        assert!(!may(&timer, "setTimeout(() => go('now'), 5)"));
        let pair = rule("({ $KEY: Date.now() + $SPAN })", Some("pair"), &[]);
        assert!(may(&pair, "{ end:Date.now( )\n+ 5 }"));
        assert!(!may(&pair, "{ start: Date.now(), end: 5 }"));
        let method = rule("({ method: 'DELETE' })", Some("pair"), &[]);
        assert!(may(&method, "{url, method : 'DELETE', data}"));
        assert!(!may(&method, "{method: 'GET', name: 'DELETE'}"));
    }

    fn element_of(document: &Document, node: NodeId) -> Option<&Element> {
        match &document.nodes[node as usize].kind {
            NodeKind::Element(element) => Some(element),
            _ => None,
        }
    }

    #[test]
    fn every_shipped_pattern_parses() {
        let policy = Policy::embedded().map_err(|(_, errors)| errors).expect("the packs load");
        for rule in &policy.structure.rules {
            assert_eq!(mistakes(rule), Vec::<String>::new(), "{}", rule.id);
        }
    }

    #[test]
    fn elements_match_by_tag_attributes_and_children() {
        let (shape, root) =
            pattern_element(r#"<button open-type="contact" bindtap="$HANDLER">领取</button>"#).expect("an element");
        let source = r#"<view><button class="a" open-type="contact" bindtap="go"><text>立即领取</text></button><button open-type="share">领取</button></view>"#;
        let document = crate::syntax::template::parse(source, &Dialect::default());
        let mut found = Vec::new();
        for at in 0..document.nodes.len() {
            let mut variables = BTreeMap::new();
            if fits_element(&shape, root, (&document, source), at as NodeId, &mut variables) {
                found.push((element_of(&document, at as NodeId).map(|element| element.name.to_string()), variables));
            }
        }
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.get("HANDLER").map(String::as_str), Some("go"));
    }
}
