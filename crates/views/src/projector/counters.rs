//! Payments at counters (rules 10.4): one row each, and one more for what was taken back.

use domain::{Account, CashTaker, CounterPaid, CounterReversed, Reversal};

use super::batch::Batch;
use super::tables::new_rows;
use super::wallet::WhyLine;
use crate::db::{Table, Tx, Value};
use crate::names::WhyKind;

const PAID: Table = new_rows(
    "counter_payment",
    &[
        "id",
        "at",
        "member",
        "store",
        "merchant",
        "bill",
        "coins",
        "kept",
        "cash",
        "home_store",
        "home_amount",
    ],
);
const REVERSED: Table = new_rows("counter_reversed", &["id", "at", "why"]);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    paid: Vec<Value>,
    reversed: Vec<Value>,
}

/// The number of who has taken the cash.
pub(crate) fn cash_code(cash: CashTaker) -> i64 {
    match cash {
        CashTaker::Platform => 0,
        CashTaker::Store => 1,
    }
}

/// The number of why a payment was taken back.
pub(crate) fn reversal_code(why: Reversal) -> i64 {
    match why {
        Reversal::Voided => 0,
        Reversal::Refunded => 1,
    }
}

impl Batch {
    pub(super) fn counter_paid(&mut self, paid: &CounterPaid) {
        let coins = paid.coins.0;
        let why = WhyLine::of(WhyKind::CounterPaid);
        self.wallet(Account::Coins(paid.member), coins.saturating_neg(), why);
        self.rows.alliance.counters.paid.extend([
            Value::from(paid.counter.0),
            Value::from(self.at.0),
            Value::from(paid.member.0),
            Value::from(paid.store.0),
            Value::from(paid.merchant.0),
            Value::from(paid.bill.0),
            Value::from(coins),
            Value::from(paid.kept.0),
            Value::from(cash_code(paid.cash)),
            Value::from(paid.home.map(|home| home.store.0)),
            Value::from(paid.home.map(|home| home.amount.0)),
        ]);
    }

    pub(super) fn counter_reversed(&mut self, reversed: &CounterReversed) {
        let why = WhyLine::of(WhyKind::CounterReversed);
        self.wallet(Account::Coins(reversed.member), reversed.coins.0, why);
        self.rows.alliance.counters.reversed.extend([
            Value::from(reversed.counter.0),
            Value::from(self.at.0),
            Value::from(reversal_code(reversed.why)),
        ]);
    }
}

/// Writes what is new, and forgets it.
pub(super) async fn store(tx: &mut Tx, counters: Counters) -> Result<(), sqlx::Error> {
    tx.write_rows(&PAID, counters.paid).await?;
    tx.write_rows(&REVERSED, counters.reversed).await
}
