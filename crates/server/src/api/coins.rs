//! Coins by when they expire (rules 10.1).

use axum::Json;
use axum::extract::State;
use domain::{CoinLot, Coins, Month, Vintage, World};

use super::reports::Csv;
use crate::app::Shared;
use crate::auth::{AsFinance, AsMember};
use crate::http::Result;
use crate::wire::{Amount, CoinLotLine, CoinsPage, VintageLine, VintagesPage, rfc3339};

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

/// All members' coins by when they expire, and what has become of them.
#[utoipa::path(get, path = "/console/coins", tag = "console", responses((status = 200, description = "Vintages", body = VintagesPage)))]
pub(crate) async fn vintages(State(app): Shared, _: AsFinance) -> Result<Json<VintagesPage>> {
    let page = app
        .query(|world| {
            let lots = world.vintages();
            VintagesPage {
                coins: sum(lots.iter().map(Vintage::outstanding)).into(),
                bought: world.all_bought_coins().into(),
                lots: lots.into_iter().map(vintage).collect(),
                offset: offset(world),
            }
        })
        .await?;
    Ok(Json(page))
}

/// The same for a spreadsheet, one line for each month in which coins expire:
/// `first,last,expires_at,issued,came_back,used,expired,taken_back,coins`.
#[utoipa::path(get, path = "/coins.csv", tag = "console", responses((status = 200, description = "CSV", body = String, content_type = "text/csv")))]
pub(crate) async fn vintages_csv(State(app): Shared, _: AsFinance) -> Result<Csv> {
    let lots = app.query(World::vintages).await?;
    let mut csv = Csv::new("first,last,expires_at,issued,came_back,used,expired,taken_back,coins");
    csv.push(&lots, |lot| {
        let coins = [
            lot.issued,
            lot.came_back,
            lot.used,
            lot.expired,
            lot.taken_back,
            lot.outstanding(),
        ];
        let coins = coins.map(|coins| String::from(Amount::from(coins)));
        let ends = rfc3339(lot.expires);
        let (first, last) = (month(lot.first), month(lot.last));
        format!("{first},{last},{ends},{}\n", coins.join(","))
    })?;
    Ok(csv)
}

fn vintage(lot: Vintage) -> VintageLine {
    VintageLine {
        first: month(lot.first),
        last: month(lot.last),
        expires_at: lot.expires.into(),
        issued: lot.issued.into(),
        came_back: lot.came_back.into(),
        used: lot.used.into(),
        expired: lot.expired.into(),
        taken_back: lot.taken_back.into(),
        coins: lot.outstanding().into(),
    }
}

/// As `2026-11`.
fn month(month: Month) -> String {
    let mut date = month.begins().to_date();
    date.truncate("2026-11".len());
    date
}

fn page(world: &World, lots: Vec<CoinLot>, bought: Coins) -> CoinsPage {
    let line = |lot: &CoinLot| CoinLotLine {
        expires_at: lot.expires.into(),
        coins: lot.coins.into(),
    };
    CoinsPage {
        coins: sum(lots.iter().map(|lot| lot.coins)).into(),
        bought: bought.into(),
        lots: lots.iter().map(line).collect(),
        offset: offset(world),
    }
}

fn sum(coins: impl Iterator<Item = Coins>) -> Coins {
    Coins(coins.fold(0, |sum: i64, coins| sum.saturating_add(coins.0)))
}

fn offset(world: &World) -> String {
    format!("{}%", domain::percent(world.profile_terms().coin_offset))
}
