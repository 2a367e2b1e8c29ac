//! A merchant sends what his campaigns have sold, and takes back what comes back; nobody sees another's orders (rules 9.4).

use reqwest::Method;
use serde_json::{Value, json};

use crate::merchants::{done, merchant};
use crate::site::{Caller, Site};

fn offer(fulfilment: &str) -> Value {
    json!({
        "name": { "zh": "双人茶", "en": "Tea for two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": {
            "title": { "zh": "茶", "en": "Tea" }, "cost": "0.00", "fulfilment": fulfilment,
        },
        "group": { "price": "100.00", "seats": 2, "fill_within": "24h", "payment_window": "5m" },
        "merchant": { "commission": "10%" },
    })
}

/// A campaign of a merchant's, published.
async fn published(operator: &Caller, merchant: &Caller, file: Value) -> String {
    let draft = done(&merchant.post("/merchant/drafts", file).await)["id"].clone();
    let path = format!("/console/drafts/{}/publish", draft.as_str().unwrap());
    let reason = json!({ "reason": "texts and price seen" });
    let campaign = done(&operator.post(&path, reason).await)["id"].clone();
    campaign.as_str().unwrap().to_owned()
}

/// Two buy in a group of a campaign; answers with the first one's order.
async fn bought(site: &Site, campaign: &str, buyers: [&Caller; 2]) -> String {
    let (group, payment) = buyers[0].open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(buyers[0], &payment, "paid").await;
    let payment = buyers[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "settled").await;
    let orders = done(&buyers[0].get("/me/orders").await);
    orders["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_merchant_sends_what_he_sold_and_takes_it_back() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (_, tea) = merchant(&site, &operator, 1).await;
    let (_, rice) = merchant(&site, &operator, 2).await;
    let (one, two) = (site.member(11, None).await, site.member(12, None).await);
    let campaign = published(&operator, &tea, offer("ship")).await;
    let order = bought(&site, &campaign, [&one, &two]).await;
    // The platform's own orders are no merchant's.
    let own = site.publish(crate::files::small(2)).await;
    crate::settling::play(&site, &own, &[one.clone(), two.clone()]).await;

    let place = json!({ "name": "王小明", "phone": "13800000001", "region": "330106", "address": "文三路 1 号" });
    let delivery = format!("/orders/{order}/delivery");
    assert_eq!(one.post(&delivery, place.clone()).await.status, 200);
    let list = done(&tea.get("/merchant/orders").await);
    let ids = |list: &Value| list["items"].as_array().unwrap().len();
    assert_eq!(ids(&list), 2, "{list}");
    assert!(list.to_string().contains("会员 **"), "{list}");
    assert_eq!(list["items"][0]["fulfilment"], "ship");
    assert_eq!(ids(&done(&rice.get("/merchant/orders").await)), 0);
    let path = format!("/merchant/orders/{order}");
    assert_eq!(done(&tea.get(&path).await)["delivery"], place);
    rice.get(&path).await.is_problem(404, "order_unknown");
    tea.get("/merchant/orders/2")
        .await
        .is_problem(404, "order_unknown");
    tea.get("/merchant/orders?state=none")
        .await
        .is_problem(400, "query_invalid");

    let (ship, back) = (format!("{path}/ship"), format!("{path}/take-back"));
    let parcel = json!({ "carrier": "顺丰", "number": "SF1" });
    let why = json!({ "reason": "arrived whole" });
    let cashier = {
        let store = json!({ "name": "西湖店", "address": "杭州" });
        let store = done(&tea.post("/merchant/stores", store).await)["store"].clone();
        let till = json!({ "name": "till", "password": "tea tea tea", "store": store });
        done(&tea.post("/merchant/staff", till).await);
        site.sign_in_operator("till", "tea tea tea").await.unwrap()
    };
    for (method, path) in [
        (Method::GET, "/merchant/orders"),
        (Method::GET, path.as_str()),
        (Method::POST, ship.as_str()),
        (Method::POST, back.as_str()),
    ] {
        for other in [&cashier, &operator] {
            let got = match method {
                Method::GET => other.get(path).await,
                _ => other.post(path, parcel.clone()).await,
            };
            got.is_problem(403, "role_missing");
        }
        let got = match method {
            Method::GET => one.get(path).await,
            _ => one.post(path, parcel.clone()).await,
        };
        got.is_problem(401, "not_signed_in");
    }
    rice.post(&ship, parcel.clone())
        .await
        .is_problem(404, "order_unknown");
    tea.post(&ship, json!({ "carrier": " ", "number": "1" }))
        .await
        .is_problem(422, "body_invalid");
    done(&tea.post(&ship, parcel).await);
    let mine = done(&one.get("/me/orders?limit=100").await);
    let mine = mine["items"].as_array().unwrap().iter();
    let mine = mine.clone().find(|item| item["id"] == order).unwrap();
    assert_eq!(
        (&mine["state"], &mine["tracking"]),
        (&json!("shipped"), &json!("SF1"))
    );

    tea.post(&back, why.clone())
        .await
        .is_problem(409, "order_state");
    let receive = format!("/orders/{order}/receive");
    done(&one.post(&receive, json!({})).await);
    done(
        &one.post(&format!("/orders/{order}/return"), json!({}))
            .await,
    );
    rice.post(&back, why.clone())
        .await
        .is_problem(404, "order_unknown");
    tea.post(&back, json!({ "reason": " " }))
        .await
        .is_problem(422, "body_invalid");
    done(&tea.post_keyed(&back, why.clone(), "back").await);
    site.settled_books().await;
    // The order has left memory; who asks again is told the same, and it is one decision.
    done(&tea.post_keyed(&back, why.clone(), "back").await);
    tea.post(&back, why).await.is_problem(404, "order_unknown");
    let page = done(&tea.get(&path).await);
    assert_eq!(
        (&page["state"], &page["delivery"]),
        (&json!("returned"), &Value::Null)
    );
    let decisions = done(&operator.get("/console/decisions").await);
    let told = decisions["items"].as_array().unwrap().iter();
    let mut told = told.filter(|line| line["what"] == "take-back-order");
    let one = told.next().unwrap();
    assert_eq!(told.next(), None, "it was decided once: {decisions}");
    let told = one;
    assert_eq!(
        (&told["what"], &told["subject"], &told["reason"]),
        (
            &json!("take-back-order"),
            &json!(order),
            &json!("arrived whole")
        )
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fetches_is_told_where() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (house, tea) = merchant(&site, &operator, 1).await;
    let (_, rice) = merchant(&site, &operator, 2).await;
    for (caller, name) in [(&rice, "东湖店"), (&tea, "西湖店")] {
        let store = json!({ "name": name, "address": "1 号" });
        done(&caller.post("/merchant/stores", store).await);
    }
    let anyone = site.anyone();
    let card = done(&anyone.get("/stores/1").await);
    let wanted = json!({
        "id": "1", "name": "西湖店", "address": "1 号", "merchant": house, "merchant_name": "茶馆 1",
    });
    assert_eq!(card, wanted);
    for none in ["/stores/2", "/stores/01", "/stores/x"] {
        anyone.get(none).await.is_problem(404, "store_unknown");
    }
    let (one, two) = (site.member(11, None).await, site.member(12, None).await);
    let campaign = published(&operator, &tea, offer("pick-up")).await;
    let order = bought(&site, &campaign, [&one, &two]).await;
    let path = format!("/orders/{order}/code");
    assert_eq!(done(&one.get(&path).await)["stores"], json!([wanted]));
    // There is nothing to send.
    let parcel = json!({ "carrier": "顺丰", "number": "SF1" });
    tea.post(&format!("/merchant/orders/{order}/ship"), parcel)
        .await
        .is_problem(409, "order_state");
    site.close().await;
}
