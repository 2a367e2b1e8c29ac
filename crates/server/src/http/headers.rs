//! What every response carries, and what is counted and logged of every request.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::auth::{Address, Asker};
use crate::http::Problem;

/// Nothing is loaded from elsewhere. Styles may stand in the page: the component libraries set them there.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'";

/// Puts the security headers on a response.
fn secure(response: &mut Response) {
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
    headers.reserve(fixed.len() + 2);
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Counters of every route, method and status that there was, so that a request neither makes nor looks up labels.
/// Bounded: routes are ours, methods eight, statuses those we give.
#[derive(Default)]
pub(crate) struct Counted(RwLock<HashMap<String, Route>>);

struct Route {
    seconds: metrics::Histogram,
    counters: HashMap<(&'static str, u16), metrics::Counter>,
}

impl Counted {
    fn count(&self, route: &str, method: &'static str, status: StatusCode, took: Duration) {
        let status = status.as_u16();
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.get(route)
            && let Some(counter) = known.counters.get(&(method, status))
        {
            counter.increment(1);
            known.seconds.record(took.as_secs_f64());
            return;
        }
        drop(routes);
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = routes.entry(route.to_owned()).or_insert_with(|| Route {
            seconds: metrics::histogram!("http_request_seconds", "route" => route.to_owned()),
            counters: HashMap::new(),
        });
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        let counter = known
            .counters
            .entry((method, status))
            .or_insert_with(|| metrics::counter!("http_requests_total", &labels));
        counter.increment(1);
        known.seconds.record(took.as_secs_f64());
    }
}

/// What stands around every handler: limits each address, counts and logs the request, hands refusals to the audit
/// trail, and puts the security headers on the answer. One layer, for each costs every request something.
///
/// Paths are logged as routes: what stands in their place holders, queries and bodies may be personal and never reaches
/// a log.
pub(crate) async fn around(
    State(app): Shared,
    Address(address): Address,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let asker = Asker::default();
    let path = request.uri().path();
    let counted = match (method, path) {
        ("POST", NOTICES) => AddressCounts::IfRefused,
        // A gateway's key is looked at before its address: see `AsGateway`.
        ("POST", path) if is_gateways(path) => AddressCounts::Elsewhere,
        (_, path) if path.starts_with("/api/") => AddressCounts::Always,
        (_, _) => AddressCounts::Elsewhere,
    };
    let addresses = &app.limits.address;
    let limited = match counted {
        AddressCounts::Always => app.limit(addresses, address, 1).err(),
        AddressCounts::IfRefused => {
            let left = addresses.has_one(&address, began);
            left.err().map(Problem::rate_limited)
        }
        AddressCounts::Elsewhere => None,
    };
    let mut response = match limited {
        Some(problem) => problem.into_response(),
        None => {
            request.extensions_mut().insert(asker.clone());
            let response = to_its_end(next, request).await;
            app.audit
                .saw(&response, asker.actor(), app.config.clock.now());
            response
        }
    };
    if counted == AddressCounts::IfRefused && is_not_the_providers(response.status()) {
        // It has its answer; what is missing is missing for the next one.
        let _ = addresses.take(address, 1, began);
    }
    secure(&mut response);
    let (status, took) = (response.status(), began.elapsed());
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    app.counted.count(route, method, status, took);
    let elapsed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(
        method,
        route,
        status = status.as_u16(),
        elapsed_us,
        "request answered"
    );
    response
}

/// Runs a request that may change something to its end, even if who asked does not wait for the answer: what is decided and
/// what is noted about it belong together.
async fn to_its_end(next: Next, request: Request) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let running = tokio::spawn(next.run(request));
    running
        .await
        .unwrap_or_else(|error| Problem::fault("a request did not end", &error).into_response())
}

/// Where the channel's notices go.
const NOTICES: &str = "/api/v1/channels/notify";

/// Whether a request counts against its address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressCounts {
    /// Before anything else is done.
    Always,
    /// When it was refused: a provider sends all its notices from a few addresses, and shows by its signature who it
    /// is. Whoever has sent too much that was none is not listened to any more.
    IfRefused,
    /// Not here.
    Elsewhere,
}

/// Whether a notice that was answered so was none of the provider's. 409 means that it was, by its signature, and that the
/// provider does not yet say the same when it is asked.
fn is_not_the_providers(answer: StatusCode) -> bool {
    answer.is_client_error() && answer != StatusCode::CONFLICT
}

/// Whether a `POST` to this path is a gateway's.
pub(crate) fn is_gateways(path: &str) -> bool {
    matches!(path, "/api/v1/joins" | "/api/v1/gateway/members")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_none_of_the_providers_counts_against_an_address() {
        for (answer, counts) in [
            (StatusCode::UNAUTHORIZED, true),
            (StatusCode::BAD_REQUEST, true),
            (StatusCode::PAYLOAD_TOO_LARGE, true),
            (StatusCode::NO_CONTENT, false),
            (StatusCode::CONFLICT, false),
            (StatusCode::SERVICE_UNAVAILABLE, false),
        ] {
            assert_eq!(is_not_the_providers(answer), counts, "{answer}");
        }
    }
}
