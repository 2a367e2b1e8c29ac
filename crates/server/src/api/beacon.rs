//! The local beacon in drand's HTTP form: only rounds whose time has come.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use draw::{BeaconFile, BeaconTiming};
use serde::Serialize;
use utoipa::ToSchema;

use super::draws::file_text;
use crate::app::{App, Shared};
use crate::config::DrawSource;
use crate::http::{Problem, Result, Round, Segment};

/// What the beacon is.
#[derive(Serialize, ToSchema)]
pub(crate) struct BeaconInfo {
    public_key: String,
    /// Seconds between rounds.
    period: u64,
    /// Unix seconds of round 1.
    genesis_time: u64,
    /// Hash of the `beacon` file.
    hash: String,
    #[serde(rename = "schemeID")]
    scheme_id: &'static str,
}

/// One round.
#[derive(Serialize, ToSchema)]
pub(crate) struct BeaconRound {
    round: u64,
    /// SHA-256 of the signature.
    randomness: String,
    signature: String,
}

/// What the local beacon is.
#[utoipa::path(get, path = "/beacon/info", tag = "beacon", responses((status = 200, description = "The beacon", body = BeaconInfo)))]
pub(crate) async fn info(State(app): Shared) -> Result<Json<BeaconInfo>> {
    let file = local(&app)?;
    Ok(Json(BeaconInfo {
        public_key: draw::to_hex(&file.key),
        period: file.period,
        genesis_time: file.genesis,
        hash: file.hash().to_string(),
        scheme_id: "bls-unchained-g1-rfc9380",
    }))
}

/// The `beacon` file, exactly as hashed.
#[utoipa::path(get, path = "/beacon/file", tag = "beacon", responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn file(State(app): Shared) -> Result<impl IntoResponse> {
    let file = local(&app)?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=us-ascii")],
        file_text(&file),
    ))
}

/// The newest round.
#[utoipa::path(get, path = "/beacon/public/latest", tag = "beacon", responses((status = 200, description = "The round", body = BeaconRound)))]
pub(crate) async fn latest(State(app): Shared) -> Result<Json<BeaconRound>> {
    let timing = local(&app)?.timing();
    let since = app
        .config
        .clock
        .now()
        .unix_seconds()
        .checked_sub(timing.genesis)
        .ok_or_else(not_yet)?;
    signed(&app, timing, since / timing.period.max(1) + 1)
}

/// A round whose time has come.
#[utoipa::path(get, path = "/beacon/public/{round}", tag = "beacon", params(("round" = String, Path)), responses((status = 200, description = "The round", body = BeaconRound)))]
pub(crate) async fn round(
    State(app): Shared,
    Segment(Round(round)): Segment<Round>,
) -> Result<Json<BeaconRound>> {
    let timing = local(&app)?.timing();
    signed(&app, timing, round)
}

fn signed(app: &App, timing: BeaconTiming, round: u64) -> Result<Json<BeaconRound>> {
    let signature = app
        .beacons
        .sign(timing, round, app.config.clock.now())
        .ok_or_else(not_yet)?;
    Ok(Json(BeaconRound {
        round,
        randomness: draw::hash(&signature).to_string(),
        signature: draw::to_hex(&signature),
    }))
}

/// The installation's own beacon.
fn local(app: &App) -> Result<BeaconFile> {
    let absent = || {
        Problem::not_found(
            "beacon_absent",
            "this installation has no beacon of its own",
        )
    };
    match app.config.draw.source {
        DrawSource::DrandQuicknet => Err(absent()),
        DrawSource::Local { genesis, period } => {
            app.beacons.local_file(genesis, period).ok_or_else(absent)
        }
    }
}

fn not_yet() -> Problem {
    Problem::not_found("round_unknown", "the time of this round has not come")
}
