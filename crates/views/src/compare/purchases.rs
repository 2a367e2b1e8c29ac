//! Purchases that have not ended, and how many there ever were.

use domain::{PurchaseState, World};

use super::{Done, Found};
use crate::db::{Columns, Tx};
use crate::names::PurchaseStatus;
use crate::query::purchases::{SELECT, purchase};

pub(super) async fn compare(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS purchases FROM purchase";
    let row = tx.row(sql, Vec::new()).await?;
    let count = row.ok_or(sqlx::Error::RowNotFound)?.u64("purchases")?;
    found.check(|| "purchases".to_owned(), count, world.purchases());
    let sql = format!("{SELECT} WHERE ended_at IS NULL ORDER BY id");
    let mut views = Vec::new();
    for row in &tx.rows(sql, Vec::new()).await? {
        let row = purchase(row)?;
        let what = (row.member, row.token, row.sku, row.units);
        let money = (row.bill, row.coins, row.cost);
        views.push((row.id, what, money, (row.state, row.txn)));
    }
    let open = world.open_purchases().map(|(id, known)| {
        let state = match known.state {
            PurchaseState::Reserved { .. } => PurchaseStatus::Reserved,
            PurchaseState::Paid | PurchaseState::Waiting { .. } => PurchaseStatus::Paid,
            PurchaseState::Shipped { .. } => PurchaseStatus::Shipped,
            PurchaseState::Received { .. } => PurchaseStatus::Received,
            PurchaseState::Returning { .. } => PurchaseStatus::Returning,
        };
        let what = (known.member, known.token, known.sku, known.units);
        let money = (known.bill, known.coins, known.cost);
        (id, what, money, (state, known.paid.map(|(txn, _)| txn)))
    });
    found.check(|| "open purchases".to_owned(), views, open.collect());
    Ok(())
}
