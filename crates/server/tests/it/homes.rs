//! A member's home store over HTTP (rules 3.5): the first, seen and ended by him alone.

use serde_json::{Value, json};

use crate::counters::{bill, code_of, done, merchant, with_coins};
use crate::site::{Caller, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_store_gets_its_share_until_the_member_ends_it() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (home, other) = (
        merchant(&site, &boss, 1).await,
        merchant(&site, &boss, 2).await,
    );
    let (store, _) = home.store(&site, "first").await;
    let (elsewhere, till) = other.store(&site, "second").await;
    let terms = json!({
        "contract": { "cash": "store", "lock_days": 30, "origin_share": "10%" },
        "reason": "agreed",
    });
    let sign = format!("/console/merchants/{}/contract", home.id);
    let mut far = terms.clone();
    far["contract"]["lock_days"] = json!(3_651);
    boss.post(&sign, far)
        .await
        .is_problem(422, "contract_invalid");
    done(&boss.post(&sign, terms).await);
    let page = done(&home.caller.get("/merchant/me").await);
    let contract = &page["contracts"][0]["contract"];
    assert_eq!(
        (&contract["lock_days"], &contract["origin_share"]),
        (&json!(30), &json!("10%"))
    );

    let [member, _] = with_coins(&site).await;
    let path = "/me/home-store";
    assert_eq!(done(&member.get(path).await)["home"], Value::Null);
    for wrong in ["77", "x", "01"] {
        member
            .post(path, json!({ "store": wrong }))
            .await
            .is_problem(404, "store_unknown");
    }
    done(&member.post(path, json!({ "store": store })).await);
    done(&member.post(path, json!({ "store": store })).await);
    member
        .post(path, json!({ "store": elsewhere }))
        .await
        .is_problem(409, "home_store_bound");
    let card = done(&member.get(path).await)["home"].clone();
    assert_eq!(
        (&card["store"], &card["name"], &card["open"]),
        (&json!(store), &json!("first"), &json!(true))
    );
    home.caller.get(path).await.is_problem(401, "not_signed_in");

    // Of a take of 10.00 the home store gets 1.00 once the other has settled it; the payment's members see nothing of it.
    let paid = till.post("/counter/payments", bill(&code_of(&member).await, "100.00"));
    done(&paid.await);
    let mine = done(&home.caller.get("/merchant/me").await);
    assert_eq!(
        (&mine["payable"], &mine["vesting"]),
        (&json!("0.00"), &json!("1.00"))
    );
    done(&member.post("/me/home-store/end", json!({})).await);
    assert_eq!(done(&member.get(path).await)["home"]["open"], false);
    let paid = till.post("/counter/payments", bill(&code_of(&member).await, "100.00"));
    done(&paid.await);
    let mine = done(&home.caller.get("/merchant/me").await);
    assert_eq!(
        (&mine["payable"], &mine["vesting"]),
        (&json!("0.00"), &json!("1.00"))
    );
    member
        .post(path, json!({ "store": elsewhere }))
        .await
        .is_problem(409, "home_store_bound");
    site.close().await;
}

/// Two buyers at 100.00, of which the product costs 40.00; a twentieth of the take is the home stores'.
fn sale(commission: Option<&str>) -> Value {
    let mut file = json!({
        "name": { "zh": "两人锅", "en": "A pot for two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "锅", "en": "Pot" }, "cost": "40.00" },
        "group": { "price": "100.00", "seats": 2 },
        "channel": { "fee": "0%" },
        "alliance": { "origin_share": "5%" },
    });
    if let Some(commission) = commission {
        file["product"]["cost"] = json!("0.00");
        file["merchant"] = json!({ "commission": commission });
    }
    file
}

/// Both buy; their orders.
async fn bought(site: &Site, campaign: &str, buyers: &[Caller; 2]) -> Vec<String> {
    let (group, payment) = buyers[0].open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(&buyers[0], &payment, "paid").await;
    site.pay(&buyers[1].join(&group).await).await;
    site.group(&group, "settled").await;
    let mut orders = Vec::new();
    for buyer in buyers {
        let list = done(&buyer.get("/me/orders").await);
        orders.push(list["items"][0]["id"].as_str().unwrap().to_owned());
    }
    orders
}

/// What waits for a merchant, and what is payable to him.
async fn stands(site: &Site, of: &Caller, vesting: &str, payable: &str) {
    let what = format!("{vesting} wait and {payable} are payable");
    site.until(&what, async || {
        let page = done(&of.get("/merchant/me").await);
        (page["vesting"] == vesting && page["payable"] == payable).then_some(())
    })
    .await;
}

async fn shares(boss: &Caller) -> Value {
    let books = boss.get("/books").await.json();
    let lines = books["trial_balance"].as_array().unwrap();
    let line = lines.iter().find(|line| line["account"] == "origin-shares");
    line.map_or(Value::Null, |line| line["debit"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_groups_shares_wait_for_its_returns_and_go_back_with_them() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let home = merchant(&site, &boss, 1).await;
    let (store, _) = home.store(&site, "first").await;
    let buyers = [site.member(81, None).await, site.member(82, None).await];
    for buyer in &buyers {
        done(
            &buyer
                .post("/me/home-store", json!({ "store": store }))
                .await,
        );
    }
    let platforms = site.publish(sale(None)).await;
    let orders = bought(&site, &platforms, &buyers).await;
    stands(&site, &home.caller, "6.00", "0.00").await;
    assert_eq!(shares(&boss).await, "6.00");

    for (order, buyer) in orders.iter().zip(&buyers) {
        let parcel = json!({ "carrier": "SF", "number": "1" });
        done(&boss.post(&format!("/orders/{order}/ship"), parcel).await);
        let path = format!("/orders/{order}/receive");
        done(&buyer.post(&path, json!({})).await);
    }
    let (back, taken) = (
        format!("/orders/{}/return", orders[0]),
        format!("/orders/{}/take-back", orders[0]),
    );
    done(&buyers[0].post(&back, json!({})).await);
    done(&boss.post(&taken, json!({ "reason": "arrived" })).await);
    stands(&site, &home.caller, "3.00", "0.00").await;

    // His own campaign gives his store nothing: 180.00 are what he has sold.
    let draft = home
        .caller
        .post("/merchant/drafts", sale(Some("10%")))
        .await;
    let draft = done(&draft)["id"].as_str().unwrap().to_owned();
    let publish = format!("/console/drafts/{draft}/publish");
    let published = boss.post(&publish, json!({ "reason": "seen" })).await;
    let own = done(&published)["id"].as_str().unwrap().to_owned();
    bought(&site, &own, &buyers).await;
    stands(&site, &home.caller, "183.00", "0.00").await;
    assert_eq!(shares(&boss).await, "3.00");

    site.advance_s(8 * 86_400);
    let owner = site.sign_in_operator("merchant1", "rice rice rice").await;
    let owner = owner.unwrap();
    stands(&site, &owner, "180.00", "3.00").await;
    let lines = done(&owner.get("/merchant/lines?limit=100").await);
    let lines = lines["items"].as_array().unwrap();
    for kind in ["origin_shared", "origin_reversed", "origin_vested"] {
        assert!(lines.iter().any(|line| line["event"] == kind), "{kind}");
    }
    site.close().await;
}
