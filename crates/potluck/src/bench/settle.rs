//! `potluck bench settle`: ledger lines a second when full groups settle, and what joins take meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use domain::{
    Coins, Event, Money,
    rewards::{Consolation, Formation, Leader, Limit, Program, Reward},
};
use journal::SqliteJournal;

use super::common::{
    Latencies, Report, Scratch, Shared, Stopwatch, filesystem, nanos_each, per_second, rounded,
    rss_bytes,
};
use super::draws::Draws;
use super::joins::{joined, settle_down, spawn};
use super::load::Path;
use super::probe::{PROBES, Probe, Probed};
use super::shop::{Door, PaymentNames, Rng, Shop, campaign, check_sizes};
use server::chain;

/// Pause between two bursts, so that each meets joins at rest.
const BETWEEN_BURSTS: Duration = Duration::from_millis(300);
/// Bytes of journal read at once when lines are counted.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Settlement of full groups, durable
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SettleArgs {
    /// Groups that settle at once while single joins are timed
    #[arg(long, default_value_t = 1_000)]
    groups: usize,
    /// How often that is done
    #[arg(long, default_value_t = 5)]
    bursts: usize,
    /// Groups that settle one after the other with nothing else going on, for the throughput
    #[arg(long, default_value_t = 10_000)]
    throughput_groups: usize,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Members of the shop
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// Single joins under way at once while they are timed
    #[arg(long, default_value_t = 4)]
    probes: u8,
    /// How the timed joins reach the engine
    #[arg(long, value_enum, default_value_t = Path::Gateway)]
    path: Path,
    /// How long joins are timed with nothing else going on
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    idle: f64,
    /// Groups whose outcomes are submitted together
    #[arg(long, default_value_t = 16)]
    set: usize,
    /// Sets under way at once
    #[arg(long, default_value_t = 8)]
    in_flight: usize,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

pub(crate) fn run(args: &SettleArgs) -> Result<Report, String> {
    check(args)?;
    let scratch = Scratch::new(&args.shared)?;
    let journal = SqliteJournal::open(scratch.path()).map_err(|error| chain(&error))?;
    let shop = Shop::start(Box::new(journal), terms(args.seats)?, args.members)?;
    let door = &shop.door;
    let (mut rng, mut names) = (Rng::new(0), PaymentNames::new(0));
    let groups = args.groups * args.bursts + args.throughput_groups;
    door.fill_groups(groups, &mut rng, &mut names)?;
    let mut draws = Draws::prepare(door)?;
    settle_down(&door.engine, None)?;
    let meeting = meetings(door, &mut draws, args)?;
    settle_down(&door.engine, None)?;
    let throughput = throughput(door, draws, args)?;
    let rss = rss_bytes();
    shop.close()?;
    Ok(report(args, &throughput, &meeting)
        .with("rss_mb", rss >> 20)
        .with("filesystem", filesystem(scratch.path())))
}

fn check(args: &SettleArgs) -> Result<(), String> {
    check_sizes(args.members, args.seats)?;
    if args.groups == 0 || args.bursts == 0 || args.throughput_groups == 0 {
        return Err(
            "--groups, --bursts and --throughput-groups: there must be at least one".to_owned(),
        );
    }
    if !(1..=PROBES).contains(&args.probes) {
        return Err(format!("--probes: must be between 1 and {PROBES}"));
    }
    if !(0.0..=3_600.0).contains(&args.idle) {
        return Err("--idle: must be between 0 and 3600 seconds".to_owned());
    }
    let most = engine::QUEUE_SETTLEMENTS / args.set.max(1);
    if args.set < 1 || !(1..=most).contains(&args.in_flight) {
        return Err(format!(
            "--set times --in-flight: must be between 1 and {}",
            engine::QUEUE_SETTLEMENTS
        ));
    }
    Ok(())
}

/// Rewards in the manner of the rulebook's examples: consolation in cash and coins, leader, formation. One seat in
/// fifty wins, which pays for them in groups of every size.
pub(crate) fn terms(seats: u32) -> Result<domain::Campaign, String> {
    let reward = |program| Reward {
        program,
        limit: Limit::None,
    };
    let rewards = vec![
        reward(Program::Consolation(Consolation {
            cash: Money(50),
            coins: Coins(100),
        })),
        reward(Program::Leader(Leader {
            cash: Money(300),
            coins: Coins::ZERO,
            unless_won: false,
        })),
        reward(Program::Formation(Formation {
            per_recruit: Money(20),
        })),
    ];
    let mut terms = campaign(seats, rewards)?;
    terms.group.winners = (seats / 50).max(1);
    Ok(terms)
}

/// What single joins took.
struct Meeting {
    idle: Latencies,
    settling: Latencies,
    /// How long the bursts took together.
    bursts: Duration,
}

/// Times single joins first alone, then during each burst of settlements.
fn meetings(door: &Door, draws: &mut Draws, args: &SettleArgs) -> Result<Meeting, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut probing = Vec::new();
    for number in 0..args.probes {
        let (probe, stopped) = (Probe::new(door.clone(), args.path, number), stop.clone());
        probing.push(spawn("bench-probe", move || probe.run(&stopped))?);
    }
    let began = Instant::now();
    thread::sleep(Duration::from_secs_f64(args.idle));
    let idle_ended = Instant::now();
    let mut bursts = Vec::new();
    let mut settled = Ok(0);
    for _ in 0..args.bursts {
        let from = Instant::now();
        settled = draws
            .take(args.groups)
            .settle(door, args.set, args.in_flight);
        bursts.push((from, Instant::now()));
        if settled.is_err() {
            break;
        }
        thread::sleep(BETWEEN_BURSTS);
    }
    stop.store(true, Ordering::Relaxed);
    let mut probed = Probed::default();
    for thread in probing {
        probed.merge(joined(thread)?);
    }
    settled?;
    let mut settling = Latencies::default();
    for (from, until) in &bursts {
        settling.merge(probed.between(*from, *until));
    }
    Ok(Meeting {
        idle: probed.between(began, idle_ended),
        settling,
        bursts: bursts.iter().map(|(from, until)| *until - *from).sum(),
    })
}

struct Throughput {
    groups: u64,
    postings: u64,
    seconds: f64,
    cpu: Duration,
    journal_bytes: u64,
}

fn throughput(door: &Door, draws: Draws, args: &SettleArgs) -> Result<Throughput, String> {
    let from = door.engine.metrics();
    let watch = Stopwatch::start();
    let groups = draws.settle(door, args.set, args.in_flight)?;
    let (seconds, cpu) = (watch.seconds(), watch.cpu());
    let until = door.engine.metrics();
    Ok(Throughput {
        groups,
        postings: settlement_lines(door, from.committed_seq + 1)?,
        seconds,
        cpu,
        journal_bytes: until.bytes - from.bytes,
    })
}

/// Ledger lines of the settlements from a record on, derived by the domain itself.
fn settlement_lines(door: &Door, from_seq: u64) -> Result<u64, String> {
    let reader = door.engine.reader_blocking(from_seq);
    let mut reader = reader.map_err(|error| chain(&error))?;
    let mut lines = 0;
    loop {
        let records = reader.read(READ_BYTES).map_err(|error| chain(&error))?;
        if records.is_empty() {
            return Ok(lines);
        }
        let events = records.iter().flat_map(|stored| &stored.record.events);
        for event in events.filter(|event| matches!(event, Event::GroupSettled(_))) {
            domain::lines(event, &mut |_| lines += 1).map_err(|error| error.to_string())?;
        }
    }
}

fn report(args: &SettleArgs, throughput: &Throughput, meeting: &Meeting) -> Report {
    let Throughput {
        groups,
        postings,
        seconds,
        cpu,
        journal_bytes,
    } = *throughput;
    let (idle, settling) = (&meeting.idle, &meeting.settling);
    let ratio = settling.percentile_us(99) / idle.percentile_us(99).max(0.1);
    let burst_groups = (args.groups * args.bursts) as u64;
    Report::new("settle")
        .with("postings_per_s", per_second(postings, seconds))
        .with("groups_per_s", per_second(groups, seconds))
        .with("cpu_ns_per_posting", nanos_each(cpu, postings))
        .with("p99_ratio", rounded(ratio, 2))
        .with("journal", "sqlite")
        .with("synchronous", "FULL")
        .with("members", args.members)
        .with("groups", groups)
        .with("seats", args.seats)
        .with("postings", postings)
        .with("seconds", rounded(seconds, 3))
        .with("journal_bytes_per_group", journal_bytes / groups.max(1))
        .with("idle_p50_us", idle.percentile_us(50))
        .with("idle_p99_us", idle.percentile_us(99))
        .with("idle_joins", idle.count())
        .with("settling_p50_us", settling.percentile_us(50))
        .with("settling_p99_us", settling.percentile_us(99))
        .with("settling_joins", settling.count())
        .with("burst_groups", args.groups)
        .with("bursts", args.bursts)
        .with(
            "burst_groups_per_s",
            per_second(burst_groups, meeting.bursts.as_secs_f64()),
        )
        .with("probes", args.probes)
        .with("path", args.path.name())
}

#[cfg(test)]
mod tests {
    #[test]
    fn groups_of_every_size_can_pay_the_rewards() {
        for seats in [2, 3, 49, 50, 99, 100, 149, 10_000] {
            let terms = super::terms(seats).unwrap();
            terms.check().unwrap();
            domain::check_solvency(&terms).unwrap_or_else(|error| panic!("{seats}: {error}"));
        }
    }
}
