//! Circles that take turns, over HTTP (rules 4): a cycle in which each of three wins once, and who may do what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::files::example;
use crate::site::{Caller, Site};

/// E0 for three who take turns.
fn three() -> Value {
    let mut file = example("e0");
    file["group"]["seats"] = json!(3);
    file["group"]["circle"] = json!("rotate");
    file
}

/// Opens the circle's next group, has all of them pay, and waits for its draw; answers with its number.
async fn next(site: &Site, circle: &str, members: &[Caller]) -> String {
    let opened = members[0]
        .post(&format!("/circles/{circle}/groups"), json!({}))
        .await;
    assert_eq!(opened.status, 201, "{}", opened.json());
    let opened = opened.json();
    let group = opened["group"].as_str().unwrap().to_owned();
    let payment = opened["payment"]["id"].as_str().unwrap().to_owned();
    site.pay(&payment).await;
    site.payment(&members[0], &payment, "paid").await;
    for member in &members[1..] {
        let payment = member.join(&group).await;
        site.pay(&payment).await;
    }
    site.group(&group, "full").await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    group
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cycle_each_wins_once() {
    let site = Site::open().await;
    let campaign = site.publish(three()).await;
    let members = site.crowd(4).await;
    let (stranger, members) = members.split_last().unwrap();
    let (circle, payment) = members[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&members[0], &payment, "paid").await;
    for member in &members[1..] {
        let payment = member.join(&circle).await;
        site.pay(&payment).await;
    }
    site.group(&circle, "full").await;
    site.advance_s(10);
    site.group(&circle, "settled").await;

    strangers_are_refused(&site, &circle, stranger).await;
    let mut groups = vec![circle.clone()];
    for _ in 0..2 {
        groups.push(next(&site, &circle, members).await);
    }
    each_has_won(&site, &groups, &members[0]).await;
    what_the_circle_says(&site, &groups, &members[1]).await;
    a_place_passes_on(&site, &groups, (members, stranger)).await;
    site.close().await;
}

async fn strangers_are_refused(site: &Site, circle: &str, stranger: &Caller) {
    let refused = stranger
        .post(&format!("/circles/{circle}/groups"), json!({}))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].clone()),
        (403, json!("circle_not_in"))
    );
    let nobody = site
        .anyone()
        .post(&format!("/circles/{circle}/groups"), json!({}))
        .await;
    assert_eq!(nobody.status, 401);
}

/// By the draws' files: each tag wins in one of the groups.
async fn each_has_won(site: &Site, groups: &[String], member: &Caller) {
    let mut tags = BTreeSet::new();
    for group in groups {
        let draw = member.get(&format!("/groups/{group}/draw")).await.json();
        let seats = site
            .anyone()
            .get(&format!("/groups/{group}/draw/seats"))
            .await;
        let seats = String::from_utf8(seats.bytes.clone()).unwrap();
        let winner = draw["winners"][0].as_u64().unwrap().to_string();
        let line = seats
            .lines()
            .find(|line| line.split(' ').next() == Some(&winner))
            .unwrap();
        let tag = line.split(' ').nth(1).unwrap().to_owned();
        assert!(tags.insert(tag), "somebody has won twice in a cycle");
        let mine = draw["mine"]["tag"].as_str().unwrap();
        assert!(
            seats.contains(mine),
            "the tag of a circle is the same in all its groups"
        );
    }
}

async fn what_the_circle_says(site: &Site, groups: &[String], member: &Caller) {
    let circle = &groups[0];
    let page = member.get(&format!("/circles/{circle}")).await.json();
    assert_eq!(page["groups"], json!(groups));
    assert_eq!(
        (
            page["mine"].clone(),
            page["members"].clone(),
            page["running"].clone()
        ),
        (json!(true), json!(3), json!(null))
    );
    let draw = site
        .anyone()
        .get(&format!("/groups/{}/draw", groups[2]))
        .await
        .json();
    assert_eq!(page["last"], draw["hashes"]["result"]);
}

/// One leaves for good, and a stranger takes his place.
async fn a_place_passes_on(
    site: &Site,
    groups: &[String],
    (members, stranger): (&[Caller], &Caller),
) {
    let circle = &groups[0];
    let left = members[2]
        .post(&format!("/circles/{circle}/leave"), json!({}))
        .await;
    assert_eq!(left.status, 200, "{}", left.json());
    let group = members[0]
        .get(&format!(
            "/groups/{}?at_least={}",
            groups[2],
            left.json()["seq"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(group["circle"]["members"], json!(2));
    let gone = members[2]
        .post(&format!("/circles/{circle}/groups"), json!({}))
        .await;
    assert_eq!(gone.json()["code"], "circle_left");
    let with_stranger = [members[0].clone(), members[1].clone(), stranger.clone()];
    next(site, circle, &with_stranger).await;
}
