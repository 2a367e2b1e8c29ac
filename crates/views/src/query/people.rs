//! Plans and agents.

use domain::{MemberId, PlanTerms, Region};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::{Columns, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::rows::{AgentRow, At, PlanRow};

impl Views {
    /// Every published plan, the newest first. Plan 1, which every installation has, is not among them.
    pub async fn plans(&self) -> Result<At<Vec<PlanRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT id, published_at, terms FROM plan ORDER BY id DESC";
            let rows = tx.rows(sql, Vec::new()).await?;
            let plans = rows.iter().map(plan).collect::<Result<_, _>>()?;
            Ok(at(seq, plans))
        };
        read.await.map_err(failed("list the plans"))
    }

    /// All agents, by region.
    pub async fn agents(&self, page: Page) -> Result<At<List<AgentRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT region, member, at FROM agent WHERE ? < region AND member IS NOT NULL \
                ORDER BY region LIMIT ?";
            let values = vec![page.beyond().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(agent).collect::<Result<Vec<_>, _>>()?;
            let list = List::of(items, page, |row| Cursor(i64::from(row.region.code()), 0));
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list the agents"))
    }
}

fn plan(row: &AnyRow) -> Result<PlanRow, sqlx::Error> {
    let bytes: Vec<u8> = row.blob("terms")?;
    let terms: PlanTerms = minicbor::decode(&bytes)
        .map_err(|error| unreadable("terms", format!("the terms cannot be read: {error}")))?;
    Ok(PlanRow {
        plan: row.u32("id")?,
        terms,
        published_at: read::millis(row, "published_at")?,
    })
}

fn agent(row: &AnyRow) -> Result<AgentRow, sqlx::Error> {
    Ok(AgentRow {
        region: read_region(row, "region")?,
        member: read::member(row, "member")?,
        since: read::millis(row, "at")?,
    })
}

/// A region's code.
pub(crate) fn read_region(row: &AnyRow, column: &'static str) -> Result<Region, sqlx::Error> {
    let code = row.u32(column)?;
    let region = format!("{code:06}").parse();
    region.map_err(|_| unreadable(column, format!("{code} is no region")))
}

/// A member's row in the tables of people: used by the comparison with a replay.
pub(crate) fn member_of(row: &AnyRow) -> Result<MemberId, sqlx::Error> {
    read::member(row, "member")
}
