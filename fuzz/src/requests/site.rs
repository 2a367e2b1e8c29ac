//! A platform with its provider in this process, and those who ask it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::{Clock, ManualClock, SystemClock};
use payments::sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry};
use payments::{ApiSecret, Channel, ChannelConfig};
use serde_json::Value;
use server::{
    ChannelKind, ClientAddress, Config, Demo, DemoReach, DrawInstallation, DrawSource, Limits,
    Pace, Rate, Running, SignInCodes,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::text::{Asked, CAMPAIGN};
use crate::wire::{Answer, Line};

/// After so many inputs the platform is made anew: what it holds, on the disk and in memory, has an end.
pub(crate) const INPUTS_OF_A_SITE: u32 = 5_000;
/// Longest step of the clock, in seconds; all steps of a site together stay below what a member's session lasts.
const MOST_WAIT_S: u32 = 400;
/// How folders of platforms begin; the process's number follows.
const FOLDER: &str = "potluck-fuzz-";

/// A platform that is open.
pub(crate) struct Site {
    clock: ManualClock,
    provider: payments::sandbox::Running,
    server: Running,
    runtime: Runtime,
    line: Line,
    to_provider: Line,
    dir: PathBuf,
    /// What each may show.
    credentials: BTreeMap<u8, String>,
    /// What answers have named, by its letter.
    pub(crate) named: BTreeMap<u8, String>,
    /// Inputs so far.
    pub(crate) inputs: u32,
    /// Requests so far.
    requests: u64,
}

/// Removes folders of processes that have ended, which never could.
pub(crate) fn sweep() {
    for entry in std::fs::read_dir(root()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(FOLDER) else {
            continue;
        };
        if !Path::new("/proc").join(process).exists() {
            // Somebody else may sweep, too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Where syncing costs nothing, if there is such a place: what is tried here is not the disk.
fn root() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

impl Site {
    /// A new platform with a campaign, two members, an operator and a gateway.
    pub(crate) fn open() -> Site {
        let dir = root().join(format!("{FOLDER}{}", std::process::id()));
        if dir.exists() {
            std::fs::remove_dir_all(&dir).expect("the folder of the last platform can be removed");
        }
        std::fs::create_dir_all(&dir).expect("a folder can be made");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let clock = ManualClock::new(SystemClock.now());
        let (provider, server) = runtime.block_on(start(&dir, &clock));
        let mut site = Site {
            line: Line::new(server.addr()),
            to_provider: Line::new(provider.address()),
            clock,
            provider,
            server,
            runtime,
            dir,
            credentials: BTreeMap::new(),
            named: BTreeMap::new(),
            inputs: 0,
            requests: 0,
        };
        site.let_in();
        site
    }

    fn let_in(&mut self) {
        let key = self.runtime.block_on(async {
            let now = self.clock.now();
            let added = server::gateway_add(&self.dir, "gateway", now).await;
            added.expect("a gateway can be added").1
        });
        self.credentials
            .insert(b'g', format!("authorization: Bearer {key}"));
        self.credentials.insert(
            b's',
            format!(
                "cookie: potluck_session={0}; potluck_operator={0}",
                "0".repeat(64)
            ),
        );
        let operator = self.sign_in(
            "/operator/sign-in",
            r#"{"name":"boss","password":"correct horse battery"}"#,
        );
        self.credentials.insert(b'o', operator);
        for (who, phone) in [(b'm', "13800000001"), (b'n', "13800000002")] {
            self.must(
                "POST - /sign-in/codes $k",
                &format!(r#"{{"phone":"{phone}"}}"#),
            );
            let inbox = self.must(&format!("GET - /demo/inbox?phone={phone} -"), "");
            let code = inbox.json()["items"][0]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let member = self.sign_in(
                "/sign-in",
                &format!(r#"{{"phone":"{phone}","code":"{code}"}}"#),
            );
            self.credentials.insert(who, member);
        }
        self.must(
            "POST g /gateway/members $k",
            r#"{"items":[{"token":"11111111111111111111111111111111"}]}"#,
        );
        let published = self.must("POST o /campaigns?reason=b $k", CAMPAIGN);
        let id = published.json()["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.named.insert(b'c', id);
        self.must("POST o /capital $k", r#"{"amount":"1000.00","reason":"b"}"#);
        self.must("POST m /campaigns/$c/groups $k", "{}");
    }

    /// What has to work; learns from it.
    fn must(&mut self, first: &str, body: &str) -> Answer {
        let text = format!("{first}\n\n{body}");
        let asked = self.read(text.as_bytes()).expect("it is a request");
        let answer = self.send(&asked);
        assert!((200..300).contains(&answer.status), "{asked}\n{answer:?}");
        self.learn(&answer.json());
        answer
    }

    fn sign_in(&mut self, path: &str, body: &str) -> String {
        let answer = self.must(&format!("POST - {path} $k"), body);
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default();
        format!("cookie: {cookie}")
    }

    /// Reads a request; `$k` is a new idempotency key each time.
    pub(crate) fn read(&mut self, text: &[u8]) -> Option<Asked> {
        self.requests += 1;
        self.named.insert(b'k', format!("k{}", self.requests));
        Asked::read(text, &self.named)
    }

    /// Sends one request.
    pub(crate) fn send(&mut self, asked: &Asked) -> Answer {
        let path = match asked.path.strip_prefix('!') {
            Some(path) => path.to_owned(),
            None => format!("/api/v1{}", asked.path),
        };
        let mut head = format!("{} {path} HTTP/1.1\r\n", asked.method).into_bytes();
        let mut field = |name: &str, value: &[u8]| {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        if let Some(key) = &asked.key {
            field("idempotency-key", key);
        }
        if !asked.has("content-type") {
            field("content-type", b"application/json");
        }
        for (name, value) in &asked.headers {
            field(name, value);
        }
        if let Some(credential) = self.credentials.get(&asked.who) {
            head.extend(format!("{credential}\r\n").into_bytes());
        }
        self.line.ask(&head, &asked.body)
    }

    /// Takes note of what an answer names: `$g` a group, `$p` a payment, `$c` a campaign, `$o` an order, `$i` an invite
    /// code, `$q` a sequence, `$n` where a list goes on, `$t` a payment's number at the provider.
    pub(crate) fn learn(&mut self, answer: &Value) {
        let first = &answer["items"][0];
        for (letter, value) in [
            (b'g', &answer["group"]),
            (b'p', &answer["payment"]["id"]),
            (
                b'o',
                if first.get("carrier").is_some() {
                    &first["id"]
                } else {
                    &Value::Null
                },
            ),
            (b'i', &answer["invite_code"]),
            (b'i', &answer["member"]["invite_code"]),
            (b'q', &answer["seq"]),
            (b'n', &answer["next"]),
            (b't', &answer["transactions"][0]["txn_id"]),
        ] {
            if let Some(name) = value.as_str() {
                self.named.insert(letter, name.to_owned());
            }
        }
    }

    /// Pays an order at the provider, as the page's button does.
    pub(crate) fn pay(&mut self, order: &str) {
        let head = format!("POST /sandbox/orders/{order}/pay HTTP/1.1\r\n");
        let paid = self.to_provider.ask(head.as_bytes(), b"");
        assert!(paid.status < 500, "the provider answers {paid:?}");
        self.learn(&paid.json());
    }

    /// Moves the clock.
    pub(crate) fn wait(&mut self, seconds: &str) {
        let seconds = seconds.parse().unwrap_or(1).min(MOST_WAIT_S);
        self.clock.advance(domain::Duration::seconds(seconds));
    }

    /// What the operator sees of the books: debits and credits are the same.
    pub(crate) fn books_balance(&mut self) {
        let asked = self.read(b"GET o /books -").expect("it is a request");
        let mut answer = self.send(&asked);
        if answer.status == 401 {
            let body = r#"{"name":"boss","password":"correct horse battery"}"#;
            let operator = self.sign_in("/operator/sign-in", body);
            self.credentials.insert(b'o', operator);
            answer = self.send(&asked);
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        let books = answer.json();
        let totals = books["totals"].as_array().cloned().unwrap_or_default();
        assert!(!totals.is_empty(), "{books}");
        for total in totals {
            assert_eq!(
                total["debit"], total["credit"],
                "the books do not balance: {books}"
            );
        }
    }

    /// Ends it in order: a server that cannot is a finding, too.
    pub(crate) fn close(self) {
        self.runtime.block_on(async {
            self.server.stop().await.expect("the server ends in order");
            self.provider
                .stop()
                .await
                .expect("the provider ends in order");
        });
        self.runtime.shutdown_timeout(Duration::from_secs(20));
        std::fs::remove_dir_all(&self.dir).expect("its folder can be removed");
    }
}

async fn start(dir: &Path, clock: &ManualClock) -> (payments::sandbox::Running, Running) {
    let secret = ApiSecret::new("secret");
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
            give_up_after: Duration::from_secs(5),
            answer_within: Duration::from_secs(10),
        },
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let provider = provider
        .and_then(|provider| provider.spawn(listener))
        .expect("a provider");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let channel = Channel::new(ChannelConfig {
        provider_url: provider.url(),
        merchant_id: "m1".to_owned(),
        api_secret: secret,
        callback_key: provider.callback_key(),
        notify_url: format!("http://{address}/api/v1/channels/notify"),
        return_url: format!("http://{address}/pay/{{order_no}}"),
        timeout: Duration::from_secs(10),
    });
    server::operator_add(dir, "boss", "correct horse battery", clock.now())
        .await
        .expect("an operator can be added");
    let config = settings(dir, address, channel.expect("a good configuration"), clock);
    let mut server = server::start(config, listener).expect("good settings");
    assert!(server.ready().await, "the server did not start");
    (provider, server)
}

fn settings(dir: &Path, address: SocketAddr, channel: Channel, clock: &ManualClock) -> Config {
    let plenty = Rate {
        burst: 1_000_000,
        per_second: 1_000_000,
    };
    let now_s = clock.now().unix_seconds();
    Config {
        data_dir: dir.to_owned(),
        base_url: format!("http://{address}"),
        channel,
        channel_kind: ChannelKind::Sandbox,
        draw: DrawInstallation {
            log: draw::Origin::new("fuzz.example/log").expect("a name"),
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
        client_address: ClientAddress::Forwarded,
        clock: Arc::new(clock.clone()),
        limits: Limits {
            address: plenty,
            member: plenty,
            operator: plenty,
            gateway: plenty,
            sign_in: plenty,
            signature: plenty,
            ..Limits::default()
        },
        connectors: server::Connectors::default(),
        pace: Pace {
            look: Duration::from_millis(50),
            retry_first: Duration::from_millis(50),
            retry_most: Duration::from_secs(1),
            ..Pace::default()
        },
    }
}
