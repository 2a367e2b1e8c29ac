//! The bytes on customers' disks, their limits, and the laws of reading them back.

use journal::{
    BatchBuilder, BatchHeader, Difference, Journal, MAX_BATCH_BYTES, MAX_RECORD_BYTES,
    MemoryJournal, MemoryStorage, PushError, RECORD_HEADER_BYTES, SqliteJournal, StoredBatch,
    verify_all,
};
use proptest::prelude::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Worked out by a program in another language from the documentation. These bytes are on
/// customers' disks: repair the code, never these lines.
#[test]
fn stored_bytes_of_two_batches_and_a_snapshot() {
    let storage = MemoryStorage::new();
    let mut journal = MemoryJournal::open(&storage).unwrap();
    let mut batch = BatchBuilder::new(1);
    batch.push_bytes(1, b"first").unwrap();
    batch.push_bytes(2, b"").unwrap();
    batch
        .push(258, |buffer| buffer.extend_from_slice(&[0, 255]))
        .unwrap();
    let first = journal.append(1, &batch).unwrap();
    assert_eq!(
        hex(batch.bytes()),
        "05000000bcd2cf93010000000000000001006669727374\
         000000003e41d857020000000000000002000\
         2000000a32ba9cf0300000000000000020100ff"
    );
    let first_hash = "2febb4684267ac69bc35887e6fec77bf249e95d6cbefdb271644888a478713ec";
    assert_eq!(hex(&first.hash), first_hash);

    journal
        .write_snapshot(first.mark(), &mut |out| out.write_all(b"world"))
        .unwrap();
    assert_eq!(
        hex(&storage.faults().snapshot_file(3).unwrap()),
        format!(
            "706f746c75636b2d736e617073686f7401000300000000000000{first_hash}\
             050000004e81aa31776f726c64000000000500000000000000\
             10609dde672c3ce9c663fdae091ec590605ed7841ebf0ef5280824c8cdd84dfa"
        )
    );

    drop(journal);
    let mut journal = MemoryJournal::open(&storage).unwrap();
    batch.clear(4);
    batch.push_bytes(1, b"second").unwrap();
    let second = journal.append(4, &batch).unwrap();
    assert_eq!(
        hex(batch.bytes()),
        "0600000084a39fe0040000000000000001007365636f6e64"
    );
    assert_eq!(
        hex(&second.hash),
        "7f9fd9bb5fcc1e2312434ae15093f163071fad5ea7b843bcf4538a465e50bfa7"
    );
}

#[test]
fn a_record_may_be_as_long_as_the_limit_and_no_longer() {
    let mut batch = BatchBuilder::new(1);
    let record = vec![7; MAX_RECORD_BYTES + 1];
    let bytes = MAX_RECORD_BYTES + 1;
    assert_eq!(
        batch.push_bytes(1, &record),
        Err(PushError::RecordTooLong { bytes })
    );
    assert!(batch.is_empty());
    assert_eq!(batch.push_bytes(1, &record[1..]), Ok(1));
    assert_eq!(batch.bytes_len(), RECORD_HEADER_BYTES + MAX_RECORD_BYTES);
}

#[test]
fn a_batch_may_be_as_long_as_the_limit_and_no_longer() {
    let mut batch = BatchBuilder::new(1);
    let record = vec![7; MAX_RECORD_BYTES];
    while batch.push_bytes(1, &record).is_ok() {}
    let rest = MAX_BATCH_BYTES - batch.bytes_len() - RECORD_HEADER_BYTES;
    let (before, count) = (batch.bytes().to_vec(), batch.count());
    let full = Err(PushError::BatchFull {
        bytes: MAX_BATCH_BYTES + 1,
    });
    assert_eq!(batch.push_bytes(1, &record[..rest + 1]), full);
    assert_eq!((batch.bytes(), batch.count()), (&before[..], count));
    assert_eq!(
        batch.push_bytes(1, &record[..rest]),
        Ok(u64::from(count) + 1)
    );
    assert_eq!(batch.bytes_len(), MAX_BATCH_BYTES);
}

#[test]
fn sequences_end_where_databases_do() {
    let last = i64::MAX as u64 - 1;
    let mut batch = BatchBuilder::new(last);
    assert_eq!(batch.push_bytes(1, b"last"), Ok(last));
    assert_eq!(batch.next_seq(), i64::MAX as u64);
    assert_eq!(batch.push_bytes(1, b"none"), Err(PushError::OutOfSequences));
    let mut batch = BatchBuilder::new(u64::MAX);
    assert_eq!(batch.push_bytes(1, b"none"), Err(PushError::OutOfSequences));
    assert_eq!(batch.next_seq(), u64::MAX);
}

#[test]
fn an_encoder_that_panics_leaves_the_batch_as_it_was() {
    let mut batch = BatchBuilder::new(1);
    batch.push_bytes(1, b"before").unwrap();
    let before = batch.bytes().to_vec();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        batch.push(1, |buffer| {
            buffer.extend_from_slice(b"half");
            panic!("the encoder gives up");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((batch.bytes(), batch.count()), (&before[..], 1));
    assert_eq!(batch.push_bytes(1, b"after"), Ok(2));
    assert_eq!(stored(&batch).records().map(Result::unwrap).count(), 2);
}

#[test]
fn a_record_with_the_sequence_of_another_is_named() {
    let mut batch = stored(&pushed(1, &[(1, b"one".to_vec()), (1, b"two".to_vec())]));
    batch.first_seq = 2;
    let damage = batch.records().next().unwrap().unwrap_err();
    assert_eq!(damage.what, Difference::RecordSeq { found: 1 });
    assert_eq!(
        damage.to_string(),
        "the journal is damaged at batch 1, sequence 2: the record there calls itself 1"
    );
}

fn pushed(first_seq: u64, records: &[(u16, Vec<u8>)]) -> BatchBuilder {
    let mut batch = BatchBuilder::new(first_seq);
    for (version, payload) in records {
        batch.push_bytes(*version, payload).unwrap();
    }
    batch
}

fn stored(batch: &BatchBuilder) -> StoredBatch {
    let (first_seq, count, bytes) = (batch.first_seq(), batch.count(), batch.bytes().to_vec());
    let header = BatchHeader {
        number: 1,
        epoch: 1,
        first_seq,
        count,
        prev: [0; 32],
    };
    let hash = header.hash(&bytes);
    StoredBatch {
        number: 1,
        epoch: 1,
        first_seq,
        count,
        prev: [0; 32],
        hash,
        bytes,
    }
}

type Payloads = Vec<(u16, Vec<u8>)>;

fn records() -> impl Strategy<Value = Payloads> {
    prop::collection::vec(
        (any::<u16>(), prop::collection::vec(any::<u8>(), 0..200)),
        1..12,
    )
}

fn comes_back(journal: &mut dyn Journal, batches: &[Payloads]) -> Result<(), TestCaseError> {
    let mut builder = BatchBuilder::new(1);
    let mut expected = Vec::new();
    for records in batches {
        builder.clear(journal.head().next_seq);
        for (version, payload) in records {
            let seq = builder.push_bytes(*version, payload).unwrap();
            expected.push((seq, *version, payload.clone()));
        }
        journal.append(builder.first_seq(), &builder).unwrap();
    }
    let mut reader = journal.reader().unwrap();
    prop_assert_eq!(verify_all(&mut *reader).unwrap(), journal.head());
    let mut found = Vec::new();
    while (found.len() as u64) < journal.head().last_seq() {
        for batch in reader.read(found.len() as u64 + 1, 300).unwrap() {
            let records = batch.records().map(Result::unwrap);
            found.extend(records.map(|record| (record.seq, record.version, record.payload.into())));
        }
    }
    prop_assert_eq!(found, expected);
    Ok(())
}

proptest! {
    #[test]
    fn batches_come_back_from_memory(batches in prop::collection::vec(records(), 0..8)) {
        comes_back(&mut MemoryJournal::open(&MemoryStorage::new()).unwrap(), &batches)?;
    }

    #[test]
    fn no_bytes_make_records_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), count: u32) {
        let mut batch = stored(&BatchBuilder::new(1));
        (batch.bytes, batch.count) = (bytes, count);
        prop_assert!(batch.records().filter(Result::is_err).count() <= 1);
    }

    #[test]
    fn changed_records_are_never_taken_for_whole(
        records in records(), position: prop::sample::Index, change in 1_u8..,
    ) {
        let mut batch = stored(&pushed(1, &records));
        let position = position.index(batch.bytes.len());
        batch.bytes[position] ^= change;
        prop_assert_eq!(batch.records().filter(Result::is_err).count(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn batches_come_back_from_sqlite(batches in prop::collection::vec(records(), 0..8)) {
        let dir = tempfile::tempdir().unwrap();
        comes_back(&mut SqliteJournal::open(dir.path()).unwrap(), &batches)?;
    }
}
