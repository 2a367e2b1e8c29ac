//! What operators and finance look after: payments that went back, contracts that take two, and what suppliers were paid.

use reqwest::Method;
use serde_json::{Value, json};

use crate::approvals::{answer, asked, partner};
use crate::files::small;
use crate::merchants::{done, merchant};
use crate::site::{Caller, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_of_another_amount_go_back_and_are_listed() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let campaign = site.publish(small(3)).await;
    let (one, two) = (site.member(1, None).await, site.member(2, None).await);
    let (group, payment) = one.open_group(&campaign).await;
    let name = "payments_bounced_total{reason=\"amount_differs\"}";
    let counted = site.number(name).await;
    // Paid twice at once, and then somebody pays a fen too little.
    site.faults(Some(&payment), json!({ "pay": { "transactions": 2 } }))
        .await;
    site.pay(&payment).await;
    site.payment(&one, &payment, "paid").await;
    site.until("one of the two is back", async || {
        let page = operator.get("/console/payments").await.json();
        (page["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let wrong = two.join(&group).await;
    site.faults(Some(&wrong), json!({ "pay": { "amount_fen": 999 } }))
        .await;
    site.pay(&wrong).await;
    let path = "/console/payments";
    let listed = site
        .until("both are back", async || {
            let page = operator.get(path).await.json();
            let items = page["items"].as_array().unwrap().clone();
            let back = items.iter().all(|item| !item["refunded_at"].is_null());
            (items.len() == 2 && back).then_some(items)
        })
        .await;
    let why = |at: usize| listed[at]["reason"].as_str().unwrap();
    assert_eq!((why(0), why(1)), ("amount_differs", "second_payment"));
    assert_eq!(
        (
            &listed[0]["amount"],
            &listed[0]["payment"],
            &listed[0]["member"]
        ),
        (&json!("9.99"), &json!(wrong), &json!(two.id))
    );
    let only = done(&operator.get(&format!("{path}?reason=amount_differs")).await);
    assert_eq!(only["items"], json!([listed[0]]));
    let first = done(&operator.get(&format!("{path}?limit=1")).await);
    assert_eq!(first["items"], json!([listed[0]]));
    let next = first["next"].as_str().unwrap();
    let rest = done(&operator.get(&format!("{path}?cursor={next}")).await);
    assert_eq!(rest["items"], json!([listed[1]]));
    for bad in ["left", "none", "cancelled"] {
        let got = operator.get(&format!("{path}?reason={bad}")).await;
        got.is_problem(400, "query_invalid");
    }
    one.get(path).await.is_problem(401, "not_signed_in");
    assert!(counted < site.number(name).await);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contracts_take_two_operators() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (first, tea) = merchant(&site, &boss, 1).await;
    let anne = partner(&site, "anne").await;
    let password = "correct horse battery";
    server::finance_add(&site.config.data_dir, "fiona", password, clock(&site))
        .await
        .unwrap();
    let fiona = site.sign_in_operator("fiona", password).await.unwrap();
    let commission = async || {
        let page = done(&tea.get("/merchant/me").await);
        page["contracts"][0]["contract"]["commission"].clone()
    };
    let path = format!("/console/merchants/{first}/contract");
    let wanted = |rate: &str| {
        let contract = json!({ "commission": rate, "cash": "store", "entry_fee": "10.00" });
        json!({ "contract": contract, "reason": "agreed on paper" })
    };
    boss.post(&path, json!({ "contract": {}, "reason": "a try" }))
        .await
        .is_problem(422, "body_invalid");
    let got = boss.post(&path, wanted("much")).await;
    got.is_problem(422, "body_invalid");
    let id = asked(&boss.post(&path, wanted("12%")).await);
    assert_eq!(commission().await, "10%");
    answer(&boss, &id, "approve")
        .await
        .is_problem(403, "approval_own");
    // Finance moves money; how it moves is not hers to say.
    answer(&fiona, &id, "approve")
        .await
        .is_problem(403, "role_missing");
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(commission().await, "12%");
    let page = done(&tea.get("/merchant/me").await);
    assert_eq!(page["owes"], "10.00");

    // An applicant becomes a merchant when the second has approved, and no sooner.
    let applicant = site.member(5, None).await;
    let body = json!({ "name": "第三家", "contact": "13900000000" });
    let applied = done(&applicant.post("/me/merchant-application", body).await);
    let admit = format!(
        "/console/merchant-applications/{}/admit",
        applied["id"].as_str().unwrap()
    );
    let id = asked(&boss.post(&admit, wanted("9%")).await);
    assert_eq!(state(&applicant).await, "applied");
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(state(&applicant).await, "admitted");
    let got = answer(&anne, &id, "approve").await;
    assert_eq!(got.status, 200, "told again: {}", got.text());
    let merchants = done(&boss.get("/console/merchants").await);
    assert_eq!(merchants["items"].as_array().unwrap().len(), 2);
    let decisions = done(&boss.get("/console/decisions").await);
    let whats: Vec<&str> = decisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    for what in [
        "admit-merchant",
        "approve-admit-merchant",
        "contract",
        "approve-contract",
    ] {
        assert!(whats.contains(&what), "{what}: {decisions}");
    }
    site.close().await;
}

fn clock(site: &Site) -> domain::Millis {
    use engine::Clock;
    site.clock.now()
}

async fn state(applicant: &Caller) -> String {
    let mine = done(&applicant.get("/me/merchant-application").await);
    mine["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suppliers_are_paid_what_they_are_owed() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let campaign = site.publish(small(2)).await;
    let (one, two) = (site.member(1, None).await, site.member(2, None).await);
    crate::settling::play(&site, &campaign, &[one.clone(), two]).await;
    site.settled_books().await;
    let owed = async || {
        let books = done(&boss.get("/books").await);
        let lines = books["owed"].as_array().unwrap().clone();
        let line = lines.into_iter().find(|line| line["kind"] == "suppliers");
        (line.unwrap()["amount"].clone(), books["own"].clone())
    };
    let (before, own) = owed().await;
    assert_eq!(before, "2.00");
    let pay = |amount: &str| json!({ "amount": amount, "reason": "November, invoice 7" });
    let path = "/console/suppliers";
    boss.post(path, json!({ "amount": "1.00" }))
        .await
        .is_problem(422, "body_invalid");
    one.post(path, pay("1.00"))
        .await
        .is_problem(401, "not_signed_in");
    let got = boss.post(path, pay("2.01")).await;
    got.is_problem(409, "suppliers_too_large");
    assert_eq!(got.json()["left"], "2.00");
    done(&boss.post(path, pay("0.50")).await);
    // What is paid is held no more and owed no more.
    assert_eq!(owed().await, (json!("1.50"), own.clone()));

    let anne = partner(&site, "anne").await;
    // What could never pass is refused to who asks.
    let got = boss.post(path, pay("99999999.00")).await;
    got.is_problem(409, "suppliers_too_large");
    let id = asked(&boss.post(path, pay("1.50")).await);
    let late = asked(&boss.post(path, pay("0.01")).await);
    assert_eq!(owed().await.0, "1.50");
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(owed().await, (json!("0.00"), own));
    let got = answer(&anne, &late, "approve").await;
    got.is_problem(409, "suppliers_too_large");
    // What the rules refuse by then is noted of who asked and of who approved.
    for who in [&boss, &anne] {
        let me = who.get("/operator/me").await.json()["name"].clone();
        let id = if me == "boss" { "0" } else { "1" };
        let path = format!("/console/refusals?rule=suppliers_too_large&who=staff&id={id}");
        site.until("the refusal is noted", async || {
            let noted = done(&boss.get(&path).await);
            let noted = noted["items"].as_array().unwrap().clone();
            let of_today = noted.iter().filter(|row| {
                let detail = row["detail"].as_str().unwrap();
                detail.contains("0.00")
            });
            (0 < of_today.count()).then_some(())
        })
        .await;
    }
    let decisions = done(&boss.get("/console/decisions").await);
    let lines = decisions["items"].as_array().unwrap().iter();
    let told = lines.filter(|line| line["what"] == "suppliers");
    let reasons: Vec<&Value> = told.map(|line| &line["reason"]).collect();
    assert_eq!(reasons, [&json!("November, invoice 7"); 2]);
    let lines = done(&boss.get("/ledger?account=suppliers").await);
    assert_eq!(lines["items"][0]["event"], "suppliers_paid");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merchants_and_cashiers_look_after_none_of_it() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (_, tea) = merchant(&site, &operator, 1).await;
    for (method, path) in [
        (Method::GET, "/console/payments"),
        (Method::POST, "/console/suppliers"),
        (Method::GET, "/console/tables"),
        (Method::GET, "/console/merchants/0/staff"),
        (Method::POST, "/console/merchant-staff/1/remove"),
        (Method::POST, "/console/merchant-staff/1/password"),
        (Method::POST, "/orders/0/ship"),
        (Method::POST, "/orders/0/take-back"),
    ] {
        let got = match method {
            Method::GET => tea.get(path).await,
            _ => tea.post(path, json!({})).await,
        };
        got.is_problem(403, "role_missing");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_decided_once_and_unknown_ones_are_told() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let mine = "/me/merchant-application";
    member
        .get(mine)
        .await
        .is_problem(404, "application_unknown");
    let console = |what: &str| format!("/console/merchant-applications/0/{what}");
    let reason = json!({ "reason": "papers missing" });
    let contract = json!({ "commission": "10%", "cash": "store" });
    let signed = json!({ "contract": contract, "reason": "papers seen" });
    let got = operator.post(&console("decline"), reason.clone()).await;
    got.is_problem(404, "application_unknown");
    let got = operator.post(&console("admit"), signed.clone()).await;
    got.is_problem(404, "application_unknown");
    let body = json!({ "name": "茶馆", "contact": "13900000000" });
    done(&member.post(mine, body.clone()).await);
    done(&operator.post(&console("decline"), reason.clone()).await);
    let got = operator.post(&console("admit"), signed.clone()).await;
    got.is_problem(409, "application_decided");
    // He applies again, and is admitted.
    done(&member.post(mine, body).await);
    done(&operator.post(&console("admit"), signed).await);
    let got = operator.post(&console("decline"), reason).await;
    got.is_problem(409, "application_decided");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_shop_says_so() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let product = json!({
        "title": { "zh": "茶壶", "en": "Teapot" }, "text": { "zh": "紫砂", "en": "Clay" },
    });
    let anyone = site.anyone();
    for none in ["/shop/products/9", "/shop/products/x"] {
        anyone.get(none).await.is_problem(404, "product_unknown");
    }
    let got = operator.post("/console/products/9", product).await;
    got.is_problem(404, "product_unknown");
    let beside = site.directory().await;
    for number in 0..views::MAX_CATEGORIES {
        let name = number.to_string();
        let name = domain::Text {
            zh: name.clone(),
            en: name,
        };
        beside.add_category(&name).await.unwrap().unwrap();
    }
    for number in 0..views::MAX_PICTURES {
        let hash = draw::hash(&number.to_be_bytes()).0;
        let picture = (views::PictureKind::Png, b"\x89PNG\r\n\x1a\n".as_slice());
        assert!(
            beside
                .put_picture(&hash, picture, clock(&site))
                .await
                .unwrap()
        );
    }
    beside.close().await;
    let name = json!({ "name": { "zh": "茶具", "en": "Tea things" } });
    let got = operator.post("/console/categories", name).await;
    got.is_problem(409, "categories_full");
    let request = operator.request(Method::POST, "/console/pictures");
    let request = request
        .header("content-type", "image/png")
        .header("idempotency-key", "one-more")
        .body(b"\x89PNG\r\n\x1a\nand one more".to_vec());
    let got = crate::site::Got::of(request.send().await.unwrap()).await;
    got.is_problem(409, "pictures_full");
    site.close().await;
}
