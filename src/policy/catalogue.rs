//! The catalogue of rules: severity, clauses and wording of each, and its pages; read when first asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::packs::{PackError, Packs};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely to be sent back.
    Warning,
    /// A breach.
    Error,
}

/// The languages of messages and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// Simplified Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// `zh` or `en`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// One of two texts.
    pub const fn pick<T: Copy>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Wording {
    /// The text in a language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A rule's entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `group/name`.
    pub id: Arc<str>,
    /// Default severity.
    pub severity: Severity,
    /// Clauses it rests on.
    pub clauses: Vec<Arc<str>>,
    /// Whether it runs only where the configuration gives it a severity, or where it is selected by its id.
    pub opt_in: bool,
    /// Version that brought it.
    pub since: String,
    /// Title.
    pub title: Wording,
    /// Message of a finding.
    pub message: Wording,
    /// What to do.
    pub help: Wording,
    /// Other wordings by name.
    pub variants: BTreeMap<String, Variant>,
    /// Options by name.
    pub options: BTreeMap<String, OptionEntry>,
    /// Titles of repairs by key.
    pub fixes: BTreeMap<String, Wording>,
}

impl Entry {
    /// The message of a variant, or the default one.
    pub fn message(&self, variant: Option<&str>, lang: Lang) -> &str {
        let own = variant.and_then(|name| self.variants.get(name)).and_then(|variant| match lang {
            Lang::Zh => variant.message_zh.as_deref(),
            Lang::En => variant.message_en.as_deref(),
        });
        own.unwrap_or_else(|| self.message.get(lang))
    }

    /// The help of a variant, or the default one.
    pub fn help(&self, variant: Option<&str>, lang: Lang) -> &str {
        let own = variant.and_then(|name| self.variants.get(name)).and_then(|variant| match lang {
            Lang::Zh => variant.help_zh.as_deref(),
            Lang::En => variant.help_en.as_deref(),
        });
        own.unwrap_or_else(|| self.help.get(lang))
    }
}

/// Another wording of a rule's message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Variant {
    /// Message in Chinese.
    pub message_zh: Option<String>,
    /// Message in English.
    pub message_en: Option<String>,
    /// Help in Chinese.
    pub help_zh: Option<String>,
    /// Help in English.
    pub help_en: Option<String>,
}

/// An option of a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OptionEntry {
    /// Value when nothing is configured; it also fixes the type.
    pub default: toml::Value,
    /// What it does, in Chinese.
    #[serde(default)]
    pub about_zh: String,
    /// What it does, in English.
    #[serde(default)]
    pub about_en: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawEntry {
    severity: Severity,
    clauses: Vec<Arc<str>>,
    #[serde(default)]
    opt_in: bool,
    since: String,
    title_zh: String,
    title_en: String,
    message_zh: String,
    message_en: String,
    #[serde(default)]
    help_zh: String,
    #[serde(default)]
    help_en: String,
    #[serde(default)]
    variants: BTreeMap<String, Variant>,
    #[serde(default)]
    options: BTreeMap<String, OptionEntry>,
    #[serde(default)]
    fixes: BTreeMap<String, Wording>,
}

/// All entries, notes and words.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<Arc<str>, OnceLock<Option<Arc<Entry>>>>,
    notes: OnceLock<BTreeMap<String, Wording>>,
    words: OnceLock<BTreeMap<String, Wording>>,
}

const ROOT: &str = "catalogue/";

fn parse(id: &str, packs: &Packs) -> Result<Entry, PackError> {
    let path = format!("{ROOT}{id}.toml");
    let raw: RawEntry = packs.read(&path)?;
    if raw.clauses.is_empty() {
        return Err(PackError::new(path, 0..0, "a rule rests on at least one clause"));
    }
    Ok(Entry {
        id: id.into(),
        severity: raw.severity,
        clauses: raw.clauses,
        opt_in: raw.opt_in,
        since: raw.since,
        title: Wording { zh: raw.title_zh, en: raw.title_en },
        message: Wording { zh: raw.message_zh, en: raw.message_en },
        help: Wording { zh: raw.help_zh, en: raw.help_en },
        variants: raw.variants,
        options: raw.options,
        fixes: raw.fixes,
    })
}

impl Catalogue {
    /// Lists the entries. Those of an overlay are read at once, so that their mistakes come out together.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let mut entries = BTreeMap::new();
        for (path, _) in packs.list(ROOT) {
            let Some(id) = path.strip_prefix(ROOT).and_then(|path| path.strip_suffix(".toml")) else { continue };
            let cell = OnceLock::new();
            if packs.is_overlay(path) {
                let entry = match parse(id, packs) {
                    Ok(entry) => Some(Arc::new(entry)),
                    Err(error) => {
                        errors.push(error);
                        None
                    }
                };
                // A fresh cell is empty.
                let _ = cell.set(entry);
            }
            entries.insert(Arc::from(id), cell);
        }
        let catalogue = Self { entries, notes: OnceLock::new(), words: OnceLock::new() };
        for (file, cell) in [("notes.toml", &catalogue.notes), ("words.toml", &catalogue.words)] {
            if packs.is_overlay(file) {
                let _ = cell.set(packs.parse(file, errors).unwrap_or_default());
            }
        }
        catalogue
    }

    /// Adds an entry that stands in another pack.
    pub fn add(&mut self, entry: Entry) {
        let id = entry.id.clone();
        self.entries.insert(id, OnceLock::from(Some(Arc::new(entry))));
    }

    /// Every mistake in every entry, note and word.
    pub fn check(&self, packs: &Packs) -> Vec<PackError> {
        let mut errors: Vec<PackError> = self.entries.keys().filter_map(|id| parse(id, packs).err()).collect();
        for file in ["notes.toml", "words.toml"] {
            let _ = packs.parse::<BTreeMap<String, Wording>>(file, &mut errors);
        }
        errors
    }

    /// Ids of all rules, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.keys()
    }

    /// Whether there is such a rule.
    pub fn has(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// A rule's entry; `None` for an unknown rule and for an entry that does not parse.
    pub fn get(&self, id: &str, packs: &Packs) -> Option<&Entry> {
        self.entries.get(id)?.get_or_init(|| parse(id, packs).ok().map(Arc::new)).as_deref()
    }

    /// A rule's page, in Markdown.
    pub fn page<'p>(&self, id: &str, lang: Lang, packs: &'p Packs) -> Option<&'p str> {
        packs.get(&format!("{ROOT}{id}.{}.md", lang.id()))
    }

    /// The note of a trace step.
    pub fn note(&self, key: &str, packs: &Packs) -> Option<&Wording> {
        let read = || packs.read("notes.toml").unwrap_or_default();
        self.notes.get_or_init(read).get(key)
    }

    /// A word that fills a message.
    pub fn word(&self, key: &str, packs: &Packs) -> Option<&Wording> {
        let read = || packs.read("words.toml").unwrap_or_default();
        self.words.get_or_init(read).get(key)
    }
}
