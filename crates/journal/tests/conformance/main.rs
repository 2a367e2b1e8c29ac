//! What every backend promises, as laws that run on each of them.
//!
//! A backend joins by implementing [`Disk`] and a line at the end of this file.

use journal::{
    AppendError, BatchBuilder, Damage, Difference, Head, Journal, JournalReader, OpenError,
    ReadError, StoredBatch, verify_all,
};

mod chain;
mod disks;
mod snapshots;
mod writer;

/// Where a journal lives, with means to damage it. It outlives the journals opened on it.
trait Disk: Sized {
    fn new() -> Self;
    fn open(&self) -> Result<Box<dyn Journal>, OpenError>;
    /// A reader that needs no writer.
    fn audit(&self) -> Box<dyn JournalReader>;
    /// Lets a second writer in.
    fn break_lock(&self);
    /// Changes what is stored of a batch.
    fn alter(&self, number: u64, change: &dyn Fn(&mut StoredBatch));
    fn remove(&self, number: u64);
    fn snapshot_file(&self, seq: u64) -> Option<Vec<u8>>;
    fn place_snapshot_file(&self, seq: u64, bytes: &[u8]);

    fn opened(&self) -> Box<dyn Journal> {
        self.open().expect("opens")
    }
}

/// A batch of records that begins at `first_seq`.
fn batch(first_seq: u64, records: &[&[u8]]) -> BatchBuilder {
    let mut batch = BatchBuilder::new(first_seq);
    for record in records {
        batch.push_bytes(1, record).expect("fits");
    }
    batch
}

/// Appends records as one batch behind the others.
fn append(journal: &mut dyn Journal, records: &[&[u8]]) -> Head {
    let next_seq = journal.head().next_seq;
    journal
        .append(next_seq, &batch(next_seq, records))
        .expect("appends")
}

/// A journal with batches of 1, 2 and 3 records: sequences 1, 2-3 and 4-6.
fn three_batches<D: Disk>() -> D {
    let disk = D::new();
    let mut journal = disk.opened();
    append(&mut *journal, &[b"one"]);
    append(&mut *journal, &[b"two", b"three"]);
    append(&mut *journal, &[b"four", b"five", b"six"]);
    disk
}

fn all(reader: &mut dyn JournalReader) -> Vec<StoredBatch> {
    reader.read(1, usize::MAX).expect("reads")
}

fn payloads(batches: &[StoredBatch]) -> Vec<String> {
    let records = batches.iter().flat_map(StoredBatch::records);
    records
        .map(|record| String::from_utf8_lossy(record.unwrap().payload).into_owned())
        .collect()
}

#[track_caller]
fn damage(result: Result<Head, ReadError>) -> Damage {
    match result {
        Err(ReadError::Damaged(damage)) => damage,
        other => panic!("expected damage, got {other:?}"),
    }
}

#[track_caller]
fn open_damage(result: Result<Box<dyn Journal>, OpenError>) -> Damage {
    match result.map(|journal| journal.head()) {
        Err(OpenError::Read(error)) => damage(Err(error)),
        other => panic!("expected damage, got {other:?}"),
    }
}

/// Runs each law as a test on each backend.
macro_rules! laws {
    ($($module:ident { $($law:ident)* })*) => {
        mod in_memory {
            $($(#[test] fn $law() { crate::$module::$law::<crate::disks::Memory>(); })*)*
        }
        mod in_sqlite {
            $($(#[test] fn $law() { crate::$module::$law::<crate::disks::Sqlite>(); })*)*
        }
    };
}

laws! {
    writer {
        acknowledged_is_durable_after_reopening
        reopening_gives_the_same_bytes_and_hashes
        a_wrong_expected_sequence_is_refused
        a_batch_that_begins_elsewhere_is_refused
        an_empty_batch_is_refused
        every_error_poisons
        a_second_writer_is_refused
        an_overtaken_writer_is_fenced
        the_epoch_goes_up_with_each_writer
        the_longest_batch_is_stored
    }
    chain {
        a_torn_tail_is_refused
        a_flipped_byte_anywhere_is_named
        every_altered_column_is_detected
        a_missing_middle_is_named
        a_missing_first_is_named
        a_missing_tail_is_noticed_by_a_follower
        a_rewritten_history_is_noticed_by_a_follower
        reading_begins_anywhere_and_is_bounded
        an_empty_journal_reads_empty
        a_hash_is_found_at_the_end_of_a_batch_only
        a_reader_follows_the_writer
    }
    snapshots {
        what_was_written_comes_back
        a_snapshot_of_many_chunks_comes_back
        an_empty_snapshot_comes_back
        the_newest_two_are_kept
        a_mark_outside_the_journal_is_refused
        a_failed_writing_leaves_the_older_one
        a_damaged_one_is_skipped
        a_foreign_one_is_skipped
        one_newer_than_the_journal_is_skipped_and_stays
        a_renamed_one_is_skipped
        one_of_a_later_format_is_skipped
    }
}
