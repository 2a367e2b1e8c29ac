//! Notices as signed requests to an address of the operator's.
//!
//! Why one request for each notice: of a request one thing can be said, that it was taken, refused, or that nobody knows, and
//! then no notice shares the fate of another.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use ring::hmac;
use views::ConnectorRow;

use super::Told;
use super::connector::{Connector, Outcome, Refusal, WentOut};
use crate::config::{Webhook, WebhookSecret};
use crate::wire::SentNotice;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// The notice's name, by which a receiver knows one that he has.
const HEADER_ID: &str = "potluck-notice";
/// Unix seconds of this try.
const HEADER_TIMESTAMP: &str = "potluck-timestamp";
/// `v1=` and the signature.
const HEADER_SIGNATURE: &str = "potluck-signature";

/// Posts each notice.
pub(crate) struct Post {
    client: reqwest::Client,
    url: Url,
    secret: WebhookSecret,
}

impl Post {
    pub(crate) fn new(to: &Webhook) -> Result<Post, reqwest::Error> {
        Ok(Post {
            client: client(to)?,
            url: to.url.clone(),
            secret: to.secret.clone(),
        })
    }
}

impl Connector for Post {
    const NAME: &'static str = "webhook";
    const AT_ONCE: usize = 1;

    async fn mark(&mut self) -> Result<u64, String> {
        Ok(0)
    }

    async fn send(&mut self, notices: &[Told]) -> Outcome {
        let mut outcome = Outcome::Sent;
        for told in notices {
            outcome = self.post(told).await;
            if outcome != Outcome::Sent {
                break;
            }
        }
        outcome
    }

    async fn recover(&mut self, _row: &ConnectorRow) -> WentOut {
        WentOut::Unknown
    }
}

impl Post {
    async fn post(&self, told: &Told) -> Outcome {
        let body = match serde_json::to_vec(&SentNotice::of(told)) {
            Ok(body) => body,
            Err(error) => {
                return Outcome::Refused {
                    why: error.to_string(),
                    refusal: Refusal::Unwanted,
                };
            }
        };
        // The receiver's clock is the world's, whatever time the platform's domain lives in.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let timestamp = now.map_or(0, |since| since.as_secs()).to_string();
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(HEADER_ID, told.id())
            .header(HEADER_SIGNATURE, signature(&self.secret, &timestamp, &body))
            .header(HEADER_TIMESTAMP, timestamp)
            .body(body);
        match request.send().await {
            Ok(answer) => by_status(answer.status()),
            Err(error) => by_error(&error),
        }
    }
}

/// What an answer means. Whoever says that he does not want it, or cannot have it now, has not taken it; of another failure
/// nobody knows how far it went.
fn by_status(status: StatusCode) -> Outcome {
    let why = format!("the receiver answers {status}");
    let refused = |refusal| Outcome::Refused {
        why: why.clone(),
        refusal,
    };
    match status {
        status if status.is_success() => Outcome::Sent,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => refused(Refusal::Nobody),
        StatusCode::REQUEST_TIMEOUT => Outcome::Unknown { why },
        status if status.is_server_error() => Outcome::Unknown { why },
        _ => refused(Refusal::Unwanted),
    }
}

fn by_error(error: &reqwest::Error) -> Outcome {
    // The address may hold a password.
    let why = match std::error::Error::source(error) {
        Some(source) => crate::causes::chain(source),
        None => "the request failed".to_owned(),
    };
    if error.is_connect() {
        Outcome::Refused {
            why,
            refusal: Refusal::Nobody,
        }
    } else if error.is_builder() {
        Outcome::Refused {
            why,
            refusal: Refusal::Unwanted,
        }
    } else {
        Outcome::Unknown { why }
    }
}

/// `v1=` and the HMAC-SHA256 of the timestamp, a dot and the body, hexadecimal.
fn signature(secret: &WebhookSecret, timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
    let mut signed = hmac::Context::with_key(&key);
    signed.update(timestamp.as_bytes());
    signed.update(b".");
    signed.update(body);
    format!("v1={}", draw::to_hex(signed.sign().as_ref()))
}

/// A connection for each request: on one that was kept open, a request can fail without anybody knowing whether it was read.
fn client(to: &Webhook) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .timeout(to.within)
        .connect_timeout(CONNECT_WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .http1_only();
    let builder = if to.url.scheme() == "https" {
        builder
    } else {
        builder.tls_certs_only([])
    };
    if crate::config::is_loopback(&to.url) {
        builder.no_proxy().build()
    } else {
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `hmac` says it.
    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        let secret = WebhookSecret::new("a secret of thirty-two characters".to_owned()).unwrap();
        assert_eq!(
            signature(&secret, "1795366800", br#"{"id":"4711-0-17-4ce728d5af"}"#),
            "v1=507fa0454b5092f23746e074c709bba7592c834988d0093297ea11446dc27db3"
        );
    }

    #[test]
    fn what_answers_mean() {
        for (status, expected) in [
            (200, "sent"),
            (204, "sent"),
            (302, "unwanted"),
            (400, "unwanted"),
            (404, "unwanted"),
            (408, "unknown"),
            (429, "nobody"),
            (500, "unknown"),
            (502, "unknown"),
            (503, "nobody"),
            (504, "unknown"),
        ] {
            let found = match by_status(StatusCode::from_u16(status).unwrap()) {
                Outcome::Sent => "sent",
                Outcome::Refused { refusal, .. } => match refusal {
                    Refusal::Nobody => "nobody",
                    Refusal::Unwanted => "unwanted",
                },
                Outcome::Unknown { .. } => "unknown",
            };
            assert_eq!(found, expected, "{status}");
        }
    }
}
