//! What was answered to writes of which the journal knows nothing: the same key gives the same answer here, too (rules 2.4).

use domain::{Actor, KEY_LIFE, Millis};

use super::Directory;
use super::notes::columns_of;
use crate::db::{Columns, unreadable};
use crate::error::{StoreError, failed};

/// Most answers forgotten by one write: more than a write adds, so that they do not pile up between two sweeps.
const FORGOTTEN_A_WRITE: u32 = 16;

/// An answer to a request, kept for [`KEY_LIFE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Names what was asked with the key; what it is made of is the caller's.
    pub content: Vec<u8>,
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub body: String,
}

impl Directory {
    /// What was answered to this request, if it was within [`KEY_LIFE`].
    pub async fn kept_answer(
        &self,
        request: &[u8; 32],
        now: Millis,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT content, status, body FROM answered WHERE request = ? AND at > ?";
            let values = vec![request.as_slice().into(), long_ago(now).into()];
            let Some(row) = tx.row(sql, values).await? else {
                return Ok(None);
            };
            let status = u16::try_from(row.u32("status")?);
            Ok(Some(KeptAnswer {
                content: row.blob("content")?,
                status: status.map_err(|error| unreadable("status", error))?,
                body: row.text("body")?,
            }))
        };
        reading.await.map_err(failed("look up an answer"))
    }

    /// Keeps what was answered to somebody, and forgets answers that are too old.
    pub async fn keep_answer(
        &self,
        request: &[u8; 32],
        who: Actor,
        answer: &KeptAnswer,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (kind, subject) = columns_of(Some(who));
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "DELETE FROM answered WHERE request IN \
                (SELECT request FROM answered WHERE at <= ? ORDER BY at LIMIT ?)";
            let values = vec![long_ago(now).into(), FORGOTTEN_A_WRITE.into()];
            tx.run(sql, values).await?;
            let sql = "INSERT INTO answered (request, kind, subject, content, status, body, at) VALUES (?, ?, ?, ?, ?, ?, ?) \
                ON CONFLICT (request) DO UPDATE SET content = excluded.content, status = excluded.status, \
                body = excluded.body, at = excluded.at";
            let values = vec![
                request.as_slice().into(),
                kind.into(),
                subject.into(),
                answer.content.as_slice().into(),
                u32::from(answer.status).into(),
                answer.body.as_str().into(),
                now.0.into(),
            ];
            tx.run(sql, values).await?;
            tx.commit().await
        };
        writing.await.map_err(failed("keep an answer"))
    }
}

/// What was answered then is kept no longer.
pub(super) fn long_ago(now: Millis) -> i64 {
    now.0.saturating_sub(KEY_LIFE.0)
}
