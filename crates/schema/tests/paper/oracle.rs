//! A second count of what a campaign pays on paper, from the rules alone: one seat after the other, one fen after the
//! other, slowly. It shares nothing with the domain, so that a mistake must be made twice to pass.
//!
//! Sections 6, 7, 8 and 13 of the rules are all there is in it. Where they leave something open, what the domain does is
//! taken and said here: home stores' shares are the platform's to bear and no part of the envelope (rules 10.5: they are
//! a share of its take); a frozen upline of the rank last paid is no payment; an agent who is frozen is not paid; a rank
//! above a table's last is the last.

use std::collections::BTreeMap;

use crate::crowd::Crowd;
use crate::file::{Budget, From, Plan, Rule};
use crate::gate::envelope;

/// One payment to a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Payment {
    /// Position of the program in the file.
    pub(crate) rule: usize,
    pub(crate) program: String,
    /// The seat it comes from, if from one.
    pub(crate) source_seat: Option<usize>,
    pub(crate) member: usize,
    pub(crate) cash: i128,
    pub(crate) coins: i128,
}

/// Everything that a drawn group pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// In the order of payment; none of nothing.
    pub(crate) payments: Vec<Payment>,
    /// Store, seat, cash.
    pub(crate) origin_shares: Vec<(usize, usize, i128)>,
    /// What dividend programs put into the pool from each seat; none of nothing.
    pub(crate) pool_shares: BTreeMap<usize, i128>,
    /// Cash and coins of each program; with a dividend program's cash, which is in no payment.
    pub(crate) programs: Vec<(i128, i128)>,
    pub(crate) totals: Totals,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) refunds: i128,
    /// Dividend programs, and what is left of the envelope where the campaign says so.
    pub(crate) pool: i128,
    pub(crate) origin_share: i128,
    /// All cash rewards: to members, into the pool, to home stores.
    pub(crate) rewards: i128,
    pub(crate) supplier: i128,
    pub(crate) fees: i128,
    pub(crate) commission: i128,
    pub(crate) merchant: i128,
    pub(crate) platform: i128,
}

/// What a program would pay if nothing limited it.
struct Ask {
    /// None is the dividend pool.
    to: Option<usize>,
    seat: Option<usize>,
    cash: i128,
    coins: i128,
}

/// A full, drawn group.
struct Group<'a> {
    plan: &'a Plan,
    crowd: &'a Crowd,
    won: Vec<bool>,
    /// Seats of a ballot whose right was not used: they get no consolation.
    unused: &'a [usize],
}

/// A percentage reward is rounded down to the fen (rules 2.3).
pub(crate) fn share(base: i128, ppm: i128) -> i128 {
    (base * ppm).div_euclid(1_000_000)
}

/// The tax that is withheld of what has come by chance (rules 9.3): nothing comes so where nothing is drawn.
pub(crate) fn tax_rate(plan: &Plan) -> i128 {
    if plan.kind == "everyone-buys" {
        0
    } else {
        plan.tax
    }
}

/// What it costs that so much of consolation or of a winner's bonus reaches the member: where the owner bears the tax t it is
/// floor(r × t / (1 − t)) on top.
pub(crate) fn with_tax(plan: &Plan, cash: i128) -> i128 {
    let rate = tax_rate(plan);
    if plan.tax_on_top {
        cash + (cash * rate).div_euclid(1_000_000 - rate)
    } else {
        cash
    }
}

/// Settles a group (rules 6) whose winners are these seats.
pub(crate) fn count(plan: &Plan, crowd: &Crowd, winners: &[usize]) -> Count {
    count_ballot(plan, crowd, winners, &[])
}

/// The same of a ballot: these seats have bought, and those had a right and did not use it.
pub(crate) fn count_ballot(
    plan: &Plan,
    crowd: &Crowd,
    winners: &[usize],
    unused: &[usize],
) -> Count {
    let mut won = vec![false; crowd.seats.len()];
    for &seat in winners {
        won[seat] = true;
    }
    let group = Group {
        plan,
        crowd,
        won,
        unused,
    };
    let mut shared = plan.caps.clone();
    let mut payments = Vec::new();
    let mut programs = Vec::new();
    let mut pool = 0;
    let mut pool_shares: BTreeMap<usize, i128> = BTreeMap::new();
    for (rule, program) in plan.programs.iter().enumerate() {
        let mut own = match program.budget {
            Budget::Own(cap) => cap,
            Budget::Open | Budget::Shared(_) => i128::MAX,
        };
        let left = match &program.budget {
            Budget::Shared(name) => shared.get_mut(name).expect("a cap of this name"),
            Budget::Own(_) | Budget::Open => &mut own,
        };
        let (mut all_cash, mut all_coins) = (0, 0);
        for ask in group.asks(rule) {
            // The payment that meets a cap gets what is left, later ones nothing. Caps limit cash.
            let cash = ask.cash.min(*left);
            *left -= cash;
            all_cash += cash;
            all_coins += ask.coins;
            match ask.to {
                None if cash == 0 => {}
                None => {
                    pool += cash;
                    *pool_shares.entry(ask.seat.expect("a seat")).or_default() += cash;
                }
                Some(_) if cash == 0 && ask.coins == 0 => {}
                Some(member) => payments.push(Payment {
                    rule,
                    program: program.name.clone(),
                    source_seat: ask.seat,
                    member,
                    cash,
                    coins: ask.coins,
                }),
            }
        }
        programs.push((all_cash, all_coins));
    }
    let paid: i128 = programs.iter().map(|&(cash, _)| cash).sum();
    let winners = i128::try_from(winners.len()).unwrap();
    if plan.rest_to_pool {
        pool += envelope(plan, winners) - paid;
    }
    let origin_shares = group.origin_shares();
    let totals = totals(plan, winners, &payments, pool, &origin_shares);
    Count {
        payments,
        origin_shares,
        pool_shares,
        programs,
        totals,
    }
}

fn totals(
    plan: &Plan,
    winners: i128,
    payments: &[Payment],
    pool: i128,
    origin_shares: &[(usize, usize, i128)],
) -> Totals {
    let origin_share = origin_shares.iter().map(|&(_, _, cash)| cash).sum();
    let to_members: i128 = payments.iter().map(|payment| payment.cash).sum();
    let sales = buyers(plan, winners) * plan.price;
    let (supplier, fees) = (supplier(plan, winners), fees(plan, winners));
    let commission = commission(plan) * buyers(plan, winners);
    let merchant = match plan.commission {
        Some(_) => sales - commission - fees - to_members - pool,
        None => 0,
    };
    let platform = match plan.commission {
        Some(_) => commission - origin_share,
        None => sales - supplier - fees - to_members - pool - origin_share,
    };
    Totals {
        refunds: (payers(plan, winners) - buyers(plan, winners)) * plan.price,
        pool,
        origin_share,
        rewards: to_members + pool + origin_share,
        supplier,
        fees,
        commission,
        merchant,
        platform,
    }
}

/// Seats that pay for good. Everyone buys in two of the kinds (rules 4).
pub(crate) fn buyers(plan: &Plan, winners: i128) -> i128 {
    match plan.kind.as_str() {
        "everyone-buys" | "bonus-draw" => plan.seats,
        "draw" | "treat" | "ballot" => winners,
        other => panic!("kind {other} is none of rules 4"),
    }
}

/// Seats that pay at all: registering for a ballot is free.
pub(crate) fn payers(plan: &Plan, winners: i128) -> i128 {
    if plan.kind == "ballot" {
        winners
    } else {
        plan.seats
    }
}

/// Products and prizes. What they cost a merchant is his own affair.
pub(crate) fn supplier(plan: &Plan, winners: i128) -> i128 {
    if plan.commission.is_some() {
        return 0;
    }
    let prizes = if plan.kind == "bonus-draw" {
        winners
    } else {
        0
    };
    buyers(plan, winners) * plan.cost + prizes * plan.prize
}

/// Of each payment, rounded half up to the fen; of those that go back only if the channel keeps it.
pub(crate) fn fees(plan: &Plan, winners: i128) -> i128 {
    let each = (plan.price * plan.fee + 500_000).div_euclid(1_000_000);
    if plan.fee_kept {
        each * payers(plan, winners)
    } else {
        each * buyers(plan, winners)
    }
}

/// Of each buyer, rounded down.
pub(crate) fn commission(plan: &Plan) -> i128 {
    plan.commission.map_or(0, |rate| share(plan.price, rate))
}

/// What the home store of one buyer gets of the platform's take, which is nothing where it sells below cost.
pub(crate) fn origin_share(plan: &Plan) -> i128 {
    let take = match plan.commission {
        Some(_) => commission(plan),
        None => plan.price - plan.cost,
    };
    share(take.max(0), plan.origin_share)
}

/// b: the base of one source seat.
pub(crate) fn base(plan: &Plan, from: &From) -> i128 {
    let consolation = plan.programs.iter().find_map(|program| {
        if let Rule::Consolation { cash, .. } = &program.rule {
            Some(*cash)
        } else {
            None
        }
    });
    match &from.base {
        Ok(fixed) => *fixed,
        Err(base) if base == "price" => plan.price,
        Err(base) if base == "consolation" => consolation.expect("a consolation"),
        Err(base) if base == "margin" => plan.price - plan.cost,
        Err(other) => panic!("base {other} is none of rules 7"),
    }
}

/// The differential program that the same-level program at this position follows.
pub(crate) fn followed(plan: &Plan, rule: usize) -> (&From, &[i128]) {
    for before in plan.programs[..rule].iter().rev() {
        if let Rule::Differential {
            from,
            rates_by_rank,
        } = &before.rule
        {
            return (from, rates_by_rank);
        }
    }
    panic!("a same-level program without a differential before it");
}

impl Group<'_> {
    /// Source seats in seat order, each with its member.
    fn sources(&self, from: &From) -> Vec<(usize, usize)> {
        let is_source = |seat: usize| match from.source.as_str() {
            "winners" => self.won[seat],
            "non-winners" => !self.won[seat],
            "all" => true,
            other => panic!("source {other} is none of rules 7"),
        };
        let seats = self.crowd.seats.iter().enumerate();
        seats
            .filter(|&(seat, _)| is_source(seat))
            .map(|(seat, place)| (seat, place.member))
            .collect()
    }

    fn all_of(&self, winners: bool) -> Vec<(usize, usize)> {
        let source = if winners { "winners" } else { "non-winners" };
        self.sources(&From {
            source: source.to_owned(),
            base: Ok(0),
        })
    }

    fn frozen(&self, member: usize) -> bool {
        self.crowd.people[member].frozen
    }

    /// Everything the program at this position would pay, in the order of rules 13.
    fn asks(&self, rule: usize) -> Vec<Ask> {
        let each = |(seat, member): (usize, usize), cash, coins| Ask {
            to: Some(member),
            seat: Some(seat),
            cash,
            coins,
        };
        match &self.plan.programs[rule].rule {
            &Rule::Consolation { cash, coins } => {
                let cash = with_tax(self.plan, cash);
                let losers = self.all_of(false);
                losers
                    .into_iter()
                    .filter(|(seat, _)| !self.unused.contains(seat))
                    .map(|seat| each(seat, cash, coins))
                    .collect()
            }
            &Rule::WinnerBonus { cash, coins } => {
                let cash = with_tax(self.plan, cash);
                let winners = self.all_of(true);
                winners
                    .into_iter()
                    .map(|seat| each(seat, cash, coins))
                    .collect()
            }
            &Rule::Leader {
                cash,
                coins,
                unless_won,
            } => self.leaders(cash, coins, unless_won),
            Rule::Formation { per_recruit } => (1..self.crowd.seats.len())
                .map(|seat| {
                    let via = self.crowd.seats[seat].via;
                    let leader = self.crowd.seats[0].member;
                    each((seat, via.unwrap_or(leader)), *per_recruit, 0)
                })
                .collect(),
            Rule::Generation {
                from,
                rates,
                vip_depth,
            } => self.generations(from, rates, vip_depth.as_deref()),
            Rule::Differential {
                from,
                rates_by_rank,
            } => self.walks(from, rates_by_rank, None),
            Rule::SameLevel { rate, at_most } => {
                let (from, rates_by_rank) = followed(self.plan, rule);
                self.walks(from, rates_by_rank, Some((*rate, *at_most)))
            }
            Rule::Region { from, rates } => self.regions(from, rates),
            Rule::Dividend { from, rate } => {
                let cash = share(base(self.plan, from), *rate);
                let pool = |(seat, _)| Ask {
                    to: None,
                    seat: Some(seat),
                    cash,
                    coins: 0,
                };
                self.sources(from).into_iter().map(pool).collect()
            }
        }
    }

    fn leaders(&self, cash: i128, coins: i128, unless_won: bool) -> Vec<Ask> {
        let leader = self.crowd.seats[0].member;
        let has_won = self
            .all_of(true)
            .iter()
            .any(|&(_, member)| member == leader);
        if unless_won && has_won {
            return Vec::new();
        }
        vec![Ask {
            to: Some(leader),
            seat: None,
            cash,
            coins,
        }]
    }

    /// For k = 1..L: u_k gets g_k × b if his VIP depth is at least k.
    fn generations(&self, from: &From, rates: &[i128], depths: Option<&[i128]>) -> Vec<Ask> {
        let b = base(self.plan, from);
        let mut asks = Vec::new();
        for (seat, member) in self.sources(from) {
            for (at, upline) in self.crowd.uplines(member).into_iter().enumerate() {
                let Some(&rate) = rates.get(at) else { break };
                let k = i128::try_from(at + 1).unwrap();
                let open = depths.is_none_or(|depths| {
                    let vip = self.crowd.people[upline].vip;
                    k <= depths[vip.min(depths.len() - 1)]
                });
                if open && !self.frozen(upline) {
                    asks.push(Ask {
                        to: Some(upline),
                        seat: Some(seat),
                        cash: share(b, rate),
                        coins: 0,
                    });
                }
            }
        }
        asks
    }

    /// One walk up for each source seat. Without `same_level` what the differential program pays; with it, at this rate and
    /// so often, what the uplines of the rank last paid get.
    fn walks(&self, from: &From, rates: &[i128], same_level: Option<(i128, i128)>) -> Vec<Ask> {
        let b = base(self.plan, from);
        let mut asks = Vec::new();
        for (seat, member) in self.sources(from) {
            let (mut m, mut rank_last_paid, mut times) = (0, None, 0);
            for upline in self.crowd.uplines(member) {
                let rank = self.crowd.people[upline].rank.min(rates.len() - 1);
                let rate = rates[rank];
                let mut pays = None;
                if m < rate {
                    if same_level.is_none() {
                        pays = Some(share(b, rate - m));
                    }
                    (m, rank_last_paid) = (rate, Some(rank));
                } else if rank_last_paid == Some(rank)
                    && let Some((rate, at_most)) = same_level
                    && times < at_most
                    && !self.frozen(upline)
                {
                    times += 1;
                    pays = Some(share(b, rate));
                }
                if let Some(cash) = pays
                    && !self.frozen(upline)
                {
                    asks.push(Ask {
                        to: Some(upline),
                        seat: Some(seat),
                        cash,
                        coins: 0,
                    });
                }
            }
        }
        asks
    }

    fn regions(&self, from: &From, rates: &[i128; 3]) -> Vec<Ask> {
        let b = base(self.plan, from);
        let mut asks = Vec::new();
        for (seat, member) in self.sources(from) {
            let Some(region) = &self.crowd.people[member].region else {
                continue;
            };
            let (province, city, county) = (&region[..2], &region[2..4], &region[4..]);
            let levels = [
                (county != "00").then(|| region.clone()),
                (city != "00").then(|| format!("{province}{city}00")),
                Some(format!("{province}0000")),
            ];
            for (level, rate) in levels.into_iter().zip(rates) {
                let agent = level.and_then(|code| self.crowd.agent_of(&code));
                if let Some(agent) = agent
                    && !self.frozen(agent)
                {
                    asks.push(Ask {
                        to: Some(agent),
                        seat: Some(seat),
                        cash: share(b, *rate),
                        coins: 0,
                    });
                }
            }
        }
        asks
    }

    fn origin_shares(&self) -> Vec<(usize, usize, i128)> {
        let everyone = buyers(self.plan, 0) == self.plan.seats;
        let cash = origin_share(self.plan);
        let mut shares = Vec::new();
        for (seat, place) in self.crowd.seats.iter().enumerate() {
            let buys = everyone || self.won[seat];
            if let Some(store) = self.crowd.people[place.member].home_store
                && buys
                && cash != 0
            {
                shares.push((store, seat, cash));
            }
        }
        shares
    }
}
