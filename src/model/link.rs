//! Links the facts of files to one program.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::ir::{Export, ExprKind};
use super::program::{Binding, FileFacts, Program, Require, Unit, UnitId, UnitKind};
use crate::package::{FileKind, Package};
use crate::policy::Policy;
use crate::policy::host::HostInfo;
use crate::policy::privacy::Privacy;
use crate::source::FileId;
use crate::syntax::json::Json;
use crate::syntax::template::{AttributeValue, NodeKind, Part};

/// Links `facts`, which stand in the order of `package.files`.
pub fn link(package: &Package, policy: &Policy, facts: Vec<FileFacts>) -> Program {
    let empty = HostInfo::default();
    let info = policy.host(&package.host).map_or(&empty, |host| &host.info);
    let privacy = &policy.privacy;
    let mut linker = Linker { package, info, privacy, program: Program { facts, ..Program::default() } };
    linker.requires();
    linker.units();
    linker.templates();
    linker.live();
    linker.bindings();
    linker.program
}

struct Linker<'a> {
    package: &'a Package,
    info: &'a HostInfo,
    privacy: &'a Privacy,
    program: Program,
}

impl Linker<'_> {
    fn requires(&mut self) {
        let mut all = Vec::with_capacity(self.package.files.len());
        for (index, file) in self.package.files.iter().enumerate() {
            let mut found = Vec::new();
            if let Some(script) = &self.program.facts[index].script {
                let mut add = |request: &Arc<str>, span| {
                    let target = resolve(self.package, &file.source.path, request, self.package.script_extensions());
                    found.push(Require { span, request: request.clone(), target });
                };
                for import in &script.imports {
                    add(&import.from, import.span);
                }
                for export in &script.exports {
                    if let Export::From { from, span, .. } = export {
                        add(from, *span);
                    }
                }
                script.for_each_expr(&mut |expr| match &expr.kind {
                    ExprKind::Call { callee, args, .. } if is_require(&callee.kind) => {
                        if let Some(ExprKind::String(request)) = args.first().map(|arg| &arg.value.kind) {
                            add(request, args[0].value.span);
                        }
                    }
                    ExprKind::Import(request) => {
                        if let ExprKind::String(name) = &request.kind {
                            add(name, request.span);
                        }
                    }
                    _ => {}
                });
            }
            if let Some(template) = &self.program.facts[index].template {
                for node in &template.document.nodes {
                    let NodeKind::Element(element) = &node.kind else { continue };
                    if !is_template_import(&element.name, self.info) {
                        continue;
                    }
                    let Some(value) = element.attribute("src").and_then(|attribute| attribute.value.as_ref()) else {
                        continue;
                    };
                    let Some(request) = value.literal() else { continue };
                    let request: Arc<str> = request.into();
                    let target = resolve_with(self.package, &file.source.path, &request, self.template_suffixes());
                    found.push(Require { span: value.span, request, target });
                }
            }
            found.sort_by_key(|require| (require.span, require.request.clone()));
            found.dedup_by_key(|require| require.span);
            all.push(found);
        }
        self.program.requires = all;
    }

    fn template_suffixes(&self) -> Vec<String> {
        let mut suffixes = vec![String::new()];
        suffixes.extend(self.info.template_extensions.iter().map(|extension| format!(".{extension}")));
        suffixes.extend(self.info.view_script_extensions.iter().map(|extension| format!(".{extension}")));
        suffixes.push(".js".to_owned());
        suffixes
    }

    fn units(&mut self) {
        let app_route = self.package.app.map(|app| {
            let path = &self.package.source(app).path;
            match &self.package.compiled {
                Some(_) => "app".to_owned(),
                None => path.strip_suffix(".json").unwrap_or(path).to_owned(),
            }
        });
        if let Some(route) = app_route {
            self.add_unit(UnitKind::App, &route, None, true);
        }
        for (index, page) in self.package.pages.iter().enumerate() {
            if !self.program.by_route.contains_key(&page.route) {
                self.add_unit(UnitKind::Page, &page.route, Some(index), true);
            }
        }
        // Components by use, then whatever else declares itself a component or stands as a script beside a template.
        let mut queue: VecDeque<UnitId> = (0..self.program.units.len() as UnitId).collect();
        while let Some(unit) = queue.pop_front() {
            let before = self.program.units.len();
            self.link_components(unit);
            queue.extend(before as UnitId..self.program.units.len() as UnitId);
        }
        let mut others = BTreeSet::new();
        for (index, file) in self.package.files.iter().enumerate() {
            let path = &*file.source.path;
            match file.kind {
                FileKind::Json => {
                    let Some(json) = &file.json else { continue };
                    if json.get("component").and_then(Json::as_bool) == Some(true) {
                        others.insert((path.strip_suffix(".json").unwrap_or(path).to_owned(), UnitKind::Component));
                    }
                }
                FileKind::Template if self.program.facts[index].template.is_some() => {
                    let route = path.rsplit_once('.').map_or(path, |(route, _)| route);
                    if SCRIPTS.iter().any(|suffix| self.package.file(&format!("{route}{suffix}")).is_some()) {
                        others.insert((route.to_owned(), UnitKind::Page));
                    }
                }
                _ => {}
            }
        }
        for route in &self.package.routes {
            if !self.program.by_route.contains_key(route) {
                self.add_unit(UnitKind::Component, route, None, true);
            }
        }
        // A list of pages that cannot be read must not hide the pages.
        let unread = self.package.app.is_some() && self.package.app_json().is_none();
        for (route, kind) in others {
            if !self.program.by_route.contains_key(route.as_str()) {
                let live = unread && kind == UnitKind::Page;
                let unit = self.add_unit(kind, &route, None, live);
                self.link_components(unit);
            }
        }
    }

    fn add_unit(&mut self, kind: UnitKind, route: &str, page: Option<usize>, live: bool) -> UnitId {
        let find =
            |suffixes: &[String]| suffixes.iter().find_map(|suffix| self.package.file(&format!("{route}{suffix}")));
        let dotted = |list: &[Arc<str>]| list.iter().map(|extension| format!(".{extension}")).collect::<Vec<_>>();
        let route: Arc<str> = route.into();
        let unit = Unit {
            kind,
            route: route.clone(),
            script: find(&self.package.script_extensions().iter().map(|&suffix| suffix.to_owned()).collect::<Vec<_>>()),
            template: find(&dotted(&self.info.template_extensions)),
            config: find(&[".json".to_owned()]),
            style: find(&dotted(&self.info.style_extensions)),
            components: BTreeMap::new(),
            templates: Vec::new(),
            live,
            page,
        };
        let id = self.program.units.len() as UnitId;
        self.program.units.push(unit);
        self.program.by_route.insert(route, id);
        id
    }

    fn link_components(&mut self, unit: UnitId) {
        let Some(config) = self.program.units[unit as usize].config else { return };
        let package = self.package;
        let Some(json) = &package.files[config.index()].json else { return };
        let path = package.source(config).path.clone();
        for key in ["usingComponents", "usingSwanComponents"] {
            for property in json.get(key).map_or(&[][..], Json::properties) {
                let Some(request) = property.value.as_str() else { continue };
                let found = component_route(package, &path, request).map(|route| {
                    match self.program.by_route.get(route.as_str()) {
                        Some(&unit) => unit,
                        None => self.add_unit(UnitKind::Component, &route, None, false),
                    }
                });
                self.program.units[unit as usize].components.insert(property.key.to_lowercase().into(), found);
            }
        }
    }

    fn templates(&mut self) {
        for unit in 0..self.program.units.len() {
            let Some(first) = self.program.units[unit].template else { continue };
            let mut seen = vec![first];
            let mut next = 0;
            while next < seen.len() {
                for require in &self.program.requires[seen[next].index()] {
                    if let Some(target) = require.target
                        && self.program.facts[target.index()].template.is_some()
                        && !seen.contains(&target)
                    {
                        seen.push(target);
                    }
                }
                next += 1;
            }
            self.program.units[unit].templates = seen;
        }
    }

    fn live(&mut self) {
        let mut queue: VecDeque<UnitId> = self
            .program
            .units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.live)
            .map(|(index, _)| index as UnitId)
            .collect();
        // The app's components are usable by every page.
        let shared: Vec<(Arc<str>, Option<UnitId>)> = self
            .program
            .units
            .iter()
            .filter(|unit| unit.kind == UnitKind::App)
            .flat_map(|unit| unit.components.clone())
            .collect();
        for unit in &mut self.program.units {
            for (tag, target) in &shared {
                unit.components.entry(tag.clone()).or_insert(*target);
            }
        }
        while let Some(unit) = queue.pop_front() {
            let unit = &self.program.units[unit as usize];
            let mut used: BTreeSet<Arc<str>> = BTreeSet::new();
            for &template in &unit.templates {
                used.extend(self.program.elements(template).map(|(_, element)| element.name.clone()));
            }
            let targets: Vec<UnitId> = unit
                .components
                .iter()
                .filter(|(tag, _)| used.contains(*tag) || used.is_empty())
                .filter_map(|(_, target)| *target)
                .collect();
            for target in targets {
                let target_unit = &mut self.program.units[target as usize];
                if !target_unit.live {
                    target_unit.live = true;
                    queue.push_back(target);
                }
            }
        }
        let mut files: Vec<FileId> = Vec::new();
        for unit in self.program.units.iter().filter(|unit| unit.live) {
            files.extend(unit.script);
            files.extend(&unit.templates);
        }
        files.extend(self.package.bundles.iter().filter_map(|path| self.package.file(path)));
        while let Some(file) = files.pop() {
            if self.program.live_files.insert(file) {
                files.extend(self.program.requires[file.index()].iter().filter_map(|require| require.target));
            }
        }
    }

    fn bindings(&mut self) {
        let mut bindings = Vec::new();
        for (index, unit) in self.program.units.iter().enumerate() {
            for &template in &unit.templates {
                for (node, element) in self.program.elements(template) {
                    for attribute in &element.attributes {
                        let Some(event) = event_name(&attribute.name) else { continue };
                        let Some(value) = &attribute.value else { continue };
                        let user_action = self.info.user_events.iter().any(|known| known.eq_ignore_ascii_case(&event))
                            || self.privacy.hands_files(&element.name, &event);
                        let handlers: Vec<Option<Arc<str>>> = match value.literal() {
                            Some(text) => vec![Some(text.trim().into())],
                            None => self.chosen(template, value),
                        };
                        for handler in handlers.into_iter().filter(|handler| handler.as_deref() != Some("")) {
                            bindings.push(Binding {
                                unit: index as UnitId,
                                template,
                                node,
                                user_action,
                                event: event.clone(),
                                handler,
                                span: value.span,
                            });
                        }
                    }
                }
            }
        }
        self.program.bindings = bindings;
    }
}

impl Linker<'_> {
    /// The methods that an expression chooses from (`{{open ? 'close' : 'show'}}`); an unknown one when it is no such choice.
    fn chosen(&self, template: FileId, value: &AttributeValue) -> Vec<Option<Arc<str>>> {
        let [Part::Interpolation { expression, .. }] = value.parts.as_slice() else { return vec![None] };
        let facts = self.program.template(template);
        let expr = facts.and_then(|facts| facts.expressions.get(&expression.start));
        match expr.map(|expr| &expr.kind) {
            Some(ExprKind::Conditional(_, then, other)) => match (&then.kind, &other.kind) {
                (ExprKind::String(then), ExprKind::String(other)) => {
                    vec![Some(then.trim().into()), Some(other.trim().into())]
                }
                _ => vec![None],
            },
            _ => vec![None],
        }
    }
}

const SCRIPTS: &[&str] = &[".js", ".ts"];

fn is_require(callee: &ExprKind) -> bool {
    match callee {
        ExprKind::Global(name) => &**name == "require" || &**name == "requireAsync",
        ExprKind::Member { object, .. } => matches!(&object.kind, ExprKind::Global(name) if &**name == "require"),
        _ => false,
    }
}

fn is_template_import(tag: &str, info: &HostInfo) -> bool {
    matches!(tag, "import" | "include") || info.raw_tags.iter().any(|raw| &**raw == tag)
}

/// The event that an attribute binds: `bindtap`, `catch:tap`, `capture-bind:tap`, `onTap`.
fn event_name(attribute: &str) -> Option<Arc<str>> {
    for prefix in ["capture-bind:", "capture-catch:", "mut-bind:", "bind:", "catch:", "on:"] {
        if let Some(event) = attribute.strip_prefix(prefix) {
            return Some(event.into());
        }
    }
    for prefix in ["capture-bind", "capture-catch", "bind", "catch"] {
        if let Some(event) = attribute.strip_prefix(prefix)
            && !event.is_empty()
        {
            return Some(event.into());
        }
    }
    for prefix in ["on", "catch"] {
        if let Some(event) = attribute.strip_prefix(prefix)
            && event.starts_with(|c: char| c.is_ascii_uppercase())
        {
            let mut name = event.to_owned();
            name[..1].make_ascii_lowercase();
            return Some(name.into());
        }
    }
    None
}

/// The route of a component that a configuration names, if the package has it.
fn component_route(package: &Package, from: &str, request: &str) -> Option<String> {
    let exists =
        |route: &str| [".json", ".js", ".ts"].iter().any(|suffix| package.file(&format!("{route}{suffix}")).is_some());
    for route in candidates(from, request) {
        let main =
            || package_main(package, &route).map(|main| main.strip_suffix(".js").map(str::to_owned).unwrap_or(main));
        let built = || built_in(package, &route);
        for route in [Some(route.clone()), main(), built()].into_iter().flatten() {
            let folder = format!("{route}/index");
            if let Some(found) = [route, folder].into_iter().find(|route| exists(route)) {
                return Some(found);
            }
        }
    }
    None
}

/// Where a path into a module stands before the host's builder copies the folder that the module made for hosts.
fn built_in(package: &Package, route: &str) -> Option<String> {
    const MODULES: &str = "node_modules/";
    let start = route.rfind(MODULES).map(|at| at + MODULES.len())?;
    let length = route[start..].split('/').take(if route[start..].starts_with('@') { 2 } else { 1 });
    let end = start + length.map(|part| part.len() + 1).sum::<usize>() - 1;
    let (module, rest) = (route.get(..end)?, route.get(end..)?);
    let named = package
        .file(&format!("{module}/package.json"))
        .and_then(|file| package.files[file.index()].json.as_ref()?.get("miniprogram")?.as_str().map(str::to_owned));
    normalize(&format!("{module}/{}{rest}", named.as_deref().unwrap_or("miniprogram_dist")))
}

/// Resolves a module request from a file.
pub fn resolve(package: &Package, from: &str, request: &str, suffixes: &[&str]) -> Option<FileId> {
    let mut all = vec![String::new()];
    all.extend(suffixes.iter().map(|&suffix| suffix.to_owned()));
    all.push(".json".to_owned());
    all.extend(suffixes.iter().map(|suffix| format!("/index{suffix}")));
    resolve_with(package, from, request, all)
}

fn resolve_with(package: &Package, from: &str, request: &str, suffixes: Vec<String>) -> Option<FileId> {
    if request.contains("://") {
        return None;
    }
    if let Some(file) = package.module(from, request) {
        return Some(file);
    }
    for base in candidates(from, request) {
        for suffix in &suffixes {
            if let Some(file) = package.file(&format!("{base}{suffix}")) {
                return Some(file);
            }
        }
        for main in [package_main(package, &base), built_in(package, &base)].into_iter().flatten() {
            for suffix in &suffixes {
                if let Some(file) = package.file(&format!("{main}{suffix}")) {
                    return Some(file);
                }
            }
        }
    }
    None
}

fn package_main(package: &Package, folder: &str) -> Option<String> {
    let file = package.file(&format!("{folder}/package.json"))?;
    let json = package.files[file.index()].json.as_ref()?;
    let main = ["miniprogram", "main"].iter().find_map(|key| json.get(key)?.as_str())?;
    normalize(&format!("{folder}/{main}"))
}

/// Paths that a request can mean, best first, without extension rules.
fn candidates(from: &str, request: &str) -> Vec<String> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = Vec::new();
    if let Some(absolute) = request.strip_prefix('/') {
        out.extend(normalize(absolute));
        return out;
    }
    let relative = normalize(&format!("{folder}/{request}"));
    if request.starts_with('.') {
        out.extend(relative);
        return out;
    }
    out.extend(relative);
    if let Some(rest) = request.strip_prefix("@/").or_else(|| request.strip_prefix("~/")) {
        out.extend(normalize(rest));
    }
    let mut up = Some(folder);
    while let Some(folder) = up {
        for npm in ["miniprogram_npm", "node_modules", "swan_modules"] {
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            out.extend(normalize(&format!("{prefix}{npm}/{request}")));
        }
        up = if folder.is_empty() { None } else { Some(folder.rsplit_once('/').map_or("", |(parent, _)| parent)) };
    }
    out.extend(normalize(request));
    out
}

/// Removes `.` and `..`; `None` when the path leaves the root.
pub fn normalize(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Units that use a component: (user, template, node) of each element.
pub fn uses(program: &Program) -> HashMap<UnitId, Vec<(UnitId, FileId, u32)>> {
    let mut out: HashMap<UnitId, Vec<(UnitId, FileId, u32)>> = HashMap::new();
    for (index, unit) in program.units.iter().enumerate() {
        if unit.components.is_empty() {
            continue;
        }
        for &template in &unit.templates {
            for (node, element) in program.elements(template) {
                if let Some(Some(component)) = unit.components.get(&element.name) {
                    out.entry(*component).or_default().push((index as UnitId, template, node));
                }
            }
        }
    }
    out
}
