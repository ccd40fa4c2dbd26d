//! Edits that an editor offers for a finding. Each one parses and clears the finding it is offered for; wording and code
//! come from `rules/editor/edits.toml`.

use std::sync::Arc;

use serde::Deserialize;

use super::snapshot::At;
use crate::engine::Hit;
use crate::model::facts::{FactsDialect, facts};
use crate::model::ir::{Expr, ExprKind, Function, Key, Property, Script, Stmt, StmtKind, walk_expr};
use crate::package::{FileKind, PackageFile};
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Wording};
use crate::policy::host::{Api, Host};
use crate::report::model::kind_name;
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::template::NodeKind;

/// What is offered.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// What it does.
    pub title: String,
    /// The file that is edited.
    pub file: FileId,
    /// The edits, in order of place.
    pub edits: Vec<(Span, String)>,
    /// Whether it keeps behaviour apart from the fault.
    pub safe: bool,
    /// Whether it hides the finding only.
    pub hides: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Words {
    consent: Consent,
    encrypt: Encrypt,
    replace: Replace,
    secure: Replace,
    suppress: Suppress,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Consent {
    rules: Vec<String>,
    title: Wording,
    dialog_title: String,
    dialog_content: String,
    dialog_confirm: String,
    dialog_cancel: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Encrypt {
    rules: Vec<String>,
    title: Wording,
    module: String,
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Replace {
    rules: Vec<String>,
    title: Wording,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Suppress {
    title: Wording,
    title_file: Wording,
    reason: Wording,
}

impl Words {
    /// The pack's wording; `None` when it is broken.
    pub fn of(policy: &Policy) -> Option<Self> {
        policy.packs.parse("editor/edits.toml", &mut Vec::new())
    }
}

/// What edits are made from.
pub(super) struct Maker<'a> {
    pub words: &'a Words,
    pub policy: &'a Policy,
    pub lang: Lang,
    pub at: At<'a>,
}

impl<'a> Maker<'a> {
    /// Everything that is offered for a finding, beside the rule's own repairs.
    pub fn offers(&self, hit: &Hit) -> Vec<Offer> {
        let rule = hit.finding.rule;
        let names = |rules: &[String]| rules.iter().any(|one| one == rule);
        let mut out = Vec::new();
        if names(&self.words.consent.rules) {
            out.extend(self.consent(hit));
        }
        if names(&self.words.encrypt.rules) {
            out.extend(self.encrypt(hit));
        }
        if names(&self.words.replace.rules) {
            out.extend(self.replace(hit));
        }
        if names(&self.words.secure.rules) {
            out.extend(self.secure(hit));
        }
        out.extend(self.suppress(hit));
        out
    }

    /// Names the encrypted scheme where the address of a flow's sink is written, in whatever file that is.
    fn secure(&self, hit: &Hit) -> Option<Offer> {
        let flows = self.at.vetted.solution.flows.iter().filter(|flow| flow.place == hit.finding.place);
        let place = flows
            .flat_map(|flow| flow.urls.iter())
            .filter(|url| SCHEMES.iter().any(|(old, _)| url.head().starts_with(old)))
            .find_map(|url| url.place)?;
        let source = self.at.vetted.package.source(place.file);
        let written = place.span.slice(&source.text);
        let (at, old, new) = SCHEMES.iter().find_map(|(old, new)| Some((written.find(old)?, old, new)))?;
        let start = place.span.start + at as u32;
        let edits = vec![(Span::new(start, start + old.len() as u32), (*new).to_owned())];
        let title = self.words.secure.title.get(self.lang).to_owned();
        Some(Offer { title, file: place.file, edits, safe: false, hides: false })
    }

    fn source(&self) -> &'a SourceFile {
        self.at.source()
    }

    fn script(&self) -> Option<&'a Script> {
        self.at.vetted.program.script(self.at.file)
    }

    fn host(&self) -> Option<&'a Host> {
        self.policy.host(&self.at.vetted.package.host)
    }

    /// The code style of the file: its line end, and the indent of a line.
    fn line_end(&self) -> &'static str {
        if self.source().text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    fn indent(&self, offset: u32) -> &'a str {
        let source = self.source();
        let lines = source.lines();
        let text = lines.line_text(&source.text, lines.line(offset));
        &text[..text.len() - text.trim_start_matches([' ', '\t']).len()]
    }

    /// Wraps the statement of a collecting call into a dialog that names what is collected.
    fn consent(&self, hit: &Hit) -> Option<Offer> {
        let script = self.script()?;
        let (function, stmt) = statement(script, hit.finding.place.span)?;
        let StmtKind::Expr(expr) = &stmt.kind else { return None };
        let (mut awaits, mut yields) = (false, false);
        walk_expr(expr, &mut |inner| match inner.kind {
            ExprKind::Await(_) => awaits = true,
            ExprKind::Yield(_) => yields = true,
            _ => {}
        });
        if yields || (awaits && !function.is_async) {
            return None;
        }
        let text = &*self.source().text;
        let host = self.host()?;
        let (api, dialog) = dialog(host)?;
        let namespace = host.info.namespaces.first()?;
        let kinds: Vec<String> = hit.finding.kinds.iter().map(|kind| kind_name(kind, self.policy, Lang::Zh)).collect();
        let kinds_text = if kinds.is_empty() { "个人信息".to_owned() } else { kinds.join("、") };
        let words = &self.words.consent;
        let key = |name: &str| dialog.params.get(name).and_then(|path| path.strip_prefix("0.")).map(str::to_owned);
        let content = words.dialog_content.replace("{kinds}", &kinds_text);
        let mut lines = Vec::new();
        for (name, value) in [
            ("title", words.dialog_title.as_str()),
            ("content", &content),
            ("confirm-text", &words.dialog_confirm),
            ("cancel-text", &words.dialog_cancel),
        ] {
            lines.push(format!("{}: '{value}',", key(name)?));
        }
        let indent = self.indent(stmt.span.start);
        let step = if indent.contains('\t') { "\t" } else { "    " };
        let end = self.line_end();
        let body = stmt.span.slice(text);
        let body = body.trim_end().trim_end_matches(';');
        let mut out = format!("{namespace}.{api}({{{end}");
        for line in lines {
            out.push_str(&format!("{indent}{step}{line}{end}"));
        }
        let is_async = if awaits { "async " } else { "" };
        out.push_str(&format!("{indent}{step}success: {is_async}answer => {{{end}"));
        out.push_str(&format!("{indent}{step}{step}if (answer.confirm) {{{end}"));
        out.push_str(&format!("{indent}{step}{step}{step}{body};{end}"));
        out.push_str(&format!("{indent}{step}{step}}}{end}{indent}{step}}}{end}{indent}}})"));
        if stmt.span.slice(text).trim_end().ends_with(';') {
            out.push(';');
        }
        let told: Vec<String> = hit.finding.kinds.iter().map(|kind| kind_name(kind, self.policy, self.lang)).collect();
        let told = if told.is_empty() {
            self.lang.pick("个人信息", "personal information").to_owned()
        } else {
            told.join(self.lang.pick("、", ", "))
        };
        let title = words.title.get(self.lang).replace("{kinds}", &told);
        self.checked(Offer { title, file: self.at.file, edits: vec![(stmt.span, out)], safe: false, hides: false })
    }

    /// Puts a cipher around the value that is kept.
    fn encrypt(&self, hit: &Hit) -> Option<Offer> {
        let script = self.script()?;
        let words = &self.words.encrypt;
        let (args, api) = self.call(script, hit)?;
        let name = api.sink.as_ref()?.data.first()?;
        let mut path = api.params.get(name)?.split('.');
        let mut value = &args.get(path.next()?.parse::<usize>().ok()?)?.value;
        let mut shorthand = None;
        for part in path {
            let ExprKind::Object(properties) = &value.kind else { return None };
            value = properties.iter().find_map(|property| match property {
                Property::Value(Key::Static(key, span), value) if **key == *part => {
                    shorthand = (*span == value.span).then(|| key.clone());
                    Some(value)
                }
                _ => None,
            })?;
        }
        let source = self.source();
        let mut new = words.value.replace("{value}", value.span.slice(&source.text));
        if let Some(key) = shorthand {
            new = format!("{key}: {new}");
        }
        let mut edits = vec![(value.span, new)];
        let known = script.variables.iter().any(|variable| *variable.name == *words.name);
        if !known {
            let end = self.line_end();
            let line = if script.module {
                format!("import {} from '{}';{end}", words.name, words.module)
            } else {
                format!("const {} = require('{}');{end}", words.name, words.module)
            };
            edits.insert(0, (Span::at(self.head(script)), line));
        }
        let title = words.title.get(self.lang).replace("{module}", &words.module);
        self.checked(Offer { title, file: self.at.file, edits, safe: false, hides: false })
    }

    /// Where a new import goes: before the first statement that is no directive.
    fn head(&self, script: &Script) -> u32 {
        let source = self.source();
        let mut at = 0;
        for stmt in script.functions.first().map(|top| top.body.as_slice()).unwrap_or_default() {
            match &stmt.kind {
                StmtKind::Expr(Expr { kind: ExprKind::String(_), .. }) => at = stmt.span.end,
                _ => break,
            }
        }
        let lines = source.lines();
        match at {
            0 if source.text.starts_with("#!") => lines.line_start(&source.text, 1),
            0 => 0,
            at => lines.line_start(&source.text, lines.line(at) + 1),
        }
    }

    /// Names the API that takes the place of a deprecated one.
    fn replace(&self, hit: &Hit) -> Vec<Offer> {
        let Some((script, host)) = self.script().zip(self.host()) else { return Vec::new() };
        let mut found = None;
        script.for_each_expr(&mut |expr| {
            if expr.span == hit.finding.place.span
                && let ExprKind::Call { callee, .. } = &expr.kind
                && let ExprKind::Member { key: Key::Static(name, span), .. } = &callee.kind
            {
                found = Some((name.clone(), *span));
            }
        });
        let Some((old, span)) = found else { return Vec::new() };
        let Some(deprecation) = host.apis.get(&old).and_then(|api| api.deprecated.as_ref()) else { return Vec::new() };
        deprecation
            .replacement
            .iter()
            .flat_map(|text| text.split('、'))
            .filter_map(|text| {
                let (namespace, name) = text.trim().split_once('.')?;
                host.info.namespaces.iter().find(|known| ***known == *namespace)?;
                let api = host.apis.get(name)?;
                (api.available && api.deprecated.is_none() && !name.contains('.')).then(|| (text.trim(), name))
            })
            .filter_map(|(text, name)| {
                let title = self.words.replace.title.get(self.lang).replace("{name}", text);
                self.checked(Offer {
                    title,
                    file: self.at.file,
                    edits: vec![(span, name.to_owned())],
                    safe: false,
                    hides: false,
                })
            })
            .collect()
    }

    /// The arguments of the host call at a finding's place, and the API.
    fn call(&self, script: &'a Script, hit: &Hit) -> Option<(&'a [crate::model::ir::Arg], &'a Api)> {
        let place = hit.finding.place;
        let name = &self.at.vetted.solution.calls.iter().find(|call| call.place == place)?.api;
        let api = self.host()?.apis.get(name)?;
        let mut found = None;
        script.for_each_expr(&mut |expr| {
            if expr.span == place.span
                && let ExprKind::Call { args, .. } = &expr.kind
            {
                found = Some(args.as_slice());
            }
        });
        Some((found?, api))
    }

    /// A comment above the finding's line; where none can stand, one for the whole file.
    fn suppress(&self, hit: &Hit) -> Vec<Offer> {
        let file = &self.at.vetted.package.files[self.at.file.index()];
        let Some((open, close)) = comment(file.kind) else { return Vec::new() };
        let rule = hit.finding.rule;
        let words = &self.words.suppress;
        let reason = words.reason.get(self.lang);
        let source = self.source();
        let lines = source.lines();
        let line = lines.line(hit.finding.place.span.start);
        let start = lines.line_start(&source.text, line);
        let indent = self.indent(hit.finding.place.span.start);
        let end = self.line_end();
        let mut out = Vec::new();
        let mut offer = |title: &Wording, at: u32, text: String| {
            let title = title.get(self.lang).replace("{rule}", rule);
            let offer = Offer {
                title,
                file: self.at.file,
                edits: vec![(Span::at(at), text.clone())],
                safe: false,
                hides: true,
            };
            let kept = self.apply(&offer).is_some_and(|new| {
                let mark = at + text.find(MARK).unwrap_or(0) as u32;
                self.comments(file, &new).iter().any(|span| span.start <= mark && mark < span.end)
            });
            if kept {
                out.push(offer);
            }
        };
        offer(&words.title, start, format!("{indent}{open}minivet-ignore-next-line {rule} -- {reason}{close}{end}"));
        let head = match self.script() {
            Some(script) => self.head(script),
            None => 0,
        };
        offer(&words.title_file, head, format!("{open}minivet-ignore-file {rule} -- {reason}{close}{end}"));
        out
    }

    /// The comments of the file if it had another text.
    fn comments(&self, file: &PackageFile, text: &str) -> Vec<Span> {
        match file.kind {
            FileKind::Style => {
                // A style sheet has no other place for these marks than a comment.
                let mut out = Vec::new();
                let mut at = 0;
                while let Some(start) = text[at..].find("/*").map(|found| at + found) {
                    let end = text[start..].find("*/").map_or(text.len(), |found| start + found + 2);
                    out.push(Span::new(start as u32, end as u32));
                    at = end;
                }
                out
            }
            _ => {
                let facts = self.facts(file, text);
                let mut out: Vec<Span> = facts.script.iter().flat_map(|script| script.comments.clone()).collect();
                for node in facts.template.iter().flat_map(|template| &template.document.nodes) {
                    if let NodeKind::Comment(span) = node.kind {
                        out.push(span);
                    }
                }
                out
            }
        }
    }

    fn facts(&self, file: &PackageFile, text: &str) -> crate::model::FileFacts {
        let new = PackageFile {
            source: SourceFile::from_text(file.source.path.clone(), text),
            kind: file.kind,
            origin: file.origin.clone(),
            json: None,
            json_errors: Vec::new(),
            renamed: file.renamed.clone(),
        };
        let dialect =
            self.host().map(|host| FactsDialect::of(&host.info, self.policy.hosts.infos())).unwrap_or_default();
        facts(&new, &dialect)
    }

    fn apply(&self, offer: &Offer) -> Option<String> {
        apply(&self.source().text, &offer.edits)
    }

    /// The offer, when the text parses no worse with it than without.
    fn checked(&self, offer: Offer) -> Option<Offer> {
        let file = &self.at.vetted.package.files[self.at.file.index()];
        let new = self.apply(&offer)?;
        let damage = |script: &Script| script.damage.len() + script.errors.len();
        let before = self.script().map_or(0, damage);
        let after = self.facts(file, &new).script.as_deref().map_or(0, damage);
        (after <= before).then_some(offer)
    }
}

/// How every suppression begins.
const MARK: &str = "minivet-ignore-";
/// Schemes in the clear, and those that take their place.
const SCHEMES: [(&str, &str); 2] = [("http://", "https://"), ("ws://", "wss://")];

/// A text with edits, which stand in order and do not overlap.
pub(super) fn apply(text: &str, edits: &[(Span, String)]) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (span, new) in edits {
        out.push_str(text.get(at..span.start as usize)?);
        out.push_str(new);
        at = span.end as usize;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// How a kind of file writes a comment on a line of its own.
const fn comment(kind: FileKind) -> Option<(&'static str, &'static str)> {
    match kind {
        FileKind::Script | FileKind::ViewScript => Some(("// ", "")),
        FileKind::Template => Some(("<!-- ", " -->")),
        FileKind::Style => Some(("/* ", " */")),
        FileKind::Json | FileKind::Text | FileKind::Foreign => None,
    }
}

/// The host's dialog with a text and two buttons.
fn dialog(host: &Host) -> Option<(&Arc<str>, &Api)> {
    let fits = |api: &Api| {
        api.available
            && api.deprecated.is_none()
            && api.roles.iter().any(|role| &**role == "dialog")
            && ["title", "content", "confirm-text", "cancel-text"]
                .iter()
                .all(|name| api.params.get(*name).is_some_and(|path| path.starts_with("0.")))
    };
    host.apis.iter().filter(|(_, api)| fits(api)).min_by_key(|(name, _)| (*name).clone())
}

/// The innermost statement that holds a span, and its function.
fn statement(script: &Script, span: Span) -> Option<(&Function, &Stmt)> {
    let function = script
        .functions
        .iter()
        .filter(|function| function.span.contains(span))
        .min_by_key(|function| function.span.len());
    let function = function.or_else(|| script.functions.first())?;
    let mut found: Option<&Stmt> = None;
    let mut blocks: Vec<&[Stmt]> = vec![&function.body];
    while let Some(block) = blocks.pop() {
        for stmt in block.iter().filter(|stmt| stmt.span.contains(span)) {
            if found.is_none_or(|best| stmt.span.len() <= best.span.len()) {
                found = Some(stmt);
            }
            match &stmt.kind {
                StmtKind::If(_, yes, no) => blocks.extend([yes.as_slice(), no.as_slice()]),
                StmtKind::Loop { body, .. } | StmtKind::ForEach { body, .. } | StmtKind::Block(_, body) => {
                    blocks.push(body)
                }
                StmtKind::Switch(_, cases) => blocks.extend(cases.iter().map(|(_, body)| body.as_slice())),
                StmtKind::Try { block, handler, finalizer } => {
                    blocks.extend([block.as_slice(), finalizer.as_slice()]);
                    blocks.extend(handler.iter().map(|handler| handler.1.as_slice()));
                }
                _ => {}
            }
        }
    }
    found.map(|stmt| (function, stmt))
}
