//! Merchants, contracts, stores, campaigns, and that the lines of merchants' accounts are the ledger's.

use domain::{COUNTER_REFUNDS, CampaignId, MerchantId, StoreId, World};

use super::{Done, Found};
use crate::db::{Columns, Tx};
use crate::query::alliance::{contract, merchant, store};
use crate::query::counters::{SELECT as COUNTERS, counter};
use crate::query::statements::{SELECT as STATEMENTS, statement};

pub(super) async fn compare(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT m.id, m.token, m.admitted_at, COALESCE(s.suspended, 0) AS suspended \
        FROM merchant m LEFT JOIN merchant_suspended s ON s.merchant = m.id ORDER BY m.id";
    let rows = tx.rows(sql, Vec::new()).await?;
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    found.check(
        || "merchants".to_owned(),
        count(rows.len()),
        world.merchants(),
    );
    for row in &rows {
        let row = merchant(row)?;
        let known = world.merchant(row.id);
        found.check(
            || format!("merchant {}", row.id),
            Some((row.token, row.suspended)),
            known.map(|known| (known.token, known.suspended)),
        );
        let sql = "SELECT version, at, terms FROM contract WHERE merchant = ? ORDER BY version DESC LIMIT 1";
        let newest = tx.row(sql, vec![row.id.0.into()]).await?;
        let newest = newest.as_ref().map(contract).transpose()?;
        found.check(
            || format!("contract of merchant {}", row.id),
            newest.map(|row| (row.version, row.terms)),
            known.map(|known| (known.version, known.contract)),
        );
    }
    let rows = tx
        .rows("SELECT id, merchant, token, at FROM store", Vec::new())
        .await?;
    found.check(|| "stores".to_owned(), count(rows.len()), world.stores());
    for row in &rows {
        let row = store(row)?;
        found.check(
            || format!("store {}", row.id),
            Some((row.merchant, row.token)),
            world.store(StoreId(row.id.0)),
        );
    }
    campaigns(tx, world, found).await?;
    counters(tx, world, found).await?;
    statements(tx, world, found).await?;
    lines(tx, found).await
}

async fn campaigns(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT campaign, merchant FROM merchant_campaign";
    let rows = tx.rows(sql, Vec::new()).await?;
    let mut tied = std::collections::BTreeMap::new();
    for row in &rows {
        tied.insert(
            CampaignId(row.u32("campaign")?),
            MerchantId(row.u32("merchant")?),
        );
    }
    for campaign in (0..world.campaigns()).map(CampaignId) {
        found.check(
            || format!("merchant of campaign {campaign}"),
            tied.remove(&campaign),
            world.merchant_of(campaign),
        );
    }
    found.check(|| "merchants of no campaign".to_owned(), tied.len(), 0);
    Ok(())
}

/// All of them are counted; those that can still be taken back are compared, and those that wait.
async fn counters(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM counter_payment) AS paid";
    let row = tx.row(sql, Vec::new()).await?;
    let paid = row.map_or(Ok(0), |row| row.u64("paid"))?;
    let (name, count) = ("payments at counters", world.counter_payments());
    found.check(|| name.to_owned(), paid, count);
    let since = world.now().0.saturating_sub(COUNTER_REFUNDS.0);
    let sql = format!("{COUNTERS} WHERE ? < COALESCE(p.paid_at, p.at)");
    for row in tx.rows(sql, vec![since.into()]).await? {
        let row = counter(&row)?;
        let same = match (world.counter_payment(row.id), world.counter_awaited(row.id)) {
            (Some(known), _) => row.is(known, world.counter_txn(row.id)),
            (None, Some(waits)) => row.waits(waits),
            (None, None) => row.lapsed_at.is_some(),
        };
        found.check(|| format!("payment {} at a counter", row.id), same, true);
    }
    Ok(())
}

/// All of them; in the world are those that are not over.
async fn statements(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let rows = tx.rows(STATEMENTS.to_owned(), Vec::new()).await?;
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    found.check(|| "statements".to_owned(), count, world.statements());
    for row in &rows {
        let row = statement(row)?;
        let same = row.is(world.statement(row.id));
        found.check(|| format!("statement {}", row.id), same, true);
    }
    Ok(())
}

/// One line here for every line there, of the same amount.
async fn lines(tx: &mut Tx, found: &mut Found) -> Done {
    let sql = "SELECT l.seq, l.line_no FROM ledger_line l LEFT JOIN merchant_line m \
        ON m.merchant = l.holder AND m.seq = l.seq AND m.line_no = l.line_no \
        WHERE l.account IN (46, 47, 48, 49) AND (m.amount IS NULL OR m.amount <> l.amount \
        OR m.account <> l.account) LIMIT 100";
    for row in tx.rows(sql, Vec::new()).await? {
        let seq = row.u64("seq")?;
        found.check(|| format!("a merchant's line of record {seq}"), false, true);
    }
    let sql = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM merchant_line) AS shown, \
        (SELECT CAST(COUNT(*) AS BIGINT) FROM ledger_line WHERE account IN (46, 47, 48, 49)) AS told";
    if let Some(row) = tx.row(sql, Vec::new()).await? {
        found.check(
            || "lines of merchants".to_owned(),
            row.u64("shown")?,
            row.u64("told")?,
        );
    }
    Ok(())
}
