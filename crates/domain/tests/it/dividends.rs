//! Dividend pools: what goes in, who shares them, and what returns take out (rules 7 and 9.1).

use std::collections::BTreeMap;

use domain::{
    rewards::{Base, Dividend, Formation, Limit, Program, Reward, Source},
    *,
};
use proptest::prelude::*;

use crate::{
    shop::{Shop, campaign},
    standing::low_plan,
};

const DAY_S: i64 = 86_400;

fn reward(program: Program) -> Reward {
    let limit = Limit::None;
    Reward { program, limit }
}

/// A close: the pool, its weight and members, and who was paid what.
type Close = (i64, u128, u32, Vec<(u32, i64)>);

/// Everybody with a fen of team sales is a leader.
pub(crate) fn shared(period: Period, weight: DividendWeight) -> PlanTerms {
    PlanTerms {
        leader_rank: 1,
        dividend: DividendTerms { period, weight },
        ..low_plan()
    }
}

/// Two buy at 100.00 each and nothing is drawn; 5 % of each price goes into the pool, 2.00 to the leader.
pub(crate) fn pooling(plan: u32) -> Campaign {
    let mut terms = campaign(10_000, 2, 2, 2_000);
    terms.kind = Kind::EveryoneBuys;
    terms.plan = plan;
    terms.rewards = vec![
        reward(Program::Dividend(Dividend {
            source: Source::All,
            base: Base::Price,
            rate: Rate(50_000),
        })),
        reward(Program::Formation(Formation {
            per_recruit: Money(200),
        })),
    ];
    terms
}

impl Shop {
    /// What is in a plan's pool, and what of the last one is unpaid.
    pub(crate) fn pool(&self, plan: u32) -> (i64, i64) {
        let pools = self.world.dividend_pools();
        let pool = pools.iter().find(|pool| pool.plan == plan).unwrap();
        (pool.current.0, pool.unpaid.0)
    }

    fn closes_at(&self, plan: u32) -> Option<Millis> {
        let pools = self.world.dividend_pools();
        pools.iter().find(|pool| pool.plan == plan)?.closes_at
    }

    /// Every close so far: the pool, its weight and members, and who was paid what.
    pub(crate) fn closes(&self) -> Vec<Close> {
        let mut closes: Vec<Close> = Vec::new();
        for event in self.records.iter().flat_map(|record| &record.events) {
            if let Event::DividendClosed {
                pool,
                weight,
                members,
                ..
            } = event
            {
                closes.push((pool.0, weight.0, *members, Vec::new()));
            }
            if let Event::DividendsPaid { shares, .. } = event {
                let paid = shares.iter().map(|share| (share.member.0, share.amount.0));
                closes.last_mut().unwrap().3.extend(paid);
            }
        }
        closes
    }

    /// Lets time pass in days, with everything that is due on its way.
    pub(crate) fn days(&mut self, days: i64) {
        let end = Millis(self.clock.0 + days * DAY_S * 1000);
        while let Some((at, due)) = self.world.due_timer(end) {
            self.clock = self.clock.max(at);
            self.must(Command::Tick(due));
        }
        self.clock = end;
    }

    /// All orders of a settled group are shipped and received.
    pub(crate) fn hand_over(&mut self, settled: &GroupSettled) -> Vec<OrderId> {
        let buyers = settled.buyers();
        let orders = (settled.first_order.0..).map(OrderId).zip(buyers);
        orders
            .map(|(order, (_, seat))| {
                self.must(Command::ShipOrder { order });
                let member = seat.member;
                self.must(Command::ReceiveOrder { order, member });
                order
            })
            .collect()
    }

    pub(crate) fn give_back(&mut self, order: OrderId) {
        let member = self.world.order(order).unwrap().member;
        self.must(Command::ReturnOrder { order, member });
        self.must(Command::TakeBackOrder { order });
    }
}

/// `top` invites `left` and `right`; each of the two invites two buyers.
fn family(shop: &mut Shop) -> ([MemberId; 3], [[MemberId; 2]; 2]) {
    let top = shop.member(None);
    let [left, right] = [shop.member(Some(top)), shop.member(Some(top))];
    let mut below = |above| [shop.member(Some(above)), shop.member(Some(above))];
    let buyers = [below(left), below(right)];
    ([top, left, right], buyers)
}

#[test]
fn a_pool_fills_at_settlement_and_is_shared_by_the_sales_of_its_period() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Week, DividendWeight::TeamSales));
    let offer = shop.publish(pooling(plan));
    let (_, [ours, theirs]) = family(&mut shop);
    let (_, settled) = shop.buy(offer, ours);
    assert_eq!(
        settled.pooled.as_deref().map(|pooled| pooled.amount),
        Some(Money(1_000))
    );
    assert_eq!(shop.pool(plan), (1_000, 0));
    assert_eq!(shop.balance("dividend-pool"), -1_000);
    let owed = shop.world.books().owed;
    assert!(owed.contains(&("dividend-pool", Money(1_000))), "{owed:?}");
    for buyers in [ours, theirs] {
        let (_, settled) = shop.buy(offer, buyers);
        shop.hand_over(&settled);
    }
    // Nothing is kept and nobody has a rank when the week ends: the pool is carried over.
    let ends = shop.closes_at(plan).unwrap();
    assert_eq!(ends, Period::Week.end_after(shop.clock));
    shop.clock = Millis(ends.0 - 1);
    shop.tick();
    assert_eq!(shop.closes(), []);
    shop.clock = ends;
    shop.tick();
    assert_eq!(shop.closes(), [(3_000, 0, 0, vec![])]);
    assert_eq!(shop.closes_at(plan), Some(Period::Week.end_after(ends)));
    // In the next week what the second and third group bought is kept: 200.00 on either side.
    shop.days(7);
    let closes = shop.closes();
    assert_eq!(
        closes[1],
        (3_000, 80_000, 3, vec![(0, 1_500), (1, 750), (2, 750)])
    );
    assert_eq!(
        shop.world.member(MemberId(0)).unwrap().available,
        Money(1_500)
    );
    assert_eq!(shop.pool(plan), (0, 0));
    // Sales weigh in their own period only.
    let (_, settled) = shop.buy(offer, theirs);
    shop.hand_over(&settled);
    shop.days(14);
    assert_eq!(
        shop.closes().last().unwrap(),
        &(1_000, 40_000, 2, vec![(0, 500), (2, 500)])
    );
    assert_eq!(shop.closes_at(plan), None, "nothing is left to share");
    shop.check();
}

#[test]
fn who_takes_part() {
    //    weight                                who stands out            paid, by member
    let sales = || DividendWeight::TeamSales;
    let fixed = |weights: [u32; 3]| DividendWeight::ByRank(weights.to_vec());
    check(sales(), &[], &[(0, 1_000), (1, 500), (2, 500)]);
    check(sales(), &[Out::Frozen(0)], &[(1, 1_000), (2, 1_000)]);
    check(sales(), &[Out::Rank(1, 0)], &[(0, 1_333), (2, 667)]);
    check(
        sales(),
        &[Out::Frozen(0), Out::Frozen(1), Out::Frozen(2)],
        &[],
    );
    check(fixed([1, 5, 9]), &[], &[(0, 667), (1, 667), (2, 666)]);
    check(
        fixed([1, 5, 9]),
        &[Out::Rank(0, 2)],
        &[(0, 1_428), (1, 286), (2, 286)],
    );
    check(fixed([0, 0, 0]), &[], &[]);
    check(fixed([0, 1, 0]), &[Out::Rank(3, 2)], &[(3, 2_000)]);
    check(
        fixed([1, 1, 1]),
        &[Out::Frozen(0)],
        &[(1, 1_000), (2, 1_000)],
    );
}

enum Out {
    Frozen(u32),
    Rank(u32, u16),
}

#[track_caller]
fn check(weight: DividendWeight, out: &[Out], paid: &[(u32, i64)]) {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Month, weight));
    let offer = shop.publish(pooling(plan));
    let (_, sides) = family(&mut shop);
    shop.member(None);
    for buyers in sides {
        let (_, settled) = shop.buy(offer, buyers);
        shop.hand_over(&settled);
    }
    shop.days(9);
    for out in out {
        match *out {
            Out::Frozen(member) => shop.must(Command::FreezeMember {
                member: MemberId(member),
            }),
            Out::Rank(member, rank) => shop.must(Command::SetRank {
                member: MemberId(member),
                plan,
                rank: Some(rank),
            }),
        };
    }
    shop.days(31);
    let told = &shop.closes()[0].3;
    assert_eq!(told, paid);
    let carried = if paid.is_empty() { 2_000 } else { 0 };
    assert_eq!(shop.pool(plan), (carried, 0));
    shop.check();
}

#[test]
fn ranks_that_are_due_at_the_same_midnight_are_counted_first() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Day, DividendWeight::TeamSales));
    let offer = shop.publish(pooling(plan));
    let (_, [ours, _]) = family(&mut shop);
    let (_, settled) = shop.buy(offer, ours);
    shop.hand_over(&settled);
    shop.days(8);
    let last = shop.closes().pop().unwrap();
    assert_eq!(last, (1_000, 40_000, 2, vec![(0, 500), (1, 500)]));
    // A close that comes late by days comes before what is kept only then, and that is weighed in the next.
    let (_, settled) = shop.buy(offer, ours);
    shop.hand_over(&settled);
    let (_, late) = shop.buy(offer, ours);
    shop.hand_over(&late);
    shop.wait(40 * DAY_S);
    shop.tick();
    assert_eq!(shop.closes().pop().unwrap(), (2_000, 0, 0, vec![]));
    shop.days(1);
    let last = shop.closes().pop().unwrap();
    assert_eq!(last, (2_000, 80_000, 2, vec![(0, 1_000), (1, 1_000)]));
    shop.check();
}

#[test]
fn a_return_takes_its_seats_share_out_of_the_current_pool_at_most_to_zero() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Month, DividendWeight::TeamSales));
    let offer = shop.publish(pooling(plan));
    let (_, [ours, theirs]) = family(&mut shop);
    // Before the close it leaves the pool.
    let (_, settled) = shop.buy(offer, ours);
    let orders = shop.hand_over(&settled);
    shop.give_back(orders[1]);
    assert_eq!(shop.pool(plan), (500, 0));
    assert_eq!(
        shop.balance("rewards"),
        500,
        "the 2.00 came from that seat, too"
    );
    shop.days(40);
    assert_eq!(
        shop.closes()[0],
        (500, 30_000 - 10_000, 2, vec![(0, 250), (1, 250)])
    );
    // After it the next pool bears it: 5.00 of the other group are there, then none.
    let (_, first) = shop.buy(offer, ours);
    let first = shop.hand_over(&first);
    for &order in &first {
        let member = shop.world.order(order).unwrap().member;
        shop.must(Command::ReturnOrder { order, member });
    }
    shop.clock = Period::Month.end_after(shop.clock);
    shop.tick();
    // The family's ranks stand, but nothing was kept in this month: carried over.
    assert_eq!(shop.closes()[1], (1_000, 0, 0, vec![]));
    let (_, second) = shop.buy(offer, theirs);
    shop.hand_over(&second);
    for order in [first[0], first[1]] {
        shop.must(Command::TakeBackOrder { order });
    }
    // Both buyers have returned: all of the group's shares are gone, the other group's are there.
    assert_eq!(shop.pool(plan), (1_000, 0));
    shop.check();
}

#[test]
fn a_return_after_the_close_is_borne_by_the_next_pool_as_far_as_it_reaches() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Day, DividendWeight::ByRank(vec![1, 1, 1])));
    let offer = shop.publish(pooling(plan));
    let (_, [ours, theirs]) = family(&mut shop);
    shop.must(Command::SetRank {
        member: MemberId(0),
        plan,
        rank: Some(1),
    });
    let (_, settled) = shop.buy(offer, ours);
    let orders = shop.hand_over(&settled);
    shop.days(1);
    assert_eq!(shop.closes(), [(1_000, 1, 1, vec![(0, 1_000)])]);
    shop.give_back(orders[0]);
    assert_eq!(shop.pool(plan), (0, 0), "at most to zero");
    let told = |event| match event {
        Event::OrderReturned { pool, .. } => pool,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(shop.last()), None);
    shop.buy(offer, theirs);
    assert_eq!(shop.pool(plan), (1_000, 0));
    shop.give_back(orders[1]);
    // All have returned: what both seats had put in, of which the first was not there before.
    assert_eq!(
        told(shop.last()),
        Some(PoolReturn {
            plan,
            taken: Money(500),
            reversed_in: false
        })
    );
    assert_eq!(shop.pool(plan), (500, 0));
    assert_eq!(
        shop.world.member(MemberId(0)).unwrap().available,
        Money(1_000)
    );
    shop.check();
}

#[test]
fn where_the_pool_has_what_is_left_it_has_what_is_reversed() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Month, DividendWeight::TeamSales));
    let mut terms = campaign(10_000, 4, 2, 2_000);
    terms.plan = plan;
    terms.leftover = Leftover::Dividend;
    terms.rewards = vec![reward(Program::Dividend(Dividend {
        source: Source::Winners,
        base: Base::Fixed(Money(300)),
        rate: Rate(RATE_ONE_PPM),
    }))];
    terms
        .rewards
        .push(reward(Program::WinnerBonus(rewards::WinnerBonus {
            cash: Money(70),
            coins: Coins(5),
        })));
    terms
        .rewards
        .push(reward(Program::Generation(rewards::Generation {
            source: Source::All,
            base: Base::Fixed(Money(100)),
            rates: vec![Rate(RATE_ONE_PPM)],
            vip_depth: None,
        })));
    let offer = shop.publish(terms);
    // One of the four has an inviter: three generation rewards of 1.00 are left.
    let top = shop.member(None);
    let members = [
        shop.member(Some(top)),
        shop.member(None),
        shop.member(None),
        shop.member(None),
    ];
    let group = shop.fill(offer, &members);
    let settled = shop.settle(group);
    let pooled = settled.pooled.clone().unwrap();
    assert_eq!((pooled.plan, pooled.amount), (plan, Money(600 + 300)));
    let mut seats: Vec<u32> = settled.winners.clone();
    seats.sort_unstable();
    let shares = seats.iter().map(|&seat| SeatShare {
        seat,
        cash: Money(300),
    });
    assert_eq!(pooled.shares, shares.collect::<Vec<_>>());
    let rewards = shop.balance("rewards");
    let orders = shop.hand_over(&settled);
    shop.give_back(orders[0]);
    // The share leaves for the owner, the winner's bonus comes in; the generation reward, too, if it was his seat's.
    let inviters = |seat| {
        let paid = settled.rewards.iter();
        let of = paid.filter(|paid| paid.program == ProgramKind::Generation);
        of.filter(|paid| seat == paid.source_seat).count() as i64 * 100
    };
    let first = inviters(Some(seats[0]));
    assert_eq!(shop.pool(plan), (900 - 300 + 70 + first, 0));
    assert_eq!(shop.balance("rewards"), rewards - 300);
    // With the last everything that waited.
    shop.give_back(orders[1]);
    assert_eq!(shop.pool(plan), (300 + 2 * 70 + 100, 0));
    assert_eq!(shop.balance("rewards"), rewards - 600);
    assert_eq!(shop.world.member(top).unwrap().vesting, Money::ZERO);
    shop.check();
}

#[test]
fn weights_are_those_of_the_plans_ranks() {
    let mut shop = Shop::new();
    for (weights, code) in [
        (vec![1, 2], "plan_invalid"),
        (vec![1, 2, 3, 4], "plan_invalid"),
        (vec![1, 2, MAX_RANK_WEIGHT + 1], "plan_invalid"),
        (vec![0, 0, MAX_RANK_WEIGHT], "published"),
    ] {
        let terms = Box::new(shared(Period::Day, DividendWeight::ByRank(weights)));
        let answer = shop.try_do(Command::PublishPlan { terms });
        let told = answer.map_or_else(|refusal| refusal.code(), |_| "published");
        assert_eq!(told, code);
    }
}

/// More leaders than one event pays. After each record the journal is cut there and a new process goes on from it; between the
/// records members are frozen, lose their ranks and buy.
#[test]
fn a_list_longer_than_one_event_is_paid_whole_and_once_wherever_the_process_ends() {
    let leaders = 2 * MAX_DIVIDENDS_PAID + 5;
    let mut shop = Shop::new();
    let plan = shop.publish_plan(shared(Period::Day, DividendWeight::ByRank(vec![1, 2, 3])));
    let mut terms = pooling(plan);
    let amounts = 3 * i64::try_from(leaders).unwrap();
    terms.group.price = Money(100_000_000);
    let Program::Dividend(dividend) = &mut terms.rewards[0].program else {
        panic!("the first fills the pool")
    };
    dividend.base = Base::Fixed(Money(amounts));
    dividend.rate = Rate(RATE_ONE_PPM);
    let offer = shop.publish(terms);
    for _ in 0..leaders {
        let member = shop.member(None);
        shop.must(Command::SetRank {
            member,
            plan,
            rank: Some(2),
        });
    }
    let members = [shop.member(None), shop.member(None)];
    shop.buy(offer, members);
    shop.clock = shop.closes_at(plan).unwrap();
    let before = shop.records.len();
    let mut steps = 0;
    while let Some((_, due)) = shop.world.due_timer(shop.clock) {
        shop.must(Command::Tick(due));
        steps += 1;
        // Killed here: what comes next is decided from the journal alone.
        let mut again = World::default();
        for record in &shop.records {
            again.apply(record);
        }
        assert!(again.to_snapshot() == shop.world.to_snapshot());
        shop.world = if steps == 1 {
            again
        } else {
            World::from_snapshot(&again.to_snapshot()).unwrap()
        };
        assert_eq!(shop.world.violations(), Vec::<String>::new());
        if steps == 1 {
            let member = MemberId(u32::try_from(leaders).unwrap() - 1);
            shop.must(Command::FreezeMember { member });
            let member = MemberId(member.0 - 1);
            let rank = Some(0);
            shop.must(Command::SetRank { member, plan, rank });
            shop.buy(offer, members);
            let unpaid = shop.pool(plan).1;
            assert_eq!(
                shop.pool(plan),
                (2 * amounts, unpaid),
                "the next pool is filled apart"
            );
        }
    }
    assert_eq!(steps, 3);
    let closes = shop.closes();
    let [(pool, weight, count, paid)] = closes.as_slice() else {
        panic!("one close: {}", closes.len())
    };
    assert_eq!((*pool, *weight), (2 * amounts, 2 * leaders as u128));
    assert_eq!(usize::try_from(*count).unwrap(), leaders);
    let everyone = (0..u32::try_from(leaders).unwrap()).map(|member| (member, 6));
    assert!(paid.iter().copied().eq(everyone), "each once, in order");
    let events = shop.records[before..]
        .iter()
        .flat_map(|record| &record.events);
    let parts: Vec<(usize, bool)> = events
        .filter_map(|event| match event {
            Event::DividendsPaid { shares, more, .. } => Some((shares.len(), *more)),
            _ => None,
        })
        .collect();
    assert_eq!(
        parts,
        [
            (MAX_DIVIDENDS_PAID, true),
            (MAX_DIVIDENDS_PAID, true),
            (5, false)
        ]
    );
    assert_eq!(shop.pool(plan), (2 * amounts, 0));
    assert_eq!(
        shop.closes_at(plan),
        Some(Period::Day.end_after(shop.clock)),
        "the next period's timer is not lost"
    );
    assert_eq!(
        shop.world.next_timer().map(|(at, _)| at),
        shop.closes_at(plan)
    );
    shop.check();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Buy(u8),
    Return(u8),
    Days(u8),
    Freeze(u8),
    Rank(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Buy),
        3 => any::<u8>().prop_map(Step::Return),
        4 => (1u8..12).prop_map(Step::Days),
        1 => any::<u8>().prop_map(Step::Freeze),
        1 => (any::<u8>(), 0u8..4).prop_map(|(member, rank)| Step::Rank(member, rank)),
    ]
}

/// Whoever is below `member`.
fn is_below(inviters: &BTreeMap<u32, Option<MemberId>>, member: u32, upper: u32) -> bool {
    let mut at = inviters[&member];
    while let Some(above) = at {
        if above.0 == upper {
            return true;
        }
        at = inviters[&above.0];
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// What went into a pool is what was paid out of it, what returns took, and what is in it; and the shares of each close
    /// are those of a count by hand.
    #[test]
    fn a_pools_fen_are_all_accounted_for(
        steps in prop::collection::vec(step(), 5..60),
        above in prop::collection::vec(any::<u8>(), 9),
        period in prop::sample::select(vec![Period::Day, Period::Week, Period::Month]),
        by_rank in any::<bool>(),
        to_pool in any::<bool>(),
    ) {
        let mut shop = Shop::new();
        let weight = if by_rank { DividendWeight::ByRank(vec![1, 0, 7]) } else { DividendWeight::TeamSales };
        let plan = shop.publish_plan(shared(period, weight));
        let mut terms = pooling(plan);
        if to_pool {
            terms.leftover = Leftover::Dividend;
        }
        let offer = shop.publish(terms);
        let mut inviters = BTreeMap::new();
        for (at, above) in (0u8..).zip(above) {
            let inviter = (above % 3 != 0 && at != 0).then(|| MemberId(u32::from(above % at)));
            inviters.insert(shop.member(inviter).0, inviter);
        }
        let mut orders: Vec<OrderId> = Vec::new();
        for step in steps {
            let of = |number: u8| MemberId(u32::from(number % 9));
            match step {
                Step::Buy(number) => {
                    let buyers = [of(number), of(number.wrapping_add(1))];
                    if !buyers.iter().any(|&buyer| shop.world.member(buyer).unwrap().frozen) {
                        let (_, settled) = shop.buy(offer, buyers);
                        orders.extend(shop.hand_over(&settled));
                    }
                }
                Step::Return(number) => {
                    if let Some(&order) = orders.get(usize::from(number) % orders.len().max(1))
                        && shop.world.order(order).is_some_and(|order| matches!(order.state, OrderState::Received { kept_at } if shop.clock < kept_at))
                    {
                        shop.give_back(order);
                    }
                }
                Step::Days(days) => shop.days(i64::from(days)),
                Step::Freeze(number) => {
                    let member = of(number);
                    let frozen = shop.world.member(member).unwrap().frozen;
                    shop.must(if frozen { Command::UnfreezeMember { member } } else { Command::FreezeMember { member } });
                }
                Step::Rank(number, rank) => {
                    shop.must(Command::SetRank { member: of(number), plan, rank: Some(u16::from(rank)) });
                }
            }
        }
        let (mut put_in, mut out) = (0, 0);
        let mut kept: Vec<(u32, i64)> = Vec::new();
        let mut world = World::default();
        for record in &shop.records {
            for event in &record.events {
                match event {
                    Event::GroupSettled(settled) => put_in += settled.pooled.as_ref().map_or(0, |pooled| pooled.amount.0),
                    Event::OrderKept { order } => kept.push((world.order(*order).unwrap().member.0, 10_000)),
                    Event::OrderReturned { reversed, pool, .. } => {
                        if let Some(pool) = pool {
                            out += pool.taken.0;
                            if pool.reversed_in {
                                put_in += reversed.iter().map(|reversed| reversed.amount.0).sum::<i64>();
                            }
                        }
                        prop_assert_eq!(to_pool && reversed.iter().any(|reversed| 0 < reversed.amount.0), pool.is_some_and(|pool| pool.reversed_in));
                    }
                    Event::DividendClosed { pool, weight, members, .. } => {
                        prop_assert_eq!(put_in - out, pool.0);
                        let mut hand = Vec::new();
                        for &member in inviters.keys() {
                            let view = world.member(MemberId(member)).unwrap();
                            let rank = world.rank(plan, MemberId(member));
                            let sales: i64 = kept.iter().filter(|(buyer, _)| is_below(&inviters, *buyer, member)).map(|(_, price)| price).sum();
                            let weighs = if by_rank { [0, 1, 0, 7][usize::from(rank)] } else { u64::try_from(sales).unwrap() };
                            if 1 <= rank && !view.frozen && 0 < weighs && 0 < pool.0 {
                                hand.push((MemberId(member), weighs));
                            }
                        }
                        prop_assert_eq!((*weight, *members), (total_weight(&hand), u32::try_from(hand.len()).unwrap()));
                        kept.clear();
                    }
                    Event::DividendsPaid { shares, .. } => out += shares.iter().map(|share| share.amount.0).sum::<i64>(),
                    _ => {}
                }
            }
            world.apply(record);
        }
        let (current, unpaid) = shop.pool(plan);
        prop_assert_eq!((put_in - out, unpaid), (current, 0));
        shop.check();
    }
}
