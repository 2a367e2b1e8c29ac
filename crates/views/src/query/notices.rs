//! Members' inboxes.

use domain::{Coins, GroupId, MemberId, Money};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, NoticeRow};

/// Unread notices are counted up to this: whoever has more has many.
pub const MOST_UNREAD: u32 = 100;

impl Views {
    /// What a member was told, newest first.
    pub async fn notices(
        &self,
        member: MemberId,
        page: Page,
    ) -> Result<At<List<NoticeRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT * FROM notice WHERE member = ? AND (seq, event_no) < (?, ?) \
                ORDER BY seq DESC, event_no DESC LIMIT ?";
            let before = page.before();
            let values = vec![
                member.0.into(),
                before.0.into(),
                before.1.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(notice).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &NoticeRow| {
                let seq = i64::try_from(row.seq).unwrap_or(i64::MAX);
                Cursor(seq, i64::from(row.event_no))
            };
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list a member's notices"))
    }

    /// What members were told after that place, in the order of records, events and members; at most `limit`.
    pub async fn told_after(
        &self,
        (seq, event_no, member): (u64, u32, u32),
        limit: u32,
    ) -> Result<Vec<NoticeRow>, StoreError> {
        let read = async {
            let (mut tx, _) = self.snapshot().await?;
            let sql = "SELECT * FROM notice WHERE (seq, event_no, member) > (?, ?, ?) \
                ORDER BY seq, event_no, member LIMIT ?";
            let values = vec![seq.into(), event_no.into(), member.into(), limit.into()];
            let rows = tx.rows(sql, values).await?;
            rows.iter().map(notice).collect::<Result<Vec<_>, _>>()
        };
        read.await.map_err(failed("list what members were told"))
    }

    /// How many notices a member has from records after this one, counted up to [`MOST_UNREAD`].
    pub async fn notices_after(&self, member: MemberId, seq: u64) -> Result<At<u32>, StoreError> {
        let read = async {
            let (mut tx, applied) = self.snapshot().await?;
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS unread FROM \
                (SELECT 1 FROM notice WHERE member = ? AND ? < seq LIMIT ?) AS some";
            let values = vec![member.0.into(), seq.into(), MOST_UNREAD.into()];
            let row = tx.row(sql, values).await?;
            Ok(at(applied, row.map_or(Ok(0), |row| row.u32("unread"))?))
        };
        read.await.map_err(failed("count a member's notices"))
    }
}

fn notice(row: &AnyRow) -> Result<NoticeRow, sqlx::Error> {
    Ok(NoticeRow {
        seq: row.u64("seq")?,
        event_no: row.u32("event_no")?,
        member: read::member(row, "member")?,
        at: read::millis(row, "at")?,
        kind: read::code(row, "kind")?,
        group: row.maybe_u64("group_id")?.map(GroupId),
        number: row.maybe_u64("number")?,
        amount: Money(row.int("amount")?),
        extra: Money(row.int("extra")?),
        tax: Money(row.int("tax")?),
        coins: Coins(row.int("coins")?),
        won: row.u32("won")?,
        lost: row.u32("lost")?,
        why: read::maybe_word(row, "why")?,
    })
}
