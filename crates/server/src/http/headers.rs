//! What every response carries, and what is counted and logged of every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::auth::{Address, Asker};

/// Nothing is loaded from elsewhere. Styles may stand in the page: the component libraries set them there.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'";

/// Puts the security headers on every response.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Counts and logs every request. Paths are logged as routes: what stands in their place holders, queries and bodies
/// may be personal and never reaches a log.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let labels = [
        ("route", route.clone()),
        ("method", method_label(&method).to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route.clone())
        .record(began.elapsed().as_secs_f64());
    let elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let method = method_label(&method);
    tracing::debug!(
        method,
        route,
        status = status.as_u16(),
        elapsed_us,
        "request answered"
    );
    response
}

/// Anybody may invent methods, and every label is kept for ever.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Limits each address, and hands refusals to the audit trail.
pub(crate) async fn guard(
    State(app): Shared,
    Address(address): Address,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/api/")
        && let Err(problem) = app.limit(&app.limits.address, address, 1)
    {
        return problem.into_response();
    }
    let asker = Asker::default();
    request.extensions_mut().insert(asker.clone());
    let response = next.run(request).await;
    app.audit
        .saw(&response, asker.actor(), app.config.clock.now());
    response
}
