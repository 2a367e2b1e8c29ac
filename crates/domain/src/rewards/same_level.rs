//! Same-level reward (平级奖): on the walk of the differential program before it, an upline of the rank met last gets a rate
//! of the same base, at most so many for one source seat. It follows the walk even where a cap has cut the differential.

use minicbor::{Decode, Encode};

use super::{
    Ask, Bound, Differential, Drawn, MAX_RANKS, Program, Till,
    differential::{Met, Step},
};
use crate::{
    Campaign, Case, Coins, Overflow, RATE_ONE_PPM, Rate, Refusal, Upline, campaign::invalid,
};

/// Uplines of the rank met last get a rate of each source seat's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SameLevel {
    /// e of the rules.
    #[n(0)]
    pub rate: Rate,
    /// Most payments for one source seat (q of the rules).
    #[n(1)]
    pub at_most: u32,
}

/// The differential program that a same-level program at this position follows: the last one before it.
pub(super) fn followed(campaign: &Campaign, at: usize) -> Option<&Differential> {
    let before = campaign.rewards.iter().take(at).rev();
    before
        .filter_map(|reward| match &reward.program {
            Program::Differential(program) => Some(program),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Generation(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => None,
        })
        .next()
}

/// Of all uplines of a seat, from the inviter up, those that the campaign's differential and same-level programs can pay
/// or must count. Asks for no more uplines than it needs.
pub fn walk_of(campaign: &Campaign, uplines: impl Iterator<Item = Upline>) -> Vec<Upline> {
    let mut programs: Vec<(&Differential, Met, u32)> = Vec::new();
    let mut most = 0;
    for reward in &campaign.rewards {
        match &reward.program {
            Program::Differential(program) => programs.push((program, Met::default(), 0)),
            Program::SameLevel(program) => most = program.at_most.max(most),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Generation(_)
            | Program::Region(_)
            | Program::Dividend(_) => {}
        }
    }
    let mut kept = Vec::new();
    for upline in uplines {
        let mut counts = false;
        for (program, met, same_level) in &mut programs {
            match program.step(met, upline) {
                Some(Step::Above(..)) => {
                    counts = true;
                }
                Some(Step::SameLevel(_)) if !upline.frozen && *same_level < most => {
                    *same_level = same_level.saturating_add(1);
                    counts = true;
                }
                Some(Step::SameLevel(_)) | None => {}
            }
        }
        if counts {
            kept.push(upline);
        }
        let done = |(program, met, same_level): &(&Differential, Met, u32)| {
            program.is_at_the_top(met) && most <= *same_level
        };
        if programs.iter().all(done) {
            break;
        }
    }
    kept
}

impl SameLevel {
    /// Source seats × q × floor(e b).
    pub(super) fn bound(&self, case: Case<'_>, at: usize) -> Result<Bound, Overflow> {
        let Some(walk) = followed(case.campaign, at) else {
            return Ok(Bound::default());
        };
        let each = walk.base.amount(case.campaign)?.share(self.rate)?;
        let sources = walk.source.count(case);
        Ok(Bound {
            cash: each.times(self.at_most)?.times(sources)?,
            coins: Coins::ZERO,
        })
    }

    /// A frozen upline is passed without being counted among the payments.
    pub(super) fn pay(
        &self,
        drawn: &Drawn<'_>,
        at: usize,
        till: &mut Till<'_>,
    ) -> Result<(), Overflow> {
        let Some(walk) = followed(drawn.campaign, at) else {
            return Ok(());
        };
        let base = walk.base.amount(drawn.campaign)?;
        let most = usize::try_from(self.at_most).unwrap_or(usize::MAX);
        for (number, seat) in drawn.sources(walk.source) {
            let same_level = walk.walk(&seat.walk).filter_map(|step| match step {
                Step::SameLevel(upline) if !upline.frozen => Some(upline),
                Step::SameLevel(_) | Step::Above(..) => None,
            });
            for upline in same_level.take(most) {
                till.pay(Ask::share(upline.member, number, base, self.rate)?)?;
            }
        }
        Ok(())
    }

    pub(super) fn check(&self, campaign: &Campaign, at: usize) -> Result<(), Refusal> {
        if followed(campaign, at).is_none() {
            return Err(invalid(
                "reward.program",
                "is same-level, but no differential program stands before it",
            ));
        }
        if RATE_ONE_PPM < self.rate.0 {
            return Err(invalid("reward.rate", "must be between 0% and 100%"));
        }
        let most = u32::try_from(MAX_RANKS).unwrap_or(u32::MAX);
        if self.at_most < 1 || most < self.at_most {
            return Err(invalid("reward.at_most", "must be between 1 and 20"));
        }
        Ok(())
    }
}
