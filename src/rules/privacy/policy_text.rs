//! The privacy policy of a package: whether there is one, and what it says.

use super::evidence::{calls, is_live, live_units, text_of};
use crate::model::UnitKind;
use crate::package::FileKind;
use crate::rules::Context;
use crate::source::FileId;
use crate::syntax::json::JsonValue;
use crate::syntax::template::{NodeId, NodeKind, Part};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct PolicyFound {
    /// Whether a page, link, file or declaration is there.
    pub exists: bool,
    /// What it says, as far as the package shows it; empty when it stands elsewhere.
    pub text: String,
}

impl PolicyFound {
    /// Whether there is enough text to say that something is missing from it.
    pub fn readable(&self, cx: &Context<'_>) -> bool {
        let length = self.text.chars().filter(|c| c.is_alphanumeric()).count();
        length >= 24 || length >= 12 && cx.policy.privacy.tells_collecting(&self.text)
    }
}

/// Looks for the policy: what was declared, pages, files, links, the host's own gate.
pub fn find(cx: &Context<'_>) -> PolicyFound {
    let mut out = PolicyFound::default();
    if let Some(text) = &cx.package.submission.privacy_policy_text {
        out.exists = true;
        out.text.push_str(text);
        out.text.push('\n');
    }
    if let Some(path) = &cx.package.submission.privacy_policy {
        declared(cx, path, &mut out);
    }
    pages(cx, &mut out);
    files(cx, &mut out);
    if !out.exists {
        out.exists = links(cx) || gate(cx);
    }
    out
}

/// Characters of the shortest text of a script that is read as a sentence.
const SENTENCE: usize = 10;

/// All text of a page: its templates and, for what they bind, what its script and the files that it requires say in no
/// fewer than `shortest` characters.
fn page_text(cx: &Context<'_>, templates: &[FileId], script: Option<FileId>, shortest: usize) -> String {
    let mut text = String::new();
    for file in templates {
        text.push_str(&text_of(cx.program, *file, 0));
        text.push('\n');
    }
    let bound = templates.iter().any(|file| {
        cx.program.template(*file).is_some_and(|template| {
            template.document.nodes.iter().any(|node| match &node.kind {
                NodeKind::Text(parts) => parts.iter().any(|part| matches!(part, Part::Interpolation { .. })),
                NodeKind::Element(element) => matches!(&*element.name, "rich-text" | "web-view" | "text"),
                _ => false,
            })
        })
    });
    if let (true, Some(script)) = (bound, script) {
        let texts = cx.program.texts(cx.package);
        let required =
            cx.program.requires.get(script.index()).into_iter().flatten().filter_map(|require| require.target);
        for run in std::iter::once(script).chain(required).flat_map(|file| texts.of_file(file)) {
            // What is short names something else: a title, a key.
            if run.role.is_judged() && run.text.text.chars().count() >= shortest {
                text.push_str(&run.text.text);
                text.push('\n');
            }
        }
    }
    text
}

fn declared(cx: &Context<'_>, path: &str, out: &mut PolicyFound) {
    if path.starts_with("http://") || path.starts_with("https://") {
        out.exists = true;
        return;
    }
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let route = path.rsplit_once('.').map_or(path, |(route, _)| route);
    if let Some(unit) = cx.program.by_route.get(route).and_then(|id| cx.program.units.get(*id as usize)) {
        out.exists = true;
        out.text.push_str(&page_text(cx, &unit.templates, unit.script, 0));
    } else if let Some(file) = cx.package.file(path) {
        out.exists = true;
        out.text.push_str(&cx.package.source(file).text);
    } else if !out.text.is_empty() {
        out.exists = true;
    }
}

fn pages(cx: &Context<'_>, out: &mut PolicyFound) {
    for unit in live_units(cx).filter(|unit| unit.kind == UnitKind::Page) {
        let title = unit
            .config
            .and_then(|config| cx.package.files[config.index()].json.as_ref())
            .and_then(|json| json.get("navigationBarTitleText"))
            .and_then(|title| title.as_str())
            .unwrap_or("");
        let by_title = cx.policy.privacy.policy_route(title);
        let by_route = cx.policy.privacy.policy_route(&unit.route);
        let text = |shortest| page_text(cx, &unit.templates, unit.script, shortest);
        match (by_title, by_route) {
            (Some(true), _) | (_, Some(true)) => {
                let text = text(0);
                let elements = unit.templates.iter().any(|file| cx.program.elements(*file).next().is_some());
                if !text.trim().is_empty() || elements {
                    out.exists = true;
                    out.text.push_str(&text);
                }
            }
            (Some(false), _) | (_, Some(false)) => {
                let text = text(SENTENCE);
                // An agreement that only names a policy is none.
                if cx.policy.privacy.consent_text(&text).privacy && cx.policy.privacy.tells_collecting(&text) {
                    out.exists = true;
                    out.text.push_str(&text);
                }
            }
            _ => {
                // A page under another name that is the policy all the same: a long text that begins with its name.
                let own: String = unit.templates.iter().map(|file| text_of(cx.program, *file, 0)).collect();
                let head: String = own.trim_start().chars().take(40).collect();
                let long = own.chars().count() > 300 && cx.policy.privacy.consent_text(&head).policy;
                if long || is_headed(cx, &own) {
                    out.exists = true;
                    out.text.push_str(&own);
                }
            }
        }
    }
}

/// Whether a text has the name of a policy as its heading, and under it says what is collected, and asks for nothing.
fn is_headed(cx: &Context<'_>, text: &str) -> bool {
    const HEADING: usize = 12;
    let Some((heading, rest)) = text.trim().split_once(' ') else { return false };
    let says = cx.policy.privacy.consent_text(rest);
    heading.chars().count() <= HEADING
        && cx.policy.privacy.consent_text(heading).policy
        && !says.agreement
        && cx.policy.privacy.tells_collecting(rest)
}

fn files(cx: &Context<'_>, out: &mut PolicyFound) {
    for file in &cx.package.files {
        let text = &file.source.text;
        let named = cx.policy.privacy.policy_route(file.source.name()) == Some(true);
        let is_text = file.kind == FileKind::Text && !file.source.name().eq_ignore_ascii_case("readme.md");
        let is_data = named && matches!(file.kind, FileKind::Json | FileKind::Script) && !text.is_ascii() && {
            let stem = file.source.path.rsplit_once('.').map_or("", |(stem, _)| stem);
            !cx.program.by_route.contains_key(stem)
        };
        if (named && (is_text || is_data)) && cx.policy.privacy.consent_text(text).privacy && text.chars().count() > 60
        {
            out.exists = true;
            out.text.push_str(text);
            out.text.push('\n');
        }
    }
}

/// A control that names the policy and leads somewhere, or an address of one.
fn links(cx: &Context<'_>) -> bool {
    for unit in live_units(cx) {
        for file in &unit.templates {
            let Some(template) = cx.program.template(*file) else { continue };
            for (id, node) in template.document.nodes.iter().enumerate() {
                let NodeKind::Text(parts) = &node.kind else { continue };
                let text: String = parts.iter().filter_map(Part::literal).collect();
                if cx.policy.privacy.consent_text(&text).policy
                    && (is_live(cx, *file, node.parent) || is_live(cx, *file, id as NodeId))
                {
                    return true;
                }
            }
        }
    }
    // An address that the package opens.
    cx.solution.navigations.iter().any(|navigation| {
        let target = navigation.target.pieces.concat();
        target.split('?').next().is_some_and(|path| cx.policy.privacy.policy_route(path) == Some(true))
            && cx.program.by_route.contains_key(target.split('?').next().unwrap_or("").trim_start_matches('/'))
            || target.contains("http") && cx.policy.privacy.policy_route(&target) == Some(true)
    })
}

/// The host keeps and shows the policy itself.
fn gate(cx: &Context<'_>) -> bool {
    let declared = cx
        .package
        .app_json()
        .and_then(|app| app.get("__usePrivacyCheck__"))
        .is_some_and(|value| matches!(value.value, JsonValue::Bool(true)));
    let button = cx.policy.host(&cx.package.host).is_some_and(|host| {
        live_units(cx).flat_map(|unit| &unit.templates).any(|file| {
            cx.program.elements(*file).any(|(_, element)| {
                super::evidence::literal(element, "open-type").is_some_and(|open| {
                    host.components
                        .get(&element.name)
                        .and_then(|component| component.open_types.get(open.as_str()))
                        .is_some_and(|open| open.roles.iter().any(|role| &**role == "privacy-agreement"))
                })
            })
        })
    });
    declared || button || calls(cx, "privacy-authorize").next().is_some()
}
