//! Plans, ranks, regions, agents and freezing over HTTP (rules 3).

use serde_json::{Value, json};

use crate::site::{Caller, Got, Site};

fn sale() -> Value {
    json!({
        "name": { "zh": "双人购", "en": "For two" },
        "kind": "everyone-buys",
        "profile": "seed",
        "plan": 2,
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": 2, "fill_within": "24h", "payment_window": "5m" },
        "reward": [
            { "program": "differential", "source": "all", "base": "price", "rates_by_rank": ["0%", "5%", "8%"] },
            { "program": "region", "source": "all", "base": "price", "county": "2%", "province": "1%" },
        ],
    })
}

fn plan() -> Value {
    json!({
        "vip_by_kept_sales": ["100.00", "1000.00"],
        "ranks": [
            { "invitees": 0, "team_sales": "20.00" },
            { "invitees": 3, "team_sales": "5000.00" },
        ],
        "leader_rank": 2,
        "dividend": { "period": "week", "weights_by_rank": [1, 3] },
    })
}

pub(crate) async fn told(operator: &Caller, path: &str, mut body: Value, reason: &str) -> Got {
    body["reason"] = json!(reason);
    operator.post(path, body).await
}

#[track_caller]
pub(crate) fn done(got: &Got) {
    assert_eq!(got.status, 200, "{}", got.text());
}

pub(crate) async fn buy(site: &Site, campaign: &str, buyers: [&Caller; 2]) {
    let (group, payment) = buyers[0].open_group(campaign).await;
    site.pay(&payment).await;
    site.payment(buyers[0], &payment, "paid").await;
    let payment = buyers[1].join(&group).await;
    site.pay(&payment).await;
    site.group(&group, "settled").await;
}

/// Program and amount of the rewards that wait, the newest first.
async fn vesting(member: &Caller) -> Vec<(String, String)> {
    let lines = member.lines("vesting").await;
    let line = |line: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&line["why"]["program"]), text(&line["amount"]))
    };
    lines.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn ranks_regions_agents_and_freezing_from_the_console_to_the_wallet() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let published = told(&operator, "/console/plans", plan(), "agreed in May").await;
    done(&published);
    let mut both = plan();
    both["vip_by_invitees"] = json!([1]);
    let got = told(&operator, "/console/plans", both, "a try").await;
    got.is_problem(422, "body_invalid");
    let mut falling = plan();
    falling["ranks"][1]["team_sales"] = json!("20.00");
    let got = told(&operator, "/console/plans", falling, "a try").await;
    got.is_problem(422, "plan_invalid");
    let seq = published.json()["seq"].as_str().unwrap().to_owned();
    let plans = operator
        .get(&format!("/console/plans?at_least={seq}"))
        .await
        .json();
    assert_eq!(plans["items"][0]["terms"], plan());
    assert_eq!(
        (&plans["items"][0]["plan"], &plans["items"][1]["plan"]),
        (&json!(2), &json!(1))
    );
    let campaign = site.publish(sale()).await;

    let top = site.member(1, None).await;
    let agent = site.member(2, None).await;
    let one = site.member(3, Some(&top.invite_code)).await;
    let two = site.member(4, Some(&top.invite_code)).await;

    // Regions are declared by their own member and stand.
    for (code, problem) in [("3301", "body_invalid"), ("330100", "region_unknown")] {
        let got = one.post("/me/region", json!({ "region": code })).await;
        got.is_problem(422, problem);
    }
    done(&one.post("/me/region", json!({ "region": "330106" })).await);
    let got = one.post("/me/region", json!({ "region": "441900" })).await;
    got.is_problem(409, "region_stands");
    let me = one.get("/me").await.json();
    assert_eq!(
        me["region"],
        json!({ "code": "330106", "names": ["浙江省", "杭州市", "西湖区"] })
    );
    assert_eq!(me["region_until"], got.json()["from"]);
    let regions = site.anyone().get("/regions").await.json();
    assert!(
        regions["items"]
            .as_array()
            .unwrap()
            .contains(&json!({ "code": "330106", "name": "西湖区" }))
    );

    // Agents, one each, and why.
    let appoint = |code: &str, member: &Caller| json!({ "region": code, "member": member.id });
    let got = told(&operator, "/console/agents", appoint("330106", &agent), " ").await;
    got.is_problem(422, "body_invalid");
    done(
        &told(
            &operator,
            "/console/agents",
            appoint("330106", &agent),
            "lives there",
        )
        .await,
    );
    done(
        &told(
            &operator,
            "/console/agents",
            appoint("330000", &two),
            "the first",
        )
        .await,
    );
    let got = told(
        &operator,
        "/console/agents",
        appoint("330106", &two),
        "again",
    )
    .await;
    got.is_problem(409, "region_has_agent");
    let agents = operator.get("/console/agents?limit=1").await.json();
    assert_eq!(agents["items"][0]["region"]["names"], json!(["浙江省"]));
    let next = agents["next"].as_str().unwrap();
    let agents = operator
        .get(&format!("/console/agents?cursor={next}"))
        .await
        .json();
    assert_eq!(agents["items"][0]["member"], json!(agent.id));
    assert_eq!(agents["items"].as_array().unwrap().len(), 1);

    // Ranks that are set are paid.
    let path = format!("/console/members/{}/rank", top.id);
    let got = told(&operator, &path, json!({ "rank": 3 }), "too high").await;
    got.is_problem(422, "rank_unknown");
    done(&told(&operator, &path, json!({ "rank": 2 }), "built the city").await);
    assert_eq!(top.get("/me").await.json()["rank"], 2);
    buy(&site, &campaign, [&one, &two]).await;
    let differential = ("differential".to_owned(), "0.80".to_owned());
    assert_eq!(vesting(&top).await, [differential.clone(), differential]);
    assert_eq!(
        vesting(&agent).await,
        [("region".to_owned(), "0.20".to_owned())]
    );
    assert_eq!(
        vesting(&two).await,
        [("region".to_owned(), "0.10".to_owned())]
    );

    // Whoever is frozen begins nothing, and is not paid.
    let freeze = format!("/console/members/{}/freeze", top.id);
    done(&told(&operator, &freeze, json!({}), "a complaint").await);
    let got = top
        .post(&format!("/campaigns/{campaign}/groups"), json!({}))
        .await;
    got.is_problem(403, "member_frozen");
    assert_eq!(top.get("/me").await.json()["frozen"], true);
    let members = operator.get("/console/members").await.json();
    let row = &members["items"][0];
    assert_eq!((&row["rank"], &row["frozen"]), (&json!(2), &json!(true)));
    assert_eq!(members["items"][2]["region"]["code"], "330106");
    buy(&site, &campaign, [&two, &one]).await;
    assert_eq!(vesting(&top).await.len(), 2);
    let unfreeze = format!("/console/members/{}/unfreeze", top.id);
    done(&told(&operator, &unfreeze, json!({}), "it was somebody else").await);
    top.open_group(&campaign).await;

    let dismiss = "/console/agents/330106/dismiss";
    done(&told(&operator, dismiss, json!({}), "moved away").await);
    let got = told(&operator, dismiss, json!({}), "moved away").await;
    got.is_problem(404, "region_vacant");

    let decisions = operator.get("/console/decisions").await.json();
    let lines = decisions["items"].as_array().unwrap();
    let lines: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| {
            (
                line["what"].as_str().unwrap(),
                line["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("dismiss", "moved away"),
            ("unfreeze", "it was somebody else"),
            ("freeze", "a complaint"),
            ("rank", "built the city"),
            ("appoint", "the first"),
            ("appoint", "lives there"),
            ("publish-campaign", "texts and price seen"),
            ("plan", "agreed in May"),
        ]
    );
    site.close().await;
}
