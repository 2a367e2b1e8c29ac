//! Things that happen at the same time, and people who go in the middle of them: each has an outcome that the rules state
//! (rules 5, 9.9).

use domain::{MemberId, Millis, Period};
use serde_json::{Value, json};

use crate::dividends::offer;
use crate::site::{Caller, Site, fen};
use crate::standing::{buy, done, told};

/// A pool of 1.00 by two buyers, of whom one's product comes back at the midnight of the close: either his 0.50 have left the
/// pool and 0.50 are shared, or 1.00 is shared and the next pool, in which nothing is yet, has nothing to give. What was
/// shared stays with whom it was paid to, and no pool is below zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_while_the_dividend_closes() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let plan = json!({
        "vip_by_invitees": [1, 3],
        "ranks": [{ "invitees": 1, "team_sales": "1000.00" }],
        "leader_rank": 1,
        "dividend": { "period": "day", "weights_by_rank": [5] },
        "reason": "agreed in May",
    });
    done(&operator.post("/console/plans", plan).await);
    let campaign = site.publish(offer(2)).await;
    let leader = site.member(1, None).await;
    let rank = format!("/console/members/{}/rank", leader.id);
    let body = json!({ "rank": 1, "plan": 2 });
    done(&told(&operator, &rank, body, "built the team").await);
    let mut due = 0;
    for round in 0..4 {
        // The sessions of the staff last for some hours.
        let operator = site.operator().await;
        let buyers = [0, 1].map(|at| 10 + 2 * round + at);
        let one = site.member(buyers[0], None).await;
        let two = site.member(buyers[1], None).await;
        buy(&site, &campaign, [&one, &two]).await;
        let order = sent_back(&operator, &one).await;
        let now = Millis(i64::try_from(site.clock_s()).unwrap() * 1_000);
        let midnight = Period::Day.end_after(now);
        site.clock.set(Millis(midnight.0 - 1));
        let operator = site.operator().await;
        let take_back = format!("/orders/{order}/take-back");
        let (taken, ()) = tokio::join!(
            operator.post(&take_back, json!({ "reason": "arrived" })),
            async {
                // Now before the request, now after it.
                for _ in 0..round * 40 {
                    tokio::task::yield_now().await;
                }
                site.clock.set(midnight);
            }
        );
        done(&taken);
        due += 100;
        let pools = site.until("the pool is closed", async || closed(&leader, round).await);
        let current = fen(&pools.await);
        // His share left this pool, or it finds nothing to leave in the next.
        let paid = fen(&leader.get("/me").await.json()["wallet"]["available"]);
        assert!(current == 0, "round {round}: {current}");
        assert!(
            paid == due || paid == due - 50,
            "round {round}: {paid} of {due}"
        );
        due = paid;
    }
    site.settled_books().await;
    site.close().await;
}

/// What is in the pool, once it has closed so often.
async fn closed(leader: &Caller, round: u32) -> Option<Value> {
    let page = leader.get("/dividends").await.json();
    let closes = page["items"].as_array().unwrap().len();
    let paid = page["pools"][0]["unpaid"] == "0.00";
    let all = usize::try_from(round + 1).unwrap() <= closes && paid;
    all.then(|| page["pools"][0]["current"].clone())
}

/// Has an order of this member sent, received and given back; it waits for the product.
async fn sent_back(operator: &Caller, member: &Caller) -> String {
    let orders = member.get("/me/orders").await.json();
    let order = orders["items"][0]["id"].as_str().unwrap().to_owned();
    let parcel = json!({ "carrier": "SF", "number": "1" });
    done(
        &operator
            .post(&format!("/orders/{order}/ship"), parcel)
            .await,
    );
    for step in ["receive", "return"] {
        done(
            &member
                .post(&format!("/orders/{order}/{step}"), json!({}))
                .await,
        );
    }
    order
}

/// Both seats of a group belong to people whose rows are deleted: one before he has paid, one when the group is full. It is
/// drawn all the same: the loser's money goes back the way it came, and the winner's order is there for the staff to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_winner_deletes_his_account() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let campaign = site
        .publish(json!({
            "name": { "zh": "抽一份茶", "en": "Tea for one" },
            "kind": "draw",
            "profile": "seed",
            "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
            "group": { "price": "10.00", "seats": 2, "winners": 1 },
            "reward": [
                { "program": "consolation", "cash": "1.00" },
                { "program": "winner-bonus", "cash": "0.50" },
            ],
        }))
        .await;
    let (one, two) = (site.member(1, None).await, site.member(2, None).await);
    let (group, payment) = one.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&one, &payment, "paid").await;
    let late = two.join(&group).await;
    gone(&site, &two).await;
    site.pay(&late).await;
    site.group(&group, "full").await;
    gone(&site, &one).await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    one.get("/me").await.is_problem(401, "not_signed_in");
    let draw = site.anyone().get(&format!("/groups/{group}/draw")).await;
    assert_eq!(draw.status, 200, "{}", draw.text());

    // The price of the seat that lost is back with whoever paid it.
    site.settled_books().await;
    let books = site.provider_books().await;
    assert_eq!((books.refunds, books.refunded_fen), (1, 1_000));
    // What he has won waits for the staff. It is sent to where they know, and counts as received and kept in time.
    let orders = operator.get("/console/orders?state=paid").await;
    assert_eq!(orders.status, 200, "{}", orders.text());
    let order = orders.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let parcel = json!({ "carrier": "SF", "number": "1" });
    done(
        &operator
            .post(&format!("/orders/{order}/ship"), parcel)
            .await,
    );
    site.advance_s(15 * 86_400);
    site.advance_s(7 * 86_400 + 1);
    let operator = site.operator().await;
    site.until("it is kept, and his bonus his", async || {
        let books = operator.get("/books").await.json();
        let owed = books["owed"].as_array().unwrap().clone();
        let available = json!({ "kind": "available", "amount": "1.50" });
        owed.contains(&available).then_some(())
    })
    .await;
    site.close().await;
}

/// Deletes all that identifies a member.
async fn gone(site: &Site, member: &Caller) {
    let directory = site.directory().await;
    let id = MemberId(member.id.parse().unwrap());
    assert!(directory.delete_person(id, None).await.unwrap());
    directory.close().await;
}
