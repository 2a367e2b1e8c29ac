//! Who is who (rules 11): a member's verified name and age, and who runs the platform.

use axum::Json;
use axum::extract::State;
use domain::{Command, IdentityCommand, MemberId, Organiser, Text};

use super::standing::decide;
use crate::app::Shared;
use crate::auth::AsOperator;
use crate::http::{Result, Segment, Write};
use crate::wire::{Done, MemberVerified, OrganiserWanted};

/// Notes that somebody has seen a document of this member, with his name and age. A later one replaces it.
#[utoipa::path(post, path = "/console/members/{id}/verify", tag = "console", params(("id" = String, Path)), request_body = MemberVerified, responses((status = 200, description = "Noted", body = Done)))]
pub(crate) async fn verify(
    State(app): Shared,
    operator: AsOperator,
    Segment(member): Segment<MemberId>,
    write: Write<MemberVerified>,
) -> Result<Json<Done>> {
    let MemberVerified { age, reason } = write.body;
    let command = Command::Identity(IdentityCommand::Verify { member, age });
    let what = ("verify-member", member.0, reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Says who runs the platform and how he is reached. Members read it in the notice of each campaign.
#[utoipa::path(post, path = "/console/organiser", tag = "console", request_body = OrganiserWanted, responses((status = 200, description = "Stated", body = Done)))]
pub(crate) async fn organiser(
    State(app): Shared,
    operator: AsOperator,
    write: Write<OrganiserWanted>,
) -> Result<Json<Done>> {
    let OrganiserWanted {
        name,
        contact,
        reason,
    } = write.body;
    let name = Text {
        zh: name.zh,
        en: name.en,
    };
    let organiser = Organiser { name, contact };
    let command = Command::Identity(IdentityCommand::StateOrganiser(organiser));
    decide(
        &app,
        operator.id,
        (write.key, command),
        ("organiser", 0, reason),
    )
    .await
}
