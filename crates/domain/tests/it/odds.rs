//! What a member is told before he pays (rules 8).

use domain::{
    rewards::{Formation, Limit, Program, Reward},
    *,
};

use crate::shop::{Shop, campaign, consolation, e0, e1, e2};

fn ratio(num: u32, den: u32) -> Ratio {
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
