//! A member deletes his account: with a fresh code, with nothing under way, and knowing what he leaves behind (rules 9.9).

use engine::Clock;
use serde_json::json;

use crate::counters::{done, recharged};
use crate::files::small;
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

/// Deletes a member's account with a fresh code.
pub(crate) async fn deletes(
    site: &Site,
    member: &Caller,
    phone: &str,
    leave: &str,
) -> crate::site::Got {
    let code = code(site, phone).await;
    let body = json!({ "code": code, "leave": leave });
    member.post("/me/delete", body).await
}

async fn signs_in(site: &Site, phone: &str) -> crate::site::Got {
    let code = code(site, phone).await;
    let body = json!({ "phone": phone, "code": code });
    site.anyone().post("/sign-in", body).await
}

/// A new account would be the end of an exclusion, which nothing can loosen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exclusion_outlives_the_account() {
    let site = Site::open().await;
    let [one, two] = [site.member(1, None).await, site.member(2, None).await];
    for (member, days) in [(&one, json!(30)), (&two, json!(null))] {
        let got = member.post("/me/self-exclusion", json!({ "days": days }));
        assert_eq!(got.await.status, 200);
        let phone = phone_of(member).await;
        let got = deletes(&site, member, &phone, "0.00").await;
        assert_eq!(got.status, 204, "{}", got.text());
        let got = signs_in(&site, &phone).await;
        assert!(got.json()["until"].is_string(), "{}", got.text());
        got.is_problem(403, "sign_up_waits");
    }
    site.advance_s(30 * 86_400);
    let got = signs_in(&site, "13800000001").await;
    assert_eq!(got.status, 200, "{}", got.text());
    signs_in(&site, "13800000002")
        .await
        .is_problem(403, "sign_up_waits");
    site.close().await;
}

/// Nor does a new account shed a pause after losses, or what its member allows himself a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_pauses_outlive_the_account() {
    let site = Site::open().await;
    let members = [1, 2, 3].map(|number| (number, format!("1380000{number:04}")));
    let mut callers = Vec::new();
    for (number, _) in &members {
        callers.push(site.member(*number, None).await);
    }
    let pause = json!({ "loss_pause": { "losses": 1, "pause_s": 3 * 86_400 } });
    for member in &callers[..2] {
        let got = member.post("/me/limits", pause.clone()).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
    let got = callers[2].post("/me/limits", json!({ "entries_per_day": 1 }));
    assert_eq!(got.await.status, 200);
    let campaign = site.publish(small(2)).await;
    let (group, payment) = callers[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&callers[0], &payment, "paid").await;
    let payment = callers[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    let mut paused = Vec::new();
    for (member, (_, phone)) in callers.iter().zip(&members) {
        let until = member.get("/me/limits").await.json()["paused_until"].clone();
        paused.push(until.is_string());
        let mut got = deletes(&site, member, phone, "0.00").await;
        if got.status == 409 {
            let left = got.json()["left"].as_str().unwrap().to_owned();
            got = deletes(&site, member, phone, &left).await;
        }
        assert_eq!(got.status, 204, "{}", got.text());
        let got = signs_in(&site, phone).await;
        if until.is_string() {
            assert_eq!(got.json()["until"], until);
        }
        got.is_problem(403, "sign_up_waits");
    }
    assert_eq!(paused.iter().filter(|paused| **paused).count(), 1);
    site.advance_s(86_400);
    for (waits, (_, phone)) in paused.iter().zip(&members) {
        let got = signs_in(&site, phone).await;
        assert_eq!(got.status == 403, *waits, "{}", got.text());
    }
    site.advance_s(2 * 86_400);
    for (_, phone) in &members {
        let got = signs_in(&site, phone).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
    // Where the installation limits everybody, nobody begins anew within a day.
    let operator = site.operator().await;
    let lawful = json!({ "profile": "cn-default", "reason": "the law" });
    assert_eq!(operator.post("/console/profile", lawful).await.status, 200);
    let four = site.member(4, None).await;
    let got = deletes(&site, &four, "13800000004", "0.00").await;
    assert_eq!(got.status, 204, "{}", got.text());
    signs_in(&site, "13800000004")
        .await
        .is_problem(403, "sign_up_waits");
    site.advance_s(86_400);
    assert_eq!(signs_in(&site, "13800000004").await.status, 200);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_account_is_not_deleted() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let phone = phone_of(&member).await;
    let reason = json!({ "reason": "a complaint" });
    let path = format!("/console/members/{}", member.id);
    let freeze = format!("{path}/freeze");
    assert_eq!(operator.post(&freeze, reason.clone()).await.status, 200);
    deletes(&site, &member, &phone, "0.00")
        .await
        .is_problem(403, "member_frozen");
    let unfreeze = format!("{path}/unfreeze");
    assert_eq!(operator.post(&unfreeze, reason.clone()).await.status, 200);
    let got = deletes(&site, &member, &phone, "0.00").await;
    assert_eq!(got.status, 204, "{}", got.text());
    // Nobody brings it back.
    operator
        .post(&unfreeze, reason)
        .await
        .is_problem(403, "account_deleted");
    site.close().await;
}

/// What a crash between the journal and the row has left, and what a request of the same moment has written, goes at the next
/// sweep.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_deleted_account_is_swept() {
    let mut site = Site::open().await;
    let [gone, stays] = [site.member(1, None).await, site.member(2, None).await];
    let phone = phone_of(&gone).await;
    let got = deletes(&site, &gone, &phone, "0.00").await;
    assert_eq!(got.status, 204, "{}", got.text());
    let number = |member: &Caller| domain::MemberId(member.id.parse().unwrap());
    let directory = site.directory().await;
    let row = views::NewPerson {
        token: [7; 16],
        phone: Some(phone.clone()),
        inviter: None,
        invite_code: views::invite_code([7; 8]),
        is_demo: false,
        gateway: None,
        member_secret: [7; 32],
    };
    directory.sign_up(&row, site.clock.now()).await.unwrap();
    let both = [([7; 16], number(&gone))];
    directory.set_members(&both).await.unwrap();
    let parcel = views::Parcel::Order(domain::OrderId(0));
    for member in [&gone, &stays] {
        let delivery = views::Delivery {
            name: "Name".to_owned(),
            phone: phone.clone(),
            region: "330106".parse().unwrap(),
            address: "Street 1".to_owned(),
            at: site.clock.now(),
        };
        let put = directory.put_delivery(parcel, number(member), &delivery);
        put.await.unwrap();
    }
    directory.close().await;
    site.restart().await;
    site.until("his row and what was noted for him are gone", async || {
        let directory = site.directory().await;
        let person = directory.person_by_member(number(&gone)).await.unwrap();
        let sent = directory.delivery(parcel, number(&gone)).await.unwrap();
        directory.close().await;
        (person.is_none() && sent.is_none()).then_some(())
    })
    .await;
    let directory = site.directory().await;
    let kept = directory.delivery(parcel, number(&stays)).await.unwrap();
    assert!(kept.is_some());
    directory.close().await;
    site.close().await;
}

/// Asked for at once with his deletion, a withdrawal is either paid or never was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_of_the_same_moment_is_not_stranded() {
    let site = Site::open().await;
    let (member, operator) = with_money(&site).await;
    let phone = phone_of(&member).await;
    verified(&member, &operator).await;
    let body = json!({ "code": code(&site, &phone).await, "leave": "500.00" });
    let (deleted, asked) =
        tokio::join!(member.post("/me/delete", body), ask(&member, "100.00", "w"));
    match (deleted.status.as_u16(), asked.status.as_u16()) {
        (204, 200) => panic!("both"),
        (204, _) => {}
        (409, 200) => deleted.is_problem(409, "withdrawal_under_way"),
        (deleted, asked) => panic!("{deleted} and {asked}"),
    }
    site.close().await;
}

/// One thing of the shop that is paid and waits at a store.
async fn fetchable(site: &Site, operator: &Caller, member: &Caller) {
    let title = json!({ "zh": "茶", "en": "Tea" });
    let product = json!({ "title": title, "text": title });
    let product = done(&operator.post("/console/products", product).await);
    let path = format!("/console/products/{}/skus", product["id"].as_str().unwrap());
    let sku = json!({
        "title": title, "price": "9.00", "cost": "2.00", "fulfilment": "pick-up", "reason": "new",
    });
    let sku = done(&operator.post(&path, sku).await)["id"].clone();
    let sku = sku.as_str().unwrap();
    let stock = json!({ "by": 1, "reason": "came in" });
    let path = format!("/console/skus/{sku}/stock");
    done(&operator.post(&path, stock).await);
    let wanted = json!({ "units": 1, "price": "9.00", "coins": "0.00" });
    let bought = done(&member.post(&format!("/skus/{sku}/buy"), wanted).await);
    let id = bought["id"].as_str().unwrap();
    site.pay_order(&crate::purchases::order_no(site, id).await)
        .await;
    crate::purchases::state(site, member, id, "paid").await;
}

/// What would go back of a recharge is money that is left behind; coins and what waits at a store are named as what ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recharges_coins_and_what_is_not_fetched_are_named() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    recharged(&site, &operator, &member).await;
    fetchable(&site, &operator, &member).await;
    let phone = phone_of(&member).await;
    let path = "/me/delete";
    // 1 000.00 for 10 000 coins, of which nothing is used.
    for leave in [None, Some("0.00"), Some("999.99")] {
        let mut wanted = json!({ "code": code(&site, &phone).await });
        if let Some(leave) = leave {
            wanted["leave"] = json!(leave);
        }
        let got = member.post(path, wanted).await;
        got.is_problem(409, "account_not_empty");
        let got = got.json();
        assert_eq!(
            (&got["left"], &got["coins"], &got["to_fetch"]),
            (&json!("1000.00"), &json!("10000.00"), &json!(1)),
            "{got}"
        );
    }
    let fresh = code(&site, &phone).await;
    let got = member.post(path, json!({ "code": fresh, "leave": "1000.00" }));
    assert_eq!(got.await.status, 204);
    // Whoever has coins alone names nothing, and says so.
    let players = [site.member(2, None).await, site.member(3, None).await];
    let mut file = crate::files::small(2);
    file["reward"] = json!([{ "program": "consolation", "coins": "1.00" }]);
    let campaign = site.publish(file).await;
    crate::settling::play(&site, &campaign, &players).await;
    site.settled_books().await;
    let mut lost = None;
    for player in &players {
        if player.get("/me").await.json()["wallet"]["coins"] == "1.00" {
            lost = Some(player);
        }
    }
    let lost = lost.unwrap();
    let phone = phone_of(lost).await;
    let wanted = json!({ "code": code(&site, &phone).await });
    let got = lost.post(path, wanted).await;
    got.is_problem(409, "account_not_empty");
    assert_eq!(
        (&got.json()["left"], &got.json()["coins"]),
        (&json!("0.00"), &json!("1.00"))
    );
    let wanted = json!({ "code": code(&site, &phone).await, "leave": "0.00" });
    assert_eq!(lost.post(path, wanted).await.status, 204);
    site.close().await;
}
