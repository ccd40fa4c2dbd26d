//! Facts kept in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{FactsCache, FactsKey};
use crate::model::FileFacts;

/// A cache that forgets what the last rounds did not ask for, so that it stays as large as what is vetted.
#[derive(Debug, Default)]
pub struct MemoryCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    round: u64,
    facts: HashMap<FactsKey, (u64, FileFacts)>,
}

/// Rounds that facts survive without being asked for: enough to undo an edit.
const ROUNDS: u64 = 4;

impl MemoryCache {
    /// Begins another round.
    pub fn turn(&self) {
        let mut kept = self.lock();
        kept.round += 1;
        let round = kept.round;
        kept.facts.retain(|_, (used, _)| *used + ROUNDS >= round);
    }

    /// Number of files whose facts are kept.
    pub fn len(&self) -> usize {
        self.lock().facts.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FactsCache for MemoryCache {
    fn get(&self, key: &FactsKey) -> Option<FileFacts> {
        let mut kept = self.lock();
        let round = kept.round;
        let (used, facts) = kept.facts.get_mut(key)?;
        *used = round;
        Some(facts.clone())
    }

    fn put(&self, key: &FactsKey, facts: &FileFacts) {
        let mut kept = self.lock();
        let round = kept.round;
        kept.facts.insert(*key, (round, facts.clone()));
    }
}
