//! Where members have things sent: an address of their own (rules 3.4), and what is said of one order or purchase (rules 9.4).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    Command, DeliveryCommand, MemberId, OrderId, OrderState, PurchaseId, PurchaseState, Refusal,
    Region, ShopRefusal,
};
use views::{Delivery, Parcel};

use crate::app::{App, Shared, store_problem};
use crate::auth::{AsMember, AsOperator};
use crate::http::{NoBody, Problem, Result, Segment, Write};
use crate::once::{Answered, Holds, once};
use crate::wire::{DeliveryBody, DeliveryPage, OwnDeliveryPage};

/// Where the member has things sent of which he says nothing else.
#[utoipa::path(get, path = "/me/delivery", tag = "me", responses((status = 200, description = "The address, or none", body = OwnDeliveryPage)))]
pub(crate) async fn own(State(app): Shared, member: AsMember) -> Result<Json<OwnDeliveryPage>> {
    own_page(&app, member.0).await
}

/// Says where the member has things sent. Its county goes before the region that he has declared, and can be another 90 days
/// later; everything else can be changed at any time.
#[utoipa::path(post, path = "/me/delivery", tag = "me", request_body = DeliveryBody, responses((status = 200, description = "Noted", body = OwnDeliveryPage)))]
pub(crate) async fn set_own(
    State(app): Shared,
    member: AsMember,
    write: Write<DeliveryBody>,
) -> Result<Json<OwnDeliveryPage>> {
    let delivery = checked(&app, write.body)?;
    let command = Command::Delivery(DeliveryCommand::Set {
        member: member.0,
        region: delivery.region,
    });
    // First the journal, which may refuse it. Who stops here has an address that is not in force, and is told so.
    app.submit(member.actor(), write.key, command).await?;
    let noting = app.people.directory().put_own_delivery(member.0, &delivery);
    noting.await.map_err(store_problem)?;
    own_page(&app, member.0).await
}

/// Forgets where the member has things sent.
#[utoipa::path(post, path = "/me/delivery/remove", tag = "me", request_body = NoBody, responses((status = 200, description = "Forgotten", body = OwnDeliveryPage)))]
pub(crate) async fn remove_own(
    State(app): Shared,
    member: AsMember,
    write: Write<NoBody>,
) -> Result<Json<OwnDeliveryPage>> {
    // First what is personal: nothing can refuse that.
    let forgetting = app.people.directory().remove_own_delivery(member.0);
    forgetting.await.map_err(store_problem)?;
    let command = Command::Delivery(DeliveryCommand::Remove { member: member.0 });
    app.submit(member.actor(), write.key, command).await?;
    own_page(&app, member.0).await
}

async fn own_page(app: &App, member: MemberId) -> Result<Json<OwnDeliveryPage>> {
    let known = app.query(move |world| (world.delivery_region(member), world.member(member)));
    let (county, view) = known.await?;
    let noted = app.people.directory().own_delivery(member).await;
    let noted = noted.map_err(store_problem)?;
    let unfinished = noted.as_ref().map(|noted| noted.region) != county;
    Ok(Json(OwnDeliveryPage {
        delivery: noted.filter(|_| !unfinished).map(body),
        unfinished,
        region: view.and_then(|view| view.region).map(Into::into),
        region_until: view.and_then(|view| view.region_until).map(Into::into),
    }))
}

/// The member's own address, if it is in force: a change that was cut short between journal and directory is not.
async fn own_in_force(app: &App, member: MemberId) -> Result<Option<Delivery>> {
    let noted = app.people.directory().own_delivery(member).await;
    let Some(noted) = noted.map_err(store_problem)? else {
        return Ok(None);
    };
    let county = app
        .query(move |world| world.delivery_region(member))
        .await?;
    Ok(Some(noted).filter(|noted| county == Some(noted.region)))
}

/// Keeps where something was sent that went to the member's own address: he may move later.
pub(super) async fn keep_own(app: &App, parcel: Parcel, member: MemberId) -> Result<()> {
    if let Some(own) = own_in_force(app, member).await? {
        let keeping = app.people.directory().keep_delivery(parcel, member, &own);
        keeping.await.map_err(store_problem)?;
    }
    Ok(())
}

/// Says where a purchase is to be sent; it can be changed until it is on its way.
#[utoipa::path(post, path = "/purchases/{id}/delivery", tag = "shop", params(("id" = String, Path)), request_body = DeliveryBody, responses((status = 200, description = "Noted", body = DeliveryPage)))]
pub(crate) async fn deliver_purchase(
    State(app): Shared,
    member: AsMember,
    Segment(purchase): Segment<PurchaseId>,
    write: Write<DeliveryBody>,
) -> Result<Answered> {
    let doing = async {
        let known = app.query(move |world| world.purchase(purchase).cloned());
        let known = known.await?.filter(|known| known.member == member.0);
        let unknown = || Refusal::from(ShopRefusal::UnknownPurchase(purchase));
        match known.ok_or_else(unknown)?.state {
            PurchaseState::Reserved { .. } | PurchaseState::Paid => {}
            PurchaseState::Shipped { .. }
            | PurchaseState::Waiting { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => {
                return Err(Refusal::from(ShopRefusal::PurchaseState(purchase)).into());
            }
        }
        note(&app, Parcel::Purchase(purchase), member.0, write.body).await
    };
    once(&app, (member.actor(), write.key), Holds::NoSecret, doing).await
}

/// Says where a winner's order is to be sent; it can be changed until it is on its way.
#[utoipa::path(post, path = "/orders/{id}/delivery", tag = "me", params(("id" = String, Path)), request_body = DeliveryBody, responses((status = 200, description = "Noted", body = DeliveryPage)))]
pub(crate) async fn deliver_order(
    State(app): Shared,
    member: AsMember,
    Segment(order): Segment<OrderId>,
    write: Write<DeliveryBody>,
) -> Result<Answered> {
    let doing = async {
        let known = app.query(move |world| world.order(order).copied()).await?;
        let known = known.filter(|known| known.member == member.0);
        match known.ok_or(Refusal::UnknownOrder(order))?.state {
            OrderState::Paid => {}
            OrderState::Shipped { .. }
            | OrderState::Received { .. }
            | OrderState::Returning { .. } => return Err(Refusal::OrderState(order).into()),
        }
        note(&app, Parcel::Order(order), member.0, write.body).await
    };
    once(&app, (member.actor(), write.key), Holds::NoSecret, doing).await
}

/// Where a purchase is to be sent.
#[utoipa::path(get, path = "/console/purchases/{id}/delivery", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "The address, or none", body = DeliveryPage)))]
pub(crate) async fn purchase_delivery(
    State(app): Shared,
    _: AsOperator,
    Segment(purchase): Segment<PurchaseId>,
) -> Result<Json<DeliveryPage>> {
    let found = app.find(|| app.views.purchase(purchase)).await?.value;
    let unknown = || Refusal::from(ShopRefusal::UnknownPurchase(purchase));
    let member = found.ok_or_else(unknown)?.member;
    delivery_of(&app, Parcel::Purchase(purchase), member).await
}

/// Where a winner's order is to be sent; known until its return window has closed.
#[utoipa::path(get, path = "/console/orders/{id}/delivery", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "The address, or none", body = DeliveryPage)))]
pub(crate) async fn order_delivery(
    State(app): Shared,
    _: AsOperator,
    Segment(order): Segment<OrderId>,
) -> Result<Json<DeliveryPage>> {
    let member = app
        .query(move |world| world.order(order).map(|known| known.member))
        .await?;
    let member = member.ok_or(Refusal::UnknownOrder(order))?;
    delivery_of(&app, Parcel::Order(order), member).await
}

/// What was said of it; if nothing was, and it has yet to be sent, the member's own address.
pub(super) async fn delivery_of(
    app: &App,
    parcel: Parcel,
    member: MemberId,
) -> Result<Json<DeliveryPage>> {
    let stated = app.people.directory().delivery(parcel, member).await;
    if let Some(stated) = stated.map_err(store_problem)? {
        return Ok(Json(DeliveryPage {
            delivery: Some(body(stated)),
            own: false,
        }));
    }
    let waits = app.query(move |world| match parcel {
        Parcel::Order(order) => world.order_to_send(order),
        Parcel::Purchase(purchase) => world.purchase_to_send(purchase),
    });
    let own = match waits.await? {
        Some(whose) if whose == member => own_in_force(app, member).await?,
        Some(_) | None => None,
    };
    Ok(Json(DeliveryPage {
        own: own.is_some(),
        delivery: own.map(body),
    }))
}

fn body(known: Delivery) -> DeliveryBody {
    DeliveryBody {
        name: known.name,
        phone: known.phone,
        region: known.region.to_string(),
        address: known.address,
    }
}

/// Notes where one thing is sent.
async fn note(
    app: &App,
    parcel: Parcel,
    member: MemberId,
    body: DeliveryBody,
) -> Result<(StatusCode, DeliveryPage)> {
    let delivery = checked(app, body)?;
    let noting = app
        .people
        .directory()
        .put_delivery(parcel, member, &delivery);
    noting.await.map_err(store_problem)?;
    let Json(page) = delivery_of(app, parcel, member).await?;
    Ok((StatusCode::OK, page))
}

fn checked(app: &App, body: DeliveryBody) -> Result<Delivery> {
    for (field, text, most) in [
        ("name", &body.name, 64),
        ("phone", &body.phone, 32),
        ("address", &body.address, 200),
    ] {
        let chars = text.chars().count();
        if text.trim().is_empty() || most < chars || text.chars().any(char::is_control) {
            let detail = format!("{field} has 1 to {most} characters and no line breaks");
            return Err(Problem::unprocessable("body_invalid", detail).with("field", field));
        }
    }
    let region: Option<Region> = body.region.parse().ok();
    let region = region.filter(|region| region.has_no_parts());
    let Some(region) = region else {
        let detail = "region is the code of a county, such as 330106";
        return Err(Problem::unprocessable("region_unknown", detail).with("field", "region"));
    };
    Ok(Delivery {
        name: body.name,
        phone: body.phone,
        region,
        address: body.address,
        at: app.config.clock.now(),
    })
}
