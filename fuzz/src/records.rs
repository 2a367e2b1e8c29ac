//! The journal's bytes: batches, and the records in them.
//!
//! An input is two bytes that choose a moment of a real history, then bytes that stand where the next record was. They
//! are read by the engine's own reader, and what it takes is applied to the world of that moment. That may stop with
//! "the journal is not consistent", which is how `World::apply` answers what the platform cannot have written; any other
//! panic, and any wrapped or overflowing sum, is a finding.

use domain::{Asset, Record, Records, World};
use engine::{FollowError, RECORD_VERSION, RecordReader, StoredRecord};
use journal::{BatchBuilder, Journal, MemoryJournal, MemoryStorage, StoredBatch, verify_all};

use crate::history::base;
use crate::{corpus, panics};

/// Most records that are planted; every kind of event is among them.
const MOST_SEEDS: usize = 400;

/// Plants the records of a real history, each at its place.
pub fn begin() {
    panics::let_corrupt_pass();
    let seeds = base()
        .records
        .iter()
        .take(MOST_SEEDS)
        .zip(0_u16..)
        .map(|(record, place)| {
            let mut seed = place.to_le_bytes().to_vec();
            minicbor::encode(record, &mut seed).expect("a record can be stored");
            seed
        });
    corpus::plant("records", seeds);
}

/// Takes the bytes as a batch, as a record, and as a batch that is damaged after it was written.
pub fn check(data: &[u8]) {
    let Some((place, payload)) = data.split_first_chunk::<2>() else {
        return;
    };
    as_batch(*place, payload);
    damaged(*place, payload);
    let record = read_back(payload);
    as_at_a_start(payload, record.as_ref());
    let Some(record) = record else {
        return;
    };
    stable(&record);
    let history = base();
    let place = usize::from(u16::from_le_bytes(*place)) % history.worlds.len();
    let written = history.records.get(place) == Some(&record);
    let applied = panics::unless_corrupt(|| {
        let mut world = history.worlds[place].clone();
        world.apply(&record);
        world
    });
    match applied {
        Some(world) => goes_on(world, written),
        None => assert!(
            !written,
            "a record of the history does not fit at its own place"
        ),
    }
}

/// Raw bytes of a batch: whatever is read is what a writer would have written.
fn as_batch(head: [u8; 2], bytes: &[u8]) {
    let [first_seq, count] = head;
    let batch = StoredBatch {
        number: 1,
        epoch: 1,
        first_seq: u64::from(first_seq),
        count: u32::from(count),
        prev: [0; 32],
        hash: [0; 32],
        bytes: bytes.to_vec(),
    };
    let mut again = BatchBuilder::new(batch.first_seq);
    for record in batch.records() {
        let Ok(record) = record else { return };
        again
            .push_bytes(record.version, record.payload)
            .expect("what was read fits");
    }
    assert_eq!(again.bytes(), bytes, "a batch with a second spelling");
    assert_eq!(again.count(), batch.count, "a batch with another count");
}

/// A batch of pieces of these bytes is written and changed on its disk: the reader says so.
fn damaged(place: [u8; 2], payload: &[u8]) {
    let storage = MemoryStorage::new();
    let mut journal = MemoryJournal::open(&storage).expect("a new journal in memory");
    let mut batch = BatchBuilder::new(1);
    for piece in payload.chunks(64.max(payload.len() / 4)) {
        batch
            .push_bytes(RECORD_VERSION, piece)
            .expect("a small record");
    }
    if batch.is_empty() {
        return;
    }
    let head = journal.append(1, &batch).expect("memory does not fail");
    assert_eq!(
        verify_all(storage.reader().as_mut()).ok(),
        Some(head),
        "a whole journal is whole"
    );
    let at = usize::from(u16::from_le_bytes(place)) % batch.bytes_len();
    if payload.len().is_multiple_of(2) {
        assert!(storage.faults().flip_byte(1, at), "the byte is there");
    } else {
        assert!(
            storage.faults().tear_last_batch(at),
            "there is something to tear off"
        );
    }
    assert!(
        verify_all(storage.reader().as_mut()).is_err(),
        "damage at {at} is not found"
    );
}

/// What a start of the platform reads by hand, and strictly, is what all others read.
fn as_at_a_start(payload: &[u8], record: Option<&Record>) {
    let mut records = Records::default();
    match records.decode(payload) {
        Ok(()) => {
            let read: Vec<Record> = records.iter().map(|record| record.to_record()).collect();
            assert_eq!(
                read.as_slice(),
                record.map_or(&[][..], std::slice::from_ref)
            );
        }
        Err(_) => assert!(records.is_empty(), "something was added after an error"),
    }
}

/// Reads a record as the views, the outbox and the audit do.
fn read_back(payload: &[u8]) -> Option<Record> {
    let storage = MemoryStorage::new();
    let mut journal = MemoryJournal::open(&storage).expect("a new journal in memory");
    let mut batch = BatchBuilder::new(1);
    batch.push_bytes(RECORD_VERSION, payload).ok()?;
    journal.append(1, &batch).expect("memory does not fail");
    match RecordReader::new(storage.reader(), 1).read(1) {
        Ok(records) => {
            let [StoredRecord { seq: 1, record }] = records.as_slice() else {
                panic!("one record was written: {records:?}");
            };
            Some(record.clone())
        }
        Err(FollowError::Undecodable { .. } | FollowError::UnknownKind { .. }) => None,
        Err(other) => panic!("the journal is whole: {other}"),
    }
}

/// Other bytes may mean the same, but what is written of it is written for ever.
fn stable(record: &Record) {
    let bytes = minicbor::to_vec(record).expect("a record can be stored");
    let again: Record = minicbor::decode(&bytes).expect("a stored record can be read");
    assert_eq!(&again, record, "stored, it says something else");
    assert_eq!(
        minicbor::to_vec(&again).expect("a record can be stored"),
        bytes,
        "its bytes are not stable"
    );
}

/// What was applied can be asked, counted and stored. Sums are zero where the record is one that was written there: the
/// replay trusts amounts, and holding them to the rules is the audit's work.
fn goes_on(mut world: World, written: bool) {
    world.next_timer();
    let (books, violations) = (world.trial_balance(), world.violations());
    let snapshot = world.to_snapshot();
    let again = World::from_snapshot(&snapshot).expect("a snapshot of its own is read");
    assert_eq!(again.to_snapshot(), snapshot, "a snapshot is not stable");
    if written {
        assert_eq!(violations, Vec::<String>::new());
        for asset in [Asset::Cny, Asset::Coin] {
            let rows = books.iter().filter(|row| row.asset == asset);
            assert_eq!(
                rows.map(|row| row.amount).sum::<i64>(),
                0,
                "the trial balance in {asset:?}"
            );
        }
    }
}
