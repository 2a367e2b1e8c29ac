//! What an owner has left when buyers return what they bought (rules 8, 9.1).
//!
//! Why not only when all of them do: with the last return every reward that waits is reversed, but until then those that came from
//! other seats stand, and the leader's, which came from none. Where they are more than what a kept product brings in, the owner
//! is worse off with some returns than with all. And a prize that its winner keeps is paid by those who may send theirs back.

use crate::{
    Campaign, Case, Coins, Kind, Leftover, Money, Overflow, ProgramKind, Solvency, kinds::Returned,
    rewards,
};

/// The most that the owner can lose by returns of fewer buyers than all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SomeReturn {
    /// How many return.
    pub returned: u32,
    /// What is left in cash.
    pub left: Money,
    /// What the units cost that are back, prizes included.
    pub stock: Money,
}

/// What is printed of returns beside the line of all: nobody is refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returns {
    /// Where fewer returns than all leave less, units at cost: those that leave least.
    pub some: Option<SomeReturn>,
    /// The least that is left whoever returns, or does not use his right in a ballot: units that are back at cost, and all
    /// coins that then stand at their face.
    pub with_coins: Money,
}

/// Counts them for these printed lines of the campaign.
pub fn returns(campaign: &Campaign, lines: &Solvency) -> Result<Returns, Overflow> {
    if campaign.kind == Kind::Treat {
        return Ok(Returns {
            some: None,
            with_coins: lines.all_coins_at_face,
        });
    }
    let case = campaign.case(lines.winners);
    let all = after(case.all_back())?;
    let some = least(case, Left::at_cost)?;
    let some = match some {
        Some(some) if some.at_cost()? < all.at_cost()? => Some(SomeReturn {
            returned: some.returned,
            left: some.cash,
            stock: some.stock,
        }),
        Some(_) | None => None,
    };
    let mut with_coins = after(case)?.with_coins()?.min(all.with_coins()?);
    if let Some(some) = least(case, Left::with_coins)? {
        with_coins = with_coins.min(some.with_coins()?);
    }
    if campaign.kind == Kind::Ballot {
        with_coins = with_coins.min(nobody_buys(case)?);
    }
    Ok(Returns { some, with_coins })
}

/// Every buyer returns: products, prizes, consolation and what the pool has got are spent, and what the channel keeps. Where what
/// is left of the envelope goes into the pool, reversed rewards go there, too, and none of it is the owner's again. A treat has
/// no return.
pub(crate) fn all_return(case: Case<'_>, worst: Money) -> Result<Money, Overflow> {
    if case.campaign.kind == Kind::Treat {
        return Ok(worst);
    }
    Ok(after(case.all_back())?.cash)
}

/// The first of `low..=high` that leaves least, of what falls before it and does not after it.
pub(crate) fn lowest(
    low: u32,
    high: u32,
    left: &dyn Fn(u32) -> Result<Money, Overflow>,
) -> Result<u32, Overflow> {
    let (mut low, mut high) = (low, high);
    let falls = |at: u32| Ok::<_, Overflow>(left(at.saturating_add(1))? < left(at)?);
    // Nearly always the first buyer brings in what his seat costs.
    if low < high && !falls(low)? {
        high = low;
    }
    while low < high {
        let middle = low.midpoint(high);
        if falls(middle)? {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// What a group has left when some have returned.
#[derive(Clone, Copy, Debug)]
struct Left {
    returned: u32,
    cash: Money,
    stock: Money,
    coins: Coins,
}

impl Left {
    /// With what is back at cost.
    fn at_cost(&self) -> Result<Money, Overflow> {
        self.cash.plus(self.stock)
    }

    /// Less the coins that stand, at their face.
    fn with_coins(&self) -> Result<Money, Overflow> {
        self.at_cost()?.minus(Money(self.coins.0))
    }
}

/// Of all returns but none and all, those that leave least.
///
/// What is left is convex in the number of those who keep their product, drawn or not: each brings in the same, and caps
/// only make what his seat costs less. So for each number of the fewer kind the least of the other is searched.
fn least(
    case: Case<'_>,
    what: fn(&Left) -> Result<Money, Overflow>,
) -> Result<Option<Left>, Overflow> {
    let (winners, others) = (case.winners, case.other_buyers());
    let (few, many) = (winners.min(others), winners.max(others));
    let at = |kept_few: u32, kept_many: u32| {
        let (few, many) = (few.saturating_sub(kept_few), many.saturating_sub(kept_many));
        let (winners, others) = if others < winners {
            (many, few)
        } else {
            (few, many)
        };
        after(case.after(Returned { winners, others }))
    };
    let mut least: Option<(Money, Left)> = None;
    for kept_few in 0..=few {
        let low = u32::from(kept_few == 0);
        let Some(high) = many.checked_sub(u32::from(kept_few == few)) else {
            continue;
        };
        if high < low {
            continue;
        }
        let kept_many = lowest(low, high, &|kept| what(&at(kept_few, kept)?))?;
        let left = at(kept_few, kept_many)?;
        let amount = what(&left)?;
        if least.as_ref().is_none_or(|(least, _)| amount < *least) {
            least = Some((amount, left));
        }
    }
    Ok(least.map(|(_, left)| left))
}

/// What is left when those have returned whom the case says.
fn after(case: Case<'_>) -> Result<Left, Overflow> {
    let campaign = case.campaign;
    let returned = case.returned.count();
    let kept = case.buyers().saturating_sub(returned);
    let each = campaign.group.price;
    let fees = if campaign.channel.kept_on_refund {
        case.fees()?
    } else {
        each.channel_fee(campaign.channel.fee)?.times(kept)?
    };
    let of_others = match (campaign.merchant, campaign.origin_share) {
        (Some(merchant), _) => each.share(merchant.commission)?,
        (None, Some(share)) => case.take_each()?.share(share)?,
        (None, None) => Money::ZERO,
    };
    let standing = rewards::envelope(case)?;
    let spent = match campaign.leftover {
        Leftover::Owner => standing.cash,
        Leftover::Dividend => rewards::envelope(case.all_kept())?.cash,
    };
    let cash = each
        .times(kept)?
        .minus(case.supplier()?)?
        .minus(fees)?
        .minus(of_others.times(kept)?)?
        .minus(spent)?;
    Ok(Left {
        returned,
        cash,
        stock: stock(case)?,
        coins: standing.coins,
    })
}

/// What is back at cost; a prize comes back with the product of whoever has drawn it.
fn stock(case: Case<'_>) -> Result<Money, Overflow> {
    let campaign = case.campaign;
    if campaign.merchant.is_some() {
        return Ok(Money::ZERO);
    }
    let products = campaign.product.cost.times(case.returned.count())?;
    match &campaign.prize {
        Some(prize) => products.plus(prize.cost.times(case.returned.winners)?),
        None => Ok(products),
    }
}

/// A ballot in which nobody buys sells nothing and gives no cash; but coins for the group's having filled are promised all the
/// same, and nobody's return can take them back.
fn nobody_buys(case: Case<'_>) -> Result<Money, Overflow> {
    let mut coins = rewards::envelope(case.all_back())?.coins;
    if 0 < case.buyers() {
        for (at, reward) in case.campaign.rewards.iter().enumerate() {
            if reward.program.kind() == ProgramKind::Leader {
                coins = coins.plus(reward.bound(case, at)?.coins)?;
            }
        }
    }
    Money::ZERO.minus(Money(coins.0))
}
