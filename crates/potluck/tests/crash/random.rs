//! Numbers that follow from a seed, so that a round can be had again, as far as the machine's timing allows.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The seed that `POTLUCK_CRASH_SEED` gives, else any.
    pub(crate) fn seed() -> u64 {
        match std::env::var("POTLUCK_CRASH_SEED") {
            Ok(seed) => seed.parse().expect("POTLUCK_CRASH_SEED is a number"),
            Err(_) => RandomState::new().hash_one(0),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let at = self.below(last + 1);
            items.swap(at, last);
        }
    }
}
