//! The journal in a directory: an SQLite file, a lock file and snapshots.
//!
//! ```text
//! journal.db        batches        journal.db-wal, -shm   SQLite's, part of the journal
//! journal.lock      held by the writer                    snapshots/<sequence>.snap
//! ```
//!
//! Why SQLite and not a file of our own: its write-ahead log cuts a torn write, has been tried by
//! more power cuts than we could cause, and lets readers in other processes see whole batches
//! only. A reader sees a batch after it was synced, never before: with `synchronous=FULL` SQLite
//! syncs the log before it publishes the new end in shared memory.
//!
//! Sizes were measured with `examples/measure_pages.rs` on two busy cores, one blob a
//! transaction, and vary by a third from run to run. Blobs of 1 MiB: 4 KiB pages (SQLite's own
//! choice) 230-320 MB/s, 16 KiB 220-400, 64 KiB 320-420. Blobs of 16 KiB: 4 and 16 KiB pages
//! 50-70 MB/s, 64 KiB 40-50. So pages of 16 KiB. Copying the log back every 64 MiB instead of
//! every 16 gained little and made single appends wait up to 250 ms instead of 20 to 50.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, params};

use crate::batch::BatchBuilder;
use crate::chain::{ChainReader, Link, Tail};
use crate::error::{AppendError, Damage, Difference, OpenError, ReadError};
use crate::snapshot::SnapshotStore;
use crate::{FIRST_BATCH, Head, Journal, JournalReader};

pub use reader::SqliteReader;
use reader::{Access, SqliteRows};
use snapshots::SqliteSnapshots;

mod reader;
mod snapshots;

const DATABASE: &str = "journal.db";
const LOG: &str = "journal.db-wal";
const LOCK: &str = "journal.lock";
const SNAPSHOTS: &str = "snapshots";

const FORMAT: &str = "potluck-journal/v1";

/// "plck", so that `file` can tell a journal from other SQLite files.
const APPLICATION_ID: u32 = 0x706c_636b;

const PAGE_BYTES: u32 = 16 * 1024;
const CHECKPOINT_PAGES: u32 = 16 * 1024 * 1024 / PAGE_BYTES;

/// How long to wait for another process that holds a lock inside SQLite for a moment.
const BUSY: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE meta(format TEXT NOT NULL) STRICT;
    CREATE TABLE batch(
        number INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        first_seq INTEGER NOT NULL UNIQUE,
        count INTEGER NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;";

const INSERT: &str = "
    INSERT INTO batch(number, epoch, first_seq, count, prev, hash, bytes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// The writer of a journal in a directory.
#[derive(Debug)]
pub struct SqliteJournal {
    dir: PathBuf,
    tail: Tail,
    connection: Connection,
    /// Declared last: dropped, and so unlocked, after the connection is closed.
    _lock: File,
}

impl SqliteJournal {
    /// Opens the journal in `dir` for writing, and makes it if there is none.
    ///
    /// Refused while another process writes. What a crash left behind is made durable before it
    /// is believed, the numbers of the batches are checked to have no gap, and the last batch is
    /// checked whole; [`verify_all`](crate::verify_all) checks the others.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let dir = std::path::absolute(dir).map_err(prepare(dir))?;
        create_dir_durably(&dir).map_err(prepare(&dir))?;
        let lock = take_lock(&dir)?;
        let path = dir.join(DATABASE);
        let fresh = size_bytes(&dir.join(DATABASE))?.unwrap_or(0) == 0;
        if fresh {
            no_witness(&dir)?;
        }
        sync_log(&dir)?;
        let connection = connect(&path, fresh).map_err(not_a_journal(&path))?;
        if fresh || is_empty(&connection).map_err(not_a_journal(&path))? {
            no_witness(&dir)?;
            make_tables(&connection).map_err(not_a_journal(&path))?;
        }
        check_format(&connection, &path)?;
        // SQLite opens what it may not write for reading, and says so at the first write only.
        if connection.is_readonly(MAIN_DB).map_err(store(&path))? {
            return Err(OpenError::ReadOnly { path });
        }
        configure(&connection).map_err(store(&path))?;
        sync_dir(&dir).map_err(prepare(&dir))?;
        let (head, epoch) = check_end(&dir, &connection)?;
        Ok(SqliteJournal {
            dir,
            tail: Tail::take_over(head, epoch),
            connection,
            _lock: lock,
        })
    }

    /// Opens the journal in `dir` for reading, whether a writer runs or not; for audits.
    ///
    /// Changes nothing of the journal. While there is no writer no file is made either; beside a
    /// running or crashed one SQLite may touch its index in shared memory, `journal.db-shm`.
    pub fn open_read_only(dir: &Path) -> Result<SqliteReader, OpenError> {
        let dir = std::path::absolute(dir).map_err(prepare(dir))?;
        let path = dir.join(DATABASE);
        if size_bytes(&path)?.unwrap_or(0) == 0 {
            return Err(OpenError::Absent { path });
        }
        let rows = SqliteRows::open(&dir, Access::Audit)?;
        check_format(rows.connection(), &path)?;
        Ok(SqliteReader::new(dir, ChainReader::new(rows)))
    }
}

impl Journal for SqliteJournal {
    fn head(&self) -> Head {
        self.tail.head
    }

    fn epoch(&self) -> u64 {
        self.tail.epoch
    }

    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
        let connection = &self.connection;
        self.tail.append(expected_seq, batch, |link, bytes| {
            insert(connection, link, bytes)
        })
    }

    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
        let rows = SqliteRows::open(&self.dir, Access::BesideWriter)?;
        Ok(Box::new(ChainReader::new(rows)))
    }

    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        let rows = SqliteRows::open(&self.dir, Access::BesideWriter)?;
        Ok(Box::new(SqliteSnapshots::new(
            &self.dir,
            ChainReader::new(rows),
        )))
    }
}

/// One statement, so one transaction and one sync.
fn insert(connection: &Connection, link: &Link, bytes: &[u8]) -> Result<(), AppendError> {
    let Link { header, hash } = link;
    let write = || -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let number = i64::try_from(header.number)?;
        let epoch = i64::try_from(header.epoch)?;
        let first_seq = i64::try_from(header.first_seq)?;
        let mut statement = connection.prepare_cached(INSERT)?;
        let values = params![
            number,
            epoch,
            first_seq,
            header.count,
            header.prev,
            hash,
            bytes
        ];
        Ok(statement.execute(values)?)
    };
    write().map(|_| ()).map_err(|source| {
        let sqlite = source.downcast_ref::<rusqlite::Error>();
        if sqlite.and_then(rusqlite::Error::sqlite_error_code)
            == Some(ErrorCode::ConstraintViolation)
        {
            return AppendError::Fenced {
                batch: header.number,
            };
        }
        AppendError::Write {
            batch: header.number,
            first_seq: header.first_seq,
            source,
        }
    })
}

/// Connects to the file, which is made if it is to be fresh.
fn connect(path: &Path, fresh: bool) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let create = OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, if fresh { flags | create } else { flags })?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    Ok(connection)
}

/// Whether there is no table: the program was interrupted when it first made the file, before anything was in it.
fn is_empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

/// Makes the tables before the log is switched on, so that the database file is never empty beside a log: SQLite would
/// take the log for a stranger's and delete it.
fn make_tables(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {SCHEMA}
         INSERT INTO meta(format) VALUES ('{FORMAT}'); COMMIT;"
    ))
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let message = format!("the file system allows journal mode {mode} only, WAL is needed");
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        return Err(rusqlite::Error::SqliteFailure(code, Some(message)));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // A crash may leave batches in the operating system's cache that never reached the disk, or
    // that a failed sync only claims to have written. Copying them writes and syncs them anew.
    // An audit that reads meanwhile can hinder the copying; then the sync of the log must do.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn check_format(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection
        .query_row("SELECT format FROM meta", [], |row| row.get(0))
        .map_err(not_a_journal(path))?;
    if found != FORMAT {
        return Err(OpenError::UnknownFormat {
            path: path.to_owned(),
            found,
            known: FORMAT,
        });
    }
    Ok(())
}

/// Checks that numbers have no gap, and the last batch whole; returns the head and its epoch.
fn check_end(dir: &Path, connection: &Connection) -> Result<(Head, u64), OpenError> {
    let path = dir.join(DATABASE);
    // Counted by the index of sequences, which is small; the table has the bytes between.
    let (first, last, count) = connection
        .query_row(
            "SELECT coalesce(min(number), 1), coalesce(max(number), 0),
                    (SELECT count(*) FROM batch INDEXED BY sqlite_autoindex_batch_1)
             FROM batch",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            },
        )
        .map_err(store(&path))?;
    if first != FIRST_BATCH.cast_signed() || last != count {
        if let Some(damage) = first_gap(connection, last).map_err(store(&path))? {
            return Err(ReadError::Damaged(damage).into());
        }
        let source = format!(
            "its index lists {count} batches, but the first is number {first} and the last {last}"
        );
        return Err(OpenError::Store {
            path,
            source: source.into(),
        });
    }
    let rows = SqliteRows::open(dir, Access::BesideWriter)?;
    Ok(ChainReader::new(rows).check_end()?)
}

/// The first number that is missing.
fn first_gap(connection: &Connection, last: i64) -> Result<Option<Damage>, rusqlite::Error> {
    let mut statement = connection
        .prepare("SELECT number, first_seq FROM batch WHERE 1 <= number ORDER BY number")?;
    let mut rows = statement.query([])?;
    for expected in 1..=last {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let (found, first_seq) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
        if found != expected {
            return Ok(Some(Damage {
                batch: expected.cast_unsigned(),
                seq: first_seq.cast_unsigned().saturating_sub(1),
                what: Difference::BatchMissing {
                    found: found.cast_unsigned(),
                },
            }));
        }
    }
    Ok(None)
}

/// Where there is no journal: an error if there was one and it is gone.
fn no_witness(dir: &Path) -> Result<(), OpenError> {
    let journal = dir.join(DATABASE);
    let log = dir.join(LOG);
    let log = (0 < size_bytes(&log)?.unwrap_or(0)).then_some(log);
    let witness = match log {
        Some(log) => Some(log),
        None => snapshots::any_file(dir).map_err(prepare(&dir.join(SNAPSHOTS)))?,
    };
    witness.map_or(Ok(()), |witness| Err(OpenError::Lost { journal, witness }))
}

/// Syncs the log that a crash left, before anything in it is believed.
///
/// Opening and closing the log is harmless. The same with `journal.db` would let go of the locks
/// SQLite holds on it, in the whole process.
fn sync_log(dir: &Path) -> Result<(), OpenError> {
    let path = dir.join(LOG);
    match File::open(&path) {
        Ok(log) => log.sync_all().map_err(prepare(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(prepare(&path)(error)),
    }
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let failed = |source| OpenError::Lock {
        path: path.clone(),
        source,
    };
    let file = opened.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            place: dir.display().to_string(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes a directory and its parents, and syncs every directory that got a new entry.
fn create_dir_durably(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(dir)?;
    for path in missing {
        sync_dir(path)?;
        if let Some(parent) = path.parent() {
            sync_dir(parent)?;
        }
    }
    Ok(())
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Asks for the size without opening the file; see [`sync_log`].
fn size_bytes(path: &Path) -> Result<Option<u64>, OpenError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(prepare(path)(error)),
    }
}

fn prepare(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Prepare {
        path: path.to_owned(),
        source,
    }
}

fn store(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| OpenError::Store {
        path: path.to_owned(),
        source: source.into(),
    }
}

/// Tells a file of something else from one that cannot be read.
fn not_a_journal(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| match source.sqlite_error_code() {
        // "no such table" is the first kind, as is a row that is not there.
        Some(ErrorCode::NotADatabase | ErrorCode::Unknown) | None => OpenError::NotAJournal {
            path: path.to_owned(),
        },
        Some(_) => store(path)(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch that was synced too late looks the same until the power fails: so the settings
    /// are tested, for want of a power cut.
    #[test]
    fn the_writer_syncs_each_batch() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let journal = SqliteJournal::open(dir.path()).unwrap();
            let setting = |name| {
                journal
                    .connection
                    .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            };
            assert_eq!(setting("synchronous"), Ok(2), "FULL");
            assert_eq!(setting("page_size"), Ok(16_384));
            assert_eq!(setting("wal_autocheckpoint"), Ok(1_024));
            assert_eq!(setting("application_id"), Ok(0x706c_636b));
            let mode = journal
                .connection
                .pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
            assert_eq!(mode.unwrap(), "wal");
        }
    }
}
