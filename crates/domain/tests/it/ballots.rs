//! Ballots (rules 4): registering is free, who is drawn may buy within a window, an unused right passes on.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    rewards::{Base, Generation, Limit, Program, Reward, Source},
    *,
};
use proptest::prelude::*;

use crate::shop::{Shop, campaign, consolation, reserved, tag};

const PRICE: i64 = 10_000;
const WINDOW_S: i64 = 300;

/// A ballot at 100.00 that costs 60.00, with 5 coins for the others and 1 % for the inviter of each buyer.
pub(crate) fn ballot(seats: u32, winners: u32) -> Campaign {
    let mut terms = campaign(PRICE, seats, winners, 6_000);
    terms.kind = Kind::Ballot;
    terms.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: false,
    };
    terms.rewards = vec![
        consolation(0, 500),
        Reward {
            program: Program::Generation(Generation {
                source: Source::Winners,
                base: Base::Price,
                rates: vec![Rate(10_000)],
                vip_depth: None,
            }),
            limit: Limit::None,
        },
    ];
    terms
}

fn registration(shop: &Shop, payment: PaymentId) -> Command {
    let (member, _) = shop.world.seat(payment).unwrap();
    Command::Ballot(BallotCommand::Register {
        payment,
        member,
        tag: tag(payment.group, member),
    })
}

fn register(shop: &mut Shop, payment: PaymentId) {
    let command = registration(shop, payment);
    assert_eq!(shop.must(command), Answer::Done);
}

/// Opens a group and registers these members; the first is the leader.
fn open(shop: &mut Shop, campaign: CampaignId, members: &[MemberId]) -> GroupId {
    let payment = shop.reserve_leader(campaign, members[0]);
    register(shop, payment);
    for &member in &members[1..] {
        let payment = shop.join(payment.group, member).unwrap();
        register(shop, payment);
    }
    payment.group
}

/// Fills a group and draws it; answers with everybody's place, in the draw's order.
pub(crate) fn drawn(
    shop: &mut Shop,
    campaign: CampaignId,
    members: &[MemberId],
) -> (GroupId, Vec<PaymentId>) {
    let group = open(shop, campaign, members);
    assert_eq!(shop.state(group), GroupState::Full);
    let outcome = Box::new(shop.outcome(group));
    // Seats are taken in the order of the reservations here.
    let order = outcome
        .order()
        .iter()
        .map(|&index| PaymentId { group, index })
        .collect();
    shop.must(Command::SettleGroup { group, outcome });
    (group, order)
}

fn settled(shop: &Shop) -> GroupSettled {
    let events = shop.records.iter().rev().flat_map(|record| &record.events);
    let settled = events
        .filter_map(|event| match event {
            Event::GroupSettled(settled) => Some((**settled).clone()),
            _ => None,
        })
        .next();
    settled.unwrap()
}

fn tick(shop: &mut Shop) {
    while let Some((_, due)) = shop.world.due_timer(shop.clock) {
        shop.must(Command::Tick(due));
    }
}

fn member_of(shop: &Shop, payment: PaymentId) -> MemberId {
    shop.world.seat(payment).unwrap().0
}

fn code<T>(answer: Result<T, Refusal>) -> &'static str {
    answer.err().map_or("done", |refusal| refusal.code())
}

fn bounced(answer: PaymentAnswer) -> &'static str {
    match answer {
        PaymentAnswer::Bounced { reason, .. } => reason.name(),
        PaymentAnswer::Seated(_) => "bought",
        PaymentAnswer::Known => "known",
    }
}

#[test]
fn who_is_drawn_buys_and_the_others_get_coins() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(5, 2));
    let inviter = shop.member(None);
    let members: Vec<MemberId> = (0..5).map(|_| shop.member(Some(inviter))).collect();
    let (group, order) = drawn(&mut shop, id, &members);
    assert_eq!(shop.state(group), GroupState::Drawn);
    assert_eq!(shop.balance("channel"), 0);
    assert_eq!(bounced(shop.pay(order[1])), "bought");
    assert_eq!(shop.state(group), GroupState::Drawn);
    let buyer = member_of(&shop, order[1]);
    assert_eq!(shop.world.member(buyer).unwrap().in_groups, Money(PRICE));
    assert_eq!(bounced(shop.pay(order[0])), "bought");

    assert_eq!(shop.state(group), GroupState::Settled);
    let over = settled(&shop);
    assert_eq!(over.winners, [order[0].index, order[1].index]);
    assert_eq!(over.ballot, Some(Box::default()));
    assert_eq!((over.buyers().len(), over.refunded().len()), (2, 0));
    assert_eq!(shop.world.pending_refund_count(), 0);
    for (account, amount) in [
        ("channel", 2 * (PRICE - 60)),
        ("sales", -2 * PRICE),
        ("suppliers", -2 * 6_000),
        ("channel-fees", 2 * 60),
        ("rewards", 2 * 100),
        ("vesting", -2 * 100),
        ("escrow", 0),
        ("coins", -3 * 500),
    ] {
        assert_eq!(shop.balance(account), amount, "{account}");
    }
    for &payment in &order[2..] {
        let member = members[payment.index as usize];
        assert_eq!(shop.world.member(member).unwrap().coins, Coins(500));
    }
    shop.check();
}

#[test]
fn an_unused_right_passes_to_the_next_lowest_score_at_its_deadline() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(5, 2));
    let members = shop.members(5);
    let (group, order) = drawn(&mut shop, id, &members);
    let opened = shop.clock;
    let until = Millis(opened.0 + WINDOW_S * 1000);
    assert_eq!(shop.world.right(order[0]), Some(RightState::Open(until)));
    assert_eq!(shop.world.right(order[2]), None);
    // The last moment is in time.
    shop.clock = Millis(until.0 - 1);
    tick(&mut shop);
    assert_eq!(bounced(shop.pay(order[0])), "bought");
    // The deadline is not: the payment itself finds the right gone, and passed on.
    shop.clock = until;
    assert_eq!(bounced(shop.pay(order[1])), "right_lapsed");
    assert_eq!(shop.refund_all(), Money(PRICE));
    assert_eq!(shop.world.right(order[1]), Some(RightState::Lapsed));
    let next = Millis(until.0 + WINDOW_S * 1000);
    assert_eq!(shop.world.right(order[2]), Some(RightState::Open(next)));
    assert_eq!(shop.world.right(order[3]), None);
    // It is counted from when it is given, however late that is.
    shop.clock = Millis(next.0 + 77_000);
    tick(&mut shop);
    let later = Millis(shop.clock.0 + WINDOW_S * 1000);
    assert_eq!(shop.world.right(order[3]), Some(RightState::Open(later)));
    assert_eq!(bounced(shop.pay(order[3])), "bought");

    assert_eq!(shop.state(group), GroupState::Settled);
    let over = settled(&shop);
    assert_eq!(over.winners, [order[0].index, order[3].index]);
    let unused: BTreeSet<u32> = over.ballot.unwrap().unused.into_iter().collect();
    assert_eq!(unused, BTreeSet::from([order[1].index, order[2].index]));
    // Coins are for the one who never had a right.
    let coins = |place: usize| {
        let member = members[order[place].index as usize];
        shop.world.member(member).unwrap().coins
    };
    assert_eq!([0, 1, 2, 3, 4].map(coins), [0, 0, 0, 0, 500].map(Coins));
    shop.check();
}

#[test]
fn what_becomes_of_payments() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(4, 2));
    let members = shop.members(4);
    let group = open(&mut shop, id, &members[..3]);
    let payment = PaymentId { group, index: 1 };
    let pay = |shop: &mut Shop, payment, suffix: &str, fen| {
        bounced(shop.pay_as(payment, suffix, Money(fen)).unwrap())
    };
    assert_eq!(pay(&mut shop, payment, "early", PRICE), "nothing_to_pay");
    let last = shop.join(group, members[3]).unwrap();
    assert_eq!(pay(&mut shop, last, "held", PRICE), "nothing_to_pay");
    register(&mut shop, last);
    assert_eq!(pay(&mut shop, last, "full", PRICE), "nothing_to_pay");
    let outcome = Box::new(shop.outcome(group));
    let order: Vec<PaymentId> = outcome
        .order()
        .iter()
        .map(|&index| PaymentId { group, index })
        .collect();
    shop.must(Command::SettleGroup { group, outcome });
    for (place, suffix, fen, what) in [
        (0, "low", PRICE - 1, "amount_differs"),
        (3, "undrawn", PRICE, "nothing_to_pay"),
        (0, "", PRICE, "bought"),
        (0, "", PRICE, "known"),
        (0, "again", PRICE, "second_payment"),
        (0, "high", PRICE + 1, "amount_differs"),
    ] {
        assert_eq!(pay(&mut shop, order[place], suffix, fen), what, "{suffix}");
    }
    shop.wait(WINDOW_S);
    assert_eq!(pay(&mut shop, order[1], "late", PRICE), "right_lapsed");
    assert_eq!(pay(&mut shop, order[1], "late", PRICE), "known");
    assert_eq!(pay(&mut shop, order[2], "", PRICE), "bought");
    assert_eq!(shop.state(group), GroupState::Settled);
    let refused = shop.pay_as(order[3], "over", Money(PRICE));
    assert_eq!(code(refused), "payment_not_in_memory");
    let txn = shop.txn("over");
    let answer = shop.must(Command::BouncePayment {
        payment: Some(order[3]),
        member: Some(members[0]),
        txn,
        amount: Money(PRICE),
    });
    let Answer::Payment(answer) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(bounced(answer), "group_settled");
    shop.refund_all();
    assert_eq!(shop.balance("channel"), 2 * (PRICE - 60));
    shop.check();
}

/// A gateway that serves a member can pay his right, but nobody's registration.
#[test]
fn money_that_comes_of_itself_uses_a_right_or_goes_back() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let members = shop.members(4);
    let (group, order) = drawn(&mut shop, id, &members[..3]);
    let paid = |shop: &mut Shop, member: MemberId, name: &str| {
        let txn = shop.txn(name);
        let answer = shop.must(Command::JoinPaid {
            group,
            member,
            via: None,
            txn,
            amount: Money(PRICE),
            tag: tag(group, member),
        });
        match answer {
            Answer::Payment(answer) => bounced(answer),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(paid(&mut shop, members[3], "a"), "nothing_to_pay");
    let second = member_of(&shop, order[1]);
    assert_eq!(paid(&mut shop, second, "b"), "nothing_to_pay");
    let first = member_of(&shop, order[0]);
    assert_eq!(paid(&mut shop, first, "c"), "bought");
    assert_eq!(shop.state(group), GroupState::Settled);
    shop.check();
}

#[test]
fn where_nobody_buys_only_who_was_never_asked_gets_coins() {
    for (leader, coins) in [(LeaderRule::Equal, 0), (LeaderRule::Exempt, 500)] {
        let mut shop = Shop::new();
        let mut terms = ballot(3, 1);
        terms.group.leader = leader;
        let id = shop.publish(terms);
        let members = shop.members(3);
        let (group, order) = drawn(&mut shop, id, &members);
        for _ in &order {
            assert_eq!(shop.state(group), GroupState::Drawn);
            shop.wait(WINDOW_S);
            tick(&mut shop);
        }
        assert_eq!(shop.state(group), GroupState::Settled);
        let over = settled(&shop);
        assert_eq!(over.winners, [0u32; 0]);
        assert_eq!(over.ballot.unwrap().unused.len(), order.len());
        assert_eq!(shop.balance("coins"), -coins);
        assert_eq!(shop.balance("sales"), 0);
        assert_eq!(shop.world.member(members[0]).unwrap().coins, Coins(coins));
        shop.check();
    }
}

#[test]
fn a_chance_that_hits_nobody_is_settled_at_once() {
    let mut shop = Shop::new();
    let mut terms = ballot(3, 2);
    terms.group.chance = Some(Chance { p: Rate(1), min: 0 });
    let id = shop.publish(terms);
    let members = shop.members(3);
    let (group, _) = drawn(&mut shop, id, &members);
    assert_eq!(shop.state(group), GroupState::Settled);
    assert_eq!(shop.balance("coins"), -3 * 500);
    assert_eq!(shop.world.no_timer_before().map(|_| ()), Some(()));
    tick(&mut shop);
    shop.check();
}

#[test]
fn without_a_draw_there_is_nothing_to_give_back() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let members = shop.members(3);
    let ends: [fn(&mut Shop, GroupId, MemberId); 4] = [
        |shop, group, leader| {
            let member = leader;
            shop.must(Command::LeaveGroup { group, member });
        },
        |shop, group, _| {
            shop.must(Command::CancelGroup { group });
        },
        |shop, group, _| {
            shop.wait(86_400);
            shop.must(Command::Tick(Due::Group(group)));
        },
        |shop, group, leader| {
            let last = MemberId(leader.0 + 2);
            let payment = shop.join(group, last).unwrap();
            register(shop, payment);
            shop.wait(2 * 86_400);
            shop.must(Command::VoidGroup { group });
        },
    ];
    let states = ["cancelled", "cancelled", "expired", "void"];
    for (end, state) in ends.into_iter().zip(states) {
        let group = open(&mut shop, id, &members[..2]);
        end(&mut shop, group, members[0]);
        assert_eq!(shop.state(group).name(), state);
        assert_eq!(shop.world.pending_refund_count(), 0);
        shop.check();
    }
    assert_eq!((shop.balance("channel"), shop.balance("coins")), (0, 0));
}

#[test]
fn who_can_register() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let sale = shop.publish(campaign(PRICE, 3, 1, 0));
    let members = shop.members(5);
    let ask = |shop: &mut Shop, payment, member, tag| {
        code(shop.try_do(Command::Ballot(BallotCommand::Register {
            payment,
            member,
            tag,
        })))
    };
    let paid = shop.reserve_leader(sale, members[0]);
    assert_eq!(ask(&mut shop, paid, members[0], [1; 32]), "ballot_none");
    let first = shop.reserve_leader(id, members[0]);
    let group = first.group;
    // Nobody joins before the leader has registered.
    assert_eq!(code(shop.join(group, members[1])), "leader_not_paid");
    assert_eq!(
        ask(&mut shop, first, members[1], [1; 32]),
        "ballot_not_reserved"
    );
    let beyond = PaymentId { group, index: 9 };
    assert_eq!(
        ask(&mut shop, beyond, members[0], [1; 32]),
        "ballot_not_reserved"
    );
    assert_eq!(ask(&mut shop, first, members[0], [0; 32]), "tag_missing");
    register(&mut shop, first);
    let before = shop.records.len();
    register(&mut shop, first);
    assert_eq!(shop.records.len(), before, "a second time has no effect");
    assert_eq!(code(shop.join(group, members[0])), "seat_limit");
    // A place that is not taken in time is free again, and taken anew.
    let slow = shop.join(group, members[1]).unwrap();
    shop.wait(WINDOW_S);
    assert_eq!(
        ask(&mut shop, slow, members[1], [1; 32]),
        "ballot_not_reserved"
    );
    assert_eq!(shop.join(group, members[1]).unwrap(), slow);
    register(&mut shop, slow);
    // Who leaves can come back.
    let member = members[1];
    shop.must(Command::LeaveGroup { group, member });
    assert_eq!(shop.world.group(group).unwrap().paid, 1);
    assert_eq!(shop.join(group, member).unwrap(), slow);
    register(&mut shop, slow);
    shop.must(Command::FreezeMember { member: members[3] });
    assert_eq!(code(shop.join(group, members[3])), "member_frozen");
    let last = shop.join(group, members[2]).unwrap();
    assert_eq!(code(shop.join(group, members[4])), "group_full");
    register(&mut shop, last);
    assert_eq!(shop.state(group), GroupState::Full);
    assert_eq!(code(shop.join(group, members[4])), "group_not_open");
    let leave = Command::LeaveGroup { group, member };
    assert_eq!(code(shop.try_do(leave)), "group_not_open");
    let outcome = Box::new(shop.outcome(group));
    let again = Command::SettleGroup {
        group,
        outcome: outcome.clone(),
    };
    shop.must(Command::SettleGroup { group, outcome });
    assert_eq!(code(shop.try_do(again)), "ballot_drawn");
    shop.wait(-WINDOW_S);
    assert_eq!(
        code(shop.try_do(Command::VoidGroup { group })),
        "ballot_drawn"
    );
    shop.check();
}

#[test]
fn in_ones_own_name_only() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let members = shop.members(2);
    let payment = shop.reserve_leader(id, members[0]);
    let command = registration(&shop, payment);
    let refused = shop.request(&Request {
        actor: Actor::Member(members[1]),
        key: None,
        command,
    });
    assert_eq!(code(refused), "not_yourself");
}

/// What was drawn stands: he may buy or not.
#[test]
fn a_right_stands_whatever_becomes_of_its_member() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 2));
    let members = shop.members(3);
    let (group, order) = drawn(&mut shop, id, &members);
    let (frozen, excluded) = (member_of(&shop, order[0]), member_of(&shop, order[1]));
    shop.must(Command::FreezeMember { member: frozen });
    shop.must(Command::ExcludeSelf {
        member: excluded,
        days: None,
    });
    assert_eq!(bounced(shop.pay(order[0])), "bought");
    assert_eq!(bounced(shop.pay(order[1])), "bought");
    assert_eq!(shop.state(group), GroupState::Settled);
    shop.check();
}

#[test]
fn limits_count_entries_and_losses_but_no_money() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(2, 1));
    let members = shop.members(2);
    for &member in &members {
        shop.must(Command::SetLimits {
            member,
            limits: MemberLimits {
                entries_per_day: Some(3),
                money_in_groups: Some(Money::ZERO),
                loss_pause: Some(LossPause {
                    losses: 1,
                    pause: Duration(DAY_MS),
                }),
            },
        });
    }
    let (_, order) = drawn(&mut shop, id, &members);
    let (lucky, other) = (member_of(&shop, order[0]), member_of(&shop, order[1]));
    // The first lets it lapse, the second buys: nobody has lost.
    shop.wait(WINDOW_S);
    tick(&mut shop);
    assert_eq!(bounced(shop.pay(order[1])), "bought");
    for member in [lucky, other] {
        assert_eq!(shop.world.limits(member, shop.clock).paused_until, None);
    }
    let (_, order) = drawn(&mut shop, id, &members);
    let loser = member_of(&shop, order[1]);
    assert_eq!(bounced(shop.pay(order[0])), "bought");
    let until = shop.clock.after(Duration(DAY_MS));
    let paused = shop.world.limits(loser, shop.clock).paused_until;
    assert_eq!(paused, Some(until));
    let winner = members[usize::from(loser == members[0])];
    open(&mut shop, id, &[winner]);
    let refused = shop.try_do(Command::OpenGroup {
        campaign: id,
        member: winner,
        via: None,
    });
    assert_eq!(code(refused), "entries_limit");
    shop.check();
}

/// VIP levels count who has bought: else they could be had for nothing.
#[test]
fn a_free_registration_makes_no_vip_level() {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let inviters = shop.members(3);
    let members: Vec<MemberId> = inviters
        .iter()
        .map(|&inviter| shop.member(Some(inviter)))
        .collect();
    let (_, order) = drawn(&mut shop, id, &members);
    shop.pay(order[0]);
    let levels: Vec<u32> = order
        .iter()
        .map(|payment| shop.world.member(inviters[payment.index as usize]))
        .map(|view| view.unwrap().vip)
        .collect();
    assert_eq!(levels, [1, 0, 0]);
    shop.check();
}

/// Who has bought first waits until nobody else can: that is bounded.
#[test]
fn no_right_lasts_beyond_sixty_days_after_the_draw() {
    // Two at once: one buys at once, and the other right passes on, a day each.
    let mut shop = Shop::new();
    let mut terms = ballot(70, 2);
    terms.group.payment_window = Duration(DAY_MS);
    let id = shop.publish(terms);
    let members = shop.members(70);
    let (group, order) = drawn(&mut shop, id, &members);
    let drawn_at = shop.clock;
    shop.pay(order[0]);
    for day in 1..=60 {
        assert_eq!(shop.state(group), GroupState::Drawn, "day {day}");
        shop.clock = drawn_at.after(Duration(day * DAY_MS));
        tick(&mut shop);
    }
    assert_eq!(shop.state(group), GroupState::Settled);
    let over = settled(&shop);
    let unused = over.ballot.unwrap().unused.len();
    assert_eq!((over.winners.len(), unused), (1, 60));
    shop.check();
}

/// A server that was away for a while: the next right would last too long, so there is none.
#[test]
fn a_right_that_would_last_too_long_is_not_given() {
    for (late, rights) in [(0, 2), (1, 1)] {
        let mut shop = Shop::new();
        let mut terms = ballot(3, 1);
        terms.group.payment_window = Duration(DAY_MS);
        let id = shop.publish(terms);
        let members = shop.members(3);
        let (group, order) = drawn(&mut shop, id, &members);
        shop.clock = shop.clock.after(Duration(59 * DAY_MS + late));
        tick(&mut shop);
        let had = order
            .iter()
            .filter_map(|&payment| shop.world.right(payment));
        let had = had.count();
        let is_over = shop.state(group) == GroupState::Settled;
        assert_eq!((is_over, had), (rights == 1, if is_over { 0 } else { 2 }));
        shop.clock = shop.clock.after(Duration(DAY_MS));
        tick(&mut shop);
        assert_eq!(settled(&shop).ballot.unwrap().unused.len(), rights);
        shop.check();
    }
}

/// Nothing can come back where nobody has bought, so nothing waits, of the leader's coins and of the merchant's sales neither.
#[test]
fn where_nobody_buys_nothing_waits() {
    for is_merchants in [false, true] {
        let mut shop = Shop::new();
        let mut terms = ballot(3, 1);
        terms.rewards.push(Reward {
            program: Program::Leader(domain::rewards::Leader {
                cash: Money(0),
                coins: Coins(700),
                unless_won: false,
            }),
            limit: Limit::None,
        });
        terms.merchant = is_merchants.then_some(MerchantTerms {
            commission: Rate(100_000),
        });
        let id = shop.publish_whosever(terms).unwrap();
        let members = shop.members(3);
        let (group, order) = drawn(&mut shop, id, &members);
        while shop.state(group) != GroupState::Settled {
            shop.wait(WINDOW_S);
            tick(&mut shop);
        }
        assert_eq!(settled(&shop).winners, []);
        let leader = shop.world.member(members[0]).unwrap();
        assert_eq!((leader.coins, leader.vesting_coins), (Coins(700), Coins(0)));
        assert_eq!(order.len(), 3);
        shop.check();
    }
}

/// The installation as it comes can run a ballot with coins for the others (rules 11).
#[test]
fn cn_default_runs_a_ballot() {
    let mut shop = Shop::new();
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::CnDefault),
    });
    shop.must(crate::identities::organiser("Lakeside Ltd", "400-123"));
    let mut terms = ballot(5, 2);
    terms.profile = Profile::CnDefault;
    terms.rewards.truncate(1);
    let id = shop.publish(terms);
    let members = shop.members(5);
    let (group, order) = drawn(&mut shop, id, &members);
    shop.pay(order[0]);
    shop.pay(order[1]);
    assert_eq!(shop.state(group), GroupState::Settled);
    shop.check();
}

/// What is in the journal's records of a ballot: for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let id = shop.publish(ballot(3, 1));
    let members = shop.members(3);
    let group = open(&mut shop, id, &members[..2]);
    let member = members[1];
    shop.must(Command::LeaveGroup { group, member });
    let again = shop.join(group, member).unwrap();
    register(&mut shop, again);
    let last = shop.join(group, members[2]).unwrap();
    register(&mut shop, last);
    let outcome = Box::new(shop.outcome(group));
    let order: Vec<u32> = outcome.order().to_vec();
    shop.must(Command::SettleGroup { group, outcome });
    shop.wait(WINDOW_S);
    let late = PaymentId {
        group,
        index: order[0],
    };
    shop.pay(late);
    let index = order[1];
    shop.pay(PaymentId { group, index });
    shop.check();
    shop.records
}

#[derive(Clone, Debug)]
enum Step {
    Open(usize),
    Join(usize),
    Register(usize),
    Leave(usize),
    Draw,
    Pay(usize),
    PayWrong(usize),
    Wait(i64),
    Tick,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..60usize;
    prop_oneof![
        2 => any.clone().prop_map(Step::Open),
        12 => any.clone().prop_map(Step::Join),
        20 => any.clone().prop_map(Step::Register),
        1 => any.clone().prop_map(Step::Leave),
        8 => Just(Step::Draw),
        16 => any.clone().prop_map(Step::Pay),
        2 => any.prop_map(Step::PayWrong),
        6 => (1..200i64).prop_map(Step::Wait),
        6 => Just(Step::Tick),
        1 => Just(Step::Reload),
    ]
}

struct Played {
    shop: Shop,
    campaign: CampaignId,
    winners: usize,
    members: Vec<MemberId>,
    paid: u32,
    seen: usize,
    /// By the events alone: who has a right, by group.
    open: BTreeMap<GroupId, BTreeMap<u32, Millis>>,
    had: BTreeSet<(GroupId, u32)>,
    order: BTreeMap<GroupId, Vec<u32>>,
    settled: u32,
    passed: u32,
}

impl Played {
    fn new(seats: u32, winners: u32, per_member: u32) -> Played {
        let mut shop = Shop::new();
        let mut terms = ballot(seats, winners);
        terms.group.seats_per_member = per_member;
        let campaign = shop.publish(terms);
        let top = shop.member(None);
        let members = (0..6).map(|_| shop.member(Some(top))).collect();
        Played {
            shop,
            campaign,
            winners: winners as usize,
            members,
            paid: 0,
            seen: 0,
            open: BTreeMap::new(),
            had: BTreeSet::new(),
            order: BTreeMap::new(),
            settled: 0,
            passed: 0,
        }
    }

    fn groups(&self) -> Vec<GroupId> {
        (0..self.shop.world.groups()).map(GroupId).collect()
    }

    fn places(&self) -> Vec<PaymentId> {
        let groups = self.groups().into_iter();
        let known = |group| {
            (0..9)
                .map(move |index| PaymentId { group, index })
                .filter(|&payment| self.shop.world.seat(payment).is_some())
        };
        groups.flat_map(known).collect()
    }

    fn member(&self, which: usize) -> MemberId {
        self.members[which % self.members.len()]
    }

    fn pay(&mut self, which: usize, amount: i64) {
        let places = self.places();
        if places.is_empty() {
            return;
        }
        let payment = places[which % places.len()];
        self.paid += 1;
        let suffix = format!("n{}", self.paid);
        let _answered = self.shop.pay_as(payment, &suffix, Money(amount));
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Open(which) => {
                let (campaign, member) = (self.campaign, self.member(which));
                if let Ok(answer) = self.shop.try_do(Command::OpenGroup {
                    campaign,
                    member,
                    via: None,
                }) {
                    register(&mut self.shop, reserved(answer));
                }
            }
            Step::Join(which) => {
                let groups = self.groups();
                if let Some(&group) = groups.get(which % groups.len().max(1)) {
                    let _answered = self.shop.join(group, self.member(which / 7));
                }
            }
            Step::Register(which) => {
                let places = self.places();
                if let Some(&payment) = places.get(which % places.len().max(1)) {
                    let command = registration(&self.shop, payment);
                    let _answered = self.shop.try_do(command);
                }
            }
            Step::Leave(which) => {
                let groups = self.groups();
                if let Some(&group) = groups.get(which % groups.len().max(1)) {
                    let member = self.member(which / 7);
                    let _answered = self.shop.try_do(Command::LeaveGroup { group, member });
                }
            }
            Step::Draw => {
                if let Some(waiting) = self.shop.world.awaiting_draw(1).first() {
                    let group = waiting.group;
                    let outcome = Box::new(self.shop.outcome(group));
                    self.shop.must(Command::SettleGroup { group, outcome });
                }
            }
            Step::Pay(which) => self.pay(which, PRICE),
            Step::PayWrong(which) => self.pay(which, PRICE - 5),
            Step::Wait(seconds) => self.shop.wait(seconds),
            Step::Tick => tick(&mut self.shop),
            Step::Reload => {
                let snapshot = self.shop.world.to_snapshot();
                self.shop.world = World::from_snapshot(&snapshot).unwrap();
            }
        }
        self.hear();
    }

    /// Follows the rights by the events, told once more.
    fn hear(&mut self) {
        let records = self.shop.records[self.seen..].to_vec();
        self.seen += records.len();
        for record in records {
            for event in &record.events {
                self.hear_one(record.at, event);
            }
        }
    }

    fn give(&mut self, group: GroupId, given: &[Right], until: Millis) {
        for right in given {
            assert!(self.had.insert((group, right.seat)), "a seat has one right");
            let had = self.had.range((group, 0)..=(group, u32::MAX)).count();
            assert!(
                self.order[&group][..had].contains(&right.seat),
                "rights follow the scores"
            );
            self.open
                .entry(group)
                .or_default()
                .insert(right.seat, until);
        }
        assert!(
            self.open[&group].len() <= self.winners,
            "too many rights at once"
        );
    }

    fn hear_one(&mut self, at: Millis, event: &Event) {
        match event {
            Event::Ballot(BallotEvent::Drawn(drawn)) => {
                self.order.insert(drawn.group, drawn.order.clone());
                self.open.insert(drawn.group, BTreeMap::new());
                self.give(drawn.group, &drawn.given, drawn.until);
            }
            Event::Ballot(BallotEvent::RightsPassed {
                group,
                lapsed,
                given,
                until,
            }) => {
                for right in lapsed {
                    let due = self.open.get_mut(group).unwrap().remove(&right.seat);
                    assert!(due.unwrap() <= at, "a right lapses too early");
                }
                assert!(given.len() <= lapsed.len());
                self.passed += given.len() as u32;
                self.give(*group, given, *until);
            }
            Event::PaymentAccepted { payment, .. } => {
                // Seats are in the order of registrations, which may not be that of reservations.
                let open = self.open.get_mut(&payment.group).unwrap();
                let before = open.len();
                open.retain(|&seat, &mut until| {
                    let used = self.shop.world.campaign_of(payment.group).is_some()
                        && seat_of(&self.shop.records, payment.group, seat) == payment.index;
                    assert!(!used || at < until, "a right is used after its deadline");
                    !used
                });
                assert_eq!(open.len() + 1, before, "who pays had a right");
            }
            Event::GroupSettled(settled) => {
                assert!(self.open[&settled.group].is_empty(), "settled too early");
                assert!(settled.winners.len() <= self.winners);
                let had = self
                    .had
                    .range((settled.group, 0)..=(settled.group, u32::MAX));
                let unused = settled.ballot.as_ref().unwrap().unused.len();
                assert_eq!(had.count(), settled.winners.len() + unused);
                self.settled += 1;
            }
            _ => {}
        }
    }
}

/// The reservation of a seat, by the event that sealed it.
fn seat_of(records: &[Record], group: GroupId, seat: u32) -> u32 {
    let events = records.iter().flat_map(|record| &record.events);
    let mut filled = events.filter_map(|event| match event {
        Event::GroupFilled {
            group: id, seats, ..
        } if *id == group => Some(seats),
        _ => None,
    });
    filled.next().unwrap()[seat as usize].index
}

fn play(sizes: (u32, u32, u32), steps: &[Step]) -> Played {
    let mut played = Played::new(sizes.0, sizes.1, sizes.2);
    for step in steps {
        played.take(step);
    }
    played
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// In any history: money is conserved, a seat has one right at most, never more than W are open, and they follow the scores.
    #[test]
    fn rights_follow_the_scores_and_money_is_conserved(
        winners in 1..=3u32,
        per_member in 1..=2u32,
        steps in prop::collection::vec(step(), 0..250),
    ) {
        let mut played = play((3, winners, per_member), &steps);
        played.shop.check();
        // All that came in is held, sold or due back.
        let booked: i64 = played.shop.balance("channel") + played.shop.balance("channel-fees");
        let owed = ["escrow", "refunds-due", "sales"].map(|account| played.shop.balance(account));
        prop_assert_eq!(booked, -owed.iter().sum::<i64>());
        // Left alone, every drawn ballot comes to its end.
        for _ in 0..20 {
            played.shop.wait(WINDOW_S);
            tick(&mut played.shop);
            played.hear();
        }
        prop_assert!(played.shop.world.open_rights().is_empty());
        played.shop.check();
    }
}

/// The histories are worth something: most of them pass rights on and settle.
#[test]
fn the_histories_pass_rights_on() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut settled, mut passed) = (0, 0);
    for _ in 0..20 {
        let steps = prop::collection::vec(step(), 250)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let played = play((3, 1, 1), &steps);
        settled += played.settled;
        passed += played.passed;
    }
    assert!(20 < settled && 10 < passed, "{settled} {passed}");
}
