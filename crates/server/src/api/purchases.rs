//! Direct purchases (rules 10.6).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::{
    Answer, Coins, Command, Fetched, Money, PurchaseId, Refusal, Reservation, ShopCommand,
    ShopRefusal, SkuId, Text,
};
use serde::Deserialize;
use utoipa::IntoParams;
use views::{Parcel, PurchaseFilter, PurchaseRow, PurchaseStatus, Shipping};

use super::orders::{check_shipment, short};
use super::standing::{decide, reason_or};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMember, AsOperator};
use crate::http::{NoBody, Page, Params, Problem, Result, Segment, Write, items, page_of};
use crate::money::{Direct, ask_direct, direct_url};
use crate::wire::{
    BuyWanted, Done, List, PurchaseCard, PurchaseLine, PurchaseMade, PurchasePage, Reasoned,
    Shipment, Words,
};

/// Buys units of a thing: they are held for 15 minutes, until they are paid. The idempotency key and what is asked for name
/// the purchase for ever.
#[utoipa::path(post, path = "/skus/{id}/buy", tag = "shop", params(("id" = String, Path)), request_body = BuyWanted, responses((status = 200, description = "Held", body = PurchaseMade)))]
pub(crate) async fn buy(
    State(app): Shared,
    member: AsMember,
    Segment(sku): Segment<SkuId>,
    write: Write<BuyWanted>,
) -> Result<Json<PurchaseMade>> {
    let mut name = write.key.key.to_vec();
    name.extend(write.key.content);
    let mut token = [0; 16];
    token.copy_from_slice(&draw::hash(&name).0[..16]);
    let command = Command::Shop(ShopCommand::Buy(Reservation {
        member: member.0,
        token,
        sku,
        units: write.body.units,
        price: Money(write.body.price.0),
        coins: Coins(write.body.coins.map_or(0, |coins| coins.0)),
    }));
    let reply = app.submit(member.actor(), write.key, command).await?;
    let Answer::Purchase(purchase) = reply.answer else {
        return Err(Problem::fault(
            "a purchase answered with something else",
            &"no purchase",
        ));
    };
    Ok(Json(PurchaseMade {
        id: purchase.to_string(),
        seq: reply.seq.to_string(),
        pay_url: direct_url(&app, Direct::Purchase(purchase)).await,
    }))
}

/// How fresh the answer must be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PurchaseQuery {
    /// `true`: ask the payment channel first, as when the payer comes back from its page.
    refresh: Option<bool>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// A purchase of the member's, and where it is paid.
#[utoipa::path(get, path = "/purchases/{id}", tag = "shop", params(("id" = String, Path), PurchaseQuery), responses((status = 200, description = "The purchase", body = PurchasePage)))]
pub(crate) async fn page(
    State(app): Shared,
    member: AsMember,
    Segment(id): Segment<PurchaseId>,
    Params(query): Params<PurchaseQuery>,
) -> Result<Viewed<PurchasePage>> {
    app.reach(query.at_least).await?;
    let mine = |row: &PurchaseRow| row.member == member.0;
    let unknown = || Problem::from(Refusal::from(ShopRefusal::UnknownPurchase(id)));
    let mut found = app.find(|| app.views.purchase(id)).await?;
    let known = found.value.as_ref().filter(|row| mine(row));
    let known = known.ok_or_else(unknown)?;
    let unpaid = matches!(
        known.state,
        PurchaseStatus::Reserved | PurchaseStatus::Lapsed
    );
    if query.refresh == Some(true) && unpaid {
        // Each call asks the channel, so it costs what a write costs.
        app.limit(&app.limits.member, member.0, 1)?;
        // A channel that does not answer is no reason to hide what is known; the worker asks again.
        if let Err(error) = ask_direct(&app, Direct::Purchase(id)).await {
            tracing::warn!(purchase = %id, %error, "purchase {id} could not be asked about: {error}");
        }
        let head = *app.engine.committed().borrow();
        app.reach(Some(head)).await?;
        found = app.views.purchase(id).await.map_err(store_problem)?;
    }
    let seq = found.seq;
    let row = found.value.filter(mine).ok_or_else(unknown)?;
    let waits = row.state == PurchaseStatus::Reserved && app.config.clock.now() < row.pay_by;
    let pay_url = if waits {
        direct_url(&app, Direct::Purchase(id)).await
    } else {
        None
    };
    let mut cards = cards(&app, vec![row]).await?;
    let (_, card) = cards.pop().ok_or_else(unknown)?;
    Ok(Viewed(seq, PurchasePage { card, pay_url }))
}

/// The member's direct purchases, newest first.
#[utoipa::path(get, path = "/me/purchases", tag = "me", params(Page), responses((status = 200, description = "Purchases", body = List<PurchaseCard>)))]
pub(crate) async fn mine(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<List<PurchaseCard>>> {
    app.reach(query.at_least).await?;
    let filter = PurchaseFilter {
        member: Some(member.0),
        state: None,
    };
    let found = app.views.purchases(filter, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let next = found.value.next.map(|next| next.to_string());
    let cards = cards(&app, found.value.items).await?;
    let items = cards.into_iter().map(|(_, card)| card).collect();
    Ok(Viewed(found.seq, List { items, next }))
}

/// Which purchases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PurchasesQuery {
    /// `reserved`, `lapsed`, `paid`, `shipped`, `received`, `kept`, `returning` or `returned`; all without it.
    state: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// Everybody's purchases, newest first.
#[utoipa::path(get, path = "/console/purchases", tag = "console", params(PurchasesQuery), responses((status = 200, description = "Purchases", body = List<PurchaseLine>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<PurchasesQuery>,
) -> Result<Viewed<List<PurchaseLine>>> {
    app.reach(query.at_least).await?;
    let wrong = || Problem::bad_request("query_invalid", "there is no such state of purchases");
    let state = query.state.as_deref();
    let state = state.map(|name| PurchaseStatus::named(name).ok_or_else(wrong));
    let filter = PurchaseFilter {
        member: None,
        state: state.transpose()?,
    };
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    let found = app.views.purchases(filter, page).await;
    let found = found.map_err(store_problem)?;
    let next = found.value.next.map(|next| next.to_string());
    let line = |(row, card): (PurchaseRow, PurchaseCard)| PurchaseLine {
        card,
        member: row.member.to_string(),
        cost: row.cost.into(),
    };
    let items = cards(&app, found.value.items).await?;
    let items = items.into_iter().map(line).collect();
    Ok(Viewed(found.seq, List { items, next }))
}

/// Gives up a purchase that is not paid, or not on its way: then what was paid goes back.
#[utoipa::path(post, path = "/purchases/{id}/cancel", tag = "shop", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Given up", body = Done)))]
pub(crate) async fn cancel(
    State(app): Shared,
    member: AsMember,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let member_id = member.0;
    let command = ShopCommand::CancelPurchase {
        purchase,
        member: member_id,
    };
    own(&app, &member, write, command).await
}

/// Says that what was bought has come.
#[utoipa::path(post, path = "/purchases/{id}/receive", tag = "shop", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Received", body = Done)))]
pub(crate) async fn receive(
    State(app): Shared,
    member: AsMember,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = ShopCommand::ReceivePurchase {
        purchase,
        member: member.0,
    };
    own(&app, &member, write, command).await
}

/// Says that what was bought is on its way back, within the return window. When it has arrived, or after 15 days, the cash goes
/// back the way it came, and the coins come back with the ends they had.
#[utoipa::path(post, path = "/purchases/{id}/return", tag = "shop", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "On its way back", body = Done)))]
pub(crate) async fn send_back(
    State(app): Shared,
    member: AsMember,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = ShopCommand::ReturnPurchase {
        purchase,
        member: member.0,
    };
    own(&app, &member, write, command).await
}

async fn own(
    app: &App,
    member: &AsMember,
    write: Write<NoBody>,
    command: ShopCommand,
) -> Result<Json<Done>> {
    let command = Command::Shop(command);
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// Says that what was bought is on its way, and how.
#[utoipa::path(post, path = "/console/purchases/{id}/ship", tag = "console", params(("id" = String, Path)), request_body = Shipment, responses((status = 200, description = "Shipped", body = Done)))]
pub(crate) async fn ship(
    State(app): Shared,
    operator: AsOperator,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<Shipment>,
) -> Result<Json<Done>> {
    check_shipment(&write.body)?;
    let Shipment {
        carrier,
        number,
        reason,
    } = write.body;
    let command = Command::Shop(ShopCommand::ShipPurchase { purchase });
    let reason = reason_or(reason, "shipped")?;
    let why = ("ship-purchase", short(purchase.0), reason);
    let done = decide(&app, operator.id, (write.key, command), why).await?;
    let member = app
        .query(move |world| world.purchase(purchase).map(|known| known.member))
        .await?;
    if let Some(member) = member {
        let at = app.config.clock.now();
        let shipping = Shipping {
            carrier,
            number,
            at,
        };
        let directory = app.people.directory();
        let noting = directory.put_purchase_shipping(purchase, member, &shipping);
        noting.await.map_err(store_problem)?;
        super::deliveries::keep_own(&app, Parcel::Purchase(purchase), member).await?;
    }
    Ok(done)
}

/// Says that what was sent back has arrived: what was paid goes back, and the units are on sale again.
#[utoipa::path(post, path = "/console/purchases/{id}/take-back", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Returned", body = Done)))]
pub(crate) async fn take_back(
    State(app): Shared,
    operator: AsOperator,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Shop(ShopCommand::TakeBackPurchase { purchase });
    let what = ("take-back-purchase", short(purchase.0), write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Gives up a purchase that cannot be sent, or that nobody fetches: what was paid goes back.
#[utoipa::path(post, path = "/console/purchases/{id}/give-up", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Paid back", body = Done)))]
pub(crate) async fn give_up(
    State(app): Shared,
    operator: AsOperator,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let what = Fetched::Purchase(purchase);
    let command = Command::Shop(ShopCommand::GiveUp { what });
    let what = ("give-up-purchase", short(purchase.0), write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Purchases with what they are called now and how they travel.
async fn cards(app: &App, rows: Vec<PurchaseRow>) -> Result<Vec<(PurchaseRow, PurchaseCard)>> {
    let parcels: Vec<_> = rows.iter().map(|row| (row.id, row.member)).collect();
    let shippings = app.people.directory().purchase_shippings(&parcels).await;
    let mut shippings = shippings.map_err(store_problem)?;
    let skus: Vec<SkuId> = rows.iter().map(|row| row.sku).collect();
    let titles = app.query(move |world| {
        let title = |&sku: &SkuId| Some((sku, world.sku(sku)?.terms.title));
        skus.iter().filter_map(title).collect::<BTreeMap<_, _>>()
    });
    let titles = titles.await?;
    let card = |row: PurchaseRow| {
        let shipping = shippings.remove(&row.id);
        let card = card(&row, titles.get(&row.sku), shipping);
        (row, card)
    };
    Ok(rows.into_iter().map(card).collect())
}

fn card(row: &PurchaseRow, title: Option<&Text>, shipping: Option<Shipping>) -> PurchaseCard {
    let (carrier, number) = shipping
        .map(|shipping| (shipping.carrier, shipping.number))
        .unzip();
    PurchaseCard {
        id: row.id.to_string(),
        sku: row.sku.to_string(),
        title: title.map(Words::from),
        units: row.units,
        bill: row.bill.into(),
        coins: row.coins.into(),
        cash: row.cash().into(),
        state: row.state.name(),
        reserved_at: row.reserved_at.into(),
        pay_by: row.pay_by.into(),
        paid_at: row.paid_at.map(Into::into),
        shipped_at: row.shipped_at.map(Into::into),
        received_by: row.received_by.map(Into::into),
        return_until: row.return_until.map(Into::into),
        ended_at: row.ended_at.map(Into::into),
        carrier,
        number,
        store: row.store.map(|store| store.to_string()),
        is_gift: row.is_gift(),
    }
}
