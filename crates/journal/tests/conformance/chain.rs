//! Laws of reading: nothing is skipped, and damage is named.

use std::thread;

use crate::*;

pub(crate) fn a_torn_tail_is_refused<D: Disk>() {
    let length = all(&mut *three_batches::<D>().audit())[2].bytes.len();
    for kept in 0..length {
        let disk = three_batches::<D>();
        disk.alter(3, &|batch| batch.bytes.truncate(kept));
        let damage = open_damage(disk.open());
        assert_eq!(damage.batch, 3);
        assert!((4..=6).contains(&damage.seq), "{damage}");
    }
}

pub(crate) fn a_flipped_byte_anywhere_is_named<D: Disk>() {
    let disk = three_batches::<D>();
    for batch in all(&mut *disk.audit()) {
        let last = batch.number == 3;
        let records: Vec<_> = batch.records().map(Result::unwrap).collect();
        let ends = records.iter().scan(0, |end, record| {
            *end += journal::RECORD_HEADER_BYTES + record.payload.len();
            Some((*end, record.seq))
        });
        let ends: Vec<_> = ends.collect();
        for position in 0..batch.bytes.len() {
            let flip = |batch: &mut StoredBatch| batch.bytes[position] ^= 0x10;
            disk.alter(batch.number, &flip);
            let (_, seq) = *ends.iter().find(|(end, _)| position < *end).unwrap();
            let found = damage(verify_all(&mut *disk.audit()));
            assert_eq!((found.batch, found.seq), (batch.number, seq), "{found}");
            let place = format!("damaged at batch {}, sequence {seq}:", batch.number);
            assert!(found.to_string().contains(&place), "{found}");
            if last {
                assert_eq!(open_damage(disk.open()), found);
            }
            disk.alter(batch.number, &flip);
        }
    }
    verify_all(&mut *disk.audit()).unwrap();
}

pub(crate) fn every_altered_column_is_detected<D: Disk>() {
    let disk = three_batches::<D>();
    let check = |change: &dyn Fn(&mut StoredBatch), undo: &dyn Fn(&mut StoredBatch), says: &str| {
        disk.alter(2, change);
        let found = damage(verify_all(&mut *disk.audit()));
        assert_eq!(found.batch, 2, "{found}");
        assert!(
            found.to_string().contains(says),
            "{found} does not say {says}"
        );
        disk.alter(2, undo);
        verify_all(&mut *disk.audit()).unwrap();
    };
    check(
        &|b| b.epoch = 0,
        &|b| b.epoch = 1,
        "after a batch of the later epoch 1",
    );
    check(&|b| b.epoch = 2, &|b| b.epoch = 1, "its content has hash");
    check(
        &|b| b.first_seq = 3,
        &|b| b.first_seq = 2,
        "begins at sequence 3 instead",
    );
    check(
        &|b| b.count = 1,
        &|b| b.count = 2,
        "holds 2 records, but 1 were written",
    );
    check(
        &|b| b.count = 3,
        &|b| b.count = 2,
        "holds 2 records, but 3 were written",
    );
    check(
        &|b| b.prev[7] ^= 1,
        &|b| b.prev[7] ^= 1,
        "as the hash of the batch before it",
    );
    check(
        &|b| b.hash[7] ^= 1,
        &|b| b.hash[7] ^= 1,
        "its content has hash",
    );
}

pub(crate) fn a_missing_middle_is_named<D: Disk>() {
    let disk = three_batches::<D>();
    disk.remove(2);
    let says = "the journal is damaged at batch 2, sequence 3: \
                this batch is missing; the next one stored is 3";
    assert_eq!(open_damage(disk.open()).to_string(), says);
    let says = says.replace("sequence 3:", "sequence 2:");
    assert_eq!(damage(verify_all(&mut *disk.audit())).to_string(), says);
    for from_seq in 2..=6 {
        let error = disk.audit().read(from_seq, 1).unwrap_err();
        assert_eq!(damage(Err(error)).batch, 2, "from {from_seq}");
    }
}

pub(crate) fn a_missing_first_is_named<D: Disk>() {
    let disk = three_batches::<D>();
    disk.remove(1);
    assert_eq!(open_damage(disk.open()).batch, 1);
    for from_seq in 0..=3 {
        let error = disk.audit().read(from_seq, 1).unwrap_err();
        let found = damage(Err(error));
        assert_eq!(
            found.what,
            Difference::BatchMissing { found: 2 },
            "from {from_seq}"
        );
        assert_eq!(found.batch, 1);
    }
}

pub(crate) fn a_missing_tail_is_noticed_by_a_follower<D: Disk>() {
    let disk = three_batches::<D>();
    let mut follower = disk.audit();
    assert_eq!(all(&mut *follower).len(), 3);
    disk.remove(3);
    let mut restarted = disk.audit();
    for reader in [&mut follower, &mut restarted] {
        let error = reader.read(7, 1).unwrap_err();
        let expected = ReadError::BeyondEnd {
            asked: 7,
            next_seq: 4,
        };
        assert_eq!(error.to_string(), expected.to_string());
    }
}

pub(crate) fn a_rewritten_history_is_noticed_by_a_follower<D: Disk>() {
    let disk = three_batches::<D>();
    let mut follower = disk.audit();
    assert_eq!(all(&mut *follower).len(), 3);
    disk.remove(3);
    append(&mut *disk.opened(), &[b"other", b"other", b"other"]);
    let error = follower.read(7, 1).unwrap_err();
    assert_eq!(damage(Err(error)).batch, 3);
    append(&mut *disk.opened(), &[b"seven"]);
    let error = follower.read(7, 1).unwrap_err();
    assert!(matches!(
        damage(Err(error)).what,
        Difference::PrevHash { .. }
    ));
}

pub(crate) fn reading_begins_anywhere_and_is_bounded<D: Disk>() {
    let disk = three_batches::<D>();
    let first_bytes = all(&mut *disk.audit())[0].bytes.len();
    //     from  max_bytes        batches
    for (from, max_bytes, numbers) in [
        (0, usize::MAX, vec![1, 2, 3]),
        (1, usize::MAX, vec![1, 2, 3]),
        (1, 0, vec![1]),
        (1, first_bytes, vec![1]),
        (1, first_bytes + 1, vec![1, 2]),
        (2, 1, vec![2]),
        (3, 1, vec![2]),
        (4, usize::MAX, vec![3]),
        (6, usize::MAX, vec![3]),
        (7, usize::MAX, vec![]),
    ] {
        let mut fresh = disk.audit();
        let mut used = disk.audit();
        all(&mut *used);
        for reader in [&mut fresh, &mut used] {
            let read = reader.read(from, max_bytes).unwrap();
            let found: Vec<u64> = read.iter().map(|batch| batch.number).collect();
            assert_eq!(found, numbers, "from {from}, at most {max_bytes}");
        }
    }
    let error = disk.audit().read(8, 1).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::BeyondEnd {
                asked: 8,
                next_seq: 7
            }
        ),
        "{error}"
    );
    let third = &disk.audit().read(5, 1).unwrap()[0];
    let seqs: Vec<u64> = third
        .records_from(5)
        .map(|record| record.unwrap().seq)
        .collect();
    assert_eq!(seqs, [5, 6]);
}

pub(crate) fn an_empty_journal_reads_empty<D: Disk>() {
    let disk = D::new();
    let journal = disk.opened();
    let mut reader = journal.reader().unwrap();
    assert_eq!(journal.head(), Head::EMPTY);
    assert_eq!(reader.head().unwrap(), Head::EMPTY);
    assert!(reader.read(0, 1).unwrap().is_empty());
    assert!(reader.read(1, 1).unwrap().is_empty());
    assert_eq!(reader.hash_at(0).unwrap(), None);
    assert_eq!(verify_all(&mut *reader).unwrap(), Head::EMPTY);
    let error = reader.read(2, 1).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::BeyondEnd {
                asked: 2,
                next_seq: 1
            }
        ),
        "{error}"
    );
}

pub(crate) fn a_hash_is_found_at_the_end_of_a_batch_only<D: Disk>() {
    let disk = three_batches::<D>();
    let hashes: Vec<_> = all(&mut *disk.audit())
        .iter()
        .map(|batch| batch.hash)
        .collect();
    let mut reader = disk.audit();
    let found: Vec<_> = (0..=8).map(|seq| reader.hash_at(seq).unwrap()).collect();
    let [one, two, three] = [0, 1, 2].map(|at: usize| Some(hashes[at]));
    assert_eq!(found, [None, one, None, two, None, None, three, None, None]);
}

pub(crate) fn a_reader_follows_the_writer<D: Disk>() {
    const BATCHES: u64 = 200;
    let disk = D::new();
    let mut journal = disk.opened();
    let mut reader = journal.reader().unwrap();
    let follower = thread::spawn(move || {
        let mut next_seq = 1;
        while next_seq <= BATCHES {
            for batch in reader.read(next_seq, 1000).unwrap() {
                for record in batch.records() {
                    let record = record.unwrap();
                    assert_eq!(record.seq, next_seq);
                    assert_eq!(record.payload, next_seq.to_be_bytes());
                    next_seq += 1;
                }
            }
            assert!(next_seq <= reader.head().unwrap().next_seq);
            thread::yield_now();
        }
    });
    for seq in 1..=BATCHES {
        append(&mut *journal, &[&seq.to_be_bytes()]);
    }
    follower.join().unwrap();
}
