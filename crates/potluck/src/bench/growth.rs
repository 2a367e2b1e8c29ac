//! `potluck bench growth`: whether a join costs more in a large shop than in a small one.

use journal::SqliteJournal;

use super::common::{Report, Scratch, Shared, Stopwatch, filesystem, nanos_each, rounded};
use super::joins::settle_down;
use super::load::{Load, Path, Plan};
use super::shop::{PaymentNames, Rng, Shop, campaign, check_sizes};
use server::chain;

/// Cost of a join at growing numbers of members
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GrowthArgs {
    /// Members of each shop, in growing order
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000, 10_000_000])]
    members: Vec<u32>,
    /// Groups that are joined at any time
    #[arg(long, default_value_t = 1_000)]
    groups: u32,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Payments to be accepted in each shop
    #[arg(long, default_value_t = 2_000_000)]
    joins: u64,
    /// How a join reaches the engine
    #[arg(long, value_enum, default_value_t = Path::Gateway)]
    path: Path,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

pub(crate) fn run(args: &GrowthArgs) -> Result<Report, String> {
    check(args)?;
    let (mut costs, mut rates) = (Vec::new(), Vec::new());
    let mut kind = String::new();
    for &members in &args.members {
        let scratch = Scratch::new(&args.shared)?;
        kind = filesystem(scratch.path());
        let (cost, rate) = one_shop(args, members, &scratch)?;
        costs.push(cost);
        rates.push(rate);
    }
    let (first, last) = (costs.first(), costs.last());
    let ratio = match (first, last) {
        (Some(&first), Some(&last)) => last as f64 / first.max(1) as f64,
        (None, _) | (_, None) => 0.0,
    };
    Ok(Report::new("growth")
        .with("ratio", rounded(ratio, 2))
        .with("members", args.members.clone())
        .with("cpu_ns_per_join", costs)
        .with("joins_per_s", rates)
        .with("joins", args.joins)
        .with("groups", args.groups)
        .with("seats", args.seats)
        .with("path", args.path.name())
        .with("journal", "sqlite")
        .with("synchronous", "FULL")
        .with("filesystem", kind))
}

fn check(args: &GrowthArgs) -> Result<(), String> {
    if args.members.is_empty() || !args.members.is_sorted() {
        return Err("--members: numbers in growing order, at least one".to_owned());
    }
    for &members in &args.members {
        check_sizes(members, args.seats)?;
    }
    if args.groups == 0 || args.joins == 0 {
        return Err("--groups and --joins: there must be at least one".to_owned());
    }
    Ok(())
}

/// Processor time of a join in nanoseconds, and joins a second.
fn one_shop(args: &GrowthArgs, members: u32, scratch: &Scratch) -> Result<(u64, u64), String> {
    let journal = SqliteJournal::open(scratch.path()).map_err(|error| chain(&error))?;
    let terms = campaign(args.seats, Vec::new())?;
    let shop = Shop::start(Box::new(journal), terms, members)?;
    let plan = Plan {
        path: args.path,
        joins: args.joins,
        ..Plan::USUAL
    };
    let groups = args.groups as usize;
    let opened = shop.door.open_groups(
        groups + plan.stock(args.seats),
        &mut Rng::new(0),
        &mut PaymentNames::new(0),
    )?;
    settle_down(&shop.door.engine, None)?;
    let load = Load::new(plan, shop.door.clone(), (opened, groups));
    let watch = Stopwatch::start();
    let outcome = load.run()?;
    let (cpu, seconds) = (watch.cpu(), watch.seconds());
    shop.close()?;
    Ok((
        nanos_each(cpu, outcome.joins),
        super::common::per_second(outcome.joins, seconds),
    ))
}
