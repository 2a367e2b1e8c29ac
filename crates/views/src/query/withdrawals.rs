//! Withdrawals: a member's, the staff's list, and finance's.

use domain::{MemberId, Millis, Money, WithdrawalId};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, Value};
use crate::error::{StoreError, failed};
use crate::names::WithdrawalStatus;
use crate::page::{Cursor, List, Page};
use crate::rows::{At, WithdrawalRow};

const SELECT: &str = "SELECT id, member, amount, fee, account, state, requested_at, approved_at, ended_at \
    FROM withdrawal";

/// Which withdrawals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WithdrawalFilter {
    /// Only this member's.
    pub member: Option<MemberId>,
    /// Only those that stand like this.
    pub state: Option<WithdrawalStatus>,
}

impl Views {
    /// Withdrawals, newest first.
    pub async fn withdrawals(
        &self,
        filter: WithdrawalFilter,
        page: Page,
    ) -> Result<At<List<WithdrawalRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let mut sql = format!("{SELECT} WHERE id < ?");
            let mut values: Vec<Value> = vec![page.before().0.into()];
            if let Some(member) = filter.member {
                sql.push_str(" AND member = ?");
                values.push(member.0.into());
            }
            if let Some(state) = filter.state {
                sql.push_str(" AND state = ?");
                values.push(state.name().into());
            }
            sql.push_str(" ORDER BY id DESC LIMIT ?");
            values.push(page.fetch().into());
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(withdrawal).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &WithdrawalRow| Cursor(i64::try_from(row.id.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list withdrawals"))
    }

    /// One withdrawal.
    pub async fn withdrawal(
        &self,
        id: WithdrawalId,
    ) -> Result<At<Option<WithdrawalRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{SELECT} WHERE id = ?"), vec![id.0.into()])
                .await?;
            Ok(at(seq, row.as_ref().map(withdrawal).transpose()?))
        };
        read.await.map_err(failed("read a withdrawal"))
    }

    /// What is approved and has not ended, less the fees: what the channel is to pay or is paying.
    pub async fn payouts_due(&self) -> Result<At<Money>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT CAST(COALESCE(SUM(amount - fee), 0) AS BIGINT) AS total FROM withdrawal \
                WHERE state IN ('sent', 'waiting')";
            let row = tx.row(sql, Vec::new()).await?;
            Ok(at(
                seq,
                row.map_or(Ok(0), |row| row.int("total")).map(Money)?,
            ))
        };
        read.await.map_err(failed("add up what is to be paid out"))
    }

    /// Those asked for from one moment on and before another, by number, after `after`; at most `limit`.
    pub async fn withdrawals_between(
        &self,
        (from, to): (Millis, Millis),
        after: Option<WithdrawalId>,
        limit: u32,
    ) -> Result<At<Vec<WithdrawalRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let after = after.map_or(-1, |after| i64::try_from(after.0).unwrap_or(i64::MAX));
            let sql = format!(
                "{SELECT} WHERE ? <= requested_at AND requested_at < ? AND ? < id ORDER BY id LIMIT ?"
            );
            let values = vec![from.0.into(), to.0.into(), after.into(), limit.into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(withdrawal).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, items))
        };
        read.await.map_err(failed("list withdrawals of a time"))
    }
}

/// A row of the table.
pub(crate) fn withdrawal(row: &AnyRow) -> Result<WithdrawalRow, sqlx::Error> {
    Ok(WithdrawalRow {
        id: WithdrawalId(row.u64("id")?),
        member: read::member(row, "member")?,
        amount: Money(row.int("amount")?),
        fee: Money(row.int("fee")?),
        account: row.bytes("account")?,
        state: read::word(row, "state")?,
        requested_at: read::millis(row, "requested_at")?,
        approved_at: read::maybe_millis(row, "approved_at")?,
        ended_at: read::maybe_millis(row, "ended_at")?,
    })
}
