//! Deaths while two cashiers enter one member's code: it pays one bill at most, and what is taken back is taken back once,
//! wherever the platform dies.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{AllianceEvent, Event};
use serde_json::{Value, json};

use super::caller::{Caller, merchant, text};
use super::load::{Load, Told};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::{PASSWORD, Site};

/// Where the platform dies, with both bills or with both voids on their way; none: at some moment.
const DEATHS: [Option<&str>; 4] = [
    Some("engine.appending"),
    Some("engine.appended"),
    Some("views.projecting"),
    None,
];
/// The members before this one are others'.
const FIRST: usize = 20;
/// The coins that he has, and those that he uses at each counter, in hundredths.
const COINS: i64 = 5_000;
const USED: i64 = 100;

struct Counters<'a> {
    site: &'a Site,
    member: Caller<'a>,
    tills: [Caller<'a>; 2],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_pays_once_and_is_taken_back_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, cookie) = site.open_shop().await;
    let operator = Caller {
        site: &site,
        cookie: &cookie,
    };
    let member = with_coins(operator, &load).await;
    let staff = &load.shop.members[FIRST + 10].cookie;
    let (merchant, owner) = merchant(&site, operator, staff, "teahouse").await;
    let owner = Caller {
        site: &site,
        cookie: &owner,
    };
    let tills = [till(owner, "first").await, till(owner, "second").await];
    let counters = Counters {
        site: &site,
        member: Caller {
            site: &site,
            cookie: &member,
        },
        tills: [&tills[0], &tills[1]].map(|cookie| Caller {
            site: &site,
            cookie,
        }),
    };
    let mut paid = 0;
    for death in DEATHS {
        let (next, code) = counters.die_paying(platform, death, random).await;
        platform = next;
        // Neither of them knows, and both ask again in the same words.
        let payments = counters.ask_again(&code).await;
        assert!(payments.len() <= 1, "one code, two payments: {payments:?}");
        paid += payments.len();
        counters.stand(paid, 0).await;
    }
    // A death before the record is one before the payment; one after it is one after it.
    assert!((2..=3).contains(&paid), "{paid} of four were paid");
    let mut voided = 0;
    let of_member = counters.member.get("/me/counter-payments").await;
    for (line, death) in of_member["items"]
        .as_array()
        .unwrap()
        .iter()
        .zip(DEATHS.iter().cycle().skip(1))
    {
        platform = counters
            .die_voiding(platform, &text(line, "id"), *death, random)
            .await;
        voided += 1;
        counters.stand(paid, voided).await;
    }
    holds(&site, paid);
    let page = operator
        .get(&format!("/console/merchants/{merchant}"))
        .await;
    assert_eq!(page["owes"], "0.00", "{page}");
    site.balance(&cookie).await;
    platform.stop().await;
    site.audit();
}

impl Counters<'_> {
    /// Both cashiers enter the member's code, and the platform dies of it.
    async fn die_paying(
        &self,
        platform: Platform,
        death: Option<&'static str>,
        random: &mut Random,
    ) -> (Platform, Value) {
        let (platform, order) = self.start(platform, death).await;
        let code = self.member.must("/me/counter-code", &json!({})).await["code"].clone();
        std::fs::write(self.site.armed(), "").unwrap();
        let [one, two] = self.tills.map(|till| enter(till, &code));
        let both = async { tokio::join!(one, two) };
        (self.dies(platform, order, both, random).await, code)
    }

    /// Which payments there are of this code.
    async fn ask_again(&self, code: &Value) -> BTreeSet<String> {
        let mut payments = BTreeSet::new();
        for till in self.tills {
            let (status, said) = enter(till, code).await.unwrap();
            match status {
                200 => assert!(payments.insert(text(&said, "id"))),
                // The codes are forgotten; what was done under this key is not.
                _ => assert_eq!(said["code"], "counter_code_unknown", "{status} {said}"),
            }
        }
        payments
    }

    /// Whoever took a payment takes it back, twice at once, and the platform dies of it; then he asks again.
    async fn die_voiding(
        &self,
        platform: Platform,
        payment: &str,
        death: Option<&'static str>,
        random: &mut Random,
    ) -> Platform {
        let (platform, order) = self.start(platform, death).await;
        std::fs::write(self.site.armed(), "").unwrap();
        // Only the store that took it knows it.
        let [one, two] = self.tills.map(|till| void(till, payment));
        let both = async { tokio::join!(one, two) };
        let platform = self.dies(platform, order, both, random).await;
        let mut done = 0;
        for till in self.tills {
            let (status, said) = void(till, payment).await.unwrap();
            match status {
                200 => done += 1,
                _ => assert_eq!(said["code"], "counter_payment_unknown", "{status} {said}"),
            }
            let path = format!("/counter/payments/{payment}/void");
            let other = till
                .ask(&path, &json!({}), &format!("again-{payment}"))
                .await;
            assert!((400..500).contains(&other.unwrap().0), "taken back twice");
        }
        assert_eq!(done, 1, "payment {payment}");
        platform
    }

    async fn start(
        &self,
        platform: Platform,
        death: Option<&'static str>,
    ) -> (Platform, Option<Order>) {
        let order = death.map(|point| Order {
            point,
            pass: 1,
            when: Some(self.site.armed()),
        });
        platform.stop().await;
        let mut platform = self.site.start(600, order.clone());
        platform.ready(&self.site.http, &self.site.base).await;
        (platform, order)
    }

    /// Waits until the platform has died of what is asked, or kills it; answers with one that lives.
    async fn dies(
        &self,
        platform: Platform,
        order: Option<Order>,
        asking: impl Future,
        random: &mut Random,
    ) -> Platform {
        match order {
            Some(order) => {
                asking.await;
                platform.died_at(&order).await;
            }
            None => {
                let life = Duration::from_millis(random.below(40) as u64);
                let killing = async {
                    tokio::time::sleep(life).await;
                    platform.kill();
                };
                tokio::join!(asking, killing);
            }
        }
        let mut platform = self.site.start(600, None);
        platform.ready(&self.site.http, &self.site.base).await;
        platform
    }

    /// The member has used coins for so many payments, and has those of so many back.
    async fn stand(&self, paid: usize, voided: usize) {
        let kept = i64::try_from(paid - voided).unwrap();
        let left = COINS - kept * USED;
        let left = format!("{}.{:02}", left / 100, left % 100);
        let coins = |page: &Value| page["coins"] == left;
        self.member.until("/me/coins", coins).await;
        let mine = self.member.get("/me/counter-payments").await;
        let mine = mine["items"].as_array().unwrap().clone();
        let reversed = mine.iter().filter(|line| line["state"] == "voided").count();
        assert_eq!((mine.len(), reversed), (paid, voided), "{mine:?}");
    }
}

async fn enter(till: Caller<'_>, code: &Value) -> Option<(u16, Value)> {
    let bill = json!({ "code": code, "bill": "10.00" });
    let key = format!("bill-{}", code.as_str().unwrap());
    till.ask("/counter/payments", &bill, &key).await
}

async fn void(till: Caller<'_>, payment: &str) -> Option<(u16, Value)> {
    let path = format!("/counter/payments/{payment}/void");
    till.ask(&path, &json!({}), &format!("void-{payment}"))
        .await
}

/// A store and its cashier; answers with his cookie.
async fn till(owner: Caller<'_>, name: &str) -> String {
    let store = json!({ "name": name, "address": "杭州" });
    let store = owner.must("/merchant/stores", &store).await;
    let staff = json!({ "name": name, "password": PASSWORD, "store": store["store"] });
    owner.must("/merchant/staff", &staff).await;
    owner.site.sign_in_as(name).await
}

/// Who has got 50 coins; his cookie.
async fn with_coins(operator: Caller<'_>, load: &Load) -> String {
    let campaign = json!({
        "name": { "zh": "抽一份茶", "en": "Tea for one" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2, "winners": 1 },
        "reward": [{ "program": "consolation", "coins": "50.00" }],
    });
    let campaign = text(
        &operator.must("/campaigns?reason=reviewed", &campaign).await,
        "id",
    );
    let group = load.open(&campaign, 0).await.unwrap();
    let members = &load.shop.members[FIRST..FIRST + 2];
    let paid = load.pay(group, &[members[1].id]).await;
    for told in load.report(paid).await.unwrap() {
        assert!(matches!(told, Told::Seated(_)), "{told:?}");
    }
    let began = std::time::Instant::now();
    loop {
        for member in members {
            let caller = Caller {
                site: operator.site,
                cookie: &member.cookie,
            };
            if caller.get("/me/coins").await["coins"] == "50.00" {
                return member.cookie.clone();
            }
        }
        assert!(began.elapsed() < PATIENCE, "group {group} is not settled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// So many bills were paid with a coin, each once, and all of them were taken back once.
fn holds(site: &Site, paid: usize) {
    let (mut bills, mut back) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, event) in site.events() {
        let Event::Alliance(event) = event else {
            continue;
        };
        if let AllianceEvent::CounterPaid(bill) = &event {
            assert_eq!(bill.coins.0, USED);
            assert!(bills.insert(bill.counter), "{bill:?} twice");
        }
        if let AllianceEvent::CounterReversed(reversed) = &event {
            assert!(back.insert(reversed.counter), "{reversed:?} twice");
        }
    }
    assert_eq!(bills.len(), paid);
    assert_eq!(bills, back);
}
