//! A provider, a merchant's channel to it, and the merchant's ear for callbacks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use payments::sandbox::{BookLocation, Faults, Merchant, Provider, ProviderConfig, Retry, Running};
use payments::{
    ApiSecret, Callback, CallbackKey, Channel, ChannelConfig, ChannelError, Order, OrderStatus,
    Refund, RefundState, RefusalCode, Transaction,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The merchant of most tests.
pub(crate) const SHOP: &str = "shop-1";
/// Another merchant of the same provider.
pub(crate) const OTHER: &str = "shop-2";
/// What every order of [`order`] costs.
pub(crate) const PRICE_FEN: i64 = 9_900;
/// Long enough for any machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn secret(merchant_id: &str) -> ApiSecret {
    ApiSecret::new(format!("secret of {merchant_id}"))
}

pub(crate) fn config(book: BookLocation) -> ProviderConfig {
    let merchant = |id: &str| Merchant {
        id: id.to_owned(),
        api_secret: secret(id),
    };
    ProviderConfig {
        book,
        merchants: vec![merchant(SHOP), merchant(OTHER)],
        public_url: None,
        retry: Retry {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(100),
            ..Retry::default()
        },
    }
}

pub(crate) async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A provider at work with a merchant that listens.
pub(crate) struct Scene {
    pub(crate) provider: Running,
    pub(crate) channel: Channel,
    pub(crate) ear: Ear,
    pub(crate) http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn new() -> Scene {
        Scene::with(BookLocation::Memory, Ear::new().await).await
    }

    pub(crate) async fn on_file(path: &Path, ear: Ear) -> Scene {
        Scene::with(BookLocation::File(path.to_owned()), ear).await
    }

    async fn with(book: BookLocation, ear: Ear) -> Scene {
        let provider = Provider::open(config(book))
            .unwrap()
            .spawn(listen().await)
            .unwrap();
        let url = provider.url();
        let channel = channel(&url, provider.callback_key(), SHOP, &ear.url);
        // Made after the channel, which sees to the TLS provider.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Scene {
            provider,
            channel,
            ear,
            http,
        }
    }

    /// Pays an order the way a load generator does.
    pub(crate) async fn pay(&self, order_no: &str) -> Vec<Transaction> {
        let (status, body) = self.try_pay(order_no).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body["transactions"].clone()).unwrap()
    }

    pub(crate) async fn try_pay(&self, order_no: &str) -> (u16, serde_json::Value) {
        pay_at(&self.http, &self.provider.url(), order_no)
            .await
            .unwrap()
    }

    /// Creates and pays an order of [`PRICE_FEN`]; returns the transaction's id.
    pub(crate) async fn paid(&self, order_no: &str) -> String {
        self.channel.create_order(&order(order_no)).await.unwrap();
        let [transaction] = <[Transaction; 1]>::try_from(self.pay(order_no).await).unwrap();
        transaction.txn_id
    }

    /// Sets the faults of everything.
    pub(crate) async fn set_faults(&self, faults: Faults) {
        self.post_faults(json!({ "faults": faults })).await;
    }

    /// Sets the faults of one order.
    pub(crate) async fn set_faults_of(&self, order_no: &str, faults: Faults) {
        self.post_faults(json!({ "order_no": order_no, "faults": faults }))
            .await;
    }

    async fn post_faults(&self, body: serde_json::Value) {
        let url = format!("{}/sandbox/faults", self.provider.url());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// The same merchant, with less patience.
    pub(crate) fn hasty_channel(&self) -> Channel {
        let config = ChannelConfig {
            timeout: Duration::from_millis(300),
            ..channel_config(
                &self.provider.url(),
                self.provider.callback_key(),
                SHOP,
                &self.ear.url,
            )
        };
        Channel::new(config).unwrap()
    }

    /// The next callback, believed.
    pub(crate) async fn hear(&mut self) -> Callback {
        let (headers, body) = self.ear.hear().await;
        self.channel.verify_callback(&headers, &body).unwrap()
    }

    pub(crate) async fn refund(
        &self,
        refund_no: &str,
        txn_id: &str,
        amount_fen: i64,
    ) -> Result<RefundState, ChannelError> {
        let refund = Refund {
            refund_no,
            txn_id,
            amount_fen,
            reason: "left the group",
        };
        self.channel.refund(&refund).await
    }

    pub(crate) async fn status(&self, order_no: &str) -> OrderStatus {
        self.channel.query(order_no).await.unwrap().status
    }
}

pub(crate) async fn pay_at(
    http: &reqwest::Client,
    provider_url: &str,
    order_no: &str,
) -> reqwest::Result<(u16, serde_json::Value)> {
    let url = format!("{provider_url}/sandbox/orders/{order_no}/pay");
    let answer = http.post(url).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

pub(crate) fn channel_config(
    provider_url: &str,
    callback_key: CallbackKey,
    merchant_id: &str,
    notify_url: &str,
) -> ChannelConfig {
    ChannelConfig {
        provider_url: provider_url.to_owned(),
        merchant_id: merchant_id.to_owned(),
        api_secret: secret(merchant_id),
        callback_key,
        notify_url: notify_url.to_owned(),
        return_url: "https://shop.example/paid/{order_no}".to_owned(),
        timeout: PATIENCE,
    }
}

pub(crate) fn channel(
    provider_url: &str,
    callback_key: CallbackKey,
    merchant_id: &str,
    notify_url: &str,
) -> Channel {
    Channel::new(channel_config(
        provider_url,
        callback_key,
        merchant_id,
        notify_url,
    ))
    .unwrap()
}

/// An order that can be paid for an hour, always with the same content.
pub(crate) fn order(order_no: &str) -> Order<'_> {
    Order {
        order_no,
        amount_fen: PRICE_FEN,
        description: "一箱苹果",
        attach: "group=17;seat=4",
        // A fixed moment in the future, so that two calls mean the same order.
        expires_at_ms: 4_102_444_800_000,
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(
    result: Result<T, ChannelError>,
    code: RefusalCode,
) {
    let error = result.expect_err("a refusal");
    assert_eq!(error.refusal(), Some(code), "{error}");
}

#[track_caller]
pub(crate) fn assert_unknown<T: std::fmt::Debug>(result: Result<T, ChannelError>) {
    let error = result.expect_err("an unknown outcome");
    assert_eq!(error.refusal(), None, "{error}");
}

/// The merchant's address for callbacks; answers with a status that can be switched.
pub(crate) struct Ear {
    pub(crate) url: String,
    heard: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    status: Arc<AtomicU16>,
    _server: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct EarState {
    heard: mpsc::UnboundedSender<(HeaderMap, Bytes)>,
    status: Arc<AtomicU16>,
}

impl Ear {
    pub(crate) async fn new() -> Ear {
        let listener = listen().await;
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let (sender, heard) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(204));
        let state = EarState {
            heard: sender,
            status: Arc::clone(&status),
        };
        let router = Router::new().route("/notify", post(take)).with_state(state);
        let _server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ear {
            url,
            heard,
            status,
            _server,
        }
    }

    pub(crate) fn answer_with(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::SeqCst);
    }

    pub(crate) async fn hear(&mut self) -> (HeaderMap, Bytes) {
        patiently(self.heard.recv()).await.unwrap()
    }

    /// Forgets what has come so far.
    pub(crate) fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}

async fn take(State(state): State<EarState>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = StatusCode::from_u16(state.status.load(Ordering::SeqCst)).unwrap();
    // A test that is over no longer listens.
    let _ = state.heard.send((headers, body));
    status
}

/// Asks again and again until the answer is `Some`.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    patiently(asking).await
}

/// Waits for what will happen soon if all is well, and fails the test otherwise.
pub(crate) async fn patiently<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event)
        .await
        .expect("what the test waits for happens")
}
