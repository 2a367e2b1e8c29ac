//! Region reward (区域奖): the agents of the buyer's county, city and province get their rates of each source seat's base.
//! A vacant region's share stays in the envelope.

use minicbor::{Decode, Encode};

use super::{Ask, Base, Bound, Drawn, Source, Till};
use crate::{Case, Coins, Money, Overflow, RATE_ONE_PPM, Rate, Refusal, campaign::invalid, kinds};

/// Agents get a rate of each source seat's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Region {
    /// Which seats it starts from.
    #[n(0)]
    pub source: Source,
    /// What the rates are applied to.
    #[n(1)]
    pub base: Base,
    /// For the county's agent.
    #[n(2)]
    pub county: Rate,
    /// For the city's agent.
    #[n(3)]
    pub city: Rate,
    /// For the province's agent.
    #[n(4)]
    pub province: Rate,
}

impl Region {
    /// Source seats × Σ floor(rate × b).
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let base = self.base.amount(case.campaign)?;
        let mut per_seat = Money::ZERO;
        for rate in [self.county, self.city, self.province] {
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
            let agents = [
                (seat.agents.county, self.county),
                (seat.agents.city, self.city),
                (seat.agents.province, self.province),
            ];
            for (agent, rate) in agents {
                if let Some(agent) = agent.filter(|agent| !agent.frozen) {
                    till.pay(Ask::share(agent.member, number, base, rate)?)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn check(&self, case: Case<'_>) -> Result<(), Refusal> {
        let fields = [
            ("reward.county", self.county),
            ("reward.city", self.city),
            ("reward.province", self.province),
        ];
        for (field, rate) in fields {
            if RATE_ONE_PPM < rate.0 {
                return Err(invalid(field, "must be between 0% and 100%"));
            }
        }
        kinds::check_base(case.campaign, self.base)
    }
}
