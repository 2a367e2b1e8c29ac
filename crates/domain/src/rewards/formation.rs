//! Formation reward (成团奖): paid per recruited seat when the group has filled.

use minicbor::{Decode, Encode};

use super::{Ask, Bound, Drawn, Source, Till};
use crate::{Case, Coins, LeaderRule, Money, Overflow};

/// A fixed sum for every seat but the leader's, to the member whose share link it used, else to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Formation {
    /// The sum (f of the rules).
    #[n(0)]
    pub per_recruit: Money,
}

impl Formation {
    /// `(N − 1) × f`.
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let kept = Source::All.count(case);
        // Nobody was recruited for the leader's own seat, so most stands where his is among those that are back.
        let recruited = if may_be_leaders(case) {
            kept
        } else {
            kept.saturating_sub(1)
        };
        Ok(Bound {
            cash: self.per_recruit.times(recruited)?,
            coins: Coins::ZERO,
        })
    }

    /// Counts seats 1..N−1. That nobody recruits himself is seen to where links are taken: see `World::link`.
    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let Some(leader) = drawn.seats.first().map(|seat| seat.member) else {
            return Ok(());
        };
        for (number, seat) in drawn.sources(Source::All).skip(1) {
            till.pay(Ask {
                member: seat.via.unwrap_or(leader),
                source_seat: Some(number),
                generation: 0,
                base: self.per_recruit,
                rate: None,
                cash: self.per_recruit,
                coins: Coins::ZERO,
            })?;
        }
        Ok(())
    }
}

/// Whether one of the seats that are back can be the leader's. An exempt leader is never drawn, so he has bought only where
/// everyone buys.
fn may_be_leaders(case: Case<'_>) -> bool {
    match case.campaign.group.leader {
        LeaderRule::Equal => 0 < case.returned.count(),
        LeaderRule::Exempt => 0 < case.returned.others,
        LeaderRule::Buys => 0 < case.returned.winners,
    }
}
