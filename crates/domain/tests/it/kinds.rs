//! Campaign kinds, leaders, merchants and the programs of ranks, regions and pools on paper: to the fen (rules 4, 6, 7, 8).

use domain::{
    rewards::{
        Base, Differential, Dividend, Limit, Program, Region as RegionProgram, Reward, SameLevel,
        Source, walk_of,
    },
    *,
};

use crate::shop::{campaign, consolation};

fn of_kind(kind: Kind, price: i64, (seats, winners): (u32, u32), cost: i64) -> Campaign {
    let mut terms = campaign(price, seats, winners, cost);
    terms.kind = kind;
    if kind == Kind::BonusDraw {
        terms.prize = Some(Prize {
            title: terms.name.clone(),
            cost: Money(5_000),
        });
    }
    if kind == Kind::Treat {
        terms.product.fulfilment = Fulfilment::AtTable;
        terms.merchant = Some(MerchantTerms {
            commission: Rate(100_000),
        });
    }
    terms
}

fn seat(index: u32) -> FilledSeat {
    FilledSeat {
        index,
        member: MemberId(index),
        via: None,
        uplines: Vec::new(),
        walk: Vec::new(),
        agents: Agents::default(),
        home_store: None,
    }
}

fn seats(terms: &Campaign) -> Vec<FilledSeat> {
    (0..terms.group.seats).map(seat).collect()
}

/// Uplines of these ranks, numbered from 100 up.
fn ranked(ranks: &[u16]) -> Vec<Upline> {
    let upline = |(member, &rank)| Upline {
        member: MemberId(member),
        vip: 0,
        rank,
        frozen: false,
    };
    (100u32..).zip(ranks).map(upline).collect()
}

/// Refunds, members' and pools' cash, origin shares, supplier, fees, merchant and platform.
fn waterfall(terms: &Campaign, seats: &[FilledSeat], winners: &[u32]) -> [i64; 6] {
    terms.check().unwrap();
    let settled = settle(terms, seats, winners).unwrap();
    let parts = [
        settled.refunds(terms).unwrap().0,
        settled.rewards_cash().unwrap().0,
        settled.supplier(terms).unwrap().0,
        settled.fees(terms).unwrap().0,
        settled.merchant(terms).unwrap().0,
        settled.platform(terms).unwrap().0,
    ];
    let count = u32::try_from(winners.len()).unwrap();
    let paid_in = terms.group.price.times(terms.case(count).payments());
    assert_eq!(parts.iter().sum::<i64>(), paid_in.unwrap().0);
    parts
}

#[test]
fn e3_a_treat_to_the_fen() {
    let mut terms = of_kind(Kind::Treat, 30_000, (5, 1), 0);
    terms.rewards = vec![consolation(500, 0)];
    let drawn = waterfall(&terms, &seats(&terms), &[3]);
    assert_eq!(drawn, [120_000, 2_000, 0, 0, 25_000, 3_000]);
    let lines = check_solvency(&terms).unwrap();
    assert_eq!(
        (lines.merchant, lines.platform),
        (Money(25_000), Money(3_000))
    );
    // A treat has no return.
    assert_eq!(lines.all_winners_return, lines.worst);
}

#[test]
fn where_everyone_buys_nobody_is_refunded() {
    let mut terms = of_kind(Kind::EveryoneBuys, 10_000, (4, 4), 6_000);
    terms.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: false,
    };
    let all: Vec<u32> = (0..4).collect();
    let drawn = waterfall(&terms, &seats(&terms), &all);
    assert_eq!(drawn, [0, 0, 24_000, 240, 0, 15_760]);

    let mut terms = of_kind(Kind::BonusDraw, 10_000, (4, 1), 6_000);
    terms.rewards = vec![consolation(100, 0)];
    let drawn = waterfall(&terms, &seats(&terms), &[2]);
    assert_eq!(drawn, [0, 300, 29_000, 0, 0, 10_700]);
    assert_eq!(solvency(&terms).unwrap().worst, Money(10_700));
    // The prize is in the gate.
    terms.rewards = Vec::new();
    terms.prize.as_mut().unwrap().cost = Money(16_001);
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!("it promises more than there is")
    };
    assert_eq!(shortfall.term, Term::Prizes);
    assert_eq!(shortfall.covered, Money(-1));
}

#[test]
fn a_ballot_holds_and_refunds_nothing() {
    let mut terms = of_kind(Kind::Ballot, 10_000, (10, 2), 7_000);
    terms.rewards = vec![consolation(0, 500)];
    let drawn = waterfall(&terms, &seats(&terms), &[4, 7]);
    assert_eq!(drawn, [0, 0, 14_000, 0, 0, 6_000]);
    let lines = solvency(&terms).unwrap();
    assert_eq!(lines.expires_with_fees, Money::ZERO);
    assert_eq!(lines.envelope.coins, Coins(4_000));
}

#[test]
fn a_ballot_must_carry_that_only_some_of_its_winners_buy() {
    let mut terms = of_kind(Kind::Ballot, 10_000, (20, 10), 9_500);
    // Each buyer leaves 5.00 and gets 10.00, in all 20.00 at most: ten leave 30.00, but two take 10.00 away.
    let bonus = Program::WinnerBonus(rewards::WinnerBonus {
        cash: Money(1_000),
        coins: Coins::ZERO,
    });
    with(&mut terms, vec![(bonus, Limit::Own(Money(2_000)))]);
    assert_eq!(solvency(&terms).unwrap().worst, Money(3_000));
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!("with few buyers it does not pay")
    };
    assert!(shortfall.solvency.winners < 10, "{shortfall:?}");
    assert!(shortfall.covered < Money::ZERO, "{shortfall:?}");
    terms.product.cost = Money(9_000);
    assert_eq!(check_solvency(&terms).unwrap().winners, 10);
}

#[test]
fn a_merchants_campaign_pays_commission_and_rewards_and_keeps_the_rest() {
    let mut terms = of_kind(Kind::Draw, 9_999, (10, 3), 5_000);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(125_000),
    });
    terms.origin_share = Some(Rate(50_000));
    terms.rewards = vec![consolation(100, 0)];
    let mut filled = seats(&terms);
    filled[1].home_store = Some(StoreId(7));
    filled[2].home_store = Some(StoreId(7));
    filled[5].home_store = Some(StoreId(8));
    // Commission floor(9 999 × 12.5 %) = 1 249 each; a home store gets floor(1 249 × 5 %) = 62 of it.
    let drawn = waterfall(&terms, &filled, &[0, 1, 5]);
    let (sales, commission, consolations) = (29_997, 3_747, 700);
    let merchant = sales - commission - consolations;
    assert_eq!(
        drawn,
        [69_993, consolations + 124, 0, 0, merchant, commission - 124]
    );
    let lines = solvency(&terms).unwrap();
    assert_eq!(lines.merchant, Money(merchant));
    assert_eq!(lines.platform, Money(commission - 3 * 62));
    assert_eq!(lines.worst, lines.merchant);
    // What the product costs is the merchant's own affair.
    assert_eq!(lines.supplier, Money::ZERO);
}

#[test]
fn the_gate_looks_at_every_number_of_winners_that_a_chance_allows() {
    let mut terms = of_kind(Kind::Draw, 1_000, (10, 4), 400);
    terms.group.chance = Some(Chance {
        p: Rate(200_000),
        min: 1,
    });
    // One winner leaves 600, and nine non-winners get 67 each: 3 short. With two it would be covered.
    terms.rewards = vec![consolation(67, 0)];
    let lines = solvency(&terms).unwrap();
    assert_eq!((lines.winners, lines.worst), (1, Money(-3)));
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!("one winner is not covered")
    };
    assert_eq!(shortfall.winners, None);
    assert_eq!(shortfall.consolation, Some(Money(66)));
    terms.group.chance.as_mut().unwrap().min = 2;
    assert_eq!(check_solvency(&terms).unwrap().winners, 2);
}

#[test]
fn a_leader_who_buys_is_no_part_of_the_draw() {
    let mut terms = of_kind(Kind::Draw, 1_000, (5, 3), 100);
    terms.group.leader = LeaderRule::Buys;
    let published = PublishedCampaign {
        terms: terms.clone(),
        hash: draw::hash(b""),
        published_at: Millis(0),
    };
    let open = open_file(&published, GroupId(0)).unwrap();
    assert_eq!(open.leader, draw::LeaderRule::Out);
    assert_eq!(open.mode, draw::Mode::Fixed { winners: 2 });
    assert_eq!(waterfall(&terms, &seats(&terms), &[0, 3, 4])[0], 2_000);
}

fn with(terms: &mut Campaign, programs: Vec<(Program, Limit)>) {
    let reward = |(program, limit)| Reward { program, limit };
    terms.rewards = programs.into_iter().map(reward).collect();
}

fn differential(rates: &[u32]) -> Program {
    Program::Differential(Differential {
        source: Source::Winners,
        base: Base::Price,
        rates_by_rank: rates.iter().map(|&rate| Rate(rate)).collect(),
    })
}

fn paid(terms: &Campaign, filled: &[FilledSeat], winners: &[u32]) -> Vec<(u32, ProgramKind, i64)> {
    let settled = settle(terms, filled, winners).unwrap();
    let line = |paid: &RewardPaid| (paid.member.0, paid.program, paid.cash.0);
    settled.rewards.iter().map(line).collect()
}

#[test]
fn differential_and_same_level_on_one_walk() {
    use ProgramKind::{Differential as D, SameLevel as S};
    let mut terms = of_kind(Kind::Draw, 10_000, (4, 1), 0);
    let same_level = |at_most| {
        Program::SameLevel(SameLevel {
            rate: Rate(10_000),
            at_most,
        })
    };
    let mut check = |ranks: &[u16], at_most, limit, expected: &[(u32, ProgramKind, i64)]| {
        with(
            &mut terms,
            vec![
                (differential(&[0, 50_000, 80_000, 100_000]), limit),
                (same_level(at_most), Limit::None),
            ],
        );
        terms.check().unwrap();
        let mut filled = seats(&terms);
        filled[1].walk = walk_of(&terms, ranked(ranks).into_iter());
        assert_eq!(paid(&terms, &filled, &[1]), expected, "{ranks:?}");
        let most = solvency(&terms).unwrap().envelope.cash.0;
        let sum: i64 = expected.iter().map(|(.., cash)| cash).sum();
        assert!(sum <= most);
    };
    let none = Limit::None;
    check(
        &[1, 2, 3],
        1,
        none,
        &[(100, D, 500), (101, D, 300), (102, D, 200)],
    );
    check(&[3, 1, 2], 1, none, &[(100, D, 1_000)]);
    check(&[1, 1, 1], 1, none, &[(100, D, 500), (101, S, 100)]);
    check(
        &[1, 1, 1],
        2,
        none,
        &[(100, D, 500), (101, S, 100), (102, S, 100)],
    );
    check(&[0, 0, 2, 0, 2], 1, none, &[(102, D, 800), (104, S, 100)]);
    check(
        &[1, 0, 1, 2, 1, 2],
        5,
        none,
        &[(100, D, 500), (103, D, 300), (102, S, 100), (105, S, 100)],
    );
    // The same level follows the walk even where a cap has cut the differential to nothing.
    check(&[1, 1], 1, Limit::Own(Money(0)), &[(101, S, 100)]);
    check(
        &[1, 2, 2],
        1,
        Limit::Own(Money(600)),
        &[(100, D, 500), (101, D, 100), (102, S, 100)],
    );
    // Above the table's last rank the last counts.
    check(&[7, 9], 1, none, &[(100, D, 1_000), (101, S, 100)]);
}

#[test]
fn a_frozen_upline_counts_and_is_not_paid() {
    use ProgramKind::{Differential as D, Generation as G, SameLevel as S};
    let mut terms = of_kind(Kind::Draw, 10_000, (4, 1), 0);
    let generation = Program::Generation(rewards::Generation {
        source: Source::Winners,
        base: Base::Price,
        rates: vec![Rate(10_000); 2],
        vip_depth: None,
    });
    let same_level = Program::SameLevel(SameLevel {
        rate: Rate(10_000),
        at_most: 1,
    });
    let programs = [generation, differential(&[0, 50_000, 80_000]), same_level];
    with(
        &mut terms,
        programs.map(|program| (program, Limit::None)).to_vec(),
    );
    let mut uplines = ranked(&[1, 1, 2]);
    uplines[0].frozen = true;
    let mut filled = seats(&terms);
    filled[2].uplines = uplines[..2].to_vec();
    filled[2].walk = walk_of(&terms, uplines.into_iter());
    // The frozen one's first generation and first rank are lost to all; who stands at his level is still passed there.
    let expected = [(101, G, 100), (102, D, 300), (101, S, 100)];
    assert_eq!(paid(&terms, &filled, &[2]), expected);
}

#[test]
fn agents_are_those_of_county_city_and_province() {
    use ProgramKind::Region as R;
    let mut terms = of_kind(Kind::Draw, 9_999, (3, 1), 0);
    let region = Program::Region(RegionProgram {
        source: Source::All,
        base: Base::Price,
        county: Rate(20_000),
        city: Rate(10_000),
        province: Rate(5_000),
    });
    with(&mut terms, vec![(region, Limit::Own(Money(500)))]);
    let agent = |member, frozen| {
        Some(Agent {
            member: MemberId(member),
            frozen,
        })
    };
    let mut filled = seats(&terms);
    filled[0].agents = Agents {
        county: agent(50, false),
        city: agent(51, false),
        province: agent(52, false),
    };
    // A vacant city's share stays in the envelope, a frozen agent's too.
    filled[1].agents = Agents {
        county: agent(50, false),
        city: None,
        province: agent(52, true),
    };
    let expected = [(50, R, 199), (51, R, 99), (52, R, 49), (50, R, 153)];
    assert_eq!(paid(&terms, &filled, &[1]), expected);
}

#[test]
fn the_pool_gets_its_rate_and_what_is_left_of_the_envelope() {
    let mut terms = of_kind(Kind::Draw, 10_000, (4, 1), 2_000);
    let dividend = Program::Dividend(Dividend {
        source: Source::Winners,
        base: Base::Margin,
        rate: Rate(33_333),
    });
    with(
        &mut terms,
        vec![
            (dividend, Limit::None),
            (differential(&[0, 100_000]), Limit::None),
        ],
    );
    let mut filled = seats(&terms);
    filled[3].walk = ranked(&[1]);
    let pool = |terms: &Campaign, winner| settle(terms, &filled, &[winner]).unwrap().dividend;
    // floor(8 000 × 3.3333 %)
    assert_eq!(pool(&terms, 0), Money(266));
    assert_eq!(pool(&terms, 3), Money(266));
    terms.leftover = Leftover::Dividend;
    // Nobody above seat 0 has a rank: the differential's 1 000 are left.
    assert_eq!(pool(&terms, 0), Money(1_266));
    assert_eq!(pool(&terms, 3), Money(266));
    for winner in [0, 3] {
        let platform = waterfall(&terms, &filled, &[winner])[5];
        assert_eq!(Money(platform), solvency(&terms).unwrap().worst);
    }
}

#[test]
fn cn_default_allows_what_its_limits_do_not_forbid() {
    let forbidden = |terms: &Campaign| match terms.check() {
        Err(Refusal::ProfileForbids { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    let mut terms = of_kind(Kind::BonusDraw, 10_000, (5, 1), 1_000);
    terms.profile = Profile::CnDefault;
    terms.rewards = vec![consolation(0, 100)];
    assert_eq!(terms.check(), Ok(()));
    terms.rewards = vec![consolation(1, 100)];
    assert_eq!(forbidden(&terms), "consolation_cash");
    let generation = |source, rates: usize| {
        Program::Generation(rewards::Generation {
            source,
            base: Base::Price,
            rates: vec![Rate(10_000); rates],
            vip_depth: None,
        })
    };
    with(&mut terms, vec![(generation(Source::All, 1), Limit::None)]);
    assert_eq!(terms.check(), Ok(()), "all are buyers");
    with(&mut terms, vec![(generation(Source::All, 2), Limit::None)]);
    assert_eq!(forbidden(&terms), "max_generations");
    with(&mut terms, vec![(differential(&[10_000]), Limit::None)]);
    assert_eq!(forbidden(&terms), "differential");
    terms.rewards = Vec::new();
    terms.leftover = Leftover::Dividend;
    assert_eq!(forbidden(&terms), "dividend");
    terms.leftover = Leftover::Owner;
    terms.prize.as_mut().unwrap().cost = Money(5_000_001);
    assert_eq!(forbidden(&terms), "prize_value_cap");

    // Reserves of 1: what a return truly costs, and all coins, must be carried.
    let mut sold = of_kind(Kind::EveryoneBuys, 10_000, (5, 5), 7_000);
    sold.profile = Profile::CnDefault;
    assert_eq!(check_solvency(&sold).unwrap().covered(), Ok(Money::ZERO));
    sold.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: true,
    };
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&sold) else {
        panic!("the channel's fees are lost when all return")
    };
    assert_eq!(shortfall.covered, Money(-300));
    let mut ballot = of_kind(Kind::Ballot, 10_000, (10, 2), 7_000);
    ballot.profile = Profile::CnDefault;
    ballot.rewards = vec![consolation(0, 750)];
    assert_eq!(check_solvency(&ballot).unwrap().covered(), Ok(Money::ZERO));
    ballot.rewards = vec![consolation(0, 751)];
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&ballot) else {
        panic!("eight times 7.51 coins are more than two margins of 30")
    };
    assert_eq!(shortfall.covered, Money(-8));

    for kind in [Kind::Draw, Kind::Treat] {
        let mut terms = of_kind(kind, 10_000, (5, 1), 1_000);
        terms.profile = Profile::CnDefault;
        assert_eq!(forbidden(&terms), "kinds");
    }
    let mut ballot = of_kind(Kind::Ballot, 10_000, (5, 1), 1_000);
    ballot.profile = Profile::CnDefault;
    with(
        &mut ballot,
        vec![(generation(Source::Winners, 1), Limit::None)],
    );
    assert_eq!(ballot.check(), Ok(()));
}

/// Publishes, fills and settles one group of these terms; answers with its settlement.
fn live(shop: &mut crate::shop::Shop, terms: &Campaign) -> GroupSettled {
    let id = shop.publish(terms.clone());
    let members = shop.members(terms.group.seats);
    if terms.is_drawn() {
        let group = shop.fill(id, &members);
        return shop.settle(group);
    }
    let group = shop.open(id, members[0]);
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    assert_eq!(shop.state(group), GroupState::Settled);
    match shop.last() {
        Event::GroupSettled(settled) => *settled,
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_nothing_is_drawn_a_full_group_is_settled_at_once() {
    let mut shop = crate::shop::Shop::new();
    let mut terms = of_kind(Kind::EveryoneBuys, 10_000, (4, 4), 6_000);
    terms.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: false,
    };
    let settled = live(&mut shop, &terms);
    assert_eq!(settled.winners, [0, 1, 2, 3]);
    assert_eq!((settled.signature, settled.seed), ([0; 48], [0; 32]));
    assert_eq!(shop.refund_all(), Money::ZERO);
    assert_eq!(shop.balance("sales"), -40_000);
    assert_eq!(shop.balance("suppliers"), -24_000);
    assert_eq!(shop.balance("escrow"), 0);
    assert_eq!(shop.world.books().own, Money(40_000 - 24_000 - 240));
    assert!(shop.world.awaiting_draw(usize::MAX).is_empty());
    let orders: Vec<MemberId> = (0..4)
        .map(|order| shop.world.order(OrderId(order)).unwrap().member)
        .collect();
    let members: Vec<MemberId> = settled.seats.iter().map(|seat| seat.member).collect();
    assert_eq!(orders, members);
    shop.check();
}

#[test]
fn in_a_bonus_draw_everyone_has_an_order_and_the_drawn_a_prize() {
    let mut shop = crate::shop::Shop::new();
    let mut terms = of_kind(Kind::BonusDraw, 10_000, (5, 2), 6_000);
    terms.rewards = vec![consolation(100, 300)];
    let settled = live(&mut shop, &terms);
    assert_eq!(settled.winners.len(), 2);
    assert_eq!(shop.refund_all(), Money::ZERO);
    assert_eq!(shop.balance("sales"), -50_000);
    assert_eq!(shop.balance("suppliers"), -5 * 6_000 - 2 * 5_000);
    assert_eq!(shop.balance("available"), -300);
    assert_eq!(shop.balance("coins"), -900);
    assert!((0..5).all(|order| shop.world.order(OrderId(order)).is_some()));
    for seat in &settled.seats {
        assert_eq!(
            shop.world.member(seat.member).unwrap().in_groups,
            Money::ZERO
        );
    }
    shop.check();
}

#[test]
fn a_leader_who_buys_gets_the_product_beside_those_drawn() {
    let mut shop = crate::shop::Shop::new();
    let mut terms = of_kind(Kind::Draw, 1_000, (6, 3), 100);
    terms.group.leader = LeaderRule::Buys;
    terms.group.seats_per_member = 2;
    let settled = live(&mut shop, &terms);
    assert_eq!(settled.winners.len(), 3);
    assert_eq!(settled.winners[0], 0);
    assert!(!settled.winners[1..].contains(&0));
    // He holds one seat, whatever the others may.
    let id = CampaignId(0);
    let leader = shop.member(None);
    let group = shop.open(id, leader);
    let again = shop.join(group, leader);
    assert_eq!(
        again,
        Err(Refusal::SeatLimit {
            group,
            member: leader
        })
    );
    shop.check();
}

#[test]
fn a_chance_gives_a_number_of_winners_within_its_bounds() {
    let mut shop = crate::shop::Shop::new();
    let mut terms = of_kind(Kind::Draw, 1_000, (10, 4), 100);
    terms.group.chance = Some(Chance {
        p: Rate(250_000),
        min: 2,
    });
    let mut counts = std::collections::BTreeSet::new();
    for _ in 0..20 {
        counts.insert(live(&mut shop, &terms).winners.len());
    }
    assert!(
        counts.iter().all(|count| (2..=4).contains(count)),
        "{counts:?}"
    );
    assert!(1 < counts.len(), "always {counts:?}");
    shop.check();
}

/// Of a chance the file says `max`, and so does the refusal.
#[test]
fn a_chance_that_is_too_large_is_refused_by_the_key_that_the_file_has() {
    //      kind             leader              seats, most   field
    let rows = [
        (Kind::Draw, LeaderRule::Equal, (4, 3), None),
        (
            Kind::Draw,
            LeaderRule::Equal,
            (4, 4),
            Some("group.chance.max"),
        ),
        (
            Kind::BonusDraw,
            LeaderRule::Equal,
            (4, 5),
            Some("group.chance.max"),
        ),
        (
            Kind::BonusDraw,
            LeaderRule::Exempt,
            (4, 4),
            Some("group.chance.max"),
        ),
    ];
    for (kind, leader, size, expected) in rows {
        let mut terms = of_kind(kind, 1_000, size, 400);
        terms.group.leader = leader;
        terms.group.chance = Some(Chance {
            p: Rate(200_000),
            min: 1,
        });
        let field = |terms: &Campaign| match terms.check() {
            Ok(()) => None,
            Err(Refusal::InvalidCampaign { field, .. }) => Some(field),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(field(&terms), expected);
        terms.group.chance = None;
        assert_eq!(field(&terms), expected.map(|_| "group.winners"));
    }
}
