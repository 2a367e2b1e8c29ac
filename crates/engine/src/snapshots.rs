//! Snapshots, made by a second world that follows the journal.
//!
//! Why a second world: writing out the first one would hold up every join. This one costs memory and a part of a
//! processor, and pauses as long as it works.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use domain::Millis;
use journal::{JournalReader, SnapshotStore};
use tokio::sync::oneshot;

use crate::READ_BYTES;
use crate::error::SnapshotNowError;
use crate::follow::WorldFollower;
use crate::shared::Shared;

/// Bytes of a snapshot written between two pauses.
const WRITE_BYTES: usize = 4 * 1024 * 1024;

/// When a snapshot is due: whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// Bytes of journal since the last one.
    pub journal_bytes: u64,
    /// Time between the records at both ends of that part of the journal.
    pub journal_time: domain::Duration,
    /// How often to look whether the journal has grown.
    pub look_every: Duration,
}

impl Default for SnapshotPolicy {
    fn default() -> SnapshotPolicy {
        SnapshotPolicy {
            journal_bytes: 1 << 30,
            journal_time: domain::Duration::seconds(600),
            look_every: Duration::from_millis(500),
        }
    }
}

/// A snapshot that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotTaken {
    /// The record it stands at.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
}

/// What the snapshot thread is asked to do.
pub(crate) enum Order {
    /// A snapshot of everything durable now.
    Now(oneshot::Sender<Result<Option<SnapshotTaken>, SnapshotNowError>>),
    /// End.
    Quit,
}

/// The snapshot thread.
pub(crate) struct SnapshotThread {
    follower: WorldFollower,
    store: Box<dyn SnapshotStore>,
    policy: SnapshotPolicy,
    orders: Receiver<Order>,
    shared: Arc<Shared>,
    /// What the last snapshot stands at, and the bytes and time of the journal there.
    last_seq: u64,
    last_bytes: u64,
    last_time: Option<Millis>,
}

/// It was told to end.
struct Quit;

impl SnapshotThread {
    /// Begins with the latest snapshot. Reads it, so it belongs on the thread itself.
    pub(crate) fn open(
        mut store: Box<dyn SnapshotStore>,
        reader: Box<dyn JournalReader>,
        policy: SnapshotPolicy,
        orders: Receiver<Order>,
        shared: Arc<Shared>,
    ) -> Result<SnapshotThread, SnapshotNowError> {
        let follower = WorldFollower::from_latest(store.as_mut(), reader)?;
        let last_time = follower.mark().map(|_| follower.world().now());
        let last_seq = follower.seq();
        let last_bytes = follower.bytes();
        Ok(SnapshotThread {
            follower,
            store,
            policy,
            orders,
            shared,
            last_seq,
            last_bytes,
            last_time,
        })
    }

    /// Runs until it is told to end or the journal cannot be followed. The engine goes on without snapshots then.
    pub(crate) fn run(&mut self) {
        loop {
            let started = Instant::now();
            let grew = match self.step() {
                Ok(grew) => grew,
                Err(SnapshotNowError::Write(error)) => {
                    tracing::error!(%error, "a snapshot could not be written; the next one is tried when due again");
                    self.note_snapshot();
                    false
                }
                Err(error) => {
                    tracing::error!(%error, "snapshots have ended: the journal cannot be followed, nor replayed at the next start");
                    return;
                }
            };
            // Half of one processor at most while there is something to follow.
            let length = if grew {
                started.elapsed()
            } else {
                self.policy.look_every
            };
            if self.pause(length).is_err() {
                return;
            }
        }
    }

    /// Follows a part of the journal and writes the snapshot that is due; returns whether the journal had grown.
    fn step(&mut self) -> Result<bool, SnapshotNowError> {
        let grew = self.advance()?;
        if self.is_due() {
            self.write()?;
        }
        Ok(grew)
    }

    /// Applies a part of the journal; returns whether there was any.
    fn advance(&mut self) -> Result<bool, SnapshotNowError> {
        let records = self.follower.advance(READ_BYTES)?;
        if self.last_time.is_none() {
            self.last_time = records.first().map(|first| first.record.at);
        }
        Ok(!records.is_empty())
    }

    fn is_due(&self) -> bool {
        let bytes = self.follower.bytes() - self.last_bytes;
        let due_time = self
            .last_time
            .map(|since| since.after(self.policy.journal_time));
        self.last_seq < self.follower.seq()
            && (self.policy.journal_bytes <= bytes
                || due_time.is_some_and(|due| due <= self.follower.world().now()))
    }

    /// Follows the journal to its end and writes a snapshot unless the latest one stands there.
    fn now(&mut self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        let until = *self.shared.committed.borrow();
        while self.follower.seq() < until && self.advance()? {}
        if self.follower.seq() == self.last_seq {
            Ok(None)
        } else {
            self.write()
        }
    }

    fn write(&mut self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        let Some(at) = self.follower.mark() else {
            return Ok(None);
        };
        let content = self.follower.world().to_snapshot();
        let mut fill = |out: &mut dyn Write| {
            for part in content.chunks(WRITE_BYTES) {
                let started = Instant::now();
                out.write_all(part)?;
                crash::point("engine.snapshot_writing");
                std::thread::sleep(started.elapsed());
            }
            Ok(())
        };
        let bytes = self.store.write_snapshot(at, &mut fill)?;
        self.note_snapshot();
        self.shared.counters.snapshot(at.seq);
        tracing::info!(seq = at.seq, bytes, "a snapshot was written");
        Ok(Some(SnapshotTaken { seq: at.seq, bytes }))
    }

    fn note_snapshot(&mut self) {
        self.last_seq = self.follower.seq();
        self.last_bytes = self.follower.bytes();
        self.last_time = Some(self.follower.world().now());
    }

    /// Sleeps, carrying out orders that come meanwhile.
    fn pause(&mut self, length: Duration) -> Result<(), Quit> {
        let end = Instant::now() + length;
        loop {
            match self
                .orders
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(Order::Now(to)) => {
                    let taken = self.now();
                    let _ = to.send(taken);
                }
                Ok(Order::Quit) | Err(RecvTimeoutError::Disconnected) => return Err(Quit),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use domain::{Actor, Command, Money, Request};
    use journal::{Journal, MemoryJournal, MemoryStorage};

    use super::*;
    use crate::Step;
    use crate::recovery::Recovered;

    struct Bench {
        step: Step,
        thread: SnapshotThread,
        _orders: Sender<Order>,
    }

    fn bench(journal_bytes: u64, journal_seconds: u32) -> Bench {
        let disk = MemoryStorage::new();
        let journal = Box::new(MemoryJournal::open(&disk).unwrap());
        let (store, reader) = (journal.snapshots().unwrap(), journal.reader().unwrap());
        let (step, recovered): (Step, Recovered) = Step::open(journal, &mut |_| {}).unwrap();
        let policy = SnapshotPolicy {
            journal_bytes,
            journal_time: domain::Duration::seconds(journal_seconds),
            ..SnapshotPolicy::default()
        };
        let (to_orders, orders) = channel();
        let shared = Arc::new(Shared::new(1, 1, recovered));
        let thread = SnapshotThread::open(store, reader, policy, orders, shared).unwrap();
        Bench {
            step,
            thread,
            _orders: to_orders,
        }
    }

    impl Bench {
        /// Where the latest snapshot stands after one more record at this time.
        fn record_at(&mut self, now: i64) -> u64 {
            let command = Command::DepositCapital { amount: Money(1) };
            let request = Request {
                actor: Actor::System,
                key: None,
                command,
            };
            self.step.execute(&request, Millis(now)).unwrap();
            self.step.commit().unwrap();
            assert!(self.thread.step().unwrap());
            assert!(!self.thread.step().unwrap(), "nothing more to follow");
            self.thread.shared.counters.read().last_snapshot_seq
        }
    }

    #[test]
    fn a_snapshot_is_due_after_enough_time_of_journal() {
        let mut bench = bench(u64::MAX, 600);
        assert_eq!(bench.record_at(1_000_000), 0);
        assert_eq!(bench.record_at(1_599_999), 0);
        assert_eq!(bench.record_at(1_600_000), 3);
        assert_eq!(bench.record_at(2_199_999), 3);
        assert_eq!(bench.record_at(2_200_000), 5);
    }

    #[test]
    fn a_snapshot_is_due_after_enough_bytes_of_journal() {
        let mut bench = bench(60, 4_000_000);
        let seqs: Vec<u64> = (0..7).map(|_| bench.record_at(1_000_000)).collect();
        let mut rises = seqs.windows(2).filter(|pair| pair[0] < pair[1]).count();
        rises += usize::from(0 < seqs[0]);
        assert!((2..7).contains(&rises), "{seqs:?}");
    }
}
