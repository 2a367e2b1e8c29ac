//! What a member is told of a campaign before he pays (rules 8): the odds, and what is sure for whoever does not win.
//! Wherever a figure is not whole or not sure, it is the one that promises less.

use crate::{Campaign, Coins, LeaderRule, Money, Overflow, rewards};

/// What a member is told of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Seats among which is drawn: N, or one less where the leader always buys.
    pub seats: u32,
    /// Seats that are drawn: W, or one less where the leader always buys; of a chance the fewest.
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
    let (seats, winners) = drawn(campaign);
    let non_winners = seats.checked_sub(winners).ok_or(Overflow)?;
    // Who buys in every round has the product for its price in each. What is subtracted is rounded down, so that the
    // cost is rounded up.
    let gained = if campaign.kind.everyone_buys() {
        0
    } else {
        cash.times(non_winners)?
            .0
            .checked_div(i64::from(winners))
            .ok_or(Overflow)?
    };
    Ok(Odds {
        seats,
        winners,
        average_rounds: Ratio::new(seats, winners).ok_or(Overflow)?,
        average_cost: group.price.minus(Money(gained))?,
        consolation_cash_at_least: cash,
        consolation_coins_at_least: rewards::consolation(campaign)
            .map_or(Coins::ZERO, |consolation| consolation.coins),
    })
}

/// Among how many seats how many are drawn, seen by a member who is not the leader: a leader who always buys has one of
/// each. Of a chance the fewest that may win, and one where that is none.
fn drawn(campaign: &Campaign) -> (u32, u32) {
    let group = &campaign.group;
    let fewest = match group.chance {
        None => group.winners,
        Some(chance) => chance.min.max(1),
    };
    match group.leader {
        LeaderRule::Equal | LeaderRule::Exempt => (group.seats, fewest),
        LeaderRule::Buys => (
            group.seats.saturating_sub(1),
            group.winners.saturating_sub(1),
        ),
    }
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
