//! `package/missing-file`: components, icons, pictures, templates and modules that are named and not there.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::flow::Place;
use crate::model::ir::{ExprKind, Property, Script, Stmt, StmtKind};
use crate::model::normalize;
use crate::package::Package;
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::json::Json;

use super::{exists, is_own};

/// Looks up every local path that configuration, templates, style sheets and scripts name.
pub struct MissingFile;

const ID: &str = "package/missing-file";

impl Rule for MissingFile {
    fn id(&self) -> &'static str {
        ID
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut lookup = Lookup { cx, spellings: OnceCell::new(), out };
        lookup.components();
        lookup.icons();
        lookup.templates();
        lookup.styles();
        lookup.modules();
        lookup.pictures();
    }
}

/// Paths of the package in lower case, with and without their extension: where each stands among all.
struct Spellings<'a> {
    paths: Vec<&'a str>,
    places: HashMap<String, Vec<u32>>,
}

impl<'a> Spellings<'a> {
    fn new(package: &'a Package) -> Self {
        let paths: Vec<&str> =
            package.by_path.keys().chain(package.assets.iter().map(|asset| &asset.path)).map(|path| &**path).collect();
        let mut places: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, path) in paths.iter().enumerate() {
            let lower = path.to_lowercase();
            if let Some((stem, _)) = lower.rsplit_once('.') {
                places.entry(stem.to_owned()).or_default().push(at as u32);
            }
            places.entry(lower).or_default().push(at as u32);
        }
        Self { paths, places }
    }
}

/// What names are looked up in, and where findings go.
struct Lookup<'c, 'o> {
    cx: &'c Context<'c>,
    spellings: OnceCell<Spellings<'c>>,
    out: &'o mut Vec<Finding>,
}

impl Lookup<'_, '_> {
    fn told(&mut self, file: FileId, span: Span, path: &str, what: &'static str) {
        let finding = Finding::new(ID, Place { file, span }).text("path", path.to_owned()).word("what", what);
        // The name stands there in another case: found here, missing on the device.
        let folder = self.cx.package.source(file).folder();
        let spellings = self.spellings.get_or_init(|| Spellings::new(self.cx.package));
        let written = path.trim_start_matches(['.', '/']);
        let near = [format!("{folder}/{path}"), path.to_owned()]
            .iter()
            .filter_map(|path| {
                let path = normalize(path)?;
                let at = spellings.places.get(&path.to_lowercase())?;
                // In the same case it is another kind of file.
                Some(at.iter().copied().filter(move |at| !spellings.paths[*at as usize].starts_with(&*path)))
            })
            .flatten()
            .filter(|at| spellings.paths[*at as usize] != written)
            .min()
            .map(|at| spellings.paths[at as usize]);
        self.out.push(match near {
            Some(near) => finding.variant("case").text("near", near.to_owned()),
            None => finding,
        });
    }
}

/// A path that stands in the package: no address, no scheme, no hole.
fn local(path: &str) -> Option<&str> {
    let path = path.trim();
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let scheme = path.contains(':') || path.starts_with("//") || path.contains("{{") || path.contains("{=");
    (!path.is_empty() && !scheme && !path.ends_with('/')).then_some(path)
}

impl Lookup<'_, '_> {
    fn components(&mut self) {
        let cx = self.cx;
        let mut seen = std::collections::BTreeSet::new();
        let mut packages: BTreeMap<&str, Vec<(FileId, Span, &str)>> = BTreeMap::new();
        for unit in cx.program.units.iter().filter(|unit| unit.live) {
            let Some(config) = unit.config.filter(|config| is_own(cx, *config)) else { continue };
            let Some(json) = &cx.package.files[config.index()].json else { continue };
            for key in ["usingComponents", "usingSwanComponents"] {
                for property in json.get(key).map_or(&[][..], Json::properties) {
                    let Some(path) = property.value.as_str() else { continue };
                    let found = unit.components.get(property.key.to_lowercase().as_str());
                    if !matches!(found, Some(None)) || local(path).is_none() {
                        continue;
                    }
                    // An npm package that is built in before upload.
                    let npm = !path.starts_with(['.', '/']) && cx.package.file("package.json").is_some();
                    let absolute = if path.starts_with('/') {
                        normalize(path)
                    } else {
                        normalize(&format!("{}/{path}", cx.package.source(config).folder()))
                    };
                    if npm || weui(path) || unbuilt(cx, path) || !seen.insert(absolute) {
                        continue;
                    }
                    match library(cx, config, path) {
                        Some(name) => packages.entry(name).or_default().push((config, property.value.span, path)),
                        None => self.told(config, property.value.span, path, "file-component"),
                    }
                }
            }
        }
        for (name, places) in packages {
            match places[..] {
                [(file, span, path)] => self.told(file, span, path, "file-component"),
                // One fact, however often it is used.
                [(file, span, _), ..] => self.out.push(
                    Finding::new(ID, Place { file, span })
                        .variant("library")
                        .text("path", name.to_owned())
                        .text("count", places.len().to_string()),
                ),
                [] => {}
            }
        }
    }

    fn icons(&mut self) {
        let cx = self.cx;
        // The submission's icon, where the configuration that names it lies in the package.
        if let (Some(icon), Some(file)) = (&cx.package.submission.icon, cx.package.submission.file)
            && let Some(span) = cx.package.submission.spans.get("icon")
            && let Some(path) = local(icon)
            && !normalize(path).is_some_and(|path| exists(cx, &path))
        {
            self.told(file, *span, path, "file-icon");
        }
        let (Some(app), Some(json)) = (cx.package.app, cx.package.app_json()) else { return };
        let Some(bar) = json.get("tabBar") else { return };
        for tab in bar.get("list").or_else(|| bar.get("items")).map_or(&[][..], Json::items) {
            for key in ["iconPath", "selectedIconPath", "icon", "activeIcon"] {
                let Some((span, path)) = tab.get(key).and_then(|icon| Some((icon.span, icon.as_str()?))) else {
                    continue;
                };
                let Some(path) = local(path) else { continue };
                if !normalize(path).is_some_and(|path| exists(cx, &path)) && !path.starts_with('@') {
                    self.told(app, span, path, "file-icon");
                }
            }
        }
    }

    fn templates(&mut self) {
        let cx = self.cx;
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if !cx.program.live_files.contains(&id) || !is_own(cx, id) {
                continue;
            }
            let folder = file.source.folder();
            // What an imported template draws is looked up where the page or component that uses it stands.
            let users: Vec<&str> = cx
                .program
                .units
                .iter()
                .filter(|unit| unit.template != Some(id) && unit.templates.contains(&id))
                .map(|unit| unit.route.rsplit_once('/').map_or("", |(folder, _)| folder))
                .collect();
            for (_, element) in cx.program.elements(id) {
                let Some(component) = host.components.get(&element.name) else { continue };
                let has_role = |role: &str| component.roles.iter().any(|own| &**own == role);
                let what = if has_role("image") || has_role("video") || has_role("audio") {
                    "file-media"
                } else if has_role("include") || has_role("import") || has_role("view-script") {
                    "file-template"
                } else {
                    continue;
                };
                for attribute in &element.attributes {
                    if !component.url_attributes.contains(&attribute.name) {
                        continue;
                    }
                    let Some(value) = &attribute.value else { continue };
                    let Some(text) = value.literal() else { continue };
                    let Some(path) = local(&text) else { continue };
                    let mut extensions = vec![String::new()];
                    if what == "file-template" {
                        let known = host.info.template_extensions.iter().chain(&host.info.view_script_extensions);
                        extensions.extend(known.map(|extension| format!(".{extension}")));
                        extensions.push(".js".to_owned());
                    }
                    let bases = [normalize(&format!("{folder}/{path}")), normalize(path)];
                    let bases = if path.starts_with('/') { &bases[1..] } else { &bases[..] };
                    let media = what == "file-media" && !path.starts_with('/');
                    let there = users.iter().filter(|_| media).map(|user| normalize(&format!("{user}/{path}")));
                    let found = bases
                        .iter()
                        .cloned()
                        .chain(there)
                        .flatten()
                        .any(|base| extensions.iter().any(|extension| exists(cx, &format!("{base}{extension}"))));
                    if !found && !cx.readings.drawn.never(cx, id, value.span) {
                        self.told(id, value.span, path, what);
                    }
                }
            }
        }
    }

    fn styles(&mut self) {
        let cx = self.cx;
        let styles = cx.program.units.iter().filter(|unit| unit.live).filter_map(|unit| unit.style);
        let mut seen = std::collections::BTreeSet::new();
        for id in styles {
            if !seen.insert(id) || !is_own(cx, id) {
                continue;
            }
            let source = cx.package.source(id);
            for name in named_by_style(&source.text) {
                let Some(path) = local(name.path(&source.text)) else { continue };
                if name.what == "file-media" && !is_picture(path) {
                    continue;
                }
                let folder = source.folder();
                let bases = [normalize(&format!("{folder}/{path}")), normalize(path)];
                if !bases.iter().flatten().any(|base| exists(cx, base)) {
                    self.told(id, name.span, path, name.what);
                }
            }
        }
    }

    /// Pictures that data of scripts names, beside others that are there: no folder of the package is one of a server.
    fn pictures(&mut self) {
        let cx = self.cx;
        let mut folders: Option<HashSet<&str>> = None;
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..cx.package.files.len() {
            let id = FileId(index as u32);
            if !cx.program.live_files.contains(&id) || !is_own(cx, id) {
                continue;
            }
            let Some(script) = cx.program.script(id) else { continue };
            let mut found: Vec<(Span, String)> = Vec::new();
            script.for_each_expr(&mut |expr| {
                let ExprKind::Object(properties) = &expr.kind else { return };
                for property in properties {
                    let Property::Value(_, value) = property else { continue };
                    if let ExprKind::String(path) = &value.kind
                        && path.starts_with('/')
                        && is_picture(path)
                    {
                        found.push((value.span, path.to_string()));
                    }
                }
            });
            for (span, path) in found {
                let Some(route) = local(&path).and_then(normalize).filter(|route| !exists(cx, route)) else { continue };
                let folders = folders.get_or_insert_with(|| {
                    let pictures = cx.package.assets.iter().filter(|asset| is_picture(&asset.path));
                    pictures.filter_map(|asset| Some(asset.path.rsplit_once('/')?.0)).collect()
                });
                let beside = route.rsplit_once('/').is_some_and(|(folder, _)| folders.contains(folder));
                if beside && seen.insert(route) {
                    self.told(id, span, &path, "file-media");
                }
            }
        }
    }

    fn modules(&mut self) {
        let cx = self.cx;
        // One module that many files need is one finding.
        let mut seen = std::collections::BTreeSet::new();
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if !cx.program.live_files.contains(&id) || !is_own(cx, id) || cx.program.script(id).is_none() {
                continue;
            }
            for require in cx.program.requires.get(index).into_iter().flatten() {
                if require.target.is_some() || !require.request.starts_with(['.', '/']) {
                    continue;
                }
                let Some(path) = local(&require.request) else { continue };
                let base = if path.starts_with('/') {
                    normalize(path)
                } else {
                    normalize(&format!("{}/{path}", file.source.folder()))
                };
                let found = base.as_ref().is_none_or(|base| {
                    ["", ".js", ".ts", ".json", "/index.js", "/index.ts", ".d.ts"]
                        .iter()
                        .any(|extension| exists(cx, &format!("{base}{extension}")))
                });
                let optional = || cx.program.script(id).is_some_and(|script| is_tried(script, require.span));
                if !found && !unbuilt(cx, path) && !optional() && seen.insert(base) {
                    self.told(id, require.span, path, "file-module");
                }
            }
        }
    }
}

/// What a style sheet names.
struct Named {
    /// The path, quotes left out.
    span: Span,
    what: &'static str,
}

impl Named {
    fn path<'t>(&self, text: &'t str) -> &'t str {
        self.span.slice(text)
    }
}

/// Style sheets that one imports and pictures that it draws, in order; none in comments.
fn named_by_style(text: &str) -> Vec<Named> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(['@', 'u', '/']).map(|next| at + next) {
        let rest = &text[next..];
        at = next + 1;
        if rest.starts_with("@font-face") {
            // Its sources stand in for each other.
            at = rest.find('}').map_or(text.len(), |end| next + end);
        } else if rest.starts_with("/*") {
            at = rest.find("*/").map_or(text.len(), |end| next + end + 2);
        } else if rest.starts_with("@import") {
            let line = rest.lines().next().unwrap_or_default();
            at = next + line.len().min(line.find(';').unwrap_or(line.len())).max(1);
            let Some(open) = line.find(['"', '\'']) else { continue };
            let Some(close) = line[open + 1..].find(['"', '\'']) else { continue };
            let start = (next + open + 1) as u32;
            out.push(Named { span: Span::new(start, start + close as u32), what: "file-style" });
        } else if let Some(inside) = rest.strip_prefix("url(") {
            let Some(end) = inside.find([')', '\n']) else { continue };
            let quoted = inside[..end].trim().trim_matches(['"', '\'']);
            // Of an address that carries its data nothing is looked up.
            at = next + "url(".len() + end;
            let lead = inside[..end].find(quoted).unwrap_or(0);
            let start = (next + "url(".len() + lead) as u32;
            out.push(Named { span: Span::new(start, start + quoted.len() as u32), what: "file-media" });
        }
    }
    out
}

fn is_picture(path: &str) -> bool {
    let extension = path.split(['?', '#']).next().unwrap_or(path).rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        ["png", "jpg", "jpeg", "gif", "webp", "svg", "bmp"].iter().any(|known| known.eq_ignore_ascii_case(extension))
    })
}

/// Whether a component comes with the host's extended library.
fn weui(path: &str) -> bool {
    path.starts_with("weui-miniprogram/")
}

/// Whether a path leads into a folder of npm modules that is made before upload and is not there at all.
fn unbuilt(cx: &Context<'_>, path: &str) -> bool {
    ["miniprogram_npm", "node_modules", "swan_modules"].into_iter().any(|folder| {
        path.split('/').any(|part| part == folder)
            && !cx.package.by_path.keys().any(|known| known.split('/').any(|part| part == folder))
    })
}

/// The package of components that a path leads into, where neither its user's folder nor the root has a folder of that name.
fn library<'p>(cx: &Context<'_>, user: FileId, path: &'p str) -> Option<&'p str> {
    if path.starts_with(['.', '/']) {
        return None;
    }
    let first = path.split('/').next()?;
    let name = match path[first.len()..].strip_prefix('/') {
        Some(rest) if first.starts_with('@') => &path[..first.len() + 1 + rest.split('/').next()?.len()],
        Some(_) => first,
        None => return None,
    };
    let folder = cx.package.source(user).folder();
    let known = [format!("{first}/"), format!("{folder}/{first}/")];
    let own = matches!(first, "components" | "component" | "pages" | "page")
        || cx.package.by_path.keys().any(|file| known.iter().any(|folder| file.starts_with(&**folder)));
    (!own).then_some(name)
}

/// Whether a request stands in a `try` whose `catch` does without it.
fn is_tried(script: &Script, request: Span) -> bool {
    fn tried(block: &[Stmt], request: Span) -> bool {
        block.iter().filter(|stmt| stmt.span.contains(request)).any(|stmt| match &stmt.kind {
            StmtKind::Try { block, handler, .. } => {
                handler.is_some() && block.iter().any(|stmt| stmt.span.contains(request))
            }
            StmtKind::If(_, then, other) => tried(then, request) || tried(other, request),
            StmtKind::Block(_, body) => tried(body, request),
            _ => false,
        })
    }
    script.functions.iter().any(|function| tried(&function.body, request))
}
