//! What the payment channel tells us.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::Shared;
use crate::http::{Problem, Raw, Result};
use crate::money::{DirectNo, Doubtful, OrderNo, ask_direct_no, ask_order};
use payments::Transaction;

/// The provider's signed notice of a payment. Answered with 2xx only when it has been dealt with, durably; else the
/// provider sends it again.
#[utoipa::path(post, path = "/channels/notify", tag = "channel", request_body = Object, responses((status = 204, description = "Dealt with")))]
pub(crate) async fn notify(State(app): Shared, Raw(headers, body): Raw) -> Result<StatusCode> {
    let notice = app
        .config
        .channel
        .verify_callback(&headers, &body)
        .map_err(|error| {
            metrics::counter!("notices_forged_total").increment(1);
            Problem::unauthorized("signature_invalid", error.to_string())
        })?;
    if let Some(order) = DirectNo::read(&notice.order_no) {
        let found = ask_direct_no(&app, order).await?;
        return known(&found, &notice.txn_id);
    }
    // What is no payment of ours is a gateway's own: it comes through `POST /joins`.
    let Some(order) = OrderNo::read(&notice.order_no) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let found = ask_order(&app, order).await?;
    known(&found, &notice.txn_id)
}

/// Whether the payment that was announced is among those that the channel has when it is asked.
fn known(found: &[Transaction], txn_id: &str) -> Result<StatusCode> {
    if found.iter().any(|transaction| transaction.txn_id == txn_id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Doubtful::Unconfirmed.into())
}
