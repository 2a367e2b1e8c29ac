//! What was read of the directory, as long as the directory has not changed since.
//!
//! Why not simply a cache with a lifetime: sessions and keys that are ended must stop at once, and other processes
//! write the directory, too (`potluck operator password`). SQLite's shared index of the write-ahead log begins with a
//! header that every commit of every process changes; looking at its 48 bytes costs less than a microsecond. Where it
//! cannot be read, nothing is kept and everything is asked anew.

use std::collections::HashMap;
use std::fs::File;
use std::hash::Hash;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes of the header; it stands in the file twice, and while it is written the two differ.
const HEADER_BYTES: usize = 48;
/// The byte that is set when the header holds something.
const IS_INIT: usize = 12;

/// Numbers the states of a database: the same number is the same state.
pub(crate) struct States {
    index: Option<File>,
    seen: Mutex<Seen>,
}

struct Seen {
    header: [u8; HEADER_BYTES],
    state: State,
}

/// One state of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u32);

impl States {
    /// Watches a database in WAL mode that this process has open, and keeps open as long as this lives.
    pub(crate) fn of(database: &Path) -> States {
        let mut path = database.as_os_str().to_owned();
        path.push("-shm");
        let index = File::open(&path);
        if let Err(error) = &index {
            tracing::warn!(%error, "nothing of the directory is kept in memory: {error}");
        }
        States {
            index: index.ok(),
            seen: Mutex::new(Seen {
                header: [0; HEADER_BYTES],
                state: State(0),
            }),
        }
    }

    /// The state now; none where that cannot be told. Whatever is read of the database afterwards is of this state or
    /// a later one.
    pub(crate) fn now(&self) -> Option<State> {
        let mut bytes = [0; 2 * HEADER_BYTES];
        self.index.as_ref()?.read_exact_at(&mut bytes, 0).ok()?;
        let (header, again) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        if header != again || bytes[IS_INIT] == 0 {
            return None;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Who has read an older header than another thread only makes one number more.
        if seen.header != *header {
            seen.header = *header;
            seen.state.0 = seen.state.0.wrapping_add(1);
        }
        Some(seen.state)
    }
}

/// Things read of a database, each with the state it was read in. Bounded: a full table is emptied.
pub(crate) struct Fresh<K, V> {
    most: usize,
    read: Mutex<HashMap<K, (State, V)>>,
}

impl<K: Hash + Eq, V: Clone> Fresh<K, V> {
    pub(crate) fn new(most: usize) -> Fresh<K, V> {
        Fresh {
            most,
            read: Mutex::new(HashMap::new()),
        }
    }

    /// What was read in this state.
    pub(crate) fn get(&self, key: &K, now: Option<State>) -> Option<V> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, value) = read.get(key)?;
        (Some(*state) == now).then(|| value.clone())
    }

    /// Keeps what was read after this state was looked at.
    pub(crate) fn keep(&self, key: K, looked: Option<State>, value: V) {
        let Some(state) = looked else { return };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if self.most <= read.len() && !read.contains_key(&key) {
            read.clear();
        }
        read.insert(key, (state, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_is_emptied_and_another_state_gives_nothing() {
        let fresh = Fresh::new(2);
        let (one, two) = (Some(State(1)), Some(State(2)));
        fresh.keep('a', one, 1);
        fresh.keep('b', None, 2);
        assert_eq!(
            (fresh.get(&'a', one), fresh.get(&'b', one)),
            (Some(1), None)
        );
        assert_eq!((fresh.get(&'a', two), fresh.get(&'a', None)), (None, None));
        fresh.keep('a', two, 3);
        fresh.keep('b', two, 4);
        fresh.keep('c', two, 5);
        assert_eq!(
            (fresh.get(&'a', two), fresh.get(&'c', two)),
            (None, Some(5))
        );
    }

    #[tokio::test]
    async fn every_commit_of_anybody_is_another_state() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("directory.db");
        let place = views::Place::from(path.as_path());
        let now = domain::Millis(0);
        let directory = views::Directory::open(&place, now).await.unwrap();
        let states = States::of(&path);
        let first = states.now();
        assert!(first.is_some());
        directory.session(&[0; 32], now).await.unwrap();
        assert_eq!(states.now(), first, "reading changes nothing");
        directory
            .put_code("13800000001", &[0; 32], now)
            .await
            .unwrap();
        let second = states.now();
        assert!(second.is_some() && second != first);
        // Another handle, as another process has it.
        let beside = views::Directory::open(&place, now).await.unwrap();
        beside.put_code("13800000002", &[0; 32], now).await.unwrap();
        let third = states.now();
        assert!(third.is_some() && third != second);
        beside.close().await;
        directory.close().await;
    }

    #[test]
    fn without_an_index_nothing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(States::of(&dir.path().join("none.db")).now(), None);
    }
}
