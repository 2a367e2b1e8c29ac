//! Campaign kinds (rules 4): how many may win, what a kind asks of the other terms, and what a group of a kind is made of.

use std::ops::RangeInclusive;

use crate::{
    Campaign, Circle, Fulfilment, Kind, LeaderRule, MAX_SEATS, Money, Overflow, RATE_ONE_PPM, Rate,
    Refusal,
    campaign::{invalid, within},
    rewards::{Base, Program, Source},
};

/// A full group of a campaign with so many winners: what bounds and amounts are counted for.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The terms.
    pub campaign: &'a Campaign,
    /// Seats that win in it.
    pub winners: u32,
    /// Who has returned what he bought: what came from those seats is reversed (rules 9.1).
    pub(crate) returned: Returned,
}

/// Buyers who have returned what they bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Those who were drawn; of everyone-buys all.
    pub(crate) winners: u32,
    /// Those who were not: only where everyone buys.
    pub(crate) others: u32,
}

impl Returned {
    /// All of them.
    pub(crate) fn count(self) -> u32 {
        self.winners.saturating_add(self.others)
    }
}

impl<'a> Case<'a> {
    /// Seats that buy the product.
    pub fn buyers(self) -> u32 {
        if self.campaign.kind.everyone_buys() {
            self.campaign.group.seats
        } else {
            self.winners
        }
    }

    /// The same group when these buyers have returned what they bought.
    pub(crate) fn after(self, returned: Returned) -> Case<'a> {
        Case { returned, ..self }
    }

    /// The same group when nobody has returned anything.
    pub(crate) fn all_kept(self) -> Case<'a> {
        self.after(Returned::default())
    }

    /// Buyers who were not drawn.
    pub(crate) fn other_buyers(self) -> u32 {
        self.buyers().saturating_sub(self.winners)
    }

    /// The same group when every buyer has returned what he bought.
    pub(crate) fn all_back(self) -> Case<'a> {
        self.after(Returned {
            winners: self.winners,
            others: self.other_buyers(),
        })
    }

    /// Whether every buyer has returned what he bought, and there was one: then every reward that waits is reversed (rules 9.1).
    pub(crate) fn is_all_back(self) -> bool {
        0 < self.buyers() && self.returned.count() == self.buyers()
    }

    /// Payments that the channel has taken.
    pub fn payments(self) -> u32 {
        match self.campaign.kind {
            Kind::Draw | Kind::Treat | Kind::EveryoneBuys | Kind::BonusDraw => {
                self.campaign.group.seats
            }
            Kind::Ballot => self.winners,
        }
    }

    /// Payments that go back.
    pub fn refunded(self) -> u32 {
        self.payments().saturating_sub(self.buyers())
    }

    /// What all buyers pay for good.
    pub fn sales(self) -> Result<Money, Overflow> {
        self.campaign.group.price.times(self.buyers())
    }

    /// What products and prizes cost the platform; nothing in a merchant's campaign.
    pub fn supplier(self) -> Result<Money, Overflow> {
        self.products()?.plus(self.prizes()?)
    }

    /// What the products cost the platform.
    pub fn products(self) -> Result<Money, Overflow> {
        if self.campaign.merchant.is_some() {
            return Ok(Money::ZERO);
        }
        self.campaign.product.cost.times(self.buyers())
    }

    /// What the prizes of a bonus-draw cost the platform.
    pub fn prizes(self) -> Result<Money, Overflow> {
        match &self.campaign.prize {
            Some(prize) if self.campaign.merchant.is_none() => prize.cost.times(self.winners),
            Some(_) | None => Ok(Money::ZERO),
        }
    }

    /// What the channel takes: of all payments if it keeps its fees on refunds, else of the buyers' (rules 8).
    pub fn fees(self) -> Result<Money, Overflow> {
        let channel = self.campaign.channel;
        let payments = if channel.kept_on_refund {
            self.payments()
        } else {
            self.buyers()
        };
        self.campaign
            .group
            .price
            .channel_fee(channel.fee)?
            .times(payments)
    }

    /// What the platform keeps of a merchant's sales; nothing in its own campaign.
    pub fn commission(self) -> Result<Money, Overflow> {
        match self.campaign.merchant {
            Some(merchant) => self
                .campaign
                .group
                .price
                .share(merchant.commission)?
                .times(self.buyers()),
            None => Ok(Money::ZERO),
        }
    }

    /// What the platform earns on one buyer (rules 10.5): price less cost, or the commission. Never below zero.
    pub fn take_each(self) -> Result<Money, Overflow> {
        let price = self.campaign.group.price;
        let take = match self.campaign.merchant {
            Some(merchant) => price.share(merchant.commission)?,
            None => price.minus(self.campaign.product.cost)?,
        };
        Ok(take.max(Money::ZERO))
    }

    /// The most that home stores get of it.
    pub fn origin_bound(self) -> Result<Money, Overflow> {
        match self.campaign.origin_share {
            Some(share) => self.take_each()?.share(share)?.times(self.buyers()),
            None => Ok(Money::ZERO),
        }
    }
}

impl Campaign {
    /// A full group of this campaign with so many winners.
    pub fn case(&self, winners: u32) -> Case<'_> {
        Case {
            campaign: self,
            winners,
            returned: Returned::default(),
        }
    }

    /// How many may win in a full group.
    pub fn winner_counts(&self) -> RangeInclusive<u32> {
        let most = self.group.winners;
        match self.group.chance {
            Some(chance) => chance.min..=most,
            None => most..=most,
        }
    }

    /// The winning seats, given those that were drawn: a leader who always buys comes before them (rules 4).
    pub fn winners_of(&self, drawn: &[u32]) -> Vec<u32> {
        let leader = (self.group.leader == LeaderRule::Buys).then_some(0);
        leader.into_iter().chain(drawn.iter().copied()).collect()
    }

    /// The seats that were drawn, given all that won.
    pub fn drawn_of<'a>(&self, winners: &'a [u32]) -> &'a [u32] {
        match (self.group.leader, winners) {
            (LeaderRule::Buys, [_, drawn @ ..]) => drawn,
            (LeaderRule::Buys | LeaderRule::Equal | LeaderRule::Exempt, all) => all,
        }
    }

    /// Whether a full group is drawn.
    pub fn is_drawn(&self) -> bool {
        self.kind != Kind::EveryoneBuys
    }
}

/// The most seats that may win in a group of so many (rules 4).
pub(crate) fn most_winners(kind: Kind, seats: u32) -> u32 {
    match kind {
        Kind::Draw | Kind::Treat => seats.saturating_sub(1),
        Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => seats,
    }
}

/// How many win, and whether every legal filling leaves so many seats that can (rules 4).
pub(crate) fn check_winners(campaign: &Campaign) -> Result<(), Refusal> {
    let (kind, group) = (campaign.kind, &campaign.group);
    // The key that the file has: of a chance the most that may win.
    let most = match group.chance {
        Some(_) => "group.chance.max",
        None => "group.winners",
    };
    if kind == Kind::EveryoneBuys {
        if group.winners != group.seats || group.chance.is_some() {
            return Err(invalid(
                "group.winners",
                "must be the seats, or absent: in everyone-buys everyone wins",
            ));
        }
        return Ok(());
    }
    if group.winners < 1 || most_winners(kind, group.seats) < group.winners {
        return Err(invalid(
            most,
            match kind {
                Kind::Draw | Kind::Treat => "must be at least 1 and less than the seats",
                Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => {
                    "must be at least 1 and at most the seats"
                }
            },
        ));
    }
    if let Some(chance) = group.chance {
        if RATE_ONE_PPM < chance.p.0 {
            return Err(invalid("group.chance.p", "must be between 0% and 100%"));
        }
        let least = match kind {
            Kind::Draw | Kind::Treat => 1,
            Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => 0,
        };
        if chance.min < least || group.winners < chance.min {
            return Err(invalid(
                "group.chance.min",
                "must be at most max, and at least 1 in a draw or treat",
            ));
        }
        if chance.p.0 == 0 && chance.min == 0 {
            return Err(invalid(
                "group.chance.p",
                "must be above 0% where min is 0: nobody could ever win",
            ));
        }
    }
    // An exempt leader's one seat cannot win; every other seat of a full group can.
    let can_win = match group.leader {
        LeaderRule::Exempt => group.seats.saturating_sub(1),
        LeaderRule::Equal | LeaderRule::Buys => group.seats,
    };
    if can_win < group.winners {
        return Err(invalid(
            most,
            "is more than the seats that can win: the exempt leader's cannot",
        ));
    }
    Ok(())
}

/// What a kind asks of the other terms.
pub(crate) fn check(campaign: &Campaign) -> Result<(), Refusal> {
    check_leader(campaign)?;
    check_circle(campaign)?;
    check_prize(campaign)?;
    if let Some(merchant) = campaign.merchant
        && RATE_ONE_PPM < merchant.commission.0
    {
        return Err(invalid(
            "merchant.commission",
            "must be between 0% and 100%",
        ));
    }
    if campaign
        .origin_share
        .is_some_and(|share| RATE_ONE_PPM < share.0)
    {
        return Err(invalid(
            "alliance.origin_share",
            "must be between 0% and 100%",
        ));
    }
    let at_table = campaign.product.fulfilment == Fulfilment::AtTable;
    if campaign.kind == Kind::Treat {
        if campaign.merchant.is_none() {
            return Err(invalid("merchant", "is missing: a treat is a merchant's"));
        }
        if !at_table {
            return Err(invalid("product.fulfilment", "must be at-table in a treat"));
        }
    } else if at_table {
        return Err(invalid("product.fulfilment", "is at-table only in a treat"));
    }
    if campaign.kind == Kind::Ballot {
        check_ballot(campaign)?;
    }
    Ok(())
}

fn check_leader(campaign: &Campaign) -> Result<(), Refusal> {
    let group = &campaign.group;
    match group.leader {
        LeaderRule::Equal => Ok(()),
        LeaderRule::Exempt if campaign.kind == Kind::EveryoneBuys => Err(invalid(
            "group.leader",
            "must be equal in everyone-buys: nothing is drawn",
        )),
        LeaderRule::Exempt => Ok(()),
        LeaderRule::Buys if campaign.kind != Kind::Draw => Err(invalid(
            "group.leader",
            "is buys only in a draw: elsewhere everyone buys, or nobody's place is given",
        )),
        LeaderRule::Buys if group.chance.is_some() => Err(invalid(
            "group.leader",
            "is buys only with a fixed number of winners",
        )),
        LeaderRule::Buys if group.winners < 2 => Err(invalid(
            "group.winners",
            "must be at least 2 where the leader buys: one of them is his",
        )),
        LeaderRule::Buys => Ok(()),
    }
}

/// Draw 2: rotation needs a fixed number of winners and at most one win a member.
fn check_circle(campaign: &Campaign) -> Result<(), Refusal> {
    let group = &campaign.group;
    if group.circle == Circle::Off {
        return Ok(());
    }
    match campaign.kind {
        Kind::Draw | Kind::Treat => {}
        Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => {
            return Err(invalid("group.circle", "is rotate only in draw and treat"));
        }
    }
    if group.chance.is_some() {
        return Err(invalid(
            "group.circle",
            "is rotate only with a fixed number of winners",
        ));
    }
    if group.seats_per_member != 1 {
        return Err(invalid(
            "group.seats_per_member",
            "must be 1 where the circle rotates",
        ));
    }
    if group.leader != LeaderRule::Equal {
        return Err(invalid(
            "group.leader",
            "must be equal where the circle rotates: everybody has his turn",
        ));
    }
    Ok(())
}

fn check_prize(campaign: &Campaign) -> Result<(), Refusal> {
    match (&campaign.prize, campaign.kind) {
        (Some(prize), Kind::BonusDraw) => within("prize.cost", prize.cost, Money::ZERO),
        (None, Kind::BonusDraw) => Err(invalid("prize", "is missing: a bonus-draw gives prizes")),
        (Some(_), Kind::Draw | Kind::EveryoneBuys | Kind::Treat | Kind::Ballot) => {
            Err(invalid("prize", "is only for bonus-draw"))
        }
        (None, Kind::Draw | Kind::EveryoneBuys | Kind::Treat | Kind::Ballot) => Ok(()),
    }
}

/// Registering for a ballot is free, so nothing but coins may be paid for it: cash for sign-up alone is what no profile
/// can allow (rules 11). Cash is paid for what winners buy.
fn check_ballot(campaign: &Campaign) -> Result<(), Refusal> {
    for reward in &campaign.rewards {
        let (field, free_cash) = match &reward.program {
            Program::Consolation(program) => ("reward.cash", program.cash.is_positive()),
            Program::Leader(program) => ("reward.cash", program.cash.is_positive()),
            Program::Formation(program) => {
                ("reward.per_recruit", program.per_recruit.is_positive())
            }
            Program::Generation(_)
            | Program::Differential(_)
            | Program::Region(_)
            | Program::Dividend(_) => (
                "reward.source",
                reward.program.source() != Some(Source::Winners),
            ),
            Program::WinnerBonus(_) | Program::SameLevel(_) => ("reward", false),
        };
        if free_cash {
            return Err(invalid(
                field,
                "would pay cash for a free registration: a ballot pays it only for winners' purchases",
            ));
        }
    }
    Ok(())
}

/// What a program's base must keep.
pub(crate) fn check_base(campaign: &Campaign, base: Base) -> Result<(), Refusal> {
    match base {
        Base::Price => Ok(()),
        Base::Fixed(sum) => within("reward.fixed", sum, Money::ZERO),
        Base::Consolation if crate::rewards::consolation(campaign).is_none() => Err(invalid(
            "reward.base",
            "is consolation, but the campaign has no consolation",
        )),
        Base::Consolation => Ok(()),
        Base::Margin if campaign.merchant.is_some() => Err(invalid(
            "reward.base",
            "is margin, which only the platform's own campaigns have",
        )),
        Base::Margin if campaign.group.price < campaign.product.cost => Err(invalid(
            "reward.base",
            "is margin, but the price is below the cost",
        )),
        Base::Margin => Ok(()),
    }
}

/// Seats and winners that a win rate can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WinPair {
    /// Seats of a group.
    pub seats: u32,
    /// How many of them win.
    pub winners: u32,
}

impl std::fmt::Display for WinPair {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} of {}", self.winners, self.seats)
    }
}

/// The winners that a win rate gives among this many seats (rules 4: it must be a whole number of at least one, and no
/// more than the kind allows); otherwise the nearest pairs that are legal, also for the leader's rule: with these seats, and with
/// this rate.
pub fn winners_of_rate(
    (kind, leader): (Kind, LeaderRule),
    seats: u32,
    rate: Rate,
) -> Result<u32, Refusal> {
    if let Some(winners) = whole_winners(kind, seats, rate) {
        return Ok(winners);
    }
    let below = u64::from(seats)
        .saturating_mul(u64::from(rate.0))
        .div_euclid(u64::from(RATE_ONE_PPM));
    let below = u32::try_from(below).unwrap_or(u32::MAX);
    // One who always buys wins beside at least one who is drawn; one who is exempt never wins.
    let least = if leader == LeaderRule::Buys { 2 } else { 1 };
    let can_win = |seats: u32| match leader {
        LeaderRule::Exempt => most_winners(kind, seats).min(seats.saturating_sub(1)),
        LeaderRule::Equal | LeaderRule::Buys => most_winners(kind, seats),
    };
    let most = can_win(seats);
    let mut nearest: Vec<WinPair> = [below, below.saturating_add(1)]
        .map(|winners| WinPair {
            seats,
            winners: winners.min(most).max(least),
        })
        .to_vec();
    nearest.dedup();
    nearest.retain(|pair| pair.winners <= most);
    let legal = |seats: u32| {
        let winners = whole_winners(kind, seats, rate)?;
        let is_legal = (least..=can_win(seats)).contains(&winners);
        is_legal.then_some(WinPair { seats, winners })
    };
    nearest.extend((2..seats).rev().find_map(legal));
    nearest.extend((seats.saturating_add(1)..=MAX_SEATS).find_map(legal));
    Err(Refusal::WinRateNotWhole {
        seats,
        rate,
        nearest,
    })
}

fn whole_winners(kind: Kind, seats: u32, rate: Rate) -> Option<u32> {
    let product = u64::from(seats).checked_mul(u64::from(rate.0))?;
    let one = u64::from(RATE_ONE_PPM);
    let winners = u32::try_from(product.div_euclid(one)).ok()?;
    (product.rem_euclid(one) == 0 && 1 <= winners && winners <= most_winners(kind, seats))
        .then_some(winners)
}
