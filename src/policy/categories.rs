//! Service categories: licences, what shows a service, what does not contradict what, and prohibited industries.
//!
//! Each table is read when first asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Deserialize;

use super::catalogue::Wording;
use super::packs::{PackError, Packs};
use crate::text::Words;

/// Index of a category in [`CategoryTable::list`].
pub type CategoryId = u16;

/// A second-level category.
#[derive(Clone, Debug)]
pub struct Category {
    /// `first/second`.
    pub name: Arc<str>,
    /// Sets of licences: any one set is enough.
    pub qualifications: Vec<Vec<Arc<str>>>,
    /// App types of the regulation on necessary personal information; empty when none fits.
    pub necessary: Vec<Arc<str>>,
    /// Groups of categories that do not contradict each other.
    groups: Vec<u16>,
    /// Whether an undeclared service of this category is an error.
    pub key: bool,
    /// Whether it is a function that any service may have, so that whatever is declared covers it.
    pub common: bool,
}

/// An API or component that needs a place in the declared categories.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// Key.
    pub id: Arc<str>,
    /// Roles of APIs and components.
    pub roles: Vec<Arc<str>>,
    /// What it is called.
    pub name: Wording,
    /// At least one declared category must match, when there are any.
    pub only: Vec<Arc<str>>,
    /// No place when every declared category matches.
    pub never: Vec<Arc<str>>,
}

/// The list of categories with what belongs to each.
#[derive(Debug, Default)]
pub struct CategoryTable {
    /// Hosts whose categories these are.
    pub hosts: Vec<Arc<str>>,
    /// Categories by name.
    pub list: Vec<Category>,
    /// Privileged APIs and components.
    pub privileges: Vec<Privilege>,
    /// First levels that may be told where no category under them stands out, numbered on from [`Self::list`]. None can be declared.
    subjects: Vec<Category>,
    /// See [`Self::apart`].
    apart: Vec<(CategoryId, CategoryId)>,
    /// What a category of many kinds is told by instead, where the package shows one kind.
    pub kinds: Vec<Kinds>,
    by_name: FxHashMap<String, CategoryId>,
}

/// What is read is told by its subject.
#[derive(Debug)]
pub struct Kinds {
    /// Categories of many kinds.
    pub of: Vec<CategoryId>,
    /// The kinds.
    pub kinds: Vec<CategoryId>,
    /// Words that a kind must show, each at least as telling as its own name.
    pub least: usize,
}

/// Whether a category matches a pattern: itself, or `first/*`, which the first level alone matches as well.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(first) => name.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => pattern == name,
    }
}

/// One spelling for names that differ in width, spaces or separators only.
fn spelling(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            ' ' | '\u{3000}' | '\t' => {}
            '／' | '>' | '＞' | '→' => out.push('/'),
            '（' => out.push('('),
            '）' => out.push(')'),
            '、' => out.push('/'),
            '-' | '－' | '—' | '·' => out.push('/'),
            _ => out.extend(c.to_lowercase()),
        }
    }
    while out.contains("//") {
        out = out.replace("//", "/");
    }
    out
}

/// Edits between two names, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut last = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, other) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let left = row.get(j).copied().unwrap_or(usize::MAX - 1);
            let next = (last + usize::from(c != *other)).min(above + 1).min(left + 1);
            last = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = next;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}

impl CategoryTable {
    /// A category by its declared name; width, spaces and separators do not matter.
    pub fn find(&self, declared: &str) -> Option<CategoryId> {
        self.by_name.get(&spelling(declared)).copied()
    }

    /// Whether a text is nothing but the name of an industry.
    pub fn is_industry(&self, text: &str) -> bool {
        let wanted = spelling(text);
        self.list.iter().any(|category| {
            let name = spelling(&category.name);
            let (first, second) = name.split_once('/').unwrap_or((name.as_str(), ""));
            first == wanted || second == wanted
        })
    }

    /// A category, or a first level.
    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        let index = usize::from(id);
        self.list.get(index).or_else(|| self.subjects.get(index.checked_sub(self.list.len())?))
    }

    /// Whether it is a first level, which says what a package is about but cannot be declared.
    pub fn is_subject(&self, id: CategoryId) -> bool {
        usize::from(id) >= self.list.len()
    }

    /// A category by its name, or a first level that may be told.
    fn named(&self, name: &str) -> Option<CategoryId> {
        let subject = || {
            let index = self.subjects.iter().position(|subject| &*subject.name == name)?;
            Some((self.list.len() + index) as CategoryId)
        };
        self.find(name).or_else(subject)
    }

    /// A category's name.
    pub fn name(&self, id: CategoryId) -> &str {
        self.get(id).map_or("", |category| &category.name)
    }

    /// Whether two categories are of one subject: of the same first level, or one is what is read of the other (`资讯/美食`).
    pub fn same_subject(&self, one: CategoryId, other: CategoryId) -> bool {
        let parts = |id: CategoryId| self.name(id).split_once('/').unwrap_or((self.name(id), ""));
        let ((a, a_second), (b, b_second)) = (parts(one), parts(other));
        a == b || a == b_second || b == a_second
    }

    /// Whether a declared category covers a service of another one.
    pub fn covers(&self, declared: CategoryId, shown: CategoryId) -> bool {
        declared == shown
            || match (self.get(declared), self.get(shown)) {
                (Some(_), Some(b)) if b.common => true,
                (Some(a), Some(b)) => a.groups.iter().any(|group| b.groups.contains(group)),
                _ => false,
            }
    }

    /// Whether a declared category covers a neighbour's service only beside services of its own.
    pub fn apart(&self, declared: CategoryId, shown: CategoryId) -> bool {
        self.apart.contains(&(declared, shown))
    }

    /// The category whose name is nearest to a declared one that is not on the list.
    pub fn nearest(&self, declared: &str) -> Option<CategoryId> {
        let wanted = spelling(declared);
        let tail = wanted.rsplit_once('/').map_or(wanted.as_str(), |(_, tail)| tail);
        if tail.is_empty() {
            return None;
        }
        (0..self.list.len() as CategoryId).min_by_key(|id| {
            let name = spelling(self.name(*id));
            let (first, second) = name.split_once('/').unwrap_or((name.as_str(), name.as_str()));
            let near = if second == tail || name == wanted {
                0
            } else if second.contains(tail) || tail.contains(second) {
                1
            } else if second.chars().any(|c| tail.contains(c)) {
                2
            } else if wanted.starts_with(first) {
                3
            } else {
                4
            };
            (near, distance(&wanted, &name), *id)
        })
    }

    /// Whether any declared category justifies a privileged API or component.
    pub fn justified(&self, privilege: &Privilege, declared: &[CategoryId]) -> bool {
        let any =
            |patterns: &[Arc<str>], id: CategoryId| patterns.iter().any(|pattern| matches(pattern, self.name(id)));
        let allowed = privilege.only.is_empty() || declared.iter().any(|id| any(&privilege.only, *id));
        let refused = !privilege.never.is_empty() && declared.iter().all(|id| any(&privilege.never, *id));
        allowed && !refused
    }
}

/// What a signal speaks for, and how strongly.
type Weights = Vec<Weight>;

/// A category, and how strongly something speaks for it.
type Weight = (CategoryId, u8);

/// What shows services.
#[derive(Debug, Default)]
pub struct Signals {
    words: Words,
    /// By pattern: the word and the categories it speaks for; none for a word that only hides others.
    targets: Vec<(Arc<str>, Weights)>,
    paths: FxHashMap<Arc<str>, Weights>,
    roles: FxHashMap<Arc<str>, Weights>,
    /// What services of some categories must show beside words of their own.
    pub needs: Vec<Need>,
}

/// What the services of some categories must show beside words of their own: goods may be spoken of anywhere, a shop sells them.
#[derive(Debug, Default)]
pub struct Need {
    /// The categories.
    of: Vec<CategoryId>,
    /// A signal of weight 3 of the category itself is needed; the lists below are empty then.
    pub strong: bool,
    /// Distinct signs that are needed.
    pub least: usize,
    /// Whether the words speak against the categories.
    pub none: bool,
    words: Words,
    paths: Vec<Arc<str>>,
    roles: Vec<Arc<str>>,
}

impl Need {
    /// Whether services of a category have this need.
    pub fn is_of(&self, category: CategoryId) -> bool {
        self.of.binary_search(&category).is_ok()
    }

    /// Signs in a text, by their place in the list.
    pub fn words(&self, text: &str) -> impl Iterator<Item = usize> {
        self.words.longest(text).into_iter().map(|hit| hit.id)
    }

    /// Whether a part of a path is a sign.
    pub fn path(&self, part: &str) -> bool {
        self.paths.iter().any(|path| &**path == part)
    }

    /// Whether a role of an API or component is a sign.
    pub fn role(&self, role: &str) -> bool {
        self.roles.iter().any(|known| &**known == role)
    }
}

/// A word in a text.
#[derive(Clone, Copy, Debug)]
pub struct WordHit<'s> {
    /// First byte.
    pub start: usize,
    /// Past the last byte.
    pub end: usize,
    /// The word.
    pub word: &'s Arc<str>,
    /// Categories and weights.
    pub targets: &'s [(CategoryId, u8)],
}

impl Signals {
    /// Words in a text, first to last, without overlaps; the longest at each place.
    pub fn words<'s>(&'s self, text: &'s str) -> impl Iterator<Item = WordHit<'s>> {
        self.words.longest(text).into_iter().filter_map(move |hit| {
            let (word, targets) = self.targets.get(hit.id)?;
            let hit = hit.range;
            let bytes = text.as_bytes();
            let letter = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_alphanumeric);
            // An English word is no part of a longer one.
            if (letter(hit.start) && hit.start > 0 && letter(hit.start - 1)) || (letter(hit.end - 1) && letter(hit.end))
            {
                return None;
            }
            (!targets.is_empty()).then_some(WordHit { start: hit.start, end: hit.end, word, targets })
        })
    }

    /// Categories that a part of a path speaks for.
    pub fn path(&self, part: &str) -> Option<(&Arc<str>, &[Weight])> {
        self.paths.get_key_value(part).map(|(word, targets)| (word, targets.as_slice()))
    }

    /// Categories that a role of an API or component speaks for.
    pub fn role(&self, role: &str) -> &[(CategoryId, u8)] {
        self.roles.get(role).map_or(&[], Vec::as_slice)
    }
}

/// An industry that no category allows.
#[derive(Clone, Debug)]
pub struct Industry {
    /// Key.
    pub id: Arc<str>,
    /// What it is called.
    pub name: Wording,
    /// Parts of paths.
    pub paths: Vec<Arc<str>>,
    /// Categories that may speak of it (`X/*` for all under X).
    pub exempt: Vec<Arc<str>>,
    /// Categories that may speak of it where the package shows them before all others and declares none.
    exempt_shown: Vec<Arc<str>>,
    /// Distinct terms that must stand in the package.
    pub distinct: usize,
}

impl Industry {
    /// Whether a category may speak of it.
    pub fn allows(&self, category: &str) -> bool {
        self.exempt.iter().any(|pattern| matches(pattern, category))
    }

    /// Whether a category may speak of it that the package shows and does not declare.
    pub fn allows_shown(&self, category: &str) -> bool {
        self.exempt_shown.iter().any(|pattern| matches(pattern, category))
    }
}

/// Prohibited industries.
#[derive(Debug, Default)]
pub struct Prohibited {
    /// The industries.
    pub industries: Vec<Industry>,
    /// Sum of weights that shows one.
    pub threshold: u32,
    terms: Words,
    /// By pattern: the term, its industry and its weight; weight 0 only hides shorter ones.
    targets: Vec<(Arc<str>, usize, u8)>,
    offer: Words,
    sale: Words,
    offer_whole: Vec<String>,
    before: Vec<String>,
    after: Vec<String>,
    /// What makes a whole text a list of what is not covered or not done.
    excludes: Words,
}

/// A term of a prohibited industry in a text.
#[derive(Clone, Copy, Debug)]
pub struct TermHit<'p> {
    /// First byte.
    pub start: usize,
    /// Past the last byte.
    pub end: usize,
    /// The term.
    pub term: &'p Arc<str>,
    /// Index in [`Prohibited::industries`].
    pub industry: usize,
    /// Weight.
    pub weight: u8,
}

/// Marks that end a phrase, for negations.
const PHRASE_ENDS: &[char] = &['。', '，', '；', '！', '？', '\n', ';', ',', '!', '?', '"', '\'', '>', '<'];

impl Prohibited {
    /// Terms in a text that stand in no negation.
    pub fn terms<'p>(&'p self, text: &'p str) -> impl Iterator<Item = TermHit<'p>> {
        let found = self.terms.longest(text);
        let found = if found.is_empty() || self.excludes.is_in(text) { Vec::new() } else { found };
        found.into_iter().filter_map(move |hit| {
            let (term, industry, weight) = self.targets.get(hit.id)?;
            let hit = hit.range;
            if *weight == 0 {
                return None;
            }
            let head = text.get(..hit.start)?;
            let head = head.rsplit(PHRASE_ENDS).next().unwrap_or(head);
            let tail = text.get(hit.end..)?;
            let tail = tail.split(PHRASE_ENDS).next().unwrap_or(tail);
            let near_tail: String = tail.chars().take(8).collect();
            // A ban goes on over all that it lists.
            let near_head: String = if head.contains('、') {
                head.to_owned()
            } else {
                let count = head.chars().count();
                head.chars().skip(count.saturating_sub(10)).collect()
            };
            if self.before.iter().any(|word| near_head.contains(word.as_str()))
                || self.after.iter().any(|word| near_tail.contains(word.as_str()))
            {
                return None;
            }
            Some(TermHit { start: hit.start, end: hit.end, term, industry: *industry, weight: *weight })
        })
    }

    /// Whether a text says that what it names is on sale.
    pub fn sells(&self, text: &str) -> bool {
        self.sale.is_in(text)
    }

    /// Whether a text offers something.
    pub fn offers(&self, text: &str) -> bool {
        self.offer.is_in(text) || self.offer_whole.iter().any(|whole| whole == text.trim())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCategories {
    hosts: Vec<Arc<str>>,
    categories: BTreeMap<String, RawCategory>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCategory {
    qualifications: Vec<String>,
    necessary: Vec<Arc<str>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGroups {
    key: Vec<toml::Spanned<String>>,
    common: Vec<toml::Spanned<String>>,
    subjects: Vec<toml::Spanned<String>>,
    kinds: BTreeMap<String, RawKinds>,
    groups: BTreeMap<String, Vec<toml::Spanned<String>>>,
    apart: BTreeMap<String, Vec<toml::Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawKinds {
    of: Vec<toml::Spanned<String>>,
    kinds: Vec<toml::Spanned<String>>,
    least: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawPrivilege {
    roles: Vec<Arc<str>>,
    name_zh: String,
    name_en: String,
    #[serde(default)]
    only: Vec<Arc<str>>,
    #[serde(default)]
    never: Vec<Arc<str>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSignals {
    strong: Vec<Arc<str>>,
    words: Vec<Arc<str>>,
    weak: Vec<Arc<str>>,
    names: Vec<Arc<str>>,
    paths: Vec<Arc<str>>,
    roles: BTreeMap<Arc<str>, u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNeed {
    categories: Vec<toml::Spanned<String>>,
    #[serde(default)]
    strong: bool,
    #[serde(default)]
    none: bool,
    #[serde(default = "one")]
    least: usize,
    #[serde(default)]
    words: Vec<Arc<str>>,
    #[serde(default)]
    paths: Vec<Arc<str>>,
    #[serde(default)]
    roles: Vec<Arc<str>>,
}

fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawProhibited {
    threshold: u32,
    offer: Vec<String>,
    #[serde(default)]
    offer_whole: Vec<String>,
    #[serde(default)]
    sale: Vec<String>,
    negation_before: Vec<String>,
    negation_after: Vec<String>,
    #[serde(default)]
    exclusions: Vec<String>,
    #[serde(default)]
    masks: Vec<Arc<str>>,
    industries: BTreeMap<Arc<str>, RawIndustry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawIndustry {
    name_zh: String,
    name_en: String,
    strong: Vec<Arc<str>>,
    #[serde(default)]
    words: Vec<Arc<str>>,
    #[serde(default)]
    paths: Vec<Arc<str>>,
    #[serde(default)]
    exempt: Vec<Arc<str>>,
    #[serde(default)]
    exempt_shown: Vec<Arc<str>>,
    #[serde(default = "two")]
    distinct: usize,
}

fn two() -> usize {
    2
}

const ROOT: &str = "categories/";
const MASKS: &str = "masks";

fn read_table(packs: &Packs, errors: &mut Vec<PackError>) -> CategoryTable {
    let mut table = CategoryTable::default();
    let Some(raw) = packs.parse::<RawCategories>("categories/categories.toml", errors) else { return table };
    table.hosts = raw.hosts;
    for (name, category) in raw.categories {
        let id = table.list.len() as CategoryId;
        table.by_name.insert(spelling(&name), id);
        let qualifications =
            category.qualifications.iter().map(|set| set.split(" + ").map(Into::into).collect()).collect();
        table.list.push(Category {
            name: name.into(),
            qualifications,
            necessary: category.necessary,
            groups: Vec::new(),
            key: false,
            common: false,
        });
    }
    let path = "categories/groups.toml";
    let raw: RawGroups = packs.parse(path, errors).unwrap_or_default();
    let unknown = |pattern: &toml::Spanned<String>, errors: &mut Vec<PackError>| {
        errors.push(PackError::new(path, pattern.span(), format!("`{}` is no category", pattern.get_ref())));
    };
    for (group, patterns) in raw.groups.values().enumerate() {
        for pattern in patterns {
            let mut any = false;
            for category in table.list.iter_mut().filter(|category| matches(pattern.get_ref(), &category.name)) {
                any = true;
                category.groups.push(group as u16);
            }
            if !any {
                unknown(pattern, errors);
            }
        }
    }
    for (patterns, key) in [(&raw.key, true), (&raw.common, false)] {
        for pattern in patterns {
            let mut any = false;
            for category in table.list.iter_mut().filter(|category| matches(pattern.get_ref(), &category.name)) {
                any = true;
                category.key |= key;
                category.common |= !key;
            }
            if !any {
                unknown(pattern, errors);
            }
        }
    }
    for (shown, patterns) in &raw.apart {
        let ids = |pattern: &str| -> Vec<CategoryId> {
            (0..table.list.len() as CategoryId).filter(|id| matches(pattern, &table.list[*id as usize].name)).collect()
        };
        let mut pairs = Vec::new();
        for pattern in patterns {
            let before = pairs.len();
            for one in ids(pattern.get_ref()) {
                pairs.extend(ids(shown).into_iter().map(|other| (one, other)));
            }
            if pairs.len() == before {
                unknown(pattern, errors);
            }
        }
        table.apart.extend(pairs);
    }
    for subject in &raw.subjects {
        let under = format!("{}/*", subject.get_ref());
        let mut groups: Vec<u16> = table
            .list
            .iter()
            .filter(|category| matches(&under, &category.name))
            .flat_map(|category| category.groups.iter().copied())
            .collect();
        if groups.is_empty() {
            unknown(subject, errors);
        }
        groups.sort_unstable();
        groups.dedup();
        table.subjects.push(Category {
            name: subject.get_ref().as_str().into(),
            qualifications: Vec::new(),
            necessary: Vec::new(),
            groups,
            key: false,
            common: false,
        });
    }
    for kinds in raw.kinds.values() {
        let mut read = |patterns: &[toml::Spanned<String>]| {
            let mut ids: Vec<CategoryId> = Vec::new();
            for pattern in patterns {
                let known = ids.len();
                ids.extend(
                    (0..table.list.len() as CategoryId).filter(|id| matches(pattern.get_ref(), table.name(*id))),
                );
                if ids.len() == known {
                    match table.named(pattern.get_ref()) {
                        Some(id) => ids.push(id),
                        None => unknown(pattern, errors),
                    }
                }
            }
            ids
        };
        let of = read(&kinds.of);
        let mut under = read(&kinds.kinds);
        under.retain(|id| !of.contains(id));
        table.kinds.push(Kinds { of, kinds: under, least: kinds.least });
    }
    let raw: BTreeMap<Arc<str>, RawPrivilege> = packs.parse("categories/privileged.toml", errors).unwrap_or_default();
    table.privileges = raw
        .into_iter()
        .map(|(id, privilege)| Privilege {
            id,
            roles: privilege.roles,
            name: Wording { zh: privilege.name_zh, en: privilege.name_en },
            only: privilege.only,
            never: privilege.never,
        })
        .collect();
    table
}

fn read_signals(table: &CategoryTable, packs: &Packs, errors: &mut Vec<PackError>) -> Signals {
    let mut signals = Signals::default();
    let path = "categories/signals.toml";
    let Some(raw) = packs.parse::<BTreeMap<String, RawSignals>>(path, errors) else { return signals };
    let mut places: FxHashMap<Arc<str>, usize> = FxHashMap::with_capacity_and_hasher(4096, FxBuildHasher);
    let mut place = |word: Arc<str>, targets: &mut Vec<(Arc<str>, Weights)>| {
        *places.entry(word).or_insert_with_key(|word| {
            targets.push((word.clone(), Vec::new()));
            targets.len() - 1
        })
    };
    for (name, entry) in raw {
        if name == MASKS {
            for word in entry.words {
                place(word, &mut signals.targets);
            }
            continue;
        }
        let Some(id) = table.named(&name) else {
            let at = packs.get(path).and_then(|text| text.find(&format!("[\"{name}\"]"))).unwrap_or(0);
            errors.push(PackError::new(path, at..at + name.len() + 4, format!("`{name}` is no category")));
            continue;
        };
        for (list, weight) in [(entry.strong, 3), (entry.words, 2), (entry.weak, 1)] {
            for word in list {
                let at = place(word, &mut signals.targets);
                let (_, targets) = &mut signals.targets[at];
                match targets.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, known)) => *known = (*known).max(weight),
                    None => targets.push((id, weight)),
                }
            }
        }
        for (list, weight) in [(entry.names, 2), (entry.paths, 1)] {
            for word in list {
                let targets = signals.paths.entry(word).or_default();
                if !targets.iter().any(|(known, _)| *known == id) {
                    targets.push((id, weight));
                }
            }
        }
        for (role, weight) in entry.roles {
            signals.roles.entry(role).or_default().push((id, weight));
        }
    }
    signals.words = Words::new(signals.targets.iter().map(|(word, _)| word));
    signals.needs = read_needs(table, packs, errors);
    signals
}

fn read_needs(table: &CategoryTable, packs: &Packs, errors: &mut Vec<PackError>) -> Vec<Need> {
    let path = "categories/needs.toml";
    let raw: BTreeMap<String, RawNeed> = packs.parse(path, errors).unwrap_or_default();
    let mut needs = Vec::with_capacity(raw.len());
    for need in raw.into_values() {
        let mut of = Vec::new();
        for pattern in &need.categories {
            let known = of.len();
            let named = (0..table.list.len() as CategoryId).filter(|id| matches(pattern.get_ref(), table.name(*id)));
            of.extend(named);
            of.extend(table.named(pattern.get_ref()).filter(|id| table.is_subject(*id)));
            if of.len() == known {
                let message = format!("`{}` is no category", pattern.get_ref());
                errors.push(PackError::new(path, pattern.span(), message));
            }
        }
        of.sort_unstable();
        needs.push(Need {
            of,
            strong: need.strong,
            least: need.least,
            none: need.none,
            words: Words::new(&need.words),
            paths: need.paths,
            roles: need.roles,
        });
    }
    needs
}

fn read_prohibited(packs: &Packs, errors: &mut Vec<PackError>) -> Prohibited {
    let mut prohibited = Prohibited::default();
    let path = "categories/prohibited.toml";
    let Some(raw) = packs.parse::<RawProhibited>(path, errors) else { return prohibited };
    prohibited.threshold = raw.threshold;
    for (id, industry) in raw.industries {
        let index = prohibited.industries.len();
        for (list, weight) in [(industry.strong, 3), (industry.words, 2)] {
            prohibited.targets.extend(list.into_iter().map(|term| (term, index, weight)));
        }
        prohibited.industries.push(Industry {
            id,
            name: Wording { zh: industry.name_zh, en: industry.name_en },
            paths: industry.paths,
            exempt: industry.exempt,
            exempt_shown: industry.exempt_shown,
            distinct: industry.distinct,
        });
    }
    prohibited.targets.extend(raw.masks.into_iter().map(|term| (term, 0, 0)));
    prohibited.terms = Words::new(prohibited.targets.iter().map(|(term, ..)| term));
    prohibited.offer = Words::new(&raw.offer);
    prohibited.sale = Words::new(&raw.sale);
    prohibited.offer_whole = raw.offer_whole;
    prohibited.before = raw.negation_before;
    prohibited.after = raw.negation_after;
    prohibited.excludes = Words::new(&raw.exclusions);
    prohibited
}

/// The tables, each read when first asked for.
#[derive(Debug, Default)]
pub struct Categories {
    table: OnceLock<CategoryTable>,
    signals: OnceLock<Signals>,
    prohibited: OnceLock<Prohibited>,
}

impl Categories {
    /// Reads the tables at once only when an overlay changes them, so that their mistakes come out.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let categories = Self::default();
        if packs.list(ROOT).iter().any(|(path, _)| packs.is_overlay(path)) {
            let table = read_table(packs, errors);
            let _ = categories.signals.set(read_signals(&table, packs, errors));
            let _ = categories.prohibited.set(read_prohibited(packs, errors));
            let _ = categories.table.set(table);
        }
        categories
    }

    /// The list of categories.
    pub fn table(&self, packs: &Packs) -> &CategoryTable {
        self.table.get_or_init(|| read_table(packs, &mut Vec::new()))
    }

    /// What shows services.
    pub fn signals(&self, packs: &Packs) -> &Signals {
        self.signals.get_or_init(|| read_signals(self.table(packs), packs, &mut Vec::new()))
    }

    /// Prohibited industries.
    pub fn prohibited(&self, packs: &Packs) -> &Prohibited {
        self.prohibited.get_or_init(|| read_prohibited(packs, &mut Vec::new()))
    }

    /// Reads every table and tells every mistake.
    pub fn validate(packs: &Packs) -> Vec<PackError> {
        let mut errors = Vec::new();
        let table = read_table(packs, &mut errors);
        read_signals(&table, packs, &mut errors);
        read_prohibited(packs, &mut errors);
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packs() -> Packs {
        Packs::embedded()
    }

    #[test]
    fn the_tables_have_no_mistakes() {
        let errors = Categories::validate(&packs());
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn every_category_has_signals() {
        let packs = packs();
        let categories = Categories::default();
        let table = categories.table(&packs);
        assert_eq!(table.list.len(), 247);
        let signals = categories.signals(&packs);
        for id in 0..table.list.len() as CategoryId {
            let any = signals.targets.iter().any(|(_, targets)| targets.iter().any(|(known, _)| *known == id));
            assert!(any, "{}", table.name(id));
        }
    }

    #[test]
    fn similar_categories_do_not_contradict() {
        let packs = packs();
        let categories = Categories::default();
        let table = categories.table(&packs);
        let covers = |a: &str, b: &str| table.covers(table.find(a).unwrap(), table.find(b).unwrap());
        assert!(covers("商家自营/百货", "电商/综合性电商平台"));
        assert!(covers("资讯/科技", "资讯/汽车"));
        assert!(!covers("资讯/科技", "时政新闻/时政新闻"));
        assert!(!covers("效率/信息查询", "娱乐/直播"));
        assert!(!covers("金融业/保险", "金融业/证券/期货"));
        let akin = |a: &str, b: &str| table.same_subject(table.find(a).unwrap(), table.find(b).unwrap());
        assert!(akin("资讯/美食", "美食/餐饮服务场所"));
        assert!(!akin("资讯/美食", "教育/在线教育"));
    }

    #[test]
    fn names_are_found_and_mended() {
        let packs = packs();
        let categories = Categories::default();
        let table = categories.table(&packs);
        assert!(table.find("生活 / 线下超市/便利店").is_some());
        assert!(table.find("效率>信息查询").is_some());
        assert!(table.find("工具/信息查询").is_none());
        assert_eq!(table.nearest("工具/信息查询").map(|id| table.name(id)), Some("效率/信息查询"));
        assert_eq!(table.nearest("美食/外买平台").map(|id| table.name(id)), Some("美食/外卖平台"));
    }

    #[test]
    fn the_longest_word_counts() {
        let packs = packs();
        let categories = Categories::default();
        let words: Vec<&str> = categories.signals(&packs).words("直播课堂与快递单号").map(|hit| &**hit.word).collect();
        assert_eq!(words, ["直播课堂"]);
    }

    #[test]
    fn negated_terms_do_not_count() {
        let packs = packs();
        let categories = Categories::default();
        let prohibited = categories.prohibited(&packs);
        assert_eq!(prohibited.terms("本平台禁止销售电子烟").count(), 0);
        assert_eq!(prohibited.terms("一次性电子烟 热卖").count(), 1);
        assert_eq!(prohibited.terms("禁止寄递枪支弹药、管制刀具、毒品、烟花爆竹等违禁品").count(), 0);
        assert_eq!(prohibited.terms("整形手术、整容手术及由此导致的医疗事故").count(), 0);
    }
}
