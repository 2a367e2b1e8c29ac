//! The demonstration's merchant: a tea house that applies, is admitted, opens a store and has
//! two campaigns: a draw, and a treat under which its cashier opens tables. A third waits for its review.

use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    shop::{member, post, session},
    shop_life::{Life, text},
};

/// What somebody who acts for the merchant signs in with; the password is the operator's.
pub(crate) const MERCHANT: &str = "teahouse";
/// As whom a cashier at its store signs in, with the same password.
pub(crate) const CASHIER: &str = "teahouse-till";
/// The member who applied.
const PHONE: &str = "13800000002";

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
pub(crate) fn second_campaign() -> Value {
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

/// Does all of it through the API, as the merchant and the operator would; what goes on in the shop from then on.
pub(crate) async fn open(
    client: Client,
    api: String,
    operator: String,
    password: &str,
) -> Result<Life, String> {
    let skus = crate::shop_goods::open(&client, &api, &operator).await?;
    let (applicant, _) = member(&client, &api, PHONE, &Value::Null).await?;
    let send = async |path: &str, cookie: &str, body: Value| {
        post(&client, &format!("{api}{path}"), cookie, &body).await
    };
    let staff = |name: &str| json!({ "name": name, "password": password });
    let sign_in = format!("{api}/operator/sign-in");
    let why = || json!({ "reason": "demonstration" });
    let applied = json!({ "name": "湖畔茶馆", "contact": "湖滨路 1 号" });
    let applied = send("/me/merchant-application", &applicant, applied).await?;
    let application = text(&applied, "id")?;
    let path = format!("/console/merchant-applications/{application}/admit");
    let mut admit = why();
    admit["contract"] = json!({ "commission": "10%", "settlement": "20%", "cash": "store" });
    let house = text(&send(&path, &operator, admit).await?, "merchant")?;
    let path = format!("/console/merchants/{house}/staff");
    send(&path, &operator, staff(MERCHANT)).await?;
    let merchant = session(&client, &sign_in, &staff(MERCHANT)).await?.0;
    let store = json!({ "name": "湖滨店", "address": "湖滨路 1 号" });
    let store = send("/merchant/stores", &merchant, store).await?;
    let mut cashier = staff(CASHIER);
    cashier["store"] = store["store"].clone();
    send("/merchant/staff", &merchant, cashier).await?;
    let cashier = session(&client, &sign_in, &staff(CASHIER)).await?.0;
    let mut template = String::new();
    for campaign in [campaign(), treat()] {
        let draft = send("/merchant/drafts", &merchant, campaign).await?;
        let path = format!("/console/drafts/{}/publish", text(&draft, "id")?);
        template = text(&send(&path, &operator, why()).await?, "id")?;
    }
    Ok(Life {
        client,
        api,
        operator,
        merchant,
        cashier,
        house,
        template,
        skus,
    })
}
