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

/// Registers members; answers with their numbers.
async fn serve(gateway: &Caller, count: usize) -> Vec<String> {
    let items: Vec<Value> = (0..count)
        .map(|number| json!({ "token": format!("{number:032x}") }))
        .collect();
    let got = gateway
        .post("/gateway/members", json!({ "items": items }))
        .await
        .json();
    let members = got["items"].as_array().unwrap().iter();
    members
        .map(|item| item["member"].as_str().unwrap().to_owned())
        .collect()
}

/// A group whose leader has paid; answers with it.
async fn open_group(site: &Site, seats: u32, leader: &Caller) -> String {
    let campaign = site.publish(small(seats)).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    group
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_acts_for_nobody_but_its_own_members() {
    let site = Site::open().await;
    let (gateway, other) = (site.gateway().await, site.gateway().await);
    let (own, others) = (serve(&gateway, 1).await, serve(&other, 1).await);
    let (leader, member) = (site.member(1, None).await, site.member(2, None).await);
    let group = open_group(&site, 4, &leader).await;
    let held = site.provider_books().await.held_fen;

    // Paid in the name of somebody else: he gets neither a seat nor an inviter, and nothing is booked or sent back.
    for (order_no, victim) in [("g1", &member.id), ("g2", &others[0])] {
        let txn = pay(&site, order_no, &group, victim, yuan(10)).await;
        let item = json!({ "group": group, "member": victim, "via": own[0], "txn": txn });
        let answers = join(&gateway, json!([item])).await;
        assert_eq!(
            (&answers[0]["status"], &answers[0]["code"]),
            (&json!("refused"), &json!("member_not_served")),
            "{answers:?}"
        );
    }
    assert_eq!(member.get("/me").await.json()["inviter"], json!(null));
    assert_eq!(
        site.anyone().get(&format!("/groups/{group}")).await.json()["paid"],
        1
    );

    // A group that there is not yet: refused, so that the money is still good when there is one.
    let next = (group.parse::<u64>().unwrap() + 1).to_string();
    let txn = pay(&site, "g3", &next, &own[0], yuan(10)).await;
    let item = json!([{ "group": next, "member": own[0], "txn": txn }]);
    let answers = join(&gateway, item.clone()).await;
    assert_eq!(answers[0]["code"], "group_unknown");
    assert_eq!(
        (
            &site.settled_books().await["held"],
            site.provider_books().await.held_fen
        ),
        (&json!("10.00"), held + yuan(30)),
        "the gateway's own orders"
    );
    assert_eq!(open_group(&site, 4, &leader).await, next);
    assert_eq!(join(&gateway, item).await[0]["status"], "seated");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_payment_holds_one_seat_once() {
    let site = Site::open().await;
    let gateway = site.gateway().await;
    let members = serve(&gateway, 2).await;
    let leader = site.member(1, None).await;
    let (settled, cancelled) = (
        open_group(&site, 2, &leader).await,
        open_group(&site, 4, &leader).await,
    );
    let item = |group: &str, member: &str, txn: &str| json!([{ "group": group, "member": member, "txn": txn }]);
    let txns = [
        pay(&site, "g1", &settled, &members[0], yuan(10)).await,
        pay(&site, "g2", &cancelled, &members[0], yuan(10)).await,
    ];
    let later = open_group(&site, 4, &leader).await;
    for over in [false, true] {
        for (group, txn) in [&settled, &cancelled].into_iter().zip(&txns) {
            let answers = join(&gateway, item(group, &members[0], txn)).await;
            let wanted = if over { "known" } else { "seated" };
            assert_eq!(answers[0]["status"], wanted, "{answers:?}");
            for (other_group, member) in [
                (group, &members[1]),
                (&later, &members[0]),
                (&later, &members[1]),
            ] {
                let answers = join(&gateway, item(other_group, member, txn)).await;
                assert_eq!(answers[0]["status"], "payment_unconfirmed", "{answers:?}");
            }
        }
        if !over {
            site.group(&settled, "full").await;
            site.advance_s(10);
            site.group(&settled, "settled").await;
            let cancel = format!("/groups/{cancelled}/cancel");
            assert_eq!(
                site.operator()
                    .await
                    .post(&cancel, json!({ "reason": "sold out" }))
                    .await
                    .status,
                200
            );
            site.settled_books().await;
        }
    }
    let page = site.anyone().get(&format!("/groups/{later}")).await.json();
    assert_eq!(page["paid"], 1, "{page}");
    site.settled_books().await;
    site.close().await;
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
            "refused",
            "refused",
            "seated"
        ],
        "{answers:?}"
    );
    assert_eq!(answers[2]["reason"], "amount_differs");
    assert_eq!(answers[5]["code"], "member_not_served");
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

    // What is paid at an order of the platform's own is no gateway's.
    let (other_group, _) = leader.open_group(&campaign).await;
    let order_no = format!("{other_group}-7");
    let txn = pay(&site, &order_no, &other_group, &first, yuan(10)).await;
    let answers = join(
        &gateway,
        json!([{ "group": other_group, "member": first, "txn": txn }]),
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

/// The answer to a batch is no refusal, but its items can be; and money that goes back has met a rule, too. Both are in the trail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_batch_refuses_and_what_goes_back_is_noted_with_its_rule() {
    let site = Site::open().await;
    let (gateway, boss) = (site.gateway().await, site.operator().await);
    let own = serve(&gateway, 1).await;
    let leader = site.member(1, None).await;
    let group = open_group(&site, 4, &leader).await;
    let txn = pay(&site, "g1", &group, &leader.id, yuan(10)).await;
    let item = json!({ "group": group, "member": leader.id, "txn": txn });
    assert_eq!(
        join(&gateway, json!([item])).await[0]["code"],
        "member_not_served"
    );
    let txn = pay(&site, "g2", &group, &own[0], yuan(9)).await;
    let item = json!({ "group": group, "member": own[0], "txn": txn });
    let answer = join(&gateway, json!([item])).await[0].clone();
    assert_eq!(
        (&answer["status"], &answer["reason"]),
        (&json!("bounced"), &json!("amount_differs"))
    );
    let registered = json!({ "items": [{ "token": "short" }] });
    let registered = gateway.post("/gateway/members", registered).await;
    assert_eq!(registered.json()["items"][0]["code"], "token_invalid");
    let path = "/console/refusals";
    leader.get(path).await.is_problem(401, "not_signed_in");
    let lines = site
        .until("all three are noted", async || {
            let lines = boss.get(path).await.json()["items"].clone();
            (lines.as_array().unwrap().len() == 3).then_some(lines)
        })
        .await;
    let mut noted: Vec<_> = lines.as_array().unwrap().iter().collect();
    noted.sort_by_key(|line| line["rule"].as_str().unwrap());
    let told = noted
        .iter()
        .map(|line| (line["rule"].as_str(), line["who"].as_str()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Some("amount_differs"), Some("member")),
            (Some("member_not_served"), Some("gateway")),
            (Some("token_invalid"), Some("gateway")),
        ]
    );
    assert_eq!(noted[0]["id"], own[0]);
    let detail = noted[0]["detail"].as_str().unwrap();
    assert!(detail.contains(&txn) && detail.contains("9.00"), "{detail}");
    let first = boss.get("/console/refusals?limit=2").await.json();
    let next = first["next"].as_str().unwrap();
    let rest = boss
        .get(&format!("/console/refusals?limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{rest}");
    site.close().await;
}

/// A payment's number that no channel gives is refused for that item alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_without_a_proper_number_is_refused_by_itself() {
    let site = Site::open().await;
    let gateway = site.gateway().await;
    let own = serve(&gateway, 1).await;
    let leader = site.member(1, None).await;
    let group = open_group(&site, 3, &leader).await;
    let good = pay(&site, "n1", &group, &own[0], yuan(10)).await;
    let long = "x".repeat(33);
    let item = |txn: &str| json!({ "group": group, "member": own[0], "txn": txn });
    let answers = join(
        &gateway,
        json!([
            item(""),
            item(&long),
            item("a b"),
            item("付款"),
            item(&good)
        ]),
    )
    .await;
    for answer in &answers[..4] {
        assert_eq!(
            (&answer["status"], &answer["code"]),
            (&json!("refused"), &json!("txn_invalid")),
            "{answers:?}"
        );
    }
    assert_eq!(answers[4]["status"], "seated", "{answers:?}");
    site.close().await;
}
