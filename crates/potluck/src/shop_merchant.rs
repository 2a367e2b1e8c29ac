//! The demonstration's merchant: a tea house that applies, is admitted, opens a store and has
//! two campaigns: a draw, and a treat under which its cashier opens tables.

use reqwest::Client;
use serde_json::{Value, json};

use crate::shop::{get, post, session};

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

/// Two to eight guests, bills of 40 to 800 yuan; one of them is drawn to pay it, the others get 2 yuan from the tea house.
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
        "reward": [{ "program": "consolation", "cash": "2.00" }],
    })
}

/// Does all of it through the API, as the merchant and the operator would.
pub(crate) async fn open(
    client: &Client,
    api: &str,
    operator: &str,
    password: &str,
) -> Result<(), String> {
    let member = member(client, api).await?;
    let applied = json!({ "name": "湖畔茶馆", "contact": "湖滨路 1 号" });
    let path = format!("{api}/me/merchant-application");
    let application = post(client, &path, &member, &applied).await?;
    let path = format!(
        "{api}/console/merchant-applications/{}/admit",
        id(&application["id"])?
    );
    let contract = json!({ "commission": "10%", "cash": "store" });
    let admit = json!({ "contract": contract, "reason": "demonstration" });
    let admitted = post(client, &path, operator, &admit).await?;
    let path = format!(
        "{api}/console/merchants/{}/staff",
        id(&admitted["merchant"])?
    );
    let staff = json!({ "name": MERCHANT, "password": password });
    post(client, &path, operator, &staff).await?;
    let signing_in = json!({ "name": MERCHANT, "password": password });
    let merchant = session(client, &format!("{api}/operator/sign-in"), &signing_in).await?;
    let store = json!({ "name": "湖滨店", "address": "湖滨路 1 号" });
    let opened = post(client, &format!("{api}/merchant/stores"), &merchant, &store).await?;
    let cashier = json!({ "name": CASHIER, "password": password, "store": opened["store"] });
    post(
        client,
        &format!("{api}/merchant/staff"),
        &merchant,
        &cashier,
    )
    .await?;
    for campaign in [campaign(), treat()] {
        let path = format!("{api}/merchant/drafts");
        let draft = post(client, &path, &merchant, &campaign).await?;
        let path = format!("{api}/console/drafts/{}/publish", id(&draft["id"])?);
        let reason = json!({ "reason": "demonstration" });
        post(client, &path, operator, &reason).await?;
    }
    Ok(())
}

/// Signs a member in with the code from the demonstration's inbox.
async fn member(client: &Client, api: &str) -> Result<String, String> {
    let phone = json!({ "phone": PHONE });
    post(client, &format!("{api}/sign-in/codes"), "", &phone).await?;
    let inbox = get(client, &format!("{api}/demo/inbox?phone={PHONE}")).await?;
    let code = &inbox["items"][0]["code"];
    let body = json!({ "phone": PHONE, "code": code });
    session(client, &format!("{api}/sign-in"), &body).await
}

fn id(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("an answer without a number: {value}"))
}
