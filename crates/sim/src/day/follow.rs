//! What people and machines do once an answer is durable.

use domain::{Command, GroupId, MemberId, OrderId, PaymentId, RefundId};
use engine::Step;

use super::{Sent, Simulation};
use crate::model::Told;
use crate::plans::Plan;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

impl Simulation {
    /// What the platform's own workers see in the durable world: draws to make, refunds to send, orders to ship.
    pub(super) fn look_at(&mut self, step: &Step) {
        let world = step.world();
        for awaited in world.awaiting_draw(usize::MAX) {
            if self.awaited.insert(awaited.group) {
                self.plan_draw(awaited.group, awaited.round_time_s.cast_signed() * 1000);
            }
        }
        let after = self.refunds_seen.checked_sub(1).map(RefundId);
        for pending in world.pending_refunds(after, usize::MAX) {
            self.refunds_seen = pending.refund.0 + 1;
            let delay = if self.rng.percent(80) {
                self.rng.between(0, MINUTE)
            } else {
                self.rng.between(0, 5 * HOUR)
            };
            let txn = pending.txn.as_str().to_owned();
            self.booked.insert(txn.clone());
            let plan = Plan::Refund(pending.refund, txn, pending.amount.0);
            self.agenda.add(self.clock + delay, plan);
        }
        while let Some(order) = world.order(OrderId(self.orders_seen)) {
            let (id, member) = (OrderId(self.orders_seen), order.member);
            self.orders_seen += 1;
            self.stats.orders += 1;
            self.plan_order(id, member);
        }
    }

    fn plan_draw(&mut self, group: GroupId, round_time: i64) {
        let delay = self.rng.between(0, MINUTE);
        if self.rng.percent(3) {
            // No relay answers, all day long.
            self.agenda.add(round_time + HOUR, Plan::Void(group));
            self.agenda
                .add(round_time + 24 * HOUR - 1, Plan::Void(group));
            self.agenda
                .add(round_time + 24 * HOUR + delay, Plan::Void(group));
            return;
        }
        self.agenda.add(round_time + delay, Plan::Settle(group));
        if self.rng.percent(5) {
            self.agenda.add(round_time + delay, Plan::Void(group));
            self.agenda.add(round_time + delay + 1, Plan::Settle(group));
        }
    }

    fn plan_order(&mut self, order: OrderId, member: MemberId) {
        if self.rng.percent(5) {
            return;
        }
        let shipped = self.clock + self.rng.between(HOUR, 48 * HOUR);
        self.agenda.add(shipped, Plan::Ship(order));
        if self.rng.percent(10) {
            self.agenda.add(shipped + HOUR, Plan::Ship(order));
            self.agenda
                .add(shipped - MINUTE, Plan::Receive(order, member));
            self.agenda
                .add(shipped + HOUR, Plan::Receive(order, MemberId(member.0 + 1)));
        }
        if self.rng.percent(60) {
            let received = shipped + self.rng.between(HOUR, 20 * 24 * HOUR);
            self.agenda.add(received, Plan::Receive(order, member));
        }
    }

    /// Answers leave now, and their senders act on them.
    pub(super) fn follow_up(&mut self) {
        for Sent {
            request,
            told,
            fresh,
        } in std::mem::take(&mut self.sent)
        {
            self.note_history(&request.command, told);
            if !fresh {
                continue;
            }
            match (request.command, told) {
                (Command::RegisterMember { .. }, Told::Member(member)) => {
                    self.plan_visits(MemberId(member))
                }
                (Command::OpenGroup { member, .. }, Told::Reserved(payment, pay_by)) => {
                    self.stats.groups += 1;
                    self.plan_leader(payment, member, pay_by);
                }
                (Command::JoinGroup { member, .. }, Told::Reserved(payment, pay_by)) => {
                    self.plan_payment(payment, member, pay_by);
                }
                (Command::AcceptPayment { txn, .. }, Told::Refused("payment_not_in_memory"))
                | (Command::JoinPaid { txn, .. }, Told::Refused("group_over")) => {
                    self.agenda
                        .add(self.clock, Plan::Stray(txn.as_str().to_owned()));
                }
                _ => {}
            }
        }
    }

    /// What anybody can look up afterwards.
    fn note_history(&mut self, command: &Command, told: Told) {
        let txn = if let Command::AcceptPayment { txn, .. }
        | Command::JoinPaid { txn, .. }
        | Command::BouncePayment { txn, .. } = command
        {
            Some(txn)
        } else {
            None
        };
        match told {
            Told::Seated(_) => self.stats.seats += 1,
            Told::Bounced(_) => self.stats.bounced += 1,
            Told::Known => self.stats.known += 1,
            Told::Member(_) => self.stats.members = self.model.people.len() as u64,
            Told::Done if matches!(command, Command::SettleGroup { .. }) => self.stats.settled += 1,
            Told::Done if matches!(command, Command::VoidGroup { .. }) => self.stats.void += 1,
            Told::Done
            | Told::Campaign(_)
            | Told::Reserved(..)
            | Told::Withdrawal(_)
            | Told::Sku(_)
            | Told::Purchase(_)
            | Told::Merchant(_)
            | Told::Store(_)
            | Told::Counter(_)
            | Told::Refused(_) => {}
        }
        if let (Some(txn), Told::Seated(_) | Told::Bounced(_) | Told::Known) = (txn, told) {
            self.booked.insert(txn.as_str().to_owned());
        }
    }

    fn plan_visits(&mut self, member: MemberId) {
        let end = self.day_end();
        for _ in 0..self.rng.between(1, 7) {
            let at = self.rng.between(self.clock, end.max(self.clock));
            self.agenda.add(at, Plan::Visit(member));
        }
    }

    fn plan_leader(&mut self, payment: PaymentId, member: MemberId, pay_by: i64) {
        if self.rng.percent(3) {
            return;
        }
        self.plan_payment(payment, member, pay_by);
        let group = payment.group;
        match self.rng.below(100) {
            0..=1 => {
                let at = self.clock + self.rng.between(MINUTE, HOUR);
                self.agenda.add(at, Plan::Leave(group, member));
            }
            2..=4 => {
                let at = self.clock + self.rng.between(MINUTE, 3 * HOUR);
                self.agenda.add(at, Plan::Cancel(group));
            }
            _ => {}
        }
    }

    fn plan_payment(&mut self, payment: PaymentId, member: MemberId, pay_by: i64) {
        let price = self.price_of(payment.group);
        let soon = self.clock + self.rng.between(500, 30_000);
        let pays: Vec<(i64, i64)> = match self.rng.below(100) {
            // Never.
            0..=5 => Vec::new(),
            // Late, or at the very deadline.
            6..=12 => vec![(pay_by + self.rng.between(0, 2 * HOUR), price)],
            13 => vec![(pay_by, price)],
            // Twice.
            14..=16 => vec![(soon, price), (soon + MINUTE, price)],
            // Another amount, and then the right one.
            17 => vec![(soon, self.rng.between(1, 2 * price))],
            18 => vec![
                (soon, self.rng.between(1, 2 * price)),
                (soon + 20_000, price),
            ],
            _ => vec![(soon, price)],
        };
        for (at, amount) in pays {
            let plan = Plan::Pay {
                payment,
                member,
                amount,
            };
            self.agenda.add(at, plan);
        }
        let at = self.clock + self.rng.between(0, HOUR);
        match self.rng.below(100) {
            0..=2 => self.agenda.add(at, Plan::Leave(payment.group, member)),
            // He joins the same group again: to no avail, or for a second seat, or because he lapsed.
            3..=6 => self.agenda.add(at, Plan::JoinAgain(payment.group, member)),
            _ => {}
        }
    }
}
