//! What members are told of events: a row for each, which stands in its member's inbox.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Event, MemberId, Money, Notice, NoticeTo, PurchaseId, RechargeEvent, ShopEvent, WithdrawalId,
};

use super::batch::{Batch, Done};
use super::tables::new_rows;
use crate::code::Code;
use crate::db::{Columns, Table, Tx, Value};
use crate::names::{RefundReason, Word};
use crate::query::read;

const NOTICE: Table = new_rows(
    "notice",
    &[
        "member", "seq", "event_no", "at", "kind", "group_id", "number", "amount", "extra", "tax",
        "coins", "won", "lost", "why",
    ],
);

/// New rows, and whose the withdrawals and purchases are that events name without their member.
#[derive(Debug, Default)]
pub(super) struct Notices {
    new: Vec<(MemberId, [Value; 14])>,
    askers: BTreeMap<WithdrawalId, (MemberId, Money)>,
    purchasers: BTreeMap<PurchaseId, MemberId>,
}

/// What the table has to be asked for: the withdrawals and purchases of which somebody is told.
#[derive(Debug, Default)]
pub(super) struct Needed {
    withdrawals: BTreeSet<WithdrawalId>,
    purchases: BTreeSet<PurchaseId>,
}

impl Needed {
    /// Asks for what this event names without its member.
    pub(super) fn event(&mut self, event: &Event) {
        if let Event::WithdrawalApproved { withdrawal } | Event::WithdrawalWaiting { withdrawal } =
            event
        {
            self.withdrawals.insert(*withdrawal);
        }
        if let Event::Shop(
            ShopEvent::PurchaseShipped { purchase, .. }
            | ShopEvent::PurchaseRedeemed { purchase, .. },
        ) = event
        {
            self.purchases.insert(*purchase);
        }
    }
}

impl Batch {
    /// The notices of an event, once its other rows are there. `event_no` is its place in the record.
    pub(super) fn notices(&mut self, event_no: u32, event: &Event) -> Done {
        self.whose(event);
        let mut unknown = false;
        domain::notices(event, &mut |notice| {
            unknown |= self.notice(event_no, &notice).is_none();
        });
        if unknown {
            return Err(self.unfit("a notice is for nobody who is known"));
        }
        Ok(())
    }

    /// Notes whose a withdrawal or a purchase is that begins.
    fn whose(&mut self, event: &Event) {
        let notices = &mut self.rows.notices;
        if let Event::WithdrawalRequested {
            withdrawal,
            member,
            amount,
            ..
        } = event
        {
            notices.askers.insert(*withdrawal, (*member, *amount));
        }
        if let Event::Shop(ShopEvent::PurchaseReserved { purchase, of }) = event {
            notices.purchasers.insert(*purchase, of.member);
        }
        if let Event::Recharge(RechargeEvent::UnitGiven { purchase, of, .. }) = event {
            notices.purchasers.insert(*purchase, of.member);
        }
    }

    fn notice(&mut self, event_no: u32, notice: &Notice) -> Option<()> {
        let mut amount = notice.amount;
        let member = match notice.to {
            NoticeTo::Member(member) => member,
            NoticeTo::Buyer(order) => self.rows.orders.get(order)?.member,
            NoticeTo::Purchaser(purchase) => *self.rows.notices.purchasers.get(&purchase)?,
            NoticeTo::Asker(withdrawal) => {
                let asker = self.rows.notices.askers.get(&withdrawal)?;
                amount = asker.1;
                asker.0
            }
        };
        let why = notice.why.map(|why| RefundReason::from(why).word());
        let row = [
            Value::from(member.0),
            Value::from(self.seq),
            Value::from(event_no),
            Value::from(self.at.0),
            Value::from(notice.kind.code()),
            Value::from(notice.group.map(|group| group.0)),
            Value::from(notice.number),
            Value::from(amount.0),
            Value::from(notice.extra.0),
            Value::from(notice.tax.0),
            Value::from(notice.coins.0),
            Value::from(notice.won),
            Value::from(notice.lost),
            Value::from(why),
        ];
        self.rows.notices.new.push((member, row));
        Some(())
    }
}

/// Finds whose these are, where the tables know them.
pub(super) async fn load(
    tx: &mut Tx,
    needed: &Needed,
    rows: &mut Notices,
) -> Result<(), sqlx::Error> {
    let keys: Vec<Value> = needed.withdrawals.iter().map(|id| id.0.into()).collect();
    let sql = "SELECT id, member, amount FROM withdrawal WHERE id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        let asker = (read::member(&row, "member")?, Money(row.int("amount")?));
        rows.askers.insert(WithdrawalId(row.u64("id")?), asker);
    }
    let keys: Vec<Value> = needed.purchases.iter().map(|id| id.0.into()).collect();
    let sql = "SELECT id, member FROM purchase WHERE id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        let member = read::member(&row, "member")?;
        rows.purchasers.insert(PurchaseId(row.u64("id")?), member);
    }
    Ok(())
}

/// Writes the new rows in the order they lie in, and forgets all.
pub(super) async fn store(tx: &mut Tx, rows: &mut Notices) -> Result<(), sqlx::Error> {
    let mut new = std::mem::take(rows).new;
    new.sort_by_key(|(member, _)| *member);
    let new = new.into_iter().flat_map(|(_, row)| row);
    tx.write_rows(&NOTICE, new.collect()).await
}
