//! One small layer over sqlx's `any` driver, so that SQLite and PostgreSQL need no second code base.
//!
//! Why statements are written with `?` and turned into `$1` for PostgreSQL: `$n` is quadratic on SQLite in
//! long statements. Only 64-bit integers, text and blobs are used; that is what `any` has on both. Time is
//! milliseconds, money minor units, a truth value 0 or 1.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr,
    Transaction,
};

pub(crate) use crate::value::{Columns, Value, unreadable};

use crate::value::arguments;

/// Most values bound in one statement: below SQLite's 32 766 and PostgreSQL's 65 535.
const MAX_VALUES: usize = 30_000;
/// Most rows written or keys asked for in one statement.
const MAX_ROWS: usize = 1_000;
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

    /// The statements of a schema script, with this database's name for bytes.
    pub(crate) fn script(self, script: &'static str) -> Vec<SqlStr> {
        let statements = script
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        statements
            .map(|statement| match self {
                Dialect::Sqlite => statement.into_sql_str(),
                Dialect::Postgres => {
                    AssertSqlSafe(statement.replace(" BLOB", " BYTEA")).into_sql_str()
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
}

impl Db {
    pub(crate) async fn open(place: &Place, purpose: Use) -> Result<Db, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let (url, dialect) = match place {
            Place::File(path) => (sqlite_url(path)?, Dialect::Sqlite),
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
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(None)
            .max_lifetime(None);
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
        Ok(Db {
            pool: pool.connect_with(options).await?,
            dialect,
        })
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

async fn set_up(connection: &mut AnyConnection, purpose: Use) -> Result<(), sqlx::Error> {
    for pragma in pragmas(purpose) {
        sqlx::raw_sql(*pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

fn pragmas(purpose: Use) -> &'static [&'static str] {
    match purpose {
        Use::WriteDisposable => &["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"],
        Use::WriteDurable => &["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"],
        Use::Read => &["PRAGMA query_only = ON"],
    }
}

fn sqlite_url(path: &Path) -> Result<String, sqlx::Error> {
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
    url.push_str("?mode=rwc");
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
        self.run_text(Cow::Borrowed(sql), values, Reuse::Kept).await
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
        select: &'static str,
        keys: &[Value],
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut found = Vec::new();
        for chunk in keys.chunks(MAX_ROWS) {
            let sql = format!("{select}{}", tuple(chunk.len()));
            found.extend(self.rows(sql, chunk.to_vec()).await?);
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
        for chunk in keys.chunks(2 * MAX_ROWS) {
            let sql = with_pairs(select, chunk.len().div_euclid(2));
            found.extend(self.rows(sql, chunk.to_vec()).await?);
        }
        Ok(found)
    }

    /// Runs a statement for all keys; it ends where the list of keys begins: `DELETE … WHERE id IN `.
    pub(crate) async fn run_in(
        &mut self,
        sql: &'static str,
        keys: &[Value],
    ) -> Result<(), sqlx::Error> {
        for chunk in keys.chunks(MAX_ROWS) {
            let sql = format!("{sql}{}", tuple(chunk.len()));
            self.run_text(Cow::Owned(sql), chunk.to_vec(), Reuse::Once)
                .await?;
        }
        Ok(())
    }

    /// Writes many rows: `values` holds them one after the other, each as many as the table has columns.
    pub(crate) async fn write_rows(
        &mut self,
        table: &Table,
        values: Vec<Value>,
    ) -> Result<(), sqlx::Error> {
        let width = table.columns.len();
        let rows_each = MAX_ROWS.min(MAX_VALUES.div_euclid(width));
        let full = rows_each.saturating_mul(width);
        let mut rest = values;
        while !rest.is_empty() {
            let later = if full < rest.len() {
                rest.split_off(full)
            } else {
                Vec::new()
            };
            let reuse = if rest.len() == full {
                Reuse::Kept
            } else {
                Reuse::Once
            };
            let sql = table.insert(rest.len().div_euclid(width));
            self.run_text(Cow::Owned(sql), rest, reuse).await?;
            rest = later;
        }
        Ok(())
    }

    async fn run_text(
        &mut self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
        reuse: Reuse,
    ) -> Result<u64, sqlx::Error> {
        let query = sqlx::query_with(self.dialect.spell(sql), arguments(values)?);
        let done = query
            .persistent(reuse == Reuse::Kept)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected())
    }
}

/// Whether a prepared statement is worth keeping.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Kept,
    Once,
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

/// A table that rows are written to in bulk.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The key comes first.
    pub(crate) columns: &'static [&'static str],
    /// How many of the columns are the key that an existing row is replaced by; 0 if rows are only ever new.
    pub(crate) replaces_by: usize,
}

impl Table {
    fn insert(&self, rows: usize) -> String {
        let columns = self.columns.join(",");
        let row = tuple(self.columns.len());
        let rows = vec![row.as_str(); rows].join(",");
        let mut sql = format!("INSERT INTO {} ({columns}) VALUES {rows}", self.name);
        if 0 < self.replaces_by {
            let (key, others) = self.columns.split_at(self.replaces_by);
            let set: Vec<String> = others
                .iter()
                .map(|name| format!("{name}=excluded.{name}"))
                .collect();
            let _ = write!(
                sql,
                " ON CONFLICT ({}) DO UPDATE SET {}",
                key.join(","),
                set.join(",")
            );
        }
        sql
    }
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
    fn bytes_have_another_name_on_postgres() {
        let script = "CREATE TABLE a (b BLOB NOT NULL);\n\nCREATE INDEX c ON a (b);\n";
        let spelled: Vec<String> = Dialect::Postgres
            .script(script)
            .iter()
            .map(|sql| sql.as_str().to_owned())
            .collect();
        assert_eq!(
            spelled,
            [
                "CREATE TABLE a (b BYTEA NOT NULL)",
                "CREATE INDEX c ON a (b)"
            ]
        );
        assert_eq!(
            Dialect::Sqlite.script(script)[0].as_str(),
            "CREATE TABLE a (b BLOB NOT NULL)"
        );
    }

    #[test]
    fn many_rows_make_one_statement() {
        let table = Table {
            name: "t",
            columns: &["k", "v"],
            replaces_by: 1,
        };
        assert_eq!(
            table.insert(2),
            "INSERT INTO t (k,v) VALUES (?,?),(?,?) ON CONFLICT (k) DO UPDATE SET v=excluded.v"
        );
        let table = Table {
            name: "t",
            columns: &["k"],
            replaces_by: 0,
        };
        assert_eq!(table.insert(1), "INSERT INTO t (k) VALUES (?)");
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
        let url = sqlite_url(Path::new("/tmp/a b?#%/团.db")).unwrap();
        assert_eq!(url, "sqlite:///tmp/a%20b%3F%23%25/%E5%9B%A2.db?mode=rwc");
    }
}
