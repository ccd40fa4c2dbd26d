//! The linked program: what belongs to which page, which element binds which method, which component is which tag.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::ir::{Expr, ExprKind, Key, Script};
use super::sites::initial_data;
use super::texts::{TextIndex, texts};
use crate::package::Package;
use crate::source::{FileId, Span};
use crate::syntax::template::{Document, Element, NodeId, NodeKind};

/// Index of a unit in [`Program::units`].
pub type UnitId = u32;

/// Facts of one file: a pure function of its text and kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FileFacts {
    /// The lowered script of a script or view script.
    pub script: Option<Arc<Script>>,
    /// The template.
    pub template: Option<Arc<TemplateFacts>>,
}

/// A template with its expressions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TemplateFacts {
    /// The tree.
    pub document: Document,
    /// Expressions of interpolations and of bare control attributes, by the start of their text.
    /// Names that the template does not declare are [`super::ir::ExprKind::Global`].
    pub expressions: HashMap<u32, Expr>,
    /// Expressions that do not parse.
    pub errors: Vec<Span>,
    /// Inline view scripts: module name, script with spans into the template, where the body starts.
    pub inline_scripts: Vec<(Arc<str>, Arc<Script>, u32)>,
    /// What elements that repeat run over.
    pub loops: HashMap<NodeId, Loop>,
}

/// The loop of an element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Loop {
    /// What it runs over.
    pub list: Expr,
    /// Name of the item.
    pub item: Arc<str>,
    /// Name of the index.
    pub index: Arc<str>,
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitKind {
    /// The app.
    App,
    /// A page.
    Page,
    /// A custom component.
    Component,
}

/// The app, a page or a component, with its files.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is.
    pub kind: UnitKind,
    /// Path without extension, relative to the package root.
    pub route: Arc<str>,
    /// Script.
    pub script: Option<FileId>,
    /// Template.
    pub template: Option<FileId>,
    /// Configuration.
    pub config: Option<FileId>,
    /// Style sheet.
    pub style: Option<FileId>,
    /// Custom components by tag: unit, or `None` when it cannot be found or is a plugin's.
    pub components: BTreeMap<Arc<str>, Option<UnitId>>,
    /// Own template first, then those that it includes or imports, transitively.
    pub templates: Vec<FileId>,
    /// For a page: whether `app.json` lists it. For a component: whether a listed page uses it, at any depth.
    pub live: bool,
    /// Index in [`crate::package::Package::pages`], for a listed page.
    pub page: Option<usize>,
}

/// An event binding in a template.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The unit whose method is bound.
    pub unit: UnitId,
    /// The template.
    pub template: FileId,
    /// The element.
    pub node: NodeId,
    /// Event name without prefix (`tap`).
    pub event: Arc<str>,
    /// Method name, when it is constant.
    pub handler: Option<Arc<str>>,
    /// The attribute's value.
    pub span: Span,
    /// Whether the event is a user's own action.
    pub user_action: bool,
}

/// The linked program.
#[derive(Debug, Default)]
pub struct Program {
    /// Facts by [`FileId`].
    pub facts: Vec<FileFacts>,
    /// App, pages in order of `app.json`, then components and unlisted pages by path.
    pub units: Vec<Unit>,
    /// All event bindings of live and other units, by unit, template and place.
    pub bindings: Vec<Binding>,
    /// Files that each file requires or imports: (request span, request, target when resolved in the package).
    pub requires: Vec<Vec<Require>>,
    /// Scripts that a live unit reaches by imports.
    pub live_files: BTreeSet<FileId>,
    /// Unit by route.
    pub by_route: HashMap<Arc<str>, UnitId>,
    /// Indices of the bindings by template, made at first use: see [`Program::bindings_in`].
    pub by_template: OnceLock<HashMap<FileId, Vec<usize>>>,
    /// The unit that shows a template, made at first use: see [`Program::unit_showing`].
    pub showing: OnceLock<HashMap<FileId, UnitId>>,
    /// Text runs, made at first use: see [`Program::texts`].
    pub texts: OnceLock<TextIndex>,
    /// Strings that data begin with, by template and path, made at first use: see [`Program::first_texts`].
    pub first: OnceLock<HashMap<FileId, HashMap<String, Arc<str>>>>,
}

/// A `require`, `import` or template import.
#[derive(Clone, Debug)]
pub struct Require {
    /// The request string in the file.
    pub span: Span,
    /// The request.
    pub request: Arc<str>,
    /// The file, when it lies in the package.
    pub target: Option<FileId>,
}

impl Program {
    /// The event bindings of a unit.
    pub fn bindings_of(&self, unit: UnitId) -> &[Binding] {
        let start = self.bindings.partition_point(|binding| binding.unit < unit);
        let rest = &self.bindings[start..];
        &rest[..rest.partition_point(|binding| binding.unit == unit)]
    }

    /// The event bindings of a template, of all units that show it.
    pub fn bindings_in(&self, template: FileId) -> impl Iterator<Item = &Binding> {
        let by_template = self.by_template.get_or_init(|| {
            let mut out: HashMap<FileId, Vec<usize>> = HashMap::new();
            for (index, binding) in self.bindings.iter().enumerate() {
                out.entry(binding.template).or_default().push(index);
            }
            out
        });
        by_template.get(&template).into_iter().flatten().map(|&index| &self.bindings[index])
    }

    /// The first unit that shows a template, as its own or as one that it includes.
    pub fn unit_showing(&self, template: FileId) -> Option<&Unit> {
        let showing = self.showing.get_or_init(|| {
            let mut out = HashMap::new();
            for (index, unit) in self.units.iter().enumerate() {
                for file in &unit.templates {
                    out.entry(*file).or_insert(index as UnitId);
                }
            }
            out
        });
        self.units.get(*showing.get(&template)? as usize)
    }

    /// The text runs of the package that this program was linked from.
    pub fn texts(&self, package: &Package) -> &TextIndex {
        self.texts.get_or_init(|| texts(package, self))
    }

    /// The texts that an expression of a template shows before anything happens: its literals, and strings that the data of its
    /// page or component begin with.
    pub fn first_texts(&self, template: FileId, expression: Span) -> Vec<&str> {
        let mut out = Vec::new();
        let Some(facts) = self.template(template) else { return out };
        let Some(expr) = facts.expressions.get(&expression.start) else { return out };
        let first = self.first.get_or_init(|| {
            let mut out: HashMap<FileId, HashMap<String, Arc<str>>> = HashMap::new();
            for unit in &self.units {
                let Some(script) = unit.script.and_then(|file| self.script(file)) else { continue };
                let strings = initial_data(script).into_iter().filter_map(|one| Some((one.path, one.string?)));
                let strings: HashMap<String, Arc<str>> = strings.filter(|(_, text)| !text.is_empty()).collect();
                if !strings.is_empty() {
                    out.extend(unit.templates.iter().map(|template| (*template, strings.clone())));
                }
            }
            out
        });
        first_texts(expr, first.get(&template), &mut out);
        out
    }

    /// A template's facts.
    pub fn template(&self, file: FileId) -> Option<&TemplateFacts> {
        self.facts.get(file.index())?.template.as_deref()
    }

    /// A script's facts.
    pub fn script(&self, file: FileId) -> Option<&Script> {
        self.facts.get(file.index())?.script.as_deref()
    }

    /// Elements of a template in source order.
    pub fn elements(&self, file: FileId) -> impl Iterator<Item = (NodeId, &Element)> {
        self.template(file).into_iter().flat_map(|template| {
            template.document.nodes.iter().enumerate().filter_map(|(id, node)| match &node.kind {
                NodeKind::Element(element) => Some((id as NodeId, element)),
                _ => None,
            })
        })
    }
}

/// The strings that an expression can be, by itself or by `data`.
fn first_texts<'p>(expr: &'p Expr, data: Option<&'p HashMap<String, Arc<str>>>, out: &mut Vec<&'p str>) {
    match &expr.kind {
        ExprKind::String(text) => out.push(text),
        ExprKind::Conditional(_, then, other) => {
            first_texts(then, data, out);
            first_texts(other, data, out);
        }
        _ => out.extend(data_path(expr).and_then(|path| data?.get(&path)).map(|text| &**text)),
    }
}

/// The path of data that a template expression reads (`form.title`).
fn data_path(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Global(name) => Some(name.to_string()),
        ExprKind::Member { object, key: Key::Static(name, _), .. } => Some(format!("{}.{name}", data_path(object)?)),
        _ => None,
    }
}
