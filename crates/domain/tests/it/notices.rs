//! What members are told of each kind of event (rules 9.8).

use std::fmt::Write as _;

use domain::*;

use crate::stored;

const GROUP: GroupId = GroupId(7);

/// Everything a notice says, in a line; what is nothing is left out.
fn line(notice: &Notice) -> String {
    let mut said = match notice.to {
        NoticeTo::Member(member) => format!("{member}"),
        NoticeTo::Buyer(order) => format!("buyer of {order}"),
        NoticeTo::Purchaser(purchase) => format!("buyer of purchase {purchase}"),
        NoticeTo::Asker(withdrawal) => format!("asker of {withdrawal}"),
    };
    write!(said, " {}", notice.kind.name()).unwrap();
    if let Some(group) = notice.group {
        write!(said, " group {group}").unwrap();
    }
    if let Some(number) = notice.number {
        write!(said, " no. {number}").unwrap();
    }
    for (name, amount) in [
        ("amount", notice.amount.0),
        ("extra", notice.extra.0),
        ("tax", notice.tax.0),
        ("coins", notice.coins.0),
        ("won", i64::from(notice.won)),
        ("lost", i64::from(notice.lost)),
    ] {
        if amount != 0 {
            write!(said, " {name} {amount}").unwrap();
        }
    }
    if let Some(why) = notice.why {
        write!(said, " {why:?}").unwrap();
    }
    said
}

fn told(event: &Event) -> Vec<Notice> {
    let mut found = Vec::new();
    notices(event, &mut |notice| found.push(notice));
    found
}

#[track_caller]
fn check(event: &Event, expected: &[&str]) {
    let lines: Vec<String> = told(event).iter().map(line).collect();
    assert_eq!(lines, expected, "{event:?}");
}

fn payment() -> PaymentId {
    PaymentId {
        group: GROUP,
        index: 3,
    }
}

fn filled_seat(index: u32, member: u32) -> FilledSeat {
    FilledSeat {
        index,
        member: MemberId(member),
        via: None,
        uplines: Vec::new(),
        walk: Vec::new(),
        agents: Agents::default(),
        home_store: None,
    }
}

/// Three seats, of members 5, 4 and 5; seat 0 has won.
fn settled() -> GroupSettled {
    let seat = |index, member| SeatRef {
        index,
        member: MemberId(member),
    };
    GroupSettled {
        group: GROUP,
        signature: [1; 48],
        seed: [1; 32],
        winners: vec![0],
        seats: vec![seat(0, 5), seat(1, 4), seat(2, 5)],
        price: Money(1_000),
        cost: Money(200),
        consolation_cash: Money(50),
        consolation_coins: Coins(30),
        first_refund: RefundId(0),
        first_order: OrderId(0),
        rewards: Vec::new(),
        everyone_buys: false,
        prize: Money::ZERO,
        pooled: None,
        tax: Rate(0),
        ballot: None,
    }
}

fn settled_event(change: impl FnOnce(&mut GroupSettled)) -> Event {
    let mut settled = settled();
    change(&mut settled);
    Event::GroupSettled(Box::new(settled))
}

fn bounced(member: Option<MemberId>, payment: Option<PaymentId>) -> Event {
    Event::PaymentBounced {
        payment,
        member,
        txn: Txn::new("T1").unwrap(),
        amount: Money(1_000),
        fee: Money(6),
        fee_kept: false,
        refund: RefundId(1),
        reason: Bounce::SecondPayment,
    }
}

/// Who may buy is told, and who did not in time; the settlement tells the others, and each once.
#[test]
fn ballots() {
    let right = |seat, member| Right {
        seat,
        index: seat,
        member: MemberId(member),
    };
    let drawn = BallotDrawn {
        group: GROUP,
        signature: [1; 48],
        seed: [1; 32],
        order: vec![0, 2, 1],
        given: vec![right(0, 5), right(2, 5)],
        until: Millis(9),
    };
    let drawn = Event::Ballot(BallotEvent::Drawn(Box::new(drawn)));
    check(&drawn, &["5 may_buy group 7"]);
    let passed = Event::Ballot(BallotEvent::RightsPassed {
        group: GROUP,
        lapsed: vec![right(0, 5)],
        given: vec![right(1, 4)],
        until: Millis(9),
    });
    check(&passed, &["4 may_buy group 7", "5 right_unused group 7"]);
    let over = |winners: Vec<u32>, unused: Vec<u32>| {
        settled_event(|settled| {
            settled.signature = [0; 48];
            settled.consolation_cash = Money::ZERO;
            settled.winners = winners;
            settled.ballot = Some(Box::new(BallotOver { unused }));
        })
    };
    check(
        &over(vec![1], vec![0]),
        &[
            "4 bought group 7 won 1",
            "5 not_won group 7 coins 30 lost 2",
        ],
    );
    check(&over(vec![1], vec![0, 2]), &["4 bought group 7 won 1"]);
}

#[test]
fn groups_that_fill_and_end() {
    let filled = Event::GroupFilled {
        group: GROUP,
        seats: vec![filled_seat(0, 5), filled_seat(1, 4), filled_seat(2, 5)],
        frozen_at: 1,
        round: 2,
        freeze: [0; 32],
    };
    check(&filled, &["4 filled group 7", "5 filled group 7"]);
    check(
        &settled_event(|_| ()),
        &[
            "4 not_won group 7 amount 1000 extra 50 coins 30 lost 1",
            "5 won group 7 amount 1000 extra 50 coins 30 won 1 lost 1",
        ],
    );
    // Everyone buys, and one of them is drawn for the prize.
    check(
        &settled_event(|settled| settled.everyone_buys = true),
        &[
            "4 bought group 7 extra 50 coins 30 lost 1",
            "5 won group 7 extra 50 coins 30 won 1 lost 1",
        ],
    );
    // Nothing is drawn.
    let nothing_drawn = settled_event(|settled| {
        (settled.signature, settled.seed) = ([0; 48], [0; 32]);
        settled.winners = vec![0, 1, 2];
    });
    check(
        &nothing_drawn,
        &["4 bought group 7 won 1", "5 bought group 7 won 2"],
    );
    let closed = Event::GroupClosed {
        group: GROUP,
        why: Closing::Expired,
        refund_each: Money(1_000),
        first_refund: RefundId(0),
        refunds: settled().seats,
    };
    check(
        &closed,
        &[
            "4 refunded group 7 amount 1000 Closed(Expired)",
            "5 refunded group 7 amount 2000 Closed(Expired)",
        ],
    );
}

#[test]
fn a_consolation_that_differs_by_seat_is_told_and_other_rewards_are_not_yet() {
    let paid = |member, program, cash| RewardPaid {
        member: MemberId(member),
        program,
        source_seat: Some(1),
        generation: 0,
        base: Money(cash),
        rate: None,
        cash: Money(cash),
        coins: Coins(1),
        rule: 0,
    };
    let event = settled_event(|settled| {
        (settled.consolation_cash, settled.consolation_coins) = (Money::ZERO, Coins::ZERO);
        settled.rewards = vec![
            paid(4, ProgramKind::Consolation, 70),
            paid(9, ProgramKind::Generation, 80),
        ];
    });
    check(
        &event,
        &[
            "4 not_won group 7 amount 1000 extra 70 coins 1 lost 1",
            "5 won group 7 amount 1000 won 1 lost 1",
        ],
    );
}

/// What is told is what the wallet gets: tax that is withheld of it is told beside it and not as his.
#[test]
fn rewards_are_told_net_of_their_tax() {
    check(
        &settled_event(|settled| settled.tax = Rate(200_000)),
        &[
            "4 not_won group 7 amount 1000 extra 40 tax 10 coins 30 lost 1",
            "5 won group 7 amount 1000 extra 40 tax 10 coins 30 won 1 lost 1",
        ],
    );
    let paid = |member, program, cash| RewardPaid {
        member: MemberId(member),
        program,
        source_seat: Some(1),
        generation: 0,
        base: Money(cash),
        rate: None,
        cash: Money(cash),
        coins: Coins(0),
        rule: 0,
    };
    let by_seat = settled_event(|settled| {
        settled.tax = Rate(200_000);
        (settled.consolation_cash, settled.consolation_coins) = (Money::ZERO, Coins::ZERO);
        settled.rewards = vec![
            paid(4, ProgramKind::Consolation, 71),
            paid(4, ProgramKind::WinnerBonus, 500),
        ];
    });
    check(
        &by_seat,
        &[
            "4 not_won group 7 amount 1000 extra 57 tax 14 lost 1",
            "5 won group 7 amount 1000 won 1 lost 1",
        ],
    );
    let vested = |member, withheld| Vested {
        member: MemberId(member),
        amount: Money(1_100),
        coins: Coins(3),
        withheld,
    };
    let tax = Withheld {
        of: Money(1_000),
        tax: Money(200),
    };
    let group = GROUP;
    check(
        &Event::RewardsVested {
            group,
            amounts: vec![vested(4, Some(tax)), vested(5, None)],
        },
        &[
            "4 vested group 7 amount 900 tax 200 coins 3",
            "5 vested group 7 amount 1100 coins 3",
        ],
    );
}

#[test]
fn money_that_goes_back() {
    let member = MemberId(4);
    check(
        &bounced(Some(member), Some(payment())),
        &["4 refunded group 7 amount 1000 Bounced(SecondPayment)"],
    );
    check(
        &bounced(Some(member), None),
        &["4 refunded amount 1000 Bounced(SecondPayment)"],
    );
    check(&bounced(None, Some(payment())), &[]);
    let left = Event::SeatLeft {
        payment: payment(),
        member,
        amount: Money(1_000),
        refund: RefundId(0),
    };
    check(&left, &["4 refunded group 7 amount 1000 Left"]);
    let vested = |member, amount| Vested {
        member: MemberId(member),
        amount: Money(amount),
        coins: Coins(2),
        withheld: None,
    };
    let returned = Event::OrderReturned {
        order: OrderId(1),
        payment: payment(),
        member,
        refund: RefundId(0),
        amount: Money(1_000),
        reversed: vec![vested(8, 5)],
        all: false,
        pool: None,
    };
    check(&returned, &["4 refunded group 7 amount 1000 Returned"]);
    // The channel's own confirmation is told by the channel.
    let sent = Event::RefundPaid {
        refund: RefundId(0),
        amount: Money(1_000),
        fee_back: Money(0),
    };
    check(&sent, &[]);
    let available = Event::RewardsVested {
        group: GROUP,
        amounts: vec![vested(9, 5), vested(8, 6)],
    };
    check(
        &available,
        &[
            "8 vested group 7 amount 6 coins 2",
            "9 vested group 7 amount 5 coins 2",
        ],
    );
}

#[test]
fn orders_dividends_and_coins() {
    let order = OrderId(12);
    let shipped = Event::OrderShipped {
        order,
        received_by: Millis(1),
    };
    check(&shipped, &["buyer of 12 shipped no. 12"]);
    check(&Event::OrderKept { order }, &[]);
    let share = DividendShare {
        member: MemberId(4),
        weight: 1,
        amount: Money(99),
    };
    let dividends = Event::DividendsPaid {
        plan: 1,
        until: Millis(1),
        shares: vec![share],
        more: false,
    };
    check(&dividends, &["4 dividend amount 99"]);
    let lost = CoinsLost {
        member: MemberId(4),
        coins: Coins(30),
    };
    let expired = Event::CoinsExpired {
        lost: vec![lost],
        more: false,
    };
    check(&expired, &["4 coins_expired coins 30"]);
}

#[test]
fn withdrawals() {
    let (withdrawal, member, amount) = (WithdrawalId(3), MemberId(4), Money(500));
    let requested = Event::WithdrawalRequested {
        withdrawal,
        member,
        token: [0; 16],
        amount,
        fee: Money(3),
        account: [0; 16],
    };
    check(&requested, &[]);
    check(
        &Event::WithdrawalApproved { withdrawal },
        &["asker of 3 withdrawal_sent no. 3"],
    );
    check(
        &Event::WithdrawalWaiting { withdrawal },
        &["asker of 3 withdrawal_waiting no. 3"],
    );
    let paid = Event::WithdrawalPaid {
        withdrawal,
        member,
        amount,
        fee: Money(3),
    };
    check(&paid, &["4 withdrawal_paid no. 3 amount 500"]);
    let rejected = Event::WithdrawalRejected {
        withdrawal,
        member,
        amount,
    };
    check(&rejected, &["4 withdrawal_rejected no. 3 amount 500"]);
    for (why, expected) in [
        (
            PayoutFailure::Failed,
            "4 withdrawal_failed no. 3 amount 500",
        ),
        (
            PayoutFailure::Expired,
            "4 withdrawal_expired no. 3 amount 500",
        ),
    ] {
        let failed = Event::WithdrawalFailed {
            withdrawal,
            member,
            amount,
            why,
        };
        check(&failed, &[expected]);
    }
}

#[test]
fn purchases_recharges_and_counters() {
    let (purchase, member) = (PurchaseId(6), MemberId(4));
    let (refund, amount, coins) = (RefundId(0), Money(900), Coins(100));
    let store = StoreId(1);
    let order = OrderId(12);
    for (event, expected) in [
        (
            ShopEvent::PurchaseShipped {
                purchase,
                received_by: Millis(1),
            },
            "buyer of purchase 6 purchase_shipped no. 6",
        ),
        (
            ShopEvent::PurchaseReturned {
                purchase,
                member,
                refund,
                amount,
                coins,
                undone: None,
                lots: Vec::new(),
            },
            "4 purchase_returned no. 6 amount 900 coins 100",
        ),
        (
            ShopEvent::PurchaseRedeemed {
                purchase,
                store,
                kept_at: None,
            },
            "buyer of purchase 6 purchase_fetched no. 6",
        ),
        (
            ShopEvent::OrderRedeemed { order, store },
            "buyer of 12 order_fetched no. 12",
        ),
    ] {
        check(&Event::Shop(event), &[expected]);
    }
    let gift = RechargeEvent::GiftGiven {
        recharge: purchase,
        member,
        coins,
    };
    check(&Event::Recharge(gift), &["4 coins_given no. 6 coins 100"]);
    let given = RechargeEvent::VipGiven {
        recharge: PurchaseId(6),
        member,
        level: 2,
        until: Millis(9),
    };
    check(&Event::Recharge(given), &["4 vip_given no. 6"]);
    let back = RechargeEvent::Refunded {
        recharge: purchase,
        member,
        refund,
        amount,
        coins,
        fee_back: Money(0),
        gift: Coins(0),
        kept: Money(0),
        vip_until: None,
    };
    check(
        &Event::Recharge(back),
        &["4 recharge_refunded no. 6 amount 900 coins 100"],
    );
    let paid = CounterPaid {
        counter: CounterId(3),
        token: [0; 16],
        member,
        store,
        merchant: MerchantId(1),
        bill: Money(1_000),
        coins,
        kept: Money(200),
        cash: CashTaker::Store,
        home: None,
        bought: Coins(0),
        home_waits: false,
    };
    check(
        &Event::Alliance(AllianceEvent::CounterPaid(paid)),
        &["4 counter_paid no. 3 amount 1000 coins 100"],
    );
    let back = CounterReversed {
        counter: CounterId(3),
        why: Reversal::Voided,
        member,
        merchant: MerchantId(1),
        coins,
        take: Money(100),
        payable: Money(0),
        owes: Money(100),
        home: None,
        bought: Coins(0),
    };
    check(
        &Event::Alliance(AllianceEvent::CounterReversed(back)),
        &["4 counter_reversed no. 3 coins 100"],
    );
}

#[test]
fn what_staff_decide_about_a_member() {
    let member = MemberId(4);
    check(&Event::MemberFrozen { member }, &["4 frozen"]);
    check(&Event::MemberUnfrozen { member }, &["4 unfrozen"]);
    let taken = Event::ClawedBack {
        member,
        amount: Money(50),
        short: Money(20),
        group: Some(GROUP),
    };
    check(&taken, &["4 clawed_back group 7 amount 50"]);
}

/// Nobody is told two things by one event, and members come in order: so record, place and member name a notice, and a
/// connector can say how far it has come.
#[test]
fn an_event_tells_a_member_one_thing_at_most() {
    let mut kinds = std::collections::BTreeSet::new();
    for event in stored::histories().iter().flat_map(|record| &record.events) {
        let found = told(event);
        kinds.extend(found.iter().map(|notice| notice.kind.name()));
        let members: Vec<MemberId> = found
            .iter()
            .filter_map(|notice| match notice.to {
                NoticeTo::Member(member) => Some(member),
                NoticeTo::Buyer(_) | NoticeTo::Purchaser(_) | NoticeTo::Asker(_) => None,
            })
            .collect();
        let is_one_other = members.is_empty() && found.len() <= 1;
        assert!(is_one_other || members.len() == found.len(), "{event:?}");
        assert!(members.is_sorted_by(|one, next| one < next), "{event:?}");
    }
    // The histories reach nearly all there is to tell.
    assert!(22 <= kinds.len(), "{kinds:?}");
}

#[test]
fn kinds_have_names_of_their_own() {
    let mut names = NoticeKind::ALL.map(NoticeKind::name);
    names.sort_unstable();
    assert!(names.is_sorted_by(|one, next| one < next));
}
