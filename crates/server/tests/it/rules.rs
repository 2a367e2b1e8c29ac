//! Every row of the table of rules 5, over HTTP.

use serde_json::json;

use crate::files::{small, small_with};
use crate::site::{Caller, Site, yuan};

/// A group whose leader has paid; answers with leader, group and the leader's payment.
async fn opened(site: &Site, file: serde_json::Value, number: u32) -> (Caller, String, String) {
    let campaign = site.publish(file).await;
    let leader = site.member(number, None).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    (leader, group, payment)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reservations_lapse_and_late_payments_find_their_place() {
    let site = Site::open().await;
    let (_, group, _) = opened(&site, small(3), 1).await;
    let (early, late, third) = (
        site.member(2, None).await,
        site.member(3, None).await,
        site.member(4, None).await,
    );
    let early_payment = early.join(&group).await;
    site.payment(&early, &early_payment, "waiting").await;
    site.advance_s(301);
    site.payment(&early, &early_payment, "lapsed").await;
    assert_eq!(
        site.group(&group, "open").await["reserved"],
        0,
        "the place is free again"
    );

    // The place is free: a payment for the lapsed seat takes it after all.
    site.pay(&early_payment).await;
    site.payment(&early, &early_payment, "paid").await;

    // The last place lapses, somebody else takes it, and the late payment goes back.
    let late_payment = late.join(&group).await;
    site.advance_s(301);
    site.payment(&late, &late_payment, "lapsed").await;
    let third_payment = third.join(&group).await;
    site.pay(&third_payment).await;
    site.group(&group, "full").await;
    site.pay(&late_payment).await;
    let page = site.payment(&late, &late_payment, "refunded").await;
    assert_eq!(page["reason"], "group_full");
    site.until("the money is back", async || {
        (site.provider_books().await.refunded_fen == yuan(10)).then_some(())
    })
    .await;

    // Nobody can join or leave any more.
    site.member(5, None)
        .await
        .post(&format!("/groups/{group}/seats"), json!({}))
        .await
        .is_problem(409, "group_not_open");
    third
        .post(&format!("/groups/{group}/leave"), json!({}))
        .await
        .is_problem(409, "group_not_open");

    // Drawn: a further payment of a lapsed seat is for a settled group.
    site.advance_s(10);
    site.group(&group, "settled").await;
    site.faults(None, json!({ "pay": { "late": true, "transactions": 2 } }))
        .await;
    assert_eq!(site.pay(&late_payment).await.len(), 2);
    site.until("the second late payment is back", async || {
        (site.provider_books().await.refunded_fen == yuan(10) + 2 * yuan(10) + yuan(10))
            .then_some(())
    })
    .await;
    let books = site.settled_books().await;
    assert_eq!(
        books["own"], "6.00",
        "10 - 2 of the winner, 1 to each other: {books}"
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_payments_and_other_amounts_go_back() {
    let site = Site::open().await;
    let (leader, group, payment) = opened(&site, small(3), 1).await;
    site.faults(Some(&payment), json!({ "pay": { "transactions": 2 } }))
        .await;
    assert_eq!(site.pay(&payment).await.len(), 2);
    site.until("the second payment is back", async || {
        (site.provider_books().await.refunded_fen == yuan(10)).then_some(())
    })
    .await;
    site.payment(&leader, &payment, "paid").await;
    site.until("he is told why", async || {
        let page = leader.get(&format!("/payments/{payment}")).await.json();
        (page["reason"] == "second_payment").then_some(())
    })
    .await;

    let other = site.member(2, None).await;
    let wrong = other.join(&group).await;
    site.faults(Some(&wrong), json!({ "pay": { "amount_fen": 999 } }))
        .await;
    site.pay(&wrong).await;
    site.until("the wrong amount is back", async || {
        (site.provider_books().await.refunded_fen == yuan(10) + 999).then_some(())
    })
    .await;
    let told = site.until("he is told why", async || {
        let page = other.get(&format!("/payments/{wrong}")).await.json();
        (page["reason"] == "amount_differs").then_some(page)
    });
    assert_eq!(told.await["state"], "waiting");
    let books = site.settled_books().await;
    assert_eq!(
        (&books["held"], &books["own"]),
        (&json!("10.00"), &json!("0.00")),
        "{books}"
    );

    // His order has been paid and takes no more; so the place is paid at another.
    let page = other.get(&format!("/payments/{wrong}")).await.json();
    assert!(page["pay_url"].is_string(), "{page}");
    assert_eq!(site.orders_of(&wrong).await.len(), 2);
    site.pay(&wrong).await;
    site.payment(&other, &wrong, "paid").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_late_payment_went_back_can_pay_when_he_joins_again() {
    let mut site = Site::open().await;
    let (_, group, _) = opened(&site, small(2), 1).await;
    let (late, other) = (site.member(2, None).await, site.member(3, None).await);
    let payment = late.join(&group).await;
    site.advance_s(301);
    site.payment(&late, &payment, "lapsed").await;
    other.join(&group).await;
    site.pay(&payment).await;
    site.payment(&late, &payment, "refunded").await;

    // The other one does not pay either.
    site.advance_s(301);
    assert_eq!(late.join(&group).await, payment);
    assert_eq!(site.orders_of(&payment).await.len(), 2);
    // The new order's notice is lost, and the server knows of no order any more.
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;
    site.pay(&payment).await;
    site.restart().await;
    site.payment(&late, &payment, "paid").await;
    assert_eq!(site.provider_books().await.refunded_fen, yuan(10));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_end_without_a_draw_give_everything_back() {
    let site = Site::open().await;

    // Not full by the deadline.
    let (_, expired, _) = opened(&site, small_with(3, "fill_within", json!("10m")), 1).await;
    let member = site.member(2, None).await;
    let payment = member.join(&expired).await;
    site.pay(&payment).await;
    site.payment(&member, &payment, "paid").await;
    let unpaid = site.member(3, None).await;
    let unpaid_payment = unpaid.join(&expired).await;
    site.advance_s(601);
    site.group(&expired, "expired").await;
    let page = site.payment(&member, &payment, "refunded").await;
    assert_eq!(page["reason"], "expired");
    // A payment for the expired group goes back.
    site.pay(&unpaid_payment).await;
    site.until("both and the late one are back", async || {
        (site.provider_books().await.refunded_fen == yuan(30)).then_some(())
    })
    .await;
    let void = site
        .anyone()
        .get(&format!("/groups/{expired}/draw/void"))
        .await;
    assert!(void.text().contains("reason not_full"), "{}", void.text());

    // Cancelled by an operator.
    let (leader, cancelled, payment) = opened(&site, small(3), 4).await;
    let path = format!("/groups/{cancelled}/cancel");
    leader
        .post(&path, json!({}))
        .await
        .is_problem(401, "not_signed_in");
    let why = json!({ "reason": "sold out" });
    let got = site.operator().await.post(&path, why).await;
    assert_eq!(got.status, 200);
    let page = site.payment(&leader, &payment, "refunded").await;
    assert_eq!(page["reason"], "cancelled");

    // The leader leaves: the group is cancelled, and whoever had paid gets his money.
    let (leader, gone, _) = opened(&site, small(3), 5).await;
    let member = site.member(6, None).await;
    let payment = member.join(&gone).await;
    site.pay(&payment).await;
    site.payment(&member, &payment, "paid").await;
    assert_eq!(
        leader
            .post(&format!("/groups/{gone}/leave"), json!({}))
            .await
            .status,
        200
    );
    site.group(&gone, "cancelled").await;
    assert_eq!(
        site.payment(&member, &payment, "refunded").await["reason"],
        "leader_gone"
    );

    // The leader does not pay: nobody can join, and the group is cancelled.
    let campaign = site.publish(small(3)).await;
    let (lapsed, payment) = leader.open_group(&campaign).await;
    member
        .post(&format!("/groups/{lapsed}/seats"), json!({}))
        .await
        .is_problem(409, "leader_not_paid");
    site.advance_s(301);
    site.group(&lapsed, "cancelled").await;
    // His late payment comes for a cancelled group.
    site.pay(&payment).await;
    let books = site.until("all is back", async || {
        let books = site.provider_books().await;
        (books.paid_fen == yuan(70) && books.refunded_fen == yuan(70)).then_some(books)
    });
    assert_eq!(books.await.held_fen, 0);
    assert_eq!(site.settled_books().await["own"], "0.00");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_may_leave_and_come_back() {
    let site = Site::open().await;
    let (leader, group, _) = opened(&site, small(3), 1).await;
    let member = site.member(2, None).await;
    let payment = member.join(&group).await;
    member
        .post(&format!("/groups/{group}/seats"), json!({}))
        .await
        .is_problem(409, "seat_limit");
    site.pay(&payment).await;
    site.payment(&member, &payment, "paid").await;
    assert_eq!(
        member
            .post(&format!("/groups/{group}/leave"), json!({}))
            .await
            .status,
        200
    );
    assert_eq!(
        site.payment(&member, &payment, "refunded").await["reason"],
        "left"
    );
    member
        .post(&format!("/groups/{group}/leave"), json!({}))
        .await
        .is_problem(409, "not_in_group");
    let again = member.join(&group).await;
    assert_ne!(again, payment);

    // Everybody knows his own places, before they have numbers, too.
    for (caller, mine) in [
        (&member, [false, true]),
        (&leader, [true, false]),
        (&site.anyone(), [false, false]),
    ] {
        site.until("the list has both places", async || {
            let page = caller.get(&format!("/groups/{group}")).await.json();
            let seats = page["seats_list"].as_array().unwrap().iter();
            let found: Vec<bool> = seats.map(|seat| seat["mine"] == true).collect();
            (found == mine).then_some(())
        })
        .await;
    }

    // A reservation that lapses and is taken anew keeps its number, its order and the page to pay at.
    let page = member.get(&format!("/payments/{again}")).await.json()["pay_url"].clone();
    site.advance_s(301);
    site.payment(&member, &again, "lapsed").await;
    let got = member
        .post(&format!("/groups/{group}/seats"), json!({}))
        .await
        .json();
    assert_eq!(got["payment"]["id"], json!(again));
    assert!(page.is_string());
    assert_eq!(got["payment"]["pay_url"], page);
    site.pay(&again).await;
    site.payment(&member, &again, "paid").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_never_comes_makes_the_group_void() {
    // The public beacon without a relay: nobody ever knows the round.
    let site =
        Site::open_with(|config| config.draw.source = server::DrawSource::DrandQuicknet).await;
    let (leader, group, payment) = opened(&site, small(2), 1).await;
    let member = site.member(2, None).await;
    let second = member.join(&group).await;
    site.pay(&second).await;
    site.group(&group, "full").await;
    let draw = site
        .anyone()
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    assert_eq!(
        (&draw["state"], &draw["source"]),
        (&json!("waiting"), &json!("drand-quicknet"))
    );
    let round = draw["round"].as_u64().unwrap();
    let send = |round: u64, source: &str| {
        let (anyone, source) = (site.anyone(), source.to_owned());
        async move {
            anyone
                .post(
                    &format!("/draws/{round}/signature"),
                    json!({ "source": source, "signature": "ab".repeat(48) }),
                )
                .await
        }
    };
    send(round, "drand-quicknet")
        .await
        .is_problem(422, "signature_invalid");
    send(round + 1, "drand-quicknet")
        .await
        .is_problem(409, "round_not_awaited");
    send(round, "local")
        .await
        .is_problem(409, "round_not_awaited");
    site.anyone()
        .get("/beacon/file")
        .await
        .is_problem(404, "beacon_absent");
    site.advance_s(86_400 + 120);
    site.group(&group, "void").await;
    for (who, payment) in [(&leader, &payment), (&member, &second)] {
        assert_eq!(
            site.payment(who, payment, "refunded").await["reason"],
            "void"
        );
    }
    assert!(
        site.anyone()
            .get(&format!("/groups/{group}/draw/void"))
            .await
            .text()
            .contains("reason timeout")
    );
    site.anyone()
        .get(&format!("/groups/{group}/draw/result"))
        .await
        .is_problem(404, "draw_file_absent");
    assert_eq!(site.settled_books().await["own"], "0.00");
    site.close().await;
}
