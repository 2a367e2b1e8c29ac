//! `potluck bench joins`: durable joins a second, and what one takes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use engine::EngineHandle;
use journal::SqliteJournal;

use super::common::{
    Report, Scratch, Shared, Stopwatch, cpu_by_thread, filesystem, nanos_each, per_second, rounded,
    rss_bytes,
};
use super::following::Following;
use super::load::{Load, Outcome, Path, Plan};
use super::probe::{Probe, Probed};
use super::shop::{Door, PaymentNames, Rng, Shop, campaign, check_sizes};
use server::chain;

/// Joins through engine and journal, durable
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct JoinsArgs {
    /// Members of the shop
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// Groups that are joined at any time
    #[arg(long, default_value_t = 1_000)]
    groups: u32,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Payments to be accepted
    #[arg(long, default_value_t = 6_000_000)]
    joins: u64,
    /// How a join reaches the engine
    #[arg(long, value_enum, default_value_t = Path::Gateway)]
    path: Path,
    /// With the views' projector following
    #[arg(long)]
    projector: bool,
    /// Write snapshots one after the other during the second half
    #[arg(long)]
    snapshot: bool,
    /// Commands in a batch
    #[arg(long, default_value_t = Plan::USUAL.batch)]
    batch: usize,
    /// Batches under way at once
    #[arg(long, default_value_t = Plan::USUAL.in_flight)]
    in_flight: usize,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// What was measured.
struct Measured {
    outcome: Outcome,
    probed: Probed,
    began: Instant,
    ended: Instant,
    cpu: Duration,
    threads: BTreeMap<String, Duration>,
    /// Snapshots written during the second half.
    snapshots: u64,
    journal_bytes: u64,
    journal_batches: u64,
}

pub(crate) fn run(args: &JoinsArgs) -> Result<Report, String> {
    check(args)?;
    let scratch = Scratch::new(&args.shared)?;
    let journal = SqliteJournal::open(scratch.path()).map_err(|error| chain(&error))?;
    let terms = campaign(args.seats, Vec::new())?;
    let shop = Shop::start(Box::new(journal), terms, args.members)?;
    let views = match args.projector {
        true => Some(Following::start(&shop.door.engine, scratch.path())?),
        false => None,
    };
    let plan = plan(args);
    let groups = args.groups as usize;
    let opened = shop.door.open_groups(
        groups + plan.stock(args.seats),
        &mut Rng::new(0),
        &mut PaymentNames::new(0),
    )?;
    let leaders = opened.len() as u64;
    let load = Load::new(plan, shop.door.clone(), (opened, groups));
    settle_down(&shop.door.engine, views.as_ref())?;
    let measured = measure(load, &shop.door, args)?;
    let rss = rss_bytes();
    let lag = views.as_ref().map_or(0, Following::lag_records);
    let catch_up = views.as_ref().map(Following::catch_up).transpose()?;
    views.map(Following::close).transpose()?;
    shop.close()?;
    let mut report = report(args, &measured)
        .with("setup_joins", leaders)
        .with("rss_mb", rss >> 20)
        .with("filesystem", filesystem(scratch.path()));
    if let Some(took) = catch_up {
        report = report
            .with("lag_records", lag)
            .with("catch_up_seconds", rounded(took.as_secs_f64(), 2));
    }
    Ok(report)
}

fn check(args: &JoinsArgs) -> Result<(), String> {
    check_sizes(args.members, args.seats)?;
    if args.groups == 0 || args.joins == 0 {
        return Err("--groups and --joins: there must be at least one".to_owned());
    }
    check_batches(args.batch, args.in_flight)
}

/// What waits must fit into the engine's queue, with room for the probe.
pub(crate) fn check_batches(batch: usize, in_flight: usize) -> Result<(), String> {
    if !(1..=engine::MAX_COMMANDS_PER_REQUEST).contains(&batch) {
        return Err(format!(
            "--batch: must be between 1 and {}",
            engine::MAX_COMMANDS_PER_REQUEST
        ));
    }
    let most = (engine::QUEUE_COMMANDS - 1) / batch;
    if !(1..=most).contains(&in_flight) {
        return Err(format!(
            "--in-flight: must be between 1 and {most} with batches of {batch}"
        ));
    }
    Ok(())
}

fn plan(args: &JoinsArgs) -> Plan {
    Plan {
        path: args.path,
        joins: args.joins,
        batch: args.batch,
        in_flight: args.in_flight,
    }
}

/// Lets everything that follows the journal catch up with the set-up, which is not measured.
pub(crate) fn settle_down(engine: &EngineHandle, views: Option<&Following>) -> Result<(), String> {
    engine
        .snapshot_now_blocking()
        .map_err(|error| chain(&error))?;
    views.map(Following::catch_up).transpose()?;
    Ok(())
}

/// Runs the load on this thread, and the probe and the snapshots beside it.
fn measure(load: Load, door: &Door, args: &JoinsArgs) -> Result<Measured, String> {
    let progress = load.progress();
    let stop = Arc::new(AtomicBool::new(false));
    let (probe, stopped) = (Probe::new(door.clone(), args.path, 0), stop.clone());
    let before = (door.engine.metrics(), cpu_by_thread());
    let (began, watch) = (Instant::now(), Stopwatch::start());
    let probing = spawn("bench-probe", move || probe.run(&stopped))?;
    let shooting = match args.snapshot {
        true => {
            let (engine, stopped) = (door.engine.clone(), stop.clone());
            let half = args.joins / 2;
            let shoot = move || snapshots(&engine, || half <= progress.joins(), &stopped);
            Some(spawn("bench-snapshots", shoot)?)
        }
        false => None,
    };
    let outcome = load.run();
    let (ended, cpu) = (Instant::now(), watch.cpu());
    let after = (door.engine.metrics(), cpu_by_thread());
    stop.store(true, Ordering::Relaxed);
    let probed = joined(probing)?;
    let snapshots = shooting.map(joined).transpose()?.unwrap_or(0);
    Ok(Measured {
        outcome: outcome?,
        probed,
        began,
        ended,
        cpu,
        threads: since(after.1, &before.1),
        snapshots,
        journal_bytes: after.0.bytes - before.0.bytes,
        journal_batches: after.0.batches - before.0.batches,
    })
}

/// From a moment on until it is stopped, one snapshot after the other; returns how many were written.
fn snapshots(
    engine: &EngineHandle,
    may_begin: impl Fn() -> bool,
    stop: &AtomicBool,
) -> Result<u64, String> {
    while !may_begin() && !stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let taken = engine.snapshot_now_blocking();
        written += u64::from(taken.map_err(|error| chain(&error))?.is_some());
    }
    Ok(written)
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<JoinHandle<Result<T, String>>, String> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map_err(|error| error.to_string())
}

pub(crate) fn joined<T>(thread: JoinHandle<Result<T, String>>) -> Result<T, String> {
    thread
        .join()
        .map_err(|_| "a thread of the measurement panicked".to_owned())?
}

fn since(
    mut after: BTreeMap<String, Duration>,
    before: &BTreeMap<String, Duration>,
) -> BTreeMap<String, Duration> {
    for (name, used) in &mut after {
        *used = used.saturating_sub(before.get(name).copied().unwrap_or_default());
    }
    after
}

fn report(args: &JoinsArgs, measured: &Measured) -> Report {
    let Measured {
        outcome, probed, ..
    } = measured;
    let (began, ended) = (measured.began, measured.ended);
    let seconds = (ended - began).as_secs_f64();
    let joins = outcome.joins + probed.joins;
    let people = probed.all();
    let mut report = Report::new("joins")
        .with("joins_per_s", per_second(joins, seconds))
        .with("p50_us", people.percentile_us(50))
        .with("p99_us", people.percentile_us(99))
        .with("cpu_ns_per_join", nanos_each(measured.cpu, joins))
        .with("journal", "sqlite")
        .with("synchronous", "FULL")
        .with("members", args.members)
        .with("groups", args.groups)
        .with("projector", args.projector)
        .with("snapshot", args.snapshot)
        .with("path", args.path.name())
        .with("seats", args.seats)
        .with("joins", joins)
        .with("seconds", rounded(seconds, 3))
        .with("refused", outcome.refused + probed.refused)
        .with("probes", people.count())
        .with("batch_p50_us", outcome.batches.percentile_us(50))
        .with("batch_p99_us", outcome.batches.percentile_us(99))
        .with("batch", args.batch)
        .with("in_flight", args.in_flight)
        .with(
            "journal_bytes_per_join",
            measured.journal_bytes / joins.max(1),
        )
        .with("journal_batches", measured.journal_batches);
    for (name, thread) in [
        ("cpu_ns_writer", "potluck-writer"),
        ("cpu_ns_append", "potluck-append"),
        ("cpu_ns_snapshots", "potluck-snapsho"),
        ("cpu_ns_load", "potluck"),
    ] {
        let used = measured.threads.get(thread).copied().unwrap_or_default();
        report = report.with(name, nanos_each(used, joins));
    }
    match (args.snapshot, outcome.half) {
        (true, Some(half)) => with_halves(report, measured, half),
        (true, None) | (false, _) => report,
    }
}

/// The first half without snapshots, the second with them.
fn with_halves(report: Report, measured: &Measured, (half, by_half): (Instant, u64)) -> Report {
    let (began, ended, probed) = (measured.began, measured.ended, &measured.probed);
    let rate =
        |joins: u64, from: Instant, until: Instant| per_second(joins, (until - from).as_secs_f64());
    let before = rate(by_half, began, half);
    let during = rate(measured.outcome.joins - by_half, half, ended);
    report
        .with("joins_per_s_before", before)
        .with("joins_per_s_during", during)
        .with(
            "during_over_before",
            rounded(during as f64 / before.max(1) as f64, 3),
        )
        .with(
            "p99_us_before",
            probed.between(began, half).percentile_us(99),
        )
        .with(
            "p99_us_during",
            probed.between(half, ended).percentile_us(99),
        )
        .with("snapshots", measured.snapshots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_must_fit_into_the_queue() {
        assert_eq!(check_batches(4_096, 15), Ok(()));
        for (batch, in_flight, says) in [
            (0, 4, "--batch: must be between 1 and 4096"),
            (4_097, 4, "--batch: must be between 1 and 4096"),
            (4_096, 0, "--in-flight: must be between 1 and 15"),
            (4_096, 16, "--in-flight: must be between 1 and 15"),
        ] {
            let said = check_batches(batch, in_flight).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn processor_time_of_threads_is_what_was_added() {
        let seconds = |pairs: [(&str, u64); 2]| {
            BTreeMap::from(pairs.map(|(name, s)| (name.to_owned(), Duration::from_secs(s))))
        };
        let after = since(
            seconds([("a", 5), ("new", 2)]),
            &seconds([("a", 3), ("gone", 9)]),
        );
        assert_eq!(after, seconds([("a", 2), ("new", 2)]));
    }
}
