//! Limits and self-exclusion over HTTP (rules 9.7).

use serde_json::json;

use crate::site::Site;
use crate::standing::done;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_limits_and_excludes_himself() {
    let site = Site::open().await;
    let campaign = site.publish(crate::dividends::offer(1)).await;
    let one = site.member(1, None).await;
    let open = format!("/campaigns/{campaign}/groups");
    let none = json!({ "entries_per_day": null, "money_in_groups": null, "loss_pause": null });
    let card = one.get("/me/limits").await.json();
    assert_eq!((&card["holds"], &card["installation"]), (&none, &none));
    let tight = json!({
        "entries_per_day": 1,
        "money_in_groups": "50.00",
        "loss_pause": { "losses": 3, "pause_s": 3600 },
    });
    done(&one.post("/me/limits", tight.clone()).await);
    one.open_group(&campaign).await;
    let got = one.post(&open, json!({})).await;
    got.is_problem(409, "entries_limit");
    assert_eq!(got.json()["most"], 1);
    done(&one.post("/me/limits", json!({})).await);
    let card = one.get("/me/limits").await.json();
    assert_eq!((&card["holds"], &card["later"]), (&tight, &none));
    assert!(card["later_from"].is_string());
    assert_eq!(card["entries_today"], 1);
    let got = one
        .post("/me/limits", json!({ "entries_per_day": 10_001 }))
        .await;
    got.is_problem(422, "limits_invalid");
    site.advance_s(86_400);
    one.open_group(&campaign).await;

    done(&one.post("/me/self-exclusion", json!({ "days": 30 })).await);
    let got = one.post(&open, json!({})).await;
    got.is_problem(403, "self_excluded");
    let got = one.post("/me/self-exclusion", json!({ "days": 7 })).await;
    got.is_problem(409, "self_exclusion_stands");
    let card = one.get("/me/limits").await.json();
    assert_eq!(card["excluded"], true);
    assert_eq!(card["excluded_until"], got.json()["until"]);
    done(
        &one.post("/me/self-exclusion", json!({ "days": null }))
            .await,
    );
    let card = one.get("/me/limits").await.json();
    assert_eq!(
        (&card["excluded"], &card["excluded_until"]),
        (&json!(true), &json!(null))
    );
    site.close().await;
}
