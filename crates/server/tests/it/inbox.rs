//! What members are told, over HTTP (rules 9.8).

use serde_json::{Value, json};

use crate::site::{Caller, Site};

/// Two seats at 10.00, one winner; who has not won gets 5.00 and 1.50 coins.
pub(crate) fn of_two() -> Value {
    json!({
        "name": { "zh": "双人团", "en": "For two" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2, "winners": 1, "fill_within": "24h", "payment_window": "5m" },
        "reward": [{ "program": "consolation", "cash": "5.00", "coins": "1.50" }],
    })
}

/// Two members after one draw: who has won, and who has not.
pub(crate) async fn drawn(site: &Site) -> (Caller, Caller) {
    let campaign = site.publish(of_two()).await;
    let first = site.member(1, None).await;
    let second = site.member(2, None).await;
    again(site, &campaign, [&first, &second]).await;
    if first.get("/me").await.json()["wallet"]["available"] == "5.00" {
        (second, first)
    } else {
        (first, second)
    }
}

/// The members fill a group of this campaign, and it is drawn.
pub(crate) async fn again(site: &Site, campaign: &str, members: [&Caller; 2]) {
    let (group, payment) = members[0].open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(members[0], &payment, "paid").await;
    let payment = members[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    site.settled_books().await;
}

async fn inbox(member: &Caller) -> Value {
    let got = member.get("/me/notices").await;
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()
}

fn kinds(inbox: &Value) -> Vec<&str> {
    let items = inbox["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect()
}

async fn read(member: &Caller, seen: &Value) {
    let body = json!({ "seen": seen });
    let got = member.post("/me/notices/read", body).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_what_became_of_his_group_and_reads_it_once() {
    let mut site = Site::open().await;
    let (winner, other) = drawn(&site).await;
    let told = inbox(&winner).await;
    assert_eq!(kinds(&told), ["won", "filled"]);
    let told = inbox(&other).await;
    assert_eq!(kinds(&told), ["not_won", "filled"]);
    assert_eq!(told["unread"], 2);
    let newest = &told["items"][0];
    for (field, value) in [
        ("amount", "10.00"),
        ("extra", "5.00"),
        ("coins", "1.50"),
        ("group", "0"),
    ] {
        assert_eq!(newest[field], value, "{field}");
    }
    assert_eq!(newest["unread"], true);
    assert_eq!(
        newest["text"]["en"],
        "Group 0 is drawn: you have not won. ¥10.00 goes back the way it came. \
         Your consolation of ¥5.00 and 1.50 coins is there."
    );
    // A page at a time, the same ones.
    let page = other.get("/me/notices?limit=1").await.json();
    assert_eq!(page["items"], json!([told["items"][0]]));
    let path = format!(
        "/me/notices?limit=1&cursor={}",
        page["next"].as_str().unwrap()
    );
    let page = other.get(&path).await.json();
    assert_eq!(page["items"], json!([told["items"][1]]));
    assert_eq!(page["next"], Value::Null);

    read(&other, &told["seen"]).await;
    assert_eq!(inbox(&other).await["unread"], 0);
    assert_eq!(inbox(&winner).await["unread"], 2, "each reads his own");
    // An older page says nothing new, and what is read stays read.
    read(&other, &json!("1.0")).await;
    site.restart().await;
    let after = inbox(&other).await;
    assert_eq!(after["unread"], 0);
    assert_eq!(after["items"][0]["unread"], false);
    assert_eq!(
        after["items"][0]["id"], newest["id"],
        "its name is the same"
    );
    // Made anew from the journal, notices are the same.
    site.delete_views().await;
    site.settled_books().await;
    assert_eq!(inbox(&other).await["items"], after["items"]);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_read_what_there_is_not_yet() {
    let site = Site::open().await;
    let (winner, other) = drawn(&site).await;
    // A place that no page can have named counts as all that there is by now.
    read(&other, &json!(format!("{}.{}", u64::MAX, u16::MAX))).await;
    assert_eq!(inbox(&other).await["unread"], 0);
    let campaign = site.publish(of_two()).await;
    again(&site, &campaign, [&winner, &other]).await;
    assert_eq!(inbox(&other).await["unread"], 2);
    for bad in ["", "7", "7.", "x.1", "7.1.1", "-1.0"] {
        let got = other.post("/me/notices/read", json!({ "seen": bad })).await;
        got.is_problem(422, "body_invalid");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coins_that_expire_are_told_at_the_beginning_of_their_last_month() {
    let site = Site::open().await;
    let (_, other) = drawn(&site).await;
    let told = inbox(&other).await;
    assert!(!kinds(&told).contains(&"coins_expiring"));
    read(&other, &told["seen"]).await;
    // The seed profile's coins end with the month twelve months later.
    site.advance_s(365 * 86_400);
    let number = if other.id == "0" { 1 } else { 2 };
    let other = site.member(number, None).await;
    let told = inbox(&other).await;
    assert_eq!(kinds(&told)[0], "coins_expiring");
    assert_eq!(told["items"][0]["coins"], "1.50");
    assert_eq!(told["items"][0]["unread"], true);
    assert_eq!(told["unread"], 1);
    // It stands on the first page alone.
    let page = other.get("/me/notices?limit=1").await.json();
    assert_eq!(kinds(&page), ["coins_expiring", "not_won"]);
    let next = page["next"].as_str().unwrap();
    let page = other.get(&format!("/me/notices?cursor={next}")).await;
    assert_eq!(kinds(&page.json()), ["filled"]);
    read(&other, &told["seen"]).await;
    assert_eq!(inbox(&other).await["unread"], 0);
    site.close().await;
}
