//! What the demonstration sells without a group: a tea set in two sizes, a towel and a package of coins, with categories and a
//! stock.

use reqwest::Client;
use serde_json::{Value, json};

use crate::shop::post;

/// Name, text, category and what is sold of it: title, price, cost, units.
fn goods() -> [(Value, Value, [&'static str; 2]); 3] {
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

/// Does all of it through the API, as the operator would.
pub(crate) async fn open(client: &Client, api: &str, operator: &str) -> Result<(), String> {
    for (mut product, skus, [zh, en]) in goods() {
        let name = json!({ "name": { "zh": zh, "en": en } });
        let path = format!("{api}/console/categories");
        let category = post(client, &path, operator, &name).await?;
        product["category"] = category["id"].clone();
        let path = format!("{api}/console/products");
        let kept = post(client, &path, operator, &product).await?;
        let path = format!("{api}/console/products/{}/skus", number(&kept)?);
        for sku in skus.as_array().into_iter().flatten() {
            let listed = post(client, &path, operator, &sku["terms"]).await?;
            let stock = json!({ "by": sku["units"], "reason": "demonstration" });
            let path = format!("{api}/console/skus/{}/stock", number(&listed)?);
            post(client, &path, operator, &stock).await?;
        }
    }
    Ok(())
}

fn number(answer: &Value) -> Result<&str, String> {
    let number = answer["id"].as_str();
    number.ok_or_else(|| format!("an answer without a number: {answer}"))
}
