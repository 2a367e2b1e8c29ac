//! A journal in memory, with faults on demand.
//!
//! Why it is public and not a test helper: the simulator runs the real engine on it, with power
//! cuts, damage and a second writer at chosen moments. What is "on disk" lives in
//! [`MemoryStorage`], which outlives the journals opened on it, as a disk outlives a process.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batch::{BatchBuilder, StoredBatch};
use crate::chain::{ChainReader, Link, Rows, Tail, Which};
use crate::error::{AppendError, Damage, Difference, OpenError, ReadError, SnapshotError};
use crate::snapshot::{self, ChunkWriter, Fill, LatestSnapshot, SkippedSnapshot, SnapshotStore};
use crate::{FIRST_BATCH, Head, Journal, JournalReader, Mark, Snapshot};

const PLACE: &str = "memory";

/// What would be on disk. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    batches: BTreeMap<u64, StoredBatch>,
    snapshots: BTreeMap<u64, Vec<u8>>,
    /// Which writer holds the lock; writers are numbered as they open.
    locked_by: Option<u64>,
    writers: u64,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    appends_before: u64,
    when: FailWhen,
}

/// At which moment an append fails. The writer cannot tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailWhen {
    /// Nothing reaches the disk.
    BeforeStoring,
    /// The batch is on disk, but the writer is told of an error.
    AfterStoring,
}

impl MemoryStorage {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// What can go wrong with this disk.
    pub fn faults(&self) -> Faults {
        Faults {
            storage: self.clone(),
        }
    }

    /// A reader without a writer, as for an audit.
    pub fn reader(&self) -> Box<dyn JournalReader> {
        Box::new(self.chain_reader())
    }

    fn chain_reader(&self) -> ChainReader<MemoryRows> {
        ChainReader::new(MemoryRows {
            storage: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No operation leaves the maps half changed, so a panic elsewhere spoils nothing.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Injects faults into a [`MemoryStorage`]. Damage to a batch that is not there does nothing and
/// answers `false`.
#[derive(Clone, Debug)]
pub struct Faults {
    storage: MemoryStorage,
}

impl Faults {
    /// The next append fails.
    pub fn fail_next_append(&self, when: FailWhen) {
        self.fail_append_after(0, when);
    }

    /// One append fails, after this many that succeed.
    pub fn fail_append_after(&self, appends_before: u64, when: FailWhen) {
        self.storage.lock().failing = Some(Failing {
            appends_before,
            when,
        });
    }

    /// Keeps only the first `kept_bytes` bytes of the last batch: a write that stopped halfway.
    pub fn tear_last_batch(&self, kept_bytes: usize) -> bool {
        let mut inner = self.storage.lock();
        let Some(mut last) = inner.batches.last_entry() else {
            return false;
        };
        let bytes = &mut last.get_mut().bytes;
        let torn = kept_bytes < bytes.len();
        bytes.truncate(kept_bytes);
        torn
    }

    /// Flips every bit of one byte of a batch.
    pub fn flip_byte(&self, batch: u64, position: usize) -> bool {
        let mut inner = self.storage.lock();
        let found = inner.batches.get_mut(&batch);
        flip(found.and_then(|batch| batch.bytes.get_mut(position)))
    }

    /// Loses a batch.
    pub fn remove_batch(&self, batch: u64) -> bool {
        self.storage.lock().batches.remove(&batch).is_some()
    }

    /// Changes anything about a batch.
    pub fn alter_batch(&self, batch: u64, change: impl FnOnce(&mut StoredBatch)) -> bool {
        let mut inner = self.storage.lock();
        inner.batches.get_mut(&batch).map(change).is_some()
    }

    /// Flips every bit of one byte of the snapshot that stands at `seq`.
    pub fn flip_snapshot_byte(&self, seq: u64, position: usize) -> bool {
        let mut inner = self.storage.lock();
        let found = inner.snapshots.get_mut(&seq);
        flip(found.and_then(|bytes| bytes.get_mut(position)))
    }

    /// The file of the snapshot that stands at `seq`.
    pub fn snapshot_file(&self, seq: u64) -> Option<Vec<u8>> {
        self.storage.lock().snapshots.get(&seq).cloned()
    }

    /// Puts a file among the snapshots.
    pub fn place_snapshot_file(&self, seq: u64, bytes: Vec<u8>) {
        self.storage.lock().snapshots.insert(seq, bytes);
    }

    /// Lets go of the writer's lock although the writer is alive, as when a lease runs out:
    /// another can open the journal, and whoever appends first fences the other.
    pub fn break_lock(&self) {
        self.storage.lock().locked_by = None;
    }

    /// Another writer takes over; once it appends, the first is fenced.
    pub fn take_over(&self) -> Result<MemoryJournal, OpenError> {
        self.break_lock();
        MemoryJournal::open(&self.storage)
    }
}

fn flip(byte: Option<&mut u8>) -> bool {
    byte.map(|byte| *byte = !*byte).is_some()
}

/// The writer of a journal in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    storage: MemoryStorage,
    tail: Tail,
    writer: u64,
}

impl MemoryJournal {
    /// Opens the journal for writing; refused while another writer is alive.
    pub fn open(storage: &MemoryStorage) -> Result<Self, OpenError> {
        let writer = {
            let mut inner = storage.lock();
            if inner.locked_by.is_some() {
                return Err(OpenError::Locked {
                    place: PLACE.into(),
                });
            }
            inner.writers += 1;
            inner.locked_by = Some(inner.writers);
            inner.writers
        };
        // Made before the checks, so that its drop lets go of the lock when one fails.
        let tail = Tail::take_over(Head::EMPTY, 0);
        let mut journal = MemoryJournal {
            storage: storage.clone(),
            tail,
            writer,
        };
        check_contiguous(&storage.lock().batches)?;
        let (head, epoch) = storage.chain_reader().check_end()?;
        journal.tail = Tail::take_over(head, epoch);
        Ok(journal)
    }

    /// The disk this journal writes to.
    pub fn storage(&self) -> &MemoryStorage {
        &self.storage
    }
}

impl Drop for MemoryJournal {
    fn drop(&mut self) {
        let mut inner = self.storage.lock();
        if inner.locked_by == Some(self.writer) {
            inner.locked_by = None;
        }
    }
}

impl Journal for MemoryJournal {
    fn head(&self) -> Head {
        self.tail.head
    }

    fn epoch(&self) -> u64 {
        self.tail.epoch
    }

    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
        let storage = &self.storage;
        self.tail.append(expected_seq, batch, |link, bytes| {
            storage.lock().store(link, bytes)
        })
    }

    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
        Ok(self.storage.reader())
    }

    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        Ok(Box::new(MemorySnapshots {
            storage: self.storage.clone(),
        }))
    }
}

impl Inner {
    fn store(&mut self, link: &Link, bytes: &[u8]) -> Result<(), AppendError> {
        match self.fault() {
            Some(FailWhen::BeforeStoring) => return Err(injected(link)),
            Some(FailWhen::AfterStoring) => {
                self.insert(link, bytes)?;
                return Err(injected(link));
            }
            None => {}
        }
        self.insert(link, bytes)
    }

    fn insert(&mut self, link: &Link, bytes: &[u8]) -> Result<(), AppendError> {
        let number = link.header.number;
        if self.batches.contains_key(&number) {
            return Err(AppendError::Fenced { batch: number });
        }
        self.batches.insert(
            number,
            StoredBatch {
                number,
                epoch: link.header.epoch,
                first_seq: link.header.first_seq,
                count: link.header.count,
                prev: link.header.prev,
                hash: link.hash,
                bytes: bytes.to_vec(),
            },
        );
        Ok(())
    }

    /// The fault that is due now.
    fn fault(&mut self) -> Option<FailWhen> {
        let failing = self.failing.as_mut()?;
        if 0 < failing.appends_before {
            failing.appends_before -= 1;
            return None;
        }
        self.failing.take().map(|failing| failing.when)
    }
}

fn injected(link: &Link) -> AppendError {
    AppendError::Write {
        batch: link.header.number,
        first_seq: link.header.first_seq,
        source: "injected fault".into(),
    }
}

/// Finds the first number that is missing, as the other backends do on opening.
fn check_contiguous(batches: &BTreeMap<u64, StoredBatch>) -> Result<(), ReadError> {
    for (expected, (&found, batch)) in (FIRST_BATCH..).zip(batches) {
        if found != expected {
            let what = Difference::BatchMissing { found };
            let seq = batch.first_seq.saturating_sub(1);
            return Err(Damage {
                batch: expected,
                seq,
                what,
            }
            .into());
        }
    }
    Ok(())
}

struct MemoryRows {
    storage: MemoryStorage,
}

impl Rows for MemoryRows {
    fn link(&mut self, which: Which) -> Result<Option<Link>, ReadError> {
        let inner = self.storage.lock();
        let mut newest_first = inner.batches.values().rev();
        let found = match which {
            Which::Last => newest_first.next(),
            Which::Number(number) => inner.batches.get(&number),
            Which::BeginsBy(seq) => newest_first.find(|batch| batch.first_seq <= seq),
        };
        Ok(found.map(|batch| Link {
            header: batch.header(),
            hash: batch.hash,
        }))
    }

    fn batches(&mut self, from: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError> {
        let inner = self.storage.lock();
        let mut found = Vec::new();
        let mut bytes = 0;
        for batch in inner.batches.range(from..).map(|(_, batch)| batch) {
            bytes += batch.bytes.len();
            found.push(batch.clone());
            if max_bytes <= bytes {
                break;
            }
        }
        Ok(found)
    }
}

#[derive(Debug)]
struct MemorySnapshots {
    storage: MemoryStorage,
}

impl SnapshotStore for MemorySnapshots {
    fn write_snapshot(&mut self, at: Mark, fill: &mut Fill<'_>) -> Result<u64, SnapshotError> {
        snapshot::check_mark(at, &mut self.storage.chain_reader())?;
        let written = ChunkWriter::start(Vec::new(), at).and_then(|mut writer| {
            fill(&mut writer)?;
            writer.finish()
        });
        let path = PathBuf::from(snapshot::file_name(at.seq));
        let file = written.map_err(|source| SnapshotError::File { path, source })?;
        let size_bytes = file.len() as u64;
        let mut inner = self.storage.lock();
        inner.snapshots.insert(at.seq, file);
        let stored: Vec<u64> = inner.snapshots.keys().copied().collect();
        for seq in snapshot::outdated(stored, at.seq) {
            inner.snapshots.remove(&seq);
        }
        Ok(size_bytes)
    }

    fn latest_snapshot(&mut self) -> Result<LatestSnapshot, SnapshotError> {
        let files = self.storage.lock().snapshots.clone();
        let mut reader = self.storage.chain_reader();
        let mut skipped = Vec::new();
        for (seq, file) in files.into_iter().rev() {
            let name = snapshot::file_name(seq);
            match snapshot::judge(file.as_slice(), seq, &mut reader)? {
                Ok(judged) => {
                    let snapshot = Snapshot::open(judged, Cursor::new(file)).map_err(|source| {
                        SnapshotError::File {
                            path: name.into(),
                            source,
                        }
                    })?;
                    return Ok(LatestSnapshot {
                        snapshot: Some(snapshot),
                        skipped,
                    });
                }
                Err(reason) => skipped.push(SkippedSnapshot { name, reason }),
            }
        }
        Ok(LatestSnapshot {
            snapshot: None,
            skipped,
        })
    }
}
