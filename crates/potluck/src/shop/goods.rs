//! What the demonstration sells without a group: a tea set in two sizes, a towel, packages of coins with gifts, a voucher and a
//! box that is fetched at a store, with pictures, categories and a stock.

use serde_json::{Value, json};

use super::api::{Api, text};
use super::picture::{Shown, png};

/// Title and text, what is sold of it (title, price, cost, units), its category, and what its picture shows.
type Good = (Value, Value, [&'static str; 2], Shown);

/// What is sold, by the order in which it is listed: that is its number.
#[derive(Clone, Copy)]
pub(super) enum Sku {
    TeaSetForTwo = 1,
    Towels = 2,
    Coins = 3,
    Voucher = 4,
    Cakes = 5,
    CoinsAndTowels = 6,
    CoinsAndVip = 7,
}

impl Sku {
    /// Its number and its price.
    pub(super) fn listed(self) -> (String, &'static str) {
        let price = match self {
            Sku::TeaSetForTwo => "98.00",
            Sku::Towels => "39.90",
            Sku::Coins => "100.00",
            Sku::Voucher => "58.00",
            Sku::Cakes => "45.00",
            Sku::CoinsAndTowels => "500.00",
            Sku::CoinsAndVip => "300.00",
        };
        ((self as u32).to_string(), price)
    }
}

/// What is sent.
fn sent() -> [Good; 3] {
    let sku = |zh: &str, en: &str, (price, cost): (&str, &str), units: u32| {
        let title = json!({ "zh": zh, "en": en });
        let terms = json!({ "title": title, "price": price, "cost": cost, "channel_fee": "0.6%" });
        json!({ "terms": terms, "units": units })
    };
    [
        (
            json!({
                "title": { "zh": "德化白瓷茶具", "en": "Dehua white porcelain tea set" },
                "text": { "zh": "一壶四杯，白瓷，可用购物币抵扣部分货款。", "en": "A pot and four cups of white porcelain." },
            }),
            json!([
                sku(
                    "德化白瓷茶具 · 四人份",
                    "Tea set for four",
                    ("168.00", "90.00"),
                    20
                ),
                sku(
                    "德化白瓷茶具 · 两人份",
                    "Tea set for two",
                    ("98.00", "52.00"),
                    12
                ),
            ]),
            ["茶与茶具", "Tea and tea things"],
            Shown::Teapot,
        ),
        (
            json!({
                "title": { "zh": "新疆长绒棉毛巾", "en": "Long-staple cotton towel" },
                "text": { "zh": "两条装，35 × 75 厘米。", "en": "Two towels, 35 by 75 cm." },
            }),
            json!([sku(
                "新疆长绒棉毛巾 · 两条",
                "Two towels",
                ("39.90", "18.00"),
                50
            )]),
            ["家居", "Home"],
            Shown::Towel,
        ),
        (
            json!({
                "title": { "zh": "购物币充值", "en": "Coins" },
                "text": { "zh": "未使用的可按比例退款，七天内未使用全额退。", "en": "What is unused goes back; all of it within seven days if nothing is used." },
            }),
            json!([{
                "terms": {
                    "title": { "zh": "100 元充值包", "en": "Package of 100" }, "price": "100.00", "cost": "0.00",
                    "package": { "coins": "100.00", "gift": "5.00" }, "channel_fee": "0.6%",
                },
                "units": 1_000,
            }]),
            ["充值", "Coins"],
            Shown::Coins,
        ),
    ]
}

/// What is given out at any store.
fn at_stores() -> [Good; 2] {
    [
        (
            json!({
                "title": { "zh": "湖畔茶馆下午茶券", "en": "Afternoon tea at the Lakeside Tea House" },
                "text": { "zh": "一人一壶一碟点心，到店核销，未使用可退。", "en": "A pot and a plate for one; redeemed at the store, given back while it is not." },
            }),
            fetched(
                "voucher",
                ("下午茶券 · 一人", "Tea for one"),
                ("58.00", "30.00"),
                40,
            ),
            ["到店", "At the store"],
            Shown::Cup,
        ),
        (
            json!({
                "title": { "zh": "桂花糕礼盒", "en": "Osmanthus cake, a box" },
                "text": { "zh": "当日制作，到店自提。", "en": "Made the same day, fetched at the store." },
            }),
            fetched(
                "pick-up",
                ("桂花糕 · 八块", "Eight pieces"),
                ("45.00", "24.00"),
                15,
            ),
            ["自提", "To be fetched"],
            Shown::Cakes,
        ),
    ]
}

/// One thing of it: title, price and cost, units.
fn fetched(
    fulfilment: &str,
    (zh, en): (&str, &str),
    (price, cost): (&str, &str),
    units: u32,
) -> Value {
    let title = json!({ "zh": zh, "en": en });
    let terms = json!({ "title": title, "price": price, "cost": cost, "channel_fee": "0.6%", "fulfilment": fulfilment });
    json!([{ "terms": terms, "units": units }])
}

/// Packages whose gifts come after seven days: a thing of the shop, and a VIP level for a month.
fn with_gifts() -> Value {
    let package = |(zh, en): (&str, &str), price: &str, package: Value| {
        json!({
            "terms": {
                "title": { "zh": zh, "en": en }, "price": price, "cost": "0.00",
                "package": package, "channel_fee": "0.6%",
            },
            "units": 1_000,
        })
    };
    let (towels, worth) = Sku::Towels.listed();
    let towels = json!({ "sku": towels, "worth": worth });
    json!([
        package(
            (
                "500 元充值包，七天后送毛巾",
                "Package of 500, towels after seven days"
            ),
            Sku::CoinsAndTowels.listed().1,
            json!({ "coins": "500.00", "gift": "20.00", "unit": towels }),
        ),
        package(
            (
                "300 元充值包，七天后送 VIP 2 三十天",
                "Package of 300, VIP 2 for thirty days after seven"
            ),
            Sku::CoinsAndVip.listed().1,
            json!({ "coins": "300.00", "vip": { "level": 2, "days": 30 } }),
        ),
    ])
}

/// Does all of it through the API, as the operator would.
pub(super) async fn open(api: &Api, operator: &str) -> Result<(), String> {
    let mut coins = String::new();
    for (mut product, skus, [zh, en], shown) in sent().into_iter().chain(at_stores()) {
        let name = json!({ "name": { "zh": zh, "en": en } });
        let category = api.post(operator, "/console/categories", &name).await?;
        product["category"] = category["id"].clone();
        product["pictures"] = json!([api.picture(operator, png(shown)).await?]);
        let kept = api.post(operator, "/console/products", &product).await?;
        let id = text(&kept, "id")?;
        list(api, operator, &id, &skus).await?;
        if matches!(shown, Shown::Coins) {
            coins = id;
        }
    }
    // Last of all: their numbers come after those of what they give.
    list(api, operator, &coins, &with_gifts()).await
}

/// Has these things of a product on sale, with their stock.
async fn list(api: &Api, operator: &str, product: &str, skus: &Value) -> Result<(), String> {
    for sku in skus.as_array().into_iter().flatten() {
        let path = format!("/console/products/{product}/skus");
        let mut terms = sku["terms"].clone();
        terms["reason"] = json!("demonstration");
        let listed = api.post(operator, &path, &terms).await?;
        let path = format!("/console/skus/{}/stock", text(&listed, "id")?);
        let stock = json!({ "by": sku["units"], "reason": "demonstration" });
        api.post(operator, &path, &stock).await?;
    }
    Ok(())
}
