//! What one operator has asked for and a second one decides (rules 11).

use domain::{Millis, OperatorId};
use sqlx::any::AnyRow;

use super::{Directory, next_id};
use crate::db::{Columns, Value};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// Something that waits for a second operator, or has waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its number.
    pub id: u32,
    /// What is asked for, and how.
    pub asked: Asked,
    /// When.
    pub at: Millis,
    /// `open`, `approved` or `declined`.
    pub state: String,
    /// Who decided about it, why and when.
    pub second: Option<Second>,
    /// The record of the journal that did it.
    pub seq: Option<u64>,
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What, in a word.
    pub what: String,
    /// About whom: a member's number, 0 where it is about nobody.
    pub subject: u32,
    /// The request's body, in JSON.
    pub body: String,
    /// Names the request: the same again is the same.
    pub request: [u8; 32],
    /// Who asks.
    pub operator: OperatorId,
    /// Why: at most [`super::MAX_NOTE_BYTES`].
    pub reason: String,
}

/// What a second operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Second {
    /// Who.
    pub operator: OperatorId,
    /// Why: at most [`super::MAX_NOTE_BYTES`].
    pub reason: String,
    /// When.
    pub at: Millis,
}

const APPROVAL: &str = "SELECT id, what, subject, body, request, operator, reason, at, state, second, second_reason, second_at, seq FROM approval";

impl Directory {
    /// How many of the staff have this role.
    pub async fn staff_of(&self, role: &str) -> Result<u32, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS found FROM operator_ WHERE role = ?";
            let row = tx.row(sql, vec![role.into()]).await?;
            row.ok_or(sqlx::Error::RowNotFound)?.u32("found")
        };
        reading.await.map_err(failed("count the operators"))
    }

    /// Notes what is asked for. The same request again gives the same row.
    pub async fn ask_approval(&self, asked: &Asked, now: Millis) -> Result<Approval, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let next = "SELECT CAST(COALESCE(MAX(id), -1) + 1 AS BIGINT) AS next FROM approval";
            let id = next_id(&mut tx, next).await?;
            let sql = "INSERT INTO approval (id, what, subject, body, request, operator, reason, at, state) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open') ON CONFLICT (request) DO NOTHING";
            let values = vec![
                id.into(),
                asked.what.as_str().into(),
                asked.subject.into(),
                asked.body.as_str().into(),
                asked.request.as_slice().into(),
                asked.operator.0.into(),
                asked.reason.as_str().into(),
                now.0.into(),
            ];
            tx.run(sql, values).await?;
            let sql = format!("{APPROVAL} WHERE request = ?");
            let row = tx.row(sql, vec![asked.request.as_slice().into()]).await?;
            let row = approval(&row.ok_or(sqlx::Error::RowNotFound)?)?;
            tx.commit().await?;
            Ok(row)
        };
        writing.await.map_err(failed("note what is asked for"))
    }

    /// What was asked for with this request.
    pub async fn approval_of_request(
        &self,
        request: &[u8; 32],
    ) -> Result<Option<Approval>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{APPROVAL} WHERE request = ?");
            let row = tx.row(sql, vec![request.as_slice().into()]).await?;
            row.as_ref().map(approval).transpose()
        };
        reading.await.map_err(failed("read what was asked for"))
    }

    /// What was asked for under this number.
    pub async fn approval(&self, id: u32) -> Result<Option<Approval>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{APPROVAL} WHERE id = ?");
            let row = tx.row(sql, vec![id.into()]).await?;
            row.as_ref().map(approval).transpose()
        };
        reading.await.map_err(failed("read what was asked for"))
    }

    /// All that was asked for, newest first.
    pub async fn approvals(&self, page: Page) -> Result<List<Approval>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{APPROVAL} WHERE id < ? ORDER BY id DESC LIMIT ?");
            let rows = tx
                .rows(sql, vec![page.before().0.into(), page.fetch().into()])
                .await?;
            let items = rows
                .iter()
                .map(approval)
                .collect::<Result<Vec<_>, sqlx::Error>>()?;
            Ok(List::of(items, page, |row| Cursor(i64::from(row.id), 0)))
        };
        reading.await.map_err(failed("list what was asked for"))
    }

    /// Notes what a second operator says of something open; errs with what stands if it is not open any more.
    pub async fn decide_approval(
        &self,
        id: u32,
        state: &str,
        second: &Second,
    ) -> Result<Option<Approval>, StoreError> {
        let sql = "UPDATE approval SET state = ?, second = ?, second_reason = ?, second_at = ? WHERE id = ? AND state = 'open'";
        let values = vec![
            state.into(),
            second.operator.0.into(),
            second.reason.as_str().into(),
            second.at.0.into(),
            id.into(),
        ];
        self.change_approval(sql, values).await?;
        self.approval(id).await
    }

    /// It was approved, and refused by the rules: it is open as before.
    pub async fn reopen_approval(&self, id: u32) -> Result<(), StoreError> {
        let sql = "UPDATE approval SET state = 'open', second = NULL, second_reason = NULL, second_at = NULL \
            WHERE id = ? AND state = 'approved' AND seq IS NULL";
        self.change_approval(sql, vec![id.into()]).await
    }

    /// It was approved and done.
    pub async fn approval_done(&self, id: u32, seq: u64) -> Result<(), StoreError> {
        let sql = "UPDATE approval SET seq = ? WHERE id = ? AND state = 'approved'";
        self.change_approval(sql, vec![seq.into(), id.into()]).await
    }

    /// Keeps less of a body, once what was decided about needs no more of it.
    pub async fn shorten_approval(&self, id: u32, body: &str) -> Result<(), StoreError> {
        let sql =
            "UPDATE approval SET body = ? WHERE id = ? AND (state = 'declined' OR seq IS NOT NULL)";
        self.change_approval(sql, vec![body.into(), id.into()])
            .await
    }

    async fn change_approval(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        self.write_one(sql, values, "note what became of an approval")
            .await
    }
}

fn approval(row: &AnyRow) -> Result<Approval, sqlx::Error> {
    let second = match row.maybe_u32("second")? {
        Some(operator) => Some(Second {
            operator: OperatorId(operator),
            reason: row.text("second_reason")?,
            at: read::millis(row, "second_at")?,
        }),
        None => None,
    };
    Ok(Approval {
        id: row.u32("id")?,
        asked: Asked {
            what: row.text("what")?,
            subject: row.u32("subject")?,
            body: row.text("body")?,
            request: row.bytes("request")?,
            operator: OperatorId(row.u32("operator")?),
            reason: row.text("reason")?,
        },
        at: read::millis(row, "at")?,
        state: row.text("state")?,
        second,
        seq: row.maybe_u64("seq")?,
    })
}
