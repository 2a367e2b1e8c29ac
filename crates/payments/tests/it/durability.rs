//! The book outlives the provider, however it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::http::StatusCode;
use payments::sandbox::{BookLocation, CallbackFaults, Faults, Provider, ProviderError};
use payments::{CallbackKey, Channel, Refund, RefusalCode};

use crate::laws::check_sum_law;
use crate::setup::{
    Ear, PRICE_FEN, SHOP, Scene, assert_refused, channel, config, listen, order, patiently, pay_at,
};

#[tokio::test]
async fn a_provider_killed_and_started_again_has_its_books_and_sends_what_was_pending() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("provider.db");
    let mut scene = Scene::on_file(&path, Ear::new().await).await;
    scene.ear.answer_with(StatusCode::SERVICE_UNAVAILABLE);
    let txn_id = scene.paid("1").await;
    scene.refund("r-1", &txn_id, 900).await.unwrap();
    let page = scene.channel.create_order(&order("2")).await.unwrap();
    scene.hear().await;
    let before = scene.channel.books().await.unwrap();
    let key = scene.provider.callback_key();

    let Scene {
        provider, mut ear, ..
    } = scene;
    drop(provider);
    ear.forget();
    ear.answer_with(StatusCode::OK);
    let mut scene = Scene::on_file(&path, ear).await;
    assert_eq!(scene.provider.callback_key(), key);
    // Not forgotten, not counted as done, and in the same words.
    let callback = scene.hear().await;
    assert_eq!(
        (callback.txn_id, callback.amount_fen),
        (txn_id.clone(), PRICE_FEN)
    );
    let after = scene.channel.books().await.unwrap();
    assert_eq!(
        (after.paid_fen, after.held_fen),
        (before.paid_fen, PRICE_FEN - 900)
    );
    assert_eq!((after.orders, after.transactions, after.refunds), (2, 1, 1));
    // Keys are remembered, too.
    scene.refund("r-1", &txn_id, 900).await.unwrap();
    let again = scene.channel.create_order(&order("2")).await.unwrap();
    let token = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    assert_eq!(token(&again.url), token(&page.url));
    check_sum_law(&scene).await;
}

#[tokio::test]
async fn a_provider_that_stops_in_order_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("provider.db");
    let scene = Scene::on_file(&path, Ear::new().await).await;
    scene.paid("1").await;
    let Scene { provider, ear, .. } = scene;
    provider.stop().await.unwrap();
    let scene = Scene::on_file(&path, ear).await;
    assert_eq!(scene.channel.books().await.unwrap().paid_fen, PRICE_FEN);
}

#[tokio::test]
async fn callbacks_on_their_way_or_withheld_at_the_kill_are_sent_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("provider.db");
    let scene = Scene::on_file(&path, Ear::new().await).await;
    // The first order's callback goes to somebody who listens and does not answer.
    let deaf = listen().await;
    let url = format!("http://{}/", deaf.local_addr().unwrap());
    let channel = channel(
        &scene.provider.url(),
        scene.provider.callback_key(),
        SHOP,
        &url,
    );
    channel.create_order(&order("1")).await.unwrap();
    scene.pay("1").await;
    let _connection = patiently(deaf.accept()).await.unwrap();
    let gather = CallbackFaults {
        gather: 2,
        ..Default::default()
    };
    scene
        .set_faults(Faults {
            callback: gather,
            ..Faults::default()
        })
        .await;
    scene.paid("2").await;
    assert_eq!(scene.channel.books().await.unwrap().callbacks_pending, 2);

    let Scene { provider, ear, .. } = scene;
    drop(provider);
    let mut scene = Scene::on_file(&path, ear).await;
    assert_eq!(scene.hear().await.order_no, "2");
    let _connection = patiently(deaf.accept()).await.unwrap();
    // A repeated creation brings the address that holds from then on, although the order has been paid.
    let repeated = scene.channel.create_order(&order("1")).await;
    assert_refused(repeated, RefusalCode::OrderPaid);
    drop((_connection, deaf));
    assert_eq!(scene.hear().await.order_no, "1");
}

#[tokio::test]
async fn two_providers_cannot_have_one_book() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("provider.db");
    let _scene = Scene::on_file(&path, Ear::new().await).await;
    let second = Provider::open(config(BookLocation::File(path)));
    assert!(matches!(second, Err(ProviderError::Book(_))));
}

/// Names the book of [`the_provider_to_be_killed`]; without it that test does nothing.
const BOOK: &str = "PAYMENTS_TEST_BOOK";

/// Not a test of its own: the process that the next test kills.
#[test]
fn the_provider_to_be_killed() {
    let Some(path) = std::env::var_os(BOOK) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let provider = Provider::open(config(BookLocation::File(path.into()))).unwrap();
        let (key, listener) = (provider.callback_key(), listen().await);
        println!(
            "\nlistening at http://{} {}",
            listener.local_addr().unwrap(),
            key.to_hex()
        );
        provider
            .serve(listener, std::future::pending())
            .await
            .unwrap();
    });
}

/// A provider in a process of its own, killed without notice.
struct Victim {
    process: Child,
    url: String,
    key: CallbackKey,
}

impl Victim {
    fn start(book: &Path) -> Victim {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "durability::the_provider_to_be_killed",
                "--nocapture",
            ])
            .env(BOOK, book)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening at ").map(str::to_owned))
            .expect("the provider says where it listens");
        let (url, key) = line.split_once(' ').unwrap();
        Victim {
            process,
            url: url.to_owned(),
            key: CallbackKey::from_hex(key).unwrap(),
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Fails only if it is dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Pays and refunds orders one after the other until the provider is gone; returns what was
/// acknowledged: the payments, and those of them that were refunded.
async fn shop_until_it_dies(channel: Channel, url: String, name: usize) -> Vec<(String, bool)> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let order_no = format!("{name}-{number}");
        if channel.create_order(&order(&order_no)).await.is_err() {
            break;
        }
        let Ok((200, body)) = pay_at(&http, &url, &order_no).await else {
            break;
        };
        let txn_id = body["transactions"][0]["txn_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let refund_no = format!("r-{order_no}");
        let refund = Refund {
            refund_no: &refund_no,
            txn_id: &txn_id,
            amount_fen: 100,
            reason: "",
        };
        let refunded = channel.refund(&refund).await.is_ok();
        acknowledged.push((txn_id.clone(), refunded));
        if !refunded {
            break;
        }
    }
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("provider.db");
    let mut ear = Ear::new().await;
    let victim = Victim::start(&path);
    let channel = channel(&victim.url, victim.key, SHOP, &ear.url);
    let shoppers: Vec<_> = (0..8)
        .map(|name| {
            tokio::spawn(shop_until_it_dies(
                channel.clone(),
                victim.url.clone(),
                name,
            ))
        })
        .collect();
    // It dies in the middle of its work: when the first callbacks have come.
    for _ in 0..20 {
        ear.hear().await;
    }
    drop(victim);
    let mut acknowledged = Vec::new();
    for shopper in shoppers {
        acknowledged.extend(shopper.await.unwrap());
    }
    assert!(20 <= acknowledged.len(), "{}", acknowledged.len());

    let scene = Scene::on_file(&path, ear).await;
    for chunk in acknowledged.chunks(payments::MAX_BATCH) {
        let ids: Vec<_> = chunk.iter().map(|(txn_id, _)| txn_id.as_str()).collect();
        let found = scene.channel.query_transactions(&ids).await.unwrap();
        for ((txn_id, refunded), transaction) in chunk.iter().zip(found) {
            let transaction = transaction.unwrap_or_else(|| panic!("{txn_id} is lost"));
            assert_eq!(transaction.amount_fen, PRICE_FEN);
            // A refund of unknown outcome is repeated with the same key, and is one refund.
            let refund_no = format!("r-{}", transaction.order_no);
            let refund = Refund {
                refund_no: &refund_no,
                txn_id,
                amount_fen: 100,
                reason: "",
            };
            if *refunded {
                scene.channel.query_refund(&refund_no).await.unwrap();
            }
            scene.channel.refund(&refund).await.unwrap();
            let order = scene.channel.query(&transaction.order_no).await.unwrap();
            assert_eq!(order.transactions[0].refunded_fen, 100);
        }
    }
    check_sum_law(&scene).await;
}
