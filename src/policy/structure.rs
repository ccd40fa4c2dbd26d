//! Structural rules: patterns over scripts and templates, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::catalogue::{Catalogue, Entry, Severity, Wording};
use super::packs::{PackError, Packs};

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
    /// One of these texts stands in the file.
    pub file_has: Vec<String>,
    /// One of these texts stands in the page or component: its script, templates or configuration.
    pub unit_has: Vec<String>,
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
        for (path, text) in packs.list("structure/") {
            if !path.ends_with(".toml") {
                continue;
            }
            let file: File = match toml::from_str(text) {
                Ok(file) => file,
                Err(error) => {
                    errors.push(PackError::from_toml(path, &error));
                    continue;
                }
            };
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
        since: String::new(),
        title: message.clone(),
        message,
        help: Wording { zh: rule.help_zh.clone().unwrap_or_default(), en: rule.help_en.clone().unwrap_or_default() },
        variants: BTreeMap::new(),
        options: BTreeMap::new(),
        fixes: BTreeMap::new(),
    })
}
