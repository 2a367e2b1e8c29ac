//! Snapshots, made by a second world that follows the journal.
//!
//! Why a second world: writing out the first one would hold up every join. This one costs memory and a part of a
//! processor, and pauses as long as it works.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use domain::Millis;
use journal::{JournalReader, SnapshotStore};
use tokio::sync::oneshot;

use crate::error::SnapshotNowError;
use crate::follow::WorldFollower;
use crate::recovery::SinceSnapshot;
use crate::shared::Shared;

/// Bytes of journal followed between two pauses: some milliseconds of work, which a join may have to wait for.
const FOLLOW_BYTES: usize = 512 * 1024;
/// Bytes of a snapshot written between two pauses.
const WRITE_BYTES: usize = 1024 * 1024;
/// How much longer than it works the thread rests: a quarter of one processor at most is a snapshot's, so that on two of
/// them joins lose less than a third of their rate.
const REST: u32 = 3;

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
    store: Box<dyn SnapshotStore>,
    policy: SnapshotPolicy,
    orders: Receiver<Order>,
    shared: Arc<Shared>,
    /// Where the journal is read, until the first snapshot is due.
    reader: Option<Box<dyn JournalReader>>,
    /// From then on.
    follower: Option<WorldFollower>,
    /// The record at which the snapshot that is being made will stand.
    until: Option<u64>,
    /// Where the last snapshot stands.
    last_seq: u64,
    /// Its time; without a snapshot, that of the last record at the start.
    last_time: Option<Millis>,
    /// The engine's count of bytes there; below zero by what was in the journal after it at the start.
    last_bytes: i128,
}

/// It was told to end.
struct Quit;

impl SnapshotThread {
    pub(crate) fn new(
        (store, reader): (Box<dyn SnapshotStore>, Box<dyn JournalReader>),
        policy: SnapshotPolicy,
        since: SinceSnapshot,
        orders: Receiver<Order>,
        shared: Arc<Shared>,
    ) -> SnapshotThread {
        let recovered = shared.recovered;
        let at_start = (recovered.head != 0).then(|| shared.counters.last_record());
        SnapshotThread {
            store,
            policy,
            orders,
            reader: Some(reader),
            follower: None,
            until: None,
            last_seq: recovered.snapshot_seq.unwrap_or(0),
            last_time: since.time.or(at_start),
            last_bytes: -i128::from(since.bytes),
            shared,
        }
    }

    /// Runs until it is told to end or the journal cannot be followed. The engine goes on without snapshots then.
    pub(crate) fn run(&mut self) {
        loop {
            let started = Instant::now();
            let worked = match self.step() {
                Ok(worked) => worked,
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
            let length = if worked {
                started.elapsed() * REST
            } else {
                self.policy.look_every
            };
            if self.pause(length).is_err() {
                return;
            }
        }
    }

    /// Does a part of the snapshot that is due; returns whether there was something to do.
    fn step(&mut self) -> Result<bool, SnapshotNowError> {
        let committed = *self.shared.committed.borrow();
        if committed != 0 && self.last_time.is_none() {
            self.last_time = Some(self.shared.counters.last_record());
        }
        if self.until.is_none() && self.is_due(committed) {
            self.until = Some(committed);
        }
        let Some(until) = self.until else {
            return Ok(false);
        };
        let follower = self.follower()?;
        if follower.seq() < until && follower.advance(FOLLOW_BYTES)? != 0 {
            return Ok(true);
        }
        self.write()?;
        Ok(true)
    }

    /// The second world; begins with the latest snapshot.
    fn follower(&mut self) -> Result<&mut WorldFollower, SnapshotNowError> {
        if let Some(reader) = self.reader.take() {
            self.follower = Some(WorldFollower::from_latest(self.store.as_mut(), reader)?);
        }
        self.follower.as_mut().ok_or(SnapshotNowError::NotRunning)
    }

    fn is_due(&self, committed: u64) -> bool {
        let counters = &self.shared.counters;
        let bytes = i128::from(counters.read().bytes) - self.last_bytes;
        let due_time = self
            .last_time
            .map(|since| since.after(self.policy.journal_time));
        self.last_seq < committed
            && (i128::from(self.policy.journal_bytes) <= bytes
                || due_time.is_some_and(|due| due <= counters.last_record()))
    }

    /// Follows the journal to its end and writes a snapshot unless the latest one stands there.
    fn now(&mut self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        let until = *self.shared.committed.borrow();
        if until == self.last_seq {
            return Ok(None);
        }
        let follower = self.follower()?;
        loop {
            let started = Instant::now();
            if until <= follower.seq() || follower.advance(FOLLOW_BYTES)? == 0 {
                return self.write();
            }
            std::thread::sleep(started.elapsed() * REST);
        }
    }

    fn write(&mut self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        self.until = None;
        let Some(follower) = &self.follower else {
            return Ok(None);
        };
        let Some(at) = follower.mark() else {
            return Ok(None);
        };
        let world = follower.world();
        let mut fill = |out: &mut dyn Write| {
            let mut out = Paced::new(out);
            world.write_snapshot(&mut out).map_err(io::Error::other)?;
            out.flush()
        };
        let bytes = self.store.write_snapshot(at, &mut fill)?;
        self.note_snapshot();
        self.shared.counters.snapshot(at.seq);
        tracing::info!(seq = at.seq, bytes, "a snapshot was written");
        Ok(Some(SnapshotTaken { seq: at.seq, bytes }))
    }

    fn note_snapshot(&mut self) {
        self.until = None;
        if let Some(follower) = &self.follower {
            self.last_seq = follower.seq();
            self.last_time = Some(follower.world().now());
        }
        self.last_bytes = i128::from(self.shared.counters.read().bytes);
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

/// Writes in pieces, and rests after each.
struct Paced<'a> {
    out: &'a mut dyn Write,
    piece: Vec<u8>,
    began: Instant,
}

impl<'a> Paced<'a> {
    fn new(out: &'a mut dyn Write) -> Paced<'a> {
        Paced {
            out,
            piece: Vec::with_capacity(WRITE_BYTES),
            began: Instant::now(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.piece)?;
        self.piece.clear();
        crash::point("engine.snapshot_writing");
        std::thread::sleep(self.began.elapsed() * REST);
        self.began = Instant::now();
        Ok(())
    }
}

impl minicbor::encode::Write for Paced<'_> {
    type Error = io::Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), io::Error> {
        if WRITE_BYTES < self.piece.len() + bytes.len() {
            self.flush()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(())
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
        bytes: u64,
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
        let thread = SnapshotThread::new(
            (store, reader),
            policy,
            SinceSnapshot::default(),
            orders,
            shared,
        );
        Bench {
            step,
            thread,
            bytes: 0,
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
            let before = self.bytes;
            let head = self.step.commit().unwrap();
            self.bytes += 30;
            let counters = &self.thread.shared.counters;
            counters.appended(1, self.bytes - before, Duration::ZERO);
            counters.note_last_record(Millis(now));
            self.thread.shared.committed.send_replace(head.last_seq());
            while self.thread.step().unwrap() {}
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
