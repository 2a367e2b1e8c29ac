//! Deaths around winners' returns: each product comes back once, its price goes back once in the provider's own books, and
//! the rewards that came from it are reversed once, wherever the platform dies.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::Event;
use serde_json::{Value, json};

use super::caller::{Caller, text};
use super::load::{Load, Member, Told};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::Site;

/// Where the platform dies: with the product's return on its way into the journal, or with its price on its way out.
const DEATHS: [Option<&str>; 6] = [
    Some("engine.appending"),
    Some("engine.appended"),
    Some("views.projecting"),
    Some("server.refund_asking"),
    Some("server.refund_sent"),
    // As soon as it was told.
    None,
];
/// Groups of three of whom two win; one of them sends back what he won.
const GROUP: usize = 3;
const FIRST: usize = 20;
/// What a seat costs.
const PRICE_FEN: i64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_return_is_paid_back_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, operator) = site.open_shop().await;
    let operator = Caller {
        site: &site,
        cookie: &operator,
    };
    let campaign = json!({
        "name": { "zh": "三人团", "en": "Group of three" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 3, "winners": 2 },
        "reward": [
            { "program": "consolation", "cash": "1.00" },
            { "program": "winner-bonus", "cash": "0.50" },
        ],
    });
    let campaign = text(
        &operator.must("/campaigns?reason=reviewed", &campaign).await,
        "id",
    );
    let groups = load.shop.members[FIRST..].chunks(GROUP);
    let groups: Vec<&[Member]> = groups.take(DEATHS.len()).collect();
    for (number, members) in groups.iter().enumerate() {
        fill(&load, &campaign, GROUP * number, members).await;
    }
    let mut orders = Vec::new();
    for members in groups {
        orders.push(won(operator, members).await);
    }
    let deaths = i64::try_from(DEATHS.len()).unwrap();
    let held = held_without_refunds(&site, deaths).await;
    for (order, death) in orders.iter().zip(DEATHS) {
        platform = died(operator, platform, order, death, random).await;
        taken_back(operator, order).await;
    }
    let back = PRICE_FEN * deaths;
    let began = Instant::now();
    while site.channel.books().await.unwrap().held_fen != held - back {
        assert!(began.elapsed() < PATIENCE, "the prices are not all sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let noted = |page: &Value| page["in_flight_refunds"] == "0.00";
    operator.until("/books", noted).await;
    holds(&site, &orders);
    refunded_once(&site).await;
    site.balance(operator.cookie).await;
    platform.stop().await;
    site.audit();
}

async fn fill(load: &Load, campaign: &str, leader: usize, members: &[Member]) {
    let group = load.open(campaign, leader).await.unwrap();
    let others: Vec<u32> = members[1..].iter().map(|member| member.id).collect();
    let paid = load.pay(group, &others).await;
    for told in load.report(paid).await.unwrap() {
        assert!(matches!(told, Told::Seated(_)), "{told:?}");
    }
}

/// Waits until one of them has won; answers with his order, which he sends back, and which waits for the product.
async fn won(operator: Caller<'_>, members: &[Member]) -> String {
    let site = operator.site;
    let began = Instant::now();
    loop {
        for member in members {
            let member = Caller {
                site,
                cookie: &member.cookie,
            };
            let page = member.get("/me/orders").await;
            if page["items"][0]["id"].is_string() {
                let order = text(&page["items"][0], "id");
                let parcel = json!({ "carrier": "SF", "number": "1" });
                operator
                    .must(&format!("/orders/{order}/ship"), &parcel)
                    .await;
                for step in ["receive", "return"] {
                    member
                        .must(&format!("/orders/{order}/{step}"), &json!({}))
                        .await;
                }
                return order;
            }
        }
        assert!(began.elapsed() < PATIENCE, "the group is not settled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the provider holds when those who have not won have their money back.
async fn held_without_refunds(site: &Site, groups: i64) -> i64 {
    let began = Instant::now();
    loop {
        let books = site.channel.books().await.unwrap();
        if books.refunds == groups && books.processing_fen == 0 {
            return books.held_fen;
        }
        assert!(began.elapsed() < PATIENCE, "refunds: {books:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has the operator take a product back, and the platform die of it; answers with one that lives.
async fn died(
    operator: Caller<'_>,
    mut platform: Platform,
    order: &str,
    death: Option<&'static str>,
    random: &mut Random,
) -> Platform {
    let site = operator.site;
    platform.stop().await;
    let ordered = death.map(|point| Order {
        point,
        pass: 1,
        when: Some(site.armed()),
    });
    platform = site.start(600, ordered.clone());
    platform.ready(&site.http, &site.base).await;
    std::fs::write(site.armed(), "").unwrap();
    let asking = take_back(operator, order, "first");
    match ordered {
        Some(ordered) => {
            // It may die before it can answer.
            let _ = asking.await;
            platform.died_at(&ordered).await;
        }
        None => {
            let life = Duration::from_millis(random.below(40) as u64);
            let killing = async {
                tokio::time::sleep(life).await;
                platform.kill();
            };
            let _ = tokio::join!(asking, killing);
        }
    }
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    platform
}

/// Whatever was not answered is asked again: it is done, or was done.
async fn taken_back(operator: Caller<'_>, order: &str) {
    let (status, said) = take_back(operator, order, "first").await.unwrap();
    let done = status == 200 || (status == 404 && said["code"] == "order_unknown");
    assert!(done, "{status} {said}");
    let (status, said) = take_back(operator, order, "second").await.unwrap();
    assert!((400..500).contains(&status), "taken back twice: {said}");
}

async fn take_back(operator: Caller<'_>, order: &str, which: &str) -> Option<(u16, Value)> {
    let path = format!("/orders/{order}/take-back");
    operator
        .ask(
            &path,
            &json!({ "reason": "it arrived" }),
            &format!("{which}-{order}"),
        )
        .await
}

/// Each of these orders came back once, and nothing else did; each group's rewards were reversed or paid once.
fn holds(site: &Site, orders: &[String]) {
    let (mut returned, mut vested) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, event) in site.events() {
        if let Event::OrderReturned { order, .. } = &event {
            assert!(returned.insert(order.to_string()), "{order:?} twice");
        }
        if let Event::RewardsVested { group, .. } = &event {
            assert!(vested.insert(*group), "{group:?} vests twice");
        }
    }
    assert_eq!(returned, orders.iter().cloned().collect());
}

/// In the provider's own books no payment has gone back twice.
async fn refunded_once(site: &Site) {
    let (mut after, mut refunds) = (0, 0);
    loop {
        let page = site.channel.book_orders(after).await.unwrap();
        for order in &page.orders {
            for paid in &order.transactions {
                let of_it = order.refunds.iter();
                let of_it = of_it.filter(|refund| refund.txn_id == paid.txn_id).count();
                assert!(of_it <= 1, "{order:?}");
                refunds += of_it;
            }
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(refunds, 2 * DEATHS.len());
}
