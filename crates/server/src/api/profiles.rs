//! The installation's profile: what may begin here, and who signs for it (rules 11).

use axum::Json;
use axum::extract::State;

use super::approvals::{Acted, Wanted, act};
use crate::app::Shared;
use crate::auth::AsOperator;
use crate::http::{Result, Write};
use crate::wire::{ApprovalLine, Done, ProfileWanted};

/// The installation's profile with all its limits, in the keys of profile files.
#[utoipa::path(get, path = "/profile", tag = "platform", responses((status = 200, description = "The profile", body = Object)))]
pub(crate) async fn profile(State(app): Shared) -> Result<Json<serde_json::Value>> {
    let profile = app.query(|world| world.profile().clone()).await?;
    Ok(Json(schema::profile_to_json(&profile)))
}

/// Gives the installation another profile. Open groups go on under their campaign's; nothing new begins that the new one
/// does not allow.
#[utoipa::path(post, path = "/console/profile", tag = "console", request_body = ProfileWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Adopted; there is no other operator", body = Done)))]
pub(crate) async fn adopt(
    State(app): Shared,
    operator: AsOperator,
    write: Write<ProfileWanted>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "profile",
        subject: 0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}
