//! Deaths around payouts: each withdrawal is executed exactly once in the provider's own books, wherever the platform dies.

use serde_json::{Value, json};

use super::load::{Load, Told};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::Site;

/// Groups of five of whom three win; the two others get 1.00 each, and withdraw it.
const GROUPS: usize = 3;
/// The members before this one are others'.
const FIRST: usize = 20;

/// Somebody with money, and his withdrawal.
pub(crate) struct Asking {
    pub(crate) cookie: String,
    pub(crate) id: String,
    withdrawal: String,
}

/// Where the platform dies.
enum Death {
    At(&'static str),
    /// As soon as both are approved.
    Killed,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_withdrawal_is_executed_once_wherever_the_platform_dies() {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let site = Site::new(&mut random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, campaigns, operator) = site.open_shop().await;
    let mut asking = Vec::new();
    for group in 0..GROUPS {
        asking.extend(rich(&site, &load, &campaigns.small, group).await);
    }
    for asking in &mut asking {
        asking.withdrawal = ask(&site, asking, &operator).await;
    }
    let deaths = [
        Death::At("server.payout_asking"),
        Death::At("server.payout_sent"),
        Death::Killed,
    ];
    assert_eq!(asking.len(), 2 * deaths.len());
    for (death, pair) in deaths.iter().zip(asking.chunks(2)) {
        platform.stop().await;
        platform = die(&site, death, pair, &operator).await;
        for asking in pair {
            // Whatever was not answered is asked again; what was done is refused.
            approve(&site, asking, &operator).await;
            paid(&site, asking).await;
        }
    }
    let page = site.channel.book_payouts(0).await.unwrap();
    let executed: Vec<i64> = page
        .payouts
        .iter()
        .map(|payout| payout.amount_fen)
        .collect();
    assert_eq!(executed, [100; 2 * GROUPS]);
    let books = site.channel.books().await.unwrap();
    assert_eq!((books.paid_out_fen, books.payouts_pending_fen), (600, 0));
    site.balance(&operator).await;
    platform.stop().await;
    site.audit();
}

/// Starts a platform that dies while it pays these, and one that lives.
async fn die(site: &Site, death: &Death, pair: &[Asking], operator: &str) -> Platform {
    let order = match death {
        Death::At(point) => Some(Order {
            point,
            pass: 1,
            when: None,
        }),
        Death::Killed => None,
    };
    let mut platform = site.start(600, order.clone());
    platform.ready(&site.http, &site.base).await;
    for asking in pair {
        approve(site, asking, operator).await;
    }
    match order {
        Some(order) => platform.died_at(&order).await,
        None => platform.kill(),
    }
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    platform
}

/// Fills a group of five; those who have got something.
pub(crate) async fn rich(site: &Site, load: &Load, campaign: &str, group: usize) -> Vec<Asking> {
    let number = load.open(campaign, 5 * group).await.unwrap();
    let members = &load.shop.members[FIRST + 5 * group..FIRST + 5 * group + 5];
    let others: Vec<u32> = members[1..].iter().map(|member| member.id).collect();
    let paid = load.pay(number, &others).await;
    for told in load.report(paid).await.unwrap() {
        assert!(matches!(told, Told::Seated(_)), "{told:?}");
    }
    let began = std::time::Instant::now();
    loop {
        let mut found = Vec::new();
        for member in members {
            let me = get(site, "/me", &member.cookie).await;
            if me["wallet"]["available"] == "1.00" {
                found.push(Asking {
                    cookie: member.cookie.clone(),
                    id: member.id.to_string(),
                    withdrawal: String::new(),
                });
            }
        }
        if found.len() == 2 {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "group {number} is not settled");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Has an account verified, and asks for all there is.
async fn ask(site: &Site, asking: &Asking, operator: &str) -> String {
    enter(site, asking, operator).await;
    let wanted = json!({ "amount": "1.00" });
    let (status, said) = post(site, "/me/withdrawals", &asking.cookie, &wanted).await;
    assert_eq!(status, 200, "{said}");
    said["id"].as_str().unwrap().to_owned()
}

/// Has an account verified.
pub(crate) async fn enter(site: &Site, asking: &Asking, operator: &str) {
    let account = json!({ "name": "A", "account": asking.id });
    let (status, entered) = post(site, "/me/payout-account", &asking.cookie, &account).await;
    assert_eq!(status, 200, "{entered}");
    let path = format!("/console/members/{}/payout-account/verify", asking.id);
    let seen = json!({ "token": entered["account"]["token"], "reason": "seen" });
    let (status, said) = post(site, &path, operator, &seen).await;
    assert_eq!(status, 200, "{said}");
}

/// Approves, unless that is done, or the platform dies of it.
async fn approve(site: &Site, asking: &Asking, operator: &str) {
    let path = format!("/console/withdrawals/{}/approve", asking.withdrawal);
    let url = format!("{}/api/v1{path}", site.base);
    let sent = site
        .http
        .post(url)
        .header("cookie", operator)
        .header("idempotency-key", format!("approve-{}", asking.withdrawal))
        .json(&json!({ "reason": "looked at" }));
    if let Ok(answer) = sent.send().await {
        let status = answer.status().as_u16();
        assert!(matches!(status, 200 | 404 | 409 | 503), "{status}");
    }
}

async fn paid(site: &Site, asking: &Asking) {
    let began = std::time::Instant::now();
    loop {
        let page = get(site, "/me/withdrawals", &asking.cookie).await;
        if page["items"][0]["state"] == "paid" {
            assert_eq!(page["items"][1], Value::Null);
            return;
        }
        assert!(began.elapsed() < PATIENCE, "not paid: {page}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn get(site: &Site, path: &str, cookie: &str) -> Value {
    let url = format!("{}/api/v1{path}", site.base);
    let answer = site.http.get(url).header("cookie", cookie).send().await;
    answer.unwrap().json().await.unwrap()
}

async fn post(site: &Site, path: &str, cookie: &str, body: &Value) -> (u16, Value) {
    let answer = site
        .http
        .post(format!("{}/api/v1{path}", site.base))
        .header("cookie", cookie)
        .header("idempotency-key", "once")
        .json(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}
