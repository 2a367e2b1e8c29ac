//! What leaves the operator's own bank: tax that is withheld of rewards (rules 9.3), with what finance reads of it, and what suppliers
//! are paid (rules 6).

use axum::extract::State;
use views::TaxRow;

use super::approvals::{Acted, Wanted, act};
use super::reports::{Csv, PAGE, ReportQuery};
use crate::app::{Shared, store_problem};
use crate::auth::AsFinance;
use crate::http::{Params, Result, Write};
use crate::wire::{Amount, ApprovalLine, Capital, Done, rfc3339};

/// Records that withheld tax was paid to the tax office, from the operator's own bank; at most what is owed.
#[utoipa::path(post, path = "/console/tax", tag = "console", request_body = Capital, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Recorded; there is no other operator", body = Done)))]
pub(crate) async fn pay(
    State(app): Shared,
    operator: AsFinance,
    write: Write<Capital>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "tax",
        subject: 0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Records that suppliers were paid for products that were sold, from the operator's own bank; at most what all of them are owed.
#[utoipa::path(post, path = "/console/suppliers", tag = "console", request_body = Capital, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Recorded; there is no other operator", body = Done)))]
pub(crate) async fn pay_suppliers(
    State(app): Shared,
    operator: AsFinance,
    write: Write<Capital>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "suppliers",
        subject: 0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// What was withheld in a time, one line for each receipt, for finance: `at,member,group,program,reward,tax`. Amounts are yuan.
#[utoipa::path(get, path = "/tax.csv", tag = "console", params(ReportQuery), responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn report(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<ReportQuery>,
) -> Result<Csv> {
    let time = query.time(&app).await?;
    let mut csv = Csv::new("at,member,group,program,reward,tax");
    let mut after = None;
    loop {
        let rows = app.views.taxes_between(time, after, PAGE).await;
        let rows = rows.map_err(store_problem)?.value;
        let Some(last) = rows.last() else {
            return Ok(csv);
        };
        after = Some((last.seq, last.line_no));
        csv.push(&rows, line)?;
    }
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
