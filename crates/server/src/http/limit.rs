//! Token buckets: how many requests one identity may make.
//!
//! Why our own: limits hold for members, keys and addresses in three different places, and a test must be able to
//! drive them with its own time. Bounded: when the table is full, buckets that have refilled are dropped, for a full
//! bucket and none are the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most identities that are kept apart at once.
const MOST_IDENTITIES: usize = 100_000;

/// How many requests: `burst` at once, then `per_second` more each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Each second after that; at least 1.
    pub per_second: u32,
}

/// A bucket of tokens for each identity.
pub(crate) struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// Tokens in nanoseconds of refilling, so that there is no rounding.
struct Bucket {
    missing: Duration,
    at: Instant,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Buckets<K> {
        Buckets {
            rate,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Whether a token is there, without taking it; else in how many seconds one will be.
    pub(crate) fn has_one(&self, who: &K, now: Instant) -> Result<(), u32> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = buckets
            .get(who)
            .map_or(Duration::ZERO, |bucket| bucket.missing_at(now));
        self.fits(missing, 1).map(|_| ())
    }

    /// What is missing after `cost` more, or in how many seconds that will be there.
    fn fits(&self, missing: Duration, cost: u32) -> Result<Duration, u32> {
        let each = Duration::from_secs(1) / self.rate.per_second.max(1);
        let (missing, full) = (missing + each * cost, each * self.rate.burst);
        if full < missing {
            let wait = missing.saturating_sub(full);
            return Err(u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(1));
        }
        Ok(missing)
    }

    /// Takes `cost` tokens, or says in how many seconds they will be there.
    pub(crate) fn take(&self, who: K, cost: u32, now: Instant) -> Result<(), u32> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST_IDENTITIES <= buckets.len() && !buckets.contains_key(&who) {
            buckets.retain(|_, bucket| !bucket.missing_at(now).is_zero());
            if MOST_IDENTITIES <= buckets.len() {
                return Err(1);
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket {
            missing: Duration::ZERO,
            at: now,
        });
        let missing = self.fits(bucket.missing_at(now), cost)?;
        // A request may be counted long after it began: the time that has refilled the bucket since does not count twice.
        let at = now.max(bucket.at);
        *bucket = Bucket { missing, at };
        Ok(())
    }
}

impl Bucket {
    fn missing_at(&self, now: Instant) -> Duration {
        self.missing
            .saturating_sub(now.saturating_duration_since(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let buckets = Buckets::new(Rate {
            burst: 3,
            per_second: 2,
        });
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        for _ in 0..3 {
            assert_eq!(buckets.has_one(&"a", at(0)), Ok(()));
            assert_eq!(buckets.take("a", 1, at(0)), Ok(()));
        }
        assert_eq!(buckets.has_one(&"a", at(0)), Err(1));
        assert_eq!(buckets.has_one(&"a", at(500)), Ok(()));
        assert_eq!(buckets.take("a", 1, at(0)), Err(1));
        assert_eq!(
            buckets.take("b", 1, at(0)),
            Ok(()),
            "identities do not share"
        );
        assert_eq!(buckets.take("a", 1, at(499)), Err(1));
        assert_eq!(buckets.take("a", 1, at(500)), Ok(()));
        assert_eq!(
            buckets.take("a", 4, at(60_000)),
            Err(1),
            "never more than the burst"
        );
        assert_eq!(buckets.take("a", 3, at(60_000)), Ok(()));
    }

    #[test]
    fn what_is_counted_late_does_not_turn_the_time_back() {
        let buckets = Buckets::new(Rate {
            burst: 3,
            per_second: 1,
        });
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(buckets.take("a", 2, at(60_000)), Ok(()));
        // It began a minute before it was counted.
        assert_eq!(buckets.take("a", 1, at(0)), Ok(()));
        assert!(buckets.has_one(&"a", at(60_000)).is_err());
        assert_eq!(buckets.take("a", 1, at(61_000)), Ok(()));
        assert!(buckets.take("a", 1, at(61_000)).is_err());
    }
}
