//! What a full group's rewards depend on, read once when it fills (rules 3.6): uplines, walks and agents.

use crate::{
    Agent, Agents, Campaign, Event, MemberId, Millis, PlanTerms, Upline, VipBasis, VipRule, World,
    member::Member,
    rewards::{self, Walk},
};

/// Reads for the seats of one group.
pub(crate) struct Reading<'a> {
    world: &'a World,
    campaign: &'a Campaign,
    plan: &'a PlanTerms,
    /// Whom this very command binds to whom.
    bound: Option<(MemberId, MemberId)>,
    generations: usize,
    walks: bool,
    pays_agents: bool,
    now: Millis,
}

impl<'a> Reading<'a> {
    /// `earlier` are the command's events so far, which may have bound an inviter.
    pub(crate) fn new(
        world: &'a World,
        campaign: &'a Campaign,
        earlier: &[Event],
        now: Millis,
    ) -> Reading<'a> {
        let bound = earlier.iter().find_map(|event| {
            let Event::InviterBound { member, inviter } = event else {
                return None;
            };
            Some((*member, *inviter))
        });
        Reading {
            world,
            campaign,
            plan: world.plan(campaign.plan).unwrap_or(PlanTerms::first()),
            bound,
            now,
            generations: rewards::generations(campaign),
            walks: rewards::walks(campaign),
            pays_agents: rewards::pays_agents(campaign),
        }
    }

    /// How many generations of uplines are read.
    pub(crate) fn generations(&self) -> usize {
        self.generations
    }

    fn above(&self, member: MemberId) -> Option<MemberId> {
        match self.bound {
            Some((whose, inviter)) if whose == member => Some(inviter),
            Some(_) | None => self.world.member_ref(member).and_then(Member::inviter),
        }
    }

    /// Inviter, his inviter and so on, as they stand now.
    pub(crate) fn uplines(&self, member: MemberId) -> Vec<Upline> {
        std::iter::successors(self.above(member), |&upline| self.above(upline))
            .take(self.generations)
            .map(|member| self.upline(member))
            .collect()
    }

    /// Of all uplines those that the campaign's walks can pay or must count. Where nobody without a rank can count any
    /// more, it leaps from one who can have a rank to the next.
    pub(crate) fn walk(&self, member: MemberId) -> Vec<Upline> {
        if !self.walks {
            return Vec::new();
        }
        let mut walk = Walk::new(self.campaign);
        let mut at = member;
        while !walk.is_done() {
            let inviter = self.above(at);
            let next = if walk.counts_unranked() {
                inviter
            } else {
                self.world.people.jump(at, inviter)
            };
            let Some(next) = next else { break };
            let mut upline = self.upline(next);
            upline.rank = self.world.rank(self.campaign.plan, next);
            walk.meet(upline);
            at = next;
        }
        walk.kept
    }

    /// The agents of the member's region.
    pub(crate) fn agents(&self, member: MemberId) -> Agents {
        if !self.pays_agents {
            return Agents::default();
        }
        let Some(counting) = self.world.counting_region(member, self.now) else {
            return Agents::default();
        };
        let region = counting.region;
        let agent = |region| {
            let member = self.world.agent(region)?;
            let frozen = self.world.is_frozen(member);
            Some(Agent { member, frozen })
        };
        Agents {
            county: region.county().and_then(agent),
            city: region.city().and_then(agent),
            province: agent(region.province()),
        }
    }

    /// As he stands now, his rank left out: generations do not depend on it.
    fn upline(&self, member: MemberId) -> Upline {
        let known = self.world.member_ref(member);
        Upline {
            member,
            vip: self.vip(member, known),
            rank: 0,
            frozen: known.is_some_and(|known| known.frozen),
        }
    }

    /// A member's VIP level: what he has reached, or a higher one that he has been given, unless kept sales alone make levels.
    fn vip(&self, member: MemberId, known: Option<&Member>) -> u32 {
        let reached = self.vip_reached(member, known);
        match self.campaign.profile.terms().vip_by {
            VipBasis::KeptSales => reached,
            VipBasis::Any => {
                let given = self.world.vip_given(member, self.now);
                given.map_or(reached, |given| reached.max(given.level))
            }
        }
    }

    /// By himself, counting whom this very command binds to him.
    fn vip_reached(&self, member: MemberId, known: Option<&Member>) -> u32 {
        let gained = self
            .bound
            .filter(|&(_, inviter)| inviter == member)
            .map(|(whose, _)| whose);
        let people = &self.world.people;
        match self.plan.vip {
            VipRule::Invitees(_) => {
                let gains = gained
                    .and_then(|whose| self.world.member_ref(whose))
                    .is_some_and(|whose| whose.has_settled);
                let active = known.map_or(0, |known| known.active_invitees);
                let active = active.saturating_add(u32::from(gains));
                self.plan.vip(active, crate::Money::ZERO)
            }
            VipRule::KeptSales(_) => {
                let gains = gained.map_or(0, |whose| people.kept(whose).0);
                let kept = people.invitees_kept(member).0.saturating_add(gains);
                self.plan.vip(0, crate::Money(kept))
            }
        }
    }
}
