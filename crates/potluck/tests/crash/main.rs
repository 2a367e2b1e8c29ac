//! `kill -9` under fire: the platform is killed with at least a thousand joins in flight, at random moments and at
//! chosen ones, and started again on the same directory; the payment provider lives on. Nothing acknowledged is lost,
//! nothing is doubled, the books balance, each refund is executed once, and what was open goes on.
//!
//! `POTLUCK_CRASH_ROUNDS` (50 if unset) says how many rounds, and for every 100 of them the stories of counters, dividends, returns,
//! statements and withdrawals are told once. `POTLUCK_CRASH_SEED` gives a failed run's seed again. A failed round leaves its directory and
//! says where it is.

mod books;
mod caller;
mod counter_cash;
mod counters;
mod dividends;
mod first;
mod load;
mod notices;
mod payouts;
mod platform;
mod purchases;
mod random;
mod returns;
mod rounds;
mod site;
mod statements;
mod withdrawals;

use random::Random;
use rounds::{Rounds, Summary};

/// Rounds on one data directory.
const ROUNDS_OF_A_DIRECTORY: usize = 25;

fn rounds() -> usize {
    match std::env::var("POTLUCK_CRASH_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("POTLUCK_CRASH_ROUNDS is a number"),
        Err(_) => 50,
    }
}

/// Tells a story of chosen deaths once, and more often where more rounds are asked for.
#[expect(
    clippy::print_stdout,
    reason = "a failed run is told again by its seed"
)]
async fn tell(story: impl AsyncFn(&mut Random)) {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    for _ in 0..rounds().div_ceil(100) {
        story(&mut random).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_fire_nothing_is_lost_or_doubled() {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let mut summary = Summary::default();
    let plan = rounds::plan(rounds(), &mut random);
    for kinds in plan.chunks(ROUNDS_OF_A_DIRECTORY) {
        let mut rounds = Rounds::begin(random.next()).await;
        for (at, kind) in kinds.iter().enumerate() {
            let next = kinds.get(at + 1).copied();
            rounds.round(*kind, next, &mut summary).await;
        }
        rounds.end(&mut summary).await;
    }
    summary.check(&plan);
    println!("{summary}");
}
