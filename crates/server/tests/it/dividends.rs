//! Dividend pools over HTTP (rules 7).

use domain::{Millis, Period};
use serde_json::{Value, json};

use crate::site::Site;
use crate::standing::{buy, done, told};

fn plan() -> Value {
    json!({
        "vip_by_invitees": [1, 3],
        "ranks": [{ "invitees": 1, "team_sales": "1000.00" }],
        "leader_rank": 1,
        "dividend": { "period": "day", "weights_by_rank": [5] },
    })
}

pub(crate) fn offer(plan: u32) -> Value {
    json!({
        "name": { "zh": "双人购", "en": "For two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "plan": plan,
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2, "fill_within": "24h", "payment_window": "5m" },
        "reward": [{ "program": "dividend", "source": "all", "base": "price", "rate": "5%" }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_pool_is_shown_and_its_payments_are_explained() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let mut agreed = plan();
    operator
        .post("/console/plans", agreed.clone())
        .await
        .is_problem(422, "body_invalid");
    agreed["reason"] = json!("agreed in May");
    done(&operator.post("/console/plans", agreed.clone()).await);
    let mut wrong = agreed;
    wrong["dividend"]["weights_by_rank"] = json!([1, 2]);
    let got = operator.post("/console/plans", wrong).await;
    got.is_problem(422, "plan_invalid");
    let campaign = site.publish(offer(2)).await;
    let leader = site.member(1, None).await;
    let one = site.member(2, Some(&leader.invite_code)).await;
    let two = site.member(3, Some(&leader.invite_code)).await;
    let rank = format!("/console/members/{}/rank", leader.id);
    done(
        &told(
            &operator,
            &rank,
            json!({ "rank": 1, "plan": 2 }),
            "built the team",
        )
        .await,
    );

    buy(&site, &campaign, [&one, &two]).await;
    let pools = one.get("/dividends").await.json();
    let pool = &pools["pools"][0];
    assert_eq!(
        (&pool["plan"], &pool["current"], &pool["unpaid"]),
        (&json!(2), &json!("1.00"), &json!("0.00"))
    );
    assert_eq!(pool["shared"], plan()["dividend"]);
    assert_eq!(pools["items"], json!([]));
    let books = operator.get("/books").await.json();
    let owed = books["owed"].as_array().unwrap();
    assert!(owed.contains(&json!({ "kind": "dividend-pool", "amount": "1.00" })));

    let now = Millis(i64::try_from(site.clock_s()).unwrap() * 1000);
    let until = Period::Day.end_after(now);
    site.advance_s(u32::try_from((until.0 - now.0) / 1000).unwrap());
    // The engine's own timer closes the pool.
    let line = site
        .until("the leader is paid", async || {
            let lines = leader.get("/me/dividends").await.json();
            lines["items"].get(0).cloned()
        })
        .await;
    assert_eq!(
        (&line["amount"], &line["weight"]),
        (&json!("1.00"), &json!("5"))
    );
    let of = &line["of"];
    assert_eq!(
        (&of["plan"], &of["pool"], &of["weight"], &of["members"]),
        (&json!(2), &json!("1.00"), &json!("5"), &json!("1"))
    );
    let wallet = leader.lines("available").await;
    assert_eq!(
        (&wallet[0]["amount"], &wallet[0]["why"]["program"]),
        (&json!("1.00"), &json!("dividend"))
    );
    assert_eq!(&wallet[0]["why"]["dividend"], &line);
    // Members see the close without names; operators see who was paid.
    let closes = two
        .get(&format!(
            "/dividends?at_least={}",
            of["id"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(&closes["items"][0], of);
    assert_eq!(closes["pools"][0]["current"], "0.00");
    let path = format!("/console/dividends/{}/payments", of["id"].as_str().unwrap());
    let paid = operator.get(&path).await.json();
    assert_eq!(
        (&paid["items"][0]["member"], &paid["items"][0]["amount"]),
        (&json!(leader.id), &json!("1.00"))
    );
    assert_eq!(
        operator.get("/console/dividends").await.json()["items"],
        closes["items"]
    );
    let got = operator.get("/console/dividends/x/payments").await;
    got.is_problem(404, "dividend_unknown");
    site.close().await;
}
