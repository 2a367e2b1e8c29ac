//! Dividends (rules 7): each plan has one pool; at the end of the plan's period it is shared among ranked leaders by weight.
//!
//! Why the list is made when the pool closes, and paid in parts: a list can be longer than one record, and between two parts
//! members rise, are frozen or bought for. Whoever is on the list is paid what stood there, whatever happens meanwhile. The list
//! follows from [`Event::DividendClosed`] by this file alone, as ledger lines follow from their events, and its sums stand in the
//! event: a list that differs is a corrupt journal. Every payment is an amount in an event of its own.

use std::collections::BTreeMap;

use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::{
    Campaign, Due, Event, GroupId, Leftover, MemberId, Millis, Money, PlanTerms, Refusal, Vested,
    World, owed, rewards::Program,
};

/// Most members whom one event pays; the others follow in the next.
pub const MAX_DIVIDENDS_PAID: usize = 10_000;
/// The largest fixed weight of a rank.
pub const MAX_RANK_WEIGHT: u32 = 1_000_000;

/// How a plan shares its pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct DividendTerms {
    /// How long a pool is filled before it is shared.
    #[n(0)]
    pub period: Period,
    /// By what it is shared.
    #[n(1)]
    pub weight: DividendWeight,
}

/// How long a pool is filled. Days end at midnight of Asia/Shanghai, weeks on Sundays (rules 2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Period {
    /// One day.
    #[n(0)]
    Day,
    /// From Monday to Sunday.
    #[n(1)]
    Week,
    /// A month of the calendar.
    #[n(2)]
    #[default]
    Month,
}

/// What a member's share of the pool is measured by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum DividendWeight {
    /// What everyone below him has bought and kept in the period, in fen.
    #[n(0)]
    #[default]
    TeamSales,
    /// A fixed weight for each rank, the first entry for rank 1. Those of ranks below the leaders' do not count.
    #[n(1)]
    ByRank(#[n(0)] Vec<u32>),
}

/// What all who share a pool weigh together: more than 64 bits hold, for a sale weighs for everybody above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotalWeight(pub u128);

/// What one member gets of a closed pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DividendShare {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// What he weighs.
    #[n(1)]
    pub weight: u64,
    /// How much.
    #[n(2)]
    pub amount: Money,
}

/// What a settled group has put into its plan's pool.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pooled {
    /// Whose pool.
    #[n(0)]
    pub plan: u32,
    /// All of it: the shares of seats and, if the campaign says so, what is left of the envelope.
    #[n(1)]
    pub amount: Money,
    /// What came from each seat, by seat number.
    #[n(2)]
    pub shares: Vec<SeatShare>,
}

/// What a seat's dividend programs have put into the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SeatShare {
    /// Its number.
    #[n(0)]
    pub seat: u32,
    /// How much.
    #[n(1)]
    pub cash: Money,
}

/// What a returned product does to its plan's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PoolReturn {
    /// Whose pool.
    #[n(0)]
    pub plan: u32,
    /// What leaves it: the seat's share, or as much of it as the pool has.
    #[n(1)]
    pub taken: Money,
    /// Whether the rewards that are reversed go into it and not to the owner.
    #[n(2)]
    pub reversed_in: bool,
}

/// How a plan's pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// The plan.
    pub plan: u32,
    /// What will be shared at the end of the period.
    pub current: Money,
    /// What is left to pay of the pool that closed last.
    pub unpaid: Money,
    /// When it closes; none while there is nothing to share and nothing was kept.
    pub closes_at: Option<Millis>,
}

/// Every plan's pool, from the day on which a campaign that feeds it is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Dividends(#[n(0)] BTreeMap<u32, Pool>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Pool {
    /// With the ledger's sign: credits below zero. What is unpaid is still in it.
    #[n(0)]
    balance: i64,
    #[n(1)]
    closes_at: Option<Millis>,
    /// What members have kept in this period, in fen.
    #[n(2)]
    kept: BTreeMap<MemberId, i64>,
    /// The rest of the list of the pool that closed last.
    #[n(3)]
    unpaid: Vec<DividendShare>,
    /// The sum of it.
    #[n(4)]
    unpaid_sum: i64,
    /// When that pool closed, and when the rest of its list is to be paid.
    #[n(5)]
    closed: Option<(Millis, Millis)>,
}

impl<C> Encode<C> for TotalWeight {
    fn encode<W: minicbor::encode::Write>(
        &self,
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        out.bytes(&self.0.to_be_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for TotalWeight {
    fn decode(bytes: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let wrong = |_| minicbor::decode::Error::message("a weight has sixteen bytes");
        let bytes: [u8; 16] = bytes.bytes()?.try_into().map_err(wrong)?;
        Ok(TotalWeight(u128::from_be_bytes(bytes)))
    }
}

impl Period {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    /// The end of the period that this moment lies in: the first one after it.
    pub fn end_after(self, at: Millis) -> Millis {
        let today = at.shanghai_day();
        match self {
            Period::Day => Millis::start_of_day(today.saturating_add(1)),
            Period::Week => Millis::start_of_day(monday(today).saturating_add(7)),
            Period::Month => at.month().plus(1).begins(),
        }
    }

    /// The start of the period that ends then.
    pub fn start_of(self, until: Millis) -> Millis {
        let last = until.shanghai_day().saturating_sub(1);
        match self {
            Period::Day => Millis::start_of_day(last),
            Period::Week => Millis::start_of_day(monday(last)),
            Period::Month => Millis::start_of_day(last).month().begins(),
        }
    }
}

/// The Monday of a day's week. Day 0, the first of 1970, was a Thursday.
fn monday(day: i64) -> i64 {
    day.saturating_sub(day.saturating_add(3).rem_euclid(7))
}

impl DividendTerms {
    /// Whether they are those of plans that say nothing.
    pub(crate) fn is_default(&self) -> bool {
        *self == DividendTerms::default()
    }

    /// Errors if fixed weights are not those of the plan's ranks.
    pub(crate) fn check(&self, ranks: usize) -> Result<(), Refusal> {
        let weights = match &self.weight {
            DividendWeight::TeamSales => return Ok(()),
            DividendWeight::ByRank(weights) => weights,
        };
        if weights.len() != ranks || weights.iter().any(|&weight| MAX_RANK_WEIGHT < weight) {
            return Err(Refusal::InvalidPlan {
                field: "dividend.weights",
                must: "must have one weight for each rank, each at most 1000000",
            });
        }
        Ok(())
    }
}

impl Campaign {
    /// Whether its groups put money into their plan's pool.
    pub fn feeds_pool(&self) -> bool {
        let mut programs = self.rewards.iter().map(|reward| &reward.program);
        self.leftover == Leftover::Dividend
            || programs.any(|program| matches!(program, Program::Dividend(_)))
    }
}

/// Shares a pool by weight: largest remainder, of equal ones the lower number first (rules 2.3). The amounts add up to the pool,
/// unless nobody weighs anything. Who would get nothing is left out.
pub fn share_out(pool: Money, weights: &[(MemberId, u64)]) -> Vec<DividendShare> {
    let total = total_weight(weights).0;
    let sum = u128::try_from(pool.0).unwrap_or(0);
    let mut left = sum;
    let mut shares: Vec<(u128, DividendShare)> = Vec::with_capacity(weights.len());
    for &(member, weight) in weights {
        // Both factors stay below 2^64.
        let product = sum.saturating_mul(u128::from(weight));
        let (Some(whole), Some(rest)) = (product.checked_div(total), product.checked_rem(total))
        else {
            return Vec::new();
        };
        left = left.saturating_sub(whole);
        let amount = Money(i64::try_from(whole).unwrap_or(i64::MAX));
        let share = DividendShare {
            member,
            weight,
            amount,
        };
        shares.push((rest, share));
    }
    shares.sort_by_key(|(rest, share)| (std::cmp::Reverse(*rest), share.member));
    let more = usize::try_from(left).unwrap_or(usize::MAX);
    for (_, share) in shares.iter_mut().take(more) {
        share.amount.0 = share.amount.0.saturating_add(1);
    }
    let mut shares: Vec<DividendShare> = shares.into_iter().map(|(_, share)| share).collect();
    shares.retain(|share| share.amount.is_positive());
    shares.sort_by_key(|share| share.member);
    shares
}

/// What all weigh together.
pub fn total_weight(weights: &[(MemberId, u64)]) -> TotalWeight {
    let weights = weights.iter().map(|&(_, weight)| u128::from(weight));
    TotalWeight(weights.fold(0, u128::saturating_add))
}

impl Pool {
    /// What a return can take, and what is shared next.
    fn current(&self) -> Money {
        Money(owed(self.balance).0.saturating_sub(self.unpaid_sum))
    }

    fn due_at(&self) -> Option<Millis> {
        self.closed
            .map(|(_, resume_at)| resume_at)
            .or(self.closes_at)
    }
}

impl Dividends {
    pub(crate) fn balance(&self, plan: u32) -> i64 {
        self.0.get(&plan).map_or(0, |pool| pool.balance)
    }

    pub(crate) fn balance_mut(&mut self, plan: u32) -> &mut i64 {
        &mut self.0.entry(plan).or_default().balance
    }

    /// Of all pools together, with the ledger's sign.
    pub(crate) fn total(&self) -> i64 {
        let balances = self.0.values().map(|pool| pool.balance);
        balances.fold(0, i64::saturating_add)
    }

    pub(crate) fn due_at(&self, plan: u32) -> Option<Millis> {
        self.0.get(&plan)?.due_at()
    }

    /// Every timer there must be.
    pub(crate) fn timers(&self) -> Vec<(Millis, Due)> {
        let due = |(&plan, pool): (&u32, &Pool)| Some((pool.due_at()?, Due::Dividends(plan)));
        self.0.iter().filter_map(due).collect()
    }

    pub(crate) fn check(&self, found: &mut Vec<String>) {
        for (plan, pool) in &self.0 {
            let amounts = pool.unpaid.iter().map(|share| share.amount.0);
            if amounts.fold(0, i64::saturating_add) != pool.unpaid_sum
                || pool.current() < Money::ZERO
            {
                found.push(format!(
                    "the pool of plan {plan} has less than what is to be paid of it"
                ));
            }
        }
    }
}

/// Hot reads.
impl World {
    /// How the pools stand, by plan.
    pub fn dividend_pools(&self) -> Vec<PoolView> {
        let view = |(&plan, pool): (&u32, &Pool)| PoolView {
            plan,
            current: pool.current(),
            unpaid: Money(pool.unpaid_sum),
            closes_at: pool.closes_at,
        };
        self.dividends.0.iter().map(view).collect()
    }

    /// What a member weighs in a plan's pool so far, if the period ended now. Costs a pass over all members.
    pub fn dividend_weights(&self, plan: u32) -> Vec<(MemberId, u64)> {
        let pool = self.dividends.0.get(&plan).zip(self.plan(plan));
        pool.map_or_else(Vec::new, |(pool, terms)| self.weights(plan, terms, pool))
    }
}

impl World {
    fn weights(&self, plan: u32, terms: &PlanTerms, pool: &Pool) -> Vec<(MemberId, u64)> {
        let sales = match &terms.dividend.weight {
            DividendWeight::ByRank(_) => Vec::new(),
            DividendWeight::TeamSales if pool.kept.is_empty() => return Vec::new(),
            DividendWeight::TeamSales => {
                let mut own = vec![0; self.members.len()];
                for (member, &kept) in &pool.kept {
                    let at = usize::try_from(member.0).ok();
                    if let Some(own) = at.and_then(|at| own.get_mut(at)) {
                        *own = kept;
                    }
                }
                self.sums_below(&own)
            }
        };
        let mut weights = Vec::new();
        for (member, known) in (0u32..).map(MemberId).zip(&self.members) {
            let rank = self.rank(plan, member);
            if known.frozen || rank < terms.leader_rank {
                continue;
            }
            let weight = match &terms.dividend.weight {
                DividendWeight::ByRank(weights) => {
                    let at = usize::from(rank).checked_sub(1);
                    let weight = at.and_then(|at| weights.get(at)).copied();
                    u64::from(weight.unwrap_or(0))
                }
                DividendWeight::TeamSales => {
                    let at = usize::try_from(member.0).ok();
                    let sales = at.and_then(|at| sales.get(at)).copied();
                    sales.map_or(0, |sales| u64::try_from(sales.0).unwrap_or(0))
                }
            };
            if 0 < weight {
                weights.push((member, weight));
            }
        }
        weights
    }

    /// What time has made due: the pool closes, and whoever shares it is paid. Ranks that are due are counted first.
    pub(crate) fn due_dividends(&self, plan: u32, now: Millis, events: &mut Vec<Event>) {
        let Some((pool, terms)) = self.dividends.0.get(&plan).zip(self.plan(plan)) else {
            return;
        };
        if let Some((until, _)) = pool.closed {
            events.push(pay_next(plan, until, &pool.unpaid));
            return;
        }
        let Some(until) = pool.closes_at.filter(|&at| at <= now) else {
            return;
        };
        if self.people.count_at.is_some_and(|at| at <= now) {
            self.due_ranks(now, events);
            return;
        }
        let amount = pool.current();
        let weights = if amount.is_positive() {
            self.weights(plan, terms, pool)
        } else {
            Vec::new()
        };
        events.push(Event::DividendClosed {
            plan,
            from: terms.dividend.period.start_of(until),
            until,
            pool: amount,
            weight: total_weight(&weights),
            members: u32::try_from(weights.len()).unwrap_or(u32::MAX),
        });
        let shares = share_out(amount, &weights);
        if !shares.is_empty() {
            events.push(pay_next(plan, until, &shares));
        }
    }

    /// Makes the list of those who are paid; without any the pool is carried over.
    pub(crate) fn apply_dividend_closed(
        &mut self,
        plan: u32,
        until: Millis,
        (amount, weight, members): (Money, TotalWeight, u32),
    ) {
        let Some((pool, terms)) = self.dividends.0.get(&plan).zip(self.plan(plan)) else {
            self.corrupt("a pool closes that nothing feeds");
            return;
        };
        let weights = if members == 0 {
            Vec::new()
        } else {
            self.weights(plan, terms, pool)
        };
        let same = total_weight(&weights) == weight && u32::try_from(weights.len()) == Ok(members);
        if !same || pool.current() != amount {
            self.corrupt("a pool closes with other members, weights or money than it has");
        }
        let unpaid = share_out(amount, &weights);
        let next = terms.dividend.period.end_after(self.now);
        let now = self.now;
        let Some(pool) = self.dividends.0.get_mut(&plan) else {
            return;
        };
        pool.kept = BTreeMap::new();
        pool.closes_at = None;
        if unpaid.is_empty() {
            if amount.is_positive() {
                pool.closes_at = Some(next);
                self.push_timer(next, Due::Dividends(plan));
            }
            return;
        }
        pool.unpaid = unpaid;
        pool.unpaid_sum = amount.0;
        pool.closed = Some((until, now));
    }

    pub(crate) fn apply_dividends_paid(
        &mut self,
        plan: u32,
        until: Millis,
        (shares, more): (&[DividendShare], bool),
    ) {
        let now = self.now;
        let Some(pool) = self.dividends.0.get_mut(&plan) else {
            self.corrupt("a dividend is paid from a pool that nothing feeds");
            return;
        };
        let next = pool.unpaid.get(..shares.len());
        let last = pool.unpaid.len() == shares.len();
        let closed = pool.closed.map(|(until, _)| until);
        if next != Some(shares) || last == more || closed != Some(until) {
            self.corrupt("dividends are paid that are not next on the list");
            return;
        }
        pool.unpaid.drain(..shares.len());
        let paid = shares.iter().map(|share| share.amount.0);
        let paid = paid.fold(0, i64::saturating_add);
        pool.unpaid_sum = pool.unpaid_sum.saturating_sub(paid);
        pool.closed = more.then_some((until, now));
        if let Some(at) = pool.due_at() {
            self.push_timer(at, Due::Dividends(plan));
        }
    }

    /// From now on what is kept is counted for the campaign's plan.
    pub(crate) fn open_pool(&mut self, terms: &Campaign) {
        if terms.feeds_pool() {
            self.dividends.0.entry(terms.plan).or_default();
        }
    }

    /// Something came in that is to be shared at the end of the period.
    pub(crate) fn fill_pool(&mut self, plan: u32) {
        let Some(period) = self.plan(plan).map(|terms| terms.dividend.period) else {
            return;
        };
        let at = period.end_after(self.now);
        let pool = self.dividends.0.entry(plan).or_default();
        if pool.closes_at.is_none() {
            pool.closes_at = Some(at);
            self.push_timer(at, Due::Dividends(plan));
        }
    }

    /// A sale weighs for everybody above, in every pool.
    pub(crate) fn weigh_sale(&mut self, member: MemberId, price: Money) {
        if self.dividends.0.is_empty() {
            return;
        }
        let plans: Vec<u32> = self.dividends.0.keys().copied().collect();
        for plan in plans {
            if let Some(pool) = self.dividends.0.get_mut(&plan) {
                let kept = pool.kept.entry(member).or_default();
                *kept = kept.saturating_add(price.0);
            }
            self.fill_pool(plan);
        }
    }

    /// What a return takes out of the current pool, at most to zero, and whether reversed rewards go in (rules 9.1).
    pub(crate) fn decide_pool_return(
        &self,
        group: GroupId,
        shares: impl Iterator<Item = Money>,
        reversed: &[Vested],
    ) -> Option<PoolReturn> {
        let terms = &self.campaign_of(group)?.terms;
        let shares = shares.fold(0i64, |sum, share| sum.saturating_add(share.0));
        let pool = self.dividends.0.get(&terms.plan)?;
        let taken = Money(shares).min(pool.current());
        let reversed_in = terms.leftover == Leftover::Dividend
            && reversed
                .iter()
                .any(|reversed| reversed.amount.is_positive());
        (taken.is_positive() || reversed_in).then_some(PoolReturn {
            plan: terms.plan,
            taken,
            reversed_in,
        })
    }
}

fn pay_next(plan: u32, until: Millis, unpaid: &[DividendShare]) -> Event {
    let shares = unpaid.iter().copied().take(MAX_DIVIDENDS_PAID);
    Event::DividendsPaid {
        plan,
        until,
        shares: shares.collect(),
        more: MAX_DIVIDENDS_PAID < unpaid.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DAY_MS;

    #[test]
    fn periods_end_at_midnight_on_mondays_and_on_firsts() {
        // 2024-02-28, a Wednesday, 23:00 in Shanghai.
        let at = Millis(1_709_132_400_000);
        let midnight = Millis(1_709_136_000_000);
        let days = |days: i64| Millis(midnight.0 + days * DAY_MS);
        for (period, at, start, end) in [
            (Period::Day, at, days(-1), days(0)),
            (Period::Day, midnight, days(0), days(1)),
            (Period::Week, at, days(-3), days(4)),
            (Period::Week, days(4), days(4), days(11)),
            (Period::Month, at, days(-28), days(1)),
            (Period::Month, midnight, days(-28), days(1)),
            (Period::Month, Millis(days(1).0 - 1), days(-28), days(1)),
            (Period::Month, days(1), days(1), days(32)),
        ] {
            assert_eq!(period.end_after(at), end, "{period:?} {at:?}");
            assert_eq!(period.start_of(end), start, "{period:?} {at:?}");
        }
    }

    #[test]
    fn months_of_four_centuries_follow_each_other() {
        // 1970-01-01 in Shanghai.
        let mut at = Millis::start_of_day(0);
        for year in 1970i64..2400 {
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let february = if leap { 29 } else { 28 };
            for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
                let end = Millis(at.0 + length * DAY_MS);
                assert_eq!(Period::Month.end_after(at), end, "{year}");
                assert_eq!(Period::Month.end_after(Millis(end.0 - 1)), end, "{year}");
                assert_eq!(Period::Month.start_of(end), at, "{year}");
                at = end;
            }
        }
    }

    #[test]
    fn a_pool_is_shared_by_largest_remainder() {
        //    pool  weights        amounts, by member
        check(100, &[1, 1, 1], &[(0, 34), (1, 33), (2, 33)]);
        check(101, &[1, 1, 1], &[(0, 34), (1, 34), (2, 33)]);
        check(100, &[1, 2, 4], &[(0, 14), (1, 29), (2, 57)]);
        check(1, &[1, 2], &[(1, 1)]);
        check(1, &[2, 2], &[(0, 1)]);
        check(10, &[], &[]);
        check(10, &[0], &[]);
        check(0, &[3], &[]);
        let most = i64::MAX;
        check(
            most,
            &[u64::MAX, u64::MAX],
            &[(0, most / 2 + 1), (1, most / 2)],
        );
    }

    fn check(pool: i64, weights: &[u64], amounts: &[(u32, i64)]) {
        let weights: Vec<(MemberId, u64)> = (0u32..)
            .map(MemberId)
            .zip(weights.iter().copied())
            .collect();
        let shares = share_out(Money(pool), &weights);
        let told: Vec<(u32, i64)> = shares
            .iter()
            .map(|share| (share.member.0, share.amount.0))
            .collect();
        assert_eq!(told, amounts, "{pool} {weights:?}");
    }
}
