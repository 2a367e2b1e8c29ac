//! Laws of appending and opening.

use journal::{MAX_BATCH_BYTES, MAX_RECORD_BYTES, PushError, RECORD_HEADER_BYTES};

use crate::*;

pub(crate) fn acknowledged_is_durable_after_reopening<D: Disk>() {
    let disk = D::new();
    let mut expected = Vec::new();
    for round in 0..4 {
        let mut journal = disk.opened();
        assert_eq!(journal.head().last_seq(), expected.len() as u64);
        for number in 0..3 {
            let record = format!("round {round} number {number}");
            append(&mut *journal, &[record.as_bytes()]);
            expected.push(record);
        }
        let mut reader = journal.reader().unwrap();
        assert_eq!(payloads(&all(&mut *reader)), expected);
    }
    assert_eq!(payloads(&all(&mut *disk.audit())), expected);
}

pub(crate) fn reopening_gives_the_same_bytes_and_hashes<D: Disk>() {
    let disk = three_batches::<D>();
    let first = all(&mut *disk.audit());
    let journal = disk.opened();
    assert_eq!(all(&mut *journal.reader().unwrap()), first);
    assert_eq!(journal.head(), first[2].head());
    assert_eq!(journal.head(), verify_all(&mut *disk.audit()).unwrap());
    assert_eq!(first[0].prev, [0; 32]);
    for pair in first.windows(2) {
        assert_eq!(pair[1].prev, pair[0].hash);
        assert_eq!(pair[1].number, pair[0].number + 1);
        assert_eq!(pair[1].first_seq, pair[0].next_seq());
    }
    for batch in first {
        assert_eq!(batch.hash, batch.header().hash(&batch.bytes));
    }
}

pub(crate) fn a_wrong_expected_sequence_is_refused<D: Disk>() {
    for wrong in [0, 6, 8, u64::MAX] {
        let disk = three_batches::<D>();
        let mut journal = disk.opened();
        let mut batch = BatchBuilder::new(7);
        batch.push_bytes(1, b"seven").unwrap();
        let error = journal.append(wrong, &batch).unwrap_err();
        let expected = format!("the journal ends before sequence 7, the writer expected {wrong}");
        assert_eq!(error.to_string(), expected);
        drop(journal);
        assert_eq!(disk.opened().head().next_seq, 7);
    }
}

pub(crate) fn a_batch_that_begins_elsewhere_is_refused<D: Disk>() {
    let disk = three_batches::<D>();
    let error = disk.opened().append(7, &batch(8, &[b"eight"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the batch begins at sequence 8, the writer expected 7"
    );
    assert_eq!(disk.opened().head().next_seq, 7);
}

pub(crate) fn an_empty_batch_is_refused<D: Disk>() {
    let disk = D::new();
    let error = disk.opened().append(1, &BatchBuilder::new(1)).unwrap_err();
    assert!(matches!(error, AppendError::Empty { seq: 1 }), "{error}");
    assert_eq!(disk.opened().head(), Head::EMPTY);
}

pub(crate) fn every_error_poisons<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    journal.append(1, &BatchBuilder::new(1)).unwrap_err();
    for _ in 0..2 {
        let error = journal.append(1, &batch(1, &[b"one"])).unwrap_err();
        assert!(matches!(error, AppendError::Poisoned), "{error}");
    }
    drop(journal);
    append(&mut *disk.opened(), &[b"one"]);
}

pub(crate) fn a_second_writer_is_refused<D: Disk>() {
    let disk = D::new();
    let first = disk.opened();
    let error = disk.open().map(|journal| journal.head()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("stop it before starting this one"),
        "{error}"
    );
    drop(first);
    disk.opened();
}

pub(crate) fn an_overtaken_writer_is_fenced<D: Disk>() {
    let disk = three_batches::<D>();
    let mut first = disk.opened();
    append(&mut *first, &[b"of the first"]);
    disk.break_lock();
    let mut second = disk.opened();
    append(&mut *second, &[b"of the second"]);

    let error = first.append(8, &batch(8, &[b"too late"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "another writer has taken over at batch 5: stop"
    );
    assert!(matches!(error, AppendError::Fenced { batch: 5 }), "{error}");
    let error = first.append(8, &batch(8, &[b"again"])).unwrap_err();
    assert!(matches!(error, AppendError::Poisoned), "{error}");

    drop(first);
    append(&mut *second, &[b"goes on"]);
    let read = all(&mut *disk.audit());
    assert_eq!(
        payloads(&read[3..]),
        ["of the first", "of the second", "goes on"]
    );
    assert!(read[3].epoch < read[4].epoch);
}

pub(crate) fn the_epoch_goes_up_with_each_writer<D: Disk>() {
    let disk = D::new();
    for epoch in 1..4 {
        let mut journal = disk.opened();
        assert_eq!(journal.epoch(), epoch);
        append(&mut *journal, &[b"record"]);
        append(&mut *journal, &[b"record"]);
    }
    let epochs: Vec<u64> = all(&mut *disk.audit())
        .iter()
        .map(|batch| batch.epoch)
        .collect();
    assert_eq!(epochs, [1, 1, 2, 2, 3, 3]);
}

pub(crate) fn the_longest_batch_is_stored<D: Disk>() {
    let disk = D::new();
    let mut longest = BatchBuilder::new(1);
    let record = vec![0xa5; MAX_RECORD_BYTES];
    for _ in 0..3 {
        longest.push_bytes(1, &record).unwrap();
    }
    let rest = MAX_BATCH_BYTES - longest.bytes_len() - RECORD_HEADER_BYTES;
    let full = PushError::BatchFull {
        bytes: MAX_BATCH_BYTES + 1,
    };
    assert_eq!(longest.push_bytes(1, &vec![1; rest + 1]), Err(full));
    longest.push_bytes(1, &vec![1; rest]).unwrap();
    assert_eq!(longest.bytes_len(), MAX_BATCH_BYTES);
    let head = disk.opened().append(1, &longest).unwrap();
    assert_eq!(verify_all(&mut *disk.audit()).unwrap(), head);
    assert_eq!(all(&mut *disk.audit())[0].bytes, longest.bytes());
}
