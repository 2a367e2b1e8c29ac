//! Takes the rest of a request's body from the wire when the answer is there before it was read: else the next request
//! on that connection would find it broken, and a client still sending might never see the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt};

/// Most bytes that are taken after the answer.
const MOST_BYTES: usize = 1024 * 1024;
/// How long the rest may take to arrive.
const WITHIN: Duration = Duration::from_secs(2);

/// A body that its handler may leave unread.
#[derive(Clone)]
struct Shared(Arc<Mutex<Incoming>>);

struct Incoming {
    stream: BodyDataStream,
    /// Whether anybody has begun to read it.
    is_begun: bool,
    is_over: bool,
}

impl Shared {
    fn is_begun(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_begun
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut incoming = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if incoming.is_over {
            return Poll::Ready(None);
        }
        incoming.is_begun = true;
        let polled = incoming.stream.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            incoming.is_over = true;
        }
        polled
    }
}

/// Answers a request, and then sees to what was not read of it. Where too much is left the connection is closed, which
/// the answer says.
pub(crate) async fn drained<F>(request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    // In HTTP/2 a request has a stream of its own.
    if request.body().is_end_stream() || Version::HTTP_11 < request.version() {
        return answer(request).await;
    }
    // Who waits to be asked for his body is not asked for one that nobody reads.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(Incoming {
        stream: body.into_data_stream(),
        is_begun: false,
        is_over: false,
    })));
    let body = Body::from_stream(shared.clone());
    let mut response = answer(Request::from_parts(parts, body)).await;
    let rest = async {
        if waits && !shared.is_begun() {
            return false;
        }
        let (mut shared, mut seen) = (shared, 0usize);
        while let Some(chunk) = shared.next().await {
            seen = seen.saturating_add(chunk.map_or(MOST_BYTES, |chunk| chunk.len()));
            if MOST_BYTES <= seen {
                return false;
            }
        }
        true
    };
    let is_whole = tokio::time::timeout(WITHIN, rest).await.unwrap_or(false);
    if !is_whole {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
