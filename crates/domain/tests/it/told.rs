//! What became of every payment, told by the events alone.

use std::collections::{BTreeMap, BTreeSet};

use domain::*;

/// What the events say, and nothing else.
#[derive(Default)]
pub(crate) struct Told {
    /// How often a payment was booked.
    pub(crate) booked: BTreeMap<String, u32>,
    seat_txn: BTreeMap<PaymentId, String>,
    /// Payments of winners.
    pub(crate) kept: BTreeSet<String>,
    /// Refunds that are decided and not confirmed: whose payment, and how much.
    pub(crate) due: BTreeMap<u64, (String, Money)>,
    /// What was sent back, in how many refunds.
    pub(crate) back: BTreeMap<String, (u32, Money)>,
    /// Rewards in cash by member.
    pub(crate) rewards: BTreeMap<MemberId, i64>,
}

impl Told {
    pub(crate) fn by(events: &[&Event]) -> Told {
        let mut told = Told::default();
        for event in events {
            told.hear(event);
        }
        told
    }

    fn owes(&mut self, refund: u64, txn: String, amount: Money) {
        let other = self.due.insert(refund, (txn, amount));
        assert_eq!(other, None, "refund {refund} is numbered twice");
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::PaymentAccepted { payment, txn, .. } => {
                *self.booked.entry(txn.to_string()).or_default() += 1;
                self.seat_txn.insert(*payment, txn.to_string());
            }
            Event::PaymentBounced {
                txn,
                amount,
                refund,
                ..
            } => {
                *self.booked.entry(txn.to_string()).or_default() += 1;
                self.owes(refund.0, txn.to_string(), *amount);
            }
            Event::SeatLeft {
                payment,
                amount,
                refund,
                ..
            } => self.owes(refund.0, self.seat_txn[payment].clone(), *amount),
            Event::GroupClosed {
                group,
                refund_each,
                first_refund,
                refunds,
                ..
            } => {
                for (refund, seat) in (first_refund.0..).zip(refunds) {
                    let (group, index) = (*group, seat.index);
                    let txn = self.seat_txn[&PaymentId { group, index }].clone();
                    self.owes(refund, txn, *refund_each);
                }
            }
            Event::GroupSettled(settled) => self.hear_settled(settled),
            Event::RefundPaid { refund, amount, .. } => {
                let (txn, owed) = self.due.remove(&refund.0).expect("this refund is due");
                assert_eq!(owed, *amount);
                let (refunds, sum) = self.back.entry(txn).or_default();
                *refunds += 1;
                *sum = sum.plus(*amount).unwrap();
            }
            _ => {}
        }
    }

    fn hear_settled(&mut self, settled: &GroupSettled) {
        assert_eq!((settled.seats.len(), settled.winners.len()), (4, 1));
        let mut refund = settled.first_refund.0;
        for (number, seat) in (0u32..).zip(&settled.seats) {
            let (group, index) = (settled.group, seat.index);
            let txn = self.seat_txn[&PaymentId { group, index }].clone();
            if settled.winners.contains(&number) {
                assert!(self.kept.insert(txn), "one payment won twice");
            } else {
                self.owes(refund, txn, settled.price);
                refund += 1;
                *self.rewards.entry(seat.member).or_default() += settled.consolation_cash.0;
            }
        }
        for reward in &settled.rewards {
            *self.rewards.entry(reward.member).or_default() += reward.cash.0;
        }
    }
}

/// Rewards vest once, when the last order of their group is kept, and come to what was paid (rules 9.1).
pub(crate) fn check_vesting<'a>(events: impl Iterator<Item = &'a Event>) {
    let mut order_of: BTreeMap<OrderId, GroupId> = BTreeMap::new();
    let mut waiting: BTreeMap<GroupId, (i64, i64)> = BTreeMap::new();
    for event in events {
        match event {
            Event::GroupSettled(settled) => {
                let orders = (settled.first_order.0..).zip(&settled.winners);
                order_of.extend(orders.map(|(order, _)| (OrderId(order), settled.group)));
                let rewards = settled.rewards.iter();
                let sums = rewards
                    .filter(|paid| paid.program != ProgramKind::Consolation)
                    .fold((0, 0), |sums, paid| {
                        (sums.0 + paid.cash.0, sums.1 + paid.coins.0)
                    });
                if sums != (0, 0) {
                    waiting.insert(settled.group, sums);
                }
            }
            Event::OrderKept { order } => {
                assert!(
                    order_of.remove(order).is_some(),
                    "order {order} is not open"
                );
            }
            Event::RewardsVested { group, amounts } => {
                let mut open = order_of.values();
                assert!(
                    !open.any(|other| other == group),
                    "group {group} vests before its orders are kept"
                );
                let sums = amounts.iter().fold((0, 0), |sums, vested| {
                    (sums.0 + vested.amount.0, sums.1 + vested.coins.0)
                });
                assert_eq!(waiting.remove(group), Some(sums), "group {group}");
            }
            _ => {}
        }
    }
    assert_eq!(waiting, BTreeMap::new(), "rewards that never vest");
}
