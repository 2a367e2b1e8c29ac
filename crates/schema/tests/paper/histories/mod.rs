//! Random histories of the whole world: members, ranks, campaigns of every kind, groups that fill, lapse, expire, are drawn and
//! returned, dividends and clawbacks. A book that shares no code with the domain follows them and counts every amount again.
//!
//! A history is its seed. A failing one prints how to see it again, as far as the group it failed at; `POTLUCK_HISTORIES=100`
//! lives through that many in each test.

mod book;
mod life;
mod live;
mod terms;
mod town;

use book::Tally;
use live::{Extent, Live};

/// As many groups as rules 8 are to be held by, all tests of this file together.
const SETTLED_AT_LEAST: u64 = 100_000;

/// Histories of one extent, from this seed on.
struct Run {
    first_seed: u64,
    histories: u64,
    extent: Extent,
    /// Groups that are drawn or sold in them, and paid by.
    settled: u64,
}

const VILLAGE: Extent = Extent {
    members: 60,
    groups: 500,
};
const TOWN: Extent = Extent {
    members: 1_000,
    groups: 1_500,
};
const CITY: Extent = Extent {
    members: 10_000,
    groups: 4_000,
};

const VILLAGES: Run = Run {
    first_seed: 0,
    histories: 60,
    extent: VILLAGE,
    settled: 21_000,
};
const TOWNS: Run = Run {
    first_seed: 1_000_000,
    histories: 24,
    extent: TOWN,
    settled: 29_000,
};
const CITIES: Run = Run {
    first_seed: 2_000_000,
    histories: 7,
    extent: CITY,
    settled: 25_000,
};
const MORE_CITIES: Run = Run {
    first_seed: 3_000_000,
    histories: 7,
    extent: CITY,
    settled: 25_000,
};

impl Run {
    /// Lives through them all; what they promised is checked on the way.
    fn go(&self) {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
        if let Some(seed) = number("POTLUCK_HISTORY_SEED") {
            if (self.first_seed..self.first_seed + 1_000_000).contains(&seed) {
                Live::through(seed, self.extent);
            }
            return;
        }
        let mut tally = Tally::default();
        let histories = number("POTLUCK_HISTORIES").unwrap_or(self.histories);
        for seed in self.first_seed..self.first_seed + histories {
            tally.take(&Live::through(seed, self.extent).book.tally);
        }
        eprintln!("{tally:#?}");
        if self.histories <= histories {
            let settled = tally.of("settled");
            assert!(self.settled <= settled, "{settled} groups settled only");
            check_reach(&tally);
        }
    }
}

/// Every rule is reached often, so that a generator that stops reaching it is noticed.
fn check_reach(tally: &Tally) {
    for what in [
        "Cancelled",
        "Expired",
        "LeaderGone",
        "Void",
        "lapsed",
        "left",
        "bounced: group_full",
        "bounced: second_payment",
        "bounced: amount_differs",
        "bounced: member_frozen",
        "bound by a link",
        "paid before",
        "circles go on",
        "tables",
        "rights passed",
        "filled with frozen members",
        "rises in rank",
        "pools closed",
        "dividends paid",
        "taken out of a pool",
        "reversed into a pool",
        "returned after the pool was shared",
        "kept",
        "returned",
        "vested",
        "nobody returned",
        "some returned",
        "all returned",
        "clawed back",
        "clawed back below zero",
        "withdrawn",
        "draw",
        "everyone-buys",
        "bonus-draw",
        "treat",
        "ballot",
        "leader equal",
        "leader exempt",
        "leader buys",
        "for merchants",
        "with home stores",
        "with tax borne by the owner",
        "with tax borne by the member",
        "consolation paid",
        "winner-bonus paid",
        "leader paid",
        "formation paid",
        "generation paid",
        "differential paid",
        "same-level paid",
        "region paid",
        "dividend paid",
    ] {
        let times = tally.of(what);
        assert!(20 <= times, "{what}: {times} times only");
    }
}

#[test]
fn histories_of_villages() {
    VILLAGES.go();
}

#[test]
fn histories_of_towns() {
    TOWNS.go();
}

#[test]
fn histories_of_cities() {
    CITIES.go();
}

#[test]
fn histories_of_more_cities() {
    MORE_CITIES.go();
}

/// Each test counts its own.
#[test]
fn histories_are_enough() {
    let all = [VILLAGES, TOWNS, CITIES, MORE_CITIES];
    let settled: u64 = all.iter().map(|run| run.settled).sum();
    assert!(SETTLED_AT_LEAST <= settled, "{settled}");
}
