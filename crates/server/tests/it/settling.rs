//! Whole lives of groups, from sign-up to the last refund: the examples of the rules to the fen (rules 12).

use serde_json::{Value, json};

use crate::files::example;
use crate::site::{Caller, Site, fen, yuan};

/// Opens a group, fills it, waits for its draw; answers with the group's number.
pub(crate) async fn play(site: &Site, campaign: &str, members: &[Caller]) -> String {
    let (leader, others) = members.split_first().unwrap();
    let (group, payment) = leader.open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    for member in others {
        let payment = member.join(&group).await;
        site.pay(&payment).await;
    }
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    group
}

async fn winners(site: &Site, group: &str) -> Vec<u64> {
    let draw = site
        .anyone()
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    draw["winners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|winner| winner.as_u64().unwrap())
        .collect()
}

/// The outcome of each member's seat in a group.
async fn outcome(member: &Caller, group: &str) -> String {
    let seats = member.get("/me/groups").await.json();
    let seats = seats["items"].as_array().unwrap();
    let seat = seats
        .iter()
        .find(|seat| seat["group"]["id"] == group)
        .unwrap();
    seat["outcome"].as_str().unwrap().to_owned()
}

/// Every wallet's lines add up to what the wallet shows, and each says why.
async fn check_wallet(member: &Caller) -> Value {
    let wallet = member.get("/me").await.json()["wallet"].clone();
    for account in ["available", "vesting", "in_groups", "coins"] {
        let lines = member.lines(account).await;
        let sum: i64 = lines.iter().map(|line| fen(&line["amount"])).sum();
        assert_eq!(
            sum,
            fen(&wallet[account]),
            "{account} of {}: {lines:?}",
            member.id
        );
        if let Some(newest) = lines.first() {
            assert_eq!(newest["balance"], wallet[account]);
        }
        assert!(
            lines.iter().all(|line| line["why"]["kind"].is_string()),
            "{lines:?}"
        );
    }
    wallet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e0_to_the_fen() {
    let site = Site::open().await;
    let campaign = site.publish(example("e0")).await;
    // A chain of inviters, so that every seat has an upline: the first one is outside of the group.
    let top = site.member(0, None).await;
    let mut members: Vec<Caller> = Vec::new();
    for number in 1..=5 {
        members.push(site.member(number, Some(&top.invite_code)).await);
    }
    let group = play(&site, &campaign, &members).await;

    let books = site.settled_books().await;
    assert_eq!(books["own"], "22.00", "{books}");
    let mut consolation = 0;
    for member in &members {
        let wallet = check_wallet(member).await;
        consolation += fen(&wallet["available"]);
        assert_eq!(wallet["in_groups"], "0.00");
    }
    assert_eq!(consolation, yuan(20));
    assert_eq!(check_wallet(&top).await["vesting"], "30.00");
    assert_eq!(
        members[0].get("/me").await.json()["wallet"]["vesting"],
        "8.00",
        "formation: to the leader"
    );
    let provider = site.provider_books().await;
    assert_eq!(
        (provider.paid_fen, provider.refunded_fen, provider.refunds),
        (yuan(500), yuan(400), 4)
    );
    assert_eq!(fen(&books["held"]), provider.held_fen);
    let owed = |kind: &str| {
        let rows = books["owed"].as_array().unwrap();
        rows.iter().find(|row| row["kind"] == kind).unwrap()["amount"].clone()
    };
    assert_eq!(
        (owed("suppliers"), owed("vesting"), owed("available")),
        (json!("20.00"), json!("38.00"), json!("20.00"))
    );
    check_draw(&site, &group).await;
    ship_to_the_winner(&site, &members, &group).await;
    assert_eq!(
        top.get("/me").await.json()["wallet"],
        json!({
            "available": "30.00", "vesting": "0.00", "in_groups": "0.00", "refunds_due": "0.00", "coins": "0.00", "vesting_coins": "0.00", "bought_coins": "0.00",
        })
    );
    site.close().await;
}

/// Opens a group and fills it.
async fn fill(site: &Site, campaign: &str, members: &[Caller]) -> String {
    let (leader, others) = members.split_first().unwrap();
    let (group, payment) = leader.open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    for member in others {
        let payment = member.join(&group).await;
        site.pay(&payment).await;
    }
    group
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_everyone_buys_nobody_is_refunded_and_everyone_has_an_order() {
    let site = Site::open().await;
    let mut everyone = example("e0");
    everyone["kind"] = json!("everyone-buys");
    everyone["reward"] = json!([]);
    everyone["group"].as_object_mut().unwrap().remove("winners");
    let mut bonus = example("e0");
    bonus["kind"] = json!("bonus-draw");
    bonus["prize"] = json!({ "title": { "zh": "奖", "en": "Prize" }, "cost": "30.00" });
    bonus["reward"] = json!([{ "program": "consolation", "cash": "5.00" }]);
    let members = site.crowd(5).await;

    let campaign = site.publish(everyone).await;
    let group = fill(&site, &campaign, &members).await;
    // Nothing is drawn, so nothing is waited for.
    let shown = site.group(&group, "settled").await;
    assert_eq!(shown["draw"]["state"], "none", "{shown}");
    let draw = site
        .anyone()
        .get(&format!("/groups/{group}/draw/open"))
        .await;
    draw.is_problem(404, "draw_file_absent");
    for member in &members {
        assert_eq!(outcome(member, &group).await, "bought");
        let orders = member.get("/me/orders").await.json();
        assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
        assert_eq!(orders["items"][0]["prize"], Value::Null);
        check_wallet(member).await;
    }
    assert_eq!(site.settled_books().await["own"], "400.00");

    let operator = site.operator().await;
    let checked = operator.post("/campaigns/check", bonus.clone());
    let solvency = checked.await.json()["solvency"].clone();
    let prizes = json!({ "name": "prizes", "program": null, "share": null, "amount": "30.00", "coins": "0.00" });
    assert_eq!(solvency["terms"][2], prizes, "{solvency}");
    let campaign = site.publish(bonus).await;
    let card = site.anyone().get(&format!("/campaigns/{campaign}")).await;
    assert_eq!(card.json()["prize"]["title"]["en"], "Prize");
    let group = play(&site, &campaign, &members).await;
    let won = winners(&site, &group).await;
    assert_eq!(won.len(), 1);
    check_draw(&site, &group).await;
    let mut outcomes = Vec::new();
    for member in &members {
        let outcome = outcome(member, &group).await;
        let orders = member.get("/me/orders").await.json();
        let prize = orders["items"][0]["prize"]["en"].as_str();
        assert_eq!(prize, (outcome == "won").then_some("Prize"), "{orders}");
        outcomes.push(outcome);
        assert_eq!(orders["items"].as_array().unwrap().len(), 2, "{orders}");
        check_wallet(member).await;
    }
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["bought", "bought", "bought", "bought", "won"]);
    // 500 - 5 x 20 - a prize of 30 - 4 x 5.
    let books = site.settled_books().await;
    assert_eq!(books["own"], "750.00", "{books}");
    assert_eq!(site.provider_books().await.refunds, 0);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_who_buys_and_a_chance_of_each_seat() {
    let site = Site::open().await;
    let mut buys = example("e0");
    buys["group"]["leader"] = json!("buys");
    buys["group"]["winners"] = json!(2);
    buys["reward"] = json!([{ "program": "consolation", "cash": "5.00" }]);
    let mut chance = example("e0");
    let group = chance["group"].as_object_mut().unwrap();
    group.remove("winners");
    group.insert(
        "chance".to_owned(),
        json!({ "p": "40%", "min": 1, "max": 3 }),
    );
    let members = site.crowd(5).await;

    let campaign = site.publish(buys).await;
    let anyone = site.anyone();
    let card = anyone.get(&format!("/campaigns/{campaign}")).await.json();
    let odds = (&card["odds"]["winners"], &card["odds"]["seats"]);
    assert_eq!(odds, (&json!(1), &json!(4)), "the leader apart: {card}");
    let group = play(&site, &campaign, &members).await;
    assert_eq!(outcome(&members[0], &group).await, "won");
    // The leader's purchase is no part of the draw.
    assert_eq!(winners(&site, &group).await.len(), 1);
    check_draw(&site, &group).await;

    let campaign = site.publish(chance).await;
    let anyone = site.anyone();
    let card = anyone.get(&format!("/campaigns/{campaign}")).await.json();
    assert_eq!(
        card["chance"],
        json!({ "p": "40%", "min": 1, "max": 3 }),
        "{card}"
    );
    let group = play(&site, &campaign, &members).await;
    let won = winners(&site, &group).await.len();
    assert!((1..=3).contains(&won), "{won}");
    check_draw(&site, &group).await;
    for member in &members {
        check_wallet(member).await;
    }
    site.settled_books().await;
    site.close().await;
}

/// The files served reproduce the result byte for byte, and each hash is that of its file.
async fn check_draw(site: &Site, group: &str) {
    let anyone = site.anyone();
    let mut files = Vec::new();
    for file in ["open", "seats", "freeze", "result"] {
        let got = anyone.get(&format!("/groups/{group}/draw/{file}")).await;
        assert_eq!(got.status, 200, "{got:?}");
        files.push(got.bytes);
    }
    let draw = anyone.get(&format!("/groups/{group}/draw")).await.json();
    for (file, name) in files.iter().zip(["open", "seats", "freeze", "result"]) {
        assert_eq!(draw["hashes"][name], draw::hash(file).to_string(), "{name}");
    }
    let beacon = anyone.get("/beacon/file").await;
    assert_eq!(draw["beacon"]["beacon_file"], beacon.text());
    let signature = draw["beacon"]["signature"].as_str().unwrap();
    let again = draw::reproduce(
        &files[0],
        &files[1],
        &files[2],
        signature,
        Some(&beacon.bytes),
    )
    .unwrap();
    assert!(again.unchecked.is_empty(), "{:?}", again.unchecked);
    assert_eq!(again.result, files[3]);
    let round = draw["round"].as_u64().unwrap();
    let published = anyone.get(&format!("/beacon/public/{round}")).await.json();
    assert_eq!(published["signature"], draw["beacon"]["signature"]);
    let campaign = anyone.get(&format!("/groups/{group}")).await.json()["campaign"]
        .as_str()
        .unwrap()
        .to_owned();
    let published = anyone
        .get(&format!("/campaigns/{campaign}/published"))
        .await;
    assert_eq!(
        draw["published_hash"],
        draw::hash(&published.bytes).to_string()
    );
}

/// The winner's order goes its way; when the return window has closed the group's rewards are available.
async fn ship_to_the_winner(site: &Site, members: &[Caller], group: &str) {
    let seat = winners(site, group).await[0];
    let winner = &members[usize::try_from(seat).unwrap()];
    assert_eq!(outcome(winner, group).await, "won");
    let mine = winner.get(&format!("/groups/{group}/draw")).await.json()["mine"].clone();
    assert_eq!(
        (&mine["indexes"], &mine["member_id"]),
        (&json!([seat]), &json!(winner.id))
    );
    let order = winner.get("/me/orders").await.json()["items"][0].clone();
    assert_eq!(
        (&order["state"], &order["price"]),
        (&json!("paid"), &json!("100.00"))
    );
    let id = order["id"].as_str().unwrap();
    let early = winner
        .post(&format!("/orders/{id}/receive"), json!({}))
        .await;
    early.is_problem(409, "order_state");
    let shipment = json!({ "carrier": "顺丰", "number": "SF1" });
    let shipped = site
        .operator()
        .await
        .post(&format!("/orders/{id}/ship"), shipment)
        .await;
    assert_eq!(shipped.status, 200, "{shipped:?}");
    let other = members
        .iter()
        .find(|member| member.id != winner.id)
        .unwrap();
    other
        .post(&format!("/orders/{id}/receive"), json!({}))
        .await
        .is_problem(404, "order_unknown");
    let received = winner
        .post(&format!("/orders/{id}/receive"), json!({}))
        .await;
    let seq = received.json()["seq"].as_str().unwrap().to_owned();
    let order = winner
        .get(&format!("/me/orders?at_least={seq}"))
        .await
        .json()["items"][0]
        .clone();
    assert_eq!(
        (&order["state"], &order["carrier"], &order["tracking"]),
        (&json!("received"), &json!("顺丰"), &json!("SF1"))
    );
    site.advance_s(8 * 86_400);
    site.until("the order is kept", async || {
        let order = winner.get("/me/orders").await.json()["items"][0].clone();
        (order["state"] == "kept").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_to_the_fen() {
    let site = Site::open().await;
    let campaign = site.publish(example("e1")).await;
    let page = site
        .anyone()
        .get(&format!("/campaigns/{campaign}"))
        .await
        .json();
    assert_eq!((&page["winners"], &page["seats"]), (&json!(3), &json!(100)));
    let cost = fen(&page["terms"]["product"]["cost"]);
    let crowd = site.crowd(100).await;
    let group = play(&site, &campaign, &crowd).await;
    assert_eq!(winners(&site, &group).await.len(), 3);
    let books = site.settled_books().await;
    assert_eq!(fen(&books["own"]), yuan(200) - 3 * cost, "{books}");
    let provider = site.provider_books().await;
    assert_eq!((provider.refunded_fen, provider.refunds), (yuan(9_603), 97));
    let consolation: i64 = books["trial_balance"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["account"] == "rewards")
        .map(|row| fen(&row["debit"]))
        .unwrap();
    assert_eq!(consolation, yuan(97));
    check_draw(&site, &group).await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_to_the_fen() {
    let site = Site::open().await;
    let campaign = site.publish(example("e2")).await;
    let mut members = site.crowd(98).await;
    let inviter = site.member(1, None).await;
    let invited = site.member(2, Some(&inviter.invite_code)).await;
    members.extend([inviter.clone(), invited.clone()]);
    play(&site, &campaign, &members).await;
    let books = site.settled_books().await;
    assert_eq!(books["own"], "324.00", "nobody had a VIP level: {books}");
    assert_eq!(books["coins_outstanding"], "9800.00");
    assert_eq!(site.provider_books().await.refunded_fen, yuan(98_000));
    assert_eq!(
        inviter.get("/me").await.json()["vip"],
        1,
        "his invitee has had a settled seat"
    );

    let again = play(&site, &campaign, &members).await;
    let books = site.settled_books().await;
    let paid = if outcome(&invited, &again).await == "lost" {
        60
    } else {
        0
    };
    assert_eq!(fen(&books["own"]), 2 * yuan(324) - paid, "{books}");
    assert_eq!(fen(&check_wallet(&inviter).await["vesting"]), paid);
    if paid == 60 {
        let line = inviter.lines("vesting").await[0].clone();
        assert_eq!(
            (&line["amount"], &line["why"]["base"], &line["why"]["rate"]),
            (&json!("0.60"), &json!("12.00"), &json!("5"))
        );
    }
    check_wallet(&invited).await;
    check_draw(&site, &again).await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_winner_returns_the_product_and_gets_the_price_back() {
    let site = Site::open().await;
    let campaign = site.publish(example("e0")).await;
    let top = site.member(0, None).await;
    let mut members: Vec<Caller> = Vec::new();
    for number in 1..=5 {
        members.push(site.member(number, Some(&top.invite_code)).await);
    }
    let group = play(&site, &campaign, &members).await;
    site.settled_books().await;
    let seat = winners(&site, &group).await[0];
    let winner = &members[usize::try_from(seat).unwrap()];
    let order = winner.get("/me/orders").await.json()["items"][0].clone();
    let path = |what: &str| format!("/orders/{}/{what}", order["id"].as_str().unwrap());
    let operator = site.operator().await;
    let shipment = json!({ "carrier": "顺丰", "number": "SF1" });
    assert_eq!(operator.post(&path("ship"), shipment).await.status, 200);
    let early = winner.post(&path("return"), json!({})).await;
    early.is_problem(409, "order_state");
    assert_eq!(winner.post(&path("receive"), json!({})).await.status, 200);

    let stranger = members.iter().find(|member| member.id != winner.id);
    let foreign = stranger.unwrap().post(&path("return"), json!({})).await;
    foreign.is_problem(404, "order_unknown");
    let unasked = operator
        .post(&path("take-back"), json!({ "reason": "arrived" }))
        .await;
    unasked.is_problem(409, "order_state");
    assert_eq!(winner.post(&path("return"), json!({})).await.status, 200);
    let by_member = winner.post(&path("take-back"), json!({})).await;
    by_member.is_problem(401, "not_signed_in");
    assert_eq!(
        operator
            .post(&path("take-back"), json!({ "reason": "arrived" }))
            .await
            .status,
        200
    );

    let books = site.settled_books().await;
    // Rules 12, E0: consolation 20 and the unit's cost 20 are spent, everything else is back.
    assert_eq!(books["own"], "-40.00", "{books}");
    assert_eq!(check_wallet(&top).await["vesting"], "0.00");
    for member in &members {
        check_wallet(member).await;
    }
    let lines = top.lines("vesting").await;
    assert_eq!(lines[0]["why"]["kind"], "reversed", "{lines:?}");
    let order = winner.get("/me/orders").await.json()["items"][0].clone();
    assert_eq!(order["state"], "returned", "{order}");
    assert!(order["returned_at"].is_string());
    let seats = winner.get("/me/groups").await.json();
    let mine = &seats["items"][0];
    assert_eq!(
        (
            &mine["outcome"],
            &mine["seat"]["payment_state"],
            &mine["reason"]
        ),
        (&json!("won"), &json!("refunded"), &json!("returned")),
        "{mine}"
    );
    let provider = site.provider_books().await;
    assert_eq!((provider.refunds, provider.refunded_fen), (5, yuan(500)));
    site.close().await;
}
