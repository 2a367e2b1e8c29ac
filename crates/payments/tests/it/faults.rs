//! Calls that go wrong: the outcome is unknown, and repetition finishes exactly once.

use payments::sandbox::{CallFault, CallFaultKind, Faults, PayFaults};
use payments::{Order, OrderStatus, RefundState, RefusalCode};
use serde_json::json;

use crate::setup::{PRICE_FEN, Scene, assert_refused, assert_unknown, now_ms, order};

fn fault(kind: CallFaultKind) -> Option<CallFault> {
    Some(CallFault {
        kind,
        ms: 60_000,
        times: Some(1),
    })
}

/// The kinds after which a call fails, and whether the work is done all the same.
const FAILING: [(CallFaultKind, bool); 4] = [
    (CallFaultKind::ErrorBefore, false),
    (CallFaultKind::ErrorAfter, true),
    (CallFaultKind::HangAfter, true),
    (CallFaultKind::Slow, false),
];

#[tokio::test]
async fn a_failed_creation_is_unknown_and_repeated_once() {
    for (kind, done) in FAILING {
        let scene = Scene::new().await;
        let hasty = scene.hasty_channel();
        scene
            .set_faults(Faults {
                create: fault(kind),
                ..Faults::default()
            })
            .await;
        assert_unknown(hasty.create_order(&order("1")).await);
        match scene.channel.query("1").await {
            Ok(state) => assert!(done && state.status == OrderStatus::Open, "{kind:?}"),
            Err(error) => assert_eq!(
                (error.refusal(), done),
                (Some(RefusalCode::NotFound), false)
            ),
        }
        scene.channel.create_order(&order("1")).await.unwrap();
        assert_eq!(scene.channel.books().await.unwrap().orders, 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_failed_refund_call_is_unknown_and_repeated_once() {
    for (kind, done) in FAILING {
        let scene = Scene::new().await;
        let hasty = scene.hasty_channel();
        let txn_id = scene.paid("1").await;
        // By the order this time; the refund names only the payment.
        scene
            .set_faults_of(
                "1",
                Faults {
                    refund: fault(kind),
                    ..Faults::default()
                },
            )
            .await;
        let refund = payments::Refund {
            refund_no: "r",
            txn_id: &txn_id,
            amount_fen: 5_000,
            reason: "",
        };
        assert_unknown(hasty.refund(&refund).await);
        match scene.channel.query_refund("r").await {
            Ok(state) => assert!(
                done && matches!(state, RefundState::Done { .. }),
                "{kind:?}"
            ),
            Err(error) => assert_eq!(
                (error.refusal(), done),
                (Some(RefusalCode::NotFound), false)
            ),
        }
        scene.channel.refund(&refund).await.unwrap();
        let books = scene.channel.books().await.unwrap();
        assert_eq!(
            (books.refunds, books.held_fen),
            (1, PRICE_FEN - 5_000),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn failed_queries_and_closings_are_unknown_and_change_nothing() {
    for (kind, _) in FAILING {
        let scene = Scene::new().await;
        let hasty = scene.hasty_channel();
        let txn_id = scene.paid("1").await;
        scene.refund("r", &txn_id, 1).await.unwrap();
        let query = Faults {
            query: fault(kind),
            ..Faults::default()
        };
        scene.set_faults(query.clone()).await;
        assert_unknown(hasty.query("1").await);
        assert_eq!(scene.status("1").await, OrderStatus::Paid);
        scene.set_faults(query.clone()).await;
        assert_unknown(hasty.query_transactions(&[&txn_id]).await);
        scene.set_faults_of("1", query).await;
        assert_unknown(hasty.query_refund("r").await);

        scene.channel.create_order(&order("2")).await.unwrap();
        scene
            .set_faults(Faults {
                close: fault(kind),
                ..Faults::default()
            })
            .await;
        assert_unknown(hasty.close_order("2").await);
        scene.channel.close_order("2").await.unwrap();
        assert_eq!(scene.status("2").await, OrderStatus::Closed);
    }
}

#[tokio::test]
async fn a_slow_answer_is_an_answer_to_the_patient() {
    let scene = Scene::new().await;
    let slow = CallFault {
        kind: CallFaultKind::Slow,
        ms: 20,
        times: None,
    };
    scene
        .set_faults(Faults {
            create: Some(slow),
            ..Faults::default()
        })
        .await;
    scene.channel.create_order(&order("1")).await.unwrap();
}

#[tokio::test]
async fn a_fault_of_one_order_leaves_the_others_alone() {
    let scene = Scene::new().await;
    let broken = CallFault {
        kind: CallFaultKind::ErrorBefore,
        ms: 0,
        times: None,
    };
    scene
        .set_faults_of(
            "1",
            Faults {
                create: Some(broken),
                ..Faults::default()
            },
        )
        .await;
    for _ in 0..3 {
        assert_unknown(scene.channel.create_order(&order("1")).await);
    }
    scene.channel.create_order(&order("2")).await.unwrap();
    let url = format!("{}/sandbox/faults", scene.provider.url());
    let faults: serde_json::Value = scene
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(faults["orders"]["1"]["create"]["kind"], "error_before");
    scene.http.delete(&url).send().await.unwrap();
    scene.channel.create_order(&order("1")).await.unwrap();
}

#[tokio::test]
async fn a_payment_can_be_taken_too_late() {
    let scene = Scene::new().await;
    let pay = PayFaults {
        late: true,
        ..Default::default()
    };
    scene
        .set_faults(Faults {
            pay,
            ..Faults::default()
        })
        .await;
    let expired = Order {
        expires_at_ms: now_ms(),
        ..order("1")
    };
    scene.channel.create_order(&expired).await.unwrap();
    assert_eq!(scene.pay("1").await.len(), 1);
    scene.channel.create_order(&order("2")).await.unwrap();
    scene.channel.close_order("2").await.unwrap();
    assert_eq!(scene.pay("2").await.len(), 1);
    assert_eq!(scene.status("2").await, OrderStatus::Paid);
    assert_refused(scene.channel.close_order("2").await, RefusalCode::OrderPaid);
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let scene = Scene::new().await;
    let url = format!("{}/sandbox/faults", scene.provider.url());
    let refused = [
        json!({}),
        json!({ "faults": { "callback": { "copies": 0 } } }),
        json!({ "faults": { "callback": { "copies": 101 } } }),
        json!({ "faults": { "callback": { "delay_ms": -1 } } }),
        json!({ "faults": { "callback": { "lost": true } } }),
        json!({ "faults": { "pay": { "amount_fen": 0 } } }),
        json!({ "faults": { "create": { "kind": "explode" } } }),
        json!({ "faults": {}, "order": "1" }),
    ];
    for body in refused {
        let answer = scene.http.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
    }
}
