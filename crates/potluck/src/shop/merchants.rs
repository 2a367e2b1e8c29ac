//! The demonstration's merchants: each applies, is admitted, opens a store and has a cashier there. A tea house takes the cash at its
//! counter itself, and has four campaigns: a draw, and treats under which its cashier opens tables; another waits for its review. At
//! a bookshop's counter the platform takes the cash through its channel; the bookshop owes an entry fee. A repair shop is suspended.

use serde_json::{Value, json};

use super::Life;
use super::api::{because, text, why};

/// What somebody who acts for the tea house signs in with; the password is the operator's.
pub(crate) const MERCHANT: &str = "teahouse";
/// As whom a cashier at its store signs in, with the same password.
pub(crate) const CASHIER: &str = "teahouse-till";

/// The tea house's campaigns by their position: a draw, a table whose guests treat once, one whose guests take turns to, and one that
/// does not wait for long.
pub(super) const DRAW: usize = 0;
pub(super) const TREAT: usize = 1;
pub(super) const TURNS_TO_TREAT: usize = 2;
pub(super) const QUICK: usize = 3;

/// A merchant that is to be.
pub(super) struct Trader {
    /// Of the member who applies.
    phone: &'static str,
    name: &'static str,
    store: &'static str,
    address: &'static str,
    /// As whom people sign in: who acts for him, and his cashier.
    staff: [&'static str; 2],
    contract: Value,
    campaigns: Vec<Value>,
}

/// A merchant with one store: his numbers, and the cookies of his people.
pub(super) struct House {
    pub(super) number: String,
    pub(super) store: String,
    pub(super) merchant: String,
    pub(super) cashier: String,
    /// Numbers of his campaigns.
    pub(super) campaigns: Vec<String>,
}

/// The tea house.
pub(super) fn tea_house() -> Trader {
    Trader {
        phone: "13800000002",
        name: "湖畔茶馆",
        store: "湖滨店",
        address: "湖滨路 1 号",
        staff: [MERCHANT, CASHIER],
        contract: json!({ "commission": "10%", "settlement": "20%", "cash": "store", "origin_share": "10%" }),
        campaigns: vec![campaign(), treat(), turns_to_treat(), quick()],
    }
}

/// The bookshop.
pub(super) fn bookshop() -> Trader {
    Trader {
        phone: "13800000003",
        name: "城西书店",
        store: "文三店",
        address: "文三路 88 号",
        staff: ["bookshop", "bookshop-till"],
        contract: json!({
            "entry_fee": "300.00", "commission": "12%", "settlement": "25%", "cash": "platform", "channel_fee": "0.6%",
        }),
        campaigns: Vec::new(),
    }
}

/// Whose stores open nothing any more.
fn repair_shop() -> Trader {
    Trader {
        phone: "13800000005",
        name: "南巷修理铺",
        store: "南巷店",
        address: "南巷 7 号",
        staff: ["repairs", "repairs-till"],
        contract: json!({ "commission": "8%", "settlement": "20%", "cash": "store" }),
        campaigns: Vec::new(),
    }
}

/// Six seats of 68 yuan, of which two win; the merchant gives the platform 10 % and the others a consolation of 2 yuan.
fn campaign() -> Value {
    json!({
        "name": { "zh": "湖畔茶馆 · 68 元抽龙井礼盒", "en": "Lakeside Tea House · A Longjing gift box for 68" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "明前龙井礼盒", "en": "Longjing gift box, first picking" } },
        "group": {
            "price": "68.00", "seats": 6, "winners": 2, "fill_within": "24h", "payment_window": "5m",
        },
        "merchant": { "commission": "10%" },
        "reward": [{ "program": "consolation", "cash": "2.00" }],
    })
}

/// Four who all buy, in a smaller group than the draw's.
pub(super) fn second_campaign() -> Value {
    json!({
        "name": { "zh": "湖畔茶馆 · 四人拼明前龙井", "en": "Lakeside Tea House · Four buy spring Longjing" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "明前龙井 50 克", "en": "Spring Longjing, 50 g" } },
        "group": { "price": "58.00", "seats": 4, "fill_within": "24h", "payment_window": "5m" },
        "merchant": { "commission": "10%" },
    })
}

/// Two to eight guests, bills of 40 to 800 yuan; one of them is drawn to pay it, the others get 2 yuan from the tea house and
/// 20 coins.
fn treat() -> Value {
    json!({
        "name": { "zh": "湖畔茶馆 · 聚餐一人买单", "en": "Lakeside Tea House · One of you treats" },
        "kind": "treat",
        "profile": "seed",
        "product": { "title": { "zh": "堂食茶点", "en": "Tea and snacks at the table" } },
        "group": {
            "price": "800.00", "price_from": "40.00", "seats": 8, "seats_from": 2, "winners": 1,
            "fill_within": "30m", "payment_window": "5m",
        },
        "merchant": { "commission": "10%" },
        "reward": [{ "program": "consolation", "cash": "2.00", "coins": "20.00" }],
    })
}

/// Three to six colleagues, bills of 40 to 400 yuan; whoever has treated waits until all have.
fn turns_to_treat() -> Value {
    json!({
        "name": { "zh": "湖畔茶馆 · 同事轮流请客", "en": "Lakeside Tea House · Colleagues take turns to treat" },
        "kind": "treat",
        "profile": "seed",
        "product": { "title": { "zh": "堂食茶点", "en": "Tea and snacks at the table" } },
        "group": {
            "price": "400.00", "price_from": "40.00", "seats": 6, "seats_from": 3, "winners": 1, "circle": "rotate",
            "fill_within": "30m", "payment_window": "5m",
        },
        "merchant": { "commission": "10%" },
        "reward": [{ "program": "consolation", "cash": "2.00" }],
    })
}

/// Two guests at the bar, who both have to pay within less than a minute.
fn quick() -> Value {
    json!({
        "name": { "zh": "湖畔茶馆 · 吧台快饮二人买单", "en": "Lakeside Tea House · A quick cup for two at the bar" },
        "kind": "treat",
        "profile": "seed",
        "product": { "title": { "zh": "吧台茶饮", "en": "Tea at the bar" } },
        "group": {
            "price": "80.00", "price_from": "20.00", "seats": 2, "winners": 1, "fill_within": "45s", "payment_window": "30s",
        },
        "merchant": { "commission": "10%" },
        "reward": [{ "program": "consolation", "cash": "1.00" }],
    })
}

impl Life {
    /// A merchant who was admitted like the others, and may not go on.
    pub(super) async fn suspended(&self) -> Result<(), String> {
        let repairs = self.house(repair_shop()).await?;
        let path = format!("/console/merchants/{}/suspend", repairs.number);
        self.api.post(&self.operator, &path, &why()).await?;
        Ok(())
    }

    /// Has a merchant apply and be admitted, open his store, and his campaigns published.
    pub(super) async fn house(&self, trader: Trader) -> Result<House, String> {
        let Life { api, operator, .. } = self;
        let [acting, till] = trader.staff;
        let staff = |name: &str| json!({ "name": name, "password": self.password });
        let number = self.admitted(&trader).await?;
        let path = format!("/console/merchants/{number}/staff");
        api.decided(self.operators(), &path, &staff(acting)).await?;
        let merchant = api.staff(acting, &self.password).await?;
        let store = json!({ "name": trader.store, "address": trader.address });
        let store = api.post(&merchant, "/merchant/stores", &store).await?;
        let store = text(&store, "store")?;
        let mut cashier = staff(till);
        cashier["store"] = json!(store);
        api.post(&merchant, "/merchant/staff", &cashier).await?;
        let cashier = api.staff(till, &self.password).await?;
        let mut campaigns = Vec::new();
        for campaign in trader.campaigns {
            let draft = api.post(&merchant, "/merchant/drafts", &campaign).await?;
            let path = format!("/console/drafts/{}/publish", text(&draft, "id")?);
            campaigns.push(text(&api.post(operator, &path, &why()).await?, "id")?);
        }
        Ok(House {
            number,
            store,
            merchant,
            cashier,
            campaigns,
        })
    }

    /// His number.
    async fn admitted(&self, trader: &Trader) -> Result<String, String> {
        let (applicant, _) = self.api.member(trader.phone, &Value::Null).await?;
        let path = "/me/merchant-application";
        let applied = json!({ "name": trader.name, "contact": trader.address });
        let applied = self.api.post(&applicant, path, &applied).await?;
        let admit = format!(
            "/console/merchant-applications/{}/admit",
            text(&applied, "id")?
        );
        let agreed = because(json!({ "contract": trader.contract }));
        self.api.decided(self.operators(), &admit, &agreed).await?;
        text(&self.api.get(&applicant, path).await?, "merchant")
    }
}
