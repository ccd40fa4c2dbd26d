//! Structural rules: patterns over scripts and templates, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use ast_grep_core::language::Language as GrepLanguage;
use ast_grep_core::matcher::{KindMatcher, PatternBuilder};
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use ast_grep_core::{Pattern, PatternError};
use serde::Deserialize;

use super::catalogue::{Catalogue, Entry, Severity, Wording};
use super::packs::{PackError, Packs};
use crate::syntax::template::{Dialect, Document, NodeId, NodeKind};

/// All structural rules, in order of files.
#[derive(Debug, Default)]
pub struct Structure {
    /// The rules.
    pub rules: Vec<StructuralRule>,
}

/// What a pattern is matched against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Scripts of the logic layer and view scripts.
    #[default]
    Script,
    /// Templates.
    Template,
}

/// Who must run the code that matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Anyone.
    #[default]
    Any,
    /// A launch or load, with no user action before it.
    Load,
    /// A user's action.
    User,
}

/// How sure a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// A hint.
    Low,
    /// Likely.
    Medium,
    /// Shown.
    #[default]
    High,
}

/// One structural rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StructuralRule {
    /// Id of a rule of the catalogue, or `custom/<name>`.
    pub id: String,
    /// Which wording of the rule's entry.
    pub variant: Option<String>,
    /// What the patterns are matched against.
    pub language: Language,
    /// Any of these; `$NAME` stands for one node, `$$$NAME` for any number of them.
    pub patterns: Vec<String>,
    /// Kind of the node inside the patterns that is meant, when a pattern needs text around it to parse.
    pub selector: Option<String>,
    /// The match lies inside one of these.
    pub inside: Vec<String>,
    /// The match lies inside none of these.
    pub not_inside: Vec<String>,
    /// Attributes that the matched element does not have; for templates.
    pub without: Vec<String>,
    /// The match contains one of these.
    pub has: Vec<String>,
    /// The match contains none of these.
    pub not_has: Vec<String>,
    /// What the text of a metavariable must match: regular expressions.
    #[serde(rename = "where")]
    pub wanted: BTreeMap<String, String>,
    /// What it must not match.
    #[serde(rename = "where-not")]
    pub unwanted: BTreeMap<String, String>,
    /// A metavariable is assigned, somewhere in the file, from an expression that names this (`BGM = "getBackgroundAudioManager"`).
    pub assigned: BTreeMap<String, String>,
    /// One of these texts stands in the file.
    pub file_has: Vec<String>,
    /// One of these texts stands in the page or component: its script, templates or configuration.
    pub unit_has: Vec<String>,
    /// None of these texts stands in the page or component.
    pub unit_not_has: Vec<String>,
    /// The file's path must match this regular expression.
    pub path: Option<String>,
    /// Only the first page counts.
    pub home: bool,
    /// Who must run it.
    pub when: When,
    /// Hosts that it is for; all when empty.
    pub hosts: Vec<String>,
    /// Whether libraries that were copied into the package count too.
    pub vendored: bool,
    /// How sure it is.
    pub confidence: Sureness,
    /// Fills `{text}`: metavariables are replaced by what they matched; the whole match when absent.
    pub text: Option<String>,
    /// For `custom/…`: severity.
    pub severity: Option<Severity>,
    /// For `custom/…`: clauses.
    pub clauses: Vec<Arc<str>>,
    /// For `custom/…`: message in Chinese.
    pub message_zh: Option<String>,
    /// For `custom/…`: message in English.
    pub message_en: Option<String>,
    /// For `custom/…`: help in Chinese.
    pub help_zh: Option<String>,
    /// For `custom/…`: help in English.
    pub help_en: Option<String>,
    /// The file that it stands in.
    #[serde(skip)]
    pub file: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    rules: Vec<toml::Spanned<StructuralRule>>,
}

impl Structure {
    /// Reads `structure/*.toml`, and lists rules of its own in the catalogue.
    pub fn load(packs: &Packs, catalogue: &mut Catalogue, errors: &mut Vec<PackError>) -> Self {
        let mut rules = Vec::new();
        for (path, _) in packs.list("structure/") {
            if !path.ends_with(".toml") {
                continue;
            }
            let Some(file) = packs.parse::<File>(path, errors) else { continue };
            for spanned in file.rules {
                let span = spanned.span();
                let mut rule = spanned.into_inner();
                path.clone_into(&mut rule.file);
                if rule.patterns.is_empty() {
                    errors.push(PackError::new(path, span, "a structural rule needs a pattern"));
                    continue;
                }
                for regex in rule.wanted.values().chain(rule.unwanted.values()) {
                    if packs.is_overlay(path)
                        && let Err(error) = regex::Regex::new(regex)
                    {
                        errors.push(PackError::new(path, span.clone(), format!("`{regex}`: {error}")));
                    }
                }
                if packs.is_overlay(path) {
                    errors
                        .extend(mistakes(&rule).into_iter().map(|message| PackError::new(path, span.clone(), message)));
                }
                if rule.id.starts_with("custom/") {
                    match entry(&rule) {
                        Ok(entry) => catalogue.add(entry),
                        Err(message) => errors.push(PackError::new(path, span, message)),
                    }
                } else if !catalogue.has(&rule.id) && packs.is_overlay(path) {
                    errors.push(PackError::new(
                        path,
                        span,
                        format!("there is no rule `{}`; rules of your own begin with `custom/`", rule.id),
                    ));
                }
                rules.push(rule);
            }
        }
        Self { rules }
    }
}

fn entry(rule: &StructuralRule) -> Result<Entry, String> {
    let (Some(zh), Some(en)) = (&rule.message_zh, &rule.message_en) else {
        return Err("a rule of your own needs `message-zh` and `message-en`".to_owned());
    };
    if rule.clauses.is_empty() {
        return Err("a rule rests on at least one clause".to_owned());
    }
    let message = Wording { zh: zh.clone(), en: en.clone() };
    Ok(Entry {
        id: rule.id.as_str().into(),
        severity: rule.severity.unwrap_or(Severity::Warning),
        clauses: rule.clauses.clone(),
        opt_in: false,
        since: String::new(),
        title: message.clone(),
        message,
        help: Wording { zh: rule.help_zh.clone().unwrap_or_default(), en: rule.help_en.clone().unwrap_or_default() },
        variants: BTreeMap::new(),
        options: BTreeMap::new(),
        fixes: BTreeMap::new(),
    })
}

/// The grammar that patterns over scripts are matched with.
#[derive(Clone, Debug)]
pub struct JavaScript;

impl GrepLanguage for JavaScript {
    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language().field_id_for_name(field).map(std::num::NonZero::get)
    }

    fn build_pattern(&self, builder: &PatternBuilder) -> Result<Pattern, PatternError> {
        builder.build(|source| StrDoc::try_new(source, self.clone()))
    }
}

impl LanguageExt for JavaScript {
    fn get_ts_language(&self) -> TSLanguage {
        tree_sitter_javascript::LANGUAGE.into()
    }
}

/// A pattern over scripts; `None` when it does not parse.
pub fn compile(pattern: &str, selector: Option<&str>) -> Option<Pattern> {
    match selector {
        Some(selector) => {
            KindMatcher::try_new(selector, JavaScript).ok()?;
            Pattern::contextual(pattern, selector, JavaScript).ok()
        }
        None => Pattern::try_new(pattern, JavaScript).ok(),
    }
}

/// Mistakes in the patterns of a rule.
pub fn mistakes(rule: &StructuralRule) -> Vec<String> {
    let mut out = Vec::new();
    if rule.language == Language::Template {
        for pattern in &rule.patterns {
            if pattern_element(pattern).is_none() {
                out.push(format!("`{pattern}` is no element"));
            }
        }
        return out;
    }
    for pattern in &rule.patterns {
        match compile(pattern, rule.selector.as_deref()) {
            Some(compiled) if !compiled.has_error() => {}
            _ => out.push(format!("`{pattern}` does not parse")),
        }
    }
    for pattern in rule.inside.iter().chain(&rule.not_inside).chain(&rule.has).chain(&rule.not_has) {
        if compile(pattern, None).is_none_or(|compiled| compiled.has_error()) {
            out.push(format!("`{pattern}` does not parse"));
        }
    }
    out
}

/// The pattern of a template rule: its document and its element.
pub fn pattern_element(pattern: &str) -> Option<(Document, NodeId)> {
    let document = crate::syntax::template::parse(pattern, &Dialect::default());
    let node = document.nodes.iter().position(|node| matches!(node.kind, NodeKind::Element(_)))?;
    Some((document, node as NodeId))
}
