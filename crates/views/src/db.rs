//! One small layer over sqlx's `any` driver, so that SQLite and PostgreSQL need no second code base.
//!
//! Why statements are written with `?` and turned into `$1` for PostgreSQL: `$n` is quadratic on SQLite in
//! long statements. Only 64-bit integers, text and blobs are used; that is what `any` has on both. Time is
//! milliseconds, money minor units, a truth value 0 or 1.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr,
    Transaction,
};

pub(crate) use crate::value::{Columns, Value, unreadable};

use crate::files::Files;
use crate::value::arguments;

/// Most keys asked for in one statement; a power of two.
const MAX_KEYS: usize = 512;
/// Numbers of rows that are written in one statement, each an eighth of the one before. The values of the largest, of
/// a table of 18 columns, are below SQLite's 32 766 and PostgreSQL's 65 535.
const ROWS_AT_ONCE: [usize; 4] = [512, 64, 8, 1];
/// How much lower than usual the priority of the views' writer is, on the system's scale to 19.
const LOW_PRIORITY: i32 = 10;
/// Readers of one database at a time.
const READERS: u32 = 4;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file; made if it is absent.
    File(PathBuf),
    /// A `postgres://` address.
    Url(String),
}

impl Place {
    /// A `postgres://` address, else a path.
    pub fn new(text: &str) -> Place {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            Place::Url(text.to_owned())
        } else {
            Place::File(PathBuf::from(text))
        }
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Place {
        Place::File(path.to_owned())
    }
}

/// How SQL is spelled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Numbers the placeholders of a statement where the database wants that. No statement of ours has a
    /// `?` inside a literal.
    pub(crate) fn spell(self, sql: Cow<'static, str>) -> SqlStr {
        match (self, sql) {
            (Dialect::Sqlite, Cow::Borrowed(sql)) => sql.into_sql_str(),
            (Dialect::Sqlite, Cow::Owned(sql)) => AssertSqlSafe(sql).into_sql_str(),
            (Dialect::Postgres, sql) => AssertSqlSafe(numbered(&sql)).into_sql_str(),
        }
    }

    /// The statements of a schema script, which is written for SQLite: there a key of one number is the row's place if
    /// its type is INTEGER, and a table lies in the order of its key if it is WITHOUT ROWID.
    pub(crate) fn script(self, script: &'static str) -> Vec<SqlStr> {
        let statements = script
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        statements
            .map(|statement| match self {
                Dialect::Sqlite => statement.into_sql_str(),
                Dialect::Postgres => {
                    let statement = statement
                        .replace(" BLOB", " BYTEA")
                        .replace(
                            " INTEGER NOT NULL PRIMARY KEY",
                            " BIGINT NOT NULL PRIMARY KEY",
                        )
                        .replace(") WITHOUT ROWID", ")");
                    AssertSqlSafe(statement).into_sql_str()
                }
            })
            .collect()
    }
}

/// `a = ? AND b = ?` as `a = $1 AND b = $2`.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len().saturating_add(32));
    let mut next = 1u32;
    for piece in sql.split_inclusive('?') {
        match piece.strip_suffix('?') {
            Some(before) => {
                let _ = write!(out, "{before}${next}");
                next = next.saturating_add(1);
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The one writer of a database that can be rebuilt: a power cut may take its last transactions.
    WriteDisposable,
    /// The one writer of a database that must keep what it acknowledged.
    WriteDurable,
    /// Readers.
    Read,
}

/// A pool of connections of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pool: AnyPool,
    pub(crate) dialect: Dialect,
    files: Option<Arc<Files>>,
}

impl Db {
    pub(crate) async fn open(place: &Place, purpose: Use) -> Result<Db, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let (url, dialect) = match place {
            Place::File(path) => (sqlite_url(path, purpose)?, Dialect::Sqlite),
            Place::Url(url) => (url.clone(), Dialect::Postgres),
        };
        let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
        if dialect == Dialect::Sqlite {
            // A pool tries again until its time is over and then says only that; one connection says what is wrong.
            let mut probe = options.connect().await?;
            set_up(&mut probe, purpose).await?;
            probe.close().await?;
        }
        let connections = match purpose {
            Use::WriteDisposable | Use::WriteDurable => 1,
            Use::Read => READERS,
        };
        let mut pool = AnyPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(None)
            .max_lifetime(None)
            // SQLite's is a thread of this process, and asking it whether it lives costs as much as a small question. It
            // is asked when it comes back.
            .test_before_acquire(dialect != Dialect::Sqlite);
        // After a failed read or write SQLite ends the transaction by itself, and the driver, whose own attempt fails then,
        // takes it for open for ever: what came next would be a savepoint that is never left, so that the connection
        // showed the same old state until the end. Such a connection is closed.
        pool = pool.before_acquire(|connection, _| {
            let fit = !connection.is_in_transaction();
            Box::pin(async move { Ok(fit) })
        });
        if dialect == Dialect::Sqlite {
            pool = pool.after_connect(move |connection, _| {
                Box::pin(async move {
                    for pragma in pragmas(purpose) {
                        sqlx::raw_sql(*pragma).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            });
        }
        let pool = match purpose {
            Use::WriteDisposable => at_low_priority(pool.connect_with(options)).await?,
            Use::WriteDurable | Use::Read => pool.connect_with(options).await?,
        };
        let files = match place {
            Place::File(path) => Some(Arc::new(Files::of(path))),
            Place::Url(_) => None,
        };
        Ok(Db {
            pool,
            dialect,
            files,
        })
    }

    /// Why what is open is no longer what a later start would find; none while it is. What is open may still answer.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        self.files.as_ref().and_then(|files| files.lost())
    }

    /// Whether another file has taken the place of the one that is open.
    pub(crate) fn is_replaced(&self) -> bool {
        self.files.as_ref().is_some_and(|files| files.is_replaced())
    }

    /// A transaction that will write. It waits for its turn at the beginning: SQLite lets one that has read before wait
    /// no more, and fails it if another process writes at that moment.
    pub(crate) async fn write(&self) -> Result<Tx, sqlx::Error> {
        let inner = match self.dialect {
            Dialect::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Dialect::Postgres => self.pool.begin().await?,
        };
        Ok(Tx {
            inner,
            dialect: self.dialect,
        })
    }

    /// A transaction whose reads all see the same state.
    pub(crate) async fn read(&self) -> Result<Tx, sqlx::Error> {
        let inner = match self.dialect {
            Dialect::Sqlite => self.pool.begin().await?,
            Dialect::Postgres => {
                self.pool
                    .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    .await?
            }
        };
        Ok(Tx {
            inner,
            dialect: self.dialect,
        })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Connects on a thread of low priority. The driver gives each SQLite connection a thread of its own, made by the thread
/// that connects and of its priority: so the writer of the views takes the processor only when nobody who answers
/// members wants it.
async fn at_low_priority(
    connecting: impl Future<Output = Result<AnyPool, sqlx::Error>> + Send + 'static,
) -> Result<AnyPool, sqlx::Error> {
    let (runtime, (send, connected)) = (
        tokio::runtime::Handle::current(),
        tokio::sync::oneshot::channel(),
    );
    let connect = move || {
        // Where the system refuses, the priority stays as it is.
        let _ = rustix::process::nice(LOW_PRIORITY);
        let _ = send.send(runtime.block_on(connecting));
    };
    std::thread::Builder::new()
        .name("views-open".to_owned())
        .spawn(connect)?;
    connected.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

async fn set_up(connection: &mut AnyConnection, purpose: Use) -> Result<(), sqlx::Error> {
    for pragma in pragmas(purpose) {
        sqlx::raw_sql(*pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

fn pragmas(purpose: Use) -> &'static [&'static str] {
    match purpose {
        // Pages that change again and again are copied from the log to their place once in 64 MiB of it, not of 4.
        Use::WriteDisposable => &[
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            "PRAGMA wal_autocheckpoint = 16384",
            "PRAGMA journal_size_limit = 134217728",
            "PRAGMA cache_size = -65536",
            "PRAGMA temp_store = MEMORY",
        ],
        Use::WriteDurable => &["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"],
        // The second opens the files, which may be gone when the first question comes.
        Use::Read => &[
            "PRAGMA query_only = ON",
            "SELECT 1 FROM sqlite_master LIMIT 1",
        ],
    }
}

fn sqlite_url(path: &Path, purpose: Use) -> Result<String, sqlx::Error> {
    let path = std::path::absolute(path)?;
    let text = path
        .to_str()
        .ok_or_else(|| sqlx::Error::Configuration("the path of a database must be UTF-8".into()))?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            other => {
                let _ = write!(url, "%{other:02X}");
            }
        }
    }
    // A reader makes no file: it would be an empty one in the place of one that is gone.
    url.push_str(match purpose {
        Use::WriteDisposable | Use::WriteDurable => "?mode=rwc",
        Use::Read => "?mode=rw",
    });
    Ok(url)
}

/// A transaction that knows how its statements are spelled. Dropped without [`Tx::commit`], it leaves nothing.
pub(crate) struct Tx {
    inner: Transaction<'static, Any>,
    dialect: Dialect,
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await
    }

    pub(crate) async fn run(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, sqlx::Error> {
        self.run_text(Cow::Borrowed(sql), values).await
    }

    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let sql = self.dialect.spell(sql.into());
        sqlx::query_with(sql, arguments(values)?)
            .fetch_all(&mut *self.inner)
            .await
    }

    pub(crate) async fn row(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Result<Option<AnyRow>, sqlx::Error> {
        let sql = self.dialect.spell(sql.into());
        sqlx::query_with(sql, arguments(values)?)
            .fetch_optional(&mut *self.inner)
            .await
    }

    pub(crate) async fn script(&mut self, script: &'static str) -> Result<(), sqlx::Error> {
        for statement in self.dialect.script(script) {
            sqlx::raw_sql(statement).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Rows whose key is among `keys`; `select` ends where the list of keys begins: `… WHERE id IN `.
    pub(crate) async fn rows_in(
        &mut self,
        select: &str,
        keys: &[Value],
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut found = Vec::new();
        for keys in keys.chunks(MAX_KEYS) {
            let keys = padded(keys);
            let sql = format!("{select}{}", tuple(keys.len()));
            found.extend(self.rows(sql, keys).await?);
        }
        Ok(found)
    }

    /// As [`Tx::rows_in`], for keys of two columns that lie one after the other in `keys`. `select` names the
    /// table `t` and joins it with the keys `k`: `… FROM k JOIN seat t ON t.group_id = k.k1 AND t.idx = k.k2`.
    ///
    /// Why a join: SQLite looks up `(a, b) IN (VALUES …)` by reading the whole table.
    pub(crate) async fn rows_in_pairs(
        &mut self,
        select: &'static str,
        keys: &[Value],
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut found = Vec::new();
        for keys in keys.chunks(2 * MAX_KEYS) {
            let sql = with_pairs(select, keys.len().div_euclid(2));
            found.extend(self.rows(sql, keys.to_vec()).await?);
        }
        Ok(found)
    }

    /// Runs a statement for all keys; it ends where the list of keys begins: `DELETE … WHERE id IN `.
    pub(crate) async fn run_in(&mut self, sql: &str, keys: &[Value]) -> Result<(), sqlx::Error> {
        for keys in keys.chunks(MAX_KEYS) {
            let keys = padded(keys);
            let sql = format!("{sql}{}", tuple(keys.len()));
            self.run_text(Cow::Owned(sql), keys).await?;
        }
        Ok(())
    }

    /// Writes many rows: `values` holds them one after the other, each as many as the table has columns.
    ///
    /// Why only a few numbers of rows at once: each number is a statement of its own, which is prepared once.
    pub(crate) async fn write_rows(
        &mut self,
        table: &Table,
        values: Vec<Value>,
    ) -> Result<(), sqlx::Error> {
        let width = table.columns.len();
        let mut left = values.len().div_euclid(width);
        let mut values = values.into_iter();
        while 0 < left {
            let rows = rows_at_once(left);
            let sql = table.statement(self.dialect, rows);
            let some = values.by_ref().take(rows.saturating_mul(width));
            self.run_text(Cow::Owned(sql), some).await?;
            left = left.saturating_sub(rows);
        }
        Ok(())
    }

    async fn run_text(
        &mut self,
        sql: Cow<'static, str>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, sqlx::Error> {
        let query = sqlx::query_with(self.dialect.spell(sql), arguments(values)?);
        let done = query.execute(&mut *self.inner).await?;
        Ok(done.rows_affected())
    }
}

/// How many of the rows that are left go into the next statement.
fn rows_at_once(left: usize) -> usize {
    let fitting = ROWS_AT_ONCE.into_iter().find(|rows| *rows <= left);
    fitting.unwrap_or(1)
}

/// The keys, and the last of them again until there is a number of them for which a statement is prepared already.
fn padded(keys: &[Value]) -> Vec<Value> {
    let mut keys = keys.to_vec();
    let wanted = keys.len().next_power_of_two();
    if let Some(last) = keys.last().cloned() {
        keys.resize(wanted, last);
    }
    keys
}

fn tuple(count: usize) -> String {
    format!("({})", vec!["?"; count].join(","))
}

fn with_pairs(select: &str, pairs: usize) -> String {
    format!(
        "WITH k (k1, k2) AS (VALUES {}) {select}",
        vec!["(?,?)"; pairs].join(",")
    )
}

/// How rows of a table are written in bulk.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The key comes first.
    pub(crate) columns: &'static [&'static str],
    pub(crate) write: Write,
}

/// What becomes of a row with the same key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// There is none.
    Insert,
    /// It is replaced, where there is one. The key is the first so many columns.
    Replace { key: usize },
    /// There is one, of which the other columns are set.
    Update { key: usize },
}

impl Table {
    /// Why OR FAIL: SQLite else copies every page that the statement touches, to take back the statement alone if a
    /// later row fails. Here the whole transaction goes then.
    fn statement(&self, dialect: Dialect, rows: usize) -> String {
        let or_fail = match dialect {
            Dialect::Sqlite => " OR FAIL",
            Dialect::Postgres => "",
        };
        let row = tuple(self.columns.len());
        let rows = vec![row.as_str(); rows].join(",");
        let columns = self.columns.join(",");
        let name = self.name;
        match self.write {
            Write::Insert => {
                format!("INSERT{or_fail} INTO {name} ({columns}) VALUES {rows}")
            }
            Write::Replace { key } => {
                let (key, others) = self.columns.split_at(key);
                let set = listed(others, ",", |column| format!("{column}=excluded.{column}"));
                let key = key.join(",");
                format!(
                    "INSERT{or_fail} INTO {name} ({columns}) VALUES {rows} ON CONFLICT ({key}) DO UPDATE SET {set}"
                )
            }
            Write::Update { key } => {
                let (key, others) = self.columns.split_at(key);
                let set = listed(others, ",", |column| format!("{column}=new_.{column}"));
                let same = listed(key, " AND ", |column| {
                    format!("{name}.{column}=new_.{column}")
                });
                format!(
                    "WITH new_ ({columns}) AS (VALUES {rows}) UPDATE{or_fail} {name} SET {set} FROM new_ WHERE {same}"
                )
            }
        }
    }
}

fn listed(columns: &[&str], between: &str, spell: impl Fn(&str) -> String) -> String {
    let spelled: Vec<String> = columns.iter().map(|column| spell(column)).collect();
    spelled.join(between)
}

/// How the database would go about this in new views, with so many parameters: a line for each step.
#[cfg(test)]
pub(crate) async fn steps_of(sql: &str, parameters: usize) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::from(dir.path().join("views.db").as_path());
    let db = Db::open(&place, Use::WriteDisposable).await.unwrap();
    let mut tx = db.write().await.unwrap();
    tx.script(include_str!("../sql/views.sql")).await.unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let plan = tx.rows(sql, vec![Value::NoInt; parameters]).await.unwrap();
    plan.iter().map(|row| row.text("detail").unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_for_postgres_only() {
        let check = |sql: &'static str, postgres: &str| {
            assert_eq!(Dialect::Sqlite.spell(Cow::Borrowed(sql)).as_str(), sql);
            assert_eq!(
                Dialect::Postgres.spell(Cow::Borrowed(sql)).as_str(),
                postgres
            );
        };
        check("SELECT 1", "SELECT 1");
        check("a = ?", "a = $1");
        check("? AND ?", "$1 AND $2");
        check(
            "VALUES (?,?),(?,?) RETURNING x",
            "VALUES ($1,$2),($3,$4) RETURNING x",
        );
    }

    #[test]
    fn tables_are_spelled_otherwise_on_postgres() {
        let script = "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY, b BLOB NOT NULL) WITHOUT ROWID;\n\n\
                      CREATE INDEX c ON a (b);\n";
        let spelled: Vec<String> = Dialect::Postgres
            .script(script)
            .iter()
            .map(|sql| sql.as_str().to_owned())
            .collect();
        assert_eq!(
            spelled,
            [
                "CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY, b BYTEA NOT NULL)",
                "CREATE INDEX c ON a (b)"
            ]
        );
        assert_eq!(
            Dialect::Sqlite.script(script)[0].as_str(),
            "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY, b BLOB NOT NULL) WITHOUT ROWID"
        );
    }

    #[track_caller]
    fn check(columns: &'static [&'static str], write: Write, rows: usize, sqlite: &str) {
        let table = Table {
            name: "t",
            columns,
            write,
        };
        assert_eq!(table.statement(Dialect::Sqlite, rows), sqlite);
        let postgres = sqlite.replace(" OR FAIL", "");
        assert_eq!(table.statement(Dialect::Postgres, rows), postgres);
    }

    #[test]
    fn many_rows_make_one_statement() {
        check(
            &["k"],
            Write::Insert,
            1,
            "INSERT OR FAIL INTO t (k) VALUES (?)",
        );
        check(
            &["k", "v"],
            Write::Replace { key: 1 },
            2,
            "INSERT OR FAIL INTO t (k,v) VALUES (?,?),(?,?) ON CONFLICT (k) DO UPDATE SET v=excluded.v",
        );
        check(
            &["j", "k", "v", "w"],
            Write::Update { key: 2 },
            1,
            "WITH new_ (j,k,v,w) AS (VALUES (?,?,?,?)) UPDATE OR FAIL t SET v=new_.v,w=new_.w FROM new_ \
             WHERE t.j=new_.j AND t.k=new_.k",
        );
    }

    #[test]
    fn few_statements_do_for_any_number_of_rows() {
        for (left, rows) in [
            (1, 1),
            (7, 1),
            (8, 8),
            (511, 64),
            (512, 512),
            (100_000, 512),
        ] {
            assert_eq!(rows_at_once(left), rows, "{left}");
        }
        let keys = |count: usize| vec![Value::NoInt; count];
        for (given, asked) in [(1, 1), (2, 2), (3, 4), (300, 512), (512, 512)] {
            assert_eq!(padded(&keys(given)).len(), asked, "{given}");
        }
        assert!(padded(&[]).is_empty());
    }

    #[test]
    fn places() {
        assert_eq!(
            Place::new("a/views.db"),
            Place::File(PathBuf::from("a/views.db"))
        );
        assert_eq!(
            Place::new("postgres://h/d"),
            Place::Url("postgres://h/d".to_owned())
        );
        let url = sqlite_url(Path::new("/tmp/a b?#%/团.db"), Use::WriteDurable).unwrap();
        assert_eq!(url, "sqlite:///tmp/a%20b%3F%23%25/%E5%9B%A2.db?mode=rwc");
    }

    /// As SQLite itself does after an error of the disk.
    async fn roll_back(mut tx: Tx) {
        tx.rows("ROLLBACK", Vec::new()).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_whose_transaction_was_ended_by_an_error_shows_no_old_state() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::File(dir.path().join("a.db"));
        let writer = Db::open(&place, Use::WriteDurable).await.unwrap();
        // One connection only, so that it is known which is used.
        let reader = Db::open(&place, Use::WriteDurable).await.unwrap();
        let mut tx = writer.write().await.unwrap();
        tx.rows("CREATE TABLE t (x INTEGER)", Vec::new())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let seen = async || {
            let mut tx = reader.read().await.unwrap();
            tx.rows("SELECT x FROM t", Vec::new()).await.unwrap().len()
        };
        roll_back(reader.read().await.unwrap()).await;
        assert_eq!(seen().await, 0);
        roll_back(writer.write().await.unwrap()).await;
        let mut tx = writer.write().await.unwrap();
        tx.rows("INSERT INTO t VALUES (1)", Vec::new())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(seen().await, 1);
    }
}
