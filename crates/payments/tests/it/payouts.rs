//! Payouts: once per number, held or given back as their course has it.

use payments::sandbox::{Faults, PayoutFaults};
use payments::{Payout, PayoutState, RefusalCode};

use crate::setup::{PRICE_FEN, Scene, assert_refused};

fn payout(payout_no: &str) -> Payout<'_> {
    Payout {
        payout_no,
        account: "wang@example.com",
        name: "王小明",
        amount_fen: 100,
        reason: "",
    }
}

fn course(payout_course: PayoutFaults) -> Faults {
    Faults {
        payout_course,
        ..Faults::default()
    }
}

#[tokio::test]
async fn twenty_payouts_at_once_under_one_number_are_one_payout() {
    let scene = Scene::new().await;
    scene.paid("1").await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let channel = scene.channel.clone();
            tokio::spawn(async move { channel.payout(&payout("p-1")).await.unwrap() })
        })
        .collect();
    for call in calls {
        let state = call.await.unwrap();
        assert!(matches!(state, PayoutState::Done { .. }), "{state:?}");
    }
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.payouts, books.paid_out_fen), (1, 100));
    assert_eq!(books.held_fen, PRICE_FEN - 100);
    let others = [
        Payout {
            amount_fen: 101,
            ..payout("p-1")
        },
        Payout {
            account: "other",
            ..payout("p-1")
        },
        Payout {
            name: "other",
            ..payout("p-1")
        },
    ];
    for other in others {
        assert_refused(scene.channel.payout(&other).await, RefusalCode::Conflict);
    }
    let unknown = scene.channel.query_payout("p-2").await;
    assert_refused(unknown, RefusalCode::NotFound);
}

#[tokio::test]
async fn what_fails_expires_or_waits_stands_in_the_sums() {
    let scene = Scene::new().await;
    scene.paid("1").await;
    let fails = PayoutFaults {
        fails: true,
        ..PayoutFaults::default()
    };
    scene.set_faults(course(fails)).await;
    let state = scene.channel.payout(&payout("failed")).await.unwrap();
    assert!(matches!(state, PayoutState::Failed { .. }), "{state:?}");
    let late = PayoutFaults {
        confirm_within_ms: Some(0),
        ..PayoutFaults::default()
    };
    scene.set_faults(course(late)).await;
    let state = scene.channel.payout(&payout("expired")).await.unwrap();
    assert!(matches!(state, PayoutState::Expired { .. }), "{state:?}");
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.paid_out_fen, books.held_fen), (0, PRICE_FEN));

    let waits = PayoutFaults {
        confirm_within_ms: Some(86_400_000),
        ..PayoutFaults::default()
    };
    scene.set_faults(course(waits)).await;
    scene.channel.payout(&payout("waits")).await.unwrap();
    let state = scene.channel.query_payout("waits").await.unwrap();
    let PayoutState::Waiting { confirm_url, .. } = state else {
        panic!("{state:?}")
    };
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.paid_out_fen, books.payouts_pending_fen), (100, 100));
    let confirmed = scene.http.post(confirm_url).send().await.unwrap();
    assert_eq!(confirmed.status(), 200);
    let state = scene.channel.query_payout("waits").await.unwrap();
    assert!(matches!(state, PayoutState::Done { .. }), "{state:?}");
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.paid_out_fen, books.payouts_pending_fen), (100, 0));
    let page = scene.channel.book_payouts(0).await.unwrap();
    let numbers: Vec<_> = page
        .payouts
        .iter()
        .map(|payout| &payout.payout_no)
        .collect();
    assert_eq!(numbers, ["failed", "expired", "waits"]);
}
