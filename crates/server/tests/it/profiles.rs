//! The installation's profile over HTTP (rules 11).

use serde_json::{Value, json};

use crate::site::{PUBLISH, Site};

const EXAMPLE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../profiles/own.example.toml"
));

fn group_buy(profile: &str) -> Value {
    json!({
        "name": { "zh": "双人购", "en": "For two" },
        "kind": "everyone-buys",
        "profile": profile,
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2 },
        "reward": [],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_adopts_a_profile_and_everybody_sees_who_signs_for_it() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let member = site.member(1, None).await;
    let adopt = |profile: &str, file: Option<&str>| json!({ "profile": profile, "file": file, "reason": "advice of counsel" });
    let got = member.post("/console/profile", adopt("seed", None)).await;
    got.is_problem(401, "not_signed_in");
    for (profile, file, code) in [
        ("own", None, "body_invalid"),
        ("seed", Some(EXAMPLE), "body_invalid"),
        ("mine", None, "body_invalid"),
        ("own", Some("name = 1"), "campaign_file_invalid"),
    ] {
        let got = operator
            .post("/console/profile", adopt(profile, file))
            .await;
        got.is_problem(422, code);
    }
    let expired = EXAMPLE.replace("2027-12-31", "2020-12-31");
    let got = operator
        .post("/console/profile", adopt("own", Some(&expired)))
        .await;
    got.is_problem(422, "profile_forbids");
    assert_eq!(got.json()["limit"], "expires");
    let unsigned = EXAMPLE.replace("王小明", &"x".repeat(200));
    let got = operator
        .post("/console/profile", adopt("own", Some(&unsigned)))
        .await;
    got.is_problem(422, "profile_invalid");
    assert_eq!(got.json()["field"], "signed_by");

    let under_seed = site.publish(group_buy("seed")).await;
    let got = operator.post(PUBLISH, group_buy("own")).await;
    got.is_problem(422, "campaign_invalid");
    let got = operator
        .post("/console/profile", adopt("own", Some(EXAMPLE)))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    let profile = site.anyone().get("/profile").await.json();
    assert_eq!(profile["profile"], "own");
    assert_eq!(profile["own"]["name"], "example-2027");
    assert_eq!(profile["limits"]["money_in_groups"], "2000.00");
    let got = operator.post(PUBLISH, group_buy("seed")).await;
    got.is_problem(422, "profile_forbids");
    assert_eq!(got.json()["limit"], "profile");
    let got = operator.post(PUBLISH, group_buy("own")).await;
    assert_eq!(got.json()["limit"], "disclosures", "{}", got.text());
    crate::identities::stated(&operator).await;
    let campaign = site.publish(group_buy("own")).await;
    member.open_group(&campaign).await;
    // What was published before may go on where the new profile would allow it.
    member.open_group(&under_seed).await;
    let page = site
        .anyone()
        .get(&format!("/campaigns/{campaign}"))
        .await
        .json();
    assert_eq!(page["profile"], "own", "{page}");
    let decisions = operator.get("/console/decisions").await.json();
    assert_eq!(decisions["items"][2]["what"], "profile");
    assert_eq!(decisions["items"][2]["reason"], "advice of counsel");
    site.close().await;
}

/// What the check says is what publication would say: of plans, profiles, who runs the platform and whose campaign it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_asks_what_publication_asks() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let check = async |file: &Value| {
        let checked = operator.post("/campaigns/check", file.clone()).await.json();
        assert!(checked["solvency"].is_object(), "{checked}");
        let published = operator.post(PUBLISH, file.clone()).await;
        assert_eq!(checked["ok"], published.status.is_success(), "{checked}");
        if checked["ok"] == false {
            assert_eq!(checked["problem"]["code"], published.json()["code"]);
        }
        checked["problem"].clone()
    };
    let code = |problem: &Value| problem["code"].as_str().unwrap_or("ok").to_owned();
    let good = group_buy("seed");
    assert_eq!(code(&check(&good).await), "ok");
    let mut plan = good.clone();
    plan["plan"] = json!(2);
    let problem = check(&plan).await;
    assert_eq!(
        (code(&problem), &problem["field"]),
        ("plan_unknown".to_owned(), &json!("plan"))
    );
    let mut of_merchant = good.clone();
    of_merchant["merchant"] = json!({ "commission": "10%" });
    let problem = check(&of_merchant).await;
    assert_eq!(code(&problem), "merchant_missing");
    assert_eq!(problem["field"], "merchant");
    let adopted = json!({ "profile": "cn-default", "reason": "the law" });
    assert_eq!(operator.post("/console/profile", adopted).await.status, 200);
    assert_eq!(
        code(&check(&good).await),
        "profile_forbids",
        "another profile"
    );
    let cautious = group_buy("cn-default");
    let untold = check(&cautious).await;
    assert_eq!(
        code(&untold),
        "profile_forbids",
        "nobody said who runs this"
    );
    crate::identities::stated(&operator).await;
    assert_eq!(code(&check(&cautious).await), "ok");
    site.close().await;
}

/// People's money: a platform at a real channel starts, so that its operator can adopt another profile than seed, and until then
/// nothing begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_real_channel_nothing_begins_under_seed() {
    let site = Site::open_with(|config| {
        config.channel_kind = server::ChannelKind::Real;
        config.demo = server::Demo::Off;
    })
    .await;
    let operator = site.operator().await;
    let crowd = site.crowd(2).await;
    let (leader, buyer) = (&crowd[0], &crowd[1]);
    let refused = operator.post(PUBLISH, group_buy("seed")).await;
    refused.is_problem(409, "seed_real_channel");
    let gateway = site.gateway().await;
    let item = json!({ "group": "0", "member": leader.id, "txn": "t" });
    let joins = gateway.post("/joins", json!({ "items": [item] })).await;
    joins.is_problem(409, "seed_real_channel");
    let open = leader.post("/campaigns/0/groups", json!({})).await;
    open.is_problem(409, "seed_real_channel");
    let buy = json!({ "units": 1, "price": "1.00" });
    let buy = leader.post("/skus/0/buy", buy).await;
    buy.is_problem(409, "seed_real_channel");

    let adopt = |profile: &str| json!({ "profile": profile, "reason": "advice of counsel" });
    let adopted = operator.post("/console/profile", adopt("cn-default")).await;
    assert_eq!(adopted.status, 200, "{}", adopted.text());
    crate::identities::stated(&operator).await;
    let campaign = site.publish(group_buy("cn-default")).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    let payment = buyer.join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "settled").await;
    // And nobody goes back to it.
    let back = operator.post("/console/profile", adopt("seed")).await;
    back.is_problem(409, "seed_real_channel");
    site.close().await;
}
