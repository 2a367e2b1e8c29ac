//! What a merchant's campaigns have sold: he sends it, and takes back what comes back (rules 9.4). Another's orders look like
//! none.

use axum::Json;
use axum::extract::State;
use domain::{MerchantId, OrderId, Refusal};
use views::{OrderRow, OrderStatus, Parcel};

use super::console::OrdersQuery;
use super::deliveries::delivery_of;
use super::orders::{shipped, taken_back};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::AsMerchant;
use crate::http::{Params, Result, Segment, Write};
use crate::present::{masked, order_card};
use crate::wire::{Done, List, MerchantOrder, MerchantOrderPage, Reasoned, Shipment};

/// What the merchant's campaigns have sold, newest first. What was had at a table is none of it: there is nothing to send.
#[utoipa::path(get, path = "/merchant/orders", tag = "merchant", params(OrdersQuery), responses((status = 200, description = "Orders", body = List<MerchantOrder>)))]
pub(crate) async fn list(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<OrdersQuery>,
) -> Result<Viewed<List<MerchantOrder>>> {
    let (state, page) = query.read()?;
    app.reach(query.at_least).await?;
    let found = app
        .views
        .merchant_orders(merchant.merchant, state, page)
        .await;
    let found = found.map_err(store_problem)?;
    let next = found.value.next.map(|next| next.to_string());
    let items = lines(&app, &found.value.items).await?;
    Ok(Viewed(found.seq, List { items, next }))
}

/// One of them, and where it is to be sent; that is known until its return window has closed.
#[utoipa::path(get, path = "/merchant/orders/{id}", tag = "merchant", params(("id" = String, Path)), responses((status = 200, description = "The order", body = MerchantOrderPage)))]
pub(crate) async fn page(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(order): Segment<OrderId>,
) -> Result<Json<MerchantOrderPage>> {
    let row = own(&app, merchant.merchant, order).await?;
    let is_over = match row.state {
        OrderStatus::Kept | OrderStatus::Returned => true,
        OrderStatus::Paid
        | OrderStatus::Shipped
        | OrderStatus::Received
        | OrderStatus::Returning => false,
    };
    let delivery = if is_over {
        None
    } else {
        let parcel = Parcel::Order(order);
        delivery_of(&app, parcel, row.member).await?.0.delivery
    };
    let mut lines = lines(&app, &[row]).await?;
    let line = lines.pop().ok_or(Refusal::UnknownOrder(order))?;
    Ok(Json(MerchantOrderPage { line, delivery }))
}

/// Says that the product is on its way, and how.
#[utoipa::path(post, path = "/merchant/orders/{id}/ship", tag = "merchant", params(("id" = String, Path)), request_body = Shipment, responses((status = 200, description = "Shipped", body = Done)))]
pub(crate) async fn ship(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(order): Segment<OrderId>,
    write: Write<Shipment>,
) -> Result<Json<Done>> {
    own(&app, merchant.merchant, order).await?;
    shipped(&app, merchant.id, order, write).await
}

/// Says that a product which was sent back has arrived: the price goes back.
#[utoipa::path(post, path = "/merchant/orders/{id}/take-back", tag = "merchant", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Returned", body = Done)))]
pub(crate) async fn take_back(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(order): Segment<OrderId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    own(&app, merchant.merchant, order).await?;
    taken_back(&app, merchant.id, order, write).await
}

/// An order of this merchant's. Read from the views, which know it also when it has left memory: a request that is repeated
/// then gets the answer it had.
async fn own(app: &App, merchant: MerchantId, order: OrderId) -> Result<OrderRow> {
    let unknown = Refusal::UnknownOrder(order);
    let Some(row) = app.find(|| app.views.order(order)).await?.value else {
        return Err(unknown.into());
    };
    let campaign = row.campaign;
    let owner = app.query(move |world| world.merchant_of(campaign)).await?;
    if owner != Some(merchant) {
        return Err(unknown.into());
    }
    Ok(row)
}

async fn lines(app: &App, rows: &[OrderRow]) -> Result<Vec<MerchantOrder>> {
    let faces = app.people.faces(rows.iter().map(|row| row.member)).await?;
    let mut shipments = app.people.shipments(rows.iter().map(|row| row.id)).await?;
    let line = |row: &OrderRow| MerchantOrder {
        order: order_card(row, shipments.remove(&row.id)),
        member_masked: masked(&faces, row.member),
    };
    Ok(rows.iter().map(line).collect())
}
