//! Points in time as the journal keeps them.

use minicbor::{Decode, Encode};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Millis(#[n(0)] pub i64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Duration(#[n(0)] pub i64);

/// Milliseconds of one day.
pub const DAY_MS: i64 = 86_400_000;

/// How far Asia/Shanghai is ahead of UTC.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

impl Millis {
    /// This long afterwards. Stops at the end of time instead of wrapping: such a deadline never comes.
    pub fn after(self, length: Duration) -> Millis {
        Millis(self.0.saturating_add(length.0))
    }

    /// The first midnight of Asia/Shanghai, UTC+08:00, that comes after this moment (rules 2.7).
    pub fn next_midnight(self) -> Millis {
        let here = self.0.saturating_add(SHANGHAI_MS);
        let today = here.saturating_sub(here.rem_euclid(DAY_MS));
        Millis(today.saturating_add(DAY_MS).saturating_sub(SHANGHAI_MS))
    }

    /// Whole seconds since 1970, rounded down; 0 for earlier times.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }
}

impl Duration {
    /// A length in whole seconds.
    pub const fn seconds(seconds: u32) -> Duration {
        #[expect(
            clippy::as_conversions,
            reason = "u32 to i64 is lossless, and `from` is not const"
        )]
        Duration((seconds as i64).saturating_mul(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight_in_shanghai() {
        // 16:00 UTC.
        let midnight = 57_600_000;
        for (at, next) in [
            (0, midnight),
            (midnight - 1, midnight),
            (midnight, midnight + DAY_MS),
            (midnight - DAY_MS, midnight),
        ] {
            assert_eq!(Millis(at).next_midnight(), Millis(next), "{at}");
        }
    }

    #[test]
    fn times_stop_at_their_ends() {
        assert_eq!(Millis(-1).unix_seconds(), 0);
        assert_eq!(
            Millis(i64::MAX).after(Duration::seconds(1)),
            Millis(i64::MAX)
        );
    }
}
