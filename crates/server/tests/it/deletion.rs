//! A member deletes his account: with a fresh code, with nothing under way, and knowing what he leaves behind (rules 9.9).

use serde_json::json;

use crate::site::{Caller, Site};
use crate::withdrawals::{ask, verified, with_money};

/// A fresh code for a member's phone.
async fn code(site: &Site, phone: &str) -> String {
    // One code a minute.
    site.advance_s(61);
    let anyone = site.anyone();
    let sent = anyone.post("/sign-in/codes", json!({ "phone": phone }));
    assert_eq!(sent.await.status, 202);
    let inbox = anyone.get(&format!("/demo/inbox?phone={phone}")).await;
    let code = &inbox.json()["items"][0]["code"];
    code.as_str().unwrap().to_owned()
}

/// The phone of whoever of the first two members this is.
async fn phone_of(member: &Caller) -> String {
    let masked = member.get("/me").await.json()["phone_masked"].clone();
    let masked = masked.as_str().unwrap();
    format!("1380000{}", &masked[masked.len() - 4..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_goes_with_a_code_and_what_it_leaves_behind_is_named() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    let phone = phone_of(&member).await;
    let body = json!({ "name": "老店", "contact": "13900000000" });
    assert_eq!(
        member.post("/me/merchant-application", body).await.status,
        200
    );
    let path = "/me/delete";
    let unnamed = json!({ "code": code(&site, &phone).await });
    let got = member.post(path, unnamed).await;
    got.is_problem(409, "account_not_empty");
    assert_eq!(got.json()["left"], "500.00");
    let wanted = |code: &str| json!({ "code": code, "leave": "500.00" });
    for wrong in ["000000", "", "12345678901234567890"] {
        let fresh = code(&site, &phone).await;
        let wrong = if fresh == wrong { "000001" } else { wrong };
        let got = member.post(path, wanted(wrong)).await;
        got.is_problem(403, "code_wrong");
    }
    // What he has asked for is paid first.
    verified(&member, &operator).await;
    let asked = ask(&member, "100.00", "w").await.json()["id"].clone();
    let fresh = code(&site, &phone).await;
    let got = member
        .post(path, json!({ "code": fresh, "leave": "400.00" }))
        .await;
    got.is_problem(409, "withdrawal_under_way");
    let reject = format!("/console/withdrawals/{}/reject", asked.as_str().unwrap());
    let got = operator
        .post(&reject, json!({ "reason": "he asked for it" }))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());

    site.anyone()
        .post(path, wanted(&fresh))
        .await
        .is_problem(401, "not_signed_in");
    operator
        .post(path, wanted(&fresh))
        .await
        .is_problem(401, "not_signed_in");
    let fresh = code(&site, &phone).await;
    let got = member.post(path, wanted(&fresh)).await;
    assert_eq!(got.status, 204, "{}", got.text());
    member.get("/me").await.is_problem(401, "not_signed_in");
    member
        .post(path, wanted(&fresh))
        .await
        .is_problem(401, "not_signed_in");

    // His number and what it is owed stay; nothing tells whose they are.
    let members = operator.get("/console/members?limit=100").await.json();
    let lines = members["items"].as_array().unwrap().iter();
    let mut lines = lines.filter(|line| line["id"] == member.id);
    let line = lines.next().unwrap();
    assert_eq!(
        (&line["wallet"]["available"], &line["phone_masked"]),
        (&json!("500.00"), &json!(null))
    );
    let account = format!("/console/members/{}/payout-account", member.id);
    assert_eq!(operator.get(&account).await.json()["account"], json!(null));
    let applications = operator.get("/console/merchant-applications").await;
    assert_eq!(applications.json()["items"], json!([]));
    site.settled_books().await;
    // The phone is free: whoever signs up with it is somebody new.
    let fresh = code(&site, &phone).await;
    let body = json!({ "phone": phone, "code": fresh });
    let again = site.anyone().post("/sign-in", body).await;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_ne!(again.json()["member"]["id"], json!(member.id));
    site.close().await;
}
