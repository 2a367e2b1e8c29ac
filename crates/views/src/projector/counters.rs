//! Payments at counters (rules 10.4): one row each, and one more for what was taken back. A bill whose cash the platform takes has
//! its row while it waits; what one says of it later is written by itself, so no row has to be read.

use domain::{
    Account, CashBack, CashTaken, CashTaker, CounterAwaited, CounterId, CounterPaid,
    CounterReversed, Millis, Reversal,
};

use super::batch::Batch;
use super::tables::{Refund, changed, new_rows};
use super::wallet::WhyLine;
use crate::db::{Table, Tx, Value};
use crate::names::{RefundReason, WhyKind};

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
        "bought",
        "kept",
        "cash",
        "home_store",
        "home_amount",
        "token",
        "pay_by",
    ],
);
const HOME: Table = changed(
    "counter_payment",
    &["id", "bought", "home_store", "home_amount"],
    1,
);
const CASH: Table = changed(
    "counter_payment",
    &["id", "paid_at", "paid_seq", "fee", "txn"],
    1,
);
const LAPSED: Table = changed("counter_payment", &["id", "lapsed_at"], 1);
const BACK: Table = changed("counter_payment", &["id", "refund"], 1);
const REVERSED: Table = new_rows("counter_reversed", &["id", "at", "why"]);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    paid: Vec<Value>,
    home: Vec<Value>,
    cash: Vec<Value>,
    lapsed: Vec<Value>,
    back: Vec<Value>,
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
        let given = paid.coins.0.saturating_sub(paid.bought.0);
        let why = WhyLine::of(WhyKind::CounterPaid);
        self.wallet(Account::Coins(paid.member), given.saturating_neg(), why);
        match paid.cash {
            CashTaker::Store => self.counter_row(paid, None),
            // It has waited.
            CashTaker::Platform => self.rows.alliance.counters.home.extend([
                Value::from(paid.counter.0),
                Value::from(paid.bought.0),
                Value::from(paid.home.map(|home| home.store.0)),
                Value::from(paid.home.map(|home| home.amount.0)),
            ]),
        }
    }

    fn counter_row(&mut self, paid: &CounterPaid, pay_by: Option<Millis>) {
        self.rows.alliance.counters.paid.extend([
            Value::from(paid.counter.0),
            Value::from(self.at.0),
            Value::from(paid.member.0),
            Value::from(paid.store.0),
            Value::from(paid.merchant.0),
            Value::from(paid.bill.0),
            Value::from(paid.coins.0),
            Value::from(paid.bought.0),
            Value::from(paid.kept.0),
            Value::from(cash_code(paid.cash)),
            Value::from(paid.home.map(|home| home.store.0)),
            Value::from(paid.home.map(|home| home.amount.0)),
            Value::from(paid.token.as_slice()),
            Value::from(pay_by.map(|pay_by| pay_by.0)),
        ]);
    }

    pub(super) fn counter_awaited(&mut self, waits: &CounterAwaited) {
        self.counter_row(&waits.paid, Some(waits.pay_by));
    }

    pub(super) fn counter_lapsed(&mut self, counter: CounterId) {
        let row = [counter.0.into(), self.at.0.into()];
        self.rows.alliance.counters.lapsed.extend(row);
    }

    pub(super) fn cash_taken(&mut self, cash: &CashTaken) {
        self.rows.alliance.counters.cash.extend([
            Value::from(cash.counter.0),
            Value::from(self.at.0),
            Value::from(self.seq),
            Value::from(cash.fee.0),
            Value::from(cash.txn.as_str()),
        ]);
    }

    pub(super) fn cash_back(&mut self, back: &CashBack) {
        let row = Refund {
            txn: back.txn,
            group: None,
            payment: None,
            member: Some(back.member),
            amount: back.amount,
            reason: RefundReason::BillReversed,
            created_at: self.at,
            paid_at: None::<Millis>,
            fee_back: None,
        };
        self.rows.refunds.put(back.refund, row);
        let row = [back.counter.0.into(), back.refund.0.into()];
        self.rows.alliance.counters.back.extend(row);
    }

    pub(super) fn counter_reversed(&mut self, reversed: &CounterReversed) {
        let why = WhyLine::of(WhyKind::CounterReversed);
        let new = reversed.coins.0.saturating_sub(reversed.bought.0);
        self.wallet(Account::Coins(reversed.member), new, why);
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
    tx.write_rows(&HOME, counters.home).await?;
    tx.write_rows(&CASH, counters.cash).await?;
    tx.write_rows(&LAPSED, counters.lapsed).await?;
    tx.write_rows(&BACK, counters.back).await?;
    tx.write_rows(&REVERSED, counters.reversed).await
}
