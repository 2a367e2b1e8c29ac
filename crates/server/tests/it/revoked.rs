//! Sessions and keys that are ended stop at once, whoever ends them, although they are kept in memory.

use engine::Clock;
use serde_json::json;

use crate::site::{Caller, Site};

/// Calls until what the server has read of the directory is kept, and once more.
async fn used(caller: &Caller, path: &str) -> u16 {
    let mut status = 0;
    for _ in 0..3 {
        status = caller.get(path).await.status.as_u16();
    }
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_stops_at_once() {
    let site = Site::open().await;
    let member = site.member(1, None).await;
    // One code a minute.
    site.advance_s(61);
    let again = site.member(1, None).await;
    assert_eq!(
        (used(&member, "/me").await, used(&again, "/me").await),
        (200, 200)
    );
    assert_eq!(member.post("/sign-out", json!({})).await.status, 204);
    member.get("/me").await.is_problem(401, "not_signed_in");
    assert_eq!(
        again.get("/me").await.status,
        200,
        "his other session goes on"
    );

    // Ended by another process.
    let beside = site.directory().await;
    let id = domain::MemberId(member.id.parse().unwrap());
    beside
        .end_sessions_of(views::SessionOf::Member(id))
        .await
        .unwrap();
    again.get("/me").await.is_problem(401, "not_signed_in");
    beside.close().await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_has_lapsed_stops_although_nobody_ends_it() {
    let site = Site::open().await;
    let member = site.member(1, None).await;
    assert_eq!(used(&member, "/me").await, 200);
    site.advance_s(30 * 86_400);
    member.get("/me").await.is_problem(401, "not_signed_in");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_ends_an_operators_sessions_at_once() {
    let site = Site::open().await;
    let operator = site.operator().await;
    assert_eq!(used(&operator, "/operator/me").await, 200);
    server::operator_password(
        &site.config.data_dir,
        "boss",
        "another horse battery",
        site.clock.now(),
    )
    .await
    .unwrap();
    operator
        .get("/operator/me")
        .await
        .is_problem(401, "not_signed_in");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_key_that_is_deleted_stops_at_once() {
    let site = Site::open().await;
    let (gateway, other) = (site.gateway().await, site.gateway().await);
    let nothing = json!({ "items": [{ "group": "0", "member": "0", "txn": "t" }] });
    for caller in [&gateway, &other, &gateway] {
        assert_eq!(caller.post("/joins", nothing.clone()).await.status, 200);
    }
    // By another process; there is no command for it yet.
    let hash = draw::hash(gateway.bearer.as_deref().unwrap().as_bytes()).0;
    let directory = rusqlite::Connection::open(site.config.data_dir.join("directory.db")).unwrap();
    let deleted = directory.execute("DELETE FROM gateway WHERE key_hash = ?1", [hash.as_slice()]);
    assert_eq!(deleted, Ok(1));
    let refused = gateway.post("/joins", nothing.clone()).await;
    refused.is_problem(401, "api_key_unknown");
    assert_eq!(other.post("/joins", nothing).await.status, 200);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_keys_is_limited_by_his_address_and_a_gateway_is_not() {
    let site = Site::open_with(|config| {
        config.limits.address = server::Rate {
            burst: 10,
            per_second: 1,
        };
    })
    .await;
    let gateway = site.gateway().await;
    let nothing = json!({ "items": [{ "group": "0", "member": "0", "txn": "t" }] });
    for _ in 0..30 {
        assert_eq!(gateway.post("/joins", nothing.clone()).await.status, 200);
    }
    let guess = Caller {
        bearer: Some("pk_guess".to_owned()),
        ..site.anyone()
    };
    let mut limited = 0;
    for _ in 0..30 {
        let got = guess.post("/joins", nothing.clone()).await;
        match got.status.as_u16() {
            401 => got.is_problem(401, "api_key_unknown"),
            _ => {
                got.is_problem(429, "rate_limited");
                limited += 1;
            }
        }
    }
    assert!(10 < limited, "{limited}");
    site.close().await;
}
