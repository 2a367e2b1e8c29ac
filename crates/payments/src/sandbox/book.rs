//! The provider's durable book: one SQLite connection on a thread of its own.
//!
//! Why a thread that groups: every call waits for its own commit, and commits are what costs. All
//! that has queued while the last commit ran shares the next one. Each piece of work runs in a
//! savepoint, so that one that fails takes nothing with it, and is answered only when the group
//! is in the file.

use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use crate::error::{Refusal, RefusalCode};
use crate::sandbox::provider::{BookLocation, ProviderError};
use crate::sign::{CallbackSigner, random};

/// Most pieces of work that wait; more make callers wait.
const MAX_QUEUED: usize = 4096;
/// Most pieces of work in one commit.
const MAX_GROUPED: usize = 256;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        order_no TEXT NOT NULL,
        amount_fen INTEGER NOT NULL,
        description TEXT NOT NULL,
        attach TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        notify_url TEXT,
        return_url TEXT,
        token TEXT NOT NULL UNIQUE,
        created_at_ms INTEGER NOT NULL,
        closed_at_ms INTEGER,
        UNIQUE (order_no, merchant_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS transactions (
        id INTEGER PRIMARY KEY,
        txn_id TEXT NOT NULL UNIQUE,
        order_id INTEGER NOT NULL REFERENCES orders,
        merchant_id TEXT NOT NULL,
        amount_fen INTEGER NOT NULL,
        paid_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS transactions_of_order ON transactions (order_id);
    CREATE TABLE IF NOT EXISTS refunds (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        refund_no TEXT NOT NULL,
        txn INTEGER NOT NULL REFERENCES transactions,
        amount_fen INTEGER NOT NULL,
        reason TEXT NOT NULL,
        accepted_at_ms INTEGER NOT NULL,
        ends_at_ms INTEGER NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
        UNIQUE (refund_no, merchant_id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS refunds_of_transaction ON refunds (txn);
    CREATE TABLE IF NOT EXISTS payouts (
        id INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL,
        payout_no TEXT NOT NULL,
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        amount_fen INTEGER NOT NULL,
        reason TEXT NOT NULL,
        token TEXT NOT NULL UNIQUE,
        accepted_at_ms INTEGER NOT NULL,
        -- How long it is on its way, once nobody has to confirm it any more.
        takes_ms INTEGER NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
        -- Until when the payee must confirm it; none if he need not.
        confirm_until_ms INTEGER,
        confirmed_at_ms INTEGER,
        UNIQUE (payout_no, merchant_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS callbacks (
        id INTEGER PRIMARY KEY,
        txn INTEGER NOT NULL REFERENCES transactions,
        -- pending: to be sent when due; sending: an attempt is under way; held: withheld by a fault.
        state TEXT NOT NULL
            CHECK (state IN ('pending', 'sending', 'held', 'answered', 'suppressed', 'given_up')),
        created_at_ms INTEGER NOT NULL,
        due_at_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        -- Another callback that must have been tried before this one.
        after INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (state, due_at_ms);
";

/// Why a piece of work has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The merchant's mistake; nothing was changed.
    Refused(Refusal),
    /// The book's.
    Broken(rusqlite::Error),
    /// The commit failed, or the provider is being stopped: nobody knows.
    Lost,
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        Stop::Broken(error)
    }
}

/// Shorthand for a refusal.
pub(crate) fn refused(code: RefusalCode, message: impl Into<String>) -> Stop {
    Stop::Refused(Refusal::new(code, message))
}

/// Whether the group that a piece of work belonged to is in the file.
#[derive(Clone, Copy)]
enum Committed {
    Yes,
    No,
}

type Answer = Box<dyn FnOnce(Committed) + Send>;
type Work = Box<dyn FnOnce(&Connection) -> Answer + Send>;

/// The provider's book. Cheap to clone; the file is closed with the last clone.
#[derive(Clone)]
pub(crate) struct Book {
    queue: mpsc::Sender<Work>,
    signer: Arc<CallbackSigner>,
}

impl Book {
    pub(crate) fn open(location: &BookLocation) -> Result<Book, ProviderError> {
        let connection = match location {
            BookLocation::File(path) => Connection::open(path),
            BookLocation::Memory => Connection::open_in_memory(),
        };
        let connection = connection.map_err(ProviderError::Book)?;
        let seed = prepare(&connection).map_err(ProviderError::Book)?;
        let signer = CallbackSigner::from_seed(&seed).ok_or(ProviderError::Key)?;
        let (queue, queued) = mpsc::channel(MAX_QUEUED);
        std::thread::Builder::new()
            .name("sandbox-book".to_owned())
            .spawn(move || work_off(&connection, queued))
            .map_err(ProviderError::Serve)?;
        Ok(Book {
            queue,
            signer: Arc::new(signer),
        })
    }

    pub(crate) fn signer(&self) -> &CallbackSigner {
        &self.signer
    }

    /// Runs a piece of work on the book and waits until its effects are in the file.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let (sender, answer) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |committed| {
                let result = match committed {
                    Committed::Yes => result,
                    Committed::No => Err(Stop::Lost),
                };
                // Whoever asked may have gone away; the work is done all the same.
                let _ = sender.send(result);
            })
        });
        self.queue.send(work).await.map_err(|_| Stop::Lost)?;
        answer.await.map_err(|_| Stop::Lost)?
    }
}

/// How many payments the book in this file holds; none where there is no book yet. An error while a provider has it open.
pub fn payments_in(path: &std::path::Path) -> Result<u64, ProviderError> {
    if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Ok(0);
    }
    count(path).map_err(ProviderError::Book)
}

fn count(path: &std::path::Path) -> rusqlite::Result<u64> {
    // For writing, because a log that a killed provider left can only be read so.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'transactions'";
    let tables: i64 = connection.query_row(table, [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(0);
    }
    let sql = "SELECT count(*) FROM transactions";
    let payments: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(payments.cast_unsigned())
}

/// Sets the file up and returns the signing seed.
fn prepare(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    // A provider that was killed a moment ago may still be letting go of the file.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
    )?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute_batch(SCHEMA)?;
    // Whatever was on its way or withheld when the last provider ended is due now.
    connection.execute(
        "UPDATE callbacks SET state = 'pending' WHERE state IN ('sending', 'held')",
        [],
    )?;
    meta(connection, "tag", || {
        let number = u32::from_be_bytes(random::<4>()) % 100_000;
        format!("{number:05}").into_bytes()
    })?;
    let seed = meta(connection, "callback_seed", || random::<32>().to_vec())?;
    connection.execute_batch("COMMIT")?;
    Ok(seed)
}

fn meta(
    connection: &Connection,
    name: &str,
    make: impl FnOnce() -> Vec<u8>,
) -> rusqlite::Result<Vec<u8>> {
    let known = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(value) = known {
        return Ok(value);
    }
    let value = make();
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)",
        params![name, value],
    )?;
    Ok(value)
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Stop>,
) -> Result<T, Stop> {
    connection.prepare_cached("SAVEPOINT piece")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection
            .prepare_cached("ROLLBACK TO piece")?
            .execute([])?;
    }
    connection.prepare_cached("RELEASE piece")?.execute([])?;
    result
}

fn work_off(connection: &Connection, mut queued: mpsc::Receiver<Work>) {
    connection.set_prepared_statement_cache_capacity(64);
    while let Some(first) = queued.blocking_recv() {
        let began = connection.execute_batch("BEGIN");
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next {
            answers.push(work(connection));
            next = if answers.len() < MAX_GROUPED {
                queued.try_recv().ok()
            } else {
                None
            };
        }
        let committed = match began.and_then(|()| connection.execute_batch("COMMIT")) {
            Ok(()) => Committed::Yes,
            Err(error) => {
                tracing::error!(%error, "the provider's book cannot commit; the work is undone");
                // Fails only if there is nothing to undo.
                let _ = connection.execute_batch("ROLLBACK");
                Committed::No
            }
        };
        for answer in answers {
            answer(committed);
        }
    }
}
