//! Accounts of merchants' staff: operators keep all of a merchant's, he his cashiers (rules 10).
//!
//! Why a removed account's row stays: decisions and the journal name its number, and nobody else may get it, nor the name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{IdempotencyKey, MerchantId, OperatorId, StoreId};
use views::{DirectoryError, REMOVED_ROLE, Scope, StaffRow};

use super::merchants::{MAX_NAME_CHARS, check_line};
use super::standing::{check_reason, note_beside};
use crate::app::{App, Shared, store_problem};
use crate::auth::{AsMerchant, AsOperator, hash_password, not_yours};
use crate::http::{Page, Params, Problem, Result, Segment, StaffNumber, Write, decimal};
use crate::people::{CASHIER_ROLE, MERCHANT_ROLE, OPERATOR_ROLE};
use crate::staff::MIN_PASSWORD_CHARS;
use crate::wire::{List, PasswordWanted, Reasoned, StaffAdded, StaffLine, StaffWanted};

/// Adds an account of somebody who acts for a merchant, or of a cashier at one of his stores.
#[utoipa::path(post, path = "/console/merchants/{id}/staff", tag = "console", params(("id" = String, Path)), request_body = StaffWanted, responses((status = 200, description = "Added", body = StaffAdded)))]
pub(crate) async fn add(
    State(app): Shared,
    operator: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    write: Write<StaffWanted>,
) -> Result<Json<StaffAdded>> {
    added(&app, (operator.id, write.key), merchant, write.body).await
}

/// Adds a cashier at one of the merchant's stores.
#[utoipa::path(post, path = "/merchant/staff", tag = "merchant", request_body = StaffWanted, responses((status = 200, description = "Added", body = StaffAdded)))]
pub(crate) async fn add_cashier(
    State(app): Shared,
    merchant: AsMerchant,
    write: Write<StaffWanted>,
) -> Result<Json<StaffAdded>> {
    if write.body.store.is_none() {
        let detail = "a merchant adds cashiers: store is missing";
        return Err(Problem::unprocessable("body_invalid", detail).with("field", "store"));
    }
    added(
        &app,
        (merchant.id, write.key),
        merchant.merchant,
        write.body,
    )
    .await
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
) -> Result<Json<StaffLine>> {
    let row = one(&app, staff).await?;
    removed(&app, (operator.id, write.key), row, write.body.reason).await
}

/// Removes one of the merchant's cashiers for ever: his sessions end at once.
#[utoipa::path(post, path = "/merchant/staff/{id}/remove", tag = "merchant", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Removed", body = StaffLine)))]
pub(crate) async fn remove_cashier(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<Reasoned>,
) -> Result<Json<StaffLine>> {
    let row = cashier(&app, merchant.merchant, staff).await?;
    removed(&app, (merchant.id, write.key), row, write.body.reason).await
}

/// Gives an account of a merchant's staff another password: its sessions end at once.
#[utoipa::path(post, path = "/console/merchant-staff/{id}/password", tag = "console", params(("id" = String, Path)), request_body = PasswordWanted, responses((status = 200, description = "Changed", body = StaffLine)))]
pub(crate) async fn password(
    State(app): Shared,
    operator: AsOperator,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<PasswordWanted>,
) -> Result<Json<StaffLine>> {
    let row = one(&app, staff).await?;
    changed(&app, (operator.id, write.key), row, write.body).await
}

/// Gives one of the merchant's cashiers another password: his sessions end at once.
#[utoipa::path(post, path = "/merchant/staff/{id}/password", tag = "merchant", params(("id" = String, Path)), request_body = PasswordWanted, responses((status = 200, description = "Changed", body = StaffLine)))]
pub(crate) async fn cashier_password(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(StaffNumber(staff)): Segment<StaffNumber>,
    write: Write<PasswordWanted>,
) -> Result<Json<StaffLine>> {
    let row = cashier(&app, merchant.merchant, staff).await?;
    changed(&app, (merchant.id, write.key), row, write.body).await
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
) -> Result<Json<StaffLine>> {
    check_reason(&reason)?;
    let id = row.id;
    if row.role != REMOVED_ROLE {
        let removing = app.people.directory().remove_staff(id).await;
        removing.map_err(store_problem)?;
        note_beside(app, by, ("remove-staff", id.0, reason)).await?;
    }
    Ok(Json(line(one(app, id).await?)))
}

async fn changed(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    row: StaffRow,
    wanted: PasswordWanted,
) -> Result<Json<StaffLine>> {
    let PasswordWanted { password, reason } = wanted;
    check_reason(&reason)?;
    if row.role == REMOVED_ROLE {
        let detail = "this account was removed; add another one";
        return Err(Problem::conflict("staff_removed", detail));
    }
    let hash = hashed(app, password).await?;
    let directory = app.people.directory();
    let changing = directory.change_staff_password(row.id, &hash).await;
    changing.map_err(store_problem)?;
    note_beside(app, by, ("staff-password", row.id.0, reason)).await?;
    Ok(Json(line(row)))
}

async fn hashed(app: &App, password: String) -> Result<String> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        let detail = format!("a password has at least {MIN_PASSWORD_CHARS} characters");
        return Err(Problem::unprocessable("body_invalid", detail).with("field", "password"));
    }
    let slot = app.passwords.acquire().await;
    let _slot = slot.map_err(|_| Problem::stopped())?;
    let hashing = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    hashing.ok().flatten().ok_or_else(Problem::stopped)
}

async fn is_known(app: &App, merchant: MerchantId) -> Result<()> {
    let known = app.query(move |world| world.merchant(merchant).is_some());
    if known.await? {
        return Ok(());
    }
    let detail = "there is no such merchant";
    Err(Problem::not_found("merchant_unknown", detail))
}

/// The store must be the merchant's: another's looks like none.
async fn added(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    merchant: MerchantId,
    wanted: StaffWanted,
) -> Result<Json<StaffAdded>> {
    let StaffWanted {
        name,
        password,
        store,
        reason,
    } = wanted;
    check_line(&name, MAX_NAME_CHARS, "name")?;
    // Where nobody says why, who was added says enough.
    let reason = reason.unwrap_or_else(|| format!("added {name}"));
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
    let hash = hashed(app, password).await?;
    let role = if store.is_some() {
        CASHIER_ROLE
    } else {
        MERCHANT_ROLE
    };
    let scope = Scope { merchant, store };
    let directory = app.people.directory();
    let now = app.config.clock.now();
    match directory.add_staff((&name, &hash), role, scope, now).await {
        Ok(id) => {
            note_beside(app, by, ("add-staff", id.0, reason)).await?;
            Ok(Json(StaffAdded {
                id: id.to_string(),
                role,
            }))
        }
        Err(DirectoryError::NameTaken(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "name_taken",
            "somebody signs in with this name already",
        )),
        Err(DirectoryError::Store(error)) => Err(store_problem(error)),
        Err(error) => Err(Problem::fault("an account could not be added", &error)),
    }
}
