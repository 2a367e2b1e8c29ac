//! The signed-in member's own things.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::{MemberId, Money, World};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{App, Shared, Viewed, engine_problem, store_problem};
use crate::auth::AsMember;
use crate::causes::chain;
use crate::http::{Page, Params, Problem, Result, items, page_of};
use crate::present::{
    group_card, order_card, outcome, refund_due, seat_card, wallet_account, wallet_line,
};
use crate::wire::{List, MemberCard, MySeat, OrderCard, RefundsDue, VipGiven, Wallet, WalletLine};

/// How long a member's card waits for views that lag before it leaves out what only they know.
const REFUNDS_WAIT: Duration = Duration::from_millis(500);

/// Who is signed in, with his money as it is now.
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, description = "The member", body = MemberCard)))]
pub(crate) async fn me(State(app): Shared, member: AsMember) -> Result<Json<MemberCard>> {
    card_of(&app, member.0).await.map(Json)
}

/// A member, as shown to himself.
pub(crate) async fn card_of(app: &App, member: MemberId) -> Result<MemberCard> {
    let now = app.config.clock.now();
    let question = move |world: &World| {
        let age = world.verified_age(member, now);
        (world.member(member), age, world.vip_given(member, now))
    };
    let found = app.engine.query(question).await;
    let ((view, verified_age, given), seq) = found.map_err(engine_problem)?;
    let view = view.ok_or_else(|| Problem::unauthorized("not_signed_in", "sign in first"))?;
    let person = app.people.person(member).await?;
    let person = person.ok_or_else(|| Problem::unauthorized("not_signed_in", "sign in first"))?;
    let inviter = match view.inviter {
        Some(inviter) => app
            .people
            .faces([inviter])
            .await?
            .remove(&inviter)
            .map(|shown| shown.masked),
        None => None,
    };
    let refunds_due = refunds_due_since(app, member, seq).await;
    Ok(MemberCard {
        id: member.to_string(),
        phone_masked: person.phone_masked(),
        invite_code: person.invite_code,
        name: person.name,
        demo: person.is_demo,
        inviter,
        vip: given.map_or(view.vip, |given| view.vip.max(given.level)),
        vip_given: given.map(|given| VipGiven {
            level: given.level,
            until: given.until.into(),
        }),
        rank: view.rank,
        frozen: view.frozen,
        verified_age,
        region: view.region.map(Into::into),
        region_until: view.region_until.map(Into::into),
        wallet: Wallet {
            available: view.available.into(),
            vesting: view.vesting.into(),
            in_groups: view.in_groups.into(),
            refunds_due: refunds_due.map(Into::into),
            coins: view.coins.into(),
            vesting_coins: view.vesting_coins.into(),
            bought_coins: view.bought_coins.into(),
        },
    })
}

/// What the member has on its way back. It is read from views that hold what the rest of his wallet shows, so that no
/// fen has left a group and is not on its way yet. Who cannot be told this is told everything else.
async fn refunds_due_since(app: &App, member: MemberId, seq: u64) -> Option<Money> {
    app.views.at_least(seq, REFUNDS_WAIT).await.ok()?;
    match app.views.member_refunds_total(member).await {
        Ok(total) => Some(total.value),
        Err(error) if error.is_busy() => None,
        Err(error) => {
            tracing::warn!(%error, "a member's refunds could not be added up: {}", chain(&error));
            None
        }
    }
}

/// The member's seats with their groups, newest first.
#[utoipa::path(get, path = "/me/groups", tag = "me", params(Page), responses((status = 200, description = "Seats", body = List<MySeat>)))]
pub(crate) async fn groups(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<List<MySeat>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .member_groups(member.0, query.of()?)
        .await
        .map_err(store_problem)?;
    let faces = app
        .people
        .faces(found.value.items.iter().map(|row| row.group.leader))
        .await?;
    let items = found.value.items.iter().map(|row| MySeat {
        group: group_card(&row.group, &faces),
        seat: seat_card(&row.seat),
        outcome: outcome(&row.seat),
        reason: row.seat.back_for().map(|reason| reason.name().to_owned()),
    });
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next,
        },
    ))
}

/// Which part of a wallet's history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinesQuery {
    /// `available`, `vesting`, `in_groups`, `coins`, `vesting_coins` or `bought_coins`; `available` without it.
    account: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// Where each fen of the member's money came from, newest first.
#[utoipa::path(get, path = "/me/wallet/lines", tag = "me", params(LinesQuery), responses((status = 200, description = "Lines", body = List<WalletLine>)))]
pub(crate) async fn wallet_lines(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<LinesQuery>,
) -> Result<Viewed<List<WalletLine>>> {
    let account =
        wallet_account(query.account.as_deref().unwrap_or("available")).ok_or_else(|| {
            Problem::bad_request(
                "query_invalid",
                "account is available, vesting, in_groups, coins, vesting_coins or bought_coins",
            )
        })?;
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    app.reach(query.at_least).await?;
    let found = app
        .views
        .wallet_lines(member.0, account, page)
        .await
        .map_err(store_problem)?;
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: found.value.items.into_iter().map(wallet_line).collect(),
            next,
        },
    ))
}

/// The member's money on its way back, and what it adds up to; what has waited longest comes first.
#[utoipa::path(get, path = "/me/refunds", tag = "me", params(Page), responses((status = 200, description = "Refunds that the payment channel has not confirmed", body = RefundsDue)))]
pub(crate) async fn refunds(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<RefundsDue>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .member_refunds(member.0, query.of()?)
        .await
        .map_err(store_problem)?;
    let refunds = found.value.refunds;
    Ok(Viewed(
        found.seq,
        RefundsDue {
            total: found.value.total.into(),
            items: refunds.items.iter().map(refund_due).collect(),
            next: refunds.next.map(|next| next.to_string()),
        },
    ))
}

/// What the member has won, newest first.
#[utoipa::path(get, path = "/me/orders", tag = "me", params(Page), responses((status = 200, description = "Orders", body = List<OrderCard>)))]
pub(crate) async fn orders(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<List<OrderCard>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .member_orders(member.0, query.of()?)
        .await
        .map_err(store_problem)?;
    let mut shipments = app
        .people
        .shipments(found.value.items.iter().map(|row| row.id))
        .await?;
    let items = found
        .value
        .items
        .iter()
        .map(|row| order_card(row, shipments.remove(&row.id)));
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next,
        },
    ))
}
