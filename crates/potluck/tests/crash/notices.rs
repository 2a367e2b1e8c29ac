//! Deaths around notices: none goes out twice, and what may not have gone out is counted, wherever the platform dies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::load::{Load, Member};
use super::platform::{Notices, Order, PATIENCE};
use super::random::Random;
use super::site::Site;

/// The members before this one are others'.
const FIRST: usize = 20;
/// Members of a group.
const GROUP: usize = 5;
/// A death can be ordered at any of the first passes; a group has more of them than this.
const PASSES: usize = 6;
const POINTS: [&str; 3] = [
    "server.notice_begun",
    "server.notice_sent",
    "server.notice_noted",
];
/// Deaths: each point twice, and at any moment.
const DEATHS: usize = 8;

/// How often each notice has come to the webhook.
type Came = Arc<Mutex<BTreeMap<String, u32>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_notice_goes_out_twice_wherever_the_platform_dies() {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let mut site = Site::new(&mut random).await;
    let came = Came::default();
    let log = site.path().join("notices.log");
    site.notices = Some(Notices {
        log: log.clone(),
        webhook: receive(came.clone()).await,
        secret: "what platform and receiver both know",
    });
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, campaigns, operator) = site.open_shop().await;
    let members = &load.shop.members[FIRST..FIRST + GROUP * DEATHS];
    for member in members {
        allow_all(&site, member).await;
    }
    for (death, group) in members.chunks(GROUP).enumerate() {
        platform.stop().await;
        let order = POINTS.get(death / 2).map(|&point| Order {
            point,
            pass: 1 + random.below(PASSES) as u64,
            when: Some(site.armed()),
        });
        platform = site.start(600, order.clone());
        platform.ready(&site.http, &site.base).await;
        std::fs::write(site.armed(), "").unwrap();
        fill(&load, &campaigns.small, FIRST + GROUP * death, group).await;
        match &order {
            Some(order) => platform.died_at(order).await,
            None => {
                tokio::time::sleep(Duration::from_millis(random.below(4_000) as u64)).await;
                platform.kill();
            }
        }
        platform = site.start(600, None);
        platform.ready(&site.http, &site.base).await;
        // Whatever was not answered when it died is reported again.
        fill(&load, &campaigns.small, FIRST + GROUP * death, group).await;
        all_told(&site, group).await;
    }
    println!("{}", settled(&site, members, &came, &log).await);
    site.balance(&operator).await;
    platform.stop().await;
    site.audit();
}

/// Waits until both connectors have dealt with every notice there is; then the log has each once, and the webhook each once
/// or, where the platform died of it, perhaps never.
async fn settled(site: &Site, members: &[Member], came: &Came, log: &Path) -> String {
    let began = Instant::now();
    loop {
        let mut all = BTreeSet::new();
        for member in members {
            all.extend(ids(&inbox(site, member).await));
        }
        let lines = std::fs::read_to_string(log).unwrap();
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let logged: BTreeSet<String> = lines.iter().map(id).collect();
        assert_eq!(logged.len(), lines.len(), "a line is there twice");
        let came = came.lock().unwrap().clone();
        let twice: Vec<_> = came.iter().filter(|(_, times)| 1 < **times).collect();
        assert!(twice.is_empty(), "came twice: {twice:?}");
        let got: BTreeSet<String> = came.into_keys().collect();
        let unknown = unknown(site).await;
        assert!(unknown <= DEATHS, "{unknown} unknown");
        let missing = all.difference(&got).count();
        if logged == all && missing <= unknown {
            assert!(got.is_subset(&all));
            return format!(
                "{} notices, {unknown} unknown, {missing} of them missing",
                all.len()
            );
        }
        let (have, all) = ((logged.len(), got.len()), all.len());
        assert!(
            began.elapsed() < PATIENCE,
            "{have:?} of {all}, {unknown} unknown"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many notices the webhook does not know of, as the metrics say.
async fn unknown(site: &Site) -> usize {
    let metrics = site.http.get(format!("{}/metrics", site.base)).send().await;
    let text = metrics.unwrap().text().await.unwrap();
    let name = "notices_unknown_total{connector=\"webhook\"} ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or("0").parse().unwrap()
}

/// Has a group of these members filled, as far as the platform lives: what was done before is done.
async fn fill(load: &Load, campaign: &str, leader: usize, members: &[Member]) {
    let Some(group) = load.open(campaign, leader - FIRST).await else {
        return;
    };
    let others: Vec<u32> = members[1..].iter().map(|member| member.id).collect();
    let paid = load.pay(group, &others).await;
    // The platform may die of it.
    let _ = load.report(paid).await;
}

/// Waits until all of them have been told of a draw.
async fn all_told(site: &Site, members: &[Member]) {
    let began = Instant::now();
    for member in members {
        loop {
            let inbox = inbox(site, member).await;
            let drawn = |item: &&Value| item["kind"] == "won" || item["kind"] == "not_won";
            if inbox.iter().any(|item| drawn(&item)) {
                break;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "nobody told of a draw: {inbox:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn id(notice: &Value) -> String {
    notice["id"].as_str().unwrap().to_owned()
}

fn ids(notices: &[Value]) -> BTreeSet<String> {
    notices.iter().map(id).collect()
}

async fn inbox(site: &Site, member: &Member) -> Vec<Value> {
    let url = format!("{}/api/v1/me/notices?limit=100", site.base);
    let answer = site.http.get(url).header("cookie", &member.cookie);
    let page: Value = answer.send().await.unwrap().json().await.unwrap();
    page["items"].as_array().unwrap().clone()
}

async fn allow_all(site: &Site, member: &Member) {
    let url = format!("{}/api/v1/me/notices/connectors", site.base);
    let choices = site.http.get(&url).header("cookie", &member.cookie);
    let choices: Value = choices.send().await.unwrap().json().await.unwrap();
    for connector in ["log", "webhook"] {
        let sent = site
            .http
            .post(&url)
            .header("cookie", &member.cookie)
            .header("idempotency-key", connector)
            .json(&json!({ "connector": connector, "kinds": choices["kinds"] }));
        assert_eq!(sent.send().await.unwrap().status(), 200);
    }
}

/// A receiver that takes everything; answers with its address.
async fn receive(came: Came) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(take(stream, came.clone()));
        }
    });
    url
}

/// Takes one request. The platform may die while it sends.
async fn take(stream: TcpStream, came: Came) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    *came.lock().unwrap().entry(id(&body)).or_default() += 1;
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(answer).await.ok()
}
