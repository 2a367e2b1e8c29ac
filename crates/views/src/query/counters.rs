//! Payments at counters: a member's, a store's, a merchant's.

use domain::{
    CashTaker, Coins, CounterId, HomeShare, MemberId, MerchantId, Millis, Money, RefundId,
    Reversal, StoreId, Txn,
};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, Tx, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::projector::{cash_code, reversal_code};
use crate::rows::{At, MoneyIn};

/// A payment at a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRow {
    /// Its number.
    pub id: CounterId,
    /// When it was paid, or entered if the platform takes the cash and does not have it.
    pub at: Millis,
    /// Who paid.
    pub member: MemberId,
    /// Where.
    pub store: StoreId,
    /// Whose store.
    pub merchant: MerchantId,
    /// All of the bill.
    pub bill: Money,
    /// What coins paid of it.
    pub coins: Coins,
    /// Those of them that were bought; none while it waits.
    pub bought: Coins,
    /// What the merchant leaves to the platform of it, the coins included.
    pub kept: Money,
    /// Who has taken the cash.
    pub cash: CashTaker,
    /// What a home store gets: which, and how much.
    pub home: Option<(StoreId, Money)>,
    /// Since when and why it is taken back.
    pub reversed: Option<(Millis, Reversal)>,
    /// The code's claim.
    pub token: [u8; 16],
    /// Until when it can be paid, where the platform takes the cash.
    pub pay_by: Option<Millis>,
    /// What it was paid with then.
    pub txn: Option<Txn>,
    /// When it lapsed unpaid, or was given up.
    pub lapsed_at: Option<Millis>,
    /// The way back of its cash.
    pub refund: Option<RefundId>,
    /// When that was confirmed.
    pub cash_back_at: Option<Millis>,
}

impl CounterRow {
    /// What is paid in cash.
    pub fn paid_in_cash(&self) -> Money {
        Money(self.bill.0.saturating_sub(self.coins.0))
    }

    /// `waiting`, `paid`, `lapsed`, `voided` or `refunded`.
    pub fn state(&self) -> &'static str {
        match (self.reversed, self.lapsed_at) {
            (Some((_, why)), _) => why.name(),
            (None, Some(_)) => "lapsed",
            (None, None) if self.pay_by.is_some() && self.txn.is_none() => "waiting",
            (None, None) => "paid",
        }
    }

    /// When it was taken back or had lapsed.
    pub fn ended_at(&self) -> Option<Millis> {
        self.reversed.map(|(at, _)| at).or(self.lapsed_at)
    }
}

/// Whose payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountersOf {
    /// A member's.
    Member(MemberId),
    /// Those at one store.
    Store(StoreId),
    /// Those at all stores of a merchant.
    Merchant(MerchantId),
}

pub(crate) const SELECT: &str = "SELECT p.id, COALESCE(p.paid_at, p.at) AS at, p.member, p.store, p.merchant, p.bill, p.coins, p.bought, p.kept, p.cash, \
    p.home_store, p.home_amount, p.token, p.pay_by, p.paid_at, p.paid_seq, p.fee, p.txn, p.lapsed_at, p.refund, \
    r.at AS reversed_at, r.why, f.paid_at AS cash_back_at FROM counter_payment p \
    LEFT JOIN counter_reversed r ON r.id = p.id LEFT JOIN refund f ON f.id = p.refund";

/// In the order of the index on unpaid bills, so that nothing is sorted and nothing read twice.
const UNPAID: &str = "WHERE p.pay_by IS NOT NULL AND p.paid_at IS NULL AND ? <= p.pay_by AND p.pay_by < ? \
    AND (? < p.pay_by OR ? < p.id) ORDER BY p.pay_by, p.id LIMIT ?";

impl Views {
    /// Payments at counters, newest first.
    pub async fn counter_payments(
        &self,
        of: CountersOf,
        page: Page,
    ) -> Result<At<List<CounterRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let (column, whose) = match of {
                CountersOf::Member(member) => ("member", member.0),
                CountersOf::Store(store) => ("store", store.0),
                CountersOf::Merchant(merchant) => ("merchant", merchant.0),
            };
            let sql =
                format!("{SELECT} WHERE p.{column} = ? AND p.id < ? ORDER BY p.id DESC LIMIT ?");
            let values: Vec<Value> =
                vec![whose.into(), page.before().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(counter).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &CounterRow| Cursor(i64::try_from(row.id.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list payments at counters"))
    }

    /// Bills whose cash the platform takes and that were not paid, in the order in which they were to be paid: from one moment on,
    /// at that moment after a number, and before another; at most `limit`.
    pub async fn unpaid_counters(
        &self,
        (from, after): (Millis, Option<CounterId>),
        to: Millis,
        limit: u32,
    ) -> Result<At<Vec<CounterRow>>, StoreError> {
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
            let items = rows.iter().map(counter).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, items))
        };
        read.await.map_err(failed("list unpaid bills"))
    }

    /// One payment at a counter.
    pub async fn counter_payment(
        &self,
        id: CounterId,
    ) -> Result<At<Option<CounterRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{SELECT} WHERE p.id = ?");
            let row = tx.row(sql, vec![id.0.into()]).await?;
            Ok(at(seq, row.as_ref().map(counter).transpose()?))
        };
        read.await.map_err(failed("read a payment at a counter"))
    }
}

/// A row of the table with what became of it.
pub(crate) fn counter(row: &AnyRow) -> Result<CounterRow, sqlx::Error> {
    let cash = [CashTaker::Platform, CashTaker::Store];
    let code = row.int("cash")?;
    let cash = cash.into_iter().find(|cash| cash_code(*cash) == code);
    let home = match row.maybe_u64("home_store")? {
        None => None,
        Some(store) => {
            let store = u32::try_from(store)
                .map_err(|_| unreadable("home_store", "it is no store's".to_owned()))?;
            Some((StoreId(store), Money(row.int("home_amount")?)))
        }
    };
    let reversed = match read::maybe_millis(row, "reversed_at")? {
        None => None,
        Some(at) => {
            let code = row.int("why")?;
            let all = [Reversal::Voided, Reversal::Refunded];
            let why = all.into_iter().find(|why| reversal_code(*why) == code);
            Some((at, why.ok_or_else(|| unknown("why", code))?))
        }
    };
    Ok(CounterRow {
        id: CounterId(row.u64("id")?),
        at: read::millis(row, "at")?,
        member: read::member(row, "member")?,
        store: StoreId(row.u32("store")?),
        merchant: MerchantId(row.u32("merchant")?),
        bill: Money(row.int("bill")?),
        coins: Coins(row.int("coins")?),
        bought: Coins(row.int("bought")?),
        kept: Money(row.int("kept")?),
        cash: cash.ok_or_else(|| unknown("cash", code))?,
        home,
        reversed,
        token: row.bytes("token")?,
        pay_by: read::maybe_millis(row, "pay_by")?,
        txn: read::maybe_txn(row)?,
        lapsed_at: read::maybe_millis(row, "lapsed_at")?,
        refund: row.maybe_u64("refund")?.map(RefundId),
        cash_back_at: read::maybe_millis(row, "cash_back_at")?,
    })
}

/// The money that has paid a bill, and the number of its refund.
pub(super) async fn money_of(
    tx: &mut Tx,
    txn: Value,
) -> Result<Option<(MoneyIn, Option<RefundId>)>, sqlx::Error> {
    let sql = format!("{SELECT} WHERE p.txn = ? LIMIT 1");
    let Some(row) = tx.row(sql, vec![txn]).await? else {
        return Ok(None);
    };
    let paid = counter(&row)?;
    let Some(txn) = paid.txn else {
        return Ok(None);
    };
    let money = MoneyIn {
        txn,
        seq: row.u64("paid_seq")?,
        at: paid.at,
        group: None,
        payment: None,
        member: Some(paid.member),
        amount: paid.paid_in_cash(),
        fee: Money(row.int("fee")?),
        bounced: None,
        refund: None,
    };
    Ok(Some((money, paid.refund)))
}

fn unknown(column: &'static str, code: i64) -> sqlx::Error {
    unreadable(column, format!("unknown number {code}"))
}

impl CounterRow {
    /// Whether the world tells the same.
    pub(crate) fn is(&self, known: &domain::CounterPayment, txn: Option<Txn>) -> bool {
        let txn_fits = match (known.paid.cash, known.reversed) {
            (CashTaker::Store, _) => self.txn.is_none() && txn.is_none(),
            (CashTaker::Platform, None) => self.txn.is_some() && self.txn == txn,
            (CashTaker::Platform, Some(_)) => self.txn.is_some() && self.refund.is_some(),
        };
        self.tells(&known.paid)
            && txn_fits
            && self.at == known.at
            && self.reversed.map(|(_, why)| why) == known.reversed
    }

    /// Whether it waits as the world says.
    pub(crate) fn waits(&self, known: &domain::CounterAwaited) -> bool {
        self.tells(&known.paid) && self.pay_by == Some(known.pay_by) && self.state() == "waiting"
    }

    fn tells(&self, paid: &domain::CounterPaid) -> bool {
        let home = |home: HomeShare| (home.store, home.amount);
        let same = (self.id, self.member, self.store, self.merchant, self.token)
            == (
                paid.counter,
                paid.member,
                paid.store,
                paid.merchant,
                paid.token,
            );
        let sums = (self.bill, self.coins, self.bought, self.kept)
            == (paid.bill, paid.coins, paid.bought, paid.kept);
        same && sums && self.cash == paid.cash && self.home == paid.home.map(home)
    }
}
