//! Winner's bonus: every winner gets cash or coins on top of the product.

use minicbor::{Decode, Encode};

use super::{Ask, Bound, Drawn, Source, Till};
use crate::{Case, Coins, Money, Overflow};

/// Every winner gets these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WinnerBonus {
    /// Cash; tax that the owner bears comes on top.
    #[n(0)]
    pub cash: Money,
    /// Coins.
    #[n(1)]
    pub coins: Coins,
}

impl WinnerBonus {
    /// `W × cash` and `W × coins`.
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let seats = Source::Winners.count(case);
        Ok(Bound {
            cash: case.campaign.with_tax(self.cash)?.times(seats)?,
            coins: self.coins.times(seats)?,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let cash = drawn.campaign.with_tax(self.cash)?;
        for (number, seat) in drawn.sources(Source::Winners) {
            till.pay(Ask {
                member: seat.member,
                source_seat: Some(number),
                generation: 0,
                base: cash,
                rate: None,
                cash,
                coins: self.coins,
            })?;
        }
        Ok(())
    }
}
