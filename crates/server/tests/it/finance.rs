//! Finance reads the books and moves money, and runs nothing (rules 11).

use engine::Clock;
use reqwest::Method;
use serde_json::json;

use crate::approvals::{answer, asked, partner};
use crate::site::{Caller, Site};

pub(crate) async fn finance(site: &Site) -> Caller {
    let (name, password) = ("fiona", "battery of finance");
    server::finance_add(&site.config.data_dir, name, password, site.clock.now())
        .await
        .unwrap();
    site.sign_in_operator(name, password).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finance_reads_the_books_and_runs_nothing() {
    let site = Site::open().await;
    let fiona = finance(&site).await;
    let card = fiona.get("/operator/me").await.json();
    assert_eq!(card, json!({ "name": "fiona", "role": "finance" }));
    for path in [
        "/books",
        "/ledger?account=channel",
        "/console/groups",
        "/console/orders",
        "/console/coins",
        "/coins.csv",
        "/console/purchases",
        "/console/withdrawals",
        "/withdrawals.csv?from=2026-01-01&to=2026-02-01",
        "/tax.csv?from=2026-01-01&to=2026-02-01",
        "/console/dividends",
        "/console/merchants",
        "/console/statements",
        "/console/approvals",
        "/console/decisions",
        "/console/refusals",
    ] {
        let got = fiona.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
    }
    for (method, path) in [
        (Method::POST, "/campaigns".to_owned()),
        (Method::POST, "/groups/0/cancel".to_owned()),
        (Method::POST, "/orders/0/ship".to_owned()),
        (Method::POST, "/console/profile".to_owned()),
        (Method::POST, "/console/plans".to_owned()),
        (Method::POST, "/console/agents".to_owned()),
        (Method::POST, "/console/members/0/freeze".to_owned()),
        (Method::POST, "/console/members/0/rank".to_owned()),
        (Method::POST, "/console/members/0/verify".to_owned()),
        (Method::POST, "/console/organiser".to_owned()),
        (Method::POST, "/console/products".to_owned()),
        (Method::POST, "/console/skus/0/stock".to_owned()),
        (Method::POST, "/console/merchants/0/contract".to_owned()),
        (Method::POST, "/console/merchants/0/suspend".to_owned()),
        (Method::GET, "/console/members".to_owned()),
        (Method::GET, "/console/orders/0/delivery".to_owned()),
        (Method::GET, "/console/merchant-applications".to_owned()),
    ] {
        let asked = fiona.request(method, &path);
        let asked = asked.header("idempotency-key", "k").json(&json!({}));
        let got = crate::site::Got::of(asked.send().await.unwrap()).await;
        if got.status == 404 || got.status == 405 {
            panic!("{path} is not there");
        }
        got.is_problem(403, "role_missing");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finance_is_the_second_person_where_money_moves_and_nowhere_else() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let fiona = finance(&site).await;
    let money = json!({ "amount": "50.00", "reason": "from our bank" });
    let id = asked(&boss.post("/capital", money.clone()).await);
    assert_eq!(answer(&fiona, &id, "approve").await.status, 200);
    let id = asked(&fiona.post("/capital", money).await);
    answer(&fiona, &id, "approve")
        .await
        .is_problem(403, "approval_own");
    assert_eq!(answer(&boss, &id, "approve").await.status, 200);
    assert_eq!(boss.get("/books").await.json()["own"], "100.00");

    // The rules by which money moves are the operators': one alone decides them alone, and of two it is the other who agrees.
    let seed = json!({ "profile": "seed", "reason": "a demonstration" });
    let alone = boss.post("/console/profile", seed.clone()).await;
    assert_eq!(alone.status, 200, "{}", alone.text());
    let anne = partner(&site, "anne").await;
    let id = asked(&boss.post("/console/profile", seed).await);
    for what in ["approve", "decline"] {
        let got = answer(&fiona, &id, what).await;
        got.is_problem(403, "role_missing");
    }
    assert_eq!(answer(&anne, &id, "approve").await.status, 200);
    site.close().await;
}
