//! Ballots over HTTP (rules 4): registering is free, who is drawn pays within his window, an unused right passes on.

use serde_json::{Value, json};

use crate::files::example;
use crate::site::{Caller, Site};

/// The example, smaller and drawn by the installation's own beacon.
fn small(seats: u32, winners: u32) -> Value {
    let mut file = example("ballot");
    file["group"]["seats"] = json!(seats);
    file["group"]["winners"] = json!(winners);
    file
}

/// Registers everybody; answers with the group and the places in the order of the members.
async fn register(campaign: &str, members: &[Caller]) -> (String, Vec<String>) {
    let opened = members[0]
        .post(&format!("/campaigns/{campaign}/groups"), json!({}))
        .await;
    assert_eq!(opened.status, 201, "{}", opened.json());
    let opened = opened.json();
    let group = opened["group"].as_str().unwrap().to_owned();
    let mut answers = vec![opened];
    for member in &members[1..] {
        let joined = member
            .post(&format!("/groups/{group}/seats"), json!({}))
            .await;
        assert_eq!(joined.status, 201, "{}", joined.json());
        answers.push(joined.json());
    }
    let mut places = Vec::new();
    for answer in &answers {
        assert_eq!(answer["registered"], true);
        assert_eq!(answer["payment"]["pay_url"], json!(null));
        assert_eq!(answer["payment"]["amount"], "0.00");
        places.push(answer["payment"]["id"].as_str().unwrap().to_owned());
    }
    (group, places)
}

/// A member's own seat in a group.
async fn mine(site: &Site, group: &str, member: &Caller, state: &str) -> Value {
    let path = format!("/groups/{group}");
    site.until(&format!("a seat is {state}"), async || {
        let page = member.get(&path).await.json();
        let seat = page["mine"][0].clone();
        (seat["state"] == state).then_some(seat)
    })
    .await
}

/// The member whose seat has this number: here everybody has one, and registers in order.
fn at(seat: &Value) -> usize {
    usize::try_from(seat.as_u64().unwrap()).unwrap()
}

/// Whoever of these may buy now; waits until somebody may.
async fn who_may_buy(site: &Site, group: &str, members: &[Caller], of: &[usize]) -> usize {
    site.until("the right has passed on", async || {
        for &seat in of {
            let page = members[seat].get(&format!("/groups/{group}")).await.json();
            if page["mine"][0]["state"] == "may_buy" {
                return Some(seat);
            }
        }
        None
    })
    .await
}

/// One of two has bought.
async fn what_the_rights_file_says(site: &Site, group: &str, drawn: &[usize]) {
    let path = format!("/groups/{group}/draw/rights");
    let rights = site.anyone().get(&path).await;
    let text = String::from_utf8(rights.bytes.clone()).unwrap();
    let mut told: Vec<&str> = text.lines().skip(2).collect();
    let mut expected = [
        format!("right {} bought", drawn[0]),
        format!("right {} open", drawn[1]),
    ];
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected, "{text}");
}

async fn what_everybody_has(members: &[Caller], ends: [(usize, &str, usize); 4]) {
    for (member, coins, orders) in ends {
        let me = members[member].get("/me").await.json();
        assert_eq!(me["wallet"]["coins"], coins);
        assert_eq!(me["wallet"]["in_groups"], "0.00");
        let bought = members[member].get("/me/orders").await.json();
        assert_eq!(bought["items"].as_array().unwrap().len(), orders);
    }
}

async fn what_the_notice_says(site: &Site, campaign: &str) {
    let path = format!("/campaigns/{campaign}/notice");
    let notice = site.anyone().get(&path).await.json();
    let first = notice["text"][0]["en"].as_str().unwrap();
    let said = "Registering is free. Of 4 who have registered 2 are drawn";
    assert!(first.starts_with(said), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ballot_from_registration_to_settlement() {
    let site = Site::open().await;
    let campaign = site.publish(small(4, 2)).await;
    what_the_notice_says(&site, &campaign).await;
    let members = site.crowd(4).await;
    let (group, places) = register(&campaign, &members).await;
    let page = site.group(&group, "full").await;
    assert_eq!(
        (page["paid"].clone(), page["reserved"].clone()),
        (json!(4), json!(0))
    );
    let seat = mine(&site, &group, &members[1], "registered").await;
    assert_eq!(
        (seat["payment_state"].clone(), seat["pay_url"].clone()),
        (json!("free"), json!(null))
    );
    assert!(site.orders().await.is_empty(), "there is nothing to pay");

    site.advance_s(120);
    site.group(&group, "drawn").await;
    let draw = members[0]
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    assert_eq!(draw["state"], "drawn");
    let drawn: Vec<usize> = draw["winners"].as_array().unwrap().iter().map(at).collect();
    assert_eq!(drawn.len(), 2);
    let waiting: Vec<usize> = (0..4).filter(|seat| !drawn.contains(seat)).collect();

    // The first buys; who was not drawn has nothing to pay.
    let seat = mine(&site, &group, &members[drawn[0]], "may_buy").await;
    assert!(seat["pay_url"].as_str().unwrap().starts_with("http"));
    let listed = members[drawn[0]].get("/me/groups").await.json();
    assert_eq!(listed["items"][0]["seat"]["state"], "may_buy");
    assert_eq!(listed["items"][0]["group"]["state"], "drawn");
    let free = members[waiting[0]]
        .get(&format!("/payments/{}", places[waiting[0]]))
        .await
        .json();
    assert_eq!(
        (free["state"].clone(), free["pay_url"].clone()),
        (json!("free"), json!(null))
    );
    site.pay(&places[drawn[0]]).await;
    site.payment(&members[drawn[0]], &places[drawn[0]], "paid")
        .await;

    what_the_rights_file_says(&site, &group, &drawn).await;

    // The second has his page, and lets the time pass; then it is somebody else's.
    mine(&site, &group, &members[drawn[1]], "may_buy").await;
    site.advance_s(2 * 3_600);
    let seat = mine(&site, &group, &members[drawn[1]], "unused").await;
    assert_eq!(seat["pay_url"], json!(null));
    site.pay(&places[drawn[1]]).await;
    let late = site
        .payment(&members[drawn[1]], &places[drawn[1]], "refunded")
        .await;
    assert_eq!(late["reason"], "right_lapsed");
    let next = who_may_buy(&site, &group, &members, &waiting).await;
    mine(&site, &group, &members[next], "may_buy").await;
    site.pay(&places[next]).await;

    site.group(&group, "settled").await;
    let last = waiting.into_iter().find(|&seat| seat != next).unwrap();
    let ends = [
        (drawn[0], "0.00", 1),
        (drawn[1], "0.00", 0),
        (next, "0.00", 1),
        (last, "5.00", 0),
    ];
    what_everybody_has(&members, ends).await;
    mine(&site, &group, &members[last], "lost").await;
    site.settled_books().await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_repeats_and_is_left_like_any_join() {
    let site = Site::open().await;
    let campaign = site.publish(small(3, 1)).await;
    let members = site.crowd(3).await;
    let (group, places) = register(&campaign, &members[..1]).await;
    let path = format!("/groups/{group}/seats");
    let first = members[1].post_keyed(&path, json!({}), "one").await;
    let again = members[1].post_keyed(&path, json!({}), "one").await;
    assert_eq!(
        (
            first.json()["payment"].clone(),
            again.json()["payment"].clone()
        ),
        (
            again.json()["payment"].clone(),
            first.json()["payment"].clone()
        )
    );
    let twice = members[1].post(&path, json!({})).await;
    assert_eq!(twice.json()["code"], "seat_limit");
    let left = members[1]
        .post(&format!("/groups/{group}/leave"), json!({}))
        .await;
    assert_eq!(left.status, 200);
    let seq = left.json()["seq"].as_str().unwrap().to_owned();
    let page = members[1]
        .get(&format!("/groups/{group}?at_least={seq}"))
        .await
        .json();
    assert_eq!(
        (page["paid"].clone(), page["mine"][0]["state"].clone()),
        (json!(1), json!("lapsed"))
    );
    // The key is spent: what it took was given up.
    let spent = members[1].post_keyed(&path, json!({}), "one").await;
    assert_eq!(
        (spent.status.as_u16(), spent.json()["code"].clone()),
        (409, json!("ballot_not_reserved"))
    );
    let back = members[1].post(&path, json!({})).await.json();
    assert_eq!(back["registered"], true);
    // Nothing went back when it was cancelled, for nothing was paid.
    let operator = site.operator().await;
    let cancelled = operator
        .post(
            &format!("/groups/{group}/cancel"),
            json!({ "reason": "sold out" }),
        )
        .await;
    assert_eq!(cancelled.status, 200);
    site.group(&group, "cancelled").await;
    let paid = members[0]
        .get(&format!("/payments/{}", places[0]))
        .await
        .json();
    assert_eq!(paid["state"], "lapsed");
    let books = site.settled_books().await;
    assert_eq!(books["in_flight_refunds"], "0.00");
    site.close().await;
}

/// Rights, deadlines and payments come through a restart, and through views that are made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_outlive_the_server() {
    let mut site = Site::open().await;
    let campaign = site.publish(small(3, 1)).await;
    let members = site.crowd(3).await;
    let (group, places) = register(&campaign, &members).await;
    site.group(&group, "full").await;
    site.advance_s(120);
    site.group(&group, "drawn").await;
    let draw = members[0]
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    let first = at(&draw["winners"][0]);
    site.restart().await;
    mine(&site, &group, &members[first], "may_buy").await;
    site.delete_views().await;
    mine(&site, &group, &members[first], "may_buy").await;
    site.advance_s(2 * 3_600);
    mine(&site, &group, &members[first], "unused").await;
    let mut second = None;
    for (at, member) in members.iter().enumerate() {
        let page = member.get(&format!("/groups/{group}")).await.json();
        if page["mine"][0]["state"] == "may_buy" {
            second = Some(at);
        }
    }
    let second = second.unwrap();
    mine(&site, &group, &members[second], "may_buy").await;
    site.pay(&places[second]).await;
    site.group(&group, "settled").await;
    site.settled_books().await;
    site.close().await;
}

/// As it comes the installation runs a ballot whose others get coins, and its limit of money in groups is not met: nothing is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn_default_runs_a_ballot() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let adopted = operator
        .post(
            "/console/profile",
            json!({ "profile": "cn-default", "file": null, "reason": "as it comes" }),
        )
        .await;
    assert_eq!(adopted.status, 200, "{}", adopted.json());
    crate::identities::stated(&operator).await;
    let mut file = small(2, 1);
    file["profile"] = json!("cn-default");
    file["group"]["price"] = json!("1899.00");
    let campaign = site.publish(file).await;
    let members = site.crowd(2).await;
    let (group, places) = register(&campaign, &members).await;
    site.group(&group, "full").await;
    site.advance_s(120);
    site.group(&group, "drawn").await;
    let draw = members[0]
        .get(&format!("/groups/{group}/draw"))
        .await
        .json();
    let first = at(&draw["winners"][0]);
    mine(&site, &group, &members[first], "may_buy").await;
    site.pay(&places[first]).await;
    site.group(&group, "settled").await;
    let other = members[1 - first].get("/me").await.json();
    assert_eq!(other["wallet"]["coins"], "5.00");
    site.settled_books().await;
    site.close().await;
}
