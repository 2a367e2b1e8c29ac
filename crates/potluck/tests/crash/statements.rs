//! Deaths around merchants' statements: each is drawn up, confirmed and paid once, by two operators, wherever the platform
//! dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{AllianceEvent, Event, Millis, StatementId};
use serde_json::{Value, json};

use super::caller::{Caller, merchant, second_operator, text};
use super::load::{Load, Told};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::Site;

/// Merchants with a statement each: one for every death but those of the drawing up.
const MERCHANTS: usize = 5;
/// What each is to be paid: two sold at 10.00, less the commission.
const PAID_FEN: i64 = 1_800;
/// The first member of each merchant: he applies, and buys the first of two.
const FIRST: usize = 20;
/// Until everything is kept, and until the month is over in any case.
const KEPT_MS: i64 = 8 * 86_400_000;
const MONTH_MS: i64 = 32 * 86_400_000;

/// How the platform dies of a decision that was asked for, and approved by the second operator.
#[derive(Clone, Copy, Debug)]
enum Death {
    At(&'static str),
    Killed,
}

/// For each merchant: how it dies when his statement is confirmed, and when its payment is noted.
const DEATHS: [[Option<Death>; 2]; MERCHANTS] = [
    [Some(Death::At("engine.appending")), None],
    [Some(Death::At("engine.appended")), None],
    [None, Some(Death::At("engine.appending"))],
    [None, Some(Death::At("engine.appended"))],
    [Some(Death::Killed), Some(Death::Killed)],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_statement_is_drawn_up_confirmed_and_paid_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let mut site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, operator) = site.open_shop().await;
    for number in 0..MERCHANTS {
        sold(&site, &load, &operator, number).await;
    }
    platform.stop().await;
    site.ahead_ms += KEPT_MS;
    platform = lives(&site).await;
    vested(&site).await;
    platform.stop().await;
    site.ahead_ms += MONTH_MS;
    for point in ["engine.appending", "engine.appended"] {
        let order = Order {
            point,
            pass: 1,
            when: None,
        };
        site.start(600, Some(order.clone())).died_at(&order).await;
    }
    platform = lives(&site).await;
    let boss = site.sign_in().await;
    let anne = second_operator(&site).await;
    let boss = Caller {
        site: &site,
        cookie: &boss,
    };
    let anne = Caller {
        site: &site,
        cookie: &anne,
    };
    let drawn_up = |page: &Value| page["items"].as_array().unwrap().len() == MERCHANTS;
    let page = boss.until("/console/statements?limit=100", drawn_up).await;
    let mut statements: Vec<&Value> = page["items"].as_array().unwrap().iter().collect();
    statements.sort_by_key(|line| text(line, "merchant"));
    for line in &statements {
        assert_eq!(
            (&line["number"], &line["amount"]),
            (&json!(1), &json!("18.00"))
        );
        assert_eq!(line["state"], "draft");
    }
    for (line, deaths) in statements.iter().zip(DEATHS) {
        let id = text(line, "id");
        for (step, death) in ["confirm", "paid"].into_iter().zip(deaths) {
            platform = decided([boss, anne], platform, (&id, step), death, random).await;
        }
    }
    holds(&site);
    site.balance(boss.cookie).await;
    platform.stop().await;
    site.audit();
}

/// A merchant, and a group of two of his campaign, paid, sent and received.
async fn sold(site: &Site, load: &Arc<Load>, operator: &str, number: usize) {
    let operator = Caller {
        site,
        cookie: operator,
    };
    let buyers = [FIRST + 2 * number, FIRST + 2 * number + 1].map(|at| &load.shop.members[at]);
    let name = format!("shop{number}");
    let (_, cookie) = merchant(site, operator, &buyers[0].cookie, &name).await;
    let own = Caller {
        site,
        cookie: &cookie,
    };
    let file = json!({
        "name": { "zh": "双人饭", "en": "Dinner for two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "饭", "en": "Dinner" } },
        "group": { "price": "10.00", "seats": 2 },
        "channel": { "fee": "0%" },
        "merchant": { "commission": "10%" },
    });
    let draft = own.must("/merchant/drafts", &file).await;
    let path = format!("/console/drafts/{}/publish", text(&draft, "id"));
    let published = operator.must(&path, &json!({ "reason": "seen" })).await;
    let campaign = text(&published, "id");
    let group = load.open(&campaign, 2 * number).await.unwrap();
    let paid = load.pay(group, &[buyers[1].id]).await;
    for told in load.report(paid).await.unwrap() {
        assert!(matches!(told, Told::Seated(_)), "{told:?}");
    }
    for buyer in buyers {
        let buyer = Caller {
            site,
            cookie: &buyer.cookie,
        };
        let bought = |page: &Value| page["items"][0]["id"].is_string();
        let orders = buyer.until("/me/orders", bought).await;
        let order = text(&orders["items"][0], "id");
        let parcel = json!({ "carrier": "SF", "number": "1" });
        operator
            .must(&format!("/orders/{order}/ship"), &parcel)
            .await;
        buyer
            .must(&format!("/orders/{order}/receive"), &json!({}))
            .await;
    }
}

/// Waits until all that was sold is payable.
async fn vested(site: &Site) {
    let began = Instant::now();
    let is_vested =
        |event: &Event| matches!(event, Event::Alliance(AllianceEvent::SaleVested { .. }));
    while site
        .events()
        .iter()
        .filter(|(_, _, event)| is_vested(event))
        .count()
        < MERCHANTS
    {
        assert!(began.elapsed() < PATIENCE, "not all of it is kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has a step of a statement asked for by one operator and approved by the other, and the platform die of that.
async fn decided(
    [boss, anne]: [Caller<'_>; 2],
    mut platform: Platform,
    (id, step): (&str, &str),
    death: Option<Death>,
    random: &mut Random,
) -> Platform {
    let site = boss.site;
    let order = match death {
        Some(Death::At(point)) => Some(Order {
            point,
            pass: 1,
            when: Some(site.armed()),
        }),
        Some(Death::Killed) | None => None,
    };
    if order.is_some() {
        platform.stop().await;
        platform = site.start(600, order.clone());
        platform.ready(&site.http, &site.base).await;
    }
    let approval = asked(boss, id, step, "first").await;
    std::fs::write(site.armed(), "").unwrap();
    let reason = json!({ "reason": "looked at" });
    let approve = format!("/console/approvals/{approval}/approve");
    let approving = anne.ask(&approve, &reason, &approval);
    match (death, order) {
        (None, _) => {
            let (status, said) = approving.await.unwrap();
            assert_eq!(status, 200, "{said}");
            return platform;
        }
        (Some(_), Some(order)) => {
            assert_eq!(approving.await, None);
            platform.died_at(&order).await;
        }
        (Some(_), None) => {
            let life = Duration::from_millis(random.below(40) as u64);
            let killing = async {
                tokio::time::sleep(life).await;
                platform.kill();
            };
            let _ = tokio::join!(approving, killing);
        }
    }
    platform = lives(site).await;
    again([boss, anne], (id, step), &approval).await;
    platform
}

/// The second operator approves once more. Only of what was not done may the platform say that nobody knows whether it was; it is
/// asked for anew, and done.
async fn again([boss, anne]: [Caller<'_>; 2], (id, step): (&str, &str), approval: &str) {
    let reason = json!({ "reason": "looked at" });
    let approve = format!("/console/approvals/{approval}/approve");
    let (status, said) = anne.ask(&approve, &reason, approval).await.unwrap();
    if status == 200 {
        return;
    }
    assert_eq!((status, &said["code"]), (409, &json!("approval_over")));
    let anew = asked(boss, id, step, "second").await;
    let approve = format!("/console/approvals/{anew}/approve");
    let (status, said) = anne.ask(&approve, &reason, &anew).await.unwrap();
    assert_eq!(status, 200, "what was not done can be done: {said}");
}

async fn asked(boss: Caller<'_>, id: &str, step: &str, which: &str) -> String {
    let mut body = json!({ "reason": "added up" });
    if step == "paid" {
        body["reference"] = json!(format!("ICBC-{id}"));
        body["on"] = json!(day(boss.site.now()));
    }
    let path = format!("/console/statements/{id}/{step}");
    let key = format!("{step}-{id}-{which}");
    let (status, said) = boss.ask(&path, &body, &key).await.unwrap();
    assert_eq!(status, 202, "{said}");
    text(&said, "approval")
}

/// This day in Shanghai.
fn day(now: Millis) -> String {
    let book = rusqlite::Connection::open_in_memory().unwrap();
    let date = "SELECT date(?1, 'unixepoch')";
    book.query_row(date, [now.0 / 1000 + 8 * 3_600], |row| row.get(0))
        .unwrap()
}

/// Each statement was drawn up, confirmed and paid once, and says what the merchant is due.
fn holds(site: &Site) {
    let (mut drafted, mut confirmed, mut paid) = (BTreeSet::new(), BTreeSet::new(), 0);
    let mut whose = BTreeSet::new();
    let once = |set: &mut BTreeSet<StatementId>, statement: StatementId| {
        assert!(set.insert(statement), "{statement:?} twice");
    };
    let mut payments = BTreeSet::new();
    for (_, _, event) in site.events() {
        let Event::Alliance(event) = event else {
            continue;
        };
        if let AllianceEvent::StatementDrafted(drawn) = &event {
            once(&mut drafted, drawn.statement);
            assert!(whose.insert(drawn.merchant), "{drawn:?} is one more");
            assert_eq!((drawn.amount.0, drawn.carried.0), (PAID_FEN, 0));
        }
        if let AllianceEvent::StatementConfirmed { statement, .. } = &event {
            once(&mut confirmed, *statement);
        }
        if let AllianceEvent::StatementPaid(transfer) = &event {
            once(&mut payments, transfer.statement);
            paid += transfer.amount.0;
        }
    }
    assert_eq!((drafted.len(), paid), (MERCHANTS, 5 * PAID_FEN));
    assert_eq!((&confirmed, &payments), (&drafted, &drafted));
}

async fn lives(site: &Site) -> Platform {
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    platform
}
