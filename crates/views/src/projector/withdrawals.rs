//! Withdrawals. What one says of a row later than its first is written by itself, so no row has to be read.

use std::collections::BTreeMap;

use domain::{Account, MemberId, Millis, Money, PayoutFailure, WithdrawalId};

use super::batch::{Batch, Done};
use super::tables::{changed, new_rows};
use super::wallet::WhyLine;
use crate::db::{Table, Tx, Value};
use crate::names::{WhyKind, WithdrawalStatus};

const NEW: Table = new_rows(
    "withdrawal",
    &[
        "id",
        "member",
        "amount",
        "fee",
        "account",
        "state",
        "requested_at",
    ],
);
const APPROVED: Table = changed("withdrawal", &["id", "approved_at"], 1);
const MOVED: Table = changed("withdrawal", &["id", "state"], 1);
const ENDED: Table = changed("withdrawal", &["id", "ended_at"], 1);

/// What a batch changes of them.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    new: Vec<Value>,
    approved: BTreeMap<WithdrawalId, Millis>,
    moved: BTreeMap<WithdrawalId, WithdrawalStatus>,
    ended: BTreeMap<WithdrawalId, Millis>,
}

impl Batch {
    pub(super) fn withdrawal_asked(
        &mut self,
        id: WithdrawalId,
        member: MemberId,
        (amount, fee): (Money, Money),
        account: &[u8; 16],
    ) -> Done {
        let row = [
            Value::from(id.0),
            Value::from(member.0),
            Value::from(amount.0),
            Value::from(fee.0),
            Value::from(account.as_slice()),
            Value::from(WithdrawalStatus::Requested.name()),
            Value::from(self.at.0),
        ];
        self.rows.withdrawals.new.extend(row);
        let why = WhyLine::of(WhyKind::Withdrawn);
        self.wallet(Account::Available(member), amount.0.saturating_neg(), why);
        Ok(())
    }

    pub(super) fn withdrawal_approved(&mut self, id: WithdrawalId) -> Done {
        self.rows.withdrawals.approved.insert(id, self.at);
        self.rows
            .withdrawals
            .moved
            .insert(id, WithdrawalStatus::Sent);
        Ok(())
    }

    pub(super) fn withdrawal_waits(&mut self, id: WithdrawalId) -> Done {
        let moved = &mut self.rows.withdrawals.moved;
        moved.insert(id, WithdrawalStatus::Waiting);
        Ok(())
    }

    pub(super) fn withdrawal_ends(&mut self, id: WithdrawalId, state: WithdrawalStatus) -> Done {
        self.rows.withdrawals.moved.insert(id, state);
        self.rows.withdrawals.ended.insert(id, self.at);
        Ok(())
    }

    pub(super) fn withdrawal_rejected(
        &mut self,
        id: WithdrawalId,
        member: MemberId,
        amount: Money,
    ) -> Done {
        let why = WhyLine::of(WhyKind::WithdrawalRejected);
        self.wallet(Account::Available(member), amount.0, why);
        self.withdrawal_ends(id, WithdrawalStatus::Rejected)
    }

    pub(super) fn withdrawal_failed(
        &mut self,
        id: WithdrawalId,
        (member, amount): (MemberId, Money),
        why: PayoutFailure,
    ) -> Done {
        let line = WhyLine::of(WhyKind::WithdrawalFailed);
        self.wallet(Account::Available(member), amount.0, line);
        let state = match why {
            PayoutFailure::Failed => WithdrawalStatus::Failed,
            PayoutFailure::Expired => WithdrawalStatus::Expired,
        };
        self.withdrawal_ends(id, state)
    }
}

/// Writes what has changed, and forgets it.
pub(super) async fn store(tx: &mut Tx, rows: &mut Withdrawals) -> Result<(), sqlx::Error> {
    let rows = std::mem::take(rows);
    tx.write_rows(&NEW, rows.new).await?;
    let approved = rows.approved.into_iter();
    let approved = approved.flat_map(|(id, at)| -> [Value; 2] { [id.0.into(), at.0.into()] });
    tx.write_rows(&APPROVED, approved.collect()).await?;
    let moved = rows.moved.into_iter();
    let moved = moved.flat_map(|(id, to)| -> [Value; 2] { [id.0.into(), to.name().into()] });
    tx.write_rows(&MOVED, moved.collect()).await?;
    let ended = rows.ended.into_iter();
    let ended = ended.flat_map(|(id, at)| -> [Value; 2] { [id.0.into(), at.0.into()] });
    tx.write_rows(&ENDED, ended.collect()).await
}
