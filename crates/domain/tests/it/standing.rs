//! Plans, ranks, regions, agents and freezing (rules 3.2 to 3.7 and 7).

use std::collections::BTreeMap;

use domain::{
    rewards::{
        Base, Differential, Generation, Limit, Program, Region as Regional, Reward, SameLevel,
        Source, walk_of,
    },
    *,
};
use proptest::prelude::*;

use crate::shop::{Shop, campaign};

pub(crate) const DAY_S: i64 = 86_400;

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

/// Ranks that small histories reach: 1 from a fen of team sales on.
pub(crate) fn low_plan() -> PlanTerms {
    let rank = |invitees, fen| RankRule {
        invitees,
        team_sales: Money(fen),
    };
    PlanTerms {
        vip: VipRule::KeptSales(vec![Money(10_000), Money(30_000)]),
        ranks: vec![rank(0, 1), rank(1, 30_000), rank(2, 60_000)],
        leader_rank: 2,
        dividend: DividendTerms::default(),
    }
}

fn reward(program: Program) -> Reward {
    let limit = Limit::None;
    Reward { program, limit }
}

/// Two buy at 100.00 each, nothing is drawn, and everybody who can be paid is.
pub(crate) fn sale(plan: u32, first_rate: u32) -> Campaign {
    let mut terms = campaign(10_000, 2, 2, 2_000);
    terms.kind = Kind::EveryoneBuys;
    terms.plan = plan;
    let (source, base) = (Source::All, Base::Price);
    terms.rewards = vec![
        reward(Program::Differential(Differential {
            source,
            base,
            rates_by_rank: [0, 20_000, 50_000, 60_000]
                .map(|rate| Rate(rate + first_rate))
                .to_vec(),
        })),
        reward(Program::SameLevel(SameLevel {
            rate: Rate(10_000),
            at_most: 2,
        })),
        reward(Program::Region(Regional {
            source,
            base,
            county: Rate(10_000),
            city: Rate(5_000),
            province: Rate(2_000),
        })),
        reward(Program::Generation(Generation {
            source,
            base,
            rates: vec![Rate(1_000); 2],
            vip_depth: Some(vec![0, 1, 2]),
        })),
    ];
    terms
}

impl Shop {
    /// Both buy; the sealed seats and the settlement.
    pub(crate) fn buy(
        &mut self,
        campaign: CampaignId,
        buyers: [MemberId; 2],
    ) -> (Vec<FilledSeat>, GroupSettled) {
        let group = self.open(campaign, buyers[0]);
        self.seat(group, buyers[1]);
        let events = &self.records.last().unwrap().events;
        let seats = events.iter().find_map(|event| match event {
            Event::GroupFilled { seats, .. } => Some(seats.clone()),
            _ => None,
        });
        let settled = events.iter().find_map(|event| match event {
            Event::GroupSettled(settled) => Some((**settled).clone()),
            _ => None,
        });
        (seats.unwrap(), settled.unwrap())
    }

    pub(crate) fn keep_all(&mut self) {
        let opened = self.records.iter().flat_map(|record| &record.events);
        let bought = opened.filter(|event| matches!(event, Event::GroupSettled(_)));
        for order in (0..2 * bought.count() as u64).map(OrderId) {
            let _gone_or_shipped = self.try_do(Command::ShipOrder { order });
        }
        self.wait(23 * DAY_S);
        self.tick();
    }

    /// All that is due.
    pub(crate) fn tick(&mut self) {
        while let Some((_, due)) = self.world.due_timer(self.clock) {
            self.must(Command::Tick(due));
        }
    }

    fn set_rank(&mut self, member: MemberId, plan: u32, rank: Option<u16>) -> Answer {
        self.must(Command::SetRank { member, plan, rank })
    }

    pub(crate) fn publish_plan(&mut self, terms: PlanTerms) -> u32 {
        self.must(Command::PublishPlan {
            terms: Box::new(terms),
        });
        self.world.newest_plan()
    }

    fn counted(&self) -> Option<(Vec<(u32, u16)>, bool)> {
        let events = self.records.iter().flat_map(|record| &record.events);
        let mut counted = events.filter_map(|event| match event {
            Event::RanksCounted { risen, more } => Some((
                risen
                    .iter()
                    .map(|risen| (risen.member.0, risen.rank))
                    .collect(),
                *more,
            )),
            _ => None,
        });
        counted.next_back()
    }
}

#[test]
fn ranks_are_counted_at_midnight_from_what_was_kept() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let top = shop.member(None);
    let middle = shop.member(Some(top));
    let buyers = [shop.member(Some(middle)), shop.member(Some(middle))];
    let (seats, settled) = shop.buy(sale, buyers);
    // Nobody has a rank yet, and nobody was asked for one.
    assert!(
        seats
            .iter()
            .all(|seat| seat.walk.is_empty() && seat.uplines.len() == 2)
    );
    assert_eq!(settled.rewards, []);
    for order in [0, 1].map(OrderId) {
        shop.must(Command::ShipOrder { order });
        let member = buyers[usize::try_from(order.0).unwrap()];
        shop.must(Command::ReceiveOrder { order, member });
    }
    shop.wait(7 * DAY_S - 1);
    shop.tick();
    assert_eq!(
        shop.world.member(middle).unwrap().invitees_kept,
        Money::ZERO
    );
    shop.wait(1);
    shop.tick();
    let kept = shop.world.member(middle).unwrap();
    assert_eq!(
        (kept.invitees_kept, kept.kept),
        (Money(20_000), Money::ZERO)
    );
    assert_eq!(
        (kept.vip, kept.rank),
        (1, 0),
        "sales count at once, ranks at midnight"
    );
    assert_eq!(
        shop.world.team_sales()[..3],
        [Money(20_000), Money(20_000), Money(0)]
    );
    let (at, due) = shop.world.next_timer().unwrap();
    assert_eq!((due, at), (Due::Day, shop.clock.next_midnight()));
    shop.must(Command::Tick(Due::Day));
    assert_eq!(shop.counted(), None, "before midnight nothing is counted");
    shop.clock = at;
    shop.tick();
    assert_eq!(shop.counted(), Some((vec![(0, 1), (1, 1)], false)));
    assert_eq!(
        shop.world.next_timer(),
        None,
        "while nothing changes nothing is counted"
    );
    assert_eq!(shop.world.rank(plan, middle), 1);
    assert_eq!(shop.world.rank(1, middle), 0);
    // Now both uplines are ranked: the nearer gets the difference, the other is at his level.
    let (seats, settled) = shop.buy(sale, buyers);
    let walk: Vec<(u32, u16)> = seats[0]
        .walk
        .iter()
        .map(|up| (up.member.0, up.rank))
        .collect();
    assert_eq!(walk, [(1, 1), (0, 1)]);
    let paid = |kind| -> Vec<(u32, i64)> {
        let rewards = settled.rewards.iter().filter(|paid| paid.program == kind);
        rewards.map(|paid| (paid.member.0, paid.cash.0)).collect()
    };
    assert_eq!(paid(ProgramKind::Differential), [(1, 200), (1, 200)]);
    assert_eq!(paid(ProgramKind::SameLevel), [(0, 100), (0, 100)]);
    // VIP 1 by kept sales: the first generation only.
    assert_eq!(paid(ProgramKind::Generation), [(1, 10), (1, 10)]);
    shop.check();
}

#[test]
fn a_new_plan_is_counted_at_once_and_old_campaigns_keep_theirs() {
    let mut shop = Shop::new();
    let old = shop.publish(sale(1, 0));
    let unknown = Box::new(sale(2, 0));
    assert_eq!(
        shop.try_do(Command::PublishCampaign { campaign: unknown }),
        Err(Refusal::UnknownPlan { plan: 2 })
    );
    let top = shop.member(None);
    let buyers = [shop.member(Some(top)), shop.member(Some(top))];
    shop.buy(old, buyers);
    shop.keep_all();
    shop.wait(DAY_S);
    shop.tick();
    assert_eq!(shop.counted(), Some((vec![], false)));
    assert_eq!(shop.publish_plan(low_plan()), 2);
    assert_eq!(shop.world.member(top).unwrap().rank, 0);
    shop.tick();
    assert_eq!(shop.counted(), Some((vec![(0, 1)], false)));
    assert_eq!(shop.world.member(top).unwrap().rank, 1);
    let newer = shop.publish(sale(2, 0));
    assert_eq!(shop.buy(old, buyers).0[0].walk, []);
    assert_eq!(shop.buy(newer, buyers).0[0].walk.len(), 1);
    // Two active invitees are VIP 1 by plan 1; kept sales of 200.00 are VIP 1 by plan 2.
    assert_eq!(shop.buy(old, buyers).0[0].uplines[0].vip, 1);
    let mut wrong = low_plan();
    wrong.ranks.clear();
    let terms = Box::new(wrong);
    assert_eq!(
        shop.try_do(Command::PublishPlan { terms })
            .unwrap_err()
            .code(),
        "plan_invalid"
    );
    shop.check();
}

/// Rules 11: the cautious profile allows VIP levels by what was kept, and not by heads.
#[test]
fn the_cautious_profile_asks_for_a_plan_by_kept_sales() {
    let mut shop = Shop::new();
    let mut by_heads = PlanTerms::first().clone();
    by_heads.leader_rank = 1;
    assert_eq!(
        (shop.publish_plan(by_heads), shop.publish_plan(low_plan())),
        (2, 3)
    );
    for (plan, depth, code) in [
        (1, true, "profile_forbids"),
        (2, true, "profile_forbids"),
        (3, true, "published"),
        (1, false, "published"),
    ] {
        let mut terms = sale(plan, 0);
        terms.profile = Profile::CnDefault;
        terms.rewards.drain(..3);
        let Program::Generation(program) = &mut terms.rewards[0].program else {
            panic!("the last is a generation reward")
        };
        program.rates.truncate(1);
        program.vip_depth = depth.then(|| vec![0, 1]);
        let campaign = Box::new(terms);
        let answer = shop.try_do(Command::PublishCampaign { campaign });
        let told = answer.map_or_else(|refusal| refusal.code(), |_| "published");
        assert_eq!(told, code, "plan {plan}");
    }
}

#[test]
fn an_operators_rank_stands_until_he_has_it_counted_again() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let top = shop.member(None);
    let buyers = [shop.member(Some(top)), shop.member(Some(top))];
    let set = |member, plan, rank| Command::SetRank {
        member,
        plan,
        rank: Some(rank),
    };
    for (command, code) in [
        (set(MemberId(99), plan, 1), "member_unknown"),
        (set(top, 3, 1), "plan_unknown"),
        (set(top, plan, 4), "rank_unknown"),
    ] {
        assert_eq!(shop.try_do(command).unwrap_err().code(), code);
    }
    shop.set_rank(top, plan, Some(3));
    let before = shop.records.len();
    assert_eq!(shop.set_rank(top, plan, Some(3)), Answer::Done);
    assert_eq!(shop.records.len(), before, "the same again changes nothing");
    assert_eq!(shop.buy(sale, buyers).0[1].walk[0].rank, 3);
    shop.keep_all();
    shop.set_rank(top, plan, Some(0));
    shop.wait(DAY_S);
    shop.tick();
    assert_eq!(
        shop.counted(),
        Some((vec![], false)),
        "set to 0, he does not rise"
    );
    assert_eq!(shop.buy(sale, buyers).0[1].walk, []);
    shop.set_rank(top, plan, None);
    shop.wait(DAY_S);
    shop.tick();
    assert_eq!(shop.counted(), Some((vec![(0, 1)], false)));
    shop.check();
}

#[test]
fn a_region_stands_for_ninety_days() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let declare = |code| Command::DeclareRegion {
        member,
        region: region(code),
    };
    for code in ["330000", "330100", "330199", "999999"] {
        let refused = shop.try_do(declare(code)).unwrap_err();
        assert_eq!(refused, Refusal::UnknownRegion(region(code)));
    }
    let other = Request {
        actor: Actor::Member(MemberId(7)),
        key: None,
        command: declare("330106"),
    };
    assert_eq!(shop.request(&other).unwrap_err().code(), "not_yourself");
    shop.must(declare("330106"));
    let from = shop.clock.after(REGION_STANDS);
    let view = shop.world.member(member).unwrap();
    assert_eq!(
        (view.region, view.region_until),
        (Some(region("330106")), Some(from))
    );
    assert_eq!(shop.must(declare("330106")), Answer::Done);
    shop.wait(90 * DAY_S - 1);
    let refused = shop.try_do(declare("441900")).unwrap_err();
    assert_eq!(refused, Refusal::RegionStands { from });
    assert_eq!(
        refused.to_string(),
        format!("the region can be changed only from {} on", from.to_date())
    );
    shop.wait(1);
    // A city without counties.
    shop.must(declare("441900"));
    assert_eq!(
        shop.world.member(member).unwrap().region,
        Some(region("441900"))
    );
    shop.check();
}

#[test]
fn agents_are_one_each_and_are_paid_for_their_buyers() {
    let mut shop = Shop::new();
    let sale = shop.publish(sale(1, 0));
    let agents = shop.members(3);
    let buyers = [shop.member(None), shop.member(None)];
    let appoint = |code, member| Command::AppointAgent {
        region: region(code),
        member,
    };
    shop.must(appoint("330106", agents[0]));
    shop.must(appoint("330000", agents[2]));
    assert_eq!(shop.must(appoint("330000", agents[2])), Answer::Done);
    assert_eq!(
        shop.try_do(appoint("330106", agents[1])),
        Err(Refusal::RegionHasAgent(region("330106")))
    );
    assert_eq!(
        shop.try_do(appoint("331199", agents[1]))
            .unwrap_err()
            .code(),
        "region_unknown"
    );
    assert_eq!(
        shop.try_do(appoint("330100", MemberId(99)))
            .unwrap_err()
            .code(),
        "member_unknown"
    );
    let dismiss = |code| Command::DismissAgent {
        region: region(code),
    };
    assert_eq!(
        shop.try_do(dismiss("330100")),
        Err(Refusal::RegionVacant(region("330100")))
    );
    shop.must(Command::DeclareRegion {
        member: buyers[0],
        region: region("330106"),
    });
    let paid = |settled: &GroupSettled| -> Vec<(u32, Option<u32>, i64)> {
        let rewards = settled.rewards.iter();
        rewards
            .map(|paid| (paid.member.0, paid.source_seat, paid.cash.0))
            .collect()
    };
    // The city is vacant, and the other buyer has no region: their shares stay.
    let (_, settled) = shop.buy(sale, buyers);
    assert_eq!(paid(&settled), [(0, Some(0), 100), (2, Some(0), 20)]);
    shop.must(dismiss("330106"));
    shop.must(appoint("330106", agents[1]));
    shop.must(Command::FreezeMember { member: agents[2] });
    let (seats, settled) = shop.buy(sale, buyers);
    assert_eq!(
        seats[0].agents.province,
        Some(Agent {
            member: agents[2],
            frozen: true
        })
    );
    assert_eq!(paid(&settled), [(1, Some(0), 100)]);
    shop.check();
}

#[test]
fn a_frozen_member_begins_nothing_and_counts_without_being_paid() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let wide = shop.publish(campaign(1_000, 3, 1, 100));
    let top = shop.member(None);
    let frozen = shop.member(Some(top));
    let buyers = [shop.member(Some(frozen)), shop.member(Some(frozen))];
    shop.set_rank(frozen, plan, Some(1));
    shop.set_rank(top, plan, Some(2));
    // He is in an open group, has a reservation in another, and a lapsed one in a third.
    let inside = shop.open(wide, buyers[0]);
    shop.seat(inside, frozen);
    let third = shop.open(wide, buyers[0]);
    let lapsed = shop.join(third, frozen).unwrap();
    shop.wait(400);
    let other = shop.open(wide, buyers[0]);
    let reserved = shop.join(other, frozen).unwrap();
    shop.must(Command::FreezeMember { member: frozen });
    let before = shop.records.len();
    assert_eq!(
        shop.must(Command::FreezeMember { member: frozen }),
        Answer::Done
    );
    assert_eq!(shop.records.len(), before);
    let refusal = Refusal::MemberFrozen(frozen);
    let open = Command::OpenGroup {
        campaign: wide,
        member: frozen,
        via: None,
    };
    assert_eq!(shop.try_do(open), Err(refusal.clone()));
    let free = shop.open(wide, buyers[0]);
    assert_eq!(shop.join(free, frozen), Err(refusal));
    // What he pays for a place he holds is taken; for one that has lapsed it goes back.
    assert_eq!(shop.pay(reserved), PaymentAnswer::Seated(reserved));
    assert!(matches!(
        shop.pay(lapsed),
        PaymentAnswer::Bounced {
            reason: Bounce::MemberFrozen,
            ..
        }
    ));
    let paid = Command::JoinPaid {
        group: free,
        member: frozen,
        via: None,
        txn: shop.txn("gateway"),
        amount: Money(1_000),
        tag: crate::shop::tag(free, frozen),
    };
    assert!(matches!(
        shop.must(paid),
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::MemberFrozen,
            ..
        })
    ));
    // His money in open groups stays, and he can leave.
    shop.must(Command::LeaveGroup {
        group: inside,
        member: frozen,
    });
    let (seats, settled) = shop.buy(sale, buyers);
    assert!(seats[0].walk[0].frozen && seats[0].uplines[0].frozen);
    let kinds: Vec<(u32, i64)> = settled
        .rewards
        .iter()
        .filter(|paid| paid.program == ProgramKind::Differential)
        .map(|paid| (paid.member.0, paid.cash.0))
        .collect();
    assert_eq!(
        kinds,
        [(0, 300), (0, 300)],
        "5 % less the 2 % of the frozen one"
    );
    shop.must(Command::UnfreezeMember { member: frozen });
    assert_eq!(
        shop.must(Command::UnfreezeMember { member: frozen }),
        Answer::Done
    );
    shop.join(free, frozen).unwrap();
    shop.check();
}

/// Uplines looked up by the wrong id: each seat has those of its own member, neither of the seat of the same number nor of
/// the leader, the group or whose link was used.
#[test]
fn uplines_are_those_of_the_seats_own_member() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    // Members 0 and 1 have the numbers of the seats, and inviters of their own.
    let first = shop.member(None);
    let second = shop.member(Some(first));
    let far = shop.member(Some(second));
    let [left, right] = [shop.member(Some(far)), shop.member(None)];
    let buyers = [shop.member(Some(right)), shop.member(Some(left))];
    for _ in 0..2 {
        let (seats, _) = shop.buy(sale, buyers);
        let uplines = |seat: &FilledSeat| -> Vec<MemberId> {
            seat.uplines.iter().map(|up| up.member).collect()
        };
        assert_eq!(seats[0].member, buyers[0]);
        assert_eq!(uplines(&seats[0]), [right]);
        assert_eq!(uplines(&seats[1]), [left, far]);
    }
    shop.check();
}

/// Team sales assigned instead of summed: what is kept later is added to what was kept before, and of two below one upline
/// neither replaces the other.
#[test]
fn team_sales_are_summed_over_buyers_and_over_time() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let top = shop.member(None);
    let middle = shop.member(Some(top));
    let buyers = [shop.member(Some(middle)), shop.member(Some(top))];
    for (round, sums) in [
        (1, [20_000, 10_000]),
        (2, [40_000, 20_000]),
        (3, [60_000, 30_000]),
    ] {
        shop.buy(sale, buyers);
        shop.keep_all();
        let found = &shop.world.team_sales()[..2];
        assert_eq!(found, sums.map(Money), "round {round}");
    }
    shop.check();
}

/// What a full group has read stands, whatever happens before its draw (rules 3.6).
#[test]
fn what_was_read_at_the_fill_is_paid() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let mut terms = sale(plan, 0);
    (terms.kind, terms.group.winners) = (Kind::Draw, 1);
    terms.rewards.truncate(1);
    let sale = shop.publish(terms);
    let top = shop.member(None);
    let buyers = [shop.member(Some(top)), shop.member(Some(top))];
    shop.set_rank(top, plan, Some(1));
    let group = shop.fill(sale, &buyers);
    shop.set_rank(top, plan, Some(3));
    shop.must(Command::FreezeMember { member: top });
    let settled = shop.settle(group);
    let paid: Vec<i64> = settled.rewards.iter().map(|paid| paid.cash.0).collect();
    assert_eq!(paid, [200, 200]);
    shop.check();
}

/// A hundred thousand uplines in one chain: counting their sales, finding the ways up and reading a walk take one pass or a
/// few steps. What took a pass for each of them would not end within any patience.
#[test]
fn a_chain_of_a_hundred_thousand_uplines_is_no_burden() {
    const LENGTH: u32 = 100_000;
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let mut last = shop.member(None);
    for _ in 1..LENGTH {
        last = shop.member(Some(last));
    }
    shop.set_rank(MemberId(0), plan, Some(3));
    let pairs: Vec<[MemberId; 2]> = (0..200)
        .map(|_| [shop.member(Some(last)), shop.member(Some(last))])
        .collect();
    for &pair in &pairs {
        let (seats, _) = shop.buy(sale, pair);
        assert_eq!(seats[1].walk.len(), 1);
    }
    shop.keep_all();
    shop.wait(DAY_S);
    shop.tick();
    let (risen, more) = shop.counted().unwrap();
    // All but the top, whose rank is set, and the last with his many invitees by plan 1, too: as many as one event tells.
    assert_eq!((risen.len(), more), (100_000, false));
    assert_eq!(shop.world.rank(1, last), 1);
    assert_eq!(shop.world.rank(plan, last), 3);
    assert_eq!(shop.world.rank(plan, MemberId(1)), 1);
    let restored = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(restored.rank(plan, last), 3);
    let (seats, _) = shop.buy(sale, pairs[0]);
    assert_eq!(seats[1].walk[0].member, last);
}

/// More rise than one event tells: the rest follows at once.
#[test]
fn many_who_rise_are_told_in_several_events() {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let sale = shop.publish(sale(plan, 0));
    let mut last = shop.member(None);
    for _ in 0..MAX_RISEN + 4 {
        last = shop.member(Some(last));
    }
    let buyer = shop.member(None);
    shop.buy(sale, [last, buyer]);
    shop.keep_all();
    shop.wait(DAY_S);
    let (_, due) = shop.world.due_timer(shop.clock).unwrap();
    shop.must(Command::Tick(due));
    assert_eq!(
        shop.counted().map(|(risen, more)| (risen.len(), more)),
        Some((MAX_RISEN, true))
    );
    shop.tick();
    assert_eq!(
        shop.counted().map(|(risen, more)| (risen.len(), more)),
        Some((4, false))
    );
    assert_eq!(shop.world.next_timer(), None);
}

#[derive(Clone, Debug)]
enum Step {
    Register(Option<u8>),
    /// Opens a group through somebody's link and leaves it: binds an inviter.
    Link(u8, u8),
    Buy(u8, u8, bool),
    Keep,
    Midnight,
    SetRank(u8, Option<u8>),
    Freeze(u8),
    Unfreeze(u8),
    Declare(u8, u8),
    Send(u8, u8),
    Remove(u8),
    Appoint(u8, u8),
    Dismiss(u8),
    Plan(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let flag = any::<bool>;
    let any = any::<u8>;
    prop_oneof![
        4 => prop::option::of(any()).prop_map(Step::Register),
        3 => (any(), any()).prop_map(|(who, via)| Step::Link(who, via)),
        8 => (any(), any(), flag()).prop_map(|(one, two, wide)| Step::Buy(one, two, wide)),
        2 => Just(Step::Keep),
        2 => Just(Step::Midnight),
        1 => (any(), prop::option::of(0u8..4)).prop_map(|(who, rank)| Step::SetRank(who, rank)),
        1 => any().prop_map(Step::Freeze),
        1 => any().prop_map(Step::Unfreeze),
        2 => (any(), any()).prop_map(|(who, place)| Step::Declare(who, place)),
        2 => (any(), any()).prop_map(|(who, place)| Step::Send(who, place)),
        1 => any().prop_map(Step::Remove),
        1 => (any(), any()).prop_map(|(place, who)| Step::Appoint(place, who)),
        1 => any().prop_map(Step::Dismiss),
        1 => (0u8..10).prop_map(Step::Plan),
    ]
}

const PLACES: [&str; 6] = ["330106", "330105", "330100", "330000", "110101", "441900"];

/// Everything told again slowly: by asking every upline of everybody, each time.
#[derive(Default)]
struct Slow {
    inviter: BTreeMap<u32, u32>,
    kept: BTreeMap<u32, i64>,
    /// By plan and member; the flag says that an operator has set it.
    ranks: BTreeMap<(u32, u32), (u16, bool)>,
    plans: Vec<PlanTerms>,
    price_of: BTreeMap<u64, (u32, i64)>,
    settled: std::collections::BTreeSet<u32>,
}

impl Slow {
    fn chain(&self, member: u32) -> Vec<u32> {
        std::iter::successors(self.inviter.get(&member).copied(), |up| {
            self.inviter.get(up).copied()
        })
        .collect()
    }

    fn rank(&self, plan: u32, member: u32) -> u16 {
        self.ranks.get(&(plan, member)).map_or(0, |rank| rank.0)
    }

    fn counted(&self, plan: &PlanTerms, member: u32) -> u16 {
        let below = self
            .kept
            .iter()
            .filter(|(who, _)| self.chain(**who).contains(&member));
        let sales: i64 = below.map(|(_, kept)| kept).sum();
        let invitees = self
            .settled
            .iter()
            .filter(|who| self.inviter.get(who) == Some(&member));
        let invitees = u32::try_from(invitees.count()).unwrap();
        let met = |rule: &RankRule| rule.invitees <= invitees && rule.team_sales.0 <= sales;
        u16::try_from(plan.ranks.iter().filter(|rule| met(rule)).count()).unwrap()
    }

    /// Hears one record, and checks what can be checked of it.
    fn hear(&mut self, world: &World, events: &[Event]) {
        for event in events {
            match event {
                Event::MemberRegistered {
                    member,
                    inviter: Some(inviter),
                    ..
                }
                | Event::InviterBound { member, inviter } => {
                    self.inviter.insert(member.0, inviter.0);
                }
                Event::PlanPublished { terms, .. } => self.plans.push((**terms).clone()),
                Event::GroupSettled(settled) => {
                    self.settled
                        .extend(settled.seats.iter().map(|seat| seat.member.0));
                    for (order, (_, seat)) in (settled.first_order.0..).zip(settled.buyers()) {
                        self.price_of
                            .insert(order, (seat.member.0, settled.price.0));
                    }
                }
                Event::OrderKept { order } => {
                    let (member, price) = self.price_of[&order.0];
                    *self.kept.entry(member).or_default() += price;
                }
                Event::RankSet { member, plan, rank } => {
                    let known = self.ranks.entry((*plan, member.0)).or_default();
                    *known = rank.map_or((known.0, false), |rank| (rank, true));
                }
                Event::RanksCounted { risen, more: false } => {
                    let mut expected = Vec::new();
                    for (plan, terms) in (1u32..).zip(&self.plans) {
                        for member in 0..world.members() {
                            let rank = self.counted(terms, member);
                            let (known, set) =
                                self.ranks.get(&(plan, member)).copied().unwrap_or_default();
                            if known < rank && !set {
                                let member = MemberId(member);
                                expected.push(Risen { plan, member, rank });
                            }
                        }
                    }
                    assert_eq!(*risen, expected);
                    for risen in risen {
                        self.ranks
                            .insert((risen.plan, risen.member.0), (risen.rank, false));
                    }
                }
                Event::GroupFilled { group, seats, .. } => {
                    let terms = &world.campaign_of(*group).unwrap().terms;
                    for seat in seats {
                        let all = self.chain(seat.member.0).into_iter().map(|up| Upline {
                            member: MemberId(up),
                            vip: 0,
                            rank: self.rank(terms.plan, up),
                            frozen: world.member(MemberId(up)).unwrap().frozen,
                        });
                        let mut walk = seat.walk.clone();
                        walk.iter_mut().for_each(|up| up.vip = 0);
                        assert_eq!(walk, walk_of(terms, all), "member {}", seat.member);
                        let place = world.member(seat.member).unwrap().region;
                        let agent =
                            |region: Option<Region>| region.and_then(|region| world.agent(region));
                        let agents = [seat.agents.county, seat.agents.city, seat.agents.province];
                        assert_eq!(
                            agents.map(|agent| agent.map(|agent| agent.member)),
                            [
                                agent(place.and_then(Region::county)),
                                agent(place.and_then(Region::city)),
                                agent(place.map(Region::province)),
                            ]
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

fn run(shop: &mut Shop, sales: &[CampaignId], step: &Step) {
    let count = shop.world.members();
    let pick = |number: u8| MemberId(u32::from(number) % count);
    let place = |number: u8| region(PLACES[usize::from(number) % PLACES.len()]);
    let command = match *step {
        Step::Register(inviter) => {
            shop.member(inviter.map(pick));
            return;
        }
        Step::Link(who, via) => Command::OpenGroup {
            campaign: sales[0],
            member: pick(who),
            via: Some(pick(via)),
        },
        Step::Buy(one, two, wide) => {
            let (one, two) = (pick(one), pick(two));
            let campaign = sales[usize::from(wide)];
            let frozen = |member| shop.world.member(member).unwrap().frozen;
            if one == two || frozen(one) || frozen(two) {
                return;
            }
            let group = shop.open(campaign, one);
            shop.seat(group, two);
            return;
        }
        Step::Keep => return shop.keep_all(),
        Step::Midnight => {
            shop.wait(DAY_S);
            return shop.tick();
        }
        Step::SetRank(who, rank) => Command::SetRank {
            member: pick(who),
            plan: 2,
            rank: rank.map(u16::from),
        },
        Step::Freeze(who) => Command::FreezeMember { member: pick(who) },
        Step::Unfreeze(who) => Command::UnfreezeMember { member: pick(who) },
        Step::Declare(who, at) => Command::DeclareRegion {
            member: pick(who),
            region: place(at),
        },
        Step::Send(who, at) => Command::Delivery(DeliveryCommand::Set {
            member: pick(who),
            region: place(at),
        }),
        Step::Remove(who) => Command::Delivery(DeliveryCommand::Remove { member: pick(who) }),
        Step::Appoint(at, who) => Command::AppointAgent {
            region: place(at),
            member: pick(who),
        },
        Step::Dismiss(at) => Command::DismissAgent { region: place(at) },
        Step::Plan(0) => {
            let mut terms = low_plan();
            terms.ranks.truncate(2);
            Command::PublishPlan {
                terms: Box::new(terms),
            }
        }
        Step::Plan(_) => return,
    };
    let _refused = shop.try_do(command);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Ranks are what a count by hand gives, walks and agents what asking every upline gives, and a replay reaches the same.
    #[test]
    fn ranks_walks_and_agents_are_those_of_a_slow_count(steps in prop::collection::vec(step(), 20..160)) {
        let mut shop = Shop::new();
        shop.members(3);
        let plan = shop.publish_plan(low_plan());
        let sales = [shop.publish(sale(plan, 0)), shop.publish(sale(plan, 5_000))];
        let mut slow = Slow { plans: vec![PlanTerms::first().clone()], ..Slow::default() };
        let mut heard = 0;
        for step in &steps {
            run(&mut shop, &sales, step);
            while heard < shop.records.len() {
                let events = shop.records[heard].events.clone();
                slow.hear(&shop.world, &events);
                heard += 1;
            }
            for member in 0..shop.world.members() {
                prop_assert_eq!(shop.world.rank(plan, MemberId(member)), slow.rank(plan, member));
            }
        }
        shop.check();
    }
}
