//! What an owner has left when buyers return what they bought (rules 8, 9.1).
//!
//! Why not only when all of them do: with the last return every reward that waits is reversed, but until then those that came from
//! other seats stand, and the leader's, which came from none. Where they are more than what a kept product brings in, the owner
//! is worse off with some returns than with all.

use crate::{
    Case, Kind, Leftover, Money, Overflow, ProgramKind, RewardTerm, Solvency,
    rewards::{self, Limit},
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

impl SomeReturn {
    /// What is left, with what is back at cost.
    pub fn with_stock(&self) -> Result<Money, Overflow> {
        self.left.plus(self.stock)
    }
}

/// Every buyer returns: products, prizes and consolation are spent, and what the channel keeps. Where what is left of the envelope
/// goes into a pool, reversed rewards go there, too, and none of it is the owner's again. A treat has no return.
pub(crate) fn all_return(
    case: Case<'_>,
    rewards: &[RewardTerm],
    worst: Money,
) -> Result<Money, Overflow> {
    if case.campaign.kind == Kind::Treat {
        return Ok(worst);
    }
    let kept_on_returns = if case.campaign.channel.kept_on_refund {
        case.fees()?
    } else {
        Money::ZERO
    };
    let spent = match case.campaign.leftover {
        Leftover::Owner => consolation_bound(case, rewards)?,
        Leftover::Dividend => rewards::envelope(case)?.cash,
    };
    Money::ZERO
        .minus(case.supplier()?)?
        .minus(spent)?
        .minus(kept_on_returns)
}

/// The number of returns below all that leaves least, if that is less than when all return.
///
/// What is left is convex in the number of buyers who keep their product: each brings in the same, and caps only make what
/// his seat costs less. So the least is where one more of them begins to bring something in.
pub(crate) fn some_return(
    case: Case<'_>,
    all: Money,
    stock: Money,
) -> Result<Option<SomeReturn>, Overflow> {
    let buyers = case.buyers();
    if case.campaign.kind == Kind::Treat || buyers < 2 {
        return Ok(None);
    }
    let keep = |kept: u32| after(case, buyers.saturating_sub(kept));
    let falls = |kept: u32| {
        let next = keep(kept.saturating_add(1))?.with_stock()?;
        Ok::<_, Overflow>(next < keep(kept)?.with_stock()?)
    };
    let (mut low, mut high) = (1, buyers.saturating_sub(1));
    // Nearly always the first buyer who keeps his product brings in what his seat costs.
    if low < high && !falls(low)? {
        high = low;
    }
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) / 2);
        if falls(middle)? {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    let least = keep(low)?;
    Ok((least.with_stock()? < all.plus(stock)?).then_some(least))
}

/// So many buyers have returned, and not all.
fn after(case: Case<'_>, returned: u32) -> Result<SomeReturn, Overflow> {
    let campaign = case.campaign;
    let kept = case.buyers().saturating_sub(returned);
    let each = campaign.group.price;
    let fee = each.channel_fee(campaign.channel.fee)?;
    let fees = if campaign.channel.kept_on_refund {
        case.fees()?
    } else {
        fee.times(kept)?
    };
    let mut left = each.times(kept)?.minus(case.supplier()?)?.minus(fees)?;
    left = match campaign.merchant {
        Some(merchant) => left.minus(each.share(merchant.commission)?.times(kept)?)?,
        None => match campaign.origin_share {
            Some(share) => left.minus(case.take_each()?.share(share)?.times(kept)?)?,
            None => left,
        },
    };
    let spent = match campaign.leftover {
        Leftover::Owner => rewards::envelope(Case { returned, ..case })?.cash,
        Leftover::Dividend => rewards::envelope(case)?.cash,
    };
    Ok(SomeReturn {
        returned,
        left: left.minus(spent)?,
        stock: stock(case, returned)?,
    })
}

/// What is back at cost; a prize that somebody has drawn comes back with his product, and those without one return first.
fn stock(case: Case<'_>, returned: u32) -> Result<Money, Overflow> {
    let campaign = case.campaign;
    if campaign.merchant.is_some() {
        return Ok(Money::ZERO);
    }
    let products = campaign.product.cost.times(returned)?;
    let Some(prize) = &campaign.prize else {
        return Ok(products);
    };
    let without = case.buyers().saturating_sub(case.winners);
    products.plus(prize.cost.times(returned.saturating_sub(without))?)
}

/// Consolation is not taken back when a winner returns (rules 9.5); every other reward is reversed.
fn consolation_bound(case: Case<'_>, rewards: &[RewardTerm]) -> Result<Money, Overflow> {
    let consolations = rewards
        .iter()
        .filter(|term| term.program == ProgramKind::Consolation);
    crate::sum(consolations.map(|term| match term.limit {
        Limit::None | Limit::Own(_) => term.bound.cash,
        Limit::Shared(cap) => {
            let cap = usize::try_from(cap)
                .ok()
                .and_then(|cap| case.campaign.caps.get(cap));
            term.bound
                .cash
                .min(cap.map_or(term.bound.cash, |cap| cap.limit))
        }
    }))
}

impl Solvency {
    /// What is left with the returns that cost most, units that are back counted at cost.
    pub(crate) fn after_returns(&self) -> Result<Money, Overflow> {
        let all = self.all_winners_return.plus(self.returned_stock)?;
        match &self.some_return {
            Some(some) => Ok(all.min(some.with_stock()?)),
            None => Ok(all),
        }
    }
}
