//! Merchants' statements with what they add up from: the lines of the merchant's accounts after the statement before, up to its own.

use domain::{MerchantAccount, MerchantId, Millis, Money, StatementId, StatementState};
use sqlx::any::AnyRow;

use super::alliance::{MerchantLine, line};
use super::{Views, at, read};
use crate::code::event_name;
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::At;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRow {
    /// Its number.
    pub id: StatementId,
    /// Whose.
    pub merchant: MerchantId,
    /// Which of his, from 1.
    pub number: u32,
    /// The record that drew it up, the last that it tells of.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// The record that drew up the one before, after which it begins; 0 if it is the first.
    pub after_seq: u64,
    /// When that was.
    pub after: Option<Millis>,
    /// All that was payable.
    pub payable: Money,
    /// What of it was set off against what he owed.
    pub set_off: Money,
    /// What he is to be paid.
    pub amount: Money,
    /// What he owes still.
    pub carried: Money,
    /// When it was confirmed.
    pub confirmed_at: Option<Millis>,
    /// When it was withdrawn, because something that it told of was taken back.
    pub withdrawn_at: Option<Millis>,
    /// How it was paid.
    pub paid: Option<StatementTransfer>,
}

impl StatementRow {
    /// How far it is.
    pub fn state(&self) -> StatementState {
        match (&self.paid, self.confirmed_at) {
            (None, None) if self.withdrawn_at.is_some() => StatementState::Withdrawn,
            (Some(_), _) => StatementState::Paid,
            (None, Some(_)) => StatementState::Confirmed,
            (None, None) => StatementState::Draft,
        }
    }
}

/// How a statement was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementTransfer {
    /// When that was noted.
    pub at: Millis,
    /// What the bank calls it.
    pub reference: String,
    /// The midnight of Shanghai with which its day begins.
    pub on: Millis,
}

/// What one of the accounts held before a statement, and what its lines of one kind add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementSum {
    /// Which account.
    pub account: MerchantAccount,
    /// By which event; none: what stood there before.
    pub event: Option<&'static str>,
    /// How many lines.
    pub lines: u64,
    /// Debits above zero, in fen.
    pub amount: i64,
}

pub(crate) const SELECT: &str = "SELECT s.id, s.merchant, s.number, s.seq, s.at, s.payable, s.set_off, s.amount, s.carried, \
    COALESCE(b.seq, 0) AS after_seq, b.at AS after_at, c.at AS confirmed_at, w.at AS withdrawn_at, \
    p.at AS paid_at, p.reference, p.on_day FROM statement s \
    LEFT JOIN statement b ON b.merchant = s.merchant AND b.number = s.number - 1 \
    LEFT JOIN statement_confirmed c ON c.id = s.id LEFT JOIN statement_withdrawn w ON w.id = s.id LEFT JOIN statement_paid p ON p.id = s.id";

impl Views {
    /// Statements, newest first; of one merchant, or of all.
    pub async fn statements(
        &self,
        merchant: Option<MerchantId>,
        page: Page,
    ) -> Result<At<List<StatementRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let mut values: Vec<Value> = vec![page.before().0.into()];
            let whose = match merchant {
                Some(merchant) => {
                    values.push(merchant.0.into());
                    "AND s.merchant = ?"
                }
                None => "",
            };
            values.push(page.fetch().into());
            let sql = format!("{SELECT} WHERE s.id < ? {whose} ORDER BY s.id DESC LIMIT ?");
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(statement).collect::<Result<Vec<_>, _>>()?;
            let list = List::of(items, page, |row| Cursor(i64::from(row.id.0), 0));
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list statements"))
    }

    /// One statement.
    pub async fn statement(&self, id: StatementId) -> Result<At<Option<StatementRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{SELECT} WHERE s.id = ?");
            let row = tx.row(sql, vec![id.0.into()]).await?;
            Ok(at(seq, row.as_ref().map(statement).transpose()?))
        };
        read.await.map_err(failed("read a statement"))
    }

    /// What the merchant's accounts held before the statement, and its lines by account and kind. Together they are what
    /// the accounts held when it was drawn up.
    pub async fn statement_sums(
        &self,
        statement: &StatementRow,
    ) -> Result<At<Vec<StatementSum>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let whose = Value::from(statement.merchant.0);
            let (after, until) = (Value::from(statement.after_seq), Value::from(statement.seq));
            let columns = "CAST(COUNT(*) AS BIGINT) AS found, CAST(SUM(amount) AS BIGINT) AS amount FROM merchant_line WHERE merchant = ?";
            let sql = format!(
                "SELECT account, NULL AS event, {columns} AND seq <= ? GROUP BY account ORDER BY account"
            );
            let mut rows = tx.rows(sql, vec![whose.clone(), after.clone()]).await?;
            let sql = format!(
                "SELECT account, event, {columns} AND ? < seq AND seq <= ? GROUP BY account, event ORDER BY account, event"
            );
            rows.extend(tx.rows(sql, vec![whose, after, until]).await?);
            let sums = rows.iter().map(sum).collect::<Result<_, _>>()?;
            Ok(at(seq, sums))
        };
        read.await.map_err(failed("add up a statement"))
    }

    /// Lines of a statement after one of them, oldest first.
    pub async fn statement_lines(
        &self,
        statement: &StatementRow,
        after: Option<(u64, u32)>,
        limit: u32,
    ) -> Result<At<Vec<MerchantLine>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let (from, line_no) = match after {
                Some((seq, line_no)) => (seq, i64::from(line_no)),
                None => (statement.after_seq, i64::MAX),
            };
            let sql = "SELECT * FROM merchant_line WHERE merchant = ? AND (? < seq OR (seq = ? AND ? < line_no)) \
                AND seq <= ? ORDER BY seq, line_no LIMIT ?";
            let values = vec![
                statement.merchant.0.into(),
                from.into(),
                from.into(),
                line_no.into(),
                statement.seq.into(),
                limit.into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, items))
        };
        read.await.map_err(failed("list the lines of a statement"))
    }
}

fn sum(row: &AnyRow) -> Result<StatementSum, sqlx::Error> {
    let domain::Account::Merchant(account, _) = read::account(row)? else {
        return Err(unreadable("account", "it is no merchant's".to_owned()));
    };
    let event = match row.maybe_u64("event")? {
        None => None,
        Some(code) => {
            let code = i64::try_from(code).unwrap_or(i64::MAX);
            let name = event_name(code);
            Some(name.ok_or_else(|| unreadable("event", format!("unknown number {code}")))?)
        }
    };
    Ok(StatementSum {
        account,
        event,
        lines: row.u64("found")?,
        amount: row.int("amount")?,
    })
}

pub(crate) fn statement(row: &AnyRow) -> Result<StatementRow, sqlx::Error> {
    let paid = match read::maybe_millis(row, "paid_at")? {
        None => None,
        Some(at) => Some(StatementTransfer {
            at,
            reference: row.text("reference")?,
            on: read::millis(row, "on_day")?,
        }),
    };
    Ok(StatementRow {
        id: StatementId(row.u32("id")?),
        merchant: MerchantId(row.u32("merchant")?),
        number: row.u32("number")?,
        seq: row.u64("seq")?,
        at: read::millis(row, "at")?,
        after_seq: row.u64("after_seq")?,
        after: read::maybe_millis(row, "after_at")?,
        payable: Money(row.int("payable")?),
        set_off: Money(row.int("set_off")?),
        amount: Money(row.int("amount")?),
        carried: Money(row.int("carried")?),
        confirmed_at: read::maybe_millis(row, "confirmed_at")?,
        withdrawn_at: read::maybe_millis(row, "withdrawn_at")?,
        paid,
    })
}

impl StatementRow {
    /// Whether the world tells the same of it while it is not over; none of the world: it is over.
    pub(crate) fn is(&self, known: Option<&domain::Statement>) -> bool {
        let Some(known) = known else {
            return match self.state() {
                StatementState::Draft => false,
                StatementState::Confirmed => !self.amount.is_positive(),
                StatementState::Paid | StatementState::Withdrawn => true,
            };
        };
        let told = &known.drafted;
        (self.id, self.merchant, self.number) == (told.statement, told.merchant, told.number)
            && (self.payable, self.set_off) == (told.payable, told.set_off)
            && (self.amount, self.carried) == (told.amount, told.carried)
            && (self.at, self.state()) == (known.at, known.state)
    }
}
