//! Payments at counters over HTTP (rules 10.4): a code of a minute, one payment each, and who may see and take back what.

use engine::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Caller, Got, Site};

#[track_caller]
pub(crate) fn done(got: &Got) -> Value {
    assert!(got.status.is_success(), "{}", got.text());
    got.json()
}

/// A merchant whose stores take the cash.
pub(crate) struct Merchant {
    pub(crate) id: String,
    pub(crate) caller: Caller,
}

pub(crate) async fn merchant(site: &Site, operator: &Caller, number: u32) -> Merchant {
    let member = site.member(number, None).await;
    let applied = json!({ "name": format!("饭店 {number}"), "contact": "13900000000" });
    let applied = done(&member.post("/me/merchant-application", applied).await);
    let application = applied["id"].as_str().unwrap();
    let contract = json!({ "commission": "10%", "settlement": "20%", "cash": "store" });
    let body = json!({ "contract": contract, "reason": "papers seen" });
    let admit = format!("/console/merchant-applications/{application}/admit");
    let admitted = done(&operator.post(&admit, body).await);
    let id = admitted["merchant"].as_str().unwrap().to_owned();
    let login = format!("merchant{number}");
    let staff = json!({ "name": login, "password": "rice rice rice", "reason": "papers seen" });
    let path = format!("/console/merchants/{id}/staff");
    done(&operator.post(&path, staff).await);
    let caller = site.sign_in_operator(&login, "rice rice rice").await;
    let caller = caller.unwrap();
    Merchant { id, caller }
}

impl Merchant {
    /// A new store and its cashier.
    pub(crate) async fn store(&self, site: &Site, name: &str) -> (String, Caller) {
        let store = json!({ "name": name, "address": "杭州" });
        let opened = done(&self.caller.post("/merchant/stores", store).await);
        let store = opened["store"].as_str().unwrap().to_owned();
        let staff = json!({ "name": name, "password": "rice rice rice", "store": store });
        done(&self.caller.post("/merchant/staff", staff).await);
        let cashier = site.sign_in_operator(name, "rice rice rice").await;
        (store, cashier.unwrap())
    }

    pub(crate) async fn owes(&self) -> Value {
        done(&self.caller.get("/merchant/me").await)["owes"].clone()
    }
}

/// Two members, of whom the first has won coins: 50.00.
pub(crate) async fn with_coins(site: &Site) -> [Caller; 2] {
    let campaign = site
        .publish(json!({
            "name": { "zh": "抽一份茶", "en": "Tea for one" },
            "kind": "draw",
            "profile": "seed",
            "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
            "group": { "price": "10.00", "seats": 2, "winners": 1 },
            "reward": [{ "program": "consolation", "coins": "50.00" }],
        }))
        .await;
    let crowd: [Caller; 2] = site
        .crowd(2)
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("two"));
    let (group, payment) = crowd[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&crowd[0], &payment, "paid").await;
    site.pay(&crowd[1].join(&group).await).await;
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    let coins = crowd[0].get("/me/coins").await.json()["coins"].clone();
    let [first, second] = crowd;
    if coins == "50.00" {
        [first, second]
    } else {
        [second, first]
    }
}

pub(crate) async fn code_of(member: &Caller) -> Value {
    done(&member.post("/me/counter-code", json!({})).await)
}

pub(crate) fn bill(code: &Value, bill: &str) -> Value {
    json!({ "code": code["code"], "bill": bill })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_over_http_and_back() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let (store, cashier) = shop.store(&site, "西湖店").await;
    let [member, poor] = with_coins(&site).await;
    let page = done(&cashier.get("/counter/me").await);
    assert_eq!(
        page,
        json!({ "store": store, "name": "西湖店", "address": "杭州", "open": true, "offset": "10%" })
    );

    let code = code_of(&member).await;
    assert_eq!(
        (&code["coins"], &code["offset"]),
        (&json!("50.00"), &json!("10%"))
    );
    let paid = cashier
        .post_keyed("/counter/payments", bill(&code, "100.00"), "k")
        .await;
    let paid = done(&paid);
    for (field, value) in [
        ("bill", json!("100.00")),
        ("coins", json!("10.00")),
        ("cash", json!("90.00")),
        ("kept", json!("20.00")),
        ("state", json!("paid")),
        ("store", json!(store)),
    ] {
        assert_eq!(paid[field], value, "{field}");
    }
    assert_eq!(shop.owes().await, "10.00");
    let console = format!("/console/merchants/{}", shop.id);
    assert_eq!(done(&operator.get(&console).await)["owes"], "10.00");
    assert_eq!(member.get("/me/coins").await.json()["coins"], "40.00");
    let lines = member.lines("coins").await;
    assert_eq!(lines[0]["why"]["kind"], "counter_paid");
    let mine = done(&member.get("/me/counter-payments").await);
    assert_eq!(mine["items"][0]["cash"], "90.00");
    assert_eq!(mine["items"][0]["kept"], Value::Null);
    assert_eq!(
        done(&poor.get("/me/counter-payments").await)["items"],
        json!([])
    );

    // The same request again, also after the code's minute, is the same payment; the code for another is none.
    site.advance_s(61);
    let again = cashier
        .post_keyed("/counter/payments", bill(&code, "100.00"), "k")
        .await;
    assert_eq!(done(&again)["id"], paid["id"]);
    cashier
        .post("/counter/payments", bill(&code, "100.00"))
        .await
        .is_problem(404, "counter_code_unknown");

    let void = format!("/counter/payments/{}/void", paid["id"].as_str().unwrap());
    let voided = done(&cashier.post_keyed(&void, json!({}), "v").await);
    assert_eq!(voided["state"], "voided");
    cashier
        .post(&void, json!({}))
        .await
        .is_problem(409, "counter_payment_reversed");
    assert_eq!(shop.owes().await, "0.00");
    assert_eq!(member.get("/me/coins").await.json()["coins"], "50.00");
    let lines = done(&shop.caller.get("/merchant/lines").await);
    assert_eq!(lines["items"][0]["event"], "counter_reversed");
    assert_eq!(lines["items"][0]["counter"], paid["id"]);
    site.close().await;
}

/// Two tills enter one code at once, many times: one wins each time, and the member pays once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cashiers_and_one_code() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let other = merchant(&site, &operator, 2).await;
    let (_, first) = shop.store(&site, "first").await;
    let (_, second) = other.store(&site, "second").await;
    let [member, _] = with_coins(&site).await;
    for round in 1..=8 {
        let code = code_of(&member).await;
        let asked =
            [&first, &second].map(|till| till.post("/counter/payments", bill(&code, "10.00")));
        let [one, two] = asked;
        let (one, two) = tokio::join!(one, two);
        let won = [&one, &two].iter().filter(|got| got.status == 200).count();
        assert_eq!(won, 1, "{} {}", one.text(), two.text());
        let lost = if one.status == 200 { &two } else { &one };
        lost.is_problem(409, "counter_code_used");
        let mine = done(&member.get("/me/counter-payments").await);
        assert_eq!(mine["items"].as_array().unwrap().len(), round);
    }
    assert_eq!(member.get("/me/coins").await.json()["coins"], "42.00");
    site.close().await;
}

/// Also of a merchant who is suspended, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_refunds_a_bill_and_says_why() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let (_, till) = shop.store(&site, "first").await;
    let [member, _] = with_coins(&site).await;
    let code = code_of(&member).await;
    let paid = done(&till.post("/counter/payments", bill(&code, "10.00")).await);
    let refund = format!(
        "/console/counter-payments/{}/refund",
        paid["id"].as_str().unwrap()
    );
    let why = json!({ "reason": "the meal was never served" });
    till.post(&refund, why.clone())
        .await
        .is_problem(403, "role_missing");
    operator
        .post("/console/counter-payments/77/refund", why.clone())
        .await
        .is_problem(404, "counter_payment_unknown");
    done(&operator.post(&refund, why.clone()).await);
    operator
        .post(&refund, why)
        .await
        .is_problem(409, "counter_payment_reversed");
    let decided = done(&operator.get("/console/decisions").await)["items"][0].clone();
    assert_eq!(
        (&decided["what"], &decided["reason"]),
        (
            &json!("refund-counter"),
            &json!("the meal was never served")
        )
    );
    // A bill whose cash the store takes may not make it owe more than 100 000.00.
    let code = code_of(&member).await;
    till.post("/counter/payments", bill(&code, "600000.00"))
        .await
        .is_problem(409, "counter_owes_too_much");

    // It moves a merchant's money, so it takes two as soon as there are two; finance may be the second.
    server::finance_add(
        &site.config.data_dir,
        "fay",
        "tea and rice",
        site.clock.now(),
    )
    .await
    .unwrap();
    let finance = site.sign_in_operator("fay", "tea and rice").await.unwrap();
    let code = code_of(&member).await;
    let paid = done(&till.post("/counter/payments", bill(&code, "10.00")).await);
    let id = paid["id"].as_str().unwrap();
    let refund = format!("/console/counter-payments/{id}/refund");
    let why = json!({ "reason": "a complaint" });
    operator
        .post("/console/counter-payments/77/refund", why.clone())
        .await
        .is_problem(404, "counter_payment_unknown");
    let waits = operator.post_keyed(&refund, why.clone(), "again").await;
    let approval = crate::approvals::asked(&waits);
    let asked = json!({ "counter": id, "reason": "a complaint" });
    assert_eq!(waits.json()["asked"], asked);
    let state = async || done(&till.get(&format!("/counter/payments/{id}")).await)["state"].clone();
    assert_eq!(state().await, "paid", "nothing happened yet");
    let got = crate::approvals::answer(&finance, &approval, "approve").await;
    let seq = done(&got)["seq"].clone();
    site.until("it is refunded", async || {
        (state().await == "refunded").then_some(())
    })
    .await;
    let again = operator.post_keyed(&refund, why, "again").await;
    assert_eq!(again.json()["seq"], seq);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::too_many_lines,
    reason = "every endpoint is asked by everybody else"
)]
async fn whose_counter_is_whose() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let other = merchant(&site, &operator, 2).await;
    let (_, till) = shop.store(&site, "first").await;
    let (_, next) = shop.store(&site, "next").await;
    let (_, foreign) = other.store(&site, "foreign").await;
    let [member, _] = with_coins(&site).await;
    let code = code_of(&member).await;
    // A newer code makes the older one worthless.
    let newer = code_of(&member).await;
    till.post("/counter/payments", bill(&code, "10.00"))
        .await
        .is_problem(404, "counter_code_unknown");
    for wrong in ["0.00", "-1.00"] {
        till.post("/counter/payments", bill(&newer, wrong))
            .await
            .is_problem(422, "bill_invalid");
    }
    let paid = done(&till.post("/counter/payments", bill(&newer, "10.00")).await);
    let id = paid["id"].as_str().unwrap();
    let void = format!("/counter/payments/{id}/void");
    let refund = format!("/merchant/counter-payments/{id}/refund");
    for caller in [&next, &foreign] {
        caller
            .post(&void, json!({}))
            .await
            .is_problem(404, "counter_payment_unknown");
        assert_eq!(
            done(&caller.get("/counter/payments").await)["items"],
            json!([])
        );
    }
    other
        .caller
        .post(&refund, json!({}))
        .await
        .is_problem(404, "counter_payment_unknown");
    let listed = done(&other.caller.get("/merchant/counter-payments").await);
    assert_eq!(listed["items"], json!([]));
    site.advance_s(86_400);
    // The staff's sessions are over by then.
    let operator = site.operator().await;
    let again = async |name: &str| site.sign_in_operator(name, "rice rice rice").await.unwrap();
    let till = again("first").await;
    let manager = again("merchant1").await;
    till.post(&void, json!({}))
        .await
        .is_problem(409, "counter_void_late");
    assert_eq!(
        done(&manager.post(&refund, json!({})).await)["state"],
        "refunded"
    );

    let of_cashiers = [
        (Method::GET, "/counter/me"),
        (Method::GET, "/counter/payments"),
        (Method::POST, "/counter/payments"),
        (Method::POST, void.as_str()),
    ];
    let of_merchants = [
        (Method::GET, "/merchant/counter-payments"),
        (Method::POST, refund.as_str()),
    ];
    let ask = async |caller: &Caller, method: &Method, path: &str| match *method {
        Method::GET => caller.get(path).await,
        _ => caller.post(path, json!({})).await,
    };
    for (method, path) in &of_cashiers {
        for caller in [&manager, &operator] {
            ask(caller, method, path)
                .await
                .is_problem(403, "role_missing");
        }
        ask(&member, method, path)
            .await
            .is_problem(401, "not_signed_in");
    }
    for (method, path) in &of_merchants {
        for caller in [&till, &operator] {
            ask(caller, method, path)
                .await
                .is_problem(403, "role_missing");
        }
        ask(&member, method, path)
            .await
            .is_problem(401, "not_signed_in");
    }
    till.post("/me/counter-code", json!({}))
        .await
        .is_problem(401, "not_signed_in");
    site.close().await;
}

/// Wrong codes are counted for the merchant, whichever of his cashiers enters them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_codes_is_paced() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let (_, till) = shop.store(&site, "first").await;
    let (_, next) = shop.store(&site, "next").await;
    for guess in 0..30 {
        let caller = if guess % 2 == 0 { &till } else { &next };
        let guess = json!({ "code": format!("{guess:08}"), "bill": "1.00" });
        caller
            .post("/counter/payments", guess)
            .await
            .is_problem(404, "counter_code_unknown");
    }
    for caller in [&till, &next] {
        let guess = json!({ "code": "99999999", "bill": "1.00" });
        caller
            .post("/counter/payments", guess)
            .await
            .is_problem(429, "rate_limited");
    }
    site.close().await;
}

/// Rules 12, E5: 1 000.00 for 10 000 coins, all used at θ 10 % and ρ 20 %. One bill, for both are rates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_over_http_and_back() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let shop = merchant(&site, &operator, 1).await;
    let (_, cashier) = shop.store(&site, "西湖店").await;
    let member = site.member(9, None).await;
    let recharge = recharged(&site, &operator, &member).await;
    let mine = async || done(&member.get("/me/recharges").await);
    let custody = async || owed(&operator, "custody").await;
    assert_eq!(mine().await["bought"], "10000.00");
    assert_eq!(custody().await, "1000.00");
    let own = async || {
        let books = done(&operator.get("/books").await);
        books["own"].as_str().unwrap().to_owned()
    };
    let before = own().await;

    let code = code_of(&member).await;
    assert_eq!(code["coins"], "10000.00");
    let paid = cashier.post("/counter/payments", bill(&code, "100000.00"));
    let paid = done(&paid.await);
    assert_eq!(
        (
            &paid["coins"],
            &paid["cash"],
            &paid["kept"],
            &paid["bought"]
        ),
        (
            &json!("10000.00"),
            &json!("90000.00"),
            &json!("20000.00"),
            &Value::Null
        )
    );
    let seq = paid["seq"].as_str().unwrap();
    let path = format!("/me/counter-payments?at_least={seq}");
    let line = done(&member.get(&path).await)["items"][0].clone();
    assert_eq!(line["bought"], "10000.00");
    assert_eq!(
        (mine().await["bought"].clone(), custody().await),
        (json!("0.00"), "0.00".to_owned())
    );
    // 20 000.00 − 10 000.00 + 1 000.00, of which the store owes 10 000.00 still.
    assert_eq!(shop.owes().await, "10000.00");
    assert_eq!((before.as_str(), own().await.as_str()), ("0.00", "1000.00"));

    let undo = format!("/counter/payments/{}/void", paid["id"].as_str().unwrap());
    done(&cashier.post(&undo, json!({})).await);
    assert_eq!(
        (mine().await["bought"].clone(), custody().await),
        (json!("10000.00"), "1000.00".to_owned())
    );
    assert_eq!((shop.owes().await, own().await), (json!("0.00"), before));
    // Unused again within seven days: all of it goes back.
    let path = format!("/recharges/{recharge}/refund");
    done(&member.post(&path, json!({})).await);
    assert_eq!(custody().await, "0.00");
    site.settled_books().await;
    site.close().await;
}

/// 10 000 coins for 1 000.00, bought through a channel that takes nothing.
pub(crate) async fn recharged(site: &Site, operator: &Caller, member: &Caller) -> String {
    let title = json!({ "zh": "充值", "en": "Recharge" });
    let product = json!({ "title": title, "text": title });
    let product = done(&operator.post("/console/products", product).await);
    let path = format!("/console/products/{}/skus", product["id"].as_str().unwrap());
    let sku = json!({
        "title": title, "price": "1000.00", "cost": "0.00", "package": { "coins": "10000.00" }, "reason": "new",
    });
    let sku = done(&operator.post(&path, sku).await)["id"].clone();
    let path = format!("/console/skus/{}/stock", sku.as_str().unwrap());
    done(
        &operator
            .post(
                &path,
                json!({ "by": 1, "reason": "as many as there may be" }),
            )
            .await,
    );
    let wanted = json!({ "units": 1, "price": "1000.00", "coins": "0.00" });
    let path = format!("/skus/{}/buy", sku.as_str().unwrap());
    let bought = done(&member.post(&path, wanted).await);
    let id = bought["id"].as_str().unwrap().to_owned();
    site.pay_order(&crate::purchases::order_no(site, &id).await)
        .await;
    crate::purchases::state(site, member, &id, "kept").await;
    id
}

/// What is owed of a kind.
async fn owed(operator: &Caller, kind: &str) -> String {
    let books = done(&operator.get("/books").await);
    let lines = books["owed"].as_array().unwrap();
    let line = lines.iter().find(|line| line["kind"] == kind);
    line.map_or("0.00", |line| line["amount"].as_str().unwrap())
        .to_owned()
}
