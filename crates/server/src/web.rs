//! The embedded web client: the files of `web/dist`, and its page for every address that is not the API's.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::Problem;

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Potluck</title>\
<p>The platform is running, but its web client was not built into this program. \
Build it with <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build the program again. \
The API answers under <a href=\"/openapi.json\">/api/v1</a>.\
<p>平台已在运行，但此程序未包含网页客户端。请在 <code>web/</code> 中构建后重新编译。";

/// Answers everything that no route has taken.
pub(crate) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem::not_found("route_unknown", "there is no such address in this API")
            .into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return method_unknown().into_response();
    }
    let name = path.trim_start_matches('/');
    if let Some(found) = Dist::get(name).filter(|_| !name.is_empty()) {
        return file(name, found, &headers);
    }
    // A name with a dot was meant as a file; the page under its address would only confuse.
    if name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains('.'))
    {
        return Problem::not_found("route_unknown", "there is no such file").into_response();
    }
    match Dist::get("index.html") {
        Some(page) => file("index.html", page, &headers),
        None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
    }
}

/// 405 for a known address.
pub(crate) fn method_unknown() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not take that method",
    )
}

fn file(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", draw::to_hex(&file.metadata.sha256_hash()[..16]));
    // Vite names what stands in assets/ by its content, so it never changes; the rest is asked for again.
    let caching = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str())
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data).into_response()
    };
    let sent = response.headers_mut();
    let kind = mime_guess::from_path(name)
        .first_or_octet_stream()
        .to_string();
    if let Ok(kind) = HeaderValue::from_str(&with_charset(kind)) {
        sent.insert(header::CONTENT_TYPE, kind);
    }
    sent.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        sent.insert(header::ETAG, tag);
    }
    response
}

fn with_charset(kind: String) -> String {
    if kind.starts_with("text/") && !kind.contains("charset") {
        format!("{kind}; charset=utf-8")
    } else {
        kind
    }
}
