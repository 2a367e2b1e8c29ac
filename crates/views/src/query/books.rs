//! The books: trial balance, ledger, counts.

use domain::{Account, Money};

use super::{Views, at, read};
use crate::code::{account_code, account_named, accounts, holder_of};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, Counts, LedgerRow, TrialRow};

/// Which lines of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Only those of this kind of account.
    pub account: Option<String>,
    /// Only those of this member or group; needs `account`.
    pub holder: Option<u64>,
}

impl Views {
    /// The sum of every kind of account, in the order of the chart. Debits are above zero; each asset's rows add
    /// up to zero.
    pub async fn trial_balance(&self) -> Result<At<Vec<TrialRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let rows = tx
                .rows(
                    "SELECT account, CAST(SUM(amount) AS BIGINT) AS total, \
                     CAST(SUM(CASE WHEN 0 < amount THEN amount ELSE 0 END) AS BIGINT) AS above FROM balance \
                     GROUP BY account ORDER BY account",
                    Vec::new(),
                )
                .await?;
            let mut trial = Vec::with_capacity(rows.len());
            for row in &rows {
                let account = read::account(row)?;
                trial.push(TrialRow {
                    account: account.name().to_owned(),
                    asset: account.asset(),
                    amount: row.int("total")?,
                    above: row.int("above")?,
                });
            }
            Ok(at(seq, trial))
        };
        read.await.map_err(failed("read the trial balance"))
    }

    /// The balance of one account; debits above zero.
    pub async fn balance(&self, account: Account) -> Result<At<i64>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(
                    "SELECT amount FROM balance WHERE account = ? AND holder = ?",
                    vec![account_code(&account).into(), holder_of(&account).into()],
                )
                .await?;
            Ok(at(
                seq,
                row.map(|row| row.int("amount")).transpose()?.unwrap_or(0),
            ))
        };
        read.await.map_err(failed("read a balance"))
    }

    /// Lines of the ledger, newest first.
    pub async fn ledger(
        &self,
        filter: &LedgerFilter,
        page: Page,
    ) -> Result<At<List<LedgerRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let accounts: Vec<i64> = match &filter.account {
                Some(name) => account_named(name).into_iter().collect(),
                None => accounts().map(|(code, _)| code).collect(),
            };
            let holder = filter.holder.filter(|_| filter.account.is_some());
            let mut items = Vec::new();
            for account in accounts {
                items.extend(lines_of(&mut tx, account, holder, page).await?);
            }
            items.sort_by_key(|row| std::cmp::Reverse((row.seq, row.line_no)));
            items.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
            Ok(at(
                seq,
                List::of(items, page, |row| line_key(row.seq, row.line_no)),
            ))
        };
        read.await.map_err(failed("read the ledger"))
    }

    /// How many there are of what.
    pub async fn counts(&self) -> Result<At<Counts>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(
                    "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM member) AS members, \
                     (SELECT CAST(COUNT(*) AS BIGINT) FROM campaign WHERE id < 2147483648) AS campaigns, \
                     (SELECT CAST(COUNT(*) AS BIGINT) FROM group_ WHERE state = 'open') AS open_groups, \
                     (SELECT CAST(COUNT(*) AS BIGINT) FROM group_ WHERE state = 'full') AS full_groups, \
                     (SELECT CAST(COUNT(*) AS BIGINT) FROM order_ WHERE state = 'paid') AS to_ship, \
                     (SELECT CAST(COUNT(*) AS BIGINT) FROM refund WHERE state = 'due') AS due, \
                     (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund WHERE state = 'due') AS due_amount",
                    Vec::new(),
                )
                .await?
                .ok_or(sqlx::Error::RowNotFound)?;
            let counts = Counts {
                members: row.u64("members")?,
                campaigns: row.u64("campaigns")?,
                open_groups: row.u64("open_groups")?,
                full_groups: row.u64("full_groups")?,
                orders_to_ship: row.u64("to_ship")?,
                refunds_due: row.u64("due")?,
                refunds_due_amount: Money(row.int("due_amount")?),
            };
            Ok(at(seq, counts))
        };
        read.await.map_err(failed("count"))
    }
}

pub(super) fn line_key(seq: u64, line_no: u32) -> Cursor {
    Cursor(i64::try_from(seq).unwrap_or(i64::MAX), i64::from(line_no))
}

/// The newest lines of one kind of account. Lines lie by account, so that each is written in one place.
async fn lines_of(
    tx: &mut Tx,
    account: i64,
    holder: Option<u64>,
    page: Page,
) -> Result<Vec<LedgerRow>, sqlx::Error> {
    let Cursor(before, line) = page.before();
    let mut sql = String::from("SELECT * FROM ledger_line WHERE account = ?");
    let mut values: Vec<Value> = vec![account.into()];
    if let Some(holder) = holder {
        sql.push_str(" AND holder = ? AND holder >= 0");
        values.push(holder.into());
    }
    sql.push_str(
        " AND seq <= ? AND (seq < ? OR line_no < ?) ORDER BY seq DESC, line_no DESC LIMIT ?",
    );
    values.extend([
        before.into(),
        before.into(),
        line.into(),
        page.fetch().into(),
    ]);
    let rows = tx.rows(sql, values).await?;
    rows.iter().map(read::ledger_line).collect()
}
