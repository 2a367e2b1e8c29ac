//! Accounts of merchants' staff are listed, given other passwords and removed; their sessions end at once (rules 10).

use serde_json::json;

use crate::merchants::{done, merchant};
use crate::site::{Caller, Site};

/// A store with a cashier; answers with the cashier's number.
async fn cashier(tea: &Caller, login: &str) -> String {
    let store = json!({ "name": "西湖店", "address": "杭州" });
    let store = done(&tea.post("/merchant/stores", store).await)["store"].clone();
    let staff = json!({ "name": login, "password": "tea tea tea", "store": store });
    let added = done(&tea.post("/merchant/staff", staff).await);
    added["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn cashiers_get_other_passwords_and_are_removed() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let (house, tea) = merchant(&site, &operator, 1).await;
    let (_, rice) = merchant(&site, &operator, 2).await;
    let till_id = cashier(&tea, "till").await;
    let till = site.sign_in_operator("till", "tea tea tea").await.unwrap();
    assert_eq!(till.get("/counter/me").await.status, 200);
    let mine = done(&tea.get("/merchant/staff").await);
    assert_eq!(
        (&mine["items"][0]["name"], &mine["items"][0]["role"]),
        (&json!("till"), &json!("cashier"))
    );
    assert_eq!(mine["items"][1]["role"], "merchant");
    let all = format!("/console/merchants/{house}/staff");
    assert_eq!(done(&operator.get(&all).await)["items"], mine["items"]);
    let others = done(&rice.get("/merchant/staff").await);
    assert!(!others.to_string().contains("till"), "{others}");
    operator
        .get("/console/merchants/9/staff")
        .await
        .is_problem(404, "merchant_unknown");

    // Another's looks like none, and who acts for the merchant is the operators' to change.
    let (password, remove) = (
        format!("/merchant/staff/{till_id}/password"),
        format!("/merchant/staff/{till_id}/remove"),
    );
    let new = json!({ "password": "rice rice rice", "reason": "he forgot it" });
    let why = json!({ "reason": "left us" });
    rice.post(&password, new.clone())
        .await
        .is_problem(404, "staff_unknown");
    rice.post(&remove, why.clone())
        .await
        .is_problem(404, "staff_unknown");
    let boss = mine["items"][1]["id"].as_str().unwrap();
    tea.post(&format!("/merchant/staff/{boss}/remove"), why.clone())
        .await
        .is_problem(403, "role_missing");
    // An operator's own account is nobody's staff.
    operator
        .post("/console/merchant-staff/0/remove", why.clone())
        .await
        .is_problem(404, "staff_unknown");
    for (path, body) in [(&password, &new), (&remove, &why)] {
        till.post(path, body.clone())
            .await
            .is_problem(403, "role_missing");
        site.member(9, None)
            .await
            .post(path, body.clone())
            .await
            .is_problem(401, "not_signed_in");
        site.advance_s(61);
        let console = path.replace("/merchant/staff", "/console/merchant-staff");
        tea.post(&console, body.clone())
            .await
            .is_problem(403, "role_missing");
        tea.post(path, json!({ "reason": "" }))
            .await
            .is_problem(422, "body_invalid");
    }
    let short = json!({ "password": "short", "reason": "a try" });
    tea.post(&password, short)
        .await
        .is_problem(422, "body_invalid");

    done(&tea.post(&password, new).await);
    till.get("/counter/me")
        .await
        .is_problem(401, "not_signed_in");
    assert!(site.sign_in_operator("till", "tea tea tea").await.is_none());
    let till = site.sign_in_operator("till", "rice rice rice").await;
    let till = till.unwrap();
    assert_eq!(till.get("/counter/me").await.status, 200);

    let removed = done(&tea.post(&remove, why.clone()).await);
    assert_eq!(removed["role"], "removed");
    till.get("/counter/me")
        .await
        .is_problem(401, "not_signed_in");
    let again = site.sign_in_operator("till", "rice rice rice").await;
    assert!(again.is_none(), "a removed account signs in");
    done(&tea.post(&remove, why.clone()).await);
    let new = json!({ "password": "tea tea tea", "reason": "back again" });
    tea.post(&password, new)
        .await
        .is_problem(409, "staff_removed");
    let store = mine["items"][0]["store"].clone();
    let same = json!({ "name": "till", "password": "tea tea tea", "store": store });
    tea.post("/merchant/staff", same)
        .await
        .is_problem(409, "name_taken");

    // The operators change who acts for the merchant, too.
    let path = format!("/console/merchant-staff/{boss}");
    let new = json!({ "password": "oolong oolong", "reason": "he asked by phone" });
    done(&operator.post(&format!("{path}/password"), new).await);
    tea.get("/merchant/me")
        .await
        .is_problem(401, "not_signed_in");
    let login = site.sign_in_operator("merchant1", "oolong oolong").await;
    let tea = login.unwrap();
    done(&operator.post(&format!("{path}/remove"), why).await);
    tea.get("/merchant/me")
        .await
        .is_problem(401, "not_signed_in");
    decided(&operator, &till_id, boss).await;
    site.close().await;
}

/// Who did all this and why stands in the list of decisions.
async fn decided(operator: &Caller, till: &str, boss: &str) {
    let decisions = done(&operator.get("/console/decisions?limit=100").await);
    let lines = decisions["items"].as_array().unwrap();
    for (what, subject, by, reason) in [
        ("add-staff", till, boss, "added till"),
        ("staff-password", till, boss, "he forgot it"),
        ("remove-staff", till, boss, "left us"),
        ("staff-password", boss, "0", "he asked by phone"),
        ("remove-staff", boss, "0", "left us"),
        ("admit-merchant", "0", "0", "papers seen"),
    ] {
        let line = lines.iter().filter(|line| {
            let is = |key: &str, value: &str| line[key] == value;
            is("what", what) && is("subject", subject) && is("operator", by) && is("reason", reason)
        });
        assert_eq!(line.count(), 1, "{what} of {subject}: {decisions}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_ends_or_pays_something_says_why() {
    let site = Site::open().await;
    let operator = site.operator().await;
    for path in [
        "/groups/0/cancel",
        "/orders/0/take-back",
        "/console/purchases/0/take-back",
        "/console/withdrawals/0/approve",
        "/console/skus/0/close",
        "/console/skus/0/reopen",
    ] {
        for body in [json!({}), json!({ "reason": " " })] {
            let got = operator.post(path, body).await;
            got.is_problem(422, "body_invalid");
        }
        let got = operator.post(path, json!({ "reason": "seen" })).await;
        assert_eq!(got.status, 404, "{path}: {}", got.text());
    }
    for path in ["/capital", "/console/tax"] {
        operator
            .post(path, json!({ "amount": "1.00" }))
            .await
            .is_problem(422, "body_invalid");
    }
    operator
        .post("/campaigns", crate::files::small(2))
        .await
        .is_problem(422, "body_invalid");
    let campaign = site.publish(crate::files::small(2)).await;
    let leader = site.member(1, None).await;
    let (group, _) = leader.open_group(&campaign).await;
    let cancel = format!("/groups/{group}/cancel");
    done(
        &operator
            .post(&cancel, json!({ "reason": "sold out" }))
            .await,
    );
    let decisions = done(&operator.get("/console/decisions").await);
    let line = |at: usize| {
        let line = &decisions["items"][at];
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        (text("what"), text("subject"), text("reason"))
    };
    let is = |what: &str, subject: &str, reason: &str| {
        (what.to_owned(), subject.to_owned(), reason.to_owned())
    };
    assert_eq!(line(0), is("cancel-group", &group, "sold out"));
    let seen = "texts and price seen";
    assert_eq!(line(1), is("publish-campaign", &campaign, seen));
    site.close().await;
}
