//! Coins over HTTP (rules 10.1).

use serde_json::{Value, json};

use crate::site::Site;

fn two_of_three_get_coins() -> Value {
    json!({
        "name": { "zh": "抽一份茶", "en": "Tea for one" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 3, "winners": 1 },
        "reward": [{ "program": "consolation", "coins": "1.50" }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_when_his_coins_expire() {
    let site = Site::open().await;
    let campaign = site.publish(two_of_three_get_coins()).await;
    let crowd = site.crowd(3).await;
    let (group, payment) = crowd[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&crowd[0], &payment, "paid").await;
    for member in &crowd[1..] {
        site.pay(&member.join(&group).await).await;
    }
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    let mut lots = Vec::new();
    for member in &crowd {
        let page = member.get("/me/coins").await.json();
        assert_eq!(page["offset"], "10%");
        if page["coins"] == "1.50" {
            assert_eq!(page["lots"].as_array().unwrap().len(), 1);
            lots.push(page["lots"][0].clone());
        } else {
            assert_eq!(page["lots"], json!([]));
        }
    }
    assert_eq!(lots.len(), 2);
    assert_eq!(lots[0], lots[1]);
    // In Shanghai a month begins eight hours before it does in UTC.
    let ends = lots[0]["expires_at"].as_str().unwrap();
    assert!(ends.ends_with("T16:00:00Z"), "{ends}");
    // The notice of the campaign says what it has come to.
    let path = format!("/campaigns/{campaign}/notice");
    let notice = site.anyone().get(&path).await.json();
    assert_eq!(notice["winners"], json!([1, 1]));
    assert_eq!(notice["run_by"], "platform");
    assert_eq!(notice["profile"]["profile"], "seed");
    assert_eq!(
        notice["at_most"],
        json!([{ "program": "consolation", "cash": "0.00", "coins": "3.00" }])
    );
    assert_eq!(
        notice["earned"],
        json!({ "groups": "1", "members": "3", "median": "0.00" })
    );
    assert_eq!(notice["odds"]["average_rounds"], "3");
    let said: Vec<&str> = notice["text"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["zh"].as_str().unwrap())
        .collect();
    assert_eq!(said[0], "每团 3 个名额，每个 10.00 元，抽出 1 个。");
    assert!(said[3].contains("3.00 购物币"), "{said:?}");
    site.anyone()
        .get("/campaigns/99/notice")
        .await
        .is_problem(404, "campaign_unknown");
    counted_for_operators(&site, ends).await;
    crowd[0]
        .get("/console/coins")
        .await
        .is_problem(401, "not_signed_in");
    site.close().await;
}

/// What has become of the coins of the one month in which there were any.
async fn counted_for_operators(site: &Site, ends: &str) {
    let operator = site.operator().await;
    let all = operator.get("/console/coins").await.json();
    let lots = all["lots"].as_array().unwrap();
    let lot = &lots[0];
    assert_eq!(
        (lots.len(), &lot["expires_at"], &lot["first"]),
        (1, &json!(ends), &lot["last"])
    );
    for (sum, coins) in [
        ("issued", "3.00"),
        ("came_back", "0.00"),
        ("used", "0.00"),
        ("expired", "0.00"),
        ("taken_back", "0.00"),
        ("coins", "3.00"),
    ] {
        assert_eq!(lot[sum], coins, "{sum}");
    }
    assert_eq!(all["coins"], "3.00");
    let csv = operator.get("/coins.csv").await;
    let month = lot["first"].as_str().unwrap();
    assert_eq!(
        csv.text(),
        format!(
            "first,last,expires_at,issued,came_back,used,expired,taken_back,coins\n\
             {month},{month},{ends},3.00,0.00,0.00,0.00,0.00,3.00\n"
        )
    );
}
