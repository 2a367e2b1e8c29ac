//! Dividend pools that have closed, and who was paid what of them. A pool's balance stands with the other accounts.

use domain::{Account, DividendShare, Event, Millis, ProgramKind};

use super::batch::{Batch, Done};
use super::tables::new_rows;
use super::wallet::WhyLine;
use crate::db::{Table, Tx, Value};
use crate::names::WhyKind;

const CLOSE: Table = new_rows(
    "dividend_close",
    &[
        "plan", "until", "since", "seq", "at", "pool", "weight", "members",
    ],
);
const PAID: Table = new_rows(
    "dividend_paid",
    &["member", "seq", "plan", "until", "at", "weight", "amount"],
);

/// What a batch adds.
#[derive(Debug, Default)]
pub(super) struct Dividends {
    closes: Vec<Value>,
    paid: Vec<Value>,
}

impl Batch {
    pub(super) fn dividend_closed(&mut self, event: &Event) -> Done {
        let Event::DividendClosed {
            plan,
            from,
            until,
            pool,
            weight,
            members,
        } = event
        else {
            return Ok(());
        };
        self.rows.dividends.closes.extend([
            Value::from(*plan),
            Value::from(until.0),
            Value::from(from.0),
            Value::from(self.seq),
            Value::from(self.at.0),
            Value::from(pool.0),
            Value::from(weight.0.to_string()),
            Value::from(*members),
        ]);
        Ok(())
    }

    pub(super) fn dividends_paid(
        &mut self,
        plan: u32,
        until: Millis,
        shares: &[DividendShare],
    ) -> Done {
        let why = WhyLine::of(WhyKind::Reward).program(ProgramKind::Dividend);
        for share in shares {
            let weight = i64::try_from(share.weight)
                .map_err(|_| self.unfit(format!("a weight of {} is too large", share.weight)))?;
            self.rows.dividends.paid.extend([
                Value::from(share.member.0),
                Value::from(self.seq),
                Value::from(plan),
                Value::from(until.0),
                Value::from(self.at.0),
                Value::from(weight),
                Value::from(share.amount.0),
            ]);
            self.wallet(Account::Available(share.member), share.amount.0, why);
        }
        Ok(())
    }
}

/// Writes what was added, and forgets it.
pub(super) async fn store(tx: &mut Tx, dividends: &mut Dividends) -> Result<(), sqlx::Error> {
    let dividends = std::mem::take(dividends);
    tx.write_rows(&CLOSE, dividends.closes).await?;
    tx.write_rows(&PAID, dividends.paid).await
}
