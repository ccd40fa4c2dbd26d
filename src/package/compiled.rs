//! Packages as a host's compiler leaves them: modules that stand in one script become files of their own, so that pages,
//! imports and flows are those of the source. Their places are shown in the file that ships.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::walk::safe_path;
use super::{FileKind, Knowledge, Origin, Package, PackageFile, PageEntry, SkipReason, Skipped, read};
use crate::source::SourceFile;
use crate::syntax::bundle::{self, Module};

/// What a host's compiler leaves, as data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Compiled {
    /// Globals that hold the route while the module of a page or component runs (`__wxRoute`).
    pub route_variables: Vec<Arc<str>>,
    /// What stands only in scripts and pages that hold compiled templates (`$gwx`).
    pub template_marks: Vec<Arc<str>>,
    /// Globals that the host gives to the function around a module, in order.
    pub parameters: Vec<Arc<str>>,
}

/// What was found in one bundle.
struct Bundle<'l> {
    index: usize,
    compiled: &'l Compiled,
    modules: Vec<Module>,
}

/// Takes the modules out of bundles. `layouts` tell what compilers leave; `origin` names the npm module of a path.
pub(super) fn unpack(
    package: &mut Package,
    skipped: &mut Vec<Skipped>,
    layouts: &[read::Layout],
    knowledge: &Knowledge,
    origin: &dyn Fn(&str) -> Option<Origin>,
) {
    let known: Vec<(&Arc<str>, &Compiled)> = layouts
        .iter()
        .map(|layout| (&layout.host, &layout.compiled))
        .filter(|(_, compiled)| !compiled.route_variables.is_empty())
        .collect();
    let mut bundles = Vec::new();
    for (index, file) in package.files.iter().enumerate() {
        if file.kind != FileKind::Script || !holds(&file.source.text, "define(") {
            continue;
        }
        let found = known.iter().find(|(_, compiled)| {
            compiled.route_variables.iter().chain(&compiled.template_marks).any(|mark| holds(&file.source.text, mark))
        });
        let Some((host, compiled)) = found else { continue };
        let variables: Vec<&str> = compiled.route_variables.iter().map(|name| &**name).collect();
        let modules = bundle::modules(&file.source.text, &variables);
        if !modules.is_empty() {
            package.compiled = Some((*host).clone());
            bundles.push(Bundle { index, compiled, modules });
        }
    }
    if bundles.is_empty() {
        return;
    }
    for file in &package.files {
        let marked = |(_, compiled): &(&Arc<str>, &Compiled)| {
            compiled.template_marks.iter().any(|mark| holds(&file.source.text, mark))
        };
        if matches!(file.kind, FileKind::Script | FileKind::Text) && known.iter().any(marked) {
            skipped.push(Skipped {
                path: file.source.path.clone(),
                reason: SkipReason::Compiled,
                bytes: file.source.bytes,
            });
        }
    }
    let mut taken: HashSet<Arc<str>> = package.files.iter().map(|file| file.source.path.clone()).collect();
    for bundle in &bundles {
        taken.remove(&package.files[bundle.index].source.path);
    }
    let mut parts: Vec<PackageFile> = Vec::new();
    let mut bodies: HashMap<Arc<str>, Arc<str>> = HashMap::new();
    let mut names: Vec<(Arc<str>, Arc<str>, Arc<str>)> = Vec::new();
    for Bundle { index, compiled, modules } in bundles {
        let whole = Arc::new(package.files[index].source.clone());
        let mut rest = whole.text.as_bytes().to_vec();
        for module in modules {
            let mut told = |reason| {
                let path = Arc::from(format!("{}: {}", whole.path, module.name));
                skipped.push(Skipped { path, reason, bytes: u64::from(module.body.len()) });
            };
            let Some(path) = path_of(&module) else {
                told(SkipReason::Outside);
                continue;
            };
            let path: Arc<str> = path.into();
            let body = module.body.slice(&whole.text);
            // Where pages are loaded late, several bundles carry the same module.
            let copy = bodies.get(&path).is_some_and(|first| **first == *body);
            if !copy && !taken.insert(path.clone()) {
                told(SkipReason::Duplicate);
                continue;
            }
            for byte in &mut rest[module.body.start as usize..module.body.end as usize] {
                if !matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            names.push((whole.path.clone(), module.name.as_str().into(), path.clone()));
            if copy {
                continue;
            }
            let source = SourceFile::carve(path.clone(), body, &whole, module.body.start);
            bodies.insert(path.clone(), source.text.clone());
            if let Some(route) = &module.route {
                package.routes.push(route.as_str().into());
            }
            let renamed = module
                .parameters
                .iter()
                .zip(&compiled.parameters)
                .filter(|(own, host)| !own.is_empty() && own.as_str() != &***host)
                .map(|(own, host)| (own.as_str().into(), host.clone()))
                .collect();
            let origin = origin(&path).or_else(|| knowledge.library(&path, body)).unwrap_or(Origin::Own);
            parts.push(PackageFile {
                source,
                kind: FileKind::Script,
                origin,
                json: None,
                json_errors: Vec::new(),
                renamed,
            });
        }
        // Modules are blank in what is left: every byte is read once.
        let rest = String::from_utf8(rest).unwrap_or_default();
        let path = if taken.insert(whole.path.clone()) {
            whole.path.clone()
        } else {
            Arc::from(format!("{}:bundle", whole.path))
        };
        let file = Arc::make_mut(&mut package.files[index]);
        file.source = SourceFile::carve(path.clone(), rest, &whole, 0);
        file.source.bytes = whole.bytes;
        package.bundles.push(path);
    }
    package.files.extend(parts.into_iter().map(Arc::new));
    package.index();
    package.modules =
        names.into_iter().filter_map(|(bundle, name, path)| Some(((bundle, name), package.file(&path)?))).collect();
}

fn holds(text: &str, mark: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some()
}

/// Where a module would stand in the source: by the route it runs for, else by its name.
fn path_of(module: &Module) -> Option<String> {
    let named = |name: &str| {
        let script = [".js", ".ts"].iter().any(|suffix| name.ends_with(suffix));
        safe_path(name.trim_start_matches('/')).map(|path| if script { path } else { format!("{path}.js") })
    };
    match &module.route {
        Some(route) => named(&format!("{route}.js")),
        None => named(&module.name),
    }
}

/// A compiled list of pages names those of sub-packages with and without their root, and in the main list, too.
pub(super) fn settle_routes(package: &mut Package) {
    let mut pages: Vec<PageEntry> = Vec::with_capacity(package.pages.len());
    for mut page in std::mem::take(&mut package.pages) {
        if let Some(root) = &page.subpackage
            && let Some(rest) = page.route.strip_prefix(&**root).and_then(|rest| rest.strip_prefix('/'))
            && rest.strip_prefix(&**root).is_some_and(|rest| rest.starts_with('/'))
            && package.file(&format!("{}.js", page.route)).is_none()
        {
            page.route = rest.into();
        }
        match pages.iter_mut().find(|known| known.route == page.route) {
            Some(known) => known.subpackage = known.subpackage.take().or(page.subpackage),
            None => pages.push(page),
        }
    }
    package.pages = pages;
}

/// Pages of a compiled package whose templates are nowhere to be seen are told one by one.
pub(super) fn unseen(package: &Package, layouts: &[read::Layout], skipped: &mut Vec<Skipped>) {
    let Some(layout) = layouts.iter().find(|layout| layout.host == package.host) else { return };
    for page in package.pages.iter().filter(|page| package.file(&format!("{}.js", page.route)).is_some()) {
        let seen = layout
            .template_extensions
            .iter()
            .any(|extension| package.file(&format!("{}.{extension}", page.route)).is_some());
        if !seen {
            skipped.push(Skipped { path: page.route.clone(), reason: SkipReason::Compiled, bytes: 0 });
        }
    }
}
