//! What the channel is to do and has not ended, with when each is tried next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use engine::SubmitError;

use crate::config::Pace;

/// Pending things `T`, which the world lists in the order of their keys `K`.
pub(super) struct Retries<K, T> {
    key: fn(&T) -> K,
    pending: BTreeMap<K, Try<T>>,
    due: BTreeSet<(Instant, K)>,
    /// The last one taken from the world.
    seen: Option<K>,
}

struct Try<T> {
    what: T,
    tries: u32,
}

impl<K: Copy + Ord, T: Copy> Retries<K, T> {
    /// None yet; `key` tells by what they are known.
    pub(super) fn new(key: fn(&T) -> K) -> Retries<K, T> {
        Retries {
            key,
            pending: BTreeMap::new(),
            due: BTreeSet::new(),
            seen: None,
        }
    }

    /// Takes what is new from the world, a page at a time; errors when the engine has stopped.
    pub(super) async fn fill<F>(&mut self, mut next: impl FnMut(Option<K>) -> F) -> Result<(), ()>
    where
        F: Future<Output = Result<Vec<T>, SubmitError>>,
    {
        loop {
            let page = match next(self.seen).await {
                Ok(page) => page,
                Err(SubmitError::Stopped) => return Err(()),
                Err(_) => return Ok(()),
            };
            let Some(last) = page.last() else {
                return Ok(());
            };
            self.seen = Some((self.key)(last));
            for what in page {
                let key = (self.key)(&what);
                self.due.insert((Instant::now(), key));
                self.pending.insert(key, Try { what, tries: 0 });
            }
        }
    }

    /// The first whose time has come. It is not tried again before [`Retries::again`].
    pub(super) fn take(&mut self, now: Instant) -> Option<T> {
        let &(at, key) = self.due.first()?;
        if now < at {
            return None;
        }
        self.due.pop_first();
        self.get(key)
    }

    pub(super) fn get(&self, key: K) -> Option<T> {
        self.pending.get(&key).map(|known| known.what)
    }

    pub(super) fn again(&mut self, key: K, pace: &Pace) {
        if let Some(known) = self.pending.get_mut(&key) {
            known.tries = known.tries.saturating_add(1);
            self.due
                .insert((Instant::now() + wait(known.tries, pace), key));
        }
    }

    pub(super) fn done(&mut self, key: K) {
        self.pending.remove(&key);
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

/// Doubled each time up to the most, and between half and all of that, so that many do not come back at once.
pub(crate) fn wait(tries: u32, pace: &Pace) -> Duration {
    let doubled = pace
        .retry_first
        .saturating_mul(2u32.saturating_pow(tries.saturating_sub(1).min(31)));
    let wait = doubled.min(pace.retry_most);
    let jitter = getrandom::u32().unwrap_or(0);
    wait / 2 + (wait / 2).mul_f64(f64::from(jitter) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most() {
        let pace = Pace::default();
        for (tries, most_s) in [
            (1, 1),
            (2, 2),
            (5, 16),
            (9, 256),
            (10, 300),
            (u32::MAX, 300),
        ] {
            let (wait, most) = (wait(tries, &pace), Duration::from_secs(most_s));
            assert!(most / 2 <= wait && wait <= most, "{tries}: {wait:?}");
        }
    }
}
