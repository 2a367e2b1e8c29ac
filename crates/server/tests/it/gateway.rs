//! Joins in batches, for members who have paid at the channel already.

use serde_json::{Value, json};

use crate::files::small;
use crate::site::{Caller, Site, yuan};

/// Pays an order of a gateway's own at the provider; answers with the payment's number.
async fn pay(site: &Site, order_no: &str, group: &str, member: &str, amount_fen: i64) -> String {
    let attach = json!({ "group": group, "member": member }).to_string();
    let order = json!({
        "order_no": order_no, "amount_fen": amount_fen, "description": "x", "attach": attach,
        "expires_at_ms": 4_000_000_000_000_i64,
    });
    let body = json!({ "merchant_id": "m1", "orders": [order] });
    let paid = site
        .http()
        .post(format!("{}/sandbox/payments", site.provider_url))
        .json(&body)
        .send()
        .await
        .unwrap();
    let paid: Value = paid.json().await.unwrap();
    paid["transactions"][0]["txn_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn join(gateway: &Caller, items: Value) -> Vec<Value> {
    let got = gateway.post("/joins", json!({ "items": items })).await;
    assert_eq!(got.status, 200, "{got:?}");
    got.json()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_batch_is_answered_item_by_item() {
    let site = Site::open().await;
    let campaign = site.publish(small(3)).await;
    let gateway = site.gateway().await;
    let served = gateway.post("/gateway/members", json!({ "items": [
        { "token": "0".repeat(32) }, { "token": "1".repeat(32) }, { "token": "XY" }, { "token": "2".repeat(32), "inviter": "77" },
        { "token": "0".repeat(32) },
    ] }));
    let served = served.await.json();
    let items = served["items"].as_array().unwrap();
    assert_eq!(
        (&items[0], &items[2]["code"], &items[3]["code"]),
        (
            &items[4],
            &json!("token_invalid"),
            &json!("inviter_unknown")
        ),
        "{served}"
    );
    let id = |item: &Value| item["member"].as_str().unwrap().to_owned();
    let (first, second) = (id(&items[0]), id(&items[1]));
    let other = site
        .gateway()
        .await
        .post(
            "/gateway/members",
            json!({ "items": [{ "token": "0".repeat(32) }] }),
        )
        .await
        .json();
    assert_ne!(
        id(&other["items"][0]),
        first,
        "another gateway's token is another member"
    );

    let leader = site.member(1, None).await;
    let (group, payment) = leader.open_group(&campaign).await;
    let early = pay(&site, "g0", &group, &first, yuan(10)).await;
    let item = |member: &str, txn: &str| json!({ "group": group, "member": member, "txn": txn });
    let answers = join(&gateway, json!([item(&first, &early)])).await;
    assert_eq!(
        answers[0],
        json!({ "status": "bounced", "reason": "leader_not_paid" })
    );
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;

    let (good, wrong, foreign) = (
        pay(&site, "g1", &group, &first, yuan(10)).await,
        pay(&site, "g2", &group, &second, yuan(9)).await,
        pay(&site, "g3", &group, &second, yuan(10)).await,
    );
    let answers = join(
        &gateway,
        json!([
            item(&first, &good),
            item(&first, &good),
            item(&second, &wrong),
            item(&first, &foreign),
            item(&first, "unknown"),
            item("999", &good),
            { "group": "x", "member": "0", "txn": "t" },
            item(&second, &foreign),
        ]),
    )
    .await;
    let status: Vec<&str> = answers
        .iter()
        .map(|answer| answer["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        status,
        [
            "seated",
            "known",
            "bounced",
            "payment_unconfirmed",
            "payment_unconfirmed",
            "payment_unconfirmed",
            "refused",
            "seated"
        ],
        "{answers:?}"
    );
    assert_eq!(answers[2]["reason"], "amount_differs");
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;

    // The group is over: the same payments are known, a new one goes back.
    let late = pay(&site, "g4", &group, &first, yuan(10)).await;
    let items = json!([
        item(&first, &good),
        item(&first, &late),
        item(&first, &late)
    ]);
    let answers = join(&gateway, items.clone()).await;
    assert_eq!(answers[0], json!({ "status": "known" }));
    assert_eq!(
        answers[1],
        json!({ "status": "bounced", "reason": "group_settled" })
    );
    assert_eq!(answers[2], json!({ "status": "known" }));
    let books = site.settled_books().await;
    assert_eq!(books["own"], "6.00", "{books}");
    let answers = join(&gateway, items).await;
    assert!(
        answers.iter().all(|answer| answer["status"] == "known"),
        "for ever: {answers:?}"
    );
    let provider = site.provider_books().await;
    assert_eq!(provider.held_fen, yuan(10), "one seat was sold");

    // A member's own payment is no gateway's.
    let (_, own) = leader.open_group(&campaign).await;
    let txn = site.pay(&own).await.remove(0);
    let group = own.split('-').next().unwrap();
    let answers = join(
        &gateway,
        json!([{ "group": group, "member": leader.id, "txn": txn }]),
    )
    .await;
    assert_eq!(answers[0]["status"], "payment_unconfirmed");
    gateway
        .post("/joins", json!({ "items": [] }))
        .await
        .is_problem(422, "body_invalid");
    let many: Vec<Value> = (0..1001)
        .map(|_| json!({ "group": "0", "member": "0", "txn": "t" }))
        .collect();
    gateway
        .post("/joins", json!({ "items": many }))
        .await
        .is_problem(422, "body_invalid");
    site.close().await;
}
