//! Why operators decided what the journal says they did. Here and not there, for a reason may name persons.

use domain::{Duration, KEY_LIFE, Millis, OperatorId};

use super::{Directory, next_id};
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// A decision of an operator about a member or an agent, with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The record of the journal that has it; of what the journal does not have, where the journal stood then.
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

/// Who decided what was done at the machine's own shell, where nobody signs in.
pub const SHELL: OperatorId = OperatorId(u32::MAX);

/// How long a request that is repeated is known to be the same: as long as the engine knows its key.
const KNOWN_FOR: Duration = KEY_LIFE;

impl Directory {
    /// Notes a decision. The same request again, as a client repeats it, changes nothing; another request is another decision,
    /// also where the journal stands still between the two.
    pub async fn note_decision(
        &self,
        request: &[u8; 32],
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT id FROM decision WHERE request = ? AND what = ? AND subject = ? AND at > ? LIMIT 1";
            let since = decision.at.0.saturating_sub(KNOWN_FOR.0);
            let values = vec![
                request.as_slice().into(),
                decision.what.as_str().into(),
                decision.subject.into(),
                since.into(),
            ];
            if tx.row(sql, values).await?.is_some() {
                return Ok(());
            }
            let next = "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) AS next FROM decision";
            let id = next_id(&mut tx, next).await?;
            let sql = "INSERT INTO decision (id, request, seq, what, subject, at, operator, reason) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let values = vec![
                id.into(),
                request.as_slice().into(),
                decision.seq.into(),
                decision.what.as_str().into(),
                decision.subject.into(),
                decision.at.0.into(),
                decision.operator.0.into(),
                decision.reason.as_str().into(),
            ];
            tx.run(sql, values).await?;
            tx.commit().await
        };
        writing.await.map_err(failed("note a decision"))
    }

    /// Where the journal stood when something was decided last; 0 before anything was.
    pub async fn decided_up_to(&self) -> Result<u64, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) AS seq FROM decision";
            let row = tx.row(sql, Vec::new()).await?;
            row.ok_or(sqlx::Error::RowNotFound)?.u64("seq")
        };
        reading.await.map_err(failed("read the newest decision"))
    }

    /// All decisions, newest first.
    pub async fn decisions(&self, page: Page) -> Result<List<Decision>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT id, seq, what, subject, at, operator, reason FROM decision \
                WHERE id < ? ORDER BY id DESC LIMIT ?";
            let rows = tx
                .rows(sql, vec![page.before().0.into(), page.fetch().into()])
                .await?;
            let mut items = Vec::with_capacity(rows.len());
            for row in &rows {
                let decision = Decision {
                    seq: row.u64("seq")?,
                    at: read::millis(row, "at")?,
                    operator: OperatorId(row.u32("operator")?),
                    what: row.text("what")?,
                    subject: row.u32("subject")?,
                    reason: row.text("reason")?,
                };
                items.push((row.int("id")?, decision));
            }
            let list = List::of(items, page, |(id, _)| Cursor(*id, 0));
            Ok(List {
                items: list.items.into_iter().map(|(_, row)| row).collect(),
                next: list.next,
            })
        };
        reading.await.map_err(failed("list the decisions"))
    }
}
