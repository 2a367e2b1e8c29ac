//! Plans: what makes VIP levels and ranks (rules 3.2, 3.3 and 3.7). Versioned like campaigns: a published plan never
//! changes, and a campaign names the one its rewards are counted by.

use std::sync::LazyLock;

use minicbor::{Decode, Encode};

use crate::{
    DividendTerms, Event, MAX_AMOUNT_FEN, Millis, Money, Refusal, World, rewards::MAX_RANKS,
    standing::CountRanks,
};

/// Most VIP levels of a plan.
pub const MAX_VIP_LEVELS: usize = 20;
/// Most plans that can be published: every member has a rank by each of them.
pub const MAX_PLANS: usize = 64;
/// Most direct invitees that a threshold can ask for.
pub const MAX_INVITEES_ASKED: u32 = 1_000_000;

/// What makes VIP levels and ranks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PlanTerms {
    /// What makes VIP 1, 2, 3 ….
    #[n(0)]
    pub vip: VipRule,
    /// What makes rank 1, 2, 3 …; whoever reaches none has rank 0.
    #[n(1)]
    pub ranks: Vec<RankRule>,
    /// The lowest rank that takes part in dividends (rules 7).
    #[n(2)]
    pub leader_rank: u16,
    /// How its pool is shared.
    #[cbor(n(3), default, skip_if = "DividendTerms::is_default")]
    pub dividend: DividendTerms,
}

/// What VIP levels are counted by, with the least for level 1, 2, 3 …, rising strictly.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum VipRule {
    /// Direct invitees who have had at least one settled seat.
    #[n(0)]
    Invitees(#[n(0)] Vec<u32>),
    /// What direct invitees have bought and kept, all together.
    #[n(1)]
    KeptSales(#[n(0)] Vec<Money>),
}

/// What makes a rank: both must be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RankRule {
    /// Direct invitees who have had at least one settled seat.
    #[n(0)]
    pub invitees: u32,
    /// What everyone below the member has bought and kept.
    #[n(1)]
    pub team_sales: Money,
}

/// A published plan.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Plan {
    /// Its terms.
    #[n(0)]
    pub terms: PlanTerms,
    /// When.
    #[n(1)]
    pub published_at: Millis,
}

/// Plan 1, which every installation has: VIP by 1, 3 and 6 invitees, and five ranks.
static FIRST: LazyLock<PlanTerms> = LazyLock::new(|| {
    let rank = |invitees, yuan: i64| RankRule {
        invitees,
        team_sales: Money(yuan.saturating_mul(100)),
    };
    PlanTerms {
        vip: VipRule::Invitees(vec![1, 3, 6]),
        ranks: vec![
            rank(3, 10_000),
            rank(5, 50_000),
            rank(8, 200_000),
            rank(12, 1_000_000),
            rank(20, 5_000_000),
        ],
        leader_rank: 3,
        dividend: DividendTerms::default(),
    }
});

impl PlanTerms {
    /// Plan 1, which every installation has.
    pub fn first() -> &'static PlanTerms {
        &FIRST
    }

    /// The highest VIP level.
    pub fn levels(&self) -> u32 {
        let levels = match &self.vip {
            VipRule::Invitees(least) => least.len(),
            VipRule::KeptSales(least) => least.len(),
        };
        u32::try_from(levels).unwrap_or(u32::MAX)
    }

    /// The VIP level of somebody with so many active invitees, who have kept so much.
    pub fn vip(&self, active_invitees: u32, invitees_kept: Money) -> u32 {
        let reached = match &self.vip {
            VipRule::Invitees(least) => least
                .iter()
                .filter(|&&least| least <= active_invitees)
                .count(),
            VipRule::KeptSales(least) => least
                .iter()
                .filter(|&&least| least <= invitees_kept)
                .count(),
        };
        u32::try_from(reached).unwrap_or(u32::MAX)
    }

    /// The rank of somebody with so many active invitees and such team sales.
    pub fn rank(&self, active_invitees: u32, team_sales: Money) -> u8 {
        let reached = self
            .ranks
            .iter()
            .take_while(|rule| rule.invitees <= active_invitees && rule.team_sales <= team_sales);
        u8::try_from(reached.count()).unwrap_or(u8::MAX)
    }

    /// Every rule that a plan must keep; errors with the first one it breaks.
    pub fn check(&self) -> Result<(), Refusal> {
        let invalid = |field, must| Err(Refusal::InvalidPlan { field, must });
        let (levels, rising) = match &self.vip {
            VipRule::Invitees(least) => (
                least.len(),
                rises(least.iter().copied(), 1, MAX_INVITEES_ASKED),
            ),
            VipRule::KeptSales(least) => (
                least.len(),
                rises(least.iter().copied(), Money(1), Money(MAX_AMOUNT_FEN)),
            ),
        };
        if !(1..=MAX_VIP_LEVELS).contains(&levels) {
            return invalid("vip", "must have 1 to 20 levels");
        }
        if !rising {
            return invalid(
                "vip",
                "must rise strictly from level to level, from 1 invitee to 1000000, or from 0.01 to 100000000.00",
            );
        }
        if self.ranks.is_empty() || MAX_RANKS <= self.ranks.len() {
            return invalid("ranks", "must have 1 to 19 entries");
        }
        let sales = self.ranks.iter().map(|rule| rule.team_sales);
        if !rises(sales, Money(1), Money(MAX_AMOUNT_FEN)) {
            return invalid(
                "ranks.team_sales",
                "must rise strictly from rank to rank, from 0.01 to 100000000.00",
            );
        }
        let pairs = self.ranks.iter().zip(self.ranks.iter().skip(1));
        if pairs
            .clone()
            .any(|(low, high)| high.invitees < low.invitees)
            || self
                .ranks
                .iter()
                .any(|rule| MAX_INVITEES_ASKED < rule.invitees)
        {
            return invalid(
                "ranks.invitees",
                "must not fall from rank to rank, and be at most 1000000",
            );
        }
        if self.leader_rank < 1 || self.ranks.len() < usize::from(self.leader_rank) {
            return invalid("leader_rank", "must be one of the ranks, at least 1");
        }
        self.dividend.check(self.ranks.len())
    }
}

fn rises<T: PartialOrd + Copy>(values: impl Iterator<Item = T>, least: T, most: T) -> bool {
    let mut before: Option<T> = None;
    for value in values {
        if value < least || most < value || before.is_some_and(|before| value <= before) {
            return false;
        }
        before = Some(value);
    }
    true
}

impl World {
    /// The newest plan's version.
    pub fn newest_plan(&self) -> u32 {
        u32::try_from(self.people.plans.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// The terms of a plan.
    pub fn plan(&self, version: u32) -> Option<&PlanTerms> {
        match version.checked_sub(2) {
            None if version == 1 => Some(PlanTerms::first()),
            None => None,
            Some(at) => {
                let plan = self.people.plans.get(usize::try_from(at).ok()?);
                plan.map(|plan| &plan.terms)
            }
        }
    }

    pub(crate) fn require_plan(&self, plan: u32) -> Result<&PlanTerms, Refusal> {
        self.plan(plan).ok_or(Refusal::UnknownPlan { plan })
    }

    pub(crate) fn decide_publish_plan(
        &self,
        terms: &PlanTerms,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        terms.check()?;
        if MAX_PLANS <= self.people.plans.len() {
            return Err(Refusal::InvalidPlan {
                field: "plan",
                must: "is one more than the 64 that can be published",
            });
        }
        events.push(Event::PlanPublished {
            plan: self.newest_plan().saturating_add(1),
            terms: Box::new(terms.clone()),
        });
        Ok(())
    }

    /// Ranks by the new plan are counted at once.
    pub(crate) fn apply_plan(&mut self, version: u32, terms: &PlanTerms, at: Millis) {
        let known = self.people.plans.len().saturating_add(1);
        self.expect_next("plan", u64::from(version.saturating_sub(1)), known);
        self.people.plans.push(Plan {
            terms: terms.clone(),
            published_at: at,
        });
        self.count_ranks(CountRanks::AtOnce);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut PlanTerms)) -> String {
        let mut terms = PlanTerms::first().clone();
        change(&mut terms);
        terms
            .check()
            .map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned())
    }

    #[test]
    fn a_plan_rises_from_level_to_level() {
        assert_eq!(refused(|_| {}), "ok");
        let sales = |fen: &[i64]| VipRule::KeptSales(fen.iter().copied().map(Money).collect());
        assert_eq!(refused(|terms| terms.vip = sales(&[1, 2])), "ok");
        assert_eq!(
            refused(|terms| terms.vip = VipRule::Invitees(Vec::new())),
            "vip must have 1 to 20 levels"
        );
        for vip in [
            VipRule::Invitees(vec![0, 1]),
            VipRule::Invitees(vec![2, 2]),
            VipRule::Invitees(vec![1_000_001]),
            sales(&[0]),
            sales(&[5, 4]),
        ] {
            assert!(refused(|terms| terms.vip = vip.clone()).starts_with("vip must rise"));
        }
        assert_eq!(
            refused(|terms| terms.ranks.clear()),
            "ranks must have 1 to 19 entries"
        );
        assert!(
            refused(|terms| terms.ranks[1].team_sales = Money(1_000_000))
                .starts_with("ranks.team_sales must rise")
        );
        assert!(
            refused(|terms| terms.ranks[0].team_sales = Money(0))
                .starts_with("ranks.team_sales must rise")
        );
        assert!(
            refused(|terms| terms.ranks[4].invitees = 11)
                .starts_with("ranks.invitees must not fall")
        );
        for leader_rank in [0, 6] {
            assert_eq!(
                refused(|terms| terms.leader_rank = leader_rank),
                "leader_rank must be one of the ranks, at least 1"
            );
        }
    }

    #[test]
    fn levels_and_ranks_are_reached_at_their_thresholds() {
        let plan = PlanTerms::first();
        let vips: Vec<u32> = (0..8).map(|active| plan.vip(active, Money::ZERO)).collect();
        assert_eq!(vips, [0, 1, 1, 2, 2, 2, 3, 3]);
        //  invitees  team sales   rank
        for (invitees, sales, rank) in [
            (3, 999_999, 0),
            (2, 1_000_000, 0),
            (3, 1_000_000, 1),
            (100, 4_999_999, 1),
            (5, 5_000_000, 2),
            (8, 20_000_000, 3),
            (12, 100_000_000, 4),
            (19, 500_000_000, 4),
            (20, 500_000_000, 5),
        ] {
            assert_eq!(
                plan.rank(invitees, Money(sales)),
                rank,
                "{invitees} {sales}"
            );
        }
    }
}
