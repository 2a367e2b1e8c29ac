//! What a member is told before he pays (rules 8).

use domain::{
    rewards::{Formation, Limit, Program, Reward},
    *,
};

use crate::shop::{Shop, campaign, consolation, e0, e1, e2};

fn ratio(num: u64, den: u64) -> Ratio {
    Ratio { num, den }
}

#[test]
fn the_examples_as_members_are_told() {
    for (terms, rounds, cost, cash, coins) in [
        // 100 − 4 × 5; 99 − 97 × 1 / 3 = 66.666…; 1 000 − 49 × 12.
        (e0(), ratio(5, 1), 8_000, 500, 0),
        (e1(), ratio(100, 3), 6_667, 100, 0),
        (e2(), ratio(50, 1), 41_200, 1_200, 10_000),
        (campaign(10_000, 6, 4, 0), ratio(3, 2), 10_000, 0, 0),
    ] {
        let told = odds(&terms).unwrap();
        assert_eq!(
            (told.seats, told.winners),
            (terms.group.seats, terms.group.winners)
        );
        assert_eq!(told.average_rounds, rounds);
        let winners = u64::from(terms.group.winners);
        assert_eq!(told.expected_winners, ratio(winners, 1));
        assert_eq!(told.average_cost, Money(cost));
        assert_eq!(told.consolation_cash_at_least, Money(cash));
        assert_eq!(told.consolation_coins_at_least, Coins(coins));
    }
}

#[test]
fn what_is_not_a_campaign_has_no_odds() {
    for winners in [0, 6] {
        assert_eq!(odds(&campaign(10_000, 5, winners, 0)), Err(Overflow));
    }
}

fn of_chance(seats: u32, p: u32, (min, most): (u32, u32)) -> Campaign {
    let mut terms = campaign(6_600, seats, most, 0);
    terms.group.chance = Some(Chance { p: Rate(p), min });
    terms.rewards = vec![consolation(100, 0)];
    terms
}

/// The sums of binomial terms, counted with fractions of unlimited size elsewhere.
#[test]
fn the_winners_of_a_chance_on_average() {
    //   seats   p in ppm   fewest, most   winners on average, in billionths
    for (seats, p, bounds, expected) in [
        (30, 100_000, (1, 5), 2_933_009_448),
        (10, 1_000, (0, 1), 9_955_120),
        (10, 0, (1, 3), 1_000_000_000),
        (10, 1_000_000, (0, 4), 4_000_000_000),
        (2, 1, (0, 1), 2_000),
        (100, 250_000, (2, 40), 24_999_420_079),
        (1_000, 3_000, (1, 30), 3_049_563_083),
        (1_000, 500_000, (1, 999), 500_000_000_000),
        (10_000, 1, (0, 10), 10_000_000),
        (10_000, 30_000, (1, 300), 293_196_446_393),
        (10_000, 30_000, (1, 5_000), 300_000_000_000),
        (10_000, 500_000, (1, 5_000), 4_980_053_384_652),
        (10_000, 999_999, (0, 9_999), 9_998_999_950_171),
    ] {
        let told = odds(&of_chance(seats, p, bounds)).unwrap();
        let Ratio { num, den } = told.expected_winners;
        assert_eq!(
            u128::from(num) * 1_000_000_000,
            u128::from(den) * expected,
            "{seats} {p} {bounds:?}"
        );
        assert_eq!((told.seats, told.winners), (seats, bounds.0));
        let rounds = told.average_rounds;
        assert_eq!(
            u128::from(rounds.num) * u128::from(num),
            u128::from(seats) * u128::from(den) * u128::from(rounds.den)
        );
    }
    // An exempt leader is not among those drawn; who pays a table's bill is told of the others alone.
    let mut terms = campaign(6_600, 5, 1, 0);
    terms.group.leader = LeaderRule::Exempt;
    assert_eq!(odds(&terms).unwrap().average_rounds, ratio(5, 1));
    terms.kind = Kind::Treat;
    assert_eq!(odds(&terms).unwrap().average_rounds, ratio(4, 1));
    let mut terms = of_chance(30, 100_000, (1, 5));
    terms.group.leader = LeaderRule::Exempt;
    let told = odds(&terms).unwrap();
    assert_eq!(told.expected_winners, ratio(1_426_781_993, 500_000_000));
    // 66.00 − (30 / 2.933… − 1) × 1.00.
    let told = odds(&of_chance(30, 100_000, (1, 5))).unwrap();
    assert_eq!(told.average_cost, Money(5_678));
}

/// Every way in which the seats can hit, each with its own chance, and the winners as the draw counts them.
#[test]
fn winners_on_average_are_those_of_all_ways_to_hit() {
    let mut compared = 0;
    for seats in 2u32..=6 {
        for percent in [1u128, 7, 50, 93, 99] {
            for most in 1..seats {
                for fewest in 0..=most {
                    let (mut above, below) = (0, 100u128.pow(seats));
                    for hits in 0u32..1 << seats {
                        let hits = hits.count_ones();
                        let ways = percent.pow(hits) * (100 - percent).pow(seats - hits);
                        above += ways * u128::from(hits.clamp(fewest, most));
                    }
                    let p = u32::try_from(percent * 10_000).unwrap();
                    let mut terms = of_chance(seats, p, (fewest, most));
                    terms.kind = Kind::BonusDraw;
                    let Ratio { num, den } = odds(&terms).unwrap().expected_winners;
                    let told = u128::from(num) * 1_000_000_000 / u128::from(den);
                    let exact = above * 1_000_000_000;
                    assert!((told * below).abs_diff(exact) <= below, "{terms:?}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 5 * (2 + 5 + 9 + 14 + 20));
}

/// Four non-winners, 5.00 and 7 coins each, in a cap that four payments of 2.00 share.
#[test]
fn a_consolation_that_a_cap_may_cut_is_not_promised() {
    let formation = Reward {
        program: Program::Formation(Formation {
            per_recruit: Money(200),
        }),
        limit: Limit::Shared(0),
    };
    for (limit, cap, formation_first, cash) in [
        (Limit::Own(Money(2_000)), 0, false, 500),
        (Limit::Own(Money(1_999)), 0, false, 0),
        (Limit::Own(Money(2_000)), 0, true, 500),
        (Limit::Shared(0), 2_000, false, 500),
        (Limit::Shared(0), 1_999, false, 0),
        (Limit::Shared(0), 2_800, true, 500),
        (Limit::Shared(0), 2_799, true, 0),
        (Limit::Shared(1), 2_000, true, 500),
    ] {
        let mut terms = campaign(10_000, 5, 1, 0);
        let caps = ["first", "second"].map(|name| Cap {
            name: name.to_owned(),
            limit: Money(cap),
        });
        terms.caps = caps.into();
        let consolation = Reward {
            limit,
            ..consolation(500, 7)
        };
        terms.rewards = vec![consolation, formation.clone()];
        if formation_first {
            terms.rewards.reverse();
        }
        let told = odds(&terms).unwrap();
        assert_eq!(
            told.consolation_cash_at_least,
            Money(cash),
            "{limit:?} {cap}"
        );
        assert_eq!(told.consolation_coins_at_least, Coins(7));
        assert_eq!(told.average_cost, Money(10_000 - 4 * cash));
    }
}

#[test]
fn why_not_join_is_what_a_join_is_answered() {
    let mut shop = Shop::new();
    let members = shop.members(4);
    let stranger = MemberId(99);
    let offer = shop.publish(campaign(10_000, 3, 1, 2_000));
    let leaders = shop.reserve_leader(offer, members[0]);
    let group = leaders.group;
    let unknown = GroupId(7);
    let why = |shop: &mut Shop, group, member| {
        let told = shop.world.why_not_join_now(group, member);
        if told.is_some() {
            assert_eq!(shop.join(group, member).err(), told);
        }
        told.map(|refusal| refusal.code())
    };
    assert_eq!(why(&mut shop, group, members[1]), Some("leader_not_paid"));
    assert_eq!(why(&mut shop, unknown, members[1]), Some("group_unknown"));
    assert_eq!(why(&mut shop, group, stranger), Some("member_unknown"));
    shop.pay(leaders);
    assert_eq!(why(&mut shop, group, members[0]), Some("seat_limit"));
    assert_eq!(why(&mut shop, group, members[1]), None);
    shop.seat(group, members[1]);
    let last = shop.join(group, members[2]).unwrap();
    assert_eq!(why(&mut shop, group, members[3]), Some("group_full"));
    shop.pay(last);
    assert_eq!(why(&mut shop, group, members[3]), Some("group_not_open"));
}
