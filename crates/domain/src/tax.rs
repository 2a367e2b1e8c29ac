//! Tax on rewards in cash that came by chance (rules 9.3): withheld the moment the reward is received.
//!
//! Why no event of its own says so: what is withheld never was the member's to use. The event by which a reward is received
//! carries the tax beside it, and one posting gives the member the rest and the tax office its part.

use crate::{
    Campaign, Event, GroupId, Kind, Money, Overflow, ProgramKind, RATE_ONE_PPM, Rate, Refusal,
    TaxBearer, World, owed,
};

impl Campaign {
    /// What of such rewards is withheld in its groups, by the profile it was published under. Nothing comes by chance where
    /// nothing is drawn.
    pub fn withheld(&self) -> Rate {
        match self.kind {
            Kind::EveryoneBuys => Rate(0),
            Kind::Draw | Kind::BonusDraw | Kind::Treat | Kind::Ballot => {
                self.profile.terms().withholding.occasional
            }
        }
    }
}

impl Campaign {
    /// What a reward that comes by chance costs the campaign's owner where this much is to reach the member: by a profile whose
    /// owners bear the tax so much more that nothing is missing once it is withheld.
    ///
    /// Of `x = reward × rate / (1 − rate)` the tax is the whole fen, and withholding `rate` of the sum gives just that again.
    pub fn with_tax(&self, reward: Money) -> Result<Money, Overflow> {
        match self.profile.terms().withholding.borne_by {
            TaxBearer::Member => Ok(reward),
            TaxBearer::Owner => self.withheld().on_top_of(reward),
        }
    }
}

impl ProgramKind {
    /// Whether what it pays came by chance: consolation and the winner's bonus.
    pub fn is_by_chance(self) -> bool {
        match self {
            ProgramKind::Consolation | ProgramKind::WinnerBonus => true,
            ProgramKind::Leader
            | ProgramKind::Formation
            | ProgramKind::Generation
            | ProgramKind::Differential
            | ProgramKind::SameLevel
            | ProgramKind::Region
            | ProgramKind::Dividend
            | ProgramKind::OriginShare => false,
        }
    }
}

impl Rate {
    /// The tax on one reward, rounded down to the fen (rules 2.3), and what is left of it.
    pub fn withheld_of(self, reward: Money) -> Result<(Money, Money), Overflow> {
        let tax = reward.share(self)?;
        Ok((tax, reward.minus(tax)?))
    }

    /// The reward with the tax that an owner bears on it, rounded down to the fen; below 100 %.
    fn on_top_of(self, reward: Money) -> Result<Money, Overflow> {
        let rest = RATE_ONE_PPM.checked_sub(self.0).ok_or(Overflow)?;
        let product = i128::from(reward.0).checked_mul(i128::from(self.0));
        let tax = product.and_then(|product| product.checked_div(i128::from(rest)));
        let tax = i64::try_from(tax.ok_or(Overflow)?).map_err(|_| Overflow)?;
        reward.plus(Money(tax))
    }
}

impl World {
    /// As [`Campaign::withheld`], of a group.
    pub(crate) fn tax_of(&self, group: GroupId) -> Rate {
        self.campaign_of(group)
            .map_or(Rate(0), |campaign| campaign.terms.withheld())
    }

    /// What was withheld and the tax office has not got yet.
    pub fn tax_owed(&self) -> Money {
        owed(self.books.tax)
    }

    /// In this order: the amount, and that so much is owed.
    pub(crate) fn decide_pay_tax(
        &self,
        amount: Money,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        let left = self.tax_owed();
        if left < amount {
            return Err(Refusal::TaxTooLarge { left });
        }
        events.push(Event::TaxPaid { amount });
        Ok(())
    }

    /// What is owed to the tax office is never below nothing.
    pub(crate) fn check_tax(&self, found: &mut Vec<String>) {
        if 0 < self.books.tax {
            found.push(format!("the tax office owes {}", self.books.tax));
        }
    }
}
