//! Writes that only the directory knows: the same key gives the same answer, and with other content it is refused (rules 2.4).

use serde_json::{Value, json};

use crate::merchants::{done, merchant, offer};
use crate::site::{Caller, Site};

/// Sends a body twice and another one under the same key; answers what the first was told.
async fn once(caller: &Caller, path: &str, body: Value, other: Value) -> Value {
    let key = path.replace('/', "-");
    let first = caller.post_keyed(path, body.clone(), &key).await;
    let told = done(&first);
    let again = caller.post_keyed(path, body, &key).await;
    assert_eq!(
        (again.status, again.json()),
        (first.status, told.clone()),
        "{path}"
    );
    let got = caller.post_keyed(path, other, &key).await;
    got.is_problem(422, "idempotency_key_reused");
    told
}

fn with(mut body: Value, field: &str, value: &str) -> Value {
    body[field] = json!(value);
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_drafts_of_merchants_are_made_once() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (house, tea) = merchant(&site, &boss, 1).await;
    let store = json!({ "name": "西湖店", "address": "杭州" });
    let store = done(&tea.post("/merchant/stores", store).await)["store"].clone();

    let till = json!({ "name": "till", "password": "tea tea tea", "store": store });
    let added = once(
        &tea,
        "/merchant/staff",
        till.clone(),
        with(till.clone(), "name", "other"),
    )
    .await;
    let id = added["id"].as_str().unwrap();
    let second = with(till, "name", "second till");
    let path = format!("/console/merchants/{house}/staff");
    once(
        &boss,
        &path,
        second.clone(),
        with(second, "password", "rice rice rice"),
    )
    .await;
    let mine = done(&tea.get("/merchant/staff").await);
    assert_eq!(mine["items"].as_array().unwrap().len(), 3);

    let first = json!({ "password": "oolong oolong", "reason": "he forgot it" });
    for (caller, path) in [
        (&tea, format!("/merchant/staff/{id}/password")),
        (&boss, format!("/console/merchant-staff/{id}/password")),
    ] {
        let other = with(first.clone(), "password", "rice rice rice");
        once(caller, &path, first.clone(), other).await;
        assert!(
            site.sign_in_operator("till", "rice rice rice")
                .await
                .is_none()
        );
    }
    // Told again, a change does not undo what came after it.
    let path = format!("/merchant/staff/{id}/password");
    let key = path.replace('/', "-");
    let later = json!({ "password": "jasmine jasmine", "reason": "again" });
    done(&tea.post(&path, later).await);
    done(&tea.post_keyed(&path, first, &key).await);
    assert!(
        site.sign_in_operator("till", "jasmine jasmine")
            .await
            .is_some()
    );
    let path = format!("/merchant/staff/{id}/remove");
    let why = json!({ "reason": "left us" });
    once(&tea, &path, why.clone(), with(why, "reason", "another")).await;

    let draft = offer("10%");
    let mut other = draft.clone();
    other["name"]["en"] = json!("Another tea");
    let kept = once(&tea, "/merchant/drafts", draft, other).await;
    let drafts = done(&tea.get("/merchant/drafts").await);
    assert_eq!(drafts["items"].as_array().unwrap().len(), 1);
    let path = format!("/console/drafts/{}/decline", kept["id"].as_str().unwrap());
    let why = json!({ "reason": "too dear" });
    once(&boss, &path, why.clone(), with(why, "reason", "too cheap")).await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_members_and_the_shop_write_is_written_once() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let member = site.member(1, None).await;
    let applied = json!({ "name": "茶馆", "contact": "13900000000" });
    let path = "/me/merchant-application";
    once(
        &member,
        path,
        applied.clone(),
        with(applied, "name", "银行"),
    )
    .await;
    assert_eq!(done(&member.get(path).await)["name"], "茶馆");
    let account = json!({ "name": "张三", "account": "6222" });
    let path = "/me/payout-account";
    once(
        &member,
        path,
        account.clone(),
        with(account, "account", "6223"),
    )
    .await;
    assert_eq!(done(&member.get(path).await)["account"]["account"], "6222");

    let name = json!({ "name": { "zh": "茶具", "en": "Tea things" } });
    let other = json!({ "name": { "zh": "茶叶", "en": "Teas" } });
    once(&boss, "/console/categories", name, other).await;
    let product = |title: &str| {
        json!({
            "title": { "zh": "茶壶", "en": title }, "text": { "zh": "紫砂", "en": "Clay" },
        })
    };
    let kept = once(
        &boss,
        "/console/products",
        product("Teapot"),
        product("Cup"),
    )
    .await;
    let path = format!("/console/products/{}", kept["id"].as_str().unwrap());
    once(&boss, &path, product("Pot"), product("Cup")).await;
    let products = done(&boss.get("/shop/products").await);
    assert_eq!(products["items"].as_array().unwrap().len(), 1);
    // Nor may it have been a command's.
    let freeze = format!("/console/members/{}/freeze", member.id);
    let why = json!({ "reason": "a complaint" });
    done(&boss.post_keyed(&freeze, why, "of-a-command").await);
    boss.post_keyed("/console/products", product("Mat"), "of-a-command")
        .await
        .is_problem(422, "idempotency_key_reused");
    // A key is one actor's: another one's is another request.
    let two = site.member(2, None).await;
    let applied = json!({ "name": "面馆", "contact": "13900000001" });
    let got = two.post_keyed(
        "/me/merchant-application",
        applied,
        "-me-merchant-application",
    );
    assert_eq!(done(&got.await)["id"], "1");
    // Two requests of one key at once are one.
    let three = site.member(3, None).await;
    let applied = json!({ "name": "饭馆", "contact": "13900000002" });
    let ask = || three.post_keyed("/me/merchant-application", applied.clone(), "at-once");
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for got in [&two, &three] {
        assert_eq!(done(got), done(&one));
    }
    site.close().await;
}
