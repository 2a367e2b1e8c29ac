//! Inviters, plans, ranks, regions, agents and who is frozen (rules 3 and 7), and what a full group reads of them.
//!
//! Told without the world's short cuts: team sales by depth, walks over every single upline.

use domain::{
    Agent, Agents, Event, MAX_RISEN, MemberId, Millis, PlanTerms, Profile, PublishedCampaign,
    Region, Risen, Upline, VipRule, World, rewards,
};

use super::{At, Person, Trail};
use crate::audit::Findings;

impl Trail {
    /// Bound once, and never in a circle (rules 3.1).
    pub(super) fn bound(
        &mut self,
        at: At,
        (member, inviter): (MemberId, MemberId),
        findings: &mut Findings,
    ) {
        let mut above = Some(inviter);
        let mut steps = 0;
        while let Some(upper) = above.filter(|&upper| upper != member && steps <= self.people.len())
        {
            above = self.person(upper).and_then(|person| person.inviter);
            steps += 1;
        }
        findings.unless(above.is_none(), at.0, || {
            format!("the inviters of member {member} form a circle")
        });
        let Some(person) = self.person_mut(member) else {
            findings.unless(false, at.0, || format!("member {member} is not known"));
            return;
        };
        let unbound = person.inviter.is_none();
        person.inviter = Some(inviter);
        let (settled, kept) = (person.settled, person.kept);
        findings.unless(unbound, at.0, || {
            format!("the inviter of member {member} is changed")
        });
        if let Some(inviter) = self.person_mut(inviter) {
            inviter.active_invitees += u32::from(settled);
            inviter.invitees_kept += kept;
        }
        self.count_by(at.1.next_midnight());
    }

    /// What somebody bought is his for good.
    pub(super) fn kept(&mut self, at: At, member: MemberId, price: i64) {
        self.any_kept = true;
        let mut inviter = None;
        if let Some(person) = self.person_mut(member) {
            person.kept += price;
            inviter = person.inviter;
        }
        if let Some(inviter) = inviter.and_then(|inviter| self.person_mut(inviter)) {
            inviter.invitees_kept += price;
        }
        self.count_by(at.1.next_midnight());
        self.weigh(at, member, price);
    }

    /// Ranks are counted at the latest then, if anybody can have one.
    pub(super) fn count_by(&mut self, at: Millis) {
        if self.any_kept {
            self.count_at = Some(self.count_at.map_or(at, |known| known.min(at)));
        }
    }

    pub(super) fn terms_of(&self, plan: u32) -> Option<&PlanTerms> {
        match plan {
            0 => None,
            1 => Some(PlanTerms::first()),
            later => self.plans.get(usize::try_from(later - 2).ok()?),
        }
    }

    pub(super) fn knows_plan(&self, plan: u32) -> bool {
        self.terms_of(plan).is_some()
    }

    pub(super) fn rank(&self, plan: u32, member: MemberId) -> u16 {
        let person = self.person(member);
        person
            .and_then(|person| person.ranks.get(&plan))
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn is_frozen(&self, member: MemberId) -> bool {
        self.person(member).is_some_and(|person| person.frozen)
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, with its one or two findings"
    )]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`Trail::event` lists them all"
    )]
    pub(super) fn people_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        match event {
            Event::PlanPublished { plan, terms } => {
                let next = usize::try_from(*plan) == Ok(self.plans.len() + 2);
                findings.unless(next && terms.check().is_ok(), at.0, || {
                    format!("plan {plan} is not the next number, or breaks a rule")
                });
                self.plans.push((**terms).clone());
                self.count_by(at.1);
            }
            Event::RanksCounted { risen, more } => {
                self.ranks_counted(at, (risen, *more), findings);
            }
            Event::RankSet { member, plan, rank } => {
                let ranks = self.terms_of(*plan).map_or(0, |terms| terms.ranks.len());
                let known = rank.is_none_or(|rank| usize::from(rank) <= ranks);
                findings.unless(known && self.knows_plan(*plan), at.0, || {
                    format!("member {member} is given a rank that plan {plan} has not")
                });
                match rank {
                    Some(rank) => {
                        self.set_ranks.insert((*plan, *member));
                        if let Some(person) = self.person_mut(*member) {
                            person.ranks.insert(*plan, *rank);
                        }
                    }
                    None => {
                        self.set_ranks.remove(&(*plan, *member));
                        self.count_by(at.1.next_midnight());
                    }
                }
            }
            Event::RegionDeclared { member, region } => {
                self.declared(at, (*member, *region), findings);
            }
            Event::AgentAppointed { region, member } => {
                let before = self.agents.insert(*region, *member);
                let right = before.is_none() && region.name().is_some();
                findings.unless(right && self.person(*member).is_some(), at.0, || {
                    format!("region {region} gets an agent, but there is none such, or it has one")
                });
            }
            Event::AgentDismissed { region, member } => {
                let before = self.agents.remove(region);
                findings.unless(before == Some(*member), at.0, || {
                    format!("member {member} is dismissed, but was not agent of {region}")
                });
            }
            Event::AccountDeleted { member }
            | Event::MemberFrozen { member }
            | Event::MemberUnfrozen { member } => {
                let frozen = !matches!(event, Event::MemberUnfrozen { .. });
                let deleted = self.deleted.contains(member);
                if matches!(event, Event::AccountDeleted { .. }) {
                    self.deleted.insert(*member);
                }
                let person = self.person_mut(*member);
                let right = person
                    .as_ref()
                    .is_some_and(|person| person.frozen != frozen && !deleted);
                findings.unless(right, at.0, || {
                    format!("member {member} is frozen or unfrozen, and was so before, or has deleted his account")
                });
                if let Some(person) = person {
                    person.frozen = frozen;
                }
            }
            Event::ProfileAdopted { profile } => {
                let sound = match profile {
                    Profile::Seed | Profile::CnDefault => true,
                    Profile::Own(own) => own.check().is_ok() && at.1 < own.expires,
                };
                findings.unless(sound, at.0, || {
                    "an own profile is adopted that breaks a rule or is over".to_owned()
                });
                self.profile.clone_from(profile);
            }
            _ => {}
        }
    }

    fn ranks_counted(&mut self, at: At, counted: (&[Risen], bool), findings: &mut Findings) {
        let due = self.count_at.is_some_and(|due| due <= at.1);
        findings.unless(due, at.0, || {
            "ranks are counted before their time".to_owned()
        });
        let (risen, more) = self.risen();
        findings.unless((risen.as_slice(), more) == counted, at.0, || {
            format!(
                "{} members reach a higher rank; counted again it is {}, or others",
                counted.0.len(),
                risen.len()
            )
        });
        for risen in counted.0 {
            if let Some(person) = self.person_mut(risen.member) {
                person.ranks.insert(risen.plan, risen.rank);
            }
        }
        self.count_at = counted.1.then_some(at.1);
    }

    /// Who reaches a higher rank now, and whether there are more of them than one event tells.
    fn risen(&self) -> (Vec<Risen>, bool) {
        let sales = self.team_sales();
        let mut risen = Vec::new();
        for plan in (1u32..).take(self.plans.len() + 1) {
            let Some(terms) = self.terms_of(plan) else {
                continue;
            };
            for ((member, person), sales) in (0u32..).map(MemberId).zip(&self.people).zip(&sales) {
                let reached = terms.ranks.iter().rposition(|rule| {
                    rule.invitees <= person.active_invitees && rule.team_sales.0 <= *sales
                });
                let rank = reached.map_or(0, |at| u16::try_from(at + 1).unwrap_or(u16::MAX));
                let counts = !self.set_ranks.contains(&(plan, member));
                if counts && self.rank(plan, member) < rank {
                    risen.push(Risen { plan, member, rank });
                }
            }
        }
        let more = MAX_RISEN < risen.len();
        risen.truncate(MAX_RISEN);
        (risen, more)
    }

    /// What everyone below each member has kept.
    fn team_sales(&self) -> Vec<i64> {
        let own: Vec<i64> = self.people.iter().map(|person| person.kept).collect();
        self.sums_by_depth(&own)
    }

    /// What everyone below each member has of his own: the deepest hand theirs up first.
    pub(super) fn sums_by_depth(&self, own: &[i64]) -> Vec<i64> {
        let mut depths: Vec<Option<usize>> = vec![None; self.people.len()];
        for member in (0u32..).map(MemberId).take(self.people.len()) {
            let mut path = vec![member];
            let base = loop {
                let Some(&last) = path.last() else { break 0 };
                let Some(above) = self.person(last).and_then(|person| person.inviter) else {
                    break 0;
                };
                match depths.get(above.0 as usize).copied().flatten() {
                    Some(known) => break known + 1,
                    None if path.len() <= self.people.len() => path.push(above),
                    None => break 0,
                }
            };
            for (more, on_path) in path.iter().rev().enumerate() {
                if let Some(depth) = depths.get_mut(on_path.0 as usize) {
                    *depth = Some(base + more);
                }
            }
        }
        let mut order: Vec<usize> = (0..self.people.len()).collect();
        order.sort_by_key(|&member| std::cmp::Reverse(depths.get(member).copied().flatten()));
        let mut sales = vec![0i64; self.people.len()];
        for member in order {
            let Some(person) = self.people.get(member) else {
                continue;
            };
            let own = own.get(member).copied().unwrap_or(0);
            let whole = own + sales.get(member).copied().unwrap_or(0);
            let above = person.inviter.map(|inviter| inviter.0 as usize);
            if let Some(above) = above.and_then(|above| sales.get_mut(above)) {
                *above += whole;
            }
        }
        sales
    }

    fn upline(&self, plan: u32, member: MemberId) -> Upline {
        let none = Person::default();
        let person = self.person(member).unwrap_or(&none);
        let reached = match self.terms_of(plan).map(|terms| &terms.vip) {
            Some(VipRule::Invitees(least)) => {
                let mut least = least.iter();
                least
                    .position(|&least| person.active_invitees < least)
                    .unwrap_or_else(|| least_len(self.terms_of(plan)))
            }
            Some(VipRule::KeptSales(least)) => {
                let mut least = least.iter();
                least
                    .position(|&least| person.invitees_kept < least.0)
                    .unwrap_or_else(|| least_len(self.terms_of(plan)))
            }
            None => 0,
        };
        Upline {
            member,
            vip: u32::try_from(reached).unwrap_or(u32::MAX),
            rank: 0,
            frozen: person.frozen,
        }
    }

    /// Inviter, his inviter and so on up to the top, as they stand now.
    fn chain(&self, plan: u32, member: MemberId) -> impl Iterator<Item = Upline> {
        let inviter = |member: MemberId| self.person(member).and_then(|person| person.inviter);
        let chain = std::iter::successors(inviter(member), move |&upper| inviter(upper));
        chain.map(move |member| self.upline(plan, member))
    }

    /// As far up as the campaign's generations reach (rules 3.2).
    pub(super) fn uplines(
        &self,
        member: MemberId,
        campaign: &PublishedCampaign,
        now: Millis,
    ) -> Vec<Upline> {
        let generations = campaign
            .terms
            .rewards
            .iter()
            .map(|reward| match &reward.program {
                rewards::Program::Generation(program) => program.rates.len(),
                rewards::Program::Consolation(_)
                | rewards::Program::WinnerBonus(_)
                | rewards::Program::Leader(_)
                | rewards::Program::Formation(_)
                | rewards::Program::Differential(_)
                | rewards::Program::SameLevel(_)
                | rewards::Program::Region(_)
                | rewards::Program::Dividend(_) => 0,
            });
        let chain = self.chain(campaign.terms.plan, member);
        let chain = chain.take(generations.max().unwrap_or(0));
        chain
            .map(|upline| self.with_given_level(upline, campaign, now))
            .collect()
    }

    /// Every upline is asked, ranked or not.
    pub(super) fn walk(
        &self,
        member: MemberId,
        campaign: &PublishedCampaign,
        now: Millis,
    ) -> Vec<Upline> {
        let plan = campaign.terms.plan;
        if !rewards::walks(&campaign.terms) {
            return Vec::new();
        }
        let ranked = self.chain(plan, member).map(|upline| Upline {
            rank: self.rank(plan, upline.member),
            ..self.with_given_level(upline, campaign, now)
        });
        rewards::walk_of(&campaign.terms, ranked)
    }

    pub(super) fn agents(
        &self,
        member: MemberId,
        campaign: &PublishedCampaign,
        now: Millis,
    ) -> Agents {
        let person = self.person(member);
        let region = person.and_then(|person| person.place.counts(now).0);
        let Some(region) = region.filter(|_| rewards::pays_agents(&campaign.terms)) else {
            return Agents::default();
        };
        let agent = |region: Region| {
            let member = *self.agents.get(&region)?;
            let frozen = self.is_frozen(member);
            Some(Agent { member, frozen })
        };
        Agents {
            county: region.county().and_then(agent),
            city: region.city().and_then(agent),
            province: agent(region.province()),
        }
    }

    /// Against the replayed world.
    pub(super) fn compare_people(&self, world: &World, findings: &mut Findings) {
        for (member, person) in (0u32..).map(MemberId).zip(&self.people) {
            let Some(view) = world.member(member) else {
                continue;
            };
            let region = person.place.counts(world.now());
            let mut plans = (1u32..).take(self.plans.len() + 1);
            let ranks = plans.all(|plan| self.rank(plan, member) == world.rank(plan, member));
            let same = ranks
                && region == (view.region, view.region_until)
                && person.frozen == view.frozen
                && (person.kept, person.invitees_kept) == (view.kept.0, view.invitees_kept.0);
            if !same {
                findings.add(format!(
                    "member {member} has another rank, region or sales after the replay than by the events"
                ));
            }
        }
        if !world.agents().eq(self
            .agents
            .iter()
            .map(|(&region, &member)| (region, member)))
        {
            findings.add("agents after the replay are not those of the events".to_owned());
        }
    }
}

fn least_len(terms: Option<&PlanTerms>) -> usize {
    terms.map_or(0, |terms| match &terms.vip {
        VipRule::Invitees(least) => least.len(),
        VipRule::KeptSales(least) => least.len(),
    })
}
