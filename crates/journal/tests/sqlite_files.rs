//! What may happen to the files of an SQLite journal outside this program.

use std::fs;
use std::path::Path;

use journal::{
    BatchBuilder, Head, Journal, JournalReader, OpenError, SqliteJournal, StoredBatch, verify_all,
};
use rusqlite::Connection;
use tempfile::TempDir;

fn append(journal: &mut SqliteJournal, payload: &[u8]) -> Head {
    let seq = journal.head().next_seq;
    let mut batch = BatchBuilder::new(seq);
    batch.push_bytes(1, payload).unwrap();
    journal.append(seq, &batch).unwrap()
}

fn open(dir: &Path) -> SqliteJournal {
    SqliteJournal::open(dir).unwrap()
}

fn audit(dir: &Path) -> Vec<StoredBatch> {
    let mut reader = SqliteJournal::open_read_only(dir).unwrap();
    let batches = reader.read(1, usize::MAX).unwrap();
    assert_eq!(
        verify_all(&mut reader).unwrap(),
        batches.last().map_or(Head::EMPTY, |b| b.head())
    );
    batches
}

/// A directory with a journal of three batches.
fn three_batches() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for payload in [&b"one"[..], b"two", &[3; 40_000]] {
        append(&mut journal, payload);
    }
    dir
}

/// What a crash leaves: the files as they are while the writer still runs.
fn crashed_copy(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Every open error with its causes, as it is logged.
fn says(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[track_caller]
fn refused(dir: &Path) -> OpenError {
    SqliteJournal::open(dir)
        .map(|journal| journal.head())
        .unwrap_err()
}

#[test]
fn batches_in_the_log_survive_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let mut expected = Vec::new();
    for number in 0..5_u8 {
        append(&mut journal, &[number; 3000]);
        expected = audit(dir.path());
        let crashed = crashed_copy(dir.path());
        assert_eq!(audit(crashed.path()), expected);
        assert_eq!(open(crashed.path()).head(), journal.head());
        assert_eq!(audit(crashed.path()), expected);
    }
    assert_eq!(expected.len(), 5);
}

#[test]
fn a_truncated_log_loses_whole_batches_at_the_end_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for number in 0..4_u8 {
        append(&mut journal, &[number; 20_000]);
    }
    let whole = audit(dir.path());
    let log_bytes = fs::metadata(dir.path().join("journal.db-wal"))
        .unwrap()
        .len();
    let mut lengths = Vec::new();
    for kept in (0..log_bytes)
        .step_by(4_999)
        .chain([1, 31, 32, 33, log_bytes - 1, log_bytes])
    {
        let crashed = crashed_copy(dir.path());
        let log = fs::OpenOptions::new()
            .write(true)
            .open(crashed.path().join("journal.db-wal"));
        log.unwrap().set_len(kept).unwrap();
        let mut journal = open(crashed.path());
        let found = audit(crashed.path());
        assert_eq!(found, whole[..found.len()], "with {kept} bytes of the log");
        let head = append(&mut journal, b"goes on");
        assert_eq!(head.next_batch, found.len() as u64 + 2);
        lengths.push(found.len());
    }
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [0, 1, 2, 3, 4], "the lengths reach every batch");
}

#[test]
fn a_flipped_byte_in_the_file_never_changes_what_is_read() {
    let dir = three_batches();
    let path = dir.path().join("journal.db");
    let whole = fs::read(&path).unwrap();
    let expected = audit(dir.path());
    let mut detected = 0;
    for position in (0..whole.len()).step_by(97).chain(0..100) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x40;
        fs::write(&path, &bytes).unwrap();
        let read = || -> Result<Vec<StoredBatch>, Box<dyn std::error::Error>> {
            let mut reader = SqliteJournal::open_read_only(dir.path())?;
            verify_all(&mut reader)?;
            Ok(reader.read(1, usize::MAX)?)
        };
        match read() {
            Ok(batches) => assert_eq!(batches, expected, "byte {position}"),
            Err(_) => detected += 1,
        }
    }
    assert!(400 < detected, "{detected} of the bytes of 40 KB content");
}

/// SQLite takes a file of a version that it does not know for one that must not be written.
#[test]
fn a_file_that_cannot_be_written_is_refused_at_the_start() {
    let dir = three_batches();
    let path = dir.path().join("journal.db");
    let expected = audit(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[18] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    let error = refused(dir.path());
    assert!(
        matches!(error, OpenError::ReadOnly { .. }),
        "{}",
        says(&error)
    );
    assert_eq!(audit(dir.path()), expected);
}

#[test]
fn changes_by_sql_are_named() {
    //   what is done                                          what the operator reads
    for (sql, opening, auditing) in [
        (
            "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE number = 2",
            "",
            "batch 2, sequence 2: the record has checksum",
        ),
        (
            "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE number = 3",
            "batch 3, sequence 3: the record has checksum",
            "batch 3, sequence 3: the record has checksum",
        ),
        (
            "UPDATE batch SET bytes = CAST(bytes || x'00' AS BLOB) WHERE number = 3",
            "batch 3, sequence 4: it holds 2 records, but 1 were written",
            "batch 3, sequence 4: it holds 2 records, but 1 were written",
        ),
        (
            "DELETE FROM batch WHERE number = 2",
            "batch 2, sequence 2: this batch is missing; the next one stored is 3",
            "batch 2, sequence 2: this batch is missing; the next one stored is 3",
        ),
        (
            "UPDATE batch SET hash = x'00' WHERE number = 2",
            "batch 2, sequence 2: its hash is not one that was ever written",
            "batch 2, sequence 2: its hash is not one that was ever written",
        ),
        (
            "UPDATE batch SET epoch = -1 WHERE number = 3",
            "batch 3, sequence 3: its epoch is not one that was ever written",
            "batch 3, sequence 3: its epoch is not one that was ever written",
        ),
        (
            "INSERT INTO batch SELECT -1, epoch, 0, count, prev, hash, bytes FROM batch LIMIT 1",
            "index lists 4 batches, but the first is number -1 and the last 3",
            "",
        ),
    ] {
        let dir = three_batches();
        let changed = Connection::open(dir.path().join("journal.db"))
            .unwrap()
            .execute(sql, []);
        assert_eq!(changed.unwrap(), 1, "{sql}");
        let mut reader = SqliteJournal::open_read_only(dir.path()).unwrap();
        let audited = verify_all(&mut reader).err().map(|error| says(&error));
        check_said(sql, audited, auditing);
        drop(reader);
        let opened = SqliteJournal::open(dir.path())
            .err()
            .map(|error| says(&error));
        check_said(sql, opened, opening);
    }
}

/// No error is expected where nothing is to be said.
fn check_said(sql: &str, said: Option<String>, expected: &str) {
    let said = said.unwrap_or_default();
    assert!(
        said.contains(expected) && said.is_empty() == expected.is_empty(),
        "{sql}: {said}"
    );
}

#[test]
fn an_audit_changes_nothing() {
    let dir = three_batches();
    let before = files(dir.path());
    let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["journal.db", "journal.lock"]);
    assert_eq!(audit(dir.path()).len(), 3);
    assert!(
        files(dir.path()) == before,
        "without a writer nothing is made or changed"
    );

    let mut journal = open(dir.path());
    append(&mut journal, b"four");
    let crashed = crashed_copy(dir.path());
    let before = files(crashed.path());
    assert_eq!(audit(crashed.path()).len(), 4);
    let mut after = files(crashed.path());
    after.retain(|(name, _)| name != "journal.db-shm");
    assert!(
        after == before,
        "after a crash database and log stay as they are"
    );
}

#[test]
fn an_audit_notices_a_writer_that_comes_and_goes() {
    let dir = three_batches();
    let mut reader = SqliteJournal::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.read(1, usize::MAX).unwrap().len(), 3);
    let mut journal = open(dir.path());
    append(&mut journal, b"four");
    assert_eq!(reader.read(4, usize::MAX).unwrap().len(), 1);
    append(&mut journal, b"five");
    assert_eq!(reader.head().unwrap(), journal.head());
    drop(journal);
    assert_eq!(reader.read(5, usize::MAX).unwrap().len(), 1);
    append(&mut open(dir.path()), b"six");
    assert_eq!(reader.read(6, usize::MAX).unwrap().len(), 1);
    assert_eq!(verify_all(&mut reader).unwrap().last_seq(), 6);
}

#[test]
fn an_audit_of_an_idle_directory_notices_a_whole_run_of_a_writer() {
    let dir = three_batches();
    let mut reader = SqliteJournal::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.head().unwrap().last_seq(), 3);
    append(&mut open(dir.path()), &[4; 100_000]);
    assert_eq!(reader.head().unwrap().last_seq(), 4);
}

#[test]
fn a_lost_journal_is_not_replaced_by_an_empty_one() {
    let dir = three_batches();
    let journal = open(dir.path());
    journal
        .write_snapshot(journal.head().mark(), &mut |out| out.write_all(b"world"))
        .unwrap();
    drop(journal);
    fs::remove_file(dir.path().join("journal.db")).unwrap();
    let error = refused(dir.path());
    assert!(
        matches!(&error, OpenError::Lost { witness, .. } if witness.ends_with(
            "snapshots/00000000000000000003.snap"
        ))
    );
    fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
    fs::write(dir.path().join("journal.db"), b"").unwrap();
    fs::write(dir.path().join("journal.db-wal"), b"batches").unwrap();
    let error = refused(dir.path());
    assert!(
        matches!(&error, OpenError::Lost { witness, .. } if witness.ends_with("journal.db-wal"))
    );
    fs::remove_file(dir.path().join("journal.db-wal")).unwrap();
    assert_eq!(open(dir.path()).head(), Head::EMPTY);
}

#[test]
fn files_of_something_else_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let absent = SqliteJournal::open_read_only(dir.path()).unwrap_err();
    assert!(matches!(absent, OpenError::Absent { .. }), "{absent}");
    assert!(files(dir.path()).is_empty());

    let path = dir.path().join("journal.db");
    fs::write(&path, [b'x'; 5000]).unwrap();
    let foreign = refused(dir.path());
    assert!(
        matches!(foreign, OpenError::NotAJournal { .. }),
        "{}",
        says(&foreign)
    );
    assert_eq!(fs::read(&path).unwrap(), [b'x'; 5000]);

    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE other(x)")
        .unwrap();
    let foreign = refused(dir.path());
    assert!(
        matches!(foreign, OpenError::NotAJournal { .. }),
        "{}",
        says(&foreign)
    );

    let dir = three_batches();
    let sql = Connection::open(dir.path().join("journal.db")).unwrap();
    sql.execute("UPDATE meta SET format = 'potluck-journal/v2'", [])
        .unwrap();
    drop(sql);
    let later = refused(dir.path()).to_string();
    let expected =
        "has journal format \"potluck-journal/v2\", this program reads \"potluck-journal/v1\"";
    assert!(later.contains(expected), "{later}");
    let later = SqliteJournal::open_read_only(dir.path())
        .unwrap_err()
        .to_string();
    assert!(later.contains(expected), "{later}");
}

#[test]
fn an_interrupted_creation_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("journal.db"), b"").unwrap();
    append(&mut open(dir.path()), b"one");
    assert_eq!(audit(dir.path()).len(), 1);

    // Cut off while the tables were written: what stands in the file is not committed.
    let begun = tempfile::tempdir().unwrap();
    let making = Connection::open(begun.path().join("journal.db")).unwrap();
    making
        .execute_batch(
            "PRAGMA page_size = 16384; PRAGMA cache_size = 1; BEGIN; CREATE TABLE meta(format TEXT);
             INSERT INTO meta VALUES (hex(zeroblob(500000)))",
        )
        .unwrap();
    let interrupted = || {
        let dir = tempfile::tempdir().unwrap();
        for name in ["journal.db", "journal.db-journal"] {
            let bytes = fs::read(begun.path().join(name)).unwrap();
            assert!(!bytes.is_empty(), "{name}");
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    };
    let dir = interrupted();
    append(&mut open(dir.path()), b"one");
    assert_eq!(audit(dir.path()).len(), 1);

    // Not beside what shows that there was another journal.
    let dir = interrupted();
    let snapshots = dir.path().join("snapshots");
    fs::create_dir(&snapshots).unwrap();
    fs::write(snapshots.join("00000000000000000003.snap"), b"world").unwrap();
    assert!(matches!(refused(dir.path()), OpenError::Lost { .. }));
}

#[test]
fn a_directory_with_an_unusual_name_works() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("团购 100%?x=1#y").join("journal");
    append(&mut open(&dir), b"one");
    assert_eq!(audit(&dir).len(), 1);
    let journal = open(&dir);
    assert_eq!(journal.reader().unwrap().head().unwrap(), journal.head());
}

#[test]
fn what_an_interrupted_snapshot_left_is_removed_with_the_next_one() {
    let dir = three_batches();
    let journal = open(dir.path());
    let left = dir.path().join("snapshots/00000000000000000002.snap.tmp");
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, b"half").unwrap();
    assert!(journal.latest_snapshot().unwrap().skipped.is_empty());
    journal
        .write_snapshot(journal.head().mark(), &mut |out| out.write_all(b"world"))
        .unwrap();
    assert!(!left.exists());
}

#[test]
fn an_auditor_finds_the_snapshots_too() {
    let dir = three_batches();
    let journal = open(dir.path());
    journal
        .write_snapshot(journal.head().mark(), &mut |out| out.write_all(b"world"))
        .unwrap();
    drop(journal);
    let reader = SqliteJournal::open_read_only(dir.path()).unwrap();
    let latest = reader.snapshots().unwrap().latest_snapshot().unwrap();
    assert_eq!(latest.snapshot.unwrap().at.seq, 3);
}

#[test]
fn a_snapshot_that_cannot_be_finished_leaves_no_file() {
    let dir = three_batches();
    let journal = open(dir.path());
    let failed = journal.write_snapshot(journal.head().mark(), &mut |out| {
        out.write_all(b"half")?;
        Err(std::io::Error::other("the world cannot be encoded"))
    });
    assert!(says(&failed.unwrap_err()).contains("the world cannot be encoded"));
    assert!(files(&dir.path().join("snapshots")).is_empty());
}
