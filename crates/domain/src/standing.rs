//! Where members stand: kept sales, ranks, regions, agents, who is frozen (rules 3.2 to 3.6 and 7).
//!
//! Why this lies apart from the members: a join touches none of it, and installations without such campaigns pay nothing
//! for it. Every list here is empty until it is first used, and as long as its highest entry asks for.
//!
//! Team sales only grow, so they are not kept: one pass over all members counts them from everybody's own kept sales,
//! children before parents, once a day. It takes as long for a chain of a hundred thousand uplines as for a crowd of as many.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    Answer, DAY_MS, DeletionRefusal, Due, Duration, Event, MemberId, Millis, Money, Plan, Refusal,
    Region, World, delivery::CountingRegion, group::Slim, member::Member,
};

/// How long a member's region stands before it can be changed (rules 3.4).
pub const REGION_STANDS: Duration = Duration(90 * DAY_MS);

/// Most members whose rise one event tells; the others follow in the next.
pub const MAX_RISEN: usize = 100_000;

/// One member who reached a higher rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Risen {
    /// By which plan.
    #[n(0)]
    pub plan: u32,
    /// Who.
    #[n(1)]
    pub member: MemberId,
    /// To which rank.
    #[n(2)]
    pub rank: u16,
}

/// Everything of members that joins do not need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct People {
    /// By member.
    #[n(0)]
    standings: Vec<Standing>,
    /// Ranks by plan, then by member.
    #[n(1)]
    ranks: Vec<ByteVec>,
    /// Ranks that an operator has set, by plan: they are not counted.
    #[n(2)]
    set: BTreeSet<(u32, MemberId)>,
    #[n(3)]
    agents: BTreeMap<Region, MemberId>,
    /// Plans 2, 3 ….
    #[n(4)]
    pub(crate) plans: Vec<Plan>,
    /// When ranks are counted next; none while nothing has changed that they depend on.
    #[n(5)]
    pub(crate) count_at: Option<Millis>,
    /// Whether anything was ever kept. Before, nobody can have a rank.
    #[n(6)]
    any_kept: bool,
    /// By member: an upline above him with nobody ranked between them, the nearest ranked one unless the top was not known
    /// yet. Empty while nobody has a rank. Derived.
    #[cbor(skip)]
    jumps: Vec<Slim>,
}

/// One member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Standing {
    /// What he has bought and kept, in fen.
    #[n(0)]
    kept: i64,
    /// What his direct invitees have bought and kept, in fen.
    #[n(1)]
    invitees_kept: i64,
    #[n(2)]
    region: Slim,
    /// Unix seconds, rounded up.
    #[n(3)]
    region_since: u32,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            kept: 0,
            invitees_kept: 0,
            region: Slim::NONE,
            region_since: 0,
        }
    }
}

/// When ranks are to be counted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountRanks {
    /// At the next midnight of Shanghai.
    AtMidnight,
    /// Now.
    AtOnce,
}

impl People {
    fn standing(&self, member: MemberId) -> Standing {
        let at = usize::try_from(member.0).ok();
        at.and_then(|at| self.standings.get(at))
            .copied()
            .unwrap_or_default()
    }

    fn standing_mut(&mut self, member: MemberId) -> Option<&mut Standing> {
        let at = usize::try_from(member.0).ok()?;
        if self.standings.len() <= at {
            self.standings
                .resize(at.saturating_add(1), Standing::default());
        }
        self.standings.get_mut(at)
    }

    /// What the member has bought and kept.
    pub(crate) fn kept(&self, member: MemberId) -> Money {
        Money(self.standing(member).kept)
    }

    /// What his direct invitees have bought and kept.
    pub(crate) fn invitees_kept(&self, member: MemberId) -> Money {
        Money(self.standing(member).invitees_kept)
    }

    /// The region he has declared, and since when.
    pub(crate) fn declared(&self, member: MemberId) -> Option<CountingRegion> {
        let standing = self.standing(member);
        let region = standing.region.get().map(Region::of_code)?;
        let since = Millis(i64::from(standing.region_since).saturating_mul(1000));
        Some(CountingRegion { region, since })
    }

    /// His rank by a plan.
    pub(crate) fn rank(&self, plan: u32, member: MemberId) -> u8 {
        let ranks = plan
            .checked_sub(1)
            .and_then(|at| self.ranks.get(usize::try_from(at).ok()?));
        ranks
            .and_then(|ranks| ranks.get(usize::try_from(member.0).ok()?))
            .copied()
            .unwrap_or(0)
    }

    fn set_rank(&mut self, plan: u32, member: MemberId, rank: u8) {
        let (Some(Ok(plan)), Ok(at)) = (
            plan.checked_sub(1).map(usize::try_from),
            usize::try_from(member.0),
        ) else {
            return;
        };
        if self.ranks.len() <= plan {
            self.ranks
                .resize(plan.saturating_add(1), ByteVec::from(Vec::new()));
        }
        if let Some(ranks) = self.ranks.get_mut(plan) {
            if ranks.len() <= at {
                ranks.resize(at.saturating_add(1), 0);
            }
            if let Some(known) = ranks.get_mut(at) {
                *known = rank;
            }
        }
    }

    /// Whether he has a rank by any plan.
    fn is_ranked(&self, member: MemberId) -> bool {
        let at = usize::try_from(member.0).unwrap_or(usize::MAX);
        self.ranks
            .iter()
            .any(|ranks| ranks.get(at).is_some_and(|&rank| rank != 0))
    }

    pub(crate) fn agent(&self, region: Region) -> Option<MemberId> {
        self.agents.get(&region).copied()
    }

    /// The next upline above that can have a rank; none if nobody has. See [`People::jumps`].
    pub(crate) fn jump(&self, member: MemberId, inviter: Option<MemberId>) -> Option<MemberId> {
        if self.jumps.is_empty() {
            return None;
        }
        let at = usize::try_from(member.0).ok()?;
        let jump = self.jumps.get(at).and_then(|jump| jump.get());
        jump.map(MemberId).or(inviter)
    }

    /// Where somebody right below `inviter` goes on from.
    fn jump_over(&self, inviter: MemberId) -> Slim {
        let at = usize::try_from(inviter.0).unwrap_or(usize::MAX);
        let further = self.jumps.get(at).copied().unwrap_or(Slim::NONE);
        if self.is_ranked(inviter) || further == Slim::NONE {
            Slim::from(Some(inviter.0))
        } else {
            further
        }
    }
}

/// Hot reads.
impl World {
    /// A member's rank by a plan.
    pub fn rank(&self, plan: u32, member: MemberId) -> u16 {
        u16::from(self.people.rank(plan, member))
    }

    /// Whose rank by a plan was set by an operator, and is not counted.
    pub fn rank_is_set(&self, plan: u32, member: MemberId) -> bool {
        self.people.set.contains(&(plan, member))
    }

    /// Who is agent of a region.
    pub fn agent(&self, region: Region) -> Option<MemberId> {
        self.people.agent(region)
    }

    /// All agents, by region.
    pub fn agents(&self) -> impl Iterator<Item = (Region, MemberId)> {
        self.people
            .agents
            .iter()
            .map(|(&region, &member)| (region, member))
    }

    pub(crate) fn is_frozen(&self, member: MemberId) -> bool {
        self.member_ref(member).is_some_and(|known| known.frozen)
    }
}

/// Ranks are counted.
impl World {
    /// Has ranks counted, if anybody can have one.
    pub(crate) fn count_ranks(&mut self, when: CountRanks) {
        if !self.people.any_kept {
            return;
        }
        let at = match when {
            CountRanks::AtMidnight => self.now.next_midnight(),
            CountRanks::AtOnce => self.now,
        };
        if self.people.count_at.is_none_or(|known| at < known) {
            self.people.count_at = Some(at);
            self.push_timer(at, Due::Day);
        }
    }

    /// What a member has bought is his for good: it counts for all above him.
    pub(crate) fn count_kept(&mut self, member: MemberId, price: Money) {
        self.people.any_kept = true;
        if let Some(standing) = self.people.standing_mut(member) {
            standing.kept = standing.kept.saturating_add(price.0);
        }
        let inviter = self.member_ref(member).and_then(Member::inviter);
        if let Some(standing) = inviter.and_then(|inviter| self.people.standing_mut(inviter)) {
            standing.invitees_kept = standing.invitees_kept.saturating_add(price.0);
        }
        self.count_ranks(CountRanks::AtMidnight);
    }

    /// A member who may have bought already has got his inviter.
    pub(crate) fn stand_below(&mut self, member: MemberId, inviter: MemberId) {
        let kept = self.people.kept(member);
        if kept.is_positive()
            && let Some(standing) = self.people.standing_mut(inviter)
        {
            standing.invitees_kept = standing.invitees_kept.saturating_add(kept.0);
        }
        if !self.people.jumps.is_empty() {
            let jump = self.people.jump_over(inviter);
            self.set_jump(member, jump);
        }
        self.count_ranks(CountRanks::AtMidnight);
    }

    /// A new member, the last, has this inviter.
    pub(crate) fn stand_new(&mut self, inviter: Option<MemberId>) {
        if !self.people.jumps.is_empty() {
            let jump = inviter.map_or(Slim::NONE, |inviter| self.people.jump_over(inviter));
            self.people.jumps.push(jump);
        }
    }

    fn set_jump(&mut self, member: MemberId, jump: Slim) {
        let at = usize::try_from(member.0).unwrap_or(usize::MAX);
        if let Some(known) = self.people.jumps.get_mut(at) {
            *known = jump;
        }
    }

    /// All members in an order in which everybody comes before his inviter.
    fn children_first(&self) -> Vec<MemberId> {
        let inviter_of = |member: MemberId| self.member_ref(member).and_then(Member::inviter);
        let place = |member: MemberId| usize::try_from(member.0).unwrap_or(usize::MAX);
        let mut children = vec![0u32; self.members.len()];
        for inviter in self.members.iter().filter_map(Member::inviter) {
            if let Some(count) = children.get_mut(place(inviter)) {
                *count = count.saturating_add(1);
            }
        }
        let numbered = (0u32..).map(MemberId).zip(&children);
        let leaves = numbered.filter_map(|(member, &count)| (count == 0).then_some(member));
        let mut order: Vec<MemberId> = leaves.collect();
        order.reserve_exact(self.members.len().saturating_sub(order.len()));
        let mut next = 0;
        while let Some(&member) = order.get(next) {
            next = next.saturating_add(1);
            let Some(inviter) = inviter_of(member) else {
                continue;
            };
            if let Some(count) = children.get_mut(place(inviter)) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    order.push(inviter);
                }
            }
        }
        order
    }

    /// What everyone below each member has bought and kept.
    pub fn team_sales(&self) -> Vec<Money> {
        let members = (0u32..).map(MemberId).take(self.members.len());
        let own: Vec<i64> = members.map(|member| self.people.kept(member).0).collect();
        self.sums_below(&own)
    }

    /// The sum of what everyone below each member has of his own, in one pass.
    pub(crate) fn sums_below(&self, own: &[i64]) -> Vec<Money> {
        let mut sums = vec![Money::ZERO; self.members.len()];
        for member in self.children_first() {
            let Some(inviter) = self.member_ref(member).and_then(Member::inviter) else {
                continue;
            };
            let at = usize::try_from(member.0).unwrap_or(usize::MAX);
            let own = own.get(at).copied().unwrap_or(0);
            let whole = sums.get(at).map_or(0, |below| below.0).saturating_add(own);
            let above = usize::try_from(inviter.0).ok();
            if let Some(above) = above.and_then(|at| sums.get_mut(at)) {
                above.0 = above.0.saturating_add(whole);
            }
        }
        sums
    }

    /// What time has made due: ranks are counted (rules 3.3).
    pub(crate) fn due_ranks(&self, now: Millis, events: &mut Vec<Event>) {
        if self.people.count_at.is_none_or(|at| now < at) {
            return;
        }
        let sales = self.team_sales();
        let mut risen = Vec::new();
        let mut more = false;
        'plans: for plan in 1..=self.newest_plan() {
            let Some(terms) = self.plan(plan) else { break };
            let members = (0u32..).map(MemberId).zip(&self.members).zip(&sales);
            for ((member, known), &sales) in members {
                let counted = terms.rank(known.active_invitees, sales);
                if counted <= self.people.rank(plan, member) || self.rank_is_set(plan, member) {
                    continue;
                }
                if risen.len() == MAX_RISEN {
                    more = true;
                    break 'plans;
                }
                risen.push(Risen {
                    plan,
                    member,
                    rank: u16::from(counted),
                });
            }
        }
        events.push(Event::RanksCounted { risen, more });
    }

    pub(crate) fn apply_ranks_counted(&mut self, risen: &[Risen], more: bool) {
        for risen in risen {
            let rank = u8::try_from(risen.rank).unwrap_or(u8::MAX);
            self.people.set_rank(risen.plan, risen.member, rank);
        }
        self.people.count_at = more.then_some(self.now);
        if more {
            self.push_timer(self.now, Due::Day);
        }
        self.find_jumps();
    }

    /// Finds everybody's way up anew, parents before children.
    pub(crate) fn find_jumps(&mut self) {
        let anybody = self
            .people
            .ranks
            .iter()
            .any(|ranks| ranks.iter().any(|&rank| rank != 0));
        self.people.jumps = Vec::new();
        if !anybody {
            return;
        }
        self.people.jumps = vec![Slim::NONE; self.members.len()];
        for member in self.children_first().into_iter().rev() {
            if let Some(inviter) = self.member_ref(member).and_then(Member::inviter) {
                let jump = self.people.jump_over(inviter);
                self.set_jump(member, jump);
            }
        }
    }

    /// An operator's decision (rules 3.3); `None` has the rank counted again.
    pub(crate) fn decide_set_rank(
        &self,
        member: MemberId,
        plan: u32,
        rank: Option<u16>,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        let ranks = self.require_plan(plan)?.ranks.len();
        if let Some(rank) = rank.filter(|&rank| ranks < usize::from(rank)) {
            return Err(Refusal::UnknownRank { plan, rank });
        }
        let known = self
            .rank_is_set(plan, member)
            .then(|| self.rank(plan, member));
        if known == rank {
            return Ok(Some(Answer::Done));
        }
        events.push(Event::RankSet { member, plan, rank });
        Ok(None)
    }

    pub(crate) fn apply_rank_set(&mut self, member: MemberId, plan: u32, rank: Option<u16>) {
        match rank {
            None => {
                self.people.set.remove(&(plan, member));
                self.count_ranks(CountRanks::AtMidnight);
            }
            Some(rank) => {
                let was_ranked = self.people.is_ranked(member);
                self.people.set.insert((plan, member));
                let rank = u8::try_from(rank).unwrap_or(u8::MAX);
                self.people.set_rank(plan, member, rank);
                // Nobody may be passed over who has a rank now. One who has none any more is passed over tomorrow.
                if !was_ranked && rank != 0 {
                    self.find_jumps();
                }
            }
        }
    }
}

/// Regions and agents (rules 3.4).
impl World {
    pub(crate) fn decide_region(
        &self,
        member: MemberId,
        region: Region,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        if !region.has_no_parts() {
            return Err(Refusal::UnknownRegion(region));
        }
        let declared = self.people.declared(member);
        if declared.is_some_and(|declared| declared.region == region) {
            return Ok(Some(Answer::Done));
        }
        // While a delivery address counts, what is declared changes nothing yet: only its own 90 days matter.
        let standing = if self.counts_by_delivery(member, now) {
            declared
        } else {
            self.counting_region(member, now)
        };
        let from = standing.map(CountingRegion::stands_until);
        if let Some(from) = from.filter(|&from| now < from) {
            return Err(Refusal::RegionStands { from });
        }
        events.push(Event::RegionDeclared { member, region });
        Ok(None)
    }

    pub(crate) fn apply_region(&mut self, member: MemberId, region: Region) {
        self.deliveries.forget_over(member, self.now);
        let since = self.now.0.saturating_add(999).div_euclid(1000);
        if let Some(standing) = self.people.standing_mut(member) {
            standing.region = Slim::from(Some(region.code()));
            standing.region_since = u32::try_from(since).unwrap_or(u32::MAX);
        }
    }

    pub(crate) fn decide_appoint(
        &self,
        region: Region,
        member: MemberId,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        if self.is_deleted(member) {
            return Err(DeletionRefusal::Gone(member).into());
        }
        if region.name().is_none() {
            return Err(Refusal::UnknownRegion(region));
        }
        match self.agent(region) {
            Some(agent) if agent == member => Ok(Some(Answer::Done)),
            Some(_) => Err(Refusal::RegionHasAgent(region)),
            None => {
                events.push(Event::AgentAppointed { region, member });
                Ok(None)
            }
        }
    }

    pub(crate) fn decide_dismiss(
        &self,
        region: Region,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let member = self.agent(region).ok_or(Refusal::RegionVacant(region))?;
        events.push(Event::AgentDismissed { region, member });
        Ok(())
    }

    pub(crate) fn apply_agent(&mut self, region: Region, member: Option<MemberId>) {
        match member {
            Some(member) => self.people.agents.insert(region, member),
            None => self.people.agents.remove(&region),
        };
    }
}

/// Freezing (rules 7).
impl World {
    /// Refuses whatever a frozen member may not begin.
    pub(crate) fn require_not_frozen(&self, member: MemberId) -> Result<(), Refusal> {
        if self.is_frozen(member) {
            return Err(Refusal::MemberFrozen(member));
        }
        Ok(())
    }

    pub(crate) fn decide_freeze(
        &self,
        member: MemberId,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.require_member(member)?.frozen {
            return Ok(Some(Answer::Done));
        }
        events.push(Event::MemberFrozen { member });
        Ok(None)
    }

    pub(crate) fn decide_unfreeze(
        &self,
        member: MemberId,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if !self.require_member(member)?.frozen {
            return Ok(Some(Answer::Done));
        }
        if self.is_deleted(member) {
            return Err(crate::DeletionRefusal::Gone(member).into());
        }
        events.push(Event::MemberUnfrozen { member });
        Ok(None)
    }

    pub(crate) fn apply_frozen(&mut self, member: MemberId, frozen: Frozen) {
        if let Some(known) = self.member_mut(member) {
            known.frozen = frozen == Frozen::Yes;
        }
    }
}

/// Whether a member is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frozen {
    /// He is.
    Yes,
    /// He is not.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a million members cost: 64 MB and, once there are ranks and regions, 24 MB, 4 MB and 1 MB a plan.
    #[test]
    fn a_member_stays_small() {
        assert_eq!(size_of::<Member>(), 64);
        assert_eq!(size_of::<Standing>(), 24);
        assert_eq!(size_of::<Slim>(), 4);
    }
}
