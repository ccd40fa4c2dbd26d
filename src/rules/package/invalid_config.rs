//! `package/invalid-config`: configuration files that the host does not read as they are meant.

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::package::FileKind;
use crate::policy::configuration::{Configuration, Field, FieldKind};
use crate::policy::host::Host;
use crate::rules::{Confidence, Context, Finding, Rule, Severity};
use crate::source::{FileId, Span};
use crate::syntax::json::{Json, JsonValue, notes};

use super::{app_start, is_own, nearest};

/// Checks `app.json`, page, component and project files against the host's schema.
pub struct InvalidConfig;

const ID: &str = "package/invalid-config";

impl Rule for InvalidConfig {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let mut seen = BTreeSet::new();
        let mut files: Vec<(FileId, &str)> = Vec::new();
        if let Some(app) = cx.package.written_app() {
            // A game without a configuration of the host's own table is not judged.
            files.push((app, if cx.package.source(app).name() == "game.json" { "game.json" } else { "app.json" }));
        }
        for unit in cx.program.units.iter().filter(|unit| unit.live) {
            let Some(config) = unit.config else { continue };
            if Some(config) != cx.package.app {
                files.push((config, if unit.page.is_some() { "page" } else { "component" }));
            }
        }
        for (name, _) in host.configuration.files.iter().filter(|(name, _)| name.ends_with(".json")) {
            if let Some(file) = cx.package.file(name) {
                files.push((file, name));
            }
        }
        files.extend(cx.package.project.map(|file| (file, cx.package.source(file).name())));
        for (file, kind) in files {
            if !seen.insert(file) || !is_own(cx, file) {
                continue;
            }
            let check = Check { cx, host, config: &host.configuration, file, out };
            check.run(kind);
        }
        icon(cx, out);
        if let Some(app) = cx.package.written_app() {
            let mut check = Check { cx, host, config: &host.configuration, file: app, out };
            check.pages();
            check.tabs();
            check.preload();
            check.requirements();
        }
    }
}

struct Check<'c, 'o> {
    cx: &'c Context<'c>,
    host: &'c Host,
    config: &'c Configuration,
    file: FileId,
    out: &'o mut Vec<Finding>,
}

impl Check<'_, '_> {
    fn told(&self, span: Span, variant: &'static str) -> Finding {
        Finding::new(ID, Place { file: self.file, span }).variant(variant)
    }

    fn run(mut self, kind: &str) {
        let file = &self.cx.package.files[self.file.index()];
        if file.kind != FileKind::Json {
            return;
        }
        let Some(json) = &file.json else {
            let empty = file.source.text.trim().is_empty();
            // An empty page file is read as an empty object.
            if !(empty && matches!(kind, "page" | "component")) {
                let span = file.json_errors.last().map_or(Span::at(0), |(span, _)| *span);
                self.out.push(self.told(span, if empty { "empty" } else { "broken" }));
            }
            return;
        };
        let lax = file.json_errors.iter().find(|(_, note)| &**note != notes::EMPTY);
        if let Some((span, note)) = lax {
            let duplicate = &**note == notes::DUPLICATE_KEY;
            let variant = if duplicate { "duplicate-key" } else { "lax" };
            let text = span.slice(&file.source.text).lines().next().unwrap_or_default();
            let text: String = text.chars().take(40).collect();
            self.out.push(self.told(*span, variant).text("key", text).severity(Severity::Warning));
        }
        let Some(schema) = self.config.files.get(kind).cloned() else { return };
        if matches!(json.value, JsonValue::Object(_)) {
            self.object(json, &schema, "");
        } else {
            self.out
                .push(self.told(json.span, "wrong-type").text("key", kind.to_owned()).word("expected", "type-object"));
        }
    }

    fn object(&mut self, json: &Json, schema: &str, path: &str) {
        let keys = self.config.keys(schema);
        for property in json.properties() {
            let name = join(path, &property.key);
            if let Some(field) = self.config.field(schema, &property.key) {
                let field = field.clone();
                self.field(&property.value, &field, &name);
                continue;
            }
            if path.is_empty() {
                let other = self.config.foreign_keys.iter().find(|(_, keys)| keys.contains(&property.key));
                if let Some((other, _)) = other.filter(|_| schema == "app") {
                    let other = self.cx.policy.hosts.info(other).map_or("", |info| &info.name_en).to_owned();
                    let finding = self.told(property.key_span, "foreign-key").text("key", name).text("host", other);
                    self.out.push(finding.severity(Severity::Warning));
                    continue;
                }
                let window = self.config.files.get("app.json").and_then(|app| self.config.field(app, "window"));
                let of_window = window
                    .and_then(|window| window.of.as_deref())
                    .is_some_and(|window| self.config.field(window, &property.key).is_some());
                if schema == "app" && of_window {
                    self.out
                        .push(self.told(property.key_span, "misplaced").text("key", name).text("suggestion", "window"));
                    continue;
                }
                if schema == "page" && &*property.key == "window" && !property.value.properties().is_empty() {
                    self.out
                        .push(self.told(property.key_span, "wrapped").text("key", name).severity(Severity::Warning));
                    continue;
                }
            }
            if let Some(near) = nearest(&property.key, keys.iter().map(|(key, _)| &***key))
                && json.get(near).is_none()
            {
                let finding = self.told(property.key_span, "unknown-key").text("key", name).text("suggestion", near);
                self.out.push(finding.severity(Severity::Warning).confidence(Confidence::Medium));
            }
        }
        for (key, field) in keys {
            if field.required && json.get(key).is_none() {
                let place = if path.is_empty() && schema == "app" {
                    Span::at(0)
                } else {
                    Span::new(json.span.start, json.span.start + 1)
                };
                self.out.push(self.told(place, "missing-key").text("key", join(path, key)));
            }
        }
    }

    fn field(&mut self, json: &Json, field: &Field, path: &str) {
        let wrong = match (&json.value, field.kind) {
            (_, FieldKind::Any)
            | (JsonValue::Bool(_), FieldKind::Boolean)
            | (JsonValue::Number(_), FieldKind::Number)
            | (JsonValue::Array(_), FieldKind::Array)
            | (JsonValue::Object(_), FieldKind::Object | FieldKind::Map)
            | (JsonValue::String(_), FieldKind::String | FieldKind::Color | FieldKind::Route) => None,
            (JsonValue::String(text), FieldKind::Boolean) if field.lenient && matches!(&**text, "true" | "false") => {
                None
            }
            (JsonValue::String(text), FieldKind::Number) if field.lenient && text.parse::<f64>().is_ok() => None,
            // A page may be an object with a path.
            (JsonValue::Object(_), FieldKind::Route) => None,
            (_, kind) => Some(kind),
        };
        if let Some(kind) = wrong {
            let finding = self.told(json.span, "wrong-type").text("key", path.to_owned()).word("expected", word(kind));
            self.out.push(finding);
            return;
        }
        let text = json.as_str();
        if let Some(text) = text {
            if !field.values.is_empty() && !theme(text) && !field.values.iter().any(|value| **value == *text) {
                self.wrong_value(json.span, path, text, &field.values);
            }
            if field.kind == FieldKind::Color && !theme(text) && !is_color(text) {
                self.out.push(self.told(json.span, "color").text("key", path.to_owned()).text("value", text));
            }
        }
        let number = match &json.value {
            JsonValue::Number(number) => number.parse().ok(),
            JsonValue::String(text) if field.kind == FieldKind::Number => text.parse().ok(),
            _ => None,
        };
        if let Some(number) = number {
            let number: f64 = number;
            if field.min.is_some_and(|min| number < min) || field.max.is_some_and(|max| number > max) {
                self.range(json.span, "range", path, field);
            }
        }
        match field.kind {
            FieldKind::Object => {
                if let Some(of) = &field.of {
                    self.object(json, of, path);
                }
            }
            FieldKind::Array => {
                let count = json.items().len() as f64;
                if field.min.is_some_and(|min| count < min) || field.max.is_some_and(|max| count > max) {
                    self.range(json.span, "count", path, field);
                }
                for item in json.items() {
                    self.item(item, field, path);
                }
            }
            FieldKind::Map => {
                for property in json.properties() {
                    self.item(&property.value, field, &join(path, &property.key));
                }
            }
            _ => {}
        }
    }

    fn item(&mut self, json: &Json, field: &Field, path: &str) {
        let Some(of) = &field.of else { return };
        let item = match FieldKind::named(of) {
            Some(kind) => Field { kind, values: field.values.clone(), ..Field::default() },
            None => Field { kind: FieldKind::Object, of: Some(of.clone()), ..Field::default() },
        };
        self.field(json, &item, path);
    }

    fn wrong_value(&mut self, span: Span, path: &str, text: &str, values: &[std::sync::Arc<str>]) {
        let list = values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join("、");
        let finding =
            self.told(span, "wrong-value").text("key", path.to_owned()).text("value", text).text("values", list);
        self.out.push(finding);
    }

    fn range(&mut self, span: Span, variant: &'static str, path: &str, field: &Field) {
        let show = |bound: Option<f64>| bound.map_or_else(|| "…".to_owned(), |bound| format!("{bound}"));
        let finding = self
            .told(span, variant)
            .text("key", path.to_owned())
            .text("min", show(field.min))
            .text("max", show(field.max));
        self.out.push(finding);
    }

    /// No page stands twice.
    fn pages(&mut self) {
        let mut seen = BTreeSet::new();
        for page in &self.cx.package.pages {
            if !seen.insert(&page.route) {
                let finding = self.told(page.span, "duplicate-page").text("key", page.route.to_string());
                self.out.push(finding.severity(Severity::Warning));
            }
        }
    }

    /// Tabs are pages of the main package.
    fn tabs(&mut self) {
        let Some(bar) = self.cx.package.app_json().and_then(|app| app.get("tabBar")) else { return };
        for tab in bar.get("list").or_else(|| bar.get("items")).map_or(&[][..], Json::items) {
            let Some((span, path)) = tab.get("pagePath").and_then(|path| Some((path.span, path.as_str()?))) else {
                continue;
            };
            let route = crate::model::normalize(path).unwrap_or_default();
            let query = path.contains('?');
            let page = self.cx.package.pages.iter().find(|page| *page.route == *route);
            let variant = match page {
                _ if query => "tab-query",
                None => "unlisted-tab",
                Some(page) if page.subpackage.is_some() => "subpackage-tab",
                Some(_) => continue,
            };
            self.out.push(self.told(span, variant).text("key", path.to_owned()));
        }
    }

    /// Preloaded sub-packages exist.
    fn preload(&mut self) {
        let Some(app) = self.cx.package.app_json() else { return };
        let Some(rules) = app.get("preloadRule") else { return };
        let mut names: BTreeSet<String> = BTreeSet::from(["__APP__".to_owned()]);
        for list in ["subPackages", "subpackages"].iter().filter_map(|key| app.get(key)) {
            for part in list.items() {
                for key in ["root", "name"] {
                    names.extend(part.get(key).and_then(Json::as_str).map(|name| name.trim_matches('/').to_owned()));
                }
            }
        }
        let mut found = Vec::new();
        for rule in rules.properties() {
            let route = crate::model::normalize(&rule.key).unwrap_or_default();
            if !self.cx.package.pages.iter().any(|page| *page.route == *route) {
                found.push(self.told(rule.key_span, "preload-page").text("key", rule.key.to_string()));
            }
            for package in rule.value.get("packages").map_or(&[][..], Json::items) {
                if let Some(name) = package.as_str()
                    && !names.contains(name.trim_matches('/'))
                {
                    found.push(self.told(package.span, "preload-package").text("key", name.to_owned()));
                }
            }
        }
        self.out.extend(found.into_iter().map(|finding| finding.severity(Severity::Warning)));
    }

    /// Keys that a used API asks for.
    fn requirements(&mut self) {
        let (Some(app), Some(start)) = (self.cx.package.app_json(), app_start(self.cx)) else { return };
        for requirement in &self.config.requires {
            let called = |call: &&crate::flow::HostCall| {
                call.api == requirement.api && self.host.info.namespaces.contains(&call.namespace)
            };
            let Some(call) = self.cx.solution.calls.iter().find(called) else { continue };
            let mut parts = requirement.key.split('/');
            let found = parts.try_fold(app, |json, part| json.get(part));
            let held = match (&requirement.value, found) {
                (Some(value), Some(json)) => json.items().iter().any(|item| item.as_str() == Some(value)),
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if held {
                continue;
            }
            let top = requirement.key.split('/').next().unwrap_or_default();
            let span = app.property(top).map_or(start.span, |property| property.key_span);
            let value = requirement.value.as_deref().unwrap_or_default();
            let variant = if value.is_empty() { "required-key" } else { "required-value" };
            let finding = self
                .told(span, variant)
                .text("key", requirement.key.replace('/', "."))
                .text("value", value)
                .text("api", requirement.api.to_string())
                .step(call.place, "package-call", requirement.api.clone());
            self.out.push(finding.severity(Severity::Warning));
        }
    }
}

/// Most bytes of a submitted icon.
const ICON_BYTES: u64 = 2 << 20;

/// The submitted icon is a square PNG or a JPEG of moderate size.
fn icon(cx: &Context<'_>, out: &mut Vec<Finding>) {
    let submission = &cx.package.submission;
    let (Some(path), Some(place)) = (&submission.icon, crate::rules::category::submitted(cx, "icon")) else { return };
    let Some(path) = crate::model::normalize(path) else { return };
    let Some(asset) = cx.package.assets.iter().find(|asset| *asset.path == *path) else { return };
    let head = &asset.head;
    let png = head.starts_with(b"\x89PNG\r\n\x1a\n");
    let side =
        |at: usize| head.get(at..at + 4).map(|bytes| bytes.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)));
    let square = match (side(16), side(20)) {
        (Some(width), Some(height)) if png => width == height,
        _ => true,
    };
    let variant = if !png && !head.starts_with(b"\xff\xd8\xff") {
        "icon-format"
    } else if !square {
        "icon-shape"
    } else if asset.bytes > ICON_BYTES {
        "icon-size"
    } else {
        return;
    };
    let finding = Finding::new(ID, place).variant(variant).text("key", path);
    out.push(finding.severity(Severity::Warning).clauses(["norms-3.2", "whitepaper-1-2"]));
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether the value is a variable of a theme file.
fn theme(text: &str) -> bool {
    text.starts_with('@')
}

fn is_color(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('#') else {
        return matches!(text, "" | "transparent") || text.chars().all(|c| c.is_ascii_alphabetic()) && text.len() > 2;
    };
    matches!(digits.len(), 3 | 4 | 6 | 8) && digits.chars().all(|c| c.is_ascii_hexdigit())
}

const fn word(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Any | FieldKind::String | FieldKind::Color | FieldKind::Route => "type-string",
        FieldKind::Boolean => "type-boolean",
        FieldKind::Number => "type-number",
        FieldKind::Object | FieldKind::Map => "type-object",
        FieldKind::Array => "type-array",
    }
}
