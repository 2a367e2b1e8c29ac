//! Dividend pools (rules 7 and 9.1): what goes in, what returns take out, and every close counted again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{
    Campaign, DividendShare, DividendWeight, Event, GroupId, Leftover, MAX_DIVIDENDS_PAID,
    MemberId, Millis, Money, PoolReturn, Pooled, SeatShare, Settlement, TotalWeight, Vested, World,
    rewards,
};

use super::{At, Trail};
use crate::audit::Findings;

/// One plan's pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Pot {
    /// What is in it, without what is still to be paid of the last close.
    money: i64,
    closes: Option<Millis>,
    /// What members have kept since the last close.
    kept: BTreeMap<MemberId, i64>,
    /// Who is still to be paid of the last close.
    list: VecDeque<DividendShare>,
    closed: Option<Millis>,
}

impl Pot {
    fn unpaid(&self) -> i64 {
        self.list.iter().map(|share| share.amount.0).sum()
    }
}

fn feeds(terms: &Campaign) -> bool {
    let mut programs = terms.rewards.iter().map(|reward| &reward.program);
    terms.leftover == Leftover::Dividend
        || programs.any(|program| matches!(program, rewards::Program::Dividend(_)))
}

impl Trail {
    /// A campaign that feeds a pool opens it.
    pub(super) fn open_pot(&mut self, terms: &Campaign) {
        if feeds(terms) {
            self.pots.entry(terms.plan).or_default();
        }
    }

    fn fill_pot(&mut self, at: At, plan: u32) {
        let period = self
            .terms_of(plan)
            .map_or_else(Default::default, |terms| terms.dividend.period);
        if let Some(pot) = self.pots.get_mut(&plan)
            && pot.closes.is_none()
        {
            pot.closes = Some(period.end_after(at.1));
        }
    }

    /// A sale weighs in every pool.
    pub(super) fn weigh(&mut self, at: At, member: MemberId, price: i64) {
        let plans: Vec<u32> = self.pots.keys().copied().collect();
        for plan in plans {
            if let Some(pot) = self.pots.get_mut(&plan) {
                *pot.kept.entry(member).or_default() += price;
            }
            self.fill_pot(at, plan);
        }
    }

    /// What a settlement puts into the pool, and what of it came from which seat.
    pub(super) fn pooled(
        &mut self,
        at: At,
        (group, pooled): (GroupId, Option<&Pooled>),
        counted: &Settlement,
        findings: &mut Findings,
    ) {
        let Some(plan) = self.campaign(group).map(|campaign| campaign.terms.plan) else {
            return;
        };
        let from_seats: i64 = counted
            .dividend_shares
            .iter()
            .map(|share| share.cash.0)
            .sum();
        findings.unless(from_seats <= counted.dividend.0, at.0, || {
            format!("seats of group {group} put more into the pool than it gets")
        });
        let told = counted.dividend.is_positive().then(|| Pooled {
            plan,
            amount: counted.dividend,
            shares: counted.dividend_shares.clone(),
        });
        findings.unless(pooled == told.as_ref(), at.0, || {
            format!(
                "group {group} puts {} into a dividend pool, its rules say {} into plan {plan}'s, seat by seat",
                pooled.map_or(Money::ZERO, |pooled| pooled.amount),
                counted.dividend,
            )
        });
        if let Some(pooled) = pooled {
            self.pots.entry(pooled.plan).or_default().money += pooled.amount.0;
            self.fill_pot(at, pooled.plan);
        }
    }

    /// What a return takes out of the pool, and puts in.
    pub(super) fn pool_return(
        &mut self,
        at: At,
        (group, shares): (GroupId, &[SeatShare]),
        (reversed, pool): (&[Vested], Option<&PoolReturn>),
        findings: &mut Findings,
    ) {
        let Some(campaign) = self.campaign(group) else {
            return;
        };
        let (plan, to_pool) = (
            campaign.terms.plan,
            campaign.terms.leftover == Leftover::Dividend,
        );
        let share: i64 = shares.iter().map(|share| share.cash.0).sum();
        let reversed: i64 = reversed.iter().map(|reversed| reversed.amount.0).sum();
        let has = self.pots.get(&plan).map_or(0, |pot| pot.money);
        let taken = share.min(has);
        let put_in = if to_pool { reversed } else { 0 };
        let told = pool.map_or((plan, 0, false), |pool| {
            (pool.plan, pool.taken.0, pool.reversed_in)
        });
        findings.unless(told == (plan, taken, 0 < put_in), at.0, || {
            format!(
                "a return in group {group} takes {} out of the pool of plan {}, its seat put in {share} fen and the pool has {has}",
                Money(told.1),
                told.0,
            )
        });
        if let Some(pot) = self.pots.get_mut(&plan) {
            pot.money += put_in - taken;
        }
        if 0 < put_in {
            self.fill_pot(at, plan);
        }
    }

    pub(super) fn dividend_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::DividendClosed {
            plan,
            from,
            until,
            pool,
            weight,
            members,
        } = event
        {
            self.pot_closed(at, (*plan, *from, *until), findings);
            self.pot_shared(at, (*plan, *until), (*pool, *weight, *members), findings);
        }
        if let Event::DividendsPaid {
            plan,
            until,
            shares,
            more,
        } = event
        {
            let mut none = Pot::default();
            let pot = self.pots.get_mut(plan).unwrap_or(&mut none);
            let next: Vec<DividendShare> =
                pot.list.iter().take(MAX_DIVIDENDS_PAID).copied().collect();
            let rest = next.len() < pot.list.len();
            let right = !shares.is_empty()
                && next == *shares
                && rest == *more
                && pot.closed == Some(*until);
            findings.unless(right, at.0, || {
                format!("the dividends of plan {plan} that are paid are not the next of its list")
            });
            pot.list.drain(..shares.len().min(pot.list.len()));
        }
    }

    /// The period is over, ranks are counted, and the last list is paid.
    fn pot_closed(
        &mut self,
        at: At,
        (plan, from, until): (u32, Millis, Millis),
        findings: &mut Findings,
    ) {
        let period = self.terms_of(plan).map(|terms| terms.dividend.period);
        let pot = self.pots.get(&plan);
        let ranked = self.count_at.is_none_or(|due| at.1 < due);
        let right = pot.zip(period).is_some_and(|(pot, period)| {
            pot.list.is_empty()
                && pot.closes == Some(until)
                && until <= at.1
                && period.start_of(until) == from
        });
        findings.unless(right && ranked, at.0, || {
            format!("the dividend pool of plan {plan} closes before its time, before ranks are counted, or while the last one is being paid")
        });
    }

    fn pot_shared(
        &mut self,
        at: At,
        (plan, until): (u32, Millis),
        told: (Money, TotalWeight, u32),
        findings: &mut Findings,
    ) {
        let money = self.pots.get(&plan).map_or(0, |pot| pot.money);
        let weights = if 0 < money {
            self.weights(plan)
        } else {
            Vec::new()
        };
        let total: u128 = weights.iter().map(|&(_, weight)| u128::from(weight)).sum();
        let members = u32::try_from(weights.len()).unwrap_or(u32::MAX);
        let counted = (Money(money), TotalWeight(total), members);
        findings.unless(told == counted, at.0, || {
            format!(
                "the dividend pool of plan {plan} closes with {} for {} members of weight {}; counted again it is {} for {} of {}",
                told.0, told.2, told.1.0, counted.0, counted.2, counted.1.0
            )
        });
        let shares = share(money, total, &weights);
        let period = self
            .terms_of(plan)
            .map_or_else(Default::default, |terms| terms.dividend.period);
        let Some(pot) = self.pots.get_mut(&plan) else {
            return;
        };
        pot.kept = BTreeMap::new();
        pot.closed = Some(until);
        if shares.is_empty() {
            pot.closes = (0 < money).then(|| period.end_after(at.1));
        } else {
            (pot.money, pot.closes) = (0, None);
            pot.list = shares.into();
        }
    }

    /// Who shares a plan's pool, with what he weighs.
    fn weights(&self, plan: u32) -> Vec<(MemberId, u64)> {
        let Some((terms, pot)) = self.terms_of(plan).zip(self.pots.get(&plan)) else {
            return Vec::new();
        };
        let own = (0u32..).map(MemberId).take(self.people.len());
        let own = own.map(|member| pot.kept.get(&member).copied().unwrap_or(0));
        let sales = self.sums_by_depth(&own.collect::<Vec<_>>());
        let mut weights = Vec::new();
        for (member, sales) in (0u32..).map(MemberId).zip(sales) {
            let rank = self.rank(plan, member);
            let weight = match &terms.dividend.weight {
                DividendWeight::TeamSales => u64::try_from(sales).unwrap_or(0),
                DividendWeight::ByRank(by_rank) => (1u16..)
                    .zip(by_rank)
                    .find(|&(of, _)| of == rank)
                    .map_or(0, |(_, &weight)| u64::from(weight)),
            };
            if terms.leader_rank <= rank && !self.is_frozen(member) && 0 < weight {
                weights.push((member, weight));
            }
        }
        weights
    }

    /// Against the replayed world.
    pub(super) fn compare_pools(&self, world: &World, findings: &mut Findings) {
        let ours = self
            .pots
            .iter()
            .map(|(&plan, pot)| (plan, pot.money, pot.unpaid(), pot.closes));
        let pools = world.dividend_pools();
        let theirs = pools.iter().map(|pool| {
            let (current, unpaid) = (pool.current.0, pool.unpaid.0);
            (pool.plan, current, unpaid, pool.closes_at)
        });
        if !ours.eq(theirs) {
            findings.add(
                "dividend pools after the replay are not those that the events give".to_owned(),
            );
        }
    }
}

/// Everybody's whole fen first; the fen that are left go one by one to whoever lacks least for one more, the lower number
/// first.
fn share(pool: i64, total: u128, weights: &[(MemberId, u64)]) -> Vec<DividendShare> {
    let pool = u128::try_from(pool).unwrap_or(0);
    if total == 0 {
        return Vec::new();
    }
    let mut amounts = BTreeMap::new();
    let mut lacking = BTreeSet::new();
    let mut left = pool;
    for &(member, weight) in weights {
        let exact = pool * u128::from(weight);
        amounts.insert(member, (weight, exact / total));
        left -= exact / total;
        lacking.insert((total - exact % total, member));
    }
    while let Some((_, member)) = lacking.pop_first().filter(|_| 0 < left) {
        if let Some((_, amount)) = amounts.get_mut(&member) {
            *amount += 1;
        }
        left -= 1;
    }
    let paid = amounts.into_iter().filter(|(_, (_, amount))| 0 < *amount);
    let share = |(member, (weight, amount)): (MemberId, (u64, u128))| DividendShare {
        member,
        weight,
        amount: Money(i64::try_from(amount).unwrap_or(i64::MAX)),
    };
    paid.map(share).collect()
}
