//! Tables of treats: a store's, and one by its number.

use domain::{
    CampaignId, GroupId, GroupState, MerchantId, Millis, Money, StoreId, TableBill, TableId,
    TableView,
};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::code::Code;
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::names::{WalletAccount, WhyKind};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, Earned};

/// Whose tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TablesOf {
    /// Those of one store.
    Store(StoreId),
    /// Those of all stores of a merchant.
    Merchant(MerchantId),
    /// All.
    All,
}

const OF_STORE: &str = "t.store = ? AND";
const OF_MERCHANT: &str = "t.store IN (SELECT id FROM store WHERE merchant = ?) AND";

/// A table with its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// What was opened.
    pub table: TableView,
    /// When.
    pub at: Millis,
    /// How its group stands, its paid seats and the places held in it; none: nobody has sat down yet.
    pub group: Option<(GroupState, u32, u32)>,
}

pub(crate) const SELECT: &str = "SELECT t.id, t.template, t.store, t.bill, t.seats, t.token, t.at, t.expires_at, t.circle, \
    x.at AS cancelled_at, g.id AS group_id, g.state, g.paid, g.held FROM treat_table t \
    LEFT JOIN treat_cancelled x ON x.id = t.id LEFT JOIN group_ g ON g.campaign = t.id + 2147483648";

/// The newest settled tables of a template; a hundred of them tell enough.
const NEWEST: &str = "SELECT t.id FROM treat_table t JOIN group_ g ON g.campaign = t.id + 2147483648 \
    WHERE t.template = ? AND g.state = 'settled' ORDER BY t.id DESC LIMIT 100";

/// What each guest of these tables has earned at all tables of the template.
fn earned_sql() -> String {
    let guests = "SELECT DISTINCT s.member FROM treat_table t JOIN group_ g ON g.campaign = t.id + 2147483648 \
        JOIN seat s ON s.group_id = g.id WHERE t.template = ? AND ? <= t.id AND g.state = 'settled' AND s.seat_no IS NOT NULL";
    format!(
        "SELECT p.member AS member, (SELECT CAST(COALESCE(SUM(w.amount), 0) AS BIGINT) FROM wallet_line w \
         JOIN treat_table o ON o.id = w.campaign - 2147483648 WHERE w.member = p.member AND w.account IN ({}, {}) \
         AND o.template = ? AND w.kind IN ({}, {})) AS earned FROM ({guests}) p ORDER BY earned, member",
        WalletAccount::Available.code(),
        WalletAccount::Vesting.code(),
        WhyKind::Consolation.code(),
        WhyKind::Reward.code(),
    )
}

impl Views {
    /// Tables of a store, of all of a merchant's, or all there are, newest first.
    pub async fn tables(&self, of: TablesOf, page: Page) -> Result<At<List<TableRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let (whose, mut values): (_, Vec<Value>) = match of {
                TablesOf::Store(store) => (OF_STORE, vec![store.0.into()]),
                TablesOf::Merchant(merchant) => (OF_MERCHANT, vec![merchant.0.into()]),
                TablesOf::All => ("", Vec::new()),
            };
            let sql = format!("{SELECT} WHERE {whose} t.id < ? ORDER BY t.id DESC LIMIT ?");
            values.extend([page.before().0.into(), page.fetch().into()]);
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(table).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &TableRow| Cursor(i64::from(row.table.table.0), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list tables"))
    }

    /// What the guests of a template's newest settled tables earned at all its tables, in cash: the one in the middle, the lower
    /// of two.
    pub async fn earned_at_tables(&self, template: CampaignId) -> Result<At<Earned>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let counted: Value = template.0.into();
            let rows = tx.rows(NEWEST, vec![counted.clone()]).await?;
            let oldest = match rows.last() {
                Some(row) => row.int("id")?,
                None => return Ok(at(seq, Earned::default())),
            };
            let groups = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let values = vec![counted.clone(), counted, oldest.into()];
            let rows = tx.rows(earned_sql(), values).await?;
            let middle = rows.len().saturating_sub(1) / 2;
            let median = match rows.get(middle) {
                Some(row) => Money(row.int("earned")?),
                None => Money::ZERO,
            };
            let earned = Earned {
                groups,
                members: u64::try_from(rows.len()).unwrap_or(u64::MAX),
                median,
            };
            Ok(at(seq, earned))
        };
        read.await
            .map_err(failed("count what a template's guests earned"))
    }

    /// One table.
    pub async fn table(&self, id: TableId) -> Result<At<Option<TableRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{SELECT} WHERE t.id = ?"), vec![id.0.into()])
                .await?;
            Ok(at(seq, row.as_ref().map(table).transpose()?))
        };
        read.await.map_err(failed("read a table"))
    }
}

/// A row with what became of it.
pub(crate) fn table(row: &AnyRow) -> Result<TableRow, sqlx::Error> {
    let token: Vec<u8> = row.blob("token")?;
    let token = token
        .try_into()
        .map_err(|_| unreadable("token", "it has not 16 bytes".to_owned()))?;
    let group = row.maybe_u64("group_id")?.map(GroupId);
    let state = match group {
        None => None,
        Some(_) => Some((
            read::word(row, "state")?,
            row.u32("paid")?,
            row.u32("held")?,
        )),
    };
    Ok(TableRow {
        table: TableView {
            table: TableId(row.u32("id")?),
            template: CampaignId(row.u32("template")?),
            store: StoreId(row.u32("store")?),
            bill: TableBill {
                bill: Money(row.int("bill")?),
                seats: row.u32("seats")?,
            },
            token,
            expires_at: read::millis(row, "expires_at")?,
            group,
            cancelled: read::maybe_millis(row, "cancelled_at")?.is_some(),
            circle: row.maybe_u64("circle")?.map(GroupId),
        },
        at: read::millis(row, "at")?,
        group: state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::steps_of;

    /// A store's list costs what is on it, however many groups there are.
    #[tokio::test]
    async fn a_tables_group_is_looked_up_by_its_campaign() {
        for whose in [OF_STORE, OF_MERCHANT] {
            let sql = format!("{SELECT} WHERE {whose} t.id < ? ORDER BY t.id DESC LIMIT ?");
            let steps = steps_of(&sql, 3).await;
            let found = |wanted: &str| steps.iter().any(|step| step.starts_with(wanted));
            assert!(found("SEARCH t USING INDEX treat_table_store"), "{steps:?}");
            assert!(found("SEARCH g USING INDEX group_campaign"), "{steps:?}");
        }
        for sql in [NEWEST.to_owned(), earned_sql()] {
            let steps = steps_of(&sql, sql.matches('?').count()).await;
            let scanned = |step: &String| step.starts_with("SCAN t") || step.starts_with("SCAN w");
            assert!(!steps.iter().any(scanned), "{steps:?}");
        }
    }
}
