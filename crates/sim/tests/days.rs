//! Whole days of a population against the rules told once more, with and without crashes.

use engine::{Step, replay};
use journal::{FailWhen, MemoryJournal, MemoryStorage};
use sim::{Day, SimError, Simulation, Stats};

fn open(storage: &MemoryStorage) -> Step {
    let journal = MemoryJournal::open(storage).unwrap();
    Step::open(Box::new(journal), &mut |_| {}).unwrap().0
}

/// What the journal says, replayed from nothing, is the world that answered.
fn check_replay(storage: &MemoryStorage, step: &Step, day: &Day) {
    let replayed = replay(storage.reader(), |_, _, _| {}).unwrap();
    let same = replayed.to_snapshot() == step.world().to_snapshot();
    assert!(
        same,
        "seed {}: a replay of the journal reaches another world",
        day.seed
    );
}

#[track_caller]
fn check(day: Day) -> Stats {
    let storage = MemoryStorage::new();
    let mut step = open(&storage);
    let mut stats = Stats::default();
    if let Err(error) = day.run(&mut step, &mut stats) {
        panic!("{error}");
    }
    check_replay(&storage, &step, &day);
    stats
}

#[test]
fn days_of_several_seeds_follow_the_rules() {
    let mut all = Stats::default();
    for seed in 1..=6 {
        let stats = check(Day {
            members: 120,
            seed,
            hours: 6,
        });
        all.settled += stats.settled;
        all.void += stats.void;
        all.bounced += stats.bounced;
        all.known += stats.known;
        all.repeated += stats.repeated;
        all.refunds += stats.refunds;
    }
    // A day in which nothing happens would prove nothing.
    let seen = [
        all.settled,
        all.void,
        all.bounced,
        all.known,
        all.repeated,
        all.refunds,
    ];
    assert!(!seen.contains(&0), "{all:?}");
}

/// The machine fails again and again, with the last batch stored or not; whoever got no answer asks again. Nothing
/// is lost that was acknowledged, and nothing happens twice.
#[test]
fn crashes_lose_nothing_and_double_nothing() {
    for seed in 100..104 {
        let day = Day {
            members: 80,
            seed,
            hours: 4,
        };
        let storage = MemoryStorage::new();
        let mut step = open(&storage);
        let mut simulation = Simulation::new(&day);
        let mut acknowledged = step.world().to_snapshot();
        let mut batch = 0u64;
        loop {
            batch += 1;
            let fault = match (batch + seed) % 7 {
                2 => Some(FailWhen::BeforeStoring),
                5 => Some(FailWhen::AfterStoring),
                _ => None,
            };
            if let Some(when) = fault {
                storage.faults().fail_next_append(when);
            }
            match simulation.batch(&mut step) {
                Ok(true) => {
                    acknowledged = step.world().to_snapshot();
                }
                Ok(false) => break,
                Err(differs @ SimError::Differs { .. }) => panic!("{differs}"),
                Err(SimError::Engine(_)) => {
                    drop(step);
                    step = open(&storage);
                    if fault == Some(FailWhen::BeforeStoring) {
                        let same = step.world().to_snapshot() == acknowledged;
                        assert!(
                            same,
                            "seed {seed}: something else than what was acknowledged came back"
                        );
                    }
                    simulation.recovered(&step).unwrap();
                    acknowledged = step.world().to_snapshot();
                }
            }
        }
        simulation.finish(&step).unwrap();
        assert!(10 < simulation.stats().crashes, "{:?}", simulation.stats());
        check_replay(&storage, &step, &day);
    }
}
