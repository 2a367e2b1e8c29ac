//! What operators decide is noted once for each request, whoever else decides the same, and a thing is decided once (rules 11).

use serde_json::{Value, json};

use crate::approvals::{answer, asked, partner};
use crate::files::small;
use crate::merchants::done;
use crate::site::{Caller, Site};

/// Reasons of all decisions of this kind, oldest first, read in pages of one.
async fn reasons(operator: &Caller, what: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = done(
            &operator
                .get(&format!("/console/decisions?limit=1{cursor}"))
                .await,
        );
        let rows = page["items"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["what"] == what);
        found.extend(rows.map(|row| row["reason"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            found.reverse();
            return found;
        };
        cursor = format!("&cursor={next}");
    }
}

fn why(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_decide_the_same_while_the_journal_stands_still_are_both_noted() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let member = site.member(1, None).await;
    let body = json!({ "name": "茶馆", "contact": "13900000000" });
    done(&member.post("/me/merchant-application", body).await);
    let path = "/console/merchant-applications/0/decline";
    done(&boss.post_keyed(path, why("papers missing"), "once").await);
    done(&boss.post_keyed(path, why("papers missing"), "once").await);
    done(&anne.post(path, why("another person's papers")).await);
    let noted = reasons(&boss, "decline-application").await;
    assert_eq!(noted, ["papers missing", "another person's papers"]);
    // The applicant reads the first; nothing was left to decide for the second.
    let mine = done(&member.get("/me/merchant-application").await);
    assert_eq!(mine["reason"], "papers missing");

    // Whoever is frozen already stays so, and why is noted with each who asked for it.
    let path = format!("/console/members/{}/freeze", member.id);
    done(&boss.post(&path, why("a complaint")).await);
    done(&anne.post(&path, why("another complaint")).await);
    let noted = reasons(&boss, "freeze").await;
    assert_eq!(noted, ["a complaint", "another complaint"]);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_that_is_repeated_is_noted_once() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let path = "/campaigns?reason=for%20November";
    let first = done(&boss.post_keyed(path, small(3), "publish").await);
    site.member(1, None).await;
    let again = done(&boss.post_keyed(path, small(3), "publish").await);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(reasons(&boss, "publish-campaign").await, ["for November"]);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_several_publish_at_once_is_one_campaign() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let tea = {
        // There are two operators by now: one asks, the other approves.
        let member = site.member(1, None).await;
        let body = json!({ "name": "茶馆", "contact": "13900000000" });
        done(&member.post("/me/merchant-application", body).await);
        let contract = json!({ "commission": "10%", "cash": "store" });
        let body = json!({ "contract": contract, "reason": "papers seen" });
        let admit = "/console/merchant-applications/0/admit";
        let id = asked(&boss.post(admit, body).await);
        done(&answer(&anne, &id, "approve").await);
        let staff = json!({ "name": "tea", "password": "tea tea tea" });
        let id = asked(&boss.post("/console/merchants/0/staff", staff).await);
        done(&answer(&anne, &id, "approve").await);
        site.sign_in_operator("tea", "tea tea tea").await.unwrap()
    };
    for round in 0..8 {
        let mut offer = crate::merchants::offer("10%");
        offer["name"]["en"] = json!(format!("Tea for two, {round}"));
        let draft = done(&tea.post("/merchant/drafts", offer).await)["id"].clone();
        let path = format!("/console/drafts/{}", draft.as_str().unwrap());
        let publish = format!("{path}/publish");
        let decline = format!("{path}/decline");
        let (one, two, three, no) = tokio::join!(
            boss.post(&publish, why("seen")),
            boss.post(&publish, why("seen")),
            anne.post(&publish, why("seen too")),
            anne.post(&decline, why("too dear")),
        );
        let page = done(&boss.get(&path).await);
        let all = [&one, &two, &three];
        if page["state"] == "declined" {
            assert_eq!(no.status, 200, "{}", no.text());
            assert!(all.iter().all(|got| got.status == 409));
            continue;
        }
        no.is_problem(409, "draft_decided");
        for got in all {
            assert_eq!(done(got)["id"], page["campaign"], "round {round}");
        }
        // Told again under another key it is what it became.
        assert_eq!(
            done(&boss.post(&publish, why("again")).await)["id"],
            page["campaign"]
        );
    }
    let mine = done(&tea.get("/merchant/me").await);
    let published = done(&boss.get("/console/drafts?limit=100").await);
    let published = published["items"].as_array().unwrap().clone();
    let published = published.iter().filter(|row| row["state"] == "published");
    assert_eq!(
        mine["campaigns"].as_array().unwrap().len(),
        published.count()
    );
    site.close().await;
}

/// Who is admitted is who was looked at, and under the name that was looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applicant_who_changes_after_he_was_looked_at_is_looked_at_again() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let member = site.member(1, None).await;
    let mine = "/me/merchant-application";
    let named = |name: &str| json!({ "name": name, "contact": "13900000000" });
    done(&member.post(mine, named("茶馆")).await);
    let contract = json!({ "commission": "10%", "cash": "store" });
    let body = json!({ "contract": contract, "reason": "papers seen, he is slow to answer" });
    let admit = "/console/merchant-applications/0/admit";
    let id = asked(&boss.post(admit, body.clone()).await);
    let list = done(&anne.get("/console/approvals").await);
    let seen = &list["items"][0]["asked"];
    assert_eq!(
        (&seen["name"], &seen["contact"]),
        (&json!("茶馆"), &json!("13900000000"))
    );
    done(&member.post(mine, named("银行")).await);
    answer(&anne, &id, "approve")
        .await
        .is_problem(409, "application_changed");
    assert_eq!(done(&member.get(mine).await)["state"], "applied");
    // As it was looked at it can be approved.
    done(&member.post(mine, named("茶馆")).await);
    done(&answer(&anne, &id, "approve").await);
    let admitted = done(&member.get(mine).await);
    assert_eq!(
        (&admitted["state"], &admitted["reason"]),
        (&json!("admitted"), &Value::Null)
    );
    // Nor does he read it where he applies again.
    assert_eq!(
        done(&member.post(mine, named("茶馆")).await)["reason"],
        Value::Null
    );
    let seen = done(&boss.get("/console/merchant-applications").await);
    assert_eq!(
        seen["items"][0]["reason"],
        "papers seen, he is slow to answer"
    );

    // Of who has gone an approval admits nobody, whoever applies next.
    let (two, three) = (site.member(2, None).await, site.member(3, None).await);
    done(&two.post(mine, named("面馆")).await);
    let admit = "/console/merchant-applications/1/admit";
    let id = asked(&boss.post(admit, body).await);
    let gone = site.directory().await;
    assert!(
        gone.delete_person(domain::MemberId(two.id.parse().unwrap()), None)
            .await
            .unwrap()
    );
    gone.close().await;
    let next = done(&three.post(mine, named("面馆")).await);
    assert_eq!(next["id"], "2");
    let got = answer(&anne, &id, "approve").await;
    got.is_problem(409, "approval_over");
    let list = done(&anne.get("/console/approvals").await);
    assert_eq!(
        list["items"][0]["asked"],
        json!({}),
        "his contact went with him"
    );
    site.close().await;
}
