//! What has happened in the demonstration shop before anybody looks: guests have sat at tables, paid with coins, bought,
//! redeemed and asked for their money, and something waits for everybody who decides.
//!
//! It happens beside the visitors, through the API, as each of these people would do it; the draws take some seconds.

use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

use crate::shop::{get_as, member, post};

/// Guests have phones that begin like those of the other members that are a program, so pages show them as 演示.
const GUESTS: [&str; 5] = [
    "19900009001",
    "19900009002",
    "19900009003",
    "19900009004",
    "19900009005",
];
/// Somebody with a history, to sign in as.
pub(crate) const GUEST: &str = GUESTS[0];
/// Longest wait for anything: a draw takes its beacon's round.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shop as it was opened: who acts in it, and what is sold.
pub(crate) struct Life {
    pub(crate) client: Client,
    pub(crate) api: String,
    /// Cookies.
    pub(crate) operator: String,
    pub(crate) merchant: String,
    pub(crate) cashier: String,
    /// The tea house, and the template of its tables.
    pub(crate) house: String,
    pub(crate) template: String,
    /// What is sold without a group, by number.
    pub(crate) skus: Vec<String>,
}

/// A member: his cookie and his number.
type Guest = (String, String);

/// Guests at full tables, and the tables' groups.
pub(crate) struct Begun {
    guests: Vec<Guest>,
    groups: Vec<String>,
}

impl Life {
    /// Three tables are full: theirs are the shop's first groups, whoever comes then.
    pub(crate) async fn begin(&self) -> Result<Begun, String> {
        let mut guests: Vec<Guest> = Vec::new();
        let mut invite = Value::Null;
        for phone in GUESTS {
            let (cookie, card) = member(&self.client, &self.api, phone, &invite).await?;
            invite = card["invite_code"].clone();
            guests.push((cookie, text(&card, "id")?));
        }
        let mut groups = Vec::new();
        for (bill, seats) in [("128.00", 0..3), ("96.00", 2..4), ("88.00", 0..2)] {
            let table = guests.get(seats).unwrap_or_default();
            groups.push(self.table(bill, table).await?);
        }
        Ok(Begun { guests, groups })
    }

    /// What happens beside those who look.
    pub(crate) async fn go_on(&self, begun: Begun) -> Result<(), String> {
        let Begun { guests, groups } = begun;
        self.waiting_table(&guests[2]).await?;
        self.people(&guests).await?;
        self.purchases(&guests).await?;
        for group in groups {
            let path = format!("/groups/{group}");
            self.until("", &path, |page| page["state"] == "settled")
                .await?;
        }
        self.rich(&guests).await
    }

    /// A table, at which all of them sit down and pay its bill; its group.
    async fn table(&self, bill: &str, guests: &[Guest]) -> Result<String, String> {
        let table = json!({ "template": self.template, "bill": bill, "guests": guests.len() });
        let table = self.post(&self.cashier, "/counter/tables", &table).await?;
        let path = format!("/tables/{}/seats", text(&table, "token")?);
        let mut group = String::new();
        for (cookie, _) in guests {
            let sat = self.post(cookie, &path, &json!({})).await?;
            group = text(&sat, "group")?;
            self.pay(&sat["payment"]).await?;
            let paid = format!("/payments/{}", text(&sat["payment"], "id")?);
            self.until(cookie, &paid, |page| page["state"] != "waiting")
                .await?;
        }
        Ok(group)
    }

    /// A table for four at which one guest sits.
    async fn waiting_table(&self, (cookie, _): &Guest) -> Result<(), String> {
        let table = json!({ "template": self.template, "bill": "240.00", "guests": 4 });
        let table = self.post(&self.cashier, "/counter/tables", &table).await?;
        let path = format!("/tables/{}/seats", text(&table, "token")?);
        let sat = self.post(cookie, &path, &json!({})).await?;
        self.pay(&sat["payment"]).await
    }

    /// An agent, a rank, limits, somebody who is frozen, whose age is known, who runs all this, and a campaign that waits for its
    /// review.
    async fn people(&self, guests: &[Guest]) -> Result<(), String> {
        let why = "demonstration";
        let region = json!({ "region": "330106" });
        self.post(&guests[1].0, "/me/region", &region).await?;
        let address = json!({
            "name": "王小明", "phone": "13800000001", "region": "330106", "address": "文三路 1 号",
        });
        self.post(&guests[3].0, "/me/delivery", &address).await?;
        let agent = json!({ "region": "330106", "member": guests[0].1, "reason": why });
        self.post(&self.operator, "/console/agents", &agent).await?;
        let path = format!("/console/members/{}/rank", guests[0].1);
        let rank = json!({ "rank": 3, "plan": 1, "reason": why });
        self.post(&self.operator, &path, &rank).await?;
        let limits = json!({ "entries_per_day": 10 });
        self.post(&guests[2].0, "/me/limits", &limits).await?;
        let path = format!("/console/members/{}/freeze", guests[4].1);
        self.post(&self.operator, &path, &json!({ "reason": why }))
            .await?;
        let path = format!("/console/members/{}/verify", guests[0].1);
        let seen = json!({ "age": 34, "reason": why });
        self.post(&self.operator, &path, &seen).await?;
        let organiser = json!({
            "name": { "zh": "演示店，无人经营", "en": "A demonstration that nobody runs" },
            "contact": "demo@example.com", "reason": why,
        });
        self.post(&self.operator, "/console/organiser", &organiser)
            .await?;
        let draft = crate::shop_merchant::second_campaign();
        self.post(&self.merchant, "/merchant/drafts", &draft)
            .await?;
        Ok(())
    }

    /// Purchases in every state that a visitor may want to see: paid, sent, to be fetched, redeemed, and coins.
    async fn purchases(&self, guests: &[Guest]) -> Result<(), String> {
        let [_, small, towel, package, voucher, pick_up] = self.skus.as_slice() else {
            return Err("there are other things on sale".to_owned());
        };
        self.buy(&guests[2].0, towel, "39.90").await?;
        let sent = self.buy(&guests[1].0, small, "98.00").await?;
        let parcel = json!({ "carrier": "SF", "number": "SF1000000001" });
        let path = format!("/console/purchases/{sent}/ship");
        self.post(&self.operator, &path, &parcel).await?;
        self.buy(&guests[3].0, package, "100.00").await?;
        self.buy(&guests[3].0, pick_up, "45.00").await?;
        self.buy(&guests[0].0, voucher, "58.00").await?;
        let redeemed = self.buy(&guests[2].0, voucher, "58.00").await?;
        let path = format!("/purchases/{redeemed}/code");
        let code = self.get(&guests[2].0, &path).await?["code"].clone();
        let code = json!({ "code": code });
        self.post(&self.cashier, "/cashier/redeem", &code).await?;
        Ok(())
    }

    /// Buys one and pays; its number once it is paid.
    async fn buy(&self, cookie: &str, sku: &str, price: &str) -> Result<String, String> {
        self.buy_with(cookie, sku, price, "0.00").await
    }

    /// The same, with some coins.
    async fn buy_with(
        &self,
        cookie: &str,
        sku: &str,
        price: &str,
        coins: &str,
    ) -> Result<String, String> {
        let wanted = json!({ "units": 1, "price": price, "coins": coins });
        let path = format!("/skus/{sku}/buy");
        let made = self.post(cookie, &path, &wanted).await?;
        self.pay(&made).await?;
        let id = text(&made, "id")?;
        let path = format!("/purchases/{id}");
        self.until(cookie, &path, |page| page["state"] != "reserved")
            .await?;
        Ok(id)
    }

    /// What takes the money and the coins of those whose seats were not drawn: bills at the counter, a withdrawal, a reward taken
    /// back, and the tea house's statement of it all.
    async fn rich(&self, guests: &[Guest]) -> Result<(), String> {
        let mut rich = Vec::new();
        for guest in &guests[..4] {
            let me = self.get(&guest.0, "/me").await?;
            if me["wallet"]["coins"] != "0.00" {
                rich.push(guest);
            }
        }
        let [one, .., two] = rich.as_slice() else {
            return Err("nobody has got a consolation".to_owned());
        };
        for (bill, is_void) in [("66.00", false), ("20.00", true)] {
            let code = self.post(&one.0, "/me/counter-code", &json!({})).await?;
            let bill = json!({ "code": code["code"], "bill": bill });
            let paid = self.post(&self.cashier, "/counter/payments", &bill).await?;
            if is_void {
                let path = format!("/counter/payments/{}/void", text(&paid, "id")?);
                self.post(&self.cashier, &path, &json!({})).await?;
            }
        }
        let small = self.skus.get(1).map_or("", String::as_str);
        self.buy_with(&one.0, small, "98.00", "5.00").await?;
        let account = json!({ "name": "演示", "account": "demo@example.com" });
        let entered = self.post(&two.0, "/me/payout-account", &account).await?;
        let seen = json!({ "token": entered["account"]["token"], "reason": "demonstration" });
        let path = format!("/console/members/{}/payout-account/verify", two.1);
        self.post(&self.operator, &path, &seen).await?;
        let wanted = json!({ "amount": "1.00" });
        self.post(&two.0, "/me/withdrawals", &wanted).await?;
        let path = format!("/console/members/{}/clawback", one.1);
        let back = json!({ "amount": "0.50", "reason": "demonstration" });
        self.post(&self.operator, &path, &back).await?;
        let path = format!("/console/merchants/{}/statement", self.house);
        let reason = json!({ "reason": "demonstration" });
        self.post(&self.operator, &path, &reason).await?;
        Ok(())
    }

    /// Presses the button of a payment page.
    async fn pay(&self, payment: &Value) -> Result<(), String> {
        let page = text(payment, "pay_url")?;
        let sent = self.client.post(page).send().await;
        let answer = sent.map_err(|error| error.to_string())?;
        let paid = answer.error_for_status();
        paid.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn get(&self, cookie: &str, path: &str) -> Result<Value, String> {
        get_as(&self.client, &format!("{}{path}", self.api), cookie).await
    }

    async fn post(&self, cookie: &str, path: &str, body: &Value) -> Result<Value, String> {
        post(&self.client, &format!("{}{path}", self.api), cookie, body).await
    }

    /// Waits until a page is as it should be.
    async fn until(
        &self,
        cookie: &str,
        path: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let page = self.get(cookie, path).await?;
            if page["code"] == Value::Null && is(&page) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{path} does not become what it should be"))
    }
}

/// A text of an answer.
pub(crate) fn text(answer: &Value, field: &str) -> Result<String, String> {
    let found = answer[field].as_str().map(str::to_owned);
    found.ok_or_else(|| format!("an answer without {field}: {answer}"))
}
