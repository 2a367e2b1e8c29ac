//! Settlement of one drawn group, in the order of rules 6. Pure: seats and winners in, amounts out.

use crate::{
    Campaign, Coins, FilledSeat, Money, Overflow, ProgramKind, RewardPaid,
    rewards::{self, Drawn},
};

/// Every amount that follows from a draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Cash that every non-winner gets on top of his refund.
    pub consolation_cash: Money,
    /// Coins that every non-winner gets.
    pub consolation_coins: Coins,
    /// All other rewards, in the order they are paid.
    pub rewards: Vec<RewardPaid>,
    winners: u32,
    losers: u32,
}

/// Counts every amount that follows from a draw. `winners` are seat numbers in any order.
pub fn settle(
    campaign: &Campaign,
    seats: &[FilledSeat],
    winners: &[u32],
) -> Result<Settlement, Overflow> {
    let mut won = vec![false; seats.len()];
    for &winner in winners {
        let at = usize::try_from(winner).map_err(|_| Overflow)?;
        *won.get_mut(at).ok_or(Overflow)? = true;
    }
    let uniform = campaign
        .rewards
        .iter()
        .any(rewards::Reward::is_uniform_consolation);
    let consolation = rewards::consolation(campaign).filter(|_| uniform);
    let winners = u32::try_from(won.iter().filter(|&&won| won).count()).map_err(|_| Overflow)?;
    let seats_total = u32::try_from(seats.len()).map_err(|_| Overflow)?;
    Ok(Settlement {
        consolation_cash: consolation.map_or(Money::ZERO, |consolation| consolation.cash),
        consolation_coins: consolation.map_or(Coins::ZERO, |consolation| consolation.coins),
        rewards: rewards::pay_all(&Drawn {
            campaign,
            seats,
            won: &won,
        })?,
        winners,
        losers: seats_total.saturating_sub(winners),
    })
}

impl Settlement {
    /// Cash paid by all programs of one kind.
    pub fn cash_of(&self, program: ProgramKind) -> Result<Money, Overflow> {
        let listed = self
            .rewards
            .iter()
            .filter(|paid| paid.program == program)
            .map(|paid| paid.cash);
        let sum = crate::sum(listed)?;
        if program == ProgramKind::Consolation {
            return sum.plus(self.consolation_cash.times(self.losers)?);
        }
        Ok(sum)
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

    /// Cash paid by all programs.
    pub fn rewards_cash(&self) -> Result<Money, Overflow> {
        let listed = crate::sum(self.rewards.iter().map(|paid| paid.cash))?;
        listed.plus(self.consolation_cash.times(self.losers)?)
    }

    /// What the non-winners get back of what they paid.
    pub fn refunds(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign.group.price.times(self.losers)
    }

    /// What the supplier is owed.
    pub fn supplier(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        campaign.product.cost.times(self.winners)
    }

    /// What is left for the platform once the channel has taken its fees.
    pub fn platform(&self, campaign: &Campaign) -> Result<Money, Overflow> {
        let sales = campaign.group.price.times(self.winners)?;
        let fees = crate::solvency::channel_fees(campaign)?;
        sales
            .minus(self.supplier(campaign)?)?
            .minus(fees)?
            .minus(self.rewards_cash()?)
    }
}
