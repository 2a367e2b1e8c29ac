//! More than can be served: memory stays bounded, refusals are clear, what was acknowledged is there, and afterwards
//! everything is as before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::Event;
use journal::Journal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::files::small;
use crate::site::{Caller, Site};

/// Places for connections, and what asks for them.
const PLACES: usize = 100;
const CLIENTS: usize = 140;
/// Connections that begin a request and never end it.
const SLOW: usize = 10;
/// Room for about twenty joins at once.
const ROOM_KIB: u32 = 512;
/// Payments that the clients report.
const PAYMENTS: usize = 6_000;
/// Most memory that the flood may cost this process, test and provider included, in MiB.
const MOST_GROWTH_MIB: u64 = 192;
/// Longest time until a refusal has arrived; far more than it takes, for the machine is full.
const MOST_WAIT: Duration = Duration::from_secs(10);

/// How long the flood lasts: some seconds, or what `make soak` asks for.
fn flood() -> Duration {
    let wanted = std::env::var("POTLUCK_OVERLOAD_S").ok();
    let seconds = wanted.and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

fn rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() / 1024
}

/// An answer as it stands on the wire.
#[derive(Debug)]
struct Told {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that this is the one refusal there is under overload.
    #[track_caller]
    fn is_busy(&self) {
        assert_eq!(self.status, 503, "{self:?}");
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        assert!(self.head.contains("retry-after: 1"), "{self:?}");
        let problem = self.json();
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!("busy"), &json!(503))
        );
    }
}

/// Sends a request and reads its answer; none if the connection broke.
async fn ask(stream: &mut TcpStream, request: &str) -> Option<Told> {
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Told {
        status: head[9..12].parse().unwrap(),
        head,
        body: bytes.split_off(end),
    })
}

fn post(gateway: &Caller, path: &str, body: &str) -> String {
    format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.bearer.as_deref().unwrap(),
        body.len()
    )
}

/// A gateway with groups whose leaders have paid, and payments of its members for them that are not reported yet.
struct Shop {
    gateway: Caller,
    group: String,
    /// Bodies of joins, one payment each.
    joins: Vec<String>,
}

async fn shop(site: &Site) -> Shop {
    let gateway = site.gateway().await;
    let leader = site.member(1, None).await;
    let campaign = site.publish(small(10_000)).await;
    let (group, payment) = leader.open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&leader, &payment, "paid").await;
    let mut joins = Vec::with_capacity(PAYMENTS);
    for chunk in (0..PAYMENTS).collect::<Vec<_>>().chunks(1000) {
        let members = gateway.register(chunk).await;
        let orders: Vec<Value> = members
            .iter()
            .map(|member| {
                json!({
                    "order_no": format!("g{member}"), "amount_fen": 1000, "description": "x",
                    "attach": json!({ "group": group, "member": member }).to_string(),
                    "expires_at_ms": 4_000_000_000_000_i64,
                })
            })
            .collect();
        let paid = site
            .http()
            .post(format!("{}/sandbox/payments", site.provider_url))
            .json(&json!({ "merchant_id": "m1", "orders": orders }))
            .send()
            .await
            .unwrap();
        let paid: Value = paid.json().await.unwrap();
        for (member, paid) in members.iter().zip(paid["transactions"].as_array().unwrap()) {
            let item = json!({ "group": group, "member": member, "txn": paid["txn_id"] });
            joins.push(json!({ "items": [item] }).to_string());
        }
    }
    Shop {
        gateway,
        group,
        joins,
    }
}

/// What the flood came to.
#[derive(Default)]
struct Flood {
    /// Numbers of payments that were told to hold a seat.
    seated: Vec<String>,
    refused: usize,
    slowest_refusal: Duration,
}

async fn client(
    shop: Arc<Shop>,
    site: String,
    next: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Flood {
    let mut flood = Flood::default();
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(&site).await else {
            continue;
        };
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let body = &shop.joins[at % PAYMENTS];
            let began = Instant::now();
            let Some(told) = ask(&mut stream, &post(&shop.gateway, "/joins", body)).await else {
                break;
            };
            if told.status == 200 {
                let answer = told.json()["items"][0].clone();
                match answer["status"].as_str() {
                    Some("seated") => flood
                        .seated
                        .push(answer["payment"].as_str().unwrap().to_owned()),
                    Some("known") => {}
                    _ => panic!("{answer}"),
                }
                continue;
            }
            told.is_busy();
            flood.refused += 1;
            flood.slowest_refusal = flood.slowest_refusal.max(began.elapsed());
            if told.head.contains("connection: close") {
                break;
            }
        }
    }
    flood
}

/// Connections that begin a request and never end it.
async fn slow_ones(site: &str) -> Vec<TcpStream> {
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(site).await.unwrap();
        stream
            .write_all(b"POST /api/v1/joins HTTP/1.1\r\nhost:")
            .await
            .unwrap();
        slow.push(stream);
    }
    slow
}

/// Floods the site for a while; answers with what came of it, and with the most memory, in MiB, that it took.
async fn flood_it(site: &str, shop: &Arc<Shop>) -> (Vec<Flood>, u64) {
    let (next, stop) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (shop, site) = (shop.clone(), site.to_owned());
        clients.spawn(client(shop, site, next.clone(), stop.clone()));
    }
    let (began, mut most) = (Instant::now(), 0);
    while began.elapsed() < flood() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        most = most.max(rss_mib());
    }
    stop.store(true, Ordering::Relaxed);
    (clients.join_all().await, most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_refused_quickly_costs_no_memory_and_loses_nothing() {
    let mut site = Site::open_with(|config| {
        config.limits.connections = PLACES;
        config.limits.room_kib = ROOM_KIB;
    })
    .await;
    let shop = Arc::new(shop(&site).await);
    let address = site.base.trim_start_matches("http://").to_owned();
    let slow = slow_ones(&address).await;
    let before = rss_mib();
    let (floods, most) = flood_it(&address, &shop).await;

    // A second later at most, an ordinary request is answered in the ordinary way.
    let began = Instant::now();
    let path = format!("/groups/{}", shop.group);
    while site.anyone().get(&path).await.status != 200 {
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "still not as before"
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    drop(slow);

    let refused = floods.iter().map(|flood| flood.refused).sum::<usize>();
    let seated: Vec<&String> = floods.iter().flat_map(|flood| &flood.seated).collect();
    let slowest = floods
        .iter()
        .map(|flood| flood.slowest_refusal)
        .max()
        .unwrap();
    println!(
        "{} seated, {refused} refused, the slowest refusal took {slowest:?}, {before} MiB became {most} MiB",
        seated.len()
    );
    assert!(0 < refused && !seated.is_empty());
    assert!(slowest < MOST_WAIT, "{slowest:?}");
    assert!(
        most < before + MOST_GROWTH_MIB,
        "{before} MiB became {most} MiB"
    );

    site.stop_server().await;
    let booked = booked(&site);
    site.start_server().await;
    site.close().await;
    for payment in &seated {
        assert_eq!(booked.get(*payment), Some(&1), "payment {payment}");
    }
    assert!(booked.values().all(|times| *times == 1), "{booked:?}");
    let told = "the leader's and what was acknowledged, and nothing that was refused";
    assert_eq!(booked.len(), seated.len() + 1, "{told}");
}

/// How often each payment was taken, by the journal.
fn booked(site: &Site) -> BTreeMap<String, usize> {
    let journal = journal::SqliteJournal::open(&site.config.data_dir).unwrap();
    let mut records = engine::RecordReader::new(journal.reader().unwrap(), journal::FIRST_SEQ);
    let mut booked = BTreeMap::new();
    loop {
        let read = records.read(1 << 20).unwrap();
        if read.is_empty() {
            return booked;
        }
        for event in read.iter().flat_map(|stored| &stored.record.events) {
            if let Event::PaymentAccepted { payment, .. } = event {
                *booked.entry(payment.to_string()).or_default() += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_ends_his_request_loses_his_place() {
    let site = Site::open_with(|config| {
        config.limits.connections = 4;
        config.limits.head_within = Duration::from_millis(300);
    })
    .await;
    let address = site.base.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost:")
            .await
            .unwrap();
        slow.push(stream);
    }
    for mut stream in slow {
        let mut rest = Vec::new();
        // It ends, with 408 or without a word.
        let _ = stream.read_to_end(&mut rest).await;
    }
    // The places are free again.
    site.until("there is a place", async || {
        let got = site.http().get(site.url("/healthz")).send().await.ok()?;
        (got.status() == 200).then_some(())
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_place_is_told_and_so_is_who_finds_no_room() {
    let site = Site::open_with(|config| {
        config.limits.connections = 1;
        config.limits.room_kib = 40;
    })
    .await;
    let address = site.base.trim_start_matches("http://").to_owned();
    let health = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = site
        .until("there is a place", async || {
            let mut first = TcpStream::connect(&address).await.unwrap();
            let told = ask(&mut first, health).await?;
            (told.status == 200).then_some(first)
        })
        .await;
    let mut second = TcpStream::connect(&address).await.unwrap();
    let told = ask(&mut second, health).await.unwrap();
    told.is_busy();
    assert!(told.head.contains("connection: close"), "{told:?}");

    // A body that could become larger than the room: nothing of it is kept.
    let large = format!(
        "POST /api/v1/sign-out HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\ncontent-type: application/json\r\n\
         content-length: 30000\r\n\r\n{}",
        " ".repeat(30_000)
    );
    ask(&mut first, &large).await.unwrap().is_busy();
    // Whoever watches the server sees it all the same, on the same connection.
    assert_eq!(ask(&mut first, health).await.unwrap().status, 200);
    drop((first, second));
    site.close().await;
}
