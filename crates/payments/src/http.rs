//! The HTTP client, and the clock, which both sides use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

/// A client that follows no redirect: a signed request is for one address only.
///
/// TLS is rustls with ring. For a plain address no certificates are loaded, so that a machine
/// without any can still talk to a provider of its own.
pub(crate) fn client(address: &Url, timeout: Duration) -> Result<Client, reqwest::Error> {
    let builder = base(timeout);
    let builder = if address.scheme() == "https" {
        builder
    } else {
        plain(builder)
    };
    // A proxy of the environment cannot reach what listens on this machine only.
    let builder = if is_loopback(address) {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build()
}

/// A client for addresses not known beforehand. Where the machine has no certificates it can reach
/// plain ones only.
pub(crate) fn any_client(timeout: Duration) -> Result<Client, reqwest::Error> {
    base(timeout)
        .no_proxy()
        .build()
        .or_else(|_| plain(base(timeout)).no_proxy().build())
}

fn base(timeout: Duration) -> ClientBuilder {
    // An error means that the process has chosen a provider already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(Policy::none())
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(3)))
}

fn plain(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

fn is_loopback(address: &Url) -> bool {
    match address.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
