//! Who is whose upline, agent, home store, and of what level and rank: told from what has happened, in plain lists, without
//! asking the world (rules 3).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crowd::{Crowd, Person, Place};
use crate::file::{Plan, Rule};

/// One member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folk {
    pub(crate) inviter: Option<usize>,
    pub(crate) below: Vec<usize>,
    /// Has had a seat that counts for his inviter's VIP level.
    pub(crate) settled: bool,
    /// What he has bought and kept, and everyone below him.
    pub(crate) kept: i128,
    pub(crate) team: i128,
    pub(crate) region: Option<String>,
    pub(crate) frozen: bool,
    /// Store, and until when.
    pub(crate) home: Option<(usize, i64)>,
}

/// What makes VIP levels.
#[derive(Clone, Debug)]
pub(crate) enum Levels {
    Invitees(Vec<usize>),
    Kept(Vec<i128>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Every {
    Day,
    Week,
    Month,
}

/// A membership plan, everybody's rank by it, and its dividend pool.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) levels: Levels,
    /// Invitees and team sales for rank 1, 2 ….
    pub(crate) ranks: Vec<(usize, i128)>,
    pub(crate) leader_rank: usize,
    pub(crate) every: Every,
    /// By rank from 1; none: team sales of the period.
    pub(crate) weights: Option<Vec<i128>>,
    pub(crate) rank: Vec<usize>,
    /// Ranks that an operator has set.
    pub(crate) set: BTreeSet<usize>,
    /// There from the first campaign on that feeds it.
    pub(crate) pool: Option<Pool>,
}

/// What will be shared, and what of the last pool is still to be paid.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    pub(crate) money: i128,
    kept: Vec<i128>,
    team: Vec<i128>,
    any_kept: bool,
    pub(crate) unpaid: VecDeque<(usize, i128)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Town {
    pub(crate) folk: Vec<Folk>,
    /// Plan 1 first.
    pub(crate) scales: Vec<Scale>,
    /// One agent a region, by its code; here of one region each.
    pub(crate) agents: BTreeMap<String, usize>,
    /// Each store's merchant.
    pub(crate) stores: Vec<usize>,
}

impl Pool {
    fn grow(&mut self, members: usize) {
        self.kept.resize(members, 0);
        self.team.resize(members, 0);
    }

    /// Whether there is anything that the end of a period has to deal with.
    pub(crate) fn waits(&self) -> bool {
        self.money != 0 || self.any_kept
    }
}

impl Town {
    pub(crate) fn register(&mut self, inviter: Option<usize>) {
        let member = self.folk.len();
        self.folk.push(Folk {
            inviter,
            ..Folk::default()
        });
        if let Some(inviter) = inviter {
            self.folk[inviter].below.push(member);
        }
        for scale in &mut self.scales {
            scale.rank.push(0);
        }
    }

    pub(crate) fn publish(&mut self, mut scale: Scale) {
        scale.rank = vec![0; self.folk.len()];
        self.scales.push(scale);
    }

    /// The inviter, his inviter and so on.
    fn above(&self, member: usize) -> Vec<usize> {
        let above = |&member: &usize| self.folk[member].inviter;
        std::iter::successors(above(&member), above).collect()
    }

    /// A member without an inviter gets one who is not below him.
    pub(crate) fn bind(&mut self, member: usize, inviter: usize) {
        assert_eq!(self.folk[member].inviter, None, "{member} is bound again");
        assert!(member != inviter && !self.above(inviter).contains(&member));
        self.folk[member].inviter = Some(inviter);
        self.folk[inviter].below.push(member);
        let brought = self.folk[member].kept + self.folk[member].team;
        let above = self.above(member);
        for &upline in &above {
            self.folk[upline].team += brought;
        }
        let members = self.folk.len();
        for pool in self
            .scales
            .iter_mut()
            .filter_map(|scale| scale.pool.as_mut())
        {
            pool.grow(members);
            let brought = pool.kept[member] + pool.team[member];
            for &upline in &above {
                pool.team[upline] += brought;
            }
        }
    }

    /// A purchase is kept: it counts for everyone above, in every pool too.
    pub(crate) fn keep(&mut self, member: usize, price: i128) {
        self.folk[member].kept += price;
        let above = self.above(member);
        for &upline in &above {
            self.folk[upline].team += price;
        }
        let members = self.folk.len();
        for pool in self
            .scales
            .iter_mut()
            .filter_map(|scale| scale.pool.as_mut())
        {
            pool.grow(members);
            pool.any_kept = true;
            pool.kept[member] += price;
            for &upline in &above {
                pool.team[upline] += price;
            }
        }
    }

    /// Who stands higher by today's count than he did, by plan and member. Nobody falls, and who was set stays.
    pub(crate) fn risen(&self) -> Vec<(usize, usize, usize)> {
        let mut invitees = vec![0; self.folk.len()];
        for folk in self.folk.iter().filter(|folk| folk.settled) {
            if let Some(inviter) = folk.inviter {
                invitees[inviter] += 1;
            }
        }
        let mut risen = Vec::new();
        for (plan, scale) in self.scales.iter().enumerate() {
            for (member, folk) in self.folk.iter().enumerate() {
                let mut rank = 0;
                for &(asked, sales) in &scale.ranks {
                    if invitees[member] < asked || folk.team < sales {
                        break;
                    }
                    rank += 1;
                }
                if scale.rank[member] < rank && !scale.set.contains(&member) {
                    risen.push((plan, member, rank));
                }
            }
        }
        risen
    }

    /// His VIP level by a plan.
    fn vip(&self, plan: usize, member: usize) -> usize {
        let below = self.folk[member].below.iter().map(|&one| &self.folk[one]);
        match &self.scales[plan].levels {
            Levels::Invitees(least) => {
                let active = below.filter(|one| one.settled).count();
                least.iter().filter(|&&least| least <= active).count()
            }
            Levels::Kept(least) => {
                let kept: i128 = below.map(|one| one.kept).sum();
                least.iter().filter(|&&least| least <= kept).count()
            }
        }
    }

    /// The period of a plan's pool is over: shares it by largest remainder among ranked leaders who are not frozen. Says how
    /// many they are, and what all weigh.
    pub(crate) fn close(&mut self, plan: usize) -> (usize, i128) {
        let scale = &mut self.scales[plan];
        let pool = scale.pool.as_mut().expect("a pool");
        pool.grow(self.folk.len());
        let mut weighing: Vec<(usize, i128)> = Vec::new();
        if 0 < pool.money {
            for (member, folk) in self.folk.iter().enumerate() {
                let rank = scale.rank[member];
                let weight = match &scale.weights {
                    Some(weights) if 0 < rank => weights[rank - 1],
                    Some(_) => 0,
                    None => pool.team[member],
                };
                if !folk.frozen && scale.leader_rank <= rank && 0 < weight {
                    weighing.push((member, weight));
                }
            }
        }
        let all: i128 = weighing.iter().map(|&(_, weight)| weight).sum();
        if !weighing.is_empty() {
            let whole = |weight: i128| pool.money * weight / all;
            let rest = |weight: i128| pool.money * weight % all;
            let given: i128 = weighing.iter().map(|&(_, weight)| whole(weight)).sum();
            let mut first = weighing.clone();
            first.sort_by_key(|&(member, weight)| (-rest(weight), member));
            let more: BTreeSet<usize> = first
                .into_iter()
                .take(usize::try_from(pool.money - given).unwrap())
                .map(|(member, _)| member)
                .collect();
            let shares = weighing.iter().map(|&(member, weight)| {
                let fen = whole(weight) + i128::from(more.contains(&member));
                (member, fen)
            });
            pool.unpaid = shares.filter(|&(_, fen)| fen != 0).collect();
            pool.money = 0;
        }
        pool.kept.fill(0);
        pool.team.fill(0);
        pool.any_kept = false;
        (weighing.len(), all)
    }

    /// What a group that fills now depends on, with everyone's number in the world by row. `merchant` runs the campaign, if one
    /// does: a store of his gets nothing of it.
    pub(crate) fn read(
        &self,
        (plan, scale): (&Plan, usize),
        seats: &[(usize, Option<usize>)],
        merchant: Option<usize>,
        now: i64,
    ) -> (Crowd, Vec<usize>) {
        let mut reader = Reader {
            town: self,
            scale,
            rows: BTreeMap::new(),
            numbers: Vec::new(),
            crowd: Crowd::default(),
        };
        let depth = depth(plan);
        for &(member, via) in seats {
            let via = via.map(|via| reader.row(via));
            let row = reader.row(member);
            let person = &mut reader.crowd.people[row];
            person.region = self.folk[member].region.clone();
            person.home_store = self.folk[member]
                .home
                .filter(|&(store, until)| now < until && Some(self.stores[store]) != merchant)
                .map(|(store, _)| store);
            reader.crowd.seats.push(Place { member: row, via });
            reader.climb(member, depth);
        }
        for (code, &member) in &self.agents {
            let row = reader.row(member);
            reader.crowd.people[row].agent_of = Some(code.clone());
        }
        (reader.crowd, reader.numbers)
    }
}

/// How far up a campaign's programs can reach: a walk all the way, generations as many as they have rates.
fn depth(plan: &Plan) -> usize {
    let of = |rule: &Rule| match rule {
        Rule::Differential { .. } | Rule::SameLevel { .. } => usize::MAX,
        Rule::Generation { rates, .. } => rates.len(),
        Rule::Consolation { .. }
        | Rule::WinnerBonus { .. }
        | Rule::Leader { .. }
        | Rule::Formation { .. }
        | Rule::Region { .. }
        | Rule::Dividend { .. } => 0,
    };
    let depths = plan.programs.iter().map(|program| of(&program.rule));
    depths.max().unwrap_or(0)
}

struct Reader<'a> {
    town: &'a Town,
    scale: usize,
    rows: BTreeMap<usize, usize>,
    numbers: Vec<usize>,
    crowd: Crowd,
}

impl Reader<'_> {
    fn row(&mut self, member: usize) -> usize {
        if let Some(&row) = self.rows.get(&member) {
            return row;
        }
        let row = self.numbers.len();
        self.rows.insert(member, row);
        self.numbers.push(member);
        let folk = &self.town.folk[member];
        self.crowd.people.push(Person {
            vip: self.town.vip(self.scale, member),
            rank: self.town.scales[self.scale].rank[member],
            frozen: folk.frozen,
            ..Person::default()
        });
        row
    }

    /// Writes down so many uplines.
    fn climb(&mut self, member: usize, depth: usize) {
        let mut at = member;
        for _ in 0..depth {
            let Some(inviter) = self.town.folk[at].inviter else {
                return;
            };
            let (row, above) = (self.row(at), self.row(inviter));
            // Whoever else comes by here has gone on from here.
            if self.crowd.people[row].inviter.replace(above).is_some() && depth == usize::MAX {
                return;
            }
            at = inviter;
        }
    }
}
