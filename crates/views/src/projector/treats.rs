//! Tables of treats (rules 4): one row each, one more for what was cancelled before anybody sat down, and the campaign that each
//! table's group is of.

use domain::{CampaignId, TableBill, TableEvent, TableId};

use super::batch::{Batch, Done};
use super::tables::new_rows;
use crate::db::{Table, Tx, Value};

const TABLE: Table = new_rows(
    "treat_table",
    &[
        "id",
        "template",
        "store",
        "bill",
        "seats",
        "token",
        "at",
        "expires_at",
        "circle",
    ],
);
const CANCELLED: Table = new_rows("treat_cancelled", &["id", "at"]);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Treats {
    tables: Vec<Value>,
    cancelled: Vec<Value>,
}

impl Batch {
    pub(super) fn table_event(&mut self, event: &TableEvent) -> Done {
        match event {
            TableEvent::Opened {
                table,
                template,
                store,
                bill,
                token,
                expires_at,
                circle,
            } => {
                self.rows.treats.tables.extend([
                    Value::from(table.0),
                    Value::from(template.0),
                    Value::from(store.0),
                    Value::from(bill.bill.0),
                    Value::from(bill.seats),
                    Value::from(token.as_slice()),
                    Value::from(self.at.0),
                    Value::from(expires_at.0),
                    Value::from(circle.map(|circle| circle.0)),
                ]);
                self.table_opened(*table, *template, *bill)
            }
            TableEvent::Cancelled { table } => {
                let row = [Value::from(table.0), Value::from(self.at.0)];
                self.rows.treats.cancelled.extend(row);
                Ok(())
            }
        }
    }

    /// The campaign of its group.
    fn table_opened(&mut self, table: TableId, template: CampaignId, bill: TableBill) -> Done {
        let terms = self.campaign(template)?.terms.at_table(bill);
        self.campaign_published(CampaignId::of_table(table), &terms)
    }
}

/// Writes what is new, and forgets it.
pub(super) async fn store(tx: &mut Tx, treats: &mut Treats) -> Result<(), sqlx::Error> {
    let treats = std::mem::take(treats);
    tx.write_rows(&TABLE, treats.tables).await?;
    tx.write_rows(&CANCELLED, treats.cancelled).await
}
