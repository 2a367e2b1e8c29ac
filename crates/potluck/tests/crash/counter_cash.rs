//! Deaths around bills at counters whose cash the platform takes: each payment pays its bill once, and each void is paid back once
//! in the provider's own books, wherever the platform dies.

use serde_json::json;

use super::caller::{Caller, merchant, text};
use super::platform::{Order, PATIENCE};
use super::random::Random;
use super::site::{PASSWORD, Site};

/// A bill, in fen.
const BILL: i64 = 5_000;
/// What the merchant is due of it.
const DUE: i64 = 4_000;

/// Where the platform dies: with the payment on its way into the journal, or with its refund on its way out.
const DEATHS: [(&str, Doing); 5] = [
    ("engine.appending", Doing::Paying),
    ("engine.appended", Doing::Paying),
    ("views.projecting", Doing::Paying),
    ("server.refund_asking", Doing::Voiding),
    ("server.refund_sent", Doing::Voiding),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Paying,
    Voiding,
}

struct Till<'a> {
    site: &'a Site,
    member: Caller<'a>,
    cashier: Caller<'a>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bill_is_paid_and_paid_back_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, operator) = site.open_shop().await;
    let by = |cookie| Caller {
        site: &site,
        cookie,
    };
    let staff = &load.shop.members[30].cookie;
    let (id, owner) = merchant(&site, by(&operator), staff, "inn").await;
    let owner = by(&owner);
    let cashier = open(by(&operator), owner, &id).await;
    let till = Till {
        site: &site,
        member: by(&load.shop.members[20].cookie),
        cashier: by(&cashier),
    };
    let held = site.channel.books().await.unwrap().held_fen;
    let mut kept = 0;
    for (point, doing) in DEATHS {
        platform.stop().await;
        let order = Order {
            point,
            pass: 1,
            when: Some(site.armed()),
        };
        platform = site.start(600, Some(order.clone()));
        platform.ready(&site.http, &site.base).await;
        let bill = till.enter().await;
        if doing == Doing::Paying {
            std::fs::write(site.armed(), "").unwrap();
        }
        till.pay(&load.shop.provider_url, &bill).await;
        if doing == Doing::Voiding {
            till.is(&bill, "paid").await;
            std::fs::write(site.armed(), "").unwrap();
            // It may die before it can answer.
            let void = format!("/counter/payments/{bill}/void");
            let _ = till.cashier.ask(&void, &json!({}), &bill).await;
        }
        platform.died_at(&order).await;
        std::fs::remove_file(site.armed()).unwrap();
        platform = site.start(600, None);
        platform.ready(&site.http, &site.base).await;
        if doing == Doing::Paying {
            till.is(&bill, "paid").await;
            kept += 1;
        } else {
            till.is(&bill, "voided").await;
        }
    }
    let began = std::time::Instant::now();
    while site.channel.books().await.unwrap().held_fen != held + kept * BILL {
        assert!(began.elapsed() < PATIENCE, "the refunds are not all sent");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let me = owner.get("/merchant/me").await;
    assert_eq!(me["payable"], format!("{}.00", kept * DUE / 100));
    site.balance(&operator).await;
    platform.stop().await;
    site.audit();
}

/// The platform takes the merchant's cash from now on; answers with his cashier's cookie.
async fn open(operator: Caller<'_>, owner: Caller<'_>, merchant: &str) -> String {
    let contract = json!({ "settlement": "20%", "cash": "platform", "channel_fee": "0.6%" });
    let path = format!("/console/merchants/{merchant}/contract");
    let signed = json!({ "contract": contract, "reason": "agreed" });
    operator.must(&path, &signed).await;
    let store = json!({ "name": "西湖店", "address": "杭州" });
    let opened = owner.must("/merchant/stores", &store).await;
    let staff = json!({ "name": "till", "password": PASSWORD, "store": opened["store"] });
    owner.must("/merchant/staff", &staff).await;
    operator.site.sign_in_as("till").await
}

impl Till<'_> {
    async fn enter(&self) -> String {
        let code = self.member.must("/me/counter-code", &json!({})).await;
        let bill = json!({ "code": code["code"], "bill": "50.00" });
        let entered = self.cashier.must("/counter/payments", &bill).await;
        assert!(entered["pay_url"].is_string(), "{entered}");
        text(&entered, "id")
    }

    /// Pays at the provider, as the page's button does.
    async fn pay(&self, provider: &str, bill: &str) {
        let beginning = format!("c{bill}-");
        let (mut after, mut found) = (0, None);
        while found.is_none() {
            let page = self.site.channel.book_orders(after).await.unwrap();
            let mut orders = page.orders.into_iter().map(|order| order.order_no);
            found = orders.find(|order| order.starts_with(&beginning));
            after = page.next.unwrap_or(after);
        }
        let url = format!("{provider}/sandbox/orders/{}/pay", found.unwrap());
        let answer = self.site.http.post(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    async fn is(&self, bill: &str, state: &str) {
        let path = format!("/me/counter-payments/{bill}?refresh=true");
        self.member
            .until(&path, |page| page["state"] == state)
            .await;
    }
}
