//! Where a member's money is while the channel does not send it back: everything he can ask says the same.

use serde_json::{Value, json};

use crate::files::small;
use crate::site::{Caller, Site};

/// Every refund fails until this is taken back.
async fn channel_down(site: &Site) {
    site.faults(None, json!({ "refund": { "kind": "error_before" } }))
        .await;
}

async fn channel_up(site: &Site) {
    site.faults(None, json!({})).await;
}

/// Posts nothing; answers with the sequence from which on reads show it.
async fn done(caller: &Caller, path: &str) -> String {
    let got = caller.post(path, json!({})).await;
    assert_eq!(got.status, 200, "{got:?}");
    got.json()["seq"].as_str().unwrap().to_owned()
}

/// The item of a list that has this value there.
fn item(list: &Value, pointer: &str, value: &str) -> Value {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let found = items
        .iter()
        .find(|item| item.pointer(pointer) == Some(&json!(value)));
    found
        .unwrap_or_else(|| panic!("no {value} in {list}"))
        .clone()
}

/// What a member is told of a payment's seat: its state and outcome in his list, its state on the group's page, and,
/// which is the same wherever it stands, that of the payment.
async fn told(member: &Caller, payment: &str, seq: &str) -> (String, Value, String, String) {
    let group = payment.split('-').next().unwrap();
    let list = member
        .get(&format!("/me/groups?at_least={seq}"))
        .await
        .json();
    let mine = item(&list["items"], "/seat/payment", payment);
    let page = member
        .get(&format!("/groups/{group}?at_least={seq}"))
        .await
        .json();
    let row = item(&page["mine"], "/payment", payment);
    let alone = member
        .get(&format!("/payments/{payment}?at_least={seq}"))
        .await
        .json();
    assert_eq!(mine["seat"]["payment_state"], alone["state"], "{mine}");
    assert_eq!(row["payment_state"], alone["state"], "{row}");
    assert_eq!(row["state"], mine["seat"]["state"], "{row}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&row["state"]),
        mine["outcome"].clone(),
        text(&alone["state"]),
        text(&mine["reason"]),
    )
}

/// The sum of a member's refunds on their way, which his wallet and their list must agree on, and the amounts.
async fn due(member: &Caller) -> (String, Vec<String>) {
    let total = member.get("/me").await.json()["wallet"]["refunds_due"].clone();
    let (mut amounts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = member
            .get(&format!("/me/refunds?limit=1{cursor}"))
            .await
            .json();
        assert_eq!(page["total"], total, "{page}");
        for item in page["items"].as_array().unwrap() {
            assert!(
                item["since"].is_string() && item["reason"].is_string(),
                "{item}"
            );
            amounts.push(item["amount"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (total.as_str().unwrap().to_owned(), amounts),
        }
    }
}

fn four(
    state: &str,
    outcome: &str,
    payment: &str,
    reason: &str,
) -> (String, Value, String, String) {
    (
        state.to_owned(),
        json!(outcome),
        payment.to_owned(),
        reason.to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn money_of_members_who_left_is_on_its_way_until_the_channel_has_sent_it() {
    let mut site = Site::open().await;
    let campaign = site.publish(small(3)).await;
    let (leader, member) = (site.member(1, None).await, site.member(2, None).await);
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    let left = member.join(&group).await;
    site.pay(&left).await;
    site.payment(&member, &left, "paid").await;
    assert_eq!(due(&member).await, ("0.00".to_owned(), Vec::new()));

    channel_down(&site).await;
    let seq = done(&member, &format!("/groups/{group}/leave")).await;
    // At once, without a wish for freshness: no moment in which the money is nowhere.
    let wallet = member.get("/me").await.json()["wallet"].clone();
    assert_eq!(
        (&wallet["in_groups"], &wallet["refunds_due"]),
        (&json!("0.00"), &json!("10.00"))
    );
    let on_its_way = four("refund_due", "refund_due", "refund_due", "left");
    assert_eq!(told(&member, &left, &seq).await, on_its_way);
    assert_eq!(
        due(&member).await,
        ("10.00".to_owned(), vec!["10.00".to_owned()])
    );
    assert_eq!(
        due(&leader).await,
        ("0.00".to_owned(), Vec::new()),
        "nobody else's"
    );
    let card = member.get("/me/refunds").await.json()["items"][0].clone();
    assert_eq!(
        (
            &card["group"],
            &card["payment"],
            &card["reason"],
            &card["name"]["en"]
        ),
        (
            &json!(group),
            &json!(left),
            &json!("left"),
            &json!("Small group")
        )
    );

    // The channel has failed, and the platform was started anew.
    site.restart().await;
    assert_eq!(told(&member, &left, &seq).await, on_its_way);
    let cancel = format!("/groups/{group}/cancel");
    let why = json!({ "reason": "sold out" });
    let got = site.operator().await.post(&cancel, why).await;
    assert_eq!(got.status, 200, "{got:?}");
    let seq = got.json()["seq"].as_str().unwrap().to_owned();
    let cancelled = four("refund_due", "refund_due", "refund_due", "cancelled");
    assert_eq!(told(&leader, &payment, &seq).await, cancelled);
    let page = site
        .anyone()
        .get(&format!("/groups/{group}?at_least={seq}"))
        .await
        .json();
    assert_eq!(page["seats_list"][0]["state"], "refund_due", "{page}");
    let console = site.operator().await.get("/console/members").await.json();
    let row = item(&console["items"], "/id", &leader.id);
    assert_eq!(row["wallet"]["refunds_due"], "10.00");

    channel_up(&site).await;
    site.settled_books().await;
    site.payment(&member, &left, "refunded").await;
    site.payment(&leader, &payment, "refunded").await;
    assert_eq!(
        told(&member, &left, &seq).await,
        four("refunded", "refunded", "refunded", "left")
    );
    assert_eq!(
        told(&leader, &payment, &seq).await,
        four("refunded", "refunded", "refunded", "cancelled")
    );
    assert_eq!(due(&member).await, ("0.00".to_owned(), Vec::new()));
    assert_eq!(due(&leader).await, ("0.00".to_owned(), Vec::new()));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn prices_of_seats_that_lost_and_payments_without_a_seat_are_on_their_way_alike() {
    let site = Site::open().await;
    let campaign = site.publish(small(2)).await;
    let members = [site.member(1, None).await, site.member(2, None).await];
    let [leader, other] = &members;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    // This one's time is over when his money comes, and somebody else has his place.
    let late = site.member(3, None).await;
    let lapsed = late.join(&group).await;
    site.advance_s(301);
    site.payment(&late, &lapsed, "lapsed").await;
    channel_down(&site).await;
    let second = other.join(&group).await;
    site.faults(
        Some(&second),
        json!({ "pay": { "transactions": 2 }, "refund": { "kind": "error_before" } }),
    )
    .await;
    site.pay(&second).await;
    site.group(&group, "full").await;
    site.pay(&lapsed).await;
    site.payment(&late, &lapsed, "refund_due").await;
    let (state, outcome, money, reason) = told(&late, &lapsed, "0").await;
    assert_eq!(
        (state.as_str(), money.as_str(), reason.as_str()),
        ("lapsed", "refund_due", "group_full")
    );
    assert_eq!(outcome, Value::Null);
    assert_eq!(
        due(&late).await,
        ("10.00".to_owned(), vec!["10.00".to_owned()])
    );
    // He paid twice: one payment holds his seat, the other is on its way back.
    site.until("the second payment has come", async || {
        (due(other).await.0 == "10.00").then_some(())
    })
    .await;
    let page = other.get(&format!("/payments/{second}")).await.json();
    assert_eq!(
        (&page["state"], &page["reason"]),
        (&json!("paid"), &json!("second_payment"))
    );

    site.advance_s(10);
    site.group(&group, "settled").await;
    let mut lost = 0;
    for (member, payment, bounced) in [(leader, &payment, 0), (other, &second, 1)] {
        let (state, outcome, money, _) = told_of_winner_or_loser(member, payment).await;
        assert_eq!(outcome, state);
        let (total, amounts) = due(member).await;
        let expected = usize::from(state == "lost") + bounced;
        assert_eq!(
            (total, amounts.len()),
            (format!("{}.00", 10 * expected), expected)
        );
        assert_eq!(
            money,
            if state == "lost" {
                "refund_due"
            } else {
                "paid"
            }
        );
        lost += usize::from(state == "lost");
    }
    assert_eq!(lost, 1);

    channel_up(&site).await;
    site.faults(Some(&second), json!({})).await;
    site.settled_books().await;
    for (member, payment) in [(leader, &payment), (other, &second), (&late, &lapsed)] {
        site.until("nothing is on its way any more", async || {
            (due(member).await.0 == "0.00").then_some(())
        })
        .await;
        let page = member.get(&format!("/payments/{payment}")).await.json();
        assert_ne!(page["state"], "refund_due", "{page}");
    }
    site.close().await;
}

/// As [`told`], of a seat that need not have a reason for anything to go back.
async fn told_of_winner_or_loser(member: &Caller, payment: &str) -> (String, Value, String, Value) {
    let list = member.get("/me/groups").await.json();
    let mine = item(&list["items"], "/seat/payment", payment);
    let alone = member.get(&format!("/payments/{payment}")).await.json();
    assert_eq!(mine["seat"]["payment_state"], alone["state"], "{mine}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&mine["seat"]["state"]),
        mine["outcome"].clone(),
        text(&alone["state"]),
        mine["reason"].clone(),
    )
}
