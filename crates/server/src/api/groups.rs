//! Groups: opening, joining, leaving, watching.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::{Answer, CampaignId, Command, GroupId, MemberId, Millis, Money, PaymentId};
use engine::Reply;
use futures_util::{Stream, StreamExt};
use tokio_stream::wrappers::WatchStream;
use views::{GroupDetail, SeatStatus};

use super::campaigns::Fresh;
use super::orders::short;
use super::standing::decide;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsMember, AsOperator, MaybeMember};
use crate::ballots;
use crate::follower::news;
use crate::http::{InPath, NoBody, Params, Problem, Result, Segment, Write};
use crate::money::{pay_url, pay_url_on};
use crate::present::{Faces, draw_state, group_card, is_demo, masked};
use crate::terms::GroupTerms;
use crate::wire::{
    Done, DrawState, GroupNews, GroupPage, Join, Joined, MineRow, Opened, Reasoned, SeatRow, ToPay,
};

/// Opens a group; its seat 0 is reserved for the opener until it is paid.
#[utoipa::path(post, path = "/campaigns/{id}/groups", tag = "groups", params(("id" = String, Path)), request_body = Join, responses((status = 201, description = "Pay to keep it", body = Opened)))]
pub(crate) async fn open(
    State(app): Shared,
    member: AsMember,
    Segment(campaign): Segment<CampaignId>,
    write: Write<Join>,
) -> Result<(StatusCode, Json<Opened>)> {
    app.beacons.lost.may_open(campaign)?;
    let via = via(&app, write.body.via.as_deref()).await?;
    let command = Command::OpenGroup {
        campaign,
        member: member.0,
        via,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    let taken = taken(&app, &member, &reply).await?;
    let opened = Opened {
        group: taken.payment.group.to_string(),
        payment: taken.to_pay,
        registered: taken.registered,
        seq: taken.seq.to_string(),
    };
    Ok((StatusCode::CREATED, Json(opened)))
}

/// Reserves a seat until it is paid.
#[utoipa::path(post, path = "/groups/{id}/seats", tag = "groups", params(("id" = String, Path)), request_body = Join, responses((status = 201, description = "Pay to keep it", body = Joined)))]
pub(crate) async fn join(
    State(app): Shared,
    member: AsMember,
    Segment(group): Segment<GroupId>,
    write: Write<Join>,
) -> Result<(StatusCode, Json<Joined>)> {
    app.beacons.lost.may_join(&app, group).await?;
    let via = via(&app, write.body.via.as_deref()).await?;
    let command = Command::JoinGroup {
        group,
        member: member.0,
        via,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    let taken = taken(&app, &member, &reply).await?;
    Ok((
        StatusCode::CREATED,
        Json(Joined {
            payment: taken.to_pay,
            registered: taken.registered,
            seq: taken.seq.to_string(),
        }),
    ))
}

/// A place that was just taken.
struct Taken {
    payment: PaymentId,
    to_pay: ToPay,
    registered: bool,
    seq: u64,
}

/// Says where a reservation is paid, or registers its member where that is free.
async fn taken(app: &App, member: &AsMember, reply: &Reply) -> Result<Taken> {
    let (payment, pay_by) = reservation(reply)?;
    let terms = terms_of(app, payment).await?;
    if !terms.is_ballot {
        let (payment, to_pay) = to_pay(app, reply).await?;
        return Ok(Taken {
            payment,
            to_pay,
            registered: false,
            seq: reply.seq,
        });
    }
    let who = (member.actor(), member.0);
    let registered = ballots::register(app, who, payment, &terms).await?;
    Ok(Taken {
        payment,
        to_pay: ToPay {
            id: payment.to_string(),
            pay_url: None,
            pay_by: pay_by.into(),
            amount: Money::ZERO.into(),
        },
        registered: true,
        seq: registered.max(reply.seq),
    })
}

fn reservation(reply: &Reply) -> Result<(PaymentId, Millis)> {
    if let Answer::Reserved { payment, pay_by } = reply.answer {
        return Ok((payment, pay_by));
    }
    Err(Problem::fault(
        "a reservation answered with something else",
        &"no payment",
    ))
}

async fn terms_of(app: &App, payment: PaymentId) -> Result<GroupTerms> {
    let terms = app.groups.one(app, payment.group).await?;
    terms.ok_or_else(|| Problem::fault("a reservation without a group", &payment))
}

/// The member whose invite code a share link carries.
pub(super) async fn via(app: &App, invite: Option<&str>) -> Result<Option<MemberId>> {
    let Some(invite) = invite else {
        return Ok(None);
    };
    let found = app.people.member_of_invite(invite).await?;
    let unknown = || {
        Problem::unprocessable("invite_unknown", "nobody has this invite code").with("field", "via")
    };
    found.map(Some).ok_or_else(unknown)
}

/// What a reservation's member has to pay. The reservation is durable by now, so the channel may be called.
pub(super) async fn to_pay(app: &App, reply: &Reply) -> Result<(PaymentId, ToPay)> {
    let (payment, pay_by) = reservation(reply)?;
    let terms = terms_of(app, payment).await?;
    let to_pay = ToPay {
        id: payment.to_string(),
        pay_url: pay_url_on(app, payment, &terms).await,
        pay_by: pay_by.into(),
        amount: terms.price.into(),
    };
    Ok((payment, to_pay))
}

/// Gives up the member's seats while the group is not full; what was paid goes back.
#[utoipa::path(post, path = "/groups/{id}/leave", tag = "groups", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Left", body = Done)))]
pub(crate) async fn leave(
    State(app): Shared,
    member: AsMember,
    Segment(group): Segment<GroupId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::LeaveGroup {
        group,
        member: member.0,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// Ends an open group, and says why; everybody is refunded.
#[utoipa::path(post, path = "/groups/{id}/cancel", tag = "groups", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Cancelled", body = Done)))]
pub(crate) async fn cancel(
    State(app): Shared,
    operator: AsOperator,
    Segment(group): Segment<GroupId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::CancelGroup { group };
    let what = ("cancel-group", short(group.0), write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// One group with its seats and its draw.
#[utoipa::path(get, path = "/groups/{id}", tag = "groups", params(("id" = String, Path), Fresh), responses((status = 200, description = "The group", body = GroupPage)))]
pub(crate) async fn page(
    State(app): Shared,
    MaybeMember(member): MaybeMember,
    Segment(id): Segment<GroupId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<GroupPage>> {
    app.reach(query.at_least).await?;
    let found = app.find(|| app.views.group_detail(id)).await?;
    let detail = found.value.ok_or_else(unknown)?;
    let shown = detail
        .seats
        .iter()
        .map(|seat| seat.member)
        .chain([detail.group.leader]);
    let faces = app.people.faces(shown).await?;
    let mine = match member {
        Some(member) => mine(&app, id, member).await?,
        None => Vec::new(),
    };
    let page = GroupPage {
        card: group_card(&detail.group, &faces),
        seats_list: seats(&detail, &faces, member),
        mine,
        draw: draw_of(&app, &detail).await?,
        circle: super::circles::circle_of(&app, id, member).await?,
    };
    Ok(Viewed(found.seq, page))
}

fn seats(detail: &GroupDetail, faces: &Faces, caller: Option<MemberId>) -> Vec<SeatRow> {
    let row = |seat: &views::SeatRow| SeatRow {
        seat_no: seat.seat_no,
        member_masked: masked(faces, seat.member),
        leader: seat.member == detail.group.leader,
        state: seat.told(),
        demo: is_demo(faces, seat.member),
        mine: caller == Some(seat.member),
    };
    detail.seats.iter().map(row).collect()
}

/// The member's own seats, as exact as the writer knows them while the group lives.
async fn mine(app: &App, group: GroupId, member: MemberId) -> Result<Vec<MineRow>> {
    let rows = app
        .views
        .seats_of(group, member)
        .await
        .map_err(store_problem)?
        .value;
    let mut mine = Vec::with_capacity(rows.len());
    for row in rows {
        let waits = matches!(row.state, SeatStatus::Reserved | SeatStatus::MayBuy)
            && app.config.clock.now() < row.pay_by;
        mine.push(MineRow {
            payment: row.payment.to_string(),
            state: row.told(),
            payment_state: row.payment_status().name(),
            seat_no: row.seat_no,
            pay_by: row.pay_by.into(),
            pay_url: if waits {
                pay_url(app, row.payment).await
            } else {
                None
            },
        });
    }
    Ok(mine)
}

async fn draw_of(app: &App, detail: &GroupDetail) -> Result<Option<DrawState>> {
    let campaign = detail.group.campaign;
    let source = app
        .query(move |world| {
            world
                .campaign(campaign)
                .map(|campaign| campaign.terms.draw.source)
        })
        .await?;
    let now: Millis = app.config.clock.now();
    Ok(source.map(|source| draw_state(&detail.draw, &source, now)))
}

/// The group's state at once and on each change, as server-sent events named `group`.
#[utoipa::path(get, path = "/groups/{id}/events", tag = "groups", params(("id" = String, Path)), responses((status = 200, description = "Each event's data", body = GroupNews, content_type = "text/event-stream")))]
pub(crate) async fn events(
    State(app): Shared,
    Segment(id): Segment<GroupId>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let slot = app
        .subscriptions
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::busy())?;
    app.find(|| app.views.group(id))
        .await?
        .value
        .ok_or_else(unknown)?;
    let now = news(&app, id)
        .await
        .map_err(store_problem)?
        .ok_or_else(unknown)?;
    let receiver = app.news.subscribe(id, now);
    // What changed between reading and subscribing is told by reading again.
    if let Some(newest) = news(&app, id).await.map_err(store_problem)? {
        app.news.tell(id, newest);
    }
    let stopping = {
        let app = app.clone();
        async move { app.stopping().await }
    };
    let stream = WatchStream::new(receiver)
        .take_until(stopping)
        .map(move |news| {
            // The slot is given back when the subscriber goes and this stream is dropped.
            let _held = &slot;
            let event = Event::default().event("group").json_data(&news);
            Ok(event.unwrap_or_else(|_| Event::default().comment("unreadable")))
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn unknown() -> Problem {
    Problem::not_found(GroupId::UNKNOWN, "there is no such group")
}
