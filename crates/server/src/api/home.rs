//! A member's home store: the first whose link or code he has used (rules 3.5).

use axum::Json;
use axum::extract::State;
use domain::{AllianceCommand, Command, StoreId};

use crate::app::{Shared, store_problem};
use crate::auth::AsMember;
use crate::http::{NoBody, Problem, Result, Write, decimal};
use crate::wire::{Done, HomeCard, HomePage, HomeWanted};

/// The member's home store, also where it is over.
#[utoipa::path(get, path = "/me/home-store", tag = "me", responses((status = 200, description = "It", body = HomePage)))]
pub(crate) async fn home(State(app): Shared, member: AsMember) -> Result<Json<HomePage>> {
    let found = app.query(move |world| {
        let home = world.home(member.0)?;
        Some((home, world.store(home.store)?))
    });
    let Some((home, (merchant, token))) = found.await? else {
        return Ok(Json(HomePage { home: None }));
    };
    let names = app.people.directory().store_names(merchant).await;
    let names = names.map_err(store_problem)?;
    let named = names.into_iter().find(|named| named.token == token);
    let card = HomeCard {
        store: home.store.to_string(),
        name: named.map_or_else(String::new, |named| named.name),
        until: home.until.into(),
        open: app.config.clock.now() < home.until,
    };
    Ok(Json(HomePage { home: Some(card) }))
}

/// Makes a store the member's home store. The first one stays: there is one in a lifetime.
#[utoipa::path(post, path = "/me/home-store", tag = "me", request_body = HomeWanted, responses((status = 200, description = "It is", body = Done)))]
pub(crate) async fn bind(
    State(app): Shared,
    member: AsMember,
    write: Write<HomeWanted>,
) -> Result<Json<Done>> {
    let unknown = || Problem::not_found("store_unknown", "there is no such store");
    let store = decimal(&write.body.store).ok_or_else(unknown)?;
    let command = AllianceCommand::BindHome {
        member: member.0,
        store: StoreId(store),
    };
    let command = Command::Alliance(command);
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

/// Ends it, for good.
#[utoipa::path(post, path = "/me/home-store/end", tag = "me", request_body = NoBody, responses((status = 200, description = "It is over", body = Done)))]
pub(crate) async fn end(
    State(app): Shared,
    member: AsMember,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::Alliance(AllianceCommand::EndHome { member: member.0 });
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}
