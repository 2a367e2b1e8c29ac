//! A member's payment.

use axum::extract::State;
use domain::PaymentId;
use serde::Deserialize;
use utoipa::IntoParams;
use views::PaymentStatus;

use crate::app::{Shared, Viewed, store_problem};
use crate::auth::AsMember;
use crate::http::{InPath, Params, Problem, Result, Segment};
use crate::money::{ask, pay_url};
use crate::present::money_back_for;
use crate::wire::PaymentPage;

/// How fresh the answer must be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PaymentQuery {
    /// `true`: ask the payment channel first, as when the payer comes back from its page.
    refresh: Option<bool>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// What has become of a payment of the member's.
#[utoipa::path(get, path = "/payments/{id}", tag = "groups", params(("id" = String, Path), PaymentQuery), responses((status = 200, description = "The payment", body = PaymentPage)))]
pub(crate) async fn page(
    State(app): Shared,
    member: AsMember,
    Segment(id): Segment<PaymentId>,
    Params(query): Params<PaymentQuery>,
) -> Result<Viewed<PaymentPage>> {
    app.reach(query.at_least).await?;
    let mine = |row: &views::PaymentRow| row.member == member.0;
    let mut found = app.find(|| app.views.payment(id)).await?;
    let known = found
        .value
        .as_ref()
        .filter(|row| mine(row))
        .ok_or_else(unknown)?;
    if query.refresh == Some(true) && is_open(known.state) {
        // Each call asks the channel, so it costs what a write costs.
        app.limit(&app.limits.member, member.0, 1)?;
        // A channel that does not answer is no reason to hide what is known; the worker asks again.
        if let Err(error) = ask(&app, id).await {
            tracing::warn!(payment = %id, %error, "payment {id} could not be asked about: {error}");
        }
        let head = *app.engine.committed().borrow();
        app.reach(Some(head)).await?;
        found = app.views.payment(id).await.map_err(store_problem)?;
    }
    let row = found.value.filter(mine).ok_or_else(unknown)?;
    let waits = row.state == PaymentStatus::Waiting && app.config.clock.now() < row.pay_by;
    let page = PaymentPage {
        id: id.to_string(),
        state: row.state.name(),
        amount: row.amount.into(),
        pay_url: if waits { pay_url(&app, id).await } else { None },
        pay_by: row.pay_by.into(),
        group: id.group.to_string(),
        reason: money_back_for(&row),
    };
    Ok(Viewed(found.seq, page))
}

/// Whether something may still come that is not known.
fn is_open(state: PaymentStatus) -> bool {
    match state {
        PaymentStatus::Waiting | PaymentStatus::Lapsed => true,
        PaymentStatus::Paid
        | PaymentStatus::RefundDue
        | PaymentStatus::Refunded
        | PaymentStatus::Free => false,
    }
}

fn unknown() -> Problem {
    Problem::not_found(PaymentId::UNKNOWN, "there is no such payment of yours")
}
