//! Winners' orders.

use axum::Json;
use axum::extract::State;
use domain::{Command, Fetched, OperatorId, OrderId, ShopCommand};

use super::standing::{decide, reason_or};
use crate::app::{App, Shared};
use crate::auth::{AsMember, AsOperator};
use crate::http::{NoBody, Problem, Result, Segment, Write};
use crate::wire::{Done, Reasoned, Shipment};
use views::{Parcel, Shipping};

/// Most characters of a carrier's name or number.
const MOST_CHARS: usize = 40;

/// Says that the product has come.
#[utoipa::path(post, path = "/orders/{id}/receive", tag = "me", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Received", body = Done)))]
pub(crate) async fn receive(
    State(app): Shared,
    member: AsMember,
    Segment(order): Segment<OrderId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::ReceiveOrder {
        order,
        member: member.0,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// Says that the product is on its way back, within the return window. When it has arrived, or after 15 days, the price
/// goes back the way it came.
#[utoipa::path(post, path = "/orders/{id}/return", tag = "me", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "On its way back", body = Done)))]
pub(crate) async fn send_back(
    State(app): Shared,
    member: AsMember,
    Segment(order): Segment<OrderId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::ReturnOrder {
        order,
        member: member.0,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// Says that a product which was sent back has arrived, and why it is taken back: the price goes back.
#[utoipa::path(post, path = "/orders/{id}/take-back", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Returned", body = Done)))]
pub(crate) async fn take_back(
    State(app): Shared,
    operator: AsOperator,
    Segment(order): Segment<OrderId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    taken_back(&app, operator.id, order, write).await
}

/// Gives up what a winner has neither been sent nor fetched for ninety days: the price goes back, and his group's rewards wait for him no
/// longer.
#[utoipa::path(post, path = "/orders/{id}/give-up", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Paid back", body = Done)))]
pub(crate) async fn give_up(
    State(app): Shared,
    operator: AsOperator,
    Segment(order): Segment<OrderId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let what = Fetched::Order(order);
    let command = Command::Shop(ShopCommand::GiveUp { what });
    let what = ("give-up-order", short(order.0), write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

pub(super) async fn taken_back(
    app: &App,
    operator: OperatorId,
    order: OrderId,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::TakeBackOrder { order };
    let what = ("take-back-order", short(order.0), write.body.reason);
    decide(app, operator, (write.key, command), what).await
}

/// A number of something that there may be very many of, as decisions have it.
pub(super) fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Says that the product is on its way, and how.
#[utoipa::path(post, path = "/orders/{id}/ship", tag = "console", params(("id" = String, Path)), request_body = Shipment, responses((status = 200, description = "Shipped", body = Done)))]
pub(crate) async fn ship(
    State(app): Shared,
    operator: AsOperator,
    Segment(order): Segment<OrderId>,
    write: Write<Shipment>,
) -> Result<Json<Done>> {
    shipped(&app, operator.id, order, write).await
}

pub(super) async fn shipped(
    app: &App,
    by: OperatorId,
    order: OrderId,
    write: Write<Shipment>,
) -> Result<Json<Done>> {
    check_shipment(&write.body)?;
    let Shipment {
        carrier,
        number,
        reason,
    } = write.body;
    let command = Command::ShipOrder { order };
    let why = ("ship-order", short(order.0), reason_or(reason, "shipped")?);
    let done = decide(app, by, (write.key, command), why).await?;
    let member = app
        .query(move |world| world.order(order).map(|order| order.member))
        .await?;
    if let Some(member) = member {
        let shipping = Shipping {
            carrier,
            number,
            at: app.config.clock.now(),
        };
        app.people.note_shipment(order, member, &shipping).await?;
        super::deliveries::keep_own(app, Parcel::Order(order), member).await?;
    }
    Ok(done)
}

/// A carrier's name and number are short, visible texts.
pub(super) fn check_shipment(shipment: &Shipment) -> Result<()> {
    for (field, text) in [("carrier", &shipment.carrier), ("number", &shipment.number)] {
        if text.trim().is_empty()
            || MOST_CHARS < text.chars().count()
            || text.chars().any(char::is_control)
        {
            let detail = format!("{field} has 1 to {MOST_CHARS} visible characters");
            return Err(Problem::unprocessable("body_invalid", detail).with("field", field));
        }
    }
    Ok(())
}
