//! Many at once for the same thing.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::json;

use crate::files::{small, small_with};
use crate::site::{Caller, Site, yuan};

/// How many callers wait for an answer at once.
const AT_ONCE: usize = 64;

/// A group with one place left; answers with it.
async fn one_place_left(site: &Site, file: serde_json::Value, crowd: &[Caller]) -> String {
    let campaign = site.publish(file).await;
    let leader = crowd.first().unwrap();
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(leader, &payment, "paid").await;
    group
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_members_for_the_last_seat() {
    let site = Site::open().await;
    let mut crowd = site.crowd(2001).await;
    let group = one_place_left(&site, small(2), &crowd).await;
    let path = Arc::new(format!("/groups/{group}/seats"));
    let others = crowd.split_off(1);
    let codes: Vec<String> = futures_util::stream::iter(others)
        .map(|member| {
            let path = path.clone();
            async move {
                let got = member.post(&path, json!({})).await;
                if got.status == 201 {
                    "seat".to_owned()
                } else {
                    got.json()["code"].as_str().unwrap().to_owned()
                }
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let count = |wanted: &str| codes.iter().filter(|code| *code == wanted).count();
    assert_eq!((count("seat"), count("group_full")), (1, 1999));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_late_payments_for_one_place() {
    const LATE: usize = 2000;
    let site = Site::open().await;
    let mut crowd = site.crowd(LATE + 1).await;
    let file = small_with(2, "payment_window", json!("1s"));
    let group = one_place_left(&site, file, &crowd).await;
    let mut payments = Vec::with_capacity(LATE);
    for member in crowd.split_off(1) {
        payments.push(member.join(&group).await);
        // His second is over: the place is free for the next one.
        site.advance_s(1);
    }
    let orders = site.orders().await;
    let orders: HashMap<_, _> = orders
        .iter()
        .filter_map(|order_no| Some((order_no.rsplit_once('-')?.0, order_no)))
        .collect();
    let paid = futures_util::stream::iter(&payments)
        .map(|payment| site.pay_order(orders[payment.as_str()]))
        .buffer_unordered(AT_ONCE);
    assert_eq!(paid.collect::<Vec<_>>().await.len(), LATE);
    site.group(&group, "full").await;
    let wanted = i64::try_from(LATE - 1).unwrap() * yuan(10);
    site.until("all others are back", async || {
        (site.provider_books().await.refunded_fen == wanted).then_some(())
    })
    .await;
    let books = site.settled_books().await;
    assert_eq!(books["held"], "20.00", "{books}");
    let provider = site.provider_books().await;
    assert_eq!(
        (provider.refunds, provider.held_fen),
        (i64::try_from(LATE - 1).unwrap(), yuan(20))
    );
    site.close().await;
}
