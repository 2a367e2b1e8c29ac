//! A short run of a shop over HTTP: members, groups, joins, payments, a settlement, refunds, a snapshot. Every write has
//! its key, so that after any fault the whole can be told again: what was acknowledged must be answered the same, what
//! was not must become so, and the end is always the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::{Actor, Money, Request};
use engine::{Clock, Step, SystemClock};
use journal::SqliteJournal;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Ended, PATIENCE, Server, http};

const PASSWORD: &str = "a password of hers";
/// Who has signed up before the run, and who does so in it.
const MEMBER_PHONE: &str = "13800000001";
const NEW_PHONE: &str = "13800000002";
/// The local beacon's timing.
const BEACON_GENESIS_S: i64 = 1_700_000_000;
const BEACON_PERIOD_S: i64 = 3;
/// How long the run itself waits for what a fault may have prevented.
const SHORTLY: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(25);

/// A directory in the middle of business, killed: a full group whose round has come, one with two free places, and
/// no snapshot. What the client needs to go on is beside it.
pub(crate) struct Shop {
    dir: TempDir,
    operator: String,
    member: String,
    gateway: String,
    campaign: String,
    /// Full, and its round has come.
    full: String,
    /// One of three seats is paid.
    open: String,
    /// Paid at the channel for the open group, not joined yet: member and payment.
    paid: Vec<(String, String)>,
}

/// What the client was told had happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(BTreeMap<&'static str, Value>);

impl Told {
    /// What an undisturbed run is told.
    pub(crate) const WHOLE: usize = 7;

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes what was answered; it must be what was answered before.
    #[track_caller]
    fn note(&mut self, what: &'static str, answer: Value) {
        let before = self.0.entry(what).or_insert_with(|| answer.clone());
        assert_eq!(*before, answer, "{what} was answered otherwise before");
    }

    fn get(&self, what: &str) -> Option<&Value> {
        self.0.get(what)
    }
}

/// One answer of the server.
struct Got {
    status: u16,
    cookie: Option<String>,
    body: Value,
}

/// Sends requests to one server.
struct Client<'a> {
    server: &'a Server,
    /// Whether everything must go well.
    healthy: bool,
    /// Whether nobody listens there any more.
    gone: AtomicBool,
}

impl Client<'_> {
    async fn send(
        &self,
        method: Method,
        path: &str,
        who: (&str, &str),
        write: Option<(&str, Value)>,
    ) -> Option<Got> {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/api/v1/{path}", self.server.base),
            None => path.to_owned(),
        };
        let mut request = http().request(method, &url);
        if !who.0.is_empty() {
            request = request.header(who.0, who.1);
        }
        if let Some((key, body)) = &write {
            request = request.header("idempotency-key", *key).json(body);
        }
        let sent = request.send().await;
        let got = match sent {
            Ok(got) => got,
            Err(error) if !self.healthy => {
                self.gone.fetch_or(error.is_connect(), Ordering::Relaxed);
                return None;
            }
            Err(error) => panic!("{path}: {error}: {}", self.server.log()),
        };
        let status = got.status().as_u16();
        let cookie = got.headers().get("set-cookie");
        let cookie =
            cookie.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
        let text = match got.text().await {
            Ok(text) => text,
            Err(_) if !self.healthy => return None,
            Err(error) => panic!("{path}: {error}"),
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        // A fault may be answered with a fault, never with a lie: 4xx would be one.
        let fault = 500 <= status && !self.healthy;
        assert!(
            status < 400 || fault,
            "{path}: {status} {text}\n{}",
            self.server.log()
        );
        (status < 400).then_some(Got {
            status,
            cookie,
            body,
        })
    }

    async fn write(&self, path: &str, who: (&str, &str), key: &str, body: Value) -> Option<Got> {
        self.send(Method::POST, path, who, Some((key, body))).await
    }

    async fn read(&self, path: &str, who: (&str, &str)) -> Option<Value> {
        let got = self.send(Method::GET, path, who, None).await?;
        assert_eq!(got.status, 200, "{path}");
        Some(got.body)
    }

    /// Reads until what is read is as wished; none if that does not come in time.
    async fn until(
        &self,
        path: &str,
        who: (&str, &str),
        is: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let began = Instant::now();
        let within = if self.healthy { PATIENCE } else { SHORTLY };
        let mut last = None;
        while began.elapsed() < within && !self.gone.load(Ordering::Relaxed) {
            last = self.read(path, who).await;
            if last.as_ref().is_some_and(&is) {
                return last;
            }
            tokio::time::sleep(LOOK).await;
        }
        assert!(
            !self.healthy,
            "{path} stays at {last:?}\n{}",
            self.server.log()
        );
        None
    }

    /// Presses the payment page's button, which may have been pressed before.
    async fn pay(&self, url: &str) {
        self.send(Method::POST, url, NOBODY, None).await;
    }

    /// Signs in by phone with the code from the log; answers with the cookie and the member's card.
    async fn sign_in(&self, phone: &str) -> Option<(String, Value)> {
        let wanted = json!({ "phone": phone });
        self.write("/sign-in/codes", NOBODY, "code", wanted).await?;
        let shown = format!("{}****{}", &phone[..3], &phone[7..]);
        let line = format!("sign-in code for {shown}: ");
        let log = self.server.until_log(&line).await;
        let at = log.rfind(&line).unwrap() + line.len();
        let body = json!({ "phone": phone, "code": &log[at..at + 6] });
        let got = self.write("/sign-in", NOBODY, "sign-in", body).await?;
        Some((got.cookie.unwrap(), got.body["member"].clone()))
    }
}

const NOBODY: (&str, &str) = ("", "");
const PUBLISH: &str = "/campaigns?reason=reviewed";

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Three seats at 10 yuan, one winner, one yuan of consolation.
fn campaign() -> Value {
    json!({
        "name": { "zh": "小团", "en": "Small group" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": {
            "price": "10.00", "seats": 3, "winners": 1, "fill_within": "24h", "payment_window": "5m",
        },
        "reward": [{ "program": "consolation", "cash": "1.00", "coins": "1.00" }],
    })
}

impl Shop {
    /// Does business until a group is full, kills the server, and waits until the group's round has come.
    pub(crate) async fn open() -> Shop {
        let dir = tempfile::tempdir().unwrap();
        deposit(dir.path());
        let now = SystemClock.now();
        let added = server::operator_add(dir.path(), "alice", PASSWORD, now).await;
        added.unwrap();
        let (_, key) = server::gateway_add(dir.path(), "mall", now).await.unwrap();
        let gateway = format!("Bearer {key}");
        let running = Server::start(dir.path()).await.unwrap();
        let client = Client {
            server: &running,
            healthy: true,
            gone: AtomicBool::new(false),
        };
        let name = json!({ "name": "alice", "password": PASSWORD });
        let signed = client.write("/operator/sign-in", NOBODY, "1", name).await;
        let operator = signed.unwrap().cookie.unwrap();
        let published = client.write(PUBLISH, ("cookie", &operator), "2", campaign());
        let campaign = text(&published.await.unwrap().body["id"]);
        let (member, _) = client.sign_in(MEMBER_PHONE).await.unwrap();
        let mut shop = Shop {
            dir,
            operator,
            member,
            gateway,
            campaign,
            full: String::new(),
            open: String::new(),
            paid: Vec::new(),
        };
        shop.full = shop.open_group(&client, "3").await;
        shop.open = shop.open_group(&client, "4").await;
        let members = shop.register(&client, 0..4).await.unwrap();
        let full = shop.full.clone();
        let joins = shop.pay_for(&client, &full, &members[..2]).await;
        shop.join(&client, &full, &joins).await.unwrap();
        let open = shop.open.clone();
        shop.paid = shop.pay_for(&client, &open, &members[2..]).await;
        let draw = format!("/groups/{full}/draw");
        let waiting = client.until(&draw, NOBODY, |draw| draw["round"].is_i64());
        let round = waiting.await.unwrap()["round"].as_i64().unwrap();
        let round_ms = (BEACON_GENESIS_S + (round - 1) * BEACON_PERIOD_S) * 1000;
        running.kill().await;
        let _ = std::fs::remove_dir_all(shop.dir.path().join("snapshots"));
        while SystemClock.now().0 <= round_ms {
            tokio::time::sleep(LOOK).await;
        }
        shop
    }

    /// A copy of the directory as the killed server left it.
    pub(crate) fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(self.dir.path(), copy.path());
        copy
    }

    /// Opens a group and pays its first seat.
    async fn open_group(&self, client: &Client<'_>, key: &str) -> String {
        let path = format!("/campaigns/{}/groups", self.campaign);
        let who = ("cookie", self.member.as_str());
        let opened = client.write(&path, who, key, json!({})).await.unwrap().body;
        client
            .pay(opened["payment"]["pay_url"].as_str().unwrap())
            .await;
        let payment = format!("/payments/{}", text(&opened["payment"]["id"]));
        let paid = client.until(&payment, who, |payment| payment["state"] == "paid");
        paid.await.unwrap();
        text(&opened["group"])
    }

    /// Registers members that the gateway serves; the same tokens are the same members.
    async fn register(
        &self,
        client: &Client<'_>,
        tokens: std::ops::Range<u32>,
    ) -> Option<Vec<String>> {
        let items: Vec<Value> = tokens
            .map(|number| json!({ "token": format!("{number:032x}") }))
            .collect();
        let who = ("authorization", self.gateway.as_str());
        let body = json!({ "items": items });
        let got = client
            .write("/gateway/members", who, "members", body)
            .await?;
        let items = got.body["items"].as_array().unwrap().iter();
        Some(items.map(|item| text(&item["member"])).collect())
    }

    /// Pays for members at the channel, as their gateway does.
    async fn pay_for(
        &self,
        client: &Client<'_>,
        group: &str,
        members: &[String],
    ) -> Vec<(String, String)> {
        let orders: Vec<Value> = members
            .iter()
            .map(|member| {
                json!({
                    "order_no": format!("mall-{group}-{member}"),
                    "amount_fen": 1000,
                    "description": "tea",
                    "attach": json!({ "group": group, "member": member }).to_string(),
                    "expires_at_ms": 4_000_000_000_000_i64,
                })
            })
            .collect();
        let url = format!("{}/sandbox/payments", client.server.provider);
        let body = json!({ "merchant_id": "potluck", "orders": orders });
        let paid = client.write(&url, NOBODY, "", body).await.unwrap().body;
        let paid = paid["transactions"].as_array().unwrap().iter();
        let txns = paid.map(|paid| text(&paid["txn_id"]));
        members.iter().cloned().zip(txns).collect()
    }

    /// Takes seats for payments; none if the request failed. Each item is seated, or was before.
    async fn join(
        &self,
        client: &Client<'_>,
        group: &str,
        joins: &[(String, String)],
    ) -> Option<()> {
        let items: Vec<Value> = joins
            .iter()
            .map(|(member, txn)| json!({ "group": group, "member": member, "txn": txn }))
            .collect();
        let who = ("authorization", self.gateway.as_str());
        let body = json!({ "items": items });
        let got = client.write("/joins", who, "joins", body).await?;
        for item in got.body["items"].as_array().unwrap() {
            let status = item["status"].as_str().unwrap();
            assert!(matches!(status, "seated" | "known"), "{}", got.body);
        }
        Some(())
    }

    /// Tells the story to a server whose files may fail, until it ends or is through; then stops it.
    pub(crate) async fn tell(&self, mut server: Server) -> (Told, Ended) {
        let mut told = Told::default();
        let client = Client {
            server: &server,
            healthy: false,
            gone: AtomicBool::new(false),
        };
        self.act(&client, &mut told).await;
        let draw = format!("/groups/{}", self.full);
        let _ = client
            .until(&draw, NOBODY, |group| group["state"] == "settled")
            .await;
        let _ = self.refunded(&client).await;
        if server.runs() {
            return (told, server.stop().await);
        }
        (told, server.ended().await)
    }

    /// Tells the story again to a server whose files are sound: what was told before is so, the rest becomes so.
    /// Answers with the books at the end.
    pub(crate) async fn retell(&self, server: Server, mut told: Told) -> Value {
        let client = Client {
            server: &server,
            healthy: true,
            gone: AtomicBool::new(false),
        };
        if let Some(cookie) = told.get("session") {
            let me = client
                .read("/me", ("cookie", cookie.as_str().unwrap()))
                .await;
            told.note("sign-up", me.unwrap()["id"].clone());
        }
        self.act(&client, &mut told).await;
        for group in [&self.full, &self.open] {
            let path = format!("/groups/{group}");
            let settled = client.until(&path, NOBODY, |group| group["state"] == "settled");
            let page = settled.await.unwrap();
            assert_eq!(
                (&page["paid"], &page["reserved"]),
                (&json!(3), &json!(0)),
                "{page}"
            );
        }
        let mut books = self.refunded(&client).await.unwrap();
        let url = format!("{}/sandbox/books", server.provider);
        let mut provider = client.read(&url, NOBODY).await.unwrap();
        // A notice whose answer got lost is sent again, some time.
        for pending in [
            provider["merchants"][0]["callbacks_pending"].take(),
            books["channel"]["notices_pending"].take(),
        ] {
            assert!(pending.is_u64(), "{provider} {books}");
        }
        let ended = server.stop().await;
        assert!(ended.status.success(), "{}", ended.said);
        json!({ "books": books, "provider": provider })
    }

    /// Every write of the story, each with its key.
    async fn act(&self, client: &Client<'_>, told: &mut Told) {
        if let Some(members) = self.register(client, 4..6).await {
            told.note("registered", json!(members));
        }
        let operator = ("cookie", self.operator.as_str());
        let capital = client.write(
            "/capital",
            operator,
            "capital",
            json!({ "amount": "5.00", "reason": "from the bank" }),
        );
        if capital.await.is_some() {
            told.note("capital", json!(true));
        }
        self.open_and_cancel(client, told).await;
        if let Some(()) = self.join(client, &self.open, &self.paid).await {
            told.note("joined", json!(true));
        }
        if told.get("joined").is_some() {
            // What a client was told he can read, if the views answer at all.
            let path = format!("/groups/{}", self.open);
            let paid = client.until(&path, NOBODY, |page| page["paid"] == 3);
            let _ = paid.await;
        }
        if let Some((cookie, card)) = client.sign_in(NEW_PHONE).await {
            told.note("sign-up", card["id"].clone());
            if told.get("session").is_none() {
                told.note("session", json!(cookie));
            }
        }
    }

    /// Opens a group, pays for its first seat, and has the operator cancel it.
    async fn open_and_cancel(&self, client: &Client<'_>, told: &mut Told) {
        let path = format!("/campaigns/{}/groups", self.campaign);
        let who = ("cookie", self.member.as_str());
        let Some(opened) = client.write(&path, who, "open", json!({})).await else {
            return;
        };
        let (group, payment) = (&opened.body["group"], &opened.body["payment"]);
        told.note("opened", json!([group, payment["id"]]));
        let page = format!("/payments/{}", text(&payment["id"]));
        if told.get("cancelled").is_none() {
            // The channel may have failed; the page to pay on is there when it is asked for again, or no longer needed.
            let has_page = |page: &Value| page["pay_url"].is_string() || page["state"] != "waiting";
            let Some(asked) = client.until(&page, who, has_page).await else {
                return;
            };
            if let Some(url) = asked["pay_url"].as_str() {
                client.pay(url).await;
            }
            let states =
                |page: &Value| ["paid", "refund_due", "refunded"].map(|is| page["state"] == is);
            let is_paid = |page: &Value| states(page).contains(&true);
            if client.until(&page, who, is_paid).await.is_none() {
                return;
            }
        }
        let operator = ("cookie", self.operator.as_str());
        let path = format!("/groups/{}/cancel", text(group));
        let done = client.write(&path, operator, "cancel", json!({ "reason": "sold out" }));
        if done.await.is_some() {
            told.note("cancelled", json!(true));
        }
    }

    /// Waits until the channel has failed so many tries to send money back.
    pub(crate) async fn failed_refunds(&self, server: &Server, wanted: u64) {
        let began = Instant::now();
        loop {
            let got = http().get(format!("{}/metrics", server.base)).send().await;
            let metrics = got.unwrap().text().await.unwrap();
            let count = metrics
                .lines()
                .find_map(|line| line.strip_prefix("refund_failures_total "));
            if count.is_some_and(|count| wanted <= count.parse().unwrap()) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{metrics}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A new group of the campaign is refused with this code.
    pub(crate) async fn nobody_opens(&self, server: &Server, code: &str) {
        let path = format!("campaigns/{}/groups", self.campaign);
        self.refused(server, &path, code).await;
    }

    /// And a place in the open group, too.
    pub(crate) async fn nobody_opens_or_joins(&self, server: &Server, code: &str) {
        self.nobody_opens(server, code).await;
        let path = format!("groups/{}/seats", self.open);
        self.refused(server, &path, code).await;
    }

    async fn refused(&self, server: &Server, path: &str, code: &str) {
        let request = http()
            .post(format!("{}/api/v1/{path}", server.base))
            .header("cookie", &self.member)
            .header("idempotency-key", "refused")
            .json(&json!({}));
        let got = request.send().await.unwrap();
        assert_eq!(got.status(), 409, "{path}");
        let problem: Value = serde_json::from_str(&got.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], code, "{path}");
    }

    /// Waits until all refunds are out and the channel's own books say so; answers with the books.
    async fn refunded(&self, client: &Client<'_>) -> Option<Value> {
        let operator = ("cookie", self.operator.as_str());
        let is_out = |books: &Value| {
            books["in_flight_refunds"] == "0.00" && books["channel"]["verdict"] == "equal"
        };
        client.until("/books", operator, is_out).await
    }
}

/// A journal with the owner's capital.
fn deposit(dir: &Path) {
    let journal = SqliteJournal::open(dir).unwrap();
    let (mut step, _) = Step::open(Box::new(journal), &mut |_| {}).unwrap();
    let deposit = Request {
        actor: Actor::System,
        key: None,
        command: domain::Command::DepositCapital {
            amount: Money(100_000),
        },
    };
    step.execute(&deposit, SystemClock.now()).unwrap();
    step.commit().unwrap();
}

/// Copies a directory with everything in it.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
