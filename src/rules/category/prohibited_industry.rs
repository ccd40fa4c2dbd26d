//! The package offers what no category allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model;
use super::surface::{self, Surface};
use crate::flow::Place;
use crate::rules::{Confidence, Context, Finding, Rule, Severity};
use crate::source::{FileId, Span};

/// `category/prohibited-industry`
pub struct ProhibitedIndustry;

/// A term, where it stands, and how it is shown.
type Hit = (Surface, Arc<str>, Place, u32);

impl Rule for ProhibitedIndustry {
    fn id(&self) -> &'static str {
        "category/prohibited-industry"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let prohibited = cx.policy.prohibited();
        let mut hits: BTreeMap<usize, Vec<Hit>> = BTreeMap::new();
        // A page's script and its template are one offer.
        let mut offering: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
        // Industries whose own words stand beside a price or on sale, by the page.
        let mut priced: std::collections::BTreeSet<(usize, &str)> = std::collections::BTreeSet::new();
        // A script that holds nothing but rows of words is a list to choose from.
        let mut rows: BTreeMap<FileId, usize> = BTreeMap::new();
        surface::texts(cx, &mut |run| *rows.entry(run.file).or_default() += 1);
        rows.retain(|file, count| *count >= TABLE && !cx.program.units.iter().any(|unit| unit.script == Some(*file)));
        rows.retain(|file, _| cx.program.script(*file).is_some());
        let mut read = |run: surface::Run<'_>| {
            // Prose may speak of anything: only an industry's own goods and services count in it.
            let prose =
                run.surface == Surface::Text && (rows.contains_key(&run.file) || run.text.chars().nth(PROSE).is_some());
            for hit in prohibited.terms(run.text).filter(|hit| !prose || hit.weight >= STRONG) {
                let start = run.span.start + hit.start as u32;
                let place = Place { file: run.file, span: Span::new(start, run.span.start + hit.end as u32) };
                let weight = u32::from(hit.weight) * if run.surface == Surface::Title { 2 } else { 1 };
                hits.entry(hit.industry).or_default().push((run.surface, Arc::clone(hit.term), place, weight));
                if hit.weight >= STRONG && !prose && (has_price(run.text) || prohibited.sells(run.text)) {
                    priced.insert((hit.industry, stem(cx, run.file)));
                    if prohibited.sells(run.text) {
                        offering.insert(stem(cx, run.file));
                    }
                }
            }
            if prohibited.offers(run.text) {
                offering.insert(stem(cx, run.file));
            }
        };
        surface::titles(cx, &mut read);
        surface::texts(cx, &mut read);
        surface::price_marks(cx, &mut |file| {
            offering.insert(stem(cx, file));
        });
        if hits.is_empty() {
            return;
        }
        let mut trade = false;
        surface::roles(cx, &mut |role, _, _| {
            trade |= matches!(role, "payment" | "phone-call" | "service-chat" | "contact")
        });
        surface::paths(cx, &mut |part, place| {
            for (index, industry) in prohibited.industries.iter().enumerate() {
                if let (Some(word), Some(known)) =
                    (industry.paths.iter().find(|word| &***word == part), hits.get_mut(&index))
                {
                    known.push((Surface::Path, Arc::clone(word), place, 1));
                }
            }
        });
        let undeclared = cx.package.submission.categories.is_empty();
        let about = std::cell::LazyCell::new(|| {
            let strongest = model::shown(cx).into_iter().next();
            strongest.map_or("", |service| cx.policy.category_table().name(service.category))
        });
        for (index, mut hits) in hits {
            let Some(industry) = prohibited.industries.get(index) else { continue };
            if cx.package.submission.categories.iter().any(|category| industry.allows(category)) {
                continue;
            }
            let path = |place: &Place| Arc::clone(&cx.package.source(place.file).path);
            hits.sort_by_key(|a| (a.0, path(&a.2), a.2.span.start));
            let mut terms: BTreeMap<Arc<str>, u32> = BTreeMap::new();
            for (_, term, _, weight) in &hits {
                let best = terms.entry(Arc::clone(term)).or_default();
                *best = (*best).max(*weight);
            }
            // Goods with their price, and a way to buy them on the same page, need no second word.
            let on_sale = priced.iter().any(|(of, page)| *of == index && offering.contains(page));
            let distinct = terms.len() + usize::from(on_sale);
            let score: u32 = terms.values().sum::<u32>() + if on_sale { 2 } else { 0 };
            let titled = hits.iter().any(|hit| hit.0 == Surface::Title && hit.3 >= u32::from(STRONG) * 2);
            let offered = trade || hits.iter().any(|hit| offering.contains(stem(cx, hit.2.file)));
            let enough = on_sale || distinct >= industry.distinct || (titled && distinct + 1 >= industry.distinct);
            if !offered || !enough || score < prohibited.threshold || undeclared && industry.allows_shown(&about) {
                continue;
            }
            let Some((_, term, place, _)) = hits.first().cloned() else { continue };
            let mut told = vec![Arc::clone(&term)];
            let mut finding = Finding::new(self.id(), place)
                .confidence(if terms.len() > industry.distinct || titled {
                    Confidence::High
                } else {
                    Confidence::Medium
                })
                .text("term", &*term)
                .text("industry-zh", industry.name.zh.as_str())
                .text("industry-en", industry.name.en.as_str());
            // Another host has a list of its own.
            if !super::listed(cx) {
                finding = finding.severity(Severity::Warning).variant("other-host");
            }
            for (surface, word, place, _) in hits.into_iter().skip(1) {
                if told.len() < 8 && !told.contains(&word) {
                    finding = finding.step(place, surface.note(), Arc::clone(&word));
                    told.push(word);
                }
            }
            out.push(finding);
        }
    }
}

/// Weight of a term that names an industry's goods.
const STRONG: u8 = 3;

/// Texts from which on a script that is no page's is a table of words.
const TABLE: usize = 150;

/// Characters of the longest text that may be a label or an offer.
const PROSE: usize = 90;

/// Whether a text names a price: `99 元`, `¥128`.
fn has_price(text: &str) -> bool {
    let digit_before = |at: usize| text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit());
    let digit_after = |at: usize| text[at..].trim_start().starts_with(|c: char| c.is_ascii_digit());
    text.match_indices('元').any(|(at, _)| digit_before(at))
        || text.match_indices(['¥', '￥']).any(|(at, mark)| digit_after(at + mark.len()))
}

/// A file's path without its extension.
fn stem<'a>(cx: &Context<'a>, file: FileId) -> &'a str {
    let path: &'a str = &cx.package.source(file).path;
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}
