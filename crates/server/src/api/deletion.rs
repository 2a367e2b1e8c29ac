//! A member deletes his account (rules 9.9): what identifies him goes, what the journal knows of his number stays.
//!
//! Why a fresh code, and why the money is named: nobody can undo it, so neither a phone left on a table nor a slip of the finger may
//! be enough. What he leaves behind stays owed to his number, and nobody can sign in to it.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use domain::{MemberId, Money};
use views::{CodeCheck, Page, WithdrawalFilter, WithdrawalStatus};

use crate::app::{App, Shared, store_problem};
use crate::auth::{AsMember, Cookie, MEMBER_COOKIE, code_hash};
use crate::http::{Problem, Result, Write};
use crate::wire::DeletionWanted;

/// Deletes the member's account: name, phone, addresses, accounts, and what else tells who he is. His seats go on, and what he is
/// due stays under his number, where nobody can have it any more.
#[utoipa::path(post, path = "/me/delete", tag = "me", request_body = DeletionWanted, responses((status = 204, description = "Deleted; he is signed out everywhere")))]
pub(crate) async fn delete(
    State(app): Shared,
    member: AsMember,
    write: Write<DeletionWanted>,
) -> Result<impl IntoResponse> {
    let DeletionWanted { code, leave } = write.body;
    nothing_under_way(&app, member.0).await?;
    let left = left_behind(&app, member.0).await?;
    let named = Money(leave.map_or(0, |leave| leave.0));
    if named != left {
        let detail = "say how much money you leave behind: nobody can have it afterwards";
        let problem = Problem::conflict("account_not_empty", detail);
        return Err(problem.with("left", left.to_decimal()));
    }
    let directory = app.people.directory();
    let person = app.people.person(member.0).await?;
    let phone = person.and_then(|person| person.phone).unwrap_or_default();
    let given = code_hash(&phone, &code);
    let check = directory.check_code(&phone, &given, app.config.clock.now());
    if check.await.map_err(store_problem)? != CodeCheck::Right {
        let detail = "the code is wrong, used up or too old; ask for a new one";
        return Err(Problem::new(StatusCode::FORBIDDEN, "code_wrong", detail));
    }
    let deleting = directory.delete_person(member.0).await;
    deleting.map_err(store_problem)?;
    let cookie = Cookie {
        name: MEMBER_COOKIE,
        secret: None,
        lifetime_s: 0,
    };
    let cookie = cookie.header(&app.config.base_url);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(header::SET_COOKIE, cookie)]),
    ))
}

/// What he could withdraw, now or later.
async fn left_behind(app: &App, member: MemberId) -> Result<Money> {
    let view = app.query(move |world| world.member(member)).await?;
    let left = view.map_or(0, |view| {
        let available = view.available.0.max(0);
        available.saturating_add(view.vesting.0)
    });
    Ok(Money(left))
}

/// Where a withdrawal is paid goes with the account, so none may be under way.
async fn nothing_under_way(app: &App, member: MemberId) -> Result<()> {
    let head = *app.engine.committed().borrow();
    app.reach(Some(head)).await?;
    for state in [
        WithdrawalStatus::Requested,
        WithdrawalStatus::Sent,
        WithdrawalStatus::Waiting,
    ] {
        let filter = WithdrawalFilter {
            member: Some(member),
            state: Some(state),
        };
        let found = app.views.withdrawals(filter, Page::new(None, 1)).await;
        if !found.map_err(store_problem)?.value.items.is_empty() {
            let detail = "a withdrawal of yours is not paid yet: wait until it is, or ask that it be rejected";
            return Err(Problem::conflict("withdrawal_under_way", detail));
        }
    }
    Ok(())
}
