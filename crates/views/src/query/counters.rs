//! Payments at counters: a member's, a store's, a merchant's.

use domain::{
    CashTaker, Coins, CounterId, HomeShare, MemberId, MerchantId, Millis, Money, Reversal, StoreId,
};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::projector::{cash_code, reversal_code};
use crate::rows::At;

/// A payment at a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRow {
    /// Its number.
    pub id: CounterId,
    /// When.
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
    /// What the merchant leaves to the platform of it, the coins included.
    pub kept: Money,
    /// Who has taken the cash.
    pub cash: CashTaker,
    /// What a home store gets: which, and how much.
    pub home: Option<(StoreId, Money)>,
    /// Since when and why it is taken back.
    pub reversed: Option<(Millis, Reversal)>,
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

pub(crate) const SELECT: &str = "SELECT p.id, p.at, p.member, p.store, p.merchant, p.bill, p.coins, p.kept, p.cash, \
    p.home_store, p.home_amount, r.at AS reversed_at, r.why FROM counter_payment p \
    LEFT JOIN counter_reversed r ON r.id = p.id";

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
        kept: Money(row.int("kept")?),
        cash: cash.ok_or_else(|| unknown("cash", code))?,
        home,
        reversed,
    })
}

fn unknown(column: &'static str, code: i64) -> sqlx::Error {
    unreadable(column, format!("unknown number {code}"))
}

impl CounterRow {
    /// Whether the world tells the same.
    pub(crate) fn is(&self, known: &domain::CounterPayment) -> bool {
        let paid = &known.paid;
        let home = |home: HomeShare| (home.store, home.amount);
        let same = (self.id, self.at, self.member, self.store, self.merchant)
            == (
                paid.counter,
                known.at,
                paid.member,
                paid.store,
                paid.merchant,
            );
        let sums = (self.bill, self.coins, self.kept) == (paid.bill, paid.coins, paid.kept);
        same && sums
            && self.cash == paid.cash
            && self.home == paid.home.map(home)
            && self.reversed.map(|(_, why)| why) == known.reversed
    }
}
