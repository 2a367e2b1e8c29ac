//! The journal: batches of bytes, durable, in order, hash-chained.
//!
//! Why a crate of its own that knows nothing of commands: the journal is the truth from which
//! memory and views are rebuilt, so what it promises must be small enough to be tested to the
//! last byte. It promises that
//!
//! - a batch whose [`Journal::append`] returned `Ok` is still there after a power cut;
//! - batches come back in the order they were appended, the same bytes, with no gap: a damaged,
//!   missing or exchanged batch is an error that names it, never a silent skip;
//! - there is one writer: a second one is refused, and one that was overtaken is told to stop.
//!
//!
//! Two backends pass the same conformance suite: [`SqliteJournal`] (files in a directory) and
//! [`MemoryJournal`] (for tests and the simulator, with injected faults).
//!
//! Sequences and batch numbers start at 1; so 0 is free to mean "before the first record".

pub use batch::{
    BatchBuilder, BatchHeader, MAX_BATCH_BYTES, MAX_RECORD_BYTES, PushError, RECORD_HEADER_BYTES,
    RecordRef, Records, StoredBatch,
};
pub use chain::verify_all;
pub use error::{
    AppendError, BoxError, Damage, Difference, OpenError, ReadError, SkipReason, SnapshotError,
};
pub use memory::{FailWhen, Faults, MemoryJournal, MemoryStorage};
pub use snapshot::{
    Fill, LatestSnapshot, MAX_CHUNK_BYTES, SkippedSnapshot, Snapshot, SnapshotStore,
};
pub use sqlite::{SqliteJournal, SqliteReader};

mod batch;
mod chain;
mod error;
mod memory;
mod snapshot;
mod sqlite;

/// Sequence of the first record of every journal.
pub const FIRST_SEQ: u64 = 1;

/// Number of the first batch of every journal.
pub const FIRST_BATCH: u64 = 1;

/// Where a journal ends: what the next batch must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence the next record gets.
    pub next_seq: u64,
    /// Number the next batch gets.
    pub next_batch: u64,
    /// Hash of the last batch; all zero when there is none.
    pub hash: [u8; 32],
}

impl Head {
    /// The head of a journal without batches.
    pub const EMPTY: Head = Head {
        next_seq: FIRST_SEQ,
        next_batch: FIRST_BATCH,
        hash: [0; 32],
    };

    /// Sequence of the last record; 0 when there is none.
    pub fn last_seq(&self) -> u64 {
        self.next_seq - FIRST_SEQ
    }

    /// The same place as a snapshot names it: last sequence and hash.
    pub fn mark(&self) -> Mark {
        Mark {
            seq: self.last_seq(),
            hash: self.hash,
        }
    }
}

/// The end of one batch: what a snapshot says it stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Sequence of the last record applied.
    pub seq: u64,
    /// Hash of the batch that ends with that record.
    pub hash: [u8; 32],
}

/// The writer's side of a journal. There is at most one at a time.
pub trait Journal: Send {
    /// Where the journal ends, as of the last successful append (or of opening).
    fn head(&self) -> Head;

    /// The term of this writer; every batch it appends carries it. Higher than that of any batch
    /// that stood in the journal when this writer opened it.
    fn epoch(&self) -> u64;

    /// Makes one batch durable and returns the new head; when this returns `Ok`, it is on disk.
    ///
    /// `expected_seq` is the sequence the caller believes comes next; the batch must begin there.
    /// After any error the journal is poisoned: it is not known how much is on disk, and further
    /// appends answer [`AppendError::Poisoned`]. The only way on is to open it anew.
    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError>;

    /// A reader of its own, for another thread: sees every batch once it is durable, and works
    /// while this writer appends.
    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError>;

    /// The snapshots kept beside this journal, for another thread: writing one does not stop the
    /// writer.
    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError>;

    /// Writes a snapshot; see [`SnapshotStore::write_snapshot`].
    fn write_snapshot(&self, at: Mark, fill: &mut Fill<'_>) -> Result<u64, SnapshotError> {
        self.snapshots()?.write_snapshot(at, fill)
    }

    /// Finds the snapshot to start from; see [`SnapshotStore::latest_snapshot`].
    fn latest_snapshot(&self) -> Result<LatestSnapshot, SnapshotError> {
        self.snapshots()?.latest_snapshot()
    }
}

/// A reader of durable batches, independent of the writer.
pub trait JournalReader: Send {
    /// Where the journal ends now. Moves while a writer appends.
    fn head(&mut self) -> Result<Head, ReadError>;

    /// Reads whole batches, beginning with the one that holds `from_seq`, until their bytes reach
    /// `max_bytes` or the journal ends: at least one batch if there is one, and at most one batch
    /// beyond `max_bytes`.
    ///
    /// The first batch may begin before `from_seq`: use [`StoredBatch::records_from`]. Empty when
    /// `from_seq` is the next sequence to be written; [`ReadError::BeyondEnd`] when it is later.
    /// A `from_seq` of 0 reads from the start.
    ///
    /// Every batch returned was checked: number, epoch, first sequence, hash of the one before,
    /// and its own hash over its content.
    fn read(&mut self, from_seq: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError>;

    /// Hash of the batch whose last record is `seq`; `None` when no batch ends there.
    fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, ReadError>;
}
