//! Notices that go out by connectors (rules 9.8): what is allowed, once each, whatever the other side does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use server::{Connectors, Webhook, WebhookSecret};

use crate::inbox::{again, drawn, of_two};
use crate::site::{Caller, Site};

const SECRET: &str = "what platform and receiver both know";

/// A receiver that answers as it is told.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    /// What came, by the notices' names: the body, and how often.
    got: BTreeMap<String, (Value, u32)>,
    /// Answers to come; then 204. `None`: never one.
    answers: Vec<Option<u16>>,
}

impl Receiver {
    /// Answers by these first, the last one first.
    fn will(&self, answers: &[Option<u16>]) {
        self.0.lock().unwrap().answers = answers.to_vec();
    }

    fn got(&self) -> BTreeMap<String, (Value, u32)> {
        self.0.lock().unwrap().got.clone()
    }

    fn kinds(&self) -> BTreeMap<String, u32> {
        let book = self.0.lock().unwrap();
        let mut kinds = BTreeMap::new();
        for (body, times) in book.got.values() {
            *kinds
                .entry(body["kind"].as_str().unwrap().to_owned())
                .or_default() += times;
        }
        kinds
    }

    /// Waits for so many different notices.
    async fn has(&self, site: &Site, count: usize) {
        site.until(&format!("{count} notices have come"), async || {
            (count <= self.0.lock().unwrap().got.len()).then_some(())
        })
        .await;
    }

    async fn listen(&self) -> reqwest::Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/hook", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url.parse().unwrap()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let expected = hmac(&header("potluck-timestamp"), &body);
    assert_eq!(header("potluck-signature"), format!("v1={expected}"));
    let said: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said["id"], header("potluck-notice"));
    let answer = {
        let mut book = receiver.0.lock().unwrap();
        let answer = book.answers.pop().unwrap_or(Some(204));
        // Whoever refuses has not taken it.
        if !matches!(answer, Some(400..=499 | 503)) {
            let known = book.got.entry(header("potluck-notice"));
            known.or_insert((said, 0)).1 += 1;
        }
        answer
    };
    match answer {
        Some(status) => StatusCode::from_u16(status).unwrap(),
        None => std::future::pending().await,
    }
}

/// HMAC-SHA256 by its definition (RFC 2104), so that the platform's own is held against another.
fn hmac(timestamp: &str, body: &[u8]) -> String {
    let mut key = [0u8; 64];
    key[..SECRET.len()].copy_from_slice(SECRET.as_bytes());
    let padded = |with: u8| key.map(|byte| byte ^ with).to_vec();
    let mut inner = padded(0x36);
    inner.extend_from_slice(timestamp.as_bytes());
    inner.push(b'.');
    inner.extend_from_slice(body);
    let mut outer = padded(0x5c);
    outer.extend_from_slice(&draw::hash(&inner).0);
    draw::to_hex(&draw::hash(&outer).0)
}

async fn with_receiver() -> (Site, Receiver, tempfile::TempDir) {
    let (receiver, dir) = (Receiver::default(), tempfile::tempdir().unwrap());
    let connectors = Connectors {
        log: Some(dir.path().join("notices.log")),
        webhook: Some(Webhook {
            url: receiver.listen().await,
            secret: WebhookSecret::new(SECRET.to_owned()).unwrap(),
            within: Duration::from_millis(500),
        }),
    };
    let site = Site::open_with(|config| config.connectors = connectors).await;
    (site, receiver, dir)
}

async fn allow(member: &Caller, connector: &str, kinds: &[&str]) {
    let body = json!({ "connector": connector, "kinds": kinds });
    let got = member.post("/me/notices/connectors", body).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

fn lines(dir: &tempfile::TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.path().join("notices.log")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_allows_goes_out_once_and_nothing_else_does() {
    let (mut site, receiver, dir) = with_receiver().await;
    let (winner, other) = drawn(&site).await;
    // What happened before anybody allowed anything is not sent.
    allow(&winner, "webhook", &["filled", "won"]).await;
    allow(&winner, "log", &["won"]).await;
    allow(&other, "webhook", &["not_won", "won"]).await;
    let choices = winner.get("/me/notices/connectors").await.json();
    assert_eq!(
        choices["connectors"],
        json!([
            { "connector": "log", "kinds": ["won"] },
            { "connector": "webhook", "kinds": ["filled", "won"] },
        ])
    );
    let body = json!({ "connector": "pigeon", "kinds": [] });
    let got = winner.post("/me/notices/connectors", body).await;
    got.is_problem(404, "connector_unknown");
    let body = json!({ "connector": "log", "kinds": ["gossip"] });
    let got = winner.post("/me/notices/connectors", body).await;
    got.is_problem(422, "body_invalid");

    let campaign = site.publish(of_two()).await;
    for _ in 0..6 {
        again(&site, &campaign, [&winner, &other]).await;
    }
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    let mut in_log = Vec::new();
    for (member, kinds) in [(&winner, ["filled", "won"]), (&other, ["not_won", "won"])] {
        let inbox = member.get("/me/notices?limit=100").await.json();
        let items = inbox["items"].as_array().unwrap();
        for item in items.iter().filter(|item| item["group"] != "0") {
            if kinds.iter().any(|kind| item["kind"] == *kind) {
                expected.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
            }
            if member.id == winner.id && item["kind"] == "won" {
                in_log.push(item["id"].clone());
            }
        }
    }
    in_log.reverse();
    receiver.has(&site, expected.len()).await;
    site.until("the log has them", async || {
        (in_log.len() <= lines(&dir).len()).then_some(())
    })
    .await;
    // A start over finds nothing to say again.
    site.restart().await;
    again(&site, &campaign, [&winner, &other]).await;
    receiver.has(&site, expected.len() + 2).await;
    let ids: Vec<Value> = lines(&dir).iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids[..in_log.len()], in_log);
    let got = receiver.got();
    for (id, item) in expected {
        let (body, times) = &got[&id];
        assert_eq!(*times, 1, "{id}");
        for field in ["at", "kind", "text", "group", "amount", "extra", "coins"] {
            assert_eq!(body[field], item[field], "{field} of {id}");
        }
        assert!(body["member"] == winner.id.as_str() || body["member"] == other.id.as_str());
        assert_eq!(body.get("unread"), None);
    }
    site.close().await;
}

/// Refused for certain: again, until it is taken. Unknown: counted, and never again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_tried_again_and_what_is_unknown_is_not() {
    let (site, receiver, _dir) = with_receiver().await;
    let (winner, other) = drawn(&site).await;
    allow(&winner, "webhook", &["filled"]).await;
    allow(&other, "webhook", &["filled"]).await;
    let campaign = site.publish(of_two()).await;
    receiver.will(&[Some(503), Some(429), Some(404), Some(503)]);
    again(&site, &campaign, [&winner, &other]).await;
    receiver.has(&site, 2).await;
    assert_eq!(receiver.kinds(), BTreeMap::from([("filled".to_owned(), 2)]));
    // One has got it and fails: nobody can know. The next one is taken as always.
    receiver.will(&[Some(500)]);
    again(&site, &campaign, [&winner, &other]).await;
    receiver.has(&site, 4).await;
    again(&site, &campaign, [&winner, &other]).await;
    receiver.has(&site, 6).await;
    assert_eq!(receiver.kinds(), BTreeMap::from([("filled".to_owned(), 6)]));
    let directory = site.directory().await;
    let row = directory.connector("webhook").await.unwrap().unwrap();
    assert_eq!((row.sent, row.unknown, row.refused), (5, 1, 0));
    directory.close().await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_wants_is_given_up_and_the_rest_goes_on() {
    let (site, receiver, _dir) = with_receiver().await;
    let (winner, other) = drawn(&site).await;
    allow(&winner, "webhook", &["filled"]).await;
    let campaign = site.publish(of_two()).await;
    receiver.will(&[Some(400); 10]);
    again(&site, &campaign, [&winner, &other]).await;
    again(&site, &campaign, [&winner, &other]).await;
    receiver.has(&site, 1).await;
    let directory = site.directory().await;
    let row = directory.connector("webhook").await.unwrap().unwrap();
    assert_eq!((row.unknown, row.refused), (0, 1));
    directory.close().await;
    site.close().await;
}

/// A receiver that never answers: groups fill and are drawn, the log gets its lines, and the platform ends in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_hangs_holds_nothing_else_up() {
    let (site, receiver, dir) = with_receiver().await;
    let (winner, other) = drawn(&site).await;
    for member in [&winner, &other] {
        allow(member, "webhook", &["filled"]).await;
        allow(member, "log", &["filled"]).await;
    }
    let campaign = site.publish(of_two()).await;
    receiver.will(&[None; 100]);
    for _ in 0..3 {
        again(&site, &campaign, [&winner, &other]).await;
    }
    site.until("the log has them", async || {
        (lines(&dir).len() == 6).then_some(())
    })
    .await;
    site.until("one is known as unknown", async || {
        let name = "notices_unknown_total{connector=\"webhook\"}";
        (1.0 <= site.number(name).await).then_some(())
    })
    .await;
    assert!(receiver.kinds().values().all(|&times| times <= 6));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coins_that_expire_go_out_once_at_the_beginning_of_the_month() {
    let (mut site, receiver, _dir) = with_receiver().await;
    let (_, other) = drawn(&site).await;
    allow(&other, "webhook", &["coins_expiring"]).await;
    site.advance_s(365 * 86_400);
    site.restart().await;
    receiver.has(&site, 1).await;
    site.restart().await;
    site.advance_s(86_400);
    let number = if other.id == "0" { 1 } else { 2 };
    let other = site.member(number, None).await;
    let inbox = other.get("/me/notices").await.json();
    let got = receiver.got();
    let (id, (body, times)) = got.first_key_value().unwrap();
    assert_eq!(
        (inbox["items"][0]["id"].as_str(), *times),
        (Some(id.as_str()), 1)
    );
    assert_eq!(
        (&body["coins"], &body["kind"]),
        (&json!("1.50"), &json!("coins_expiring"))
    );
    site.close().await;
}
