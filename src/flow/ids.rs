//! Sorted sets of small numbers, shared by all values that hold the same.

use std::ops::Deref;
use std::rc::Rc;

use smallvec::SmallVec;

type Items = SmallVec<[u32; 4]>;

/// Sorted, unique ids: a pointer, as most values hold none, and most others what another value holds, too.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(Option<Rc<Items>>);

impl Ids {
    pub const fn new() -> Self {
        Self(None)
    }

    pub fn from_slice(ids: &[u32]) -> Self {
        Self::of(Items::from_slice(ids))
    }

    fn of(items: Items) -> Self {
        Self((!items.is_empty()).then(|| Rc::new(items)))
    }

    pub fn as_slice(&self) -> &[u32] {
        self
    }

    fn items(&mut self) -> &mut Items {
        Rc::make_mut(self.0.get_or_insert_with(Rc::default))
    }

    fn shares(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(left), Some(right)) => Rc::ptr_eq(left, right),
            (None, None) => true,
            _ => false,
        }
    }

    pub fn push(&mut self, id: u32) {
        self.items().push(id);
    }

    /// Replaces the id at a place; the set may then need to be sorted.
    pub fn put(&mut self, at: usize, id: u32) {
        if let Some(slot) = self.items().get_mut(at) {
            *slot = id;
        }
    }

    pub fn clear(&mut self) {
        self.0 = None;
    }

    pub fn truncate(&mut self, length: usize) {
        if self.len() > length {
            self.items().truncate(length);
        }
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&u32) -> bool) {
        if !self.iter().all(&mut keep) {
            *self = self.iter().copied().filter(|id| keep(id)).collect();
        }
    }

    pub fn sort_unstable(&mut self) {
        if !self.is_sorted() {
            self.items().sort_unstable();
        }
    }

    pub fn dedup(&mut self) {
        if self.windows(2).any(|pair| pair[0] == pair[1]) {
            self.items().dedup();
        }
    }

    /// Adds all of a set.
    pub fn unite(&mut self, more: &Self) {
        if self.is_empty() {
            self.0.clone_from(&more.0);
        } else if !self.shares(more) {
            unite(self, more);
        }
    }

    /// What both hold.
    pub fn common(&self, other: &Self) -> Self {
        if self.shares(other) {
            return self.clone();
        }
        intersect(self, other)
    }
}

impl Deref for Ids {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.0.as_ref().map_or(&[], |items| items.as_slice())
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.shares(other) || **self == **other
    }
}

impl Eq for Ids {}

impl std::hash::Hash for Ids {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl From<&[u32]> for Ids {
    fn from(ids: &[u32]) -> Self {
        Self::from_slice(ids)
    }
}

impl FromIterator<u32> for Ids {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        Self::of(ids.into_iter().collect())
    }
}

impl<'i> IntoIterator for &'i Ids {
    type Item = &'i u32;
    type IntoIter = std::slice::Iter<'i, u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Ids {
    type Item = u32;
    type IntoIter = smallvec::IntoIter<[u32; 4]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(Rc::unwrap_or_clone).unwrap_or_default().into_iter()
    }
}

/// Just this id.
pub(super) fn one(id: u32) -> Ids {
    Ids::from_slice(&[id])
}

/// Adds `more`, which need not be sorted, to `ids`.
pub(super) fn unite(ids: &mut Ids, more: &[u32]) {
    if more.is_empty() {
        return;
    }
    if ids.is_empty() {
        *ids = Ids::from_slice(more);
        return;
    }
    for &id in more {
        if let Err(at) = ids.binary_search(&id) {
            ids.items().insert(at, id);
        }
    }
}

/// What both hold.
pub(super) fn intersect(left: &[u32], right: &[u32]) -> Ids {
    left.iter().copied().filter(|id| right.binary_search(id).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_share_until_one_of_them_changes() {
        let mut left = Ids::from_slice(&[1, 4]);
        let right = left.clone();
        assert!(left.shares(&right));
        unite(&mut left, &[4]);
        assert!(left.shares(&right), "nothing new was added");
        left.unite(&one(2));
        assert_eq!((&*left, &*right), (&[1, 2, 4][..], &[1, 4][..]));
        assert_eq!(left.common(&right), right);
        left.retain(|id| *id > 4);
        assert_eq!(left, Ids::new());
        assert!(left.shares(&Ids::default()));
    }
}
