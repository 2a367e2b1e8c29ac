//! `potluck bench views`: how fast the views follow a burst of joins, what they answer meanwhile, and how fast they are
//! made again from the journal.

use std::{
    path::Path as FilePath,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{GroupId, GroupState, MemberId};
use engine::EngineHandle;
use journal::SqliteJournal;
use rusqlite::{Connection, OpenFlags};
use views::{GroupFilter, Page, Place, Views, WalletAccount};

use super::common::{
    Latencies, Report, Scratch, Shared, Stopwatch, filesystem, nanos_each, per_second, rounded,
};
use super::following::Following;
use super::joins::{joined, settle_down, spawn};
use super::load::{Load, Outcome, Path, Plan};
use super::shop::{PaymentNames, Rng, Shop, campaign, check_sizes};
use server::chain;

/// Longest wait for the views to be made again.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How often it is looked how far they are.
const LOOK: Duration = Duration::from_millis(2);

/// A burst of joins with the views following
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ViewsArgs {
    /// Members of the shop
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// Groups that are joined at any time
    #[arg(long, default_value_t = 1_000)]
    groups: u32,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Joins of the burst
    #[arg(long, default_value_t = 1_000_000)]
    joins: u64,
    /// How a join reaches the engine
    #[arg(long, value_enum, default_value_t = Path::Gateway)]
    path: Path,
    /// Readers that ask one thing after the other while the views follow
    #[arg(long, default_value_t = 1)]
    readers: u8,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// The burst, and how the views followed.
struct Followed {
    outcome: Outcome,
    burst_s: f64,
    lag_records: u64,
    catch_up_s: f64,
    records: u64,
    rows: u64,
    bytes: u64,
    reads: Vec<(&'static str, Latencies)>,
    reading_s: f64,
}

/// Views made again from the whole journal with nothing else going on.
struct MadeAgain {
    setup_records: u64,
    setup_s: f64,
    records: u64,
    seconds: f64,
    cpu: Duration,
}

pub(crate) fn run(args: &ViewsArgs) -> Result<Report, String> {
    check_sizes(args.members, args.seats)?;
    if args.groups == 0 || args.joins == 0 {
        return Err("--groups and --joins: there must be at least one".to_owned());
    }
    let scratch = Scratch::new(&args.shared)?;
    let journal = SqliteJournal::open(scratch.path()).map_err(|error| chain(&error))?;
    let terms = campaign(args.seats, Vec::new())?;
    let shop = Shop::start(Box::new(journal), terms, args.members)?;
    let engine = shop.door.engine.clone();
    let following = Following::start(&engine, scratch.path())?;
    let plan = Plan {
        path: args.path,
        joins: args.joins,
        ..Plan::USUAL
    };
    let groups = usize::try_from(args.groups).map_err(|error| error.to_string())?;
    let opened = shop.door.open_groups(
        groups + plan.stock(args.seats),
        &mut Rng::new(0),
        &mut PaymentNames::new(0),
    )?;
    settle_down(&engine, Some(&following))?;
    let setup = *engine.committed().borrow();
    let load = Load::new(plan, shop.door.clone(), (opened, groups));
    let followed = follow(load, &following, &engine, (args, scratch.path()))?;
    following.close()?;
    let again = make_again(&engine, &scratch.path().join("again"), setup)?;
    shop.close()?;
    Ok(report(args, &followed, &again).with("filesystem", filesystem(scratch.path())))
}

fn follow(
    load: Load,
    following: &Following,
    engine: &EngineHandle,
    (args, dir): (&ViewsArgs, &FilePath),
) -> Result<Followed, String> {
    let file = dir.join("views.db");
    let (rows, bytes) = size(&file)?;
    let before = *engine.committed().borrow();
    let stop = Arc::new(AtomicBool::new(false));
    let reading = Stopwatch::start();
    let mut readers = Vec::new();
    for number in 0..args.readers {
        let (file, args, stop) = (file.clone(), args.clone(), stop.clone());
        let read = move || read(&file, &args, u64::from(number), &stop);
        readers.push(spawn("bench-reader", read)?);
    }
    let watch = Stopwatch::start();
    let outcome = load.run()?;
    let (burst_s, lag_records) = (watch.seconds(), following.lag_records());
    let catch_up_s = following.catch_up()?.as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let mut reads: Vec<(&'static str, Latencies)> = Vec::new();
    for reader in readers {
        for (what, latencies) in joined(reader)? {
            match reads.iter_mut().find(|(known, _)| *known == what) {
                Some((_, known)) => latencies.into_iter().for_each(|took| known.add(took)),
                None => {
                    let mut all = Latencies::default();
                    latencies.into_iter().for_each(|took| all.add(took));
                    reads.push((what, all));
                }
            }
        }
    }
    let reading_s = reading.seconds();
    let records = *engine.committed().borrow() - before;
    let (rows_after, bytes_after) = size(&file)?;
    Ok(Followed {
        outcome,
        burst_s,
        lag_records,
        catch_up_s,
        records,
        rows: rows_after.saturating_sub(rows),
        bytes: bytes_after.saturating_sub(bytes),
        reads,
        reading_s,
    })
}

/// Rows of all tables, and bytes of the pages they stand in, what is still in the log included.
fn size(file: &FilePath) -> Result<(u64, u64), String> {
    let sizing = || -> Result<(u64, u64), rusqlite::Error> {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let number = |sql: &str| {
            let found: i64 = database.query_row(sql, [], |row| row.get(0))?;
            Ok::<_, rusqlite::Error>(u64::try_from(found).unwrap_or(0))
        };
        let mut tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut rows = 0;
        for table in tables {
            rows += number(&format!("SELECT COUNT(*) FROM {table}"))?;
        }
        Ok((
            rows,
            number("PRAGMA page_count")? * number("PRAGMA page_size")?,
        ))
    };
    sizing().map_err(|error| chain(&error))
}

/// What members ask most, one after the other: my groups, a group's page, open groups, my money's history.
fn read(
    file: &FilePath,
    args: &ViewsArgs,
    number: u64,
    stop: &AtomicBool,
) -> Result<Vec<(&'static str, Vec<Duration>)>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (_applied, applied) = tokio::sync::watch::channel(0);
        let views = Views::open(&Place::from(file), applied)
            .await
            .map_err(|error| chain(&error))?;
        let mut rng = Rng::new(1_000 + number);
        let mut took: [Vec<Duration>; 4] = Default::default();
        while !stop.load(Ordering::Relaxed) {
            let member = MemberId(u32::try_from(rng.below(u64::from(args.members))).unwrap_or(0));
            let group = GroupId(rng.below(u64::from(args.groups)));
            for (which, latencies) in took.iter_mut().enumerate() {
                let began = Instant::now();
                ask(&views, which, (member, group))
                    .await
                    .map_err(|error| chain(&error))?;
                latencies.push(began.elapsed());
            }
        }
        views.close().await;
        Ok(NAMES.into_iter().zip(took).collect())
    })
}

const NAMES: [&str; 4] = ["my_groups", "group_page", "open_groups", "my_history"];

async fn ask(
    views: &Views,
    which: usize,
    (member, group): (MemberId, GroupId),
) -> Result<(), views::StoreError> {
    let open = GroupFilter {
        campaign: None,
        state: Some(GroupState::Open),
    };
    match which {
        0 => drop(views.member_groups(member, Page::first()).await?),
        1 => drop(views.group_detail(group).await?),
        2 => drop(views.groups(open, Page::first()).await?),
        _ => {
            let account = WalletAccount::InGroups;
            drop(views.wallet_lines(member, account, Page::first()).await?);
        }
    }
    Ok(())
}

/// Makes the views of the whole journal in another directory: first those of the set-up, then those of the burst.
fn make_again(engine: &EngineHandle, dir: &FilePath, setup: u64) -> Result<MadeAgain, String> {
    std::fs::create_dir_all(dir).map_err(|error| error.to_string())?;
    let all = *engine.committed().borrow();
    let whole = Stopwatch::start();
    let following = Following::start(engine, dir)?;
    reached(&following, setup)?;
    let (from, setup_s) = (following.applied(), whole.seconds());
    let watch = Stopwatch::start();
    reached(&following, all)?;
    let (seconds, cpu) = (watch.seconds(), watch.cpu());
    following.close()?;
    Ok(MadeAgain {
        setup_records: from,
        setup_s,
        records: all - from,
        seconds,
        cpu,
    })
}

fn reached(following: &Following, seq: u64) -> Result<(), String> {
    let began = Instant::now();
    while following.applied() < seq {
        if PATIENCE < began.elapsed() {
            return Err("the views are not made again".to_owned());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn report(args: &ViewsArgs, followed: &Followed, again: &MadeAgain) -> Report {
    let joins = followed.outcome.joins;
    let following_s = followed.burst_s + followed.catch_up_s;
    let reads: u64 = followed
        .reads
        .iter()
        .map(|(_, took)| took.count() as u64)
        .sum();
    // Of the burst's records as many joins as of all of them: they are of one kind.
    let joins_again = joins * again.records / followed.records.max(1);
    let mut report = Report::new("views")
        .with("members", args.members)
        .with("groups", args.groups)
        .with("path", args.path.name())
        .with("joins", joins)
        .with("records", followed.records)
        .with("joins_per_s", per_second(joins, followed.burst_s))
        .with("lag_records", followed.lag_records)
        .with("catch_up_seconds", rounded(followed.catch_up_s, 2))
        .with("records_per_s", per_second(followed.records, following_s))
        .with("rows_per_s", per_second(followed.rows, following_s))
        .with(
            "rows_per_join",
            rounded(followed.rows as f64 / joins.max(1) as f64, 2),
        )
        .with("view_bytes_per_join", followed.bytes / joins.max(1))
        .with("readers", args.readers)
        .with("reads_per_s", per_second(reads, followed.reading_s));
    for (what, took) in &followed.reads {
        report = report
            .with(&format!("{what}_p50_us"), took.percentile_us(50))
            .with(&format!("{what}_p99_us"), took.percentile_us(99));
    }
    report
        .with(
            "again_setup_records_per_s",
            per_second(again.setup_records, again.setup_s),
        )
        .with(
            "again_records_per_s",
            per_second(again.records, again.seconds),
        )
        .with("again_joins_per_s", per_second(joins_again, again.seconds))
        .with(
            "again_rows_per_s",
            per_second(
                followed.rows * again.records / followed.records.max(1),
                again.seconds,
            ),
        )
        .with("cpu_ns_per_record", nanos_each(again.cpu, again.records))
        .with("cpu_ns_per_join", nanos_each(again.cpu, joins_again))
}
