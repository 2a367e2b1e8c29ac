//! Consolation (参与奖): every non-winner gets cash and coins on top of the full refund.

use minicbor::{Decode, Encode};

use super::{Ask, Bound, Drawn, Source, Till};
use crate::{Case, Coins, Money, Overflow};

/// Every non-winner gets these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Consolation {
    /// Cash (r of the rules); tax that the owner bears comes on top.
    #[n(0)]
    pub cash: Money,
    /// Coins (c of the rules).
    #[n(1)]
    pub coins: Coins,
}

impl Consolation {
    /// `(N − W) × r` and `(N − W) × c`, whoever returns (rules 9.5).
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let seats = Source::NonWinners.count(case.all_kept());
        Ok(Bound {
            cash: case.campaign.with_tax(self.cash)?.times(seats)?,
            coins: self.coins.times(seats)?,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let cash = drawn.campaign.with_tax(self.cash)?;
        for (number, seat) in drawn.sources(Source::NonWinners) {
            if drawn.is_unused(number) {
                continue;
            }
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
