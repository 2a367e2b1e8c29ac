//! Merchants, their contracts, stores and campaigns, and the lines of their accounts.

use domain::{
    CampaignId, Contract, CounterId, GroupId, MerchantAccount, MerchantId, Millis, OrderId, StoreId,
};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::code::event_name;
use crate::db::{Columns, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::At;

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantRow {
    /// His number.
    pub id: MerchantId,
    /// Names his row in the directory.
    pub token: [u8; 16],
    /// When he was admitted.
    pub admitted_at: Millis,
    /// Whether he begins nothing new.
    pub suspended: bool,
}

/// One contract of a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRow {
    /// Which, from 1.
    pub version: u32,
    /// From when on.
    pub at: Millis,
    /// What was agreed.
    pub terms: Contract,
}

/// One store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRow {
    /// Its number.
    pub id: StoreId,
    /// Whose.
    pub merchant: MerchantId,
    /// Names its row in the directory.
    pub token: [u8; 16],
    /// When it was opened.
    pub at: Millis,
}

/// A line of one of a merchant's accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantLine {
    /// The record.
    pub seq: u64,
    /// Which line of its record.
    pub line_no: u32,
    /// When.
    pub at: Millis,
    /// Which account.
    pub account: MerchantAccount,
    /// Debits above zero, in fen.
    pub amount: i64,
    /// By which event.
    pub event: &'static str,
    /// About which group.
    pub group: Option<GroupId>,
    /// About which order.
    pub order: Option<OrderId>,
    /// About which payment at a counter.
    pub counter: Option<CounterId>,
}

const MERCHANTS: &str = "SELECT m.id, m.token, m.admitted_at, COALESCE(s.suspended, 0) AS suspended \
    FROM merchant m LEFT JOIN merchant_suspended s ON s.merchant = m.id";

impl Views {
    /// All merchants by number.
    pub async fn merchants(&self, page: Page) -> Result<At<List<MerchantRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{MERCHANTS} WHERE ? < m.id ORDER BY m.id LIMIT ?");
            let values = vec![page.beyond().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(merchant).collect::<Result<Vec<_>, _>>()?;
            let list = List::of(items, page, |row| Cursor(i64::from(row.id.0), 0));
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list the merchants"))
    }

    /// One merchant.
    pub async fn merchant(&self, id: MerchantId) -> Result<At<Option<MerchantRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{MERCHANTS} WHERE m.id = ?"), vec![id.0.into()])
                .await?;
            Ok(at(seq, row.as_ref().map(merchant).transpose()?))
        };
        read.await.map_err(failed("read a merchant"))
    }

    /// All contracts of a merchant, the newest first.
    pub async fn contracts(
        &self,
        merchant: MerchantId,
    ) -> Result<At<Vec<ContractRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql =
                "SELECT version, at, terms FROM contract WHERE merchant = ? ORDER BY version DESC";
            let rows = tx.rows(sql, vec![merchant.0.into()]).await?;
            let rows = rows.iter().map(contract).collect::<Result<_, _>>()?;
            Ok(at(seq, rows))
        };
        read.await.map_err(failed("list a merchant's contracts"))
    }

    /// All stores of a merchant.
    pub async fn stores(&self, merchant: MerchantId) -> Result<At<Vec<StoreRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT id, merchant, token, at FROM store WHERE merchant = ? ORDER BY id";
            let rows = tx.rows(sql, vec![merchant.0.into()]).await?;
            let rows = rows.iter().map(store).collect::<Result<_, _>>()?;
            Ok(at(seq, rows))
        };
        read.await.map_err(failed("list a merchant's stores"))
    }

    /// All campaigns of a merchant, the newest first.
    pub async fn campaigns_of(
        &self,
        merchant: MerchantId,
    ) -> Result<At<Vec<CampaignId>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql =
                "SELECT campaign FROM merchant_campaign WHERE merchant = ? ORDER BY campaign DESC";
            let rows = tx.rows(sql, vec![merchant.0.into()]).await?;
            let ids = rows.iter().map(|row| row.u32("campaign").map(CampaignId));
            Ok(at(seq, ids.collect::<Result<_, _>>()?))
        };
        read.await.map_err(failed("list a merchant's campaigns"))
    }

    /// Lines of a merchant's accounts, newest first.
    pub async fn merchant_lines(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<At<List<MerchantLine>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let before = page.before();
            let sql = "SELECT * FROM merchant_line WHERE merchant = ? \
                AND (seq < ? OR (seq = ? AND line_no < ?)) ORDER BY seq DESC, line_no DESC LIMIT ?";
            let values = vec![
                merchant.0.into(),
                before.0.into(),
                before.0.into(),
                before.1.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            let list = List::of(items, page, |row| {
                let seq = i64::try_from(row.seq).unwrap_or(i64::MAX);
                Cursor(seq, i64::from(row.line_no))
            });
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list a merchant's lines"))
    }
}

pub(crate) fn merchant(row: &AnyRow) -> Result<MerchantRow, sqlx::Error> {
    Ok(MerchantRow {
        id: MerchantId(row.u32("id")?),
        token: token(row)?,
        admitted_at: read::millis(row, "admitted_at")?,
        suspended: row.int("suspended")? != 0,
    })
}

fn token(row: &AnyRow) -> Result<[u8; 16], sqlx::Error> {
    let bytes: Vec<u8> = row.blob("token")?;
    bytes
        .try_into()
        .map_err(|_| unreadable("token", "it has not 16 bytes".to_owned()))
}

pub(crate) fn contract(row: &AnyRow) -> Result<ContractRow, sqlx::Error> {
    let terms = minicbor::decode(&row.blob("terms")?)
        .map_err(|error| unreadable("terms", format!("the contract cannot be read: {error}")))?;
    Ok(ContractRow {
        version: row.u32("version")?,
        at: read::millis(row, "at")?,
        terms,
    })
}

pub(crate) fn store(row: &AnyRow) -> Result<StoreRow, sqlx::Error> {
    Ok(StoreRow {
        id: StoreId(row.u32("id")?),
        merchant: MerchantId(row.u32("merchant")?),
        token: token(row)?,
        at: read::millis(row, "at")?,
    })
}

pub(crate) fn line(row: &AnyRow) -> Result<MerchantLine, sqlx::Error> {
    let domain::Account::Merchant(account, _) = read::account(row)? else {
        return Err(unreadable("account", "it is no merchant's".to_owned()));
    };
    let event = row.int("event")?;
    Ok(MerchantLine {
        seq: row.u64("seq")?,
        line_no: row.u32("line_no")?,
        at: read::millis(row, "at")?,
        account,
        amount: row.int("amount")?,
        event: event_name(event)
            .ok_or_else(|| unreadable("event", format!("unknown number {event}")))?,
        group: row.maybe_u64("group_id")?.map(GroupId),
        order: row.maybe_u64("order_id")?.map(OrderId),
        counter: row.maybe_u64("counter")?.map(CounterId),
    })
}
