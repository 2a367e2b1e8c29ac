//! Reports for finance: files of lines (CSV) of some days.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::Millis;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::http::{Problem, Result};

/// Rows that are read at a time.
pub(super) const PAGE: u32 = 1_000;
/// Most rows of one report.
const MOST_ROWS: usize = 100_000;

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// The first day, of Asia/Shanghai: `2026-11-01`.
    from: String,
    /// The day after the last.
    to: String,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

impl ReportQuery {
    /// From which moment on and before which, once the views hold what was asked for.
    pub(super) async fn time(&self, app: &App) -> Result<(Millis, Millis)> {
        let days = day_start(&self.from).zip(day_start(&self.to));
        let time = days.filter(|(from, to)| from < to).ok_or_else(|| {
            Problem::bad_request(
                "query_invalid",
                "from and to are days such as 2026-11-01, in this order",
            )
        })?;
        app.reach(self.at_least).await?;
        Ok(time)
    }
}

/// A file of lines that grows page by page.
pub(super) struct Csv {
    text: String,
    rows: usize,
}

impl Csv {
    pub(super) fn new(head: &str) -> Csv {
        Csv {
            text: format!("{head}\n"),
            rows: 0,
        }
    }

    /// A page of lines, unless they are too many by now.
    pub(super) fn push<R>(&mut self, rows: &[R], line: impl Fn(&R) -> String) -> Result<()> {
        self.rows = self.rows.saturating_add(rows.len());
        if MOST_ROWS < self.rows {
            let detail = format!("more than {MOST_ROWS} lines: ask for a shorter time");
            return Err(Problem::bad_request("query_invalid", detail));
        }
        rows.iter().for_each(|row| self.text.push_str(&line(row)));
        Ok(())
    }
}

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let kind = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (kind, self.text).into_response()
    }
}

/// The midnight at which a day of Shanghai begins.
pub(super) fn day_start(text: &str) -> Option<Millis> {
    let spelled = text.len() == 10
        && text.bytes().zip(0u8..).all(|(byte, at)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let mut parts = text.split('-').filter(|_| spelled);
    let year: i32 = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day: u8 = parts.next()?.parse().ok()?;
    let month = time::Month::try_from(month).ok()?;
    let date = time::Date::from_calendar_date(year, month, day).ok()?;
    let utc = date.midnight().assume_utc().unix_timestamp();
    Some(Millis(utc.saturating_sub(8 * 3_600).saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_shanghai() {
        let of = |text: &str| day_start(text).map(|at| at.0);
        assert_eq!(of("1970-01-02"), Some(57_600_000));
        for bad in [
            "",
            "1970-1-2",
            "1970-02-30",
            "1970/01/02",
            "+970-01-02",
            "1970-01-02 ",
        ] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
