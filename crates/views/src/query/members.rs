//! Members.

use domain::{Coins, MemberId, Money};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::code::{MEMBERS_ACCOUNTS, account_of};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::names::WalletAccount;
use crate::page::{Cursor, List, Page};
use crate::rows::{At, MemberRow};

impl Views {
    /// All members with their money, oldest first.
    pub async fn members(&self, page: Page) -> Result<At<List<MemberRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let rows = tx
                .rows(
                    format!("{MEMBER} WHERE ? < m.id ORDER BY m.id LIMIT ?"),
                    vec![page.beyond().0.into(), page.fetch().into()],
                )
                .await?;
            let items = rows.iter().map(member).collect::<Result<Vec<_>, _>>()?;
            let mut list = List::of(items, page, |row| Cursor(i64::from(row.id.0), 0));
            fill(&mut tx, &mut list.items).await?;
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list the members"))
    }

    /// One member with his money.
    pub async fn member(&self, id: MemberId) -> Result<At<Option<MemberRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{MEMBER} WHERE m.id = ?"), vec![id.0.into()])
                .await?;
            let mut found = row.iter().map(member).collect::<Result<Vec<_>, _>>()?;
            fill(&mut tx, &mut found).await?;
            Ok(at(seq, found.pop()))
        };
        read.await.map_err(failed("read a member"))
    }
}

const MEMBER: &str = "SELECT m.id, m.inviter, m.registered_at, m.settled_seats, m.won_seats, \
    (SELECT w.balance FROM wallet_line w WHERE w.member = m.id AND w.account = 2 \
    ORDER BY w.seq DESC, w.line_no DESC LIMIT 1) AS in_groups FROM member m ";

fn member(row: &AnyRow) -> Result<MemberRow, sqlx::Error> {
    Ok(MemberRow {
        id: MemberId(row.u32("id")?),
        inviter: read::maybe_member(row, "inviter")?,
        registered_at: read::millis(row, "registered_at")?,
        available: Money::ZERO,
        vesting: Money::ZERO,
        in_groups: Money(read::in_groups(row)?),
        refunds_due: Money::ZERO,
        coins: Coins::ZERO,
        vesting_coins: Coins::ZERO,
        settled_seats: row.u64("settled_seats")?,
        won_seats: row.u64("won_seats")?,
        active_invitees: 0,
    })
}

/// Adds what stands in other tables.
async fn fill(tx: &mut Tx, members: &mut [MemberRow]) -> Result<(), sqlx::Error> {
    let keys: Vec<Value> = members.iter().map(|row| row.id.0.into()).collect();
    let sql = format!(
        "SELECT account, holder, amount FROM balance WHERE account IN {MEMBERS_ACCOUNTS} AND holder IN "
    );
    for balance in &tx.rows_in(&sql, &keys).await? {
        let (code, holder) = (balance.int("account")?, balance.int("holder")?);
        let amount = balance.int("amount")?;
        let Some((account, id)) = account_of(code, holder)
            .as_ref()
            .and_then(WalletAccount::of_account)
        else {
            continue;
        };
        for member in members.iter_mut().filter(|row| row.id == id) {
            match account {
                WalletAccount::Available => member.available = domain::owed(amount),
                WalletAccount::Vesting => member.vesting = domain::owed(amount),
                WalletAccount::Coins => member.coins = domain::owed_coins(amount),
                WalletAccount::VestingCoins => member.vesting_coins = domain::owed_coins(amount),
                WalletAccount::InGroups | WalletAccount::BoughtCoins => {}
            }
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let marks = vec!["?"; keys.len()].join(",");
    let sql = format!(
        "SELECT member, CAST(SUM(amount) AS BIGINT) AS total FROM refund \
         WHERE state = 'due' AND member IN ({marks}) GROUP BY member"
    );
    for row in tx.rows(sql, keys.clone()).await? {
        let (id, total) = (read::member(&row, "member")?, Money(row.int("total")?));
        members
            .iter_mut()
            .filter(|row| row.id == id)
            .for_each(|row| row.refunds_due = total);
    }
    let sql = format!(
        "SELECT inviter, CAST(COUNT(*) AS BIGINT) AS active FROM member \
         WHERE 0 < settled_seats AND inviter IN ({marks}) GROUP BY inviter"
    );
    for row in tx.rows(sql, keys).await? {
        let (id, active) = (MemberId(row.u32("inviter")?), row.u64("active")?);
        members
            .iter_mut()
            .filter(|row| row.id == id)
            .for_each(|row| row.active_invitees = active);
    }
    Ok(())
}
