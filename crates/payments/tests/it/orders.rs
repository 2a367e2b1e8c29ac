//! Orders: creating, paying, asking, closing.

use payments::{Order, OrderStatus, RefundState, RefusalCode};
use serde_json::json;

use crate::setup::{
    OTHER, PRICE_FEN, SHOP, Scene, assert_refused, assert_unknown, channel, now_ms, order,
};

#[tokio::test]
async fn an_order_is_created_paid_announced_queried_and_refunded() {
    let mut scene = Scene::new().await;
    let before_ms = now_ms();
    let page = scene.channel.create_order(&order("4711-3")).await.unwrap();
    assert!(
        page.url
            .starts_with(&format!("{}/pay/", scene.provider.url())),
        "{}",
        page.url
    );
    assert_eq!(scene.status("4711-3").await, OrderStatus::Open);

    let paid = scene.pay("4711-3").await;
    assert_eq!(paid.len(), 1);
    let callback = scene.hear().await;
    assert_eq!(callback.order_no, "4711-3");
    assert_eq!(callback.txn_id, paid[0].txn_id);
    assert_eq!(callback.amount_fen, PRICE_FEN);
    assert_eq!(callback.attach, "group=17;seat=4");
    assert!(before_ms <= callback.paid_at_ms && callback.paid_at_ms <= now_ms());
    assert!(
        callback.txn_id.is_ascii() && callback.txn_id.len() <= 32,
        "{}",
        callback.txn_id
    );

    let state = scene.channel.query("4711-3").await.unwrap();
    assert_eq!(state.status, OrderStatus::Paid);
    assert_eq!(state.transactions, paid);
    assert_eq!(paid[0].merchant_id, SHOP);
    assert_eq!(paid[0].order_no, "4711-3");
    assert_eq!(paid[0].attach, "group=17;seat=4");

    let done = scene
        .refund("r-4711-3", &paid[0].txn_id, PRICE_FEN)
        .await
        .unwrap();
    assert!(matches!(done, RefundState::Done { .. }), "{done:?}");
    assert_eq!(scene.channel.query_refund("r-4711-3").await.unwrap(), done);
    let state = scene.channel.query("4711-3").await.unwrap();
    assert_eq!(state.transactions[0].refunded_fen, PRICE_FEN);

    let books = scene.channel.books().await.unwrap();
    assert_eq!(
        (books.paid_fen, books.refunded_fen, books.held_fen),
        (PRICE_FEN, PRICE_FEN, 0)
    );
    assert_eq!((books.orders, books.transactions, books.refunds), (1, 1, 1));
}

#[tokio::test]
async fn the_same_order_gives_the_same_page_and_another_content_is_refused() {
    let scene = Scene::new().await;
    let page = scene.channel.create_order(&order("1")).await.unwrap();
    assert_eq!(scene.channel.create_order(&order("1")).await.unwrap(), page);

    let others = [
        Order {
            amount_fen: PRICE_FEN + 1,
            ..order("1")
        },
        Order {
            description: "两箱苹果",
            ..order("1")
        },
        Order {
            attach: "",
            ..order("1")
        },
        Order {
            expires_at_ms: order("1").expires_at_ms + 1,
            ..order("1")
        },
    ];
    for other in &others {
        assert_refused(
            scene.channel.create_order(other).await,
            RefusalCode::Conflict,
        );
    }

    // As providers do it: nobody is sent to a page that takes nothing any more.
    scene.pay("1").await;
    assert_refused(
        scene.channel.create_order(&order("1")).await,
        RefusalCode::OrderPaid,
    );
    assert_refused(
        scene.channel.create_order(&others[0]).await,
        RefusalCode::Conflict,
    );
    assert_eq!(scene.status("1").await, OrderStatus::Paid);
    assert_eq!(scene.channel.books().await.unwrap().orders, 1);
}

#[tokio::test]
async fn twenty_creations_at_once_are_one_order() {
    let scene = Scene::new().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let channel = scene.channel.clone();
            tokio::spawn(async move { channel.create_order(&order("1")).await.unwrap().url })
        })
        .collect();
    let mut pages = Vec::new();
    for call in calls {
        pages.push(call.await.unwrap());
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    assert_eq!(scene.channel.books().await.unwrap().orders, 1);
}

#[tokio::test]
async fn an_order_at_the_limits_is_taken_and_one_beyond_is_refused() {
    let scene = Scene::new().await;
    let text = |bytes: usize| "x".repeat(bytes);
    let create = async |order_no: &str, amount_fen, description: &str, attach: &str| {
        let order = Order {
            order_no,
            amount_fen,
            description,
            attach,
            ..order("1")
        };
        match scene.channel.create_order(&order).await {
            Ok(_) => "taken",
            Err(error) => {
                assert_refused::<()>(Err(error), RefusalCode::Invalid);
                "refused"
            }
        }
    };
    let most = payments::MAX_AMOUNT_FEN;
    //                order_no    fen       description  attach      outcome
    assert_eq!(create("a", 1, "", "").await, "taken");
    assert_eq!(
        create(&text(32), most, &text(400), &text(128)).await,
        "taken"
    );
    assert_eq!(create("", 1, "", "").await, "refused");
    assert_eq!(create(&text(33), 1, "", "").await, "refused");
    assert_eq!(create("a/b", 1, "", "").await, "refused");
    assert_eq!(create("组", 1, "", "").await, "refused");
    assert_eq!(create("b", 0, "", "").await, "refused");
    assert_eq!(create("b", -1, "", "").await, "refused");
    assert_eq!(create("b", most + 1, "", "").await, "refused");
    assert_eq!(create("b", 1, &text(401), "").await, "refused");
    assert_eq!(create("b", 1, "", &text(129)).await, "refused");
}

#[tokio::test]
async fn paying_twice_pays_once() {
    let scene = Scene::new().await;
    scene.channel.create_order(&order("1")).await.unwrap();
    let first = scene.pay("1").await;
    assert_eq!(scene.pay("1").await, first);
    assert_eq!(scene.channel.books().await.unwrap().transactions, 1);
}

#[tokio::test]
async fn a_closed_order_cannot_be_paid_and_a_paid_one_cannot_be_closed() {
    let scene = Scene::new().await;
    scene.channel.create_order(&order("1")).await.unwrap();
    scene.channel.close_order("1").await.unwrap();
    scene.channel.close_order("1").await.unwrap();
    assert_eq!(scene.status("1").await, OrderStatus::Closed);
    let (status, body) = scene.try_pay("1").await;
    assert_eq!((status, body["code"].as_str()), (409, Some("order_closed")));
    assert!(
        scene
            .channel
            .query("1")
            .await
            .unwrap()
            .transactions
            .is_empty()
    );

    scene.paid("2").await;
    assert_refused(scene.channel.close_order("2").await, RefusalCode::OrderPaid);
    assert_refused(scene.channel.close_order("3").await, RefusalCode::NotFound);
    assert_refused(scene.channel.query("3").await, RefusalCode::NotFound);
}

#[tokio::test]
async fn an_expired_order_cannot_be_paid() {
    let scene = Scene::new().await;
    let expired = Order {
        expires_at_ms: now_ms(),
        ..order("1")
    };
    scene.channel.create_order(&expired).await.unwrap();
    assert_eq!(scene.status("1").await, OrderStatus::Expired);
    assert_eq!(scene.try_pay("1").await.0, 409);
    scene.channel.close_order("1").await.unwrap();
    assert_eq!(scene.status("1").await, OrderStatus::Closed);
}

#[tokio::test]
async fn many_payments_are_queried_at_once_in_the_order_asked() {
    let scene = Scene::new().await;
    let (first, second) = (scene.paid("1").await, scene.paid("2").await);
    let found = scene
        .channel
        .query_transactions(&[&second, "nobody's", &first, &second])
        .await;
    let found: Vec<_> = found
        .unwrap()
        .into_iter()
        .map(|t| t.map(|t| t.order_no))
        .collect();
    let order_no = |text: &str| Some(text.to_owned());
    assert_eq!(found, [order_no("2"), None, order_no("1"), order_no("2")]);

    let most = vec!["nobody's"; payments::MAX_BATCH];
    assert_eq!(
        scene.channel.query_transactions(&most).await.unwrap().len(),
        most.len()
    );
    let more = vec!["nobody's"; payments::MAX_BATCH + 1];
    assert_refused(
        scene.channel.query_transactions(&more).await,
        RefusalCode::Invalid,
    );
    assert_eq!(scene.channel.query_transactions(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_merchant_sees_and_refunds_nothing_of_anothers() {
    let scene = Scene::new().await;
    let txn_id = scene.paid("1").await;
    let key = scene.provider.callback_key();
    let other = channel(&scene.provider.url(), key, OTHER, &scene.ear.url);
    assert_refused(other.query("1").await, RefusalCode::NotFound);
    assert_eq!(other.query_transactions(&[&txn_id]).await.unwrap(), [None]);
    let refund = payments::Refund {
        refund_no: "r",
        txn_id: &txn_id,
        amount_fen: 1,
        reason: "",
    };
    assert_refused(other.refund(&refund).await, RefusalCode::NotFound);
    assert_eq!(other.books().await.unwrap().paid_fen, 0);

    // The same order number is another order there.
    other.create_order(&order("1")).await.unwrap();
    assert_eq!(other.query("1").await.unwrap().status, OrderStatus::Open);
    assert_eq!(scene.try_pay("1").await.0, 400);
    let url = format!(
        "{}/sandbox/orders/1/pay?merchant_id={OTHER}",
        scene.provider.url()
    );
    assert_eq!(scene.http.post(url).send().await.unwrap().status(), 200);
    assert_eq!(other.query("1").await.unwrap().status, OrderStatus::Paid);
}

#[tokio::test]
async fn a_request_with_a_wrong_signature_is_refused() {
    let scene = Scene::new().await;
    let key = scene.provider.callback_key();
    let mut config = crate::setup::channel_config(&scene.provider.url(), key, SHOP, &scene.ear.url);
    config.api_secret = payments::ApiSecret::new("guessed");
    let forger = payments::Channel::new(config).unwrap();
    assert_refused(
        forger.create_order(&order("1")).await,
        RefusalCode::Unauthorized,
    );
    assert_refused(forger.books().await, RefusalCode::Unauthorized);
    let stranger = channel(&scene.provider.url(), key, "nobody", &scene.ear.url);
    assert_refused(stranger.query("1").await, RefusalCode::Unauthorized);
    let url = format!("{}/v1/books", scene.provider.url());
    assert_eq!(scene.http.get(url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_provider_that_is_not_there_leaves_the_outcome_unknown() {
    let scene = Scene::new().await;
    let url = scene.provider.url();
    scene.provider.stop().await.unwrap();
    let channel = channel(&url, payments::CallbackKey([0; 32]), SHOP, &scene.ear.url);
    assert_unknown(channel.create_order(&order("1")).await);
}

#[tokio::test]
async fn a_load_generator_creates_and_pays_many_orders_at_once() {
    let scene = Scene::new().await;
    let orders: Vec<_> = (0..1000)
        .map(|n| {
            json!({ "order_no": format!("g-{n}"), "amount_fen": 100 + n, "description": "",
                    "attach": format!("member={n}"), "expires_at_ms": 4_102_444_800_000_i64 })
        })
        .collect();
    let url = format!("{}/sandbox/payments", scene.provider.url());
    let body = json!({ "merchant_id": SHOP, "orders": orders });
    for _ in 0..2 {
        let answer = scene.http.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["transactions"].as_array().unwrap().len(), 1000);
    }
    let books = scene.channel.books().await.unwrap();
    assert_eq!(
        (books.transactions, books.paid_fen),
        (1000, 100_000 + 999 * 500)
    );

    // The books come in pages.
    let page = scene.channel.book_orders(0).await.unwrap();
    assert_eq!(page.orders.len(), 1000);
    let last = scene.channel.book_orders(page.next.unwrap()).await.unwrap();
    assert_eq!((last.orders.len(), last.next), (0, None));
}

#[tokio::test]
async fn of_many_orders_at_once_one_refused_leaves_nothing_of_the_others() {
    let scene = Scene::new().await;
    scene.channel.create_order(&order("2")).await.unwrap();
    let orders: Vec<_> = ["1", "2", "3"]
        .iter()
        .map(|order_no| {
            json!({ "order_no": order_no, "amount_fen": 1, "description": "", "attach": "",
                    "expires_at_ms": 4_102_444_800_000_i64 })
        })
        .collect();
    let url = format!("{}/sandbox/payments", scene.provider.url());
    let body = json!({ "merchant_id": SHOP, "orders": orders });
    let answer = scene.http.post(&url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 409);
    let books = scene.channel.books().await.unwrap();
    assert_eq!(
        (books.orders, books.transactions, books.paid_fen),
        (1, 0, 0)
    );
}
