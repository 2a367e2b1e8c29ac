//! The worked examples of rules 12 to the fen, and each reward program by itself.

use domain::{
    rewards::{Base, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus},
    *,
};

use crate::shop::{Shop, campaign, consolation, e0, e1, e2};

/// `count` members, each with `depth` uplines of his own who have VIP 3.
fn crowd(shop: &mut Shop, count: u32, depth: u32) -> Vec<MemberId> {
    let helper = shop.publish(campaign(100, 2, 1, 0));
    (0..count)
        .map(|_| {
            let mut inviter = None;
            for _ in 0..depth {
                let upline = shop.member(inviter);
                for _ in 0..3 {
                    let pair = [shop.member(Some(upline)), shop.member(Some(upline))];
                    let group = shop.fill(helper, &pair);
                    shop.settle(group);
                }
                inviter = Some(upline);
            }
            shop.member(inviter)
        })
        .collect()
}

#[test]
fn e0_to_the_fen() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members: Vec<MemberId> = (0..5)
        .map(|_| {
            let inviter = shop.member(None);
            shop.member(Some(inviter))
        })
        .collect();
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    assert_eq!(shop.refund_all(), Money(40_000));
    assert_eq!(shop.balance("sales"), -10_000);
    assert_eq!(shop.balance("suppliers"), -2_000);
    assert_eq!(shop.balance("available"), -2_000, "consolation 20");
    assert_eq!(
        shop.balance("vesting"),
        -3_800,
        "formation 8 and uplines 30"
    );
    assert_eq!(shop.world.books().own, Money(2_200), "platform 22");
    assert_eq!(shop.world.books().held, Money(10_000));
    // All formation went to the leader; every inviter got 6.
    let leader: i64 = settled
        .rewards
        .iter()
        .filter(|paid| paid.member == members[0])
        .map(|paid| paid.cash.0)
        .sum();
    assert_eq!(leader, 800);
    shop.check();
}

#[test]
fn e0_rewards_vest_when_the_winners_return_window_has_closed() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(5);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let order = settled.first_order;
    let winner = members[settled.winners[0] as usize];
    let leader = shop.world.member(members[0]).unwrap();
    assert_eq!(leader.vesting, Money(800));
    shop.must(Command::ShipOrder { order });
    assert_eq!(
        shop.try_do(Command::ShipOrder { order }),
        Err(Refusal::OrderState(order))
    );
    let stranger = members
        .iter()
        .copied()
        .find(|&member| member != winner)
        .unwrap();
    let foreign = Command::ReceiveOrder {
        order,
        member: stranger,
    };
    assert_eq!(shop.try_do(foreign), Err(Refusal::NotYourOrder(order)));
    shop.must(Command::ReceiveOrder {
        order,
        member: winner,
    });
    let (kept_at, due) = shop.world.next_timer().unwrap();
    assert_eq!(kept_at, shop.clock.after(Duration::seconds(7 * 86_400)));
    shop.clock = Millis(kept_at.0 - 1);
    shop.must(Command::Tick(due));
    assert_eq!(shop.world.member(members[0]).unwrap().vesting, Money(800));
    shop.clock = kept_at;
    shop.must(Command::Tick(due));
    assert_eq!(shop.world.member(members[0]).unwrap().vesting, Money::ZERO);
    assert!(Money(800) <= shop.world.member(members[0]).unwrap().available);
    assert_eq!(
        shop.try_do(Command::ShipOrder { order }),
        Err(Refusal::UnknownOrder(order))
    );
    shop.check();
}

#[test]
fn a_shipped_order_counts_as_received_after_fifteen_days_by_itself() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(5);
    let group = shop.fill(id, &members);
    let order = shop.settle(group).first_order;
    shop.must(Command::ShipOrder { order });
    // One late tick does both steps: received on day 15, kept on day 22.
    shop.wait(22 * 86_400);
    let (_, due) = shop.world.next_timer().unwrap();
    shop.must(Command::Tick(due));
    assert!(shop.world.order(order).is_none());
    assert_eq!(shop.balance("vesting"), 0);
    shop.check();
}

#[test]
fn e1_to_the_fen() {
    let mut shop = Shop::new();
    assert_eq!(
        winners_of_rate((Kind::Draw, LeaderRule::Equal), 100, Rate(30_000)),
        Ok(3)
    );
    let id = shop.publish(e1());
    let members = shop.members(100);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    assert_eq!(settled.winners.len(), 3);
    assert_eq!(shop.refund_all(), Money(960_300));
    assert_eq!(shop.balance("available"), -9_700);
    assert_eq!(shop.world.books().own, Money(14_000), "200 - 3 x 20");
    shop.check();
}

#[test]
fn e2_without_uplines() {
    let mut shop = Shop::new();
    let id = shop.publish(e2());
    let members = shop.members(100);
    let group = shop.fill(id, &members);
    shop.settle(group);
    assert_eq!(shop.refund_all(), Money(9_800_000));
    assert_eq!(shop.balance("available"), -117_600);
    assert_eq!(shop.balance("coins"), -980_000);
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.world.books().own, Money(32_400));
    shop.check();
}

#[test]
fn e2_with_three_vip_3_uplines_each() {
    let mut shop = Shop::new();
    let members = crowd(&mut shop, 100, 3);
    let before = shop.world.books().own;
    let id = shop.publish(e2());
    let group = shop.fill(id, &members);
    shop.settle(group);
    assert_eq!(shop.balance("vesting"), -17_640);
    assert_eq!(shop.world.books().own.minus(before), Ok(Money(14_760)));
    shop.check();
}

#[test]
fn a_settlement_adds_up() {
    for (terms, seats) in [(e0(), 5u32), (e1(), 100), (e2(), 100)] {
        let mut shop = Shop::new();
        let members = crowd(&mut shop, seats, 1);
        let id = shop.publish(terms.clone());
        let group = shop.fill(id, &members);
        let outcome = shop.outcome(group);
        let Event::GroupFilled { seats: filled, .. } = shop.last() else {
            panic!()
        };
        let settlement = settle(&terms, &filled, outcome.winners()).unwrap();
        let parts = [
            settlement.refunds(&terms).unwrap(),
            settlement.rewards_cash().unwrap(),
            settlement.supplier(&terms).unwrap(),
            settlement.platform(&terms).unwrap(),
        ];
        assert_eq!(sum(parts), terms.group.price.times(seats));
    }
}

/// Settles one group of `terms` whose seats all have one upline chain of these VIP levels, with the given winners.
fn paid(
    terms: &Campaign,
    vips: &[u32],
    winners: &[u32],
) -> Vec<(u32, ProgramKind, Option<u32>, i64)> {
    let uplines = (100u32..).zip(vips).map(|(member, &vip)| Upline {
        member: MemberId(member),
        vip,
        rank: 0,
        frozen: false,
    });
    let uplines: Vec<Upline> = uplines.collect();
    let seats: Vec<FilledSeat> = (0..terms.group.seats)
        .map(|index| FilledSeat {
            index,
            member: MemberId(index),
            via: if index == 2 { Some(MemberId(50)) } else { None },
            uplines: uplines.clone(),
            walk: Vec::new(),
            agents: domain::Agents::default(),
            home_store: None,
        })
        .collect();
    let settlement = settle(terms, &seats, winners).unwrap();
    settlement
        .rewards
        .iter()
        .map(|paid| (paid.member.0, paid.program, paid.source_seat, paid.cash.0))
        .collect()
}

fn generation(
    source: Source,
    base: Base,
    rates: &[u32],
    depth: Option<&[u32]>,
    limit: Limit,
) -> Reward {
    let rates = rates.iter().map(|&rate| Rate(rate)).collect();
    let vip_depth = depth.map(<[u32]>::to_vec);
    Reward {
        program: Program::Generation(Generation {
            source,
            base,
            rates,
            vip_depth,
        }),
        limit,
    }
}

#[test]
fn generation_rewards_by_source_base_and_depth() {
    use ProgramKind::Generation as G;
    let mut terms = campaign(1_000, 4, 1, 400);
    terms.rewards = vec![consolation(99, 0)];
    let mut check =
        |reward: Reward, vips: &[u32], expected: &[(u32, ProgramKind, Option<u32>, i64)]| {
            terms.rewards.truncate(1);
            terms.rewards.push(reward);
            assert_eq!(paid(&terms, vips, &[1]), expected);
        };
    let depth = Some(&[0, 1, 2][..]);
    // 5 % of the price, winners only; the second upline is a VIP 1 and opens one generation only.
    check(
        generation(
            Source::Winners,
            Base::Price,
            &[50_000, 30_000],
            depth,
            Limit::None,
        ),
        &[1, 1],
        &[(100, G, Some(1), 50)],
    );
    check(
        generation(
            Source::Winners,
            Base::Price,
            &[50_000, 30_000],
            depth,
            Limit::None,
        ),
        &[2, 9],
        &[(100, G, Some(1), 50), (101, G, Some(1), 30)],
    );
    // 5 % of a consolation of 0.99, rounded down, from each of three non-winners.
    check(
        generation(
            Source::NonWinners,
            Base::Consolation,
            &[50_000],
            None,
            Limit::None,
        ),
        &[0],
        &[
            (100, G, Some(0), 4),
            (100, G, Some(2), 4),
            (100, G, Some(3), 4),
        ],
    );
    // Margin 6.00.
    check(
        generation(Source::Winners, Base::Margin, &[500_000], None, Limit::None),
        &[0],
        &[(100, G, Some(1), 300)],
    );
    // A missing upline's share stays in the envelope.
    check(
        generation(
            Source::Winners,
            Base::Price,
            &[50_000; 3],
            None,
            Limit::None,
        ),
        &[0],
        &[(100, G, Some(1), 50)],
    );
    // An own cap: the payment that meets it gets what is left, later ones nothing.
    check(
        generation(
            Source::All,
            Base::Fixed(Money(60)),
            &[1_000_000],
            None,
            Limit::Own(Money(100)),
        ),
        &[0],
        &[(100, G, Some(0), 60), (100, G, Some(1), 40)],
    );
}

#[test]
fn formation_leader_bonus_and_a_capped_consolation() {
    let mut terms = campaign(1_000, 4, 1, 0);
    let formation = Program::Formation(rewards::Formation {
        per_recruit: Money(10),
    });
    let leader = |unless_won| {
        Program::Leader(Leader {
            cash: Money(7),
            coins: Coins(3),
            unless_won,
        })
    };
    let bonus = Program::WinnerBonus(WinnerBonus {
        cash: Money(5),
        coins: Coins(0),
    });
    let with = |program: &Program| {
        vec![Reward {
            program: program.clone(),
            limit: Limit::None,
        }]
    };

    terms.rewards = with(&formation);
    let recruited = [
        (0, ProgramKind::Formation, Some(1), 10),
        (50, ProgramKind::Formation, Some(2), 10),
        (0, ProgramKind::Formation, Some(3), 10),
    ];
    assert_eq!(paid(&terms, &[], &[1]), recruited);
    terms.rewards = with(&leader(true));
    assert_eq!(paid(&terms, &[], &[1]), [(0, ProgramKind::Leader, None, 7)]);
    assert_eq!(paid(&terms, &[], &[0]), []);
    terms.rewards = with(&leader(false));
    assert_eq!(paid(&terms, &[], &[0]), [(0, ProgramKind::Leader, None, 7)]);
    terms.rewards = with(&bonus);
    assert_eq!(
        paid(&terms, &[], &[3]),
        [(3, ProgramKind::WinnerBonus, Some(3), 5)]
    );
    let mut capped = consolation(10, 0);
    capped.limit = Limit::Own(Money(25));
    terms.rewards = vec![capped];
    let cut = [
        (1, ProgramKind::Consolation, Some(1), 10),
        (2, ProgramKind::Consolation, Some(2), 10),
        (3, ProgramKind::Consolation, Some(3), 5),
    ];
    assert_eq!(paid(&terms, &[], &[0]), cut);
}

#[test]
fn shared_caps_cut_in_declared_order() {
    let mut terms = campaign(1_000, 4, 1, 0);
    terms.caps = vec![Cap {
        name: "uplines".to_owned(),
        limit: Money(50),
    }];
    terms.rewards = vec![
        generation(
            Source::All,
            Base::Fixed(Money(10)),
            &[1_000_000],
            None,
            Limit::Shared(0),
        ),
        generation(
            Source::All,
            Base::Fixed(Money(4)),
            &[1_000_000],
            None,
            Limit::Shared(0),
        ),
    ];
    let amounts: Vec<i64> = paid(&terms, &[0], &[0])
        .into_iter()
        .map(|(.., cash)| cash)
        .collect();
    assert_eq!(amounts, [10, 10, 10, 10, 4, 4, 2]);
    assert_eq!(solvency(&terms).unwrap().envelope.cash, Money(50));
}

#[test]
fn an_exempt_leader_is_never_drawn() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 3, 2, 100);
    terms.group.leader = LeaderRule::Exempt;
    let id = shop.publish(terms);
    for _ in 0..20 {
        let members = shop.members(3);
        let group = shop.fill(id, &members);
        let mut winners = shop.settle(group).winners;
        winners.sort_unstable();
        assert_eq!(winners, [1, 2]);
    }
    shop.check();
}

#[test]
fn channel_fees_are_an_expense_when_taken_and_come_back_unless_kept() {
    for (kept, fees, own) in [(false, 60, 840), (true, 180, 720)] {
        let mut shop = Shop::new();
        let mut terms = campaign(1_000, 3, 1, 100);
        terms.channel = ChannelTerms {
            fee: Rate(60_000),
            kept_on_refund: kept,
        };
        let id = shop.publish(terms);
        let members = shop.members(3);
        let group = shop.fill(id, &members);
        assert_eq!(shop.balance("channel-fees"), 180);
        shop.settle(group);
        shop.refund_all();
        assert_eq!(shop.balance("channel-fees"), fees);
        assert_eq!(shop.world.books().own, Money(own));
        assert_eq!(shop.balance("channel"), 1_000 - fees);
        shop.check();
    }
}
