//! The registry of clauses: what the agreement, the norms and the law say, and how far a package shows it.
//!
//! Read when first asked for: a run that prints no coverage never reads it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::catalogue::{Lang, Wording};
use super::packs::{PackError, Packs};

/// How far a package shows whether a clause is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checkable {
    /// Fully.
    Yes,
    /// In part: the rules see some breaches.
    Partly,
    /// Not at all.
    No,
}

/// When a clause concerns a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Mini-games.
    Game,
    /// Packages that take payments.
    Payment,
    /// Packages with advertising.
    Ads,
    /// Packages that show web pages.
    WebView,
    /// Packages that use the location.
    Location,
    /// Packages that report to analytics.
    Analytics,
    /// Packages that ask the host for the phone number.
    PhoneNumber,
    /// Packages meant for that host app.
    Target(Arc<str>),
    /// Packages with a category under one of these first levels.
    Category(Vec<Arc<str>>),
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "game" => Self::Game,
            "payment" => Self::Payment,
            "ads" => Self::Ads,
            "web-view" => Self::WebView,
            "location" => Self::Location,
            "analytics" => Self::Analytics,
            "phone-number" => Self::PhoneNumber,
            _ => match text.split_once(':')? {
                ("target", host) => Self::Target(host.into()),
                ("category", list) => Self::Category(list.split(',').map(Into::into).collect()),
                _ => return None,
            },
        })
    }
}

/// What the submission must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// A name, or a title that stands for one.
    Name,
    /// A description.
    Description,
    /// Declared categories.
    Categories,
    /// An icon.
    Icon,
}

/// A clause.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Id (`agreement-4.3`).
    pub id: Arc<str>,
    /// Key of its document (`agreement`, `norms`, `game`, `whitepaper`, `categories`, `law`).
    pub document: Arc<str>,
    /// Short title.
    pub title: Wording,
    /// How far a package shows it.
    pub checkable: Checkable,
    /// Why it, or the rest of it, is not checkable: key in `rules/clauses/reasons.toml`.
    pub reason: Option<Arc<str>>,
    /// What the submission must give before it can be checked.
    pub needs: Option<Need>,
    /// When it concerns a package; always when `None`.
    pub applies: Option<Condition>,
    /// Rules that check it, by id.
    pub rules: Vec<Arc<str>>,
}

/// A document with its clauses.
#[derive(Clone, Debug)]
pub struct Document {
    /// Key.
    pub id: Arc<str>,
    /// Title.
    pub title: Wording,
    /// Range in [`Registry::clauses`].
    pub clauses: std::ops::Range<usize>,
}

/// How a document is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentTitle {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
    /// A shorter one, where there is one.
    pub short: Option<Wording>,
}

/// All clauses, in order of document and number.
#[derive(Debug, Default)]
pub struct Registry {
    /// Clauses by document, then by number.
    pub clauses: Vec<Clause>,
    /// Documents in reading order.
    pub documents: Vec<Document>,
    /// Titles of documents, and of the laws in one document by the head of their articles' ids.
    pub titles: BTreeMap<String, DocumentTitle>,
    /// Reasons by key.
    pub reasons: BTreeMap<Arc<str>, Wording>,
    by_id: BTreeMap<Arc<str>, usize>,
}

impl Registry {
    /// A clause by id.
    pub fn get(&self, id: &str) -> Option<&Clause> {
        self.clauses.get(*self.by_id.get(id)?)
    }

    /// A clause as one quotes it: the document's or law's title, the number, the clause's title. The id when it is
    /// unknown.
    pub fn quote(&self, id: &str, lang: Lang) -> String {
        let Some(clause) = self.get(id) else { return id.to_owned() };
        let title = clause.title.get(lang);
        match (self.numbered(id, lang, false), lang) {
            (Some(at), Lang::Zh) => format!("{at}（{title}）"),
            (Some(at), Lang::En) => format!("{at} ({title})"),
            // A rule of another platform, or one that is a document in itself.
            (None, _) => title.to_owned(),
        }
    }

    /// The title of a clause's document or law, and its number there. `None` when it has no title.
    fn numbered(&self, id: &str, lang: Lang, short: bool) -> Option<String> {
        let (head, number) = id.match_indices('-').rev().find_map(|(at, _)| {
            let head = id.get(..at)?;
            self.titles.contains_key(head).then(|| (head, id.get(at + 1..).unwrap_or_default()))
        })?;
        let title = self.titles.get(head)?;
        let whole = Wording { zh: title.zh.clone(), en: title.en.clone() };
        let name = title.short.clone().filter(|_| short).unwrap_or(whole);
        // Laws count articles; what counts otherwise is quoted as it is.
        let article = number.bytes().all(|byte| byte.is_ascii_digit())
            && ["法", "条例", "规定", "办法"].iter().any(|end| title.zh.ends_with(end));
        Some(match (lang, article) {
            (Lang::Zh, true) => format!("《{}》第{number}条", name.zh),
            (Lang::Zh, false) => format!("《{}》{number}", name.zh),
            (Lang::En, true) => format!("{}, article {number}", name.en),
            (Lang::En, false) => format!("{} {number}", name.en),
        })
    }

    /// As [`Registry::quote`] without the clause's title, and with the document's short title.
    pub fn cite(&self, id: &str, lang: Lang) -> String {
        self.numbered(id, lang, true).unwrap_or_else(|| id.to_owned())
    }

    /// Clauses whose id is nearest to a mistyped one: same head, up to `limit`.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Clause> {
        self.clauses.iter().filter(move |clause| {
            clause
                .id
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('-'))
        })
    }

    /// Clauses of a document.
    pub fn of(&self, document: &Document) -> &[Clause] {
        self.clauses.get(document.clauses.clone()).unwrap_or_default()
    }

    /// Why a clause, or the rest of it, is not checkable.
    pub fn reason(&self, clause: &Clause) -> Option<&Wording> {
        self.reasons.get(clause.reason.as_deref()?)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawClause {
    zh: String,
    en: String,
    checkable: Checkable,
    #[serde(default)]
    reason: Option<toml::Spanned<Arc<str>>>,
    #[serde(default)]
    applies: Option<toml::Spanned<Arc<str>>>,
    #[serde(default)]
    needs: Option<Need>,
    #[serde(default)]
    rules: Vec<Arc<str>>,
}

const ROOT: &str = "clauses/";
const REASONS: &str = "clauses/reasons.toml";
const DOCUMENTS: &str = "clauses/documents.toml";
/// Documents in reading order; others of an overlay follow by name.
const ORDER: [&str; 6] = ["agreement", "norms", "game", "whitepaper", "categories", "law"];

/// Sorts `norms-10.1.1` after `norms-9.3`: digits by value, the rest as text.
fn number_key(id: &str) -> Vec<(u8, u64, &str)> {
    let mut key = Vec::new();
    let mut rest = id;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|next: char| next.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        key.push(match head.parse() {
            Ok(number) if digits => (0, number, ""),
            _ => (1, 0, head),
        });
        rest = tail;
    }
    key
}

fn read(packs: &Packs, errors: &mut Vec<PackError>) -> Registry {
    let mut registry = Registry::default();
    if packs.get(REASONS).is_some() {
        registry.reasons = packs.parse(REASONS, errors).unwrap_or_default();
    }
    let titles: BTreeMap<String, DocumentTitle> = packs.parse(DOCUMENTS, errors).unwrap_or_default();
    registry.titles = titles.clone();
    let mut files: Vec<(usize, &str, &str)> = packs
        .list(ROOT)
        .into_iter()
        .filter_map(|(path, text)| {
            let name = path.strip_prefix(ROOT)?.strip_suffix(".toml")?;
            let rank = ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
            (path != REASONS && path != DOCUMENTS).then_some((rank, name, text))
        })
        .collect();
    files.sort_unstable();
    for (_, name, text) in files {
        let path = format!("{ROOT}{name}.toml");
        let raw: BTreeMap<String, RawClause> = match packs.read(&path) {
            Ok(raw) => raw,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let document: Arc<str> = name.into();
        let start = registry.clauses.len();
        for (id, clause) in raw {
            let applies = clause.applies.as_ref().and_then(|text| {
                let condition = Condition::parse(text.get_ref());
                if condition.is_none() {
                    errors.push(PackError::new(
                        path.clone(),
                        text.span(),
                        format!("`{}` is no condition", text.get_ref()),
                    ));
                }
                condition
            });
            if let Some(reason) = &clause.reason
                && !registry.reasons.contains_key(reason.get_ref())
            {
                let message = format!("`{}` is no reason of {REASONS}", reason.get_ref());
                errors.push(PackError::new(path.clone(), reason.span(), message));
            }
            let head = || {
                let at = text.find(&format!("[\"{id}\"]")).unwrap_or(0);
                at..at + id.len() + 4
            };
            match clause.checkable {
                Checkable::No if clause.reason.is_none() => {
                    errors.push(PackError::new(
                        path.clone(),
                        head(),
                        format!("`{id}` is not checkable and has no reason"),
                    ));
                }
                Checkable::Partly if clause.reason.is_none() => {
                    errors.push(PackError::new(
                        path.clone(),
                        head(),
                        format!("`{id}` is checkable in part and has no reason for the rest"),
                    ));
                }
                Checkable::Yes if clause.reason.is_some() => {
                    errors.push(PackError::new(
                        path.clone(),
                        head(),
                        format!("`{id}` is checkable as a whole and has a reason why not"),
                    ));
                }
                _ => {}
            }
            match clause.checkable {
                Checkable::Yes | Checkable::Partly if clause.rules.is_empty() => {
                    errors.push(PackError::new(path.clone(), head(), format!("`{id}` is checkable and names no rule")));
                }
                _ => {}
            }
            registry.clauses.push(Clause {
                id: id.into(),
                document: Arc::clone(&document),
                title: Wording { zh: clause.zh, en: clause.en },
                checkable: clause.checkable,
                reason: clause.reason.map(toml::Spanned::into_inner),
                applies,
                needs: clause.needs,
                rules: clause.rules,
            });
        }
        if let Some(own) = registry.clauses.get_mut(start..) {
            own.sort_by(|a, b| number_key(&a.id).cmp(&number_key(&b.id)));
        }
        registry.documents.push(Document {
            id: document,
            title: titles
                .get(name)
                .map(|title| Wording { zh: title.zh.clone(), en: title.en.clone() })
                .unwrap_or_else(|| Wording { zh: name.into(), en: name.into() }),
            clauses: start..registry.clauses.len(),
        });
    }
    for (index, clause) in registry.clauses.iter().enumerate() {
        if registry.by_id.insert(Arc::clone(&clause.id), index).is_some() {
            errors.push(PackError::new(
                format!("{ROOT}{}.toml", clause.document),
                0..0,
                format!("`{}` stands twice", clause.id),
            ));
        }
    }
    registry
}

/// The registry, read when first asked for.
#[derive(Debug, Default)]
pub struct Clauses {
    registry: OnceLock<Registry>,
    titles_read: AtomicUsize,
}

/// Titles that are read one by one; for more, the whole registry is read.
const FEW: usize = 24;

impl Clauses {
    /// Reads the registry at once only when an overlay changes it, so that its mistakes come out.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let clauses = Self::default();
        if packs.list(ROOT).iter().any(|(path, _)| packs.is_overlay(path)) {
            let _ = clauses.registry.set(read(packs, errors));
        }
        clauses
    }

    /// The registry.
    pub fn registry(&self, packs: &Packs) -> &Registry {
        self.registry.get_or_init(|| read(packs, &mut Vec::new()))
    }

    /// The title of a clause. A few are read without the other clauses, which takes a hundredth of the time.
    pub fn title(&self, id: &str, packs: &Packs) -> Option<Wording> {
        if self.registry.get().is_some() || self.titles_read.fetch_add(1, Ordering::Relaxed) >= FEW {
            return self.registry(packs).get(id).map(|clause| clause.title.clone());
        }
        let head = format!("[\"{id}\"]");
        packs.list(ROOT).into_iter().find_map(|(_, text)| {
            let start = memchr::memmem::find(text.as_bytes(), head.as_bytes())?;
            let rest = text.get(start..)?;
            let end = rest.find("\n[").unwrap_or(rest.len());
            let mut one: BTreeMap<String, RawClause> = toml::from_str(rest.get(..end)?).ok()?;
            one.remove(id).map(|clause| Wording { zh: clause.zh, en: clause.en })
        })
    }

    /// Reads the registry and tells every mistake in it.
    pub fn validate(packs: &Packs) -> Vec<PackError> {
        let mut errors = Vec::new();
        read(packs, &mut errors);
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_alone_are_those_of_the_registry() {
        let packs = Packs::embedded();
        let registry = Clauses::default();
        for clause in &registry.registry(&packs).clauses {
            assert_eq!(Clauses::default().title(&clause.id, &packs).as_ref(), Some(&clause.title), "{}", clause.id);
        }
        assert_eq!(Clauses::default().title("none-1", &packs), None);
    }

    #[test]
    fn numbers_sort_by_value() {
        let mut ids = ["norms-10.1", "norms-9.3", "norms-9.10", "norms-9.2-1", "norms-9.2"];
        ids.sort_by(|a, b| number_key(a).cmp(&number_key(b)));
        assert_eq!(ids, ["norms-9.2", "norms-9.2-1", "norms-9.3", "norms-9.10", "norms-10.1"]);
    }
}
