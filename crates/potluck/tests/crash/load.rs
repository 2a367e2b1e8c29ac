//! A client that keeps more than a thousand joins in flight: gateways' batches of paid joins, and members one by one.
//!
//! It does what a careful client must do: it notes what was answered, and what was not answered it asks again, in the
//! same words, after the restart.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::platform::PATIENCE;

/// Gateways that ask at once.
const GATEWAYS: usize = 50;
/// Joins of one batch.
const BATCH: usize = 50;
/// Members that join one by one at once.
const SINGLES: usize = 20;
/// Batches that are paid before the fire begins, so that it does not depend on how quick the provider is.
const STOCK: usize = 100;
/// Seats of a group that the load fills.
pub(crate) const SEATS: usize = 396;
/// Seats beside the leader's, and some payments too many, which go back; whole batches.
const JOINS: usize = 400;
/// Price of a seat, in fen.
pub(crate) const PRICE_FEN: i64 = 1_000;
/// Far beyond every test.
const ORDER_EXPIRES_MS: i64 = 4_000_000_000_000;

/// What the client was told of a payment, by the provider's number of it, or of a reservation, by its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Seated(String),
    Bounced,
    Known,
    /// A place is held for this member.
    Reserved(u32),
}

/// One paid join.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) group: u64,
    pub(crate) member: u32,
    pub(crate) txn: String,
}

/// A single member's reservation: what was asked under which key, and what was answered.
#[derive(Clone, Debug)]
struct Single {
    group: u64,
    key: String,
    payment: Option<String>,
    paid: bool,
}

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: u32,
    pub(crate) cookie: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The request never left.
    NotSent,
    /// It was sent, and then the connection broke.
    Broken,
    /// The platform said that it cannot answer now.
    NotNow,
}

/// Whom the client joins for, and where.
pub(crate) struct Shop {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) provider_url: String,
    pub(crate) gateway_key: String,
    /// Members that the gateway serves.
    pub(crate) served: Vec<u32>,
    /// Others, that can sign in.
    pub(crate) members: Vec<Member>,
    /// The campaign whose groups are filled.
    pub(crate) campaign: String,
}

/// The client.
pub(crate) struct Load {
    pub(crate) shop: Shop,
    state: Mutex<State>,
    numbers: AtomicU64,
    in_flight: AtomicUsize,
    /// Joins that were sent and never answered because the platform died.
    broken: AtomicUsize,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    told: HashMap<String, Told>,
    /// Answers since they were last counted.
    answered: usize,
    /// Paid, and to be reported; first of all what was not answered.
    paid: VecDeque<Vec<Item>>,
    /// The last reservation of each single member.
    singles: HashMap<usize, Single>,
    /// Groups whose leader has paid, with the number of joins given out.
    open: VecDeque<(u64, usize)>,
}

impl Load {
    pub(crate) fn new(shop: Shop) -> Load {
        Load {
            shop,
            state: Mutex::default(),
            numbers: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Joins that are sent and not answered at this moment.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Joins that were never answered because the platform died, since the last call.
    pub(crate) fn take_broken(&self) -> usize {
        self.broken.swap(0, Ordering::SeqCst)
    }

    /// Joins that were answered since the last call.
    pub(crate) fn take_answered(&self) -> usize {
        std::mem::take(&mut self.state().answered)
    }

    /// Shows everything that was ever answered.
    pub(crate) fn told<T>(&self, look: impl FnOnce(&HashMap<String, Told>) -> T) -> T {
        look(&self.state().told)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    /// A request as if through the proxy, each time of another visitor, so that no limit of one visitor is met.
    pub(crate) fn post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let number = self.number();
        let address = format!(
            "10.{}.{}.{}",
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255
        );
        self.shop
            .http
            .post(format!("{}/api/v1{path}", self.shop.base))
            .header("x-forwarded-for", address)
            .json(body)
    }

    /// Sends a request that counts as so many joins in flight.
    async fn send(
        &self,
        joins: usize,
        request: reqwest::RequestBuilder,
    ) -> Result<(u16, Value), NoAnswer> {
        self.in_flight.fetch_add(joins, Ordering::SeqCst);
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let body = answer.bytes().await?;
            Ok::<_, reqwest::Error>((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        }
        .await;
        self.in_flight.fetch_sub(joins, Ordering::SeqCst);
        match answer {
            Ok((503, _)) => Err(NoAnswer::NotNow),
            Ok(answer) => Ok(answer),
            Err(error) if error.is_connect() => Err(NoAnswer::NotSent),
            Err(_) => {
                self.broken.fetch_add(joins, Ordering::SeqCst);
                Err(NoAnswer::Broken)
            }
        }
    }

    /// Has members pay at the provider for seats, as a gateway's own cashier would.
    pub(crate) async fn pay(&self, group: u64, members: &[u32]) -> Vec<Item> {
        let orders: Vec<Value> = members
            .iter()
            .map(|member| {
                let attach = json!({ "group": group.to_string(), "member": member.to_string() });
                json!({
                    "order_no": format!("gw-{}", self.number()),
                    "amount_fen": PRICE_FEN,
                    "description": "tea",
                    "attach": attach.to_string(),
                    "expires_at_ms": ORDER_EXPIRES_MS,
                })
            })
            .collect();
        let body = json!({ "merchant_id": "potluck", "orders": orders });
        let url = format!("{}/sandbox/payments", self.shop.provider_url);
        let answer = self.shop.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let paid: Value = answer.json().await.unwrap();
        let paid = paid["transactions"].as_array().unwrap();
        assert_eq!(paid.len(), members.len());
        let item = |(paid, &member): (&Value, &u32)| Item {
            group,
            member,
            txn: paid["txn_id"].as_str().unwrap().to_owned(),
        };
        paid.iter().zip(members).map(item).collect()
    }

    /// Reports paid joins; they are asked about again later where there is no answer.
    pub(crate) async fn report(&self, items: Vec<Item>) -> Result<Vec<Told>, NoAnswer> {
        let bodies: Vec<Value> = items
            .iter()
            .map(|item| json!({ "group": item.group.to_string(), "member": item.member.to_string(), "txn": item.txn }))
            .collect();
        let request = self
            .post("/joins", &json!({ "items": bodies }))
            .bearer_auth(&self.shop.gateway_key)
            .header("idempotency-key", format!("joins-{}", items[0].txn));
        let sent = self.send(items.len(), request).await;
        let (status, body) = match sent {
            Ok(answer) => answer,
            Err(none) => {
                self.state().paid.push_front(items);
                return Err(none);
            }
        };
        assert_eq!(status, 200, "{body}");
        let answers = body["items"].as_array().unwrap();
        assert_eq!(answers.len(), items.len());
        let told: Vec<Told> = answers.iter().map(read).collect();
        let mut state = self.state();
        state.answered += told.len();
        for (item, told) in items.into_iter().zip(&told) {
            let before = state.told.insert(item.txn, told.clone());
            assert_eq!(before, None, "asked again after an answer");
        }
        Ok(told)
    }

    /// Opens a group whose leader has paid; none if the platform died or did not seat him.
    pub(crate) async fn open(&self, campaign: &str, leader: usize) -> Option<u64> {
        // The first ones join one by one.
        let leader = SINGLES + leader % (self.shop.members.len() - SINGLES);
        let leader = &self.shop.members[leader];
        let request = self
            .post(&format!("/campaigns/{campaign}/groups"), &json!({}))
            .header("cookie", &leader.cookie)
            .header("idempotency-key", format!("open-{}", self.number()));
        let (status, body) = self.send(1, request).await.ok()?;
        assert_eq!(status, 201, "{body}");
        let group: u64 = body["group"].as_str().unwrap().parse().unwrap();
        let paid = self.pay(group, &[leader.id]).await;
        match self.report(paid).await.ok()?.as_slice() {
            [Told::Seated(_)] => Some(group),
            _ => None,
        }
    }

    /// Pays for joins until there is stock for the fire, and opens the groups for them.
    pub(crate) async fn stock_up(&self) {
        while self.state().paid.len() < STOCK {
            match self.next_joins() {
                Some((group, members)) => {
                    let items = self.pay(group, &members).await;
                    self.state().paid.push_back(items);
                }
                None => {
                    let leader = usize::try_from(self.number()).unwrap();
                    let group = self.open(&self.shop.campaign, leader).await.unwrap();
                    self.state().open.push_back((group, 0));
                }
            }
        }
    }

    /// The next joins to pay for: whose, and where.
    fn next_joins(&self) -> Option<(u64, Vec<u32>)> {
        let mut state = self.state();
        let (group, given) = state.open.front_mut()?;
        let group = *group;
        let start = usize::try_from(group).unwrap() * 7 + *given;
        let whose = (0..BATCH).map(|at| self.shop.served[(start + at) % self.shop.served.len()]);
        *given += BATCH;
        if JOINS <= *given {
            state.open.pop_front();
        }
        Some((group, whose.collect()))
    }

    /// A group that is being filled, for members who join one by one.
    fn some_group(&self) -> Option<u64> {
        let state = self.state();
        let last = state.paid.back()?.first()?;
        Some(last.group)
    }

    /// Pays for seats of a full group, to be reported first: all of it goes back.
    pub(crate) async fn pay_too_much(&self, group: u64) {
        let items = self.pay(group, &self.shop.served[100..100 + BATCH]).await;
        self.state().paid.push_front(items);
    }

    fn take_paid(&self) -> Option<Vec<Item>> {
        self.state().paid.pop_front()
    }
}

fn read(answer: &Value) -> Told {
    match answer["status"].as_str() {
        Some("seated") => Told::Seated(answer["payment"].as_str().unwrap().to_owned()),
        Some("bounced") => Told::Bounced,
        Some("known") => Told::Known,
        _ => panic!("{answer}"),
    }
}

/// The load at work; its tasks end when the platform dies or they are told to.
pub(crate) struct Working {
    load: Arc<Load>,
    tasks: JoinSet<()>,
}

impl Working {
    pub(crate) fn start(load: &Arc<Load>) -> Working {
        load.stop.store(false, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        for _ in 0..GATEWAYS {
            tasks.spawn(gateway(load.clone()));
        }
        for member in 0..SINGLES {
            tasks.spawn(single(load.clone(), member));
        }
        Working {
            load: load.clone(),
            tasks,
        }
    }

    /// Waits until at least so many joins are in flight and so many were answered.
    pub(crate) async fn until(&self, in_flight: usize, answered: usize) {
        let began = Instant::now();
        loop {
            let now = (self.load.in_flight(), self.load.state().answered);
            if in_flight <= now.0 && answered <= now.1 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{now:?} in flight, answered");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits for the end of all tasks; what any of them found wrong is raised here.
    pub(crate) async fn end(mut self) {
        self.load.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// Reports one batch after the other until the platform dies.
async fn gateway(load: Arc<Load>) {
    while !load.stop.load(Ordering::SeqCst) {
        let items = match load.take_paid() {
            Some(items) => items,
            None => match load.next_joins() {
                Some((group, members)) => load.pay(group, &members).await,
                None => return,
            },
        };
        match load.report(items).await {
            Ok(_) => {}
            Err(NoAnswer::NotNow) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(NoAnswer::NotSent | NoAnswer::Broken) => return,
        }
    }
}

/// Reserves and pays one seat after the other until the platform dies.
async fn single(load: Arc<Load>, member: usize) {
    while !load.stop.load(Ordering::SeqCst) {
        let last = load.state().singles.get(&member).map(|last| last.group);
        let next = load.some_group().filter(|group| Some(*group) != last);
        let Some(group) = next else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let wanted = Single {
            group,
            key: format!("join-{}", load.number()),
            payment: None,
            paid: false,
        };
        load.state().singles.insert(member, wanted);
        if load.go_on(member).await.is_err() {
            return;
        }
    }
}

impl Load {
    /// Takes a single member's reservation as far as it goes: asks for the seat, always with the same key, and pays.
    /// Errors if the platform does not answer.
    async fn go_on(&self, member: usize) -> Result<(), NoAnswer> {
        let Some(wanted) = self.state().singles.get(&member).cloned() else {
            return Ok(());
        };
        let Member { id, cookie } = &self.shop.members[member];
        let request = self
            .post(&format!("/groups/{}/seats", wanted.group), &json!({}))
            .header("cookie", cookie)
            .header("idempotency-key", &wanted.key);
        let (status, body) = self.send(1, request).await?;
        if status != 201 {
            // Full by now, or over; whoever has a reservation is given it again.
            assert_eq!((status, wanted.payment), (409, None), "{body}");
            self.state().singles.remove(&member);
            return Ok(());
        }
        let payment = body["payment"]["id"].as_str().unwrap().to_owned();
        if let Some(before) = &wanted.payment {
            assert_eq!(*before, payment, "the same key, another answer");
        }
        {
            let mut state = self.state();
            state.answered += 1;
            state.told.insert(payment.clone(), Told::Reserved(*id));
            let known = state.singles.get_mut(&member).unwrap();
            known.payment = Some(payment.clone());
        }
        let page = body["payment"]["pay_url"].as_str();
        let page = page.filter(|_| !wanted.paid);
        if let Some(page) = page
            && self.press(page).await
        {
            self.state().singles.get_mut(&member).unwrap().paid = true;
        }
        Ok(())
    }

    /// Reserves a place that nobody pays.
    pub(crate) async fn reserve(&self, group: u64) -> String {
        let Member { id, cookie } = &self.shop.members[SINGLES - 1];
        let request = self
            .post(&format!("/groups/{group}/seats"), &json!({}))
            .header("cookie", cookie)
            .header("idempotency-key", format!("flash-{}", self.number()));
        let (status, body) = self.send(1, request).await.unwrap();
        assert_eq!(status, 201, "{body}");
        let payment = body["payment"]["id"].as_str().unwrap().to_owned();
        let told = Told::Reserved(*id);
        self.state().told.insert(payment.clone(), told);
        payment
    }

    /// Presses the button of a payment page; false where it cannot be paid any more, and so shows itself again instead
    /// of going back to the shop.
    pub(crate) async fn press(&self, page: &str) -> bool {
        let answer = self.shop.http.post(page).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let next = answer.headers()["location"].to_str().unwrap();
        !next.starts_with("/pay/")
    }

    /// Asks for every single member's last seat again, in the same words.
    pub(crate) async fn ask_singles_again(&self) {
        for member in 0..SINGLES {
            answered(async || self.go_on(member).await).await;
        }
    }

    /// Reports everything that is paid and was never answered.
    pub(crate) async fn report_rest(&self) {
        while !self.state().paid.is_empty() {
            // What was not answered is to be reported again.
            answered(async || match self.take_paid() {
                Some(items) => self.report(items).await.map(|_| ()),
                None => Ok(()),
            })
            .await;
        }
    }
}

/// Asks until there is an answer: a platform that has just started may say that it is not so far yet.
async fn answered(mut ask: impl AsyncFnMut() -> Result<(), NoAnswer>) {
    let began = Instant::now();
    while let Err(none) = ask().await {
        let not_yet = matches!(none, NoAnswer::NotNow) && began.elapsed() < PATIENCE;
        assert!(not_yet, "{none:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
