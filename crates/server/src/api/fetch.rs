//! What is fetched at a store: its code, shown by the member and redeemed by a cashier (rules 9.4).
//!
//! Why a try costs a cashier as much as twenty other writes, right or wrong: codes have fifty random bits, and nobody may try
//! many. That only the wrong ones cost would tell them apart where nothing is left to pay with.

use axum::Json;
use axum::extract::State;
use domain::{
    Command, Fetched, Fulfilment, MemberId, Millis, OrderId, OrderState, PurchaseId, PurchaseState,
    Refusal, ShopCommand, ShopRefusal, StoreId, Text,
};
use views::Parcel;

use super::stores::cards;
use crate::app::{App, Shared, store_problem};
use crate::auth::{AsCashier, AsMember};
use crate::http::{Problem, Result, Segment, Write};
use crate::wire::{FetchCode, RedeemWanted, Redeemed, Words};

/// Characters of a code, and how many it has: none that are taken for another.
const SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_CHARS: usize = 10;
/// What a try costs beside the request, in writes: a cashier has a few at once, and then about one a second.
const A_TRY: u32 = 19;

/// The code of a purchase that waits to be fetched.
#[utoipa::path(get, path = "/purchases/{id}/code", tag = "shop", params(("id" = String, Path)), responses((status = 200, description = "The code", body = FetchCode)))]
pub(crate) async fn purchase_code(
    State(app): Shared,
    member: AsMember,
    Segment(purchase): Segment<PurchaseId>,
) -> Result<Json<FetchCode>> {
    let known = app.query(move |world| world.purchase(purchase).cloned());
    let known = known.await?.filter(|known| known.member == member.0);
    let unknown = || Refusal::from(ShopRefusal::UnknownPurchase(purchase));
    let known = known.ok_or_else(unknown)?;
    let PurchaseState::Waiting { until } = known.state else {
        return Err(Refusal::from(ShopRefusal::PurchaseState(purchase)).into());
    };
    let stores = known.fetch.map_or_else(Vec::new, |fetch| fetch.stores);
    let what = (Parcel::Purchase(purchase), until);
    code(&app, &member, what, stores).await
}

/// The code of a group's order that waits to be fetched.
#[utoipa::path(get, path = "/orders/{id}/code", tag = "me", params(("id" = String, Path)), responses((status = 200, description = "The code", body = FetchCode)))]
pub(crate) async fn order_code(
    State(app): Shared,
    member: AsMember,
    Segment(order): Segment<OrderId>,
) -> Result<Json<FetchCode>> {
    let question = move |world: &domain::World| {
        let known = world.order(order).copied()?;
        Some((known, world.fulfilment_of(&known), world.fetch_by(order)))
    };
    let known = app.query(question).await?;
    let known = known.filter(|(known, ..)| known.member == member.0);
    let (known, fulfilment, until) = known.ok_or(Refusal::UnknownOrder(order))?;
    if known.state != OrderState::Paid || fulfilment == Fulfilment::Ship {
        return Err(Refusal::OrderState(order).into());
    }
    let (parcel, group) = (Parcel::Order(order), known.group);
    // A merchant's campaign is fetched at his stores.
    let merchant = app.query(move |world| world.merchant_of_group(group));
    let stores = match merchant.await? {
        Some(merchant) => {
            app.views
                .stores(merchant)
                .await
                .map_err(store_problem)?
                .value
        }
        None => Vec::new(),
    };
    let stores = stores.into_iter().map(|store| store.id).collect();
    code(&app, &member, (parcel, until), stores).await
}

async fn code(
    app: &App,
    member: &AsMember,
    (parcel, until): (Parcel, Option<Millis>),
    stores: Vec<StoreId>,
) -> Result<Json<FetchCode>> {
    app.limit(&app.limits.member, member.0, 1)?;
    let mut random = [0; CODE_CHARS];
    getrandom::fill(&mut random).map_err(|error| Problem::fault("no random bytes", &error))?;
    let sign = |byte: &u8| char::from(SIGNS[usize::from(*byte) % SIGNS.len()]);
    let new: String = random.iter().map(sign).collect();
    let now = app.config.clock.now();
    let directory = app.people.directory();
    let code = directory.fetch_code(parcel, member.0, (&new, now)).await;
    Ok(Json(FetchCode {
        code: code.map_err(store_problem)?,
        until: until.map(Into::into),
        stores: cards(app, stores).await?,
    }))
}

/// Gives out what a code fetches, at the cashier's store. Of two cashiers one does.
#[utoipa::path(post, path = "/cashier/redeem", tag = "merchant", request_body = RedeemWanted, responses((status = 200, description = "Given out", body = Redeemed)))]
pub(crate) async fn redeem(
    State(app): Shared,
    cashier: AsCashier,
    write: Write<RedeemWanted>,
) -> Result<Json<Redeemed>> {
    app.limit(&app.limits.operator, cashier.id, A_TRY)?;
    let plain = write.body.code.chars().filter(char::is_ascii_alphanumeric);
    let code: String = plain.take(CODE_CHARS + 1).collect();
    let code = code.to_uppercase();
    let found = app.people.directory().of_fetch_code(&code).await;
    let (parcel, member) = found.map_err(store_problem)?.ok_or_else(unknown_code)?;
    let what = match parcel {
        Parcel::Order(order) => Fetched::Order(order),
        Parcel::Purchase(purchase) => Fetched::Purchase(purchase),
    };
    let seen = app.query(move |world| look(world, what)).await?;
    // When a journal's end was lost, its numbers were given to others.
    if seen.as_ref().is_some_and(|(owner, ..)| *owner != member) {
        return Err(unknown_code());
    }
    let command = Command::Shop(ShopCommand::Redeem {
        what,
        store: cashier.store,
    });
    let reply = app
        .engine
        .submit(domain::Request {
            actor: cashier.actor(),
            key: Some(write.key),
            command,
        })
        .await;
    let reply = match reply {
        Err(engine::SubmitError::Refused(refusal)) if is_over(&refusal) => {
            let detail = "this was given out, or has ended or gone back";
            return Err(Problem::conflict("code_used", detail));
        }
        reply => reply.map_err(crate::app::engine_problem)?,
    };
    let (title, units) = seen.map_or((None, 0), |(_, title, units)| (title, units));
    Ok(Json(Redeemed {
        title: title.as_ref().map(Words::from),
        units,
        seq: reply.seq.to_string(),
    }))
}

fn unknown_code() -> Problem {
    Problem::not_found("code_unknown", "no such code")
}

fn is_over(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::UnknownOrder(_)
            | Refusal::OrderState(_)
            | Refusal::Shop(ShopRefusal::UnknownPurchase(_) | ShopRefusal::PurchaseState(_))
    )
}

/// Whose it is, what it is called, and how many; none once it has left memory.
fn look(world: &domain::World, what: Fetched) -> Option<(MemberId, Option<Text>, u32)> {
    match what {
        Fetched::Order(order) => {
            let known = world.order(order)?;
            let campaign = world.campaign_of(known.group);
            let title = campaign.map(|campaign| campaign.terms.product.title.clone());
            Some((known.member, title, 1))
        }
        Fetched::Purchase(purchase) => {
            let known = world.purchase(purchase)?;
            let title = world.sku(known.sku).map(|sku| sku.terms.title);
            Some((known.member, title, known.units))
        }
    }
}
