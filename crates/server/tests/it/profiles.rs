//! The installation's profile over HTTP (rules 11).

use serde_json::{Value, json};

use crate::site::Site;

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
    let got = operator.post("/campaigns", group_buy("own")).await;
    got.is_problem(422, "campaign_invalid");
    let got = operator
        .post("/console/profile", adopt("own", Some(EXAMPLE)))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    let profile = site.anyone().get("/profile").await.json();
    assert_eq!(profile["profile"], "own");
    assert_eq!(profile["own"]["name"], "example-2027");
    assert_eq!(profile["limits"]["money_in_groups"], "2000.00");
    let got = operator.post("/campaigns", group_buy("seed")).await;
    got.is_problem(422, "profile_forbids");
    assert_eq!(got.json()["limit"], "profile");
    let got = operator.post("/campaigns", group_buy("own")).await;
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
    assert_eq!(decisions["items"][1]["what"], "profile");
    assert_eq!(decisions["items"][1]["reason"], "advice of counsel");
    site.close().await;
}
