//! Who leaves is removed, and nobody waits for him any more (rules 11).

use engine::Clock;
use serde_json::{Value, json};

use crate::approvals::{answer, asked, partner};
use crate::finance::finance;
use crate::site::{Caller, Got, Site};

async fn remove(by: &Caller, name: &str) -> Got {
    let path = format!("/console/operators/{name}/remove");
    by.post(&path, json!({ "reason": "has left" })).await
}

async fn names(by: &Caller) -> Vec<String> {
    let list = by.get("/console/operators").await.json();
    let items = list["items"].as_array().unwrap().iter();
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    items.map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_is_removed_and_waited_for_by_nobody() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let fiona = finance(&site).await;
    // Two count as two: capital waits.
    let more = json!({ "amount": "50.00", "reason": "from our bank" });
    asked(&boss.post("/capital", more.clone()).await);
    remove(&boss, "nobody")
        .await
        .is_problem(404, "operator_unknown");
    remove(&boss, "boss").await.is_problem(409, "operator_self");
    remove(&fiona, "boss").await.is_problem(403, "role_missing");
    let why = json!({ "reason": " " });
    let got = boss.post("/console/operators/fiona/remove", why).await;
    got.is_problem(422, "body_invalid");
    assert_eq!(names(&boss).await, ["fiona", "boss"]);
    // Beside her there is one operator: who removed her alone could then do alone what asks for two.
    remove(&boss, "fiona")
        .await
        .is_problem(409, "operator_second");
    let (dir, now) = (&site.config.data_dir, site.clock.now());
    server::operator_remove(dir, "fiona", now).await.unwrap();
    remove(&boss, "fiona")
        .await
        .is_problem(404, "operator_unknown");
    fiona.get("/books").await.is_problem(401, "not_signed_in");
    assert_eq!(names(&boss).await, ["boss"]);
    assert_eq!(boss.post("/capital", more).await.status, 200);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_two_others_are_left_both_agree() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (anne, carl) = (partner(&site, "anne").await, partner(&site, "carl").await);
    let id = asked(&remove(&boss, "carl").await);
    assert_eq!(names(&boss).await, ["carl", "anne", "boss"]);
    answer(&carl, &id, "approve")
        .await
        .is_problem(409, "operator_self");
    answer(&boss, &id, "approve")
        .await
        .is_problem(403, "approval_own");
    let got = answer(&anne, &id, "approve").await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(answer(&anne, &id, "approve").await.status, 200, "once more");
    carl.get("/operator/me")
        .await
        .is_problem(401, "not_signed_in");
    let back = site.sign_in_operator("carl", "correct horse battery").await;
    assert!(back.is_none());
    let noted = boss.get("/console/decisions").await.json();
    let noted: Vec<&str> = noted["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    assert_eq!(noted[..2], ["approve-remove-operator", "remove-operator"]);
    // Two are left: neither removes the other alone. At the shell it is done, and then nobody can remove the last.
    remove(&anne, "boss")
        .await
        .is_problem(409, "operator_second");
    let (dir, now) = (&site.config.data_dir, site.clock.now());
    server::operator_remove(dir, "boss", now).await.unwrap();
    boss.get("/operator/me")
        .await
        .is_problem(401, "not_signed_in");
    let last = server::operator_remove(dir, "anne", now).await;
    assert!(matches!(last, Err(server::StaffError::Last(_))), "{last:?}");
    for gone in ["carl", "nobody"] {
        let unknown = server::operator_remove(dir, gone, now).await;
        assert!(
            matches!(unknown, Err(server::StaffError::Unknown(_))),
            "{unknown:?}"
        );
    }
    site.close().await;
}

/// What is done on the machine itself stands in the list with `shell` in the operator's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_at_the_shell_is_noted() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let (dir, now) = (&site.config.data_dir, site.clock.now());
    for reason in ["", " ", "two\nlines", &"x".repeat(401)] {
        let wrong = server::note_at_shell(dir, ("add-operator", 7, reason), now).await;
        assert!(
            matches!(wrong, Err(server::StaffError::Reason)),
            "{wrong:?}"
        );
    }
    for reason in ["new in the team", "new in the team"] {
        let note = ("add-operator", 7, reason);
        server::note_at_shell(dir, note, now).await.unwrap();
    }
    let noted = boss.get("/console/decisions").await.json();
    for line in &noted["items"].as_array().unwrap()[..2] {
        assert_eq!(
            (&line["operator"], &line["what"], &line["subject"]),
            (&json!("shell"), &json!("add-operator"), &json!("7")),
            "{noted}"
        );
    }
    site.close().await;
}

/// Of two who are removed at once one stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_remove_each_other_leave_one() {
    let site = Site::open().await;
    let boss = site.operator().await;
    let anne = partner(&site, "anne").await;
    let (dir, now) = (&site.config.data_dir, site.clock.now());
    let remove = |name| server::operator_remove(dir, name, now);
    let (one, other) = tokio::join!(remove("anne"), remove("boss"));
    assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
    let (winner, lost) = if one.is_ok() {
        (boss, other)
    } else {
        (anne, one)
    };
    assert!(matches!(lost, Err(server::StaffError::Last(_))), "{lost:?}");
    assert_eq!(names(&winner).await.len(), 1);
    site.close().await;
}
