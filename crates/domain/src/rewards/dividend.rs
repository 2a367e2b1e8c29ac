//! Dividend (团队长加权分红): a rate of each source seat's base goes into the period's pool, which is shared when the period
//! closes.

use minicbor::{Decode, Encode};

use super::{Base, Bound, Drawn, Source, Till};
use crate::{Case, Coins, Overflow, RATE_ONE_PPM, Rate, Refusal, campaign::invalid, kinds};

/// The pool gets a rate of each source seat's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Dividend {
    /// Which seats it starts from.
    #[n(0)]
    pub source: Source,
    /// What the rate is applied to.
    #[n(1)]
    pub base: Base,
    /// The rate.
    #[n(2)]
    pub rate: Rate,
}

impl Dividend {
    /// Source seats × floor(rate × b), whoever returns: by then the pool may have been shared out (rules 9.1).
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let each = self.base.amount(case.campaign)?.share(self.rate)?;
        Ok(Bound {
            cash: each.times(self.source.count(case.all_kept()))?,
            coins: Coins::ZERO,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let each = self.base.amount(drawn.campaign)?.share(self.rate)?;
        for (seat, _) in drawn.sources(self.source) {
            till.pool(seat, each)?;
        }
        Ok(())
    }

    pub(super) fn check(&self, case: Case<'_>) -> Result<(), Refusal> {
        if RATE_ONE_PPM < self.rate.0 {
            return Err(invalid("reward.rate", "must be between 0% and 100%"));
        }
        kinds::check_base(case.campaign, self.base)
    }
}
