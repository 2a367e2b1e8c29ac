//! For whoever runs the server: health, readiness, metrics, the description of the API.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use crate::app::{App, Shared};
use crate::http::{Problem, Result};

/// How many records the views may be behind and the server still counts as ready.
const NEAR: u64 = 10_000;
/// Seconds of a request that buckets of the histogram end at.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// How often what is over is swept out of the directory.
const SWEEP: Duration = Duration::from_secs(600);
/// How often all that deleted accounts may have left is looked for.
const SWEEP_ALL: Duration = Duration::from_secs(86_400);
/// How often the metrics' samples are put into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process: one for all servers in it, for there can be only one.
pub(crate) fn recorder() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let full = Matcher::Full("http_request_seconds".to_owned());
        // Only an empty list of buckets is refused.
        let builder = builder
            .set_buckets_for_metric(full, &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Where the process has a recorder already, its owner serves the numbers.
        let _ = metrics::set_global_recorder(recorder);
        handle
    });
    handle.clone()
}

/// Whether the process lives.
pub(crate) async fn healthz() -> Json<Value> {
    alive()
}

/// What a process that lives says.
pub(crate) fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Whether requests make sense: the engine runs and the views are near its head.
pub(crate) async fn readyz(State(app): Shared) -> Result<Json<Value>> {
    let head = *app.engine.committed().borrow();
    let applied = app.views.applied();
    if let Some(why) = app.engine.stop_reason() {
        tracing::error!(%why, "not ready: {why}");
        return Err(Problem::stopped());
    }
    if applied.saturating_add(NEAR) < head {
        let detail = "the views are being made again from the journal";
        return Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "view_behind", detail)
                .with("head", head.to_string())
                .with("applied", applied.to_string())
                .retry_after(5),
        );
    }
    Ok(Json(
        json!({ "status": "ready", "head": head.to_string(), "applied": applied.to_string() }),
    ))
}

/// Numbers for Prometheus.
pub(crate) async fn metrics_text(State(app): Shared) -> impl IntoResponse {
    gauges(&app);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        app.metrics.render(),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges; nobody counts past 2^53"
)]
fn gauges(app: &App) {
    let engine = app.engine.metrics();
    let set = |name: &'static str, value: u64| metrics::gauge!(name).set(value as f64);
    set("engine_queued_commands", engine.queued_commands as u64);
    set(
        "engine_queued_settlements",
        engine.queued_settlements as u64,
    );
    set("engine_committed_seq", engine.committed_seq);
    set("engine_snapshot_seq", engine.last_snapshot_seq);
    set(
        "view_lag_records",
        engine.committed_seq.saturating_sub(app.views.applied()),
    );
    let count = |name: &'static str, value: u64| metrics::counter!(name).absolute(value);
    count("engine_batches_total", engine.batches);
    count("engine_records_total", engine.records);
    count("engine_bytes_total", engine.bytes);
    count("engine_append_microseconds_total", engine.total_append_us);
    count("engine_busy_total", engine.busy);
}

/// The description of the API.
pub(crate) async fn openapi() -> impl IntoResponse {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let text = TEXT.get_or_init(crate::api::openapi_json).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text)
}

/// What is held less what is owed (rules 8). While the engine does not answer it stays what it was.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge; nobody counts past 2^53"
)]
async fn own_money(app: &App) {
    if let Ok((own, _)) = app.engine.query(|world| world.books().own).await {
        metrics::gauge!("own_money_fen").set(own.0 as f64);
    }
}

/// Sweeps out what is over, until the server stops.
pub(crate) async fn keep_house(app: Arc<App>) {
    let (mut since_sweep, mut since_all) = (SWEEP, SWEEP_ALL);
    loop {
        app.metrics.run_upkeep();
        if SWEEP <= since_sweep {
            since_sweep = Duration::ZERO;
            if let Err(error) = app.people.directory().sweep(app.config.clock.now()).await {
                tracing::error!(%error, "the directory was not swept: {error}");
            }
            if let Err(error) = crate::api::sweep_deleted(&app).await {
                tracing::error!(%error, "deleted accounts were not swept: {error}");
            }
            // Not with every reading of the numbers: it is a pass over all members.
            own_money(&app).await;
        }
        if SWEEP_ALL <= since_all {
            since_all = Duration::ZERO;
            if let Err(error) = crate::api::sweep_all_deleted(&app).await {
                tracing::error!(%error, "what is left of deleted accounts was not swept: {error}");
            }
        }
        if !app.pause(UPKEEP).await {
            return;
        }
        since_sweep += UPKEEP;
        since_all += UPKEEP;
    }
}
