//! Solutions as bytes, for a cache: what many records share is written once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer};

use super::solution::{FactSet, Solution};

/// Most notes that a solution may name: they are keys of one table of this program.
const MAX_NOTES: usize = 256;

thread_local! {
    /// Sets written so far in this solution, by where they stand in memory.
    static WRITTEN: RefCell<FxHashMap<usize, u32>> = RefCell::default();
    /// Sets read so far in this solution.
    static READ: RefCell<Vec<FactSet>> = const { RefCell::new(Vec::new()) };
}

/// A solution as bytes; `None` where it cannot be written.
pub fn to_bytes(solution: &Solution) -> Option<Vec<u8>> {
    WRITTEN.with_borrow_mut(FxHashMap::clear);
    let bytes = postcard::to_allocvec(solution).ok();
    WRITTEN.with_borrow_mut(FxHashMap::clear);
    bytes
}

/// A solution from the bytes of [`to_bytes`], by the same build; `None` where they are none.
pub fn from_bytes(bytes: &[u8]) -> Option<Solution> {
    READ.with_borrow_mut(Vec::clear);
    let solution = postcard::from_bytes(bytes).ok();
    READ.with_borrow_mut(Vec::clear);
    solution
}

/// A set of facts: in full the first time, by its number from then on.
pub(super) mod fact_set {
    use super::{BTreeSet, FactSet, READ, WRITTEN};
    use crate::flow::Fact;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(set: &FactSet, serializer: S) -> Result<S::Ok, S::Error> {
        let at = std::sync::Arc::as_ptr(set) as usize;
        let (number, known) = WRITTEN.with_borrow_mut(|written| {
            let next = written.len() as u32;
            let number = *written.entry(at).or_insert(next);
            (number, number != next)
        });
        let full: Option<&BTreeSet<Fact>> = (!known).then_some(set);
        (number, full).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FactSet, D::Error> {
        let (number, full): (u32, Option<BTreeSet<Fact>>) = Deserialize::deserialize(deserializer)?;
        READ.with_borrow_mut(|read| {
            if let Some(full) = full {
                read.push(FactSet::new(full));
            }
            read.get(number as usize).cloned().ok_or_else(|| D::Error::custom("a set of facts that was not written"))
        })
    }
}

/// A note's key. The few that there are live as long as the program.
pub(super) fn note<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    static NOTES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let text = String::deserialize(deserializer)?;
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = notes.get(text.as_str()) {
        return Ok(known);
    }
    if notes.len() >= MAX_NOTES {
        return Err(serde::de::Error::custom("too many notes"));
    }
    let note: &'static str = Box::leak(text.into_boxed_str());
    notes.insert(note);
    Ok(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{BlindSpot, Entry, EntryKind, Fact, Navigation, Place, Reach, Step, Text};
    use crate::source::{FileId, Span};

    #[test]
    fn a_solution_comes_back_as_it_was_and_sets_stay_shared() {
        let place = Place { file: FileId(3), span: Span::at(7) };
        let facts = FactSet::new([Fact::DialogConfirmed(place), Fact::PrivacyAgreed].into());
        let other = FactSet::new([Fact::Passed("pages/a".into())].into());
        let entry =
            Entry { kind: EntryKind::User, route: "pages/a".into(), method: "tap".into(), place, element: None };
        let reach = |facts: &FactSet| Reach {
            entry: entry.clone(),
            facts: facts.clone(),
            consent: crate::flow::Consent::NoticeOnly,
            path: vec![Step { place, note: "entry", name: "tap".into() }],
        };
        let collection = crate::flow::Collection {
            place,
            source: "login".into(),
            element: Some((FileId(1), 2)),
            kinds: ["phone".into()].into(),
            certainty: 90,
            host_prompt: true,
            scope: None,
            reaches: vec![reach(&facts), reach(&other), reach(&facts)],
            used: true,
            read: Default::default(),
            evidence: Some(place),
            answered: true,
        };
        let text = Text { pieces: vec!["/pages/".into(), "".into()], place: None };
        let solution = Solution {
            collections: vec![collection],
            blind_spots: vec![BlindSpot { place, note: "dynamic-code", name: "eval".into() }],
            navigations: vec![Navigation { place, role: "navigate".into(), target: text, from: "".into() }],
            exhausted: true,
            ..Solution::default()
        };
        let bytes = to_bytes(&solution).unwrap();
        let back = from_bytes(&bytes).unwrap();
        assert_eq!(format!("{solution:?}"), format!("{back:?}"));
        let reaches = &back.collections[0].reaches;
        assert!(std::sync::Arc::ptr_eq(&reaches[0].facts, &reaches[2].facts));
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            assert!(from_bytes(&bytes[..cut]).is_none(), "{cut}");
        }
    }
}
