//! A whole platform for tests: server and sandbox provider in this process, over real HTTP on free ports, with a clock
//! that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Millis;
use engine::{Clock, ManualClock, SystemClock};
use payments::sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry};
use payments::{ApiSecret, Books, Channel, ChannelConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::{
    ChannelKind, ClientAddress, Config, Demo, DemoReach, DrawInstallation, DrawSource, Limits,
    Pace, Rate, Running, SignInCodes,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Longest time anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

static KEYS: AtomicU64 = AtomicU64::new(0);

/// Where campaigns are published, with why.
pub(crate) const PUBLISH: &str = "/campaigns?reason=texts+and+price+seen";

/// A platform with its provider.
pub(crate) struct Site {
    pub(crate) clock: ManualClock,
    pub(crate) channel: Channel,
    pub(crate) config: Config,
    pub(crate) provider_url: String,
    provider: Option<payments::sandbox::Running>,
    server: Option<(Running, Runtime)>,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    told: Arc<Told>,
    _dir: TempDir,
}

/// How far callers know the journal to be, and how far the views were seen to be.
#[derive(Debug, Default)]
pub(crate) struct Told {
    written: AtomicU64,
    shown: AtomicU64,
}

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) cookie: Option<String>,
    pub(crate) bearer: Option<String>,
    pub(crate) id: String,
    pub(crate) invite_code: String,
    pub(crate) told: Arc<Told>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Site {
    /// A platform that is open.
    pub(crate) async fn open() -> Site {
        Site::open_with(|_| {}).await
    }

    /// A platform with other settings.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let secret = ApiSecret::new("test secret");
        let provider = Provider::open(ProviderConfig {
            book: BookLocation::Memory,
            merchants: vec![Merchant {
                id: "m1".to_owned(),
                api_secret: secret.clone(),
            }],
            public_url: None,
            retry: Retry {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(400),
                give_up_after: Duration::from_secs(60),
                answer_within: Duration::from_secs(10),
            },
        })
        .unwrap();
        let provider = provider
            .spawn(TcpListener::bind("127.0.0.1:0").await.unwrap())
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let channel = Channel::new(ChannelConfig {
            provider_url: provider.url(),
            merchant_id: "m1".to_owned(),
            api_secret: secret,
            callback_key: provider.callback_key(),
            notify_url: format!("{base}/api/v1/channels/notify"),
            return_url: format!("{base}/pay/{{order_no}}"),
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        // The next day at two in the afternoon in Shanghai: what a test says of days and sessions is true at any hour.
        let afternoon = domain::Duration(14 * domain::HOUR_MS);
        let clock = ManualClock::new(SystemClock.now().next_midnight().after(afternoon));
        let mut config = settings(&dir, &base, channel.clone(), clock.clone());
        change(&mut config);
        server::operator_add(
            &config.data_dir,
            "boss",
            "correct horse battery",
            clock.now(),
        )
        .await
        .unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let provider_url = provider.url();
        let mut site = Site {
            clock,
            channel,
            config,
            provider_url,
            provider: Some(provider),
            server: None,
            base,
            http,
            told: Arc::default(),
            _dir: dir,
        };
        site.serve(listener).await;
        site
    }

    /// Starts the server in a runtime of its own, so that it can be broken off with all its connections.
    async fn serve(&mut self, listener: std::net::TcpListener) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let config = self.config.clone();
        let starting = runtime.spawn(async move {
            let mut server =
                server::start(config, TcpListener::from_std(listener).unwrap()).unwrap();
            if !server.ready().await {
                panic!("the server did not start: {:?}", server.ended().await);
            }
            server
        });
        self.server = Some((starting.await.unwrap(), runtime));
    }

    /// Binds the address of before.
    fn rebind(&self) -> std::net::TcpListener {
        let listener =
            std::net::TcpListener::bind(self.base.trim_start_matches("http://")).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }

    /// Breaks the server off wherever it is and starts it again over the same data.
    pub(crate) async fn restart(&mut self) {
        let (_, runtime) = self.server.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE))
            .await
            .unwrap();
        self.serve(self.rebind()).await;
    }

    /// Stops the server in order; the provider stays.
    pub(crate) async fn stop_server(&mut self) {
        let (server, runtime) = self.server.take().unwrap();
        server.stop().await.unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE))
            .await
            .unwrap();
    }

    /// Starts the server that was stopped.
    pub(crate) async fn start_server(&mut self) {
        self.serve(self.rebind()).await;
    }

    /// Where everything is kept.
    pub(crate) fn data_dir(&self) -> &std::path::Path {
        &self.config.data_dir
    }

    /// Deletes the views, as anybody may at any time, and starts again.
    pub(crate) async fn delete_views(&mut self) {
        self.stop_server().await;
        for entry in std::fs::read_dir(&self.config.data_dir).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("views.db")
            {
                std::fs::remove_file(path).unwrap();
            }
        }
        self.serve(self.rebind()).await;
        let head = self
            .http
            .get(self.url("/readyz"))
            .send()
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap()["head"]
            .clone();
        let path = format!("/campaigns?at_least={}", head.as_str().unwrap());
        self.until("the views are made again", async || {
            (self.anyone().get(&path).await.status == 200).then_some(())
        })
        .await;
    }

    /// Stops the server in order.
    pub(crate) async fn close(mut self) {
        self.stop_server().await;
        self.provider.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Nobody in particular.
    pub(crate) fn anyone(&self) -> Caller {
        Caller {
            base: self.base.clone(),
            http: self.http.clone(),
            cookie: None,
            bearer: None,
            id: String::new(),
            invite_code: String::new(),
            told: self.told.clone(),
        }
    }

    /// The operator, signed in.
    pub(crate) async fn operator(&self) -> Caller {
        self.sign_in_operator("boss", "correct horse battery")
            .await
            .unwrap()
    }

    /// An operator, signed in; none if his password is wrong.
    pub(crate) async fn sign_in_operator(&self, name: &str, password: &str) -> Option<Caller> {
        let mut caller = self.anyone();
        let body = json!({ "name": name, "password": password });
        let got = caller.post("/operator/sign-in", body).await;
        if got.status == 401 {
            return None;
        }
        assert_eq!(got.status, 200, "{got:?}");
        caller.cookie = Some(got.cookie());
        Some(caller)
    }

    /// A new gateway with its key.
    pub(crate) async fn gateway(&self) -> Caller {
        let name = format!("gateway {}", KEYS.fetch_add(1, Ordering::Relaxed));
        let (_, key) = server::gateway_add(&self.config.data_dir, &name, self.clock.now())
            .await
            .unwrap();
        Caller {
            bearer: Some(key),
            ..self.anyone()
        }
    }

    /// The member with this phone, signed up if he is new.
    pub(crate) async fn member(&self, number: u32, invite: Option<&str>) -> Caller {
        let phone = format!("1380000{number:04}");
        let mut caller = self.anyone();
        let sent = caller
            .post("/sign-in/codes", json!({ "phone": phone }))
            .await;
        assert_eq!(sent.status, 202, "{sent:?}");
        let inbox = caller
            .get(&format!("/demo/inbox?phone={phone}"))
            .await
            .json();
        let code = inbox["items"][0]["code"].as_str().unwrap().to_owned();
        let mut body = json!({ "phone": phone, "code": code });
        if let Some(invite) = invite {
            body["invite"] = json!(invite);
        }
        let got = caller.post("/sign-in", body).await;
        assert_eq!(got.status, 200, "{got:?}");
        caller.cookie = Some(got.cookie());
        let card = got.json()["member"].clone();
        caller.id = card["id"].as_str().unwrap().to_owned();
        caller.invite_code = card["invite_code"].as_str().unwrap().to_owned();
        caller
    }

    /// Many members that can sign in: registered by a gateway, with sessions put into the directory beside the server.
    pub(crate) async fn crowd(&self, count: usize) -> Vec<Caller> {
        let gateway = self.gateway().await;
        let directory = self.directory().await;
        let mut crowd = Vec::with_capacity(count);
        for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
            for id in gateway.register(chunk).await {
                let secret = format!("{:064x}", id.parse::<u128>().unwrap() + 1);
                let session = views::Session {
                    of: views::SessionOf::Member(domain::MemberId(id.parse().unwrap())),
                    expires_at: Millis(i64::MAX),
                };
                directory
                    .put_session(&draw::hash(secret.as_bytes()).0, &session, self.clock.now())
                    .await
                    .unwrap();
                crowd.push(Caller {
                    cookie: Some(format!("potluck_session={secret}")),
                    id,
                    ..self.anyone()
                });
            }
        }
        directory.close().await;
        crowd
    }

    /// The directory, opened beside the server.
    pub(crate) async fn directory(&self) -> views::Directory {
        let path = self.config.data_dir.join("directory.db");
        views::Directory::open(&views::Place::from(path.as_path()), self.clock.now())
            .await
            .unwrap()
    }

    /// Publishes a campaign file with some keys changed; answers with its number.
    pub(crate) async fn publish(&self, file: Value) -> String {
        let got = self.operator().await.post(PUBLISH, file).await;
        assert_eq!(got.status, 201, "{got:?}");
        got.json()["id"].as_str().unwrap().to_owned()
    }

    /// The numbers of all orders at the provider, oldest first.
    pub(crate) async fn orders(&self) -> Vec<String> {
        let (mut after, mut found) = (0, Vec::new());
        loop {
            let page = self.channel.book_orders(after).await.unwrap();
            found.extend(page.orders.into_iter().map(|order| order.order_no));
            match page.next {
                Some(next) => after = next,
                None => return found,
            }
        }
    }

    /// Those of a payment: more than one where two histories had it.
    pub(crate) async fn orders_of(&self, payment: &str) -> Vec<String> {
        let beginning = format!("{payment}-");
        let mut orders = self.orders().await;
        orders.retain(|order_no| order_no.starts_with(&beginning));
        orders
    }

    /// The number of a payment's newest order at the provider.
    pub(crate) async fn order_of(&self, payment: &str) -> String {
        let orders = self.orders_of(payment).await;
        let newest = orders.last();
        newest
            .unwrap_or_else(|| panic!("no order for {payment}"))
            .clone()
    }

    /// Pays a reservation at the provider, as the page's button does.
    pub(crate) async fn pay(&self, payment: &str) -> Vec<String> {
        self.pay_order(&self.order_of(payment).await).await
    }

    /// Pays an order at the provider; answers with all its payments.
    pub(crate) async fn pay_order(&self, order_no: &str) -> Vec<String> {
        let url = format!("{}/sandbox/orders/{order_no}/pay", self.provider_url);
        let got = self.http.post(url).send().await.unwrap();
        assert_eq!(got.status(), 200, "{}", got.text().await.unwrap());
        let paid: Value = got.json().await.unwrap();
        let transactions = paid["transactions"].as_array().unwrap();
        transactions
            .iter()
            .map(|transaction| transaction["txn_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Tells the provider to do something wrong, for the order of one payment or for all.
    pub(crate) async fn faults(&self, payment: Option<&str>, faults: Value) {
        let order_no = match payment {
            Some(payment) => Some(self.order_of(payment).await),
            None => None,
        };
        let body = json!({ "order_no": order_no, "faults": faults });
        let got = self
            .http
            .post(format!("{}/sandbox/faults", self.provider_url))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(got.status(), 200, "{}", got.text().await.unwrap());
    }

    /// Waits until a payment is in this state; answers with it.
    pub(crate) async fn payment(&self, member: &Caller, payment: &str, state: &str) -> Value {
        let path = format!("/payments/{payment}");
        self.until(&format!("payment {payment} is {state}"), async || {
            let page = member.get(&path).await.json();
            (page["state"] == state).then_some(page)
        })
        .await
    }

    /// Waits until a group is in this state; answers with it.
    pub(crate) async fn group(&self, group: &str, state: &str) -> Value {
        let (path, anyone) = (format!("/groups/{group}"), self.anyone());
        self.until(&format!("group {group} is {state}"), async || {
            let page = anyone.get(&path).await.json();
            (page["state"] == state).then_some(page)
        })
        .await
    }

    /// Waits until nothing is on its way back; answers with the books, which balance and agree with the provider's.
    pub(crate) async fn settled_books(&self) -> Value {
        let operator = self.operator().await;
        let books = self
            .until("all refunds are done", async || {
                let books = operator.get("/books").await.json();
                (books["in_flight_refunds"] == "0.00").then_some(books)
            })
            .await;
        for total in books["totals"].as_array().unwrap() {
            assert_eq!(total["debit"], total["credit"], "{books}");
        }
        books
    }

    /// What the provider holds for the platform.
    pub(crate) async fn provider_books(&self) -> Books {
        self.channel.books().await.unwrap()
    }

    /// The number of this name, in the metrics' text; 0 where it is not. All sites of one process are counted together.
    pub(crate) async fn number(&self, name: &str) -> f64 {
        let url = self.url("/metrics").replace("/api/v1", "");
        let text = self.http().get(url).send().await.unwrap();
        let text = text.text().await.unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Waits until there is something; fails loudly if that takes too long.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = std::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited {PATIENCE:?} until {what}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The clock in unix seconds.
    pub(crate) fn clock_s(&self) -> u64 {
        self.clock.now().unix_seconds()
    }

    /// Moves the clock on.
    pub(crate) fn advance_s(&self, seconds: u32) {
        self.clock.advance(domain::Duration::seconds(seconds));
    }
}

fn settings(dir: &TempDir, base: &str, channel: Channel, clock: ManualClock) -> Config {
    let plenty = Rate {
        burst: 1_000_000,
        per_second: 1_000_000,
    };
    let now_s = clock.now().unix_seconds();
    Config {
        data_dir: dir.path().to_owned(),
        base_url: base.to_owned(),
        channel,
        channel_kind: ChannelKind::Sandbox,
        draw: DrawInstallation {
            log: draw::Origin::new("potluck.test/log1").unwrap(),
            source: DrawSource::Local {
                genesis: now_s - now_s % 1000,
                period: 3,
            },
            relays: Vec::new(),
            given_up: Vec::new(),
        },
        demo: Demo::On {
            accounts: Vec::new(),
            reach: DemoReach::Loopback,
        },
        sign_in_codes: SignInCodes::None,
        client_address: ClientAddress::Peer,
        clock: Arc::new(clock),
        limits: Limits {
            address: plenty,
            member: plenty,
            operator: plenty,
            gateway: plenty,
            sign_in: plenty,
            signature: plenty,
            subscriptions: 100,
            ..Limits::default()
        },
        connectors: server::Connectors::default(),
        pace: Pace {
            look: Duration::from_millis(20),
            retry_first: Duration::from_millis(50),
            retry_most: Duration::from_secs(1),
            ask_before: Duration::from_secs(10),
            ask_after: Duration::from_secs(300),
            ..Pace::default()
        },
    }
}

impl Caller {
    /// As a gateway: registers members with tokens of these numbers, at most a thousand; answers with their numbers.
    pub(crate) async fn register(&self, tokens: &[usize]) -> Vec<String> {
        let items: Vec<Value> = tokens
            .iter()
            .map(|number| json!({ "token": format!("{number:032x}") }))
            .collect();
        let got = self
            .post("/gateway/members", json!({ "items": items }))
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        let json = got.json();
        let items = json["items"].as_array().unwrap().iter();
        items
            .map(|item| item["member"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.views_follow().await;
        self.call(Method::GET, path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        let key = format!("test-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        self.call(Method::POST, path, Some(body), Some(&key)).await
    }

    pub(crate) async fn post_keyed(&self, path: &str, body: Value, key: &str) -> Got {
        self.call(Method::POST, path, Some(body), Some(key)).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Got {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let got = Got::of(request.send().await.unwrap()).await;
        self.told.written(&got);
        got
    }

    /// Waits until the views hold every write that a caller of this site was told of: they follow the journal in their own
    /// time, and a test that reads what it wrote is about what they say, not when. Gives up where they do not run.
    async fn views_follow(&self) {
        let (written, shown) = (&self.told.written, &self.told.shown);
        let seq = written.load(Ordering::Relaxed);
        if shown.load(Ordering::Relaxed) >= seq {
            return;
        }
        let url = format!("{}/api/v1/campaigns?limit=1&at_least={seq}", self.base);
        for _ in 0..5 {
            let asked = self.http.get(&url).send().await;
            match asked.map(|got| got.status()) {
                Ok(StatusCode::OK) => {
                    shown.fetch_max(seq, Ordering::Relaxed);
                    return;
                }
                Ok(StatusCode::SERVICE_UNAVAILABLE) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// A request with this caller's credentials, to be filled in.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(method, format!("{}/api/v1{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        request
    }

    /// Opens a group; answers with group and payment.
    pub(crate) async fn open_group(&self, campaign: &str) -> (String, String) {
        let got = self
            .post(&format!("/campaigns/{campaign}/groups"), json!({}))
            .await;
        assert_eq!(got.status, 201, "{got:?}");
        let opened = got.json();
        (
            opened["group"].as_str().unwrap().to_owned(),
            opened["payment"]["id"].as_str().unwrap().to_owned(),
        )
    }

    /// Reserves a seat; answers with the payment.
    pub(crate) async fn join(&self, group: &str) -> String {
        let got = self
            .post(&format!("/groups/{group}/seats"), json!({}))
            .await;
        assert_eq!(got.status, 201, "{got:?}");
        got.json()["payment"]["id"].as_str().unwrap().to_owned()
    }

    /// All lines of one part of the wallet, newest first.
    pub(crate) async fn lines(&self, account: &str) -> Vec<Value> {
        let (mut lines, mut cursor) = (Vec::new(), String::new());
        loop {
            let got = self
                .get(&format!(
                    "/me/wallet/lines?account={account}&limit=3{cursor}"
                ))
                .await;
            assert_eq!(got.status, 200, "{got:?}");
            let page = got.json();
            lines.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return lines,
            }
        }
    }
}

impl Told {
    /// Takes note of the place in the journal that an answer names.
    fn written(&self, got: &Got) {
        let answer: Option<Value> = serde_json::from_slice(&got.bytes).ok();
        let seq = answer.as_ref().and_then(|json| json["seq"].as_str());
        if let Some(seq) = seq.and_then(|seq| seq.parse().ok()) {
            self.written.fetch_max(seq, Ordering::Relaxed);
        }
    }
}

impl Got {
    pub(crate) async fn of(response: reqwest::Response) -> Got {
        let (status, headers) = (response.status(), response.headers().clone());
        Got {
            status,
            headers,
            bytes: response.bytes().await.unwrap().to_vec(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Name and value of the cookie that was set.
    pub(crate) fn cookie(&self) -> String {
        let line = self.headers["set-cookie"].to_str().unwrap();
        line.split(';').next().unwrap().to_owned()
    }

    /// Checks that this is a problem of that code, in the one shape there is.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (
                self.status.as_u16(),
                self.headers.get("content-type").map(|kind| kind.as_bytes())
            ),
            (status, Some(&b"application/problem+json"[..])),
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:potluck:problem:{code}"));
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
    }
}

/// An amount of the API in fen.
#[track_caller]
pub(crate) fn fen(value: &Value) -> i64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("no amount: {value}"));
    text.replace('.', "")
        .parse()
        .unwrap_or_else(|_| panic!("no amount: {text}"))
}

/// So many yuan in fen.
pub(crate) fn yuan(yuan: i64) -> i64 {
    yuan * 100
}
