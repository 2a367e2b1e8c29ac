//! Stores as everybody sees them: what they are called and where they are.

use axum::Json;
use axum::extract::State;
use domain::StoreId;

use crate::app::{App, Shared, store_problem};
use crate::auth::Address;
use crate::http::{Problem, Result, Segment};
use crate::wire::StoreCard;

/// A store's name and address: a card that names a store has its number alone.
#[utoipa::path(get, path = "/stores/{id}", tag = "shop", params(("id" = String, Path)), responses((status = 200, description = "The store", body = StoreCard)))]
pub(crate) async fn store(
    State(app): Shared,
    _: Address,
    Segment(store): Segment<StoreId>,
) -> Result<Json<StoreCard>> {
    let unknown = || Problem::not_found("store_unknown", "there is no such store");
    let found = cards(&app, vec![store]).await?.pop();
    found.map(Json).ok_or_else(unknown)
}

/// Cards of those of these stores that there are.
pub(super) async fn cards(app: &App, stores: Vec<StoreId>) -> Result<Vec<StoreCard>> {
    let known = app.query(move |world| {
        let known = |&store: &StoreId| Some((store, world.store(store)?));
        stores.iter().filter_map(known).collect::<Vec<_>>()
    });
    let directory = app.people.directory();
    let mut cards = Vec::new();
    for (id, (merchant, token)) in known.await? {
        let named = directory.store_name(&token).await.map_err(store_problem)?;
        let owner = directory.merchant_name(merchant).await;
        let owner = owner.map_err(store_problem)?;
        let (name, address) = named
            .map(|named| (named.name, named.address))
            .unwrap_or_default();
        cards.push(StoreCard {
            id: id.to_string(),
            name,
            address,
            merchant: merchant.to_string(),
            merchant_name: owner.map_or_else(String::new, |owner| owner.name),
        });
    }
    Ok(cards)
}
