//! Tax that a profile withholds, over HTTP (rules 9.3).

use serde_json::json;

use crate::files::small;
use crate::settling::play;
use crate::site::Site;

const OWN: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../profiles/own.example.toml"
));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consolation_comes_less_tax_and_the_tax_is_handed_over() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let file = OWN
        .replace("return_reserve = \"100%\"", "return_reserve = \"0%\"")
        .replace("coin_reserve = \"50%\"", "coin_reserve = \"0%\"");
    let body = json!({ "profile": "own", "file": file, "reason": "advice of counsel" });
    let got = operator.post("/console/profile", body).await;
    assert_eq!(got.status, 200, "{}", got.text());
    crate::identities::stated(&operator).await;
    let mut terms = small(2);
    terms["profile"] = json!("own");
    let campaign = site.publish(terms).await;
    let (one, two) = (site.member(1, None).await, site.member(2, None).await);
    let group = play(&site, &campaign, &[one.clone(), two.clone()]).await;
    site.settled_books().await;
    let one_lost = !one.lines("available").await.is_empty();
    let loser = if one_lost { &one } else { &two };

    // 1.00 of consolation, a fifth of it withheld: two lines, newest first.
    let lines = loser.lines("available").await;
    let told = |at: usize| {
        let line = &lines[at];
        (
            line["amount"].clone(),
            line["balance"].clone(),
            line["why"]["kind"].clone(),
        )
    };
    assert_eq!(
        told(0),
        (json!("-0.20"), json!("0.80"), json!("tax_withheld"))
    );
    assert_eq!(
        told(1),
        (json!("1.00"), json!("1.00"), json!("consolation"))
    );
    assert_eq!(lines[0]["why"]["group"], json!(group));
    let report = operator
        .get("/tax.csv?from=1970-01-01&to=2999-01-01")
        .await
        .text();
    let rows: Vec<&str> = report.lines().collect();
    assert_eq!(rows[0], "at,member,group,program,reward,tax");
    let row = format!(",{},{group},consolation,1.00,0.20", loser.id);
    assert!(rows.len() == 2 && rows[1].ends_with(&row), "{report}");
    operator
        .get("/tax.csv?from=2999-01-01&to=1970-01-01")
        .await
        .is_problem(400, "query_invalid");

    let owed = json!({ "kind": "tax", "amount": "0.20" });
    let books = operator.get("/books").await.json();
    assert!(books["owed"].as_array().unwrap().contains(&owed), "{books}");
    let pay = |amount: &str| json!({ "amount": amount, "reason": "November, receipt 7" });
    let got = operator.post("/console/tax", pay("0.21")).await;
    got.is_problem(409, "tax_too_large");
    assert_eq!(got.json()["left"], "0.20");
    let got = operator.post("/console/tax", pay("0.20")).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let decisions = operator.get("/console/decisions").await.json();
    assert_eq!(decisions["items"][0]["what"], "tax");
    assert_eq!(decisions["items"][0]["reason"], "November, receipt 7");
    let got = operator.post("/console/tax", pay("0.01")).await;
    got.is_problem(409, "tax_too_large");
    site.close().await;
}
