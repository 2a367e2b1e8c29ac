//! The one writer of the views: takes records in order and turns their events into rows.
//!
//! Why loading, computing and writing are apart: a batch first loads every row that its events touch, a few
//! statements for all of them, then applies the events in memory without waiting for anything, and then
//! writes all rows back, again in a few statements, with the applied sequence in the same transaction.

mod alliance;
mod ballots;
mod batch;
mod circles;
mod counters;
mod dividends;
mod draws;
mod kept;
mod load;
mod notices;
mod people;
mod purchases;
mod settle;
mod statements;
mod store;
mod tables;
mod treats;
mod wallet;
mod withdrawals;

use std::path::Path;
use std::time::{Duration, Instant};

use domain::{Millis, Record};
use tokio::sync::watch;

use batch::Batch;
pub(crate) use counters::{cash_code, reversal_code};

use crate::db::{Columns, Db, Dialect, Place, Tx, Use, Value};
use crate::error::{ProjectError, StoreError, failed, is_unusable};

/// Raised whenever a table or what stands in it changes. Another version on disk is deleted and made again.
pub(crate) const SCHEMA_VERSION: i64 = 29;
const SCHEMA: &str = include_str!("../../sql/views.sql");
/// Every table of ours, for a database that is no file to delete.
const TABLES: [&str; 40] = [
    "meta",
    "member",
    "campaign",
    "group_",
    "seat",
    "payment",
    "bounced",
    "refund",
    "order_",
    "wallet_line",
    "ledger_line",
    "balance",
    "draw_",
    "draw_file",
    "word",
    "plan",
    "member_rank",
    "member_region",
    "member_frozen",
    "agent",
    "dividend_close",
    "dividend_paid",
    "withdrawal",
    "merchant",
    "merchant_suspended",
    "contract",
    "store",
    "merchant_campaign",
    "merchant_line",
    "purchase",
    "counter_payment",
    "counter_reversed",
    "circle_round",
    "notice",
    "treat_table",
    "treat_cancelled",
    "statement",
    "statement_confirmed",
    "statement_paid",
    "statement_withdrawn",
];
/// How long a transaction may stay open while more records are waiting.
const COMMIT_WITHIN: Duration = Duration::from_millis(500);

/// Of which journal the views are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalId {
    /// Hash of its first batch; none while it is empty.
    pub first_batch: Option<[u8; 32]>,
    /// Its last record; 0 while it is empty.
    pub head_seq: u64,
}

/// The one writer of the views.
pub struct Projector {
    place: Place,
    db: Db,
    applied: u64,
    first_batch: Option<[u8; 32]>,
    mark: Option<(u64, [u8; 32])>,
    progress: watch::Sender<u64>,
    /// Rows as they stand in the tables, or will when the open transaction is committed.
    batch: Batch,
    open: Option<Open>,
}

/// A transaction with records that nobody sees yet.
struct Open {
    tx: Tx,
    began: Instant,
    last: u64,
    at: Millis,
    mark: Option<(u64, [u8; 32])>,
}

/// What the views say of themselves.
struct Meta {
    version: i64,
    applied: u64,
    first_batch: Option<[u8; 32]>,
    mark: Option<(u64, [u8; 32])>,
}

impl Projector {
    /// Opens the views of this journal. Views of another version or another journal, or that know records which
    /// the journal does not have, are deleted first and start empty.
    pub async fn open(place: &Place, journal: &JournalId) -> Result<Projector, StoreError> {
        let opening = async {
            let (db, mut meta) = match look(place).await? {
                (db, Some(meta)) => (db, meta),
                (db, None) => (start(place, db).await?, Meta::NEW),
            };
            let mut db = db;
            if let Some(why) = meta.unfit(journal) {
                tracing::warn!(why, place = ?place, "the views are made again from the journal: {why}");
                db = start(place, db).await?;
                meta = Meta::NEW;
            }
            if meta.first_batch.is_none() && journal.first_batch.is_some() {
                note_first_batch(&db, journal.first_batch).await?;
                meta.first_batch = journal.first_batch;
            }
            let (progress, _) = watch::channel(meta.applied);
            Ok(Projector {
                place: place.clone(),
                db,
                applied: meta.applied,
                first_batch: meta.first_batch,
                mark: meta.mark,
                progress,
                batch: Batch::default(),
                open: None,
            })
        };
        opening.await.map_err(failed("open the views for writing"))
    }

    /// The last record of this journal that the views at `place` have ever held, though the journal may have lost it
    /// since; none where there are no views, or those of another version or another journal. An empty journal may be
    /// what is left of any.
    pub async fn seen(place: &Place, journal: &JournalId) -> Result<Option<u64>, StoreError> {
        if let Place::File(path) = place
            && !path.exists()
        {
            return Ok(None);
        }
        let looking = async {
            let (db, meta) = look(place).await?;
            db.close().await;
            Ok(meta)
        };
        let meta = looking.await.map_err(failed("look at the views"))?;
        let ours = meta.filter(|meta| meta.version == SCHEMA_VERSION && !meta.is_foreign(journal));
        Ok(ours.map(|meta| meta.applied))
    }

    /// The last record that the views hold; 0 if none.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The last place of the journal whose hash the views know: its record and the hash of the batch that ends
    /// there. If the journal has another hash there, [`Projector::rebuild`] is called for.
    pub fn mark(&self) -> Option<(u64, [u8; 32])> {
        self.mark
    }

    /// Tells [`crate::Views`] how far the views have come.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Why the views are lost: somebody has deleted, replaced or cut their files while they were open. None while they
    /// are not. [`Projector::rebuild`] is called for then.
    pub fn lost(&self) -> Option<&'static str> {
        self.db.lost()
    }

    /// The last record that was taken, committed or not.
    pub fn taken(&self) -> u64 {
        self.open.as_ref().map_or(self.applied, |open| open.last)
    }

    /// Throws everything away; the next record is 1. [`crate::Views`] that are open go over to the new tables.
    pub async fn rebuild(&mut self) -> Result<(), StoreError> {
        self.forget();
        let emptying = async {
            let db = start(&self.place, self.db.clone()).await?;
            note_first_batch(&db, self.first_batch).await?;
            Ok(db)
        };
        self.db = emptying.await.map_err(failed("empty the views"))?;
        self.applied = 0;
        self.mark = None;
        self.forget();
        self.progress.send_replace(0);
        Ok(())
    }

    /// Takes records in order, all or none, and commits them. `hash` is that of the journal's batch that ends with
    /// the last of them, where it is known.
    pub async fn apply(
        &mut self,
        records: &[(u64, Record)],
        hash: Option<[u8; 32]>,
    ) -> Result<(), ProjectError> {
        self.take(records, hash).await?;
        Ok(self.commit().await?)
    }

    /// Takes records in order, to be committed by [`Projector::commit`] together with those taken before. So many
    /// records share what a transaction costs: pages that many of them touch are written once. Until then nobody sees
    /// them; after an error all that was taken and not committed is gone, and the next record is that after
    /// [`Projector::applied`].
    pub async fn take(
        &mut self,
        records: &[(u64, Record)],
        hash: Option<[u8; 32]>,
    ) -> Result<(), ProjectError> {
        // Whatever goes wrong, or where this is dropped half-way, all of it is forgotten.
        let (mut batch, open) = (std::mem::take(&mut self.batch), self.open.take());
        let mut open = match open {
            Some(open) => open,
            None => {
                let began = self.begin().await;
                let (open, moved) = began.map_err(failed("begin a batch of the views"))?;
                if moved {
                    batch = Batch::default();
                }
                open
            }
        };
        if let Some((last, at)) = check_order(open.last, records)? {
            load::load(&mut open.tx, records, &mut batch.rows)
                .await
                .map_err(failed("load what a batch of the views touches"))?;
            for (seq, record) in records {
                batch.record(*seq, record)?;
            }
            store::store(&mut open.tx, &mut batch.rows)
                .await
                .map_err(failed("write a batch of the views"))?;
            batch.rows.tidy();
            crash::point("views.projecting");
            (open.last, open.at) = (last, at);
            open.mark = hash.map(|hash| (last, hash)).or(open.mark);
        }
        (self.batch, self.open) = (batch, Some(open));
        Ok(())
    }

    /// Takes the next of the records up to `head`, as whoever follows the journal does; answers whether they are
    /// committed. They share a transaction while more are waiting: then what is read is old already, and a transaction
    /// for each part of it would only make it older. But none stays open for longer than half a second, far below
    /// what a reader waits for his own ([`crate::AT_LEAST_WAIT`]).
    pub async fn take_towards(
        &mut self,
        head: u64,
        records: &[(u64, Record)],
    ) -> Result<bool, ProjectError> {
        self.take(records, None).await?;
        let open = self.open.as_ref();
        let waits =
            open.is_some_and(|open| open.last < head && open.began.elapsed() < COMMIT_WITHIN);
        if !waits {
            self.commit().await?;
        }
        Ok(!waits)
    }

    /// Commits what was taken, with the sequence it goes to.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        if open.last == self.applied {
            return Ok(());
        }
        let Open {
            mut tx,
            last,
            at,
            mark,
            began: _,
        } = open;
        let batch = std::mem::take(&mut self.batch);
        write_meta(&mut tx, last, at, mark)
            .await
            .map_err(failed("write the applied sequence"))?;
        tx.commit()
            .await
            .map_err(failed("commit a batch of the views"))?;
        self.batch = batch;
        self.applied = last;
        self.mark = mark;
        self.progress.send_replace(last);
        Ok(())
    }

    /// Begins a transaction where the tables stand. They stand elsewhere than was thought if the last one was dropped
    /// while it was committed; the answer tells that too.
    async fn begin(&mut self) -> Result<(Open, bool), sqlx::Error> {
        let mut tx = self.db.write().await?;
        let meta = read_meta(&mut tx).await?.ok_or(sqlx::Error::RowNotFound)?;
        let moved = meta.applied != self.applied;
        if moved {
            self.applied = meta.applied;
            self.mark = meta.mark;
            self.progress.send_replace(meta.applied);
        }
        let open = Open {
            tx,
            began: Instant::now(),
            last: self.applied,
            at: Millis(0),
            mark: self.mark,
        };
        Ok((open, moved))
    }

    /// Drops what was taken and not committed, and what is known of the tables.
    fn forget(&mut self) {
        self.batch = Batch::default();
        self.open = None;
    }

    /// Closes the writer.
    pub async fn close(mut self) {
        self.forget();
        self.db.close().await;
    }
}

impl std::fmt::Debug for Projector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Projector")
            .field("place", &self.place)
            .field("applied", &self.applied)
            .finish_non_exhaustive()
    }
}

fn check_order(
    before: u64,
    records: &[(u64, Record)],
) -> Result<Option<(u64, Millis)>, ProjectError> {
    let mut last = None;
    let mut expected = before.saturating_add(1);
    for (seq, record) in records {
        if *seq != expected {
            return Err(ProjectError::WrongSequence {
                expected,
                found: *seq,
            });
        }
        last = Some((*seq, record.at));
        expected = expected.saturating_add(1);
    }
    Ok(last)
}

impl Meta {
    const NEW: Meta = Meta {
        version: SCHEMA_VERSION,
        applied: 0,
        first_batch: None,
        mark: None,
    };

    /// Why these views cannot go on with this journal.
    fn unfit(&self, journal: &JournalId) -> Option<&'static str> {
        if self.version != SCHEMA_VERSION {
            return Some("they are of another version");
        }
        if journal.head_seq < self.applied {
            return Some("they know records that the journal does not have");
        }
        self.is_foreign(journal)
            .then_some("they are of another journal")
    }

    /// Whether these are the views of another journal; they may have been made before the first record was there.
    fn is_foreign(&self, journal: &JournalId) -> bool {
        self.first_batch
            .zip(journal.first_batch)
            .is_some_and(|(ours, theirs)| ours != theirs)
    }
}

/// Opens what is there. No meta row: there are no views yet, or nothing of ours.
async fn look(place: &Place) -> Result<(Db, Option<Meta>), sqlx::Error> {
    let db = match Db::open(place, Use::WriteDisposable).await {
        Err(error) if is_unusable(&error) => {
            tracing::warn!(place = ?place, error = %error, "the views cannot be read and are made again");
            remove(place)?;
            Db::open(place, Use::WriteDisposable).await?
        }
        opened => opened?,
    };
    let mut tx = db.write().await?;
    let meta = match read_meta(&mut tx).await {
        // No meta table, or that of a version that had other columns.
        Err(error) if is_unusable(&error) || matches!(error, sqlx::Error::ColumnNotFound(_)) => {
            None
        }
        read => read?,
    };
    drop(tx);
    Ok((db, meta))
}

async fn read_meta(tx: &mut Tx) -> Result<Option<Meta>, sqlx::Error> {
    let Some(row) = tx
        .row("SELECT * FROM meta WHERE id = 0", Vec::new())
        .await?
    else {
        return Ok(None);
    };
    Ok(Some(Meta {
        version: row.int("schema_version")?,
        applied: row.u64("applied_seq")?,
        first_batch: row.maybe_bytes("first_batch")?,
        mark: row
            .maybe_u64("mark_seq")?
            .zip(row.maybe_bytes("mark_hash")?),
    }))
}

async fn note_first_batch(db: &Db, hash: Option<[u8; 32]>) -> Result<(), sqlx::Error> {
    let mut tx = db.write().await?;
    let hash = hash.as_ref().map(<[u8; 32]>::as_slice);
    tx.run("UPDATE meta SET first_batch = ?", vec![hash.into()])
        .await?;
    tx.commit().await
}

/// Deletes what is there and makes empty tables.
async fn start(place: &Place, old: Db) -> Result<Db, sqlx::Error> {
    let db = match old.dialect {
        Dialect::Sqlite => {
            old.close().await;
            remove(place)?;
            Db::open(place, Use::WriteDisposable).await?
        }
        Dialect::Postgres => old,
    };
    let mut tx = db.write().await?;
    if db.dialect == Dialect::Postgres {
        for table in TABLES {
            tx.rows(format!("DROP TABLE IF EXISTS {table}"), Vec::new())
                .await?;
        }
    }
    tx.script(SCHEMA).await?;
    let words = crate::code::words();
    let words = words
        .into_iter()
        .flat_map(|(kind, code, word)| [kind.into(), code.into(), word.into()]);
    tx.write_rows(&tables::WORD, words.collect()).await?;
    tx.run(
        "INSERT INTO meta (id, schema_version, applied_seq, applied_at) VALUES (0, ?, 0, 0)",
        vec![SCHEMA_VERSION.into()],
    )
    .await?;
    tx.commit().await?;
    Ok(db)
}

fn remove(place: &Place) -> Result<(), std::io::Error> {
    let Place::File(path) = place else {
        return Ok(());
    };
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(Path::new(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

async fn write_meta(
    tx: &mut Tx,
    applied: u64,
    at: Millis,
    mark: Option<(u64, [u8; 32])>,
) -> Result<(), sqlx::Error> {
    let hash: Value = mark.as_ref().map(|(_, hash)| hash.as_slice()).into();
    let values = vec![
        applied.into(),
        at.0.into(),
        mark.map(|(seq, _)| seq).into(),
        hash,
    ];
    tx.run(
        "UPDATE meta SET applied_seq = ?, applied_at = ?, mark_seq = ?, mark_hash = ?",
        values,
    )
    .await
    .map(|_| ())
}
