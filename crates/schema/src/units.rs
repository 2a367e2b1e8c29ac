//! How amounts, rates and lengths of time are written: decimal digits with a fixed number of decimals, never
//! through floating point.

use domain::{Duration, Millis, Rate};

/// Digits with at most `decimals` behind the point, as a count of the smallest unit; none for any other text.
///
/// One spelling per number up to zeros behind the point: no sign, no exponent, no leading zero, no bare point.
fn decimal(text: &str, decimals: usize) -> Option<i64> {
    let (whole, part) = text
        .split_once('.')
        .map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = match part {
        Some(part) if digits(part) && part.len() <= decimals => part,
        Some(_) => return None,
        None => "",
    };
    if !digits(whole) || (1 < whole.len() && whole.starts_with('0')) {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// `12`, `12.5` or `12.50` as 1250.
pub(crate) fn hundredths(text: &str) -> Option<i64> {
    decimal(text, 2)
}

/// `2.5%` as 25 000 parts per million.
pub(crate) fn rate(text: &str) -> Option<Rate> {
    u32::try_from(decimal(text.strip_suffix('%')?, 4)?)
        .ok()
        .map(Rate)
}

/// `30s`, `5m`, `24h`, `7d`, and `1500ms` for what is no whole second.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(unit_at)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    decimal(digits, 0)?.checked_mul(unit_ms).map(Duration)
}

/// `2027-12-31` as the moment when that day begins in Shanghai.
pub(crate) fn date(text: &str) -> Option<Millis> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let all = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !all(year, 4) || !all(month, 2) || !all(day, 2) {
        return None;
    }
    Millis::of_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_at_most_two_decimals_and_no_other_spelling() {
        for (text, fen) in [
            ("0", 0),
            ("0.05", 5),
            ("12.5", 1250),
            ("1000.00", 100_000),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(hundredths(text), Some(fen), "{text}");
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.005",
            "01",
            "00.10",
            "1,000",
            " 1",
            "1 ",
            "１",
            "1.0.0",
            "NaN",
            "92233720368547758.08",
        ] {
            assert_eq!(hundredths(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates_are_percent_with_at_most_four_decimals() {
        for (text, ppm) in [
            ("5%", 50_000),
            ("0.6%", 6_000),
            ("2.5%", 25_000),
            ("0.0001%", 1),
            ("100%", 1_000_000),
            ("0%", 0),
        ] {
            assert_eq!(rate(text), Some(Rate(ppm)), "{text}");
        }
        for bad in [
            "",
            "%",
            "5",
            "5 %",
            "-5%",
            "0.00001%",
            "5%%",
            "5‰",
            "05%",
            "4294967296%",
        ] {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_of_time_have_one_unit() {
        for (text, ms) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("1500ms", 1500),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration(ms)), "{text}");
        }
        for bad in [
            "",
            "5",
            "m",
            "5 m",
            "1h30m",
            "-5m",
            "1.5h",
            "05m",
            "5min",
            "９s",
            "9223372036854775807d",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
