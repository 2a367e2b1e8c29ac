//! A shop to be killed: a data directory, a provider that lives in this process, members, and a campaign of each kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use payments::sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry, Running};
use payments::{ApiSecret, Channel, ChannelConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::load::{Load, Member, PRICE_FEN, SEATS, Shop};
use super::platform::{Notices, Order, Platform, Start, free_port, potluck};
use super::random::Random;

const SECRET: &str = "the secret between shop and provider";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Members that a gateway serves.
const SERVED: u32 = 900;
/// Members that can sign in.
const MEMBERS: u32 = 80;

/// A shop to be killed.
pub(crate) struct Site {
    dir: Option<TempDir>,
    pub(crate) data: PathBuf,
    provider: Running,
    pub(crate) channel: Channel,
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    port: u16,
    /// Where notices go, if anywhere.
    pub(crate) notices: Option<Notices>,
    /// By how much the platforms that are started are ahead of the machine's clock; it never becomes less.
    pub(crate) ahead_ms: i64,
}

impl Drop for Site {
    fn drop(&mut self) {
        let Some(dir) = self.dir.take() else { return };
        if std::thread::panicking() {
            eprintln!("what is left of this round: {}", dir.keep().display());
        }
    }
}

impl Site {
    /// An empty directory and a provider beside it.
    pub(crate) async fn new(random: &mut Random) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let secret = ApiSecret::new(SECRET);
        let provider = Provider::open(ProviderConfig {
            book: BookLocation::File(dir.path().join("provider.db")),
            merchants: vec![Merchant {
                id: "potluck".to_owned(),
                api_secret: secret.clone(),
            }],
            public_url: None,
            retry: Retry {
                first: Duration::from_millis(200),
                longest: Duration::from_secs(2),
                ..Retry::default()
            },
        })
        .unwrap();
        let provider = provider
            .spawn(TcpListener::bind("127.0.0.1:0").await.unwrap())
            .unwrap();
        let port = free_port(random);
        let channel = Channel::new(ChannelConfig {
            provider_url: provider.url(),
            merchant_id: "potluck".to_owned(),
            api_secret: secret,
            callback_key: provider.callback_key(),
            notify_url: String::new(),
            return_url: String::new(),
            timeout: Duration::from_secs(60),
        })
        .unwrap();
        Site {
            data: dir.path().join("data"),
            dir: Some(dir),
            provider,
            channel,
            http: client(),
            base: format!("http://127.0.0.1:{port}"),
            port,
            notices: None,
            ahead_ms: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().unwrap().path()
    }

    pub(crate) fn provider_url(&self) -> String {
        self.provider.url()
    }

    /// The file while which the passes of a crash point count.
    pub(crate) fn armed(&self) -> PathBuf {
        self.path().join("armed")
    }

    /// Starts the platform, which is not ready yet.
    pub(crate) fn start(&self, snapshot_every_s: u32, order: Option<Order>) -> Platform {
        // It is there from an earlier round, or not.
        let _ = std::fs::remove_file(self.armed());
        Platform::start(&Start {
            data: self.data.clone(),
            log: self.path().join("log"),
            port: self.port,
            provider_url: self.provider.url(),
            provider_key: self.provider.callback_key().to_hex(),
            secret: SECRET,
            snapshot_every_s,
            notices: self.notices.clone(),
            ahead_ms: self.ahead_ms,
            order,
        })
    }

    /// Everything that the platforms of this directory have logged.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.path().join("log")).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Signs the operator in; his password is checked slowly, so this is done once.
    pub(crate) async fn sign_in(&self) -> String {
        self.sign_in_as("boss").await
    }

    /// Signs somebody of the staff in.
    pub(crate) async fn sign_in_as(&self, name: &str) -> String {
        let answer = self
            .http
            .post(format!("{}/api/v1/operator/sign-in", self.base))
            .header("idempotency-key", "sign-in")
            .json(&json!({ "name": name, "password": PASSWORD }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Fills a platform that is ready: capital, campaigns, members; answers with the client and the operator's cookie.
    pub(crate) async fn open_shop(&self) -> (Arc<Load>, Campaigns, String) {
        let begin = |what| {
            let arguments = ["operator", what, "boss", "--password-stdin"];
            potluck(&arguments, &self.data, PASSWORD)
        };
        let (good, said) = begin("add");
        if !good {
            // There is one already, with another password.
            assert!(said.contains("boss"), "{said}");
            let (good, said) = begin("password");
            assert!(good, "{said}");
        }
        let (good, said) = potluck(&["gateway", "add", "mall"], &self.data, "");
        assert!(good, "{said}");
        let key = said.lines().find_map(|line| line.strip_prefix("API key "));
        let gateway_key = key.unwrap().to_owned();
        let operator = self.sign_in().await;
        let capital = json!({ "amount": "100000000.00", "reason": "from the bank" });
        self.write("/capital", &operator, &capital).await;
        let campaigns = Campaigns {
            large: self
                .publish(&operator, file(SEATS, SEATS - 2, "24h", "10s"))
                .await,
            small: self.publish(&operator, file(5, 3, "24h", "60s")).await,
            flash: self.publish(&operator, file(100, 50, "4s", "3s")).await,
        };
        let mut served = self.register(&gateway_key).await;
        let members = served.split_off(usize::try_from(SERVED).unwrap());
        let members = self.sessions(members).await;
        let load = Load::new(Shop {
            http: self.http.clone(),
            base: self.base.clone(),
            provider_url: self.provider.url(),
            gateway_key,
            served,
            members,
            campaign: campaigns.large.clone(),
        });
        (Arc::new(load), campaigns, operator)
    }

    async fn write(&self, path: &str, cookie: &str, body: &Value) -> Value {
        let key = draw::to_hex(&draw::hash(body.to_string().as_bytes()).0);
        let answer = self
            .http
            .post(format!("{}/api/v1{path}", self.base))
            .header("cookie", cookie)
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn publish(&self, operator: &str, file: Value) -> String {
        let published = self
            .write("/campaigns?reason=reviewed", operator, &file)
            .await;
        published["id"].as_str().unwrap().to_owned()
    }

    async fn register(&self, gateway_key: &str) -> Vec<u32> {
        let items: Vec<Value> = (0..SERVED + MEMBERS)
            .map(|number| json!({ "token": format!("{number:032x}") }))
            .collect();
        let answer = self
            .http
            .post(format!("{}/api/v1/gateway/members", self.base))
            .bearer_auth(gateway_key)
            .header("idempotency-key", "members")
            .json(&json!({ "items": items }))
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        let items = answer["items"].as_array();
        let items = items.unwrap_or_else(|| panic!("{answer}"));
        let number = |item: &Value| item["member"].as_str().unwrap().parse().unwrap();
        items.iter().map(number).collect()
    }

    /// Puts sessions into the directory beside the platform, as if these members had signed in.
    async fn sessions(&self, members: Vec<u32>) -> Vec<Member> {
        let now = engine::Clock::now(&engine::SystemClock);
        let place = views::Place::File(self.data.join("directory.db"));
        let directory = views::Directory::open(&place, now).await.unwrap();
        let mut signed_in = Vec::with_capacity(members.len());
        for id in members {
            let secret = format!("{:064x}", u64::from(id) + 1);
            let session = views::Session {
                of: views::SessionOf::Member(domain::MemberId(id)),
                expires_at: domain::Millis(i64::MAX),
            };
            let hash = draw::hash(secret.as_bytes()).0;
            directory.put_session(&hash, &session, now).await.unwrap();
            let cookie = format!("potluck_session={secret}");
            signed_in.push(Member { id, cookie });
        }
        directory.close().await;
        signed_in
    }

    /// What the clock of the platform shows.
    pub(crate) fn now(&self) -> domain::Millis {
        let now = engine::Clock::now(&engine::SystemClock);
        domain::Millis(now.0 + self.ahead_ms)
    }

    /// Everything that the journal says has happened, with the record's number and time.
    pub(crate) fn events(&self) -> Vec<(u64, domain::Millis, domain::Event)> {
        let journal = journal::SqliteJournal::open_read_only(&self.data).unwrap();
        let mut reader = engine::RecordReader::new(Box::new(journal), journal::FIRST_SEQ);
        let mut events = Vec::new();
        loop {
            let records = reader.read(1 << 22).unwrap();
            if records.is_empty() {
                return events;
            }
            for stored in records {
                let (seq, at) = (stored.seq, stored.record.at);
                let of_it = stored.record.events.into_iter();
                events.extend(of_it.map(|event| (seq, at, event)));
            }
        }
    }

    /// The trial balance is zero, in the books as far as the views have come.
    pub(crate) async fn balance(&self, operator: &str) {
        let answer = self
            .http
            .get(format!("{}/api/v1/books", self.base))
            .header("cookie", operator)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let books: Value = answer.json().await.unwrap();
        for total in books["totals"].as_array().unwrap() {
            assert_eq!(total["debit"], total["credit"], "{books}");
        }
        assert_eq!(books["alarm"], false, "{books}");
    }

    /// The whole audit, which must find nothing, and leave nothing unchecked but a snapshot that is not there.
    pub(crate) fn audit(&self) {
        let (good, page) = potluck(&["audit"], &self.data, "");
        assert!(good && page.contains("\nAUDIT PASSED\n"), "{page}");
        let unchecked = page.split_once("\nNot checked\n").map(|(_, rest)| rest);
        let no_snapshot = "  snapshot: there is none\n\nAUDIT PASSED\n";
        assert!(unchecked.is_none_or(|rest| rest == no_snapshot), "{page}");
    }
}

/// The campaigns, by number.
pub(crate) struct Campaigns {
    /// Filled by the load; two of its many seats are drawn to lose, so that refunds stay few.
    pub(crate) large: String,
    /// Five seats.
    pub(crate) small: String,
    /// Never full; expires after two seconds, and reservations lapse after one.
    pub(crate) flash: String,
}

fn file(seats: usize, winners: usize, fill_within: &str, payment_window: &str) -> Value {
    let price = format!("{}.{:02}", PRICE_FEN / 100, PRICE_FEN % 100);
    json!({
        "name": { "zh": format!("{seats} 人团"), "en": format!("Group of {seats}") },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": {
            "price": price, "seats": seats, "winners": winners,
            "fill_within": fill_within, "payment_window": payment_window,
        },
        "reward": [{ "program": "consolation", "cash": "1.00" }],
    })
}

/// A client of plain addresses.
pub(crate) fn client() -> reqwest::Client {
    // Another test of this program may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(super::platform::PATIENCE)
        .build()
        .unwrap()
}
