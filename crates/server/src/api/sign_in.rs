//! Members sign in, and up, by phone and one-time code.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};

use super::me::card_of;
use crate::app::{Shared, store_problem};
use crate::auth::{
    Address, Cookie, MEMBER_COOKIE, code_hash, cookie_of, is_phone, own_origin, random_code,
};
use crate::config::SignInCodes;
use crate::http::{Keyed, NoBody, Problem, Result, Sent};
use crate::people::SESSION_S;
use crate::wire::{CodeWanted, Nothing, SignIn, SignedIn, mask_phone};
use views::{CodeCheck, DemoMessage, SessionOf};

/// Sends a one-time code to a phone: at most one a minute and ten a day, good for five minutes.
#[utoipa::path(post, path = "/sign-in/codes", tag = "sign-in", request_body = CodeWanted, responses(
    (status = 202, description = "The code is on its way", body = Nothing),
))]
pub(crate) async fn send_code(
    State(app): Shared,
    Address(address): Address,
    _: Keyed,
    headers: HeaderMap,
    Sent(wanted): Sent<CodeWanted>,
) -> Result<(StatusCode, Json<Nothing>)> {
    guard(&app, &headers, address)?;
    phone_of(&wanted.phone)?;
    let demo = app.config.demo.is_on();
    if !demo && app.config.sign_in_codes == SignInCodes::None {
        let detail = "this installation has no way to send codes yet: there is no SMS connector";
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_sms_connector",
            detail,
        ));
    }
    let now = app.config.clock.now();
    app.codes
        .take(&wanted.phone, now)
        .map_err(Problem::rate_limited)?;
    let code = random_code().ok_or_else(Problem::busy)?;
    let directory = app.people.directory();
    directory
        .put_code(&wanted.phone, &code_hash(&wanted.phone, &code), now)
        .await
        .map_err(store_problem)?;
    if demo {
        let message = DemoMessage {
            phone: wanted.phone,
            code,
            at: now,
        };
        directory
            .put_demo_message(&message)
            .await
            .map_err(store_problem)?;
    } else {
        // The one place where a code is logged, and only where the configuration asks for it.
        let phone = mask_phone(&wanted.phone);
        tracing::info!(target: "potluck::sign_in", phone, code, "sign-in code for {phone}: {code}");
    }
    Ok((StatusCode::ACCEPTED, Json(Nothing {})))
}

/// Signs in with a code, and signs up whoever is new. The invite counts at sign-up only.
#[utoipa::path(post, path = "/sign-in", tag = "sign-in", request_body = SignIn, responses(
    (status = 200, description = "Signed in; the session is in a cookie", body = SignedIn),
))]
pub(crate) async fn sign_in(
    State(app): Shared,
    Address(address): Address,
    _: Keyed,
    headers: HeaderMap,
    Sent(wanted): Sent<SignIn>,
) -> Result<impl IntoResponse> {
    guard(&app, &headers, address)?;
    phone_of(&wanted.phone)?;
    let now = app.config.clock.now();
    let inviter = match &wanted.invite {
        Some(invite) => Some(app.people.member_of_invite(invite).await?.ok_or_else(|| {
            Problem::unprocessable("invite_unknown", "nobody has this invite code")
                .with("field", "invite")
        })?),
        None => None,
    };
    let given = code_hash(&wanted.phone, &wanted.code);
    let check = app
        .people
        .directory()
        .check_code(&wanted.phone, &given, now)
        .await
        .map_err(store_problem)?;
    if check != CodeCheck::Right {
        return Err(Problem::unauthorized(
            "code_wrong",
            "the code is wrong, used up or too old; ask for a new one",
        ));
    }
    super::deletion::may_sign_up(&app, &wanted.phone, now).await?;
    let member = app
        .people
        .sign_up(&app.engine, &wanted.phone, inviter, now)
        .await?;
    let secret = app
        .people
        .open_session(SessionOf::Member(member), SESSION_S, now)
        .await?;
    let cookie = Cookie {
        name: MEMBER_COOKIE,
        secret: Some(secret),
        lifetime_s: SESSION_S,
    };
    let card = card_of(&app, member).await?;
    let cookie = cookie.header(&app.config.base_url);
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        Json(SignedIn { member: card }),
    ))
}

/// Ends the session, if there is one.
#[utoipa::path(post, path = "/sign-out", tag = "sign-in", responses((status = 204, description = "Signed out")))]
pub(crate) async fn sign_out(
    State(app): Shared,
    _: Keyed,
    headers: HeaderMap,
    Sent(_): Sent<NoBody>,
) -> Result<impl IntoResponse> {
    own_origin(&headers, &app.config.base_url)?;
    if let Some(secret) = cookie_of(&headers, MEMBER_COOKIE) {
        app.people.end_session(secret).await?;
    }
    let cookie = Cookie {
        name: MEMBER_COOKIE,
        secret: None,
        lifetime_s: 0,
    }
    .header(&app.config.base_url);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(header::SET_COOKIE, cookie)]),
    ))
}

/// What every sign-in needs beside its key: our origin, and patience.
pub(crate) fn guard(
    app: &crate::app::App,
    headers: &HeaderMap,
    address: std::net::IpAddr,
) -> Result<()> {
    own_origin(headers, &app.config.base_url)?;
    app.limit(&app.limits.sign_in, address, 1)
}

fn phone_of(phone: &str) -> Result<()> {
    if is_phone(phone) {
        return Ok(());
    }
    let detail = "a mainland mobile number has 11 digits and begins with 13 to 19";
    Err(Problem::unprocessable("phone_invalid", detail).with("field", "phone"))
}
