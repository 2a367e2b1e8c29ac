//! Why operators decided what the journal says they did. Here and not there, for a reason may name persons.

use domain::{Millis, OperatorId};

use super::Directory;
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// A decision of an operator about a member or an agent, with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The record of the journal that has it.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// Whose.
    pub operator: OperatorId,
    /// What was decided, in a word.
    pub what: String,
    /// About whom: a member's number, or a region's code.
    pub subject: u32,
    /// Why: at most [`super::MAX_NOTE_BYTES`].
    pub reason: String,
}

impl Directory {
    /// Notes a decision. The same again, as a client repeats it, changes nothing.
    pub async fn note_decision(&self, decision: &Decision) -> Result<(), StoreError> {
        let sql = "INSERT INTO decision (seq, what, subject, at, operator, reason) VALUES (?, ?, ?, ?, ?, ?) \
            ON CONFLICT (seq, what, subject) DO NOTHING";
        let values = vec![
            decision.seq.into(),
            decision.what.as_str().into(),
            decision.subject.into(),
            decision.at.0.into(),
            decision.operator.0.into(),
            decision.reason.as_str().into(),
        ];
        self.write_one(sql, values, "note a decision").await
    }

    /// Whether the same was decided before, by the same operator and for the same reason.
    pub async fn was_decided(&self, decision: &Decision) -> Result<bool, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT seq FROM decision WHERE what = ? AND subject = ? AND operator = ? AND reason = ? LIMIT 1";
            let values = vec![
                decision.what.as_str().into(),
                decision.subject.into(),
                decision.operator.0.into(),
                decision.reason.as_str().into(),
            ];
            Ok(tx.row(sql, values).await?.is_some())
        };
        reading.await.map_err(failed("look up a decision"))
    }

    /// All decisions, newest first.
    pub async fn decisions(&self, page: Page) -> Result<List<Decision>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT seq, what, subject, at, operator, reason FROM decision \
                WHERE seq < ? OR (seq = ? AND subject < ?) ORDER BY seq DESC, subject DESC LIMIT ?";
            let before = page.before();
            let values = vec![
                before.0.into(),
                before.0.into(),
                before.1.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let mut items = Vec::with_capacity(rows.len());
            for row in &rows {
                items.push(Decision {
                    seq: row.u64("seq")?,
                    at: read::millis(row, "at")?,
                    operator: OperatorId(row.u32("operator")?),
                    what: row.text("what")?,
                    subject: row.u32("subject")?,
                    reason: row.text("reason")?,
                });
            }
            let place = |row: &Decision| {
                let seq = i64::try_from(row.seq).unwrap_or(i64::MAX);
                Cursor(seq, i64::from(row.subject))
            };
            Ok(List::of(items, page, place))
        };
        reading.await.map_err(failed("list the decisions"))
    }
}
