//! Callbacks: which are believed, and that they come until they are answered.

use axum::http::{HeaderMap, StatusCode};
use payments::sandbox::{CallbackFaults, Faults, PayFaults};
use payments::{
    CallbackError, CallbackKey, HEADER_NONCE, HEADER_SIGNATURE, HEADER_TIMESTAMP, MAX_SKEW_MS,
};

use crate::setup::{OTHER, PRICE_FEN, Scene, channel, order, until};

#[tokio::test]
async fn only_the_providers_fresh_words_to_us_are_believed() {
    let mut scene = Scene::new().await;
    scene.paid("1").await;
    let (headers, body) = scene.ear.hear().await;
    let signed_at_ms = headers[HEADER_TIMESTAMP]
        .to_str()
        .unwrap()
        .parse::<i64>()
        .unwrap()
        * 1000;

    let verify = |headers: &HeaderMap, body: &[u8], now_ms: i64| {
        scene.channel.verify_callback_at(headers, body, now_ms)
    };
    let with = |name: &'static str, value: &str| {
        let mut headers = headers.clone();
        headers.insert(name, value.parse().unwrap());
        headers
    };
    assert_eq!(verify(&headers, &body, signed_at_ms).unwrap().order_no, "1");

    // Altered anywhere.
    let text = String::from_utf8(body.to_vec()).unwrap();
    let cheaper = text.replace("9900", "9901");
    assert_ne!(cheaper, text);
    let forged = Err(CallbackError::Forged);
    assert_eq!(verify(&headers, cheaper.as_bytes(), signed_at_ms), forged);
    assert_eq!(verify(&headers, b"", signed_at_ms), forged);
    assert_eq!(
        verify(&with(HEADER_NONCE, "other"), &body, signed_at_ms),
        forged
    );
    let later = (signed_at_ms / 1000 + 1).to_string();
    assert_eq!(
        verify(&with(HEADER_TIMESTAMP, &later), &body, signed_at_ms),
        forged
    );
    for signature in ["", "00", "zz", &"0".repeat(128)] {
        assert_eq!(
            verify(&with(HEADER_SIGNATURE, signature), &body, signed_at_ms),
            forged
        );
    }

    // Absent, doubled or unreadable headers.
    for name in [HEADER_TIMESTAMP, HEADER_NONCE, HEADER_SIGNATURE] {
        let mut without = headers.clone();
        without.remove(name);
        assert_eq!(
            verify(&without, &body, signed_at_ms),
            Err(CallbackError::Header(name))
        );
        let mut twice = headers.clone();
        twice.append(name, headers[name].clone());
        assert_eq!(
            verify(&twice, &body, signed_at_ms),
            Err(CallbackError::Header(name))
        );
    }
    for timestamp in ["soon", "", "9223372036854775807"] {
        let answer = verify(&with(HEADER_TIMESTAMP, timestamp), &body, signed_at_ms);
        assert_eq!(answer, Err(CallbackError::Header(HEADER_TIMESTAMP)));
    }

    // Five minutes is fresh, a millisecond more is stale, in both directions.
    for sign in [-1, 1] {
        assert!(verify(&headers, &body, signed_at_ms + sign * MAX_SKEW_MS).is_ok());
        let now_ms = signed_at_ms + sign * (MAX_SKEW_MS + 1);
        let stale = CallbackError::Stale {
            signed_at_ms,
            now_ms,
        };
        assert_eq!(verify(&headers, &body, now_ms), Err(stale));
    }
}

#[tokio::test]
async fn a_callback_of_another_provider_or_for_another_merchant_is_not_believed() {
    let mut scene = Scene::new().await;
    scene.paid("1").await;
    let (headers, body) = scene.ear.hear().await;
    let url = scene.provider.url();
    let other = channel(&url, scene.provider.callback_key(), OTHER, &scene.ear.url);
    let error = other.verify_callback(&headers, &body).unwrap_err();
    assert_eq!(error, CallbackError::WrongMerchant("shop-1".to_owned()));

    let foreign = Scene::new().await;
    let error = foreign
        .channel
        .verify_callback(&headers, &body)
        .unwrap_err();
    assert_eq!(error, CallbackError::Forged);
}

#[tokio::test]
async fn the_callback_key_is_published_and_reads_back() {
    let scene = Scene::new().await;
    let url = format!("{}/v1/callback-key", scene.provider.url());
    let answer: serde_json::Value = scene
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let key = CallbackKey::from_hex(answer["callback_key"].as_str().unwrap()).unwrap();
    assert_eq!(key, scene.provider.callback_key());
    assert!(CallbackKey::from_hex("00").is_err());
    assert!(CallbackKey::from_hex(&"x".repeat(64)).is_err());
}

#[tokio::test]
async fn a_callback_comes_again_until_it_is_answered_and_then_no_more() {
    let mut scene = Scene::new().await;
    scene.ear.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
    scene.paid("1").await;
    let first = scene.hear().await;
    for _ in 0..3 {
        assert_eq!(scene.hear().await, first);
    }
    scene.ear.answer_with(StatusCode::OK);
    until(async || {
        let pending = scene.channel.books().await.unwrap().callbacks_pending;
        (pending == 0).then_some(())
    })
    .await;
    scene.ear.forget();
    scene.paid("2").await;
    assert_eq!(scene.hear().await.order_no, "2");
}

#[tokio::test]
async fn a_redirect_is_no_answer() {
    let mut scene = Scene::new().await;
    scene.ear.answer_with(StatusCode::FOUND);
    scene.paid("1").await;
    let first = scene.hear().await;
    assert_eq!(scene.hear().await, first);
}

fn callback_faults(callback: CallbackFaults) -> Faults {
    Faults {
        callback,
        ..Faults::default()
    }
}

#[tokio::test]
async fn a_callback_can_come_several_times() {
    let mut scene = Scene::new().await;
    scene
        .set_faults(callback_faults(CallbackFaults {
            copies: 3,
            ..Default::default()
        }))
        .await;
    scene.paid("1").await;
    let first = scene.hear().await;
    assert_eq!(scene.hear().await, first);
    assert_eq!(scene.hear().await, first);
}

#[tokio::test]
async fn a_callback_can_come_late() {
    let mut scene = Scene::new().await;
    let delay = |delay_ms| {
        callback_faults(CallbackFaults {
            delay_ms,
            ..Default::default()
        })
    };
    scene.set_faults_of("1", delay(86_400_000)).await;
    scene.set_faults_of("2", delay(50)).await;
    scene.paid("1").await;
    scene.paid("2").await;
    assert_eq!(scene.hear().await.order_no, "2");
    until(async || {
        let pending = scene.channel.books().await.unwrap().callbacks_pending;
        (pending == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_callback_can_never_come_and_the_query_still_knows() {
    let mut scene = Scene::new().await;
    let never = CallbackFaults {
        never: true,
        ..Default::default()
    };
    scene.set_faults_of("1", callback_faults(never)).await;
    let txn_id = scene.paid("1").await;
    assert_eq!(scene.channel.books().await.unwrap().callbacks_pending, 0);
    scene.paid("2").await;
    assert_eq!(scene.hear().await.order_no, "2");
    assert_eq!(
        scene.channel.query("1").await.unwrap().transactions[0].txn_id,
        txn_id
    );
}

#[tokio::test]
async fn callbacks_can_come_in_another_order() {
    let mut scene = Scene::new().await;
    scene
        .set_faults(callback_faults(CallbackFaults {
            gather: 3,
            ..Default::default()
        }))
        .await;
    for order_no in ["1", "2", "3", "4", "5"] {
        scene.paid(order_no).await;
    }
    assert_eq!(scene.hear().await.order_no, "3");
    assert_eq!(scene.hear().await.order_no, "2");
    assert_eq!(scene.hear().await.order_no, "1");
    // Those still withheld come when the faults end.
    let url = format!("{}/sandbox/faults", scene.provider.url());
    assert_eq!(scene.http.delete(url).send().await.unwrap().status(), 200);
    assert_eq!(scene.hear().await.order_no, "5");
    assert_eq!(scene.hear().await.order_no, "4");
}

#[tokio::test]
async fn an_order_can_be_paid_twice_and_both_payments_are_announced() {
    let mut scene = Scene::new().await;
    let pay = PayFaults {
        transactions: 2,
        ..Default::default()
    };
    scene
        .set_faults_of(
            "1",
            Faults {
                pay,
                ..Faults::default()
            },
        )
        .await;
    scene.channel.create_order(&order("1")).await.unwrap();
    let paid = scene.pay("1").await;
    assert_eq!(paid.len(), 2);
    assert_ne!(paid[0].txn_id, paid[1].txn_id);
    let mut heard = [scene.hear().await.txn_id, scene.hear().await.txn_id];
    heard.sort();
    assert_eq!(heard, [paid[0].txn_id.clone(), paid[1].txn_id.clone()]);
    assert_eq!(scene.channel.query("1").await.unwrap().transactions, paid);
    // Each is refunded for itself.
    scene
        .refund("r-1", &paid[1].txn_id, PRICE_FEN)
        .await
        .unwrap();
    let state = scene.channel.query("1").await.unwrap();
    let refunded: Vec<_> = state.transactions.iter().map(|t| t.refunded_fen).collect();
    assert_eq!(refunded, [0, PRICE_FEN]);
}

#[tokio::test]
async fn an_order_paid_once_can_be_paid_again_when_the_fault_comes_later() {
    let scene = Scene::new().await;
    scene.paid("1").await;
    let pay = PayFaults {
        transactions: 2,
        ..Default::default()
    };
    scene
        .set_faults(Faults {
            pay,
            ..Faults::default()
        })
        .await;
    assert_eq!(scene.pay("1").await.len(), 2);
    assert_eq!(scene.pay("1").await.len(), 2);
}

#[tokio::test]
async fn another_amount_than_the_orders_can_be_paid() {
    let mut scene = Scene::new().await;
    let pay = PayFaults {
        amount_fen: Some(1),
        ..Default::default()
    };
    scene
        .set_faults_of(
            "1",
            Faults {
                pay,
                ..Faults::default()
            },
        )
        .await;
    scene.paid("1").await;
    assert_eq!(scene.hear().await.amount_fen, 1);
    assert_eq!(scene.channel.books().await.unwrap().paid_fen, 1);
}
