//! Withdrawals that have not ended, and how many there ever were.

use domain::{WithdrawalState, World};

use super::{Done, Found};
use crate::db::{Columns, Tx};
use crate::names::WithdrawalStatus;
use crate::query::withdrawals::withdrawal;

pub(super) async fn compare(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS withdrawals FROM withdrawal";
    let row = tx.row(sql, Vec::new()).await?;
    let count = row.ok_or(sqlx::Error::RowNotFound)?.u64("withdrawals")?;
    found.check(|| "withdrawals".to_owned(), count, world.withdrawals());
    let sql = "SELECT id, member, amount, fee, account, state, requested_at, approved_at, ended_at \
        FROM withdrawal WHERE state IN ('requested', 'sent', 'waiting') ORDER BY id";
    let mut views = Vec::new();
    for row in &tx.rows(sql, Vec::new()).await? {
        let row = withdrawal(row)?;
        let what = (row.member, row.amount, row.fee, row.account);
        views.push((row.id, what, row.state, row.requested_at));
    }
    let open = world.open_withdrawals().map(|(id, known)| {
        let state = match known.state {
            WithdrawalState::Requested => WithdrawalStatus::Requested,
            WithdrawalState::Sent => WithdrawalStatus::Sent,
            WithdrawalState::Waiting => WithdrawalStatus::Waiting,
        };
        let what = (known.member, known.amount, known.fee, known.account);
        (id, what, state, known.requested_at)
    });
    found.check(|| "open withdrawals".to_owned(), views, open.collect());
    Ok(())
}
