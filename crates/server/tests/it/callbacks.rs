//! The provider's notices: late, twice, out of order, never, forged, for anything.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use payments::{ApiSecret, CallbackKey, Channel, ChannelConfig};
use serde_json::json;
use tokio::net::TcpListener;

use crate::files::small;
use crate::site::{Caller, Got, Site, yuan};

async fn paid_leader(site: &Site, seats: u32) -> (Caller, String) {
    let campaign = site.publish(small(seats)).await;
    let leader = site.member(1, None).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    (leader, group)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_twice_late_and_out_of_order_have_one_effect() {
    let site = Site::open().await;
    let (_, group) = paid_leader(&site, 6).await;
    site.faults(
        None,
        json!({ "callback": { "copies": 3, "gather": 4, "delay_ms": 50 } }),
    )
    .await;
    let mut payments = Vec::new();
    for number in 2..=5 {
        let member = site.member(number, None).await;
        let payment = member.join(&group).await;
        site.pay(&payment).await;
        payments.push((member, payment));
    }
    for (member, payment) in &payments {
        site.payment(member, payment, "paid").await;
    }
    site.until("all notices are answered", async || {
        (site.provider_books().await.callbacks_pending == 0).then_some(())
    })
    .await;
    let books = site.settled_books().await;
    assert_eq!(books["held"], "50.00", "{books}");
    assert_eq!(site.provider_books().await.refunds, 0);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_never_comes_is_found_by_asking() {
    let site = Site::open().await;
    let (_, group) = paid_leader(&site, 4).await;
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;

    // The member comes back from the payment page.
    let returning = site.member(2, None).await;
    let payment = returning.join(&group).await;
    site.pay(&payment).await;
    assert_eq!(
        returning.get(&format!("/payments/{payment}")).await.json()["state"],
        "waiting"
    );
    let page = returning
        .get(&format!("/payments/{payment}?refresh=true"))
        .await
        .json();
    assert_eq!(page["state"], "paid", "{page}");

    // He does not come back: the channel is asked shortly before the seat would lapse.
    let silent = site.member(3, None).await;
    let payment = silent.join(&group).await;
    site.pay(&payment).await;
    site.advance_s(290);
    site.payment(&silent, &payment, "paid").await;

    // He pays after the lapse, and nobody says so: it is found some minutes later.
    let late = site.member(4, None).await;
    let payment = late.join(&group).await;
    site.advance_s(301);
    site.payment(&late, &payment, "lapsed").await;
    site.pay(&payment).await;
    site.advance_s(300);
    site.payment(&late, &payment, "paid").await;
    site.close().await;
}

/// A member who has reserved twice and let it lapse twice.
async fn twice_lapsed(site: &Site, number: u32, group: &str) -> (Caller, String) {
    let member = site.member(number, None).await;
    let payment = member.join(group).await;
    for again in [true, false] {
        site.advance_s(301);
        site.payment(&member, &payment, "lapsed").await;
        if again {
            assert_eq!(member.join(group).await, payment);
        }
    }
    (member, payment)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_payment_of_any_try_is_found_without_its_notice() {
    let mut site = Site::open().await;
    let (_, group) = paid_leader(&site, 5).await;
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;

    // Paid before the last question about the seat: found by it, and seated.
    let (soon, payment) = twice_lapsed(&site, 2, &group).await;
    site.pay(&payment).await;
    site.advance_s(300);
    site.payment(&soon, &payment, "paid").await;

    // Paid when nobody asks about the seat any more: found after the group's end, and sent back.
    let (late, payment) = twice_lapsed(&site, 3, &group).await;
    let other = site.member(4, None).await;
    let others = other.join(&group).await;
    site.advance_s(301);
    site.payment(&other, &others, "lapsed").await;
    // Paid about the time of the start: what it may miss is found at the group's end.
    site.restart().await;
    site.pay(&payment).await;
    site.pay(&others).await;
    site.advance_s(86_400);
    site.group(&group, "expired").await;
    for (member, payment) in [(&late, &payment), (&other, &others)] {
        let page = site.payment(member, payment, "refunded").await;
        assert_eq!(page["reason"], "group_expired", "{page}");
    }
    assert_eq!(site.settled_books().await["own"], "0.00");
    assert_eq!(site.provider_books().await.held_fen, 0);
    site.close().await;
}

/// A group with months to fill and seconds to pay, its leader paid; notices never come from now on.
async fn silent_group(site: &Site) -> (Caller, String) {
    let mut file = small(4);
    file["group"]["fill_within"] = json!("90d");
    file["group"]["payment_window"] = json!("40s");
    let campaign = site.publish(file).await;
    let leader = site.member(1, None).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;
    (leader, group)
}

async fn cancel(site: &Site, group: &str) {
    let path = format!("/groups/{group}/cancel");
    let got = site
        .operator()
        .await
        .post(&path, json!({ "reason": "sold out" }))
        .await;
    assert_eq!(got.status, 200, "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_for_a_group_that_closes_is_found_long_before_its_deadline() {
    let site = Site::open().await;
    let (_, group) = silent_group(&site).await;
    let (before, after) = (site.member(2, None).await, site.member(3, None).await);
    let [early, late] = [before.join(&group).await, after.join(&group).await];
    site.pay(&early).await;
    cancel(&site, &group).await;
    // The time stands still: nothing but the closing makes anybody ask.
    site.payment(&before, &early, "refunded").await;
    site.pay(&late).await;
    site.advance_s(300);
    site.payment(&after, &late, "refunded").await;
    assert_eq!(site.settled_books().await["held"], "0.00");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_for_a_lapsed_seat_is_found_after_a_start_however_long_the_server_was_away() {
    let mut site = Site::open().await;
    let (_, group) = silent_group(&site).await;
    let (lapsed, closed) = (site.member(2, None).await, site.member(3, None).await);
    let first = lapsed.join(&group).await;
    site.advance_s(41);
    site.payment(&lapsed, &first, "lapsed").await;
    site.pay(&first).await;
    let second = closed.join(&group).await;
    site.restart().await;
    site.payment(&lapsed, &first, "paid").await;

    // Closed and paid for, and the server goes away before it can ask.
    site.faults(
        None,
        json!({ "callback": { "never": true }, "query": { "kind": "error_before" } }),
    )
    .await;
    site.pay(&second).await;
    cancel(&site, &group).await;
    site.stop_server().await;
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;
    site.advance_s(3 * 86_400);
    site.start_server().await;
    site.payment(&closed, &second, "refunded").await;
    assert_eq!(site.settled_books().await["held"], "0.00");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_providers_word_changes_nothing() {
    let site = Site::open().await;
    let (leader, group) = paid_leader(&site, 3).await;
    let member = site.member(2, None).await;
    let payment = member.join(&group).await;
    let notice = json!({
        "event": "transaction.success", "merchant_id": "m1", "order_no": payment, "txn_id": "4200", "amount_fen": 1000,
        "attach": "", "paid_at_ms": 0,
    });
    let url = site.url("/api/v1/channels/notify");
    let seconds = site.clock_s().to_string();
    let forged = site
        .http()
        .post(&url)
        .header("pay-timestamp", &seconds)
        .header("pay-nonce", "n");
    let forged = forged
        .header("pay-signature", "00".repeat(64))
        .json(&notice)
        .send()
        .await
        .unwrap();
    Got::of(forged).await.is_problem(401, "signature_invalid");
    let bare = site.http().post(&url).json(&notice).send().await.unwrap();
    Got::of(bare).await.is_problem(401, "signature_invalid");
    let huge = site
        .http()
        .post(&url)
        .body(vec![b'a'; 10_000_000])
        .send()
        .await
        .unwrap();
    Got::of(huge).await.is_problem(413, "body_too_large");
    assert_eq!(
        member.get(&format!("/payments/{payment}")).await.json()["state"],
        "waiting"
    );
    assert_eq!(
        leader.get(&format!("/groups/{group}")).await.json()["paid"],
        1
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_for_nothing_known_go_back_and_gateways_own_are_left_alone() {
    let site = Site::open().await;
    paid_leader(&site, 3).await;
    let order = |order_no: &str| {
        json!({
            "order_no": order_no, "amount_fen": 777, "description": "x", "attach": "{}",
            "expires_at_ms": 4_000_000_000_000_i64, "notify_url": site.url("/api/v1/channels/notify"),
        })
    };
    let body = json!({ "merchant_id": "m1", "orders": [order("99-5"), order("0-77"), order("gateway-1")] });
    let paid = site
        .http()
        .post(format!("{}/sandbox/payments", site.provider_url))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status(), 200);
    site.until("two of three are back", async || {
        (site.provider_books().await.refunded_fen == 2 * 777).then_some(())
    })
    .await;
    site.until("all notices are answered", async || {
        (site.provider_books().await.callbacks_pending == 0).then_some(())
    })
    .await;
    let books = site.settled_books().await;
    assert_eq!(books["held"], "10.00", "{books}");
    assert_eq!(
        site.provider_books().await.held_fen,
        yuan(10) + 777,
        "the gateway's own is none of our business yet"
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_before_there_were_marks_is_paid_back() {
    let site = Site::open().await;
    let (_, group) = paid_leader(&site, 3).await;
    let member = site.member(2, None).await;
    let payment = member.join(&group).await;
    // Made for this very place, but nothing in its number says in which history.
    let attach = json!({ "group": group, "member": member.id }).to_string();
    let order = json!({
        "order_no": payment, "amount_fen": yuan(10), "description": "x", "attach": attach,
        "expires_at_ms": 4_000_000_000_000_i64, "notify_url": site.url("/api/v1/channels/notify"),
    });
    let body = json!({ "merchant_id": "m1", "orders": [order] });
    let paid = site
        .http()
        .post(format!("{}/sandbox/payments", site.provider_url));
    assert_eq!(paid.json(&body).send().await.unwrap().status(), 200);
    site.until("it is back", async || {
        (site.provider_books().await.refunded_fen == yuan(10)).then_some(())
    })
    .await;
    // The place is paid at its own order.
    site.pay(&payment).await;
    site.payment(&member, &payment, "paid").await;
    let books = site.settled_books().await;
    assert_eq!(books["held"], "20.00", "{books}");
    site.close().await;
}

/// A provider that takes no order because it has been paid, which a notice that was lost had told.
async fn paid_provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let refused = || async {
        let body = json!({ "code": "order_paid", "message": "it has been paid" });
        (StatusCode::CONFLICT, axum::Json(body))
    };
    let state = |Path(order_no): Path<String>| async move {
        axum::Json(json!({ "status": "paid", "transactions": [{
            "txn_id": "4200", "order_no": order_no, "merchant_id": "m1", "amount_fen": yuan(10), "paid_at_ms": 0,
            "refunded_fen": 0, "attach": r#"{"group":"0","member":"0"}"#,
        }] }))
    };
    let router = Router::new()
        .route("/v1/orders", post(refused))
        .route("/v1/orders/{order_no}", get(state));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_was_paid_is_taken_in_when_its_page_is_wanted() {
    let provider_url = paid_provider().await;
    let channel = Channel::new(ChannelConfig {
        provider_url,
        merchant_id: "m1".to_owned(),
        api_secret: ApiSecret::new("x"),
        callback_key: CallbackKey([0; 32]),
        notify_url: String::new(),
        return_url: String::new(),
        timeout: ChannelConfig::DEFAULT_TIMEOUT,
    });
    let site = Site::open_with(|config| config.channel = channel.unwrap()).await;
    let campaign = site.publish(small(3)).await;
    let leader = site.member(1, None).await;
    let (_, payment) = leader.open_group(&campaign).await;
    site.payment(&leader, &payment, "paid").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_channel_in_trouble_loses_nothing() {
    let site = Site::open().await;
    // No order can be created: the seat stays reserved, and the payment's page tries again.
    site.faults(None, json!({ "create": { "kind": "error_before" } }))
        .await;
    let campaign = site.publish(small(3)).await;
    let leader = site.member(1, None).await;
    let got = leader
        .post(&format!("/campaigns/{campaign}/groups"), json!({}))
        .await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["payment"]["pay_url"]),
        (201, &json!(null))
    );
    let payment = got.json()["payment"]["id"].as_str().unwrap().to_owned();
    // The order is created, only the answer is lost: the same order is found again.
    site.faults(
        None,
        json!({ "create": { "kind": "error_after", "times": 1 } }),
    )
    .await;
    assert_eq!(
        leader.get(&format!("/payments/{payment}")).await.json()["pay_url"],
        json!(null)
    );
    let page = leader.get(&format!("/payments/{payment}")).await.json();
    assert!(
        page["pay_url"]
            .as_str()
            .unwrap()
            .starts_with(&site.provider_url),
        "{page}"
    );

    // Questions fail: the notice is answered with a 503 and comes again.
    site.faults(
        None,
        json!({ "query": { "kind": "error_before", "times": 3 } }),
    )
    .await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;

    // Refunds fail, hang and fail for good: each is one refund in the end.
    site.faults(None, json!({
        "refund": { "kind": "error_after", "times": 2 }, "refund_course": { "processing_ms": 100 },
    }))
    .await;
    let group = payment.split('-').next().unwrap();
    assert_eq!(
        leader
            .post(&format!("/groups/{group}/leave"), json!({}))
            .await
            .status,
        200
    );
    site.payment(&leader, &payment, "refunded").await;
    let books = site.provider_books().await;
    assert_eq!((books.refunded_fen, books.refunds), (yuan(10), 1));

    // A refund that the provider fails for good gets another number there.
    let (_, payment) = leader.open_group(&campaign).await;
    site.faults(None, json!({ "refund_course": { "fails": true } }))
        .await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    let group = payment.split('-').next().unwrap();
    assert_eq!(
        leader
            .post(&format!("/groups/{group}/leave"), json!({}))
            .await
            .status,
        200
    );
    site.until("the provider has failed one", async || {
        (1 < site.provider_books().await.refunds).then_some(())
    })
    .await;
    site.faults(None, json!({})).await;
    site.payment(&leader, &payment, "refunded").await;
    assert_eq!(site.settled_books().await["held"], "0.00");
    assert_eq!(site.provider_books().await.held_fen, 0);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_channels_own_books_stand_beside_ours() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let capital = operator
        .post(
            "/capital",
            json!({ "amount": "500.00", "reason": "from our bank" }),
        )
        .await;
    assert_eq!(capital.status, 200, "{capital:?}");
    let leader = site.member(1, None).await;
    let campaign = site.publish(small(2)).await;
    let (_, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    let line = async |verdict: &str| {
        site.until(verdict, async || {
            let books = operator.get("/books").await.json();
            (books["channel"]["verdict"] == verdict).then_some(books)
        })
        .await
    };
    let books = line("equal").await;
    assert_eq!(
        (
            &books["held"],
            &books["channel"]["held"],
            &books["channel"]["by_our_books"]
        ),
        (&json!("510.00"), &json!("10.00"), &json!("10.00")),
        "{books}"
    );

    // A payment of a gateway's own that nobody has told us of, and no notice of it on its way.
    let order = json!({
        "order_no": "g1", "amount_fen": 700, "description": "x", "attach": "", "expires_at_ms": 4_000_000_000_000_i64,
    });
    let body = json!({ "merchant_id": "m1", "orders": [order] });
    let paid = site
        .http()
        .post(format!("{}/sandbox/payments", site.provider_url))
        .json(&body);
    assert_eq!(paid.send().await.unwrap().status(), 200);
    let books = line("channel_has_more").await;
    assert_eq!(books["channel"]["difference"], "7.00", "{books}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_forges_too_many_notices_is_not_listened_to_and_the_provider_is() {
    let site = Site::open_with(|config| {
        config.client_address = server::ClientAddress::Forwarded;
        config.limits.address.burst = 400;
        config.limits.address.per_second = 1;
    })
    .await;
    let forge = async |address: &str, times: usize| {
        let mut last = StatusCode::OK;
        for _ in 0..times {
            let request = site.http().post(site.url("/api/v1/channels/notify"));
            let forged = request.header("x-forwarded-for", address).body("{}");
            last = forged.send().await.unwrap().status();
        }
        last
    };
    assert_eq!(forge("10.0.0.9", 400).await, StatusCode::UNAUTHORIZED);
    // A slow machine may have given it some back meanwhile.
    assert_eq!(forge("10.0.0.9", 100).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(forge("10.0.0.8", 1).await, StatusCode::UNAUTHORIZED);
    let (leader, group) = paid_leader(&site, 3).await;
    assert_eq!(leader.get(&format!("/groups/{group}")).await.status, 200);
    site.close().await;
}
