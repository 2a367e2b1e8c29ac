//! What a member is told of a campaign before he pays (rules 8): the odds, and what is sure for whoever does not win.
//! Wherever a figure is not whole or not sure, it is the one that promises less.

use crate::{Campaign, Chance, Coins, Kind, LeaderRule, Money, Overflow, RATE_ONE_PPM, rewards};

/// What a member is told of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Seats among which is drawn: N, or one less where the leader always buys, or at a table never pays.
    pub seats: u32,
    /// Seats that are drawn: W, or one less where the leader always buys; of a chance the fewest, which may be none.
    pub winners: u32,
    /// Seats that are drawn on average: the same, but of a chance what its p, fewest and most come to, to the billionth.
    pub expected_winners: Ratio,
    /// Rounds that someone takes on average who plays until he wins: N/W, of a chance N by the winners on average.
    pub average_rounds: Ratio,
    /// What the product and the rewards then cost him: P − (rounds − 1) × r, rounded up to the fen, with the r that is
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
    pub num: u64,
    /// Below the line.
    pub den: u64,
}

impl Ratio {
    /// In lowest terms; nothing where `den` is 0.
    fn new(num: u64, den: u64) -> Option<Ratio> {
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
    let expected = match group.chance {
        None => Ratio::new(u64::from(winners), 1),
        Some(chance) => Ratio::new(expected_billionths(campaign, chance), BILLION),
    }
    .ok_or(Overflow)?;
    let all = u64::from(seats).checked_mul(expected.den).ok_or(Overflow)?;
    let lost = all.checked_sub(expected.num).ok_or(Overflow)?;
    // Who buys in every round has the product for its price in each. What is subtracted is rounded down, so that the
    // cost is rounded up.
    let gained = if campaign.kind.everyone_buys() {
        0
    } else {
        i128::from(cash.0)
            .checked_mul(i128::from(lost))
            .and_then(|sum| sum.checked_div(i128::from(expected.num)))
            .and_then(|sum| i64::try_from(sum).ok())
            .ok_or(Overflow)?
    };
    Ok(Odds {
        seats,
        winners,
        expected_winners: expected,
        average_rounds: Ratio::new(all, expected.num).ok_or(Overflow)?,
        average_cost: group.price.minus(Money(gained))?,
        consolation_cash_at_least: cash,
        consolation_coins_at_least: rewards::consolation(campaign)
            .map_or(Coins::ZERO, |consolation| consolation.coins),
    })
}

/// Among how many seats how many are drawn, seen by a member who is not the leader: a leader who always buys has one of
/// each. Of a chance the fewest that may win. An exempt leader's seat is counted with the others, which promises less;
/// at a table, where who is drawn pays the bill, it is not.
fn drawn(campaign: &Campaign) -> (u32, u32) {
    let group = &campaign.group;
    let fewest = match group.chance {
        None => group.winners,
        Some(chance) => chance.min,
    };
    match group.leader {
        LeaderRule::Exempt if campaign.kind == Kind::Treat => {
            (group.seats.saturating_sub(1), fewest)
        }
        LeaderRule::Equal | LeaderRule::Exempt => (group.seats, fewest),
        LeaderRule::Buys => (
            group.seats.saturating_sub(1),
            group.winners.saturating_sub(1),
        ),
    }
}

const BILLION: u64 = 1_000_000_000;

/// The weight of the number of hits that is most likely. The others are counted from it by steps that lose less than one
/// each, so ten thousand seats come out right to far below a billionth.
const LIKELIEST: u128 = 1 << 80;

/// The winners of a chance on average, in billionths, rounded to the nearest: each of the seats that can be drawn hits with
/// p, and the number of hits is held within the fewest and the most (draw 6).
fn expected_billionths(campaign: &Campaign, chance: Chance) -> u64 {
    let group = &campaign.group;
    let pool = u128::from(match group.leader {
        LeaderRule::Exempt | LeaderRule::Buys => group.seats.saturating_sub(1),
        LeaderRule::Equal => group.seats,
    });
    let one = u128::from(RATE_ONE_PPM);
    let hit = u128::from(chance.p.0).min(one);
    let miss = one.saturating_sub(hit);
    let within = |hits: u128| {
        let at_least = hits.max(u128::from(chance.min));
        at_least.min(u128::from(group.winners)).min(pool)
    };
    let (mut sum, mut winners) = (0u128, 0u128);
    let mut count = |hits: u128, weight: u128| {
        sum = sum.saturating_add(weight);
        winners = winners.saturating_add(weight.saturating_mul(within(hits)));
    };
    let step = |weight: u128, (above, below): (u128, u128)| {
        let more = weight.saturating_mul(above);
        more.checked_div(below).unwrap_or(0)
    };
    // With a p of 100 % it is one too many, and all seats hit.
    let likeliest = pool.saturating_add(1).saturating_mul(hit).div_euclid(one);
    let likeliest = likeliest.min(pool);
    count(likeliest, LIKELIEST);
    let (mut weight, mut hits) = (LIKELIEST, likeliest);
    while 0 < hits && 0 < weight {
        let missing = pool.saturating_sub(hits).saturating_add(1);
        weight = step(
            weight,
            (hits.saturating_mul(miss), missing.saturating_mul(hit)),
        );
        hits = hits.saturating_sub(1);
        count(hits, weight);
    }
    (weight, hits) = (LIKELIEST, likeliest);
    while hits < pool && 0 < weight {
        let missing = pool.saturating_sub(hits);
        hits = hits.saturating_add(1);
        weight = step(
            weight,
            (missing.saturating_mul(hit), hits.saturating_mul(miss)),
        );
        count(hits, weight);
    }
    rounded_billionths(winners, sum)
}

/// To the nearest billionth.
fn rounded_billionths(above: u128, below: u128) -> u64 {
    let billion = u128::from(BILLION);
    let rest = above.checked_rem(below).unwrap_or(0);
    let part = rest
        .saturating_mul(billion)
        .saturating_add(below.div_euclid(2));
    let whole = above.checked_div(below).unwrap_or(0);
    let all = whole
        .saturating_mul(billion)
        .saturating_add(part.checked_div(below).unwrap_or(0));
    u64::try_from(all).unwrap_or(u64::MAX)
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
