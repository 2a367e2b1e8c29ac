//! Tax that is withheld of rewards (rules 9.3): what finance reads, and what is handed over to the tax office.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use views::TaxRow;

use super::approvals::{Acted, Wanted, act};
use super::withdrawals::{REPORT_PAGE, REPORT_ROWS, ReportQuery};
use crate::app::{Shared, store_problem};
use crate::auth::AsOperator;
use crate::http::{Params, Problem, Result, Write};
use crate::wire::{Amount, ApprovalLine, Capital, Done, rfc3339};

/// Records that withheld tax was paid to the tax office, from the operator's own bank; at most what is owed.
#[utoipa::path(post, path = "/console/tax", tag = "console", request_body = Capital, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Recorded; there is no other operator", body = Done)))]
pub(crate) async fn pay(
    State(app): Shared,
    operator: AsOperator,
    write: Write<Capital>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "tax",
        subject: 0,
        body: &write.body,
    };
    act(&app, &operator, write.key, wanted).await
}

/// What was withheld in a time, one line for each receipt, for finance: `at,member,group,program,reward,tax`. Amounts are yuan.
#[utoipa::path(get, path = "/tax.csv", tag = "console", params(ReportQuery), responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn report(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<ReportQuery>,
) -> Result<impl IntoResponse> {
    let time = query.time()?;
    app.reach(query.at_least).await?;
    let mut csv = String::from("at,member,group,program,reward,tax\n");
    let (mut after, mut count) = (None, 0usize);
    loop {
        let rows = app.views.taxes_between(time, after, REPORT_PAGE);
        let rows = rows.await.map_err(store_problem)?.value;
        let Some(last) = rows.last() else { break };
        after = Some((last.seq, last.line_no));
        count = count.saturating_add(rows.len());
        if REPORT_ROWS < count {
            let detail = format!("more than {REPORT_ROWS} receipts: ask for a shorter time");
            return Err(Problem::bad_request("query_invalid", detail));
        }
        rows.iter().for_each(|row| csv.push_str(&line(row)));
    }
    let kind = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((kind, csv))
}

fn line(row: &TaxRow) -> String {
    let text = |amount| String::from(Amount::from(amount));
    format!(
        "{},{},{},{},{},{}\n",
        rfc3339(row.at),
        row.member,
        row.group,
        row.program.name(),
        text(row.of),
        text(row.tax),
    )
}
