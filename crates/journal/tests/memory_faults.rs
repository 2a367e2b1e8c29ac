//! The faults the simulator relies on do what they say.

use journal::{
    AppendError, BatchBuilder, FailWhen, Journal, MemoryJournal, MemoryStorage, OpenError,
};

fn append(journal: &mut MemoryJournal) -> Result<u64, AppendError> {
    let seq = journal.head().next_seq;
    let mut batch = BatchBuilder::new(seq);
    batch.push_bytes(1, b"record").unwrap();
    journal.append(seq, &batch).map(|head| head.last_seq())
}

fn open(storage: &MemoryStorage) -> MemoryJournal {
    MemoryJournal::open(storage).unwrap()
}

#[test]
fn a_failed_append_is_or_is_not_there_after_reopening() {
    for (when, survives) in [(FailWhen::BeforeStoring, 0), (FailWhen::AfterStoring, 1)] {
        let storage = MemoryStorage::new();
        let mut journal = open(&storage);
        storage.faults().fail_append_after(2, when);
        append(&mut journal).unwrap();
        append(&mut journal).unwrap();
        let error = append(&mut journal).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write batch 3, which begins at sequence 3"
        );
        assert!(matches!(append(&mut journal), Err(AppendError::Poisoned)));
        drop(journal);
        let mut journal = open(&storage);
        assert_eq!(journal.head().last_seq(), 2 + survives, "{when:?}");
        append(&mut journal).expect("the fault happens once");
    }
}

#[test]
fn a_torn_a_flipped_and_a_missing_batch_are_refused() {
    type Fault = fn(&MemoryStorage) -> bool;
    let faults: [(Fault, &str); 3] = [
        (
            |storage| storage.faults().tear_last_batch(20),
            "batch 3, sequence 3: the record is cut",
        ),
        (
            |storage| storage.faults().flip_byte(3, 20),
            "batch 3, sequence 3: the record has check",
        ),
        (
            |storage| storage.faults().remove_batch(2),
            "batch 2, sequence 2: this batch is missing",
        ),
    ];
    for (fault, says) in faults {
        let storage = MemoryStorage::new();
        let mut journal = open(&storage);
        assert!(!fault(&storage), "nothing to damage yet");
        for _ in 0..3 {
            append(&mut journal).unwrap();
        }
        drop(journal);
        assert!(fault(&storage));
        let error = MemoryJournal::open(&storage).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(
            matches!(error, OpenError::Read(_)),
            "a refused opening lets go of the lock"
        );
        assert!(!matches!(
            MemoryJournal::open(&storage),
            Err(OpenError::Locked { .. })
        ));
    }
}

#[test]
fn a_takeover_fences_whoever_appends_second() {
    let storage = MemoryStorage::new();
    let mut first = open(&storage);
    append(&mut first).unwrap();
    let mut second = storage.faults().take_over().unwrap();
    append(&mut first).expect("nothing was taken yet");
    assert!(matches!(
        append(&mut second),
        Err(AppendError::Fenced { batch: 2 })
    ));
    drop(second);

    let mut third = storage.faults().take_over().unwrap();
    append(&mut third).unwrap();
    assert!(matches!(
        append(&mut first),
        Err(AppendError::Fenced { batch: 3 })
    ));
    drop(first);
    let refused = MemoryJournal::open(&storage);
    assert!(
        matches!(refused, Err(OpenError::Locked { .. })),
        "the lock is the third's"
    );
}
