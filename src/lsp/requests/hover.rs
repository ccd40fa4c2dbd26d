//! `textDocument/hover`: what an API, a component, a scope, a rule or a clause is, and why a word was found.

use std::collections::BTreeSet;
use std::sync::Arc;

use gen_lsp_types as lsp;

use super::Context;
use crate::engine::Hit;
use crate::lsp::snapshot::{At, Snapshot};
use crate::lsp::{from_proto, to_proto};
use crate::package::FileKind;
use crate::policy::host::{Deprecation, Host, Yields};
use crate::report::model::{Teller, kind_name};
use crate::source::{SourceFile, Span};

/// The rule whose clauses every collection rests on.
const COLLECTION: &str = "privacy/collection-without-consent";
/// Rules that go by words.
const CONTENT: &str = "content/";

pub(super) fn handle(cx: &Context<'_>, params: lsp::HoverParams) -> Option<lsp::Hover> {
    let snapshot = cx.snapshot?;
    let at = params.text_document_position_params;
    let document = cx.document(&at.text_document.uri)?;
    let (offset, _) = from_proto::offset(&document.source, at.position, cx.client.encoding);
    let page = Page { snapshot };
    let file = cx.file(&at.text_document.uri);
    let found = file
        .and_then(|file| page.word(file, offset))
        .or_else(|| page.id(&document.source, offset))
        .or_else(|| page.named(file?, &document.source, offset));
    let (span, text) = found?;
    Some(lsp::Hover {
        contents: lsp::Contents::MarkupContent(lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: text }),
        range: Some(to_proto::range(&document.source, span, cx.client.encoding)),
    })
}

struct Page<'a> {
    snapshot: &'a Snapshot,
}

impl Page<'_> {
    fn say<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        self.snapshot.lang.pick(zh, en)
    }

    /// Why a word was found.
    fn word(&self, file: At<'_>, offset: u32) -> Option<(Span, String)> {
        let hit: &Hit = file.vetted.active().find(|hit| {
            let place = hit.finding.place;
            place.file == file.file
                && hit.finding.rule.starts_with(CONTENT)
                && place.span.start <= offset
                && offset <= place.span.end
        })?;
        let told = Teller::new(file.vetted, &self.snapshot.policy, self.snapshot.lang).finding(hit);
        let mut text = format!("**{}**\n\n{}\n", told.title, told.message);
        for step in &told.trace {
            text.push_str(&format!("\n- {}", step.note));
        }
        self.clauses(&mut text, told.clauses.iter().map(String::as_str));
        Some((hit.finding.place.span, text))
    }

    /// A rule or a clause that is named.
    fn id(&self, source: &SourceFile, offset: u32) -> Option<(Span, String)> {
        let policy = &self.snapshot.policy;
        let lang = self.snapshot.lang;
        let lines = source.lines();
        let line = lines.line(offset);
        let start = lines.line_start(&source.text, line);
        let (at, word) = super::document_link::words(lines.line_text(&source.text, line))
            .map(|(at, word)| (start + at, word))
            .find(|(at, word)| *at <= offset && offset <= at + word.len() as u32)?;
        let span = Span::new(at, at + word.len() as u32);
        if let Some(clause) = policy.clause(word) {
            return Some((span, format!("**{word}**\n\n{}", clause.title.get(lang))));
        }
        policy.catalogue.has(word).then(|| (span, policy.page(word, lang).unwrap_or(word).to_owned()))
    }

    /// An API, component, host button or scope under the cursor.
    fn named(&self, file: At<'_>, source: &SourceFile, offset: u32) -> Option<(Span, String)> {
        let host = self.snapshot.policy.host(&file.vetted.package.host)?;
        let (span, word) = word_at(&source.text, offset)?;
        let kind = file.vetted.package.files[file.file.index()].kind;
        if let Some(scope) = host.scopes.get(word) {
            let apis: Vec<String> = scope.apis.iter().map(|api| format!("`{api}`")).collect();
            let title = self.snapshot.lang.pick(&scope.title_zh, &scope.title_en);
            return Some((span, format!("**{word}**\n\n{title}\n\n{}", apis.join(self.say("、", ", ")))));
        }
        if kind == FileKind::Template {
            return self.element(host, file, offset).or_else(|| self.api(host, file, source, offset));
        }
        self.api(host, file, source, offset)
    }

    fn api(&self, host: &Host, file: At<'_>, source: &SourceFile, offset: u32) -> Option<(Span, String)> {
        let (span, chain) = word_at(&source.text, offset)?;
        // Up to the part under the cursor.
        let upto = (offset - span.start) as usize;
        let end = chain[upto.min(chain.len())..].find('.').map_or(chain.len(), |dot| upto + dot);
        let shown = &chain[..end];
        let span = Span::new(span.start, span.start + end as u32);
        let written = shown
            .split_once('.')
            .filter(|(head, _)| host.info.namespaces.iter().any(|name| **name == **head))
            .map(|(_, name)| name);
        // Under another name: as the analysis resolved the call.
        let resolved = file
            .vetted
            .solution
            .calls
            .iter()
            .filter(|call| {
                call.place.file == file.file
                    && call.place.span.contains(span)
                    && call.api.rsplit('.').next() == shown.rsplit('.').next()
            })
            .min_by_key(|call| call.place.span.len())
            .map(|call| &*call.api);
        let (name, api) =
            [written, resolved].into_iter().flatten().find_map(|name| Some((name, host.apis.get(name)?)))?;
        let namespace = host.info.namespaces.first().map_or("", |name| &**name);
        let full =
            if name.contains('.') && resolved == Some(name) { name.to_owned() } else { format!("{namespace}.{name}") };
        let mut text = format!("**{full}** · {}\n", self.snapshot.lang.pick(&host.info.name_zh, &host.info.name_en));
        self.yields(&mut text, [&api.yields, &api.ciphertext]);
        if let Some(scope) = &api.scope {
            text.push_str(&format!("\n- {}`{scope}`", self.say("授权范围：", "Scope: ")));
        }
        if api.prompt {
            text.push_str(&format!(
                "\n- {}",
                self.say("宿主会自行弹窗询问，但不会说明目的", "The host asks by itself, and does not say why")
            ));
        }
        if let Some(sink) = &api.sink {
            let word = crate::report::inventory_sink_word(&sink.kind, self.snapshot.lang);
            text.push_str(&format!("\n- {}{word}", self.say("数据去向：", "Data leaves to: ")));
        }
        self.ages(&mut text, api.since.as_ref(), api.deprecated.as_ref());
        if !api.available {
            text.push_str(&format!("\n- {}", self.say("此宿主没有这个接口", "This host does not have it")));
        }
        if !api.yields.is_empty() {
            let policy = &self.snapshot.policy;
            let clauses = policy.entry(COLLECTION).map(|entry| entry.clauses.clone()).unwrap_or_default();
            self.clauses(&mut text, clauses.iter().map(|clause| &**clause));
        }
        Some((span, text))
    }

    fn element(&self, host: &Host, file: At<'_>, offset: u32) -> Option<(Span, String)> {
        for (_, element) in file.vetted.program.elements(file.file) {
            let within = |span: Span| span.start <= offset && offset <= span.end;
            let component = host.components.get(&element.name);
            if within(element.name_span) {
                let component = component?;
                let mut text = format!("**<{}>**\n", element.name);
                let yields: Vec<&Yields> = component.yields.values().collect();
                self.yields(&mut text, yields);
                if let Some(scope) = &component.scope {
                    text.push_str(&format!("\n- {}`{scope}`", self.say("授权范围：", "Scope: ")));
                }
                self.ages(&mut text, component.since.as_ref(), component.deprecated.as_ref());
                return Some((element.name_span, text));
            }
            let Some(value) = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref()) else {
                continue;
            };
            if within(value.span)
                && let Some(name) = value.literal()
                && let Some(button) = component.and_then(|component| component.open_types.get(&*name))
            {
                let mut text = format!("**<{} open-type=\"{name}\">**\n", element.name);
                self.yields(&mut text, [&button.yields, &button.ciphertext]);
                if let Some(scope) = &button.scope {
                    text.push_str(&format!("\n- {}`{scope}`", self.say("授权范围：", "Scope: ")));
                }
                self.ages(&mut text, button.since.as_ref(), button.deprecated.as_ref());
                return Some((value.span, text));
            }
        }
        None
    }

    fn yields<'y>(&self, text: &mut String, yields: impl IntoIterator<Item = &'y Yields>) {
        let kinds: BTreeSet<&Arc<str>> = yields.into_iter().flat_map(|yields| yields.values().flatten()).collect();
        if kinds.is_empty() {
            return;
        }
        let policy = &self.snapshot.policy;
        let names: Vec<String> = kinds
            .into_iter()
            .map(|kind| {
                let sensitive =
                    if policy.privacy.is_sensitive(kind) { self.say("（敏感）", " (sensitive)") } else { "" };
                format!("{}{sensitive}", kind_name(kind, policy, self.snapshot.lang))
            })
            .collect();
        text.push_str(&format!(
            "\n- {}{}",
            self.say("个人信息：", "Personal information: "),
            names.join(self.say("、", ", "))
        ));
    }

    fn ages(&self, text: &mut String, since: Option<&Arc<str>>, deprecated: Option<&Deprecation>) {
        if let Some(since) = since {
            text.push_str(&format!("\n- {}{since}", self.say("自基础库 ", "Since base library ")));
        }
        let Some(gone) = deprecated else { return };
        text.push_str("\n- ");
        text.push_str(if gone.removed {
            self.say("已移除", "Removed")
        } else {
            self.say("已弃用", "Deprecated")
        });
        if let Some(since) = &gone.since {
            text.push_str(&format!("{}{since}{}", self.say("（", " ("), self.say("）", ")")));
        }
        if let Some(replacement) = &gone.replacement {
            text.push_str(&format!("{}`{replacement}`", self.say("，改用 ", "; use ")));
        }
    }

    fn clauses<'c>(&self, text: &mut String, ids: impl Iterator<Item = &'c str>) {
        for (index, id) in ids.enumerate() {
            if index == 0 {
                text.push_str(&format!("\n\n{}\n", self.say("条款：", "Clauses:")));
            }
            let title = self.snapshot.policy.clause(id).map(|clause| clause.title.get(self.snapshot.lang));
            text.push_str(&format!("\n- `{id}` {}", title.unwrap_or_default()));
        }
    }
}

/// The dotted name around an offset.
fn word_at(text: &str, offset: u32) -> Option<(Span, &str)> {
    let bytes = text.as_bytes();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    let offset = (offset as usize).min(bytes.len());
    let start = offset - bytes[..offset].iter().rev().take_while(|byte| part(byte)).count();
    let end = offset + bytes[offset..].iter().take_while(|byte| part(byte)).count();
    let word = text.get(start..end)?;
    (!word.is_empty()).then(|| (Span::new(start as u32, end as u32), word))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_around_an_offset() {
        let text = "a(swan.getLocation({x}))";
        assert_eq!(super::word_at(text, 9).unwrap().1, "swan.getLocation");
        assert_eq!(super::word_at(text, 18).unwrap().1, "swan.getLocation");
        assert!(super::word_at("( )", 1).is_none());
    }
}
