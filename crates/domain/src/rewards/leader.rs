//! Leader reward: a fixed sum to the leader once the group has filled.

use minicbor::{Decode, Encode};

use super::{Ask, Bound, Drawn, Till};
use crate::{Coins, Money, Overflow};

/// The leader gets these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Leader {
    /// Cash.
    #[n(0)]
    pub cash: Money,
    /// Coins.
    #[n(1)]
    pub coins: Coins,
    /// Only if no seat of his has won.
    #[n(2)]
    pub unless_won: bool,
}

impl Leader {
    /// The sum.
    pub(super) fn bound(&self) -> Result<Bound, Overflow> {
        Ok(Bound {
            cash: self.cash,
            coins: self.coins,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let Some(leader) = drawn.seats.first().map(|seat| seat.member) else {
            return Ok(());
        };
        let has_won = drawn
            .seats
            .iter()
            .zip(drawn.won)
            .any(|(seat, &won)| won && seat.member == leader);
        if self.unless_won && has_won {
            return Ok(());
        }
        till.pay(Ask {
            member: leader,
            source_seat: None,
            generation: 0,
            base: self.cash,
            rate: None,
            cash: self.cash,
            coins: self.coins,
        })
    }
}
