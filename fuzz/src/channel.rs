//! What a payment channel says: notices that come by themselves, and answers to our questions.
//!
//! An input is one byte that says which, one for the answer's status, then the body. A notice is believed only with the
//! provider's signature and in our name; an answer only where it fits what was asked. Everything else is a no or a doubt.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use payments::{
    ApiSecret, CallbackKey, Channel, ChannelConfig, HEADER_NONCE, HEADER_SIGNATURE,
    HEADER_TIMESTAMP, Order, Refund,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use crate::corpus;

const MERCHANT: &str = "m1";
const ORDER: &str = "7-3";
const TXN: &str = "txn-1";
const REFUND: &str = "r-1";
const AMOUNT_FEN: i64 = 9_900;
/// When notices are signed and read.
const NOW_S: i64 = 1_700_000_000;

/// What the provider answers next.
static NEXT: Mutex<(u16, Vec<u8>)> = Mutex::new((200, Vec::new()));
static PROVIDER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes make a key"));
static OURS: LazyLock<(Channel, tokio::runtime::Runtime)> = LazyLock::new(open);

/// Plants one good message of each kind, and a refusal.
pub fn begin() {
    let transaction = json!({
        "txn_id": TXN, "order_no": ORDER, "merchant_id": MERCHANT, "amount_fen": AMOUNT_FEN, "paid_at_ms": 5,
        "refunded_fen": 0, "attach": "{\"group\":\"7\",\"member\":\"1\"}"
    });
    let refund = json!({
        "refund_no": REFUND, "txn_id": TXN, "amount_fen": AMOUNT_FEN, "reason": "bounced", "state": "done", "at_ms": 6
    });
    let notice = json!({
        "event": "transaction.success", "merchant_id": MERCHANT, "order_no": ORDER, "txn_id": TXN,
        "amount_fen": AMOUNT_FEN, "attach": "", "paid_at_ms": 5
    });
    let bodies = [
        notice.clone(),
        notice,
        json!({ "order_no": ORDER, "page_url": "http://pay.example/1" }),
        json!({ "status": "paid", "transactions": [transaction] }),
        json!({ "transactions": [transaction] }),
        refund.clone(),
        refund.clone(),
        json!({ "orders": [{
            "order_no": ORDER, "amount_fen": AMOUNT_FEN, "status": "paid", "attach": "", "created_at_ms": 1,
            "transactions": [transaction], "refunds": [refund]
        }], "next": 2 }),
        json!({ "code": "refund_too_large", "message": "no" }),
    ];
    let seed =
        |(kind, body): (u8, serde_json::Value)| [&[kind, 0], body.to_string().as_bytes()].concat();
    corpus::plant("channel", (0..).zip(bodies).map(seed));
}

/// A provider that says what it is told to, and our side of the channel to it.
fn open() -> (Channel, tokio::runtime::Runtime) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer_all(&stream));
        }
    });
    let mut callback_key = [0; 32];
    callback_key.copy_from_slice(PROVIDER.public_key().as_ref());
    let config = ChannelConfig {
        provider_url: format!("http://{address}"),
        merchant_id: MERCHANT.to_owned(),
        api_secret: ApiSecret::new("secret"),
        callback_key: CallbackKey(callback_key),
        notify_url: String::new(),
        return_url: String::new(),
        timeout: Duration::from_secs(10),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let channel = runtime.block_on(async { Channel::new(config) });
    (channel.expect("a good configuration"), runtime)
}

fn answer_all(stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut input, mut output) = (BufReader::new(stream), stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if input.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut (&mut input).take(length), &mut std::io::sink()).ok()?;
        let (status, body) = NEXT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        output.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}

/// Says the bytes in the provider's place.
pub fn check(data: &[u8]) {
    let [kind, status, body @ ..] = data else {
        return;
    };
    match kind % 8 {
        0 => signed(body),
        1 => forged(body),
        kind => {
            let status = [200, 201, 204, 302, 400, 404, 409, 500][usize::from(status % 8)];
            *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = (status, body.to_vec());
            let (channel, runtime) = &*OURS;
            runtime.block_on(asked(channel, kind));
        }
    }
}

/// In the provider's own words: believed only if they are about us and say what a payment needs.
fn signed(body: &[u8]) {
    let message = [format!("{NOW_S}\nn\n").as_bytes(), body, b"\n"].concat();
    let signature = draw::to_hex(PROVIDER.sign(&message).as_ref());
    let Ok(callback) = OURS
        .0
        .verify_callback_at(&headers(&signature), body, NOW_S * 1000)
    else {
        return;
    };
    let said: serde_json::Value = serde_json::from_slice(body).expect("what is believed is JSON");
    assert_eq!(said["merchant_id"], MERCHANT, "a notice to somebody else");
    assert!(
        (1..=payments::MAX_AMOUNT_FEN).contains(&callback.amount_fen),
        "{callback:?}"
    );
    assert!(
        (1..=payments::MAX_TXN_ID_BYTES).contains(&callback.txn_id.len()),
        "{callback:?}"
    );
    assert!(
        (1..=payments::MAX_ORDER_NO_BYTES).contains(&callback.order_no.len()),
        "{callback:?}"
    );
}

/// Not in the provider's words: the input begins with a signature of its own.
fn forged(data: &[u8]) {
    let (signature, body) = data.split_at(data.len().min(128));
    let signature = String::from_utf8_lossy(signature);
    if HeaderValue::from_str(&signature).is_ok() {
        let believed = OURS
            .0
            .verify_callback_at(&headers(&signature), body, NOW_S * 1000);
        assert!(believed.is_err(), "a forged notice is believed");
    }
}

fn headers(signature: &str) -> HeaderMap {
    let fields = [
        (HEADER_TIMESTAMP, NOW_S.to_string()),
        (HEADER_NONCE, "n".to_owned()),
        (HEADER_SIGNATURE, signature.to_owned()),
    ];
    let field = |(name, value): (&'static str, String)| {
        let value = HeaderValue::from_str(&value).expect("it was looked at");
        (http::HeaderName::from_static(name), value)
    };
    fields.map(field).into_iter().collect()
}

/// Asks, and holds a yes to the question.
async fn asked(channel: &Channel, kind: u8) {
    let refund = Refund {
        refund_no: REFUND,
        txn_id: TXN,
        amount_fen: AMOUNT_FEN,
        reason: "bounced",
    };
    let order = Order {
        order_no: ORDER,
        amount_fen: AMOUNT_FEN,
        description: "tea",
        attach: "",
        expires_at_ms: 10,
    };
    match kind {
        2 => drop(channel.create_order(&order).await),
        3 => {
            if let Ok(state) = channel.query(ORDER).await {
                let ours = |found: &payments::Transaction| {
                    found.order_no == ORDER && found.merchant_id == MERCHANT
                };
                assert!(state.transactions.iter().all(ours), "{state:?}");
            }
        }
        4 => {
            if let Ok(found) = channel.query_transactions(&[TXN]).await {
                let [found] = found.as_slice() else {
                    panic!("one payment was asked for: {found:?}");
                };
                assert!(
                    found.as_ref().is_none_or(|found| found.txn_id == TXN),
                    "{found:?}"
                );
            }
        }
        5 => drop(channel.refund(&refund).await),
        6 => drop(channel.query_refund(REFUND).await),
        _ => {
            drop(channel.books().await);
            drop(channel.book_orders(0).await);
        }
    }
}
