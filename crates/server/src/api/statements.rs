//! Merchants' statements (rules 10.3): the merchant sees his own, an operator all; confirming and paying waits for a second
//! operator.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::{AllianceCommand, Command, MerchantAccount, MerchantId, StatementId};
use futures_util::stream;
use views::{MerchantLine, StatementRow, StatementSum};

use super::approvals::{Acted, Wanted, act};
use super::campaigns::Fresh;
use super::standing::decide;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMerchant};
use crate::http::{Page, Params, Problem, Result, Segment, Write};
use crate::printed;
use crate::wire::{
    Amount, ApprovalLine, Done, List, MerchantTransferWanted, Reasoned, StatementAccount,
    StatementLine, StatementPage, StatementSumLine, TransferLine, TransferWanted, rfc3339,
};

/// Lines that are read at once.
const LINES_AT_ONCE: u32 = 1_000;
/// Lines on the page for printing; the others stand in the file.
const PRINTED_LINES: u32 = 1_000;

/// The merchant's statements, newest first.
#[utoipa::path(get, path = "/merchant/statements", tag = "merchant", params(Page), responses((status = 200, description = "Statements", body = List<StatementLine>)))]
pub(crate) async fn mine(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Viewed<List<StatementLine>>> {
    list(&app, Some(merchant.merchant), &query).await
}

/// One of the merchant's statements.
#[utoipa::path(get, path = "/merchant/statements/{id}", tag = "merchant", params(("id" = String, Path), Fresh), responses((status = 200, description = "The statement", body = StatementPage)))]
pub(crate) async fn my_page(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(id): Segment<StatementId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<StatementPage>> {
    app.reach(query.at_least).await?;
    let row = known(&app, id, Some(merchant.merchant)).await?;
    page_of(&app, &row).await
}

/// All lines of one of the merchant's statements: `kind,seq,line,at,account,amount,event,group,order,counter`. The lines of
/// `opening` and those of `line` add up to those of `closing`.
#[utoipa::path(get, path = "/merchant/statements/{id}/lines.csv", tag = "merchant", params(("id" = String, Path)), responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn my_lines(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(id): Segment<StatementId>,
) -> Result<Response> {
    let row = known(&app, id, Some(merchant.merchant)).await?;
    csv(app, row).await
}

/// One of the merchant's statements as a page to print.
#[utoipa::path(get, path = "/merchant/statements/{id}/print", tag = "merchant", params(("id" = String, Path)), responses((status = 200, description = "HTML", body = String, content_type = "text/html")))]
pub(crate) async fn my_print(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(id): Segment<StatementId>,
) -> Result<Response> {
    let row = known(&app, id, Some(merchant.merchant)).await?;
    printed_page(&app, &row).await
}

/// All statements, newest first.
#[utoipa::path(get, path = "/console/statements", tag = "console", params(Page), responses((status = 200, description = "Statements", body = List<StatementLine>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Viewed<List<StatementLine>>> {
    list(&app, None, &query).await
}

/// One statement.
#[utoipa::path(get, path = "/console/statements/{id}", tag = "console", params(("id" = String, Path), Fresh), responses((status = 200, description = "The statement", body = StatementPage)))]
pub(crate) async fn page(
    State(app): Shared,
    _: AsFinance,
    Segment(id): Segment<StatementId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<StatementPage>> {
    app.reach(query.at_least).await?;
    let row = known(&app, id, None).await?;
    page_of(&app, &row).await
}

/// All lines of a statement, as its merchant gets them.
#[utoipa::path(get, path = "/console/statements/{id}/lines.csv", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn lines(
    State(app): Shared,
    _: AsFinance,
    Segment(id): Segment<StatementId>,
) -> Result<Response> {
    let row = known(&app, id, None).await?;
    csv(app, row).await
}

/// A statement as a page to print, as its merchant gets it.
#[utoipa::path(get, path = "/console/statements/{id}/print", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "HTML", body = String, content_type = "text/html")))]
pub(crate) async fn print(
    State(app): Shared,
    _: AsFinance,
    Segment(id): Segment<StatementId>,
) -> Result<Response> {
    let row = known(&app, id, None).await?;
    printed_page(&app, &row).await
}

/// Draws up a merchant's statement before the month is over.
#[utoipa::path(post, path = "/console/merchants/{id}/statement", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Drawn up", body = Done)))]
pub(crate) async fn draft(
    State(app): Shared,
    operator: AsFinance,
    Segment(merchant): Segment<MerchantId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Alliance(AllianceCommand::DraftStatement { merchant });
    let what = ("draft-statement", merchant.0, write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Confirms a statement: it is to be paid as it says.
#[utoipa::path(post, path = "/console/statements/{id}/confirm", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Confirmed; there is no other operator", body = Done)))]
pub(crate) async fn confirm(
    State(app): Shared,
    operator: AsFinance,
    Segment(id): Segment<StatementId>,
    write: Write<Reasoned>,
) -> Result<Acted> {
    known(&app, id, None).await?;
    let wanted = Wanted {
        what: "statement-confirm",
        subject: id.0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Notes that a confirmed statement was paid by bank transfer. The platform moves no money by this.
#[utoipa::path(post, path = "/console/statements/{id}/paid", tag = "console", params(("id" = String, Path)), request_body = TransferWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Noted; there is no other operator", body = Done)))]
pub(crate) async fn paid(
    State(app): Shared,
    operator: AsFinance,
    Segment(id): Segment<StatementId>,
    write: Write<TransferWanted>,
) -> Result<Acted> {
    known(&app, id, None).await?;
    let wanted = Wanted {
        what: "statement-paid",
        subject: id.0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Notes that a merchant has paid something of what he owes by bank transfer. The platform moves no money by this.
#[utoipa::path(post, path = "/console/merchants/{id}/paid", tag = "console", params(("id" = String, Path)), request_body = MerchantTransferWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Noted; there is no other operator", body = Done)))]
pub(crate) async fn merchant_paid(
    State(app): Shared,
    operator: AsFinance,
    Segment(merchant): Segment<MerchantId>,
    write: Write<MerchantTransferWanted>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "merchant-paid",
        subject: merchant.0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Another merchant's looks like none.
async fn known(app: &App, id: StatementId, of: Option<MerchantId>) -> Result<StatementRow> {
    let found = app.find(|| app.views.statement(id)).await?;
    let row = found.value;
    let row = row.filter(|row| of.is_none_or(|merchant| row.merchant == merchant));
    row.ok_or_else(|| Problem::not_found("statement_unknown", "there is no such statement"))
}

async fn list(
    app: &App,
    merchant: Option<MerchantId>,
    query: &Page,
) -> Result<Viewed<List<StatementLine>>> {
    app.reach(query.at_least).await?;
    let found = app.views.statements(merchant, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let items = found.value.items.iter().map(line).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

fn line(row: &StatementRow) -> StatementLine {
    StatementLine {
        id: row.id.to_string(),
        merchant: row.merchant.to_string(),
        number: row.number,
        state: row.state().name(),
        from: row.after.map(Into::into),
        until: row.at.into(),
        payable: row.payable.into(),
        set_off: row.set_off.into(),
        amount: row.amount.into(),
        carried: row.carried.into(),
        confirmed_at: row.confirmed_at.map(Into::into),
        paid: row.paid.as_ref().map(|paid| TransferLine {
            reference: paid.reference.clone(),
            on: printed::day(paid.on),
            at: paid.at.into(),
        }),
    }
}

async fn page_of(app: &App, row: &StatementRow) -> Result<Viewed<StatementPage>> {
    let sums = app.views.statement_sums(row).await;
    let sums = sums.map_err(store_problem)?;
    let page = StatementPage {
        line: line(row),
        accounts: accounts(&sums.value),
    };
    Ok(Viewed(sums.seq, page))
}

/// What he is owed stands above zero, and what he owes too.
fn shown(account: MerchantAccount, amount: i64) -> i64 {
    if account.is_liability() {
        amount.saturating_neg()
    } else {
        amount
    }
}

fn accounts(sums: &[StatementSum]) -> Vec<StatementAccount> {
    let of = |account: MerchantAccount| {
        let own = sums.iter().filter(move |sum| sum.account == account);
        let total = |opening: bool| {
            let rows = own.clone().filter(|sum| opening || sum.event.is_some());
            let rows = rows.filter(|sum| !opening || sum.event.is_none());
            rows.fold(0i64, |total, sum| total.saturating_add(sum.amount))
        };
        let lines = own.clone().filter_map(|sum| {
            Some(StatementSumLine {
                event: sum.event?,
                count: sum.lines,
                amount: Amount(shown(account, sum.amount)),
            })
        });
        StatementAccount {
            account: account.name(),
            opening: Amount(shown(account, total(true))),
            lines: lines.collect(),
            closing: Amount(shown(account, total(true).saturating_add(total(false)))),
        }
    };
    MerchantAccount::ALL.map(of).into()
}

/// The merchant's accounts before, every line, and the accounts after.
async fn csv(app: Arc<App>, row: StatementRow) -> Result<Response> {
    let sums = app.views.statement_sums(&row).await;
    let sums = accounts(&sums.map_err(store_problem)?.value);
    let balance = |kind: &str, of: &dyn Fn(&StatementAccount) -> Amount| -> String {
        let line = |sum: &StatementAccount| {
            format!("{kind},,,,{},{},,,,\n", sum.account, String::from(of(sum)))
        };
        sums.iter().map(line).collect()
    };
    let head = "kind,seq,line,at,account,amount,event,group,order,counter\n";
    let first = format!("{head}{}", balance("opening", &|sum| sum.opening));
    let last = balance("closing", &|sum| sum.closing);
    let name = format!(
        "attachment; filename=\"statement-{}-{}.csv\"",
        row.merchant, row.number
    );
    let begin = Reading {
        app,
        row,
        after: None,
        first: Some(first),
        last: Some(last),
    };
    let body = Body::from_stream(stream::try_unfold(begin, Reading::next));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

/// How far a file has been read: statements can have more lines than should stand in memory.
struct Reading {
    app: Arc<App>,
    row: StatementRow,
    after: Option<(u64, u32)>,
    first: Option<String>,
    last: Option<String>,
}

impl Reading {
    /// The next piece. A failure cuts the answer off, which its reader sees.
    async fn next(mut self) -> std::result::Result<Option<(String, Reading)>, views::StoreError> {
        if let Some(first) = self.first.take() {
            return Ok(Some((first, self)));
        }
        let reading = self
            .app
            .views
            .statement_lines(&self.row, self.after, LINES_AT_ONCE);
        let lines = reading.await?.value;
        let Some(newest) = lines.last() else {
            return Ok(self.last.take().map(|last| (last, self)));
        };
        self.after = Some((newest.seq, newest.line_no));
        let text = lines.iter().map(csv_line).collect();
        Ok(Some((text, self)))
    }
}

fn csv_line(line: &MerchantLine) -> String {
    let id = |id: Option<u64>| id.map(|id| id.to_string()).unwrap_or_default();
    format!(
        "line,{},{},{},{},{},{},{},{},{}\n",
        line.seq,
        line.line_no,
        rfc3339(line.at),
        line.account.name(),
        String::from(Amount(shown(line.account, line.amount))),
        line.event,
        id(line.group.map(|group| group.0)),
        id(line.order.map(|order| order.0)),
        id(line.counter.map(|counter| counter.0)),
    )
}

async fn printed_page(app: &App, row: &StatementRow) -> Result<Response> {
    let sums = app.views.statement_sums(row).await;
    let lines = app.views.statement_lines(row, None, PRINTED_LINES).await;
    let lines = lines.map_err(store_problem)?.value;
    let named = app.people.directory().merchant_name(row.merchant).await;
    let named = named.map_err(store_problem)?;
    let page = printed::Page {
        merchant: named.map_or_else(String::new, |named| named.name),
        line: line(row),
        accounts: accounts(&sums.map_err(store_problem)?.value),
        lines: lines
            .iter()
            .map(|line| (line, Amount(shown(line.account, line.amount))))
            .collect(),
    };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Ok((headers, page.html()).into_response())
}
