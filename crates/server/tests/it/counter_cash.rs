//! Counters whose cash the platform takes, over HTTP (rules 10.4): the member pays the bill on his phone, once, and has all of it
//! back if it is too late, given up or taken back.

use serde_json::{Value, json};

use crate::counters::{Merchant, bill, code_of, done, merchant, with_coins};
use crate::site::{Caller, Site, yuan};

/// A merchant whose cash the platform takes through a channel that takes 0.6 %.
async fn at_platform(site: &Site, operator: &Caller, number: u32) -> Merchant {
    let merchant = merchant(site, operator, number).await;
    let contract = json!({ "commission": "10%", "settlement": "20%", "cash": "platform", "channel_fee": "0.6%" });
    let path = format!("/console/merchants/{}/contract", merchant.id);
    let signed = json!({ "contract": contract, "reason": "agreed" });
    done(&operator.post(&path, signed).await);
    merchant
}

struct Till {
    site: Site,
    operator: Caller,
    merchant: Merchant,
    cashier: Caller,
    member: Caller,
}

impl Till {
    async fn open() -> Till {
        let site = Site::open().await;
        let operator = site.operator().await;
        let merchant = at_platform(&site, &operator, 1).await;
        let (_, cashier) = merchant.store(&site, "first").await;
        let [member, _] = with_coins(&site).await;
        site.settled_books().await;
        Till {
            site,
            operator,
            merchant,
            cashier,
            member,
        }
    }

    /// The cashier enters a bill; it waits.
    async fn enter(&self, amount: &str) -> Value {
        let code = code_of(&self.member).await;
        let entered = self.cashier.post("/counter/payments", bill(&code, amount));
        let entered = done(&entered.await);
        assert_eq!(entered["state"], "waiting");
        assert!(entered["pay_url"].is_string(), "{entered}");
        entered
    }

    async fn order(&self, id: &str) -> String {
        let beginning = format!("c{id}-");
        let orders = self.site.orders().await.into_iter();
        let found = orders
            .filter(|order| order.starts_with(&beginning))
            .collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    /// Both sides see it stand like this.
    async fn is(&self, id: &str, state: &str) -> Value {
        let mine = format!("/me/counter-payments/{id}");
        let what = format!("bill {id} is {state}");
        let page = self.site.until(&what, async || {
            let page = self.member.get(&mine).await.json();
            (page["state"] == state).then_some(page)
        });
        let page = page.await;
        let till = done(&self.cashier.get(&format!("/counter/payments/{id}")).await);
        assert_eq!(till["state"], state);
        page
    }

    async fn money(&self) -> [Value; 2] {
        let me = done(&self.merchant.caller.get("/merchant/me").await);
        [me["payable"].clone(), me["owes"].clone()]
    }

    async fn coins(&self) -> Value {
        self.member.get("/me/coins").await.json()["coins"].clone()
    }

    async fn held(&self) -> i64 {
        self.site.provider_books().await.held_fen
    }

    /// The channel holds this much again, and nothing is on its way.
    async fn holds(&self, held: i64) {
        self.site.settled_books().await;
        let what = "the money is back at the payer";
        let there = async || (self.held().await == held).then_some(());
        self.site.until(what, there).await;
    }
}

fn id_of(entered: &Value) -> String {
    entered["id"].as_str().unwrap().to_owned()
}

/// E4: the bill is 100, ten of it in coins; the member pays 90, the merchant is due 80, the platform has 10 less the fee.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_through_the_channel_and_back() {
    let till = Till::open().await;
    let held = till.held().await;
    let own = async || done(&till.operator.get("/books").await)["own"].clone();
    let before = own().await;
    let entered = till.enter("100.00").await;
    let id = id_of(&entered);
    for (field, value) in [
        ("bill", "100.00"),
        ("coins", "10.00"),
        ("cash", "90.00"),
        ("kept", "20.00"),
        ("cash_to", "platform"),
    ] {
        assert_eq!(entered[field], value, "{field}");
    }
    assert_eq!(till.coins().await, "50.00");
    let code = code_of(&till.member).await;
    assert_eq!(code["coins"], "40.00", "ten are held");
    let mine = done(&till.member.get(&format!("/me/counter-payments/{id}")).await);
    assert_eq!(
        (&mine["pay_url"], &mine["kept"]),
        (&entered["pay_url"], &Value::Null)
    );
    assert_eq!(till.money().await, [json!("0.00"), json!("0.00")]);

    till.site.pay_order(&till.order(&id).await).await;
    let paid = till.is(&id, "paid").await;
    assert_eq!(paid["pay_url"], Value::Null);
    assert_eq!(till.money().await, [json!("80.00"), json!("0.00")]);
    assert_eq!(till.coins().await, "40.00");
    assert_eq!(till.held().await - held, yuan(90));
    let lines = till.member.lines("coins").await;
    assert_eq!(lines[0]["why"]["kind"], "counter_paid");
    let after = own().await;
    let gained = crate::site::fen(&after) - crate::site::fen(&before);
    assert_eq!(gained, 1_000 - 54);

    let void = format!("/counter/payments/{id}/void");
    let voided = done(&till.cashier.post_keyed(&void, json!({}), "v").await);
    assert_eq!(voided["state"], "voided");
    let again = done(&till.cashier.post_keyed(&void, json!({}), "v").await);
    assert_eq!(again["id"], voided["id"]);
    let other = till.cashier.post(&void, json!({})).await;
    other.is_problem(409, "counter_payment_reversed");
    till.holds(held).await;
    let page = till.is(&id, "voided").await;
    assert_eq!(page["cash_back"], "paid");
    assert_eq!(till.money().await, [json!("0.00"), json!("0.00")]);
    assert_eq!(till.coins().await, "50.00");
    assert_eq!(own().await, before);
    till.site.close().await;
}

/// Given up or lapsed, what is paid after that goes back with the reason; one that nobody announced is found by asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_late_twice_and_unseen() {
    let mut till = Till::open().await;
    let held = till.held().await;
    let given_up = id_of(&till.enter("100.00").await);
    let void = format!("/counter/payments/{given_up}/void");
    let got = done(&till.cashier.post(&void, json!({})).await);
    assert_eq!(
        (&got["state"], &got["pay_url"]),
        (&json!("lapsed"), &Value::Null)
    );
    let lapsed = id_of(&till.enter("100.00").await);
    till.site.advance_s(301);
    till.is(&lapsed, "lapsed").await;
    assert_eq!(code_of(&till.member).await["coins"], "50.00");
    for (number, id) in [&given_up, &lapsed].into_iter().enumerate() {
        till.site.pay_order(&till.order(id).await).await;
        let what = "the late payment is sent back";
        till.site
            .until(what, async || {
                let inbox = till.member.get("/me/notices").await.json();
                let items = inbox["items"].as_array().unwrap().iter();
                let over = items.filter(|item| item["reason"] == "purchase_over");
                (over.count() == number + 1).then_some(())
            })
            .await;
        till.is(id, "lapsed").await;
    }
    till.holds(held).await;
    assert_eq!(till.money().await, [json!("0.00"), json!("0.00")]);

    let unseen = id_of(&till.enter("100.00").await);
    let order = till.order(&unseen).await;
    till.site.stop_server().await;
    till.site.pay_order(&order).await;
    till.site.start_server().await;
    let path = format!("/me/counter-payments/{unseen}?refresh=true");
    let got = till.member.get(&path).await;
    assert_eq!(got.json()["state"], "paid", "{}", got.text());
    assert_eq!(till.held().await - held, yuan(90));
    // A second payment of the same order is no second bill.
    till.site.pay_order(&order).await;
    till.holds(held + yuan(90)).await;
    assert_eq!(till.money().await, [json!("80.00"), json!("0.00")]);
    till.site.close().await;
}

/// Two tills enter one code at once; a void and the payment come at once. Whoever is first, all agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_at_the_till() {
    let till = Till::open().await;
    let held = till.held().await;
    let (_, second) = till.merchant.store(&till.site, "second").await;
    for _ in 0..4 {
        let code = code_of(&till.member).await;
        let asked = [&till.cashier, &second]
            .map(|till| till.post("/counter/payments", bill(&code, "10.00")));
        let [one, two] = asked;
        let (one, two) = tokio::join!(one, two);
        let (won, lost) = if one.status == 200 {
            (one, two)
        } else {
            (two, one)
        };
        assert_eq!(won.status, 200, "{}", won.text());
        lost.is_problem(409, "counter_code_used");
    }
    let (mut kept, mut rounds) = (0, 0);
    while rounds < 6 {
        rounds += 1;
        let id = id_of(&till.enter("10.00").await);
        let order = till.order(&id).await;
        let void = format!("/counter/payments/{id}/void");
        let (paid, got) = if rounds % 3 == 0 {
            (till.site.pay_order(&order).await, None)
        } else {
            let (paid, got) = tokio::join!(
                till.site.pay_order(&order),
                till.cashier.post(&void, json!({}))
            );
            (paid, Some(got))
        };
        assert_eq!(paid.len(), 1);
        match got {
            None => {
                till.is(&id, "paid").await;
                kept += 1;
            }
            Some(got) => {
                let state = done(&got)["state"].clone();
                assert!(state == "lapsed" || state == "voided", "{state}");
                till.is(&id, state.as_str().unwrap()).await;
            }
        }
    }
    till.holds(held + kept * 900).await;
    let due = format!("{}.00", kept * 8);
    assert_eq!(till.money().await, [json!(due), json!("0.00")]);
    till.site.close().await;
}

/// Nobody sees another's bill, nor the till of another store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_bill_is_whose() {
    let till = Till::open().await;
    let (_, next) = till.merchant.store(&till.site, "next").await;
    let other = till.site.member(77, None).await;
    let id = id_of(&till.enter("10.00").await);
    let unknown = "counter_payment_unknown";
    let mine = format!("/me/counter-payments/{id}");
    let here = format!("/counter/payments/{id}");
    other.get(&mine).await.is_problem(404, unknown);
    next.get(&here).await.is_problem(404, unknown);
    till.member
        .get(&here)
        .await
        .is_problem(401, "not_signed_in");
    till.cashier
        .get(&mine)
        .await
        .is_problem(401, "not_signed_in");
    for caller in [&till.operator, &till.merchant.caller] {
        caller.get(&here).await.is_problem(403, "role_missing");
    }
    let void = format!("/counter/payments/{id}/void");
    next.post(&void, json!({})).await.is_problem(404, unknown);
    till.is(&id, "waiting").await;
    // The merchant gives it up.
    let refund = format!("/merchant/counter-payments/{id}/refund");
    done(&till.merchant.caller.post(&refund, json!({})).await);
    till.is(&id, "lapsed").await;
    till.site.close().await;
}
