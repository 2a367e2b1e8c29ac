//! Deaths around direct purchases: each payment buys once, and each return is paid back once in the provider's own books,
//! wherever the platform dies.

use serde_json::{Value, json};

use super::platform::{Order, PATIENCE};
use super::random::Random;
use super::site::Site;

/// What one costs, in fen.
const PRICE: i64 = 5_000;

/// Where the platform dies: with the payment on its way into the journal, or with its refund on its way out.
const DEATHS: [(&str, Doing); 5] = [
    ("engine.appending", Doing::Paying),
    ("engine.appended", Doing::Paying),
    ("views.projecting", Doing::Paying),
    ("server.refund_asking", Doing::Returning),
    ("server.refund_sent", Doing::Returning),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Paying,
    Returning,
}

struct Market<'a> {
    site: &'a Site,
    operator: String,
    member: String,
    sku: String,
    keys: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_purchase_is_paid_and_paid_back_once_wherever_the_platform_dies() {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let site = Site::new(&mut random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, _, operator) = site.open_shop().await;
    let mut market = Market {
        site: &site,
        operator,
        member: load.shop.members[20].cookie.clone(),
        sku: String::new(),
        keys: 0,
    };
    market.open().await;
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
        let id = market.buy().await;
        if doing == Doing::Paying {
            std::fs::write(site.armed(), "").unwrap();
        }
        market.pay(&load.shop.provider_url, &id).await;
        if doing == Doing::Returning {
            market.is(&id, "paid").await;
            market.deliver(&id).await;
            std::fs::write(site.armed(), "").unwrap();
            // It may die before it can answer.
            let _ = market
                .send(
                    &format!("/console/purchases/{id}/take-back"),
                    true,
                    &json!({ "reason": "it arrived" }),
                )
                .await;
        }
        platform.died_at(&order).await;
        std::fs::remove_file(site.armed()).unwrap();
        platform = site.start(600, None);
        platform.ready(&site.http, &site.base).await;
        if doing == Doing::Paying {
            market.is(&id, "paid").await;
            kept += 1;
        } else {
            market.is(&id, "returned").await;
        }
    }
    let began = std::time::Instant::now();
    while site.channel.books().await.unwrap().held_fen != held + kept * PRICE {
        assert!(began.elapsed() < PATIENCE, "the refunds are not all sent");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let skus = market.get("/console/skus", true).await;
    assert_eq!(skus["items"][0]["free"], 10 - kept);
    site.balance(&market.operator).await;
    platform.stop().await;
    site.audit();
}

impl Market<'_> {
    /// Ten units of one thing.
    async fn open(&mut self) {
        let words = |text: &str| json!({ "zh": text, "en": text });
        let product = json!({ "title": words("茶"), "text": words("") });
        let product = self.must("/console/products", true, &product).await;
        let path = format!("/console/products/{}/skus", product["id"].as_str().unwrap());
        let terms =
            json!({ "title": words("茶"), "price": "50.00", "cost": "20.00", "reason": "new" });
        let sku = self.must(&path, true, &terms).await;
        sku["id"].as_str().unwrap().clone_into(&mut self.sku);
        let path = format!("/console/skus/{}/stock", self.sku);
        let stock = json!({ "by": 10, "reason": "delivered" });
        self.must(&path, true, &stock).await;
    }

    async fn buy(&mut self) -> String {
        let path = format!("/skus/{}/buy", self.sku);
        let wanted = json!({ "units": 1, "price": "50.00" });
        let made = self.must(&path, false, &wanted).await;
        assert!(made["pay_url"].is_string(), "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Pays at the provider, as the page's button does.
    async fn pay(&self, provider: &str, id: &str) {
        let beginning = format!("p{id}-");
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

    async fn deliver(&mut self, id: &str) {
        let parcel = json!({ "carrier": "SF", "number": "1" });
        self.must(&format!("/console/purchases/{id}/ship"), true, &parcel)
            .await;
        self.must(&format!("/purchases/{id}/receive"), false, &json!({}))
            .await;
        self.must(&format!("/purchases/{id}/return"), false, &json!({}))
            .await;
    }

    async fn is(&self, id: &str, state: &str) {
        let began = std::time::Instant::now();
        loop {
            let page = self
                .get(&format!("/purchases/{id}?refresh=true"), false)
                .await;
            if page["state"] == state {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "purchase {id} is not {state}: {page}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn cookie(&self, staff: bool) -> &str {
        if staff { &self.operator } else { &self.member }
    }

    async fn get(&self, path: &str, staff: bool) -> Value {
        let url = format!("{}/api/v1{path}", self.site.base);
        let request = self.site.http.get(url).header("cookie", self.cookie(staff));
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn must(&mut self, path: &str, staff: bool, body: &Value) -> Value {
        let answer = self.send(path, staff, body).await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn send(
        &mut self,
        path: &str,
        staff: bool,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        self.keys += 1;
        let url = format!("{}/api/v1{path}", self.site.base);
        let request = self.site.http.post(url).json(body);
        let key = format!("purchases-{}", self.keys);
        request
            .header("cookie", self.cookie(staff))
            .header("idempotency-key", key)
            .send()
            .await
    }
}
