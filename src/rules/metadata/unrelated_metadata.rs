//! The name or the description speaks of a service that the package has nothing to do with.

use std::collections::HashSet;
use std::sync::Arc;

use super::{description, name};
use crate::policy::categories::CategoryId;
use crate::rules::category::model::{self, Service};
use crate::rules::category::surface::Surface;
use crate::rules::{Confidence, Context, Finding, Rule};

/// `metadata/unrelated-metadata`
pub struct UnrelatedMetadata;

/// A service that a text speaks of, by its strong words.
struct Claim {
    categories: Vec<CategoryId>,
    word: Arc<str>,
    words: HashSet<Arc<str>>,
}

fn claim(cx: &Context<'_>, text: &str, least: u32) -> Option<Claim> {
    let mut sums: std::collections::BTreeMap<CategoryId, (u32, Arc<str>)> = std::collections::BTreeMap::new();
    let mut words = HashSet::new();
    for hit in cx.policy.signals().words(text) {
        words.insert(Arc::clone(hit.word));
        for (category, weight) in hit.targets.iter().filter(|(id, _)| !cx.policy.category_table().is_subject(*id)) {
            let sum = sums.entry(*category).or_insert_with(|| (0, Arc::clone(hit.word)));
            sum.0 += u32::from(*weight);
        }
    }
    let best = sums.values().map(|(sum, _)| *sum).max().filter(|best| *best >= least)?;
    let categories: Vec<CategoryId> = sums.iter().filter(|(_, (sum, _))| *sum == best).map(|(id, _)| *id).collect();
    let word = sums.get(categories.first()?).map(|(_, word)| Arc::clone(word))?;
    Some(Claim { categories, word, words })
}

impl Rule for UnrelatedMetadata {
    fn id(&self) -> &'static str {
        "metadata/unrelated-metadata"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let name = name(cx).filter(|name| name.given);
        let description = description(cx);
        let table = cx.policy.category_table();
        let declared = model::declared(cx);
        // What any service may have does not say what this one is: a name must speak louder against it.
        let says_little =
            !declared.is_empty() && declared.iter().all(|id| table.get(*id).is_some_and(|one| one.common));
        let least = if says_little { 5 } else { 3 };
        let by_name = name.as_ref().and_then(|name| claim(cx, name.text, least));
        let by_description = description.and_then(|(text, _)| claim(cx, text, 5));
        if by_name.is_none() && by_description.is_none() {
            return;
        }
        let services = model::services(cx);
        let known: Vec<CategoryId> = if declared.is_empty() {
            model::shown(cx).iter().map(|service| service.category).collect()
        } else {
            declared
        };
        // Where nothing shows what the program is, nothing contradicts.
        if known.is_empty() {
            return;
        }
        let related = |claim: &Claim| {
            claim.categories.iter().any(|wanted| {
                known.iter().any(|known| table.covers(*known, *wanted) || table.same_subject(*known, *wanted))
                    || services.iter().any(|service| service.category == *wanted && shown_beside(service, claim))
            })
        };
        // A description that repeats the name's word among words of what is declared tells what it has to do with it.
        let told = |claim: &Claim| {
            description.is_some_and(|(text, _)| {
                let hits: Vec<_> = cx.policy.signals().words(text).collect();
                let repeats = hits.iter().any(|hit| claim.words.contains(hit.word)) || text.contains(&*claim.word);
                let mut others = hits.iter().filter(|hit| !claim.words.contains(hit.word));
                let speaks = others.any(|hit| {
                    hit.targets.iter().any(|(category, _)| known.iter().any(|known| table.covers(*known, *category)))
                });
                repeats && speaks
            })
        };
        if let (Some(name), Some(claim)) = (&name, &by_name)
            && !related(claim)
            && !told(claim)
        {
            let category = claim.categories.first().map_or("", |id| table.name(*id));
            out.push(
                Finding::new(self.id(), name.place)
                    .confidence(Confidence::Medium)
                    .text("name", name.text)
                    .text("category", category),
            );
        } else if let (Some((_, place)), Some(claim)) = (description, &by_description)
            && !related(claim)
        {
            let category = claim.categories.first().map_or("", |id| table.name(*id));
            out.push(
                Finding::new(self.id(), place)
                    .variant("description")
                    .confidence(Confidence::Medium)
                    .text("word", &*claim.word)
                    .text("category", category),
            );
        }
    }
}

/// Whether the package itself shows the service, other than by a title that repeats the name.
fn shown_beside(service: &Service, claim: &Claim) -> bool {
    let own = service
        .evidence
        .iter()
        .filter(|evidence| evidence.surface != Surface::Title || !claim.words.contains(&evidence.word));
    own.map(|evidence| evidence.weight).sum::<u32>() >= 2
}
