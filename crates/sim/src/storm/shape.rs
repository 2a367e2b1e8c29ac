//! What kind of world a seed makes.

use crate::rng::Rng;

/// What kind of world a seed makes: everything follows from the seed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Few people, small groups: most corners are here.
    Village,
    /// Groups of hundreds of seats.
    Hall,
    /// Ten thousand members.
    Crowd,
    /// Prices and coins so high that promises reach their bound.
    Palace,
}

/// Parameters of one storm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// Commands before the end is played out.
    pub(crate) commands: u64,
    /// People who sign up before anything else.
    pub(crate) first_members: u64,
    /// The most people there will be.
    pub(crate) members: u64,
    /// Of a hundred who sign up, how many are invited by somebody.
    pub(crate) invited: u64,
    pub(crate) campaigns: u64,
    /// Most seats of a group.
    pub(crate) seats: i64,
    /// Most commands of one batch.
    pub(crate) batch: u64,
    /// In how many of a hundred commits something fails.
    pub(crate) faults: u64,
    /// In how many of a hundred commits a snapshot is written.
    pub(crate) snapshots: u64,
    /// After how many batches everything is compared.
    pub(crate) full_every: u64,
}

impl Shape {
    pub(crate) fn of(seed: u64) -> Shape {
        let mut rng = Rng::new(seed ^ 0x5147_0000_5147_0000);
        let kind = match seed % 50 {
            17 => Kind::Crowd,
            23 => Kind::Hall,
            37 => Kind::Palace,
            _ => Kind::Village,
        };
        let mut draw = |low: i64, high: i64| rng.between(low, high).unsigned_abs();
        let village = Shape {
            kind,
            commands: 5_000,
            first_members: draw(3, 40),
            members: draw(40, 150),
            invited: draw(5, 80),
            campaigns: draw(2, 6),
            seats: [3, 5, 8, 12, 30][usize::try_from(draw(0, 4)).unwrap_or(0)],
            batch: [4, 16, 64, 200][usize::try_from(draw(0, 3)).unwrap_or(0)],
            faults: draw(1, 12),
            snapshots: draw(1, 10),
            full_every: 40,
        };
        match kind {
            Kind::Village => village,
            Kind::Hall => Shape {
                commands: 12_000,
                first_members: 200,
                members: 400,
                campaigns: 3,
                seats: 900,
                faults: 2,
                ..village
            },
            Kind::Crowd => Shape {
                commands: 25_000,
                first_members: 10_000,
                members: 10_500,
                campaigns: 6,
                batch: 500,
                faults: 3,
                ..village
            },
            Kind::Palace => Shape {
                commands: 12_000,
                batch: 100,
                campaigns: 8,
                seats: 10_000,
                faults: 3,
                ..village
            },
        }
    }
}
