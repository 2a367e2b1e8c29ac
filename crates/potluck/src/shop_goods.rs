//! What the demonstration sells without a group: a tea set in two sizes, a towel, a package of coins, a voucher and a box that is
//! fetched at a store, with categories and a stock.

use reqwest::Client;
use serde_json::{Value, json};

use crate::{shop::post, shop_life::text};

/// Title and text, what is sold of it (title, price, cost, units), and its category.
type Good = (Value, Value, [&'static str; 2]);

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

/// Does all of it through the API, as the operator would; the numbers of what is sold.
pub(crate) async fn open(
    client: &Client,
    api: &str,
    operator: &str,
) -> Result<Vec<String>, String> {
    let mut sold = Vec::new();
    for (mut product, skus, [zh, en]) in sent().into_iter().chain(at_stores()) {
        let name = json!({ "name": { "zh": zh, "en": en } });
        let path = format!("{api}/console/categories");
        let category = post(client, &path, operator, &name).await?;
        product["category"] = category["id"].clone();
        let path = format!("{api}/console/products");
        let kept = post(client, &path, operator, &product).await?;
        let path = format!("{api}/console/products/{}/skus", text(&kept, "id")?);
        for sku in skus.as_array().into_iter().flatten() {
            let listed = post(client, &path, operator, &sku["terms"]).await?;
            let stock = json!({ "by": sku["units"], "reason": "demonstration" });
            let number = text(&listed, "id")?;
            let path = format!("{api}/console/skus/{number}/stock");
            post(client, &path, operator, &stock).await?;
            sold.push(number);
        }
    }
    Ok(sold)
}
