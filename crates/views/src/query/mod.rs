//! Reading the views. Every answer says at which sequence it stands, read in the transaction of its rows.

pub(crate) mod alliance;
mod books;
mod circles;
pub(crate) mod counters;
pub(crate) mod dividends;
mod draws;
mod earned;
mod groups;
mod members;
mod money;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod purchases;
pub(crate) mod read;
pub(crate) mod statements;
mod taxes;
pub(crate) mod treats;
pub(crate) mod withdrawals;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, watch};

use crate::db::{Columns, Db, Place, Tx, Use};
use crate::error::{Behind, StoreError, failed};
use crate::rows::At;

pub use books::LedgerFilter;
pub use groups::{GroupFilter, UnpaidSeat};
pub use taxes::TaxRow;
pub use withdrawals::WithdrawalFilter;

/// How long a read waits for the views to reach a sequence before it gives up.
pub const AT_LEAST_WAIT: Duration = Duration::from_secs(2);

/// The queries. Cheap to clone; all clones share a pool of readers.
#[derive(Clone, Debug)]
pub struct Views {
    place: Place,
    db: Arc<RwLock<Db>>,
    applied: watch::Receiver<u64>,
}

impl Views {
    /// Readers of the views at `place`, which a [`crate::Projector`] has opened and whose progress `applied`
    /// tells ([`crate::Projector::progress`]).
    pub async fn open(place: &Place, applied: watch::Receiver<u64>) -> Result<Views, StoreError> {
        let db = Db::open(place, Use::Read)
            .await
            .map_err(failed("open the views for reading"))?;
        Ok(Views {
            place: place.clone(),
            db: Arc::new(RwLock::new(db)),
            applied,
        })
    }

    /// The last record that the views hold.
    pub fn applied(&self) -> u64 {
        *self.applied.borrow()
    }

    /// Waits until the views hold record `seq`; answers where they stand then.
    pub async fn at_least(&self, seq: u64, wait: Duration) -> Result<u64, Behind> {
        let mut applied = self.applied.clone();
        let reached = tokio::time::timeout(wait, applied.wait_for(|applied| seq <= *applied)).await;
        match reached {
            Ok(Ok(applied)) => Ok(*applied),
            // The projector is gone or the time is over.
            Ok(Err(_)) | Err(_) => Err(Behind {
                wanted: seq,
                applied: self.applied(),
                waited: wait,
            }),
        }
    }

    /// Closes the readers.
    pub async fn close(&self) {
        self.db.read().await.close().await;
    }

    /// A transaction for reading and the sequence it stands at.
    pub(crate) async fn snapshot(&self) -> Result<(Tx, u64), sqlx::Error> {
        let db = self.db.read().await.clone();
        if db.is_replaced()
            && let Some(found) = self.reopened().await
        {
            return Ok(found);
        }
        begin(&db).await
    }

    /// Goes over to the file that has taken the place of the one that was open, once there are views in it. Until then
    /// the one that is gone answers.
    async fn reopened(&self) -> Option<(Tx, u64)> {
        let mut db = self.db.write().await;
        if db.is_replaced() {
            let new = Db::open(&self.place, Use::Read).await.ok()?;
            let found = begin(&new).await.ok()?;
            *db = new;
            return Some(found);
        }
        begin(&db).await.ok()
    }
}

async fn begin(db: &Db) -> Result<(Tx, u64), sqlx::Error> {
    let mut tx = db.read().await?;
    let meta = tx
        .row("SELECT applied_seq FROM meta WHERE id = 0", Vec::new())
        .await?;
    let seq = match meta {
        Some(row) => row.u64("applied_seq")?,
        None => 0,
    };
    Ok((tx, seq))
}

/// Pairs an answer with its sequence.
fn at<T>(seq: u64, value: T) -> At<T> {
    At { seq, value }
}
