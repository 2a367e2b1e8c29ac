//! Operators sign in by name and password.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};

use super::sign_in::guard;
use crate::app::{Shared, store_problem};
use crate::auth::{
    Address, AsStaff, Cookie, OPERATOR_COOKIE, cookie_of, own_origin, verify_password,
};
use crate::http::{Keyed, NoBody, Problem, Result, Sent};
use crate::people::OPERATOR_SESSION_S;
use crate::wire::{OperatorCard, OperatorSignIn};
use views::{REMOVED_ROLE, SessionOf};

/// Longest password that is looked at, in bytes.
const MOST_PASSWORD_BYTES: usize = 1024;

/// Signs an operator in.
#[utoipa::path(post, path = "/operator/sign-in", tag = "operator", request_body = OperatorSignIn, responses((status = 200, description = "Signed in; the session is in a cookie", body = OperatorCard)))]
pub(crate) async fn sign_in(
    State(app): Shared,
    Address(address): Address,
    _: Keyed,
    headers: HeaderMap,
    Sent(wanted): Sent<OperatorSignIn>,
) -> Result<impl IntoResponse> {
    guard(&app, &headers, address)?;
    let wrong = || Problem::unauthorized("password_wrong", "name or password is wrong");
    if MOST_PASSWORD_BYTES < wanted.password.len() {
        return Err(wrong());
    }
    let found = app
        .people
        .directory()
        .operator_by_name(&wanted.name)
        .await
        .map_err(store_problem)?;
    let _slot = app
        .passwords
        .acquire()
        .await
        .map_err(|_| Problem::stopped())?;
    let (hash, password) = (
        found.as_ref().map(|row| row.password_hash.clone()),
        wanted.password,
    );
    let right =
        tokio::task::spawn_blocking(move || verify_password(&password, hash.as_deref())).await;
    let right = right.map_err(|error| Problem::fault("checking a password broke off", &error))?;
    let found = found.filter(|row| right && row.role != REMOVED_ROLE);
    let found = found.ok_or_else(wrong)?;
    let operator = found.id;
    let secret = app
        .people
        .open_session(
            SessionOf::Operator(operator),
            OPERATOR_SESSION_S,
            app.config.clock.now(),
        )
        .await?;
    let cookie = Cookie {
        name: OPERATOR_COOKIE,
        secret: Some(secret),
        lifetime_s: OPERATOR_SESSION_S,
    };
    let cookie = cookie.header(&app.config.base_url);
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        Json(OperatorCard {
            name: found.name,
            role: found.role,
        }),
    ))
}

/// Ends the operator's session, if there is one.
#[utoipa::path(post, path = "/operator/sign-out", tag = "operator", responses((status = 204, description = "Signed out")))]
pub(crate) async fn sign_out(
    State(app): Shared,
    _: Keyed,
    headers: HeaderMap,
    Sent(_): Sent<NoBody>,
) -> Result<impl IntoResponse> {
    own_origin(&headers, &app.config.base_url)?;
    if let Some(secret) = cookie_of(&headers, OPERATOR_COOKIE) {
        app.people.end_session(secret).await?;
    }
    let cookie = Cookie {
        name: OPERATOR_COOKIE,
        secret: None,
        lifetime_s: 0,
    }
    .header(&app.config.base_url);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(header::SET_COOKIE, cookie)]),
    ))
}

/// Who of the staff is signed in, and with which role.
#[utoipa::path(get, path = "/operator/me", tag = "operator", responses((status = 200, description = "The operator", body = OperatorCard)))]
pub(crate) async fn me(staff: AsStaff) -> Json<OperatorCard> {
    Json(OperatorCard {
        name: staff.name,
        role: staff.role,
    })
}
