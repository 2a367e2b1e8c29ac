//! Name and age, and who runs the platform (rules 11), over HTTP.

use serde_json::json;

use crate::files::small;
use crate::site::{Caller, PUBLISH, Site};
use crate::withdrawals::{verified, with_money};

/// Says who runs the platform, as some profiles demand.
pub(crate) async fn stated(operator: &Caller) {
    let organiser = json!({
        "name": { "zh": "湖畔", "en": "Lakeside" }, "contact": "400-123", "reason": "ours",
    });
    let stated = operator.post("/console/organiser", organiser).await;
    assert_eq!(stated.status, 200, "{}", stated.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_age_is_noted_and_held_to() {
    let site = Site::open().await;
    let (member, boss) = with_money(&site).await;
    let adopted = json!({ "profile": "cn-default", "reason": "the law" });
    let adopted = boss.post("/console/profile", adopted).await;
    assert_eq!(adopted.status, 200, "{}", adopted.text());
    verified(&member, &boss).await;
    let wanted = json!({ "amount": "20.00" });
    let refused = member.post("/me/withdrawals", wanted.clone()).await;
    refused.is_problem(409, "not_verified");
    assert_eq!(member.get("/me").await.json()["verified_age"], json!(null));

    let path = format!("/console/members/{}/verify", member.id);
    let silent = boss.post(&path, json!({ "age": 30, "reason": "" })).await;
    silent.is_problem(422, "body_invalid");
    let old = boss.post(&path, json!({ "age": 151, "reason": "seen" }));
    old.await.is_problem(422, "age_invalid");
    let own = member.post(&path, json!({ "age": 30, "reason": "me" }));
    own.await.is_problem(401, "not_signed_in");
    let young = json!({ "age": 17, "reason": "identity card" });
    assert_eq!(boss.post(&path, young).await.status, 200);
    let refused = member.post("/me/withdrawals", wanted.clone()).await;
    assert_eq!(refused.json()["least"], 18, "{}", refused.text());
    refused.is_problem(409, "too_young");
    let grown = json!({ "age": 18, "reason": "a better look" });
    assert_eq!(boss.post(&path, grown).await.status, 200);
    let asked = member.post("/me/withdrawals", wanted).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    // Whoever decides about it sees what stands against it before he tries.
    assert_eq!(member.get("/me").await.json()["verified_age"], 18);
    let seq = asked.json()["seq"].as_str().unwrap().to_owned();
    let review = format!("/console/withdrawals?at_least={seq}");
    let line = boss.get(&review).await.json()["items"][0].clone();
    assert_eq!(
        (&line["verified_age"], &line["refused_by"]),
        (&json!(18), &json!(null))
    );
    let young = json!({ "age": 16, "reason": "another document" });
    assert_eq!(boss.post(&path, young).await.status, 200);
    let line = boss.get(&review).await.json()["items"][0].clone();
    assert_eq!(
        (&line["verified_age"], &line["refused_by"]),
        (&json!(16), &json!("too_young"))
    );
    let approve = format!(
        "/console/withdrawals/{}/approve",
        line["id"].as_str().unwrap()
    );
    let reason = json!({ "reason": "looks right" });
    boss.post(&approve, reason)
        .await
        .is_problem(409, "too_young");
    let members = boss.get("/console/members").await.json();
    let mut known = members["items"].as_array().unwrap().iter();
    let known = known.find(|known| known["id"] == member.id).unwrap();
    assert_eq!(known["verified_age"], 16);
    let noted = boss.get("/console/decisions").await.json();
    assert_eq!(noted["items"][0]["what"], "verify-member", "{noted}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_runs_the_platform_is_told_before_anything_is_sold() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let file = "name = \"ours\"\nsigned_by = \"Wang\"\n\
        opinion_sha256 = \"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\"\n\
        expires = \"2199-12-31\"\nkinds = [\"draw\"]\nconsolation = \"any\"\nreturn_reserve = \"0%\"\n\
        retention_years = 3\ndisclosures = [\"odds\", \"organiser\"]\n";
    let adopted = json!({ "profile": "own", "file": file, "reason": "ours" });
    let adopted = boss.post("/console/profile", adopted).await;
    assert_eq!(adopted.status, 200, "{}", adopted.text());
    let mut campaign = small(3);
    campaign["profile"] = json!("own");
    let refused = boss.post(PUBLISH, campaign.clone()).await;
    assert_eq!(refused.json()["limit"], "disclosures", "{}", refused.text());
    refused.is_problem(422, "profile_forbids");

    let nameless = json!({
        "name": { "zh": "", "en": "Lakeside" }, "contact": "400-123", "reason": "ours",
    });
    let refused = boss.post("/console/organiser", nameless).await;
    refused.is_problem(422, "organiser_invalid");
    stated(&boss).await;
    let campaign = site.publish(campaign).await;
    let path = format!("/campaigns/{campaign}/notice");
    let notice = site.anyone().get(&path).await.json();
    assert_eq!(
        notice["organiser"],
        json!({ "name": { "zh": "湖畔", "en": "Lakeside" }, "contact": "400-123" })
    );
    assert_eq!(
        (
            &notice["profile"]["retention_years"],
            &notice["profile"]["real_name"]
        ),
        (&json!(3), &json!("withdrawal"))
    );
    let said = notice["text"].as_array().unwrap().iter();
    let kept = said.filter(|line| line["en"].as_str().unwrap().contains("at least 3 years"));
    assert_eq!(kept.count(), 1, "{notice}");
    site.close().await;
}
