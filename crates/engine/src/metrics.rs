//! Numbers for whoever watches the engine.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use domain::Millis;

/// What the engine has done since it started, and what waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Batches made durable.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of them, record headers included.
    pub bytes: u64,
    /// Time the last batch took to encode and to become durable, in microseconds.
    pub last_append_us: u64,
    /// Time all batches took together, in microseconds.
    pub total_append_us: u64,
    /// Requests turned away because too much was waiting.
    pub busy: u64,
    /// Snapshots written.
    pub snapshots: u64,
    /// Where the last of them stands; 0 when none was written.
    pub last_snapshot_seq: u64,
    /// Commands accepted and not yet answered, settlements apart.
    pub queued_commands: usize,
    /// The most there may be.
    pub queue_commands_limit: usize,
    /// Settlements accepted and not yet answered.
    pub queued_settlements: usize,
    /// The most there may be.
    pub queue_settlements_limit: usize,
    /// Sequence of the last durable record.
    pub committed_seq: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    batches: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    last_append_us: AtomicU64,
    total_append_us: AtomicU64,
    busy: AtomicU64,
    snapshots: AtomicU64,
    last_snapshot_seq: AtomicU64,
    last_record_ms: AtomicI64,
}

impl Counters {
    pub(crate) fn appended(&self, records: usize, bytes: u64, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.last_append_us.store(took_us, Ordering::Relaxed);
        self.total_append_us.fetch_add(took_us, Ordering::Relaxed);
    }

    /// Time of the last durable record.
    pub(crate) fn last_record(&self) -> Millis {
        Millis(self.last_record_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn note_last_record(&self, at: Millis) {
        self.last_record_ms.store(at.0, Ordering::Relaxed);
    }

    pub(crate) fn busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, seq: u64) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
        self.last_snapshot_seq.store(seq, Ordering::Relaxed);
    }

    /// The counters; what waits is zero.
    pub(crate) fn read(&self) -> Metrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            batches: get(&self.batches),
            records: get(&self.records),
            bytes: get(&self.bytes),
            last_append_us: get(&self.last_append_us),
            total_append_us: get(&self.total_append_us),
            busy: get(&self.busy),
            snapshots: get(&self.snapshots),
            last_snapshot_seq: get(&self.last_snapshot_seq),
            ..Metrics::default()
        }
    }
}
