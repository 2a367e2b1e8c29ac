//! Reading the SQLite file, beside the writer or without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::batch::{BatchHeader, StoredBatch};
use crate::chain::{ChainReader, Link, Rows, Which};
use crate::error::{Damage, Difference, ReadError};
use crate::snapshot::SnapshotStore;
use crate::sqlite::snapshots::SqliteSnapshots;
use crate::sqlite::{BUSY, DATABASE, LOG};
use crate::{Head, JournalReader};

/// How often a question is asked again because a writer came or went meanwhile.
const ATTEMPTS: u32 = 10;

/// A journal opened for reading, with or without a writer running.
#[derive(Debug)]
pub struct SqliteReader {
    dir: PathBuf,
    chain: ChainReader<SqliteRows>,
}

impl SqliteReader {
    pub(crate) fn new(dir: PathBuf, chain: ChainReader<SqliteRows>) -> Self {
        SqliteReader { dir, chain }
    }

    /// The snapshots beside this journal.
    pub fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        let rows = SqliteRows::open(&self.dir, Access::Audit)?;
        Ok(Box::new(SqliteSnapshots::new(
            &self.dir,
            ChainReader::new(rows),
        )))
    }
}

impl JournalReader for SqliteReader {
    fn head(&mut self) -> Result<Head, ReadError> {
        self.chain.head()
    }

    fn read(&mut self, from_seq: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError> {
        self.chain.read(from_seq, max_bytes)
    }

    fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, ReadError> {
        self.chain.hash_at(seq)
    }
}

/// Who asks to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// The process that writes.
    BesideWriter,
    /// Somebody else; there may be no writer, and nothing shall be changed.
    Audit,
}

/// Rows over a read-only connection of its own.
#[derive(Debug)]
pub(crate) struct SqliteRows {
    path: PathBuf,
    log: PathBuf,
    access: Access,
    connection: Connection,
    /// What the file looked like, when it was opened as one that does not change.
    still: Option<Look>,
}

/// Enough of a file's looks to notice a writer at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    size_bytes: u64,
    modified: Option<SystemTime>,
    has_log: bool,
}

impl SqliteRows {
    pub(crate) fn open(dir: &Path, access: Access) -> Result<Self, ReadError> {
        let (path, log) = (dir.join(DATABASE), dir.join(LOG));
        let (connection, still) = connect(&path, &log, access).map_err(open_error(&path))?;
        Ok(SqliteRows {
            path,
            log,
            access,
            connection,
            still,
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Opens anew if the file was opened as one that does not change, and changed.
    pub(crate) fn refresh(&mut self) -> Result<(), ReadError> {
        if self.is_outdated() {
            let opened = connect(&self.path, &self.log, self.access);
            (self.connection, self.still) = opened.map_err(open_error(&self.path))?;
        }
        Ok(())
    }

    fn is_outdated(&self) -> bool {
        self.still
            .is_some_and(|still| look(&self.path, &self.log) != Some(still))
    }

    /// Asks a question, and again if the answer may mix two states of the file.
    fn ask<T>(
        &mut self,
        question: impl Fn(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, ReadError> {
        let mut answer = self.ask_once(&question);
        for _ in 1..ATTEMPTS {
            if !self.is_outdated() {
                break;
            }
            answer = self.ask_once(&question);
        }
        answer
    }

    fn ask_once<T>(
        &mut self,
        question: &impl Fn(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, ReadError> {
        self.refresh()?;
        question(&self.connection).map_err(|trouble| match trouble {
            Trouble::Damage(damage) => damage.into(),
            Trouble::Sqlite { near, source } => {
                let place = match near {
                    Some(number) => format!("{} at batch {number}", self.path.display()),
                    None => self.path.display().to_string(),
                };
                ReadError::Store {
                    place,
                    source: source.into(),
                }
            }
        })
    }
}

impl Rows for SqliteRows {
    fn link(&mut self, which: Which) -> Result<Option<Link>, ReadError> {
        let (clause, value) = match which {
            Which::Last => ("?1 = 0 ORDER BY number DESC LIMIT 1", 0),
            Which::Number(number) => ("number = ?1", signed(number)),
            Which::BeginsBy(seq) => (
                "first_seq <= ?1 ORDER BY first_seq DESC LIMIT 1",
                signed(seq),
            ),
        };
        let sql =
            format!("SELECT number, epoch, first_seq, count, prev, hash FROM batch WHERE {clause}");
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement
                .query_row([value], |row| Ok(link_of(row)))
                .optional()?;
            found.transpose()
        })
    }

    fn batches(&mut self, from: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, epoch, first_seq, count, prev, hash, bytes FROM batch
                 WHERE ?1 <= number ORDER BY number",
            )?;
            let mut rows = statement.query([signed(from)])?;
            let mut found: Vec<StoredBatch> = Vec::new();
            let mut bytes = 0;
            while bytes < max_bytes || found.is_empty() {
                let near = from.saturating_add(found.len() as u64);
                let row = rows.next().map_err(|source| Trouble::Sqlite {
                    near: Some(near),
                    source,
                })?;
                let Some(row) = row else { break };
                let batch = batch_of(row)?;
                bytes += batch.bytes.len();
                found.push(batch);
            }
            Ok(found)
        })
    }
}

/// Why a question has no answer.
#[derive(Debug)]
enum Trouble {
    Damage(Damage),
    Sqlite {
        near: Option<u64>,
        source: rusqlite::Error,
    },
}

impl From<rusqlite::Error> for Trouble {
    fn from(source: rusqlite::Error) -> Self {
        Trouble::Sqlite { near: None, source }
    }
}

fn link_of(row: &Row<'_>) -> Result<Link, Trouble> {
    let number = number_of(
        row,
        0,
        Place {
            batch: 0,
            seq: 0,
            column: "number",
        },
    )?;
    let place = |seq, column| Place {
        batch: number,
        seq,
        column,
    };
    let first_seq = number_of(row, 2, place(0, "first sequence"))?;
    let at = |column| place(first_seq, column);
    let count = number_of(row, 3, at("number of records"))?;
    let header = BatchHeader {
        number,
        epoch: number_of(row, 1, at("epoch"))?,
        first_seq,
        count: u32::try_from(count).map_err(|_| at("number of records").never_written())?,
        prev: hash_of(row, 4, at("hash of the batch before"))?,
    };
    Ok(Link {
        header,
        hash: hash_of(row, 5, at("hash"))?,
    })
}

fn batch_of(row: &Row<'_>) -> Result<StoredBatch, Trouble> {
    let Link { header, hash } = link_of(row)?;
    let BatchHeader {
        number,
        epoch,
        first_seq,
        count,
        prev,
    } = header;
    let ValueRef::Blob(bytes) = row.get_ref(6)? else {
        let place = Place {
            batch: number,
            seq: first_seq,
            column: "content",
        };
        return Err(place.never_written());
    };
    let bytes = bytes.to_vec();
    Ok(StoredBatch {
        number,
        epoch,
        first_seq,
        count,
        prev,
        hash,
        bytes,
    })
}

/// A column of a batch, as far as it is known which.
#[derive(Clone, Copy, Debug)]
struct Place {
    batch: u64,
    seq: u64,
    column: &'static str,
}

impl Place {
    fn never_written(self) -> Trouble {
        let Place { batch, seq, column } = self;
        Trouble::Damage(Damage {
            batch,
            seq,
            what: Difference::Column { column },
        })
    }
}

fn number_of(row: &Row<'_>, column: usize, place: Place) -> Result<u64, Trouble> {
    match row.get_ref(column)? {
        ValueRef::Integer(value) => u64::try_from(value).map_err(|_| place.never_written()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {
            Err(place.never_written())
        }
    }
}

fn hash_of(row: &Row<'_>, column: usize, place: Place) -> Result<[u8; 32], Trouble> {
    match row.get_ref(column)? {
        ValueRef::Blob(bytes) => bytes.try_into().map_err(|_| place.never_written()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Integer(_) => {
            Err(place.never_written())
        }
    }
}

/// Databases have signed numbers; nothing is stored beyond them.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Connects for reading.
///
/// Without a log nobody writes, and the file is opened as one that does not change: otherwise
/// SQLite would make a log and an index of its own, which an auditor may not be allowed to and
/// should not. Whether that still holds is checked around each question.
fn connect(
    path: &Path,
    log: &Path,
    access: Access,
) -> Result<(Connection, Option<Look>), rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let still = match access {
        Access::BesideWriter => None,
        Access::Audit => look(path, log).filter(|look| !look.has_log),
    };
    let immutable = if still.is_some() { "?immutable=1" } else { "" };
    let connection = Connection::open_with_flags(format!("{}{immutable}", uri(path)), flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok((connection, still))
}

fn look(path: &Path, log: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    let has_log = log.exists();
    Some(Look {
        size_bytes: metadata.len(),
        modified: metadata.modified().ok(),
        has_log,
    })
}

/// An absolute path as SQLite reads it in a URI: everything unusual escaped.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn open_error(path: &Path) -> impl Fn(rusqlite::Error) -> ReadError {
    move |source| ReadError::Open {
        place: path.display().to_string(),
        source: source.into(),
    }
}
