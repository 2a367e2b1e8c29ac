//! `potluck bench http`: joins a second over real HTTP, client included.
//!
//! Server, provider and client share the machine; processor time is told apart by threads. What is measured: a
//! gateway's join alone in its request (the goal's single join), joins in batches of a thousand, a member's
//! reservation, and the whole of a member's join: reservation, payment at the sandbox, its signed notice, a question
//! back, the seat.

mod client;
mod site;
mod standin;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use self::{
    client::{Caller, Connection},
    site::{ProviderKind, Site, Size, TAKEN},
};
use super::common::{
    Latencies, Report, Scratch, Shared, Stopwatch, cpu_by_thread, nanos_each, per_second, rounded,
};

/// Joins of one batch.
const BATCH: usize = 1000;

/// Joins over HTTP, one at a time and in batches
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct HttpArgs {
    #[command(flatten)]
    pub(crate) shared: Shared,
    /// Joins sent one at a time
    #[arg(long, default_value_t = 200_000, value_name = "COUNT")]
    singles: u32,
    /// Joins sent in batches
    #[arg(long, default_value_t = 1_500_000, value_name = "COUNT")]
    batched: u32,
    /// Members' reservations, which the sandbox makes an order for
    #[arg(long, default_value_t = 40_000, value_name = "COUNT")]
    reservations: u32,
    /// Members' joins from reservation to seat, paid at the sandbox
    #[arg(long, default_value_t = 20_000, value_name = "COUNT")]
    whole: u32,
    /// Requests under way at once; batches are an eighth of it
    #[arg(long, default_value_t = 256, value_name = "COUNT")]
    connections: usize,
}

/// Measures everything. The client has a thread of its own, so that its processor time can be told.
pub(crate) fn measure(args: &HttpArgs) -> Result<Report, String> {
    let args = args.clone();
    let client = std::thread::Builder::new()
        .name("client".to_owned())
        .spawn(move || measure_here(&args))
        .map_err(|error| error.to_string())?;
    client
        .join()
        .unwrap_or_else(|_| Err("the client panicked".to_owned()))
}

fn measure_here(args: &HttpArgs) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut report = Report::new("http")
        .with("connections", args.connections)
        .with("journal", "sqlite")
        .with("synchronous", "FULL")
        .with("projector", true);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        report = single(args, report.clone()).await?;
        report = batches(args, report.clone()).await?;
        report = members(args, report.clone()).await?;
        Ok::<(), String>(())
    })?;
    Ok(report)
}

/// One kind of request, sent by many connections until all are sent.
struct Load {
    seconds: f64,
    cpu: Duration,
    by_thread: BTreeMap<String, Duration>,
    latencies: Latencies,
    done: u64,
}

/// Sends requests `0..count`; `each` makes one and says how many joins it was.
async fn load<F>(
    address: SocketAddr,
    connections: usize,
    count: usize,
    each: F,
) -> Result<Load, String>
where
    F: AsyncFn(&mut Connection, usize, &mut String) -> Result<u64, String> + 'static,
{
    let shared = Rc::new((
        Cell::new(0usize),
        Cell::new(0u64),
        RefCell::new(Latencies::default()),
        each,
    ));
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let (before, watch) = (cpu_by_thread(), Stopwatch::start());
    let mut tasks = tokio::task::JoinSet::<Result<(), String>>::new();
    for mut connection in opened {
        let shared = shared.clone();
        tasks.spawn_local(async move {
            let (next, done, latencies, each) = &*shared;
            let mut body = String::new();
            loop {
                let at = next.get();
                next.set(at + 1);
                if count <= at {
                    return Ok(());
                }
                let began = Instant::now();
                let joins = each(&mut connection, at, &mut body).await?;
                latencies.borrow_mut().add(began.elapsed());
                done.set(done.get() + joins);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    let (seconds, cpu) = (watch.seconds(), watch.cpu());
    let mut by_thread = cpu_by_thread();
    for (name, used) in &mut by_thread {
        *used = used.saturating_sub(before.get(name).copied().unwrap_or_default());
    }
    Ok(Load {
        seconds,
        cpu,
        by_thread,
        latencies: shared.2.take(),
        done: shared.1.get(),
    })
}

impl Load {
    /// The share of processor time that threads whose names begin so have used, in percent.
    fn share(&self, names: &[&str]) -> f64 {
        let of = |name: &String| names.iter().any(|start| name.starts_with(start));
        let used: Duration = self
            .by_thread
            .iter()
            .filter(|(name, _)| of(name))
            .map(|(_, used)| *used)
            .sum();
        rounded(
            100.0 * used.as_secs_f64() / self.cpu.as_secs_f64().max(1e-9),
            1,
        )
    }

    fn tell(&self, report: Report, name: &str) -> Report {
        if std::env::var_os("POTLUCK_BENCH_THREADS").is_some() {
            let mut threads: Vec<_> = self.by_thread.iter().collect();
            threads.sort_by_key(|(_, used)| std::cmp::Reverse(**used));
            eprintln!("{name}: {:.2} s, cpu {:?}", self.seconds, self.cpu);
            for (thread, used) in threads.iter().take(12) {
                eprintln!("  {thread:16} {used:?}");
            }
        }
        report
            .with(
                &format!("{name}_per_s"),
                per_second(self.done, self.seconds),
            )
            .with(&format!("{name}_p50_us"), self.latencies.percentile_us(50))
            .with(&format!("{name}_p99_us"), self.latencies.percentile_us(99))
            .with(
                &format!("{name}_cpu_ns_per_join"),
                nanos_each(self.cpu, self.done),
            )
            .with(
                &format!("{name}_client_share_percent"),
                self.share(&["client"]),
            )
            .with(
                &format!("{name}_provider_share_percent"),
                self.share(&["provider", "sandbox"]),
            )
    }
}

/// Runs a load against a platform and closes it, whatever came of it.
async fn against<F>(site: Site, connections: usize, count: usize, each: F) -> Result<Load, String>
where
    F: AsyncFn(&mut Connection, usize, &mut String) -> Result<u64, String> + 'static,
{
    let loaded = load(site.address, connections, count, each).await;
    site.close().await?;
    loaded
}

/// The groups that so many joins need.
fn groups_for(joins: usize) -> usize {
    joins.div_ceil(TAKEN as usize)
}

/// Writes the item of the `at`th join: member and group are never the same twice.
fn item(out: &mut String, gateway: &site::Gateway, groups: &[u64], at: usize) {
    let group = groups[at / TAKEN as usize];
    let member = gateway.members[at % TAKEN as usize];
    let _ = write!(
        out,
        "{{\"group\":\"{group}\",\"member\":\"{member}\",\"txn\":\""
    );
    standin::txn(out, group, member);
    out.push_str("\"}");
}

/// How many joins hold a seat now.
fn seated(answer: &client::Answer<'_>, wanted: u64) -> Result<u64, String> {
    let text = std::str::from_utf8(answer.body).map_err(|error| error.to_string())?;
    let seated = text.matches("\"seated\"").count() as u64;
    if answer.status == 200 && seated == wanted {
        return Ok(seated);
    }
    Err(format!("{seated} of {wanted} are seated: {answer}"))
}

/// A gateway's joins, one in each request: the figure that the goal is held against.
async fn single(args: &HttpArgs, report: Report) -> Result<Report, String> {
    let scratch = Scratch::new(&args.shared)?;
    let count = args.singles as usize;
    let size = Size {
        gateways: 1,
        members: TAKEN as usize,
        sessions: 0,
        groups: groups_for(count),
    };
    let mut site = Site::open(scratch.path(), ProviderKind::StandIn, size).await?;
    let gateway = site.gateways.remove(0);
    let groups = std::mem::take(&mut site.groups);
    let each = async move |connection: &mut Connection, at: usize, body: &mut String| {
        body.clear();
        body.push_str("{\"items\":[");
        item(body, &gateway, &groups, at);
        body.push_str("]}");
        let answer = connection.post(JOINS, &gateway.caller, at as u64, body);
        seated(&answer.await?, 1)
    };
    let load = against(site, args.connections, count, each).await?;
    Ok(load.tell(report, "single_joins"))
}

const JOINS: &str = "/api/v1/joins";

/// The same in batches of a thousand, by four gateways.
async fn batches(args: &HttpArgs, report: Report) -> Result<Report, String> {
    const GATEWAYS: usize = 4;
    let scratch = Scratch::new(&args.shared)?;
    let count = (args.batched as usize).next_multiple_of(BATCH);
    let size = Size {
        gateways: GATEWAYS,
        members: TAKEN as usize,
        sessions: 0,
        groups: groups_for(count / GATEWAYS + BATCH) * GATEWAYS,
    };
    let mut site = Site::open(scratch.path(), ProviderKind::StandIn, size).await?;
    let gateways = std::mem::take(&mut site.gateways);
    let groups = std::mem::take(&mut site.groups);
    let each = async move |connection: &mut Connection, at: usize, body: &mut String| {
        let number = at % GATEWAYS;
        let gateway = &gateways[number];
        let groups = &groups[number * groups.len() / GATEWAYS..];
        body.clear();
        body.push_str("{\"items\":[");
        let first = at / GATEWAYS * BATCH;
        for join in first..first + BATCH {
            if first < join {
                body.push(',');
            }
            item(body, gateway, groups, join);
        }
        body.push_str("]}");
        let answer = connection.post(JOINS, &gateway.caller, at as u64, body);
        seated(&answer.await?, BATCH as u64)
    };
    let connections = (args.connections / 8).max(1);
    let load = against(site, connections, count / BATCH, each).await?;
    Ok(load.tell(report, "batch_joins"))
}

/// Members' reservations, and their joins from reservation to seat.
async fn members(args: &HttpArgs, report: Report) -> Result<Report, String> {
    let reserved = reservations(args).await?.tell(report, "reservations");
    let (load, seconds) = whole(args).await?;
    let seats_per_s = per_second(load.done, seconds);
    Ok(load
        .tell(reserved, "reserved_and_paid")
        .with("member_joins_per_s", seats_per_s))
}

/// Members, each of whom writes no more at once than the limits allow.
const WRITES_EACH: usize = 40;

async fn reservations(args: &HttpArgs) -> Result<Load, String> {
    let scratch = Scratch::new(&args.shared)?;
    let count = args.reservations as usize;
    let mut site = of_members(&scratch, count).await?;
    let groups = std::mem::take(&mut site.groups);
    let members = std::mem::take(&mut site.members);
    let each = async move |connection: &mut Connection, at: usize, _: &mut String| {
        reserve(connection, &members, &groups, at).await.map(|_| 1)
    };
    against(site, args.connections, count, each).await
}

/// A platform with the sandbox, and members for so many reservations.
async fn of_members(scratch: &Scratch, count: usize) -> Result<Site, String> {
    let sessions = count.div_ceil(WRITES_EACH);
    let size = Size {
        gateways: 1,
        members: sessions,
        sessions,
        groups: WRITES_EACH,
    };
    Site::open(scratch.path(), ProviderKind::Sandbox, size).await
}

/// Reserves the `at`th place; answers with the address of its payment page.
async fn reserve(
    connection: &mut Connection,
    members: &[Caller],
    groups: &[u64],
    at: usize,
) -> Result<String, String> {
    let member = &members[at % members.len()];
    let group = groups[(at / members.len() + at % members.len()) % groups.len()];
    let path = format!("/api/v1/groups/{group}/seats");
    let answer = connection.post(&path, member, at as u64, "{}").await?;
    if answer.status != 201 {
        return Err(format!("no reservation: {answer}"));
    }
    let reserved = answer.json()?;
    match reserved["payment"]["pay_url"].as_str() {
        Some(page) => Ok(page.to_owned()),
        None => Err(format!("no order: {reserved}")),
    }
}

/// Reservations that are paid at the sandbox, and how long it took until its last notice was dealt with.
async fn whole(args: &HttpArgs) -> Result<(Load, f64), String> {
    let scratch = Scratch::new(&args.shared)?;
    let count = args.whole as usize;
    let mut site = of_members(&scratch, count).await?;
    let groups = std::mem::take(&mut site.groups);
    let members = std::mem::take(&mut site.members);
    let sandbox = site.sandbox.ok_or("there is no sandbox")?;
    let began = Instant::now();
    let payers = Rc::new(RefCell::new(Vec::new()));
    let each = async move |connection: &mut Connection, at: usize, _: &mut String| {
        let page = reserve(connection, &members, &groups, at).await?;
        let idle = payers.borrow_mut().pop();
        let mut payer = match idle {
            Some(payer) => payer,
            None => Connection::open(sandbox).await?,
        };
        let page = site::path_of(&page)?;
        let paid = payer.post(page, &Caller::nobody(), 0, "").await?;
        if paid.status != 303 {
            return Err(format!("not paid: {paid}"));
        }
        payers.borrow_mut().push(payer);
        Ok(1)
    };
    let load = load(site.address, args.connections, count, each).await?;
    let mut provider = Connection::open(sandbox).await?;
    loop {
        let books = provider.get("/sandbox/books", &Caller::nobody()).await?;
        if books.json()?["merchants"][0]["callbacks_pending"] == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    site.close().await?;
    Ok((load, seconds))
}
