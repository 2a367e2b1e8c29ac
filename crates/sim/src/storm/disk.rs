//! A disk that fails as real ones do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{
    AppendError, BatchBuilder, FailWhen, Fill, Head, Journal, JournalReader, LatestSnapshot, Mark,
    MemoryJournal, MemoryStorage, OpenError, ReadError, SnapshotError, SnapshotStore, StoredBatch,
};

/// Makes the journal that the engine gets: usually the one in memory itself, in tests of this harness one that lies.
pub type Wrap = dyn Fn(MemoryJournal) -> Box<dyn Journal> + Send + Sync;

/// What is stored, and what goes wrong next.
pub(crate) struct Disk {
    pub(crate) storage: MemoryStorage,
    control: Arc<Mutex<Control>>,
    wrap: Arc<Wrap>,
}

#[derive(Debug, Default)]
struct Control {
    /// How many records of the next batch are stored before its append fails.
    keep: Option<u32>,
    hide_snapshots: bool,
}

impl Disk {
    pub(crate) fn new(wrap: Arc<Wrap>) -> Disk {
        Disk {
            storage: MemoryStorage::new(),
            control: Arc::default(),
            wrap,
        }
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next append fails, with nothing or all of it stored.
    pub(crate) fn fail_next(&self, when: FailWhen) {
        self.storage.faults().fail_next_append(when);
    }

    /// The next append fails with so many of its records stored. The engine may cut what it commits into several
    /// batches, so for whoever waits for an answer that is a disk that fails between two of them.
    pub(crate) fn keep_of_next(&self, records: u32) {
        self.control().keep = Some(records);
    }

    /// Every fault that is still to come is called off.
    pub(crate) fn heal(&self) {
        *self.control() = Control::default();
    }

    /// Snapshots cannot be found when the journal is opened next.
    pub(crate) fn hide_snapshots(&self) {
        self.control().hide_snapshots = true;
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Journal>, OpenError> {
        MemoryJournal::open(&self.storage).map(|journal| self.wrapped(journal))
    }

    /// Another writer opens the journal although this one is alive.
    pub(crate) fn take_over(&self) -> Result<Box<dyn Journal>, OpenError> {
        let rival = self.storage.faults().take_over()?;
        Ok(self.wrapped(rival))
    }

    fn wrapped(&self, journal: MemoryJournal) -> Box<dyn Journal> {
        Box::new(Faulty {
            inner: (self.wrap)(journal),
            control: self.control.clone(),
        })
    }
}

/// A journal that fails when it is told to.
struct Faulty {
    inner: Box<dyn Journal>,
    control: Arc<Mutex<Control>>,
}

impl Faulty {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first records of a batch.
    fn head_of(&self, batch: &BatchBuilder, records: u32) -> BatchBuilder {
        let stored = StoredBatch {
            number: self.inner.head().next_batch,
            epoch: self.inner.epoch(),
            first_seq: batch.first_seq(),
            count: batch.count(),
            prev: self.inner.head().hash,
            hash: [0; 32],
            bytes: batch.bytes().to_vec(),
        };
        let mut head = BatchBuilder::new(batch.first_seq());
        for record in stored.records().take(records as usize) {
            let record = record.expect("the engine builds whole records");
            head.push_bytes(record.version, record.payload)
                .expect("a part of a batch fits");
        }
        head
    }
}

impl Journal for Faulty {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
        let keep = self.control().keep.take();
        let Some(keep) = keep else {
            return self.inner.append(expected_seq, batch);
        };
        let head = self.head_of(batch, keep);
        if !head.is_empty() {
            self.inner.append(expected_seq, &head)?;
        }
        Err(AppendError::Write {
            batch: self.inner.head().next_batch,
            first_seq: head.next_seq(),
            source: "injected fault in the middle of a batch".into(),
        })
    }

    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
        self.inner.reader()
    }

    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        if self.control().hide_snapshots {
            return Ok(Box::new(NoSnapshots));
        }
        self.inner.snapshots()
    }
}

/// A directory without snapshots.
struct NoSnapshots;

impl SnapshotStore for NoSnapshots {
    fn write_snapshot(&mut self, at: Mark, _: &mut Fill<'_>) -> Result<u64, SnapshotError> {
        Err(SnapshotError::NotInJournal { seq: at.seq })
    }

    fn latest_snapshot(&mut self) -> Result<LatestSnapshot, SnapshotError> {
        Ok(LatestSnapshot {
            snapshot: None,
            skipped: Vec::new(),
        })
    }
}
