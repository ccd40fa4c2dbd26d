//! Which services a package shows: an explicit sum over listed evidence.
//!
//! A word counts once, at its strongest place: double in a title. Parts of paths count 1 each, and 3 together at most; the words of
//! one text count 5 together at most, for a paragraph may speak of anything. A service shows when its sum reaches the threshold and its evidence is of two kinds, or of three different signals: never by one word.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::surface::{self, Surface};
use crate::flow::{Place, Step};
use crate::package::FileKind;
use crate::policy::categories::{CategoryId, CategoryTable};
use crate::rules::Context;

/// One sign of a service.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Kind.
    pub surface: Surface,
    /// Where; the first place of its kind.
    pub place: Place,
    /// The word, API, component or part of a path.
    pub word: Arc<str>,
    /// What it adds to the sum.
    pub weight: u32,
    /// Where the text begins that it stands in.
    run: u32,
    /// Whether that text is longer than labels and offers are.
    prose: bool,
    /// Whether it alone all but names the service, wherever it stands.
    strong: bool,
}

/// A service that the package may offer.
#[derive(Clone, Debug)]
pub struct Service {
    /// The category.
    pub category: CategoryId,
    /// Evidence, strongest kind first, then by path and place.
    pub evidence: Vec<Evidence>,
    /// The sum.
    pub score: u32,
    /// Whether a good part of all texts speaks of it.
    pub main: bool,
    /// Whether the package shows what services of its category must show beside words of their own.
    pub borne: bool,
    /// How loudly everything together, names of data and files included, speaks for it.
    pub naming: u32,
}

/// A sign of what services of some categories must show.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sign {
    /// A word, by its place in the list.
    Word(usize),
    /// A part of a path.
    Path(Box<str>),
    /// A role of an API or component.
    Role(Box<str>),
}

/// Weight of a signal that all but names its service.
const STRONG: u8 = 3;
/// Sum that an undeclared key industry needs.
const KEY_THRESHOLD: u32 = 6;
/// Sum that any other category needs.
const THRESHOLD: u32 = 9;
/// Sums that are enough where a service is what the package is about: key industries, and any other.
const MAIN_KEY_THRESHOLD: u32 = 5;
const MAIN_THRESHOLD: u32 = 6;
/// A package is about a service when one in so many of its texts speaks of it.
const MAIN_SHARE: u32 = 3;
/// What parts of paths add at most.
const PATHS_AT_MOST: u32 = 3;
/// What the words of one text add at most, and those of prose, which may speak of anything.
const TEXT_AT_MOST: u32 = 5;
const PROSE_AT_MOST: u32 = 2;
/// Sum of telling words that a kind needs.
const KIND: u32 = 4;
/// What parts of paths add at most to how loudly a service is named.
const NAMED_PATHS_AT_MOST: u32 = 4;
/// A script with more texts than this holds what is read, not what is offered: all of it counts as one text.
const HEAP: u32 = 200;
/// Characters of the longest text that is no prose.
const LABEL: usize = 90;

impl Service {
    /// Whether the evidence is enough.
    pub fn shows(&self, key: bool) -> bool {
        if !self.borne {
            return false;
        }
        let seen = self.evidence.iter().filter(|evidence| evidence.surface != Surface::Name);
        let mut kinds: Vec<Surface> = seen.map(|evidence| evidence.surface).collect();
        let signals = kinds.len();
        kinds.dedup();
        let telling =
            sum(self.evidence.iter().filter(|evidence| evidence.weight >= 2 && evidence.surface < Surface::Path));
        let threshold = match (self.main, key) {
            (false, true) => KEY_THRESHOLD,
            (false, false) => THRESHOLD,
            (true, true) => MAIN_KEY_THRESHOLD,
            (true, false) => MAIN_THRESHOLD,
        };
        (kinds.len() >= 2 || signals >= 3) && self.score >= threshold && telling * 3 >= threshold * 2
    }

    /// The strongest sign.
    pub fn strongest(&self) -> Option<&Evidence> {
        self.evidence.first()
    }

    /// The evidence as a trace, strongest first, without the strongest itself.
    pub fn trace(&self) -> Vec<Step> {
        self.evidence
            .iter()
            .skip(1)
            .take(8)
            .map(|evidence| Step {
                place: evidence.place,
                note: evidence.surface.note(),
                name: Arc::clone(&evidence.word),
            })
            .collect()
    }

    /// Sums the evidence again, without what `dropped` says.
    fn without(&self, dropped: &HashSet<Arc<str>>) -> Self {
        let evidence: Vec<Evidence> =
            self.evidence.iter().filter(|evidence| !dropped.contains(&evidence.word)).cloned().collect();
        Self { score: sum(evidence.iter()), evidence, ..*self }
    }
}

fn sum<'e>(evidence: impl Iterator<Item = &'e Evidence>) -> u32 {
    let (mut paths, mut other) = (0, 0);
    let mut texts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for one in evidence {
        match one.surface {
            Surface::Path => paths += 1,
            Surface::Name => {}
            Surface::Text => {
                let sum = texts.entry((one.place.file.0, one.run)).or_default();
                *sum = (*sum + one.weight).min(if one.prose { PROSE_AT_MOST } else { TEXT_AT_MOST });
            }
            Surface::Api | Surface::Title => other += one.weight,
        }
    }
    other + paths.min(PATHS_AT_MOST) + texts.into_values().sum::<u32>()
}

/// Every category with evidence, highest sum first.
pub fn services(cx: &Context<'_>) -> Vec<Service> {
    let table = cx.policy.category_table();
    let mut services = all(cx);
    services.retain(|service| !table.is_subject(service.category));
    services
}

/// Every category and every first level with evidence, highest sum first.
fn all(cx: &Context<'_>) -> Vec<Service> {
    let signals = cx.policy.signals();
    let mut found: HashMap<CategoryId, BTreeMap<(Arc<str>, bool), Evidence>> = HashMap::new();
    let path = |place: Place| Arc::clone(&cx.package.source(place.file).path);
    let mut add = |category: CategoryId, evidence: Evidence| {
        let known = found.entry(category).or_default();
        // A name of data says it once more, beside a word that users read.
        let key = (Arc::clone(&evidence.word), evidence.surface == Surface::Name);
        match known.get_mut(&key) {
            Some(one) => {
                let order = |e: &Evidence| (e.surface, path(e.place), e.place.span.start);
                if order(&evidence) < order(one) {
                    *one = evidence;
                }
            }
            None => {
                known.insert(key, evidence);
            }
        }
    };
    // Signs of each need: words by their place in its list, then its paths and roles.
    let mut signs: Vec<HashSet<Sign>> = signals.needs.iter().map(|_| HashSet::new()).collect();
    surface::roles(cx, &mut |role, name, place| {
        for (_, signs) in signals.needs.iter().zip(&mut signs).filter(|(need, _)| need.role(role)) {
            signs.insert(Sign::Role(role.into()));
        }
        for (category, weight) in signals.role(role) {
            let evidence = Evidence {
                surface: Surface::Api,
                place,
                word: Arc::clone(name),
                weight: u32::from(*weight),
                run: 0,
                prose: false,
                strong: *weight >= STRONG,
            };
            add(*category, evidence);
        }
    });
    let mut texts = 0;
    let mut in_file: HashMap<crate::source::FileId, u32> = HashMap::new();
    let mut words = |run: surface::Run<'_>| {
        texts += 1;
        *in_file.entry(run.file).or_default() += 1;
        let prose = run.surface == Surface::Text && run.text.chars().nth(LABEL).is_some();
        for (need, signs) in signals.needs.iter().zip(&mut signs).filter(|_| !prose) {
            signs.extend(need.words(run.text).map(Sign::Word));
        }
        for hit in signals.words(run.text) {
            let start = run.span.start + hit.start as u32;
            let place =
                Place { file: run.file, span: crate::source::Span::new(start, run.span.start + hit.end as u32) };
            for (category, weight) in hit.targets {
                let evidence = Evidence {
                    surface: run.surface,
                    place,
                    word: Arc::clone(hit.word),
                    weight: u32::from(*weight) * if run.surface == Surface::Title { 2 } else { 1 },
                    run: run.span.start,
                    prose,
                    strong: *weight >= STRONG,
                };
                add(*category, evidence);
            }
        }
    };
    surface::titles(cx, &mut words);
    surface::texts(cx, &mut words);
    let mut named = |surface: Surface, part: &str, place: Place| {
        if let Some((word, targets)) = signals.path(part) {
            for (category, weight) in targets {
                let evidence = Evidence {
                    surface,
                    place,
                    word: Arc::clone(word),
                    weight: u32::from(*weight),
                    run: 0,
                    prose: false,
                    strong: false,
                };
                add(*category, evidence);
            }
        }
    };
    surface::paths(cx, &mut |part, place| {
        for (_, signs) in signals.needs.iter().zip(&mut signs).filter(|(need, _)| need.path(part)) {
            signs.insert(Sign::Path(part.into()));
        }
        named(Surface::Path, part, place);
    });
    surface::names(cx, &mut |part, place| {
        for (_, signs) in signals.needs.iter().zip(&mut signs).filter(|(need, _)| !need.none && need.path(part)) {
            signs.insert(Sign::Path(part.into()));
        }
        named(Surface::Name, part, place);
    });
    let fronts = fronts(cx);
    let mut services: Vec<Service> = found
        .into_iter()
        .map(|(category, evidence)| {
            let mut evidence: Vec<Evidence> = evidence.into_values().collect();
            for one in evidence.iter_mut().filter(|one| one.surface == Surface::Text) {
                let kind = cx.package.files.get(one.place.file.index()).map(|file| file.kind);
                if kind == Some(FileKind::Script) && in_file.get(&one.place.file).is_some_and(|count| *count > HEAP) {
                    one.run = 0;
                }
            }
            evidence.sort_by(|a, b| {
                (a.surface, path(a.place), a.place.span.start).cmp(&(b.surface, path(b.place), b.place.span.start))
            });
            let speaking: HashSet<(u32, u32)> = evidence
                .iter()
                .filter(|one| matches!(one.surface, Surface::Text | Surface::Title) && one.weight >= 2)
                .map(|one| (one.place.file.0, one.run))
                .collect();
            let main = speaking.len() as u32 * MAIN_SHARE >= texts && texts > 0;
            let strong = evidence.iter().any(|one| one.strong);
            let borne = signals.needs.iter().zip(&signs).all(|(need, signs)| {
                !need.is_of(category) || if need.strong { strong } else { (signs.len() >= need.least) != need.none }
            });
            let naming = naming(&evidence, &fronts);
            Service { category, score: sum(evidence.iter()), evidence, main, borne, naming }
        })
        .collect();
    services.sort_by(|a, b| (b.score, a.category).cmp(&(a.score, b.category)));
    services
}

/// Declared categories that are on the list.
pub fn declared(cx: &Context<'_>) -> Vec<CategoryId> {
    let table = cx.policy.category_table();
    cx.package.submission.categories.iter().filter_map(|name| table.find(name)).collect()
}

/// Configurations whose titles name the program: the app's own, and that of the first page.
fn fronts(cx: &Context<'_>) -> [Option<crate::source::FileId>; 2] {
    let home = cx.package.pages.first().and_then(|page| cx.program.by_route.get(&page.route));
    let home = home.and_then(|unit| cx.program.units.get(*unit as usize)?.config);
    [cx.package.app, home]
}

/// How loudly evidence names a service: as the sum, but what stands in front speaks louder, and names of data and files count.
fn naming(evidence: &[Evidence], fronts: &[Option<crate::source::FileId>]) -> u32 {
    let weigh = |surface: Surface| {
        let of = evidence.iter().filter(move |one| one.surface == surface);
        of.map(|one| one.weight).sum::<u32>()
    };
    let front = evidence
        .iter()
        .filter(|one| one.surface == Surface::Title && one.weight >= 4 && fronts.contains(&Some(one.place.file)));
    let read = evidence.iter().filter(|one| one.surface < Surface::Path);
    sum(read)
        + front.count().min(2) as u32
        + weigh(Surface::Path).min(NAMED_PATHS_AT_MOST)
        + weigh(Surface::Name).min(PATHS_AT_MOST)
}

/// Services that the evidence shows; of similar ones the strongest. What shows far less than the strongest is incidental.
pub fn shown(cx: &Context<'_>) -> Vec<Service> {
    let table = cx.policy.category_table();
    let all = all(cx);
    let showing = all.iter().filter(|service| service.shows(is_key(table, service))).cloned().collect();
    let mut services = distinct(table, showing);
    let main = services.iter().map(|service| service.score).max().unwrap_or(0);
    services.retain(|service| service.score * 2 >= main);
    let mut told: Vec<Service> = Vec::new();
    for service in services {
        let service = by_kind(cx, &all, service);
        if !told.iter().any(|other| other.category == service.category) {
            told.push(service);
        }
    }
    told
}

/// The service that a package most likely is where the evidence shows none: what everything together names loudest.
pub fn likely(cx: &Context<'_>) -> Option<Service> {
    const ENOUGH: u32 = 5;
    let table = cx.policy.category_table();
    let all = all(cx);
    // A function that any service may have is named where little else is.
    let loud = |service: &Service| {
        let common = table.get(service.category).is_some_and(|category| category.common);
        if common { service.naming / 2 } else { service.naming }
    };
    // One word names nothing, wherever it stands: a bank of moods keeps no money. Nor do words that stand in every program.
    let told = |service: &&Service| {
        let words: HashSet<&str> = service.evidence.iter().map(|one| &*one.word).collect();
        let telling = |one: &&Evidence| match one.surface {
            Surface::Title => one.weight >= 4,
            Surface::Api | Surface::Text => one.weight >= 2,
            Surface::Path | Surface::Name => true,
        };
        let telling: HashSet<&str> = service.evidence.iter().filter(telling).map(|one| &*one.word).collect();
        let read = service.evidence.iter().filter(|one| one.surface < Surface::Path).count();
        service.borne
            && loud(service) >= ENOUGH
            && words.len() >= if is_key(table, service) { 3 } else { 2 }
            && telling.len() >= 2
            && (read > 0 || service.evidence.iter().filter(|one| one.weight >= 2).count() >= 2)
    };
    let loudest = all.iter().filter(told).map(loud).max()?;
    let service = all.iter().filter(told).find(|service| loud(service) == loudest)?;
    Some(by_kind(cx, &all, service.clone()))
}

/// What a package most likely is where it is none of what is declared: nothing to speak of names one of those.
pub fn instead(cx: &Context<'_>, declared: &[CategoryId]) -> Option<Service> {
    const LOUD: u32 = 8;
    let table = cx.policy.category_table();
    let covered = |category: CategoryId| declared.iter().any(|one| table.covers(*one, category));
    let level = |category: CategoryId| table.name(category).split('/').next().unwrap_or_default().to_owned();
    let spoken = services(cx).iter().filter(|service| covered(service.category)).map(|service| service.naming).max();
    let service = likely(cx)?;
    let read = service.evidence.iter().filter(|one| one.surface < Surface::Path && one.weight >= 2);
    let near = declared.iter().any(|one| level(*one) == level(service.category));
    (!near
        && !covered(service.category)
        && !table.is_subject(service.category)
        && service.naming >= LOUD
        && service.naming >= spoken.unwrap_or(0) * 4
        && read.count() >= 2)
        .then_some(service)
}

/// What a package is though only a neighbour of it is declared, of which it shows next to nothing.
pub fn apart(cx: &Context<'_>, declared: &[CategoryId]) -> Option<Service> {
    const LOUD: u32 = 10;
    const SHARE: u32 = 3;
    let table = cx.policy.category_table();
    let service = likely(cx)?;
    let kin = declared.iter().all(|one| table.apart(*one, service.category) || !table.covers(*one, service.category));
    let own = |one: &&Evidence| one.surface < Surface::Path && one.weight >= 2;
    let words: HashSet<&str> = service.evidence.iter().filter(own).map(|one| &*one.word).collect();
    let services = services(cx);
    let spoken = services.iter().filter(|other| declared.contains(&other.category)).map(|other| {
        let rest = other.evidence.iter().filter(own).filter(|one| !words.contains(&*one.word));
        rest.map(|one| one.weight).sum::<u32>()
    });
    (kin && words.len() >= 3 && service.naming >= LOUD && service.naming >= spoken.max().unwrap_or(0) * SHARE)
        .then_some(service)
}

/// What is of many kinds, told by its kind where the package shows one: articles by their subject.
fn by_kind(cx: &Context<'_>, all: &[Service], service: Service) -> Service {
    let table = cx.policy.category_table();
    for kinds in table.kinds.iter().filter(|kinds| kinds.of.contains(&service.category)) {
        let telling = |kind: &Service| {
            let words = kind.evidence.iter().filter(|one| one.surface < Surface::Path && one.weight >= 2);
            words.fold((0, 0), |(count, sum), one| (count + 1, sum + one.weight))
        };
        let mut found: Vec<(u32, &Service)> = all
            .iter()
            .filter(|kind| kind.borne && kinds.kinds.contains(&kind.category))
            .map(|kind| (telling(kind), kind))
            .filter(|((count, sum), _)| *count >= kinds.least && *sum >= KIND)
            .map(|((_, sum), kind)| (sum, kind))
            .collect();
        found.sort_by_key(|(sum, kind)| (std::cmp::Reverse(*sum), kind.category));
        let Some((sum, kind)) = found.first() else { continue };
        let next = found.get(1).map_or(0, |(next, _)| *next);
        if sum * 2 < next * 3 {
            continue;
        }
        let mut evidence = kind.evidence.clone();
        evidence.extend(
            service.evidence.iter().filter(|one| !kind.evidence.iter().any(|own| own.word == one.word)).cloned(),
        );
        return Service { category: kind.category, evidence, ..service };
    }
    service
}

/// Services that the evidence shows and no declared category covers.
///
/// What a declared category explains is no evidence for another one, and a service that shows far less than the declared ones
/// is incidental.
pub fn uncovered(cx: &Context<'_>, declared: &[CategoryId]) -> Vec<Service> {
    let table = cx.policy.category_table();
    let services = services(cx);
    let covered = |category: CategoryId| declared.iter().any(|one| table.covers(*one, category));
    let mut explained: HashSet<Arc<str>> = HashSet::new();
    let mut main = 0;
    for service in services.iter().filter(|service| covered(service.category)) {
        main = main.max(service.score);
        // An API or component may serve several services; a word names one.
        let words = service.evidence.iter().filter(|evidence| evidence.surface != Surface::Api);
        explained.extend(words.map(|evidence| Arc::clone(&evidence.word)));
    }
    let left = services
        .iter()
        .filter(|service| !covered(service.category))
        .map(|service| service.without(&explained))
        .filter(|service| {
            let key = is_key(table, service);
            let by_api = service.evidence.first().is_some_and(|one| one.surface == Surface::Api && one.weight >= 3);
            let share = if key { 4 } else { 2 };
            // What the declared ones show as well is not what the package is about.
            let service = Service { main: service.main && main * MAIN_SHARE <= service.score, ..service.clone() };
            service.shows(key) && (by_api || service.score * share >= main)
        })
        .collect::<Vec<_>>();
    let mut left = distinct(table, left);
    // Beside what the package is about, what shows far less is incidental.
    let strongest = left.iter().map(|service| service.score).max().unwrap_or(0);
    left.retain(|service| is_key(table, service) || service.score * 2 >= strongest);
    left.sort_by(|a, b| (b.score, a.category).cmp(&(a.score, b.category)));
    left
}

fn is_key(table: &CategoryTable, service: &Service) -> bool {
    table.get(service.category).is_some_and(|category| category.key)
}

/// Drops what says nothing beside a stronger one: similar categories, and those that live on the same words.
fn distinct(table: &CategoryTable, mut services: Vec<Service>) -> Vec<Service> {
    services.sort_by(|a, b| (b.naming, b.score, a.category).cmp(&(a.naming, a.score, b.category)));
    let mut kept: Vec<Service> = Vec::new();
    let mut used: HashSet<Arc<str>> = HashSet::new();
    for service in services {
        let similar = kept.iter().any(|other| table.covers(other.category, service.category));
        if !similar && service.without(&used).shows(is_key(table, &service)) {
            used.extend(service.evidence.iter().map(|evidence| Arc::clone(&evidence.word)));
            kept.push(service);
        }
    }
    kept
}
