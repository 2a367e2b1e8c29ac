//! Treats over HTTP (rules 4): a reviewed template, tables with their bills, guests who come by a link, and what becomes of the
//! money.

use reqwest::Method;
use serde_json::{Value, json};

use crate::counters::{Merchant, done, merchant};
use crate::site::{Caller, Site};

/// Rules 12, E3, for two to five guests and bills of 50.00 to 300.00.
fn template() -> Value {
    json!({
        "name": { "zh": "聚餐一人买单", "en": "One of you treats" },
        "kind": "treat",
        "profile": "seed",
        "product": { "title": { "zh": "火锅", "en": "Hotpot" } },
        "merchant": { "commission": "10%" },
        "group": {
            "price": "300.00", "price_from": "50.00", "seats": 5, "seats_from": 2, "winners": 1,
            "fill_within": "30m", "payment_window": "5m",
        },
        "reward": [{ "program": "consolation", "cash": "5.00" }],
    })
}

/// A merchant with a published template, a store and its cashier.
struct Diner {
    site: Site,
    operator: Caller,
    shop: Merchant,
    store: String,
    till: Caller,
    template: String,
}

impl Diner {
    async fn open() -> Diner {
        let site = Site::open().await;
        let operator = site.operator().await;
        let shop = merchant(&site, &operator, 1).await;
        let (store, till) = shop.store(&site, "西湖店").await;
        let template = publish(&shop, &operator, template()).await;
        Diner {
            site,
            operator,
            shop,
            store,
            till,
            template,
        }
    }

    fn wanted(&self, bill: &str, guests: u32) -> Value {
        json!({ "template": self.template, "bill": bill, "guests": guests })
    }

    async fn table(&self, bill: &str, guests: u32) -> Table {
        let opened = self
            .till
            .post("/counter/tables", self.wanted(bill, guests))
            .await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        Table::of(&opened.json())
    }

    /// Sits down and pays; answers with the group and the payment.
    async fn seat(&self, table: &Table, guest: &Caller) -> (String, String) {
        let sat = done(&guest.post(&table.seats(), json!({})).await);
        let payment = sat["payment"]["id"].as_str().unwrap().to_owned();
        self.site.pay(&payment).await;
        self.site.payment(guest, &payment, "paid").await;
        (sat["group"].as_str().unwrap().to_owned(), payment)
    }

    async fn page(&self, table: &Table) -> Value {
        done(&self.site.anyone().get(&table.path()).await)
    }
}

async fn publish(shop: &Merchant, operator: &Caller, file: Value) -> String {
    let draft = done(&shop.caller.post("/merchant/drafts", file).await)["id"].clone();
    let publish = format!("/console/drafts/{}/publish", draft.as_str().unwrap());
    let reason = json!({ "reason": "seen at the store" });
    let published = done(&operator.post(&publish, reason).await);
    published["id"].as_str().unwrap().to_owned()
}

struct Table {
    id: String,
    token: String,
}

impl Table {
    fn of(line: &Value) -> Table {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        Table {
            id: text("id"),
            token: text("token"),
        }
    }

    fn path(&self) -> String {
        format!("/tables/{}", self.token)
    }

    fn seats(&self) -> String {
        format!("/tables/{}/seats", self.token)
    }

    fn cancel(&self) -> String {
        format!("/counter/tables/{}/cancel", self.id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::too_many_lines,
    reason = "one evening from the menu to the books"
)]
async fn e3_live_to_the_fen() {
    let diner = Diner::open().await;
    let site = &diner.site;
    let treats = done(&diner.till.get("/counter/treats").await);
    assert_eq!(
        treats,
        json!([{
            "template": diner.template,
            "name": { "zh": "聚餐一人买单", "en": "One of you treats" },
            "bill_from": "50.00", "bill_to": "300.00", "guests_from": 2, "guests_to": 5, "winners": 1,
            "consolation": { "cash": "5.00", "coins": "0.00" },
            "fill_within_s": 1800,
        }])
    );
    let table = diner.table("300.00", 5).await;
    let page = diner.page(&table).await;
    for (field, value) in [
        ("store", json!("西湖店")),
        ("address", json!("杭州")),
        ("state", json!("open")),
        ("paid", json!(0)),
        ("group", json!(null)),
    ] {
        assert_eq!(page[field], value, "{field}");
    }
    let terms = &page["terms"];
    for (field, value) in [
        ("kind", json!("treat")),
        ("price", json!("300.00")),
        ("seats", json!(5)),
        ("winners", json!(1)),
        ("consolation", json!({ "cash": "5.00", "coins": "0.00" })),
    ] {
        assert_eq!(terms[field], value, "{field}");
    }
    assert_eq!(terms["odds"]["average_rounds"], "5");

    let guests = site.crowd(5).await;
    let mut group = String::new();
    for guest in &guests {
        group = diner.seat(&table, guest).await.0;
    }
    site.group(&group, "full").await;
    assert_eq!(diner.page(&table).await["state"], "full");
    site.advance_s(10);
    site.group(&group, "settled").await;
    let books = site.settled_books().await;
    assert_eq!(books["in_flight_refunds"], "0.00");
    let page = done(&diner.shop.caller.get("/merchant/me").await);
    assert_eq!(
        (&page["payable"], &page["vesting"]),
        (&json!("250.00"), &json!("0.00"))
    );
    let lines = done(&diner.shop.caller.get("/merchant/lines").await);
    let events: Vec<&str> = lines["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["sale_vested", "sale_vested", "group_sold"]);
    // The platform has its commission, four guests their consolation, and one an order that is kept.
    let money = done(&diner.operator.get("/books").await);
    assert_eq!(money["own"], "30.00", "{money}");
    let mut consoled = 0;
    for guest in &guests {
        let wallet = done(&guest.get("/me").await)["wallet"].clone();
        let orders = done(&guest.get("/me/orders").await);
        match wallet["available"].as_str().unwrap() {
            "5.00" => consoled += 1,
            "0.00" => assert_eq!(orders["items"][0]["state"], "kept", "{orders}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(consoled, 4);

    // The draw can be made again from its files.
    let file = async |name: &str| {
        let got = site
            .anyone()
            .get(&format!("/groups/{group}/draw/{name}"))
            .await;
        assert_eq!(got.status, 200, "{name}");
        got.bytes
    };
    let draw_page = done(&site.anyone().get(&format!("/groups/{group}/draw")).await);
    let signature = draw_page["beacon"]["signature"].as_str().unwrap();
    let beacon = draw_page["beacon"]["beacon_file"].as_str().unwrap();
    let (open, seats, freeze) = (
        file("open").await,
        file("seats").await,
        file("freeze").await,
    );
    let again = draw::reproduce(&open, &seats, &freeze, signature, Some(beacon.as_bytes()));
    assert_eq!(again.unwrap().result, file("result").await);
    // Its terms are named by their hash, and no list of offers has them.
    let hidden = terms["id"].as_str().unwrap();
    let published = site
        .anyone()
        .get(&format!("/campaigns/{hidden}/published"))
        .await;
    assert!(
        published.text().contains("price = \"300.00\"\nseats = 5\n"),
        "{}",
        published.text()
    );
    assert_eq!(
        draw_page["published_hash"],
        draw::hash(&published.bytes).to_string()
    );
    // The public notices of the table and of its template tell what the guests of all its tables have earned.
    for campaign in [hidden, &diner.template] {
        let notice = format!("/campaigns/{campaign}/notice");
        let notice = done(&site.anyone().get(&notice).await);
        assert_eq!(
            notice["earned"],
            json!({ "groups": "1", "members": "5", "median": "5.00" })
        );
        assert_eq!(notice["at_most"][0]["cash"], "20.00");
        let texts = notice["text"].as_array().unwrap();
        let rule = |text: &Value| {
            let english = text["en"].as_str().unwrap();
            english.contains("pays its whole bill of")
        };
        assert!(texts.iter().any(rule), "{texts:?}");
    }
    let offers = done(&site.anyone().get("/campaigns").await);
    assert_eq!(offers["items"], json!([]));
    diner.site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn what_a_cashier_may_open() {
    let diner = Diner::open().await;
    let till = &diner.till;
    for (bill, guests, code) in [
        ("300.01", 5, "table_bill_out_of_range"),
        ("49.99", 5, "table_bill_out_of_range"),
        ("300.00", 6, "table_seats_out_of_range"),
        ("300.00", 1, "table_seats_out_of_range"),
    ] {
        let got = till
            .post("/counter/tables", diner.wanted(bill, guests))
            .await;
        got.is_problem(422, code);
    }
    let got = till
        .post("/counter/tables", diner.wanted("300.01", 5))
        .await;
    let problem = got.json();
    assert_eq!(
        (&problem["field"], &problem["least"], &problem["most"]),
        (&json!("bill"), &json!("50.00"), &json!("300.00"))
    );
    // One key is one table, and another till's same key is another's.
    let again = async |till: &Caller| {
        let wanted = diner.wanted("100.00", 2);
        let got = till.post_keyed("/counter/tables", wanted, "same").await;
        Table::of(&done(&got))
    };
    let staff = json!({ "name": "second", "password": "rice rice rice", "store": diner.store });
    done(&diner.shop.caller.post("/merchant/staff", staff).await);
    let second = diner
        .site
        .sign_in_operator("second", "rice rice rice")
        .await
        .unwrap();
    let (one, two) = tokio::join!(again(till), again(&second));
    assert_ne!(one.token, two.token);
    assert_eq!(again(till).await.token, one.token);
    assert_eq!(again(&second).await.token, two.token);
    till.post_keyed("/counter/tables", diner.wanted("100.01", 2), "same")
        .await
        .is_problem(422, "idempotency_key_reused");
    // His merchant and those who run the platform see all of it but the tokens; another merchant sees none.
    let seen = done(&diner.shop.caller.get("/merchant/tables").await);
    assert_eq!(
        (&seen["items"][0]["id"], &seen["items"][0]["store"]),
        (&json!(two.id.max(one.id.clone())), &json!(diner.store))
    );
    assert_eq!(seen["items"][0].get("token"), None);
    let all = done(&diner.operator.get("/console/tables").await);
    assert_eq!(all["items"], seen["items"]);
    let rice = merchant(&diner.site, &diner.operator, 2).await;
    let none = done(&rice.caller.get("/merchant/tables").await);
    assert_eq!(none["items"], json!([]));
    for (caller, path) in [
        (&second, "/merchant/tables"),
        (&second, "/console/tables"),
        (&rice.caller, "/console/tables"),
        (&diner.operator, "/merchant/tables"),
    ] {
        caller.get(path).await.is_problem(403, "role_missing");
    }
    let listed = done(&second.get("/counter/tables?limit=1").await);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(listed["next"].is_string());

    let suspend = format!("/console/merchants/{}/suspend", diner.shop.id);
    let reason = json!({ "reason": "hygiene" });
    done(&diner.operator.post(&suspend, reason).await);
    till.post("/counter/tables", diner.wanted("100.00", 2))
        .await
        .is_problem(409, "merchant_suspended");
    // Its open tables finish.
    let member = diner.site.member(50, None).await;
    diner.seat(&one, &member).await;
    diner.site.close().await;
}

/// Another merchant's till, and everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_tables_are_whose() {
    let diner = Diner::open().await;
    let one = diner.table("100.00", 2).await;
    let other = merchant(&diner.site, &diner.operator, 2).await;
    let (_, foreign) = other.store(&diner.site, "foreign").await;
    foreign
        .post("/counter/tables", diner.wanted("100.00", 2))
        .await
        .is_problem(404, "table_template_unknown");
    assert_eq!(done(&foreign.get("/counter/treats").await), json!([]));
    assert_eq!(
        done(&foreign.get("/counter/tables").await)["items"],
        json!([])
    );
    foreign
        .post(&one.cancel(), json!({}))
        .await
        .is_problem(404, "table_unknown");
    let member = diner.site.member(50, None).await;
    for (method, path) in [
        (Method::GET, "/counter/treats".to_owned()),
        (Method::GET, "/counter/tables".to_owned()),
        (Method::POST, "/counter/tables".to_owned()),
        (Method::POST, one.cancel()),
    ] {
        let ask = async |caller: &Caller| match method {
            Method::GET => caller.get(&path).await,
            _ => caller.post(&path, json!({})).await,
        };
        for caller in [&diner.shop.caller, &diner.operator] {
            ask(caller).await.is_problem(403, "role_missing");
        }
        ask(&member).await.is_problem(401, "not_signed_in");
    }
    diner.site.close().await;
}

/// Whoever has no token has no way in; tables survive a restart, and end by their cashier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_come_by_the_link() {
    let mut diner = Diner::open().await;
    let guests = diner.site.crowd(2).await;
    let open = format!("/campaigns/{}/groups", diner.template);
    guests[0]
        .post(&open, json!({}))
        .await
        .is_problem(403, "table_only_by_link");
    let anyone = diner.site.anyone();
    for token in ["", "0", &"0".repeat(32), &"g".repeat(32), &"0".repeat(34)] {
        let path = format!("/tables/{token}");
        assert_eq!(anyone.get(&path).await.status, 404, "{token}");
    }
    let stranger = format!("/tables/{}/seats", "0".repeat(32));
    guests[0]
        .post(&stranger, json!({}))
        .await
        .is_problem(404, "table_unknown");

    let table = diner.table("80.00", 3).await;
    anyone
        .post(&table.seats(), json!({}))
        .await
        .is_problem(401, "not_signed_in");
    let (group, _) = diner.seat(&table, &guests[0]).await;
    guests[1]
        .post(&format!("/groups/{group}/seats"), json!({}))
        .await
        .is_problem(403, "table_only_by_link");
    let page = diner.page(&table).await;
    assert_eq!(
        (&page["paid"], &page["group"]),
        (&json!(1), &json!(group.clone()))
    );
    // After a restart the link is as good as before.
    diner.site.restart().await;
    assert_eq!(diner.page(&table).await, page);
    let cancelled = done(&diner.till.post(&table.cancel(), json!({})).await);
    assert_eq!(cancelled["state"], "cancelled");
    let again = done(&diner.till.post(&table.cancel(), json!({})).await);
    assert_eq!(again["state"], "cancelled");
    diner.site.group(&group, "cancelled").await;
    guests[1]
        .post(&table.seats(), json!({}))
        .await
        .is_problem(409, "group_not_open");
    assert_eq!(diner.page(&table).await["state"], "cancelled");

    diner.site.close().await;
}

/// Nobody comes in time, and one who comes alone has his money back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_end_by_the_clock() {
    let diner = Diner::open().await;
    let guests = diner.site.crowd(2).await;
    let empty = diner.table("80.00", 2).await;
    let lonely = diner.table("80.00", 2).await;
    let (group, _) = diner.seat(&lonely, &guests[0]).await;
    diner.site.advance_s(1_800);
    diner.site.group(&group, "expired").await;
    assert_eq!(diner.page(&empty).await["state"], "expired");
    guests[0]
        .post(&empty.seats(), json!({}))
        .await
        .is_problem(409, "table_over");
    diner
        .till
        .post(&empty.cancel(), json!({}))
        .await
        .is_problem(409, "table_over");
    let listed = done(&diner.till.get("/counter/tables").await);
    let states: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["expired", "expired"]);
    diner.site.settled_books().await;
    for guest in &guests {
        let wallet = done(&guest.get("/me").await)["wallet"].clone();
        assert_eq!(wallet["in_groups"], "0.00", "{wallet}");
    }
    diner.site.close().await;
}
