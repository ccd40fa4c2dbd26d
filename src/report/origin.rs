//! Whose code a finding is in, whether a page leads there, and by which imports.

use std::collections::{BTreeMap, BTreeSet};

use super::model::OriginReport;
use crate::engine::Vetted;
use crate::flow::Place;
use crate::package::Origin;

/// The shortest way by imports from the app or a listed page to each file.
#[derive(Debug, Default)]
pub(super) struct Chains {
    from: BTreeMap<u32, Option<u32>>,
}

impl Chains {
    /// Searches breadth first.
    pub fn new(vetted: &Vetted) -> Self {
        let program = &vetted.program;
        let mut from: BTreeMap<u32, Option<u32>> = BTreeMap::new();
        let mut queue: std::collections::VecDeque<u32> = std::collections::VecDeque::new();
        let mut visit = |file: u32, by: Option<u32>, queue: &mut std::collections::VecDeque<u32>| {
            if let std::collections::btree_map::Entry::Vacant(slot) = from.entry(file) {
                slot.insert(by);
                queue.push_back(file);
            }
        };
        let roots = program.units.iter().filter(|unit| unit.live && unit.kind != crate::model::UnitKind::Component);
        for unit in roots {
            for file in [unit.script, unit.template, unit.config, unit.style].into_iter().flatten() {
                visit(file.0, None, &mut queue);
            }
        }
        let mut components: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for unit in &program.units {
            let Some(own) = unit.config.or(unit.template) else { continue };
            let targets = components.entry(own.0).or_default();
            for component in unit.components.values().flatten() {
                let Some(component) = program.units.get(*component as usize) else { continue };
                targets.extend(
                    [component.config, component.script, component.template].into_iter().flatten().map(|file| file.0),
                );
            }
        }
        while let Some(file) = queue.pop_front() {
            for require in program.requires.get(file as usize).into_iter().flatten() {
                if let Some(target) = require.target {
                    visit(target.0, Some(file), &mut queue);
                }
            }
            for target in components.get(&file).into_iter().flatten() {
                visit(*target, Some(file), &mut queue);
            }
        }
        Self { from }
    }

    fn chain(&self, vetted: &Vetted, file: u32) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = Some(file);
        while let Some(file) = at.filter(|_| out.len() < 64) {
            let Some(from) = self.from.get(&file) else { break };
            out.push(vetted.package.files[file as usize].source.path.to_string());
            at = *from;
        }
        out.reverse();
        out
    }

    /// Whose code a place is in, and how its file came in.
    pub fn origin(&self, vetted: &Vetted, place: Place) -> OriginReport {
        let file = &vetted.package.files[place.file.index()];
        let (kind, name, version) = match &file.origin {
            Origin::Own => ("own", None, None),
            Origin::Vendored { name, version } => ("vendored", Some(name), version.as_ref()),
            Origin::Npm { name, version } => ("npm", Some(name), version.as_ref()),
        };
        let import_chain = self.chain(vetted, place.file.0);
        OriginReport {
            kind: kind.to_owned(),
            name: name.map(ToString::to_string),
            version: version.map(ToString::to_string),
            reachable: self.from.contains_key(&place.file.0),
            import_chain,
        }
    }
}

/// How something came into a package.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The file, or the call with its place.
    pub what: String,
    /// The library it belongs to.
    pub library: Option<String>,
    /// Whether the app or a listed page leads there.
    pub reachable: bool,
    /// The shortest way there by imports.
    pub chain: Vec<String>,
}

/// How a file or an API came into a package.
pub fn why(vetted: &Vetted, what: &str) -> Vec<Answer> {
    let chains = Chains::new(vetted);
    let package = &vetted.package;
    let library = |file: usize| match &package.files[file].origin {
        Origin::Own => None,
        Origin::Vendored { name, version } | Origin::Npm { name, version } => Some(match version {
            Some(version) => format!("{name} {version}"),
            None => name.to_string(),
        }),
    };
    let wanted = what.trim_start_matches("./");
    if let Some(file) = package.file(wanted) {
        let chain = chains.chain(vetted, file.0);
        return vec![Answer {
            what: wanted.to_owned(),
            library: library(file.index()),
            reachable: !chain.is_empty(),
            chain,
        }];
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for call in &vetted.solution.calls {
        let whole = format!("{}.{}", call.namespace, call.api);
        if (*call.api == *wanted || whole == wanted) && seen.insert(call.place) {
            let (source, span) = package.source(call.place.file).shown(call.place.span);
            let at = source.position(span.start);
            let chain = chains.chain(vetted, call.place.file.0);
            out.push(Answer {
                what: format!("{whole} {}:{}:{}", source.path, at.line, at.column),
                library: library(call.place.file.index()),
                reachable: !chain.is_empty(),
                chain,
            });
        }
    }
    out
}
