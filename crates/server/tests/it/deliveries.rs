//! Members' own delivery addresses over HTTP (rules 3.4): what counts for agents, where orders go, and what is left when a
//! change is cut short.

use domain::{MemberId, Region};
use serde_json::{Value, json};

use crate::purchases::{buy, field, listed, order_no, state};
use crate::site::{Caller, Site};
use crate::standing::{buy as play, done, told};

const DAY_S: u32 = 86_400;

fn sale() -> Value {
    json!({
        "name": { "zh": "双人购", "en": "For two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2, "fill_within": "24h", "payment_window": "5m" },
        "reward": [{ "program": "region", "source": "all", "base": "price", "county": "2%" }],
    })
}

fn place(region: &str, street: &str) -> Value {
    json!({ "name": "王小明", "phone": "13800000001", "region": region, "address": street })
}

fn id(member: &Caller) -> MemberId {
    MemberId(member.id.parse().unwrap())
}

/// The address, whether a change of it was cut short, and the code of the region that counts.
async fn own(member: &Caller) -> (Value, Value, Value) {
    let page = member.get("/me/delivery").await.json();
    let region = page["region"]["code"].clone();
    (page["delivery"].clone(), page["unfinished"].clone(), region)
}

/// Sessions end after thirty days: everybody signs in again.
async fn everybody(site: &Site) -> [Caller; 4] {
    [
        site.member(1, None).await,
        site.member(2, None).await,
        site.member(3, None).await,
        site.member(4, None).await,
    ]
}

/// What the agent has got so far.
async fn paid(agent: &Caller) -> usize {
    agent.lines("vesting").await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn agents_are_paid_by_the_delivery_county_which_stands_for_90_days() {
    let mut site = Site::open().await;
    let operator = site.operator().await;
    let campaign = site.publish(sale()).await;
    let [here, there, one, two] = everybody(&site).await;
    for (region, agent) in [("330106", &here), ("110101", &there)] {
        let body = json!({ "region": region, "member": agent.id });
        done(&told(&operator, "/console/agents", body, "lives there").await);
    }
    for (body, status, code) in [
        (place("330100", "文三路 1 号"), 422, "region_unknown"),
        (place("330106", " "), 422, "body_invalid"),
        (json!({ "region": "330106" }), 422, "body_invalid"),
    ] {
        let got = one.post("/me/delivery", body).await;
        got.is_problem(status, code);
    }
    assert_eq!(own(&one).await, (Value::Null, json!(false), Value::Null));
    done(&one.post("/me/region", json!({ "region": "330106" })).await);
    play(&site, &campaign, [&one, &two]).await;
    assert_eq!((paid(&here).await, paid(&there).await), (1, 0));

    // The declared county stands, and so does that of the address; its street does not.
    let got = one
        .post("/me/delivery", place("110101", "长安街 1 号"))
        .await;
    got.is_problem(409, "region_stands");
    assert_eq!(
        own(&one).await.0,
        Value::Null,
        "what is refused is not noted"
    );
    site.advance_s(90 * DAY_S);
    let [here, there, one, two] = everybody(&site).await;
    let first = place("110101", "长安街 1 号");
    let got = one.post_keyed("/me/delivery", first.clone(), "a").await;
    assert_eq!(got.json()["delivery"], first);
    let again = one.post_keyed("/me/delivery", first.clone(), "a").await;
    assert_eq!(again.json(), got.json(), "the same key, the same answer");
    play(&site, &campaign, [&one, &two]).await;
    assert_eq!((paid(&here).await, paid(&there).await), (1, 1));
    let me = one.get("/me").await.json();
    assert_eq!(
        (&me["region"]["code"], &me["region_until"]),
        (&json!("110101"), &got.json()["region_until"])
    );
    let moved = one
        .post("/me/delivery", place("330106", "文三路 1 号"))
        .await;
    moved.is_problem(409, "region_stands");
    assert_eq!(moved.json()["from"], me["region_until"]);
    let second = place("110101", "长安街 2 号");
    assert_eq!(
        one.post("/me/delivery", second.clone()).await.json()["delivery"],
        second
    );
    assert_eq!(
        two.get("/me/delivery").await.json()["delivery"],
        Value::Null,
        "nobody else's"
    );

    // After a restart, which replays the journal, all is as before.
    site.restart().await;
    assert_eq!(own(&one).await, (second, json!(false), json!("110101")));
    assert_eq!(one.post("/me/delivery/remove", json!({})).await.status, 200);
    assert_eq!(
        own(&one).await,
        (Value::Null, json!(false), json!("110101")),
        "it counts on"
    );
    site.advance_s(90 * DAY_S);
    let [here, there, one, two] = everybody(&site).await;
    play(&site, &campaign, [&one, &two]).await;
    assert_eq!((paid(&here).await, paid(&there).await), (2, 1));
    assert_eq!(own(&one).await.2, json!("330106"), "the declared one");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_else_is_said_of_goes_to_the_own_address_and_stays_where_it_was_sent() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let sku = listed(&operator, 3).await;
    let at_home = place("330106", "文三路 1 号");
    let gift = place("441900", "东城大道 1 号");
    let delivery = |id: &str| format!("/console/purchases/{id}/delivery");
    let mut bought = Vec::new();
    for key in ["k1", "k2", "k3"] {
        let id = field(&buy(&member, &sku, 1, "0.00", key).await, "id");
        site.pay_order(&order_no(&site, &id).await).await;
        state(&site, &member, &id, "paid").await;
        bought.push(id);
    }
    let got = operator.get(&delivery(&bought[0])).await.json();
    assert_eq!(got, json!({ "delivery": null, "own": false }));
    let path = format!("/purchases/{}/delivery", bought[1]);
    assert_eq!(member.post(&path, gift.clone()).await.status, 200);
    assert_eq!(
        own(&member).await.0,
        Value::Null,
        "a gift's address is not the member's own"
    );
    assert_eq!(
        member.post("/me/delivery", at_home.clone()).await.status,
        200
    );
    let seen = operator.get(&delivery(&bought[0])).await.json();
    assert_eq!(seen, json!({ "delivery": at_home, "own": true }));
    let seen = operator.get(&delivery(&bought[1])).await.json();
    assert_eq!(seen, json!({ "delivery": gift, "own": false }));

    // What is sent stays where it was sent; what was not goes where he lives then.
    let ship = format!("/console/purchases/{}/ship", bought[0]);
    let parcel = json!({ "carrier": "顺丰", "number": "SF1", "reason": "he asked by phone" });
    assert_eq!(operator.post(&ship, parcel.clone()).await.status, 200);
    let moved = place("330106", "文三路 9 号");
    assert_eq!(member.post("/me/delivery", moved.clone()).await.status, 200);
    let seen = operator.get(&delivery(&bought[0])).await.json();
    assert_eq!(seen, json!({ "delivery": at_home, "own": false }));
    let seen = operator.get(&delivery(&bought[2])).await.json();
    assert_eq!(seen, json!({ "delivery": moved, "own": true }));
    assert_eq!(
        member.post("/me/delivery/remove", json!({})).await.status,
        200
    );
    let seen = operator.get(&delivery(&bought[2])).await.json();
    assert_eq!(seen, json!({ "delivery": null, "own": false }));
    // Sent without an address, it is not sent to one that is said later.
    let ship = format!("/console/purchases/{}/ship", bought[2]);
    assert_eq!(operator.post(&ship, parcel).await.status, 200);
    assert_eq!(member.post("/me/delivery", at_home).await.status, 200);
    let seen = operator.get(&delivery(&bought[2])).await.json();
    assert_eq!(seen, json!({ "delivery": null, "own": false }));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_winners_order_goes_to_the_own_address_too() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let campaign = site.publish(sale()).await;
    let (one, two) = (site.member(1, None).await, site.member(2, None).await);
    let at_home = place("330106", "文三路 1 号");
    assert_eq!(one.post("/me/delivery", at_home.clone()).await.status, 200);
    play(&site, &campaign, [&one, &two]).await;
    let order = one.get("/me/orders").await.json()["items"][0]["id"].clone();
    let order = order.as_str().unwrap();
    let path = format!("/console/orders/{order}/delivery");
    let seen = operator.get(&path).await.json();
    assert_eq!(seen, json!({ "delivery": at_home, "own": true }));
    let parcel = json!({ "carrier": "顺丰", "number": "SF1" });
    let ship = format!("/orders/{order}/ship");
    assert_eq!(operator.post(&ship, parcel).await.status, 200);
    assert_eq!(one.post("/me/delivery/remove", json!({})).await.status, 200);
    let seen = operator.get(&path).await.json();
    assert_eq!(seen, json!({ "delivery": at_home, "own": false }));

    // Asked again after it is on its way, what was said before is answered as it was then.
    let order = two.get("/me/orders").await.json()["items"][0]["id"].clone();
    let order = order.as_str().unwrap();
    let say = format!("/orders/{order}/delivery");
    let there = two.post_keyed(&say, at_home.clone(), "there").await;
    assert_eq!(there.json()["delivery"], at_home);
    let ship = format!("/orders/{order}/ship");
    let parcel = json!({ "carrier": "顺丰", "number": "SF2" });
    assert_eq!(operator.post(&ship, parcel).await.status, 200);
    let again = two.post_keyed(&say, at_home.clone(), "there").await;
    assert_eq!((again.status, again.json()), (there.status, there.json()));
    two.post(&say, at_home).await.is_problem(409, "order_state");
    site.close().await;
}

/// The platform dies between journal and directory: the member sees that it is not done, nothing is sent to a half-said
/// address, and doing it again finishes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_cut_short_is_seen_and_finished_by_doing_it_again() {
    let site = Site::open().await;
    let member = site.member(1, None).await;
    let home = place("330106", "文三路 1 号");
    let county: Region = "330106".parse().unwrap();
    assert_eq!(member.post("/me/delivery", home.clone()).await.status, 200);
    let directory = site.directory().await;
    let kept = directory.own_delivery(id(&member)).await.unwrap().unwrap();
    assert_eq!(kept.region, county);

    // Removed in the directory, and the journal not yet; or said in the journal, and the directory not yet.
    directory.remove_own_delivery(id(&member)).await.unwrap();
    assert_eq!(
        own(&member).await,
        (Value::Null, json!(true), json!("330106"))
    );
    assert_eq!(
        member.post("/me/delivery/remove", json!({})).await.status,
        200
    );
    assert_eq!(
        own(&member).await,
        (Value::Null, json!(false), json!("330106"))
    );

    // The directory still has another address than the journal, which has none.
    directory
        .put_own_delivery(id(&member), &kept)
        .await
        .unwrap();
    assert_eq!(
        own(&member).await,
        (Value::Null, json!(true), json!("330106"))
    );
    let got = member.post("/me/delivery", home.clone()).await;
    assert_eq!(
        (&got.json()["delivery"], &got.json()["unfinished"]),
        (&home, &json!(false))
    );
    site.close().await;
}
