//! Differential reward (团队级差奖): walking up from a source seat with m = 0, an upline whose rank's rate is above m gets
//! the difference, and m becomes his rate. So a path pays the highest rate on it and no more.

use minicbor::{Decode, Encode};

use super::{Ask, Base, Bound, Drawn, MAX_RANKS, Source, Till};
use crate::{Case, Coins, Overflow, RATE_ONE_PPM, Rate, Refusal, Upline, campaign::invalid, kinds};

/// Uplines get the difference of their ranks' rates of each source seat's base.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Differential {
    /// Which seats it starts from.
    #[n(0)]
    pub source: Source,
    /// What the rates are applied to.
    #[n(1)]
    pub base: Base,
    /// The rate of rank 0, 1, 2 …, rising strictly; a rank above the last uses the last.
    #[n(2)]
    pub rates_by_rank: Vec<Rate>,
}

/// What a walk up has met so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Met {
    /// m of the rules.
    rate: Rate,
    /// The rank that has it, as the table knows it.
    rank: Option<usize>,
}

/// One upline of the walk and what he is to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// His rate is above m by so much.
    Above(Upline, Rate),
    /// He has the rank that was met last.
    SameLevel(Upline),
}

impl Differential {
    /// Source seats × floor(highest rate × b).
    pub(super) fn bound(&self, case: Case<'_>) -> Result<Bound, Overflow> {
        let highest = self.rates_by_rank.last().copied().unwrap_or_default();
        let each = self.base.amount(case.campaign)?.share(highest)?;
        Ok(Bound {
            cash: each.times(self.source.count(case))?,
            coins: Coins::ZERO,
        })
    }

    pub(super) fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        let base = self.base.amount(drawn.campaign)?;
        for (number, seat) in drawn.sources(self.source) {
            for step in self.walk(&seat.walk) {
                match step {
                    Step::Above(upline, rate) if !upline.frozen => {
                        till.pay(Ask::share(upline.member, number, base, rate)?)?;
                    }
                    Step::Above(..) | Step::SameLevel(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The steps of a walk up, frozen uplines among them: they count.
    pub(crate) fn walk<'a>(
        &'a self,
        uplines: &'a [Upline],
    ) -> impl Iterator<Item = Step> + use<'a> {
        let mut met = Met::default();
        uplines
            .iter()
            .filter_map(move |&upline| self.step(&mut met, upline))
    }

    /// What the next upline is to the walk.
    pub(crate) fn step(&self, met: &mut Met, upline: Upline) -> Option<Step> {
        let (rank, rate) = self.rank_and_rate(upline.rank)?;
        if met.rate < rate {
            let difference = Rate(rate.0.saturating_sub(met.rate.0));
            *met = Met {
                rate,
                rank: Some(rank),
            };
            return Some(Step::Above(upline, difference));
        }
        (met.rank == Some(rank)).then_some(Step::SameLevel(upline))
    }

    /// Whether no rate can be above what was met.
    pub(crate) fn is_at_the_top(&self, met: &Met) -> bool {
        self.rates_by_rank
            .last()
            .is_none_or(|&highest| highest <= met.rate)
    }

    /// Whether rank 0 has a rate above what was met.
    pub(crate) fn is_below_the_first(&self, met: &Met) -> bool {
        self.rank_and_rate(0)
            .is_some_and(|(_, rate)| met.rate < rate)
    }

    /// Whether rank 0 is the rank that was met.
    pub(crate) fn is_at_the_first(&self, met: &Met) -> bool {
        met.rank == Some(0)
    }

    /// The rank as the table knows it, and its rate.
    fn rank_and_rate(&self, rank: u16) -> Option<(usize, Rate)> {
        let last = self.rates_by_rank.len().checked_sub(1)?;
        let rank = usize::from(rank).min(last);
        self.rates_by_rank.get(rank).map(|&rate| (rank, rate))
    }

    pub(super) fn check(&self, case: Case<'_>) -> Result<(), Refusal> {
        let rates = &self.rates_by_rank;
        if rates.is_empty() || MAX_RANKS < rates.len() {
            return Err(invalid("reward.rates_by_rank", "must have 1 to 20 entries"));
        }
        if rates.iter().any(|rate| RATE_ONE_PPM < rate.0) {
            return Err(invalid(
                "reward.rates_by_rank",
                "must be between 0% and 100%",
            ));
        }
        let rises = rates
            .iter()
            .zip(rates.iter().skip(1))
            .all(|(low, high)| low < high);
        if !rises {
            return Err(invalid(
                "reward.rates_by_rank",
                "must rise strictly from rank to rank",
            ));
        }
        kinds::check_base(case.campaign, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemberId;

    /// What each upline of these ranks gets in per mille, and whether he was passed at the same level.
    fn walk(rates: &[u32], ranks: &[u16]) -> Vec<(u32, Option<u32>)> {
        let program = Differential {
            source: Source::All,
            base: Base::Price,
            rates_by_rank: rates.iter().map(|&rate| Rate(rate)).collect(),
        };
        let uplines: Vec<Upline> = (0u32..)
            .zip(ranks)
            .map(|(member, &rank)| Upline {
                member: MemberId(member),
                vip: 0,
                rank,
                frozen: false,
            })
            .collect();
        let steps = program.walk(&uplines).map(|step| match step {
            Step::Above(upline, rate) => (upline.member.0, Some(rate.0)),
            Step::SameLevel(upline) => (upline.member.0, None),
        });
        steps.collect()
    }

    #[test]
    fn the_highest_rate_on_the_path_is_paid_and_no_more() {
        // Rates of ranks 0 to 4: 0, 10, 20, 30, 40.
        let rates = [0, 10, 20, 30, 40];
        let paid = |ranks: &[u16]| -> u32 {
            walk(&rates, ranks)
                .into_iter()
                .filter_map(|(_, rate)| rate)
                .sum()
        };
        assert_eq!(paid(&[1, 2, 3]), 30);
        assert_eq!(paid(&[1, 2, 3, 4]), 40);
        assert_eq!(paid(&[1, 3, 1, 3, 1, 3]), 30);
        assert_eq!(paid(&[4, 1, 2, 3]), 40);
        assert_eq!(paid(&[0, 0, 0]), 0);
        assert_eq!(paid(&[]), 0);
        // A rank above the table's last uses the last.
        assert_eq!(paid(&[2, 9]), 40);
    }

    #[test]
    fn the_same_level_is_the_rank_met_last() {
        let rates = [0, 10, 20];
        // 1 is paid, another 1 is at its level; then 2, and a 1 above him is passed.
        assert_eq!(
            walk(&rates, &[1, 1, 2, 1, 2]),
            [(0, Some(10)), (1, None), (2, Some(10)), (4, None)]
        );
        // Rank 0 with no rate was never met.
        assert_eq!(walk(&rates, &[0, 0]), []);
        // Both are the table's last rank.
        assert_eq!(walk(&rates, &[2, 7]), [(0, Some(20)), (1, None)]);
    }
}
