//! Plans, ranks, regions, agents and who is frozen.

use std::collections::BTreeMap;

use domain::{MemberId, PlanTerms, World};

use super::{CHUNK_ROWS, Done, Found};
use crate::db::{Columns, Tx};
use crate::query::people::{member_of, read_region};

pub(super) async fn compare(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    plans(tx, world, found).await?;
    ranks(tx, world, found).await?;
    members(tx, world, found).await?;
    agents(tx, world, found).await
}

async fn plans(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let rows = tx
        .rows("SELECT id, terms FROM plan ORDER BY id", Vec::new())
        .await?;
    let newest = u64::from(world.newest_plan());
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    found.check(|| "plans".to_owned(), count.saturating_add(1), newest);
    for row in &rows {
        let plan = row.u32("id")?;
        let terms: Option<PlanTerms> = minicbor::decode(&row.blob("terms")?).ok();
        found.check(
            || format!("terms of plan {plan}"),
            terms.as_ref(),
            world.plan(plan),
        );
    }
    Ok(())
}

/// Ranks of nobody known, and ranks that no row says, are differences, too.
async fn ranks(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    for plan in 1..=world.newest_plan() {
        let mut shown = BTreeMap::new();
        let mut after = -1;
        loop {
            let sql = "SELECT member, rank, is_set FROM member_rank WHERE plan = ? AND ? < member \
                ORDER BY member LIMIT ?";
            let values = vec![plan.into(), after.into(), CHUNK_ROWS.into()];
            let rows = tx.rows(sql, values).await?;
            for row in &rows {
                after = row.int("member")?;
                let rank = (row.u32("rank")?, row.u32("is_set")?);
                shown.insert(member_of(row)?, rank);
            }
            if rows.is_empty() {
                break;
            }
        }
        for member in (0..world.members()).map(MemberId) {
            let known = (
                u32::from(world.rank(plan, member)),
                u32::from(world.rank_is_set(plan, member)),
            );
            let views = shown.remove(&member).unwrap_or_default();
            found.check(
                || format!("rank of member {member} by plan {plan}"),
                views,
                known,
            );
        }
        found.check(|| format!("ranks of nobody by plan {plan}"), shown.len(), 0);
    }
    Ok(())
}

async fn members(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let rows = tx
        .rows("SELECT member, region FROM member_region", Vec::new())
        .await?;
    let mut regions = BTreeMap::new();
    for row in &rows {
        regions.insert(member_of(row)?, read_region(row, "region")?);
    }
    let rows = tx
        .rows(
            "SELECT member FROM member_frozen WHERE frozen = 1",
            Vec::new(),
        )
        .await?;
    let mut frozen = std::collections::BTreeSet::new();
    for row in &rows {
        frozen.insert(member_of(row)?);
    }
    for member in (0..world.members()).map(MemberId) {
        let Some(known) = world.member(member) else {
            continue;
        };
        let views = (regions.remove(&member), frozen.remove(&member));
        let what = || format!("declared region of member {member}, and whether he is frozen");
        found.check(what, views, (known.declared, known.frozen));
    }
    let strangers = regions.len().saturating_add(frozen.len());
    found.check(|| "regions and freezes of nobody".to_owned(), strangers, 0);
    Ok(())
}

async fn agents(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT region, member FROM agent WHERE member IS NOT NULL ORDER BY region";
    let mut views = Vec::new();
    for row in &tx.rows(sql, Vec::new()).await? {
        views.push((read_region(row, "region")?, member_of(row)?));
    }
    found.check(|| "agents".to_owned(), views, world.agents().collect());
    Ok(())
}
