//! `package/missing-file`: components, icons, pictures, templates and modules that are named and not there.

use crate::flow::Place;
use crate::model::normalize;
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

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        self.components(cx, out);
        self.icons(cx, out);
        self.templates(cx, out);
        self.styles(cx, out);
        self.modules(cx, out);
    }
}

fn told(cx: &Context<'_>, file: FileId, span: Span, path: &str, what: &'static str) -> Finding {
    let finding = Finding::new(ID, Place { file, span }).text("path", path.to_owned()).word("what", what);
    // The name stands there in another case: found here, missing on the device.
    let folder = cx.package.source(file).folder();
    let wanted: Vec<String> = [format!("{folder}/{path}"), path.to_owned()]
        .iter()
        .filter_map(|path| Some(normalize(path)?.to_lowercase()))
        .collect();
    let all = cx.package.by_path.keys().chain(cx.package.assets.iter().map(|asset| &asset.path));
    let near = all.into_iter().find(|known| {
        if path.trim_start_matches(['.', '/']) == &***known {
            return false;
        }
        let known = known.to_lowercase();
        wanted.iter().any(|wanted| known == *wanted || known.rsplit_once('.').is_some_and(|(stem, _)| stem == wanted))
    });
    match near {
        Some(near) => finding.variant("case").text("near", near.to_string()),
        None => finding,
    }
}

/// A path that stands in the package: no address, no scheme, no hole.
fn local(path: &str) -> Option<&str> {
    let path = path.trim();
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let scheme = path.contains(':') || path.starts_with("//") || path.contains("{{") || path.contains("{=");
    (!path.is_empty() && !scheme && !path.ends_with('/')).then_some(path)
}

impl MissingFile {
    fn components(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut seen = std::collections::BTreeSet::new();
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
                    out.push(told(cx, config, property.value.span, path, "file-component"));
                }
            }
        }
    }

    fn icons(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        // The submission's icon, where the configuration that names it lies in the package.
        if let (Some(icon), Some(file)) = (&cx.package.submission.icon, cx.package.submission.file)
            && let Some(span) = cx.package.submission.spans.get("icon")
            && let Some(path) = local(icon)
            && !normalize(path).is_some_and(|path| exists(cx, &path))
        {
            out.push(told(cx, file, *span, path, "file-icon"));
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
                    out.push(told(cx, app, span, path, "file-icon"));
                }
            }
        }
    }

    fn templates(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if !cx.program.live_files.contains(&id) || !is_own(cx, id) {
                continue;
            }
            let folder = file.source.folder();
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
                    let found = bases
                        .iter()
                        .flatten()
                        .any(|base| extensions.iter().any(|extension| exists(cx, &format!("{base}{extension}"))));
                    if !found {
                        out.push(told(cx, id, value.span, path, what));
                    }
                }
            }
        }
    }

    fn styles(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let styles = cx.program.units.iter().filter(|unit| unit.live).filter_map(|unit| unit.style);
        let mut seen = std::collections::BTreeSet::new();
        for id in styles {
            if !seen.insert(id) || !is_own(cx, id) {
                continue;
            }
            let source = cx.package.source(id);
            let mut rest = 0;
            while let Some(at) = source.text[rest..].find("@import") {
                let start = rest + at + "@import".len();
                rest = start;
                let line = source.text[start..].lines().next().unwrap_or_default();
                let Some(open) = line.find(['"', '\'']) else { continue };
                let Some(close) = line[open + 1..].find(['"', '\'']) else { continue };
                let path = &line[open + 1..open + 1 + close];
                let Some(path) = local(path) else { continue };
                let in_comment = {
                    let before = &source.text[..start];
                    before.rfind("/*") > before.rfind("*/")
                };
                let folder = source.folder();
                let bases = [normalize(&format!("{folder}/{path}")), normalize(path)];
                if in_comment || bases.iter().flatten().any(|base| exists(cx, base)) {
                    continue;
                }
                let span = Span::new((start + open + 1) as u32, (start + open + 1 + close) as u32);
                out.push(told(cx, id, span, path, "file-style"));
            }
        }
    }

    fn modules(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
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
                if !found && !unbuilt(cx, path) && seen.insert(base) {
                    out.push(told(cx, id, require.span, path, "file-module"));
                }
            }
        }
    }
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
