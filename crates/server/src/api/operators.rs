//! Operators and finance, and the end of an account (rules 11): its sessions end at once, and nobody waits for its approval any more.
//!
//! Why always a second person, and the machine's own shell where there is none: whoever could remove the others alone could then do
//! alone what asks for two. Why the row
//! stays: the journal and the list of decisions name its number, which nobody else gets, nor its name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::OperatorId;
use views::OperatorRow;

use super::approvals::{Acted, Wanted, act, line};
use super::standing::check_reason;
use crate::app::{App, Shared, store_problem};
use crate::auth::AsOperator;
use crate::http::{OperatorName, Page, Params, Problem, Result, Segment, Write};
use crate::once::{Answered, Holds, once};
use crate::people::{FINANCE_ROLE, OPERATOR_ROLE};
use crate::wire::{ApprovalLine, Done, List, OperatorLine, Reasoned, RemovalAnswer, RemovalAsked};

/// As approvals and decisions call it.
pub(super) const REMOVE_OPERATOR: &str = "remove-operator";

/// Who runs the platform, newest first. Removed accounts are not among them.
#[utoipa::path(get, path = "/console/operators", tag = "console", params(Page), responses((status = 200, description = "Accounts", body = List<OperatorLine>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Json<List<OperatorLine>>> {
    let found = app.people.directory().operators(query.of()?).await;
    let found = found.map_err(store_problem)?;
    let line = |row: OperatorRow| OperatorLine {
        id: row.id.to_string(),
        name: row.name,
        role: row.role,
    };
    Ok(Json(List {
        items: found.items.into_iter().map(line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

/// Removes an operator or somebody of finance for ever: his sessions end at once. Another operator approves it, neither who asks
/// nor who is removed; where there is none it is done at the machine's shell. Nobody removes himself.
#[utoipa::path(post, path = "/console/operators/{name}/remove", tag = "console", params(("name" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Removed already", body = Done), (status = 202, description = "It waits for a second operator", body = ApprovalLine)))]
pub(crate) async fn remove(
    State(app): Shared,
    operator: AsOperator,
    Segment(OperatorName(name)): Segment<OperatorName>,
    write: Write<Reasoned>,
) -> Result<Answered> {
    let doing = async {
        let row = of_staff(&app, &name).await?;
        if row.id == operator.id {
            return Err(not_himself());
        }
        check_reason(&write.body.reason)?;
        second_stays(&app, &row).await?;
        let wanted = Wanted {
            what: REMOVE_OPERATOR,
            subject: row.id.0,
            body: &RemovalAsked {
                name: row.name,
                reason: write.body.reason,
            },
        };
        match act(&app, operator.id, write.key, wanted).await? {
            Acted::Waits(approval) => {
                let waits = RemovalAnswer::Waits(Box::new(line(*approval)));
                Ok((StatusCode::ACCEPTED, waits))
            }
            Acted::Done(seq) => Ok((StatusCode::OK, RemovalAnswer::Removed(Done::at(seq).0))),
        }
    };
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

/// Refuses where nobody could approve it but who is to be removed.
async fn second_stays(app: &App, leaving: &OperatorRow) -> Result<()> {
    let operators = app.people.directory().staff_of(OPERATOR_ROLE).await;
    let operators = operators.map_err(store_problem)?;
    if operators.saturating_sub(u32::from(leaving.role == OPERATOR_ROLE)) < 2 {
        return Err(Problem::conflict(
            "operator_second",
            "no other operator could approve it: remove the account at the machine's own shell",
        ));
    }
    Ok(())
}

async fn of_staff(app: &App, name: &str) -> Result<OperatorRow> {
    let found = app.people.directory().operator_by_name(name).await;
    let on_staff = |row: &OperatorRow| row.role == OPERATOR_ROLE || row.role == FINANCE_ROLE;
    let found = found.map_err(store_problem)?.filter(on_staff);
    found.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("operator_unknown", "there is no such operator")
}

pub(super) fn not_himself() -> Problem {
    Problem::conflict(
        "operator_self",
        "nobody removes himself: another operator does",
    )
}

/// The end of an account. Asked for again when it has ended, it changes nothing.
pub(super) struct Removal {
    pub(super) id: OperatorId,
}

/// Whose account ends, and why.
pub(super) async fn removing(
    app: &App,
    id: OperatorId,
    asked: RemovalAsked,
) -> Result<(Removal, String)> {
    check_reason(&asked.reason)?;
    let found = app.people.directory().operator_by_id(id).await;
    found.map_err(store_problem)?.ok_or_else(unknown)?;
    Ok((Removal { id }, asked.reason))
}

/// Ends it. The last operator stays, whoever removes whom at the same moment.
pub(super) async fn perform(app: &App, removal: &Removal) -> Result<()> {
    let removing = app.people.directory().remove_operator(removal.id).await;
    if removing.map_err(store_problem)? {
        return Ok(());
    }
    let detail = "he is the last operator: nobody could sign in";
    Err(Problem::conflict("operator_last", detail))
}
