//! Who acts for a merchant, who has a rank and who is an agent takes two operators (rules 11); what is refused is found again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::approvals::{answer, asked, partner};
use crate::files::small;
use crate::merchants::{done, merchant, offer};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_becomes_a_merchant_by_one_operators_word() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (house, tea) = merchant(&site, &boss, 1).await;
    let anne = partner(&site, "anne").await;
    let path = format!("/console/merchants/{house}/staff");
    let staff = json!({ "name": "sly", "password": "tea tea tea", "reason": "a clerk of his" });
    // What could not be added is refused at once.
    let taken = json!({ "name": "merchant1", "password": "tea tea tea" });
    boss.post(&path, taken).await.is_problem(409, "name_taken");
    let nobodys = boss.post("/console/merchants/9/staff", staff.clone()).await;
    nobodys.is_problem(404, "merchant_unknown");
    let got = boss.post_keyed(&path, staff.clone(), "sly").await;
    let id = asked(&got);
    let again = boss.post_keyed(&path, staff, "sly").await;
    assert_eq!((again.status, asked(&again)), (got.status, id.clone()));
    assert!(site.sign_in_operator("sly", "tea tea tea").await.is_none());
    answer(&boss, &id, "approve")
        .await
        .is_problem(403, "approval_own");
    let seen = done(&anne.get("/console/approvals").await);
    let expected = json!({ "name": "sly", "store": null, "reason": "a clerk of his" });
    assert_eq!(
        seen["items"][0]["asked"], expected,
        "no password, not even its hash"
    );
    let first = done(&answer(&anne, &id, "approve").await);
    assert_eq!(done(&answer(&anne, &id, "approve").await), first);
    let sly = site.sign_in_operator("sly", "tea tea tea").await.unwrap();
    assert_eq!(done(&sly.get("/merchant/me").await)["id"], json!(house));

    let staff = done(&boss.get(&path).await)["items"].clone();
    let known = staff
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "merchant1");
    let known = known.unwrap()["id"].as_str().unwrap();
    let path = format!("/console/merchant-staff/{known}/password");
    let new = json!({ "password": "oolong oolong", "reason": "he asked by phone" });
    let id = asked(&boss.post(&path, new.clone()).await);
    assert_eq!(
        tea.get("/merchant/me").await.status,
        200,
        "nothing happened yet"
    );
    let declined = done(&answer(&anne, &id, "decline").await);
    assert_eq!(declined["asked"], json!({ "reason": "he asked by phone" }));
    let id = asked(&boss.post(&path, new).await);
    done(&answer(&anne, &id, "approve").await);
    tea.get("/merchant/me")
        .await
        .is_problem(401, "not_signed_in");
    assert!(
        site.sign_in_operator("merchant1", "oolong oolong")
            .await
            .is_some()
    );
    let noted = done(&boss.get("/console/decisions?limit=100").await);
    let noted = noted["items"].as_array().unwrap().iter();
    let noted: Vec<_> = noted.map(|row| row["what"].as_str().unwrap()).collect();
    for what in [
        "add-staff",
        "approve-add-staff",
        "staff-password",
        "approve-staff-password",
    ] {
        assert!(noted.contains(&what), "{what}: {noted:?}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_approved_late_undoes_no_later_one() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (house, _) = merchant(&site, &boss, 1).await;
    let anne = partner(&site, "anne").await;
    let staff = done(&boss.get(&format!("/console/merchants/{house}/staff")).await);
    let known = staff["items"][0]["id"].as_str().unwrap();
    let path = format!("/console/merchant-staff/{known}/password");
    let [first, second] = ["jasmine jasmine", "puerh puerh puerh"];
    let ask = async |password: &str| {
        let new = json!({ "password": password, "reason": "he asked by phone" });
        asked(&boss.post(&path, new).await)
    };
    let ids = [ask(first).await, ask(second).await];
    done(&answer(&anne, &ids[1], "approve").await);
    answer(&anne, &ids[0], "approve")
        .await
        .is_problem(409, "approval_over");
    assert!(site.sign_in_operator("merchant1", second).await.is_some());
    site.close().await;
}

/// A key that froze somebody is no leave to do anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reused_key_is_no_second_operator() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (house, tea) = merchant(&site, &boss, 1).await;
    partner(&site, "anne").await;
    let member = site.member(2, None).await;
    let freeze = format!("/console/members/{}/freeze", member.id);
    let why = json!({ "reason": "a complaint" });
    done(&boss.post_keyed(&freeze, why.clone(), "one").await);
    let staff = format!("/console/merchants/{house}/staff");
    let before = done(&boss.get(&staff).await);
    let known = before["items"][0]["id"].as_str().unwrap();
    for (path, body) in [
        (
            staff.clone(),
            json!({ "name": "sly", "password": "tea tea tea" }),
        ),
        (
            format!("/console/merchant-staff/{known}/password"),
            json!({ "password": "oolong oolong", "reason": "he asked by phone" }),
        ),
        (
            "/capital".to_owned(),
            json!({ "amount": "1.00", "reason": "from our bank" }),
        ),
    ] {
        let got = boss.post_keyed(&path, body, "one").await;
        got.is_problem(422, "idempotency_key_reused");
    }
    assert_eq!(done(&boss.get(&staff).await), before);
    assert_eq!(tea.get("/merchant/me").await.status, 200);
    let approvals = done(&boss.get("/console/approvals").await);
    assert_eq!(approvals["items"], json!([]));
    done(&boss.post_keyed(&freeze, why, "one").await);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranks_and_agents_take_two_operators() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let member = site.member(1, None).await;
    let agents = async || {
        done(&boss.get("/console/agents").await)["items"]
            .as_array()
            .unwrap()
            .len()
    };
    let wanted = json!({ "region": "330106", "member": member.id, "reason": "lives there" });
    let id = asked(&boss.post("/console/agents", wanted).await);
    assert_eq!(agents().await, 0);
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(agents().await, 1);
    // What is refused today waits for nobody.
    let other = site.member(2, None).await;
    let twice = json!({ "region": "330106", "member": other.id, "reason": "again" });
    boss.post("/console/agents", twice)
        .await
        .is_problem(409, "region_has_agent");
    let dismiss = "/console/agents/330106/dismiss";
    let id = asked(&boss.post(dismiss, json!({ "reason": "moved away" })).await);
    assert_eq!(agents().await, 1);
    done(&answer(&anne, &id, "approve").await);
    assert_eq!(agents().await, 0);

    let path = format!("/console/members/{}/rank", member.id);
    let got = boss
        .post(&path, json!({ "rank": 99, "reason": "a try" }))
        .await;
    assert!(got.status.is_client_error(), "{}", got.text());
    let id = asked(
        &boss
            .post(&path, json!({ "rank": null, "reason": "count anew" }))
            .await,
    );
    let seen = done(&anne.get("/console/approvals").await);
    assert_eq!(
        seen["items"][0]["asked"]["plan"], 1,
        "the plan of the day it was asked for"
    );
    done(&answer(&anne, &id, "approve").await);
    let noted = done(&boss.get("/console/decisions?limit=100").await).to_string();
    for what in ["appoint", "dismiss", "rank"] {
        assert!(
            noted.contains(&format!("\"approve-{what}\"")),
            "{what}: {noted}"
        );
    }
    site.close().await;
}

/// Any of the staff may ask who he is; a flood of refusals is a few rows and a count, and each is found by its rule and caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_few_rows() {
    const ASKED: u64 = 200;
    let site = Site::open().await;
    let boss = site.operator().await;
    let (_, tea) = merchant(&site, &boss, 1).await;
    let me = done(&tea.get("/operator/me").await);
    assert_eq!(me, json!({ "name": "merchant1", "role": "merchant" }));
    for _ in 0..ASKED {
        let got = crate::site::Got::of(
            tea.request(Method::GET, "/console/refusals")
                .send()
                .await
                .unwrap(),
        )
        .await;
        got.is_problem(403, "role_missing");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("finance or operator"), "{detail}");
    }
    let path = "/console/refusals?rule=role_missing&who=staff&id=1&limit=100";
    let rows = site
        .until("all are counted", async || {
            let page = done(&boss.get(path).await);
            let rows = page["items"].as_array().unwrap().clone();
            let times = rows.iter().map(|row| row["times"].as_u64().unwrap());
            (times.sum::<u64>() == ASKED).then_some(rows)
        })
        .await;
    // Five and one that counts; the clock's minutes may change meanwhile.
    assert!(rows.len() < 40, "{} rows", rows.len());
    for none in ["rule=group_full", "who=staff&id=7", "who=nobody"] {
        let page = done(&boss.get(&format!("/console/refusals?{none}")).await);
        assert_eq!(page["items"], json!([]), "{none}");
    }
    for bad in ["who=staff", "who=somebody&id=1", "id=1", "who=member&id=x"] {
        let got = boss.get(&format!("/console/refusals?{bad}")).await;
        got.is_problem(400, "query_invalid");
    }
    site.close().await;
}

/// A directory that knows of nothing after the payment is what a crash leaves between the journal and the note.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_went_back_is_noted_once_wherever_the_platform_died() {
    let mut site = Site::open().await;
    let boss = site.operator().await;
    let campaign = site.publish(small(3)).await;
    let one = site.member(1, None).await;
    site.stop_server().await;
    let (here, aside) = (
        site.data_dir().join("directory.db"),
        site.data_dir().join("aside"),
    );
    std::fs::copy(&here, &aside).unwrap();
    site.start_server().await;
    let (_, payment) = one.open_group(&campaign).await;
    site.faults(Some(&payment), json!({ "pay": { "amount_fen": 998 } }))
        .await;
    site.pay(&payment).await;
    let path = "/console/refusals?rule=amount_differs";
    let noted = async |site: &Site| {
        site.until("it is noted", async || {
            let page = done(&boss.get(path).await);
            let rows = page["items"].as_array().unwrap().clone();
            (!rows.is_empty()).then_some(rows)
        })
        .await
    };
    let first = noted(&site).await;
    assert_eq!(first.len(), 1);
    // Views made anew read it again: it is noted already.
    site.delete_views().await;
    assert_eq!(noted(&site).await, first);

    site.stop_server().await;
    for suffix in ["-wal", "-shm"] {
        let file = site.data_dir().join(format!("directory.db{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::copy(&aside, &here).unwrap();
    site.start_server().await;
    site.delete_views().await;
    assert_eq!(noted(&site).await, first);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchants_file_is_checked_as_his() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (house, tea) = merchant(&site, &boss, 1).await;
    let problem = |page: &Value| (page["ok"].clone(), page["problem"]["code"].clone());
    let check = format!("/campaigns/check?merchant={house}");
    let page = done(&boss.post("/campaigns/check", offer("10%")).await);
    assert_eq!(
        problem(&page).0,
        false,
        "it is no campaign of the platform's own"
    );
    for (caller, path) in [(&boss, check.as_str()), (&tea, "/merchant/drafts/check")] {
        let page = done(&caller.post(path, offer("10%")).await);
        assert_eq!(problem(&page), (json!(true), Value::Null), "{page}");
        let page = done(&caller.post(path, offer("11%")).await);
        assert_eq!(problem(&page), (json!(false), json!("commission_differs")));
    }
    let drafts = done(&tea.get("/merchant/drafts").await);
    assert_eq!(drafts["items"], json!([]), "a check keeps nothing");
    let got = boss.post("/campaigns/check?merchant=x", offer("10%")).await;
    got.is_problem(400, "query_invalid");

    // Who is suspended hands nothing in, and nobody what the installation's profile forbids.
    let console = format!("/console/merchants/{house}");
    let why = json!({ "reason": "a complaint" });
    done(&boss.post(&format!("{console}/suspend"), why.clone()).await);
    tea.post("/merchant/drafts", offer("10%"))
        .await
        .is_problem(409, "merchant_suspended");
    let page = done(&tea.post("/merchant/drafts/check", offer("10%")).await);
    assert_eq!(problem(&page), (json!(false), json!("merchant_suspended")));
    done(&boss.post(&format!("{console}/reinstate"), why).await);
    let lawful = json!({ "profile": "cn-default", "reason": "the law" });
    done(&boss.post("/console/profile", lawful).await);
    let got = tea.post("/merchant/drafts", offer("10%")).await;
    assert!(got.status.is_client_error(), "{}", got.text());
    site.close().await;
}
