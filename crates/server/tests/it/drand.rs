//! Draws by the public beacon: from relays, or from whoever sends the signature in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use domain::Millis;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::files::small;
use crate::site::Site;

/// A published round of drand quicknet (draw 11).
const ROUND: u64 = 1000;
const SIGNATURE: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
/// Unix seconds of that round.
const ROUND_TIME: i64 = 1_692_803_367 + 3 * 999;

/// A relay that answers every round with this.
async fn relay(
    answer: impl Fn(u64) -> (StatusCode, String) + Clone + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let handler = move |Path((_, round)): Path<(String, u64)>| {
        let answer = answer.clone();
        async move { answer(round) }
    };
    let router = Router::new().route("/{chain}/public/{round}", get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn published(round: u64) -> String {
    // What the relay says of the randomness is never looked at.
    json!({ "round": round, "randomness": "lies", "signature": SIGNATURE }).to_string()
}

/// A group that awaits the round, full sixty seconds before it.
async fn frozen(relays: Vec<String>) -> (Site, String) {
    let site = Site::open_with(|config| {
        config.draw.source = server::DrawSource::DrandQuicknet;
        config.draw.relays = relays;
    })
    .await;
    site.clock.set(Millis((ROUND_TIME - 60) * 1000));
    // For the provider that was long ago.
    site.faults(None, json!({ "pay": { "late": true } })).await;
    let campaign = site.publish(small(2)).await;
    let (leader, other) = (site.member(1, None).await, site.member(2, None).await);
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    let payment = other.join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "full").await;
    let draw = site
        .anyone()
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    assert_eq!(
        (&draw["round"], &draw["winners"]),
        (&json!(ROUND), &Value::Null)
    );
    (site, group)
}

async fn check(site: &Site, group: &str) {
    site.group(group, "settled").await;
    let mut files = Vec::new();
    for file in ["open", "seats", "freeze", "result"] {
        files.push(
            site.anyone()
                .get(&format!("/groups/{group}/draw/{file}"))
                .await
                .bytes,
        );
    }
    let again = draw::reproduce(&files[0], &files[1], &files[2], SIGNATURE, None).unwrap();
    assert_eq!((again.unchecked.len(), again.result), (0, files[3].clone()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_are_asked_one_after_the_other_and_none_is_believed() {
    let down = "http://127.0.0.1:9".to_owned();
    let early = relay(|_| (StatusCode::NOT_FOUND, String::new())).await;
    let other_round = relay(|_| (StatusCode::OK, published(999))).await;
    let wrong = relay(|round| {
        (
            StatusCode::OK,
            json!({ "round": round, "signature": SIGNATURE.replace('b', "a") }).to_string(),
        )
    })
    .await;
    let endless = relay(|_| (StatusCode::OK, " ".repeat(1_000_000))).await;
    let good = relay(|round| (StatusCode::OK, published(round))).await;
    let (site, group) = frozen(vec![down, early, other_round, wrong, endless, good]).await;
    site.advance_s(60);
    check(&site, &group).await;
    site.close().await;
}

/// A value that comes after the void is shown beside it, whoever found it, and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_found_after_the_void_is_shown_beside_it() {
    let late = Arc::new(AtomicBool::new(false));
    let is_there = late.clone();
    let relay = relay(move |round| {
        if is_there.load(Ordering::Relaxed) {
            (StatusCode::OK, published(round))
        } else {
            (StatusCode::NOT_FOUND, String::new())
        }
    })
    .await;
    for sent_in in [true, false] {
        late.store(false, Ordering::Relaxed);
        let (site, group) = frozen(vec![relay.clone()]).await;
        site.advance_s(60 + 86_400);
        site.group(&group, "void").await;
        let draw = async || {
            let path = format!("/groups/{group}/draw");
            site.anyone().get(&path).await.json()
        };
        let before = draw().await;
        assert_eq!(
            (
                &before["state"],
                &before["late_at"],
                &before["beacon"]["signature"]
            ),
            (&json!("void"), &Value::Null, &Value::Null)
        );
        if sent_in {
            let path = format!("/draws/{ROUND}/signature");
            let body = json!({ "source": "drand-quicknet", "signature": SIGNATURE });
            assert_eq!(site.anyone().post(&path, body).await.status, 202);
        } else {
            late.store(true, Ordering::Relaxed);
        }
        let after = site
            .until("the value is shown", async || {
                let draw = draw().await;
                (!draw["late_at"].is_null()).then_some(draw)
            })
            .await;
        assert_eq!(
            (
                &after["state"],
                &after["beacon"]["signature"],
                &after["winners"]
            ),
            (&json!("void"), &json!(SIGNATURE), &Value::Null)
        );
        site.group(&group, "void").await;
        let void = site
            .anyone()
            .get(&format!("/groups/{group}/draw/void"))
            .await;
        assert_eq!(void.status, 200);
        site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_can_send_the_signature_in() {
    let (site, group) = frozen(Vec::new()).await;
    site.advance_s(180);
    site.until("it is shown how late it is", async || {
        let page = site.anyone().get(&format!("/groups/{group}")).await.json();
        (page["draw"]["state"] == "waiting" && page["draw"]["late_minutes"] == 2).then_some(())
    })
    .await;
    let path = format!("/draws/{ROUND}/signature");
    let body = |signature: &str| json!({ "source": "drand-quicknet", "signature": signature });
    site.anyone()
        .post(&path, body(&"0".repeat(96)))
        .await
        .is_problem(422, "signature_invalid");
    site.anyone()
        .post(&path, body(&SIGNATURE.to_uppercase()))
        .await
        .is_problem(422, "signature_invalid");
    assert_eq!(site.anyone().post(&path, body(SIGNATURE)).await.status, 202);
    check(&site, &group).await;
    site.anyone()
        .post(&path, body(SIGNATURE))
        .await
        .is_problem(409, "round_not_awaited");
    site.close().await;
}
