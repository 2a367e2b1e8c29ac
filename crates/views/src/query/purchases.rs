//! Direct purchases: a member's, and the staff's list.

use domain::{Coins, MemberId, Millis, Money, PurchaseId, RefundId, SkuId, StoreId, Txn};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::names::PurchaseStatus;
use crate::page::{Cursor, List, Page};
use crate::rows::{At, MoneyIn};

pub(crate) const SELECT: &str = "SELECT id, member, token, sku, units, bill, coins, cost, state, reserved_at, \
    pay_by, paid_at, paid_seq, fee, txn, shipped_at, received_by, received_at, return_until, back_by, \
    ended_at, refund, store FROM purchase";

/// A direct purchase (rules 10.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRow {
    /// Its number.
    pub id: PurchaseId,
    /// Whose.
    pub member: MemberId,
    /// Its identity, which the request brought.
    pub token: [u8; 16],
    /// What.
    pub sku: SkuId,
    /// How many.
    pub units: u32,
    /// What they cost together.
    pub bill: Money,
    /// The part of it in coins.
    pub coins: Coins,
    /// What the supplier is owed.
    pub cost: Money,
    /// How it stands.
    pub state: PurchaseStatus,
    /// When it was begun.
    pub reserved_at: Millis,
    /// Until when it could be paid.
    pub pay_by: Millis,
    /// When it was paid.
    pub paid_at: Option<Millis>,
    /// What it was paid with.
    pub txn: Option<Txn>,
    /// When it was sent.
    pub shipped_at: Option<Millis>,
    /// When it counts as received.
    pub received_by: Option<Millis>,
    /// When it was received.
    pub received_at: Option<Millis>,
    /// Until when it may be returned.
    pub return_until: Option<Millis>,
    /// When it counts as back.
    pub back_by: Option<Millis>,
    /// When it had lapsed, was kept or was back.
    pub ended_at: Option<Millis>,
    /// The way back of what was paid.
    pub refund: Option<RefundId>,
    /// Where it was fetched.
    pub store: Option<StoreId>,
}

impl PurchaseRow {
    /// What is paid through the channel.
    pub fn cash(&self) -> Money {
        Money(self.bill.0.saturating_sub(self.coins.0))
    }

    /// Whether it is what a recharge gave: nothing was paid for it.
    pub fn is_gift(&self) -> bool {
        self.paid_at.is_some() && self.txn.is_none()
    }
}

/// Which purchases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurchaseFilter {
    /// Only this member's.
    pub member: Option<MemberId>,
    /// Only those that stand like this.
    pub state: Option<PurchaseStatus>,
}

/// In the order of the index on unpaid purchases, so that nothing is sorted and nothing read twice.
const UNPAID: &str = "WHERE paid_at IS NULL AND ? <= pay_by AND pay_by < ? AND (? < pay_by OR ? < id) \
    ORDER BY pay_by, id LIMIT ?";

impl Views {
    /// Purchases, newest first.
    pub async fn purchases(
        &self,
        filter: PurchaseFilter,
        page: Page,
    ) -> Result<At<List<PurchaseRow>>, StoreError> {
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
            let items = rows.iter().map(purchase).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &PurchaseRow| Cursor(i64::try_from(row.id.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list purchases"))
    }

    /// One purchase.
    pub async fn purchase(&self, id: PurchaseId) -> Result<At<Option<PurchaseRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{SELECT} WHERE id = ?");
            let row = tx.row(sql, vec![id.0.into()]).await?;
            Ok(at(seq, row.as_ref().map(purchase).transpose()?))
        };
        read.await.map_err(failed("read a purchase"))
    }

    /// Purchases that were not paid, in the order in which they were to be paid: from one moment on, at that moment after a
    /// number, and before another; at most `limit`.
    pub async fn unpaid_purchases(
        &self,
        (from, after): (Millis, Option<PurchaseId>),
        to: Millis,
        limit: u32,
    ) -> Result<At<Vec<PurchaseRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let after = after.map_or(-1, |after| i64::try_from(after.0).unwrap_or(i64::MAX));
            let values = vec![
                from.0.into(),
                to.0.into(),
                from.0.into(),
                after.into(),
                limit.into(),
            ];
            let rows = tx.rows(format!("{SELECT} {UNPAID}"), values).await?;
            let items = rows.iter().map(purchase).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, items))
        };
        read.await.map_err(failed("list unpaid purchases"))
    }
}

/// The money that has paid a purchase, and the number of its refund.
pub(super) async fn money_of(
    tx: &mut Tx,
    txn: Value,
) -> Result<Option<(MoneyIn, Option<RefundId>)>, sqlx::Error> {
    let sql = format!("{SELECT} WHERE txn = ? LIMIT 1");
    let Some(row) = tx.row(sql, vec![txn]).await? else {
        return Ok(None);
    };
    let bought = purchase(&row)?;
    let Some(txn) = bought.txn else {
        return Ok(None);
    };
    let money = MoneyIn {
        txn,
        seq: row.u64("paid_seq")?,
        at: read::millis(&row, "paid_at")?,
        group: None,
        payment: None,
        member: Some(bought.member),
        amount: bought.cash(),
        fee: Money(row.int("fee")?),
        bounced: None,
        refund: None,
    };
    Ok(Some((money, bought.refund)))
}

/// A row of the table.
pub(crate) fn purchase(row: &AnyRow) -> Result<PurchaseRow, sqlx::Error> {
    Ok(PurchaseRow {
        id: PurchaseId(row.u64("id")?),
        member: read::member(row, "member")?,
        token: row.bytes("token")?,
        sku: SkuId(row.u32("sku")?),
        units: row.u32("units")?,
        bill: Money(row.int("bill")?),
        coins: Coins(row.int("coins")?),
        cost: Money(row.int("cost")?),
        state: read::word(row, "state")?,
        reserved_at: read::millis(row, "reserved_at")?,
        pay_by: read::millis(row, "pay_by")?,
        paid_at: read::maybe_millis(row, "paid_at")?,
        txn: read::maybe_txn(row)?,
        shipped_at: read::maybe_millis(row, "shipped_at")?,
        received_by: read::maybe_millis(row, "received_by")?,
        received_at: read::maybe_millis(row, "received_at")?,
        return_until: read::maybe_millis(row, "return_until")?,
        back_by: read::maybe_millis(row, "back_by")?,
        ended_at: read::maybe_millis(row, "ended_at")?,
        refund: row.maybe_u64("refund")?.map(RefundId),
        store: row.maybe_u32("store")?.map(StoreId),
    })
}
