//! Dividend pools (rules 7): how they stand, how they closed, and who was paid what.

use axum::extract::State;
use domain::{PlanTerms, PoolView, World};

use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMember};
use crate::http::{Page, Params, PoolNumber, Result, Segment};
use crate::present::masked;
use crate::wire::{DividendLine, DividendPaidTo, List, PoolCard, PoolClose, Pools};

/// Every plan's pool and the last that have closed; nobody is named.
#[utoipa::path(get, path = "/dividends", tag = "me", params(Page), responses((status = 200, description = "Pools", body = Pools)))]
pub(crate) async fn pools(
    State(app): Shared,
    _: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<Pools>> {
    pools_of(&app, &query).await
}

/// Every plan's pool and the last that have closed.
#[utoipa::path(get, path = "/console/dividends", tag = "console", params(Page), responses((status = 200, description = "Pools", body = Pools)))]
pub(crate) async fn console_pools(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Viewed<Pools>> {
    pools_of(&app, &query).await
}

async fn pools_of(app: &App, query: &Page) -> Result<Viewed<Pools>> {
    app.reach(query.at_least).await?;
    let read = |world: &World| -> Vec<(PoolView, PlanTerms)> {
        let pools = world.dividend_pools().into_iter();
        let of_plan = pools.filter_map(|pool| Some((pool, world.plan(pool.plan)?.clone())));
        of_plan.collect()
    };
    let pools = app.query(read).await?;
    let page = query.of()?;
    let found = app
        .views
        .dividend_closes(page)
        .await
        .map_err(store_problem)?;
    let card = |(pool, terms): &(PoolView, PlanTerms)| PoolCard {
        plan: pool.plan,
        leader_rank: terms.leader_rank,
        shared: (&terms.dividend).into(),
        current: pool.current.into(),
        unpaid: pool.unpaid.into(),
        closes_at: pool.closes_at.map(Into::into),
    };
    let body = Pools {
        pools: pools.iter().map(card).collect(),
        items: found.value.items.iter().map(close).collect(),
        next: found.value.next.map(|next| next.to_string()),
    };
    Ok(Viewed(found.seq, body))
}

pub(crate) fn close(row: &views::DividendClose) -> PoolClose {
    PoolClose {
        id: row.seq.to_string(),
        plan: row.plan,
        from: row.from.into(),
        until: row.until.into(),
        closed_at: row.at.into(),
        pool: row.pool.into(),
        weight: row.weight.clone(),
        members: row.members.to_string(),
    }
}

/// What one member got of a pool.
pub(crate) fn line(row: &views::DividendPayment) -> DividendLine {
    DividendLine {
        at: row.at.into(),
        weight: row.weight.to_string(),
        amount: row.amount.into(),
        of: close(&row.close),
    }
}

/// The member's dividends with what explains each, newest first.
#[utoipa::path(get, path = "/me/dividends", tag = "me", params(Page), responses((status = 200, description = "Dividends", body = List<DividendLine>)))]
pub(crate) async fn mine(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<List<DividendLine>>> {
    app.reach(query.at_least).await?;
    let found = app.views.member_dividends(member.0, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let list = List {
        items: found.value.items.iter().map(line).collect(),
        next: found.value.next.map(|next| next.to_string()),
    };
    Ok(Viewed(found.seq, list))
}

/// Who was paid what of a closed pool, by member.
#[utoipa::path(get, path = "/console/dividends/{id}/payments", tag = "console", params(("id" = String, Path), Page), responses((status = 200, description = "Payments", body = List<DividendPaidTo>)))]
pub(crate) async fn payments(
    State(app): Shared,
    _: AsFinance,
    Segment(PoolNumber(id)): Segment<PoolNumber>,
    Params(query): Params<Page>,
) -> Result<Viewed<List<DividendPaidTo>>> {
    app.reach(query.at_least).await?;
    let found = app.views.dividend_payments(id, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let rows = found.value.items;
    let faces = app.people.faces(rows.iter().map(|row| row.member)).await?;
    let line = |row: &views::DividendPayment| DividendPaidTo {
        member: row.member.to_string(),
        member_masked: masked(&faces, row.member),
        at: row.at.into(),
        weight: row.weight.to_string(),
        amount: row.amount.into(),
    };
    let items = rows.iter().map(line).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}
