//! Draws: everything needed to check one, byte for byte.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use domain::{BeaconSource, GroupId};
use draw::BeaconFile;
use views::{DrawFile, DrawRow};

use super::campaigns::Fresh;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{Address, MaybeMember};
use crate::beacon::QUICKNET_PUBLIC_KEY;
use crate::http::{InPath, Keyed, Params, Problem, Result, Round, Segment, Sent};
use crate::present::draw_status;
use crate::wire::{
    At, BeaconName, DrawBeacon, DrawHashes, DrawMine, DrawPage, Nothing, PROOF_LEVEL,
    SignatureSent, at_seconds, source_name,
};

/// Where a group's draw stands, and what proves it.
#[utoipa::path(get, path = "/groups/{id}/draw", tag = "draws", params(("id" = String, Path), Fresh), responses((status = 200, description = "The draw", body = DrawPage)))]
pub(crate) async fn page(
    State(app): Shared,
    MaybeMember(member): MaybeMember,
    Segment(group): Segment<GroupId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<DrawPage>> {
    app.reach(query.at_least).await?;
    let found = app.find(|| app.views.draw(group)).await?;
    let row = found.value.ok_or_else(unknown)?;
    let campaign = app.query(move |world| {
        let campaign = world.campaign_of(group)?;
        let ident = world.tag_ident(group)?.ok()?;
        Some((campaign.terms.draw.source, campaign.hash, ident))
    });
    let (source, published, ident) = campaign.await?.ok_or_else(unknown)?;
    let mine = match member {
        Some(member) => mine(&app, group, member, &ident).await?,
        None => None,
    };
    let page = DrawPage {
        state: draw_status(&row),
        level: PROOF_LEVEL,
        source: source_name(&source),
        round: row.round,
        round_time: row.round_time.map(at_seconds),
        frozen_at: row.frozen_at.map(at_seconds),
        beacon: beacon(&app, &row, &source),
        hashes: DrawHashes {
            open: row.open.to_string(),
            seats: row.seats.map(|hash| hash.to_string()),
            freeze: row.freeze.map(|hash| hash.to_string()),
            result: row.result.map(|hash| hash.to_string()),
        },
        seed: row.seed.map(|seed| seed.to_string()),
        late_at: row.late_at.map(At),
        winners: row.winners,
        mine,
        published_hash: published.to_string(),
    };
    Ok(Viewed(found.seq, page))
}

fn beacon(app: &App, row: &DrawRow, source: &BeaconSource) -> DrawBeacon {
    let file = app.beacons.file_of(source);
    DrawBeacon {
        kind: source_name(source),
        round: row.round,
        signature: row.signature.map(|signature| draw::to_hex(&signature)),
        public_key: match (&file, source) {
            (Some(file), _) => draw::to_hex(&file.key),
            (None, BeaconSource::DrandQuicknet) => QUICKNET_PUBLIC_KEY.to_owned(),
            (None, BeaconSource::Local { .. }) => String::new(),
        },
        beacon_file: file.as_ref().map(file_text),
    }
}

/// The `beacon` file as text; it is ASCII.
pub(crate) fn file_text(file: &BeaconFile) -> String {
    String::from_utf8(file.to_bytes()).unwrap_or_default()
}

/// What proves to a member that his tag is his.
async fn mine(
    app: &App,
    group: GroupId,
    member: domain::MemberId,
    ident: &draw::Ident,
) -> Result<Option<DrawMine>> {
    let seats = app
        .views
        .seats_of(group, member)
        .await
        .map_err(store_problem)?
        .value;
    let indexes: Vec<u32> = seats.iter().filter_map(|seat| seat.seat_no).collect();
    if indexes.is_empty() {
        return Ok(None);
    }
    let Some(secret) = app.people.secret(member).await? else {
        return Ok(None);
    };
    let salt = draw::salt(&secret, ident);
    let member_id = member.to_string();
    let tag = draw::member_tag(&salt, &member_id).to_string();
    Ok(Some(DrawMine {
        indexes,
        member_id,
        salt: draw::to_hex(&salt),
        tag,
    }))
}

/// The rules of the draw, exactly as hashed.
#[utoipa::path(get, path = "/groups/{id}/draw/open", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn open_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    file(&app, group, DrawFile::Open).await
}

/// Who sits where, exactly as hashed.
#[utoipa::path(get, path = "/groups/{id}/draw/seats", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn seats_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    file(&app, group, DrawFile::Seats).await
}

/// The seal of rules and seats, exactly as hashed.
#[utoipa::path(get, path = "/groups/{id}/draw/freeze", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn freeze_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    file(&app, group, DrawFile::Freeze).await
}

/// The receipt of the draw.
#[utoipa::path(get, path = "/groups/{id}/draw/result", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn result_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    file(&app, group, DrawFile::Result).await
}

/// Why there is no draw.
#[utoipa::path(get, path = "/groups/{id}/draw/void", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn void_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    file(&app, group, DrawFile::Void).await
}

async fn file(app: &App, group: GroupId, file: DrawFile) -> Result<impl IntoResponse + use<>> {
    let found = app
        .views
        .draw_file(group, file)
        .await
        .map_err(store_problem)?;
    let absent = || {
        Problem::not_found(
            "draw_file_absent",
            format!("there is no {} file of this group", file.name()),
        )
    };
    let bytes = found.value.ok_or_else(absent)?;
    let headers = [(
        header::CONTENT_TYPE,
        "text/plain; charset=us-ascii".to_owned(),
    )];
    Ok((
        headers,
        [("potluck-sequence", found.seq.to_string())],
        bytes,
    ))
}

/// Gives the platform a beacon's signature that it has not got: it authenticates itself, so anybody may.
#[utoipa::path(post, path = "/draws/{round}/signature", tag = "draws", params(("round" = String, Path)), request_body = SignatureSent, responses((status = 202, description = "It is the round's signature; the draw follows", body = Nothing)))]
pub(crate) async fn send_signature(
    State(app): Shared,
    Address(address): Address,
    Segment(Round(round)): Segment<Round>,
    _: Keyed,
    Sent(sent): Sent<SignatureSent>,
) -> Result<(StatusCode, Json<Nothing>)> {
    app.limit(&app.limits.signature, address, 1)?;
    let invalid = || {
        Problem::unprocessable(
            "signature_invalid",
            "this is not the beacon's signature of this round",
        )
    };
    let signature = draw::signature_from_hex(&sent.signature).map_err(|_| invalid())?;
    let awaited = app
        .query(move |world| {
            let mut awaited = world.awaiting_draw(engine::outbox::MAX_PAGE);
            awaited.extend(world.late_rounds(engine::outbox::MAX_PAGE));
            let fits = |source: &BeaconSource| match source {
                BeaconSource::DrandQuicknet => sent.source == BeaconName::DrandQuicknet,
                BeaconSource::Local { .. } => sent.source == BeaconName::Local,
            };
            awaited
                .into_iter()
                .find(|draw| draw.round == round && fits(&draw.source))
                .map(|draw| draw.source)
        })
        .await?;
    let source = awaited
        .ok_or_else(|| Problem::conflict("round_not_awaited", "no group waits for this round"))?;
    let _one_at_a_time = app
        .beacons
        .verifying
        .acquire()
        .await
        .map_err(|_| Problem::stopped())?;
    if app.beacons.known(&source, round).is_none() {
        let app = app.clone();
        let verified =
            tokio::task::spawn_blocking(move || app.beacons.verify(&source, round, &signature))
                .await;
        verified
            .map_err(|error| Problem::fault("a verification broke off", &error))?
            .map_err(|_| invalid())?;
    }
    Ok((StatusCode::ACCEPTED, Json(Nothing {})))
}

fn unknown() -> Problem {
    Problem::not_found(GroupId::UNKNOWN, "there is no such group")
}
