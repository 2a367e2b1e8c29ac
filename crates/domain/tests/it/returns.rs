//! A buyer returns the product within the window (rules 9.1, 9.4, 9.5).

use domain::{
    rewards::{Base, Formation, Generation, Limit, Program, Reward, Source},
    *,
};

use crate::shop::{Shop, campaign, consolation, e0};

const DAY_S: i64 = 86_400;

/// A campaign with two winners, whose seats pay their uplines 0.50 each, and 0.02 for each recruited seat.
fn two_winners() -> Campaign {
    let mut terms = campaign(10_000, 4, 2, 1_000);
    let reward = |program| Reward {
        program,
        limit: Limit::None,
    };
    terms.rewards = vec![
        consolation(100, 50),
        reward(Program::Formation(Formation {
            per_recruit: Money(2),
        })),
        reward(Program::Generation(Generation {
            source: Source::Winners,
            base: Base::Fixed(Money(50)),
            rates: vec![Rate(1_000_000)],
            vip_depth: None,
        })),
    ];
    terms
}

/// Settles one group whose members all have inviters of their own.
fn settled(shop: &mut Shop, terms: Campaign) -> GroupSettled {
    let members: Vec<MemberId> = (0..terms.group.seats)
        .map(|_| {
            let inviter = shop.member(None);
            shop.member(Some(inviter))
        })
        .collect();
    let id = shop.publish(terms);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    shop.refund_all();
    settled
}

fn orders(settled: &GroupSettled) -> Vec<(OrderId, MemberId, u32)> {
    let buyers = settled.buyers();
    (settled.first_order.0..)
        .zip(buyers)
        .map(|(order, (number, seat))| (OrderId(order), seat.member, number))
        .collect()
}

fn receive(shop: &mut Shop, (order, member, _): (OrderId, MemberId, u32)) {
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder { order, member });
}

fn send_back(shop: &mut Shop, (order, member, _): (OrderId, MemberId, u32)) {
    shop.must(Command::ReturnOrder { order, member });
}

#[test]
fn what_came_from_the_seat_goes_and_the_rest_vests_when_the_others_are_kept() {
    let mut shop = Shop::new();
    let settled = settled(&mut shop, two_winners());
    let [first, second] = orders(&settled)[..] else {
        panic!("two winners")
    };
    let own = shop.world.books().own;
    assert_eq!(shop.balance("vesting"), -(3 * 2 + 2 * 50));
    receive(&mut shop, first);
    receive(&mut shop, second);
    send_back(&mut shop, first);
    shop.must(Command::TakeBackOrder { order: first.0 });
    // The seat's 0.50, and its 0.02 if it was recruited.
    let of_seat = 50 + if first.2 == 0 { 0 } else { 2 };
    assert_eq!(shop.balance("vesting"), -(106 - of_seat));
    assert_eq!(shop.balance("sales"), -10_000);
    assert_eq!(
        shop.balance("suppliers"),
        -2_000,
        "the unit is the platform's"
    );
    assert_eq!(shop.balance("refunds-due"), -10_000);
    assert_eq!(shop.refund_all(), Money(10_000));
    let back = own.0 - 10_000 + of_seat;
    assert_eq!(shop.world.books().own, Money(back));
    // Consolation is not taken back (rules 9.5).
    assert_eq!(shop.balance("available"), -200);
    shop.wait(7 * DAY_S);
    shop.must(Command::Tick(Due::Order(second.0)));
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.balance("available"), -200 - (106 - of_seat));
    shop.check();
}

#[test]
fn when_the_last_return_follows_a_kept_order_the_rest_vests_with_it() {
    let mut shop = Shop::new();
    let settled = settled(&mut shop, two_winners());
    let [first, second] = orders(&settled)[..] else {
        panic!("two winners")
    };
    receive(&mut shop, first);
    shop.wait(7 * DAY_S);
    shop.must(Command::Tick(Due::Order(first.0)));
    // Ranks are counted at midnight, for something was kept.
    shop.wait(DAY_S);
    shop.must(Command::Tick(Due::Day));
    receive(&mut shop, second);
    send_back(&mut shop, second);
    // Nobody says that it has arrived: after 15 days it counts as back by itself.
    let due = Due::Order(second.0);
    shop.wait(15 * DAY_S - 1);
    shop.must(Command::Tick(due));
    assert!(shop.world.order(second.0).is_some());
    shop.wait(1);
    shop.must(Command::Tick(due));
    assert!(shop.world.order(second.0).is_none());
    let of_seat = 50 + if second.2 == 0 { 0 } else { 2 };
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.balance("available"), -200 - (106 - of_seat));
    shop.check();
}

#[test]
fn when_all_winners_return_every_unvested_reward_is_reversed() {
    let mut shop = Shop::new();
    let settled = settled(&mut shop, e0());
    let [only] = orders(&settled)[..] else {
        panic!("one winner")
    };
    assert_eq!(shop.balance("vesting"), -3_800);
    receive(&mut shop, only);
    send_back(&mut shop, only);
    shop.must(Command::TakeBackOrder { order: only.0 });
    assert_eq!(shop.balance("vesting"), 0);
    shop.refund_all();
    // Rules 12, E0: -40 in cash, and the unit worth 20 in stock.
    assert_eq!(shop.world.books().own, Money(-4_000));
    assert_eq!(solvency(&e0()).unwrap().all_winners_return, Money(-4_000));
    shop.check();
}

#[test]
fn only_what_was_received_can_be_sent_back_and_only_in_time() {
    let mut shop = Shop::new();
    let settled = settled(&mut shop, two_winners());
    let [first, second] = orders(&settled)[..] else {
        panic!("two winners")
    };
    let (order, member, _) = first;
    let ask = Command::ReturnOrder { order, member };
    let take = Command::TakeBackOrder { order };
    let state = Err(Refusal::OrderState(order));
    assert_eq!(shop.try_do(ask.clone()), state);
    assert_eq!(shop.try_do(take.clone()), state);
    shop.must(Command::ShipOrder { order });
    assert_eq!(shop.try_do(ask.clone()), state);
    shop.must(Command::ReceiveOrder { order, member });
    let stranger = Command::ReturnOrder {
        order,
        member: second.1,
    };
    assert_eq!(shop.try_do(stranger), Err(Refusal::NotYourOrder(order)));
    assert_eq!(shop.try_do(take.clone()), state);
    // The last millisecond of the window.
    shop.clock = Millis(shop.clock.0 + 7 * DAY_S * 1_000 - 1);
    shop.must(ask.clone());
    assert_eq!(shop.try_do(ask), state, "once");
    shop.must(take.clone());
    assert_eq!(shop.try_do(take), Err(Refusal::UnknownOrder(order)));

    receive(&mut shop, second);
    shop.wait(7 * DAY_S);
    let (order, member, _) = second;
    let late = shop.try_do(Command::ReturnOrder { order, member });
    assert_eq!(late, Err(Refusal::UnknownOrder(order)));
    assert!(shop.world.order(order).is_none(), "it is kept");
    shop.check();
}

#[test]
fn a_returned_payment_gives_the_fee_back_unless_the_channel_keeps_it() {
    for (kept, fees) in [(false, 60), (true, 240)] {
        let mut shop = Shop::new();
        let mut terms = two_winners();
        terms.channel = ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: kept,
        };
        terms.rewards = Vec::new();
        let settled = settled(&mut shop, terms);
        let first = orders(&settled)[0];
        receive(&mut shop, first);
        send_back(&mut shop, first);
        shop.must(Command::TakeBackOrder { order: first.0 });
        shop.refund_all();
        assert_eq!(shop.balance("channel-fees"), fees);
        shop.check();
    }
}

#[test]
fn in_a_bonus_draw_each_buyer_may_return() {
    let mut shop = Shop::new();
    let mut terms = two_winners();
    terms.kind = Kind::BonusDraw;
    terms.prize = Some(Prize {
        title: terms.name.clone(),
        cost: Money(300),
    });
    let settled = settled(&mut shop, terms);
    let all = orders(&settled);
    assert_eq!(all.len(), 4);
    for &order in &all {
        receive(&mut shop, order);
        send_back(&mut shop, order);
        shop.must(Command::TakeBackOrder { order: order.0 });
    }
    assert_eq!(shop.refund_all(), Money(40_000));
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.balance("sales"), 0);
    // Products, prizes and consolation are spent.
    assert_eq!(
        shop.world.books().own,
        Money(-4 * 1_000 - 2 * 300 - 2 * 100)
    );
    shop.check();
}
