//! Merchants' statements (rules 10.3): one row each, and one more when it is confirmed and when it is paid. Their lines are the
//! merchant's, between two of them.

use domain::AllianceEvent;

use super::batch::Batch;
use super::tables::new_rows;
use crate::db::{Table, Tx, Value};

const DRAFTED: Table = new_rows(
    "statement",
    &[
        "id", "merchant", "number", "seq", "at", "payable", "set_off", "amount", "carried",
    ],
);
const CONFIRMED: Table = new_rows("statement_confirmed", &["id", "seq", "at"]);
const WITHDRAWN: Table = new_rows("statement_withdrawn", &["id", "seq", "at"]);
const PAID: Table = new_rows(
    "statement_paid",
    &["id", "seq", "at", "reference", "on_day"],
);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Statements {
    drafted: Vec<Value>,
    confirmed: Vec<Value>,
    withdrawn: Vec<Value>,
    paid: Vec<Value>,
}

impl Batch {
    pub(super) fn statement_event(&mut self, event: &AllianceEvent) {
        let (seq, at) = (Value::from(self.seq), Value::from(self.at.0));
        let rows = &mut self.rows.alliance.statements;
        if let AllianceEvent::StatementDrafted(drafted) = event {
            rows.drafted.extend([
                Value::from(drafted.statement.0),
                Value::from(drafted.merchant.0),
                Value::from(drafted.number),
                seq,
                at,
                Value::from(drafted.payable.0),
                Value::from(drafted.set_off.0),
                Value::from(drafted.amount.0),
                Value::from(drafted.carried.0),
            ]);
        } else if let AllianceEvent::StatementConfirmed { statement, .. } = event {
            rows.confirmed.extend([Value::from(statement.0), seq, at]);
        } else if let AllianceEvent::StatementWithdrawn(draft) = event {
            let id = Value::from(draft.statement.0);
            rows.withdrawn.extend([id, seq, at]);
        } else if let AllianceEvent::StatementPaid(paid) = event {
            rows.paid.extend([
                Value::from(paid.statement.0),
                seq,
                at,
                Value::from(paid.reference.as_str()),
                Value::from(paid.on.0),
            ]);
        }
    }
}

/// Writes what is new, and forgets it.
pub(super) async fn store(tx: &mut Tx, statements: Statements) -> Result<(), sqlx::Error> {
    tx.write_rows(&DRAFTED, statements.drafted).await?;
    tx.write_rows(&CONFIRMED, statements.confirmed).await?;
    tx.write_rows(&WITHDRAWN, statements.withdrawn).await?;
    tx.write_rows(&PAID, statements.paid).await
}
