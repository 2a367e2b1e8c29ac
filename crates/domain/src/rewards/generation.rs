//! Generation reward (代数奖): for k = 1..L the k-th upline of a source seat gets `g_k × b`, if his VIP level opens
//! that many generations. A missing or frozen upline's share stays in the envelope; nobody above inherits it.

use minicbor::{Decode, Encode};

use super::{Ask, Base, Bound, Drawn, MAX_GENERATIONS, Source, Till};
use crate::{
    Campaign, Case, Coins, Money, Overflow, RATE_ONE_PPM, Rate, Refusal, campaign::invalid, kinds,
};

/// Uplines get a rate of each source seat's base.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Generation {
    /// Which seats it starts from.
    #[n(0)]
    pub source: Source,
    /// What the rates are applied to.
    #[n(1)]
    pub base: Base,
    /// g_1, g_2 … from the inviter up.
    #[n(2)]
    pub rates: Vec<Rate>,
    /// Generations open to VIP 0, 1, 2 …; a level above the last uses the last; none: no condition.
    #[n(3)]
    pub vip_depth: Option<Vec<u32>>,
}

impl Generation {
    /// Source seats × Σ floor(g_k × b).
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let base = self.base.amount(case.campaign)?;
        let mut per_seat = Money::ZERO;
        for &rate in &self.rates {
            per_seat = per_seat.plus(base.share(rate)?)?;
        }
        Ok(Bound {
            cash: per_seat.times(self.source.count(case))?,
            coins: Coins::ZERO,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let base = self.base.amount(drawn.campaign)?;
        for (number, seat) in drawn.sources(self.source) {
            for ((generation, upline), &rate) in (1u32..).zip(&seat.uplines).zip(&self.rates) {
                if self.depth(upline.vip) < generation || upline.frozen {
                    continue;
                }
                till.pay(Ask {
                    member: upline.member,
                    source_seat: Some(number),
                    generation,
                    base,
                    rate: Some(rate),
                    cash: base.share(rate)?,
                    coins: Coins::ZERO,
                })?;
            }
        }
        Ok(())
    }

    /// How many generations a VIP level opens.
    fn depth(&self, vip: u32) -> u32 {
        let Some(table) = &self.vip_depth else {
            return u32::MAX;
        };
        let level = usize::try_from(vip).unwrap_or(usize::MAX);
        table.get(level).or(table.last()).copied().unwrap_or(0)
    }

    pub(super) fn check(&self, campaign: &Campaign) -> Result<(), Refusal> {
        if self.rates.is_empty() || MAX_GENERATIONS < self.rates.len() {
            return Err(invalid("reward.rates", "must have 1 to 20 entries"));
        }
        if self.rates.iter().any(|rate| RATE_ONE_PPM < rate.0) {
            return Err(invalid("reward.rates", "must be between 0% and 100%"));
        }
        if let Some(table) = &self.vip_depth {
            let most = u32::try_from(MAX_GENERATIONS).unwrap_or(u32::MAX);
            if table.is_empty()
                || MAX_GENERATIONS < table.len()
                || table.iter().any(|&depth| most < depth)
            {
                return Err(invalid(
                    "reward.vip_depth",
                    "must have 1 to 20 entries, each at most 20",
                ));
            }
        }
        kinds::check_base(campaign, self.base)
    }
}
