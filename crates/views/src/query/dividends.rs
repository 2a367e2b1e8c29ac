//! Dividend pools that have closed, and what members got of them.

use domain::{MemberId, Money, ProgramKind};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, DividendClose, DividendPayment, WalletLine};

const CLOSE: &str = "SELECT c.plan, c.until, c.since, c.seq AS close_seq, c.at AS close_at, c.pool, \
    c.weight AS total, c.members FROM dividend_close c ";
const PAID: &str = "SELECT c.plan, c.until, c.since, c.seq AS close_seq, c.at AS close_at, c.pool, \
    c.weight AS total, c.members, p.member, p.seq, p.at, p.weight, p.amount \
    FROM dividend_paid p JOIN dividend_close c ON c.plan = p.plan AND c.until = p.until ";

impl Views {
    /// Pools that have closed, the last one first.
    pub async fn dividend_closes(&self, page: Page) -> Result<At<List<DividendClose>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{CLOSE} WHERE c.seq < ? ORDER BY c.seq DESC LIMIT ?");
            let values = vec![page.before().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(close).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &DividendClose| Cursor(i64::try_from(row.seq).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list closed dividend pools"))
    }

    /// What a member got of such pools, newest first.
    pub async fn member_dividends(
        &self,
        member: MemberId,
        page: Page,
    ) -> Result<At<List<DividendPayment>>, StoreError> {
        let sql = format!("{PAID} WHERE p.member = ? AND p.seq < ? ORDER BY p.seq DESC LIMIT ?");
        let values = vec![member.0.into(), page.before().0.into(), page.fetch().into()];
        let key = |row: &DividendPayment| Cursor(i64::try_from(row.seq).unwrap_or(i64::MAX), 0);
        self.dividends(sql, values, (page, key)).await
    }

    /// Who was paid what of the pool that this record closed, by member.
    pub async fn dividend_payments(
        &self,
        close: u64,
        page: Page,
    ) -> Result<At<List<DividendPayment>>, StoreError> {
        let sql = format!("{PAID} WHERE c.seq = ? AND ? < p.member ORDER BY p.member LIMIT ?");
        let values = vec![close.into(), page.beyond().0.into(), page.fetch().into()];
        let key = |row: &DividendPayment| Cursor(i64::from(row.member.0), 0);
        self.dividends(sql, values, (page, key)).await
    }

    async fn dividends(
        &self,
        sql: String,
        values: Vec<Value>,
        (page, key): (Page, impl Fn(&DividendPayment) -> Cursor),
    ) -> Result<At<List<DividendPayment>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list dividends"))
    }
}

/// Finds what explains the dividends among a wallet's lines: one record pays a member once.
pub(super) async fn explain(
    tx: &mut Tx,
    member: MemberId,
    lines: &mut [WalletLine],
) -> Result<(), sqlx::Error> {
    let is_dividend = |line: &&mut WalletLine| line.why.program == Some(ProgramKind::Dividend);
    for line in lines.iter_mut().filter(is_dividend) {
        let sql = format!("{PAID} WHERE p.member = ? AND p.seq = ?");
        let row = tx.row(sql, vec![member.0.into(), line.seq.into()]).await?;
        line.why.dividend = row.map(|row| payment(&row)).transpose()?.map(Box::new);
    }
    Ok(())
}

fn close(row: &AnyRow) -> Result<DividendClose, sqlx::Error> {
    Ok(DividendClose {
        plan: row.u32("plan")?,
        from: read::millis(row, "since")?,
        until: read::millis(row, "until")?,
        at: read::millis(row, "close_at")?,
        pool: Money(row.int("pool")?),
        weight: row.text("total")?,
        members: row.u64("members")?,
        seq: row.u64("close_seq")?,
    })
}

fn payment(row: &AnyRow) -> Result<DividendPayment, sqlx::Error> {
    Ok(DividendPayment {
        seq: row.u64("seq")?,
        member: read::member(row, "member")?,
        at: read::millis(row, "at")?,
        weight: row.u64("weight")?,
        amount: Money(row.int("amount")?),
        close: close(row)?,
    })
}
