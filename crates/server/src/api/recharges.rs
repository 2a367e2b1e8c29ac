//! Bought coins (rules 10.1): what is left of a member's recharges, and what is unused back. Packages are sold like products.

use axum::Json;
use axum::extract::State;
use domain::{Command, PurchaseId, Recharge, RechargeCommand};

use super::shop::{unit_body, vip_body};
use crate::app::Shared;
use crate::auth::AsMember;
use crate::http::{NoBody, Result, Segment, Write};
use crate::wire::{Done, RechargeCard, Recharges};

/// The member's recharges of which something is left or to come, the oldest first: they are used in this order, after coins
/// that expire.
#[utoipa::path(get, path = "/me/recharges", tag = "me", responses((status = 200, description = "Recharges", body = Recharges)))]
pub(crate) async fn mine(State(app): Shared, member: AsMember) -> Result<Json<Recharges>> {
    let now = app.config.clock.now();
    let question = move |world: &domain::World| {
        let free = world.coins_free(member.0);
        (
            world.recharges(member.0),
            world.bought_coins(member.0),
            (free, world.spendable_given_coins(member.0, now)),
        )
    };
    let due = |known: &Recharge| known.gift_due.then_some(known.terms);
    let (known, bought, (free, given)) = app.query(question).await?;
    let card = |(id, known): &(PurchaseId, Recharge)| RechargeCard {
        id: id.to_string(),
        paid: known.price.into(),
        coins: known.terms.coins.into(),
        left: known.left.into(),
        refundable: known.refundable(known.gift_to_return().min(given)).into(),
        paid_at: known.paid_at.into(),
        in_full_until: known.in_full_until().into(),
        gift: due(known)
            .map(|terms| terms.gift)
            .filter(|gift| gift.is_positive())
            .map(Into::into),
        unit: due(known).and_then(|terms| terms.unit).map(unit_body),
        vip: due(known).and_then(|terms| terms.vip).map(vip_body),
    };
    Ok(Json(Recharges {
        bought: bought.into(),
        free: free.into(),
        items: known.iter().map(card).collect(),
    }))
}

/// Pays back what is unused of a recharge, the way it was paid: all of the price within seven days if nothing is used, else
/// price × unused / total, rounded down. The unused coins are gone with it, and so is a gift that was still to come; of one that was
/// given the same part goes back, or counts as used where it is not there any more; of a thing that was given the unused part of its
/// worth is kept, and of a VIP level the unused part of its days is gone. What an unpaid purchase or bill holds does not
/// go back (`recharge_held`).
#[utoipa::path(post, path = "/recharges/{id}/refund", tag = "me", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "On its way back", body = Done)))]
pub(crate) async fn refund(
    State(app): Shared,
    member: AsMember,
    Segment(recharge): Segment<PurchaseId>,
    write: Write<NoBody>,
) -> Result<Json<Done>> {
    let command = Command::Recharge(RechargeCommand::Refund {
        recharge,
        member: member.0,
    });
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}
