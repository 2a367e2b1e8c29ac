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

/// A walk up from one seat: keeps of the uplines it meets those that the campaign's differential and same-level programs can
/// pay or must count.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// Each program with what it has met, and how many at the same level it can pay.
    programs: Vec<(&'a Differential, Met, u32)>,
    /// The most such payments of any same-level program.
    most: u32,
    /// From the inviter up.
    pub kept: Vec<Upline>,
}

impl<'a> Walk<'a> {
    /// Before the inviter.
    pub fn new(campaign: &'a Campaign) -> Walk<'a> {
        let mut walk = Walk {
            programs: Vec::new(),
            most: 0,
            kept: Vec::new(),
        };
        for reward in &campaign.rewards {
            match &reward.program {
                Program::Differential(program) => {
                    walk.programs.push((program, Met::default(), 0));
                }
                Program::SameLevel(program) => walk.most = program.at_most.max(walk.most),
                Program::Consolation(_)
                | Program::WinnerBonus(_)
                | Program::Leader(_)
                | Program::Formation(_)
                | Program::Generation(_)
                | Program::Region(_)
                | Program::Dividend(_) => {}
            }
        }
        walk
    }

    /// The next upline.
    pub fn meet(&mut self, upline: Upline) {
        let mut counts = false;
        for (program, met, same_level) in &mut self.programs {
            match program.step(met, upline) {
                Some(Step::Above(..)) => {
                    counts = true;
                }
                Some(Step::SameLevel(_)) if !upline.frozen && *same_level < self.most => {
                    *same_level = same_level.saturating_add(1);
                    counts = true;
                }
                Some(Step::SameLevel(_)) | None => {}
            }
        }
        if counts {
            self.kept.push(upline);
        }
    }

    /// Whether no upline can count any more.
    pub fn is_done(&self) -> bool {
        self.programs.iter().all(|(program, met, same_level)| {
            program.is_at_the_top(met) && self.most <= *same_level
        })
    }

    /// Whether an upline of rank 0 could count now.
    pub fn counts_unranked(&self) -> bool {
        self.programs.iter().any(|(program, met, same_level)| {
            program.is_below_the_first(met)
                || (program.is_at_the_first(met) && *same_level < self.most)
        })
    }

    /// The most uplines it can keep.
    pub fn limit(&self) -> usize {
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let each = self
            .programs
            .iter()
            .map(|(program, _, _)| program.rates_by_rank.len().saturating_add(most));
        each.fold(0, usize::saturating_add)
    }
}

/// Of all uplines of a seat, from the inviter up, those that the campaign's differential and same-level programs can pay
/// or must count. Asks for no more uplines than it needs.
pub fn walk_of(campaign: &Campaign, uplines: impl Iterator<Item = Upline>) -> Vec<Upline> {
    let mut walk = Walk::new(campaign);
    for upline in uplines {
        walk.meet(upline);
        if walk.is_done() {
            break;
        }
    }
    walk.kept
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
