//! Circles that take turns (rules 4): the next group, who is in them, leaving for good.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{CircleCommand, CircleRefusal, Command, GroupId, MemberId, Refusal, World};

use super::campaigns::Fresh;
use super::groups::to_pay;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsMember, MaybeMember};
use crate::http::{CircleNumber, NoBody, Params, Result, Segment, Write};
use crate::wire::{CirclePage, Done, GroupCircle, Opened};

/// A circle with its groups, the first one first. The draw's files of all of them together show whose turn it is.
#[utoipa::path(get, path = "/circles/{id}", tag = "groups", params(("id" = String, Path), Fresh), responses((status = 200, description = "The circle", body = CirclePage)))]
pub(crate) async fn page(
    State(app): Shared,
    MaybeMember(member): MaybeMember,
    Segment(CircleNumber(circle)): Segment<CircleNumber>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<CirclePage>> {
    app.reach(query.at_least).await?;
    let groups = app.views.circle_groups(circle).await;
    let groups = groups.map_err(store_problem)?;
    let known = app.query(move |world| {
        let seats = world.campaign_of(circle)?.terms.group.seats;
        Some((world.circle(circle)?, seats, card(world, circle, member)))
    });
    let unknown = || Refusal::from(CircleRefusal::Unknown(circle));
    let (known, seats, card) = known.await?.ok_or_else(unknown)?;
    let page = CirclePage {
        card,
        campaign: known.campaign.to_string(),
        seats,
        last: known.last.map(|last| draw::to_hex(&last)),
        groups: groups.value.iter().map(ToString::to_string).collect(),
    };
    Ok(Viewed(groups.seq, page))
}

/// What a group's page says of its circle; none where the group is of none.
pub(super) async fn circle_of(
    app: &App,
    group: GroupId,
    member: Option<MemberId>,
) -> Result<Option<GroupCircle>> {
    app.query(move |world| {
        let circle = world.circle_of(group)?;
        Some(card(world, circle, member))
    })
    .await
}

fn card(world: &World, circle: GroupId, member: Option<MemberId>) -> GroupCircle {
    let known = world.circle(circle);
    let running = known.and_then(|known| known.round);
    GroupCircle {
        id: circle.to_string(),
        members: known.map_or(0, |known| known.members),
        running: running.map(|group| group.to_string()),
        mine: member.is_some_and(|member| world.is_in_circle(circle, member)),
    }
}

/// Opens a circle's next group; its seat 0 is reserved for the opener, who is one of the circle's members, until it is paid.
#[utoipa::path(post, path = "/circles/{id}/groups", tag = "groups", params(("id" = String, Path)), request_body = NoBody, responses((status = 201, description = "Pay to keep it", body = Opened)))]
pub(crate) async fn open(
    State(app): Shared,
    member: AsMember,
    Segment(CircleNumber(circle)): Segment<CircleNumber>,
    write: Write<NoBody>,
) -> Result<(StatusCode, Json<Opened>)> {
    app.beacons.lost.may_join(&app, circle).await?;
    let command = Command::Circle(CircleCommand::OpenRound {
        circle,
        member: member.0,
    });
    let reply = app.submit(member.actor(), write.key, command).await?;
    let (payment, to_pay) = to_pay(&app, &reply).await?;
    let opened = Opened {
        group: payment.group.to_string(),
        payment: to_pay,
        registered: false,
        seq: reply.seq.to_string(),
    };
    Ok((StatusCode::CREATED, Json(opened)))
}

/// Leaves a circle for good; the place is free for somebody else.
#[utoipa::path(post, path = "/circles/{id}/leave", tag = "groups", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Left", body = Done)))]
pub(crate) async fn leave(
    State(app): Shared,
    member: AsMember,
    Segment(CircleNumber(circle)): Segment<CircleNumber>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::Circle(CircleCommand::Leave {
        circle,
        member: member.0,
    });
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}
