//! Accounts of merchants' staff: operators keep all of a merchant's, he his cashiers (rules 10).
//!
//! An account acts for a merchant, and his money follows who acts for him: one that an operator makes, or gives another password,
//! waits for a second operator (rules 11).
//!
//! Why a removed account's row stays: decisions and the journal name its number, and nobody else may get it, nor the name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{IdempotencyKey, MerchantId, OperatorId, StoreId};
use views::{Approval, DirectoryError, REMOVED_ROLE, Scope, StaffRow};

use super::approvals::{Acted, Wanted, act};
use super::merchants::{MAX_NAME_CHARS, check_line};
use super::standing::{check_reason, note_beside};
use crate::app::{App, Shared, store_problem};
use crate::auth::{AsMerchant, AsOperator, hash_password, not_yours};
use crate::http::{Page, Params, Problem, Result, Segment, StaffNumber, Write, decimal};
use crate::once::{Answered, Holds, once, slowly};
use crate::people::{CASHIER_ROLE, MERCHANT_ROLE, OPERATOR_ROLE};
use crate::staff::MIN_PASSWORD_CHARS;
use crate::wire::{
    ApprovalLine, List, PasswordAsked, PasswordWanted, Reasoned, StaffAdded, StaffAnswer,
    StaffAsked, StaffLine, StaffWanted,
};

/// An account that is to be added, as approvals and decisions name it.
pub(super) const ADD_STAFF: &str = "add-staff";
/// Another password for one.
pub(super) const STAFF_PASSWORD: &str = "staff-password";

/// Adds an account of somebody who acts for a merchant, or of a cashier at one of his stores.
#[utoipa::path(post, path = "/console/merchants/{id}/staff", tag = "console", params(("id" = String, Path)), request_body = StaffWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Added; there is no other operator", body = StaffAdded)))]
pub(crate) async fn add(
    State(app): Shared,
    operator: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    write: Write<StaffWanted>,
) -> Result<Answered> {
    let doing = async {
        let body = asked(&app, write.body).await?;
        let wanted = Wanted {
            what: ADD_STAFF,
            subject: merchant.0,
            body: &body,
        };
        match act(&app, operator.id, write.key, wanted).await? {
            Acted::Waits(approval) => Ok(waits(*approval)),
            Acted::Done(_) => {
                let found = app.people.directory().operator_by_name(&body.name).await;
                let found = found.map_err(store_problem)?.ok_or_else(unknown)?;
                Ok((StatusCode::OK, was_added(found.id, body.store.is_some())))
            }
        }
    };
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::APassword, doing).await
}

/// Adds a cashier at one of the merchant's stores.
#[utoipa::path(post, path = "/merchant/staff", tag = "merchant", request_body = StaffWanted, responses((status = 200, description = "Added", body = StaffAdded)))]
pub(crate) async fn add_cashier(
    State(app): Shared,
    merchant: AsMerchant,
    write: Write<StaffWanted>,
) -> Result<Answered> {
    if write.body.store.is_none() {
        let detail = "a merchant adds cashiers: store is missing";
        return Err(Problem::unprocessable("body_invalid", detail).with("field", "store"));
    }
    let doing = async {
        let body = asked(&app, write.body).await?;
        let (deed, reason) = adding(&app, merchant.merchant, body).await?;
        let id = perform(&app, deed).await?;
        let what = (ADD_STAFF, id.0, reason);
        note_beside(&app, (merchant.id, write.key), what).await?;
        Ok((StatusCode::OK, was_added(id, true)))
    };
    let who = (merchant.actor(), write.key);
    once(&app, who, Holds::APassword, doing).await
}

/// Accounts of a merchant's staff, those that were removed among them, newest first.
#[utoipa::path(get, path = "/console/merchants/{id}/staff", tag = "console", params(("id" = String, Path), Page), responses((status = 200, description = "Accounts", body = List<StaffLine>)))]
pub(crate) async fn list(
    State(app): Shared,
    _: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    Params(query): Params<Page>,
) -> Result<Json<List<StaffLine>>> {
    is_known(&app, merchant).await?;
    accounts(&app, merchant, &query).await
}

/// Accounts of the merchant's staff, those that were removed among them, newest first.
#[utoipa::path(get, path = "/merchant/staff", tag = "merchant", params(Page), responses((status = 200, description = "Accounts", body = List<StaffLine>)))]
pub(crate) async fn mine(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Json<List<StaffLine>>> {
    accounts(&app, merchant.merchant, &query).await
}

/// Removes an account of a merchant's staff for ever: its sessions end at once.
#[utoipa::path(post, path = "/console/merchant-staff/{id}/remove", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Removed", body = StaffLine)))]
pub(crate) async fn remove(
    State(app): Shared,
    operator: AsOperator,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<Reasoned>,
) -> Result<Answered> {
    let row = one(&app, staff).await?;
    let by = (operator.id, write.key);
    let doing = removed(&app, by, row, write.body.reason);
    once(&app, (operator.actor(), write.key), Holds::NoSecret, doing).await
}

/// Removes one of the merchant's cashiers for ever: his sessions end at once.
#[utoipa::path(post, path = "/merchant/staff/{id}/remove", tag = "merchant", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Removed", body = StaffLine)))]
pub(crate) async fn remove_cashier(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<Reasoned>,
) -> Result<Answered> {
    let row = cashier(&app, merchant.merchant, staff).await?;
    let by = (merchant.id, write.key);
    let doing = removed(&app, by, row, write.body.reason);
    once(&app, (merchant.actor(), write.key), Holds::NoSecret, doing).await
}

/// Gives an account of a merchant's staff another password: its sessions end at once.
#[utoipa::path(post, path = "/console/merchant-staff/{id}/password", tag = "console", params(("id" = String, Path)), request_body = PasswordWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Changed; there is no other operator", body = StaffLine)))]
pub(crate) async fn password(
    State(app): Shared,
    operator: AsOperator,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<PasswordWanted>,
) -> Result<Answered> {
    let row = one(&app, staff).await?;
    let doing = async {
        let body = asked_password(&app, &row, write.body).await?;
        let wanted = Wanted {
            what: STAFF_PASSWORD,
            subject: row.id.0,
            body: &body,
        };
        match act(&app, operator.id, write.key, wanted).await? {
            Acted::Waits(approval) => Ok(waits(*approval)),
            Acted::Done(_) => Ok((StatusCode::OK, StaffAnswer::Line(line(row)))),
        }
    };
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::APassword, doing).await
}

/// Gives one of the merchant's cashiers another password: his sessions end at once.
#[utoipa::path(post, path = "/merchant/staff/{id}/password", tag = "merchant", params(("id" = String, Path)), request_body = PasswordWanted, responses((status = 200, description = "Changed", body = StaffLine)))]
pub(crate) async fn cashier_password(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<PasswordWanted>,
) -> Result<Answered> {
    let row = cashier(&app, merchant.merchant, staff).await?;
    let doing = async {
        let body = asked_password(&app, &row, write.body).await?;
        let (deed, reason) = changing(&app, row.id, body).await?;
        let id = perform(&app, deed).await?;
        let what = (STAFF_PASSWORD, id.0, reason);
        note_beside(&app, (merchant.id, write.key), what).await?;
        Ok((StatusCode::OK, StaffAnswer::Line(line(row))))
    };
    let who = (merchant.actor(), write.key);
    once(&app, who, Holds::APassword, doing).await
}

fn waits(approval: Approval) -> (StatusCode, StaffAnswer) {
    let approval = Box::new(super::approvals::line(approval));
    (StatusCode::ACCEPTED, StaffAnswer::Waits(approval))
}

fn was_added(id: OperatorId, at_store: bool) -> StaffAnswer {
    StaffAnswer::Added(StaffAdded {
        id: id.to_string(),
        role: role_of(at_store),
    })
}

fn role_of(at_store: bool) -> &'static str {
    if at_store {
        CASHIER_ROLE
    } else {
        MERCHANT_ROLE
    }
}

fn line(row: StaffRow) -> StaffLine {
    StaffLine {
        id: row.id.to_string(),
        name: row.name,
        role: row.role,
        store: row.store.map(|store| store.to_string()),
        added_at: row.created_at.into(),
    }
}

async fn accounts(app: &App, merchant: MerchantId, query: &Page) -> Result<Json<List<StaffLine>>> {
    let directory = app.people.directory();
    let found = directory.staff_of_merchant(merchant, query.of()?).await;
    let found = found.map_err(store_problem)?;
    Ok(Json(List {
        items: found.items.into_iter().map(line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

fn unknown() -> Problem {
    Problem::not_found("staff_unknown", "there is no such account")
}

async fn one(app: &App, id: OperatorId) -> Result<StaffRow> {
    let found = app.people.directory().one_of_staff(id).await;
    found.map_err(store_problem)?.ok_or_else(unknown)
}

/// Another merchant's account looks like none, and who acts for the merchant himself is the operators' to change.
async fn cashier(app: &App, merchant: MerchantId, id: OperatorId) -> Result<StaffRow> {
    let row = one(app, id).await?;
    if row.merchant != merchant {
        return Err(unknown());
    }
    if row.role == MERCHANT_ROLE {
        return Err(not_yours(OPERATOR_ROLE));
    }
    Ok(row)
}

async fn removed(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    row: StaffRow,
    reason: String,
) -> Result<(StatusCode, StaffLine)> {
    check_reason(&reason)?;
    let id = row.id;
    if row.role != REMOVED_ROLE {
        let removing = app.people.directory().remove_staff(id).await;
        removing.map_err(store_problem)?;
        note_beside(app, by, ("remove-staff", id.0, reason)).await?;
    }
    Ok((StatusCode::OK, line(one(app, id).await?)))
}

/// A change of an account, with the password's hash.
pub(super) enum AccountDeed {
    /// Adds one.
    Add {
        name: String,
        hash: String,
        scope: Scope,
    },
    /// Gives one another password.
    Password { id: OperatorId, hash: String },
}

/// What is kept of an account that is asked for.
async fn asked(app: &App, wanted: StaffWanted) -> Result<StaffAsked> {
    let StaffWanted {
        name,
        password,
        store,
        reason,
    } = wanted;
    check_line(&name, MAX_NAME_CHARS, "name")?;
    // Where nobody says why, who was added says enough.
    let reason = reason.unwrap_or_else(|| format!("added {name}"));
    Ok(StaffAsked {
        password_hash: hashed(app, password).await?,
        name,
        store,
        reason,
    })
}

async fn asked_password(
    app: &App,
    row: &StaffRow,
    wanted: PasswordWanted,
) -> Result<PasswordAsked> {
    check_reason(&wanted.reason)?;
    Ok(PasswordAsked {
        before: Some(named(&hash_of(app, row).await?)),
        password_hash: hashed(app, wanted.password).await?,
        reason: wanted.reason,
    })
}

/// The hash of an account's password.
async fn hash_of(app: &App, row: &StaffRow) -> Result<String> {
    let found = app.people.directory().operator_by_name(&row.name).await;
    let found = found.map_err(store_problem)?.ok_or_else(unknown)?;
    Ok(found.password_hash)
}

/// Names a password's hash without telling it.
fn named(hash: &str) -> String {
    draw::hash(hash.as_bytes()).to_string()
}

/// What adds an account, and why. The store must be the merchant's: another's looks like none.
pub(super) async fn adding(
    app: &App,
    merchant: MerchantId,
    asked: StaffAsked,
) -> Result<(AccountDeed, String)> {
    let StaffAsked {
        name,
        store,
        reason,
        password_hash: hash,
    } = asked;
    check_line(&name, MAX_NAME_CHARS, "name")?;
    check_reason(&reason)?;
    let no_store = || Problem::not_found("store_unknown", "there is no such store");
    let store = match store {
        Some(text) => Some(decimal(&text).map(StoreId).ok_or_else(no_store)?),
        None => None,
    };
    is_known(app, merchant).await?;
    if let Some(store) = store {
        let owner = app.query(move |world| world.store(store)).await?;
        if owner.is_none_or(|(owner, _)| owner != merchant) {
            return Err(no_store());
        }
    }
    added_before(app, &name, &hash).await?;
    let scope = Scope { merchant, store };
    Ok((AccountDeed::Add { name, hash, scope }, reason))
}

/// The account of this name, if it was added with this hash: then this is the same again. Another one of the name is refused.
async fn added_before(app: &App, name: &str, hash: &str) -> Result<Option<OperatorId>> {
    let found = app.people.directory().operator_by_name(name).await;
    match found.map_err(store_problem)? {
        None => Ok(None),
        Some(row) if row.password_hash == hash => Ok(Some(row.id)),
        Some(_) => Err(name_taken()),
    }
}

fn name_taken() -> Problem {
    let detail = "somebody signs in with this name already";
    Problem::conflict("name_taken", detail)
}

/// What gives an account another password, and why.
pub(super) async fn changing(
    app: &App,
    id: OperatorId,
    asked: PasswordAsked,
) -> Result<(AccountDeed, String)> {
    check_reason(&asked.reason)?;
    let row = one(app, id).await?;
    if row.role == REMOVED_ROLE {
        let detail = "this account was removed; add another one";
        return Err(Problem::conflict("staff_removed", detail));
    }
    let hash = asked.password_hash;
    let stands = hash_of(app, &row).await?;
    let known = |before: &String| stands == hash || named(&stands) == *before;
    if !asked.before.as_ref().is_none_or(known) {
        let detail = "the account was given another password since: ask for it anew";
        return Err(Problem::conflict("approval_over", detail));
    }
    Ok((AccountDeed::Password { id, hash }, asked.reason))
}

/// Does it. Done again it changes nothing: the hash has a salt of its own, and names the request.
pub(super) async fn perform(app: &App, deed: AccountDeed) -> Result<OperatorId> {
    let directory = app.people.directory();
    match deed {
        AccountDeed::Add { name, hash, scope } => {
            if let Some(known) = added_before(app, &name, &hash).await? {
                return Ok(known);
            }
            let role = role_of(scope.store.is_some());
            let now = app.config.clock.now();
            let adding = directory.add_staff((&name, &hash), role, scope, now);
            adding.await.map_err(|error| match error {
                DirectoryError::NameTaken(_) => name_taken(),
                DirectoryError::Store(error) => store_problem(error),
                DirectoryError::Newer { .. }
                | DirectoryError::InviteCodeTaken
                | DirectoryError::UnknownToken => {
                    Problem::fault("an account could not be added", &error)
                }
            })
        }
        AccountDeed::Password { id, hash } => {
            let changing = directory.change_staff_password(id, &hash).await;
            changing.map_err(store_problem)?;
            Ok(id)
        }
    }
}

async fn hashed(app: &App, password: String) -> Result<String> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        let detail = format!("a password has at least {MIN_PASSWORD_CHARS} characters");
        return Err(Problem::unprocessable("body_invalid", detail).with("field", "password"));
    }
    let hash = slowly(app, move || hash_password(&password)).await?;
    hash.ok_or_else(Problem::stopped)
}

async fn is_known(app: &App, merchant: MerchantId) -> Result<()> {
    let known = app.query(move |world| world.merchant(merchant).is_some());
    if known.await? {
        return Ok(());
    }
    let detail = "there is no such merchant";
    Err(Problem::not_found("merchant_unknown", detail))
}
