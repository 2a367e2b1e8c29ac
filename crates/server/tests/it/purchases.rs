//! The shop over HTTP: products and pictures, stock, direct purchases paid in cash and coins, addresses (rules 9.4, 10.6).

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Caller, Got, Site, yuan};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand what follows";

fn words(zh: &str, en: &str) -> Value {
    json!({ "zh": zh, "en": en })
}

fn product() -> Value {
    json!({ "title": words("茶壶", "Teapot"), "text": words("紫砂", "Clay") })
}

/// 100.00 each, 60.00 of it the supplier's.
fn sku() -> Value {
    json!({ "title": words("茶壶 小", "Small teapot"), "price": "100.00", "cost": "60.00", "reason": "new" })
}

pub(crate) fn field(got: &Got, name: &str) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()[name].as_str().unwrap().to_owned()
}

/// A thing with so many units on sale.
pub(crate) async fn listed(operator: &Caller, units: i32) -> String {
    let product = field(&operator.post("/console/products", product()).await, "id");
    let path = format!("/console/products/{product}/skus");
    let id = field(&operator.post(&path, sku()).await, "id");
    let body = json!({ "by": units, "reason": "delivered" });
    let path = format!("/console/skus/{id}/stock");
    assert_eq!(operator.post(&path, body).await.status, 200);
    id
}

pub(crate) async fn buy(member: &Caller, sku: &str, units: u32, coins: &str, key: &str) -> Got {
    let body = json!({ "units": units, "price": "100.00", "coins": coins });
    let path = format!("/skus/{sku}/buy");
    member.post_keyed(&path, body, key).await
}

pub(crate) async fn state(site: &Site, member: &Caller, id: &str, state: &str) -> Value {
    let path = format!("/purchases/{id}");
    site.until(&format!("purchase {id} is {state}"), async || {
        let page = member.get(&path).await.json();
        (page["state"] == state).then_some(page)
    })
    .await
}

pub(crate) async fn order_no(site: &Site, id: &str) -> String {
    let beginning = format!("p{id}-");
    let orders = site.orders().await;
    let found = orders
        .into_iter()
        .find(|order| order.starts_with(&beginning));
    found.expect("an order for the purchase")
}

async fn upload(operator: &Caller, bytes: &[u8]) -> Got {
    let request = operator.request(Method::POST, "/console/pictures");
    let request = request
        .header("content-type", "image/png")
        .header("idempotency-key", "picture")
        .body(bytes.to_vec());
    Got::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn products_have_pictures_texts_and_a_stock() {
    let site = Site::open().await;
    let operator = site.operator().await;
    upload(&operator, b"<svg onload=alert(1)>")
        .await
        .is_problem(415, "picture_invalid");
    let mut large = PNG.to_vec();
    large.resize(512 * 1024 + 1, 0);
    upload(&operator, &large)
        .await
        .is_problem(413, "body_too_large");
    large.truncate(512 * 1024);
    assert_eq!(upload(&operator, &large).await.status, 200);
    let hash = field(&upload(&operator, PNG).await, "hash");
    assert_eq!(field(&upload(&operator, PNG).await, "hash"), hash);
    let anyone = site.anyone();
    let got = anyone.get(&format!("/shop/pictures/{hash}")).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.bytes, PNG);
    assert_eq!(got.headers["content-type"], "image/png");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    let other = format!("/shop/pictures/{}", "0".repeat(64));
    anyone.get(&other).await.is_problem(404, "picture_unknown");

    let body = json!({ "name": words("茶具", "Tea things") });
    let category = field(
        &operator.post("/console/categories", body.clone()).await,
        "id",
    );
    assert_eq!(
        field(&operator.post("/console/categories", body).await, "id"),
        category
    );
    let mut wanted = product();
    wanted["category"] = json!("99");
    let got = operator.post("/console/products", wanted.clone()).await;
    got.is_problem(422, "category_unknown");
    wanted["category"] = json!(category);
    wanted["pictures"] = json!(["0".repeat(64)]);
    let got = operator.post("/console/products", wanted.clone()).await;
    got.is_problem(422, "picture_unknown");
    wanted["pictures"] = json!([hash]);
    wanted["text"]["zh"] = json!("稳 赚 不赔");
    let got = operator.post("/console/products", wanted.clone()).await;
    got.is_problem(422, "promise_forbidden");
    wanted["text"]["zh"] = json!("紫砂\n两杯");
    let id = field(
        &operator
            .post_keyed("/console/products", wanted.clone(), "p")
            .await,
        "id",
    );
    let again = operator
        .post_keyed("/console/products", wanted.clone(), "p")
        .await;
    assert_eq!(field(&again, "id"), id);
    let path = format!("/console/products/{id}/skus");
    let mut bad = sku();
    bad["title"]["en"] = json!("risk-free");
    operator
        .post(&path, bad)
        .await
        .is_problem(422, "promise_forbidden");
    let mut bad = sku();
    bad.as_object_mut().unwrap().remove("reason");
    operator
        .post(&path, bad)
        .await
        .is_problem(422, "body_invalid");
    let mut bad = sku();
    bad["price"] = json!("0.00");
    operator
        .post(&path, bad)
        .await
        .is_problem(422, "sku_invalid");
    let sku = field(&operator.post(&path, sku()).await, "id");
    let stock = format!("/console/skus/{sku}/stock");
    let got = operator
        .post(&stock, json!({ "by": 5, "reason": " " }))
        .await;
    got.is_problem(422, "body_invalid");
    let body = json!({ "by": 5, "reason": "delivered" });
    assert_eq!(operator.post(&stock, body).await.status, 200);
    let got = operator
        .post(&stock, json!({ "by": -6, "reason": "broken" }))
        .await;
    got.is_problem(409, "out_of_stock");
    assert_eq!(got.json()["free"], 5);

    let shown = anyone
        .get(&format!("/shop/products?category={category}"))
        .await
        .json();
    let shown = &shown["items"][0];
    assert_eq!(
        (&shown["title"]["en"], &shown["pictures"][0]),
        (&json!("Teapot"), &json!(hash))
    );
    let card = &shown["skus"][0];
    assert_eq!(
        (&card["price"], &card["free"]),
        (&json!("100.00"), &json!(5))
    );
    assert_eq!(card["coin_offset"], "10%");
    assert!(
        card.get("cost").is_none(),
        "what it costs the platform is nobody's business"
    );
    let lines = operator.get("/console/skus").await.json();
    assert_eq!(lines["items"][0]["cost"], "60.00");
    let close = format!("/console/skus/{sku}/close");
    assert_eq!(
        operator
            .post(&close, json!({ "reason": "sold out" }))
            .await
            .status,
        200
    );
    let shown = anyone.get(&format!("/shop/products/{id}")).await.json();
    assert_eq!(shown["skus"], json!([]));
    let decisions = operator.get("/console/decisions").await.json();
    let items = &decisions["items"];
    assert_eq!(
        (&items[0]["what"], &items[0]["reason"], &items[1]["what"]),
        (
            &json!("close-sku"),
            &json!("sold out"),
            &json!("adjust-stock")
        )
    );
    // Each stands there once, however often it was asked for: the picture and the category twice, the product under one key.
    for (what, subject, reason) in [
        ("add-category", Some(category.as_str()), "added"),
        ("add-product", Some(id.as_str()), "texts and pictures"),
        ("list-sku", Some(sku.as_str()), "new"),
    ] {
        let lines = items.as_array().unwrap().iter().filter(|line| {
            line["what"] == what && line["reason"] == reason && line["operator"] == "0"
        });
        let about: Vec<Option<&str>> = lines.map(|line| line["subject"].as_str()).collect();
        assert_eq!(about, [subject], "{decisions}");
    }
    let pictures = items.as_array().unwrap().iter();
    let pictures = pictures.filter(|line| line["what"] == "add-picture");
    assert_eq!(pictures.count(), 2, "{decisions}");
    // Texts change for a reason, if one is given.
    let mut other = product();
    other["reason"] = json!("a letter was missing");
    let path = format!("/console/products/{id}");
    assert_eq!(operator.post(&path, other).await.status, 200);
    let decisions = operator.get("/console/decisions").await.json();
    let newest = &decisions["items"][0];
    assert_eq!(
        (&newest["what"], &newest["reason"]),
        (&json!("change-product"), &json!("a letter was missing"))
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_purchase_is_paid_sent_returned_and_paid_back() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (member, other) = (site.member(1, None).await, site.member(2, None).await);
    let sku = listed(&operator, 2).await;
    let held = site.provider_books().await.held_fen;

    let got = buy(&member, &sku, 1, "0.01", "k1").await;
    got.is_problem(409, "coins_short");
    buy(&member, &sku, 3, "0.00", "k1")
        .await
        .is_problem(409, "out_of_stock");
    let bad = json!({ "units": 1, "price": "99.99" });
    let got = member.post(&format!("/skus/{sku}/buy"), bad).await;
    got.is_problem(409, "price_changed");
    assert_eq!(got.json()["price"], "100.00");
    let got = buy(&member, &sku, 2, "0.00", "k1").await;
    let id = field(&got, "id");
    assert!(got.json()["pay_url"].is_string());
    assert_eq!(field(&buy(&member, &sku, 2, "0.00", "k1").await, "id"), id);
    buy(&other, &sku, 1, "0.00", "k2")
        .await
        .is_problem(409, "out_of_stock");
    let path = format!("/purchases/{id}");
    other.get(&path).await.is_problem(404, "purchase_unknown");

    // Where it is sent stands in the directory, and only the buyer and the staff know.
    let place = json!({ "name": "王小明", "phone": "13800000001", "region": "330106", "address": "文三路 1 号" });
    let mut nowhere = place.clone();
    nowhere["region"] = json!("330100");
    let delivery = format!("/purchases/{id}/delivery");
    member
        .post(&delivery, nowhere)
        .await
        .is_problem(422, "region_unknown");
    assert_eq!(member.post(&delivery, place.clone()).await.status, 200);
    other
        .post(&delivery, place.clone())
        .await
        .is_problem(404, "purchase_unknown");
    let seen = operator.get(&format!("/console{delivery}")).await.json();
    assert_eq!(seen["delivery"], place);

    let order = order_no(&site, &id).await;
    site.pay_order(&order).await;
    state(&site, &member, &id, "paid").await;
    assert_eq!(site.provider_books().await.held_fen - held, yuan(200));
    // The same payment announced again, or paid a second time, changes nothing or goes back.
    let ship = format!("/console/purchases/{id}/ship");
    let receive = format!("/purchases/{id}/receive");
    member
        .post(&receive, json!({}))
        .await
        .is_problem(409, "purchase_state");
    let parcel = json!({ "carrier": "顺丰", "number": "SF1" });
    assert_eq!(operator.post(&ship, parcel).await.status, 200);
    let decisions = operator.get("/console/decisions").await.json();
    let newest = &decisions["items"][0];
    assert_eq!(
        (&newest["what"], &newest["subject"], &newest["reason"]),
        (&json!("ship-purchase"), &json!(id), &json!("shipped"))
    );
    member
        .post(&delivery, place)
        .await
        .is_problem(409, "purchase_state");
    let page = state(&site, &member, &id, "shipped").await;
    assert_eq!(
        (&page["carrier"], &page["number"]),
        (&json!("顺丰"), &json!("SF1"))
    );
    other
        .post(&receive, json!({}))
        .await
        .is_problem(404, "purchase_unknown");
    assert_eq!(member.post(&receive, json!({})).await.status, 200);
    let back = format!("/purchases/{id}/return");
    assert_eq!(member.post(&back, json!({})).await.status, 200);
    let take = format!("/console/purchases/{id}/take-back");
    let why = json!({ "reason": "arrived whole" });
    assert_eq!(operator.post(&take, why).await.status, 200);
    state(&site, &member, &id, "returned").await;
    site.settled_books().await;
    site.until("the money is back at the payer", async || {
        (site.provider_books().await.held_fen == held).then_some(())
    })
    .await;
    let lines = operator.get("/console/skus").await.json();
    assert_eq!(
        (&lines["items"][0]["free"], &lines["items"][0]["own"]),
        (&json!(2), &json!(2))
    );
    let all = operator
        .get("/console/purchases?state=returned")
        .await
        .json();
    assert_eq!(
        (&all["items"][0]["id"], &all["items"][0]["cost"]),
        (&json!(id), &json!("120.00"))
    );
    // Asked for again, however late, it is the same purchase.
    site.advance_s(3 * 86_400);
    assert_eq!(field(&buy(&member, &sku, 2, "0.00", "k1").await, "id"), id);
    assert_eq!(
        member.get("/me/purchases").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    site.close().await;
}

/// Until it is on its way the member gives it up, and an operator what he cannot send: the money goes back, the units are free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_and_not_sent_is_given_up() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let sku = listed(&operator, 2).await;
    let held = site.provider_books().await.held_fen;
    for by_operator in [false, true] {
        let key = format!("k{by_operator}");
        let id = field(&buy(&member, &sku, 1, "0.00", &key).await, "id");
        let order = order_no(&site, &id).await;
        site.pay_order(&order).await;
        state(&site, &member, &id, "paid").await;
        let give_up = format!("/console/purchases/{id}/give-up");
        let why = json!({ "reason": "there is no address" });
        let got = if by_operator {
            operator.post(&give_up, why.clone()).await
        } else {
            member
                .post(&format!("/purchases/{id}/cancel"), json!({}))
                .await
        };
        assert_eq!(got.status, 200);
        state(&site, &member, &id, "returned").await;
        operator
            .post(&give_up, why)
            .await
            .is_problem(404, "purchase_unknown");
        site.settled_books().await;
        site.until("the money is back at the payer", async || {
            (site.provider_books().await.held_fen == held).then_some(())
        })
        .await;
    }
    let lines = operator.get("/console/skus").await.json();
    assert_eq!(
        (&lines["items"][0]["free"], &lines["items"][0]["own"]),
        (&json!(2), &json!(0))
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_comes_too_late_goes_back_and_one_unseen_is_found() {
    let mut site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let sku = listed(&operator, 2).await;
    let held = site.provider_books().await.held_fen;
    let late = field(&buy(&member, &sku, 1, "0.00", "k1").await, "id");
    let order = order_no(&site, &late).await;
    // He gives it up while his payment is on its way.
    let cancel = format!("/purchases/{late}/cancel");
    assert_eq!(member.post(&cancel, json!({})).await.status, 200);
    state(&site, &member, &late, "lapsed").await;
    site.pay_order(&order).await;
    site.until("the late payment is back", async || {
        let refunds = member.get("/me/refunds").await.json();
        let books = operator.get("/books").await.json();
        let quiet = books["in_flight_refunds"] == "0.00" && refunds["total"] == "0.00";
        (quiet && bounced(&member).await == 1).then_some(())
    })
    .await;
    assert_eq!(site.provider_books().await.held_fen, held);
    state(&site, &member, &late, "lapsed").await;

    // Another is paid while the server is away: it is found by asking, and paid once.
    let id = field(&buy(&member, &sku, 1, "0.00", "k2").await, "id");
    let order = order_no(&site, &id).await;
    site.stop_server().await;
    site.pay_order(&order).await;
    site.start_server().await;
    let got = member.get(&format!("/purchases/{id}?refresh=true")).await;
    assert_eq!(got.json()["state"], "paid", "{}", got.text());
    assert_eq!(site.provider_books().await.held_fen - held, yuan(100));
    site.close().await;
}

/// How many lines of the member's say that a payment went straight back.
async fn bounced(member: &Caller) -> usize {
    let lines = member.lines("in_groups").await;
    lines
        .iter()
        .filter(|line| line["why"]["kind"] == "bounced")
        .count()
}

/// A merchant with a store and two cashiers there.
async fn cashiers(site: &Site, operator: &Caller, applicant: &Caller) -> (String, [Caller; 2]) {
    let body = json!({ "name": "湖畔茶馆", "contact": "1 号" });
    let applied = applicant.post("/me/merchant-application", body).await;
    let id = field(&applied, "id");
    let contract = json!({ "commission": "10%", "cash": "store" });
    let body = json!({ "contract": contract, "reason": "seen" });
    let path = format!("/console/merchant-applications/{id}/admit");
    let merchant = field(&operator.post(&path, body).await, "merchant");
    let staff = format!("/console/merchants/{merchant}/staff");
    let body = json!({ "name": "teaboss", "password": "a long password", "reason": "seen" });
    assert!(operator.post(&staff, body).await.status.is_success());
    let boss = site
        .sign_in_operator("teaboss", "a long password")
        .await
        .unwrap();
    let body = json!({ "name": "湖滨店", "address": "1 号" });
    let store = field(&boss.post("/merchant/stores", body).await, "store");
    let mut found = Vec::new();
    for name in ["cashier-one", "cashier-two"] {
        let body =
            json!({ "name": name, "password": "a long password", "store": store, "reason": "new" });
        let got = operator.post(&staff, body).await;
        assert!(got.status.is_success(), "{}", got.text());
        let cashier = site.sign_in_operator(name, "a long password").await;
        found.push(cashier.unwrap());
    }
    (store, found.try_into().ok().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_cashiers_one_redeems_a_voucher() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (member, other) = (site.member(1, None).await, site.member(2, None).await);
    let (store, [one, two]) = cashiers(&site, &operator, &other).await;
    let product = field(&operator.post("/console/products", product()).await, "id");
    let path = format!("/console/products/{product}/skus");
    let mut wanted = sku();
    wanted["fulfilment"] = json!("voucher");
    wanted["stores"] = json!(["7"]);
    let got = operator.post(&path, wanted.clone()).await;
    got.is_problem(404, "store_unknown");
    wanted["stores"] = json!([store]);
    let sku = field(&operator.post(&path, wanted).await, "id");
    let stock = json!({ "by": 1, "reason": "printed" });
    let path = format!("/console/skus/{sku}/stock");
    assert_eq!(operator.post(&path, stock).await.status, 200);
    let shown = member
        .get(&format!("/shop/products/{product}"))
        .await
        .json();
    assert_eq!(shown["skus"][0]["stores"], json!([store]));
    assert_eq!(shown["skus"][0]["voucher_days"], 90);

    let id = field(&buy(&member, &sku, 1, "0.00", "k").await, "id");
    let path = format!("/purchases/{id}/code");
    member.get(&path).await.is_problem(409, "purchase_state");
    site.pay_order(&order_no(&site, &id).await).await;
    state(&site, &member, &id, "paid").await;
    other.get(&path).await.is_problem(404, "purchase_unknown");
    let code = field(&member.get(&path).await, "code");
    assert_eq!(code.len(), 10);
    assert_eq!(field(&member.get(&path).await, "code"), code);
    let wrong = json!({ "code": "2222222222" });
    one.post("/cashier/redeem", wrong)
        .await
        .is_problem(404, "code_unknown");
    member
        .post("/cashier/redeem", json!({ "code": code }))
        .await
        .is_problem(401, "not_signed_in");
    operator
        .post("/cashier/redeem", json!({ "code": code }))
        .await
        .is_problem(403, "role_missing");
    // Both at once, as people type it.
    let typed = json!({ "code": format!("{}-{}", &code[..5].to_lowercase(), &code[5..]) });
    let (first, second) = tokio::join!(
        one.post_keyed("/cashier/redeem", typed.clone(), "r"),
        two.post_keyed("/cashier/redeem", typed.clone(), "r"),
    );
    let (won, lost, winner) = if first.status == 200 {
        (first, second, &one)
    } else {
        (second, first, &two)
    };
    assert_eq!(won.json()["title"]["en"], "Small teapot");
    lost.is_problem(409, "code_used");
    // Who has won is told the same again.
    let again = winner.post_keyed("/cashier/redeem", typed, "r").await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["seq"]),
        (200, &won.json()["seq"])
    );
    let page = state(&site, &member, &id, "kept").await;
    assert_eq!(page["store"], json!(store));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coins_are_bought_used_and_paid_back() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (member, other) = (site.member(1, None).await, site.member(2, None).await);
    let goods = listed(&operator, 5).await;
    let product = field(&operator.post("/console/products", product()).await, "id");
    let path = format!("/console/products/{product}/skus");
    let wanted = json!({
        "title": words("充值 100", "Recharge 100"), "price": "100.00", "cost": "0.00",
        "package": { "coins": "300.00", "gift": "5.00" }, "reason": "new",
    });
    let package = field(&operator.post(&path, wanted).await, "id");
    let stock = json!({ "by": 9, "reason": "as many as there may be" });
    let path = format!("/console/skus/{package}/stock");
    assert_eq!(operator.post(&path, stock).await.status, 200);
    let shown = member
        .get(&format!("/shop/products/{product}"))
        .await
        .json();
    assert_eq!(shown["skus"][0]["package"]["coins"], "300.00");
    let held = site.provider_books().await.held_fen;

    let id = field(&buy(&member, &package, 1, "0.00", "k1").await, "id");
    site.pay_order(&order_no(&site, &id).await).await;
    state(&site, &member, &id, "kept").await;
    let mine = member.get("/me/recharges").await.json();
    assert_eq!(
        (&mine["bought"], &mine["free"]),
        (&json!("300.00"), &json!("300.00"))
    );
    let books = operator.get("/books").await.json();
    let custody = books["owed"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["kind"] == "custody");
    assert_eq!(custody.unwrap()["amount"], "100.00");
    assert_eq!(
        operator.get("/console/coins").await.json()["bought"],
        "300.00"
    );
    // Ten coins pay a tenth of a bill; what they were bought with is the platform's.
    let used = field(&buy(&member, &goods, 1, "10.00", "k2").await, "id");
    site.pay_order(&order_no(&site, &used).await).await;
    state(&site, &member, &used, "paid").await;
    let mine = member.get("/me/recharges").await.json();
    let item = &mine["items"][0];
    assert_eq!(
        (&item["left"], &item["refundable"]),
        (&json!("290.00"), &json!("96.66"))
    );
    let path = format!("/recharges/{id}/refund");
    other
        .post(&path, json!({}))
        .await
        .is_problem(404, "recharge_unknown");
    assert_eq!(member.post(&path, json!({})).await.status, 200);
    member
        .post(&path, json!({}))
        .await
        .is_problem(404, "recharge_unknown");
    site.settled_books().await;
    // 100.00 and 90.00 came in, 96.66 went back: the provider did as the books say.
    site.until("the rest is back at the payer", async || {
        let now = site.provider_books().await.held_fen;
        (now - held == 10_000 + 9_000 - 9_666).then_some(())
    })
    .await;
    assert_eq!(member.get("/me/recharges").await.json()["items"], json!([]));
    state(&site, &member, &id, "returned").await;
    site.close().await;
}

/// A package gives a teapot and a VIP level when its seven days are over; the teapot is sent like anything that was bought.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_package_gives_a_thing_and_a_level() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let thing = listed(&operator, 1).await;
    let product = field(&operator.post("/console/products", product()).await, "id");
    let path = format!("/console/products/{product}/skus");
    let wanted = |unit: Value| {
        json!({
            "title": words("充值 100", "Recharge 100"), "price": "100.00", "cost": "0.00",
            "package": { "coins": "300.00", "unit": unit, "vip": { "level": 2, "days": 30 } },
            "reason": "new",
        })
    };
    for unit in [
        json!({ "sku": "x", "worth": "1.00" }),
        json!({ "sku": thing, "worth": "100.01" }),
    ] {
        let got = operator.post(&path, wanted(unit)).await;
        assert_eq!(got.status, 422, "{}", got.text());
    }
    let unit = json!({ "sku": thing, "worth": "60.00" });
    let package = field(&operator.post(&path, wanted(unit.clone())).await, "id");
    let stock = json!({ "by": 9, "reason": "as many as there may be" });
    let path = format!("/console/skus/{package}/stock");
    assert_eq!(operator.post(&path, stock).await.status, 200);
    let path = format!("/shop/products/{product}");
    let shown = member.get(&path).await.json()["skus"][0]["package"].clone();
    assert_eq!(shown["unit"], unit);
    assert_eq!(shown["vip"], json!({ "level": 2, "days": 30 }));

    let id = field(&buy(&member, &package, 1, "0.00", "k1").await, "id");
    let late = site.member(2, None).await;
    buy(&late, &package, 1, "0.00", "k2")
        .await
        .is_problem(409, "out_of_stock");
    site.pay_order(&order_no(&site, &id).await).await;
    state(&site, &member, &id, "kept").await;
    let due = member.get("/me/recharges").await.json()["items"][0].clone();
    assert_eq!((&due["unit"], &due["vip"]["level"]), (&unit, &json!(2)));
    assert_eq!(due["gift"], Value::Null);
    assert_eq!(member.get("/me").await.json()["vip_given"], Value::Null);
    site.advance_s(7 * 86_400);
    let given = site
        .until("the teapot is there", async || {
            let page = member.get("/me/purchases").await.json();
            let first = page["items"][0].clone();
            (first["is_gift"] == true).then_some(first)
        })
        .await;
    assert_eq!(
        (&given["sku"], &given["state"], &given["bill"]),
        (&json!(thing), &json!("paid"), &json!("0.00"))
    );
    let me = member.get("/me").await.json();
    assert_eq!(
        (&me["vip"], &me["vip_given"]["level"]),
        (&json!(2), &json!(2))
    );
    let gift = given["id"].as_str().unwrap();
    let address =
        json!({ "name": "王", "phone": "13900000000", "region": "330106", "address": "1" });
    let got = member
        .post(&format!("/purchases/{gift}/delivery"), address)
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    let ship = json!({ "carrier": "SF", "number": "1" });
    // A week is longer than an operator stays signed in.
    let operator = site.operator().await;
    let got = operator
        .post(&format!("/console/purchases/{gift}/ship"), ship)
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    let got = member
        .post(&format!("/purchases/{gift}/receive"), json!({}))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    member
        .post(&format!("/purchases/{gift}/return"), json!({}))
        .await
        .is_problem(409, "purchase_state");
    let told = member.get("/me/notices").await.json();
    let kinds: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert!(
        kinds.contains(&&json!("unit_given")) && kinds.contains(&&json!("vip_given")),
        "{kinds:?}"
    );
    // He keeps the teapot, and has the rest of his money back: 100.00 - 60.00.
    let due = member.get("/me/recharges").await.json()["items"][0].clone();
    assert_eq!(due["refundable"], "40.00");
    let got = member
        .post(&format!("/recharges/{id}/refund"), json!({}))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(member.get("/me").await.json()["vip_given"], Value::Null);
    site.settled_books().await;
    site.close().await;
}
