//! `security/debug-enabled`

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::model;
use crate::model::ir::{Pattern, Script};
use crate::model::sites::{self, Root};
use crate::package::{FileKind, Origin};
use crate::rules::privacy::evidence::calls;
use crate::rules::{Confidence, Context, Edit, Finding, Fix, Rule, Severity};
use crate::source::{FileId, Span};
use crate::syntax::json::{Json, JsonValue};

/// Debugging is switched on in the package.
pub struct DebugEnabled;

const ID: &str = "security/debug-enabled";

impl Rule for DebugEnabled {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let words = cx.policy.privacy.security();
        let mut seen: BTreeSet<Place> = BTreeSet::new();
        for (call, api) in calls(cx, "debug-switch") {
            let on = api.param("on").and_then(|path| call.arg(path)).and_then(|value| value.boolean);
            if on != Some(false) && seen.insert(call.place) {
                out.push(Finding::new(ID, call.place).text("what", &*call.api));
            }
        }
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.origin != Origin::Own {
                continue;
            }
            match file.kind {
                FileKind::Script => script(cx, id, &mut seen, out),
                FileKind::Json => {
                    let Some(json) = &file.json else { continue };
                    if Some(id) == cx.package.project {
                        url_check(id, json, out);
                    } else if Some(id) == cx.package.app || matches!(file.source.name(), "ext.json" | "config.json") {
                        for property in json.properties() {
                            if words.debug_keys.iter().any(|key| **key == *property.key)
                                && property.value.as_bool() == Some(true)
                            {
                                let place = Place { file: id, span: property.value.span };
                                let key = Place { file: id, span: property.key_span };
                                out.push(Finding::new(ID, key).text("what", &*property.key).fix(Fix {
                                    title: "switch-off",
                                    safe: true,
                                    edits: vec![Edit { place, text: "false".into() }],
                                }));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// A domain check that is switched off in the project's settings.
fn url_check(file: FileId, json: &Json, out: &mut Vec<Finding>) {
    let setting = json.get("setting").or_else(|| json.get("developType")).unwrap_or(json);
    for object in [json, setting] {
        if let Some(property) = object.property("urlCheck")
            && matches!(property.value.value, JsonValue::Bool(false))
        {
            out.push(
                Finding::new(ID, Place { file, span: property.key_span })
                    .variant("domain-check")
                    .severity(Severity::Note)
                    .text("what", "urlCheck"),
            );
            return;
        }
    }
}

fn script(cx: &Context<'_>, file: FileId, seen: &mut BTreeSet<Place>, out: &mut Vec<Finding>) {
    let words = cx.policy.privacy.security();
    let Some(script) = cx.program.script(file) else { return };
    let text = &cx.package.source(file).text;
    let mut left_out: Option<model::LeftOut> = None;
    let mut is_off = |span: Span| left_out.get_or_insert_with(|| model::left_out(script)).holds(span);
    // Tools that show logs on the screen.
    let tools = words.debug_modules.iter().any(|module| text.contains(&**module)) || text.contains("VConsole");
    if tools {
        for site in sites::call_sites(script) {
            let name = site.chain.last().map_or("", |name| &**name);
            let from_tool = matches!(&site.root, Root::Module(request) if words.debug_modules.iter().any(|module| request.contains(&**module)));
            if (site.constructs && name == "VConsole" || from_tool && matches!(name, "init" | "default" | "VConsole"))
                && !is_off(site.span)
                && seen.insert(Place { file, span: site.span })
            {
                out.push(Finding::new(ID, Place { file, span: site.span }).text("what", name));
            }
        }
    }
    // `debug: true`, `const DEBUG = true`
    for key in &words.debug_keys {
        for (at, found) in text.match_indices(&**key) {
            let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
            if text[..at].chars().next_back().is_some_and(|c| word(c) || c == '.' || c == '-') {
                continue;
            }
            let after = text[at + found.len()..].trim_start_matches(['"', '\'']).trim_start();
            let Some(value) =
                after.strip_prefix(':').or_else(|| after.strip_prefix('=').filter(|rest| !rest.starts_with('=')))
            else {
                continue;
            };
            let value = value.trim_start();
            let on = ["true", "!0"]
                .iter()
                .any(|on| value.strip_prefix(on).is_some_and(|rest| !rest.chars().next().is_some_and(word)));
            let span = Span::new(at as u32, (at + found.len()) as u32);
            if !on
                || script.comments.iter().any(|comment| comment.contains(span))
                || is_default(script, at as u32)
                || is_off(span)
            {
                continue;
            }
            // `{enableDebug: true}` of a call that is told already.
            let place = Place { file, span };
            if seen.iter().any(|known| known.file == file && known.span.contains(span)) || !seen.insert(place) {
                continue;
            }
            out.push(Finding::new(ID, place).text("what", &**key).confidence(Confidence::Medium));
        }
    }
}

/// Whether a name is a parameter that has its value when nothing is handed over.
fn is_default(script: &Script, at: u32) -> bool {
    let defaults = |pattern: &Pattern| match pattern {
        Pattern::Default(target, _) => matches!(**target, Pattern::Var(_, span) if span.start == at),
        _ => false,
    };
    script.functions.iter().flat_map(|function| &function.params).any(|param| match &param.pattern {
        Pattern::Object { properties, .. } => properties.iter().any(|(_, inner)| defaults(inner)),
        pattern => defaults(pattern),
    })
}
