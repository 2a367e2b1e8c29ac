//! Settlement of one drawn group, in the order of rules 6. Pure: seats and winners in, amounts out.

use crate::{
    Campaign, Case, Coins, FilledSeat, Leftover, Money, Overflow, ProgramKind, RewardPaid,
    SeatShare, StoreId,
    rewards::{self, Drawn},
};

/// Every amount that follows from a draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Cash that every non-winner gets on top of his refund, tax that the owner bears included.
    pub consolation_cash: Money,
    /// Coins that every non-winner gets.
    pub consolation_coins: Coins,
    /// All other rewards to members, in the order they are paid.
    pub rewards: Vec<RewardPaid>,
    /// What goes into the dividend pool: its programs' payments, and what is left of the envelope if the campaign says so.
    pub dividend: Money,
    /// What of it came from each seat, by seat number. The rest is what was left of the envelope.
    pub dividend_shares: Vec<SeatShare>,
    /// What home stores get of the platform's take, one entry for each buyer who has one, in seat order.
    pub origin_shares: Vec<OriginShare>,
    winners: u32,
    losers: u32,
}

/// What a buyer's home store gets of the platform's take on him (rules 10.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginShare {
    /// Who.
    pub store: StoreId,
    /// From which seat.
    pub source_seat: u32,
    /// What the share was taken of.
    pub base: Money,
    /// How much.
    pub cash: Money,
}

/// Counts every amount that follows from a draw. `winners` are seat numbers in any order.
pub fn settle(
    campaign: &Campaign,
    seats: &[FilledSeat],
    winners: &[u32],
) -> Result<Settlement, Overflow> {
    settle_ballot(campaign, seats, winners, &[])
}

/// The same of a ballot: `winners` have bought, and the rights of the seats `unused` were not used. Those get no consolation.
pub fn settle_ballot(
    campaign: &Campaign,
    seats: &[FilledSeat],
    winners: &[u32],
    unused: &[u32],
) -> Result<Settlement, Overflow> {
    let won = marked(seats, winners)?;
    let uniform = campaign
        .rewards
        .iter()
        .any(rewards::Reward::is_uniform_consolation);
    let consolation = rewards::consolation(campaign).filter(|_| uniform);
    let winners = u32::try_from(won.iter().filter(|&&won| won).count()).map_err(|_| Overflow)?;
    let seats_total = u32::try_from(seats.len()).map_err(|_| Overflow)?;
    let unused_total = u32::try_from(unused.len()).map_err(|_| Overflow)?;
    let unused = if unused.is_empty() {
        Vec::new()
    } else {
        marked(seats, unused)?
    };
    let case = campaign.case(winners);
    let paid = rewards::pay_all(&Drawn {
        campaign,
        seats,
        won: &won,
        unused: &unused,
    })?;
    let mut settlement = Settlement {
        consolation_cash: campaign
            .with_tax(consolation.map_or(Money::ZERO, |consolation| consolation.cash))?,
        consolation_coins: consolation.map_or(Coins::ZERO, |consolation| consolation.coins),
        rewards: paid.rewards,
        dividend: paid.dividend,
        dividend_shares: paid
            .dividend_shares
            .into_iter()
            .map(|(seat, cash)| SeatShare { seat, cash })
            .collect(),
        origin_shares: origin_shares(case, seats, &won)?,
        winners,
        losers: seats_total
            .saturating_sub(winners)
            .saturating_sub(unused_total),
    };
    match campaign.leftover {
        Leftover::Owner => {}
        Leftover::Dividend => {
            let left = settlement.left_of_envelope(campaign)?;
            settlement.dividend = settlement.dividend.plus(left)?;
        }
    }
    Ok(settlement)
}

/// For every seat, whether it is one of these.
pub(crate) fn marked(seats: &[FilledSeat], these: &[u32]) -> Result<Vec<bool>, Overflow> {
    let mut marked = vec![false; seats.len()];
    for &seat in these {
        let at = usize::try_from(seat).map_err(|_| Overflow)?;
        *marked.get_mut(at).ok_or(Overflow)? = true;
    }
    Ok(marked)
}

/// Not at his own home store: where the campaign is its merchant's, no home store was recorded with the seat.
pub(crate) fn origin_shares(
    case: Case<'_>,
    seats: &[FilledSeat],
    won: &[bool],
) -> Result<Vec<OriginShare>, Overflow> {
    let Some(share) = case.campaign.origin_share else {
        return Ok(Vec::new());
    };
    let base = case.take_each()?;
    let cash = base.share(share)?;
    if !cash.is_positive() {
        return Ok(Vec::new());
    }
    let everyone = case.campaign.kind.everyone_buys();
    let buyers = (0u32..)
        .zip(seats)
        .zip(won)
        .filter(|&(_, &won)| everyone || won);
    let shares = buyers.filter_map(|((source_seat, seat), _)| {
        Some(OriginShare {
            store: seat.home_store?,
            source_seat,
            base,
            cash,
        })
    });
    Ok(shares.collect())
}

impl Settlement {
    /// Cash paid by all programs of one kind; of dividends what goes into the pool.
    pub fn cash_of(&self, program: ProgramKind) -> Result<Money, Overflow> {
        let listed = self
            .rewards
            .iter()
            .filter(|paid| paid.program == program)
            .map(|paid| paid.cash);
        let sum = crate::sum(listed)?;
        match program {
            ProgramKind::Consolation => sum.plus(self.consolation_cash.times(self.losers)?),
            ProgramKind::Dividend => Ok(self.dividend),
            ProgramKind::OriginShare => self.origin_cash(),
            ProgramKind::WinnerBonus
            | ProgramKind::Leader
            | ProgramKind::Formation
            | ProgramKind::Generation
            | ProgramKind::Differential
            | ProgramKind::SameLevel
            | ProgramKind::Region => Ok(sum),
        }
    }

    /// Coins given by all programs of one kind.
    pub fn coins_of(&self, program: ProgramKind) -> Result<Coins, Overflow> {
        let listed = self
            .rewards
            .iter()
            .filter(|paid| paid.program == program)
            .map(|paid| Money(paid.coins.0));
        let sum = Coins(crate::sum(listed)?.0);
        if program == ProgramKind::Consolation {
            return sum.plus(self.consolation_coins.times(self.losers)?);
        }
        Ok(sum)
    }

    /// Cash paid by all programs, the dividend pool's and home stores' included.
    pub fn rewards_cash(&self) -> Result<Money, Overflow> {
        self.envelope_cash()?
            .plus(self.dividend)?
            .plus(self.origin_cash()?)
    }

    /// What home stores got.
    pub fn origin_cash(&self) -> Result<Money, Overflow> {
        crate::sum(self.origin_shares.iter().map(|share| share.cash))
    }

    /// Cash that members got.
    fn envelope_cash(&self) -> Result<Money, Overflow> {
        let listed = crate::sum(self.rewards.iter().map(|paid| paid.cash))?;
        listed.plus(self.consolation_cash.times(self.losers)?)
    }

    /// What the programs could have paid with so many winners, and did not. The pool is not counted twice.
    fn left_of_envelope(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        let most = rewards::envelope(campaign.case(self.winners))?.cash;
        most.minus(self.envelope_cash()?)?.minus(self.dividend)
    }

    /// What the non-winners get back of what they paid.
    pub fn refunds(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign
            .group
            .price
            .times(campaign.case(self.winners).refunded())
    }

    /// What the supplier is owed.
    pub fn supplier(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign.case(self.winners).supplier()
    }

    /// What the channel takes.
    pub fn fees(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign.case(self.winners).fees()
    }

    /// What the platform keeps of a merchant's sales.
    pub fn commission(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign.case(self.winners).commission()
    }

    /// What is payable to the merchant whose campaign it is: sales less commission, fees and the rewards paid. Home stores'
    /// shares are the platform's to bear (rules 10.5).
    pub fn merchant(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        if campaign.merchant.is_none() {
            return Ok(Money::ZERO);
        }
        let case = campaign.case(self.winners);
        case.sales()?
            .minus(case.commission()?)?
            .minus(case.fees()?)?
            .minus(self.envelope_cash()?)?
            .minus(self.dividend)
    }

    /// What is left for the platform once everybody else has his: in a merchant's campaign the commission, less home
    /// stores' shares.
    pub fn platform(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        let case = campaign.case(self.winners);
        let origin = self.origin_cash()?;
        if campaign.merchant.is_some() {
            return case.commission()?.minus(origin);
        }
        case.sales()?
            .minus(case.supplier()?)?
            .minus(case.fees()?)?
            .minus(self.rewards_cash()?)
    }
}
