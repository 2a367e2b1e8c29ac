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

/// A month of Asia/Shanghai's calendar, UTC+08:00 (rules 2.7), counted from January 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Month(#[n(0)] pub u16);

/// Milliseconds of one day.
pub const DAY_MS: i64 = 86_400_000;

/// Milliseconds of one hour.
pub const HOUR_MS: i64 = 3_600_000;

/// How far Asia/Shanghai is ahead of UTC.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

impl Millis {
    /// This long afterwards. Stops at the end of time instead of wrapping: such a deadline never comes.
    pub fn after(self, length: Duration) -> Millis {
        Millis(self.0.saturating_add(length.0))
    }

    /// The first midnight of Asia/Shanghai, UTC+08:00, that comes after this moment (rules 2.7).
    pub fn next_midnight(self) -> Millis {
        Millis::start_of_day(self.shanghai_day().saturating_add(1))
    }

    /// The day that this moment lies in, in Asia/Shanghai; 1970-01-01 is 0.
    pub fn shanghai_day(self) -> i64 {
        self.0.saturating_add(SHANGHAI_MS).div_euclid(DAY_MS)
    }

    /// The midnight of Asia/Shanghai with which a day begins.
    pub fn start_of_day(day: i64) -> Millis {
        Millis(day.saturating_mul(DAY_MS).saturating_sub(SHANGHAI_MS))
    }

    /// Whole seconds since 1970, rounded down; 0 for earlier times.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }
}

impl Millis {
    /// The month of Shanghai; the first and the last that can be counted stand for all beyond them.
    pub fn month(self) -> Month {
        let (mut low, mut high) = (0, u16::MAX);
        while low < high {
            let middle = low.midpoint(high).saturating_add(1);
            if Month(middle).begins() <= self {
                low = middle;
            } else {
                high = middle.saturating_sub(1);
            }
        }
        Month(low)
    }

    /// The date of Shanghai, as `2026-11-23`.
    pub fn to_date(self) -> String {
        let month = self.month();
        let before = month.begins().shanghai_day();
        let day = self.shanghai_day().saturating_sub(before).saturating_add(1);
        let year = (month.0 / 12).saturating_add(1970);
        let of_year = (month.0 % 12).saturating_add(1);
        format!("{year:04}-{of_year:02}-{day:02}")
    }

    /// When a date of Shanghai begins; none if there is no such date from 1970 to 7430.
    pub fn of_date(year: i64, month: u8, day: u8) -> Option<Millis> {
        if !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        let months = year.checked_sub(1970)?.checked_mul(12)?;
        let month = u16::try_from(months.checked_add(i64::from(month).checked_sub(1)?)?).ok()?;
        let at = Month(month).begins().after(Duration(
            i64::from(day).saturating_sub(1).saturating_mul(DAY_MS),
        ));
        (at < Month(month.checked_add(1)?).begins()).then_some(at)
    }
}

impl Month {
    /// So many months later. Stops at the last that can be counted.
    pub fn plus(self, months: u32) -> Month {
        Month(u16::try_from(u32::from(self.0).saturating_add(months)).unwrap_or(u16::MAX))
    }

    /// Its first moment.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "years from 1970 to 7430, in days, are small"
    )]
    pub fn begins(self) -> Millis {
        let (year, month) = (i64::from(self.0 / 12) + 1970, usize::from(self.0 % 12));
        let before = year - 1;
        let leap_days = before / 4 - before / 100 + before / 400 - 477;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let in_year =
            DAYS_BEFORE.get(month).copied().unwrap_or(0) + i64::from(is_leap && 2 <= month);
        Millis::start_of_day((year - 1970) * 365 + leap_days + in_year)
    }
}

/// Days of a common year before each of its months.
const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

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
    fn months_are_those_of_the_calendar_in_shanghai() {
        for (date, unix) in [
            ((1970, 1, 1), 0),
            ((1972, 2, 29), 68_169_600),
            ((2000, 3, 1), 951_868_800),
            ((2026, 11, 23), 1_795_392_000),
            ((2100, 3, 1), 4_107_542_400),
        ] {
            let here = Millis(unix * 1000 - SHANGHAI_MS);
            let (year, month, day) = date;
            assert_eq!(here.to_date(), format!("{year}-{month:02}-{day:02}"));
            assert_eq!(Millis::of_date(year, month, day), Some(here), "{date:?}");
            assert_eq!(
                here.month().0,
                u16::try_from((year - 1970) * 12).unwrap() + u16::from(month) - 1
            );
        }
        for (year, month, day) in [
            (2026, 2, 29),
            (2100, 2, 29),
            (2026, 4, 31),
            (2026, 13, 1),
            (2026, 1, 0),
            (1969, 12, 31),
        ] {
            assert_eq!(
                Millis::of_date(year, month, day),
                None,
                "{year}-{month}-{day}"
            );
        }
        let begins = Month(671).begins();
        assert_eq!(
            (begins.month(), Millis(begins.0 - 1).month()),
            (Month(671), Month(670))
        );
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
