//! The directory: people, sign-in, operators, gateways, and notes that are no money.
//!
//! Why apart from the views: this can be made from nothing else, so it is migrated and synced like a journal,
//! and a person's row can be deleted, which the journal's records never are. Nothing in here is needed to
//! replay: the journal knows members by number only.
//!
//! Secrets come in as hashes, and random bytes from the caller, so that this crate has no random source.

mod access;
mod answers;
mod approvals;
mod codes;
mod decisions;
mod deliveries;
mod departed;
mod merchants;
mod notes;
mod notices;
mod payouts;
mod people;
mod products;

use domain::Millis;

use crate::db::{Columns, Db, Place, Tx, Use, Value};
use crate::error::{StoreError, failed};

pub use access::{
    CODE_ATTEMPTS, CODE_LIFE, CodeCheck, GatewayRow, OperatorRow, Session, SessionOf,
};
pub use answers::KeptAnswer;
pub use approvals::{Approval, Asked, Second};
pub use decisions::{Decision, SHELL};
pub use deliveries::{Delivery, Parcel};
pub use departed::Departed;
pub use merchants::{Application, Draft, REMOVED_ROLE, Scope, StaffRow, StoreName};
pub use notes::{DemoMessage, MAX_NOTE_BYTES, RefusalFilter, RefusalNote, Shipping};
pub use notices::{BadToldUpTo, ConnectorRow, NoticeKinds, ReadUpTo, ToldUpTo};
pub use payouts::PayoutAccount;
pub use people::{NewPerson, Person, Served, invite_code, masked_phone};
pub use products::{
    Category, MAX_CATEGORIES, MAX_PICTURE_BYTES, MAX_PICTURES, MAX_PRODUCT_PICTURES, PictureKind,
    ProductRow,
};

/// What changes the schema, oldest first. Never edit one that was released: add another.
const MIGRATIONS: [&str; 14] = [
    include_str!("../../sql/directory/0001.sql"),
    include_str!("../../sql/directory/0002.sql"),
    include_str!("../../sql/directory/0003.sql"),
    include_str!("../../sql/directory/0004.sql"),
    include_str!("../../sql/directory/0005.sql"),
    include_str!("../../sql/directory/0006.sql"),
    include_str!("../../sql/directory/0007.sql"),
    include_str!("../../sql/directory/0008.sql"),
    include_str!("../../sql/directory/0009.sql"),
    include_str!("../../sql/directory/0010.sql"),
    include_str!("../../sql/directory/0011.sql"),
    include_str!("../../sql/directory/0012.sql"),
    include_str!("../../sql/directory/0013.sql"),
    include_str!("../../sql/directory/0014.sql"),
];

/// Why the directory did not do something.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A later version of this program has written it.
    #[error(
        "the directory has schema {found}, this program knows up to {known}: use a newer program"
    )]
    Newer {
        /// In the file.
        found: u64,
        /// Here.
        known: u64,
    },
    /// The random invite code is somebody's: try another.
    #[error("this invite code is taken")]
    InviteCodeTaken,
    /// An operator or gateway of this name exists.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// No row has this token, or it belongs to another member.
    #[error("no row of the directory has this token, or it is another member's")]
    UnknownToken,
}

/// People and what belongs to them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory {
    writer: Db,
    readers: Db,
}

impl Directory {
    /// Runs one statement in a transaction of its own; `what` says what was tried if it fails.
    async fn write_one(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        what: &'static str,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            tx.run(sql, values).await?;
            tx.commit().await
        };
        writing.await.map_err(failed(what))
    }

    /// Opens the directory and brings its schema up to date; `now` is noted beside each migration.
    pub async fn open(place: &Place, now: Millis) -> Result<Directory, DirectoryError> {
        let opening = failed("open the directory");
        let writer = Db::open(place, Use::WriteDurable).await.map_err(opening)?;
        let mut tx = writer.write().await.map_err(failed("open the directory"))?;
        let found = version(&mut tx)
            .await
            .map_err(failed("read the directory's version"))?;
        let known = u64::try_from(MIGRATIONS.len()).unwrap_or(u64::MAX);
        if known < found {
            return Err(DirectoryError::Newer { found, known });
        }
        migrate(&mut tx, found, now)
            .await
            .map_err(failed("migrate the directory"))?;
        tx.commit().await.map_err(failed("migrate the directory"))?;
        let readers = Db::open(place, Use::Read)
            .await
            .map_err(failed("open the directory for reading"))?;
        Ok(Directory { writer, readers })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// How many migrations the database has seen.
async fn version(tx: &mut Tx) -> Result<u64, sqlx::Error> {
    tx.script("CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)")
        .await?;
    let row = tx.row(
        "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) AS version FROM migration",
        Vec::new(),
    );
    row.await?.ok_or(sqlx::Error::RowNotFound)?.u64("version")
}

async fn migrate(tx: &mut Tx, found: u64, now: Millis) -> Result<(), sqlx::Error> {
    for (version, script) in (1u64..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| found < *version)
    {
        tx.script(script).await?;
        tx.run(
            "INSERT INTO migration (version, at) VALUES (?, ?)",
            vec![version.into(), now.0.into()],
        )
        .await?;
        tracing::info!(version, "the directory has schema {version} now");
    }
    Ok(())
}

/// The next number of a small table that only ever grows; safe because there is one writer.
async fn next_id(tx: &mut Tx, sql: &'static str) -> Result<i64, sqlx::Error> {
    let row = tx
        .row(sql, Vec::new())
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    row.int("next")
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
