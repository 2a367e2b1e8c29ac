//! Coins by when they expire (rules 10.1).

use axum::Json;
use axum::extract::State;
use domain::{CoinLot, Coins, World};

use crate::app::Shared;
use crate::auth::{AsFinance, AsMember};
use crate::http::Result;
use crate::wire::{CoinLotLine, CoinsPage};

/// The member's coins by when they expire; the oldest are used first.
#[utoipa::path(get, path = "/me/coins", tag = "me", responses((status = 200, description = "Lots", body = CoinsPage)))]
pub(crate) async fn mine(State(app): Shared, member: AsMember) -> Result<Json<CoinsPage>> {
    let page = app
        .query(move |world| {
            page(
                world,
                world.coin_lots(member.0),
                world.bought_coins(member.0),
            )
        })
        .await?;
    Ok(Json(page))
}

/// All members' coins by when they expire. Costs a pass over all members.
#[utoipa::path(get, path = "/console/coins", tag = "console", responses((status = 200, description = "Vintages", body = CoinsPage)))]
pub(crate) async fn vintages(State(app): Shared, _: AsFinance) -> Result<Json<CoinsPage>> {
    let page = app
        .query(|world| {
            let bought = world.all_bought_coins();
            page(world, world.coin_vintages(), bought)
        })
        .await?;
    Ok(Json(page))
}

fn page(world: &World, lots: Vec<CoinLot>, bought: Coins) -> CoinsPage {
    let coins = lots
        .iter()
        .fold(0i64, |sum, lot| sum.saturating_add(lot.coins.0));
    let line = |lot: CoinLot| CoinLotLine {
        expires_at: lot.expires.into(),
        coins: lot.coins.into(),
    };
    CoinsPage {
        coins: Coins(coins).into(),
        bought: bought.into(),
        lots: lots.into_iter().map(line).collect(),
        offset: format!("{}%", domain::percent(world.profile_terms().coin_offset)),
    }
}
