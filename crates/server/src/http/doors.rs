//! The doors: connections, the room inside, and what is answered when both are full.
//!
//! Why our own and not the framework's: it waits for ever for a request's head and takes as many connections and
//! requests as come, so that whoever sends enough of them decides how much memory the platform takes. Here everything
//! that comes from outside is counted before anything is kept of it, and what does not fit is told so at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::patience::Patient;
use super::{Problem, drained};
use crate::config::Limits;

/// How long a client may refuse to take more of its answer.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// How long a request may take, from its head to the head of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Most bytes of a request's head, and of a body that has arrived and was not read yet.
const BUFFER_BYTES: usize = 64 * 1024;
/// Most header lines of a request.
const MOST_HEADERS: usize = 64;
/// Room that a request takes beside its body, in KiB.
const REQUEST_KIB: u32 = 16;
/// Room that a gateway's batch takes for each byte of its body: items, payments, commands and answers.
const BATCH_FACTOR: u32 = 10;
/// Most connections at once that are told that there is no room for them; more wait in the system's queue.
const MOST_REFUSED: usize = 64;
/// How long a connection is listened to for which there is no room.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// File handles for databases, the channel and everything that is no client's connection.
const OTHER_FILES: usize = 224;
/// Wait after a connection could not be taken because the system has no more handles.
const NO_HANDLES: Duration = Duration::from_millis(50);

/// What connections lead to.
pub(crate) struct Doors {
    /// Free places for connections.
    connections: Arc<Semaphore>,
    /// Free room for requests, in KiB.
    room: Arc<Semaphore>,
    /// How long a request's head may take to arrive, and how long a connection may be silent between two requests.
    head_within: Duration,
    /// Answers while the router is not open yet.
    starting: fn(&Request) -> Response,
    router: std::sync::OnceLock<Router>,
}

impl Doors {
    /// Doors for so many connections, as far as the system gives this process handles, and so much room.
    pub(crate) fn new(limits: &Limits, starting: fn(&Request) -> Response) -> Doors {
        let connections = limits.connections;
        let handles = std::fs::read_to_string("/proc/self/limits")
            .ok()
            .and_then(|limits| open_files(&limits));
        let possible = handles.map_or(connections, |handles| {
            handles.saturating_sub(OTHER_FILES).max(1).min(connections)
        });
        if possible < connections {
            tracing::info!(
                possible,
                connections,
                "the system allows {possible} connections, not {connections}: raise its limit of open files"
            );
        }
        Doors {
            connections: Arc::new(Semaphore::new(possible)),
            room: Arc::new(Semaphore::new(limits.room_kib as usize)),
            head_within: limits.head_within,
            starting,
            router: std::sync::OnceLock::new(),
        }
    }

    /// Lets requests through to the router.
    pub(crate) fn open(&self, router: Router) {
        // They are opened once.
        let _ = self.router.set(router);
    }

    /// Takes connections until the server is to stop, then ends those that there are.
    pub(crate) async fn listen(
        self: Arc<Doors>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) {
        let refused = Arc::new(Semaphore::new(MOST_REFUSED));
        let mut open = JoinSet::new();
        loop {
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        took_none(&error).await;
                        continue;
                    }
                },
                () = stopped(&mut stop) => break,
            };
            while open.try_join_next().is_some() {}
            // Answers are written in one piece; waiting for more would only delay them.
            let _ = stream.set_nodelay(true);
            match self.connections.clone().try_acquire_owned() {
                Ok(place) => {
                    open.spawn(self.clone().serve(stream, peer, place, stop.clone()));
                }
                Err(_) => {
                    metrics::counter!("connections_refused_total").increment(1);
                    if let Ok(place) = refused.clone().acquire_owned().await {
                        open.spawn(refuse(stream, place));
                    }
                }
            }
        }
        drop(listener);
        while open.join_next().await.is_some() {}
    }

    async fn serve(
        self: Arc<Doors>,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        mut stop: watch::Receiver<bool>,
    ) {
        let head_within = self.head_within;
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let doors = self.clone();
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                Ok::<_, std::convert::Infallible>(doors.answer(request).await)
            }
        });
        let stream = TokioIo::new(Patient::new(stream, TAKE_WITHIN));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_within)
            .max_buf_size(BUFFER_BYTES)
            .max_headers(MOST_HEADERS)
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            // A client that goes away in the middle is nobody's fault.
            _ = connection.as_mut() => {}
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
        drop(place);
    }

    /// Answers one request, if there is room for it.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        drained(request, |request| self.admit(request)).await
    }

    async fn admit(&self, request: Request) -> Response {
        let Some(router) = self.router.get() else {
            return (self.starting)(&request);
        };
        // Whoever watches the server must see it when it is full.
        if matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics") {
            return through(router, request).await;
        }
        let room = self.room.clone().try_acquire_many_owned(room_of(&request));
        let Ok(_room) = room else {
            metrics::counter!("requests_shed_total").increment(1);
            return Problem::busy().into_response();
        };
        in_time(ANSWER_WITHIN, through(router, request)).await
    }
}

/// The answer, or that nobody knows it where it takes too long.
async fn in_time(within: Duration, answering: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(within, answering).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out(within).into_response(),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender has gone, or says so: both end it.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn through(router: &Router, request: Request) -> Response {
    router.clone().oneshot(request).await.into_response()
}

/// The room that a request takes, in KiB. Whoever does not say how long his body is takes what it may be at most.
fn room_of(request: &Request) -> u32 {
    let is_batch = request.method() == Method::POST && super::is_gateways(request.uri().path());
    let (most, factor) = if is_batch {
        (super::BATCH_BYTES, BATCH_FACTOR)
    } else {
        (super::BODY_BYTES, 1)
    };
    let most = u32::try_from(most / 1024).unwrap_or(u32::MAX);
    let length = match request.headers().get(header::CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|text| text.parse().ok()),
        None if request.headers().contains_key(header::TRANSFER_ENCODING) => None,
        None => Some(0u64),
    };
    let body = length.map_or(most, |length| {
        u32::try_from(length.div_ceil(1024)).unwrap_or(most)
    });
    REQUEST_KIB.saturating_add(body.min(most).saturating_mul(factor))
}

/// Most open files of this process, from the system's table of limits.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

async fn took_none(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    // The client has gone before it was taken.
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::warn!(%error, "a connection could not be taken: {error}");
    tokio::time::sleep(NO_HANDLES).await;
}

/// Tells one more client than there are places for that it must come again, once it has asked for something.
async fn refuse(mut stream: TcpStream, place: OwnedSemaphorePermit) {
    let telling = async {
        let mut heard = [0; 4096];
        if stream.read(&mut heard).await? == 0 {
            return Ok(());
        }
        stream.write_all(&no_place()).await?;
        stream.shutdown().await?;
        // What is not read would reset the connection, and the answer with it.
        while 0 < stream.read(&mut heard).await? {}
        Ok::<(), std::io::Error>(())
    };
    // It has gone, or it keeps on sending: both are its own affair.
    let _ = tokio::time::timeout(REFUSED_WITHIN, telling).await;
    drop(place);
}

fn no_place() -> Vec<u8> {
    let problem = Problem::busy();
    let body = problem.text();
    format!(
        "HTTP/1.1 {} Service Unavailable\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, headers: &[(&str, &str)], kib: u32) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(room_of(&request), kib, "{method} {path} {headers:?}");
    }

    #[test]
    fn a_request_takes_room_by_what_it_may_bring() {
        check("GET", "/api/v1/groups/1", &[], 16);
        check(
            "POST",
            "/api/v1/groups/1/seats",
            &[("content-length", "2")],
            17,
        );
        check("POST", "/api/v1/x", &[("content-length", "9999999")], 80);
        check("POST", "/api/v1/x", &[("content-length", "no number")], 80);
        check("POST", "/api/v1/x", &[("transfer-encoding", "chunked")], 80);
        check("POST", "/api/v1/joins", &[("content-length", "100")], 26);
        check("POST", "/api/v1/joins", &[("content-length", "75000")], 756);
        check(
            "POST",
            "/api/v1/gateway/members",
            &[("content-length", "9999999")],
            10_256,
        );
        check("GET", "/api/v1/joins", &[("content-length", "75000")], 80);
    }

    #[test]
    fn the_systems_limit_of_open_files_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             95000                95000                processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            None
        );
    }

    #[test]
    fn who_finds_no_place_is_told_so_in_the_one_shape() {
        let text = String::from_utf8(no_place()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"], "busy");
        assert_eq!(body["type"], "urn:potluck:problem:busy");
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_not_known() {
        let within = Duration::from_millis(10);
        let never = in_time(within, std::future::pending()).await;
        assert_eq!(never.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
        let refused = never.extensions().get::<crate::http::RefusedWith>();
        assert_eq!(refused.unwrap().code, "timed_out");
        let soon = in_time(within, std::future::ready(Response::default())).await;
        assert_eq!(soon.status(), axum::http::StatusCode::OK);
    }
}
