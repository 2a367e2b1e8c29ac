//! What a member is told of a campaign before he pays (rules 8): the odds, and what is sure for whoever does not win.
//! Wherever a figure is not whole or not sure, it is the one that promises less.

use crate::{Campaign, Coins, Money, Overflow, rewards};

/// What a member is told of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Seats of a group (N).
    pub seats: u32,
    /// Seats that win (W).
    pub winners: u32,
    /// Rounds that someone takes on average who plays until he wins: N/W.
    pub average_rounds: Ratio,
    /// What the product and the rewards then cost him: P − (N/W − 1) × r, rounded up to the fen, with the r that is
    /// sure. Below zero where the rewards come to more than the price.
    pub average_cost: Money,
    /// Cash that every non-winner is sure to get on top of his refund: nothing where a cap may be met before the last
    /// of them.
    pub consolation_cash_at_least: Money,
    /// Coins that every non-winner is sure to get. Caps do not limit coins.
    pub consolation_coins_at_least: Coins,
}

/// An exact fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub num: u32,
    /// Below the line.
    pub den: u32,
}

impl Ratio {
    /// In lowest terms; nothing where `den` is 0.
    fn new(num: u32, den: u32) -> Option<Ratio> {
        let (mut divisor, mut rest) = (num, den);
        while let Some(next) = divisor.checked_rem(rest) {
            (divisor, rest) = (rest, next);
        }
        Some(Ratio {
            num: num.checked_div(divisor)?,
            den: den.checked_div(divisor).filter(|_| den != 0)?,
        })
    }
}

/// What a member is told of a campaign. Errors with [`Overflow`] only for terms that [`Campaign::check`] refuses.
pub fn odds(campaign: &Campaign) -> Result<Odds, Overflow> {
    let group = &campaign.group;
    let cash = consolation_cash_at_least(campaign)?;
    let non_winners = group.seats.checked_sub(group.winners).ok_or(Overflow)?;
    // What is subtracted is rounded down, so that the cost is rounded up.
    let gained = cash
        .times(non_winners)?
        .0
        .checked_div(i64::from(group.winners))
        .ok_or(Overflow)?;
    Ok(Odds {
        seats: group.seats,
        winners: group.winners,
        average_rounds: Ratio::new(group.seats, group.winners).ok_or(Overflow)?,
        average_cost: group.price.minus(Money(gained))?,
        consolation_cash_at_least: cash,
        consolation_coins_at_least: rewards::consolation(campaign)
            .map_or(Coins::ZERO, |consolation| consolation.coins),
    })
}

/// The consolation's cash if its cap lasts for every non-winner, whatever the draw; else nothing.
fn consolation_cash_at_least(campaign: &Campaign) -> Result<Money, Overflow> {
    let Some(consolation) = rewards::consolation(campaign) else {
        return Ok(Money::ZERO);
    };
    Ok(if rewards::consolation_is_sure(campaign)? {
        consolation.cash
    } else {
        Money::ZERO
    })
}
