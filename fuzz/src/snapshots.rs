//! Snapshots: the file with its chunks and checksums, and the world in it.
//!
//! An input is one byte that says which, then the bytes. A snapshot that cannot be read is passed over and the journal
//! replayed, so no content may end the process: here even "the journal is not consistent" is a finding.

use std::io::Read;
use std::sync::LazyLock;

use domain::World;
use engine::RECORD_VERSION;
use journal::{BatchBuilder, Journal, Mark, MemoryJournal, MemoryStorage};

use crate::corpus;
use crate::history::base;

/// Every so many moments of the history one is planted.
const EVERY: usize = 40;

/// A journal of one record, and its end.
static JOURNAL: LazyLock<(MemoryStorage, Mark)> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    let mut journal = MemoryJournal::open(&storage).expect("a new journal in memory");
    let mut batch = BatchBuilder::new(1);
    batch
        .push_bytes(RECORD_VERSION, b"record")
        .expect("a small record");
    let head = journal.append(1, &batch).expect("memory does not fail");
    (storage, head.mark())
});

/// Plants worlds of a real history, as content and as files.
pub fn begin() {
    let worlds = base().worlds.iter().step_by(EVERY).map(World::to_snapshot);
    let seeds = worlds.flat_map(|content| {
        [
            [&[0], content.as_slice()].concat(),
            [vec![1], file(&content)].concat(),
        ]
    });
    corpus::plant("snapshots", seeds.collect::<Vec<_>>());
}

/// The file of a snapshot with this content.
fn file(content: &[u8]) -> Vec<u8> {
    let (storage, mark) = &*JOURNAL;
    let journal = storage.faults().take_over().expect("nobody else has it");
    journal
        .write_snapshot(*mark, &mut |out| out.write_all(content))
        .expect("memory does not fail");
    storage
        .faults()
        .snapshot_file(mark.seq)
        .expect("it was just written")
}

/// Takes the bytes as the content of a snapshot, or as its file.
pub fn check(data: &[u8]) {
    match data.split_first() {
        None => {}
        Some((kind, bytes)) if kind.is_multiple_of(2) => as_world(bytes),
        Some((_, bytes)) => as_file(bytes),
    }
}

/// What is read is written the same for ever.
fn as_world(bytes: &[u8]) {
    let Ok(mut world) = World::from_snapshot(bytes) else {
        return;
    };
    let first = world.to_snapshot();
    let again = World::from_snapshot(&first).expect("a snapshot of its own is read");
    assert_eq!(again.to_snapshot(), first, "a snapshot is not stable");
    world.next_timer();
}

/// A file that is taken for whole has the content that was written.
fn as_file(bytes: &[u8]) {
    let (storage, mark) = &*JOURNAL;
    storage
        .faults()
        .place_snapshot_file(mark.seq, bytes.to_vec());
    let journal = storage.faults().take_over().expect("nobody else has it");
    let latest = journal.latest_snapshot().expect("memory does not fail");
    let Some(mut snapshot) = latest.snapshot else {
        assert_eq!(latest.skipped.len(), 1, "what cannot be used is reported");
        return;
    };
    let mut content = Vec::new();
    snapshot
        .read_to_end(&mut content)
        .expect("it was found whole");
    assert_eq!(
        snapshot.len_bytes,
        content.len() as u64,
        "its length is another"
    );
    assert_eq!(
        content_of(&file(&content)),
        content,
        "written anew, it says something else"
    );
}

/// The content of a file that was just written.
fn content_of(file: &[u8]) -> Vec<u8> {
    let (storage, mark) = &*JOURNAL;
    storage
        .faults()
        .place_snapshot_file(mark.seq, file.to_vec());
    let journal = storage.faults().take_over().expect("nobody else has it");
    let latest = journal.latest_snapshot().expect("memory does not fail");
    let mut content = Vec::new();
    let mut snapshot = latest.snapshot.expect("it was just written");
    snapshot
        .read_to_end(&mut content)
        .expect("it was found whole");
    content
}
