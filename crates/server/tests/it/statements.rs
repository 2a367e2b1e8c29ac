//! Merchants' statements over HTTP (rules 10.3): drawn up when the month is over, confirmed and paid by two operators, and seen
//! by their own merchant only.

use reqwest::Method;
use serde_json::{Value, json};

use crate::approvals::{answer, asked, partner};
use crate::counters::{Merchant, bill, code_of, done, merchant, with_coins};
use crate::site::{Caller, Site, fen};

/// The merchant's group of two buyers at 100.00, all of it kept: 180.00 are payable to him.
async fn sold(site: &Site, operator: &Caller, shop: &Merchant) {
    let file = json!({
        "name": { "zh": "双人饭", "en": "Dinner for two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "饭", "en": "Dinner" }, "cost": "0.00" },
        "group": { "price": "100.00", "seats": 2 },
        "channel": { "fee": "0%" },
        "merchant": { "commission": "10%" },
    });
    let draft = done(&shop.caller.post("/merchant/drafts", file).await)["id"].clone();
    let publish = format!("/console/drafts/{}/publish", draft.as_str().unwrap());
    let published = operator.post(&publish, json!({ "reason": "seen" })).await;
    let campaign = done(&published)["id"].clone();
    let buyers = [site.member(81, None).await, site.member(82, None).await];
    let (group, payment) = buyers[0].open_group(campaign.as_str().unwrap()).await;
    site.pay(&payment).await;
    site.payment(&buyers[0], &payment, "paid").await;
    site.pay(&buyers[1].join(&group).await).await;
    site.group(&group, "settled").await;
    for buyer in &buyers {
        let orders = done(&buyer.get("/me/orders").await);
        let order = orders["items"][0]["id"].as_str().unwrap().to_owned();
        let parcel = json!({ "carrier": "SF", "number": "1" });
        done(
            &operator
                .post(&format!("/orders/{order}/ship"), parcel)
                .await,
        );
        done(
            &buyer
                .post(&format!("/orders/{order}/receive"), json!({}))
                .await,
        );
    }
    site.advance_s(8 * 86_400);
}

async fn staff(site: &Site, name: &str) -> Caller {
    site.sign_in_operator(name, "rice rice rice").await.unwrap()
}

/// Columns of the file's lines of one kind.
fn rows(csv: &str, kind: &str) -> Vec<Vec<String>> {
    let rows = csv.lines().map(|line| line.split(',').map(str::to_owned));
    let rows = rows.map(Iterator::collect::<Vec<_>>);
    rows.filter(|row| row[0] == kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_adds_up_is_confirmed_and_paid_by_two() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let shop = merchant(&site, &boss, 1).await;
    let other = merchant(&site, &boss, 2).await;
    other.store(&site, "elsewhere").await;
    shop.store(&site, "first").await;
    let [member, _] = with_coins(&site).await;
    sold(&site, &boss, &shop).await;
    let till = staff(&site, "first").await;
    let paid = till.post("/counter/payments", bill(&code_of(&member).await, "100.00"));
    done(&paid.await);
    let boss = site.operator().await;
    let path = format!("/console/merchants/{}", shop.id);
    site.until("the sales are payable", async || {
        let page = done(&boss.get(&path).await);
        (page["payable"] == "180.00").then_some(())
    })
    .await;

    // The month is over.
    site.advance_s(32 * 86_400);
    let boss = site.operator().await;
    let line = site
        .until("it is drawn up", async || {
            let list = done(&boss.get("/console/statements").await);
            list["items"].get(0).cloned()
        })
        .await;
    for (field, value) in [
        ("merchant", json!(shop.id)),
        ("number", json!(1)),
        ("state", json!("draft")),
        ("from", Value::Null),
        ("payable", json!("180.00")),
        ("set_off", json!("10.00")),
        ("amount", json!("170.00")),
        ("carried", json!("0.00")),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    let id = line["id"].as_str().unwrap();
    let mine = format!("/merchant/statements/{id}");
    let all = format!("/console/statements/{id}");
    let owner = staff(&site, "merchant1").await;

    let csv = owner.get(&format!("{mine}/lines.csv")).await;
    assert_eq!(csv.status, 200);
    assert_eq!(
        boss.get(&format!("{all}/lines.csv")).await.text(),
        csv.text()
    );
    adds_up(&done(&owner.get(&mine).await), &csv.text());
    let printed = owner.get(&format!("{mine}/print")).await;
    assert_eq!(printed.status, 200);
    for text in ["饭店 1", "170.00", "待确认", "counter_paid"] {
        let shown = printed.text().contains(text);
        assert_eq!(shown, text != "counter_paid", "{text}");
    }

    paid_by_two(&site, id, [&boss, &owner]).await;
    nobody_else(&site, id, [&boss, &member]).await;
    site.close().await;
}

/// What stood in each account and the lines are what stands there afterwards.
fn adds_up(page: &Value, csv: &str) {
    for (at, account) in page["accounts"].as_array().unwrap().iter().enumerate() {
        let name = account["account"].as_str().unwrap();
        let of = |kind: &str| -> i64 {
            let all = rows(csv, kind).into_iter();
            let own = all.filter(|row| row[4] == name);
            own.map(|row| fen(&json!(row[5]))).sum()
        };
        assert_eq!(of("opening"), fen(&account["opening"]), "{name}");
        assert_eq!(of("opening") + of("line"), of("closing"), "{name}");
        assert_eq!(of("closing"), fen(&account["closing"]), "{name}");
        assert_eq!(of("closing"), [0, 0, 0, 17_000][at], "{name}");
    }
    assert_eq!(rows(csv, "line").len(), 8, "{csv}");
}

/// One operator asks for each step, another approves it.
async fn paid_by_two(site: &Site, id: &str, [boss, owner]: [&Caller; 2]) {
    let (mine, all) = (
        format!("/merchant/statements/{id}"),
        format!("/console/statements/{id}"),
    );
    let anne = partner(site, "anne").await;
    let transfer = json!({ "reference": "ICBC-77", "on": day(site), "reason": "sent today" });
    // What is refused already is refused to who asks.
    let early = boss.post(&format!("{all}/paid"), transfer.clone()).await;
    early.is_problem(409, "statement_state");
    let reason = json!({ "reason": "added up" });
    let confirm = boss.post(&format!("{all}/confirm"), reason).await;
    let confirm = asked(&confirm);
    assert_eq!(done(&owner.get(&mine).await)["state"], "draft");
    answer(boss, &confirm, "approve")
        .await
        .is_problem(403, "approval_own");
    done(&answer(&anne, &confirm, "approve").await);
    let noted = asked(&boss.post(&format!("{all}/paid"), transfer).await);
    let (one, two) = tokio::join!(
        answer(&anne, &noted, "approve"),
        answer(&anne, &noted, "approve")
    );
    assert_eq!(done(&one)["seq"], done(&two)["seq"]);
    let seq = done(&one)["seq"].as_str().unwrap().to_owned();
    let page = done(&owner.get(&format!("{mine}?at_least={seq}")).await);
    assert_eq!(page["state"], "paid");
    assert_eq!(page["paid"]["reference"], "ICBC-77");
    assert_eq!(page["paid"]["on"], day(site));
    let page = done(&owner.get("/merchant/me").await);
    assert_eq!(
        (&page["payable"], &page["stated"], &page["owes"]),
        (&json!("0.00"), &json!("0.00"), &json!("0.00"))
    );
}

/// The clock's day in Shanghai.
fn day(site: &Site) -> String {
    let at = i64::try_from(site.clock_s()).unwrap() + 8 * 3_600;
    let at = time::OffsetDateTime::from_unix_timestamp(at).unwrap();
    at.date().to_string()
}

/// Another merchant's statement looks like none, and no other role reads or does anything with it.
async fn nobody_else(site: &Site, id: &str, [boss, member]: [&Caller; 2]) {
    let rival = staff(site, "merchant2").await;
    let till = staff(site, "first").await;
    assert_eq!(
        done(&rival.get("/merchant/statements").await)["items"],
        json!([])
    );
    for tail in ["", "/lines.csv", "/print"] {
        let path = format!("/merchant/statements/{id}{tail}");
        rival.get(&path).await.is_problem(404, "statement_unknown");
        for caller in [boss, &till] {
            caller.get(&path).await.is_problem(403, "role_missing");
        }
        member.get(&path).await.is_problem(401, "not_signed_in");
        let path = format!("/console/statements/{id}{tail}");
        for caller in [&rival, &till] {
            caller.get(&path).await.is_problem(403, "role_missing");
        }
        member.get(&path).await.is_problem(401, "not_signed_in");
    }
    for (method, path) in [
        (Method::GET, "/console/statements".to_owned()),
        (Method::POST, format!("/console/statements/{id}/confirm")),
        (Method::POST, format!("/console/statements/{id}/paid")),
        (Method::POST, "/console/merchants/0/statement".to_owned()),
        (Method::POST, "/console/merchants/0/paid".to_owned()),
    ] {
        for caller in [&rival, &till] {
            let got = match method {
                Method::GET => caller.get(&path).await,
                _ => caller.post(&path, json!({})).await,
            };
            got.is_problem(403, "role_missing");
        }
    }
    boss.get("/console/statements/77")
        .await
        .is_problem(404, "statement_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_draws_one_up_before_the_month_is_over() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let shop = merchant(&site, &boss, 1).await;
    shop.store(&site, "first").await;
    let draft = format!("/console/merchants/{}/statement", shop.id);
    let why = json!({ "reason": "he leaves" });
    boss.post(&draft, why.clone())
        .await
        .is_problem(409, "statement_empty");
    let [member, _] = with_coins(&site).await;
    let till = staff(&site, "first").await;
    let paid = till.post("/counter/payments", bill(&code_of(&member).await, "100.00"));
    let counter = done(&paid.await)["id"].clone();
    let seq = done(&boss.post(&draft, why).await)["seq"].clone();
    let list = format!("/merchant/statements?at_least={}", seq.as_str().unwrap());
    let line = done(&shop.caller.get(&list).await)["items"][0].clone();
    assert_eq!(
        (&line["amount"], &line["carried"]),
        (&json!("0.00"), &json!("10.00"))
    );
    let void = format!("/counter/payments/{}/void", counter.as_str().unwrap());
    till.post(&void, json!({}))
        .await
        .is_problem(409, "counter_void_late");
    // There is no second operator: one acts alone.
    let confirm = format!(
        "/console/statements/{}/confirm",
        line["id"].as_str().unwrap()
    );
    let reason = json!({ "reason": "added up" });
    done(&boss.post(&confirm, reason.clone()).await);
    boss.post(&confirm, reason)
        .await
        .is_problem(409, "statement_state");
    site.close().await;
}

/// A merchant who takes the cash himself is due nothing that could be set off: he pays, and it is noted by two, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_pays_what_he_owes() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (shop, other) = (
        merchant(&site, &boss, 1).await,
        merchant(&site, &boss, 2).await,
    );
    shop.store(&site, "first").await;
    let [member, _] = with_coins(&site).await;
    let till = staff(&site, "first").await;
    done(
        &till
            .post("/counter/payments", bill(&code_of(&member).await, "100.00"))
            .await,
    );
    assert_eq!(shop.owes().await, "10.00");
    let path = format!("/console/merchants/{}/paid", shop.id);
    let paid = |amount: &str, reference: &str| json!({ "amount": amount, "reference": reference, "on": day(&site), "reason": "came in" });
    for (body, status, code) in [
        (json!({ "amount": "1.00" }), 422, "body_invalid"),
        (paid("1.00", "two words"), 422, "transfer_invalid"),
        (paid("0.00", "IN-1"), 422, "amount_not_positive"),
        (paid("10.01", "IN-1"), 409, "merchant_owes_less"),
    ] {
        boss.post(&path, body).await.is_problem(status, code);
    }
    let nobody = boss.post("/console/merchants/77/paid", paid("1.00", "IN-1"));
    nobody.await.is_problem(404, "merchant_unknown");
    done(&boss.post(&path, paid("4.00", "IN-1")).await);
    assert_eq!(shop.owes().await, "6.00");
    let noted = done(&boss.get("/console/decisions").await);
    assert_eq!(noted["items"][0]["what"], "merchant-paid");

    let anne = partner(&site, "anne").await;
    let id = asked(&boss.post(&path, paid("6.00", "IN-2")).await);
    assert_eq!(shop.owes().await, "6.00");
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(shop.owes().await, "0.00");
    // The same transfer, asked for once more by another key, is there already; with something else it is refused to who asks.
    let again = asked(&anne.post(&path, paid("6.00", "IN-2")).await);
    done(&answer(&boss, &again, "approve").await);
    boss.post(&path, paid("5.00", "IN-2"))
        .await
        .is_problem(409, "transfer_known");
    let elsewhere = format!("/console/merchants/{}/paid", other.id);
    boss.post(&elsewhere, paid("6.00", "IN-2"))
        .await
        .is_problem(409, "transfer_known");
    assert_eq!(shop.owes().await, "0.00");
    let lines = done(&boss.get("/ledger?account=bank").await);
    assert_eq!(lines["items"][0]["event"], "merchant_paid");
    // Nothing is left that a statement could tell.
    let draft = format!("/console/merchants/{}/statement", shop.id);
    boss.post(&draft, json!({ "reason": "he leaves" }))
        .await
        .is_problem(409, "statement_empty");
    site.close().await;
}
