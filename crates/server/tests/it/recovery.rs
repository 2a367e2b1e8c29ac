//! Broken off in the middle and started again: everything goes on, and nothing happens twice.

use engine::Clock;
use serde_json::json;

use crate::files::small;
use crate::site::{Site, yuan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_continues() {
    let mut site = Site::open().await;
    let campaign = site.publish(small(3)).await;
    let mut members = Vec::new();
    for number in 1..=3 {
        members.push(site.member(number, None).await);
    }
    let (group, payment) = members[0].open_group(&campaign).await;
    site.restart().await;

    // Reserved before, paid after.
    site.pay(&payment).await;
    site.payment(&members[0], &payment, "paid").await;
    let second = members[1].join(&group).await;

    // Paid while nobody listened: the notice is repeated, and what waits is asked about at the start.
    site.faults(None, json!({ "callback": { "never": true } }))
        .await;
    site.pay(&second).await;
    site.restart().await;
    site.payment(&members[1], &second, "paid").await;
    site.faults(None, json!({})).await;

    // Full before, drawn after.
    let third = members[2].join(&group).await;
    site.pay(&third).await;
    site.group(&group, "full").await;
    site.restart().await;
    site.faults(None, json!({ "refund": { "kind": "error_after" } }))
        .await;
    site.advance_s(10);
    site.group(&group, "settled").await;
    site.until("refunds are at the provider", async || {
        (site.provider_books().await.refunds == 2).then_some(())
    })
    .await;

    // Refunded at the provider, not noted here: asked first, and noted.
    site.restart().await;
    site.faults(None, json!({})).await;
    let books = site.settled_books().await;
    assert_eq!(
        (&books["own"], &books["held"]),
        (&json!("6.00"), &json!("10.00")),
        "{books}"
    );
    let provider = site.provider_books().await;
    assert_eq!((provider.refunds, provider.refunded_fen), (2, yuan(20)));

    // Sessions, keys and answers are still there, and the views can be made again.
    assert_eq!(members[0].get("/me").await.status, 200);
    let wallet = members[0].get("/me").await.json()["wallet"].clone();
    let lines = members[0].lines("in_groups").await;
    site.delete_views().await;
    assert_eq!(members[0].lines("in_groups").await, lines);
    assert_eq!(members[0].get("/me").await.json()["wallet"], wallet);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_that_was_broken_off_is_finished_at_the_next_start() {
    let mut site = Site::open().await;
    let inviter = site.member(1, None).await;
    let directory = site.directory().await;
    let person = views::NewPerson {
        token: [7; 16],
        phone: Some("13800000002".to_owned()),
        inviter: Some(domain::MemberId(inviter.id.parse().unwrap())),
        invite_code: "ABCDEFGH".to_owned(),
        is_demo: false,
        gateway: None,
        member_secret: [9; 32],
    };
    // The row was written, and then the power went.
    let (row, new) = directory.sign_up(&person, site.clock.now()).await.unwrap();
    assert!(new && row.member.is_none());
    site.restart().await;
    let row = directory
        .person_by_phone("13800000002")
        .await
        .unwrap()
        .unwrap();
    directory.close().await;
    let member = site.member(2, None).await;
    assert_eq!(
        row.member.map(|member| member.to_string()),
        Some(member.id.clone())
    );
    assert!(member.get("/me").await.json()["inviter"].is_string());
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_newer_than_the_journal_is_refused() {
    let mut site = Site::open().await;
    site.member(1, None).await;
    let directory = site.directory().await;
    let person = views::NewPerson {
        token: [7; 16],
        phone: Some("13800000002".to_owned()),
        inviter: None,
        invite_code: "ABCDEFGH".to_owned(),
        is_demo: false,
        gateway: None,
        member_secret: [9; 32],
    };
    site.stop_server().await;
    // The journal was put back from before this member's registration, the directory was not.
    directory.sign_up(&person, site.clock.now()).await.unwrap();
    let member = domain::MemberId(1);
    directory.set_members(&[([7; 16], member)]).await.unwrap();
    directory.close().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = server::start(site.config.clone(), listener)
        .unwrap()
        .ended()
        .await;
    let Err(server::ServeError::DirectoryNewer { directory, journal }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((directory, journal), (member, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_must_not_meet_are_refused() {
    let site = Site::open().await;
    let mut config = site.config.clone();
    config.channel_kind = server::ChannelKind::Real;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = server::start(config, listener).unwrap().ended().await;
    assert!(
        matches!(refused, Err(server::ServeError::Settings(_))),
        "{refused:?}"
    );
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = server::start(site.config.clone(), listener)
        .unwrap()
        .ended()
        .await;
    assert!(
        matches!(refused, Err(server::ServeError::Settings(_))),
        "{refused:?}"
    );
    // A second server over the same data.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = server::start(site.config.clone(), listener)
        .unwrap()
        .ended()
        .await;
    assert!(
        matches!(refused, Err(server::ServeError::Journal(_))),
        "{refused:?}"
    );
    site.close().await;
}
