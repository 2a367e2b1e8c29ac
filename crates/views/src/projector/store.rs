//! Writes a batch's rows: one statement for up to a thousand of a kind.

use super::batch::Batch;
use super::tables::{
    BALANCE, CAMPAIGN, DRAW, DRAW_FILE, GROUP, LEDGER_LINE, MEMBER, ORDER, PAYMENT, REFUND, Rows,
    SEAT, WALLET_LINE,
};
use domain::Account;

use crate::db::{Tx, Value};
use crate::names::{asset_name, holder_of};

pub(super) async fn store(tx: &mut Tx, batch: Batch) -> Result<(), sqlx::Error> {
    let Rows {
        campaigns: _,
        members,
        groups,
        seats,
        refunds,
        orders,
        draws,
        balances,
        new_campaigns,
        new_payments,
        new_wallet_lines,
        new_ledger_lines,
        new_draw_files,
    } = batch.into_rows();
    let members: Vec<Value> = members
        .iter()
        .flat_map(|(id, row)| row.values(*id))
        .collect();
    let groups: Vec<Value> = groups
        .iter()
        .flat_map(|(id, row)| row.values(*id))
        .collect();
    let seats: Vec<Value> = seats.iter().flat_map(|(id, row)| row.values(*id)).collect();
    let refunds: Vec<Value> = refunds
        .iter()
        .flat_map(|(id, row)| row.values(*id))
        .collect();
    let orders: Vec<Value> = orders
        .iter()
        .flat_map(|(id, row)| row.values(*id))
        .collect();
    let draws: Vec<Value> = draws.iter().flat_map(|(id, row)| row.values(*id)).collect();
    // The escrow of a group that has ended is nothing for ever; no row says the same.
    let empty_escrows: Vec<Value> = balances
        .iter()
        .filter(|(account, amount)| is_empty_escrow(account, **amount))
        .map(|(account, _)| Value::from(holder_of(account)))
        .collect();
    let balances: Vec<Value> = balances
        .iter()
        .filter(|(account, amount)| !is_empty_escrow(account, **amount))
        .flat_map(|(account, amount)| {
            [
                Value::from(account.name()),
                Value::from(holder_of(account)),
                Value::from(asset_name(account.asset())),
                Value::from(*amount),
            ]
        })
        .collect();
    tx.write_rows(&MEMBER, members).await?;
    tx.write_rows(&CAMPAIGN, new_campaigns).await?;
    tx.write_rows(&GROUP, groups).await?;
    tx.write_rows(&SEAT, seats).await?;
    tx.write_rows(&PAYMENT, new_payments).await?;
    tx.write_rows(&REFUND, refunds).await?;
    tx.write_rows(&ORDER, orders).await?;
    tx.write_rows(&DRAW, draws).await?;
    tx.write_rows(&BALANCE, balances).await?;
    tx.run_in(
        "DELETE FROM balance WHERE account = 'escrow' AND holder IN ",
        &empty_escrows,
    )
    .await?;
    tx.write_rows(&WALLET_LINE, new_wallet_lines).await?;
    tx.write_rows(&LEDGER_LINE, new_ledger_lines).await?;
    tx.write_rows(&DRAW_FILE, new_draw_files).await
}

fn is_empty_escrow(account: &Account, amount: i64) -> bool {
    matches!(account, Account::Escrow(_)) && amount == 0
}
