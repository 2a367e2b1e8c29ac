//! Withdrawals from the wallet to the channel and back (rules 9.3).

use serde_json::{Value, json};

use crate::site::{Caller, Got, Site, yuan};

/// Two seats at 1 000.00, one winner, 500.00 of consolation.
fn rich() -> Value {
    json!({
        "name": { "zh": "双人团", "en": "For two" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "1000.00", "seats": 2, "winners": 1, "fill_within": "24h", "payment_window": "5m" },
        "reward": [{ "program": "consolation", "cash": "500.00" }],
    })
}

/// Somebody with 500.00 available and nothing on its way, and an operator.
pub(crate) async fn with_money(site: &Site) -> (Caller, Caller) {
    let operator = site.operator().await;
    let campaign = site.publish(rich()).await;
    let members = [site.member(1, None).await, site.member(2, None).await];
    let (group, payment) = members[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&members[0], &payment, "paid").await;
    let payment = members[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    site.settled_books().await;
    for member in members {
        if member.get("/me").await.json()["wallet"]["available"] == "500.00" {
            return (member, operator);
        }
    }
    panic!("nobody has got his consolation");
}

/// Enters an account and has it verified.
pub(crate) async fn verified(member: &Caller, operator: &Caller) {
    let body = json!({ "name": "王小明", "account": "wang@example.com" });
    let got = member.post("/me/payout-account", body).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let token = got.json()["account"]["token"].clone();
    let path = format!("/console/members/{}/payout-account/verify", member.id);
    let body = json!({ "token": token, "reason": "identity card seen" });
    let got = operator.post(&path, body).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

pub(crate) async fn ask(member: &Caller, amount: &str, key: &str) -> Got {
    let body = json!({ "amount": amount });
    member.post_keyed("/me/withdrawals", body, key).await
}

pub(crate) async fn asked(member: &Caller, amount: &str, key: &str) -> String {
    let got = ask(member, amount, key).await;
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn approve(operator: &Caller, id: &str) {
    let path = format!("/console/withdrawals/{id}/approve");
    let got = operator.post(&path, json!({ "reason": "seen" })).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

pub(crate) async fn state(site: &Site, member: &Caller, id: &str, state: &str) {
    site.until(&format!("withdrawal {id} is {state}"), async || {
        let page = member.get("/me/withdrawals").await.json();
        let items = page["items"].as_array().unwrap().clone();
        let found = items.into_iter().find(|item| item["id"] == id)?;
        (found["state"] == state).then_some(())
    })
    .await;
}

pub(crate) async fn available(member: &Caller) -> Value {
    member.get("/me").await.json()["wallet"]["available"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_goes_to_the_members_own_verified_account_once() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    let held = site.provider_books().await.held_fen;
    ask(&member, "10.00", "k1")
        .await
        .is_problem(409, "payout_account_missing");
    let body = json!({ "name": "王小明", "account": "wang@example.com" });
    let entered = member.post("/me/payout-account", body).await.json();
    ask(&member, "10.00", "k1")
        .await
        .is_problem(409, "payout_account_unverified");
    let path = format!("/console/members/{}/payout-account/verify", member.id);
    let stale = json!({ "token": "00", "reason": "seen" });
    let got = operator.post(&path, stale).await;
    got.is_problem(409, "payout_account_changed");
    verified(&member, &operator).await;
    let again = member.get("/me/payout-account").await.json();
    assert_eq!(again["account"]["token"], entered["account"]["token"]);

    ask(&member, "0.99", "k1")
        .await
        .is_problem(422, "withdrawal_too_small");
    let got = ask(&member, "500.01", "k1").await;
    got.is_problem(409, "not_available");
    assert_eq!(got.json()["available"], "500.00");
    let id = asked(&member, "100.00", "k1").await;
    assert_eq!(asked(&member, "100.00", "k1").await, id);
    ask(&member, "101.00", "k1")
        .await
        .is_problem(422, "idempotency_key_reused");
    assert_eq!(available(&member).await, "400.00");
    // He enters another account: what was asked for goes where it was to go, and asked again it is the same.
    let other = json!({ "name": "王小明", "account": "other@example.com" });
    member.post("/me/payout-account", other).await;
    site.advance_s(3 * 86_400);
    let operator_again = site.operator().await;
    assert_eq!(asked(&member, "100.00", "k1").await, id);
    ask(&member, "10.00", "k2")
        .await
        .is_problem(409, "payout_account_unverified");
    approve(&operator_again, &id).await;
    state(&site, &member, &id, "paid").await;
    let page = site.channel.book_payouts(0).await.unwrap();
    let paid: Vec<_> = page
        .payouts
        .iter()
        .map(|payout| (payout.account.as_str(), payout.amount_fen))
        .collect();
    assert_eq!(paid, [("wang@example.com", yuan(100))]);
    assert_eq!(site.provider_books().await.held_fen, held - yuan(100));
    let books = operator_again.get("/books").await.json();
    assert_eq!(books["channel"]["verdict"], "equal", "{books}");
    assert_eq!(asked(&member, "100.00", "k1").await, id);
    let lines = member.lines("available").await;
    assert_eq!(
        (&lines[0]["why"]["kind"], &lines[0]["amount"]),
        (&json!("withdrawn"), &json!("-100.00"))
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rejected_fails_or_expires_is_back() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    verified(&member, &operator).await;
    let rejected = asked(&member, "10.00", "rejected").await;
    let path = format!("/console/withdrawals/{rejected}/reject");
    let got = operator.post(&path, json!({ "reason": " " })).await;
    got.is_problem(422, "body_invalid");
    let got = operator.post(&path, json!({ "reason": "a doubt" })).await;
    assert_eq!(got.status, 200, "{}", got.text());
    state(&site, &member, &rejected, "rejected").await;

    let failing = json!({ "payout_course": { "fails": true, "processing_ms": 50 } });
    site.faults(None, failing).await;
    let failed = asked(&member, "20.00", "failed").await;
    approve(&operator, &failed).await;
    state(&site, &member, &failed, "failed").await;
    let expiring = json!({ "payout_course": { "confirm_within_ms": 100 } });
    site.faults(None, expiring).await;
    let expired = asked(&member, "30.00", "expired").await;
    approve(&operator, &expired).await;
    state(&site, &member, &expired, "expired").await;
    assert_eq!(available(&member).await, "500.00");

    let waits = json!({ "payout_course": { "confirm_within_ms": 600_000 } });
    site.faults(None, waits).await;
    let waiting = asked(&member, "40.00", "waiting").await;
    let path = format!("/me/withdrawals/{waiting}/confirmation");
    member.get(&path).await.is_problem(409, "withdrawal_state");
    approve(&operator, &waiting).await;
    state(&site, &member, &waiting, "waiting").await;
    let page = member.get(&path).await.json();
    let url = page["url"].as_str().unwrap();
    assert!(url.starts_with(&site.provider_url), "{page}");
    let got = site.http.post(url).send().await.unwrap();
    assert_eq!(got.status(), 200);
    state(&site, &member, &waiting, "paid").await;
    let stranger = site.member(9, None).await;
    stranger
        .get(&path)
        .await
        .is_problem(404, "withdrawal_unknown");

    let all = operator.get("/console/withdrawals?state=failed").await;
    assert_eq!(all.json()["items"][0]["id"], json!(failed));
    let today = "/withdrawals.csv?from=1970-01-01&to=2999-01-01";
    let csv = operator.get(today).await.text();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 5, "{csv}");
    assert_eq!(
        lines[0],
        "id,member,requested_at,paid_at,gross,fee,tax,net,state"
    );
    assert!(lines[1].ends_with(",,10.00,0.00,0.00,10.00,rejected"));
    assert!(lines[4].ends_with(",40.00,0.00,0.00,40.00,paid"), "{csv}");
    let got = operator
        .get("/withdrawals.csv?from=2026-02-30&to=2999-01-01")
        .await;
    got.is_problem(400, "query_invalid");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_in_trouble_pays_once() {
    let mut site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    verified(&member, &operator).await;
    let trouble = json!({
        "payout": { "kind": "error_after", "times": 2 },
        "query": { "kind": "error_before", "times": 2 },
        "payout_course": { "processing_ms": 100 },
    });
    site.faults(None, trouble).await;
    let id = asked(&member, "50.00", "k1").await;
    approve(&operator, &id).await;
    site.restart().await;
    state(&site, &member, &id, "paid").await;
    let books = site.provider_books().await;
    assert_eq!((books.payouts, books.paid_out_fen), (1, yuan(50)));
    site.close().await;
}

/// As many succeed as the balance covers, whoever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_at_once_of_one_balance() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    verified(&member, &operator).await;
    let keys: Vec<String> = (0..8).map(|number| format!("key-{number}")).collect();
    let all = keys.iter().map(|key| ask(&member, "150.00", key));
    let got = futures_util::future::join_all(all).await;
    let paid = got.iter().filter(|got| got.status == 200).count();
    let short = got.iter().filter(|got| got.status == 409).count();
    assert_eq!((paid, short), (3, 5));
    assert_eq!(available(&member).await, "50.00");
    site.close().await;
}
