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

/// Rewards vest once, when the last order of their group is kept or back, and come to what was paid less what came from
/// the seats whose products were returned: all of it if nobody kept his (rules 9.1).
pub(crate) fn check_vesting<'a>(events: impl Iterator<Item = &'a Event>) {
    let mut order_of: BTreeMap<OrderId, (GroupId, u32)> = BTreeMap::new();
    let mut waiting: BTreeMap<GroupId, Vec<(Option<u32>, i64, i64)>> = BTreeMap::new();
    let mut kept_in: BTreeSet<GroupId> = BTreeSet::new();
    let sum = |rewards: &[(Option<u32>, i64, i64)]| {
        rewards.iter().fold((0, 0), |sums, (_, cash, coins)| {
            (sums.0 + cash, sums.1 + coins)
        })
    };
    let told = |amounts: &[Vested]| {
        amounts.iter().fold((0, 0), |sums, vested| {
            (sums.0 + vested.amount.0, sums.1 + vested.coins.0)
        })
    };
    for event in events {
        match event {
            Event::GroupSettled(settled) => {
                let group = settled.group;
                let mut seats: Vec<u32> = settled.winners.clone();
                seats.sort_unstable();
                let orders = (settled.first_order.0..).zip(seats);
                order_of.extend(orders.map(|(order, seat)| (OrderId(order), (group, seat))));
                let rewards = settled.rewards.iter();
                let later = rewards
                    .filter(|paid| paid.program != ProgramKind::Consolation)
                    .map(|paid| (paid.source_seat, paid.cash.0, paid.coins.0));
                let later: Vec<_> = later.collect();
                if sum(&later) != (0, 0) {
                    waiting.insert(group, later);
                }
            }
            Event::OrderKept { order } => {
                let (group, _) = order_of.remove(order).expect("an open order is kept");
                kept_in.insert(group);
            }
            Event::OrderReturned {
                order, reversed, ..
            } => {
                let (group, seat) = order_of.remove(order).expect("an open order is returned");
                let is_last = order_of.values().all(|(other, _)| *other != group);
                let all = is_last && !kept_in.contains(&group);
                let later = waiting.remove(&group).unwrap_or_default();
                let (gone, rest): (Vec<_>, Vec<_>) = later
                    .into_iter()
                    .partition(|(source, ..)| all || *source == Some(seat));
                assert_eq!(told(reversed), sum(&gone), "order {order}");
                if sum(&rest) != (0, 0) {
                    waiting.insert(group, rest);
                }
            }
            Event::RewardsVested { group, amounts } => {
                assert!(
                    order_of.values().all(|(other, _)| other != group),
                    "group {group} vests before its orders are kept"
                );
                let later = waiting.remove(group).expect("rewards wait");
                assert_eq!(told(amounts), sum(&later), "group {group}");
            }
            _ => {}
        }
    }
    assert_eq!(waiting, BTreeMap::new(), "rewards that never vest");
}
