//! Deaths around the midnight at which dividend pools close: each pool is shared once, each share of it is paid once, and a
//! pool is worth what groups have put into it, to the fen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::{Event, Millis, Period};
use serde_json::{Value, json};

use super::caller::{Caller, text};
use super::load::{Load, Told};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::Site;

/// Plans with a pool each; plan 1 has none.
const PLANS: [u32; 2] = [2, 3];
/// What a group puts into its plan's pool: 3.7 % of two seats of 10.00.
const POOLED_FEN: i64 = 74;
/// Members who share all pools, with weights of 3, 4 and 4, by which no pool divides.
const LEADERS: std::ops::Range<usize> = 20..23;
/// The two buyers of each group.
const BUYERS: [usize; 2] = [30, 31];
/// How long a start before midnight has to come up and to have its groups filled, in milliseconds.
const EVENING_MS: i64 = 4_000;

/// How the platform dies around a midnight.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// It was away at midnight, and dies of the first thing it does.
    Late(&'static str),
    /// It was away at midnight, and is killed at some moment of its start.
    LateKilled,
    /// It lives through midnight, and dies of that.
    Midnight,
    /// It is killed about midnight.
    MidnightKilled,
}

/// With the close on its way into the journal.
const POINTS: [&str; 2] = ["engine.appending", "engine.appended"];
const DEATHS: [Death; 5] = [
    Death::Late(POINTS[0]),
    Death::Late(POINTS[1]),
    Death::LateKilled,
    Death::Midnight,
    Death::MidnightKilled,
];

/// What was put in, and what has been shared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shared {
    pooled_fen: i64,
    closed_fen: i64,
    /// By plan and end of the period: who was paid.
    paid: BTreeMap<(u32, i64), Vec<(u32, i64)>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_pool_is_shared_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let mut site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, operator) = site.open_shop().await;
    let campaigns = open(&site, &operator, &load).await;
    for (night, death) in (1..).zip(DEATHS) {
        platform = match death {
            Death::Late(_) | Death::LateKilled => {
                fill(&load, &campaigns).await;
                platform.stop().await;
                late(&mut site, death, random).await
            }
            Death::Midnight | Death::MidnightKilled => {
                platform.stop().await;
                midnight(&mut site, death, (&load, &campaigns), random).await
            }
        };
        all_shared(&site, &load, night).await;
    }
    // The sessions of the staff are over by then.
    let operator = site.sign_in().await;
    site.balance(&operator).await;
    platform.stop().await;
    site.audit();
}

/// The plans, a campaign for each, and the leaders' ranks.
async fn open(site: &Site, operator: &str, load: &Load) -> Vec<String> {
    let operator = Caller {
        site,
        cookie: operator,
    };
    let mut campaigns = Vec::new();
    for plan in PLANS {
        let rank =
            |invitees: u32, sales: &str| json!({ "invitees": invitees, "team_sales": sales });
        let terms = json!({
            "vip_by_invitees": [1, 3],
            "ranks": [rank(1, "1000.00"), rank(2, "2000.00")],
            "leader_rank": 1,
            "dividend": { "period": "day", "weights_by_rank": [3, 4] },
            "reason": "agreed in May",
        });
        operator.must("/console/plans", &terms).await;
        for (leader, rank) in LEADERS.zip([1, 2, 2]) {
            let path = format!("/console/members/{}/rank", load.shop.members[leader].id);
            let body = json!({ "rank": rank, "plan": plan, "reason": "built the team" });
            operator.must(&path, &body).await;
        }
        let campaign = json!({
            "name": { "zh": "双人购", "en": "For two" },
            "kind": "everyone-buys",
            "profile": "seed",
            "plan": plan,
            "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
            "group": { "price": "10.00", "seats": 2 },
            "reward": [{ "program": "dividend", "source": "all", "base": "price", "rate": "3.7%" }],
        });
        let published = operator.must("/campaigns?reason=reviewed", &campaign).await;
        campaigns.push(text(&published, "id"));
    }
    campaigns
}

/// A group of each campaign, which is settled when it is full.
async fn fill(load: &Load, campaigns: &[String]) {
    for campaign in campaigns {
        let [leader, other] = BUYERS;
        let group = load.open(campaign, leader - 20).await.unwrap();
        let paid = load.pay(group, &[load.shop.members[other].id]).await;
        for told in load.report(paid).await.unwrap() {
            assert!(matches!(told, Told::Seated(_)), "{told:?}");
        }
    }
}

/// Starts after midnight a platform that dies, and one that lives.
async fn late(site: &mut Site, death: Death, random: &mut Random) -> Platform {
    site.ahead_ms += until_midnight_ms(site) + 1_000;
    match death {
        Death::Late(point) => {
            let order = Order {
                point,
                pass: 1,
                when: None,
            };
            site.start(600, Some(order.clone())).died_at(&order).await;
        }
        Death::LateKilled | Death::Midnight | Death::MidnightKilled => {
            let platform = site.start(600, None);
            tokio::time::sleep(Duration::from_millis(random.below(1_500) as u64)).await;
            platform.kill();
        }
    }
    lives(site).await
}

/// Starts before midnight a platform that dies about then, and one that lives.
async fn midnight(
    site: &mut Site,
    death: Death,
    (load, campaigns): (&Load, &[String]),
    random: &mut Random,
) -> Platform {
    site.ahead_ms += until_midnight_ms(site) - EVENING_MS;
    let began = Instant::now();
    let evening = Duration::from_millis(u64::try_from(EVENING_MS).unwrap());
    let order = match death {
        Death::Midnight => Some(Order {
            point: POINTS[random.below(POINTS.len())],
            pass: 1,
            when: Some(site.armed()),
        }),
        Death::Late(_) | Death::LateKilled | Death::MidnightKilled => None,
    };
    let mut platform = site.start(600, order.clone());
    platform.ready(&site.http, &site.base).await;
    fill(load, campaigns).await;
    match order {
        Some(order) => {
            std::fs::write(site.armed(), "").unwrap();
            platform.died_at(&order).await;
        }
        None => {
            let from = evening.saturating_sub(Duration::from_millis(50));
            let wait = from + Duration::from_millis(random.below(300) as u64);
            tokio::time::sleep(wait.saturating_sub(began.elapsed())).await;
            platform.kill();
        }
    }
    // What it has not lived to see has come by now.
    tokio::time::sleep(evening.saturating_sub(began.elapsed())).await;
    lives(site).await
}

async fn lives(site: &Site) -> Platform {
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    platform
}

fn until_midnight_ms(site: &Site) -> i64 {
    let now = site.now();
    Period::Day.end_after(now).0 - now.0
}

/// Waits until the pools of so many nights are shared; then the journal has each once and whole, and the pages say the same.
async fn all_shared(site: &Site, load: &Load, nights: usize) {
    let began = Instant::now();
    let shared = loop {
        let shared = shared(site);
        if shared.paid.len() == nights * PLANS.len() && shared.closed_fen == shared.pooled_fen {
            break shared;
        }
        assert!(began.elapsed() < PATIENCE, "{nights} nights: {shared:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let groups = i64::try_from(nights * PLANS.len()).unwrap();
    assert_eq!(shared.pooled_fen, groups * POOLED_FEN);
    let mut earned = BTreeMap::<u32, (usize, i64)>::new();
    for (member, fen) in shared.paid.values().flatten() {
        let (lines, sum) = earned.entry(*member).or_default();
        *lines += 1;
        *sum += fen;
    }
    for leader in &load.shop.members[LEADERS] {
        let (lines, sum) = earned[&leader.id];
        let caller = Caller {
            site,
            cookie: &leader.cookie,
        };
        let money = format!("{}.{:02}", sum / 100, sum % 100);
        caller
            .until("/me", |page| page["wallet"]["available"] == money)
            .await;
        let page = caller.get("/me/dividends?limit=100").await;
        assert_eq!(page["items"].as_array().unwrap().len(), lines, "{page}");
    }
    let anyone = Caller {
        site,
        cookie: &load.shop.members[LEADERS.start].cookie,
    };
    let empty = |page: &Value| {
        let mut pools = page["pools"].as_array().unwrap().iter();
        pools.all(|pool| pool["current"] == "0.00" && pool["unpaid"] == "0.00")
    };
    anyone.until("/dividends", empty).await;
}

/// What the journal says of pools. A pool that closes twice, a share that is paid twice, and a list that is not the pool fail.
fn shared(site: &Site) -> Shared {
    let mut shared = Shared::default();
    let mut closed = BTreeMap::new();
    for (_, _, event) in site.events() {
        if let Event::GroupSettled(settled) = &event
            && let Some(pooled) = &settled.pooled
        {
            shared.pooled_fen += pooled.amount.0;
        }
        if let Event::DividendClosed {
            plan,
            from: Millis(from),
            until: Millis(until),
            pool,
            members,
            ..
        } = &event
        {
            assert_eq!(until - from, 86_400_000);
            let twice = closed.insert((*plan, *until), (pool.0, *members));
            assert_eq!(twice, None, "plan {plan} closed twice at {until}");
            shared.closed_fen += pool.0;
        }
        if let Event::DividendsPaid {
            plan,
            until,
            shares,
            more,
        } = &event
        {
            assert!(!more);
            let mut paid: Vec<_> = shares
                .iter()
                .map(|share| (share.member.0, share.amount.0))
                .collect();
            paid.sort_unstable();
            paid.dedup_by_key(|(member, _)| *member);
            let sum: i64 = paid.iter().map(|(_, fen)| fen).sum();
            let close = closed.get(&(*plan, until.0));
            let list = (sum, u32::try_from(paid.len()).unwrap());
            assert_eq!(close, Some(&list), "plan {plan} at {until:?}");
            let twice = shared.paid.insert((*plan, until.0), paid);
            assert_eq!(twice, None, "plan {plan} paid twice at {until:?}");
        }
    }
    shared
}
