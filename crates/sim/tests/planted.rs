//! The simulation finds what it looks for: rules told wrongly and journals that lie are found within a few seeds.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use domain::{Event, Money, Record};
use journal::{
    AppendError, BatchBuilder, Fill, Head, Journal, JournalReader, LatestSnapshot, Mark,
    MemoryJournal, ReadError, SnapshotError, SnapshotStore, StoredBatch,
};
use sim::{Coverage, Mistake, SimError, Storm};

/// Within so many seeds everything planted is found.
const SEEDS: u64 = 24;

/// How the planted thing was found: by a difference, or because the world refuses to go on.
#[track_caller]
fn check(what: &str, plant: impl Fn(Storm) -> Storm) {
    for seed in 1..=SEEDS {
        let mut coverage = Coverage::default();
        let storm = plant(Storm::new(seed));
        let found = match catch_unwind(AssertUnwindSafe(|| storm.run(&mut coverage))) {
            Ok(Ok(())) => continue,
            Ok(Err(SimError::Differs { what, .. })) => what.join("; "),
            Ok(Err(other)) => other.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        let found: String = found.chars().take(120).collect();
        eprintln!(
            "{what}: seed {seed}, after {} commands: {found}",
            coverage.commands
        );
        return;
    }
    panic!("{what} is not found in {SEEDS} seeds");
}

#[test]
fn a_rule_told_wrongly_is_found() {
    for mistake in Mistake::ALL {
        check(&format!("{mistake:?}"), |storm| storm.with_mistake(mistake));
    }
}

#[test]
fn a_journal_that_lies_is_found() {
    for lie in [
        Lie::DropsRecord,
        Lie::WritesOneTwice,
        Lie::ExchangesRecords,
        Lie::ChangesAnAmount,
        Lie::ForgetsARecordsTime,
        Lie::AcknowledgesTooEarly,
        Lie::KeepsAnOldSnapshot,
    ] {
        let plant = move |storm: Storm| {
            storm.on(Arc::new(move |inner| -> Box<dyn Journal> {
                Box::new(Liar::new(inner, lie))
            }))
        };
        check(&format!("{lie:?}"), plant);
    }
}

/// What a journal does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// The last record of a batch is not written.
    DropsRecord,
    /// A record stands in the place of the next one, too.
    WritesOneTwice,
    /// Two records stand in each other's place.
    ExchangesRecords,
    /// One fen more was paid in than was paid.
    ChangesAnAmount,
    /// A record says that it happened a second later.
    ForgetsARecordsTime,
    /// The last batch is gone when the process dies, although it was acknowledged.
    AcknowledgesTooEarly,
    /// A snapshot holds what an earlier one held.
    KeepsAnOldSnapshot,
}

/// Tells the truth most of the time.
struct Liar {
    inner: MemoryJournal,
    lie: Lie,
    appended: u64,
    first_snapshot: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Liar {
    fn new(inner: MemoryJournal, lie: Lie) -> Liar {
        Liar {
            inner,
            lie,
            appended: 0,
            first_snapshot: Arc::default(),
        }
    }

    fn payloads(&self, batch: &BatchBuilder) -> Vec<(u16, Vec<u8>)> {
        let stored = StoredBatch {
            number: 1,
            epoch: 1,
            first_seq: batch.first_seq(),
            count: batch.count(),
            prev: [0; 32],
            hash: [0; 32],
            bytes: batch.bytes().to_vec(),
        };
        let records = stored.records().map(Result::unwrap);
        records
            .map(|record| (record.version, record.payload.to_vec()))
            .collect()
    }

    fn change(&self, records: &mut Vec<(u16, Vec<u8>)>) {
        match self.lie {
            Lie::DropsRecord => drop(records.pop()),
            Lie::WritesOneTwice if 2 <= records.len() => records[1] = records[0].clone(),
            Lie::ExchangesRecords if 2 <= records.len() => records.swap(0, 1),
            Lie::ChangesAnAmount | Lie::ForgetsARecordsTime => {
                for (_, payload) in records {
                    let mut record: Record = minicbor::decode(payload).unwrap();
                    let changed = self.lie == Lie::ForgetsARecordsTime || one_fen_more(&mut record);
                    if self.lie == Lie::ForgetsARecordsTime {
                        record.at.0 += 1_000;
                    }
                    if changed {
                        *payload = minicbor::to_vec(&record).unwrap();
                        return;
                    }
                }
            }
            Lie::WritesOneTwice
            | Lie::ExchangesRecords
            | Lie::AcknowledgesTooEarly
            | Lie::KeepsAnOldSnapshot => {}
        }
    }
}

fn one_fen_more(record: &mut Record) -> bool {
    for event in &mut record.events {
        if let Event::PaymentAccepted { amount, .. } | Event::PaymentBounced { amount, .. } = event
        {
            *amount = Money(amount.0 + 1);
            return true;
        }
    }
    false
}

impl Drop for Liar {
    fn drop(&mut self) {
        if self.lie == Lie::AcknowledgesTooEarly && 3 < self.appended {
            let last = self.inner.head().next_batch - 1;
            self.inner.storage().faults().remove_batch(last);
        }
    }
}

impl Journal for Liar {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
        self.appended += 1;
        if !self.appended.is_multiple_of(17) {
            return self.inner.append(expected_seq, batch);
        }
        let mut records = self.payloads(batch);
        self.change(&mut records);
        let mut changed = BatchBuilder::new(batch.first_seq());
        for (version, payload) in records {
            changed.push_bytes(version, &payload).unwrap();
        }
        if changed.is_empty() {
            return self.inner.append(expected_seq, batch);
        }
        self.inner.append(expected_seq, &changed)
    }

    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
        self.inner.reader()
    }

    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        let inner = self.inner.snapshots()?;
        if self.lie != Lie::KeepsAnOldSnapshot {
            return Ok(inner);
        }
        Ok(Box::new(OldSnapshots {
            inner,
            first: self.first_snapshot.clone(),
        }))
    }
}

/// Writes the content of the first snapshot again and again.
struct OldSnapshots {
    inner: Box<dyn SnapshotStore>,
    first: Arc<Mutex<Option<Vec<u8>>>>,
}

impl SnapshotStore for OldSnapshots {
    fn write_snapshot(&mut self, at: Mark, fill: &mut Fill<'_>) -> Result<u64, SnapshotError> {
        let mut content = Vec::new();
        if fill(&mut content).is_err() {
            return self.inner.write_snapshot(at, fill);
        }
        let first = self.first.lock().unwrap().get_or_insert(content).clone();
        self.inner
            .write_snapshot(at, &mut |out: &mut dyn Write| out.write_all(&first))
    }

    fn latest_snapshot(&mut self) -> Result<LatestSnapshot, SnapshotError> {
        self.inner.latest_snapshot()
    }
}
