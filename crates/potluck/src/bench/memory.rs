//! `potluck bench memory`: what members, open seats and settled groups take.
//!
//! Why the resident memory of the process and not a count of structures: it is what the machine must have. It is read
//! after every million, so that what stays can be told from what the allocator keeps for later.

use domain::World;

use super::common::{Report, Shared, Stopwatch, rounded, rss_bytes};
use super::history::History;
use super::settle::terms;
use super::shop::check_sizes;

const MILLION: u64 = 1_000_000;

/// Memory of members, seats and settled groups
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MemoryArgs {
    /// Members of the shop
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Paid seats of open groups, which each lack the last one
    #[arg(long, default_value_t = 1_000_000)]
    unsettled: u64,
    /// Seats settled afterwards, group by group
    #[arg(long, default_value_t = 3_000_000)]
    settled: u64,
    /// Settled seats between two readings
    #[arg(long, default_value_t = 1_000_000)]
    step: u64,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

pub(crate) fn run(args: &MemoryArgs) -> Result<Report, String> {
    check_sizes(args.members, args.seats)?;
    if args.step == 0 || args.settled < args.step || args.unsettled == 0 {
        return Err("--unsettled, --step: at least one; --settled: at least one --step".to_owned());
    }
    let watch = Stopwatch::start();
    let empty = rss_bytes();
    let mut world = World::default();
    let mut history = History::begin(&mut world, terms(args.seats)?)?;
    history.register_up_to(&mut world, args.members)?;
    let with_members = rss_bytes();
    let settled = settled(&mut world, &mut history, args)?;
    let before_seats = rss_bytes();
    let open = u64::from(args.seats - 1);
    let groups = args.unsettled.div_ceil(open);
    history.stop_the_clock();
    for _ in 0..groups {
        history.fill(&mut world, args.seats - 1)?;
    }
    let with_seats = rss_bytes();
    let readings: Vec<u64> = settled.iter().map(|bytes| bytes >> 20).collect();
    let groups_between = args.step / u64::from(args.seats) * (settled.len() as u64 - 1);
    let growth = settled.last().unwrap_or(&0).saturating_sub(settled[0]);
    Ok(Report::new("memory")
        .with(
            "mb_per_million_members",
            per_million(with_members, empty, u64::from(args.members)),
        )
        .with(
            "mb_per_million_unsettled_seats",
            per_million(with_seats, before_seats, groups * open),
        )
        .with(
            "growth_bytes_per_settled_group",
            growth / groups_between.max(1),
        )
        .with("members", args.members)
        .with("seats", args.seats)
        .with("unsettled_seats", groups * open)
        .with("settled_seats", args.step * settled.len() as u64)
        .with("rss_mb_empty", empty >> 20)
        .with("rss_mb_members", with_members >> 20)
        .with("rss_mb_after_each_step", readings)
        .with("settled_step", args.step)
        .with("rss_mb_unsettled", with_seats >> 20)
        .with("seconds", rounded(watch.seconds(), 1)))
}

/// Settles groups; the memory after each step.
fn settled(
    world: &mut World,
    history: &mut History,
    args: &MemoryArgs,
) -> Result<Vec<u64>, String> {
    let mut readings = Vec::new();
    for _ in 0..args.settled / args.step {
        for _ in 0..args.step.div_ceil(u64::from(args.seats)) {
            history.live(world)?;
        }
        readings.push(rss_bytes());
    }
    Ok(readings)
}

fn per_million(after: u64, before: u64, count: u64) -> f64 {
    let bytes = after.saturating_sub(before) as f64;
    rounded(
        bytes / (1 << 20) as f64 * MILLION as f64 / count.max(1) as f64,
        1,
    )
}
