//! Rows that outlive their batch, so that the next one need not read them again.

use std::collections::HashMap;
use std::hash::Hash;

/// What of a row has changed since it was last written; bits, so that a batch writes a row once, and only the columns
/// that can differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change(u8);

impl Change {
    /// Nothing.
    pub(super) const NONE: Change = Change(0);
    /// There is no such row yet.
    pub(super) const NEW: Change = Change(1);
    /// Any column.
    pub(super) const ANY: Change = Change(2);
    /// What a payment changes: of a seat all but its number and its end, of a group the counts.
    pub(super) const PAID: Change = Change(4);
    /// A seat's number in the draw.
    pub(super) const NUMBERED: Change = Change(8);
    /// How a seat stands at the end.
    pub(super) const ENDED: Change = Change(16);

    fn and(self, other: Change) -> Change {
        Change(self.0 | other.0)
    }

    /// Whether the row is to be inserted.
    pub(super) fn is_new(self) -> bool {
        self.0 & Change::NEW.0 != 0
    }
}

/// Rows by key, with what has changed of each.
#[derive(Debug)]
pub(super) struct Kept<K, R> {
    rows: HashMap<K, (R, Change)>,
    /// Keys of the rows that have changed.
    changed: Vec<K>,
}

impl<K, R> Default for Kept<K, R> {
    fn default() -> Kept<K, R> {
        Kept {
            rows: HashMap::new(),
            changed: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Hash + Ord, R> Kept<K, R> {
    pub(super) fn get(&self, key: K) -> Option<&R> {
        self.rows.get(&key).map(|(row, _)| row)
    }

    pub(super) fn has(&self, key: K) -> bool {
        self.rows.contains_key(&key)
    }

    /// A row that is about to change like this.
    pub(super) fn change(&mut self, key: K, how: Change) -> Option<&mut R> {
        let (row, change) = self.rows.get_mut(&key)?;
        if *change == Change::NONE {
            self.changed.push(key);
        }
        *change = change.and(how);
        Some(row)
    }

    /// Puts a row that is there as it stands in the table.
    pub(super) fn loaded(&mut self, key: K, row: R) {
        self.rows.entry(key).or_insert((row, Change::NONE));
    }

    /// Puts a row in place of what was there, which is the answer.
    pub(super) fn put(&mut self, key: K, row: R) -> Option<R> {
        match self.rows.get_mut(&key) {
            Some((old, change)) => {
                if *change == Change::NONE {
                    self.changed.push(key);
                }
                *change = change.and(Change::ANY);
                Some(std::mem::replace(old, row))
            }
            None => {
                self.rows.insert(key, (row, Change::NEW));
                self.changed.push(key);
                None
            }
        }
    }

    /// The rows that have changed, in the order of their keys. From now on they count as written.
    pub(super) fn written(&mut self) -> Vec<(K, &R, Change)> {
        let mut keys = std::mem::take(&mut self.changed);
        keys.sort_unstable();
        let mut hows = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some((_, change)) = self.rows.get_mut(&key) {
                hows.push((key, std::mem::take(change)));
            }
        }
        hows.into_iter()
            .filter_map(|(key, how)| Some((key, self.get(key)?, how)))
            .collect()
    }

    /// Forgets what is not worth keeping, and everything where more than `most` rows are left.
    pub(super) fn tidy(&mut self, most: usize, worth: impl Fn(&R) -> bool) {
        if most < self.rows.len() {
            self.rows.retain(|_, (row, _)| worth(row));
        }
        if most < self.rows.len() {
            self.rows = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_once_and_only_when_it_has_changed() {
        let mut kept = Kept::default();
        kept.loaded(2, "two");
        kept.loaded(3, "three");
        assert_eq!(kept.put(1, "one"), None);
        *kept.change(2, Change::PAID).unwrap() = "zwei";
        *kept.change(2, Change::NUMBERED).unwrap() = "deux";
        *kept.change(1, Change::PAID).unwrap() = "eins";
        assert!(kept.change(4, Change::PAID).is_none());
        let written = kept.written();
        let both = Change::PAID.and(Change::NUMBERED);
        assert_eq!(written[1], (2, &"deux", both));
        assert_eq!((written[0].0, written[0].1, written.len()), (1, &"eins", 2));
        assert!(written[0].2.is_new());
        assert!(kept.written().is_empty());
        assert_eq!(kept.put(1, "uno"), Some("eins"));
        assert_eq!(kept.written(), [(1, &"uno", Change::ANY)]);
    }

    #[test]
    fn what_was_loaded_does_not_replace_what_is_known() {
        let mut kept = Kept::default();
        kept.put(1, "new");
        kept.loaded(1, "old");
        assert_eq!(kept.get(1), Some(&"new"));
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut kept = Kept::default();
        (0..10).for_each(|key| kept.loaded(key, key));
        kept.tidy(10, |_| false);
        assert!(kept.has(9));
        kept.tidy(9, |row| *row < 9);
        assert!(kept.has(8) && !kept.has(9));
        kept.tidy(8, |_| true);
        assert!(!kept.has(0));
    }
}
