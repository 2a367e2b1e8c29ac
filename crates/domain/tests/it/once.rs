//! Every payment that was ever reported is booked once, and then either kept by a winner or refunded once, in full.
//! Random histories with late, double and wrong payments, gateways, restarts, and deadlines met to the millisecond.
use std::collections::{BTreeMap, BTreeSet};

use domain::*;
use proptest::prelude::*;

use crate::shop::*;

#[derive(Clone, Debug)]
enum Step {
    Open(u8, u8),
    Join(u8, u8, u8),
    Leave(u8, u8),
    Pay(u8, u8, u8, i8),
    PaidJoin(u8, u8, u8, u8, i8),
    Again(u8),
    Wait(u8),
    Tick,
    Settle,
    Void,
    Cancel(u8),
    Refund,
    Restart,
    Bounce(u8),
    Key(u8, u8, u8),
    Ship,
    Receive(u8),
    Publish(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<(u8,u8)>().prop_map(|(a,b)| Step::Open(a,b)),
        10 => any::<(u8,u8,u8)>().prop_map(|(a,b,c)| Step::Join(a,b,c)),
        4 => any::<(u8,u8)>().prop_map(|(a,b)| Step::Leave(a,b)),
        14 => (any::<u8>(), any::<u8>(), 0u8..3, prop_oneof![6=>Just(0i8),1=>Just(1),1=>Just(-1)]).prop_map(|(a,b,c,d)| Step::Pay(a,b,c,d)),
        6 => (any::<u8>(), any::<u8>(), any::<u8>(), 0u8..4, prop_oneof![6=>Just(0i8),1=>Just(1)]).prop_map(|(a,b,c,d,e)| Step::PaidJoin(a,b,c,d,e)),
        3 => any::<u8>().prop_map(Step::Again),
        4 => (0u8..14).prop_map(Step::Wait),
        2 => Just(Step::Tick), 2 => Just(Step::Settle), 1 => Just(Step::Void), 1 => any::<u8>().prop_map(Step::Cancel),
        2 => Just(Step::Refund), 1 => Just(Step::Restart), 1 => any::<u8>().prop_map(Step::Bounce), 2 => any::<(u8,u8,u8)>().prop_map(|(a,b,c)| Step::Key(a,b,c)),
        1 => Just(Step::Ship), 1 => any::<u8>().prop_map(Step::Receive), 1 => any::<bool>().prop_map(Step::Publish),
    ]
}

/// Waits of 0 ms, 1 ms, windows to the millisecond, days.
const WAITS: [i64; 14] = [
    0,
    1,
    999,
    1_000,
    9_999,
    10_000,
    10_001,
    29_999,
    30_000,
    30_001,
    3_000,
    86_400_000,
    90_000_000,
    7 * 86_400_000,
];

fn terms(exempt: bool, per: u32) -> Campaign {
    let mut t = campaign(10_000, 4, 1, 2_000);
    t.group.fill_within = Duration::seconds(30);
    t.group.payment_window = Duration::seconds(10);
    t.group.seats_per_member = per;
    t.group.leader = if exempt {
        LeaderRule::Exempt
    } else {
        LeaderRule::Equal
    };
    t.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: exempt,
    };
    t.rewards = vec![
        consolation(100, 50),
        rewards::Reward {
            program: rewards::Program::Formation(rewards::Formation {
                per_recruit: Money(100),
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Leader(rewards::Leader {
                cash: Money(70),
                coins: Coins(30),
                unless_won: true,
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Generation(rewards::Generation {
                source: rewards::Source::All,
                base: rewards::Base::Price,
                rates: vec![Rate(1_000), Rate(2_000)],
                vip_depth: None,
            }),
            limit: rewards::Limit::Own(Money(90)),
        },
    ];
    t
}

/// Everything the channel ever took in, by number: amount. What has been reported at least once.
struct Channel {
    sent: BTreeMap<String, (Money, Command)>,
}

fn report(shop: &mut Shop, channel: &mut Channel, name: &str, amount: Money, command: Command) {
    let known = channel
        .sent
        .entry(name.to_owned())
        .or_insert((amount, command))
        .1
        .clone();
    match shop.try_do(known.clone()) {
        Ok(Answer::Payment(_)) => {}
        Ok(other) => panic!("{other:?}"),
        Err(Refusal::PaymentNotInMemory(_) | Refusal::GroupNotInMemory(_)) => {
            let seen = shop.records.iter().flat_map(|r| &r.events).any(|e| matches!(e, Event::PaymentAccepted { txn, .. } | Event::PaymentBounced { txn, .. } if txn.as_str() == name));
            if !seen {
                let (payment, member) = match &known {
                    Command::AcceptPayment { payment, .. } => (Some(*payment), None),
                    Command::JoinPaid { group, member, .. } => (
                        Some(PaymentId {
                            group: *group,
                            index: NO_RESERVATION,
                        }),
                        Some(*member),
                    ),
                    _ => unreachable!(),
                };
                let txn = shop.txn(name);
                shop.must(Command::BouncePayment {
                    payment,
                    member,
                    txn,
                    amount,
                });
            }
        }
        Err(other) => panic!("a payment is refused: {other:?} {known:?}"),
    }
}

fn run(shop: &mut Shop, ch: &mut Channel, step: &Step, n: usize) {
    let groups = shop.world.groups();
    let members = shop.world.members();
    let g = |x: u8| GroupId(u64::from(x) % groups.max(1));
    let m = |x: u8| MemberId(u32::from(x) % members);
    let via = |x: u8| {
        x.is_multiple_of(3)
            .then(|| MemberId(u32::from(x) / 3 % members))
    };
    match *step {
        Step::Open(c, who) => {
            let campaign = CampaignId(u32::from(c) % shop.world.campaigns());
            let _ = shop.try_do(Command::OpenGroup {
                campaign,
                member: m(who),
                via: via(c),
            });
        }
        Step::Join(a, b, c) => {
            let _ = shop.try_do(Command::JoinGroup {
                group: g(a),
                member: m(b),
                via: via(c),
            });
        }
        Step::Leave(a, b) => {
            let _ = shop.try_do(Command::LeaveGroup {
                group: g(a),
                member: m(b),
            });
        }
        Step::Pay(a, b, c, d) => {
            let payment = PaymentId {
                group: g(a),
                index: u32::from(b % 8),
            };
            if groups == 0 {
                return;
            }
            let Some((member, _)) = shop.world.seat(payment) else {
                return;
            };
            let amount = Money(10_000 + i64::from(d));
            let name = format!("T{payment}/{c}{d}");
            let txn = shop.txn(&name);
            report(
                shop,
                ch,
                &name,
                amount,
                Command::AcceptPayment {
                    payment,
                    txn,
                    amount,
                    tag: tag(payment.group, member),
                },
            );
        }
        Step::PaidJoin(a, b, c, d, e) => {
            if groups == 0 {
                return;
            }
            let (group, member) = (g(a), m(b));
            let amount = Money(10_000 + i64::from(e));
            let name = format!("G{group}/{member}/{d}{e}");
            let txn = shop.txn(&name);
            report(
                shop,
                ch,
                &name,
                amount,
                Command::JoinPaid {
                    group,
                    member,
                    via: via(c),
                    txn,
                    amount,
                    tag: tag(group, member),
                },
            );
        }
        Step::Again(x) => {
            let Some((name, (amount, command))) = ch
                .sent
                .iter()
                .nth(usize::from(x) % ch.sent.len().max(1))
                .map(|(a, b)| (a.clone(), b.clone()))
            else {
                return;
            };
            if name.starts_with('B') {
                return;
            }
            report(shop, ch, &name, amount, command);
        }
        Step::Wait(w) => shop.clock = Millis(shop.clock.0 + WAITS[usize::from(w)]),
        Step::Tick => {
            while let Some((_, due)) = shop.world.next_timer().filter(|(at, _)| *at <= shop.clock) {
                shop.must(Command::Tick(due));
            }
        }
        Step::Settle => {
            for a in shop.world.awaiting_draw(9) {
                shop.settle(a.group);
            }
        }
        Step::Void => {
            for a in shop.world.awaiting_draw(9) {
                let _ = shop.try_do(Command::VoidGroup { group: a.group });
            }
        }
        Step::Cancel(a) => {
            let _ = shop.try_do(Command::CancelGroup { group: g(a) });
        }
        Step::Refund => {
            for p in shop.world.pending_refunds(None, 3) {
                shop.must(Command::ConfirmRefund { refund: p.refund });
                assert!(
                    shop.try_do(Command::ConfirmRefund { refund: p.refund })
                        .is_err()
                );
            }
        }
        Step::Restart => {
            let bytes = shop.world.to_snapshot();
            shop.world = World::from_snapshot(&bytes).unwrap();
        }
        Step::Bounce(x) => {
            let name = format!("B{x}");
            let txn = shop.txn(&name);
            let seen = shop
                .records
                .iter()
                .flat_map(|r| &r.events)
                .any(|e| matches!(e, Event::PaymentBounced { txn: t, .. } if *t == txn));
            let cmd = Command::BouncePayment {
                payment: None,
                member: None,
                txn,
                amount: Money(777),
            };
            if !seen {
                shop.must(cmd.clone());
                ch.sent.insert(name, (Money(777), cmd));
            }
        }
        Step::Key(a, b, c) => {
            let key = Some(IdempotencyKey {
                key: [c % 4; 16],
                content: [a ^ b; 16],
            });
            let req = Request {
                actor: Actor::Member(m(b)),
                key,
                command: Command::JoinGroup {
                    group: g(a),
                    member: m(b),
                    via: None,
                },
            };
            let first = shop.request(&req);
            let len = shop.records.len();
            if let Ok(first) = first {
                assert_eq!(shop.request(&req), Ok(first));
                assert_eq!(shop.records.len(), len);
            }
        }
        Step::Ship => {
            for order in (0..30).map(OrderId) {
                let _ = shop.try_do(Command::ShipOrder { order });
            }
        }
        Step::Receive(o) => {
            let order = OrderId(u64::from(o % 8));
            let member = shop.world.order(order).map_or(MemberId(0), |o| o.member);
            let _ = shop.try_do(Command::ReceiveOrder { order, member });
        }
        Step::Publish(e) => {
            let _ = shop.try_do(Command::PublishCampaign {
                campaign: Box::new(terms(e, 1 + u32::try_from(n % 3).unwrap())),
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_payment_is_seated_or_refunded_once(steps in prop::collection::vec(step(), 1..160), per in 1u32..4, exempt: bool) {
        let mut shop = Shop::new();
        shop.members(6);
        shop.must(Command::DepositCapital { amount: Money(1_000_000) });
        shop.publish(terms(exempt, per));
        let mut ch = Channel { sent: BTreeMap::new() };
        for (n, step) in steps.iter().enumerate() {
            let was = shop.world.to_snapshot(); let len = shop.records.len();
            run(&mut shop, &mut ch, step, n);
            if len == shop.records.len() { prop_assert!(was == shop.world.to_snapshot()); }
            prop_assert_eq!(shop.world.violations(), Vec::<String>::new(), "{:?}", step);
        }
        run(&mut shop, &mut ch, &Step::Settle, 0);
        shop.wait(200 * 86_400);
        run(&mut shop, &mut ch, &Step::Tick, 0);
        run(&mut shop, &mut ch, &Step::Settle, 0);
        run(&mut shop, &mut ch, &Step::Ship, 0);
        shop.wait(200 * 86_400);
        run(&mut shop, &mut ch, &Step::Tick, 0);
        for p in shop.world.pending_refunds(None, usize::MAX) { shop.must(Command::ConfirmRefund { refund: p.refund }); }
        shop.check();
        // By events alone.
        let mut refund_of: BTreeMap<u64, (String, i64)> = BTreeMap::new();
        let mut seat_txn: BTreeMap<PaymentId, String> = BTreeMap::new();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        let mut back: BTreeMap<String, (u32, i64)> = BTreeMap::new();
        let mut accepted: BTreeMap<String, u32> = BTreeMap::new();
        let mut avail: BTreeMap<MemberId, i64> = BTreeMap::new();
        let mut due = |no: u64, txn: &String, amount: i64| { assert!(refund_of.insert(no, (txn.clone(), amount)).is_none(), "refund number twice"); };
        let mut paid_refunds = Vec::new();
        for e in shop.records.iter().flat_map(|r| &r.events) { match e {
            Event::PaymentAccepted { payment, txn, .. } => { *accepted.entry(txn.to_string()).or_default() += 1; seat_txn.insert(*payment, txn.to_string()); }
            Event::PaymentBounced { txn, amount, refund, .. } => { *accepted.entry(txn.to_string()).or_default() += 1; due(refund.0, &txn.to_string(), amount.0); }
            Event::SeatLeft { payment, amount, refund, .. } => due(refund.0, &seat_txn[payment], amount.0),
            Event::GroupClosed { group, refund_each, first_refund, refunds, .. } => for (no, seat) in (first_refund.0..).zip(refunds) { due(no, &seat_txn[&PaymentId { group: *group, index: seat.index }], refund_each.0); },
            Event::GroupSettled(st) => {
                prop_assert_eq!(st.seats.len(), 4); prop_assert_eq!(st.winners.len(), 1);
                let mut no = st.first_refund.0;
                for (i, seat) in st.seats.iter().enumerate() {
                    let txn = &seat_txn[&PaymentId { group: st.group, index: seat.index }];
                    if st.winners.contains(&u32::try_from(i).unwrap()) { prop_assert!(kept.insert(txn.clone())); } else { due(no, txn, st.price.0); no += 1; *avail.entry(seat.member).or_default() += st.consolation_cash.0; }
                }
                for r in &st.rewards { *avail.entry(r.member).or_default() += r.cash.0; }
            }
            Event::RefundPaid { refund, amount, .. } => paid_refunds.push((refund.0, amount.0)),
            _ => {}
        } }
        for (no, amount) in paid_refunds { let (txn, want) = refund_of.remove(&no).expect("refund of nothing, or twice"); prop_assert_eq!(want, amount); let b = back.entry(txn).or_default(); b.0 += 1; b.1 += amount; }
        prop_assert!(refund_of.is_empty());
        for (name, (amount, _)) in &ch.sent {
            prop_assert_eq!(accepted.get(name).copied(), Some(1), "{}", name);
            match (kept.contains(name), back.get(name)) { (true, None) => {}, (false, Some(&(1, b))) => prop_assert_eq!(b, amount.0), other => prop_assert!(false, "{name}: {other:?}") }
        }
        for (m, cash) in avail { prop_assert_eq!(shop.world.member(m).unwrap().available.0, cash); }
    }
}
