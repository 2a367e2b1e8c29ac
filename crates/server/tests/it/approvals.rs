//! What moves money or changes plans needs a second operator (rules 11), over HTTP.

use std::time::Duration;

use engine::Clock;
use serde_json::{Value, json};

use crate::clawbacks::available_is;
use crate::site::{Caller, Got, Site};
use crate::withdrawals::with_money;

pub(crate) async fn partner(site: &Site, name: &str) -> Caller {
    let password = "correct horse battery";
    server::operator_add(&site.config.data_dir, name, password, site.clock.now())
        .await
        .unwrap();
    site.sign_in_operator(name, password).await.unwrap()
}

pub(crate) async fn answer(second: &Caller, id: &Value, what: &str) -> Got {
    let path = format!("/console/approvals/{}/{what}", id.as_str().unwrap());
    second.post(&path, json!({ "reason": "looked at" })).await
}

async fn capital(operator: &Caller) -> Value {
    operator.get("/books").await.json()["own"].clone()
}

pub(crate) fn asked(got: &Got) -> Value {
    assert_eq!(got.status, 202, "{}", got.text());
    let line = got.json();
    assert_eq!(line["state"], "open");
    assert_eq!(line["seq"], Value::Null);
    line["approval"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capital_waits_for_a_second_operator_as_soon_as_there_is_one() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let alone = json!({ "amount": "99.00", "reason": "from our bank" });
    assert_eq!(boss.post("/capital", alone).await.status, 200);
    // What was done alone is done, however often it is asked for again.
    let first = json!({ "amount": "1.00", "reason": "from our bank" });
    let done = boss.post_keyed("/capital", first.clone(), "first").await;
    let anne = partner(&site, "anne").await;
    let again = boss.post_keyed("/capital", first, "first").await;
    assert_eq!((again.status, again.json()), (done.status, done.json()));

    let more = json!({ "amount": "50.00", "reason": "from our bank" });
    let got = boss.post_keyed("/capital", more.clone(), "more").await;
    let id = asked(&got);
    let again = boss.post_keyed("/capital", more, "more").await;
    assert_eq!(asked(&again), id);
    let other = json!({ "amount": "51.00", "reason": "from our bank" });
    let got = boss.post_keyed("/capital", other, "more").await;
    got.is_problem(422, "idempotency_key_reused");
    assert_eq!(capital(&boss).await, "100.00", "asking moves nothing");

    answer(&boss, &id, "approve")
        .await
        .is_problem(403, "approval_own");
    assert_eq!(capital(&boss).await, "100.00");
    let member = site.member(1, None).await;
    answer(&member, &id, "approve")
        .await
        .is_problem(401, "not_signed_in");
    let got = answer(&anne, &json!("7"), "approve").await;
    got.is_problem(404, "approval_unknown");
    let silent = anne.post("/console/approvals/0/approve", json!({ "reason": "" }));
    silent.await.is_problem(422, "body_invalid");

    let done = answer(&anne, &id, "approve").await;
    assert_eq!(done.status, 200, "{}", done.text());
    let seq = done.json()["seq"].clone();
    let again = answer(&anne, &id, "approve").await;
    assert_eq!(again.json()["seq"], seq, "approved twice, done once");
    assert_eq!(capital(&boss).await, "150.00");
    answer(&anne, &id, "decline")
        .await
        .is_problem(409, "approval_decided");

    let list = anne.get("/console/approvals").await.json();
    let line = &list["items"][0];
    assert_eq!(line["what"], "capital");
    assert_eq!(line["asked"]["amount"], "50.00");
    assert_eq!(
        (&line["operator"], &line["second"]["operator"]),
        (&json!("0"), &json!("1"))
    );
    assert_eq!(line["seq"], seq);
    let decisions = anne.get("/console/decisions").await.json();
    let told: Vec<_> = decisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["what"].as_str().unwrap(),
                line["operator"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(
        told.contains(&("capital", "0")) && told.contains(&("approve-capital", "1")),
        "{told:?}"
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_approve_one_clawback_at_once_take_it_once() {
    let site = Site::open().await;
    let (member, boss) = with_money(&site).await;
    let (anne, ben) = (partner(&site, "anne").await, partner(&site, "ben").await);
    let path = format!("/console/members/{}/clawback", member.id);

    // What the rules refuse today is refused to who asks; what they refuse later stays open, and can be declined, also by who asked.
    let much = json!({ "amount": "500.01", "reason": "fraud" });
    let got = boss.post(&path, much).await;
    got.is_problem(409, "clawback_too_large");
    let all = json!({ "amount": "500.00", "reason": "fraud" });
    let some = json!({ "amount": "0.01", "reason": "a chargeback" });
    let id = asked(&boss.post(&path, all).await);
    let first = asked(&boss.post(&path, some).await);
    assert_eq!(answer(&anne, &first, "approve").await.status, 200);
    let got = answer(&anne, &id, "approve").await;
    got.is_problem(409, "clawback_too_large");
    let got = answer(&boss, &id, "decline").await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["state"]),
        (200, &json!("declined"))
    );
    answer(&anne, &id, "approve")
        .await
        .is_problem(409, "approval_decided");

    // Each time whoever comes second, at whatever moment, has the first one's answer.
    for _ in 0..12 {
        let some = json!({ "amount": "10.00", "group": "0", "reason": "a chargeback" });
        let id = asked(&boss.post(&path, some).await);
        // So many other questions later.
        let after = async |questions: usize, second: &Caller| {
            for _ in 0..questions {
                second.get("/operator/me").await;
            }
            answer(second, &id, "approve").await
        };
        let (one, two, three) = tokio::join!(after(0, &anne), after(1, &ben), after(3, &anne));
        for got in [&one, &two, &three] {
            assert_eq!(got.status, 200, "{}", got.text());
            assert_eq!(got.json()["seq"], one.json()["seq"]);
        }
    }
    available_is(&site, &member, "379.99").await;
    let lines = member.lines("available").await;
    let taken = lines.iter().filter(|line| line["amount"] == "-10.00");
    assert_eq!(taken.count(), 12);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_too_long_is_asked_for_anew_and_mistakes_are_told_at_once() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let wrong = json!({ "profile": "none", "reason": "a try" });
    boss.post("/console/profile", wrong)
        .await
        .is_problem(422, "body_invalid");
    let both = json!({ "ranks": [], "leader_rank": 1, "reason": "a try" });
    boss.post("/console/plans", both)
        .await
        .is_problem(422, "body_invalid");

    let wanted = json!({ "profile": "cn-default", "reason": "the law" });
    let id = asked(&boss.post("/console/profile", wanted).await);
    site.advance_s(7 * 86_400);
    let anne_again = site.sign_in_operator("anne", "correct horse battery").await;
    let anne = anne_again.unwrap_or(anne);
    answer(&anne, &id, "approve")
        .await
        .is_problem(409, "approval_over");
    let profile = anne.get("/profile").await.json();
    assert_eq!(profile["profile"], "seed", "{profile}");
    site.close().await;
}

/// The server stopped in the middle of it: whether it was done is known as long as the engine has forgotten no key of who asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_done_is_not_done_again() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let member = site.member(1, None).await;
    let more = json!({ "amount": "50.00", "reason": "from our bank" });
    let begun = async || {
        let id = asked(&boss.post("/capital", more.clone()).await);
        is_begun(&site, &id).await;
        id
    };
    let turn = async |times: usize| {
        for nth in 0..times {
            let turn = ["freeze", "unfreeze"][nth % 2];
            let path = format!("/console/members/{}/{turn}", member.id);
            let got = boss.post(&path, json!({ "reason": "a test" })).await;
            assert_eq!(got.status, 200, "{}", got.text());
        }
    };
    let id = begun().await;
    turn(domain::MAX_KEYS_PER_ACTOR - 2).await;
    let done = answer(&anne, &id, "approve").await;
    assert_eq!(done.status, 200, "{}", done.text());
    let again = answer(&anne, &id, "approve").await;
    assert_eq!(again.json()["seq"], done.json()["seq"]);
    assert_eq!(capital(&boss).await, "50.00");
    let id = begun().await;
    site.advance_s(1);
    turn(domain::MAX_KEYS_PER_ACTOR).await;
    answer(&anne, &id, "approve")
        .await
        .is_problem(409, "approval_over");
    assert_eq!(capital(&boss).await, "50.00");
    site.close().await;
}

/// Notes that somebody has approved it, as before a crash.
async fn is_begun(site: &Site, id: &Value) {
    let directory = site.directory().await;
    let second = views::Second {
        operator: domain::OperatorId(2),
        reason: "looked at".to_owned(),
        at: site.clock.now(),
    };
    let number = id.as_str().unwrap().parse().unwrap();
    let begun = directory.decide_approval(number, "approved", &second).await;
    assert_eq!(begun.unwrap().unwrap().state, "approved");
    directory.close().await;
}

/// A decision and its reason belong together, whether the operator waits for the answer or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_is_noted_even_if_nobody_waits_for_the_answer() {
    use tokio::io::AsyncWriteExt;
    let site = Site::open().await;
    let boss = site.operator().await;
    let members = site.crowd(20).await;
    let place = site.base.strip_prefix("http://").unwrap();
    for (nth, member) in (0u32..).zip(&members) {
        let body = json!({ "reason": "a complaint" }).to_string();
        let request = format!(
            "POST /api/v1/console/members/{}/freeze HTTP/1.1\r\nhost: {place}\r\ncookie: {}\r\n\
             idempotency-key: cut-{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            member.id,
            boss.cookie.as_ref().unwrap(),
            member.id,
            body.len(),
        );
        let mut cut = tokio::net::TcpStream::connect(place).await.unwrap();
        cut.write_all(request.as_bytes()).await.unwrap();
        cut.flush().await.unwrap();
        // Some are cut before they are read, some in the middle, some after.
        tokio::time::sleep(Duration::from_micros(500) * nth).await;
        drop(cut);
    }
    site.until("who is frozen is noted", async || {
        let page = boss.get("/console/members?limit=100").await.json();
        let all = page["items"].as_array().unwrap().iter();
        let frozen = all.filter(|row| row["frozen"] == json!(true)).count();
        let decisions = boss.get("/console/decisions?limit=100").await.json();
        let noted = decisions["items"].as_array().unwrap().len();
        (noted == frozen && 0 < noted).then_some(())
    })
    .await;
    site.close().await;
}
