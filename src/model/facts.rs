//! Facts of one file: scripts lowered, templates with their expressions. A pure function of text and kind.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::ir::{Expr, ExprKind, Name, Operator};
use super::{FileFacts, Loop, TemplateFacts, lower};
use crate::package::{FileKind, Package, PackageFile};
use crate::policy::host::HostInfo;
use crate::source::Span;
use crate::syntax::script::ScriptKind;
use crate::syntax::template::{self, Attribute, Dialect, Document, Element, NodeId, NodeKind, Part};

/// How templates of a host are read.
#[derive(Clone, Debug, Default)]
pub struct FactsDialect {
    /// What the template reader needs.
    pub template: Dialect,
    /// Prefixes of control attributes (`s-`, `wx:`), the host's own first.
    pub prefixes: Vec<Arc<str>>,
}

impl FactsDialect {
    /// The dialect of a host. Control attributes of `others` are read, too: packages mix them.
    pub fn of<'h>(host: &HostInfo, others: impl IntoIterator<Item = &'h HostInfo>) -> Self {
        let mut template = Dialect::default();
        let mut prefixes = vec![host.directive_prefix.clone()];
        template.raw_tags.extend(host.raw_tags.iter().cloned());
        for other in others {
            template.raw_tags.extend(other.raw_tags.iter().cloned());
            prefixes.push(other.directive_prefix.clone());
        }
        template.raw_tags.sort();
        template.raw_tags.dedup();
        prefixes.retain(|prefix| !prefix.is_empty());
        let mut seen = Vec::new();
        prefixes.retain(|prefix| {
            let new = !seen.contains(prefix);
            seen.push(prefix.clone());
            new
        });
        Self { template, prefixes }
    }
}

/// Facts of every file of a package, by [`crate::source::FileId`], in parallel.
pub fn all(package: &Package, dialect: &FactsDialect) -> Vec<FileFacts> {
    package.files.par_iter().map(|file| facts(file, dialect)).collect()
}

/// Facts of one file.
pub fn facts(file: &PackageFile, dialect: &FactsDialect) -> FileFacts {
    let text = &file.source.text;
    match file.kind {
        FileKind::Script | FileKind::ViewScript => {
            let script = lower::module(text, ScriptKind::of_path(&file.source.path), &file.renamed);
            FileFacts { script: Some(Arc::new(script)), template: None }
        }
        FileKind::Template => FileFacts { script: None, template: Some(Arc::new(template_facts(text, dialect))) },
        FileKind::Style | FileKind::Json | FileKind::Text | FileKind::Foreign => FileFacts::default(),
    }
}

/// Facts of a template's text.
pub fn template_facts(text: &str, dialect: &FactsDialect) -> TemplateFacts {
    let document = template::parse(text, &dialect.template);
    let mut reader = Reader {
        text,
        dialect,
        expressions: HashMap::new(),
        errors: Vec::new(),
        loops: HashMap::new(),
        scripts: Vec::new(),
    };
    for (id, node) in document.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Text(parts) => reader.parts(parts),
            NodeKind::Element(element) => reader.element(&document, id as NodeId, element),
            NodeKind::Root { .. } | NodeKind::Comment(_) | NodeKind::Other => {}
        }
    }
    let Reader { expressions, errors, loops, scripts, .. } = reader;
    TemplateFacts { document, expressions, errors, inline_scripts: scripts, loops }
}

struct Reader<'t> {
    text: &'t str,
    dialect: &'t FactsDialect,
    expressions: HashMap<u32, Expr>,
    errors: Vec<Span>,
    loops: HashMap<NodeId, Loop>,
    scripts: Vec<(Arc<str>, Arc<super::ir::Script>, u32)>,
}

impl Reader<'_> {
    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            if let Part::Interpolation { expression, .. } = part {
                self.expression(*expression);
            }
        }
    }

    fn expression(&mut self, at: Span) -> Option<&Expr> {
        let written = at.slice(self.text);
        match lower::expression(written, at.start) {
            Some(expr) => {
                self.expressions.insert(at.start, expr);
                self.expressions.get(&at.start)
            }
            None => {
                if !written.trim().is_empty() {
                    self.errors.push(at);
                }
                None
            }
        }
    }

    fn element(&mut self, _document: &Document, id: NodeId, element: &Element) {
        for attribute in &element.attributes {
            let Some(value) = &attribute.value else { continue };
            match self.directive(attribute) {
                Some("for" | "for-items" | "items") => self.repeat(id, element, attribute),
                Some("if" | "elif" | "else-if") if value.parts.iter().all(|part| matches!(part, Part::Text { .. })) => {
                    if !value.span.is_empty() {
                        self.expression(value.span);
                    }
                }
                _ => self.parts(&value.parts),
            }
        }
        // A script of its own file has nothing between its tags.
        if let Some(raw) = element.raw
            && !matches!(&*element.name, "style" | "script")
            && !raw.slice(self.text).trim().is_empty()
        {
            let module =
                element.attribute("module").and_then(|module| module.value.as_ref()?.literal()).unwrap_or_default();
            let script = lower::script_at(raw.slice(self.text), ScriptKind::JavaScript, raw.start);
            self.scripts.push((module.into(), Arc::new(script), raw.start));
        }
    }

    /// The control attribute's name without its prefix.
    fn directive<'a>(&self, attribute: &'a Attribute) -> Option<&'a str> {
        self.dialect.prefixes.iter().find_map(|prefix| attribute.name.strip_prefix(&**prefix))
    }

    fn repeat(&mut self, id: NodeId, element: &Element, attribute: &Attribute) {
        let Some(value) = &attribute.value else { return };
        // The text of the form: all of it, or what the one pair of braces holds.
        let interpolations: Vec<Span> = value
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Interpolation { expression, .. } => Some(*expression),
                Part::Text { .. } => None,
            })
            .collect();
        let blank = value.parts.iter().all(|part| match part {
            Part::Text { text, .. } => text.trim().is_empty(),
            Part::Interpolation { .. } => true,
        });
        let form = match interpolations.as_slice() {
            [only] if blank => *only,
            [] => value.span,
            // `item in {{list}}`
            [only] => {
                self.named_repeat(id, element, value.span, Some(*only));
                return;
            }
            _ => {
                self.parts(&value.parts);
                return;
            }
        };
        self.named_repeat(id, element, form, None);
    }

    fn named_repeat(&mut self, id: NodeId, element: &Element, form: Span, inner: Option<Span>) {
        let written = form.slice(self.text);
        let head = heads(written);
        let list = inner.unwrap_or_else(|| Span::new(form.start + head.list.start, form.start + head.list.end));
        let named = |suffix: &str| -> Option<Name> {
            let attribute = element.attributes.iter().find(|attribute| self.directive(attribute) == Some(suffix))?;
            attribute.value.as_ref()?.literal().map(|name| name.trim().into())
        };
        let item = named("for-item").or(named("item")).or(head.item.map(Into::into)).unwrap_or_else(|| "item".into());
        let index =
            named("for-index").or(named("index")).or(head.index.map(Into::into)).unwrap_or_else(|| "index".into());
        let Some(expr) = self.expression(list).cloned() else { return };
        // `{{item in list}}` that the split did not see.
        let (item, list) = match expr {
            Expr { kind: ExprKind::Binary(Operator::In, left, right), .. } => match left.kind {
                ExprKind::Global(name) => (name, *right),
                _ => (item, *right),
            },
            expr => (item, expr),
        };
        self.loops.insert(id, Loop { list, item, index });
    }
}

/// The parts of `item, index in list trackBy key`.
struct Heads<'t> {
    item: Option<&'t str>,
    index: Option<&'t str>,
    list: Span,
}

fn heads(form: &str) -> Heads<'_> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    let mut heads = Heads { item: None, index: None, list: Span::new(0, form.len() as u32) };
    if let Some(at) = form.find(|c: char| c.is_ascii_whitespace()).and_then(|_| find_word(form, "in")) {
        let names = form[..at].trim().trim_start_matches('(').trim_end_matches(')');
        let mut parts = names.split(',').map(str::trim);
        let (item, index) = (parts.next(), parts.next());
        if item.is_some_and(is_name) && index.is_none_or(is_name) && parts.next().is_none() {
            heads.item = item;
            heads.index = index;
            heads.list.start = (at + 2) as u32;
        }
    }
    let from = heads.list.start as usize;
    if let Some(at) = find_word(&form[from..], "trackBy").or_else(|| find_word(&form[from..], "trackby")) {
        heads.list.end = (from + at) as u32;
    }
    heads
}

/// A word with blanks on both sides.
fn find_word(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        before.is_some_and(|c| c.is_whitespace() || c == ')') && after.is_some_and(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> TemplateFacts {
        template_facts(text, &FactsDialect { template: Dialect::default(), prefixes: vec!["s-".into(), "wx:".into()] })
    }

    fn loop_of(text: &str) -> (String, String, String) {
        let facts = read(text);
        let repeat = facts.loops.values().next().unwrap();
        (repeat.list.span.slice(text).to_owned(), repeat.item.to_string(), repeat.index.to_string())
    }

    fn triple(a: &str, b: &str, c: &str) -> (String, String, String) {
        (a.to_owned(), b.to_owned(), c.to_owned())
    }

    #[test]
    fn loops_in_all_forms() {
        assert_eq!(loop_of("<a s-for=\"list\"/>"), triple("list", "item", "index"));
        assert_eq!(loop_of("<a s-for=\"p in a.list\"/>"), triple("a.list", "p", "index"));
        assert_eq!(loop_of("<a s-for=\"p, i in list trackBy p.id\"/>"), triple("list", "p", "i"));
        assert_eq!(loop_of("<a s-for=\"(p, i) in list\"/>"), triple("list", "p", "i"));
        assert_eq!(loop_of("<a s-for=\"{{[1,2]}}\" s-for-item=\"n\" s-for-index=\"k\"/>"), triple("[1,2]", "n", "k"));
        assert_eq!(loop_of("<a s-for=\"{{p in list}}\"/>"), triple("list", "p", "index"));
        assert_eq!(loop_of("<a s-for=\"p in {{list}}\"/>"), triple("list", "p", "index"));
        assert_eq!(loop_of("<a wx:for=\"{{list}}\" wx:for-item=\"p\" wx:key=\"id\"/>"), triple("list", "p", "index"));
    }

    #[test]
    fn expressions_are_keyed_by_their_start() {
        let text = "<view s-if=\"a && b\" s-elif=\"{{c}}\" x=\"p{{d}}q{{e.f}}\">{{ g }}</view>";
        let facts = read(text);
        let mut found: Vec<_> = facts.expressions.iter().map(|(start, expr)| (*start, expr.span.slice(text))).collect();
        found.sort_unstable();
        let texts: Vec<_> = found.iter().map(|(_, text)| *text).collect();
        assert_eq!(texts, ["a && b", "c", "d", "e.f", "g"]);
        assert!(facts.errors.is_empty());
        assert_eq!(read("{{ a b }}").errors.len(), 1);
    }

    #[test]
    fn inline_scripts_keep_their_place() {
        let text = "<view/><wxs module=\"m\">var a = 'x'; module.exports = { a: a }</wxs>";
        let facts = read(text);
        let (module, script, start) = &facts.inline_scripts[0];
        assert_eq!((&**module, *start), ("m", 23));
        let crate::model::ir::StmtKind::Let(_, Some(value)) = &script.functions[0].body[0].kind else { panic!() };
        assert_eq!(value.span.slice(text), "'x'");
    }
}
