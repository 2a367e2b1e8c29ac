//! Merchants over HTTP: applied, admitted, their stores, staff and drafts; and nobody sees another's (rules 10.3).

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Caller, Got, Site};

fn contract(commission: &str) -> Value {
    json!({ "commission": commission, "cash": "store" })
}

pub(crate) fn offer(commission: &str) -> Value {
    json!({
        "name": { "zh": "双人茶", "en": "Tea for two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "0.00" },
        "group": { "price": "100.00", "seats": 2, "fill_within": "24h", "payment_window": "5m" },
        "merchant": { "commission": commission },
    })
}

#[track_caller]
pub(crate) fn done(got: &Got) -> Value {
    assert!(got.status.is_success(), "{}", got.text());
    got.json()
}

/// A member applies, the operator admits him, and somebody signs in for the new merchant.
pub(crate) async fn merchant(site: &Site, operator: &Caller, number: u32) -> (String, Caller) {
    let member = site.member(number, None).await;
    let name = format!("茶馆 {number}");
    let applied = json!({ "name": name, "contact": "13900000000" });
    let id = done(&member.post("/me/merchant-application", applied).await)["id"].clone();
    let admit = format!(
        "/console/merchant-applications/{}/admit",
        id.as_str().unwrap()
    );
    let body = json!({ "contract": contract("10%"), "reason": "papers seen" });
    let merchant = done(&operator.post(&admit, body).await)["merchant"].clone();
    let merchant = merchant.as_str().unwrap().to_owned();
    let mine = done(&member.get("/me/merchant-application").await);
    assert_eq!(
        (&mine["state"], &mine["merchant"]),
        (&json!("admitted"), &json!(merchant))
    );
    let login = format!("merchant{number}");
    let staff = json!({ "name": login, "password": "tea tea tea" });
    let path = format!("/console/merchants/{merchant}/staff");
    assert_eq!(
        done(&operator.post(&path, staff.clone()).await)["role"],
        "merchant"
    );
    operator
        .post(&path, staff)
        .await
        .is_problem(409, "name_taken");
    let caller = site.sign_in_operator(&login, "tea tea tea").await.unwrap();
    (merchant, caller)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchants_campaign_from_its_draft_to_what_he_is_due() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (id, tea) = merchant(&site, &operator, 1).await;
    let store = json!({ "name": "西湖店", "address": "杭州" });
    let opened = done(&tea.post_keyed("/merchant/stores", store.clone(), "s").await);
    let again = done(&tea.post_keyed("/merchant/stores", store, "s").await);
    assert_eq!(opened["store"], again["store"]);

    tea.post("/merchant/drafts", offer("11%"))
        .await
        .is_problem(409, "commission_differs");
    let draft = done(&tea.post("/merchant/drafts", offer("10%")).await)["id"].clone();
    let path = format!("/console/drafts/{}", draft.as_str().unwrap());
    assert_eq!(done(&operator.get(&path).await)["file"], offer("10%"));
    let reason = json!({ "reason": "texts and price seen" });
    let publish = format!("{path}/publish");
    let published = done(&operator.post(&publish, reason.clone()).await);
    // Asked again under another key, as after a lost answer, it is the same campaign.
    let again = done(&operator.post(&publish, reason.clone()).await);
    assert_eq!(published["id"], again["id"]);
    operator
        .post(&format!("{path}/decline"), reason.clone())
        .await
        .is_problem(409, "draft_decided");

    let campaign = published["id"].as_str().unwrap();
    let buyers = [site.member(11, None).await, site.member(12, None).await];
    let (group, payment) = buyers[0].open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(&buyers[0], &payment, "paid").await;
    // Suspended: the open group goes on, no other opens.
    let console = format!("/console/merchants/{id}");
    done(
        &operator
            .post(&format!("{console}/suspend"), reason.clone())
            .await,
    );
    let open = format!("/campaigns/{campaign}/groups");
    buyers[1]
        .post(&open, json!({}))
        .await
        .is_problem(409, "merchant_suspended");
    let payment = buyers[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "settled").await;
    done(&operator.post(&format!("{console}/reinstate"), reason).await);
    let page = done(&tea.get("/merchant/me").await);
    let vesting = page["vesting"].as_str().unwrap();
    assert!(["180.00", "178.80"].contains(&vesting), "{page}");
    assert_eq!(page["stores"][0]["name"], "西湖店");
    assert_eq!(page["campaigns"], json!([campaign]));
    let lines = done(&tea.get("/merchant/lines").await);
    assert_eq!(lines["items"][0]["event"], "group_sold");
    assert_eq!(lines["items"][0]["amount"], page["vesting"]);
    assert_eq!(
        done(&operator.get(&console).await)["vesting"],
        page["vesting"]
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::too_many_lines,
    reason = "every endpoint is asked by everybody else"
)]
async fn nobody_sees_another_merchants_things() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (_, tea) = merchant(&site, &operator, 1).await;
    let (other_id, rice) = merchant(&site, &operator, 2).await;
    let store = json!({ "name": "西湖店", "address": "杭州" });
    let store = done(&tea.post("/merchant/stores", store).await)["store"].clone();
    let draft = done(&tea.post("/merchant/drafts", offer("10%")).await)["id"].clone();
    let mine = format!("/merchant/drafts/{}", draft.as_str().unwrap());
    assert_eq!(tea.get(&mine).await.status, 200);

    rice.get(&mine).await.is_problem(404, "draft_unknown");
    assert_eq!(
        done(&rice.get("/merchant/drafts").await)["items"],
        json!([])
    );
    let page = done(&rice.get("/merchant/me").await);
    assert_eq!(
        (&page["id"], &page["stores"]),
        (&json!(other_id), &json!([]))
    );
    assert_eq!(done(&rice.get("/merchant/lines").await)["items"], json!([]));
    let cashier = json!({ "name": "thief", "password": "tea tea tea", "store": store });
    rice.post("/merchant/staff", cashier)
        .await
        .is_problem(404, "store_unknown");
    let all = json!({ "name": "second", "password": "tea tea tea" });
    rice.post("/merchant/staff", all)
        .await
        .is_problem(422, "body_invalid");

    let cashier = json!({ "name": "till", "password": "tea tea tea", "store": store });
    assert_eq!(
        done(&tea.post("/merchant/staff", cashier).await)["role"],
        "cashier"
    );
    let till = site.sign_in_operator("till", "tea tea tea").await.unwrap();
    let member = site.member(3, None).await;
    let of_merchants = [
        (Method::GET, "/merchant/me".to_owned()),
        (Method::GET, "/merchant/lines".to_owned()),
        (Method::GET, "/merchant/drafts".to_owned()),
        (Method::GET, mine),
        (Method::POST, "/merchant/drafts".to_owned()),
        (Method::POST, "/merchant/stores".to_owned()),
        (Method::POST, "/merchant/staff".to_owned()),
    ];
    let of_operators = [
        (Method::GET, "/books"),
        (Method::GET, "/console/members"),
        (Method::GET, "/console/merchants"),
        (Method::GET, "/console/merchants/0"),
        (Method::GET, "/console/merchant-applications"),
        (Method::GET, "/console/drafts"),
        (Method::GET, "/console/drafts/0"),
        (Method::POST, "/console/drafts/0/publish"),
        (Method::POST, "/console/drafts/0/decline"),
        (Method::POST, "/console/merchants/0/contract"),
        (Method::POST, "/console/merchants/0/suspend"),
        (Method::POST, "/console/merchants/0/reinstate"),
        (Method::POST, "/console/merchants/0/staff"),
        (Method::POST, "/console/merchant-applications/0/admit"),
        (Method::POST, "/console/merchant-applications/0/decline"),
        (Method::POST, "/campaigns"),
        (Method::POST, "/capital"),
    ];
    let ask = async |caller: &Caller, method: &Method, path: &str| match *method {
        Method::GET => caller.get(path).await,
        _ => caller.post(path, json!({})).await,
    };
    for (method, path) in &of_merchants {
        ask(&till, method, path)
            .await
            .is_problem(403, "role_missing");
        ask(&operator, method, path)
            .await
            .is_problem(403, "role_missing");
        ask(&member, method, path)
            .await
            .is_problem(401, "not_signed_in");
    }
    for (method, path) in &of_operators {
        for caller in [&tea, &till] {
            ask(caller, method, path)
                .await
                .is_problem(403, "role_missing");
        }
        ask(&member, method, path)
            .await
            .is_problem(401, "not_signed_in");
    }
    site.close().await;
}

/// Under the operator's own profile, which campaign files name `own`; and members are told whose campaign it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchants_campaign_under_an_own_profile_says_who_runs_it() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (id, tea) = merchant(&site, &operator, 1).await;
    let mut file = offer("10%");
    file["profile"] = json!("own");
    let none = tea.post("/merchant/drafts", file.clone()).await;
    none.is_problem(422, "campaign_invalid");
    let own = include_str!("../../../../profiles/own.example.toml");
    let adopted = json!({ "profile": "own", "file": own, "reason": "advice of counsel" });
    done(&operator.post("/console/profile", adopted).await);
    crate::identities::stated(&operator).await;
    let draft = done(&tea.post("/merchant/drafts", file).await)["id"].clone();
    let publish = format!("/console/drafts/{}/publish", draft.as_str().unwrap());
    let reason = json!({ "reason": "texts and price seen" });
    let published = done(&operator.post(&publish, reason.clone()).await);
    let again = done(&operator.post(&publish, reason).await);
    assert_eq!(published["id"], again["id"]);
    let campaign = published["id"].as_str().unwrap();
    let page = done(&site.anyone().get(&format!("/campaigns/{campaign}")).await);
    assert_eq!(page["profile"], "own");
    let notice = format!("/campaigns/{campaign}/notice");
    let notice = done(&site.anyone().get(&notice).await);
    assert_eq!(notice["run_by"], "merchant");
    let known = json!({ "merchant": id, "name": "茶馆 1", "contact": "13900000000" });
    assert_eq!(notice["merchant"], known);
    let said = notice["text"].as_array().unwrap().iter();
    let named = said.filter(|line| line["zh"].as_str().unwrap().contains("茶馆 1"));
    assert_eq!(named.count(), 1, "{notice}");
    site.close().await;
}

/// Names and contacts stand in notices, so they may promise no more than a campaign's text (rules 11).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_and_no_contact_promises_what_nobody_can_keep() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(21, None).await;
    for (name, contact) in [("稳赚不赔商行", "13900000000"), ("茶馆", "参与即赚")] {
        let applied = json!({ "name": name, "contact": contact });
        let got = member.post("/me/merchant-application", applied).await;
        got.is_problem(422, "promise_forbidden");
    }
    let (_, tea) = merchant(&site, &operator, 1).await;
    for (name, address) in [("保本店", "杭州"), ("西湖店", "躺赚路 1 号")] {
        let store = json!({ "name": name, "address": address });
        let got = tea.post("/merchant/stores", store).await;
        got.is_problem(422, "promise_forbidden");
    }
    let organiser = json!({
        "name": { "zh": "保本平台", "en": "Lakeside" }, "contact": "400-123", "reason": "ours",
    });
    let got = operator.post("/console/organiser", organiser).await;
    got.is_problem(422, "promise_forbidden");
    site.close().await;
}
