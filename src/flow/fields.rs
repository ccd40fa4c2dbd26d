//! Fields of an object: few stand in a row, many are found through an index.

use rustc_hash::FxHashMap;

use super::value::Sym;

/// Most fields that are looked through one by one.
const ROW: usize = 12;

/// A map from names to slots that keeps the order in which names first came up.
#[derive(Clone, Debug)]
pub(super) struct Fields<S> {
    row: Vec<(Sym, S)>,
    /// Where each name stands in the row, once there are many.
    index: Option<Box<FxHashMap<Sym, u32>>>,
}

impl<S> Default for Fields<S> {
    fn default() -> Self {
        Self { row: Vec::new(), index: None }
    }
}

impl<S> Fields<S> {
    fn find(&self, key: Sym) -> Option<usize> {
        match &self.index {
            None => self.row.iter().position(|(known, _)| *known == key),
            Some(index) => index.get(&key).map(|&at| at as usize),
        }
    }

    pub fn get(&self, key: Sym) -> Option<&S> {
        self.find(key).map(|at| &self.row[at].1)
    }

    pub fn get_mut(&mut self, key: Sym) -> Option<&mut S> {
        self.find(key).map(|at| &mut self.row[at].1)
    }

    /// Adds a name that is not there yet.
    pub fn add(&mut self, key: Sym, slot: S) {
        let at = self.row.len();
        self.row.push((key, slot));
        match &mut self.index {
            Some(index) => {
                index.insert(key, at as u32);
            }
            None if at >= ROW => {
                let index = self.row.iter().enumerate().map(|(at, (key, _))| (*key, at as u32)).collect();
                self.index = Some(Box::new(index));
            }
            None => {}
        }
    }

    pub fn clear(&mut self) {
        self.row.clear();
        self.index = None;
    }

    pub fn iter(&self) -> impl Iterator<Item = (Sym, &S)> {
        self.row.iter().map(|(key, slot)| (*key, slot))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Sym, &mut S)> {
        self.row.iter_mut().map(|(key, slot)| (*key, slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_found() {
        let mut fields: Fields<u32> = Fields::default();
        for key in 0..100 {
            assert!(fields.get(key * 7).is_none());
            fields.add(key * 7, key);
            for known in 0..=key {
                assert_eq!(fields.get(known * 7), Some(&known));
            }
        }
        *fields.get_mut(70).unwrap() = 0;
        assert_eq!(fields.iter().filter(|(_, value)| **value == 0).count(), 2);
        fields.clear();
        assert!(fields.get(0).is_none());
        fields.add(0, 5);
        assert_eq!(fields.get(0), Some(&5));
    }
}
