//! Clawbacks over HTTP (rules 9.6).

use serde_json::{Value, json};

use crate::site::{Caller, Got, Site};
use crate::withdrawals::{approve, ask, asked, available, state, verified, with_money};

async fn claw_back(operator: &Caller, member: &Caller, body: Value) -> Got {
    let path = format!("/console/members/{}/clawback", member.id);
    operator.post(&path, body).await
}

pub(crate) async fn available_is(site: &Site, member: &Caller, amount: &str) {
    site.until(&format!("{amount} are available"), async || {
        (available(member).await == amount).then_some(())
    })
    .await;
}

fn owed(books: &Value, kind: &str) -> Value {
    let lines = books["owed"].as_array().unwrap();
    let found = lines.iter().find(|line| line["kind"] == kind);
    found.unwrap()["amount"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_is_taken_back_and_what_is_missing_is_owed() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    verified(&member, &operator).await;
    let body = json!({ "amount": "1.00", "reason": "\n" });
    let got = claw_back(&operator, &member, body).await;
    got.is_problem(422, "body_invalid");
    let body = json!({ "amount": "1.00", "group": "x", "reason": "fraud" });
    let got = claw_back(&operator, &member, body).await;
    got.is_problem(422, "body_invalid");
    let body = json!({ "amount": "1.00", "group": "77", "reason": "fraud" });
    let got = claw_back(&operator, &member, body).await;
    got.is_problem(404, "group_unknown");
    let body = json!({ "amount": "500.01", "reason": "fraud" });
    let got = claw_back(&operator, &member, body).await;
    got.is_problem(409, "clawback_too_large");
    assert_eq!(got.json()["left"], "500.00");

    // One withdrawal was paid; another waits for its review when the clawback comes.
    let paid = asked(&member, "300.00", "paid").await;
    approve(&operator, &paid).await;
    state(&site, &member, &paid, "paid").await;
    let waiting = asked(&member, "150.00", "waiting").await;
    let body = json!({ "amount": "480.00", "group": "0", "reason": "a chargeback" });
    let path = format!("/console/members/{}/clawback", member.id);
    let first = operator.post_keyed(&path, body.clone(), "clawback").await;
    assert_eq!(first.status, 200, "{}", first.text());
    // The same key again takes nothing more.
    let again = operator.post_keyed(&path, body, "clawback").await;
    assert_eq!(again.status, 200, "{}", again.text());
    available_is(&site, &member, "-430.00").await;

    let lines = member.lines("available").await;
    assert_eq!(lines[0]["amount"], "-480.00");
    assert_eq!(lines[0]["balance"], "-430.00");
    assert_eq!(lines[0]["why"]["kind"], "clawed_back");
    assert_eq!(lines[0]["why"]["group"], "0");
    let got = ask(&member, "10.00", "more").await;
    got.is_problem(409, "not_available");
    let books = operator.get("/books").await.json();
    assert_eq!(books["owed_by_members"], "430.00");
    assert_eq!(owed(&books, "available"), "0.00");
    assert_eq!(owed(&books, "withdrawals-due"), "150.00");
    let sum = &books["totals"][0];
    assert_eq!(sum["debit"], sum["credit"]);

    let path = format!("/console/withdrawals/{waiting}/reject");
    let got = operator.post(&path, json!({ "reason": "fraud" })).await;
    assert_eq!(got.status, 200, "{}", got.text());
    available_is(&site, &member, "-280.00").await;
    let decisions = operator.get("/console/decisions").await.json();
    let told = decisions["items"].as_array().unwrap();
    let told = told.iter().find(|line| line["what"] == "clawback").unwrap();
    assert_eq!(told["reason"], "a chargeback");
    site.close().await;
}

/// Whichever comes first, the withdrawal that was asked for stays whole, and the sums are the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_and_a_clawback_at_once() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    verified(&member, &operator).await;
    let body = json!({ "amount": "400.00", "reason": "fraud" });
    let (asked, clawed) = futures_util::future::join(
        ask(&member, "300.00", "k1"),
        claw_back(&operator, &member, body),
    )
    .await;
    assert_eq!(clawed.status, 200, "{}", clawed.text());
    // 500.00 less 400.00 leaves too little, or 300.00 are gone already and 200.00 are missing.
    let left = if asked.status == 200 {
        "-200.00"
    } else {
        asked.is_problem(409, "not_available");
        "100.00"
    };
    available_is(&site, &member, left).await;
    let due = operator.get("/console/withdrawals?state=requested").await;
    let due = due.json()["items"].as_array().unwrap().len();
    assert_eq!(due, usize::from(asked.status == 200));
    site.close().await;
}
