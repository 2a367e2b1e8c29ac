//! Withdrawals: a member asks, staff decide, finance reads (rules 9.3). Names and accounts stand in the directory.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Answer, Command, MemberId, Millis, Money, WithdrawalId, percent};
use serde::Deserialize;
use utoipa::IntoParams;
use views::{PayoutAccount, WithdrawalFilter, WithdrawalRow, WithdrawalStatus};

use super::approvals::{Acted, Wanted, act};
use super::orders::short;
use super::reports::{Csv, PAGE, ReportQuery};
use super::standing::{check_reason, decide, note_beside};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMember};
use crate::http::{Page, Params, Problem, Result, Segment, Write, decimal, items, page_of};
use crate::money::payout_no;
use crate::once::{Answered, Holds, once};
use crate::present::masked;
use crate::wire::{
    AccountVerified, Amount, ApprovalLine, ClawbackWanted, Confirmation, Done, List, MyWithdrawals,
    PayoutAccountCard, PayoutAccountPage, PayoutAccountWanted, Reasoned, WithdrawalAsked,
    WithdrawalCard, WithdrawalLine, WithdrawalWanted, rfc3339,
};
use payments::PayoutState;

/// The member's withdrawals, newest first, and what he may ask for now.
#[utoipa::path(get, path = "/me/withdrawals", tag = "me", params(Page), responses((status = 200, description = "Withdrawals", body = MyWithdrawals)))]
pub(crate) async fn mine(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<MyWithdrawals>> {
    app.reach(query.at_least).await?;
    let filter = WithdrawalFilter {
        member: Some(member.0),
        state: None,
    };
    let found = app.views.withdrawals(filter, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let (id, now) = (member.0, app.config.clock.now());
    let (available, terms, left) = app
        .query(move |world| {
            let available = world.member(id).map(|known| known.available);
            (
                available.unwrap_or(Money::ZERO),
                *world.withdrawal_terms(),
                world.withdrawal_left(id, now),
            )
        })
        .await?;
    let withdrawals = List {
        items: found.value.items.iter().map(card).collect(),
        next: found.value.next.map(|next| next.to_string()),
    };
    Ok(Viewed(
        found.seq,
        MyWithdrawals {
            available: available.into(),
            minimum: terms.minimum.into(),
            fee: format!("{}%", percent(terms.fee)),
            left_today: left.into(),
            withdrawals,
        },
    ))
}

/// Asks for available money, to be paid to the member's own verified account. The idempotency key names the withdrawal
/// for ever: the same key of the same member is the same withdrawal, however late it is repeated.
#[utoipa::path(post, path = "/me/withdrawals", tag = "me", request_body = WithdrawalWanted, responses((status = 200, description = "Asked for", body = WithdrawalAsked)))]
pub(crate) async fn ask(
    State(app): Shared,
    member: AsMember,
    write: Write<WithdrawalWanted>,
) -> Result<Json<WithdrawalAsked>> {
    let (id, token) = (member.0, write.key.key);
    let known = app
        .query(move |world| world.withdrawal_of(id, token))
        .await?;
    // What was asked for before keeps its account, whatever he has entered since.
    let account = match known {
        Some(_) => [0; 16],
        None => verified_account(&app, id).await?,
    };
    let command = Command::Withdraw {
        member: id,
        token,
        amount: Money(write.body.amount.0),
        account,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    match reply.answer {
        Answer::Withdrawal(withdrawal) => Ok(Json(WithdrawalAsked {
            id: withdrawal.to_string(),
            seq: reply.seq.to_string(),
        })),
        Answer::Done
        | domain::Answer::Merchant(_)
        | domain::Answer::Store(_)
        | domain::Answer::Sku(_)
        | domain::Answer::Purchase(_)
        | domain::Answer::Counter(_)
        | domain::Answer::Table(_)
        | Answer::Member(_)
        | Answer::Campaign(_)
        | Answer::Reserved { .. }
        | Answer::Payment(_) => Err(Problem::fault(
            "a withdrawal answered with something else",
            &"no withdrawal",
        )),
    }
}

async fn verified_account(app: &App, member: MemberId) -> Result<[u8; 16]> {
    let account = app.people.directory().payout_account_of(member).await;
    let account = account.map_err(store_problem)?.ok_or_else(|| {
        Problem::conflict(
            "payout_account_missing",
            "say first to which account of yours it is to be paid",
        )
    })?;
    if account.verified_at.is_none() {
        return Err(Problem::conflict(
            "payout_account_unverified",
            "the account has not been verified as your own yet",
        ));
    }
    Ok(account.token)
}

/// Where the member confirms a withdrawal that waits for that.
#[utoipa::path(get, path = "/me/withdrawals/{id}/confirmation", tag = "me", params(("id" = String, Path)), responses((status = 200, description = "The channel's page", body = Confirmation)))]
pub(crate) async fn confirmation(
    State(app): Shared,
    member: AsMember,
    Segment(id): Segment<WithdrawalId>,
) -> Result<Json<Confirmation>> {
    let (known, token) = app
        .query(move |world| (world.withdrawal(id).copied(), world.token(member.0)))
        .await?;
    let own = known.filter(|known| known.member == member.0);
    let Some((known, token)) = own.zip(token) else {
        return Err(domain::Refusal::UnknownWithdrawal(id).into());
    };
    let payout_no = payout_no(&token, &known);
    match app.config.channel.query_payout(&payout_no).await {
        Ok(PayoutState::Waiting {
            confirm_url,
            until_ms,
        }) => Ok(Json(Confirmation {
            url: confirm_url,
            until: Millis(until_ms).into(),
        })),
        Ok(
            PayoutState::Done { .. }
            | PayoutState::Processing
            | PayoutState::Failed { .. }
            | PayoutState::Expired { .. },
        )
        | Err(payments::ChannelError::Refused(_)) => {
            Err(domain::Refusal::WithdrawalState(id).into())
        }
        Err(error @ payments::ChannelError::Unknown(_)) => Err(Problem::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "channel_unreachable",
            error.to_string(),
        )
        .retry_after(1)),
    }
}

/// Where the member's withdrawals go.
#[utoipa::path(get, path = "/me/payout-account", tag = "me", responses((status = 200, description = "The account, or none", body = PayoutAccountPage)))]
pub(crate) async fn my_account(
    State(app): Shared,
    member: AsMember,
) -> Result<Json<PayoutAccountPage>> {
    account_page(&app, member.0).await
}

/// Enters where the member's withdrawals go, in place of the account before; staff verify it. Withdrawals that were
/// asked for before go where they were to go.
#[utoipa::path(post, path = "/me/payout-account", tag = "me", request_body = PayoutAccountWanted, responses((status = 200, description = "Entered", body = PayoutAccountPage)))]
pub(crate) async fn enter_account(
    State(app): Shared,
    member: AsMember,
    write: Write<PayoutAccountWanted>,
) -> Result<Answered> {
    let doing = entered(&app, member.0, write.body);
    once(&app, (member.actor(), write.key), Holds::NoSecret, doing).await
}

async fn entered(
    app: &App,
    member: MemberId,
    wanted: PayoutAccountWanted,
) -> Result<(StatusCode, PayoutAccountPage)> {
    let PayoutAccountWanted { name, account } = wanted;
    for (field, text) in [("name", &name), ("account", &account)] {
        let sound = !text.trim().is_empty()
            && text.len() <= payments::MAX_PAYEE_BYTES
            && !text.chars().any(char::is_control);
        if !sound {
            let most = payments::MAX_PAYEE_BYTES;
            let detail = format!("{field} has 1 to {most} bytes and no line breaks");
            return Err(Problem::unprocessable("body_invalid", detail).with("field", field));
        }
    }
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| Problem::fault("no random bytes", &error))?;
    let wanted = PayoutAccount {
        token,
        member,
        name: name.trim().to_owned(),
        account: account.trim().to_owned(),
        created_at: app.config.clock.now(),
        verified_at: None,
    };
    let entered = app.people.directory().set_payout_account(&wanted).await;
    let account = Some(account_card(&entered.map_err(store_problem)?));
    Ok((StatusCode::OK, PayoutAccountPage { account }))
}

/// A member's account, as he has entered it.
#[utoipa::path(get, path = "/console/members/{id}/payout-account", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "The account, or none", body = PayoutAccountPage)))]
pub(crate) async fn account_of(
    State(app): Shared,
    _: AsFinance,
    Segment(member): Segment<MemberId>,
) -> Result<Json<PayoutAccountPage>> {
    account_page(&app, member).await
}

/// Notes that the account which a member has entered is his own.
#[utoipa::path(post, path = "/console/members/{id}/payout-account/verify", tag = "console", params(("id" = String, Path)), request_body = AccountVerified, responses((status = 200, description = "Verified", body = PayoutAccountPage)))]
pub(crate) async fn verify_account(
    State(app): Shared,
    operator: AsFinance,
    Segment(member): Segment<MemberId>,
    write: Write<AccountVerified>,
) -> Result<Json<PayoutAccountPage>> {
    let AccountVerified { token, reason } = write.body;
    check_reason(&reason)?;
    let account = app.people.directory().payout_account_of(member).await;
    let account = account.map_err(store_problem)?;
    let seen = account.filter(|account| draw::to_hex(&account.token) == token);
    let changed = || {
        Problem::conflict(
            "payout_account_changed",
            "the member has another account by now: look at it again",
        )
    };
    let account = seen.ok_or_else(changed)?;
    let now = app.config.clock.now();
    let directory = app.people.directory();
    let verified = directory.verify_payout_account((member, &account.token), operator.id, now);
    if !verified.await.map_err(store_problem)? {
        return Err(changed());
    }
    let what = ("verify-payout-account", member.0, reason);
    note_beside(&app, (operator.id, write.key), what).await?;
    account_page(&app, member).await
}

async fn account_page(app: &App, member: MemberId) -> Result<Json<PayoutAccountPage>> {
    let account = app.people.directory().payout_account_of(member).await;
    let account = account.map_err(store_problem)?.as_ref().map(account_card);
    Ok(Json(PayoutAccountPage { account }))
}

fn account_card(account: &PayoutAccount) -> PayoutAccountCard {
    PayoutAccountCard {
        token: draw::to_hex(&account.token),
        name: account.name.clone(),
        account: account.account.clone(),
        entered_at: account.created_at.into(),
        verified_at: account.verified_at.map(Into::into),
    }
}

fn card(row: &WithdrawalRow) -> WithdrawalCard {
    WithdrawalCard {
        id: row.id.to_string(),
        amount: row.amount.into(),
        fee: row.fee.into(),
        net: row.net().into(),
        state: row.state.name(),
        requested_at: row.requested_at.into(),
        approved_at: row.approved_at.map(Into::into),
        ended_at: row.ended_at.map(Into::into),
    }
}

/// Which withdrawals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WithdrawalsQuery {
    /// `requested`, `sent`, `waiting`, `paid`, `rejected`, `failed` or `expired`; all without it.
    state: Option<String>,
    /// Only this member's.
    member: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// Everybody's withdrawals, newest first.
#[utoipa::path(get, path = "/console/withdrawals", tag = "console", params(WithdrawalsQuery), responses((status = 200, description = "Withdrawals", body = List<WithdrawalLine>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<WithdrawalsQuery>,
) -> Result<Viewed<List<WithdrawalLine>>> {
    let wrong = |what: &'static str| Problem::bad_request("query_invalid", what);
    let state = query.state.as_deref().map(|name| {
        WithdrawalStatus::named(name).ok_or_else(|| wrong("there is no such state of withdrawals"))
    });
    let member = query.member.as_deref().map(|text| {
        decimal(text)
            .map(MemberId)
            .ok_or_else(|| wrong("member is a number"))
    });
    let filter = WithdrawalFilter {
        member: member.transpose()?,
        state: state.transpose()?,
    };
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    app.reach(query.at_least).await?;
    let found = app.views.withdrawals(filter, page).await;
    let found = found.map_err(store_problem)?;
    let rows = &found.value.items;
    let faces = app.people.faces(rows.iter().map(|row| row.member)).await?;
    let asked: Vec<_> = rows.iter().map(|row| (row.id, row.member)).collect();
    let now = app.config.clock.now();
    let checks = app.query(move |world| {
        let each = asked.into_iter().map(|(id, member)| {
            let refused = world.why_not_approve(id, now);
            (world.verified_age(member, now), refused)
        });
        each.collect::<Vec<_>>()
    });
    let checks = checks.await?;
    let items = rows
        .iter()
        .zip(checks)
        .map(|(row, (verified_age, refused))| WithdrawalLine {
            member: row.member.to_string(),
            member_masked: masked(&faces, row.member),
            verified_age,
            refused_by: refused.map(|refused| refused.code()),
            withdrawal: card(row),
        });
    let items = items.collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// Has a withdrawal paid, and says what was looked at. The channel is told when this is durable.
#[utoipa::path(post, path = "/console/withdrawals/{id}/approve", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Approved", body = Done)))]
pub(crate) async fn approve(
    State(app): Shared,
    operator: AsFinance,
    Segment(withdrawal): Segment<WithdrawalId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::ApproveWithdrawal { withdrawal };
    let what = ("approve-withdrawal", short(withdrawal.0), write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Gives a withdrawal's money back.
#[utoipa::path(post, path = "/console/withdrawals/{id}/reject", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Rejected", body = Done)))]
pub(crate) async fn reject(
    State(app): Shared,
    operator: AsFinance,
    Segment(withdrawal): Segment<WithdrawalId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let (key, reason) = (write.key, write.body.reason);
    let command = Command::RejectWithdrawal { withdrawal };
    let subject = short(withdrawal.0);
    decide(
        &app,
        operator.id,
        (key, command),
        ("reject-withdrawal", subject, reason),
    )
    .await
}

/// Takes back a reward that was available already, for fraud or a chargeback. What the member has not any more is set off
/// against what he gets later; what stands in a requested withdrawal stays there unless that is rejected.
#[utoipa::path(post, path = "/console/members/{id}/clawback", tag = "console", params(("id" = String, Path)), request_body = ClawbackWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Taken back; there is no other operator", body = Done)))]
pub(crate) async fn claw_back(
    State(app): Shared,
    operator: AsFinance,
    Segment(member): Segment<MemberId>,
    write: Write<ClawbackWanted>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "clawback",
        subject: member.0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Every withdrawal that was asked for in a time, one line each, for finance: `id,member,requested_at,paid_at,gross,fee,tax,net,state`.
/// Amounts are yuan. The tax is nothing: it is withheld as a reward is received, and stands in `/tax.csv`.
#[utoipa::path(get, path = "/withdrawals.csv", tag = "console", params(ReportQuery), responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn report(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<ReportQuery>,
) -> Result<Csv> {
    let time = query.time(&app).await?;
    let mut csv = Csv::new("id,member,requested_at,paid_at,gross,fee,tax,net,state");
    let mut after = None;
    loop {
        let rows = app.views.withdrawals_between(time, after, PAGE).await;
        let rows = rows.map_err(store_problem)?.value;
        let Some(last) = rows.last() else {
            return Ok(csv);
        };
        after = Some(last.id);
        csv.push(&rows, line)?;
    }
}

fn line(row: &WithdrawalRow) -> String {
    let paid_at = match row.state {
        WithdrawalStatus::Paid => row.ended_at.map(rfc3339),
        WithdrawalStatus::Requested
        | WithdrawalStatus::Sent
        | WithdrawalStatus::Waiting
        | WithdrawalStatus::Rejected
        | WithdrawalStatus::Failed
        | WithdrawalStatus::Expired => None,
    };
    let text = |amount: Money| String::from(Amount::from(amount));
    format!(
        "{},{},{},{},{},{},0.00,{},{}\n",
        row.id,
        row.member,
        rfc3339(row.requested_at),
        paid_at.unwrap_or_default(),
        text(row.amount),
        text(row.fee),
        text(row.net()),
        row.state.name()
    )
}
