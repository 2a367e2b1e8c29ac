//! Limits that members set themselves, and self-exclusion (rules 9.7).

use axum::Json;
use axum::extract::State;
use domain::{Command, Millis};

use crate::app::Shared;
use crate::auth::AsMember;
use crate::http::{Result, Write};
use crate::wire::{Done, ExclusionWanted, LimitsBody, LimitsCard};

/// The member's limits, with from when on they hold.
#[utoipa::path(get, path = "/me/limits", tag = "me", responses((status = 200, description = "Limits", body = LimitsCard)))]
pub(crate) async fn limits(State(app): Shared, member: AsMember) -> Result<Json<LimitsCard>> {
    let now = app.config.clock.now();
    let member = member.0;
    let view = app.query(move |world| world.limits(member, now)).await?;
    let until = view.excluded_until;
    Ok(Json(LimitsCard {
        holds: view.holds.into(),
        later: view.later.map(|later| later.limits.into()),
        later_from: view.later.map(|later| later.from.into()),
        installation: view.installation.into(),
        excluded: until.is_some(),
        excluded_until: until
            .filter(|&until| until < Millis(i64::MAX))
            .map(Into::into),
        paused_until: view.paused_until.map(Into::into),
        entries_today: view.entries_today,
    }))
}

/// Changes what the member allows himself, all of it: what is tighter holds at once, what is looser a day later.
#[utoipa::path(post, path = "/me/limits", tag = "me", request_body = LimitsBody, responses((status = 200, description = "Set", body = Done)))]
pub(crate) async fn set_limits(
    State(app): Shared,
    member: AsMember,
    write: Write<LimitsBody>,
) -> Result<Json<Done>> {
    let command = Command::SetLimits {
        member: member.0,
        limits: write.body.into(),
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// The member begins nothing for 7, 30 or 180 days, or for ever. What he has begun goes on.
#[utoipa::path(post, path = "/me/self-exclusion", tag = "me", request_body = ExclusionWanted, responses((status = 200, description = "Excluded", body = Done)))]
pub(crate) async fn exclude(
    State(app): Shared,
    member: AsMember,
    write: Write<ExclusionWanted>,
) -> Result<Json<Done>> {
    let command = Command::ExcludeSelf {
        member: member.0,
        days: write.body.days,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}
