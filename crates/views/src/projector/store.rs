//! Writes the rows that have changed: one statement for many of a kind, and each row in as few columns as tell what
//! has become of it.

use std::collections::HashMap;

use domain::Account;

use super::kept::Change;
use super::tables::{
    BALANCE, BOUNCED, CAMPAIGN, DRAW, DRAW_AGAIN, DRAW_FILE, GROUP, GROUP_AGAIN, GROUP_COUNTS,
    LEDGER_LINE, MEMBER, MEMBER_AGAIN, ORDER, ORDER_AGAIN, REFUND, REFUND_AGAIN, REWARD_LINE, Rows,
    SEAT, SEAT_AGAIN, SEAT_ENDED, SEAT_NUMBERED, SEAT_PAID, WALLET_LINE,
};
use super::{alliance, circles, dividends, notices, people, purchases, treats, withdrawals};
use crate::code::{ESCROW, account_code, holder_of};
use crate::db::{Tx, Value};

type Done = Result<(), sqlx::Error>;

/// Writes what has changed. Afterwards the rows count as written, so they are to be forgotten if the transaction fails.
pub(super) async fn store(tx: &mut Tx, rows: &mut Rows) -> Done {
    store_members(tx, rows).await?;
    people::store(tx, &mut rows.people).await?;
    dividends::store(tx, &mut rows.dividends).await?;
    withdrawals::store(tx, &mut rows.withdrawals).await?;
    alliance::store(tx, &mut rows.alliance).await?;
    purchases::store(tx, &mut rows.purchases).await?;
    circles::store(tx, &mut rows.circles).await?;
    notices::store(tx, &mut rows.notices).await?;
    treats::store(tx, &mut rows.treats).await?;
    let campaigns = std::mem::take(&mut rows.new_campaigns);
    tx.write_rows(&CAMPAIGN, campaigns).await?;
    store_groups(tx, rows).await?;
    store_seats(tx, rows).await?;
    store_money(tx, rows).await?;
    store_balances(tx, rows).await?;
    store_lines(tx, rows).await
}

async fn store_members(tx: &mut Tx, rows: &mut Rows) -> Done {
    let (mut new, mut again) = (Vec::new(), Vec::new());
    for (id, row, how) in rows.members.written() {
        let list = if how.is_new() { &mut new } else { &mut again };
        list.extend(row.values(id));
    }
    tx.write_rows(&MEMBER, new).await?;
    tx.write_rows(&MEMBER_AGAIN, again).await
}

async fn store_groups(tx: &mut Tx, rows: &mut Rows) -> Done {
    let (mut new, mut counts, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for (id, row, how) in rows.groups.written() {
        if how.is_new() {
            new.extend(row.values(id));
        } else if how == Change::PAID {
            counts.extend(row.counts(id));
        } else {
            again.extend(row.values(id));
        }
    }
    tx.write_rows(&GROUP, new).await?;
    tx.write_rows(&GROUP_COUNTS, counts).await?;
    tx.write_rows(&GROUP_AGAIN, again).await?;
    let (mut new, mut again) = (Vec::new(), Vec::new());
    for (id, row, how) in rows.draws.written() {
        let list = if how.is_new() { &mut new } else { &mut again };
        list.extend(row.values(id));
    }
    tx.write_rows(&DRAW, new).await?;
    tx.write_rows(&DRAW_AGAIN, again).await?;
    let files = std::mem::take(&mut rows.new_draw_files);
    tx.write_rows(&DRAW_FILE, files).await
}

async fn store_seats(tx: &mut Tx, rows: &mut Rows) -> Done {
    let (mut new, mut paid, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let (mut numbered, mut ended) = (std::mem::take(&mut rows.new_numbers), Vec::new());
    rows.tags = HashMap::new();
    for (id, row, how) in rows.seats.written() {
        if how.is_new() {
            new.extend(row.values(id));
        } else if how == Change::PAID {
            paid.extend(row.paid(id));
        } else if how == Change::NUMBERED {
            numbered.extend(row.numbered(id));
        } else if how == Change::ENDED {
            ended.extend(row.ended(id));
        } else {
            again.extend(row.values(id));
        }
    }
    tx.write_rows(&SEAT, new).await?;
    tx.write_rows(&SEAT_PAID, paid).await?;
    tx.write_rows(&SEAT_NUMBERED, numbered).await?;
    tx.write_rows(&SEAT_ENDED, ended).await?;
    tx.write_rows(&SEAT_AGAIN, again).await
}

async fn store_money(tx: &mut Tx, rows: &mut Rows) -> Done {
    let (mut new, mut again) = (Vec::new(), Vec::new());
    for (id, row, how) in rows.refunds.written() {
        if how.is_new() {
            new.extend(row.values(id));
        } else {
            again.extend(row.sent(id));
        }
    }
    let bounced = std::mem::take(&mut rows.new_bounced);
    tx.write_rows(&BOUNCED, bounced).await?;
    tx.write_rows(&REFUND, new).await?;
    tx.write_rows(&REFUND_AGAIN, again).await?;
    let (mut new, mut again) = (Vec::new(), Vec::new());
    for (id, row, how) in rows.orders.written() {
        let list = if how.is_new() { &mut new } else { &mut again };
        list.extend(row.values(id));
    }
    tx.write_rows(&ORDER, new).await?;
    tx.write_rows(&ORDER_AGAIN, again).await
}

async fn store_balances(tx: &mut Tx, rows: &mut Rows) -> Done {
    let (mut kept, mut empty) = (Vec::new(), Vec::new());
    for (account, amount, _) in rows.balances.written() {
        // The escrow of a group that has ended is nothing for ever; no row says the same.
        if matches!(account, Account::Escrow(_)) && *amount == 0 {
            empty.push(Value::from(holder_of(&account)));
        } else {
            kept.extend([
                Value::from(account_code(&account)),
                Value::from(holder_of(&account)),
                Value::from(*amount),
            ]);
        }
    }
    tx.write_rows(&BALANCE, kept).await?;
    let sql = format!("DELETE FROM balance WHERE account = {ESCROW} AND holder IN ");
    tx.run_in(&sql, &empty).await
}

/// Lines in the order they lie in, so that each page is touched once; a stable sort keeps their sequence.
async fn store_lines(tx: &mut Tx, rows: &mut Rows) -> Done {
    let mut seats = std::mem::take(&mut rows.new_wallet_lines);
    seats.sort_by_key(|(member, _)| *member);
    let seats = seats.into_iter().flat_map(|(_, line)| line);
    tx.write_rows(&WALLET_LINE, seats.collect()).await?;
    let mut rewards = std::mem::take(&mut rows.new_reward_lines);
    rewards.sort_by_key(|(member, _, _)| *member);
    let rewards = rewards
        .into_iter()
        .flat_map(|(_, line, reward)| line.into_iter().chain(reward));
    tx.write_rows(&REWARD_LINE, rewards.collect()).await?;
    let mut ledger = std::mem::take(&mut rows.new_ledger_lines);
    ledger.sort_by_key(|(account, _)| *account);
    let ledger = ledger.into_iter().flat_map(|(_, line)| line);
    tx.write_rows(&LEDGER_LINE, ledger.collect()).await
}
