//! Refunds: once per number, never more than was paid.

use payments::sandbox::{Faults, RefundFaults};
use payments::{Refund, RefundState, RefusalCode};

use crate::setup::{PRICE_FEN, Scene, assert_refused, until};

#[tokio::test]
async fn twenty_refunds_at_once_under_one_number_are_one_refund() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (channel, txn_id) = (scene.channel.clone(), txn_id.clone());
            tokio::spawn(async move {
                // Small enough that all twenty would fit into the payment.
                let refund = Refund {
                    refund_no: "r-1",
                    txn_id: &txn_id,
                    amount_fen: 100,
                    reason: "",
                };
                channel.refund(&refund).await.unwrap()
            })
        })
        .collect();
    let mut states = Vec::new();
    for call in calls {
        states.push(call.await.unwrap());
    }
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.refunds, books.refunded_fen), (1, 100));
}

#[tokio::test]
async fn the_same_number_with_other_content_is_refused() {
    let scene = Scene::new().await;
    let (first, second) = (scene.paid("1").await, scene.paid("2").await);
    let refund = Refund {
        refund_no: "r-1",
        txn_id: &first,
        amount_fen: 100,
        reason: "left",
    };
    scene.channel.refund(&refund).await.unwrap();
    let others = [
        Refund {
            amount_fen: 101,
            ..refund
        },
        Refund {
            txn_id: &second,
            ..refund
        },
        Refund {
            reason: "expired",
            ..refund
        },
    ];
    for other in others {
        assert_refused(scene.channel.refund(&other).await, RefusalCode::Conflict);
    }
    assert_eq!(scene.channel.books().await.unwrap().refunded_fen, 100);
}

#[tokio::test]
async fn no_more_is_refunded_than_was_paid() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let beyond = scene.refund("r-1", &txn_id, PRICE_FEN + 1).await;
    assert_refused(beyond, RefusalCode::RefundTooLarge);
    scene.refund("r-2", &txn_id, PRICE_FEN - 1).await.unwrap();
    assert_refused(
        scene.refund("r-3", &txn_id, 2).await,
        RefusalCode::RefundTooLarge,
    );
    scene.refund("r-4", &txn_id, 1).await.unwrap();
    assert_refused(
        scene.refund("r-5", &txn_id, 1).await,
        RefusalCode::RefundTooLarge,
    );
    // What was refused left no trace: the numbers are free.
    assert_refused(
        scene.channel.query_refund("r-1").await,
        RefusalCode::NotFound,
    );
    assert_eq!(scene.channel.books().await.unwrap().held_fen, 0);

    assert_refused(
        scene.refund("r-6", "nobody's", 1).await,
        RefusalCode::NotFound,
    );
    assert_refused(scene.refund("r-6", &txn_id, 0).await, RefusalCode::Invalid);
    assert_refused(scene.refund("r/6", &txn_id, 1).await, RefusalCode::Invalid);
}

#[tokio::test]
async fn refunds_at_once_under_different_numbers_never_exceed_the_payment() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let (channel, txn_id) = (scene.channel.clone(), txn_id.clone());
            tokio::spawn(async move {
                let refund_no = format!("r-{n}");
                let amount_fen = PRICE_FEN / 3;
                let refund = Refund {
                    refund_no: &refund_no,
                    txn_id: &txn_id,
                    amount_fen,
                    reason: "",
                };
                channel.refund(&refund).await.is_ok()
            })
        })
        .collect();
    let mut accepted = 0;
    for call in calls {
        accepted += i64::from(call.await.unwrap());
    }
    assert_eq!(accepted, 3);
    assert_eq!(scene.channel.books().await.unwrap().refunded_fen, PRICE_FEN);
}

#[tokio::test]
async fn a_refund_on_its_way_counts_as_refunded_and_arrives() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let course = |processing_ms| Faults {
        refund_course: RefundFaults {
            processing_ms,
            fails: false,
        },
        ..Faults::default()
    };
    scene.set_faults(course(86_400_000)).await;
    assert_eq!(
        scene.refund("slow", &txn_id, 900).await.unwrap(),
        RefundState::Processing
    );
    assert_eq!(
        scene.refund("slow", &txn_id, 900).await.unwrap(),
        RefundState::Processing
    );
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.refunded_fen, books.processing_fen), (900, 900));
    assert_eq!(books.held_fen, PRICE_FEN - 900);
    let beyond = scene.refund("r", &txn_id, PRICE_FEN - 899).await;
    assert_refused(beyond, RefusalCode::RefundTooLarge);

    scene.set_faults(course(50)).await;
    scene.refund("quick", &txn_id, 100).await.unwrap();
    until(
        async || match scene.channel.query_refund("quick").await.unwrap() {
            RefundState::Done { at_ms } => Some(at_ms),
            RefundState::Processing => None,
            RefundState::Failed { .. } => panic!("failed"),
        },
    )
    .await;
    assert_eq!(scene.channel.books().await.unwrap().processing_fen, 900);
}

#[tokio::test]
async fn a_failed_refund_leaves_the_money_with_the_merchant() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let fails = RefundFaults {
        processing_ms: 0,
        fails: true,
    };
    scene
        .set_faults_of(
            "1",
            Faults {
                refund_course: fails,
                ..Faults::default()
            },
        )
        .await;
    let state = scene.refund("r-1", &txn_id, PRICE_FEN).await.unwrap();
    assert!(matches!(state, RefundState::Failed { .. }), "{state:?}");
    assert_eq!(scene.channel.books().await.unwrap().held_fen, PRICE_FEN);

    // Final under this number; another one succeeds.
    scene.set_faults_of("1", Faults::default()).await;
    assert_eq!(
        scene.refund("r-1", &txn_id, PRICE_FEN).await.unwrap(),
        state
    );
    scene.refund("r-2", &txn_id, PRICE_FEN).await.unwrap();
    let books = scene.channel.books().await.unwrap();
    assert_eq!((books.held_fen, books.refunds), (0, 2));
}
