//! What returns and coins can cost an owner (rules 8, 9.1): what the gate refuses for them, and what it prints.

use domain::{
    rewards::{Base, Dividend, Formation, Generation, Leader, Limit, Program, Reward, Source},
    *,
};

use crate::{
    profiles::own_profile,
    shop::{Shop, campaign, consolation, e0, text},
};

fn reward(program: Program) -> Reward {
    Reward {
        program,
        limit: Limit::None,
    }
}

fn leader(cash: i64, coins: i64) -> Reward {
    reward(Program::Leader(Leader {
        cash: Money(cash),
        coins: Coins(coins),
        unless_won: false,
    }))
}

/// Passes the gate or not; its lines of returns.
fn tried(terms: &Campaign) -> (bool, Solvency, Returns) {
    assert_eq!(terms.check(), Ok(()));
    let lines = solvency(terms).unwrap();
    let counted = returns(terms, &lines).unwrap();
    (check_solvency(terms).is_ok(), lines, counted)
}

/// Everybody buys ten at 100.00 that cost 20.00; whoever opened the group gets a reward that no return takes back but the last.
fn leaders_sale(cash: i64) -> Campaign {
    let mut terms = campaign(10_000, 10, 10, 2_000);
    terms.kind = Kind::EveryoneBuys;
    terms.rewards = vec![leader(cash, 0)];
    terms
}

#[test]
fn some_returns_can_cost_more_than_all_and_are_printed() {
    //       reward   nine return
    let rows = [
        (7_000, None),
        (8_000, None),
        (8_001, Some(Money(10_000 - 20_000 - 8_001))),
        (70_000, Some(Money(10_000 - 20_000 - 70_000))),
    ];
    for (cash, left) in rows {
        let mut terms = leaders_sale(cash);
        // The reserve is for the returns of all: these leave what the products cost.
        for profile in [Profile::Seed, Profile::CnDefault] {
            terms.profile = profile;
            let (passes, lines, returns) = tried(&terms);
            assert!(passes);
            assert_eq!(lines.all_winners_return, Money(-20_000));
            assert_eq!(returns.some.map(|some| some.left), left, "{cash}");
            let some = returns.some;
            assert!(some.is_none_or(|some| (some.returned, some.stock) == (9, Money(18_000))));
            assert_eq!(returns.with_coins, Money(0.min(8_000 - cash)));
        }
    }
}

/// `cn-default` has bonus-draws whose prize is worth more than one product brings in, or it would have none worth the name: whoever
/// keeps his prize while all others return costs the owner its price, and the page says so.
#[test]
fn a_prize_may_cost_more_than_one_product_brings_in() {
    let mut terms = campaign(12_800, 20, 2, 6_000);
    terms.kind = Kind::BonusDraw;
    terms.profile = Profile::CnDefault;
    terms.prize = Some(Prize {
        title: text("prize"),
        cost: Money(30_000),
    });
    let (passes, lines, returns) = tried(&terms);
    assert!(passes);
    assert_eq!(lines.covered(), Ok(Money::ZERO));
    let left = Money(2 * 12_800 - 20 * 6_000 - 2 * 30_000);
    let some = SomeReturn {
        returned: 18,
        left,
        stock: Money(18 * 6_000),
    };
    assert_eq!(returns.some, Some(some));
    assert_eq!(returns.with_coins, Money(2 * (12_800 - 6_000 - 30_000)));
}

/// A reward that came from a seat without a prize does not stand when those seats are all back.
#[test]
fn who_keeps_what_he_bought_is_counted_with_what_stands_of_his() {
    let mut terms = campaign(10_000, 4, 2, 2_000);
    terms.kind = Kind::BonusDraw;
    terms.prize = Some(Prize {
        title: text("prize"),
        cost: Money(8_500),
    });
    terms.rewards = vec![reward(Program::Generation(Generation {
        source: Source::NonWinners,
        base: Base::Fixed(Money(700)),
        rates: vec![Rate(RATE_ONE_PPM)],
        vip_depth: None,
    }))];
    let (_, _, returns) = tried(&terms);
    let some = returns.some.unwrap();
    // Two keep product and prize for 500 less than both bring in, each; nobody else's seat costs what it brings in.
    assert_eq!(some.returned, 2);
    assert_eq!(some.left, Money(20_000 - 8_000 - 17_000));
    assert_eq!(returns.with_coins, Money(-1_000));
}

/// An exempt leader is never drawn, so in a draw no return is his: every one takes a recruit's seat.
#[test]
fn an_exempt_leader_returns_nothing_in_a_draw() {
    //       rule                  recruits that stand when all winners but one have returned
    let rows = [
        (LeaderRule::Equal, 4),
        (LeaderRule::Buys, 4),
        (LeaderRule::Exempt, 3),
    ];
    for (rule, standing) in rows {
        let mut terms = campaign(10_000, 6, 3, 2_000);
        terms.group.leader = rule;
        terms.rewards = vec![reward(Program::Formation(Formation {
            per_recruit: Money(4_000),
        }))];
        let (_, _, returns) = tried(&terms);
        let some = returns.some.unwrap();
        assert_eq!(some.returned, 2);
        assert_eq!(some.left, Money(10_000 - 6_000 - standing * 4_000));
    }
}

/// By the time of a return the pool may have been shared out: then the owner bears what it had got (rules 9.1).
#[test]
fn what_was_shared_out_does_not_come_back_with_returns() {
    let mut terms = campaign(10_000, 2, 2, 8_000);
    terms.kind = Kind::EveryoneBuys;
    terms.rewards = vec![reward(Program::Dividend(Dividend {
        source: Source::All,
        base: Base::Price,
        rate: Rate(150_000),
    }))];
    let (passes, lines, returns) = tried(&terms);
    assert!(passes);
    assert_eq!(lines.all_winners_return, Money(-16_000 - 3_000));
    // One has returned: 20.00 of the other's seat are earned, 30.00 spent.
    assert_eq!((returns.some, returns.with_coins), (None, Money(-3_000)));
    let mut own = own_profile();
    own.terms.return_reserve = Rate(RATE_ONE_PPM);
    terms.profile = Profile::Own(Box::new(own));
    let Err(Refusal::NotSolvent(short)) = check_solvency(&terms) else {
        panic!("the returns of all are not covered")
    };
    assert_eq!(
        (short.covered, short.term),
        (Money(-3_000), Term::Reward(ProgramKind::Dividend))
    );
}

/// Returns and coins are two losses, each covered by itself; what both can cost together is printed.
#[test]
fn coins_that_outlast_the_returns_are_printed_with_them() {
    let mut terms = campaign(10_000, 2, 1, 1_000);
    terms.kind = Kind::BonusDraw;
    terms.profile = Profile::CnDefault;
    terms.prize = Some(Prize {
        title: text("prize"),
        cost: Money(100),
    });
    terms.rewards = vec![consolation(0, 15_000)];
    let (passes, lines, returns) = tried(&terms);
    assert!(passes);
    assert_eq!(lines.all_coins_at_face, Money(2_900));
    assert_eq!((returns.some, returns.with_coins), (None, Money(-15_000)));
    // The leader's stand until the last return.
    let mut terms = leaders_sale(0);
    terms.rewards = vec![leader(0, 70_000)];
    let (_, _, returns) = tried(&terms);
    assert_eq!(returns.with_coins, Money(8_000 - 70_000));
}

/// Coins for a full list, or for not having been drawn, are promised whether anybody buys or not.
#[test]
fn a_ballot_that_nobody_buys_from_pays_its_coins_all_the_same() {
    let mut terms = campaign(100_000, 2, 1, 10_000);
    terms.kind = Kind::Ballot;
    terms.profile = Profile::CnDefault;
    let rows = [
        (vec![], 0),
        (vec![leader(0, 90_000)], -90_000),
        (vec![consolation(0, 5_000)], -5_000),
        (vec![consolation(0, 5_000), leader(0, 80_000)], -85_000),
    ];
    for (rewards, left) in rows {
        terms.rewards = rewards;
        let (passes, lines, returns) = tried(&terms);
        assert!(passes);
        assert_eq!(lines.worst, Money(90_000));
        assert_eq!(returns.with_coins, Money(left));
    }
    terms.rewards = vec![leader(0, 90_001)];
    assert!(!tried(&terms).0);
}

/// In a ballot fewer may buy, and a cap that all together meet is more of each than he brings in.
#[test]
fn a_ballot_must_leave_something_for_every_number_of_buyers() {
    let mut terms = campaign(10_000, 9, 8, 9_000);
    terms.kind = Kind::Ballot;
    let capped = |cap| Reward {
        program: Program::Generation(Generation {
            source: Source::Winners,
            base: Base::Fixed(Money(2_000)),
            rates: vec![Rate(RATE_ONE_PPM)],
            vip_depth: None,
        }),
        limit: Limit::Own(Money(cap)),
    };
    // With one buyer 10.00 are earned and as much is paid; with two 20.00 for 20.00, or 10.01.
    for (cap, passes) in [(1_000, true), (1_001, false), (8_000, false)] {
        terms.rewards = vec![capped(cap)];
        assert!(Money::ZERO <= solvency(&terms).unwrap().worst);
        assert_eq!(tried(&terms).0, passes, "{cap}");
    }
}

/// It happens: nine return, the leader among them, and the tenth keeps what he bought.
#[test]
fn what_the_line_of_some_returns_says_can_come_to_pass() {
    let terms = leaders_sale(70_000);
    let left = tried(&terms).2.some.unwrap().left;
    let mut shop = Shop::new();
    let members = shop.members(10);
    let id = shop.publish(terms);
    let group = shop.open(id, members[0]);
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    for (order, &member) in (0..).map(OrderId).zip(&members) {
        shop.must(Command::ShipOrder { order });
        shop.must(Command::ReceiveOrder { order, member });
    }
    for (order, &member) in (0..9).map(OrderId).zip(&members) {
        shop.must(Command::ReturnOrder { order, member });
        shop.must(Command::TakeBackOrder { order });
    }
    shop.wait(8 * 86_400);
    shop.must(Command::Tick(Due::Order(OrderId(9))));
    assert_eq!(
        shop.world.member(members[0]).unwrap().available,
        Money(70_000)
    );
    let earned = -shop.balance("sales") - shop.balance("cost-of-goods") - shop.balance("rewards");
    assert_eq!(Money(earned), left);
    shop.check();
}

/// Rewards that are reversed go where what is left of the envelope goes: not to the owner.
#[test]
fn where_the_pool_gets_what_is_left_all_returns_cost_the_whole_envelope() {
    let mut terms = e0();
    let before = check_solvency(&terms).unwrap();
    terms.leftover = Leftover::Dividend;
    let lines = check_solvency(&terms).unwrap();
    assert_eq!(before.all_winners_return, Money(-2_000 - 4 * 500));
    assert_eq!(
        lines.all_winners_return,
        Money(-2_000).minus(lines.envelope.cash).unwrap()
    );
}
