//! The installation's profile: what may begin here, and who signs for it (rules 11).

use axum::Json;
use axum::extract::State;
use domain::{Command, Profile};

use super::campaigns::schema_problem;
use super::standing::decide;
use crate::app::Shared;
use crate::auth::AsOperator;
use crate::http::{Problem, Result, Write};
use crate::wire::{Done, ProfileWanted};

/// The installation's profile with all its limits, in the keys of profile files.
#[utoipa::path(get, path = "/profile", tag = "platform", responses((status = 200, description = "The profile", body = Object)))]
pub(crate) async fn profile(State(app): Shared) -> Result<Json<serde_json::Value>> {
    let profile = app.query(|world| world.profile().clone()).await?;
    Ok(Json(schema::profile_to_json(&profile)))
}

/// Gives the installation another profile. Open groups go on under their campaign's; nothing new begins that the new one
/// does not allow.
#[utoipa::path(post, path = "/console/profile", tag = "console", request_body = ProfileWanted, responses((status = 200, description = "Adopted", body = Done)))]
pub(crate) async fn adopt(
    State(app): Shared,
    operator: AsOperator,
    write: Write<ProfileWanted>,
) -> Result<Json<Done>> {
    let ProfileWanted {
        profile,
        file,
        reason,
    } = write.body;
    let profile = match (profile.as_str(), file) {
        ("seed", None) => Profile::Seed,
        ("cn-default", None) => Profile::CnDefault,
        ("own", Some(text)) => {
            let own = schema::parse_profile_toml(&text).map_err(schema_problem)?;
            Profile::Own(Box::new(own))
        }
        _ => {
            let detail = "profile is seed or cn-default, or own with its file";
            return Err(Problem::unprocessable("body_invalid", detail).with("field", "profile"));
        }
    };
    let command = Command::AdoptProfile {
        profile: Box::new(profile),
    };
    decide(
        &app,
        &operator,
        (write.key, command),
        ("profile", 0, reason),
    )
    .await
}
